//! A link as TOML: the file of a relay, and a table in the file of a scenario.
//!
//! ```
//! use tickwire_sim::Link;
//!
//! let link: Link = r#"
//!     preset = "lan"                      # or lte, wifi, satellite, dialup; what follows comes behind it
//!
//!     [[both]]                            # in both directions
//!     rate.bps = "10Mbit/s"
//!     rate.room = "50frames"              # or "64KiB"
//!     rate.queue.codel.target = "5ms"     # or tail-drop (the default), head-drop, fq-codel, red, step
//!
//!     [[both]]
//!     delay.law.normal = { mean = "20ms", deviation = "2ms" }
//!     delay.order = "overtake"
//!
//!     [[a-to-b]]                          # in one direction, behind what is in both
//!     loss.bernoulli = "1%"
//!
//!     [[b-to-a]]
//!     loss.matching = { pattern = "syn-ack", ordinals = [3] }
//! "#
//! .parse()?;
//! assert_eq!((link.a_to_b.len(), link.b_to_a.len()), (5, 5));
//! assert_eq!(link.to_string().parse::<Link>()?, link);
//! # Ok::<(), tickwire_sim::link::written::LinkTextError>(())
//! ```
//!
//! The keys are the names of the types' fields and variants, with hyphens; `_ppm` and `_bps` go where the
//! value has a unit. A frame goes through the stages in the order in which they are written.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use thiserror::Error;

use super::{Delay, Law, Link, Queue, Rate, Red, Stage};

/// What is written of a link.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Written {
    preset: Option<Preset>,
    #[serde(default)]
    both: Vec<Stage>,
    #[serde(default)]
    a_to_b: Vec<Stage>,
    #[serde(default)]
    b_to_a: Vec<Stage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Preset {
    Lan,
    Wifi,
    Lte,
    Satellite,
    Dialup,
}

impl TryFrom<Written> for Link {
    type Error = String;

    fn try_from(written: Written) -> Result<Link, String> {
        for (key, stages) in [("both", &written.both), ("a-to-b", &written.a_to_b), ("b-to-a", &written.b_to_a)] {
            for (place, stage) in stages.iter().enumerate() {
                check(stage).map_err(|wrong| format!("{key}.{place}.{wrong}"))?;
            }
        }
        let mut link = match written.preset {
            None => Link::default(),
            Some(Preset::Lan) => Link::lan(),
            Some(Preset::Wifi) => Link::wifi(),
            Some(Preset::Lte) => Link::lte(),
            Some(Preset::Satellite) => Link::satellite(),
            Some(Preset::Dialup) => Link::dialup(),
        };
        link.a_to_b.extend(written.both.iter().cloned().chain(written.a_to_b));
        link.b_to_a.extend(written.both.into_iter().chain(written.b_to_a));
        Ok(link)
    }
}

/// What the types allow and nobody means. Places in lists count from 0.
fn check(stage: &Stage) -> Result<(), String> {
    match stage {
        Stage::Rate(Rate { queue: Queue::Red(Red { min, max, .. }), .. }) if max <= min => {
            Err(format!("rate.queue.red.max is {max}; right would be more than min, which is {min}"))
        }
        Stage::Rate(Rate { queue: Queue::Red(Red { weight_shift: 25.., .. }), .. }) => {
            Err("rate.queue.red.weight-shift is too large; right would be 0 to 24".to_owned())
        }
        Stage::Delay(Delay { law: Law::Uniform { min, max }, .. }) if max < min => {
            Err(format!("delay.law.uniform.max is {max:?}; right would be no less than min, which is {min:?}"))
        }
        Stage::Mtu(mtu) if mtu.steps.is_empty() => {
            Err("mtu.steps is empty; right would be one at least, as in [{ mtu = 1400 }]".to_owned())
        }
        _ => Ok(()),
    }
}

/// Why a text is no link: the line, the key, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}", .0.to_string().trim_end())]
pub struct LinkTextError(toml::de::Error);

impl FromStr for Link {
    type Err = LinkTextError;

    fn from_str(text: &str) -> Result<Link, LinkTextError> {
        toml::from_str(text).map_err(LinkTextError)
    }
}

impl fmt::Display for Link {
    /// As it can be read again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&toml::to_string(self).map_err(|_| fmt::Error)?)
    }
}
