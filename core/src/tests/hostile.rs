//! Arbitrary frames, and arbitrary valid-looking ones, into a stack with sockets open: it never
//! panics, what it sends is bounded and well formed, what it holds stays within its limits
//! ([`World::play`] looks after each input), and at every deadline something happens, not before
//! ([`Rig::pass`](super::rig::Rig::pass) looks at each).

use proptest::prelude::*;

use super::inputs::inputs;
use super::rig::Rig;
use super::world::World;
use crate::Verdict;

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_dropped(frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..1600), 1..50)) {
        let mut rig = Rig::new();
        for frame in frames {
            prop_assert!(matches!(rig.receive(&frame), Verdict::Dropped(_)));
            prop_assert_eq!(rig.frames().len(), 0);
        }
    }

    #[test]
    fn arbitrary_inputs(inputs in inputs(1..300)) {
        let mut world = World::new();
        for input in &inputs {
            world.play(input);
        }
    }
}

/// What routers, servers and queriers say reaches far too: leases, tables that are full, groups that are reported.
#[test]
fn the_served_inputs_reach_deep() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let reached = [
        "dhcpv4.acknowledged",
        "dhcpv6.received",
        "icmp.redirects_accepted",
        "ndp.router_solicitations_sent",
        "ndp.prefixes_refused",
        "ndp.resolvers_refused",
        "igmp.sent",
        "mld.sent",
    ];
    let (mut counts, mut leased) = ([0; 8], 0);
    for _ in 0..20 {
        let mut world = World::new();
        for input in inputs(299..300).new_tree(&mut runner).unwrap().current() {
            world.play(&input);
            let leases = world.rig.stack.dhcpv6(world.rig.interface).unwrap();
            leased += leases.addresses.len() + leases.prefixes.len();
        }
        for (count, name) in counts.iter_mut().zip(reached) {
            *count += world.rig.counter(name);
        }
    }
    assert!(leased > 0 && counts.iter().all(|count| *count > 0), "{leased} leases, {reached:?}: {counts:?}");
}

/// The generators reach what they are for: connections in all states, and the limits.
#[test]
fn the_inputs_reach_deep() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut established, mut accepted, mut refused, mut total) = (0, 0, 0, 0);
    for _ in 0..20 {
        let inputs = inputs(299..300).new_tree(&mut runner).unwrap().current();
        let mut world = World::new();
        for input in &inputs {
            world.play(input);
        }
        established += world.rig.counter("tcp.established");
        accepted += world.rig.counter("ipv4.received") + world.rig.counter("ipv6.received");
        refused += world.rig.drops(crate::DropReason::ControlQueueFull)
            + world.rig.drops(crate::DropReason::NeighborQueueFull);
        total += world.rig.counter("frames.received");
    }
    assert!(established >= 10, "{established} connections were established");
    assert!(accepted * 2 > total, "{accepted} of {total} frames passed the IP checks");
    assert!(refused > 0, "no queue was ever full");
}
