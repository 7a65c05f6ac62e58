//! A token bucket for what is sent in answer to strangers.

use crate::digest::Digest;
use crate::rng::RandomStream;
use crate::time::Instant;

/// The cost of one message, in the bucket's unit: nanoseconds times messages per second.
const COST: u64 = 1_000_000_000;

/// At most `per_second` messages in any second: a tenth of them at once, the rest as time passes. When the bucket is full
/// again a random part of it is taken off, so that a stranger who counts the answers cannot learn
/// how many others were answered (the side channel of a global limit).
#[derive(Clone, Debug)]
pub(crate) struct RateLimit {
    per_second: u32,
    tokens: u64,
    at: Instant,
    random: RandomStream,
}

impl RateLimit {
    pub(crate) fn new(per_second: u32, random: RandomStream) -> RateLimit {
        RateLimit { per_second, tokens: RateLimit::depth(per_second), at: Instant::ZERO, random }
    }

    /// What a full bucket holds.
    const fn depth(per_second: u32) -> u64 {
        let tenth = (per_second / 10) as u64 * COST;
        if tenth == 0 && per_second > 0 { COST } else { tenth }
    }

    /// What flows into it per nanosecond: with a full bucket it makes `per_second` in a second.
    const fn inflow(per_second: u32) -> u64 {
        let rest = per_second - per_second / 10;
        if rest > 1 && per_second < 10 { rest as u64 - 1 } else { rest as u64 }
    }

    /// Whether one more may be sent at `now`; if so it is counted.
    pub(crate) fn admit(&mut self, now: Instant) -> bool {
        let elapsed = now.since(self.at).as_nanos().min(u128::from(COST)) as u64;
        let depth = RateLimit::depth(self.per_second);
        self.at = now;
        self.tokens += elapsed * RateLimit::inflow(self.per_second);
        if self.tokens > depth {
            let jitter = self.random.below((self.per_second / 25).max(1));
            self.tokens = depth - (u64::from(jitter) * COST).min(depth.saturating_sub(COST));
        }
        if self.tokens < COST {
            return false;
        }
        self.tokens -= COST;
        true
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.u64(self.tokens);
        digest.instant(self.at);
        self.random.digest(digest);
    }
}
