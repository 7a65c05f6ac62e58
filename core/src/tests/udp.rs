//! Sockets of datagrams (RFC 768, RFC 1122 section 4.1, RFC 8200 section 8.1).

use alloc::vec;
use alloc::vec::Vec;
use core::net::SocketAddr;
use rstest::rstest;

use super::rig::*;
use crate::error::{BindError, UdpConnectError, UdpSendError};
use crate::event::Readiness;
use crate::wire::ethernet::EthernetAddress;
use crate::wire::ipv4;
use crate::{DropReason, Event, InterfaceAddress, Limits, Route, UdpOptions, Verdict};

const PEER: &str = "192.0.2.1:1000";
const PEER6: &str = "[2001:db8::1]:1000";

fn datagram(from: &str, to: &str, len: usize) -> Vec<u8> {
    udp_packet(socket(from), socket(to), &vec![0x61; len])
}

#[test]
fn a_datagram_arrives_with_all_that_is_known_of_it() {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:7");
    assert_eq!(rig.receive_packet(&datagram(PEER, "192.0.2.2:7", 5)), Verdict::Accepted);
    assert_eq!(rig.events(), [Event::Udp(handle, Readiness::READABLE)]);
    let mut socket_ = rig.stack.udp(handle).unwrap();
    assert_eq!(socket_.peek().unwrap().data, "aaaaa");
    let received = socket_.recv().unwrap();
    assert_eq!((received.from, received.to, received.at), (socket(PEER), OUR_V4.into(), rig.now));
    assert_eq!(rig.stack.udp(handle).unwrap().recv(), None);
}

/// An edge is told once, however many datagrams stand behind it.
#[test]
fn readable_is_told_once() {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:7");
    for _ in 0..3 {
        let _ = rig.receive_packet(&datagram(PEER, "192.0.2.2:7", 5));
    }
    assert_eq!(rig.events(), [Event::Udp(handle, Readiness::READABLE)]);
    assert_eq!(rig.udp_received(handle), [5, 5, 5]);
}

#[rstest]
fn lengths_from_nothing_to_the_mtu(#[values(0, 1, 511, 512, 1472)] len: usize) {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let handle = rig.udp_bind("0.0.0.0:7");
    assert_eq!(rig.receive_packet(&datagram(PEER, "192.0.2.2:7", len)), Verdict::Accepted);
    assert_eq!(rig.udp_received(handle), [len]);
    rig.udp_send(handle, &vec![0; len], PEER).unwrap();
    assert_eq!(rig.sent(), alloc::format!("> 192.0.2.2:7 > 192.0.2.1:1000 udp ({len})"));
}

#[test]
fn both_families_send() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let (v4, v6) = (rig.udp_bind("0.0.0.0:7"), rig.udp_bind("[::]:7"));
    rig.udp_send(v4, b"hello", PEER).unwrap();
    rig.udp_send(v6, b"hello", PEER6).unwrap();
    insta::assert_snapshot!(rig.sent(), @r"
    > 192.0.2.2:7 > 192.0.2.1:1000 udp (5)
    > [2001:db8::2]:7 > [2001:db8::1]:1000 udp (5)
    ");
}

/// RFC 768: 0 means that the sender computed none. RFC 8200 section 8.1: IPv6 receivers discard that.
#[rstest]
#[case::v4(PEER, "192.0.2.2:7", 20 + 6, Verdict::Accepted)]
#[case::v6(PEER6, "[2001:db8::2]:7", 40 + 6, Verdict::Dropped(DropReason::UdpChecksum))]
fn no_checksum(#[case] from: &str, #[case] to: &str, #[case] field: usize, #[case] verdict: Verdict) {
    let mut rig = Rig::new();
    rig.udp_bind("0.0.0.0:7");
    rig.udp_bind("[::]:7");
    let mut packet = datagram(from, to, 5);
    packet[field..field + 2].fill(0);
    assert_eq!(rig.receive_packet(&packet), verdict);
}

#[rstest]
#[case::checksum(&[(26, 1)], DropReason::UdpChecksum)]
#[case::length_below_8(&[(25, 7)], DropReason::UdpLength)]
#[case::length_beyond_the_packet(&[(25, 14)], DropReason::UdpTruncated)]
#[case::header_truncated(&[(3, 27)], DropReason::UdpTruncated)]
fn malformed_datagrams(#[case] changes: &[(usize, u8)], #[case] reason: DropReason) {
    let mut rig = Rig::new();
    rig.introduce_peer();
    rig.udp_bind("0.0.0.0:7");
    let mut packet = datagram(PEER, "192.0.2.2:7", 5);
    for &(at, byte) in changes {
        packet[at] = byte;
    }
    ipv4::fill_checksum(&mut packet);
    assert_eq!(rig.receive_packet(&packet), Verdict::Dropped(reason));
    assert_eq!(rig.sent(), "");
}

#[test]
fn port_zero_is_nobody() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    assert_eq!(rig.receive_packet(&datagram(PEER, "192.0.2.2:0", 5)), Verdict::Dropped(DropReason::UdpPort));
    assert_eq!(rig.sent(), "");
    let handle = rig.udp_bind("0.0.0.0:7");
    assert_eq!(rig.udp_send(handle, b"hello", "192.0.2.1:0"), Err(UdpSendError::BadDestination));
    // RFC 768: a source port of 0 means that no reply is wanted, and is legal.
    assert_eq!(rig.receive_packet(&datagram("192.0.2.1:0", "192.0.2.2:7", 5)), Verdict::Accepted);
}

#[test]
fn port_zero_binds_an_ephemeral_one() {
    let mut rig = Rig::new();
    let ports: Vec<u16> = (0..50)
        .map(|_| {
            let handle = rig.udp_bind("0.0.0.0:0");
            rig.stack.udp(handle).unwrap().local().unwrap().port()
        })
        .collect();
    assert!(ports.iter().all(|port| *port >= 32_768));
    let mut distinct = ports.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 50);
    assert!(ports.windows(2).any(|pair| pair[1] != pair[0] + 1), "RFC 6056: not to be foretold");
}

/// The socket bound to the address itself is asked first, then the one bound to all.
#[test]
fn the_exact_binding_goes_before_the_wildcard() {
    let mut rig = Rig::new();
    let second = "192.0.2.99".parse().unwrap();
    rig.stack.add_address(rig.now, rig.interface, InterfaceAddress { address: second, prefix_len: 24 }).unwrap();
    let (all, exact) = (rig.udp_bind("0.0.0.0:7"), rig.udp_bind("192.0.2.99:7"));
    let _ = rig.receive_packet(&datagram(PEER, "192.0.2.99:7", 1));
    let _ = rig.receive_packet(&datagram(PEER, "192.0.2.2:7", 2));
    assert_eq!((rig.udp_received(exact), rig.udp_received(all)), (vec![1], vec![2]));
    // One that is connected elsewhere does not hide the one behind it.
    rig.stack.udp(exact).unwrap().connect(Some(socket("192.0.2.50:9"))).unwrap();
    let _ = rig.receive_packet(&datagram(PEER, "192.0.2.99:7", 3));
    assert_eq!((rig.udp_received(exact), rig.udp_received(all)), (vec![], vec![3]));
}

#[test]
fn a_connected_socket_hears_its_peer_only() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let handle = rig.udp_bind("0.0.0.0:7");
    rig.stack.udp(handle).unwrap().connect(Some(socket(PEER))).unwrap();
    assert_eq!(
        rig.receive_packet(&datagram("192.0.2.1:1001", "192.0.2.2:7", 1)),
        Verdict::Dropped(DropReason::UdpNoSocket)
    );
    let _ = rig.receive_packet(&datagram("192.0.2.9:1000", "192.0.2.2:7", 2));
    let _ = rig.receive_packet(&datagram(PEER, "192.0.2.2:7", 3));
    assert_eq!(rig.udp_received(handle), [3]);
    rig.discard();
    let now = rig.now;
    rig.stack.udp(handle).unwrap().send(now, b"hello", None).unwrap();
    insta::assert_snapshot!(rig.sent(), @"> 192.0.2.2:7 > 192.0.2.1:1000 udp (5)");
    rig.stack.udp(handle).unwrap().connect(None).unwrap();
    assert_eq!(rig.stack.udp(handle).unwrap().send(now, b"hello", None), Err(UdpSendError::NoDestination));
}

#[rstest]
#[case::port_zero("192.0.2.1:0", UdpConnectError::BadDestination)]
#[case::unspecified("0.0.0.0:7", UdpConnectError::BadDestination)]
#[case::the_other_family("[2001:db8::1]:7", UdpConnectError::BadDestination)]
#[case::no_route("198.51.100.1:7", UdpConnectError::NoRoute)]
fn connects_that_are_refused(#[case] peer: &str, #[case] error: UdpConnectError) {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:7");
    assert_eq!(rig.stack.udp(handle).unwrap().connect(Some(socket(peer))), Err(error));
}

/// RFC 3493 section 5.3: both families on one socket; here IPv4 peers keep their IPv4 addresses.
#[test]
fn dual_stack() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let options = UdpOptions { dual_stack: true, ..UdpOptions::default() };
    let handle = rig.stack.udp_bind(socket("[::]:7"), options).unwrap();
    let _ = rig.receive_packet(&datagram(PEER, "192.0.2.2:7", 1));
    let _ = rig.receive_packet(&datagram(PEER6, "[2001:db8::2]:7", 2));
    assert_eq!(rig.udp_received(handle), [1, 2]);
    rig.udp_send(handle, b"4", PEER).unwrap();
    rig.udp_send(handle, b"mapped", "[::ffff:192.0.2.1]:1000").unwrap();
    rig.udp_send(handle, b"sixth", PEER6).unwrap();
    insta::assert_snapshot!(rig.sent(), @r"
    > 192.0.2.2:7 > 192.0.2.1:1000 udp (1)
    > 192.0.2.2:7 > 192.0.2.1:1000 udp (6)
    > [2001:db8::2]:7 > [2001:db8::1]:1000 udp (5)
    ");
    assert_eq!(rig.stack.udp_bind(socket("0.0.0.0:7"), UdpOptions::default()), Err(BindError::AddressInUse));
    rig.stack.udp_release(handle).unwrap();
    rig.udp_bind("0.0.0.0:7");
    rig.udp_bind("[::]:7");
}

#[test]
fn without_dual_stack_the_families_are_apart() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let handle = rig.udp_bind("[::]:7");
    assert_eq!(rig.receive_packet(&datagram(PEER, "192.0.2.2:7", 1)), Verdict::Dropped(DropReason::UdpNoSocket));
    assert_eq!(rig.udp_send(handle, b"hello", PEER), Err(UdpSendError::BadDestination));
    rig.udp_bind("0.0.0.0:7");
}

#[rstest]
#[case::taken("0.0.0.0:7", BindError::AddressInUse)]
#[case::not_ours("192.0.2.3:8", BindError::AddressNotAvailable)]
fn binds_that_are_refused(#[case] local: &str, #[case] error: BindError) {
    let mut rig = Rig::new();
    rig.udp_bind("0.0.0.0:7");
    assert_eq!(rig.stack.udp_bind(socket(local), UdpOptions::default()), Err(error));
}

#[test]
fn as_many_sockets_as_the_limit_says() {
    let mut rig = Rig::limited(Limits { udp_sockets: 3, ..Limits::default() });
    let first = rig.udp_bind("0.0.0.0:1");
    rig.udp_bind("0.0.0.0:2");
    rig.udp_bind("0.0.0.0:3");
    assert_eq!(rig.stack.udp_bind(socket("0.0.0.0:4"), UdpOptions::default()), Err(BindError::LimitReached));
    rig.stack.udp_release(first).unwrap();
    rig.udp_bind("0.0.0.0:4");
}

/// A datagram of 100 bytes is charged 256 + 64, one of 1,000 1,024 + 64.
#[test]
fn the_receive_queue_is_bounded() {
    let mut rig = Rig::limited(Limits { udp_receive: 1024 + 64 + 2 * 320, ..Limits::default() });
    let handle = rig.udp_bind("0.0.0.0:7");
    let verdicts = [1000, 100, 100, 1].map(|len| rig.receive_packet(&datagram(PEER, "192.0.2.2:7", len)));
    assert_eq!(verdicts[..3], [Verdict::Accepted; 3]);
    assert_eq!(verdicts[3], Verdict::Dropped(DropReason::UdpQueueFull));
    assert_eq!(rig.udp_received(handle), [1000, 100, 100]);
    assert_eq!(rig.receive_packet(&datagram(PEER, "192.0.2.2:7", 1)), Verdict::Accepted);
}

#[test]
fn the_send_queue_is_bounded_and_tells_when_there_is_room() {
    let mut rig = Rig::limited(Limits { udp_send: 2 * 320, ..Limits::default() });
    rig.introduce_peer();
    let handle = rig.udp_bind("0.0.0.0:7");
    rig.udp_send(handle, b"one", PEER).unwrap();
    rig.udp_send(handle, b"two", PEER).unwrap();
    assert_eq!(rig.udp_send(handle, b"three", PEER), Err(UdpSendError::WouldBlock));
    assert_eq!(rig.events(), []);
    assert_eq!(rig.frames().len(), 2);
    assert_eq!(rig.events(), [Event::Udp(handle, Readiness::WRITABLE)]);
    rig.udp_send(handle, b"three", PEER).unwrap();
}

/// What no packet can hold is refused, and what the interface's MTU does not if the socket wants no
/// fragments (RFC 1122 section 3.3.3).
#[rstest]
#[case::v4("0.0.0.0:7", PEER, false, 65_507)]
#[case::v6("[::]:7", PEER6, false, 65_527)]
#[case::v4_unfragmented("0.0.0.0:7", PEER, true, 1500 - 28)]
#[case::v6_unfragmented("[::]:7", PEER6, true, 1500 - 48)]
fn a_message_that_is_too_long(#[case] local: &str, #[case] to: &str, #[case] dont_fragment: bool, #[case] most: usize) {
    let mut rig = Rig::new();
    let handle = rig.udp_bind(local);
    rig.stack.udp(handle).unwrap().set_dont_fragment(dont_fragment);
    assert_eq!(rig.udp_send(handle, &vec![0; most], to), Ok(()));
    assert_eq!(rig.udp_send(handle, &vec![0; most + 1], to), Err(UdpSendError::MessageTooLong));
}

#[rstest]
#[case::the_subnets("192.0.2.255:7")]
#[case::limited("255.255.255.255:7")]
fn broadcast_needs_leave(#[case] to: &str) {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:5000");
    assert_eq!(rig.udp_send(handle, b"hello", to), Err(UdpSendError::BroadcastNotAllowed));
    rig.stack.udp(handle).unwrap().set_broadcast(true);
    rig.udp_send(handle, b"hello", to).unwrap();
    let frame = rig.clone().frames().remove(0);
    assert_eq!(stations(&frame), (EthernetAddress::BROADCAST, OUR_MAC));
    assert_eq!(rig.sent(), alloc::format!("> 192.0.2.2:5000 > {to} udp (5)"));
}

#[rstest]
#[case::v4("0.0.0.0:5000", "224.0.0.251:5353", [1, 0, 0x5e, 0, 0, 0xfb])]
#[case::v6("[::]:5000", "[ff02::fb]:5353", [0x33, 0x33, 0, 0, 0, 0xfb])]
fn a_group_is_sent_to_without_resolution(#[case] local: &str, #[case] to: &str, #[case] station: [u8; 6]) {
    let mut rig = Rig::new();
    let handle = rig.udp_bind(local);
    rig.udp_send(handle, b"hello", to).unwrap();
    assert_eq!(stations(&rig.frames()[0]), (EthernetAddress(station), OUR_MAC));
}

#[test]
fn a_released_socket_is_stale_and_its_datagrams_are_gone() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let handle = rig.udp_bind("0.0.0.0:7");
    rig.udp_send(handle, b"hello", PEER).unwrap();
    let _ = rig.receive_packet(&datagram(PEER, "192.0.2.2:7", 5));
    rig.stack.udp_release(handle).unwrap();
    assert!(rig.stack.udp(handle).is_err() && rig.stack.udp_release(handle).is_err());
    assert_eq!(rig.events(), []);
    assert_eq!(rig.sent(), "");
    let again = rig.udp_bind("0.0.0.0:7");
    assert_ne!(again, handle);
}

#[test]
fn the_hop_limit_is_the_sockets() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let handle = rig.udp_bind("0.0.0.0:7");
    rig.stack.udp(handle).unwrap().set_hop_limit(Some(3));
    rig.udp_send(handle, b"hello", PEER).unwrap();
    assert_eq!(rig.frames()[0][14 + 8], 3);
}

/// RFC 768: a checksum that comes out as zero is sent as all ones.
#[test]
fn a_zero_checksum_is_sent_as_ones() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let handle = rig.udp_bind("0.0.0.0:7");
    let send = |rig: &mut Rig, data: [u8; 2]| {
        rig.udp_send(handle, &data, PEER).unwrap();
        let frame = rig.frames().remove(0);
        u16::from_be_bytes([frame[40], frame[41]])
    };
    // Two bytes of data make the sum what we like: the checksum of zeroes is what has to be added.
    let missing = send(&mut rig, [0, 0]);
    assert_eq!(send(&mut rig, missing.to_be_bytes()), 0xffff);
}

#[test]
fn peers_and_addresses_are_told() {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("192.0.2.2:7");
    let peer: SocketAddr = socket(PEER);
    rig.stack.udp(handle).unwrap().connect(Some(peer)).unwrap();
    let entry = rig.stack.udp_sockets().next().unwrap();
    assert_eq!((entry.handle, entry.local, entry.peer), (handle, socket("192.0.2.2:7"), Some(peer)));
}

/// RFC 6890: what nobody can have is no destination, whatever the routes say.
#[rstest]
#[case::this_network("0.0.0.9:7")]
#[case::reserved("240.0.0.1:7")]
#[case::protocol_assignments("192.0.0.171:7")]
#[case::orchid("[2001:10::1]:7")]
fn special_purpose_destinations(#[case] to: &str) {
    let mut rig = Rig::new();
    rig.introduce_peer();
    for (prefix, gateway) in [("0.0.0.0", PEER_V4.into()), ("::", PEER_V6.into())] {
        rig.stack.add_route(Route::via(prefix.parse().unwrap(), 0, gateway, rig.interface)).unwrap();
    }
    let handle = rig.udp_bind(if to.starts_with('[') { "[::]:5000" } else { "0.0.0.0:5000" });
    assert_eq!(rig.udp_send(handle, b"x", to), Err(UdpSendError::BadDestination));
    let refused = rig.stack.tcp_connect(rig.now, socket(to), crate::ConnectOptions::default());
    assert_eq!(refused.err(), Some(crate::error::ConnectError::BadDestination));
}

/// RFC 1122 section 3.2.1.3 (g): a loopback address never leaves a host, not by a default route either.
#[rstest]
#[case::v4("127.0.0.1:7")]
#[case::v6("[::1]:7")]
fn loopback_never_leaves(#[case] to: &str) {
    let mut rig = Rig::new();
    rig.introduce_peer();
    for (prefix, gateway) in [("0.0.0.0", PEER_V4.into()), ("::", PEER_V6.into())] {
        rig.stack.add_route(Route::via(prefix.parse().unwrap(), 0, gateway, rig.interface)).unwrap();
    }
    let handle = rig.udp_bind(if to.starts_with('[') { "[::]:5000" } else { "0.0.0.0:5000" });
    assert_eq!(rig.udp_send(handle, b"x", to), Err(UdpSendError::NoRoute));
    assert_eq!(rig.sent(), "");
}
