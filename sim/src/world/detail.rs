//! What a report shows beside the frames: what connections looked like at each step, and how full links were.

use std::collections::BTreeMap;
use std::time::Duration;

use tickwire_core::tcp::Examination;
use tickwire_core::{Instant, Stack};

use super::wiring::{LinkId, Way};
use super::{HostId, World};
use crate::node::Node;

/// Examinations kept per host, and changes kept per direction of a link; what comes on top is only counted.
pub const DETAILS_MAX: usize = 1 << 18;

/// A connection as it was at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Examined {
    /// When, by the world's clock.
    pub at: Instant,
    /// What it looked like.
    pub examination: Examination,
    /// SRTT (RFC 6298); `None` before the first measurement, and once the connection is gone.
    pub srtt: Option<Duration>,
    /// RTTVAR, as SRTT.
    pub rttvar: Option<Duration>,
}

impl Examined {
    /// A connection of `stack`, examined just now.
    pub(crate) fn of(stack: &mut Stack, at: Instant, examination: Examination) -> Examined {
        let info = stack.tcp(examination.handle).ok().and_then(|socket| socket.info());
        let (srtt, rttvar) = (info.and_then(|info| info.srtt), info.and_then(|info| info.rttvar));
        Examined { at, examination, srtt, rttvar }
    }
}

/// How full a direction of a link was from some time on, in frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth {
    /// Since when.
    pub at: Instant,
    /// Waiting for the sender of a rate stage, or being sent.
    pub queued: usize,
    /// Those, and the ones on their way.
    pub waiting: usize,
}

/// What [`World::keep_details`] has kept.
#[derive(Clone, Debug, Default)]
pub struct Details {
    examined: BTreeMap<HostId, Vec<Examined>>,
    depths: BTreeMap<Way, Vec<Depth>>,
    left_out: u64,
}

impl Details {
    /// The connections of a host, in the order in which they were looked at.
    pub fn examined(&self, host: HostId) -> &[Examined] {
        self.examined.get(&host).map_or(&[], Vec::as_slice)
    }

    /// How full a link was: towards its second end, and towards its first. An entry per change.
    pub fn depths(&self, link: LinkId) -> [&[Depth]; 2] {
        [true, false].map(|toward_b| self.depths.get(&Way { link, toward_b }).map_or(&[][..], Vec::as_slice))
    }

    /// What was not kept because there was more than [`DETAILS_MAX`] of it.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Keeps what a host's connection looked like.
    pub(crate) fn keep(&mut self, host: HostId, examined: &Examined) {
        Details::push(self.examined.entry(host).or_default(), &mut self.left_out, *examined);
    }

    fn push<T>(kept: &mut Vec<T>, left_out: &mut u64, detail: T) {
        if kept.len() < DETAILS_MAX {
            kept.push(detail);
        } else {
            *left_out += 1;
        }
    }
}

impl World {
    /// Whether what a report shows is kept, from now on: what connections looked like after each call and each
    /// fact, and how full links were. In a new world it is not. What was kept before is forgotten.
    pub fn keep_details(&mut self, keep: bool) {
        self.details = keep.then(Box::default);
    }

    /// What was kept, if [`World::keep_details`] asked for it.
    pub fn details(&self) -> Option<&Details> {
        self.details.as_deref()
    }

    /// Keeps what a host's connection looked like.
    pub(super) fn keep_examination(&mut self, host: HostId, examination: Examination) {
        let Some(details) = &mut self.details else { return };
        let Node::Host(state) = &mut self.nodes[host.0].node else { return };
        details.keep(host, &Examined::of(&mut state.stack, self.now, examination));
    }

    /// Keeps how full a direction of a link is, if that has changed.
    pub(super) fn keep_depth(&mut self, way: Way) {
        let Some(details) = &mut self.details else { return };
        let direction = &self.wiring.wire(way).direction;
        let (queued, waiting) = (direction.queued(), direction.waiting());
        let depths = details.depths.entry(way).or_default();
        if depths.last().is_none_or(|last| (last.queued, last.waiting) != (queued, waiting)) {
            Details::push(depths, &mut details.left_out, Depth { at: self.now, queued, waiting });
        }
    }
}
