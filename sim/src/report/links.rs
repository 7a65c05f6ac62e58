//! What each direction of each link is made of, and what it did: a table.

use maud::{Markup, html};

use super::quantity::grouped;
use crate::link::{Counters, Load, Rate, Stage};
use crate::scenario::{Built, Scenario, figures as told};
use crate::world::LinkId;

/// Links that are listed.
const LINKS_MAX: usize = 100;

/// The table.
pub(super) fn table(scenario: &Scenario, built: &Built) -> Markup {
    let world = &built.world;
    let links: Vec<_> = world.links().map(|(link, ends)| (link, ends.map(|end| end.node.index()))).collect();
    let name = |node: usize| world.trace().nodes().get(node).map_or("?", String::as_str);
    html! {
        table.figures {
            tr {
                th { "link" } th { "direction" } th { "what frames go through" } th.number { "in use" }
                th.number { "99% wait" } th.number { "in" } th.number { "delivered" } th.number { "dropped" } th { "causes" }
            }
            @for (link, [a, b]) in links.iter().take(LINKS_MAX) {
                @let [to_b, to_a] = world.link_loads(*link);
                @let [in_b, in_a] = world.link_counters(*link);
                @for (toward_b, from, to, load, counters) in [(true, a, b, to_b, in_b), (false, b, a, to_a, in_a)] {
                    tr {
                        td { @if toward_b { (spec(scenario, built, *link).map_or("", |spec| &spec.name)) } }
                        td { (name(*from)) " → " (name(*to)) }
                        td.stages { @for stage in stages(scenario, built, *link, toward_b) { (stage) br; } }
                        (loads(&load))
                        (figures(counters))
                    }
                }
            }
        }
        @if links.len() > LINKS_MAX { p.note { (links.len() - LINKS_MAX) " more links are left out." } }
    }
}

/// How much of the time each rate was in use, and how long 99 in a hundred frames waited for it at most.
fn loads(loads: &[(Rate, &Load)]) -> Markup {
    let used = |(rate, load): &(Rate, &Load)| load.utilisation(rate.bps).map_or("-".to_owned(), told::share);
    let waited = |load: &Load| told::time(u64::try_from(load.waits.permille(990).as_nanos()).unwrap_or(u64::MAX));
    html! {
        td.number { @for load in loads { (used(load)) br; } }
        td.number { @for (_, load) in loads { (waited(load)) br; } }
    }
}

fn figures(counters: &Counters) -> Markup {
    html! {
        td.number { (grouped(counters.pushed + counters.added)) }
        td.number { (grouped(counters.delivered)) }
        td.number { (grouped(counters.dropped_total())) }
        td { @for (cause, count) in &counters.dropped { (cause) ": " (grouped(*count)) br; } }
    }
}

fn spec<'a>(scenario: &'a Scenario, built: &Built, link: LinkId) -> Option<&'a crate::scenario::LinkSpec> {
    let place = built.links.iter().position(|known| *known == link)?;
    scenario.link.get(place)
}

/// The stages of a direction, in the words of a scenario.
fn stages(scenario: &Scenario, built: &Built, link: LinkId, toward_b: bool) -> Vec<String> {
    let Some(spec) = spec(scenario, built, link) else { return Vec::new() };
    let stages: &[Stage] = if toward_b { &spec.path.a_to_b } else { &spec.path.b_to_a };
    stages.iter().filter_map(|stage| toml::Value::try_from(stage).ok()).map(|value| plain(&value)).collect()
}

/// What most stages are set to, and which limit of ours they have, need not be told.
const UNTOLD: [(&str, &str); 4] =
    [("correlation", "0ppm"), ("in-flight-max", ""), ("order", "keep"), ("framing", "ethernet")];

/// A value without brackets and quotation marks: `delay law constant 5ms`.
fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::Table(table) => {
            let told = table.iter().filter(|(key, value)| !UNTOLD.contains(&(key, value.as_str().unwrap_or_default())));
            let parts = told.map(|(key, value)| format!("{key} {}", plain(value)));
            parts.collect::<Vec<String>>().join(", ")
        }
        toml::Value::Array(values) => values.iter().map(plain).collect::<Vec<String>>().join(" "),
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
