//! What is to happen: ordered by time, and at one time by the order in which it was decided.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use tickwire_core::Instant;

/// The queue. Its order is total, so it does not depend on how the heap is built.
#[derive(Clone, Debug)]
pub(crate) struct Queue<T> {
    heap: BinaryHeap<Reverse<Entry<T>>>,
    /// The number of the next entry.
    sequence: u64,
}

#[derive(Clone, Debug)]
struct Entry<T> {
    at: Instant,
    sequence: u64,
    what: T,
}

impl<T> Entry<T> {
    fn key(&self) -> (Instant, u64) {
        (self.at, self.sequence)
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Entry<T>) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Entry<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Entry<T>) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Queue<T> {
        Queue { heap: BinaryHeap::new(), sequence: 0 }
    }

    pub(crate) fn push(&mut self, at: Instant, what: T) {
        self.heap.push(Reverse(Entry { at, sequence: self.sequence, what }));
        self.sequence += 1;
    }

    /// The next entry, if it is due by `limit`.
    pub(crate) fn pop(&mut self, limit: Instant) -> Option<(Instant, T)> {
        let Reverse(next) = self.heap.peek()?;
        if next.at > limit {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| (entry.at, entry.what))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_time_then_by_order_of_pushing() {
        let mut queue = Queue::new();
        for (nanos, what) in [(5, 'c'), (1, 'a'), (5, 'd'), (2, 'b'), (5, 'e')] {
            queue.push(Instant::from_nanos(nanos), what);
        }
        let order: String = std::iter::from_fn(|| queue.pop(Instant::from_nanos(5))).map(|(_, what)| what).collect();
        assert_eq!(order, "abcde");
        assert!(queue.is_empty());
    }

    #[test]
    fn what_is_after_the_limit_stays() {
        let mut queue = Queue::new();
        queue.push(Instant::from_nanos(7), ());
        assert_eq!(queue.pop(Instant::from_nanos(6)), None);
        assert_eq!(queue.pop(Instant::from_nanos(7)), Some((Instant::from_nanos(7), ())));
    }
}
