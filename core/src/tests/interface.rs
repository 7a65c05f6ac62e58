//! Interfaces and addresses: what is refused, and how many there may be.

use rstest::rstest;
use smallvec::SmallVec;

use super::rig::*;
use crate::error::{AddInterfaceError, AddressError, InterfaceError, SocketError, UdpSendError};
use crate::wire::ethernet::EthernetAddress;
use crate::{
    Capabilities, ConnectOptions, DropReason, InterfaceAddress, InterfaceConfig, Limits, Route, Rule, Traffic,
    UdpOptions, Verdict,
};

fn address(text: &str, prefix_len: u8) -> InterfaceAddress {
    InterfaceAddress { address: text.parse().unwrap(), prefix_len }
}

/// A second interface, with one address.
fn second(mtu: u16, own: InterfaceAddress) -> InterfaceConfig {
    InterfaceConfig::new(EthernetAddress([2, 0, 0, 0, 1, 2]), Capabilities::plain(mtu), [own]).unverified()
}

#[rstest]
#[case::multicast(address("224.0.0.1", 24))]
#[case::limited_broadcast(address("255.255.255.255", 32))]
#[case::the_subnets_broadcast(address("192.0.2.255", 24))]
#[case::unspecified(address("0.0.0.0", 0))]
#[case::prefix_too_long(address("10.0.0.1", 33))]
#[case::ipv6_multicast(address("ff02::1", 64))]
#[case::ipv6_unspecified(address("::", 64))]
#[case::ipv6_prefix_too_long(address("2001:db8::9", 129))]
fn addresses_that_no_interface_can_have(#[case] own: InterfaceAddress) {
    let mut rig = Rig::new();
    assert_eq!(rig.stack.add_interface(rig.now, second(1500, own)), Err(AddInterfaceError::BadAddress));
    assert_eq!(rig.stack.add_address(rig.now, rig.interface, own), Err(AddressError::BadAddress));
}

/// RFC 3021: with 31 bits both addresses are hosts; with 32 there is nobody else.
#[rstest]
#[case(address("10.0.0.1", 31))]
#[case(address("10.0.0.0", 31))]
#[case(address("10.0.0.255", 32))]
#[case(address("2001:db8::9", 128))]
fn addresses_at_the_edge(#[case] own: InterfaceAddress) {
    let mut rig = Rig::new();
    rig.stack.add_interface(rig.now, second(1500, own)).unwrap();
}

/// RFC 791 section 3.2: 576 bytes; RFC 8200 section 5: 1,280.
#[rstest]
#[case(575, "10.0.0.1", false)]
#[case(576, "10.0.0.1", true)]
#[case(1279, "2001:db8::9", false)]
#[case(1280, "2001:db8::9", true)]
fn the_smallest_mtu(#[case] mtu: u16, #[case] own: &str, #[case] accepted: bool) {
    let mut rig = Rig::new();
    let added = rig.stack.add_interface(rig.now, second(mtu, address(own, 24)));
    assert_eq!(added.err(), (!accepted).then_some(AddInterfaceError::MtuTooSmall));
}

#[test]
fn an_ipv6_address_needs_the_mtu_too() {
    let mut rig = Rig::new();
    let small = rig.stack.add_interface(rig.now, second(576, address("10.0.0.1", 24))).unwrap();
    assert_eq!(rig.stack.add_address(rig.now, small, address("2001:db8::9", 64)), Err(AddressError::MtuTooSmall));
}

#[test]
fn a_group_is_no_hardware_address() {
    let mut rig = Rig::new();
    let config =
        InterfaceConfig { hardware_address: EthernetAddress::BROADCAST, ..second(1500, address("10.0.0.1", 24)) };
    assert_eq!(rig.stack.add_interface(rig.now, config), Err(AddInterfaceError::GroupHardwareAddress));
}

#[test]
fn as_many_as_the_limits_say() {
    let mut rig = Rig::limited(Limits { interfaces: 2, addresses: 3, ..Limits::default() });
    let addresses: SmallVec<_> = (1..=4).map(|n| InterfaceAddress::v4([10, 0, 0, n].into(), 24)).collect();
    let four = InterfaceConfig { addresses, ..second(1500, address("10.0.0.1", 24)) };
    assert_eq!(rig.stack.add_interface(rig.now, four), Err(AddInterfaceError::TooManyAddresses));
    rig.stack.add_interface(rig.now, second(1500, address("10.0.0.1", 24))).unwrap();
    assert_eq!(
        rig.stack.add_interface(rig.now, second(1500, address("10.1.0.1", 24))),
        Err(AddInterfaceError::LimitReached)
    );

    rig.stack.add_address(rig.now, rig.interface, address("192.0.2.3", 24)).unwrap();
    assert_eq!(
        rig.stack.add_address(rig.now, rig.interface, address("192.0.2.4", 24)),
        Err(AddressError::LimitReached)
    );
    assert_eq!(rig.stack.add_address(rig.now, rig.interface, address("192.0.2.3", 24)), Err(AddressError::Exists));
}

#[test]
fn a_removed_address_hears_nothing_and_takes_its_route_along() {
    let mut rig = Rig::new();
    let second = address("192.0.2.3", 24);
    rig.stack.add_address(rig.now, rig.interface, second).unwrap();
    rig.stack.remove_address(rig.now, rig.interface, OUR_V4.into()).unwrap();
    assert_eq!(rig.stack.remove_address(rig.now, rig.interface, OUR_V4.into()), Err(AddressError::Missing));
    let ping = echo_request(PEER_V4.into(), OUR_V4.into(), 8);
    assert_eq!(rig.receive_packet(&ping), Verdict::Dropped(DropReason::Ipv4NotOurs));
    let is_v4 = |route: &&Route| route.prefix.is_ipv4();
    assert_eq!(rig.stack.routes().filter(is_v4).count(), 1, "the other address shares the prefix");
    rig.stack.remove_address(rig.now, rig.interface, second.address).unwrap();
    assert_eq!(rig.stack.routes().filter(is_v4).count(), 0);
}

#[test]
fn an_answer_leaves_by_the_interface_that_the_routes_name() {
    let config = crate::Config { weak_host: true, ..crate::Config::default() };
    let mut rig = Rig::with(config, Capabilities::plain(1500));
    let other = rig.stack.add_interface(rig.now, second(1280, address("10.0.0.1", 24))).unwrap();
    // The asker is on the second interface's link, but its request comes in on the first.
    for (len, ready) in [(8, 1), (1400, 2)] {
        let _ = rig.receive_packet(&echo_request([10, 0, 0, 9].into(), OUR_V4.into(), len));
        assert!(rig.stack.interfaces_ready().eq([other]));
        rig.interface = other;
        insta::allow_duplicates! {
            if len == 8 {
                insta::assert_snapshot!(rig.sent(), @"> arp who-has 10.0.0.9 tell 10.0.0.1");
                let reply = arp(
                    crate::wire::arp::ArpOperation::Reply,
                    PEER_MAC,
                    [10, 0, 0, 9].into(),
                    EthernetAddress([2, 0, 0, 0, 1, 2]),
                    [10, 0, 0, 1].into(),
                    EthernetAddress([2, 0, 0, 0, 1, 2]),
                );
                assert_eq!(rig.receive(&reply), Verdict::Accepted);
            }
        }
        // A reply that the second interface's MTU has no room for leaves in fragments.
        assert_eq!(rig.frames().len(), ready);
        rig.interface = rig.stack.interfaces().next().unwrap().id;
    }
}

/// What used the address is told, and the peer of a connection too.
#[test]
fn a_removed_address_ends_its_connections() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let (us, peer) = (socket("192.0.2.2:40000"), socket("192.0.2.1:7"));
    let options = ConnectOptions { local: Some(us), settings: None };
    let handle = rig.stack.tcp_connect(rig.now, peer, options).unwrap();
    let syn = rig.frames().remove(0);
    let ack = u32::from_be_bytes([syn[38], syn[39], syn[40], syn[41]]).wrapping_add(1);
    let _ = rig.receive_packet(&tcp_packet(peer, us, &alloc::format!("S. 0:0(0) ack {ack} win 65535"), b""));
    rig.discard();
    let (bound, free) = (rig.udp_bind("192.0.2.2:5000"), rig.udp_bind("0.0.0.0:5001"));
    rig.stack.remove_address(rig.now, rig.interface, OUR_V4.into()).unwrap();
    assert!(rig.sent().contains("192.0.2.2:40000 > 192.0.2.1:7 tcp R "), "the peer learns of it");
    assert_eq!(rig.stack.tcp(handle).unwrap().take_error(), Some(SocketError::AddressLost));
    assert_eq!((rig.udp_error(bound), rig.udp_error(free)), (Some(SocketError::AddressLost), None));
    // An address that comes back is heard by the socket that is still bound to it.
    rig.stack.add_address(rig.now, rig.interface, address("192.0.2.2", 24)).unwrap();
    rig.introduce_peer();
    let _ = rig.receive_packet(&udp_packet(peer, socket("192.0.2.2:5000"), b"hello"));
    assert_eq!(rig.udp_received(bound), [5]);
}

#[test]
fn a_removed_interface_takes_everything_along() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let first = rig.interface;
    let gone = rig.add_interface(second(1500, address("10.0.0.1", 24)).unverified());
    let default = Route::via("0.0.0.0".parse().unwrap(), 0, "10.0.0.9".parse().unwrap(), gone);
    rig.stack.add_route(default).unwrap();
    rig.stack.add_rule(Rule { interface: Some(gone), ..Rule::new(1, 7) }).unwrap();
    let bound = UdpOptions { interface: Some(gone), ..UdpOptions::default() };
    let bound = rig.stack.udp_bind(socket("0.0.0.0:5000"), bound).unwrap();
    let connection = rig.stack.tcp_connect(rig.now, socket("203.0.113.1:80"), ConnectOptions::default()).unwrap();
    assert_eq!(rig.frames().len(), 1, "the question for the gateway");
    rig.stack.remove_interface(rig.now, gone).unwrap();
    assert_eq!(rig.stack.remove_interface(rig.now, gone), Err(InterfaceError::NoInterface));
    assert_eq!(rig.stack.tcp(connection).unwrap().take_error(), Some(SocketError::AddressLost));
    assert!(rig.stack.interfaces().all(|info| info.id == first));
    assert!(rig.stack.routes().all(|route| route.interface() == Some(first)));
    assert_eq!((rig.stack.rules().count(), rig.stack.neighbors().count()), (0, 2));
    assert_eq!(rig.receive(&[0; 60]), Verdict::Dropped(DropReason::InterfaceUnknown));
    assert_eq!(rig.udp_send(bound, b"hello", "192.0.2.1:9"), Err(UdpSendError::NoRoute));
    // Its number means no other interface from now on.
    let next = rig.stack.add_interface(rig.now, second(1500, address("10.0.0.1", 24)).unverified()).unwrap();
    assert_ne!(next, gone);
    rig.interface = first;
    assert_eq!(rig.pass(core::time::Duration::from_secs(10)), "");
}

/// Frames, bytes and drops are counted where they came in or left, and for the whole stack.
#[test]
fn each_interface_counts_what_passes_it() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let ours = rig.interface;
    let other = rig.add_interface(second(1500, address("198.51.100.2", 24)));
    rig.interface = ours;
    let before = |rig: &Rig, id| rig.stack.interfaces().find(|own| own.id == id).unwrap().traffic;
    let first = before(&rig, rig.interface);
    let ping = echo_request("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap(), 56);
    assert_eq!(rig.receive_packet(&ping), Verdict::Accepted);
    let answers = rig.frames();
    let mut damaged = ping.clone();
    damaged[10] ^= 1;
    assert_eq!(rig.receive_packet(&damaged), Verdict::Dropped(DropReason::Ipv4Checksum));

    let traffic = before(&rig, rig.interface);
    assert_eq!(traffic.frames_received - first.frames_received, 2);
    assert_eq!(traffic.bytes_received - first.bytes_received, 2 * (14 + 84));
    assert_eq!((traffic.frames_sent - first.frames_sent, answers.len()), (1, 1));
    assert_eq!(traffic.bytes_sent - first.bytes_sent, 14 + 84);
    assert_eq!(before(&rig, other), Traffic::default());
    let dropped = |rig: &Rig, id| {
        let mut drops = rig.stack.interface_drops(id);
        drops.find(|(reason, _)| *reason == DropReason::Ipv4Checksum).unwrap().1
    };
    assert_eq!([dropped(&rig, rig.interface), dropped(&rig, other), rig.drops(DropReason::Ipv4Checksum)], [1, 0, 1]);
}

/// So does the loopback interface, on which what leaves comes in.
#[test]
fn the_loopback_interface_counts_both_ways() {
    let mut rig = Rig::new();
    let loopback = rig.add_interface(InterfaceConfig::loopback());
    let handle = rig.udp_bind("127.0.0.1:7");
    rig.udp_send(handle, b"to myself", "127.0.0.1:7").unwrap();
    rig.loop_back();
    let traffic = rig.stack.interfaces().find(|own| own.id == loopback).unwrap().traffic;
    let (frames, bytes) = (1, 20 + 8 + 9);
    let expected = Traffic { frames_received: frames, bytes_received: bytes, frames_sent: frames, bytes_sent: bytes };
    assert_eq!(traffic, expected);
}
