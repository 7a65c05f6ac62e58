//! Shrinking: a scenario that fails is made smaller for as long as it fails alike.
//!
//! What counts is how many frames there are on all links until the failure is noticed ([`Noticed`]): a run is gone
//! only so far, and a step that takes more frames is none. First the scenario as a value: what it does not need is left
//! out, from whole flows to single options; nodes that only pass on go, so that their links become one; amounts are
//! made least, or lessened. Then the draws that made a difference become the scenario's tape: what is left out of it is
//! calm. On the tape the scenario is made smaller again, and so on, until nothing can be left out. If there is much left
//! then, it begins again with links that take their time, where other ways lead down.
//!
//! A step counts only if the same oracle fails with the same signature, so one bug does not turn into another. It ends
//! after [`RUNS_MAX`] runs or [`TIME_MAX`]. Where the failure is one of a pair of runs (they should be the same, or
//! applications should see the same in other words), each try is such a pair.
//!
//! | module | what |
//! |---|---|
//! | `pursuit` | what is pursued, and whether a scenario fails so |
//! | `smaller` | the scenarios that are one step smaller |
//! | `parts` | steps that leave something out |
//! | `amounts` | steps that lessen something |
//! | `network` | steps that take a node out of the network |
//! | `leases` | steps that leave out DHCP |
//! | `turns` | steps that change something, to save frames |
//! | `tape` | draws are left out, or come sooner; their names when the network changes |

mod amounts;
mod leases;
mod network;
mod parts;
mod pursuit;
mod smaller;
mod tape;
mod turns;

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::caught;
use crate::draw::Tape;
use crate::scenario::{Failed, Noticed, Patience, Scenario, metamorphic};
use crate::{Seed, determinism};

use pursuit::Pursuit;
use smaller::Steps;

/// Runs, at most.
pub const RUNS_MAX: u32 = 2_000;
/// Time, at most.
pub const TIME_MAX: Duration = Duration::from_mins(1);
/// Frames that are taken in at a glance. Where more are left, it is tried from other starts, while there is time.
const GLANCE: u64 = 30;

/// A scenario that fails, made small.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shrunk {
    /// The scenario, with the draws that it needs.
    pub scenario: Scenario,
    /// Its failure as it was.
    pub before: Noticed,
    /// Its failure as it is now.
    pub after: Noticed,
    /// How many runs it took.
    pub runs: u32,
    /// How long it took.
    pub time: Duration,
}

/// The smallest scenario so far, its failure, and the draws that made a difference.
struct Best {
    scenario: Scenario,
    noticed: Noticed,
    drawn: Tape,
}

/// How far shrinking goes on.
#[derive(Clone, Copy)]
struct Budget {
    /// So many runs, in all.
    runs: u32,
    /// Until then.
    time: Instant,
}

/// What is looked for, and what is left to look for it.
struct Hunt<'a> {
    pursuit: Pursuit<'a>,
    runs: u32,
    budget: Budget,
}

impl Hunt<'_> {
    fn is_over(&self) -> bool {
        self.runs + self.pursuit.runs() > self.budget.runs || Instant::now() >= self.budget.time
    }

    /// Half of what is left.
    fn half(&self) -> Budget {
        let now = Instant::now();
        let runs = self.runs + self.budget.runs.saturating_sub(self.runs) / 2;
        Budget { runs, time: now + self.budget.time.saturating_duration_since(now) / 2 }
    }

    /// Runs a scenario for the first time. `None` if it does not fail alike.
    fn start(&mut self, scenario: &Scenario, patience: Patience) -> Option<Best> {
        self.runs += self.pursuit.runs();
        let (noticed, drawn) = self.pursuit.fails(scenario, patience)?;
        Some(Best { scenario: scenario.clone(), noticed, drawn })
    }

    /// Takes a scenario for the best one if it fails alike, with no more frames; after a fine step with less.
    fn take(&mut self, smaller: Scenario, best: &mut Best, steps: Steps) -> bool {
        let Some(frames) = best.noticed.frames.checked_sub(u64::from(steps == Steps::Fine)) else { return false };
        self.runs += self.pursuit.runs();
        let patience = Patience { frames, time: Some(self.budget.time) };
        let Some((noticed, drawn)) = self.pursuit.fails(&smaller, patience) else { return false };
        *best = Best { scenario: smaller, noticed, drawn };
        if let Some(tape) = &mut best.scenario.tape {
            tape.clone_from(&best.drawn);
        }
        true
    }
}

/// How a scenario fails: what is noticed first in its run; if nothing is, whether a second run differs; if it does not,
/// what is wrong in other words. `None` if nothing is. What cannot be built is a failure, too.
pub fn failure(scenario: &Scenario, seed: &Seed) -> Option<Failed> {
    if let Err(error) = scenario.build(seed) {
        return Some(Failed::unbuilt(&error));
    }
    if let Some(noticed) = scenario.first_failure(seed) {
        return Some(noticed.failed);
    }
    match caught::catch(|| determinism::check_scenario(scenario, |_| seed)) {
        Err(panicked) => return Some(panicked),
        Ok(Err(divergence)) => return Some(Failed::divergence(&divergence.to_string())),
        Ok(Ok(_)) => {}
    }
    let told = scenario.run(seed);
    metamorphic::failures(&metamorphic::compare(scenario, &told, seed), &told).into_iter().next()
}

/// Shrinks a scenario that fails as `target` does. `None` if it does not.
pub fn shrink(scenario: &Scenario, seed: &Seed, target: &Failed) -> Option<Shrunk> {
    // What fails by itself in other words is a scenario like any other.
    if let Some((what, variant)) = pursuit::variant(scenario, target) {
        let is_it = |failed: &Failed| metamorphic::signature(what, failed) == target.signature;
        if let Some((noticed, _)) = variant.until(seed, Patience::ENDLESS, is_it) {
            return pursue(&variant, seed, &noticed.failed);
        }
    }
    pursue(scenario, seed, target)
}

fn pursue(scenario: &Scenario, seed: &Seed, target: &Failed) -> Option<Shrunk> {
    let began = Instant::now();
    let budget = Budget { runs: RUNS_MAX, time: began + TIME_MAX };
    let mut hunt = Hunt { pursuit: Pursuit::new(scenario, seed, target), runs: 0, budget };
    let mut best = hunt.start(scenario, Patience::ENDLESS)?;
    let before = best.noticed.clone();
    descend(&mut hunt, &mut best);
    for delay in turns::DELAYS {
        if best.noticed.frames <= GLANCE || hunt.is_over() {
            break;
        }
        let patience = Patience { time: Some(budget.time), ..Patience::ENDLESS };
        let Some(mut other) = hunt.start(&turns::paced(scenario, delay), patience) else { continue };
        descend(&mut hunt, &mut other);
        if other.noticed.frames < best.noticed.frames {
            best = other;
        }
    }
    Some(Shrunk { scenario: best.scenario, before, after: best.noticed, runs: hunt.runs, time: began.elapsed() })
}

/// Makes a scenario smaller until no step can be taken any more, or the budget is used up: half of it at most before the
/// draws become a tape.
fn descend(hunt: &mut Hunt<'_>, best: &mut Best) {
    let whole = hunt.budget;
    hunt.budget = hunt.half();
    while structure(hunt, best, Steps::Plain) {}
    hunt.budget = whole;
    if !hunt.is_over() {
        let on_tape = Scenario { tape: Some(best.drawn.clone()), ..best.scenario.clone() };
        hunt.take(on_tape, best, Steps::Plain);
    }
    while !hunt.is_over() {
        let fewer = best.scenario.tape.is_some() && tape::fewer(hunt, best);
        if structure(hunt, best, Steps::Plain) || fewer {
            continue;
        }
        let sooner = best.scenario.tape.is_some() && tape::sooner(hunt, best);
        if !structure(hunt, best, Steps::Fine) && !sooner {
            break;
        }
    }
}

/// Takes each step of a kind that can be taken. Returns whether there was one, and the budget is not used up.
fn structure(hunt: &mut Hunt<'_>, best: &mut Best, steps: Steps) -> bool {
    let mut progress = false;
    let mut refused = 0;
    'best: loop {
        // Draws are renamed when a step is tried: there may be many.
        let mut scenario = best.scenario.clone();
        let draws = scenario.tape.take();
        for smaller in smaller::steps(&scenario, draws.as_ref(), steps).skip(refused) {
            if hunt.is_over() {
                return false;
            }
            if hunt.take(smaller, best, steps) {
                // What stands at this place afterwards is another step.
                progress = true;
                continue 'best;
            }
            refused += 1;
        }
        return progress;
    }
}

#[cfg(test)]
mod tests;
