//! Opening, closing and resets (RFC 9293 sections 3.5, 3.6 and 3.10.7).

use rstest::rstest;

use super::acks::{server, text};
use super::pair::Pair;
use super::{ACK, Arrival, Duration, FIN, Host, RST, Readiness, SYN, SeqNumber, State, Tcb, Wire};
use crate::error::{DropReason, RecvError, SendError, SocketError};
use crate::icmp::IcmpError;
use crate::tcp::{How, Judgement, Listener, Reset, Segment, TimerCause};

/// A client in SYN-SENT with iss 100, its SYN sent.
fn syn_sent() -> Host {
    let mut host = Host::plain(100);
    host.open(None);
    let syn = host.pull();
    assert_eq!((syn.len(), syn[0].header.flags, syn[0].header.seq), (1, SYN, SeqNumber(100)));
    host
}

/// The FIN of the peer of `server`, after `at` bytes.
fn fin(host: &Host, at: u32, acked: u32) -> Wire {
    Wire::new(FIN | ACK, SeqNumber(1000) + at, host.iss + 1 + acked, b"")
}

fn closed_with(host: &Host, error: Option<SocketError>) {
    let tcb = host.tcb.as_ref().unwrap();
    assert_eq!((tcb.state(), tcb.failure), (State::Closed, error));
    assert!(host.readiness.contains(Readiness::CLOSED));
    assert_eq!(host.readiness.contains(Readiness::ERROR), error.is_some());
}

#[test]
fn the_handshake_agrees_on_options() {
    let mut client = Host::new(1);
    client.settings.receive_buffer = 1 << 20;
    let pair = Pair::connected(client, Host::new(2));
    for host in &pair.hosts {
        let info = host.tcb.as_ref().unwrap().info();
        // 1 MiB needs a shift of 5; timestamps take 12 bytes of each segment.
        assert_eq!((info.snd_mss, info.snd_scale, info.rcv_scale), (988, Some(5), Some(5)));
        assert!(info.sack && info.timestamps);
        assert!(host.readiness.contains(Readiness::CONNECTED | Readiness::WRITABLE));
    }
    let mut plain = Host::plain(1);
    plain.mss = 1460;
    let pair = Pair::connected(plain, Host::new(2));
    let info = pair.hosts[1].tcb.as_ref().unwrap().info();
    assert_eq!((info.snd_mss, info.snd_scale, info.sack, info.timestamps), (1000, None, false, false));
}

#[rstest]
#[case::none(None, 536)]
#[case::zero(Some(0), 48)]
#[case::tiny(Some(1), 48)]
#[case::huge(Some(65_535), 1000)]
fn what_an_mss_option_leads_to(#[case] mss: Option<u16>, #[case] expected: u16) {
    let mut host = syn_sent();
    let mut syn_ack = Wire::new(SYN | ACK, SeqNumber(500), SeqNumber(101), b"");
    syn_ack.options.mss = mss;
    assert_eq!(host.arrive(&syn_ack), Arrival::Accepted);
    assert_eq!(host.tcb.as_ref().unwrap().info().snd_mss, expected);
}

#[test]
fn both_open_at_once() {
    // RFC 9293 section 3.5 figure 7.
    let mut host = syn_sent();
    assert_eq!(host.arrive(&Wire::new(SYN, SeqNumber(300), SeqNumber(0), b"")), Arrival::Accepted);
    assert_eq!(host.state(), State::SynReceived);
    let wires = host.pull();
    assert_eq!(wires.len(), 1);
    assert_eq!(
        (wires[0].header.flags, wires[0].header.seq, wires[0].header.ack),
        (SYN | ACK, SeqNumber(100), SeqNumber(301))
    );
    assert_eq!(host.arrive(&Wire::new(SYN | ACK, SeqNumber(300), SeqNumber(101), b"")), Arrival::Accepted);
    assert_eq!(host.state(), State::Established);
}

#[test]
fn syn_sent_answers_a_bad_ack_with_a_reset() {
    // RFC 9293 section 3.10.7.3: SEG.ACK =< ISS or SEG.ACK > SND.NXT.
    for ack in [100, 102, 99] {
        let mut host = syn_sent();
        let wire = Wire::new(SYN | ACK, SeqNumber(300), SeqNumber(ack), b"");
        assert_eq!(host.arrive(&wire), Arrival::Dropped(DropReason::TcpAck));
        let wires = host.pull();
        assert_eq!((wires.len(), wires[0].header.flags, wires[0].header.seq), (1, RST, SeqNumber(ack)));
        assert_eq!(host.state(), State::SynSent);
        let rst = Wire::new(RST | ACK, SeqNumber(0), SeqNumber(ack), b"");
        assert_eq!(host.arrive(&rst), Arrival::Dropped(DropReason::TcpAck));
        assert_eq!(host.pull(), []);
    }
}

#[test]
fn a_refused_connection() {
    let mut host = syn_sent();
    assert_eq!(host.arrive(&Wire::new(RST | ACK, SeqNumber(0), SeqNumber(101), b"")), Arrival::Accepted);
    closed_with(&host, Some(SocketError::Refused));
    let mut byte = [0];
    assert_eq!(host.with(|tcb, env| tcb.recv(env, &mut byte)), Err(RecvError::Failed));
    assert_eq!(host.with(|tcb, env| tcb.send(env, b"x")), Err(SendError::Failed));
    assert_eq!(host.pull(), []);
}

#[test]
fn a_syn_is_repeated_with_backoff_until_r2() {
    let mut host = syn_sent();
    let start = host.now;
    let mut sent = alloc::vec::Vec::new();
    while host.state() == State::SynSent {
        host.run_timer();
        for wire in host.pull() {
            assert_eq!(wire.header.flags, SYN);
            sent.push(host.now.since(start).as_secs());
        }
    }
    // RFC 6298 sections 2.1 and 5.5: 1 s, doubled; MUST-23: at least 3 minutes.
    assert_eq!(sent, [1, 3, 7, 15, 31, 63, 127]);
    assert_eq!(host.now.since(start), Duration::from_mins(3));
    closed_with(&host, Some(SocketError::TimedOut));
}

#[test]
fn a_lost_syn_ack_is_sent_again_for_the_syn() {
    let mut host = Host::plain(1);
    host.listens = true;
    let syn = Wire::new(SYN, SeqNumber(999), SeqNumber(0), b"");
    let _ = host.arrive(&syn);
    let first = host.pull();
    assert_eq!(host.arrive(&syn), Arrival::Accepted);
    assert_eq!(host.pull(), first);
}

#[test]
fn syn_received_resets_a_bad_ack() {
    let mut host = Host::plain(1);
    host.listens = true;
    let _ = host.arrive(&Wire::new(SYN, SeqNumber(999), SeqNumber(0), b""));
    host.pull();
    for ack in [1, 3, 77_777] {
        let wire = Wire::new(ACK, SeqNumber(1000), SeqNumber(ack), b"");
        assert_eq!(host.arrive(&wire), Arrival::Dropped(DropReason::TcpAck));
        assert_eq!(host.with(|tcb, _| tcb.take_reset()), Some(Reset { seq: SeqNumber(ack), ack: None }));
        assert_eq!(host.state(), State::SynReceived);
    }
}

#[test]
fn closing_first() {
    let mut host = server(Host::plain(1), |syn| syn);
    host.with(Tcb::close);
    assert_eq!(host.state(), State::FinWait1);
    let wires = host.pull();
    assert_eq!((wires.len(), wires[0].header.flags), (1, FIN | ACK));
    let ack = Wire::new(ACK, SeqNumber(1000), SeqNumber(3), b"");
    assert_eq!(host.arrive(&ack), Arrival::Accepted);
    assert_eq!(host.state(), State::FinWait2);
    let fin = fin(&host, 0, 1);
    assert_eq!(host.arrive(&fin), Arrival::Accepted);
    assert_eq!(host.state(), State::TimeWait);
    assert_eq!(host.pull()[0].header.ack, SeqNumber(1001));
    // The peer's FIN again: acknowledged, and 2 MSL begin anew.
    host.now += Duration::from_secs(10);
    assert_eq!(host.arrive(&fin), Arrival::Dropped(DropReason::TcpUnacceptable));
    assert_eq!(host.pull()[0].header.ack, SeqNumber(1001));
    assert_eq!(host.with(|tcb, _| tcb.deadline()), Some((host.now + Duration::from_mins(1), TimerCause::TimeWait)));
    // RFC 1337: a reset does not end it.
    let rst = Wire::new(RST, SeqNumber(1001), SeqNumber(0), b"");
    assert_eq!(host.arrive(&rst), Arrival::Dropped(DropReason::TcpFlags));
    assert_eq!(host.state(), State::TimeWait);
    host.run_timer();
    closed_with(&host, None);
}

#[test]
fn closing_second() {
    let mut host = server(Host::plain(1), |syn| syn);
    let peer_fin = fin(&host, 0, 0);
    assert_eq!(host.arrive(&peer_fin), Arrival::Accepted);
    assert_eq!(host.state(), State::CloseWait);
    assert!(host.readiness.contains(Readiness::READABLE | Readiness::FINISHED));
    assert_eq!(host.pull()[0].header.ack, SeqNumber(1001));
    // Half-closed: this side still sends.
    host.send(b"rest");
    assert_eq!(host.pull()[0].text, "rest");
    host.with(Tcb::close);
    assert_eq!(host.state(), State::LastAck);
    assert_eq!(host.pull()[0].header.flags, FIN | ACK);
    let ack = Wire::new(ACK, SeqNumber(1001), SeqNumber(7), b"");
    assert_eq!(host.arrive(&ack), Arrival::Accepted);
    closed_with(&host, None);
    assert_eq!(host.deadline(), None);
}

#[test]
fn both_close_at_once() {
    let mut host = server(Host::plain(1), |syn| syn);
    host.with(Tcb::close);
    host.pull();
    let peer_fin = fin(&host, 0, 0);
    assert_eq!(host.arrive(&peer_fin), Arrival::Accepted);
    assert_eq!(host.state(), State::Closing);
    let wires = host.pull();
    assert_eq!((wires.len(), wires[0].header.seq, wires[0].header.ack), (1, SeqNumber(3), SeqNumber(1001)));
    assert_eq!(host.arrive(&Wire::new(ACK, SeqNumber(1001), SeqNumber(3), b"")), Arrival::Accepted);
    assert_eq!(host.state(), State::TimeWait);
}

#[test]
fn a_fin_that_overtakes_its_text_waits_for_it() {
    for sack in [false, true] {
        let mut host = server(if sack { Host::new(1) } else { Host::plain(1) }, Wire::sack_permitted);
        let peer_fin = fin(&host, 1000, 0);
        assert_eq!(host.arrive(&peer_fin), Arrival::Accepted);
        assert_eq!(host.state(), State::Established);
        assert_eq!(host.pull()[0].header.ack, SeqNumber(1000));
        let missing = text(&host, 0, 1000);
        assert_eq!(host.arrive(&missing), Arrival::Accepted);
        assert_eq!(host.state(), State::CloseWait);
        assert_eq!(host.pull()[0].header.ack, SeqNumber(2001));
    }
}

#[test]
fn close_with_unread_text_resets() {
    // RFC 9293 section 3.6.1, RFC 2525 section 2.17.
    let mut host = server(Host::plain(1), |syn| syn);
    let wire = text(&host, 0, 10);
    assert_eq!(host.arrive(&wire), Arrival::Accepted);
    host.with(Tcb::close);
    let wires = host.pull();
    assert_eq!((wires.len(), wires[0].header.flags, wires[0].header.seq), (1, RST, SeqNumber(2)));
    closed_with(&host, None);
}

#[test]
fn text_after_close_resets() {
    let mut host = server(Host::plain(1), |syn| syn);
    host.with(Tcb::close);
    host.pull();
    let wire = text(&host, 0, 10);
    assert_eq!(host.arrive(&wire), Arrival::Dropped(DropReason::TcpAfterClose));
    let wires = host.pull();
    assert_eq!((wires.len(), wires[0].header.flags, wires[0].header.seq), (1, RST, SeqNumber(3)));
    closed_with(&host, None);
}

#[test]
fn shutdown_of_reading_discards() {
    let mut host = server(Host::plain(1), |syn| syn);
    host.with(|tcb, env| tcb.shutdown(env, How::Read));
    for at in [0, 1000] {
        let wire = text(&host, at, 1000);
        assert_eq!(host.arrive(&wire), Arrival::Accepted);
    }
    assert_eq!(host.pull()[0].header.ack, SeqNumber(3000));
    let mut byte = [0];
    assert_eq!(host.with(|tcb, env| tcb.recv(env, &mut byte)), Ok(0));
}

#[test]
fn a_reset_must_name_rcv_nxt() {
    // RFC 5961 section 3: outside silently dropped, inside challenged, exact obeyed.
    let mut host = server(Host::plain(1), |syn| syn);
    let rst = |seq| Wire::new(RST, SeqNumber(seq), SeqNumber(0), b"");
    assert_eq!(host.arrive(&rst(999)), Arrival::Dropped(DropReason::TcpUnacceptable));
    assert_eq!(host.arrive(&rst(11_000)), Arrival::Dropped(DropReason::TcpUnacceptable));
    assert_eq!(host.pull(), []);
    assert_eq!(host.arrive(&rst(1001)), Arrival::Dropped(DropReason::TcpChallenged));
    let wires = host.pull();
    assert_eq!((wires.len(), wires[0].header.flags, wires[0].header.ack), (1, ACK, SeqNumber(1000)));
    assert_eq!(host.arrive(&rst(1000)), Arrival::Accepted);
    closed_with(&host, Some(SocketError::Reset));
    let mut byte = [0];
    assert_eq!(host.with(|tcb, env| tcb.recv(env, &mut byte)), Err(RecvError::Reset));
    assert_eq!(host.with(|tcb, _| tcb.take_error()), Some(SocketError::Reset));
    assert_eq!(host.with(|tcb, _| tcb.take_error()), None);
}

#[test]
fn challenges_are_limited() {
    let mut host = server(Host::plain(1), |syn| syn);
    let syn = Wire::new(SYN, SeqNumber(1500), SeqNumber(0), b"");
    let mut answers = 0;
    for _ in 0..100 {
        assert_eq!(host.arrive(&syn), Arrival::Dropped(DropReason::TcpChallenged));
        answers += host.pull().len();
    }
    assert_eq!(answers, 10);
    host.now += Duration::from_secs(1);
    let _ = host.arrive(&syn);
    assert_eq!(host.pull().len(), 1);
}

#[test]
fn an_ack_of_what_was_never_sent_is_answered() {
    let mut host = server(Host::plain(1), |syn| syn);
    for ack in [3, 2u32.wrapping_sub(65_536)] {
        let wire = Wire::new(ACK, SeqNumber(1000), SeqNumber(ack), b"");
        assert_eq!(host.arrive(&wire), Arrival::Dropped(DropReason::TcpAck));
        assert_eq!(host.pull().len(), 1);
    }
    let wire = Wire::new(crate::wire::tcp::TcpFlags::empty(), SeqNumber(1000), SeqNumber(0), b"x");
    assert_eq!(host.arrive(&wire), Arrival::Dropped(DropReason::TcpNoAck));
}

#[test]
fn time_wait_gives_way_to_a_newer_syn() {
    let mut host = server(Host::plain(1), |syn| syn);
    host.with(Tcb::close);
    host.pull();
    let peer_fin = fin(&host, 0, 1);
    assert_eq!(host.arrive(&peer_fin), Arrival::Accepted);
    assert_eq!(host.state(), State::TimeWait);
    let syn = |seq| Wire::new(SYN, SeqNumber(seq), SeqNumber(0), b"");
    assert_eq!(host.arrive(&syn(1001)), Arrival::Reopen);
    assert_eq!(host.arrive(&syn(1000)), Arrival::Dropped(DropReason::TcpUnacceptable));
}

#[test]
fn linger_bounds_the_closing() {
    for (linger, flags) in [(Duration::ZERO, RST), (Duration::from_secs(3), FIN | ACK)] {
        let mut host = server(Host::plain(1), |syn| syn);
        let settings = crate::config::TcpSettings { linger: Some(linger), ..host.settings.clone() };
        host.with(|tcb, env| tcb.set_settings(env, settings));
        let start = host.now;
        host.with(Tcb::close);
        assert_eq!(host.pull()[0].header.flags, flags);
        while host.state() != State::Closed {
            host.run_timer();
            host.pull_one();
        }
        assert_eq!(host.now.since(start), linger);
    }
}

#[test]
fn an_orphan_does_not_wait_for_ever() {
    let mut host = server(Host::plain(1), |syn| syn);
    host.with(Tcb::orphan);
    host.pull();
    assert_eq!(host.arrive(&Wire::new(ACK, SeqNumber(1000), SeqNumber(3), b"")), Arrival::Accepted);
    let start = host.now;
    assert_eq!(host.with(|tcb, _| tcb.deadline()), Some((start + Duration::from_mins(1), TimerCause::FinWait2)));
    host.run_timer();
    closed_with(&host, None);
}

#[test]
fn icmp_errors_are_hard_only_before_the_connection() {
    let mut host = syn_sent();
    // RFC 5927 section 4.1: only about what is in flight.
    assert!(host.with(|tcb, _| tcb.is_in_flight(SeqNumber(100)) && !tcb.is_in_flight(SeqNumber(101))));
    host.with(|tcb, env| tcb.on_icmp_error(env, IcmpError::PortUnreachable));
    closed_with(&host, Some(SocketError::Refused));
    let mut host = server(Host::plain(1), |syn| syn);
    host.send(b"x");
    host.pull();
    assert!(host.with(|tcb, _| tcb.is_in_flight(SeqNumber(2))));
    host.with(|tcb, env| tcb.on_icmp_error(env, IcmpError::HostUnreachable));
    assert_eq!(host.state(), State::Established);
    while host.state() == State::Established {
        host.run_timer();
        host.pull();
    }
    // RFC 1122 section 4.2.3.9: the soft error is the reason given in the end.
    closed_with(&host, Some(SocketError::HostUnreachable));
}

#[test]
fn keep_alive_probes_and_gives_up() {
    let mut host = Host::plain(1);
    host.settings.keep_alive = Some(Duration::from_hours(2));
    let mut host = server(host, |syn| syn);
    let start = host.now;
    host.run_timer();
    assert_eq!(host.now.since(start), Duration::from_hours(2));
    let wires = host.pull();
    // RFC 9293 section 3.8.4: SEG.SEQ = SND.NXT - 1.
    assert_eq!((wires.len(), wires[0].header.seq, wires[0].header.flags), (1, SeqNumber(1), ACK));
    let _ = host.arrive(&Wire::new(ACK, SeqNumber(1000), SeqNumber(2), b""));
    let heard = host.now;
    let mut probes = 0;
    while host.state() == State::Established {
        host.run_timer();
        probes += host.pull().len();
    }
    assert_eq!(probes, 9);
    assert_eq!(host.now.since(heard), Duration::from_secs(7200 + 9 * 75));
    closed_with(&host, Some(SocketError::TimedOut));
}

#[test]
fn urgent_data_is_announced_once_and_stays_in_the_stream() {
    let mut host = server(Host::plain(1), |syn| syn);
    let mut wire = text(&host, 0, 10);
    wire.header.flags |= crate::wire::tcp::TcpFlags::URG;
    wire.header.urgent = 5;
    assert_eq!(host.arrive(&wire), Arrival::Accepted);
    assert!(host.readiness.contains(Readiness::URGENT));
    assert_eq!(host.tcb.as_ref().unwrap().info().urgent, Some(5));
    host.readiness = Readiness::empty();
    assert_eq!(host.read().len(), 10);
    assert_eq!(host.tcb.as_ref().unwrap().info().urgent, None);
}

#[test]
fn listen_and_closed() {
    let options = crate::wire::tcp_options::TcpOptions::default();
    let header = |flags| Wire::new(flags, SeqNumber(u32::MAX), SeqNumber(7), b"").header;
    let reset_for = |flags, text: &'static [u8]| {
        let text = &mut bytes::Bytes::from_static(text);
        crate::tcp::reset_for(&Segment { header: header(flags), options: &options, text })
    };
    // RFC 9293 section 3.10.7.1.
    assert_eq!(reset_for(SYN, b""), Some(Reset { seq: SeqNumber(0), ack: Some(SeqNumber(0)) }));
    assert_eq!(reset_for(SYN | FIN, b"xy"), Some(Reset { seq: SeqNumber(0), ack: Some(SeqNumber(3)) }));
    assert_eq!(reset_for(ACK, b"xy"), Some(Reset { seq: SeqNumber(7), ack: None }));
    assert_eq!(reset_for(RST, b""), None);
    // RFC 9293 section 3.10.7.2.
    let limits = crate::config::Limits { syn_queue: 2, ..Default::default() };
    let mut listener = Listener::new(1, crate::config::TcpSettings::default());
    let judge = |listener: &Listener, flags| {
        let text = &mut bytes::Bytes::new();
        listener.on_segment(&limits, &Segment { header: header(flags), options: &options, text })
    };
    assert_eq!(judge(&listener, RST | ACK), Judgement::Drop(DropReason::TcpResetNoSocket));
    let reset = Reset { seq: SeqNumber(7), ack: None };
    assert_eq!(judge(&listener, SYN | ACK), Judgement::Reset(reset, DropReason::TcpNoSocket));
    assert_eq!(judge(&listener, FIN), Judgement::Drop(DropReason::TcpFlags));
    assert_eq!(judge(&listener, SYN), Judgement::Open);
    let handle = crate::socket::TcpHandle::default();
    listener.on_opened(handle, |_| true);
    listener.on_opened(handle, |_| true);
    assert_eq!(judge(&listener, SYN), Judgement::OpenIfRoom);
    assert_eq!(listener.oldest_opened(|_| true), Some(handle));
    listener.on_refused();
    assert_eq!(judge(&listener, SYN), Judgement::Open);
    listener.on_established(handle);
    assert_eq!(judge(&listener, SYN), Judgement::Drop(DropReason::TcpBacklog));
    assert!(listener.accept().is_some());
    assert_eq!(judge(&listener, SYN), Judgement::Open);
}
