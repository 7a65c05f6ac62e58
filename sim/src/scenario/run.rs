//! What came of a scenario's run.

use serde::{Deserialize, Serialize};
use tickwire_core::Seed;

use super::build::{Built, FlowEnd};
use super::course::Course;
use super::text::ScenarioError;
use super::{Population, Scenario, population};
use crate::oracle::Verdict;
use crate::{Failure, World};

/// Events that happen between two looks at whether anything is left.
const EVENTS_AT_ONCE: u64 = 1 << 16;

/// What came of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// How long it took, simulated.
    pub nanos: u64,
    /// How many frames passed an interface, sent and received.
    pub frames: u64,
    /// The hash of all that happened.
    pub hash: String,
    /// What became of each flow's connections.
    pub flows: Vec<FlowOutcome>,
    /// What became of each series of datagrams.
    pub datagrams: Vec<DatagramsOutcome>,
    /// What the flows came to together.
    pub population: Population,
    /// What went wrong; empty if nothing did.
    pub failures: Vec<Failed>,
}

/// What became of a flow's connections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowOutcome {
    /// Connections that the client began.
    pub opened: u64,
    /// Connections on which the client sent and received everything.
    pub completed: u64,
    /// Connections that the client lost.
    pub lost: u64,
    /// Bytes that both ends received; with a foreign end, that ours did.
    pub received: u64,
}

/// What became of a series of datagrams.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatagramsOutcome {
    /// How many were sent.
    pub sent: u64,
    /// How many arrived, copies included.
    pub received: u64,
}

/// A rule that was broken, or an expectation that was not met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// Whose rule: an oracle's name, `expect`, `livelock`, `determinism` or `panic`.
    pub oracle: String,
    /// What makes two failures one: what was found, or of what is late what was expected, without the numbers.
    pub signature: String,
    /// All that is known.
    pub text: String,
}

impl Failed {
    /// Who says that two runs differ.
    pub(crate) const DETERMINISM: &'static str = "determinism";

    /// A failure whose signature is its text without the numbers.
    pub(crate) fn new(oracle: &str, text: String) -> Failed {
        Failed { oracle: oracle.to_owned(), signature: without_numbers(&text), text }
    }

    /// A scenario that cannot be built.
    pub(crate) fn unbuilt(error: &ScenarioError) -> Failed {
        Failed::new("scenario", error.to_string())
    }

    /// Two runs that differ, and where.
    pub(crate) fn divergence(text: &str) -> Failed {
        let (oracle, signature) = (Failed::DETERMINISM.to_owned(), "two runs differ".to_owned());
        Failed { oracle, signature, text: text.to_owned() }
    }

    pub(super) fn of(failure: &Failure) -> Failed {
        let text = failure.to_string();
        match failure {
            Failure::Script { .. } => Failed::new("script", text),
            Failure::Program { .. } => Failed::new("program", text),
            Failure::Application { finding, .. } => {
                let signature = without_numbers(&finding.what);
                Failed { oracle: finding.oracle.to_string(), signature, text }
            }
            Failure::Oracle { verdict, .. } => {
                let Verdict { oracle, line, expected, found, .. } = verdict;
                let what = if oracle.is_about_time() {
                    format!("expected {expected}")
                } else {
                    format!("{line} expected {expected} found {found}")
                };
                Failed { oracle: oracle.to_string(), signature: without_numbers(&what), text }
            }
        }
    }
}

impl Outcome {
    /// Nothing but a failure.
    pub(crate) fn failed(failed: Failed) -> Outcome {
        Outcome { failures: vec![failed], ..Outcome::default() }
    }
}

/// The text with `#` for each number, addresses included.
fn without_numbers(text: &str) -> String {
    let mut short = String::new();
    // A number is one in hexadecimal, too, even without a digit.
    let text = text.replace("0x", "0");
    for part in text.split_inclusive(|c: char| !c.is_ascii_hexdigit() && c != '.' && c != ':') {
        let word = part.trim_end_matches(|c: char| !c.is_ascii_hexdigit() && c != '.' && c != ':');
        let is_number = word.chars().any(|c| c.is_ascii_digit());
        short.push_str(if is_number { "#" } else { word });
        short.push_str(&part[word.len()..]);
    }
    short
}

impl Scenario {
    /// Runs it. What cannot be built is a failure, too.
    pub fn run(&self, seed: &Seed) -> Outcome {
        match self.build(seed) {
            Ok(built) => self.run_built(built).0,
            Err(error) => Outcome::failed(Failed::unbuilt(&error)),
        }
    }

    /// The same, with no frame kept.
    pub(crate) fn run_without_trace(&self, seed: &Seed) -> Outcome {
        match self.build(seed) {
            Ok(mut built) => {
                built.world.keep_trace(false);
                self.run_built(built).0
            }
            Err(error) => Outcome::failed(Failed::unbuilt(&error)),
        }
    }

    /// Runs what was built, and gives it back as it is at the end.
    pub fn run_built(&self, built: Built) -> (Outcome, Built) {
        let mut course = Course::new(self, built);
        while course.step(EVENTS_AT_ONCE) > 0 {}
        course.finish()
    }
}

impl Course<'_> {
    /// What came of the run, which is over.
    pub(crate) fn finish(self) -> (Outcome, Built) {
        let (scenario, mut built, mut judge) = self.end();
        let population = Population::of(scenario, &built);
        population::judge(scenario, &built, &population, &mut judge);
        built.tallies = judge.tallies;
        let mut failures = judge.failures;
        failures.extend(built.world.failures().iter().map(Failed::of));
        let world = &built.world;
        let outcome = Outcome {
            nanos: world.now().as_nanos(),
            frames: world.trace().count(),
            hash: format!("{:032x}", world.hash()),
            flows: built.flows.iter().map(|ends| flow_outcome(world, *ends)).collect(),
            datagrams: built.datagrams.iter().map(|ends| datagrams_outcome(world, *ends)).collect(),
            population,
            failures,
        };
        (outcome, built)
    }
}

fn flow_outcome(world: &World, ends: [FlowEnd; 2]) -> FlowOutcome {
    let ledgers = ends.map(|end| end.ours().and_then(|ours| world.ledger(ours)));
    // Of a foreign client the server tells.
    let Some(first) = ledgers.into_iter().flatten().next() else { return FlowOutcome::default() };
    FlowOutcome {
        opened: first.opened,
        completed: first.completed,
        lost: first.lost,
        received: ledgers.into_iter().flatten().map(|ledger| ledger.received).sum(),
    }
}

fn datagrams_outcome(world: &World, [source, sink]: [crate::ApplicationId; 2]) -> DatagramsOutcome {
    let sent = world.ledger(source).map_or(0, |ledger| ledger.sent);
    DatagramsOutcome { sent, received: world.ledger(sink).map_or(0, |ledger| ledger.received) }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::oracle::{Mark, Oracle};

    #[test]
    fn signatures_have_no_numbers() {
        let text = "a right edge of at least 601 at 0.105000000 from 192.0.2.1:80 after 2001:db8::1";
        assert_eq!(without_numbers(text), "a right edge of at least # at # from # after #");
        assert_eq!(without_numbers("byte 7 is 0xfa, expected 0x05"), "byte # is #, expected #");
    }

    /// The frame that shows that something is too late may be any; the one that breaks a rule is part of the failure.
    #[rstest]
    #[case::late(Oracle::DhcpRenewal, true)]
    #[case::late_acknowledgment(Oracle::DelayedAck, true)]
    #[case::wrong(Oracle::RightEdge, false)]
    fn what_is_late_has_one_signature_whatever_frame_shows_it(#[case] oracle: Oracle, #[case] same: bool) {
        let signature = |line: &str, found: &str| {
            let frame = Mark::new(7, crate::Instant::from_millis(36_000));
            let (line, expected, found) = (line.to_owned(), "an answer by 35".to_owned(), found.to_owned());
            let verdict = Verdict { oracle, flow: None, frame, line, earlier: None, expected, found };
            Failed::of(&Failure::Oracle { host: "a".to_owned(), verdict }).signature
        };
        let [shown, otherwise] = [("< . 1:1001(1000) ack 1", "none for 612ms"), ("> S 0:0(0)", "after 1.2s")]
            .map(|(line, found)| signature(line, found));
        assert_eq!(shown == otherwise, same, "{shown:?} {otherwise:?}");
    }
}
