//! FQ-CoDel: flows share by bytes, new ones come first, and only the one that fills the queue pays.

use tickwire_sim::Instant;
use tickwire_sim::link::{Cause, FqCoDel, Framing, Queue, Rate, Room, Stage, StageKind};

use crate::Bench;
use crate::packets::datagram;

/// 8 Mbit/s: a frame of 1,000 bytes takes 1 ms.
fn bench(room: Room) -> Bench {
    let queue = Queue::FqCoDel(FqCoDel::default());
    Bench::new(vec![Stage::Rate(Rate { framing: Framing::None, ..Rate::new(8_000_000, room, queue) })])
}

/// A quantum is 1,514 bytes: the first flow sends two frames of its ten (1,000 bytes leave 514 to it, the
/// second is on account), then it is the new one's turn.
#[test]
fn a_new_flow_comes_before_an_old_one() {
    for v6 in [false, true] {
        let mut bench = bench(Room::Frames(100));
        (0..10).for_each(|name| bench.push(0, name, datagram(v6, 1, 1_000)));
        bench.push(500_000, 99, datagram(v6, 2, 1_000));
        let order: Vec<u64> = bench.arrivals().into_iter().map(|(_, name)| name).collect();
        assert_eq!(order[..4], [0, 1, 99, 2]);
    }
}

/// Names below 1,000 are of the one, from there on of the other.
#[test]
fn flows_share_by_bytes_whatever_their_frames() {
    let mut bench = bench(Room::Frames(1_000));
    (0..60).for_each(|name| bench.push(0, name, datagram(false, 1, 1_000)));
    (0..240).for_each(|name| bench.push(0, 1_000 + name, datagram(false, 2, 250)));
    let arrivals: Vec<(u64, u64)> = std::iter::from_fn(|| bench.pop(60_000_000)).collect();
    let short = arrivals.iter().filter(|(_, name)| *name >= 1_000).count() as u64;
    let long = arrivals.len() as u64 - short;
    // Of 60,000 bytes each has half, but for a quantum and a frame.
    assert!((short * 250).abs_diff(30_000) <= 2_514 && (long * 1_000).abs_diff(30_000) <= 2_514, "{short}, {long}");
}

/// Frame 0 is on its way, nine wait; the eleventh to wait has the longest line give up half of its
/// 9,000 bytes, from its head.
#[test]
fn a_full_queue_drops_from_its_longest_flow() {
    let mut bench = bench(Room::Frames(10));
    (0..10).for_each(|name| bench.push(0, name, datagram(false, 1, 1_000)));
    bench.push(0, 20, datagram(false, 2, 1_000));
    assert_eq!(bench.dropped(), []);
    bench.push(0, 21, datagram(false, 2, 1_000));
    let expected: Vec<(u64, Cause)> = (1..=5).map(|name| (name, Cause::LongestFlow)).collect();
    assert_eq!(bench.dropped(), expected);
    assert_eq!(bench.direction.counters().acted[&StageKind::FqCoDel], 5);
    assert_eq!(bench.direction.waiting(), 7);
}

/// However many bytes it had, no more than 64 frames go at once.
#[test]
fn a_batch_of_drops_is_bounded() {
    let mut bench = bench(Room::Frames(300));
    (0..302).for_each(|name| bench.push(0, name, datagram(false, 1, 100)));
    assert_eq!(bench.dropped().len(), 64);
}

/// One flow sends twice what the link takes, another a little every 20 ms: `CoDel` drops of the one, and
/// the other never waits for more than three frames of 1 ms.
#[test]
fn a_sparse_flow_does_not_notice_a_greedy_one() {
    let mut bench = bench(Room::Frames(10_000));
    for half in 0..1_000 {
        bench.push(half * 500_000, half, datagram(false, 1, 1_000));
        if half % 40 == 0 {
            bench.push(half * 500_000, 10_000 + half, datagram(false, 2, 100));
        }
    }
    let dropped = bench.dropped();
    assert!(!dropped.is_empty());
    assert!(dropped.iter().all(|(name, cause)| *name < 10_000 && *cause == Cause::CoDel));
    let now = Instant::from_millis(500);
    let sparse: Vec<u64> = std::iter::from_fn(|| bench.direction.pop(now, &mut bench.draws))
        .filter(|outgoing| outgoing.fate.frame >= 10_000)
        .map(|outgoing| outgoing.fate.at.as_nanos() - (outgoing.fate.frame - 10_000) * 500_000)
        .collect();
    assert_eq!(sparse.len(), 25);
    assert!(sparse.iter().all(|waited| *waited <= 3_000_000), "{sparse:?}");
}
