//! Renew, Rebind, and the end of leases (RFC 8415 sections 14.2, 18.2.4, 18.2.5, 18.2.10.1).

use rstest::rstest;

use super::rig::*;
use crate::Verdict;
use crate::autoconf::dhcpv6::Dhcpv6State;
use crate::ip::route::Target;
use crate::wire::dhcpv6::{INFINITY, Status};

/// The life of a lease that nobody extends.
#[test]
fn from_t1_to_the_end() {
    let mut client = Client::bound(ADDRESSES);
    assert_eq!(client.pass(core::time::Duration::from_nanos(49_999_999_999)), "");
    assert_eq!(client.info().state, Dhcpv6State::Bound);
    insta::assert_snapshot!(client.pass(seconds(20)), @r"
+0ms > [fe80::2]:546 > [ff02::1:2]:547 dhcp6 renew xid 12b2e0 <client 00030001020000000002, server 00020001, elapsed 0ms, reconfigure-accept, oro dns domains sol-max-rt, ia-na 00000002 t1 0 t2 0 <addr 2001:db8::100 pref 0 valid 0>>
+10965ms > [fe80::2]:546 > [ff02::1:2]:547 dhcp6 renew xid 12b2e0 <client 00030001020000000002, server 00020001, elapsed 10960ms, reconfigure-accept, oro dns domains sol-max-rt, ia-na 00000002 t1 0 t2 0 <addr 2001:db8::100 pref 0 valid 0>>
");
    assert_eq!(client.info().state, Dhcpv6State::Renewing);
    let lines = client.pass(seconds(11));
    insta::assert_snapshot!(lines.lines().last().unwrap_or_default(), @"+10000ms > [fe80::2]:546 > [ff02::1:2]:547 dhcp6 rebind xid b8e834 <client 00030001020000000002, elapsed 0ms, reconfigure-accept, oro dns domains sol-max-rt, ia-na 00000002 t1 0 t2 0 <addr 2001:db8::100 pref 0 valid 0>>");
    assert_eq!(client.info().state, Dhcpv6State::Rebinding);
    assert!(client.has(LEASED));
    insta::assert_snapshot!(client.pass(seconds(20)), @r"
+8887ms > [fe80::2]:546 > [ff02::1:2]:547 dhcp6 rebind xid b8e834 <client 00030001020000000002, elapsed 9880ms, reconfigure-accept, oro dns domains sol-max-rt, ia-na 00000002 t1 0 t2 0 <addr 2001:db8::100 pref 0 valid 0>>
+19393ms > [fe80::2]:546 > [ff02::1:2]:547 dhcp6 solicit xid 1b57d9 <client 00030001020000000002, elapsed 0ms, reconfigure-accept, oro dns domains sol-max-rt, ia-na 00000002 t1 0 t2 0>
");
    assert!(!client.has(LEASED));
    assert_eq!(client.info().state, Dhcpv6State::Soliciting);
}

#[test]
fn a_renewal_extends() {
    let mut client = Client::bound(ADDRESSES);
    client.pass(seconds(51));
    let at = client.rig.now;
    assert_eq!(client.hear_reply(&ONE, &lease(LEASED, 60, 100)), Verdict::Accepted);
    let info = client.info();
    assert_eq!((info.state, info.renew_at), (Dhcpv6State::Bound, Some(at + seconds(50))));
    assert_eq!(info.addresses[0].valid_until, Some(at + seconds(100)));
    let own = client.rig.stack.interfaces().next().unwrap();
    let own = own.addresses.iter().find(|own| own.address == LEASED).copied().unwrap();
    assert_eq!((own.preferred_until, own.valid_until), (Some(at + seconds(60)), Some(at + seconds(100))));
}

/// Section 18.2.5: any server may answer, and is the one to be asked from then on.
#[test]
fn another_server_answers_a_rebind() {
    let mut client = Client::bound(ADDRESSES);
    client.pass(seconds(81));
    assert_eq!(client.info().state, Dhcpv6State::Rebinding);
    assert_eq!(client.hear_reply(&TWO, &lease(LEASED, 60, 100)), Verdict::Accepted);
    assert_eq!(client.info().server.unwrap().bytes(), TWO);
    assert!(client.pass(seconds(51)).contains("server 00020002"));
}

/// Section 18.2.10.1: "Sends a Request message to the server that responded if any of the IAs in the
/// Reply message contain the NoBinding status code. The client places IA options in this message for all IAs."
#[test]
fn no_binding_is_answered_by_a_request() {
    let mut client = Client::bound(ADDRESSES);
    client.pass(seconds(51));
    assert_eq!(client.hear_reply(&ONE, &ia_na(0, 0, &status(Status::NO_BINDING))), Verdict::Accepted);
    insta::assert_snapshot!(client.sent(), @"> [fe80::2]:546 > [ff02::1:2]:547 dhcp6 request xid 066f39 <client 00030001020000000002, server 00020001, elapsed 0ms, reconfigure-accept, oro dns domains sol-max-rt, ia-na 00000002 t1 0 t2 0 <addr 2001:db8::100 pref 0 valid 0>>");
    assert!(client.has(LEASED), "it is used as long as it is valid");
    client.reply(&ONE, &lease(OTHER, 60, 100));
    assert!(client.has(OTHER) && client.has(LEASED), "section 18.2.10.1: what is not mentioned is left unchanged");
    client.pass(seconds(49));
    assert!(client.has(OTHER) && !client.has(LEASED));
}

/// Section 18.2.10.1: a valid lifetime of 0 takes a lease back.
#[test]
fn a_lease_that_is_taken_back() {
    let mut client = Client::bound(ADDRESSES);
    client.pass(seconds(51));
    let both = [address(LEASED, 0, 0), address(OTHER, 60, 100)].concat();
    client.reply(&ONE, &ia_na(50, 80, &both));
    assert!(client.has(OTHER) && !client.has(LEASED));
    client.pass(seconds(51));
    client.reply(&ONE, &lease(OTHER, 0, 0));
    assert!(!client.has(OTHER));
    assert_eq!(client.info().state, Dhcpv6State::Soliciting);
}

/// Section 18.2.10.1: what a server has left out is asked for again, at the pace of the retransmissions.
#[test]
fn an_association_that_is_left_out() {
    let mut client = Client::bound_to_both();
    client.pass(seconds(51));
    assert_eq!(client.hear_reply(&ONE, &lease(LEASED, 60, 100)), Verdict::Accepted);
    assert_eq!(client.info().state, Dhcpv6State::Renewing);
    assert_eq!(client.sent(), "");
    client.pass(seconds(30));
    assert_eq!(client.info().state, Dhcpv6State::Rebinding);
    client.pass(seconds(20));
    assert!(client.has(LEASED));
    assert_eq!(client.info().prefixes, []);
}

/// Section 18.2.4: the earliest T1 and T2; section 14.2: 0 leaves them to the client; section 7.7: infinity.
#[rstest]
#[case::told(ia_na(10, 20, &address(LEASED, 60, 100)), Some(10), Some(20))]
#[case::chosen(ia_na(0, 0, &address(LEASED, 60, 100)), Some(30), Some(48))]
#[case::t2_chosen(ia_na(10, 0, &address(LEASED, 60, 100)), Some(10), Some(48))]
#[case::t2_chosen_not_before_t1(ia_na(55, 0, &address(LEASED, 60, 100)), Some(55), Some(55))]
#[case::t1_chosen(ia_na(0, 20, &address(LEASED, 60, 100)), Some(20), Some(20))]
#[case::by_the_shortest(ia_na(0, 0, &[address(LEASED, 60, 100), address(OTHER, 50, 100)].concat()), Some(25), Some(40))]
#[case::deprecated(ia_na(0, 0, &address(LEASED, 0, 100)), Some(50), Some(80))]
#[case::not_at_once(ia_na(0, 0, &address(LEASED, 1, 1)), Some(1), Some(1))]
#[case::never(ia_na(INFINITY, INFINITY, &address(LEASED, 60, 100)), None, None)]
#[case::no_end(ia_na(0, 0, &address(LEASED, INFINITY, INFINITY)), None, None)]
fn t1_and_t2(#[case] answer: alloc::vec::Vec<u8>, #[case] t1: Option<u64>, #[case] t2: Option<u64>) {
    let mut client = Client::new(ADDRESSES);
    client.obtain(&answer);
    let (info, now) = (client.info(), client.rig.now);
    let after = |time: Option<u64>| time.map(|time| now + seconds(time));
    assert_eq!((info.renew_at, info.rebind_at), (after(t1), after(t2)));
}

#[test]
fn the_earliest_times_of_both_associations() {
    let mut client = Client::new(BOTH);
    client.obtain(&[ia_na(40, 90, &address(LEASED, 60, 100)), ia_pd(50, 70, &prefix(60, 100))].concat());
    let (info, now) = (client.info(), client.rig.now);
    assert_eq!((info.renew_at, info.rebind_at), (Some(now + seconds(40)), Some(now + seconds(70))));
}

/// Section 18.2.12: a link that may be another one: Confirm for addresses, Rebind for prefixes.
#[test]
fn a_link_that_may_have_changed() {
    let mut client = Client::bound(ADDRESSES);
    client.rig.stack.dhcpv6_check_link(client.rig.now, client.rig.interface).unwrap();
    assert_eq!(client.info().state, Dhcpv6State::Confirming);
    insta::assert_snapshot!(client.pass(seconds(1)), @"+715ms > [fe80::2]:546 > [ff02::1:2]:547 dhcp6 confirm xid a0a112 <client 00030001020000000002, elapsed 0ms, ia-na 00000002 t1 0 t2 0 <addr 2001:db8::100 pref 0 valid 0>>");
    assert_eq!(client.hear_reply(&TWO, &status(Status::SUCCESS)), Verdict::Accepted);
    assert_eq!(client.info().state, Dhcpv6State::Bound);
    assert_eq!(client.info().server.unwrap().bytes(), ONE);
    assert!(client.has(LEASED));
}

/// Section 18.2.10.3: "can use the addresses in the IA and ignore any messages that indicate a NotOnLink".
#[rstest]
#[case::nobody_else(false)]
#[case::another_knows_better(true)]
fn not_on_link(#[case] other: bool) {
    let mut client = Client::bound(ADDRESSES);
    client.rig.stack.dhcpv6_check_link(client.rig.now, client.rig.interface).unwrap();
    client.pass(seconds(1));
    assert_eq!(client.hear_reply(&ONE, &status(Status::NOT_ON_LINK)), Verdict::Accepted);
    assert!(client.has(LEASED));
    if other {
        client.reply(&TWO, &status(Status::SUCCESS));
    }
    let lines = client.pass(seconds(3));
    assert_eq!((client.has(LEASED), lines.contains("solicit")), (other, !other));
}

/// Section 18.2.3: without an answer for `CNF_MAX_RD`, the leases are used on.
#[test]
fn no_answer_to_a_confirm() {
    let mut client = Client::bound(ADDRESSES);
    let start = client.rig.now;
    client.rig.stack.dhcpv6_check_link(start, client.rig.interface).unwrap();
    let sent = times(&client.pass(seconds(12)));
    assert!(sent[0] <= 1000 && (3..=5).contains(&sent.len()), "{sent:?}");
    assert_eq!(client.info().state, Dhcpv6State::Bound);
    assert!(client.has(LEASED));
    assert!(client.pass(seconds(40)).contains("dhcp6 renew"));
}

#[test]
fn prefixes_are_verified_by_a_rebind() {
    let mut client = Client::bound_to_both();
    client.rig.stack.dhcpv6_check_link(client.rig.now, client.rig.interface).unwrap();
    insta::assert_snapshot!(client.pass(seconds(1)), @"+715ms > [fe80::2]:546 > [ff02::1:2]:547 dhcp6 rebind xid a0a112 <client 00030001020000000002, elapsed 0ms, reconfigure-accept, oro dns domains sol-max-rt, ia-na 00000002 t1 0 t2 0 <addr 2001:db8::100 pref 0 valid 0>, ia-pd 00000002 t1 0 t2 0 <prefix 2001:db8:ff::/56 pref 0 valid 0>>");
    assert_eq!(client.info().state, Dhcpv6State::Confirming);
    client.reply(&TWO, &[lease(LEASED, 60, 100), delegation(60, 100)].concat());
    assert_eq!(client.info().server.unwrap().bytes(), TWO);
    assert_eq!(client.info().state, Dhcpv6State::Bound);
}

/// Its link goes down, or comes up.
fn set_link(client: &mut Client, up: bool) {
    client.rig.stack.set_link(client.rig.now, client.rig.interface, up).unwrap();
}

/// A link that was down may be another one when it comes up.
#[test]
fn a_link_that_comes_up() {
    let mut client = Client::bound(ADDRESSES);
    set_link(&mut client, false);
    set_link(&mut client, true);
    assert_eq!(client.info().state, Dhcpv6State::Confirming);
    assert!(client.pass(seconds(1)).contains("dhcp6 confirm"));
}

/// T1 passes while nobody can be asked: the lease is confirmed first, and then renewed at once.
#[test]
fn a_link_that_is_down_at_t1() {
    let mut client = Client::bound(ADDRESSES);
    client.pass(seconds(40));
    set_link(&mut client, false);
    assert_eq!(client.pass(seconds(30)), "");
    assert!(client.has(LEASED));
    assert_eq!(client.info().state, Dhcpv6State::Waiting);
    set_link(&mut client, true);
    assert!(client.pass(seconds(1)).contains("dhcp6 confirm"));
    client.reply(&ONE, &status(Status::SUCCESS));
    assert!(client.pass(seconds(1)).contains("dhcp6 renew"));
}

#[test]
fn a_lease_that_ends_while_the_link_is_down() {
    let mut client = Client::bound(ADDRESSES);
    set_link(&mut client, false);
    assert_eq!(client.pass(seconds(101)), "");
    assert!(!client.has(LEASED));
    set_link(&mut client, true);
    assert!(client.pass(seconds(1)).contains("dhcp6 solicit"));
}

/// Nobody has answered for minutes; after the link came up it is asked as at a start.
#[test]
fn a_search_begins_anew_when_the_link_comes_up() {
    let mut client = Client::new(ADDRESSES);
    client.pass(seconds(600));
    set_link(&mut client, false);
    set_link(&mut client, true);
    let sent = times(&client.pass(seconds(5)));
    assert!(sent[0] <= 1000 && sent.len() >= 3, "{sent:?}");
}

/// RFC 7084 section 4.3, WPD-5: what of the prefix is not in use goes nowhere.
#[test]
fn a_delegated_prefix_is_a_blackhole() {
    let mut client = Client::new(BOTH);
    client.obtain(&delegation(60, 100));
    let routes = |client: &Client| {
        let of_prefix = client.rig.stack.routes().filter(|route| route.prefix == PREFIX && route.prefix_len == 56);
        of_prefix.map(|route| route.target).collect::<alloc::vec::Vec<_>>()
    };
    assert_eq!(routes(&client), [Target::Blackhole]);
    client.pass(seconds(51));
    client.reply(&ONE, &delegation(60, 100));
    assert_eq!(routes(&client), [Target::Blackhole]);
    client.pass(seconds(101));
    assert_eq!(routes(&client), []);
}
