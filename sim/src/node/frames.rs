//! Frames from their parts: what an [`Injector`](super::Injector) sends, and nodes that have no stack. Every
//! checksum is right.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use bytes::Bytes;
use tickwire_core::wire::arp::{self, ArpHeader};
use tickwire_core::wire::checksum::Sum;
use tickwire_core::wire::ethernet::{self, EtherType, EthernetAddress, EthernetHeader};
use tickwire_core::wire::icmpv6;
use tickwire_core::wire::ipv4::{IpProtocol, Ipv4Header};
use tickwire_core::wire::ipv6::{self, Ipv6Header};
use tickwire_core::wire::tcp::{self, TcpHeader};
use tickwire_core::wire::tcp_options::TcpOptions;
use tickwire_core::wire::udp::{self, UdpHeader};

/// The hop limit of what goes any number of hops.
pub const HOPS: u8 = 64;

/// The two ends of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stations {
    /// Who sends it, as it says.
    pub src: EthernetAddress,
    /// Whom it is for.
    pub dst: EthernetAddress,
}

/// The two ends of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hosts {
    /// Who sends it, as it says.
    pub src: IpAddr,
    /// Whom it is for, of the same family.
    pub dst: IpAddr,
}

/// A frame around a payload.
pub fn ethernet(stations: Stations, ethertype: EtherType, payload: &[u8]) -> Bytes {
    let mut frame = Vec::with_capacity(ethernet::HEADER_LEN + payload.len());
    EthernetHeader { dst: stations.dst, src: stations.src, ethertype }.emit(&mut frame);
    frame.extend_from_slice(payload);
    frame.into()
}

/// An ARP packet, sent by whom it names as its sender.
pub fn arp(dst: EthernetAddress, header: &ArpHeader) -> Bytes {
    let mut packet = Vec::with_capacity(arp::PACKET_LEN);
    header.emit(&mut packet);
    ethernet(Stations { src: header.sender_hardware, dst }, EtherType::Arp, &packet)
}

/// A whole IP packet: IPv4 if both ends are, else IPv6.
pub fn packet(hosts: Hosts, protocol: IpProtocol, hops: u8, upper: &[u8]) -> Bytes {
    let mut packet = Vec::with_capacity(ipv6::HEADER_LEN + upper.len());
    let payload_len = upper.len() as u16;
    match (hosts.src, hosts.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => Ipv4Header {
            tos: 0,
            payload_len,
            id: 0,
            dont_fragment: true,
            more_fragments: false,
            fragment_offset: 0,
            ttl: hops,
            protocol,
            src,
            dst,
        }
        .emit(&mut packet),
        (src, dst) => Ipv6Header {
            traffic_class: 0,
            flow_label: 0,
            payload_len,
            next_header: protocol,
            hop_limit: hops,
            src: v6(src),
            dst: v6(dst),
        }
        .emit(&mut packet),
    }
    packet.extend_from_slice(upper);
    packet.into()
}

/// A frame around an IP packet.
pub fn around(stations: Stations, packet: &[u8]) -> Bytes {
    let is_v4 = packet.first().is_some_and(|first| first >> 4 == 4);
    ethernet(stations, if is_v4 { EtherType::Ipv4 } else { EtherType::Ipv6 }, packet)
}

pub(crate) fn v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

/// The pseudo-header of an upper layer of `len` bytes.
pub fn pseudo_header(hosts: Hosts, protocol: IpProtocol, len: usize) -> Sum {
    match (hosts.src, hosts.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => Sum::pseudo_header_v4(src, dst, protocol, len),
        (src, dst) => Sum::pseudo_header_v6(v6(src), v6(dst), protocol, len),
    }
}

/// A TCP segment in a packet of its own. The header's ports are those of the two ends.
pub fn segment(
    stations: Stations,
    (from, to): (SocketAddr, SocketAddr),
    header: &TcpHeader,
    options: &TcpOptions,
    text: &[u8],
) -> Bytes {
    let hosts = Hosts { src: from.ip(), dst: to.ip() };
    let mut segment = Vec::with_capacity(tcp::MAX_HEADER_LEN + text.len());
    TcpHeader { src_port: from.port(), dst_port: to.port(), ..*header }.emit(options, &mut segment);
    segment.extend_from_slice(text);
    let sum = pseudo_header(hosts, IpProtocol::TCP, segment.len());
    tcp::fill_checksum(sum, &mut segment);
    around(stations, &packet(hosts, IpProtocol::TCP, HOPS, &segment))
}

/// A UDP datagram without the packet around it.
pub fn datagram((from, to): (SocketAddr, SocketAddr), payload: &[u8]) -> Vec<u8> {
    let hosts = Hosts { src: from.ip(), dst: to.ip() };
    let mut datagram = Vec::with_capacity(udp::HEADER_LEN + payload.len());
    UdpHeader { src_port: from.port(), dst_port: to.port(), payload_len: payload.len() as u16 }.emit(&mut datagram);
    datagram.extend_from_slice(payload);
    let sum = pseudo_header(hosts, IpProtocol::UDP, datagram.len());
    udp::fill_checksum(sum, &mut datagram);
    datagram
}

/// An ICMPv6 message, whose checksum is filled in, in a packet of its own.
pub fn icmpv6_message(stations: Stations, hosts: Hosts, hops: u8, mut message: Vec<u8>) -> Bytes {
    let sum = pseudo_header(hosts, IpProtocol::ICMPV6, message.len());
    icmpv6::fill_checksum(sum, &mut message);
    around(stations, &packet(hosts, IpProtocol::ICMPV6, hops, &message))
}
