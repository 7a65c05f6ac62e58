//! `tickwire-sim shrink`: the smallest scenario that still fails as a random one does.

use std::process::ExitCode;

use clap::Args;

use crate::shrink::shrink;
use crate::swarm;

/// Make the random scenario of a number, which fails, as small as it can be, and print it as TOML
#[derive(Args)]
pub(super) struct Options {
    /// The number; `tickwire-sim run FILE --seed NUMBER` runs what is printed
    number: u64,
}

pub(super) fn run(options: &Options) -> Result<ExitCode, String> {
    let (scenario, seed) = (swarm::scenario(options.number), swarm::seed(options.number));
    let Some(target) = scenario.run(&seed).failures.into_iter().next() else {
        return Err(format!("the scenario of {} does not fail", options.number));
    };
    let shrunk = shrink(&scenario, &seed, &target)
        .ok_or_else(|| format!("the scenario of {} does not fail twice", options.number))?;
    eprintln!(
        "{}: {} frames and {} draws that matter, after {} runs",
        target.oracle,
        shrunk.outcome.frames,
        shrunk.tape.len(),
        shrunk.runs
    );
    super::run::write_out(&shrunk.scenario.to_string())?;
    Ok(ExitCode::SUCCESS)
}
