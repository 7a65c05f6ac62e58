//! Slow start and congestion avoidance as RFC 5681 section 3.1 has them, counting bytes.

use crate::digest::Digest;

/// What congestion avoidance remembers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NewReno {
    /// Bytes acknowledged since the window last grew.
    acked: u32,
}

impl NewReno {
    /// The window after `acked` bytes.
    pub(super) fn grow(&mut self, cwnd: u32, ssthresh: u32, smss: u32, acked: u32) -> u32 {
        if cwnd < ssthresh {
            // Slow start. All acknowledged bytes count, not at most two segments (L of RFC 3465
            // section 2.2): receivers that coalesce acknowledgments over a batch would hold the
            // window down for many round trips. RFC 9002 section 7.3.1 counts the same way.
            return cwnd.saturating_add(acked).min(ssthresh);
        }
        // Congestion avoidance: one segment per window of acknowledged bytes.
        self.acked = self.acked.saturating_add(acked);
        if self.acked < cwnd {
            return cwnd;
        }
        self.acked = (self.acked - cwnd).min(cwnd);
        cwnd.saturating_add(smss)
    }

    /// SSTHRESH after a loss (RFC 5681 equation 4).
    pub(super) fn reduced(flight: u32, smss: u32) -> u32 {
        (flight / 2).max(2 * smss)
    }

    pub(super) fn digest(self, digest: &mut Digest) {
        digest.u32(self.acked);
    }
}
