//! Writing a recording: the driver encodes under its lock, a thread of its own writes. Nothing is lost
//! on the way: where the disk is slower than the stack, the stack waits. Where it fails or is full, the
//! recording ends, and the stack goes on.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use thiserror::Error;
use tickwire_core::record::{ENTRIES_MAX, Entry};
use tickwire_core::{InterfaceId, Stack};

use super::file::RecordFile;
use super::format;
use super::{Record, Start};

/// Bytes that may wait for the disk before the stack does; what one call adds may go beyond.
const WAITING_MAX: usize = 32 << 20;
/// Bytes that are worth a write at once.
const WRITE_AT: usize = 1 << 20;
/// Fewer are written after this time, so that little is missing of a program that is killed.
const WRITE_AFTER: Duration = Duration::from_millis(20);

/// Why a recording was not written, or not to its end.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// The file could not be created or written.
    #[error("cannot write the recording {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// One call of the driver's made more calls of the stack than a recording takes at once.
    #[error("the recording {path} ends early: more than {limit} calls within one of the driver's")]
    Overflow {
        /// The file.
        path: PathBuf,
        /// [`ENTRIES_MAX`](tickwire_core::record::ENTRIES_MAX).
        limit: usize,
    },
}

/// What became of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingSummary {
    /// The file.
    pub path: PathBuf,
    /// Calls in it.
    pub calls: u64,
    /// Its length.
    pub bytes: u64,
}

/// Between driver and writer.
#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Calls that came so far.
    calls: u64,
    /// The stack made more calls at once than a recording takes.
    overflowed: bool,
    /// Nothing more will come.
    closed: bool,
    /// Nothing more is written.
    failed: bool,
}

#[derive(Debug, Default)]
struct Spool {
    waiting: Mutex<Waiting>,
    /// Something came.
    filled: Condvar,
    /// Something was taken, or writing failed.
    emptied: Condvar,
}

impl Spool {
    /// Exchanges what waits for `empty`, once it is worth a write or has waited long enough; `false` at the end.
    fn next(&self, empty: &mut Vec<u8>) -> bool {
        let waiting = self.filled.wait_while(self.lock(), |waiting| waiting.bytes.is_empty() && !waiting.closed);
        let more_may_come = |waiting: &mut Waiting| waiting.bytes.len() < WRITE_AT && !waiting.closed;
        let waited =
            self.filled.wait_timeout_while(waiting.unwrap_or_else(PoisonError::into_inner), WRITE_AFTER, more_may_come);
        let mut waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
        std::mem::swap(&mut waiting.bytes, empty);
        self.emptied.notify_one();
        !empty.is_empty()
    }

    fn is_empty(&self) -> bool {
        self.lock().bytes.is_empty()
    }

    /// Nothing more is written: nobody need wait for it.
    fn fail(&self) {
        let mut waiting = self.lock();
        waiting.failed = true;
        waiting.bytes = Vec::new();
        self.emptied.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running recording; a driver has it. Dropped before its end it leaves a file without an end.
pub struct Recording {
    spool: Arc<Spool>,
    path: PathBuf,
    /// Filled by the stack, with memory that is reused.
    entries: Vec<Entry>,
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The writer of a [`Recording`]; see [`RecordingWriter::finish`].
#[derive(Debug)]
pub struct RecordingWriter {
    path: PathBuf,
    spool: Arc<Spool>,
    thread: JoinHandle<io::Result<u64>>,
}

impl Recording {
    /// Creates `path`, for its owner only (mode 0600), and starts its writer. If writing fails later,
    /// `on_failure` is told so at once, on the writer's thread.
    ///
    /// # Errors
    ///
    /// [`RecordingError::Write`]: the file could not be created, or no thread could be had.
    pub fn create(
        path: &Path,
        on_failure: impl FnOnce(&io::Error) + Send + 'static,
    ) -> Result<(Recording, RecordingWriter), RecordingError> {
        let failed = |source| RecordingError::Write { path: path.to_owned(), source };
        let file = RecordFile::create(path).map_err(failed)?;
        let spool = Arc::new(Spool::default());
        spool.lock().bytes.extend_from_slice(&format::preface());
        let emptied = Arc::clone(&spool);
        let write = move || write(file, &emptied).inspect_err(on_failure);
        let thread = std::thread::Builder::new().name("tickwire-record".to_owned()).spawn(write).map_err(failed)?;
        let writer = RecordingWriter { path: path.to_owned(), spool: Arc::clone(&spool), thread };
        Ok((Recording { spool, path: path.to_owned(), entries: Vec::new() }, writer))
    }

    /// Begins with what `stack`, which is new, was made of; it notes its calls from here on.
    pub(crate) fn begin(&mut self, start: Start, stack: &mut Stack) {
        self.add([Record::Start(Box::new(start))]);
        stack.start_recording(0);
    }

    /// Names an interface that is added next.
    pub(crate) fn name_interface(&mut self, interface: InterfaceId, name: &str) {
        self.add([Record::Interface(interface, name.to_owned())]);
    }

    /// Takes what `stack` has noted; `false` if the recording has ended by itself.
    pub(crate) fn take(&mut self, stack: &mut Stack) -> bool {
        let mut entries = std::mem::take(&mut self.entries);
        stack.take_recorded(&mut entries);
        let goes_on = entries.is_empty() || self.add(entries.drain(..).map(Record::Entry));
        self.entries = entries;
        goes_on
    }

    /// Ends it in order.
    pub(crate) fn end(mut self, stack: &mut Stack) {
        if self.take(stack) {
            self.add([Record::End { digest: stack.digest() }]);
        }
        stack.stop_recording();
    }

    /// Hands records to the writer, and waits for it if too many bytes wait already; `false` if it has ended.
    fn add(&mut self, records: impl IntoIterator<Item = Record>) -> bool {
        let mut waiting = self.spool.lock();
        while waiting.bytes.len() > WAITING_MAX && !waiting.failed {
            waiting = self.spool.emptied.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let before = waiting.bytes.len();
        for record in records {
            waiting.calls += u64::from(matches!(record, Record::Entry(Entry::Call(_))));
            waiting.overflowed |= matches!(record, Record::Entry(Entry::Overflow));
            waiting.failed |= format::append(&record, &mut waiting.bytes).is_err();
        }
        let after = waiting.bytes.len();
        if before == 0 || (before < WRITE_AT && after >= WRITE_AT) {
            self.spool.filled.notify_one();
        }
        !waiting.failed && !waiting.overflowed
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.spool.lock().closed = true;
        self.spool.filled.notify_one();
    }
}

impl RecordingWriter {
    /// Waits until everything is written; the [`Recording`] must have ended before.
    ///
    /// # Errors
    ///
    /// [`RecordingError`]: it was not written to its end.
    pub fn finish(self) -> Result<RecordingSummary, RecordingError> {
        let ended = self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the writer panicked")));
        let (path, waiting) = (self.path, self.spool.lock());
        match ended {
            Ok(_) if waiting.overflowed => Err(RecordingError::Overflow { path, limit: ENTRIES_MAX }),
            Ok(bytes) => Ok(RecordingSummary { path, calls: waiting.calls, bytes }),
            Err(source) => Err(RecordingError::Write { path, source }),
        }
    }
}

/// The writer thread: ends when the [`Recording`] has, or when writing fails. Returns the file's length.
fn write(mut file: RecordFile, spool: &Spool) -> io::Result<u64> {
    let (mut bytes, mut written) = (Vec::new(), 0);
    while spool.next(&mut bytes) {
        let appended = file.append(&bytes);
        // While more waits, what is no whole block is left for it.
        let settled = appended.and_then(|()| if spool.is_empty() { file.flush() } else { Ok(()) });
        if let Err(error) = settled {
            spool.fail();
            return Err(error);
        }
        written += bytes.len() as u64;
        bytes.clear();
    }
    Ok(written)
}
