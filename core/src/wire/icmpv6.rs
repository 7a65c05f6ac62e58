//! ICMP for IPv6 (RFC 4443): echo and errors. Neighbor Discovery: [`ndp`](super::ndp).

use bytes::BufMut;

use super::checksum::{self, Sum};
use super::cursor::Fields;
use super::icmp_ext::{self, IcmpExtensions};
use super::ipv6::Ipv6Packet;
use crate::error::DropReason;

/// Length of the header in bytes: up to the echo data or the quoted packet.
pub const HEADER_LEN: usize = 8;
/// Offset of the checksum.
pub const CHECKSUM_OFFSET: usize = 2;

/// Destination unreachable: no route.
pub const NO_ROUTE: u8 = 0;
/// Destination unreachable: administratively prohibited.
pub const ADMINISTRATIVELY_PROHIBITED: u8 = 1;
/// Destination unreachable: beyond the scope of the source address.
pub const BEYOND_SCOPE: u8 = 2;
/// Destination unreachable: the address.
pub const ADDRESS_UNREACHABLE: u8 = 3;
/// Destination unreachable: the port.
pub const PORT_UNREACHABLE: u8 = 4;
/// Destination unreachable: the source address failed an ingress or egress policy.
pub const POLICY_FAILED: u8 = 5;
/// Destination unreachable: the route to the destination rejects.
pub const ROUTE_REJECTED: u8 = 6;
/// Time exceeded: hop limit exceeded in transit.
pub const HOP_LIMIT_EXCEEDED: u8 = 0;
/// Time exceeded: while fragments were waited for.
pub const REASSEMBLY_TIME_EXCEEDED: u8 = 1;
/// Parameter problem: erroneous header field.
pub const ERRONEOUS_HEADER_FIELD: u8 = 0;
/// Parameter problem: unrecognized next header.
pub const UNRECOGNIZED_NEXT_HEADER: u8 = 1;
/// Parameter problem: unrecognized IPv6 option.
pub const UNRECOGNIZED_OPTION: u8 = 2;
/// Parameter problem: the first fragment does not hold all headers (RFC 7112 section 5).
pub const INCOMPLETE_HEADER_CHAIN: u8 = 3;

const DESTINATION_UNREACHABLE: u8 = 1;
const PACKET_TOO_BIG: u8 = 2;
const TIME_EXCEEDED: u8 = 3;
const PARAMETER_PROBLEM: u8 = 4;
/// Types below this one are errors (RFC 4443 section 2.1).
pub const FIRST_INFORMATIONAL: u8 = 128;
const ECHO_REQUEST: u8 = 128;
const ECHO_REPLY: u8 = 129;

/// A received ICMPv6 message.
#[derive(Clone, Copy, Debug)]
pub struct Icmpv6Message<'a> {
    header: &'a [u8; HEADER_LEN],
    bytes: &'a [u8],
    payload: &'a [u8],
}

impl<'a> Icmpv6Message<'a> {
    /// A view of `bytes`, an IPv6 packet's upper layer. The checksum is a step of its own.
    ///
    /// Errors: [`DropReason::Icmpv6Truncated`].
    pub fn parse(bytes: &'a [u8]) -> Result<Icmpv6Message<'a>, DropReason> {
        let (header, payload) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(DropReason::Icmpv6Truncated)?;
        Ok(Icmpv6Message { header, bytes, payload })
    }

    /// Whether the checksum is right; `pseudo_header` is [`Sum::pseudo_header_v6`] with the
    /// message's length.
    pub fn verify_checksum(&self, pseudo_header: Sum) -> bool {
        let mut sum = pseudo_header;
        sum.add_bytes(self.bytes);
        sum.finish() == 0
    }

    /// The type field.
    pub const fn kind(&self) -> u8 {
        self.header[0]
    }

    /// The code field.
    pub const fn code(&self) -> u8 {
        self.header[1]
    }

    /// The checksum field.
    pub fn checksum(&self) -> u16 {
        self.header.u16_at::<CHECKSUM_OFFSET>()
    }

    /// The whole message.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The echo data, or the start of the packet in trouble.
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The packet that an error quotes, at least its header; `None` if this is no error or the
    /// quote is not one of an IPv6 packet.
    pub fn quoted(&self) -> Option<Ipv6Packet<'a>> {
        if !self.header().is_error() {
            return None;
        }
        Ipv6Packet::parse_quoted(self.split().0).ok()
    }

    /// What a router has added behind the quoted packet (RFC 4884); `None` if it has not.
    pub fn extensions(&self) -> Option<IcmpExtensions<'a>> {
        self.split().1
    }

    /// The quoted packet and what follows it.
    fn split(&self) -> (&'a [u8], Option<IcmpExtensions<'a>>) {
        // In words of 64 bits (RFC 4884 section 4.4).
        let words = match self.kind() {
            DESTINATION_UNREACHABLE | TIME_EXCEEDED => self.header[4],
            _ => 0,
        };
        icmp_ext::split(self.payload, usize::from(words) * 8)
    }

    /// The header's fields.
    pub fn header(&self) -> Icmpv6Header {
        let (id, seq) = (self.header.u16_at::<4>(), self.header.u16_at::<6>());
        let word = self.header.u32_at::<4>();
        match (self.kind(), self.code()) {
            (DESTINATION_UNREACHABLE, code) => Icmpv6Header::DestinationUnreachable { code },
            (PACKET_TOO_BIG, _) => Icmpv6Header::PacketTooBig { mtu: word },
            (TIME_EXCEEDED, code) => Icmpv6Header::TimeExceeded { code },
            (PARAMETER_PROBLEM, code) => Icmpv6Header::ParameterProblem { code, pointer: word },
            (ECHO_REQUEST, 0) => Icmpv6Header::EchoRequest { id, seq },
            (ECHO_REPLY, 0) => Icmpv6Header::EchoReply { id, seq },
            (kind, code) => Icmpv6Header::Other { kind, code, rest: self.header.array_at::<4, 4>() },
        }
    }
}

/// The header of an ICMPv6 message, by type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub enum Icmpv6Header {
    /// The quoted packet could not be delivered.
    DestinationUnreachable {
        /// Why: [`PORT_UNREACHABLE`] and its like.
        code: u8,
    },
    /// The quoted packet is larger than a link on its way takes.
    PacketTooBig {
        /// That link's MTU in bytes.
        mtu: u32,
    },
    /// The quoted packet's hop limit, or its reassembly's time, has run out.
    TimeExceeded {
        /// [`HOP_LIMIT_EXCEEDED`] or [`REASSEMBLY_TIME_EXCEEDED`].
        code: u8,
    },
    /// The quoted packet's headers make no sense here.
    ParameterProblem {
        /// Why: [`UNRECOGNIZED_NEXT_HEADER`] and its like.
        code: u8,
        /// Offset in the quoted packet, in bytes; may point beyond the quote.
        pointer: u32,
    },
    /// Asks for an echo.
    EchoRequest {
        /// Tells one asker's requests from another's.
        id: u16,
        /// Counts the requests.
        seq: u16,
    },
    /// The echo.
    EchoReply {
        /// The request's.
        id: u16,
        /// The request's.
        seq: u16,
    },
    /// Any other message, Neighbor Discovery's included.
    Other {
        /// The type field.
        kind: u8,
        /// The code field.
        code: u8,
        /// The four bytes after the checksum.
        rest: [u8; 4],
    },
}

impl Icmpv6Header {
    /// Whether the message is an error, to which no error may be sent in answer (RFC 4443
    /// section 2.4, e.1). A type that is not known tells by its highest bit.
    pub const fn is_error(&self) -> bool {
        match self {
            Icmpv6Header::EchoRequest { .. } | Icmpv6Header::EchoReply { .. } => false,
            Icmpv6Header::Other { kind, .. } => *kind < FIRST_INFORMATIONAL,
            _ => true,
        }
    }

    /// Appends the 8 bytes of the header, checksum 0: see [`fill_checksum`].
    pub fn emit(&self, out: &mut impl BufMut) {
        let mut header = [0; HEADER_LEN];
        match *self {
            Icmpv6Header::DestinationUnreachable { code } => {
                header.put_array::<0, 2>([DESTINATION_UNREACHABLE, code]);
            }
            Icmpv6Header::PacketTooBig { mtu } => {
                header[0] = PACKET_TOO_BIG;
                header.put_u32::<4>(mtu);
            }
            Icmpv6Header::TimeExceeded { code } => {
                header.put_array::<0, 2>([TIME_EXCEEDED, code]);
            }
            Icmpv6Header::ParameterProblem { code, pointer } => {
                header.put_array::<0, 2>([PARAMETER_PROBLEM, code]);
                header.put_u32::<4>(pointer);
            }
            Icmpv6Header::EchoRequest { id, seq } => {
                header[0] = ECHO_REQUEST;
                header.put_u16::<4>(id);
                header.put_u16::<6>(seq);
            }
            Icmpv6Header::EchoReply { id, seq } => {
                header[0] = ECHO_REPLY;
                header.put_u16::<4>(id);
                header.put_u16::<6>(seq);
            }
            Icmpv6Header::Other { kind, code, rest } => {
                header.put_array::<0, 2>([kind, code]);
                header.put_array::<4, 4>(rest);
            }
        }
        out.put_slice(&header);
    }
}

/// Computes and writes the checksum of a whole message; `pseudo_header` carries its length.
pub fn fill_checksum(pseudo_header: Sum, message: &mut [u8]) {
    checksum::fill(pseudo_header, message, CHECKSUM_OFFSET);
}
