//! Draws are left out of the tape, or come sooner; and what they are called when the network changes.

use std::time::Duration;

use super::network::Joint;
use super::smaller::Steps;
use super::{Best, Hunt, turns};
use crate::draw::{Entity, Name, Purpose, Tape};
use crate::link::Stage;
use crate::scenario::Scenario;

/// Of more draws none is moved: they would take all runs.
const FEW: usize = 16;
/// The first frames.
const EARLY: u64 = 12;
/// Text that is little, in bytes: two segments, and six.
const BRIEF: [u64; 2] = [2_000, 8_000];
/// What links take when there is nothing else on them.
const DELAY: Duration = Duration::from_millis(10);

/// Leaves out all draws, then halves of them, quarters, down to single ones. Returns whether there was a step.
pub(super) fn fewer(hunt: &mut Hunt<'_>, best: &mut Best) -> bool {
    let mut progress = false;
    let mut size = best.drawn.len();
    while size > 0 && !hunt.is_over() {
        let mut from = 0;
        while from < best.drawn.len() && !hunt.is_over() {
            let mut tape = best.drawn.clone();
            for name in best.drawn.keys().skip(from).take(size) {
                tape.remove(name);
            }
            if hunt.take(with(best, tape), best, Steps::Plain) {
                progress = true;
            } else {
                from += size;
            }
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    progress
}

/// Has draws come sooner: half as late each, even if it takes as many frames, for less may follow then; and those of one
/// who draws soon after each other, if it takes less. Returns whether there was a step.
pub(super) fn sooner(hunt: &mut Hunt<'_>, best: &mut Best) -> bool {
    let mut progress = false;
    let mut place = 0;
    while let Some(name) = best.drawn.keys().nth(place).filter(|_| best.drawn.len() <= FEW).copied() {
        let moved = [name.n, name.n.div_ceil(2)].into_iter().any(|by| {
            let tape = (by > 0).then(|| advanced(&best.drawn, name, by)).flatten();
            !hunt.is_over() && tape.is_some_and(|tape| hunt.take(with(best, tape), best, Steps::Plain))
        });
        progress |= moved;
        if hunt.is_over() {
            return progress;
        }
        // What stands at this place now may be moved again.
        place += usize::from(!moved);
    }
    progress || together(hunt, best)
}

/// The tape with a draw so many places sooner. `None` if another stands there.
fn advanced(drawn: &Tape, name: Name, by: u64) -> Option<Tape> {
    let mut tape = drawn.clone();
    let outcome = tape.remove(&name)?;
    tape.insert(Name { n: name.n - by, ..name }, outcome).is_none().then_some(tape)
}

/// Whoever draws does it early and evenly: from one of the first frames on, each or every second or third, on links as
/// they are, or which only take their time, or while there is only little text: what matters at its end comes early then.
fn together(hunt: &mut Hunt<'_>, best: &mut Best) -> bool {
    let mut drawers: Vec<(Entity, Purpose)> = best.drawn.keys().map(|name| (name.entity, name.purpose)).collect();
    drawers.dedup();
    for drawer in drawers.into_iter().take(FEW) {
        for (first, step) in (0..EARLY).flat_map(|first| [1, 2, 3].map(|step| (first, step))) {
            let mut n = first;
            let mut place = |name: &Name| {
                if (name.entity, name.purpose) != drawer {
                    return *name;
                }
                n += step;
                Name { n: n - step, ..*name }
            };
            let tape = best.drawn.iter().map(|(name, outcome)| (place(name), *outcome)).collect();
            let other = with(best, tape);
            let paced = turns::paced(&Scenario { tape: None, ..other.clone() }, DELAY);
            let tape = other.tape.as_ref().map(|tape| renamed(tape, &other, &paced, None));
            let brief = BRIEF.map(|bytes| turns::brief(&other, bytes)).into_iter().filter(|brief| *brief != other);
            for other in brief.chain([Scenario { tape, ..paced }, other.clone()]) {
                if hunt.is_over() {
                    return false;
                }
                if hunt.take(other, best, Steps::Fine) {
                    return true;
                }
            }
        }
    }
    false
}

fn with(best: &Best, tape: Tape) -> Scenario {
    Scenario { tape: Some(tape), ..best.scenario.clone() }
}

/// The same draws, as they are called after a step in which these two links became one, if any did. Those of links,
/// stages and nodes that are gone are, too.
pub(super) fn renamed(tape: &Tape, before: &Scenario, after: &Scenario, joint: Option<&Joint>) -> Tape {
    let renamed = |(name, outcome): (&Name, &u64)| {
        let entity = entity(name.entity, before, after, joint)?;
        Some((Name { entity, ..*name }, *outcome))
    };
    tape.iter().filter_map(renamed).collect()
}

fn entity(entity: Entity, before: &Scenario, after: &Scenario, joint: Option<&Joint>) -> Option<Entity> {
    match entity {
        Entity::Link { link, toward_b, stage } => {
            if let Some((toward_b, stage)) =
                joint.and_then(|joint| joint.stage(before, link as usize, toward_b, stage.into()))
            {
                return Some(Entity::Link { link: 0, toward_b, stage: stage as u8 });
            }
            let was = before.link.get(link as usize)?;
            let place = after.link.iter().position(|link| link.name == was.name)?;
            let stage = moved(was.path.stages(toward_b), after.link[place].path.stages(toward_b), stage.into())?;
            Some(Entity::Link { link: place as u32, toward_b, stage: stage as u8 })
        }
        Entity::Node { node } => {
            let name = nodes(before).nth(node as usize)?;
            let place = nodes(after).position(|other| other == name)?;
            Some(Entity::Node { node: place as u32 })
        }
    }
}

/// Where a stage is after others have gone or come. One that has changed stands where it stood.
fn moved(before: &[Stage], after: &[Stage], stage: usize) -> Option<usize> {
    let it = before.get(stage)?;
    let earlier = before[..stage].iter().filter(|other| *other == it).count();
    let mut alike = (0..after.len()).filter(|place| after[*place] == *it);
    let changed = || before.len() == after.len() && !before.contains(&after[stage]);
    alike.nth(earlier).or_else(|| changed().then_some(stage))
}

/// The names of all nodes, in the order of their numbers.
fn nodes(scenario: &Scenario) -> impl Iterator<Item = &String> {
    let hosts = scenario.host.iter().map(|host| &host.name);
    let machines = scenario.hub.iter().chain(&scenario.switch).map(|machine| &machine.name);
    let nats = scenario.nat.iter().map(|nat| &nat.name);
    let foreign = scenario.foreign.iter().map(|host| &host.name);
    let adversaries = scenario.adversary.iter().map(|adversary| &adversary.name);
    let lease_servers = scenario.lease_server.iter().map(|server| &server.name);
    hosts.chain(machines).chain(nats).chain(foreign).chain(adversaries).chain(lease_servers)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::draw::Purpose;
    use crate::link::Link;
    use crate::scenario::{HostSpec, LinkSpec};

    fn duplicates(ppm: &[u32]) -> Vec<Stage> {
        ppm.iter().map(|ppm| Stage::Duplicate { ppm: *ppm }).collect()
    }

    #[rstest]
    #[case::nothing_changed(&[1, 2, 3], 1, Some(1))]
    #[case::one_changed(&[1, 9, 3], 1, Some(1))]
    #[case::it_has_gone(&[1, 3], 1, None)]
    #[case::one_before_has_gone(&[2, 3], 1, Some(0))]
    #[case::one_behind_has_gone(&[1, 2], 1, Some(1))]
    #[case::others_behind(&[1, 2, 3, 4, 5], 2, Some(2))]
    #[case::others_before(&[4, 5, 1, 2, 3], 0, Some(2))]
    #[case::others_instead(&[2, 4, 5], 1, Some(0))]
    #[case::all_others(&[2, 1, 5], 2, Some(2))]
    fn a_stage_is_found_again(#[case] after: &[u32], #[case] stage: usize, #[case] place: Option<usize>) {
        assert_eq!(moved(&duplicates(&[1, 2, 3]), &duplicates(after), stage), place);
    }

    #[test]
    fn draws_follow_their_links_and_nodes() {
        let mut before = Scenario::empty("");
        for name in ["first", "second"] {
            let path = Link { a_to_b: duplicates(&[1]), b_to_a: Vec::new() };
            before.link.push(LinkSpec { name: name.to_owned(), ends: ["a".to_owned(), "b".to_owned()], path });
            before.host.push(HostSpec::new(name, Vec::new()));
        }
        let mut after = before.clone();
        after.link.remove(0);
        after.host.remove(0);
        let of_link = |link| Entity::Link { link, toward_b: true, stage: 0 };
        let tape = |entities: &[Entity]| -> Tape {
            entities.iter().map(|entity| (Name { entity: *entity, purpose: Purpose::Loss, n: 5 }, 1)).collect()
        };
        let all = tape(&[of_link(0), of_link(1), Entity::Node { node: 0 }, Entity::Node { node: 1 }]);
        assert_eq!(renamed(&all, &before, &after, None), tape(&[of_link(0), Entity::Node { node: 0 }]));
    }
}
