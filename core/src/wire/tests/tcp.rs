use alloc::vec::Vec;
use core::net::Ipv6Addr;

use rstest::rstest;

use super::samples::TCP;
use crate::error::DropReason;
use crate::tcp::seq::SeqNumber;
use crate::wire::checksum::Sum;
use crate::wire::ipv4::IpProtocol;
use crate::wire::tcp::{self, TcpFlags, TcpHeader, TcpSegment};
use crate::wire::tcp_options::Timestamps;

#[test]
fn fields_and_round_trip() {
    let segment = TcpSegment::parse(&TCP).unwrap();
    let header = TcpHeader {
        src_port: 40_000,
        dst_port: 7,
        seq: SeqNumber(0x0102_0304),
        ack: SeqNumber(0x0506_0708),
        flags: TcpFlags::PSH | TcpFlags::ACK,
        window: 320,
        urgent: 0,
    };
    assert_eq!(segment.header(), header);
    assert_eq!(segment.options().timestamps, Some(Timestamps { value: 5, echo: 6 }));
    assert_eq!((segment.payload(), segment.header_len(), segment.total_len()), (&b"abc"[..], 32, 35));
    let mut out = Vec::new();
    header.emit(&segment.options(), &mut out);
    assert_eq!(out, TCP[..32]);
}

#[test]
fn every_truncation_is_refused() {
    for len in 0..32 {
        let reason = if len < 20 { DropReason::TcpTruncated } else { DropReason::TcpDataOffset };
        assert_eq!(TcpSegment::parse(&TCP[..len]).err(), Some(reason), "{len} bytes");
    }
    assert_eq!(TcpSegment::parse(&TCP[..32]).unwrap().payload(), b"");
}

#[rstest]
#[case::zero(0x00)]
#[case::four(0x40)]
#[case::beyond_the_segment(0x90)]
#[case::fifteen(0xf0)]
fn data_offset_lies(#[case] field: u8) {
    let mut bytes = TCP;
    bytes[12] = field;
    assert_eq!(TcpSegment::parse(&bytes).err(), Some(DropReason::TcpDataOffset));
}

#[test]
fn nine_flags_and_their_place() {
    for bit in 0..9 {
        let flags = TcpFlags::from_bits_truncate(1 << bit);
        let mut out = Vec::new();
        TcpHeader { flags, ..TcpHeader::default() }.emit(&crate::wire::tcp_options::TcpOptions::default(), &mut out);
        assert_eq!(out[12..14], (0x5000u16 | 1 << bit).to_be_bytes());
        assert_eq!(TcpSegment::parse(&out).unwrap().flags(), flags);
    }
    let mut bytes = TCP;
    bytes[12] |= 0x0e; // reserved bits are ignored (RFC 9293 section 3.1)
    assert_eq!(TcpSegment::parse(&bytes).unwrap().flags(), TcpFlags::PSH | TcpFlags::ACK);
}

#[rstest]
#[case(TcpFlags::ACK, 3)]
#[case(TcpFlags::SYN, 4)]
#[case(TcpFlags::FIN | TcpFlags::ACK, 4)]
#[case(TcpFlags::SYN | TcpFlags::FIN, 5)]
fn syn_and_fin_occupy_sequence_numbers(#[case] flags: TcpFlags, #[case] seg_len: u32) {
    let mut bytes = TCP;
    bytes[13] = flags.bits() as u8;
    assert_eq!(TcpSegment::parse(&bytes).unwrap().seg_len(), seg_len);
}

#[test]
fn checksum_filled_and_verified() {
    let (src, dst): (Ipv6Addr, Ipv6Addr) = ("2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap());
    let pseudo_header = Sum::pseudo_header_v6(src, dst, IpProtocol::TCP, TCP.len());
    let mut bytes = TCP;
    tcp::fill_checksum(pseudo_header, &mut bytes);
    assert!(TcpSegment::parse(&bytes).unwrap().verify_checksum(pseudo_header));
    for bit in 0..TCP.len() * 8 {
        let mut wrong = bytes;
        wrong[bit / 8] ^= 1 << (bit % 8);
        if let Ok(segment) = TcpSegment::parse(&wrong) {
            assert!(!segment.verify_checksum(pseudo_header), "bit {bit}");
        }
    }
}
