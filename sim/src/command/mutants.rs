//! `tickwire-sim mutants`: plants bugs in a copy of the sources, and sees whether they are found.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::mutants::{Hunt, Mutant, Table, mutants};
use crate::shrink::Shrunk;

/// Plant bugs in a copy of the sources, and see whether they are found
#[derive(Args)]
pub(super) struct Options {
    /// Only these; all, if none is named
    names: Vec<String>,
    /// The root of the sources
    #[arg(long, value_name = "DIR", default_value = ".")]
    tree: PathBuf,
    /// How many random scenarios each is hunted with
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// On how many threads
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Where they are built; `target/mutants` in the tree, if not said
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// Where cargo puts what it builds; `target` in the scratch directory, if not said
    #[arg(long, value_name = "DIR")]
    target_dir: Option<PathBuf>,
    /// The profile that they are built with
    #[arg(long, default_value = "mutant")]
    profile: String,
    /// Leave out the unchanged sources, which must pass the same scenarios
    #[arg(long)]
    skip_unchanged: bool,
    /// Make the first scenario that fails small, and say how many frames it takes until the failure is noticed
    #[arg(long)]
    shrink: bool,
    /// Only see whether each still fits the sources
    #[arg(long)]
    check: bool,
}

pub(super) fn run(options: &Options) -> Result<ExitCode, String> {
    let scratch = options.scratch.clone().unwrap_or_else(|| options.tree.join("target/mutants"));
    std::fs::create_dir_all(&scratch).map_err(|error| format!("cannot make {}: {error}", scratch.display()))?;
    let scratch = scratch.canonicalize().map_err(|error| format!("cannot use {}: {error}", scratch.display()))?;
    let target = options.target_dir.clone().map_or_else(|| Ok(scratch.join("target")), std::path::absolute);
    let hunt = Hunt {
        tree: options.tree.clone(),
        scratch,
        target: target.map_err(|error| format!("cannot use --target-dir: {error}"))?,
        profile: options.profile.clone(),
        seeds: 0..options.seeds,
        jobs: options.jobs,
        shrink: options.shrink,
    };
    let wanted = chosen(mutants(&options.tree).map_err(|error| error.to_string())?, &options.names)?;
    hunt.prepare().map_err(|error| error.to_string())?;
    for mutant in &wanted {
        hunt.check(mutant).map_err(|error| error.to_string())?;
    }
    if options.check {
        println!("all {} mutants fit the sources", wanted.len());
        return Ok(ExitCode::SUCCESS);
    }
    if !options.skip_unchanged {
        let unchanged = hunt.hunt(None).map_err(|error| error.to_string())?;
        if unchanged.is_caught() {
            let oracles: Vec<&String> = unchanged.oracles.keys().collect();
            return Err(format!("the unchanged sources fail in {} runs: {oracles:?}", unchanged.runs));
        }
        println!("the unchanged sources pass {} runs", unchanged.runs);
    }
    let mut table = Table::default();
    for mutant in wanted {
        let caught = hunt.hunt(Some(&mutant)).map_err(|error| error.to_string())?;
        let seconds = (caught.build.as_secs(), caught.hunt.as_secs());
        let verdict = if caught.is_caught() { "caught" } else { "NOT CAUGHT" };
        println!("{:<28} {verdict} after {} runs ({} s + {} s)", mutant.name, caught.runs, seconds.0, seconds.1);
        if let Some(shrunk) = &caught.shrunk {
            println!("{:<28} {}", "", super::shrink::told(shrunk));
            write_scenario(&hunt.scratch, &mutant, caught.seed.unwrap_or_default(), shrunk)?;
        }
        table.add(mutant, caught);
    }
    print!("\n{table}");
    if options.shrink {
        print!("\n{}", table.shrunk());
    }
    let missed: Vec<&Mutant> = table.missed().collect();
    for mutant in &missed {
        println!("\n{} was not caught. It breaks {}", mutant.name, mutant.breaks);
    }
    println!("{} of {} caught", table.len() - missed.len(), table.len());
    Ok(if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Writes a scenario that was made small, as `NAME-SEED.toml`.
fn write_scenario(scratch: &Path, mutant: &Mutant, seed: u64, shrunk: &Shrunk) -> Result<(), String> {
    let dir = scratch.join("shrunk");
    let path = dir.join(format!("{}-{seed}.toml", mutant.name));
    let written = std::fs::create_dir_all(&dir).and_then(|()| std::fs::write(&path, shrunk.scenario.to_string()));
    written.map_err(|error| format!("cannot write {}: {error}", path.display()))
}

fn chosen(mut all: Vec<Mutant>, names: &[String]) -> Result<Vec<Mutant>, String> {
    if let Some(unknown) = names.iter().find(|name| !all.iter().any(|mutant| mutant.name == **name)) {
        let known: Vec<&str> = all.iter().map(|mutant| mutant.name.as_str()).collect();
        return Err(format!("there is no mutant {unknown:?}; there are {}", known.join(", ")));
    }
    if !names.is_empty() {
        all.retain(|mutant| names.contains(&mutant.name));
    }
    Ok(all)
}
