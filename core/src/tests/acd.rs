//! IPv4 address conflict detection (RFC 5227): probing, announcing, defense.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use rstest::rstest;

use super::rig::*;
use crate::error::SocketError;
use crate::wire::arp::ArpOperation;
use crate::wire::ethernet::EthernetAddress;
use crate::{
    Acd, AddressChange, AddressSettings, AddressState, ConnectOptions, Defense, DropReason, Event, InterfaceAddress,
    TcpHandle, Verdict,
};

const OTHER_MAC: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 77]);

/// A rig whose IPv4 address is added now, with conflict detection.
fn rig(acd: Acd, defense: Defense) -> Rig {
    let mut rig = Rig::bare(AddressSettings { acd, defense, ..AddressSettings::default() });
    rig.stack.add_address(rig.now, rig.interface, InterfaceAddress::v4(OUR_V4, 24)).unwrap();
    rig
}

/// The same, with its address announced and the announcements over.
fn settled(defense: Defense) -> Rig {
    let mut rig = rig(Acd::Fast, defense);
    rig.pass(Duration::from_secs(10));
    assert_eq!(state(&rig), Some(AddressState::Preferred));
    rig
}

fn state(rig: &Rig) -> Option<AddressState> {
    rig.stack.interfaces().next().unwrap().addresses.first().map(|own| own.state)
}

/// An ARP packet from another station, to everybody.
fn from_other(operation: ArpOperation, sender: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let nobody = EthernetAddress::UNSPECIFIED;
    arp(operation, OTHER_MAC, sender, nobody, target, EthernetAddress::BROADCAST)
}

/// Another station says that our address is its own.
fn conflict(rig: &mut Rig) -> Verdict {
    rig.receive(&from_other(ArpOperation::Request, OUR_V4, OUR_V4))
}

fn told(rig: &Rig, change: AddressChange) -> Event {
    Event::Address { interface: rig.interface, address: IpAddr::V4(OUR_V4), change }
}

#[test]
fn the_fast_way_takes_300_milliseconds() {
    let mut rig = rig(Acd::Fast, Defense::Once);
    assert_eq!(state(&rig), Some(AddressState::Tentative));
    insta::assert_snapshot!(rig.pass(Duration::from_mins(1)), @r"
    +0ms > arp who-has 192.0.2.2 tell 0.0.0.0
    +300ms > arp who-has 192.0.2.2 tell 192.0.2.2
    +2300ms > arp who-has 192.0.2.2 tell 192.0.2.2
    ");
    assert_eq!(rig.stack.poll_timeout(), None);
}

/// RFC 5227 section 1.1: at most 1 s, three probes 1 to 2 s apart, 2 s of silence, two announcements.
#[test]
fn the_times_of_the_rfc() {
    for seed in 0..20 {
        let mut rig = rig(Acd::Rfc5227, Defense::Once);
        rig.stack.reseed(&crate::Seed([seed; 32]));
        rig.stack.remove_address(rig.now, rig.interface, OUR_V4.into()).unwrap();
        rig.stack.add_address(rig.now, rig.interface, InterfaceAddress::v4(OUR_V4, 24)).unwrap();
        let sent = rig.pass(Duration::from_mins(1));
        let at: Vec<u64> = sent.lines().map(|line| line[1..].split("ms").next().unwrap().parse().unwrap()).collect();
        let [first, second, third, announced, again] = at[..] else { panic!("{sent}") };
        assert!(first <= 1000, "{sent}");
        for (before, after) in [(first, second), (second, third)] {
            assert!((1000..=2000).contains(&(after - before)), "{sent}");
        }
        // Whole milliseconds.
        assert!((1999..=2001).contains(&(announced - third)), "{sent}");
        assert!((1999..=2001).contains(&(again - announced)), "{sent}");
        assert!((4000..=7000).contains(&announced), "{sent}");
        assert_eq!(sent.matches("tell 0.0.0.0").count(), 3);
    }
}

#[test]
fn while_it_is_probed_for_the_address_is_not_used() {
    let mut rig = rig(Acd::Fast, Defense::Once);
    rig.discard();
    let ping = echo_request(PEER_V4.into(), OUR_V4.into(), 8);
    assert_eq!(rig.receive_packet(&ping), Verdict::Dropped(DropReason::Ipv4NotOurs));
    let who_has = from_other(ArpOperation::Request, PEER_V4, OUR_V4);
    assert_eq!(rig.receive(&who_has), Verdict::Dropped(DropReason::ArpNotOurs));
    assert_eq!(rig.sent(), "");
    assert_eq!(rig.events(), []);
    rig.now += Duration::from_millis(300);
    rig.stack.handle_timeout(rig.now);
    assert_eq!(rig.events(), [told(&rig, AddressChange::Assigned)]);
    // Section 2.5: from the first announcement on.
    assert_eq!(rig.receive(&who_has), Verdict::Accepted);
    insta::assert_snapshot!(rig.sent(), @r"
    > arp who-has 192.0.2.2 tell 192.0.2.2
    > arp 192.0.2.2 is-at 02:00:00:00:00:02
    ");
}

/// Section 2.1.1: any packet whose sender address it is, and any probe for it.
#[rstest]
#[case::reply(ArpOperation::Reply, OUR_V4, PEER_V4, true)]
#[case::request(ArpOperation::Request, OUR_V4, PEER_V4, true)]
#[case::announcement(ArpOperation::Request, OUR_V4, OUR_V4, true)]
#[case::probe(ArpOperation::Request, Ipv4Addr::UNSPECIFIED, OUR_V4, true)]
#[case::a_question(ArpOperation::Request, PEER_V4, OUR_V4, false)]
#[case::a_probe_for_another(ArpOperation::Request, Ipv4Addr::UNSPECIFIED, PEER_V4, false)]
fn what_shows_that_another_has_the_address(
    #[case] operation: ArpOperation,
    #[case] sender: Ipv4Addr,
    #[case] target: Ipv4Addr,
    #[case] is_conflict: bool,
) {
    let mut rig = rig(Acd::Fast, Defense::Once);
    rig.discard();
    let verdict = rig.receive(&from_other(operation, sender, target));
    assert_eq!(verdict == Verdict::Dropped(DropReason::ArpConflict), is_conflict);
    if is_conflict {
        assert_eq!(state(&rig), Some(AddressState::Duplicated));
        assert_eq!(rig.events(), [told(&rig, AddressChange::Duplicated)]);
        assert_eq!(rig.counter("address.conflicts"), 1);
        assert_eq!(rig.pass(Duration::from_mins(1)), "");
    } else {
        rig.pass(Duration::from_secs(1));
        assert_eq!(state(&rig), Some(AddressState::Preferred));
    }
}

/// Section 2.1.1: a hub that repeats what we have sent is not another host. Its frames may come from
/// a station of its own.
#[test]
fn our_own_packets_are_no_conflict() {
    let mut rig = rig(Acd::Fast, Defense::Once);
    let mut probe = rig.frames().remove(0);
    assert_eq!(rig.receive(&probe), Verdict::Dropped(DropReason::EthernetSource));
    probe[6..12].copy_from_slice(&OTHER_MAC.0);
    assert_eq!(rig.receive(&probe), Verdict::Dropped(DropReason::ArpSender));
    assert_eq!(state(&rig), Some(AddressState::Tentative));
}

/// Section 2.4 (b).
#[test]
fn an_address_is_defended_once_in_ten_seconds() {
    let mut rig = settled(Defense::Once);
    assert_eq!(conflict(&mut rig), Verdict::Dropped(DropReason::ArpConflict));
    assert_eq!(rig.events(), [told(&rig, AddressChange::Defended)]);
    insta::assert_snapshot!(rig.pass(Duration::from_secs(10)), @"+0ms > arp who-has 192.0.2.2 tell 192.0.2.2");
    assert_eq!(conflict(&mut rig), Verdict::Dropped(DropReason::ArpConflict));
    insta::assert_snapshot!(rig.pass(Duration::from_nanos(9_999_999_999)), @"+0ms > arp who-has 192.0.2.2 tell 192.0.2.2");
    assert_eq!(rig.counter("address.defended"), 2);

    assert_eq!(conflict(&mut rig), Verdict::Dropped(DropReason::ArpConflict));
    assert_eq!(rig.events(), [told(&rig, AddressChange::Duplicated)]);
    assert_eq!(state(&rig), Some(AddressState::Duplicated));
    assert_eq!(rig.pass(Duration::from_mins(1)), "");
    let ping = echo_request(PEER_V4.into(), OUR_V4.into(), 8);
    assert_eq!(rig.receive_packet(&ping), Verdict::Dropped(DropReason::Ipv4NotOurs));
    assert_eq!(rig.stack.routes().count(), 0);
}

/// Section 2.4 (a).
#[test]
fn an_address_is_given_up_at_once_where_it_is_not_to_be_defended() {
    let mut rig = settled(Defense::Never);
    let _ = conflict(&mut rig);
    assert_eq!(state(&rig), Some(AddressState::Duplicated));
    assert_eq!(rig.sent(), "");
}

/// Section 2.4 (c): announced at most every ten seconds, kept in any case.
#[test]
fn an_address_that_is_never_given_up() {
    let mut rig = settled(Defense::Always);
    let mut sent = String::new();
    for _ in 0..250 {
        let _ = conflict(&mut rig);
        sent += &rig.pass(Duration::from_millis(100));
    }
    assert_eq!(sent.matches("who-has").count(), 3, "{sent}");
    assert_eq!(state(&rig), Some(AddressState::Preferred));
}

/// A connection that uses our address, established.
fn connected(rig: &mut Rig) -> TcpHandle {
    let (us, peer) = (socket("192.0.2.2:40000"), socket("192.0.2.1:7"));
    let options = ConnectOptions { local: Some(us), settings: None };
    let handle = rig.stack.tcp_connect(rig.now, peer, options).unwrap();
    rig.discard();
    let reply = arp(ArpOperation::Reply, PEER_MAC, PEER_V4, OUR_MAC, OUR_V4, OUR_MAC);
    assert_eq!(rig.receive(&reply), Verdict::Accepted);
    let syn = rig.frames().remove(0);
    let ack = u32::from_be_bytes([syn[38], syn[39], syn[40], syn[41]]).wrapping_add(1);
    let _ = rig.receive_packet(&tcp_packet(peer, us, &alloc::format!("S. 0:0(0) ack {ack} win 65535"), b""));
    rig.discard();
    handle
}

/// Section 2.4: "Before abandoning an address due to a conflict, hosts SHOULD actively attempt to reset
/// any existing connections using that address."
#[test]
fn connections_of_an_address_that_is_given_up_are_reset() {
    let mut rig = settled(Defense::Never);
    let handle = connected(&mut rig);
    let _ = conflict(&mut rig);
    assert!(rig.sent().contains("192.0.2.2:40000 > 192.0.2.1:7 tcp R"));
    assert_eq!(rig.stack.tcp(handle).unwrap().take_error(), Some(SocketError::AddressLost));
}

/// Section 2.1.1: `MAX_CONFLICTS`, `RATE_LIMIT_INTERVAL`.
#[test]
fn after_ten_conflicts_new_addresses_are_rare() {
    let mut rig = Rig::bare(AddressSettings::default());
    for n in 10..20 {
        let address = Ipv4Addr::new(192, 0, 2, n);
        rig.stack.add_address(rig.now, rig.interface, InterfaceAddress::v4(address, 24)).unwrap();
        assert_eq!(rig.sent(), alloc::format!("> arp who-has {address} tell 0.0.0.0"));
        let _ = rig.receive(&from_other(ArpOperation::Reply, address, PEER_V4));
        rig.stack.remove_address(rig.now, rig.interface, address.into()).unwrap();
    }
    rig.stack.add_address(rig.now, rig.interface, InterfaceAddress::v4(OUR_V4, 24)).unwrap();
    rig.events();
    insta::assert_snapshot!(rig.pass(Duration::from_secs(61)), @r"
    +60000ms > arp who-has 192.0.2.2 tell 0.0.0.0
    +60300ms > arp who-has 192.0.2.2 tell 192.0.2.2
    ");
}

/// RFC 3927 section 2.5: "All ARP packets that contain a Link-Local 'sender IP address' MUST be sent using
/// link-layer broadcast".
#[test]
fn arp_from_a_link_local_address_is_broadcast() {
    let mut rig = Rig::bare(AddressSettings::UNVERIFIED);
    let address = Ipv4Addr::new(169, 254, 7, 7);
    rig.stack.add_address(rig.now, rig.interface, InterfaceAddress::v4(address, 16)).unwrap();
    let asker = Ipv4Addr::new(169, 254, 9, 9);
    assert_eq!(rig.receive(&from_other(ArpOperation::Request, asker, address)), Verdict::Accepted);
    let frames = rig.frames();
    assert_eq!(stations(&frames[0]), (EthernetAddress::BROADCAST, OUR_MAC));
}
