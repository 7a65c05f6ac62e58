//! What is not accepted (RFC 8415 section 16), the rate limit (section 14.1), and the limits filled.

use alloc::vec::Vec;
use core::net::Ipv6Addr;
use rstest::rstest;

use super::rig::*;
use crate::autoconf::dhcpv6::{Dhcpv6Request, Dhcpv6State};
use crate::config::Dhcpv6Config;
use crate::error::Dhcpv6Error;
use crate::tests::rig::{Rig, socket, udp_packet};
use crate::wire::dhcpv6::{Dhcpv6Option, MessageType, Status};
use crate::{Capabilities, Config, DropReason, InterfaceId, Limits, Verdict};

const OWN: Dhcpv6Option<'static> = Dhcpv6Option::ClientId(&CLIENT);
const SERVER: Dhcpv6Option<'static> = Dhcpv6Option::ServerId(&ONE);
const STRANGER: Dhcpv6Option<'static> = Dhcpv6Option::ClientId(&[0, 3, 0, 1, 9, 9, 9, 9, 9, 9]);

/// Sections 16.2 to 16.14, for a client that solicits.
#[rstest]
#[case::no_server(MessageType::Advertise, &[OWN], DropReason::Dhcpv6NotOurs)]
#[case::no_client(MessageType::Advertise, &[SERVER], DropReason::Dhcpv6NotOurs)]
#[case::another_client(MessageType::Advertise, &[STRANGER, SERVER], DropReason::Dhcpv6NotOurs)]
#[case::reply_without_server(MessageType::Reply, &[OWN], DropReason::Dhcpv6NotOurs)]
#[case::reply_without_client(MessageType::Reply, &[SERVER], DropReason::Dhcpv6NotOurs)]
#[case::reply_to_another(MessageType::Reply, &[STRANGER, SERVER], DropReason::Dhcpv6NotOurs)]
#[case::reply_not_rapid(MessageType::Reply, &[OWN, SERVER], DropReason::Dhcpv6Unexpected)]
#[case::solicit(MessageType::Solicit, &[OWN, SERVER], DropReason::Dhcpv6Type)]
#[case::request(MessageType::Request, &[OWN, SERVER], DropReason::Dhcpv6Type)]
#[case::confirm(MessageType::Confirm, &[OWN, SERVER], DropReason::Dhcpv6Type)]
#[case::renew(MessageType::Renew, &[OWN, SERVER], DropReason::Dhcpv6Type)]
#[case::rebind(MessageType::Rebind, &[OWN, SERVER], DropReason::Dhcpv6Type)]
#[case::release(MessageType::Release, &[OWN, SERVER], DropReason::Dhcpv6Type)]
#[case::decline(MessageType::Decline, &[OWN, SERVER], DropReason::Dhcpv6Type)]
#[case::information_request(MessageType::InformationRequest, &[OWN, SERVER], DropReason::Dhcpv6Type)]
#[case::reconfigure(MessageType::Reconfigure, &[OWN, SERVER], DropReason::Dhcpv6Reconfigure)]
fn messages(#[case] kind: MessageType, #[case] options: &[Dhcpv6Option<'_>], #[case] reason: DropReason) {
    let mut client = Client::new(ADDRESSES);
    client.pass(seconds(1));
    assert_eq!(client.receive(kind, options), Verdict::Dropped(reason));
    assert_eq!(client.rig.drops(reason), 1);
    assert_eq!(client.sent(), "");
}

#[rstest]
#[case::another_transaction(1)]
#[case::before_the_first_message(0)]
fn transactions(#[case] changed: u32) {
    let mut client = Client::new(ADDRESSES);
    if changed != 0 {
        client.pass(seconds(1));
        client.transaction ^= changed;
    }
    let offer = [OWN, SERVER, Dhcpv6Option::Preference(255)];
    assert!(matches!(client.receive(MessageType::Advertise, &offer), Verdict::Dropped(_)));
    assert_eq!(client.sent(), "");
}

#[test]
fn types_of_relay_agents_and_none() {
    let mut client = Client::new(ADDRESSES);
    for kind in [0, 12, 13, 99] {
        assert_eq!(client.receive_bytes(&[kind, 0, 0, 0]), Verdict::Dropped(DropReason::Dhcpv6Type));
    }
    assert_eq!(client.receive_bytes(&[2, 0, 0]), Verdict::Dropped(DropReason::Dhcpv6Truncated));
}

/// Every byte of a Reply at its extremes, and every truncation: the client goes on, and what it holds
/// can be used.
#[test]
fn damaged_replies() {
    let mut client = Client::new(BOTH);
    client.pass(seconds(1));
    client.advertise(&ONE, Some(255), &lease(LEASED, 60, 100));
    client.sent();
    let mut options = Vec::from([OWN, SERVER]);
    let rest = [lease(LEASED, 60, 100), delegation(60, 100), name_servers(2), status(Status::SUCCESS)].concat();
    options.extend(crate::wire::dhcpv6::Dhcpv6Options::parse(&rest).unwrap().iter());
    let reply = message(MessageType::Reply, client.transaction, &options);
    let mut damaged: Vec<Vec<u8>> = (0..reply.len()).map(|len| reply[..len].to_vec()).collect();
    for at in 0..reply.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bytes = reply.clone();
            bytes[at] = value;
            damaged.push(bytes);
        }
    }
    for bytes in damaged {
        let mut client = client.clone();
        let _ = client.receive_bytes(&bytes);
        let info = client.info();
        assert!(info.addresses.iter().all(|lease| !lease.prefix.is_multicast() && lease.prefix_len == 128));
        assert!(info.prefixes.iter().all(|lease| lease.prefix_len <= 128));
        client.pass(seconds(3));
    }
}

/// Without a client, the port is a socket's like any other.
#[test]
fn the_port_is_free_without_a_client() {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("[::]:546");
    let packet = udp_packet(socket("[2001:db8::1]:547"), socket("[2001:db8::2]:546"), b"hello");
    assert_eq!(rig.receive_packet(&packet), Verdict::Accepted);
    assert_eq!(rig.udp_received(handle), [5]);
}

/// Section 14.1: 20 messages in 20 seconds, whatever a server makes the client do.
#[test]
fn a_loop_is_slowed_down() {
    let mut client = Client::new(ADDRESSES);
    let start = client.rig.now;
    let mut sent = 0;
    while client.rig.now.since(start) < seconds(200) {
        let lines = client.pass(core::time::Duration::from_millis(10));
        sent += lines.lines().count();
        if lines.contains("solicit") {
            let _ = client.hear_advertise(&ONE, Some(255), &lease(LEASED, 60, 100));
        } else if lines.contains("request") {
            let _ = client.hear_reply(&ONE, &status(Status::NOT_ON_LINK));
        }
    }
    assert!((200..=220).contains(&sent), "{sent} messages in 200 s");
    assert!(client.rig.counter("dhcpv6.postponed") > 0);
}

#[test]
fn offers_are_bounded() {
    let limits = Limits { dhcpv6_offers: 3, ..Limits::default() };
    let mut client = Client::with(Dhcpv6Config::default(), limits, ADDRESSES);
    client.pass(seconds(1));
    for number in 0..10 {
        client.advertise(&[0, 2, 1, number], Some(number), &lease(LEASED, 60, 100));
    }
    assert_eq!(client.rig.counter("dhcpv6.refused"), 7);
    assert!(client.pass(seconds(1)).contains("server 00020109"), "the best are kept");
}

#[test]
fn leases_are_bounded() {
    let limits = Limits { dhcpv6_leases: 4, ..Limits::default() };
    let mut client = Client::with(Dhcpv6Config::default(), limits, BOTH);
    client.pass(seconds(1));
    let addresses: Vec<u8> =
        (0..10).flat_map(|number| address(Ipv6Addr::from_bits(LEASED.to_bits() + number), 60, 100)).collect();
    let rapid = emitted(Dhcpv6Option::RapidCommit);
    client.reply(&ONE, &[rapid, ia_na(50, 80, &addresses), delegation(60, 100), name_servers(9)].concat());
    let info = client.info();
    assert_eq!((info.addresses.len(), info.prefixes.len(), info.dns_servers.len()), (4, 1, 4));
    assert_eq!(client.rig.counter("dhcpv6.refused"), 6 + 5);
}

#[test]
fn commands_that_make_no_sense() {
    let mut rig = Rig::new();
    let (now, id) = (rig.now, rig.interface);
    let nowhere = InterfaceId(7);
    assert_eq!(rig.stack.dhcpv6_start(now, nowhere, ADDRESSES), Err(Dhcpv6Error::NoInterface));
    assert_eq!(rig.stack.dhcpv6_release(now, nowhere), Err(Dhcpv6Error::NoInterface));
    assert_eq!(rig.stack.dhcpv6_release(now, id), Err(Dhcpv6Error::NotRunning));
    assert_eq!(rig.stack.dhcpv6_check_link(now, id), Err(Dhcpv6Error::NotRunning));
    let too_long = Dhcpv6Request { addresses: false, prefixes: Some(129) };
    assert_eq!(rig.stack.dhcpv6_start(now, id, too_long), Err(Dhcpv6Error::BadPrefixLength));
    assert_eq!(rig.stack.dhcpv6(id), None);
    rig.stack.dhcpv6_start(now, id, ADDRESSES).unwrap();
    assert_eq!(rig.stack.dhcpv6(id).unwrap().state, Dhcpv6State::Waiting);
}

#[test]
fn an_interface_too_small_for_ipv6() {
    let config = crate::InterfaceConfig::new(crate::tests::rig::OUR_MAC, Capabilities::plain(600), []);
    let mut stack = crate::Stack::new(Config::default(), crate::Seed([1; 32]));
    let id = stack.add_interface(crate::Instant::ZERO, config).unwrap();
    assert_eq!(stack.dhcpv6_start(crate::Instant::ZERO, id, ADDRESSES), Err(Dhcpv6Error::MtuTooSmall));
}
