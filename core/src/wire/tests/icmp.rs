use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use rstest::rstest;

use super::samples;
use crate::error::DropReason;
use crate::wire::checksum::Sum;
use crate::wire::icmpv4::{self, Icmpv4Header, Icmpv4Message};
use crate::wire::icmpv6::{self, Icmpv6Header, Icmpv6Message};
use crate::wire::ipv4::IpProtocol;

#[rstest]
#[case([8, 0, 0, 0, 0, 1, 0, 2], Icmpv4Header::EchoRequest { id: 1, seq: 2 }, false)]
#[case([0, 0, 0, 0, 0, 1, 0, 2], Icmpv4Header::EchoReply { id: 1, seq: 2 }, false)]
#[case([3, 3, 0, 0, 0, 0, 0, 0], Icmpv4Header::DestinationUnreachable { code: 3, next_hop_mtu: 0 }, true)]
#[case([3, 4, 0, 0, 0, 0, 5, 120], Icmpv4Header::DestinationUnreachable { code: 4, next_hop_mtu: 1400 }, true)]
#[case([11, 1, 0, 0, 0, 0, 0, 0], Icmpv4Header::TimeExceeded { code: 1 }, true)]
#[case([12, 0, 0, 0, 9, 0, 0, 0], Icmpv4Header::ParameterProblem { code: 0, pointer: 9 }, true)]
#[case([5, 1, 0, 0, 192, 0, 2, 9], Icmpv4Header::Redirect { code: 1, gateway: Ipv4Addr::new(192, 0, 2, 9) }, true)]
#[case([4, 0, 0, 0, 0, 0, 0, 0], Icmpv4Header::Other { kind: 4, code: 0, rest: [0; 4] }, true)]
#[case([13, 0, 0, 0, 1, 2, 3, 4], Icmpv4Header::Other { kind: 13, code: 0, rest: [1, 2, 3, 4] }, false)]
#[case([8, 1, 0, 0, 0, 1, 0, 2], Icmpv4Header::Other { kind: 8, code: 1, rest: [0, 1, 0, 2] }, false)]
fn icmpv4_round_trips(#[case] bytes: [u8; 8], #[case] header: Icmpv4Header, #[case] error: bool) {
    assert_eq!(Icmpv4Message::parse(&bytes).unwrap().header(), header);
    assert_eq!(header.is_error(), error);
    let mut out = Vec::new();
    header.emit(&mut out);
    assert_eq!(out, bytes);
}

#[rstest]
#[case([1, 4, 0, 0, 0, 0, 0, 0], Icmpv6Header::DestinationUnreachable { code: 4 }, true)]
#[case([2, 0, 0, 0, 0, 0, 5, 0], Icmpv6Header::PacketTooBig { mtu: 1280 }, true)]
#[case([3, 0, 0, 0, 0, 0, 0, 0], Icmpv6Header::TimeExceeded { code: 0 }, true)]
#[case([4, 1, 0, 0, 0, 0, 0, 40], Icmpv6Header::ParameterProblem { code: 1, pointer: 40 }, true)]
#[case([128, 0, 0, 0, 0, 1, 0, 2], Icmpv6Header::EchoRequest { id: 1, seq: 2 }, false)]
#[case([129, 0, 0, 0, 0, 1, 0, 2], Icmpv6Header::EchoReply { id: 1, seq: 2 }, false)]
#[case([127, 0, 0, 0, 1, 2, 3, 4], Icmpv6Header::Other { kind: 127, code: 0, rest: [1, 2, 3, 4] }, true)]
#[case([134, 0, 0, 0, 1, 2, 3, 4], Icmpv6Header::Other { kind: 134, code: 0, rest: [1, 2, 3, 4] }, false)]
fn icmpv6_round_trips(#[case] bytes: [u8; 8], #[case] header: Icmpv6Header, #[case] error: bool) {
    assert_eq!(Icmpv6Message::parse(&bytes).unwrap().header(), header);
    assert_eq!(header.is_error(), error);
    let mut out = Vec::new();
    header.emit(&mut out);
    assert_eq!(out, bytes);
}

#[test]
fn every_truncation_is_refused() {
    for len in 0..8 {
        let bytes = [0; 8];
        let (v4, v6) = (Icmpv4Message::parse(&bytes[..len]), Icmpv6Message::parse(&bytes[..len]));
        assert_eq!(v4.err(), Some(DropReason::Icmpv4Truncated), "{len} bytes");
        assert_eq!(v6.err(), Some(DropReason::Icmpv6Truncated), "{len} bytes");
    }
}

#[test]
fn checksums_filled_and_verified() {
    let mut bytes = [8, 0, 0, 0, 0, 1, 0, 2, 0xaa, 0xbb, 0xcc];
    icmpv4::fill_checksum(&mut bytes);
    assert!(Icmpv4Message::parse(&bytes).unwrap().verify_checksum());
    bytes[10] ^= 1;
    assert!(!Icmpv4Message::parse(&bytes).unwrap().verify_checksum());

    let (src, dst): (Ipv6Addr, Ipv6Addr) = ("fe80::1".parse().unwrap(), "fe80::2".parse().unwrap());
    let pseudo_header = Sum::pseudo_header_v6(src, dst, IpProtocol::ICMPV6, bytes.len());
    icmpv6::fill_checksum(pseudo_header, &mut bytes);
    assert!(Icmpv6Message::parse(&bytes).unwrap().verify_checksum(pseudo_header));
    assert!(!Icmpv6Message::parse(&bytes).unwrap().verify_checksum(Sum::new()));
}

#[test]
fn an_error_quotes_its_packet() {
    let mut bytes = [3, 3, 0, 0, 0, 0, 0, 0].to_vec();
    bytes.extend_from_slice(&samples::ipv4()[..22]);
    let quoted = Icmpv4Message::parse(&bytes).unwrap().quoted().unwrap();
    assert_eq!((quoted.dst(), quoted.payload()), (Ipv4Addr::new(192, 0, 2, 2), &[1, 2][..]));
    bytes[0] = 8; // an echo request quotes nothing
    assert!(Icmpv4Message::parse(&bytes).unwrap().quoted().is_none());

    let mut bytes = [1, 4, 0, 0, 0, 0, 0, 0].to_vec();
    bytes.extend_from_slice(&samples::IPV6[..39]);
    assert!(Icmpv6Message::parse(&bytes).unwrap().quoted().is_none());
    bytes.push(samples::IPV6[39]);
    assert!(Icmpv6Message::parse(&bytes).unwrap().quoted().is_some());
}

/// A Time Exceeded of RFC 4884 with `quote` bytes of the packet, the length attribute `words`, and `structure` behind.
fn multi_part(v6: bool, words: u8, quote: usize, structure: &[u8]) -> Vec<u8> {
    let mut message =
        if v6 { Vec::from([3, 0, 0, 0, words, 0, 0, 0]) } else { Vec::from([11, 0, 0, 0, 0, words, 0, 0]) };
    let mut packet = if v6 { samples::IPV6.to_vec() } else { samples::ipv4() };
    packet.resize(quote, 0);
    message.extend_from_slice(&packet);
    message.extend_from_slice(structure);
    message
}

/// The classes of the objects that are found; `None` if there is no extension structure.
fn classes(v6: bool, message: &[u8]) -> Option<Vec<(u8, usize)>> {
    let extensions = if v6 {
        Icmpv6Message::parse(message).unwrap().extensions()
    } else {
        Icmpv4Message::parse(message).unwrap().extensions()
    };
    extensions.map(|extensions| extensions.map(|object| (object.class, object.payload.len())).collect())
}

const TWO_OBJECTS: [u8; 16] = [0x20, 0, 0, 0, 0, 8, 1, 1, 1, 2, 3, 4, 0, 4, 2, 0];

/// RFC 4884 section 5: only a length attribute tells of extensions, and only a version 2 with a right
/// checksum, or none, is one.
#[rstest]
#[case::v4(false, 32, 128, TWO_OBJECTS.to_vec(), Some(Vec::from([(1, 4), (2, 0)])))]
#[case::v6(true, 16, 128, TWO_OBJECTS.to_vec(), Some(Vec::from([(1, 4), (2, 0)])))]
#[case::longer_quote(false, 40, 160, TWO_OBJECTS.to_vec(), Some(Vec::from([(1, 4), (2, 0)])))]
#[case::no_length_attribute(false, 0, 128, TWO_OBJECTS.to_vec(), None)]
#[case::quote_below_128(false, 31, 124, TWO_OBJECTS.to_vec(), None)]
#[case::beyond_the_message(false, 40, 128, TWO_OBJECTS.to_vec(), None)]
#[case::nothing_behind(false, 32, 128, Vec::new(), None)]
#[case::half_a_header(false, 32, 128, Vec::from([0x20, 0, 0]), None)]
#[case::another_version(false, 32, 128, Vec::from([0x10, 0, 0, 0]), None)]
#[case::wrong_checksum(false, 32, 128, Vec::from([0x20, 0, 1, 1]), None)]
#[case::right_checksum(false, 32, 128, Vec::from([0x20, 0, 0xdf, 0xff]), Some(Vec::new()))]
#[case::object_below_its_header(false, 32, 128, Vec::from([0x20, 0, 0, 0, 0, 3, 1, 1]), Some(Vec::new()))]
#[case::object_beyond_the_structure(false, 32, 128, Vec::from([0x20, 0, 0, 0, 0, 9, 1, 1, 1, 2, 3, 4]), Some(Vec::new()))]
fn extensions(
    #[case] v6: bool,
    #[case] words: u8,
    #[case] quote: usize,
    #[case] structure: Vec<u8>,
    #[case] found: Option<Vec<(u8, usize)>>,
) {
    let message = multi_part(v6, words, quote, &structure);
    assert_eq!(classes(v6, &message), found);
    for len in icmpv4::HEADER_LEN..message.len() {
        // Cut off anywhere, it is read without harm.
        classes(v6, &message[..len]);
    }
}
