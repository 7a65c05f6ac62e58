//! The scoreboard: which ranges in flight the peer has reported to hold (RFC 2018, RFC 6675).

use alloc::vec::Vec;

use super::seq::SeqNumber;
use crate::digest::Digest;
use crate::wire::tcp_options::SackRange;

/// DupThresh (RFC 6675 section 2).
pub(super) const DUP_THRESH: u32 = 3;

/// Disjoint SACKed ranges above SND.UNA that do not touch, sorted.
#[derive(Clone, Debug, Default)]
pub(super) struct Scoreboard {
    ranges: Vec<SackRange>,
}

impl Scoreboard {
    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Takes a block that was received; true if it told something new. A block that lies outside
    /// what is in flight is a D-SACK, old or forged, and ignored (RFC 2883 section 4, RFC 2018 section 5).
    pub(super) fn add(&mut self, una: SeqNumber, nxt: SeqNumber, block: SackRange, limit: usize) -> bool {
        if block.start >= block.end || block.start <= una || block.end > nxt {
            return false;
        }
        let first = self.ranges.partition_point(|range| range.end < block.start);
        let last = first + self.ranges[first..].partition_point(|range| range.start <= block.end);
        // ranges[first..last] overlap or touch the block.
        let Some((low, high)) = self.ranges.get(first..last).and_then(|met| Some((met.first()?, met.last()?))) else {
            if self.ranges.len() < limit {
                self.ranges.insert(first, block);
                return true;
            }
            return false;
        };
        let joined = SackRange { start: low.start.min(block.start), end: high.end.max(block.end) };
        if last - first == 1 && joined == *low {
            return false;
        }
        self.ranges.drain(first + 1..last);
        self.ranges[first] = joined;
        true
    }

    /// SND.UNA advanced.
    pub(super) fn acknowledge(&mut self, una: SeqNumber) {
        let passed = self.ranges.partition_point(|range| range.end <= una);
        self.ranges.drain(..passed);
        if let Some(first) = self.ranges.first_mut() {
            first.start = first.start.max(una);
        }
    }

    /// The peer has not acknowledged what it said it holds: it has dropped it (RFC 2018 section 8).
    pub(super) fn is_reneged(&self, una: SeqNumber) -> bool {
        self.ranges.first().is_some_and(|range| range.start <= una)
    }

    /// The end of the last range; `None` if there is none.
    pub(super) fn highest(&self) -> Option<SeqNumber> {
        self.ranges.last().map(|range| range.end)
    }

    /// The first octet at or after `from` that is not SACKed, and where the next SACKed range begins.
    pub(super) fn hole(&self, from: SeqNumber) -> (SeqNumber, Option<SeqNumber>) {
        let index = self.ranges.partition_point(|range| range.end <= from);
        match self.ranges.get(index) {
            Some(range) if range.start <= from => (range.end, self.ranges.get(index + 1).map(|next| next.start)),
            Some(range) => (from, Some(range.start)),
            None => (from, None),
        }
    }

    /// How many octets of `start..end` are SACKed.
    pub(super) fn sacked(&self, start: SeqNumber, end: SeqNumber) -> u32 {
        self.ranges.iter().map(|range| range.end.min(end).bytes_since(range.start.max(start))).sum()
    }

    /// The octets that are not SACKed below the returned number are lost: at least DupThresh ranges,
    /// or more than (DupThresh - 1) * SMSS octets, have been SACKed above them (IsLost of RFC 6675
    /// section 4).
    pub(super) fn lost_edge(&self, smss: u32) -> Option<SeqNumber> {
        let (mut ranges, mut octets) = (0, 0);
        for range in self.ranges.iter().rev() {
            ranges += 1;
            octets += range.end.bytes_since(range.start);
            if ranges >= DUP_THRESH || octets > (DUP_THRESH - 1) * smss {
                return Some(range.start);
            }
        }
        None
    }

    pub(super) fn check(&self, una: SeqNumber, nxt: SeqNumber) -> Result<(), &'static str> {
        let mut last = una;
        for (index, range) in self.ranges.iter().enumerate() {
            if range.end <= range.start || range.end > nxt || (index > 0 && range.start <= last) || range.start < una {
                return Err("the scoreboard's ranges are not sorted within what is in flight");
            }
            last = range.end;
        }
        Ok(())
    }

    pub(super) fn digest(&self, digest: &mut Digest) {
        digest.count(self.ranges.len());
        for range in &self.ranges {
            digest.u32(range.start.0);
            digest.u32(range.end.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn block(start: u32, end: u32) -> SackRange {
        SackRange { start: SeqNumber(start), end: SeqNumber(end) }
    }

    fn scoreboard(blocks: &[(u32, u32)]) -> Scoreboard {
        let mut scoreboard = Scoreboard::default();
        for &(start, end) in blocks {
            assert!(scoreboard.add(SeqNumber(0), SeqNumber(100_000), block(start, end), 64));
        }
        scoreboard
    }

    #[test]
    fn lost_by_ranges_or_by_octets() {
        // RFC 6675 section 4, IsLost, with SMSS = 1000.
        assert_eq!(scoreboard(&[(1000, 2000), (3000, 3500)]).lost_edge(1000), None);
        assert_eq!(scoreboard(&[(1000, 1100), (3000, 3100), (5000, 5100)]).lost_edge(1000), Some(SeqNumber(1000)));
        assert_eq!(scoreboard(&[(1000, 3000)]).lost_edge(1000), None);
        assert_eq!(scoreboard(&[(1000, 3001)]).lost_edge(1000), Some(SeqNumber(1000)));
        assert_eq!(scoreboard(&[(1000, 2000), (4000, 7000)]).lost_edge(1000), Some(SeqNumber(4000)));
    }

    #[test]
    fn old_and_forged_blocks_tell_nothing() {
        let mut scoreboard = scoreboard(&[(2000, 3000)]);
        for (start, end) in [(500, 900), (3000, 2000), (2000, 3000), (2500, 2600), (90_000, 100_001), (0, 500)] {
            let start_una = SeqNumber(0);
            let changed = scoreboard.add(start_una, SeqNumber(100_000), block(start, end), 1);
            assert!(!changed, "{start}..{end}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_a_set_of_octets(blocks in prop::collection::vec((1u32..300, 1u32..60), 0..30), una in 0u32..300, origin in any::<u32>()) {
            let at = |offset: u32| SeqNumber(origin) + offset;
            let mut scoreboard = Scoreboard::default();
            let mut model = [false; 400];
            for (start, len) in blocks {
                let news = (start..start + len).any(|i| !model[i as usize]);
                prop_assert_eq!(scoreboard.add(at(0), at(400), SackRange { start: at(start), end: at(start + len) }, 1000), news);
                model[start as usize..(start + len) as usize].fill(true);
                prop_assert_eq!(scoreboard.check(at(0), at(400)), Ok(()));
            }
            scoreboard.acknowledge(at(una));
            model[..una as usize].fill(false);
            prop_assert_eq!(scoreboard.check(at(una), at(400)), Ok(()));
            prop_assert_eq!(scoreboard.sacked(at(una), at(350)), model[..350].iter().filter(|&&held| held).count() as u32);
            let hole = (una..400).find(|&i| !model[i as usize]).unwrap_or(400);
            prop_assert_eq!(scoreboard.hole(at(una)).0, at(hole));
        }
    }
}
