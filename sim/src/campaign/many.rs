//! A range of numbers, on several threads.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::coverage::{Coverage, JUDGED_FROM};
use super::groups::Groups;
use super::one::{SeedReport, run_seed};
use super::shard::Shard;

/// Which numbers are run, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    /// The numbers.
    pub seeds: Range<u64>,
    /// The part of them that is run here.
    pub shard: Shard,
    /// On how many threads; at least 1.
    pub jobs: usize,
    /// For how long numbers are begun; until all are, if not said.
    pub time: Option<Duration>,
    /// Whether each is run twice, and both runs compared.
    pub check_determinism: bool,
    /// Whether no more are begun once one has failed.
    pub until_failure: bool,
}

/// How far a campaign is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Numbers that were run.
    pub done: u64,
    /// Numbers that are to be run.
    pub all: u64,
    /// Numbers with a failure.
    pub failed: u64,
}

/// What a campaign has come to.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Numbers that were run.
    pub done: u64,
    /// Numbers with a failure.
    pub failed: u64,
    /// What failed.
    pub groups: Groups,
    /// What was reached.
    pub coverage: Coverage,
    frames: Vec<u64>,
    nanos: Vec<u64>,
    flows: Vec<u64>,
}

impl Summary {
    /// Takes in what a number came to.
    pub fn add(&mut self, report: &SeedReport) {
        self.done += 1;
        self.failed += u64::from(!report.outcome.failures.is_empty());
        self.groups.add(report);
        self.coverage.join(&report.coverage);
        self.frames.push(report.outcome.frames);
        self.nanos.push(report.outcome.nanos);
        self.flows.push(report.outcome.flows.len() as u64);
    }

    /// Of frames, simulated nanoseconds and flows of a run, the medians.
    pub fn medians(&self) -> [u64; 3] {
        [&self.frames, &self.nanos, &self.flows].map(|values| {
            let mut values = values.clone();
            values.sort_unstable();
            values.get(values.len() / 2).copied().unwrap_or_default()
        })
    }

    /// All frames.
    pub fn frames(&self) -> u64 {
        self.frames.iter().sum()
    }

    /// Whether there were so many seeds that what they have not reached is a failure.
    pub fn judges_coverage(&self) -> bool {
        self.done >= JUDGED_FROM
    }

    /// Whether nothing failed and, in a large campaign, everything was reached.
    pub fn is_green(&self) -> bool {
        let unexplained = |unexpected: &super::Unexpected| unexpected.reason.is_none();
        self.groups.is_empty() && !(self.judges_coverage() && self.coverage.unexpected().iter().any(unexplained))
    }
}

impl Campaign {
    /// Runs the numbers; `each` is told of every one, in the order in which they end.
    pub fn run<E>(&self, mut each: impl FnMut(&SeedReport, Progress) -> Result<(), E>) -> Result<Summary, E> {
        let all = self.seeds.clone().filter(|seed| self.shard.has(*seed)).count() as u64;
        let next = AtomicU64::new(self.seeds.start);
        let until = self.time.map(|time| Instant::now() + time);
        let mut summary = Summary::default();
        thread::scope(|scope| {
            let (reports, received) = mpsc::sync_channel(self.jobs * 4);
            for _ in 0..self.jobs.max(1) {
                let (reports, next) = (reports.clone(), &next);
                scope.spawn(move || self.work(next, until, &reports));
            }
            drop(reports);
            for report in received {
                summary.add(&report);
                if self.until_failure && summary.failed > 0 {
                    next.store(self.seeds.end, Ordering::Relaxed);
                }
                let progress = Progress { done: summary.done, all, failed: summary.failed };
                if let Err(error) = each(&report, progress) {
                    next.store(self.seeds.end, Ordering::Relaxed);
                    return Err(error);
                }
            }
            Ok(())
        })?;
        Ok(summary)
    }

    fn work(&self, next: &AtomicU64, until: Option<Instant>, reports: &mpsc::SyncSender<SeedReport>) {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= self.seeds.end || until.is_some_and(|until| Instant::now() >= until) {
                return;
            }
            if self.shard.has(seed) && reports.send(run_seed(seed, self.check_determinism)).is_err() {
                return;
            }
        }
    }
}
