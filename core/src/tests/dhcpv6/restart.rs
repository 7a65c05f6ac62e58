//! What is kept across a restart (RFC 8415 section 18.2.12), and routers that say that there are servers
//! (RFC 4861 section 4.2).

use super::rig::*;
use crate::autoconf::dhcpv6::Dhcpv6State;
use crate::config::Dhcpv6Config;
use crate::tests::rig::Rig;
use crate::tests::routers::{autoconfigured, header};
use crate::wire::dhcpv6::Status;
use crate::wire::ndp_router::RouterAdvertisementHeader;
use crate::{Capabilities, Config, Duid, InterfaceAddress, InterfaceConfig};

/// It keeps DUID and IAID, confirms its address rather than asking for one, and uses it only then.
#[test]
fn a_restart_confirms() {
    let mut client = Client::bound(ADDRESSES);
    client.rig.pass(seconds(10));
    let mut identity = client.rig.stack.export_identity(client.rig.now);
    identity.pass(seconds(20));
    let mut again = Client::restarted(identity, ADDRESSES);
    assert_eq!(again.info().duid.bytes(), CLIENT);
    insta::assert_snapshot!(again.pass(seconds(1)), @"+864ms > [fe80::2]:546 > [ff02::1:2]:547 dhcp6 confirm xid e1cc74 <client 00030001020000000002, elapsed 0ms, ia-na 00000002 t1 0 t2 0 <addr 2001:db8::100 pref 0 valid 0>>");
    assert_eq!(again.info().state, Dhcpv6State::Confirming);
    assert!(!again.has(LEASED));
    // The rig has let 5 s pass before there was a link-local address.
    assert_eq!(again.info().addresses[0].valid_until, Some(again.rig.now - seconds(6) + seconds(70)));
    again.reply(&TWO, &status(Status::SUCCESS));
    assert!(again.has(LEASED));
    assert_eq!(again.info().server.unwrap().bytes(), ONE);
    assert!(again.pass(seconds(20)).contains("dhcp6 renew"), "T1 is where it was");
}

#[test]
fn without_an_answer_the_lease_is_used_on() {
    let client = Client::bound(ADDRESSES);
    let mut again = Client::restarted(client.rig.stack.export_identity(client.rig.now), ADDRESSES);
    again.pass(seconds(11));
    assert_eq!((again.has(LEASED), again.info().state), (true, Dhcpv6State::Bound));
}

/// With prefixes, a Rebind.
#[test]
fn a_restart_with_prefixes() {
    let client = Client::bound_to_both();
    let mut again = Client::restarted(client.rig.stack.export_identity(client.rig.now), BOTH);
    insta::assert_snapshot!(again.pass(seconds(1)), @"+864ms > [fe80::2]:546 > [ff02::1:2]:547 dhcp6 rebind xid e1cc74 <client 00030001020000000002, elapsed 0ms, reconfigure-accept, oro dns domains sol-max-rt, ia-na 00000002 t1 0 t2 0 <addr 2001:db8::100 pref 0 valid 0>, ia-pd 00000002 t1 0 t2 0 <prefix 2001:db8:ff::/56 pref 0 valid 0>>");
}

/// What has expired meanwhile is never used, nor asked for.
#[test]
fn an_expired_lease_is_forgotten() {
    let client = Client::bound(ADDRESSES);
    let mut identity = client.rig.stack.export_identity(client.rig.now);
    identity.pass(seconds(100));
    assert!(identity.dhcpv6.is_empty());
    let mut again = Client::restarted(identity, ADDRESSES);
    insta::assert_snapshot!(again.pass(seconds(1)), @"+864ms > [fe80::2]:546 > [ff02::1:2]:547 dhcp6 solicit xid e1cc74 <client 00030001020000000002, elapsed 0ms, reconfigure-accept, oro dns domains sol-max-rt, ia-na 00000002 t1 0 t2 0>");
    assert!(!again.has(LEASED));
}

/// It may also expire while the stack that was given it waits for an address to ask from.
#[test]
fn a_lease_that_expires_before_it_is_confirmed() {
    let client = Client::bound(ADDRESSES);
    let mut identity = client.rig.stack.export_identity(client.rig.now);
    identity.pass(seconds(97));
    let mut again = Client::restarted(identity, ADDRESSES);
    assert!(again.pass(seconds(1)).contains("dhcp6 solicit"));
}

/// What no client has taken up is kept for the next start, and ages.
#[test]
fn an_identity_that_is_not_used() {
    let client = Client::bound(ADDRESSES);
    let identity = client.rig.stack.export_identity(client.rig.now);
    let config = Config { identity: Some(identity.clone()), ..Config::default() };
    let mut rig = Rig::with(config, Capabilities::plain(1500));
    rig.pass(seconds(40));
    let mut expected = identity;
    expected.pass(seconds(40));
    assert_eq!(rig.stack.export_identity(rig.now), expected);
    rig.pass(seconds(60));
    assert!(rig.stack.export_identity(rig.now).dhcpv6.is_empty());
}

#[test]
fn released_leases_are_not_kept() {
    let mut client = Client::bound(ADDRESSES);
    let (now, id) = (client.rig.now, client.rig.interface);
    client.rig.stack.dhcpv6_release(now, id).unwrap();
    assert!(client.rig.stack.export_identity(now).dhcpv6.is_empty());
}

/// A router's M flag starts a client for addresses, its O flag one for information; a prefix is asked for
/// where that is set.
#[test]
fn routers_say_that_there_are_servers() {
    let line = |managed, other, dhcpv6: Dhcpv6Config| {
        let mut rig = autoconfigured(Config { dhcpv6, ..Config::default() });
        rig.pass(seconds(1));
        rig.discard();
        let _ = rig.advertise_as(1, &RouterAdvertisementHeader { managed, other, ..header() }, &[]);
        let lines = rig.pass(seconds(1));
        lines.split_once("dhcp6 ").map(|(_, message)| alloc::string::String::from(message)).unwrap_or_default()
    };
    let default = Dhcpv6Config::default;
    assert!(line(true, false, default()).starts_with("solicit"));
    assert!(line(true, true, default()).starts_with("solicit"));
    assert!(line(false, true, default()).starts_with("information-request"));
    assert_eq!(line(false, false, default()), "");
    assert_eq!(line(true, true, Dhcpv6Config { follow_routers: false, ..default() }), "");
    assert!(line(true, false, Dhcpv6Config { prefix_delegation: Some(60), ..default() }).contains("prefix ::/60"));
}

/// RFC 6355: a host without a hardware address is known by a UUID, which it keeps; its associations by the
/// numbers of the interfaces.
#[test]
fn without_a_hardware_address() {
    let rig = |identity| {
        let addresses = [InterfaceAddress::v6(LINK_LOCAL, 64)];
        let interface = InterfaceConfig::ip(Capabilities::plain(1500), addresses);
        let mut rig = Rig::with_interface(Config { checks: true, identity, ..Config::default() }, interface);
        let first = rig.interface;
        let second = rig.add_interface(InterfaceConfig::ip(Capabilities::plain(1500), addresses));
        for id in [first, second] {
            rig.stack.dhcpv6_start(rig.now, id, ADDRESSES).unwrap();
        }
        rig
    };
    let first = rig(None);
    let identity = first.stack.export_identity(first.now);
    let duid = identity.duid.as_ref().map(Duid::bytes).unwrap();
    // DUID-UUID, of version 4 and the variant of RFC 4122.
    assert_eq!((duid.len(), &duid[..2], duid[8] >> 4, duid[10] >> 6), (18, &[0, 4][..], 4, 2));
    assert_eq!(
        identity.iaids.iter().map(|known| (known.interface, known.iaid)).collect::<alloc::vec::Vec<_>>(),
        [(0, 0), (1, 1)]
    );
    let again = rig(Some(identity.clone()));
    assert_eq!(again.stack.export_identity(again.now).duid, identity.duid);
    assert_eq!(again.stack.dhcpv6(again.interface).unwrap().duid.bytes(), identity.duid.unwrap().bytes());
}
