//! The same inputs and seed give the same outputs; a clone is an exact branch (design rules 1, 4, 9).

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::inputs::inputs;
use super::rig::*;
use super::world::World;
use crate::{Capabilities, Config, ConnectOptions, Duration, Seed, Stack};

/// What can be seen of a world, down to every frame it has sent.
fn observed(world: &World) -> (u64, u64) {
    (world.rig.stack.digest(), world.rig.stack.trace_digest().unwrap())
}

#[test]
fn a_stack_can_be_sent_to_another_thread_and_cloned() {
    const fn is_send_and_clone<T: Send + Clone>() {}
    is_send_and_clone::<Stack>();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_same_inputs_give_the_same_frames_and_digests(inputs in inputs(1..200)) {
        let (mut first, mut second) = (World::new(), World::new());
        for input in &inputs {
            first.play(input);
            second.play(input);
            prop_assert_eq!(observed(&first), observed(&second));
        }
        prop_assert_eq!(first.rig.frames(), second.rig.frames());
    }
}

/// At any point a clone has the original's digest, and a thousand inputs later it still has.
#[test]
fn a_clone_goes_the_same_way() {
    let mut runner = TestRunner::deterministic();
    for before in [0, 50, 300] {
        let mut original = World::new();
        for input in inputs(before..before + 1).new_tree(&mut runner).unwrap().current() {
            original.play(&input);
        }
        let mut clone = original.clone();
        assert_eq!(observed(&clone), observed(&original));
        for input in inputs(1000..1001).new_tree(&mut runner).unwrap().current() {
            original.play(&input);
            clone.play(&input);
        }
        assert_eq!(observed(&clone), observed(&original));
        assert_eq!(clone.rig.frames(), original.rig.frames());
    }
}

/// What a clone does leaves the original as it was.
#[test]
fn a_clone_is_a_branch() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let digest = rig.stack.digest();
    let mut branch = rig.clone();
    let _ = branch.receive_packet(&echo_request(PEER_V4.into(), OUR_V4.into(), 8));
    assert_ne!(branch.stack.digest(), digest);
    assert_eq!(rig.stack.digest(), digest);
    assert_eq!(rig.sent(), "");
}

fn syn(rig: &mut Rig) -> alloc::vec::Vec<u8> {
    rig.introduce_peer();
    rig.stack.tcp_connect(rig.now, socket("192.0.2.1:7"), ConnectOptions::default()).unwrap();
    rig.frames().remove(0)
}

/// RFC 6528, RFC 6056: the initial sequence number and the port follow from the seed alone.
#[test]
fn another_seed_chooses_otherwise() {
    let mut same = Rig::new();
    let mut reseeded = Rig::new();
    reseeded.stack.reseed(&Seed([8; 32]));
    let first = syn(&mut Rig::new());
    assert_eq!(syn(&mut same), first);
    let other = syn(&mut reseeded);
    assert_ne!(other[34..36], first[34..36], "source port");
    assert_ne!(other[38..42], first[38..42], "initial sequence number");
}

#[test]
fn the_trace_tells_inputs_and_outputs_apart() {
    let traced = || {
        let mut rig = Rig::with(Config { trace: true, ..Config::default() }, Capabilities::plain(1500));
        rig.introduce_peer();
        rig
    };
    let ping = |len| echo_request(PEER_V4.into(), OUR_V4.into(), len);
    let run = |len: usize, later: Duration, drained: bool| {
        let mut rig = traced();
        rig.now += later;
        let _ = rig.receive_packet(&ping(len));
        if drained {
            rig.discard();
        }
        rig.stack.trace_digest().unwrap()
    };
    let base = run(8, Duration::ZERO, true);
    assert_eq!(run(8, Duration::ZERO, true), base);
    assert_ne!(run(9, Duration::ZERO, true), base);
    assert_ne!(run(8, Duration::from_nanos(1), true), base);
    assert_ne!(run(8, Duration::ZERO, false), base);
    assert_eq!(Rig::new().stack.trace_digest(), None, "off unless asked for");
}

/// Keys are never printed.
#[test]
fn debug_prints_no_keys() {
    assert_eq!(alloc::format!("{:?}", Seed([7; 32])), "Seed(..)");
    let printed = alloc::format!("{:?}", Rig::new().stack);
    assert!(printed.len() < 200, "{printed}");
}
