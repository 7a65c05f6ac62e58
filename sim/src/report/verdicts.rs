//! What went wrong, with links to the frames concerned; and how often each oracle judged.

use maud::{Markup, html};

use super::matter::{Matter, Trouble};
use super::quantity::grouped;
use super::sequence;
use crate::oracle::{FlowKey, Mark, Oracle, Tally, Verdict};

/// What went wrong.
pub(super) fn verdicts(matter: &Matter<'_>) -> Markup {
    let subject = &matter.subject;
    html! {
        @if subject.verdicts.is_empty() && subject.failures.is_empty() {
            p.fine { "No rule was broken." }
        }
        @for (number, (host, verdict)) in (1..).zip(&subject.verdicts) {
            (one(matter, number, host, verdict))
        }
        @for trouble in &subject.failures {
            (other(matter, trouble))
        }
    }
}

fn one(matter: &Matter<'_>, number: usize, host: &str, verdict: &Verdict) -> Markup {
    html! {
        div.wrong id=(format!("verdict-{number}")) {
            h3 { "V" (number) ": " (verdict.oracle) " (" (verdict.oracle.section()) ") at " (host) }
            table.facts {
                @if let Some(key) = verdict.flow { tr { th { "flow" } td { (flow(matter, key)) } } }
                tr { th { "frame" } td { (marked(matter, verdict.frame)) " " code { (verdict.line) } } }
                @if let Some(earlier) = verdict.earlier { tr { th { "after" } td { (marked(matter, earlier)) } } }
                tr { th { "expected" } td { (verdict.expected) } }
                tr { th { "found" } td { (verdict.found) } }
            }
        }
    }
}

fn other(matter: &Matter<'_>, trouble: &Trouble) -> Markup {
    html! {
        div.wrong {
            h3 { (trouble.name) }
            pre { (trouble.text) }
            @if !trouble.frames.is_empty() {
                p.facts { @for (number, what) in &trouble.frames { span { (what) ": " (frame(matter, *number, None)) } } }
            }
        }
    }
}

/// A connection, with a link to its graphs if it has some.
fn flow(matter: &Matter<'_>, key: FlowKey) -> Markup {
    let place = matter.flows.iter().position(|flow| (flow.from, flow.to) == (key.local(), key.remote()));
    match place.filter(|place| sequence::shown(matter).contains(place)) {
        Some(place) => html! { a href=(format!("#flow-{place}")) { (key) } },
        None => html! { (key) },
    }
}

fn marked(matter: &Matter<'_>, mark: Mark) -> Markup {
    frame(matter, mark.number, Some(&mark.to_string()))
}

/// A frame, by its number or by `told`, with a link if the ladder shows it.
pub(super) fn frame(matter: &Matter<'_>, number: u64, told: Option<&str>) -> Markup {
    html! {
        @if matter.shown.contains(&number) {
            a href=(format!("#frame-{number}")) { @if let Some(told) = told { (told) } @else { (number) } }
        } @else {
            @if let Some(told) = told { (told) } @else { (number) }
        }
    }
}

/// How often each oracle judged, at all hosts.
pub(super) fn tallies(matter: &Matter<'_>) -> Markup {
    html! {
        table.figures {
            tr { th { "oracle" } th { "rule" } th.number { "judged" } th.number { "abstained" } th.number { "broken" } }
            @for (oracle, tally) in matter.subject.tallies.iter().filter(|(_, tally)| *tally != Tally::default()) {
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
