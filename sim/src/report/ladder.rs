//! The frames, from node to node: a row per frame that passed an interface, an arrow from where it left to where
//! it arrived; faults and what else happened between them have rows of their own.

use std::collections::{BTreeMap, BTreeSet};

use svg::node::element::{Group, Line, Text, Title};
use tickwire_core::Instant;

use super::layout::Layout;
use super::matter::{Matter, Remark};
use super::quantity::grouped;
use super::selection::{is_passed_on, retransmitted};
use crate::segment::InitialSeqs;
use crate::trace::{Causes, Direction};
use crate::world::Port;

/// The height of a row, in pixels.
pub(super) const ROW: usize = 18;
/// Where the columns of the nodes begin, how wide they are together as long as there is room, and how far they are
/// apart at most and at least.
const NODES_LEFT: usize = 240;
const NODES_WIDTH: usize = 340;
const NODE_APART: [usize; 2] = [32, 240];
/// Columns; nodes beyond share one.
const COLUMNS_MAX: usize = 16;
/// The width that is filled, if a line has as many characters as it needs at least; the whole of it is in the hover
/// text.
const WIDTH: usize = 1_336;
const LINE_MIN: usize = 76;
/// The width of a character, in pixels: a bit more than that.
const LETTER: usize = 7;
/// Characters of a node's name.
const NAME_MAX: usize = 18;

/// The ladder at work.
pub(super) struct Ladder<'a> {
    pub(super) matter: &'a Matter<'a>,
    /// The column of each node that has one.
    columns: BTreeMap<usize, usize>,
    /// The names of the columns.
    names: Vec<String>,
    /// The row of each frame shown and its node, by its number.
    pub(super) rows: BTreeMap<u64, (usize, usize)>,
    /// The frames that hubs and switches have passed on, each with the one that they had received.
    pub(super) origins: BTreeMap<u64, u64>,
    pub(super) again: BTreeSet<u64>,
    /// The verdicts about a frame, by its number.
    pub(super) verdicts: BTreeMap<u64, usize>,
    /// The other end of each port's link, and whether what is sent at one end is at the other at once.
    pub(super) peers: BTreeMap<Port, (usize, bool)>,
    pub(super) causes: Causes,
}

/// The ladder: the names of the nodes, which stay in sight, and the rows.
pub(super) fn ladder(matter: &Matter<'_>) -> String {
    let mut ladder = Ladder::new(matter);
    let (body, height) = ladder.body();
    let document = |height: usize| {
        let document = svg::Document::new().set("class", "ladder").set("viewBox", (0, 0, ladder.width(), height));
        document.set("width", ladder.width()).set("height", height)
    };
    let head = document(ladder.head_height()).set("class", "ladder head").add(ladder.head());
    let body = document(height)
        .set("role", "group")
        .set("aria-label", "the frames, a row each")
        .add(ladder.lifelines(height))
        .add(body);
    format!("{head}{body}")
}

impl<'a> Ladder<'a> {
    fn new(matter: &'a Matter<'a>) -> Ladder<'a> {
        let verdicts = (1..).zip(&matter.subject.verdicts);
        let verdicts = verdicts.map(|(number, (_, verdict))| (verdict.frame.number, number));
        let peers = matter.subject.wires.iter().flat_map(|wire| {
            let ([a, b], at_once) = (wire.ends, wire.link.is_none());
            [(a, (b.node.index(), at_once)), (b, (a.node.index(), at_once))]
        });
        let peers: BTreeMap<Port, (usize, bool)> = peers.collect();
        let (columns, names) = columns(matter, &peers);
        Ladder {
            matter,
            columns,
            names,
            rows: BTreeMap::new(),
            origins: origins(matter),
            again: retransmitted(matter),
            verdicts: verdicts.collect(),
            peers,
            causes: matter.subject.trace.causes(),
        }
    }

    /// The rows, and how high they are together.
    fn body(&mut self) -> (Group, usize) {
        let matter = self.matter;
        let mut body = Group::new();
        let mut seqs = InitialSeqs::default();
        let (mut row, mut skipped) = (0, 0);
        let mut remarks = matter.subject.remarks.iter().peekable();
        let gap = |row: usize, skipped: usize| {
            let told = format!("… {} frames left out …", grouped(skipped as u64));
            Text::new(told).set("class", "gap").set("x", NODES_LEFT).set("y", row * ROW + 13)
        };
        let frames = matter.subject.trace.frames();
        for (at, passed) in frames.iter().enumerate() {
            seqs.observe(&passed.frame);
            let is_shown = matter.places.contains(&at);
            if is_shown && skipped > 0 {
                body = body.add(gap(row, skipped));
                (row, skipped) = (row + 1, 0);
            }
            while let Some(remark) = remarks.next_if(|remark| remark.place <= at) {
                let beside = is_shown || at.checked_sub(1).is_some_and(|before| matter.places.contains(&before));
                if beside {
                    body = body.add(self.remark(remark, row));
                    row += 1;
                }
            }
            if is_shown {
                self.rows.insert(passed.number, (row, passed.port.node.index()));
                body = body.add(self.row(passed, row, &seqs));
                row += 1;
            } else {
                skipped += usize::from(!is_passed_on(matter, passed));
            }
        }
        if skipped > 0 {
            body = body.add(gap(row, skipped));
            row += 1;
        }
        for remark in remarks {
            body = body.add(self.remark(remark, row));
            row += 1;
        }
        (body, row * ROW + 6)
    }

    /// Where a node's column is.
    pub(super) fn x(&self, node: usize) -> usize {
        let column = self.columns.get(&node).copied().unwrap_or(self.names.len().saturating_sub(1));
        NODES_LEFT + column * self.apart()
    }

    fn apart(&self) -> usize {
        let [least, most] = NODE_APART;
        (NODES_WIDTH / self.names.len().saturating_sub(1).max(1)).clamp(least, most)
    }

    /// Where the lines of the frames begin.
    pub(super) fn text_x(&self) -> usize {
        NODES_LEFT + self.names.len().saturating_sub(1) * self.apart() + 40
    }

    /// Characters of a line.
    pub(super) fn letters(&self) -> usize {
        (WIDTH.saturating_sub(self.text_x()) * 4 / 29).max(LINE_MIN)
    }

    fn width(&self) -> usize {
        self.text_x() + self.letters() * 29 / 4
    }

    /// Letters of the longest name.
    fn longest(&self) -> usize {
        self.names.iter().map(|name| name.chars().count()).max().unwrap_or_default()
    }

    /// Names that have no room beside each other are written aslant.
    fn is_aslant(&self) -> bool {
        self.longest() * LETTER + 12 > self.apart()
    }

    fn head_height(&self) -> usize {
        if self.is_aslant() { 22 + self.longest() * LETTER * 2 / 3 } else { 22 }
    }

    /// The names above the columns.
    fn head(&self) -> Group {
        let (mut group, y) = (Group::new(), self.head_height() - 6);
        for (text, x, class) in [("frame", 56, "number"), ("time, s", 170, "number"), ("", 0, "")] {
            group = group.add(Text::new(text).set("class", class).set("x", x).set("y", y));
        }
        for (column, name) in self.names.iter().enumerate() {
            let x = NODES_LEFT + column * self.apart();
            let name = Text::new(name.clone()).set("x", x).set("y", y);
            group = group.add(if self.is_aslant() {
                name.set("class", "node aslant").set("transform", format!("rotate(-42 {x} {y})"))
            } else {
                name.set("class", "node")
            });
        }
        group
    }

    fn lifelines(&self, height: usize) -> Group {
        (0..self.names.len()).fold(Group::new(), |group, column| {
            let x = NODES_LEFT + column * self.apart();
            group.add(Line::new().set("class", "life").set("x1", x).set("x2", x).set("y1", 0).set("y2", height))
        })
    }

    /// Something that happened between frames.
    fn remark(&self, remark: &Remark, row: usize) -> Group {
        let y = row * ROW + 13;
        let last = NODES_LEFT + self.names.len().saturating_sub(1) * self.apart();
        let class = if remark.fault.is_some() { "row remark fault" } else { "row remark" };
        let line = Line::new().set("class", "across").set("x1", NODES_LEFT).set("x2", last);
        let told = shortened(&remark.lines.join("; "), self.letters());
        let told = Text::new(told).set("class", "line").set("x", self.text_x()).set("y", y);
        Group::new()
            .set("class", class)
            .add(Title::new(format!("at {} s\n{}", remark.at, remark.lines.join("\n"))))
            .add(Text::new(remark.at.to_string()).set("class", "number").set("x", 170).set("y", y))
            .add(line.set("y1", y - 4).set("y2", y - 4))
            .add(told)
    }
}

/// The frames that hubs and switches have passed on, each with the one that was sent to the first of them: what one
/// passes on follows upon what it received, at the same time.
fn origins(matter: &Matter<'_>) -> BTreeMap<u64, u64> {
    let mut origins: BTreeMap<u64, u64> = BTreeMap::new();
    let mut received: BTreeMap<usize, (Instant, u64)> = BTreeMap::new();
    for passed in matter.subject.trace.frames() {
        let node = passed.port.node.index();
        if !matter.subject.nodes.get(node).is_some_and(|node| node.passes_on) {
            continue;
        }
        match (passed.direction, passed.fates.first(), received.get(&node)) {
            (Direction::Inbound, Some(fate), _) => {
                let origin = origins.get(&fate.frame).copied().unwrap_or(fate.frame);
                received.insert(node, (passed.at, origin));
            }
            (Direction::Outbound, _, Some((at, origin))) if *at == passed.at => {
                origins.insert(passed.number, *origin);
            }
            _ => {}
        }
    }
    origins
}

/// The column of each node, from left to right as in the drawing of the network, and the columns' names. Where there
/// are too many, those of whom the fewest frames are shown share the last one.
fn columns(matter: &Matter<'_>, peers: &BTreeMap<Port, (usize, bool)>) -> (BTreeMap<usize, usize>, Vec<String>) {
    let mut frames: BTreeMap<usize, usize> = BTreeMap::new();
    for place in &matter.places {
        let port = matter.subject.trace.frames()[*place].port;
        *frames.entry(port.node.index()).or_default() += 1;
        if let Some((peer, true)) = peers.get(&port) {
            *frames.entry(*peer).or_default() += 1;
        }
    }
    let mut busiest: Vec<usize> = frames.keys().copied().collect();
    busiest.sort_by_key(|node| std::cmp::Reverse(frames[node]));
    let others = if busiest.len() > COLUMNS_MAX { busiest.split_off(COLUMNS_MAX - 1) } else { Vec::new() };
    let order = Layout::of(matter).order;
    let own: Vec<usize> = order.into_iter().filter(|node| busiest.contains(node)).collect();
    let mut names: Vec<String> = own.iter().map(|node| shortened(matter.node(*node), NAME_MAX)).collect();
    let mut columns: BTreeMap<usize, usize> = own.iter().enumerate().map(|(column, node)| (*node, column)).collect();
    if !others.is_empty() {
        columns.extend(others.iter().map(|node| (*node, names.len())));
        names.push(format!("{} others", others.len()));
    }
    (columns, names)
}

/// The beginning of a text that is too long.
pub(super) fn shortened(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    text.chars().take(length.saturating_sub(1)).chain(['…']).collect()
}
