use super::*;
use crate::scenario::{FaultSpec, What};
use crate::swarm;

/// Text that is changed on the way, in a network with much else.
fn spoiled() -> Scenario {
    let text = include_str!("../../scenarios/everything-at-once.toml");
    let mut scenario: Scenario = text.replace("corrupt.break-checksum", "corrupt.keep-checksum").parse().unwrap();
    let mut fault = FaultSpec::new(Duration::from_secs(1), What::Pause);
    (fault.host, fault.lasts) = (Some("client".to_owned()), Some(Duration::from_millis(10)));
    scenario.fault.push(fault);
    scenario
}

/// What is left is what does it; and it is found again by whoever reads it from a file.
#[test]
fn what_does_not_matter_goes() {
    let (scenario, seed) = (spoiled(), swarm::seed(1));
    let is_it = |failed: &Failed| failed.oracle == "stream-bytes";
    let (noticed, _) = scenario.until(&seed, u64::MAX, is_it).unwrap();
    let shrunk = shrink(&scenario, &seed, &noticed.failed).unwrap();
    assert_eq!(shrunk.before, noticed);
    assert!(shrunk.scenario.fault.is_empty(), "{}", shrunk.scenario);
    // ARP, the handshake, and text that is spoiled: both draws of it are on the tape.
    assert!(shrunk.after.frames <= 8, "{} frames\n{}", shrunk.after.frames, shrunk.scenario);
    assert!(shrunk.scenario.tape.as_ref().is_some_and(|tape| tape.len() <= 2), "{}", shrunk.scenario);
    assert!(shrunk.runs <= RUNS_MAX);
    let read: Scenario = shrunk.scenario.to_string().parse().unwrap();
    assert_eq!(read, shrunk.scenario);
    assert_eq!(read.first_failure(&seed), Some(shrunk.after.clone()));
    assert!(read.run(&seed).failures.contains(&shrunk.after.failed));
}

#[test]
fn what_does_not_fail_is_not_shrunk() {
    let scenario: Scenario = include_str!("../../scenarios/download.toml").parse().unwrap();
    let target = Failed { oracle: "window".to_owned(), signature: String::new(), text: String::new() };
    assert!(shrink(&scenario, &swarm::seed(1), &target).is_none());
}
