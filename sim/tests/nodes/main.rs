//! Nodes that are no hosts, and networks of them with hosts, in a world.
//!
//! | module | what is held |
//! |---|---|
//! | `topology` | hosts of each builder reach each other over both families |
//! | `foreign` | streams between our stack and smoltcp |
//! | `nat` | connections and datagrams through a translator |

mod foreign;
mod nat;
mod topology;

use std::net::{IpAddr, SocketAddr};

use tickwire_sim::bytes::Bytes;
use tickwire_sim::{Ended, HostId, Instant, Step, World};

/// Longer than any run here takes, TIME-WAIT included.
const LIMIT: Instant = Instant::from_millis(3_600_000);

/// Bytes in which no stretch repeats early.
fn data(len: usize, salt: u32) -> Bytes {
    (0..len as u32).map(|at| ((at ^ salt).wrapping_mul(0x9e37_79b1) >> 24) as u8).collect()
}

/// Starts a transfer of `len` bytes each way. The connection is made to `at`, which leads to `local` of the
/// server.
fn transfer(world: &mut World, server: (HostId, SocketAddr), client: (HostId, SocketAddr), len: usize) {
    let ((server, local), (client, at)) = (server, client);
    let (up, down) = (data(len, 1), data(len, 2));
    let mut serve = vec![Step::Listen(local), Step::Send(down.clone()), Step::Expect(up.clone())];
    let mut ask = vec![Step::Connect(at), Step::Send(up), Step::Expect(down)];
    for steps in [&mut serve, &mut ask] {
        steps.extend([Step::Shutdown, Step::ExpectEnd, Step::Close]);
    }
    world.start(server, serve);
    world.start(client, ask);
}

fn socket(address: impl Into<IpAddr>, port: u16) -> SocketAddr {
    SocketAddr::new(address.into(), port)
}

fn run(world: &mut World) {
    assert_eq!(world.run_until(LIMIT), Ended::Quiescent);
    assert_eq!(world.failures(), [], "\n{}", tail(world));
}

/// The end of the trace, for a failed run.
fn tail(world: &World) -> String {
    let lines = world.trace().lines();
    let from = lines.lines().count().saturating_sub(40);
    lines.lines().skip(from).collect::<Vec<_>>().join("\n")
}
