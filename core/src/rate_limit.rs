//! Bounds on what is sent in answer to strangers: to all together, and to each.

use alloc::vec;
use alloc::vec::Vec;
use core::hash::BuildHasher;
use core::net::IpAddr;

use crate::digest::Digest;
use crate::keyed::HashKey;
use crate::rng::{RandomStream, Seed};
use crate::time::{Duration, Instant};

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

/// At most a burst to each source, then one at each interval. Sources are told apart by a keyed hash: who
/// shares a bucket with whom nobody can choose, and the memory is the same however many there are.
#[derive(Clone)]
pub(crate) struct SourceLimit {
    key: HashKey,
    burst: u32,
    interval: Duration,
    /// When each bucket would be empty again.
    busy_until: Vec<Instant>,
}

impl SourceLimit {
    /// `label` names the key; `buckets` is at least 1.
    pub(crate) fn new(seed: &Seed, label: &str, buckets: u16, burst: u8, interval: Duration) -> SourceLimit {
        let busy_until = vec![Instant::ZERO; usize::from(buckets.max(1))];
        SourceLimit { key: seed.hash_key(label), burst: burst.into(), interval, busy_until }
    }

    /// Whether one more may be sent to `source` at `now`. A virtual queue that takes an interval per message
    /// and holds a burst (GCRA).
    pub(crate) fn allows(&self, now: Instant, source: IpAddr) -> bool {
        let ahead = self.busy_until.get(self.bucket(source)).map_or(Duration::MAX, |busy| busy.since(now));
        self.burst > 0 && ahead <= self.interval * (self.burst - 1)
    }

    /// One is sent.
    pub(crate) fn count(&mut self, now: Instant, source: IpAddr) {
        let bucket = self.bucket(source);
        if let Some(busy_until) = self.busy_until.get_mut(bucket) {
            *busy_until = now + busy_until.since(now) + self.interval;
        }
    }

    fn bucket(&self, source: IpAddr) -> usize {
        (self.key.hash_one(source) % self.busy_until.len() as u64) as usize
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        for busy_until in &self.busy_until {
            digest.instant(*busy_until);
        }
    }
}
