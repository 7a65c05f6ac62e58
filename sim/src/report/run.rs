//! The report of a run.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use tickwire_core::Instant;

use super::flow::flows;
use super::inscription::inscriptions;
use super::links;
use super::matter::{Matter, Subject, Wire};
use super::page::{Parts, page};
use super::quantity::{grouped, seconds};
use super::troubles::Troubles;
use crate::fault::Fault;
use crate::link::Partition;
use crate::oracle::{Oracle, Verdict};
use crate::scenario::{Built, Outcome, Scenario, figures};
use crate::world::LinkId;
use crate::{Failure, HostId, Port};

/// A run, to be reported.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// What was run.
    pub scenario: &'a Scenario,
    /// The seed, as the reader would write it.
    pub seed: &'a str,
    /// What came of it.
    pub outcome: &'a Outcome,
    /// The world at the end. Congestion windows, states and queues are shown if it kept them
    /// ([`World::keep_details`](crate::World::keep_details)).
    pub built: &'a Built,
}

impl Report<'_> {
    /// The page. The same run has the same page.
    pub fn html(&self) -> String {
        let failures = self.built.world.failures();
        let verdicts = failures.iter().filter_map(|failure| match failure {
            Failure::Oracle { host, verdict } => Some((host.clone(), verdict.clone())),
            _ => None,
        });
        self.with_verdicts(verdicts.collect(), &failures)
    }

    /// As if the oracles had found `verdicts`, and the world nothing but `failures`.
    pub(super) fn with_verdicts(&self, verdicts: Vec<(String, Verdict)>, failures: &[Failure]) -> String {
        let world = &self.built.world;
        let hosts: Vec<HostId> = world.hosts().collect();
        let flows = flows(world.trace(), &hosts, &BTreeMap::new());
        let wires = world.links().map(|(link, ends)| Wire { name: self.link(link), link: Some(link), ends });
        let told: BTreeSet<String> = verdicts.iter().map(|(host, verdict)| format!("{host}: {verdict}")).collect();
        let troubles = Troubles::new(self.scenario, world, &flows, failures);
        let failed = self.outcome.failures.iter().filter(|failed| !told.contains(&failed.text));
        let failures = failed.map(|failed| troubles.of(failed)).collect();
        let tallies = Oracle::ALL.iter().map(|oracle| (*oracle, self.built.tally_of_all(*oracle)));
        let faults = world.trace().faults().iter().map(|(at, fault)| (*at, self.fault(fault)));
        let subject = Subject {
            title: self.scenario.title.clone(),
            trace: world.trace(),
            details: world.details(),
            nodes: inscriptions(self.scenario, self.built),
            hosts,
            wires: wires.collect(),
            verdicts,
            failures,
            tallies: tallies.collect(),
            faults: faults.collect(),
            remarks: Vec::new(),
            notes: BTreeMap::new(),
        };
        let matter = Matter::new(subject, flows);
        let parts = Parts {
            facts: self.facts(&matter),
            sums: self.sums(),
            network: links::table(self.scenario, self.built),
            rest: html! {},
        };
        page(&matter, &parts)
    }

    fn facts(&self, matter: &Matter<'_>) -> Markup {
        let end = Instant::from_nanos(self.outcome.nanos);
        html! {
            span { "seed " b { (self.seed) } }
            span { b { (grouped(self.outcome.frames)) } " frames at all interfaces" }
            span {
                b { (format!("{:.3}", seconds(end))) } " s simulated, the last frame at "
                b { (format!("{:.3}", seconds(matter.end))) } " s"
            }
            span { "hash " code { (self.outcome.hash) } }
        }
    }

    /// How flows shared, how well the bottleneck was used, what was sent again, and which datagrams arrived.
    fn sums(&self) -> Markup {
        let (scenario, population) = (self.scenario, &self.outcome.population);
        html! {
            table.facts {
                @for (flow, bps) in scenario.flow.iter().zip(&population.goodputs_bps) {
                    tr { th { "goodput" } td { (flow.from) " → " (flow.to) ": " (figures::rate(*bps)) } }
                }
                @for (spec, became) in scenario.datagrams.iter().zip(&self.outcome.datagrams) {
                    tr {
                        th { "datagrams" }
                        td {
                            (spec.from) " → " (spec.to) ": " (grouped(became.received)) " of "
                            (grouped(became.sent)) " arrived"
                        }
                    }
                }
                @for [name, text] in population.told() {
                    tr { th { (name) } td { (text) } }
                }
            }
        }
    }

    /// A link's name in the scenario.
    fn link(&self, link: LinkId) -> String {
        let place = self.built.links.iter().position(|known| *known == link);
        let spec = place.and_then(|place| self.scenario.link.get(place));
        spec.map_or_else(|| format!("link {}", link.index()), |spec| spec.name.clone())
    }

    /// A fault in words.
    fn fault(&self, fault: &Fault) -> String {
        let names = self.built.world.trace().nodes();
        let host = |host: &HostId| names.get(host.index()).map_or("?", String::as_str);
        let interface = |port: &Port| format!("interface {} of {}", port.interface, names[port.node.index()]);
        let end = |link: &LinkId, second: usize| {
            let ends = self.built.world.links().find(|(known, _)| known == link);
            ends.map_or("?", |(_, ends)| names[ends[second].node.index()].as_str())
        };
        match fault {
            Fault::Crash(id) => format!("{} loses power", host(id)),
            Fault::Restart(id) => format!("{} starts again", host(id)),
            Fault::Pause(id, length) => format!("{} does nothing for {length:?}", host(id)),
            Fault::ClockDrift(id, 0) => format!("the clock of {} keeps time from now on", host(id)),
            Fault::ClockDrift(id, ppm) => format!("the clock of {} is {ppm:+} ppm fast from now on", host(id)),
            Fault::ClockJump(id, by) => format!("the clock of {} jumps forward by {by:?}", host(id)),
            Fault::ClockStall(id, length) => format!("the clock of {} stands still for {length:?}", host(id)),
            Fault::WallClockBack(id, by) => format!("the wall clock of {} is set back by {by:?}", host(id)),
            Fault::InterfaceDown(port) => format!("{} goes down", interface(port)),
            Fault::InterfaceUp(port) => format!("{} comes up", interface(port)),
            Fault::DeviceFull(id, length) => format!("the devices of {} take no frames for {length:?}", host(id)),
            Fault::AddressConflict(port, length) => {
                format!("somebody claims the addresses of {} for {length:?}", interface(port))
            }
            Fault::Partition(link, Partition::None) => format!("{} works both ways", self.link(*link)),
            Fault::Partition(link, Partition::Both) => format!("{} is cut both ways", self.link(*link)),
            Fault::Partition(link, Partition::AToB) => format!("{} is cut towards {}", self.link(*link), end(link, 1)),
            Fault::Partition(link, Partition::BToA) => format!("{} is cut towards {}", self.link(*link), end(link, 0)),
            Fault::Heal(link) => format!("{}: all faults end, it only takes its time", self.link(*link)),
        }
    }
}
