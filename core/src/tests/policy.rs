//! Which of several routes is taken: metrics, refusing routes, preferred sources, equal costs, and the
//! rules that choose among tables (RFC 1812 section 5.2.4.3, RFC 2992, RFC 4311).

use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;
use rstest::rstest;

use super::rig::*;
use crate::error::{ConnectError, RouteError, RuleError, UdpConnectError, UdpSendError};
use crate::{
    ConnectOptions, DropReason, InterfaceAddress, InterfaceId, Limits, Route, Rule, Target, TcpSettings, UdpHandle,
    UdpOptions,
};

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn default_via(rig: &Rig, gateway: &str) -> Route {
    Route::via(address("0.0.0.0"), 0, address(gateway), rig.interface)
}

/// A rig with a socket and the given routes.
fn with_routes(routes: impl FnOnce(&Rig) -> Vec<Route>) -> (Rig, UdpHandle) {
    let mut rig = Rig::new();
    for route in routes(&rig) {
        rig.stack.add_route(route).unwrap();
    }
    let handle = rig.udp_bind("0.0.0.0:5000");
    (rig, handle)
}

/// The neighbor that is asked for on the way to `to`.
fn next_hop(rig: &Rig, handle: UdpHandle, to: &str) -> String {
    let mut rig = rig.clone();
    rig.udp_send(handle, b"hello", to).unwrap();
    let sent = rig.sent();
    sent.split(' ').nth(3).unwrap().into()
}

#[test]
fn the_smallest_metric_wins_whatever_the_order() {
    let (mut rig, handle) = with_routes(|rig| {
        let metric = |metric, gateway| Route { metric, ..default_via(rig, gateway) };
        alloc::vec![metric(20, "192.0.2.20"), metric(10, "192.0.2.10"), metric(30, "192.0.2.30")]
    });
    assert_eq!(next_hop(&rig, handle, "203.0.113.7:9"), "192.0.2.10");
    assert!(rig.stack.remove_route(&Route { metric: 10, ..default_via(&rig, "192.0.2.10") }));
    assert_eq!(next_hop(&rig, handle, "203.0.113.7:9"), "192.0.2.20");
    // A longer prefix wins against any metric.
    let longer = Route::via(address("203.0.113.0"), 24, address("192.0.2.99"), rig.interface);
    rig.stack.add_route(Route { metric: 1000, ..longer }).unwrap();
    assert_eq!(next_hop(&rig, handle, "203.0.113.7:9"), "192.0.2.99");
}

#[rstest]
#[case(Target::Blackhole, UdpSendError::Unreachable, ConnectError::Unreachable, UdpConnectError::Unreachable)]
#[case(Target::Unreachable, UdpSendError::Unreachable, ConnectError::Unreachable, UdpConnectError::Unreachable)]
#[case(Target::Prohibit, UdpSendError::Prohibited, ConnectError::Prohibited, UdpConnectError::Prohibited)]
fn routes_that_refuse(
    #[case] target: Target,
    #[case] send: UdpSendError,
    #[case] connect: ConnectError,
    #[case] connect_udp: UdpConnectError,
) {
    let (mut rig, handle) = with_routes(|rig| {
        alloc::vec![default_via(rig, "192.0.2.1"), Route::refusing(address("203.0.113.0"), 24, target)]
    });
    assert_eq!(rig.udp_send(handle, b"hello", "203.0.113.7:9"), Err(send));
    assert_eq!(rig.stack.udp(handle).unwrap().connect(Some(socket("203.0.113.7:9"))), Err(connect_udp));
    let connected = rig.stack.tcp_connect(rig.now, socket("203.0.113.7:80"), ConnectOptions::default());
    assert_eq!(connected, Err(connect));
    assert_eq!(next_hop(&rig, handle, "203.0.114.7:9"), "192.0.2.1");
    // An answer is refused too, and counted by its kind.
    let _ = rig.receive_packet(&echo_request(address("203.0.113.7"), OUR_V4.into(), 8));
    let reason = match target {
        Target::Blackhole => DropReason::RouteBlackhole,
        Target::Unreachable => DropReason::RouteUnreachable,
        _ => DropReason::RouteProhibited,
    };
    assert_eq!(rig.drops(reason), 1);
}

#[test]
fn the_address_that_a_route_wants() {
    let (mut rig, handle) = with_routes(|_| Vec::new());
    let second = InterfaceAddress { address: address("192.0.2.99"), prefix_len: 24 };
    rig.stack.add_address(rig.now, rig.interface, second).unwrap();
    rig.introduce_peer();
    rig.stack.add_route(Route { source: Some(second.address), ..default_via(&rig, "192.0.2.1") }).unwrap();
    rig.udp_send(handle, b"hello", "203.0.113.7:9").unwrap();
    rig.udp_send(handle, b"hello", "192.0.2.1:9").unwrap();
    // A sender that has chosen keeps its choice.
    let bound = rig.udp_bind("192.0.2.2:5001");
    rig.udp_send(bound, b"hello", "203.0.113.7:9").unwrap();
    insta::assert_snapshot!(rig.sent(), @r"
    > 192.0.2.99:5000 > 203.0.113.7:9 udp (5)
    > 192.0.2.2:5001 > 203.0.113.7:9 udp (5)
    > 192.0.2.2:5000 > 192.0.2.1:9 udp (5)
    ");
}

#[rstest]
#[case::none_of_ours("192.0.2.77")]
#[case::another_family("2001:db8::2")]
fn sources_that_a_route_cannot_want(#[case] source: &str) {
    let mut rig = Rig::new();
    let route = Route { source: Some(address(source)), ..default_via(&rig, "192.0.2.1") };
    assert_eq!(rig.stack.add_route(route), Err(RouteError::BadSource));
}

#[test]
fn the_same_route_twice() {
    let mut rig = Rig::new();
    let route = default_via(&rig, "192.0.2.1");
    rig.stack.add_route(route).unwrap();
    assert_eq!(rig.stack.add_route(route), Err(RouteError::Exists));
    rig.stack.add_route(Route { metric: 1, ..route }).unwrap();
    assert!(rig.stack.remove_route(&route));
    assert!(!rig.stack.remove_route(&route));
}

/// How many of 300 flows each of three gateways takes.
fn shares(rig: &Rig, handle: UdpHandle) -> (Vec<String>, Vec<usize>) {
    let hops: Vec<String> =
        (0..300).map(|n| next_hop(rig, handle, &alloc::format!("203.0.113.{}:{}", n % 250, 1000 + n))).collect();
    let count = |gateway: &str| hops.iter().filter(|hop| *hop == gateway).count();
    let counts = ["192.0.2.10", "192.0.2.20", "192.0.2.30"].map(count).into();
    (hops, counts)
}

#[test]
fn equal_routes_share_the_flows() {
    let (mut rig, handle) =
        with_routes(|rig| ["192.0.2.10", "192.0.2.20", "192.0.2.30"].map(|gateway| default_via(rig, gateway)).into());
    let (before, counts) = shares(&rig, handle);
    assert!(counts.iter().all(|count| (60..140).contains(count)), "{counts:?}");
    assert_eq!(shares(&rig, handle).0, before, "a flow stays where it is");
    // One that goes moves its own flows only (RFC 2992 section 2).
    let gone = default_via(&rig, "192.0.2.20");
    assert!(rig.stack.remove_route(&gone));
    let (after, _) = shares(&rig, handle);
    for (before, after) in before.iter().zip(&after) {
        assert!(before == after || before == "192.0.2.20", "{before} went to {after}");
    }
}

#[test]
fn the_key_of_the_shares_is_secret() {
    let (rig, handle) =
        with_routes(|rig| ["192.0.2.10", "192.0.2.20", "192.0.2.30"].map(|gateway| default_via(rig, gateway)).into());
    let mut other = rig.clone();
    other.stack.reseed(&crate::Seed([8; 32]));
    assert_ne!(shares(&rig, handle).0, shares(&other, handle).0);
}

/// A connection's first lookup does not know its port yet, and its later ones do.
#[test]
fn a_connection_keeps_to_one_path() {
    let (mut rig, _) = with_routes(|rig| ["192.0.2.10", "192.0.2.20"].map(|gateway| default_via(rig, gateway)).into());
    let handle = rig.stack.tcp_connect(rig.now, socket("203.0.113.7:80"), ConnectOptions::default()).unwrap();
    let first = rig.sent();
    // Routes that have nothing to do with it come and go: the way is asked for anew.
    let other = Route::via(address("198.51.100.0"), 24, address("192.0.2.30"), rig.interface);
    rig.stack.add_route(other).unwrap();
    let again = rig.pass(core::time::Duration::from_millis(1_100));
    assert!(again.ends_with(&first), "{first} {again}");
    assert!(rig.stack.tcp(handle).is_ok());
}

const TABLE: u32 = 100;

/// A default route in the main table, another in table 100.
fn with_tables(rule: Rule) -> Rig {
    let (mut rig, _) = with_routes(|rig| {
        alloc::vec![default_via(rig, "192.0.2.1"), Route { table: TABLE, ..default_via(rig, "192.0.2.100") }]
    });
    let second = InterfaceAddress { address: address("192.0.2.99"), prefix_len: 24 };
    rig.stack.add_address(rig.now, rig.interface, second).unwrap();
    rig.stack.add_rule(rule).unwrap();
    rig
}

fn bind(rig: &mut Rig, local: &str, options: UdpOptions) -> UdpHandle {
    rig.stack.udp_bind(socket(local), options).unwrap()
}

#[test]
fn a_rule_by_mark() {
    let mut rig = with_tables(Rule { mark: Some(7), ..Rule::new(10, TABLE) });
    let marked = bind(&mut rig, "0.0.0.0:1", UdpOptions { mark: 7, ..UdpOptions::default() });
    let other = bind(&mut rig, "0.0.0.0:2", UdpOptions { mark: 8, ..UdpOptions::default() });
    assert_eq!(next_hop(&rig, marked, "203.0.113.7:9"), "192.0.2.100");
    assert_eq!(next_hop(&rig, other, "203.0.113.7:9"), "192.0.2.1");
    rig.stack.udp(other).unwrap().set_mark(7);
    assert_eq!(next_hop(&rig, other, "203.0.113.7:9"), "192.0.2.100");
}

#[test]
fn a_rule_by_source() {
    let mut rig = with_tables(Rule { source: Some((address("192.0.2.96"), 28)), ..Rule::new(10, TABLE) });
    let inside = bind(&mut rig, "192.0.2.99:1", UdpOptions::default());
    let outside = bind(&mut rig, "192.0.2.2:1", UdpOptions::default());
    assert_eq!(next_hop(&rig, inside, "203.0.113.7:9"), "192.0.2.100");
    assert_eq!(next_hop(&rig, outside, "203.0.113.7:9"), "192.0.2.1");
    // A connection from there goes that way too.
    let options = ConnectOptions { local: Some(socket("192.0.2.99:0")), ..ConnectOptions::default() };
    rig.stack.tcp_connect(rig.now, socket("203.0.113.7:80"), options).unwrap();
    insta::assert_snapshot!(rig.sent(), @"> arp who-has 192.0.2.100 tell 192.0.2.2");
}

#[test]
fn a_rule_by_interface() {
    let mut rig = with_tables(Rule { interface: Some(InterfaceId(0)), ..Rule::new(10, TABLE) });
    let interface = Some(rig.interface);
    let bound = bind(&mut rig, "0.0.0.0:1", UdpOptions { interface, ..UdpOptions::default() });
    let free = bind(&mut rig, "0.0.0.0:2", UdpOptions::default());
    assert_eq!(next_hop(&rig, bound, "203.0.113.7:9"), "192.0.2.100");
    assert_eq!(next_hop(&rig, free, "203.0.113.7:9"), "192.0.2.1");
}

#[test]
fn a_connection_s_mark_can_change() {
    let mut rig = with_tables(Rule { mark: Some(7), ..Rule::new(10, TABLE) });
    let handle = rig.stack.tcp_connect(rig.now, socket("203.0.113.7:80"), ConnectOptions::default()).unwrap();
    let now = rig.now;
    rig.stack.tcp(handle).unwrap().set_settings(now, TcpSettings { mark: 7, ..TcpSettings::default() }).unwrap();
    insta::assert_snapshot!(rig.sent(), @"> arp who-has 192.0.2.100 tell 192.0.2.2");
}

#[test]
fn a_table_without_a_route_leaves_it_to_the_next_rule() {
    let mut rig = with_tables(Rule::new(10, 5));
    rig.stack.add_rule(Rule::new(20, TABLE)).unwrap();
    let handle = bind(&mut rig, "0.0.0.0:1", UdpOptions::default());
    assert_eq!(next_hop(&rig, handle, "203.0.113.7:9"), "192.0.2.100");
    assert!(rig.stack.remove_rule(&Rule::new(20, TABLE)));
    assert!(!rig.stack.remove_rule(&Rule::new(20, TABLE)));
    assert_eq!(next_hop(&rig, handle, "203.0.113.7:9"), "192.0.2.1");
}

#[test]
fn rules_that_are_refused_and_how_many_there_may_be() {
    let mut rig = Rig::limited(Limits { rules: 2, ..Limits::default() });
    let wrong = Rule { source: Some((address("192.0.2.0"), 33)), ..Rule::new(1, TABLE) };
    assert_eq!(rig.stack.add_rule(wrong), Err(RuleError::BadPrefix));
    let nowhere = Rule { interface: Some(InterfaceId(7)), ..Rule::new(1, TABLE) };
    assert_eq!(rig.stack.add_rule(nowhere), Err(RuleError::NoInterface));
    for priority in [2, 1] {
        rig.stack.add_rule(Rule::new(priority, TABLE)).unwrap();
    }
    assert_eq!(rig.stack.add_rule(Rule::new(1, TABLE)), Err(RuleError::Exists));
    assert_eq!(rig.stack.add_rule(Rule::new(3, TABLE)), Err(RuleError::LimitReached));
    assert!(rig.stack.rules().map(|rule| rule.priority).eq([1, 2]));
}
