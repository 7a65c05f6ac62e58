//! Faults, as they are written.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::link::text as quantity;

/// A fault that begins at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultSpec {
    /// When.
    #[serde(with = "quantity::duration")]
    pub at: Duration,
    /// What goes wrong.
    pub what: What,
    /// The link that it befalls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// How long it lasts; until everything is healed, if not said.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "quantity::optional_duration")]
    pub lasts: Option<Duration>,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A link is cut in both directions.
    Cut,
    /// A link is cut from its first end to its second.
    CutAToB,
    /// A link is cut from its second end to its first.
    CutBToA,
}
