use alloc::vec::Vec;
use core::net::Ipv4Addr;

use rstest::rstest;

use super::samples::UDP;
use crate::error::DropReason;
use crate::wire::checksum::Sum;
use crate::wire::ipv4::IpProtocol;
use crate::wire::udp::{self, UdpDatagram, UdpHeader};

fn pseudo_header(len: usize) -> Sum {
    let (src, dst) = (Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2));
    Sum::pseudo_header_v4(src, dst, IpProtocol::UDP, len)
}

#[test]
fn fields_and_round_trip() {
    let datagram = UdpDatagram::parse(&UDP).unwrap();
    let header = UdpHeader { src_port: 1000, dst_port: 7, payload_len: 5 };
    assert_eq!(datagram.header(), header);
    assert_eq!(datagram.payload(), b"hello");
    let mut out = Vec::new();
    header.emit(&mut out);
    assert_eq!(out, UDP[..8]);
}

#[test]
fn what_lies_beyond_the_length_is_left_out() {
    let mut bytes = UDP.to_vec();
    bytes.push(0xee);
    assert_eq!(UdpDatagram::parse(&bytes).unwrap().payload(), b"hello");
}

#[test]
fn every_truncation_is_refused() {
    for len in 0..UDP.len() {
        let error = UdpDatagram::parse(&UDP[..len]).err();
        assert_eq!(error, Some(DropReason::UdpTruncated), "{len} bytes");
    }
}

#[rstest]
#[case(0, DropReason::UdpLength)]
#[case(7, DropReason::UdpLength)]
#[case(14, DropReason::UdpTruncated)]
#[case(0xffff, DropReason::UdpTruncated)]
fn length_lies(#[case] length: u16, #[case] reason: DropReason) {
    let mut bytes = UDP;
    bytes[4..6].copy_from_slice(&length.to_be_bytes());
    assert_eq!(UdpDatagram::parse(&bytes).err(), Some(reason));
}

#[test]
fn checksum_filled_verified_and_absent() {
    let mut bytes = UDP;
    assert!(UdpDatagram::parse(&bytes).unwrap().has_no_checksum());
    assert!(!UdpDatagram::parse(&bytes).unwrap().verify_checksum(pseudo_header(13)));
    udp::fill_checksum(pseudo_header(13), &mut bytes);
    let datagram = UdpDatagram::parse(&bytes).unwrap();
    assert!(datagram.verify_checksum(pseudo_header(13)) && !datagram.has_no_checksum());
    bytes[12] ^= 1;
    assert!(!UdpDatagram::parse(&bytes).unwrap().verify_checksum(pseudo_header(13)));
}

#[test]
fn a_checksum_of_zero_is_sent_as_all_ones() {
    // Two bytes of payload that bring the sum to 0xffff (RFC 768).
    let mut bytes = Vec::new();
    UdpHeader { src_port: 1000, dst_port: 7, payload_len: 2 }.emit(&mut bytes);
    let mut sum = pseudo_header(10);
    sum.add_bytes(&bytes);
    bytes.extend_from_slice(&sum.finish().to_be_bytes());
    udp::fill_checksum(pseudo_header(10), &mut bytes);
    assert_eq!(bytes[6..8], [0xff, 0xff]);
    assert!(UdpDatagram::parse(&bytes).unwrap().verify_checksum(pseudo_header(10)));
}
