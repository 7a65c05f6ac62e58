//! Packets to be sent through links.

use std::net::{Ipv4Addr, Ipv6Addr};

use tickwire_core::wire::ethernet::{EtherType, EthernetAddress, EthernetHeader};
use tickwire_core::wire::ipv4::{self, IpProtocol, Ipv4Header};
use tickwire_core::wire::ipv6::Ipv6Header;
use tickwire_sim::bytes::Bytes;

/// The sender and the receiver.
pub(crate) const STATIONS: [EthernetAddress; 2] =
    [EthernetAddress([2, 0, 0, 0, 0, 1]), EthernetAddress([2, 0, 0, 0, 0, 2])];
pub(crate) const SRC: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
pub(crate) const DST: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);
pub(crate) const SRC4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub(crate) const DST4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
pub(crate) const IPV4_LEN: usize = 34;
pub(crate) const IPV6_LEN: usize = 54;

/// A packet with an upper layer of `bytes`.
pub(crate) fn packet(v6: bool, protocol: IpProtocol, bytes: &[u8]) -> Bytes {
    let mut out = Vec::new();
    let ethertype = if v6 { EtherType::Ipv6 } else { EtherType::Ipv4 };
    EthernetHeader { dst: STATIONS[1], src: STATIONS[0], ethertype }.emit(&mut out);
    let payload_len = bytes.len() as u16;
    if v6 {
        let header = Ipv6Header {
            traffic_class: 0,
            flow_label: 0,
            payload_len,
            next_header: protocol,
            hop_limit: 64,
            src: SRC,
            dst: DST,
        };
        header.emit(&mut out);
    } else {
        let header = Ipv4Header {
            tos: 0,
            payload_len,
            id: 0,
            dont_fragment: true,
            more_fragments: false,
            fragment_offset: 0,
            ttl: 64,
            protocol,
            src: SRC4,
            dst: DST4,
        };
        header.emit(&mut out);
    }
    out.extend_from_slice(bytes);
    out.into()
}

/// A datagram to a port, in a frame of `len` bytes.
pub(crate) fn datagram(v6: bool, port: u16, len: usize) -> Bytes {
    let headers = if v6 { IPV6_LEN } else { IPV4_LEN };
    let mut udp = vec![0xc0, 0];
    udp.extend(port.to_be_bytes());
    udp.extend(((len - headers) as u16).to_be_bytes());
    udp.resize(len - headers, 0);
    packet(v6, IpProtocol::UDP, &udp)
}

/// The same, ECN-capable: ECT(0) (RFC 3168 section 5).
pub(crate) fn ect(frame: &Bytes) -> Bytes {
    let mut bytes = frame.to_vec();
    if bytes[14] >> 4 == 4 {
        bytes[15] |= 2;
        ipv4::fill_checksum(&mut bytes[14..]);
    } else {
        bytes[15] |= 2 << 4;
    }
    bytes.into()
}
