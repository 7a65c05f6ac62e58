//! Links: what happens to frames between two interfaces.
//!
//! A [`Link`] has two directions, each a pipeline of [`Stage`]s. A frame goes through them in the
//! order of the list, and each does one thing: loses it, holds it back, changes it. What is not in
//! the list does not happen: the empty list is a wire of no length.
//!
//! ```
//! use std::time::Duration;
//! use tickwire_sim::link::{Delay, Link, Loss, Queue, Rate, Room, Stage};
//!
//! // 10 Mbit/s behind a queue of 50 frames, 20 ms, 1 % of the frames lost.
//! let stages = vec![
//!     Stage::Rate(Rate::new(10_000_000, Room::Frames(50), Queue::TailDrop)),
//!     Stage::Delay(Delay::constant(Duration::from_millis(20))),
//!     Stage::Loss(Loss::Bernoulli { ppm: 10_000 }),
//! ];
//! let link = Link::symmetric(stages);
//! assert_eq!(link.a_to_b, link.b_to_a);
//! ```
//!
//! [`Direction`] is a direction at work, a state machine in the manner of the core: frames and the
//! time go in, frames and the next deadline come out, random decisions are drawn by name
//! ([`draw`](crate::draw)). It knows no clock: the simulator drives it on virtual time, and a relay
//! between real interfaces may do so in real time.
//!
//! Times are whole nanoseconds, probabilities parts in a million, rates bits per second. All
//! arithmetic is on integers, so that each machine computes the same.
//!
//! | module | job |
//! |---|---|
//! | [`direction`] | [`Direction`]: a pipeline at work |
//! | [`fate`] | what became of each frame, and the counters of it |
//! | [`rate`] | bits per second: how long a frame takes to be sent |
//! | [`load`] | how much of the time a rate sends, and how long frames wait for it |
//! | [`queue`] | what waits for the sender: tail drop, head drop, `CoDel`, FQ-CoDel, RED, a marking step |
//! | `ecn` | marking CE |
//! | [`loss`] | frames that vanish: by chance, in bursts, by number, by kind |
//! | [`delay`] | time on the way: constant, uniform, normal, Pareto |
//! | `quantile` | the tables behind the normal and the Pareto law |
//! | [`corrupt`] | frames that arrive other than they were sent |
//! | [`flap`] | down and up by plan |
//! | [`mtu`] | a hop that takes only shorter packets, with a router that says so or without |
//! | `too_big` | what that router says |
//! | `preset` | links as they are found: `lan`, `wifi`, `lte`, `satellite`, `dialup` |
//! | [`pattern`] | kinds of frames, as rules name them |
//! | [`kind`] | kinds of stages, by name: what a campaign can have reached |
//! | [`written`] | a link as TOML |
//! | [`text`] | how durations, rates, probabilities and rooms are written |

pub mod corrupt;
pub mod delay;
pub mod direction;
mod ecn;
pub mod fate;
pub mod flap;
pub mod kind;
pub mod load;
pub mod loss;
pub mod mtu;
pub mod pattern;
mod preset;
mod quantile;
pub mod queue;
pub mod rate;
pub mod text;
mod too_big;
pub mod written;

use serde::{Deserialize, Serialize};
use tickwire_core::time::Duration;

pub use corrupt::Corrupt;
pub use delay::{Delay, Law, Order};
pub use direction::{Answer, Direction, Outgoing};
pub use fate::{Act, Cause, Counters, End, Fate};
pub use flap::{Flap, Outage};
pub use kind::StageKind;
pub use load::{Load, Waits};
pub use loss::{GilbertElliott, Loss};
pub use mtu::{Mtu, MtuStep, Router};
pub use pattern::Pattern;
pub use queue::{CoDel, FqCoDel, Queue, Red, Room, Step};
pub use rate::{Framing, Rate};

/// A link between two interfaces, its first end `a` and its second end `b`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "written::Written", rename_all = "kebab-case")]
pub struct Link {
    /// What a frame from `a` to `b` goes through, in this order.
    pub a_to_b: Vec<Stage>,
    /// What a frame from `b` to `a` goes through.
    pub b_to_a: Vec<Stage>,
}

impl Link {
    /// A link that is the same in both directions.
    pub fn symmetric(stages: Vec<Stage>) -> Link {
        Link { a_to_b: stages.clone(), b_to_a: stages }
    }

    /// A lossless link of unlimited rate, first in first out, on which each frame takes `delay` in
    /// either direction; zero is allowed.
    pub fn constant(delay: Duration) -> Link {
        Link::symmetric(vec![Stage::Delay(Delay::constant(delay))])
    }

    /// What a frame goes through in one direction.
    pub(crate) fn stages(&self, toward_b: bool) -> &[Stage] {
        if toward_b { &self.a_to_b } else { &self.b_to_a }
    }
}

/// One thing that happens to frames on their way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Stage {
    /// Frames are sent one after the other at a rate, and wait for it in a queue.
    Rate(Rate),
    /// Frames are lost.
    Loss(Loss),
    /// Each frame is followed by a copy of itself, `ppm` times in a million. From here on the copy is a
    /// frame of its own.
    #[serde(with = "text::ppm")]
    Duplicate {
        /// How often, in a million.
        ppm: u32,
    },
    /// Frames are changed.
    Corrupt(Corrupt),
    /// The link is down at times.
    Flap(Flap),
    /// A hop takes only packets up to a length.
    Mtu(Mtu),
    /// Frames take their time.
    Delay(Delay),
}

/// Which directions of a link are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Partition {
    /// None: the link works.
    #[default]
    None,
    /// From its first end to its second.
    AToB,
    /// From its second end to its first.
    BToA,
    /// Both.
    Both,
}
