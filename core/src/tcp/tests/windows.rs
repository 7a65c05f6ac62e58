//! Flow control (RFC 9293 section 3.8.6).

use super::acks::{server, text};
use super::pair::Pair;
use super::{ACK, Arrival, Duration, Host, Readiness, SYN, SeqNumber, State, Tcb, Vec, Wire, pattern};
use crate::tcp::TimerCause;

/// An acknowledgment of `acked` bytes with `window` from the peer of `server`.
fn ack(host: &Host, acked: u32, window: u16) -> Wire {
    Wire::new(ACK, SeqNumber(1000), host.iss + 1 + acked, b"").window(window)
}

fn arrive(host: &mut Host, wire: &Wire) {
    assert_eq!(host.arrive(wire), Arrival::Accepted);
}

fn lens(wires: &[Wire]) -> Vec<usize> {
    wires.iter().map(|wire| wire.text.len()).collect()
}

/// A server whose peer offers `window`.
fn facing(window: u16) -> Host {
    let mut host = server(Host::plain(1), |syn| syn);
    let update = ack(&host, 0, window);
    arrive(&mut host, &update);
    host
}

#[test]
fn nagle_keeps_one_small_segment_in_flight() {
    let mut host = server(Host::plain(1), |syn| syn);
    host.send(b"a");
    assert_eq!(lens(&host.pull()), [1]);
    host.send(b"b");
    host.send(&pattern(1000));
    assert_eq!(lens(&host.pull()), [1000]);
    let wire = ack(&host, 1001, 60_000);
    arrive(&mut host, &wire);
    assert_eq!(lens(&host.pull()), [1]);
    let settings = crate::config::TcpSettings { no_delay: true, ..host.settings.clone() };
    host.with(|tcb, env| tcb.set_settings(env, settings));
    host.send(b"c");
    assert_eq!(lens(&host.pull()), [1]);
}

#[test]
fn the_last_text_before_a_fin_does_not_wait() {
    let mut host = server(Host::plain(1), |syn| syn);
    host.send(b"a");
    host.pull();
    host.send(b"b");
    host.with(|tcb, env| tcb.shutdown(env, crate::tcp::How::Write));
    let wires = host.pull();
    assert_eq!((lens(&wires), wires[0].has(super::FIN)), (Vec::from([1]), true));
}

#[test]
fn a_closed_window_is_probed_for_as_long_as_the_peer_answers() {
    let mut host = facing(0);
    host.send(&pattern(3000));
    assert_eq!(host.pull(), []);
    let mut gaps = Vec::new();
    let mut last = host.now;
    for _ in 0..200 {
        assert_eq!(host.with(|tcb, _| tcb.deadline()).unwrap().1, TimerCause::ZeroWindowProbe);
        host.run_timer();
        let wires = host.pull();
        // One octet at SND.UNA (section 3.8.6.1).
        assert_eq!((lens(&wires), wires[0].header.seq), (Vec::from([1]), SeqNumber(2)));
        gaps.push(host.now.since(last));
        last = host.now;
        let refusal = ack(&host, 0, 0);
        arrive(&mut host, &refusal);
        assert_eq!(host.pull(), []);
    }
    // SHLD-30: exponentially, from the RTO up.
    assert!(gaps.windows(2).all(|pair| pair[1] == (pair[0] * 2).min(Duration::from_mins(2))), "{gaps:?}");
    assert_eq!(host.state(), State::Established);
    // The window opens: what the probe carried was refused, so all goes from SND.UNA at once.
    let update = ack(&host, 0, 10_000);
    arrive(&mut host, &update);
    let wires = host.pull();
    assert_eq!((lens(&wires), wires[0].header.seq), (Vec::from([1000, 1000, 1000]), SeqNumber(2)));
}

#[test]
fn a_closed_window_without_answers_is_given_up() {
    let mut host = facing(0);
    host.send(b"x");
    let mut first = None;
    while host.state() == State::Established {
        host.run_timer();
        if !host.pull().is_empty() {
            first.get_or_insert(host.now);
        }
    }
    assert_eq!(host.now.since(first.unwrap()), Duration::from_mins(15));
}

#[test]
fn a_probe_that_is_taken_moves_on() {
    let mut host = facing(0);
    host.send(&pattern(1500));
    host.run_timer();
    host.pull();
    let taken = ack(&host, 1, 5000);
    arrive(&mut host, &taken);
    assert_eq!(lens(&host.pull()), [1000]);
}

#[test]
fn a_fin_waits_for_the_window_and_probes_it() {
    let mut host = facing(0);
    host.with(Tcb::close);
    assert_eq!(host.pull(), []);
    host.run_timer();
    let wires = host.pull();
    assert_eq!((wires.len(), wires[0].has(super::FIN)), (1, true));
}

#[test]
fn a_window_shrunk_below_what_is_in_flight_is_survived() {
    // RFC 9293 MUST-34.
    let mut host = facing(10_000);
    host.send(&pattern(8000));
    assert_eq!(host.pull().len(), 8);
    let shrunk = ack(&host, 1000, 1500);
    arrive(&mut host, &shrunk);
    assert_eq!(host.pull(), []);
    host.run_timer();
    let wires = host.pull();
    assert_eq!((lens(&wires), wires[0].header.seq), (Vec::from([1000]), SeqNumber(1002)));
    let none = ack(&host, 2000, 0);
    arrive(&mut host, &none);
    assert_eq!(host.pull(), []);
    host.run_timer();
    assert_eq!(lens(&host.pull()), [1]);
    let open = ack(&host, 2000, 20_000);
    arrive(&mut host, &open);
    let wires = host.pull();
    assert_eq!((wires[0].header.seq, wires[0].text.len()), (SeqNumber(2002), 1000));
}

#[test]
fn text_is_held_back_for_a_silly_window() {
    // Section 3.8.6.2.1: U below a segment and below half the largest window, until the override.
    let mut host = server(Host::plain(1), |syn| syn);
    let silly = ack(&host, 0, 100);
    arrive(&mut host, &silly);
    host.send(&pattern(500));
    assert_eq!(host.pull(), []);
    let start = host.now;
    assert_eq!(host.with(|tcb, _| tcb.deadline()).unwrap().1, TimerCause::SillyWindowOverride);
    host.run_timer();
    assert_eq!(host.now.since(start), Duration::from_millis(200));
    assert_eq!(lens(&host.pull()), [100]);
}

#[test]
fn the_window_opens_by_worthwhile_steps_and_its_edge_never_moves_left() {
    let mut host = server(Host::plain(1), |syn| syn);
    let mut edge = SeqNumber(1000);
    let mut note = |wires: &[Wire]| {
        for wire in wires {
            let now = wire.header.ack + u32::from(wire.header.window);
            assert!(now >= edge, "{now:?} < {edge:?}");
            edge = now;
        }
    };
    for at in 0..10 {
        let wire = text(&host, at * 1000, 1000);
        arrive(&mut host, &wire);
        note(&host.pull());
    }
    // Full. What goes beyond is cut off; its acknowledgment still counts.
    let beyond = text(&host, 10_000, 1);
    arrive(&mut host, &beyond);
    let wires = host.pull();
    assert_eq!((wires[0].header.ack, wires[0].header.window), (SeqNumber(11_000), 0));
    let mut out = [0; 1000];
    // Section 3.8.6.2.2: no update for less than two segments.
    host.with(|tcb, env| tcb.recv(env, &mut out)).unwrap();
    assert_eq!(host.pull(), []);
    host.with(|tcb, env| tcb.recv(env, &mut out)).unwrap();
    let wires = host.pull();
    assert_eq!((wires.len(), wires[0].header.window), (1, 2000));
    note(&wires);
}

/// A server with a receive buffer of `limit` bytes, and the shift count that goes with it.
fn scaled(limit: u32) -> (Host, u8) {
    let mut host = Host::new(1);
    host.config.timestamps = false;
    host.settings.receive_buffer = limit;
    let host = server(host, |mut syn| {
        syn.options.window_scale = Some(0);
        syn
    });
    let shift = host.tcb.as_ref().unwrap().info().rcv_scale.unwrap();
    (host, shift)
}

/// What the peer knows: what is acknowledged, and the right edge of the window.
struct Offered {
    ack: SeqNumber,
    edge: SeqNumber,
}

impl Offered {
    /// The edge never moves left (RFC 9293 section 3.8.6, SHLD-14).
    fn note(&mut self, wires: &[Wire], shift: u8) {
        for wire in wires {
            let edge = wire.header.ack + (u32::from(wire.header.window) << shift);
            assert!(edge >= self.edge, "{edge:?} < {:?}", self.edge);
            *self = Offered { ack: wire.header.ack, edge };
        }
    }
}

/// Segments of `size` until the window is closed or the text ends; the application reads nothing.
fn fill(host: &mut Host, shift: u8, size: u32, end: u32) -> Offered {
    let first = SeqNumber(1000);
    // As the SYN-ACK has said.
    let mut offered = Offered { ack: first, edge: first + 65_535 };
    let mut at = 0;
    while at < end && offered.edge >= first + at {
        let len = offered.edge.bytes_since(first + at).clamp(1, size);
        let wire = text(host, at, len as usize);
        arrive(host, &wire);
        at += len;
        offered.note(&host.pull(), shift);
    }
    offered
}

/// Where the window is not a multiple of its unit, it is rounded up (RFC 7323 section 2.4 leaves the choice):
/// each segment of 777 bytes takes 776 from a window of units of 4, and one byte from the buffer's spare room.
#[test]
fn rounding_by_the_scale_takes_nothing_back() {
    let (mut host, shift) = scaled(200_000);
    assert_eq!(shift, 2);
    let offered = fill(&mut host, shift, 777, 300_000);
    assert_eq!(offered.ack, offered.edge);
    let taken = offered.edge.bytes_since(SeqNumber(1000));
    assert!((200_000..200_000 + 200_000 / 776 + 4).contains(&taken), "{taken}");
}

/// Two bytes for each acknowledgment never close a window in units of 4. A quarter more than the buffer is
/// taken, and no more until the application has read.
#[test]
fn small_segments_overrun_the_buffer_by_a_quarter_at_most() {
    let (mut host, shift) = scaled(140_000);
    assert_eq!(shift, 2);
    let offered = fill(&mut host, shift, 1, 175_010);
    assert_eq!(offered.ack, SeqNumber(1000) + 175_000);
    assert!(offered.edge > offered.ack);
    let mut out = [0; 10_000];
    host.with(|tcb, env| tcb.recv(env, &mut out)).unwrap();
    let wire = text(&host, 175_000, 10);
    arrive(&mut host, &wire);
    host.run_timer();
    let wires = host.pull();
    assert_eq!(wires.last().unwrap().header.ack, SeqNumber(1000) + 175_010);
}

/// A smaller buffer takes back nothing of what was offered.
#[test]
fn a_smaller_buffer_does_not_move_the_edge() {
    let (mut host, shift) = scaled(200_000);
    let mut offered = Offered { ack: SeqNumber(1000), edge: SeqNumber(1000) + 65_535 };
    let wire = text(&host, 0, 1000);
    arrive(&mut host, &wire);
    host.run_timer();
    offered.note(&host.pull(), shift);
    let settings = crate::config::TcpSettings { receive_buffer: 10_000, ..host.settings.clone() };
    host.with(|tcb, env| tcb.set_settings(env, settings));
    let end = offered.edge.bytes_since(SeqNumber(1000));
    for at in (1000..end).step_by(1000) {
        let wire = text(&host, at, (end - at).min(1000) as usize);
        arrive(&mut host, &wire);
        offered.note(&host.pull(), shift);
    }
    host.run_timer();
    offered.note(&host.pull(), shift);
    assert_eq!((offered.ack, offered.edge), (SeqNumber(1000) + end, SeqNumber(1000) + end));
}

#[test]
fn writable_again_after_the_buffer_was_full() {
    let mut host = Host::plain(1);
    host.settings.send_buffer = 3000;
    let mut host = server(host, |syn| syn);
    assert_eq!(host.send(&pattern(5000)), 3000);
    assert_eq!(host.send(b"x"), 0);
    host.pull();
    host.readiness = Readiness::empty();
    let wire = ack(&host, 1000, 60_000);
    arrive(&mut host, &wire);
    assert_eq!(host.readiness, Readiness::WRITABLE);
    let wire = ack(&host, 3000, 60_000);
    arrive(&mut host, &wire);
    assert!(host.readiness.contains(Readiness::DRAINED));
}

#[test]
fn two_closed_windows_do_not_lock_each_other() {
    // RFC 9293 appendix A.2: both probe, so both have sent beyond the other's window.
    let (mut client, mut server) = (Host::plain(1), Host::plain(2));
    for host in [&mut client, &mut server] {
        host.settings.receive_buffer = 2000;
    }
    let mut pair = Pair::connected(client, server);
    for host in &mut pair.hosts {
        assert_eq!(host.send(&pattern(10_000)), 10_000);
    }
    pair.run(Duration::from_secs(500));
    assert!(pair.hosts.iter().all(|host| host.counters.window_probes > 3));
    let mut received = [0; 2];
    for _ in 0..100 {
        for (host, received) in pair.hosts.iter_mut().zip(&mut received) {
            *received += host.read().len();
        }
        pair.run(Duration::from_millis(100));
    }
    assert_eq!(received, [10_000; 2]);
}

/// Held back by silly-window avoidance: nothing is in flight that a user timeout could watch.
#[test]
fn an_orphan_whose_text_is_held_back_waits_for_the_override_alone() {
    let mut host = Host::plain(1000);
    host.open(Some(&Wire::new(SYN, SeqNumber(5000), SeqNumber(0), b"").mss(1000)));
    host.pull();
    arrive(&mut host, &Wire::new(ACK, SeqNumber(5001), SeqNumber(1001), b"").window(1));
    host.send(b"ab");
    host.with(Tcb::orphan);
    assert_eq!(host.pull().len(), 0, "neither text nor FIN fits");
    assert_eq!(host.deadline(), Some(host.now + Duration::from_millis(200)));
    host.run_timer();
    assert_eq!(host.pull().len(), 1, "what the window takes");
}
