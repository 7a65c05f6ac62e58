//! The router role (RFC 1812, RFC 8200, RFC 4861 section 8): a stack between two wires.
//!
//! ```text
//!   near: 192.0.2.2/24   2001:db8::2/64     the rig's wire, with the peer on it
//!   far:  198.51.100.2/24 2001:db8:1::2/64  with a host .9 on it
//! ```

use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use rstest::rstest;

use super::rig::*;
use crate::wire::arp::ArpOperation;
use crate::wire::ethernet::EthernetAddress;
use crate::wire::ipv4::{self, IpProtocol, Ipv4Header, Ipv4Packet};
use crate::wire::notation::Notation;
use crate::{
    Capabilities, Config, DropReason, InterfaceAddress, InterfaceConfig, InterfaceId, Limits, ReversePath, Route,
    RouterConfig, Target, Verdict,
};

const FAR_MAC: EthernetAddress = EthernetAddress([2, 0, 0, 0, 1, 2]);
const HOST_MAC: EthernetAddress = EthernetAddress([2, 0, 0, 0, 1, 9]);
const HOST_V4: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 9);

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

struct Router {
    rig: Rig,
    near: InterfaceId,
    far: InterfaceId,
}

fn routing() -> Config {
    let router = RouterConfig { forwarding: true, ..RouterConfig::default() };
    Config { router, checks: true, ..Config::default() }
}

/// A router that knows its neighbors: the peer, and the host on the far wire.
fn router(config: Config, far_mtu: u16) -> Router {
    let mut rig = Rig::with(config, Capabilities::plain(1500));
    rig.introduce_peer();
    let near = rig.interface;
    let v4 = InterfaceAddress::v4([198, 51, 100, 2].into(), 24);
    let v6 = InterfaceAddress { address: address("2001:db8:1::2"), prefix_len: 64 };
    // RFC 8200 section 5: IPv6 needs an MTU of 1,280.
    let addresses = [v4].into_iter().chain((far_mtu >= 1280).then_some(v6));
    let config = InterfaceConfig::new(FAR_MAC, Capabilities::plain(far_mtu), addresses).unverified();
    let far = rig.add_interface(config);
    rig.discard();
    let our_far = [198, 51, 100, 2].into();
    let request = arp(
        ArpOperation::Request,
        HOST_MAC,
        HOST_V4,
        EthernetAddress::UNSPECIFIED,
        our_far,
        EthernetAddress::BROADCAST,
    );
    let _ = rig.receive(&request);
    let solicitation = neighbor_solicitation(
        "2001:db8:1::9".parse().unwrap(),
        "2001:db8:1::2".parse().unwrap(),
        Some(EthernetAddress([2, 0, 0, 0, 1, 9])),
    );
    let _ = rig.receive(&solicitation);
    rig.discard();
    rig.interface = near;
    Router { rig, near, far }
}

impl Router {
    fn new() -> Router {
        router(routing(), 1500)
    }

    /// What leaves by an interface, a line each.
    fn sent_on(&mut self, interface: InterfaceId) -> String {
        let back = core::mem::replace(&mut self.rig.interface, interface);
        let sent = self.rig.sent();
        self.rig.interface = back;
        sent
    }

    fn frames_on(&mut self, interface: InterfaceId) -> Vec<Vec<u8>> {
        let back = core::mem::replace(&mut self.rig.interface, interface);
        let frames = self.rig.frames();
        self.rig.interface = back;
        frames
    }

    fn near(&mut self) -> String {
        self.sent_on(self.near)
    }

    fn far(&mut self) -> String {
        self.sent_on(self.far)
    }
}

/// A datagram of `len` bytes to the far host, with the given time to live.
fn datagram(from: &str, to: &str, ttl: u8, len: usize) -> Vec<u8> {
    let mut packet = udp_packet(socket(from), socket(to), &alloc::vec![7; len]);
    if packet[0] >> 4 == 4 {
        packet[8] = ttl;
        ipv4::fill_checksum(&mut packet);
    } else {
        packet[7] = ttl;
    }
    packet
}

const NEAR: &str = "192.0.2.1:5000";
const FAR: &str = "198.51.100.9:9";
const NEAR_V6: &str = "[2001:db8::1]:5000";
const FAR_V6: &str = "[2001:db8:1::9]:9";

#[rstest]
#[case(NEAR, FAR)]
#[case(NEAR_V6, FAR_V6)]
fn a_packet_goes_on_with_a_hop_less(#[case] from: &str, #[case] to: &str) {
    let mut router = Router::new();
    let packet = datagram(from, to, 64, 100);
    assert_eq!(router.rig.receive_packet(&packet), Verdict::Accepted);
    assert_eq!(router.near(), "");
    let frame = router.frames_on(router.far).remove(0);
    assert_eq!(stations(&frame), (HOST_MAC, FAR_MAC));
    // RFC 1812 section 5.3.1: decremented by one; all else as it was, but for the checksum.
    assert_eq!(frame[14..], datagram(from, to, 63, 100));
    assert_eq!(router.rig.counter("forward.packets"), 1);
}

#[test]
fn without_the_role_nothing_goes_on() {
    let mut router = router(Config::default(), 1500);
    let packet = datagram(NEAR, FAR, 64, 100);
    assert_eq!(router.rig.receive_packet(&packet), Verdict::Dropped(DropReason::Ipv4NotOurs));
    let packet = datagram(NEAR_V6, FAR_V6, 64, 100);
    assert_eq!(router.rig.receive_packet(&packet), Verdict::Dropped(DropReason::Ipv6NotOurs));
    assert_eq!((router.near(), router.far()), (String::new(), String::new()));
}

/// RFC 1812 section 5.3.1 and RFC 4443 section 3.3; the error's source is the address of the interface that it
/// leaves by (RFC 1812 section 4.3.2.4).
#[rstest]
#[case(1)]
#[case(0)]
fn the_last_hop(#[case] ttl: u8) {
    let mut router = Router::new();
    let _ = router.rig.receive_packet(&datagram(NEAR, FAR, ttl, 4));
    let _ = router.rig.receive_packet(&datagram(NEAR_V6, FAR_V6, ttl, 4));
    assert_eq!((router.far(), router.rig.drops(DropReason::ForwardHopLimit)), (String::new(), 2));
    insta::allow_duplicates! {
        insta::assert_snapshot!(router.near(), @r"
        > 192.0.2.2 > 192.0.2.1 icmp ttl exceeded [192.0.2.1 > 198.51.100.9 udp 5000 > 9 (4)]
        > 2001:db8::2 > 2001:db8::1 icmp6 hop limit exceeded [2001:db8::1 > 2001:db8:1::9 udp 5000 > 9 (4)]
        ");
    }
}

#[test]
fn too_big_for_the_next_link() {
    let mut router = router(routing(), 1280);
    let mut whole = datagram(NEAR, FAR, 64, 1400);
    whole[6] |= 0x40;
    ipv4::fill_checksum(&mut whole);
    assert_eq!(router.rig.receive_packet(&whole), Verdict::Dropped(DropReason::ForwardTooBig));
    let _ = router.rig.receive_packet(&datagram(NEAR_V6, FAR_V6, 64, 1400));
    assert_eq!(router.far(), "");
    insta::assert_snapshot!(router.near(), @r"
    > 192.0.2.2 > 192.0.2.1 icmp fragmentation needed mtu 1280 [192.0.2.1 > 198.51.100.9 udp 5000 > 9 (1400)]
    > 2001:db8::2 > 2001:db8::1 icmp6 packet too big mtu 1280 [2001:db8::1 > 2001:db8:1::9 udp 5000 > 9 (1400)]
    ");
}

/// The bytes of fragments of one packet put together again.
fn reassembled(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut whole = Vec::new();
    for frame in frames {
        let packet = Ipv4Packet::parse(&frame[14..]).unwrap();
        assert!(packet.verify_checksum());
        let at = usize::from(packet.fragment_offset());
        whole.resize(whole.len().max(at + packet.payload().len()), 0);
        whole[at..at + packet.payload().len()].copy_from_slice(packet.payload());
    }
    whole
}

#[test]
fn what_may_be_fragmented_is() {
    let mut router = router(routing(), 576);
    let packet = datagram(NEAR, FAR, 64, 1400);
    assert_eq!(router.rig.receive_packet(&packet), Verdict::Accepted);
    let frames = router.frames_on(router.far);
    let notation = Notation { prefix: "> ", full: true, ..Notation::default() };
    let lines: Vec<String> = frames.iter().map(|frame| alloc::format!("{}", notation.frame(frame))).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    > 192.0.2.1 > 198.51.100.9 fragment id 1 offset 0 more udp (552)
    > 192.0.2.1 > 198.51.100.9 fragment id 1 offset 552 more udp (552)
    > 192.0.2.1 > 198.51.100.9 fragment id 1 offset 1104 udp (304)
    ");
    assert_eq!(reassembled(&frames), packet[20..]);
    assert!(frames.iter().all(|frame| frame[14 + 8] == 63 && frame.len() <= 14 + 576));
    assert_eq!(router.near(), "");
}

/// RFC 791 section 3.2: a fragment of a fragment keeps its place, and MF; options with the copy flag are in all.
#[test]
fn fragments_of_fragments_and_their_options() {
    let mut router = router(routing(), 576);
    let header = Ipv4Header {
        tos: 4,
        payload_len: 1200,
        id: 77,
        dont_fragment: false,
        more_fragments: true,
        fragment_offset: 2400,
        ttl: 9,
        protocol: IpProtocol::UDP,
        src: PEER_V4,
        dst: HOST_V4,
    };
    // Stream id (copied), timestamp (not copied), end.
    let options = [0x88, 4, 0, 1, 0x44, 4, 5, 0];
    let mut packet = Vec::new();
    header.emit_with_options(&options, &mut packet);
    packet.extend((0..1200_u32).map(|n| n as u8));
    assert_eq!(router.rig.receive_packet(&packet), Verdict::Accepted);
    let frames = router.frames_on(router.far);
    let seen: Vec<_> = frames
        .iter()
        .map(|frame| {
            let packet = Ipv4Packet::parse(&frame[14..]).unwrap();
            (packet.fragment_offset(), packet.more_fragments(), packet.id(), packet.option_bytes().to_vec())
        })
        .collect();
    let (all, copied) = (options.to_vec(), options[..4].to_vec());
    assert_eq!(
        seen,
        [(2400, true, 77, all), (2400 + 544, true, 77, copied.clone()), (2400 + 544 + 552, true, 77, copied)]
    );
    assert_eq!(reassembled(&frames)[2400..], packet[28..]);
}

#[rstest]
#[case::loopback("127.0.0.1:9", DropReason::ForwardMartian)]
#[case::this_network("0.0.0.9:9", DropReason::ForwardMartian)]
#[case::reserved("240.0.0.1:9", DropReason::ForwardMartian)]
#[case::link_local("169.254.1.1:9", DropReason::ForwardMartian)]
#[case::directed_broadcast("198.51.100.255:9", DropReason::ForwardMartian)]
#[case::group("224.0.0.5:9", DropReason::Ipv4NotOurs)]
fn destinations_that_no_router_serves(#[case] to: &str, #[case] reason: DropReason) {
    let mut router = Router::new();
    let far = router.far;
    router.rig.stack.add_route(Route::on_link(address("0.0.0.0"), 0, far)).unwrap();
    assert_eq!(router.rig.receive_packet(&datagram(NEAR, to, 64, 4)), Verdict::Dropped(reason));
    assert_eq!((router.near(), router.far()), (String::new(), String::new()));
}

#[rstest]
#[case::link_local("169.254.1.1:9", FAR, DropReason::ForwardMartian)]
#[case::loopback("127.0.0.1:9", FAR, DropReason::Ipv4Source)]
#[case::the_far_side_s("198.51.100.77:9", FAR, DropReason::ForwardReversePath)]
#[case::unknown("203.0.113.1:9", FAR, DropReason::ForwardReversePath)]
#[case::ipv6_unspecified("[::]:9", FAR_V6, DropReason::ForwardMartian)]
#[case::ipv6_the_far_side_s("[2001:db8:1::77]:9", FAR_V6, DropReason::ForwardReversePath)]
fn sources_that_no_router_serves(#[case] from: &str, #[case] to: &str, #[case] reason: DropReason) {
    let mut router = Router::new();
    assert_eq!(router.rig.receive_packet(&datagram(from, to, 64, 4)), Verdict::Dropped(reason));
    assert_eq!((router.near(), router.far()), (String::new(), String::new()));
}

#[test]
fn reverse_paths_strict_loose_and_off() {
    let passes = |reverse_path, from: &str| {
        let mut config = routing();
        config.router.reverse_path = reverse_path;
        let mut router = router(config, 1500);
        router.rig.receive_packet(&datagram(from, FAR, 64, 4)) == Verdict::Accepted
    };
    for (reverse_path, own, others, unknown) in [
        (ReversePath::Strict, true, false, false),
        (ReversePath::Loose, true, true, false),
        (ReversePath::Off, true, true, true),
    ] {
        assert_eq!(passes(reverse_path, NEAR), own);
        assert_eq!(passes(reverse_path, "198.51.100.77:9"), others);
        assert_eq!(passes(reverse_path, "203.0.113.1:9"), unknown);
    }
}

/// RFC 4443 section 3.1, code 2: the source means nothing beyond its link.
#[test]
fn beyond_the_scope_of_the_source() {
    let mut router = Router::new();
    let packet = datagram("[fe80::1]:9", FAR_V6, 64, 4);
    assert_eq!(router.rig.receive_packet(&packet), Verdict::Dropped(DropReason::ForwardScope));
    assert_eq!(router.far(), "");
}

/// RFC 1812 section 5.3.4.
#[test]
fn what_was_broadcast_on_the_link_stays_there() {
    let mut router = Router::new();
    let frame = ethernet(EthernetAddress::BROADCAST, PEER_MAC, &datagram(NEAR, FAR, 64, 4));
    assert_eq!(router.rig.receive(&frame), Verdict::Dropped(DropReason::ForwardMartian));
    assert_eq!((router.near(), router.far()), (String::new(), String::new()));
}

#[test]
fn no_way_on() {
    let mut router = Router::new();
    let to = |target| Route::refusing(address("203.0.113.0"), 24, target);
    let packet = datagram(NEAR, "203.0.113.7:9", 64, 4);
    assert_eq!(router.rig.receive_packet(&packet), Verdict::Dropped(DropReason::NoRoute));
    let _ = router.rig.receive_packet(&datagram(NEAR_V6, "[2001:db8:7::7]:9", 64, 4));
    for target in [Target::Unreachable, Target::Prohibit, Target::Blackhole] {
        router.rig.stack.add_route(to(target)).unwrap();
        let _ = router.rig.receive_packet(&packet);
        assert!(router.rig.stack.remove_route(&to(target)));
    }
    insta::assert_snapshot!(router.near(), @r"
    > 192.0.2.2 > 192.0.2.1 icmp net unreachable [192.0.2.1 > 203.0.113.7 udp 5000 > 9 (4)]
    > 2001:db8::2 > 2001:db8::1 icmp6 no route [2001:db8::1 > 2001:db8:7::7 udp 5000 > 9 (4)]
    > 192.0.2.2 > 192.0.2.1 icmp host unreachable [192.0.2.1 > 203.0.113.7 udp 5000 > 9 (4)]
    > 192.0.2.2 > 192.0.2.1 icmp administratively prohibited [192.0.2.1 > 203.0.113.7 udp 5000 > 9 (4)]
    ");
    assert_eq!(router.rig.drops(DropReason::RouteBlackhole), 1);
}

#[test]
fn a_next_hop_that_does_not_answer() {
    let mut router = Router::new();
    for n in 0..5 {
        let _ = router.rig.receive_packet(&datagram(NEAR, "198.51.100.77:9", 64, n));
    }
    let _ = router.rig.receive_packet(&datagram(NEAR_V6, "[2001:db8:1::77]:9", 64, 4));
    insta::assert_snapshot!(router.far(), @r"
    > arp who-has 198.51.100.77 tell 198.51.100.2
    > 2001:db8:1::2 > ff02::1:ff00:77 icmp6 neighbor solicitation target 2001:db8:1::77 source 02:00:00:00:01:02
    ");
    assert_eq!(router.rig.drops(DropReason::NeighborQueueFull), 2, "three wait, the newest");
    for _ in 0..4 {
        router.rig.now += Duration::from_secs(1);
        router.rig.stack.handle_timeout(router.rig.now);
        router.far();
    }
    insta::assert_snapshot!(router.near(), @r"
    > 192.0.2.2 > 192.0.2.1 icmp host unreachable [192.0.2.1 > 198.51.100.77 udp 5000 > 9 (2)]
    > 192.0.2.2 > 192.0.2.1 icmp host unreachable [192.0.2.1 > 198.51.100.77 udp 5000 > 9 (3)]
    > 192.0.2.2 > 192.0.2.1 icmp host unreachable [192.0.2.1 > 198.51.100.77 udp 5000 > 9 (4)]
    > 2001:db8::2 > 2001:db8::1 icmp6 address unreachable [2001:db8::1 > 2001:db8:1::77 udp 5000 > 9 (4)]
    ");
}

#[test]
fn what_waited_for_a_next_hop_goes_on() {
    let mut router = Router::new();
    let packet = datagram(NEAR, "198.51.100.77:9", 64, 4);
    let _ = router.rig.receive_packet(&packet);
    assert_eq!(router.frames_on(router.far).len(), 1, "the question");
    let reply =
        arp(ArpOperation::Reply, HOST_MAC, [198, 51, 100, 77].into(), FAR_MAC, [198, 51, 100, 2].into(), FAR_MAC);
    router.rig.interface = router.far;
    assert_eq!(router.rig.receive(&reply), Verdict::Accepted);
    assert_eq!(router.far(), "> 192.0.2.1:5000 > 198.51.100.77:9 udp (4)");
}

/// A neighbor that sends to a neighbor: it is told, and the packet goes on all the same.
#[test]
fn redirects() {
    let mut router = Router::new();
    router
        .rig
        .stack
        .add_address(router.rig.now, router.near, InterfaceAddress { address: address("fe80::2"), prefix_len: 64 })
        .unwrap();
    router.rig.discard();
    let far = Route::via(address("203.0.113.0"), 24, address("192.0.2.77"), router.near);
    router.rig.stack.add_route(far).unwrap();
    assert_eq!(router.rig.receive_packet(&datagram(NEAR, "203.0.113.9:9", 64, 4)), Verdict::Accepted);
    router.rig.now += Duration::from_millis(200);
    assert_eq!(router.rig.receive_packet(&datagram(NEAR_V6, "[2001:db8::77]:9", 64, 4)), Verdict::Accepted);
    insta::assert_snapshot!(router.near(), @r"
    > 192.0.2.2 > 192.0.2.1 icmp redirect code 1 to 192.0.2.77 [192.0.2.1 > 203.0.113.9 udp 5000 > 9 (4)]
    > fe80::2 > 2001:db8::1 icmp6 redirect 2001:db8::77 to 2001:db8::77 [2001:db8::1 > 2001:db8::77 udp 5000 > 9 (4)]
    > arp who-has 192.0.2.77 tell 192.0.2.2
    > 2001:db8::2 > ff02::1:ff00:77 icmp6 neighbor solicitation target 2001:db8::77 source 02:00:00:00:00:02
    ");
    // Ten a second at most.
    let sent: usize = (0..1000)
        .map(|_| {
            router.rig.now += Duration::from_millis(1);
            let _ = router.rig.receive_packet(&datagram(NEAR, "203.0.113.9:9", 64, 4));
            router.near().lines().filter(|line| line.contains("redirect")).count()
        })
        .sum();
    assert!((5..=10).contains(&sent), "{sent}");
}

#[test]
fn no_redirects_by_option_nor_to_who_is_no_neighbor() {
    let mut config = routing();
    config.router.redirects = false;
    config.router.reverse_path = ReversePath::Off;
    let mut without = router(config.clone(), 1500);
    config.router.redirects = true;
    let mut with = router(config, 1500);
    for (router, from) in [(&mut without, NEAR), (&mut with, "203.0.113.1:9")] {
        let _ = router.rig.receive_packet(&datagram(from, "192.0.2.77:9", 64, 4));
        assert_eq!(router.near(), "> arp who-has 192.0.2.77 tell 192.0.2.2");
    }
}

/// RFC 1812 section 5.2.3: what is for any of the router's addresses is for the router, whichever interface
/// it came in on, and is answered from that address, by the way to who asks.
#[test]
fn the_router_s_other_address() {
    let mut router = Router::new();
    let _ = router.rig.receive_packet(&echo_request(PEER_V4.into(), address("198.51.100.2"), 8));
    let _ = router.rig.receive_packet(&echo_request(PEER_V6.into(), address("2001:db8:1::2"), 8));
    assert_eq!(router.far(), "");
    insta::assert_snapshot!(router.near(), @r"
    > 198.51.100.2 > 192.0.2.1 icmp echo reply id 7 seq 1 (8)
    > 2001:db8:1::2 > 2001:db8::1 icmp6 echo reply id 7 seq 1 (8)
    ");
    // A closed port is refused in its name.
    let _ = router.rig.receive_packet(&datagram(NEAR, "198.51.100.2:9", 1, 4));
    let _ = router.rig.receive_packet(&datagram(NEAR_V6, "[2001:db8:1::2]:9", 1, 4));
    insta::assert_snapshot!(router.near(), @r"
    > 198.51.100.2 > 192.0.2.1 icmp port unreachable [192.0.2.1 > 198.51.100.2 udp 5000 > 9 (4)]
    > 2001:db8:1::2 > 2001:db8::1 icmp6 port unreachable [2001:db8::1 > 2001:db8:1::2 udp 5000 > 9 (4)]
    ");
    assert_eq!(router.rig.counter("forward.packets"), 0);
}

#[rstest]
#[case("198.51.100.2:80", NEAR)]
#[case("[2001:db8:1::2]:80", NEAR_V6)]
fn sockets_on_the_router_s_other_address(#[case] local: &str, #[case] peer: &str) {
    let mut router = Router::new();
    let handle = router.rig.udp_bind(local);
    let _ = router.rig.receive_packet(&udp_packet(socket(peer), socket(local), b"question"));
    assert_eq!(router.rig.udp_received(handle), [8]);
    router.rig.udp_send(handle, b"answer", peer).unwrap();
    assert_eq!(router.near(), alloc::format!("> {local} > {peer} udp (6)"));
    assert_eq!(router.far(), "");
}

/// What means something on its own link only is not shared, and ARP and Neighbor Discovery answer for the
/// link's own addresses only.
#[test]
fn what_the_router_keeps_to_its_links() {
    let mut router = Router::new();
    let link_local = InterfaceAddress { address: address("fe80::77"), prefix_len: 64 };
    router.rig.stack.add_address(router.rig.now, router.far, link_local).unwrap();
    router.rig.discard();
    let verdict = router.rig.receive_packet(&echo_request(PEER_V6.into(), address("fe80::77"), 8));
    assert_eq!(verdict, Verdict::Dropped(DropReason::ForwardMartian));
    let verdict = router.rig.receive_packet(&echo_request(PEER_V4.into(), address("127.0.0.1"), 8));
    assert_eq!(verdict, Verdict::Dropped(DropReason::ForwardMartian));
    let unknown = EthernetAddress::UNSPECIFIED;
    let far = [198, 51, 100, 2].into();
    let _ =
        router.rig.receive(&arp(ArpOperation::Request, PEER_MAC, PEER_V4, unknown, far, EthernetAddress::BROADCAST));
    let _ = router.rig.receive(&neighbor_solicitation(PEER_V6, "2001:db8:1::2".parse().unwrap(), Some(PEER_MAC)));
    assert_eq!(router.near(), "");
}

/// A packet that claims to come from the router itself, from its other wire.
#[rstest]
#[case("198.51.100.2:7", "192.0.2.2:7", DropReason::Ipv4Source)]
#[case("[2001:db8:1::2]:7", "[2001:db8::2]:7", DropReason::Ipv6Source)]
#[case("198.51.100.2:7", "198.51.100.2:7", DropReason::Ipv4Source)]
#[case("198.51.100.2:7", FAR, DropReason::ForwardMartian)]
#[case("[2001:db8:1::2]:7", FAR_V6, DropReason::ForwardMartian)]
fn a_source_that_is_the_router_s_own(#[case] from: &str, #[case] to: &str, #[case] reason: DropReason) {
    let mut config = routing();
    config.router.reverse_path = ReversePath::Off;
    let mut router = router(config, 1500);
    assert_eq!(router.rig.receive_packet(&udp_packet(socket(from), socket(to), b"echo")), Verdict::Dropped(reason));
    assert_eq!((router.near(), router.far()), (String::new(), String::new()));
}

#[test]
fn the_queue_of_what_goes_on_has_an_end() {
    let limits = Limits { forward_queue: 4, ..Limits::default() };
    let mut router = router(Config { limits, ..routing() }, 1500);
    for _ in 0..6 {
        let _ = router.rig.receive_packet(&datagram(NEAR, FAR, 64, 4));
    }
    assert_eq!(router.rig.drops(DropReason::ForwardQueueFull), 2);
    assert_eq!((router.rig.stack.queue_depths().transit, router.frames_on(router.far).len()), (4, 4));
}

/// What others send through us does not keep our own from leaving.
#[test]
fn sockets_and_packets_in_transit_take_turns() {
    let mut router = Router::new();
    let handle = router.rig.udp_bind("0.0.0.0:5000");
    for _ in 0..3 {
        let _ = router.rig.receive_packet(&datagram(NEAR, FAR, 64, 4));
        router.rig.udp_send(handle, b"ours", FAR).unwrap();
    }
    let sent = router.far();
    let ours: Vec<bool> = sent.lines().map(|line| line.contains("198.51.100.2:5000")).collect();
    assert_eq!(ours, [false, true, false, true, false, true]);
}

/// RFC 1027: the router answers for those whom it forwards to, where it is told to, and for nobody else.
#[test]
fn proxy_arp() {
    let mut rig = Rig::with(routing(), Capabilities::plain(1500));
    let addresses = [InterfaceAddress::v4([198, 51, 100, 2].into(), 24)];
    let config = InterfaceConfig::new(FAR_MAC, Capabilities::plain(1500), addresses).unverified();
    let proxy = rig.add_interface(InterfaceConfig { proxy_arp: true, ..config });
    let question = |sender: [u8; 4], target: [u8; 4]| {
        let nobody = EthernetAddress::UNSPECIFIED;
        arp(ArpOperation::Request, HOST_MAC, sender.into(), nobody, target.into(), EthernetAddress::BROADCAST)
    };
    let _ = rig.receive(&question([198, 51, 100, 9], [192, 0, 2, 1]));
    insta::assert_snapshot!(rig.sent(), @"> arp 192.0.2.1 is-at 02:00:00:00:01:02");
    for (sender, target) in [
        // On the asker's own wire; nowhere; a probe; its own announcement.
        ([198, 51, 100, 9], [198, 51, 100, 10]),
        ([198, 51, 100, 9], [203, 0, 113, 1]),
        ([0, 0, 0, 0], [192, 0, 2, 1]),
        ([198, 51, 100, 9], [198, 51, 100, 9]),
    ] {
        let _ = rig.receive(&question(sender, target));
        assert_eq!(rig.sent(), "");
    }
    assert_eq!(rig.interface, proxy);
}
