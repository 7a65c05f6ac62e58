//! Delays: exact where they are constant, lawful where they are not, and in order where that is asked.

use std::time::Duration;

use rstest::rstest;
use tickwire_sim::link::{Cause, Delay, Law, Order, Stage};

use crate::{Bench, frame, millis};

const FRAMES: u64 = 20_000;

/// A frame each `gap` nanoseconds: when each arrives.
fn arrivals(delay: Delay, gap: u64) -> Vec<(u64, u64)> {
    let mut bench = Bench::new(vec![Stage::Delay(delay)]);
    let mut arrivals = Vec::new();
    for name in 0..FRAMES {
        bench.push(name * gap, name, frame(60));
        arrivals.extend(std::iter::from_fn(|| bench.pop(name * gap)));
    }
    arrivals.extend(bench.arrivals());
    assert_eq!(arrivals.len() as u64, FRAMES);
    arrivals
}

/// The delays, drawn far apart.
fn delays(delay: Delay) -> Vec<u64> {
    let gap = 1_000_000_000;
    arrivals(delay, gap).into_iter().map(|(at, name)| at - name * gap).collect()
}

fn mean(values: &[u64]) -> u64 {
    values.iter().sum::<u64>() / values.len() as u64
}

#[rstest]
fn a_constant_delay_is_exact(#[values(0, 1, 5_000_000)] nanos: u64) {
    let delays = delays(Delay::constant(Duration::from_nanos(nanos)));
    assert!(delays.iter().all(|delay| *delay == nanos));
}

#[test]
fn uniform() {
    let delays = delays(Delay::new(Law::Uniform { min: Duration::from_nanos(10), max: Duration::from_nanos(19) }));
    for value in 10..=19 {
        let found = delays.iter().filter(|delay| **delay == value).count();
        // Of 20,000, 2,000 with a deviation of 42.4.
        assert!(found.abs_diff(2_000) <= 128, "{value}: {found}");
    }
}

#[test]
fn normal() {
    let delays = delays(Delay::new(Law::Normal { mean: millis(20), deviation: millis(2) }));
    let within = |sigmas: u64| delays.iter().filter(|delay| delay.abs_diff(20_000_000) < sigmas * 2_000_000).count();
    // The mean scatters by 2 ms / sqrt(20,000) = 14.1 us.
    assert!(mean(&delays).abs_diff(20_000_000) <= 43_000, "{}", mean(&delays));
    // 68.27 %, 95.45 %, 99.73 % and all, of 20,000, within 3 sigma.
    assert!(within(1).abs_diff(13_654) <= 198, "{}", within(1));
    assert!(within(2).abs_diff(19_090) <= 89, "{}", within(2));
    assert!(within(3).abs_diff(19_946) <= 22, "{}", within(3));
    assert_eq!(within(4), delays.len());
}

#[test]
fn pareto() {
    let delays = delays(Delay::new(Law::Pareto { min: millis(10), scale: millis(8) }));
    // One in 8 exceeds scale x 1, one in 64 scale x 3; half of scale on top on average.
    let above = |scales: u64| delays.iter().filter(|delay| **delay > 10_000_000 + scales * 8_000_000).count();
    assert!(above(1).abs_diff(2_500) <= 141, "{}", above(1));
    assert!(above(3).abs_diff(312) <= 53, "{}", above(3));
    assert!(mean(&delays).abs_diff(14_000_000) <= 200_000, "{}", mean(&delays));
    assert!(delays.iter().all(|delay| (10_000_000..258_000_000).contains(delay)));
}

/// A frame keeps the delay of the one before as often as asked, and the law stays.
#[test]
fn correlated() {
    let law = Law::Uniform { min: Duration::ZERO, max: millis(100) };
    let delays = delays(Delay { correlation_ppm: 750_000, ..Delay::new(law) });
    let kept = delays.windows(2).filter(|pair| pair[0] == pair[1]).count();
    // 15,000 with a deviation of 61.
    assert!(kept.abs_diff(15_000) <= 184, "{kept}");
    // Deviation 28.9 ms / sqrt(20,000), times sqrt((1 + 0.75) / (1 - 0.75)) = 2.65: 0.54 ms.
    assert!(mean(&delays).abs_diff(50_000_000) <= 1_620_000, "{}", mean(&delays));
}

#[rstest]
#[case(Law::Uniform { min: millis(1), max: millis(50) })]
#[case(Law::Normal { mean: millis(20), deviation: millis(10) })]
#[case(Law::Pareto { min: millis(1), scale: millis(10) })]
fn frames_overtake_each_other_only_where_that_is_asked(#[case] law: Law) {
    let in_order = |delay: Delay| arrivals(delay, 100_000).windows(2).all(|pair| pair[0].1 < pair[1].1);
    assert!(in_order(Delay::new(law)));
    assert!(!in_order(Delay::new(law).reordering()));
    let timely = |delay: Delay| arrivals(delay, 100_000).windows(2).all(|pair| pair[0].0 <= pair[1].0);
    assert!(timely(Delay::new(law)) && timely(Delay::new(law).reordering()));
}

#[test]
fn what_ends_at_one_instant_keeps_its_order() {
    let law = Law::Uniform { min: Duration::ZERO, max: Duration::from_nanos(3) };
    let arrivals = arrivals(Delay { order: Order::Overtake, ..Delay::new(law) }, 0);
    assert!(arrivals.windows(2).all(|pair| pair[0].0 < pair[1].0 || pair[0].1 < pair[1].1));
}

#[test]
fn what_is_in_flight_is_bounded() {
    let mut bench = Bench::new(vec![Stage::Delay(Delay { in_flight_max: 3, ..Delay::constant(millis(1)) })]);
    (0..5).for_each(|name| bench.push(0, name, frame(60)));
    assert_eq!(bench.dropped(), [(3, Cause::InFlightFull), (4, Cause::InFlightFull)]);
    assert_eq!(bench.arrivals().len(), 3);
    bench.push(2_000_000, 5, frame(60));
    assert_eq!(bench.arrivals(), [(3_000_000, 5)]);
}
