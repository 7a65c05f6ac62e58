//! The path MTU: the largest packet that reaches a destination in one piece, as far as routers have
//! told (RFC 1191, RFC 8201). Nothing is asked of the network: a destination of which nobody has
//! complained takes what its link takes.
//!
//! An estimate only ever falls, and is forgotten some minutes after the last report, when somebody
//! looks at it: there is no timer.

use alloc::collections::BTreeMap;
use core::net::IpAddr;

use crate::digest::Digest;
use crate::time::{Duration, Instant};
use crate::wire::ipv6;

/// The least that an IPv4 report is believed to mean. Below it headers would eat the path, which only
/// an attacker gains by; DF is left out instead, so that a path which is really that narrow fragments.
pub(crate) const FLOOR_V4: u16 = 552;
/// The least MTU of an IPv6 path (RFC 8201 section 4).
const FLOOR_V6: u16 = ipv6::MIN_MTU as u16;
/// The smallest MTU that a router can name (RFC 1191 section 3).
const MTU_MIN_V4: u32 = 68;
/// MTUs that paths are likely to have (RFC 1191 section 7), for routers that name none. Those below 552
/// make no difference.
const PLATEAUS: [u16; 8] = [32_000, 17_914, 8_166, 4_352, 2_002, 1_492, 1_006, FLOOR_V4 - 1];

/// What is known of the path to a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PathMtu {
    /// The largest packet, in bytes.
    pub(crate) mtu: u16,
    /// Whether routers on the way are forbidden to fragment; always so in IPv6.
    pub(crate) dont_fragment: bool,
    /// When this is to be asked again.
    pub(crate) until: Option<Instant>,
}

/// What a Datagram Too Big or Packet Too Big message says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooBig {
    /// The next hop's MTU; 0 from a router that does not tell (RFC 1191 section 5).
    pub(crate) next_hop_mtu: u32,
    /// The length of the packet that was too big.
    pub(crate) packet_len: u32,
}

impl TooBig {
    /// The MTU that the message means for a path which has taken `current` so far, and whether packets
    /// may go on forbidding fragmentation; `None` if it can't be true.
    fn estimate(self, is_v4: bool, current: u16) -> Option<(u16, bool)> {
        let told = match self.next_hop_mtu {
            // The quoted length itself may be told too large by old routers (RFC 1191 section 5).
            0 if is_v4 => {
                let too_big = self.packet_len.min(u32::from(current));
                PLATEAUS.into_iter().find(|&plateau| u32::from(plateau) < too_big)?
            }
            told if is_v4 && told < MTU_MIN_V4 => return None,
            // RFC 8201 section 4: a report below the least MTU of IPv6 is discarded.
            told if !is_v4 && told < u32::from(FLOOR_V6) => return None,
            told if told >= self.packet_len => return None,
            told => u16::try_from(told).ok()?,
        };
        let floor = if is_v4 { FLOOR_V4 } else { FLOOR_V6 };
        Some((told.max(floor).min(current), told >= floor))
    }
}

/// What is remembered of a destination.
#[derive(Clone, Copy, Debug)]
struct Estimate {
    mtu: u16,
    dont_fragment: bool,
    /// The last report that was believed.
    reported: Instant,
}

/// The estimates, by destination.
#[derive(Clone, Debug, Default)]
pub(crate) struct PathMtus {
    estimates: BTreeMap<IpAddr, Estimate>,
    /// Grows with every change: what a socket knows of its path is good while this has not moved.
    generation: u64,
}

impl PathMtus {
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// A link takes more or less than before.
    pub(crate) fn on_link_mtu(&mut self) {
        self.generation += 1;
    }

    /// The path to `dst` through a link of `link_mtu`, at `now`. An estimate is given up `raise` after
    /// the last report, never if that is `None`.
    pub(crate) fn path(&self, now: Instant, dst: IpAddr, link_mtu: u16, raise: Option<Duration>) -> PathMtu {
        let estimate =
            self.estimates.get(&dst).map(|estimate| (estimate, raise.map(|raise| estimate.reported + raise)));
        match estimate {
            Some((estimate, until)) if until.is_none_or(|until| now < until) => {
                PathMtu { mtu: estimate.mtu.min(link_mtu), dont_fragment: estimate.dont_fragment, until }
            }
            _ => PathMtu { mtu: link_mtu, dont_fragment: true, until: None },
        }
    }

    /// A packet to `dst`, whose path is `current`, was too big. That it was one of ours the caller has
    /// seen to. Of `limit` estimates the oldest goes for a new one.
    pub(crate) fn on_too_big(
        &mut self,
        now: Instant,
        dst: IpAddr,
        current: PathMtu,
        report: TooBig,
        limit: usize,
    ) -> Outcome {
        // With DF clear only a straggler can have been too big, sent before its path was known.
        let estimate = report.estimate(dst.is_ipv4(), current.mtu).filter(|_| current.dont_fragment);
        let Some((mtu, dont_fragment)) = estimate else { return Outcome::Ignored };
        if mtu == current.mtu && dont_fragment {
            // RFC 8201 section 4: five minutes count from the last message, not from the last decrease.
            if let Some(estimate) = self.estimates.get_mut(&dst) {
                estimate.reported = now;
            }
            return Outcome::Ignored;
        }
        let is_full = !self.estimates.contains_key(&dst) && self.estimates.len() >= limit;
        if is_full {
            let oldest = self.estimates.iter().min_by_key(|(_, estimate)| estimate.reported).map(|(dst, _)| *dst);
            oldest.and_then(|oldest| self.estimates.remove(&oldest));
        }
        self.estimates.insert(dst, Estimate { mtu, dont_fragment, reported: now });
        self.generation += 1;
        if is_full { Outcome::LoweredInPlaceOfAnother } else { Outcome::Lowered }
    }

    /// Every estimate that has not been given up: destination, MTU, whether DF is set.
    pub(crate) fn iter(&self, now: Instant, raise: Option<Duration>) -> impl Iterator<Item = (IpAddr, u16, bool)> + '_ {
        let live = move |estimate: &Estimate| raise.is_none_or(|raise| now < estimate.reported + raise);
        self.estimates
            .iter()
            .filter(move |(_, estimate)| live(estimate))
            .map(|(dst, estimate)| (*dst, estimate.mtu, estimate.dont_fragment))
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.count(self.estimates.len());
        for (dst, estimate) in &self.estimates {
            digest.address(*dst);
            digest.u16(estimate.mtu);
            digest.bool(estimate.dont_fragment);
            digest.instant(estimate.reported);
        }
    }
}

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It can't be true, or is no news.
    Ignored,
    /// The estimate fell.
    Lowered,
    /// The estimate fell, and the oldest of another destination was forgotten for it.
    LoweredInPlaceOfAnother,
}
