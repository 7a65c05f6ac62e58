//! One direction of a link at work.
//!
//! [`Direction::push`] takes a frame in, [`Direction::pop`] gives what has arrived by a time, and
//! [`Direction::deadline`] tells when something arrives or changes next: one nanosecond before, nothing
//! does. Calls come with times that do not go back; an earlier one is taken as the latest seen. What is
//! due before a push happens before it, each thing at its own time, so that it makes no difference how
//! often the direction is called in between.

use std::collections::VecDeque;

use bytes::Bytes;
use smallvec::SmallVec;
use tickwire_core::Instant;

use super::Stage;
use super::corrupt::Corrupt;
use super::delay::Delaying;
use super::fate::{Act, Cause, Counters, End, Fate};
use super::flap::Flap;
use super::kind::StageKind;
use super::load::Load;
use super::loss::Losing;
use super::mtu::Mtu;
use super::rate::{Rate, Sending};
use crate::draw::{Dice, Draws, Entity, Purpose};

/// Frames that have arrived and were not taken out; what comes on top is dropped.
pub const ARRIVED_MAX: usize = 1 << 16;

/// Fates of dropped frames that were not taken out; the oldest are forgotten and counted.
pub const FATES_MAX: usize = 1 << 16;

/// Errors on their way back that were not taken out; what comes on top is forgotten and counted.
pub const ANSWERS_MAX: usize = 1 << 10;

/// A frame that has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Its bytes.
    pub frame: Bytes,
    /// What became of it: its arrival.
    pub fate: Fate,
}

/// A router's error about a frame, to be pushed into the other direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The name of the frame that it is about.
    pub frame: u64,
    /// The error.
    pub data: Bytes,
}

/// A frame on its way.
#[derive(Clone, Debug)]
pub(super) struct Passing {
    pub(super) frame: u64,
    pub(super) pushed: Instant,
    /// When it came to the rate that it waits for, or did last.
    pub(super) since: Instant,
    pub(super) acts: SmallVec<[Act; 1]>,
    pub(super) data: Bytes,
}

/// What a stage is given beside the frame: the time, its draws, and where frames go on to.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    pub(super) now: Instant,
    healed: bool,
    kind: StageKind,
    dice: &'a mut Dice,
    draws: &'a mut Draws,
    ledger: &'a mut Ledger,
    onward: &'a mut VecDeque<Passing>,
}

impl Scope<'_> {
    /// Once healed, every draw has its calm outcome: no jitter, no early drop.
    pub(super) fn chance(&mut self, purpose: Purpose, ppm: u32) -> bool {
        !self.healed && self.draws.chance(self.dice.throw(purpose), ppm)
    }

    pub(super) fn odds(&mut self, purpose: Purpose, of: u64, total: u64) -> bool {
        !self.healed && self.draws.odds(self.dice.throw(purpose), of, total)
    }

    pub(super) fn below(&mut self, purpose: Purpose, bound: u64) -> u64 {
        if self.healed { 0 } else { self.draws.below(self.dice.throw(purpose), bound) }
    }

    pub(super) fn outcome(&mut self, purpose: Purpose, law: impl FnOnce(u64) -> u64) -> u64 {
        if self.healed { 0 } else { self.draws.outcome(self.dice.throw(purpose), law) }
    }

    /// Lets a frame go on to the next stage.
    pub(super) fn pass(&mut self, passing: Passing) {
        self.onward.push_back(passing);
    }

    /// Lets a frame go on that was not there before.
    pub(super) fn add(&mut self, passing: Passing) {
        self.count();
        self.ledger.counters.added += 1;
        self.onward.push_back(passing);
    }

    /// Counts that the stage did something to a frame.
    pub(super) fn count(&mut self) {
        self.count_as(self.kind);
    }

    pub(super) fn count_as(&mut self, kind: StageKind) {
        self.ledger.count(kind);
    }

    pub(super) fn count_corrupted(&mut self) {
        self.count();
        self.ledger.counters.corrupted += 1;
    }

    pub(super) fn count_marked(&mut self) {
        self.count();
        self.ledger.counters.marked += 1;
    }

    /// Sends an error about a frame back.
    pub(super) fn answer(&mut self, about: &Passing, data: Bytes) {
        if self.ledger.answers.len() == ANSWERS_MAX {
            self.ledger.counters.answers_forgotten += 1;
        } else {
            self.ledger.answers.push_back(Answer { frame: about.frame, data });
        }
    }

    pub(super) fn drop(&mut self, passing: Passing, cause: Cause) {
        self.count();
        self.ledger.drop(passing, cause, self.now);
    }
}

/// What is told of the frames' ends.
#[derive(Clone, Debug, Default)]
struct Ledger {
    counters: Counters,
    dropped: VecDeque<Fate>,
    answers: VecDeque<Answer>,
}

impl Ledger {
    fn count(&mut self, kind: StageKind) {
        *self.counters.acted.entry(kind).or_default() += 1;
    }

    fn drop(&mut self, passing: Passing, cause: Cause, at: Instant) {
        *self.counters.dropped.entry(cause).or_default() += 1;
        if self.dropped.len() == FATES_MAX {
            self.dropped.pop_front();
            self.counters.fates_forgotten += 1;
        }
        let Passing { frame, acts, .. } = passing;
        self.dropped.push_back(Fate { frame, at, acts, end: End::Dropped(cause) });
    }
}

/// A stage at work.
#[derive(Clone, Debug)]
enum Working {
    Rate(Box<Sending>),
    Loss(Losing),
    Duplicate { ppm: u32 },
    Corrupt(Corrupt),
    Delay(Delaying),
    Flap(Flap),
    Mtu(Mtu),
}

impl Working {
    fn new(stage: Stage) -> Working {
        match stage {
            Stage::Rate(rate) => Working::Rate(Box::new(Sending::new(rate))),
            Stage::Loss(loss) => Working::Loss(Losing::new(loss)),
            Stage::Duplicate { ppm } => Working::Duplicate { ppm },
            Stage::Corrupt(corrupt) => Working::Corrupt(corrupt),
            Stage::Flap(flap) => Working::Flap(flap),
            Stage::Mtu(mtu) => Working::Mtu(mtu),
            Stage::Delay(delay) => Working::Delay(Delaying::new(delay)),
        }
    }

    fn offer(&mut self, passing: Passing, scope: &mut Scope<'_>) {
        match self {
            Working::Rate(sending) => sending.offer(passing, scope),
            Working::Loss(losing) => losing.offer(passing, scope),
            Working::Duplicate { ppm } => {
                let copy = scope.chance(Purpose::Duplicate, *ppm).then(|| passing.clone());
                scope.pass(passing);
                if let Some(mut copy) = copy {
                    copy.acts.push(Act::Duplicate);
                    scope.add(copy);
                }
            }
            Working::Corrupt(corrupt) => corrupt.offer(passing, scope),
            Working::Delay(delaying) => delaying.offer(passing, scope),
            Working::Flap(flap) => flap.offer(passing, scope),
            Working::Mtu(mtu) => mtu.offer(passing, scope),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match self {
            Working::Rate(sending) => sending.deadline(),
            Working::Delay(delaying) => delaying.deadline(),
            _ => None,
        }
    }

    fn fire(&mut self, scope: &mut Scope<'_>) {
        match self {
            Working::Rate(sending) => sending.fire(scope),
            Working::Delay(delaying) => delaying.fire(scope),
            _ => {}
        }
    }

    fn holds(&self) -> usize {
        match self {
            Working::Rate(sending) => sending.holds(),
            Working::Delay(delaying) => delaying.holds(),
            _ => 0,
        }
    }
}

/// A stage in its place.
#[derive(Clone, Debug)]
struct Placed {
    kind: StageKind,
    working: Working,
    dice: Dice,
}

/// A direction of a link: its stages and what is in them.
#[derive(Clone, Debug)]
pub struct Direction {
    stages: Vec<Placed>,
    now: Instant,
    cut: bool,
    healed: bool,
    arrived: VecDeque<Outgoing>,
    ledger: Ledger,
    onward: VecDeque<Passing>,
}

impl Direction {
    /// An empty direction. `link` is the number under which its draws are named, `toward_b` says which
    /// of the link's two directions it is. Stages beyond the 256th share their names with others.
    pub fn new(stages: Vec<Stage>, link: u32, toward_b: bool) -> Direction {
        let numbered = stages.into_iter().enumerate();
        let stages = numbered.map(|(place, stage)| {
            let entity = Entity::Link { link, toward_b, stage: place as u8 };
            Placed { kind: StageKind::of(&stage), working: Working::new(stage), dice: Dice::new(entity) }
        });
        Direction {
            stages: stages.collect(),
            now: Instant::ZERO,
            cut: false,
            healed: false,
            arrived: VecDeque::new(),
            ledger: Ledger::default(),
            onward: VecDeque::new(),
        }
    }

    /// Takes in a frame. `name` is the caller's: fates tell it.
    pub fn push(&mut self, now: Instant, name: u64, frame: Bytes, draws: &mut Draws) {
        self.take_in(now, name, frame, SmallVec::new(), draws);
    }

    /// Takes in an error from the other direction. Its fate has the name of the frame that it is about.
    pub fn push_answer(&mut self, now: Instant, answer: Answer, draws: &mut Draws) {
        self.take_in(now, answer.frame, answer.data, [Act::Error].into_iter().collect(), draws);
    }

    fn take_in(&mut self, now: Instant, name: u64, data: Bytes, acts: SmallVec<[Act; 1]>, draws: &mut Draws) {
        self.advance(now, draws);
        self.ledger.counters.pushed += 1;
        let passing = Passing { frame: name, pushed: self.now, since: self.now, acts, data };
        if self.cut {
            self.ledger.count(StageKind::Cut);
            self.ledger.drop(passing, Cause::Partition, self.now);
        } else {
            self.onward.push_back(passing);
            self.go_on(0, self.now, draws);
        }
    }

    /// The next frame that has arrived by `now`.
    pub fn pop(&mut self, now: Instant, draws: &mut Draws) -> Option<Outgoing> {
        self.advance(now, draws);
        self.arrived.pop_front()
    }

    /// The next error that is to go back, through [`Direction::push_answer`] of the other direction.
    pub fn pop_answer(&mut self) -> Option<Answer> {
        self.ledger.answers.pop_front()
    }

    /// When something arrives or changes next; a past time if something has arrived already. `None` if
    /// nothing will unless a frame is pushed.
    pub fn deadline(&self) -> Option<Instant> {
        let arrived = self.arrived.front().map(|outgoing| outgoing.fate.at);
        arrived.or_else(|| self.stages.iter().filter_map(|stage| stage.working.deadline()).min())
    }

    /// The fate of a frame that was dropped, in the order in which they were.
    pub fn pop_dropped(&mut self) -> Option<Fate> {
        self.ledger.dropped.pop_front()
    }

    /// Cuts the direction, or mends it. While it is cut, what is pushed is dropped; what is on its way
    /// already arrives.
    pub fn set_cut(&mut self, cut: bool) {
        self.cut = cut;
    }

    /// Ends all faults for good: losses, duplicates, corruption, a flap, a black hole, the present cut. What
    /// the path is made of stays: rates and queues, delays (the calm ones), a router's MTU.
    pub fn heal(&mut self) {
        self.cut = false;
        self.healed = true;
    }

    /// What was done so far.
    pub fn counters(&self) -> &Counters {
        &self.ledger.counters
    }

    /// Frames that went in, or were made, and have neither arrived nor been dropped.
    pub fn waiting(&self) -> usize {
        self.stages.iter().map(|stage| stage.working.holds()).sum::<usize>()
    }

    /// Frames that wait for the sender of a rate stage, or are being sent.
    pub fn queued(&self) -> usize {
        let rates = self.stages.iter().filter(|stage| matches!(stage.working, Working::Rate(_)));
        rates.map(|stage| stage.working.holds()).sum()
    }

    /// The rates, in the order of their stages, and what each has done.
    pub fn loads(&self) -> impl Iterator<Item = (Rate, &Load)> {
        self.stages.iter().filter_map(|stage| match &stage.working {
            Working::Rate(sending) => Some(sending.load()),
            _ => None,
        })
    }

    /// Does all that is due by `now`, each thing at its time. Of two stages with something due at once
    /// the one nearer to the end is first: what came earlier goes on before what comes later.
    fn advance(&mut self, now: Instant, draws: &mut Draws) {
        let now = now.max(self.now);
        loop {
            let due =
                self.stages.iter().enumerate().filter_map(|(place, stage)| Some((stage.working.deadline()?, place)));
            let next = due.min_by_key(|(at, place)| (*at, usize::MAX - place));
            let Some((at, place)) = next.filter(|(at, _)| *at <= now) else { break };
            self.now = at;
            let Placed { kind, working, dice } = &mut self.stages[place];
            let (ledger, onward) = (&mut self.ledger, &mut self.onward);
            working.fire(&mut Scope { now: at, healed: self.healed, kind: *kind, dice, draws, ledger, onward });
            self.go_on(place + 1, at, draws);
        }
        self.now = now;
    }

    /// Takes the frames in `onward` through the stages from `place` on, each as far as it gets.
    fn go_on(&mut self, place: usize, now: Instant, draws: &mut Draws) {
        for Placed { kind, working, dice } in self.stages.iter_mut().skip(place) {
            if self.healed && kind.is_fault() {
                continue;
            }
            for _ in 0..self.onward.len() {
                let Some(passing) = self.onward.pop_front() else { break };
                let (ledger, onward) = (&mut self.ledger, &mut self.onward);
                working
                    .offer(passing, &mut Scope { now, healed: self.healed, kind: *kind, dice, draws, ledger, onward });
            }
        }
        while let Some(passing) = self.onward.pop_front() {
            self.arrive(passing, now);
        }
    }

    fn arrive(&mut self, passing: Passing, now: Instant) {
        if self.arrived.len() == ARRIVED_MAX {
            self.ledger.drop(passing, Cause::NotTaken, now);
            return;
        }
        self.ledger.counters.delivered += 1;
        let Passing { frame, pushed, acts, data, .. } = passing;
        let fate = Fate { frame, at: now, acts, end: End::Delivered { after: now.since(pushed) } };
        self.arrived.push_back(Outgoing { frame: data, fate });
    }
}
