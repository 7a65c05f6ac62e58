//! Recordings to play.

use std::fs;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tickwire_backends::capture::{Capture, CaptureWriter, Captured, CapturedFrame, read_frames};
use tickwire_backends::driver::{Driver, Loop};
use tickwire_backends::recording::{Reader, Recording, RecordingSummary, RecordingWriter};
use tickwire_core::Config;
use tickwire_sim::replay::{End, Recapture, Replay, ReplayError};

/// A file of a test's own; it goes with this.
pub(crate) struct TempFile(pub(crate) PathBuf);

impl TempFile {
    pub(crate) fn new(name: &str) -> TempFile {
        static FILES: AtomicU32 = AtomicU32::new(0);
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        TempFile(std::env::temp_dir().join(format!("tickwire-replay-{}-{number}-{name}", std::process::id())))
    }

    pub(crate) fn text(&self) -> &str {
        self.0.to_str().expect("a plain name")
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        // It may never have been made.
        let _ = fs::remove_file(&self.0);
    }
}

/// A stack that records itself, and captures its frames beside.
pub(crate) struct Recorder {
    recording: TempFile,
    capture: TempFile,
    writers: (RecordingWriter, CaptureWriter),
}

impl Recorder {
    /// A loop to which devices are to be added.
    pub(crate) fn start(config: Config) -> (Recorder, Loop) {
        let (recording, capture) = (TempFile::new("run.twr"), TempFile::new("run.pcapng"));
        let on_failure = |error: &std::io::Error| panic!("there is room: {error}");
        let (fed, writer) = Recording::create(&recording.0, on_failure).expect("a file");
        let mut turns = Loop::recorded(config, None, fed).expect("entropy");
        let (frames, capture_writer) = Capture::create(&capture.0, turns.handle().unix_offset()).expect("a file");
        turns.set_capture(frames);
        (Recorder { recording, capture, writers: (writer, capture_writer) }, turns)
    }

    /// Ends the driver and what it wrote.
    pub(crate) fn finish(self, driver: Driver) -> Recorded {
        let handle = driver.handle();
        driver.shutdown(Duration::from_millis(200)).expect("it ran to its end");
        handle.end_capture();
        handle.end_recording();
        let summary = self.writers.0.finish().expect("written");
        let captured = self.writers.1.finish().expect("written");
        assert_eq!(captured.lost, 0);
        Recorded { recording: self.recording, capture: self.capture, summary }
    }
}

/// What a stack left.
pub(crate) struct Recorded {
    pub(crate) recording: TempFile,
    pub(crate) capture: TempFile,
    pub(crate) summary: RecordingSummary,
}

impl Recorded {
    /// It is played to its end, and the frames that come of it are the captured ones, at the same times,
    /// and from the same causes.
    pub(crate) fn check(&self) -> Vec<CapturedFrame> {
        let again = TempFile::new("again.pcapng");
        let (calls, end) = play(&self.recording.0, Some(&again.0)).expect("each call is answered as it was");
        assert_eq!((calls, end), (self.summary.calls, End::Whole));
        let (first, second) = (captured(&self.capture.0), captured(&again.0));
        assert_eq!(first.interfaces, second.interfaces);
        let differs = first.frames.iter().zip(&second.frames).position(|(first, second)| first != second);
        assert_eq!(differs.map(|at| (at, &first.frames[at], &second.frames[at])), None);
        assert_eq!(first.frames.len(), second.frames.len());
        first.frames
    }
}

pub(crate) fn captured(path: &Path) -> Captured {
    read_frames(BufReader::new(File::open(path).expect("written"))).expect("pcapng")
}

/// Plays a recording: how many calls, and how it ends.
pub(crate) fn play(path: &Path, capture: Option<&Path>) -> Result<(u64, End), ReplayError> {
    let mut replay = Replay::new(Reader::open(path)?);
    let mut again = capture.map(|path| Recapture::new(File::create(path).expect("a file")).expect("room"));
    while let Some(step) = replay.step()? {
        if let Some(again) = &mut again {
            again.add(&replay, &step).expect("room");
        }
    }
    if let Some(again) = again {
        again.finish().expect("room");
    }
    Ok((replay.calls(), replay.end().expect("it was played to its end")))
}
