//! The interfaces of a stack by their numbers, which are never given twice: what names an interface
//! that was removed names none, not its successor.

use alloc::vec::Vec;

use super::{Interface, InterfaceId};

/// The interfaces.
#[derive(Clone, Default)]
pub(crate) struct InterfaceTable {
    slots: Vec<Option<Interface>>,
    live: usize,
}

impl InterfaceTable {
    /// The number of the next interface; `None` when all 65,536 have been used.
    pub(crate) fn next_id(&self) -> Option<InterfaceId> {
        u16::try_from(self.slots.len()).ok().map(InterfaceId)
    }

    /// Adds the interface that has the next number.
    pub(crate) fn add(&mut self, interface: Interface) {
        debug_assert_eq!(interface.id.index(), self.slots.len());
        self.slots.push(Some(interface));
        self.live += 1;
    }

    pub(crate) fn remove(&mut self, index: usize) {
        if self.slots.get_mut(index).and_then(Option::take).is_some() {
            self.live -= 1;
        }
    }

    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&Interface> {
        self.slots.get(index)?.as_ref()
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut Interface> {
        self.slots.get_mut(index)?.as_mut()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// In the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Interface> {
        self.slots.iter().flatten()
    }
}
