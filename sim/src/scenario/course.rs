//! The course of a scenario's run: faults, then none, then the end. It can be gone a few events at a time.

use std::time::Duration;

use tickwire_core::{Config, Instant};

use super::build::{Built, slowest};
use super::judge::Judge;
use super::run::Failed;
use super::{Flow, Scenario, What, verdict};
use crate::determinism::Run;
use crate::{Ended, World};

/// How far a run goes between two looks at whether it is done.
const LOOK: Duration = Duration::from_secs(1);
/// The MSS on the narrowest of random paths.
const SMALL_MSS: u16 = 1_200;
/// How long what was healed has at least.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long a NAT and a foreign host believe what they have heard of a neighbor (RFC 1122 section 2.3.2.1).
const BELIEF: Duration = Duration::from_mins(1);
/// How long it takes at most until a host has an address again, once it can have one: the longest wait before a request
/// is sent again and the longest before all begins anew (RFC 2131 section 4.1), and what a declined address adds
/// (section 3.1).
const LEASING: Duration = Duration::from_secs(65 + 65 + 10);
/// How long a connection whose peer has not closed may outlive its application (as Linux), beside 2 MSL.
const FIN_WAIT_2: Duration = Duration::from_mins(1);

/// Events of a run, at most: more is a storm.
const EVENTS_MAX: u64 = 50_000_000;

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Faults befall the network.
    Chaos,
    /// Everything is healed: what is left is delivered, by then.
    Delivery(Instant),
    /// Applications have ended: everything is let go of.
    Farewell,
    Over,
}

/// A scenario's run.
#[derive(Debug)]
pub struct Course<'a> {
    scenario: &'a Scenario,
    built: Built,
    judge: Judge,
    /// How many failures of the judge and of the world were told.
    told: [usize; 2],
    phase: Phase,
    /// What is due by then happens in this phase, or before the next look at whether it is over.
    until: Instant,
}

impl<'a> Course<'a> {
    /// The run of what was built of a scenario.
    pub fn new(scenario: &'a Scenario, built: Built) -> Course<'a> {
        let until = Instant::ZERO + healed(scenario);
        Course { scenario, built, judge: Judge::new(scenario), told: [0; 2], phase: Phase::Chaos, until }
    }

    /// Lets so many things happen, less if the run is over before. Returns how many did.
    pub fn step(&mut self, events: u64) -> u64 {
        let mut done = 0;
        while done < events && self.phase != Phase::Over {
            done += self.built.world.run_events(events - done, self.until);
            if self.built.world.events() > EVENTS_MAX {
                let text = format!("more than {EVENTS_MAX} events by {}", self.built.world.now());
                self.give_up(text);
            } else if done < events {
                self.go_on();
            }
        }
        done
    }

    /// The world at the end, and who has judged it.
    pub(super) fn end(self) -> (&'a Scenario, Built, Judge) {
        (self.scenario, self.built, self.judge)
    }

    /// What was built, as it is now.
    pub(crate) fn built(&self) -> &Built {
        &self.built
    }

    /// The rules that were found broken since this was last asked. Of scripts nothing is said before the end.
    pub(super) fn news(&mut self) -> Vec<Failed> {
        let (judged, world) = (&self.judge.failures, &self.built.world);
        let [by_judge, by_world] = self.told;
        let found = world.found(by_world).map(|failure| Failed::of(&failure));
        let news = judged[by_judge..].iter().cloned().chain(found).collect();
        self.told = [judged.len(), world.found_count()];
        news
    }

    /// Nothing is left that is due by `until`: the time is then.
    fn go_on(&mut self) {
        let world = &mut self.built.world;
        let ended = world.run_until(self.until);
        if let Ended::Livelock(node) = ended {
            let name = &world.trace().nodes()[node.index()];
            let text = format!("{name} asks for turns for ever, at {}", world.now());
            return self.give_up(text);
        }
        match self.phase {
            Phase::Chaos => {
                let healed = world.now().max(self.until);
                self.deliver(healed + time_to_deliver(self.scenario, &self.built));
            }
            Phase::Delivery(_) if ended == Ended::Quiescent => self.bid_farewell(),
            Phase::Delivery(deadline) => self.deliver(deadline),
            Phase::Farewell => {
                verdict::quiescence(&self.built, &mut self.judge);
                verdict::counters(self.scenario, &self.built, &mut self.judge);
                self.phase = Phase::Over;
            }
            Phase::Over => {}
        }
    }

    fn deliver(&mut self, deadline: Instant) {
        let world = &self.built.world;
        if world.applications_are_done() || world.now() >= deadline {
            return self.bid_farewell();
        }
        self.until = (world.now() + LOOK).min(deadline);
        self.phase = Phase::Delivery(deadline);
    }

    fn bid_farewell(&mut self) {
        verdict::flows(self.scenario, &self.built, &mut self.judge);
        let Built { world, hosts, .. } = &mut self.built;
        world.stop_applications();
        let msl = hosts.iter().map(|host| world.stack(*host).config().tcp.msl).max().unwrap_or_default();
        self.until = world.now() + msl * 2 + FIN_WAIT_2;
        self.phase = Phase::Farewell;
    }

    fn give_up(&mut self, text: String) {
        self.judge.failures.push(Failed::new("livelock", text));
        self.phase = Phase::Over;
    }
}

impl Run for Course<'_> {
    /// The run has an end of its own: the limit does not count.
    fn run_events(&mut self, events: u64, _limit: Instant) -> u64 {
        self.step(events)
    }

    fn world(&self) -> &World {
        &self.built.world
    }

    fn world_mut(&mut self) -> &mut World {
        &mut self.built.world
    }
}

/// When everything is healed, and nobody believes any more what an address conflict made him: a NAT and a foreign
/// host, unlike our hosts, do not ask whether a neighbor is still where it was.
fn healed(scenario: &Scenario) -> Duration {
    let believes = !scenario.nat.is_empty() || !scenario.foreign.is_empty();
    let conflicts = scenario.fault.iter().filter(|fault| believes && fault.what == What::AddressConflict);
    let believed = conflicts.map(|fault| fault.span(scenario.heal).1 + BELIEF);
    believed.max().unwrap_or_default().max(scenario.heal)
}

/// How long all connections have, once everything is healed: two retransmissions, or a minute; four times what the
/// bottleneck needs for all bytes; and what the applications themselves wait.
fn time_to_deliver(scenario: &Scenario, built: &Built) -> Duration {
    let stacks = built.hosts.iter().map(|host| built.world.stack(*host));
    let repairs = stacks.flat_map(|stack| stack.tcp_sockets().map(|entry| two_timeouts(entry.rto, stack.config())));
    let bytes: u64 = scenario.flow.iter().map(|flow| flow.talk().bytes().saturating_mul(flow.connections)).sum();
    let links: Vec<_> = scenario.link.iter().map(|spec| slowest(&spec.path)).collect();
    let rate = links.iter().filter_map(|(rate, _)| *rate).min();
    let sent = rate.map_or(Duration::ZERO, |bps| nanos_at(bytes.saturating_mul(4), bps));
    let delay: Duration = links.iter().map(|(_, delay)| *delay).sum();
    let waits = scenario.flow.iter().map(|flow| waiting(flow, delay)).max().unwrap_or_default();
    let windows = scenario.flow.iter().map(|flow| by_windows(flow, built, delay)).max().unwrap_or_default();
    let sources = scenario.datagrams.iter().map(|datagrams| {
        datagrams.at + datagrams.every.saturating_mul(u32::try_from(datagrams.count).unwrap_or(u32::MAX))
    });
    let leasing = if scenario.host.iter().any(|host| host.dhcp) { LEASING } else { Duration::ZERO };
    repairs.fold(PATIENCE, Duration::max) + leasing + sent.max(windows) + waits + sources.max().unwrap_or_default()
}

/// How long it takes at most until something is sent again twice, if the RTO in force was doubled each time. The
/// acknowledgment in between may echo the timestamp of what was sent first, as much as two such RTOs before
/// (RFC 7323 section 4.1): if that is the first round trip that is measured, three times as much is the RTO then
/// (RFC 6298 section 2.2).
fn two_timeouts(rto: Duration, config: &Config) -> Duration {
    rto + (rto * 6).min(config.tcp.rto_max)
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
    (delay * 2 + late).saturating_mul(fills).saturating_mul(4).saturating_add(repair(flow, built, delay))
}

/// Without SACK what was lost of a window is sent again one segment per round trip (RFC 6582 section 3.2).
fn repair(flow: &Flow, built: &Built, delay: Duration) -> Duration {
    let configs = || built.hosts.iter().map(|host| &built.world.stack(*host).config().tcp);
    if configs().all(|tcp| tcp.sack) {
        return Duration::ZERO;
    }
    let window = configs().map(|tcp| u64::from(tcp.socket.send_buffer)).max().unwrap_or_default();
    let mss = configs().filter_map(|tcp| tcp.socket.mss_max).min().unwrap_or(SMALL_MSS).max(1);
    let segments = window.min(flow.talk().bytes()) / u64::from(mss);
    (delay * 2).saturating_mul(u32::try_from(segments).unwrap_or(u32::MAX))
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
