//! Questions about what routers have told.

use core::net::{IpAddr, Ipv6Addr};

use super::Stack;
use crate::autoconf::prefixes::LinkPrefix;
use crate::autoconf::router_discovery::{ManagedFlags, RouterDiscovery};
use crate::link::{Interface, InterfaceId};
use crate::time::Instant;
use crate::wire::domain_name::DomainName;
use crate::wire::ndp_router::RouterPreference;

/// A default router, as [`Stack::default_routers`] lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouterInfo {
    /// On which interface.
    pub interface: InterfaceId,
    /// Its link-local address.
    pub address: Ipv6Addr,
    /// How much it is preferred (RFC 4191).
    pub preference: RouterPreference,
    /// Until when it is a default router; `None` for ever.
    pub until: Option<Instant>,
    /// Whether it is in use or has been found reachable, so that no newer one takes its place.
    pub trusted: bool,
    /// Whether it was lately found not to answer.
    pub failed: bool,
}

/// A prefix that routers have told, as [`Stack::prefixes`] lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrefixInfo {
    /// On which interface.
    pub interface: InterfaceId,
    /// The prefix.
    pub prefix: Ipv6Addr,
    /// Its length.
    pub prefix_len: u8,
    /// Whether its addresses are on the link.
    pub on_link: bool,
    /// Whether we form addresses from it.
    pub autonomous: bool,
}

/// A route that a router has told (RFC 4191), as [`Stack::router_routes`] lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouterRouteInfo {
    /// On which interface.
    pub interface: InterfaceId,
    /// The router.
    pub router: Ipv6Addr,
    /// The destinations.
    pub prefix: Ipv6Addr,
    /// The prefix's length.
    pub prefix_len: u8,
    /// How much it is preferred to the same route of other routers.
    pub preference: RouterPreference,
    /// Until when; `None` for ever.
    pub until: Option<Instant>,
}

impl Stack {
    fn discoveries(&self) -> impl Iterator<Item = (InterfaceId, &Interface, &RouterDiscovery)> {
        self.interfaces.iter().map(|interface| (interface.id, interface, &interface.autoconf.router_discovery))
    }

    /// The default routers of all interfaces, in the order of their coming (RFC 4861 section 6.3.4).
    pub fn default_routers(&self) -> impl Iterator<Item = RouterInfo> + '_ {
        self.discoveries().flat_map(|(id, interface, discovery)| {
            discovery.routers.iter().map(move |router| RouterInfo {
                interface: id,
                address: router.address,
                preference: router.preference,
                until: router.until,
                trusted: interface.neighbors.is_trusted(IpAddr::V6(router.address)),
                failed: !discovery.routers.is_usable(router.address),
            })
        })
    }

    /// The prefixes that routers have told, of all interfaces, in the order of their coming.
    pub fn prefixes(&self) -> impl Iterator<Item = PrefixInfo> + '_ {
        self.discoveries().flat_map(|(id, _, discovery)| {
            discovery.prefixes.iter().map(move |prefix: &LinkPrefix| PrefixInfo {
                interface: id,
                prefix: prefix.prefix,
                prefix_len: prefix.prefix_len,
                on_link: prefix.is_on_link(),
                autonomous: prefix.autonomous.is_some(),
            })
        })
    }

    /// The routes that routers have told, of all interfaces, in the order of their coming.
    pub fn router_routes(&self) -> impl Iterator<Item = RouterRouteInfo> + '_ {
        self.discoveries().flat_map(|(id, _, discovery)| {
            discovery.routers.routes().map(move |route| RouterRouteInfo {
                interface: id,
                router: route.router,
                prefix: route.prefix,
                prefix_len: route.prefix_len,
                preference: route.preference,
                until: route.until,
            })
        })
    }

    /// The recursive name servers that the routers of an interface have told (RFC 8106), the first to be
    /// asked first. A link-local one is to be asked through that interface.
    pub fn router_name_servers(&self, id: InterfaceId) -> impl Iterator<Item = Ipv6Addr> + '_ {
        let interface = self.interfaces.get(id.index()).into_iter();
        interface.flat_map(|interface| interface.autoconf.router_discovery.resolvers.servers.iter().copied())
    }

    /// The search domains that the routers of an interface have told (RFC 8106).
    pub fn router_search_domains(&self, id: InterfaceId) -> impl Iterator<Item = &DomainName> {
        let interface = self.interfaces.get(id.index()).into_iter();
        interface.flat_map(|interface| interface.autoconf.router_discovery.resolvers.domains.iter())
    }

    /// What `DHCPv6` is there for on an interface; `None` if no router has been heard (RFC 4861 section 4.2).
    pub fn managed_flags(&self, id: InterfaceId) -> Option<ManagedFlags> {
        self.interfaces.get(id.index())?.autoconf.router_discovery.flags
    }
}
