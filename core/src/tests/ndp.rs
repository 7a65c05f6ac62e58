//! Neighbor Discovery's messages (RFC 4861 sections 7.1 and 7.2, RFC 4862 section 5.4, RFC 6980).

use alloc::vec::Vec;
use core::net::Ipv6Addr;
use core::time::Duration;
use rstest::rstest;

use super::rig::*;
use crate::error::SocketError;
use crate::link::neighbor::NeighborState::{self, Probe, Reachable, Stale};
use crate::wire::ethernet::EthernetAddress;
use crate::wire::ipv4::IpProtocol;
use crate::wire::ndp::{NeighborAdvertisement, NeighborSolicitation, solicited_node};
use crate::{DropReason, Verdict};

const OTHER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x77);
const OTHER_MAC: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 0x77]);
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

fn solicitation(target: Ipv6Addr, source_link_layer: Option<EthernetAddress>) -> Vec<u8> {
    let mut message = Vec::new();
    NeighborSolicitation { target, source_link_layer, nonce: None }.emit(&mut message);
    message
}

fn advertisement(
    target: Ipv6Addr,
    solicited: bool,
    overrides: bool,
    target_link_layer: Option<EthernetAddress>,
) -> Vec<u8> {
    let mut message = Vec::new();
    NeighborAdvertisement { router: false, solicited, overrides, target, target_link_layer }.emit(&mut message);
    message
}

/// A message arrives, in a frame that fits its destination.
fn arrive(rig: &mut Rig, src: Ipv6Addr, dst: Ipv6Addr, hop_limit: u8, message: Vec<u8>) -> Verdict {
    let station = if dst.is_multicast() { EthernetAddress::multicast_v6(dst) } else { OUR_MAC };
    rig.receive(&ethernet(station, PEER_MAC, &icmpv6_packet(src, dst, hop_limit, message)))
}

#[test]
fn a_solicitation_for_our_address_is_answered() {
    let mut rig = Rig::new();
    assert_eq!(rig.receive(&neighbor_solicitation(PEER_V6, OUR_V6, Some(PEER_MAC))), Verdict::Accepted);
    assert_eq!(rig.neighbor("2001:db8::1"), Some((Stale, Some(PEER_MAC))));
    let frame = rig.clone().frames().remove(0);
    assert_eq!(stations(&frame), (PEER_MAC, OUR_MAC));
    assert_eq!(frame[14 + 7], 255, "hop limit");
    insta::assert_snapshot!(rig.sent(), @"> 2001:db8::2 > 2001:db8::1 icmp6 neighbor advertisement target 2001:db8::2 is-at 02:00:00:00:00:02 solicited override");
}

/// Section 7.2.4: a neighbor that probes our reachability knows our address and may leave out its own.
#[test]
fn a_unicast_solicitation_without_a_source_address_option_is_answered() {
    let mut rig = Rig::new();
    assert_eq!(arrive(&mut rig, PEER_V6, OUR_V6, 255, solicitation(OUR_V6, None)), Verdict::Accepted);
    insta::assert_snapshot!(rig.sent(), @"> 2001:db8::2 > 2001:db8::1 icmp6 neighbor advertisement target 2001:db8::2 is-at 02:00:00:00:00:02 solicited override");
}

/// RFC 4861 section 7.2.4: "If the source of the solicitation is the unspecified address, the node MUST
/// set the Solicited flag to zero and multicast the advertisement to the all-nodes address."
#[test]
fn a_probe_for_duplicates_is_answered_to_all_nodes() {
    let mut rig = Rig::new();
    assert_eq!(rig.receive(&neighbor_solicitation(Ipv6Addr::UNSPECIFIED, OUR_V6, None)), Verdict::Accepted);
    let frame = rig.clone().frames().remove(0);
    assert_eq!(stations(&frame), (EthernetAddress([0x33, 0x33, 0, 0, 0, 1]), OUR_MAC));
    insta::assert_snapshot!(rig.sent(), @"> 2001:db8::2 > ff02::1 icmp6 neighbor advertisement target 2001:db8::2 is-at 02:00:00:00:00:02 override");
    assert_eq!(rig.stack.neighbors().count(), 0);
}

/// One solicitation, all of its parts.
struct Solicitation {
    src: Ipv6Addr,
    dst: Ipv6Addr,
    hop_limit: u8,
    message: Vec<u8>,
}

fn valid() -> Solicitation {
    Solicitation {
        src: PEER_V6,
        dst: solicited_node(OUR_V6),
        hop_limit: 255,
        message: solicitation(OUR_V6, Some(PEER_MAC)),
    }
}

fn with_message(change: impl FnOnce(&mut Vec<u8>)) -> Solicitation {
    let mut solicitation = valid();
    change(&mut solicitation.message);
    solicitation
}

/// RFC 4861 section 7.1.1, line by line.
#[rstest]
#[case::hop_limit(Solicitation { hop_limit: 254, ..valid() }, DropReason::NdpInvalid)]
#[case::code(with_message(|message| message[1] = 1), DropReason::NdpInvalid)]
#[case::length_below_24(with_message(|message| message.truncate(23)), DropReason::NdpInvalid)]
#[case::multicast_target(with_message(|message| message[8] = 0xff), DropReason::NdpInvalid)]
#[case::option_of_length_zero(with_message(|message| message[25] = 0), DropReason::NdpOption)]
#[case::option_beyond_the_message(with_message(|message| message[25] = 2), DropReason::NdpOption)]
#[case::a_stray_byte(with_message(|message| message.push(1)), DropReason::NdpOption)]
#[case::probe_to_our_unicast_address(
    Solicitation { src: Ipv6Addr::UNSPECIFIED, dst: OUR_V6, message: solicitation(OUR_V6, None), ..valid() },
    DropReason::NdpInvalid
)]
#[case::probe_to_all_nodes(
    Solicitation { src: Ipv6Addr::UNSPECIFIED, dst: ALL_NODES, message: solicitation(OUR_V6, None), ..valid() },
    DropReason::NdpInvalid
)]
#[case::probe_with_a_source_option(Solicitation { src: Ipv6Addr::UNSPECIFIED, ..valid() }, DropReason::NdpInvalid)]
#[case::another_target(with_message(|message| message[23] = 0x77), DropReason::NdpNotOurs)]
#[case::group_as_source_station(with_message(|message| message[26] = 0x33), DropReason::NdpInvalid)]
#[case::our_own_source_station(with_message(|message| message[26..].copy_from_slice(&OUR_MAC.0)), DropReason::NdpInvalid)]
#[case::from_our_own_address(Solicitation { src: OUR_V6, ..valid() }, DropReason::Ipv6Source)]
fn invalid_solicitations_are_discarded(#[case] case: Solicitation, #[case] reason: DropReason) {
    let mut rig = Rig::new();
    assert_eq!(arrive(&mut rig, case.src, case.dst, case.hop_limit, case.message), Verdict::Dropped(reason));
    assert_eq!(rig.stack.neighbors().count(), 0);
    assert_eq!(rig.sent(), "");
}

#[test]
fn a_wrong_checksum_is_noticed() {
    let mut rig = Rig::new();
    let mut frame = neighbor_solicitation(PEER_V6, OUR_V6, Some(PEER_MAC));
    frame[14 + 40 + 2] ^= 1;
    assert_eq!(rig.receive(&frame), Verdict::Dropped(DropReason::Icmpv6Checksum));
}

/// RFC 6980 section 5, even where the fragment is the whole packet.
#[test]
fn a_message_behind_a_fragment_header_is_discarded() {
    let mut rig = Rig::new();
    let mut packet = icmpv6_packet(PEER_V6, OUR_V6, 255, solicitation(OUR_V6, Some(PEER_MAC)));
    packet[5] += 8;
    packet[6] = IpProtocol::FRAGMENT.0;
    packet.splice(40..40, [IpProtocol::ICMPV6.0, 0, 0, 0, 0, 0, 0, 9]);
    assert_eq!(rig.receive_packet(&packet), Verdict::Dropped(DropReason::NdpInvalid));
}

/// RFC 4861 section 7.1.2.
#[rstest]
#[case::hop_limit(PEER_V6, OUR_V6, 64, advertisement(OTHER, true, true, Some(OTHER_MAC)), DropReason::NdpInvalid)]
#[case::solicited_to_a_group(
    PEER_V6,
    ALL_NODES,
    255,
    advertisement(OTHER, true, true, Some(OTHER_MAC)),
    DropReason::NdpInvalid
)]
#[case::multicast_target(
    PEER_V6,
    OUR_V6,
    255,
    advertisement(ALL_NODES, true, true, Some(OTHER_MAC)),
    DropReason::NdpInvalid
)]
#[case::unspecified_source(
    Ipv6Addr::UNSPECIFIED,
    OUR_V6,
    255,
    advertisement(OTHER, true, true, Some(OTHER_MAC)),
    DropReason::NdpInvalid
)]
#[case::group_station(
    OTHER,
    OUR_V6,
    255,
    advertisement(OTHER, true, true, Some(EthernetAddress::BROADCAST)),
    DropReason::NdpInvalid
)]
#[case::our_own_address(OTHER, OUR_V6, 255, advertisement(OUR_V6, true, true, Some(OTHER_MAC)), DropReason::NdpNotOurs)]
#[case::nobody_asked(OTHER, OUR_V6, 255, advertisement(PEER_V6, true, true, Some(OTHER_MAC)), DropReason::NdpNotOurs)]
fn invalid_advertisements_are_discarded(
    #[case] src: Ipv6Addr,
    #[case] dst: Ipv6Addr,
    #[case] hop_limit: u8,
    #[case] message: Vec<u8>,
    #[case] reason: DropReason,
) {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("[::]:5000");
    rig.udp_send(handle, b"hello", "[2001:db8::77]:7").unwrap();
    rig.discard();
    assert_eq!(arrive(&mut rig, src, dst, hop_limit, message), Verdict::Dropped(reason));
    assert_eq!(rig.neighbor("2001:db8::77"), Some((NeighborState::Incomplete, None)));
}

/// Section 7.2.2: to the solicited-node group, with our link-layer address; three times, a second apart.
#[test]
fn resolution_asks_three_times() {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("[::]:5000");
    rig.udp_send(handle, b"hello", "[2001:db8::77]:7").unwrap();
    let frame = rig.clone().frames().remove(0);
    assert_eq!(stations(&frame), (EthernetAddress([0x33, 0x33, 0xff, 0, 0, 0x77]), OUR_MAC));
    insta::assert_snapshot!(rig.pass(Duration::from_secs(10)), @r"
    +0ms > 2001:db8::2 > ff02::1:ff00:77 icmp6 neighbor solicitation target 2001:db8::77 source 02:00:00:00:00:02
    +1000ms > 2001:db8::2 > ff02::1:ff00:77 icmp6 neighbor solicitation target 2001:db8::77 source 02:00:00:00:00:02
    +2000ms > 2001:db8::2 > ff02::1:ff00:77 icmp6 neighbor solicitation target 2001:db8::77 source 02:00:00:00:00:02
    ");
    assert_eq!(rig.udp_error(handle), Some(SocketError::HostUnreachable));
}

#[rstest]
#[case::solicited(true, Reachable)]
#[case::unsolicited(false, NeighborState::Delay)]
fn an_advertisement_resolves_and_the_datagram_leaves(#[case] solicited: bool, #[case] state: NeighborState) {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("[::]:5000");
    rig.udp_send(handle, b"hello", "[2001:db8::77]:7").unwrap();
    rig.discard();
    // Without a link-layer address it says nothing that can be used.
    let _ = arrive(&mut rig, OTHER, OUR_V6, 255, advertisement(OTHER, solicited, true, None));
    assert_eq!(rig.sent(), "");
    assert_eq!(
        arrive(&mut rig, OTHER, OUR_V6, 255, advertisement(OTHER, solicited, false, Some(OTHER_MAC))),
        Verdict::Accepted
    );
    assert_eq!(rig.sent(), "> [2001:db8::2]:5000 > [2001:db8::77]:7 udp (5)");
    assert_eq!(rig.neighbor("2001:db8::77"), Some((state, Some(OTHER_MAC))));
}

/// A rig that knows `OTHER` at the peer's station, in the given state.
fn acquainted(state: NeighborState) -> Rig {
    let mut rig = Rig::new();
    let _ = arrive(&mut rig, OTHER, solicited_node(OUR_V6), 255, solicitation(OUR_V6, Some(PEER_MAC)));
    if state == Reachable {
        let _ = arrive(&mut rig, OTHER, OUR_V6, 255, advertisement(OTHER, true, true, Some(PEER_MAC)));
    }
    rig.discard();
    assert_eq!(rig.neighbor("2001:db8::77"), Some((state, Some(PEER_MAC))));
    rig.now += Duration::from_secs(1);
    rig
}

/// RFC 4861 section 7.2.5 and the table of its appendix C; but a station that was just confirmed is asked
/// before another takes its place.
#[rstest]
#[case::other_address_without_override(Reachable, true, false, Some(OTHER_MAC), (Stale, PEER_MAC))]
#[case::stale_other_address_without_override(Stale, true, false, Some(OTHER_MAC), (Stale, PEER_MAC))]
#[case::same_address_without_override(Stale, true, false, Some(PEER_MAC), (Reachable, PEER_MAC))]
#[case::override_solicited(Stale, true, true, Some(OTHER_MAC), (Reachable, OTHER_MAC))]
#[case::override_unsolicited(Reachable, false, true, Some(OTHER_MAC), (Probe, PEER_MAC))]
#[case::unsolicited_same_address(Reachable, false, true, Some(PEER_MAC), (Reachable, PEER_MAC))]
#[case::solicited_without_address(Stale, true, true, None, (Reachable, PEER_MAC))]
#[case::unsolicited_without_address(Stale, false, true, None, (Stale, PEER_MAC))]
fn an_advertisement_updates_an_entry(
    #[case] before: NeighborState,
    #[case] solicited: bool,
    #[case] overrides: bool,
    #[case] station: Option<EthernetAddress>,
    #[case] after: (NeighborState, EthernetAddress),
) {
    let mut rig = acquainted(before);
    let _ = arrive(&mut rig, OTHER, OUR_V6, 255, advertisement(OTHER, solicited, overrides, station));
    assert_eq!(rig.neighbor("2001:db8::77"), Some((after.0, Some(after.1))));
}

/// RFC 4861 section 7.2.3: STALE if the address is news, else nothing changes; a station that was just
/// confirmed is asked first.
#[rstest]
#[case::news(Stale, OTHER_MAC, (Stale, OTHER_MAC))]
#[case::contested(Reachable, OTHER_MAC, (Probe, PEER_MAC))]
#[case::known(Reachable, PEER_MAC, (Reachable, PEER_MAC))]
fn a_solicitation_updates_an_entry(
    #[case] before: NeighborState,
    #[case] station: EthernetAddress,
    #[case] after: (NeighborState, EthernetAddress),
) {
    let mut rig = acquainted(before);
    let _ = arrive(&mut rig, OTHER, OUR_V6, 255, solicitation(OUR_V6, Some(station)));
    assert_eq!(rig.neighbor("2001:db8::77"), Some((after.0, Some(after.1))));
}
