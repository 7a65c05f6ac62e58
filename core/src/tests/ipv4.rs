//! The checks on an IPv4 packet (RFC 791, RFC 1122 section 3.2.1, RFC 7126).

use alloc::vec::Vec;
use core::net::Ipv4Addr;
use rstest::rstest;

use super::rig::*;
use crate::wire::ipv4::{self, IpProtocol, Ipv4Header};
use crate::{Capabilities, Config, DropReason, Verdict, options};

/// A ping of 8 bytes: 36 bytes in all.
fn ping() -> Vec<u8> {
    echo_request(PEER_V4.into(), OUR_V4.into(), 8)
}

/// A changed byte, and the header checksum made right again.
fn changed(at: usize, byte: u8) -> Vec<u8> {
    let mut packet = ping();
    packet[at] = byte;
    ipv4::fill_checksum(&mut packet);
    packet
}

fn from(src: [u8; 4]) -> Vec<u8> {
    echo_request(Ipv4Addr::from(src).into(), OUR_V4.into(), 8)
}

fn to(dst: [u8; 4]) -> Vec<u8> {
    echo_request(PEER_V4.into(), Ipv4Addr::from(dst).into(), 8)
}

#[rstest]
#[case::truncated(ping()[..19].to_vec(), DropReason::Ipv4Truncated)]
#[case::empty(Vec::new(), DropReason::Ipv4Truncated)]
#[case::version(changed(0, 0x55), DropReason::Ipv4Version)]
#[case::ihl_below_5(changed(0, 0x44), DropReason::Ipv4HeaderLength)]
#[case::ihl_beyond_the_packet(changed(0, 0x4f), DropReason::Ipv4HeaderLength)]
#[case::total_length_below_the_header(changed(3, 19), DropReason::Ipv4TotalLength)]
#[case::total_length_beyond_the_frame(changed(3, 37), DropReason::Ipv4TotalLength)]
#[case::checksum({ let mut packet = ping(); packet[8] -= 1; packet }, DropReason::Ipv4Checksum)]
#[case::anothers_address(to([192, 0, 2, 3]), DropReason::Ipv4NotOurs)]
#[case::a_group_we_are_not_in(to([224, 0, 0, 251]), DropReason::Ipv4NotOurs)]
#[case::loopback_destination(to([127, 0, 0, 1]), DropReason::Ipv4NotOurs)]
#[case::another_subnets_broadcast(to([198, 51, 100, 255]), DropReason::Ipv4NotOurs)]
#[case::unspecified_source(from([0; 4]), DropReason::Ipv4Source)]
#[case::this_network(from([0, 1, 2, 3]), DropReason::Ipv4Source)]
#[case::loopback_source(from([127, 1, 2, 3]), DropReason::Ipv4Source)]
#[case::multicast_source(from([224, 0, 0, 1]), DropReason::Ipv4Source)]
#[case::reserved_source(from([240, 0, 0, 1]), DropReason::Ipv4Source)]
#[case::limited_broadcast_source(from([255; 4]), DropReason::Ipv4Source)]
#[case::protocol_assignments_source(from([192, 0, 0, 64]), DropReason::Ipv4Source)]
#[case::subnet_broadcast_source(from([192, 0, 2, 255]), DropReason::Ipv4Source)]
#[case::our_own_source(from([192, 0, 2, 2]), DropReason::Ipv4Source)]
fn refused(#[case] packet: Vec<u8>, #[case] reason: DropReason) {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let frame = [&OUR_MAC.0[..], &PEER_MAC.0, &[8, 0], &packet].concat();
    assert_eq!(rig.receive(&frame), Verdict::Dropped(reason));
    assert_eq!(rig.drops(reason), 1);
    assert_eq!(rig.sent(), "");
}

/// A ping with options behind its header.
fn with_options(options: &[u8]) -> Vec<u8> {
    let plain = ping();
    let header = Ipv4Header {
        tos: 0,
        payload_len: 16,
        id: 1,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        ttl: 64,
        protocol: IpProtocol::ICMP,
        src: PEER_V4,
        dst: OUR_V4,
    };
    let mut packet = Vec::new();
    header.emit_with_options(options, &mut packet);
    packet.extend_from_slice(&plain[20..]);
    packet
}

/// RFC 1122 section 3.2.1.8: options are passed over, whatever they are, unless they are malformed.
#[rstest]
#[case::padding(&[0, 0, 0, 0])]
#[case::no_operations(&[1, 1, 1, 1])]
#[case::router_alert(&[148, 4, 0, 0])]
#[case::timestamp(&[68, 8, 5, 0, 0, 0, 0, 0])]
#[case::record_route(&[7, 7, 4, 0, 0, 0, 0])]
#[case::unknown(&[30, 3, 0, 1])]
#[case::lies_behind_the_end_of_the_list(&[0, 131, 1, 0])]
fn options_are_passed_over(#[case] options: &[u8]) {
    let mut rig = Rig::new();
    rig.introduce_peer();
    assert_eq!(rig.receive_packet(&with_options(options)), Verdict::Accepted);
    // RFC 1122 section 3.2.2.6 lets the reply carry none of them.
    assert_eq!(rig.sent(), "> 192.0.2.2 > 192.0.2.1 icmp echo reply id 7 seq 1 (8)");
}

/// RFC 1122 section 3.2.2.5: the sender of a malformed option is told where; RFC 7126 section 4.3: source
/// routes are dropped without a word.
#[rstest]
#[case::loose_source_route(&[131, 7, 4, 192, 0, 2, 2], DropReason::Ipv4SourceRoute, None)]
#[case::strict_source_route(&[137, 7, 8, 192, 0, 2, 2], DropReason::Ipv4SourceRoute, None)]
#[case::source_route_behind_others(&[1, 148, 4, 0, 0, 131, 3, 4], DropReason::Ipv4SourceRoute, None)]
#[case::length_0(&[7, 0, 0, 0], DropReason::Ipv4Option, Some(21))]
#[case::length_1(&[7, 1, 0, 0], DropReason::Ipv4Option, Some(21))]
#[case::beyond_the_header(&[7, 5, 0, 0], DropReason::Ipv4Option, Some(21))]
#[case::behind_others(&[1, 148, 4, 0, 0, 1, 7, 9], DropReason::Ipv4Option, Some(27))]
#[case::kind_in_the_last_byte(&[1, 1, 1, 7], DropReason::Ipv4Option, Some(23))]
fn bad_options_are_refused(#[case] options: &[u8], #[case] reason: DropReason, #[case] pointer: Option<u8>) {
    let mut rig = Rig::new();
    rig.introduce_peer();
    assert_eq!(rig.receive_packet(&with_options(options)), Verdict::Dropped(reason));
    let sent = rig.sent();
    match pointer {
        Some(pointer) => {
            let start =
                alloc::format!("> 192.0.2.2 > 192.0.2.1 icmp parameter problem pointer {pointer} [192.0.2.1 > ");
            assert!(sent.starts_with(&start), "{sent}");
        }
        None => assert_eq!(sent, ""),
    }
}

/// By option, what was routed here by its source is taken; a route that goes on would need a router.
#[test]
fn source_routes_by_option() {
    let mut config = Config::default();
    options::set(&mut config, "ip.source_routes", "true").unwrap();
    let mut rig = Rig::with(config, Capabilities::plain(1500));
    rig.introduce_peer();
    assert_eq!(rig.receive_packet(&with_options(&[131, 7, 8, 192, 0, 2, 2])), Verdict::Accepted);
    assert_eq!(rig.sent(), "> 192.0.2.2 > 192.0.2.1 icmp echo reply id 7 seq 1 (8)");
    let goes_on = with_options(&[137, 7, 4, 198, 51, 100, 1]);
    assert_eq!(rig.receive_packet(&goes_on), Verdict::Dropped(DropReason::Ipv4SourceRoute));
    assert!(rig.sent().starts_with("> 192.0.2.2 > 192.0.2.1 icmp source route failed ["));
}

#[test]
fn padding_of_the_frame_is_not_taken_for_the_packet() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let mut packet = ping();
    packet.resize(46, 0xaa);
    assert_eq!(rig.receive_packet(&packet), Verdict::Accepted);
    insta::assert_snapshot!(rig.sent(), @"> 192.0.2.2 > 192.0.2.1 icmp echo reply id 7 seq 1 (8)");
}

/// RFC 6864 section 4.1: an atomic packet's identification carries nothing; RFC 1122 section 3.2.1.7: TTL.
#[test]
fn what_we_send_is_atomic() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let _ = rig.receive_packet(&ping());
    let frame = rig.frames().remove(0);
    let header = ipv4::Ipv4Packet::parse(&frame[14..]).unwrap().header();
    assert!(header.dont_fragment && !header.more_fragments && header.fragment_offset == 0);
    assert_eq!((header.ttl, header.tos), (64, 0));
}
