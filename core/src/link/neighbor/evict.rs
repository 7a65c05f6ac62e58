//! Which entry has to go when the cache is full.
//!
//! What strangers have put there goes before what we have used, and what a socket of ours uses or
//! waits for never goes: a flood of packets from made-up neighbors takes its own entries only.

use super::{IN_USE_TIME, Neighbor, NeighborCache, NeighborId, NeighborState, Origin};
use crate::time::Instant;

/// How dear an entry is; the least dear goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    /// A stranger has told of itself, and nothing was sent to it yet.
    Unused,
    /// An answer to a stranger waits for it.
    Awaited,
    /// Used, for answers alone or long ago.
    Known,
}

impl Neighbor {
    /// `None`: it must not go.
    fn worth(&self, now: Instant) -> Option<Worth> {
        let is_local = self.origin == Origin::Local;
        match (self.state, self.used_at) {
            (NeighborState::Permanent, _) => None,
            (NeighborState::Incomplete, _) => (!is_local).then_some(Worth::Awaited),
            (_, None) => Some(Worth::Unused),
            (_, Some(at)) => (!is_local || now.since(at) >= IN_USE_TIME).then_some(Worth::Known),
        }
    }
}

impl NeighborCache {
    /// Frees a slot: of the least dear entries that of the one used longest ago, of those never used the
    /// next in turn. `None` if all are in use.
    pub(super) fn evict(&mut self, now: Instant) -> Option<u16> {
        let len = self.slots.len();
        let mut least: Option<(Worth, Option<Instant>, usize)> = None;
        for slot in (1..=len).map(|step| (self.hand + step) % len) {
            let Some(neighbor) = self.slots.get(slot).and_then(Option::as_ref) else { continue };
            let Some(worth) = neighbor.worth(now) else { continue };
            let candidate = (worth, neighbor.used_at, slot);
            if least.is_none_or(|least| (candidate.0, candidate.1) < (least.0, least.1)) {
                least = Some(candidate);
            }
            if worth == Worth::Unused {
                break;
            }
        }
        let (_, _, slot) = least?;
        let neighbor = self.slots.get(slot).and_then(Option::as_ref)?;
        let id = NeighborId { slot: slot as u16, generation: neighbor.generation };
        self.hand = slot;
        self.evicted.neighbors += 1;
        let waiting = self.remove(id);
        self.evicted.packets += waiting.packets.len();
        self.evicted.sockets.extend(waiting.sockets);
        self.free.pop()
    }

    /// Removes an entry that nothing waits for any more, if it was made for a stranger's sake.
    pub(super) fn drop_unwanted(&mut self, id: NeighborId) {
        let is_unwanted = self.entry(id).is_some_and(|neighbor| {
            neighbor.origin == Origin::Answer
                && neighbor.state == NeighborState::Incomplete
                && neighbor.sockets.is_empty()
                && neighbor.packets.is_empty()
        });
        if is_unwanted {
            self.remove(id);
        }
    }
}
