//! How quantities of links are written: durations as `5ms`, rates as `10Mbit/s`, probabilities as `1%` or
//! `250ppm`, room as `50 frames` or `64KiB`.
//!
//! Each is a whole multiple of its smallest unit (1 ns, 1 bit/s, 1 ppm, 1 byte), so what was written is
//! what is read back. A decimal fraction is allowed where it is one: `1.5ms` is 1,500,000 ns.

use std::fmt;

use serde::{Deserialize, Deserializer, Serializer};

use super::queue::Room;

/// A unit: its name, and how many of the smallest one it is.
pub(crate) type Unit = (&'static str, u64);

/// Largest first.
pub(crate) const DURATIONS: [Unit; 6] = [
    ("h", 3_600_000_000_000),
    ("min", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];
const RATES: [Unit; 4] = [("Gbit/s", 1_000_000_000), ("Mbit/s", 1_000_000), ("kbit/s", 1_000), ("bit/s", 1)];
pub(crate) const SHARES: [Unit; 2] = [("%", 10_000), ("ppm", 1)];
const BYTES: [Unit; 3] = [("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
const FRAMES: [Unit; 2] = [("frames", 1), ("frame", 1)];

/// Digits behind the point, at most: more than any unit has.
const FRACTION_DIGITS_MAX: usize = 18;

/// `text` as a number of the smallest unit; white space may stand before the unit.
pub(crate) fn parse(text: &str, units: &[Unit]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let (_, size) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if fraction.is_empty() || fraction.len() > FRACTION_DIGITS_MAX {
        return None;
    }
    let whole = u128::from(whole.parse::<u64>().ok()?);
    let scale = 10_u128.pow(fraction.len() as u32);
    let scaled = (whole * scale + fraction.parse::<u128>().ok()?) * u128::from(*size);
    scaled.is_multiple_of(scale).then(|| u64::try_from(scaled / scale).ok()).flatten()
}

/// `value` in the largest unit of which it is a whole multiple.
pub(crate) fn print(value: u64, units: &[Unit]) -> String {
    let whole = |(_, size): &&Unit| value.is_multiple_of(*size) && (value != 0 || *size == 1);
    units.iter().find(whole).map_or_else(|| value.to_string(), |(name, size)| format!("{}{name}", value / size))
}

/// What is said of a text that is none of the kind.
struct Wrong<'a> {
    what: &'static str,
    text: &'a str,
    right: &'static str,
}

impl fmt::Display for Wrong<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no {}: write {}", self.text, self.what, self.right)
    }
}

fn read<'de, D: Deserializer<'de>>(
    deserializer: D,
    units: &[Unit],
    what: &'static str,
    right: &'static str,
) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text, units).ok_or_else(|| serde::de::Error::custom(Wrong { what, text: &text, right }))
}

/// Durations, for serde's `with`.
pub mod duration {
    use super::{DURATIONS, Deserializer, Serializer, print, read};
    use std::time::Duration;

    /// Writes `5ms`.
    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        serializer.serialize_str(&print(nanos, &DURATIONS))
    }

    /// Reads `5ms`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let right = "a number with one of the units ns, us, ms, s, min, h, as in \"5ms\"";
        read(deserializer, &DURATIONS, "duration", right).map(Duration::from_nanos)
    }
}

/// Times since the start, for serde's `with`.
pub mod instant {
    use super::{Deserializer, Serializer, duration};
    use std::time::Duration;
    use tickwire_core::Instant;

    /// The start: a `default` for serde.
    pub(in crate::link) const fn start() -> Instant {
        Instant::ZERO
    }

    /// Writes `10s`.
    pub fn serialize<S: Serializer>(at: &Instant, serializer: S) -> Result<S::Ok, S::Error> {
        duration::serialize(&Duration::from_nanos(at.as_nanos()), serializer)
    }

    /// Reads `10s`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Instant, D::Error> {
        duration::deserialize(deserializer).map(|since| Instant::ZERO + since)
    }
}

/// Bits per second, for serde's `with`.
pub mod rate {
    use super::{Deserializer, RATES, Serializer, print, read};

    /// Writes `10Mbit/s`.
    pub fn serialize<S: Serializer>(bps: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&print(*bps, &RATES))
    }

    /// Reads `10Mbit/s`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let right = "a number with one of the units bit/s, kbit/s, Mbit/s, Gbit/s, as in \"10Mbit/s\"";
        read(deserializer, &RATES, "rate", right)
    }
}

/// Parts in a million, for serde's `with`.
pub mod ppm {
    use super::{Deserializer, SHARES, Serializer, Wrong, print, read};
    use crate::draw::PPM;

    /// Writes `1%`, or `250ppm`.
    pub fn serialize<S: Serializer>(ppm: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&print((*ppm).into(), &SHARES))
    }

    /// Reads `1%`, or `250ppm`; no more than `100%`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        let (what, right) = ("probability", "0% to 100% (at most 4 digits behind the point) or 0ppm to 1000000ppm");
        let ppm = read(deserializer, &SHARES, what, right)?;
        let text = print(ppm, &SHARES);
        let within = u32::try_from(ppm).ok().filter(|ppm| *ppm <= PPM);
        within.ok_or_else(|| serde::de::Error::custom(Wrong { what, text: &text, right }))
    }
}

/// Durations that may be missing, for serde's `with`.
pub mod optional_duration {
    use super::{Deserializer, Serializer, duration};
    use std::time::Duration;

    /// Writes `5ms`; what is missing is to be skipped.
    pub fn serialize<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        duration::serialize(&duration.unwrap_or_default(), serializer)
    }

    /// Reads `5ms`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        duration::deserialize(deserializer).map(Some)
    }
}

/// Amounts of bytes, for serde's `with`.
pub mod bytes {
    use super::{BYTES, Deserializer, Serializer, print, read};

    /// Writes `64KiB`.
    pub fn serialize<S: Serializer>(bytes: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&print(*bytes, &BYTES))
    }

    /// Reads `64KiB`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let right = "a number with one of the units B, KiB, MiB, as in \"64KiB\"";
        read(deserializer, &BYTES, "amount of bytes", right)
    }
}

/// Rooms, for serde's `with`.
pub mod room {
    use super::{BYTES, Deserialize as _, Deserializer, FRAMES, Room, Serializer, Wrong, parse, print};

    /// Writes `50frames`, or `64KiB`.
    pub fn serialize<S: Serializer>(room: &Room, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&match room {
            Room::Frames(frames) => print((*frames).into(), &FRAMES),
            Room::Bytes(bytes) => print(*bytes, &BYTES),
        })
    }

    /// Reads `50frames`, or `64KiB`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Room, D::Error> {
        let text = String::deserialize(deserializer)?;
        let frames = parse(&text, &FRAMES).and_then(|frames| u32::try_from(frames).ok()).map(Room::Frames);
        frames.or_else(|| parse(&text, &BYTES).map(Room::Bytes)).ok_or_else(|| {
            let right = "a whole number with one of the units frames, B, KiB, MiB, as in \"50frames\" or \"64KiB\"";
            serde::de::Error::custom(Wrong { what: "queue's room", text: &text, right })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units() {
        for (text, value) in [
            ("5ms", Some(5_000_000)),
            ("1.5 ms", Some(1_500_000)),
            ("0s", Some(0)),
            ("0.000000001s", Some(1)),
            ("2h", Some(7_200_000_000_000)),
            ("0.5ns", None),
            ("5", None),
            ("ms", None),
            ("-5ms", None),
            ("5.ms", None),
            (".5ms", None),
            ("1.2.3ms", None),
            ("5Ms", None),
            ("", None),
            ("18446744073709551616ns", None),
            ("6000000h", None),
        ] {
            assert_eq!(parse(text, &DURATIONS), value, "{text}");
        }
        assert_eq!(parse("0.0001%", &SHARES), Some(1));
        assert_eq!(parse("0.00001%", &SHARES), None);
        assert_eq!(parse("2.5Gbit/s", &RATES), Some(2_500_000_000));
    }

    #[test]
    fn numbers_are_written_in_their_largest_unit() {
        for (nanos, text) in [(0, "0ns"), (1_500_000, "1500us"), (90_000_000_000, "90s"), (3_600_000_000_000, "1h")] {
            assert_eq!(print(nanos, &DURATIONS), text);
            assert_eq!(parse(text, &DURATIONS), Some(nanos));
        }
        assert_eq!(print(12_500, &SHARES), "12500ppm");
        assert_eq!(print(u64::MAX, &BYTES), "18446744073709551615B");
    }
}
