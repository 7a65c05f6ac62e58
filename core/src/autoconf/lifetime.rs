//! Lifetimes in seconds, as options of routers and `DHCPv6` servers tell them: all ones is for ever
//! (RFC 4861 section 4.6.2, RFC 8415 section 7.7).

use crate::time::{Duration, Instant};
use crate::wire::ndp_options::INFINITE;

/// When a lifetime that is told at `now` ends; `None` for never.
pub(crate) fn end(now: Instant, seconds: u32) -> Option<Instant> {
    (seconds != INFINITE).then(|| now + Duration::from_secs(seconds.into()))
}

/// Whether it has ended.
pub(crate) fn is_over(until: Option<Instant>, now: Instant) -> bool {
    until.is_some_and(|until| until <= now)
}

/// The earlier of two ends.
pub(crate) fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
