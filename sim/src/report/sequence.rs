//! Time-sequence graphs: what was sent when, what was lost and sent again, and how far the receiver had it and
//! had room.

use super::flow::Flow;
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

/// The graph of a flow.
pub(super) fn graph<'a>(matter: &'a Matter<'_>, flow: &Flow) -> Graph<'a> {
    let (unit, values) = unit(flow.highest);
    let top = flow.highest as f64 / unit * 1.08;
    let place = |seq: u64| seq as f64 / unit;
    let bars = flow.sent.iter().map(|sent| (seconds(sent.at), place(sent.seq), place(sent.end)));
    let middle = |sent: &super::flow::Sent| (seconds(sent.at), f64::midpoint(place(sent.seq), place(sent.end)));
    let again = flow.sent.iter().filter(|sent| sent.again).map(middle);
    let lost = flow.sent.iter().filter(|sent| sent.lost).map(middle);
    // What lies above the picture is not drawn.
    let edge = flow.heard.iter().map(|heard| (seconds(heard.at), place(heard.edge).min(top)));
    let acks = flow.heard.iter().map(|heard| (seconds(heard.at), place(heard.ack)));
    let sacked = flow
        .heard
        .iter()
        .flat_map(|heard| heard.sack.iter().map(move |(start, end)| (seconds(heard.at), place(*start), place(*end))));
    Graph {
        span: flow.span(),
        values,
        height: 380,
        top: Some(top),
        series: vec![
            Series { ink: Ink::Window, label: "edge of the window offered", shape: Shape::Steps(edge.collect()) },
            Series { ink: Ink::Sack, label: "selectively acknowledged (SACK)", shape: Shape::Bars(sacked.collect()) },
            Series { ink: Ink::Sent, label: "sent", shape: Shape::Bars(bars.collect()) },
            Series { ink: Ink::Ack, label: "acknowledged", shape: Shape::Steps(acks.collect()) },
            Series { ink: Ink::Again, label: "sent again", shape: Shape::Dots(again.collect()) },
            Series { ink: Ink::Lost, label: "dropped on its way", shape: Shape::Crosses(lost.collect()) },
        ],
        moments: &matter.moments,
    }
}
