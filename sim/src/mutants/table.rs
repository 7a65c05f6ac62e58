//! Which oracle found which bug.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use super::{Caught, Mutant};
use crate::shrink::Shrunk;

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

    /// Those of which a failing scenario was made small: what was noticed, and after how many frames before and after.
    /// The last line is the median.
    pub fn shrunk(&self) -> String {
        let all: Vec<(&Mutant, &Caught, &Shrunk)> =
            self.0.iter().filter_map(|(mutant, caught)| Some((mutant, caught, caught.shrunk.as_ref()?))).collect();
        let width = all.iter().map(|(mutant, ..)| mutant.name.len()).max().unwrap_or_default();
        let mut text = format!("{:width$}   seed  frames  shrunk  draws  runs  seconds  noticed by\n", "");
        for (mutant, caught, Shrunk { scenario, before, after, runs, time }) in &all {
            let (seed, draws) = (caught.seed.unwrap_or_default(), scenario.tape.as_ref().map_or(0, BTreeMap::len));
            let (seconds, tenths) = (time.as_secs(), time.subsec_millis() / 100);
            let [name, oracle] = [&mutant.name, &after.failed.oracle];
            let (before, after) = (before.frames, after.frames);
            let _ = writeln!(
                text,
                "{name:width$} {seed:>6} {before:>7} {after:>7} {draws:>6} {runs:>5} {seconds:>6}.{tenths}  {oracle}"
            );
        }
        let median = |frames: fn(&Shrunk) -> u64| {
            let mut frames: Vec<u64> = all.iter().map(|(.., shrunk)| frames(shrunk)).collect();
            frames.sort_unstable();
            // Of two in the middle the larger.
            frames.get(frames.len() / 2).copied().unwrap_or_default()
        };
        let (before, after) = (median(|shrunk| shrunk.before.frames), median(|shrunk| shrunk.after.frames));
        let of = format!("median of {}", all.len());
        let _ = writeln!(text, "{of:width$} {:6} {before:>7} {after:>7}", "");
        text
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
