//! What one end of a connection sent, and what it heard of it: as its own host saw it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tickwire_core::Instant;
use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::wire::tcp::TcpFlags;

use crate::link::{Act, End};
use crate::segment::{FlowSegment, tcp_segment};
use crate::trace::{Direction, Passed};
use crate::{HostId, World};

/// One direction of a connection. Sequence numbers count from the initial one, in bytes.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    /// Whose stack sends.
    pub(super) host: HostId,
    pub(super) sent: Vec<Sent>,
    pub(super) heard: Vec<Heard>,
    /// One past the highest sequence number sent.
    pub(super) highest: u64,
    /// The shift of the receiver's window.
    scale: u8,
    iss: SeqNumber,
    una: u64,
}

/// A segment with text, or a FIN.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) number: u64,
    pub(super) at: Instant,
    pub(super) seq: u64,
    pub(super) end: u64,
    /// Some of it was sent before.
    pub(super) again: bool,
    /// A link dropped it.
    pub(super) lost: bool,
}

/// An acknowledgment.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    pub(super) at: Instant,
    pub(super) ack: u64,
    /// The right edge of the window offered with it.
    pub(super) edge: u64,
    pub(super) sack: Vec<(u64, u64)>,
}

impl Flow {
    fn new(host: HostId, segment: &FlowSegment<'_>) -> Flow {
        let (from, to, iss) = (segment.from, segment.to, segment.segment.seq());
        Flow { from, to, host, sent: Vec::new(), heard: Vec::new(), highest: 1, scale: 0, iss, una: 0 }
    }

    /// When it began and ended.
    pub(super) fn span(&self) -> (Instant, Instant) {
        let times = || self.sent.iter().map(|sent| sent.at).chain(self.heard.iter().map(|heard| heard.at));
        (times().min().unwrap_or(Instant::ZERO), times().max().unwrap_or(Instant::ZERO))
    }

    /// How many segments were sent again.
    pub(super) fn retransmissions(&self) -> usize {
        self.sent.iter().filter(|sent| sent.again).count()
    }

    /// A sequence number, counted from the initial one: the one nearest to what is unacknowledged.
    fn place(&self, seq: SeqNumber) -> u64 {
        let base = self.iss.0.wrapping_add(self.una as u32);
        self.una.saturating_add_signed(i64::from(seq.0.wrapping_sub(base).cast_signed()))
    }

    fn send(&mut self, passed: &Passed, segment: &FlowSegment<'_>) {
        let view = &segment.segment;
        let len = u64::from(view.seg_len());
        if len == 0 || view.flags().contains(TcpFlags::SYN) {
            return;
        }
        let seq = self.place(view.seq());
        let lost = passed.fates.iter().any(|fate| matches!(fate.end, End::Dropped(_)));
        let again = seq < self.highest;
        self.sent.push(Sent { number: passed.number, at: passed.at, seq, end: seq + len, again, lost });
        self.highest = self.highest.max(seq + len);
    }

    fn hear(&mut self, at: Instant, segment: &FlowSegment<'_>) {
        let view = &segment.segment;
        if !view.flags().contains(TcpFlags::ACK) || view.flags().contains(TcpFlags::RST) {
            return;
        }
        let options = view.options();
        let syn = view.flags().contains(TcpFlags::SYN);
        if syn {
            self.scale = options.window_scale.unwrap_or_default().min(14);
        }
        let ack = self.place(view.ack());
        let edge = ack + (u64::from(view.window()) << if syn { 0 } else { self.scale });
        let sack = options.sack.iter().map(|range| (self.place(range.start), self.place(range.end))).collect();
        self.heard.push(Heard { at, ack, edge, sack });
        self.una = self.una.max(ack);
    }
}

/// All directions of all connections that hosts have begun, in that order.
pub(super) fn flows(world: &World) -> Vec<Flow> {
    let hosts: Vec<HostId> = world.hosts().collect();
    let mut flows: Vec<Flow> = Vec::new();
    let mut latest: BTreeMap<(SocketAddr, SocketAddr), usize> = BTreeMap::new();
    for passed in world.trace().frames() {
        let Some(host) = hosts.iter().find(|host| passed.port.node == **host) else { continue };
        if passed.lost || is_damaged(passed) {
            continue;
        }
        let Some(segment) = tcp_segment(&passed.frame) else { continue };
        let key = match passed.direction {
            Direction::Outbound => (segment.from, segment.to),
            Direction::Inbound => (segment.to, segment.from),
        };
        let known = latest.get(&key).copied();
        match passed.direction {
            Direction::Outbound => {
                let syn = segment.segment.flags().contains(TcpFlags::SYN);
                let begins = syn && known.is_none_or(|place| flows[place].iss != segment.segment.seq());
                // What only passes through a router was sent by another one before.
                let forwarded = known.is_some_and(|place| flows[place].host != *host);
                if begins && !forwarded {
                    latest.insert(key, flows.len());
                    flows.push(Flow::new(*host, &segment));
                } else if let Some(place) = known.filter(|_| !forwarded) {
                    flows[place].send(passed, &segment);
                }
            }
            Direction::Inbound => {
                if let Some(place) = known.filter(|place| flows[*place].host == *host) {
                    flows[place].hear(passed.at, &segment);
                }
            }
        }
    }
    flows
}

/// What was changed on the way tells nothing.
fn is_damaged(passed: &Passed) -> bool {
    let damage = |act: &Act| matches!(act, Act::BitFlipped { .. } | Act::BitsFlipped { .. } | Act::Truncated { .. });
    passed.direction == Direction::Inbound && passed.fates.iter().any(|fate| fate.acts.iter().any(damage))
}
