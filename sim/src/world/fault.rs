//! Faults befall hosts and links.

use std::net::IpAddr;

use tickwire_core::time::Duration;
use tickwire_core::wire::ethernet::EthernetAddress;

use super::hash::Entry;
use super::{Happening, HostId, Port, World};
use crate::fault::Fault;
use crate::node::adversary::{ArpClaim, NeighborClaim};
use crate::node::{Node, Outbox};

/// Where the other host is that has a host's addresses.
const STRANGER: EthernetAddress = EthernetAddress([2, 0, 4, 0, 0, 1]);
/// How often it says so: within `DEFEND_INTERVAL` (RFC 5227 section 1.1).
const CLAIMED_EVERY: Duration = Duration::from_secs(3);

impl World {
    /// A fault begins or ends now.
    pub(super) fn befall(&mut self, fault: Fault) {
        let about = match fault {
            Fault::InterfaceDown(port) | Fault::InterfaceUp(port) | Fault::AddressConflict(port, _) => port.node.0,
            Fault::Partition(link, _) | Fault::Heal(link) => link.index(),
            _ => fault.host().map_or(0, HostId::index),
        };
        self.hash.entry(Entry::Fault, self.now, about, [fault.name().len() as u64, 0]);
        self.hash.bytes(fault.to_string().as_bytes());
        self.trace.faults.push((self.now, fault));
        match fault {
            Fault::Partition(link, partition) => self.wiring.set_partition(link, partition),
            Fault::Heal(link) => self.wiring.heal(link),
            Fault::InterfaceDown(port) => self.set_interface(port, false),
            Fault::InterfaceUp(port) => self.set_interface(port, true),
            Fault::AddressConflict(port, length) => self.contest(port, length),
            _ => {
                if let Some(host) = fault.host() {
                    self.befall_host(host, fault);
                }
            }
        }
    }

    fn befall_host(&mut self, id: HostId, fault: Fault) {
        let now = self.now;
        let host = self.host_mut(id);
        match fault {
            Fault::Crash(_) => self.crash(id),
            Fault::Restart(_) => self.restart(id),
            Fault::Pause(_, length) => {
                host.pause(now + length);
                self.queue.push(now + length, Happening::Relief(id));
            }
            Fault::DeviceFull(_, length) => {
                host.fill_device(now + length);
                self.queue.push(now + length, Happening::Relief(id));
            }
            Fault::ClockDrift(_, ppm) => host.clock.drift(now, ppm),
            Fault::ClockJump(_, by) => host.clock.jump(now, by),
            Fault::ClockStall(_, length) => {
                host.clock.stall(now, now + length);
                self.queue.push(now + length, Happening::Relief(id));
            }
            Fault::WallClockBack(_, by) => host.clock.set_wall_back(by),
            Fault::InterfaceDown(_)
            | Fault::InterfaceUp(_)
            | Fault::AddressConflict(..)
            | Fault::Partition(..)
            | Fault::Heal(_) => {}
        }
        self.relieve(id);
    }

    /// Something that kept a host from working is over, or begins.
    pub(super) fn relieve(&mut self, id: HostId) {
        self.disturb(id);
        self.schedule_turn(id.into(), self.now);
    }

    /// From outside it cannot be told when the host's timers ran.
    fn disturb(&mut self, id: HostId) {
        if let Some(tap) = &mut self.nodes[id.0].tap {
            tap.oracles.disturbed();
        }
    }

    fn crash(&mut self, id: HostId) {
        let now = self.now;
        self.host_mut(id).crash(now);
        if let Some(tap) = &mut self.nodes[id.0].tap {
            tap.oracles.restarted();
            tap.white_box.restarted();
        }
    }

    fn restart(&mut self, id: HostId) {
        if !self.host(id).is_crashed() {
            self.crash(id);
        }
        let state = &mut self.nodes[id.0];
        state.lives += 1;
        let (life, now) = (state.lives, self.now);
        let seed = self.host_seed(id, life);
        self.host_mut(id).restart(seed, now);
    }

    /// Another host claims all addresses of an interface, and goes on to do so for `length`.
    fn contest(&mut self, port: Port, length: Duration) {
        let Node::Host(host) = &self.nodes[port.node.0].node else { return };
        let mut claims = Outbox::new();
        for own in host.stack.interfaces().nth(port.interface).into_iter().flat_map(|interface| interface.addresses) {
            match own.address {
                IpAddr::V4(claimed) => ArpClaim { claimed, hardware: STRANGER, told: None }.forge(&mut claims),
                IpAddr::V6(claimed) => NeighborClaim { claimed, hardware: STRANGER, told: None }.forge(&mut claims),
            }
        }
        let other_end = self.wiring.way(port).map(|way| self.wiring.wire(way).to);
        for (_, claim) in claims {
            self.arrive(port, claim.clone(), None);
            if let Some(other_end) = other_end {
                self.arrive(other_end, claim, None);
            }
        }
        if let Some(left) = length.checked_sub(CLAIMED_EVERY) {
            self.schedule(self.now + CLAIMED_EVERY, Fault::AddressConflict(port, left));
        }
    }

    fn set_interface(&mut self, port: Port, up: bool) {
        let now = self.now;
        let Node::Host(host) = &mut self.nodes[port.node.0].node else { return };
        host.set_interface(now, port.interface, up);
        self.disturb(HostId(port.node.0));
        self.schedule_turn(port.node, now);
    }
}
