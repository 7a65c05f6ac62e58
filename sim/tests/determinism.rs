//! Two runs of one thing are the same, and where they are not, it is found.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tickwire_sim::bytes::Bytes;
use tickwire_sim::{Ended, Host, Instant, InterfaceAddress, Link, Seed, Step, World, determinism};

const LIMIT: Instant = Instant::from_millis(3_600_000);

/// A client that sends `text`, and a server that expects as much.
fn transfer(seed: u8, text: &Bytes) -> World {
    let mut world = World::new(Seed([seed; 32]));
    let address = |last| InterfaceAddress::v4(Ipv4Addr::new(192, 0, 2, last), 24);
    let server = world.add_host(Host::new("server", 1, &[address(1)])).unwrap();
    let client = world.add_host(Host::new("client", 2, &[address(2)])).unwrap();
    world.connect(server, client, Link::constant(Duration::from_millis(5)));
    let at: SocketAddr = "192.0.2.1:7".parse().unwrap();
    world.start(server, vec![Step::Listen(at), Step::Expect(text.clone()), Step::ExpectEnd, Step::Close]);
    world
        .start(client, vec![Step::Connect(at), Step::Send(text.clone()), Step::Shutdown, Step::ExpectEnd, Step::Close]);
    world
}

fn text(len: usize) -> Bytes {
    (0..len).map(|at| (at * 7 % 251) as u8).collect()
}

#[test]
fn what_is_deterministic_passes() {
    let text = text(1 << 20);
    let hash = determinism::check(|| transfer(1, &text), LIMIT).unwrap();
    let mut world = transfer(1, &text);
    assert_eq!(world.run_until(LIMIT), Ended::Quiescent);
    assert_eq!(world.hash(), hash);
    assert_ne!(determinism::check(|| transfer(2, &text), LIMIT), Ok(hash));
}

/// The second run sends one other byte, as from a hash map whose order differs. Byte 100,000 is in the 69th
/// segment of 1,448 bytes (RFC 7323 options included).
#[test]
fn a_planted_difference_is_named() {
    let mut runs = 0;
    let divergence = determinism::check(
        || {
            runs += 1;
            let mut bytes = text(1 << 20).to_vec();
            bytes[100_000] ^= u8::from(runs % 2 == 0);
            transfer(1, &Bytes::from(bytes))
        },
        LIMIT,
    )
    .unwrap_err();
    assert!(!divergence.fleeting);
    let [first, second] = divergence.frames.clone().unwrap();
    assert_eq!(runs, 4);
    assert_ne!(first, second);
    let (_, range) = first.split_once(" tcp ").unwrap();
    let (begin, end) = range.split_whitespace().find_map(|word| word.split_once(':')).unwrap();
    let end = end.split('(').next().unwrap();
    let (begin, end): (u32, u32) = (begin.parse().unwrap(), end.parse().unwrap());
    assert!((begin..end).contains(&100_001), "{first}");
}

/// It differs once, and never again: nobody can say where, but it is told.
#[test]
fn a_fleeting_difference_is_told() {
    let mut runs = 0;
    let divergence = determinism::check(
        || {
            runs += 1;
            transfer(if runs == 2 { 2 } else { 1 }, &text(1000))
        },
        LIMIT,
    )
    .unwrap_err();
    assert!(divergence.fleeting);
    assert_eq!(divergence.frames, None);
}
