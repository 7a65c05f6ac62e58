//! When a failure is noticed: a run goes no further than that.
//!
//! An oracle about frames, connections or streams speaks at the event that breaks its rule, and a panic is at its
//! event. What is judged of whole runs is noticed when that is: deliveries and causes when the time to deliver is over,
//! what is left in stacks, populations and expectations at the end.

use serde::{Deserialize, Serialize};
use tickwire_core::Seed;

use super::Scenario;
use super::build::Built;
use super::course::Course;
use super::run::Failed;
use crate::caught;
use crate::draw::Tape;

/// After so many events it is looked whether there were too many frames.
const LOOK: u64 = 64;

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

impl Scenario {
    /// The first failure of a run, with how far the run was. `None` if nothing fails, and of what cannot be built.
    pub fn first_failure(&self, seed: &Seed) -> Option<Noticed> {
        self.until(seed, u64::MAX, |_| true).map(|(noticed, _)| noticed)
    }

    /// Runs it until a failure is noticed that `is_it` knows, with the draws until then that made a difference. `None`
    /// if there is no such failure before there are more than so many frames on the links.
    pub(crate) fn until(
        &self,
        seed: &Seed,
        frames_max: u64,
        is_it: impl Fn(&Failed) -> bool,
    ) -> Option<(Noticed, Tape)> {
        let mut built = self.build(seed).ok()?;
        built.world.keep_trace(false);
        built.world.record_draws();
        let mut course = Course::new(self, built);
        let told = |failed, built: &Built| {
            let noticed = Noticed::now(failed, built);
            (noticed.frames <= frames_max).then(|| (noticed, built.world.tape().clone()))
        };
        let (mut known, mut events) = (0, 0_u64);
        loop {
            let done = match caught::catch(|| course.step(1)) {
                Ok(done) => done,
                Err(panicked) => return is_it(&panicked).then(|| told(panicked, course.built()))?,
            };
            if course.found() > known {
                known = course.found();
                if let Some(failed) = course.failures().into_iter().find(&is_it) {
                    return told(failed, course.built());
                }
            }
            events += 1;
            if done == 0 {
                break;
            }
            if events.is_multiple_of(LOOK) && frames_on_links(course.built()) > frames_max {
                return None;
            }
        }
        let (frames, nanos) = (frames_on_links(course.built()), course.built().world.now().as_nanos());
        let tape = course.built().world.tape().clone();
        let failures = caught::catch(|| course.finish().0.failures).unwrap_or_else(|panicked| vec![panicked]);
        let failed = failures.into_iter().find(&is_it).filter(|_| frames <= frames_max)?;
        Some((Noticed { failed, frames, nanos }, tape))
    }
}
