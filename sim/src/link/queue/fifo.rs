//! First in, first out, within a room.

use std::collections::VecDeque;

use super::{Backlog, Queued, Room};
use crate::link::direction::{Passing, Scope};
use crate::link::fate::Cause;

/// The frames and their measure.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    frames: VecDeque<Queued>,
    backlog: Backlog,
}

impl Line {
    pub(super) fn push(&mut self, queued: Queued) {
        self.backlog.add(&queued.passing.data);
        self.frames.push_back(queued);
    }

    pub(super) fn pop(&mut self) -> Option<Queued> {
        let queued = self.frames.pop_front()?;
        self.backlog.remove(&queued.passing.data);
        Some(queued)
    }

    pub(super) fn backlog(&self) -> Backlog {
        self.backlog
    }
}

/// Tail drop and head drop.
#[derive(Clone, Debug)]
pub(in crate::link) struct Fifo {
    line: Line,
    room: Room,
    drop_head: bool,
}

impl Fifo {
    pub(super) fn tail_drop(room: Room) -> Fifo {
        Fifo { line: Line::default(), room, drop_head: false }
    }

    pub(super) fn head_drop(room: Room) -> Fifo {
        Fifo { line: Line::default(), room, drop_head: true }
    }

    pub(super) fn enqueue(&mut self, passing: Passing, scope: &mut Scope<'_>) {
        while self.drop_head && !self.room.fits(self.line.backlog(), &passing.data) {
            let Some(oldest) = self.line.pop() else { break };
            scope.drop(oldest.passing, Cause::HeadDropped);
        }
        if self.room.fits(self.line.backlog(), &passing.data) {
            self.line.push(Queued { passing, since: scope.now });
        } else {
            scope.drop(passing, Cause::QueueFull);
        }
    }

    pub(super) fn dequeue(&mut self) -> Option<Passing> {
        self.line.pop().map(|queued| queued.passing)
    }

    pub(super) fn frames(&self) -> usize {
        self.line.backlog().frames as usize
    }
}
