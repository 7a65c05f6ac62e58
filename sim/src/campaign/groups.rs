//! Failures by oracle and signature: many seeds, few bugs.

use std::collections::BTreeMap;

use serde::Serialize;

use super::one::SeedReport;

/// Seeds of a group that are kept.
const SEEDS: usize = 10;

/// Failures that are one, as far as can be told from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Whose rule was broken.
    pub oracle: String,
    /// What was found, without the numbers.
    pub signature: String,
    /// In how many seeds.
    pub seeds_count: u64,
    /// The first of them, the one with the fewest frames first.
    pub seeds: Vec<u64>,
    /// What was found in the first of those.
    pub text: String,
    #[serde(skip)]
    frames: u64,
}

/// All groups of a campaign.
#[derive(Clone, Debug, Default)]
pub struct Groups(BTreeMap<(String, String), Group>);

impl Groups {
    /// Takes in what failed in a seed. Of one seed a group counts once.
    pub fn add(&mut self, report: &SeedReport) {
        let mut seen = Vec::new();
        for failed in &report.outcome.failures {
            let key = (failed.oracle.clone(), failed.signature.clone());
            if seen.contains(&key) {
                continue;
            }
            seen.push(key.clone());
            let frames = report.outcome.frames;
            let group = self.0.entry(key).or_insert_with(|| Group {
                oracle: failed.oracle.clone(),
                signature: failed.signature.clone(),
                seeds_count: 0,
                seeds: Vec::new(),
                text: failed.text.clone(),
                frames,
            });
            group.seeds_count += 1;
            if frames < group.frames {
                (group.frames, group.text) = (frames, failed.text.clone());
                group.seeds.insert(0, report.seed);
            } else {
                group.seeds.push(report.seed);
            }
            group.seeds.truncate(SEEDS);
        }
    }

    /// The groups, those with most seeds first.
    pub fn sorted(&self) -> Vec<&Group> {
        let mut groups: Vec<&Group> = self.0.values().collect();
        groups.sort_by_key(|group| (std::cmp::Reverse(group.seeds_count), group.seeds.first().copied()));
        groups
    }

    /// Whether nothing failed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
