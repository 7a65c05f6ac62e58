//! The failures of a run that no oracle of frames has found, each with the frames that it may be about: those of the
//! flow that it names, or the last one before it was noticed.

use std::collections::BTreeMap;

use tickwire_core::Instant;

use super::flow::Flow;
use super::matter::Trouble;
use crate::scenario::{Failed, Scenario, port_of};
use crate::{Failure, HostId, World};

/// Flows of which a failure names frames.
const FLOWS_NAMED: usize = 4;

/// What is known of a run's failures and their frames.
pub(super) struct Troubles<'a> {
    scenario: &'a Scenario,
    world: &'a World,
    flows: &'a [Flow],
    /// Where and when applications have found something, by its text.
    findings: BTreeMap<String, (HostId, Instant)>,
}

impl<'a> Troubles<'a> {
    /// Of a run whose failures are `failures`.
    pub(super) fn new(scenario: &'a Scenario, world: &'a World, flows: &'a [Flow], failures: &[Failure]) -> Self {
        let findings = failures.iter().filter_map(|failure| match failure {
            Failure::Application { application, finding } => {
                Some((failure.to_string(), (application.host(), finding.at)))
            }
            _ => None,
        });
        Troubles { scenario, world, flows, findings: findings.collect() }
    }

    /// A failure with its frames.
    pub(super) fn of(&self, failed: &Failed) -> Trouble {
        let (name, text) = (failed.oracle.clone(), failed.text.clone());
        let flow = text.strip_prefix("flow ").and_then(|rest| rest.split_once(':')?.0.parse::<usize>().ok());
        let frames = match flow {
            Some(place) => self.frames_of_flow(place),
            None => self.frame_before(&text).into_iter().collect(),
        };
        Trouble { name, text, frames }
    }

    fn frames_of_flow(&self, place: usize) -> Vec<(u64, String)> {
        let Some(port) = self.scenario.flow.get(place).map(|flow| port_of(place, flow)) else { return Vec::new() };
        let of_it = self.flows.iter().filter(|flow| flow.from.port() == port || flow.to.port() == port);
        let frames = of_it.take(FLOWS_NAMED).flat_map(|flow| {
            let node = self.node(flow.host);
            let [first, last] = flow.frames;
            [(first, format!("first at {node}")), (last, format!("last at {node}"))]
        });
        frames.collect()
    }

    /// The last frame at the host of an application that has found something, before it did.
    fn frame_before(&self, text: &str) -> Option<(u64, String)> {
        let (host, at) = *self.findings.get(text)?;
        let frames = self.world.trace().frames();
        let before = frames[..frames.partition_point(|passed| passed.at <= at)].iter();
        let last = before.rev().find(|passed| passed.port.node == host)?;
        Some((last.number, format!("last at {} before", self.node(host))))
    }

    fn node(&self, host: HostId) -> &str {
        &self.world.trace().nodes()[host.index()]
    }
}
