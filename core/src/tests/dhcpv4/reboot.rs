//! A lease of earlier, when the link comes back: INIT-REBOOT (RFC 2131 section 3.2), and whether this is
//! the network that it was for (RFC 4436).

use core::time::Duration;

use super::*;
use crate::wire::arp::ArpOperation;
use crate::wire::dhcpv4::Dhcpv4Kind::{Ack, Nak};
use crate::{Event, Instant};

/// A bound host whose link has gone down.
fn unplugged() -> Host {
    let mut host = Host::bound();
    host.during(Duration::from_secs(10));
    // The router is a neighbor.
    let request = arp(ArpOperation::Request, PEER_MAC, SERVER, EthernetAddress::UNSPECIFIED, LEASED, OUR_MAC);
    assert_eq!(host.rig.receive(&request), Verdict::Accepted);
    host.rig.discard();
    link(&mut host, false);
    assert_eq!(host.state(), Dhcpv4State::InitReboot);
    host
}

fn link(host: &mut Host, up: bool) {
    host.rig.stack.set_link(host.rig.now, host.rig.interface, up).unwrap();
}

fn expires(host: &Host) -> Option<Instant> {
    host.rig.stack.dhcpv4(host.rig.interface).unwrap().lease.unwrap().expires_at
}

/// Section 4.3.2: requested address, no server, ciaddr zero, broadcast. Beside it the router is asked for
/// by its known hardware address (RFC 4436 section 2.1.1).
#[test]
fn the_lease_is_asked_for_again() {
    let mut host = unplugged();
    assert_eq!(host.during(Duration::from_mins(1)).len(), 0, "nothing can be asked");
    assert!(host.has_address(), "connections survive a loose plug");
    link(&mut host, true);
    let frames = host.rig.clone().frames();
    assert_eq!(stations(&frames[1]), (PEER_MAC, OUR_MAC));
    let lines = host.rig.clone().sent();
    assert!(lines.contains("\n> arp who-has 192.0.2.1 tell 192.0.2.50\n"), "{lines}");
    assert_eq!(host.sent_one(), "0.0.0.0:68 > 255.255.255.255:67 dhcp request <requested 192.0.2.50>");
    assert_eq!(host.state(), Dhcpv4State::Rebooting);
    let asked = host.rig.now;
    assert_eq!(host.answer(Ack, LEASED, &USUAL), Verdict::Accepted);
    assert_eq!(host.state(), Dhcpv4State::Bound);
    assert_eq!(expires(&host), Some(asked + Duration::from_hours(1)));
    host.settle();
}

/// Any server may answer.
#[test]
fn another_network_refuses_it() {
    let mut host = unplugged();
    link(&mut host, true);
    host.sent();
    assert_eq!(host.answer(Nak, Ipv4Addr::UNSPECIFIED, &[(54, &[198, 51, 100, 1])]), Verdict::Accepted);
    assert_eq!((host.addresses().len(), host.routes().len()), (0, 0));
    assert_eq!(host.sent_one(), "0.0.0.0:68 > 255.255.255.255:67 dhcp discover <rapid-commit>");
}

/// Section 3.2 (3): "the client MAY choose to use the previously allocated network address [..] for the
/// remainder of the unexpired lease".
#[test]
fn nobody_answers() {
    let mut host = unplugged();
    let before = expires(&host);
    link(&mut host, true);
    host.sent();
    let sent = host.during(Duration::from_secs(15));
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert!(
        (sent[0].0 - 4.0).abs() <= 1.0
            && sent[0].1.line.ends_with(
                "dhcp request secs 4 <requested 192.0.2.50>".replace('4', &sent[0].1.header.secs.to_string()).as_str()
            ),
        "{sent:?}"
    );
    assert_eq!(host.state(), Dhcpv4State::Bound);
    assert_eq!(expires(&host), before);
    assert!(host.has_address());
    assert_eq!(host.rig.counter("dhcpv4.unanswered"), 1);
}

#[test]
fn the_lease_ends_while_the_link_is_down() {
    let mut host = unplugged();
    let end = expires(&host).unwrap();
    host.during(end.since(host.rig.now));
    assert_eq!((host.addresses().len(), host.routes().len()), (0, 0));
    assert_eq!(host.state(), Dhcpv4State::Init);
    link(&mut host, true);
    assert_eq!(host.sent_one(), "0.0.0.0:68 > 255.255.255.255:67 dhcp discover <rapid-commit>");
}

#[test]
fn a_client_that_starts_without_a_link_waits_for_it() {
    let mut host = Host::new();
    link(&mut host, false);
    let config = Dhcpv4Config::default();
    host.rig.stack.dhcpv4_start(host.rig.now, host.rig.interface, config).unwrap();
    assert_eq!(host.during(Duration::from_hours(1)).len(), 0);
    assert_eq!(host.state(), Dhcpv4State::Init);
    link(&mut host, true);
    assert_eq!(host.sent_one(), "0.0.0.0:68 > 255.255.255.255:67 dhcp discover <rapid-commit>");
}

#[test]
fn a_question_that_is_open_is_asked_anew() {
    let mut host = Host::started();
    let _ = host.answer(Dhcpv4Kind::Offer, LEASED, &USUAL);
    link(&mut host, false);
    assert_eq!(host.state(), Dhcpv4State::Init);
    assert_eq!(host.sent().len(), 0, "the request is moot");
    link(&mut host, true);
    assert!(host.sent_one().contains(" discover "));
    host.rig.events();
    assert!(!host.rig.events().contains(&Event::Configuration(host.rig.interface)));
}

/// The same host, started again after `idle`, with what it was told to keep.
fn restarted(host: &Host, idle: Duration) -> Host {
    let mut identity = host.rig.stack.export_identity(host.rig.now);
    identity.pass(idle);
    let config = Config { checks: true, identity: Some(identity), ..Config::default() };
    let mut again = Host { rig: Rig::bare_with(config, AddressSettings::default()), last: None };
    again.start(Dhcpv4Config { link_local_after: None, ..Dhcpv4Config::default() });
    again
}

/// Bound, with the router among the neighbors.
fn known() -> Host {
    let mut host = Host::bound();
    host.during(Duration::from_secs(10));
    let request = arp(ArpOperation::Request, PEER_MAC, SERVER, EthernetAddress::UNSPECIFIED, LEASED, OUR_MAC);
    assert_eq!(host.rig.receive(&request), Verdict::Accepted);
    host.rig.discard();
    host
}

#[test]
fn a_restart_asks_for_the_lease_of_before() {
    let before = known();
    let mut host = restarted(&before, Duration::from_mins(5));
    assert_eq!(host.state(), Dhcpv4State::Rebooting);
    let id = |host: &Host| host.rig.stack.dhcpv4(host.rig.interface).unwrap().client_id.to_vec();
    assert_eq!(id(&host), id(&before));
    let left = expires(&host).unwrap().since(host.rig.now);
    assert_eq!(left + Duration::from_mins(5), expires(&before).unwrap().since(before.rig.now));
    assert_eq!(host.addresses().len(), 0);
    assert_eq!(host.answer(Ack, LEASED, &USUAL), Verdict::Accepted);
    host.settle();
    assert_eq!(host.state(), Dhcpv4State::Bound);
}

#[test]
fn a_lease_that_has_expired_is_not_used() {
    let before = known();
    let left = expires(&before).unwrap().since(before.rig.now);
    assert_eq!(restarted(&before, left.saturating_sub(Duration::from_secs(1))).state(), Dhcpv4State::Rebooting);
    let mut host = restarted(&before, left);
    assert_eq!(host.state(), Dhcpv4State::Selecting);
    host.during(Duration::from_mins(1));
    assert_eq!(host.addresses().len(), 0);
}

/// It runs on, from start to the client's, while nobody has asked for it.
#[test]
fn a_lease_expires_before_the_client_starts() {
    let before = known();
    let left = expires(&before).unwrap().since(before.rig.now);
    let identity = before.rig.stack.export_identity(before.rig.now);
    let config = Config { checks: true, identity: Some(identity), ..Config::default() };
    let mut host = Host { rig: Rig::bare_with(config, AddressSettings::default()), last: None };
    assert_eq!(host.rig.stack.export_identity(host.rig.now).dhcpv4.len(), 1);
    host.rig.now += left;
    assert_eq!(host.rig.stack.export_identity(host.rig.now).dhcpv4.len(), 0);
    host.start(Dhcpv4Config::default());
    assert_eq!(host.state(), Dhcpv4State::Selecting);
}

/// RFC 4436 section 2.1: the router is where it was, so the address can be used before a server answers;
/// a server that refuses has the last word.
#[test]
fn the_router_of_before_is_recognized() {
    let mut host = Host::new();
    let before = known();
    let identity = before.rig.stack.export_identity(before.rig.now);
    assert_eq!(identity.dhcpv4[0].router_station, Some(PEER_MAC));
    let config = Config { checks: true, identity: Some(identity), ..Config::default() };
    host.rig = Rig::bare_with(config, AddressSettings::default());
    host.rig.stack.dhcpv4_start(host.rig.now, host.rig.interface, Dhcpv4Config::default()).unwrap();
    assert!(host.rig.clone().sent().ends_with("> arp who-has 192.0.2.1 tell 192.0.2.50"));
    assert_eq!(host.sent().len(), 1);

    let other = EthernetAddress([2, 0, 0, 0, 0, 9]);
    let answer = |station| arp(ArpOperation::Reply, station, SERVER, OUR_MAC, LEASED, OUR_MAC);
    let _ = host.rig.receive(&answer(other));
    host.rig.pass(Duration::from_secs(1));
    assert_eq!(host.addresses().len(), 0, "another router with that address is another network");

    assert_eq!(host.rig.receive(&answer(PEER_MAC)), Verdict::Accepted);
    host.settle();
    assert_eq!(host.state(), Dhcpv4State::Rebooting);
    assert_eq!(host.routes(), ["0.0.0.0/0 via 192.0.2.1", "192.0.2.0/24"]);
    let mut refused = Host { rig: host.rig.clone(), last: host.last };
    assert_eq!(host.answer(Ack, LEASED, &USUAL), Verdict::Accepted);
    assert!(host.has_address());
    assert_eq!(refused.answer(Nak, Ipv4Addr::UNSPECIFIED, &[(54, &[192, 0, 2, 1])]), Verdict::Accepted);
    assert_eq!(refused.addresses().len(), 0);
}

/// What is kept can be damaged: an address that no host can have is not sought.
#[test]
fn a_binding_of_no_use() {
    let before = known();
    for (address, prefix_len) in [([127, 0, 0, 1], 8), ([192, 0, 2, 255], 24), ([192, 0, 2, 50], 60), ([0; 4], 24)] {
        let mut identity = before.rig.stack.export_identity(before.rig.now);
        (identity.dhcpv4[0].address, identity.dhcpv4[0].prefix_len) = (address.into(), prefix_len);
        let config = Config { checks: true, identity: Some(identity), ..Config::default() };
        let mut host = Host { rig: Rig::bare_with(config, AddressSettings::default()), last: None };
        host.start(Dhcpv4Config::default());
        assert_eq!(host.state(), Dhcpv4State::Selecting);
    }
}
