//! Once they are warm, the wire oracles allocate nothing per frame. Counted by the allocator itself.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::Ipv4Addr;
use std::time::Duration;

use tickwire_core::config::Medium;
use tickwire_sim::bytes::Bytes;
use tickwire_sim::oracle::{Settings, Sighting, WireOracles};
use tickwire_sim::{Ended, Host, Instant, InterfaceAddress, Link, Passed, Seed, Step, World};

struct Counting;

thread_local! {
    /// This thread's own: the test harness allocates in another one when it likes.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

#[allow(unsafe_code)]
// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's guarantees are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's guarantees are passed on.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

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
            before = ALLOCATIONS.get();
        }
        let Passed { at, port, direction, frame, .. } = passed;
        let sighting = Sighting { number, at: *at, medium: Medium::Ethernet, direction: *direction, frame };
        taps[port.node.index()].observe(sighting);
    }
    assert_eq!(ALLOCATIONS.get() - before, 0);
    assert!(taps.iter().all(|tap| tap.verdicts().is_empty()));
}
