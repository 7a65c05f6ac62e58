//! How full links were.

use tickwire_core::Instant;

use super::graph::{Graph, Series, Shape};
use super::ink::Ink;
use super::matter::Matter;
use super::quantity::seconds;
use crate::world::{Depth, LinkId};

/// Directions of links with graphs: the first ones in which frames were ever to be seen.
pub(super) const GRAPHS_MAX: usize = 16;

/// The graphs of a link's directions in which frames were ever to be seen, with where each leads.
pub(super) fn graphs<'a>(matter: &'a Matter<'_>, link: LinkId) -> Vec<(bool, Graph<'a>)> {
    let depths = matter.subject.details.map_or([&[][..]; 2], |details| details.depths(link));
    let is_seen = |depths: &[Depth]| depths.iter().any(|depth| depth.waiting > 0 && depth.at <= matter.end);
    let seen = [true, false].into_iter().zip(depths).filter(|(_, depths)| is_seen(depths));
    seen.map(|(toward_b, depths)| (toward_b, graph(matter, depths))).collect()
}

fn graph<'a>(matter: &'a Matter<'_>, depths: &[Depth]) -> Graph<'a> {
    let shown = || depths.iter().filter(|depth| depth.at <= matter.end);
    let points = |value: fn(&Depth) -> usize| {
        Shape::Steps(shown().map(|depth| (seconds(depth.at), value(depth) as f64)).collect())
    };
    Graph {
        span: (Instant::ZERO, matter.end),
        values: "frames",
        height: 180,
        range: None,
        series: vec![
            Series { ink: Ink::Flight, label: "in the link, on their way included", shape: points(|d| d.waiting) },
            Series { ink: Ink::Sent, label: "waiting to be sent (queue)", shape: points(|d| d.queued) },
        ],
        matter,
    }
}
