//! Foreign hosts: another stack, smoltcp, at one end of a flow.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::build::port_of;
use super::names::Names;
use super::text::ScenarioError;
use super::{Flow, Prefix, Scenario};
use crate::World;
use crate::link::text as quantity;
use crate::script::Step;
use crate::workload::{Side, steps};
use crate::world::NodeId;

/// A host with another stack. It has one interface, and is one end of flows of a single connection, the other of
/// which is one of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignSpec {
    /// Its name, by which links and flows refer to it.
    pub name: String,
    /// Its addresses, one of each family at most.
    pub addresses: Vec<Prefix>,
    /// Its default routers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gateways: Vec<IpAddr>,
    /// How much it has room for, per connection and direction.
    #[serde(default = "buffer", with = "quantity::bytes")]
    pub buffer: u64,
}

const fn buffer() -> u64 {
    256 << 10
}

impl ForeignSpec {
    /// One without routers.
    pub fn new(name: &str, addresses: Vec<Prefix>) -> ForeignSpec {
        ForeignSpec { name: name.to_owned(), addresses, gateways: Vec::new(), buffer: buffer() }
    }
}

/// A script of a foreign host: one end of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignEnd {
    /// The host.
    pub node: NodeId,
    /// The script's number.
    pub script: usize,
}

/// Adds all of them, with their ends of flows. Returns the end that each flow has at one of them, if any.
pub(super) fn add<'a>(
    scenario: &'a Scenario,
    world: &mut World,
    names: &mut Names<'a>,
    key: u64,
) -> Result<Vec<Option<ForeignEnd>>, ScenarioError> {
    let mut ends = vec![None; scenario.flow.len()];
    for (place, spec) in scenario.foreign.iter().enumerate() {
        let mut scripts = Vec::new();
        let mut flows = Vec::new();
        for (number, flow) in scenario.flow.iter().enumerate() {
            let side = if flow.from == spec.name { Side::Client } else { Side::Server };
            if flow.from == spec.name || flow.to == spec.name {
                scripts.push(script(scenario, number, flow, side, key)?);
                flows.push(number);
            }
        }
        let node = add_node(world, place, spec, scripts, key)?;
        names.add_node(&format!("foreign.{place}.name"), &spec.name, node, 1)?;
        for (script, flow) in flows.into_iter().enumerate() {
            ends[flow] = Some(ForeignEnd { node, script });
        }
    }
    Ok(ends)
}

/// What a foreign host does as one end of a flow.
fn script(scenario: &Scenario, number: usize, flow: &Flow, side: Side, key: u64) -> Result<Vec<Step>, ScenarioError> {
    let at = |field: &str| format!("flow.{number}.{field}");
    if flow.connections != 1 {
        return Err(ScenarioError::at(at("connections"), "with a foreign host there is one: leave it out"));
    }
    if flow.reader.is_some() && side == Side::Server {
        return Err(ScenarioError::at(at("reader"), "a foreign host reads at once: leave it out"));
    }
    let ours = if side == Side::Client { &flow.to } else { &flow.from };
    if scenario.foreign.iter().any(|other| other.name == *ours) {
        return Err(ScenarioError::at(at("to"), "one end of a flow must be a `host`: both are foreign"));
    }
    let remote = SocketAddr::new(address(scenario, number, flow)?, port_of(number, flow));
    let script = match side {
        Side::Client => steps(&flow.talk(), side, key.wrapping_add(number as u64), Step::Connect(remote)),
        Side::Server => steps(&flow.talk(), side, key.wrapping_add(number as u64), Step::Listen(remote)),
    };
    let waits = (side == Side::Client).then_some(Step::Wait(flow.at));
    Ok(waits.into_iter().chain(script).collect())
}

/// The address that a flow's connections are opened to.
pub(super) fn address(scenario: &Scenario, number: usize, flow: &Flow) -> Result<IpAddr, ScenarioError> {
    let host = scenario.host.iter().find(|host| host.name == flow.to);
    let foreign = scenario.foreign.iter().find(|host| host.name == flow.to);
    let ours = host.into_iter().flat_map(|host| host.interfaces.iter().flatten());
    let theirs = foreign.into_iter().flat_map(|host| &host.addresses);
    let mut addresses = ours.chain(theirs).map(|prefix| prefix.0.address);
    addresses.find(|address| flow.ip.is_of(*address)).ok_or_else(|| {
        let none = || format!("{} has no {} address", flow.to, flow.ip.title());
        let what = host.map_or_else(none, |host| host.lacks(flow.ip));
        ScenarioError::at(format!("flow.{number}.ip"), what)
    })
}

#[cfg(feature = "smoltcp")]
fn add_node(
    world: &mut World,
    place: usize,
    spec: &ForeignSpec,
    scripts: Vec<Vec<Step>>,
    seed: u64,
) -> Result<NodeId, ScenarioError> {
    use crate::node::foreign::{Foreign, ForeignConfig};
    use tickwire_core::wire::ethernet::EthernetAddress;

    let [high, low] = (place as u16).to_be_bytes();
    let buffer = spec.buffer.clamp(1, 1 << 30) as usize;
    let mut config = ForeignConfig {
        hardware: EthernetAddress([2, 0, 3, 0, high, low]),
        v4: None,
        v6: None,
        gateways: spec.gateways.clone(),
        seed,
        buffer,
        scripts,
    };
    for (number, prefix) in spec.addresses.iter().enumerate() {
        let taken = match prefix.0.address {
            IpAddr::V4(address) => config.v4.replace((address, prefix.0.prefix_len)).is_some(),
            IpAddr::V6(address) => config.v6.replace((address, prefix.0.prefix_len)).is_some(),
        };
        if taken {
            let key = format!("foreign.{place}.addresses.{number}");
            return Err(ScenarioError::at(key, "a foreign host has one address of each family"));
        }
    }
    Ok(world.add_node(&spec.name, Foreign::new(config)))
}

#[cfg(not(feature = "smoltcp"))]
fn add_node(_: &mut World, place: usize, _: &ForeignSpec, _: Vec<Vec<Step>>, _: u64) -> Result<NodeId, ScenarioError> {
    let what = "this program was built without foreign hosts: build it with the feature `smoltcp`";
    Err(ScenarioError::at(format!("foreign.{place}"), what))
}
