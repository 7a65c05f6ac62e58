//! ICMP (RFC 792, RFC 4443): what an error that arrives means to a socket, and which messages are errors.
//!
//! - [`report`]: an error that arrived, read

pub(crate) mod report;

use core::net::{IpAddr, SocketAddr};

use crate::error::SocketError;
use crate::tcp::seq::SeqNumber;
use crate::wire::icmpv4::{self, Icmpv4Message};
use crate::wire::icmpv6;
use crate::wire::ipv4::{IpProtocol, Ipv4Packet};
use crate::wire::ipv6::Ipv6Packet;
use crate::wire::ipv6_ext::FRAGMENT_HEADER_LEN;
use crate::wire::ndp;

/// How much of the packet an ICMPv4 error quotes: as much as fits 576 bytes (RFC 1812 section 4.3.2.3).
pub(crate) const QUOTE_MAX_V4: usize = 576 - 20 - 8;
/// How much an ICMPv6 error quotes: as much as fits the minimum MTU (RFC 4443 section 2.4 (c)).
pub(crate) const QUOTE_MAX_V6: usize = 1280 - 40 - 8;

/// What an ICMP error that arrived says, in the terms of a connection (RFC 1122 section 4.2.3.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IcmpError {
    PortUnreachable,
    ProtocolUnreachable,
    HostUnreachable,
    NetworkUnreachable,
    Prohibited,
    TimeExceeded,
    ParameterProblem,
}

impl From<IcmpError> for SocketError {
    fn from(error: IcmpError) -> SocketError {
        match error {
            IcmpError::PortUnreachable => SocketError::Refused,
            IcmpError::ProtocolUnreachable => SocketError::ProtocolUnreachable,
            IcmpError::HostUnreachable | IcmpError::TimeExceeded => SocketError::HostUnreachable,
            IcmpError::NetworkUnreachable => SocketError::NetworkUnreachable,
            IcmpError::Prohibited => SocketError::Prohibited,
            IcmpError::ParameterProblem => SocketError::ProtocolError,
        }
    }
}

impl IcmpError {
    /// An ICMPv4 Destination Unreachable (RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1); `None` for
    /// a code that is not known, and for the one that is about the path's MTU.
    fn unreachable_v4(code: u8) -> Option<IcmpError> {
        Some(match code {
            icmpv4::NET_UNREACHABLE | icmpv4::NET_UNKNOWN | icmpv4::NET_UNREACHABLE_FOR_TOS => {
                IcmpError::NetworkUnreachable
            }
            icmpv4::HOST_UNREACHABLE
            | icmpv4::SOURCE_ROUTE_FAILED
            | icmpv4::HOST_UNKNOWN
            | icmpv4::SOURCE_HOST_ISOLATED
            | icmpv4::HOST_UNREACHABLE_FOR_TOS => IcmpError::HostUnreachable,
            icmpv4::PROTOCOL_UNREACHABLE => IcmpError::ProtocolUnreachable,
            icmpv4::PORT_UNREACHABLE => IcmpError::PortUnreachable,
            icmpv4::NET_PROHIBITED
            | icmpv4::HOST_PROHIBITED
            | icmpv4::ADMINISTRATIVELY_PROHIBITED
            | icmpv4::PRECEDENCE_VIOLATION
            | icmpv4::PRECEDENCE_CUTOFF => IcmpError::Prohibited,
            _ => return None,
        })
    }

    /// An ICMPv6 Destination Unreachable (RFC 4443 section 3.1). A code that is not known is about the address.
    const fn unreachable_v6(code: u8) -> IcmpError {
        match code {
            icmpv6::NO_ROUTE => IcmpError::NetworkUnreachable,
            icmpv6::ADMINISTRATIVELY_PROHIBITED | icmpv6::POLICY_FAILED | icmpv6::ROUTE_REJECTED => {
                IcmpError::Prohibited
            }
            icmpv6::PORT_UNREACHABLE => IcmpError::PortUnreachable,
            _ => IcmpError::HostUnreachable,
        }
    }
}

/// The packet that an error quotes, as far as a socket is found by it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QuotedFlow {
    pub(crate) protocol: IpProtocol,
    pub(crate) src: IpAddr,
    pub(crate) src_port: u16,
    pub(crate) dst: IpAddr,
    pub(crate) dst_port: u16,
    /// TCP's sequence number, which tells a live segment from an invented one (RFC 5927 section 4.1).
    pub(crate) seq: SeqNumber,
}

impl QuotedFlow {
    /// Our end.
    pub(crate) fn local(&self) -> SocketAddr {
        SocketAddr::new(self.src, self.src_port)
    }

    /// The end that the packet was sent to.
    pub(crate) fn remote(&self) -> SocketAddr {
        SocketAddr::new(self.dst, self.dst_port)
    }
}

pub(crate) fn quoted_v4(packet: &Ipv4Packet<'_>) -> Option<QuotedFlow> {
    if packet.fragment_offset() != 0 {
        return None;
    }
    quoted(packet.protocol(), IpAddr::V4(packet.src()), IpAddr::V4(packet.dst()), packet.payload())
}

pub(crate) fn quoted_v6(packet: &Ipv6Packet<'_>) -> Option<QuotedFlow> {
    let (mut protocol, mut upper) = (packet.next_header(), packet.payload());
    // Our own packets have no extension headers but a fragment's, and only the first fragment tells ports.
    if protocol == IpProtocol::FRAGMENT {
        let (header, rest) = upper.split_first_chunk::<FRAGMENT_HEADER_LEN>()?;
        let offset = u16::from_be_bytes([header[2], header[3]]) & !7;
        (protocol, upper) = (IpProtocol(header[0]), (offset == 0).then_some(rest)?);
    }
    quoted(protocol, IpAddr::V6(packet.src()), IpAddr::V6(packet.dst()), upper)
}

fn quoted(protocol: IpProtocol, src: IpAddr, dst: IpAddr, upper: &[u8]) -> Option<QuotedFlow> {
    // Ports are the first four bytes of both; the next four are TCP's sequence number.
    let &[src_high, src_low, dst_high, dst_low, ref seq @ ..] = upper.first_chunk::<8>()?;
    if protocol != IpProtocol::TCP && protocol != IpProtocol::UDP {
        return None;
    }
    let (src_port, dst_port) = (u16::from_be_bytes([src_high, src_low]), u16::from_be_bytes([dst_high, dst_low]));
    Some(QuotedFlow { protocol, src, src_port, dst, dst_port, seq: SeqNumber(u32::from_be_bytes(*seq)) })
}

/// Whether the packet behind `protocol` is an ICMP error or a redirect, in answer to which no error
/// may be sent (RFC 1122 section 3.2.2, RFC 4443 section 2.4 (e.1, e.2)). Extension headers are
/// passed over without a look at what they say: it may be one of them that is in error.
pub(crate) fn is_error(mut protocol: IpProtocol, mut rest: &[u8]) -> bool {
    loop {
        match protocol {
            IpProtocol::ICMP => return Icmpv4Message::parse(rest).is_ok_and(|message| message.header().is_error()),
            IpProtocol::ICMPV6 => {
                return rest.first().is_some_and(|&kind| kind < icmpv6::FIRST_INFORMATIONAL || kind == ndp::REDIRECT);
            }
            IpProtocol::HOP_BY_HOP | IpProtocol::DESTINATION_OPTIONS | IpProtocol::ROUTING | IpProtocol::FRAGMENT => {
                let &[next, units, offset_high, offset_low, ..] = rest else { return false };
                // A later fragment does not begin with what its fragment header names.
                let is_later = u16::from_be_bytes([offset_high, offset_low]) > 7;
                if protocol == IpProtocol::FRAGMENT && is_later {
                    return false;
                }
                let len =
                    if protocol == IpProtocol::FRAGMENT { FRAGMENT_HEADER_LEN } else { 8 + usize::from(units) * 8 };
                let Some(behind) = rest.get(len..) else { return false };
                (protocol, rest) = (IpProtocol(next), behind);
            }
            _ => return false,
        }
    }
}
