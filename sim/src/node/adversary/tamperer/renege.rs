//! Reneging (RFC 2018 section 8): "the data receiver is permitted to discard data in its queue that has not
//! been acknowledged to the data sender, even if the data has already been reported in a SACK option".
//!
//! ```text
//!   victim sends   |  hole  |   a    |   b    |   c    |
//!                  swallowed swallowed swallowed passes
//!   is told        ack hole, sack a, then a..c; after that only what the host has
//! ```

use bytes::Bytes;
use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::wire::tcp_options::SackRange;

use super::flow::{Flow, Part};

/// What is told to have arrived, and has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    /// Where the swallowed segment begins that makes the rest lie beyond a hole.
    hole: SeqNumber,
    /// What is claimed; empty at first.
    range: SackRange,
    /// Segments that are still to be swallowed.
    left: u8,
}

impl Flow {
    /// Whether the segment is the one that the host waits for, and the victim would be believed.
    pub(super) fn may_renege(&self, part: &Part) -> bool {
        let awaited = self.model.map(|model| model.next());
        self.has_sack() && part.text().is_some_and(|text| Some(text.start) == awaited)
    }

    pub(super) fn is_reneging(&self) -> bool {
        self.claim.is_some()
    }

    pub(super) fn begin_reneging(&mut self, part: &Part, segments: u8) {
        self.claim = part.text().map(|text| {
            let range = SackRange { start: text.end, end: text.end };
            Claim { hole: text.start, range, left: segments }
        });
    }

    /// Swallows a segment beyond the hole and claims it, while there are any left to swallow. When the hole
    /// is sent again, it is over.
    pub(super) fn renege(&mut self, part: &Part) -> Option<Bytes> {
        let (claim, text) = (self.claim.as_mut()?, part.text()?);
        if text.start == claim.hole || claim.left == 0 {
            self.claim = None;
            return None;
        }
        if text.start < claim.range.start {
            return None;
        }
        claim.left -= 1;
        // What would leave a hole of its own is swallowed, and not told of.
        if text.start <= claim.range.end {
            claim.range.end = claim.range.end.max(text.end);
        }
        let range = claim.range;
        self.model.map(|model| model.claiming(range))
    }
}
