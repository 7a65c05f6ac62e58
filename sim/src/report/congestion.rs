//! Congestion window, slow start threshold, what is in flight; and the round-trip time.

use super::flow::Flow;
use super::graph::{Graph, Series, Shape};
use super::ink::Ink;
use super::matter::Matter;
use super::quantity::seconds;
use crate::world::Examined;

/// What the sender of a flow looked like while it lasted.
fn examined<'a>(matter: &Matter<'a>, flow: &Flow) -> Vec<&'a Examined> {
    let (from, to) = flow.span();
    let all = matter.subject.details.map_or(&[][..], |details| details.examined(flow.host));
    let of_flow = |seen: &&Examined| {
        let connection = &seen.examination;
        (connection.local, connection.remote) == (flow.from, flow.to) && seen.at >= from && seen.at <= to
    };
    all.iter().filter(of_flow).collect()
}

/// The graphs of a flow; none if nothing was kept of it.
pub(super) fn graphs<'a>(matter: &'a Matter<'_>, flow: &Flow) -> Vec<Graph<'a>> {
    let seen = examined(matter, flow);
    if seen.is_empty() { Vec::new() } else { vec![windows(matter, flow, &seen), round_trip(matter, flow, &seen)] }
}

fn windows<'a>(matter: &'a Matter<'_>, flow: &Flow, seen: &[&Examined]) -> Graph<'a> {
    let kilobytes = |bytes: u32| f64::from(bytes) / 1e3;
    let steps = |value: &dyn Fn(&Examined) -> u32| {
        Shape::Steps(seen.iter().map(|seen| (seconds(seen.at), kilobytes(value(seen)))).collect())
    };
    let highest = seen.iter().map(|seen| seen.examination.cwnd).max().unwrap_or_default();
    let thresholds = seen.iter().filter(|seen| seen.examination.ssthresh != u32::MAX);
    let thresholds =
        thresholds.map(|seen| (seconds(seen.at), kilobytes(seen.examination.ssthresh.min(highest.max(1)))));
    let flight = |seen: &Examined| seen.examination.nxt.bytes_since(seen.examination.una);
    Graph {
        span: flow.span(),
        values: "kB",
        height: 240,
        range: None,
        series: vec![
            Series { ink: Ink::Flight, label: "in flight (SND.NXT - SND.UNA)", shape: steps(&flight) },
            Series { ink: Ink::Sent, label: "cwnd", shape: steps(&|seen| seen.examination.cwnd) },
            Series { ink: Ink::Threshold, label: "ssthresh", shape: Shape::Steps(thresholds.collect()) },
        ],
        matter,
    }
}

fn round_trip<'a>(matter: &'a Matter<'_>, flow: &Flow, seen: &[&Examined]) -> Graph<'a> {
    let millis = |value: &dyn Fn(&Examined) -> Option<std::time::Duration>| {
        let points = seen.iter().filter_map(|seen| Some((seconds(seen.at), value(seen)?.as_secs_f64() * 1e3)));
        Shape::Steps(points.collect())
    };
    let deviation = |seen: &Examined| Some(seen.srtt? + seen.rttvar? * 4);
    Graph {
        span: flow.span(),
        values: "ms",
        height: 200,
        range: None,
        series: vec![
            Series { ink: Ink::Threshold, label: "SRTT + 4 RTTVAR", shape: millis(&deviation) },
            Series { ink: Ink::Sent, label: "SRTT", shape: millis(&|seen| seen.srtt) },
        ],
        matter,
    }
}
