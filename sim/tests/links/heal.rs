//! Healing: faults end, the path stays what it is.

use std::net::Ipv4Addr;

use rstest::rstest;
use tickwire_sim::bytes::Bytes;
use tickwire_sim::link::{
    Corrupt, Delay, Flap, GilbertElliott, Link, Loss, Mtu, Pattern, Queue, Rate, Room, Router, Stage, StageKind,
};
use tickwire_sim::{Ended, Host, Instant, InterfaceAddress, LinkId, Partition, Seed, Step, World};

use crate::packets::datagram;
use crate::{Bench, millis};

const ROUTER: Router =
    Router { ipv4: Ipv4Addr::new(198, 51, 100, 254), ipv6: std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1) };

const SURE: u32 = 1_000_000;

/// Each fault meets every frame, and none once it is healed.
#[rstest]
#[case(Stage::Loss(Loss::Bernoulli { ppm: SURE }))]
#[case(Stage::Loss(Loss::GilbertElliott(GilbertElliott { good_loss_ppm: SURE, ..GilbertElliott::BURSTY })))]
#[case(Stage::Loss(Loss::EveryNth(1)))]
#[case(Stage::Loss(Loss::Ordinals((1..100).collect())))]
#[case(Stage::Loss(Loss::Matching { pattern: Pattern::Udp, ordinals: (1..100).collect() }))]
#[case(Stage::Duplicate { ppm: SURE })]
#[case(Stage::Corrupt(Corrupt::BreakChecksum { ppm: SURE }))]
#[case(Stage::Corrupt(Corrupt::Truncate { ppm: SURE }))]
#[case(Stage::Mtu(Mtu::constant(1_000, None)))]
#[case(Stage::Flap(Flap::Periodic { from: Instant::ZERO, down: millis(1_000), up: millis(0) }))]
fn faults_end(#[case] stage: Stage) {
    let mut bench = Bench::new(vec![stage]);
    let frame = datagram(false, 7, 1_200);
    (0..10).for_each(|name| bench.push(name, name, frame.clone()));
    let acted: u64 = bench.direction.counters().acted.values().sum();
    assert!(acted >= 10);
    bench.arrivals();
    bench.dropped();
    bench.direction.heal();
    for name in 10..20 {
        bench.push(name, name, frame.clone());
        let outgoing = bench.direction.pop(Instant::from_nanos(name), &mut bench.draws).unwrap();
        assert!(outgoing.fate.is_calm() && outgoing.frame == frame);
    }
    assert_eq!(bench.direction.counters().acted.values().sum::<u64>(), acted);
    assert_eq!(bench.dropped(), []);
}

/// A frame of 1,000 bytes on 8 Mbit/s, then 5 ms.
#[test]
fn rates_delays_and_routers_stay() {
    let rate = Rate::new(8_192_000, Room::Frames(1), Queue::TailDrop);
    let router = Mtu::constant(1_000, Some(ROUTER));
    let mut bench = Bench::new(vec![Stage::Rate(rate), Stage::Delay(Delay::constant(millis(5))), Stage::Mtu(router)]);
    bench.direction.heal();
    (0..3).for_each(|name| bench.push(0, name, datagram(false, 7, 1_000)));
    bench.push(3_000_000, 3, datagram(false, 7, 1_100));
    // (1,000 + 24) * 8 bits are 1 ms.
    assert_eq!(bench.arrivals(), [(6_000_000, 0), (7_000_000, 1)]);
    assert_eq!(bench.dropped().len(), 2);
    assert!(bench.direction.pop_answer().is_some());
}

/// A transfer over a hop of MTU 1,000 beyond the hosts' own links.
fn transfer(mtu: Mtu) -> (World, LinkId) {
    let mut world = World::new(Seed([3; 32]));
    let mut host = |name, station: u8| {
        let address = InterfaceAddress::v4(Ipv4Addr::new(198, 51, 100, station), 24);
        world.add_host(Host::new(name, station.into(), &[address])).unwrap()
    };
    let (server, client) = (host("server", 1), host("client", 2));
    let link =
        world.connect(server, client, Link::symmetric(vec![Stage::Mtu(mtu), Stage::Delay(Delay::constant(millis(5)))]));
    let at = "198.51.100.1:80".parse().unwrap();
    let data = Bytes::from(vec![7; 50_000]);
    world.start(server, vec![Step::Listen(at), Step::Expect(data.clone()), Step::ExpectEnd, Step::Close]);
    world.start(client, vec![Step::Connect(at), Step::Send(data), Step::Shutdown, Step::ExpectEnd, Step::Close]);
    (world, link)
}

/// The router's error makes the sender's segments fit (RFC 1191).
#[test]
fn path_mtu_discovery_gets_through() {
    let (mut world, link) = transfer(Mtu::constant(1_000, Some(ROUTER)));
    assert_eq!(world.run_until(Instant::from_millis(20_000)), Ended::TimeLimit);
    let [toward_b, toward_a] = world.link_counters(link);
    assert!(toward_a.acted[&StageKind::Mtu] > 0);
    assert!(toward_b.delivered > 10 && toward_a.delivered > 50_000 / 960);
    let errors = world.trace().lines();
    assert!(errors.contains("a router's error about it"), "{errors}");
    assert_eq!(world.failures(), []);
}

/// Nothing that is full gets through until the hop is healed.
#[test]
fn a_black_hole_holds_a_transfer_until_it_is_healed() {
    let (mut world, link) = transfer(Mtu::constant(600, None));
    world.partition(link, Partition::None);
    assert_eq!(world.run_until(Instant::from_millis(3_000)), Ended::TimeLimit);
    assert!(world.link_counters(link)[1].acted[&StageKind::BlackHole] > 0);
    assert!(!world.failures().is_empty());
    world.heal(link);
    assert_eq!(world.run_until(Instant::from_millis(600_000)), Ended::Quiescent);
    assert_eq!(world.failures(), []);
}
