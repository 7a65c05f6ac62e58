//! Addresses that we form ourselves (RFC 4862 section 5, RFC 7217, RFC 8981).

use alloc::format;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};
use core::time::Duration;
use rstest::rstest;

use super::rig::*;
use super::routers::*;
use crate::ip::own_address::{AddressOrigin, AddressState, OwnAddress};
use crate::wire::ethernet::EthernetAddress;
use crate::wire::ndp::NeighborAdvertisement;
use crate::wire::ndp_options::{INFINITE, PrefixInformation, RouterOption};
use crate::{Config, Identity, Instant, Limits, SlaacConfig, Verdict};

const PREFIX: &str = "2001:db8:1::";
const HOUR: u64 = 3600;

fn own(rig: &Rig, address: Ipv6Addr) -> OwnAddress {
    let all = rig.stack.interfaces().flat_map(|interface| interface.addresses.iter());
    all.copied().find(|own| own.address == IpAddr::V6(address)).unwrap()
}

/// The prefix with other lifetimes.
fn lasting(valid: u32, preferred: u32) -> [RouterOption<'static>; 1] {
    [RouterOption::Prefix(PrefixInformation { valid_lifetime: valid, preferred_lifetime: preferred, ..prefix(PREFIX) })]
}

fn formed() -> (Rig, Ipv6Addr) {
    let mut rig = autoconfigured(Config::default());
    rig.pass(Duration::from_secs(3));
    rig.advertise(1, &lasting(86_400, 14_400));
    rig.pass(Duration::from_secs(3));
    let addresses = rig.addresses_of(PREFIX);
    assert_eq!(addresses.len(), 1);
    (rig, addresses[0])
}

#[test]
fn a_link_local_address_is_there_by_itself() {
    let rig = autoconfigured(Config::default());
    let address = rig.link_local();
    assert_eq!(address.segments()[..4], [0xfe80, 0, 0, 0]);
    assert_eq!(own(&rig, address).origin, AddressOrigin::LinkLocal);
    // RFC 7217 is the default: no trace of the hardware address.
    assert_ne!(address, ip("fe80::ff:fe00:2"));
}

#[test]
fn the_hardware_address_by_choice() {
    let slaac = SlaacConfig { eui64: true, ..SlaacConfig::default() };
    let mut rig = autoconfigured(Config { slaac, ..Config::default() });
    assert_eq!(rig.link_local(), ip("fe80::ff:fe00:2"));
    rig.advertise(1, &[RouterOption::Prefix(prefix(PREFIX))]);
    assert_eq!(rig.addresses_of(PREFIX), [ip("2001:db8:1:0:0:ff:fe00:2")]);
}

/// RFC 7217 section 4: the same on the same network, whatever the seed; another on another network.
#[test]
fn stable_addresses_outlive_a_restart() {
    let (rig, first) = formed();
    let identity = rig.stack.export_identity(rig.now);
    let mut again = autoconfigured(Config { identity: Some(identity.clone()), ..Config::default() });
    assert_eq!(again.link_local(), rig.link_local());
    again.advertise(1, &[RouterOption::Prefix(prefix(PREFIX)), RouterOption::Prefix(prefix("2001:db8:2::"))]);
    assert_eq!(again.addresses_of(PREFIX), [first]);
    assert_ne!(again.addresses_of("2001:db8:2::")[0].segments()[4..], first.segments()[4..]);
    let stranger = autoconfigured(Config { identity: Some(Identity::new([1; 16])), ..Config::default() });
    assert_ne!(stranger.link_local(), rig.link_local());
    assert!(!format!("{identity:?}").contains("secret"));
}

#[test]
fn a_prefix_makes_an_address_with_its_lifetimes() {
    let (rig, address) = formed();
    let heard = rig.now - Duration::from_secs(3);
    let own = own(&rig, address);
    assert_eq!(own.origin, AddressOrigin::Slaac);
    assert_eq!(own.preferred_until, Some(heard + Duration::from_hours(4)));
    assert_eq!(own.valid_until, Some(heard + Duration::from_hours(24)));
    assert!(own.state.is_assigned());
}

#[test]
fn an_address_is_deprecated_and_removed_in_time() {
    let (mut rig, address) = formed();
    rig.pass(Duration::from_secs(4 * HOUR - 3));
    assert_eq!(own(&rig, address).state, AddressState::Deprecated);
    rig.pass(Duration::from_nanos(20 * HOUR * 1_000_000_000 - 1));
    assert_eq!(rig.addresses_of(PREFIX), [address]);
    rig.pass(Duration::from_nanos(1));
    assert!(rig.addresses_of(PREFIX).is_empty());
    assert_eq!(rig.stack.prefixes().count(), 0);
}

/// RFC 4862 section 5.5.3 (a) to (d).
#[rstest]
#[case::not_autonomous(PrefixInformation { autonomous: false, ..prefix(PREFIX) })]
#[case::link_local(PrefixInformation { prefix: ip("fe80::"), ..prefix(PREFIX) })]
#[case::preferred_for_longer_than_valid(PrefixInformation { preferred_lifetime: 86_401, ..prefix(PREFIX) })]
#[case::no_valid_lifetime(PrefixInformation { valid_lifetime: 0, preferred_lifetime: 0, ..prefix(PREFIX) })]
#[case::shorter_than_64_bits(PrefixInformation { prefix_len: 63, ..prefix(PREFIX) })]
#[case::longer_than_64_bits(PrefixInformation { prefix_len: 65, ..prefix(PREFIX) })]
fn prefixes_that_make_no_address(#[case] told: PrefixInformation) {
    let mut rig = autoconfigured(Config::default());
    rig.advertise(1, &[RouterOption::Prefix(told)]);
    assert_eq!(rig.addresses_v6().len(), 1);
}

/// RFC 4862 section 5.5.3 (e): the two-hour rule. Remaining, told, then remaining, in seconds.
#[rstest]
#[case::longer_than_what_remains(86_400, 100_000, 100_000)]
#[case::shorter_but_over_two_hours(86_400, 7_201, 7_201)]
#[case::under_two_hours(86_400, 60, 7_200)]
#[case::zero(86_400, 0, 7_200)]
#[case::less_than_two_hours_remain(7_000, 60, 7_000)]
#[case::less_remain_and_more_is_told(3_000, 5_000, 5_000)]
#[case::infinite(86_400, INFINITE, INFINITE)]
#[case::infinite_and_under_two_hours(INFINITE, 60, 7_200)]
fn two_hours(#[case] remaining: u32, #[case] told: u32, #[case] then: u32) {
    let mut rig = autoconfigured(Config::default());
    rig.advertise(1, &lasting(remaining, remaining.min(100)));
    let address = rig.addresses_of(PREFIX)[0];
    rig.advertise(1, &lasting(told, told.min(50)));
    let own = own(&rig, address);
    let until = |seconds: u32| (seconds != INFINITE).then(|| rig.now + Duration::from_secs(seconds.into()));
    assert_eq!(own.valid_until, until(then));
    assert_eq!(own.preferred_until, until(told.min(50)), "the preferred lifetime is always taken");
}

fn temporary() -> Rig {
    let slaac = SlaacConfig { temporary_addresses: true, ..SlaacConfig::default() };
    let mut rig = autoconfigured(Config { slaac, ..Config::default() });
    rig.pass(Duration::from_secs(3));
    rig
}

fn temporaries(rig: &Rig) -> Vec<OwnAddress> {
    let all = rig.stack.interfaces().flat_map(|interface| interface.addresses.iter());
    all.copied().filter(|own| own.origin == AddressOrigin::Temporary).collect()
}

/// RFC 8981 section 3.4: beside the stable address, preferred for a day less up to two fifths of it.
#[test]
fn a_temporary_address() {
    let mut rig = temporary();
    let heard = rig.now;
    rig.advertise(1, &lasting(INFINITE, INFINITE));
    let formed = temporaries(&rig);
    assert_eq!((formed.len(), rig.addresses_of(PREFIX).len()), (1, 2));
    assert_eq!(formed[0].valid_until, Some(heard + Duration::from_hours(48)));
    let preferred = formed[0].preferred_until.unwrap().since(heard);
    assert!(preferred <= Duration::from_hours(24) && preferred >= Duration::from_hours(24) * 3 / 5);
}

/// Step 4: not longer than the prefix; step 5: none that would be preferred for less than 5 seconds.
#[rstest]
#[case(600, 300, Some(300))]
#[case(600, 6, Some(6))]
#[case(600, 5, None)]
#[case(600, 0, None)]
fn temporary_addresses_end_with_their_prefix(
    #[case] valid: u32,
    #[case] preferred: u32,
    #[case] expected: Option<u64>,
) {
    let mut rig = temporary();
    rig.advertise(1, &lasting(valid, preferred));
    let until = temporaries(&rig).first().map(|own| own.preferred_until.unwrap());
    assert_eq!(until, expected.map(|seconds| rig.now + Duration::from_secs(seconds)));
}

/// RFC 8981 section 3.6: a successor is there 5 s before the preferred lifetime ends; no more than three
/// at a time with the default lifetimes; and none lives longer than two days, however often its prefix
/// is advertised.
#[test]
fn temporary_addresses_change_daily() {
    let mut rig = temporary();
    rig.advertise(1, &lasting(INFINITE, INFINITE));
    rig.discard();
    rig.router_answers(1);
    let first = temporaries(&rig)[0];
    let end = first.preferred_until.unwrap();
    rig.pass(end.since(rig.now + Duration::from_nanos(5_000_000_001)));
    assert_eq!(temporaries(&rig).len(), 1);
    rig.pass(Duration::from_nanos(1));
    assert_eq!(temporaries(&rig).len(), 2);
    rig.pass(Duration::from_secs(5));
    assert_eq!(own(&rig, temporary_v6(&first)).state, AddressState::Deprecated);
    let start = Instant::from_millis(4_000);
    let mut seen: Vec<IpAddr> = Vec::new();
    while rig.now.since(start) < Duration::from_hours(240) {
        rig.advertise(1, &lasting(INFINITE, INFINITE));
        rig.pass(Duration::from_secs(1000));
        let now = temporaries(&rig);
        assert!((1..=3).contains(&now.len()), "{now:?}");
        assert!(now.iter().any(|own| own.state != AddressState::Deprecated));
        seen.extend(now.iter().map(|own| own.address).filter(|address| !seen.contains(address)).collect::<Vec<_>>());
    }
    assert!((10..=18).contains(&seen.len()), "{} in ten days", seen.len());
    assert!(temporaries(&rig).iter().all(|own| own.address != first.address));
}

fn temporary_v6(own: &OwnAddress) -> Ipv6Addr {
    match own.address {
        IpAddr::V6(address) => address,
        IpAddr::V4(_) => panic!("IPv4"),
    }
}

/// Addresses beyond the limit are refused and counted; the prefix stays.
#[test]
fn addresses_are_bounded() {
    let limits = Limits { addresses: 3, ..Limits::default() };
    let mut rig = autoconfigured(Config { limits, ..Config::default() });
    for n in 1..=5 {
        let told = prefix(&format!("2001:db8:{n}::"));
        assert_eq!(rig.advertise_as(1, &header(), &[RouterOption::Prefix(told)]), Verdict::Accepted);
    }
    assert_eq!((rig.addresses_v6().len(), rig.stack.prefixes().count()), (3, 5));
    assert_eq!(rig.counter("address.refused"), 3);
}

/// Another host says that it has `address`.
fn contest(rig: &mut Rig, address: Ipv6Addr) {
    let mut message = Vec::new();
    NeighborAdvertisement {
        router: false,
        solicited: false,
        overrides: true,
        target: address,
        target_link_layer: Some(PEER_MAC),
    }
    .emit(&mut message);
    let packet = icmpv6_packet(address, ALL_NODES, 255, message);
    let _ = rig.receive(&ethernet(EthernetAddress::multicast_v6(ALL_NODES), PEER_MAC, &packet));
}

/// RFC 7217 section 6: the next identifier, three times; then none. The count outlives a restart.
#[test]
fn an_address_in_use_elsewhere_is_followed_by_the_next() {
    let mut rig = verifying(Config::default());
    let mut tried = Vec::new();
    for _ in 0..4 {
        tried.push(rig.link_local());
        contest(&mut rig, tried[tried.len() - 1]);
        rig.pass(Duration::from_millis(100));
    }
    tried.sort();
    tried.dedup();
    assert_eq!((tried.len(), rig.addresses_v6().len(), rig.counter("slaac.given_up")), (4, 0, 1));
    let identity = rig.stack.export_identity(rig.now);
    assert_eq!(identity.dad_counters.len(), 1);
    let again = verifying(Config { identity: Some(identity), ..Config::default() });
    assert!(tried.contains(&again.link_local()), "the last one is tried once more");
}

/// RFC 4862 section 5.4.5: an address made of the hardware address has no successor.
#[test]
fn the_hardware_address_has_no_successor() {
    let slaac = SlaacConfig { eui64: true, ..SlaacConfig::default() };
    let mut rig = verifying(Config { slaac, ..Config::default() });
    rig.advertise(1, &lasting(86_400, 14_400));
    let address = rig.addresses_of(PREFIX)[0];
    contest(&mut rig, address);
    rig.advertise(1, &lasting(86_400, 14_400));
    assert!(rig.addresses_of(PREFIX).is_empty());
    assert_eq!(rig.counter("slaac.given_up"), 1);
}

/// RFC 8981 section 3.4, step 7: another identifier is drawn, three times; then the prefix gets none.
#[test]
fn a_temporary_address_in_use_elsewhere_is_drawn_anew() {
    let slaac = SlaacConfig { temporary_addresses: true, ..SlaacConfig::default() };
    let mut rig = verifying(Config { slaac, ..Config::default() });
    rig.advertise(1, &lasting(86_400, 14_400));
    for left in (0..4).rev() {
        let drawn = temporaries(&rig);
        assert_eq!(drawn.len(), 1, "{left} more to come");
        contest(&mut rig, temporary_v6(&drawn[0]));
    }
    rig.advertise(1, &lasting(86_400, 14_400));
    assert!(temporaries(&rig).is_empty());
    assert_eq!(rig.addresses_of(PREFIX).len(), 1, "the stable address stays");
}

/// From power on to an address that can be used: RFC 4862 section 5.4, with optimistic detection (RFC 4429).
#[test]
fn from_power_on_to_an_address() {
    let mut rig = verifying(Config::default());
    let sent = rig.pass(Duration::from_secs(1));
    assert_eq!(sent.matches("router solicitation").count(), 1, "{sent}");
    // Optimistic: its rightful owner's entry in the router's cache is not to be overwritten.
    assert!(!sent.contains("router solicitation source"), "{sent}");
    rig.advertise(1, &lasting(86_400, 14_400));
    let address = rig.addresses_of(PREFIX)[0];
    assert_eq!(own(&rig, address).state, AddressState::Optimistic);
    // RFC 9131 section 6.1.1: the routers are told at once, and override nothing.
    let announcement =
        format!("> {address} > ff02::2 icmp6 neighbor advertisement target {address} is-at 02:00:00:00:00:02");
    let sent = rig.sent();
    assert_eq!(sent.lines().filter(|line| *line == announcement).count(), 1, "{sent}");
    rig.pass(Duration::from_secs(2));
    assert_eq!(own(&rig, address).state, AddressState::Preferred);
    assert_eq!(rig.next_hop("[2001:db8:ffff::1]:7"), Some(station(1)));
}
