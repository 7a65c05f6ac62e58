//! A stack that ran on a real interface, again: from a recording of every call on it (`tickwire run
//! --record`). It is built from the recorded configuration and seed and given the calls one by one; it must
//! answer each as it did then, to the byte of every frame. One can stop anywhere, look at it, and go back.
//!
//! | module | job |
//! |---|---|
//! | this file | [`Replay`]: from call to call, forward and back |
//! | `error` | what a replay can end with: a damaged file, a call that was answered otherwise |
//! | `snapshots` | stacks kept on the way, so that going back is quick |
//! | `describe` | a call and what came of it, as lines |
//! | `state` | a stack's state, as lines |
//! | `capture` | the frames received and emitted, as pcapng |
//!
//! The stack that replays notes the calls on itself as the recorded one did. What it notes must be what
//! the file says: there is no other comparison.

mod capture;
mod describe;
mod error;
mod snapshots;
mod state;

use std::collections::BTreeMap;
use std::io::{Read, Seek};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use bytes::Bytes;
use tickwire_backends::recording::{Position, ReadError, Reader, Record};
use tickwire_core::config::Medium;
use tickwire_core::provenance::Provenance;
use tickwire_core::record::{Call, Entry, Outcome};
use tickwire_core::{Config, Instant, InterfaceId, Stack, TxBatch};

pub use capture::Recapture;
pub use describe::Describer;
pub use error::{Divergence, ReplayError};
pub use state::describe_stack;

pub(crate) use describe::{call_text, framed};

use crate::world::Examined;
use snapshots::{Snapshot, Snapshots};

/// A frame that the stack emitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emission {
    /// Its bytes, as the device got them.
    pub data: Bytes,
    /// What caused it.
    pub provenance: Option<Provenance>,
}

/// A call, made again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The call's number, from 0.
    pub number: u64,
    /// The latest instant that the stack had been told, this call included.
    pub at: Instant,
    /// The call.
    pub call: Call,
    /// What came of it.
    pub outcomes: Vec<Outcome>,
    /// The frames that it had the stack emit.
    pub emitted: Vec<Emission>,
    /// What connections looked like after it, if the replay examines them.
    pub examined: Vec<Examined>,
}

/// How the recording ends, once its end was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// In order, with the state's digest, which is the same.
    Whole,
    /// The program that wrote it was killed, or the disk was full: all that was written whole was played.
    Cut {
        /// Where the incomplete record begins, in bytes from the file's first; `None`: it ends between records.
        within: Option<Position>,
        /// The file's length in bytes, if it ends within a record.
        len: Option<u64>,
    },
    /// More calls came at once than a recording takes.
    Overflow,
}

/// A recording that is played.
#[derive(Debug)]
pub struct Replay<R> {
    reader: Reader<R>,
    /// The first record that was not played, and where it stands.
    next: Option<Record>,
    next_at: Position,
    /// The digest that stands before it.
    digest: Option<u64>,
    /// The file cannot be read further.
    unreadable: Option<ReadError>,
    stack: Stack,
    calls: u64,
    /// An error ended it: only going back helps.
    over: bool,
    names: BTreeMap<InterfaceId, String>,
    snapshots: Snapshots,
    batch: TxBatch,
}

impl<R: Read + Seek> Replay<R> {
    /// A stack as it was before the first call.
    pub fn new(reader: Reader<R>) -> Replay<R> {
        let config = reader.start().config.clone();
        Replay::with_config(reader, config)
    }

    /// The same, but each step tells what connections look like. The stack checks its invariants, and panics where one
    /// does not hold.
    pub fn examining(reader: Reader<R>) -> Replay<R> {
        let config = Config { checks: true, examine: true, ..reader.start().config.clone() };
        Replay::with_config(reader, config)
    }

    fn with_config(reader: Reader<R>, config: Config) -> Replay<R> {
        let mut stack = Stack::new(config, reader.start().seed.clone());
        stack.start_recording(0);
        let mut replay = Replay {
            next: None,
            next_at: reader.position(),
            digest: None,
            unreadable: None,
            reader,
            stack,
            calls: 0,
            over: false,
            names: BTreeMap::new(),
            snapshots: Snapshots::default(),
            batch: TxBatch::new(),
        };
        replay.advance();
        replay
    }

    /// The stack, after [`Replay::calls`] calls.
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// How many calls were made; the number of the next one.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// The name of an interface's device.
    pub fn name(&self, interface: InterfaceId) -> &str {
        self.names.get(&interface).map_or("?", String::as_str)
    }

    /// What an interface's frames look like.
    pub(crate) fn medium(&self, interface: InterfaceId) -> Medium {
        let own = self.stack.interfaces().find(|own| own.id == interface);
        own.map_or(Medium::Ethernet, |own| own.medium)
    }

    /// The wall time, since 1970, at which the stack's clock stood at zero.
    pub fn unix_offset(&self) -> Duration {
        self.reader.start().unix_offset
    }

    /// The version of the program that wrote the recording.
    pub fn program(&self) -> &str {
        self.reader.program()
    }

    /// The instant of the next call; `None` if it takes none, or if there is none.
    pub fn next_instant(&self) -> Option<Instant> {
        self.next_call().and_then(Call::now)
    }

    /// The next call; `None` at the end.
    pub fn next_call(&self) -> Option<&Call> {
        match &self.next {
            Some(Record::Entry(Entry::Call(call))) => Some(call),
            _ => None,
        }
    }

    /// How the recording ends; `None` while there are calls left.
    pub fn end(&self) -> Option<End> {
        match &self.next {
            Some(Record::End { .. }) => Some(End::Whole),
            Some(Record::Entry(Entry::Overflow)) => Some(End::Overflow),
            Some(_) => None,
            None => {
                let cut = self.reader.cut();
                Some(End::Cut { within: cut.map(|(at, _)| at), len: cut.map(|(_, len)| len) })
            }
        }
    }

    /// Makes the next call, and compares what the stack did with what is recorded; `None` at the end.
    ///
    /// # Errors
    ///
    /// [`ReplayError`]. The replay cannot go on then; it can go back.
    pub fn step(&mut self) -> Result<Option<Step>, ReplayError> {
        let stepped = self.make_call();
        self.over |= stepped.is_err();
        stepped
    }

    /// Goes to where `call` is the next call, forward or back; at most to the end.
    ///
    /// # Errors
    ///
    /// As [`Replay::step`], and what the system says.
    pub fn go_to(&mut self, call: u64) -> Result<(), ReplayError> {
        if (call < self.calls || self.over)
            && let Some(snapshot) = self.snapshots.before(call)
        {
            let Snapshot { calls, position, stack } = snapshot;
            (self.calls, self.stack, self.over) = (*calls, stack.clone(), false);
            self.stack.start_recording(*calls);
            self.reader.seek(*position).map_err(ReadError::from)?;
            self.advance();
        }
        while self.calls < call && self.step()?.is_some() {}
        Ok(())
    }

    fn make_call(&mut self) -> Result<Option<Step>, ReplayError> {
        if self.over {
            return Ok(None);
        }
        if self.snapshots.is_due(self.calls) {
            self.snapshots.keep(Snapshot { calls: self.calls, position: self.next_at, stack: self.stack.clone() });
        }
        if let Some(error) = self.unreadable.take() {
            return Err(error.into());
        }
        let Position { at, record } = self.next_at;
        let call = match &self.next {
            Some(Record::Entry(Entry::Call(call))) => call.clone(),
            Some(Record::End { digest }) if *digest != self.stack.digest() => {
                let (recorded, replayed) = (vec![Entry::Digest(*digest)], vec![Entry::Digest(self.stack.digest())]);
                return Err(self.divergence(recorded, replayed));
            }
            None | Some(Record::End { .. } | Record::Entry(Entry::Overflow)) => return Ok(None),
            // Nothing else stands between an outcome and a call.
            Some(_) => return Err(ReadError::Damaged { at, record }.into()),
        };
        let mut recorded = Vec::from_iter(self.digest.map(Entry::Digest));
        recorded.push(Entry::Call(call.clone()));
        self.advance();
        while let Some(Record::Entry(outcome @ Entry::Outcome(_))) = &self.next {
            recorded.push(outcome.clone());
            self.advance();
        }
        self.apply(call, &recorded).map(Some)
    }

    /// Makes `call`, of which `recorded` is what the stack noted then.
    fn apply(&mut self, call: Call, recorded: &[Entry]) -> Result<Step, ReplayError> {
        let (number, again) = (self.calls, call.clone());
        let made = std::panic::catch_unwind(AssertUnwindSafe(|| again.apply(&mut self.stack, &mut self.batch)));
        if made.is_err() {
            self.batch = TxBatch::new();
            return Err(ReplayError::Panicked { number, call: Box::new(call) });
        }
        let emitted = self.take_frames();
        let mut replayed = Vec::new();
        self.stack.take_recorded(&mut replayed);
        // At the end of what can be read the last outcomes may be missing.
        let is_last = self.next.is_none();
        if replayed != *recorded && !(is_last && replayed.starts_with(recorded)) {
            return Err(self.divergence(recorded.to_vec(), replayed));
        }
        self.calls += 1;
        let examinations = self.stack.examinations().to_vec();
        self.stack.forget_examinations();
        let at = self.stack.latest();
        let examined = examinations.into_iter().map(|seen| Examined::of(&mut self.stack, at, seen)).collect();
        let outcomes = replayed.into_iter().filter_map(|entry| match entry {
            Entry::Outcome(outcome) => Some(outcome),
            _ => None,
        });
        Ok(Step { number, at, call, outcomes: outcomes.collect(), emitted, examined })
    }

    fn take_frames(&mut self) -> Vec<Emission> {
        let frames = self.batch.frames().enumerate().map(|(number, frame)| {
            let mut data = Vec::with_capacity(frame.len());
            frame.copy_to(&mut data);
            Emission { data: data.into(), provenance: self.batch.provenance(number) }
        });
        let frames = frames.collect();
        self.batch.clear();
        frames
    }

    fn divergence(&self, recorded: Vec<Entry>, replayed: Vec<Entry>) -> ReplayError {
        let (number, at) = (self.calls, self.stack.latest());
        Divergence { number, at, recorded, replayed }.into()
    }

    /// Reads up to the next call, or to the end.
    fn advance(&mut self) {
        (self.next_at, self.digest) = (self.reader.position(), None);
        self.next = loop {
            match self.reader.next_record() {
                Ok(Some(Record::Interface(interface, name))) => _ = self.names.insert(interface, name),
                Ok(Some(Record::Entry(Entry::Digest(digest)))) => self.digest = Some(digest),
                Ok(next) => break next,
                Err(error) => {
                    self.unreadable = Some(error);
                    break None;
                }
            }
        };
    }
}
