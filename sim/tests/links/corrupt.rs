//! Corruption against the core's own checksums, and planned outages.

use rstest::rstest;
use tickwire_core::wire::checksum::Sum;
use tickwire_core::wire::ipv4::{IpProtocol, Ipv4Packet};
use tickwire_core::wire::{tcp, udp};
use tickwire_sim::Instant;
use tickwire_sim::bytes::Bytes;
use tickwire_sim::link::{Act, Cause, Corrupt, Flap, Outage, Stage};

use crate::packets::{DST, DST4, IPV4_LEN, IPV6_LEN, SRC, SRC4, packet};
use crate::{Bench, frame, millis};

fn pseudo_header(v6: bool, protocol: IpProtocol, len: usize) -> Sum {
    if v6 { Sum::pseudo_header_v6(SRC, DST, protocol, len) } else { Sum::pseudo_header_v4(SRC4, DST4, protocol, len) }
}

/// Text in which bits differ.
fn text() -> Vec<u8> {
    (0..101_u8).map(|at| at.wrapping_mul(37)).collect()
}

fn tcp_frame(v6: bool) -> Bytes {
    let mut segment = vec![0x1f, 0x90, 0, 80, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0];
    segment.extend(text());
    let len = segment.len();
    tcp::fill_checksum(pseudo_header(v6, IpProtocol::TCP, len), &mut segment);
    packet(v6, IpProtocol::TCP, &segment)
}

fn udp_frame(v6: bool) -> Bytes {
    let mut datagram = vec![0x1f, 0x90, 0, 7, 0, 109, 0, 0];
    datagram.extend(text());
    let len = datagram.len();
    udp::fill_checksum(pseudo_header(v6, IpProtocol::UDP, len), &mut datagram);
    packet(v6, IpProtocol::UDP, &datagram)
}

/// Whether the sum over the upper layer of a frame is that of an intact one.
fn sum_holds(frame: &[u8], v6: bool, protocol: IpProtocol) -> bool {
    let upper = &frame[if v6 { IPV6_LEN } else { IPV4_LEN }..];
    let mut sum = pseudo_header(v6, protocol, upper.len());
    sum.add_bytes(upper);
    sum.finish() == 0
}

/// What 300 copies of a frame become.
fn corrupted(frame: &Bytes, corrupt: Corrupt) -> Vec<(Bytes, Vec<Act>)> {
    let mut bench = Bench::new(vec![Stage::Corrupt(corrupt)]);
    (0..300).for_each(|name| bench.push(0, name, frame.clone()));
    std::iter::from_fn(|| bench.direction.pop(Instant::ZERO, &mut bench.draws))
        .map(|outgoing| (outgoing.frame, outgoing.fate.acts.to_vec()))
        .collect()
}

fn bits_changed(before: &[u8], after: &[u8]) -> u32 {
    assert_eq!(before.len(), after.len());
    before.iter().zip(after).map(|(before, after)| (before ^ after).count_ones()).sum()
}

#[rstest]
fn an_inverted_bit_breaks_the_checksum(#[values(false, true)] v6: bool, #[values(false, true)] udp: bool) {
    let (frame, protocol) = if udp { (udp_frame(v6), IpProtocol::UDP) } else { (tcp_frame(v6), IpProtocol::TCP) };
    assert!(sum_holds(&frame, v6, protocol));
    let all = corrupted(&frame, Corrupt::BreakChecksum { ppm: 1_000_000 });
    assert_eq!(all.len(), 300);
    for (after, acts) in &all {
        assert_eq!(bits_changed(&frame, after), 1);
        assert!(!sum_holds(after, v6, protocol), "{acts:?}");
        assert!(matches!(acts[..], [Act::BitFlipped { .. }]));
    }
    assert!(all.windows(2).any(|pair| pair[0].0 != pair[1].0));
}

#[rstest]
fn two_inverted_bits_keep_it(#[values(false, true)] v6: bool, #[values(false, true)] udp: bool) {
    let (frame, protocol) = if udp { (udp_frame(v6), IpProtocol::UDP) } else { (tcp_frame(v6), IpProtocol::TCP) };
    for (after, acts) in corrupted(&frame, Corrupt::KeepChecksum { ppm: 1_000_000 }) {
        assert_eq!(bits_changed(&frame, &after), 2, "{acts:?}");
        assert!(sum_holds(&after, v6, protocol), "{acts:?}");
        let headers = frame.len() - text().len();
        assert_eq!(frame[..headers], after[..headers]);
    }
}

#[test]
fn where_no_bits_differ_the_checksum_cannot_be_kept() {
    let frame = packet(false, IpProtocol::UDP, &[0; 40]);
    let all = corrupted(&frame, Corrupt::KeepChecksum { ppm: 1_000_000 });
    assert!(all.iter().all(|(after, acts)| *after == frame && acts.is_empty()));
}

/// A datagram without a checksum: the header's checksum notices.
#[test]
fn without_a_checksum_of_its_own_the_header_is_hit() {
    let frame = packet(false, IpProtocol::UDP, &[0, 1, 0, 2, 0, 8, 0, 0]);
    for (after, _) in corrupted(&frame, Corrupt::BreakChecksum { ppm: 1_000_000 }) {
        assert!(!Ipv4Packet::parse(&after[14..]).unwrap().verify_checksum());
    }
}

#[test]
fn truncated_frames_keep_their_ethernet_header() {
    let frame = tcp_frame(false);
    let lens: Vec<usize> = corrupted(&frame, Corrupt::Truncate { ppm: 1_000_000 })
        .into_iter()
        .map(|(after, acts)| {
            assert_eq!(acts, [Act::Truncated { bytes: (frame.len() - after.len()) as u16 }]);
            assert_eq!(after, frame[..after.len()]);
            after.len()
        })
        .collect();
    assert!(lens.iter().all(|len| (14..frame.len()).contains(len)));
    assert!(lens.iter().min() < Some(&20) && lens.iter().max() > Some(&(frame.len() - 6)));
}

#[test]
fn frames_too_short_to_be_damaged_pass() {
    for len in [0, 1, 14] {
        for corrupt in [
            Corrupt::BreakChecksum { ppm: 1_000_000 },
            Corrupt::KeepChecksum { ppm: 1_000_000 },
            Corrupt::Truncate { ppm: 1_000_000 },
        ] {
            assert!(corrupted(&frame(len), corrupt).iter().all(|(after, acts)| after.len() == len && acts.is_empty()));
        }
    }
}

#[rstest]
#[case(Flap::Outages(vec![Outage { from: Instant::from_nanos(10), down: std::time::Duration::from_nanos(5) }]), &[10, 14])]
#[case(
    Flap::Periodic { from: Instant::from_nanos(10), down: std::time::Duration::from_nanos(5), up: std::time::Duration::from_nanos(20) },
    &[10, 14, 35, 39, 60]
)]
fn outages_are_exact(#[case] flap: Flap, #[case] down: &[u64]) {
    let mut bench = Bench::new(vec![Stage::Flap(flap)]);
    for at in [0, 9, 10, 14, 15, 34, 35, 39, 40, 60, 65] {
        bench.push(at, at, frame(60));
    }
    let expected: Vec<(u64, Cause)> = down.iter().map(|at| (*at, Cause::Down)).collect();
    assert_eq!(bench.dropped(), expected);
}

#[test]
fn what_has_passed_an_outage_goes_on() {
    let flap = Flap::Outages(vec![Outage { from: Instant::from_millis(1), down: millis(5) }]);
    let delay = tickwire_sim::link::Delay::constant(millis(2));
    let mut bench = Bench::new(vec![Stage::Flap(flap), Stage::Delay(delay)]);
    bench.push(0, 0, frame(60));
    assert_eq!(bench.arrivals(), [(2_000_000, 0)]);
}
