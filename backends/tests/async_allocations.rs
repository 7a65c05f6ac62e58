//! Asynchronous reads and writes do not allocate once they are warm, those that wait included: counted by the
//! allocator itself.
#![cfg(all(target_os = "linux", feature = "tokio"))]

#[path = "../../core/tests/counting/mod.rs"]
mod counting;
mod support;

use counting::allocations;
use support::{Hosts, ip4};
use tickwire_backends::async_net::{TcpListener, TcpStream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[test]
fn warm_round_trips_do_not_allocate() {
    let hosts = Hosts::start();
    let tokio = tokio::runtime::Builder::new_current_thread().build().expect("no threads");
    tokio.block_on(async {
        let listener = TcpListener::bind(&hosts.east(), (ip4(2), 7)).expect("a free port");
        let mut client = TcpStream::connect(&hosts.west(), (ip4(2), 7)).await.expect("it listens");
        let (mut server, _) = listener.accept().await.expect("it connected");
        tokio::spawn(async move {
            let mut buf = [0; 1000];
            while server.read_exact(&mut buf).await.is_ok() {
                server.write_all(&buf).await.expect("connected");
            }
        });
        let mut buf = [7; 1000];
        let mut round_trips = async |count: u32| {
            for _ in 0..count {
                client.write_all(&buf).await.expect("connected");
                client.read_exact(&mut buf).await.expect("echoed");
            }
            allocations()
        };
        let before = round_trips(5000).await;
        let after = round_trips(5000).await;
        assert_eq!(after - before, 0, "allocations");
    });
    hosts.shutdown();
}
