//! What one end of a connection sent, and what it heard of it: as its own host saw it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tickwire_core::Instant;
use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::wire::tcp::TcpFlags;

use crate::link::{Act, End};
use crate::segment::{FlowSegment, tcp_segment};
use crate::trace::{Direction, Passed, Trace};
use crate::world::NodeId;
use crate::{HostId, Port};

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
    /// The numbers of the first and the last frame of the connection at this end.
    pub(super) frames: [u64; 2],
    /// A FIN was sent.
    is_closed: bool,
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
    /// A link dropped it, or the host that it was for.
    pub(super) lost: bool,
}

/// An acknowledgment.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    pub(super) at: Instant,
    /// Up to where all is acknowledged: one that was overtaken takes nothing back.
    pub(super) ack: u64,
    /// The right edge of the window offered with it.
    pub(super) edge: u64,
    pub(super) sack: Vec<(u64, u64)>,
}

impl Flow {
    /// A flow that begins with the SYN `segment`; `offered` is the shift in the peer's SYN, if that came before.
    fn new(host: HostId, number: u64, segment: &FlowSegment<'_>, offered: u8) -> Flow {
        // Windows are scaled if both SYNs say so (RFC 7323 section 2.2).
        let scale = segment.segment.options().window_scale.map_or(0, |_| offered);
        let (from, to, iss) = (segment.from, segment.to, segment.segment.seq());
        let frames = [number; 2];
        Flow {
            from,
            to,
            host,
            sent: Vec::new(),
            heard: Vec::new(),
            highest: 1,
            frames,
            is_closed: false,
            scale,
            iss,
            una: 0,
        }
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

    /// How many of its segments were dropped on their way.
    pub(super) fn losses(&self) -> usize {
        self.sent.iter().filter(|sent| sent.lost).count()
    }

    /// The bytes of text that were sent, each counted once.
    pub(super) fn text_len(&self) -> u64 {
        self.highest.saturating_sub(if self.is_closed { 2 } else { 1 })
    }

    /// A sequence number, counted from the initial one: the one nearest to what is unacknowledged.
    fn place(&self, seq: SeqNumber) -> u64 {
        let base = self.iss.0.wrapping_add(self.una as u32);
        self.una.saturating_add_signed(i64::from(seq.0.wrapping_sub(base).cast_signed()))
    }

    fn send(&mut self, passed: &Passed, segment: &FlowSegment<'_>) {
        self.frames[1] = passed.number;
        let view = &segment.segment;
        let len = u64::from(view.seg_len());
        if len == 0 || view.flags().contains(TcpFlags::SYN) {
            return;
        }
        self.is_closed |= view.flags().contains(TcpFlags::FIN);
        let seq = self.place(view.seq());
        let lost = has_dropped(passed);
        let again = seq < self.highest;
        self.sent.push(Sent { number: passed.number, at: passed.at, seq, end: seq + len, again, lost });
        self.highest = self.highest.max(seq + len);
    }

    /// A segment was dropped beyond its sender: the last one with just that text. One without any is none of these.
    fn lose(&mut self, segment: &FlowSegment<'_>) {
        let seq = self.place(segment.segment.seq());
        let end = seq + u64::from(segment.segment.seg_len());
        if let Some(sent) = self.sent.iter_mut().rfind(|sent| (sent.seq, sent.end) == (seq, end)) {
            sent.lost = true;
        }
    }

    fn hear(&mut self, passed: &Passed, segment: &FlowSegment<'_>) {
        self.frames[1] = passed.number;
        let view = &segment.segment;
        if !view.flags().contains(TcpFlags::ACK) || view.flags().contains(TcpFlags::RST) {
            return;
        }
        let options = view.options();
        let syn = view.flags().contains(TcpFlags::SYN);
        if syn {
            self.scale = shift(segment);
        }
        let ack = self.place(view.ack());
        let edge = ack + (u64::from(view.window()) << if syn { 0 } else { self.scale });
        let sack = options.sack.iter().map(|range| (self.place(range.start), self.place(range.end))).collect();
        // What was not sent cannot be acknowledged (RFC 9293 section 3.10.7.4).
        if ack <= self.highest {
            self.una = self.una.max(ack);
        }
        self.heard.push(Heard { at: passed.at, ack: self.una, edge, sack });
    }
}

/// The shift that a SYN announces, at most 14 (RFC 7323 section 2.3).
fn shift(segment: &FlowSegment<'_>) -> u8 {
    segment.segment.options().window_scale.unwrap_or_default().min(14)
}

/// All directions of all connections that hosts have begun, in that order. What passes a port of `mirrored` is seen
/// from its other end, too: there are the nodes of whom nothing else is known.
pub(super) fn flows(trace: &Trace, hosts: &[HostId], mirrored: &BTreeMap<Port, HostId>) -> Vec<Flow> {
    let mut flows = Flows::default();
    let hosts: BTreeMap<NodeId, HostId> = hosts.iter().map(|host| (NodeId::from(*host), *host)).collect();
    for passed in trace.frames() {
        let host = hosts.get(&passed.port.node).copied();
        let is_dropped = passed.lost || has_dropped(passed);
        if (host.is_none() && !is_dropped) || is_damaged(passed) {
            continue;
        }
        let Some(segment) = tcp_segment(&passed.frame) else { continue };
        if is_dropped {
            flows.lose(passed, &segment);
        }
        if let Some(host) = host.filter(|_| !passed.lost) {
            flows.see(host, passed.direction, passed, &segment);
        }
        if let Some(other) = mirrored.get(&passed.port) {
            let turned = match passed.direction {
                Direction::Inbound => Direction::Outbound,
                Direction::Outbound => Direction::Inbound,
            };
            flows.see(*other, turned, passed, &segment);
        }
    }
    flows.all
}

/// The flows so far.
#[derive(Default)]
struct Flows {
    all: Vec<Flow>,
    /// The place of the latest flow between two ends.
    latest: BTreeMap<(SocketAddr, SocketAddr), usize>,
    /// What SYNs announced that came before their receiver's own.
    shifts: BTreeMap<(SocketAddr, SocketAddr), u8>,
}

impl Flows {
    /// A segment was dropped. What its sender's own link drops is known when it is sent.
    fn lose(&mut self, passed: &Passed, segment: &FlowSegment<'_>) {
        let flow = self.latest.get(&(segment.from, segment.to)).map(|place| &mut self.all[*place]);
        let is_beyond = |flow: &&mut Flow| passed.port.node != flow.host || passed.direction == Direction::Inbound;
        if let Some(flow) = flow.filter(is_beyond) {
            flow.lose(segment);
        }
    }

    /// A segment passes a host's interface.
    fn see(&mut self, host: HostId, direction: Direction, passed: &Passed, segment: &FlowSegment<'_>) {
        let key = match direction {
            Direction::Outbound => (segment.from, segment.to),
            Direction::Inbound => (segment.to, segment.from),
        };
        let known = self.latest.get(&key).copied();
        let syn = segment.segment.flags().contains(TcpFlags::SYN);
        match direction {
            Direction::Outbound => {
                let begins = syn && known.is_none_or(|place| self.all[place].iss != segment.segment.seq());
                // What only passes through a router was sent by another one before.
                let forwarded = known.is_some_and(|place| self.all[place].host != host);
                if begins && !forwarded {
                    self.latest.insert(key, self.all.len());
                    let offered = self.shifts.remove(&key).unwrap_or_default();
                    self.all.push(Flow::new(host, passed.number, segment, offered));
                } else if let Some(place) = known.filter(|_| !forwarded) {
                    self.all[place].send(passed, segment);
                }
            }
            Direction::Inbound => {
                if syn {
                    self.shifts.insert(key, shift(segment));
                }
                if let Some(place) = known.filter(|place| self.all[*place].host == host) {
                    self.all[place].hear(passed, segment);
                }
            }
        }
    }
}

/// Whether the link dropped the frame, or a copy of it.
fn has_dropped(passed: &Passed) -> bool {
    passed.fates.iter().any(|fate| matches!(fate.end, End::Dropped(_)))
}

/// What was changed on the way tells nothing.
fn is_damaged(passed: &Passed) -> bool {
    let damage = |act: &Act| matches!(act, Act::BitFlipped { .. } | Act::BitsFlipped { .. } | Act::Truncated { .. });
    passed.direction == Direction::Inbound && passed.fates.iter().any(|fate| fate.acts.iter().any(damage))
}
