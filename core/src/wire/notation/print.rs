//! From a frame or packet to its line.

use core::fmt;
use core::net::{IpAddr, SocketAddr};

use super::{Relative, dhcpv4, dhcpv6, icmp, membership, other, tcp};
use crate::error::DropReason;
use crate::wire::arp::ArpPacket;
use crate::wire::checksum::Sum;
use crate::wire::dhcpv4::Dhcpv4Message;
use crate::wire::dhcpv6::Dhcpv6Message;
use crate::wire::ethernet::{EtherType, EthernetFrame};
use crate::wire::icmpv4::Icmpv4Message;
use crate::wire::icmpv6::Icmpv6Message;
use crate::wire::igmp;
use crate::wire::ipv4::{IpProtocol, Ipv4Packet};
use crate::wire::ipv6::Ipv6Packet;
use crate::wire::ipv6_ext::{self, ExtensionLimits, Fragment};
use crate::wire::tcp::TcpSegment;
use crate::wire::udp::UdpDatagram;

/// How lines are written.
///
/// ```
/// # use tickwire_core::wire::notation::Notation;
/// let runt = [0; 5];
/// assert_eq!(Notation::default().frame(&runt).to_string(), "malformed: ethernet.truncated");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Notation {
    /// What the line starts with: customarily `"> "` for what the stack sends, `"< "` for what it
    /// receives.
    pub prefix: &'static str,
    /// What sequence numbers are told relative to.
    pub relative: Relative,
    /// Full form, with addresses and ports: `192.0.2.1:7 > 192.0.2.2:40000 tcp S 0:0(0) win 65535`.
    pub full: bool,
}

impl Notation {
    /// An Ethernet frame's line.
    pub const fn frame(self, bytes: &[u8]) -> Line<'_> {
        Line { notation: self, layer: Layer::Frame, bytes }
    }

    /// An IPv4 or IPv6 packet's line.
    pub const fn packet(self, bytes: &[u8]) -> Line<'_> {
        Line { notation: self, layer: Layer::Packet, bytes }
    }
}

/// A line to be written with `{}` or `to_string()`. It ends in ` [bad checksum]` if one is wrong; a
/// field left for the device to complete is not.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    notation: Notation,
    layer: Layer,
    bytes: &'a [u8],
}

#[derive(Clone, Copy, Debug)]
enum Layer {
    Frame,
    Packet,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.notation.prefix)?;
        match self.layer {
            Layer::Frame => frame(f, &self.notation, self.bytes),
            Layer::Packet => match self.bytes.first().map(|first| first >> 4) {
                Some(6) => ipv6(f, &self.notation, self.bytes),
                _ => ipv4(f, &self.notation, self.bytes),
            },
        }
    }
}

pub(super) fn malformed(f: &mut fmt::Formatter<'_>, reason: DropReason) -> fmt::Result {
    write!(f, "malformed: {reason}")
}

/// What IPv4 and IPv6 packets have in common.
pub(super) struct Packet<'a> {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    pub(super) protocol: IpProtocol,
    pub(super) payload: &'a [u8],
    /// Set unless the packet is whole.
    pub(super) fragment: Option<Fragment>,
}

impl Packet<'_> {
    fn pseudo_header(&self, len: usize) -> Sum {
        match (self.src, self.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => Sum::pseudo_header_v4(src, dst, self.protocol, len),
            (IpAddr::V6(src), IpAddr::V6(dst)) => Sum::pseudo_header_v6(src, dst, self.protocol, len),
            _ => Sum::new(),
        }
    }

    /// Whether `checksum` is neither right nor the pseudo-header sum that a device completes.
    fn is_bad(&self, verified: bool, checksum: u16, len: usize) -> bool {
        !verified && checksum != self.pseudo_header(len).fold()
    }
}

fn frame(f: &mut fmt::Formatter<'_>, notation: &Notation, bytes: &[u8]) -> fmt::Result {
    let frame = match EthernetFrame::parse(bytes) {
        Ok(frame) => frame,
        Err(reason) => return malformed(f, reason),
    };
    match frame.ethertype() {
        EtherType::Ipv4 => ipv4(f, notation, frame.payload()),
        EtherType::Ipv6 => ipv6(f, notation, frame.payload()),
        EtherType::Arp => match ArpPacket::parse(frame.payload()) {
            Ok(packet) => other::arp(f, &packet),
            Err(reason) => malformed(f, reason),
        },
        EtherType(other) => write!(f, "ethertype 0x{other:04x} ({})", frame.payload().len()),
    }
}

fn ipv4(f: &mut fmt::Formatter<'_>, notation: &Notation, bytes: &[u8]) -> fmt::Result {
    let packet = match Ipv4Packet::parse(bytes) {
        Ok(packet) => packet,
        Err(reason) => return malformed(f, reason),
    };
    let fragment = packet.is_fragment().then(|| Fragment {
        offset: packet.fragment_offset(),
        more: packet.more_fragments(),
        id: u32::from(packet.id()),
    });
    let common = Packet {
        src: IpAddr::V4(packet.src()),
        dst: IpAddr::V4(packet.dst()),
        protocol: packet.protocol(),
        payload: packet.payload(),
        fragment,
    };
    upper_layer(f, notation, &common)?;
    other::ip_options(f, packet.option_bytes())?;
    bad_checksum(f, !packet.verify_checksum())
}

fn ipv6(f: &mut fmt::Formatter<'_>, notation: &Notation, bytes: &[u8]) -> fmt::Result {
    let packet = match Ipv6Packet::parse(bytes) {
        Ok(packet) => packet,
        Err(reason) => return malformed(f, reason),
    };
    let limits = ExtensionLimits::default();
    match ipv6_ext::walk(packet.dst(), packet.next_header(), packet.payload(), &limits) {
        Ok(upper) => {
            let common = Packet {
                src: IpAddr::V6(packet.src()),
                dst: IpAddr::V6(packet.dst()),
                protocol: upper.protocol,
                payload: packet.payload().get(upper.offset..).unwrap_or_default(),
                fragment: upper.fragment.filter(|fragment| !fragment.is_atomic()),
            };
            upper_layer(f, notation, &common)
        }
        Err(error) => malformed(f, error.reason),
    }
}

fn upper_layer(f: &mut fmt::Formatter<'_>, notation: &Notation, packet: &Packet<'_>) -> fmt::Result {
    if let Some(fragment) = packet.fragment {
        addresses(f, notation, packet)?;
        return other::fragment(f, packet, fragment);
    }
    match (packet.protocol, packet.src) {
        (IpProtocol::TCP, _) => tcp_segment(f, notation, packet),
        (IpProtocol::UDP, _) => udp_datagram(f, notation, packet),
        (IpProtocol::ICMP, IpAddr::V4(_)) => {
            addresses(f, notation, packet)?;
            match Icmpv4Message::parse(packet.payload) {
                Ok(message) => {
                    icmp::v4(f, notation, &message)?;
                    bad_checksum(f, !message.verify_checksum())
                }
                Err(reason) => malformed(f, reason),
            }
        }
        (IpProtocol::IGMP, IpAddr::V4(_)) => {
            addresses(f, notation, packet)?;
            match igmp::parse(packet.payload) {
                Ok(message) => {
                    membership::message(f, "igmp", 3, &message)?;
                    bad_checksum(f, !igmp::verify_checksum(packet.payload))
                }
                Err(reason) => malformed(f, reason),
            }
        }
        (IpProtocol::ICMPV6, IpAddr::V6(_)) => {
            addresses(f, notation, packet)?;
            match Icmpv6Message::parse(packet.payload) {
                Ok(message) => {
                    let len = packet.payload.len();
                    icmp::v6(f, notation, &message)?;
                    let verified = message.verify_checksum(packet.pseudo_header(len));
                    bad_checksum(f, packet.is_bad(verified, message.checksum(), len))
                }
                Err(reason) => malformed(f, reason),
            }
        }
        _ => {
            addresses(f, notation, packet)?;
            other::unspoken(f, packet)
        }
    }
}

fn tcp_segment(f: &mut fmt::Formatter<'_>, notation: &Notation, packet: &Packet<'_>) -> fmt::Result {
    let segment = match TcpSegment::parse(packet.payload) {
        Ok(segment) => segment,
        Err(reason) => return malformed(f, reason),
    };
    if notation.full {
        endpoints(f, packet, segment.src_port(), segment.dst_port())?;
        f.write_str(" tcp ")?;
    }
    tcp::segment(f, notation.relative, &segment)?;
    let len = segment.total_len();
    let verified = segment.verify_checksum(packet.pseudo_header(len));
    bad_checksum(f, packet.is_bad(verified, segment.checksum(), len))
}

fn udp_datagram(f: &mut fmt::Formatter<'_>, notation: &Notation, packet: &Packet<'_>) -> fmt::Result {
    let datagram = match UdpDatagram::parse(packet.payload) {
        Ok(datagram) => datagram,
        Err(reason) => return malformed(f, reason),
    };
    let (src_port, dst_port) = (datagram.src_port(), datagram.dst_port());
    if notation.full {
        endpoints(f, packet, src_port, dst_port)?;
        f.write_str(" ")?;
    }
    match (dhcpv4_message(packet, &datagram), dhcpv6_message(packet, &datagram)) {
        (Some(message), _) => dhcpv4::message(f, &message)?,
        (_, Some(message)) => dhcpv6::message(f, &message)?,
        _ if notation.full => write!(f, "udp ({})", datagram.payload().len())?,
        _ => write!(f, "udp {src_port} > {dst_port} ({})", datagram.payload().len())?,
    }
    if datagram.has_no_checksum() {
        return f.write_str(" [no checksum]");
    }
    let len = datagram.total_len();
    let verified = datagram.verify_checksum(packet.pseudo_header(len));
    bad_checksum(f, packet.is_bad(verified, datagram.checksum(), len))
}

/// The DHCPv4 message in a datagram between its ports, if it is one.
fn dhcpv4_message<'a>(packet: &Packet<'_>, datagram: &UdpDatagram<'a>) -> Option<Dhcpv4Message<'a>> {
    use crate::wire::dhcpv4::{CLIENT_PORT, SERVER_PORT};
    let ports = [SERVER_PORT, CLIENT_PORT];
    let is_dhcp = packet.src.is_ipv4() && ports.contains(&datagram.src_port()) && ports.contains(&datagram.dst_port());
    is_dhcp.then(|| Dhcpv4Message::parse(datagram.payload()).ok())?
}

/// The DHCPv6 message in a datagram between its ports, if it is one.
fn dhcpv6_message<'a>(packet: &Packet<'_>, datagram: &UdpDatagram<'a>) -> Option<Dhcpv6Message<'a>> {
    use crate::wire::dhcpv6::{CLIENT_PORT, SERVER_PORT};
    let is_dhcp = packet.src.is_ipv6() && [CLIENT_PORT, SERVER_PORT].contains(&datagram.dst_port());
    is_dhcp.then(|| Dhcpv6Message::parse(datagram.payload()).ok())?
}

fn bad_checksum(f: &mut fmt::Formatter<'_>, bad: bool) -> fmt::Result {
    if bad { f.write_str(" [bad checksum]") } else { Ok(()) }
}

fn addresses(f: &mut fmt::Formatter<'_>, notation: &Notation, packet: &Packet<'_>) -> fmt::Result {
    if notation.full { write!(f, "{} > {} ", packet.src, packet.dst) } else { Ok(()) }
}

fn endpoints(f: &mut fmt::Formatter<'_>, packet: &Packet<'_>, src: u16, dst: u16) -> fmt::Result {
    write!(f, "{} > {}", SocketAddr::new(packet.src, src), SocketAddr::new(packet.dst, dst))
}
