//! Rates: exact departures, and queues in frames and bytes.

use rstest::rstest;
use tickwire_sim::link::{Cause, Framing, Queue, Rate, Room, Stage};

use crate::{Bench, frame};

fn bench(bps: u64, framing: Framing, room: Room, queue: Queue) -> Bench {
    Bench::new(vec![Stage::Rate(Rate { framing, ..Rate::new(bps, room, queue) })])
}

/// 1,538 bytes on the medium are 12,304 bits, 84 bytes are 672.
#[rstest]
#[case(1_000_000_000, Framing::Ethernet, 1514, 12_304)]
#[case(10_000_000, Framing::Ethernet, 1514, 1_230_400)]
#[case(1_000_000_000, Framing::Ethernet, 42, 672)]
#[case(1_000_000_000, Framing::None, 1514, 12_112)]
#[case(1_000_000_000, Framing::PerFrame(38), 1500, 12_304)]
// 12,112 bits / 33,600 bit/s = 360.47619047... ms
#[case(33_600, Framing::None, 1514, 360_476_191)]
fn a_frame_takes_the_time_of_its_bits(
    #[case] bps: u64,
    #[case] framing: Framing,
    #[case] len: usize,
    #[case] nanos: u64,
) {
    let mut bench = bench(bps, framing, Room::Frames(1), Queue::TailDrop);
    bench.push(5, 0, frame(len));
    assert_eq!(bench.arrivals(), [(5 + nanos, 0)]);
}

/// At 3 Gbit/s a bit takes a third of a nanosecond: 100 frames of 1 byte are sent after 800 / 3 ns, and
/// none is rounded by more than one.
#[test]
fn rounding_does_not_add_up() {
    let mut bench = bench(3_000_000_000, Framing::None, Room::Frames(100), Queue::TailDrop);
    (0..100).for_each(|name| bench.push(0, name, frame(1)));
    let expected: Vec<(u64, u64)> = (0..100_u64).map(|name| (((name + 1) * 8).div_ceil(3), name)).collect();
    assert_eq!(bench.arrivals(), expected);
}

#[test]
fn a_sender_that_was_idle_begins_anew() {
    let mut bench = bench(8_000_000_000, Framing::None, Room::Frames(9), Queue::TailDrop);
    for (at, name) in [(0, 0), (40, 1), (1_000, 2)] {
        bench.push(at, name, frame(100));
    }
    // The first two are back to back; the third comes long after.
    assert_eq!(bench.arrivals(), [(100, 0), (200, 1), (1_100, 2)]);
}

#[test]
fn nothing_is_sent_at_rate_0() {
    let mut bench = bench(0, Framing::Ethernet, Room::Frames(2), Queue::TailDrop);
    (0..5).for_each(|name| bench.push(0, name, frame(60)));
    assert_eq!(bench.direction.deadline(), None);
    assert_eq!(bench.dropped(), [(3, Cause::QueueFull), (4, Cause::QueueFull)]);
    assert_eq!(bench.direction.waiting(), 3);
}

/// The first frame is being sent and not in the queue.
#[rstest]
#[case(Room::Frames(2), Queue::TailDrop, &[0, 1, 2], &[(3, Cause::QueueFull), (4, Cause::QueueFull)])]
#[case(Room::Bytes(250), Queue::TailDrop, &[0, 1, 2], &[(3, Cause::QueueFull), (4, Cause::QueueFull)])]
#[case(Room::Frames(2), Queue::HeadDrop, &[0, 3, 4], &[(1, Cause::HeadDropped), (2, Cause::HeadDropped)])]
#[case(Room::Bytes(200), Queue::HeadDrop, &[0, 3, 4], &[(1, Cause::HeadDropped), (2, Cause::HeadDropped)])]
fn what_finds_no_room(
    #[case] room: Room,
    #[case] queue: Queue,
    #[case] sent: &[u64],
    #[case] dropped: &[(u64, Cause)],
) {
    let mut bench = bench(1_000_000, Framing::None, room, queue);
    (0..5).for_each(|name| bench.push(0, name, frame(100)));
    let names: Vec<u64> = bench.arrivals().into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, sent);
    assert_eq!(bench.dropped(), dropped);
}

#[test]
fn a_frame_longer_than_the_queue_drops_itself_too() {
    let mut bench = bench(1_000_000, Framing::None, Room::Bytes(150), Queue::HeadDrop);
    for (name, len) in [(0, 200), (1, 100), (2, 151)] {
        bench.push(0, name, frame(len));
    }
    // At an idle sender too the queue has no room for it.
    assert_eq!(bench.dropped(), [(0, Cause::QueueFull), (2, Cause::QueueFull)]);
    assert_eq!(bench.arrivals().len(), 1);
}
