//! What all wire oracles cost per frame: both taps of a bulk transfer between two hosts, recorded first and
//! then judged again and again. A frame is seen twice, where it leaves and where it arrives.
//!
//! `cargo bench -p tickwire-sim --bench wire_oracles -- [--bar]`; with `--bar` it fails above 100 ns.

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::{Duration, Instant as WallClock};

use tickwire_core::config::Medium;
use tickwire_sim::bytes::Bytes;
use tickwire_sim::oracle::{Oracle, Settings, Sighting, Switches, WireOracles};
use tickwire_sim::{Direction, Ended, Host, Instant, InterfaceAddress, Link, Passed, Seed, Step, World};

/// What is transferred, in bytes: so little that the frames stay in the cache, as those of a simulation are
/// when they have just been made.
const BULK: usize = 2 << 20;
/// The median of so many runs counts.
const RUNS: usize = 1001;
/// Per frame, seen at both taps, in nanoseconds: a tenth of what a simulation of 1,000,000 frames/s has.
const BAR_NS: u128 = 100;

fn main() -> ExitCode {
    let frames = bulk();
    let inbound = frames.iter().filter(|passed| passed.direction == Direction::Inbound).count() as u128;
    println!(
        "wire_oracles: {} MiB one way, {inbound} frames, each seen at two taps, median of {RUNS} runs",
        BULK >> 20
    );
    let mut checksums_off = Switches::ALL;
    checksums_off.set(Oracle::Checksums, false);
    let cases = [
        ("all oracles", Switches::ALL),
        ("all but checksums", checksums_off),
        ("none, the model alone", Switches::NONE),
    ];
    let mut met = true;
    for (name, switches) in cases {
        let per_frame_tenths = median_ns(&frames, switches) * 10 / inbound;
        println!("{name:<24}{:>6}.{} ns per frame", per_frame_tenths / 10, per_frame_tenths % 10);
        met &= switches != Switches::ALL || per_frame_tenths <= BAR_NS * 10;
    }
    let judged = std::env::args().any(|argument| argument == "--bar");
    if judged && !met { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The frames of a transfer.
fn bulk() -> Vec<Passed> {
    let mut world = World::new(Seed([1; 32]));
    let address = |last| InterfaceAddress::v4(Ipv4Addr::new(192, 0, 2, last), 24);
    let server = world.add_host(Host::new("server", 1, &[address(1)])).expect("a valid host");
    let client = world.add_host(Host::new("client", 2, &[address(2)])).expect("a valid host");
    world.connect(server, client, Link::constant(Duration::from_micros(50)));
    let at = (Ipv4Addr::new(192, 0, 2, 1), 80).into();
    let data = Bytes::from(vec![7; BULK]);
    world.start(server, vec![Step::Listen(at), Step::Expect(data.clone()), Step::Close]);
    world.start(client, vec![Step::Connect(at), Step::Send(data), Step::Close]);
    let ended = world.run_until(Instant::from_millis(3_600_000));
    assert_eq!((ended, world.failures()), (Ended::Quiescent, Vec::new()));
    world.trace().frames().to_vec()
}

fn median_ns(frames: &[Passed], switches: Switches) -> u128 {
    let mut runs: Vec<u128> = (0..RUNS).map(|_| judge(frames, switches)).collect();
    runs.sort_unstable();
    runs[RUNS / 2]
}

/// How long all frames take, in nanoseconds.
fn judge(frames: &[Passed], switches: Switches) -> u128 {
    let settings = Settings { switches, ..Settings::default() };
    let mut taps = [WireOracles::new(settings), WireOracles::new(settings)];
    let began = WallClock::now();
    for (number, passed) in (0..).zip(frames) {
        let Passed { at, port, direction, frame, .. } = passed;
        let sighting = Sighting { number, at: *at, medium: Medium::Ethernet, direction: *direction, frame };
        taps[port.node.index()].observe(sighting);
    }
    let took = began.elapsed().as_nanos();
    assert!(taps.iter().all(|tap| tap.verdicts().is_empty()));
    took
}
