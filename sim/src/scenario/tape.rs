//! A tape, as it is written: a line for each draw whose outcome is not the calm one.
//!
//! ```toml
//! tape = ["link 0 a>b stage 1 loss 17 = 1", "node 3 forge 0 = 4711"]
//! ```

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

use super::Scenario;
use super::text::ScenarioError;
use crate::draw::{Entity, Name, Purpose, Tape};
use crate::{NodeId, World};

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
    let mut tape = Tape::new();
    for line in &lines {
        let (name, outcome) = entry(line).ok_or_else(|| wrong(line))?;
        if tape.insert(name, outcome).is_some() {
            return Err(D::Error::custom(format!("{name} is there twice: a draw has one outcome")));
        }
    }
    Ok(Some(tape))
}

/// Whether each that draws is there.
pub(super) fn check(scenario: &Scenario, world: &World) -> Result<(), ScenarioError> {
    let wrong = |name: &Name| Some(format!("{name}: {}", absent(scenario, world, name.entity)?));
    let wrong = scenario.tape.iter().flat_map(Tape::keys).find_map(wrong);
    wrong.map_or(Ok(()), |what| Err(ScenarioError::at("tape", what)))
}

/// Why there is nobody who draws; `None` if there is.
fn absent(scenario: &Scenario, world: &World, entity: Entity) -> Option<String> {
    match entity {
        Entity::Link { link, toward_b, stage } => {
            let Some(spec) = scenario.link.get(link as usize) else {
                let count = scenario.link.len();
                return Some(format!("link {link} is not there: the scenario has {count} of them, counted from 0"));
            };
            let (name, count) = (&spec.name, spec.path.stages(toward_b).len());
            let absent = || format!("stage {stage} is not there: {name} has {count} of them this way, counted from 0");
            (usize::from(stage) >= count).then(absent)
        }
        Entity::Node { node } => {
            let names = world.trace().nodes();
            let Some(name) = names.get(node as usize) else {
                let count = names.len();
                let order = "counted from 0, hosts first";
                return Some(format!("node {node} is not there: the scenario has {count} of them, {order}"));
            };
            let is_host = world.node(NodeId(node as usize)).is_none();
            is_host.then(|| format!("{name} is a host, and hosts do not draw: they have a seed"))
        }
    }
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
