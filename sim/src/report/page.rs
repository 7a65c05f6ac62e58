//! The page: its parts, in order.

use std::collections::BTreeSet;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::flow::Flow;
use super::graph::Graph;
use super::ladder::ladder;
use super::matter::Matter;
use super::quantity::grouped;
use super::selection::{ROWS_MAX, selection};
use super::{congestion, depth, sequence, states, topology, verdicts};
use crate::fault::Fault;

/// The arrow heads of the ladder.
const MARKERS: &str = r#"<svg width="0" height="0" style="position:absolute"><defs>
<marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">
<path d="M0,0 L8,4 L0,8 z" fill="context-stroke"/></marker>
<marker id="cross" viewBox="0 0 10 10" refX="5" refY="5" markerWidth="9" markerHeight="9">
<path d="M1,1 L9,9 M9,1 L1,9" stroke="context-stroke" stroke-width="2" fill="none"/></marker>
</defs></svg>"#;

/// The whole page.
pub(super) fn page(matter: &Matter<'_>) -> String {
    let places = selection(matter);
    let frames = matter.world.trace().frames();
    let shown: BTreeSet<u64> = places.iter().map(|at| frames[*at].number).collect();
    let title = &matter.report.scenario.title;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                (head(matter))
                section id="verdicts" { h2 { "Verdicts" } (verdicts::verdicts(matter, &shown)) (verdicts::population(matter)) }
                section id="network" { h2 { "Network" } (network(matter)) }
                section id="flows" { h2 { "Flows" } (flows(matter)) }
                section id="links" { h2 { "Links over time" } (depths(matter)) }
                section id="states" { h2 { "Connections" } (connections(matter)) }
                section id="frames" {
                    h2 { "Frames" }
                    (legend_of_frames())
                    @if places.len() < frames.len() {
                        p.note {
                            "Of " (grouped(frames.len() as u64)) " frames at most " (grouped(ROWS_MAX as u64))
                            " are shown: the beginning, the end, and those around verdicts, losses and "
                            "retransmissions. A capture has them all."
                        }
                    }
                    (PreEscaped(MARKERS))
                    div.scroll { (PreEscaped(ladder(matter, &places))) }
                }
                section id="oracles" { h2 { "Oracles" } (verdicts::tallies(matter)) }
            }
        }
    };
    page.into_string()
}

fn head(matter: &Matter<'_>) -> Markup {
    let (outcome, scenario) = (matter.report.outcome, matter.report.scenario);
    let wrong = outcome.failures.len();
    let end = tickwire_core::Instant::from_nanos(outcome.nanos);
    html! {
        header {
            h1 { (scenario.title) }
            p.facts {
                span.badge.bad[wrong > 0] { @if wrong == 0 { "all as it should be" } @else { (wrong) " failures" } }
                span { "seed " b { (matter.report.seed) } }
                span { b { (grouped(outcome.frames)) } " frames at all interfaces" }
                span { b { (format!("{:.3}", super::quantity::seconds(end))) } " s simulated, the last frame at "
                    b { (format!("{:.3}", super::quantity::seconds(matter.end))) } " s" }
                span { "hash " code { (outcome.hash) } }
            }
            nav {
                a href="#verdicts" { "Verdicts" } a href="#network" { "Network" } a href="#flows" { "Flows" }
                a href="#links" { "Links" } a href="#states" { "Connections" } a href="#frames" { "Frames" }
                a href="#oracles" { "Oracles" }
            }
        }
    }
}

fn network(matter: &Matter<'_>) -> Markup {
    let faults = matter.world.trace().faults();
    html! {
        @if let Some(drawing) = topology::drawing(matter) { (PreEscaped(drawing)) }
        @else { p.note { "The network is too large to be drawn." } }
        (topology::links(matter))
        @if !faults.is_empty() {
            h3 { "Faults" }
            table.figures {
                tr { th { "mark" } th.number { "time, s" } th { "what" } }
                @for (number, (at, fault)) in (1..).zip(faults) {
                    tr {
                        td.fault { "F" (number) }
                        td.number { (at) }
                        td {
                            (fault)
                            @if let Some(host) = fault.host() { " at " (matter.node(host.index())) }
                            @if let Fault::Partition(link, _) | Fault::Heal(link) = fault { " (" (matter.link(*link)) ")" }
                            @if *at > matter.end { " (after the last frame: not in the graphs)" }
                        }
                    }
                }
            }
        }
    }
}

fn flows(matter: &Matter<'_>) -> Markup {
    let shown = sequence::shown(matter);
    let left_out = matter.flows.len() - shown.len();
    html! {
        @for flow in shown {
            (one_flow(matter, flow))
        }
        @if left_out > 0 {
            p.note { (left_out) " directions of connections that sent nothing, or less than these, have no graphs." }
        }
    }
}

fn one_flow(matter: &Matter<'_>, flow: &Flow) -> Markup {
    let (from, to) = flow.span();
    let lost = flow.sent.iter().filter(|sent| sent.lost).count();
    html! {
        article {
            h3 { (flow.from) " → " (flow.to) " " small { "sent by " (matter.node(flow.host.index())) } }
            p.facts {
                span { b { (grouped(flow.highest.saturating_sub(2))) } " bytes" }
                span { b { (grouped(flow.sent.len() as u64)) } " segments with text or FIN" }
                span { b { (grouped(flow.retransmissions() as u64)) } " sent again" }
                span { b { (grouped(lost as u64)) } " dropped on their first link" }
                span { "from " (from) " s to " (to) " s" }
            }
            (figure("Time and sequence", &sequence::graph(matter, flow)))
            @if let Some(graph) = sequence::detail(matter, flow) {
                (figure("Around the first segment sent again", &graph))
            }
            @for (title, graph) in ["Congestion window", "Round-trip time"].iter().zip(congestion::graphs(matter, flow)) {
                (figure(title, &graph))
            }
        }
    }
}

fn figure(title: &str, graph: &Graph<'_>) -> Markup {
    html! {
        figure {
            figcaption {
                b { (title) }
                @for (ink, label) in graph.legend() {
                    span.key { i style=(format!("background:var(--{})", ink.name())) {} (label) }
                }
            }
            (PreEscaped(graph.svg()))
        }
    }
}

fn depths(matter: &Matter<'_>) -> Markup {
    let links: Vec<_> = matter.world.links().collect();
    html! {
        @if matter.world.details().is_none() { p.note { "How full links were was not kept in this run." } }
        @for (link, [a, b]) in links.iter().take(depth::LINKS_MAX) {
            @for (toward_b, graph) in depth::graphs(matter, *link) {
                @let [from, to] = if toward_b { [a, b] } else { [b, a] }.map(|end| matter.node(end.node.index()));
                (figure(&format!("{}: {from} → {to}", matter.link(*link)), &graph))
            }
        }
        @if links.len() > depth::LINKS_MAX { p.note { (links.len() - depth::LINKS_MAX) " more links are left out." } }
    }
}

fn connections(matter: &Matter<'_>) -> Markup {
    html! {
        @if let Some((drawing, left_out)) = states::drawing(matter) {
            p.keys {
                @for (class, label) in [
                    ("opening", "SYN-SENT, SYN-RECEIVED"),
                    ("open", "ESTABLISHED"),
                    ("closing", "closing: FIN-WAIT, CLOSE-WAIT, CLOSING, LAST-ACK"),
                    ("waiting", "TIME-WAIT"),
                ] {
                    span.key { i style=(format!("background:var(--{class})")) {} (label) }
                }
            }
            (PreEscaped(drawing))
            @if left_out > 0 { p.note { (left_out) " more ends of connections are left out." } }
        } @else {
            p.note { "There were no connections, or their states were not kept in this run." }
        }
        @if let Some(left_out) = matter.world.details().map(crate::world::Details::left_out).filter(|count| *count > 0) {
            p.note { (grouped(left_out)) " observations of connections and links are left out." }
        }
    }
}

fn legend_of_frames() -> Markup {
    html! {
        p.keys {
            @for (class, label) in [
                ("text", "left"),
                ("muted", "arrived"),
                ("again", "retransmission"),
                ("lost", "dropped or lost"),
                ("threshold", "changed, or a copy"),
                ("verdict", "broke a rule"),
            ] {
                span.key { i style=(format!("background:var(--{class})")) {} (label) }
            }
            span.note { "Hold the pointer over a row for what caused it and what the link did." }
        }
    }
}
