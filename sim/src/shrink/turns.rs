//! Steps that change something, and leave nothing out: they are only good if they save frames.

use std::time::Duration;

use super::amounts;
use crate::link::{Delay, Link, Queue, Rate, Room, Stage};
use crate::scenario::{HostSpec, Scenario, Setting};

/// Delays of all links: shorter and longer than an RTO, which is 1 s at first, and 200 ms at least.
pub(super) const DELAYS: [Duration; 3] =
    [Duration::from_millis(10), Duration::from_millis(300), Duration::from_millis(1_200)];
/// The rate of all links: a full frame in about a millisecond.
const PACE_BPS: u64 = 10_000_000;
/// Buffers of connections, which decide how much is on its way.
const BUFFERS: [&str; 2] = ["tcp.socket.send_buffer", "tcp.socket.receive_buffer"];
/// Sizes of them that are tried in any case, the smallest first.
const SIZES: [u64; 3] = [2 << 10, 6 << 10, 16 << 10];
/// Other options that may save frames.
const OPTIONS: [(&str, &str); 5] = [
    ("tcp.sack", "false"),
    ("tcp.timestamps", "false"),
    ("tcp.ack_delay_ms", "0"),
    ("tcp.socket.no_delay", "true"),
    ("tcp.challenge_acks_per_second", "1"),
];

/// All of them.
pub(super) fn steps(scenario: &Scenario) -> impl Iterator<Item = Scenario> + '_ {
    let paced = DELAYS.into_iter().map(|delay| paced(scenario, delay));
    let buffers = amounts::of(scenario, |other| &mut other.host, buffers);
    let options = amounts::of(scenario, |other| &mut other.host, options);
    let scaled = [2, 8].into_iter().map(|parts| scaled(scenario, parts));
    paced.chain(scaled).chain([cramped(scenario)]).chain(buffers).chain(options)
}

/// Frames that follow each other on all links, and a delay, beside what loses and changes frames.
pub(super) fn paced(scenario: &Scenario, delay: Duration) -> Scenario {
    let mut other = scenario.clone();
    for Link { a_to_b, b_to_a } in other.link.iter_mut().map(|link| &mut link.path) {
        for stages in [a_to_b, b_to_a] {
            stages.retain(|stage| !matches!(stage, Stage::Delay(_) | Stage::Rate(_)));
            stages.push(Stage::Rate(Rate::new(PACE_BPS, Room::Frames(100), Queue::TailDrop)));
            stages.push(Stage::Delay(Delay::constant(delay)));
        }
    }
    other
}

/// The same with a part of the bytes, at a part of the rates and with a part of the room: what waits waits as long.
fn scaled(scenario: &Scenario, parts: u32) -> Scenario {
    let mut other = scenario.clone();
    for flow in &mut other.flow {
        flow.request = (flow.request / u64::from(parts)).max(8);
        flow.response /= u64::from(parts);
    }
    for adversary in &mut other.adversary {
        adversary.count = (adversary.count / parts).max(1);
        adversary.every = adversary.every.map(|every| every * parts);
    }
    for rate in rates(&mut other) {
        rate.bps = (rate.bps / u64::from(parts)).max(1);
        rate.room = part(rate.room, parts);
    }
    other
}

/// The same with no more text than that, each way.
pub(super) fn brief(scenario: &Scenario, bytes: u64) -> Scenario {
    let mut other = scenario.clone();
    for flow in &mut other.flow {
        flow.request = flow.request.min(bytes);
        flow.response = flow.response.min(bytes);
    }
    other
}

/// All queues with half the room.
fn cramped(scenario: &Scenario) -> Scenario {
    let mut other = scenario.clone();
    rates(&mut other).for_each(|rate| rate.room = part(rate.room, 2));
    other
}

fn rates(scenario: &mut Scenario) -> impl Iterator<Item = &mut Rate> {
    let stages = scenario.link.iter_mut().flat_map(|link| link.path.a_to_b.iter_mut().chain(&mut link.path.b_to_a));
    stages.filter_map(|stage| if let Stage::Rate(rate) = stage { Some(rate) } else { None })
}

fn part(room: Room, parts: u32) -> Room {
    match room {
        Room::Frames(frames) => Room::Frames((frames / parts).max(1)),
        Room::Bytes(bytes) => Room::Bytes((bytes / u64::from(parts)).max(2_000)),
    }
}

/// A host with a smaller buffer: less is on its way until it is full.
fn buffers(host: &HostSpec) -> Vec<HostSpec> {
    let mut all = Vec::new();
    for name in BUFFERS {
        let set = host.options.get(name).and_then(|Setting(value)| value.parse().ok());
        let parts = set.into_iter().flat_map(|set: u64| [set / 2, set / 4 * 3]);
        let sizes = SIZES.into_iter().chain(parts);
        for size in sizes.filter(|size| set.is_none_or(|set| (SIZES[0]..set).contains(size))) {
            all.push(with_option(host, name, &size.to_string()));
        }
    }
    all
}

fn options(host: &HostSpec) -> Vec<HostSpec> {
    OPTIONS.iter().map(|(name, value)| with_option(host, name, value)).collect()
}

fn with_option(host: &HostSpec, name: &str, value: &str) -> HostSpec {
    let mut other = host.clone();
    other.options.insert(name.to_owned(), Setting(value.to_owned()));
    other
}
