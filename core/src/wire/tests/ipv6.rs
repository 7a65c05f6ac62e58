use alloc::vec::Vec;

use rstest::rstest;

use super::samples::IPV6;
use crate::error::DropReason;
use crate::wire::ipv4::IpProtocol;
use crate::wire::ipv6::{Ipv6Header, Ipv6Packet};

#[test]
fn fields_and_round_trip() {
    let packet = Ipv6Packet::parse(&IPV6).unwrap();
    let header = Ipv6Header {
        traffic_class: 0xb9,
        flow_label: 0x12345,
        payload_len: 4,
        next_header: IpProtocol::UDP,
        hop_limit: 64,
        src: "2001:db8::1".parse().unwrap(),
        dst: "2001:db8::2".parse().unwrap(),
    };
    assert_eq!(packet.header(), header);
    assert_eq!((packet.dscp(), packet.ecn()), (46, 1));
    assert_eq!(packet.payload(), [1, 2, 3, 4]);
    let mut out = Vec::new();
    header.emit(&mut out);
    assert_eq!(out, IPV6[..40]);
    let wide = Ipv6Header { flow_label: 0xfff1_2345, ..header };
    out.clear();
    wide.emit(&mut out);
    assert_eq!(out, IPV6[..40]);
}

#[test]
fn padding_of_the_frame_is_left_out() {
    let mut bytes = IPV6.to_vec();
    bytes.extend_from_slice(&[0xee; 9]);
    assert_eq!(Ipv6Packet::parse(&bytes).unwrap().payload(), [1, 2, 3, 4]);
}

#[test]
fn every_truncation_is_refused() {
    for len in 0..IPV6.len() {
        let reason = if len < 40 { DropReason::Ipv6Truncated } else { DropReason::Ipv6PayloadLength };
        assert_eq!(Ipv6Packet::parse(&IPV6[..len]).err(), Some(reason), "{len} bytes");
    }
}

#[rstest]
#[case::version_4(0, 0x4b, DropReason::Ipv6Version)]
#[case::payload_one_beyond(5, 5, DropReason::Ipv6PayloadLength)]
#[case::payload_far_beyond(4, 0xff, DropReason::Ipv6PayloadLength)]
fn lies(#[case] at: usize, #[case] value: u8, #[case] reason: DropReason) {
    let mut bytes = IPV6;
    bytes[at] = value;
    assert_eq!(Ipv6Packet::parse(&bytes).err(), Some(reason));
}

#[test]
fn a_jumbogram_is_refused_but_no_payload_is_legal() {
    let mut bytes = IPV6;
    bytes[5] = 0;
    bytes[6] = 0; // hop-by-hop options
    assert_eq!(Ipv6Packet::parse(&bytes).err(), Some(DropReason::Ipv6PayloadLength));
    bytes[6] = 59; // no next header
    assert_eq!(Ipv6Packet::parse(&bytes).unwrap().payload(), []);
}

#[test]
fn a_quote_may_be_cut_but_not_in_its_header() {
    let packet = Ipv6Packet::parse_quoted(&IPV6[..41]).unwrap();
    assert_eq!((packet.payload_len(), packet.payload()), (4, &[1][..]));
    assert!(Ipv6Packet::parse_quoted(&IPV6[..39]).is_err());
}
