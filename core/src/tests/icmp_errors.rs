//! The ICMP errors that we send, and when we don't (RFC 1122 section 3.2.2, RFC 4443 section 2.4).

use alloc::vec::Vec;
use core::net::SocketAddr;
use rstest::rstest;

use super::rig::*;
use crate::error::DropReason;
use crate::wire::ethernet::EthernetAddress;
use crate::wire::icmpv4::Icmpv4Header;
use crate::wire::ipv4::{self, IpProtocol};
use crate::{Capabilities, Config, Duration, Limits, Route, Verdict};

fn datagram(from: &str, to: &str, len: usize) -> Vec<u8> {
    udp_packet(socket(from), socket(to), &alloc::vec![0x61; len])
}

fn to_us(len: usize) -> Vec<u8> {
    datagram("192.0.2.1:1000", "192.0.2.2:7", len)
}

#[test]
fn no_socket_means_port_unreachable() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    assert_eq!(rig.receive_packet(&to_us(5)), Verdict::Dropped(DropReason::UdpNoSocket));
    insta::assert_snapshot!(rig.sent(), @"> 192.0.2.2 > 192.0.2.1 icmp port unreachable [192.0.2.1 > 192.0.2.2 udp 1000 > 7 (5)]");
    assert_eq!(rig.counter("icmp.errors_sent"), 1);
    let _ = rig.receive_packet(&datagram("[2001:db8::1]:1000", "[2001:db8::2]:7", 5));
    insta::assert_snapshot!(rig.sent(), @"> 2001:db8::2 > 2001:db8::1 icmp6 port unreachable [2001:db8::1 > 2001:db8::2 udp 1000 > 7 (5)]");
}

/// RFC 792 type 3 code 2; RFC 4443 section 3.4 code 1, whose pointer is the Next Header field's place.
#[test]
fn an_unknown_protocol_is_told() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let _ = rig.receive_packet(&ipv4_packet(PEER_V4, OUR_V4, IpProtocol(132), &[0; 12]));
    insta::assert_snapshot!(rig.sent(), @"> 192.0.2.2 > 192.0.2.1 icmp protocol unreachable [192.0.2.1 > 192.0.2.2 protocol 132 (12)]");
    let _ = rig.receive_packet(&ipv6_packet(PEER_V6, OUR_V6, IpProtocol(132), &[0; 12]));
    insta::assert_snapshot!(rig.sent(), @"> 2001:db8::2 > 2001:db8::1 icmp6 unrecognized next header at 6 [2001:db8::1 > 2001:db8::2 protocol 132 (12)]");
}

/// RFC 1812 section 4.3.2.3: as much as fits 576 bytes. RFC 4443 section 2.4 (c): as fits 1,280.
#[rstest]
#[case::v4_short(to_us(5), 20 + 8 + 33)]
#[case::v4_long(to_us(1400), 576)]
#[case::v6_short(datagram("[2001:db8::1]:1000", "[2001:db8::2]:7", 5), 40 + 8 + 53)]
#[case::v6_long(datagram("[2001:db8::1]:1000", "[2001:db8::2]:7", 1400), 1280)]
fn an_error_quotes_as_much_as_fits(#[case] packet: Vec<u8>, #[case] len: usize) {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let _ = rig.receive_packet(&packet);
    let error = rig.frames().remove(0).split_off(14);
    assert_eq!(error.len(), len);
    let quote = &error[len - (len - if error[0] >> 4 == 4 { 28 } else { 48 })..];
    assert_eq!(quote, &packet[..quote.len()]);
}

/// The padding of a short frame is no part of the packet.
#[test]
fn padding_is_not_quoted() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let mut packet = to_us(1);
    packet.resize(46, 0);
    let _ = rig.receive_packet(&packet);
    assert_eq!(rig.frames()[0].len(), 14 + 28 + 29);
}

/// The `n`th of the destinations, as IP and Ethernet address.
#[rstest]
#[case::the_subnets_broadcast("192.0.2.255:7", [0xff; 6])]
#[case::limited_broadcast("255.255.255.255:7", [0xff; 6])]
#[case::all_hosts("224.0.0.1:7", [1, 0, 0x5e, 0, 0, 1])]
fn never_to_a_packet_for_many(#[case] to: &str, #[case] station: [u8; 6]) {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let frame = ethernet(EthernetAddress(station), PEER_MAC, &datagram("192.0.2.1:1000", to, 5));
    assert_eq!(rig.receive(&frame), Verdict::Dropped(DropReason::UdpNoSocket));
    assert_eq!(rig.drops(DropReason::NoAnswerOwed), 1);
    assert_eq!(rig.sent(), "");
}

/// RFC 4443 section 2.4 (e.3, e.4): neither for a multicast destination nor for a link-layer group.
#[rstest]
#[case::ipv6_group("[ff02::1]:7", [0x33, 0x33, 0, 0, 0, 1])]
#[case::link_layer_broadcast("[2001:db8::2]:7", [0xff; 6])]
#[case::link_layer_group("[2001:db8::2]:7", [0x33, 0x33, 0, 0, 0, 1])]
fn never_to_an_ipv6_packet_for_many(#[case] to: &str, #[case] station: [u8; 6]) {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let frame = ethernet(EthernetAddress(station), PEER_MAC, &datagram("[2001:db8::1]:1000", to, 5));
    assert_eq!(rig.receive(&frame), Verdict::Dropped(DropReason::UdpNoSocket));
    assert_eq!(rig.sent(), "");
}

#[test]
fn never_to_the_unspecified_source() {
    let mut rig = Rig::new();
    let _ = rig.receive_packet(&datagram("[::]:1000", "[2001:db8::2]:7", 5));
    let _ = rig.receive_packet(&ipv6_packet("::".parse().unwrap(), OUR_V6, IpProtocol(132), &[0; 12]));
    assert_eq!(rig.sent(), "");
}

/// RFC 1122 section 3.2.2: not about an error, nor about any fragment but the first.
#[test]
fn never_to_an_error_or_a_fragment() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let unreachable = Icmpv4Header::DestinationUnreachable { code: 3, next_hop_mtu: 0 };
    let _ = rig.receive_packet(&icmpv4_packet(PEER_V4, OUR_V4, unreachable, &to_us(5)));
    let mut fragment = to_us(5);
    fragment[7] = 1;
    ipv4::fill_checksum(&mut fragment);
    let _ = rig.receive_packet(&fragment);
    assert_eq!(rig.sent(), "");
}

/// A rig with the peer as its router, and a datagram of one of 10,000 distant sources.
fn routed() -> (Rig, impl Fn(u32) -> Vec<u8>) {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let route = Route::via("0.0.0.0".parse().unwrap(), 0, PEER_V4.into(), rig.interface);
    rig.stack.add_route(route).unwrap();
    let from = |n: u32| SocketAddr::new(core::net::Ipv4Addr::from_bits(0xc612_0000 + n % 10_000).into(), 1000);
    (rig, move |n| udp_packet(from(n), socket("192.0.2.2:7"), b"hello"))
}

/// In ten seconds of a flood from many: never more than 100 in a second, and not much less.
#[test]
fn a_hundred_a_second() {
    let (mut rig, datagram) = routed();
    let mut sent = Vec::new();
    for n in 0..100_000 {
        rig.now += Duration::from_micros(100);
        let _ = rig.receive_packet(&datagram(n));
        sent.extend(rig.frames().iter().map(|_| rig.now));
    }
    let second = |from: &crate::Instant| {
        sent.iter().filter(|at| *at >= from && at.since(*from) < Duration::from_secs(1)).count()
    };
    let busiest = sent.iter().map(second).max().unwrap();
    assert!(busiest <= 100, "{busiest}");
    assert!(sent.len() >= 900, "{}", sent.len());
    let held_back = rig.drops(DropReason::RateLimited) + rig.drops(DropReason::IcmpSourceLimited);
    assert_eq!(held_back, 100_000 - sent.len() as u64);
}

/// One source gets six at once, and one more each second; that leaves the others what is theirs.
#[test]
fn six_to_one_source() {
    let (mut rig, datagram) = routed();
    let burst = |rig: &mut Rig, source: u32| -> usize {
        (0..20)
            .map(|_| {
                let _ = rig.receive_packet(&datagram(source));
                rig.frames().len()
            })
            .sum()
    };
    assert_eq!(burst(&mut rig, 1), 6);
    assert_eq!(rig.drops(DropReason::IcmpSourceLimited), 14);
    assert!(burst(&mut rig, 2) > 0);
    rig.now += Duration::from_millis(999);
    assert_eq!(burst(&mut rig, 1), 0);
    rig.now += Duration::from_millis(1);
    assert_eq!(burst(&mut rig, 1), 1);
    rig.now += Duration::from_secs(6);
    assert_eq!(burst(&mut rig, 1), 6);
}

/// As many sources as there are take no more memory, and the buckets go round among all of them.
#[test]
fn the_sources_told_apart_are_bounded() {
    let limits = Limits { icmp_sources: 4, ..Limits::default() };
    let config = Config { limits, icmp_errors_per_second: 1_000_000, ..Config::default() };
    let mut rig = Rig::with(config, Capabilities::plain(1500));
    rig.introduce_peer();
    rig.stack.add_route(Route::via("0.0.0.0".parse().unwrap(), 0, PEER_V4.into(), rig.interface)).unwrap();
    let (_, datagram) = routed();
    for n in 0..1000 {
        let _ = rig.receive_packet(&datagram(n));
        rig.discard();
    }
    assert_eq!(rig.counter("icmp.errors_sent"), 4 * 6);
    assert_eq!(rig.drops(DropReason::IcmpSourceLimited), 1000 - 4 * 6);
}

/// What others were sent can't be counted: the burst differs from one refill to the next.
#[test]
fn the_burst_is_jittered() {
    let (mut rig, datagram) = routed();
    let mut burst = || {
        rig.now += Duration::from_secs(10);
        for n in 0..100 {
            let _ = rig.receive_packet(&datagram(n));
        }
        rig.frames().len()
    };
    let bursts: Vec<usize> = (0..20).map(|_| burst()).collect();
    assert!(bursts.iter().all(|burst| (7..=10).contains(burst)), "{bursts:?}");
    assert!(bursts.iter().any(|burst| *burst != bursts[0]), "{bursts:?}");
}

#[test]
fn none_where_the_configuration_says_so() {
    let config = Config { icmp_errors_per_second: 0, ..Config::default() };
    let mut rig = Rig::with(config, Capabilities::plain(1500));
    rig.introduce_peer();
    let _ = rig.receive_packet(&to_us(5));
    assert_eq!(rig.sent(), "");
}

/// Answers wait in a queue of 256, the rest is counted.
#[test]
fn the_control_queue_is_bounded() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let ping = echo_request(PEER_V4.into(), OUR_V4.into(), 8);
    let verdicts: Vec<Verdict> = (0..300).map(|_| rig.receive_packet(&ping)).collect();
    assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::Accepted).count(), 256);
    assert_eq!(verdicts[256], Verdict::Dropped(DropReason::ControlQueueFull));
    assert_eq!(rig.frames().len(), 256);
}

/// The answer goes where the routes say, from the address that was asked.
#[test]
fn an_error_comes_from_the_address_that_was_asked() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let second = SocketAddr::from(([192, 0, 2, 99], 7));
    rig.stack
        .add_address(rig.now, rig.interface, crate::InterfaceAddress { address: second.ip(), prefix_len: 24 })
        .unwrap();
    let _ = rig.receive_packet(&udp_packet(socket("192.0.2.1:1000"), second, b""));
    insta::assert_snapshot!(rig.sent(), @"> 192.0.2.99 > 192.0.2.1 icmp port unreachable [192.0.2.1 > 192.0.2.99 udp 1000 > 7 (0)]");
}
