//! Programs: applications that are code, not data. What runs them is no part of a world; it is lent to the world
//! for as long as that goes on.

use tickwire_core::{Event, Instant, Stack};

use crate::fault::Fault;
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

/// The programs of all hosts.
pub(crate) trait Programs {
    /// A turn of `host`, after its scripts: its programs do what they can do at `moment`. `events` are those of the
    /// stack since the last call. Returns when, by the host's clock, they want to be called again without any.
    fn run(&mut self, host: HostId, stack: &mut Box<Stack>, moment: Moment, events: &[Event]) -> Option<Instant>;

    /// A fault has befallen a host or a link.
    fn befall(&mut self, fault: Fault);
}

/// A world all of whose applications are data has none.
pub(crate) struct NoPrograms;

impl Programs for NoPrograms {
    fn run(&mut self, _: HostId, _: &mut Box<Stack>, _: Moment, _: &[Event]) -> Option<Instant> {
        None
    }

    fn befall(&mut self, _: Fault) {}
}
