//! Campaigns: what a number comes to is the same on any thread, and results join to what one campaign gives.

use std::convert::Infallible;
use std::path::PathBuf;

use tickwire_sim::campaign::{Campaign, SeedReport, Shard, Summary, Writer, canary_is_found, merge};
use tickwire_sim::swarm;

fn campaign(jobs: usize, shard: Shard) -> Campaign {
    Campaign { seeds: 0..24, shard, jobs, time: None, check_determinism: false, until_failure: false }
}

fn run(campaign: &Campaign) -> (Vec<SeedReport>, Summary) {
    let mut reports = Vec::new();
    let summary = campaign.run(|report, _| {
        reports.push(report.clone());
        Ok::<(), Infallible>(())
    });
    let Ok(summary) = summary;
    reports.sort_by_key(|report| report.seed);
    (reports, summary)
}

#[test]
fn threads_and_shards_make_no_difference() {
    let (alone, summary) = run(&campaign(1, Shard::WHOLE));
    assert_eq!(alone.len(), 24);
    assert!(summary.is_green(), "{:?}", summary.groups);
    for jobs in [2, 3] {
        let lines = |reports: &[SeedReport]| -> Vec<String> {
            reports.iter().map(|report| serde_json::to_string(report).unwrap()).collect()
        };
        assert_eq!(lines(&run(&campaign(jobs, Shard::WHOLE)).0), lines(&alone));
    }
    let mut parts: Vec<SeedReport> =
        [0, 1].iter().flat_map(|index| run(&campaign(1, Shard { index: *index, count: 2 })).0).collect();
    parts.sort_by_key(|report| report.seed);
    assert_eq!(parts, alone);
}

#[test]
fn results_are_joined() {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("results-are-joined");
    let dirs = [dir.join("0"), dir.join("1")];
    for (index, dir) in (0..).zip(&dirs) {
        let mut writer = Writer::create(dir).unwrap();
        let campaign = Campaign { seeds: 0..6, ..campaign(1, Shard { index, count: 2 }) };
        campaign.run(|report, _| writer.write(report)).unwrap();
        writer.finish().unwrap();
    }
    let whole = run(&Campaign { seeds: 0..6, ..campaign(1, Shard::WHOLE) }).1;
    let joined = merge(&dirs).unwrap();
    assert_eq!((joined.done, joined.frames(), joined.medians()), (6, whole.frames(), whole.medians()));
    assert_eq!(joined.coverage, whole.coverage);
    let twice = merge(&[dirs[0].clone(), dirs[0].clone()]).unwrap_err().to_string();
    assert!(twice.ends_with("line 1: seed 0 was there before; shards do not overlap"), "{twice}");
}

#[test]
fn determinism_is_checked() {
    let campaign = Campaign { seeds: 3..6, check_determinism: true, ..campaign(1, Shard::WHOLE) };
    assert!(run(&campaign).1.is_green());
}

#[test]
fn the_canary_is_found() {
    for number in 0..5 {
        assert!(canary_is_found(&swarm::seed(number)));
    }
}
