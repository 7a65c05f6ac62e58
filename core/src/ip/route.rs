//! Routes: on-link prefixes and gateways, the longest prefix first.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};

use super::address;
use crate::link::InterfaceId;

/// A route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The destinations: an address of the prefix. Bits beyond its length are ignored.
    pub prefix: IpAddr,
    /// The prefix's length: 0 to 32 for IPv4, 0 to 128 for IPv6; 0 is the default route.
    pub prefix_len: u8,
    /// The router that takes packets on; `None` if the destinations are on the link.
    pub gateway: Option<IpAddr>,
    /// The interface.
    pub interface: InterfaceId,
}

/// Where a packet goes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hop {
    pub(crate) interface: InterfaceId,
    /// The neighbor: the destination itself, or a gateway.
    pub(crate) next_hop: IpAddr,
}

/// The routes, by family, length and prefix. A lookup asks once per prefix length in use.
#[derive(Clone, Debug, Default)]
pub(crate) struct RouteTable {
    routes: BTreeMap<(u8, IpAddr), Vec<Route>>,
    /// The prefix lengths in use, longest first.
    lengths_v4: Vec<u8>,
    lengths_v6: Vec<u8>,
    /// Grows with every change: a socket's cached hop is good while this has not moved.
    generation: u64,
}

impl RouteTable {
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Connections ask for their next hop again: the addresses have changed that they send from.
    pub(crate) fn invalidate(&mut self) {
        self.generation += 1;
    }

    pub(crate) fn len(&self) -> usize {
        self.routes.values().map(Vec::len).sum()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Route> {
        self.routes.values().flatten()
    }

    /// Adds a route. Of several with one prefix, the first added is used.
    pub(crate) fn add(&mut self, mut route: Route) {
        route.prefix = address::truncate(route.prefix, route.prefix_len);
        let lengths = if route.prefix.is_ipv4() { &mut self.lengths_v4 } else { &mut self.lengths_v6 };
        if let Err(at) = lengths.binary_search_by(|len| route.prefix_len.cmp(len)) {
            lengths.insert(at, route.prefix_len);
        }
        let same = self.routes.entry((route.prefix_len, route.prefix)).or_default();
        if !same.contains(&route) {
            same.push(route);
        }
        self.generation += 1;
    }

    /// Removes the routes that `unwanted` names.
    pub(crate) fn remove(&mut self, unwanted: impl Fn(&Route) -> bool) -> bool {
        let before = self.len();
        for routes in self.routes.values_mut() {
            routes.retain(|route| !unwanted(route));
        }
        self.routes.retain(|_, routes| !routes.is_empty());
        let routes = &self.routes;
        self.lengths_v4.retain(|len| routes.keys().any(|(other, prefix)| prefix.is_ipv4() && other == len));
        self.lengths_v6.retain(|len| routes.keys().any(|(other, prefix)| prefix.is_ipv6() && other == len));
        self.generation += 1;
        self.len() < before
    }

    /// The next hop towards `dst` by the longest prefix; with `interface`, among that one's routes.
    /// A group, and the limited broadcast, is its own next hop: no gateway takes it (RFC 1112 section
    /// 6.1, RFC 4861 section 5.2). Where no route names one, it leaves by the first interface of its family.
    pub(crate) fn lookup(&self, dst: IpAddr, interface: Option<InterfaceId>) -> Option<Hop> {
        let hop = self.longest_match(dst, interface);
        let to_many = dst.is_multicast() || dst == IpAddr::V4(Ipv4Addr::BROADCAST);
        if !to_many {
            return hop;
        }
        let by_default =
            || self.iter().filter(|route| route.prefix.is_ipv4() == dst.is_ipv4()).map(|route| route.interface).min();
        let interface = hop.map(|hop| hop.interface).or(interface).or_else(by_default)?;
        Some(Hop { interface, next_hop: dst })
    }

    fn longest_match(&self, dst: IpAddr, interface: Option<InterfaceId>) -> Option<Hop> {
        let lengths = if dst.is_ipv4() { &self.lengths_v4 } else { &self.lengths_v6 };
        lengths.iter().find_map(|&len| {
            let routes = self.routes.get(&(len, address::truncate(dst, len)))?;
            let route = routes.iter().find(|route| interface.is_none_or(|wanted| wanted == route.interface))?;
            Some(Hop { interface: route.interface, next_hop: route.gateway.unwrap_or(dst) })
        })
    }
}
