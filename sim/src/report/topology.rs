//! The network, as a drawing and as a table.

use std::collections::BTreeMap;

use maud::{Markup, html};
use svg::node::element::{Group, Line, Rectangle, Text};

use super::matter::Matter;
use super::quantity::grouped;
use crate::link::{Counters, Load, Rate, Stage};
use crate::scenario::figures as told;
use crate::world::{LinkId, NodeId};

/// Nodes that are drawn, and links that are listed; of a larger network there is only the table.
const NODES_MAX: usize = 40;
const LINKS_MAX: usize = 100;

const WIDTH: f64 = 1_280.0;
/// The size of a node's box.
const BOX: (f64, f64) = (190.0, 74.0);
/// Addresses written into it.
const ADDRESSES: usize = 3;

/// Which nodes each node is linked to.
fn neighbors(matter: &Matter<'_>) -> Vec<Vec<usize>> {
    let mut neighbors = vec![Vec::new(); matter.world.trace().nodes().len()];
    for (_, [a, b]) in matter.world.links() {
        neighbors[a.node.index()].push(b.node.index());
        neighbors[b.node.index()].push(a.node.index());
    }
    neighbors
}

/// The nodes in a row from one end to the other, if that is how they are linked.
fn chain(neighbors: &[Vec<usize>]) -> Option<Vec<usize>> {
    let mut row = vec![neighbors.iter().position(|linked| linked.len() <= 1)?];
    while let Some(next) = neighbors[row[row.len() - 1]].iter().find(|node| !row.contains(node)) {
        row.push(*next);
    }
    (row.len() == neighbors.len() && row.len() <= 5 && neighbors.iter().all(|linked| linked.len() <= 2)).then_some(row)
}

/// The middle of each node's box, and the drawing's height.
fn places(neighbors: &[Vec<usize>]) -> (BTreeMap<usize, (f64, f64)>, f64) {
    if let Some(row) = chain(neighbors) {
        let apart = (WIDTH - BOX.0 - 20.0) / (row.len().max(2) - 1) as f64;
        let apart = apart.min(520.0);
        let x = |place: usize| BOX.0 / 2.0 + 10.0 + place as f64 * apart;
        return (row.iter().enumerate().map(|(place, node)| (*node, (x(place), 60.0))).collect(), 120.0);
    }
    // The best linked one in the middle, the others around it.
    let middle = (0..neighbors.len()).max_by_key(|node| (neighbors[*node].len(), usize::MAX - node)).unwrap_or(0);
    let around: Vec<usize> = (0..neighbors.len()).filter(|node| *node != middle).collect();
    let height = if around.len() > 12 { 900.0 } else { 480.0 };
    let centre = (WIDTH / 2.0, height / 2.0);
    let radii = (centre.0 - BOX.0 / 2.0 - 10.0, centre.1 - BOX.1 / 2.0 - 10.0);
    let mut places: BTreeMap<usize, (f64, f64)> = [(middle, centre)].into_iter().collect();
    for (place, node) in around.iter().enumerate() {
        let angle = std::f64::consts::TAU * (place as f64 / around.len() as f64 - 0.5);
        places.insert(*node, (centre.0 + radii.0 * angle.cos(), centre.1 + radii.1 * angle.sin()));
    }
    (places, height)
}

/// The drawing; `None` of a network that is too large for one.
pub(super) fn drawing(matter: &Matter<'_>) -> Option<String> {
    let neighbors = neighbors(matter);
    if neighbors.is_empty() || neighbors.len() > NODES_MAX {
        return None;
    }
    let (places, height) = places(&neighbors);
    let (mut lines, mut names, mut boxes) = (Group::new(), Group::new(), Group::new());
    let pixels = |value: f64| format!("{value:.1}");
    for (link, [a, b]) in matter.world.links() {
        let (from, to) = (places[&a.node.index()], places[&b.node.index()]);
        let line = Line::new().set("x1", pixels(from.0)).set("y1", pixels(from.1));
        lines = lines.add(line.set("x2", pixels(to.0)).set("y2", pixels(to.1)).set("class", "link"));
        let (x, y) = (f64::midpoint(from.0, to.0), f64::midpoint(from.1, to.1) - 7.0);
        names = names.add(Text::new(matter.link(link)).set("class", "link").set("x", pixels(x)).set("y", pixels(y)));
    }
    for (node, (x, y)) in &places {
        let (left, top) = (x - BOX.0 / 2.0, y - BOX.1 / 2.0);
        let outline = Rectangle::new().set("x", pixels(left)).set("y", pixels(top)).set("rx", 8);
        boxes = boxes.add(outline.set("width", BOX.0).set("height", BOX.1).set("class", "node"));
        for (line, text) in inscription(matter, *node).into_iter().enumerate() {
            let class = if line == 0 { "node" } else { "address" };
            let baseline = pixels(top + 18.0 + line as f64 * 16.0);
            boxes = boxes.add(Text::new(text).set("class", class).set("x", pixels(*x)).set("y", baseline));
        }
    }
    let document = svg::Document::new().set("class", "topology").set("viewBox", (0, 0, WIDTH as u32, height as u32));
    Some(document.add(lines).add(names).add(boxes).to_string())
}

/// A node's name and its first addresses.
fn inscription(matter: &Matter<'_>, node: usize) -> Vec<String> {
    let mut lines = vec![matter.node(node).to_owned()];
    let host = matter.world.hosts().find(|host| host.index() == node);
    let addresses = host.into_iter().flat_map(|host| matter.world.stack(host).interfaces());
    let addresses = addresses.flat_map(|interface| interface.addresses).map(|own| own.address.to_string());
    let addresses: Vec<String> = addresses.filter(|address| !address.starts_with("fe80:")).collect();
    lines.extend(addresses.iter().take(ADDRESSES).cloned());
    if addresses.len() > ADDRESSES {
        lines[ADDRESSES] = format!("{} and {} more", lines[ADDRESSES], addresses.len() - ADDRESSES);
    }
    lines
}

/// What each direction of each link is made of, and what it did.
pub(super) fn links(matter: &Matter<'_>) -> Markup {
    let links: Vec<(LinkId, [NodeId; 2])> =
        matter.world.links().map(|(link, ends)| (link, ends.map(|end| end.node))).collect();
    html! {
        table.figures {
            tr {
                th { "link" } th { "direction" } th { "what frames go through" }
                th.number { "in use" } th.number { "99% wait" } th.number { "in" } th.number { "delivered" } th.number { "dropped" } th { "causes" }
            }
            @for (link, [a, b]) in links.iter().take(LINKS_MAX) {
                @for (toward_b, counters) in [true, false].into_iter().zip(matter.world.link_counters(*link)) {
                    @let ends = if toward_b { [a, b] } else { [b, a] };
                    tr {
                        td { @if toward_b { (matter.link(*link)) } }
                        td { (matter.node(ends[0].index())) " → " (matter.node(ends[1].index())) }
                        td { @for stage in stages(matter, *link, toward_b) { code { (stage) } br; } }
                        @let [to_b, to_a] = matter.world.link_loads(*link);
                        (loads(if toward_b { &to_b } else { &to_a }))
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

/// The stages of a direction, as a scenario writes them.
fn stages(matter: &Matter<'_>, link: LinkId, toward_b: bool) -> Vec<String> {
    let place = matter.report.built.links.iter().position(|known| *known == link);
    let Some(spec) = place.and_then(|place| matter.report.scenario.link.get(place)) else { return Vec::new() };
    let stages: &[Stage] = if toward_b { &spec.path.a_to_b } else { &spec.path.b_to_a };
    stages.iter().filter_map(|stage| toml::Value::try_from(stage).ok()).map(|value| value.to_string()).collect()
}
