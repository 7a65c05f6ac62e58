//! A hub: the shared wire of old, without its collisions.

use bytes::Bytes;

use super::Outbox;

/// A repeater with a number of ports. What arrives at one leaves by all others, at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hub {
    ports: usize,
}

impl Hub {
    /// A hub with so many ports.
    pub const fn new(ports: usize) -> Hub {
        Hub { ports }
    }

    pub(crate) fn ports(self) -> usize {
        self.ports
    }

    pub(crate) fn receive(self, port: usize, frame: &Bytes, out: &mut Outbox) {
        out.extend((0..self.ports).filter(|other| *other != port).map(|other| (other, frame.clone())));
    }
}
