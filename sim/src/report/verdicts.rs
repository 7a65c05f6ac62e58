//! What went wrong, with links to the frames concerned; and how often each oracle judged.

use maud::{Markup, html};

use super::matter::{Matter, Trouble};
use super::quantity::grouped;
use super::sequence;
use crate::oracle::{FlowKey, Mark, Oracle, Tally};

/// What went wrong.
pub(super) fn verdicts(matter: &Matter<'_>) -> Markup {
    let subject = &matter.subject;
    html! {
        @if subject.verdicts.is_empty() && subject.failures.is_empty() {
            p.fine { "No rule was broken." }
        }
        @for group in groups(matter) {
            (one(matter, group[0]))
            @if group.len() > 1 { (more(matter, &group[1..])) }
        }
        @for trouble in &subject.failures {
            (other(matter, trouble))
        }
    }
}

/// The places of the verdicts, by rule, host and connection: groups by their first ones.
pub(super) fn groups(matter: &Matter<'_>) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let about = |place: usize| {
        let (host, verdict) = &matter.subject.verdicts[place];
        (host, verdict.oracle, verdict.flow)
    };
    for place in 0..matter.subject.verdicts.len() {
        match groups.iter_mut().find(|group| about(group[0]) == about(place)) {
            Some(group) => group.push(place),
            None => groups.push(vec![place]),
        }
    }
    groups
}

fn one(matter: &Matter<'_>, place: usize) -> Markup {
    let (host, verdict) = &matter.subject.verdicts[place];
    html! {
        div.wrong id=(format!("verdict-{}", place + 1)) {
            h3 { "V" (place + 1) ": " (verdict.oracle) " (" (verdict.oracle.section()) ") at " (host) }
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

/// Those of a group but the first.
fn more(matter: &Matter<'_>, places: &[usize]) -> Markup {
    html! {
        details.wrong {
            summary { (places.len()) " more of this rule" }
            table.figures {
                tr { th {} th { "frame" } th { "after" } th { "expected" } th { "found" } }
                @for place in places {
                    @let verdict = &matter.subject.verdicts[*place].1;
                    tr id=(format!("verdict-{}", place + 1)) {
                        td.bad { "V" (place + 1) }
                        td { (marked(matter, verdict.frame)) br; code { (verdict.line) } }
                        td { @if let Some(earlier) = verdict.earlier { (frame(matter, earlier.number, None)) } }
                        td { (verdict.expected) }
                        td { (verdict.found) }
                    }
                }
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
    html! {
        @if let Some(place) = place.filter(|place| sequence::shown(matter).contains(place)) {
            a href=(format!("#flow-{place}")) { (key) }
        } @else { (key) }
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
