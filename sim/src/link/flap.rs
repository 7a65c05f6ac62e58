//! A link that goes down and comes up again by plan.

use tickwire_core::Instant;
use tickwire_core::time::Duration;

use super::direction::{Passing, Scope};
use super::fate::Cause;

/// When a link is down. What comes to it then is dropped; what has passed it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flap {
    /// From each of these times, for so long.
    Outages(Vec<(Instant, Duration)>),
    /// Up and down by turns, for ever.
    Periodic {
        /// When it goes down first.
        from: Instant,
        /// How long it is down each time.
        down: Duration,
        /// How long it is up in between.
        up: Duration,
    },
}

impl Flap {
    /// Whether the link is down at a time. It goes down at the first nanosecond of an outage and is up
    /// again at the first one after it.
    pub fn is_down(&self, at: Instant) -> bool {
        match self {
            Flap::Outages(outages) => outages.iter().any(|(from, down)| *from <= at && at.since(*from) < *down),
            Flap::Periodic { from, down, up } => {
                let period = (*down + *up).as_nanos().max(1);
                *from <= at && at.since(*from).as_nanos() % period < down.as_nanos()
            }
        }
    }

    pub(super) fn offer(&self, passing: Passing, scope: &mut Scope<'_>) {
        if self.is_down(scope.now) {
            scope.drop(passing, Cause::Down);
        } else {
            scope.pass(passing);
        }
    }
}
