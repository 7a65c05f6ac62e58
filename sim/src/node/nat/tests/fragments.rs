//! Fragments and identifications (RFC 4787 REQ-14, RFC 6864).

use rstest::rstest;
use tickwire_core::Instant;
use tickwire_core::wire::ipv4::{IpProtocol, Ipv4Header, Ipv4Packet};
use tickwire_core::wire::udp::UdpDatagram;

use super::super::NatDrop;
use super::{Bench, EXTERNAL, INSIDE, at, config, end};
use crate::node::frames::{self, Hosts};

/// A datagram in two fragments of 16 and 8 bytes of payload.
fn fragments(from: &str, to: &str, id: u16) -> [Vec<u8>; 2] {
    let (from, to) = (end(from), end(to));
    let whole = frames::datagram((from.into(), to.into()), &[1; 16]);
    [(0, 16), (16, 24)].map(|(start, stop): (usize, usize)| {
        let mut packet = Vec::new();
        Ipv4Header {
            tos: 0,
            payload_len: (stop - start) as u16,
            id,
            dont_fragment: false,
            more_fragments: stop < whole.len(),
            fragment_offset: start as u16,
            ttl: 64,
            protocol: IpProtocol::UDP,
            src: *from.ip(),
            dst: *to.ip(),
        }
        .emit(&mut packet);
        packet.extend_from_slice(&whole[start..stop]);
        packet
    })
}

/// RFC 4787 REQ-14: whichever comes first. Put together they are a datagram with a right checksum.
#[rstest]
#[case::in_order([0, 1])]
#[case::out_of_order([1, 0])]
fn fragments_pass(#[case] order: [usize; 2]) {
    let mut bench = Bench::new(config());
    let cut = fragments("192.168.1.10:5000", "203.0.113.7:53", 99);
    let mut sent: Vec<_> = order.iter().flat_map(|which| bench.packet(INSIDE, &cut[*which])).collect();
    sent.sort_by_key(|(_, packet)| Ipv4Packet::parse(packet).unwrap().fragment_offset());
    let views: Vec<_> = sent.iter().map(|(_, packet)| Ipv4Packet::parse(packet).unwrap()).collect();
    let [first, second] = &views[..] else { panic!("two fragments, not {sent:?}") };
    assert_eq!((first.src(), second.src(), first.id()), (EXTERNAL, EXTERNAL, second.id()));
    let whole = [first.payload(), second.payload()].concat();
    let sum =
        frames::pseudo_header(Hosts { src: EXTERNAL.into(), dst: first.dst().into() }, IpProtocol::UDP, whole.len());
    assert!(UdpDatagram::parse(&whole).unwrap().verify_checksum(sum));
}

/// RFC 6864 section 5.3.1: two hosts that use one identification do not share it outside.
#[test]
fn identifications_are_numbered_anew_outside() {
    let mut bench = Bench::new(config());
    let ids = ["192.168.1.10:5000", "192.168.1.11:5001"].map(|from| {
        let [first, _] = fragments(from, "203.0.113.7:53", 99);
        let sent = bench.packet(INSIDE, &first);
        Ipv4Packet::parse(&sent[0].1).unwrap().id()
    });
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn a_fragment_waits_thirty_seconds_for_the_first_and_only_so_many_wait() {
    let mut bench = Bench::new(config());
    for id in 0..65 {
        let [_, second] = fragments("192.168.1.10:5000", "203.0.113.7:53", id);
        assert_eq!(bench.packet(INSIDE, &second), []);
    }
    assert_eq!(bench.dropped(NatDrop::FragmentsFull), 1);
    let [first, second] = fragments("192.168.1.10:5000", "203.0.113.7:53", 0);
    bench.now = Instant::from_nanos(29_999_999_999);
    assert_eq!(bench.packet(INSIDE, &second), []);
    bench.now = at(30_000);
    assert_eq!(bench.packet(INSIDE, &first).len(), 1);
    assert_eq!(bench.dropped(NatDrop::FragmentTimeout), 65);
}
