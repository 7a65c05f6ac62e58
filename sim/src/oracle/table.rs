//! The connections of a tap, by their ends.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use super::flow::Flow;
use super::verdict::FlowKey;

/// The most connections remembered, per tap. A new one then takes the place of an old one.
pub const FLOWS: usize = 8192;

/// Behind so many, a new one takes the place of one that is over, if there is one among the next few: what many short
/// connections leave behind need not be carried through the caches.
const RECENT: usize = 1024;

/// How many are looked at for one that is over.
const LOOK: usize = 16;

/// Connections in slots, which are used again with what memory they have.
#[derive(Clone, Debug, Default)]
pub(super) struct Flows {
    slots: Vec<(FlowKey, Flow)>,
    /// Never walked: its order means nothing.
    by_key: HashMap<FlowKey, usize, FxBuildHasher>,
    /// The slot used last: mostly the next one too.
    last: usize,
    /// Where the next to be forgotten is looked for.
    hand: usize,
    /// Connections forgotten while they were not over.
    pub(super) forgotten: u64,
}

impl Flows {
    /// The connection, new if it is not known.
    #[inline]
    pub(super) fn slot(&mut self, key: FlowKey) -> &mut Flow {
        if self.slots.get(self.last).is_none_or(|(last, _)| *last != key) {
            self.last = match self.by_key.get(&key) {
                Some(slot) => *slot,
                None => self.insert(key),
            };
        }
        &mut self.slots[self.last].1
    }

    /// The connection, if it is known, to be looked at.
    pub(super) fn look(&self, key: FlowKey) -> Option<&Flow> {
        let slot = match self.slots.get(self.last) {
            Some((last, _)) if *last == key => self.last,
            _ => *self.by_key.get(&key)?,
        };
        self.slots.get(slot).map(|(_, flow)| flow)
    }

    /// The connection, if it is known.
    pub(super) fn known(&mut self, key: FlowKey) -> Option<&mut Flow> {
        let slot = *self.by_key.get(&key)?;
        self.slots.get_mut(slot).map(|(_, flow)| flow)
    }

    /// No text waits for its acknowledgment as far as can be told.
    pub(super) fn forget_waits(&mut self) {
        for (_, flow) in &mut self.slots {
            flow.unacknowledged = None;
            flow.disturbed = true;
        }
    }

    /// Forgets all connections, without counting them.
    pub(super) fn clear(&mut self) {
        *self = Flows { forgotten: self.forgotten, ..Flows::default() };
    }

    fn insert(&mut self, key: FlowKey) -> usize {
        let slot = if let Some(slot) = self.place() {
            self.replace(slot, key);
            slot
        } else {
            self.slots.push((key, Flow::default()));
            self.slots.len() - 1
        };
        self.by_key.insert(key, slot);
        // The same connection as the other end would name it: what arrives here leaves here again.
        if let Some(&turned) = self.by_key.get(&key.turned()) {
            self.slots[turned].1.transit = true;
            self.slots[slot].1.transit = true;
        }
        slot
    }

    /// The slot that a new connection takes from another one; `None` if there is room for one more.
    fn place(&mut self) -> Option<usize> {
        let used = self.slots.len();
        if used < RECENT {
            return None;
        }
        let first = self.hand % used;
        let over = (0..LOOK).map(|step| (first + step) % used).find(|&slot| self.slots[slot].1.over);
        let slot = over.or((used >= FLOWS).then_some(first));
        self.hand = slot.map_or(first + LOOK, |slot| slot + 1);
        slot
    }

    fn replace(&mut self, slot: usize, key: FlowKey) {
        let (old, flow) = &mut self.slots[slot];
        self.forgotten += u64::from(!flow.over);
        self.by_key.remove(old);
        *old = key;
        flow.reset();
    }
}
