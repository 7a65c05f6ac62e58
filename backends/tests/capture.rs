//! Captures: read back what was written, and have tshark read it.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketBlock;
use pcap_file::pcapng::blocks::interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption};
use pcap_file::{DataLink, Endianness};
use tickwire_backends::capture::{Capture, CaptureError, Direction, QUEUE_BYTES, QUEUE_FRAMES, read_frames};
use tickwire_core::Instant;
use tickwire_core::config::Medium;
use tickwire_core::frame::TxBatch;
use tickwire_core::provenance::{Occasion, Provenance, Trigger};

/// 2026-01-01T00:00:00.000000001Z.
const UNIX_OFFSET: Duration = Duration::new(1_767_225_600, 1);

/// An ARP request (RFC 826), so that any analyser has something to say about it.
const ARP: &[u8] = &[
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 192, 0, 2, 1,
    0, 0, 0, 0, 0, 0, 192, 0, 2, 2,
];

/// A file of this test's own, removed at the end.
struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str) -> TempFile {
        TempFile(std::env::temp_dir().join(format!("tickwire-{}-{name}.pcapng", std::process::id())))
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// One frame in, one out on a second interface, cut into head and slice.
fn write_two(file: &TempFile) {
    let (capture, writer) = Capture::create(&file.0, UNIX_OFFSET).expect("the temporary directory takes files");
    capture.add_interface("tap7", Medium::Ethernet, 1514);
    capture.add_interface("pair0", Medium::Ethernet, 9014);
    capture.inbound(0, Instant::from_nanos(0), 1, &Bytes::from_static(ARP));
    let mut batch = TxBatch::new();
    batch.push(&ARP[..14], [Bytes::from_static(&ARP[14..])]);
    let occasion = Occasion { trigger: Trigger::Frame(1), at: Instant::from_nanos(123_451_788) };
    let provenance = Provenance { serial: 2, occasion };
    let frame = batch.frames().next().expect("one frame");
    capture.outbound(1, Instant::from_nanos(123_456_788), frame, Some(provenance));
    drop(capture);
    let summary = writer.finish().expect("written");
    assert_eq!((summary.written, summary.lost), (2, 0));
}

#[test]
fn what_was_written_is_read_back() {
    let file = TempFile::new("roundtrip");
    write_two(&file);
    let captured = read_frames(std::fs::File::open(&file.0).expect("it was written")).expect("pcapng");
    let names: Vec<_> = captured.interfaces.values().map(|i| i.name.as_deref()).collect();
    assert_eq!(names, [Some("tap7"), Some("pair0")]);
    let seen: Vec<_> = captured.frames.iter().map(|f| (f.interface, f.direction, f.unix_nanos)).collect();
    assert_eq!(
        seen,
        [
            (0, Some(Direction::Inbound), 1_767_225_600_000_000_001),
            (1, Some(Direction::Outbound), 1_767_225_600_123_456_789),
        ]
    );
    assert!(captured.frames.iter().all(|f| f.data[..] == *ARP && f.original_len == 42));
    let comments: Vec<_> = captured.frames.iter().map(|f| f.comment.as_deref()).collect();
    assert_eq!(comments, [Some("frame 1"), Some("frame 2 by frame 1, 5µs later")]);
}

#[test]
fn tshark_reads_times_names_and_directions_exactly() {
    let file = TempFile::new("tshark");
    write_two(&file);
    let fields = [
        "frame.time_epoch",
        "frame.interface_name",
        "frame.packet_flags_direction",
        "frame.len",
        "arp.opcode",
        "frame.comment",
    ];
    let mut command = Command::new("tshark");
    command.arg("-r").arg(&file.0).args(["-T", "fields"]);
    for field in fields {
        command.args(["-e", field]);
    }
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            println!("skipped: tshark cannot be run ({error}); install the package tshark");
            return;
        }
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(lines.len(), 2, "{text}{stderr}");
    // Some versions print a time of the form 2026-01-01T00:00:00.000000001Z, others seconds.
    let time_ends = ["00.000000001", "00.123456789"];
    for (line, end) in lines.iter().zip(time_ends) {
        assert!(line[0].trim_end_matches('Z').ends_with(end), "{line:?}");
    }
    assert_eq!(lines[0][1..3], ["tap7", "0x00000001"]);
    assert_eq!(lines[1][1..3], ["pair0", "0x00000002"]);
    assert!(lines.iter().all(|line| line[3..5] == ["42", "1"]), "{text}");
    assert_eq!((lines[0][5], lines[1][5]), ("frame 1", "frame 2 by frame 1, 5µs later"));
}

/// A capture by someone else: an interface of the given resolution and offset, one packet at `ticks`.
fn foreign(options: Vec<InterfaceDescriptionOption<'static>>, ticks: u64, endianness: Endianness) -> Vec<u8> {
    let mut writer = PcapNgWriter::with_endianness(Vec::new(), endianness).expect("memory takes all");
    let block = InterfaceDescriptionBlock { linktype: DataLink::ETHERNET, snaplen: 0, options };
    writer.write_pcapng_block(block).expect("memory takes all");
    let packet = EnhancedPacketBlock {
        interface_id: 0,
        timestamp: Duration::from_nanos(ticks),
        original_len: 42,
        data: ARP.into(),
        options: vec![],
    };
    writer.write_pcapng_block(packet).expect("memory takes all");
    writer.into_inner()
}

#[test]
fn times_are_scaled_by_the_interface_s_own_resolution() {
    use InterfaceDescriptionOption::{IfTsOffset, IfTsResol};
    let cases = [
        (vec![], 1_500_000, 1_500_000_000),
        (vec![IfTsResol(6)], 1_500_000, 1_500_000_000),
        (vec![IfTsResol(9)], 1_500_000, 1_500_000),
        (vec![IfTsResol(3)], 1_500, 1_500_000_000),
        (vec![IfTsResol(0)], 3, 3_000_000_000),
        (vec![IfTsResol(12)], 1_500_999, 1_500),
        (vec![IfTsResol(0x8a)], 1536, 1_500_000_000),
        (vec![IfTsResol(9), IfTsOffset(2)], 5, 2_000_000_005),
        (vec![IfTsResol(9), IfTsOffset((-1_i64).cast_unsigned())], 3_000_000_000, 2_000_000_000),
        (vec![IfTsResol(0xff)], u64::MAX, 0),
        (vec![IfTsResol(38)], u64::MAX, 0),
    ];
    for endianness in [Endianness::Big, Endianness::Little] {
        for (options, ticks, nanos) in cases.clone() {
            let captured = read_frames(&foreign(options.clone(), ticks, endianness)[..]).expect("valid");
            assert_eq!(captured.frames[0].unix_nanos, nanos, "{options:?}");
            assert_eq!(captured.frames[0].direction, None);
        }
    }
}

#[test]
fn damaged_captures_are_errors() {
    use InterfaceDescriptionOption::IfTsResol;
    assert!(matches!(read_frames(&b""[..]), Err(CaptureError::Format { block: 0, .. })));
    assert!(matches!(read_frames(&b"not a capture at all"[..]), Err(CaptureError::Format { block: 0, .. })));
    let whole = foreign(vec![], 1, Endianness::Little);
    assert!(matches!(read_frames(&whole[..whole.len() - 1]), Err(CaptureError::Format { block: 2, .. })));
    let resolution = foreign(vec![IfTsResol(39)], 1, Endianness::Little);
    assert!(matches!(read_frames(&resolution[..]), Err(CaptureError::Time { block: 1 })));
    let beyond = foreign(vec![IfTsResol(0)], u64::MAX, Endianness::Little);
    assert!(matches!(read_frames(&beyond[..]), Err(CaptureError::Time { block: 2 })));
}

/// A disk that stands still: a pipe that is read only once all frames have been offered.
#[cfg(unix)]
fn offered_to_a_stuck_writer(name: &str, frame_len: usize, frames: usize) -> (u64, u64) {
    let file = TempFile::new(name);
    assert!(Command::new("mkfifo").arg(&file.0).status().expect("coreutils").success());
    let path = file.0.clone();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let reader = std::thread::spawn(move || {
        let pipe = std::fs::File::open(path).expect("a pipe");
        wait.recv().expect("the frames have been offered");
        read_frames(pipe).expect("pcapng").frames.len() as u64
    });
    let (capture, writer) = Capture::create(&file.0, UNIX_OFFSET).expect("the pipe is read");
    capture.add_interface("tap7", Medium::Ethernet, frame_len as u32);
    let frame = Bytes::from(vec![0x5a; frame_len]);
    for _ in 0..frames {
        capture.inbound(0, Instant::from_nanos(1), 1, &frame);
    }
    let lost = capture.lost();
    drop(capture);
    go.send(()).expect("the reader waits");
    let summary = writer.finish().expect("written in the end");
    assert_eq!(summary.lost, lost);
    assert_eq!(reader.join().expect("no panic"), summary.written);
    (summary.written, lost)
}

#[cfg(unix)]
#[test]
fn the_queue_is_bounded_in_bytes_and_in_frames() {
    // The pipe and the writer's buffer hold some 320 KiB more.
    const BESIDE: usize = 1 << 20;
    for (frame_len, frames, queue_frames) in
        [(60_000, 2 * QUEUE_BYTES / 60_000, QUEUE_BYTES / 60_000), (60, 3 * QUEUE_FRAMES, QUEUE_FRAMES)]
    {
        let (written, lost) = offered_to_a_stuck_writer(&format!("stuck-{frame_len}"), frame_len, frames);
        assert_eq!(written + lost, frames as u64, "each frame is written or counted");
        // The interface's description may take a place too.
        let held = queue_frames - 1..=queue_frames + BESIDE / (frame_len + 44);
        assert!(held.contains(&(written as usize)), "{written} of {frame_len} bytes, not {held:?}");
    }
}
