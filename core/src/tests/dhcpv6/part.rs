//! Release and Decline (RFC 8415 sections 18.2.7, 18.2.8, 18.2.10.2).

use rstest::rstest;

use super::rig::*;
use crate::autoconf::dhcpv6::Dhcpv6State;
use crate::error::Dhcpv6Error;
use crate::tests::rig::neighbor_solicitation;
use crate::wire::dhcpv6::Status;
use crate::{AddressState, DropReason, Verdict};

#[rstest]
#[case::success(Status::SUCCESS)]
#[case::no_binding(Status::NO_BINDING)]
fn a_release(#[case] answer: Status) {
    let mut client = Client::bound(ADDRESSES);
    let (now, id) = (client.rig.now, client.rig.interface);
    client.rig.stack.dhcpv6_release(now, id).unwrap();
    assert!(!client.rig.stack.interfaces().any(|own| own.addresses.iter().any(|own| own.address == LEASED)));
    assert_eq!(client.info().state, Dhcpv6State::Releasing);
    assert_eq!(client.rig.stack.dhcpv6_start(now, id, ADDRESSES), Err(Dhcpv6Error::Ending));
    if answer == Status::SUCCESS {
        insta::assert_snapshot!(client.sent(), @"> [fe80::2]:546 > [ff02::1:2]:547 dhcp6 release xid 12b2e0 <client 00030001020000000002, server 00020001, elapsed 0ms, ia-na 00000002 t1 0 t2 0 <addr 2001:db8::100 pref 0 valid 0>>");
    }
    client.sent();
    assert_eq!(client.hear_reply(&ONE, &status(answer)), Verdict::Accepted);
    assert_eq!(client.rig.stack.dhcpv6(id), None);
    assert_eq!(client.rig.stack.dhcpv6_release(now, id), Err(Dhcpv6Error::NotRunning));
    assert_eq!(client.rig.stack.dhcpv6_start(now, id, ADDRESSES), Ok(()));
}

/// `REL_MAX_RC`: four times, and then the server has to find out by itself.
#[test]
fn a_release_that_nobody_hears() {
    let mut client = Client::bound(ADDRESSES);
    let (now, id) = (client.rig.now, client.rig.interface);
    client.rig.stack.dhcpv6_release(now, id).unwrap();
    let lines = client.pass(seconds(60));
    assert_eq!(lines.matches("dhcp6 release").count(), 4);
    assert_eq!(client.rig.stack.dhcpv6(id), None);
}

#[test]
fn without_leases_there_is_nothing_to_release() {
    let mut client = Client::new(ADDRESSES);
    let (now, id) = (client.rig.now, client.rig.interface);
    client.rig.stack.dhcpv6_release(now, id).unwrap();
    assert_eq!((client.pass(seconds(60)).as_str(), client.rig.stack.dhcpv6(id)), ("", None));
}

/// Section 18.2.8: another host verifies the same address at the same time. The server is told, the
/// address is not used, and the search begins anew once the server knows.
#[test]
fn a_decline() {
    let mut client = Client::verifying(ADDRESSES);
    client.bind();
    let own = client.rig.stack.interfaces().next().unwrap().addresses.iter().find(|own| own.address == LEASED).copied();
    assert_eq!(own.unwrap().state, AddressState::Optimistic);
    client.sent();
    let other = neighbor_solicitation(core::net::Ipv6Addr::UNSPECIFIED, LEASED, None);
    assert_eq!(client.rig.receive(&other), Verdict::Dropped(DropReason::NdpConflict));
    assert!(!client.has(LEASED));
    insta::assert_snapshot!(client.sent(), @"> [fe80::2]:546 > [ff02::1:2]:547 dhcp6 decline xid 12b2e0 <client 00030001020000000002, server 00020001, elapsed 0ms, ia-na 00000002 t1 0 t2 0 <addr 2001:db8::100 pref 0 valid 0>>");
    assert_eq!(client.info().state, Dhcpv6State::Soliciting);
    assert_eq!(client.hear_reply(&ONE, &status(Status::NO_BINDING)), Verdict::Accepted);
    assert!(client.pass(seconds(1)).contains("dhcp6 solicit"));
}

/// `DEC_MAX_RC`: four times, and then on.
#[test]
fn a_decline_that_nobody_hears() {
    let mut client = Client::verifying(ADDRESSES);
    client.bind();
    client.sent();
    let other = neighbor_solicitation(core::net::Ipv6Addr::UNSPECIFIED, LEASED, None);
    assert_eq!(client.rig.receive(&other), Verdict::Dropped(DropReason::NdpConflict));
    let lines = client.pass(seconds(60));
    assert_eq!(lines.matches("dhcp6 decline").count(), 4);
    assert!(lines.contains("dhcp6 solicit"));
}

/// Section 18.2.8: "The client SHOULD retain the non-conflicting bindings."
#[test]
fn what_does_not_conflict_is_kept() {
    let mut client = Client::verifying(BOTH);
    client.pass(seconds(1));
    let both = [lease(LEASED, 60, 100), delegation(60, 100)].concat();
    client.advertise(&ONE, Some(255), &both);
    client.sent();
    client.reply(&ONE, &both);
    client.sent();
    let other = neighbor_solicitation(core::net::Ipv6Addr::UNSPECIFIED, LEASED, None);
    assert_eq!(client.rig.receive(&other), Verdict::Dropped(DropReason::NdpConflict));
    assert_eq!((client.info().state, client.info().prefixes.len()), (Dhcpv6State::Bound, 1));
    client.sent();
    client.reply(&ONE, &[]);
    insta::assert_snapshot!(client.pass(seconds(50)), @"+50000ms > [fe80::2]:546 > [ff02::1:2]:547 dhcp6 renew xid 066f39 <client 00030001020000000002, server 00020001, elapsed 0ms, reconfigure-accept, oro dns domains sol-max-rt, ia-na 00000002 t1 0 t2 0, ia-pd 00000002 t1 0 t2 0 <prefix 2001:db8:ff::/56 pref 0 valid 0>>");
}
