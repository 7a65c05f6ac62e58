//! Better first hops (RFC 792, RFC 1122 section 3.2.2.2, RFC 4861 section 8).

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use rstest::rstest;

use super::rig::*;
use crate::wire::ethernet::EthernetAddress;
use crate::wire::icmpv4::Icmpv4Header;
use crate::wire::ndp_router::Redirect;
use crate::{Capabilities, Config, DropReason, Duration, Limits, Route, UdpHandle, Verdict, options};

const FAR_V4: &str = "198.51.100.1:7";
const FAR_V6: &str = "[2001:db8:1::1]:7";
/// The router of the IPv6 default route, and the one that it names.
const ROUTER_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
const OTHER_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 9);
const OTHER_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);
const OTHER_MAC: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 9]);

fn followed(limits: Limits) -> Config {
    let mut config = Config { limits, ..Config::default() };
    options::set(&mut config, "ip.redirects", "true").unwrap();
    config
}

/// The peer is the router of both families; a socket on port 5000 has sent to both destinations. What it
/// sent comes back with it.
fn routed(config: Config, v6: bool) -> (Rig, UdpHandle, Vec<u8>) {
    let mut rig = Rig::with(config, Capabilities::plain(1500));
    rig.introduce_peer();
    rig.stack.add_route(Route::via("0.0.0.0".parse().unwrap(), 0, PEER_V4.into(), rig.interface)).unwrap();
    rig.stack.add_route(Route::via("::".parse().unwrap(), 0, ROUTER_V6.into(), rig.interface)).unwrap();
    let handle = rig.udp_bind(if v6 { "[::]:5000" } else { "0.0.0.0:5000" });
    rig.udp_send(handle, b"hello", if v6 { FAR_V6 } else { FAR_V4 }).unwrap();
    if v6 {
        rig.discard();
        let _ = rig.receive(&neighbor_solicitation(ROUTER_V6, OUR_V6, Some(PEER_MAC)));
    }
    let frames = rig.frames();
    let protocol_at = if v6 { 14 + 6 } else { 14 + 9 };
    let is_datagram = |frame: &&Vec<u8>| frame[14] >> 4 == if v6 { 6 } else { 4 } && frame[protocol_at] == 17;
    let packet = frames.iter().find(is_datagram).unwrap()[14..].to_vec();
    (rig, handle, packet)
}

fn redirect_v4(from: Ipv4Addr, code: u8, gateway: Ipv4Addr, quoted: &[u8]) -> Vec<u8> {
    icmpv4_packet(from, OUR_V4, Icmpv4Header::Redirect { code, gateway }, quoted)
}

fn redirect_v6(from: Ipv6Addr, hop_limit: u8, target: Ipv6Addr, quoted: &[u8]) -> Vec<u8> {
    let destination = socket(FAR_V6).ip();
    let IpAddr::V6(destination) = destination else { panic!("IPv6") };
    let mut message = Vec::new();
    Redirect { target, destination, target_link_layer: Some(OTHER_MAC), redirected: quoted }.emit(&mut message);
    icmpv6_packet(from, OUR_V6, hop_limit, message)
}

/// Whom the next datagram is for, at the link layer: who is asked for, where that is not known.
fn next_frame(rig: &mut Rig, handle: UdpHandle, to: &str) -> Vec<u8> {
    rig.udp_send(handle, b"again", to).unwrap();
    rig.frames().remove(0)
}

#[test]
fn a_redirect_is_followed_by_option() {
    let (mut rig, handle, packet) = routed(followed(Limits::default()), false);
    assert_eq!(rig.receive_packet(&redirect_v4(PEER_V4, 1, OTHER_V4, &packet[..28])), Verdict::Accepted);
    rig.udp_send(handle, b"again", FAR_V4).unwrap();
    assert_eq!(rig.sent(), "> arp who-has 192.0.2.9 tell 192.0.2.2");
    let told: Vec<_> = rig.stack.redirected().map(|told| (told.destination, told.first_hop)).collect();
    assert_eq!(told, [(socket(FAR_V4).ip(), OTHER_V4.into())]);
    // Other destinations go where they went.
    assert_eq!(stations(&next_frame(&mut rig, handle, "198.51.100.2:7")).0, PEER_MAC);
    assert_eq!(rig.counter("icmp.redirects_accepted"), 1);
    // RFC 1122 section 3.3.1.4: one that does not answer is not used on.
    rig.pass(Duration::from_secs(4));
    assert_eq!(rig.stack.redirected().count(), 0);
    assert_eq!(stations(&next_frame(&mut rig, handle, FAR_V4)).0, PEER_MAC);
}

#[test]
fn an_ipv6_redirect_is_followed_by_option() {
    let (mut rig, handle, packet) = routed(followed(Limits::default()), true);
    assert_eq!(rig.receive_packet(&redirect_v6(ROUTER_V6, 255, OTHER_V6, &packet)), Verdict::Accepted);
    // The router has told its hardware address too (RFC 4861 section 8.3).
    assert_eq!(stations(&next_frame(&mut rig, handle, FAR_V6)).0, OTHER_MAC);
}

/// The link that comes up may be another one.
#[test]
fn what_was_told_is_forgotten_with_the_link() {
    let (mut rig, handle, packet) = routed(followed(Limits::default()), false);
    assert_eq!(rig.receive_packet(&redirect_v4(PEER_V4, 1, OTHER_V4, &packet[..28])), Verdict::Accepted);
    for up in [false, true] {
        rig.stack.set_link(rig.now, rig.interface, up).unwrap();
    }
    assert_eq!(rig.stack.redirected().count(), 0);
    rig.udp_send(handle, b"again", FAR_V4).unwrap();
    assert_eq!(rig.sent(), "> arp who-has 192.0.2.1 tell 192.0.2.2");
}

/// The destination itself may be the neighbor, whatever the prefixes say (RFC 4861 section 8.1).
#[test]
fn an_ipv6_destination_on_the_link() {
    let (mut rig, handle, packet) = routed(followed(Limits::default()), true);
    let IpAddr::V6(destination) = socket(FAR_V6).ip() else { panic!("IPv6") };
    assert_eq!(rig.receive_packet(&redirect_v6(ROUTER_V6, 255, destination, &packet)), Verdict::Accepted);
    assert_eq!(stations(&next_frame(&mut rig, handle, FAR_V6)).0, OTHER_MAC);
}

fn router_s() -> Config {
    let mut config = followed(Limits::default());
    config.router.forwarding = true;
    config
}

#[rstest]
fn not_by_default_nor_by_a_router(
    #[values(false, true)] v6: bool,
    #[values(Config::default(), router_s())] config: Config,
) {
    let (mut rig, handle, packet) = routed(config, v6);
    let (redirect, to) = if v6 {
        (redirect_v6(ROUTER_V6, 255, OTHER_V6, &packet), FAR_V6)
    } else {
        (redirect_v4(PEER_V4, 1, OTHER_V4, &packet), FAR_V4)
    };
    assert_eq!(rig.receive_packet(&redirect), Verdict::Dropped(DropReason::IcmpRedirect));
    assert_eq!(stations(&next_frame(&mut rig, handle, to)).0, PEER_MAC);
}

/// RFC 1122 section 3.2.2.2: from the first hop, to a neighbor, about what we have sent.
#[rstest]
#[case::not_from_the_first_hop(redirect([192, 0, 2, 7], 1, [192, 0, 2, 9], None))]
#[case::from_afar(redirect([198, 51, 100, 9], 1, [192, 0, 2, 9], None))]
#[case::to_itself(redirect([192, 0, 2, 1], 1, [192, 0, 2, 1], None))]
#[case::to_us(redirect([192, 0, 2, 1], 1, [192, 0, 2, 2], None))]
#[case::off_the_link(redirect([192, 0, 2, 1], 1, [203, 0, 113, 9], None))]
#[case::to_a_group(redirect([192, 0, 2, 1], 1, [224, 0, 0, 1], None))]
#[case::to_a_broadcast(redirect([192, 0, 2, 1], 1, [192, 0, 2, 255], None))]
#[case::unknown_code(redirect([192, 0, 2, 1], 4, [192, 0, 2, 9], None))]
#[case::another_source(redirect([192, 0, 2, 1], 1, [192, 0, 2, 9], Some((15, 3))))]
#[case::never_sent_there(redirect([192, 0, 2, 1], 1, [192, 0, 2, 9], Some((19, 2))))]
#[case::another_port(redirect([192, 0, 2, 1], 1, [192, 0, 2, 9], Some((23, 8))))]
fn redirects_that_are_refused(#[case] make: impl Fn(&[u8]) -> Vec<u8>) {
    let (mut rig, handle, packet) = routed(followed(Limits::default()), false);
    assert_eq!(rig.receive_packet(&make(&packet)), Verdict::Dropped(DropReason::IcmpRedirect));
    assert_eq!(stations(&next_frame(&mut rig, handle, FAR_V4)).0, PEER_MAC);
}

fn redirect(from: [u8; 4], code: u8, gateway: [u8; 4], change: Option<(usize, u8)>) -> impl Fn(&[u8]) -> Vec<u8> {
    move |packet| {
        let mut quoted = packet.to_vec();
        if let Some((at, byte)) = change {
            quoted[at] = byte;
        }
        redirect_v4(from.into(), code, gateway.into(), &quoted)
    }
}

/// RFC 4861 section 8.1.
#[rstest]
#[case::forwarded(ROUTER_V6, 254, OTHER_V6, true, DropReason::NdpInvalid)]
#[case::source_not_link_local(PEER_V6, 255, OTHER_V6, true, DropReason::NdpInvalid)]
#[case::not_the_first_hop(OTHER_V6, 255, ROUTER_V6, true, DropReason::IcmpRedirect)]
#[case::target_of_neither_kind(ROUTER_V6, 255, PEER_V6, true, DropReason::NdpInvalid)]
#[case::nothing_quoted(ROUTER_V6, 255, OTHER_V6, false, DropReason::IcmpRedirect)]
fn ipv6_redirects_that_are_refused(
    #[case] from: Ipv6Addr,
    #[case] hop_limit: u8,
    #[case] target: Ipv6Addr,
    #[case] quotes: bool,
    #[case] reason: DropReason,
) {
    let (mut rig, handle, packet) = routed(followed(Limits::default()), true);
    let quoted: &[u8] = if quotes { &packet } else { &[] };
    assert_eq!(rig.receive_packet(&redirect_v6(from, hop_limit, target, quoted)), Verdict::Dropped(reason));
    assert_eq!(stations(&next_frame(&mut rig, handle, FAR_V6)).0, PEER_MAC);
}

/// Of a full table the oldest goes.
#[test]
fn the_table_is_bounded() {
    let (mut rig, handle, _) = routed(followed(Limits { redirects: 2, ..Limits::default() }), false);
    for host in 1..=3_u8 {
        let to = alloc::format!("198.51.100.{host}:7");
        let packet = next_frame(&mut rig, handle, &to).split_off(14);
        assert_eq!(rig.receive_packet(&redirect_v4(PEER_V4, 1, OTHER_V4, &packet)), Verdict::Accepted);
        rig.now += Duration::from_secs(1);
    }
    let told: Vec<_> = rig.stack.redirected().map(|told| told.destination).collect();
    assert_eq!(told, [2, 3].map(|host| IpAddr::V4(Ipv4Addr::new(198, 51, 100, host))));
    assert_eq!(rig.counter("icmp.redirects_evicted"), 1);
}
