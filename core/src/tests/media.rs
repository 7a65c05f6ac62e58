//! Interfaces that are not Ethernet: bare IP packets as on a TUN, and the loopback by which the stack
//! reaches itself (RFC 1122 section 3.2.1.3 (g), RFC 4291 section 2.5.3).

use alloc::string::ToString as _;
use rstest::rstest;

use super::rig::*;
use crate::error::{ConnectError, SocketError, UdpSendError};
use crate::tcp::State;
use crate::wire::ipv4::IpProtocol;
use crate::{
    Capabilities, Config, ConnectOptions, DropReason, InterfaceAddress, InterfaceConfig, Limits, ListenOptions, Route,
    Verdict,
};

/// A rig with a second interface of bare packets, 10.0.0.2 and `2001:db8:1::2`, with a default route through it.
fn with_tun() -> Rig {
    let mut rig = Rig::new();
    let addresses = [
        InterfaceAddress::v4([10, 0, 0, 2].into(), 24),
        InterfaceAddress { address: "2001:db8:1::2".parse().unwrap(), prefix_len: 64 },
    ];
    let tun = rig.add_interface(InterfaceConfig::ip(Capabilities::plain(1400), addresses));
    for unspecified in ["0.0.0.0", "::"] {
        rig.stack.add_route(Route::on_link(unspecified.parse().unwrap(), 0, tun)).unwrap();
    }
    rig
}

#[test]
fn bare_packets_leave_at_once_to_whomever() {
    let mut rig = with_tun();
    let (v4, v6) = (rig.udp_bind("0.0.0.0:5000"), rig.udp_bind("[::]:5000"));
    rig.stack.udp(v4).unwrap().set_broadcast(true);
    for to in ["10.0.0.1:9", "198.51.100.7:9", "10.0.0.255:9"] {
        rig.udp_send(v4, b"hello", to).unwrap();
    }
    rig.udp_send(v6, b"hello", "[2001:db8:7::1]:9").unwrap();
    insta::assert_snapshot!(rig.sent(), @r"
    > 10.0.0.2:5000 > 10.0.0.1:9 udp (5)
    > [2001:db8:1::2]:5000 > [2001:db8:7::1]:9 udp (5)
    > 10.0.0.2:5000 > 198.51.100.7:9 udp (5)
    > 10.0.0.2:5000 > 10.0.0.255:9 udp (5)
    ");
}

#[test]
fn bare_packets_are_answered_in_kind() {
    let mut rig = with_tun();
    let server = rig.udp_bind("10.0.0.2:7");
    let _ = rig.receive_packet(&echo_request([10, 0, 0, 9].into(), [10, 0, 0, 2].into(), 8));
    let _ = rig.receive_packet(&echo_request("2001:db8:9::9".parse().unwrap(), "2001:db8:1::2".parse().unwrap(), 8));
    let _ = rig.receive_packet(&udp_packet(socket("10.0.0.9:5000"), socket("10.0.0.2:8"), b"nobody"));
    assert_eq!(
        rig.receive_packet(&udp_packet(socket("10.0.0.9:5000"), socket("10.0.0.2:7"), b"hello")),
        Verdict::Accepted
    );
    assert_eq!(rig.udp_received(server), [5]);
    insta::assert_snapshot!(rig.sent(), @r"
    > 10.0.0.2 > 10.0.0.9 icmp echo reply id 7 seq 1 (8)
    > 2001:db8:1::2 > 2001:db8:9::9 icmp6 echo reply id 7 seq 1 (8)
    > 10.0.0.2 > 10.0.0.9 icmp port unreachable [10.0.0.9 > 10.0.0.2 udp 5000 > 8 (6)]
    ");
}

#[rstest]
#[case::nothing(&[], DropReason::Ipv4Truncated)]
#[case::another_version(&[0x50; 40], DropReason::Ipv4Version)]
#[case::ipv6_cut_short(&[0x60; 39], DropReason::Ipv6Truncated)]
#[case::longer_than_the_mtu(&[0x45; 1401], DropReason::FrameTooLong)]
fn bare_packets_that_are_none(#[case] packet: &[u8], #[case] reason: DropReason) {
    let mut rig = with_tun();
    assert_eq!(rig.receive(packet), Verdict::Dropped(reason));
    assert_eq!(rig.drops(reason), 1);
}

/// There are no stations whose addresses could be asked for.
#[test]
fn no_neighbor_discovery_on_bare_packets() {
    let mut rig = with_tun();
    let frame = neighbor_solicitation(PEER_V6, "2001:db8:1::2".parse().unwrap(), Some(PEER_MAC));
    assert_eq!(rig.receive(&frame[14..]), Verdict::Dropped(DropReason::NdpInvalid));
    assert_eq!(rig.sent(), "");
}

/// A rig with a loopback interface beside the wire, which stays in view.
fn with_loopback() -> Rig {
    let mut rig = Rig::new();
    rig.stack.add_interface(rig.now, InterfaceConfig::loopback()).unwrap();
    rig
}

#[rstest]
#[case::localhost("127.0.0.1:7", "127.0.0.1")]
#[case::another_of_the_net("127.9.9.9:7", "127.0.0.1")]
#[case::ipv6("[::1]:7", "::1")]
#[case::the_wire_s_address("192.0.2.2:7", "192.0.2.2")]
#[case::the_wire_s_ipv6_address("[2001:db8::2]:7", "2001:db8::2")]
fn what_is_for_us_never_leaves(#[case] to: &str, #[case] from: &str) {
    let mut rig = with_loopback();
    let (any, client) = if to.starts_with('[') { ("[::]:7", "[::]:5000") } else { ("0.0.0.0:7", "0.0.0.0:5000") };
    let (server, client) = (rig.udp_bind(any), rig.udp_bind(client));
    rig.udp_send(client, b"hello", to).unwrap();
    assert_eq!(rig.sent(), "");
    rig.loop_back();
    let received = rig.stack.udp(server).unwrap().recv().unwrap();
    assert_eq!((&received.data[..], received.from.ip()), (&b"hello"[..], from.parse().unwrap()));
    // And back.
    rig.udp_send(server, b"hi", &received.from.to_string()).unwrap();
    rig.loop_back();
    assert_eq!(rig.udp_received(client), [2]);
    assert_eq!(rig.sent(), "");
    assert_eq!((rig.counter("loopback.packets"), rig.counter("frames.sent")), (2, 0));
}

#[rstest]
#[case("127.0.0.1:80")]
#[case("[::1]:80")]
#[case("192.0.2.2:80")]
fn a_connection_to_ourselves(#[case] to: &str) {
    let mut rig = with_loopback();
    let listener = rig.stack.tcp_listen(socket(to), ListenOptions::default()).unwrap();
    let client = rig.stack.tcp_connect(rig.now, socket(to), ConnectOptions::default()).unwrap();
    rig.loop_back();
    let server = rig.stack.tcp_accept(rig.now, listener).unwrap().unwrap();
    assert_eq!(rig.stack.tcp(client).unwrap().state(), State::Established);
    let text = alloc::vec![7; 300_000];
    assert_eq!(rig.stack.tcp(client).unwrap().send(rig.now, &text), Ok(text.len()));
    let mut received = 0;
    for _ in 0..100 {
        rig.loop_back();
        let mut buffer = [0; 8192];
        while let Ok(count @ 1..) = rig.stack.tcp(server).unwrap().recv(rig.now, &mut buffer) {
            assert!(buffer[..count].iter().all(|byte| *byte == 7));
            received += count;
        }
        rig.pass(core::time::Duration::from_millis(1));
    }
    assert_eq!(received, text.len());
    rig.stack.tcp(client).unwrap().close(rig.now);
    rig.stack.tcp(server).unwrap().close(rig.now);
    rig.loop_back();
    assert_eq!(rig.stack.tcp(client).unwrap().state(), State::TimeWait);
    assert_eq!(rig.sent(), "");
}

#[test]
fn a_port_of_ours_that_nobody_has() {
    let mut rig = with_loopback();
    let client = rig.stack.tcp_connect(rig.now, socket("127.0.0.1:80"), ConnectOptions::default()).unwrap();
    let datagrams = rig.udp_bind("0.0.0.0:5000");
    rig.stack.udp(datagrams).unwrap().connect(Some(socket("192.0.2.2:9"))).unwrap();
    rig.stack.udp(datagrams).unwrap().send(rig.now, b"anyone?", None).unwrap();
    rig.loop_back();
    assert_eq!(rig.stack.tcp(client).unwrap().take_error(), Some(SocketError::Refused));
    assert_eq!(rig.udp_error(datagrams), Some(SocketError::Refused));
}

/// RFC 1122 section 3.2.1.3 (g): such an address MUST NOT appear outside a host.
#[rstest]
#[case::to("192.0.2.1", "127.0.0.1", DropReason::Ipv4NotOurs)]
#[case::from("127.0.0.1", "192.0.2.2", DropReason::Ipv4Source)]
#[case::to_ipv6("2001:db8::1", "::1", DropReason::Ipv6NotOurs)]
#[case::from_ipv6("::1", "2001:db8::2", DropReason::Ipv6Source)]
#[case::from_ourselves("192.0.2.2", "192.0.2.2", DropReason::Ipv4Source)]
fn loopback_addresses_on_the_wire(
    #[case] from: &str,
    #[case] to: &str,
    #[case] reason: DropReason,
    #[values(false, true)] weak_host: bool,
) {
    let mut rig = Rig::with(Config { weak_host, ..Config::default() }, Capabilities::plain(1500));
    rig.stack.add_interface(rig.now, InterfaceConfig::loopback()).unwrap();
    rig.introduce_peer();
    let request = echo_request(from.parse().unwrap(), to.parse().unwrap(), 8);
    assert_eq!(rig.receive_packet(&request), Verdict::Dropped(reason));
    rig.loop_back();
    assert_eq!(rig.sent(), "");
}

#[test]
fn nothing_leaves_for_others_from_a_loopback_address() {
    let mut rig = with_loopback();
    let client = rig.udp_bind("127.0.0.1:5000");
    assert_eq!(rig.udp_send(client, b"hello", "192.0.2.1:9"), Err(UdpSendError::NoRoute));
    let options = ConnectOptions { local: Some(socket("127.0.0.1:0")), ..ConnectOptions::default() };
    assert_eq!(rig.stack.tcp_connect(rig.now, socket("192.0.2.1:9"), options), Err(ConnectError::NoRoute));
}

#[test]
fn without_a_loopback_there_is_no_way_to_ourselves() {
    let mut rig = Rig::new();
    let client = rig.udp_bind("0.0.0.0:5000");
    assert_eq!(rig.udp_send(client, b"hello", "192.0.2.2:9"), Err(UdpSendError::NoRoute));
    assert_eq!(
        rig.stack.tcp_connect(rig.now, socket("192.0.2.2:9"), ConnectOptions::default()),
        Err(ConnectError::NoRoute)
    );
}

#[test]
fn no_device_hands_in_frames_of_the_loopback() {
    let mut rig = Rig::new();
    rig.add_interface(InterfaceConfig::loopback());
    let packet = ipv4_packet([127, 0, 0, 1].into(), [127, 0, 0, 1].into(), IpProtocol::UDP, &[0; 8]);
    assert_eq!(rig.receive(&packet), Verdict::Dropped(DropReason::InterfaceLoopback));
}

#[test]
fn the_loopback_s_queue_has_an_end() {
    let mut rig = Rig::limited(Limits { control_queue: 2, ..Limits::default() });
    rig.stack.add_interface(rig.now, InterfaceConfig::loopback()).unwrap();
    let client = rig.udp_bind("0.0.0.0:5000");
    for _ in 0..5 {
        rig.udp_send(client, b"anyone?", "127.0.0.1:9").unwrap();
    }
    rig.loop_back();
    assert_eq!(rig.drops(DropReason::ControlQueueFull), 3);
}
