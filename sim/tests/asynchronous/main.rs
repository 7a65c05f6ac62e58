//! Hosts that run asynchronous programs.
//!
//! | module | what is held |
//! |---|---|
//! | `programs` | programs meet the network, scripts and each other; they end, fail and panic |
//! | `time` | what waits goes on at its nanosecond, tokio's own timers at whole milliseconds |
//! | `crash` | a crash ends every task, and the next life knows none of them |
//! | `snapshot` | a snapshot goes on as the simulation does that it was taken of |
//! | `leaks` | what reaches past the simulation is found by the determinism check |

mod crash;
mod leaks;
mod programs;
mod snapshot;
mod time;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tickwire_sim::asynchronous::HostHandle;
use tickwire_sim::asynchronous::net::{TcpListener, TcpStream};
use tickwire_sim::{Host, HostId, Instant, InterfaceAddress, Link, Seed, Simulation, World};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};

/// What a program returns.
type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Longer than any run here takes.
const LIMIT: Instant = seconds(600);

const SERVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 7);

const fn seconds(seconds: u64) -> Instant {
    Instant::from_millis(seconds * 1000)
}

/// A server at .1 and a client at .2, 5 ms apart.
struct Pair {
    sim: Simulation,
    server: HostId,
    client: HostId,
}

fn pair(link: Link) -> Pair {
    let mut world = World::new(Seed([7; 32]));
    let mut host = |name, station: u8| {
        let address = InterfaceAddress::v4(Ipv4Addr::new(192, 0, 2, station), 24);
        world.add_host(Host::new(name, station.into(), &[address])).unwrap()
    };
    let (server, client) = (host("server", 1), host("client", 2));
    world.connect(server, client, link);
    Pair { sim: Simulation::new(world), server, client }
}

fn near() -> Link {
    Link::constant(Duration::from_millis(5))
}

/// Sends back what arrives on each connection.
async fn serve(host: HostHandle) -> Outcome {
    let listener = TcpListener::bind(&host, SERVER)?;
    loop {
        let (mut stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let (mut reading, mut writing) = stream.split();
            copy(&mut reading, &mut writing).await?;
            writing.shutdown().await
        });
    }
}

/// Sends `data` to the server; it must come back.
async fn ask(host: HostHandle, data: Vec<u8>) -> Outcome {
    let (mut reading, mut writing) = TcpStream::connect(&host, SERVER).await?.into_split();
    let mut answer = Vec::new();
    let asking = async {
        writing.write_all(&data).await?;
        writing.shutdown().await
    };
    tokio::try_join!(asking, reading.read_to_end(&mut answer))?;
    assert_eq!(answer, data);
    Ok(())
}
