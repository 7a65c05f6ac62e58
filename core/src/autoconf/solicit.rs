//! When routers are solicited: until one has answered, at growing intervals (RFC 4861 section 6.3.7,
//! RFC 7559, with the retransmission of RFC 8415 section 15).

use crate::digest::Digest;
use crate::rng::RandomStream;
use crate::time::{Duration, Instant};

/// RFC 7559 section 2, `IRT`.
const INITIAL: Duration = Duration::from_secs(4);
/// RFC 7559 section 2, `MRT`.
const MAXIMUM: Duration = Duration::from_hours(1);

/// Solicits routers on one interface.
#[derive(Clone, Debug, Default)]
pub(crate) struct Solicitor {
    /// When the next solicitation is due; `None` while there is a router.
    due: Option<Instant>,
    /// The interval that ends then; zero before the first solicitation.
    interval: Duration,
}

impl Solicitor {
    /// Begins anew: the first solicitation leaves within `delay_max` (RFC 4861 section 6.3.7: a random
    /// time, so that hosts which start together do not speak together).
    pub(crate) fn start(&mut self, now: Instant, delay_max: Duration, random: &mut RandomStream) {
        let delay = delay_max.as_nanos() as u64;
        let share = u64::from(random.next_u32());
        self.due = Some(now + Duration::from_nanos(((u128::from(delay) * u128::from(share)) >> 32) as u64));
        self.interval = Duration::ZERO;
    }

    /// There is no link to solicit on.
    pub(crate) fn stop(&mut self) {
        self.due = None;
    }

    /// A router is there (RFC 7559 section 2.1). One that came unasked is not enough before the first
    /// solicitation: "a host SHOULD send at least one solicitation" (RFC 4861 section 6.3.7).
    pub(crate) fn on_router(&mut self) {
        if !self.interval.is_zero() {
            self.due = None;
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.due
    }

    /// Whether a solicitation is to be sent; `satisfied` if a router is known and this is the last.
    pub(crate) fn on_timeout(&mut self, now: Instant, satisfied: bool, random: &mut RandomStream) -> bool {
        if self.due.is_none_or(|due| due > now) {
            return false;
        }
        // RFC 8415 section 15: RT is IRT, then twice the previous one, then MRT; each plus RAND of it.
        let base = match self.interval {
            Duration::ZERO => INITIAL,
            interval if interval * 2 > MAXIMUM => MAXIMUM,
            interval => interval * 2,
        };
        self.interval = base * 9 / 10 + (base / 5) * random.below(1 << 16) / (1 << 16);
        self.due = (!satisfied).then(|| now + self.interval);
        true
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.option(self.due, Digest::instant);
        digest.u64(self.interval.as_nanos() as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    /// RFC 7559: 4 s, then twice as long each time, up to an hour; each within a tenth.
    #[test]
    fn intervals_double_up_to_an_hour() {
        let mut random = Seed([3; 32]).stream("test");
        let mut solicitor = Solicitor::default();
        let start = Instant::from_millis(1000);
        solicitor.start(start, Duration::from_secs(1), &mut random);
        let mut at = solicitor.deadline().unwrap();
        assert!(at.since(start) < Duration::from_secs(1));
        let mut expected: f64 = 4.0;
        for _ in 0..20 {
            assert!(solicitor.on_timeout(at, false, &mut random));
            let next = solicitor.deadline().unwrap();
            let interval = next.since(at).as_secs_f64();
            assert!((expected * 0.9..=expected * 1.1).contains(&interval), "{interval} s instead of {expected} s");
            expected = (interval * 2.0).min(3600.0);
            at = next;
        }
        assert!(expected > 3599.0);
        solicitor.on_router();
        assert_eq!(solicitor.deadline(), None);
    }

    #[test]
    fn an_unasked_advertisement_leaves_one_solicitation_to_send() {
        let mut random = Seed([3; 32]).stream("test");
        let mut solicitor = Solicitor::default();
        solicitor.start(Instant::ZERO, Duration::from_secs(1), &mut random);
        solicitor.on_router();
        let at = solicitor.deadline().unwrap();
        assert!(solicitor.on_timeout(at, true, &mut random));
        assert_eq!(solicitor.deadline(), None);
    }
}
