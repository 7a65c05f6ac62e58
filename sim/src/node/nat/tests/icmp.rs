//! Echo, and errors about packets of others (RFC 5508).

use std::net::Ipv4Addr;
use std::time::Duration;

use rstest::rstest;
use tickwire_core::Instant;
use tickwire_core::wire::icmpv4::{Icmpv4Header, Icmpv4Message};
use tickwire_core::wire::ipv4::Ipv4Packet;

use super::super::{Filtering, NatConfig, NatDrop};
use super::{Bench, EXTERNAL, INSIDE, OUTSIDE, config, datagram, echo, end, hardware, line, unreachable};
use crate::node::frames::{self, Stations};

/// RFC 5508 REQ-2.
#[test]
fn an_echo_leaves_and_comes_back_within_a_minute() {
    let mut bench = Bench::new(config());
    let request = echo(Icmpv4Header::EchoRequest { id: 7, seq: 1 }, "192.168.1.10", "203.0.113.7");
    let reply = echo(Icmpv4Header::EchoReply { id: 7, seq: 1 }, "203.0.113.7", "203.0.113.1");
    assert_eq!(
        line(&bench.packet(INSIDE, &request)),
        "out: 203.0.113.1 > 203.0.113.7 icmp echo request id 7 seq 1 (4)"
    );
    // The other host's requests get an identifier of their own.
    let other = echo(Icmpv4Header::EchoRequest { id: 7, seq: 1 }, "192.168.1.11", "203.0.113.7");
    assert_eq!(line(&bench.packet(INSIDE, &other)), "out: 203.0.113.1 > 203.0.113.7 icmp echo request id 8 seq 1 (4)");
    bench.now = Instant::from_nanos(59_999_999_999);
    assert_eq!(line(&bench.packet(OUTSIDE, &reply)), "in: 203.0.113.7 > 192.168.1.10 icmp echo reply id 7 seq 1 (4)");
    bench.after(Duration::from_nanos(1));
    assert_eq!(line(&bench.packet(OUTSIDE, &reply)), "");
}

/// RFC 5508 REQ-4: of the packet that is quoted too; the quote may end after 8 bytes of payload.
#[rstest]
fn an_error_from_outside(#[values(false, true)] short: bool) {
    let mut bench = Bench::new(config());
    let sent = bench.packet(INSIDE, &datagram(end("192.168.1.10:5000"), end("203.0.113.7:53"), b"ping"));
    let quote = if short { &sent[0].1[..28] } else { &sent[0].1[..] };
    let passed = bench.packet(OUTSIDE, &unreachable("203.0.113.254", quote));
    let [(INSIDE, packet)] = &passed[..] else { panic!("one packet inside, not {passed:?}") };
    let view = Ipv4Packet::parse(packet).unwrap();
    assert_eq!((view.src(), view.dst()), (Ipv4Addr::new(203, 0, 113, 254), Ipv4Addr::new(192, 168, 1, 10)));
    let quoted = Icmpv4Message::parse(view.payload()).unwrap().quoted().unwrap();
    assert_eq!((quoted.src(), &quoted.payload()[..2]), (Ipv4Addr::new(192, 168, 1, 10), &5_000_u16.to_be_bytes()[..]));
    assert_eq!(bench.nat.counters().errors, 1);
}

/// RFC 5508 REQ-5.
#[test]
fn an_error_from_inside() {
    let mut bench = Bench::new(config());
    bench.udp(INSIDE, "192.168.1.11:5000", "203.0.113.7:9");
    bench.udp(INSIDE, "192.168.1.10:5000", "203.0.113.7:53");
    // The second host's port is 5002 outside.
    let came = bench.packet(OUTSIDE, &datagram(end("203.0.113.7:53"), end("203.0.113.1:5002"), b"pong"));
    let passed = bench.packet(INSIDE, &unreachable("192.168.1.10", &came[0].1));
    let [(OUTSIDE, packet)] = &passed[..] else { panic!("one packet outside, not {passed:?}") };
    let view = Ipv4Packet::parse(packet).unwrap();
    assert_eq!((view.src(), view.dst()), (EXTERNAL, Ipv4Addr::new(203, 0, 113, 7)));
    let quoted = Icmpv4Message::parse(view.payload()).unwrap().quoted().unwrap();
    assert_eq!((quoted.dst(), &quoted.payload()[2..4]), (EXTERNAL, &5_002_u16.to_be_bytes()[..]));
}

/// RFC 5508 REQ-7.
#[test]
fn an_error_about_a_hairpinned_packet() {
    let mut bench = Bench::new(NatConfig { filtering: Filtering::EndpointIndependent, ..config() });
    bench.udp(INSIDE, "192.168.1.11:9000", "203.0.113.7:53");
    let came = bench.packet(INSIDE, &datagram(end("192.168.1.10:5000"), end("203.0.113.1:9000"), b"ping"));
    let passed = bench.packet(INSIDE, &unreachable("192.168.1.11", &came[0].1));
    let [(INSIDE, packet)] = &passed[..] else { panic!("one packet inside, not {passed:?}") };
    let view = Ipv4Packet::parse(packet).unwrap();
    assert_eq!((view.src(), view.dst()), (EXTERNAL, Ipv4Addr::new(192, 168, 1, 10)));
    let quoted = Icmpv4Message::parse(view.payload()).unwrap().quoted().unwrap();
    assert_eq!((quoted.src(), quoted.dst()), (Ipv4Addr::new(192, 168, 1, 10), EXTERNAL));
    assert_eq!(quoted.payload()[..4], [5_000_u16.to_be_bytes(), 9_000_u16.to_be_bytes()].concat());
}

/// RFC 5508 REQ-3 and REQ-4: an error that is damaged, or about nothing known, goes nowhere.
#[rstest]
#[case::no_mapping(NatDrop::NoMapping, |_: &mut Vec<u8>| {}, false)]
#[case::checksum(NatDrop::Malformed, |packet: &mut Vec<u8>| *packet.last_mut().unwrap() ^= 1, true)]
fn an_error_that_is_not_believed(#[case] reason: NatDrop, #[case] damage: fn(&mut Vec<u8>), #[case] known: bool) {
    let mut bench = Bench::new(config());
    if known {
        bench.udp(INSIDE, "192.168.1.10:5000", "203.0.113.7:53");
    }
    let mut error =
        unreachable("203.0.113.7", &datagram(end("203.0.113.1:5000"), end("203.0.113.7:53"), b"ping")).to_vec();
    damage(&mut error);
    let stations = Stations { src: hardware(7), dst: hardware(0xb0) };
    assert_eq!(bench.frame(OUTSIDE, &frames::around(stations, &error)), []);
    assert_eq!(bench.dropped(reason), 1);
}
