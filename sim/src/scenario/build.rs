//! The world of a scenario.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tickwire_core::{Instant, Seed};

use super::judge::{self, Tallies};
use super::names::Names;
use super::text::ScenarioError;
use super::{Datagrams, Family, Flow, ForeignEnd, Scenario, adversary, foreign, lease, nodes, tape, verdict};
use crate::fault::Fault;
use crate::link::{Link, Stage};
use crate::oracle::{Oracle, Tally};
use crate::workload::{ClientPlan, ServerPlan, SinkPlan, SourcePlan};
use crate::{ApplicationId, HostId, LinkId, NodeId, Program, World};

/// The first port that servers listen on.
pub(super) const FIRST_PORT: u16 = 7000;
/// The first port that sinks of datagrams are bound to.
pub(super) const FIRST_SINK_PORT: u16 = 9000;

/// A world as a scenario describes it, at its start.
#[derive(Clone, Debug)]
pub struct Built {
    /// The world.
    pub world: World,
    /// Its hosts, in the scenario's order.
    pub hosts: Vec<HostId>,
    /// Its adversaries, in the scenario's order.
    pub adversaries: Vec<NodeId>,
    /// Its DHCP servers, in the scenario's order.
    pub lease_servers: Vec<NodeId>,
    /// Its links, in the scenario's order.
    pub links: Vec<LinkId>,
    /// The client and the server of each flow.
    pub flows: Vec<[FlowEnd; 2]>,
    /// The source and the sink of each series of datagrams.
    pub datagrams: Vec<[ApplicationId; 2]>,
    /// How often the oracles about the whole run have judged.
    pub(super) tallies: Tallies,
}

impl Built {
    /// How often an oracle about the whole run has judged, and how often it found its rule broken; those about
    /// frames, connections and streams are in the world.
    pub fn tally(&self, oracle: Oracle) -> Tally {
        self.tallies[oracle as usize]
    }

    /// How often an oracle has judged: the frames and connections of hosts, the streams of applications, or the run.
    pub fn tally_of_all(&self, oracle: Oracle) -> Tally {
        let world = &self.world;
        let hosts = self
            .hosts
            .iter()
            .flat_map(|host| [world.oracles(*host).tally(oracle), world.white_box(*host).tally(oracle)]);
        let ours = self.flows.iter().flatten().filter_map(|end| end.ours());
        let ends = ours.chain(self.datagrams.iter().flatten().copied());
        let ends = ends.filter_map(|end| world.ledger(end)).map(|ledger| ledger.tally(oracle));
        hosts.chain(ends).fold(self.tally(oracle), Tally::plus)
    }
}

/// One end of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowEnd {
    /// On one of our hosts.
    Ours(ApplicationId),
    /// On a foreign one.
    Foreign(ForeignEnd),
}

impl FlowEnd {
    /// The application on one of our hosts.
    pub const fn ours(self) -> Option<ApplicationId> {
        match self {
            FlowEnd::Ours(application) => Some(application),
            FlowEnd::Foreign(_) => None,
        }
    }
}

impl Scenario {
    /// The world that it describes, at its start.
    ///
    /// # Errors
    ///
    /// What refers to something that is not there, or has a value that is not possible.
    pub fn build(&self, seed: &Seed) -> Result<Built, ScenarioError> {
        let mut world = match &self.tape {
            Some(tape) => World::replay(seed.clone(), tape.clone()),
            None => World::new(seed.clone()),
        };
        for (place, name) in self.oracles_off.iter().enumerate() {
            let oracle = Oracle::by_name(name).ok_or_else(|| unknown_oracle(place, name))?;
            world.switch_oracle(oracle, false);
        }
        for (place, flow) in self.flow.iter().enumerate() {
            check_flow(place, flow)?;
        }
        let mut names = Names::default();
        let hosts = nodes::add(self, &mut world, &mut names)?;
        let key = u64::from_le_bytes(seed.0[..8].try_into().unwrap_or_default());
        let foreign = foreign::add(self, &mut world, &mut names, key)?;
        let adversaries = adversary::add(self, &mut world, &mut names)?;
        let lease_servers = lease::add(self, &mut world, &mut names)?;
        let mut links = Vec::new();
        for (place, spec) in self.link.iter().enumerate() {
            let end = |end: usize| names.port(&format!("link.{place}.ends.{end}"), &spec.ends[end]);
            let id = world.connect(end(0)?, end(1)?, spec.path.clone());
            names.add_link(&format!("link.{place}.name"), &spec.name, id)?;
            links.push(id);
        }
        tape::check(self, &world)?;
        let (flows, datagrams) = (Vec::new(), Vec::new());
        let tallies = judge::NONE;
        let mut built = Built { world, hosts, adversaries, lease_servers, links, flows, datagrams, tallies };
        for (place, foreign) in foreign.into_iter().enumerate() {
            let ends = self.start_flow(&mut built.world, &names, place, foreign, key)?;
            built.flows.push(ends);
        }
        for (place, datagrams) in self.datagrams.iter().enumerate() {
            let ends = start_datagrams(&mut built.world, &names, place, datagrams, key)?;
            built.datagrams.push(ends);
        }
        for (place, fault) in self.fault.iter().enumerate() {
            fault.schedule(&mut built.world, &names, place, self.heal)?;
        }
        verdict::known_counters(self, &built)?;
        for link in &built.links {
            built.world.schedule(Instant::ZERO + self.heal, Fault::Heal(*link));
        }
        Ok(built)
    }

    fn start_flow(
        &self,
        world: &mut World,
        names: &Names<'_>,
        place: usize,
        foreign: Option<ForeignEnd>,
        key: u64,
    ) -> Result<[FlowEnd; 2], ScenarioError> {
        let flow = &self.flow[place];
        let host = |field: &str, name: &str| match names.host(&format!("flow.{place}.{field}"), name) {
            Ok((id, _)) => Ok(Some(id)),
            Err(_) if foreign.is_some() && self.foreign.iter().any(|foreign| foreign.name == name) => Ok(None),
            Err(error) => Err(error),
        };
        let (from, to) = (host("from", &flow.from)?, host("to", &flow.to)?);
        let remote = SocketAddr::new(foreign::address(self, place, flow)?, port_of(place, flow));
        let (talk, key) = (flow.talk(), key.wrapping_add(place as u64));
        let server = to.map(|to| world.start(to, Program::Server(ServerPlan { local: remote, talk, key })));
        let Flow { connections, parallel, at: delay, from_port: local_port, .. } = *flow;
        let plan = ClientPlan { remote, local_port, talk, connections, parallel, delay, key };
        let client = from.map(|from| world.start(from, Program::Client(plan)));
        let end = |ours: Option<ApplicationId>| ours.map(FlowEnd::Ours).or(foreign.map(FlowEnd::Foreign));
        let both = end(client).zip(end(server)).map(|(client, server)| [client, server]);
        both.ok_or_else(|| ScenarioError::at(format!("flow.{place}"), "it has no ends"))
    }
}

/// The port that a flow's connections are opened to.
pub(crate) fn port_of(place: usize, flow: &Flow) -> u16 {
    flow.port.unwrap_or(FIRST_PORT.saturating_add(place as u16))
}

/// What a flow says that cannot be.
fn check_flow(place: usize, flow: &Flow) -> Result<(), ScenarioError> {
    let at = format!("flow.{place}");
    if flow.request < 8 {
        let what = format!("{} bytes are too few: at least 8, which name the connection", flow.request);
        return Err(ScenarioError::at(format!("{at}.request"), what));
    }
    if flow.rounds == 0 || flow.connections == 0 || flow.parallel == 0 {
        return Err(ScenarioError::at(at, "`rounds`, `connections` and `parallel` must be at least 1"));
    }
    Ok(())
}

fn unknown_oracle(place: usize, name: &str) -> ScenarioError {
    let known: Vec<&str> = Oracle::ALL.iter().map(|oracle| oracle.name()).collect();
    let what = format!("there is no oracle {name:?}; there are {}", known.join(", "));
    ScenarioError::at(format!("oracles_off.{place}"), what)
}

/// Who talks to whom.
struct Ends {
    from: HostId,
    to: HostId,
    remote: IpAddr,
}

fn ends(names: &Names<'_>, key: &str, from: &str, to: &str, family: Family) -> Result<Ends, ScenarioError> {
    let (from, _) = names.host(&format!("{key}.from"), from)?;
    let (id, spec) = names.host(&format!("{key}.to"), to)?;
    let mut addresses = spec.interfaces.iter().flatten().map(|prefix| prefix.0.address);
    let wrong = || ScenarioError::at(format!("{key}.ip"), spec.lacks(family));
    let remote = addresses.find(|address| family.is_of(*address)).ok_or_else(wrong)?;
    Ok(Ends { from, to: id, remote })
}

fn start_datagrams(
    world: &mut World,
    names: &Names<'_>,
    place: usize,
    datagrams: &Datagrams,
    key: u64,
) -> Result<[ApplicationId; 2], ScenarioError> {
    let at = format!("datagrams.{place}");
    let ends = ends(names, &at, &datagrams.from, &datagrams.to, datagrams.ip)?;
    let Datagrams { count, len, every, at: delay, .. } = *datagrams;
    if !(8..=65_000).contains(&len) {
        let what = format!("{len} is no length of a datagram: from 8, which number it, to 65000");
        return Err(ScenarioError::at(format!("{at}.len"), what));
    }
    let local = SocketAddr::new(ends.remote, FIRST_SINK_PORT.saturating_add(place as u16));
    let key = !key.wrapping_add(place as u64);
    let sink = world.start(ends.to, Program::Sink(SinkPlan { local, len, key }));
    let plan = SourcePlan { remote: local, count, len, every, delay, key };
    Ok([world.start(ends.from, Program::Source(plan)), sink])
}

/// The smallest rate of a link, and the longest that it may take a frame if nothing waits.
pub(super) fn slowest(link: &Link) -> (Option<u64>, Duration) {
    let stages = || link.a_to_b.iter().chain(&link.b_to_a);
    let rate = stages().filter_map(|stage| match stage {
        Stage::Rate(rate) => Some(rate.bps),
        _ => None,
    });
    let delay = stages().filter_map(|stage| match stage {
        Stage::Delay(delay) => Some(delay.law.calm()),
        _ => None,
    });
    (rate.min(), delay.sum())
}
