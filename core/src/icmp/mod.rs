//! ICMP (RFC 792, RFC 4443): what an error that arrives means to a socket, and which messages are errors.

use core::net::{IpAddr, SocketAddr};

use crate::error::SocketError;
use crate::tcp::seq::SeqNumber;
use crate::wire::icmpv4::{self, Icmpv4Header, Icmpv4Message};
use crate::wire::icmpv6::{self, Icmpv6Header};
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
}

impl From<IcmpError> for SocketError {
    fn from(error: IcmpError) -> SocketError {
        match error {
            IcmpError::PortUnreachable | IcmpError::ProtocolUnreachable => SocketError::Refused,
            IcmpError::HostUnreachable | IcmpError::Prohibited | IcmpError::TimeExceeded => {
                SocketError::HostUnreachable
            }
            IcmpError::NetworkUnreachable => SocketError::NetworkUnreachable,
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

pub(crate) fn v4_error(header: Icmpv4Header) -> Option<IcmpError> {
    match header {
        Icmpv4Header::DestinationUnreachable { code, .. } => match code {
            icmpv4::PORT_UNREACHABLE => Some(IcmpError::PortUnreachable),
            icmpv4::PROTOCOL_UNREACHABLE => Some(IcmpError::ProtocolUnreachable),
            icmpv4::NET_UNREACHABLE | 6 | 11 => Some(IcmpError::NetworkUnreachable),
            icmpv4::HOST_UNREACHABLE | icmpv4::SOURCE_ROUTE_FAILED | 7 | 8 | 12 => Some(IcmpError::HostUnreachable),
            9 | 10 | icmpv4::ADMINISTRATIVELY_PROHIBITED..=15 => Some(IcmpError::Prohibited),
            _ => None,
        },
        Icmpv4Header::TimeExceeded { .. } => Some(IcmpError::TimeExceeded),
        _ => None,
    }
}

pub(crate) fn v6_error(header: Icmpv6Header) -> Option<IcmpError> {
    match header {
        Icmpv6Header::DestinationUnreachable { code } => match code {
            icmpv6::PORT_UNREACHABLE => Some(IcmpError::PortUnreachable),
            icmpv6::NO_ROUTE => Some(IcmpError::NetworkUnreachable),
            icmpv6::ADMINISTRATIVELY_PROHIBITED | 5 | 6 => Some(IcmpError::Prohibited),
            _ => Some(IcmpError::HostUnreachable),
        },
        Icmpv6Header::ParameterProblem { code: icmpv6::UNRECOGNIZED_NEXT_HEADER, .. } => {
            Some(IcmpError::ProtocolUnreachable)
        }
        Icmpv6Header::TimeExceeded { .. } => Some(IcmpError::TimeExceeded),
        _ => None,
    }
}

pub(crate) fn quoted_v4(packet: &Ipv4Packet<'_>) -> Option<QuotedFlow> {
    if packet.fragment_offset() != 0 {
        return None;
    }
    quoted(packet.protocol(), IpAddr::V4(packet.src()), IpAddr::V4(packet.dst()), packet.payload())
}

pub(crate) fn quoted_v6(packet: &Ipv6Packet<'_>) -> Option<QuotedFlow> {
    // Our own packets have no extension headers.
    quoted(packet.next_header(), IpAddr::V6(packet.src()), IpAddr::V6(packet.dst()), packet.payload())
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
