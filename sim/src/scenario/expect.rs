//! What a scenario expects of a run as a whole, as it is written: `jain = ">= 0.9"`, `queue_delay = "<= 20ms"`.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::link::text::{self, DURATIONS, SHARES, Unit};

/// What a run as a whole is to come to. What is missing is not expected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectations {
    /// Jain's index of the goodputs of all flows, from 1 over their number to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jain: Option<Bound<Index>>,
    /// In how much of the time the busiest rate was sending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utilisation: Option<Bound<Share>>,
    /// How long 99 in a hundred frames waited at most for the busiest rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_delay: Option<Bound<Time>>,
    /// How many of all segments with SYN, text or FIN were sent again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retransmission_ratio: Option<Bound<Share>>,
    /// Counters of hosts at the end, and the frames that they dropped, by the host's name and the counter's:
    /// `client = { "tcp.window_probes" = ">= 1" }`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counters: BTreeMap<String, BTreeMap<String, Bound<Number>>>,
}

impl Expectations {
    /// Whether nothing is expected.
    pub fn is_empty(&self) -> bool {
        *self == Expectations::default()
    }
}

/// At least, or at most, so much of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound<K> {
    least: bool,
    value: u64,
    kind: PhantomData<K>,
}

impl<K: Kind> Bound<K> {
    /// Whether a value is within.
    pub const fn holds(self, value: u64) -> bool {
        if self.least { value >= self.value } else { value <= self.value }
    }

    fn read(written: &str) -> Option<Bound<K>> {
        let (sign, value) = written.split_at_checked(2)?;
        let least = [(">=", true), ("<=", false)].into_iter().find(|(name, _)| *name == sign)?.1;
        Some(Bound { least, value: text::parse(value.trim_start(), K::UNITS)?, kind: PhantomData })
    }
}

impl<K: Kind> fmt::Display for Bound<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", if self.least { ">=" } else { "<=" }, K::written(self.value))
    }
}

impl<K: Kind> Serialize for Bound<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K: Kind> Deserialize<'de> for Bound<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bound<K>, D::Error> {
        let written = String::deserialize(deserializer)?;
        Bound::read(&written)
            .ok_or_else(|| D::Error::custom(format!("{written:?} is no bound of {}: write {}", K::WHAT, K::RIGHT)))
    }
}

/// What a bound is of, and how that is written.
pub trait Kind: Copy {
    /// Its units.
    const UNITS: &'static [Unit];
    /// What it is.
    const WHAT: &'static str;
    /// What would be right.
    const RIGHT: &'static str;

    /// A value, as it can be read again.
    fn written(value: u64) -> String;
}

/// From 0 to 1, in parts of a million, written `0.95`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Index;

impl Kind for Index {
    const UNITS: &'static [Unit] = &[("", 1_000_000)];
    const WHAT: &'static str = "an index";
    const RIGHT: &'static str = "\">= 0.9\" or \"<= 0.5\", with at most 6 digits behind the point";

    fn written(ppm: u64) -> String {
        decimal(ppm, 6)
    }
}

/// A share, in parts of a million, written `95%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share;

impl Kind for Share {
    const UNITS: &'static [Unit] = &SHARES;
    const WHAT: &'static str = "a share";
    const RIGHT: &'static str = "\">= 90%\" or \"<= 250ppm\"";

    fn written(ppm: u64) -> String {
        decimal(ppm, 4) + "%"
    }
}

/// A time, in nanoseconds, written `5ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time;

impl Kind for Time {
    const UNITS: &'static [Unit] = &DURATIONS;
    const WHAT: &'static str = "a time";
    const RIGHT: &'static str = "\"<= 20ms\" or \">= 1s\"";

    fn written(nanos: u64) -> String {
        text::print(nanos, &DURATIONS)
    }
}

/// How many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number;

impl Kind for Number {
    const UNITS: &'static [Unit] = &[("", 1)];
    const WHAT: &'static str = "a number";
    const RIGHT: &'static str = "\">= 3\" or \"<= 0\"";

    fn written(count: u64) -> String {
        count.to_string()
    }
}

/// A number of units of 10^-`digits`, without the zeros that say nothing.
pub(super) fn decimal(value: u64, digits: u32) -> String {
    let unit = 10_u64.pow(digits);
    let text = format!("{}.{:0width$}", value / unit, value % unit, width = digits as usize);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again<K: Kind>(written: &str) -> Option<String> {
        Bound::<K>::read(written).map(|bound| bound.to_string())
    }

    #[test]
    fn bounds_are_written_as_they_are_read() {
        assert_eq!(again::<Index>(">= 0.95").as_deref(), Some(">= 0.95"));
        assert_eq!(again::<Index>("<=1").as_deref(), Some("<= 1"));
        assert_eq!(again::<Share>(">= 90%").as_deref(), Some(">= 90%"));
        assert_eq!(again::<Share>("<= 125ppm").as_deref(), Some("<= 0.0125%"));
        assert_eq!(again::<Time>("<= 1.5ms").as_deref(), Some("<= 1500us"));
        assert_eq!(again::<Number>(">= 3").as_deref(), Some(">= 3"));
        for wrong in ["", "3", "= 3", "> 3", ">= ", ">= 3%", ">= -3", "≥ 3"] {
            assert_eq!(again::<Number>(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn bounds_hold() {
        let bound = |written| Bound::<Number>::read(written).unwrap();
        assert_eq!([2, 3, 4].map(|count| bound(">= 3").holds(count)), [false, true, true]);
        assert_eq!([2, 3, 4].map(|count| bound("<= 3").holds(count)), [true, true, false]);
    }
}
