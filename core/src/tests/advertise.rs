//! What a router tells the hosts of its link (RFC 4861 section 6.2, RFC 4191 section 4, RFC 8106 section 5).

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};
use core::time::Duration;
use rstest::rstest;

use super::rig::*;
use super::routers::{self, header, ip, message, prefix, station};
use crate::error::{AddInterfaceError, AdvertiseError};
use crate::link::neighbor::NeighborState;
use crate::wire::ethernet::EthernetAddress;
use crate::wire::ndp_options::{INFINITE, PrefixInformation, RouteInformation, RouterOption};
use crate::wire::ndp_router::{RouterAdvertisementHeader, RouterPreference, RouterSolicitation};
use crate::{
    AdvertiseConfig, Capabilities, Cause, Config, DropReason, InterfaceAddress, InterfaceConfig, Limits, RouterConfig,
    Verdict,
};

const OUR_LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);
const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
const HOST: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 9);

fn usual() -> InterfaceConfig {
    let addresses = [InterfaceAddress::v6(OUR_LINK_LOCAL, 64), InterfaceAddress::v6(OUR_V6, 64)];
    InterfaceConfig::new(OUR_MAC, Capabilities::plain(1500), addresses).unverified()
}

/// A router that says no more than that it is one.
fn terse() -> AdvertiseConfig {
    AdvertiseConfig { prefixes: Some(Vec::new()), hop_limit: 0, ..AdvertiseConfig::default() }
}

fn router_with(config: AdvertiseConfig) -> Rig {
    let interface = InterfaceConfig { advertise: Some(config), ..usual() };
    Rig::with_interface(forwarding(), interface)
}

fn forwarding() -> Config {
    let router = RouterConfig { forwarding: true, ..RouterConfig::default() };
    Config { checks: true, router, ..Config::default() }
}

/// A router whose first advertisements have gone out.
fn settled(config: AdvertiseConfig) -> Rig {
    let mut rig = router_with(config);
    rig.pass(Duration::from_secs(40));
    rig
}

/// The milliseconds after which each advertisement was sent within `duration`.
fn times(rig: &mut Rig, duration: Duration) -> Vec<u64> {
    let sent = rig.pass(duration);
    let of_line = |line: &str| line.strip_prefix('+').and_then(|line| line.split_once("ms ")?.0.parse().ok());
    sent.lines().filter(|line| line.contains("router advertisement")).filter_map(of_line).collect()
}

fn solicitation(src: Ipv6Addr, hop_limit: u8, source_link_layer: Option<EthernetAddress>) -> Vec<u8> {
    let mut message = Vec::new();
    RouterSolicitation { source_link_layer }.emit(&mut message);
    let packet = icmpv6_packet(src, ALL_ROUTERS, hop_limit, message);
    ethernet(EthernetAddress::multicast_v6(ALL_ROUTERS), PEER_MAC, &packet)
}

fn solicit(rig: &mut Rig) -> Verdict {
    rig.receive(&solicitation(HOST, 255, Some(PEER_MAC)))
}

#[test]
fn all_that_can_be_told() {
    let route = RouteInformation {
        prefix: ip("2001:db8:9::"),
        prefix_len: 48,
        preference: RouterPreference::Low,
        lifetime: INFINITE,
    };
    let config = AdvertiseConfig {
        max_interval: Duration::from_secs(100),
        router_lifetime: Some(Duration::from_mins(10)),
        preference: RouterPreference::High,
        hop_limit: 77,
        mtu: Some(1400),
        reachable_time: Duration::from_secs(30),
        retrans_timer: Duration::from_millis(500),
        managed: true,
        other: true,
        prefixes: Some(vec![prefix("2001:db8:1::"), PrefixInformation { autonomous: false, ..prefix("2001:db8:2::") }]),
        routes: vec![route],
        name_servers: vec![ip("2001:db8::53"), ip("fe80::53")],
        search_domains: vec!["example.net".parse().unwrap(), "example.org".parse().unwrap()],
        ..AdvertiseConfig::default()
    };
    let mut rig = router_with(config);
    let due = rig.stack.poll_timeout().unwrap();
    assert_eq!(due.cause, Cause::RouterAdvertisement);
    rig.run_to(due.at);
    let frame = rig.clone().frames().remove(0);
    assert_eq!(stations(&frame), (EthernetAddress([0x33, 0x33, 0, 0, 0, 1]), OUR_MAC));
    assert_eq!(frame[14 + 7], 255, "hop limit (section 6.1.2)");
    insta::assert_snapshot!(rig.sent(), @"> fe80::2 > ff02::1 icmp6 router advertisement lifetime 600 high managed other hop limit 77 reachable 30000 retrans 500, source 02:00:00:00:00:02, mtu 1400, prefix 2001:db8:1::/64 on-link autonomous valid 86400 preferred 14400, prefix 2001:db8:2::/64 on-link valid 86400 preferred 14400, route 2001:db8:9::/48 low lifetime infinite, rdnss 2001:db8::53 fe80::53 lifetime 300, dnssl example.net example.org lifetime 300");
    assert_eq!(rig.counter("ra.sent"), 1);
}

/// Section 6.2.1: without further words, three times the interval, hop limit 64, and the prefix of our address.
#[test]
fn what_is_told_by_default() {
    let mut rig = router_with(AdvertiseConfig::default());
    let sent = rig.pass(Duration::from_secs(1));
    let (_, told) = sent.split_once("ms ").unwrap();
    insta::assert_snapshot!(told, @"> fe80::2 > ff02::1 icmp6 router advertisement lifetime 1800 hop limit 64, source 02:00:00:00:00:02, prefix 2001:db8::/64 on-link autonomous valid 2592000 preferred 604800");
}

/// Section 6.2.5: who does not forward is nobody's default router, whatever else he tells.
#[test]
fn without_forwarding() {
    let config = Config { checks: true, ..Config::default() };
    let mut rig = Rig::with_interface(config, InterfaceConfig { advertise: Some(terse()), ..usual() });
    let sent = rig.pass(Duration::from_secs(1));
    assert!(sent.ends_with("router advertisement lifetime 0, source 02:00:00:00:00:02"), "{sent}");
}

/// Section 6.2.1: `AdvSendAdvertisements` is off by default; section 6.2.6: a host discards solicitations.
#[test]
fn hosts_are_silent() {
    let mut rig = Rig::with_interface(forwarding(), usual());
    rig.pass(Duration::from_secs(2));
    assert_eq!(rig.receive(&solicitation(HOST, 255, Some(PEER_MAC))), Verdict::Dropped(DropReason::EthernetNotOurs));
    let mut message = Vec::new();
    RouterSolicitation { source_link_layer: None }.emit(&mut message);
    let packet = icmpv6_packet(HOST, OUR_LINK_LOCAL, 255, message);
    assert_eq!(rig.receive_packet(&packet), Verdict::Dropped(DropReason::NdpNotAdvertising));
    assert_eq!(rig.pass(Duration::from_mins(33)), "");
    assert_eq!(rig.stack.advertising(rig.interface), None);
}

#[test]
fn the_option_makes_routers() {
    let mut config = forwarding();
    for (name, value) in [("ra.send", "true"), ("ra.preference", "low"), ("ra.max_interval_ms", "4000")] {
        crate::options::set(&mut config, name, value).unwrap();
    }
    let mut rig = Rig::with_interface(config, usual());
    let told = rig.stack.advertising(rig.interface).unwrap();
    assert_eq!((told.config.preference, told.config.prefixes.unwrap().len()), (RouterPreference::Low, 1));
    let loopback = rig.stack.add_interface(rig.now, InterfaceConfig::loopback()).unwrap();
    let itself = InterfaceConfig { ipv6_autoconfiguration: true, ..usual() };
    let itself = rig.stack.add_interface(rig.now, itself).unwrap();
    assert!(rig.stack.advertising(loopback).is_none() && rig.stack.advertising(itself).is_none());
}

/// Section 6.2.4: the first soon, three of them at most 16 s apart, then at random times between the least
/// and the longest interval.
#[test]
fn unsolicited() {
    let mut rig = router_with(terse());
    let sent = times(&mut rig, Duration::from_hours(6));
    assert!(sent[0] <= 500);
    let gaps: Vec<u64> = sent.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(gaps[..2], [16_000, 16_000]);
    assert!(gaps[2..].iter().all(|gap| (200_000..=600_000).contains(gap)), "{gaps:?}");
    assert!(gaps[2..].iter().any(|gap| *gap < 350_000) && gaps[2..].iter().any(|gap| *gap > 450_000), "{gaps:?}");
}

/// Short intervals are not stretched to 16 s.
#[test]
fn short_intervals() {
    let config = AdvertiseConfig { max_interval: Duration::from_secs(4), ..terse() };
    let mut rig = router_with(config);
    let sent = times(&mut rig, Duration::from_secs(200));
    assert!(sent.windows(2).all(|pair| (3_000..=4_000).contains(&(pair[1] - pair[0]))), "{sent:?}");
}

/// Section 6.2.6: within half a second, one answer for all who ask meanwhile, to all nodes; the interval
/// begins anew.
#[test]
fn solicitations_are_answered_together() {
    let mut rig = settled(terse());
    let unasked = rig.stack.advertising(rig.interface).unwrap().next_at.unwrap();
    for _ in 0..10 {
        assert_eq!(solicit(&mut rig), Verdict::Accepted);
    }
    let asked = rig.now;
    let due = rig.stack.advertising(rig.interface).unwrap().next_at.unwrap();
    assert!(due.since(asked) <= Duration::from_millis(500) && due < unasked);
    let sent = rig.pass(Duration::from_secs(190));
    assert_eq!(sent.lines().filter(|line| line.contains("> fe80::2 > ff02::1 icmp6 router")).count(), 1, "{sent}");
}

/// Section 6.2.6: no two advertisements to all nodes within three seconds; who asks in between is answered
/// three seconds and a random time after the last.
#[test]
fn answers_are_limited() {
    let mut rig = settled(terse());
    let mut sent = Vec::new();
    for _ in 0..100 {
        let start = rig.now.as_millis();
        assert_eq!(solicit(&mut rig), Verdict::Accepted);
        sent.extend(times(&mut rig, Duration::from_millis(100)).iter().map(|at| start + at));
    }
    let gaps: Vec<u64> = sent.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.len() >= 2 && gaps.iter().all(|gap| (3_000..=3_500).contains(gap)), "{gaps:?}");
}

/// Section 6.2.6: an advertisement that is due sooner than an answer would be is the answer.
#[test]
fn what_is_due_is_not_put_off() {
    let mut rig = settled(terse());
    let due = rig.stack.advertising(rig.interface).unwrap().next_at.unwrap();
    rig.now = due - Duration::from_nanos(1);
    assert_eq!(solicit(&mut rig), Verdict::Accepted);
    assert_eq!(rig.stack.advertising(rig.interface).unwrap().next_at, Some(due));
}

/// Section 6.1.1.
#[rstest]
#[case::hop_limit(solicitation(HOST, 254, Some(PEER_MAC)))]
#[case::nameless_with_address(solicitation(Ipv6Addr::UNSPECIFIED, 255, Some(PEER_MAC)))]
#[case::group_address(solicitation(HOST, 255, Some(EthernetAddress::BROADCAST)))]
#[case::our_address(solicitation(HOST, 255, Some(OUR_MAC)))]
fn invalid_solicitations(#[case] frame: Vec<u8>) {
    let mut rig = settled(terse());
    assert_eq!(rig.receive(&frame), Verdict::Dropped(DropReason::NdpInvalid));
    assert_eq!(rig.pass(Duration::from_secs(10)), "");
    assert!(rig.neighbor("fe80::9").is_none());
}

/// Section 6.2.6: what the solicitation says of its sender is cached, as stale; the nameless leave nothing.
#[test]
fn who_asks_is_a_neighbor() {
    let mut rig = settled(terse());
    assert_eq!(rig.receive(&solicitation(Ipv6Addr::UNSPECIFIED, 255, None)), Verdict::Accepted);
    assert_eq!(rig.stack.neighbors().count(), 0);
    assert_eq!(solicit(&mut rig), Verdict::Accepted);
    assert_eq!(rig.neighbor("fe80::9"), Some((NeighborState::Stale, Some(PEER_MAC))));
}

/// Section 6.2.5, RFC 4191 section 4: three times, 3 s apart, nothing holds any more but the prefixes.
#[test]
fn ceasing() {
    let route =
        RouteInformation { prefix: ip("2001:db8:9::"), prefix_len: 48, preference: RouterPreference::Low, lifetime: 7 };
    let config = AdvertiseConfig {
        routes: vec![route],
        name_servers: vec![ip("2001:db8::53")],
        search_domains: vec!["example.net".parse().unwrap()],
        ..AdvertiseConfig::default()
    };
    let mut rig = settled(config);
    rig.stack.cease_advertising(rig.now, rig.interface).unwrap();
    assert!(!rig.stack.advertising(rig.interface).unwrap().active);
    assert_eq!(rig.receive(&solicitation(HOST, 255, None)), Verdict::Dropped(DropReason::EthernetNotOurs));
    insta::assert_snapshot!(rig.pass(Duration::from_secs(10)), @r"
    +0ms > fe80::2 > ff02::1 icmp6 router advertisement lifetime 0 hop limit 64, source 02:00:00:00:00:02, route 2001:db8:9::/48 low lifetime 0, rdnss 2001:db8::53 lifetime 0, dnssl example.net lifetime 0
    +3000ms > fe80::2 > ff02::1 icmp6 router advertisement lifetime 0 hop limit 64, source 02:00:00:00:00:02, route 2001:db8:9::/48 low lifetime 0, rdnss 2001:db8::53 lifetime 0, dnssl example.net lifetime 0
    +6000ms > fe80::2 > ff02::1 icmp6 router advertisement lifetime 0 hop limit 64, source 02:00:00:00:00:02, route 2001:db8:9::/48 low lifetime 0, rdnss 2001:db8::53 lifetime 0, dnssl example.net lifetime 0
    ");
    assert_eq!(rig.stack.advertising(rig.interface), None);
    assert_eq!(rig.pass(Duration::from_mins(50)), "");
    assert_eq!(rig.stack.cease_advertising(rig.now, rig.interface), Err(AdvertiseError::NotAdvertising));
}

/// The limit of one in three seconds holds for the last ones too; and who was never heard says no farewell.
#[test]
fn ceasing_soon() {
    let mut rig = router_with(terse());
    let mut unheard = rig.clone();
    unheard.stack.cease_advertising(unheard.now, unheard.interface).unwrap();
    assert_eq!(unheard.pass(Duration::from_secs(10)), "");
    assert_eq!(unheard.stack.advertising(unheard.interface), None);

    let due = rig.stack.poll_timeout().unwrap().at;
    rig.run_to(due);
    rig.discard();
    rig.stack.cease_advertising(rig.now, rig.interface).unwrap();
    assert_eq!(times(&mut rig, Duration::from_secs(20)), [3_000, 6_000, 9_000]);
}

#[test]
fn begun_again_before_the_farewell_is_over() {
    let mut rig = settled(terse());
    rig.stack.cease_advertising(rig.now, rig.interface).unwrap();
    assert!(rig.sent().contains("lifetime 0"));
    rig.stack.advertise(rig.now, rig.interface, terse()).unwrap();
    let sent = rig.pass(Duration::from_secs(20));
    assert!(!sent.contains("lifetime 0") && sent.lines().count() == 2, "{sent}");
}

/// Section 6.2.4: what changes is told soon, three times.
#[test]
fn other_things_to_tell() {
    let mut rig = settled(terse());
    rig.stack.advertise(rig.now, rig.interface, AdvertiseConfig { managed: true, ..terse() }).unwrap();
    let start = rig.clone();
    let sent = times(&mut rig, Duration::from_secs(150));
    assert!(sent[0] <= 500 && sent.len() == 3, "{sent:?}");
    assert!(start.clone().pass(Duration::from_secs(1)).contains(" managed"));
}

/// Section 6.2.8: hosts are told that the old address is no router's, and of the new one.
#[test]
fn another_link_local_address() {
    let mut rig = settled(terse());
    rig.stack.remove_address(rig.now, rig.interface, OUR_LINK_LOCAL.into()).unwrap();
    let another = InterfaceAddress::v6(ip("fe80::22"), 64);
    rig.stack.add_address(rig.now, rig.interface, another).unwrap();
    let sent = rig.pass(Duration::from_secs(10));
    let from = |address: &str| sent.lines().filter(|line| line.contains(address)).collect::<Vec<_>>();
    let (old, new) = (from("> fe80::2 > ff02::1 icmp6 router"), from("> fe80::22 > ff02::1 icmp6 router"));
    assert!(old.len() == 3 && old.iter().all(|line| line.ends_with("lifetime 0, source 02:00:00:00:00:02")), "{sent}");
    assert!(new.len() == 1 && !new[0].contains("lifetime 0"), "{sent}");
}

/// RFC 4862 section 5.4: nothing is sent from an address that is not known to be ours; one is formed if there is none.
#[test]
fn a_link_local_address_is_made_and_verified() {
    let addresses = [InterfaceAddress::v6(OUR_V6, 64)];
    let interface = InterfaceConfig::new(OUR_MAC, Capabilities::plain(1500), addresses);
    let mut rig = Rig::with_interface(forwarding(), InterfaceConfig { advertise: Some(terse()), ..interface });
    assert_eq!(times(&mut rig, Duration::from_millis(990)), []);
    let sent = rig.pass(Duration::from_secs(1));
    let source = rig.link_local().to_string();
    assert!(sent.contains(&alloc::format!("> {source} > ff02::1 icmp6 router advertisement")), "{sent}");
}

/// A link that comes up is a new start; nothing is sent, and nobody told, while it is down.
#[test]
fn links_go_and_come() {
    let mut rig = settled(terse());
    rig.stack.set_link(rig.now, rig.interface, false).unwrap();
    assert_eq!(rig.pass(Duration::from_mins(33)), "");
    rig.stack.set_link(rig.now, rig.interface, true).unwrap();
    let sent = times(&mut rig, Duration::from_secs(20));
    assert!(sent.len() == 2 && sent[0] <= 500, "{sent:?}");
}

/// Section 6.2.7.
#[rstest]
#[case::same(header(), vec![], None)]
#[case::hop_limit(RouterAdvertisementHeader { hop_limit: 63, ..header() }, vec![], Some("hop limit"))]
#[case::managed(RouterAdvertisementHeader { managed: true, ..header() }, vec![], Some("managed flag"))]
#[case::other(RouterAdvertisementHeader { other: true, ..header() }, vec![], Some("other flag"))]
#[case::reachable(RouterAdvertisementHeader { reachable_time: 1, ..header() }, vec![], Some("reachable time"))]
#[case::retrans(RouterAdvertisementHeader { retrans_timer: 1, ..header() }, vec![], Some("retrans timer"))]
#[case::lifetime(RouterAdvertisementHeader { router_lifetime: 9, ..header() }, vec![], None)]
#[case::mtu(header(), vec![RouterOption::Mtu(1300)], Some("mtu"))]
#[case::same_mtu(header(), vec![RouterOption::Mtu(1400)], None)]
#[case::prefix(header(), vec![RouterOption::Prefix(prefix("2001:db8:1::"))], None)]
#[case::another_prefix(header(), vec![RouterOption::Prefix(PrefixInformation { valid_lifetime: 9, ..prefix("2001:db8:2::") })], None)]
#[case::valid(header(), vec![RouterOption::Prefix(PrefixInformation { valid_lifetime: 9, ..prefix("2001:db8:1::") })], Some("prefix lifetime"))]
#[case::preferred(header(), vec![RouterOption::Prefix(PrefixInformation { preferred_lifetime: 9, ..prefix("2001:db8:1::") })], Some("prefix lifetime"))]
fn contradictions(
    #[case] theirs: RouterAdvertisementHeader,
    #[case] options: Vec<RouterOption<'_>>,
    #[case] expected: Option<&str>,
) {
    let config = AdvertiseConfig {
        prefixes: Some(vec![prefix("2001:db8:1::")]),
        hop_limit: 64,
        mtu: Some(1400),
        reachable_time: Duration::from_secs(30),
        retrans_timer: Duration::from_secs(1),
        ..AdvertiseConfig::default()
    };
    let mut rig = settled(config);
    let packet = icmpv6_packet(routers::router(1), routers::ALL_NODES, 255, message(&theirs, &options));
    let frame = ethernet(EthernetAddress::multicast_v6(routers::ALL_NODES), station(1), &packet);
    assert_eq!(rig.receive(&frame), Verdict::Accepted);
    let found = rig.stack.advertising(rig.interface).unwrap().inconsistency;
    assert_eq!(found.map(|found| (found.router, found.about)), expected.map(|about| (routers::router(1), about)));
    assert_eq!(rig.counter("ra.inconsistent"), u64::from(expected.is_some()));
    assert_eq!(rig.stack.default_routers().count(), 0, "a router believes no other");
}

fn with(change: impl FnOnce(&mut AdvertiseConfig)) -> AdvertiseConfig {
    let mut config = terse();
    change(&mut config);
    config
}

/// Section 6.2.1, RFC 4191 section 4, RFC 8106 section 5.
#[rstest]
#[case::short(with(|it| it.max_interval = Duration::from_millis(3_999)), AdvertiseError::MaxInterval)]
#[case::long(with(|it| it.max_interval = Duration::from_secs(1_801)), AdvertiseError::MaxInterval)]
#[case::min_short(with(|it| it.min_interval = Some(Duration::from_millis(2_999))), AdvertiseError::MinInterval)]
#[case::min_long(with(|it| it.min_interval = Some(Duration::from_secs(451))), AdvertiseError::MinInterval)]
#[case::lifetime_short(with(|it| it.router_lifetime = Some(Duration::from_secs(599))), AdvertiseError::RouterLifetime)]
#[case::lifetime_long(with(|it| it.router_lifetime = Some(Duration::from_secs(9_001))), AdvertiseError::RouterLifetime)]
#[case::mtu_small(with(|it| it.mtu = Some(1_279)), AdvertiseError::Mtu)]
#[case::mtu_large(with(|it| it.mtu = Some(1_501)), AdvertiseError::Mtu)]
#[case::reachable(with(|it| it.reachable_time = Duration::from_millis(3_600_001)), AdvertiseError::ReachableTime)]
#[case::retrans(with(|it| it.retrans_timer = Duration::from_millis(1 << 32)), AdvertiseError::RetransTimer)]
#[case::link_local(with(|it| it.prefixes = Some(vec![prefix("fe80::")])), AdvertiseError::Prefix)]
#[case::multicast(with(|it| it.prefixes = Some(vec![prefix("ff0e::")])), AdvertiseError::Prefix)]
#[case::preferred(with(|it| it.prefixes = Some(vec![PrefixInformation { valid_lifetime: 1, ..prefix("2001:db8::") }])), AdvertiseError::Prefix)]
#[case::prefixes(with(|it| it.prefixes = Some(vec![prefix("2001:db8::"); 45])), AdvertiseError::TooLong)]
#[case::routes(with(|it| it.routes = vec![route(48); 18]), AdvertiseError::TooManyRoutes)]
#[case::route(with(|it| it.routes = vec![route(129)]), AdvertiseError::Route)]
#[case::server(with(|it| it.name_servers = vec![ip("ff02::fb")]), AdvertiseError::NameServer)]
#[case::servers(with(|it| it.name_servers = vec![ip("2001:db8::53"); 128]), AdvertiseError::TooManyNameServers)]
#[case::domains(with(|it| it.search_domains = vec!["example.net".parse().unwrap(); 157]), AdvertiseError::SearchDomains)]
#[case::resolvers(with(|it| it.resolver_lifetime = Some(Duration::from_secs(1 << 32))), AdvertiseError::ResolverLifetime)]
fn values_that_cannot_be(#[case] config: AdvertiseConfig, #[case] expected: AdvertiseError) {
    let mut rig = settled(terse());
    assert_eq!(rig.stack.advertise(rig.now, rig.interface, config.clone()), Err(expected));
    let interface = InterfaceConfig { advertise: Some(config), ..usual() };
    let refused = rig.stack.add_interface(rig.now, interface).unwrap_err();
    assert_eq!(refused, AddInterfaceError::Advertise(expected));
    assert!(refused.to_string().ends_with(&expected.to_string()));
}

fn route(prefix_len: u8) -> RouteInformation {
    RouteInformation { prefix: ip("2001:db8:9::"), prefix_len, preference: RouterPreference::Medium, lifetime: 7 }
}

#[test]
fn interfaces_that_cannot() {
    let mut rig = routers::autoconfigured(Config::default());
    let (now, id) = (rig.now, rig.interface);
    assert_eq!(rig.stack.advertise(now, id, terse()), Err(AdvertiseError::Autoconfigured));
    let loopback = rig.stack.add_interface(now, InterfaceConfig::loopback()).unwrap();
    assert_eq!(rig.stack.advertise(now, loopback, terse()), Err(AdvertiseError::NoLink));
    let small = InterfaceConfig::new(OUR_MAC, Capabilities::plain(1279), []);
    let small = rig.stack.add_interface(now, small).unwrap();
    assert_eq!(rig.stack.advertise(now, small, terse()), Err(AdvertiseError::MtuTooSmall));
    rig.stack.remove_interface(now, small).unwrap();
    assert_eq!(rig.stack.advertise(now, small, terse()), Err(AdvertiseError::NoInterface));
}

/// More prefixes of our own than a message has room for are left out, and counted.
#[test]
fn more_prefixes_than_fit() {
    let limits = Limits { addresses: 100, ..Limits::default() };
    let config = Config { limits, ..forwarding() };
    let mut rig =
        Rig::with_interface(config, InterfaceConfig { advertise: Some(AdvertiseConfig::default()), ..usual() });
    for n in 0..60 {
        let address = Ipv6Addr::new(0x2001, 0xdb8, 1, n, 0, 0, 0, 1);
        rig.stack.add_address(rig.now, rig.interface, InterfaceAddress::v6(address, 64)).unwrap();
    }
    let sent = rig.pass(Duration::from_secs(1));
    // 1500 - 40 - 16 - 8, by 32 each.
    assert_eq!(sent.matches(", prefix ").count(), 44);
    assert_eq!(rig.counter("ra.prefixes_left_out"), 61 - 44);
}

/// RFC 4861 section 6.2.2: an advertising interface is in the group of all routers, and tells so.
#[test]
fn the_group_of_all_routers() {
    let mut rig = settled(terse());
    let is_in = |rig: &Rig| rig.stack.groups().any(|group| group.group == IpAddr::V6(ALL_ROUTERS));
    assert!(is_in(&rig));
    rig.stack.cease_advertising(rig.now, rig.interface).unwrap();
    assert!(!is_in(&rig));
}
