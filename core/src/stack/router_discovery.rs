//! Router discovery as it acts on the stack: advertisements taken in, solicitations sent, routes kept
//! in step with what the routers say (RFC 4861 section 6.3, RFC 4191, RFC 8106).

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};
use core::ops::RangeInclusive;

use super::Stack;
use crate::autoconf::router_discovery::{ManagedFlags, RouterDiscovery};
use crate::autoconf::routers::Admission;
use crate::config::Medium;
use crate::error::DropReason;
use crate::ip::input::Received;
use crate::ip::own_address::AddressState;
use crate::ip::route::{Route, RouteOrigin};
use crate::link::neighbor::NeighborCache;
use crate::link::{Control, InterfaceId};
use crate::time::Duration;
use crate::wire::ethernet::EthernetAddress;
use crate::wire::ipv6;
use crate::wire::ndp;
use crate::wire::ndp_options::{PrefixInformation, RecursiveServers, RouteInformation, RouterOption, SearchList};
use crate::wire::ndp_router::{RouterAdvertisement, RouterAdvertisementHeader};

/// A hop limit below this one is not believed: it would cut us off from the far half of the Internet.
const HOP_LIMIT_MIN: u8 = 32;
/// What a retransmission timer that a router tells is held to.
const RETRANS_TIMER: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(10);
/// What a reachable time that a router tells is held to (RFC 4861 section 6.2.1: at most one hour).
const REACHABLE_TIME: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(1);

/// The metric of routes to prefixes that routers say are on the link (as Linux).
const ON_LINK_METRIC: u32 = 256;
/// The metric of routes through routers is this and their rank; as with Linux static ones come before.
const ROUTER_METRIC: u32 = 1024;

/// Router discovery of an interface, and its neighbors, of which it wants to know whom to trust.
struct Parts<'a> {
    discovery: &'a mut RouterDiscovery,
    neighbors: &'a NeighborCache,
}

impl Parts<'_> {
    fn is_trusted(neighbors: &NeighborCache) -> impl Fn(Ipv6Addr) -> bool + '_ {
        |router| neighbors.is_trusted(IpAddr::V6(router))
    }
}

impl Stack {
    fn discovery(&mut self, id: InterfaceId) -> Option<Parts<'_>> {
        let interface = self.interfaces.get_mut(id.index())?;
        Some(Parts { discovery: &mut interface.autoconf.router_discovery, neighbors: &interface.neighbors })
    }

    /// The interface configures itself from now on: it forms a link-local address and looks for routers.
    pub(super) fn start_router_discovery(&mut self, id: InterfaceId) {
        let (now, delay) = (self.now, self.config.nd.solicitation_delay);
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        if interface.medium != Medium::Ethernet {
            return;
        }
        let discovery = &mut interface.autoconf.router_discovery;
        discovery.enabled = true;
        discovery.solicitor.start(now, delay, &mut self.random.router_discovery);
        self.form_link_local(id);
        self.arm_interface(id);
    }

    /// A Router Advertisement (RFC 4861 sections 6.1.2 and 6.3.4).
    pub(super) fn receive_router_advertisement(
        &mut self,
        id: InterfaceId,
        received: &Received,
        message: &[u8],
    ) -> Result<(), DropReason> {
        let router = match received.src {
            IpAddr::V6(src) if src.is_unicast_link_local() && received.hop_limit == ndp::HOP_LIMIT => src,
            _ => return Err(DropReason::NdpInvalid),
        };
        let advertisement = RouterAdvertisement::parse(message)?;
        if !self.discovery(id).is_some_and(|parts| parts.discovery.enabled) {
            return self.compare_advertisement(id, router, &advertisement);
        }
        self.counters.ndp_received += 1;
        self.recognize_link(id, router, &advertisement);
        self.apply_parameters(id, &advertisement.header());
        self.apply_router(id, router, &advertisement);
        for option in advertisement.options() {
            self.apply_option(id, router, &option);
        }
        // Last: by now it is known whether we have a use for the router.
        let link_layer = advertisement.options().find_map(|option| match option {
            RouterOption::SourceLinkLayer(hardware) => Some(hardware),
            _ => None,
        });
        if let Some(hardware) = link_layer {
            self.apply_link_layer(id, router, hardware);
        }
        let RouterAdvertisementHeader { managed, other, .. } = advertisement.header();
        self.on_managed_flags(id, ManagedFlags { managed, other });
        self.probe_router(id);
        self.settle_routers(id);
        Ok(())
    }

    /// The first router that is heard after the link was down: where it tells of another link, what the
    /// routers of the old one have told is forgotten (RFC 6059).
    fn recognize_link(&mut self, id: InterfaceId, router: Ipv6Addr, advertisement: &RouterAdvertisement<'_>) {
        let told = advertisement.options().filter_map(|option| match option {
            RouterOption::Prefix(told) if is_usable(&told) && told.valid_lifetime > 0 => {
                Some((told.prefix, told.prefix_len))
            }
            _ => None,
        });
        let Some(Parts { discovery, .. }) = self.discovery(id) else { return };
        if !discovery.is_moved(router, told) {
            return;
        }
        let former = discovery.forget_link();
        for prefix in former.prefixes.iter() {
            self.withdraw_formed(id, prefix);
        }
        self.path_mtus.on_link_mtu();
        self.announce_configuration(id);
    }

    /// The values of the fixed part, each held to what makes sense.
    fn apply_parameters(&mut self, id: InterfaceId, header: &RouterAdvertisementHeader) {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        let discovery = &mut interface.autoconf.router_discovery;
        if header.hop_limit >= HOP_LIMIT_MIN {
            discovery.hop_limit = Some(header.hop_limit);
        }
        let held = |millis: u32, range: RangeInclusive<Duration>| {
            (millis > 0).then(|| Duration::from_millis(millis.into()).clamp(*range.start(), *range.end()))
        };
        if let Some(retrans_timer) = held(header.retrans_timer, RETRANS_TIMER) {
            interface.neighbors.set_retrans_timer(retrans_timer);
        }
        if let Some(base) = held(header.reachable_time, REACHABLE_TIME) {
            interface.neighbors.set_base_reachable_time(base, &mut self.random.router_discovery);
        }
    }

    /// The default router itself. A route for all destinations among its options says the same and comes
    /// first (RFC 4191 section 3.1).
    fn apply_router(&mut self, id: InterfaceId, router: Ipv6Addr, advertisement: &RouterAdvertisement<'_>) {
        let header = advertisement.header();
        let default_route = advertisement.options().find_map(|option| match option {
            RouterOption::Route(route) if route.prefix_len == 0 => Some((route.lifetime, route.preference)),
            _ => None,
        });
        let (lifetime, preference) = default_route.unwrap_or((header.router_lifetime.into(), header.preference));
        let (now, max) = (self.now, usize::from(self.config.limits.default_routers));
        let Some(Parts { discovery, neighbors }) = self.discovery(id) else { return };
        let had_routers = !discovery.routers.is_empty();
        let trusted = Parts::is_trusted(neighbors);
        let (admission, evicted) = discovery.routers.on_advertisement(now, router, preference, lifetime, max, trusted);
        if lifetime > 0 && admission != Admission::Refused {
            discovery.solicitor.on_router();
        }
        let lost = had_routers && discovery.routers.is_empty();
        match admission {
            Admission::Admitted => {}
            Admission::Replaced => self.counters.routers_evicted += 1,
            Admission::Refused => self.counters.routers_refused += 1,
        }
        if let (Some(evicted), Some(interface)) = (evicted, self.interfaces.get_mut(id.index())) {
            interface.neighbors.forget_unused(IpAddr::V6(evicted));
        }
        if lost {
            self.solicit_routers_again(id);
        }
    }

    fn apply_option(&mut self, id: InterfaceId, router: Ipv6Addr, option: &RouterOption<'_>) {
        match option {
            RouterOption::SourceLinkLayer(_) => {}
            RouterOption::Mtu(mtu) => self.apply_mtu(id, *mtu),
            RouterOption::Prefix(prefix) => self.apply_prefix(id, router, prefix),
            RouterOption::Route(route) if route.prefix_len == 0 => {}
            RouterOption::Route(route) => self.apply_route(id, router, route),
            RouterOption::RecursiveServers(servers) => self.apply_servers(id, router, servers),
            RouterOption::SearchList(list) => self.apply_domains(id, router, list),
            RouterOption::Unknown(_) | RouterOption::Malformed(_) => self.counters.ndp_options_ignored += 1,
        }
    }

    /// RFC 4861 section 6.3.4: the router's entry in the neighbor cache; made if it is a router of ours.
    fn apply_link_layer(&mut self, id: InterfaceId, router: Ipv6Addr, hardware: EthernetAddress) {
        let Some(interface) = self.interfaces.get(id.index()) else { return };
        if !interface.is_anothers(hardware) {
            self.counters.ndp_options_ignored += 1;
            return;
        }
        let create = interface.autoconf.router_discovery.routers.concerns(router);
        self.learn_neighbor(id, IpAddr::V6(router), hardware, false, create);
    }

    /// RFC 4861 section 6.3.4: not below what IPv6 demands of a link, not above what ours can do.
    fn apply_mtu(&mut self, id: InterfaceId, mtu: u32) {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        let possible = ipv6::MIN_MTU as u32..=u32::from(interface.capabilities.mtu);
        if possible.contains(&mtu) {
            let before = interface.autoconf.router_discovery.mtu.replace(mtu as u16);
            if before != Some(mtu as u16) {
                self.path_mtus.on_link_mtu();
            }
        } else {
            self.counters.ndp_options_ignored += 1;
        }
    }

    fn apply_prefix(&mut self, id: InterfaceId, router: Ipv6Addr, told: &PrefixInformation) {
        if !is_usable(told) {
            self.counters.ndp_options_ignored += 1;
            return;
        }
        let (now, max) = (self.now, usize::from(self.config.limits.prefixes));
        let Some(Parts { discovery, neighbors }) = self.discovery(id) else { return };
        let trusted = Parts::is_trusted(neighbors);
        let (admission, evicted) = discovery.prefixes.on_prefix(now, router, told, max, trusted);
        match admission {
            Admission::Admitted => {}
            Admission::Replaced => self.counters.prefixes_evicted += 1,
            Admission::Refused => self.counters.prefixes_refused += 1,
        }
        if let Some(evicted) = evicted {
            self.withdraw_formed(id, &evicted);
        }
        if told.autonomous {
            self.form_addresses(id, told.prefix);
        }
    }

    fn apply_route(&mut self, id: InterfaceId, router: Ipv6Addr, route: &RouteInformation) {
        let (now, max) = (self.now, usize::from(self.config.limits.router_routes));
        let Some(Parts { discovery, neighbors }) = self.discovery(id) else { return };
        match discovery.routers.on_route(now, router, route, max, Parts::is_trusted(neighbors)) {
            Admission::Admitted => {}
            Admission::Replaced => self.counters.router_routes_evicted += 1,
            Admission::Refused => self.counters.router_routes_refused += 1,
        }
    }

    fn apply_servers(&mut self, id: InterfaceId, router: Ipv6Addr, told: &RecursiveServers<'_>) {
        let (now, max) = (self.now, usize::from(self.config.limits.name_servers));
        let Some(Parts { discovery, neighbors }) = self.discovery(id) else { return };
        let trusted = Parts::is_trusted(neighbors);
        let servers = told.addresses().filter(|server| !server.is_multicast() && !server.is_unspecified());
        let change = discovery.resolvers.servers.tell(now, router, told.lifetime, servers, max, trusted);
        self.counters.resolvers_refused += change.refused;
        if change.changed {
            self.announce_configuration(id);
        }
    }

    fn apply_domains(&mut self, id: InterfaceId, router: Ipv6Addr, told: &SearchList<'_>) {
        let (now, max) = (self.now, usize::from(self.config.limits.search_domains));
        let Some(Parts { discovery, neighbors }) = self.discovery(id) else { return };
        let trusted = Parts::is_trusted(neighbors);
        let domains = told.domains().flatten();
        let change = discovery.resolvers.domains.tell(now, router, told.lifetime, domains, max, trusted);
        self.counters.resolvers_refused += change.refused;
        if change.changed {
            self.announce_configuration(id);
        }
    }

    /// What routers say about `DHCPv6` has changed, or is told for the first time (RFC 4861 section 4.2).
    fn on_managed_flags(&mut self, id: InterfaceId, flags: ManagedFlags) {
        let Some(Parts { discovery, .. }) = self.discovery(id) else { return };
        if discovery.flags.replace(flags) != Some(flags) {
            self.announce_configuration(id);
            self.follow_managed_flags(id, flags);
        }
    }

    /// Asks a router whether it is reachable, before traffic depends on it.
    fn probe_router(&mut self, id: InterfaceId) {
        let now = self.now;
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        let discovery = &mut interface.autoconf.router_discovery;
        let Some(router) = discovery.to_probe(now, Parts::is_trusted(&interface.neighbors)) else { return };
        if interface.solicitation_source(router, &self.preferences).is_none() {
            return;
        }
        interface.autoconf.router_discovery.probed = Some(now);
        if let Some((neighbor, solicit)) = interface.neighbors.probe(now, IpAddr::V6(router)) {
            self.queue_solicitation(id, solicit);
            self.arm_neighbor(id, neighbor);
        }
    }

    /// An address is in use from now on: the routers learn of it before traffic for it comes (RFC 9131
    /// section 6.1.1), where they are looked for at all.
    pub(super) fn tell_routers(&mut self, id: InterfaceId, address: IpAddr) {
        let IpAddr::V6(target) = address else { return };
        let looks_for_routers = self.discovery(id).is_some_and(|parts| parts.discovery.enabled);
        if !looks_for_routers || target.is_unicast_link_local() {
            return;
        }
        if let Err(reason) = self.queue_control(id, Control::NeighborAnnouncement { target }) {
            self.drop_on(id, reason);
        }
    }

    /// A neighbor has been found reachable: a router may be preferred for it.
    pub(super) fn on_neighbor_confirmed(&mut self, id: InterfaceId, address: IpAddr) {
        let IpAddr::V6(address) = address else { return };
        if self.discovery(id).is_some_and(|parts| parts.discovery.routers.on_confirmation(address)) {
            self.settle_routers(id);
        }
    }

    /// A neighbor does not answer: if it is a router, others are used in its place (RFC 4861 section 7.3.3).
    pub(super) fn on_neighbor_failed(&mut self, id: InterfaceId, address: IpAddr) {
        let (now, IpAddr::V6(address)) = (self.now, address) else { return };
        if self.discovery(id).is_some_and(|parts| parts.discovery.routers.on_failure(now, address)) {
            self.settle_routers(id);
        }
    }

    /// A neighbor says that it is no router (RFC 4861 section 7.2.5).
    pub(super) fn on_neighbor_is_host(&mut self, id: InterfaceId, address: IpAddr) {
        let IpAddr::V6(address) = address else { return };
        let Some(Parts { discovery, .. }) = self.discovery(id) else { return };
        if discovery.routers.forget(address) {
            if discovery.routers.is_empty() {
                self.solicit_routers_again(id);
            }
            self.settle_routers(id);
        }
    }

    /// The last router is gone, or the link has come up: looks for others, as after a start (RFC 7559
    /// section 2.1, RFC 4861 section 6.3.7).
    pub(super) fn solicit_routers_again(&mut self, id: InterfaceId) {
        let (now, delay) = (self.now, self.config.nd.solicitation_delay);
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        let discovery = &mut interface.autoconf.router_discovery;
        if !discovery.enabled || !interface.up {
            return;
        }
        discovery.solicitor.start(now, delay, &mut self.random.router_discovery);
        self.arm_interface(id);
    }

    /// Router discovery's deadline has come.
    pub(super) fn on_router_discovery_timeout(&mut self, id: InterfaceId) {
        let now = self.now;
        // An address may just have become fit to ask from.
        self.probe_router(id);
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        let discovery = &mut interface.autoconf.router_discovery;
        if discovery.deadline().is_none_or(|at| at > now) {
            return;
        }
        let had_routers = !discovery.routers.is_empty();
        let routers_changed = discovery.routers.expire(now);
        let prefixes_changed = discovery.prefixes.expire(now);
        let resolvers_changed = discovery.resolvers.expire(now);
        let has_routers = !discovery.routers.is_empty();
        let solicits = discovery.solicitor.on_timeout(now, has_routers, &mut self.random.router_discovery);
        if had_routers && !has_routers {
            self.solicit_routers_again(id);
        }
        if solicits {
            self.queue_router_solicitation(id);
        }
        if resolvers_changed {
            self.announce_configuration(id);
        }
        self.succeed_temporaries(id);
        if routers_changed || prefixes_changed {
            self.settle_routers(id);
        }
    }

    /// From a link-local address if there is one. While that is optimistic it goes without our hardware
    /// address (RFC 4429 section 3.2); from the unspecified address it never carries one (RFC 4861 section 4.1).
    fn queue_router_solicitation(&mut self, id: InterfaceId) {
        let Some(interface) = self.interfaces.get(id.index()) else { return };
        let own = interface.addresses.assigned().find_map(|own| match own.address {
            IpAddr::V6(address) if address.is_unicast_link_local() => Some((address, own.state)),
            _ => None,
        });
        let source = own.map_or(Ipv6Addr::UNSPECIFIED, |(address, _)| address);
        let with_address = own.is_some_and(|(_, state)| state != AddressState::Optimistic);
        if let Err(reason) = self.queue_control(id, Control::RouterSolicitation { source, with_address }) {
            self.drop_on(id, reason);
        }
    }

    /// Brings the routes in step with what the routers have told, and the timer with its deadline.
    pub(super) fn settle_routers(&mut self, id: InterfaceId) {
        let Some(interface) = self.interfaces.get(id.index()) else { return };
        let discovery = &interface.autoconf.router_discovery;
        let origin = RouteOrigin::RouterAdvertisement;
        let on_link = discovery.prefixes.on_link().map(|prefix| Route {
            metric: ON_LINK_METRIC,
            origin,
            ..Route::on_link(IpAddr::V6(prefix.prefix), prefix.prefix_len, id)
        });
        let ways = discovery.routers.ways(Parts::is_trusted(&interface.neighbors));
        let through = ways.iter().map(|way| Route {
            metric: ROUTER_METRIC + way.rank,
            origin,
            ..Route::via(IpAddr::V6(way.prefix), way.prefix_len, IpAddr::V6(way.router), id)
        });
        let wanted: Vec<Route> = on_link.chain(through).collect();
        let is_told = |route: &Route| route.origin == origin && route.interface() == Some(id);
        if self.routes.iter().any(|route| is_told(route) && !wanted.contains(route)) {
            self.routes.remove(|route| is_told(route) && !wanted.contains(route));
        }
        for route in wanted {
            if !self.routes.contains(&route) {
                self.routes.add(route);
            }
        }
        self.arm_interface(id);
    }
}

/// RFC 4861 section 6.3.4 and RFC 4862 section 5.5.3 (b); that all addresses are on the link is no prefix.
fn is_usable(told: &PrefixInformation) -> bool {
    !told.prefix.is_unicast_link_local() && !told.prefix.is_multicast() && told.prefix_len > 0
}
