//! What holds for every pipeline.

use std::time::Duration;

use proptest::prelude::*;
use tickwire_sim::draw::{Draws, Tape};
use tickwire_sim::link::direction::{ARRIVED_MAX, FATES_MAX};
use tickwire_sim::link::{
    Cause, CoDel, Corrupt, Delay, Direction, Flap, FqCoDel, Framing, GilbertElliott, Law, Loss, Mtu, Pattern, Queue,
    Rate, Red, Room, Router, Stage, Step,
};
use tickwire_sim::{Instant, Seed};

use crate::{Bench, frame, millis};

fn law() -> impl Strategy<Value = Law> {
    let duration = || (0_u64..5_000_000).prop_map(Duration::from_nanos);
    prop_oneof![
        duration().prop_map(Law::Constant),
        (duration(), duration()).prop_map(|(min, span)| Law::Uniform { min, max: min + span }),
        (duration(), duration()).prop_map(|(mean, deviation)| Law::Normal { mean, deviation }),
        (duration(), duration()).prop_map(|(min, scale)| Law::Pareto { min, scale }),
    ]
}

fn room() -> impl Strategy<Value = Room> {
    prop_oneof![(0_u32..20).prop_map(Room::Frames), (0_u64..20_000).prop_map(Room::Bytes)]
}

fn queue() -> impl Strategy<Value = Queue> {
    let codel = || {
        (0_u64..10, 1_u64..100).prop_map(|(target, interval)| CoDel {
            target: millis(target),
            interval: millis(interval),
            ..CoDel::default()
        })
    };
    prop_oneof![
        Just(Queue::TailDrop),
        Just(Queue::HeadDrop),
        codel().prop_map(Queue::CoDel),
        (codel(), 0_u16..5, 0_u32..3_000).prop_map(|(codel, flows, quantum)| Queue::FqCoDel(FqCoDel {
            codel,
            flows,
            quantum
        })),
        (0_u64..5_000, 1_u64..5_000, 0_u8..25).prop_map(|(min, span, weight_shift)| Queue::Red(Red {
            min,
            max: min + span,
            weight_shift,
            ..Red::new(0)
        })),
        (room(), any::<bool>()).prop_map(|(threshold, drop_not_ect)| Queue::Step(Step { threshold, drop_not_ect })),
    ]
}

fn loss() -> impl Strategy<Value = Loss> {
    prop_oneof![
        (0_u32..=1_000_000).prop_map(|ppm| Loss::Bernoulli { ppm }),
        Just(Loss::GilbertElliott(GilbertElliott::BURSTY)),
        (0_u64..10).prop_map(Loss::EveryNth),
        prop::collection::vec(0_u64..100, 0..5).prop_map(Loss::Ordinals),
        prop::collection::vec(0_u64..100, 0..5).prop_map(|ordinals| Loss::Matching { pattern: Pattern::Any, ordinals }),
    ]
}

pub(crate) fn stage() -> impl Strategy<Value = Stage> {
    let delay =
        (law(), any::<bool>(), 0_u32..50, 0_u32..=1_000_000).prop_map(|(law, overtake, room, correlation_ppm)| {
            let delay = Delay { in_flight_max: room, correlation_ppm, ..Delay::new(law) };
            Stage::Delay(if overtake { delay.reordering() } else { delay })
        });
    let rate = (1_u64..1_000_000_000, room(), queue())
        .prop_map(|(bps, room, queue)| Stage::Rate(Rate { bps, framing: Framing::Ethernet, room, queue }));
    let corrupt = (0_u32..=1_000_000, 0..3).prop_map(|(ppm, kind)| {
        Stage::Corrupt(match kind {
            0 => Corrupt::BreakChecksum { ppm },
            1 => Corrupt::KeepChecksum { ppm },
            _ => Corrupt::Truncate { ppm },
        })
    });
    let flap = (0_u64..50, 0_u64..50, 0_u64..50).prop_map(|(from, down, up)| {
        Stage::Flap(Flap::Periodic { from: Instant::from_millis(from), down: millis(down), up: millis(up) })
    });
    let mtu = (14_u16..1_600, any::<bool>()).prop_map(|(mtu, tells)| {
        let router = Router { ipv4: [192, 0, 2, 254].into(), ipv6: "2001:db8::fe".parse().unwrap() };
        Stage::Mtu(Mtu::constant(mtu, tells.then_some(router)))
    });
    prop_oneof![
        rate,
        mtu,
        delay,
        loss().prop_map(Stage::Loss),
        corrupt,
        flap,
        (0_u32..=1_000_000).prop_map(|ppm| Stage::Duplicate { ppm }),
    ]
}

/// Times between frames, and their lengths.
fn traffic() -> impl Strategy<Value = Vec<(u64, usize)>> {
    prop::collection::vec((0_u64..2_000_000, 14_usize..1_514), 0..120)
}

fn assert_accounted(direction: &Direction) {
    let counters = direction.counters();
    let went_in = counters.pushed + counters.added;
    assert_eq!(went_in, counters.delivered + counters.dropped_total() + direction.waiting() as u64);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Every frame that went in, or was made, arrives, is dropped with a cause, or waits; its fate is told
    /// once; deadlines are exact.
    #[test]
    fn every_frame_is_accounted_for_once(
        stages in prop::collection::vec(stage(), 0..6), traffic in traffic(), seed: u8,
    ) {
        let mut bench = Bench::seeded(seed, stages);
        let (mut now, mut told) = (0, 0);
        for (name, (gap, len)) in traffic.into_iter().enumerate() {
            now += gap;
            bench.push(now, name as u64, frame(len));
            told += std::iter::from_fn(|| bench.pop(now)).count();
            assert_accounted(&bench.direction);
        }
        told += bench.arrivals().len() + bench.dropped().len();
        prop_assert_eq!(bench.direction.waiting(), 0);
        assert_accounted(&bench.direction);
        let counters = bench.direction.counters();
        prop_assert_eq!(told as u64, counters.pushed + counters.added);
    }

    /// Looking often or seldom makes no difference, nor does a clone.
    #[test]
    fn it_makes_no_difference_how_often_one_looks(
        stages in prop::collection::vec(stage(), 0..6), traffic in traffic(), seed: u8,
    ) {
        let (mut often, mut seldom) = (Bench::seeded(seed, stages.clone()), Bench::seeded(seed, stages));
        let (mut now, mut seen) = (0, Vec::new());
        for (name, (gap, len)) in traffic.into_iter().enumerate() {
            for part in 1..=4 {
                seen.extend(std::iter::from_fn(|| often.pop(now + gap * part / 4)));
            }
            now += gap;
            often.push(now, name as u64, frame(len));
            seldom.push(now, name as u64, frame(len));
        }
        let mut branch = often.direction.clone();
        let mut draws = often.draws.clone();
        seen.extend(often.arrivals());
        prop_assert_eq!(seen, std::iter::from_fn(|| seldom.pop(u64::MAX - 1)).collect::<Vec<_>>());
        prop_assert_eq!(often.dropped(), seldom.dropped());
        while branch.pop(Instant::from_nanos(u64::MAX - 1), &mut draws).is_some() {}
        prop_assert_eq!(branch.counters(), often.direction.counters());
    }

    /// A tape makes the same fates; an empty one makes none that are due to chance.
    #[test]
    fn a_tape_replays_the_same_fates(
        stages in prop::collection::vec(stage(), 0..6), traffic in traffic(), seed: u8,
    ) {
        let run = |mut draws: Draws, stages: &[Stage]| {
            draws.record();
            let mut bench = Bench { direction: Direction::new(stages.to_vec(), 7, false), draws };
            let mut now = 0;
            for (name, (gap, len)) in traffic.iter().enumerate() {
                now += gap;
                bench.push(now, name as u64, frame(*len));
            }
            (bench.arrivals(), bench.dropped(), bench.draws.tape().clone())
        };
        let seeded = run(Draws::seeded(&Seed([seed; 32])), &stages);
        prop_assert_eq!(&run(Draws::replay(seeded.2.clone()), &stages), &seeded);
        let (_, dropped, tape) = run(Draws::replay(Tape::new()), &stages);
        prop_assert_eq!(tape, Tape::new());
        for (_, cause) in dropped {
            prop_assert!(!matches!(cause, Cause::Loss | Cause::LossInBad | Cause::LossInGood), "{}", cause);
        }
    }
}

#[test]
fn an_empty_pipeline_is_a_wire_of_no_length() {
    let mut bench = Bench::new(Vec::new());
    bench.push(3, 1, frame(60));
    assert_eq!(bench.direction.deadline(), Some(Instant::from_nanos(3)));
    assert_eq!(bench.arrivals(), [(3, 1)]);
}

#[test]
fn copies_follow_their_frames() {
    let mut bench = Bench::new(vec![Stage::Duplicate { ppm: 1_000_000 }, Stage::Delay(Delay::constant(millis(1)))]);
    bench.push(0, 0, frame(60));
    bench.push(1, 1, frame(60));
    assert_eq!(bench.arrivals(), [(1_000_000, 0), (1_000_000, 0), (1_000_001, 1), (1_000_001, 1)]);
    assert_eq!(bench.direction.counters().added, 2);
}

#[test]
fn a_cut_direction_drops_what_comes_and_delivers_what_came() {
    let mut bench = Bench::new(vec![Stage::Delay(Delay::constant(millis(1)))]);
    bench.push(0, 0, frame(60));
    bench.direction.set_cut(true);
    bench.push(1, 1, frame(60));
    bench.direction.set_cut(false);
    bench.push(2, 2, frame(60));
    assert_eq!(bench.arrivals(), [(1_000_000, 0), (1_000_002, 2)]);
    assert_eq!(bench.dropped(), [(1, Cause::Partition)]);
}

#[test]
fn what_nobody_takes_out_is_bounded() {
    let mut bench = Bench::new(Vec::new());
    let pushed = ARRIVED_MAX + FATES_MAX + 10;
    (0..pushed as u64).for_each(|name| bench.push(0, name, frame(14)));
    let counters = bench.direction.counters();
    assert_eq!(counters.dropped[&Cause::NotTaken], FATES_MAX as u64 + 10);
    assert_eq!(counters.fates_forgotten, 10);
    assert_accounted(&bench.direction);
    assert_eq!(bench.dropped().len(), FATES_MAX);
    assert_eq!(std::iter::from_fn(|| bench.pop(0)).count(), ARRIVED_MAX);
}

#[test]
fn time_does_not_go_back() {
    let mut bench = Bench::new(vec![Stage::Delay(Delay::constant(millis(1)))]);
    bench.push(5_000_000, 0, frame(60));
    bench.push(0, 1, frame(60));
    assert_eq!(bench.arrivals(), [(6_000_000, 0), (6_000_000, 1)]);
}
