//! DHCP messages in frames (RFC 2131): what a server hears, and what it says.

use std::borrow::Cow;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use tickwire_core::DropReason;
use tickwire_core::wire::dhcpv4::{
    CLIENT_PORT, Dhcpv4Header, Dhcpv4Kind, Dhcpv4Message, Dhcpv4Op, SERVER_PORT, option,
};
use tickwire_core::wire::ethernet::{EtherType, EthernetAddress, EthernetFrame};
use tickwire_core::wire::ipv4::{IpProtocol, Ipv4Packet};
use tickwire_core::wire::udp::UdpDatagram;

use super::frames::{self, HOPS, Hosts, Stations};

/// A message of a client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    /// Whom its packet is for.
    pub(super) dst: Ipv4Addr,
    pub(super) kind: Dhcpv4Kind,
    pub(super) message: Dhcpv4Message<'a>,
}

/// Why a frame is no message of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoQuestion {
    /// It is about something else.
    Other,
    /// It cannot be read, or a checksum is wrong.
    Malformed,
}

impl From<DropReason> for NoQuestion {
    fn from(_: DropReason) -> NoQuestion {
        NoQuestion::Malformed
    }
}

/// Reads the message of a client.
pub(super) fn question<'a>(frame: &EthernetFrame<'a>) -> Result<Question<'a>, NoQuestion> {
    if frame.ethertype() != EtherType::Ipv4 {
        return Err(NoQuestion::Other);
    }
    let packet = Ipv4Packet::parse(frame.payload())?;
    if !packet.verify_checksum() {
        return Err(NoQuestion::Malformed);
    }
    if packet.protocol() != IpProtocol::UDP || packet.is_fragment() {
        return Err(NoQuestion::Other);
    }
    let datagram = UdpDatagram::parse(packet.payload())?;
    if datagram.dst_port() != SERVER_PORT {
        return Err(NoQuestion::Other);
    }
    let hosts = Hosts { src: packet.src().into(), dst: packet.dst().into() };
    let sum = frames::pseudo_header(hosts, IpProtocol::UDP, datagram.total_len());
    if !datagram.has_no_checksum() && !datagram.verify_checksum(sum) {
        return Err(NoQuestion::Malformed);
    }
    let message = Dhcpv4Message::parse(datagram.payload())?;
    let kind = message.kind().ok_or(NoQuestion::Malformed)?;
    let is_client = message.op() == Dhcpv4Op::Request;
    is_client.then_some(Question { dst: packet.dst(), kind, message }).ok_or(NoQuestion::Other)
}

impl Question<'_> {
    /// The address that an option holds.
    pub(super) fn address(&self, code: u8) -> Option<Ipv4Addr> {
        let octets: [u8; 4] = self.message.option(code)?.as_ref().try_into().ok()?;
        Some(octets.into())
    }

    /// Who asks: the client identifier, or without one the hardware address (RFC 2131 section 4.2).
    pub(super) fn client(&self) -> Vec<u8> {
        let identifier = self.message.option(option::CLIENT_ID).filter(|identifier| !identifier.is_empty());
        identifier.map_or_else(|| self.message.header().chaddr.0.to_vec(), Cow::into_owned)
    }
}

/// The message of a server, in a frame. Its kind stands before the other options.
pub(super) fn answer(
    kind: Dhcpv4Kind,
    header: &Dhcpv4Header,
    options: &[(u8, &[u8])],
    (src, server): (EthernetAddress, Ipv4Addr),
    (dst, client): (EthernetAddress, Ipv4Addr),
) -> Bytes {
    let kind = [kind as u8];
    let mut message = Vec::new();
    header.emit([(option::MESSAGE_TYPE, &kind[..])].into_iter().chain(options.iter().copied()), &mut message);
    let ends = (SocketAddr::from((server, SERVER_PORT)), SocketAddr::from((client, CLIENT_PORT)));
    let hosts = Hosts { src: server.into(), dst: client.into() };
    let packet = frames::packet(hosts, IpProtocol::UDP, HOPS, &frames::datagram(ends, &message));
    frames::around(Stations { src, dst }, &packet)
}
