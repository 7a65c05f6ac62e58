//! What there is to see of a world.

use tickwire_core::{Instant, Stack};

use super::hash::Entry;
use super::{HostId, LinkId, NodeId, Port, World};
use crate::application::ApplicationId;
use crate::failure::Failure;
use crate::node::host::HostState;
use crate::node::{Machine, Node};
use crate::oracle::white_box::WhiteBox;
use crate::oracle::{Oracle, WireOracles};
use crate::trace::Trace;

impl World {
    /// A host's stack, to be looked at; of a host that has crashed, as it was then.
    ///
    /// # Panics
    ///
    /// If `host` is of another world and not in this one.
    pub fn stack(&self, host: HostId) -> &Stack {
        &self.host(host).stack
    }

    /// A node that is no host, to be looked at; `None` if it is one.
    ///
    /// # Panics
    ///
    /// If `node` is of another world and not in this one.
    pub fn node(&self, node: impl Into<NodeId>) -> Option<&Machine> {
        match &self.nodes[node.into().0].node {
            Node::Host(_) => None,
            Node::Machine(machine) => Some(machine),
        }
    }

    /// What a host's clock shows: what its stack takes for now.
    ///
    /// # Panics
    ///
    /// If `host` is of another world and not in this one.
    pub fn clock(&self, host: HostId) -> Instant {
        self.host(host).clock.at(self.now)
    }

    /// What a host's wall clock shows, in nanoseconds since 1970; a world begins with the year 2020.
    ///
    /// # Panics
    ///
    /// If `host` is of another world and not in this one.
    pub fn wall_clock(&self, host: HostId) -> u64 {
        self.host(host).clock.wall(self.now)
    }

    /// Frames that a host lost because it was down, or did not take them in time.
    ///
    /// # Panics
    ///
    /// If `host` is of another world and not in this one.
    pub fn overruns(&self, host: HostId) -> u64 {
        self.host(host).overruns
    }

    /// The hosts, in the order in which they were added.
    pub fn hosts(&self) -> impl Iterator<Item = HostId> + '_ {
        self.host_states().map(|(id, _)| id)
    }

    pub(super) fn host_states(&self) -> impl Iterator<Item = (HostId, &HostState)> {
        self.nodes.iter().enumerate().filter_map(|(number, state)| match &state.node {
            Node::Host(host) => Some((HostId(number), host.as_ref())),
            Node::Machine(_) => None,
        })
    }

    /// What passed so far.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// The links, in the order in which they were added, each with its first end and its second.
    pub fn links(&self) -> impl Iterator<Item = (LinkId, [Port; 2])> + '_ {
        self.wiring.links()
    }

    /// How many things have happened.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// A hash of everything that has happened, in order, with what each stack says about its own inputs and
    /// outputs at each turn, and of the whole state of all stacks as it is.
    pub fn hash(&self) -> u128 {
        let mut hash = self.hash.clone();
        for (id, host) in self.host_states() {
            hash.entry(Entry::Digest, self.now, id.0, [host.stack.digest(), self.events]);
        }
        hash.value()
    }

    /// A hash of everything that has happened, without the stacks' present state: cheap to ask for.
    pub fn history_hash(&self) -> u128 {
        self.hash.value()
    }

    /// Switches an oracle on or off, for all hosts; all are on in a new world.
    pub fn switch_oracle(&mut self, oracle: Oracle, on: bool) {
        self.switches.set(oracle, on);
        for tap in self.nodes.iter_mut().filter_map(|state| state.tap.as_mut()) {
            tap.oracles.switch(oracle, on);
            tap.white_box.switch(oracle, on);
        }
        for state in &mut self.nodes {
            if let Node::Host(host) = &mut state.node {
                host.applications.switch(self.switches);
            }
        }
    }

    /// The wire oracles of a host, foreign or ours, to be looked at.
    ///
    /// # Panics
    ///
    /// If `host` is of another world and not in this one, or is no host.
    pub fn oracles(&self, host: impl Into<NodeId>) -> &WireOracles {
        let host = host.into();
        match &self.nodes[host.0].tap {
            Some(tap) => &tap.oracles,
            None => panic!("node {} has no oracles", host.0),
        }
    }

    /// The white-box oracles of a host, to be looked at.
    ///
    /// # Panics
    ///
    /// If `host` is of another world and not in this one.
    pub fn white_box(&self, host: HostId) -> &WhiteBox {
        match &self.nodes[host.0].tap {
            Some(tap) => &tap.white_box,
            None => panic!("node {} has no oracles", host.0),
        }
    }

    /// The scripts that failed, those that have not finished, and the rules that hosts broke, as they were found. Empty at
    /// the end of a run in which all went as written.
    pub fn failures(&self) -> Vec<Failure> {
        let scripts = self.host_states().flat_map(|(id, host)| {
            let failed = host.applications.failures().iter().cloned().chain(host.applications.unfinished());
            failed.map(move |(index, step, what)| Failure::Script {
                application: ApplicationId { host: id, index },
                step,
                what,
            })
        });
        let foreign = self.nodes.iter().enumerate().flat_map(|(number, state)| {
            let failed = if let Node::Machine(machine) = &state.node { machine.failures() } else { Vec::new() };
            failed.into_iter().map(move |(index, step, what)| Failure::Script {
                application: ApplicationId { host: HostId(number), index },
                step,
                what,
            })
        });
        scripts.chain(foreign).chain(self.found(0)).collect()
    }
}
