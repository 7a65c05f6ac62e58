//! What came of a run, for people.

use std::collections::BTreeMap;

use crate::oracle::Oracle;
use crate::scenario::metamorphic::Variant;
use crate::scenario::{Built, DatagramsOutcome, FlowOutcome, Noticed, Outcome, Scenario, figures};

/// What came of a run, with a final line feed.
pub(super) fn run(scenario: &Scenario, seed: u64, outcome: &Outcome, built: &Built) -> String {
    let seconds = crate::Instant::from_nanos(outcome.nanos);
    let mut lines = vec![
        scenario.title.clone(),
        format!("seed {seed}: {} frames in {seconds} s, hash {}", outcome.frames, outcome.hash),
        String::new(),
    ];
    lines.extend(flows(scenario, outcome));
    lines.extend(outcome.population.told().iter().map(|[name, text]| row(name, text)));
    lines.push(row("links", &links(built)));
    lines.push(row("oracles", &oracles(outcome, built)));
    lines.extend(outcome.failures.iter().map(|failed| format!("\nFAILED {}: {}", failed.oracle, failed.text)));
    lines.join("\n") + "\n"
}

/// How far a run was when its first failure was noticed, with a final line feed; nothing of none.
pub(super) fn noticed(noticed: Option<&Noticed>) -> String {
    let Some(Noticed { failed, frames, nanos }) = noticed else { return String::new() };
    let at = crate::Instant::from_nanos(*nanos);
    format!("\nnoticed first: {} at {at} s, after {frames} frames on all links\n", failed.oracle)
}

/// The variants of a scenario, with a final line feed.
pub(super) fn variants(variants: &[Variant]) -> String {
    let mut lines = vec!["\nin other words:".to_owned()];
    for Variant { what, outcome, same } in variants {
        let same = match same {
            Some(true) => "applications see the same",
            Some(false) => "applications see something else",
            None => "not compared: a connection was lost, or a host has crashed",
        };
        let failed = match outcome.failures.len() {
            0 => String::new(),
            count => format!(", {count} failures"),
        };
        lines.push(format!("  {what:<26} {:>9} frames, {same}{failed}", outcome.frames));
    }
    lines.join("\n") + "\n"
}

fn row(name: &str, text: &str) -> String {
    format!("  {name:<14} {text}")
}

fn flows(scenario: &Scenario, outcome: &Outcome) -> Vec<String> {
    let flows = scenario.flow.iter().zip(&outcome.flows).zip(&outcome.population.goodputs_bps);
    let mut rows: Vec<[String; 2]> = flows
        .map(|((flow, became), bps)| {
            let FlowOutcome { opened, completed, lost, received } = became;
            let lost = if *lost > 0 { format!(", {lost} lost") } else { String::new() };
            let connections = if *opened == 1 { "connection" } else { "connections" };
            let said = format!(
                "{completed} of {opened} {connections} completed{lost}: {received} bytes, {}",
                figures::rate(*bps)
            );
            [format!("{} > {}", flow.from, flow.to), said]
        })
        .collect();
    rows.extend(scenario.datagrams.iter().zip(&outcome.datagrams).map(|(spec, became)| {
        let DatagramsOutcome { sent, received } = became;
        [format!("{} > {}", spec.from, spec.to), format!("{received} of {sent} datagrams arrived")]
    }));
    let width = rows.iter().map(|[ends, _]| ends.len()).max().unwrap_or_default().max(14);
    rows.iter().map(|[ends, said]| format!("  {ends:<width$} {said}")).collect()
}

/// What links have done to frames.
fn links(built: &Built) -> String {
    let (mut causes, mut damaged, mut added, mut marked) = (BTreeMap::<String, u64>::new(), 0, 0, 0);
    for counters in built.links.iter().flat_map(|link| built.world.link_counters(*link)) {
        for (cause, count) in &counters.dropped {
            *causes.entry(cause.to_string()).or_default() += count;
        }
        damaged += counters.corrupted;
        added += counters.added;
        marked += counters.marked;
    }
    let all: u64 = causes.values().sum();
    let causes: Vec<String> = causes.iter().map(|(cause, count)| format!("{cause}: {count}")).collect();
    let mut done = vec![format!("{all} frames dropped")];
    if all > 0 {
        done = vec![format!("{all} frames dropped ({})", causes.join(", "))];
    }
    let more = [(damaged, "damaged"), (added, "copies and fragments made"), (marked, "marked CE")];
    done.extend(more.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    done.join(", ")
}

/// How many oracles judged, and how often.
fn oracles(outcome: &Outcome, built: &Built) -> String {
    let judged: Vec<u64> = Oracle::ALL.iter().map(|oracle| built.tally_of_all(*oracle).judged).collect();
    let (times, which) = (judged.iter().sum::<u64>(), judged.iter().filter(|times| **times > 0).count());
    let found = match outcome.failures.len() {
        0 => "nothing is wrong".to_owned(),
        1 => "1 failure".to_owned(),
        count => format!("{count} failures"),
    };
    format!("{which} judged {times} times: {found}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_told() {
        let scenario: Scenario = include_str!("../../scenarios/datagrams.toml").parse().unwrap();
        let (outcome, built) = scenario.run_built(scenario.build(&crate::swarm::seed(1)).unwrap());
        let text = run(&scenario, 1, &outcome, &built);
        for part in [
            "1 of 1 connection completed: 2097152 bytes",
            "datagrams arrived",
            "bottleneck",
            "queue full",
            "nothing is wrong",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
