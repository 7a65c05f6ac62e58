//! Between devices in memory: what the link does happens, in real time, and what is late is told.

use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use tickwire_backends::device::Device as _;
use tickwire_backends::pair::{PairDevice, pair};
use tickwire_backends::pool::Pool;
use tickwire_core::Seed;
use tickwire_core::frame::TxBatch;
use tickwire_sim::Link;
use tickwire_sim::link::{Cause, StageKind};
use tickwire_sim::relay::Relay;

/// A relay, and the devices at its ends.
struct Bench {
    relay: Relay<PairDevice>,
    ends: [PairDevice; 2],
    pool: Pool,
}

impl Bench {
    fn new(link: &str, seed: u8) -> Bench {
        let ((west, a), (b, east)) = (pair(1500).unwrap(), pair(1500).unwrap());
        let link: Link = link.parse().unwrap();
        let ends = [(a, Pool::new(1514)), (b, Pool::new(1514))];
        Bench { relay: Relay::new(ends, link, &Seed([seed; 32])), ends: [west, east], pool: Pool::new(1514) }
    }

    fn send(&self, end: usize, frame: &[u8]) {
        let mut batch = TxBatch::new();
        batch.push(frame, []);
        assert_eq!(self.ends[end].transmit(&batch, 0).unwrap(), 1);
    }

    fn run(&mut self, millis: u64) {
        self.relay.run(Some(Duration::from_millis(millis)), &AtomicBool::new(false), |_| {}).unwrap();
    }

    /// While nobody looks, for `millis`, so many frames come to the first end.
    fn pause(&mut self, frames: u16, millis: u64) {
        self.run(2);
        (0..frames).for_each(|number| self.send(0, &frame(number)));
        thread::sleep(Duration::from_millis(millis));
    }

    fn received(&mut self, end: usize) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        self.ends[end].receive(&mut self.pool, &mut frames, usize::MAX).unwrap();
        frames.into_iter().map(|frame| frame.data.to_vec()).collect()
    }
}

fn frame(number: u16) -> Vec<u8> {
    let mut frame = vec![0; 60];
    frame[58..].copy_from_slice(&number.to_be_bytes());
    frame
}

#[test]
fn frames_take_their_time_both_ways() {
    let mut bench = Bench::new("[[a-to-b]]\ndelay.law.constant = '200ms'", 1);
    bench.send(0, &frame(1));
    bench.send(1, &frame(2));
    bench.run(50);
    assert_eq!(bench.received(0), [frame(2)]);
    assert!(bench.received(1).is_empty());
    bench.run(200);
    assert_eq!(bench.received(1), [frame(1)]);
    let report = bench.relay.report();
    assert_eq!(report.a_to_b.counters.acted[&StageKind::Constant], 1);
    assert_eq!((report.a_to_b.counters.delivered, report.b_to_a.counters.delivered), (1, 1));
}

/// Which of 500 frames come out.
fn survivors(seed: u8) -> Vec<Vec<u8>> {
    let mut bench = Bench::new("[[both]]\nloss.bernoulli = '20%'", seed);
    (0..500).for_each(|number| bench.send(0, &frame(number)));
    bench.run(100);
    let report = bench.relay.report();
    let survivors = bench.received(1);
    assert_eq!(report.a_to_b.counters.dropped[&Cause::Loss] + survivors.len() as u64, 500);
    assert!(report.to_string().contains("dropped: random loss"), "{report}");
    survivors
}

#[test]
fn one_seed_loses_the_same_frames() {
    let first = survivors(1);
    // 100 with a deviation of 9.
    assert!((373..=427).contains(&first.len()), "{}", first.len());
    assert_eq!(first, survivors(1));
    assert_ne!(first, survivors(2));
}

/// A frame is due after 100 ms and nobody looks for 250.
#[test]
fn what_leaves_late_is_told() {
    let mut bench = Bench::new("[[both]]\ndelay.law.constant = '100ms'", 1);
    bench.send(0, &frame(1));
    bench.run(20);
    assert_eq!(bench.relay.report().behind(), 0);
    thread::sleep(Duration::from_millis(250));
    bench.run(20);
    let report = bench.relay.report();
    assert_eq!((report.behind(), report.a_to_b.delivery.late_frames), (1, 1));
    assert!(report.a_to_b.delivery.worst >= Duration::from_millis(150));
    assert!(!report.b_to_a.delivery.is_behind());
    assert!(report.to_string().contains("FELL BEHIND: 1 frames more than 1 ms late"), "{report}");
    assert!(report.behind_line().contains("1 frames more than 1 ms late"), "{}", report.behind_line());
}

/// Nobody looks for 20 ms, in which 100 frames come: they are taken to have come evenly, so that on a link that takes
/// no time all but those of the last millisecond leave late.
#[test]
fn what_was_read_late_is_told() {
    let mut bench = Bench::new("", 1);
    bench.pause(100, 20);
    bench.run(50);
    assert!(bench.received(1).into_iter().eq((0..100).map(frame)));
    let delivery = bench.relay.report().a_to_b.delivery;
    assert_eq!(delivery.guessed_frames, 100);
    assert!(delivery.worst_guess >= Duration::from_millis(20));
    assert!((90..100).contains(&delivery.late_frames), "{delivery}");
    assert!(bench.relay.report().behind_line().contains("100 came while nobody looked"), "{delivery}");
}

/// The same on a link that takes longer than the pause: what came late to the relay leaves it in time, about as evenly
/// as it came.
#[test]
fn a_pause_shorter_than_the_link_delays_nothing() {
    let mut bench = Bench::new("[[both]]\ndelay.law.constant = '300ms'", 1);
    bench.pause(10, 200);
    bench.run(10);
    assert!(bench.received(1).is_empty());
    // 180 ms ago the first of ten came, and it is due 300 ms after that.
    bench.run(180);
    let some = bench.received(1).len();
    assert!(some > 0);
    bench.run(150);
    assert_eq!(some + bench.received(1).len(), 10);
    assert_eq!(bench.relay.report().a_to_b.delivery.guessed_frames, 10);
}

/// Who sleeps until a frame comes has missed nothing.
#[test]
fn a_sleep_is_no_pause() {
    let mut bench = Bench::new("", 1);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let west = &bench.ends[0];
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(30));
            let mut batch = TxBatch::new();
            (0..20).for_each(|number| batch.push(&frame(number), []));
            assert_eq!(west.transmit(&batch, 0).unwrap(), 20);
        });
        bench.relay.run(Some(Duration::from_millis(80)), &stop, |_| {}).unwrap();
    });
    assert_eq!(bench.received(1).len(), 20);
    assert!(bench.relay.report().a_to_b.delivery.worst_guess < Duration::from_millis(20));
}

/// The far end takes 1,024 frames; the rest waits in the relay, in order.
#[test]
fn a_device_that_takes_nothing_is_waited_for() {
    let mut bench = Bench::new("", 1);
    for number in 0..1_100 {
        bench.send(0, &frame(number));
        if number % 100 == 0 {
            bench.run(10);
        }
    }
    bench.run(50);
    let mut received = bench.received(1);
    assert_eq!(received.len(), 1_024);
    bench.run(50);
    received.extend(bench.received(1));
    assert!(received.into_iter().eq((0..1_100).map(frame)));
}

/// The router's error comes back to the end from which the packet came.
#[test]
fn errors_go_back() {
    let link =
        "[[a-to-b]]\nmtu = { steps = [{ mtu = 1000 }], router = { ipv4 = '192.0.2.254', ipv6 = '2001:db8::fe' } }";
    let mut bench = Bench::new(link, 1);
    let mut packet = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    packet.extend([0x45, 0, 4, 76, 0, 0, 0x40, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    packet.resize(14 + 1_100, 0);
    bench.send(0, &packet);
    bench.run(50);
    assert!(bench.received(1).is_empty());
    let errors = bench.received(0);
    assert_eq!(errors.len(), 1);
    // Destination Unreachable, Fragmentation Needed (RFC 792), from the router to the sender.
    assert_eq!((errors[0][26..34].to_vec(), &errors[0][34..36]), (vec![192, 0, 2, 254, 192, 0, 2, 1], &[3, 4][..]));
}
