//! What runs reached: kinds of faults, stages of links, kinds of nodes, oracles, reasons for which stacks drop.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tickwire_core::DropReason;

use super::excused;
use crate::link::StageKind;
use crate::node::Machine;
use crate::node::lease::LeaseServerCounters;
use crate::oracle::Oracle;
use crate::oracle::white_box::{Cells, TcpEvent};
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

/// What was reached too seldom, or although it cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unexpected {
    /// Its name.
    pub name: String,
    /// How often it was reached.
    pub reached: u64,
    /// Why that is as it should be; `None` if it is not.
    pub reason: Option<&'static str>,
}

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
            ("lease-server", scenario.lease_server.len()),
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
        for node in &built.lease_servers {
            let Some(Machine::LeaseServer(server)) = world.node(*node) else { continue };
            for (what, count) in leases(server.counters()) {
                coverage.add(format!("lease {what}"), count);
            }
        }
        for link in &built.links {
            for (kind, count) in world.link_counters(*link).iter().flat_map(|counters| &counters.acted) {
                coverage.add(format!("link {kind}"), *count);
            }
        }
        for host in &built.hosts {
            for (state, event, count) in world.white_box(*host).cells().iter() {
                coverage.add(cell_name(state, event), count);
            }
            for (reason, count) in world.stack(*host).drops() {
                coverage.add(drop_name(reason), count);
            }
        }
        for oracle in Oracle::ALL {
            coverage.add_oracle(oracle, built.tally_of_all(oracle).judged);
        }
        coverage
    }

    /// So many times an oracle has judged.
    pub(super) fn add_oracle(&mut self, oracle: Oracle, count: u64) {
        self.add(format!("oracle {oracle}"), count);
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

    /// What was reached too seldom, or although it cannot be: then one who counts, or who says so, is wrong.
    pub fn unexpected(&self) -> Vec<Unexpected> {
        let impossible = excused::impossible();
        let unexpected = self.counts().into_iter().filter_map(|(name, reached)| {
            let reason = match impossible.get(&name) {
                Some(_) if reached > 0 => None,
                Some(reason) => Some(*reason),
                None if reached < LEAST => excused::reason(&name),
                None => return None,
            };
            Some(Unexpected { name, reached, reason })
        });
        unexpected.collect()
    }
}

/// What DHCP servers have done for hosts that neither give a lease back nor ask for settings alone.
fn leases(counters: &LeaseServerCounters) -> [(&'static str, u64); 7] {
    [
        ("offered", counters.offered),
        ("given", counters.given),
        ("confirmed", counters.confirmed),
        ("renewed", counters.renewed),
        ("rebound", counters.rebound),
        ("refused", counters.refused),
        ("declined", counters.declined),
    ]
}

pub(super) fn cell_name(state: &str, event: TcpEvent) -> String {
    format!("tcp {state} x {event}")
}

fn drop_name(reason: DropReason) -> String {
    format!("drop {reason:?}")
}

/// The names of all that can be reached.
pub(super) fn reachable() -> impl Iterator<Item = String> {
    let faults = What::ALL.iter().map(|what| format!("fault {}", what.name()));
    let links = StageKind::ALL.iter().map(|kind| format!("link {kind}"));
    let oracles = Oracle::ALL.iter().map(|oracle| format!("oracle {oracle}"));
    let nodes = ["hub", "switch", "nat", "router", "foreign", "lease-server"];
    let nodes = nodes.into_iter().map(|kind| format!("node {kind}"));
    let leases = leases(&LeaseServerCounters::default()).map(|(what, _)| format!("lease {what}"));
    let adversaries = AdversaryKind::NAMES.iter().map(|kind| format!("adversary {kind}"));
    let drops = DropReason::ALL.iter().map(|reason| drop_name(*reason));
    let cells = Cells::default();
    let cells: Vec<String> = cells.iter().map(|(state, event, _)| cell_name(state, event)).collect();
    faults.chain(links).chain(oracles).chain(nodes).chain(leases).chain(adversaries).chain(drops).chain(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reached_too_seldom_is_named() {
        let mut coverage = Coverage::default();
        coverage.add("drop Ipv4Checksum".to_owned(), LEAST);
        coverage.add("drop Ipv4Version".to_owned(), LEAST - 1);
        let unexpected = coverage.unexpected();
        let of = |name: &str| unexpected.iter().find(|unexpected| unexpected.name == name);
        assert_eq!(of("drop Ipv4Checksum"), None);
        assert!(
            of("drop Ipv4Version")
                .is_some_and(|unexpected| unexpected.reason.is_none() && unexpected.reached == LEAST - 1)
        );
        assert!(of("drop Dhcpv4Format").is_some_and(|unexpected| unexpected.reason.is_some()));
    }

    #[test]
    fn what_was_reached_although_it_cannot_be_has_no_reason() {
        let cell = "tcp TIME-WAIT x timer DelayedAck";
        let reason = |coverage: &Coverage| {
            let unexpected = coverage.unexpected();
            unexpected.iter().find(|unexpected| unexpected.name == cell).map(|unexpected| unexpected.reason.is_some())
        };
        let mut coverage = Coverage::default();
        assert_eq!(reason(&coverage), Some(true));
        coverage.add(cell.to_owned(), LEAST);
        assert_eq!(reason(&coverage), Some(false));
    }
}
