//! `tickwire-sim shrink`: the smallest scenario that still fails as one does.

use std::process::ExitCode;

use clap::Args;

use crate::shrink::{Shrunk, failure, shrink};
use crate::swarm;

/// Make a scenario that fails as small as it can be, and print it as TOML
#[derive(Args)]
pub(super) struct Options {
    /// The number of a random scenario, or a file; `tickwire-sim run FILE --seed NUMBER` runs what is printed
    #[arg(value_name = "NUMBER|FILE")]
    scenario: String,
    /// The seed, of a file
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print it as JSON, with the failure as it was and as it is now
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &Options) -> Result<ExitCode, String> {
    let which = &options.scenario;
    let (scenario, number) = match which.parse() {
        Ok(number) => (swarm::scenario(number), number),
        Err(_) => (super::run::read(which.as_ref())?, options.seed),
    };
    let seed = swarm::seed(number);
    let target = failure(&scenario, &seed).ok_or_else(|| format!("{which} does not fail with seed {number}"))?;
    let shrunk = shrink(&scenario, &seed, &target).ok_or_else(|| format!("{which} does not fail twice"))?;
    if options.json {
        let text = serde_json::to_string(&shrunk).map_err(|error| format!("cannot print JSON: {error}"))?;
        super::run::write_out(&(text + "\n"))?;
    } else {
        eprintln!("{}", told(&shrunk));
        super::run::write_out(&shrunk.scenario.to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What came of shrinking, in a line.
pub(super) fn told(shrunk: &Shrunk) -> String {
    let draws = match &shrunk.scenario.tape {
        Some(tape) => format!("{} draws that matter", tape.len()),
        None => "draws by the seed".to_owned(),
    };
    format!(
        "{}: {} frames instead of {} until it is noticed, {draws}, after {} runs in {} ms",
        shrunk.after.failed.oracle,
        shrunk.after.frames,
        shrunk.before.frames,
        shrunk.runs,
        shrunk.time.as_millis()
    )
}
