//! IPv6 duplicate address detection: normal (RFC 4862 section 5.4), optimistic (RFC 4429), enhanced
//! (RFC 7527).

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};
use core::time::Duration;
use rstest::rstest;

use super::rig::*;
use crate::ip::address::ALL_NODES;
use crate::stack::NewAddress;
use crate::wire::ethernet::EthernetAddress;
use crate::wire::ndp::{NeighborAdvertisement, NeighborSolicitation, solicited_node};
use crate::{
    AddressChange, AddressOrigin, AddressSettings, AddressState, Dad, DropReason, Event, InterfaceAddress, Verdict,
};

const OTHER_MAC: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 77]);

/// A rig whose IPv6 address is assigned now.
fn rig(dad: Dad, dad_transmits: u8, origin: AddressOrigin) -> Rig {
    let mut rig = Rig::bare(AddressSettings { dad, dad_transmits, ..AddressSettings::default() });
    let new = NewAddress { origin, ..NewAddress::fixed(InterfaceAddress::v6(OUR_V6, 64)) };
    rig.assign_address(new).unwrap();
    rig
}

fn state(rig: &Rig) -> Option<AddressState> {
    rig.stack.interfaces().next().unwrap().addresses.first().map(|own| own.state)
}

fn told(rig: &Rig, change: AddressChange) -> Event {
    Event::Address { interface: rig.interface, address: IpAddr::V6(OUR_V6), change }
}

/// A solicitation for our address, from another station.
fn solicitation(src: Ipv6Addr, nonce: Option<[u8; 6]>) -> Vec<u8> {
    let mut message = Vec::new();
    let source_link_layer = (!src.is_unspecified()).then_some(OTHER_MAC);
    NeighborSolicitation { target: OUR_V6, source_link_layer, nonce }.emit(&mut message);
    let group = solicited_node(OUR_V6);
    ethernet(EthernetAddress::multicast_v6(group), OTHER_MAC, &icmpv6_packet(src, group, 255, message))
}

/// Another station says that it has our address.
fn advertisement(src: Ipv6Addr) -> Vec<u8> {
    let mut message = Vec::new();
    let target_link_layer = Some(OTHER_MAC);
    NeighborAdvertisement { router: false, solicited: false, overrides: true, target: OUR_V6, target_link_layer }
        .emit(&mut message);
    ethernet(EthernetAddress::multicast_v6(ALL_NODES), OTHER_MAC, &icmpv6_packet(src, ALL_NODES, 255, message))
}

/// Up to 1 s at random, then 1 s of silence.
#[test]
fn an_address_set_by_hand_is_verified_first() {
    for dad in [Dad::Normal, Dad::Optimistic] {
        let mut rig = rig(dad, 1, AddressOrigin::Static);
        assert_eq!(state(&rig), Some(AddressState::Tentative));
        let at = rig.stack.poll_timeout().unwrap().at;
        assert!(at.since(rig.now) <= Duration::from_secs(1));
        rig.run_to(at);
        insta::allow_duplicates! {
            insta::assert_snapshot!(rig.sent(), @"> :: > ff02::1:ff00:2 icmp6 neighbor solicitation target 2001:db8::2");
        }
        let ping = echo_request(PEER_V6.into(), OUR_V6.into(), 8);
        assert_eq!(rig.receive_packet(&ping), Verdict::Dropped(DropReason::Ipv6NotOurs));
        rig.run_to(at + Duration::from_secs(1));
        assert_eq!(rig.events(), [told(&rig, AddressChange::Assigned)]);
        assert_eq!(state(&rig), Some(AddressState::Preferred));
        assert_eq!(rig.receive_packet(&ping), Verdict::Accepted);
    }
}

#[test]
fn as_many_solicitations_as_are_asked_for() {
    let mut rig = rig(Dad::Optimistic, 3, AddressOrigin::Slaac);
    insta::assert_snapshot!(rig.pass(Duration::from_nanos(2_999_999_999)), @r"
    +0ms > :: > ff02::1:ff00:2 icmp6 neighbor solicitation target 2001:db8::2
    +1000ms > :: > ff02::1:ff00:2 icmp6 neighbor solicitation target 2001:db8::2
    +2000ms > :: > ff02::1:ff00:2 icmp6 neighbor solicitation target 2001:db8::2
    ");
    assert_eq!(state(&rig), Some(AddressState::Optimistic));
    rig.run_to(rig.now + Duration::from_nanos(1));
    assert_eq!(state(&rig), Some(AddressState::Preferred));
    assert_eq!(rig.stack.poll_timeout().map(|wakeup| wakeup.cause), Some(crate::Cause::Undrained));
    assert_eq!(rig.events(), [told(&rig, AddressChange::Preferred)]);
    assert_eq!(rig.stack.poll_timeout(), None);
}

#[rstest]
#[case(Dad::Off, 1)]
#[case(Dad::Normal, 0)]
fn without_detection_an_address_is_used_at_once(#[case] dad: Dad, #[case] transmits: u8) {
    let mut rig = rig(dad, transmits, AddressOrigin::Static);
    assert_eq!(state(&rig), Some(AddressState::Preferred));
    assert_eq!(rig.pass(Duration::from_secs(5)), "");
}

/// RFC 4862 sections 5.4.3 and 5.4.4; RFC 4429 section 3.3 for an optimistic address.
#[rstest]
#[case::another_verifies_it(solicitation(Ipv6Addr::UNSPECIFIED, None))]
#[case::with_a_nonce(solicitation(Ipv6Addr::UNSPECIFIED, Some([1; 6])))]
#[case::another_has_it(advertisement(OUR_V6))]
fn what_shows_that_another_has_the_address(
    #[case] frame: Vec<u8>,
    #[values(Dad::Normal, Dad::Optimistic, Dad::Enhanced)] dad: Dad,
) {
    for origin in [AddressOrigin::Static, AddressOrigin::Slaac] {
        let mut rig = rig(dad, 1, origin);
        rig.events();
        rig.discard();
        assert_eq!(rig.receive(&frame), Verdict::Dropped(DropReason::NdpConflict));
        assert_eq!(rig.events(), [told(&rig, AddressChange::Duplicated)]);
        let left = (origin == AddressOrigin::Static).then_some(AddressState::Duplicated);
        assert_eq!(state(&rig), left);
        assert_eq!(rig.pass(Duration::from_secs(5)), "");
        assert_eq!(rig.counter("address.conflicts"), 1);
        let ping = echo_request(PEER_V6.into(), OUR_V6.into(), 8);
        assert_eq!(rig.receive_packet(&ping), Verdict::Dropped(DropReason::Ipv6NotOurs));
    }
}

/// RFC 4862 section 5.4.3: one who asks for a tentative address is not answered, and is no conflict.
#[test]
fn a_question_for_a_tentative_address_is_ignored() {
    let mut rig = rig(Dad::Normal, 1, AddressOrigin::Static);
    assert_eq!(rig.receive(&solicitation(PEER_V6, None)), Verdict::Dropped(DropReason::NdpNotOurs));
    assert_eq!(rig.sent(), "");
    assert_eq!(state(&rig), Some(AddressState::Tentative));
}

/// RFC 4429 section 3.3: it is answered for an optimistic one, but the answer overrides nothing.
#[test]
fn a_question_for_an_optimistic_address_is_answered_with_care() {
    let mut rig = rig(Dad::Optimistic, 1, AddressOrigin::Slaac);
    rig.discard();
    assert_eq!(rig.receive(&solicitation(PEER_V6, None)), Verdict::Accepted);
    insta::assert_snapshot!(rig.sent(), @"> 2001:db8::2 > 2001:db8::1 icmp6 neighbor advertisement target 2001:db8::2 is-at 02:00:00:00:00:02 solicited");
    rig.pass(Duration::from_secs(1));
    assert_eq!(rig.receive(&solicitation(PEER_V6, None)), Verdict::Accepted);
    insta::assert_snapshot!(rig.sent(), @"> 2001:db8::2 > 2001:db8::1 icmp6 neighbor advertisement target 2001:db8::2 is-at 02:00:00:00:00:02 solicited override");
}

/// RFC 4429 section 3.2: "A node MUST NOT use an Optimistic Address as the source address of a Neighbor
/// Solicitation"; what is to be sent waits.
#[test]
fn an_optimistic_address_asks_for_no_neighbor() {
    let mut rig = rig(Dad::Optimistic, 1, AddressOrigin::Slaac);
    rig.discard();
    rig.stack.add_route(crate::Route::on_link(IpAddr::V6("2001:db8::".parse().unwrap()), 64, rig.interface)).unwrap();
    let handle = rig.udp_bind("[::]:5000");
    rig.udp_send(handle, b"hello", "[2001:db8::1]:7").unwrap();
    assert_eq!(rig.sent(), "");
    insta::assert_snapshot!(rig.pass(Duration::from_secs(1)), @"+1000ms > 2001:db8::2 > ff02::1:ff00:1 icmp6 neighbor solicitation target 2001:db8::1 source 02:00:00:00:00:02");
}

/// RFC 7527 section 4.1: a solicitation of ours that comes back is no conflict; three more follow.
#[test]
fn a_looped_back_solicitation_is_no_conflict() {
    let mut rig = rig(Dad::Enhanced, 1, AddressOrigin::Slaac);
    rig.events();
    let mut looped = rig.frames().remove(0);
    looped[6..12].copy_from_slice(&OTHER_MAC.0);
    assert_eq!(rig.receive(&looped), Verdict::Dropped(DropReason::NdpLooped));
    let mut nonces: Vec<[u8; 6]> = Vec::new();
    for _ in 0..3 {
        rig.run_to(rig.now + Duration::from_secs(1));
        let frames = rig.frames();
        assert_eq!(frames.len(), 1);
        nonces.extend(NeighborSolicitation::parse(&frames[0][54..]).unwrap().nonce);
    }
    nonces.dedup();
    assert_eq!(nonces.len(), 3, "each has a nonce of its own");
    rig.run_to(rig.now + Duration::from_secs(1));
    assert_eq!(state(&rig), Some(AddressState::Preferred));
}

#[rstest]
#[case::hop_limit(21, 64)]
#[case::code(55, 1)]
fn an_invalid_message_is_no_conflict(#[case] at: usize, #[case] byte: u8) {
    let mut rig = rig(Dad::Normal, 1, AddressOrigin::Static);
    let mut frame = solicitation(Ipv6Addr::UNSPECIFIED, None);
    frame[at] = byte;
    assert!(matches!(rig.receive(&frame), Verdict::Dropped(_)));
    assert_eq!(state(&rig), Some(AddressState::Tentative));
}
