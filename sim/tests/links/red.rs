//! RED against the paper: nothing below the lower threshold, all above the upper one, and in between
//! gaps that are spread evenly.

use tickwire_sim::Instant;
use tickwire_sim::bytes::Bytes;
use tickwire_sim::link::{Act, Cause, Framing, Queue, Rate, Red, Room, Stage, StageKind};

use crate::packets::{datagram, ect};
use crate::{Bench, frame};

/// 8 Mbit/s: a frame of 1,000 bytes takes 1 ms.
fn bench(room: Room, red: Red) -> Bench {
    let rate = Rate::new(8_000_000, room, Queue::Red(red));
    Bench::new(vec![Stage::Rate(Rate { framing: Framing::None, ..rate })])
}

/// With weight 1 the average is the length itself, which is n - 1 for frame n: frame 0 is on its way.
#[test]
fn from_the_upper_threshold_on_all_is_dropped() {
    let red = Red { min: 5, max: 10, max_ppm: 0, weight_shift: 0, ecn: true };
    for (room, red) in [(Room::Frames(100), red), (Room::Bytes(100_000), Red { min: 5_000, max: 10_000, ..red })] {
        let mut bench = bench(room, red);
        (0..13).for_each(|name| bench.push(0, name, ect(&datagram(false, 1, 1_000))));
        assert_eq!(bench.dropped(), [(11, Cause::RedForced), (12, Cause::RedForced)]);
        assert_eq!(bench.direction.counters().acted[&StageKind::Red], 2);
    }
}

#[test]
fn below_the_lower_threshold_nothing_is() {
    let red = Red { max_ppm: 1_000_000, weight_shift: 0, ..Red::new(5) };
    let mut bench = bench(Room::Frames(100), red);
    (0..6).for_each(|name| bench.push(0, name, frame(1_000)));
    assert_eq!(bench.dropped(), []);
}

/// Of those marked, which frame each is, while each finds `len` waiting.
fn marked(red: Red, room: Room, len: u64, frame: &Bytes) -> Vec<u64> {
    let mut bench = bench(room, red);
    let (first, end) = (len + 2, 20_000);
    (0..first).for_each(|name| bench.push(0, name, frame.clone()));
    for name in first..end {
        // One goes at each whole millisecond, and then one comes.
        bench.push((name - first + 1) * 1_000_000, name, frame.clone());
    }
    assert_eq!(bench.dropped(), []);
    let now = Instant::from_millis(end + len);
    std::iter::from_fn(|| bench.direction.pop(now, &mut bench.draws))
        .filter(|outgoing| outgoing.fate.acts.as_slice() == [Act::MarkedCe])
        .map(|outgoing| outgoing.fate.frame)
        .filter(|name| *name >= first)
        .collect()
}

/// Half way between the thresholds `p_b` is half of 1/5. The nth frame after a marked one is marked with
/// `p_b / (1 - n p_b)`: the gaps are 1 to 9, each as often.
#[test]
fn gaps_between_marks_are_uniform() {
    let red = Red { min: 2, max: 10, max_ppm: 200_000, weight_shift: 0, ecn: true };
    let marked = marked(red, Room::Frames(100), 6, &ect(&datagram(false, 1, 1_000)));
    let gaps: Vec<u64> = marked.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // 20,000 / 5 gaps.
    assert!(gaps.len().abs_diff(4_000) <= 100, "{}", gaps.len());
    for gap in 1..=9 {
        let found = gaps.iter().filter(|found| **found == gap).count();
        // 4,000 / 9 = 444, deviation 20.
        assert!(found.abs_diff(gaps.len() / 9) <= 60, "{gap}: {found}");
    }
    assert!(gaps.iter().all(|gap| *gap <= 9));
}

/// In a queue of bytes a frame of 757 bytes is marked half as often as one of 1,514: `p_b` is 1/20, the
/// gaps 1 to 19, 10 on average.
#[test]
fn in_a_queue_of_bytes_shorter_frames_fare_better() {
    let red = Red { min: 757, max: 757 * 5, max_ppm: 200_000, weight_shift: 0, ecn: true };
    let rate = Rate { framing: Framing::None, ..Rate::new(757 * 8_000, Room::Bytes(100_000), Queue::Red(red)) };
    let mut bench = Bench::new(vec![Stage::Rate(rate)]);
    let frame = ect(&datagram(true, 1, 757));
    (0..5).for_each(|name| bench.push(0, name, frame.clone()));
    (5..20_000).for_each(|name| bench.push((name - 4) * 1_000_000, name, frame.clone()));
    let marked = bench.direction.counters().marked;
    assert!(marked.abs_diff(2_000) <= 100, "{marked}");
}

/// Not to be marked, or not asked to be: dropped instead.
#[test]
fn what_is_not_marked_is_dropped() {
    for (ecn, frame) in [(true, datagram(false, 1, 1_000)), (false, ect(&datagram(false, 1, 1_000)))] {
        let red = Red { min: 1, max: 50, max_ppm: 1_000_000, weight_shift: 0, ecn };
        let mut bench = bench(Room::Frames(100), red);
        (0..60).for_each(|name| bench.push(0, name, frame.clone()));
        let dropped = bench.dropped();
        assert!(!dropped.is_empty() && dropped.iter().all(|(_, cause)| *cause == Cause::RedEarly), "{dropped:?}");
        assert_eq!(bench.direction.counters().marked, 0);
    }
}

/// The average follows slowly: a burst into an idle queue is let in although it is longer than the upper
/// threshold; and after a second without frames it is as if nothing had been.
#[test]
fn bursts_pass_and_idle_time_forgets() {
    let red = Red { max_ppm: 1_000_000, ..Red::new(5) };
    let mut bench = bench(Room::Frames(1_000), red);
    for round in 0..20 {
        (0..40).for_each(|name| bench.push(round * 1_000_000_000, name, frame(1_000)));
    }
    // 40 frames move it by less than 40 * 39 / 2 / 512 = 1.5; 960 ms are 1,920 small frames' time.
    assert_eq!(bench.dropped(), []);
}
