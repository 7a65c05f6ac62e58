//! Once they are warm, the wire oracles allocate nothing per frame. Counted by the allocator itself.

#[path = "../../core/tests/counting/mod.rs"]
mod counting;

use std::net::Ipv4Addr;
use std::time::Duration;

use counting::allocations;
use tickwire_core::config::Medium;
use tickwire_sim::bytes::Bytes;
use tickwire_sim::oracle::{Settings, Sighting, WireOracles};
use tickwire_sim::{Ended, Host, Instant, InterfaceAddress, Link, Passed, Seed, Step, World};

#[test]
fn a_bulk_transfer_is_judged_without_allocating() {
    let mut world = World::new(Seed([1; 32]));
    let address = |last| InterfaceAddress::v4(Ipv4Addr::new(192, 0, 2, last), 24);
    let server = world.add_host(Host::new("server", 1, &[address(1)])).unwrap();
    let client = world.add_host(Host::new("client", 2, &[address(2)])).unwrap();
    world.connect(server, client, Link::constant(Duration::from_millis(1)));
    let at = (Ipv4Addr::new(192, 0, 2, 1), 80).into();
    let data = Bytes::from(vec![7; 8 << 20]);
    world.start(server, vec![Step::Listen(at), Step::Expect(data.clone()), Step::Close]);
    world.start(client, vec![Step::Connect(at), Step::Send(data), Step::Close]);
    assert_eq!(world.run_until(Instant::from_millis(600_000)), Ended::Quiescent);
    let mut taps = [WireOracles::new(Settings::default()), WireOracles::new(Settings::default())];
    let frames = world.trace().frames();
    let warm = frames.len() / 4;
    let mut before = 0;
    for (number, passed) in (0..).zip(frames) {
        if number == warm as u64 {
            before = allocations();
        }
        let Passed { at, port, direction, frame, .. } = passed;
        let sighting = Sighting { number, at: *at, medium: Medium::Ethernet, direction: *direction, frame };
        taps[port.node.index()].observe(sighting);
    }
    assert_eq!(allocations() - before, 0);
    assert!(taps.iter().all(|tap| tap.verdicts().is_empty()));
}
