//! Links in worlds: TCP gets through, and nothing depends on what happens on other links.

use std::net::Ipv4Addr;
use std::time::Duration;

use rstest::rstest;
use tickwire_sim::bytes::Bytes;
use tickwire_sim::capture::read_frames;
use tickwire_sim::draw::Tape;
use tickwire_sim::link::{Cause, Corrupt, Counters, Delay, End, Law, Link, Loss, Pattern, Queue, Rate, Room, Stage};
use tickwire_sim::{Direction, Ended, Host, HostId, Instant, InterfaceAddress, LinkId, Partition, Seed, Step, World};

use crate::millis;

const LIMIT: Instant = Instant::from_millis(3_600_000);

fn host(world: &mut World, name: &str, net: u8, station: u8) -> HostId {
    let address = InterfaceAddress::v4(Ipv4Addr::new(198, 51, net, station), 24);
    world.add_host(Host::new(name, u16::from_be_bytes([net, station]), &[address])).unwrap()
}

/// A client that sends `len` bytes to a server on another end of `link`.
fn transfer(world: &mut World, net: u8, link: Link, len: usize) -> LinkId {
    let (server, client) = (host(world, "server", net, 1), host(world, "client", net, 2));
    let id = world.connect(server, client, link);
    let at = format!("198.51.{net}.1:80").parse().unwrap();
    let data: Bytes = (0..len as u32).map(|at| (at.wrapping_mul(0x9e37_79b1) >> 24) as u8).collect();
    world.start(server, vec![Step::Listen(at), Step::Expect(data.clone()), Step::ExpectEnd, Step::Close]);
    world.start(client, vec![Step::Connect(at), Step::Send(data), Step::Shutdown, Step::ExpectEnd, Step::Close]);
    id
}

fn rough() -> Link {
    Link::symmetric(vec![
        Stage::Rate(Rate::new(20_000_000, Room::Frames(40), Queue::TailDrop)),
        Stage::Loss(Loss::Bernoulli { ppm: 30_000 }),
        Stage::Duplicate { ppm: 10_000 },
        Stage::Delay(Delay::new(Law::Uniform { min: millis(5), max: millis(8) }).reordering()),
    ])
}

fn finish(world: &mut World) {
    assert_eq!(world.run_until(LIMIT), Ended::Quiescent);
    assert_eq!(world.failures(), []);
}

fn rough_world(seed: u8) -> World {
    let mut world = World::new(Seed([seed; 32]));
    transfer(&mut world, 100, rough(), 200_000);
    world
}

#[test]
fn tcp_gets_through_a_rough_link() {
    for seed in 1..=3 {
        let mut world = rough_world(seed);
        finish(&mut world);
        let [_, counters] = world.link_counters(LinkId::default());
        assert!(counters.dropped[&Cause::Loss] > 0 && counters.added > 0);
    }
}

#[test]
fn another_link_changes_nothing() {
    let mut alone = rough_world(1);
    finish(&mut alone);
    let mut beside = rough_world(1);
    transfer(&mut beside, 101, rough(), 50_000);
    finish(&mut beside);
    let of_first = |world: &World| {
        let frames = world.trace().frames().iter().filter(|passed| passed.port.node.index() < 2);
        frames.map(|passed| (passed.at, passed.port, passed.direction, passed.frame.clone())).collect::<Vec<_>>()
    };
    assert!(of_first(&alone) == of_first(&beside));
}

#[test]
fn a_tape_replays_a_world() {
    let mut world = rough_world(1);
    world.record_draws();
    finish(&mut world);
    assert!(!world.tape().is_empty());
    let replay = |tape: Tape| {
        let mut world = World::replay(Seed([1; 32]), tape);
        transfer(&mut world, 100, rough(), 200_000);
        finish(&mut world);
        world
    };
    let replayed = replay(world.tape().clone());
    assert_eq!(replayed.trace(), world.trace());
    assert_eq!(replayed.hash(), world.hash());
    let calm = replay(Tape::new());
    let chance = [Cause::Loss];
    for counters in calm.link_counters(LinkId::default()) {
        assert!(counters.added == 0 && chance.iter().all(|cause| !counters.dropped.contains_key(cause)));
    }
}

#[test]
fn both_branches_of_a_clone_go_on_alike() {
    let mut world = rough_world(2);
    for millis in [5, 40, 100] {
        assert_eq!(world.run_until(Instant::from_millis(millis)), Ended::TimeLimit);
        let mut branch = world.clone();
        finish(&mut branch);
        let mut other = world.clone();
        finish(&mut other);
        assert_eq!(branch.trace(), other.trace());
    }
}

/// The second SYN-ACK is lost too: the third opens the connection.
#[test]
fn traces_and_captures_say_what_the_link_did() {
    let rule = Loss::Matching { pattern: Pattern::SynAck, ordinals: vec![1, 2] };
    let there = vec![Stage::Loss(rule), Stage::Delay(Delay::constant(millis(5)))];
    let back = vec![Stage::Delay(Delay::constant(millis(5))), Stage::Duplicate { ppm: 1_000_000 }];
    let mut world = World::new(Seed([1; 32]));
    transfer(&mut world, 100, Link { a_to_b: there, b_to_a: back }, 1);
    finish(&mut world);
    let lost = |line: &&str| line.contains("dropped at") && line.contains("SYN-ACK to be lost");
    let lines = world.trace().lines();
    assert_eq!(lines.lines().filter(lost).count(), 2);
    assert!(lines.lines().filter(lost).all(|line| line.contains("server > ") && line.contains("tcp S.")));
    assert!(
        lines.lines().any(|line| line.contains("server < ") && line.ends_with("# link: 5ms on the way, a duplicate"))
    );

    let mut file = Vec::new();
    world.trace().write_capture(&mut file).unwrap();
    let captured = read_frames(&file[..]).unwrap().frames;
    let told = captured
        .iter()
        .filter(|frame| frame.comment.as_deref().is_some_and(|text| text.contains("SYN-ACK to be lost")));
    assert!(told.clone().all(|frame| frame.direction == Some(Direction::Outbound)));
    assert_eq!(told.count(), 2);
}

#[test]
fn a_partition_and_its_end() {
    let mut world = World::new(Seed([1; 32]));
    let link = transfer(&mut world, 100, Link::constant(millis(5)), 100_000);
    assert_eq!(world.run_until(Instant::from_millis(27)), Ended::TimeLimit);
    for partition in [Partition::AToB, Partition::BToA, Partition::Both] {
        world.partition(link, partition);
        let [before_ab, before_ba] = world.link_counters(link).map(Counters::dropped_total);
        assert_eq!(world.run_until(world.now() + Duration::from_secs(3)), Ended::TimeLimit);
        let [ab, ba] = world.link_counters(link).map(Counters::dropped_total);
        // The client sends again and again, and the server answers what arrives.
        assert!(ba > before_ba || partition == Partition::AToB, "{partition:?}");
        assert!(ab > before_ab || partition != Partition::AToB, "{partition:?}");
        let uncut = [partition == Partition::BToA && ab > before_ab, partition == Partition::AToB && ba > before_ba];
        assert_eq!(uncut, [false, false], "{partition:?}");
    }
    world.partition(link, Partition::None);
    finish(&mut world);
    let drops = world.trace().frames().iter().flat_map(|passed| &passed.fates);
    assert!(
        drops.filter(|fate| matches!(fate.end, End::Dropped(_))).all(|fate| fate.end == End::Dropped(Cause::Partition))
    );
}

/// Every preset carries a transfer, at no more than its rate and no less than its delay.
#[rstest]
#[case::lan(Link::lan(), 1_000_000)]
#[case::wifi(Link::wifi(), 1_000_000)]
#[case::lte(Link::lte(), 400_000)]
#[case::satellite(Link::satellite(), 200_000)]
#[case::dialup(Link::dialup(), 20_000)]
fn presets_carry_a_transfer(#[case] link: Link, #[case] len: usize) {
    let mut world = World::new(Seed([1; 32]));
    let id = transfer(&mut world, 100, link, len);
    finish(&mut world);
    let [down, up] = world.link_counters(id);
    assert!(up.delivered > (len / 1460) as u64 && down.delivered > 0);
}

/// Damage that checksums notice costs time and nothing else.
#[test]
fn tcp_gets_through_corruption() {
    let stages = vec![
        Stage::Corrupt(Corrupt::BreakChecksum { ppm: 30_000 }),
        Stage::Corrupt(Corrupt::Truncate { ppm: 10_000 }),
        Stage::Delay(Delay::constant(millis(2))),
    ];
    let mut world = World::new(Seed([1; 32]));
    let id = transfer(&mut world, 100, Link::symmetric(stages), 300_000);
    finish(&mut world);
    assert!(world.link_counters(id)[1].corrupted > 0);
}
