//! The round trip: SRTT, RTTVAR and RTO (RFC 6298).

use crate::config::TcpConfig;
use crate::digest::Digest;
use crate::time::Duration;

/// The clock granularity G of RFC 6298 section 2: that of the timestamps option.
const GRANULARITY_NS: u64 = 1_000_000;
/// The RTO after a SYN had to be sent again and no round trip is known (RFC 6298 section 5.7).
const RTO_AFTER_SYN_LOSS: Duration = Duration::from_secs(3);
/// The most doublings of the RTO; the largest RTO ends them earlier.
const BACKOFF_MAX: u8 = 16;

/// Longer round trips than this (a day) are taken as this: nothing here can overflow.
const MEASURED_MAX_NS: u64 = 86_400_000_000_000;
/// The most samples per window that the gains are divided by.
const EXPECTED_MAX: u32 = 1 << 16;

/// The estimator, in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rtt {
    /// SRTT; 0 before the first measurement.
    srtt_ns: u64,
    rttvar_ns: u64,
    min_ns: u64,
    /// Doublings of the RTO since the last acknowledgment that could be timed (RFC 6298 section 5.5).
    backoff: u8,
    syn_lost: bool,
    /// The connection is established, and its SYN had been lost.
    established_after_loss: bool,
}

impl Rtt {
    pub(super) fn is_measured(&self) -> bool {
        self.srtt_ns > 0
    }

    pub(super) fn srtt(&self) -> Option<Duration> {
        self.is_measured().then(|| Duration::from_nanos(self.srtt_ns))
    }

    pub(super) fn rttvar(&self) -> Option<Duration> {
        self.is_measured().then(|| Duration::from_nanos(self.rttvar_ns))
    }

    pub(super) fn min(&self) -> Option<Duration> {
        self.is_measured().then(|| Duration::from_nanos(self.min_ns))
    }

    /// Whether a SYN had to be sent again.
    pub(super) fn syn_was_lost(&self) -> bool {
        self.syn_lost
    }

    pub(super) fn backoff(&self) -> u8 {
        self.backoff
    }

    /// Takes the measurement R', one of `expected` in this window: with more than one the gains are
    /// divided, so that the memory stays that of RFC 6298 (RFC 7323 appendix G).
    pub(super) fn sample(&mut self, measured: Duration, expected: u32) {
        let measured_ns = u64::try_from(measured.as_nanos()).unwrap_or(u64::MAX).clamp(1, MEASURED_MAX_NS);
        self.backoff = 0;
        if self.srtt_ns == 0 {
            // RFC 6298 section 2.2.
            self.srtt_ns = measured_ns;
            self.rttvar_ns = measured_ns / 2;
            self.min_ns = measured_ns;
            return;
        }
        // RFC 6298 section 2.3: RTTVAR first, with alpha = 1/8 and beta = 1/4.
        let expected = i64::from(expected.clamp(1, EXPECTED_MAX));
        let blend = |old: u64, new: u64, gain: i64| {
            let step = (new.cast_signed() - old.cast_signed()) / (gain * expected);
            old.saturating_add_signed(step)
        };
        self.rttvar_ns = blend(self.rttvar_ns, self.srtt_ns.abs_diff(measured_ns), 4);
        self.srtt_ns = blend(self.srtt_ns, measured_ns, 8).max(1);
        self.min_ns = self.min_ns.min(measured_ns);
    }

    /// Ends the back-off without a measurement: the acknowledgment was of something sent once, but
    /// its round trip is below what the timestamps resolve.
    pub(super) fn clear_backoff(&mut self) {
        self.backoff = 0;
    }

    /// Doubles the RTO (RFC 6298 section 5.5).
    pub(super) fn back_off(&mut self) {
        self.backoff = (self.backoff + 1).min(BACKOFF_MAX);
    }

    /// The SYN had to be sent again.
    pub(super) fn on_syn_timeout(&mut self) {
        self.syn_lost = true;
        self.back_off();
    }

    /// Data transmission begins: the SYN's back-off does not outlive it (RFC 6298 section 5.7).
    pub(super) fn on_established(&mut self) {
        self.backoff = 0;
        self.established_after_loss = self.syn_lost;
    }

    /// The RTO with its back-off.
    pub(super) fn rto(&self, config: &TcpConfig) -> Duration {
        let base = if self.is_measured() {
            let rto_ns = self.srtt_ns.saturating_add(GRANULARITY_NS.max(self.rttvar_ns.saturating_mul(4)));
            Duration::from_nanos(rto_ns).max(config.rto_min)
        } else if self.established_after_loss {
            RTO_AFTER_SYN_LOSS
        } else {
            config.rto_initial
        };
        base.min(config.rto_max).saturating_mul(1 << self.backoff).min(config.rto_max)
    }

    pub(super) fn digest(&self, digest: &mut Digest) {
        digest.u64(self.srtt_ns);
        digest.u64(self.rttvar_ns);
        digest.u64(self.min_ns);
        digest.u8(self.backoff);
        digest.bool(self.syn_lost);
        digest.bool(self.established_after_loss);
    }
}
