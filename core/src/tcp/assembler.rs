//! Text that arrived out of order, held until what is missing before it arrives (RFC 9293 SHLD-31).
//!
//! Ranges are disjoint, do not touch and are sorted by sequence number; each is a row of slices as
//! they came. A stamp remembers which ranges were touched last, because SACK reports these first
//! (RFC 2018 section 4).

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::Bytes;
use smallvec::SmallVec;

use super::seq::SeqNumber;
use crate::buffer::{COPY_BELOW, ChunkPool, charge};
use crate::digest::Digest;
use crate::wire::tcp_options::{MAX_SACK_BLOCKS, SackRange};

#[derive(Clone, Debug)]
struct Range {
    start: SeqNumber,
    end: SeqNumber,
    /// When it was last touched, by the assembler's count of insertions.
    stamp: u32,
    /// It has changed since it was last reported.
    changed: bool,
    pieces: VecDeque<Bytes>,
}

impl Range {
    fn new(start: SeqNumber, data: Bytes) -> Range {
        let end = start + data.len() as u32;
        Range { start, end, stamp: 0, changed: false, pieces: VecDeque::from([data]) }
    }
}

/// The blocks of a SACK option.
pub(super) type Blocks = SmallVec<[SackRange; MAX_SACK_BLOCKS]>;

/// The bounds on what is held.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Ranges.
    pub(super) ranges: usize,
    /// Bytes, as charged.
    pub(super) charge: usize,
}

/// What became of an insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Insertion {
    /// The text is held; where part of it had been before, the first such range.
    Stored(Option<SackRange>),
    /// There is no room.
    Refused,
}

/// The ranges held.
#[derive(Clone, Debug, Default)]
pub(super) struct Assembler {
    ranges: Vec<Range>,
    charged: usize,
    stamp: u32,
    /// How many ranges have `changed` set.
    changed: usize,
}

impl Assembler {
    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Adds `text`, which is not empty and begins at `seq`.
    pub(super) fn insert(&mut self, seq: SeqNumber, text: &Bytes, room: Room, chunks: &mut ChunkPool) -> Insertion {
        let end = seq + text.len() as u32;
        // Sorted and disjoint, so both starts and ends are in order.
        let index = self.ranges.partition_point(|range| range.end < seq);
        let alone = self.ranges.get(index).is_none_or(|range| end < range.start);
        if self.charged + charge(text.len()) > room.charge || (alone && self.ranges.len() >= room.ranges) {
            return Insertion::Refused;
        }
        let mut slice = |from: SeqNumber, to: SeqNumber| {
            let part = text.slice(from.bytes_since(seq) as usize..to.bytes_since(seq) as usize);
            if part.len() < COPY_BELOW { chunks.copy(&part) } else { part }
        };
        let mut duplicate = None;
        let mut at = seq;
        if alone {
            self.charged += charge(text.len());
            self.ranges.insert(index, Range::new(at, slice(at, end)));
            self.touch(index);
            return Insertion::Stored(None);
        }
        while at < end {
            let next_start = self.ranges.get(index + 1).map(|next| next.start);
            let Some(range) = self.ranges.get_mut(index) else { break };
            if at < range.start {
                // A hole before the range, filled up to it.
                let part = slice(at, range.start);
                self.charged += charge(part.len());
                range.pieces.push_front(part);
                core::mem::swap(&mut range.start, &mut at);
                self.touch(index);
            } else if at < range.end {
                let stop = range.end.min(end);
                duplicate = duplicate.or(Some(SackRange { start: at, end: stop }));
                at = stop;
            } else {
                // The hole behind the range, filled up to the next one.
                let stop = next_start.map_or(end, |next| next.min(end));
                let part = slice(at, stop);
                self.charged += charge(part.len());
                range.pieces.push_back(part);
                range.end = stop;
                at = stop;
                self.join(index);
                self.touch(index);
            }
        }
        // The range that holds the segment is reported first, also where nothing in it was new.
        self.stamp += 1;
        if let Some(range) = self.ranges.get_mut(index) {
            range.stamp = self.stamp;
        }
        Insertion::Stored(duplicate)
    }

    /// Marks a range as the one that changed last.
    fn touch(&mut self, index: usize) {
        self.stamp += 1;
        if let Some(range) = self.ranges.get_mut(index) {
            range.stamp = self.stamp;
            self.changed += usize::from(!range.changed);
            range.changed = true;
        }
    }

    /// Joins a range with the next one if they touch.
    fn join(&mut self, index: usize) {
        let touching = match (self.ranges.get(index), self.ranges.get(index + 1)) {
            (Some(range), Some(next)) => range.end == next.start,
            _ => false,
        };
        if touching {
            let mut next = self.ranges.remove(index + 1);
            self.changed -= usize::from(next.changed);
            if let Some(range) = self.ranges.get_mut(index) {
                range.end = next.end;
                range.pieces.append(&mut next.pieces);
            }
        }
    }

    /// Removes and returns the next text that begins at `nxt`, if it is here. What lies before
    /// `nxt` has arrived otherwise and is dropped.
    pub(super) fn pop(&mut self, nxt: SeqNumber) -> Option<Bytes> {
        loop {
            let range = self.ranges.first_mut()?;
            if range.start > nxt {
                return None;
            }
            let Some(piece) = range.pieces.pop_front() else {
                self.changed -= usize::from(range.changed);
                self.ranges.remove(0);
                continue;
            };
            let start = range.start;
            range.start += piece.len() as u32;
            self.charged -= charge(piece.len());
            let passed = nxt.bytes_since(start) as usize;
            if passed < piece.len() {
                return Some(piece.slice(passed..));
            }
        }
    }

    /// Whether a range has changed since it was reported.
    pub(super) fn has_news(&self) -> bool {
        self.changed > 0
    }

    /// Appends up to `room` ranges: those that changed first, then by how recently they were
    /// touched (RFC 2018 section 4). They count as reported. `blocks[ranges_from..]` are ranges that
    /// stand there already.
    pub(super) fn report(&mut self, room: usize, ranges_from: usize, blocks: &mut Blocks) {
        for _ in 0..room {
            let reported = blocks.get(ranges_from..).unwrap_or_default();
            let next = self
                .ranges
                .iter_mut()
                .filter(|range| !reported.iter().any(|block| block.start == range.start))
                .max_by_key(|range| (range.changed, range.stamp));
            let Some(range) = next else { return };
            self.changed -= usize::from(range.changed);
            range.changed = false;
            blocks.push(SackRange { start: range.start, end: range.end });
        }
    }

    /// Appends the range that holds `seq`, if there is one. It counts as reported.
    pub(super) fn report_around(&mut self, seq: SeqNumber, blocks: &mut Blocks) {
        let index = self.ranges.partition_point(|range| range.end <= seq);
        if let Some(range) = self.ranges.get_mut(index).filter(|range| range.start <= seq) {
            self.changed -= usize::from(range.changed);
            range.changed = false;
            blocks.push(SackRange { start: range.start, end: range.end });
        }
    }

    pub(super) fn check(&self, nxt: SeqNumber) -> Result<(), &'static str> {
        let mut last = nxt;
        let (mut charged, mut changed) = (0, 0);
        for range in &self.ranges {
            if range.start <= last || range.end <= range.start {
                return Err("ranges of the assembler touch, overlap or begin before RCV.NXT");
            }
            let len: usize = range.pieces.iter().map(Bytes::len).sum();
            if range.start + len as u32 != range.end {
                return Err("a range of the assembler is not as long as its pieces");
            }
            charged += range.pieces.iter().map(|piece| charge(piece.len())).sum::<usize>();
            changed += usize::from(range.changed);
            last = range.end;
        }
        if charged != self.charged || changed != self.changed {
            return Err("the assembler's sums are wrong");
        }
        Ok(())
    }

    pub(super) fn digest(&self, digest: &mut Digest) {
        digest.count(self.charged);
        digest.count(self.ranges.len());
        for range in &self.ranges {
            digest.u32(range.start.0);
            digest.u32(range.stamp);
            digest.bool(range.changed);
            digest.u32(range.end.0);
            for piece in &range.pieces {
                digest.bytes(piece);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ROOM: Room = Room { ranges: 64, charge: 1 << 20 };

    fn text(seq: u32, len: usize) -> Bytes {
        (0..len).map(|i| (seq.wrapping_add(i as u32) % 251) as u8).collect()
    }

    fn blocks(assembler: &mut Assembler, room: usize) -> Vec<(u32, u32)> {
        let mut out = Blocks::new();
        assembler.report(room, 0, &mut out);
        out.iter().map(|block| (block.start.0, block.end.0)).collect()
    }

    #[test]
    fn reports_the_most_recent_first() {
        // RFC 2018 section 4: the block of the segment that arrived last, then those reported last.
        let (mut assembler, mut chunks) = (Assembler::default(), ChunkPool::default());
        for seq in [5500, 6500, 7500, 8500] {
            assembler.insert(SeqNumber(seq), &text(seq, 500), ROOM, &mut chunks);
        }
        assert_eq!(blocks(&mut assembler, 3), [(8500, 9000), (7500, 8000), (6500, 7000)]);
        assert!(assembler.has_news());
        assert_eq!(blocks(&mut assembler, 3), [(5500, 6000), (8500, 9000), (7500, 8000)]);
        assert!(!assembler.has_news());
    }

    #[test]
    fn names_what_arrived_twice() {
        let (mut assembler, mut chunks) = (Assembler::default(), ChunkPool::default());
        assembler.insert(SeqNumber(200), &text(200, 100), ROOM, &mut chunks);
        let again = assembler.insert(SeqNumber(150), &text(150, 100), ROOM, &mut chunks);
        assert_eq!(again, Insertion::Stored(Some(SackRange { start: SeqNumber(200), end: SeqNumber(250) })));
        let mut around = Blocks::new();
        assembler.report_around(SeqNumber(200), &mut around);
        assert_eq!(around[..], [SackRange { start: SeqNumber(150), end: SeqNumber(300) }]);
    }

    #[test]
    fn refuses_beyond_its_room() {
        let (mut assembler, mut chunks) = (Assembler::default(), ChunkPool::default());
        let room = Room { ranges: 2, charge: 3 * charge(10) };
        for seq in [100, 200] {
            assert_eq!(assembler.insert(SeqNumber(seq), &text(seq, 10), room, &mut chunks), Insertion::Stored(None));
        }
        assert_eq!(assembler.insert(SeqNumber(300), &text(300, 10), room, &mut chunks), Insertion::Refused);
        assert_eq!(assembler.insert(SeqNumber(210), &text(210, 10), room, &mut chunks), Insertion::Stored(None));
        assert_eq!(assembler.insert(SeqNumber(220), &text(220, 10), room, &mut chunks), Insertion::Refused);
    }

    proptest! {
        /// Whatever the order, all of the stream comes out once and in order, across 2^32 too.
        #[test]
        fn delivers_a_stream_in_order(
            mut parts in prop::collection::vec((0u32..4000, 1usize..1500), 1..60),
            origin in prop_oneof![Just(0u32), Just(u32::MAX - 2000), any::<u32>()],
        ) {
            parts.extend((0..4).map(|i| (i * 1500, 1500)));
            let (mut assembler, mut chunks) = (Assembler::default(), ChunkPool::default());
            let origin_seq = SeqNumber(origin);
            let mut nxt = origin_seq;
            let mut delivered = Vec::new();
            for (offset, len) in parts {
                let seq = origin_seq + offset;
                let end = seq + len as u32;
                if end <= nxt { continue; }
                let seq = seq.max(nxt);
                let data = text(seq.0, end.bytes_since(seq) as usize);
                if seq > nxt {
                    assembler.insert(seq, &data, ROOM, &mut chunks);
                } else {
                    nxt += data.len() as u32;
                    delivered.extend_from_slice(&data);
                    while let Some(more) = assembler.pop(nxt) {
                        nxt += more.len() as u32;
                        delivered.extend_from_slice(&more);
                    }
                }
                prop_assert_eq!(assembler.check(nxt), Ok(()));
            }
            prop_assert!(assembler.is_empty());
            prop_assert_eq!(&delivered[..], &text(origin, delivered.len())[..]);
            prop_assert_eq!(delivered.len(), 6000);
        }
    }
}
