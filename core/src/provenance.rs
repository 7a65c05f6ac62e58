//! Where a frame comes from: each frame that passes a stack has a serial number, and one that is sent names
//! the frame, timer or call that caused it.

use core::fmt;

use crate::stack::Cause;
use crate::time::{Duration, Instant};

/// What made a stack send something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A received frame, by its serial number.
    Frame(u64),
    /// A timer.
    Timer(Cause),
    /// A call of the application or the operator, by its name: `tcp.send`.
    Call(&'static str),
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trigger::Frame(serial) => write!(f, "frame {serial}"),
            Trigger::Timer(cause) => write!(f, "timer {cause:?}"),
            Trigger::Call(name) => write!(f, "call {name}"),
        }
    }
}

/// A trigger and when it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occasion {
    /// What happened.
    pub trigger: Trigger,
    /// When.
    pub at: Instant,
}

/// Where a sent frame comes from. What waits for a neighbor to be resolved is caused by what resolves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// The frame's own serial number: the frames that pass a stack, in and out, are numbered from 1.
    pub serial: u64,
    /// What put it, or its socket, among what is to be sent.
    pub occasion: Occasion,
}

impl Provenance {
    /// The time between the occasion and the sending at `sent`.
    pub fn delay(&self, sent: Instant) -> Duration {
        sent.since(self.occasion.at)
    }

    /// A line about a frame that was sent at `sent`: `frame 18 by frame 17, 12.3us later`.
    pub fn describe(&self, sent: Instant) -> impl fmt::Display {
        let (serial, trigger, delay) = (self.serial, self.occasion.trigger, self.delay(sent));
        fmt::from_fn(move |f| write!(f, "frame {serial} by {trigger}, {delay:?} later"))
    }
}

/// Something in a queue, with what put it there.
#[derive(Clone, Debug)]
pub(crate) struct Queued<T> {
    pub(crate) what: T,
    pub(crate) occasion: Occasion,
}
