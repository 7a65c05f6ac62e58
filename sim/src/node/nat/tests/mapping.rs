//! Mappings, sessions and who is heard (RFC 4787, RFC 5382).

use std::net::Ipv4Addr;
use std::time::Duration;

use rstest::rstest;
use tickwire_core::Instant;
use tickwire_core::wire::ethernet::EthernetFrame;
use tickwire_core::wire::icmpv4::{self, Icmpv4Message};
use tickwire_core::wire::ipv4::Ipv4Packet;
use tickwire_core::wire::tcp::TcpFlags;

use super::super::{Filtering, NatConfig, NatDrop, Outbox};
use super::{Bench, INSIDE, OUTSIDE, at, check, config};

#[test]
fn a_datagram_leaves_with_the_outside_address_and_the_answer_comes_back() {
    let mut bench = Bench::new(config());
    assert_eq!(
        bench.udp(INSIDE, "192.168.1.10:5000", "203.0.113.7:53"),
        "out: 203.0.113.1:5000 > 203.0.113.7:53 udp (4)"
    );
    assert_eq!(
        bench.udp(OUTSIDE, "203.0.113.7:53", "203.0.113.1:5000"),
        "in: 203.0.113.7:53 > 192.168.1.10:5000 udp (4)"
    );
    let counters = bench.nat.counters();
    assert_eq!((counters.outbound, counters.inbound), (1, 1));
}

/// RFC 4787 REQ-1: one inside endpoint, one outside endpoint, whoever the remote is.
#[test]
fn mapping_is_endpoint_independent() {
    let mut bench = Bench::new(config());
    for remote in ["203.0.113.7:53", "203.0.113.7:54", "198.51.100.9:53"] {
        let sent = bench.udp(INSIDE, "192.168.1.10:5000", remote);
        assert_eq!(sent, format!("out: 203.0.113.1:5000 > {remote} udp (4)"));
    }
    assert_eq!(bench.nat.sessions(), 3);
}

/// RFC 4787 REQ-3 and REQ-4: no port is shared; range and parity are kept.
#[rstest]
#[case::even(5_000, 5_002)]
#[case::odd(5_001, 5_003)]
#[case::well_known(1_023, 1)]
#[case::last(65_535, 1_025)]
fn a_taken_port_is_replaced_by_one_of_its_kind(#[case] port: u16, #[case] second: u16) {
    let mut bench = Bench::new(config());
    let mut source = |host: u8| {
        let sent = bench.udp(INSIDE, &format!("192.168.1.{host}:{port}"), "203.0.113.7:53");
        sent.split(' ').nth(1).unwrap().to_owned()
    };
    assert_eq!(source(10), format!("203.0.113.1:{port}"));
    assert_eq!(source(11), format!("203.0.113.1:{second}"));
}

#[rstest]
#[case::endpoint_independent(Filtering::EndpointIndependent, [true, true, true])]
#[case::address_dependent(Filtering::AddressDependent, [true, true, false])]
#[case::address_and_port_dependent(Filtering::AddressAndPortDependent, [true, false, false])]
fn who_is_heard(#[case] filtering: Filtering, #[case] passes: [bool; 3]) {
    let mut bench = Bench::new(NatConfig { filtering, ..config() });
    bench.udp(INSIDE, "192.168.1.10:5000", "203.0.113.7:53");
    let remotes = ["203.0.113.7:53", "203.0.113.7:99", "203.0.113.254:53"];
    let passed = remotes.map(|remote| !bench.udp(OUTSIDE, remote, "203.0.113.1:5000").is_empty());
    assert_eq!(passed, passes);
    assert_eq!(bench.dropped(NatDrop::Filtered), passes.iter().filter(|passes| !**passes).count() as u64);
}

/// RFC 4787 REQ-5 and REQ-6: five minutes, refreshed by what leaves and not by what comes.
#[test]
fn a_udp_mapping_lasts_five_minutes_from_the_last_datagram_sent() {
    let mut bench = Bench::new(config());
    let answer = |bench: &mut Bench| bench.udp(OUTSIDE, "203.0.113.7:53", "203.0.113.1:5000");
    bench.udp(INSIDE, "192.168.1.10:5000", "203.0.113.7:53");
    bench.after(Duration::from_secs(200)).udp(INSIDE, "192.168.1.10:5000", "203.0.113.7:53");
    assert_ne!(answer(bench.after(Duration::from_secs(200))), "");
    assert_ne!(answer(bench.after(Duration::from_nanos(99_999_999_999))), "");
    assert_eq!(answer(bench.after(Duration::from_nanos(1))), "");
    assert_eq!((bench.dropped(NatDrop::NoMapping), bench.nat.counters().expired, bench.nat.sessions()), (1, 1, 0));
}

/// RFC 5382 REQ-5: 2 h 4 min once both SYNs have passed; 4 min before, after both FINs, and after a RST.
#[rstest]
#[case::opening(&[], 4 * 60)]
#[case::established(&[(OUTSIDE, TcpFlags::SYN), (INSIDE, TcpFlags::empty())], 124 * 60)]
#[case::half_closed(&[(OUTSIDE, TcpFlags::SYN), (INSIDE, TcpFlags::FIN)], 124 * 60)]
#[case::closed(&[(OUTSIDE, TcpFlags::SYN), (INSIDE, TcpFlags::FIN), (OUTSIDE, TcpFlags::FIN)], 4 * 60)]
#[case::reset(&[(OUTSIDE, TcpFlags::SYN), (OUTSIDE, TcpFlags::RST)], 4 * 60)]
#[case::opened_again(
    &[(OUTSIDE, TcpFlags::SYN), (OUTSIDE, TcpFlags::RST), (INSIDE, TcpFlags::SYN), (OUTSIDE, TcpFlags::SYN)],
    124 * 60
)]
fn a_tcp_session_lasts(#[case] segments: &[(usize, TcpFlags)], #[case] seconds: u64) {
    let mut bench = Bench::new(config());
    let (inside, remote, outside) = ("192.168.1.10:5000", "203.0.113.7:80", "203.0.113.1:5000");
    assert!(
        bench.tcp(INSIDE, inside, remote, TcpFlags::SYN).starts_with("out: 203.0.113.1:5000 > 203.0.113.7:80 tcp S")
    );
    for (port, flags) in segments {
        let (from, to) = if *port == INSIDE { (inside, remote) } else { (remote, outside) };
        assert_ne!(bench.tcp(*port, from, to, *flags | TcpFlags::ACK), "");
    }
    let nearly = Duration::from_nanos(seconds * 1_000_000_000 - 1);
    let segment = |bench: &mut Bench| bench.tcp(OUTSIDE, remote, outside, TcpFlags::ACK);
    let mut later = Bench { nat: bench.nat.clone(), now: bench.now };
    assert_ne!(segment(later.after(nearly)), "");
    assert_eq!(segment(bench.after(nearly).after(Duration::from_nanos(1))), "");
}

#[test]
fn a_connection_is_not_picked_up_in_its_middle() {
    let mut bench = Bench::new(config());
    assert_eq!(bench.tcp(INSIDE, "192.168.1.10:5000", "203.0.113.7:80", TcpFlags::ACK), "");
    assert_eq!(bench.dropped(NatDrop::NoSession), 1);
}

/// RFC 4787 REQ-9: with the outside endpoint as the source.
#[test]
fn hairpin() {
    let mut bench = Bench::new(NatConfig { filtering: Filtering::EndpointIndependent, ..config() });
    bench.udp(INSIDE, "192.168.1.11:9000", "203.0.113.7:53");
    let sent = bench.udp(INSIDE, "192.168.1.10:5000", "203.0.113.1:9000");
    assert_eq!(sent, "in: 203.0.113.1:5000 > 192.168.1.11:9000 udp (4)");
    let back = bench.udp(INSIDE, "192.168.1.11:9000", "203.0.113.1:5000");
    assert_eq!(back, "in: 203.0.113.1:9000 > 192.168.1.10:5000 udp (4)");
    assert_eq!(bench.nat.counters().hairpinned, 2);
}

/// RFC 5382 REQ-4: silence for six seconds, then Port Unreachable.
#[test]
fn an_unsolicited_syn_is_refused_after_six_seconds() {
    let mut bench = Bench::new(config());
    assert_eq!(bench.tcp(OUTSIDE, "203.0.113.7:80", "203.0.113.1:5000", TcpFlags::SYN), "");
    assert_eq!(bench.nat.deadline(), Some(at(6_000)));
    let mut out = Outbox::new();
    bench.nat.expire(Instant::from_nanos(5_999_999_999), &mut out);
    assert_eq!(out, []);
    bench.nat.expire(at(6_000), &mut out);
    let [(OUTSIDE, frame)] = &out[..] else { panic!("one error, not {out:?}") };
    let packet = EthernetFrame::parse(frame).unwrap().payload();
    check(packet);
    let message = Icmpv4Message::parse(Ipv4Packet::parse(packet).unwrap().payload()).unwrap();
    assert_eq!((message.kind(), message.code()), (3, icmpv4::PORT_UNREACHABLE));
    assert_eq!(message.quoted().unwrap().src(), Ipv4Addr::new(203, 0, 113, 7));
    assert_eq!(bench.nat.deadline(), None);
}

/// RFC 5382 REQ-2 and REQ-4: both open at once; the early SYN is forgotten.
#[test]
fn simultaneous_open() {
    let mut bench = Bench::new(config());
    bench.tcp(OUTSIDE, "203.0.113.7:80", "203.0.113.1:5000", TcpFlags::SYN);
    assert_ne!(bench.tcp(INSIDE, "192.168.1.10:5000", "203.0.113.7:80", TcpFlags::SYN), "");
    assert_eq!(bench.nat.deadline(), None);
    let again = bench.tcp(OUTSIDE, "203.0.113.7:80", "203.0.113.1:5000", TcpFlags::SYN);
    assert!(again.starts_with("in: 203.0.113.7:80 > 192.168.1.10:5000 tcp S"), "{again}");
}
