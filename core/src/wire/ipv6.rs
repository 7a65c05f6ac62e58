//! IPv6 packets (RFC 8200 section 3). What stands between header and upper layer: [`ipv6_ext`].
//!
//! ```text
//!  0               1               2               3
//! +-------+---------------+---------------------------------------+
//! |Version| Traffic Class |              Flow Label               |
//! +-------+---------------+-------+---------------+---------------+
//! |        Payload Length         |  Next Header  |   Hop Limit   |
//! +-------------------------------+---------------+---------------+
//! |                  Source Address, 16 bytes                     |
//! +---------------------------------------------------------------+
//! |                Destination Address, 16 bytes                  |
//! +---------------------------------------------------------------+
//! ```
//!
//! [`ipv6_ext`]: super::ipv6_ext

use bytes::BufMut;
use core::net::Ipv6Addr;

use super::cursor::{self, Fields};
use super::ipv4::{CONGESTION_EXPERIENCED, IpProtocol};
use super::ipv6_ext::FRAGMENT_HEADER_LEN;
use crate::error::DropReason;

/// Length of the header in bytes.
pub const HEADER_LEN: usize = 40;
/// Offset of the payload length.
pub const PAYLOAD_LEN_OFFSET: usize = 4;
/// Offset of the next-header field.
pub const NEXT_HEADER_OFFSET: usize = 6;
/// The smallest MTU that a link may have, in bytes (RFC 8200 section 5).
pub const MIN_MTU: usize = 1280;

const HOP_LIMIT: usize = 7;
const SRC: usize = 8;
const DST: usize = 24;

/// The 20 bits of a flow label.
pub const FLOW_LABEL_MASK: u32 = 0x000f_ffff;

/// A received IPv6 packet.
#[derive(Clone, Copy, Debug)]
pub struct Ipv6Packet<'a> {
    header: &'a [u8; HEADER_LEN],
    payload: &'a [u8],
}

impl<'a> Ipv6Packet<'a> {
    /// A view of `bytes`; what lies beyond the payload length is link-layer padding and left out.
    /// A payload length of 0 with hop-by-hop options announces a jumbogram (RFC 2675), which is
    /// refused.
    ///
    /// Errors: [`DropReason::Ipv6Truncated`], [`DropReason::Ipv6Version`],
    /// [`DropReason::Ipv6PayloadLength`].
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Ipv6Packet<'a>, DropReason> {
        let packet = Ipv6Packet::parse_quoted(bytes)?;
        let announced = packet.payload_len();
        if packet.payload.len() < announced || (announced == 0 && packet.next_header() == IpProtocol::HOP_BY_HOP) {
            return Err(DropReason::Ipv6PayloadLength);
        }
        Ok(packet)
    }

    /// A view of the start of a packet, as an ICMPv6 error quotes it (RFC 4443 section 3): the
    /// payload length may be larger than what is there. The header must be whole.
    ///
    /// Errors: [`DropReason::Ipv6Truncated`], [`DropReason::Ipv6Version`].
    #[inline]
    pub fn parse_quoted(bytes: &'a [u8]) -> Result<Ipv6Packet<'a>, DropReason> {
        let (header, rest) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(DropReason::Ipv6Truncated)?;
        if header[0] >> 4 != 6 {
            return Err(DropReason::Ipv6Version);
        }
        let payload_len = usize::from(header.u16_at::<PAYLOAD_LEN_OFFSET>());
        let payload = rest.get(..payload_len).unwrap_or(rest);
        Ok(Ipv6Packet { header, payload })
    }

    /// The source address.
    #[inline]
    pub fn src(&self) -> Ipv6Addr {
        Ipv6Addr::from(self.header.array_at::<SRC, 16>())
    }

    /// The destination address.
    #[inline]
    pub fn dst(&self) -> Ipv6Addr {
        Ipv6Addr::from(self.header.array_at::<DST, 16>())
    }

    /// What follows the header: an upper layer or an extension header.
    #[inline]
    pub const fn next_header(&self) -> IpProtocol {
        IpProtocol(self.header[NEXT_HEADER_OFFSET])
    }

    /// The hops left.
    #[inline]
    pub const fn hop_limit(&self) -> u8 {
        self.header[HOP_LIMIT]
    }

    /// The traffic class: DSCP in the upper six bits, ECN in the lower two.
    #[inline]
    pub fn traffic_class(&self) -> u8 {
        (self.header.u16_at::<0>() >> 4) as u8
    }

    /// The differentiated services codepoint (RFC 2474), 0 to 63.
    pub fn dscp(&self) -> u8 {
        self.traffic_class() >> 2
    }

    /// The explicit congestion notification bits (RFC 3168 section 5), 0 to 3.
    pub fn ecn(&self) -> u8 {
        self.traffic_class() & 3
    }

    /// The flow label (RFC 6437), 20 bits.
    pub fn flow_label(&self) -> u32 {
        self.header.u32_at::<0>() & FLOW_LABEL_MASK
    }

    /// The payload length field, in bytes. The packet's own, also if only its start is quoted.
    #[inline]
    pub fn payload_len(&self) -> usize {
        usize::from(self.header.u16_at::<PAYLOAD_LEN_OFFSET>())
    }

    /// Extension headers and upper layer, without link-layer padding.
    #[inline]
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The header's fields.
    pub fn header(&self) -> Ipv6Header {
        Ipv6Header {
            traffic_class: self.traffic_class(),
            flow_label: self.flow_label(),
            payload_len: self.payload_len() as u16,
            next_header: self.next_header(),
            hop_limit: self.hop_limit(),
            src: self.src(),
            dst: self.dst(),
        }
    }
}

/// The fields of an IPv6 header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Ipv6Header {
    /// DSCP in the upper six bits, ECN in the lower two.
    pub traffic_class: u8,
    /// The flow label; its lower 20 bits are sent.
    pub flow_label: u32,
    /// Length of extension headers and upper layer in bytes.
    pub payload_len: u16,
    /// What follows the header.
    pub next_header: IpProtocol,
    /// The hops that the packet may take.
    pub hop_limit: u8,
    /// The source address.
    pub src: Ipv6Addr,
    /// The destination address.
    pub dst: Ipv6Addr,
}

impl Ipv6Header {
    /// Appends the 40 bytes of the header.
    #[inline]
    pub fn emit(&self, out: &mut impl BufMut) {
        let mut header = [0; HEADER_LEN];
        header.put_u32::<0>(6 << 28 | u32::from(self.traffic_class) << 20 | self.flow_label & FLOW_LABEL_MASK);
        header.put_u16::<PAYLOAD_LEN_OFFSET>(self.payload_len);
        header[NEXT_HEADER_OFFSET] = self.next_header.0;
        header[HOP_LIMIT] = self.hop_limit;
        header.put_array::<SRC, 16>(self.src.octets());
        header.put_array::<DST, 16>(self.dst.octets());
        out.put_slice(&header);
    }
}

/// Makes the headers of a first fragment those of the whole packet, with a payload of `payload_len`
/// bytes: congestion experienced if any fragment did (RFC 3168 section 5.3), and the field that named the fragment header now
/// names what stands behind it. `headers` ends with the fragment header, which its owner then takes off.
pub(crate) fn make_whole(headers: &mut [u8], payload_len: u16, congestion: bool) {
    cursor::put_u16_into(headers, PAYLOAD_LEN_OFFSET, payload_len);
    if let Some(byte) = headers.get_mut(1).filter(|_| congestion) {
        // The traffic class is the second half of byte 0 and the first of byte 1.
        *byte |= CONGESTION_EXPERIENCED << 4;
    }
    let Some(fragment_at) = headers.len().checked_sub(FRAGMENT_HEADER_LEN) else { return };
    let (mut field, mut at) = (NEXT_HEADER_OFFSET, HEADER_LEN);
    while at < fragment_at {
        let is_fragment = headers.get(field).is_some_and(|next| IpProtocol(*next) == IpProtocol::FRAGMENT);
        // Eight bytes more than its second byte says in units of eight; a fragment header has no such byte.
        let units = headers.get(at + 1).filter(|_| !is_fragment).map_or(0, |units| usize::from(*units));
        (field, at) = (at, at + 8 + units * 8);
    }
    let behind = headers.get(fragment_at).copied();
    if let (Some(field), Some(behind)) = (headers.get_mut(field), behind) {
        *field = behind;
    }
}
