//! IPv4 link-local addresses (RFC 3927), and what a link that comes up does to addresses.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use super::rig::*;
use crate::autoconf::link_local::LinkLocal;
use crate::error::LinkLocalError;
use crate::wire::arp::ArpOperation;
use crate::wire::ethernet::EthernetAddress;
use crate::{AddressSettings, AddressState, Config, Defense, InterfaceAddress, Limits, Route, SavedLinkLocal, Verdict};

const OTHER_MAC: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 77]);
const LAST_TIME: Ipv4Addr = Ipv4Addr::new(169, 254, 20, 20);

fn rig(remembered: Option<Ipv4Addr>) -> Rig {
    let mut rig = Rig::bare(AddressSettings { defense: Defense::Always, ..AddressSettings::default() });
    rig.stack.start_link_local(rig.now, rig.interface, remembered).unwrap();
    rig
}

fn own(rig: &Rig) -> Option<(Ipv4Addr, AddressState)> {
    let own = rig.stack.interfaces().next().unwrap().addresses.first().copied()?;
    match own.address {
        IpAddr::V4(address) => Some((address, own.state)),
        IpAddr::V6(_) => None,
    }
}

fn claimed_by_another(rig: &mut Rig, address: Ipv4Addr) {
    let nobody = EthernetAddress::UNSPECIFIED;
    let _ = rig.receive(&arp(ArpOperation::Request, OTHER_MAC, address, nobody, address, EthernetAddress::BROADCAST));
}

/// Section 2.1: 169.254.1.0 to 169.254.254.255, spread over all of it, the same after each start.
#[test]
fn candidates() {
    let mut seen = BTreeSet::new();
    for n in 0..=255 {
        let mut link_local = LinkLocal::new(EthernetAddress([2, 0, 0, 0, 1, n]), None);
        for _ in 0..8 {
            let address = link_local.candidate();
            assert_eq!(address, link_local.candidate());
            assert!(address.is_link_local() && (1..=254).contains(&address.octets()[2]), "{address}");
            seen.insert(address);
            link_local.on_conflict();
        }
    }
    assert!(seen.len() > 1_980, "{}", seen.len());
    assert!((1..=254).all(|third| seen.iter().any(|address| address.octets()[2] == third)));
}

#[test]
fn an_address_is_probed_for_and_used() {
    let mut rig = rig(None);
    let (address, state) = own(&rig).unwrap();
    assert_eq!(state, AddressState::Tentative);
    let expected =
        alloc::format!("+0ms > arp who-has {address} tell 0.0.0.0\n+300ms > arp who-has {address} tell {address}");
    assert_eq!(rig.pass(Duration::from_secs(1)), expected);
    assert_eq!(own(&rig), Some((address, AddressState::Preferred)));
    let now = rig.now;
    assert!(rig.stack.stop_link_local(now, rig.interface));
    assert!(!rig.stack.stop_link_local(now, rig.interface));
    assert_eq!(own(&rig), None);
}

/// "Hosts with a previously recorded address SHOULD use that address as their first candidate".
#[test]
fn the_address_of_last_time_is_tried_first() {
    assert_eq!(own(&rig(Some(LAST_TIME))).unwrap().0, LAST_TIME);
    for impossible in [[169, 254, 0, 7], [169, 254, 255, 7], [10, 0, 0, 1]] {
        assert_eq!(own(&rig(Some(impossible.into()))), own(&rig(None)));
    }
}

#[test]
fn another_is_found_where_one_is_taken() {
    let mut rig = rig(Some(LAST_TIME));
    rig.discard();
    claimed_by_another(&mut rig, LAST_TIME);
    let (second, state) = own(&rig).unwrap();
    assert!(second != LAST_TIME && state == AddressState::Tentative);
    rig.pass(Duration::from_secs(10));
    assert_eq!(own(&rig), Some((second, AddressState::Preferred)));
    // Section 2.5: in use it is defended once, whatever the setting is for other addresses.
    claimed_by_another(&mut rig, second);
    assert_eq!(own(&rig), Some((second, AddressState::Preferred)));
    claimed_by_another(&mut rig, second);
    let (third, state) = own(&rig).unwrap();
    assert!(third != second && state == AddressState::Tentative);
}

/// Section 2.2.1: "A rogue host that answers all ARP probes" must not make us try on and on: ten at once,
/// then one a minute.
#[test]
fn a_rogue_that_has_all_addresses() {
    let mut rig = rig(None);
    let end = rig.now + Duration::from_mins(5);
    while rig.now < end {
        for frame in rig.frames() {
            let asked = crate::wire::arp::ArpPacket::parse(&frame[14..]).unwrap().target_protocol();
            claimed_by_another(&mut rig, asked);
        }
        rig.events();
        match rig.stack.poll_timeout() {
            Some(wakeup) if wakeup.at > rig.now => rig.run_to(wakeup.at),
            _ => {}
        }
    }
    assert!((14..=16).contains(&rig.counter("address.conflicts")), "{}", rig.counter("address.conflicts"));
}

#[test]
fn no_room_for_an_address() {
    let mut rig = Rig::limited(Limits { addresses: 2, ..Limits::default() });
    let refused = rig.stack.start_link_local(rig.now, rig.interface, None);
    assert_eq!(refused, Err(LinkLocalError::LimitReached));
    assert!(!rig.stack.stop_link_local(rig.now, rig.interface));
}

/// Section 2.6.2: what goes to a link-local address, or comes from one, is never sent to a router.
#[test]
fn no_router_takes_link_local_packets() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    rig.stack.add_route(Route::via(Ipv4Addr::UNSPECIFIED.into(), 0, PEER_V4.into(), rig.interface)).unwrap();
    let handle = rig.udp_bind("0.0.0.0:5000");
    rig.udp_send(handle, b"hello", "169.254.9.9:7").unwrap();
    insta::assert_snapshot!(rig.sent(), @"> arp who-has 169.254.9.9 tell 192.0.2.2");
    let now = rig.now;
    rig.stack.add_address(now, rig.interface, InterfaceAddress::v4(LAST_TIME, 16)).unwrap();
    let handle = rig.udp_bind("169.254.20.20:5001");
    rig.udp_send(handle, b"hello", "198.51.100.7:7").unwrap();
    insta::assert_snapshot!(rig.sent(), @"> arp who-has 198.51.100.7 tell 192.0.2.2");
}

/// Section 2.1: a host with a memory tries first the address that it had last time; another one that was
/// found since takes its place in that memory.
#[test]
fn the_address_of_last_time_is_kept() {
    let mut first = rig(Some(LAST_TIME));
    let saved = |rig: &Rig| rig.stack.export_identity(rig.now).link_locals;
    assert_eq!(saved(&first), [], "it is not ours yet");
    first.pass(Duration::from_secs(10));
    let kept = SavedLinkLocal { interface: first.interface.0, address: LAST_TIME };
    assert_eq!(saved(&first), [kept]);

    let identity = Some(first.stack.export_identity(first.now));
    let mut again = Rig::bare_with(Config { identity, checks: true, ..Config::default() }, AddressSettings::default());
    again.stack.start_link_local(again.now, again.interface, None).unwrap();
    assert_eq!(own(&again), Some((LAST_TIME, AddressState::Tentative)));
    claimed_by_another(&mut again, LAST_TIME);
    again.pass(Duration::from_secs(10));
    let (other, _) = own(&again).unwrap();
    assert_ne!(other, LAST_TIME);
    assert_eq!(saved(&again), [SavedLinkLocal { address: other, ..kept }]);
}

/// RFC 5227 section 2.1: "when a link-state change signals that an Ethernet cable has been connected".
#[test]
fn addresses_are_verified_again_when_the_link_comes_up() {
    let mut rig = Rig::bare(AddressSettings::default());
    for own in [InterfaceAddress::v4(OUR_V4, 24), InterfaceAddress::v6(OUR_V6, 64)] {
        rig.stack.add_address(rig.now, rig.interface, own).unwrap();
    }
    rig.pass(Duration::from_secs(5));
    let states = |rig: &Rig| -> Vec<AddressState> {
        rig.stack.interfaces().next().unwrap().addresses.iter().map(|own| own.state).collect()
    };
    assert_eq!(states(&rig), [AddressState::Preferred; 2]);
    let now = rig.now;
    rig.stack.set_link(now, rig.interface, false).unwrap();
    rig.now += Duration::from_secs(5);
    let now = rig.now;
    rig.stack.set_link(now, rig.interface, true).unwrap();
    assert_eq!(states(&rig), [AddressState::Tentative; 2]);
    let sent: String = rig.pass(Duration::from_secs(5));
    assert_eq!(sent.matches("tell 0.0.0.0").count(), 1, "{sent}");
    assert_eq!(sent.matches("> :: > ff02::1:ff00:2").count(), 1, "{sent}");
    assert_eq!(states(&rig), [AddressState::Preferred; 2]);
    let ping = echo_request(PEER_V4.into(), OUR_V4.into(), 8);
    assert_eq!(rig.receive_packet(&ping), Verdict::Accepted);
}
