//! Time-sequence graphs: what was sent when, what was lost and sent again, and how far the receiver had it and
//! had room.

use tickwire_core::Instant;

use super::flow::{Flow, Sent};
use super::graph::{Graph, Point, Series, Shape};
use super::ink::Ink;
use super::matter::Matter;
use super::quantity::seconds;

/// Flows with graphs of their own: those that sent most.
pub const FLOWS_MAX: usize = 8;

/// Flows with fewer segments of which none was sent again need no graph.
const SEGMENTS_MIN: usize = 5;

/// The places of the flows that have graphs, those that sent most first.
pub(super) fn shown(matter: &Matter<'_>) -> Vec<usize> {
    let is_told = |flow: &Flow| flow.sent.len() >= SEGMENTS_MIN || flow.retransmissions() > 0;
    let mut flows: Vec<usize> = (0..matter.flows.len()).filter(|place| is_told(&matter.flows[*place])).collect();
    flows.sort_by_key(|place| std::cmp::Reverse(matter.flows[*place].highest));
    flows.truncate(FLOWS_MAX);
    flows
}

/// How many bytes the unit of the axis has, and what the axis says.
fn unit(highest: u64) -> (f64, &'static str) {
    match highest {
        0..=9_999 => (1.0, "sequence number, bytes"),
        10_000..=1_999_999 => (1e3, "sequence number, kB"),
        _ => (1e6, "sequence number, MB"),
    }
}

/// A recovery that takes more of the whole than this, in percent, is seen there.
const ENLARGED_MAX: u64 = 40;

/// The graph of a flow.
pub(super) fn graph<'a>(matter: &'a Matter<'_>, flow: &Flow) -> Graph<'a> {
    let top = flow.highest as f64 * 1.08;
    part(matter, flow, flow.span(), (0.0, top))
}

/// The first recovery, with a margin: from where the first segment that was sent again was sent before, until all that
/// had been sent by then was acknowledged.
pub(super) fn first_recovery(flow: &Flow) -> Option<(Instant, Instant)> {
    let place = flow.sent.iter().position(|sent| sent.again)?;
    let (before, again) = (&flow.sent[..place], flow.sent[place]);
    let first = before.iter().find(|sent| sent.seq <= again.seq && again.seq < sent.end)?;
    let recover = before.iter().map(|sent| sent.end).max()?;
    let whole = flow.span();
    let over = flow.heard.iter().find(|heard| heard.at >= again.at && heard.ack >= recover);
    let (from, to) = (first.at.as_nanos(), over.map_or(whole.1, |heard| heard.at).as_nanos());
    let margin = (to - from) / 12;
    let from = Instant::from_nanos(from.saturating_sub(margin)).max(whole.0);
    Some((from, Instant::from_nanos(to + margin).min(whole.1)))
}

/// The graph of the first recovery; `None` if there was none, or if it takes much of the whole.
pub(super) fn recovery<'a>(matter: &'a Matter<'_>, flow: &Flow) -> Option<Graph<'a>> {
    let (from, to) = first_recovery(flow)?;
    let length = |(from, to): (Instant, Instant)| to.as_nanos() - from.as_nanos();
    if length((from, to)).saturating_mul(100) > length(flow.span()).saturating_mul(ENLARGED_MAX) {
        return None;
    }
    let within = |at: Instant| from <= at && at <= to;
    let sent: Vec<&Sent> = flow.sent.iter().filter(|sent| within(sent.at)).collect();
    let acks = flow.heard.iter().filter(|heard| within(heard.at)).map(|heard| heard.ack);
    let lowest = sent.iter().map(|sent| sent.seq).chain(acks).min()? as f64;
    let highest = sent.iter().map(|sent| sent.end).max()? as f64;
    let margin = (highest - lowest) * 0.05;
    Some(part(matter, flow, (from, to), ((lowest - margin).max(0.0), highest + margin)))
}

/// What a graph of a flow shows of it.
struct Window {
    span: (Instant, Instant),
    range: (f64, f64),
    unit: f64,
}

impl Window {
    fn shows(&self, at: Instant) -> bool {
        (self.span.0..=self.span.1).contains(&at)
    }

    /// A sequence number, in the unit of the axis; one beyond the picture is at its edge.
    fn place(&self, seq: u64) -> f64 {
        (seq as f64).clamp(self.range.0, self.range.1) / self.unit
    }

    /// A line that may have begun before.
    fn steps(&self, points: impl DoubleEndedIterator<Item = (Instant, u64)> + Clone) -> Shape {
        let before = points.clone().rfind(|(at, _)| *at < self.span.0).map(|(_, seq)| (self.span.0, seq));
        let points = before.into_iter().chain(points.filter(|(at, _)| self.shows(*at)));
        Shape::Steps(points.map(|(at, seq)| (seconds(at), self.place(seq))).collect())
    }

    fn points<'a>(&self, sent: impl Iterator<Item = &'a Sent>, what: &str) -> Vec<Point> {
        let shown = sent.filter(|sent| self.shows(sent.at));
        let point = |sent: &Sent| Point {
            at: seconds(sent.at),
            value: f64::midpoint(self.place(sent.seq), self.place(sent.end)),
            frame: sent.number,
            told: format!("frame {} at {} s: {}:{} {what}", sent.number, sent.at, sent.seq, sent.end),
        };
        shown.map(point).collect()
    }

    /// Bars, as far as they are in the picture.
    fn bars(&self, bars: impl Iterator<Item = (Instant, u64, u64)>) -> Shape {
        let bars = bars.filter(|(at, _, _)| self.shows(*at));
        let bars = bars.map(|(at, from, to)| (seconds(at), self.place(from), self.place(to)));
        Shape::Bars(bars.filter(|(_, from, to)| from < to).collect())
    }
}

fn part<'a>(matter: &'a Matter<'_>, flow: &Flow, span: (Instant, Instant), range: (f64, f64)) -> Graph<'a> {
    let (unit, values) = unit(flow.highest);
    let window = Window { span, range, unit };
    let heard = flow.heard.iter();
    let sacked = heard.clone().flat_map(|heard| heard.sack.iter().map(move |(from, to)| (heard.at, *from, *to)));
    let sent = flow.sent.iter();
    Graph {
        span,
        values,
        height: 380,
        range: Some((range.0 / unit, range.1 / unit)),
        series: vec![
            Series {
                ink: Ink::Window,
                label: "edge of the window offered",
                shape: window.steps(heard.clone().map(|heard| (heard.at, heard.edge))),
            },
            Series { ink: Ink::Sack, label: "selectively acknowledged (SACK)", shape: window.bars(sacked) },
            Series {
                ink: Ink::Sent,
                label: "sent",
                shape: window.bars(sent.clone().map(|sent| (sent.at, sent.seq, sent.end))),
            },
            Series {
                ink: Ink::Ack,
                label: "acknowledged",
                shape: window.steps(heard.map(|heard| (heard.at, heard.ack))),
            },
            Series {
                ink: Ink::Again,
                label: "sent again",
                shape: Shape::Dots(window.points(sent.clone().filter(|sent| sent.again), "sent again")),
            },
            Series {
                ink: Ink::Lost,
                label: "dropped on its way",
                shape: Shape::Crosses(window.points(sent.filter(|sent| sent.lost), "dropped on its way")),
            },
        ],
        matter,
    }
}
