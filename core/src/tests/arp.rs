//! ARP (RFC 826, RFC 1122 section 2.3.2, RFC 5227 section 2.1.1).

use alloc::vec::Vec;
use core::net::Ipv4Addr;
use core::time::Duration;
use rstest::rstest;

use super::rig::*;
use crate::error::SocketError;
use crate::event::Readiness;
use crate::link::neighbor::NeighborState;
use crate::wire::arp::{ArpOperation, ArpPacket};
use crate::wire::ethernet::EthernetAddress;
use crate::{DropReason, Event, Verdict};

const OTHER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 77);
const OTHER_MAC: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 77]);

/// Who has `target`? Tell `sender`, which is at the peer's station.
fn request(sender: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    arp(ArpOperation::Request, PEER_MAC, sender, EthernetAddress::UNSPECIFIED, target, EthernetAddress::BROADCAST)
}

/// The peer's station answers for `sender`.
fn reply(sender: Ipv4Addr) -> Vec<u8> {
    arp(ArpOperation::Reply, PEER_MAC, sender, OUR_MAC, OUR_V4, OUR_MAC)
}

#[test]
fn a_request_for_our_address_is_answered_to_the_asker_alone() {
    let mut rig = Rig::new();
    assert_eq!(rig.receive(&request(PEER_V4, OUR_V4)), Verdict::Accepted);
    let frames = rig.clone().frames();
    assert_eq!(stations(&frames[0]), (PEER_MAC, OUR_MAC));
    let packet = ArpPacket::parse(&frames[0][14..]).unwrap().header();
    assert_eq!((packet.target_hardware, packet.target_protocol), (PEER_MAC, PEER_V4));
    insta::assert_snapshot!(rig.sent(), @"> arp 192.0.2.2 is-at 02:00:00:00:00:02");
    assert_eq!(rig.counter("arp.replies_sent"), 1);
}

/// RFC 894: a frame has at least 46 bytes of payload, an ARP packet 28.
#[test]
fn padding_behind_the_packet_is_ignored() {
    let mut rig = Rig::new();
    let mut frame = request(PEER_V4, OUR_V4);
    frame.resize(60, 0xaa);
    assert_eq!(rig.receive(&frame), Verdict::Accepted);
    insta::assert_snapshot!(rig.sent(), @"> arp 192.0.2.2 is-at 02:00:00:00:00:02");
}

#[test]
fn a_request_for_another_address_is_neither_answered_nor_learned_from() {
    let mut rig = Rig::new();
    assert_eq!(rig.receive(&request(PEER_V4, OTHER)), Verdict::Dropped(DropReason::ArpNotOurs));
    assert_eq!(rig.sent(), "");
    assert_eq!(rig.neighbor("192.0.2.1"), None);
}

/// RFC 826, packet reception: "If the merge flag is false, add the triplet" where we are the target.
#[test]
fn a_request_for_our_address_makes_an_entry() {
    let mut rig = Rig::new();
    let _ = rig.receive(&request(PEER_V4, OUR_V4));
    assert_eq!(rig.neighbor("192.0.2.1"), Some((NeighborState::Stale, Some(PEER_MAC))));
}

/// RFC 826, packet reception: an entry that is there is updated whoever the target is.
#[test]
fn an_announcement_updates_an_entry_but_makes_none() {
    let mut rig = Rig::new();
    let announcement = |station| {
        arp(ArpOperation::Request, station, PEER_V4, EthernetAddress::UNSPECIFIED, PEER_V4, EthernetAddress::BROADCAST)
    };
    assert_eq!(rig.receive(&announcement(OTHER_MAC)), Verdict::Dropped(DropReason::ArpNotOurs));
    assert_eq!(rig.neighbor("192.0.2.1"), None);
    rig.introduce_peer();
    assert_eq!(rig.receive(&announcement(OTHER_MAC)), Verdict::Accepted);
    assert_eq!(rig.neighbor("192.0.2.1"), Some((NeighborState::Stale, Some(OTHER_MAC))));
    assert_eq!(rig.sent(), "");
}

/// RFC 5227 section 2.1.1: the sender of a probe has no address yet; ours is defended all the same.
#[test]
fn a_probe_is_answered_and_teaches_nothing() {
    let mut rig = Rig::new();
    assert_eq!(rig.receive(&request(Ipv4Addr::UNSPECIFIED, OUR_V4)), Verdict::Accepted);
    insta::assert_snapshot!(rig.sent(), @"> arp 192.0.2.2 is-at 02:00:00:00:00:02");
    assert_eq!(rig.stack.neighbors().filter(|neighbor| neighbor.address.is_ipv4()).count(), 0);
}

#[rstest]
#[case::broadcast_station(EthernetAddress::BROADCAST, [192, 0, 2, 1])]
#[case::group_station(EthernetAddress([1, 0, 0x5e, 0, 0, 1]), [192, 0, 2, 1])]
#[case::no_station(EthernetAddress::UNSPECIFIED, [192, 0, 2, 1])]
#[case::our_own_station(OUR_MAC, [192, 0, 2, 1])]
#[case::multicast(PEER_MAC, [224, 0, 0, 5])]
#[case::limited_broadcast(PEER_MAC, [255; 4])]
#[case::the_subnets_broadcast(PEER_MAC, [192, 0, 2, 255])]
#[case::loopback(PEER_MAC, [127, 0, 0, 1])]
#[case::our_own_address(PEER_MAC, [192, 0, 2, 2])]
fn an_impossible_sender_gets_no_entry_and_no_reply(#[case] hardware: EthernetAddress, #[case] protocol: [u8; 4]) {
    let mut rig = Rig::new();
    let mut frame = arp(
        ArpOperation::Request,
        hardware,
        protocol.into(),
        EthernetAddress::UNSPECIFIED,
        OUR_V4,
        EthernetAddress::BROADCAST,
    );
    frame[6..12].copy_from_slice(&PEER_MAC.0);
    assert_eq!(rig.receive(&frame), Verdict::Dropped(DropReason::ArpSender));
    assert_eq!(rig.stack.neighbors().count(), 0);
    assert_eq!(rig.sent(), "");
}

#[rstest]
#[case::truncated(41, &[], DropReason::ArpTruncated)]
#[case::no_fixed_part(21, &[], DropReason::ArpTruncated)]
#[case::hardware_type(42, &[(15, 6)], DropReason::ArpType)]
#[case::protocol_type(42, &[(16, 0x86)], DropReason::ArpType)]
#[case::hardware_length(42, &[(18, 8)], DropReason::ArpType)]
#[case::protocol_length(42, &[(19, 16)], DropReason::ArpType)]
#[case::operation(42, &[(21, 3)], DropReason::ArpOperation)]
fn malformed_packets(#[case] len: usize, #[case] changes: &[(usize, u8)], #[case] reason: DropReason) {
    let mut rig = Rig::new();
    let mut frame = request(PEER_V4, OUR_V4);
    for &(at, byte) in changes {
        frame[at] = byte;
    }
    assert_eq!(rig.receive(&frame[..len]), Verdict::Dropped(reason));
    assert_eq!(rig.sent(), "");
}

#[test]
fn the_first_datagram_leaves_once_its_neighbor_is_resolved() {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:5000");
    rig.udp_send(handle, b"hello", "192.0.2.77:7").unwrap();
    let request = rig.frames();
    assert_eq!(stations(&request[0]), (EthernetAddress::BROADCAST, OUR_MAC));
    assert_eq!(rig.neighbor("192.0.2.77"), Some((NeighborState::Incomplete, None)));

    assert_eq!(rig.receive(&reply(OTHER)), Verdict::Accepted);
    assert_eq!(rig.neighbor("192.0.2.77"), Some((NeighborState::Reachable, Some(PEER_MAC))));
    insta::assert_snapshot!(rig.sent(), @"> 192.0.2.2:5000 > 192.0.2.77:7 udp (5)");
}

/// RFC 1122 section 2.3.2.1: at most one request per second and destination.
#[test]
fn a_request_is_repeated_each_second_and_given_up_after_three() {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:5000");
    rig.udp_send(handle, b"hello", "192.0.2.77:7").unwrap();
    insta::assert_snapshot!(rig.pass(Duration::from_millis(2999)), @r"
    +0ms > arp who-has 192.0.2.77 tell 192.0.2.2
    +1000ms > arp who-has 192.0.2.77 tell 192.0.2.2
    +2000ms > arp who-has 192.0.2.77 tell 192.0.2.2
    ");
    assert_eq!(rig.udp_error(handle), None);

    rig.now += Duration::from_millis(1);
    rig.stack.handle_timeout(rig.now);
    assert_eq!(rig.events(), [Event::Udp(handle, Readiness::ERROR | Readiness::READABLE)]);
    assert_eq!(rig.udp_error(handle), Some(SocketError::HostUnreachable));
    assert_eq!(rig.drops(DropReason::NeighborUnreachable), 1);
    assert_eq!(rig.counter("neighbor.failed"), 1);
    assert_eq!(rig.neighbor("192.0.2.77"), None);
    assert_eq!(rig.pass(Duration::from_mins(1)), "");
}

/// An answer that was not asked for says nothing about who can be reached.
#[test]
fn a_reply_from_a_stranger_makes_an_entry_only_as_its_target_deserves() {
    let mut rig = Rig::new();
    let to_others = arp(ArpOperation::Reply, PEER_MAC, PEER_V4, OTHER_MAC, OTHER, EthernetAddress::BROADCAST);
    assert_eq!(rig.receive(&to_others), Verdict::Dropped(DropReason::ArpNotOurs));
    assert_eq!(rig.neighbor("192.0.2.1"), None);
}

/// The asker's request crosses ours: it tells the hardware address, though not that we are heard.
#[test]
fn a_request_resolves_too() {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:5000");
    rig.udp_send(handle, b"hello", "192.0.2.1:7").unwrap();
    rig.discard();
    assert_eq!(rig.receive(&request(PEER_V4, OUR_V4)), Verdict::Accepted);
    insta::assert_snapshot!(rig.sent(), @r"
    > 192.0.2.2:5000 > 192.0.2.1:7 udp (5)
    > arp 192.0.2.2 is-at 02:00:00:00:00:02
    ");
    assert_eq!(rig.neighbor("192.0.2.1"), Some((NeighborState::Delay, Some(PEER_MAC))));
}
