//! A node that is no host, whichever it is.

use bytes::Bytes;
use tickwire_core::Instant;

use super::adversary::{Forger, RogueDhcp, Tamperer};
use super::injector::Injector;
use super::nat::Nat;
use super::switch::Switch;
use super::{Hub, Outbox};
use crate::draw::Lots;

/// A node that is no host. Added to a world by [`World::add_node`](crate::World::add_node).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Machine {
    /// What arrives at a port leaves by all others.
    Hub(Hub),
    /// What arrives leaves by the port of its station.
    Switch(Switch),
    /// Many hosts behind one address.
    Nat(Box<Nat>),
    /// Frames at times.
    Injector(Injector),
    /// Forged frames at a rate.
    Forger(Forger),
    /// A DHCP server that nobody has set up.
    RogueDhcp(RogueDhcp),
    /// A receiver that plays by other rules.
    Tamperer(Tamperer),
}

impl From<Forger> for Machine {
    fn from(forger: Forger) -> Machine {
        Machine::Forger(forger)
    }
}

impl From<RogueDhcp> for Machine {
    fn from(rogue: RogueDhcp) -> Machine {
        Machine::RogueDhcp(rogue)
    }
}

impl From<Tamperer> for Machine {
    fn from(tamperer: Tamperer) -> Machine {
        Machine::Tamperer(tamperer)
    }
}

impl From<Hub> for Machine {
    fn from(hub: Hub) -> Machine {
        Machine::Hub(hub)
    }
}

impl From<Switch> for Machine {
    fn from(switch: Switch) -> Machine {
        Machine::Switch(switch)
    }
}

impl From<Nat> for Machine {
    fn from(nat: Nat) -> Machine {
        Machine::Nat(Box::new(nat))
    }
}

impl From<Injector> for Machine {
    fn from(injector: Injector) -> Machine {
        Machine::Injector(injector)
    }
}

impl Machine {
    /// How many ports it has, numbered from 0.
    pub fn ports(&self) -> usize {
        match self {
            Machine::Hub(hub) => hub.ports(),
            Machine::Switch(switch) => switch.ports(),
            Machine::Nat(_) | Machine::Tamperer(_) => 2,
            Machine::Injector(_) | Machine::Forger(_) | Machine::RogueDhcp(_) => 1,
        }
    }

    /// A frame arrives at a port.
    pub(crate) fn receive(&mut self, now: Instant, port: usize, frame: Bytes, lots: &mut Lots<'_>, out: &mut Outbox) {
        match self {
            Machine::Hub(hub) => hub.receive(port, &frame, out),
            Machine::Switch(switch) => switch.receive(now, port, frame, out),
            Machine::Nat(nat) => nat.receive(now, port, &frame, out),
            Machine::Injector(injector) => injector.receive(),
            Machine::Forger(forger) => forger.receive(),
            Machine::RogueDhcp(rogue) => rogue.receive(&frame, lots, out),
            Machine::Tamperer(tamperer) => tamperer.receive(port, frame, lots, out),
        }
    }

    /// When [`Machine::expire`] has something to do.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self {
            Machine::Hub(_) | Machine::Switch(_) | Machine::RogueDhcp(_) | Machine::Tamperer(_) => None,
            Machine::Nat(nat) => nat.deadline(),
            Machine::Injector(injector) => injector.deadline(),
            Machine::Forger(forger) => forger.deadline(),
        }
    }

    /// Does what is due. At any time before the deadline it does nothing.
    pub(crate) fn expire(&mut self, now: Instant, lots: &mut Lots<'_>, out: &mut Outbox) {
        match self {
            Machine::Hub(_) | Machine::Switch(_) | Machine::RogueDhcp(_) | Machine::Tamperer(_) => {}
            Machine::Nat(nat) => nat.expire(now, out),
            Machine::Injector(injector) => injector.expire(now, out),
            Machine::Forger(forger) => forger.expire(now, lots, out),
        }
    }
}
