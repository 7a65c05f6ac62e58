//! Temporary addresses (RFC 8981): random identifiers that change daily, so that a host's connections
//! of different days cannot be told to be one host's.

use alloc::vec::Vec;
use core::net::Ipv6Addr;
use smallvec::SmallVec;

use super::lifetime;
use super::prefixes::Lifetimes;
use crate::config::SlaacConfig;
use crate::digest::Digest;
use crate::rng::RandomStream;
use crate::time::{Duration, Instant};

/// How often an identifier is drawn anew because the address was in use (RFC 8981 section 3.8).
pub(crate) const TEMP_IDGEN_RETRIES: u8 = 3;
/// How long before the end of its preferred lifetime an address gets a successor: 2 s and the time that
/// duplicate address detection may take, three times one second (RFC 8981 section 3.8).
const REGEN_ADVANCE: Duration = Duration::from_secs(5);

/// Prefixes noted as hopeless; for more it is tried again with each advertisement.
const GIVEN_UP_MAX: usize = 16;

/// A temporary address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Temporary {
    pub(crate) address: Ipv6Addr,
    /// The prefix that it was formed from, of 64 bits.
    pub(crate) prefix: Ipv6Addr,
    created: Instant,
    /// How much earlier than others' its preferred lifetime ends (`DESYNC_FACTOR`).
    desync: Duration,
    /// Identifiers drawn before this one that turned out to be in use.
    retries: u8,
    /// When it is to get a successor; `None` once it has one, or if there is to be none.
    succeeded_at: Option<Instant>,
}

impl Temporary {
    /// RFC 8981 section 3.4, step 2: the prefix's lifetimes, within its own.
    pub(crate) fn lifetimes(&self, prefix: Lifetimes, config: &SlaacConfig) -> Lifetimes {
        let preferred = self.created + config.temporary_preferred_lifetime.saturating_sub(self.desync);
        let valid = self.created + config.temporary_valid_lifetime;
        Lifetimes {
            preferred_until: lifetime::earlier(prefix.preferred_until, Some(preferred)),
            valid_until: lifetime::earlier(prefix.valid_until, Some(valid)),
        }
    }
}

/// The temporary addresses of an interface.
#[derive(Clone, Debug, Default)]
pub(crate) struct Temporaries {
    addresses: Vec<Temporary>,
    /// Prefixes that get none any more.
    given_up: SmallVec<[Ipv6Addr; 2]>,
}

impl Temporaries {
    /// Draws a new temporary address of `prefix`, with its lifetimes; `None` if it would not be preferred
    /// for longer than `REGEN_ADVANCE` (RFC 8981 section 3.4, step 5).
    pub(crate) fn draw(
        &mut self,
        now: Instant,
        prefix: Ipv6Addr,
        lifetimes: Lifetimes,
        retries: u8,
        config: &SlaacConfig,
        random: &mut RandomStream,
    ) -> Option<(Ipv6Addr, Lifetimes)> {
        let desync_max = config.temporary_preferred_lifetime * 2 / 5;
        let desync = (desync_max / (1 << 16)) * random.below(1 << 16);
        let id = super::interface_id::unreserved(random);
        let address = super::interface_id::address(prefix, id);
        let mut temporary = Temporary { address, prefix, created: now, desync, retries, succeeded_at: None };
        let own = temporary.lifetimes(lifetimes, config);
        let preferred_until = own.preferred_until?;
        if preferred_until <= now + REGEN_ADVANCE {
            return None;
        }
        temporary.succeeded_at = Some(preferred_until - REGEN_ADVANCE);
        for predecessor in self.addresses.iter_mut().filter(|other| other.prefix == prefix) {
            predecessor.succeeded_at = None;
        }
        self.addresses.push(temporary);
        Some((address, own))
    }

    /// Whether the prefix has a temporary address that stays preferred for a while, or is to have none.
    pub(crate) fn serves(&self, prefix: Ipv6Addr) -> bool {
        self.given_up.contains(&prefix)
            || self.addresses.iter().any(|temporary| temporary.prefix == prefix && temporary.succeeded_at.is_some())
    }

    /// A prefix has new lifetimes: so have its addresses, and their successors come when they are needed.
    pub(crate) fn refresh(
        &mut self,
        prefix: Ipv6Addr,
        lifetimes: Lifetimes,
        config: &SlaacConfig,
    ) -> SmallVec<[(Ipv6Addr, Lifetimes); 4]> {
        let of = self.addresses.iter_mut().filter(|temporary| temporary.prefix == prefix);
        of.map(|temporary| {
            let own = temporary.lifetimes(lifetimes, config);
            if temporary.succeeded_at.is_some() {
                temporary.succeeded_at = own.preferred_until.map(|until| until - REGEN_ADVANCE);
            }
            (temporary.address, own)
        })
        .collect()
    }

    /// Too many addresses of the prefix were in use: "the host SHOULD NOT attempt to generate a temporary
    /// address for the given prefix for the duration of the host's attachment to the network".
    pub(crate) fn give_up(&mut self, prefix: Ipv6Addr) {
        if self.given_up.len() < GIVEN_UP_MAX {
            self.given_up.push(prefix);
        }
    }

    /// The prefix of an address that is to get a successor by `now`; it is asked for once.
    pub(crate) fn due(&mut self, now: Instant) -> Option<Ipv6Addr> {
        let due = |temporary: &&mut Temporary| temporary.succeeded_at.is_some_and(|at| at <= now);
        let temporary = self.addresses.iter_mut().find(due)?;
        temporary.succeeded_at = None;
        Some(temporary.prefix)
    }

    /// An address is gone, or another host's: its prefix, and how many were drawn before it in vain.
    pub(crate) fn remove(&mut self, address: Ipv6Addr) -> Option<(Ipv6Addr, u8)> {
        let at = self.addresses.iter().position(|temporary| temporary.address == address)?;
        let temporary = self.addresses.remove(at);
        Some((temporary.prefix, temporary.retries))
    }

    /// Keeps those that the interface still has.
    pub(crate) fn retain(&mut self, has: impl Fn(Ipv6Addr) -> bool) {
        self.addresses.retain(|temporary| has(temporary.address));
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.addresses.iter().filter_map(|temporary| temporary.succeeded_at).min()
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.count(self.addresses.len());
        for temporary in &self.addresses {
            digest.address(temporary.address.into());
            digest.address(temporary.prefix.into());
            digest.instant(temporary.created);
            digest.u64(temporary.desync.as_nanos() as u64);
            digest.u8(temporary.retries);
            digest.option(temporary.succeeded_at, Digest::instant);
        }
        digest.count(self.given_up.len());
        for prefix in &self.given_up {
            digest.address((*prefix).into());
        }
    }
}
