//! What the drawing of a network tells of a node beside its name: what it is, and its addresses.

use std::net::IpAddr;

use super::matter::Inscription;
use crate::node::Machine;
use crate::scenario::{AdversarySpec, Built, Prefix, Scenario};
use crate::world::NodeId;
use crate::{HostId, World};

/// Of each node, in the order of their numbers.
pub(super) fn inscriptions(scenario: &Scenario, built: &Built) -> Vec<Inscription> {
    let nodes = 0..built.world.trace().nodes().len();
    nodes.map(|node| inscription(scenario, built, node)).collect()
}

fn inscription(scenario: &Scenario, built: &Built, node: usize) -> Inscription {
    let world = &built.world;
    let Some(machine) = world.node(NodeId(node)) else {
        return Inscription { lines: of_host(world, HostId(node)), ..Inscription::default() };
    };
    let name = &world.trace().nodes()[node];
    let prefixes: Vec<Prefix> = match machine {
        Machine::Nat(_) => {
            let spec = scenario.nat.iter().find(|spec| spec.name == *name);
            spec.into_iter().flat_map(|spec| [spec.inside, spec.outside]).collect()
        }
        Machine::LeaseServer(_) => {
            let spec = scenario.lease_server.iter().find(|spec| spec.name == *name);
            spec.into_iter().map(|spec| spec.address).collect()
        }
        #[cfg(feature = "smoltcp")]
        Machine::Foreign(_) => {
            let spec = scenario.foreign.iter().find(|spec| spec.name == *name);
            spec.into_iter().flat_map(|spec| spec.addresses.iter().copied()).collect()
        }
        _ => Vec::new(),
    };
    let adversary = scenario.adversary.iter().find(|spec| spec.name == *name);
    let mut lines = vec![kind(machine, adversary).to_owned()];
    lines.extend(shown(prefixes.iter().map(|prefix| prefix.0.address)));
    let passes_on = matches!(machine, Machine::Hub(_) | Machine::Switch(_));
    Inscription { lines, passes_on, is_hostile: adversary.is_some() }
}

/// What a node is that is no host.
fn kind(machine: &Machine, adversary: Option<&AdversarySpec>) -> &'static str {
    match machine {
        Machine::Hub(_) => "hub",
        Machine::Switch(_) => "switch",
        Machine::Nat(_) => "NAT",
        Machine::LeaseServer(_) => "DHCP server",
        Machine::Injector(_) => "sends given frames",
        Machine::Forger(_) | Machine::RogueDhcp(_) | Machine::Tamperer(_) => {
            adversary.map_or("adversary", |spec| spec.kind.name())
        }
        #[cfg(feature = "smoltcp")]
        Machine::Foreign(_) => "another stack",
    }
}

fn of_host(world: &World, host: HostId) -> Vec<String> {
    let addresses = world.stack(host).interfaces().flat_map(|interface| interface.addresses);
    shown(addresses.map(|own| own.address)).collect()
}

/// Addresses as they are shown: those of a link only are left out.
fn shown(addresses: impl Iterator<Item = IpAddr>) -> impl Iterator<Item = String> {
    let is_of_link = |address: &IpAddr| matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
    addresses.filter(move |address| !is_of_link(address)).map(|address| address.to_string())
}
