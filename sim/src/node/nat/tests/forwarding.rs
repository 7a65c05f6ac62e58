//! A router of one hop: what it passes on, what it does not, and its neighbors.

use std::net::Ipv4Addr;

use rstest::rstest;
use tickwire_core::wire::arp::{ArpHeader, ArpOperation};
use tickwire_core::wire::ethernet::{EtherType, EthernetFrame};
use tickwire_core::wire::icmpv4::Icmpv4Header;
use tickwire_core::wire::ipv4::{IpProtocol, Ipv4Packet};

use super::super::neighbors::WAITING;
use super::super::{NatConfig, NatDrop, Outbox};
use super::{Bench, EXTERNAL, INSIDE, OUTSIDE, at, config, datagram, echo, end, hardware, line};
use crate::node::frames::{self, Hosts, Stations};

#[test]
fn a_full_table_takes_no_new_session_and_serves_the_old_ones() {
    let mut bench = Bench::new(NatConfig { sessions_max: 2, ..config() });
    let mut send = |remote: &str| !bench.udp(INSIDE, "192.168.1.10:5000", remote).is_empty();
    assert_eq!(
        ["203.0.113.7:1", "203.0.113.7:2", "203.0.113.7:3", "203.0.113.7:1"].map(&mut send),
        [true, true, false, true]
    );
    assert_eq!((bench.dropped(NatDrop::TableFull), bench.nat.sessions()), (1, 2));
}

#[test]
fn a_router_of_one_hop() {
    let mut bench = Bench::new(config());
    let mut packet = datagram(end("192.168.1.10:5000"), end("203.0.113.7:53"), b"ping").to_vec();
    assert_eq!(Ipv4Packet::parse(&bench.packet(INSIDE, &packet)[0].1).unwrap().ttl(), 63);
    packet[8] = 1;
    tickwire_core::wire::ipv4::fill_checksum(&mut packet);
    let exceeded = bench.packet(INSIDE, &packet);
    let [(INSIDE, exceeded)] = &exceeded[..] else { panic!("one error, not {exceeded:?}") };
    let view = Ipv4Packet::parse(exceeded).unwrap();
    assert_eq!((view.src(), view.payload()[0]), (Ipv4Addr::new(192, 168, 1, 1), 11));
    assert_eq!(bench.dropped(NatDrop::TtlExceeded), 1);
}

#[test]
fn echo_requests_for_its_own_addresses_are_answered() {
    let mut bench = Bench::new(config());
    let request = |from, to| echo(Icmpv4Header::EchoRequest { id: 7, seq: 1 }, from, to);
    for (port, from, to) in [(INSIDE, "192.168.1.10", "192.168.1.1"), (OUTSIDE, "203.0.113.7", "203.0.113.1")] {
        let prefix = if port == INSIDE { "in" } else { "out" };
        let expected = format!("{prefix}: {to} > {from} icmp echo reply id 7 seq 1 (4)");
        assert_eq!(line(&bench.packet(port, &request(from, to))), expected);
    }
    // The inside is not to be seen from outside.
    assert_eq!(line(&bench.packet(OUTSIDE, &request("203.0.113.7", "192.168.1.1"))), "");
}

/// A neighbor is asked for three times, a second apart; so many packets wait, the oldest goes first.
#[test]
fn packets_wait_for_their_neighbor() {
    let mut bench = Bench::new(config());
    let to = end("203.0.113.8:53");
    let waiting = WAITING as u8;
    for byte in 0..=waiting {
        let packet = datagram(end("192.168.1.10:5000"), to, &[byte]);
        let stations = Stations { src: hardware(10), dst: hardware(0xa0) };
        let out = bench.frame(INSIDE, &frames::around(stations, &packet));
        assert_eq!(out.len(), usize::from(byte == 0), "one request");
    }
    assert_eq!(bench.dropped(NatDrop::Unresolved), 1);
    let mut given_up = bench.nat.clone();
    let mut out = Outbox::new();
    for second in 1..=3 {
        assert_eq!(given_up.deadline(), Some(at(second * 1_000)));
        given_up.expire(at(second * 1_000), &mut out);
    }
    assert_eq!(out.len(), 2);
    assert_eq!((given_up.deadline(), given_up.counters().dropped[&NatDrop::Unresolved]), (None, 1 + WAITING as u64));
    let reply = ArpHeader {
        operation: ArpOperation::Reply,
        sender_hardware: hardware(8),
        sender_protocol: *to.ip(),
        target_hardware: hardware(0xb0),
        target_protocol: EXTERNAL,
    };
    let sent = bench.frame(OUTSIDE, &frames::arp(hardware(0xb0), &reply));
    let views = sent.iter().map(|(_, frame)| EthernetFrame::parse(frame).unwrap());
    let last_bytes: Vec<_> = views.map(|view| (view.dst(), *view.payload().last().unwrap())).collect();
    let expected: Vec<_> = (1..=waiting).map(|byte| (hardware(8), byte)).collect();
    assert_eq!(last_bytes, expected);
}

#[rstest]
#[case::foreign_source(INSIDE, "10.0.0.1:1", "203.0.113.7:1", NatDrop::Martian)]
#[case::own_source(OUTSIDE, "203.0.113.1:1", "203.0.113.1:2", NatDrop::Martian)]
#[case::inside_address_from_outside(OUTSIDE, "192.168.1.10:1", "203.0.113.1:2", NatDrop::Martian)]
#[case::neighbor(INSIDE, "192.168.1.10:1", "192.168.1.11:1", NatDrop::NotForUs)]
#[case::group(INSIDE, "192.168.1.10:1", "224.0.0.251:5353", NatDrop::NotForUs)]
#[case::unmapped(OUTSIDE, "203.0.113.7:1", "203.0.113.1:2", NatDrop::NoMapping)]
fn what_does_not_pass(#[case] port: usize, #[case] from: &str, #[case] to: &str, #[case] reason: NatDrop) {
    let mut bench = Bench::new(config());
    assert_eq!(bench.udp(port, from, to), "");
    assert_eq!(bench.dropped(reason), 1);
}

#[test]
fn without_a_gateway_there_is_no_way_beyond_the_link() {
    let mut bench = Bench::new(NatConfig { gateway: None, ..config() });
    assert_eq!(bench.udp(INSIDE, "192.168.1.10:1", "198.51.100.1:1"), "");
    assert_eq!((bench.dropped(NatDrop::NoRoute), bench.nat.sessions()), (1, 0));
}

#[test]
fn other_protocols_and_ethertypes_do_not_pass() {
    let mut bench = Bench::new(config());
    let hosts = Hosts { src: [192, 168, 1, 10].into(), dst: [203, 0, 113, 7].into() };
    assert_eq!(bench.packet(INSIDE, &frames::packet(hosts, IpProtocol(47), 64, &[0; 8])), []);
    let stations = Stations { src: hardware(10), dst: hardware(0xa0) };
    assert_eq!(bench.frame(INSIDE, &frames::ethernet(stations, EtherType::Ipv6, &[0x60; 40])), []);
    assert_eq!((bench.dropped(NatDrop::Protocol), bench.dropped(NatDrop::NotForUs)), (1, 1));
}

/// RFC 768: no checksum stays none.
#[test]
fn a_datagram_without_a_checksum_stays_so() {
    let mut bench = Bench::new(config());
    let mut packet = datagram(end("192.168.1.10:5000"), end("203.0.113.7:53"), b"ping").to_vec();
    packet[26..28].fill(0);
    let sent = bench.packet(INSIDE, &packet);
    assert_eq!(sent[0].1[26..28], [0, 0]);
}
