//! When a failure is noticed: a run goes no further than that.
//!
//! An oracle about frames, connections or streams speaks at the event that breaks its rule, and a panic is at its
//! event. What is judged of whole runs is noticed when that is: deliveries and causes when the time to deliver is over,
//! what is left in stacks, populations and expectations at the end.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use tickwire_core::Seed;

use super::Scenario;
use super::build::Built;
use super::course::Course;
use super::run::Failed;
use crate::caught;
use crate::draw::Tape;

/// A failure, and how far the run was when it was noticed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noticed {
    /// What went wrong.
    pub failed: Failed,
    /// Frames on all links by then, each counted once per link: what was sent into them, and what they have added
    /// (copies, fragments, errors on their way back).
    pub frames: u64,
    /// When, in nanoseconds.
    pub nanos: u64,
}

impl Noticed {
    /// As a run is now.
    pub(crate) fn now(failed: Failed, built: &Built) -> Noticed {
        Noticed { failed, frames: frames_on_links(built), nanos: built.world.now().as_nanos() }
    }
}

/// Frames on all links so far, each counted once per link.
pub(crate) fn frames_on_links(built: &Built) -> u64 {
    let counters = built.links.iter().flat_map(|link| built.world.link_counters(*link));
    counters.map(|counters| counters.pushed + counters.added).sum()
}

/// How far a run is gone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Frames on all links, at most.
    pub(crate) frames: u64,
    /// Until when there is time for it.
    pub(crate) time: Option<Instant>,
}

impl Patience {
    /// After so many events it is looked whether it is over.
    pub(crate) const LOOK: u64 = 64;
    /// To its end.
    pub(crate) const ENDLESS: Patience = Patience { frames: u64::MAX, time: None };

    /// Whether it lasts for a run as it is now.
    pub(crate) fn lasts(self, built: &Built) -> bool {
        frames_on_links(built) <= self.frames && self.time.is_none_or(|time| Instant::now() < time)
    }

    /// The same after so many events; it is looked now and then.
    pub(crate) fn lasts_after(self, events: u64, built: &Built) -> bool {
        !events.is_multiple_of(Patience::LOOK) || self.lasts(built)
    }
}

impl Scenario {
    /// The first failure of a run, with how far the run was. `None` if nothing fails, and of what cannot be built.
    pub fn first_failure(&self, seed: &Seed) -> Option<Noticed> {
        self.until(seed, Patience::ENDLESS, |_| true).map(|(noticed, _)| noticed)
    }

    /// Runs it until a failure is noticed that `is_it` knows, with the draws until then that made a difference. `None`
    /// if there is no such failure while patience lasts.
    pub(crate) fn until(
        &self,
        seed: &Seed,
        patience: Patience,
        is_it: impl Fn(&Failed) -> bool,
    ) -> Option<(Noticed, Tape)> {
        let mut built = self.build(seed).ok()?;
        built.world.keep_trace(false);
        built.world.record_draws();
        let mut course = Course::new(self, built);
        for events in 1_u64.. {
            let done = match caught::catch(|| course.step(1)) {
                Ok(done) => done,
                Err(panicked) => return is_it(&panicked).then(|| told(panicked, patience, course.built()))?,
            };
            if let Some(failed) = course.news().into_iter().find(&is_it) {
                return told(failed, patience, course.built());
            }
            if done == 0 {
                break;
            }
            if !patience.lasts_after(events, course.built()) {
                return None;
            }
        }
        // What is judged at the end changes nothing.
        let (mut noticed, tape) = told(Failed::new("", String::new()), patience, course.built())?;
        let failures = caught::catch(|| course.finish().0.failures).unwrap_or_else(|panicked| vec![panicked]);
        noticed.failed = failures.into_iter().find(&is_it)?;
        Some((noticed, tape))
    }
}

/// A failure that is noticed now, and the draws until now, while patience lasts.
fn told(failed: Failed, patience: Patience, built: &Built) -> Option<(Noticed, Tape)> {
    patience.lasts(built).then(|| (Noticed::now(failed, built), built.world.tape().clone()))
}
