//! The network, as a drawing.

use svg::node::element::{Group, Line, Rectangle, Text, Title};

use super::layout::{BOX, Layout, WIDTH};
use super::matter::Matter;

/// Nodes that are drawn; of a larger network there is only the table.
pub(super) const NODES_MAX: usize = 40;
/// Letters that a box is wide.
const LETTERS: usize = 24;

/// The drawing; `None` of a network that is too large for one.
pub(super) fn drawing(matter: &Matter<'_>) -> Option<String> {
    let nodes = matter.subject.trace.nodes().len();
    if nodes == 0 || nodes > NODES_MAX {
        return None;
    }
    let layout = Layout::of(matter);
    let (mut lines, mut names, mut boxes) = (Group::new(), Group::new(), Group::new());
    let links_of = |node: usize| {
        let ends = matter.subject.wires.iter().flat_map(|wire| wire.ends);
        ends.filter(|end| end.node.index() == node).count()
    };
    for wire in &matter.subject.wires {
        let [a, b] = wire.ends.map(|end| end.node.index());
        let (from, to) = (layout.places[&a], layout.places[&b]);
        // From side to side, if they stand beside each other.
        let way = (to.0 - from.0).signum();
        let inset = if (to.0 - from.0).abs() > BOX { way * BOX / 2.0 } else { 0.0 };
        let (from, to) = ((from.0 + inset, from.1), (to.0 - inset, to.1));
        let line = Line::new().set("x1", pixels(from.0)).set("y1", pixels(from.1));
        lines = lines.add(line.set("x2", pixels(to.0)).set("y2", pixels(to.1)).set("class", "link"));
        // Where many links meet, their names stand nearer to the other ends.
        let part = match links_of(a).cmp(&links_of(b)) {
            std::cmp::Ordering::Less => 0.4,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Greater => 0.6,
        };
        let (x, y) = (from.0 + (to.0 - from.0) * part, from.1 + (to.1 - from.1) * part - 5.0);
        names = names.add(Text::new(wire.name.clone()).set("class", "link").set("x", pixels(x)).set("y", pixels(y)));
    }
    for (node, (x, y)) in &layout.places {
        let (left, top) = (x - BOX / 2.0, y - layout.box_height / 2.0);
        let outline = Rectangle::new().set("x", pixels(left)).set("y", pixels(top)).set("rx", 8);
        let class = if matter.subject.nodes[*node].is_hostile { "node hostile" } else { "node" };
        let told = [&[matter.node(*node).to_owned()], matter.subject.nodes[*node].lines.as_slice()].concat();
        let outline = outline.add(Title::new(told.join("\n")));
        boxes = boxes.add(outline.set("width", BOX).set("height", layout.box_height).set("class", class));
        for (line, text) in inscription(matter, *node, layout.lines).into_iter().enumerate() {
            let class = if line == 0 { "node" } else { "address" };
            let baseline = pixels(top + 19.0 + line as f64 * 16.0);
            boxes = boxes.add(Text::new(text).set("class", class).set("x", pixels(*x)).set("y", baseline));
        }
    }
    let document = svg::Document::new()
        .set("class", "topology")
        .set("role", "group")
        .set("aria-label", "the network")
        .set("viewBox", (0, 0, WIDTH as u32, layout.height as u32));
    Some(document.add(lines).add(names).add(boxes).to_string())
}

fn pixels(value: f64) -> String {
    format!("{value:.1}")
}

/// A node's name and as many lines as have room.
fn inscription(matter: &Matter<'_>, node: usize, room: usize) -> Vec<String> {
    let all = &matter.subject.nodes[node].lines;
    let mut lines = vec![matter.node(node).to_owned()];
    lines.extend(all.iter().take(room).cloned());
    if let (Some(left_out @ 1..), Some(last)) = (all.len().checked_sub(room), lines.last_mut().filter(|_| room > 0)) {
        *last = format!("{last} and {left_out} more");
    }
    for line in &mut lines {
        if line.chars().count() > LETTERS {
            *line = line.chars().take(LETTERS - 1).chain(['…']).collect();
        }
    }
    lines
}
