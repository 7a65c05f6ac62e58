//! A scenario's run: faults, then none, then the end; and what came of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tickwire_core::{Instant, Seed};

use super::build::{Built, FlowEnd, slowest};
use super::text::ScenarioError;
use super::{Flow, Scenario, verdict};
use crate::{Ended, Failure, World};

/// How far a run goes between two looks at whether it is done.
const LOOK: Duration = Duration::from_secs(1);
/// How long what was healed has at least.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long a connection whose peer has not closed may outlive its application (as Linux), beside 2 MSL.
const FIN_WAIT_2: Duration = Duration::from_mins(1);

/// Events of a run, at most: more is a storm.
const EVENTS_MAX: u64 = 50_000_000;
/// Events between two looks at how many there were.
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

/// A rule that was broken, or an expectation that was not met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// Whose rule: an oracle's name, `expect` or `livelock`.
    pub oracle: String,
    /// What makes two failures one: what was found, without the numbers.
    pub signature: String,
    /// All that is known.
    pub text: String,
}

impl Failed {
    /// A failure whose signature is its text without the numbers.
    pub(crate) fn new(oracle: &str, text: String) -> Failed {
        Failed { oracle: oracle.to_owned(), signature: without_numbers(&text), text }
    }

    /// A scenario that cannot be built.
    pub(crate) fn unbuilt(error: &ScenarioError) -> Failed {
        Failed::new("scenario", error.to_string())
    }

    fn of(failure: &Failure) -> Failed {
        let text = failure.to_string();
        match failure {
            Failure::Script { .. } => Failed::new("script", text),
            Failure::Program { .. } => Failed::new("program", text),
            Failure::Application { finding, .. } => {
                let signature = without_numbers(&finding.what);
                Failed { oracle: finding.oracle.to_string(), signature, text }
            }
            Failure::Oracle { verdict, .. } => {
                let found = format!("{} expected {} found {}", verdict.line, verdict.expected, verdict.found);
                Failed { oracle: verdict.oracle.to_string(), signature: without_numbers(&found), text }
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

    /// Runs what was built, and gives it back as it is at the end.
    pub fn run_built(&self, mut built: Built) -> (Outcome, Built) {
        let mut failures = Vec::new();
        if let Err(failed) = self.play(&mut built, &mut failures) {
            failures.push(failed);
        }
        failures.extend(built.world.failures().iter().map(Failed::of));
        let world = &built.world;
        let outcome = Outcome {
            nanos: world.now().as_nanos(),
            frames: world.trace().count(),
            hash: format!("{:032x}", world.hash()),
            flows: built.flows.iter().map(|ends| flow_outcome(world, *ends)).collect(),
            failures,
        };
        (outcome, built)
    }

    /// Plays both phases. What is found is added to `failures`; an error ends the run.
    fn play(&self, built: &mut Built, failures: &mut Vec<Failed>) -> Result<(), Failed> {
        advance(&mut built.world, Instant::ZERO + self.heal)?;
        let deadline = built.world.now().max(Instant::ZERO + self.heal) + self.time_to_deliver(built);
        while !built.world.applications_are_done() && built.world.now() < deadline {
            let until = (built.world.now() + LOOK).min(deadline);
            if !advance(&mut built.world, until)? {
                break;
            }
        }
        verdict::flows(self, built, failures);
        built.world.stop_applications();
        let msl = built.hosts.iter().map(|host| built.world.stack(*host).config().tcp.msl).max().unwrap_or_default();
        let end = built.world.now() + msl * 2 + FIN_WAIT_2;
        advance(&mut built.world, end)?;
        verdict::quiescence(built, failures);
        Ok(())
    }

    /// How long all connections have, once everything is healed: twice the RTO in force, or a minute; four times
    /// what the bottleneck needs for all bytes; and what the applications themselves wait.
    fn time_to_deliver(&self, built: &Built) -> Duration {
        let sockets = built.hosts.iter().flat_map(|host| built.world.stack(*host).tcp_sockets());
        let rto = sockets.map(|entry| entry.rto).max().unwrap_or_default();
        let bytes: u64 = self.flow.iter().map(|flow| flow.talk().bytes().saturating_mul(flow.connections)).sum();
        let links: Vec<_> = self.link.iter().map(|spec| slowest(&spec.path)).collect();
        let rate = links.iter().filter_map(|(rate, _)| *rate).min();
        let sent = rate.map_or(Duration::ZERO, |bps| nanos_at(bytes.saturating_mul(4), bps));
        let delay: Duration = links.iter().map(|(_, delay)| *delay).sum();
        let waits = self.flow.iter().map(|flow| waiting(flow, delay)).max().unwrap_or_default();
        let windows = self.flow.iter().map(|flow| by_windows(flow, built, delay)).max().unwrap_or_default();
        let sources = self.datagrams.iter().map(|datagrams| {
            datagrams.at + datagrams.every.saturating_mul(u32::try_from(datagrams.count).unwrap_or(u32::MAX))
        });
        PATIENCE.max(rto * 2) + sent.max(windows) + waits + sources.max().unwrap_or_default()
    }
}

/// Lets everything happen that is due by `limit`. Returns whether anything is left.
fn advance(world: &mut World, limit: Instant) -> Result<bool, Failed> {
    while world.run_events(EVENTS_AT_ONCE, limit) == EVENTS_AT_ONCE {
        if world.events() > EVENTS_MAX {
            return Err(Failed::new("livelock", format!("more than {EVENTS_MAX} events by {}", world.now())));
        }
    }
    match world.run_until(limit) {
        Ended::Livelock(node) => {
            let name = &world.trace().nodes()[node.index()];
            Err(Failed::new("livelock", format!("{name} asks for turns for ever, at {}", world.now())))
        }
        ended => Ok(ended != Ended::Quiescent),
    }
}

/// How long so many bytes take at a rate.
fn nanos_at(bytes: u64, bps: u64) -> Duration {
    let nanos = u128::from(bytes) * 8 * 1_000_000_000 / u128::from(bps.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// What a flow takes if its smallest buffer is the bottleneck: four times a round trip, and an acknowledgment that is
/// delayed, for each time that it is filled.
fn by_windows(flow: &Flow, built: &Built, delay: Duration) -> Duration {
    let configs = || built.hosts.iter().map(|host| &built.world.stack(*host).config().tcp);
    let scaled = configs().all(|tcp| tcp.window_scaling);
    let window = if scaled { u32::MAX } else { u16::MAX.into() };
    let buffer = configs().map(|tcp| tcp.socket.send_buffer.min(tcp.socket.receive_buffer)).min();
    let buffer = buffer.unwrap_or(u32::MAX).min(window);
    let segments = configs().filter_map(|tcp| tcp.socket.mss_max).min().map_or(u32::MAX, |mss| u32::from(mss) * 10);
    let late = configs().map(|tcp| tcp.ack_delay).max().unwrap_or_default();
    let fills = flow.talk().bytes().saturating_mul(flow.connections) / u64::from(buffer.min(segments).max(1));
    let fills = u32::try_from(fills).unwrap_or(u32::MAX);
    (delay * 2 + late).saturating_mul(fills).saturating_mul(4)
}

/// What a flow's applications and round trips take, with nothing lost.
fn waiting(flow: &Flow, delay: Duration) -> Duration {
    let each = flow.pause + delay * 4;
    let read = flow.reader.map_or(Duration::ZERO, |reader| {
        let reads = flow.talk().bytes() / reader.bytes.max(1) + 1;
        reader.every.saturating_mul(u32::try_from(reads).unwrap_or(u32::MAX))
    });
    let connection = each.saturating_mul(flow.rounds) + read + delay * 8;
    let batches = flow.connections.div_ceil(flow.parallel.max(1).into());
    flow.at + connection.saturating_mul(u32::try_from(batches).unwrap_or(u32::MAX))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_have_no_numbers() {
        let text = "a right edge of at least 601 at 0.105000000 from 192.0.2.1:80 after 2001:db8::1";
        assert_eq!(without_numbers(text), "a right edge of at least # at # from # after #");
    }
}
