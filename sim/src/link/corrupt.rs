//! Frames that arrive other than they were sent.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use tickwire_core::wire::ethernet::{self, EtherType, EthernetFrame};
use tickwire_core::wire::ipv4::IpProtocol;
use tickwire_core::wire::tcp::TcpSegment;

use super::direction::{Passing, Scope};
use super::fate::Act;
use super::pattern::{Upper, upper_layer};
use super::text;
use crate::draw::Purpose;

/// How frames are corrupted. Each kind is a stage of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Corrupt {
    /// One bit is inverted, where a checksum notices: in a TCP segment, a UDP datagram or an ICMP
    /// message, else in the addresses of an IPv4 header. In a frame that no checksum covers (ARP, say)
    /// it is any bit behind the Ethernet header.
    #[serde(with = "text::ppm")]
    BreakChecksum {
        /// How many frames of a million.
        ppm: u32,
    },
    /// Two bits are inverted so that the Internet checksum stays what it was: in the data of a TCP
    /// segment, a UDP datagram or an ICMP message, a 0 and a 1 at the same place of two words. No stack
    /// can notice; an application may. A frame in whose data there are no such bits is left as it is.
    #[serde(with = "text::ppm")]
    KeepChecksum {
        /// How many frames of a million.
        ppm: u32,
    },
    /// Bytes at its end are missing: at least one, at most all behind the Ethernet header.
    #[serde(with = "text::ppm")]
    Truncate {
        /// How many frames of a million.
        ppm: u32,
    },
}

/// The length of a UDP or ICMP header.
const SHORT_HEADER_LEN: usize = 8;

impl Corrupt {
    pub(super) fn offer(self, mut passing: Passing, scope: &mut Scope<'_>) {
        let (Corrupt::BreakChecksum { ppm } | Corrupt::KeepChecksum { ppm } | Corrupt::Truncate { ppm }) = self;
        if scope.chance(Purpose::Corrupt, ppm) {
            let act = match self {
                Corrupt::BreakChecksum { .. } => break_checksum(&mut passing, scope),
                Corrupt::KeepChecksum { .. } => keep_checksum(&mut passing, scope),
                Corrupt::Truncate { .. } => truncate(&mut passing, scope),
            };
            if let Some(act) = act {
                passing.acts.push(act);
                scope.count_corrupted();
            }
        }
        scope.pass(passing);
    }
}

fn break_checksum(passing: &mut Passing, scope: &mut Scope<'_>) -> Option<Act> {
    let covered = covered(&passing.data);
    (!covered.is_empty()).then_some(())?;
    let bit = covered.start * 8 + scope.below(Purpose::Damage, covered.len() as u64 * 8) as usize;
    invert(passing, &[bit]);
    Some(Act::BitFlipped { bit: bit as u32 })
}

/// Where an inverted bit is noticed by a checksum.
fn covered(frame: &[u8]) -> Range<usize> {
    let behind_ethernet = ethernet::HEADER_LEN.min(frame.len())..frame.len();
    let ipv4 = EthernetFrame::parse(frame).is_ok_and(|frame| frame.ethertype() == EtherType::Ipv4);
    match upper_layer(frame) {
        Some(Upper {
            fragment: false,
            protocol: IpProtocol::TCP | IpProtocol::ICMP | IpProtocol::ICMPV6,
            offset,
            end,
        }) if offset < end => offset..end,
        // Not the length, by which another range would be summed, nor the checksum, which may become 0.
        Some(Upper { fragment: false, protocol: IpProtocol::UDP, offset, .. })
            if frame.get(offset + 6..offset + SHORT_HEADER_LEN).is_some_and(|checksum| checksum != [0, 0]) =>
        {
            offset..offset + 4
        }
        Some(_) if ipv4 => ethernet::HEADER_LEN + 12..ethernet::HEADER_LEN + 20,
        _ => behind_ethernet,
    }
}

fn keep_checksum(passing: &mut Passing, scope: &mut Scope<'_>) -> Option<Act> {
    let data = data(&passing.data)?;
    let words = data.len() / 2;
    let bits = words * 16;
    let drawn = scope.below(Purpose::Damage, bits as u64) as usize;
    let bit_at = |bit: usize| passing.data[data.start + bit / 8] >> (7 - bit % 8) & 1;
    // In each of the 16 places of a word, from the drawn one on, the next word that has the other value.
    let partner = |first: usize| {
        let mut others = (1..words).map(|step| (first + step * 16) % bits);
        others.find(|other| bit_at(*other) != bit_at(first))
    };
    let mut firsts = (0..16).map(|step| (drawn + step) % bits);
    let (first, second) = firsts.find_map(|first| Some((first, partner(first)?)))?;
    let bits = [data.start * 8 + first, data.start * 8 + second];
    invert(passing, &bits);
    Some(Act::BitsFlipped { bits: bits.map(|bit| bit as u32) })
}

/// What an application sent, from a place at which a word of the checksum begins.
fn data(frame: &[u8]) -> Option<Range<usize>> {
    let upper = upper_layer(frame).filter(|upper| !upper.fragment)?;
    let segment = frame.get(upper.offset..upper.end)?;
    let header_len = match upper.protocol {
        IpProtocol::TCP => TcpSegment::parse(segment).ok()?.header_len(),
        IpProtocol::UDP | IpProtocol::ICMP | IpProtocol::ICMPV6 => SHORT_HEADER_LEN,
        _ => return None,
    };
    (segment.len() >= header_len + 4).then(|| upper.offset + header_len..upper.end)
}

fn truncate(passing: &mut Passing, scope: &mut Scope<'_>) -> Option<Act> {
    let most = passing.data.len().checked_sub(ethernet::HEADER_LEN).filter(|most| *most > 0)?;
    let bytes = 1 + scope.below(Purpose::Damage, most as u64) as usize;
    passing.data.truncate(passing.data.len() - bytes);
    Some(Act::Truncated { bytes: bytes as u16 })
}

/// Inverts bits, counted from the most significant one of the first byte.
fn invert(passing: &mut Passing, bits: &[usize]) {
    let mut bytes = passing.data.to_vec();
    for bit in bits {
        bytes[bit / 8] ^= 0x80 >> (bit % 8);
    }
    passing.data = bytes.into();
}
