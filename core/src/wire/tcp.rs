//! TCP segments (RFC 9293 section 3.1).
//!
//! ```text
//!  0               1               2               3
//! +-------------------------------+-------------------------------+
//! |          Source Port          |       Destination Port        |
//! +-------------------------------+-------------------------------+
//! |                        Sequence Number                        |
//! +---------------------------------------------------------------+
//! |                    Acknowledgment Number                      |
//! +-------+-----+-+-+-+-+-+-+-+-+-+-------------------------------+
//! | Data  |Rsrvd|A|C|E|U|A|P|R|S|F|                               |
//! | Offset|     |E|W|C|R|C|S|S|Y|I|            Window             |
//! |       |     | |R|E|G|K|H|T|N|N|                               |
//! +-------+-----+-+-+-+-+-+-+-+-+-+-------------------------------+
//! |           Checksum            |        Urgent Pointer         |
//! +-------------------------------+-------------------------------+
//! |                    Options, 0 to 40 bytes                     |
//! +---------------------------------------------------------------+
//! ```

use bytes::BufMut;

use super::checksum::{self, Sum};
use super::cursor::Fields;
use super::tcp_options::TcpOptions;
use crate::error::DropReason;
use crate::tcp::seq::SeqNumber;

/// Length of a header without options, in bytes.
pub const HEADER_LEN: usize = 20;
/// Length of the longest header, in bytes.
pub const MAX_HEADER_LEN: usize = 60;
/// Offset of the sequence number.
pub const SEQ_OFFSET: usize = 4;
/// Offset of the two bytes with data offset and flags.
pub const FLAGS_OFFSET: usize = 12;
/// Offset of the checksum.
pub const CHECKSUM_OFFSET: usize = 16;

const SRC_PORT: usize = 0;
const DST_PORT: usize = 2;
const ACK: usize = 8;
const WINDOW: usize = 14;
const URGENT: usize = 18;

bitflags::bitflags! {
    /// The control bits (RFC 9293 section 3.1), with AE as the ninth (RFC 9768 section 3.2).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct TcpFlags: u16 {
        /// No more data from the sender.
        const FIN = 0x001;
        /// Synchronize sequence numbers.
        const SYN = 0x002;
        /// Reset the connection.
        const RST = 0x004;
        /// Push function.
        const PSH = 0x008;
        /// The acknowledgment field is significant.
        const ACK = 0x010;
        /// The urgent pointer is significant.
        const URG = 0x020;
        /// ECN echo (RFC 3168 section 6.1).
        const ECE = 0x040;
        /// Congestion window reduced (RFC 3168 section 6.1).
        const CWR = 0x080;
        /// Accurate ECN (RFC 9768).
        const AE = 0x100;
    }
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for TcpFlags {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<TcpFlags> {
        u16::arbitrary(u).map(TcpFlags::from_bits_truncate)
    }

    fn size_hint(depth: usize) -> (usize, Option<usize>) {
        u16::size_hint(depth)
    }
}

/// A received TCP segment.
#[derive(Clone, Copy, Debug)]
pub struct TcpSegment<'a> {
    header: &'a [u8; HEADER_LEN],
    bytes: &'a [u8],
    options: &'a [u8],
    payload: &'a [u8],
}

impl<'a> TcpSegment<'a> {
    /// A view of `bytes`, an IP packet's payload. Checksum and options are steps of their own.
    ///
    /// Errors: [`DropReason::TcpTruncated`], [`DropReason::TcpDataOffset`].
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<TcpSegment<'a>, DropReason> {
        let (header, rest) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(DropReason::TcpTruncated)?;
        let header_len = usize::from(header[FLAGS_OFFSET] >> 4) * 4;
        let options_len = header_len.checked_sub(HEADER_LEN).ok_or(DropReason::TcpDataOffset)?;
        let (options, payload) = rest.split_at_checked(options_len).ok_or(DropReason::TcpDataOffset)?;
        Ok(TcpSegment { header, bytes, options, payload })
    }

    /// Whether the checksum is right; `pseudo_header` is [`Sum::pseudo_header_v4`] or
    /// [`Sum::pseudo_header_v6`] with the segment's length.
    #[inline]
    pub fn verify_checksum(&self, pseudo_header: Sum) -> bool {
        let mut sum = pseudo_header;
        sum.add_bytes(self.bytes);
        sum.finish() == 0
    }

    /// The source port.
    #[inline]
    pub fn src_port(&self) -> u16 {
        self.header.u16_at::<SRC_PORT>()
    }

    /// The destination port.
    #[inline]
    pub fn dst_port(&self) -> u16 {
        self.header.u16_at::<DST_PORT>()
    }

    /// SEG.SEQ.
    #[inline]
    pub fn seq(&self) -> SeqNumber {
        SeqNumber(self.header.u32_at::<SEQ_OFFSET>())
    }

    /// SEG.ACK; without meaning unless the ACK bit is set.
    #[inline]
    pub fn ack(&self) -> SeqNumber {
        SeqNumber(self.header.u32_at::<ACK>())
    }

    /// The control bits.
    #[inline]
    pub fn flags(&self) -> TcpFlags {
        TcpFlags::from_bits_truncate(self.header.u16_at::<FLAGS_OFFSET>())
    }

    /// SEG.WND as it stands in the header, not scaled.
    #[inline]
    pub fn window(&self) -> u16 {
        self.header.u16_at::<WINDOW>()
    }

    /// The checksum field.
    pub fn checksum(&self) -> u16 {
        self.header.u16_at::<CHECKSUM_OFFSET>()
    }

    /// The urgent pointer; without meaning unless the URG bit is set.
    #[inline]
    pub fn urgent(&self) -> u16 {
        self.header.u16_at::<URGENT>()
    }

    /// Length of the header with its options, in bytes.
    #[inline]
    pub const fn header_len(&self) -> usize {
        HEADER_LEN + self.options.len()
    }

    /// Length of the whole segment, in bytes: what the pseudo-header wants.
    #[inline]
    pub const fn total_len(&self) -> usize {
        self.bytes.len()
    }

    /// SEG.LEN: the sequence numbers that the segment occupies, SYN and FIN counted.
    #[inline]
    pub fn seg_len(&self) -> u32 {
        let flags = self.flags();
        self.payload.len() as u32 + u32::from(flags.contains(TcpFlags::SYN)) + u32::from(flags.contains(TcpFlags::FIN))
    }

    /// The options, decoded.
    #[inline]
    pub fn options(&self) -> TcpOptions {
        TcpOptions::parse(self.options)
    }

    /// The bytes between the fixed header and the payload.
    #[inline]
    pub const fn option_bytes(&self) -> &'a [u8] {
        self.options
    }

    /// The text.
    #[inline]
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The header's fields.
    #[inline]
    pub fn header(&self) -> TcpHeader {
        TcpHeader {
            src_port: self.src_port(),
            dst_port: self.dst_port(),
            seq: self.seq(),
            ack: self.ack(),
            flags: self.flags(),
            window: self.window(),
            urgent: self.urgent(),
        }
    }
}

/// The fields of a TCP header. Data offset follows from the options, the checksum from the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct TcpHeader {
    /// The source port.
    pub src_port: u16,
    /// The destination port.
    pub dst_port: u16,
    /// SEG.SEQ.
    pub seq: SeqNumber,
    /// SEG.ACK; 0 unless the ACK bit is set.
    pub ack: SeqNumber,
    /// The control bits.
    pub flags: TcpFlags,
    /// SEG.WND as it stands in the header, not scaled.
    pub window: u16,
    /// The urgent pointer; 0 unless the URG bit is set.
    pub urgent: u16,
}

impl TcpHeader {
    /// Appends the header and its options, checksum 0: see [`fill_checksum`].
    #[inline]
    pub fn emit(&self, options: &TcpOptions, out: &mut impl BufMut) {
        let header_len = HEADER_LEN + options.emitted_len();
        let mut header = [0; HEADER_LEN];
        header.put_u16::<SRC_PORT>(self.src_port);
        header.put_u16::<DST_PORT>(self.dst_port);
        header.put_u32::<SEQ_OFFSET>(self.seq.0);
        header.put_u32::<ACK>(self.ack.0);
        header.put_u16::<FLAGS_OFFSET>((header_len as u16 / 4) << 12 | self.flags.bits());
        header.put_u16::<WINDOW>(self.window);
        header.put_u16::<URGENT>(self.urgent);
        out.put_slice(&header);
        options.emit(out);
    }
}

/// Computes and writes the checksum of a whole segment; `pseudo_header` carries its length.
#[inline]
pub fn fill_checksum(pseudo_header: Sum, segment: &mut [u8]) {
    checksum::fill(pseudo_header, segment, CHECKSUM_OFFSET);
}
