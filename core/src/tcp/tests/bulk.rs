//! Streams arrive whole and in order, whatever the link does.

use proptest::prelude::*;
use rstest::rstest;

use super::pair::{Faults, Pair};
use super::{Duration, Host, State, Vec, pattern};
use crate::tcp::How;

/// Sends `data[i]` from host i, reads everything, closes both sides, and returns how long it took.
fn exchange(pair: &mut Pair, data: [&[u8]; 2], read_limit: usize, patience: Duration) -> Duration {
    let start = pair.now();
    let until = start + patience;
    let mut sent = [0; 2];
    let mut received: [Vec<u8>; 2] = [Vec::new(), Vec::new()];
    let mut buffer = alloc::vec![0; read_limit];
    loop {
        let progress = received[0].len() + received[1].len();
        for i in 0..2 {
            let host = &mut pair.hosts[i];
            if host.tcb.is_none() || !host.state().is_synchronized() {
                assert!(host.state() != State::Closed || host.tcb.is_none() || sent[i] == data[i].len(), "{i}");
                continue;
            }
            if matches!(host.state(), State::Established | State::CloseWait) {
                if sent[i] < data[i].len() {
                    sent[i] += host.send(&data[i][sent[i]..]);
                }
                if sent[i] == data[i].len() {
                    host.with(|tcb, env| tcb.shutdown(env, How::Write));
                }
            }
            if let Ok(len) = host.with(|tcb, env| tcb.recv(env, &mut buffer)) {
                received[i].extend_from_slice(&buffer[..len]);
            }
        }
        if received[0].len() == data[1].len() && received[1].len() == data[0].len() {
            break;
        }
        // A slow reader may have something left to read while the link is silent.
        let progress = progress < received[0].len() + received[1].len();
        assert!(
            pair.step(if progress { pair.now() } else { until }) || progress,
            "stalled: {:?} of {:?} received\n{:#?}",
            [received[0].len(), received[1].len()],
            [data[1].len(), data[0].len()],
            [&pair.hosts[0].tcb, &pair.hosts[1].tcb]
        );
    }
    assert!(received[1] == data[0] && received[0] == data[1], "the streams differ");
    let took = pair.now().since(start);
    pair.run(Duration::from_secs(400));
    took
}

fn both_closed(pair: &Pair) {
    assert_eq!([State::Closed; 2], [pair.hosts[0].state(), pair.hosts[1].state()]);
    for host in &pair.hosts {
        assert_eq!(host.tcb.as_ref().unwrap().failure, None);
    }
}

#[rstest]
#[case::plain(Host::plain(100), 1000)]
#[case::all_options(Host::new(100), 1000)]
#[case::super_segments(Host::new(100), 60_000)]
#[case::wrapping(Host::new(u32::MAX - 5000), 1000)]
#[case::wrapping_at_the_sign(Host::new((1 << 31) - 5000), 1000)]
fn a_stream_each_way(#[case] mut client: Host, #[case] max_payload: usize) {
    client.max_payload = max_payload;
    let mut pair = Pair::new(client, Host::new(u32::MAX - 300_000), 1);
    let data = pattern(600_000);
    exchange(&mut pair, [&data, &data[1..]], 1 << 20, Duration::from_secs(20));
    both_closed(&pair);
    assert_eq!(pair.hosts[0].counters.retransmissions + pair.hosts[1].counters.retransmissions, 0);
}

/// A queue that overflows in slow start loses every second segment. All that arrives is held and reported, and what is
/// missing is sent again once, without a timeout (RFC 6675 section 5).
#[test]
fn hundreds_of_holes_are_filled_by_the_scoreboard() {
    let mut pair = Pair::new(Host::new(100), Host::new(200), 1);
    pair.faults.every_second = (2_000, 2_600);
    let data = pattern(4 << 20);
    exchange(&mut pair, [&data, &[]], 1 << 20, Duration::from_secs(20));
    let counters = &pair.hosts[0].counters;
    assert_eq!((counters.timeouts, counters.fast_retransmits, counters.retransmissions), (0, 1, 300));
}

#[test]
fn a_long_path_is_filled() {
    // 4 MB over 100 ms with 1 MiB buffers: slow start from ten segments, then a buffer per round trip.
    let mut pair = Pair::new(Host::new(1), Host::new(2), 1);
    pair.delay = Duration::from_millis(50);
    let data = pattern(4_000_000);
    let took = exchange(&mut pair, [&data, b""], 1 << 20, Duration::from_mins(1));
    assert!(took < Duration::from_millis(1600), "{took:?}");
}

#[rstest]
#[case::sack(true, 3)]
#[case::without_sack(false, 3)]
fn one_percent_loss_costs_time_and_no_data(#[case] sack: bool, #[case] seed: u64) {
    let mut client = Host::new(1);
    client.config.sack = sack;
    let mut pair = Pair::new(client, Host::new(2), seed);
    pair.faults.loss = 10;
    let data = pattern(1_000_000);
    let took = exchange(&mut pair, [&data, b""], 1 << 20, Duration::from_mins(10));
    both_closed(&pair);
    // Mathis: MSS/RTT * 1.22/sqrt(p) = 610 kB/s; half of it is the floor.
    assert!(took < Duration::from_millis(3300), "{took:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn whatever_the_link_does(
        seed in any::<u64>(),
        loss in 0u32..150,
        reorder in 0u32..300,
        duplicate in 0u32..200,
        sizes in (0usize..120_000, 0usize..120_000),
        buffers in (1u32..200_000, 1u32..200_000),
        options in any::<[bool; 6]>(),
        iss in any::<[u32; 2]>(),
        max_payload in prop_oneof![Just(1000usize), Just(64_000)],
        read_limit in prop_oneof![Just(1usize << 20), 500usize..5000],
        batch in 1usize..20,
    ) {
        let mut hosts = [Host::new(iss[0]), Host::new(iss[1])];
        for (i, host) in hosts.iter_mut().enumerate() {
            host.config.sack = options[i];
            host.config.timestamps = options[2 + i];
            host.config.window_scaling = options[4 + i];
            host.config.retransmit_timeout = Duration::from_hours(10);
            host.config.syn_timeout = Duration::from_hours(10);
            host.settings.receive_buffer = [buffers.0, buffers.1][i].max(1000);
            host.settings.send_buffer = [buffers.1, buffers.0][i].max(2);
            host.max_payload = max_payload;
        }
        let [client, server] = hosts;
        let mut pair = Pair::new(client, server, seed);
        pair.faults = Faults { loss, reorder, duplicate, ..Faults::default() };
        pair.batch = batch;
        let data = pattern(sizes.0.max(sizes.1));
        exchange(&mut pair, [&data[..sizes.0], &data[..sizes.1]], read_limit, Duration::from_hours(10));
        for host in &pair.hosts {
            prop_assert_eq!(host.tcb.as_ref().unwrap().failure, None);
        }
    }
}
