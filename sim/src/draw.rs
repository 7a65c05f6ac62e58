//! Draws: every random decision of a world has a name, and its value follows from the name and the
//! seed alone.
//!
//! A name says who draws ([`Entity`]), what for ([`Purpose`]), and how many times it has done so
//! before. There is no stream that could shift: one more link, one more draw elsewhere, and all
//! other decisions stay what they were.
//!
//! A draw has a *calm* outcome, the one in which nothing goes wrong: a chance does not come true, a
//! jitter is none. [`Draws::record`] writes down each outcome that was not calm: that is the
//! [`Tape`]. [`Draws::replay`] gives the outcomes of a tape, and the calm one for a name that it
//! lacks, so that an empty tape is a world without random faults, and an entry taken from a tape is
//! one fault less.
//!
//! ```
//! use tickwire_sim::draw::{Dice, Draws, Entity, Purpose};
//! use tickwire_sim::Seed;
//!
//! let entity = Entity::Link { link: 0, toward_b: true, stage: 0 };
//! let losses = |draws: &mut Draws| -> Vec<bool> {
//!     let mut dice = Dice::new(entity);
//!     (0..20).map(|_| draws.chance(dice.throw(Purpose::Loss), 250_000)).collect()
//! };
//! let mut draws = Draws::seeded(&Seed([1; 32]));
//! draws.record();
//! let seen = losses(&mut draws);
//! let mut replayed = Draws::replay(draws.tape().clone());
//! assert_eq!(losses(&mut replayed), seen);
//! assert_eq!(losses(&mut Draws::replay(Default::default())), [false; 20]);
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hasher as _;

use siphasher::sip::SipHasher13;
use tickwire_core::Seed;

/// One in a million: the unit of probabilities.
pub const PPM: u32 = 1_000_000;

/// Who draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entity {
    /// A stage of one direction of a link.
    Link {
        /// The link's number.
        link: u32,
        /// The direction from the first end to the second.
        toward_b: bool,
        /// The stage's place in its pipeline, from 0.
        stage: u8,
    },
    /// A node that is no host.
    Node {
        /// The node's number.
        node: u32,
    },
}

impl Entity {
    /// What is hashed: 8 bytes, of which the first tells the kind.
    fn code(self) -> u64 {
        match self {
            Entity::Link { link, toward_b, stage } => {
                (1 << 56) | (u64::from(link) << 16) | (u64::from(toward_b) << 8) | u64::from(stage)
            }
            Entity::Node { node } => (2 << 56) | u64::from(node),
        }
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Entity::Link { link, toward_b, stage } => {
                write!(f, "link {link} {} stage {stage}", if *toward_b { "a>b" } else { "b>a" })
            }
            Entity::Node { node } => write!(f, "node {node}"),
        }
    }
}

/// What a draw decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Whether a frame is lost.
    Loss,
    /// Whether a state of the Gilbert-Elliott model is left.
    Burst,
    /// Whether a frame is duplicated.
    Duplicate,
    /// Whether a frame is corrupted.
    Corrupt,
    /// Which of its bits, or how much of it.
    Damage,
    /// By how much a frame's delay differs from the calm one.
    Jitter,
    /// Whether a frame's delay differs by as much as that of the frame before.
    Keep,
    /// What a forged frame says.
    Forge,
    /// Whether a node in the middle changes what passes.
    Tamper,
}

impl Purpose {
    /// All of them.
    pub(crate) const ALL: [Purpose; 9] = [
        Purpose::Loss,
        Purpose::Burst,
        Purpose::Duplicate,
        Purpose::Corrupt,
        Purpose::Damage,
        Purpose::Jitter,
        Purpose::Keep,
        Purpose::Forge,
        Purpose::Tamper,
    ];
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Purpose::Loss => "loss",
            Purpose::Burst => "burst",
            Purpose::Duplicate => "duplicate",
            Purpose::Corrupt => "corrupt",
            Purpose::Damage => "damage",
            Purpose::Jitter => "jitter",
            Purpose::Keep => "keep",
            Purpose::Forge => "forge",
            Purpose::Tamper => "tamper",
        })
    }
}

/// A draw's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// Who draws.
    pub entity: Entity,
    /// What for.
    pub purpose: Purpose,
    /// How many times it has drawn for that before.
    pub n: u64,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.entity, self.purpose, self.n)
    }
}

/// The draws whose outcome was not the calm one: 1 of a chance that came true, else the outcome.
pub type Tape = BTreeMap<Name, u64>;

/// Counts an entity's draws, and so names the next one.
#[derive(Clone, Debug)]
pub struct Dice {
    entity: Entity,
    counts: [u64; Purpose::ALL.len()],
}

impl Dice {
    /// Of an entity that has not drawn yet.
    pub fn new(entity: Entity) -> Dice {
        Dice { entity, counts: [0; Purpose::ALL.len()] }
    }

    /// Names the next draw for `purpose`.
    pub fn throw(&mut self, purpose: Purpose) -> Name {
        let count = &mut self.counts[purpose as usize];
        let n = *count;
        *count += 1;
        Name { entity: self.entity, purpose, n }
    }
}

/// Where outcomes come from.
#[derive(Clone, Debug)]
enum Source {
    /// A keyed hash of the name.
    Key(SipHasher13),
    Tape(Tape),
}

/// Outcomes by name, from a seed or from a tape.
#[derive(Clone, Debug)]
pub struct Draws {
    source: Source,
    recording: bool,
    tape: Tape,
}

impl Draws {
    /// Outcomes that follow from a seed.
    pub fn seeded(seed: &Seed) -> Draws {
        let mut hasher = SipHasher13::new();
        hasher.write(b"draws");
        hasher.write(&seed.0);
        let low = hasher.finish();
        hasher.write(&low.to_le_bytes());
        Draws {
            source: Source::Key(SipHasher13::new_with_keys(low, hasher.finish())),
            recording: false,
            tape: Tape::new(),
        }
    }

    /// The outcomes of a tape, and the calm one for each name that it lacks.
    pub fn replay(tape: Tape) -> Draws {
        Draws { source: Source::Tape(tape), recording: false, tape: Tape::new() }
    }

    /// Writes down outcomes from now on: as many entries as outcomes that are not calm.
    pub fn record(&mut self) {
        self.recording = true;
    }

    /// What was written down.
    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// Whether something comes true that does so `ppm` times in a million. Calm: it does not.
    pub fn chance(&mut self, name: Name, ppm: u32) -> bool {
        self.odds(name, ppm.into(), PPM.into())
    }

    /// Whether something comes true that does so `of` times in `total`; never if `of` is 0, always if
    /// it is `total` or more. Calm: it does not.
    pub fn odds(&mut self, name: Name, of: u64, total: u64) -> bool {
        // value / 2^64 < of / total
        self.outcome(name, |value| u64::from(u128::from(value) * u128::from(total) < u128::from(of) << 64)) != 0
    }

    /// A number from 0 to `bound - 1`, each as likely (to within `bound / 2^64`); 0 if `bound` is 0.
    /// Calm: 0. A tape's number is held to the bound.
    pub fn below(&mut self, name: Name, bound: u64) -> u64 {
        let scaled = |value| ((u128::from(value) * u128::from(bound)) >> 64) as u64;
        self.outcome(name, scaled).min(bound.saturating_sub(1))
    }

    /// What `law` makes of 64 random bits; its 0 is the calm outcome.
    pub fn outcome(&mut self, name: Name, law: impl FnOnce(u64) -> u64) -> u64 {
        let outcome = match &self.source {
            Source::Key(key) => {
                let mut hasher = *key;
                hasher.write_u64(name.entity.code().to_le());
                hasher.write_u64((name.purpose as u64).to_le());
                hasher.write_u64(name.n.to_le());
                law(hasher.finish())
            }
            Source::Tape(tape) => tape.get(&name).copied().unwrap_or_default(),
        };
        if self.recording && outcome != 0 {
            self.tape.insert(name, outcome);
        }
        outcome
    }
}

/// The draws of one entity: where outcomes come from, and how the next one is named.
#[derive(Debug)]
pub struct Lots<'a> {
    draws: &'a mut Draws,
    dice: &'a mut Dice,
}

impl<'a> Lots<'a> {
    /// Of the entity that `dice` counts for.
    pub fn new(draws: &'a mut Draws, dice: &'a mut Dice) -> Lots<'a> {
        Lots { draws, dice }
    }

    /// As [`Draws::chance`].
    pub fn chance(&mut self, purpose: Purpose, ppm: u32) -> bool {
        self.draws.chance(self.dice.throw(purpose), ppm)
    }

    /// As [`Draws::below`].
    pub fn below(&mut self, purpose: Purpose, bound: u64) -> u64 {
        self.draws.below(self.dice.throw(purpose), bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTITY: Entity = Entity::Link { link: 3, toward_b: false, stage: 1 };

    fn name(purpose: Purpose, n: u64) -> Name {
        Name { entity: ENTITY, purpose, n }
    }

    #[test]
    fn an_outcome_follows_from_its_name_alone() {
        let mut forth = Draws::seeded(&Seed([7; 32]));
        let mut back = forth.clone();
        let in_order: Vec<u64> = (0..100).map(|n| forth.below(name(Purpose::Burst, n), 1 << 40)).collect();
        let mut reversed: Vec<u64> = (0..100)
            .rev()
            .map(|n| {
                back.below(name(Purpose::Jitter, n), 1 << 40);
                back.below(name(Purpose::Burst, n), 1 << 40)
            })
            .collect();
        reversed.reverse();
        assert_eq!(in_order, reversed);
    }

    /// The values are part of what a seed means, on every machine.
    #[test]
    fn names_have_the_same_values_everywhere() {
        let mut draws = Draws::seeded(&Seed([1; 32]));
        let values = [0, 1, 2].map(|n| draws.below(name(Purpose::Loss, n), 1_000_000));
        assert_eq!(values, VALUES_OF_SEED_1);
    }
    const VALUES_OF_SEED_1: [u64; 3] = [316_650, 993_235, 480_320];

    #[test]
    fn certain_and_impossible() {
        let mut draws = Draws::seeded(&Seed([1; 32]));
        for n in 0..1_000 {
            assert!(!draws.chance(name(Purpose::Loss, n), 0));
            assert!(draws.chance(name(Purpose::Loss, n), PPM));
            assert_eq!(draws.below(name(Purpose::Burst, n), 0), 0);
            assert!(draws.below(name(Purpose::Burst, n), 3) < 3);
        }
    }

    #[test]
    fn a_tape_holds_what_was_not_calm_and_is_held_to_bounds() {
        let mut draws = Draws::seeded(&Seed([1; 32]));
        draws.record();
        let came_true = (0..1_000).filter(|n| draws.chance(name(Purpose::Loss, *n), 10_000)).count();
        assert_eq!(draws.tape().len(), came_true);
        assert!(came_true > 0);
        let mut replayed = Draws::replay([(name(Purpose::Burst, 0), 99)].into());
        assert_eq!(replayed.below(name(Purpose::Burst, 0), 10), 9);
        assert_eq!(replayed.below(name(Purpose::Burst, 1), 10), 0);
    }
}
