//! UDP datagrams (RFC 768).

use bytes::BufMut;

use super::checksum::{self, Sum};
use super::cursor::Fields;
use crate::error::DropReason;

/// Length of the header in bytes.
pub const HEADER_LEN: usize = 8;
/// Offset of the checksum.
pub const CHECKSUM_OFFSET: usize = 6;

const SRC_PORT: usize = 0;
const DST_PORT: usize = 2;
const LENGTH: usize = 4;

/// A received UDP datagram.
#[derive(Clone, Copy, Debug)]
pub struct UdpDatagram<'a> {
    header: &'a [u8; HEADER_LEN],
    bytes: &'a [u8],
    payload: &'a [u8],
}

impl<'a> UdpDatagram<'a> {
    /// A view of `bytes`, an IP packet's payload; what lies beyond the length field is left out.
    ///
    /// Errors: [`DropReason::UdpTruncated`], [`DropReason::UdpLength`].
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<UdpDatagram<'a>, DropReason> {
        let header = bytes.first_chunk::<HEADER_LEN>().ok_or(DropReason::UdpTruncated)?;
        let len = usize::from(header.u16_at::<LENGTH>());
        if len < HEADER_LEN {
            return Err(DropReason::UdpLength);
        }
        let bytes = bytes.get(..len).ok_or(DropReason::UdpTruncated)?;
        let payload = bytes.get(HEADER_LEN..).ok_or(DropReason::UdpTruncated)?;
        Ok(UdpDatagram { header, bytes, payload })
    }

    /// The sender's choice not to send a checksum: the field is 0. Legal over IPv4 (RFC 1122
    /// section 4.1.3.4), not over IPv6 (RFC 8200 section 8.1).
    #[inline]
    pub fn has_no_checksum(&self) -> bool {
        self.checksum() == 0
    }

    /// Whether the checksum is right. A field of 0 is not: see [`UdpDatagram::has_no_checksum`].
    /// `pseudo_header` is [`Sum::pseudo_header_v4`] or [`Sum::pseudo_header_v6`] with the length
    /// that [`UdpDatagram::total_len`] tells.
    #[inline]
    pub fn verify_checksum(&self, pseudo_header: Sum) -> bool {
        let mut sum = pseudo_header;
        sum.add_bytes(self.bytes);
        !self.has_no_checksum() && sum.finish() == 0
    }

    /// The source port; 0 if no answer is wanted.
    #[inline]
    pub fn src_port(&self) -> u16 {
        self.header.u16_at::<SRC_PORT>()
    }

    /// The destination port.
    #[inline]
    pub fn dst_port(&self) -> u16 {
        self.header.u16_at::<DST_PORT>()
    }

    /// Length of header and payload, in bytes: the length field.
    #[inline]
    pub const fn total_len(&self) -> usize {
        self.bytes.len()
    }

    /// The checksum field.
    #[inline]
    pub fn checksum(&self) -> u16 {
        self.header.u16_at::<CHECKSUM_OFFSET>()
    }

    /// The bytes after the header.
    #[inline]
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The header's fields.
    pub fn header(&self) -> UdpHeader {
        UdpHeader { src_port: self.src_port(), dst_port: self.dst_port(), payload_len: self.payload.len() as u16 }
    }
}

/// The fields of a UDP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct UdpHeader {
    /// The source port.
    pub src_port: u16,
    /// The destination port.
    pub dst_port: u16,
    /// Length of the payload in bytes, at most 65,527.
    pub payload_len: u16,
}

impl UdpHeader {
    /// Appends the 8 bytes of the header, checksum 0: see [`fill_checksum`].
    #[inline]
    pub fn emit(&self, out: &mut impl BufMut) {
        let mut header = [0; HEADER_LEN];
        header.put_u16::<SRC_PORT>(self.src_port);
        header.put_u16::<DST_PORT>(self.dst_port);
        header.put_u16::<LENGTH>(self.payload_len.saturating_add(HEADER_LEN as u16));
        out.put_slice(&header);
    }
}

/// What goes into the checksum field for `sum` over pseudo-header, header and payload: a checksum
/// of 0 is sent as all ones, since 0 means that there is none (RFC 768).
#[inline]
pub fn checksum_field(sum: Sum) -> u16 {
    match sum.finish() {
        0 => 0xffff,
        checksum => checksum,
    }
}

/// Computes and writes the checksum of a whole datagram; `pseudo_header` carries its length.
#[inline]
pub fn fill_checksum(pseudo_header: Sum, datagram: &mut [u8]) {
    checksum::store(datagram, CHECKSUM_OFFSET, 0);
    let mut sum = pseudo_header;
    sum.add_bytes(datagram);
    checksum::store(datagram, CHECKSUM_OFFSET, checksum_field(sum));
}
