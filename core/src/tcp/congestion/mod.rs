//! Congestion control: CWND and SSTHRESH (RFC 5681), and the algorithm that grows them.
//!
//! - this file: the windows, the initial one, what loss does to them
//! - `new_reno`: slow start and congestion avoidance (RFC 5681 section 3.1)
//!
//! Another algorithm is another variant of [`Algorithm`]: it decides growth and what remains after
//! a loss; when loss is declared is `recovery`'s business.

mod new_reno;

use new_reno::NewReno;

use crate::digest::Digest;

#[derive(Clone, Copy, Debug)]
enum Algorithm {
    NewReno(NewReno),
}

/// The congestion window of one connection. All sizes are in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Congestion {
    cwnd: u32,
    ssthresh: u32,
    smss: u32,
    algorithm: Algorithm,
}

/// The initial window for segments of `smss` bytes (RFC 6928 section 2).
fn initial_window(smss: u32) -> u32 {
    (10 * smss).min((2 * smss).max(14_600))
}

impl Congestion {
    pub(super) fn new(smss: u16) -> Congestion {
        let smss = u32::from(smss);
        Congestion {
            cwnd: initial_window(smss),
            // "Arbitrarily high" at first (RFC 5681 section 3.1).
            ssthresh: u32::MAX,
            smss,
            algorithm: Algorithm::NewReno(NewReno::default()),
        }
    }

    /// The segment size is known. After a lost SYN the initial window is one segment (RFC 5681 section 3.1).
    pub(super) fn on_established(&mut self, smss: u16, syn_lost: bool) {
        self.smss = u32::from(smss);
        self.cwnd = if syn_lost { self.smss } else { initial_window(self.smss) };
    }

    /// The segment size has changed. The window is no other for that (RFC 1191 section 6.4), but never
    /// less than a segment.
    pub(super) fn on_segment_size(&mut self, smss: u16) {
        self.smss = u32::from(smss);
        self.cwnd = self.cwnd.max(self.smss);
    }

    pub(super) fn cwnd(&self) -> u32 {
        self.cwnd
    }

    pub(super) fn ssthresh(&self) -> u32 {
        self.ssthresh
    }

    /// `acked` bytes of new data were acknowledged outside of loss recovery, and the window was
    /// what had limited the sender.
    pub(super) fn on_ack(&mut self, acked: u32) {
        match &mut self.algorithm {
            Algorithm::NewReno(new_reno) => self.cwnd = new_reno.grow(self.cwnd, self.ssthresh, self.smss, acked),
        }
    }

    /// `acked` bytes were acknowledged while what a timeout gave up is being sent again: one segment
    /// per acknowledgment, because much of it may have arrived long ago (RFC 3465 section 2.3).
    pub(super) fn on_ack_after_timeout(&mut self, acked: u32) {
        self.on_ack(acked.min(self.smss));
    }

    /// Loss was found by duplicate acknowledgments with `flight` bytes outstanding (RFC 5681 section 3.2).
    /// With `inflate`, the three segments that left the network make room for as many.
    pub(super) fn on_loss(&mut self, flight: u32, inflate: bool) {
        self.ssthresh = self.reduced(flight);
        self.cwnd = if inflate { self.ssthresh + 3 * self.smss } else { self.ssthresh };
    }

    /// The retransmission timer expired; `first` unless the same data had timed out before
    /// (RFC 5681 section 3.1, equation 4).
    pub(super) fn on_timeout(&mut self, flight: u32, first: bool) {
        if first {
            self.ssthresh = self.reduced(flight);
        }
        self.cwnd = self.smss;
    }

    fn reduced(&self, flight: u32) -> u32 {
        match &self.algorithm {
            Algorithm::NewReno(_) => NewReno::reduced(flight, self.smss),
        }
    }

    /// A further duplicate acknowledgment in fast recovery without SACK (RFC 5681 section 3.2 step 4).
    pub(super) fn inflate(&mut self) {
        self.cwnd = self.cwnd.saturating_add(self.smss);
    }

    /// A partial acknowledgment of `acked` bytes in fast recovery without SACK (RFC 6582 section 3.2 step 3).
    pub(super) fn deflate(&mut self, acked: u32) {
        let back = if acked >= self.smss { self.smss } else { 0 };
        self.cwnd = (self.cwnd.saturating_sub(acked) + back).max(self.smss);
    }

    /// Fast recovery is over with `flight` bytes outstanding: no burst (RFC 6582 section 3.2 step 3, first way).
    pub(super) fn on_recovered(&mut self, flight: u32) {
        self.cwnd = self.ssthresh.min(flight.max(self.smss) + self.smss);
    }

    /// Nothing was sent for longer than an RTO (RFC 5681 section 4.1).
    pub(super) fn on_idle(&mut self) {
        self.cwnd = self.cwnd.min(initial_window(self.smss));
    }

    pub(super) fn digest(&self, digest: &mut Digest) {
        digest.u32(self.cwnd);
        digest.u32(self.ssthresh);
        digest.u32(self.smss);
        match &self.algorithm {
            Algorithm::NewReno(new_reno) => new_reno.digest(digest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(1460, 14_600)]
    #[case(536, 5_360)]
    #[case(1095, 10_950)]
    #[case(9000, 18_000)]
    fn initial_window_of_rfc_6928(#[case] smss: u32, #[case] window: u32) {
        assert_eq!(initial_window(smss), window);
    }

    #[test]
    fn slow_start_then_one_segment_per_round_trip() {
        let mut congestion = Congestion::new(1000);
        assert_eq!(congestion.cwnd(), 10_000);
        congestion.on_ack(10_000);
        assert_eq!(congestion.cwnd(), 20_000);
        congestion.on_loss(20_000, false);
        assert_eq!((congestion.cwnd(), congestion.ssthresh()), (10_000, 10_000));
        for _ in 0..10 {
            congestion.on_ack(1000);
        }
        assert_eq!(congestion.cwnd(), 11_000);
    }

    #[test]
    fn slow_start_ends_at_ssthresh() {
        let mut congestion = Congestion::new(1000);
        congestion.on_timeout(15_000, true);
        assert_eq!((congestion.cwnd(), congestion.ssthresh()), (1000, 7500));
        congestion.on_timeout(1000, false);
        assert_eq!(congestion.ssthresh(), 7500);
        congestion.on_ack(100_000);
        assert_eq!(congestion.cwnd(), 7500);
    }

    #[test]
    fn never_below_two_segments_after_a_loss() {
        let mut congestion = Congestion::new(1000);
        congestion.on_loss(1000, true);
        assert_eq!((congestion.cwnd(), congestion.ssthresh()), (5000, 2000));
        congestion.deflate(3000);
        assert_eq!(congestion.cwnd(), 3000);
        congestion.on_recovered(0);
        assert_eq!(congestion.cwnd(), 2000);
    }
}
