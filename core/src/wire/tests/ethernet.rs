use alloc::string::ToString;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use rstest::rstest;

use super::samples::ARP_REQUEST;
use crate::error::DropReason;
use crate::wire::arp::{ArpHeader, ArpOperation, ArpPacket};
use crate::wire::ethernet::{EtherType, EthernetAddress, EthernetFrame, EthernetHeader};

const FRAME: [u8; 16] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0xaa, 0xbb];

#[test]
fn fields_and_round_trip() {
    let frame = EthernetFrame::parse(&FRAME).unwrap();
    let header = EthernetHeader {
        dst: EthernetAddress([2, 0, 0, 0, 0, 2]),
        src: EthernetAddress([2, 0, 0, 0, 0, 1]),
        ethertype: EtherType::Ipv4,
    };
    assert_eq!(frame.header(), header);
    assert_eq!(frame.payload(), [0xaa, 0xbb]);
    let mut out = Vec::new();
    header.emit(&mut out);
    assert_eq!(out, FRAME[..14]);
}

#[test]
fn every_truncation_is_refused() {
    for len in 0..14 {
        let error = EthernetFrame::parse(&FRAME[..len]).err();
        assert_eq!(error, Some(DropReason::EthernetTruncated), "{len} bytes");
    }
    assert!(EthernetFrame::parse(&FRAME[..14]).is_ok());
}

#[rstest]
#[case(0x0000, Some(DropReason::EthernetLength))]
#[case(46, Some(DropReason::EthernetLength))]
#[case(0x05ff, Some(DropReason::EthernetLength))]
#[case(0x0600, None)]
#[case(0xffff, None)]
fn a_length_is_no_type(#[case] field: u16, #[case] error: Option<DropReason>) {
    let mut frame = FRAME;
    frame[12..14].copy_from_slice(&field.to_be_bytes());
    assert_eq!(EthernetFrame::parse(&frame).err(), error);
}

#[rstest]
#[case("02:00:00:00:00:ff", Some([2, 0, 0, 0, 0, 0xff]))]
#[case("2-0-0-0-A-b", Some([2, 0, 0, 0, 10, 11]))]
#[case("", None)]
#[case("02:00:00:00:00", None)]
#[case("02:00:00:00:00:01:02", None)]
#[case("02:00:00:00:00:100", None)]
#[case("02:00:00:00:00:+1", None)]
#[case("02:00:00:00:00:", None)]
#[case("02:00-00:00:00:01", None)]
#[case("zz:00:00:00:00:01", None)]
fn addresses_as_text(#[case] text: &str, #[case] octets: Option<[u8; 6]>) {
    match (text.parse::<EthernetAddress>(), octets) {
        (Ok(address), Some(octets)) => assert_eq!(address.0, octets),
        (Err(error), None) => assert!(error.to_string().starts_with(&alloc::format!("\"{text}\""))),
        (parsed, _) => panic!("{text}: {parsed:?}"),
    }
}

#[test]
fn addresses_print_and_tell_their_kind() {
    let station = EthernetAddress([2, 0, 0, 0, 0xab, 1]);
    assert_eq!(station.to_string(), "02:00:00:00:ab:01");
    assert!(station.is_unicast() && !station.is_multicast() && !station.is_broadcast());
    assert!(EthernetAddress::BROADCAST.is_broadcast() && EthernetAddress::BROADCAST.is_multicast());
    assert!(!EthernetAddress::UNSPECIFIED.is_unicast());
}

#[test]
fn groups_map_to_addresses() {
    // RFC 1112 section 6.4: the low 23 bits; RFC 2464 section 7: the low 32.
    let v4 = EthernetAddress::multicast_v4(Ipv4Addr::new(224, 129, 2, 251));
    assert_eq!(v4.to_string(), "01:00:5e:01:02:fb");
    let v6 = EthernetAddress::multicast_v6("ff02::1:ff12:3456".parse::<Ipv6Addr>().unwrap());
    assert_eq!(v6.to_string(), "33:33:ff:12:34:56");
}

#[test]
fn arp_fields_and_round_trip() {
    let packet = ArpPacket::parse(&ARP_REQUEST).unwrap();
    let header = ArpHeader {
        operation: ArpOperation::Request,
        sender_hardware: EthernetAddress([2, 0, 0, 0, 0, 1]),
        sender_protocol: Ipv4Addr::new(192, 0, 2, 1),
        target_hardware: EthernetAddress::UNSPECIFIED,
        target_protocol: Ipv4Addr::new(192, 0, 2, 2),
    };
    assert_eq!(packet.header(), header);
    let mut out = Vec::new();
    header.emit(&mut out);
    assert_eq!(out, ARP_REQUEST);
    out.extend_from_slice(&[0; 18]); // the padding of a minimal frame
    assert_eq!(ArpPacket::parse(&out).unwrap().header(), header);
}

#[test]
fn every_truncation_of_arp_is_refused() {
    for len in 0..ARP_REQUEST.len() {
        let error = ArpPacket::parse(&ARP_REQUEST[..len]).err();
        assert_eq!(error, Some(DropReason::ArpTruncated), "{len} bytes");
    }
}

#[rstest]
#[case::hardware_type(1, 6, DropReason::ArpType)]
#[case::protocol_type(3, 6, DropReason::ArpType)]
#[case::hardware_length(4, 8, DropReason::ArpType)]
#[case::hardware_length_zero(4, 0, DropReason::ArpType)]
#[case::protocol_length(5, 16, DropReason::ArpType)]
#[case::operation_zero(7, 0, DropReason::ArpOperation)]
#[case::operation_rarp(7, 3, DropReason::ArpOperation)]
fn arp_lies(#[case] at: usize, #[case] value: u8, #[case] reason: DropReason) {
    let mut packet = ARP_REQUEST;
    packet[at] = value;
    assert_eq!(ArpPacket::parse(&packet).err(), Some(reason));
}
