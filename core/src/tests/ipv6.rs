//! The checks on an IPv6 packet and its extension headers (RFC 8200, 5095, 6946, 8504).

use alloc::vec::Vec;
use core::net::Ipv6Addr;
use rstest::rstest;

use super::rig::*;
use crate::wire::ipv4::IpProtocol;
use crate::{DropReason, Verdict};

const ICMPV6: u8 = 58;
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const DESTINATION: u8 = 60;

fn ping() -> Vec<u8> {
    echo_request(PEER_V6.into(), OUR_V6.into(), 8)
}

/// A ping behind extension headers, each as its protocol number and the bytes after the first.
fn behind<B: AsRef<[u8]>>(headers: &[(u8, B)]) -> Vec<u8> {
    let mut packet = ping();
    let mut at = 40;
    let mut next = 6;
    for (protocol, rest) in headers {
        let rest = rest.as_ref();
        packet[next] = *protocol;
        packet.splice(at..at, core::iter::once(ICMPV6).chain(rest.iter().copied()));
        next = at;
        at += 1 + rest.len();
    }
    let payload_len = (packet.len() - 40) as u16;
    packet[4..6].copy_from_slice(&payload_len.to_be_bytes());
    packet
}

/// An options header of 8 bytes with one option.
const fn option(kind: u8) -> [u8; 7] {
    [0, kind, 4, 0, 0, 0, 0]
}

const PADDING: [u8; 7] = option(1);
const NO_SEGMENTS_LEFT: [u8; 7] = [0, 0, 0, 0, 0, 0, 0];
const ATOMIC: [u8; 7] = [0, 0, 0, 0, 0, 0, 9];

fn src(src: &str) -> Vec<u8> {
    echo_request(src.parse().unwrap(), OUR_V6.into(), 8)
}

fn dst(dst: &str) -> Vec<u8> {
    echo_request(PEER_V6.into(), dst.parse().unwrap(), 8)
}

fn changed(at: usize, byte: u8) -> Vec<u8> {
    let mut packet = ping();
    packet[at] = byte;
    packet
}

#[rstest]
#[case::truncated(ping()[..39].to_vec(), DropReason::Ipv6Truncated)]
#[case::version(changed(0, 0x40), DropReason::Ipv6Version)]
#[case::payload_length_beyond_the_frame(changed(5, 17), DropReason::Ipv6PayloadLength)]
#[case::jumbogram({ let mut packet = behind(&[(HOP_BY_HOP, PADDING)]); packet[5] = 0; packet }, DropReason::Ipv6PayloadLength)]
#[case::no_payload(changed(5, 0), DropReason::Icmpv6Truncated)]
#[case::anothers_address(dst("2001:db8::3"), DropReason::Ipv6NotOurs)]
#[case::loopback_destination(dst("::1"), DropReason::Ipv6NotOurs)]
#[case::a_group_we_are_not_in(dst("ff02::fb"), DropReason::Ipv6NotOurs)]
#[case::multicast_source(src("ff02::1"), DropReason::Ipv6Source)]
#[case::loopback_source(src("::1"), DropReason::Ipv6Source)]
#[case::orchid_source(src("2001:10::1"), DropReason::Ipv6Source)]
#[case::our_own_source(src("2001:db8::2"), DropReason::Ipv6Source)]
#[case::unspecified_source(src("::"), DropReason::Ipv6Source)]
fn refused(#[case] packet: Vec<u8>, #[case] reason: DropReason) {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let frame = [&OUR_MAC.0[..], &PEER_MAC.0, &[0x86, 0xdd], &packet].concat();
    assert_eq!(rig.receive(&frame), Verdict::Dropped(reason));
    assert_eq!(rig.drops(reason), 1);
    assert_eq!(rig.sent(), "");
}

#[rstest]
#[case::hop_by_hop(&[(HOP_BY_HOP, PADDING)])]
#[case::destination_options(&[(DESTINATION, PADDING)])]
#[case::unknown_option_to_be_skipped(&[(DESTINATION, option(0x1e))])]
#[case::routing_with_nothing_left(&[(ROUTING, NO_SEGMENTS_LEFT)])]
#[case::fragment_that_is_the_whole_packet(&[(FRAGMENT, ATOMIC)])]
#[case::all_of_them(&[(HOP_BY_HOP, PADDING), (DESTINATION, PADDING), (ROUTING, NO_SEGMENTS_LEFT), (FRAGMENT, ATOMIC), (DESTINATION, PADDING)])]
fn extension_headers_are_walked(#[case] headers: &[(u8, [u8; 7])]) {
    let mut rig = Rig::new();
    rig.introduce_peer();
    assert_eq!(rig.receive_packet(&behind(headers)), Verdict::Accepted);
    assert_eq!(rig.sent(), "> 2001:db8::2 > 2001:db8::1 icmp6 echo reply id 7 seq 1 (8)");
}

/// What a refused header is answered with: the Parameter Problem that RFC 8200 section 4 asks for, or nothing.
#[rstest]
#[case::discard(&[(DESTINATION, option(0x5e))], DropReason::Ipv6Option, "")]
#[case::discard_and_tell(&[(DESTINATION, option(0x9e))], DropReason::Ipv6Option, "unrecognized option at 42")]
#[case::discard_and_tell_unless_multicast(&[(HOP_BY_HOP, option(0xde))], DropReason::Ipv6Option, "unrecognized option at 42")]
#[case::segments_left(&[(ROUTING, [0, 0, 1, 0, 0, 0, 0])], DropReason::Ipv6Routing, "erroneous header field at 42")]
#[case::hop_by_hop_not_first(&[(DESTINATION, PADDING), (HOP_BY_HOP, PADDING)], DropReason::Ipv6Extension, "unrecognized next header at 40")]
#[case::unknown_next_header(&[(253, PADDING)], DropReason::Ipv6NextHeader, "unrecognized next header at 6")]
#[case::no_next_header(&[(59, PADDING)], DropReason::Ipv6NextHeader, "")]
#[case::option_beyond_its_header(&[(DESTINATION, [0, 0x1e, 5, 0, 0, 0, 0])], DropReason::Ipv6Extension, "")]
#[case::header_beyond_the_packet(&[(DESTINATION, [9, 1, 4, 0, 0, 0, 0])], DropReason::Ipv6Extension, "")]
fn refused_headers(#[case] headers: &[(u8, [u8; 7])], #[case] reason: DropReason, #[case] answer: &str) {
    let mut rig = Rig::new();
    rig.introduce_peer();
    assert_eq!(rig.receive_packet(&behind(headers)), Verdict::Dropped(reason));
    let sent = rig.sent();
    if answer.is_empty() {
        assert_eq!(sent, "");
    } else {
        let start = alloc::format!("> 2001:db8::2 > 2001:db8::1 icmp6 {answer} [2001:db8::1 > 2001:db8::2 ");
        assert!(sent.starts_with(&start), "{sent}");
    }
}

/// RFC 8504 section 5.3: sixteen headers, eight options in one, seven bytes of padding.
#[rstest]
#[case::headers(behind(&[(DESTINATION, PADDING); 17]))]
#[case::padding(behind(&[(DESTINATION, [1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])]))]
#[case::options(behind(&[(DESTINATION, [[2].as_slice(), &[0x1e, 0].repeat(9), &[1, 2, 0, 0]].concat())]))]
fn beyond_the_limits(#[case] packet: Vec<u8>) {
    let mut rig = Rig::new();
    rig.introduce_peer();
    assert_eq!(rig.receive_packet(&packet), Verdict::Dropped(DropReason::Ipv6ExtensionLimit));
    assert_eq!(rig.sent(), "");
}

#[test]
fn sixteen_headers_are_walked() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    assert_eq!(rig.receive_packet(&behind(&[(DESTINATION, PADDING); 16])), Verdict::Accepted);
}

/// RFC 4443 section 2.4 (e.3): the one error that is owed for a multicast packet too.
#[rstest]
#[case::told_to_groups_too(
    0x9e,
    "> 2001:db8::2 > 2001:db8::1 icmp6 unrecognized option at 42 [2001:db8::1 > ff02::1 icmp6 (16)]"
)]
#[case::told_to_unicast_only(0xde, "")]
fn unknown_options_in_multicast(#[case] kind: u8, #[case] answer: &str) {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    let mut packet = behind(&[(DESTINATION, option(kind))]);
    packet[24..40].copy_from_slice(&group.octets());
    let frame = ethernet(crate::wire::ethernet::EthernetAddress::multicast_v6(group), PEER_MAC, &packet);
    assert_eq!(rig.receive(&frame), Verdict::Dropped(DropReason::Ipv6Option));
    // The notation can't walk past the option either; what matters is the message and its quote.
    let sent = rig.sent();
    assert_eq!(sent.split(" [").next(), answer.split(" [").next());
    assert_eq!(sent.is_empty(), answer.is_empty());
}

/// RFC 4443 section 2.4 (e.1, e.2): never in answer to an error or a redirect, also behind headers.
#[rstest]
#[case::destination_unreachable(1)]
#[case::unknown_error(99)]
#[case::redirect(137)]
fn no_error_about_an_error_behind_headers(#[case] kind: u8) {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let mut packet = behind(&[(HOP_BY_HOP, PADDING), (DESTINATION, option(0x9e))]);
    packet[56] = kind;
    assert_eq!(rig.receive_packet(&packet), Verdict::Dropped(DropReason::Ipv6Option));
    assert_eq!(rig.drops(DropReason::NoAnswerOwed), 1);
    assert_eq!(rig.sent(), "");
}

#[test]
fn what_we_send() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let _ = rig.receive_packet(&ping());
    let frame = rig.frames().remove(0);
    let header = crate::wire::ipv6::Ipv6Packet::parse(&frame[14..]).unwrap().header();
    assert_eq!((header.hop_limit, header.traffic_class, header.flow_label), (64, 0, 0));
    assert_eq!(header.next_header, IpProtocol::ICMPV6);
}

/// RFC 4291 section 2.5.5.2: nobody on a wire has an IPv4-mapped address, and an answer would leave as IPv4.
#[test]
fn an_ipv4_mapped_source_is_refused() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let packet = udp_packet(socket("[::ffff:198.51.100.9]:5"), socket("[2001:db8::2]:7"), b"x");
    assert_eq!(rig.receive_packet(&packet), Verdict::Dropped(DropReason::Ipv6Source));
    assert_eq!(rig.sent(), "");
}
