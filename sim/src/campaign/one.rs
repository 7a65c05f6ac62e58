//! One number of a campaign.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::{Deserialize, Serialize};

use super::coverage::Coverage;
use crate::scenario::{Failed, Outcome, Scenario};
use crate::{Seed, swarm};

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

thread_local! {
    /// Where and why this thread has panicked last.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Has panics told in reports, instead of on standard error.
pub(super) fn catch_panics() {
    std::panic::set_hook(Box::new(|info| {
        let text = info.to_string();
        PANIC.with(|panic| *panic.borrow_mut() = Some(text));
    }));
}

/// Runs the random scenario of a number; with `twice` also a second time, and a difference is a failure.
pub fn run_seed(seed: u64, twice: bool) -> SeedReport {
    let scenario = swarm::scenario(seed);
    let mut report = run(&scenario, &swarm::seed(seed));
    report.seed = seed;
    if twice {
        let again = run(&scenario, &swarm::seed(seed));
        if again.outcome.hash != report.outcome.hash {
            let text = format!("two runs differ: hash {} and {}", report.outcome.hash, again.outcome.hash);
            report.outcome.failures.push(Failed::new("determinism", text));
        }
    }
    report
}

/// Runs a scenario. A panic is a failure.
pub(super) fn run(scenario: &Scenario, seed: &Seed) -> SeedReport {
    let ran = catch_unwind(AssertUnwindSafe(|| {
        let mut built = scenario.build(seed)?;
        built.world.keep_trace(false);
        Ok(scenario.run_built(built))
    }));
    let (outcome, coverage) = match ran {
        Ok(Ok((outcome, built))) => (outcome, Coverage::of(scenario, &built)),
        Ok(Err(error)) => (Outcome::failed(Failed::unbuilt(&error)), Coverage::default()),
        Err(_) => {
            let text = PANIC.with(|panic| panic.borrow_mut().take()).unwrap_or_default();
            (Outcome::failed(Failed::new("panic", text)), Coverage::default())
        }
    };
    SeedReport { seed: 0, title: scenario.title.clone(), outcome, coverage }
}
