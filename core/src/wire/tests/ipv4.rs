use alloc::vec::Vec;
use core::net::Ipv4Addr;

use rstest::rstest;

use super::samples;
use crate::error::DropReason;
use crate::wire::ipv4::{self, IpProtocol, Ipv4Header, Ipv4Option, Ipv4Packet};

#[test]
fn fields_and_round_trip() {
    let bytes = samples::ipv4();
    let packet = Ipv4Packet::parse(&bytes).unwrap();
    assert!(packet.verify_checksum());
    assert_eq!((packet.dscp(), packet.ecn()), (46, 1)); // expedited forwarding, ECT(1)
    assert_eq!(packet.payload(), [1, 2, 3, 4]);
    let header = Ipv4Header {
        tos: 0xb9,
        payload_len: 4,
        id: 0x1234,
        dont_fragment: true,
        more_fragments: false,
        fragment_offset: 0,
        ttl: 64,
        protocol: IpProtocol::UDP,
        src: Ipv4Addr::new(192, 0, 2, 1),
        dst: Ipv4Addr::new(192, 0, 2, 2),
    };
    assert_eq!(packet.header(), header);
    let mut out = Vec::new();
    header.emit(&mut out);
    assert_eq!(out, bytes[..20]);
}

#[test]
fn padding_of_the_frame_is_left_out() {
    let mut bytes = samples::ipv4();
    bytes.extend_from_slice(&[0xee; 22]);
    assert_eq!(Ipv4Packet::parse(&bytes).unwrap().payload(), [1, 2, 3, 4]);
}

#[test]
fn every_truncation_is_refused() {
    let bytes = samples::ipv4();
    for len in 0..bytes.len() {
        let reason = if len < 20 { DropReason::Ipv4Truncated } else { DropReason::Ipv4TotalLength };
        assert_eq!(Ipv4Packet::parse(&bytes[..len]).err(), Some(reason), "{len} bytes");
    }
}

#[rstest]
#[case::version_6(0, 0x65, DropReason::Ipv4Version)]
#[case::version_0(0, 0x05, DropReason::Ipv4Version)]
#[case::ihl_0(0, 0x40, DropReason::Ipv4HeaderLength)]
#[case::ihl_4(0, 0x44, DropReason::Ipv4HeaderLength)]
#[case::ihl_beyond_the_packet(0, 0x4f, DropReason::Ipv4HeaderLength)]
#[case::total_length_0(3, 0, DropReason::Ipv4TotalLength)]
#[case::total_length_below_the_header(3, 19, DropReason::Ipv4TotalLength)]
#[case::total_length_beyond_the_frame(3, 25, DropReason::Ipv4TotalLength)]
#[case::total_length_far_beyond(2, 0xff, DropReason::Ipv4TotalLength)]
fn lies(#[case] at: usize, #[case] value: u8, #[case] reason: DropReason) {
    let mut bytes = samples::ipv4();
    bytes[at] = value;
    assert_eq!(Ipv4Packet::parse(&bytes).err(), Some(reason));
}

#[test]
fn total_length_inside_the_options_is_refused() {
    let mut bytes = samples::ipv4();
    bytes[0] = 0x46;
    bytes[3] = 23;
    assert_eq!(Ipv4Packet::parse(&bytes).err(), Some(DropReason::Ipv4TotalLength));
}

#[test]
fn a_quote_may_be_cut_but_not_in_its_header() {
    let bytes = samples::ipv4();
    let packet = Ipv4Packet::parse_quoted(&bytes[..22]).unwrap();
    assert_eq!((packet.total_len(), packet.payload()), (24, &[1, 2][..]));
    assert!(Ipv4Packet::parse_quoted(&bytes[..19]).is_err());
}

#[test]
fn every_wrong_bit_in_the_header_shows_in_the_checksum() {
    for bit in 0..160 {
        let mut bytes = samples::ipv4();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(packet) = Ipv4Packet::parse(&bytes) {
            assert!(!packet.verify_checksum(), "bit {bit}");
        }
    }
}

#[test]
fn fragments() {
    let mut header = Ipv4Packet::parse(&samples::ipv4()).unwrap().header();
    header.dont_fragment = false;
    header.more_fragments = true;
    header.fragment_offset = 65_528;
    let mut out = Vec::new();
    header.emit(&mut out);
    out.extend_from_slice(&[0; 4]);
    assert_eq!(out[6..8], [0x3f, 0xff]);
    let packet = Ipv4Packet::parse(&out).unwrap();
    assert!(packet.is_fragment() && packet.verify_checksum());
    assert_eq!(packet.header(), header);
}

#[test]
fn options_are_walked_and_padded() {
    let header = Ipv4Header { payload_len: 0, ..Ipv4Packet::parse(&samples::ipv4()).unwrap().header() };
    let mut out = Vec::new();
    header.emit_with_options(&[1, 148, 4, 0, 0], &mut out); // NOP, router alert
    assert_eq!(out.len(), 28);
    let packet = Ipv4Packet::parse(&out).unwrap();
    assert!(packet.verify_checksum());
    let options: Vec<_> = packet.options().collect();
    assert_eq!(options, [Ok(Ipv4Option { kind: Ipv4Option::ROUTER_ALERT, data: &[0, 0] })]);
}

#[rstest]
#[case::length_0(&[7, 0, 0, 0])]
#[case::length_1(&[7, 1, 0, 0])]
#[case::length_beyond_the_header(&[7, 5, 0, 0])]
#[case::kind_in_the_last_byte(&[1, 1, 1, 7])]
fn option_lies(#[case] options: &[u8]) {
    let header = Ipv4Header { payload_len: 0, ..Ipv4Packet::parse(&samples::ipv4()).unwrap().header() };
    let mut out = Vec::new();
    header.emit_with_options(options, &mut out);
    let packet = Ipv4Packet::parse(&out).unwrap();
    let walked: Vec<_> = packet.options().collect();
    assert_eq!(walked, [Err(DropReason::Ipv4Option)]);
}

#[test]
fn a_changed_field_gets_a_new_checksum() {
    let mut bytes = samples::ipv4();
    bytes[ipv4::ID_OFFSET] ^= 0xff;
    ipv4::fill_checksum(&mut bytes);
    assert!(Ipv4Packet::parse(&bytes).unwrap().verify_checksum());
    ipv4::fill_checksum(&mut bytes[..3]); // too short: left alone
}
