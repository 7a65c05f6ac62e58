//! Steps that lessen something: first as far as it goes, then by half, a quarter, an eighth, or a little.

use std::time::Duration;

use crate::draw::PPM;
use crate::link::Stage;
use crate::scenario::{AdversarySpec, Datagrams, FaultSpec, Flow, HostSpec, Scenario, Setting};

/// About the text of a segment: what a little less text is.
const SEGMENT: u64 = 1_448;
/// Times shorter than this are short enough.
const SHORT: Duration = Duration::from_millis(1);
/// Buffers of connections, which decide how much is on its way.
const BUFFERS: [&str; 2] = ["tcp.socket.send_buffer", "tcp.socket.receive_buffer"];
/// The smallest buffer that is tried, and the largest.
const BUFFER: (u64, u64) = (2 << 10, 16 << 10);

/// Each amount made less, in each way.
pub(super) fn steps(scenario: &Scenario) -> impl Iterator<Item = Scenario> + '_ {
    let flows = of(scenario, |smaller| &mut smaller.flow, flow);
    let datagrams = of(scenario, |smaller| &mut smaller.datagrams, datagrams);
    let faults = of(scenario, |smaller| &mut smaller.fault, fault);
    let adversaries = of(scenario, |smaller| &mut smaller.adversary, adversary);
    let hosts = of(scenario, |smaller| &mut smaller.host, buffers);
    let delays = (0..scenario.link.len()).flat_map(move |link| shorter_delays(scenario, link));
    let sooner = times(scenario.heal, Duration::from_secs(1));
    let sooner = sooner.into_iter().map(|heal| Scenario { heal, ..scenario.clone() });
    flows.chain(datagrams).chain(faults).chain(adversaries).chain(hosts).chain(sooner).chain(delays)
}

/// The scenario with each thing of a list made less in each way.
fn of<'a, T: 'a>(
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
fn lessened(value: u64, least: u64) -> Vec<u64> {
    let eighths = |parts: u64| (value / 8 * parts).max(value.saturating_mul(parts) / 8);
    let mut less =
        vec![least, value / 2, eighths(6), eighths(7), value.saturating_sub(SEGMENT), value.saturating_sub(1)];
    less.retain(|less| (least..value).contains(less));
    less.dedup();
    less
}

fn lessened_u32(value: u32, least: u32) -> Vec<u32> {
    let less = lessened(value.into(), least.into());
    less.into_iter().filter_map(|less| u32::try_from(less).ok()).collect()
}

/// A time sooner, but not sooner than the least.
fn times(time: Duration, least: Duration) -> Vec<Duration> {
    let mut less = vec![least, time / 2, time / 4 * 3, time / 8 * 7];
    less.retain(|less| (least..time).contains(less) && time > SHORT);
    less
}

/// A flow with less of each, and without what is not by default.
fn flow(flow: &Flow) -> Vec<Flow> {
    let plain = Flow::new(&flow.from, &flow.to);
    let mut all = vec![
        Flow { pause: Duration::ZERO, ..flow.clone() },
        Flow { reader: None, ..flow.clone() },
        Flow { ip: plain.ip, ..flow.clone() },
        Flow { overlapped: false, ..flow.clone() },
        Flow { closes: plain.closes, ..flow.clone() },
        Flow { within: None, ..flow.clone() },
    ];
    all.extend(lessened(flow.connections, 1).into_iter().map(|connections| Flow { connections, ..flow.clone() }));
    all.extend(lessened_u32(flow.parallel, 1).into_iter().map(|parallel| Flow { parallel, ..flow.clone() }));
    all.extend(lessened_u32(flow.rounds, 1).into_iter().map(|rounds| Flow { rounds, ..flow.clone() }));
    all.extend(lessened(flow.request, plain.request).into_iter().map(|request| Flow { request, ..flow.clone() }));
    all.extend(lessened(flow.response, 0).into_iter().map(|response| Flow { response, ..flow.clone() }));
    all.extend(times(flow.at, Duration::ZERO).into_iter().map(|at| Flow { at, ..flow.clone() }));
    all.extend(times(flow.pause, Duration::ZERO).into_iter().map(|pause| Flow { pause, ..flow.clone() }));
    all
}

fn datagrams(datagrams: &Datagrams) -> Vec<Datagrams> {
    let plain = datagrams;
    let counts = lessened(plain.count, 1).into_iter().map(|count| Datagrams { count, ..plain.clone() });
    let lens = lessened_u32(plain.len, 8).into_iter().map(|len| Datagrams { len, ..plain.clone() });
    let starts = times(plain.at, Duration::ZERO).into_iter().map(|at| Datagrams { at, ..plain.clone() });
    let other = Datagrams { ip: Flow::new("", "").ip, ..plain.clone() };
    counts.chain(lens).chain(starts).chain([other]).collect()
}

fn fault(fault: &FaultSpec) -> Vec<FaultSpec> {
    let starts = times(fault.at, Duration::ZERO).into_iter().map(|at| FaultSpec { at, ..fault.clone() });
    let lasts = fault.lasts.into_iter().flat_map(|lasts| times(lasts, Duration::ZERO));
    let lasts = lasts.map(|lasts| FaultSpec { lasts: Some(lasts), ..fault.clone() });
    let by = fault.by.into_iter().flat_map(|by| times(by, Duration::ZERO));
    let by = by.map(|by| FaultSpec { by: Some(by), ..fault.clone() });
    starts.chain(lasts).chain(by).collect()
}

fn adversary(adversary: &AdversarySpec) -> Vec<AdversarySpec> {
    let counts = lessened_u32(adversary.count, 1).into_iter();
    let counts = counts.map(|count| AdversarySpec { count, ..adversary.clone() });
    let starts = times(adversary.at, Duration::ZERO).into_iter();
    let starts = starts.map(|at| AdversarySpec { at, ..adversary.clone() });
    let always = AdversarySpec { chance: PPM, ..adversary.clone() };
    counts.chain(starts).chain([always]).collect()
}

/// A host with a smaller buffer: less is on its way until it is full.
fn buffers(host: &HostSpec) -> Vec<HostSpec> {
    let mut all = Vec::new();
    for name in BUFFERS {
        let set = host.options.get(name).and_then(|Setting(value)| value.parse().ok());
        // What is not set is large: the largest that is tried comes instead.
        for size in set.map_or(vec![BUFFER.0, BUFFER.1], |set| lessened(set, BUFFER.0)) {
            let mut smaller = host.clone();
            smaller.options.insert(name.to_owned(), Setting(size.to_string()));
            all.push(smaller);
        }
    }
    all
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
        let crate::link::Law::Constant(time) = &mut delay.law else { return None };
        *time = (*time).min(SHORT);
        Some(smaller)
    })
}
