//! Who judges a run as a whole: which oracles may, how often each did, and what was found.

use super::Scenario;
use super::run::Failed;
use crate::oracle::{Oracle, Switches, Tally};

/// How often each oracle has judged.
pub(super) type Tallies = [Tally; Oracle::ALL.len()];

/// Nobody has judged yet.
pub(super) const NONE: Tallies = [Tally { judged: 0, abstained: 0, failed: 0 }; Oracle::ALL.len()];

/// The judge of a run.
#[derive(Debug)]
pub(super) struct Judge {
    switches: Switches,
    pub(super) tallies: Tallies,
    pub(super) failures: Vec<Failed>,
}

impl Judge {
    /// With all oracles that the scenario does not switch off.
    pub(super) fn new(scenario: &Scenario) -> Judge {
        let mut switches = Switches::ALL;
        for oracle in scenario.oracles_off.iter().filter_map(|name| Oracle::by_name(name)) {
            switches.set(oracle, false);
        }
        Judge { switches, tallies: NONE, failures: Vec::new() }
    }

    /// Whether an oracle is switched on; if so, it counts as having judged.
    pub(super) fn judges(&mut self, oracle: Oracle) -> bool {
        let on = self.switches.contains(oracle);
        self.tallies[oracle as usize].judged += u64::from(on);
        on
    }

    /// An oracle that judges has found its rule broken. The signature is the text without its numbers.
    pub(super) fn fail(&mut self, oracle: Oracle, text: String) {
        self.fail_as(oracle, Failed::new(oracle.name(), text));
    }

    /// The same, with a signature of its own.
    pub(super) fn fail_as(&mut self, oracle: Oracle, failed: Failed) {
        self.tallies[oracle as usize].failed += 1;
        self.failures.push(failed);
    }

    /// Something is not as the scenario expects.
    pub(super) fn unexpected(&mut self, text: String) {
        self.failures.push(Failed::new("expect", text));
    }
}
