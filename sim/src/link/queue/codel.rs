//! `CoDel`, Controlled Delay (RFC 8289): drops at the head while frames stay in the queue for longer
//! than a target, ever more often the longer that lasts.

use serde::{Deserialize, Serialize};
use tickwire_core::Instant;
use tickwire_core::time::Duration;

use super::fifo::Line;
use super::{Room, ecn_mark};
use crate::link::direction::{Passing, Scope};
use crate::link::fate::Cause;
use crate::link::text;

/// What `CoDel` is set to. The defaults are those of RFC 8289 and of tc-codel(8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct CoDel {
    /// How long a frame may stay. 5 ms.
    #[serde(with = "text::duration")]
    pub target: Duration,
    /// For how long it must be exceeded before something is done: a worst-case round trip. 100 ms.
    #[serde(with = "text::duration")]
    pub interval: Duration,
    /// No more than these bytes left in the queue is no standing queue (`MAXPACKET`). 1,514.
    pub floor_bytes: u64,
    /// Frames that can be marked are marked rather than dropped. Off.
    pub ecn: bool,
}

impl Default for CoDel {
    /// The figures of RFC 8289, dropping.
    fn default() -> CoDel {
        CoDel { target: Duration::from_millis(5), interval: Duration::from_millis(100), floor_bytes: 1_514, ecn: false }
    }
}

/// The state of RFC 8289, with the names of its pseudocode.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Control {
    first_above_time: Option<Instant>,
    drop_next: Option<Instant>,
    count: u64,
    lastcount: u64,
    dropping: bool,
}

impl Control {
    /// The next frame of `line` to be sent, once those that are to go are dropped (or one is marked).
    /// `line` tells by itself when it has become empty.
    pub(super) fn dequeue(&mut self, config: &CoDel, line: &mut Line, scope: &mut Scope<'_>) -> Option<Passing> {
        let now = scope.now;
        let (mut next, mut ok_to_drop) = self.dodequeue(config, line, now);
        if self.dropping {
            self.dropping = ok_to_drop;
            while self.dropping && self.drop_next.is_some_and(|at| at <= now) {
                let Some(passing) = next.take() else { break };
                self.count += 1;
                let at = self.drop_next.unwrap_or(now);
                if let Some(marked) = give_up(config, passing, scope) {
                    self.drop_next = Some(control_law(config, at, self.count));
                    return Some(marked);
                }
                (next, ok_to_drop) = self.dodequeue(config, line, now);
                self.dropping = ok_to_drop;
                if ok_to_drop {
                    self.drop_next = Some(control_law(config, at, self.count));
                }
            }
        } else if ok_to_drop && let Some(passing) = next.take() {
            let marked = give_up(config, passing, scope);
            if marked.is_none() {
                (next, _) = self.dodequeue(config, line, now);
            }
            self.begin(config, now);
            if marked.is_some() {
                return marked;
            }
        }
        next
    }

    /// Enters the dropping state. If the last one is not long past, the rate of dropping that controlled
    /// the queue then is a good start.
    fn begin(&mut self, config: &CoDel, now: Instant) {
        self.dropping = true;
        let delta = self.count - self.lastcount;
        let recent = self.drop_next.is_some_and(|at| now.since(at) < config.interval.saturating_mul(16));
        self.count = if delta > 1 && recent { delta } else { 1 };
        self.lastcount = self.count;
        self.drop_next = Some(control_law(config, now, self.count));
    }

    /// Takes a frame out and tells whether the delay has been above the target for an interval.
    fn dodequeue(&mut self, config: &CoDel, line: &mut Line, now: Instant) -> (Option<Passing>, bool) {
        let Some(passing) = line.pop() else {
            self.first_above_time = None;
            return (None, false);
        };
        let below = now.since(passing.since) < config.target || line.backlog().bytes <= config.floor_bytes;
        let ok_to_drop = match self.first_above_time {
            _ if below => {
                self.first_above_time = None;
                false
            }
            None => {
                self.first_above_time = Some(now + config.interval);
                false
            }
            Some(at) => now >= at,
        };
        (Some(passing), ok_to_drop)
    }
}

/// Marks the frame if that is asked and allowed, and gives it back; else drops it.
fn give_up(config: &CoDel, passing: Passing, scope: &mut Scope<'_>) -> Option<Passing> {
    ecn_mark(config.ecn, passing, scope).map_err(|passing| scope.drop(passing, Cause::CoDel)).ok()
}

/// `t + interval / sqrt(count)`, the root in units of 2^-16.
fn control_law(config: &CoDel, from: Instant, count: u64) -> Instant {
    let root = (u128::from(count) << 32).isqrt().max(1);
    let nanos = (config.interval.as_nanos() << 16) / root;
    from + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// `CoDel` in front of one line of frames.
#[derive(Clone, Debug)]
pub(in crate::link) struct Controlled {
    config: CoDel,
    room: Room,
    line: Line,
    control: Control,
}

impl Controlled {
    pub(super) fn new(config: CoDel, room: Room) -> Controlled {
        Controlled { config, room, line: Line::default(), control: Control::default() }
    }

    pub(super) fn enqueue(&mut self, passing: Passing, scope: &mut Scope<'_>) {
        if self.room.fits(self.line.backlog(), &passing.data) {
            self.line.push(passing);
        } else {
            scope.drop(passing, Cause::QueueFull);
        }
    }

    pub(super) fn dequeue(&mut self, scope: &mut Scope<'_>) -> Option<Passing> {
        self.control.dequeue(&self.config, &mut self.line, scope)
    }

    pub(super) fn frames(&self) -> usize {
        self.line.backlog().frames as usize
    }
}
