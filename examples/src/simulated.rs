//! A server and four clients of [`http`](crate::http) in a simulation, on a link that loses one frame in fifty.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use bytes::Bytes;
use tickwire_sim::asynchronous::{HostHandle, Timer};
use tickwire_sim::link::{Delay, Loss, Stage};
use tickwire_sim::{Host, HostId, InterfaceAddress, Link, Seed, Simulation, World};

use crate::http::{Client, Result, router, serve};

/// Where the server is.
pub const SERVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 80);

/// Two hosts, 10 ms and 2 % of the frames apart, without programs: the server's and the client's.
///
/// # Errors
///
/// None, as long as the addresses are valid.
pub fn hosts(seed: Seed) -> Result<(Simulation, HostId, HostId)> {
    let mut world = World::new(seed);
    let address = |last| InterfaceAddress::v4(Ipv4Addr::new(192, 0, 2, last), 24);
    let server = world.add_host(Host::new("server", 1, &[address(1)]))?;
    let client = world.add_host(Host::new("client", 2, &[address(2)]))?;
    let delay = Stage::Delay(Delay::constant(Duration::from_millis(10)));
    world.connect(server, client, Link::symmetric(vec![Stage::Loss(Loss::Bernoulli { ppm: 20_000 }), delay]));
    Ok((Simulation::new(world).without_tokio_time(), server, client))
}

/// The server and its clients, about to begin.
///
/// # Errors
///
/// As [`hosts`].
pub fn simulation(seed: Seed) -> Result<Simulation> {
    let (mut sim, server, client) = hosts(seed)?;
    sim.start(server, async |host| Ok(serve(host, SERVER, router(), Timer).await?));
    for _ in 0..4 {
        sim.start(client, ask);
    }
    Ok(sim)
}

/// Asks for everything that there is, on one connection.
async fn ask(host: HostHandle) -> Result<()> {
    let mut client = Client::connect(&host, SERVER).await?;
    let hello = client.request(Method::GET, "/", Bytes::new()).await?;
    assert_eq!(hello, (StatusCode::OK, Bytes::from_static(b"hello\n")));
    let (status, numbers) = client.request(Method::GET, "/numbers/20000", Bytes::new()).await?;
    assert_eq!((status, numbers.len()), (StatusCode::OK, 108_890));
    let (status, reversed) = client.request(Method::POST, "/reverse", numbers.clone()).await?;
    assert_eq!(status, StatusCode::OK);
    assert!(reversed.iter().eq(numbers.iter().rev()));
    let (status, _) = client.request(Method::GET, "/nothing", Bytes::new()).await?;
    assert_eq!(status, StatusCode::NOT_FOUND);
    Ok(())
}
