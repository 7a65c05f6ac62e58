//! The MTU of a link and our hardware address on it, set while the stack runs (RFC 826, RFC 5227 section 2.3,
//! RFC 4861 section 7.2.6, RFC 8200 section 5).

use alloc::vec::Vec;
use core::net::Ipv4Addr;
use core::time::Duration;
use rstest::rstest;

use super::rig::*;
use crate::error::{AddInterfaceError, HardwareAddressError, MtuError};
use crate::wire::arp::ArpOperation;
use crate::wire::ethernet::EthernetAddress;
use crate::wire::icmpv4::Icmpv4Header;
use crate::{
    AddressSettings, Capabilities, Config, DropReason, InterfaceAddress, InterfaceConfig, InterfaceId, Route, Verdict,
};

const V4: InterfaceAddress = InterfaceAddress::v4(Ipv4Addr::new(203, 0, 113, 2), 24);
const NEW_MAC: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 0x77]);

fn set_mtu(rig: &mut Rig, mtu: u16) -> Result<(), MtuError> {
    rig.stack.set_mtu(rig.now, rig.interface, mtu)
}

fn lengths(rig: &mut Rig) -> Vec<usize> {
    rig.frames().iter().map(Vec::len).collect()
}

#[rstest]
#[case::least_without_ipv6(ethernet_v4(), 576, Ok(()))]
#[case::below(ethernet_v4(), 575, Err(MtuError::TooSmall))]
#[case::largest(ethernet_v4(), 65_521, Ok(()))]
#[case::above(ethernet_v4(), 65_522, Err(MtuError::TooLarge))]
#[case::largest_bare(InterfaceConfig::ip(Capabilities::plain(1500), [V4]), 65_535, Ok(()))]
#[case::largest_loopback(InterfaceConfig::loopback(), 65_535, Ok(()))]
#[case::loopback_has_ipv6(InterfaceConfig::loopback(), 1279, Err(MtuError::TooSmall))]
fn limits_by_medium(#[case] config: InterfaceConfig, #[case] mtu: u16, #[case] expected: Result<(), MtuError>) {
    let mut rig = Rig::new();
    rig.add_interface(config);
    let before = capabilities(&rig).mtu;
    assert_eq!(set_mtu(&mut rig, mtu), expected);
    assert_eq!(capabilities(&rig).mtu, if expected.is_ok() { mtu } else { before });
}

fn ethernet_v4() -> InterfaceConfig {
    InterfaceConfig::new(NEW_MAC, Capabilities::plain(1500), [V4]).unverified()
}

fn capabilities(rig: &Rig) -> Capabilities {
    rig.stack.interfaces().find(|info| info.id == rig.interface).unwrap().capabilities
}

#[test]
fn ipv6_needs_1280() {
    let mut rig = Rig::new();
    assert_eq!(set_mtu(&mut rig, 1279), Err(MtuError::TooSmall));
    assert_eq!(set_mtu(&mut rig, 1280), Ok(()));
    // One that forms its addresses itself is about to have some.
    rig.add_interface(InterfaceConfig { ipv6_autoconfiguration: true, ..ethernet_v4() });
    assert_eq!(set_mtu(&mut rig, 1279), Err(MtuError::TooSmall));
}

#[test]
fn no_interface_begins_with_more_than_its_medium_carries() {
    let mut rig = Rig::new();
    let config = InterfaceConfig { capabilities: Capabilities::plain(65_522), ..ethernet_v4() };
    assert_eq!(rig.stack.add_interface(rig.now, config), Err(AddInterfaceError::MtuTooLarge));
    assert_eq!(rig.stack.set_mtu(rig.now, InterfaceId(9), 1500), Err(MtuError::NoInterface));
}

/// What is sent from here on fits; what a router has told of a path is not forgotten.
#[test]
fn paths_follow_their_link() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    rig.stack.add_route(Route::via("0.0.0.0".parse().unwrap(), 0, PEER_V4.into(), rig.interface)).unwrap();
    let handle = rig.udp_bind("0.0.0.0:5000");
    let far = "198.51.100.1:7";
    rig.udp_send(handle, &[0; 1472], far).unwrap();
    let packet = rig.frames().remove(0).split_off(14);
    let header = Icmpv4Header::DestinationUnreachable { code: 4, next_hop_mtu: 1400 };
    let _ = rig.receive_packet(&icmpv4_packet(PEER_V4, OUR_V4, header, &packet[..28]));
    assert_eq!(rig.stack.path_mtu(socket(far).ip()), Some(1400));

    set_mtu(&mut rig, 1300).unwrap();
    assert_eq!(rig.stack.path_mtu(socket(far).ip()), Some(1300));
    rig.udp_send(handle, &[0; 1472], far).unwrap();
    assert_eq!(lengths(&mut rig), [14 + 20 + 1280, 14 + 20 + 200]);

    set_mtu(&mut rig, 9000).unwrap();
    assert_eq!(rig.stack.path_mtu(socket(far).ip()), Some(1400));
    assert_eq!(rig.stack.path_mtu(PEER_V4.into()), Some(9000));
    rig.udp_send(handle, &[0; 8972], "192.0.2.1:9").unwrap();
    assert_eq!(lengths(&mut rig), [14 + 9000]);
}

/// What waited for its neighbor when the link became narrower leaves in pieces.
#[test]
fn what_waits_fits_too() {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:5000");
    rig.udp_send(handle, &[0; 1472], "192.0.2.1:9").unwrap();
    rig.discard();
    set_mtu(&mut rig, 1280).unwrap();
    let _ = rig.receive(&arp(ArpOperation::Reply, PEER_MAC, PEER_V4, OUR_MAC, OUR_V4, OUR_MAC));
    assert_eq!(lengths(&mut rig), [14 + 20 + 1256, 14 + 20 + 224]);
}

/// A neighbor that has not been told of the smaller MTU is heard on.
#[test]
fn frames_arrive_as_long_as_they_ever_could_be() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    set_mtu(&mut rig, 1280).unwrap();
    let ping = |len: usize| echo_request(PEER_V4.into(), OUR_V4.into(), len);
    assert_eq!(rig.receive_packet(&ping(1472)), Verdict::Accepted);
    assert_eq!(rig.receive_packet(&ping(1473)), Verdict::Dropped(DropReason::FrameTooLong));
    set_mtu(&mut rig, 2000).unwrap();
    assert_eq!(rig.receive_packet(&ping(1972)), Verdict::Accepted);
}

fn set_hardware_address(rig: &mut Rig, hardware: EthernetAddress) -> Result<(), HardwareAddressError> {
    rig.stack.set_hardware_address(rig.now, rig.interface, hardware)
}

/// Twice by ARP, three times by Neighbor Advertisements that override, a second apart.
#[test]
fn a_new_hardware_address_is_told() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    set_hardware_address(&mut rig, NEW_MAC).unwrap();
    insta::assert_snapshot!(rig.pass(Duration::from_mins(1)), @r"
    +0ms > arp who-has 192.0.2.2 tell 192.0.2.2
    +0ms > 2001:db8::2 > ff02::1 icmp6 neighbor advertisement target 2001:db8::2 is-at 02:00:00:00:00:77 override
    +1000ms > 2001:db8::2 > ff02::1 icmp6 neighbor advertisement target 2001:db8::2 is-at 02:00:00:00:00:77 override
    +2000ms > arp who-has 192.0.2.2 tell 192.0.2.2
    +2000ms > 2001:db8::2 > ff02::1 icmp6 neighbor advertisement target 2001:db8::2 is-at 02:00:00:00:00:77 override
    ");
}

#[test]
fn it_is_used_at_once() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    // What is so already stays so, and is no news.
    set_hardware_address(&mut rig, OUR_MAC).unwrap();
    assert_eq!(rig.sent(), "");
    set_hardware_address(&mut rig, NEW_MAC).unwrap();
    let told = rig.frames();
    assert!(told.iter().all(|frame| stations(frame).1 == NEW_MAC));
    let all = [EthernetAddress::BROADCAST, EthernetAddress([0x33, 0x33, 0, 0, 0, 1])];
    assert_eq!(told.iter().map(|frame| stations(frame).0).collect::<Vec<_>>(), all);
    let ping = echo_request(PEER_V4.into(), OUR_V4.into(), 8);
    assert_eq!(rig.receive_packet(&ping), Verdict::Dropped(DropReason::EthernetNotOurs));
    assert_eq!(rig.receive(&ethernet(NEW_MAC, PEER_MAC, &ping)), Verdict::Accepted);
    assert_eq!(stations(&rig.frames()[0]), (PEER_MAC, NEW_MAC));
    assert_eq!(rig.stack.interfaces().next().unwrap().hardware_address, NEW_MAC);
}

/// As `ip link set address` wants it: told once the link is up, after the addresses have been verified.
#[test]
fn on_a_link_that_is_down() {
    let mut rig = Rig::new();
    let addresses = [V4, InterfaceAddress::v6("2001:db8:1::2".parse().unwrap(), 64)];
    rig.add_interface(InterfaceConfig::new(OUR_MAC, Capabilities::plain(1500), addresses));
    rig.pass(Duration::from_secs(10));
    rig.stack.set_link(rig.now, rig.interface, false).unwrap();
    set_hardware_address(&mut rig, NEW_MAC).unwrap();
    assert_eq!(rig.pass(Duration::from_secs(10)), "");
    rig.stack.set_link(rig.now, rig.interface, true).unwrap();
    insta::assert_snapshot!(rig.pass(Duration::from_mins(1)), @r"
    +0ms > arp who-has 203.0.113.2 tell 0.0.0.0
    +300ms > arp who-has 203.0.113.2 tell 203.0.113.2
    +651ms > :: > ff02::1:ff00:2 icmp6 neighbor solicitation target 2001:db8:1::2
    +2000ms > arp who-has 203.0.113.2 tell 203.0.113.2
    +2000ms > 2001:db8:1::2 > ff02::1 icmp6 neighbor advertisement target 2001:db8:1::2 is-at 02:00:00:00:00:77 override
    +2300ms > arp who-has 203.0.113.2 tell 203.0.113.2
    +3000ms > 2001:db8:1::2 > ff02::1 icmp6 neighbor advertisement target 2001:db8:1::2 is-at 02:00:00:00:00:77 override
    +4000ms > arp who-has 203.0.113.2 tell 203.0.113.2
    +4000ms > 2001:db8:1::2 > ff02::1 icmp6 neighbor advertisement target 2001:db8:1::2 is-at 02:00:00:00:00:77 override
    ");
}

/// RFC 4429 section 3.3: an address that may be another's overrides nothing; it is told after it has been verified.
#[test]
fn addresses_that_are_being_verified_are_told_later() {
    let config = Config { address: AddressSettings::default(), ..Config::default() };
    let mut rig = Rig::with(config, Capabilities::plain(1500));
    let addresses = [InterfaceAddress::v6("2001:db8:1::2".parse().unwrap(), 64)];
    rig.add_interface(InterfaceConfig::new(OUR_MAC, Capabilities::plain(1500), addresses));
    set_hardware_address(&mut rig, NEW_MAC).unwrap();
    let sent = rig.pass(Duration::from_mins(1));
    insta::assert_snapshot!(sent, @r"
    +295ms > :: > ff02::1:ff00:2 icmp6 neighbor solicitation target 2001:db8:1::2
    +2000ms > 2001:db8:1::2 > ff02::1 icmp6 neighbor advertisement target 2001:db8:1::2 is-at 02:00:00:00:00:77 override
    +3000ms > 2001:db8:1::2 > ff02::1 icmp6 neighbor advertisement target 2001:db8:1::2 is-at 02:00:00:00:00:77 override
    +4000ms > 2001:db8:1::2 > ff02::1 icmp6 neighbor advertisement target 2001:db8:1::2 is-at 02:00:00:00:00:77 override
    ");
}

#[rstest]
#[case::a_group(None, EthernetAddress([1, 0, 0, 0, 0, 1]), HardwareAddressError::Group)]
#[case::everybody(None, EthernetAddress::BROADCAST, HardwareAddressError::Group)]
#[case::bare(Some(InterfaceConfig::ip(Capabilities::plain(1500), [V4])), NEW_MAC, HardwareAddressError::NotEthernet)]
#[case::loopback(Some(InterfaceConfig::loopback()), NEW_MAC, HardwareAddressError::NotEthernet)]
fn hardware_addresses_that_are_refused(
    #[case] config: Option<InterfaceConfig>,
    #[case] hardware: EthernetAddress,
    #[case] expected: HardwareAddressError,
) {
    let mut rig = Rig::new();
    if let Some(config) = config {
        rig.add_interface(config);
    }
    assert_eq!(set_hardware_address(&mut rig, hardware), Err(expected));
    let nowhere = rig.stack.set_hardware_address(rig.now, InterfaceId(9), NEW_MAC);
    assert_eq!(nowhere, Err(HardwareAddressError::NoInterface));
    assert_eq!(rig.pass(Duration::from_secs(5)), "");
}
