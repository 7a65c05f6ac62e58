//! Shrinking: a scenario that fails is made smaller for as long as it fails alike.
//!
//! What counts is how many frames there are on all links until the failure is noticed ([`Noticed`]): a run is gone
//! only so far, and a step that takes more frames is none. First the scenario as a value: what it does not need is left
//! out, from whole flows to single options; nodes that only pass on go, so that their links become one; amounts are
//! made least, or lessened. Then the draws that made a difference become the scenario's tape: what is left out of it is
//! calm. On the tape the scenario is made smaller again, and so on, until nothing can be left out.
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

use crate::caught::{self, Quiet};
use crate::draw::Tape;
use crate::scenario::{Failed, Noticed, Scenario, metamorphic};
use crate::{Seed, determinism};

use pursuit::Pursuit;
use smaller::Steps;

/// Runs, at most.
pub const RUNS_MAX: u32 = 2_000;
/// Time, at most.
pub const TIME_MAX: Duration = Duration::from_mins(1);
/// Of the runs and of the time, what is spent at most before the draws become a tape.
const BY_CHANCE: u32 = 2;

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

/// What is looked for, and how much of the budget is used up.
struct Hunt<'a> {
    pursuit: Pursuit<'a>,
    runs: u32,
    began: Instant,
}

impl Hunt<'_> {
    /// Whether one part of so many of the budget is used up.
    fn is_over(&self, parts: u32) -> bool {
        self.runs >= RUNS_MAX / parts || self.began.elapsed() >= TIME_MAX / parts
    }

    /// Takes a scenario for the best one if it fails alike, with no more frames; after a fine step with less.
    fn take(&mut self, smaller: Scenario, best: &mut Best, steps: Steps) -> bool {
        self.runs += self.pursuit.runs();
        let frames_max = best.noticed.frames.saturating_sub(u64::from(steps == Steps::Fine));
        let Some((noticed, drawn)) = self.pursuit.fails(&smaller, frames_max) else { return false };
        *best = Best { scenario: smaller, noticed, drawn };
        if let Some(tape) = &mut best.scenario.tape {
            tape.clone_from(&best.drawn);
        }
        true
    }
}

/// How a scenario fails: what is noticed first in its run; if nothing is, whether a second run differs; if it does not,
/// what is wrong in other words. `None` if nothing is.
pub fn failure(scenario: &Scenario, seed: &Seed) -> Option<Failed> {
    let _quiet = Quiet::new();
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
    let _quiet = Quiet::new();
    // What fails by itself in other words is a scenario like any other.
    if let Some((_, variant)) = pursuit::variant(scenario, target)
        && let Some(noticed) = variant.first_failure(seed)
    {
        return pursue(&variant, seed, &noticed.failed);
    }
    pursue(scenario, seed, target)
}

fn pursue(scenario: &Scenario, seed: &Seed, target: &Failed) -> Option<Shrunk> {
    let mut hunt = Hunt { pursuit: Pursuit::new(scenario, seed, target), runs: 0, began: Instant::now() };
    hunt.runs += hunt.pursuit.runs();
    let (before, drawn) = hunt.pursuit.fails(scenario, u64::MAX)?;
    let mut best = Best { scenario: scenario.clone(), noticed: before.clone(), drawn };
    while structure(&mut hunt, &mut best, Steps::Plain, BY_CHANCE) {}
    let on_tape = Scenario { tape: Some(best.drawn.clone()), ..best.scenario.clone() };
    hunt.take(on_tape, &mut best, Steps::Plain);
    while !hunt.is_over(1) {
        let fewer = best.scenario.tape.is_some() && tape::fewer(&mut hunt, &mut best);
        if structure(&mut hunt, &mut best, Steps::Plain, 1) || fewer {
            continue;
        }
        let sooner = best.scenario.tape.is_some() && tape::sooner(&mut hunt, &mut best);
        if !structure(&mut hunt, &mut best, Steps::Fine, 1) && !sooner {
            break;
        }
    }
    Some(Shrunk { scenario: best.scenario, before, after: best.noticed, runs: hunt.runs, time: hunt.began.elapsed() })
}

/// Takes each step of a kind that can be taken, while one part of so many of the budget lasts. Returns whether there
/// was one, and the budget is not used up.
fn structure(hunt: &mut Hunt<'_>, best: &mut Best, steps: Steps, parts: u32) -> bool {
    let mut progress = false;
    let mut place = 0;
    while let Some(smaller) = smaller::step(&best.scenario, steps, place) {
        if hunt.is_over(parts) {
            return false;
        }
        // What stands at this place afterwards is another step.
        if hunt.take(smaller, best, steps) {
            progress = true;
        } else {
            place += 1;
        }
    }
    progress
}

#[cfg(test)]
mod tests;
