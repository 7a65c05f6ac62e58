//! How fast a world runs. A frame is counted where it leaves, it is of at most 1,514 bytes, ACKs are frames too; all
//! wire oracles judge, `Config::checks` is on, each byte is verified where it arrives, nothing is kept.
//!
//! `cargo bench -p tickwire-sim --bench world -- [bulk | connections | star | idle]... [--bar]`: all by default;
//! with `--bar` it fails where a bar is missed.
//!
//! | case | bar |
//! |---|---|
//! | `bulk`: a transfer between two hosts | at least 1,000,000 frames/s |
//! | `connections`: connect, request, response, close, over 16 ports of a server | at least 100,000/s, and no TIME-WAIT left |
//! | `star`: 1,000 hosts, each with a flow to one server | completes; an event after the handshakes costs at most 3 times that of two hosts |
//! | `idle`: two hosts with an idle connection for a simulated day | under 1 s |

use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::time::{Duration, Instant as WallClock};

use tickwire_sim::workload::{ClientPlan, ServerPlan, Talk};
use tickwire_sim::{ApplicationId, Ended, HostId, Instant, Link, Program, Seed, World, topology};

/// What is transferred in `bulk`, in bytes.
const BULK: u64 = 512 << 20;
/// Ports of the server in `connections`, connections to each, and how many of these at once.
const PORTS: u16 = 16;
const CONNECTIONS: u64 = 12_500;
const PARALLEL: u32 = 8;
/// Hosts in `star` beside the server, and what each sends, in bytes.
const CLIENTS: u16 = 1_000;
const EACH: u64 = 1 << 20;

/// They connect one after the other, so long apart; all have connected by then.
const APART: Duration = Duration::from_micros(20);
const HANDSHAKES: Instant = Instant::from_millis(25);
const LIMIT: Instant = Instant::from_millis(100 * 86_400_000);
const KEY: u64 = 7;

/// Runs and prints; whether its bar was met.
type Case = fn() -> bool;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let named: Vec<&str> = arguments.iter().map(String::as_str).filter(|argument| !argument.starts_with('-')).collect();
    let cases: [(&str, Case); 4] = [("bulk", bulk), ("connections", connections), ("star", star), ("idle", idle)];
    let mut met = true;
    for (name, case) in cases {
        if named.is_empty() || named.contains(&name) {
            met &= case();
        }
    }
    let judged = arguments.iter().any(|argument| argument == "--bar");
    if judged && !met { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn world() -> World {
    let mut world = World::new(Seed([1; 32]));
    world.keep_trace(false);
    world
}

fn lan() -> Link {
    Link::constant(Duration::from_micros(50))
}

/// A client and a server on a link: hosts 2 and 1 of network 0.
fn pair() -> (World, HostId, HostId) {
    let mut world = world();
    let pair = topology::pair(&mut world, lan()).expect("valid hosts");
    (world, pair.b, pair.a)
}

fn server(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(topology::v4(0, 1)), port)
}

/// A client that opens connections to a port, one after the other.
fn client(port: u16, talk: Talk, connections: u64) -> ClientPlan {
    ClientPlan {
        remote: server(port),
        talk,
        connections,
        parallel: 1,
        delay: Duration::ZERO,
        local_port: None,
        key: KEY,
    }
}

fn ask(world: &mut World, host: HostId, plan: ClientPlan) -> ApplicationId {
    world.start(host, Program::Client(plan))
}

fn serve(world: &mut World, host: HostId, port: u16, talk: Talk) {
    world.start(host, Program::Server(ServerPlan { local: server(port), talk, key: KEY }));
}

/// Each frame is counted once, where it leaves: on a link without loss half of all that pass.
fn bulk() -> bool {
    let (mut world, host, serving) = pair();
    let talk = Talk { request: BULK, ..Talk::default() };
    serve(&mut world, serving, 80, talk);
    let asking = ask(&mut world, host, client(80, talk, 1));
    let took = until_quiescent(&mut world);
    completed(&world, asking, 1);
    let frames = u128::from(world.trace().count() / 2);
    let per_second = frames * 1_000_000_000 / took.as_nanos();
    println!(
        "bulk         {frames} frames, {} events in {took:.2?}: {per_second} frames/s, {} ns each",
        world.events(),
        took.as_nanos() / frames
    );
    per_second >= 1_000_000
}

fn connections() -> bool {
    let (mut world, host, serving) = pair();
    let talk = Talk { request: 64, response: 512, ..Talk::default() };
    let ports = 80..80 + PORTS;
    for port in ports.clone() {
        serve(&mut world, serving, port, talk);
    }
    let asking: Vec<_> = ports
        .map(|port| ask(&mut world, host, ClientPlan { parallel: PARALLEL, ..client(port, talk, CONNECTIONS) }))
        .collect();
    let took = until_quiescent(&mut world);
    for asking in asking {
        completed(&world, asking, CONNECTIONS);
    }
    let all = u128::from(CONNECTIONS) * u128::from(PORTS);
    let per_second = all * 1_000_000_000 / took.as_nanos();
    let left = [host, serving].map(|host| world.stack(host).tcp_sockets().count());
    println!(
        "connections  {all} connections, {} frames in {took:.2?}: {per_second} connections/s, {} ns each; {} sockets left",
        world.trace().count() / 2,
        took.as_nanos() / all,
        left[0] + left[1]
    );
    per_second >= 100_000 && left == [0, 0]
}

/// What an event costs after the handshakes of so many clients, in nanoseconds; all transfer the same together.
fn event_of_star(clients: u16) -> u128 {
    let talk = Talk { request: EACH * u64::from(CLIENTS / clients), ..Talk::default() };
    let mut world = world();
    let star = topology::star(&mut world, clients, &lan()).expect("valid hosts");
    serve(&mut world, star.server, 80, talk);
    let mut delay = Duration::ZERO;
    let mut asking = Vec::new();
    for host in &star.clients {
        asking.push(ask(&mut world, *host, ClientPlan { delay, ..client(80, talk, 1) }));
        delay += APART;
    }
    let _ = world.run_until(HANDSHAKES);
    let before = (world.events(), world.trace().count());
    let took = until_quiescent(&mut world).as_nanos();
    for asking in asking {
        completed(&world, asking, 1);
    }
    let events = u128::from(world.events() - before.0);
    let frames = u128::from((world.trace().count() - before.1) / 2);
    println!(
        "star         {clients} clients: after the handshakes {events} events, {} ns each, {frames} frames, {} ns each",
        took / events,
        took / frames
    );
    took / events
}

fn star() -> bool {
    let (one, many) = (event_of_star(1), event_of_star(CLIENTS));
    println!("star         {}.{:02} times as much for each event", many / one, many * 100 / one % 100);
    many <= one * 3
}

fn idle() -> bool {
    let (mut world, host, serving) = pair();
    let talk = Talk { rounds: 2, pause: Duration::from_hours(24), ..Talk::default() };
    serve(&mut world, serving, 80, talk);
    let asking = ask(&mut world, host, client(80, talk, 1));
    let took = until_quiescent(&mut world);
    completed(&world, asking, 1);
    println!("idle         a simulated day with an idle connection in {took:.2?}, {} events", world.events());
    took < Duration::from_secs(1)
}

/// Runs until nothing is left to happen.
fn until_quiescent(world: &mut World) -> Duration {
    let began = WallClock::now();
    let ended = world.run_until(LIMIT);
    let took = began.elapsed();
    assert_eq!((ended, world.failures()), (Ended::Quiescent, Vec::new()));
    took
}

fn completed(world: &World, asking: ApplicationId, connections: u64) {
    let ledger = world.ledger(asking).expect("a workload");
    assert_eq!((ledger.completed, ledger.lost), (connections, 0), "{:?}", ledger.losses);
}
