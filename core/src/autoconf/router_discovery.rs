//! What one interface knows from the routers of its link (RFC 4861 section 6.3), put together.

use core::net::Ipv6Addr;
use smallvec::SmallVec;

use super::prefixes::Prefixes;
use super::resolvers::Resolvers;
use super::routers::Routers;
use super::solicit::Solicitor;
use super::temporary::Temporaries;
use crate::digest::Digest;
use crate::time::{Duration, Instant};

/// The least time between two routers being asked whether they are reachable.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// Prefixes noted as hopeless; for more it is tried again with each advertisement.
const HOPELESS_MAX: usize = 16;

/// What `DHCPv6` is there for, by the latest advertisement (RFC 4861 section 4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ManagedFlags {
    /// Addresses are to be had by `DHCPv6` (M).
    pub managed: bool,
    /// Other configuration is to be had by `DHCPv6` (O).
    pub other: bool,
}

/// The state of router discovery and stateless autoconfiguration on one interface.
#[derive(Clone, Debug, Default)]
pub(crate) struct RouterDiscovery {
    /// Whether the interface configures itself; else advertisements are dropped.
    pub(crate) enabled: bool,
    pub(crate) solicitor: Solicitor,
    pub(crate) routers: Routers,
    pub(crate) prefixes: Prefixes,
    pub(crate) resolvers: Resolvers,
    pub(crate) temporaries: Temporaries,
    /// Prefixes whose stable addresses other hosts have, as often as we tried; at most [`HOPELESS_MAX`].
    hopeless: SmallVec<[Ipv6Addr; 2]>,
    pub(crate) flags: Option<ManagedFlags>,
    /// The hop limit that routers have told.
    pub(crate) hop_limit: Option<u8>,
    /// The MTU of the link for IPv6 that routers have told; never above the device's.
    pub(crate) mtu: Option<u16>,
    /// When a router was last asked whether it is reachable.
    pub(crate) probed: Option<Instant>,
    /// The link was down since a router was last heard: what is known may be of another link (RFC 6059).
    unconfirmed: bool,
}

impl RouterDiscovery {
    /// The link has gone down. What the routers have told is kept: mostly it is the same link that comes
    /// back, and connections live on.
    pub(crate) fn on_link_down(&mut self) {
        self.solicitor.stop();
        self.routers.forgive();
        self.probed = None;
        self.unconfirmed = true;
    }

    /// A router advertises itself: whether that shows that the link is another one than before it was down.
    /// It is the same if one of the prefixes told is known, another if all are new. Where none is told, a
    /// router that is known says that it is the same; a new one leaves it open.
    pub(crate) fn is_moved(&mut self, router: Ipv6Addr, told: impl Iterator<Item = (Ipv6Addr, u8)>) -> bool {
        if !self.unconfirmed {
            return false;
        }
        let (mut known, mut new) = (self.routers.is_empty() && self.prefixes.is_empty(), false);
        for (prefix, prefix_len) in told {
            let is_known = self.prefixes.find(super::truncate(prefix, prefix_len), prefix_len).is_some();
            known |= is_known;
            new |= !is_known;
        }
        let moved = !known && new;
        self.unconfirmed = !known && !moved && !self.routers.concerns(router);
        moved
    }

    /// What another link's routers have told is forgotten; returns what it was.
    pub(crate) fn forget_link(&mut self) -> RouterDiscovery {
        let known = core::mem::take(self);
        self.enabled = known.enabled;
        self.solicitor = known.solicitor.clone();
        known
    }

    /// No stable address of the prefix is to be had.
    pub(crate) fn give_up(&mut self, prefix: Ipv6Addr) {
        if self.hopeless.len() < HOPELESS_MAX {
            self.hopeless.push(prefix);
        }
    }

    pub(crate) fn is_hopeless(&self, prefix: Ipv6Addr) -> bool {
        self.hopeless.contains(&prefix)
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        [
            self.solicitor.deadline(),
            self.routers.deadline(),
            self.prefixes.deadline(),
            self.resolvers.deadline(),
            self.temporaries.deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// A router that may be asked now whether it is reachable, the first that is not trusted: it has to
    /// be before it takes traffic from one that is.
    pub(crate) fn to_probe(&self, now: Instant, is_trusted: impl Fn(Ipv6Addr) -> bool) -> Option<Ipv6Addr> {
        if self.probed.is_some_and(|at| now.since(at) < PROBE_INTERVAL) {
            return None;
        }
        self.routers.iter().map(|router| router.address).find(|router| !is_trusted(*router))
    }

    /// Whether `gateway` should leave packets from `source` to another default router: one that has told
    /// the prefix of that address, which `gateway` has not (RFC 8028 section 3.2).
    pub(crate) fn is_poor_exit(&self, gateway: Ipv6Addr, source: Ipv6Addr) -> bool {
        let told_by_another = |router| router != gateway && self.routers.is_usable(router);
        !self.prefixes.is_told_by(source, |router| router == gateway)
            && self.prefixes.is_told_by(source, told_by_another)
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.bool(self.enabled);
        self.solicitor.digest(digest);
        self.routers.digest(digest);
        self.prefixes.digest(digest);
        self.resolvers.digest(digest);
        self.temporaries.digest(digest);
        digest.count(self.hopeless.len());
        for prefix in &self.hopeless {
            digest.address((*prefix).into());
        }
        digest.option(self.flags, |digest, flags| {
            digest.bool(flags.managed);
            digest.bool(flags.other);
        });
        digest.option(self.hop_limit, Digest::u8);
        digest.option(self.mtu, Digest::u16);
        digest.option(self.probed, Digest::instant);
        digest.bool(self.unconfirmed);
    }
}
