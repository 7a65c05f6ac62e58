//! The prefixes of one link: which addresses are on it (RFC 4861 section 6.3.4), from which we form our
//! own (RFC 4862 section 5.5.3), and which router told them (RFC 8028 section 3.1).
//!
//! The list is bounded as those of the routers are: see [`routers`](super::routers).

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};
use smallvec::SmallVec;

use super::lifetime;
use super::routers::{Admission, PROBATION};
use crate::digest::Digest;
use crate::ip::address::contains;
use crate::time::{Duration, Instant};
use crate::wire::ndp_options::PrefixInformation;

/// Routers noted per prefix; more tell nothing new.
const ADVERTISERS_MAX: usize = 8;
/// RFC 4862 section 5.5.3 (e): what an unauthenticated advertisement may shorten a valid lifetime to.
const TWO_HOURS: Duration = Duration::from_hours(2);

/// A prefix of the link.
#[derive(Clone, Debug)]
pub(crate) struct LinkPrefix {
    pub(crate) prefix: Ipv6Addr,
    pub(crate) prefix_len: u8,
    learned: Instant,
    on_link: bool,
    /// Until when its addresses are on the link, if they are; `None` for ever.
    on_link_until: Option<Instant>,
    /// The lifetimes of addresses formed from it; `None` if there are to be none.
    pub(crate) autonomous: Option<Lifetimes>,
    advertisers: SmallVec<[Ipv6Addr; 2]>,
}

/// Until when addresses of a prefix are preferred and valid; `None` for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lifetimes {
    pub(crate) preferred_until: Option<Instant>,
    pub(crate) valid_until: Option<Instant>,
}

impl LinkPrefix {
    pub(crate) fn contains(&self, address: Ipv6Addr) -> bool {
        contains(IpAddr::V6(self.prefix), self.prefix_len, IpAddr::V6(address))
    }

    pub(crate) fn is_on_link(&self) -> bool {
        self.on_link
    }

    fn is_same(&self, prefix: Ipv6Addr, prefix_len: u8) -> bool {
        (self.prefix, self.prefix_len) == (prefix, prefix_len)
    }

    fn set_on_link(&mut self, now: Instant, seconds: u32) {
        self.on_link = seconds > 0;
        self.on_link_until = lifetime::end(now, seconds);
    }

    /// RFC 4862 section 5.5.3 (d) and (e). With `(e)` the valid lifetime is shortened to two hours at most,
    /// and not at all if less is left: "a bogus advertisement could contain prefixes with very small
    /// Valid Lifetimes".
    fn autonomous_until(&mut self, now: Instant, preferred: u32, valid: u32) {
        let preferred_until = lifetime::end(now, preferred);
        let told = lifetime::end(now, valid);
        let Some(known) = &mut self.autonomous else {
            if valid > 0 {
                self.autonomous = Some(Lifetimes { preferred_until, valid_until: told });
            }
            return;
        };
        known.preferred_until = preferred_until;
        let two_hours = now + TWO_HOURS;
        let lengthens = match (told, known.valid_until) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(told), Some(current)) => told > current,
        };
        if lengthens || told.is_some_and(|told| told > two_hours) {
            known.valid_until = told;
        } else if known.valid_until.is_none_or(|until| until > two_hours) {
            known.valid_until = Some(two_hours);
        }
    }

    fn digest(&self, digest: &mut Digest) {
        digest.address(self.prefix.into());
        digest.u8(self.prefix_len);
        digest.instant(self.learned);
        digest.bool(self.on_link);
        digest.option(self.on_link_until, Digest::instant);
        digest.option(self.autonomous, |digest, lifetimes| {
            digest.option(lifetimes.preferred_until, Digest::instant);
            digest.option(lifetimes.valid_until, Digest::instant);
        });
        digest.count(self.advertisers.len());
        for advertiser in &self.advertisers {
            digest.address((*advertiser).into());
        }
    }
}

/// The prefixes of a link.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prefixes(Vec<LinkPrefix>);

impl Prefixes {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &LinkPrefix> {
        self.0.iter()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn find(&self, prefix: Ipv6Addr, prefix_len: u8) -> Option<&LinkPrefix> {
        self.0.iter().find(|known| known.is_same(prefix, prefix_len))
    }

    /// Those whose addresses are on the link.
    pub(crate) fn on_link(&self) -> impl Iterator<Item = &LinkPrefix> {
        self.0.iter().filter(|prefix| prefix.is_on_link())
    }

    /// Whether a router that holds `of` has told a prefix which contains `source`.
    pub(crate) fn is_told_by(&self, source: Ipv6Addr, of: impl Fn(Ipv6Addr) -> bool) -> bool {
        self.0.iter().any(|prefix| prefix.contains(source) && prefix.advertisers.iter().any(|router| of(*router)))
    }

    /// A router has told a prefix. The second value is one that had to go.
    pub(crate) fn on_prefix(
        &mut self,
        now: Instant,
        router: Ipv6Addr,
        told: &PrefixInformation,
        max: usize,
        is_trusted: impl Fn(Ipv6Addr) -> bool,
    ) -> (Admission, Option<LinkPrefix>) {
        let prefix = super::truncate(told.prefix, told.prefix_len);
        let (mut admission, mut evicted) = (Admission::Admitted, None);
        let known = match self.0.iter().position(|known| known.is_same(prefix, told.prefix_len)) {
            Some(at) => at,
            None if told.valid_lifetime == 0 => return (Admission::Admitted, None),
            None => {
                if self.0.len() >= max {
                    let replaceable = |prefix: &LinkPrefix| {
                        now.since(prefix.learned) >= PROBATION && !prefix.advertisers.iter().any(|of| is_trusted(*of))
                    };
                    let Some(at) = self.0.iter().position(replaceable) else { return (Admission::Refused, None) };
                    evicted = Some(self.0.remove(at));
                    admission = Admission::Replaced;
                }
                self.0.push(LinkPrefix {
                    prefix,
                    prefix_len: told.prefix_len,
                    learned: now,
                    on_link: false,
                    on_link_until: None,
                    autonomous: None,
                    advertisers: SmallVec::new(),
                });
                self.0.len() - 1
            }
        };
        if let Some(known) = self.0.get_mut(known) {
            if told.on_link {
                known.set_on_link(now, told.valid_lifetime);
            }
            // RFC 4862 section 5.5.3 (c); a prefix of another length than 64 leaves no room for our identifiers (d).
            if told.autonomous && told.preferred_lifetime <= told.valid_lifetime && told.prefix_len == 64 {
                known.autonomous_until(now, told.preferred_lifetime, told.valid_lifetime);
            }
            if !known.advertisers.contains(&router) && known.advertisers.len() < ADVERTISERS_MAX {
                known.advertisers.push(router);
            }
        }
        self.expire(now);
        (admission, evicted)
    }

    /// Prefixes whose time is over go (RFC 4861 section 6.3.5); whether anything has.
    pub(crate) fn expire(&mut self, now: Instant) -> bool {
        let mut changed = false;
        for prefix in &mut self.0 {
            if prefix.on_link && lifetime::is_over(prefix.on_link_until, now) {
                prefix.on_link = false;
                changed = true;
            }
            if prefix.autonomous.is_some_and(|lifetimes| lifetime::is_over(lifetimes.valid_until, now)) {
                prefix.autonomous = None;
                changed = true;
            }
        }
        self.0.retain(|prefix| prefix.on_link || prefix.autonomous.is_some());
        changed
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        let on_link = self.0.iter().filter(|prefix| prefix.on_link).filter_map(|prefix| prefix.on_link_until);
        let valid = self.0.iter().filter_map(|prefix| prefix.autonomous.and_then(|lifetimes| lifetimes.valid_until));
        on_link.chain(valid).min()
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.count(self.0.len());
        for prefix in &self.0 {
            prefix.digest(digest);
        }
    }
}
