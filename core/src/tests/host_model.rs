//! Several interfaces, and which addresses may be used on which (RFC 1122 section 3.3.4.2): the strong
//! host model, and the weak one by option.

use super::rig::*;
use crate::error::UdpSendError;
use crate::wire::ethernet::EthernetAddress;
use crate::{
    Capabilities, Config, DropReason, InterfaceAddress, InterfaceConfig, InterfaceId, Route, UdpOptions, Verdict,
};

/// Beside the wire of the rig a second one: 198.51.100.2/24 and `2001:db8:1::2/64`.
fn two_wires(weak_host: bool) -> (Rig, InterfaceId, InterfaceId) {
    let mut rig = Rig::with(Config { weak_host, checks: true, ..Config::default() }, Capabilities::plain(1500));
    rig.introduce_peer();
    let first = rig.interface;
    let addresses = [
        InterfaceAddress::v4([198, 51, 100, 2].into(), 24),
        InterfaceAddress { address: "2001:db8:1::2".parse().unwrap(), prefix_len: 64 },
    ];
    let mac = EthernetAddress([2, 0, 0, 0, 1, 2]);
    let second =
        rig.stack.add_interface(rig.now, InterfaceConfig::new(mac, Capabilities::plain(1500), addresses).unverified());
    (rig, first, second.unwrap())
}

#[test]
fn a_strong_host_hears_an_address_on_its_own_wire_only() {
    let (mut rig, ..) = two_wires(false);
    let to = "198.51.100.2".parse().unwrap();
    assert_eq!(rig.receive_packet(&echo_request(PEER_V4.into(), to, 8)), Verdict::Dropped(DropReason::Ipv4NotOurs));
    let to = "2001:db8:1::2".parse().unwrap();
    assert_eq!(rig.receive_packet(&echo_request(PEER_V6.into(), to, 8)), Verdict::Dropped(DropReason::Ipv6NotOurs));
    assert_eq!(rig.sent(), "");
}

#[test]
fn a_weak_host_hears_it_on_any() {
    let (mut rig, ..) = two_wires(true);
    let _ = rig.receive_packet(&echo_request(PEER_V4.into(), "198.51.100.2".parse().unwrap(), 8));
    let _ = rig.receive_packet(&echo_request(PEER_V6.into(), "2001:db8:1::2".parse().unwrap(), 8));
    insta::assert_snapshot!(rig.sent(), @r"
    > 198.51.100.2 > 192.0.2.1 icmp echo reply id 7 seq 1 (8)
    > 2001:db8:1::2 > 2001:db8::1 icmp6 echo reply id 7 seq 1 (8)
    ");
}

#[test]
fn a_strong_host_sends_from_an_address_on_its_own_wire_only() {
    let (mut rig, first, second) = two_wires(false);
    let handle = rig.udp_bind("198.51.100.2:5000");
    assert_eq!(rig.udp_send(handle, b"hello", "192.0.2.1:9"), Err(UdpSendError::NoRoute));
    // A gateway on the right wire takes it, though the other wire's prefix is longer.
    rig.stack.add_route(Route::via("0.0.0.0".parse().unwrap(), 0, "198.51.100.1".parse().unwrap(), second)).unwrap();
    rig.udp_send(handle, b"hello", "192.0.2.1:9").unwrap();
    assert_eq!(rig.sent(), "");
    rig.interface = second;
    insta::assert_snapshot!(rig.sent(), @"> arp who-has 198.51.100.1 tell 198.51.100.2");
    // And an answer to who is on the other wire.
    rig.interface = first;
    let _ = rig.receive_packet(&echo_request([198, 51, 100, 9].into(), OUR_V4.into(), 8));
    assert_eq!(rig.drops(DropReason::NoRoute), 1);
}

#[test]
fn a_weak_host_sends_from_any_address() {
    let (mut rig, ..) = two_wires(true);
    let handle = rig.udp_bind("198.51.100.2:5000");
    rig.udp_send(handle, b"hello", "192.0.2.1:9").unwrap();
    insta::assert_snapshot!(rig.sent(), @"> 198.51.100.2:5000 > 192.0.2.1:9 udp (5)");
}

#[test]
fn sockets_on_different_interfaces_share_a_port() {
    let (mut rig, first, second) = two_wires(false);
    let on = |interface| UdpOptions { interface, ..UdpOptions::default() };
    let local = socket("0.0.0.0:67");
    let any = rig.stack.udp_bind(local, on(None)).unwrap();
    let one = rig.stack.udp_bind(local, on(Some(first))).unwrap();
    let two = rig.stack.udp_bind(local, on(Some(second))).unwrap();
    assert!(rig.stack.udp_bind(local, on(Some(second))).is_err());
    let _ = rig.receive_packet(&udp_packet(socket("192.0.2.1:68"), socket("192.0.2.2:67"), b"first"));
    assert_eq!([any, one, two].map(|handle| rig.udp_received(handle).len()), [0, 1, 0]);
    rig.stack.udp_release(one).unwrap();
    let _ = rig.receive_packet(&udp_packet(socket("192.0.2.1:68"), socket("192.0.2.2:67"), b"first"));
    assert_eq!([any, two].map(|handle| rig.udp_received(handle).len()), [1, 0]);
    // What it sends leaves there, and nowhere else.
    rig.stack.udp(two).unwrap().set_broadcast(true);
    assert_eq!(rig.udp_send(two, b"hello", "192.0.2.1:9"), Err(UdpSendError::NoRoute));
    rig.udp_send(two, b"hello", "255.255.255.255:9").unwrap();
    rig.interface = second;
    insta::assert_snapshot!(rig.sent(), @"> 198.51.100.2:67 > 255.255.255.255:9 udp (5)");
}
