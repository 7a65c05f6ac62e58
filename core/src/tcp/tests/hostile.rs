//! Whatever arrives in whatever state: no panic, every invariant holds (`Host::with` checks them
//! after each call), bounded output, and deadlines that mean something.

use proptest::prelude::*;

use super::{Arrival, Duration, Host, SYN, SeqNumber, State, Vec, Wire, pattern};
use crate::config::TcpSettings;
use crate::tcp::How;
use crate::wire::tcp::TcpFlags;

#[derive(Clone, Debug)]
enum Step {
    /// A segment whose numbers lie near the connection's own, or anywhere.
    Arrive {
        flags: u16,
        seq: Near,
        ack: Near,
        len: usize,
        window: u16,
        sack: Vec<(i32, i32)>,
        timestamps: Option<(i32, u32)>,
        urgent: u16,
    },
    Pull,
    Send(usize),
    Read(usize),
    Shutdown(u8),
    Close,
    Abort,
    Orphan,
    Wait(u64),
    Timer,
    Settings(u32, u32, bool, Option<u64>),
}

#[derive(Clone, Copy, Debug)]
enum Near {
    Exactly,
    By(i32),
    Anywhere(u32),
}

impl Near {
    fn at(self, seq: SeqNumber) -> SeqNumber {
        match self {
            Near::Exactly => seq,
            Near::By(offset) => SeqNumber(seq.0.wrapping_add_signed(offset)),
            Near::Anywhere(value) => SeqNumber(value),
        }
    }
}

fn near() -> impl Strategy<Value = Near> {
    prop_oneof![
        8 => Just(Near::Exactly),
        3 => (-3000i32..12_000).prop_map(Near::By),
        1 => any::<u32>().prop_map(Near::Anywhere),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let flags = prop_oneof![60 => Just(0x10u16), 20 => Just(0x18), 2 => Just(0x11), 5 => Just(0x30), 3 => 0u16..0x200];
    let sack = prop::collection::vec((-1000i32..12_000, 0i32..3000), 0..4);
    let timestamps = prop::option::weighted(0.9, (-3i32..3000, any::<u32>()));
    let len = prop_oneof![5 => Just(0usize), 1 => Just(1), 3 => 0usize..1200, 1 => Just(1000usize), 1 => 1000usize..60_000];
    let window = prop_oneof![1 => Just(0u16), 1 => 0u16..3000, 2 => any::<u16>(), 8 => Just(30_000u16)];
    let arrive = (flags, near(), near(), len, window, sack, timestamps, any::<u16>()).prop_map(
        |(flags, seq, ack, len, window, sack, timestamps, urgent)| Step::Arrive {
            flags,
            seq,
            ack,
            len,
            window,
            sack,
            timestamps,
            urgent,
        },
    );
    let size = prop_oneof![0usize..2000, 0usize..100_000];
    prop_oneof![
        60 => arrive,
        15 => Just(Step::Pull),
        10 => size.clone().prop_map(Step::Send),
        10 => size.prop_map(Step::Read),
        1 => (0u8..3).prop_map(Step::Shutdown),
        1 => prop_oneof![Just(Step::Close), Just(Step::Abort), Just(Step::Orphan)],
        4 => (0u64..3_000_000_000).prop_map(Step::Wait),
        8 => Just(Step::Timer),
        1 => (1u32..100_000, 1u32..100_000, any::<bool>(), prop::option::of(0u64..10))
            .prop_map(|(send, receive, no_delay, seconds)| Step::Settings(send, receive, no_delay, seconds)),
    ]
}

fn arrive(host: &mut Host, step: &Step) {
    let Step::Arrive { flags, seq, ack, len, window, ref sack, timestamps, urgent } = *step else { return };
    let tcb = host.tcb.as_ref().unwrap();
    let (una, nxt) = (tcb.snd.una, tcb.snd.nxt);
    // Exact acknowledgments alternate between what is newest and what is oldest.
    let acked = if len % 2 == 0 { nxt } else { una };
    let recent = tcb.timestamps.recent;
    let (seq, ack) = (seq.at(tcb.rcv.nxt), ack.at(acked));
    let near_una = |offset: i32| SeqNumber(una.0.wrapping_add_signed(offset));
    let blocks: Vec<_> = sack.iter().map(|&(start, len)| (near_una(start), near_una(start + len))).collect();
    let mut wire = Wire::new(TcpFlags::from_bits_truncate(flags), seq, ack, &pattern(len)).window(window).sack(&blocks);
    if let Some((ahead, echo)) = timestamps {
        wire = wire.timestamps(recent.wrapping_add_signed(ahead), echo);
    }
    wire.header.urgent = urgent;
    let before = host.digest();
    let verdict = host.arrive(&wire);
    if verdict == Arrival::Reopen {
        assert_eq!((host.state(), host.digest()), (State::TimeWait, before));
    }
}

fn act(host: &mut Host, step: &Step) {
    match *step {
        Step::Arrive { .. } => arrive(host, step),
        Step::Pull => assert!(host.pull().len() < 3000),
        Step::Send(len) => {
            let _ = host.with(|tcb, env| tcb.send(env, &pattern(len)));
        }
        Step::Read(len) => {
            let mut out = alloc::vec![0; len];
            let peeked = host.tcb.as_ref().unwrap().peek(&mut out);
            assert_eq!(host.with(|tcb, env| tcb.recv(env, &mut out)), peeked);
        }
        Step::Shutdown(how) => {
            let how = [How::Read, How::Write, How::Both][usize::from(how)];
            host.with(|tcb, env| tcb.shutdown(env, how));
        }
        Step::Close => host.with(super::Tcb::close),
        Step::Abort => host.with(super::Tcb::abort),
        Step::Orphan => host.with(super::Tcb::orphan),
        Step::Wait(nanos) => {
            let until = host.now + Duration::from_nanos(nanos);
            while host.deadline().is_some_and(|at| at <= until) {
                timer(host);
            }
            host.now = host.now.max(until);
        }
        Step::Timer => timer(host),
        Step::Settings(send_buffer, receive_buffer, no_delay, seconds) => {
            let seconds = seconds.map(Duration::from_secs);
            let settings = TcpSettings {
                send_buffer,
                receive_buffer,
                no_delay,
                keep_alive: seconds.map(|keep_alive| keep_alive + Duration::from_secs(1)),
                linger: seconds,
                ..TcpSettings::default()
            };
            host.with(|tcb, env| tcb.set_settings(env, settings));
        }
    }
}

/// Runs the next timer, if there is one: once everything that was owed has left, its expiry shows.
fn timer(host: &mut Host) {
    let Some(at) = host.deadline() else { return };
    let drained = host.pull();
    assert!(drained.len() < 3000);
    if host.deadline() != Some(at) {
        return;
    }
    let state = host.state();
    host.run_timer();
    let shows = !host.pull().is_empty() || host.state() != state;
    assert!(shows, "nothing came of the deadline at {at:?}: {:?}", host.tcb);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_that_arrives_breaks_an_invariant(
        active in any::<bool>(),
        options in any::<[bool; 3]>(),
        iss in prop_oneof![Just(u32::MAX - 3000), Just((1u32 << 31) - 3000), any::<u32>()],
        irs in prop_oneof![Just(u32::MAX - 3000), Just((1u32 << 31) - 3000), any::<u32>()],
        buffers in (1u32..200_000, 1u32..200_000),
        super_segments in any::<bool>(),
        steps in prop::collection::vec(step(), 0..120),
    ) {
        let mut host = Host::new(iss);
        host.config.sack = options[0];
        host.config.timestamps = options[1];
        host.config.window_scaling = options[2];
        host.settings.send_buffer = buffers.0;
        host.settings.receive_buffer = buffers.1;
        if super_segments {
            host.max_payload = 64_000;
        }
        host.limits.tcp_ranges = 8;
        let syn = Wire::new(SYN, SeqNumber(irs), SeqNumber(0), b"").mss(1000).sack_permitted().timestamps(7, 0);
        if active {
            host.open(None);
            host.pull();
            let mut syn_ack = syn;
            syn_ack.header.flags |= TcpFlags::ACK;
            syn_ack.header.ack = SeqNumber(iss) + 1;
            let _ = host.arrive(&syn_ack);
        } else {
            host.open(Some(&syn));
            host.pull();
        }
        for step in &steps {
            act(&mut host, step);
        }
        // Left alone, it ends or falls silent.
        for _ in 0..2000 {
            timer(&mut host);
        }
    }
}
