//! Hosts of each builder reach each other over both families.

use std::net::IpAddr;
use std::time::Duration;

use rstest::rstest;
use tickwire_core::wire::ethernet::EthernetFrame;
use tickwire_sim::node::Machine;
use tickwire_sim::topology::{chain, dumbbell, hardware, pair, star, v4, v6};
use tickwire_sim::{Direction, Link, Port, Seed, World};

use super::{run, socket, transfer};

fn lan() -> Link {
    Link::constant(Duration::from_micros(100))
}

fn address(ipv6: bool, network: u8, host: u16) -> IpAddr {
    if ipv6 { v6(network, host).into() } else { v4(network, host).into() }
}

#[rstest]
fn of_a_pair(#[values(false, true)] ipv6: bool) {
    let mut world = World::new(Seed([1; 32]));
    let pair = pair(&mut world, lan()).unwrap();
    let at = socket(address(ipv6, 0, 2), 80);
    transfer(&mut world, (pair.b, at), (pair.a, at), 100_000);
    run(&mut world);
    assert!(world.link_counters(pair.link)[0].delivered > 0);
}

/// What is for a station that has been heard of reaches it alone.
#[rstest]
fn of_a_star(#[values(false, true)] ipv6: bool) {
    let mut world = World::new(Seed([1; 32]));
    let star = star(&mut world, 5, &lan()).unwrap();
    for (port, client) in (80..).zip(&star.clients) {
        let at = socket(address(ipv6, 0, 1), port);
        transfer(&mut world, (star.server, at), (*client, at), 20_000);
    }
    run(&mut world);
    let Some(Machine::Switch(switch)) = world.node(star.switch) else { panic!("node 0 is a switch") };
    assert_eq!(switch.counters().table_full + switch.counters().moved, 0);
    for passed in world.trace().frames().iter().filter(|passed| passed.direction == Direction::Inbound) {
        let Some(number) = star.clients.iter().position(|client| passed.port == Port::from(*client)) else { continue };
        let dst = EthernetFrame::parse(&passed.frame).unwrap().dst();
        assert!(dst.is_multicast() || dst == hardware(0, number as u16 + 2), "client {number} heard {dst}");
    }
}

#[rstest]
fn across_a_dumbbell(#[values(false, true)] ipv6: bool) {
    let mut world = World::new(Seed([1; 32]));
    let dumbbell = dumbbell(&mut world, 3, &lan(), Link::constant(Duration::from_millis(10))).unwrap();
    for (number, (left, right)) in (2..).zip(dumbbell.left.iter().zip(&dumbbell.right)) {
        let at = socket(address(ipv6, 2, number), 80);
        transfer(&mut world, (*right, at), (*left, at), 20_000);
    }
    run(&mut world);
    assert!(world.link_counters(dumbbell.bottleneck).iter().all(|way| way.delivered > 3 * 14));
}

#[rstest]
fn along_a_chain(#[values(false, true)] ipv6: bool, #[values(0, 1, 4)] routers: u8) {
    let mut world = World::new(Seed([1; 32]));
    let chain = chain(&mut world, routers, &lan()).unwrap();
    assert_eq!(chain.links.len(), usize::from(routers) + 1);
    let at = socket(address(ipv6, routers, 2), 80);
    transfer(&mut world, (chain.b, at), (chain.a, at), 20_000);
    run(&mut world);
}
