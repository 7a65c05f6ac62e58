//! One number of a campaign.

use serde::{Deserialize, Serialize};

use super::coverage::Coverage;
use crate::oracle::Oracle;
use crate::scenario::{Failed, Outcome, Scenario, metamorphic};
use crate::{Seed, caught, determinism, swarm};

/// What one number came to: a line of a campaign's results.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeedReport {
    /// The number.
    pub seed: u64,
    /// What it had, in words.
    pub title: String,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// What it reached.
    pub coverage: Coverage,
}

/// Of so many numbers one is run in other words, too.
const METAMORPHIC_EVERY: u64 = 16;

/// Runs the random scenario of a number; with `twice` also a second time, and a difference is a failure. One number
/// in sixteen is run in other words, too: with other ports, addresses and sequence numbers, and over the other family.
pub fn run_seed(number: u64, twice: bool) -> SeedReport {
    let (scenario, seed) = (swarm::scenario(number), swarm::seed(number));
    let mut report = run(&scenario, &seed);
    report.seed = number;
    if twice {
        let again = run(&scenario, &seed);
        report.outcome.failures.extend(divergence(&scenario, &[&report.outcome.hash, &again.outcome.hash], |_| &seed));
    }
    if number.is_multiple_of(METAMORPHIC_EVERY) && report.outcome.failures.is_empty() {
        let (failures, judged) = in_other_words(&scenario, &report.outcome, &seed);
        report.outcome.failures.extend(failures);
        report.coverage.add_oracle(Oracle::Metamorphic, judged);
    }
    report
}

/// Where two runs with these hashes differ, if they do: they are run again to find out. `seed_of` is the seed of each
/// run, by its number.
fn divergence<'a>(scenario: &Scenario, hashes: &[&str; 2], seed_of: impl Fn(u32) -> &'a Seed) -> Option<Failed> {
    let [first, second] = hashes;
    if first == second {
        return None;
    }
    let text = match caught::catch(|| determinism::check_scenario(scenario, seed_of)) {
        Ok(Err(divergence)) => divergence.to_string(),
        Ok(Ok(_)) => format!("two runs differ: hash {first} and {second}; two more did not"),
        Err(_) => format!("two runs differ: hash {first} and {second}; the next panicked"),
    };
    Some(Failed::divergence(&text))
}

/// Runs a scenario of which `told` came in other words. What is wrong, and how many of the variants could be judged.
fn in_other_words(scenario: &Scenario, told: &Outcome, seed: &Seed) -> (Vec<Failed>, u64) {
    let off = scenario.oracles_off.iter().any(|name| name == Oracle::Metamorphic.name());
    let variants = if off { Vec::new() } else { metamorphic::compare(scenario, told, seed) };
    let judged = variants.iter().filter(|variant| variant.same.is_some()).count() as u64;
    (metamorphic::failures(&variants, told), judged)
}

/// Runs a scenario. A panic is a failure.
pub(super) fn run(scenario: &Scenario, seed: &Seed) -> SeedReport {
    let ran = caught::catch(|| {
        let mut built = scenario.build(seed)?;
        built.world.keep_trace(false);
        Ok(scenario.run_built(built))
    });
    let (outcome, coverage) = match ran {
        Ok(Ok((outcome, built))) => (outcome, Coverage::of(scenario, &built)),
        Ok(Err(error)) => (Outcome::failed(Failed::unbuilt(&error)), Coverage::default()),
        Err(panicked) => (Outcome::failed(panicked), Coverage::default()),
    };
    SeedReport { seed: 0, title: scenario.title.clone(), outcome, coverage }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As if every second run drew otherwise: the first frame that differs is told.
    #[test]
    fn a_difference_is_named() {
        let scenario = swarm::scenario(3);
        let seeds = [swarm::seed(3), swarm::seed(4)];
        let failed = divergence(&scenario, &["a", "b"], |run| &seeds[run as usize % 2]).unwrap();
        assert_eq!((failed.oracle.as_str(), failed.signature.as_str()), ("determinism", "two runs differ"));
        let lines: Vec<&str> = failed.text.lines().collect();
        assert!(lines[0].starts_with("two runs differ from event "), "{}", failed.text);
        assert!(
            lines[1].starts_with("  first run  frame ") && lines[2].starts_with("  second run frame "),
            "{}",
            failed.text
        );
    }

    #[test]
    fn what_differs_no_more_is_told() {
        let (scenario, seed) = (swarm::scenario(3), swarm::seed(3));
        assert_eq!(divergence(&scenario, &["a", "a"], |_| &seed), None);
        let failed = divergence(&scenario, &["a", "b"], |_| &seed).unwrap();
        assert_eq!(failed.text, "two runs differ: hash a and b; two more did not");
    }

    #[test]
    fn one_number_in_sixteen_is_run_in_other_words() {
        let judged = |number| run_seed(number, false).coverage.counts()["oracle metamorphic"];
        // Where a connection is lost, or somebody disturbs, there is nothing to be judged.
        assert!((0..8).map(|number| judged(number * METAMORPHIC_EVERY)).sum::<u64>() > 0);
        assert_eq!((1..9).map(judged).sum::<u64>(), 0);
    }
}
