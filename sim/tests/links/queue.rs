//! Controlled queues: when `CoDel` drops, and what is marked instead.

use std::net::{Ipv4Addr, Ipv6Addr};

use rstest::rstest;
use tickwire_core::wire::ethernet::{EtherType, EthernetAddress, EthernetHeader};
use tickwire_core::wire::ipv4::{IpProtocol, Ipv4Header, Ipv4Packet};
use tickwire_core::wire::ipv6::{Ipv6Header, Ipv6Packet};
use tickwire_sim::Instant;
use tickwire_sim::bytes::Bytes;
use tickwire_sim::link::{Act, Cause, CoDel, Framing, Queue, Rate, Room, Stage, Step};

use crate::{Bench, frame};

const LEN: usize = 1_000;

fn bench_of(bps: u64, room: Room, queue: Queue) -> Bench {
    Bench::new(vec![Stage::Rate(Rate { framing: Framing::None, ..Rate::new(bps, room, queue) })])
}

/// 8 Mbit/s: a frame of 1,000 bytes takes 1 ms.
fn bench(codel: CoDel) -> Bench {
    bench_of(8_000_000, Room::Frames(10_000), Queue::CoDel(codel))
}

/// Two frames per millisecond, for so long: the queue grows by one frame a millisecond.
fn overload(bench: &mut Bench, millis: u64, frame: &Bytes) {
    for half in 0..2 * millis {
        bench.push(half * 500_000, half, frame.clone());
    }
}

/// The times of drops, in milliseconds.
fn drop_times(bench: &mut Bench) -> Vec<u64> {
    std::iter::from_fn(|| bench.direction.pop_dropped()).map(|fate| fate.at.as_millis()).collect()
}

/// The frame that leaves the queue after k ms has stayed for k/2 ms: the target of 5 ms is met at 10 ms,
/// and one interval later the first drop is due. The next are due interval / sqrt(n) after each other:
/// 100, 70.711, 57.735, 50, 44.721, 40.825 and 37.796 ms, each at the first departure from then on.
#[test]
fn drops_come_at_the_times_of_the_control_law() {
    let mut bench = bench(CoDel::default());
    overload(&mut bench, 515, &frame(LEN));
    assert_eq!(drop_times(&mut bench), [110, 210, 281, 339, 389, 434, 474, 512]);
}

/// Dropping ends with the first frame that stayed below the target, and begins again after another
/// interval above it, at the rate that was reached.
#[test]
fn dropping_ends_when_the_delay_does_and_resumes_where_it_was() {
    let mut bench = bench(CoDel::default());
    overload(&mut bench, 515, &frame(LEN));
    drop_times(&mut bench);
    // Everything leaves: 8 drops so far, more while the queue drains.
    let arrivals = bench.arrivals();
    let idle = arrivals.last().unwrap().0;
    let drained = drop_times(&mut bench);
    assert!(drained.windows(2).all(|pair| pair[1] - pair[0] <= 38), "{drained:?}");
    let (reached, start) = (8 + drained.len() as u64, idle + 50_000_000);
    for half in 0..400 {
        bench.push(start + half * 500_000, half, frame(LEN));
    }
    let again = drop_times(&mut bench);
    // 110 ms after the start as before; then not 100 ms later but 100 / sqrt(reached - 1).
    let second = 100_000_000 / (reached - 1).isqrt();
    assert_eq!(again[0], (start + 110_000_000) / 1_000_000);
    assert!((again[1] - again[0]) * 1_000_000 <= second + 1_000_000, "{again:?}, {reached}");
}

/// A queue of one frame is no standing queue, however slow the link is.
#[test]
fn a_single_frame_is_not_dropped() {
    let mut bench = bench_of(8_000, Room::Frames(10), Queue::CoDel(CoDel::default()));
    for name in 0..20 {
        bench.push(name * 1_000_000_000, name, frame(LEN));
        bench.push(name * 1_000_000_000, 100 + name, frame(40));
    }
    bench.arrivals();
    assert_eq!(bench.dropped(), []);
}

#[test]
fn a_full_controlled_queue_drops_its_tail() {
    let mut bench = bench_of(8_000, Room::Frames(2), Queue::CoDel(CoDel::default()));
    (0..5).for_each(|name| bench.push(0, name, frame(LEN)));
    assert_eq!(bench.dropped(), [(3, Cause::QueueFull), (4, Cause::QueueFull)]);
}

fn ethernet(ethertype: EtherType) -> Vec<u8> {
    let mut bytes = Vec::new();
    let address = EthernetAddress([2, 0, 0, 0, 0, 1]);
    EthernetHeader { dst: address, src: address, ethertype }.emit(&mut bytes);
    bytes
}

fn ipv4(ecn: u8) -> Bytes {
    let mut bytes = ethernet(EtherType::Ipv4);
    let header = Ipv4Header {
        tos: 0b1011_1000 | ecn,
        payload_len: (LEN - 34) as u16,
        id: 7,
        dont_fragment: true,
        more_fragments: false,
        fragment_offset: 0,
        ttl: 64,
        protocol: IpProtocol::UDP,
        src: Ipv4Addr::new(192, 0, 2, 1),
        dst: Ipv4Addr::new(192, 0, 2, 2),
    };
    header.emit(&mut bytes);
    bytes.resize(LEN, 0);
    bytes.into()
}

fn ipv6(ecn: u8) -> Bytes {
    let mut bytes = ethernet(EtherType::Ipv6);
    let address = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    let header = Ipv6Header {
        traffic_class: 0b1011_1000 | ecn,
        flow_label: 0xa_bcde,
        payload_len: (LEN - 54) as u16,
        next_header: IpProtocol::UDP,
        hop_limit: 64,
        src: address,
        dst: address,
    };
    header.emit(&mut bytes);
    bytes.resize(LEN, 0);
    bytes.into()
}

/// Only what is ECN-capable is marked (RFC 3168 section 5); at the times at which it would have been
/// dropped. Nothing else of the packet changes but the checksum.
#[rstest]
#[case::not_ect_v4(ipv4(0), false)]
#[case::ect_1_v4(ipv4(1), true)]
#[case::ect_0_v4(ipv4(2), true)]
#[case::ce_v4(ipv4(3), true)]
#[case::not_ect_v6(ipv6(0), false)]
#[case::ect_1_v6(ipv6(1), true)]
#[case::ect_0_v6(ipv6(2), true)]
#[case::ce_v6(ipv6(3), true)]
#[case::no_packet(frame(LEN), false)]
fn what_can_be_marked_is_not_dropped(#[case] frame: Bytes, #[case] marked: bool) {
    let mut bench = bench(CoDel { ecn: true, ..CoDel::default() });
    overload(&mut bench, 300, &frame);
    assert_eq!(drop_times(&mut bench), if marked { &[][..] } else { &[110, 210, 281] });
    assert_eq!(bench.direction.counters().marked, if marked { 3 } else { 0 });
    let now = Instant::from_millis(300);
    let arrivals = std::iter::from_fn(|| bench.direction.pop(now, &mut bench.draws));
    for outgoing in arrivals {
        if outgoing.fate.acts.as_slice() == [Act::MarkedCe] {
            assert_marked(&frame, &outgoing.frame);
        } else {
            assert_eq!(outgoing.frame, frame);
        }
    }
}

fn assert_marked(before: &[u8], after: &[u8]) {
    let (before_packet, after_packet) = (&before[14..], &after[14..]);
    if before_packet[0] >> 4 == 4 {
        let (old, new) = (Ipv4Packet::parse(before_packet).unwrap(), Ipv4Packet::parse(after_packet).unwrap());
        assert!(new.verify_checksum());
        assert_eq!(new.header(), Ipv4Header { tos: old.tos() | 3, ..old.header() });
    } else {
        let (old, new) = (Ipv6Packet::parse(before_packet).unwrap(), Ipv6Packet::parse(after_packet).unwrap());
        assert_eq!(new.header(), Ipv6Header { traffic_class: old.traffic_class() | 3, ..old.header() });
    }
    assert_eq!(before[54..], after[54..]);
}

/// The first frame is being sent; the two behind it find less than the threshold before them.
#[rstest]
#[case(Room::Frames(2), ipv4(2), true, 0, &[3, 4])]
#[case(Room::Bytes(1_001), ipv6(1), true, 0, &[3, 4])]
#[case(Room::Frames(2), ipv4(0), true, 2, &[])]
#[case(Room::Frames(2), ipv4(0), false, 0, &[])]
fn what_comes_above_the_step_is_marked(
    #[case] threshold: Room,
    #[case] frame: Bytes,
    #[case] drop_not_ect: bool,
    #[case] drops: usize,
    #[case] marked: &[u64],
) {
    let mut bench = bench_of(8_000_000, Room::Frames(4), Queue::Step(Step { threshold, drop_not_ect }));
    (0..5).for_each(|name| bench.push(0, name, frame.clone()));
    let dropped = bench.dropped();
    assert_eq!(dropped.len(), drops);
    assert!(dropped.iter().all(|(_, cause)| *cause == Cause::NotEct));
    let now = Instant::from_millis(10);
    let arrivals = std::iter::from_fn(|| bench.direction.pop(now, &mut bench.draws));
    let found: Vec<u64> =
        arrivals.filter(|outgoing| !outgoing.fate.acts.is_empty()).map(|outgoing| outgoing.fate.frame).collect();
    assert_eq!(found, marked);
}

#[test]
fn a_full_stepped_queue_drops_its_tail() {
    let mut bench =
        bench_of(8_000_000, Room::Frames(2), Queue::Step(Step { threshold: Room::Frames(1), drop_not_ect: false }));
    (0..4).for_each(|name| bench.push(0, name, ipv4(2)));
    assert_eq!(bench.dropped(), [(3, Cause::QueueFull)]);
}
