//! Determinism, proved by running twice: two runs of one thing are compared event by event, and if they differ,
//! the first event and the first frame in which they do are named.

use std::fmt::{self, Write as _};

use tickwire_core::{Instant, Seed};

use crate::scenario::{Course, Scenario};
use crate::segment::InitialSeqs;
use crate::trace::{Direction, Passed, Trace};
use crate::world::World;

/// So many events are compared at once, until a difference is found.
const STRIDE: u64 = 1_024;

/// How many events after the first that differs a differing frame is looked for.
const FRAME_SEARCH: u64 = 1 << 20;

/// What can be run an event at a time.
pub trait Run {
    /// Lets at most `events` things happen that are due by `limit`; returns how many did.
    fn run_events(&mut self, events: u64, limit: Instant) -> u64;
    /// The world, to be looked at.
    fn world(&self) -> &World;
    /// The world, to be set up for watching.
    fn world_mut(&mut self) -> &mut World;
}

impl Run for World {
    fn run_events(&mut self, events: u64, limit: Instant) -> u64 {
        World::run_events(self, events, limit)
    }

    fn world(&self) -> &World {
        self
    }

    fn world_mut(&mut self) -> &mut World {
        self
    }
}

/// Where two runs of one thing part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The number of the first event after which they differ, from 1.
    pub event: u64,
    /// The time of that event, in the first run and in the second.
    pub at: [Instant; 2],
    /// The first frames that differ, as lines, in the first run and in the second: "no frame" where one has
    /// none. `None` if all frames are alike as far as was looked: only the state of a stack differs.
    pub frames: Option<[String; 2]>,
    /// Run a second time both were alike up to there: what differs does so only now and then.
    pub fleeting: bool,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.at;
        write!(f, "two runs differ from event {} on, at {first}", self.event)?;
        if first != second {
            write!(f, " and {second}")?;
        }
        if self.fleeting {
            f.write_str(" (but did not when they were run again)")?;
        }
        match &self.frames {
            Some([first, second]) => write!(f, "\n  first run  {first}\n  second run {second}"),
            None => f.write_str("\n  every frame is the same: only the state of a stack differs"),
        }
    }
}

/// Runs what `make` makes twice, until `limit`. Returns the hash that both have at the end.
///
/// # Errors
///
/// The [`Divergence`], if the two runs differ. It is found by running twice again.
pub fn check<R: Run>(mut make: impl FnMut() -> R, limit: Instant) -> Result<u128, Box<Divergence>> {
    let mut pair = [make(), make()];
    for run in &mut pair {
        run.world_mut().keep_trace(false);
    }
    let mut alike = 0;
    loop {
        let [first, second] = pair.each_mut().map(|run| run.run_events(STRIDE, limit));
        let [a, b] = pair.each_ref().map(|run| run.world().history_hash());
        if first != second || a != b {
            return Err(Box::new(bisect([make(), make()], alike, limit)));
        }
        alike += first;
        if first < STRIDE {
            break;
        }
    }
    let [a, b] = pair.map(|run| run.world().hash());
    if a == b { Ok(a) } else { Err(Box::new(bisect([make(), make()], alike, limit))) }
}

/// As [`check`], of a scenario's whole run; `seed_of` is the seed of each run, by its number.
///
/// # Panics
///
/// If the scenario cannot be built.
pub(crate) fn check_scenario<'a>(
    scenario: &Scenario,
    seed_of: impl Fn(u32) -> &'a Seed,
) -> Result<u128, Box<Divergence>> {
    let mut runs = 0;
    let make = || {
        // Each is built anew: a clone would have the keys of a hash map in common with what it was made of.
        let built = scenario.build(seed_of(runs));
        runs += 1;
        Course::new(scenario, built.unwrap_or_else(|error| panic!("{error}")))
    };
    check(make, Instant::from_nanos(u64::MAX))
}

/// Two runs that are known to be alike for so many events: the first event after which they are not.
fn bisect<R: Run>(mut pair: [R; 2], alike: u64, limit: Instant) -> Divergence {
    let mut event = 0;
    while event < alike {
        let stride = STRIDE.min(alike - event);
        for run in &mut pair {
            run.run_events(stride, limit);
        }
        event += stride;
    }
    let earlier = differs(&pair);
    for run in &mut pair {
        run.world_mut().hash_every_event();
    }
    let mut ended = false;
    while !earlier && !differs(&pair) && !ended {
        ended = pair.each_mut().map(|run| run.run_events(1, limit)) == [0, 0];
        event += 1;
    }
    let at = pair.each_ref().map(|run| run.world().now());
    let mut frames = first_frames(&pair);
    let mut looked = 0;
    while frames.is_none() && looked < FRAME_SEARCH {
        let done = pair.each_mut().map(|run| run.run_events(STRIDE, limit));
        frames = first_frames(&pair);
        looked += STRIDE;
        if done == [0, 0] {
            break;
        }
    }
    Divergence { event, at, frames, fleeting: ended }
}

fn differs<R: Run>(pair: &[R; 2]) -> bool {
    let [a, b] = pair.each_ref().map(|run| (run.world().history_hash(), run.world().now()));
    a != b
}

/// The first frames that differ.
fn first_frames<R: Run>(pair: &[R; 2]) -> Option<[String; 2]> {
    let traces = pair.each_ref().map(|run| run.world().trace());
    let [a, b] = traces.map(Trace::frames);
    let same = |a: &Passed, b: &Passed| (a.at, a.port, a.direction, &a.frame) == (b.at, b.port, b.direction, &b.frame);
    let first = a.iter().zip(b).position(|(a, b)| !same(a, b));
    let first = first.or_else(|| (a.len() != b.len()).then(|| a.len().min(b.len())))?;
    let mut lines = traces.map(|trace| line(trace, first));
    if let (Some(a), Some(b)) = (a.get(first), b.get(first))
        && let Some(octet) = a.frame.iter().zip(&b.frame).position(|(a, b)| a != b)
    {
        for (line, passed) in lines.iter_mut().zip([a, b]) {
            let _ = write!(line, " # octet {octet} is {:#04x}", passed.frame[octet]);
        }
    }
    Some(lines)
}

fn line(trace: &Trace, number: usize) -> String {
    let Some(Passed { at, port, direction, frame, .. }) = trace.frames().get(number) else {
        return "no frame".to_owned();
    };
    let mut seqs = InitialSeqs::default();
    for passed in &trace.frames()[..=number] {
        seqs.observe(&passed.frame);
    }
    let prefix = if *direction == Direction::Inbound { "< " } else { "> " };
    let node = trace.nodes().get(port.node.index()).map_or("", String::as_str);
    format!("frame {number}: {at} {node} {}", seqs.line(frame, prefix, true))
}
