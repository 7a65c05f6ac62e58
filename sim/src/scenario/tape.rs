//! A tape, as it is written: a line for each draw whose outcome is not the calm one.
//!
//! ```toml
//! tape = ["link 0 a>b stage 1 loss 17 = 1", "node 3 forge 0 = 4711"]
//! ```

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

use crate::draw::{Entity, Name, Purpose, Tape};

const RIGHT: &str = "write \"link 0 a>b stage 1 loss 17 = 1\" or \"node 3 forge 0 = 4711\": \
                     who draws, what for, how many times it has done so before, and the outcome";

/// Writes a tape.
#[expect(clippy::ref_option, reason = "serde hands over what the field is")]
pub(super) fn serialize<S: Serializer>(tape: &Option<Tape>, serializer: S) -> Result<S::Ok, S::Error> {
    let lines = tape.iter().flatten().map(|(name, outcome)| format!("{name} = {outcome}"));
    serializer.collect_seq(lines)
}

/// Reads a tape.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Tape>, D::Error> {
    let lines = Vec::<String>::deserialize(deserializer)?;
    let wrong = |line: &String| D::Error::custom(format!("{line:?} is no draw: {RIGHT}"));
    let entries = lines.iter().map(|line| entry(line).ok_or_else(|| wrong(line)));
    entries.collect::<Result<Tape, _>>().map(Some)
}

fn entry(line: &str) -> Option<(Name, u64)> {
    let (name, outcome) = line.split_once(" = ")?;
    let mut words = name.split(' ');
    let entity = match words.next()? {
        "link" => {
            let link = words.next()?.parse().ok()?;
            let toward_b = match words.next()? {
                "a>b" => true,
                "b>a" => false,
                _ => return None,
            };
            let stage = (words.next()? == "stage").then(|| words.next())??.parse().ok()?;
            Entity::Link { link, toward_b, stage }
        }
        "node" => Entity::Node { node: words.next()?.parse().ok()? },
        _ => return None,
    };
    let purpose = words.next()?;
    let purpose = Purpose::ALL.into_iter().find(|known| known.to_string() == purpose)?;
    let n = words.next()?.parse().ok()?;
    words.next().is_none().then_some((Name { entity, purpose, n }, outcome.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    fn a_draw_is_read_as_it_is_written(#[values(0, 1, u64::MAX)] outcome: u64) {
        for purpose in Purpose::ALL {
            for entity in [Entity::Link { link: 7, toward_b: false, stage: 3 }, Entity::Node { node: 12 }] {
                let name = Name { entity, purpose, n: 40 };
                assert_eq!(entry(&format!("{name} = {outcome}")), Some((name, outcome)));
            }
        }
    }

    #[rstest]
    #[case::empty("")]
    #[case::no_outcome("node 3 forge 0")]
    #[case::no_number("node 3 forge = 1")]
    #[case::no_such_purpose("node 3 luck 0 = 1")]
    #[case::no_such_entity("host 3 forge 0 = 1")]
    #[case::no_such_direction("link 0 b stage 1 loss 17 = 1")]
    #[case::more("link 0 a>b stage 1 loss 17 18 = 1")]
    #[case::negative("link 0 a>b stage 1 loss 17 = -1")]
    fn what_is_no_draw_is_refused(#[case] line: &str) {
        assert_eq!(entry(line), None);
    }
}
