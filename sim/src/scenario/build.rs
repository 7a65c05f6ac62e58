//! The world of a scenario.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tickwire_core::config::InterfaceConfig;
use tickwire_core::frame::Capabilities;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::{Config, Instant, InterfaceAddress, Seed, options};

use super::text::ScenarioError;
use super::{Datagrams, Family, Flow, HostSpec, Prefix, Scenario};
use crate::fault::Fault;
use crate::link::{Link, Stage};
use crate::oracle::Oracle;
use crate::workload::{ClientPlan, ServerPlan, SinkPlan, SourcePlan};
use crate::world::HostRoute;
use crate::{ApplicationId, Host, HostId, LinkId, Port, Program, World};

/// The first port that servers listen on.
const FIRST_PORT: u16 = 7000;
/// The first port that sinks of datagrams are bound to.
const FIRST_SINK_PORT: u16 = 9000;

/// A world as a scenario describes it, at its start.
#[derive(Clone, Debug)]
pub struct Built {
    /// The world.
    pub world: World,
    /// Its hosts, in the scenario's order.
    pub hosts: Vec<HostId>,
    /// Its links, in the scenario's order.
    pub links: Vec<LinkId>,
    /// The client and the server of each flow.
    pub flows: Vec<[ApplicationId; 2]>,
    /// The source and the sink of each series of datagrams.
    pub datagrams: Vec<[ApplicationId; 2]>,
}

/// The names that were given so far.
#[derive(Default)]
pub(super) struct Names<'a> {
    hosts: BTreeMap<&'a str, (HostId, &'a HostSpec)>,
    links: BTreeMap<&'a str, LinkId>,
}

impl<'a> Names<'a> {
    pub(super) fn host(&self, key: String, name: &str) -> Result<(HostId, &'a HostSpec), ScenarioError> {
        let known = || self.hosts.keys().copied().collect::<Vec<_>>().join(", ");
        let missing = || ScenarioError::at(key, format!("there is no host {name:?}; there are {}", known()));
        self.hosts.get(name).copied().ok_or_else(missing)
    }

    /// The interface that is written `host` or `host.interface`.
    pub(super) fn interface(&self, key: String, end: &str) -> Result<(HostId, usize), ScenarioError> {
        let (name, interface) = end.rsplit_once('.').unwrap_or((end, "0"));
        let (id, spec) = self.host(key.clone(), name)?;
        let interfaces = spec.interfaces.len();
        let interface = interface.parse().ok().filter(|number| *number < interfaces).ok_or_else(|| {
            let what = format!("{end:?} is no interface: {name} has {interfaces}, counted from 0, as in \"{name}.0\"");
            ScenarioError::at(key, what)
        })?;
        Ok((id, interface))
    }

    pub(super) fn link(&self, key: String, name: &str) -> Result<LinkId, ScenarioError> {
        let known = || self.links.keys().copied().collect::<Vec<_>>().join(", ");
        let missing = || ScenarioError::at(key, format!("there is no link {name:?}; there are {}", known()));
        self.links.get(name).copied().ok_or_else(missing)
    }
}

impl Scenario {
    /// The world that it describes, at its start.
    ///
    /// # Errors
    ///
    /// What refers to something that is not there, or has a value that is not possible.
    pub fn build(&self, seed: &Seed) -> Result<Built, ScenarioError> {
        let mut world = World::new(seed.clone());
        for (place, name) in self.oracles_off.iter().enumerate() {
            let oracle = Oracle::by_name(name).ok_or_else(|| unknown_oracle(place, name))?;
            world.switch_oracle(oracle, false);
        }
        let mut names = Names::default();
        let mut hosts = Vec::new();
        for (place, spec) in self.host.iter().enumerate() {
            let id = add_host(&mut world, place, spec)?;
            if names.hosts.insert(&spec.name, (id, spec)).is_some() {
                let what = format!("there are two hosts {:?}; names must differ", spec.name);
                return Err(ScenarioError::at(format!("host.{place}.name"), what));
            }
            hosts.push(id);
        }
        let mut links = Vec::new();
        for (place, spec) in self.link.iter().enumerate() {
            let end = |end: usize| -> Result<Port, ScenarioError> {
                let (host, interface) = names.interface(format!("link.{place}.ends.{end}"), &spec.ends[end])?;
                Ok(Port::new(host, interface))
            };
            let id = world.connect(end(0)?, end(1)?, spec.path.clone());
            if names.links.insert(&spec.name, id).is_some() {
                let what = format!("there are two links {:?}; names must differ", spec.name);
                return Err(ScenarioError::at(format!("link.{place}.name"), what));
            }
            links.push(id);
        }
        let key = u64::from_le_bytes(seed.0[..8].try_into().unwrap_or_default());
        let mut built = Built { world, hosts, links, flows: Vec::new(), datagrams: Vec::new() };
        for (place, flow) in self.flow.iter().enumerate() {
            let ends = start_flow(&mut built.world, &names, place, flow, key)?;
            built.flows.push(ends);
        }
        for (place, datagrams) in self.datagrams.iter().enumerate() {
            let ends = start_datagrams(&mut built.world, &names, place, datagrams, key)?;
            built.datagrams.push(ends);
        }
        for (place, fault) in self.fault.iter().enumerate() {
            fault.schedule(&mut built.world, &names, place, self.heal)?;
        }
        for link in &built.links {
            built.world.schedule(Instant::ZERO + self.heal, Fault::Heal(*link));
        }
        Ok(built)
    }
}

fn unknown_oracle(place: usize, name: &str) -> ScenarioError {
    let known: Vec<&str> = Oracle::ALL.iter().map(|oracle| oracle.name()).collect();
    let what = format!("there is no oracle {name:?}; there are {}", known.join(", "));
    ScenarioError::at(format!("oracles_off.{place}"), what)
}

fn add_host(world: &mut World, place: usize, spec: &HostSpec) -> Result<HostId, ScenarioError> {
    let key = |field: &str| format!("host.{place}.{field}");
    if spec.name.is_empty() || spec.name.contains('.') {
        let what = format!("{:?} is no name: a name is not empty and has no dot", spec.name);
        return Err(ScenarioError::at(key("name"), what));
    }
    let mut config = Config::default();
    config.router.forwarding = spec.router;
    for (name, value) in &spec.options {
        let set = options::set(&mut config, name, &value.0);
        set.map_err(|error| ScenarioError::at(key(&format!("options.{name}")), error.to_string()))?;
    }
    let interfaces = (0_u8..).zip(&spec.interfaces).map(|(number, addresses)| {
        let [high, low] = (place as u16 + 1).to_be_bytes();
        let hardware = EthernetAddress([2, 0, 0, number, high, low]);
        let addresses = addresses.iter().map(|prefix| prefix.0);
        InterfaceConfig::new(hardware, Capabilities::plain(spec.mtu), addresses).unverified()
    });
    let interfaces = interfaces.collect();
    let gateways = spec.gateways.iter().enumerate().map(|(number, gateway)| {
        let on_link = |addresses: &Vec<Prefix>| addresses.iter().any(|own| same_subnet(own.0, *gateway));
        let interface = spec.interfaces.iter().position(on_link);
        let what = || format!("{gateway} is on no link of this host's interfaces");
        let interface = interface.ok_or_else(|| ScenarioError::at(key(&format!("gateways.{number}")), what()))?;
        Ok(HostRoute { destinations: everything(*gateway), gateway: *gateway, interface })
    });
    let routes = gateways.collect::<Result<_, _>>()?;
    let host = Host { name: spec.name.clone(), config, interfaces, routes };
    world.add_host(host).map_err(|error| ScenarioError::at(key("interfaces"), error.to_string()))
}

/// The prefix of all addresses of a family.
fn everything(of: IpAddr) -> InterfaceAddress {
    if of.is_ipv4() {
        InterfaceAddress::v4(Ipv4Addr::UNSPECIFIED, 0)
    } else {
        InterfaceAddress::v6(Ipv6Addr::UNSPECIFIED, 0)
    }
}

fn same_subnet(own: InterfaceAddress, other: IpAddr) -> bool {
    let len = own.prefix_len;
    match (own.address, other) {
        (IpAddr::V4(own), IpAddr::V4(other)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0);
            (own.to_bits() ^ other.to_bits()) & mask == 0
        }
        (IpAddr::V6(own), IpAddr::V6(other)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(len)).unwrap_or(0);
            (own.to_bits() ^ other.to_bits()) & mask == 0
        }
        _ => false,
    }
}

/// Who talks to whom.
struct Ends {
    from: HostId,
    to: HostId,
    remote: IpAddr,
}

fn ends(names: &Names<'_>, key: &str, from: &str, to: &str, family: Family) -> Result<Ends, ScenarioError> {
    let (from, _) = names.host(format!("{key}.from"), from)?;
    let (id, spec) = names.host(format!("{key}.to"), to)?;
    let mut addresses = spec.interfaces.iter().flatten().map(|prefix| prefix.0.address);
    let remote = addresses.find(|address| address.is_ipv4() == (family == Family::V4)).ok_or_else(|| {
        let family = if family == Family::V4 { "IPv4" } else { "IPv6" };
        ScenarioError::at(format!("{key}.ip"), format!("{to} has no {family} address"))
    })?;
    Ok(Ends { from, to: id, remote })
}

fn start_flow(
    world: &mut World,
    names: &Names<'_>,
    place: usize,
    flow: &Flow,
    key: u64,
) -> Result<[ApplicationId; 2], ScenarioError> {
    let at = format!("flow.{place}");
    let ends = ends(names, &at, &flow.from, &flow.to, flow.ip)?;
    if flow.request < 8 {
        let what = format!("{} bytes are too few: at least 8, which name the connection", flow.request);
        return Err(ScenarioError::at(format!("{at}.request"), what));
    }
    if flow.rounds == 0 || flow.connections == 0 || flow.parallel == 0 {
        return Err(ScenarioError::at(at, "`rounds`, `connections` and `parallel` must be at least 1"));
    }
    let port = flow.port.unwrap_or(FIRST_PORT.saturating_add(place as u16));
    let remote = SocketAddr::new(ends.remote, port);
    let (talk, key) = (flow.talk(), key.wrapping_add(place as u64));
    let server = world.start(ends.to, Program::Server(ServerPlan { local: remote, talk, key }));
    let Flow { connections, parallel, at: delay, .. } = *flow;
    let plan = ClientPlan { remote, talk, connections, parallel, delay, key };
    Ok([world.start(ends.from, Program::Client(plan)), server])
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
