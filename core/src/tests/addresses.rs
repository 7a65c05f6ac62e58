//! Our own addresses: lifetimes (RFC 4862 section 5.5.4), what the application is told, what becomes of
//! sockets whose address has gone.

use core::net::IpAddr;
use core::time::Duration;

use super::rig::*;
use crate::error::AddressError;
use crate::stack::NewAddress;
use crate::{AddressChange, AddressOrigin, AddressState, Cause, DropReason, Event, Limits, Verdict, Wakeup};

const LEASED: &str = "192.0.2.50";

/// An address of a DHCP server, preferred and valid for so many seconds.
fn lease(rig: &Rig, address: &str, preferred: u64, valid: u64) -> NewAddress {
    NewAddress {
        address: address.parse().unwrap(),
        prefix_len: 24,
        origin: AddressOrigin::Dhcp,
        preferred_until: Some(rig.now + Duration::from_secs(preferred)),
        valid_until: Some(rig.now + Duration::from_secs(valid)),
    }
}

fn leased(preferred: u64, valid: u64) -> Rig {
    let mut rig = Rig::new();
    let new = lease(&rig, LEASED, preferred, valid);
    rig.assign_address(new).unwrap();
    assert_eq!(rig.events(), [change(&rig, LEASED, AddressChange::Assigned)]);
    rig
}

fn change(rig: &Rig, address: &str, change: AddressChange) -> Event {
    Event::Address { interface: rig.interface, address: address.parse().unwrap(), change }
}

fn state(rig: &Rig, address: &str) -> Option<AddressState> {
    let address: IpAddr = address.parse().unwrap();
    rig.stack.interfaces().next().unwrap().addresses.iter().find(|own| own.address == address).map(|own| own.state)
}

/// What would become of a ping.
fn ping(rig: &Rig, address: &str) -> Verdict {
    rig.clone().receive_packet(&echo_request(PEER_V4.into(), address.parse().unwrap(), 8))
}

/// Goes to the next deadline, which has to be that of a lifetime, so many seconds from now.
fn lifetime_ends(rig: &mut Rig, seconds: u64) {
    let at = rig.now + Duration::from_secs(seconds);
    assert_eq!(rig.stack.poll_timeout(), Some(Wakeup { at, cause: Cause::AddressLifetime }));
    rig.run_to(at);
}

#[test]
fn an_address_is_deprecated_and_then_removed() {
    let mut rig = leased(60, 100);
    assert_eq!(state(&rig, LEASED), Some(AddressState::Preferred));
    lifetime_ends(&mut rig, 60);
    assert_eq!(rig.events(), [change(&rig, LEASED, AddressChange::Deprecated)]);
    assert_eq!(state(&rig, LEASED), Some(AddressState::Deprecated));
    assert_eq!(ping(&rig, LEASED), Verdict::Accepted);
    lifetime_ends(&mut rig, 40);
    assert_eq!(rig.events(), [change(&rig, LEASED, AddressChange::Removed)]);
    assert_eq!(state(&rig, LEASED), None);
    assert_eq!(ping(&rig, LEASED), Verdict::Dropped(DropReason::Ipv4NotOurs));
    assert_eq!(rig.stack.poll_timeout(), None);
}

#[test]
fn new_lifetimes_take_the_place_of_the_old_ones() {
    let mut rig = leased(60, 100);
    lifetime_ends(&mut rig, 60);
    rig.events();
    let renewed = lease(&rig, LEASED, 60, 100);
    rig.assign_address(renewed).unwrap();
    assert_eq!(rig.events(), [change(&rig, LEASED, AddressChange::Preferred)]);
    assert_eq!(state(&rig, LEASED), Some(AddressState::Preferred));
    lifetime_ends(&mut rig, 60);
    // For good, and deprecated from the start.
    let forever = NewAddress { valid_until: None, ..lease(&rig, LEASED, 0, 0) };
    rig.assign_address(forever).unwrap();
    assert_eq!(rig.stack.interfaces().next().unwrap().addresses.len(), 3);
    assert_eq!(state(&rig, LEASED), Some(AddressState::Deprecated));
    rig.events();
    assert_eq!(rig.stack.poll_timeout(), None);
}

/// What one that configures itself may ask for is checked as a command is.
#[test]
fn an_address_that_no_host_can_have_is_refused() {
    let mut rig = Rig::new();
    let new = lease(&rig, "192.0.2.255", 60, 100);
    assert_eq!(rig.assign_address(new), Err(AddressError::BadAddress));
    let mut rig = Rig::limited(Limits { addresses: 2, ..Limits::default() });
    assert_eq!(rig.assign_address(new_in(&rig)), Err(AddressError::LimitReached));
    assert_eq!(rig.counter("address.refused"), 1);
}

fn new_in(rig: &Rig) -> NewAddress {
    lease(rig, LEASED, 60, 100)
}

/// RFC 5942 section 4: an address says nothing about who is on the link.
#[test]
fn an_address_of_a_router_or_dhcpv6_server_brings_no_route() {
    let mut rig = Rig::new();
    let routes = rig.stack.routes().count();
    for (n, origin) in [AddressOrigin::Slaac, AddressOrigin::Temporary, AddressOrigin::Dhcp].into_iter().enumerate() {
        let address = alloc::format!("2001:db8:{n}::2");
        let new = NewAddress { origin, prefix_len: 64, ..lease(&rig, &address, 60, 100) };
        rig.assign_address(new).unwrap();
    }
    assert_eq!(rig.stack.routes().count(), routes);
    let new = NewAddress { origin: AddressOrigin::LinkLocal, prefix_len: 64, ..lease(&rig, "fe80::2", 60, 100) };
    rig.assign_address(new).unwrap();
    assert_eq!(rig.stack.routes().count(), routes + 1);
}

#[test]
fn of_several_changes_of_an_address_the_last_is_told() {
    let mut rig = leased(60, 100);
    rig.now += Duration::from_mins(1);
    rig.stack.handle_timeout(rig.now);
    rig.now += Duration::from_secs(40);
    rig.stack.handle_timeout(rig.now);
    assert_eq!(rig.events(), [change(&rig, LEASED, AddressChange::Removed)]);
}

#[test]
fn changes_that_nobody_asks_for_do_not_pile_up() {
    let mut rig = Rig::limited(Limits { address_events: 2, ..Limits::default() });
    for n in 1..=3 {
        let new = lease(&rig, &alloc::format!("10.0.0.{n}"), 60, 100);
        rig.assign_address(new).unwrap();
    }
    assert_eq!(rig.counter("address.events_lost"), 1);
    assert_eq!(rig.events(), ["10.0.0.2", "10.0.0.3"].map(|address| change(&rig, address, AddressChange::Assigned)));
}

/// RFC 4862 section 5.5.4: an address whose lifetime has ended "MUST NOT be used as a source address".
#[test]
fn a_connection_falls_silent_without_its_address() {
    let mut rig = leased(60, 100);
    rig.introduce_peer();
    let (us, peer) = (socket("192.0.2.50:40000"), socket("192.0.2.1:7"));
    let options = crate::ConnectOptions { local: Some(us), settings: None };
    let handle = rig.stack.tcp_connect(rig.now, peer, options).unwrap();
    let syn = rig.frames().remove(0);
    let ack = u32::from_be_bytes([syn[38], syn[39], syn[40], syn[41]]).wrapping_add(1);
    let _ = rig.receive_packet(&tcp_packet(peer, us, &alloc::format!("S. 0:0(0) ack {ack} win 65535"), b""));
    rig.discard();
    let now = rig.now;
    rig.stack.tcp(handle).unwrap().send(now, b"hello").unwrap();
    rig.stack.withdraw_address(rig.interface, LEASED.parse().unwrap(), None);
    assert_eq!(rig.pass(Duration::from_secs(3)), "");
    assert!(rig.drops(DropReason::NoRoute) > 0);
    // It goes on where the address comes back.
    let new = new_in(&rig);
    rig.assign_address(new).unwrap();
    assert!(rig.pass(Duration::from_secs(5)).contains("192.0.2.50:40000 > 192.0.2.1:7 tcp P. "));
}

/// What waits in a socket of an address that goes is not sent from it.
#[test]
fn a_datagram_does_not_leave_from_an_address_that_has_gone() {
    let mut rig = leased(60, 100);
    rig.introduce_peer();
    let handle = rig.udp_bind("192.0.2.50:5000");
    rig.udp_send(handle, b"queued", "192.0.2.1:7").unwrap();
    rig.stack.withdraw_address(rig.interface, LEASED.parse().unwrap(), None);
    assert_eq!(rig.sent(), "");
    assert_eq!(rig.drops(DropReason::NoRoute), 1);
    assert_eq!(rig.udp_send(handle, b"more", "192.0.2.1:7"), Err(crate::error::UdpSendError::NoRoute));
}
