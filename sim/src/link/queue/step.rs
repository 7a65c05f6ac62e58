//! A step: whatever comes to a queue that is longer than a threshold is marked, as the switches of
//! DCTCP (RFC 8257 section 3.1) and the low-latency queues of L4S do.

use serde::{Deserialize, Serialize};

use super::fifo::Line;
use super::{Backlog, Room, ecn_mark};
use crate::link::direction::{Passing, Scope};
use crate::link::fate::Cause;
use crate::link::text;

/// Where the step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Step {
    /// A frame that finds no less than this waiting is marked.
    #[serde(with = "text::room")]
    pub threshold: Room,
    /// What cannot be marked is dropped in its place, so that it gains nothing; else it is let in.
    #[serde(default)]
    pub drop_not_ect: bool,
}

impl Step {
    fn is_reached(&self, backlog: Backlog) -> bool {
        match self.threshold {
            Room::Frames(frames) => backlog.frames >= u64::from(frames),
            Room::Bytes(bytes) => backlog.bytes >= bytes,
        }
    }
}

/// Tail drop with a step.
#[derive(Clone, Debug)]
pub(in crate::link) struct Stepped {
    step: Step,
    room: Room,
    line: Line,
}

impl Stepped {
    pub(super) fn new(step: Step, room: Room) -> Stepped {
        Stepped { step, room, line: Line::default() }
    }

    pub(super) fn enqueue(&mut self, passing: Passing, scope: &mut Scope<'_>) {
        if !self.room.fits(self.line.backlog(), &passing.data) {
            scope.drop(passing, Cause::QueueFull);
            return;
        }
        let reached = self.step.is_reached(self.line.backlog());
        match ecn_mark(reached, passing, scope) {
            Err(passing) if reached && self.step.drop_not_ect => scope.drop(passing, Cause::NotEct),
            Ok(passing) | Err(passing) => self.line.push(passing),
        }
    }

    pub(super) fn dequeue(&mut self) -> Option<Passing> {
        self.line.pop()
    }

    pub(super) fn frames(&self) -> usize {
        self.line.backlog().frames as usize
    }
}
