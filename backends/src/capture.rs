//! Captures: what crossed the core's boundary, as pcapng.
//!
//! [`Capture`] is handed frames together with the `now` that the core was given; a thread of its
//! own writes them, so the driver never waits for a disk. Times are exact: nanoseconds, with the
//! interface's resolution written to the file. [`read_frames`] is the way back,
//! [`CaptureFile`] is for those who may wait, and [`write_frames`] for what is known as a whole.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption};
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::pcapng::{Block, PcapNgParser, PcapNgWriter};
use pcap_file::{DataLink, Endianness, PcapError};
use thiserror::Error;
use tickwire_core::Instant;
use tickwire_core::config::Medium;
use tickwire_core::frame::TxFrame;
use tickwire_core::provenance::Provenance;

/// Frames that wait for the writer; what comes on top is lost to the capture and counted.
pub const QUEUE_FRAMES: usize = 8192;

/// Bytes of frames that wait for the writer; likewise.
pub const QUEUE_BYTES: usize = 16 << 20;

/// Nanoseconds: the exponent of `if_tsresol` (draft-ietf-opsawg-pcapng section 4.2).
const RESOLUTION_NANOS: u8 = 9;
/// Microseconds, where a block does not say.
const RESOLUTION_DEFAULT: u8 = 6;
/// The direction bits of `epb_flags` (draft-ietf-opsawg-pcapng section 4.3.1).
const FLAGS_INBOUND: u32 = 1;
const FLAGS_OUTBOUND: u32 = 2;
const FLAGS_DIRECTION: u32 = 3;

/// Which way a frame went, as seen from the captured interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Received by the stack.
    Inbound,
    /// Sent by the stack.
    Outbound,
}

/// Why a capture was not written or not read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// The file could not be created or written.
    #[error("cannot write the capture {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The sink could not be written.
    #[error("cannot write the capture: {0}")]
    Sink(#[source] io::Error),
    /// The source could not be read.
    #[error("cannot read the capture: {0}")]
    Read(#[from] io::Error),
    /// It is not pcapng, or damaged.
    #[error("not a readable pcapng capture, block {block}: {source}")]
    Format {
        /// The number of the block, from 0.
        block: usize,
        /// What is wrong with it.
        source: PcapError,
    },
    /// A packet names an interface that was not described before it.
    #[error("block {block} is of interface {interface}, which the capture does not describe")]
    UnknownInterface {
        /// The number of the block, from 0.
        block: usize,
        /// The interface's number.
        interface: u32,
    },
    /// A timestamp or its resolution goes beyond what nanoseconds in 64 bits can say.
    #[error("block {block} has a time that does not fit 64 bits of nanoseconds")]
    Time {
        /// The number of the block, from 0.
        block: usize,
    },
}

/// What the writer thread is handed.
#[derive(Debug)]
enum Record {
    Interface { name: String, medium: Medium, frame_max: u32 },
    Frame { interface: u32, unix_nanos: u64, direction: Direction, data: Bytes, comment: Option<String> },
}

/// A running capture. Clones feed the same file.
#[derive(Clone, Debug)]
pub struct Capture {
    records: SyncSender<Record>,
    /// Bytes of the frames in the queue.
    queued: Arc<AtomicUsize>,
    lost: Arc<AtomicU64>,
    unix_offset_nanos: u64,
}

/// The writer of a [`Capture`]; see [`CaptureWriter::finish`].
#[derive(Debug)]
pub struct CaptureWriter {
    path: PathBuf,
    thread: JoinHandle<io::Result<u64>>,
    lost: Arc<AtomicU64>,
}

/// What became of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureSummary {
    /// The file.
    pub path: PathBuf,
    /// Frames in it.
    pub written: u64,
    /// Frames that came faster than they could be written, or after writing had failed.
    pub lost: u64,
}

impl Capture {
    /// Creates `path` and starts its writer. `unix_offset` is the wall time, since 1970, at
    /// [`Instant::ZERO`]: read once, so that times in the file never jump.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Write`]: the file could not be created, or no thread could be had.
    pub fn create(path: &Path, unix_offset: Duration) -> Result<(Capture, CaptureWriter), CaptureError> {
        let failed = |source| CaptureError::Write { path: path.to_owned(), source };
        let file = File::create(path).map_err(failed)?;
        let (records, queue) = sync_channel(QUEUE_FRAMES);
        let queued = Arc::new(AtomicUsize::new(0));
        let taken_from = Arc::clone(&queued);
        let thread = std::thread::Builder::new()
            .name("tickwire-capture".to_owned())
            .spawn(move || write_records(BufWriter::with_capacity(1 << 18, file), &queue, &taken_from))
            .map_err(failed)?;
        let lost = Arc::new(AtomicU64::new(0));
        let unix_offset_nanos = u64::try_from(unix_offset.as_nanos()).unwrap_or(u64::MAX);
        let capture = Capture { records, queued, lost: Arc::clone(&lost), unix_offset_nanos };
        Ok((capture, CaptureWriter { path: path.to_owned(), thread, lost }))
    }

    /// Describes the next interface; the first one is number 0. `frame_max` is the length of its
    /// longest frame. Blocks while the queue is full: a capture without it could not be read.
    pub fn add_interface(&self, name: &str, medium: Medium, frame_max: u32) {
        let _ = self.records.send(Record::Interface { name: name.to_owned(), medium, frame_max });
    }

    /// Records a received frame, without copying it. `serial` is its number among the frames that pass
    /// the stack, [`Stack::next_serial`](tickwire_core::Stack::next_serial): it stands in the frame's comment.
    pub fn inbound(&self, interface: u32, now: Instant, serial: u64, frame: &Bytes) {
        self.offer(interface, now, Direction::Inbound, frame.clone(), Some(format!("frame {serial}")));
    }

    /// Records a frame that is sent. Its comment tells its number, and which frame, timer or call caused it.
    pub fn outbound(&self, interface: u32, now: Instant, frame: TxFrame<'_>, provenance: Option<Provenance>) {
        let mut data = Vec::with_capacity(frame.len());
        frame.copy_to(&mut data);
        let comment = provenance.map(|provenance| provenance.describe(now).to_string());
        self.offer(interface, now, Direction::Outbound, data.into(), comment);
    }

    /// Frames lost so far.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    fn offer(&self, interface: u32, now: Instant, direction: Direction, data: Bytes, comment: Option<String>) {
        let unix_nanos = self.unix_offset_nanos.saturating_add(now.as_nanos());
        let frame_len = data.len();
        let fits = self.queued.fetch_add(frame_len, Ordering::Relaxed) + frame_len <= QUEUE_BYTES;
        if !fits || self.records.try_send(Record::Frame { interface, unix_nanos, direction, data, comment }).is_err() {
            self.queued.fetch_sub(frame_len, Ordering::Relaxed);
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl CaptureWriter {
    /// Waits until everything is written; all clones of the [`Capture`] must have been dropped before.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Write`]: the file could not be written to its end.
    pub fn finish(self) -> Result<CaptureSummary, CaptureError> {
        let ended = self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the writer panicked")));
        match ended {
            Ok(written) => Ok(CaptureSummary { path: self.path, written, lost: self.lost.load(Ordering::Relaxed) }),
            Err(source) => Err(CaptureError::Write { path: self.path, source }),
        }
    }
}

/// The writer thread: ends when the last [`Capture`] is dropped, or when writing fails.
fn write_records(file: impl Write, queue: &Receiver<Record>, queued: &AtomicUsize) -> io::Result<u64> {
    let mut section = SectionHeaderBlock { endianness: Endianness::native(), ..SectionHeaderBlock::default() };
    section.options.push(SectionHeaderOption::UserApplication("tickwire".into()));
    let mut writer = PcapNgWriter::with_section_header(file, section).map_err(into_io)?;
    let mut written = 0;
    while let Ok(first) = queue.recv() {
        // Flush whenever the queue runs empty: the file is whole also while nothing happens.
        for record in std::iter::once(first).chain(std::iter::from_fn(|| queue.try_recv().ok())) {
            writer.write_block(&block_of(&record)).map_err(into_io)?;
            if let Record::Frame { data, .. } = record {
                written += 1;
                queued.fetch_sub(data.len(), Ordering::Relaxed);
            }
        }
        writer.get_mut().flush()?;
    }
    writer.get_mut().flush()?;
    Ok(written)
}

fn block_of(record: &Record) -> Block<'_> {
    match record {
        Record::Interface { name, medium, frame_max } => interface_block(name, *medium, *frame_max),
        Record::Frame { interface, unix_nanos, direction, data, comment } => {
            let of_frame = options(Some(*direction), comment.as_deref());
            frame_block(*interface, *unix_nanos, data, data.len() as u32, of_frame)
        }
    }
}

fn interface_block(name: &str, medium: Medium, frame_max: u32) -> Block<'_> {
    let linktype = match medium {
        Medium::Ethernet => DataLink::ETHERNET,
        Medium::Ip | Medium::Loopback => DataLink::RAW,
    };
    Block::InterfaceDescription(InterfaceDescriptionBlock {
        linktype,
        snaplen: frame_max,
        options: vec![
            InterfaceDescriptionOption::IfName(name.into()),
            InterfaceDescriptionOption::IfTsResol(RESOLUTION_NANOS),
        ],
    })
}

fn options(direction: Option<Direction>, comment: Option<&str>) -> Vec<EnhancedPacketOption<'_>> {
    let flags = direction.map(|direction| match direction {
        Direction::Inbound => FLAGS_INBOUND,
        Direction::Outbound => FLAGS_OUTBOUND,
    });
    let comment = comment.map(|comment| EnhancedPacketOption::Comment(comment.into()));
    flags.map(EnhancedPacketOption::Flags).into_iter().chain(comment).collect()
}

fn frame_block<'a>(
    interface: u32,
    unix_nanos: u64,
    data: &'a [u8],
    original_len: u32,
    options: Vec<EnhancedPacketOption<'a>>,
) -> Block<'a> {
    Block::EnhancedPacket(EnhancedPacketBlock {
        interface_id: interface,
        timestamp: Duration::from_nanos(unix_nanos),
        original_len,
        data: data.into(),
        options,
    })
}

/// A capture that is written frame by frame, by who can wait for the disk.
pub struct CaptureFile<W: Write> {
    writer: PcapNgWriter<W>,
}

impl<W: Write> CaptureFile<W> {
    /// Begins it. The same calls make the same bytes on every machine.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Sink`], as of all that follows: `sink` could not be written.
    pub fn new(sink: W) -> Result<CaptureFile<W>, CaptureError> {
        let mut section = SectionHeaderBlock { endianness: Endianness::Little, ..SectionHeaderBlock::default() };
        section.options.push(SectionHeaderOption::UserApplication("tickwire".into()));
        let writer = PcapNgWriter::with_section_header(sink, section).map_err(into_sink)?;
        Ok(CaptureFile { writer })
    }

    /// Describes the next interface; the first one is number 0. Its frames are not cut.
    pub fn add_interface(&mut self, name: &str, medium: Medium) -> Result<(), CaptureError> {
        self.writer.write_block(&interface_block(name, medium, 0)).map(|_| ()).map_err(into_sink)
    }

    /// Adds a frame of an interface that was described.
    pub fn add(&mut self, frame: &CapturedFrame) -> Result<(), CaptureError> {
        let CapturedFrame { unix_nanos, interface, direction, data, original_len, comment } = frame;
        let of_frame = options(*direction, comment.as_deref());
        let block = frame_block(*interface, *unix_nanos, data, *original_len, of_frame);
        self.writer.write_block(&block).map(|_| ()).map_err(into_sink)
    }

    /// Ends it.
    pub fn finish(mut self) -> Result<(), CaptureError> {
        self.writer.get_mut().flush().map_err(CaptureError::Sink)
    }
}

/// Writes a whole capture: Ethernet interfaces, numbered from 0 in the order of `names`, and
/// `frames`. The same arguments make the same bytes on every machine.
///
/// # Errors
///
/// [`CaptureError::Sink`]: `sink` could not be written.
pub fn write_frames<'a>(
    mut sink: impl Write,
    names: &[&str],
    frames: impl IntoIterator<Item = &'a CapturedFrame>,
) -> Result<(), CaptureError> {
    let mut file = CaptureFile::new(&mut sink)?;
    for name in names {
        file.add_interface(name, Medium::Ethernet)?;
    }
    for frame in frames {
        file.add(frame)?;
    }
    file.finish()
}

fn into_sink(error: PcapError) -> CaptureError {
    CaptureError::Sink(into_io(error))
}

fn into_io(error: PcapError) -> io::Error {
    match error {
        PcapError::IoError(source) => source,
        other => io::Error::other(other),
    }
}

/// A frame of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapturedFrame {
    /// When it passed, in nanoseconds since 1970 (or since the start of a simulation).
    pub unix_nanos: u64,
    /// The interface's number in the capture.
    pub interface: u32,
    /// Which way it went, if the capture says.
    pub direction: Option<Direction>,
    /// The bytes captured.
    pub data: Bytes,
    /// The frame's length on the wire; more than `data` holds if the capture cut it off.
    pub original_len: u32,
    /// The packet's comment: of frames that a stack sent, what caused them.
    pub comment: Option<String>,
}

/// An interface of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapturedInterface {
    /// Its name, if the capture says.
    pub name: Option<String>,
    /// Nanoseconds per tick as a fraction.
    tick: Tick,
    /// Seconds to add to every time (`if_tsoffset`).
    offset_secs: i64,
}

/// A capture that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// The interfaces, by their numbers.
    pub interfaces: BTreeMap<u32, CapturedInterface>,
    /// The frames, in the order of the file.
    pub frames: Vec<CapturedFrame>,
}

/// The length of a timestamp's tick: 1 s / `per_sec`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tick {
    per_sec: u128,
}

impl Tick {
    /// Of an `if_tsresol` octet: the top bit chooses the base, 10 or 2, the rest is the negative exponent.
    fn from_resolution(octet: u8) -> Option<Tick> {
        let exponent = u32::from(octet & 0x7f);
        let per_sec = if octet & 0x80 == 0 { 10_u128.checked_pow(exponent) } else { 1_u128.checked_shl(exponent) };
        per_sec.map(|per_sec| Tick { per_sec })
    }

    /// `ticks` in nanoseconds, rounded down.
    fn nanos(self, ticks: u64) -> Option<u64> {
        let secs = u128::from(ticks) / self.per_sec;
        let rest = u128::from(ticks) % self.per_sec;
        // A rest above 2^98 can only be of a tick far below 1 ns: scale first, the loss is below a nanosecond.
        let fraction = match rest.checked_mul(1_000_000_000) {
            Some(scaled) => scaled / self.per_sec,
            None => rest / (self.per_sec / 1_000_000_000),
        };
        u64::try_from(secs * 1_000_000_000 + fraction).ok()
    }
}

/// Reads a whole pcapng capture. Each time is scaled by its own interface's resolution (default
/// microseconds) and offset. A file may hold several sections; interfaces are numbered through.
///
/// # Errors
///
/// [`CaptureError`]: the source cannot be read, is not pcapng, or says something impossible.
pub fn read_frames(mut source: impl Read) -> Result<Captured, CaptureError> {
    let mut bytes = Vec::new();
    source.read_to_end(&mut bytes)?;
    let mut captured = Captured::default();
    let (mut rest, mut parser) =
        PcapNgParser::new(&bytes).map_err(|source| CaptureError::Format { block: 0, source })?;
    // The number of the section's first interface among all of the file's.
    let mut section_base = 0;
    let mut block_number = 0;
    while !rest.is_empty() {
        block_number += 1;
        let (after, block) =
            parser.next_block(rest).map_err(|source| CaptureError::Format { block: block_number, source })?;
        rest = after;
        match block {
            Block::SectionHeader(_) => section_base = captured.interfaces.len() as u32,
            Block::InterfaceDescription(description) => {
                let interface = describe(&description).ok_or(CaptureError::Time { block: block_number })?;
                captured.interfaces.insert(captured.interfaces.len() as u32, interface);
            }
            Block::EnhancedPacket(packet) => {
                let frame = captured_frame(&captured, section_base, &packet, block_number)?;
                captured.frames.push(frame);
            }
            _ => {}
        }
    }
    Ok(captured)
}

fn describe(description: &InterfaceDescriptionBlock<'_>) -> Option<CapturedInterface> {
    let mut name = None;
    let mut resolution = RESOLUTION_DEFAULT;
    let mut offset_secs = 0;
    for option in &description.options {
        match option {
            InterfaceDescriptionOption::IfName(text) => name = Some(text.clone().into_owned()),
            InterfaceDescriptionOption::IfTsResol(octet) => resolution = *octet,
            InterfaceDescriptionOption::IfTsOffset(secs) => offset_secs = secs.cast_signed(),
            _ => {}
        }
    }
    Some(CapturedInterface { name, tick: Tick::from_resolution(resolution)?, offset_secs })
}

fn captured_frame(
    captured: &Captured,
    section_base: u32,
    packet: &EnhancedPacketBlock<'_>,
    block: usize,
) -> Result<CapturedFrame, CaptureError> {
    let unknown = CaptureError::UnknownInterface { block, interface: packet.interface_id };
    let Some(number) = section_base.checked_add(packet.interface_id) else { return Err(unknown) };
    let Some(interface) = captured.interfaces.get(&number) else { return Err(unknown) };
    // pcap-file hands out the raw ticks as if they were nanoseconds.
    let ticks = u64::try_from(packet.timestamp.as_nanos()).map_err(|_| CaptureError::Time { block })?;
    let unix_nanos = interface
        .tick
        .nanos(ticks)
        .and_then(|nanos| nanos.checked_add_signed(interface.offset_secs.checked_mul(1_000_000_000)?))
        .ok_or(CaptureError::Time { block })?;
    let direction = packet.options.iter().find_map(|option| match option {
        EnhancedPacketOption::Flags(flags) if flags & FLAGS_DIRECTION == FLAGS_INBOUND => Some(Direction::Inbound),
        EnhancedPacketOption::Flags(flags) if flags & FLAGS_DIRECTION == FLAGS_OUTBOUND => Some(Direction::Outbound),
        _ => None,
    });
    let comment = packet.options.iter().find_map(|option| match option {
        EnhancedPacketOption::Comment(comment) => Some(comment.to_string()),
        _ => None,
    });
    Ok(CapturedFrame {
        unix_nanos,
        interface: number,
        direction,
        data: Bytes::copy_from_slice(&packet.data),
        original_len: packet.original_len,
        comment,
    })
}
