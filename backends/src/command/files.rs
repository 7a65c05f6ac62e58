//! What `tickwire run` writes while the stack runs: `--pcap`, `--record`.

use tickwire_backends::capture::{Capture, CaptureWriter};
use tickwire_backends::driver::{Loop, StackHandle};
use tickwire_backends::recording::{Recording, RecordingWriter};
use tickwire_core::Config;

use super::Failure;
use super::cli::RunOptions;

/// The writers.
#[derive(Default)]
pub(crate) struct Files {
    capture: Option<CaptureWriter>,
    recording: Option<RecordingWriter>,
}

impl Files {
    /// A loop that feeds them.
    pub(crate) fn new_loop(options: &RunOptions, config: Config) -> Result<(Loop, Files), Failure> {
        let mut files = Files::default();
        let seed = options.seed.clone();
        let made = match &options.record {
            None => Loop::new(config, seed),
            Some(path) => {
                let shown = path.display().to_string();
                let on_failure = move |error: &std::io::Error| {
                    eprintln!("tickwire: --record {shown}: {error}; the recording ends, the stack goes on");
                };
                let (recording, writer) =
                    Recording::create(path, on_failure).map_err(|error| Failure::new(format!("--record: {error}")))?;
                files.recording = Some(writer);
                Loop::recorded(config, seed, recording)
            }
        };
        let mut turns = made.map_err(|error| Failure::new(error.to_string()))?;
        if let Some(path) = &options.pcap {
            let (capture, writer) = Capture::create(path, turns.handle().unix_offset())
                .map_err(|error| Failure::new(format!("--pcap: {error}")))?;
            turns.set_capture(capture);
            files.capture = Some(writer);
        }
        Ok((turns, files))
    }

    /// Waits until all is written.
    pub(crate) fn finish(self, handle: &StackHandle) -> Result<(), Failure> {
        if let Some(writer) = self.capture {
            handle.end_capture();
            let summary = writer.finish().map_err(|error| Failure::new(format!("--pcap: {error}")))?;
            let lost = if summary.lost > 0 { format!(", {} lost", summary.lost) } else { String::new() };
            eprintln!("tickwire: {}: {} frames{lost}", summary.path.display(), summary.written);
        }
        if let Some(writer) = self.recording {
            handle.end_recording();
            let summary = writer.finish().map_err(|error| Failure::new(format!("--record: {error}")))?;
            eprintln!("tickwire: {}: {} calls, {} bytes", summary.path.display(), summary.calls, summary.bytes);
        }
        Ok(())
    }
}
