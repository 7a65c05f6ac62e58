//! The acknowledgments that are owed, until `next_segment` sends them.
//!
//! What a batch of arrivals makes moot is never sent: when RCV.NXT advances, the duplicates earned
//! before are dropped and one plain acknowledgment is owed.

use super::assembler::Blocks;
use crate::digest::Digest;
use crate::wire::tcp_options::{MAX_SACK_BLOCKS, SackRange};

/// The most duplicate acknowledgments owed at a time: fast retransmit needs three, and each further
/// one tells the sender that a segment has left the network; beyond this they are no news.
const DUPLICATES_MAX: u8 = 16;

/// What is owed.
#[derive(Clone, Debug, Default)]
pub(super) struct PendingAck {
    /// A plain acknowledgment is owed now.
    pub(super) due: bool,
    /// A range changed and has not been reported (with SACK).
    pub(super) sack_due: bool,
    /// Duplicate acknowledgments (without SACK), one for each out-of-order segment (RFC 5681 section 3.2).
    pub(super) duplicates: u8,
    /// The window field that they were earned with. An acknowledgment whose window differs from the
    /// one before is no duplicate to the sender (RFC 5681 section 2), whatever the application has
    /// read in between.
    pub(super) duplicate_window: u16,
    /// Ranges that arrived twice, one acknowledgment each (RFC 2883 section 4).
    pub(super) dsack: Blocks,
}

impl PendingAck {
    /// Whether it must leave as a segment of its own: a duplicate is none if it carries text, and
    /// blocks would take the room of text.
    pub(super) fn is_special(&self) -> bool {
        self.sack_due || self.duplicates > 0 || !self.dsack.is_empty()
    }

    /// Without SACK: an out-of-order segment arrived while `window` was the window to offer.
    pub(super) fn duplicate(&mut self, window: u16) {
        if self.duplicates == 0 {
            self.duplicate_window = window;
        }
        self.duplicates = (self.duplicates + 1).min(DUPLICATES_MAX);
    }

    /// With SACK: `range` arrived again. Beyond four in one batch they are not reported.
    pub(super) fn duplicate_range(&mut self, range: SackRange) {
        if self.dsack.len() < MAX_SACK_BLOCKS {
            self.dsack.push(range);
        }
        self.due = true;
    }

    /// RCV.NXT advanced over a hole: one plain acknowledgment in place of the duplicates.
    pub(super) fn advance(&mut self) {
        self.due |= self.duplicates > 0;
        self.duplicates = 0;
    }

    pub(super) fn digest(&self, digest: &mut Digest) {
        digest.bool(self.due);
        digest.bool(self.sack_due);
        digest.u8(self.duplicates);
        digest.u16(self.duplicate_window);
        digest.count(self.dsack.len());
        for range in &self.dsack {
            digest.u32(range.start.0);
            digest.u32(range.end.0);
        }
    }
}
