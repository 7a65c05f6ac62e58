//! From a datagram to its socket.

use core::net::{IpAddr, SocketAddr};
use smallvec::smallvec;

use super::Stack;
use super::receive::is_vouched;
use crate::error::{DropReason, SocketError};
use crate::event::Readiness;
use crate::frame::Frame;
use crate::ip::address::Delivery;
use crate::ip::input::Received;
use crate::ip::output::PacketHeader;
use crate::ip::packet::{Datagram, ErrorKind};
use crate::ip::route::{Hop, Query, Refusal};
use crate::link::{InterfaceId, Ready};
use crate::provenance::Queued;
use crate::socket::UdpHandle;
use crate::wire::ethernet::EthernetFrame;
use crate::wire::ipv4::IpProtocol;
use crate::wire::udp::{self, UdpDatagram};

impl Stack {
    #[inline(never)]
    pub(super) fn receive_udp(
        &mut self,
        id: InterfaceId,
        frame: &Frame,
        received: &Received,
    ) -> Result<(), DropReason> {
        let bytes = frame.data.get(received.upper.clone()).ok_or(DropReason::UdpTruncated)?;
        let view = UdpDatagram::parse(bytes)?;
        verify_checksum(frame, received, &view)?;
        if view.dst_port() == 0 {
            return Err(DropReason::UdpPort);
        }
        if received.src.is_unspecified() {
            return Err(DropReason::Ipv6Source);
        }
        if self.is_for_dhcpv4(id, view.dst_port()) {
            let station = EthernetFrame::parse(&frame.data)?.src();
            return self.receive_dhcpv4(id, view.payload(), station);
        }
        if self.hears_dhcpv6(id, view.dst_port()) && received.src.is_ipv6() {
            return self.receive_dhcpv6(id, received, view.payload());
        }
        let from = SocketAddr::new(received.src, view.src_port());
        let port = view.dst_port();
        let start = received.upper.start + udp::HEADER_LEN;
        let text = start..start + view.payload().len();
        let hearers = if received.delivery == Delivery::Unicast {
            let socket = self.datagram_socket(id, received.dst, port, from);
            socket.map(|socket| smallvec![socket]).ok_or(DropReason::UdpNoSocket)
        } else {
            self.hearers(id, received.dst, port, from)
        };
        if hearers == Err(DropReason::UdpNoSocket) {
            self.owe_icmp_error(id, frame, received, ErrorKind::PortUnreachable);
        }
        let hearers = hearers?;
        let data = self.keep(frame, text);
        let (hop_limit, traffic_class) = (received.hop_limit, received.traffic_class);
        let options = self.options_of(frame, received);
        let datagram = Datagram { from, to: received.dst, at: self.now, hop_limit, traffic_class, options, data };
        self.deliver_to(&hearers, datagram)
    }

    fn datagram_socket(&self, id: InterfaceId, to: IpAddr, port: u16, from: SocketAddr) -> Option<UdpHandle> {
        let hears = |handle: &UdpHandle| self.sockets.udp.get(*handle).is_some_and(|slot| slot.state.hears(from));
        self.sockets.demux.datagrams.candidates(to, port, id).find(hears)
    }

    /// Puts a socket on the ready ring of the interface that its next datagram leaves through.
    pub(crate) fn make_udp_ready(&mut self, handle: UdpHandle) {
        while let Some(query) = self.datagram_query(handle) {
            let hop = self.datagram_hop(handle, &query);
            let Some(slot) = self.sockets.udp.get_mut(handle).filter(|slot| !slot.queued) else { return };
            if let Ok(hop) = hop
                && let Some(interface) = self.interfaces.get_mut(hop.interface.index())
            {
                slot.queued = true;
                interface.ready.push_back(Queued { what: Ready::Udp(handle), occasion: self.occasion });
                interface.drop_gone(&self.sockets);
                return;
            }
            // The route or the source address went away after `send_to` had found one.
            let has_room_again = slot.state.next_to_send().is_some_and(|(_, has_room_again)| has_room_again);
            slot.state.on_error(SocketError::NetworkUnreachable);
            let writable = if has_room_again { Readiness::WRITABLE } else { Readiness::empty() };
            self.drops.count(hop.map_or_else(DropReason::from, |_| DropReason::NoRoute));
            self.announce_udp(handle, Readiness::ERROR | writable);
        }
    }

    /// The next hop of a datagram whose source is settled, asked of the routes only when they or our addresses
    /// have changed or the last datagram went elsewhere.
    pub(super) fn datagram_hop(&mut self, handle: UdpHandle, query: &Query) -> Result<Hop, Refusal> {
        let generation = self.ways_generation();
        if let Some(hop) = self.known_hop(handle, query) {
            return Ok(hop);
        }
        let hop = self.way(query)?.hop;
        if let Some(slot) = self.sockets.udp.get_mut(handle) {
            slot.hop = Some((generation, *query, hop));
        }
        Ok(hop)
    }

    /// The next hop that a datagram of the socket took which asked the same.
    pub(super) fn known_hop(&self, handle: UdpHandle, query: &Query) -> Option<Hop> {
        let (seen, asked, hop) = self.sockets.udp.get(handle)?.hop?;
        (seen == self.ways_generation() && asked == *query).then_some(hop)
    }

    /// Moves whenever the way to a destination may be another one.
    fn ways_generation(&self) -> u64 {
        self.routes.generation() + self.redirects.generation()
    }

    /// Who asks for the way of a socket's next datagram, if it has one.
    pub(super) fn datagram_query(&self, handle: UdpHandle) -> Option<Query> {
        let state = &self.sockets.udp.get(handle)?.state;
        let next = state.first_to_send()?;
        Some(Query { interface: next.interface, ..state.query(Some(next.src), next.dst) })
    }
}

/// RFC 768: zero means that the sender computed none, which IPv6 forbids (RFC 8200 section 8.1).
fn verify_checksum(frame: &Frame, received: &Received, view: &UdpDatagram<'_>) -> Result<(), DropReason> {
    let correct = if view.has_no_checksum() {
        received.src.is_ipv4()
    } else {
        let header = PacketHeader::new(received.src, received.dst, IpProtocol::UDP);
        is_vouched(frame) || view.verify_checksum(header.pseudo_header(view.total_len()))
    };
    if correct { Ok(()) } else { Err(DropReason::UdpChecksum) }
}
