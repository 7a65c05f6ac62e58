//! A mutant is built, and random scenarios are run on it until one fails.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::copy::copy_tree;
use super::{Mutant, MutantError};
use crate::campaign::SeedReport;
use crate::shrink::Shrunk;

/// How long the scenarios of one mutant may take; one that hangs is caught by that.
const HUNT_MAX: Duration = Duration::from_mins(3);
/// How long making one of them small may take: what a single run takes may come on top.
const SHRINK_MAX: Duration = Duration::from_mins(2);

/// Where mutants are built, and what is run on them.
#[derive(Clone, Debug)]
pub struct Hunt {
    /// The tree that they come from. It is only read.
    pub tree: PathBuf,
    /// A directory of the hunt's own.
    pub scratch: PathBuf,
    /// Where cargo puts what it builds of them.
    pub target: PathBuf,
    /// The profile that they are built with.
    pub profile: String,
    /// The numbers of the random scenarios.
    pub seeds: Range<u64>,
    /// On how many threads they are run.
    pub jobs: usize,
    /// Whether the first scenario that fails is made small.
    pub shrink: bool,
}

/// What became of a mutant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caught {
    /// In how many scenarios each oracle found something, by its name.
    pub oracles: BTreeMap<String, u64>,
    /// The scenarios that were run.
    pub runs: u64,
    /// It did not come to an end by itself: it hung, or took all memory.
    pub dies: bool,
    /// How long building took.
    pub build: Duration,
    /// How long the scenarios took.
    pub hunt: Duration,
    /// The first of those that failed.
    pub seed: Option<u64>,
    /// That one made small, if it was to be and could be.
    pub shrunk: Option<Shrunk>,
}

impl Caught {
    /// Whether it was.
    pub fn is_caught(&self) -> bool {
        self.dies || !self.oracles.is_empty()
    }
}

impl Hunt {
    /// Copies the sources.
    ///
    /// # Errors
    ///
    /// `tree` is none of ours, or the copy cannot be written.
    pub fn prepare(&self) -> Result<(), MutantError> {
        if !self.tree.join("core/src/stack").is_dir() {
            let right = "name the root of tickwire's sources with --tree";
            return Err(MutantError::new("use the tree", &self.tree, right));
        }
        copy_tree(&self.tree, &self.copy())
    }

    /// Whether a patch fits the sources.
    ///
    /// # Errors
    ///
    /// It does not; the text says where.
    pub fn check(&self, mutant: &Mutant) -> Result<(), MutantError> {
        self.apply(mutant, &["--check"])
    }

    /// Builds a mutant (the unchanged sources if there is none) and hunts it.
    ///
    /// # Errors
    ///
    /// Its patch does not fit, or it does not build, or its scenarios cannot be run at all.
    pub fn hunt(&self, mutant: Option<&Mutant>) -> Result<Caught, MutantError> {
        if let Some(mutant) = mutant {
            self.apply(mutant, &[])?;
        }
        let caught = self.build_and_run(mutant);
        if let Some(mutant) = mutant {
            self.apply(mutant, &["--reverse"])?;
        }
        caught
    }

    fn build_and_run(&self, mutant: Option<&Mutant>) -> Result<Caught, MutantError> {
        let began = Instant::now();
        let program = self.build(mutant)?;
        let build = began.elapsed();
        let began = Instant::now();
        let caught = self.run(&program)?;
        let hunt = began.elapsed();
        let seed = caught.seed.filter(|_| self.shrink);
        let shrunk = seed.map(|seed| self.shrink(&program, seed)).transpose()?.flatten();
        Ok(Caught { build, hunt, shrunk, ..caught })
    }

    fn copy(&self) -> PathBuf {
        self.scratch.join("tree")
    }

    fn apply(&self, mutant: &Mutant, options: &[&str]) -> Result<(), MutantError> {
        let patch = fs::canonicalize(&mutant.patch).map_err(|error| MutantError::new("read", &mutant.patch, error))?;
        let mut command = Command::new("git");
        // The copy may lie within a repository, whose business this is not.
        command.env("GIT_CEILING_DIRECTORIES", &self.scratch).arg("apply").args(options).arg(patch);
        run_to_end(command.current_dir(self.copy()), "apply", &mutant.patch)
    }

    fn build(&self, mutant: Option<&Mutant>) -> Result<PathBuf, MutantError> {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(["build", "--quiet", "--offline", "--package", "tickwire-sim", "--profile"]).arg(&self.profile);
        command.arg("--target-dir").arg(&self.target).current_dir(self.copy());
        let what = mutant.map_or_else(|| self.copy(), |mutant| mutant.patch.clone());
        run_to_end(&mut command, "build", &what)?;
        // Cargo's one profile whose directory has another name.
        let dir = if self.profile == "dev" { "debug" } else { &self.profile };
        Ok(self.target.join(dir).join("tickwire-sim"))
    }

    /// Runs the scenarios, for so long that each may come to an end.
    fn run(&self, program: &Path) -> Result<Caught, MutantError> {
        let out = self.scratch.join("out");
        let _ = fs::remove_dir_all(&out);
        let (Range { start, end }, jobs) = (&self.seeds, self.jobs);
        let mut command = Command::new(program);
        command.arg("campaign").arg("--seeds").arg(format!("{start}..{end}")).arg("--jobs").arg(jobs.to_string());
        command.args(["--check-determinism", "--until-failure", "--no-canary", "--out"]).arg(&out);
        command.stdout(Stdio::null());
        let status = run_for(&mut command, HUNT_MAX, program)?;
        // Without an exit code it was ended by a signal: ours, or the kernel's for want of memory.
        Ok(Caught { dies: status.code().is_none(), ..results(&out)? })
    }

    /// Makes the random scenario of a number small, with the mutant's own program. `None` if it cannot be, or not in
    /// time.
    fn shrink(&self, program: &Path, seed: u64) -> Result<Option<Shrunk>, MutantError> {
        let path = self.scratch.join("shrunk.json");
        let file = fs::File::create(&path).map_err(|error| MutantError::new("write", &path, error))?;
        let mut command = Command::new(program);
        command.arg("shrink").arg(seed.to_string()).arg("--json").stdout(file);
        run_for(&mut command, SHRINK_MAX, program)?;
        let text = fs::read(&path).map_err(|error| MutantError::new("read", &path, error))?;
        Ok(serde_json::from_slice(&text).ok())
    }
}

/// Runs a program to its end, but not for longer than that.
fn run_for(command: &mut Command, most: Duration, program: &Path) -> Result<ExitStatus, MutantError> {
    let mut child = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| MutantError::new("run", program, error))?;
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(|error| MutantError::new("wait for", program, error))? {
            return Ok(status);
        }
        if began.elapsed() > most {
            let _ = child.kill();
        }
        sleep(Duration::from_millis(50));
    }
}

/// What the scenarios came to; a last line that was cut off is left out.
fn results(out: &Path) -> Result<Caught, MutantError> {
    let path = out.join("results.jsonl");
    let text = fs::read_to_string(&path).map_err(|error| MutantError::new("read", &path, error))?;
    let mut caught = Caught::default();
    for report in text.lines().filter_map(|line| serde_json::from_str::<SeedReport>(line).ok()) {
        caught.runs += 1;
        if !report.outcome.failures.is_empty() {
            caught.seed = Some(caught.seed.map_or(report.seed, |seed| seed.min(report.seed)));
        }
        let mut oracles: Vec<&str> = report.outcome.failures.iter().map(|failed| failed.oracle.as_str()).collect();
        oracles.sort_unstable();
        oracles.dedup();
        for oracle in oracles {
            *caught.oracles.entry(oracle.to_owned()).or_default() += 1;
        }
    }
    Ok(caught)
}

fn run_to_end(command: &mut Command, what: &str, path: &Path) -> Result<(), MutantError> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| MutantError::new(what, path, error))?;
    if output.status.success() {
        return Ok(());
    }
    Err(MutantError::new(what, path, String::from_utf8_lossy(&output.stderr).trim_end()))
}
