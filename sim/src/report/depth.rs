//! How full links were.

use tickwire_core::Instant;

use super::graph::{Graph, Series, Shape};
use super::ink::Ink;
use super::matter::Matter;
use super::quantity::seconds;
use crate::world::{Depth, LinkId};

/// Links with graphs of their own: the first ones.
pub(super) const LINKS_MAX: usize = 8;

/// The graphs of a link, with where each leads; none if nothing was kept of it.
pub(super) fn graphs<'a>(matter: &'a Matter<'_>, link: LinkId) -> Vec<(bool, Graph<'a>)> {
    let depths = matter.world.details().map_or([&[][..]; 2], |details| details.depths(link));
    let kept = [true, false].into_iter().zip(depths).filter(|(_, depths)| !depths.is_empty());
    kept.map(|(toward_b, depths)| (toward_b, graph(matter, depths))).collect()
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
        moments: &matter.moments,
    }
}
