//! Which acknowledgments leave, and when.

use super::{ACK, Arrival, Duration, Host, RST, SYN, SeqNumber, State, Vec, Wire, pattern};
use crate::error::DropReason;

/// A server in ESTABLISHED whose peer has sent a SYN with sequence number 999: the first byte is 1000.
pub(super) fn server(mut host: Host, syn: impl Fn(Wire) -> Wire) -> Host {
    host.listens = true;
    let syn = syn(Wire::new(SYN, SeqNumber(999), SeqNumber(0), b"").mss(1000));
    let syn_value = syn.options.timestamps.map_or(0, |ours| ours.value);
    let _ = host.arrive(&syn);
    let syn_ack = host.pull();
    assert_eq!(syn_ack.len(), 1);
    assert_eq!(syn_ack[0].header.flags, SYN | ACK);
    let mut ack = Wire::new(ACK, SeqNumber(1000), host.iss + 1, b"");
    ack.options.timestamps = syn_ack[0]
        .options
        .timestamps
        .map(|theirs| crate::wire::tcp_options::Timestamps { value: syn_value, echo: theirs.value });
    assert_eq!(host.arrive(&ack), Arrival::Accepted);
    assert_eq!(host.state(), State::Established);
    assert_eq!(host.pull(), []);
    host
}

/// Text from the peer at offset `at` of its stream.
pub(super) fn text(host: &Host, at: u32, len: usize) -> Wire {
    Wire::new(ACK, SeqNumber(1000) + at, host.iss + 1, &pattern(len))
}

fn arrive(host: &mut Host, at: u32, len: usize) {
    let wire = text(host, at, len);
    assert_eq!(host.arrive(&wire), Arrival::Accepted);
}

fn acks(wires: &[Wire]) -> Vec<u32> {
    wires.iter().map(|wire| wire.header.ack.0).collect()
}

fn blocks(wire: &Wire) -> Vec<(u32, u32)> {
    wire.options.sack.iter().map(|block| (block.start.0, block.end.0)).collect()
}

#[test]
fn a_hole_that_fills_within_a_batch_costs_one_ack() {
    for (host, sack) in [(Host::plain(1), false), (Host::new(1), true)] {
        let mut host = server(host, |syn| if sack { syn.sack_permitted() } else { syn });
        for at in [1000, 2000, 3000, 0] {
            arrive(&mut host, at, 1000);
        }
        let wires = host.pull();
        assert_eq!(acks(&wires), [5000]);
        assert_eq!(blocks(&wires[0]), []);
        assert_eq!(host.deadline(), None);
    }
}

#[test]
fn duplicates_stay_identical_whatever_the_application_reads() {
    let mut host = server(Host::plain(1), |syn| syn);
    arrive(&mut host, 0, 1000);
    arrive(&mut host, 1000, 1000);
    let first = host.pull();
    assert_eq!(acks(&first), [3000]);
    for at in [3000, 4000, 5000] {
        arrive(&mut host, at, 1000);
        if at == 3000 {
            assert_eq!(host.read().len(), 2000);
        }
    }
    let wires = host.pull();
    // RFC 5681 section 2: same acknowledgment, same window, no text.
    assert_eq!(wires, [first[0].clone(), first[0].clone(), first[0].clone()]);
}

/// The duplicates keep the window that they were earned with; that it has opened since is told behind them (RFC 9293 section
/// 3.8.6.2.2), or the peer would go by the narrow one.
#[test]
fn a_window_that_opens_is_told_behind_the_duplicates() {
    let mut host = server(Host::plain(1), |syn| syn);
    for at in (0..8000).step_by(1000) {
        arrive(&mut host, at, 1000);
    }
    let narrow = host.pull().pop().unwrap().header.window;
    assert_eq!(narrow, 2000);
    arrive(&mut host, 9000, 1000);
    assert_eq!(host.read().len(), 8000);
    let wires = host.pull();
    assert_eq!(acks(&wires), [9000; 2]);
    assert_eq!(wires.iter().map(|wire| wire.header.window).collect::<Vec<_>>(), [narrow, 10_000]);
}

#[test]
fn text_in_order_is_acknowledged_before_the_duplicates_behind_it() {
    let mut host = server(Host::plain(1), |syn| syn);
    arrive(&mut host, 0, 1000);
    arrive(&mut host, 2000, 1000);
    arrive(&mut host, 3000, 1000);
    let wires = host.pull();
    assert_eq!(acks(&wires), [2000; 3]);
    assert!(wires.iter().all(|wire| wire.header.window == wires[0].header.window));
}

#[test]
fn syn_then_rst_in_one_batch_emits_nothing() {
    let mut host = Host::new(1);
    host.listens = true;
    let _ = host.arrive(&Wire::new(SYN, SeqNumber(999), SeqNumber(0), b""));
    assert_eq!(host.arrive(&Wire::new(RST, SeqNumber(1000), SeqNumber(0), b"")), Arrival::Accepted);
    assert_eq!(host.pull(), []);
    assert_eq!(host.state(), State::Closed);
    assert_eq!(host.tcb.as_ref().unwrap().failure, None);
}

#[test]
fn one_selective_ack_per_three_changed_ranges() {
    let mut host = server(Host::new(1), |syn| syn.sack_permitted().timestamps(5, 0));
    for at in [1000, 3000, 5000, 7000] {
        let wire = text(&host, at, 1000).timestamps(6, 0);
        assert_eq!(host.arrive(&wire), Arrival::Accepted);
    }
    let wires = host.pull();
    assert_eq!(acks(&wires), [1000; 2]);
    // RFC 2018 section 4: the most recent first; three blocks beside the timestamps.
    assert_eq!(blocks(&wires[0]), [(8000, 9000), (6000, 7000), (4000, 5000)]);
    assert_eq!(blocks(&wires[1])[0], (2000, 3000));
}

#[test]
fn a_duplicate_segment_is_reported() {
    // RFC 2883 section 4.1: the duplicate below the acknowledgment stands first.
    let mut host = server(Host::new(1), Wire::sack_permitted);
    arrive(&mut host, 0, 1000);
    arrive(&mut host, 1000, 1000);
    assert_eq!(acks(&host.pull()), [3000]);
    let old = text(&host, 1000, 1000);
    assert_eq!(host.arrive(&old), Arrival::Dropped(DropReason::TcpUnacceptable));
    let wires = host.pull();
    assert_eq!((acks(&wires), blocks(&wires[0])), (Vec::from([3000]), Vec::from([(2000, 3000)])));
    // RFC 2883 section 4.2: part of a larger block above it; that block follows.
    for at in [3000, 4000, 4000] {
        arrive(&mut host, at, 1000);
    }
    let wires = host.pull();
    assert_eq!(acks(&wires), [3000]);
    assert_eq!(blocks(&wires[0]), [(5000, 6000), (4000, 6000)]);
}

#[test]
fn every_second_full_segment_or_after_the_delay() {
    let mut host = server(Host::plain(1), |syn| syn);
    arrive(&mut host, 0, 1000);
    assert_eq!(host.pull(), []);
    arrive(&mut host, 1000, 1000);
    assert_eq!(acks(&host.pull()), [3000]);
    arrive(&mut host, 2000, 1000);
    assert_eq!(host.pull(), []);
    let at = host.now;
    host.run_timer();
    assert_eq!(host.now.since(at), Duration::from_millis(40));
    assert_eq!(acks(&host.pull()), [4000]);
    assert_eq!(host.deadline(), None);
}

#[test]
fn text_carries_the_acknowledgment() {
    let mut host = server(Host::plain(1), |syn| syn);
    arrive(&mut host, 0, 10);
    host.send(b"answer");
    let wires = host.pull();
    assert_eq!(wires.len(), 1);
    assert_eq!((wires[0].header.ack, &wires[0].text[..]), (SeqNumber(1010), &b"answer"[..]));
}

#[test]
fn ts_recent_follows_what_the_last_ack_covers() {
    // RFC 7323 section 4.3: of two segments that one acknowledgment covers, the earlier one's
    // timestamp is echoed; one that is out of order does not count.
    let mut host = server(Host::new(1), |syn| syn.timestamps(5, 0));
    for (at, value) in [(0, 10), (1000, 11), (3000, 12)] {
        let wire = text(&host, at, 1000).timestamps(value, 0);
        assert_eq!(host.arrive(&wire), Arrival::Accepted);
    }
    let wires = host.pull();
    assert!(wires.iter().all(|wire| wire.options.timestamps.unwrap().echo == 10), "{wires:?}");
    let wire = text(&host, 2000, 1000).timestamps(9, 0);
    assert_eq!(host.arrive(&wire), Arrival::Dropped(DropReason::TcpPaws));
}

#[test]
fn an_old_timestamp_counts_again_after_24_days() {
    let mut host = server(Host::new(1), |syn| syn.timestamps(1000, 0));
    let wire = text(&host, 0, 10).timestamps(500, 0);
    assert_eq!(host.arrive(&wire), Arrival::Dropped(DropReason::TcpPaws));
    host.now += Duration::from_hours(24 * 24) + Duration::from_secs(10);
    assert_eq!(host.arrive(&wire), Arrival::Accepted);
}
