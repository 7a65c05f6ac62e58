//! IPv4 packets (RFC 791).
//!
//! ```text
//!  0               1               2               3
//! +-------+-------+-----------+---+-------------------------------+
//! |Version|  IHL  |   DSCP    |ECN|         Total Length          |
//! +-------+-------+-----------+---+-----+-------------------------+
//! |        Identification         |Flags|     Fragment Offset     |
//! +---------------+---------------+-----+-------------------------+
//! | Time to Live  |   Protocol    |        Header Checksum        |
//! +---------------+---------------+-------------------------------+
//! |                        Source Address                         |
//! +---------------------------------------------------------------+
//! |                      Destination Address                      |
//! +---------------------------------------------------------------+
//! |                      Options, 0 to 40 bytes                   |
//! +---------------------------------------------------------------+
//! ```

use bytes::BufMut;
use core::fmt;
use core::net::Ipv4Addr;

use super::checksum::{self, Sum};
use super::cursor::{self, Fields};
use crate::error::DropReason;

/// Length of a header without options, in bytes.
pub const HEADER_LEN: usize = 20;
/// Length of the longest header, in bytes.
pub const MAX_HEADER_LEN: usize = 60;
/// Offset of the total length.
pub const TOTAL_LEN_OFFSET: usize = 2;
/// Offset of the identification.
pub const ID_OFFSET: usize = 4;
/// Offset of the header checksum.
pub const CHECKSUM_OFFSET: usize = 10;

const END_OF_LIST: u8 = 0;
const NO_OPERATION: u8 = 1;

const TOS: usize = 1;
const FLAGS_FRAGMENT: usize = 6;
const TTL: usize = 8;
const PROTOCOL: usize = 9;
const SRC: usize = 12;
const DST: usize = 16;

/// The ECN codepoint CE (RFC 3168 section 5).
pub(crate) const CONGESTION_EXPERIENCED: u8 = 3;

const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET_MASK: u16 = 0x1fff;

/// An upper-layer protocol, or an IPv6 extension header: one number space (RFC 8200 section 3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct IpProtocol(pub u8);

impl IpProtocol {
    /// IPv6 hop-by-hop options (RFC 8200 section 4.3).
    pub const HOP_BY_HOP: IpProtocol = IpProtocol(0);
    /// ICMP for IPv4 (RFC 792).
    pub const ICMP: IpProtocol = IpProtocol(1);
    /// IGMP (RFC 3376).
    pub const IGMP: IpProtocol = IpProtocol(2);
    /// TCP (RFC 9293).
    pub const TCP: IpProtocol = IpProtocol(6);
    /// UDP (RFC 768).
    pub const UDP: IpProtocol = IpProtocol(17);
    /// IPv6 routing header (RFC 8200 section 4.4).
    pub const ROUTING: IpProtocol = IpProtocol(43);
    /// IPv6 fragment header (RFC 8200 section 4.5).
    pub const FRAGMENT: IpProtocol = IpProtocol(44);
    /// ICMP for IPv6 (RFC 4443).
    pub const ICMPV6: IpProtocol = IpProtocol(58);
    /// Nothing follows (RFC 8200 section 4.7).
    pub const NO_NEXT_HEADER: IpProtocol = IpProtocol(59);
    /// IPv6 destination options (RFC 8200 section 4.6).
    pub const DESTINATION_OPTIONS: IpProtocol = IpProtocol(60);
}

impl fmt::Debug for IpProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            IpProtocol::HOP_BY_HOP => "hop-by-hop",
            IpProtocol::ICMP => "icmp",
            IpProtocol::IGMP => "igmp",
            IpProtocol::TCP => "tcp",
            IpProtocol::UDP => "udp",
            IpProtocol::ROUTING => "routing",
            IpProtocol::FRAGMENT => "fragment",
            IpProtocol::ICMPV6 => "icmp6",
            IpProtocol::NO_NEXT_HEADER => "no-next-header",
            IpProtocol::DESTINATION_OPTIONS => "destination-options",
            IpProtocol(other) => return write!(f, "protocol {other}"),
        };
        f.write_str(name)
    }
}

impl fmt::Display for IpProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A received IPv4 packet.
#[derive(Clone, Copy, Debug)]
pub struct Ipv4Packet<'a> {
    header: &'a [u8; HEADER_LEN],
    options: &'a [u8],
    payload: &'a [u8],
}

impl<'a> Ipv4Packet<'a> {
    /// A view of `bytes`; what lies beyond the total length is link-layer padding and left out. The
    /// header checksum is a step of its own, [`Ipv4Packet::verify_checksum`], as are the options.
    ///
    /// Errors: [`DropReason::Ipv4Truncated`], [`DropReason::Ipv4Version`],
    /// [`DropReason::Ipv4HeaderLength`], [`DropReason::Ipv4TotalLength`].
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Ipv4Packet<'a>, DropReason> {
        Ipv4Packet::parse_with(bytes, |total, len| total <= len)
    }

    /// A view of the start of a packet, as an ICMP error quotes it (RFC 792): the total length may
    /// be larger than what is there. The header must be whole.
    ///
    /// Errors: those of [`Ipv4Packet::parse`].
    pub fn parse_quoted(bytes: &'a [u8]) -> Result<Ipv4Packet<'a>, DropReason> {
        Ipv4Packet::parse_with(bytes, |_, _| true)
    }

    #[inline]
    fn parse_with(bytes: &'a [u8], fits: impl Fn(usize, usize) -> bool) -> Result<Ipv4Packet<'a>, DropReason> {
        let (header, rest) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(DropReason::Ipv4Truncated)?;
        if header[0] >> 4 != 4 {
            return Err(DropReason::Ipv4Version);
        }
        let header_len = usize::from(header[0] & 0x0f) * 4;
        let options_len = header_len.checked_sub(HEADER_LEN).ok_or(DropReason::Ipv4HeaderLength)?;
        let (options, rest) = rest.split_at_checked(options_len).ok_or(DropReason::Ipv4HeaderLength)?;
        let total_len = usize::from(header.u16_at::<TOTAL_LEN_OFFSET>());
        let payload_len = total_len.checked_sub(header_len).ok_or(DropReason::Ipv4TotalLength)?;
        if !fits(total_len, bytes.len()) {
            return Err(DropReason::Ipv4TotalLength);
        }
        let payload = rest.get(..payload_len).unwrap_or(rest);
        Ok(Ipv4Packet { header, options, payload })
    }

    /// Whether the header checksum is right (RFC 791 section 3.1).
    #[inline]
    pub fn verify_checksum(&self) -> bool {
        let mut sum = Sum::new();
        sum.add_bytes(self.header);
        if !self.options.is_empty() {
            sum = with_options(sum, self.options);
        }
        sum.finish() == 0
    }

    /// The source address.
    #[inline]
    pub fn src(&self) -> Ipv4Addr {
        Ipv4Addr::from(self.header.array_at::<SRC, 4>())
    }

    /// The destination address.
    #[inline]
    pub fn dst(&self) -> Ipv4Addr {
        Ipv4Addr::from(self.header.array_at::<DST, 4>())
    }

    /// The protocol of the payload.
    #[inline]
    pub const fn protocol(&self) -> IpProtocol {
        IpProtocol(self.header[PROTOCOL])
    }

    /// Length of the header with its options, in bytes.
    #[inline]
    pub const fn header_len(&self) -> usize {
        HEADER_LEN + self.options.len()
    }

    /// The total length field, in bytes. The packet's own, also if only its start is quoted.
    #[inline]
    pub fn total_len(&self) -> usize {
        usize::from(self.header.u16_at::<TOTAL_LEN_OFFSET>())
    }

    /// The type of service: DSCP in the upper six bits, ECN in the lower two.
    #[inline]
    pub const fn tos(&self) -> u8 {
        self.header[TOS]
    }

    /// The differentiated services codepoint (RFC 2474), 0 to 63.
    pub const fn dscp(&self) -> u8 {
        self.header[TOS] >> 2
    }

    /// The explicit congestion notification bits (RFC 3168 section 5), 0 to 3.
    pub const fn ecn(&self) -> u8 {
        self.header[TOS] & 3
    }

    /// The identification.
    pub fn id(&self) -> u16 {
        self.header.u16_at::<ID_OFFSET>()
    }

    /// May not be fragmented on its way.
    pub fn dont_fragment(&self) -> bool {
        self.header.u16_at::<FLAGS_FRAGMENT>() & DONT_FRAGMENT != 0
    }

    /// Not the last fragment.
    pub fn more_fragments(&self) -> bool {
        self.header.u16_at::<FLAGS_FRAGMENT>() & MORE_FRAGMENTS != 0
    }

    /// Where the payload starts in the whole packet's payload, in bytes: a multiple of 8 up to 65,528.
    pub fn fragment_offset(&self) -> u16 {
        (self.header.u16_at::<FLAGS_FRAGMENT>() & OFFSET_MASK) * 8
    }

    /// Whether this is a fragment, first or later, rather than a whole packet.
    #[inline]
    pub fn is_fragment(&self) -> bool {
        self.header.u16_at::<FLAGS_FRAGMENT>() & (MORE_FRAGMENTS | OFFSET_MASK) != 0
    }

    /// The hops left.
    #[inline]
    pub const fn ttl(&self) -> u8 {
        self.header[TTL]
    }

    /// The header checksum field.
    pub fn checksum(&self) -> u16 {
        self.header.u16_at::<CHECKSUM_OFFSET>()
    }

    /// The options, walked (RFC 791 section 3.1).
    pub const fn options(&self) -> Ipv4Options<'a> {
        Ipv4Options { rest: self.options }
    }

    /// Whether routers on the packet's way are asked to look at it (RFC 2113).
    pub fn has_router_alert(&self) -> bool {
        self.options().any(|option| option.is_ok_and(|option| option.kind == Ipv4Option::ROUTER_ALERT))
    }

    /// Where in the packet an option's length is wrong, in bytes: the pointer of the Parameter Problem that
    /// is owed (RFC 792). `None` if no option is malformed.
    pub fn malformed_option(&self) -> Option<u8> {
        let mut options = self.options();
        loop {
            let rest = options.rest;
            if options.next()?.is_err() {
                let no_operations = rest.iter().take_while(|&&kind| kind == NO_OPERATION).count();
                let kind_at = HEADER_LEN + self.options.len() - rest.len() + no_operations;
                return Some((kind_at + 1).min(self.header_len() - 1) as u8);
            }
        }
    }

    /// The bytes between the fixed header and the payload.
    pub const fn option_bytes(&self) -> &'a [u8] {
        self.options
    }

    /// The payload without link-layer padding.
    #[inline]
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The header's fields.
    pub fn header(&self) -> Ipv4Header {
        Ipv4Header {
            tos: self.tos(),
            payload_len: (self.total_len() - self.header_len()) as u16,
            id: self.id(),
            dont_fragment: self.dont_fragment(),
            more_fragments: self.more_fragments(),
            fragment_offset: self.fragment_offset(),
            ttl: self.ttl(),
            protocol: self.protocol(),
            src: self.src(),
            dst: self.dst(),
        }
    }
}

/// One option of an IPv4 header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Option<'a> {
    /// The option-type octet: copied flag, class and number.
    pub kind: u8,
    /// The bytes after type and length.
    pub data: &'a [u8],
}

impl Ipv4Option<'_> {
    /// Record route (RFC 791 section 3.1).
    pub const RECORD_ROUTE: u8 = 7;
    /// Timestamp (RFC 791 section 3.1).
    pub const TIMESTAMP: u8 = 68;
    /// Basic security (RFC 1108 section 2).
    pub const SECURITY: u8 = 130;
    /// Stream identifier, obsolete (RFC 6814).
    pub const STREAM_ID: u8 = 136;
    /// Loose source and record route.
    pub const LOOSE_SOURCE_ROUTE: u8 = 131;
    /// Strict source and record route.
    pub const STRICT_SOURCE_ROUTE: u8 = 137;
    /// Router alert (RFC 2113).
    pub const ROUTER_ALERT: u8 = 148;

    /// Whether a source route has been followed to its end: its pointer is beyond its list (RFC 791 section 3.1).
    pub fn is_route_complete(&self) -> bool {
        self.data.first().is_some_and(|&pointer| usize::from(pointer) > self.data.len() + 2)
    }

    /// The type that stands for this option among those of which a packet has one at most (RFC 791
    /// section 3.1): a loose and a strict source route count as one (RFC 7126 section 4.3). `None` for others.
    pub const fn appears_once_as(&self) -> Option<u8> {
        match self.kind {
            Self::STRICT_SOURCE_ROUTE => Some(Self::LOOSE_SOURCE_ROUTE),
            Self::RECORD_ROUTE | Self::TIMESTAMP | Self::SECURITY | Self::STREAM_ID | Self::LOOSE_SOURCE_ROUTE => {
                Some(self.kind)
            }
            _ => None,
        }
    }

    /// Whether the option routes the packet by its own list (RFC 7126 section 4.3 drops those).
    pub const fn is_source_route(&self) -> bool {
        matches!(self.kind, Self::LOOSE_SOURCE_ROUTE | Self::STRICT_SOURCE_ROUTE)
    }
}

/// Walks the options of a header. End-of-list ends the walk, no-operation is passed over; an option
/// whose length is below 2 or beyond the header is one `Err`, after which the walk ends.
#[derive(Clone, Debug)]
pub struct Ipv4Options<'a> {
    rest: &'a [u8],
}

impl<'a> Ipv4Options<'a> {
    /// Walks `bytes`, the part of a header behind its first 20 bytes.
    pub const fn new(bytes: &'a [u8]) -> Ipv4Options<'a> {
        Ipv4Options { rest: bytes }
    }

    /// What has not been walked yet.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Ipv4Options<'a> {
    type Item = Result<Ipv4Option<'a>, DropReason>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (&kind, after) = self.rest.split_first()?;
            match kind {
                END_OF_LIST => {
                    self.rest = &[];
                    return None;
                }
                NO_OPERATION => self.rest = after,
                kind => {
                    let option = after.split_first().and_then(|(&len, _)| {
                        let (option, rest) = self.rest.split_at_checked(usize::from(len))?;
                        Some((option.get(2..)?, rest))
                    });
                    let Some((data, rest)) = option else {
                        self.rest = &[];
                        return Some(Err(DropReason::Ipv4Option));
                    };
                    self.rest = rest;
                    return Some(Ok(Ipv4Option { kind, data }));
                }
            }
        }
    }
}

/// The fields of an IPv4 header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Ipv4Header {
    /// DSCP in the upper six bits, ECN in the lower two.
    pub tos: u8,
    /// Length of the payload in bytes; header and payload together are at most 65,535.
    pub payload_len: u16,
    /// The identification.
    pub id: u16,
    /// May not be fragmented on its way.
    pub dont_fragment: bool,
    /// Not the last fragment.
    pub more_fragments: bool,
    /// Offset in the whole packet's payload, in bytes; rounded down to a multiple of 8.
    pub fragment_offset: u16,
    /// The hops that the packet may take.
    pub ttl: u8,
    /// The protocol of the payload.
    pub protocol: IpProtocol,
    /// The source address.
    pub src: Ipv4Addr,
    /// The destination address.
    pub dst: Ipv4Addr,
}

impl Ipv4Header {
    /// Appends a header without options, its checksum complete (no device computes that one).
    #[inline]
    pub fn emit(&self, out: &mut impl BufMut) {
        let mut header = self.fixed(HEADER_LEN);
        header.put_u16::<CHECKSUM_OFFSET>(checksum::of(&header));
        out.put_slice(&header);
    }

    /// Appends a header with options, its checksum complete. Options beyond 40 bytes are left out;
    /// the rest is padded with end-of-list to a multiple of 4 bytes.
    pub fn emit_with_options(&self, options: &[u8], out: &mut impl BufMut) {
        let options = options.get(..MAX_HEADER_LEN - HEADER_LEN).unwrap_or(options);
        let header_len = HEADER_LEN + options.len().next_multiple_of(4);
        let mut longest = [0; MAX_HEADER_LEN];
        longest[..HEADER_LEN].copy_from_slice(&self.fixed(header_len));
        longest[HEADER_LEN..][..options.len()].copy_from_slice(options);
        let header = &mut longest[..header_len];
        fill_checksum(header);
        out.put_slice(header);
    }

    /// The first 20 bytes, checksum 0.
    #[inline]
    fn fixed(&self, header_len: usize) -> [u8; HEADER_LEN] {
        let mut header = [0; HEADER_LEN];
        header[0] = 0x40 | (header_len / 4) as u8;
        header[TOS] = self.tos;
        let total_len = self.payload_len.saturating_add(header_len as u16);
        header.put_u16::<TOTAL_LEN_OFFSET>(total_len);
        header.put_u16::<ID_OFFSET>(self.id);
        let mut flags_fragment = self.fragment_offset / 8;
        if self.dont_fragment {
            flags_fragment |= DONT_FRAGMENT;
        }
        if self.more_fragments {
            flags_fragment |= MORE_FRAGMENTS;
        }
        header.put_u16::<FLAGS_FRAGMENT>(flags_fragment);
        header[TTL] = self.ttl;
        header[PROTOCOL] = self.protocol.0;
        header.put_array::<SRC, 4>(self.src.octets());
        header.put_array::<DST, 4>(self.dst.octets());
        header
    }
}

/// Apart from the headers of twenty bytes that nearly all packets have.
#[cold]
fn with_options(mut sum: Sum, options: &[u8]) -> Sum {
    sum.add_bytes(options);
    sum
}

/// Computes the header checksum anew after a field was changed. `packet` starts with the header;
/// its length is taken from IHL.
pub fn fill_checksum(packet: &mut [u8]) {
    let header_len = packet.first().map_or(0, |first| usize::from(first & 0x0f) * 4);
    if let Some(header) = packet.get_mut(..header_len) {
        checksum::fill(Sum::new(), header, CHECKSUM_OFFSET);
    }
}

/// Makes the header of a first fragment that of the whole packet of `total_len` bytes: no fragment any
/// more, congestion experienced if any fragment did (RFC 3168 section 5.3). `header` is the header
/// with its options and nothing behind it.
pub(crate) fn make_whole(header: &mut [u8], total_len: u16, congestion: bool) {
    cursor::put_u16_into(header, TOTAL_LEN_OFFSET, total_len);
    cursor::put_u16_into(header, FLAGS_FRAGMENT, 0);
    if let Some(tos) = header.get_mut(TOS).filter(|_| congestion) {
        *tos |= CONGESTION_EXPERIENCED;
    }
    fill_checksum(header);
}
