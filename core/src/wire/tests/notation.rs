use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::net::IpAddr;

use proptest::prelude::*;
use rstest::rstest;

use super::samples;
use crate::tcp::seq::SeqNumber;
use crate::wire::checksum::Sum;
use crate::wire::ethernet::{EtherType, EthernetAddress, EthernetHeader};
use crate::wire::icmpv4::{self, Icmpv4Header};
use crate::wire::icmpv6::{self, Icmpv6Header};
use crate::wire::ipv4::{IpProtocol, Ipv4Header};
use crate::wire::ipv6::Ipv6Header;
use crate::wire::ndp::{NeighborAdvertisement, NeighborSolicitation};
use crate::wire::notation::{Notation, Relative, parse};
use crate::wire::udp::{self, UdpHeader};

const RELATIVE: Relative = Relative { seq: SeqNumber(0xffff_ff00), ack: SeqNumber(5000) };

fn addresses(v6: bool) -> (IpAddr, IpAddr) {
    if v6 {
        ("2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap())
    } else {
        ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap())
    }
}

fn ip(v6: bool, protocol: IpProtocol, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let payload_len = payload.len() as u16;
    match addresses(v6) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => Ipv4Header {
            tos: 0,
            payload_len,
            id: 7,
            dont_fragment: false,
            more_fragments: false,
            fragment_offset: 0,
            ttl: 64,
            protocol,
            src,
            dst,
        }
        .emit(&mut out),
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            Ipv6Header { traffic_class: 0, flow_label: 0, payload_len, next_header: protocol, hop_limit: 64, src, dst }
                .emit(&mut out);
        }
        _ => unreachable!(),
    }
    out.extend_from_slice(payload);
    out
}

fn frame(ethertype: EtherType, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let station = EthernetAddress([2, 0, 0, 0, 0, 1]);
    EthernetHeader { dst: EthernetAddress::BROADCAST, src: station, ethertype }.emit(&mut out);
    out.extend_from_slice(payload);
    out
}

pub(super) fn short(packet: &[u8]) -> String {
    Notation { relative: RELATIVE, ..Notation::default() }.packet(packet).to_string()
}

fn full(packet: &[u8]) -> String {
    Notation { relative: RELATIVE, full: true, prefix: "< " }.packet(packet).to_string()
}

#[rstest]
#[case("S 0:0(0) win 65535 <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7>")]
#[case("S. 0:0(0) ack 1 win 65535 <mss 1460>")]
#[case(". 1:1(0) ack 1 win 320")]
#[case("P. 1:1001(1000) ack 1 win 320 <nop,nop,TS val 5 ecr 6,nop,nop,sack 2001:3001 4001:5001>")]
#[case("F. 1:1(0) ack 1 win 0")]
#[case("SFRP.UEWA 0:3(3) ack 4294967295 win 1 urg 9")]
#[case("R 4294967295:4294967295(0) win 0")]
#[case("- 1:2(1) win 0")]
#[case("S 0:0(0) win 0 <nop,nop,sackOK>")]
fn a_printed_segment_is_the_parsed_one(#[case] line: &str, #[values(false, true)] v6: bool) {
    let segment = parse(line, 7, 40_000, RELATIVE).unwrap();
    let (src, dst) = addresses(v6);
    let payload = vec![0x61; segment.payload_len as usize];
    let packet = segment.to_packet(src, dst, &payload);
    assert_eq!(short(&packet), line);
}

#[test]
fn absolute_numbers_and_nops_are_free() {
    let segment = parse("< . 1:1001(1000) ack 1 win 320 <sack 2001:3001, TS val 5 ecr 6>", 7, 8, RELATIVE).unwrap();
    assert_eq!(segment.header.seq, SeqNumber(0xffff_ff01));
    assert_eq!(segment.header.ack, SeqNumber(5001));
    assert_eq!(segment.options.sack[0].end, SeqNumber(8001));
    let (src, dst) = addresses(false);
    let packet = segment.to_packet(src, dst, &[0; 1000]);
    assert_eq!(
        Notation::default().packet(&packet).to_string(),
        ". 4294967041:745(1000) ack 5001 win 320 <nop,nop,TS val 5 ecr 6,nop,nop,sack 7001:8001>"
    );
    assert_eq!(
        Notation { prefix: "> ", relative: RELATIVE, full: true }.packet(&packet).to_string(),
        "> 192.0.2.1:7 > 192.0.2.2:8 tcp . 1:1001(1000) ack 1 win 320 <nop,nop,TS val 5 ecr 6,nop,nop,sack 2001:3001>"
    );
}

#[test]
fn the_other_direction() {
    assert_eq!(RELATIVE.reversed(), Relative { seq: RELATIVE.ack, ack: RELATIVE.seq });
}

#[rstest]
#[case("", "", "flags")]
#[case("X 0:0(0)", "X", "flags")]
#[case("S", "", "1:1001(1000)")]
#[case("S 0:0", "0:0", "1:1001(1000)")]
#[case("S 0:5(4)", "0:5(4)", "as long as")]
#[case(". 1:1(0) win 5", "", "ack")]
#[case("S 0:0(0) ack 1 win 5", "ack", "flags")]
#[case(". 1:1(0) ack x", "x", "a number")]
#[case(". 1:1(0) ack 1 win 65536", "65536", "a number")]
#[case(". 1:1(0) ack 1 wim 5", "wim", "win N")]
#[case("S 0:0(0) win 5 <mss 1460", "mss 1460", ">")]
#[case("S 0:0(0) win 5 <mss>", "", "a number")]
#[case("S 0:0(0) win 5 <mss 1460 nop>", "nop", "a comma")]
#[case("S 0:0(0) win 5 <foo 1>", "foo 1", "an option")]
#[case("S 0:0(0) win 5 <TS val 1 echo 2>", "echo", "ecr")]
#[case(". 1:1(0) ack 1 <sack>", "sack", "one to four")]
#[case(". 1:1(0) ack 1 <sack 5>", "5", "2001:3001")]
fn errors_name_the_token(#[case] line: &str, #[case] token: &str, #[case] expected: &str) {
    let error = parse(line, 1, 2, Relative::default()).unwrap_err();
    assert_eq!(error.token, token);
    assert!(error.expected.contains(expected), "{error}");
}

fn udp_payload(v6: bool) -> Vec<u8> {
    let mut datagram = Vec::new();
    UdpHeader { src_port: 1000, dst_port: 7, payload_len: 5 }.emit(&mut datagram);
    datagram.extend_from_slice(b"hello");
    let pseudo_header = match addresses(v6) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => Sum::pseudo_header_v4(src, dst, IpProtocol::UDP, 13),
        (IpAddr::V6(src), IpAddr::V6(dst)) => Sum::pseudo_header_v6(src, dst, IpProtocol::UDP, 13),
        _ => unreachable!(),
    };
    udp::fill_checksum(pseudo_header, &mut datagram);
    datagram
}

#[test]
fn udp_short_full_and_wrong() {
    let mut packet = ip(true, IpProtocol::UDP, &udp_payload(true));
    assert_eq!(short(&packet), "udp 1000 > 7 (5)");
    assert_eq!(full(&packet), "< [2001:db8::1]:1000 > [2001:db8::2]:7 udp (5)");
    packet[50] ^= 1;
    assert_eq!(short(&packet), "udp 1000 > 7 (5) [bad checksum]");
    let packet = ip(false, IpProtocol::UDP, &samples::UDP);
    assert_eq!(short(&packet), "udp 1000 > 7 (5) [no checksum]");
}

#[test]
fn a_checksum_left_to_the_device_is_not_wrong() {
    let (IpAddr::V4(src), IpAddr::V4(dst)) = addresses(false) else { unreachable!() };
    let mut segment = samples::TCP;
    let folded = Sum::pseudo_header_v4(src, dst, IpProtocol::TCP, segment.len()).fold();
    let wrong = ip(false, IpProtocol::TCP, &segment);
    assert!(short(&wrong).ends_with("[bad checksum]"));
    segment[16..18].copy_from_slice(&folded.to_be_bytes());
    let partial = ip(false, IpProtocol::TCP, &segment);
    assert!(short(&partial).ends_with("<nop,nop,TS val 5 ecr 6>"));
}

#[rstest]
#[case(Icmpv4Header::EchoRequest { id: 1, seq: 2 }, &[0; 56], "icmp echo request id 1 seq 2 (56)")]
#[case(Icmpv4Header::EchoReply { id: 1, seq: 2 }, &[], "icmp echo reply id 1 seq 2 (0)")]
#[case(Icmpv4Header::DestinationUnreachable { code: 3, next_hop_mtu: 0 }, &[], "icmp port unreachable")]
#[case(Icmpv4Header::DestinationUnreachable { code: 4, next_hop_mtu: 1400 }, &[], "icmp fragmentation needed mtu 1400")]
#[case(Icmpv4Header::TimeExceeded { code: 0 }, &[], "icmp ttl exceeded")]
#[case(Icmpv4Header::Other { kind: 13, code: 0, rest: [0; 4] }, &[0; 12], "icmp type 13 code 0 (12)")]
fn icmp(#[case] header: Icmpv4Header, #[case] payload: &[u8], #[case] line: &str) {
    let mut message = Vec::new();
    header.emit(&mut message);
    message.extend_from_slice(payload);
    icmpv4::fill_checksum(&mut message);
    assert_eq!(short(&ip(false, IpProtocol::ICMP, &message)), line);
    message[1] ^= 0x80;
    assert!(short(&ip(false, IpProtocol::ICMP, &message)).ends_with("[bad checksum]"));
}

#[test]
fn an_icmp_error_shows_its_quote() {
    let mut message = Vec::new();
    Icmpv4Header::DestinationUnreachable { code: 3, next_hop_mtu: 0 }.emit(&mut message);
    message.extend_from_slice(&ip(false, IpProtocol::UDP, &udp_payload(false))[..28]);
    icmpv4::fill_checksum(&mut message);
    let packet = ip(false, IpProtocol::ICMP, &message);
    assert_eq!(short(&packet), "icmp port unreachable [udp 1000 > 7 (5)]");
    assert_eq!(full(&packet), "< 192.0.2.1 > 192.0.2.2 icmp port unreachable [192.0.2.1 > 192.0.2.2 udp 1000 > 7 (5)]");

    let (src, dst) = addresses(true);
    let quoted = parse("S 0:0(0)", 40_000, 7, RELATIVE.reversed()).unwrap().to_packet(src, dst, &[]);
    let packet = icmp6_packet(Icmpv6Header::PacketTooBig { mtu: 1280 }, &quoted);
    assert_eq!(short(&packet), "icmp6 packet too big mtu 1280 [tcp 40000 > 7 seq 0]");
}

fn icmp6_packet(header: Icmpv6Header, payload: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    header.emit(&mut message);
    message.extend_from_slice(payload);
    icmp6_of(message)
}

pub(super) fn icmp6_of(mut message: Vec<u8>) -> Vec<u8> {
    let (IpAddr::V6(src), IpAddr::V6(dst)) = addresses(true) else { unreachable!() };
    let pseudo_header = Sum::pseudo_header_v6(src, dst, IpProtocol::ICMPV6, message.len());
    icmpv6::fill_checksum(pseudo_header, &mut message);
    ip(true, IpProtocol::ICMPV6, &message)
}

#[rstest]
#[case(Icmpv6Header::EchoRequest { id: 1, seq: 2 }, "icmp6 echo request id 1 seq 2 (4)")]
#[case(Icmpv6Header::DestinationUnreachable { code: 4 }, "icmp6 port unreachable")]
#[case(Icmpv6Header::ParameterProblem { code: 1, pointer: 40 }, "icmp6 unrecognized next header at 40")]
#[case(Icmpv6Header::Other { kind: 135, code: 0, rest: [0; 4] }, "icmp6 malformed: ndp.invalid")]
fn icmp6(#[case] header: Icmpv6Header, #[case] line: &str) {
    assert_eq!(short(&icmp6_packet(header, &[0; 4])), line);
}

#[test]
fn neighbor_discovery() {
    let station = EthernetAddress([2, 0, 0, 0, 0, 1]);
    let target = "fe80::1".parse().unwrap();
    let mut message = Vec::new();
    NeighborSolicitation { target, source_link_layer: Some(station), nonce: None }.emit(&mut message);
    let line = "icmp6 neighbor solicitation target fe80::1 source 02:00:00:00:00:01";
    assert_eq!(short(&icmp6_of(message)), line);

    let mut message = Vec::new();
    NeighborAdvertisement { router: false, solicited: true, overrides: true, target, target_link_layer: Some(station) }
        .emit(&mut message);
    let line = "icmp6 neighbor advertisement target fe80::1 is-at 02:00:00:00:00:01 solicited override";
    assert_eq!(short(&icmp6_of(message)), line);
}

/// IGMP and MLD: the version stands behind the protocol's name.
#[test]
fn membership() {
    use crate::wire::membership::{GroupRecord, RecordKind};
    let (group, source) = ([233, 252, 0, 1].into(), [192, 0, 2, 9].into());
    let records = [
        GroupRecord { kind: RecordKind::ToExclude, group, sources: vec![] },
        GroupRecord { kind: RecordKind::Block, group, sources: vec![source, source] },
    ];
    let mut message = Vec::new();
    crate::wire::igmp::emit_records(&records, &mut message);
    let igmp = |message: &[u8]| short(&ip(false, IpProtocol::IGMP, message));
    assert_eq!(
        igmp(&message),
        "igmp3 report to_ex 233.252.0.1 {}, block 233.252.0.1 {192.0.2.9,192.0.2.9} [bad checksum]"
    );
    crate::wire::igmp::fill_checksum(&mut message);
    assert!(!igmp(&message).contains("bad"));
    let message = [0x11, 25, 0xec, 0x69, 0, 0, 0, 0, 2, 125, 0, 0];
    assert_eq!(igmp(&message), "igmp3 query general within 2.500 s robustness 2 interval 125 s");
    let mut message = Vec::new();
    crate::wire::mld::emit_done("ff02::fb".parse().unwrap(), &mut message);
    assert_eq!(short(&icmp6_of(message)), "icmp6 mld1 leave ff02::fb");
    assert_eq!(short(&icmp6_of(vec![143, 0, 0, 0, 0, 0, 0, 1])), "icmp6 malformed: mld.truncated");
}

#[test]
fn frames() {
    let notation = Notation { prefix: "> ", ..Notation::default() };
    let line = |bytes: &[u8]| notation.frame(bytes).to_string();
    let request = frame(EtherType::Arp, &samples::ARP_REQUEST);
    assert_eq!(line(&request), "> arp who-has 192.0.2.2 tell 192.0.2.1");
    let mut reply = request.clone();
    reply[21] = 2;
    assert_eq!(line(&reply), "> arp 192.0.2.1 is-at 02:00:00:00:00:01");
    assert_eq!(line(&request[..20]), "> malformed: arp.truncated");
    assert_eq!(line(&frame(EtherType(0x88cc), &[0; 46])), "> ethertype 0x88cc (46)");
    assert_eq!(line(&frame(EtherType::Ipv6, &[])), "> malformed: ipv6.truncated");
    assert_eq!(line(&frame(EtherType::Ipv4, &ip(false, IpProtocol(89), &[0; 8]))), "> protocol 89 (8)");
    assert_eq!(line(&[]), "> malformed: ethernet.truncated");
}

#[test]
fn fragments_are_told_as_such() {
    let mut packet = ip(false, IpProtocol::UDP, &[0; 8]);
    packet[6..8].copy_from_slice(&[0x20, 185]);
    crate::wire::ipv4::fill_checksum(&mut packet);
    assert_eq!(short(&packet), "fragment id 7 offset 1480 more udp (8)");
    let packet = ip(true, IpProtocol::FRAGMENT, &[6, 0, 0, 8, 0, 0, 0, 9, 1, 2]);
    assert_eq!(short(&packet), "fragment id 9 offset 8 tcp (2)");
}

proptest! {
    #[test]
    fn any_text_is_a_segment_or_an_error(text in "[SF.RP<> 0-9:(),a-zA-Z]{0,60}") {
        let _ = parse(&text, 1, 2, RELATIVE);
    }
}

/// RFC 4884: the objects that a router has added stand behind the quote.
#[test]
fn extensions_of_an_error() {
    let mut message = Vec::from([11, 0, 0, 0, 0, 32, 0, 0]);
    let mut quote = samples::ipv4();
    quote.resize(128, 0);
    message.extend_from_slice(&quote);
    message.extend_from_slice(&[0x20, 0, 0, 0, 0, 8, 1, 1, 1, 2, 3, 4]);
    icmpv4::fill_checksum(&mut message);
    let mut packet = Vec::new();
    Ipv4Header {
        tos: 0,
        payload_len: message.len() as u16,
        id: 0,
        dont_fragment: true,
        more_fragments: false,
        fragment_offset: 0,
        ttl: 64,
        protocol: IpProtocol::ICMP,
        src: [192, 0, 2, 9].into(),
        dst: [192, 0, 2, 1].into(),
    }
    .emit(&mut packet);
    packet.extend_from_slice(&message);
    assert_eq!(Notation::default().packet(&packet).to_string(), "icmp ttl exceeded [udp (4)] <object 1/1 (4)>");
}
