//! What happens when somebody claims to be a neighbor that we know at another hardware address, and
//! entries that commands have set.
//!
//! An attacker can send such a claim at any time, so an entry in use is not overwritten: the hardware
//! address that we know is solicited, and only if it does not answer the other takes its place. A
//! neighbor that has really moved is followed after a second.

use core::net::IpAddr;

use super::{Learned, Neighbor, NeighborCache, NeighborId, NeighborState, Origin, TRUST_TIME};
use crate::config::Limits;
use crate::time::Instant;
use crate::wire::ethernet::EthernetAddress;

impl Neighbor {
    /// Whether the entry's hardware address is one that we send to, or know to be right.
    pub(super) fn is_live(&self, now: Instant) -> bool {
        match self.state {
            // What is unreachable already has nothing to lose.
            NeighborState::Incomplete | NeighborState::Unreachable => false,
            NeighborState::Stale => self.used_at.is_some(),
            NeighborState::Reachable => self.used_at.is_some() || now < self.reachable_until,
            NeighborState::Delay | NeighborState::Probe | NeighborState::Permanent => true,
        }
    }

    /// Whether it was confirmed only a moment ago.
    fn is_trusted(&self, now: Instant) -> bool {
        self.state == NeighborState::Permanent || self.confirmed.is_some_and(|at| now.since(at) < TRUST_TIME)
    }

    /// The hardware address that we knew is silent: the contender takes its place.
    pub(super) fn give_way(&mut self) {
        if let Some(hardware) = self.contender.take() {
            self.hardware = hardware;
            self.confirmed = None;
            self.state = NeighborState::Stale;
            self.solicited = 0;
            self.due = None;
        }
    }
}

impl NeighborCache {
    /// Somebody claims to be this neighbor at `hardware`: whom we know is asked first.
    pub(super) fn contest(&mut self, now: Instant, id: NeighborId, hardware: EthernetAddress) -> Learned {
        self.contested += 1;
        let Some(neighbor) = self.entry(id) else { return Learned::default() };
        if neighbor.is_trusted(now) || neighbor.contender.is_some() {
            return Learned::default();
        }
        neighbor.contender = Some(hardware);
        neighbor.state = NeighborState::Probe;
        neighbor.solicited = 0;
        let solicit = self.solicit(now, id).map(|solicit| (id, solicit));
        Learned { solicit, ..Learned::default() }
    }

    /// Claims to be a neighbor that we know at another hardware address, since the last call.
    pub(crate) fn take_contested(&mut self) -> u64 {
        core::mem::take(&mut self.contested)
    }

    /// Sets an entry for good; `None` if there is no room for it.
    pub(crate) fn set_permanent(
        &mut self,
        now: Instant,
        address: IpAddr,
        hardware: EthernetAddress,
        limits: &Limits,
    ) -> Option<Learned> {
        let id = self
            .find(address)
            .or_else(|| self.insert(address, NeighborState::Permanent, hardware, now, Origin::Local, limits))?;
        let neighbor = self.entry(id)?;
        neighbor.hardware = hardware;
        neighbor.on_confirmed(now, now);
        neighbor.state = NeighborState::Permanent;
        Some(Learned { waiting: self.release(id), accepted: true, solicit: None })
    }

    /// Forgets a neighbor, whoever has told of it; what waited for it comes back.
    pub(crate) fn forget(&mut self, address: IpAddr) -> Option<super::Waiting> {
        let id = self.find(address)?;
        Some(self.remove(id))
    }
}
