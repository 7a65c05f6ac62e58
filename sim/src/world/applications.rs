//! Applications as a whole: how far they are, that they end, and that what plagues them ends.

use super::{HostId, World};
use crate::application::{ApplicationId, Program};
use crate::workload::Ledger;

impl World {
    /// Starts an application on a host, at the present time.
    ///
    /// # Panics
    ///
    /// If `host` is of another world and not in this one.
    pub fn start(&mut self, host: HostId, program: impl Into<Program>) -> ApplicationId {
        let index = self.hosts[host.0].applications.start(program.into(), self.switches);
        self.schedule_turn(host, self.now);
        ApplicationId { host, index }
    }

    /// Whether each script has done its last step, each client its last connection and each source its
    /// last datagram. Servers and sinks do not count.
    pub fn applications_are_done(&self) -> bool {
        self.hosts.iter().all(|host| host.applications.is_done())
    }

    /// Ends all workloads: connections that are left are reset, and nothing is opened or accepted any more.
    pub fn stop_applications(&mut self) {
        for number in 0..self.hosts.len() {
            let host = &mut self.hosts[number];
            host.applications.stop(&mut host.stack, self.now);
            self.schedule_turn(HostId(number), self.now);
        }
    }

    /// What an application of a workload has to tell; `None` of a script.
    ///
    /// # Panics
    ///
    /// If `application` is of another world and not in this one.
    pub fn ledger(&self, application: ApplicationId) -> Option<&Ledger> {
        self.hosts[application.host.0].applications.ledger(application.index)
    }
}
