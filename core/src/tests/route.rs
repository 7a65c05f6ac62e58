//! Routes, and the address that a packet leaves from (RFC 1122 section 3.3.1, RFC 6724 in part).

use alloc::string::String;
use core::net::IpAddr;
use rstest::rstest;

use super::rig::*;
use crate::error::{ConnectError, RouteError, UdpSendError};
use crate::{ConnectOptions, DropReason, InterfaceAddress, Limits, Route, UdpHandle};

fn route(rig: &Rig, prefix: &str, prefix_len: u8, gateway: Option<&str>) -> Route {
    let prefix = prefix.parse().unwrap();
    match gateway {
        Some(gateway) => Route::via(prefix, prefix_len, gateway.parse().unwrap(), rig.interface),
        None => Route::on_link(prefix, prefix_len, rig.interface),
    }
}

/// A rig that knows the peer as its default gateway in both families, and a socket in each.
fn with_gateway() -> (Rig, UdpHandle, UdpHandle) {
    let mut rig = Rig::new();
    rig.introduce_peer();
    for (prefix, gateway) in [("0.0.0.0", "192.0.2.1"), ("::", "2001:db8::1")] {
        rig.stack.add_route(route(&rig, prefix, 0, Some(gateway))).unwrap();
    }
    let (v4, v6) = (rig.udp_bind("0.0.0.0:5000"), rig.udp_bind("[::]:5000"));
    (rig, v4, v6)
}

/// What leaves for `to`: the datagram, or the question for the next hop.
fn towards(rig: &Rig, handle: UdpHandle, to: &str) -> String {
    let mut rig = rig.clone();
    rig.udp_send(handle, b"hello", to).unwrap();
    rig.sent()
}

#[test]
fn what_is_off_the_link_goes_to_the_gateway() {
    let (mut rig, v4, v6) = with_gateway();
    rig.udp_send(v4, b"hello", "198.51.100.7:9").unwrap();
    rig.udp_send(v6, b"hello", "[2001:db8:1::7]:9").unwrap();
    assert!(rig.clone().frames().iter().all(|frame| stations(frame) == (PEER_MAC, OUR_MAC)));
    insta::assert_snapshot!(rig.sent(), @r"
    > 192.0.2.2:5000 > 198.51.100.7:9 udp (5)
    > [2001:db8::2]:5000 > [2001:db8:1::7]:9 udp (5)
    ");
}

#[test]
fn what_is_on_the_link_goes_there() {
    let (rig, v4, v6) = with_gateway();
    insta::assert_snapshot!(towards(&rig, v4, "192.0.2.77:9"), @"> arp who-has 192.0.2.77 tell 192.0.2.2");
    insta::assert_snapshot!(towards(&rig, v6, "[2001:db8::77]:9"), @"> 2001:db8::2 > ff02::1:ff00:77 icmp6 neighbor solicitation target 2001:db8::77 source 02:00:00:00:00:02");
}

#[test]
fn the_longest_prefix_wins_whatever_the_order() {
    let (mut rig, v4, _) = with_gateway();
    rig.stack.add_route(route(&rig, "198.51.100.64", 26, Some("192.0.2.26"))).unwrap();
    rig.stack.add_route(route(&rig, "198.51.0.0", 16, Some("192.0.2.16"))).unwrap();
    rig.stack.add_route(route(&rig, "198.51.100.99", 32, Some("192.0.2.32"))).unwrap();
    for (to, gateway) in
        [("198.51.100.99:9", "192.0.2.32"), ("198.51.100.98:9", "192.0.2.26"), ("198.51.100.1:9", "192.0.2.16")]
    {
        assert_eq!(towards(&rig, v4, to), alloc::format!("> arp who-has {gateway} tell 192.0.2.2"));
    }
    assert_eq!(towards(&rig, v4, "203.0.113.1:9"), "> 192.0.2.2:5000 > 203.0.113.1:9 udp (5)");
}

/// RFC 1112 section 6.1: groups are on the link, whatever the default route says.
#[rstest]
#[case::v4("224.0.0.251:9", [1, 0, 0x5e, 0, 0, 0xfb])]
#[case::limited_broadcast("255.255.255.255:9", [0xff; 6])]
#[case::v6("[ff02::fb]:9", [0x33, 0x33, 0, 0, 0, 0xfb])]
fn no_gateway_takes_what_is_for_many(#[case] to: &str, #[case] station: [u8; 6]) {
    let (mut rig, v4, v6) = with_gateway();
    let handle = if to.starts_with('[') { v6 } else { v4 };
    rig.stack.udp(handle).unwrap().set_broadcast(true);
    rig.udp_send(handle, b"hello", to).unwrap();
    assert_eq!(stations(&rig.frames()[0]).0.0, station);
}

#[test]
fn without_a_route_there_is_no_way() {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:5000");
    assert_eq!(rig.udp_send(handle, b"hello", "198.51.100.7:9"), Err(UdpSendError::NoRoute));
    assert_eq!(
        rig.stack.tcp_connect(rig.now, socket("198.51.100.7:9"), ConnectOptions::default()),
        Err(ConnectError::NoRoute)
    );
    // Nor for an answer.
    let _ = rig.receive_packet(&echo_request([198, 51, 100, 7].into(), OUR_V4.into(), 8));
    assert_eq!(rig.drops(DropReason::NoRoute), 1);
    assert_eq!(rig.sent(), "");
}

#[test]
fn a_removed_route_is_not_used() {
    let (mut rig, v4, _) = with_gateway();
    let default = route(&rig, "0.0.0.0", 0, Some("192.0.2.1"));
    rig.udp_send(v4, b"queued", "198.51.100.7:9").unwrap();
    assert!(rig.stack.remove_route(&default));
    assert!(!rig.stack.remove_route(&default));
    assert_eq!(rig.sent(), "");
    assert_eq!(rig.drops(DropReason::NoRoute), 1, "what was queued for it is counted");
    assert_eq!(rig.udp_send(v4, b"hello", "198.51.100.7:9"), Err(UdpSendError::NoRoute));
}

#[rstest]
#[case::prefix_too_long("198.51.100.0", 33, None, RouteError::BadPrefix)]
#[case::two_families("198.51.100.0", 24, Some("2001:db8::1"), RouteError::BadPrefix)]
#[case::gateway_off_the_link("198.51.100.0", 24, Some("203.0.113.1"), RouteError::GatewayNotOnLink)]
#[case::we_ourselves("198.51.100.0", 24, Some("192.0.2.2"), RouteError::GatewayNotOnLink)]
fn routes_that_are_refused(
    #[case] prefix: &str,
    #[case] prefix_len: u8,
    #[case] gateway: Option<&str>,
    #[case] error: RouteError,
) {
    let mut rig = Rig::new();
    assert_eq!(rig.stack.add_route(route(&rig, prefix, prefix_len, gateway)), Err(error));
}

#[test]
fn as_many_routes_as_the_limit_says() {
    // Two are the interface's own.
    let mut rig = Rig::limited(Limits { routes: 3, ..Limits::default() });
    let (first, second) = (route(&rig, "10.1.0.0", 16, None), route(&rig, "10.2.0.0", 16, None));
    rig.stack.add_route(first).unwrap();
    assert_eq!(rig.stack.add_route(second), Err(RouteError::LimitReached));
    assert_eq!(rig.stack.routes().count(), 3);
}

fn add_address(rig: &mut Rig, address: &str, prefix_len: u8) {
    let address = InterfaceAddress { address: address.parse().unwrap(), prefix_len };
    rig.stack.add_address(rig.now, rig.interface, address).unwrap();
}

/// The address on the next hop's link; of several with one prefix the first (RFC 1122 section 3.3.4.3, RFC 6724 section 5 rules 2 and 8).
#[rstest]
#[case::on_the_second_link("10.0.0.9:9", "10.0.0.2")]
#[case::on_the_first_link("192.0.2.1:9", "192.0.2.2")]
#[case::through_the_gateway("198.51.100.7:9", "192.0.2.2")]
#[case::the_first_of_one_link("192.0.2.130:9", "192.0.2.2")]
#[case::link_local("[fe80::1]:9", "fe80::2")]
#[case::global("[2001:db8::1]:9", "2001:db8::2")]
fn the_source_address(#[case] to: &str, #[case] source: IpAddr) {
    let (mut rig, _, _) = with_gateway();
    add_address(&mut rig, "10.0.0.2", 8);
    add_address(&mut rig, "192.0.2.129", 24);
    add_address(&mut rig, "fe80::2", 64);
    let options = ConnectOptions::default();
    let handle = rig.stack.tcp_connect(rig.now, socket(to), options).unwrap();
    assert_eq!(rig.stack.tcp(handle).unwrap().local().unwrap().ip(), source);
}

#[test]
fn each_of_several_addresses_is_ours() {
    let mut rig = Rig::new();
    add_address(&mut rig, "192.0.2.99", 24);
    add_address(&mut rig, "2001:db8::99", 64);
    rig.introduce_peer();
    let _ = rig.receive_packet(&echo_request(PEER_V4.into(), "192.0.2.99".parse().unwrap(), 8));
    let _ = rig.receive_packet(&echo_request(PEER_V6.into(), "2001:db8::99".parse().unwrap(), 8));
    insta::assert_snapshot!(rig.sent(), @r"
    > 192.0.2.99 > 192.0.2.1 icmp echo reply id 7 seq 1 (8)
    > 2001:db8::99 > 2001:db8::1 icmp6 echo reply id 7 seq 1 (8)
    ");
    let handle = rig.udp_bind("192.0.2.99:5000");
    insta::assert_snapshot!(towards(&rig, handle, "192.0.2.1:9"), @"> 192.0.2.99:5000 > 192.0.2.1:9 udp (5)");
}
