//! The scenarios that are one step smaller.

use super::amounts::{self, Reach};
use super::{leases, network, parts, tape, turns};
use crate::scenario::Scenario;

/// Steps of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Steps {
    /// Those after which there is less in the scenario: they are good even if it takes as many frames.
    Plain,
    /// Those that are only good if it takes less frames.
    Fine,
}

/// The scenario that is smaller by the step of a number; `None` beyond the last one.
pub(super) fn step(scenario: &Scenario, steps: Steps, number: usize) -> Option<Scenario> {
    // Draws are renamed once it is known which step it is: there may be many.
    let bare = Scenario { tape: None, ..scenario.clone() };
    let is_other = |smaller: &Scenario| *smaller != bare;
    let smaller = match steps {
        Steps::Plain => plain(&bare).filter(is_other).nth(number),
        Steps::Fine => amounts::steps(&bare, Reach::Near).chain(turns::steps(&bare)).filter(is_other).nth(number),
    };
    let smaller = smaller?;
    let tape = scenario.tape.as_ref().map(|draws| tape::renamed(draws, &bare, &smaller));
    Some(Scenario { tape, ..smaller })
}

/// Those first that leave out most.
fn plain(scenario: &Scenario) -> impl Iterator<Item = Scenario> + '_ {
    let all = parts::leaps(scenario).chain(parts::left_out(scenario)).chain(leases::steps(scenario));
    let all = all.chain(network::steps(scenario));
    let all = all.chain(parts::trimmed(scenario)).chain(amounts::steps(scenario, Reach::Far));
    all.chain(amounts::delays(scenario))
}
