//! The scenarios that are one step smaller.

use super::amounts::{self, Reach};
use super::network::{self, Joint};
use super::{leases, parts, tape, turns};
use crate::draw::Tape;
use crate::scenario::Scenario;

/// Steps of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Steps {
    /// Those after which there is less in the scenario: they are good even if it takes as many frames.
    Plain,
    /// Those that are only good if it takes less frames.
    Fine,
}

/// A scenario that is a step smaller, and the links that became one in it.
type Smaller = (Scenario, Option<Joint>);

/// The scenarios that are a step smaller than one without a tape; with `draws`, as they are called then, for theirs.
pub(super) fn steps<'a>(
    scenario: &'a Scenario,
    draws: Option<&'a Tape>,
    steps: Steps,
) -> impl Iterator<Item = Scenario> + 'a {
    let plain = (steps == Steps::Plain).then(|| plain(scenario));
    let fine = (steps == Steps::Fine).then(|| fine(scenario));
    let all = plain.into_iter().flatten().chain(fine.into_iter().flatten());
    all.filter(move |(smaller, _)| smaller != scenario).map(move |(smaller, joint)| {
        let tape = draws.map(|draws| tape::renamed(draws, scenario, &smaller, joint.as_ref()));
        Scenario { tape, ..smaller }
    })
}

/// Those first that leave out most.
fn plain(scenario: &Scenario) -> impl Iterator<Item = Smaller> + '_ {
    let out = parts::leaps(scenario).chain(parts::left_out(scenario)).chain(leases::steps(scenario));
    let less = parts::trimmed(scenario).chain(amounts::steps(scenario, Reach::Far)).chain(amounts::delays(scenario));
    out.map(with_its_links).chain(network::steps(scenario)).chain(less.map(with_its_links))
}

fn fine(scenario: &Scenario) -> impl Iterator<Item = Smaller> + '_ {
    amounts::steps(scenario, Reach::Near).chain(turns::steps(scenario)).map(with_its_links)
}

fn with_its_links(scenario: Scenario) -> Smaller {
    (scenario, None)
}
