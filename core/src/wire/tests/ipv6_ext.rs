use alloc::vec::Vec;
use core::net::Ipv6Addr;

use rstest::rstest;

use crate::error::DropReason;
use crate::wire::ipv4::IpProtocol;
use crate::wire::ipv6_ext::{
    ExtensionError, ExtensionLimits, Fragment, ParameterProblem, UpperLayer, has_whole_chain, walk,
};

const HOP_BY_HOP: u8 = 0;
const TCP: u8 = 6;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const NONE: u8 = 59;
const DESTINATION: u8 = 60;

const UNICAST: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);
const MULTICAST: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

fn to(dst: Ipv6Addr, first: u8, payload: &[u8]) -> Result<UpperLayer, ExtensionError> {
    walk(dst, IpProtocol(first), payload, &ExtensionLimits::default())
}

fn owed(reason: DropReason, code: u8, pointer: u32, also_to_multicast: bool) -> ExtensionError {
    ExtensionError { reason, owed: Some(ParameterProblem { code, pointer, also_to_multicast }) }
}

fn silent(reason: DropReason) -> ExtensionError {
    ExtensionError { reason, owed: None }
}

#[test]
fn without_extension_headers() {
    let upper = to(UNICAST, TCP, &[]).unwrap();
    assert_eq!((upper.protocol, upper.offset, upper.next_header_pointer), (IpProtocol::TCP, 0, 6));
    assert_eq!(to(UNICAST, NONE, &[1, 2]).unwrap().protocol, IpProtocol::NO_NEXT_HEADER);
}

#[test]
fn a_whole_chain() {
    let mut payload = Vec::new();
    payload.extend_from_slice(&[DESTINATION, 0, 5, 2, 0, 0, 1, 0]); // router alert, PadN
    payload.extend_from_slice(&[ROUTING, 1, 0x1e, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    payload.extend_from_slice(&[FRAGMENT, 0, 0, 0, 0, 0, 0, 0]); // type 0 with no segments left
    payload.extend_from_slice(&[TCP, 0, 0, 0, 0, 0, 0, 9]); // an atomic fragment
    payload.extend_from_slice(&[0xaa; 20]);
    let upper = to(UNICAST, HOP_BY_HOP, &payload).unwrap();
    assert_eq!(upper.protocol, IpProtocol::TCP);
    assert_eq!(upper.offset, 40);
    assert_eq!(upper.next_header_pointer, 40 + 32);
    assert_eq!(upper.fragment, Some(Fragment { offset: 0, more: false, id: 9 }));
    assert!(upper.router_alert);
    for len in 0..40 {
        let error = to(UNICAST, HOP_BY_HOP, &payload[..len]).err();
        assert_eq!(error, Some(silent(DropReason::Ipv6Extension)), "{len} bytes");
    }
}

#[test]
fn the_walk_ends_behind_a_fragment_header() {
    let payload = [DESTINATION, 0, 0x05, 0xa9, 1, 2, 3, 4, 0xaa];
    let upper = to(UNICAST, FRAGMENT, &payload).unwrap();
    assert_eq!(upper.protocol, IpProtocol::DESTINATION_OPTIONS);
    assert_eq!(upper.offset, 8);
    assert_eq!(upper.fragment, Some(Fragment { offset: 1448, more: true, id: 0x0102_0304 }));
}

#[test]
fn a_fragment_header_is_read_as_it_was_written() {
    for (offset, more, id) in [(0, true, 0), (8, false, 1), (65_528, true, u32::MAX), (1448, false, 0x0102_0304)] {
        let fragment = Fragment { offset, more, id };
        let mut payload = Vec::new();
        fragment.emit(IpProtocol::UDP, &mut payload);
        assert_eq!(payload.len(), 8);
        let upper = to(UNICAST, FRAGMENT, &payload).unwrap();
        assert_eq!((upper.protocol, upper.fragment), (IpProtocol::UDP, Some(fragment)));
        for len in 0..8 {
            assert_eq!(to(UNICAST, FRAGMENT, &payload[..len]).err(), Some(silent(DropReason::Ipv6Extension)));
        }
    }
}

/// RFC 7112 section 3: extension headers and the upper layer's own, cut off at every place.
#[test]
fn the_whole_chain_or_not() {
    let mut data = [60, 0, 1, 4, 0, 0, 0, 0].to_vec(); // hop-by-hop
    data.extend_from_slice(&[43, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]); // destination options
    data.extend_from_slice(&[44, 0, 0, 0, 0, 0, 0, 0]); // routing
    data.extend_from_slice(&[TCP, 255, 0, 0, 0, 0, 0, 9]); // an atomic fragment: its second byte is no length
    data.extend_from_slice(&[0; 24]);
    data[40 + 12] = 0x60;
    for len in 0..=data.len() {
        assert_eq!(has_whole_chain(IpProtocol::HOP_BY_HOP, &data[..len]), len == data.len(), "{len} bytes");
    }
}

// RFC 8200 section 4.2: the two highest bits of the type. Code 2, pointer to the option's type.
#[rstest]
#[case::skip(0x1e, UNICAST, None)]
#[case::discard(0x5e, UNICAST, Some(silent(DropReason::Ipv6Option)))]
#[case::report(0x9e, UNICAST, Some(owed(DropReason::Ipv6Option, 2, 44, true)))]
#[case::report_multicast(0x9e, MULTICAST, Some(owed(DropReason::Ipv6Option, 2, 44, true)))]
#[case::report_unicast_only(0xde, UNICAST, Some(owed(DropReason::Ipv6Option, 2, 44, false)))]
#[case::silent_to_multicast(0xde, MULTICAST, Some(silent(DropReason::Ipv6Option)))]
fn unknown_options(
    #[case] kind: u8,
    #[case] dst: Ipv6Addr,
    #[case] error: Option<ExtensionError>,
    #[values(HOP_BY_HOP, DESTINATION)] header: u8,
) {
    let payload = [TCP, 0, 0, 0, kind, 2, 0, 0];
    assert_eq!(to(dst, header, &payload).err(), error);
}

// RFC 8200 section 4.4: code 0, pointer to the routing type.
#[rstest]
#[case::type_0(0, 1)]
#[case::type_2(2, 1)]
#[case::unknown(99, 255)]
fn routing_with_segments_left(#[case] routing_type: u8, #[case] segments_left: u8) {
    let payload = [TCP, 0, routing_type, segments_left, 0, 0, 0, 0];
    let error = to(UNICAST, ROUTING, &payload).err();
    assert_eq!(error, Some(owed(DropReason::Ipv6Routing, 0, 42, false)));
}

#[test]
fn hop_by_hop_options_stand_first_or_nowhere() {
    // RFC 8200 section 4: code 1, pointer to the next-header field that holds 0.
    let payload = [HOP_BY_HOP, 0, 1, 4, 0, 0, 0, 0, TCP, 0, 1, 4, 0, 0, 0, 0];
    let error = to(UNICAST, DESTINATION, &payload).err();
    assert_eq!(error, Some(owed(DropReason::Ipv6Extension, 1, 40, false)));
}

#[rstest]
#[case::length_beyond_the_packet(&[TCP, 1, 1, 4, 0, 0, 0, 0])]
#[case::option_beyond_the_header(&[TCP, 0, 1, 5, 0, 0, 0, 0])]
#[case::kind_in_the_last_byte(&[TCP, 0, 0x1e, 3, 0, 0, 0, 0x1e])]
fn option_lies(#[case] payload: &[u8]) {
    assert_eq!(to(UNICAST, DESTINATION, payload).err(), Some(silent(DropReason::Ipv6Extension)));
}

#[rstest]
#[case::seven_bytes_of_padding(&[TCP, 1, 1, 5, 0, 0, 0, 0, 0, 0x1e, 1, 0, 0x1e, 1, 0, 0], true)]
#[case::eight_bytes_of_padding(&[TCP, 1, 1, 5, 0, 0, 0, 0, 0, 0, 0x1e, 0, 0x1e, 0, 0, 0], false)]
#[case::eight_options(&[TCP, 2, 30, 0, 30, 0, 30, 0, 30, 0, 30, 0, 30, 0, 30, 0, 30, 0, 1, 4, 0, 0, 0, 0], true)]
#[case::nine_options(&[TCP, 2, 30, 0, 30, 0, 30, 0, 30, 0, 30, 0, 30, 0, 30, 0, 30, 0, 30, 0, 1, 2, 0, 0], false)]
fn option_limits(#[case] payload: &[u8], #[case] within: bool) {
    let expected = (!within).then_some(silent(DropReason::Ipv6ExtensionLimit));
    assert_eq!(to(UNICAST, DESTINATION, payload).err(), expected);
}

#[rstest]
#[case(16, true)]
#[case(17, false)]
fn header_limit(#[case] headers: usize, #[case] within: bool) {
    let mut payload = Vec::new();
    for at in 1..=headers {
        let next = if at == headers { TCP } else { DESTINATION };
        payload.extend_from_slice(&[next, 0, 1, 4, 0, 0, 0, 0]);
    }
    let expected = (!within).then_some(silent(DropReason::Ipv6ExtensionLimit));
    assert_eq!(to(UNICAST, DESTINATION, &payload).err(), expected);
}
