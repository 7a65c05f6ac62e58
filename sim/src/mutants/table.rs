//! Which oracle found which bug.

use std::collections::BTreeSet;
use std::fmt;

use super::{Caught, Mutant};

/// The mutants that were hunted. Printed: a line per mutant, a column per oracle.
///
/// ```text
///                          1 backoff
///                          | 2 panic
/// no-rto-backoff           x .   3 runs
/// persist-not-armed        . x   1 run
/// ```
#[derive(Clone, Debug, Default)]
pub struct Table(Vec<(Mutant, Caught)>);

impl Table {
    /// Adds a mutant.
    pub fn add(&mut self, mutant: Mutant, caught: Caught) {
        self.0.push((mutant, caught));
    }

    /// Those that nobody found.
    pub fn missed(&self) -> impl Iterator<Item = &Mutant> + '_ {
        self.0.iter().filter(|(_, caught)| !caught.is_caught()).map(|(mutant, _)| mutant)
    }

    /// How many were hunted.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let oracles: BTreeSet<&str> =
            self.0.iter().flat_map(|(_, caught)| caught.oracles.keys().map(String::as_str)).collect();
        let width = self.0.iter().map(|(mutant, _)| mutant.name.len()).max().unwrap_or_default();
        for (number, oracle) in oracles.iter().enumerate() {
            writeln!(f, "{:width$} {}{oracle}", "", "| ".repeat(number))?;
        }
        for (mutant, caught) in &self.0 {
            write!(f, "{:width$} ", mutant.name)?;
            for oracle in &oracles {
                f.write_str(if caught.oracles.contains_key(*oracle) { "x " } else { ". " })?;
            }
            let runs = if caught.runs == 1 { "run" } else { "runs" };
            let ended = match (caught.dies, caught.is_caught()) {
                (true, _) => ", then it hung or took all memory",
                (false, true) => "",
                (false, false) => ", NOT CAUGHT",
            };
            writeln!(f, "{:>4} {runs}{ended}", caught.runs)?;
        }
        Ok(())
    }
}
