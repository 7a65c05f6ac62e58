//! A link that goes down and comes up again by plan.

use serde::{Deserialize, Serialize};
use tickwire_core::Instant;
use tickwire_core::time::Duration;

use super::direction::{Passing, Scope};
use super::fate::Cause;
use super::text;

/// When a link is down. What comes to it then is dropped; what has passed it goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Flap {
    /// At certain times.
    Outages(Vec<Outage>),
    /// Up and down by turns, for ever.
    Periodic {
        /// When it goes down first.
        #[serde(with = "text::instant")]
        from: Instant,
        /// How long it is down each time.
        #[serde(with = "text::duration")]
        down: Duration,
        /// How long it is up in between.
        #[serde(with = "text::duration")]
        up: Duration,
    },
}

/// Once down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Outage {
    /// From when.
    #[serde(with = "text::instant")]
    pub from: Instant,
    /// For how long.
    #[serde(with = "text::duration")]
    pub down: Duration,
}

impl Flap {
    /// Whether the link is down at a time. It goes down at the first nanosecond of an outage and is up
    /// again at the first one after it.
    pub fn is_down(&self, at: Instant) -> bool {
        match self {
            Flap::Outages(outages) => {
                outages.iter().any(|Outage { from, down }| *from <= at && at.since(*from) < *down)
            }
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
