//! What is pursued: a failure of a run; of two runs that should be one; of a run and the same in other words.

use super::Seed;
use crate::caught;
use crate::draw::Tape;
use crate::oracle::Oracle;
use crate::scenario::{Course, Failed, Noticed, Outcome, Scenario, frames_on_links, metamorphic};

/// After so many events it is looked whether there were too many frames.
const LOOK: u64 = 64;

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
    /// `None` if it does not, or takes more frames.
    pub(super) fn fails(&self, scenario: &Scenario, frames_max: u64) -> Option<(Noticed, Tape)> {
        match self.kind {
            Kind::Run => scenario.until(self.seed, frames_max, |failed| self.is_alike(failed)),
            Kind::Twice => caught::catch(|| self.twice(scenario, frames_max)).ok()?,
            Kind::OtherWords(what) => caught::catch(|| self.in_other_words(scenario, what, frames_max)).ok()?,
        }
    }

    fn is_alike(&self, failed: &Failed) -> bool {
        failed.oracle == self.target.oracle && failed.signature == self.target.signature
    }

    /// Two runs side by side, until they differ: the frames are those of one of them.
    fn twice(&self, scenario: &Scenario, frames_max: u64) -> Option<(Noticed, Tape)> {
        let course = || {
            let mut built = scenario.build(self.seed).ok()?;
            built.world.keep_trace(false);
            built.world.record_draws();
            Some(Course::new(scenario, built))
        };
        let mut pair = [course()?, course()?];
        for events in 1_u64.. {
            let [first, second] = pair.each_mut().map(|run| run.step(1));
            let [a, b] = pair.each_ref().map(|run| run.built().world.history_hash());
            let built = pair[0].built();
            if first != second || a != b {
                let text = format!("two runs differ from event {events} on, at {}", built.world.now());
                let noticed = Noticed::now(Failed::divergence(&text), built);
                return (noticed.frames <= frames_max).then(|| (noticed, built.world.tape().clone()));
            }
            if first == 0 || events.is_multiple_of(LOOK) && frames_on_links(built) > frames_max {
                break;
            }
        }
        None
    }

    /// The scenario as it is and in other words, both to their ends: the frames are those of both.
    fn in_other_words(&self, scenario: &Scenario, what: &'static str, frames_max: u64) -> Option<(Noticed, Tape)> {
        let (told, frames, mut tape) = self.ran(scenario)?;
        let (_, variant) = metamorphic::variants(scenario).into_iter().find(|(other, _)| *other == what)?;
        let (outcome, more, other) = self.ran(&variant)?;
        let (frames, nanos) = (frames + more, outcome.nanos);
        let plain = told.failures.is_empty() && frames <= frames_max;
        let failed =
            metamorphic::failure(scenario, &told, what, outcome).filter(|failed| plain && self.is_alike(failed))?;
        tape.extend(other);
        Some((Noticed { failed, frames, nanos }, tape))
    }

    fn ran(&self, scenario: &Scenario) -> Option<(Outcome, u64, Tape)> {
        let mut built = scenario.build(self.seed).ok()?;
        built.world.keep_trace(false);
        built.world.record_draws();
        let (outcome, built) = scenario.run_built(built);
        Some((outcome, frames_on_links(&built), built.world.tape().clone()))
    }
}

/// The words in which a scenario fails, if it is so that `target` says, and what it is in these words.
pub(super) fn variant(scenario: &Scenario, target: &Failed) -> Option<(&'static str, Scenario)> {
    let is_it = |what: &str| target.signature.strip_prefix("with ").is_some_and(|rest| rest.starts_with(what));
    let variants = (target.oracle == Oracle::Metamorphic.name()).then(|| metamorphic::variants(scenario));
    variants?.into_iter().find(|(what, _)| is_it(what))
}
