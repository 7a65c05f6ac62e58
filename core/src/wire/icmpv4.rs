//! ICMP for IPv4 (RFC 792; RFC 1122 section 3.2.2).
//!
//! ```text
//!  0               1               2               3
//! +---------------+---------------+-------------------------------+
//! |     Type      |     Code      |           Checksum            |
//! +---------------+---------------+-------------------------------+
//! |          by type: id and seq, MTU, pointer, gateway           |
//! +---------------------------------------------------------------+
//! |     echo data, or the start of the packet in trouble          |
//! +---------------------------------------------------------------+
//! ```

use bytes::BufMut;
use core::net::Ipv4Addr;

use super::checksum::{self, Sum};
use super::cursor::Fields;
use super::icmp_ext::{self, IcmpExtensions};
use super::ipv4::Ipv4Packet;
use crate::error::DropReason;

/// Length of the header in bytes: up to the echo data or the quoted packet.
pub const HEADER_LEN: usize = 8;
/// Offset of the checksum.
pub const CHECKSUM_OFFSET: usize = 2;

/// Destination unreachable: the network.
pub const NET_UNREACHABLE: u8 = 0;
/// Destination unreachable: the host.
pub const HOST_UNREACHABLE: u8 = 1;
/// Destination unreachable: the protocol.
pub const PROTOCOL_UNREACHABLE: u8 = 2;
/// Destination unreachable: the port.
pub const PORT_UNREACHABLE: u8 = 3;
/// Destination unreachable: fragmentation needed and DF set (RFC 1191 section 4).
pub const FRAGMENTATION_NEEDED: u8 = 4;
/// Destination unreachable: source route failed.
pub const SOURCE_ROUTE_FAILED: u8 = 5;
/// Destination unreachable: the network is not known (RFC 1122 section 3.2.2.1).
pub const NET_UNKNOWN: u8 = 6;
/// Destination unreachable: the host is not known.
pub const HOST_UNKNOWN: u8 = 7;
/// Destination unreachable: the source host is isolated.
pub const SOURCE_HOST_ISOLATED: u8 = 8;
/// Destination unreachable: communication with the network is administratively prohibited.
pub const NET_PROHIBITED: u8 = 9;
/// Destination unreachable: communication with the host is administratively prohibited.
pub const HOST_PROHIBITED: u8 = 10;
/// Destination unreachable: the network, for this type of service.
pub const NET_UNREACHABLE_FOR_TOS: u8 = 11;
/// Destination unreachable: the host, for this type of service.
pub const HOST_UNREACHABLE_FOR_TOS: u8 = 12;
/// Destination unreachable: the precedence is not permitted (RFC 1812 section 5.2.7.1).
pub const PRECEDENCE_VIOLATION: u8 = 14;
/// Destination unreachable: the precedence is below the least required (RFC 1812 section 5.2.7.1).
pub const PRECEDENCE_CUTOFF: u8 = 15;
/// Destination unreachable: communication administratively prohibited (RFC 1812 section 5.2.7.1).
pub const ADMINISTRATIVELY_PROHIBITED: u8 = 13;
/// Redirect: for the host (RFC 1812 section 5.2.7.2: the only kind that a router sends).
pub const REDIRECT_HOST: u8 = 1;
/// Time exceeded: in transit.
pub const TTL_EXCEEDED: u8 = 0;
/// Time exceeded: while fragments were waited for.
pub const REASSEMBLY_TIME_EXCEEDED: u8 = 1;

const ECHO_REPLY: u8 = 0;
const DESTINATION_UNREACHABLE: u8 = 3;
const SOURCE_QUENCH: u8 = 4;
const REDIRECT: u8 = 5;
const ECHO_REQUEST: u8 = 8;
const TIME_EXCEEDED: u8 = 11;
const PARAMETER_PROBLEM: u8 = 12;

/// A received ICMPv4 message.
#[derive(Clone, Copy, Debug)]
pub struct Icmpv4Message<'a> {
    header: &'a [u8; HEADER_LEN],
    bytes: &'a [u8],
    payload: &'a [u8],
}

impl<'a> Icmpv4Message<'a> {
    /// A view of `bytes`, an IPv4 packet's payload. The checksum is a step of its own.
    ///
    /// Errors: [`DropReason::Icmpv4Truncated`].
    pub fn parse(bytes: &'a [u8]) -> Result<Icmpv4Message<'a>, DropReason> {
        let (header, payload) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(DropReason::Icmpv4Truncated)?;
        Ok(Icmpv4Message { header, bytes, payload })
    }

    /// Whether the checksum is right.
    pub fn verify_checksum(&self) -> bool {
        checksum::of(self.bytes) == 0
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

    /// The echo data, or the start of the packet in trouble.
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The packet that an error quotes, at least its header; `None` if this is no error or the
    /// quote is not one of an IPv4 packet.
    pub fn quoted(&self) -> Option<Ipv4Packet<'a>> {
        if !self.header().is_error() {
            return None;
        }
        Ipv4Packet::parse_quoted(self.split().0).ok()
    }

    /// What a router has added behind the quoted packet (RFC 4884); `None` if it has not.
    pub fn extensions(&self) -> Option<IcmpExtensions<'a>> {
        self.split().1
    }

    /// The quoted packet and what follows it.
    fn split(&self) -> (&'a [u8], Option<IcmpExtensions<'a>>) {
        // In words of 32 bits (RFC 4884 section 4.1).
        let words = match self.kind() {
            DESTINATION_UNREACHABLE | TIME_EXCEEDED | PARAMETER_PROBLEM => self.header[5],
            _ => 0,
        };
        icmp_ext::split(self.payload, usize::from(words) * 4)
    }

    /// The header's fields.
    pub fn header(&self) -> Icmpv4Header {
        let (id, seq) = (self.header.u16_at::<4>(), self.header.u16_at::<6>());
        match (self.kind(), self.code()) {
            (ECHO_REQUEST, 0) => Icmpv4Header::EchoRequest { id, seq },
            (ECHO_REPLY, 0) => Icmpv4Header::EchoReply { id, seq },
            (DESTINATION_UNREACHABLE, code) => Icmpv4Header::DestinationUnreachable { code, next_hop_mtu: seq },
            (TIME_EXCEEDED, code) => Icmpv4Header::TimeExceeded { code },
            (PARAMETER_PROBLEM, code) => Icmpv4Header::ParameterProblem { code, pointer: self.header[4] },
            (REDIRECT, code) => {
                Icmpv4Header::Redirect { code, gateway: Ipv4Addr::from(self.header.array_at::<4, 4>()) }
            }
            (kind, code) => Icmpv4Header::Other { kind, code, rest: self.header.array_at::<4, 4>() },
        }
    }
}

/// The header of an ICMPv4 message, by type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub enum Icmpv4Header {
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
    /// The quoted packet could not be delivered.
    DestinationUnreachable {
        /// Why: [`PORT_UNREACHABLE`] and its like.
        code: u8,
        /// With [`FRAGMENTATION_NEEDED`] the next hop's MTU in bytes, or 0 from an old router
        /// (RFC 1191 section 4); else 0.
        next_hop_mtu: u16,
    },
    /// The quoted packet's time to live, or its reassembly's, has run out.
    TimeExceeded {
        /// [`TTL_EXCEEDED`] or [`REASSEMBLY_TIME_EXCEEDED`].
        code: u8,
    },
    /// The quoted packet's header makes no sense.
    ParameterProblem {
        /// 0 if `pointer` tells where.
        code: u8,
        /// Offset in the quoted packet, in bytes.
        pointer: u8,
    },
    /// A better first hop for the quoted packet's destination.
    Redirect {
        /// For which traffic.
        code: u8,
        /// The better first hop.
        gateway: Ipv4Addr,
    },
    /// Any other message.
    Other {
        /// The type field.
        kind: u8,
        /// The code field.
        code: u8,
        /// The four bytes after the checksum.
        rest: [u8; 4],
    },
}

impl Icmpv4Header {
    /// Whether the message is an error, to which no error may be sent in answer (RFC 1122
    /// section 3.2.2). Types that are not known are taken for none.
    pub const fn is_error(&self) -> bool {
        matches!(
            self,
            Icmpv4Header::DestinationUnreachable { .. }
                | Icmpv4Header::TimeExceeded { .. }
                | Icmpv4Header::ParameterProblem { .. }
                | Icmpv4Header::Redirect { .. }
                | Icmpv4Header::Other { kind: SOURCE_QUENCH, .. }
        )
    }

    /// Appends the 8 bytes of the header, checksum 0: see [`fill_checksum`].
    pub fn emit(&self, out: &mut impl BufMut) {
        let mut header = [0; HEADER_LEN];
        match *self {
            Icmpv4Header::EchoRequest { id, seq } => {
                header[0] = ECHO_REQUEST;
                header.put_u16::<4>(id);
                header.put_u16::<6>(seq);
            }
            Icmpv4Header::EchoReply { id, seq } => {
                header[0] = ECHO_REPLY;
                header.put_u16::<4>(id);
                header.put_u16::<6>(seq);
            }
            Icmpv4Header::DestinationUnreachable { code, next_hop_mtu } => {
                header.put_array::<0, 2>([DESTINATION_UNREACHABLE, code]);
                header.put_u16::<6>(next_hop_mtu);
            }
            Icmpv4Header::TimeExceeded { code } => {
                header.put_array::<0, 2>([TIME_EXCEEDED, code]);
            }
            Icmpv4Header::ParameterProblem { code, pointer } => {
                header.put_array::<0, 2>([PARAMETER_PROBLEM, code]);
                header[4] = pointer;
            }
            Icmpv4Header::Redirect { code, gateway } => {
                header.put_array::<0, 2>([REDIRECT, code]);
                header.put_array::<4, 4>(gateway.octets());
            }
            Icmpv4Header::Other { kind, code, rest } => {
                header.put_array::<0, 2>([kind, code]);
                header.put_array::<4, 4>(rest);
            }
        }
        out.put_slice(&header);
    }
}

/// Computes and writes the checksum of a whole message.
pub fn fill_checksum(message: &mut [u8]) {
    checksum::fill(Sum::new(), message, CHECKSUM_OFFSET);
}
