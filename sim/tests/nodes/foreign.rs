//! smoltcp as the peer of our stack: streams go both ways, and both are judged.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use rstest::rstest;
use tickwire_sim::link::{Delay, Law, Loss, Order, Queue, Rate, Room, Stage};
use tickwire_sim::node::foreign::{Foreign, ForeignConfig};
use tickwire_sim::oracle::Oracle;
use tickwire_sim::topology::{hardware, v4, v6};
use tickwire_sim::{Ended, Host, Instant, InterfaceAddress, Link, NodeId, Seed, Step, World};

use super::{LIMIT, data, run, socket};

struct Mixed {
    world: World,
    foreign: NodeId,
}

/// Our host 1 and the foreign host 2. Each sends so many bytes to the other; one of them listens.
fn mixed(seed: u8, ipv6: bool, ours_listens: bool, len: usize, link: Link) -> Mixed {
    mixed_with(seed, ipv6, ours_listens, len, link, 1 << 18)
}

/// The same, with buffers of the foreign host for so many bytes; and it reads nothing for the first second.
fn mixed_with(seed: u8, ipv6: bool, ours_listens: bool, len: usize, link: Link, buffer: usize) -> Mixed {
    let address = |host| if ipv6 { IpAddr::from(v6(0, host)) } else { v4(0, host).into() };
    let at = socket(address(if ours_listens { 1 } else { 2 }), 80);
    let steps = |opens, up, down| {
        let pause = Step::Wait(Duration::from_millis(if buffer < 65_536 { 1_000 } else { 0 }));
        let exchange = vec![opens, pause, Step::Send(data(len, up)), Step::Expect(data(len, down))];
        [exchange, vec![Step::Shutdown, Step::ExpectEnd, Step::Close]].concat()
    };
    let (ours, theirs) = (steps(Step::Listen(at), 1, 2), steps(Step::Connect(at), 2, 1));
    let (ours, theirs) = if ours_listens { (ours, theirs) } else { (theirs, ours) };
    let mut world = World::new(Seed([seed; 32]));
    let addresses = [InterfaceAddress::v4(v4(0, 1), 16), InterfaceAddress::v6(v6(0, 1), 64)];
    let host = world.add_host(Host::new("ours", 1, &addresses)).unwrap();
    let config = ForeignConfig::new(hardware(0, 2), (v4(0, 2), 16), (v6(0, 2), 64));
    let foreign = Foreign::new(ForeignConfig { seed: seed.into(), buffer, scripts: vec![theirs], ..config });
    let foreign = world.add_node("theirs", foreign);
    world.connect(host, foreign, link);
    world.start(host, ours);
    Mixed { world, foreign }
}

#[rstest]
fn streams_both_ways(#[values(false, true)] ipv6: bool, #[values(false, true)] ours_listens: bool) {
    let link = Link::constant(Duration::from_millis(5));
    let mut mixed = mixed(1, ipv6, ours_listens, 300_000, link);
    run(&mut mixed.world);
}

#[rstest]
fn streams_both_ways_with_loss(#[values(1, 2, 3, 4)] seed: u8, #[values(false, true)] ipv6: bool) {
    let stages = vec![
        Stage::Rate(Rate::new(10_000_000, Room::Frames(30), Queue::TailDrop)),
        Stage::Loss(Loss::Bernoulli { ppm: 20_000 }),
        Stage::Delay(Delay::constant(Duration::from_millis(10))),
    ];
    let mut mixed = mixed(seed, ipv6, seed.is_multiple_of(2), 200_000, Link::symmetric(stages));
    run(&mut mixed.world);
}

/// A clone of a stack that cannot be cloned.
#[test]
fn both_branches_of_a_clone_go_on_alike() {
    let mut mixed = mixed(1, false, true, 100_000, Link::constant(Duration::from_millis(5)));
    for millis in [12, 31, 50] {
        assert_eq!(mixed.world.run_until(Instant::from_millis(millis)), Ended::TimeLimit);
        let mut branches = [mixed.world.clone(), mixed.world.clone()];
        for branch in &mut branches {
            run(branch);
        }
        let [one, other] = branches;
        assert_eq!(one.trace(), other.trace());
        assert_eq!(one.hash(), other.hash());
    }
    run(&mut mixed.world);
}

/// What cannot go on is told as that of our own host is.
#[test]
fn a_foreign_script_that_fails_is_told() {
    let mut mixed = mixed(1, false, true, 100, Link::constant(Duration::from_millis(5)));
    let nowhere = Step::Connect(socket(v4(0, 1), 81));
    let config = ForeignConfig::new(hardware(0, 3), (v4(0, 3), 16), (v6(0, 3), 64));
    let scripts = vec![vec![nowhere], vec![Step::Bind(socket(v4(0, 3), 1))]];
    mixed.world.add_node("other", Foreign::new(ForeignConfig { scripts, ..config }));
    let _ = mixed.world.run_until(LIMIT);
    let failures: Vec<_> = mixed.world.failures().iter().map(ToString::to_string).collect();
    let expected =
        ["step 0: connect 10.0.0.1:81: still waiting", "step 0: bind 10.0.0.3:1: a foreign host speaks TCP only"];
    assert_eq!(failures, expected);
}

const JUDGED: [Oracle; 13] = [
    Oracle::Lengths,
    Oracle::Checksums,
    Oracle::Retransmission,
    Oracle::AckMonotone,
    Oracle::AckUnsent,
    Oracle::Window,
    Oracle::RightEdge,
    Oracle::Sack,
    Oracle::Mss,
    Oracle::Options,
    Oracle::Reset,
    Oracle::Backoff,
    Oracle::DelayedAck,
];

/// A sweep of links and buffers, among them small ones whose window closes: streams arrive, no rule is broken on
/// either side, and the foreign host was judged by each oracle that what it sends can be judged by: it sends no
/// timestamps, no fragments, and only packets that may not be fragmented.
#[test]
fn a_sweep() {
    let mut judged = BTreeMap::<Oracle, u64>::new();
    for seed in 0..200 {
        let order = if seed % 2 == 0 { Order::Overtake } else { Order::Keep };
        let law = Law::Uniform { min: Duration::from_millis(10), max: Duration::from_millis(13) };
        let stages = vec![
            Stage::Rate(Rate::new(5_000_000, Room::Frames(if seed % 3 == 0 { 8 } else { 40 }), Queue::TailDrop)),
            Stage::Loss(Loss::Bernoulli { ppm: [0, 5_000, 30_000, 100_000][usize::from(seed) % 4] }),
            Stage::Duplicate { ppm: if seed % 5 == 0 { 20_000 } else { 0 } },
            Stage::Delay(Delay { law, order, ..Delay::constant(Duration::ZERO) }),
        ];
        let buffer = if seed % 6 == 1 { 4_096 } else { 1 << 18 };
        let mut mixed = mixed_with(seed, seed % 7 == 0, seed % 2 == 0, 60_000, Link::symmetric(stages), buffer);
        run(&mut mixed.world);
        for oracle in Oracle::ALL {
            *judged.entry(oracle).or_default() += mixed.world.oracles(mixed.foreign).tally(oracle).judged;
        }
    }
    assert!(JUDGED.iter().all(|oracle| judged[oracle] > 0), "{judged:?}");
}
