//! `tickwire-sim campaign` and `tickwire-sim merge`: random scenarios, and what they came to.

use std::io::IsTerminal as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::campaign::{Campaign, Coverage, Shard, Summary, Unexpected, Writer, canary_is_found, merge};
use crate::oracle::Oracle;
use crate::scenario::Failed;
use crate::shrink::shrink;
use crate::swarm;

/// Groups of failures that are shrunk.
const GROUPS_SHRUNK: usize = 5;
/// Failures that are printed in full.
const GROUPS_SHOWN: usize = 20;

/// Run random scenarios by their numbers
#[derive(Args)]
pub(super) struct Options {
    /// The numbers: from the first to before the last
    #[arg(long, value_name = "A..B", value_parser = seeds)]
    seeds: Range<u64>,
    /// On how many threads
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Begin no more after so many minutes
    #[arg(long)]
    minutes: Option<u64>,
    /// Run only this part of the numbers
    #[arg(long, value_name = "INDEX/COUNT", conflicts_with = "shards")]
    shard: Option<Shard>,
    /// How many parts there are, where the engine that starts them does not tell
    #[arg(long, value_name = "COUNT")]
    shards: Option<u64>,
    /// Run each twice, and compare both runs
    #[arg(long)]
    check_determinism: bool,
    /// Begin no more once one has failed
    #[arg(long)]
    until_failure: bool,
    /// Leave out the run with something planted in it: for a hunt for what was planted elsewhere
    #[arg(long)]
    no_canary: bool,
    /// The directory of the results
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Join the results of several campaigns, or of the shards of one
#[derive(Args)]
pub(super) struct MergeOptions {
    /// The directories of the results
    #[arg(required = true)]
    dirs: Vec<PathBuf>,
}

fn seeds(text: &str) -> Result<Range<u64>, String> {
    let ends = text.split_once("..").and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
    let wrong = || format!("{text:?} is no range: write FIRST..LAST, as in 0..1000 (without 1000 itself)");
    let (first, last) = ends.filter(|(first, last)| first < last).ok_or_else(wrong)?;
    Ok(first..last)
}

pub(super) fn run(options: &Options) -> Result<ExitCode, String> {
    let shard = match options.shard {
        Some(shard) => shard,
        None => Shard::of_environment(&|name| std::env::var(name).ok(), options.shards)
            .map_err(|error| error.to_string())?,
    };
    if !options.no_canary && !canary_is_found(&swarm::seed(options.seeds.start)) {
        return Err("the canary was not found: oracles that miss what was planted are not to be believed".to_owned());
    }
    let campaign = Campaign {
        seeds: options.seeds.clone(),
        shard,
        jobs: options.jobs,
        time: options.minutes.map(|minutes| Duration::from_secs(minutes * 60)),
        check_determinism: options.check_determinism,
        until_failure: options.until_failure,
    };
    let mut writer = Writer::create(&options.out).map_err(|error| error.to_string())?;
    let bar = progress_bar();
    let began = Instant::now();
    let summary = campaign.run(|report, progress| {
        bar.set_length(progress.all);
        bar.set_position(progress.done);
        bar.set_message(format!("{} failed", progress.failed));
        writer.write(report).map_err(|error| error.to_string())
    })?;
    bar.finish_and_clear();
    writer.finish().map_err(|error| error.to_string())?;
    let seconds = began.elapsed().as_secs().max(1);
    let canary = if options.no_canary { "without a canary" } else { "the canary was found" };
    // A hunt asks whether, not what.
    if !options.until_failure {
        shrink_failures(&summary, &options.out)?;
    }
    println!("{canary}; {} seeds in {seconds} s, {} a second", summary.done, summary.done / seconds);
    Ok(verdict(&summary))
}

/// Makes the first seed of each group of failures small, and writes it as a scenario.
fn shrink_failures(summary: &Summary, out: &Path) -> Result<(), String> {
    for group in summary.groups.sorted().iter().take(GROUPS_SHRUNK) {
        let Some(number) = group.seeds.first() else { continue };
        let target =
            Failed { oracle: group.oracle.clone(), signature: group.signature.clone(), text: group.text.clone() };
        if let Some(shrunk) = shrink(&swarm::scenario(*number), &swarm::seed(*number), &target) {
            let path = out.join(format!("{}-{number}.toml", group.oracle));
            let failed = |error: std::io::Error| format!("cannot write {}: {error}", path.display());
            std::fs::write(&path, shrunk.scenario.to_string()).map_err(failed)?;
            println!("{}, with --seed {number}: {}", path.display(), super::shrink::told(&shrunk));
        }
    }
    Ok(())
}

pub(super) fn run_merge(options: &MergeOptions) -> Result<ExitCode, String> {
    merge(&options.dirs).map(|summary| verdict(&summary)).map_err(|error| error.to_string())
}

fn progress_bar() -> ProgressBar {
    let target =
        if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(0), target);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} seeds, {per_sec}, {eta} left, {msg}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Prints a summary, and says whether it is green.
fn verdict(summary: &Summary) -> ExitCode {
    let [frames, nanos, flows] = summary.medians();
    let seconds = crate::Instant::from_nanos(nanos);
    println!(
        "{} seeds, {} frames; the median run has {frames} frames, {seconds} s and {flows} flows",
        summary.done,
        summary.frames()
    );
    let groups = summary.groups.sorted();
    println!("{} seeds failed, in {} ways", summary.failed, groups.len());
    for group in groups.iter().take(GROUPS_SHOWN) {
        println!("\n{} in {} seeds: {:?}\n{}", group.oracle, group.seeds_count, group.seeds, group.text);
    }
    println!("\nreached:");
    let unexpected = summary.coverage.unexpected();
    for line in reached(&summary.coverage, &unexpected) {
        println!("  {line}");
    }
    for (rule, section) in Oracle::NOT_YET_IN_CORE {
        println!("  {:>12} oracle {rule} ({section}): not yet in core", 0);
    }
    if summary.judges_coverage() {
        for Unexpected { name, reached, reason } in &unexpected {
            let why = reason.map_or_else(|| "UNEXPECTED".to_owned(), |reason| format!("because {reason}"));
            println!("{name} was reached {reached} times: {why}");
        }
    }
    if summary.is_green() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How often each thing was reached; of foreign hosts, why none was, if the program has none.
fn reached(coverage: &Coverage, unexpected: &[Unexpected]) -> Vec<String> {
    let foreign = unexpected.iter().find(|unexpected| unexpected.name == "node foreign" && unexpected.reached == 0);
    let foreign = foreign.and_then(|unexpected| Some((unexpected.name.as_str(), unexpected.reason?)));
    let line = |(name, count): (String, u64)| match foreign {
        Some((foreign, why)) if name == foreign => format!("{count:>12} {name}: {why}"),
        _ => format!("{count:>12} {name}"),
    };
    coverage.counts().into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Also where the program has no foreign hosts, and says so.
    #[test]
    fn each_thing_is_told_once() {
        let coverage = Coverage::default();
        let lines = reached(&coverage, &coverage.unexpected());
        let foreign: Vec<&String> = lines.iter().filter(|line| line.contains("node foreign")).collect();
        let own = "           0 node foreign";
        let why = ": this program was built without foreign hosts (feature `smoltcp`)";
        let expected = format!("{own}{}", if cfg!(feature = "smoltcp") { "" } else { why });
        assert_eq!(foreign, [&expected]);
    }
}
