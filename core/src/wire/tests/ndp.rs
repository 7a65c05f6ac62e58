use alloc::vec::Vec;
use core::net::Ipv6Addr;

use rstest::rstest;

use crate::error::DropReason;
use crate::wire::ethernet::EthernetAddress;
use crate::wire::ndp::{self, NeighborAdvertisement, NeighborSolicitation};

const STATION: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 1]);

fn target() -> Ipv6Addr {
    "fe80::1234:5678".parse().unwrap()
}

/// A solicitation with a nonce option (RFC 7527) before the link-layer address.
fn solicitation() -> Vec<u8> {
    let mut bytes = [135, 0, 0, 0, 0, 0, 0, 0].to_vec();
    bytes.extend_from_slice(&target().octets());
    bytes.extend_from_slice(&[14, 1, 1, 2, 3, 4, 5, 6, 1, 1, 2, 0, 0, 0, 0, 1]);
    bytes
}

#[test]
fn solicitation_fields_and_round_trip() {
    let bytes = solicitation();
    let parsed = NeighborSolicitation::parse(&bytes).unwrap();
    assert_eq!(
        parsed,
        NeighborSolicitation { target: target(), source_link_layer: Some(STATION), nonce: Some([1, 2, 3, 4, 5, 6]) }
    );
    let mut out = Vec::new();
    parsed.emit(&mut out);
    assert_eq!((&out[..24], &out[24..32], &out[32..]), (&bytes[..24], &bytes[32..], &bytes[24..32]));
    assert_eq!(out.len(), parsed.message_len());
    let probe = NeighborSolicitation { source_link_layer: None, nonce: None, ..parsed };
    out.clear();
    probe.emit(&mut out);
    assert_eq!(out, bytes[..24]);
}

#[rstest]
#[case(0x00, false, false, false)]
#[case(0x80, true, false, false)]
#[case(0x40, false, true, false)]
#[case(0x20, false, false, true)]
#[case(0xe0, true, true, true)]
fn advertisement_round_trips(
    #[case] flags: u8,
    #[case] router: bool,
    #[case] solicited: bool,
    #[case] overrides: bool,
) {
    let mut bytes = [136, 0, 0, 0, flags, 0, 0, 0].to_vec();
    bytes.extend_from_slice(&target().octets());
    bytes.extend_from_slice(&[2, 1, 2, 0, 0, 0, 0, 1]);
    let parsed = NeighborAdvertisement::parse(&bytes).unwrap();
    let expected =
        NeighborAdvertisement { router, solicited, overrides, target: target(), target_link_layer: Some(STATION) };
    assert_eq!(parsed, expected);
    let mut out = Vec::new();
    parsed.emit(&mut out);
    assert_eq!(out, bytes);
}

#[test]
fn every_truncation_is_refused() {
    let bytes = solicitation();
    for len in 0..bytes.len() {
        let expected = match len {
            0..24 => Some(DropReason::NdpInvalid),
            24 | 32 => None, // whole, with fewer options
            _ => Some(DropReason::NdpOption),
        };
        assert_eq!(NeighborSolicitation::parse(&bytes[..len]).err(), expected, "{len} bytes");
    }
}

#[rstest]
#[case::another_type(0, 136, DropReason::NdpInvalid)]
#[case::code(1, 1, DropReason::NdpInvalid)]
#[case::multicast_target(8, 0xff, DropReason::NdpInvalid)]
#[case::option_length_0(25, 0, DropReason::NdpOption)]
#[case::option_beyond_the_message(25, 3, DropReason::NdpOption)]
#[case::last_option_beyond_the_message(33, 2, DropReason::NdpOption)]
fn lies(#[case] at: usize, #[case] value: u8, #[case] reason: DropReason) {
    let mut bytes = solicitation();
    bytes[at] = value;
    assert_eq!(NeighborSolicitation::parse(&bytes).err(), Some(reason));
}

#[test]
fn a_link_layer_address_of_another_length_is_passed_over() {
    let mut bytes = solicitation();
    bytes[24] = 1;
    bytes[25] = 2;
    assert_eq!(NeighborSolicitation::parse(&bytes).unwrap().source_link_layer, None);
}

#[test]
fn solicited_node_group() {
    let group: Ipv6Addr = "ff02::1:ff34:5678".parse().unwrap();
    assert_eq!(ndp::solicited_node(target()), group);
}
