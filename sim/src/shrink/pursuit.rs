//! What is pursued: a failure of a run; of two runs that should be one; of a run and the same in other words.

use super::Seed;
use crate::caught;
use crate::draw::Tape;
use crate::oracle::Oracle;
use crate::scenario::{Course, Failed, Noticed, Outcome, Patience, Scenario, frames_on_links, metamorphic};

/// A failure that is pursued.
#[derive(Debug)]
pub(super) struct Pursuit<'a> {
    seed: &'a Seed,
    target: &'a Failed,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// A run fails.
    Run,
    /// Two runs differ.
    Twice,
    /// Applications see something else in these words.
    OtherWords(&'static str),
}

impl<'a> Pursuit<'a> {
    /// Of a failure of a scenario, which may be one of a pair of runs.
    pub(super) fn new(scenario: &Scenario, seed: &'a Seed, target: &'a Failed) -> Pursuit<'a> {
        let other_words = variant(scenario, target).map(|(what, _)| Kind::OtherWords(what));
        let twice = (target.oracle == Failed::DETERMINISM).then_some(Kind::Twice);
        Pursuit { seed, target, kind: other_words.or(twice).unwrap_or(Kind::Run) }
    }

    /// How many runs it takes to see whether a scenario fails.
    pub(super) const fn runs(&self) -> u32 {
        match self.kind {
            Kind::Run => 1,
            Kind::Twice | Kind::OtherWords(_) => 2,
        }
    }

    /// Runs a scenario, and tells how far it was when it failed alike, and the draws by then that made a difference.
    /// `None` if it does not, or patience is over.
    pub(super) fn fails(&self, scenario: &Scenario, patience: Patience) -> Option<(Noticed, Tape)> {
        match self.kind {
            Kind::Run => scenario.until(self.seed, patience, |failed| self.is_alike(failed)),
            Kind::Twice => caught::catch(|| self.twice(scenario, patience)).ok()?,
            Kind::OtherWords(what) => caught::catch(|| self.in_other_words(scenario, what, patience)).ok()?,
        }
    }

    fn is_alike(&self, failed: &Failed) -> bool {
        failed.oracle == self.target.oracle && failed.signature == self.target.signature
    }

    /// Two runs side by side, until they differ: the frames are those of one of them.
    fn twice(&self, scenario: &Scenario, patience: Patience) -> Option<(Noticed, Tape)> {
        let mut pair = [self.course(scenario)?, self.course(scenario)?];
        for events in 1_u64.. {
            let [first, second] = pair.each_mut().map(|run| run.step(1));
            let [a, b] = pair.each_ref().map(|run| run.built().world.history_hash());
            let built = pair[0].built();
            if first != second || a != b {
                let text = format!("two runs differ from event {events} on, at {}", built.world.now());
                let noticed = Noticed::now(Failed::divergence(&text), built);
                return patience.lasts(built).then(|| (noticed, built.world.tape().clone()));
            }
            if first == 0 || !patience.lasts_after(events, built) {
                break;
            }
        }
        None
    }

    /// The scenario as it is and in other words, both to their ends: the frames are those of both.
    fn in_other_words(&self, scenario: &Scenario, what: &'static str, patience: Patience) -> Option<(Noticed, Tape)> {
        let (told, frames, mut tape) = self.ran(scenario, patience).filter(|(told, ..)| told.failures.is_empty())?;
        let (_, variant) = metamorphic::variants(scenario).into_iter().find(|(other, _)| *other == what)?;
        let left = Patience { frames: patience.frames.checked_sub(frames)?, ..patience };
        let (outcome, more, other) = self.ran(&variant, left)?;
        let (frames, nanos) = (frames + more, outcome.nanos);
        let failed = metamorphic::failure(scenario, &told, what, outcome).filter(|failed| self.is_alike(failed))?;
        tape.extend(other);
        Some((Noticed { failed, frames, nanos }, tape))
    }

    /// A run to its end, with its frames, and the draws that made a difference. `None` if patience is over before.
    fn ran(&self, scenario: &Scenario, patience: Patience) -> Option<(Outcome, u64, Tape)> {
        let mut course = self.course(scenario)?;
        while course.step(Patience::LOOK) > 0 {
            if !patience.lasts(course.built()) {
                return None;
            }
        }
        let (outcome, built) = course.finish();
        Some((outcome, frames_on_links(&built), built.world.tape().clone()))
    }

    /// A run that is watched, at its start. `None` of what cannot be built.
    fn course<'s>(&self, scenario: &'s Scenario) -> Option<Course<'s>> {
        let mut built = scenario.build(self.seed).ok()?;
        built.world.keep_trace(false);
        built.world.record_draws();
        Some(Course::new(scenario, built))
    }
}

/// The words in which a scenario fails, if it is so that `target` says, and what it is in these words.
pub(super) fn variant(scenario: &Scenario, target: &Failed) -> Option<(&'static str, Scenario)> {
    let is_it = |what: &str| target.signature.strip_prefix("with ").is_some_and(|rest| rest.starts_with(what));
    let variants = (target.oracle == Oracle::Metamorphic.name()).then(|| metamorphic::variants(scenario));
    variants?.into_iter().find(|(what, _)| is_it(what))
}
