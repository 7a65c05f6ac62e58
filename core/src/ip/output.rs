//! Headers of layers 2 and 3 in front of a payload.
//!
//! ```text
//!   heads:  | Ethernet 14, or none | IPv4 20 or IPv6 40 | upper header | payload that was copied |
//!   slices:                                                                                      | payload that was not |
//! ```

use bytes::BufMut;
use core::net::IpAddr;

use super::options::LeavingOptions;
use crate::digest::Digest;
use crate::frame::{FrameStart, TxBatch, TxChecksum};
use crate::wire::checksum::{self, Sum};
use crate::wire::ethernet::{self, EtherType, EthernetAddress, EthernetHeader};
use crate::wire::ipv4::{self, IpProtocol, Ipv4Header};
use crate::wire::ipv6::{self, Ipv6Header};
use crate::wire::ipv6_ext::{FRAGMENT_HEADER_LEN, Fragment};

/// What stands before the packet: by the interface's medium.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LinkHeader {
    /// Nothing: a medium of bare packets.
    None,
    Ethernet {
        src: EthernetAddress,
        dst: EthernetAddress,
    },
}

impl LinkHeader {
    pub(crate) const fn len(self) -> usize {
        match self {
            LinkHeader::None => 0,
            LinkHeader::Ethernet { .. } => ethernet::HEADER_LEN,
        }
    }

    /// Appends it.
    #[inline]
    pub(crate) fn emit(self, is_v4: bool, out: &mut impl BufMut) {
        if let LinkHeader::Ethernet { src, dst } = self {
            let ethertype = if is_v4 { EtherType::Ipv4 } else { EtherType::Ipv6 };
            EthernetHeader { dst, src, ethertype }.emit(out);
        }
    }

    pub(crate) fn digest(self, digest: &mut Digest) {
        if let LinkHeader::Ethernet { src, dst } = self {
            digest.bytes(&src.0);
            digest.bytes(&dst.0);
        }
    }
}

/// What the packet's header says. Source and destination are of one family.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PacketHeader<'a> {
    pub(crate) src: IpAddr,
    pub(crate) dst: IpAddr,
    pub(crate) protocol: IpProtocol,
    pub(crate) hop_limit: u8,
    /// DSCP in the upper six bits, ECN in the lower two.
    pub(crate) traffic_class: u8,
    /// IPv6 only (RFC 6437); 0 for a packet that is not labeled.
    pub(crate) flow_label: u32,
    /// IPv4 only: that of a packet which routers may fragment. Without one DF is set.
    pub(crate) identification: Option<u16>,
    /// IPv4 only.
    pub(crate) options: Option<&'a LeavingOptions>,
}

impl<'a> PacketHeader<'a> {
    /// A header for a packet of the default class, without a label; its hop limit is 64.
    pub(crate) const fn new(src: IpAddr, dst: IpAddr, protocol: IpProtocol) -> PacketHeader<'a> {
        PacketHeader {
            src,
            dst,
            protocol,
            hop_limit: 64,
            traffic_class: 0,
            flow_label: 0,
            identification: None,
            options: None,
        }
    }

    /// The length of this header.
    pub(crate) const fn len(&self) -> usize {
        let options = match self.options {
            Some(options) => options.len(),
            None => 0,
        };
        options + if self.src.is_ipv4() { ipv4::HEADER_LEN } else { ipv6::HEADER_LEN }
    }

    /// Where the upper layer begins in a frame that carries this packet.
    pub(crate) const fn upper_offset(&self, link: LinkHeader) -> usize {
        link.len() + self.len()
    }

    /// The pseudo-header's sum for an upper-layer packet of `len` bytes.
    pub(crate) fn pseudo_header(&self, len: usize) -> Sum {
        match (self.src, self.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => Sum::pseudo_header_v4(src, dst, self.protocol, len),
            (IpAddr::V6(src), IpAddr::V6(dst)) => Sum::pseudo_header_v6(src, dst, self.protocol, len),
            _ => Sum::new(),
        }
    }

    /// Appends this header and the link's for an upper-layer packet of `upper_len` bytes. What leaves
    /// in one piece is atomic (DF set, so that nobody fragments it), so its identification carries
    /// nothing and is 0 (RFC 6864 section 4.1).
    #[inline]
    pub(crate) fn emit(&self, link: LinkHeader, upper_len: usize, out: &mut impl BufMut) {
        link.emit(self.src.is_ipv4(), out);
        match (self.src, self.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                let header = Ipv4Header {
                    tos: self.traffic_class,
                    payload_len: upper_len as u16,
                    id: self.identification.unwrap_or(0),
                    dont_fragment: self.identification.is_none(),
                    more_fragments: false,
                    fragment_offset: 0,
                    ttl: self.hop_limit,
                    protocol: self.protocol,
                    src,
                    dst,
                };
                self.emit_v4(header, out);
            }
            (IpAddr::V6(src), IpAddr::V6(dst)) => Ipv6Header {
                traffic_class: self.traffic_class,
                flow_label: self.flow_label,
                payload_len: upper_len as u16,
                next_header: self.protocol,
                hop_limit: self.hop_limit,
                src,
                dst,
            }
            .emit(out),
            _ => debug_assert!(false, "a packet from one family to the other"),
        }
    }

    /// The checksum of what it carries is over the packet's own destination, whatever hop the header names.
    #[inline]
    fn emit_v4(&self, header: Ipv4Header, out: &mut impl BufMut) {
        match self.options {
            None => header.emit(out),
            Some(options) => {
                let dst = options.first_hop.unwrap_or(header.dst);
                Ipv4Header { dst, ..header }.emit_with_options(options.as_bytes(), out);
            }
        }
    }

    /// Appends this header and the link's for a fragment that carries `len` bytes: in IPv4 DF is clear,
    /// so that a narrower link may cut it further; in IPv6 the fragment header follows.
    pub(crate) fn emit_fragment(&self, link: LinkHeader, part: Fragment, len: usize, out: &mut impl BufMut) {
        link.emit(self.src.is_ipv4(), out);
        match (self.src, self.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                let header = Ipv4Header {
                    tos: self.traffic_class,
                    payload_len: len as u16,
                    id: part.id as u16,
                    dont_fragment: false,
                    more_fragments: part.more,
                    fragment_offset: part.offset,
                    ttl: self.hop_limit,
                    protocol: self.protocol,
                    src,
                    dst,
                };
                self.emit_v4(header, out);
            }
            (IpAddr::V6(src), IpAddr::V6(dst)) => {
                Ipv6Header {
                    traffic_class: self.traffic_class,
                    flow_label: self.flow_label,
                    payload_len: (FRAGMENT_HEADER_LEN + len) as u16,
                    next_header: IpProtocol::FRAGMENT,
                    hop_limit: self.hop_limit,
                    src,
                    dst,
                }
                .emit(out);
                part.emit(self.protocol, out);
            }
            _ => debug_assert!(false, "a packet from one family to the other"),
        }
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.address(self.src);
        digest.address(self.dst);
        digest.u8(self.protocol.0);
        digest.u8(self.hop_limit);
        digest.u8(self.traffic_class);
        digest.u32(self.flow_label);
        digest.option(self.identification, Digest::u16);
    }

    /// Starts a frame with this header.
    pub(crate) fn begin(&self, batch: &mut TxBatch, link: LinkHeader, upper_len: usize) -> FrameStart {
        let start = batch.begin();
        self.emit(link, upper_len, batch.out());
        start
    }
}

/// Fills the transport checksum of the frame under construction, whose field stands `field` bytes
/// into the upper layer: completely, or as far as the pseudo-header where the device does the rest.
pub(crate) fn transport_checksum(
    batch: &mut TxBatch,
    start: FrameStart,
    link: LinkHeader,
    header: &PacketHeader<'_>,
    upper_len: usize,
    field: usize,
    by_device: bool,
) -> TxChecksum {
    let upper = header.upper_offset(link);
    let pseudo_header = header.pseudo_header(upper_len);
    if by_device {
        checksum::store(batch.head_mut(start), upper + field, pseudo_header.fold());
        return TxChecksum::Partial { start: upper as u16, offset: field as u16 };
    }
    let sum = batch.sum_from(start, upper, pseudo_header);
    // RFC 768: a UDP checksum of zero is sent as all ones. For TCP, which never is without one, both
    // forms of zero are equal (RFC 1624 section 3).
    let value = if header.protocol == IpProtocol::UDP { crate::wire::udp::checksum_field(sum) } else { sum.finish() };
    checksum::store(batch.head_mut(start), upper + field, value);
    TxChecksum::Complete
}
