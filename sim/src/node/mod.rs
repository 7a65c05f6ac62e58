//! What stands at the ends of links. A host is a stack with its applications; every other node is a small
//! machine in the manner of the core: a frame arrives at a port, frames leave by ports, one deadline.
//!
//! | module | what |
//! |---|---|
//! | `host` | a host: one turn of a driver's loop, without a device and without a clock |
//! | `machine` | [`Machine`]: any other node |
//! | `hub` | [`Hub`]: what arrives at a port leaves by all others |
//! | [`switch`] | [`Switch`]: what arrives leaves by the port of its station |
//! | [`nat`] | [`Nat`]: many hosts behind one address |
//! | [`injector`] | [`Injector`]: frames at times, as data |
//! | [`adversary`] | nodes that send what they should not |
//! | [`foreign`] | a host with another stack, smoltcp (feature `smoltcp`) |
//! | [`frames`] | frames from their parts |
//! | `dhcp` | DHCP messages in frames |
//! | [`lease`] | [`LeaseServer`]: a DHCP server |

pub mod adversary;
mod dhcp;
#[cfg(feature = "smoltcp")]
pub mod foreign;
pub mod frames;
pub(crate) mod host;
mod hub;
pub mod injector;
pub mod lease;
mod machine;
pub mod nat;
pub mod switch;

use bytes::Bytes;

pub use self::hub::Hub;
pub use self::injector::Injector;
pub use self::lease::LeaseServer;
pub use self::machine::{Machine, Standing};
pub use self::nat::Nat;
pub use self::switch::Switch;

use self::host::HostState;

/// What a node sends at a moment: the port's number, and the frame.
pub(crate) type Outbox = Vec<(usize, Bytes)>;

/// A node of a world.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Host(Box<HostState>),
    Machine(Machine),
}

impl Node {
    /// How many ports it has, numbered from 0.
    pub(crate) fn ports(&self) -> usize {
        match self {
            Node::Host(host) => host.ports(),
            Node::Machine(machine) => machine.ports(),
        }
    }

    /// Whether anybody is there to take a frame, and has room for it; one more is counted as lost if not.
    pub(crate) fn takes_frames(&mut self) -> bool {
        match self {
            Node::Host(host) => host.takes_frames(),
            Node::Machine(_) => true,
        }
    }
}
