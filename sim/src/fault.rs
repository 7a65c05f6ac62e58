//! Faults: what goes wrong with hosts and links at a moment that is chosen, not drawn.

use std::fmt;

use tickwire_core::time::Duration;

pub use crate::clock::DRIFT_MAX_PPM;

use crate::link::Partition;
use crate::world::{HostId, LinkId, Port};

/// A fault, or the end of one. [`World::schedule`](crate::World::schedule) says when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The host loses power: its connections, its scripts and what waited for it are gone. It is silent
    /// until it starts again.
    Crash(HostId),
    /// It starts again on the same addresses, with nothing but its identity. One that runs crashes first.
    Restart(HostId),
    /// It does nothing for so long, while its clock runs on and frames wait for it.
    Pause(HostId, Duration),
    /// Its clock gains (loses, if negative) so many parts per million from now on; at most
    /// [`DRIFT_MAX_PPM`] either way.
    ClockDrift(HostId, i32),
    /// Its clock jumps forward.
    ClockJump(HostId, Duration),
    /// Its clock stands still for so long.
    ClockStall(HostId, Duration),
    /// Its wall clock is set back. The clock that everything runs by does not notice.
    WallClockBack(HostId, Duration),
    /// An interface of a host goes down, and frames in both directions are lost.
    InterfaceDown(Port),
    /// It comes up.
    InterfaceUp(Port),
    /// The devices of a host take no frames for so long.
    DeviceFull(HostId, Duration),
    /// For so long another host on the link claims the addresses of an interface, again and again: the host hears
    /// it, and who is at the other end of its link.
    AddressConflict(Port, Duration),
    /// A link is cut in one direction or both, or mended.
    Partition(LinkId, Partition),
    /// All faults of a link end for good, in both directions: from now on it only takes its time.
    Heal(LinkId),
}

impl Fault {
    /// Its kind, as scenarios and coverage name it.
    pub const fn name(&self) -> &'static str {
        match self {
            Fault::Crash(_) => "crash",
            Fault::Restart(_) => "restart",
            Fault::Pause(..) => "pause",
            Fault::ClockDrift(..) => "clock-drift",
            Fault::ClockJump(..) => "clock-jump",
            Fault::ClockStall(..) => "clock-stall",
            Fault::WallClockBack(..) => "wall-clock-back",
            Fault::InterfaceDown(_) => "interface-down",
            Fault::InterfaceUp(_) => "interface-up",
            Fault::DeviceFull(..) => "device-full",
            Fault::AddressConflict(..) => "address-conflict",
            Fault::Partition(..) => "partition",
            Fault::Heal(_) => "heal",
        }
    }

    /// The host that it befalls; `None` of a link.
    pub const fn host(&self) -> Option<HostId> {
        match self {
            Fault::Crash(host)
            | Fault::Restart(host)
            | Fault::Pause(host, _)
            | Fault::ClockDrift(host, _)
            | Fault::ClockJump(host, _)
            | Fault::ClockStall(host, _)
            | Fault::WallClockBack(host, _)
            | Fault::DeviceFull(host, _) => Some(*host),
            Fault::InterfaceDown(_)
            | Fault::InterfaceUp(_)
            | Fault::AddressConflict(..)
            | Fault::Partition(..)
            | Fault::Heal(_) => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Fault::Pause(_, length) | Fault::ClockStall(_, length) | Fault::DeviceFull(_, length) => {
                write!(f, " for {length:?}")
            }
            Fault::AddressConflict(port, length) => write!(f, " {} for {length:?}", port.interface),
            Fault::ClockJump(_, by) | Fault::WallClockBack(_, by) => write!(f, " by {by:?}"),
            Fault::ClockDrift(_, ppm) => write!(f, " {ppm:+} ppm"),
            Fault::InterfaceDown(port) | Fault::InterfaceUp(port) => write!(f, " {}", port.interface),
            Fault::Partition(link, partition) => write!(f, " link {} {partition:?}", link.index()),
            Fault::Heal(link) => write!(f, " link {}", link.index()),
            Fault::Crash(_) | Fault::Restart(_) => Ok(()),
        }
    }
}
