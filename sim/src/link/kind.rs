//! Kinds of stages, by name: what a campaign can have reached.

use std::fmt;

use super::{Corrupt, Law, Loss, Queue, Stage};

/// A kind of stage, or a way in which one acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StageKind {
    /// A rate: a frame waited for one before it.
    Rate,
    /// A full queue that drops what comes.
    TailDrop,
    /// A full queue that drops its oldest.
    HeadDrop,
    /// `CoDel`.
    CoDel,
    /// FQ-CoDel.
    FqCoDel,
    /// RED.
    Red,
    /// A queue with a marking step.
    Step,
    /// Independent losses.
    Bernoulli,
    /// Losses in bursts.
    GilbertElliott,
    /// Every nth lost.
    EveryNth,
    /// Losses by number.
    Ordinals,
    /// Losses by kind of frame.
    Matching,
    /// Duplicates.
    Duplicate,
    /// Damage that a checksum notices.
    BreakChecksum,
    /// Damage that none notices.
    KeepChecksum,
    /// Frames cut short.
    Truncate,
    /// A constant delay, not zero.
    Constant,
    /// A uniform delay.
    Uniform,
    /// A normal delay.
    Normal,
    /// A Pareto delay.
    Pareto,
    /// A delay that lets a frame overtake another.
    Overtake,
    /// A router with a smaller MTU, which says so.
    Mtu,
    /// A smaller MTU of which nobody tells.
    BlackHole,
    /// A link that goes down by plan.
    Flap,
    /// A cut by the timeline.
    Cut,
}

impl StageKind {
    /// All kinds.
    pub const ALL: [StageKind; 25] = [
        StageKind::Rate,
        StageKind::TailDrop,
        StageKind::HeadDrop,
        StageKind::CoDel,
        StageKind::FqCoDel,
        StageKind::Red,
        StageKind::Step,
        StageKind::Bernoulli,
        StageKind::GilbertElliott,
        StageKind::EveryNth,
        StageKind::Ordinals,
        StageKind::Matching,
        StageKind::Duplicate,
        StageKind::BreakChecksum,
        StageKind::KeepChecksum,
        StageKind::Truncate,
        StageKind::Constant,
        StageKind::Uniform,
        StageKind::Normal,
        StageKind::Pareto,
        StageKind::Overtake,
        StageKind::Mtu,
        StageKind::BlackHole,
        StageKind::Flap,
        StageKind::Cut,
    ];

    /// The kind under which a stage's deeds are counted; of a rate, that of its queue.
    pub(super) fn of(stage: &Stage) -> StageKind {
        match stage {
            Stage::Rate(rate) => match rate.queue {
                Queue::TailDrop => StageKind::TailDrop,
                Queue::HeadDrop => StageKind::HeadDrop,
                Queue::CoDel(_) => StageKind::CoDel,
                Queue::FqCoDel(_) => StageKind::FqCoDel,
                Queue::Red(_) => StageKind::Red,
                Queue::Step(_) => StageKind::Step,
            },
            Stage::Loss(loss) => match loss {
                Loss::Bernoulli { .. } => StageKind::Bernoulli,
                Loss::GilbertElliott(_) => StageKind::GilbertElliott,
                Loss::EveryNth(_) => StageKind::EveryNth,
                Loss::Ordinals(_) => StageKind::Ordinals,
                Loss::Matching { .. } => StageKind::Matching,
            },
            Stage::Duplicate { .. } => StageKind::Duplicate,
            Stage::Corrupt(corrupt) => match corrupt {
                Corrupt::BreakChecksum { .. } => StageKind::BreakChecksum,
                Corrupt::KeepChecksum { .. } => StageKind::KeepChecksum,
                Corrupt::Truncate { .. } => StageKind::Truncate,
            },
            Stage::Delay(delay) => match delay.law {
                Law::Constant(_) => StageKind::Constant,
                Law::Uniform { .. } => StageKind::Uniform,
                Law::Normal { .. } => StageKind::Normal,
                Law::Pareto { .. } => StageKind::Pareto,
            },
            Stage::Mtu(mtu) if mtu.router.is_some() => StageKind::Mtu,
            Stage::Mtu(_) => StageKind::BlackHole,
            Stage::Flap(_) => StageKind::Flap,
        }
    }

    /// Whether such a stage is a fault, which ends when a link is healed. Rates, queues, delays and a
    /// router's MTU are properties of the path and stay.
    pub(super) const fn is_fault(self) -> bool {
        matches!(
            self,
            StageKind::Bernoulli
                | StageKind::GilbertElliott
                | StageKind::EveryNth
                | StageKind::Ordinals
                | StageKind::Matching
                | StageKind::Duplicate
                | StageKind::BreakChecksum
                | StageKind::KeepChecksum
                | StageKind::Truncate
                | StageKind::BlackHole
                | StageKind::Flap
                | StageKind::Cut
        )
    }

    /// Its name, as in the text of a link.
    pub const fn name(self) -> &'static str {
        match self {
            StageKind::Rate => "rate",
            StageKind::TailDrop => "tail-drop",
            StageKind::HeadDrop => "head-drop",
            StageKind::CoDel => "codel",
            StageKind::FqCoDel => "fq-codel",
            StageKind::Red => "red",
            StageKind::Step => "step",
            StageKind::Bernoulli => "bernoulli",
            StageKind::GilbertElliott => "gilbert-elliott",
            StageKind::EveryNth => "every-nth",
            StageKind::Ordinals => "ordinals",
            StageKind::Matching => "matching",
            StageKind::Duplicate => "duplicate",
            StageKind::BreakChecksum => "break-checksum",
            StageKind::KeepChecksum => "keep-checksum",
            StageKind::Truncate => "truncate",
            StageKind::Constant => "constant",
            StageKind::Uniform => "uniform",
            StageKind::Normal => "normal",
            StageKind::Pareto => "pareto",
            StageKind::Overtake => "overtake",
            StageKind::Mtu => "mtu",
            StageKind::BlackHole => "black-hole",
            StageKind::Flap => "flap",
            StageKind::Cut => "cut",
        }
    }
}

impl fmt::Display for StageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
