//! What of an interface's own configuration waits while its link is down, and how it is found out on which
//! link it is when that is back (RFC 4862 section 5.3, RFC 5227 section 2.1, RFC 6059, RFC 8415 section 18.2.12).

use alloc::vec::Vec;
use core::time::Duration;
use rstest::rstest;

use super::rig::*;
use super::routers::*;
use crate::tcp::State;
use crate::wire::arp::ArpOperation;
use crate::wire::ethernet::EthernetAddress;
use crate::wire::ndp_options::{PrefixInformation, RouterOption};
use crate::wire::ndp_router::RouterAdvertisementHeader;
use crate::{AddressChange, AddressSettings, AddressState, Config, ConnectOptions, Event, InterfaceAddress, Verdict};

const ONE: &str = "2001:db8:1::";
const TWO: &str = "2001:db8:2::";

fn set_link(rig: &mut Rig, up: bool) {
    rig.stack.set_link(rig.now, rig.interface, up).unwrap();
}

/// Down for 30 s, and up again.
fn flap(rig: &mut Rig) {
    set_link(rig, false);
    assert_eq!(rig.pass(Duration::from_secs(30)), "");
    set_link(rig, true);
}

fn states(rig: &Rig) -> Vec<AddressState> {
    rig.stack.interfaces().next().unwrap().addresses.iter().map(|own| own.state).collect()
}

/// Silence on a link that is down says nothing about who has an address.
#[test]
fn nothing_is_verified_while_the_link_is_down() {
    let mut rig = Rig::bare(AddressSettings::default());
    for own in [InterfaceAddress::v4(OUR_V4, 24), InterfaceAddress::v6(OUR_V6, 64)] {
        rig.stack.add_address(rig.now, rig.interface, own).unwrap();
    }
    set_link(&mut rig, false);
    assert_eq!(rig.stack.poll_timeout(), None);
    assert_eq!(rig.pass(Duration::from_mins(1)), "");
    assert_eq!(states(&rig), [AddressState::Tentative; 2]);
    assert_eq!(rig.events(), []);
    set_link(&mut rig, true);
    let sent = rig.pass(Duration::from_secs(5));
    assert_eq!(sent.matches("tell 0.0.0.0").count(), 1, "{sent}");
    assert_eq!(sent.matches("> :: > ff02::1:ff00:2").count(), 1, "{sent}");
    assert_eq!(states(&rig), [AddressState::Preferred; 2]);
}

/// RFC 7559: the intervals have grown to minutes; after the link came up they begin anew.
#[test]
fn routers_are_not_solicited_while_the_link_is_down() {
    let mut rig = autoconfigured(Config::default());
    rig.pass(Duration::from_mins(10));
    set_link(&mut rig, false);
    assert_eq!(rig.stack.poll_timeout(), None);
    set_link(&mut rig, true);
    let sent = rig.pass(Duration::from_secs(5));
    assert_eq!(sent.matches("router solicitation").count(), 2, "{sent}");
}

/// The last router's lifetime ends while nobody can be asked.
#[test]
fn a_router_that_expires_while_the_link_is_down() {
    let mut rig = autoconfigured(Config::default());
    rig.advertise(1, &[RouterOption::Prefix(prefix(ONE))]);
    rig.pass(Duration::from_secs(20));
    set_link(&mut rig, false);
    assert_eq!(rig.pass(Duration::from_mins(40)), "");
    assert_eq!(rig.default_routers(), []);
    set_link(&mut rig, true);
    assert!(rig.pass(Duration::from_secs(1)).contains("router solicitation"));
}

/// A router that was given up for dead because the link was is asked again at once.
#[test]
fn that_a_router_did_not_answer_is_forgotten_with_the_link() {
    let mut rig = autoconfigured(Config::default());
    rig.advertise(1, &[RouterOption::Prefix(prefix(ONE))]);
    rig.router_answers(1);
    let local = rig.addresses_of(ONE)[0];
    let handle = rig.udp_bind(&alloc::format!("[{local}]:0"));
    rig.pass(Duration::from_mins(1));
    rig.udp_send(handle, b"hello", "[2001:db8:ffff::1]:7").unwrap();
    rig.pass(Duration::from_secs(20));
    let metric = |rig: &Rig| rig.stack.routes().find(|route| route.prefix_len == 0).unwrap().metric;
    let failed = metric(&rig);
    flap(&mut rig);
    assert!(metric(&rig) < failed, "{} after {failed}", metric(&rig));
}

/// A connection keeps its addresses, and goes on once they are verified.
#[test]
fn a_connection_waits_for_its_address() {
    let mut rig = Rig::bare(AddressSettings::default());
    rig.stack.add_address(rig.now, rig.interface, InterfaceAddress::v4(OUR_V4, 24)).unwrap();
    rig.pass(Duration::from_secs(5));
    let (nobody, everybody) = (EthernetAddress::UNSPECIFIED, EthernetAddress::BROADCAST);
    let request = arp(ArpOperation::Request, PEER_MAC, PEER_V4, nobody, OUR_V4, everybody);
    assert_eq!(rig.receive(&request), Verdict::Accepted);
    let (us, peer) = (socket("192.0.2.2:40000"), socket("192.0.2.1:80"));
    let options = ConnectOptions { local: Some(us), settings: None };
    let handle = rig.stack.tcp_connect(rig.now, peer, options).unwrap();
    let syn = rig.frames().pop().unwrap();
    let ack = u32::from_be_bytes([syn[38], syn[39], syn[40], syn[41]]).wrapping_add(1);
    let _ = rig.receive_packet(&tcp_packet(peer, us, &alloc::format!("S. 0:0(0) ack {ack} win 65535"), b""));
    rig.discard();

    set_link(&mut rig, false);
    assert_eq!(rig.stack.tcp(handle).unwrap().send(rig.now, b"hello").unwrap(), 5);
    assert_eq!(rig.pass(Duration::from_secs(30)), "");
    set_link(&mut rig, true);
    let sent = rig.pass(Duration::from_mins(1));
    let (probe, asked) = (sent.find("tell 0.0.0.0").unwrap(), sent.find("who-has 192.0.2.1 tell 192.0.2.2").unwrap());
    assert!(probe < asked, "{sent}");
    assert_eq!(rig.stack.tcp(handle).unwrap().state(), State::Established);
    assert_eq!(rig.receive(&request), Verdict::Accepted);
    assert!(rig.pass(Duration::from_mins(1)).contains("(5)"), "what was written is sent");
}

/// The prefixes by which our addresses are known after `first` was heard, a flap, and `second`.
fn after_a_flap(first: &[(u16, &str)], second: &[(u16, &str)]) -> (Rig, Vec<&'static str>) {
    let mut rig = autoconfigured(Config::default());
    let hear = |rig: &mut Rig, heard: &[(u16, &str)]| {
        for (n, told) in heard {
            let told = (!told.is_empty()).then(|| RouterOption::Prefix(prefix(told)));
            rig.advertise(*n, told.as_slice());
            rig.discard();
        }
    };
    hear(&mut rig, first);
    flap(&mut rig);
    rig.events();
    hear(&mut rig, second);
    let of = [ONE, TWO].into_iter().filter(|prefix| !rig.addresses_of(prefix).is_empty()).collect();
    (rig, of)
}

/// What the first routers that are heard say of the link.
#[rstest]
#[case::the_same_router(&[(1, ONE)], &[(1, ONE)], &[ONE], &[1])]
#[case::another_of_the_same_link(&[(1, ONE)], &[(2, ONE)], &[ONE], &[1, 2])]
#[case::one_more_prefix(&[(1, ONE)], &[(2, ONE), (2, TWO)], &[ONE, TWO], &[1, 2])]
#[case::another_link(&[(1, ONE)], &[(2, TWO)], &[TWO], &[2])]
#[case::another_link_with_the_same_name(&[(1, ONE)], &[(1, TWO)], &[TWO], &[1])]
#[case::nothing_said(&[(1, ONE)], &[(2, "")], &[ONE], &[1, 2])]
#[case::nothing_said_and_then_another_link(&[(1, ONE)], &[(2, ""), (3, TWO)], &[TWO], &[3])]
#[case::known_without_prefix(&[(1, ONE)], &[(1, ""), (2, TWO)], &[ONE, TWO], &[1, 2])]
#[case::nothing_known(&[], &[(1, ONE), (2, TWO)], &[ONE, TWO], &[1, 2])]
#[case::routers_alone_known(&[(1, "")], &[(2, TWO)], &[TWO], &[2])]
fn which_link_it_is(
    #[case] first: &[(u16, &str)],
    #[case] second: &[(u16, &str)],
    #[case] prefixes: &[&str],
    #[case] routers: &[u16],
) {
    let (rig, found) = after_a_flap(first, second);
    assert_eq!((&found[..], &rig.default_routers()[..]), (prefixes, routers));
    let on_link = |prefix: &&str| rig.stack.routes().any(|route| route.prefix == ip(prefix) && route.prefix_len == 64);
    assert_eq!([ONE, TWO].iter().copied().filter(|prefix| on_link(prefix)).collect::<Vec<_>>(), prefixes);
}

/// The application learns that the address of the old link is gone, and that of the new one is there.
#[test]
fn another_link_is_told() {
    let (mut rig, _) = after_a_flap(&[(1, ONE)], &[(2, TWO)]);
    let changes: Vec<AddressChange> = rig
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::Address { change, .. } => Some(change),
            _ => None,
        })
        .collect();
    assert_eq!(changes, [AddressChange::Removed, AddressChange::Assigned]);
}

/// While the link has stayed up, a new prefix is one more; and a prefix without a lifetime says nothing.
#[test]
fn only_a_link_that_was_down_can_be_another() {
    let mut rig = autoconfigured(Config::default());
    rig.advertise(1, &[RouterOption::Prefix(prefix(ONE))]);
    rig.advertise(2, &[RouterOption::Prefix(prefix(TWO))]);
    assert_eq!((rig.addresses_of(ONE).len(), rig.addresses_of(TWO).len()), (1, 1));
    flap(&mut rig);
    let withdrawn = PrefixInformation { valid_lifetime: 0, preferred_lifetime: 0, ..prefix("2001:db8:3::") };
    let none = RouterAdvertisementHeader { router_lifetime: 0, ..header() };
    assert_eq!(rig.advertise_as(3, &none, &[RouterOption::Prefix(withdrawn)]), Verdict::Accepted);
    assert_eq!((rig.addresses_of(ONE).len(), rig.addresses_of(TWO).len()), (1, 1));
}
