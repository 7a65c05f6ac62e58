//! Messages for others, of others, and of no use to anybody.

use core::time::Duration;
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::DropReason;
use crate::wire::dhcpv4::Dhcpv4Kind::{Ack, Offer};

/// RFC 2131 section 4.4.1, RFC 6842 section 3.
#[rstest]
#[case::xid(4, &[1, 2, 3, 4])]
#[case::hardware_address(28, &[2, 0, 0, 0, 0, 9])]
#[case::a_request(0, &[1])]
fn messages_for_others_are_discarded(#[case] at: usize, #[case] bytes: &[u8]) {
    let mut host = Host::started();
    let mut offer = host.reply(Offer, LEASED, &USUAL);
    offer[at..at + bytes.len()].copy_from_slice(bytes);
    assert_eq!(host.deliver(&offer), Verdict::Dropped(DropReason::Dhcpv4NotOurs));
    assert_eq!(host.state(), Dhcpv4State::Selecting);
}

#[test]
fn an_identifier_that_comes_back_has_to_be_ours() {
    let mut host = Host::started();
    let id = host.rig.stack.dhcpv4(host.rig.interface).unwrap().client_id.to_vec();
    let with = |id: &[u8], host: &mut Host| host.answer(Offer, LEASED, &[&USUAL[..], &[(61, id)]].concat());
    assert_eq!(with(&[1, 2, 3], &mut host), Verdict::Dropped(DropReason::Dhcpv4NotOurs));
    assert_eq!(with(&id[1..], &mut host), Verdict::Dropped(DropReason::Dhcpv4NotOurs));
    assert_eq!(with(&id, &mut host), Verdict::Accepted);
}

#[rstest]
#[case::no_server(&[], &[0, 0, 14, 16])]
#[case::server_nobody(&[0, 0, 0, 0], &[0, 0, 14, 16])]
#[case::server_multicast(&[224, 0, 0, 1], &[0, 0, 14, 16])]
#[case::server_of_three_bytes(&[192, 0, 2], &[0, 0, 14, 16])]
#[case::no_lease_time(&[192, 0, 2, 1], &[])]
#[case::lease_of_nothing(&[192, 0, 2, 1], &[0, 0, 0, 0])]
#[case::lease_of_three_bytes(&[192, 0, 2, 1], &[0, 14, 16])]
fn offers_of_no_use(#[case] server: &[u8], #[case] lease: &[u8]) {
    let mut host = Host::started();
    let mut options = Vec::from([USUAL[1]]);
    options.extend((!server.is_empty()).then_some((54, server)));
    options.extend((!lease.is_empty()).then_some((51, lease)));
    assert_eq!(host.answer(Offer, LEASED, &options), Verdict::Dropped(DropReason::Dhcpv4Unusable));
}

/// RFC 3021: both addresses of a prefix of 31 bits are hosts.
#[test]
fn a_subnet_of_two_hosts() {
    let mut host = Host::started();
    let options = [&[USUAL[0], USUAL[2]], &[(1, &[255, 255, 255, 254][..])][..]].concat();
    assert_eq!(host.answer(Offer, LEASED, &options), Verdict::Accepted);
}

#[rstest]
#[case([0, 0, 0, 0])]
#[case([0, 1, 2, 3])]
#[case([127, 0, 0, 1])]
#[case([169, 254, 1, 2])]
#[case([224, 0, 0, 9])]
#[case([240, 0, 0, 1])]
#[case([255, 255, 255, 255])]
#[case::subnet([192, 0, 2, 0])]
#[case::broadcast([192, 0, 2, 255])]
fn addresses_that_no_host_can_have(#[case] address: [u8; 4]) {
    let mut host = Host::started();
    assert_eq!(host.answer(Offer, address.into(), &USUAL), Verdict::Dropped(DropReason::Dhcpv4Unusable));
    let committed = [&USUAL[..], &[(80, &[])]].concat();
    assert_eq!(host.answer(Ack, address.into(), &committed), Verdict::Dropped(DropReason::Dhcpv4Unusable));
    assert_eq!(host.state(), Dhcpv4State::Selecting);
}

/// What was asked for is what is acknowledged: this address, by this server.
#[test]
fn an_acknowledgment_of_something_else_is_discarded() {
    let mut host = Host::started();
    let _ = host.answer(Offer, LEASED, &USUAL);
    host.sent();
    let other = Ipv4Addr::new(192, 0, 2, 51);
    assert_eq!(host.answer(Ack, other, &USUAL), Verdict::Dropped(DropReason::Dhcpv4Unexpected));
    let others = [&[(54, &[192, 0, 2, 9][..])], &USUAL[1..]].concat();
    assert_eq!(host.answer(Ack, LEASED, &others), Verdict::Dropped(DropReason::Dhcpv4Unexpected));
    assert_eq!(host.answer(Ack, LEASED, &USUAL), Verdict::Accepted);
}

#[test]
fn messages_that_are_none() {
    let mut host = Host::started();
    assert_eq!(host.deliver(&[2, 1, 6]), Verdict::Dropped(DropReason::Dhcpv4Truncated));
    let mut offer = host.reply(Offer, LEASED, &USUAL);
    offer[236] = 0;
    assert_eq!(host.deliver(&offer), Verdict::Dropped(DropReason::Dhcpv4Format));
    assert_eq!(host.deliver(&[0; 300]), Verdict::Dropped(DropReason::Dhcpv4Format));
}

/// An address that the operator has set already, or for which there is no room, is declined (RFC 2131
/// section 3.1, 5), and asked about again only after 10 s.
#[test]
fn an_address_that_the_interface_cannot_have() {
    let mut host = Host { rig: Rig::new(), last: None };
    host.start(Dhcpv4Config { link_local_after: None, ..Dhcpv4Config::default() });
    let committed = [&USUAL[..], &[(80, &[])]].concat();
    assert_eq!(host.answer(Ack, OUR_V4, &committed), Verdict::Accepted);
    let sent = host.during(Duration::from_secs(10));
    assert_eq!(sent.len(), 2, "{sent:?}");
    let decline = "0.0.0.0:68 > 255.255.255.255:67 dhcp decline <requested 192.0.2.2, server 192.0.2.1>";
    assert_eq!((sent[0].0, sent[0].1.line.as_str()), (0.0, decline));
    assert!((sent[1].0 - 10.0).abs() < 1e-9 && sent[1].1.line.contains(" discover "));
    assert!(host.addresses().contains(&"192.0.2.2/24".to_string()));
    assert_eq!(host.rig.counter("dhcpv4.declined"), 1);
}

proptest! {
    /// Whatever the options, nothing panics, and the client either has the lease or goes on asking.
    #[test]
    fn arbitrary_options(options in proptest::collection::vec((any::<u8>(), proptest::collection::vec(any::<u8>(), 0..40)), 0..12)) {
        let mut host = Host::started();
        let borrowed: Vec<(u8, &[u8])> = options.iter().map(|(code, value)| (*code, &value[..])).collect();
        let all = [&USUAL[..], &[(80, &[])], &borrowed[..]].concat();
        let _ = host.answer(Ack, LEASED, &all);
        prop_assert!(host.rig.stack.poll_timeout().is_some());
        host.during(Duration::from_hours(2));
        prop_assert!(matches!(host.state(), Dhcpv4State::Selecting | Dhcpv4State::Rebinding | Dhcpv4State::Init | Dhcpv4State::Bound));
    }

    #[test]
    fn arbitrary_damage(damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut host = Host::started();
        let mut bytes = host.reply(Ack, LEASED, &[&USUAL[..], &[(80, &[])]].concat());
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let _ = host.deliver(&bytes);
        host.during(Duration::from_mins(1));
    }
}
