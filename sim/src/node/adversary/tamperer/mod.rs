//! A receiver that plays by other rules: a node between a host and its link that changes the acknowledgments
//! which the host sends, and so makes the host's peer its victim (Savage et al., "TCP congestion control with a
//! misbehaving receiver"). It can also turn against the host: then it slips segments in behind the peer's.
//!
//! | module | job |
//! |---|---|
//! | `flow` | what is known of a connection that passes |
//! | `inject` | [`Injection`]: segments in the peer's name |
//! | `renege` | data that was told to have arrived, and is then forgotten |

mod flow;
mod inject;
mod renege;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;
use tickwire_core::Instant;
use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::wire::tcp::TcpFlags;

pub use self::inject::Injection;

use self::flow::{Flow, Part};
use crate::draw::{Lots, Purpose};
use crate::node::Outbox;

/// Connections that are known at a time; the segments of others pass.
const FLOWS: usize = 256;

/// What is done to a host's acknowledgments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tampering {
    /// Each is followed by one that is so many bytes ahead of it, of data that has not arrived. The right
    /// edge of the window stays. What is lost on the way to the host behind such an acknowledgment
    /// is lost for good: the stream then ends in silence.
    Optimistic {
        /// Bytes.
        ahead: u32,
    },
    /// One that acknowledges new data is preceded by others that each acknowledge a part of it, as many as
    /// to make so many in all (RFC 3465 section 1).
    Divide {
        /// How many.
        pieces: u8,
    },
    /// A segment is swallowed, and so many behind it, which are told to have arrived (SACK) and then are not
    /// (RFC 2018 section 8).
    Renege {
        /// How many.
        segments: u8,
    },
    /// The window is divided, so that its right edge moves left (RFC 9293 MUST-34); by 0 it is closed.
    Shrink {
        /// By what.
        divisor: u16,
    },
    /// Each is followed by one with a block of text that was not sent yet (RFC 2018 section 5), up to so many
    /// bytes beyond what was.
    Invent {
        /// Bytes.
        ahead: u32,
    },
    /// A segment in the peer's name is slipped in behind one of the peer's, for the host.
    Inject(Injection),
}

/// What a tamperer has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TampererCounters {
    /// Frames that passed as they were.
    pub passed: u64,
    /// Times that it tampered, of those that it may.
    pub tampered: u64,
    /// Acknowledgments that it made.
    pub forged: u64,
    /// Segments that it swallowed.
    pub swallowed: u64,
    /// Connections that it did not look at, because it knew too many.
    pub flows_refused: u64,
}

/// A node in the way of all of a host's segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tamperer {
    tampering: Tampering,
    ppm: u32,
    times: u32,
    begins: Instant,
    ends: Option<Instant>,
    flows: BTreeMap<(SocketAddr, SocketAddr), Flow>,
    /// What SYNs of victims would begin between ends that have a connection. It is one as soon as the host says so:
    /// a SYN that somebody has forged it only challenges (RFC 5961 section 4).
    asked: BTreeMap<(SocketAddr, SocketAddr), Flow>,
    counters: TampererCounters,
}

impl Tamperer {
    /// The port of the host whose acknowledgments are changed.
    pub const HOST: usize = 0;
    /// The port of its link.
    pub const LINK: usize = 1;

    /// One that tampers where it can, `ppm` times in a million and so many `times` in all.
    pub fn new(tampering: Tampering, ppm: u32, times: u32) -> Tamperer {
        let (begins, ends, counters) = (Instant::ZERO, None, TampererCounters::default());
        let (flows, asked) = (BTreeMap::new(), BTreeMap::new());
        Tamperer { tampering, ppm, times, begins, ends, flows, asked, counters }
    }

    /// The same, but everything passes before `begins` and from `ends` on.
    #[must_use]
    pub fn between(self, begins: Instant, ends: Instant) -> Tamperer {
        Tamperer { begins, ends: Some(ends), ..self }
    }

    /// What it has done so far.
    pub const fn counters(&self) -> &TampererCounters {
        &self.counters
    }

    pub(crate) fn receive(&mut self, now: Instant, port: usize, frame: Bytes, lots: &mut Lots<'_>, out: &mut Outbox) {
        let before = out.len();
        if self.ends.is_some_and(|ends| ends <= now) {
            // What it knew of connections is of no use any more.
            self.flows.clear();
            self.asked.clear();
            self.counters.passed += 1;
            return out.push((1 - port, frame));
        }
        let acts = self.begins <= now;
        let (onward, passes) = match Part::of(&frame) {
            Some(part) if port == Tamperer::HOST => (Tamperer::LINK, self.outbound(&part, acts, lots, out)),
            Some(part) => (Tamperer::HOST, self.inbound(&part, acts, lots, out)),
            None => (1 - port, true),
        };
        self.counters.forged += (out.len() - before) as u64;
        if passes {
            self.counters.passed += 1;
            // What divides comes first, all else comes after.
            let at = if matches!(self.tampering, Tampering::Divide { .. }) { out.len() } else { before };
            out.insert(at, (onward, frame));
        }
    }

    /// The flow of a segment, whose host has the first of two ends. A SYN begins it, but for a copy of the one that
    /// did.
    fn flow(&mut self, ends: (SocketAddr, SocketAddr), flags: TcpFlags, seq: SeqNumber) -> Option<&mut Flow> {
        if flags.contains(TcpFlags::RST) {
            self.flows.remove(&ends);
            self.asked.remove(&ends);
            return None;
        }
        if flags.contains(TcpFlags::SYN) {
            let known = self.flows.get(&ends);
            if known.is_none() && self.flows.len() >= FLOWS {
                self.counters.flows_refused += 1;
                return None;
            }
            if known.is_none_or(|flow| !flags.contains(TcpFlags::ACK) && !flow.began_at(seq)) {
                self.flows.insert(ends, Flow::default());
            }
        }
        self.flows.get_mut(&ends)
    }

    fn tampers(&mut self, lots: &mut Lots<'_>) -> bool {
        let tampers = self.counters.tampered < self.times.into() && lots.chance(Purpose::Tamper, self.ppm);
        self.counters.tampered += u64::from(tampers);
        tampers
    }

    /// A segment of the host. Returns whether it passes as it is.
    fn outbound(&mut self, part: &Part, acts: bool, lots: &mut Lots<'_>, out: &mut Outbox) -> bool {
        let flags = part.header.flags;
        if flags.contains(TcpFlags::SYN | TcpFlags::ACK)
            && let Some(begun) = self.asked.remove(&part.ends).filter(|asked| asked.is_answered_by(part))
        {
            self.flows.insert(part.ends, begun);
        }
        let Some(flow) = self.flow(part.ends, flags, part.header.seq) else { return true };
        flow.pass(part, true);
        if flags.contains(TcpFlags::SYN) {
            flow.open_host(part);
            return true;
        }
        let advanced = flow.acknowledge(part);
        let (flow, tampering) = (*flow, self.tampering);
        if !acts
            || !flags.contains(TcpFlags::ACK)
            || (!part.is_bare() && !matches!(tampering, Tampering::Shrink { .. }))
        {
            return true;
        }
        match tampering {
            Tampering::Optimistic { ahead } if self.tampers(lots) => {
                out.push((Tamperer::LINK, flow.acknowledging(part, part.header.ack + ahead)));
            }
            Tampering::Divide { pieces } if advanced >= pieces.into() && self.tampers(lots) => {
                let piece = advanced / u32::from(pieces.max(1));
                let first = part.header.ack - advanced;
                let acks = (1..u32::from(pieces)).map(|number| first + number * piece);
                out.extend(acks.map(|ack| (Tamperer::LINK, part.with_ack(ack, part.header.window))));
            }
            Tampering::Invent { ahead } if self.tampers(lots) => {
                let ahead = lots.below(Purpose::Forge, u64::from(ahead) + 1) as u32;
                out.extend(flow.inventing(part, ahead).map(|frame| (Tamperer::LINK, frame)));
            }
            Tampering::Shrink { divisor } if self.tampers(lots) => {
                out.push((Tamperer::LINK, part.with_window(part.header.window.checked_div(divisor).unwrap_or(0))));
                return false;
            }
            _ => {}
        }
        true
    }

    /// A segment of the victim. Returns whether it passes.
    fn inbound(&mut self, part: &Part, acts: bool, lots: &mut Lots<'_>, out: &mut Outbox) -> bool {
        let (victim, host) = part.ends;
        let tampering = self.tampering;
        let asks = part.header.flags.contains(TcpFlags::SYN) && !part.header.flags.contains(TcpFlags::ACK);
        if asks && self.flows.get(&(host, victim)).is_some_and(|flow| !flow.began_at(part.header.seq)) {
            let mut asked = Flow::default();
            asked.pass(part, false);
            asked.open_victim(part);
            self.asked.insert((host, victim), asked);
            return true;
        }
        let Some(flow) = self.flow((host, victim), part.header.flags, part.header.seq) else { return true };
        flow.pass(part, false);
        if part.header.flags.contains(TcpFlags::SYN) {
            flow.open_victim(part);
            return true;
        }
        let segments = match tampering {
            Tampering::Renege { segments } if acts => segments,
            Tampering::Inject(injection) if acts => {
                let flow = *flow;
                if flow.window().is_some() && self.tampers(lots) {
                    out.extend(flow.inject(injection, part, lots).map(|frame| (Tamperer::HOST, frame)));
                }
                return true;
            }
            _ => return true,
        };
        if flow.may_renege(part) && !flow.is_reneging() {
            let begins = self.tampers(lots);
            if let Some(flow) = self.flows.get_mut(&(host, victim)).filter(|_| begins) {
                flow.begin_reneging(part, segments);
                self.counters.swallowed += 1;
                return false;
            }
            return true;
        }
        let Some(claim) = flow.renege(part) else { return true };
        self.counters.swallowed += 1;
        out.push((Tamperer::LINK, claim));
        false
    }
}
