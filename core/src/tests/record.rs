//! Every call is noted, and the calls noted make the same stack again. Each test that uses the [`Rig`]
//! ends with that: all that they do, they do twice.

use super::rig::*;
use crate::record::{Call, DIGEST_EVERY, ENTRIES_MAX, Entry, Outcome, TcpCall};
use crate::{Config, Instant, Seed, Stack, TxBatch};
use alloc::vec;
use alloc::vec::Vec;

/// The seed of every rig's stack.
pub(crate) const SEED: Seed = Seed([7; 32]);

/// A stack that notes the calls on it.
pub(crate) fn recorded(config: Config) -> Stack {
    let mut stack = Stack::new(config, SEED);
    stack.start_recording(0);
    stack
}

fn taken(stack: &mut Stack) -> Vec<Entry> {
    let mut entries = Vec::new();
    stack.take_recorded(&mut entries);
    entries
}

/// The calls among `entries`, made on a new stack; and what that noted.
fn replayed(config: Config, entries: &[Entry]) -> (Stack, Vec<Entry>) {
    let mut stack = recorded(config);
    let mut batch = TxBatch::new();
    for entry in entries {
        if let Entry::Call(call) = entry {
            call.clone().apply(&mut stack, &mut batch);
            batch.clear();
        }
    }
    let again = taken(&mut stack);
    (stack, again)
}

/// What was noted of a stack makes another one that notes the same and ends in the same state.
pub(crate) fn check(stack: &mut Stack) {
    let entries = taken(stack);
    if entries.is_empty() || entries.last() == Some(&Entry::Overflow) {
        return;
    }
    let (other, again) = replayed(stack.config().clone(), &entries);
    let differs = entries.iter().zip(&again).position(|(first, second)| first != second);
    assert_eq!(differs.map(|at| (at, &entries[at], &again[at])), None);
    assert_eq!((again.len(), other.digest()), (entries.len(), stack.digest()));
}

fn connected(rig: &mut Rig) -> crate::TcpHandle {
    let now = rig.now;
    rig.loop_back();
    let lo = rig.stack.add_interface(now, crate::InterfaceConfig::loopback()).unwrap();
    let listener = rig.stack.tcp_listen(socket("127.0.0.1:7"), crate::ListenOptions::default()).unwrap();
    let handle = rig.stack.tcp_connect(now, socket("127.0.0.1:7"), crate::ConnectOptions::default()).unwrap();
    while rig.stack.interfaces_ready().any(|id| id == lo) {
        rig.loop_back();
    }
    rig.stack.tcp_accept(now, listener).unwrap().unwrap();
    handle
}

/// What is offered beyond the room is not kept, but that something was refused is.
#[test]
fn a_send_is_noted_as_far_as_it_makes_a_difference() {
    let mut rig = Rig::new();
    let handle = connected(&mut rig);
    let now = rig.now;
    taken(&mut rig.stack);
    let room = rig.stack.tcp(handle).unwrap().send_capacity();
    assert_eq!(rig.stack.tcp(handle).unwrap().send(now, &vec![1; 10 * room]), Ok(room));
    assert_eq!(rig.stack.tcp(handle).unwrap().recv(now, &mut vec![0; room]).ok(), None);
    let noted = taken(&mut rig.stack);
    let [Entry::Call(Call::Tcp { call: TcpCall::Send { data, .. }, .. }), received] = &noted[..] else {
        panic!("{noted:?}")
    };
    assert_eq!(data.len(), room + 1);
    assert_eq!(received, &Entry::Call(Call::Tcp { handle, call: TcpCall::Recv { now, max: 1 } }));
}

#[test]
fn outcomes_follow_their_calls() {
    let mut rig = Rig::new();
    taken(&mut rig.stack);
    let _ = rig.receive(&[0; 3]);
    let _ = rig.receive_packet(&echo_request(PEER_V4.into(), OUR_V4.into(), 8));
    rig.discard();
    let noted = taken(&mut rig.stack);
    assert!(matches!(noted[..3], [Entry::Call(_), Entry::Outcome(Outcome::Dropped(_)), Entry::Call(_)]), "{noted:?}");
    let emitted = noted.iter().find_map(|entry| match entry {
        Entry::Outcome(Outcome::Emitted(emitted)) => Some((emitted.frames, emitted.bytes)),
        _ => None,
    });
    // Who has the peer's address?
    assert_eq!(emitted, Some((1, 42)));
}

#[test]
fn a_digest_stands_before_each_1024th_call() {
    let mut stack = recorded(Config::default());
    for _ in 0..=2 * DIGEST_EVERY {
        stack.poll_event();
    }
    let noted = taken(&mut stack);
    let digests: Vec<_> = (0..noted.len()).filter(|at| noted[*at] == Entry::Digest(stack.digest())).collect();
    assert_eq!(digests, [1024, 2049]);
}

/// A recording is bounded: who never takes it away has it ended, and is told.
#[test]
fn too_many_entries_end_the_recording() {
    let mut stack = recorded(Config::default());
    for _ in 0..ENTRIES_MAX + 10 {
        stack.poll_event();
    }
    let noted = taken(&mut stack);
    assert_eq!((noted.len(), noted.last()), (ENTRIES_MAX + 1, Some(&Entry::Overflow)));
    stack.poll_event();
    assert_eq!(taken(&mut stack), []);
}

#[test]
fn a_clone_makes_no_recording_and_one_can_be_ended() {
    let mut stack = recorded(Config::default());
    let mut branch = stack.clone();
    branch.poll_event();
    assert_eq!(taken(&mut branch), []);
    stack.handle_timeout(Instant::ZERO);
    stack.stop_recording();
    stack.poll_event();
    assert_eq!(taken(&mut stack), []);
}
