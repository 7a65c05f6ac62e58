//! From Solicit to the first leases (RFC 8415 sections 18.2.1, 18.2.2, 18.2.9, 18.2.10.1).

use rstest::rstest;

use super::rig::*;
use crate::autoconf::dhcpv6::Dhcpv6State;
use crate::config::Dhcpv6Config;
use crate::wire::dhcpv6::{Dhcpv6Option, MessageType, Status};
use crate::{DropReason, Event, Limits, Verdict};

const UNUSABLE: Verdict = Verdict::Dropped(DropReason::Dhcpv6Unusable);

#[test]
fn four_messages() {
    let mut client = Client::new(BOTH);
    assert_eq!(client.info().state, Dhcpv6State::Soliciting);
    insta::assert_snapshot!(client.pass(seconds(1)), @"+864ms > [fe80::2]:546 > [ff02::1:2]:547 dhcp6 solicit xid e1cc74 <client 00030001020000000002, elapsed 0ms, reconfigure-accept, oro dns domains sol-max-rt, ia-na 00000002 t1 0 t2 0, ia-pd 00000002 t1 0 t2 0 <prefix ::/56 pref 0 valid 0>>");
    let offer = [lease(LEASED, 600, 1000), delegation(600, 1000)].concat();
    assert_eq!(client.hear_advertise(&ONE, None, &offer), Verdict::Accepted);
    assert_eq!(client.sent(), "", "others may have more to offer");
    insta::assert_snapshot!(client.pass(seconds(1)), @"+942ms > [fe80::2]:546 > [ff02::1:2]:547 dhcp6 request xid d1cf9c <client 00030001020000000002, server 00020001, elapsed 0ms, reconfigure-accept, oro dns domains sol-max-rt, ia-na 00000002 t1 0 t2 0 <addr 2001:db8::100 pref 0 valid 0>, ia-pd 00000002 t1 0 t2 0 <prefix 2001:db8:ff::/56 pref 0 valid 0>>");
    assert_eq!(client.info().state, Dhcpv6State::Requesting);
    let granted = [offer, name_servers(1), emitted(Dhcpv6Option::DomainList(b"\x03lan\x07example\0"))].concat();
    let at = client.rig.now;
    assert_eq!(client.hear_reply(&ONE, &granted), Verdict::Accepted);
    let info = client.info();
    assert_eq!(info.state, Dhcpv6State::Bound);
    assert_eq!(info.server.unwrap().bytes(), ONE);
    assert_eq!((info.renew_at, info.rebind_at), (Some(at + seconds(500)), Some(at + seconds(800))));
    assert_eq!((info.addresses[0].prefix, info.addresses[0].prefix_len), (LEASED, 128));
    assert_eq!(info.addresses[0].preferred_until, Some(at + seconds(600)));
    assert_eq!(info.addresses[0].valid_until, Some(at + seconds(1000)));
    assert_eq!((info.prefixes[0].prefix, info.prefixes[0].prefix_len), (PREFIX, 56));
    assert_eq!((info.dns_servers, info.domains), ([NAME_SERVER].into(), ["lan.example".parse().unwrap()].into()));
    assert!(client.has(LEASED));
    assert!(client.rig.events().contains(&Event::Configuration(client.rig.interface)));
    assert_eq!((client.rig.counter("dhcpv6.sent"), client.rig.counter("dhcpv6.received")), (2, 2));
}

/// Section 18.2.10.1: "Addresses obtained from an IA_NA MUST NOT be used to form an implicit prefix".
#[test]
fn an_address_says_nothing_about_the_link() {
    let client = Client::bound(ADDRESSES);
    let interface = client.rig.stack.interfaces().next().unwrap();
    let own = interface.addresses.iter().find(|own| own.address == LEASED).unwrap();
    assert_eq!(own.prefix_len, 128);
    assert!(!client.rig.stack.routes().any(|route| route.prefix == LEASED));
}

/// Section 18.2.1: "immediately begins" on 255.
#[test]
fn the_highest_preference_ends_the_waiting() {
    let mut client = Client::new(ADDRESSES);
    client.pass(seconds(1));
    client.advertise(&ONE, Some(254), &lease(OTHER, 60, 100));
    assert_eq!(client.sent(), "");
    client.advertise(&TWO, Some(255), &lease(LEASED, 60, 100));
    insta::assert_snapshot!(client.sent(), @"> [fe80::2]:546 > [ff02::1:2]:547 dhcp6 request xid d1cf9c <client 00030001020000000002, server 00020002, elapsed 0ms, reconfigure-accept, oro dns domains sol-max-rt, ia-na 00000002 t1 0 t2 0 <addr 2001:db8::100 pref 0 valid 0>>");
}

/// Section 18.2.9: the preference first, then what serves more of what is wanted, then who was first.
#[rstest]
#[case::preference(&[(&ONE, None, false), (&TWO, Some(1), false)], &TWO)]
#[case::absent_is_zero(&[(&ONE, Some(0), false), (&TWO, None, false)], &ONE)]
#[case::more_leases(&[(&ONE, None, false), (&TWO, None, true)], &TWO)]
#[case::preference_before_leases(&[(&ONE, Some(2), false), (&TWO, Some(1), true)], &ONE)]
fn the_best_offer_is_taken(#[case] offers: &[(&[u8; 4], Option<u8>, bool)], #[case] best: &[u8; 4]) {
    let mut client = Client::new(BOTH);
    client.pass(seconds(1));
    for (server, preference, delegates) in offers {
        let mut offer = lease(LEASED, 60, 100);
        if *delegates {
            offer.extend(delegation(60, 100));
        }
        assert_eq!(client.hear_advertise(*server, *preference, &offer), Verdict::Accepted);
    }
    let request = client.pass(seconds(1));
    let server = alloc::format!("{:08x}", u32::from_be_bytes(*best));
    assert!(request.contains("dhcp6 request") && request.contains(&alloc::format!("server {server},")), "{request}");
}

/// Section 18.2.1: once the first timeout is over, the first Advertise will do.
#[test]
fn a_late_offer_is_taken_at_once() {
    let mut client = Client::new(ADDRESSES);
    client.pass(seconds(4));
    assert_eq!(client.hear_advertise(&ONE, None, &lease(LEASED, 60, 100)), Verdict::Accepted);
    assert!(client.sent().contains("dhcp6 request"));
}

/// Section 18.2.2: "Select another server from a list of servers known to the client".
#[test]
fn a_server_that_does_not_answer_is_followed_by_the_next_and_then_by_all() {
    let mut client = Client::new(ADDRESSES);
    client.pass(seconds(1));
    client.advertise(&ONE, Some(3), &lease(LEASED, 60, 100));
    client.advertise(&TWO, Some(2), &lease(OTHER, 60, 100));
    let lines = client.pass(seconds(400));
    let asked = |server| lines.lines().filter(|line| line.contains("request") && line.contains(server)).count();
    assert_eq!((asked("server 00020001"), asked("server 00020002")), (10, 10));
    assert!(client.pass(seconds(200)).contains("dhcp6 solicit"));
}

#[test]
fn two_messages_if_the_server_agrees() {
    let mut client = Client::with(Dhcpv6Config::default(), Limits::default(), ADDRESSES);
    insta::assert_snapshot!(client.pass(seconds(1)), @"+864ms > [fe80::2]:546 > [ff02::1:2]:547 dhcp6 solicit xid e1cc74 <client 00030001020000000002, elapsed 0ms, rapid-commit, reconfigure-accept, oro dns domains sol-max-rt, ia-na 00000002 t1 0 t2 0>");
    let unexpected = Verdict::Dropped(DropReason::Dhcpv6Unexpected);
    assert_eq!(client.hear_reply(&ONE, &lease(LEASED, 60, 100)), unexpected, "a Reply without Rapid Commit");
    let rapid = [emitted(Dhcpv6Option::RapidCommit), lease(LEASED, 60, 100)].concat();
    assert_eq!(client.hear_reply(&ONE, &rapid), Verdict::Accepted);
    assert_eq!((client.sent().as_str(), client.info().state), ("", Dhcpv6State::Bound));
    assert!(client.has(LEASED));
}

/// Section 18.2.1: after a Request, a late Reply with Rapid Commit is discarded.
#[test]
fn a_late_rapid_reply_changes_nothing() {
    let mut client = Client::with(Dhcpv6Config::default(), Limits::default(), ADDRESSES);
    client.pass(seconds(1));
    let solicit = client.transaction;
    client.advertise(&ONE, Some(255), &lease(LEASED, 60, 100));
    client.sent();
    client.transaction = solicit;
    let rapid = [emitted(Dhcpv6Option::RapidCommit), lease(OTHER, 60, 100)].concat();
    assert_eq!(client.hear_reply(&TWO, &rapid), Verdict::Dropped(DropReason::Dhcpv6NotOurs));
    assert_eq!(client.info().state, Dhcpv6State::Requesting);
}

/// Section 18.2.9: an Advertise without addresses and prefixes is ignored.
#[rstest]
#[case::nothing(alloc::vec![])]
#[case::no_addrs_avail(ia_na(0, 0, &status(Status::NO_ADDRS_AVAIL)))]
#[case::no_addrs_avail_of_all(status(Status::NO_ADDRS_AVAIL))]
#[case::another_association(emitted(Dhcpv6Option::IaNa(crate::wire::dhcpv6::IdentityAssociation {
    iaid: 7, t1: 0, t2: 0, options: crate::wire::dhcpv6::Dhcpv6Options::parse(&address(LEASED, 60, 100)).unwrap() })))]
#[case::prefixes_only(delegation(60, 100))]
#[case::t1_beyond_t2(ia_na(90, 80, &address(LEASED, 60, 100)))]
#[case::preferred_beyond_valid(lease(LEASED, 101, 100))]
#[case::no_lifetime(lease(LEASED, 0, 0))]
#[case::group(lease("ff02::1".parse().unwrap(), 60, 100))]
#[case::unspecified(lease("::".parse().unwrap(), 60, 100))]
#[case::link_local(lease("fe80::77".parse().unwrap(), 60, 100))]
#[case::loopback(lease("::1".parse().unwrap(), 60, 100))]
fn an_offer_of_nothing_is_ignored(#[case] offer: alloc::vec::Vec<u8>) {
    let mut client = Client::new(ADDRESSES);
    client.pass(seconds(1));
    assert_eq!(client.hear_advertise(&ONE, Some(255), &offer), UNUSABLE);
    assert_eq!(client.sent(), "");
    assert!(client.pass(seconds(1)).contains("dhcp6 solicit"));
}

/// Section 18.2.10.1: NotOnLink in answer to a Request: discovery begins again.
#[rstest]
#[case::of_the_message(status(Status::NOT_ON_LINK))]
#[case::of_the_association(ia_na(0, 0, &status(Status::NOT_ON_LINK)))]
#[case::none_left(ia_na(0, 0, &status(Status::NO_ADDRS_AVAIL)))]
fn a_request_that_is_refused(#[case] answer: alloc::vec::Vec<u8>) {
    let mut client = Client::new(ADDRESSES);
    client.pass(seconds(1));
    client.advertise(&ONE, Some(255), &lease(LEASED, 60, 100));
    client.sent();
    assert_eq!(client.hear_reply(&ONE, &answer), Verdict::Accepted);
    assert_eq!(client.info().state, Dhcpv6State::Soliciting);
    assert!(!client.has(LEASED));
    assert!(client.pass(seconds(1)).contains("dhcp6 solicit"));
}

/// Section 18.2.10: an unspecified failure is retried at the pace of the retransmissions.
#[test]
fn an_unspecified_failure_is_waited_out() {
    let mut client = Client::new(ADDRESSES);
    client.pass(seconds(1));
    client.advertise(&ONE, Some(255), &lease(LEASED, 60, 100));
    client.sent();
    let request = client.transaction;
    assert_eq!(client.hear_reply(&ONE, &status(Status::UNSPEC_FAIL)), UNUSABLE);
    assert_eq!(client.sent(), "");
    assert!(client.pass(seconds(2)).contains("dhcp6 request"));
    assert_eq!(client.transaction, request);
}

/// Section 18.2.10: "The client resends the original message using multicast."
#[test]
fn use_multicast() {
    let mut client = Client::new(ADDRESSES);
    client.pass(seconds(1));
    client.advertise(&ONE, Some(255), &lease(LEASED, 60, 100));
    client.sent();
    let request = client.transaction;
    assert_eq!(client.hear_reply(&ONE, &status(Status::USE_MULTICAST)), Verdict::Accepted);
    assert!(client.sent().contains("[ff02::1:2]:547 dhcp6 request"));
    assert_eq!(client.transaction, request);
}

/// Section 18.2: the best that there is will do, and the rest is asked for again when that is extended.
#[test]
fn what_is_not_to_be_had_is_asked_for_later() {
    let mut client = Client::new(BOTH);
    client.pass(seconds(1));
    client.advertise(&ONE, Some(255), &delegation(60, 100));
    insta::assert_snapshot!(client.sent(), @"> [fe80::2]:546 > [ff02::1:2]:547 dhcp6 request xid d1cf9c <client 00030001020000000002, server 00020001, elapsed 0ms, reconfigure-accept, oro dns domains sol-max-rt, ia-na 00000002 t1 0 t2 0, ia-pd 00000002 t1 0 t2 0 <prefix 2001:db8:ff::/56 pref 0 valid 0>>");
    let none = ia_na(0, 0, &status(Status::NO_ADDRS_AVAIL));
    assert_eq!(client.hear_reply(&ONE, &[none, delegation(60, 100)].concat()), Verdict::Accepted);
    assert_eq!(client.info().state, Dhcpv6State::Bound);
    insta::assert_snapshot!(client.pass(seconds(51)), @"+50000ms > [fe80::2]:546 > [ff02::1:2]:547 dhcp6 renew xid 12b2e0 <client 00030001020000000002, server 00020001, elapsed 0ms, reconfigure-accept, oro dns domains sol-max-rt, ia-na 00000002 t1 0 t2 0, ia-pd 00000002 t1 0 t2 0 <prefix 2001:db8:ff::/56 pref 0 valid 0>>");
    client.reply(&ONE, &[lease(LEASED, 60, 100), delegation(60, 100)].concat());
    assert!(client.has(LEASED));
}

/// A client that runs can be asked for more.
#[test]
fn a_prefix_is_wanted_later() {
    let mut client = Client::bound(ADDRESSES);
    client.rig.stack.dhcpv6_start(client.rig.now, client.rig.interface, BOTH).unwrap();
    insta::assert_snapshot!(client.sent(), @"> [fe80::2]:546 > [ff02::1:2]:547 dhcp6 renew xid 12b2e0 <client 00030001020000000002, server 00020001, elapsed 0ms, reconfigure-accept, oro dns domains sol-max-rt, ia-na 00000002 t1 0 t2 0 <addr 2001:db8::100 pref 0 valid 0>, ia-pd 00000002 t1 0 t2 0 <prefix ::/56 pref 0 valid 0>>");
    assert_eq!(client.receive(MessageType::Advertise, &[]), Verdict::Dropped(DropReason::Dhcpv6NotOurs));
}
