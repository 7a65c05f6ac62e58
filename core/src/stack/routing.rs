//! The way of a packet: local delivery, rules, routes; the source address that it leaves from; and the
//! commands on routes and rules.

use core::hash::{BuildHasher, Hasher};
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::Stack;
use crate::config::Medium;
use crate::error::{RouteError, RuleError};
use crate::ip::address;
use crate::ip::route::{Hop, Query, Refusal, Route, RouteOrigin, Target};
use crate::ip::rule::Rule;
use crate::ip::selection::select_source;
use crate::link::{Interface, InterfaceId};
use crate::record::Call;

/// The way of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) hop: Hop,
    /// The address that the route wants packets to be sent from.
    pub(crate) source: Option<IpAddr>,
}

/// RFC 3927 section 2.6.2: a packet from or to an IPv4 link-local address never goes to a router; whom it
/// is for is asked for on the link.
fn without_router(src: IpAddr, dst: IpAddr, next_hop: IpAddr) -> IpAddr {
    let is_link_local = |end| matches!(end, IpAddr::V4(end) if end.is_link_local());
    if is_link_local(src) || is_link_local(dst) { dst } else { next_hop }
}

impl Stack {
    /// The way to a destination. What is for one of our own addresses goes to the loopback interface. A
    /// group, and the limited broadcast, is its own next hop: no gateway takes it (RFC 1112 section 6.1,
    /// RFC 4861 section 5.2). Where no route names an interface for it, it leaves by the first of its family.
    pub(crate) fn way(&self, query: &Query) -> Result<Way, Refusal> {
        let way = self.routed(query)?;
        Ok(Way { hop: self.redirects.apply(query.dst, way.hop), ..way })
    }

    /// The same, whatever routers have told of better first hops.
    pub(super) fn routed(&self, query: &Query) -> Result<Way, Refusal> {
        let dst = query.dst;
        if self.is_assigned(dst) && query.src.is_none_or(|src| self.is_assigned(src)) {
            let loopback =
                self.interfaces.iter().find(|interface| interface.medium == Medium::Loopback && interface.up);
            let interface = loopback.ok_or(Refusal::NoRoute)?.id;
            return Ok(Way { hop: Hop { interface, next_hop: dst }, source: Some(dst) });
        }
        let route = self.routes.lookup(query, |route| self.is_usable(route, query), |route| self.weight(route, query));
        if dst.is_multicast() || dst == IpAddr::V4(Ipv4Addr::BROADCAST) {
            let by_route = route.and_then(Route::interface);
            let interface = by_route.or_else(|| self.interface_for_many(query)).ok_or(Refusal::NoRoute)?;
            let source = route.and_then(|route| route.source);
            return Ok(Way { hop: Hop { interface, next_hop: dst }, source });
        }
        let route = route.ok_or(Refusal::NoRoute)?;
        let (interface, next_hop) = match route.target {
            Target::Interface(interface) => (interface, dst),
            Target::Gateway(gateway, interface) => (interface, without_router(query.src.unwrap_or(dst), dst, gateway)),
            Target::Blackhole => return Err(Refusal::Blackhole),
            Target::Unreachable => return Err(Refusal::Unreachable),
            Target::Prohibit => return Err(Refusal::Prohibit),
        };
        if dst.is_loopback() && self.interfaces.get(interface.index()).is_some_and(|to| to.medium != Medium::Loopback) {
            // RFC 1122 section 3.2.1.3 (g): such a destination must not appear outside a host.
            return Err(Refusal::NoRoute);
        }
        Ok(Way { hop: Hop { interface, next_hop }, source: route.source })
    }

    /// Whether a route can be used: its interface is up, is the one that the sender is bound to, and, in
    /// the strong host model, has the address that is sent from (RFC 1122 section 3.3.4.2).
    pub(super) fn is_usable(&self, route: &Route, query: &Query) -> bool {
        let Some(id) = route.interface() else { return true };
        self.interfaces
            .get(id.index())
            .is_some_and(|interface| self.may_leave_by(interface, query) && !is_poor_exit(interface, route, query))
    }

    fn may_leave_by(&self, interface: &Interface, query: &Query) -> bool {
        let is_source = |src: IpAddr| {
            query.arrived_on.is_some()
                || src.is_unspecified()
                || interface.has_address(src)
                || (self.shares_addresses() && self.is_assigned(src))
        };
        interface.up && query.interface.is_none_or(|bound| bound == interface.id) && query.src.is_none_or(is_source)
    }

    /// Where a packet to a group leaves that no route is for.
    fn interface_for_many(&self, query: &Query) -> Option<InterfaceId> {
        let speaks = |interface: &&Interface| {
            query.interface.is_some()
                || interface.addresses.assigned().any(|own| own.address.is_ipv4() == query.dst.is_ipv4())
        };
        let device = |interface: &&Interface| interface.medium != Medium::Loopback;
        let mut leaving = self.interfaces.iter().filter(|interface| self.may_leave_by(interface, query));
        leaving.by_ref().filter(device).find(speaks).map(|interface| interface.id)
    }

    /// Of equal routes the one with the largest weight takes the flow: a keyed hash over both (RFC 2992).
    /// One that comes or goes moves no flow between others.
    fn weight(&self, route: &Route, query: &Query) -> u64 {
        let mut hasher = self.secrets.multipath.build_hasher();
        let from = query.src.filter(|_| query.arrived_on.is_some());
        for address in [Some(query.dst), from, route.gateway()].into_iter().flatten() {
            match address {
                IpAddr::V4(address) => hasher.write(&address.octets()),
                IpAddr::V6(address) => hasher.write(&address.octets()),
            }
        }
        let interface = route.interface().map_or(u16::MAX, |interface| interface.0);
        for number in [query.ports.0, query.ports.1, interface] {
            hasher.write(&number.to_le_bytes());
        }
        hasher.finish()
    }

    /// Whether an address of one interface is good on the others: in the weak host model (RFC 1122 section
    /// 3.3.4.2), and on a router, which is one node however a packet reaches it (RFC 1812 section 5.2.3).
    fn shares_addresses(&self) -> bool {
        self.config.weak_host || self.config.router.forwarding
    }

    /// Whether a source is ours, on another wire than the one that the packet came in on. It is forged, and
    /// would have us talk to ourselves.
    #[inline]
    pub(super) fn is_own_elsewhere(&self, interface: &Interface, src: IpAddr) -> bool {
        self.interfaces.len() > 1 && interface.medium != Medium::Loopback && self.is_on_other_wire(interface, src)
    }

    #[inline(never)]
    fn is_on_other_wire(&self, interface: &Interface, src: IpAddr) -> bool {
        let mut wires = self.interfaces.iter().filter(|other| other.medium != Medium::Loopback);
        wires.any(|other| other.id != interface.id && other.has_address(src))
    }

    /// Whether a packet that has come in on `interface` is for us though `dst` is no address of that one.
    /// On the loopback interface all our addresses are, and all of 127.0.0.0/8; elsewhere those of the other
    /// interfaces, if they are shared, but for such as have a meaning on their own link only.
    pub(super) fn hears_elsewhere(&self, interface: &Interface, dst: IpAddr) -> bool {
        match (interface.medium, dst) {
            (Medium::Loopback, IpAddr::V4(v4)) if v4.is_loopback() => true,
            (Medium::Loopback, _) => self.is_assigned(dst),
            _ => self.shares_addresses() && !dst.is_loopback() && !address::is_link_local(dst) && self.is_assigned(dst),
        }
    }

    /// The way to a destination, and the address to send from: the one that is settled, else the one that
    /// the route wants, else the best one of the interface.
    pub(super) fn source_towards(&self, query: &Query) -> Result<(Hop, IpAddr), Refusal> {
        let way = self.way(query)?;
        let interface = self.interfaces.get(way.hop.interface.index()).ok_or(Refusal::NoRoute)?;
        let best = || select_source(interface, query.dst, way.hop.next_hop, &self.preferences);
        let source = query.src.or(way.source).or_else(best).ok_or(Refusal::NoRoute)?;
        Ok((Hop { next_hop: without_router(source, query.dst, way.hop.next_hop), ..way.hop }, source))
    }

    /// Adds a route.
    pub fn add_route(&mut self, route: Route) -> Result<(), RouteError> {
        self.record(|_| Call::AddRoute { route });
        self.commanded("route.add", SocketAddr::new(route.prefix, route.prefix_len.into()));
        let bits = if route.prefix.is_ipv4() { 32 } else { 128 };
        let other_family = |address: IpAddr| address.is_ipv4() != route.prefix.is_ipv4();
        if route.prefix_len > bits || route.gateway().is_some_and(other_family) {
            return Err(RouteError::BadPrefix);
        }
        if let Some(id) = route.interface() {
            let interface = self.interfaces.get(id.index()).ok_or(RouteError::NoInterface)?;
            if route.gateway().is_some_and(|gateway| !is_gateway_on_link(interface, gateway)) {
                return Err(RouteError::GatewayNotOnLink);
            }
        }
        if route.source.is_some_and(|source| other_family(source) || !self.is_assigned(source)) {
            return Err(RouteError::BadSource);
        }
        if self.routes.contains(&route) {
            return Err(RouteError::Exists);
        }
        if self.routes.len() >= self.config.limits.routes as usize {
            return Err(RouteError::LimitReached);
        }
        self.routes.add(route);
        Ok(())
    }

    /// Removes a route; `false` if there is none of this prefix, target, metric and table.
    pub fn remove_route(&mut self, route: &Route) -> bool {
        self.record(|_| Call::RemoveRoute { route: *route });
        self.commanded("route.remove", SocketAddr::new(route.prefix, route.prefix_len.into()));
        self.routes.remove(|other| other.is_same(route))
    }

    /// Adds a policy rule.
    pub fn add_rule(&mut self, rule: Rule) -> Result<(), RuleError> {
        self.record(|_| Call::AddRule { rule });
        self.commanded("rule.add", rule_address(&rule));
        if rule.interface.is_some_and(|id| self.interfaces.get(id.index()).is_none()) {
            return Err(RuleError::NoInterface);
        }
        if !rule.is_valid() {
            return Err(RuleError::BadPrefix);
        }
        if self.routes.rules.contains(&rule) {
            return Err(RuleError::Exists);
        }
        if self.routes.rules.len() >= usize::from(self.config.limits.rules) {
            return Err(RuleError::LimitReached);
        }
        self.routes.add_rule(rule);
        Ok(())
    }

    /// Removes a policy rule; `false` if there is none like it.
    pub fn remove_rule(&mut self, rule: &Rule) -> bool {
        self.record(|_| Call::RemoveRule { rule: *rule });
        self.commanded("rule.remove", rule_address(rule));
        self.routes.remove_rule(rule)
    }
}

/// What the trace notes of a rule.
fn rule_address(rule: &Rule) -> SocketAddr {
    let (prefix, len) = rule.source.unwrap_or((IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));
    SocketAddr::new(prefix, len.into())
}

/// Whether a gateway can be a neighbor on the interface: in the prefix of one of its addresses or
/// link-local, and not the interface itself. Where there are no neighbors the device knows who it is.
fn is_gateway_on_link(interface: &Interface, gateway: IpAddr) -> bool {
    let on_link = interface.medium == Medium::Ip
        || address::is_link_local(gateway)
        || interface.addresses.iter().any(|own| own.is_on_link(gateway));
    on_link && !interface.has_address(gateway)
}

/// Whether a default router should leave the packet to another one, for the sake of its source address
/// (RFC 8028 section 3.2).
fn is_poor_exit(interface: &Interface, route: &Route, query: &Query) -> bool {
    let (RouteOrigin::RouterAdvertisement, 0) = (route.origin, route.prefix_len) else { return false };
    match (route.gateway(), query.src) {
        (Some(IpAddr::V6(gateway)), Some(IpAddr::V6(source))) => {
            interface.autoconf.router_discovery.is_poor_exit(gateway, source)
        }
        _ => false,
    }
}
