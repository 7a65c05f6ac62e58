//! Router discovery (RFC 4861 section 6.3, RFC 4191, RFC 7559, RFC 8106).

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::net::Ipv6Addr;
use core::time::Duration;
use rstest::rstest;

use super::rig::*;
use super::routers::*;
use crate::wire::ethernet::EthernetAddress;
use crate::wire::ipv4::IpProtocol;
use crate::wire::ndp::NdpOption;
use crate::wire::ndp_options::{self, PrefixInformation, RouteInformation, RouterOption};
use crate::wire::ndp_router::{RouterAdvertisementHeader, RouterPreference};
use crate::{Config, DropReason, Event, ManagedFlags, Verdict};

/// RFC 7559: until a router answers, at growing intervals, to all routers.
#[test]
fn routers_are_solicited_until_one_answers() {
    let mut rig = autoconfigured(Config::default());
    let sent = rig.pass(Duration::from_mins(2));
    let times: Vec<u64> =
        sent.lines().map(|line| line.trim_start_matches('+').split("ms").next().unwrap().parse().unwrap()).collect();
    assert!(times[0] <= 250, "{sent}");
    let mut expected = 4_000;
    for pair in times.windows(2) {
        let interval = pair[1] - pair[0];
        assert!((expected * 9 / 10..=expected * 11 / 10 + 1).contains(&interval), "{interval} ms, not {expected}");
        expected = 2 * interval;
    }
    let line = format!("> {} > ff02::2 icmp6 router solicitation source 02:00:00:00:00:02", rig.link_local());
    assert!(sent.lines().all(|sent| sent.ends_with(&line)), "{sent}");
    rig.advertise(1, &[]);
    rig.discard();
    assert!(!rig.pass(Duration::from_secs(1700)).contains("router solicitation"));
}

/// A router that is none by itself (lifetime 0) does not end the search (RFC 7559 section 2.1).
#[test]
fn an_advertisement_without_a_default_route_ends_no_search() {
    let mut rig = autoconfigured(Config::default());
    rig.pass(Duration::from_secs(1));
    let header = RouterAdvertisementHeader { router_lifetime: 0, ..header() };
    assert_eq!(rig.advertise_as(1, &header, &[RouterOption::Prefix(prefix("2001:db8:1::"))]), Verdict::Accepted);
    assert_eq!(rig.default_routers(), []);
    assert!(rig.pass(Duration::from_secs(10)).contains("router solicitation"));
}

/// RFC 4861 section 6.1.2, line by line.
#[rstest]
#[case::not_link_local(ip("2001:db8::1"), 255, message(&header(), &[]), DropReason::NdpInvalid)]
#[case::hop_limit(router(1), 254, message(&header(), &[]), DropReason::NdpInvalid)]
#[case::code(router(1), 255, changed(1, 1), DropReason::NdpInvalid)]
#[case::length(router(1), 255, message(&header(), &[])[..15].to_vec(), DropReason::NdpInvalid)]
#[case::option_of_length_zero(router(1), 255, [&message(&header(), &[])[..], &[1, 0]].concat(), DropReason::NdpOption)]
#[case::option_beyond_the_message(
    router(1),
    255,
    [&message(&header(), &[])[..], &[1, 2, 0, 0, 0, 0, 0, 0]].concat(),
    DropReason::NdpOption
)]
fn invalid_advertisements_are_discarded(
    #[case] src: Ipv6Addr,
    #[case] hop_limit: u8,
    #[case] message: Vec<u8>,
    #[case] reason: DropReason,
) {
    let mut rig = autoconfigured(Config::default());
    let packet = icmpv6_packet(src, ALL_NODES, hop_limit, message);
    let frame = ethernet(EthernetAddress::multicast_v6(ALL_NODES), station(1), &packet);
    assert_eq!(rig.receive(&frame), Verdict::Dropped(reason));
    assert_eq!(rig.default_routers(), []);
}

fn changed(at: usize, value: u8) -> Vec<u8> {
    let mut message = message(&header(), &[]);
    message[at] = value;
    message
}

/// RFC 6980 section 5.
#[test]
fn an_advertisement_behind_a_fragment_header_is_discarded() {
    let mut rig = autoconfigured(Config::default());
    let mut packet = icmpv6_packet(router(1), ALL_NODES, 255, message(&header(), &[]));
    packet[5] += 8;
    packet[6] = IpProtocol::FRAGMENT.0;
    packet.splice(40..40, [IpProtocol::ICMPV6.0, 0, 0, 0, 0, 0, 0, 9]);
    let frame = ethernet(EthernetAddress::multicast_v6(ALL_NODES), station(1), &packet);
    assert_eq!(rig.receive(&frame), Verdict::Dropped(DropReason::NdpInvalid));
}

#[test]
fn an_interface_that_does_not_configure_itself_believes_no_router() {
    let mut rig = Rig::new();
    let frame = advertisement(1, &header(), &[RouterOption::Prefix(prefix("2001:db8:1::"))]);
    assert_eq!(rig.receive(&frame), Verdict::Dropped(DropReason::NdpRouterDiscoveryOff));
    assert_eq!((rig.stack.default_routers().count(), rig.stack.prefixes().count()), (0, 0));
}

/// A rig with one router that has told a prefix and has been found reachable.
fn with_router() -> Rig {
    let mut rig = autoconfigured(Config::default());
    rig.pass(Duration::from_secs(1));
    rig.advertise(1, &[RouterOption::Prefix(prefix("2001:db8:1::"))]);
    rig.discard();
    rig.router_answers(1);
    rig.discard();
    rig
}

#[test]
fn a_router_takes_what_is_not_on_the_link() {
    let mut rig = with_router();
    assert_eq!(rig.next_hop("[2001:db8:ffff::1]:7"), Some(station(1)));
    // A neighbor has to be resolved first: nothing leaves to the router.
    assert_eq!(rig.next_hop("[2001:db8:1::77]:7"), None);
    let mut on_link = rig.clone();
    let handle = on_link.udp_bind("[::]:5000");
    on_link.udp_send(handle, b"hello", "[2001:db8:1::77]:7").unwrap();
    assert!(on_link.sent().contains("neighbor solicitation target 2001:db8:1::77"));
}

/// A new router is asked whether it can be reached before anything depends on it.
#[test]
fn a_router_is_asked_whether_it_is_reachable() {
    let mut rig = autoconfigured(Config::default());
    rig.pass(Duration::from_secs(1));
    rig.advertise(1, &[]);
    let frame = rig.clone().frames().remove(0);
    assert_eq!(stations(&frame).0, station(1));
    assert!(rig.sent().ends_with("neighbor solicitation target fe80::1 source 02:00:00:00:00:02"));
    assert!(!rig.stack.default_routers().next().unwrap().trusted);
    rig.router_answers(1);
    assert!(rig.stack.default_routers().next().unwrap().trusted);
}

/// RFC 4861 section 6.3.5: exactly when its lifetime ends, the router is gone, and others are looked for.
#[test]
fn a_router_goes_when_its_lifetime_ends() {
    let mut rig = with_router();
    rig.pass(Duration::from_nanos(1_799_999_999_999));
    assert_eq!(rig.default_routers(), [1]);
    let sent = rig.pass(Duration::from_secs(1));
    assert_eq!(rig.default_routers(), []);
    assert!(sent.contains("router solicitation"), "{sent}");
    assert_eq!(rig.next_hop("[2001:db8:ffff::1]:7"), None);
}

#[test]
fn a_router_that_withdraws_is_gone_at_once() {
    let mut rig = with_router();
    let header = RouterAdvertisementHeader { router_lifetime: 0, ..header() };
    assert_eq!(rig.advertise_as(1, &header, &[]), Verdict::Accepted);
    assert_eq!(rig.default_routers(), []);
    rig.advertise(1, &[]);
    assert_eq!(rig.default_routers(), [1]);
}

/// RFC 4861 section 7.2.5: a router that says of itself to be a host is none.
#[test]
fn a_router_that_becomes_a_host_is_gone() {
    let mut rig = with_router();
    let mut message = Vec::new();
    crate::wire::ndp::NeighborAdvertisement {
        router: false,
        solicited: false,
        overrides: true,
        target: router(1),
        target_link_layer: Some(station(1)),
    }
    .emit(&mut message);
    let packet = icmpv6_packet(router(1), ALL_NODES, 255, message);
    let frame = ethernet(EthernetAddress::multicast_v6(ALL_NODES), station(1), &packet);
    assert_eq!(rig.receive(&frame), Verdict::Accepted);
    assert_eq!(rig.default_routers(), []);
}

/// RFC 4191 section 3.2: the preference decides among routers that are reachable; one of which that is
/// not known comes after them, whatever it claims.
#[test]
fn reachable_routers_come_first_then_preferred_ones() {
    let mut rig = with_router();
    let same = [RouterOption::Prefix(prefix("2001:db8:1::"))];
    let high = RouterAdvertisementHeader { preference: RouterPreference::High, ..header() };
    assert_eq!(rig.advertise_as(2, &high, &same), Verdict::Accepted);
    assert_eq!(rig.next_hop("[2001:db8:ffff::1]:7"), Some(station(1)));
    rig.now += Duration::from_secs(1);
    assert_eq!(rig.advertise_as(2, &high, &same), Verdict::Accepted);
    rig.discard();
    rig.router_answers(2);
    assert_eq!(rig.next_hop("[2001:db8:ffff::1]:7"), Some(station(2)));
    let low = RouterAdvertisementHeader { preference: RouterPreference::Low, ..header() };
    assert_eq!(rig.advertise_as(2, &low, &same), Verdict::Accepted);
    assert_eq!(rig.next_hop("[2001:db8:ffff::1]:7"), Some(station(1)));
}

fn route(text: &str, prefix_len: u8, preference: RouterPreference, lifetime: u32) -> RouterOption<'static> {
    RouterOption::Route(RouteInformation { prefix: ip(text), prefix_len, preference, lifetime })
}

/// RFC 4191 section 3: the longest prefix first; a lifetime of 0 ends a route.
#[test]
fn routes_that_a_router_tells() {
    let mut rig = with_router();
    let none = RouterAdvertisementHeader { router_lifetime: 0, ..header() };
    let told = |lifetime| [route("2001:db8:9::", 48, RouterPreference::Medium, lifetime)];
    assert_eq!(rig.advertise_as(2, &none, &told(600)), Verdict::Accepted);
    assert_eq!(rig.next_hop("[2001:db8:9::1]:7"), Some(station(2)));
    assert_eq!(rig.next_hop("[2001:db8:a::1]:7"), Some(station(1)));
    assert_eq!(rig.stack.router_routes().count(), 1);
    assert_eq!(rig.advertise_as(2, &none, &told(0)), Verdict::Accepted);
    assert_eq!(rig.next_hop("[2001:db8:9::1]:7"), Some(station(1)));
    // Of one for all destinations the router itself is made (section 3.1).
    assert_eq!(rig.advertise_as(2, &none, &[route("::", 0, RouterPreference::Low, 600)]), Verdict::Accepted);
    assert_eq!(rig.default_routers(), [1, 2]);
    assert_eq!(rig.stack.default_routers().nth(1).unwrap().preference, RouterPreference::Low);
}

/// RFC 4861 section 7.3.3: a router that does not answer any more loses its traffic to another.
#[test]
fn a_router_that_has_died_is_replaced() {
    let mut rig = with_router();
    rig.advertise(2, &[]);
    rig.discard();
    let high = RouterAdvertisementHeader { preference: RouterPreference::High, ..header() };
    assert_eq!(rig.advertise_as(1, &high, &[]), Verdict::Accepted);
    assert_eq!(rig.next_hop("[2001:db8:ffff::1]:7"), Some(station(1)));
    rig.pass(Duration::from_mins(1));
    let handle = rig.udp_bind("[::]:5001");
    rig.udp_send(handle, b"hello", "[2001:db8:ffff::1]:7").unwrap();
    // Stale by now: used, given 5 seconds, asked three times.
    rig.pass(Duration::from_millis(8_100));
    assert!(rig.stack.default_routers().next().unwrap().failed);
    assert_eq!(rig.next_hop("[2001:db8:ffff::1]:7"), Some(station(2)));
    rig.router_answers(1);
    assert_eq!(rig.next_hop("[2001:db8:ffff::1]:7"), Some(station(1)));
}

/// RFC 4861 section 6.3.6: where none is reachable, they are tried in turn.
#[test]
fn routers_that_are_all_dead_are_tried_in_turn() {
    let mut rig = autoconfigured(Config::default());
    rig.pass(Duration::from_secs(1));
    rig.advertise(1, &[RouterOption::Prefix(prefix("2001:db8:1::"))]);
    rig.advertise(2, &[]);
    let mut tried = Vec::new();
    for _ in 0..4 {
        let hop = rig.next_hop("[2001:db8:ffff::1]:7").unwrap();
        let handle = rig.udp_bind("[::]:0");
        rig.udp_send(handle, b"hello", "[2001:db8:ffff::1]:7").unwrap();
        rig.pass(Duration::from_secs(9));
        tried.push(hop);
    }
    assert!(tried[..2].contains(&station(1)) && tried[..2].contains(&station(2)), "{tried:?}");
}

/// The values of an advertisement are held to what makes sense.
#[rstest]
#[case::too_small(31, None)]
#[case::smallest(32, Some(32))]
#[case::usual(64, Some(64))]
fn hop_limit(#[case] told: u8, #[case] used: Option<u8>) {
    let mut rig = with_router();
    let header = RouterAdvertisementHeader { hop_limit: told, ..header() };
    assert_eq!(rig.advertise_as(1, &header, &[]), Verdict::Accepted);
    rig.discard();
    let handle = rig.udp_bind("[::]:5001");
    rig.udp_send(handle, b"hello", "[2001:db8:ffff::1]:7").unwrap();
    assert_eq!(rig.frames().remove(0)[14 + 7], used.unwrap_or(rig.stack.config().hop_limit));
}

fn solicitation_times(rig: &mut Rig) -> Vec<u64> {
    rig.discard();
    let handle = rig.udp_bind("[::]:0");
    rig.udp_send(handle, b"hello", "[2001:db8:1::77]:7").unwrap();
    let sent = rig.pass(Duration::from_mins(1));
    let solicitations = sent.lines().filter(|line| line.contains("target 2001:db8:1::77"));
    solicitations.map(|line| line.trim_start_matches('+').split("ms").next().unwrap().parse().unwrap()).collect()
}

#[rstest]
#[case::too_small(1, [0, 100, 200])]
#[case::as_told(2_000, [0, 2_000, 4_000])]
#[case::too_large(100_000, [0, 10_000, 20_000])]
fn retrans_timer(#[case] told: u32, #[case] times: [u64; 3]) {
    let mut rig = with_router();
    let header = RouterAdvertisementHeader { retrans_timer: told, ..header() };
    assert_eq!(rig.advertise_as(1, &header, &[]), Verdict::Accepted);
    assert_eq!(solicitation_times(&mut rig), times);
    // Zero says nothing: what was told before stays (RFC 4861 section 6.3.4).
    rig.advertise(1, &[]);
    assert_eq!(solicitation_times(&mut rig), times);
}

/// RFC 4861 section 6.3.2: half to one and a half times what was told, which is held to 1 s to 1 h.
#[rstest]
#[case::too_small(1, 1_000)]
#[case::as_told(20_000, 20_000)]
#[case::too_large(u32::MAX, 3_600_000)]
fn reachable_time(#[case] told: u32, #[case] base: u64) {
    let mut rig = with_router();
    let header = RouterAdvertisementHeader { reachable_time: told, router_lifetime: 65_535, ..header() };
    assert_eq!(rig.advertise_as(1, &header, &[]), Verdict::Accepted);
    rig.router_answers(1);
    let state_after = |rig: &Rig, millis: u64| {
        let mut branch = rig.clone();
        branch.discard();
        branch.now += Duration::from_millis(millis);
        let handle = branch.udp_bind("[::]:0");
        branch.udp_send(handle, b"hello", "[2001:db8:ffff::1]:7").unwrap();
        branch.discard();
        branch.neighbor("fe80::1").unwrap().0
    };
    use crate::link::neighbor::NeighborState::{Delay, Reachable};
    assert_eq!(state_after(&rig, base / 2 - 1), Reachable);
    assert_eq!(state_after(&rig, base * 3 / 2 + 1), Delay);
}

/// RFC 4861 section 6.3.4: not below 1,280 and not above what the link can do.
#[rstest]
#[case::too_small(1279, 1452)]
#[case::smallest(1280, 1232)]
#[case::too_large(1501, 1452)]
fn mtu(#[case] told: u32, #[case] largest: usize) {
    let mut rig = with_router();
    rig.advertise(1, &[RouterOption::Mtu(told)]);
    rig.discard();
    let handle = rig.udp_bind("[::]:5001");
    rig.udp_send(handle, &alloc::vec![0; largest], "[2001:db8:ffff::1]:7").unwrap();
    let frames = rig.frames();
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].len(), 14 + 40 + 8 + largest);
    assert_eq!(rig.counter("ndp.options_ignored"), u64::from(told != 1280));
}

/// RFC 8106: name servers and search domains come as an event, and can be asked for.
#[test]
fn name_servers_and_search_domains() {
    let mut rig = with_router();
    rig.events();
    let id = rig.interface;
    let mut bytes = message(&header(), &[RouterOption::SourceLinkLayer(station(1))]);
    ndp_options::emit_recursive_servers(600, &[ip("2001:db8::53"), ip("ff02::1"), ip("fe80::53")], &mut bytes);
    ndp_options::emit_search_list(300, &["example.net".parse().unwrap()], &mut bytes);
    let packet = icmpv6_packet(router(1), ALL_NODES, 255, bytes);
    let frame = ethernet(EthernetAddress::multicast_v6(ALL_NODES), station(1), &packet);
    assert_eq!(rig.receive(&frame), Verdict::Accepted);
    assert_eq!(rig.events(), [Event::Configuration(id)]);
    let servers = |rig: &Rig| rig.stack.router_name_servers(id).collect::<Vec<_>>();
    let domains = |rig: &Rig| rig.stack.router_search_domains(id).map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(servers(&rig), [ip("2001:db8::53"), ip("fe80::53")]);
    assert_eq!(domains(&rig), ["example.net"]);
    // The same again is no news.
    assert_eq!(rig.receive(&frame), Verdict::Accepted);
    assert_eq!(rig.events(), []);
    rig.pass(Duration::from_mins(5));
    assert_eq!((servers(&rig).len(), domains(&rig).len()), (2, 0));
    rig.pass(Duration::from_mins(5));
    assert!(servers(&rig).is_empty());
}

/// RFC 4861 section 4.2: what `DHCPv6` is there for.
#[test]
fn managed_and_other_flags() {
    let mut rig = with_router();
    let id = rig.interface;
    rig.events();
    assert_eq!(rig.stack.managed_flags(id), Some(ManagedFlags { managed: false, other: false }));
    let header = RouterAdvertisementHeader { managed: true, other: true, ..header() };
    assert_eq!(rig.advertise_as(1, &header, &[]), Verdict::Accepted);
    assert_eq!(rig.stack.managed_flags(id), Some(ManagedFlags { managed: true, other: true }));
    assert_eq!(rig.events(), [Event::Configuration(id)]);
}

/// What is unknown, malformed or of no use is passed over, and counted; the rest is used.
#[test]
fn options_of_no_use_are_passed_over() {
    let mut rig = with_router();
    let useless = [
        RouterOption::Unknown(NdpOption { kind: 200, data: &[0; 6] }),
        RouterOption::Malformed(NdpOption { kind: 5, data: &[0; 14] }),
        RouterOption::Prefix(PrefixInformation { prefix: ip("fe80::"), ..prefix("::") }),
        RouterOption::Prefix(PrefixInformation { prefix: ip("ff02::"), ..prefix("::") }),
        RouterOption::Prefix(PrefixInformation { prefix_len: 0, ..prefix("::") }),
        RouterOption::Mtu(0),
    ];
    rig.advertise(1, &useless);
    assert_eq!(rig.counter("ndp.options_ignored"), useless.len() as u64);
    assert_eq!(rig.stack.prefixes().count(), 1);
}

/// The limits on routes, name servers and search domains, each filled.
#[test]
fn what_a_router_tells_is_bounded() {
    let mut rig = with_router();
    let routes: Vec<_> =
        (0..40).map(|n| route(&format!("2001:db8:{n:x}00::"), 48, RouterPreference::Medium, 600)).collect();
    rig.advertise(1, &routes);
    assert_eq!(rig.stack.router_routes().count(), 16);
    assert_eq!(rig.counter("ndp.routes_refused"), 24);
    let mut bytes = message(&header(), &[]);
    let servers: Vec<_> = (1..=20).map(|n| Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, n)).collect();
    let domains: Vec<_> = (0..20).map(|n| format!("d{n}").parse().unwrap()).collect();
    ndp_options::emit_recursive_servers(600, &servers, &mut bytes);
    ndp_options::emit_search_list(600, &domains, &mut bytes);
    let packet = icmpv6_packet(router(1), ALL_NODES, 255, bytes);
    let frame = ethernet(EthernetAddress::multicast_v6(ALL_NODES), station(1), &packet);
    assert_eq!(rig.receive(&frame), Verdict::Accepted);
    assert_eq!(rig.stack.router_name_servers(rig.interface).count(), 8);
    assert_eq!(rig.stack.router_search_domains(rig.interface).count(), 8);
    assert_eq!(rig.counter("ndp.resolvers_refused"), 24);
}

/// Two routers, both found reachable; the first has told one prefix, the second this one.
fn with_two_routers(second: &str) -> Rig {
    let mut rig = with_router();
    rig.now += Duration::from_secs(2);
    rig.advertise(2, &[RouterOption::Prefix(prefix(second))]);
    rig.discard();
    rig.router_answers(2);
    rig.discard();
    rig
}

/// RFC 8028 section 3.2: the router that has told the prefix of the source, whatever the preference; if
/// that one has failed, the other.
#[test]
fn a_packet_leaves_through_the_router_that_its_source_is_from() {
    let mut rig = with_two_routers("2001:db8:2::");
    let high = RouterAdvertisementHeader { preference: RouterPreference::High, ..header() };
    assert_eq!(rig.advertise_as(2, &high, &[]), Verdict::Accepted);
    rig.discard();
    for (prefix, n) in [("2001:db8:1::", 1), ("2001:db8:2::", 2)] {
        let local = rig.addresses_of(prefix)[0];
        let handle = rig.udp_bind(&format!("[{local}]:0"));
        rig.udp_send(handle, b"hello", "[2001:db8:ffff::1]:7").unwrap();
        assert_eq!(stations(&rig.frames()[0]).0, station(n), "from {prefix}");
    }
    // Router 1 dies: its traffic finds out.
    let local = rig.addresses_of("2001:db8:1::")[0];
    let handle = rig.udp_bind(&format!("[{local}]:0"));
    rig.pass(Duration::from_mins(1));
    rig.udp_send(handle, b"hello", "[2001:db8:ffff::1]:7").unwrap();
    rig.pass(Duration::from_secs(9));
    rig.udp_send(handle, b"hello", "[2001:db8:ffff::1]:7").unwrap();
    assert_eq!(stations(&rig.frames()[0]).0, station(2));
}

/// RFC 4311: equal routers share the flows.
#[test]
fn equal_routers_share_the_load() {
    let rig = with_two_routers("2001:db8:1::");
    let mut hops = [0, 0];
    for n in 0..64 {
        let mut branch = rig.clone();
        match branch.next_hop(&format!("[2001:db8:ffff::{n:x}]:7")) {
            Some(hop) if hop == station(1) => hops[0] += 1,
            Some(hop) if hop == station(2) => hops[1] += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(hops.iter().all(|count| *count >= 16), "{hops:?}");
}

/// RFC 4861 section 6.3.7: "The interface is reinitialized after a temporary interface failure".
#[test]
fn routers_are_solicited_when_the_link_comes_up() {
    let mut rig = with_router();
    rig.pass(Duration::from_secs(20));
    let (now, id) = (rig.now, rig.interface);
    rig.stack.set_link(now, id, false).unwrap();
    assert_eq!(rig.pass(Duration::from_secs(1)), "");
    let now = rig.now;
    rig.stack.set_link(now, id, true).unwrap();
    assert_eq!(rig.pass(Duration::from_secs(1)).matches("router solicitation").count(), 1);
}
