//! `tickwire-sim run`: one scenario with one seed, and what came of it.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::determinism;
use crate::report::Report;
use crate::scenario::{Built, Failed, Outcome, Scenario, metamorphic};
use crate::swarm::seed;

use super::told;

/// Run a scenario.
#[derive(Args)]
pub(super) struct Options {
    /// The scenario: a TOML file, as in sim/scenarios
    file: PathBuf,
    /// All that is random follows from this number
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write a capture (pcapng) of all interfaces into this directory
    #[arg(long, value_name = "DIR")]
    pcap: Option<PathBuf>,
    /// Print every frame that passed an interface
    #[arg(long)]
    trace: bool,
    /// Write a report (HTML) with graphs, the frames and the verdicts into this file
    #[arg(long, value_name = "OUT.html")]
    report: Option<PathBuf>,
    /// Run it in other words, too: with other ports, addresses and sequence numbers, and over the other family;
    /// applications must see the same
    #[arg(long)]
    metamorphic: bool,
    /// Run it twice, and say which event and frame differ first, if any does
    #[arg(long)]
    check_determinism: bool,
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &Options) -> Result<ExitCode, String> {
    let file = options.file.display();
    let scenario = read(&options.file)?;
    let mut built = scenario.build(&seed(options.seed)).map_err(|error| format!("{file}: {error}"))?;
    built.world.keep_details(options.report.is_some());
    let (mut outcome, built) = scenario.run_built(built);
    if options.check_determinism {
        let seed = seed(options.seed);
        if let Err(divergence) = determinism::check_scenario(&scenario, |_| &seed) {
            outcome.failures.push(Failed::divergence(&divergence.to_string()));
        }
    }
    let variants = if options.metamorphic {
        let variants = metamorphic::compare(&scenario, &outcome, &seed(options.seed));
        outcome.failures.extend(metamorphic::failures(&variants, &outcome));
        variants
    } else {
        Vec::new()
    };
    if let Some(dir) = &options.pcap {
        write_capture(dir, &options.file, &built)?;
    }
    if options.trace {
        write_out(&built.world.trace().lines())?;
    }
    if let Some(path) = &options.report {
        let report = Report { scenario: &scenario, seed: &options.seed.to_string(), outcome: &outcome, built: &built };
        std::fs::write(path, report.html()).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    if options.json {
        write_out(&json(&outcome)?)?;
    } else {
        write_out(&told::run(&scenario, options.seed, &outcome, &built))?;
        if !outcome.failures.is_empty() {
            // It is run again, an event at a time.
            write_out(&told::noticed(scenario.first_failure(&seed(options.seed)).as_ref()))?;
        }
        if options.metamorphic {
            write_out(&told::variants(&variants))?;
        }
    }
    Ok(if outcome.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Reads a scenario.
pub(super) fn read(path: &Path) -> Result<Scenario, String> {
    let file = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {file}: {error}"))?;
    text.parse().map_err(|error| format!("{file}: {error}"))
}

fn write_capture(dir: &Path, scenario: &Path, built: &Built) -> Result<(), String> {
    let name = scenario.file_stem().unwrap_or_default();
    let path = dir.join(name).with_extension("pcapng");
    let failed = |error: &dyn std::fmt::Display| format!("cannot write {}: {error}", path.display());
    std::fs::create_dir_all(dir).map_err(|error| failed(&error))?;
    let file = File::create(&path).map_err(|error| failed(&error))?;
    built.world.trace().write_capture(BufWriter::new(file)).map_err(|error| failed(&error))
}

fn json(outcome: &Outcome) -> Result<String, String> {
    let text = serde_json::to_string_pretty(outcome).map_err(|error| format!("cannot print JSON: {error}"))?;
    Ok(text + "\n")
}

pub(super) fn write_out(text: &str) -> Result<(), String> {
    match std::io::stdout().write_all(text.as_bytes()) {
        // Who closes the pipe early has read enough.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(format!("cannot write to standard output: {error}"))
        }
        _ => Ok(()),
    }
}
