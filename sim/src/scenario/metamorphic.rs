//! Metamorphic relations: a scenario told in another way, of which the applications must notice nothing. The same
//! bytes arrive in the same order on as many connections, whatever the addresses, the ports, the initial sequence
//! numbers and the family.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tickwire_core::{InterfaceAddress, Seed};

use super::{Expected, Failed, Family, ForeignSpec, Outcome, Prefix, Scenario, Setting};

/// Initial sequence numbers shortly before the sign changes, and before they wrap.
const SEQUENCES: [(&str, u32); 2] =
    [("sequence numbers near 2^31", 0x7fff_0000), ("sequence numbers near 2^32", 0xffff_0000)];

/// The scenario in other words, each with what is other. One in which connections may be lost has none: when
/// exactly that happens is nobody's promise. Nor has one with an adversary: whom it attacks is told in other words than
/// the flows are.
pub fn variants(scenario: &Scenario) -> Vec<(&'static str, Scenario)> {
    if !scenario.adversary.is_empty() || scenario.flow.iter().any(|flow| flow.expect != Expected::Complete) {
        return Vec::new();
    }
    let mut variants = vec![("other ports", with_ports(scenario))];
    // A NAT's own addresses are written elsewhere, and it speaks IPv4 only.
    if scenario.nat.is_empty() {
        variants.push(("other addresses", with_addresses(scenario)));
    }
    variants.extend(SEQUENCES.map(|(what, first)| (what, with_sequence(scenario, first))));
    let has_v6 = |name: &str| {
        let foreign = |host: &ForeignSpec| host.addresses.iter().any(|Prefix(address)| address.address.is_ipv6());
        scenario.host.iter().any(|host| host.name == name && speaks_ipv6(host))
            || scenario.foreign.iter().any(|host| host.name == name && foreign(host))
    };
    if scenario.nat.is_empty() && scenario.flow.iter().all(|flow| has_v6(&flow.from) && has_v6(&flow.to)) {
        variants.push(("the other family", with_family(scenario)));
    }
    variants
}

/// Runs the scenario in other words, and compares what applications have seen with `told`, the outcome of the
/// scenario as it is.
pub fn compare(scenario: &Scenario, told: &Outcome, seed: &Seed) -> Vec<Failed> {
    let mut failures = Vec::new();
    for (what, variant) in variants(scenario) {
        let outcome = variant.run(seed);
        failures.extend(outcome.failures.iter().map(|failed| {
            let text = format!("with {what}: {}", failed.text);
            Failed { oracle: format!("metamorphic {}", failed.oracle), signature: failed.signature.clone(), text }
        }));
        if outcome.flows != told.flows {
            let text = format!("with {what} applications see {:?}, not {:?}", outcome.flows, told.flows);
            failures.push(Failed::new("metamorphic", text));
        }
    }
    failures
}

fn speaks_ipv6(host: &super::HostSpec) -> bool {
    host.interfaces.iter().flatten().any(|Prefix(address)| address.address.is_ipv6())
}

fn with_ports(scenario: &Scenario) -> Scenario {
    let mut other = scenario.clone();
    for (place, flow) in (0_u16..).zip(&mut other.flow) {
        flow.port = Some(flow.port.map_or(23_000 + place, |port| port ^ 0x1001));
    }
    other
}

fn with_sequence(scenario: &Scenario, first: u32) -> Scenario {
    let mut other = scenario.clone();
    for host in &mut other.host {
        host.options.insert("tcp.initial_sequence".to_owned(), Setting(first.to_string()));
    }
    other
}

fn with_family(scenario: &Scenario) -> Scenario {
    let turned = |family| if family == Family::V4 { Family::V6 } else { Family::V4 };
    let mut other = scenario.clone();
    for flow in &mut other.flow {
        flow.ip = turned(flow.ip);
    }
    other
}

fn with_addresses(scenario: &Scenario) -> Scenario {
    let mut other = scenario.clone();
    for host in &mut other.host {
        for Prefix(address) in host.interfaces.iter_mut().flatten() {
            *address = moved(*address);
        }
        for gateway in &mut host.gateways {
            *gateway = moved_ip(*gateway);
        }
    }
    for host in &mut other.foreign {
        for Prefix(address) in &mut host.addresses {
            *address = moved(*address);
        }
        for gateway in &mut host.gateways {
            *gateway = moved_ip(*gateway);
        }
    }
    other
}

fn moved(address: InterfaceAddress) -> InterfaceAddress {
    match moved_ip(address.address) {
        IpAddr::V4(ip) => InterfaceAddress::v4(ip, address.prefix_len),
        IpAddr::V6(ip) => InterfaceAddress::v6(ip, address.prefix_len),
    }
}

/// Two addresses on one network stay so: only a bit of the network is another.
fn moved_ip(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            Ipv4Addr::new(a, b ^ 0x04, c, d).into()
        }
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() ^ (1 << 80)).into(),
    }
}
