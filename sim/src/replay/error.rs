//! What a replay can end with before the recording does.

use std::fmt;

use tickwire_backends::recording::ReadError;
use tickwire_core::Instant;
use tickwire_core::record::{Call, DIGEST_EVERY, Emitted, Entry, Outcome};

use super::describe::call_text;

/// Why a replay cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The stack did something else than the recorded one.
    #[error(transparent)]
    Diverged(#[from] Box<Divergence>),
    /// The stack panicked, as the recorded one may have: it is the last call that is recorded then.
    #[error("call {number} has the stack panic: {}", call_text(call))]
    Panicked {
        /// The call's number, from 0.
        number: u64,
        /// The call.
        call: Box<Call>,
    },
}

impl From<Divergence> for ReplayError {
    fn from(divergence: Divergence) -> ReplayError {
        ReplayError::Diverged(Box::new(divergence))
    }
}

/// The first call at which the stack differs from the recorded one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The call's number, from 0; the number of calls if it is the end's digest that differs.
    pub number: u64,
    /// When.
    pub at: Instant,
    /// What is recorded: a digest of the state before it, if there is one, the call, and what came of it.
    pub recorded: Vec<Entry>,
    /// The same of the stack that replays.
    pub replayed: Vec<Entry>,
}

impl std::error::Error for Divergence {}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Divergence { number, at, recorded, replayed } = self;
        let same = recorded.iter().zip(replayed).take_while(|(recorded, replayed)| recorded == replayed).count();
        let (recorded_as, replayed_as) = (recorded.get(same), replayed.get(same));
        if let (Some(Entry::Digest(recorded)), Some(Entry::Digest(replayed))) = (recorded_as, replayed_as) {
            let first = number.saturating_sub(DIGEST_EVERY);
            return write!(
                f,
                "the stack differs before call {number}, at {at}: its digest was {recorded:016x} and is \
                 {replayed:016x}; one of the calls from {first} on was answered otherwise"
            );
        }
        let call = recorded.iter().find_map(|entry| match entry {
            Entry::Call(call) => Some(call_text(call)),
            _ => None,
        });
        write!(
            f,
            "call {number}, at {at}, was answered otherwise: {}: recorded is {}, replayed {}",
            call.unwrap_or_default(),
            entry_text(recorded_as),
            entry_text(replayed_as)
        )
    }
}

fn entry_text(entry: Option<&Entry>) -> String {
    match entry {
        None => "nothing".to_owned(),
        Some(Entry::Call(call)) => call_text(call),
        Some(Entry::Outcome(outcome)) => outcome_text(outcome),
        Some(Entry::Digest(digest)) => format!("the digest {digest:016x}"),
        Some(Entry::Overflow) => "the recording's end".to_owned(),
    }
}

pub(super) fn outcome_text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Dropped(reason) => format!("dropped: {}", reason.name()),
        Outcome::Emitted(Emitted { frames, bytes, digest }) => {
            format!("emitted {frames} frames, {bytes} bytes, digest {digest:016x}")
        }
        Outcome::Event(event) => format!("event {event:?}"),
        Outcome::Wakeup(at) => format!("wake up at {at}"),
    }
}
