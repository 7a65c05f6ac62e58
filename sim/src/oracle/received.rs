//! What a host has received of a connection's sequence space.

use smallvec::SmallVec;
use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::wire::tcp_options::SackRange;

/// The most ranges remembered beyond the first hole.
const RANGES: usize = 128;

/// All up to a number, and ranges beyond it.
#[derive(Clone, Debug, Default)]
pub(super) struct Received {
    /// The end of what came without a hole.
    pub(super) next: SeqNumber,
    /// Apart from each other, by sequence number.
    beyond: SmallVec<[SackRange; 4]>,
    /// There were more ranges than are remembered.
    pub(super) incomplete: bool,
}

impl Received {
    /// Nothing yet: the first number is `next`.
    pub(super) fn starting(next: SeqNumber) -> Received {
        Received { next, beyond: SmallVec::new(), incomplete: false }
    }

    #[inline]
    pub(super) fn add(&mut self, seq: SeqNumber, end: SeqNumber) {
        if seq > self.next {
            self.add_beyond(seq, end);
        } else if end > self.next {
            self.next = end;
            if !self.beyond.is_empty() {
                self.absorb();
            }
        }
    }

    /// Takes in the ranges that `next` has reached.
    fn absorb(&mut self) {
        let mut next = self.next;
        self.beyond.retain(|range| {
            let reached = range.start <= next;
            if reached {
                next = next.max(range.end);
            }
            !reached
        });
        self.next = next;
    }

    fn add_beyond(&mut self, seq: SeqNumber, end: SeqNumber) {
        let mut new = SackRange { start: seq, end };
        self.beyond.retain(|range| {
            let apart = range.end < new.start || new.end < range.start;
            if !apart {
                new = SackRange { start: range.start.min(new.start), end: range.end.max(new.end) };
            }
            apart
        });
        if self.beyond.len() >= RANGES {
            self.incomplete = true;
            return;
        }
        let at = self.beyond.partition_point(|range| range.start < new.start);
        self.beyond.insert(at, new);
    }

    /// Whether all of `range` was received.
    pub(super) fn covers(&self, range: SackRange) -> bool {
        range.end <= self.next || self.beyond.iter().any(|have| have.start <= range.start && range.end <= have.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(ranges: &[(u32, u32)]) -> Received {
        let mut received = Received::starting(SeqNumber(100));
        for &(start, end) in ranges {
            received.add(SeqNumber(start), SeqNumber(end));
        }
        received
    }

    #[test]
    fn holes_close() {
        assert_eq!(received(&[(100, 200), (300, 400), (200, 300)]).next, SeqNumber(400));
        assert_eq!(received(&[(300, 400), (150, 350), (100, 151)]).next, SeqNumber(400));
        assert_eq!(received(&[(300, 400), (500, 600), (100, 450)]).next, SeqNumber(450));
    }

    #[test]
    fn only_what_came_is_covered() {
        let received = received(&[(100, 200), (300, 400), (400, 450)]);
        let covers = |start, end| received.covers(SackRange { start: SeqNumber(start), end: SeqNumber(end) });
        assert!(covers(300, 450) && covers(320, 330) && covers(50, 200));
        assert!(!covers(299, 400) && !covers(300, 451) && !covers(190, 210));
    }

    #[test]
    fn ranges_are_bounded() {
        let mut received = Received::starting(SeqNumber(0));
        for number in 0..=RANGES as u32 {
            received.add(SeqNumber(10 + 10 * number), SeqNumber(15 + 10 * number));
        }
        assert!(received.incomplete);
        assert_eq!(received.beyond.len(), RANGES);
    }
}
