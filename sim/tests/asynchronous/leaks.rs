//! What reaches past the simulation is found by the determinism check, which names the first frame that differs.
//! (The `Date` header of hyper, which takes it from the system's clock, is in the tests of the examples: those have hyper.)

use std::collections::HashSet;
use std::time::SystemTime;

use tickwire_sim::asynchronous::HostHandle;
use tickwire_sim::asynchronous::net::TcpStream;
use tickwire_sim::determinism;
use tokio::io::AsyncWriteExt as _;

use crate::{LIMIT, Outcome, Pair, SERVER, near, pair, serve};

/// Has a client send what `leak` says; returns the first frame that differs in two runs.
fn first_difference(leak: fn() -> Vec<u8>) -> [String; 2] {
    let make = || {
        let Pair { sim, server, client } = pair(near());
        let mut sim = sim.without_tokio_time();
        sim.start(server, serve);
        sim.start(client, move |host| send(host, leak));
        sim
    };
    let divergence = determinism::check(make, LIMIT).unwrap_err();
    assert!(!divergence.fleeting, "{divergence}");
    divergence.frames.expect("a frame differs")
}

async fn send(host: HostHandle, leak: fn() -> Vec<u8>) -> Outcome {
    let mut stream = TcpStream::connect(&host, SERVER).await?;
    stream.write_all(b"the same in every run").await?;
    stream.write_all(&leak()).await?;
    Ok(())
}

/// The frame in which the client sends what differs: its checksum is the first octet that does.
#[track_caller]
fn assert_named(frames: &[String; 2]) {
    for frame in frames {
        assert!(frame.contains(" client > 192.0.2.2:") && frame.contains(" tcp "), "{frame}");
    }
    assert_ne!(frames[0], frames[1]);
}

#[test]
fn the_system_s_clock_is_found() {
    let nanos = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos().to_le_bytes().to_vec();
    assert_named(&first_difference(nanos));
}

/// `RandomState` has keys of its own in each map.
#[test]
fn the_order_of_a_hash_map_is_found() {
    assert_named(&first_difference(|| (0..64).collect::<HashSet<u8>>().into_iter().collect()));
}

/// Both branches are ready; tokio draws which is first.
#[test]
fn a_select_that_is_not_biased_is_found() {
    let drawn = || {
        let mut drawn = Vec::new();
        for _ in 0..64 {
            let branch = async {
                tokio::select! { () = async {} => 0, () = async {} => 1 }
            };
            drawn.push(poll_ready(branch));
        }
        drawn
    };
    assert_named(&first_difference(drawn));
    let biased = || {
        vec![poll_ready(async {
            tokio::select! { biased; () = async {} => 0, () = async {} => 1 }
        })]
    };
    assert_eq!(biased(), [0]);
}

/// The output of a future that is ready at once.
fn poll_ready<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("both branches are ready"),
    }
}
