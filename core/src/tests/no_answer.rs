//! Sources that get no answer of any kind: multicast, broadcast, loopback, our own (design rule 6).

use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use rstest::rstest;

use super::rig::*;
use crate::wire::ethernet::EthernetAddress;
use crate::wire::ipv4::IpProtocol;
use crate::{ListenOptions, Verdict};

/// A packet of every kind that asks for an answer.
fn everything(src: IpAddr, us: IpAddr) -> Vec<Vec<u8>> {
    let (from, to) = (SocketAddr::new(src, 1000), SocketAddr::new(us, 7));
    let open = SocketAddr::new(us, 80);
    let mut packets = Vec::from([
        echo_request(src, us, 8),
        udp_packet(from, to, b"hello"),
        tcp_packet(from, to, "S 1:1(0) win 1000", b""),
        tcp_packet(from, to, ". 1:1(0) ack 1 win 1000", b""),
        tcp_packet(from, open, "S 1:1(0) win 1000", b""),
        tcp_packet(from, open, ". 1:1(0) ack 1 win 1000", b""),
    ]);
    match (src, us) {
        (IpAddr::V4(src), IpAddr::V4(us)) => packets.push(ipv4_packet(src, us, IpProtocol(132), &[0; 12])),
        (IpAddr::V6(src), IpAddr::V6(us)) => {
            packets.push(ipv6_packet(src, us, IpProtocol(132), &[0; 12]));
            packets.push(ipv6_packet(src, us, IpProtocol::DESTINATION_OPTIONS, &[58, 0, 0x9e, 4, 0, 0, 0, 0]));
        }
        _ => {}
    }
    packets
}

/// A rig on which everything is open that can be, and all routes lead to the peer.
fn open() -> Rig {
    let mut rig = Rig::new();
    rig.introduce_peer();
    for local in ["0.0.0.0:80", "[::]:80"] {
        rig.stack.tcp_listen(socket(local), ListenOptions::default()).unwrap();
    }
    for (prefix, gateway) in [("0.0.0.0", PEER_V4.into()), ("::", PEER_V6.into())] {
        let route = crate::Route::via(prefix.parse().unwrap(), 0, gateway, rig.interface);
        rig.stack.add_route(route).unwrap();
    }
    rig
}

#[rstest]
#[case::multicast("224.0.0.1")]
#[case::limited_broadcast("255.255.255.255")]
#[case::the_subnets_broadcast("192.0.2.255")]
#[case::loopback("127.0.0.1")]
#[case::unspecified("0.0.0.0")]
#[case::our_own("192.0.2.2")]
#[case::ipv6_multicast("ff02::1")]
#[case::ipv6_loopback("::1")]
#[case::ipv6_unspecified("::")]
#[case::our_own_ipv6("2001:db8::2")]
fn an_impossible_source(#[case] src: IpAddr) {
    let mut rig = open();
    let us = if src.is_ipv4() { OUR_V4.into() } else { OUR_V6.into() };
    for packet in everything(src, us) {
        assert!(matches!(rig.receive_packet(&packet), Verdict::Dropped(_)));
        assert_eq!(rig.sent(), "");
    }
    assert_eq!(rig.stack.tcp_sockets().count(), 0);
}

#[rstest]
#[case::group(EthernetAddress([1, 0, 0x5e, 0, 0, 1]))]
#[case::broadcast(EthernetAddress::BROADCAST)]
#[case::our_own(OUR_MAC)]
fn an_impossible_station(#[case] src: EthernetAddress) {
    let mut rig = open();
    for packet in everything(PEER_V4.into(), OUR_V4.into()).into_iter().chain(everything(PEER_V6.into(), OUR_V6.into()))
    {
        assert!(matches!(rig.receive(&ethernet(OUR_MAC, src, &packet)), Verdict::Dropped(_)));
        assert_eq!(rig.sent(), "");
    }
}

/// The same packets from a source that can exist: each is answered, so the tests above prove something.
#[rstest]
#[case(PEER_V4.into(), OUR_V4.into())]
#[case(PEER_V6.into(), OUR_V6.into())]
fn the_same_from_the_peer_is_answered(#[case] peer: IpAddr, #[case] us: IpAddr) {
    for packet in everything(peer, us) {
        let mut rig = open();
        let _ = rig.receive_packet(&packet);
        assert_eq!(rig.frames().len(), 1);
    }
}
