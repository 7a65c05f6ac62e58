//! Applications: they are started, looked at and ended.

use tickwire_core::Instant;

use super::{Happening, HostId, NodeId, World};
use crate::application::{ApplicationId, Program};
use crate::node::Node;
use crate::workload::Ledger;

impl World {
    /// Starts an application on a host, at the present time. A script that is started while the host is down is
    /// lost, as those are that run when it crashes: they neither fail nor finish. Workloads begin again when
    /// the host does.
    ///
    /// # Panics
    ///
    /// If `host` is of another world and not in this one.
    pub fn start(&mut self, host: HostId, program: impl Into<Program>) -> ApplicationId {
        let index = self.announce(host);
        self.begin(host, index, program.into());
        ApplicationId { host, index }
    }

    /// Starts an application at `at`; at once if that is past.
    ///
    /// # Panics
    ///
    /// If `host` is of another world and not in this one.
    pub fn start_at(&mut self, at: Instant, host: HostId, program: impl Into<Program>) -> ApplicationId {
        let index = self.announce(host);
        self.queue.push(at.max(self.now), Happening::Start(host, index, program.into()));
        ApplicationId { host, index }
    }

    fn announce(&mut self, host: HostId) -> usize {
        self.host_mut(host).applications.announce()
    }

    pub(super) fn begin(&mut self, host: HostId, index: usize, program: Program) {
        let switches = self.switches;
        let state = self.host_mut(host);
        let crashed = state.is_crashed();
        state.applications.begin(index, program, switches, crashed);
        self.schedule_turn(host.into(), self.now);
    }

    /// Whether each script has done its last step, each client its last connection and each source its
    /// last datagram, and no server has a connection; foreign hosts included. Sinks do not count.
    pub fn applications_are_done(&self) -> bool {
        self.nodes.iter().all(|state| match &state.node {
            Node::Host(host) => host.applications.is_done(),
            Node::Machine(machine) => machine.is_done(),
        })
    }

    /// Ends all workloads: connections that are left are reset, and nothing is opened or accepted any more.
    pub fn stop_applications(&mut self) {
        let hosts: Vec<HostId> = self.hosts().collect();
        for id in hosts {
            let now = self.now;
            let host = self.host_mut(id);
            let local = host.clock.at(now);
            host.applications.stop(&mut host.stack, local, now);
            self.note_findings(id.into());
            self.schedule_turn(id.into(), now);
        }
        for number in 0..self.nodes.len() {
            let now = self.now;
            if let Node::Machine(machine) = &mut self.nodes[number].node
                && machine.stop(now)
            {
                self.schedule_turn(NodeId(number), now);
            }
        }
    }

    /// What an application of a workload has to tell; `None` of a script.
    ///
    /// # Panics
    ///
    /// If `application` is of another world and not in this one.
    pub fn ledger(&self, application: ApplicationId) -> Option<&Ledger> {
        self.host(application.host).applications.ledger(application.index)
    }
}
