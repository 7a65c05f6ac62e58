//! `tickwire-sim run`: one scenario with one seed, and what came of it.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::report::Report;
use crate::scenario::{Built, FlowOutcome, Outcome, Scenario};
use crate::swarm::seed;

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
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &Options) -> Result<ExitCode, String> {
    let file = options.file.display();
    let text = std::fs::read_to_string(&options.file).map_err(|error| format!("cannot read {file}: {error}"))?;
    let scenario: Scenario = text.parse().map_err(|error| format!("{file}: {error}"))?;
    let mut built = scenario.build(&seed(options.seed)).map_err(|error| format!("{file}: {error}"))?;
    built.world.keep_details(options.report.is_some());
    let (outcome, built) = scenario.run_built(built);
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
    let printed = if options.json { json(&outcome) } else { Ok(text_of(&scenario, options.seed, &outcome)) };
    write_out(&printed?)?;
    Ok(if outcome.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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

fn text_of(scenario: &Scenario, seed: u64, outcome: &Outcome) -> String {
    let seconds = crate::Instant::from_nanos(outcome.nanos);
    let mut lines = vec![scenario.title.clone()];
    lines.push(format!("seed {seed}: {} frames in {seconds} s, hash {}", outcome.frames, outcome.hash));
    for (flow, became) in scenario.flow.iter().zip(&outcome.flows) {
        let (from, to) = (&flow.from, &flow.to);
        let FlowOutcome { opened, completed, lost, received } = became;
        lines.push(format!(
            "{from} > {to}: {completed} of {opened} connections completed, {lost} lost, {received} bytes"
        ));
    }
    lines.extend(outcome.failures.iter().map(|failed| format!("FAILED {}: {}", failed.oracle, failed.text)));
    lines.join("\n") + "\n"
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
