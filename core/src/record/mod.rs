//! Recording: every call that can change a stack, with its arguments, in order.
//!
//! A stack is a function of its configuration, its seed and the calls on it. [`Stack::start_recording`]
//! has it note them as [`Entry`] values, which whoever drives it takes away with
//! [`Stack::take_recorded`] and keeps; [`Call::apply`] makes the same call on another stack. A stack
//! that is built anew from the same configuration and seed, records itself, and is given the calls one
//! by one notes the very same entries: outcomes and digests too. Where they differ, it is not the same
//! stack any more.
//!
//! - `call`: [`Call`], [`TcpCall`], [`UdpCall`]: the calls as values
//! - `apply`: from the value to the call
//!
//! Each public method that takes `&mut self` begins with `record`; none of them calls another. The
//! house rules (`tidy`) hold that.

mod apply;
mod call;

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::digest::Digest;
use crate::error::DropReason;
use crate::event::Event;
use crate::frame::TxBatch;
use crate::stack::Stack;
use crate::time::Instant;

pub use call::{Call, TcpCall, UdpCall};

/// Before every so many calls the state's digest is noted.
pub const DIGEST_EVERY: u64 = 1024;

/// Entries that wait to be taken. A call beyond that ends the recording, for one with a gap is of no use.
pub const ENTRIES_MAX: usize = 1 << 18;

/// What is noted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Entry {
    /// A call begins.
    Call(Call),
    /// What came of the last call. Only what a driver acts upon is noted, and nothing if there was nothing.
    Outcome(Outcome),
    /// [`Stack::digest`] before call number 1024, 2048 and so on, counted from 0.
    Digest(u64),
    /// More than [`ENTRIES_MAX`] entries waited: nothing is noted from here on.
    Overflow,
}

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Outcome {
    /// A frame was not used.
    Dropped(DropReason),
    /// Frames were built.
    Emitted(Emitted),
    /// The application is told something.
    Event(Event),
    /// When to come back.
    Wakeup(Instant),
}

/// The frames of one [`Stack::poll_transmit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Emitted {
    /// How many.
    pub frames: u32,
    /// Their bytes, all together.
    pub bytes: u64,
    /// A digest of every byte, and of what the device is to do with them.
    pub digest: u64,
}

/// Notes calls; nothing is done while it is off.
#[derive(Debug, Default)]
pub(crate) struct Recorder(Option<Box<Recording>>);

#[derive(Debug, Default)]
struct Recording {
    entries: Vec<Entry>,
    calls: u64,
    overflowed: bool,
}

impl Recording {
    fn push(&mut self, entry: Entry) {
        if self.overflowed {
            return;
        }
        self.overflowed = self.entries.len() >= ENTRIES_MAX;
        self.entries.push(if self.overflowed { Entry::Overflow } else { entry });
    }
}

/// A recording is of one stack: a clone makes none.
impl Clone for Recorder {
    fn clone(&self) -> Recorder {
        Recorder::default()
    }
}

impl Recorder {
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }
}

impl Stack {
    /// From here on every call is noted. The next one is number `first`: 0 on a new stack.
    pub fn start_recording(&mut self, first: u64) {
        self.recorder = Recorder(Some(Box::new(Recording { calls: first, ..Recording::default() })));
    }

    /// Ends what [`Stack::start_recording`] began; what was not taken is forgotten.
    pub fn stop_recording(&mut self) {
        self.recorder = Recorder(None);
    }

    /// Moves what was noted since the last time to the end of `into`. To be called after each call or
    /// turn: at most [`ENTRIES_MAX`] entries wait.
    pub fn take_recorded(&mut self, into: &mut Vec<Entry>) {
        if let Some(recording) = &mut self.recorder.0 {
            into.append(&mut recording.entries);
        }
    }

    /// A call begins.
    #[inline]
    pub(crate) fn record(&mut self, call: impl FnOnce(&Stack) -> Call) {
        if self.recorder.is_on() {
            self.note(call);
        }
    }

    #[cold]
    #[inline(never)]
    fn note(&mut self, call: impl FnOnce(&Stack) -> Call) {
        let call = call(self);
        let Some(recording) = &self.recorder.0 else { return };
        let digest_due = recording.calls > 0 && recording.calls.is_multiple_of(DIGEST_EVERY);
        let digest = (digest_due && !recording.overflowed).then(|| Entry::Digest(self.digest()));
        let Some(recording) = &mut self.recorder.0 else { return };
        recording.calls += 1;
        for entry in digest.into_iter().chain([Entry::Call(call)]) {
            recording.push(entry);
        }
    }

    /// What came of the call that was noted last.
    #[inline]
    pub(crate) fn record_outcome(&mut self, outcome: impl FnOnce() -> Option<Outcome>) {
        if self.recorder.is_on() {
            self.note_outcome(outcome);
        }
    }

    #[cold]
    #[inline(never)]
    fn note_outcome(&mut self, outcome: impl FnOnce() -> Option<Outcome>) {
        if let (Some(recording), Some(outcome)) = (&mut self.recorder.0, outcome()) {
            recording.push(Entry::Outcome(outcome));
        }
    }
}

impl Emitted {
    /// The frames of `batch` from number `first` on; `None` if there are none.
    pub(crate) fn of(batch: &TxBatch, first: usize) -> Option<Emitted> {
        let mut digest = Digest::new();
        for frame in batch.frames().skip(first) {
            digest.count(frame.len());
            digest.bytes(frame.head);
            frame.slices.iter().for_each(|slice| digest.bytes(slice));
            frame.transmit.digest(&mut digest);
        }
        let frames = batch.len().saturating_sub(first) as u32;
        (frames > 0).then(|| Emitted { frames, bytes: batch.bytes_from(first), digest: digest.finish() })
    }
}
