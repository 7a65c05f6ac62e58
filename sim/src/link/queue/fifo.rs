//! First in, first out, within a room.

use std::collections::VecDeque;

use super::{Backlog, Room};
use crate::link::direction::{Passing, Scope};
use crate::link::fate::Cause;

/// The frames and their measure.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    frames: VecDeque<Passing>,
    backlog: Backlog,
}

impl Line {
    pub(super) fn push(&mut self, passing: Passing) {
        self.backlog.add(&passing.data);
        self.frames.push_back(passing);
    }

    pub(super) fn pop(&mut self) -> Option<Passing> {
        let passing = self.frames.pop_front()?;
        self.backlog.remove(&passing.data);
        Some(passing)
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
            scope.drop(oldest, Cause::HeadDropped);
        }
        if self.room.fits(self.line.backlog(), &passing.data) {
            self.line.push(passing);
        } else {
            scope.drop(passing, Cause::QueueFull);
        }
    }

    pub(super) fn dequeue(&mut self) -> Option<Passing> {
        self.line.pop()
    }

    pub(super) fn frames(&self) -> usize {
        self.line.backlog().frames as usize
    }
}
