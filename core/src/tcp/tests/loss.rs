//! Loss: fast retransmit and recovery, timeouts (RFC 5681, 6298, 6582, 6675, 3042).

use super::acks::server;
use super::{ACK, Arrival, Duration, Host, SeqNumber, State, Vec, Wire, pattern};
use crate::error::SocketError;

/// A sender with segments of 1000 bytes, the first at sequence number 2, that has sent its initial
/// window of ten and has more.
fn sender(sack: bool) -> Host {
    let mut host = Host::plain(1);
    host.config.sack = sack;
    host.settings.send_buffer = 1 << 20;
    let mut host = server(host, |syn| if sack { syn.sack_permitted() } else { syn });
    let more = pattern(100_000);
    assert_eq!(host.send(&more), 100_000);
    assert_eq!(segments(&host.pull()), (0..10).collect::<Vec<u32>>());
    host
}

/// Which segments of 1000 bytes these are.
fn segments(wires: &[Wire]) -> Vec<u32> {
    let number = |wire: &Wire| {
        let offset = wire.header.seq.bytes_since(SeqNumber(2));
        assert_eq!((offset % 1000, wire.text.len()), (0, 1000), "{wire:?}");
        offset / 1000
    };
    wires.iter().map(number).collect()
}

/// An acknowledgment of the first `acked` segments, with SACK blocks of whole segments.
fn ack(host: &mut Host, acked: u32, sacked: &[(u32, u32)]) -> Vec<u32> {
    let at = |segment: u32| SeqNumber(2) + segment * 1000;
    let blocks: Vec<_> = sacked.iter().map(|&(from, to)| (at(from), at(to))).collect();
    let wire = Wire::new(ACK, SeqNumber(1000), at(acked), b"").sack(&blocks);
    assert_eq!(host.arrive(&wire), Arrival::Accepted);
    segments(&host.pull())
}

fn cwnd(host: &Host) -> (u32, u32) {
    let info = host.tcb.as_ref().unwrap().info();
    (info.cwnd, info.ssthresh)
}

#[test]
fn slow_start_doubles_per_round_trip() {
    let mut host = sender(false);
    assert_eq!(ack(&mut host, 2, &[]), [10, 11, 12, 13]);
    assert_eq!(ack(&mut host, 10, &[]).len(), 16);
    assert_eq!(cwnd(&host).0, 20_000);
}

#[test]
fn fast_retransmit_and_new_reno() {
    let mut host = sender(false);
    // Segments 0 and 3 are lost. RFC 3042: the first two duplicates each let a new one out.
    assert_eq!(ack(&mut host, 0, &[]), [10]);
    assert_eq!(ack(&mut host, 0, &[]), [11]);
    // RFC 5681 section 3.2: the third retransmits; ssthresh is half of what was in flight without
    // those two; cwnd = ssthresh + 3.
    assert_eq!(ack(&mut host, 0, &[]), [0]);
    assert_eq!(cwnd(&host), (8000, 5000));
    // Seven more segments have left the network (1, 2, 4 to 9 were eight duplicates, then 10, 11).
    for _ in 0..4 {
        assert_eq!(ack(&mut host, 0, &[]), []);
    }
    assert_eq!(cwnd(&host).0, 12_000);
    assert_eq!(ack(&mut host, 0, &[]), [12]);
    // RFC 6582: a partial acknowledgment retransmits the next hole; cwnd 13 - 3 + 1.
    let sent = ack(&mut host, 3, &[]);
    assert_eq!(sent[0], 3);
    assert_eq!(cwnd(&host).0, 11_000);
    // A full acknowledgment ends it: min(ssthresh, FlightSize + SMSS).
    ack(&mut host, 12, &[]);
    assert!(cwnd(&host).0 <= 5000);
    assert_eq!(host.counters.fast_retransmits, 1);
    assert_eq!(host.counters.timeouts, 0);
}

#[test]
fn no_second_fast_retransmit_for_what_was_sent_again() {
    // RFC 6582 section 3.2 step 2 ("recover"): after a timeout, duplicates of what was sent again.
    let mut host = sender(false);
    host.run_timer();
    assert_eq!(segments(&host.pull()), [0]);
    let point = 10;
    ack(&mut host, point, &[]);
    for _ in 0..5 {
        ack(&mut host, point, &[]);
    }
    assert_eq!(host.counters.fast_retransmits, 0);
}

#[test]
fn recovery_by_the_scoreboard() {
    let mut host = sender(true);
    // Segments 0, 3 and 4 are lost.
    assert_eq!(ack(&mut host, 0, &[(1, 2)]), [10]);
    assert_eq!(ack(&mut host, 0, &[(1, 3)]), [11]);
    // Third duplicate: RFC 6675 section 5 step 4. pipe = 12 - 3 sacked - 1 lost + 1 sent again.
    assert_eq!(ack(&mut host, 0, &[(5, 6), (1, 3)]), [0]);
    assert_eq!(cwnd(&host), (5000, 5000));
    // pipe falls as more is reported; 3 and 4 become lost when three segments above are SACKed.
    assert_eq!(ack(&mut host, 0, &[(5, 7), (1, 3)]), []);
    let mut again = ack(&mut host, 0, &[(5, 8), (1, 3)]);
    again.extend(ack(&mut host, 0, &[(5, 9), (1, 3)]));
    again.extend(ack(&mut host, 0, &[(5, 10), (1, 3)]));
    assert_eq!(&again[..2], [3, 4]);
    assert!(again[2..].iter().all(|&segment| segment >= 12));
    // All of it arrives: recovery is over, and cwnd stands at ssthresh.
    ack(&mut host, 12, &[]);
    assert_eq!(cwnd(&host).1, 5000);
    assert_eq!((host.counters.timeouts, host.counters.fast_retransmits), (0, 1));
    assert_eq!(host.counters.retransmissions, 3);
}

#[test]
fn a_partial_ack_with_sack_sends_nothing_that_is_not_known_lost() {
    let mut host = sender(true);
    for sacked in 2..5 {
        ack(&mut host, 0, &[(1, sacked)]);
    }
    let before = host.counters.retransmissions;
    assert_eq!(before, 1);
    for acked in 5..10 {
        ack(&mut host, acked, &[]);
    }
    assert_eq!(host.counters.retransmissions, before);
}

#[test]
fn a_timeout_starts_over_from_one_segment() {
    for sack in [false, true] {
        let mut host = sender(sack);
        let start = host.now;
        host.run_timer();
        // RFC 6298 section 2.4 with rto_min: no round trip took any time here.
        assert_eq!(host.now.since(start), Duration::from_millis(200));
        assert_eq!(segments(&host.pull()), [0]);
        assert_eq!(cwnd(&host), (1000, 5000));
        // Section 5.5: the next one after twice the time; ssthresh stays (RFC 5681 section 3.1).
        let start = host.now;
        host.run_timer();
        assert_eq!(host.now.since(start), Duration::from_millis(400));
        assert_eq!(segments(&host.pull()), [0]);
        assert_eq!(cwnd(&host), (1000, 5000));
        // Go on from there in slow start, without a further timeout.
        assert_eq!(ack(&mut host, 1, &[]), [1, 2]);
        assert_eq!(ack(&mut host, 3, &[]), [3, 4, 5]);
        assert_eq!(host.counters.timeouts, 2);
    }
}

#[test]
fn after_a_timeout_what_is_sacked_is_not_sent_again() {
    let mut host = sender(true);
    assert_eq!(ack(&mut host, 0, &[(2, 4)]), [10, 11]);
    host.run_timer();
    assert_eq!(segments(&host.pull()), [0]);
    assert_eq!(ack(&mut host, 1, &[(2, 4)]), [1, 4]);
}

#[test]
fn a_peer_that_reneges_gets_it_again() {
    // RFC 2018 section 8: what was SACKed may be dropped by the receiver.
    let mut host = sender(true);
    ack(&mut host, 0, &[(1, 4)]);
    ack(&mut host, 2, &[]);
    host.run_timer();
    assert_eq!(segments(&host.pull()), [2]);
}

#[test]
fn karn_a_retransmission_is_not_timed() {
    let mut host = sender(false);
    host.run_timer();
    host.pull();
    host.now += Duration::from_secs(5);
    let before = host.tcb.as_ref().unwrap().info();
    ack(&mut host, 1, &[]);
    assert_eq!(host.tcb.as_ref().unwrap().info().srtt, before.srtt);
    assert_eq!(host.tcb.as_ref().unwrap().info().backoff, 1);
    // Something sent once is, and ends the back-off.
    ack(&mut host, 10, &[]);
    host.now += Duration::from_millis(30);
    ack(&mut host, 11, &[]);
    assert_eq!(host.tcb.as_ref().unwrap().info().backoff, 0);
}

#[test]
fn r2_ends_it() {
    let mut host = sender(false);
    let start = host.now;
    while host.state() == State::Established {
        host.run_timer();
        host.pull();
    }
    assert_eq!(host.now.since(start), Duration::from_mins(15));
    assert_eq!(host.tcb.as_ref().unwrap().failure, Some(SocketError::TimedOut));
}

#[test]
fn an_idle_connection_restarts_from_the_initial_window() {
    let mut host = sender(false);
    let mut acked = 10;
    let mut next = 10;
    while next < 100 {
        let sent = ack(&mut host, acked, &[]);
        next += sent.len() as u32;
        acked = next;
    }
    ack(&mut host, 100, &[]);
    assert!(cwnd(&host).0 > 40_000);
    host.now += Duration::from_secs(1);
    let more = pattern(50_000);
    host.send(&more);
    // RFC 5681 section 4.1.
    assert_eq!(host.pull().len(), 10);
}

#[test]
fn an_application_that_sends_little_does_not_grow_the_window() {
    let mut host = server(Host::plain(1), |syn| syn);
    for round in 1..50 {
        host.send(&pattern(1000));
        assert_eq!(host.pull().len(), 1);
        assert_eq!(ack(&mut host, round, &[]), []);
    }
    assert_eq!(cwnd(&host).0, 10_000);
}
