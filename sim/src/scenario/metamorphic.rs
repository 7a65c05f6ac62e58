//! Metamorphic relations: a scenario told in another way, of which the applications must notice nothing. The same
//! bytes arrive in the same order on as many connections, whatever the addresses, the ports, the initial sequence
//! numbers and the family.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tickwire_core::{InterfaceAddress, Seed};

use super::{Expectations, Failed, Family, ForeignSpec, HostSpec, LinkSpec, Outcome, Prefix, Scenario, Setting, What};
use crate::caught;
use crate::link::{Mtu, Router, Stage};
use crate::oracle::Oracle;

/// Initial sequence numbers shortly before the sign changes, and before they wrap.
const SEQUENCES: [(&str, u32); 2] =
    [("sequence numbers near 2^31", 0x7fff_0000), ("sequence numbers near 2^32", 0xffff_0000)];

/// A scenario in other words, run.
#[derive(Clone, Debug)]
pub struct Variant {
    /// What is other.
    pub what: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// Whether applications must have seen the same: `None` where that is nobody's promise, for a connection was
    /// lost, or a host has crashed.
    pub same: Option<bool>,
}

impl Variant {
    /// What is wrong with it, if `told` came of the scenario as it is.
    fn failure(&self, told: &Outcome) -> Option<Failed> {
        let Variant { what, outcome, same } = self;
        if let Some(first) = outcome.failures.first() {
            let signature = signature(what, first);
            let text = format!("with {what}: {}: {}", first.oracle, first.text);
            return Some(Failed { oracle: Oracle::Metamorphic.name().to_owned(), signature, text });
        }
        let text = || format!("with {what} applications see {:?}, not {:?}", outcome.flows, told.flows);
        let signature = format!("with {what} applications see something else");
        let oracle = Oracle::Metamorphic.name().to_owned();
        (*same == Some(false)).then(|| Failed { oracle, signature, text: text() })
    }
}

/// The scenario in other words, each with what is other. What it expects of its run as a whole is left out: that is
/// about these addresses, or this family. One with an adversary has none: whom it attacks is told in other words
/// than the flows are.
pub fn variants(scenario: &Scenario) -> Vec<(&'static str, Scenario)> {
    if !scenario.adversary.is_empty() {
        return Vec::new();
    }
    let scenario = &Scenario { expect: Expectations::default(), ..scenario.clone() };
    let mut variants = vec![("other ports", with_ports(scenario))];
    // A NAT's own addresses are written elsewhere, and it speaks IPv4 only.
    if scenario.nat.is_empty() {
        variants.push(("other addresses", with_addresses(scenario)));
    }
    variants.extend(SEQUENCES.map(|(what, first)| (what, with_sequence(scenario, first))));
    let speak_both = scenario.host.iter().all(speaks_both)
        && scenario.foreign.iter().all(foreign_speaks_both)
        && !scenario.host.iter().any(|host| host.dhcp && is_talked_to(scenario, &host.name));
    if scenario.nat.is_empty() && speak_both && scenario.link.iter().all(takes_both) {
        variants.push(("the other family", with_family(scenario)));
    }
    variants
}

/// Runs the scenario in other words, and compares what applications have seen with `told`, the outcome of the
/// scenario as it is. Nothing of the variants' frames is kept; a panic is a failure.
pub fn compare(scenario: &Scenario, told: &Outcome, seed: &Seed) -> Vec<Variant> {
    let run = |(what, variant): (&'static str, Scenario)| {
        let outcome = caught::catch(|| variant.run_without_trace(seed)).unwrap_or_else(Outcome::failed);
        Variant { what, same: same(scenario, told, &outcome), outcome }
    };
    variants(scenario).into_iter().map(run).collect()
}

/// Whether applications have seen the same in a scenario and in a variant of it, if that is anybody's promise.
fn same(scenario: &Scenario, told: &Outcome, outcome: &Outcome) -> Option<bool> {
    let crashes = scenario.fault.iter().any(|fault| fault.what == What::Crash);
    let steady = |outcome: &Outcome| !crashes && outcome.flows.iter().all(|flow| flow.lost == 0);
    (steady(told) && steady(outcome)).then(|| outcome.flows == told.flows)
}

/// What is wrong with a variant of a scenario, if `told` came of the scenario as it is and `outcome` of the variant.
pub(crate) fn failure(scenario: &Scenario, told: &Outcome, what: &'static str, outcome: Outcome) -> Option<Failed> {
    Variant { what, same: same(scenario, told, &outcome), outcome }.failure(told)
}

/// What makes failures of a variant one if `first` is what is wrong in it.
pub(crate) fn signature(what: &str, first: &Failed) -> String {
    format!("with {what}: {}: {}", first.oracle, first.signature)
}

/// What is wrong with the variants of a scenario of which `told` came.
pub fn failures(variants: &[Variant], told: &Outcome) -> Vec<Failed> {
    variants.iter().filter_map(|variant| variant.failure(told)).collect()
}

/// Whether a host has addresses of both families on each interface, and reaches other networks by both. Who leases
/// its IPv4 address is told its router, too.
fn speaks_both(host: &HostSpec) -> bool {
    let leased = || host.dhcp.then_some(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let own = |own: &Vec<Prefix>| both(own.iter().map(|prefix| prefix.0.address).chain(leased()));
    let told = leased().filter(|_| !host.gateways.is_empty());
    both(host.gateways.iter().copied().chain(told)) && host.interfaces.iter().all(own)
}

/// Whether a host is at the far end of flows: over IPv4 it must have an address that is known.
fn is_talked_to(scenario: &Scenario, name: &str) -> bool {
    let mut ends = scenario.flow.iter().map(|flow| &flow.to).chain(scenario.datagrams.iter().map(|series| &series.to));
    ends.any(|to| to == name)
}

fn foreign_speaks_both(host: &ForeignSpec) -> bool {
    both(host.addresses.iter().map(|prefix| prefix.0.address)) && both(host.gateways.iter().copied())
}

/// Whether there are addresses of both families, or none at all.
fn both(addresses: impl Iterator<Item = IpAddr>) -> bool {
    let is_v4: Vec<bool> = addresses.map(|address| address.is_ipv4()).collect();
    is_v4.is_empty() || (is_v4.contains(&true) && is_v4.contains(&false))
}

/// Whether a link lets packets of both families through: those of IPv6 may all have 1,280 bytes (RFC 8200
/// section 5).
fn takes_both(link: &LinkSpec) -> bool {
    let stages = link.path.a_to_b.iter().chain(&link.path.b_to_a);
    let mut steps = stages.flat_map(|stage| if let Stage::Mtu(mtu) = stage { &mtu.steps[..] } else { &[] });
    steps.all(|step| step.mtu >= 1_280)
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
    for datagrams in &mut other.datagrams {
        datagrams.ip = turned(datagrams.ip);
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
    for server in &mut other.lease_server {
        server.address = Prefix(moved(server.address.0));
        server.pool = server.pool.map(moved_v4);
        server.router = server.router.map(moved_v4);
    }
    // An error from an address outside its network is not sent on, and the hop would be a black hole.
    let stages = other.link.iter_mut().flat_map(|link| link.path.a_to_b.iter_mut().chain(&mut link.path.b_to_a));
    for stage in stages {
        if let Stage::Mtu(Mtu { router: Some(router), .. }) = stage {
            *router = Router { ipv4: moved_v4(router.ipv4), ipv6: moved_v6(router.ipv6) };
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
        IpAddr::V4(address) => moved_v4(address).into(),
        IpAddr::V6(address) => moved_v6(address).into(),
    }
}

fn moved_v4(address: Ipv4Addr) -> Ipv4Addr {
    let [a, b, c, d] = address.octets();
    Ipv4Addr::new(a, b ^ 0x04, c, d)
}

fn moved_v6(address: Ipv6Addr) -> Ipv6Addr {
    Ipv6Addr::from_bits(address.to_bits() ^ (1 << 80))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Link;
    use std::time::Duration;

    /// A router that says that packets are too long is on the network that its hosts are on.
    #[test]
    fn a_router_of_a_hop_has_another_address_too() {
        let router = |ipv4: &str, ipv6: &str| Router { ipv4: ipv4.parse().unwrap(), ipv6: ipv6.parse().unwrap() };
        let mut path = Link::constant(Duration::ZERO);
        let hop = |router| Stage::Mtu(Mtu::constant(1_400, Some(router)));
        path.a_to_b = vec![hop(router("192.0.2.200", "2001:db8::c8"))];
        path.b_to_a = vec![hop(router("198.51.100.200", "2001:db8:1::c8"))];
        let mut scenario = Scenario::empty("");
        scenario.link = vec![LinkSpec { name: "hop".to_owned(), ends: ["a".to_owned(), "b".to_owned()], path }];
        let path = &with_addresses(&scenario).link[0].path;
        assert_eq!(path.a_to_b, [hop(router("192.4.2.200", "2001:db8:1::c8"))]);
        assert_eq!(path.b_to_a, [hop(router("198.55.100.200", "2001:db8::c8"))]);
    }
}
