//! Time-sequence graphs: what was sent when, what was lost and sent again, and how far the receiver had it and
//! had room.

use tickwire_core::Instant;

use super::flow::{Flow, Sent};
use super::graph::{Graph, Series, Shape};
use super::ink::Ink;
use super::matter::Matter;
use super::quantity::seconds;

/// Flows with graphs of their own: those that sent most.
pub const FLOWS_MAX: usize = 8;

/// The flows that have graphs, those that sent most first.
pub(super) fn shown<'a>(matter: &'a Matter<'_>) -> Vec<&'a Flow> {
    let mut flows: Vec<&Flow> = matter.flows.iter().filter(|flow| flow.highest > 2).collect();
    flows.sort_by_key(|flow| std::cmp::Reverse(flow.highest));
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

/// Segments before and after the first one sent again that are shown by themselves.
const AROUND: usize = 60;

/// The graph of a flow.
pub(super) fn graph<'a>(matter: &'a Matter<'_>, flow: &Flow) -> Graph<'a> {
    let top = flow.highest as f64 * 1.08;
    part(matter, flow, flow.span(), (0.0, top))
}

/// The graph of what is around the first segment sent again, where the whole is too large to show it.
pub(super) fn detail<'a>(matter: &'a Matter<'_>, flow: &Flow) -> Option<Graph<'a>> {
    let place = flow.sent.iter().position(|sent| sent.again)?;
    let (first, last) = (place.saturating_sub(AROUND), (place + AROUND).min(flow.sent.len() - 1));
    let around = &flow.sent[first..=last];
    let lowest = around.iter().map(|sent| sent.seq).min()? as f64;
    let highest = around.iter().map(|sent| sent.end).max()? as f64;
    let margin = (highest - lowest) * 0.05;
    let range = ((lowest - margin).max(0.0), highest + margin);
    (flow.sent.len() > 4 * AROUND).then(|| part(matter, flow, (around[0].at, around[around.len() - 1].at), range))
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

    fn dots<'a>(&self, sent: impl Iterator<Item = &'a Sent>) -> Vec<(f64, f64)> {
        let shown = sent.filter(|sent| self.shows(sent.at));
        shown.map(|sent| (seconds(sent.at), f64::midpoint(self.place(sent.seq), self.place(sent.end)))).collect()
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
                shape: Shape::Dots(window.dots(sent.clone().filter(|sent| sent.again))),
            },
            Series {
                ink: Ink::Lost,
                label: "dropped on its way",
                shape: Shape::Crosses(window.dots(sent.filter(|sent| sent.lost))),
            },
        ],
        moments: &matter.moments,
    }
}
