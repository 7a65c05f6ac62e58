//! IP: fragments, identifications, lengths.

use rstest::rstest;
use tickwire_core::wire::ipv4::{IpProtocol, Ipv4Header};
use tickwire_core::wire::ipv6::Ipv6Header;
use tickwire_core::wire::ipv6_ext::Fragment;

use super::*;

fn observe_packets(packets: &[(u64, EtherType, Vec<u8>)]) -> WireOracles {
    let mut oracles = WireOracles::new(Settings::default());
    for (number, (at, ethertype, packet)) in (0..).zip(packets) {
        let frame = ethernet(*ethertype, packet);
        let (at, direction) = (Instant::from_millis(*at), Direction::Outbound);
        oracles.observe(Sighting { number, at, medium: Medium::Ethernet, direction, frame: &frame });
    }
    oracles
}

/// An IPv4 packet of protocol 99, or a part of one.
fn v4(id: u16, offset: u16, more: bool, len: usize, dont_fragment: bool) -> Vec<u8> {
    let mut packet = Vec::new();
    Ipv4Header {
        tos: 0,
        payload_len: len as u16,
        id,
        dont_fragment,
        more_fragments: more,
        fragment_offset: offset,
        ttl: 64,
        protocol: IpProtocol(99),
        src: [192, 0, 2, 1].into(),
        dst: [192, 0, 2, 2].into(),
    }
    .emit(&mut packet);
    packet.resize(packet.len() + len, 0);
    packet
}

/// A part of an IPv6 packet of protocol 99.
fn v6(id: u32, offset: u16, more: bool, len: usize) -> Vec<u8> {
    let mut packet = Vec::new();
    Ipv6Header {
        traffic_class: 0,
        flow_label: 0,
        payload_len: len as u16 + 8,
        next_header: IpProtocol::FRAGMENT,
        hop_limit: 64,
        src: "2001:db8::1".parse().unwrap(),
        dst: "2001:db8::2".parse().unwrap(),
    }
    .emit(&mut packet);
    Fragment { offset, more, id }.emit(IpProtocol(99), &mut packet);
    packet.resize(packet.len() + len, 0);
    packet
}

#[rstest]
#[case::in_order(vec![v4(1, 0, true, 800, false), v4(1, 800, true, 80, false), v4(1, 880, false, 5, false)], &[])]
#[case::last_first(vec![v4(1, 800, false, 5, false), v4(1, 0, true, 800, false)], &[])]
#[case::not_of_eight(vec![v4(1, 0, true, 804, false), v4(1, 808, false, 5, false)], &[Oracle::Fragments])]
#[case::overlap(vec![v4(1, 0, true, 808, false), v4(1, 800, false, 80, false)], &[Oracle::Fragments])]
#[case::too_much(vec![v4(1, 65_520, false, 0, false), v4(2, 65_512, false, 4, false)],
    &[Oracle::Fragments, Oracle::Fragments, Oracle::Fragments])]
#[case::id_again(vec![v4(1, 0, false, 50, false), v4(1, 0, false, 50, false)], &[Oracle::Identification])]
#[case::id_again_in_fragments(vec![v4(1, 0, true, 48, false), v4(1, 48, false, 5, false), v4(1, 0, true, 48, false)],
    &[Oracle::Identification])]
#[case::atomic(vec![v4(0, 0, false, 50, true), v4(0, 0, false, 50, true)], &[])]
fn fragments_v4(#[case] packets: Vec<Vec<u8>>, #[case] expected: &[Oracle]) {
    let packets: Vec<_> = packets.into_iter().map(|packet| (0, EtherType::Ipv4, packet)).collect();
    let oracles = observe_packets(&packets);
    assert_eq!(broken(&oracles), expected, "{:#?}", oracles.verdicts());
}

#[rstest]
#[case::in_order(vec![v6(1, 0, true, 1232), v6(1, 1232, false, 5)], &[])]
#[case::not_of_eight(vec![v6(1, 0, true, 1230), v6(1, 1232, false, 5)], &[Oracle::Fragments])]
#[case::overlap(vec![v6(1, 0, true, 1232), v6(1, 1224, false, 80)], &[Oracle::Fragments])]
#[case::all_of_it(vec![v6(1, 0, false, 100)], &[Oracle::Fragments])]
#[case::id_again(vec![v6(1, 0, true, 8), v6(1, 8, false, 8), v6(1, 0, true, 8)], &[Oracle::Identification])]
fn fragments_v6(#[case] packets: Vec<Vec<u8>>, #[case] expected: &[Oracle]) {
    let packets: Vec<_> = packets.into_iter().map(|packet| (0, EtherType::Ipv6, packet)).collect();
    let oracles = observe_packets(&packets);
    assert_eq!(broken(&oracles), expected, "{:#?}", oracles.verdicts());
}

#[rstest]
#[case(119_999, &[Oracle::Identification])]
#[case(120_000, &[])]
fn an_identification_returns_after_two_minutes(#[case] later_ms: u64, #[case] expected: &[Oracle]) {
    let packet = || v4(9, 0, false, 50, false);
    let oracles = observe_packets(&[(0, EtherType::Ipv4, packet()), (later_ms, EtherType::Ipv4, packet())]);
    assert_eq!(broken(&oracles), expected);
}

#[rstest]
#[case::whole(|_: &mut Vec<u8>| {}, true)]
#[case::padding_of_a_short_frame(|frame: &mut Vec<u8>| frame.resize(60, 0), true)]
#[case::bytes_behind(|frame: &mut Vec<u8>| frame.resize(61, 0), false)]
#[case::total_length_beyond(|frame: &mut Vec<u8>| frame[14 + 3] += 1, false)]
#[case::data_offset_beyond(|frame: &mut Vec<u8>| frame[14 + 20 + 12] = 0xf0, false)]
#[case::option_beyond(|frame: &mut Vec<u8>| frame[14 + 40 + 1] = 5, false)]
fn lengths(#[case] edit: fn(&mut Vec<u8>), #[case] kept: bool) {
    let mut frame = frame(Direction::Outbound, "S 0:0(0) win 1000 <mss 1000>").to_vec();
    edit(&mut frame);
    let mut switches = Switches::NONE;
    switches.set(Oracle::Lengths, true);
    let mut oracles = WireOracles::new(Settings { switches, ..Settings::default() });
    let frame = Bytes::from(frame);
    let (at, direction) = (Instant::ZERO, Direction::Outbound);
    oracles.observe(Sighting { number: 0, at, medium: Medium::Ethernet, direction, frame: &frame });
    assert_eq!(broken(&oracles).is_empty(), kept, "{:#?}", oracles.verdicts());
}

/// RFC 4436 section 2.1: who comes back asks the router that he knew, by unicast and with the address that he had, before he
/// verifies it; nobody else hears that.
#[rstest]
#[case::asks_one(EthernetAddress([2, 0, 0, 0, 0, 9]), 0)]
#[case::asks_everybody(EthernetAddress::BROADCAST, 1)]
fn a_question_to_one_station_uses_no_address(#[case] dst: EthernetAddress, #[case] broken: usize) {
    use tickwire_core::wire::arp::{ArpHeader, ArpOperation};

    let verifies = Verifies { ipv4: true, ipv6: false };
    let mut oracles = WireOracles::new(Settings { verifies, ..Settings::default() });
    let request = ArpHeader {
        operation: ArpOperation::Request,
        sender_hardware: EthernetAddress([2, 0, 0, 0, 0, 1]),
        sender_protocol: [192, 0, 2, 1].into(),
        target_hardware: EthernetAddress::UNSPECIFIED,
        target_protocol: [192, 0, 2, 9].into(),
    };
    let frame = crate::node::frames::arp(dst, &request);
    let direction = Direction::Outbound;
    oracles.observe(Sighting { number: 0, at: Instant::ZERO, medium: Medium::Ethernet, direction, frame: &frame });
    assert_eq!(oracles.verdicts().len(), broken);
}
