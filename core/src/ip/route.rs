//! Routes: where packets go next, the longest prefix first, in one or more tables.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::IpAddr;

use super::address;
use super::rule::{Rule, Rules};
use crate::digest::Digest;
use crate::link::InterfaceId;

/// What a route does with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Target {
    /// The destinations are on the interface's link.
    Interface(InterfaceId),
    /// A router on the interface's link takes packets on.
    Gateway(IpAddr, InterfaceId),
    /// Discarded without a word. A local sender is told that the destination is unreachable.
    Blackhole,
    /// Refused: the sender learns that the host is unreachable.
    Unreachable,
    /// Refused: the sender learns that it is administratively prohibited.
    Prohibit,
}

/// Who made a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(u8)]
pub enum RouteOrigin {
    /// A command.
    Static,
    /// The prefix of an address: the route comes and goes with it.
    Address,
    /// A router advertisement (RFC 4861, RFC 4191).
    RouterAdvertisement,
    /// DHCP (RFC 2132 section 3.5, RFC 3442).
    Dhcp,
}

/// A route. [`Route::on_link`], [`Route::via`] and [`Route::refusing`] make one; the fields say the rest:
/// `Route { metric: 100, ..Route::via(prefix, 0, gateway, interface) }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Route {
    /// The destinations: an address of the prefix. Bits beyond its length are ignored.
    pub prefix: IpAddr,
    /// The prefix's length: 0 to 32 for IPv4, 0 to 128 for IPv6; 0 is the default route.
    pub prefix_len: u8,
    /// Where they go.
    pub target: Target,
    /// Of several routes with one prefix those with the smallest metric are used; default 0. Equal ones
    /// share the flows among them (RFC 2992), but for those that come with addresses: the first serves.
    pub metric: u32,
    /// The table that it stands in; default [`Route::MAIN`]. [`Rule`]s choose among tables.
    pub table: u32,
    /// The address to send from where the sender has not chosen one; default by RFC 6724.
    pub source: Option<IpAddr>,
    /// Who made it; default [`RouteOrigin::Static`].
    pub origin: RouteOrigin,
}

impl Route {
    /// The table that is looked at when no rule has named another (254, as Linux).
    pub const MAIN: u32 = 254;

    /// A route to destinations on the link of `interface`.
    pub const fn on_link(prefix: IpAddr, prefix_len: u8, interface: InterfaceId) -> Route {
        Route::to(prefix, prefix_len, Target::Interface(interface))
    }

    /// A route through `gateway`, which is on the link of `interface`.
    pub const fn via(prefix: IpAddr, prefix_len: u8, gateway: IpAddr, interface: InterfaceId) -> Route {
        Route::to(prefix, prefix_len, Target::Gateway(gateway, interface))
    }

    /// A route of another kind: `target` is one that refuses.
    pub const fn refusing(prefix: IpAddr, prefix_len: u8, target: Target) -> Route {
        Route::to(prefix, prefix_len, target)
    }

    const fn to(prefix: IpAddr, prefix_len: u8, target: Target) -> Route {
        Route { prefix, prefix_len, target, metric: 0, table: Route::MAIN, source: None, origin: RouteOrigin::Static }
    }

    /// The interface that packets leave through; none if the route refuses.
    pub const fn interface(&self) -> Option<InterfaceId> {
        match self.target {
            Target::Interface(interface) | Target::Gateway(_, interface) => Some(interface),
            Target::Blackhole | Target::Unreachable | Target::Prohibit => None,
        }
    }

    /// The router that takes packets on.
    pub const fn gateway(&self) -> Option<IpAddr> {
        match self.target {
            Target::Gateway(gateway, _) => Some(gateway),
            _ => None,
        }
    }

    /// Whether `other` is the same route, whatever its source hint and origin.
    pub(crate) fn is_same(&self, other: &Route) -> bool {
        let prefix = |route: &Route| address::truncate(route.prefix, route.prefix_len);
        prefix(self) == prefix(other)
            && (self.prefix_len, self.table, self.metric, self.target)
                == (other.prefix_len, other.table, other.metric, other.target)
    }

    /// Whether `other`, of the same prefix and metric, takes some of this one's flows.
    fn shares_with(&self, other: &Route) -> bool {
        let shares = |route: &Route| route.origin != RouteOrigin::Address && route.interface().is_some();
        self.metric == other.metric && shares(self) && shares(other)
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.address(self.prefix);
        digest.u8(self.prefix_len);
        digest.option(self.gateway(), Digest::address);
        digest.option(self.interface(), |digest, interface| digest.u16(interface.0));
        digest.u8(match self.target {
            Target::Interface(_) => 0,
            Target::Gateway(..) => 1,
            Target::Blackhole => 2,
            Target::Unreachable => 3,
            Target::Prohibit => 4,
        });
        digest.u32(self.metric);
        digest.u32(self.table);
        digest.option(self.source, Digest::address);
        digest.u8(self.origin as u8);
    }
}

/// Where a packet goes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hop {
    pub(crate) interface: InterfaceId,
    /// The neighbor: the destination itself, or a gateway.
    pub(crate) next_hop: IpAddr,
}

/// Who asks for a way, and where to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) dst: IpAddr,
    /// The source address, where it is settled already.
    pub(crate) src: Option<IpAddr>,
    /// The interface that it has to leave through.
    pub(crate) interface: Option<InterfaceId>,
    /// The interface that it came in on, if it is to be forwarded.
    pub(crate) arrived_on: Option<InterfaceId>,
    pub(crate) mark: u32,
    /// Ours and the peer's: they tell flows between the same addresses apart. 0 where there is none yet.
    pub(crate) ports: (u16, u16),
}

impl Query {
    pub(crate) const fn to(dst: IpAddr) -> Query {
        Query { dst, src: None, interface: None, arrived_on: None, mark: 0, ports: (0, 0) }
    }
}

/// Why there is no way to a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    NoRoute,
    Blackhole,
    Unreachable,
    Prohibit,
}

/// The routes of one table, by family, length and prefix. A lookup asks once per prefix length in use.
#[derive(Clone, Debug, Default)]
struct Table {
    /// Those of one prefix in the order of their metrics, and of their coming.
    routes: BTreeMap<(u8, IpAddr), Vec<Route>>,
    /// The prefix lengths in use, longest first.
    lengths_v4: Vec<u8>,
    lengths_v6: Vec<u8>,
}

impl Table {
    fn add(&mut self, route: Route) {
        let lengths = if route.prefix.is_ipv4() { &mut self.lengths_v4 } else { &mut self.lengths_v6 };
        if let Err(at) = lengths.binary_search_by(|len| route.prefix_len.cmp(len)) {
            lengths.insert(at, route.prefix_len);
        }
        let same = self.routes.entry((route.prefix_len, route.prefix)).or_default();
        match same.iter_mut().find(|other| other.is_same(&route)) {
            Some(other) => *other = route,
            None => same.insert(same.partition_point(|other| other.metric <= route.metric), route),
        }
    }

    fn remove(&mut self, unwanted: &impl Fn(&Route) -> bool) {
        self.routes.retain(|_, routes| {
            routes.retain(|route| !unwanted(route));
            !routes.is_empty()
        });
        let routes = &self.routes;
        self.lengths_v4.retain(|len| routes.keys().any(|(other, prefix)| prefix.is_ipv4() && other == len));
        self.lengths_v6.retain(|len| routes.keys().any(|(other, prefix)| prefix.is_ipv6() && other == len));
    }

    /// The route to `dst`: of those that are `usable` the one with the longest prefix, then with the
    /// smallest metric; of equal ones the one that `weight` puts highest.
    fn lookup(&self, dst: IpAddr, usable: &impl Fn(&Route) -> bool, weight: &impl Fn(&Route) -> u64) -> Option<&Route> {
        let lengths = if dst.is_ipv4() { &self.lengths_v4 } else { &self.lengths_v6 };
        lengths.iter().find_map(|&len| {
            let routes = self.routes.get(&(len, address::truncate(dst, len)))?;
            let first = routes.iter().find(|route| usable(route))?;
            let equal = || routes.iter().filter(|route| route.shares_with(first) && usable(route));
            if equal().nth(1).is_some() { equal().max_by_key(|route| weight(route)) } else { Some(first) }
        })
    }
}

/// All tables, and the rules that choose among them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Routes {
    main: Table,
    others: BTreeMap<u32, Table>,
    pub(crate) rules: Rules,
    /// Grows with every change: a socket's cached hop is good while this has not moved.
    generation: u64,
}

impl Routes {
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Something else that decides about ways has changed: an address, the state of an interface.
    pub(crate) fn invalidate(&mut self) {
        self.generation += 1;
    }

    pub(crate) fn len(&self) -> usize {
        self.tables().map(|table| table.routes.values().map(Vec::len).sum::<usize>()).sum()
    }

    fn tables(&self) -> impl Iterator<Item = &Table> {
        core::iter::once(&self.main).chain(self.others.values())
    }

    /// By table, the main one first, then by prefix length.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Route> {
        self.tables().flat_map(|table| table.routes.values().flatten())
    }

    pub(crate) fn contains(&self, route: &Route) -> bool {
        self.iter().any(|other| other.is_same(route))
    }

    /// Adds a route; one that is the same but for its source hint and origin is replaced.
    pub(crate) fn add(&mut self, mut route: Route) {
        route.prefix = address::truncate(route.prefix, route.prefix_len);
        match route.table {
            Route::MAIN => self.main.add(route),
            table => self.others.entry(table).or_default().add(route),
        }
        self.invalidate();
    }

    /// Removes the routes that `unwanted` names; whether there were any.
    pub(crate) fn remove(&mut self, unwanted: impl Fn(&Route) -> bool) -> bool {
        let before = self.len();
        self.main.remove(&unwanted);
        self.others.retain(|_, table| {
            table.remove(&unwanted);
            !table.routes.is_empty()
        });
        self.invalidate();
        self.len() < before
    }

    pub(crate) fn add_rule(&mut self, rule: Rule) {
        self.rules.add(rule);
        self.invalidate();
    }

    pub(crate) fn remove_rule(&mut self, rule: &Rule) -> bool {
        self.invalidate();
        self.rules.remove(rule)
    }

    /// The route for `query`, from the tables that the rules name, in their order, then from the main one.
    pub(crate) fn lookup(
        &self,
        query: &Query,
        usable: impl Fn(&Route) -> bool,
        weight: impl Fn(&Route) -> u64,
    ) -> Option<&Route> {
        let named = self.rules.tables_for(query).find_map(|table| {
            let table = if table == Route::MAIN { &self.main } else { self.others.get(&table)? };
            table.lookup(query.dst, &usable, &weight)
        });
        named.or_else(|| self.main.lookup(query.dst, &usable, &weight))
    }
}
