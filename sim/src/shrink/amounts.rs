//! Steps that lessen something: as far as it goes, or by half; by a quarter, an eighth, or a little.

use std::time::Duration;

use crate::link::{Law, Stage};
use crate::scenario::{AdversarySpec, Datagrams, FaultSpec, Flow, Scenario};

/// About the text of a segment: what a little less text is.
const SEGMENT: u64 = 1_448;
/// Times shorter than this are short enough.
const SHORT: Duration = Duration::from_millis(1);
/// How far amounts are lessened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// As far as it goes, or by half.
    Far,
    /// By a quarter, an eighth, a segment, or one.
    Near,
}

/// Each amount made less.
pub(super) fn steps(scenario: &Scenario, reach: Reach) -> impl Iterator<Item = Scenario> + '_ {
    let flows = of(scenario, |smaller| &mut smaller.flow, move |of| flow(of, reach));
    let datagrams = of(scenario, |smaller| &mut smaller.datagrams, move |of| datagrams(of, reach));
    let faults = of(scenario, |smaller| &mut smaller.fault, move |of| fault(of, reach));
    let adversaries = of(scenario, |smaller| &mut smaller.adversary, move |of| adversary(of, reach));
    let sooner = times(scenario.heal, Duration::from_secs(1), reach);
    let sooner = sooner.into_iter().map(|heal| Scenario { heal, ..scenario.clone() });
    flows.chain(datagrams).chain(faults).chain(adversaries).chain(sooner)
}

/// Each delay made short.
pub(super) fn delays(scenario: &Scenario) -> impl Iterator<Item = Scenario> + '_ {
    (0..scenario.link.len()).flat_map(move |link| shorter_delays(scenario, link))
}

/// The scenario with each thing of a list made another in each way.
pub(super) fn of<'a, T: 'a>(
    scenario: &'a Scenario,
    list: impl Fn(&mut Scenario) -> &mut Vec<T> + Copy + 'a,
    less: impl Fn(&T) -> Vec<T> + 'a,
) -> impl Iterator<Item = Scenario> + 'a {
    let lists: Vec<Vec<T>> = list(&mut scenario.clone()).iter().map(less).collect();
    lists.into_iter().enumerate().flat_map(move |(place, lessened)| {
        lessened.into_iter().map(move |thing| {
            let mut smaller = scenario.clone();
            list(&mut smaller)[place] = thing;
            smaller
        })
    })
}

/// Less than a number, but not less than the least.
fn lessened(value: u64, least: u64, reach: Reach) -> Vec<u64> {
    let part = |eighths: u64| value / 8 * eighths + value % 8 * eighths / 8;
    let mut less = match reach {
        Reach::Far => vec![least, value / 2],
        Reach::Near => vec![part(6), part(7), value.saturating_sub(SEGMENT), value.saturating_sub(1)],
    };
    less.retain(|less| (least..value).contains(less));
    less.dedup();
    less
}

fn lessened_u32(value: u32, least: u32, reach: Reach) -> Vec<u32> {
    let less = lessened(value.into(), least.into(), reach);
    less.into_iter().filter_map(|less| u32::try_from(less).ok()).collect()
}

/// A time sooner, but not sooner than the least.
fn times(time: Duration, least: Duration, reach: Reach) -> Vec<Duration> {
    let mut less = match reach {
        Reach::Far => vec![least, time / 2],
        Reach::Near => vec![time / 4 * 3, time / 8 * 7],
    };
    less.retain(|less| (least..time).contains(less) && time > SHORT);
    less
}

/// A flow with less of each.
fn flow(flow: &Flow, reach: Reach) -> Vec<Flow> {
    let plain = Flow::new(&flow.from, &flow.to);
    let connections = lessened(flow.connections, 1, reach).into_iter();
    let connections = connections.map(|connections| Flow { connections, ..flow.clone() });
    let parallel = lessened_u32(flow.parallel, 1, reach).into_iter().map(|parallel| Flow { parallel, ..flow.clone() });
    let rounds = lessened_u32(flow.rounds, 1, reach).into_iter().map(|rounds| Flow { rounds, ..flow.clone() });
    let requests = lessened(flow.request, plain.request, reach).into_iter();
    let requests = requests.map(|request| Flow { request, ..flow.clone() });
    let responses = lessened(flow.response, 0, reach).into_iter().map(|response| Flow { response, ..flow.clone() });
    let starts = times(flow.at, Duration::ZERO, reach).into_iter().map(|at| Flow { at, ..flow.clone() });
    let pauses = times(flow.pause, Duration::ZERO, reach).into_iter().map(|pause| Flow { pause, ..flow.clone() });
    connections.chain(parallel).chain(rounds).chain(requests).chain(responses).chain(starts).chain(pauses).collect()
}

fn datagrams(datagrams: &Datagrams, reach: Reach) -> Vec<Datagrams> {
    let plain = datagrams;
    let counts = lessened(plain.count, 1, reach).into_iter().map(|count| Datagrams { count, ..plain.clone() });
    let lens = lessened_u32(plain.len, 8, reach).into_iter().map(|len| Datagrams { len, ..plain.clone() });
    let starts = times(plain.at, Duration::ZERO, reach).into_iter().map(|at| Datagrams { at, ..plain.clone() });
    counts.chain(lens).chain(starts).collect()
}

fn fault(fault: &FaultSpec, reach: Reach) -> Vec<FaultSpec> {
    let starts = times(fault.at, Duration::ZERO, reach).into_iter().map(|at| FaultSpec { at, ..fault.clone() });
    let lasts = fault.lasts.into_iter().flat_map(|lasts| times(lasts, Duration::ZERO, reach));
    let lasts = lasts.map(|lasts| FaultSpec { lasts: Some(lasts), ..fault.clone() });
    let by = fault.by.into_iter().flat_map(|by| times(by, Duration::ZERO, reach));
    let by = by.map(|by| FaultSpec { by: Some(by), ..fault.clone() });
    starts.chain(lasts).chain(by).collect()
}

fn adversary(adversary: &AdversarySpec, reach: Reach) -> Vec<AdversarySpec> {
    let counts = lessened_u32(adversary.count, 1, reach).into_iter();
    let counts = counts.map(|count| AdversarySpec { count, ..adversary.clone() });
    let starts = times(adversary.at, Duration::ZERO, reach).into_iter();
    let starts = starts.map(|at| AdversarySpec { at, ..adversary.clone() });
    counts.chain(starts).collect()
}

/// A link with each delay short.
fn shorter_delays(scenario: &Scenario, link: usize) -> impl Iterator<Item = Scenario> + '_ {
    let path = &scenario.link[link].path;
    let places =
        (0..path.a_to_b.len()).map(|stage| (true, stage)).chain((0..path.b_to_a.len()).map(|stage| (false, stage)));
    places.filter_map(move |(toward_b, stage)| {
        let mut smaller = scenario.clone();
        let path = &mut smaller.link[link].path;
        let stages = if toward_b { &mut path.a_to_b } else { &mut path.b_to_a };
        let Stage::Delay(delay) = &mut stages[stage] else { return None };
        let Law::Constant(time) = &mut delay.law else { return None };
        *time = (*time).min(SHORT);
        Some(smaller)
    })
}
