//! A node that is no host, whichever it is.

use bytes::Bytes;
use tickwire_core::Instant;

use super::adversary::{Forger, RogueDhcp, Tamperer};
#[cfg(feature = "smoltcp")]
use super::foreign::{self, Foreign};
use super::injector::Injector;
use super::lease::LeaseServer;
use super::nat::Nat;
use super::switch::Switch;
use super::{Hub, Outbox};
use crate::draw::Lots;
use crate::oracle::{Settings, Switches};

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
    /// A DHCP server.
    LeaseServer(Box<LeaseServer>),
    /// Forged frames at a rate.
    Forger(Forger),
    /// A DHCP server that nobody has set up.
    RogueDhcp(RogueDhcp),
    /// A receiver that plays by other rules.
    Tamperer(Tamperer),
    /// A host with another stack.
    #[cfg(feature = "smoltcp")]
    Foreign(Box<Foreign>),
}

/// Where a script of a foreign host stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// All steps are done.
    Done,
    /// It waits: at which step.
    Waits(String),
    /// What has arrived is not what was expected.
    Spoiled(String),
    /// It could not go on for another reason.
    Failed(String),
}

#[cfg(feature = "smoltcp")]
impl From<Foreign> for Machine {
    fn from(foreign: Foreign) -> Machine {
        Machine::Foreign(Box::new(foreign))
    }
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

impl From<LeaseServer> for Machine {
    fn from(server: LeaseServer) -> Machine {
        Machine::LeaseServer(Box::new(server))
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
            Machine::Injector(_) | Machine::LeaseServer(_) | Machine::Forger(_) | Machine::RogueDhcp(_) => 1,
            #[cfg(feature = "smoltcp")]
            Machine::Foreign(_) => 1,
        }
    }

    /// A frame arrives at a port.
    pub(crate) fn receive(&mut self, now: Instant, port: usize, frame: Bytes, lots: &mut Lots<'_>, out: &mut Outbox) {
        match self {
            Machine::Hub(hub) => hub.receive(port, &frame, out),
            Machine::Switch(switch) => switch.receive(now, port, frame, out),
            Machine::Nat(nat) => nat.receive(now, port, &frame, out),
            Machine::Injector(injector) => injector.receive(),
            Machine::LeaseServer(server) => server.receive(now, &frame, out),
            Machine::Forger(forger) => forger.receive(),
            Machine::RogueDhcp(rogue) => rogue.receive(now, &frame, lots, out),
            Machine::Tamperer(tamperer) => tamperer.receive(now, port, frame, lots, out),
            #[cfg(feature = "smoltcp")]
            Machine::Foreign(foreign) => foreign.receive(now, frame, out),
        }
    }

    /// When [`Machine::expire`] has something to do.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self {
            Machine::Hub(_)
            | Machine::Switch(_)
            | Machine::LeaseServer(_)
            | Machine::RogueDhcp(_)
            | Machine::Tamperer(_) => None,
            Machine::Nat(nat) => nat.deadline(),
            Machine::Injector(injector) => injector.deadline(),
            Machine::Forger(forger) => forger.deadline(),
            #[cfg(feature = "smoltcp")]
            Machine::Foreign(foreign) => foreign.deadline(),
        }
    }

    /// Does what is due. At any time before the deadline it does nothing.
    pub(crate) fn expire(&mut self, now: Instant, lots: &mut Lots<'_>, out: &mut Outbox) {
        match self {
            Machine::Hub(_)
            | Machine::Switch(_)
            | Machine::LeaseServer(_)
            | Machine::RogueDhcp(_)
            | Machine::Tamperer(_) => {}
            Machine::Nat(nat) => nat.expire(now, out),
            Machine::Injector(injector) => injector.expire(now, out),
            Machine::Forger(forger) => forger.expire(now, lots, out),
            #[cfg(feature = "smoltcp")]
            Machine::Foreign(foreign) => foreign.expire(now, out),
        }
    }

    /// How the frames of a host with another stack are judged; `None` for what is no host.
    pub(crate) fn settings(&self, switches: Switches) -> Option<Settings> {
        match self {
            #[cfg(feature = "smoltcp")]
            Machine::Foreign(_) => Some(foreign::settings(switches)),
            _ => {
                let _ = switches;
                None
            }
        }
    }

    /// How often an adversary has acted; 0 of what is none.
    pub fn acts(&self) -> u64 {
        match self {
            Machine::Forger(forger) => forger.counters().sent,
            Machine::RogueDhcp(rogue) => rogue.counters().answered,
            Machine::Tamperer(tamperer) => tamperer.counters().tampered,
            _ => 0,
        }
    }

    /// Whether no script of a foreign host has anything left to do.
    pub(crate) fn is_done(&self) -> bool {
        let standings = (0..).map_while(|script| self.standing(script));
        standings.into_iter().all(|standing| !matches!(standing, Standing::Waits(_)))
    }

    /// Where a script of a foreign host stands; `None` if there is none of that number.
    pub fn standing(&self, script: usize) -> Option<Standing> {
        match self {
            #[cfg(feature = "smoltcp")]
            Machine::Foreign(foreign) => foreign.script(script),
            _ => {
                let _ = script;
                None
            }
        }
    }

    /// Ends the scripts of a host with another stack. Returns whether it has a turn to take.
    pub(crate) fn stop(&mut self, now: Instant) -> bool {
        match self {
            #[cfg(feature = "smoltcp")]
            Machine::Foreign(foreign) => {
                foreign.stop(now);
                true
            }
            _ => {
                let _ = now;
                false
            }
        }
    }

    /// Scripts of a host with another stack that could not go on or have not finished: number, step, what
    /// happened.
    pub(crate) fn failures(&self) -> Vec<(usize, usize, String)> {
        match self {
            #[cfg(feature = "smoltcp")]
            Machine::Foreign(foreign) => foreign.failures().collect(),
            _ => Vec::new(),
        }
    }
}
