//! ICMP for both families, and Neighbor Discovery.

use core::fmt;
use core::net::IpAddr;

use super::membership;
use super::print::{self, Notation};
use super::{router, tcp};
use crate::tcp::seq::SeqNumber;
use crate::wire::cursor::Fields;
use crate::wire::icmp_ext::IcmpExtensions;
use crate::wire::icmpv4::{self, Icmpv4Header, Icmpv4Message};
use crate::wire::icmpv6::{self, Icmpv6Header, Icmpv6Message};
use crate::wire::ipv4::IpProtocol;
use crate::wire::ipv6::Ipv6Packet;
use crate::wire::ipv6_ext::{self, ExtensionLimits};
use crate::wire::mld;
use crate::wire::ndp::{self, NeighborAdvertisement, NeighborSolicitation};
use crate::wire::ndp_router::Redirect;

pub(super) fn v4(f: &mut fmt::Formatter<'_>, notation: &Notation, message: &Icmpv4Message<'_>) -> fmt::Result {
    let len = message.payload().len();
    f.write_str("icmp ")?;
    match message.header() {
        Icmpv4Header::EchoRequest { id, seq } => {
            write!(f, "echo request id {id} seq {seq} ({len})")
        }
        Icmpv4Header::EchoReply { id, seq } => write!(f, "echo reply id {id} seq {seq} ({len})"),
        Icmpv4Header::DestinationUnreachable { code, next_hop_mtu } => match code {
            icmpv4::NET_UNREACHABLE => f.write_str("net unreachable"),
            icmpv4::HOST_UNREACHABLE => f.write_str("host unreachable"),
            icmpv4::PROTOCOL_UNREACHABLE => f.write_str("protocol unreachable"),
            icmpv4::PORT_UNREACHABLE => f.write_str("port unreachable"),
            icmpv4::FRAGMENTATION_NEEDED => write!(f, "fragmentation needed mtu {next_hop_mtu}"),
            icmpv4::SOURCE_ROUTE_FAILED => f.write_str("source route failed"),
            icmpv4::ADMINISTRATIVELY_PROHIBITED => f.write_str("administratively prohibited"),
            code => write!(f, "destination unreachable code {code}"),
        },
        Icmpv4Header::TimeExceeded { code: icmpv4::TTL_EXCEEDED } => f.write_str("ttl exceeded"),
        Icmpv4Header::TimeExceeded { code: icmpv4::REASSEMBLY_TIME_EXCEEDED } => {
            f.write_str("reassembly time exceeded")
        }
        Icmpv4Header::TimeExceeded { code } => write!(f, "time exceeded code {code}"),
        Icmpv4Header::ParameterProblem { code: 0, pointer } => {
            write!(f, "parameter problem pointer {pointer}")
        }
        Icmpv4Header::ParameterProblem { code, .. } => write!(f, "parameter problem code {code}"),
        Icmpv4Header::Redirect { code, gateway } => write!(f, "redirect code {code} to {gateway}"),
        Icmpv4Header::Other { kind, code, .. } => write!(f, "type {kind} code {code} ({len})"),
    }?;
    let Some(packet) = message.quoted() else {
        return Ok(());
    };
    let upper_len = packet.total_len().saturating_sub(packet.header_len());
    quote(
        f,
        notation,
        &Quoted {
            src: IpAddr::V4(packet.src()),
            dst: IpAddr::V4(packet.dst()),
            protocol: packet.protocol(),
            upper_layer: if packet.fragment_offset() == 0 { packet.payload() } else { &[] },
            upper_len,
        },
    )?;
    extensions(f, message.extensions())
}

/// What a router has added behind the quote (RFC 4884): each object's class, C-Type and length.
fn extensions(f: &mut fmt::Formatter<'_>, extensions: Option<IcmpExtensions<'_>>) -> fmt::Result {
    for object in extensions.unwrap_or_default() {
        write!(f, " <object {}/{} ({})>", object.class, object.kind, object.payload.len())?;
    }
    Ok(())
}

pub(super) fn v6(f: &mut fmt::Formatter<'_>, notation: &Notation, message: &Icmpv6Message<'_>) -> fmt::Result {
    let len = message.payload().len();
    f.write_str("icmp6 ")?;
    match message.header() {
        Icmpv6Header::EchoRequest { id, seq } => {
            write!(f, "echo request id {id} seq {seq} ({len})")
        }
        Icmpv6Header::EchoReply { id, seq } => write!(f, "echo reply id {id} seq {seq} ({len})"),
        Icmpv6Header::DestinationUnreachable { code } => match code {
            icmpv6::NO_ROUTE => f.write_str("no route"),
            icmpv6::ADMINISTRATIVELY_PROHIBITED => f.write_str("administratively prohibited"),
            icmpv6::ADDRESS_UNREACHABLE => f.write_str("address unreachable"),
            icmpv6::PORT_UNREACHABLE => f.write_str("port unreachable"),
            code => write!(f, "destination unreachable code {code}"),
        },
        Icmpv6Header::PacketTooBig { mtu } => write!(f, "packet too big mtu {mtu}"),
        Icmpv6Header::TimeExceeded { code: icmpv6::HOP_LIMIT_EXCEEDED } => f.write_str("hop limit exceeded"),
        Icmpv6Header::TimeExceeded { code: icmpv6::REASSEMBLY_TIME_EXCEEDED } => {
            f.write_str("reassembly time exceeded")
        }
        Icmpv6Header::TimeExceeded { code } => write!(f, "time exceeded code {code}"),
        Icmpv6Header::ParameterProblem { code, pointer } => match code {
            icmpv6::ERRONEOUS_HEADER_FIELD => write!(f, "erroneous header field at {pointer}"),
            icmpv6::UNRECOGNIZED_NEXT_HEADER => {
                write!(f, "unrecognized next header at {pointer}")
            }
            icmpv6::UNRECOGNIZED_OPTION => write!(f, "unrecognized option at {pointer}"),
            icmpv6::INCOMPLETE_HEADER_CHAIN => f.write_str("incomplete header chain"),
            code => write!(f, "parameter problem code {code} at {pointer}"),
        },
        Icmpv6Header::Other { kind: ndp::NEIGHBOR_SOLICITATION, .. } => solicitation(f, message.bytes()),
        Icmpv6Header::Other { kind: ndp::NEIGHBOR_ADVERTISEMENT, .. } => advertisement(f, message.bytes()),
        Icmpv6Header::Other { kind, .. } if mld::is_mld(kind) => match mld::parse(message.bytes()) {
            Ok(message) => membership::message(f, "mld", 2, &message),
            Err(reason) => print::malformed(f, reason),
        },
        Icmpv6Header::Other { kind: ndp::ROUTER_SOLICITATION, .. } => router::solicitation(f, message.bytes()),
        Icmpv6Header::Other { kind: ndp::ROUTER_ADVERTISEMENT, .. } => router::advertisement(f, message.bytes()),
        Icmpv6Header::Other { kind: ndp::REDIRECT, .. } => redirect(f, notation, message.bytes()),
        Icmpv6Header::Other { kind, code, .. } => write!(f, "type {kind} code {code} ({len})"),
    }?;
    match message.quoted() {
        Some(packet) => {
            quote_v6(f, notation, &packet)?;
            extensions(f, message.extensions())
        }
        None => Ok(()),
    }
}

fn quote_v6(f: &mut fmt::Formatter<'_>, notation: &Notation, packet: &Ipv6Packet<'_>) -> fmt::Result {
    let limits = ExtensionLimits::default();
    let upper = ipv6_ext::walk(packet.dst(), packet.next_header(), packet.payload(), &limits).ok();
    let offset = upper.map_or(0, |upper| upper.offset);
    let readable = upper.is_some_and(|upper| upper.fragment.is_none_or(|part| part.offset == 0));
    let upper_layer = if readable { packet.payload().get(offset..) } else { None };
    quote(
        f,
        notation,
        &Quoted {
            src: IpAddr::V6(packet.src()),
            dst: IpAddr::V6(packet.dst()),
            protocol: upper.map_or(packet.next_header(), |upper| upper.protocol),
            upper_layer: upper_layer.unwrap_or_default(),
            upper_len: packet.payload_len().saturating_sub(offset),
        },
    )
}

fn solicitation(f: &mut fmt::Formatter<'_>, message: &[u8]) -> fmt::Result {
    let solicitation = match NeighborSolicitation::parse(message) {
        Ok(solicitation) => solicitation,
        Err(reason) => return print::malformed(f, reason),
    };
    write!(f, "neighbor solicitation target {}", solicitation.target)?;
    if let Some(address) = solicitation.source_link_layer {
        write!(f, " source {address}")?;
    }
    if solicitation.nonce.is_some() { f.write_str(" nonce") } else { Ok(()) }
}

fn redirect(f: &mut fmt::Formatter<'_>, notation: &Notation, message: &[u8]) -> fmt::Result {
    let redirect = match Redirect::parse(message) {
        Ok(redirect) => redirect,
        Err(reason) => return print::malformed(f, reason),
    };
    write!(f, "redirect {} to {}", redirect.destination, redirect.target)?;
    if let Some(address) = redirect.target_link_layer {
        write!(f, " at {address}")?;
    }
    match Ipv6Packet::parse_quoted(redirect.redirected) {
        Ok(packet) => quote_v6(f, notation, &packet),
        Err(_) => Ok(()),
    }
}

fn advertisement(f: &mut fmt::Formatter<'_>, message: &[u8]) -> fmt::Result {
    let advertisement = match NeighborAdvertisement::parse(message) {
        Ok(advertisement) => advertisement,
        Err(reason) => return print::malformed(f, reason),
    };
    write!(f, "neighbor advertisement target {}", advertisement.target)?;
    if let Some(address) = advertisement.target_link_layer {
        write!(f, " is-at {address}")?;
    }
    for (set, name) in [
        (advertisement.router, " router"),
        (advertisement.solicited, " solicited"),
        (advertisement.overrides, " override"),
    ] {
        if set {
            f.write_str(name)?;
        }
    }
    Ok(())
}

/// The start of a packet that an error came back for.
struct Quoted<'a> {
    src: IpAddr,
    dst: IpAddr,
    protocol: IpProtocol,
    /// What is there of the upper layer: 8 bytes are all that RFC 792 promises.
    upper_layer: &'a [u8],
    /// How long it was, in bytes.
    upper_len: usize,
}

fn quote(f: &mut fmt::Formatter<'_>, notation: &Notation, quoted: &Quoted<'_>) -> fmt::Result {
    f.write_str(" [")?;
    if notation.full {
        write!(f, "{} > {} ", quoted.src, quoted.dst)?;
    }
    let Quoted { protocol, upper_len, .. } = *quoted;
    match (protocol, quoted.upper_layer.first_chunk::<8>()) {
        (IpProtocol::TCP, Some(start)) => {
            let (src_port, dst_port) = (start.u16_at::<0>(), start.u16_at::<2>());
            // The quoted segment went the other way than the error.
            let initial = notation.relative.reversed().seq;
            let seq = tcp::from(initial, SeqNumber(start.u32_at::<4>()));
            write!(f, "tcp {src_port} > {dst_port} seq {seq}")
        }
        (IpProtocol::UDP, Some(start)) => {
            let (src_port, dst_port) = (start.u16_at::<0>(), start.u16_at::<2>());
            write!(f, "udp {src_port} > {dst_port} ({})", start.u16_at::<4>().saturating_sub(8))
        }
        _ => write!(f, "{protocol} ({upper_len})"),
    }?;
    f.write_str("]")
}
