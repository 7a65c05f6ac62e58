//! Verdicts about a whole run: everything delivered in time, every loss with a legal cause, nothing left behind.

use tickwire_core::error::SocketError;
use tickwire_core::{Config, Stack};

use super::build::Built;
use super::run::Failed;
use super::{Expected, Flow, Scenario};
use crate::oracle::Oracle;
use crate::workload::{Ledger, Loss};

/// Judges all flows, when everything was healed and the time to deliver is over.
pub(super) fn flows(scenario: &Scenario, built: &Built, failures: &mut Vec<Failed>) {
    let on = |oracle: Oracle| !scenario.oracles_off.iter().any(|name| name == oracle.name());
    for (place, (flow, ends)) in scenario.flow.iter().zip(&built.flows).enumerate() {
        let [Some(client), Some(server)] = ends.map(|end| built.world.ledger(end)) else { continue };
        if on(Oracle::Delivery) {
            delivery(place, client, server, failures);
        }
        if on(Oracle::Cause) {
            let configs = ends.map(|end| built.world.stack(end.host()).config());
            causes(place, [client, server], configs, failures);
        }
        expectation(place, flow, client, failures);
    }
}

/// Connections that neither end has lost have delivered everything.
fn delivery(place: usize, client: &Ledger, server: &Ledger, failures: &mut Vec<Failed>) {
    for (side, stuck, other) in [("client", client, server), ("server", server, client)] {
        // Where the other end has lost its connection, this one may wait for ever.
        let excused = other.lost + other.crashed;
        if stuck.live() > excused {
            let text = format!(
                "flow {place}: {} connections are stuck at the {side}, of {} opened; the other end has lost {}",
                stuck.live(),
                stuck.opened,
                excused
            );
            failures.push(Failed::new(Oracle::Delivery.name(), text));
        }
    }
}

/// Each lost connection has a legal cause.
fn causes(place: usize, ledgers: [&Ledger; 2], configs: [&Config; 2], failures: &mut Vec<Failed>) {
    let is_reset = |loss: &&Loss| matches!(loss.error, SocketError::Reset | SocketError::Refused);
    let others =
        ledgers.map(|ledger| ledger.crashed + ledger.lost - ledger.losses.iter().filter(is_reset).count() as u64);
    for (side, (ledger, config)) in ["client", "server"].iter().zip(ledgers.into_iter().zip(configs)) {
        for loss in &ledger.losses {
            let why = match loss.error {
                // Somebody must have begun: an end that resets has lost its connection for another reason.
                SocketError::Reset | SocketError::Refused if others.iter().sum::<u64>() > 0 => continue,
                SocketError::Reset | SocketError::Refused => "neither end had a reason to reset",
                SocketError::TimedOut if has_timed_out(loss, config) => continue,
                SocketError::TimedOut => "neither R2 nor the user timeout has passed",
                SocketError::HostUnreachable | SocketError::NetworkUnreachable if loss.moved == loss.opened => continue,
                SocketError::HostUnreachable | SocketError::NetworkUnreachable => {
                    "an established connection outlives soft errors"
                }
                _ => "nothing in the scenario causes that",
            };
            let text = format!(
                "flow {place}: the {side} has lost {:?} > {:?} at {}, opened at {}: {}: {why}",
                loss.local, loss.remote, loss.at, loss.opened, loss.error
            );
            let signature = format!("{side}: {}: {why}", loss.error);
            failures.push(Failed { oracle: Oracle::Cause.name().to_owned(), signature, text });
        }
    }
}

/// Whether a connection was long enough without an answer (RFC 9293 section 3.8.3).
fn has_timed_out(loss: &Loss, config: &Config) -> bool {
    let tcp = &config.tcp;
    let r2 = tcp.retransmit_timeout.min(tcp.syn_timeout);
    let least = tcp.socket.user_timeout.map_or(r2, |user| user.min(r2));
    loss.at.since(loss.opened) >= least
}

fn expectation(place: usize, flow: &Flow, client: &Ledger, failures: &mut Vec<Failed>) {
    let (opened, completed, lost) = (client.opened, client.completed, client.lost);
    let met = match flow.expect {
        Expected::Any => true,
        Expected::Complete => completed == flow.connections,
        Expected::Lost => lost == opened && opened > 0,
    };
    if !met {
        let what = match flow.expect {
            Expected::Complete => format!("{} to be completed", flow.connections),
            Expected::Any | Expected::Lost => "all to be lost".to_owned(),
        };
        let text = format!("flow {place}: expected {what}: {completed} completed, {lost} lost, {opened} opened");
        failures.push(Failed::new("expect", text));
    }
}

/// When all applications have ended and 2 MSL have passed, no stack holds anything.
pub(super) fn quiescence(built: &Built, failures: &mut Vec<Failed>) {
    for host in &built.hosts {
        for what in held(built.world.stack(*host)) {
            let name = &built.world.trace().nodes()[host.index()];
            let text = format!("{name} still holds {what}");
            let signature = what.split_once(' ').map_or("", |(_, kind)| kind).to_owned();
            failures.push(Failed { oracle: Oracle::Quiescence.name().to_owned(), signature, text });
        }
    }
}

/// What a stack holds that somebody must let go of.
fn held(stack: &Stack) -> Vec<String> {
    let depths = stack.queue_depths();
    let mut held: Vec<String> = stack.tcp_sockets().map(|entry| format!("1 connection in {:?}", entry.state)).collect();
    let counts = [
        (stack.tcp_listeners().count(), "listeners"),
        (stack.udp_sockets().count(), "UDP sockets"),
        (depths.control, "answers"),
        (depths.ready, "ready sockets"),
        (depths.transit, "packets to be forwarded"),
        (depths.parked, "packets parked for neighbors"),
        (depths.reassembly, "bytes of fragments"),
        (depths.events, "events"),
        (depths.tcp_bytes, "bytes of text"),
    ];
    held.extend(counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    held
}
