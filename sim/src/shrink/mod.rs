//! Shrinking: a scenario that fails is made smaller for as long as it fails alike.
//!
//! First the scenario as a value: faults, flows, stages of links, options and hosts are left out, amounts are
//! halved. Then the tape of the draws that made a difference: what is left out is calm. A step counts only if the
//! same oracle fails with the same signature, so one bug does not turn into another. It ends after [`RUNS_MAX`] runs or
//! [`TIME_MAX`].
//!
//! | module | what |
//! |---|---|
//! | `smaller` | the scenarios that are one step smaller |

mod smaller;

use std::time::{Duration, Instant};

use crate::Seed;
use crate::draw::{Name, Tape};
use crate::scenario::{Failed, Outcome, Scenario};

/// Runs, at most.
pub const RUNS_MAX: u32 = 2_000;
/// Time, at most.
pub const TIME_MAX: Duration = Duration::from_mins(1);

/// A scenario and a tape that still fail.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The scenario.
    pub scenario: Scenario,
    /// The draws that are needed for the failure; all others are calm.
    pub tape: Tape,
    /// What came of the last run that failed.
    pub outcome: Outcome,
    /// How many runs it took.
    pub runs: u32,
}

/// What is looked for, and how much of the budget is used up.
struct Hunt<'a> {
    seed: &'a Seed,
    target: &'a Failed,
    runs: u32,
    until: Instant,
}

impl Hunt<'_> {
    fn is_over(&self) -> bool {
        self.runs >= RUNS_MAX || Instant::now() >= self.until
    }

    /// Runs a scenario, by chance or by a tape. `None` unless it fails alike.
    fn fails(&mut self, scenario: &Scenario, tape: Option<&Tape>) -> Option<(Outcome, Tape)> {
        self.runs += 1;
        let mut built = match tape {
            Some(tape) => scenario.build_replaying(self.seed, tape.clone()).ok()?,
            None => scenario.build(self.seed).ok()?,
        };
        built.world.keep_trace(false);
        built.world.record_draws();
        let (outcome, built) = scenario.run_built(built);
        let alike = |failed: &Failed| failed.oracle == self.target.oracle && failed.signature == self.target.signature;
        outcome.failures.iter().any(alike).then(|| (outcome, built.world.tape().clone()))
    }
}

/// Shrinks a scenario that fails as `target` does. `None` if it does not.
pub fn shrink(scenario: &Scenario, seed: &Seed, target: &Failed) -> Option<Shrunk> {
    let mut hunt = Hunt { seed, target, runs: 0, until: Instant::now() + TIME_MAX };
    let (outcome, tape) = hunt.fails(scenario, None)?;
    let mut shrunk = Shrunk { scenario: scenario.clone(), tape, outcome, runs: 0 };
    while structure(&mut hunt, &mut shrunk) {}
    draws(&mut hunt, &mut shrunk);
    shrunk.runs = hunt.runs;
    Some(shrunk)
}

/// Takes each step that can be taken. Returns whether there was one, and there is time for another pass.
fn structure(hunt: &mut Hunt<'_>, shrunk: &mut Shrunk) -> bool {
    let mut progress = false;
    let mut place = 0;
    while let Some(smaller) = smaller::step(&shrunk.scenario, place) {
        if hunt.is_over() {
            return false;
        }
        match hunt.fails(&smaller, None) {
            // What stands at this place now is another step.
            Some((outcome, tape)) => {
                (shrunk.scenario, shrunk.outcome, shrunk.tape) = (smaller, outcome, tape);
                progress = true;
            }
            None => place += 1,
        }
    }
    progress
}

/// Leaves out draws: halves of them, then quarters, down to single ones.
fn draws(hunt: &mut Hunt<'_>, shrunk: &mut Shrunk) {
    let mut size = shrunk.tape.len().div_ceil(2);
    while size > 0 {
        let mut from = 0;
        while from < shrunk.tape.len() && !hunt.is_over() {
            let left_out: Vec<Name> = shrunk.tape.keys().skip(from).take(size).copied().collect();
            let mut tape = shrunk.tape.clone();
            tape.retain(|name, _| !left_out.contains(name));
            match hunt.fails(&shrunk.scenario, Some(&tape)) {
                Some((outcome, tape)) => (shrunk.outcome, shrunk.tape) = (outcome, tape),
                None => from += size,
            }
        }
        if size == 1 || hunt.is_over() {
            break;
        }
        size = size.div_ceil(2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::FaultSpec;
    use crate::scenario::What;
    use crate::swarm;

    /// Text that is changed on the way, in a network with much else: what is left is what does it.
    #[test]
    fn what_does_not_matter_goes() {
        let text = include_str!("../../scenarios/everything-at-once.toml");
        let mut scenario: Scenario = text.replace("corrupt.break-checksum", "corrupt.keep-checksum").parse().unwrap();
        let mut fault = FaultSpec::new(Duration::from_secs(1), What::Pause);
        (fault.host, fault.lasts) = (Some("client".to_owned()), Some(Duration::from_millis(10)));
        scenario.fault.push(fault);
        let seed = swarm::seed(1);
        let ran = |scenario: &Scenario| {
            let outcome = scenario.run(&seed);
            let failed = outcome.failures.into_iter().find(|failed| failed.oracle == "stream-bytes");
            (outcome.frames, failed)
        };
        let (frames, Some(target)) = ran(&scenario) else { panic!("it does not fail") };
        let shrunk = shrink(&scenario, &seed, &target).unwrap();
        assert_eq!(ran(&shrunk.scenario).1.map(|failed| failed.signature), Some(target.signature));
        assert!(shrunk.scenario.fault.is_empty(), "{}", shrunk.scenario);
        assert!(shrunk.outcome.frames * 10 <= frames, "{} frames\n{}", shrunk.outcome.frames, shrunk.scenario);
        assert!(shrunk.runs <= RUNS_MAX);
    }

    #[test]
    fn what_does_not_fail_is_not_shrunk() {
        let scenario: Scenario = include_str!("../../scenarios/download.toml").parse().unwrap();
        let target = Failed { oracle: "window".to_owned(), signature: String::new(), text: String::new() };
        assert!(shrink(&scenario, &swarm::seed(1), &target).is_none());
    }
}
