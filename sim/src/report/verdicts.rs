//! What went wrong, with links to the frames concerned; and how often each oracle judged.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::matter::Matter;
use super::quantity::grouped;
use crate::oracle::{Mark, Oracle, Tally, Verdict};
use crate::scenario::figures;

/// What went wrong. `shown` holds the numbers of the frames that the ladder shows.
pub(super) fn verdicts(matter: &Matter<'_>, shown: &BTreeSet<u64>) -> Markup {
    html! {
        @if matter.verdicts.is_empty() && matter.failures.is_empty() {
            p.fine { "No rule was broken." }
        }
        @for (number, (host, verdict)) in (1..).zip(&matter.verdicts) {
            (one(number, host, verdict, shown))
        }
        @for failed in &matter.failures {
            div.wrong { h3 { (failed.oracle) } pre { (failed.text) } }
        }
    }
}

/// How flows shared, how well the bottleneck was used, and what was sent again.
pub(super) fn population(matter: &Matter<'_>) -> Markup {
    let (scenario, population) = (matter.report.scenario, &matter.report.outcome.population);
    html! {
        table.facts {
            @for (flow, bps) in scenario.flow.iter().zip(&population.goodputs_bps) {
                tr { th { "goodput" } td { (flow.from) " → " (flow.to) ": " (figures::rate(*bps)) } }
            }
            @for [name, text] in population.told() {
                tr { th { (name) } td { (text) } }
            }
        }
    }
}

fn one(number: usize, host: &str, verdict: &Verdict, shown: &BTreeSet<u64>) -> Markup {
    html! {
        div.wrong id=(format!("verdict-{number}")) {
            h3 { "V" (number) ": " (verdict.oracle) " (" (verdict.oracle.section()) ") at " (host) }
            table.facts {
                @if let Some(flow) = verdict.flow { tr { th { "flow" } td { (flow) } } }
                tr { th { "frame" } td { (frame(verdict.frame, shown)) " " code { (verdict.line) } } }
                @if let Some(earlier) = verdict.earlier { tr { th { "after" } td { (frame(earlier, shown)) } } }
                tr { th { "expected" } td { (verdict.expected) } }
                tr { th { "found" } td { (verdict.found) } }
            }
        }
    }
}

fn frame(mark: Mark, shown: &BTreeSet<u64>) -> Markup {
    html! {
        @if shown.contains(&mark.number) {
            a href=(format!("#frame-{}", mark.number)) { (mark) }
        } @else {
            (mark)
        }
    }
}

/// How often each oracle of frames and connections judged, at all hosts.
pub(super) fn tallies(matter: &Matter<'_>) -> Markup {
    let judges: Vec<(Oracle, Tally)> =
        Oracle::ALL.iter().map(|oracle| (*oracle, matter.report.built.tally_of_all(*oracle))).collect();
    html! {
        table.figures {
            tr { th { "oracle" } th { "rule" } th.number { "judged" } th.number { "abstained" } th.number { "broken" } }
            @for (oracle, tally) in judges.iter().filter(|(_, tally)| *tally != Tally::default()) {
                tr {
                    td { (oracle) }
                    td { (oracle.section()) }
                    td.number { (grouped(tally.judged)) }
                    td.number { (grouped(tally.abstained)) }
                    td.number.bad[tally.failed > 0] { (grouped(tally.failed)) }
                }
            }
            @for (rule, section) in Oracle::NOT_YET_IN_CORE {
                tr { td { (rule) } td { (section) } td colspan="3" { "not yet in core" } }
            }
        }
    }
}
