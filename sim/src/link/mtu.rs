//! A hop that takes only shorter packets, from a time on or always: a router that says so, or a black
//! hole.

use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use tickwire_core::Instant;
use tickwire_core::wire::ethernet::{self, EthernetFrame};
use tickwire_core::wire::ipv4::{self, Ipv4Header, Ipv4Option, Ipv4Packet};

use super::direction::{Passing, Scope};
use super::fate::{Act, Cause};
use super::{text, too_big};

/// The MTU of a hop, by plan. The first hop's is that of the host's own interface and not the link's
/// business: what is here lies beyond a router, or behind a switch that is set wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Mtu {
    /// The MTUs, and from when each is in force; before the first there is no limit.
    pub steps: Vec<MtuStep>,
    /// Who says that a packet is too long, and fragments those of IPv4 that may be; without a router
    /// all that are too long are dropped, and nobody tells: a black hole (RFC 8899 section 4.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router: Option<Router>,
}

/// An MTU from a time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MtuStep {
    /// From when on. The start, if not given.
    #[serde(with = "text::instant", default = "text::instant::start")]
    pub from: Instant,
    /// The longest packet, in bytes, without the Ethernet header. One that fits every hop has 68 bytes
    /// in IPv4 (RFC 791 section 3.2) and 1,280 in IPv6 (RFC 8200 section 5): a smaller MTU breaks what
    /// the protocol promises.
    pub mtu: u16,
}

/// The addresses that a router sends its errors from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Router {
    /// Of `ICMPv4` errors.
    pub ipv4: Ipv4Addr,
    /// Of `ICMPv6` errors.
    pub ipv6: Ipv6Addr,
}

impl Mtu {
    /// One MTU from the start.
    pub fn constant(mtu: u16, router: Option<Router>) -> Mtu {
        Mtu { steps: vec![MtuStep { from: Instant::ZERO, mtu }], router }
    }

    /// The MTU in force at a time.
    pub fn at(&self, at: Instant) -> Option<u16> {
        let begun = self.steps.iter().filter(|step| step.from <= at);
        begun.max_by_key(|step| step.from).map(|step| step.mtu)
    }

    pub(super) fn offer(&self, passing: Passing, scope: &mut Scope<'_>) {
        let packet_len = packet_len(&passing.data);
        match self.at(scope.now) {
            Some(mtu) if packet_len > usize::from(mtu) => self.too_long(passing, mtu, scope),
            _ => scope.pass(passing),
        }
    }

    fn too_long(&self, passing: Passing, mtu: u16, scope: &mut Scope<'_>) {
        let Some(router) = &self.router else { return scope.drop(passing, Cause::BlackHole) };
        if let Some(fragments) = fragments(&passing.data, mtu) {
            let Passing { frame, pushed, since, .. } = passing;
            for (number, data) in fragments.into_iter().enumerate() {
                let mut acts: SmallVec<[Act; 1]> = passing.acts.clone();
                acts.push(Act::Fragmented { number: number as u16 });
                let fragment = Passing { frame, pushed, since, acts, data };
                if number == 0 { scope.pass(fragment) } else { scope.add(fragment) }
            }
            scope.count();
            return;
        }
        if let Some(error) = too_big::error(&passing.data, mtu, router) {
            scope.answer(&passing, error);
        }
        scope.drop(passing, Cause::TooBig);
    }
}

/// What a hop's MTU is about: what follows the Ethernet header.
fn packet_len(frame: &[u8]) -> usize {
    frame.len().saturating_sub(ethernet::HEADER_LEN)
}

/// The fragments of an IPv4 packet that may be fragmented (RFC 791 section 3.2); `None` of others, and
/// if the MTU has no room for a header and 8 bytes.
fn fragments(frame: &Bytes, mtu: u16) -> Option<Vec<Bytes>> {
    let packet = Ipv4Packet::parse(EthernetFrame::parse(frame).ok()?.payload()).ok()?;
    if packet.dont_fragment() {
        return None;
    }
    let whole = packet.header();
    let copied = copied_options(&packet);
    let mut fragments = Vec::new();
    let mut sent = 0;
    while sent < packet.payload().len() {
        let options: &[u8] = if sent == 0 { packet.option_bytes() } else { &copied };
        let header_len = ipv4::HEADER_LEN + options.len().next_multiple_of(4);
        let room = usize::from(mtu).checked_sub(header_len)? & !7;
        let part = packet.payload().get(sent..)?;
        let part = part.get(..room).unwrap_or(part);
        if part.is_empty() {
            return None;
        }
        let header = Ipv4Header {
            payload_len: part.len() as u16,
            more_fragments: whole.more_fragments || sent + part.len() < packet.payload().len(),
            fragment_offset: whole.fragment_offset + sent as u16,
            ..whole
        };
        let mut out = frame[..ethernet::HEADER_LEN].to_vec();
        header.emit_with_options(options, &mut out);
        out.extend_from_slice(part);
        fragments.push(out.into());
        sent += part.len();
    }
    Some(fragments)
}

/// The bit of an option's type that has it copied into every fragment (RFC 791 section 3.1).
const COPIED: u8 = 0x80;

/// The options that later fragments carry.
fn copied_options(packet: &Ipv4Packet<'_>) -> Vec<u8> {
    let mut copied = Vec::new();
    for Ipv4Option { kind, data } in packet.options().flatten() {
        if kind & COPIED != 0 {
            copied.extend([kind, data.len() as u8 + 2]);
            copied.extend_from_slice(data);
        }
    }
    copied
}
