//! Fragments, and the identifications of packets that may become some.

use std::collections::VecDeque;
use std::hash::Hasher as _;

use siphasher::sip::SipHasher13;
use tickwire_core::time::Duration;
use tickwire_core::wire::ipv4::IpProtocol;

use super::Observed;
use super::name::Oracle;
use super::packet::{Packet, Part};
use super::verdict::{Bench, Mark};

/// How many packets' identifications are remembered, per tap.
pub const IDENTIFICATIONS: usize = 1024;

/// The largest whole packet, without the fragment header of each part (RFC 791 section 3.1, RFC 8200 section 4.5).
const WHOLE_MAX: u32 = 65_535;
/// How long a packet may live (RFC 6864 section 4.1).
const LIFETIME: Duration = Duration::from_mins(2);

/// A packet that has an identification.
#[derive(Clone, Copy, Debug)]
struct Identified {
    /// A hash of source, destination, protocol and identification.
    key: u64,
    /// What of it was sent, in bytes of the whole: all that lies between is taken as sent.
    sent: (u32, u32),
    mark: Mark,
}

/// The packets identified last.
#[derive(Clone, Debug, Default)]
pub(super) struct Identifications {
    recent: VecDeque<Identified>,
}

impl Identifications {
    #[inline]
    pub(super) fn judge(&mut self, seen: &Observed, packet: &Packet<'_>, bench: &mut Bench) {
        // RFC 6864 section 4.1: of an atomic packet the identification means nothing.
        let part = match (packet.part, &packet.v4) {
            (Some(part), _) => part,
            (None, Some(v4)) if !v4.dont_fragment() => Part { offset: 0, more: false, id: v4.id().into() },
            _ => return,
        };
        self.judge_part(seen, packet, part, bench);
    }

    fn judge_part(&mut self, seen: &Observed, packet: &Packet<'_>, part: Part, bench: &mut Bench) {
        let sent = (part.offset, part.offset + packet.upper.len() as u32);
        let fragment = packet.part.is_some();
        if fragment && bench.judges(Oracle::Fragments) {
            shape(packet, part, sent.1, bench);
        }
        let key = key(packet, part);
        let known = self.recent.iter_mut().rev().find(|known| known.key == key);
        let Some(known) = known.filter(|known| seen.mark.at.since(known.mark.at) < LIFETIME) else {
            bench.judges(Oracle::Identification);
            if self.recent.len() == IDENTIFICATIONS {
                self.recent.pop_front();
            }
            self.recent.push_back(Identified { key, sent, mark: seen.mark });
            return;
        };
        let (from, to) = known.sent;
        let joins = sent.0 >= to || sent.1 <= from;
        let earlier = known.mark;
        let (first_again, whole) = (part.offset == 0 && from == 0, !fragment);
        known.sent = (from.min(sent.0), to.max(sent.1));
        known.mark = seen.mark;
        if (first_again || whole) && bench.judges(Oracle::Identification) {
            let expected = "an identification that no other packet has had for two minutes".into();
            bench.fail(Oracle::Identification, Some(earlier), expected, part.id.to_string());
            known.sent = sent;
        } else if !joins && bench.switches.contains(Oracle::Fragments) {
            let expected = format!("no part of bytes {from} to {to} again");
            bench.fail(Oracle::Fragments, Some(earlier), expected, format!("bytes {} to {}", sent.0, sent.1));
        }
    }
}

/// What is to be said of a fragment alone.
fn shape(packet: &Packet<'_>, part: Part, end: u32, bench: &mut Bench) {
    let len = packet.upper.len();
    if part.more && !len.is_multiple_of(8) {
        let expected = "a length that is a multiple of 8, there being more".into();
        bench.fail(Oracle::Fragments, None, expected, format!("{len} bytes"));
    }
    if len == 0 {
        bench.fail(Oracle::Fragments, None, "a fragment of something".into(), "0 bytes".into());
    }
    let header = packet.v4.map_or(0, |v4| v4.header_len() as u32);
    if end + header > WHOLE_MAX {
        let expected = format!("a whole of at most {WHOLE_MAX} bytes");
        bench.fail(Oracle::Fragments, None, expected, format!("a part that ends at {}", end + header));
    }
    if part.offset == 0 && !part.more {
        let expected = "no fragment header: the packet is whole".into();
        bench.fail(Oracle::Fragments, None, expected, "a fragment that is all of it".into());
    }
    let header = match packet.protocol {
        IpProtocol::TCP => 20,
        IpProtocol::UDP | IpProtocol::ICMP | IpProtocol::ICMPV6 => 8,
        _ => 0,
    };
    if part.offset == 0 && part.more && len < header {
        let expected = format!("all of the headers in the first fragment: {header} bytes of the last");
        bench.fail(Oracle::Fragments, None, expected, format!("{len}"));
    }
}

fn key(packet: &Packet<'_>, part: Part) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(&packet.src.to_le_bytes());
    hasher.write(&packet.dst.to_le_bytes());
    // RFC 8200 section 4.5: in IPv6 the protocol makes no difference.
    hasher.write(&[packet.v4.is_some().into(), packet.v4.map_or(0, |v4| v4.protocol().0)]);
    hasher.write(&part.id.to_le_bytes());
    hasher.finish()
}
