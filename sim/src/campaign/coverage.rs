//! What runs reached: kinds of faults, stages of links, kinds of nodes, oracles, reasons for which stacks drop.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tickwire_core::DropReason;

use crate::link::StageKind;
use crate::node::Machine;
use crate::oracle::Oracle;
use crate::scenario::{AdversaryKind, Built, Scenario, What};

/// Campaigns of so many seeds are judged by what they reached; smaller ones only tell.
pub const JUDGED_FROM: u64 = 10_000;
/// How often each thing must have been reached.
const LEAST: u64 = 10;

/// How often each thing was reached, by its name: `fault crash`, `link bernoulli`, `oracle window`,
/// `drop bad checksum`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Coverage(BTreeMap<String, u64>);

/// What was reached too seldom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Its name.
    pub name: String,
    /// How often it was reached.
    pub reached: u64,
    /// Why that is as it should be; `None` if it is not.
    pub reason: Option<&'static str>,
}

/// Why random scenarios do not reach some things, which of them, and who does.
const EXCUSED: [(&str, &[&str]); 9] = [
    (
        "the hosts of random scenarios have fixed addresses; sim/tests/adversaries and core's tests of DHCP have it",
        &[
            "adversary rogue-dhcp",
            "drop Dhcpv4Truncated",
            "drop Dhcpv4Format",
            "drop Dhcpv4Option",
            "drop Dhcpv4NotOurs",
            "drop Dhcpv4Unexpected",
            "drop Dhcpv4Unusable",
            "drop Dhcpv6Truncated",
            "drop Dhcpv6Type",
            "drop Dhcpv6NotOurs",
            "drop Dhcpv6Unexpected",
            "drop Dhcpv6Unusable",
            "drop Dhcpv6Reconfigure",
        ],
    ),
    (
        "the hosts of random scenarios use their addresses unverified; core/src/tests/{acd,dad}.rs have it",
        &["drop ArpConflict", "drop NdpConflict", "drop NdpLooped"],
    ),
    (
        "a world's devices hand over no such frame; core/src/tests/{ethernet,interface,media}.rs have it",
        &["drop InterfaceUnknown", "drop InterfaceLoopback", "drop FrameTooLong"],
    ),
    (
        "no adversary sits beside a router of random scenarios; core/src/tests/forward.rs has it",
        &[
            "drop ForwardMartian",
            "drop ForwardScope",
            "drop ForwardReversePath",
            "drop ForwardHopLimit",
            "drop ForwardTooBig",
            "drop ForwardMerged",
            "drop ForwardQueueFull",
        ],
    ),
    (
        "random scenarios have no routes that discard; core/src/tests/policy.rs has it",
        &["drop RouteBlackhole", "drop RouteUnreachable", "drop RouteProhibited"],
    ),
    ("nobody quotes a live flow of random scenarios falsely; core/src/tests/path_mtu.rs has it", &["drop IcmpTooBig"]),
    (
        "random scenarios have no groups but those of all hosts, and sinks that read at once; core/src/tests has it",
        &["drop UdpSourceFiltered", "drop UdpQueueFull", "drop UdpErrorQueueFull"],
    ),
    (
        "by default no option of IPv4 is refused as such; core/src/tests/ip_options.rs has it",
        &["drop Ipv4OptionRefused"],
    ),
    (
        "no random scenario has so many fragments, connections or answers; core/src/tests/{reassembly,limits}.rs have it",
        &["drop FragmentLimit", "drop TcpTableFull", "drop ControlQueueFull"],
    ),
];

impl Coverage {
    /// What a run has reached.
    pub(super) fn of(scenario: &Scenario, built: &Built) -> Coverage {
        let mut coverage = Coverage::default();
        for fault in &scenario.fault {
            coverage.add(format!("fault {}", fault.what.name()), 1);
        }
        let nodes = [
            ("hub", scenario.hub.len()),
            ("switch", scenario.switch.len()),
            ("nat", scenario.nat.len()),
            ("foreign", scenario.foreign.len()),
        ];
        for (kind, count) in nodes {
            coverage.add(format!("node {kind}"), count as u64);
        }
        coverage.add("node router".to_owned(), scenario.host.iter().filter(|host| host.router).count() as u64);
        let world = &built.world;
        for (adversary, node) in scenario.adversary.iter().zip(&built.adversaries) {
            let acts = world.node(*node).map_or(0, Machine::acts);
            coverage.add(format!("adversary {}", adversary.kind.name()), acts);
        }
        for link in &built.links {
            for (kind, count) in world.link_counters(*link).iter().flat_map(|counters| &counters.acted) {
                coverage.add(format!("link {kind}"), *count);
            }
        }
        for host in &built.hosts {
            for oracle in Oracle::ALL {
                coverage.add(format!("oracle {oracle}"), world.oracles(*host).tally(oracle).judged);
                coverage.add(format!("oracle {oracle}"), world.white_box(*host).tally(oracle).judged);
            }
            for (reason, count) in world.stack(*host).drops() {
                coverage.add(drop_name(reason), count);
            }
        }
        let ours = built.flows.iter().flatten().filter_map(|end| end.ours());
        let applications = ours.chain(built.datagrams.iter().flatten().copied());
        for ledger in applications.filter_map(|application| world.ledger(application)) {
            for oracle in Oracle::ALL {
                coverage.add(format!("oracle {oracle}"), ledger.tally(oracle).judged);
            }
            coverage.add_verdict(scenario, Oracle::Delivery, ledger.opened);
            coverage.add_verdict(scenario, Oracle::Cause, ledger.lost);
        }
        coverage.add_verdict(scenario, Oracle::Quiescence, built.hosts.len() as u64);
        coverage
    }

    /// An oracle that judges so many things when the run is over, unless it is switched off.
    fn add_verdict(&mut self, scenario: &Scenario, oracle: Oracle, judged: u64) {
        if !scenario.oracles_off.iter().any(|off| off == oracle.name()) {
            self.add(format!("oracle {oracle}"), judged);
        }
    }

    fn add(&mut self, name: String, count: u64) {
        if count > 0 {
            *self.0.entry(name).or_default() += count;
        }
    }

    /// Adds what others have reached.
    pub fn join(&mut self, other: &Coverage) {
        for (name, count) in &other.0 {
            self.add(name.clone(), *count);
        }
    }

    /// How often each thing was reached that can be: also what was not.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts = self.0.clone();
        for name in reachable() {
            counts.entry(name).or_default();
        }
        counts
    }

    /// What was reached too seldom.
    pub fn missing(&self) -> Vec<Missing> {
        let seldom = self.counts().into_iter().filter(|(_, reached)| *reached < LEAST);
        let excused = |name: &str| EXCUSED.iter().find(|(_, names)| names.contains(&name)).map(|(reason, _)| *reason);
        seldom.map(|(name, reached)| Missing { reason: excused(&name), name, reached }).collect()
    }
}

fn drop_name(reason: DropReason) -> String {
    format!("drop {reason:?}")
}

/// The names of all that can be reached.
fn reachable() -> impl Iterator<Item = String> {
    let faults = What::ALL.iter().map(|what| format!("fault {}", what.name()));
    let links = StageKind::ALL.iter().map(|kind| format!("link {kind}"));
    let oracles = Oracle::ALL.iter().map(|oracle| format!("oracle {oracle}"));
    let nodes = ["hub", "switch", "nat", "router", "foreign"].iter().map(|kind| format!("node {kind}"));
    let adversaries = AdversaryKind::NAMES.iter().map(|kind| format!("adversary {kind}"));
    let drops = DropReason::ALL.iter().map(|reason| drop_name(*reason));
    faults.chain(links).chain(oracles).chain(nodes).chain(adversaries).chain(drops)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_reached_is_excused() {
        let reachable: Vec<String> = reachable().collect();
        for name in EXCUSED.iter().flat_map(|(_, names)| *names) {
            assert!(reachable.iter().any(|reachable| reachable == name), "{name}");
        }
    }

    #[test]
    fn what_is_reached_too_seldom_is_named() {
        let mut coverage = Coverage::default();
        coverage.add("drop Ipv4Checksum".to_owned(), LEAST);
        coverage.add("drop Ipv4Version".to_owned(), LEAST - 1);
        let missing = coverage.missing();
        let of = |name: &str| missing.iter().find(|missing| missing.name == name);
        assert_eq!(of("drop Ipv4Checksum"), None);
        assert!(of("drop Ipv4Version").is_some_and(|missing| missing.reason.is_none() && missing.reached == LEAST - 1));
        assert!(of("drop Dhcpv4Format").is_some_and(|missing| missing.reason.is_some()));
    }
}
