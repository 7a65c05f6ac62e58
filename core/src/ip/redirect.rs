//! Better first hops, as routers have told (RFC 792, RFC 1122 section 3.2.2.2, RFC 4861 section 8).
//!
//! What is remembered stands beside the routes: "for this destination the router A has named B". It
//! counts for as long as the routes still lead to A, and until B does not answer.

use alloc::collections::BTreeMap;
use core::net::IpAddr;

use super::route::Hop;
use crate::digest::Digest;
use crate::link::InterfaceId;
use crate::time::Instant;

/// What a router has told of one destination.
#[derive(Clone, Copy, Debug)]
struct Redirected {
    interface: InterfaceId,
    /// Who told: the first hop until then.
    router: IpAddr,
    /// The better first hop, or the destination itself.
    target: IpAddr,
    at: Instant,
}

/// All that was told, by destination.
#[derive(Clone, Debug, Default)]
pub(crate) struct Redirects {
    destinations: BTreeMap<IpAddr, Redirected>,
    /// Grows with every change: a socket's cached hop is good while this has not moved.
    generation: u64,
}

impl Redirects {
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// The first hop to `dst` where the routes lead to `hop`.
    pub(crate) fn apply(&self, dst: IpAddr, hop: Hop) -> Hop {
        if self.destinations.is_empty() {
            return hop;
        }
        let told = self.destinations.get(&dst);
        let told = told.filter(|told| told.interface == hop.interface && told.router == hop.next_hop);
        told.map_or(hop, |told| Hop { next_hop: told.target, ..hop })
    }

    /// The router `hop` has named `target` for `dst`. Of `limit` destinations the one told of longest ago
    /// goes for a new one; returns whether one had to.
    pub(crate) fn insert(&mut self, now: Instant, dst: IpAddr, hop: Hop, target: IpAddr, limit: usize) -> bool {
        let is_full = !self.destinations.contains_key(&dst) && self.destinations.len() >= limit;
        if is_full {
            let oldest = self.destinations.iter().min_by_key(|(_, told)| told.at).map(|(dst, _)| *dst);
            oldest.and_then(|oldest| self.destinations.remove(&oldest));
        }
        let told = Redirected { interface: hop.interface, router: hop.next_hop, target, at: now };
        self.destinations.insert(dst, told);
        self.generation += 1;
        is_full
    }

    /// A neighbor does not answer: nobody is sent to it for a router's word any more (RFC 4861 section 8.3,
    /// RFC 1122 section 3.3.1.4).
    pub(crate) fn forget(&mut self, interface: InterfaceId, target: IpAddr) {
        let before = self.destinations.len();
        self.destinations.retain(|_, told| told.interface != interface || told.target != target);
        self.generation += u64::from(self.destinations.len() < before);
    }

    /// The link of an interface has gone down: what was told there may be of another one than the next.
    pub(crate) fn forget_link(&mut self, interface: InterfaceId) {
        let before = self.destinations.len();
        self.destinations.retain(|_, told| told.interface != interface);
        self.generation += u64::from(self.destinations.len() < before);
    }

    /// Every destination with its first hop.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (IpAddr, InterfaceId, IpAddr)> + '_ {
        self.destinations.iter().map(|(dst, told)| (*dst, told.interface, told.target))
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.count(self.destinations.len());
        for (dst, told) in &self.destinations {
            digest.address(*dst);
            digest.u16(told.interface.0);
            digest.address(told.router);
            digest.address(told.target);
            digest.instant(told.at);
        }
    }
}
