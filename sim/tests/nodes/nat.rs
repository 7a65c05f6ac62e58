//! Connections and datagrams through a translator.
//!
//! ```text
//!   .10 --+
//!         hub -- NAT -- switch -- server 203.0.113.7
//!   .11 --+  192.168.1.1   203.0.113.1
//! ```

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_sim::bytes::Bytes;
use tickwire_sim::node::nat::{NatConfig, NatCounters, Side};
use tickwire_sim::node::{Hub, Machine, Nat};
use tickwire_sim::{Direction, Host, HostId, HostRoute, InterfaceAddress, Link, NodeId, Port, Seed, Step, World};

use super::{run, socket, transfer};

const INSIDE: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
const OUTSIDE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
const SERVER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);

struct Network {
    world: World,
    nat: NodeId,
    clients: [HostId; 2],
    server: HostId,
}

fn host(world: &mut World, name: &str, address: Ipv4Addr, gateway: Option<Ipv4Addr>) -> HostId {
    let mut host = Host::new(name, address.octets()[3].into(), &[InterfaceAddress::v4(address, 24)]);
    let everywhere = InterfaceAddress::v4(Ipv4Addr::UNSPECIFIED, 0);
    let route = |gateway| HostRoute { destinations: everywhere, gateway: IpAddr::V4(gateway), interface: 0 };
    host.routes.extend(gateway.map(route));
    world.add_host(host).unwrap()
}

fn network() -> Network {
    let mut world = World::new(Seed([1; 32]));
    let side =
        |hardware, address| Side { hardware: EthernetAddress([2, 0, 0, 0, 0xff, hardware]), address, prefix_len: 24 };
    let nat = world.add_node("nat", Nat::new(NatConfig::new(side(1, INSIDE), side(2, OUTSIDE))));
    let hub = world.add_node("hub", Hub::new(3));
    let clients = [10, 11]
        .map(|last| host(&mut world, &format!("client .{last}"), Ipv4Addr::new(192, 168, 1, last), Some(INSIDE)));
    let server = host(&mut world, "server", SERVER, None);
    let link = Link::constant(Duration::from_millis(1));
    for (port, client) in clients.iter().enumerate() {
        world.connect(*client, Port::new(hub, port), link.clone());
    }
    world.connect(Port::new(hub, 2), Port::new(nat, Nat::INSIDE), link.clone());
    world.connect(server, Port::new(nat, Nat::OUTSIDE), link);
    Network { world, nat, clients, server }
}

fn counters(network: &Network) -> NatCounters {
    match network.world.node(network.nat) {
        Some(Machine::Nat(nat)) => nat.counters().clone(),
        other => panic!("no NAT: {other:?}"),
    }
}

#[test]
fn two_clients_share_an_address() {
    let mut network = network();
    for (port, client) in (80..).zip(network.clients) {
        let at = socket(SERVER, port);
        transfer(&mut network.world, (network.server, at), (client, at), 50_000);
    }
    run(&mut network.world);
    let heard = network
        .world
        .trace()
        .frames()
        .iter()
        .filter(|passed| passed.port == Port::from(network.server) && passed.direction == Direction::Inbound);
    // Nobody outside has seen an address of the inside.
    let inside = INSIDE.octets();
    assert!(heard.clone().count() > 50);
    assert!(heard.clone().all(|passed| !passed.frame.windows(3).take(40).any(|window| window == &inside[..3])));
    assert_eq!(counters(&network).dropped, [].into());
}

#[test]
fn datagrams_larger_than_the_mtu() {
    let mut network = network();
    let (at, datagram) = (socket(SERVER, 7), super::data(8_000, 3));
    network
        .world
        .start(network.server, vec![Step::Bind(at), Step::ExpectFrom(datagram.clone()), Step::Reply(datagram.clone())]);
    let any = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
    let ask = vec![
        Step::Wait(Duration::from_millis(1)),
        Step::Bind(any),
        Step::SendTo(at, datagram.clone()),
        Step::ExpectFrom(datagram),
    ];
    network.world.start(network.clients[0], ask);
    run(&mut network.world);
    let counters = counters(&network);
    assert_eq!((counters.outbound, counters.inbound), (1, 1));
}

/// Nobody listens: the error is about the datagram as the client sent it.
#[test]
fn an_error_about_a_datagram() {
    let mut network = network();
    let any = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
    let ask = vec![Step::Bind(any), Step::SendTo(socket(SERVER, 9), Bytes::from_static(b"?"))];
    network.world.start(network.clients[1], ask);
    run(&mut network.world);
    let told = network.world.stack(network.clients[1]).counters().find(|(name, _)| *name == "icmp.errors_delivered");
    assert_eq!((told.map(|(_, times)| times), counters(&network).errors), (Some(1), 1));
}

/// RFC 4787 REQ-9, RFC 5382 REQ-8: a client reaches the other by the address that the world knows it by.
#[test]
fn hairpin() {
    let mut network = network();
    let [a, b] = network.clients;
    let any = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 5_000);
    let (ping, pong) = (Bytes::from_static(b"ping"), Bytes::from_static(b"pong"));
    let to = |port| socket(OUTSIDE, port);
    // Both send to each other's endpoint outside: the first that arrives opens the way for the second.
    let serve = vec![
        Step::Bind(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 6_000)),
        Step::SendTo(to(5_000), Bytes::from_static(b"hole")),
        Step::ExpectFrom(ping.clone()),
        Step::Reply(pong.clone()),
    ];
    let ask = vec![
        Step::Wait(Duration::from_secs(1)),
        Step::Bind(any),
        Step::SendTo(to(6_000), ping),
        Step::ExpectFrom(pong),
    ];
    network.world.start(b, serve);
    network.world.start(a, ask);
    run(&mut network.world);
    assert_eq!(counters(&network).hairpinned, 2);
}
