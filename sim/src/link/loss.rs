//! Frames that vanish.

use serde::{Deserialize, Serialize};

use super::direction::{Passing, Scope};
use super::fate::Cause;
use super::pattern::Pattern;
use super::text;
use crate::draw::{PPM, Purpose};

/// Which frames are lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Loss {
    /// Each frame for itself.
    #[serde(with = "text::ppm")]
    Bernoulli {
        /// How many of a million.
        ppm: u32,
    },
    /// In bursts.
    GilbertElliott(GilbertElliott),
    /// Each frame whose number, counted from 1, is a multiple of this; 0 loses none.
    EveryNth(u64),
    /// The frames of these numbers, counted from 1.
    Ordinals(Vec<u64>),
    /// Of the frames of one kind, those of these numbers: the third SYN-ACK is
    /// `Matching { pattern: Pattern::SynAck, ordinals: vec![3] }`.
    Matching {
        /// The kind.
        pattern: Pattern,
        /// The numbers, counted from 1.
        ordinals: Vec<u64>,
    },
}

/// The model of Gilbert and Elliott: a channel is in a good or in a bad state, may change its state
/// before each frame, and loses frames with a probability that depends on the state. It starts in the
/// good one.
///
/// In the long run it is bad for `p / (p + r)` of the frames, `p` being `good_to_bad_ppm` and `r`
/// `bad_to_good_ppm`, and a stay in the bad state lasts `1 / r` frames on average.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GilbertElliott {
    /// From good to bad, in a million.
    #[serde(with = "text::ppm", rename = "good-to-bad")]
    pub good_to_bad_ppm: u32,
    /// From bad to good, in a million.
    #[serde(with = "text::ppm", rename = "bad-to-good")]
    pub bad_to_good_ppm: u32,
    /// Loss in the good state, in a million.
    #[serde(with = "text::ppm", rename = "good-loss", default)]
    pub good_loss_ppm: u32,
    /// Loss in the bad state, in a million.
    #[serde(with = "text::ppm", rename = "bad-loss", default = "all")]
    pub bad_loss_ppm: u32,
}

const fn all() -> u32 {
    PPM
}

impl GilbertElliott {
    /// Rare short bursts, as of a wireless LAN whose retransmissions now and then do not suffice: 0.1 %
    /// of the time bad, bursts of 4 frames, of which half is lost. The figures are this project's, made
    /// to be telling rather than measured.
    pub const WIRELESS: GilbertElliott =
        GilbertElliott { good_to_bad_ppm: 250, bad_to_good_ppm: 250_000, good_loss_ppm: 0, bad_loss_ppm: 500_000 };

    /// A shaded mobile path: 2 % of the time bad, bursts of 10 frames, of which 4 in 5 are lost. The
    /// figures are this project's.
    pub const FADING: GilbertElliott =
        GilbertElliott { good_to_bad_ppm: 2_041, bad_to_good_ppm: 100_000, good_loss_ppm: 100, bad_loss_ppm: 800_000 };

    /// Gilbert's simple model (the bad state loses all, the good one nothing) for a mean loss of 5 % in
    /// bursts of 3: a congested path as a stress test. The figures are this project's.
    pub const BURSTY: GilbertElliott =
        GilbertElliott { good_to_bad_ppm: 17_544, bad_to_good_ppm: 333_333, good_loss_ppm: 0, bad_loss_ppm: 1_000_000 };
}

/// Losing, at work.
#[derive(Clone, Debug)]
pub(super) struct Losing {
    loss: Loss,
    /// Frames seen, of those that count.
    seen: u64,
    bad: bool,
}

impl Losing {
    pub(super) fn new(loss: Loss) -> Losing {
        Losing { loss, seen: 0, bad: false }
    }

    pub(super) fn offer(&mut self, passing: Passing, scope: &mut Scope<'_>) {
        match self.verdict(&passing.data, scope) {
            Some(cause) => scope.drop(passing, cause),
            None => scope.pass(passing),
        }
    }

    fn verdict(&mut self, frame: &[u8], scope: &mut Scope<'_>) -> Option<Cause> {
        let counts = match &self.loss {
            Loss::Matching { pattern, .. } => pattern.matches(frame),
            _ => true,
        };
        self.seen += u64::from(counts);
        match &self.loss {
            Loss::Bernoulli { ppm } => scope.chance(Purpose::Loss, *ppm).then_some(Cause::Loss),
            Loss::GilbertElliott(model) => {
                let change = if self.bad { model.bad_to_good_ppm } else { model.good_to_bad_ppm };
                self.bad ^= scope.chance(Purpose::Burst, change);
                let (ppm, cause) = if self.bad {
                    (model.bad_loss_ppm, Cause::LossInBad)
                } else {
                    (model.good_loss_ppm, Cause::LossInGood)
                };
                scope.chance(Purpose::Loss, ppm).then_some(cause)
            }
            Loss::EveryNth(nth) => (*nth != 0 && self.seen.is_multiple_of(*nth)).then_some(Cause::EveryNth),
            Loss::Ordinals(ordinals) => ordinals.contains(&self.seen).then_some(Cause::Listed),
            Loss::Matching { pattern, ordinals } => {
                (counts && ordinals.contains(&self.seen)).then_some(Cause::Matched(*pattern))
            }
        }
    }
}
