//! Marking: the ECN field of an IPv4 or IPv6 header becomes CE (RFC 3168 section 5).

use bytes::Bytes;
use tickwire_core::wire::checksum;
use tickwire_core::wire::ethernet::{self, EtherType, EthernetFrame};
use tickwire_core::wire::ipv4;

/// The ECN field: the two low bits of the octet that was the type of service.
const ECN: u8 = 0b11;
const NOT_ECT: u8 = 0b00;
const CE: u8 = 0b11;

/// The frame with CE set; `None` if it may not be marked: no IP packet, or not ECN-capable (RFC 3168
/// section 5: the CE codepoint is set only where ECT is, or CE is already). The IPv4 header checksum is
/// updated (RFC 1624).
pub(super) fn mark_ce(frame: &Bytes) -> Option<Bytes> {
    let parsed = EthernetFrame::parse(frame).ok()?;
    let packet = ethernet::HEADER_LEN;
    let ipv4 = match (parsed.ethertype(), parsed.payload().first()? >> 4) {
        (EtherType::Ipv4, 4) if parsed.payload().len() >= ipv4::HEADER_LEN => true,
        (EtherType::Ipv6, 6) if parsed.payload().len() >= 40 => false,
        _ => return None,
    };
    // Of IPv6 the traffic class lies across the first two octets: its low half is the high one of the second.
    let shift = if ipv4 { 0 } else { 4 };
    let field = frame[packet + 1] >> shift & ECN;
    if field == NOT_ECT {
        return None;
    }
    if field == CE {
        return Some(frame.clone());
    }
    let mut bytes = frame.to_vec();
    let word = |bytes: &[u8], at: usize| u16::from_be_bytes([bytes[packet + at], bytes[packet + at + 1]]);
    let before = word(&bytes, 0);
    bytes[packet + 1] |= CE << shift;
    if ipv4 {
        let sum = checksum::update(word(&bytes, ipv4::CHECKSUM_OFFSET), before, word(&bytes, 0));
        bytes[packet + ipv4::CHECKSUM_OFFSET..][..2].copy_from_slice(&sum.to_be_bytes());
    }
    Some(bytes.into())
}
