//! What is kept across a restart (RFC 8415 section 18.2.12), and routers that say that there are servers
//! (RFC 4861 section 4.2).

use super::rig::*;
use crate::autoconf::dhcpv6::{Dhcpv6Request, Dhcpv6State};
use crate::config::Dhcpv6Config;
use crate::tests::rig::{OUR_MAC, Rig};
use crate::tests::routers::{autoconfigured, header};
use crate::wire::dhcpv6::Status;
use crate::wire::ethernet::EthernetAddress;
use crate::wire::ndp_router::RouterAdvertisementHeader;
use crate::{Capabilities, Config, Identity, InterfaceConfig, Verdict};

/// The same host with that identity, and another hardware address and seed.
fn restarted(identity: Identity, request: Dhcpv6Request) -> Client {
    let dhcpv6 = Dhcpv6Config { rapid_commit: false, ..Dhcpv6Config::default() };
    let config = Config { checks: true, dhcpv6, identity: Some(identity), ..Config::default() };
    let other = EthernetAddress([2, 0, 0, 0, 0, 9]);
    assert_ne!(other, OUR_MAC);
    let interface = InterfaceConfig::new(other, Capabilities::plain(1500), []).unverified();
    Client::on(Rig::with_interface(config, interface), request)
}

/// It keeps DUID and IAID, confirms its address rather than asking for one, and uses it only then.
#[test]
fn a_restart_confirms() {
    let mut client = Client::bound(ADDRESSES);
    client.rig.pass(seconds(10));
    let mut identity = client.rig.stack.export_identity(client.rig.now);
    identity.pass(seconds(20));
    let mut again = restarted(identity, ADDRESSES);
    assert_eq!(again.info().duid.bytes(), CLIENT);
    insta::assert_snapshot!(again.pass(seconds(1)), @"+864ms > [fe80::2]:546 > [ff02::1:2]:547 dhcp6 confirm xid e1cc74 <client 00030001020000000002, elapsed 0ms, ia-na 00000002 t1 0 t2 0 <addr 2001:db8::100 pref 0 valid 0>>");
    assert_eq!(again.info().state, Dhcpv6State::Confirming);
    assert!(!again.has(LEASED));
    // The rig has let 5 s pass before there was a link-local address.
    assert_eq!(again.info().addresses[0].valid_until, Some(again.rig.now - seconds(6) + seconds(70)));
    let to_us = crate::tests::rig::udp_packet(
        crate::tests::rig::socket("[fe80::1]:547"),
        crate::tests::rig::socket("[fe80::2]:546"),
        &message(
            crate::wire::dhcpv6::MessageType::Reply,
            again.transaction,
            &[
                crate::wire::dhcpv6::Dhcpv6Option::ClientId(&CLIENT),
                crate::wire::dhcpv6::Dhcpv6Option::ServerId(&TWO),
                crate::wire::dhcpv6::Dhcpv6Option::Status { status: Status::SUCCESS, message: b"" },
            ],
        ),
    );
    let frame = crate::tests::rig::ethernet(EthernetAddress([2, 0, 0, 0, 0, 9]), crate::tests::rig::PEER_MAC, &to_us);
    assert_eq!(again.rig.receive(&frame), Verdict::Accepted);
    assert!(again.has(LEASED));
    assert_eq!(again.info().server.unwrap().bytes(), ONE);
    assert!(again.pass(seconds(20)).contains("dhcp6 renew"), "T1 is where it was");
}

#[test]
fn without_an_answer_the_lease_is_used_on() {
    let client = Client::bound(ADDRESSES);
    let mut again = restarted(client.rig.stack.export_identity(client.rig.now), ADDRESSES);
    again.pass(seconds(11));
    assert_eq!((again.has(LEASED), again.info().state), (true, Dhcpv6State::Bound));
}

/// With prefixes, a Rebind.
#[test]
fn a_restart_with_prefixes() {
    let mut client = Client::new(BOTH);
    client.pass(seconds(1));
    let both = [lease(LEASED, 60, 100), delegation(60, 100)].concat();
    client.advertise(&ONE, Some(255), &both);
    client.sent();
    client.reply(&ONE, &both);
    let mut again = restarted(client.rig.stack.export_identity(client.rig.now), BOTH);
    insta::assert_snapshot!(again.pass(seconds(1)), @"+864ms > [fe80::2]:546 > [ff02::1:2]:547 dhcp6 rebind xid e1cc74 <client 00030001020000000002, elapsed 0ms, reconfigure-accept, oro dns domains sol-max-rt, ia-na 00000002 t1 0 t2 0 <addr 2001:db8::100 pref 0 valid 0>, ia-pd 00000002 t1 0 t2 0 <prefix 2001:db8:ff::/56 pref 0 valid 0>>");
}

/// What has expired meanwhile is never used, nor asked for.
#[test]
fn an_expired_lease_is_forgotten() {
    let client = Client::bound(ADDRESSES);
    let mut identity = client.rig.stack.export_identity(client.rig.now);
    identity.pass(seconds(100));
    assert!(identity.dhcpv6.is_empty());
    let mut again = restarted(identity, ADDRESSES);
    insta::assert_snapshot!(again.pass(seconds(1)), @"+864ms > [fe80::2]:546 > [ff02::1:2]:547 dhcp6 solicit xid e1cc74 <client 00030001020000000002, elapsed 0ms, reconfigure-accept, oro dns domains sol-max-rt, ia-na 00000002 t1 0 t2 0>");
    assert!(!again.has(LEASED));
}

/// It may also expire while the stack that was given it waits for an address to ask from.
#[test]
fn a_lease_that_expires_before_it_is_confirmed() {
    let client = Client::bound(ADDRESSES);
    let mut identity = client.rig.stack.export_identity(client.rig.now);
    identity.pass(seconds(97));
    let mut again = restarted(identity, ADDRESSES);
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
