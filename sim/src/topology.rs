//! Networks that come up again and again, as one call each.
//!
//! Networks are numbered from 0: network `k` is `10.k.0.0/16` and `2001:db8:k::/64` (`k` in decimal
//! and in hexadecimal), so there are 256 at most. The hosts of a network are numbered from 1: host 258 of
//! network 3 is `10.3.1.2` and `2001:db8:3::102`. All of a host's addresses are used at once, unverified.
//!
//! ```
//! use tickwire_sim::{Link, Seed, World, topology};
//! use std::time::Duration;
//!
//! let mut world = World::new(Seed([1; 32]));
//! let lan = Link::constant(Duration::from_micros(50));
//! let star = topology::star(&mut world, 3, &lan)?;
//! assert_eq!(world.hosts().count(), 4);
//! assert_eq!(topology::v4(0, 1).to_string(), "10.0.0.1"); // the server's
//! # Ok::<(), tickwire_sim::HostError>(())
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tickwire_core::frame::Capabilities;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::{Config, InterfaceAddress, InterfaceConfig};

use crate::link::Link;
use crate::node::Switch;
use crate::world::{Host, HostError, HostId, HostRoute, LinkId, NodeId, Port, World};

/// The IPv4 address of a host.
pub const fn v4(network: u8, host: u16) -> Ipv4Addr {
    let [high, low] = host.to_be_bytes();
    Ipv4Addr::new(10, network, high, low)
}

/// The IPv6 address of a host.
pub const fn v6(network: u8, host: u16) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, network as u16, 0, 0, 0, 0, host)
}

/// The hardware address that a host has on a network.
pub const fn hardware(network: u8, host: u16) -> EthernetAddress {
    let [high, low] = host.to_be_bytes();
    EthernetAddress([2, 0, 0, network, high, low])
}

/// A host, or a router between two networks, that is yet to be linked: its number on each network.
fn host(name: &str, networks: &[(u8, u16)]) -> Host {
    let interface = |&(network, number)| {
        let addresses = [InterfaceAddress::v4(v4(network, number), 16), InterfaceAddress::v6(v6(network, number), 64)];
        InterfaceConfig::new(hardware(network, number), Capabilities::plain(1500), addresses).unverified()
    };
    let mut config = Config::default();
    config.router.forwarding = networks.len() > 1;
    Host {
        name: name.to_owned(),
        config,
        interfaces: networks.iter().map(interface).collect(),
        routes: Vec::new(),
        leases: Vec::new(),
    }
}

/// Routes of both families, by the interface with that number: to network `to`, or to everywhere.
fn routes(to: Option<u8>, interface: usize, gateway: (u8, u16)) -> [HostRoute; 2] {
    let (network, number) = gateway;
    let len = |bits| if to.is_some() { bits } else { 0 };
    let route = |destinations, gateway| HostRoute { destinations, gateway, interface };
    let to = to.unwrap_or_default();
    [
        route(InterfaceAddress::v4(v4(to, 0), len(16)), IpAddr::V4(v4(network, number))),
        route(InterfaceAddress::v6(v6(to, 0), len(64)), IpAddr::V6(v6(network, number))),
    ]
}

/// Two hosts on a link: hosts 1 and 2 of network 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Host 1.
    pub a: HostId,
    /// Host 2.
    pub b: HostId,
    /// From a to b.
    pub link: LinkId,
}

/// Adds two hosts on a link.
///
/// # Errors
///
/// As [`World::add_host`].
pub fn pair(world: &mut World, link: Link) -> Result<Pair, HostError> {
    let a = world.add_host(host("a", &[(0, 1)]))?;
    let b = world.add_host(host("b", &[(0, 2)]))?;
    Ok(Pair { a, b, link: world.connect(a, b, link) })
}

/// A server and clients around a switch: the server is host 1 of network 0, the clients are hosts 2, 3 and so on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Star {
    /// Host 1, at the switch's port 0.
    pub server: HostId,
    /// The others, at the ports from 1.
    pub clients: Vec<HostId>,
    /// In the middle.
    pub switch: NodeId,
    /// From each host to the switch, the server's first.
    pub links: Vec<LinkId>,
}

/// Adds a server and `clients` clients, each on a link of its own to one switch; switch and server have room for
/// all of them.
///
/// # Errors
///
/// As [`World::add_host`].
pub fn star(world: &mut World, clients: u16, link: &Link) -> Result<Star, HostError> {
    let ports = usize::from(clients) + 1;
    let switch = world.add_node("switch", Switch::new(ports).with_room(ports.max(1_024)));
    let mut server = host("server", &[(0, 1)]);
    // All clients are its neighbors, in both families; by default it remembers fewer.
    let neighbors = u16::try_from(ports * 2).unwrap_or(u16::MAX);
    server.config.limits.neighbors = server.config.limits.neighbors.max(neighbors);
    let server = world.add_host(server)?;
    let mut links = vec![world.connect(server, Port::new(switch, 0), link.clone())];
    let mut added = Vec::with_capacity(ports);
    for number in 1..=clients {
        let client = world.add_host(host(&format!("client {number}"), &[(0, number + 1)]))?;
        links.push(world.connect(client, Port::new(switch, usize::from(number)), link.clone()));
        added.push(client);
    }
    Ok(Star { server, clients: added, switch, links })
}

/// Hosts on two networks, with two routers and one link between them that all share.
///
/// ```text
///   left 1 --+                                            +-- right 1
///   left 2 --+ switch -- router 0 ======== router 1 -- switch +-- right 2
///            network 0         network 1          network 2
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dumbbell {
    /// Hosts 2, 3 and so on of network 0. Host 1 is the router.
    pub left: Vec<HostId>,
    /// Hosts 2, 3 and so on of network 2. Host 1 is the router.
    pub right: Vec<HostId>,
    /// Hosts 1 and 2 of network 1.
    pub routers: [HostId; 2],
    /// From the left router to the right one.
    pub bottleneck: LinkId,
}

/// Adds `n` hosts on either side of a link that they share.
///
/// # Errors
///
/// As [`World::add_host`].
pub fn dumbbell(world: &mut World, n: u16, access: &Link, bottleneck: Link) -> Result<Dumbbell, HostError> {
    let mut routers = [Vec::new(), Vec::new()];
    let mut sides = [Vec::new(), Vec::new()];
    for (side, name) in [(0, "left"), (1, "right")] {
        let network = 2 * side;
        let mut router = host(&format!("{name} router"), &[(network, 1), (1, u16::from(side) + 1)]);
        router.routes.extend(routes(Some(2 - network), 1, (1, 2 - u16::from(side))));
        let router = world.add_host(router)?;
        let switch = world.add_node(&format!("{name} switch"), Switch::new(usize::from(n) + 1));
        world.connect(router, Port::new(switch, 0), access.clone());
        for number in 1..=n {
            let mut end = host(&format!("{name} {number}"), &[(network, number + 1)]);
            end.routes.extend(routes(None, 0, (network, 1)));
            let end = world.add_host(end)?;
            world.connect(end, Port::new(switch, usize::from(number)), access.clone());
            sides[usize::from(side)].push(end);
        }
        routers[usize::from(side)].push(router);
    }
    let routers = [routers[0][0], routers[1][0]];
    let bottleneck = world.connect(Port::new(routers[0], 1), Port::new(routers[1], 1), bottleneck);
    let [left, right] = sides;
    Ok(Dumbbell { left, right, routers, bottleneck })
}

/// Two hosts with routers in a row between them.
///
/// ```text
///   a ------- router 1 ------- router 2 ------- b
///   network 0         network 1         network 2
/// ```
///
/// On each network the left end is host 1 and the right end host 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Host 1 of network 0.
    pub a: HostId,
    /// From left to right.
    pub routers: Vec<HostId>,
    /// Host 2 of the last network, whose number is that of the routers.
    pub b: HostId,
    /// From left to right.
    pub links: Vec<LinkId>,
}

/// Adds two hosts with `routers` routers between them, up to 255, and the same link everywhere.
///
/// # Errors
///
/// As [`World::add_host`].
pub fn chain(world: &mut World, routers: u8, link: &Link) -> Result<Chain, HostError> {
    let mut a = host("a", &[(0, 1)]);
    a.routes.extend((routers > 0).then(|| routes(None, 0, (0, 2))).into_iter().flatten());
    let a = world.add_host(a)?;
    let (mut last, mut links, mut added) = (Port::from(a), Vec::new(), Vec::new());
    for number in 1..=routers {
        let left = number - 1;
        let mut router = host(&format!("router {number}"), &[(left, 2), (number, 1)]);
        router.routes.extend((0..left).flat_map(|network| routes(Some(network), 0, (left, 1))));
        let beyond = number + 1..=routers;
        router.routes.extend(beyond.flat_map(|network| routes(Some(network), 1, (number, 2))));
        let router = world.add_host(router)?;
        links.push(world.connect(last, router, link.clone()));
        last = Port::new(router, 1);
        added.push(router);
    }
    let mut b = host("b", &[(routers, 2)]);
    b.routes.extend((routers > 0).then(|| routes(None, 0, (routers, 1))).into_iter().flatten());
    let b = world.add_host(b)?;
    links.push(world.connect(last, b, link.clone()));
    Ok(Chain { a, routers: added, b, links })
}
