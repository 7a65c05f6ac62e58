//! Verdicts about a whole run: everything delivered in time, every loss with a legal cause, nothing left behind.

use std::net::IpAddr;

use tickwire_core::error::SocketError;
use tickwire_core::{AddressState, Config, Instant, Stack};

use super::build::{Built, FlowEnd};
use super::expect::{Kind as _, Time};
use super::judge::Judge;
use super::run::Failed;
use super::text::ScenarioError;
use super::{AdversaryKind, AdversarySpec, Expected, FaultSpec, Flow, ForeignEnd, HostSpec, Scenario, What};
use crate::node::Standing;
use crate::oracle::Oracle;
use crate::workload::{Ledger, Loss};
use crate::{ApplicationId, HostId};

/// Judges all flows, when everything was healed and the time to deliver is over.
pub(super) fn flows(scenario: &Scenario, built: &Built, judge: &mut Judge) {
    for (place, (flow, ends)) in scenario.flow.iter().zip(&built.flows).enumerate() {
        let ends = match *ends {
            [FlowEnd::Ours(client), FlowEnd::Ours(server)] => [client, server],
            [FlowEnd::Ours(ours), FlowEnd::Foreign(foreign)] | [FlowEnd::Foreign(foreign), FlowEnd::Ours(ours)] => {
                with_foreign(place, scenario, built, ours, foreign, judge);
                continue;
            }
            [FlowEnd::Foreign(_), FlowEnd::Foreign(_)] => continue,
        };
        let [Some(client), Some(server)] = ends.map(|end| built.world.ledger(end)) else { continue };
        // Whose address is another's now has lost what it used it for, and cannot be reached (RFC 5227 section 2.4).
        if ends.iter().any(|end| has_given_way(scenario, built, end.host())) {
            expectation(place, flow, [client, server], judge);
            continue;
        }
        if judge.judges(Oracle::Delivery) {
            // How many were lost with an address, and nobody was told, is not counted.
            let unknown = |host| has_lost_a_lease(scenario, built, host).then_some(u64::MAX);
            let given_up =
                ends.map(ApplicationId::host).map(|host| unknown(host).unwrap_or(given_up_unheard(built, host)));
            delivery(place, scenario, flow, [client, server], given_up, judge);
        }
        if [client, server].iter().any(|ledger| !ledger.losses.is_empty()) && judge.judges(Oracle::Cause) {
            let configs = ends.map(|end| built.world.stack(end.host()).config());
            let explained = crashes(scenario, None)
                || scenario.host.iter().any(|host| host.router)
                || ends.iter().any(|end| given_up_unheard(built, end.host()) > 0)
                || ends.iter().any(|end| has_lost_a_lease(scenario, built, end.host()))
                || ends.iter().any(|end| counter(built, end.host(), "tcp.half_open_recycled") > 0);
            let unsure = ends.map(|end| may_lose_its_address(scenario, built, end.host()));
            causes(place, [client, server], configs, explained, unsure, judge);
        }
        expectation(place, flow, [client, server], judge);
    }
}

/// Judges a flow with a foreign end: what has arrived there is what was sent, and neither end is stuck unless the
/// connection is lost. Why ours was lost is judged as ever.
fn with_foreign(
    place: usize,
    scenario: &Scenario,
    built: &Built,
    ours: ApplicationId,
    foreign: ForeignEnd,
    judge: &mut Judge,
) {
    let Some(ledger) = built.world.ledger(ours).filter(|_| !has_given_way(scenario, built, ours.host())) else {
        return;
    };
    let standing = built.world.node(foreign.node).and_then(|machine| machine.standing(foreign.script));
    if let Some(Standing::Spoiled(what)) = &standing
        && judge.judges(Oracle::StreamBytes)
    {
        judge.fail(Oracle::StreamBytes, format!("flow {place}: foreign host: {what}"));
    }
    if !ledger.losses.is_empty() && judge.judges(Oracle::Cause) {
        let config = built.world.stack(ours.host()).config();
        let unsure = may_lose_its_address(scenario, built, ours.host());
        let explained = crashes(scenario, None) || has_lost_a_lease(scenario, built, ours.host());
        causes(place, [ledger, &Ledger::default()], [config; 2], explained, [unsure; 2], judge);
    }
    // Whose other end has forgotten the connection may wait for ever.
    let forgotten = ledger.lost > 0
        || given_up_unheard(built, ours.host()) > 0
        || crashes(scenario, None)
        || has_lost_a_lease(scenario, built, ours.host());
    let stuck = match standing {
        Some(Standing::Waits(what) | Standing::Failed(what)) => Some(what),
        _ if ledger.live() > 0 => Some("done".to_owned()),
        _ => None,
    };
    if let (true, false, Some(what)) = (judge.judges(Oracle::Delivery), forgotten, stuck) {
        let (live, opened) = (ledger.live(), ledger.opened);
        let text =
            format!("flow {place}: {live} of {opened} connections are stuck here; the foreign host is at: {what}");
        judge.fail(Oracle::Delivery, text);
    }
    expectation(place, &scenario.flow[place], [ledger, &Ledger::default()], judge);
}

/// Whether a host may have lost an address.
fn may_lose_its_address(scenario: &Scenario, built: &Built, host: HostId) -> bool {
    is_claimed(scenario, built, host) || has_lost_a_lease(scenario, built, host)
}

/// Whether a lease of a host may have ended, and all that had its address: it was over, refused, or of what another has
/// (RFC 2131 section 4.4.5). A crash forgets which.
fn has_lost_a_lease(scenario: &Scenario, built: &Built, host: HostId) -> bool {
    let ends = ["dhcpv4.expired", "dhcpv4.refused", "dhcpv4.declined"];
    let is_over = || ends.iter().any(|name| counter(built, host, name) > 0);
    let spec = spec_of(scenario, built, host).filter(|spec| spec.dhcp);
    spec.is_some_and(|spec| is_over() || crashes(scenario, Some(&spec.name)))
}

/// Whether somebody claims an address of a host.
fn is_claimed(scenario: &Scenario, built: &Built, host: HostId) -> bool {
    let Some(spec) = spec_of(scenario, built, host) else { return false };
    let is_it = |end: &str| end.split('.').next() == Some(spec.name.as_str());
    let conflicts = |fault: &FaultSpec| fault.what == What::AddressConflict && fault.host.as_deref().is_some_and(is_it);
    let claims = |adversary: &AdversarySpec| match &adversary.kind {
        AdversaryKind::ArpSpoofer(claim) | AdversaryKind::NdSpoofer(claim) => is_it(&claim.of),
        // Its Neighbor Advertisements have the host's address for a target: while that is verified it is a
        // duplicate then (RFC 4862 section 5.4.4).
        AdversaryKind::Garbler { to, .. } => is_it(to),
        _ => false,
    };
    scenario.fault.iter().any(conflicts) || scenario.adversary.iter().any(claims)
}

/// Whether somebody has claimed an address of a host, and the host has given it up.
fn has_given_way(scenario: &Scenario, built: &Built, host: HostId) -> bool {
    let Some(spec) = spec_of(scenario, built, host) else { return false };
    let has = |address: IpAddr| {
        let mut own = built.world.stack(host).interfaces().flat_map(|interface| interface.addresses);
        own.any(|own| own.address == address && own.state != AddressState::Duplicated)
    };
    is_claimed(scenario, built, host) && spec.interfaces.iter().flatten().any(|prefix| !has(prefix.0.address))
}

fn spec_of<'a>(scenario: &'a Scenario, built: &Built, host: HostId) -> Option<&'a HostSpec> {
    let place = built.hosts.iter().position(|id| *id == host)?;
    scenario.host.get(place)
}

/// Whether a host crashes: the one of that name, or any.
fn crashes(scenario: &Scenario, name: Option<&str>) -> bool {
    let of = |host: &Option<String>| name.is_none() || host.as_deref() == name;
    scenario.fault.iter().any(|fault| fault.what == What::Crash && of(&fault.host))
}

/// Connections that a host has given up after their application had let go of them: what it still had to send was
/// not acknowledged in time (RFC 9293 section 3.8.3), and there is nobody whom that could be told.
fn given_up_unheard(built: &Built, host: HostId) -> u64 {
    let given_up = counter(built, host, "tcp.timed_out");
    let ends = built.flows.iter().flatten().filter_map(|end| end.ours()).filter(|end| end.host() == host);
    let ledgers = ends.filter_map(|end| built.world.ledger(end));
    let heard = |ledger: &Ledger| ledger.losses.iter().filter(|loss| !is_reset(loss)).count() as u64;
    given_up.saturating_sub(ledgers.map(heard).sum())
}

fn counter(built: &Built, host: HostId, name: &str) -> u64 {
    let found = built.world.stack(host).counters().find(|(counter, _)| *counter == name);
    found.map_or(0, |(_, count)| count)
}

fn is_reset(loss: &Loss) -> bool {
    matches!(loss.error, SocketError::Reset | SocketError::Refused)
}

/// Connections that neither end has lost have delivered everything.
fn delivery(
    place: usize,
    scenario: &Scenario,
    flow: &Flow,
    ledgers: [&Ledger; 2],
    given_up: [u64; 2],
    judge: &mut Judge,
) {
    let [client, server] = ledgers;
    let mut fail = |text: String| judge.fail(Oracle::Delivery, text);
    let [by_client, by_server] = given_up;
    let ends = [("client", client, server, by_server, &flow.to), ("server", server, client, by_client, &flow.from)];
    for (side, stuck, other, unheard, host) in ends {
        // Where the other end has lost its connection, or all that it knew, this one may wait for ever.
        if stuck.live() > other.lost.saturating_add(unheard) && !crashes(scenario, Some(host)) {
            let (live, opened, lost) = (stuck.live(), stuck.opened, other.lost);
            fail(format!(
                "flow {place}: {live} of {opened} connections are stuck at the {side}; the other end has lost {lost}"
            ));
        } else if side == "client" && client.opened < flow.connections && client.live() == 0 {
            fail(format!("flow {place}: only {} of {} connections could be opened", client.opened, flow.connections));
        }
    }
}

/// Each lost connection has a legal cause. With `explained` there was something that resets connections: a host
/// that crashed, or that has given up a connection of which no application knew, or its address, or from which a flood of SYNs has
/// taken one (RFC 4987 section 3.4), or a router whose ICMP errors end those not established yet (RFC 5461). An end
/// that is `unsure` of its address loses its connections with it (RFC 5227 section 2.4); after a crash it may have the
/// address again.
fn causes(
    place: usize,
    ledgers: [&Ledger; 2],
    configs: [&Config; 2],
    explained: bool,
    unsure: [bool; 2],
    judge: &mut Judge,
) {
    let others = ledgers.map(|ledger| ledger.lost - ledger.losses.iter().filter(|loss| is_reset(loss)).count() as u64);
    let ends = ledgers.into_iter().zip(configs).zip(unsure);
    for (side, ((ledger, config), unsure)) in ["client", "server"].iter().zip(ends) {
        for loss in &ledger.losses {
            let why = match loss.error {
                // Somebody must have begun: an end that resets has lost its connection for another reason.
                SocketError::Reset | SocketError::Refused if explained || others.iter().sum::<u64>() > 0 => continue,
                SocketError::Reset | SocketError::Refused => "neither end had a reason to reset",
                SocketError::TimedOut if has_timed_out(loss, config) => continue,
                SocketError::TimedOut => "neither R2 nor the user timeout has passed",
                // A soft error ends what was not established; of others it is told when they are given up.
                SocketError::HostUnreachable | SocketError::NetworkUnreachable
                    if loss.moved == loss.opened || has_timed_out(loss, config) =>
                {
                    continue;
                }
                SocketError::HostUnreachable | SocketError::NetworkUnreachable => {
                    "an established connection outlives soft errors"
                }
                SocketError::AddressLost if unsure => continue,
                _ => "nothing in the scenario causes that",
            };
            let text = format!(
                "flow {place}: the {side} has lost {:?} > {:?} at {}, opened at {}: {}: {why}",
                loss.local, loss.remote, loss.at, loss.opened, loss.error
            );
            let signature = format!("{side}: {}: {why}", loss.error);
            let oracle = Oracle::Cause.name().to_owned();
            judge.fail_as(Oracle::Cause, Failed { oracle, signature, text });
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

fn expectation(place: usize, flow: &Flow, [client, server]: [&Ledger; 2], judge: &mut Judge) {
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
        judge.unexpected(text);
    }
    let last = client.last.max(server.last).unwrap_or(Instant::ZERO);
    if let Some(within) = flow.within.filter(|within| last > Instant::ZERO + flow.at + *within) {
        let within = Time::written(u64::try_from(within.as_nanos()).unwrap_or(u64::MAX));
        judge.unexpected(format!("flow {place}: expected its last byte within {within}: it came at {last}"));
    }
}

/// The counters of a stack, and the frames that it dropped, by their names.
fn counters_of(stack: &Stack) -> impl Iterator<Item = (String, u64)> + '_ {
    let counters = stack.counters().map(|(name, count)| (name.to_owned(), count));
    counters.chain(stack.drops().map(|(reason, count)| (format!("drop.{reason}"), count)))
}

/// Whether what the scenario expects of counters names hosts and counters that there are.
pub(super) fn known_counters(scenario: &Scenario, built: &Built) -> Result<(), ScenarioError> {
    for (name, bounds) in &scenario.expect.counters {
        let key = format!("expect.counters.{name}");
        let Some(place) = scenario.host.iter().position(|host| host.name == *name) else {
            let known: Vec<&str> = scenario.host.iter().map(|host| host.name.as_str()).collect();
            return Err(ScenarioError::at(key, format!("there is no host {name:?}; there are {}", known.join(", "))));
        };
        let known: Vec<String> =
            counters_of(built.world.stack(built.hosts[place])).map(|(counter, _)| counter).collect();
        if let Some(counter) = bounds.keys().find(|counter| !known.contains(counter)) {
            let what = format!("there is no counter {counter:?}; there are {}", known.join(", "));
            return Err(ScenarioError::at(key, what));
        }
    }
    Ok(())
}

/// What the scenario expects of counters.
pub(super) fn counters(scenario: &Scenario, built: &Built, judge: &mut Judge) {
    for (host, id) in scenario.host.iter().zip(&built.hosts) {
        let Some(bounds) = scenario.expect.counters.get(&host.name) else { continue };
        for (counter, count) in counters_of(built.world.stack(*id)) {
            if let Some(bound) = bounds.get(&counter).filter(|bound| !bound.holds(count)) {
                judge.unexpected(format!("{} of {}: expected {bound}, found {count}", counter, host.name));
            }
        }
    }
}

/// When all applications have ended and 2 MSL have passed, no stack holds anything.
pub(super) fn quiescence(built: &Built, judge: &mut Judge) {
    for host in &built.hosts {
        if !judge.judges(Oracle::Quiescence) {
            return;
        }
        for what in held(built.world.stack(*host)) {
            let name = &built.world.trace().nodes()[host.index()];
            let text = format!("{name} still holds {what}");
            let signature = what.split_once(' ').map_or("", |(_, kind)| kind).to_owned();
            let oracle = Oracle::Quiescence.name().to_owned();
            judge.fail_as(Oracle::Quiescence, Failed { oracle, signature, text });
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
