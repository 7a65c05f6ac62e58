//! Which frames are for us (RFC 894, RFC 1112 section 6.4, RFC 2464 section 7).

use rstest::rstest;

use super::rig::*;
use crate::wire::ethernet::EthernetAddress;
use crate::{Capabilities, DropReason, Frame, Verdict};

const STRANGER: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 9]);
const GROUP_OTHER: EthernetAddress = EthernetAddress([1, 0x80, 0xc2, 0, 0, 0]);

fn ping() -> alloc::vec::Vec<u8> {
    echo_request(PEER_V4.into(), OUR_V4.into(), 8)
}

#[rstest]
#[case::another_station(STRANGER, PEER_MAC, DropReason::EthernetNotOurs)]
#[case::a_bridges_group(GROUP_OTHER, PEER_MAC, DropReason::EthernetNotOurs)]
#[case::from_a_group(OUR_MAC, GROUP_OTHER, DropReason::EthernetSource)]
#[case::from_everybody(OUR_MAC, EthernetAddress::BROADCAST, DropReason::EthernetSource)]
#[case::from_ourselves(OUR_MAC, OUR_MAC, DropReason::EthernetSource)]
fn frames_that_are_not_for_us(#[case] dst: EthernetAddress, #[case] src: EthernetAddress, #[case] reason: DropReason) {
    let mut rig = Rig::new();
    assert_eq!(rig.receive(&ethernet(dst, src, &ping())), Verdict::Dropped(reason));
    assert_eq!(rig.drops(reason), 1);
    assert_eq!(rig.sent(), "");
}

#[test]
fn a_frame_to_our_station_is_heard() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    assert_eq!(rig.receive(&ethernet(OUR_MAC, PEER_MAC, &ping())), Verdict::Accepted);
    insta::assert_snapshot!(rig.sent(), @"> 192.0.2.2 > 192.0.2.1 icmp echo reply id 7 seq 1 (8)");
}

#[rstest]
#[case::all_hosts([224, 0, 0, 1], [1, 0, 0x5e, 0, 0, 1])]
#[case::limited_broadcast([255; 4], [0xff; 6])]
#[case::the_subnets_broadcast([192, 0, 2, 255], [0xff; 6])]
fn groups_we_are_in_are_heard(#[case] to: [u8; 4], #[case] station: [u8; 6]) {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:7");
    let packet = udp_packet(socket("192.0.2.1:1000"), (to, 7).into(), b"hello");
    assert_eq!(rig.receive(&ethernet(EthernetAddress(station), PEER_MAC, &packet)), Verdict::Accepted);
    assert_eq!(rig.udp_received(handle), [5]);
}

#[rstest]
#[case::all_nodes("ff02::1", Verdict::Accepted)]
#[case::our_solicited_node_group("ff02::1:ff00:2", Verdict::Accepted)]
#[case::another_solicited_node_group("ff02::1:ff00:3", Verdict::Dropped(DropReason::EthernetNotOurs))]
#[case::all_routers("ff02::2", Verdict::Dropped(DropReason::EthernetNotOurs))]
fn ipv6_groups(#[case] group: &str, #[case] verdict: Verdict) {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("[::]:7");
    let group = group.parse().unwrap();
    let packet = udp_packet(socket("[2001:db8::1]:1000"), (group, 7).into(), b"hello");
    let frame = ethernet(EthernetAddress::multicast_v6(group), PEER_MAC, &packet);
    assert_eq!(rig.receive(&frame), verdict);
    assert_eq!(rig.udp_received(handle).len(), usize::from(verdict == Verdict::Accepted));
}

#[rstest]
#[case::nothing(0)]
#[case::one_byte(1)]
#[case::a_header_less_one(13)]
fn a_runt_is_dropped(#[case] len: usize) {
    let mut rig = Rig::new();
    let frame = ethernet(OUR_MAC, PEER_MAC, &ping());
    assert_eq!(rig.receive(&frame[..len]), Verdict::Dropped(DropReason::EthernetTruncated));
}

#[rstest]
#[case::ieee_802_3_length(0x05ff, DropReason::EthernetLength)]
#[case::the_lowest_type(0x0600, DropReason::EthernetType)]
#[case::vlan_tag(0x8100, DropReason::EthernetType)]
fn other_types(#[case] ethertype: u16, #[case] reason: DropReason) {
    let mut rig = Rig::new();
    let mut frame = ethernet(OUR_MAC, PEER_MAC, &ping());
    frame[12..14].copy_from_slice(&ethertype.to_be_bytes());
    assert_eq!(rig.receive(&frame), Verdict::Dropped(reason));
}

/// RFC 1122 section 3.3.6: what comes as a link-layer broadcast must be an IP broadcast or multicast.
#[test]
fn a_broadcast_frame_with_a_unicast_packet_is_dropped() {
    let mut rig = Rig::new();
    let frame = ethernet(EthernetAddress::BROADCAST, PEER_MAC, &ping());
    assert_eq!(rig.receive(&frame), Verdict::Dropped(DropReason::Ipv4NotOurs));
}

#[test]
fn a_frame_beyond_the_mtu_is_dropped() {
    let mut rig = Rig::with(crate::Config::default(), Capabilities::plain(1280));
    rig.introduce_peer();
    let exact = echo_request(PEER_V4.into(), OUR_V4.into(), 1280 - 28);
    assert_eq!(rig.receive_packet(&exact), Verdict::Accepted);
    let longer = echo_request(PEER_V4.into(), OUR_V4.into(), 1280 - 27);
    assert_eq!(rig.receive_packet(&longer), Verdict::Dropped(DropReason::FrameTooLong));
}

#[test]
fn an_interface_that_is_not_there() {
    let mut rig = Rig::new();
    let mut other = Rig::new();
    let interface = crate::InterfaceConfig::new(STRANGER, Capabilities::plain(1500), []).unverified();
    let second = other.stack.add_interface(other.now, interface).unwrap();
    let frame = Frame::from(bytes::Bytes::from(ethernet(OUR_MAC, PEER_MAC, &ping())));
    assert_eq!(rig.stack.handle_frame(rig.now, second, frame), Verdict::Dropped(DropReason::InterfaceUnknown));
}
