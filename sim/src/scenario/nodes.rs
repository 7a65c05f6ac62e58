//! The nodes of a scenario, as they are added to its world.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tickwire_core::config::InterfaceConfig;
use tickwire_core::frame::Capabilities;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::{Config, InterfaceAddress, options};

use super::names::Names;
use super::text::ScenarioError;
use super::{HostSpec, MachineSpec, NatSpec, Prefix, Scenario};
use crate::World;
use crate::node::nat::{NatConfig, Side};
use crate::node::{Hub, Machine, Nat, Switch};
use crate::world::{Host, HostId, HostRoute};

/// Adds all nodes. Returns the hosts, in the scenario's order.
pub(super) fn add<'a>(
    scenario: &'a Scenario,
    world: &mut World,
    names: &mut Names<'a>,
) -> Result<Vec<HostId>, ScenarioError> {
    let mut hosts = Vec::new();
    for (place, spec) in scenario.host.iter().enumerate() {
        let id = add_host(world, place, spec)?;
        names.add_host(&format!("host.{place}.name"), spec, id)?;
        hosts.push(id);
    }
    let hub = |ports| Machine::from(Hub::new(ports));
    let switch = |ports| Machine::from(Switch::new(ports));
    add_machines(world, names, "hub", &scenario.hub, hub)?;
    add_machines(world, names, "switch", &scenario.switch, switch)?;
    for (place, spec) in scenario.nat.iter().enumerate() {
        let key = format!("nat.{place}");
        let id = world.add_node(&spec.name, nat(&key, place, spec)?);
        names.add_node(&format!("{key}.name"), &spec.name, id, 2)?;
    }
    Ok(hosts)
}

fn add_machines<'a>(
    world: &mut World,
    names: &mut Names<'a>,
    kind: &str,
    specs: &'a [MachineSpec],
    make: impl Fn(usize) -> Machine,
) -> Result<(), ScenarioError> {
    for (place, spec) in specs.iter().enumerate() {
        let id = world.add_node(&spec.name, make(spec.ports));
        names.add_node(&format!("{kind}.{place}.name"), &spec.name, id, spec.ports)?;
    }
    Ok(())
}

fn nat(key: &str, place: usize, spec: &NatSpec) -> Result<Nat, ScenarioError> {
    let [high, low] = (place as u16).to_be_bytes();
    let side = |field: &str, number, prefix: Prefix| {
        let hardware = EthernetAddress([2, 0, 1, number, high, low]);
        match prefix.0.address {
            IpAddr::V4(address) => Ok(Side { hardware, address, prefix_len: prefix.0.prefix_len }),
            IpAddr::V6(_) => Err(ScenarioError::at(
                format!("{key}.{field}"),
                format!("{prefix} is no IPv4 address: a NAT has only those"),
            )),
        }
    };
    let config = NatConfig::new(side("inside", 0, spec.inside)?, side("outside", 1, spec.outside)?);
    Ok(Nat::new(NatConfig { gateway: spec.gateway, ..config }))
}

/// The hardware address of a host's interface, by the host's place in the scenario.
pub(super) fn hardware(place: usize, interface: usize) -> EthernetAddress {
    let [high, low] = (place as u16 + 1).to_be_bytes();
    EthernetAddress([2, 0, 0, interface as u8, high, low])
}

/// Adds a host.
fn add_host(world: &mut World, place: usize, spec: &HostSpec) -> Result<HostId, ScenarioError> {
    let key = |field: &str| format!("host.{place}.{field}");
    let mut config = Config::default();
    config.router.forwarding = spec.router;
    for (name, value) in &spec.options {
        let set = options::set(&mut config, name, &value.0);
        set.map_err(|error| ScenarioError::at(key(&format!("options.{name}")), error.to_string()))?;
    }
    let interfaces = (0_u8..).zip(&spec.interfaces).map(|(number, addresses)| {
        let hardware = hardware(place, number.into());
        let addresses = addresses.iter().map(|prefix| prefix.0);
        let interface = InterfaceConfig::new(hardware, Capabilities::plain(spec.mtu), addresses);
        let interface = if spec.verified { interface } else { interface.unverified() };
        InterfaceConfig { ipv6_autoconfiguration: spec.autoconfiguration, ..interface }
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
    let leases: Vec<usize> = spec.leases().collect();
    if spec.dhcp && leases.is_empty() {
        let what = "each of its interfaces has an IPv4 address already: leave out that of one, or `dhcp`";
        return Err(ScenarioError::at(key("dhcp"), what));
    }
    let host = Host { name: spec.name.clone(), config, interfaces, routes, leases };
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

pub(super) fn same_subnet(own: InterfaceAddress, other: IpAddr) -> bool {
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
