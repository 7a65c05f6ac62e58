//! The scenarios that are one step smaller.

use super::{amounts, network, parts, tape};
use crate::scenario::Scenario;

/// The scenario that is smaller by the step of a number; `None` beyond the last one.
pub(super) fn step(scenario: &Scenario, number: usize) -> Option<Scenario> {
    // Draws are renamed once it is known which step it is: there may be many.
    let plain = Scenario { tape: None, ..scenario.clone() };
    let smaller = steps(&plain).nth(number)?;
    let tape = scenario.tape.as_ref().map(|draws| tape::renamed(draws, &plain, &smaller));
    Some(Scenario { tape, ..smaller })
}

/// All of them, those first that leave out most.
fn steps(scenario: &Scenario) -> impl Iterator<Item = Scenario> + '_ {
    let different = move |smaller: &Scenario| smaller != scenario;
    let all = parts::leaps(scenario).chain(parts::left_out(scenario)).chain(network::steps(scenario));
    all.chain(parts::trimmed(scenario)).chain(amounts::steps(scenario)).filter(different)
}
