//! What a link did to a frame: its fate, and the counters of all fates.

use std::collections::BTreeMap;
use std::fmt;

use smallvec::SmallVec;
use tickwire_core::Instant;
use tickwire_core::time::Duration;

use super::kind::StageKind;
use super::pattern::Pattern;

/// Why a frame was dropped. Each cause belongs to one kind of stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Cause {
    /// The direction is cut: a partition.
    Partition,
    /// The link was down ([`Flap`](super::Flap)).
    Down,
    /// Lost by chance, each frame for itself ([`Loss::Bernoulli`](super::Loss::Bernoulli)).
    Loss,
    /// Lost in the good state of [`GilbertElliott`](super::GilbertElliott).
    LossInGood,
    /// Lost in its bad state.
    LossInBad,
    /// It was the nth ([`Loss::EveryNth`](super::Loss::EveryNth)).
    EveryNth,
    /// Its ordinal was on the list ([`Loss::Ordinals`](super::Loss::Ordinals)).
    Listed,
    /// It was one of a kind that was to be lost ([`Loss::Matching`](super::Loss::Matching)).
    Matched(Pattern),
    /// The queue was full and it came last.
    QueueFull,
    /// The queue was full and it was the oldest in it.
    HeadDropped,
    /// `CoDel` dropped it.
    CoDel,
    /// The queue was full, and it was among the oldest of its longest flow (FQ-CoDel).
    LongestFlow,
    /// RED chose it.
    RedEarly,
    /// RED drops all above its upper threshold.
    RedForced,
    /// It cannot be marked, and the queue was above its step.
    NotEct,
    /// It was longer than a hop takes, and a router was there to say so.
    TooBig,
    /// It was longer than a hop takes, and nobody says so.
    BlackHole,
    /// More frames were on their way than the delay stage holds.
    InFlightFull,
    /// More frames had passed than were taken out.
    NotTaken,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Partition => f.write_str("partition"),
            Cause::Down => f.write_str("link down"),
            Cause::Loss => f.write_str("random loss"),
            Cause::LossInGood => f.write_str("random loss, good state"),
            Cause::LossInBad => f.write_str("burst loss, bad state"),
            Cause::EveryNth => f.write_str("every nth is lost"),
            Cause::Listed => f.write_str("listed to be lost"),
            Cause::Matched(pattern) => write!(f, "{pattern} to be lost"),
            Cause::QueueFull => f.write_str("queue full"),
            Cause::HeadDropped => f.write_str("queue full, oldest out"),
            Cause::CoDel => f.write_str("CoDel"),
            Cause::LongestFlow => f.write_str("queue full, oldest of its longest flow out"),
            Cause::RedEarly => f.write_str("RED, by chance"),
            Cause::RedForced => f.write_str("RED, above its upper threshold"),
            Cause::TooBig => f.write_str("longer than the MTU of a router's next hop"),
            Cause::BlackHole => f.write_str("longer than the MTU of a hop that says nothing"),
            Cause::NotEct => f.write_str("queue above its marking step, not ECN-capable"),
            Cause::InFlightFull => f.write_str("too many in flight"),
            Cause::NotTaken => f.write_str("not taken out"),
        }
    }
}

/// What a stage did to a frame that went on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Act {
    /// It is a copy of the frame, made by the link.
    Duplicate,
    /// A bit was inverted that a checksum covers (or, in a frame without any, just a bit).
    BitFlipped {
        /// The bit's number in the frame, from 0: the most significant one of the first byte.
        bit: u32,
    },
    /// Two bits were inverted so that the Internet checksum stays the same.
    BitsFlipped {
        /// The numbers of the bits.
        bits: [u32; 2],
    },
    /// Bytes were cut off its end.
    Truncated {
        /// How many.
        bytes: u16,
    },
    /// The ECN field was set to CE.
    MarkedCe,
    /// It is a fragment of the frame, made by a router.
    Fragmented {
        /// Its number, from 0.
        number: u16,
    },
    /// It is a router's error about the frame, on its way back.
    Error,
    /// It was held back longer, or less long, than the calm delay.
    Jitter {
        /// By so many nanoseconds.
        nanos: i64,
    },
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Act::Duplicate => f.write_str("a duplicate"),
            Act::BitFlipped { bit } => write!(f, "bit {bit} inverted"),
            Act::BitsFlipped { bits: [first, second] } => {
                write!(f, "bits {first} and {second} inverted, checksum kept")
            }
            Act::Truncated { bytes } => write!(f, "{bytes} bytes cut off its end"),
            Act::MarkedCe => f.write_str("marked CE"),
            Act::Fragmented { number } => write!(f, "fragment {number} of what was sent"),
            Act::Error => f.write_str("a router's error about it"),
            Act::Jitter { nanos } => {
                let way = if *nanos < 0 { "early" } else { "late" };
                write!(f, "jitter: {:?} {way}", Duration::from_nanos(nanos.unsigned_abs()))
            }
        }
    }
}

/// How a frame's way ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It came out at the other side.
    Delivered {
        /// So long after it went in.
        after: Duration,
    },
    /// It did not.
    Dropped(Cause),
}

/// What became of one frame, or of one copy of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fate {
    /// The name that the frame was pushed under.
    pub frame: u64,
    /// When its way ended.
    pub at: Instant,
    /// What was done to it before, in that order.
    pub acts: SmallVec<[Act; 1]>,
    /// How its way ended.
    pub end: End,
}

impl Fate {
    /// Whether the link delivered the frame as it is, after the calm delay.
    pub fn is_calm(&self) -> bool {
        self.acts.is_empty() && matches!(self.end, End::Delivered { .. })
    }

    /// Whether the link dropped or changed the frame, or it is a copy.
    pub fn is_fault(&self) -> bool {
        matches!(self.end, End::Dropped(_)) || self.acts.iter().any(|act| !matches!(act, Act::Jitter { .. }))
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.end {
            End::Delivered { after } => write!(f, "link: {after:?} on the way")?,
            End::Dropped(cause) => write!(f, "link: dropped at {} s: {cause}", self.at)?,
        }
        for act in &self.acts {
            write!(f, ", {act}")?;
        }
        Ok(())
    }
}

/// What a direction of a link has done so far. At any time
/// `pushed + added == delivered + dropped + waiting`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames that were pushed, and errors on their way back.
    pub pushed: u64,
    /// Duplicates, and fragments but the first.
    pub added: u64,
    /// Frames that arrived.
    pub delivered: u64,
    /// Frames dropped, by cause.
    pub dropped: BTreeMap<Cause, u64>,
    /// Frames corrupted.
    pub corrupted: u64,
    /// Frames marked CE.
    pub marked: u64,
    /// Frames that a stage dropped, changed, added or held back, by its kind. Kinds that never acted are
    /// not listed.
    pub acted: BTreeMap<StageKind, u64>,
    /// Errors that had no room on their way back.
    pub answers_forgotten: u64,
    /// Fates of dropped frames that were not taken out and are forgotten.
    pub fates_forgotten: u64,
}

impl Counters {
    /// Frames dropped for any cause.
    pub fn dropped_total(&self) -> u64 {
        self.dropped.values().sum()
    }
}
