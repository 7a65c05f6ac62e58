//! The command line, the same for all programs.

use std::process::exit;
use std::time::Duration;

/// What the command line asked for.
pub(crate) struct Args {
    /// Exit with 1 if a bar is missed (or has no row to be held against).
    pub(crate) bar: bool,
    /// Runs per row; the stacks take turns.
    pub(crate) runs: usize,
    /// Length of one run where a run is measured by time.
    pub(crate) run_time: Duration,
    /// Only contestants whose name begins so: to profile one of them.
    pub(crate) only: Option<String>,
}

const USAGE: &str = "options: --bar (exit 1 if a bar is missed) --runs N --ms MILLISECONDS \
                     --only NAME (where contestants are listed: those that begin so)";

impl Args {
    /// Reads the command line; `runs` and `run_time` are this program's defaults.
    pub(crate) fn parse(runs: usize, run_time: Duration) -> Self {
        let mut args = Self { bar: false, runs, run_time, only: None };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--bench" => {} // cargo adds it
                "--bar" => args.bar = true,
                "--runs" => args.runs = number(&word, words.next().as_ref()),
                "--ms" => {
                    args.run_time = Duration::from_millis(number(&word, words.next().as_ref()) as u64);
                }
                "--only" => {
                    let name = words.next();
                    args.only = Some(name.unwrap_or_else(|| usage("--only wants a name")));
                }
                _ => usage(&format!("unknown option {word}")),
            }
        }
        args
    }

    /// Whether the contestant takes part.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| name.starts_with(only.as_str()))
    }
}

fn number(option: &str, value: Option<&String>) -> usize {
    match value.map(|value| value.parse()) {
        Some(Ok(value)) if value > 0 => value,
        _ => usage(&format!("{option} wants a number above 0")),
    }
}

fn usage(problem: &str) -> ! {
    eprintln!("{problem}\n{USAGE}");
    exit(2)
}
