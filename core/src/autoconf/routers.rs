//! The routers of one link and what they route (RFC 4861 sections 5.1 and 6.3.4, RFC 4191).
//!
//! Both lists are bounded. One more than they hold takes the place of the oldest whose router is not
//! trusted, once that has had [`PROBATION`] to prove itself; else it is refused. A router is trusted
//! while it is in use or has been found reachable: whoever floods the link with advertisements fills
//! the places that are free, and displaces nobody that we talk to.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};

use super::lifetime;
use crate::digest::Digest;
use crate::ip::address::contains;
use crate::time::{Duration, Instant};
use crate::wire::ndp_options::RouteInformation;
use crate::wire::ndp_router::RouterPreference;

/// How long a new entry is safe from newer ones.
pub(crate) const PROBATION: Duration = Duration::from_secs(5);
/// How long a router that did not answer is believed to be gone, whatever it advertises (RFC 4191
/// section 3.2 lets it be probed once per minute).
const FAILED_FOR: Duration = Duration::from_mins(1);

/// What became of a candidate for a bounded list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It stands in the list.
    Admitted,
    /// It stands in the list, where another had to go for it.
    Replaced,
    /// There is no place for it.
    Refused,
}

/// A default router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Router {
    pub(crate) address: Ipv6Addr,
    pub(crate) preference: RouterPreference,
    /// Until when it is one; `None` for ever.
    pub(crate) until: Option<Instant>,
    learned: Instant,
    /// When it was last found not to answer.
    failed: Option<Instant>,
}

/// Destinations that a router has told to be reached through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MoreSpecific {
    pub(crate) router: Ipv6Addr,
    pub(crate) prefix: Ipv6Addr,
    pub(crate) prefix_len: u8,
    pub(crate) preference: RouterPreference,
    /// Until when; `None` for ever.
    pub(crate) until: Option<Instant>,
    learned: Instant,
}

/// A way through a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) router: Ipv6Addr,
    pub(crate) prefix: Ipv6Addr,
    pub(crate) prefix_len: u8,
    /// The smaller the better; equal ones share the traffic (RFC 4311).
    pub(crate) rank: u32,
}

/// Ranks: by reachability first, then by preference (RFC 4191 section 3.2).
const RANK_UNKNOWN: u32 = 8;
const RANK_FAILED: u32 = 16;

/// The routers of a link.
#[derive(Clone, Debug, Default)]
pub(crate) struct Routers {
    routers: Vec<Router>,
    routes: Vec<MoreSpecific>,
}

impl Routers {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Router> {
        self.routers.iter()
    }

    pub(crate) fn routes(&self) -> impl Iterator<Item = &MoreSpecific> {
        self.routes.iter()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.routers.is_empty()
    }

    /// Whether it is a default router that has not failed lately.
    pub(crate) fn is_usable(&self, address: Ipv6Addr) -> bool {
        self.routers.iter().any(|router| router.address == address && router.failed.is_none())
    }

    /// A router has advertised itself for `until`, or, with a lifetime of 0, withdrawn (RFC 4861 section
    /// 6.3.4). The second value is one that had to go.
    pub(crate) fn on_advertisement(
        &mut self,
        now: Instant,
        address: Ipv6Addr,
        preference: RouterPreference,
        lifetime: u32,
        max: usize,
        is_trusted: impl Fn(Ipv6Addr) -> bool,
    ) -> (Admission, Option<Ipv6Addr>) {
        if lifetime == 0 {
            self.routers.retain(|router| router.address != address);
            return (Admission::Admitted, None);
        }
        let until = lifetime::end(now, lifetime);
        if let Some(router) = self.routers.iter_mut().find(|router| router.address == address) {
            router.preference = preference;
            router.until = until;
            router.failed = router.failed.filter(|failed| now.since(*failed) < FAILED_FOR);
            return (Admission::Admitted, None);
        }
        let evicted = if self.routers.len() >= max {
            let replaceable = |router: &Router| now.since(router.learned) >= PROBATION && !is_trusted(router.address);
            // They stand in the order of their coming.
            let Some(at) = self.routers.iter().position(replaceable) else { return (Admission::Refused, None) };
            Some(self.routers.remove(at).address)
        } else {
            None
        };
        self.routers.push(Router { address, preference, until, learned: now, failed: None });
        (if evicted.is_some() { Admission::Replaced } else { Admission::Admitted }, evicted)
    }

    /// A router has told a route (RFC 4191 section 3.1).
    pub(crate) fn on_route(
        &mut self,
        now: Instant,
        router: Ipv6Addr,
        route: &RouteInformation,
        max: usize,
        is_trusted: impl Fn(Ipv6Addr) -> bool,
    ) -> Admission {
        let prefix = super::truncate(route.prefix, route.prefix_len);
        let same =
            |other: &MoreSpecific| (other.router, other.prefix, other.prefix_len) == (router, prefix, route.prefix_len);
        if route.lifetime == 0 {
            self.routes.retain(|other| !same(other));
            return Admission::Admitted;
        }
        let until = lifetime::end(now, route.lifetime);
        if let Some(known) = self.routes.iter_mut().find(|other| same(other)) {
            known.preference = route.preference;
            known.until = until;
            return Admission::Admitted;
        }
        let mut admission = Admission::Admitted;
        if self.routes.len() >= max {
            let replaceable = |route: &MoreSpecific| now.since(route.learned) >= PROBATION && !is_trusted(route.router);
            let Some(at) = self.routes.iter().position(replaceable) else { return Admission::Refused };
            self.routes.remove(at);
            admission = Admission::Replaced;
        }
        let preference = route.preference;
        self.routes.push(MoreSpecific {
            router,
            prefix,
            prefix_len: route.prefix_len,
            preference,
            until,
            learned: now,
        });
        admission
    }

    /// A router says that it is none any more (RFC 4861 section 7.2.5): whether it was one.
    pub(crate) fn forget(&mut self, address: Ipv6Addr) -> bool {
        let before = self.routers.len() + self.routes.len();
        self.routers.retain(|router| router.address != address);
        self.routes.retain(|route| route.router != address);
        self.routers.len() + self.routes.len() < before
    }

    /// A neighbor does not answer: whether it is a router, which others are now to be preferred to.
    pub(crate) fn on_failure(&mut self, now: Instant, address: Ipv6Addr) -> bool {
        for router in self.routers.iter_mut().filter(|router| router.address == address) {
            router.failed = Some(now);
        }
        self.concerns(address)
    }

    /// A neighbor has answered: whether it is a router.
    pub(crate) fn on_confirmation(&mut self, address: Ipv6Addr) -> bool {
        for router in self.routers.iter_mut().filter(|router| router.address == address) {
            router.failed = None;
        }
        self.concerns(address)
    }

    /// The link has gone down: that routers did not answer may have been its fault.
    pub(crate) fn forgive(&mut self) {
        for router in &mut self.routers {
            router.failed = None;
        }
    }

    /// Whether packets go through it, by default or for some destinations.
    pub(crate) fn concerns(&self, address: Ipv6Addr) -> bool {
        self.routers.iter().any(|router| router.address == address)
            || self.routes.iter().any(|route| route.router == address)
    }

    /// Entries whose time is over go (RFC 4861 section 6.3.5); whether there were any.
    pub(crate) fn expire(&mut self, now: Instant) -> bool {
        let before = self.routers.len() + self.routes.len();
        self.routers.retain(|router| !lifetime::is_over(router.until, now));
        self.routes.retain(|route| !lifetime::is_over(route.until, now));
        self.routers.len() + self.routes.len() < before
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        let routers = self.routers.iter().filter_map(|router| router.until);
        routers.chain(self.routes.iter().filter_map(|route| route.until)).min()
    }

    /// The ways that packets may take, as RFC 4191 section 3.2 wants a host to choose (type C): routers that
    /// are known to be reachable come before those of which it is not known, whatever their preference;
    /// one that has failed serves only where nothing else does, and of several the one that has been so
    /// for longest, so that all are tried in turn (RFC 4861 section 6.3.6).
    pub(crate) fn ways(&self, is_trusted: impl Fn(Ipv6Addr) -> bool) -> Vec<Way> {
        let rank = |address: Ipv6Addr, preference: RouterPreference| {
            let router = self.routers.iter().find(|router| router.address == address);
            match router.and_then(|router| router.failed) {
                Some(failed) => {
                    let earlier = |other: &&Router| other.failed.is_some_and(|at| at < failed);
                    RANK_FAILED + self.routers.iter().filter(earlier).count() as u32
                }
                None if is_trusted(address) => RouterPreference::High as u32 - preference as u32,
                None => RANK_UNKNOWN + (RouterPreference::High as u32 - preference as u32),
            }
        };
        let defaults = self.routers.iter().map(|router| Way {
            router: router.address,
            prefix: Ipv6Addr::UNSPECIFIED,
            prefix_len: 0,
            rank: rank(router.address, router.preference),
        });
        let specific = self.routes.iter().map(|route| Way {
            router: route.router,
            prefix: route.prefix,
            prefix_len: route.prefix_len,
            rank: rank(route.router, route.preference),
        });
        let all: Vec<Way> = defaults.chain(specific).collect();
        let superseded = |way: &Way| {
            way.rank >= RANK_FAILED
                && all.iter().any(|other| {
                    other.rank < RANK_FAILED
                        && other.prefix_len <= way.prefix_len
                        && contains(IpAddr::V6(other.prefix), other.prefix_len, IpAddr::V6(way.prefix))
                })
        };
        all.iter().filter(|way| !superseded(way)).copied().collect()
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.count(self.routers.len());
        for router in &self.routers {
            digest.address(router.address.into());
            digest.u8(router.preference as u8);
            digest.option(router.until, Digest::instant);
            digest.instant(router.learned);
            digest.option(router.failed, Digest::instant);
        }
        digest.count(self.routes.len());
        for route in &self.routes {
            digest.address(route.router.into());
            digest.address(route.prefix.into());
            digest.u8(route.prefix_len);
            digest.u8(route.preference as u8);
            digest.option(route.until, Digest::instant);
            digest.instant(route.learned);
        }
    }
}
