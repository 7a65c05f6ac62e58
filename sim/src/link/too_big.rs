//! What a router says of a packet that its next hop does not take: `ICMPv4` Fragmentation Needed (RFC
//! 792, RFC 1191 section 4) and `ICMPv6` Packet Too Big (RFC 4443 section 3.2).

use bytes::Bytes;
use tickwire_core::wire::checksum::Sum;
use tickwire_core::wire::ethernet::{EtherType, EthernetFrame, EthernetHeader};
use tickwire_core::wire::icmpv4::{self, Icmpv4Header, Icmpv4Message};
use tickwire_core::wire::icmpv6::{self, Icmpv6Header, Icmpv6Message};
use tickwire_core::wire::ipv4::{self, IpProtocol, Ipv4Header, Ipv4Packet};
use tickwire_core::wire::ipv6::{self, Ipv6Header, Ipv6Packet};

use super::mtu::Router;
use super::pattern::upper_layer;

/// The longest `ICMPv4` error (RFC 1812 section 4.3.2.3).
const ERROR_V4_MAX: usize = 576;

/// The longest `ICMPv6` error: the least MTU of IPv6 (RFC 4443 section 2.4 c).
const ERROR_V6_MAX: usize = 1280;

/// Of what routers originate.
const HOP_LIMIT: u8 = 64;

/// Precedence 6 (RFC 1812 section 4.3.2.5).
const INTERNETWORK_CONTROL: u8 = 0xc0;

/// The error as a frame to the sender of `frame`, which takes the router for the station it sent to.
/// `None` where no error may be sent: about what is no IP packet, an error, a fragment but the first, a
/// packet to many, or one from nobody in particular (RFC 1122 section 3.2.2, RFC 4443 section 2.4 e).
pub(super) fn error(frame: &[u8], mtu: u16, router: &Router) -> Option<Bytes> {
    let ethernet = EthernetFrame::parse(frame).ok()?;
    let mut out = Vec::new();
    let back = EthernetHeader { dst: ethernet.src(), src: ethernet.dst(), ethertype: ethernet.ethertype() };
    back.emit(&mut out);
    match ethernet.ethertype() {
        EtherType::Ipv4 if ethernet.dst().is_unicast() => error_v4(ethernet.payload(), mtu, router, &mut out)?,
        // Path MTU discovery works for multicast too (RFC 4443 section 2.4 e.3).
        EtherType::Ipv6 => error_v6(frame, ethernet.payload(), mtu, router, &mut out)?,
        _ => return None,
    }
    Some(out.into())
}

fn error_v4(bytes: &[u8], mtu: u16, router: &Router, out: &mut Vec<u8>) -> Option<()> {
    let packet = Ipv4Packet::parse(bytes).ok()?;
    let is_error = packet.protocol() == IpProtocol::ICMP
        && Icmpv4Message::parse(packet.payload()).is_ok_and(|message| message.header().is_error());
    let (src, dst) = (packet.src(), packet.dst());
    let nobody = |address: std::net::Ipv4Addr| {
        address.is_unspecified() || address.is_multicast() || address.is_broadcast() || address.is_loopback()
    };
    if is_error || packet.fragment_offset() != 0 || nobody(src) || dst.is_multicast() || dst.is_broadcast() {
        return None;
    }
    let quoted = &bytes[..packet.total_len().min(ERROR_V4_MAX - ipv4::HEADER_LEN - icmpv4::HEADER_LEN)];
    let header = Ipv4Header {
        tos: INTERNETWORK_CONTROL,
        payload_len: (icmpv4::HEADER_LEN + quoted.len()) as u16,
        id: 0,
        dont_fragment: true,
        more_fragments: false,
        fragment_offset: 0,
        ttl: HOP_LIMIT,
        protocol: IpProtocol::ICMP,
        src: router.ipv4,
        dst: src,
    };
    header.emit(out);
    let message = out.len();
    let code = icmpv4::FRAGMENTATION_NEEDED;
    Icmpv4Header::DestinationUnreachable { code, next_hop_mtu: mtu }.emit(out);
    out.extend_from_slice(quoted);
    icmpv4::fill_checksum(&mut out[message..]);
    Some(())
}

fn error_v6(frame: &[u8], bytes: &[u8], mtu: u16, router: &Router, out: &mut Vec<u8>) -> Option<()> {
    let packet = Ipv6Packet::parse(bytes).ok()?;
    let upper = upper_layer(frame);
    let is_error = upper.is_some_and(|upper| {
        upper.protocol == IpProtocol::ICMPV6
            && frame
                .get(upper.offset..upper.end)
                .and_then(|message| Icmpv6Message::parse(message).ok())
                .is_some_and(|message| message.header().is_error())
    });
    let src = packet.src();
    if is_error || src.is_unspecified() || src.is_multicast() || src.is_loopback() {
        return None;
    }
    let packet_len = ipv6::HEADER_LEN + packet.payload().len();
    let quoted = &bytes[..packet_len.min(ERROR_V6_MAX - ipv6::HEADER_LEN - icmpv6::HEADER_LEN)];
    let message_len = icmpv6::HEADER_LEN + quoted.len();
    let header = Ipv6Header {
        traffic_class: 0,
        flow_label: 0,
        payload_len: message_len as u16,
        next_header: IpProtocol::ICMPV6,
        hop_limit: HOP_LIMIT,
        src: router.ipv6,
        dst: src,
    };
    header.emit(out);
    let message = out.len();
    Icmpv6Header::PacketTooBig { mtu: mtu.into() }.emit(out);
    out.extend_from_slice(quoted);
    let sum = Sum::pseudo_header_v6(router.ipv6, src, IpProtocol::ICMPV6, message_len);
    icmpv6::fill_checksum(sum, &mut out[message..]);
    Some(())
}
