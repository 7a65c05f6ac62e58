//! The frames, from node to node: a row per frame that passed an interface, an arrow from where it left to where
//! it arrived.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use svg::node::element::{Anchor, Group, Line, Text, Title};

use super::matter::Matter;
use super::quantity::grouped;
use super::selection::{has_fault, retransmitted};
use crate::link::{Act, End};
use crate::segment::InitialSeqs;
use crate::trace::{Direction, Passed};

/// The height of a row, in pixels.
const ROW: usize = 18;
/// Where the columns of the nodes begin, and how far they are apart at most.
const NODES_LEFT: usize = 230;
const NODES_WIDTH: usize = 420;
const NODE_APART: usize = 240;
/// Columns; nodes beyond share the last one.
const COLUMNS_MAX: usize = 10;
/// Characters of a line; the whole of it is in the hover text.
const LINE_MAX: usize = 104;
const WIDTH: usize = 1_310;

/// The ladder at work.
struct Ladder<'a> {
    matter: &'a Matter<'a>,
    /// The column of each node that has one.
    columns: BTreeMap<usize, usize>,
    /// The row of each frame shown, by its number.
    rows: BTreeMap<u64, usize>,
    again: BTreeSet<u64>,
    /// The verdicts about a frame, by its number.
    verdicts: BTreeMap<u64, usize>,
    /// The other end of each port's link.
    peers: BTreeMap<crate::Port, usize>,
}

/// The ladder of the frames at `shown` in the trace.
pub(super) fn ladder(matter: &Matter<'_>, shown: &BTreeSet<usize>) -> String {
    let frames = matter.world.trace().frames();
    let mut ladder = Ladder::new(matter);
    for at in shown {
        let node = frames[*at].port.node.index();
        let column = ladder.columns.len().min(COLUMNS_MAX - 1);
        ladder.columns.entry(node).or_insert(column);
    }
    let mut body = Group::new();
    let mut seqs = InitialSeqs::default();
    let (mut row, mut skipped) = (1, 0);
    let gap = |row: usize, skipped: usize| {
        let told = format!("… {} frames left out …", grouped(skipped as u64));
        Text::new(told).set("class", "gap").set("x", NODES_LEFT).set("y", row * ROW + 13)
    };
    for (at, passed) in frames.iter().enumerate() {
        seqs.observe(&passed.frame);
        if !shown.contains(&at) {
            skipped += 1;
            continue;
        }
        if skipped > 0 {
            body = body.add(gap(row, skipped));
            (row, skipped) = (row + 1, 0);
        }
        ladder.rows.insert(passed.number, row);
        body = body.add(ladder.row(passed, row, &seqs));
        row += 1;
    }
    if skipped > 0 {
        body = body.add(gap(row, skipped));
        row += 1;
    }
    let height = row * ROW + 6;
    let document = svg::Document::new()
        .set("class", "ladder")
        .set("viewBox", (0, 0, WIDTH, height))
        .set("width", WIDTH)
        .set("height", height)
        .add(ladder.lifelines(height))
        .add(body);
    document.to_string()
}

impl<'a> Ladder<'a> {
    fn new(matter: &'a Matter<'a>) -> Ladder<'a> {
        let verdicts = (1..).zip(&matter.verdicts).map(|(number, (_, verdict))| (verdict.frame.number, number));
        let ends = matter.world.links();
        let peers = ends.flat_map(|(_, [a, b])| [(a, b.node.index()), (b, a.node.index())]);
        Ladder {
            matter,
            columns: BTreeMap::new(),
            rows: BTreeMap::new(),
            again: retransmitted(matter),
            verdicts: verdicts.collect(),
            peers: peers.collect(),
        }
    }

    /// Where a node's column is.
    fn x(&self, node: usize) -> usize {
        let columns = self.columns.values().max().map_or(1, |last| last + 1);
        let apart = (NODES_WIDTH / columns.saturating_sub(1).max(1)).min(NODE_APART);
        let column = self.columns.get(&node).copied().unwrap_or(columns - 1);
        NODES_LEFT + column * apart
    }

    /// Where the lines of the frames begin.
    fn text_x(&self) -> usize {
        self.columns.keys().map(|node| self.x(*node)).max().unwrap_or(NODES_LEFT) + 40
    }

    fn lifelines(&self, height: usize) -> Group {
        let mut names: BTreeMap<usize, (usize, String)> = BTreeMap::new();
        for node in self.columns.keys() {
            let (nodes, name) = names.entry(self.x(*node)).or_insert_with(|| (0, self.matter.node(*node).to_owned()));
            *nodes += 1;
            if *nodes > 1 {
                *name = format!("{nodes} others");
            }
        }
        names.into_iter().fold(Group::new(), |group, (x, (_, name))| {
            let line = Line::new().set("class", "life").set("x1", x).set("x2", x).set("y1", ROW).set("y2", height);
            let name = Text::new(name).set("class", "node").set("x", x).set("y", 13);
            group.add(line).add(name)
        })
    }

    fn row(&self, passed: &Passed, row: usize, seqs: &InitialSeqs) -> Group {
        let y = row * ROW + 13;
        let line = seqs.line(&passed.frame, "", true);
        let class = self.class(passed);
        let mut group = Group::new()
            .set("id", format!("frame-{}", passed.number))
            .set("class", class)
            .add(Title::new(self.hover(passed, &line)))
            .add(Text::new(passed.number.to_string()).set("class", "number").set("x", 56).set("y", y))
            .add(Text::new(passed.at.to_string()).set("class", "number").set("x", 170).set("y", y));
        for arrow in self.arrows(passed, row) {
            group = group.add(arrow);
        }
        let out = if passed.direction == Direction::Outbound { ">" } else { "<" };
        let name = self.matter.node(passed.port.node.index());
        let note = if passed.direction == Direction::Outbound || has_fault(passed) { note(passed) } else { None };
        let told = format!("{name} {out} {}", without_times(&line));
        let told = match note {
            Some(note) => format!("{} # {note}", shortened(&told, LINE_MAX.saturating_sub(note.len() + 3))),
            None => shortened(&told, LINE_MAX),
        };
        let told = Text::new(told).set("class", "line").set("x", self.text_x()).set("y", y);
        match self.verdicts.get(&passed.number) {
            Some(verdict) => {
                let link = Text::new(format!("V{verdict}")).set("class", "bad").set("x", 196).set("y", y);
                group.add(Anchor::new().set("href", format!("#verdict-{verdict}")).add(link).add(told))
            }
            None => group.add(told),
        }
    }

    fn class(&self, passed: &Passed) -> &'static str {
        let dropped = passed.fates.iter().any(|fate| matches!(fate.end, End::Dropped(_)));
        match () {
            () if self.verdicts.contains_key(&passed.number) => "row broken",
            () if dropped || passed.lost => "row lost",
            () if self.again.contains(&passed.number) => "row again",
            () if has_fault(passed) => "row changed",
            () if passed.direction == Direction::Inbound => "row in",
            () => "row out",
        }
    }

    /// All that is known of a frame.
    fn hover(&self, passed: &Passed, line: &str) -> String {
        let name = self.matter.node(passed.port.node.index());
        let (way, interface) = (passed.direction, passed.port.interface);
        let mut text = format!("frame {} at {} s, {way:?} at {name}, interface {interface}", passed.number, passed.at);
        // Writing to a String does not fail.
        let _ = write!(text, ", {} bytes\n{line}", passed.frame.len());
        if let Some(provenance) = passed.provenance {
            let _ = write!(text, "\ncause: {}", provenance.describe(passed.at));
        }
        for fate in &passed.fates {
            let _ = write!(text, "\n{fate}");
        }
        if passed.lost {
            text.push_str("\nlost: the host is down or has no room");
        }
        text
    }

    /// Of a frame that arrived, the arrow from where it left; of one that was dropped, how far it came.
    fn arrows(&self, passed: &Passed, row: usize) -> Vec<Line> {
        let here = (self.x(passed.port.node.index()), row * ROW + 9);
        let peer = self.peers.get(&passed.port).map_or(here.0, |node| self.x(*node));
        let arrow = |from: (usize, usize), to: (usize, usize), class: &str, end: &str| {
            Line::new()
                .set("class", format!("arrow {class}"))
                .set("marker-end", format!("url(#{end})"))
                .set("x1", from.0)
                .set("y1", from.1)
                .set("x2", to.0)
                .set("y2", to.1)
        };
        match passed.direction {
            Direction::Inbound => {
                let fate = passed.fates.first();
                let sent = fate.and_then(|fate| self.rows.get(&fate.frame));
                let from = match sent {
                    Some(row) => (peer, row * ROW + 9),
                    // It left before what is shown.
                    None => (usize::midpoint(peer, here.0), here.1),
                };
                let copy = fate.is_some_and(|fate| fate.acts.contains(&Act::Duplicate));
                let way = if from.0 < here.0 { "right" } else { "left" };
                let class = if copy { format!("{way} copy") } else { way.to_owned() };
                vec![arrow(from, here, &class, if passed.lost { "cross" } else { "head" })]
            }
            Direction::Outbound => {
                let dropped = passed.fates.iter().any(|fate| matches!(fate.end, End::Dropped(_)));
                let to = ((here.0 * 2 + peer) / 3, here.1 + 4);
                dropped.then(|| arrow(here, to, "", "cross")).into_iter().collect()
            }
        }
    }
}

/// What is to be said of a frame beside its line.
fn note(passed: &Passed) -> Option<String> {
    let fate = passed.fates.iter().find(|fate| fate.is_fault())?;
    match fate.end {
        End::Dropped(cause) => Some(format!("dropped: {cause}")),
        End::Delivered { .. } => {
            let acts = fate.acts.iter().filter(|act| !matches!(act, Act::Jitter { .. }));
            Some(acts.map(ToString::to_string).collect::<Vec<_>>().join(", "))
        }
    }
}

/// A line without the numbers of its timestamps option, and without the padding of its options.
fn without_times(line: &str) -> String {
    let line = line.replace("nop,", "");
    let Some((before, rest)) = line.split_once("TS val ") else { return line };
    let after = rest.find([',', '>']).map_or("", |at| &rest[at..]);
    format!("{before}TS{after}")
}

fn shortened(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    text.chars().take(length.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_without_times() {
        let line = "a > b tcp . 1:1(0) ack 1 win 9 <nop,nop,TS val 1408332058 ecr 7,nop,nop,sack 5:9>";
        assert_eq!(without_times(line), "a > b tcp . 1:1(0) ack 1 win 9 <TS,sack 5:9>");
        assert_eq!(without_times("arp who-has 192.0.2.1"), "arp who-has 192.0.2.1");
    }
}
