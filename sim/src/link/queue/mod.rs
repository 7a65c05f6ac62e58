//! What waits for the sender of a [`Rate`](super::Rate): in which order it goes, and who is dropped.
//!
//! | module | job |
//! |---|---|
//! | `fifo` | tail drop and head drop |
//! | `codel` | `CoDel`: drops or marks while frames stay too long |
//! | `fq_codel` | FQ-CoDel: a line for each flow, each under `CoDel` |
//! | `red` | RED: drops or marks by chance, by the average length |
//! | `step` | marks what finds a queue above a threshold |

mod codel;
mod fifo;
mod fq_codel;
mod red;
mod step;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tickwire_core::time::Duration;

pub use codel::CoDel;
pub use fq_codel::FqCoDel;
pub use red::Red;
pub(super) use red::SMALL_FRAME_LEN;
pub use step::Step;

use super::direction::{Passing, Scope};
use super::ecn::mark_ce;
use super::fate::Act;
use codel::Controlled;
use fifo::Fifo;
use fq_codel::FairQueue;
use red::Detecting;
use step::Stepped;

/// The discipline of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Queue {
    /// First in, first out; what finds no room is dropped.
    #[default]
    TailDrop,
    /// First in, first out; the oldest make room. A frame too long for an empty queue is dropped.
    HeadDrop,
    /// First in, first out, under the control of `CoDel` (RFC 8289); what finds no room is dropped.
    #[serde(rename = "codel")]
    CoDel(CoDel),
    /// A line for each flow, served in turn, each under `CoDel` (RFC 8290); what finds no room has the
    /// longest line give up half of it.
    #[serde(rename = "fq-codel")]
    FqCoDel(FqCoDel),
    /// First in, first out; dropped by chance, the likelier the longer the queue is on average.
    Red(Red),
    /// First in, first out; what finds more than a threshold before it is marked CE, what finds no room
    /// is dropped.
    Step(Step),
}

impl Queue {
    /// Whether frames leave in the order in which they came, if they do.
    pub(super) const fn is_in_order(self) -> bool {
        !matches!(self, Queue::FqCoDel(_))
    }
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

    fn plus(self, other: Backlog) -> Backlog {
        Backlog { frames: self.frames + other.frames, bytes: self.bytes + other.bytes }
    }

    fn less(self, other: Backlog) -> Backlog {
        Backlog { frames: self.frames - other.frames, bytes: self.bytes - other.bytes }
    }
}

impl Room {
    /// Whether there is room for all of `backlog`.
    fn holds(self, backlog: Backlog) -> bool {
        match self {
            Room::Frames(frames) => backlog.frames <= u64::from(frames),
            Room::Bytes(bytes) => backlog.bytes <= bytes,
        }
    }

    /// Whether `frame` has room behind `backlog`.
    fn fits(self, backlog: Backlog, frame: &Bytes) -> bool {
        match self {
            Room::Frames(frames) => backlog.frames < u64::from(frames),
            Room::Bytes(bytes) => backlog.bytes + frame.len() as u64 <= bytes,
        }
    }
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
    FqCoDel(FairQueue),
    Red(Detecting),
    Step(Stepped),
}

impl Waiting {
    /// `small` is how long the link takes for a frame of [`SMALL_FRAME_LEN`].
    pub(super) fn new(queue: Queue, room: Room, small: Duration) -> Waiting {
        match queue {
            Queue::TailDrop => Waiting::Fifo(Fifo::tail_drop(room)),
            Queue::HeadDrop => Waiting::Fifo(Fifo::head_drop(room)),
            Queue::CoDel(codel) => Waiting::CoDel(Controlled::new(codel, room)),
            Queue::FqCoDel(fq_codel) => Waiting::FqCoDel(FairQueue::new(fq_codel, room)),
            Queue::Red(red) => Waiting::Red(Detecting::new(red, room, small)),
            Queue::Step(step) => Waiting::Step(Stepped::new(step, room)),
        }
    }

    /// Takes a frame in, or drops it or others.
    pub(super) fn enqueue(&mut self, passing: Passing, scope: &mut Scope<'_>) {
        match self {
            Waiting::Fifo(fifo) => fifo.enqueue(passing, scope),
            Waiting::CoDel(controlled) => controlled.enqueue(passing, scope),
            Waiting::FqCoDel(fair) => fair.enqueue(passing, scope),
            Waiting::Red(detecting) => detecting.enqueue(passing, scope),
            Waiting::Step(stepped) => stepped.enqueue(passing, scope),
        }
    }

    /// The next frame to be sent.
    pub(super) fn dequeue(&mut self, scope: &mut Scope<'_>) -> Option<Passing> {
        match self {
            Waiting::Fifo(fifo) => fifo.dequeue(),
            Waiting::CoDel(controlled) => controlled.dequeue(scope),
            Waiting::FqCoDel(fair) => fair.dequeue(scope),
            Waiting::Red(detecting) => detecting.dequeue(scope.now),
            Waiting::Step(stepped) => stepped.dequeue(),
        }
    }

    pub(super) fn frames(&self) -> usize {
        match self {
            Waiting::Fifo(fifo) => fifo.frames(),
            Waiting::CoDel(controlled) => controlled.frames(),
            Waiting::FqCoDel(fair) => fair.frames(),
            Waiting::Red(detecting) => detecting.frames(),
            Waiting::Step(stepped) => stepped.frames(),
        }
    }
}
