//! The page: its parts, in order.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::flow::Flow;
use super::graph::Graph;
use super::ladder::ladder;
use super::matter::Matter;
use super::quantity::grouped;
use super::selection::ROWS_MAX;
use super::{congestion, depth, sequence, states, topology, verdicts};

/// Flows that the table lists.
const LISTED_MAX: usize = 100;

/// The arrow heads of the ladder.
const MARKERS: &str = r#"<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>
<marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">
<path d="M0,0 L8,4 L0,8 z" fill="context-stroke"/></marker>
<marker id="cross" viewBox="0 0 10 10" refX="5" refY="5" markerWidth="9" markerHeight="9">
<path d="M1,1 L9,9 M9,1 L1,9" stroke="context-stroke" stroke-width="2" fill="none"/></marker>
</defs></svg>"#;

/// What runs and recordings tell in ways of their own.
pub(super) struct Parts {
    /// Below the title, beside how many things went wrong.
    pub(super) facts: Markup,
    /// Below the verdicts.
    pub(super) sums: Markup,
    /// Below the drawing of the network.
    pub(super) network: Markup,
    /// At the end.
    pub(super) rest: Markup,
}

/// The whole page.
pub(super) fn page(matter: &Matter<'_>, parts: &Parts) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (matter.subject.title) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                (head(matter, &parts.facts))
                main {
                    section id="verdicts" { h2 { "Verdicts" } (verdicts::verdicts(matter)) (parts.sums) }
                    section id="network" { h2 { "Network" } (network(matter)) (parts.network) (faults(matter)) }
                    section id="flows" { h2 { "Flows" } (flows(matter)) }
                    @if matter.subject.wires.iter().any(|wire| wire.link.is_some()) {
                        section id="links" { h2 { "Links over time" } (depths(matter)) }
                    }
                    section id="states" { h2 { "Connections" } (connections(matter)) }
                    section id="frames" { h2 { "Frames" } (frames(matter)) }
                    section id="oracles" { h2 { "Oracles" } (verdicts::tallies(matter)) (parts.rest) }
                }
            }
        }
    };
    page.into_string()
}

fn head(matter: &Matter<'_>, facts: &Markup) -> Markup {
    let wrong = matter.subject.verdicts.len() + matter.subject.failures.len();
    html! {
        header {
            h1 { (matter.subject.title) }
            p.facts {
                span.badge.bad[wrong > 0] {
                    @match wrong { 0 => "all as it should be", 1 => "1 failure", _ => { (wrong) " failures" } }
                }
                (facts)
            }
            nav {
                a href="#verdicts" { "Verdicts" } a href="#network" { "Network" } a href="#flows" { "Flows" }
                @if matter.subject.wires.iter().any(|wire| wire.link.is_some()) { a href="#links" { "Links" } }
                a href="#states" { "Connections" } a href="#frames" { "Frames" } a href="#oracles" { "Oracles" }
            }
        }
    }
}

fn network(matter: &Matter<'_>) -> Markup {
    html! {
        @if let Some(drawing) = topology::drawing(matter) { (PreEscaped(drawing)) }
        @else { p.note { "The network is too large to be drawn." } }
    }
}

fn faults(matter: &Matter<'_>) -> Markup {
    html! {
        @if !matter.subject.faults.is_empty() {
            h3 { "Faults" }
            table.figures {
                tr { th { "mark" } th.number { "time, s" } th { "what" } }
                @for (number, (at, what)) in (1..).zip(&matter.subject.faults) {
                    tr id=(format!("fault-{number}")) {
                        td.fault { "F" (number) }
                        td.number { (at) }
                        td { (what) @if *at > matter.end { " (after the last frame: not in the graphs)" } }
                    }
                }
            }
        }
    }
}

fn flows(matter: &Matter<'_>) -> Markup {
    let shown = sequence::shown(matter);
    html! {
        @if matter.flows.is_empty() { p.note { "No connection was begun." } }
        @else { (table_of_flows(matter, &shown)) }
        @for place in shown {
            (one_flow(matter, place))
        }
    }
}

fn table_of_flows(matter: &Matter<'_>, shown: &[usize]) -> Markup {
    html! {
        table.figures {
            tr {
                th { "direction of a connection" } th { "sent by" } th.number { "bytes" } th.number { "segments" }
                th.number { "sent again" } th.number { "dropped" } th.number { "from, s" } th.number { "to, s" }
                th { "frames" }
            }
            @for (place, flow) in matter.flows.iter().enumerate().take(LISTED_MAX) {
                @let (from, to) = flow.span();
                tr {
                    td {
                        @if shown.contains(&place) { a href=(format!("#flow-{place}")) { (flow.from) " → " (flow.to) } }
                        @else { (flow.from) " → " (flow.to) }
                    }
                    td { (matter.node(flow.host.index())) }
                    td.number { (grouped(flow.text_len())) }
                    td.number { (grouped(flow.sent.len() as u64)) }
                    td.number { (grouped(flow.retransmissions() as u64)) }
                    td.number { (grouped(flow.losses() as u64)) }
                    td.number { (from) }
                    td.number { (to) }
                    td { (verdicts::frame(matter, flow.frames[0], None)) " – " (verdicts::frame(matter, flow.frames[1], None)) }
                }
            }
        }
        @if matter.flows.len() > LISTED_MAX {
            p.note { (grouped((matter.flows.len() - LISTED_MAX) as u64)) " more are left out." }
        }
        @if matter.flows.len() > shown.len() {
            p.note { "Those that sent most have graphs: at most " (sequence::FLOWS_MAX) ", and none of only a few segments." }
        }
    }
}

fn one_flow(matter: &Matter<'_>, place: usize) -> Markup {
    let flow: &Flow = &matter.flows[place];
    html! {
        article id=(format!("flow-{place}")) {
            h3 { (flow.from) " → " (flow.to) " " small { "sent by " (matter.node(flow.host.index())) } }
            (figure("Time and sequence", &sequence::graph(matter, flow)))
            @if let Some(graph) = sequence::recovery(matter, flow) {
                (figure("The first recovery, enlarged", &graph))
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
                    span.key { i style=(format!("background:{}", ink.var())) {} (label) }
                }
            }
            (PreEscaped(graph.svg(title)))
        }
    }
}

fn depths(matter: &Matter<'_>) -> Markup {
    let linked = matter.subject.wires.iter().filter_map(|wire| Some((wire, wire.link?)));
    let graphs =
        linked.flat_map(|(wire, link)| depth::graphs(matter, link).into_iter().map(move |graph| (wire, graph)));
    let graphs: Vec<_> = graphs.collect();
    html! {
        @if matter.subject.details.is_none() { p.note { "How full links were was not kept in this run." } }
        @else if graphs.is_empty() { p.note { "No link ever held a frame." } }
        @for (wire, (toward_b, graph)) in graphs.iter().take(depth::GRAPHS_MAX) {
            @let [a, b] = wire.ends.map(|end| matter.node(end.node.index()));
            @let [from, to] = if *toward_b { [a, b] } else { [b, a] };
            (figure(&format!("{}: {from} → {to}", wire.name), graph))
        }
        @if graphs.len() > depth::GRAPHS_MAX {
            p.note { (graphs.len() - depth::GRAPHS_MAX) " more directions of links are left out." }
        }
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
            p.note { "There were no connections, or their states were not kept." }
        }
        @if let Some(left_out) = matter.subject.details.map(crate::world::Details::left_out).filter(|count| *count > 0) {
            p.note { (grouped(left_out)) " observations of connections and links are left out." }
        }
    }
}

fn frames(matter: &Matter<'_>) -> Markup {
    let all = matter.subject.trace.frames().len();
    html! {
        (legend_of_frames())
        @if matter.places.len() < all {
            p.note {
                "Of " (grouped(all as u64)) " frames at most " (grouped(ROWS_MAX as u64))
                " are shown: the beginning, the end, and those around verdicts, faults, losses and "
                "retransmissions. A capture has them all."
                @if matter.subject.nodes.iter().any(|node| node.passes_on) {
                    " What hubs and switches only pass on has no rows of its own."
                }
            }
        }
        (PreEscaped(MARKERS))
        div.scroll tabindex="0" role="region" aria-label="frames" { (PreEscaped(ladder(matter))) }
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
                ("verdict", "broke a rule (V)"),
                ("fault", "fault (F)"),
            ] {
                span.key { i style=(format!("background:var(--{class})")) {} (label) }
            }
            span.note { "Hold the pointer over a row for what caused it and what the link did." }
        }
    }
}
