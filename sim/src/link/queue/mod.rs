//! What waits for the sender of a [`Rate`](super::Rate): in which order it goes, and who is dropped.
//!
//! | module | job |
//! |---|---|
//! | `fifo` | tail drop and head drop |
//! | `codel` | `CoDel`: drops or marks while frames stay too long |
//! | `step` | marks what finds a queue above a threshold |

mod codel;
mod fifo;
mod step;

use bytes::Bytes;
use tickwire_core::Instant;

pub use codel::CoDel;
pub use step::Step;

use super::direction::{Passing, Scope};
use super::ecn::mark_ce;
use super::fate::Act;
use codel::Controlled;
use fifo::Fifo;
use step::Stepped;

/// The discipline of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Queue {
    /// First in, first out; what finds no room is dropped.
    TailDrop(Room),
    /// First in, first out; the oldest make room. A frame too long for an empty queue is dropped.
    HeadDrop(Room),
    /// First in, first out, under the control of `CoDel` (RFC 8289); what finds no room is dropped.
    CoDel(CoDel, Room),
    /// First in, first out; what finds more than a threshold before it is marked CE, what finds no room
    /// is dropped.
    Step(Step, Room),
}

/// How much a queue holds. What is counted is frames as the stack sees them, without preamble, check
/// sequence and gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// So many frames.
    Frames(u32),
    /// So many bytes.
    Bytes(u64),
}

/// What is in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
struct Backlog {
    frames: u64,
    bytes: u64,
}

impl Backlog {
    fn add(&mut self, frame: &Bytes) {
        self.frames += 1;
        self.bytes += frame.len() as u64;
    }

    fn remove(&mut self, frame: &Bytes) {
        self.frames -= 1;
        self.bytes -= frame.len() as u64;
    }
}

impl Room {
    /// Whether `frame` has room behind `backlog`.
    fn fits(self, backlog: Backlog, frame: &Bytes) -> bool {
        match self {
            Room::Frames(frames) => backlog.frames < u64::from(frames),
            Room::Bytes(bytes) => backlog.bytes + frame.len() as u64 <= bytes,
        }
    }
}

/// A frame in a queue.
#[derive(Clone, Debug)]
struct Queued {
    passing: Passing,
    /// When it came.
    since: Instant,
}

/// The frame with CE set, if `ecn` asks for that and the frame allows it; else the frame as it was.
fn ecn_mark(ecn: bool, mut passing: Passing, scope: &mut Scope<'_>) -> Result<Passing, Passing> {
    let Some(marked) = ecn.then(|| mark_ce(&passing.data)).flatten() else { return Err(passing) };
    passing.data = marked;
    passing.acts.push(Act::MarkedCe);
    scope.count_marked();
    Ok(passing)
}

/// A queue at work.
#[derive(Clone, Debug)]
pub(super) enum Waiting {
    Fifo(Fifo),
    CoDel(Controlled),
    Step(Stepped),
}

impl Waiting {
    pub(super) fn new(queue: Queue) -> Waiting {
        match queue {
            Queue::TailDrop(room) => Waiting::Fifo(Fifo::tail_drop(room)),
            Queue::HeadDrop(room) => Waiting::Fifo(Fifo::head_drop(room)),
            Queue::CoDel(codel, room) => Waiting::CoDel(Controlled::new(codel, room)),
            Queue::Step(step, room) => Waiting::Step(Stepped::new(step, room)),
        }
    }

    /// Takes a frame in, or drops it or others.
    pub(super) fn enqueue(&mut self, passing: Passing, scope: &mut Scope<'_>) {
        match self {
            Waiting::Fifo(fifo) => fifo.enqueue(passing, scope),
            Waiting::CoDel(controlled) => controlled.enqueue(passing, scope),
            Waiting::Step(stepped) => stepped.enqueue(passing, scope),
        }
    }

    /// The next frame to be sent.
    pub(super) fn dequeue(&mut self, scope: &mut Scope<'_>) -> Option<Passing> {
        match self {
            Waiting::Fifo(fifo) => fifo.dequeue(),
            Waiting::CoDel(controlled) => controlled.dequeue(scope),
            Waiting::Step(stepped) => stepped.dequeue(),
        }
    }

    pub(super) fn frames(&self) -> usize {
        match self {
            Waiting::Fifo(fifo) => fifo.frames(),
            Waiting::CoDel(controlled) => controlled.frames(),
            Waiting::Step(stepped) => stepped.frames(),
        }
    }
}
