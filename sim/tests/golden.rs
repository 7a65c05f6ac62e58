//! The hashes of five scenarios are held: on any machine, in debug and in release, on one thread and on two.
//!
//! `sim/scenarios/golden.txt` has a line for each. Where a change of behaviour is meant, what `.ci/run golden` or this
//! test finds takes its place.

use std::path::PathBuf;
use std::thread;

use tickwire_sim::scenario::Scenario;
use tickwire_sim::swarm;

/// As `tickwire-sim run` has it by default.
const SEED: u64 = 1;

fn scenarios() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios"))
}

/// The names and hashes that are held.
fn golden() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(scenarios().join("golden.txt")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(' ')).map(|(name, hash)| (name.to_owned(), hash.to_owned())).collect()
}

fn hash(name: &str) -> String {
    let text = std::fs::read_to_string(scenarios().join(name).with_extension("toml")).unwrap();
    let scenario: Scenario = text.parse().unwrap();
    scenario.run(&swarm::seed(SEED)).hash
}

/// All scenarios that are held, each run on one of so many threads.
fn found(threads: usize) -> Vec<(String, String)> {
    let golden = golden();
    let part = |thread: usize| golden.iter().skip(thread).step_by(threads).map(|(name, _)| (name.clone(), hash(name)));
    let mut found: Vec<(String, String)> = thread::scope(|scope| {
        let parts: Vec<_> = (0..threads).map(|thread| scope.spawn(move || part(thread).collect::<Vec<_>>())).collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    });
    found.sort_by_key(|(name, _)| golden.iter().position(|(other, _)| other == name));
    found
}

#[test]
fn five_scenarios_are_as_they_were() {
    let golden = golden();
    assert_eq!(golden.len(), 5);
    for threads in [1, 2] {
        assert_eq!(found(threads), golden, "on {threads} threads");
    }
}
