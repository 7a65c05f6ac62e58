//! A packet that no connection stands behind, as a description: an answer or a datagram on its way
//! through a queue. It is encoded only when it leaves.

use bytes::Bytes;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::forward::Transit;
use crate::digest::Digest;
use crate::tcp::seq::SeqNumber;
use crate::time::Instant;
use crate::wire::ethernet::EthernetAddress;
use crate::wire::ipv4::IpProtocol;
use crate::wire::ipv4_options::IpOptions;
use crate::wire::ndp_router::Redirect;
use crate::wire::{icmpv4, ipv4, ipv6, tcp, udp};

/// A packet to be built.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub(crate) src: IpAddr,
    pub(crate) dst: IpAddr,
    /// The neighbor that takes it: the destination or a gateway.
    pub(crate) next_hop: IpAddr,
    pub(crate) hop_limit: u8,
    pub(crate) traffic_class: u8,
    pub(crate) flow_label: u32,
    /// Rather not at all than in fragments.
    pub(crate) dont_fragment: bool,
    /// Of an IPv4 packet.
    pub(crate) options: IpOptions,
    pub(crate) body: Body,
}

impl Packet {
    /// A packet of the default class, which may leave in fragments.
    pub(crate) const fn to(src: IpAddr, dst: IpAddr, next_hop: IpAddr, body: Body) -> Packet {
        Packet {
            src,
            dst,
            next_hop,
            hop_limit: 64,
            traffic_class: 0,
            flow_label: 0,
            dont_fragment: false,
            options: IpOptions::NONE,
            body,
        }
    }

    /// The upper layer's protocol.
    pub(crate) fn protocol(&self) -> IpProtocol {
        match &self.body {
            Body::EchoReply { .. } | Body::IcmpError { .. } if self.src.is_ipv4() => IpProtocol::ICMP,
            Body::EchoReply { .. } | Body::IcmpError { .. } | Body::NdRedirect { .. } => IpProtocol::ICMPV6,
            Body::TcpReset { .. } => IpProtocol::TCP,
            Body::Datagram { .. } => IpProtocol::UDP,
            Body::Transit(transit) => transit.protocol(),
        }
    }

    /// The packet's length on the wire, in bytes.
    pub(crate) fn len(&self) -> usize {
        let header = if self.src.is_ipv4() { ipv4::HEADER_LEN + self.options.len() } else { ipv6::HEADER_LEN };
        let body = match &self.body {
            Body::EchoReply { data, .. } => icmpv4::HEADER_LEN + data.len(),
            Body::IcmpError { quote, .. } => icmpv4::HEADER_LEN + quote.len(),
            Body::TcpReset { .. } => tcp::HEADER_LEN,
            Body::Datagram { data, .. } => udp::HEADER_LEN + data.len(),
            Body::NdRedirect { .. } => self.body.redirect().map_or(0, |redirect| redirect.message_len()),
            Body::Transit(transit) => return transit.bytes.len(),
        };
        header + body
    }
}

impl Packet {
    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.address(self.src);
        digest.address(self.dst);
        digest.address(self.next_hop);
        digest.u8(self.hop_limit);
        digest.u8(self.traffic_class);
        digest.u32(self.flow_label);
        digest.bool(self.dont_fragment);
        digest.counted(self.options.as_bytes());
        match &self.body {
            Body::EchoReply { ident, seq, data } => {
                digest.u8(0);
                digest.u16(*ident);
                digest.u16(*seq);
                digest.counted(data);
            }
            Body::IcmpError { kind, quote } => {
                let (kind, code, pointer) = match *kind {
                    ErrorKind::PortUnreachable => (1, 0, 0),
                    ErrorKind::ProtocolUnreachable => (2, 0, 0),
                    ErrorKind::ParameterProblem { code, pointer } => (3, code, pointer),
                    ErrorKind::NetworkUnreachable => (4, 0, 0),
                    ErrorKind::HostUnreachable => (5, 0, 0),
                    ErrorKind::Prohibited => (6, 0, 0),
                    ErrorKind::BeyondScope => (7, 0, 0),
                    ErrorKind::HopLimitExceeded => (8, 0, 0),
                    ErrorKind::PacketTooBig { mtu } => (9, 0, mtu.into()),
                    ErrorKind::Redirect { gateway } => (10, 0, gateway.to_bits()),
                    ErrorKind::ReassemblyTimeExceeded => (11, 0, 0),
                    ErrorKind::SourceRouteFailed => (12, 0, 0),
                };
                digest.u8(kind);
                digest.u8(code);
                digest.u32(pointer);
                digest.counted(quote);
            }
            Body::TcpReset { src_port, dst_port, seq, ack } => {
                digest.u8(4);
                digest.u16(*src_port);
                digest.u16(*dst_port);
                digest.u32(seq.0);
                digest.option(*ack, |digest, ack| digest.u32(ack.0));
            }
            Body::NdRedirect { target, destination, hardware, quote } => {
                digest.u8(6);
                digest.address((*target).into());
                digest.address((*destination).into());
                digest.option(*hardware, |digest, hardware| digest.bytes(&hardware.0));
                digest.counted(quote);
            }
            Body::Transit(transit) => {
                digest.u8(7);
                transit.digest(digest);
            }
            Body::Datagram { src_port, dst_port, data } => {
                digest.u8(5);
                digest.u16(*src_port);
                digest.u16(*dst_port);
                digest.counted(data);
            }
        }
    }
}

/// What the packet carries.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// An answer to an echo request, with the request's data (RFC 792, RFC 4443 section 4.2).
    EchoReply { ident: u16, seq: u16, data: Bytes },
    /// An ICMP error that quotes the packet it is about.
    IcmpError { kind: ErrorKind, quote: Bytes },
    /// A reset (RFC 9293 section 3.10.7.1).
    TcpReset { src_port: u16, dst_port: u16, seq: SeqNumber, ack: Option<SeqNumber> },
    /// A datagram of a socket.
    Datagram { src_port: u16, dst_port: u16, data: Bytes },
    /// A router's word that a destination is better reached otherwise (RFC 4861 section 4.5).
    NdRedirect { target: Ipv6Addr, destination: Ipv6Addr, hardware: Option<EthernetAddress>, quote: Bytes },
    /// A packet of another host's, on its way to a third.
    Transit(Transit),
}

impl Body {
    /// The message of a redirect.
    pub(crate) fn redirect(&self) -> Option<Redirect<'_>> {
        let Body::NdRedirect { target, destination, hardware, quote } = self else { return None };
        Some(Redirect { target: *target, destination: *destination, target_link_layer: *hardware, redirected: quote })
    }
}

/// The ICMP errors that this stack sends. The family is the packet's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    PortUnreachable,
    ProtocolUnreachable,
    SourceRouteFailed,
    /// Not all fragments came in time (RFC 792, RFC 4443 section 3.3).
    ReassemblyTimeExceeded,
    /// Parameter Problem with its code and pointer (RFC 792, RFC 4443 section 3.4).
    ParameterProblem {
        code: u8,
        pointer: u32,
    },
    /// A router's: it has no route.
    NetworkUnreachable,
    /// A router's: the next hop does not answer, or a route says so.
    HostUnreachable,
    /// A router's: a route forbids it.
    Prohibited,
    /// A router's: the source address means nothing beyond its link (RFC 4443 section 3.1, code 2).
    BeyondScope,
    /// A router's: the packet has made its last hop.
    HopLimitExceeded,
    /// A router's: the next link takes no more than `mtu` bytes in one piece.
    PacketTooBig {
        mtu: u16,
    },
    /// A router's: the sender reaches the destination through a neighbor of its own (IPv4).
    Redirect {
        gateway: Ipv4Addr,
    },
}

/// A datagram that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Datagram {
    pub(crate) from: SocketAddr,
    /// The address it was sent to: ours, a group or a broadcast address.
    pub(crate) to: IpAddr,
    pub(crate) at: Instant,
    pub(crate) hop_limit: u8,
    pub(crate) traffic_class: u8,
    /// As they stood in the header, padding included.
    pub(crate) options: Bytes,
    pub(crate) data: Bytes,
}
