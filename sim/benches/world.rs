//! How fast a world runs, in frames per second of wall time. A frame is counted where it leaves, it is of at
//! most 1,514 bytes, ACKs are frames too; all wire oracles judge, `Config::checks` is on, nothing is kept.
//!
//! `cargo bench -p tickwire-sim --bench world -- [bulk | idle]... [--bar]`: all by default; with `--bar`
//! it fails where a bar is missed.
//!
//! | case | bar |
//! |---|---|
//! | `bulk`: a transfer between two hosts | at least 1,000,000 frames/s |
//! | `idle`: two hosts do nothing for a simulated day | under 1 s |

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::{Duration, Instant as WallClock};

use tickwire_sim::bytes::Bytes;
use tickwire_sim::{Ended, Host, HostId, Instant, InterfaceAddress, Link, Seed, Step, World};

/// What is transferred in `bulk`, in bytes.
const BULK: usize = 512 << 20;
/// The script's unit: what is sent is one buffer again and again.
const PIECE: usize = 4 << 20;

const LIMIT: Instant = Instant::from_millis(100 * 86_400_000);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let named: Vec<&str> = arguments.iter().map(String::as_str).filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |name| named.is_empty() || named.contains(&name);
    let mut met = true;
    if wanted("bulk") {
        met &= bulk();
    }
    if wanted("idle") {
        met &= idle();
    }
    let judged = arguments.iter().any(|argument| argument == "--bar");
    if judged && !met { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn pair() -> (World, [HostId; 2]) {
    let mut world = World::new(Seed([1; 32]));
    world.keep_trace(false);
    let address = |last| InterfaceAddress::v4(Ipv4Addr::new(192, 0, 2, last), 24);
    let server = world.add_host(Host::new("server", 1, &[address(1)])).expect("a valid host");
    let client = world.add_host(Host::new("client", 2, &[address(2)])).expect("a valid host");
    world.connect(server, client, Link::constant(Duration::from_micros(50)));
    (world, [server, client])
}

/// Each frame is counted once, where it leaves: on a link without loss half of all that pass.
fn bulk() -> bool {
    let (mut world, [server, client]) = pair();
    let at = (Ipv4Addr::new(192, 0, 2, 1), 80).into();
    let piece = Bytes::from(vec![7; PIECE]);
    let mut serve = vec![Step::Listen(at)];
    serve.extend((0..BULK / PIECE).map(|_| Step::Expect(piece.clone())));
    let mut ask = vec![Step::Connect(at)];
    ask.extend((0..BULK / PIECE).map(|_| Step::Send(piece.clone())));
    for script in [&mut serve, &mut ask] {
        script.push(Step::Close);
    }
    world.start(server, serve);
    world.start(client, ask);
    let took = run(&mut world);
    let frames = u128::from(world.trace().count() / 2);
    let per_second = frames * 1_000_000_000 / took.as_nanos();
    println!(
        "bulk  {frames} frames, {} events in {took:.2?}: {per_second} frames/s, {} ns each",
        world.events(),
        took.as_nanos() / frames
    );
    per_second >= 1_000_000
}

fn idle() -> bool {
    let (mut world, _) = pair();
    let began = WallClock::now();
    let _ = world.run_until(Instant::from_millis(86_400_000));
    let took = began.elapsed();
    println!("idle  a simulated day in {took:.2?}, {} events", world.events());
    took < Duration::from_secs(1)
}

fn run(world: &mut World) -> Duration {
    let began = WallClock::now();
    let ended = world.run_until(LIMIT);
    let took = began.elapsed();
    assert_eq!((ended, world.failures()), (Ended::Quiescent, Vec::new()));
    took
}
