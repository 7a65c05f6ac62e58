//! A row of the ladder: a frame that passed an interface.

use std::fmt::Write as _;

use svg::node::element::{Anchor, Group, Line, Text, Title};
use tickwire_core::wire::ethernet::EthernetFrame;

use super::ladder::{Ladder, ROW, shortened};
use super::selection::has_fault;
use crate::link::{Act, End};
use crate::segment::InitialSeqs;
use crate::trace::{Direction, Passed};

impl Ladder<'_> {
    /// The row of a frame, at a place counted from 0.
    pub(super) fn row(&self, passed: &Passed, row: usize, seqs: &InitialSeqs) -> Group {
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
        let note = note.or_else(|| self.matter.subject.notes.get(&passed.number).cloned());
        let told = format!("{name} {out} {}", without_times(&line));
        let told = match note {
            Some(note) => format!("{} # {note}", shortened(&told, self.letters().saturating_sub(note.len() + 3))),
            None => shortened(&told, self.letters()),
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

    /// Where a frame left the node that was the first to send it.
    fn origin(&self, number: u64) -> Option<(usize, usize)> {
        let number = self.origins.get(&number).copied().unwrap_or(number);
        self.rows.get(&number).map(|(row, node)| (self.x(*node), row * ROW + 9))
    }

    /// The column of the node that was the first to send a frame; `peer` if that is not known.
    fn sender(&self, number: u64, peer: usize) -> usize {
        let number = self.origins.get(&number).copied().unwrap_or(number);
        let place = self.matter.place(number);
        place.map_or(peer, |place| self.x(self.matter.subject.trace.frames()[place].port.node.index()))
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
        if let Some(cause) = self.causes.cause(passed, |number| format!("frame {number}")) {
            let _ = write!(text, "\ncause: {cause}");
        }
        for fate in &passed.fates {
            let _ = write!(text, "\n{fate}");
        }
        if passed.lost {
            text.push_str("\nlost: the host is down or has no room");
        }
        if let Some(note) = self.matter.subject.notes.get(&passed.number) {
            let _ = write!(text, "\n{note}");
        }
        text
    }

    /// Of a frame that arrived, the arrow from where it left; of one that was dropped, how far it came.
    fn arrows(&self, passed: &Passed, row: usize) -> Vec<Line> {
        let here = (self.x(passed.port.node.index()), row * ROW + 9);
        let peer = self.peers.get(&passed.port).copied();
        let (peer, at_once) = peer.map_or((here.0, false), |(node, at_once)| (self.x(node), at_once));
        let arrow = |from: (usize, usize), to: (usize, usize), class: &str, end: &str| {
            Line::new()
                .set("class", format!("arrow {class}"))
                .set("marker-end", format!("url(#{end})"))
                .set("x1", from.0)
                .set("y1", from.1)
                .set("x2", to.0)
                .set("y2", to.1)
        };
        let towards = |from: usize, to: usize| if from < to { "right" } else { "left" };
        match passed.direction {
            Direction::Inbound if at_once => vec![arrow((peer, here.1), here, towards(peer, here.0), "head")],
            Direction::Outbound if at_once => vec![arrow(here, (peer, here.1), towards(here.0, peer), "head")],
            Direction::Inbound => {
                let fate = passed.fates.first();
                let sent = fate.and_then(|fate| self.origin(fate.frame));
                let from = match sent {
                    Some(origin) => origin,
                    // It left before what is shown.
                    None => (usize::midpoint(fate.map_or(peer, |fate| self.sender(fate.frame, peer)), here.0), here.1),
                };
                let copy = fate.is_some_and(|fate| fate.acts.contains(&Act::Duplicate));
                let way = towards(from.0, here.0);
                let class = if copy { format!("{way} copy") } else { way.to_owned() };
                let class = if is_to_group(passed) { format!("{class} group") } else { class };
                vec![arrow(from, here, &class, if passed.lost { "cross" } else { "head" })]
            }
            Direction::Outbound => {
                let dropped = passed.fates.iter().any(|fate| matches!(fate.end, End::Dropped(_)));
                let to = ((here.0 * 2 + peer) / 3, here.1 + 4);
                let dropped = dropped.then(|| arrow(here, to, "", "cross"));
                let origin = self.origins.get(&passed.number).and_then(|origin| self.origin(*origin));
                let brought = origin.map(|from| arrow(from, here, towards(from.0, here.0), "head"));
                brought.into_iter().chain(dropped).collect()
            }
        }
    }
}

/// Whether a frame is for many stations.
fn is_to_group(passed: &Passed) -> bool {
    EthernetFrame::parse(&passed.frame).is_ok_and(|frame| frame.dst().is_multicast())
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
