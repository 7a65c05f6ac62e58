//! An ICMP error that arrived, read: what it says, and about which packet (RFC 792, RFC 4443).

use super::{IcmpError, QuotedFlow, quoted_v4, quoted_v6};
use crate::error::DropReason;
use crate::ip::pmtu::TooBig;
use crate::wire::icmp_ext::IcmpExtensions;
use crate::wire::icmpv4::{self, Icmpv4Header, Icmpv4Message};
use crate::wire::icmpv6::{self, Icmpv6Header, Icmpv6Message};
use crate::wire::ipv6;

/// What an error means.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Meaning {
    Error(IcmpError),
    TooBig(TooBig),
}

/// An error that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Report<'a> {
    /// The type field.
    pub(crate) kind: u8,
    /// The code field.
    pub(crate) code: u8,
    pub(crate) meaning: Meaning,
    /// The packet that it is about; `None` if no socket can be found by it.
    pub(crate) quoted: Option<QuotedFlow>,
    pub(crate) extensions: Option<IcmpExtensions<'a>>,
}

/// Reads an ICMPv4 error.
///
/// Errors: [`DropReason::Icmpv4Type`] for a message that is none, or whose code is not known (RFC 1122
/// section 3.2.2.1); [`DropReason::Icmpv4Truncated`] if it quotes less than a header.
pub(crate) fn read_v4<'a>(message: &Icmpv4Message<'a>) -> Result<Report<'a>, DropReason> {
    let error = match message.header() {
        Icmpv4Header::DestinationUnreachable { code: icmpv4::FRAGMENTATION_NEEDED, .. } => None,
        Icmpv4Header::DestinationUnreachable { code, .. } => {
            Some(IcmpError::unreachable_v4(code).ok_or(DropReason::Icmpv4Type)?)
        }
        Icmpv4Header::TimeExceeded { .. } => Some(IcmpError::TimeExceeded),
        Icmpv4Header::ParameterProblem { .. } => Some(IcmpError::ParameterProblem),
        _ => return Err(DropReason::Icmpv4Type),
    };
    let quoted = message.quoted().ok_or(DropReason::Icmpv4Truncated)?;
    let meaning = match (error, message.header()) {
        (None, Icmpv4Header::DestinationUnreachable { next_hop_mtu, .. }) => {
            let packet_len = quoted.total_len() as u32;
            Meaning::TooBig(TooBig { next_hop_mtu: next_hop_mtu.into(), packet_len })
        }
        (error, _) => Meaning::Error(error.ok_or(DropReason::Icmpv4Type)?),
    };
    let (kind, code, extensions) = (message.kind(), message.code(), message.extensions());
    Ok(Report { kind, code, meaning, quoted: quoted_v4(&quoted), extensions })
}

/// Reads an ICMPv6 error.
///
/// Errors: [`DropReason::Icmpv6Type`] for a message that is none; [`DropReason::Icmpv6Truncated`] if it
/// quotes less than a header.
pub(crate) fn read_v6<'a>(message: &Icmpv6Message<'a>) -> Result<Report<'a>, DropReason> {
    let header = message.header();
    let error = match header {
        Icmpv6Header::DestinationUnreachable { code } => Some(IcmpError::unreachable_v6(code)),
        Icmpv6Header::PacketTooBig { .. } => None,
        Icmpv6Header::TimeExceeded { .. } => Some(IcmpError::TimeExceeded),
        Icmpv6Header::ParameterProblem { code: icmpv6::UNRECOGNIZED_NEXT_HEADER, .. } => {
            Some(IcmpError::ProtocolUnreachable)
        }
        Icmpv6Header::ParameterProblem { .. } => Some(IcmpError::ParameterProblem),
        _ => return Err(DropReason::Icmpv6Type),
    };
    let quoted = message.quoted().ok_or(DropReason::Icmpv6Truncated)?;
    let meaning = match (error, header) {
        (None, Icmpv6Header::PacketTooBig { mtu }) => {
            let packet_len = (ipv6::HEADER_LEN + quoted.payload_len()) as u32;
            Meaning::TooBig(TooBig { next_hop_mtu: mtu, packet_len })
        }
        (error, _) => Meaning::Error(error.ok_or(DropReason::Icmpv6Type)?),
    };
    let (kind, code, extensions) = (message.kind(), message.code(), message.extensions());
    Ok(Report { kind, code, meaning, quoted: quoted_v6(&quoted), extensions })
}
