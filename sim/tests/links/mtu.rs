//! Hops that take only shorter packets: what the router says, what it fragments, and what nobody tells.

use std::net::{Ipv4Addr, Ipv6Addr};

use rstest::rstest;
use tickwire_core::wire::checksum::Sum;
use tickwire_core::wire::ethernet::EthernetFrame;
use tickwire_core::wire::icmpv4::{self, Icmpv4Header, Icmpv4Message};
use tickwire_core::wire::icmpv6::{Icmpv6Header, Icmpv6Message};
use tickwire_core::wire::ipv4::{self, IpProtocol, Ipv4Packet};
use tickwire_core::wire::ipv6::Ipv6Packet;
use tickwire_sim::Instant;
use tickwire_sim::bytes::Bytes;
use tickwire_sim::link::{Act, Cause, Mtu, MtuStep, Router, Stage, StageKind};

use crate::packets::{SRC, SRC4, STATIONS, datagram, packet};
use crate::{Bench, frame};

const ROUTER: Router =
    Router { ipv4: Ipv4Addr::new(203, 0, 113, 1), ipv6: Ipv6Addr::new(0x2001, 0xdb8, 0xff, 0, 0, 0, 0, 1) };

fn bench(mtu: u16, router: Option<Router>) -> Bench {
    Bench::new(vec![Stage::Mtu(Mtu::constant(mtu, router))])
}

/// What the router says about a frame.
fn answer(frame: Bytes, mtu: u16) -> Option<Bytes> {
    let mut bench = bench(mtu, Some(ROUTER));
    bench.push(0, 7, frame);
    assert_eq!(bench.dropped(), [(7, Cause::TooBig)]);
    assert_eq!(bench.direction.counters().acted[&StageKind::Mtu], 1);
    let answer = bench.direction.pop_answer()?;
    assert_eq!(answer.frame, 7);
    assert!(bench.direction.pop_answer().is_none());
    Some(answer.data)
}

/// RFC 1191 section 4: code 4 with the MTU of the next hop, to the source, from the router.
#[test]
fn an_ipv4_router_says_that_fragmentation_is_needed() {
    let sent = datagram(false, 53, 1_415);
    let answer = answer(sent.clone(), 1_400).unwrap();
    let ethernet = EthernetFrame::parse(&answer).unwrap();
    assert_eq!((ethernet.src(), ethernet.dst()), (STATIONS[1], STATIONS[0]));
    let error = Ipv4Packet::parse(ethernet.payload()).unwrap();
    assert!(error.verify_checksum());
    assert_eq!((error.src(), error.dst(), error.protocol()), (ROUTER.ipv4, SRC4, IpProtocol::ICMP));
    assert_eq!(error.total_len(), 576);
    let message = Icmpv4Message::parse(error.payload()).unwrap();
    assert!(message.verify_checksum());
    let code = icmpv4::FRAGMENTATION_NEEDED;
    assert_eq!(message.header(), Icmpv4Header::DestinationUnreachable { code, next_hop_mtu: 1_400 });
    assert_eq!(error.payload()[8..], sent[14..14 + 548]);
}

/// RFC 4443 section 3.2; as much of the packet as fits 1,280 bytes (section 2.4 c).
#[test]
fn an_ipv6_router_says_that_the_packet_is_too_big() {
    let sent = datagram(true, 53, 1_415);
    let answer = answer(sent.clone(), 1_400).unwrap();
    let error = Ipv6Packet::parse(EthernetFrame::parse(&answer).unwrap().payload()).unwrap();
    assert_eq!((error.src(), error.dst()), (ROUTER.ipv6, SRC));
    let message = Icmpv6Message::parse(error.payload()).unwrap();
    let len = error.payload().len();
    assert!(message.verify_checksum(Sum::pseudo_header_v6(ROUTER.ipv6, SRC, IpProtocol::ICMPV6, len)));
    assert_eq!(message.header(), Icmpv6Header::PacketTooBig { mtu: 1_400 });
    assert_eq!(len, 1_240);
    assert_eq!(error.payload()[8..], sent[14..14 + 1_232]);
}

#[rstest]
fn what_fits_passes(#[values(false, true)] v6: bool, #[values(None, Some(ROUTER))] router: Option<Router>) {
    let mut bench = bench(1_400, router);
    bench.push(0, 0, datagram(v6, 53, 1_414));
    bench.push(0, 1, datagram(v6, 53, 1_415));
    assert_eq!(bench.arrivals(), [(0, 0)]);
}

#[rstest]
fn a_black_hole_says_nothing(#[values(false, true)] v6: bool) {
    let mut bench = bench(1_400, None);
    bench.push(0, 0, datagram(v6, 53, 1_415));
    assert_eq!(bench.dropped(), [(0, Cause::BlackHole)]);
    assert!(bench.direction.pop_answer().is_none());
    assert_eq!(bench.direction.counters().acted[&StageKind::BlackHole], 1);
}

fn with(frame: &Bytes, change: impl FnOnce(&mut [u8])) -> Bytes {
    let mut bytes = frame.to_vec();
    change(&mut bytes);
    if bytes[14] >> 4 == 4 {
        ipv4::fill_checksum(&mut bytes[14..]);
    }
    bytes.into()
}

fn icmp(v6: bool, kind: u8) -> Bytes {
    let mut message = vec![kind, 0];
    message.resize(1_460, 0);
    packet(v6, if v6 { IpProtocol::ICMPV6 } else { IpProtocol::ICMP }, &message)
}

/// RFC 1122 section 3.2.2, RFC 4443 section 2.4 e.
#[rstest]
#[case::icmpv4_error(icmp(false, 3), false)]
#[case::icmpv4_echo(icmp(false, 8), true)]
#[case::icmpv6_error(icmp(true, 1), false)]
#[case::icmpv6_echo(icmp(true, 128), true)]
#[case::later_fragment(with(&datagram(false, 53, 1_500), |bytes| bytes[21] = 1), false)]
#[case::multicast(with(&datagram(false, 53, 1_500), |bytes| bytes[30] = 224), false)]
#[case::link_broadcast(with(&datagram(false, 53, 1_500), |bytes| bytes[..6].fill(0xff)), false)]
#[case::no_source(with(&datagram(false, 53, 1_500), |bytes| bytes[26..30].fill(0)), false)]
#[case::no_source_v6(with(&datagram(true, 53, 1_500), |bytes| bytes[22..38].fill(0)), false)]
#[case::no_packet(frame(1_500), false)]
fn not_every_packet_is_answered(#[case] frame: Bytes, #[case] answered: bool) {
    assert_eq!(answer(frame, 1_280).is_some(), answered);
}

/// RFC 791 section 3.2: without "don't fragment" the packet goes on in pieces, of which each but the last is a
/// multiple of 8 bytes, with all options in the first and those with the copied flag in the others.
#[test]
fn ipv4_packets_that_may_be_are_fragmented() {
    let text: Vec<u8> = (0..1_400_u16).map(|at| at as u8).collect();
    let plain = packet(false, IpProtocol::UDP, &text);
    // Record route (not copied), then router alert (copied), one no-operation.
    let options = [7, 7, 4, 0, 0, 0, 0, 148, 4, 0, 0, 1];
    let mut bytes = plain[..34].to_vec();
    bytes.extend(options);
    bytes.extend(&text);
    bytes[14] = 0x48;
    bytes[16..18].copy_from_slice(&1_432_u16.to_be_bytes());
    bytes[20] = 0;
    let whole = with(&bytes.into(), |_| ());

    let mut bench = bench(576, Some(ROUTER));
    bench.push(5, 7, whole.clone());
    assert_eq!(bench.dropped(), []);
    let arrived: Vec<_> =
        std::iter::from_fn(|| bench.direction.pop(Instant::from_nanos(5), &mut bench.draws)).collect();
    let mut found = Vec::new();
    for (number, outgoing) in arrived.iter().enumerate() {
        assert_eq!(outgoing.fate.acts.as_slice(), [Act::Fragmented { number: number as u16 }]);
        let fragment = Ipv4Packet::parse(&outgoing.frame[14..]).unwrap();
        assert!(fragment.verify_checksum() && fragment.total_len() <= 576);
        assert_eq!(usize::from(fragment.fragment_offset()), found.len());
        assert_eq!(fragment.more_fragments(), number + 1 < arrived.len());
        assert_eq!(fragment.option_bytes(), if number == 0 { &options[..] } else { &options[7..11] });
        found.extend_from_slice(fragment.payload());
    }
    assert_eq!(arrived.len(), 3);
    assert_eq!(found, text);
}

#[test]
fn steps_are_in_force_from_their_time_on() {
    let step = |millis, mtu| MtuStep { from: Instant::from_millis(millis), mtu };
    let mtu = Mtu { steps: vec![step(10, 1_400), step(20, 1_500), step(15, 1_300)], router: None };
    let at = |nanos| mtu.at(Instant::from_nanos(nanos));
    assert_eq!(at(9_999_999), None);
    assert_eq!(at(10_000_000), Some(1_400));
    assert_eq!(at(15_000_000), Some(1_300));
    assert_eq!(at(20_000_000), Some(1_500));
}
