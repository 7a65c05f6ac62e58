//! What a host has sent and its peer has not acknowledged: the bytes, and when each was sent last.

use std::collections::VecDeque;

use bytes::Bytes;
use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::time::Duration;

use super::verdict::Mark;

/// The most segments remembered of a connection. The oldest are forgotten first.
pub const SEGMENTS: usize = 4096;
/// The most bytes remembered of a connection.
pub const BYTES: usize = 8 << 20;

/// A segment as it was sent first.
#[derive(Clone, Debug)]
pub(super) struct SentSegment {
    pub(super) seq: SeqNumber,
    pub(super) end: SeqNumber,
    /// The frame, and where the text begins and ends in it.
    frame: Bytes,
    text: (u32, u32),
    /// The frame in which it was sent first.
    pub(super) first: Mark,
    /// The frame in which any of it was sent last.
    pub(super) last: Mark,
    /// How long it had waited then, if the peer had been silent meanwhile.
    pub(super) waited: Option<Duration>,
    /// It was sent again.
    pub(super) again: bool,
}

impl SentSegment {
    pub(super) fn text(&self) -> &[u8] {
        self.frame.get(self.text.0 as usize..self.text.1 as usize).unwrap_or_default()
    }
}

/// The segments between SND.UNA and SND.NXT, by sequence number.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent {
    segments: VecDeque<SentSegment>,
    bytes: usize,
}

impl Sent {
    /// Forgets everything, keeping the memory for the next connection.
    pub(super) fn clear(&mut self) {
        self.segments.clear();
        self.bytes = 0;
    }

    /// Takes note of what is sent for the first time.
    #[inline]
    pub(super) fn push(&mut self, seq: SeqNumber, end: SeqNumber, frame: &Bytes, text: (u32, u32), mark: Mark) {
        while self.segments.len() >= SEGMENTS || self.bytes > BYTES {
            self.forget_first();
        }
        self.bytes += frame.len();
        let frame = frame.clone();
        self.segments.push_back(SentSegment {
            seq,
            end,
            frame,
            text,
            first: mark,
            last: mark,
            waited: None,
            again: false,
        });
    }

    fn forget_first(&mut self) {
        if let Some(first) = self.segments.pop_front() {
            self.bytes -= first.frame.len();
        }
    }

    /// Forgets what is acknowledged.
    #[inline]
    pub(super) fn acknowledge(&mut self, ack: SeqNumber) {
        while self.segments.front().is_some_and(|first| first.end <= ack) {
            self.forget_first();
        }
    }

    /// The oldest.
    pub(super) fn first(&self) -> Option<&SentSegment> {
        self.segments.front()
    }

    /// The number of the first whose end lies behind `seq`.
    fn from(&self, seq: SeqNumber) -> usize {
        self.segments.partition_point(|segment| segment.end <= seq)
    }

    /// What overlaps `seq..end`.
    pub(super) fn overlapping(&self, seq: SeqNumber, end: SeqNumber) -> impl Iterator<Item = &SentSegment> {
        self.segments.range(self.from(seq)..).take_while(move |segment| segment.seq < end)
    }

    /// Takes note of what was sent again. `heard` is the place, plus one, of the last frame that may have
    /// caused it.
    pub(super) fn sent_again(&mut self, seq: SeqNumber, end: SeqNumber, mark: Mark, heard: u64) {
        let from = self.from(seq);
        for segment in self.segments.range_mut(from..).take_while(|segment| segment.seq < end) {
            segment.waited = (heard <= segment.last.order).then(|| mark.at.since(segment.last.at));
            segment.last = mark;
            segment.again = true;
        }
    }
}
