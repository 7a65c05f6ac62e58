//! Programs: applications that are code, not data. What runs them is no part of a world; it is lent to the world
//! for as long as that goes on.

use tickwire_core::{Event, Instant, Stack};

use crate::fault::Fault;
use crate::node::host::Sent;
use crate::world::HostId;

/// What a host's two clocks show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// The one that everything runs by.
    pub(crate) monotonic: Instant,
    /// The wall clock: nanoseconds since 1970.
    pub(crate) unix_nanos: u64,
}

impl Default for Moment {
    fn default() -> Moment {
        Moment { monotonic: Instant::ZERO, unix_nanos: 0 }
    }
}

/// A host's turn, as its programs see it.
pub(crate) struct Turn<'a> {
    /// Boxed, for it to be moved to where they find it.
    pub(crate) stack: &'a mut Box<Stack>,
    pub(crate) moment: Moment,
    /// What the stack told since they were called last.
    pub(crate) events: &'a [Event],
    /// Takes the frames that leave; `None` while the host's devices take none.
    pub(crate) sent: Option<&'a mut Vec<Sent>>,
}

/// The programs of all hosts.
pub(crate) trait Programs {
    /// In a turn of `host`, after its scripts, its programs do what they can do. Returns when, by the host's clock,
    /// they want to be called again though nothing happens.
    fn run(&mut self, host: HostId, turn: Turn<'_>) -> Option<Instant>;

    /// A fault has befallen a host or a link.
    fn befall(&mut self, fault: Fault);
}

/// A world all of whose applications are data has none.
pub(crate) struct NoPrograms;

impl Programs for NoPrograms {
    fn run(&mut self, _: HostId, _: Turn<'_>) -> Option<Instant> {
        None
    }

    fn befall(&mut self, _: Fault) {}
}
