//! What asynchronous programs cost, in wall time. Nothing is judged: there is no bar.
//!
//! `cargo bench -p tickwire-sim --bench asynchronous`
//!
//! | case | what is measured |
//! |---|---|
//! | `bulk` | a transfer between two programs, in frames per second, each counted where it leaves |
//! | `echo` | round trips of one byte |
//! | `tick` | a host that waits for the network is entered at each millisecond for tokio's timers |

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant as WallClock};

use tickwire_sim::asynchronous::net::{TcpListener, TcpStream};
use tickwire_sim::{Ended, Host, HostId, Instant, InterfaceAddress, Link, Seed, Simulation, World};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// What is transferred in `bulk`, in bytes.
const BULK: usize = 256 << 20;
/// Round trips in `echo`.
const ROUND_TRIPS: usize = 100_000;
/// Milliseconds in `tick`.
const TICKS: u64 = 500_000;

const SERVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 7);

fn main() {
    bulk();
    echo();
    tick();
}

fn pair() -> (Simulation, [HostId; 2]) {
    let mut world = World::new(Seed([1; 32]));
    world.keep_trace(false);
    let address = |last| InterfaceAddress::v4(Ipv4Addr::new(192, 0, 2, last), 24);
    let server = world.add_host(Host::new("server", 1, &[address(1)])).expect("a valid host");
    let client = world.add_host(Host::new("client", 2, &[address(2)])).expect("a valid host");
    world.connect(server, client, Link::constant(Duration::from_micros(50)));
    (Simulation::new(world), [server, client])
}

/// Runs to the end; returns how long it took.
fn run(sim: &mut Simulation) -> Duration {
    let began = WallClock::now();
    assert_eq!(sim.run_until(Instant::from_millis(86_400_000)), Ended::Quiescent);
    assert_eq!(sim.failures(), []);
    began.elapsed()
}

fn bulk() {
    let (sim, [server, client]) = pair();
    let mut sim = sim.without_tokio_time();
    sim.start(server, async |host| {
        let (mut stream, _) = TcpListener::bind(&host, SERVER)?.accept().await?;
        let (mut buf, mut received) = (vec![0; 1 << 16], 0);
        while received < BULK {
            received += stream.read(&mut buf).await?;
        }
        Ok(())
    });
    sim.start(client, async |host| {
        let mut stream = TcpStream::connect(&host, SERVER).await?;
        let piece = vec![7; 1 << 16];
        for _ in 0..BULK / piece.len() {
            stream.write_all(&piece).await?;
        }
        Ok(())
    });
    let took = run(&mut sim);
    let frames = u128::from(sim.world().trace().count() / 2);
    let per_second = frames * 1_000_000_000 / took.as_nanos();
    println!("bulk  {frames} frames in {took:.2?}: {per_second} frames/s, {} ns each", took.as_nanos() / frames);
}

fn echo() {
    let (sim, [server, client]) = pair();
    let mut sim = sim.without_tokio_time();
    sim.start(server, async |host| {
        let (mut stream, _) = TcpListener::bind(&host, SERVER)?.accept().await?;
        for _ in 0..ROUND_TRIPS {
            let byte = stream.read_u8().await?;
            stream.write_u8(byte).await?;
        }
        Ok(())
    });
    sim.start(client, async |host| {
        let mut stream = TcpStream::connect(&host, SERVER).await?;
        for _ in 0..ROUND_TRIPS {
            stream.write_u8(7).await?;
            stream.read_u8().await?;
        }
        Ok(())
    });
    let took = run(&mut sim);
    println!("echo  {ROUND_TRIPS} round trips in {took:.2?}: {} ns each", took.as_nanos() / ROUND_TRIPS as u128);
}

fn tick() {
    let (mut sim, [server, _]) = pair();
    sim.start(server, async |host| {
        TcpListener::bind(&host, SERVER)?.accept().await?;
        Ok(())
    });
    let began = WallClock::now();
    assert_eq!(sim.run_until(Instant::from_millis(TICKS)), Ended::TimeLimit);
    let took = began.elapsed();
    println!("tick  {TICKS} in {took:.2?}: {} ns each", took.as_nanos() / u128::from(TICKS));
}
