//! Echo (RFC 792, RFC 1122 section 3.2.2.6, RFC 4443 section 4).

use alloc::format;
use core::net::IpAddr;
use rstest::rstest;

use super::rig::*;
use crate::error::DropReason;
use crate::wire::ethernet::EthernetAddress;
use crate::wire::icmpv4::Icmpv4Header;
use crate::{Duration, Verdict};

const V4: (IpAddr, IpAddr) = (IpAddr::V4(PEER_V4), IpAddr::V4(OUR_V4));
const V6: (IpAddr, IpAddr) = (IpAddr::V6(PEER_V6), IpAddr::V6(OUR_V6));

/// RFC 1122 section 3.2.2.6: "Data received in an ICMP Echo Request MUST be entirely included".
#[rstest]
fn the_data_comes_back_whatever_its_length(
    #[values(0, 1, 2, 7, 56, 511, 512, 513, 1451, 1452, 1472)] len: usize,
    #[values(V4, V6)] (peer, us): (IpAddr, IpAddr),
) {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let packet = echo_request(peer, us, len);
    if packet.len() > 1500 {
        return;
    }
    assert_eq!(rig.receive_packet(&packet), Verdict::Accepted);
    let reply = rig.clone().frames().remove(0);
    assert_eq!(reply[reply.len() - len..], packet[packet.len() - len..]);
    let icmp = if us.is_ipv4() { "icmp" } else { "icmp6" };
    assert_eq!(rig.sent(), format!("> {us} > {peer} {icmp} echo reply id 7 seq 1 ({len})"));
}

#[rstest]
#[case::of_the_subnet([192, 0, 2, 255], EthernetAddress::BROADCAST)]
#[case::limited([255; 4], EthernetAddress::BROADCAST)]
#[case::all_hosts([224, 0, 0, 1], EthernetAddress([1, 0, 0x5e, 0, 0, 1]))]
fn a_request_to_many_is_discarded(#[case] to: [u8; 4], #[case] station: EthernetAddress) {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let frame = ethernet(station, PEER_MAC, &echo_request(PEER_V4.into(), to.into(), 8));
    assert_eq!(rig.receive(&frame), Verdict::Dropped(DropReason::EchoRefused));
    assert_eq!(rig.sent(), "");
}

/// RFC 4443 section 4.2: the source of an answer to a group's request is an address of the interface.
#[test]
fn an_ipv6_request_to_all_nodes_is_answered_a_few_times_a_second() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let group = "ff02::1".parse().unwrap();
    let frame = ethernet(EthernetAddress([0x33, 0x33, 0, 0, 0, 1]), PEER_MAC, &echo_request(PEER_V6.into(), group, 8));
    assert_eq!(rig.receive(&frame), Verdict::Accepted);
    insta::assert_snapshot!(rig.sent(), @"> 2001:db8::2 > 2001:db8::1 icmp6 echo reply id 7 seq 1 (8)");
    for _ in 0..1000 {
        rig.now += Duration::from_millis(10);
        let _ = rig.receive(&frame);
    }
    assert!((80..=101).contains(&rig.frames().len()), "about ten a second");
}

#[rstest]
#[case::v4(V4, DropReason::Icmpv4Checksum)]
#[case::v6(V6, DropReason::Icmpv6Checksum)]
fn a_wrong_checksum_is_noticed(#[case] (peer, us): (IpAddr, IpAddr), #[case] reason: DropReason) {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let mut packet = echo_request(peer, us, 9);
    *packet.last_mut().unwrap() ^= 1;
    assert_eq!(rig.receive_packet(&packet), Verdict::Dropped(reason));
    assert_eq!(rig.sent(), "");
}

#[rstest]
#[case::v4(V4, DropReason::Icmpv4Truncated)]
#[case::v6(V6, DropReason::Icmpv6Truncated)]
fn a_truncated_header_is_noticed(#[case] (peer, us): (IpAddr, IpAddr), #[case] reason: DropReason) {
    let mut rig = Rig::new();
    let packet = match (peer, us) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            ipv4_packet(src, dst, crate::wire::ipv4::IpProtocol::ICMP, &[8, 0, 0xf7, 0xff, 0, 0, 0])
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            ipv6_packet(src, dst, crate::wire::ipv4::IpProtocol::ICMPV6, &[128, 0, 0, 0, 0, 0, 0])
        }
        _ => return,
    };
    assert_eq!(rig.receive_packet(&packet), Verdict::Dropped(reason));
}

/// An echo reply that nobody asked for, and messages that a host may ignore.
#[rstest]
#[case::echo_reply(Icmpv4Header::EchoReply { id: 7, seq: 1 })]
#[case::timestamp_request(Icmpv4Header::Other { kind: 13, code: 0, rest: [0; 4] })]
#[case::source_quench(Icmpv4Header::Other { kind: 4, code: 0, rest: [0; 4] })]
#[case::unknown(Icmpv4Header::Other { kind: 200, code: 1, rest: [0; 4] })]
fn other_messages_are_ignored(#[case] header: Icmpv4Header) {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let packet = icmpv4_packet(PEER_V4, OUR_V4, header, &[0; 40]);
    assert_eq!(rig.receive_packet(&packet), Verdict::Dropped(DropReason::Icmpv4Type));
    assert_eq!(rig.sent(), "");
}
