//! ICMP errors that arrive: whose packet they are about, and what its socket learns (RFC 1122 sections
//! 3.2.2 and 4.1.3.3, RFC 5927).

use bytes::Bytes;
use core::net::SocketAddr;

use super::Stack;
use crate::error::{DropReason, SocketError};
use crate::event::Readiness;
use crate::icmp::QuotedFlow;
use crate::icmp::report::{Meaning, Report};
use crate::ip::input::Received;
use crate::ip::packet::{Body, Packet};
use crate::link::InterfaceId;
use crate::socket::demux::Flow;
use crate::socket::{TcpHandle, UdpHandle};
use crate::udp::errors::{DatagramError, IcmpReport};
use crate::wire::ipv4::IpProtocol;

/// Whose packet an ICMP error is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sender {
    Tcp(TcpHandle),
    Udp(UdpHandle),
}

impl Stack {
    /// An ICMP error that arrived. It must have come to the address which had sent the packet that it
    /// quotes, and quote one that a socket of ours can have sent (RFC 5927 section 4).
    pub(super) fn on_icmp_error(
        &mut self,
        id: InterfaceId,
        received: &Received,
        report: &Report<'_>,
    ) -> Result<(), DropReason> {
        let no_flow = if received.src.is_ipv4() { DropReason::Icmpv4NoFlow } else { DropReason::Icmpv6NoFlow };
        let quoted = report.quoted.filter(|quoted| quoted.src == received.dst).ok_or(no_flow)?;
        let sender = self.sender_of(id, &quoted).ok_or(no_flow)?;
        match (report.meaning, sender) {
            (Meaning::TooBig(too_big), Sender::Tcp(handle)) => {
                self.on_too_big(sender, &quoted, too_big)?;
                if let Some((slot, mut env)) = self.connection(handle) {
                    slot.tcb.on_too_big(&mut env, quoted.seq);
                }
                self.settle_tcp(handle);
            }
            (Meaning::Error(error), Sender::Tcp(handle)) => {
                if let Some((slot, mut env)) = self.connection(handle) {
                    slot.tcb.on_icmp_error(&mut env, error);
                }
                self.settle_tcp(handle);
            }
            (Meaning::TooBig(too_big), Sender::Udp(handle)) => {
                let mtu = self.on_too_big(sender, &quoted, too_big)?;
                let told = told(received, report, Some(mtu));
                self.tell_sender(handle, quoted.remote(), SocketError::MessageTooLong, Some(told));
            }
            (Meaning::Error(error), Sender::Udp(handle)) => {
                self.tell_sender(handle, quoted.remote(), error.into(), Some(told(received, report, None)));
            }
        }
        self.counters.icmp_errors_delivered += 1;
        Ok(())
    }

    /// Tells a UDP socket what became of a datagram of its own.
    fn tell_sender(
        &mut self,
        handle: UdpHandle,
        destination: SocketAddr,
        error: SocketError,
        report: Option<IcmpReport>,
    ) {
        let Some(slot) = self.sockets.udp.get_mut(handle) else { return };
        let error = DatagramError { error, destination, at: self.now, report };
        if !slot.state.on_datagram_error(error, &self.config.limits) {
            self.drops.count(DropReason::UdpErrorQueueFull);
        }
        self.announce_udp(handle, Readiness::ERROR | Readiness::READABLE);
    }

    /// A packet could not be sent because its neighbor does not answer: its socket, or its sender, is told.
    pub(super) fn on_packet_undeliverable(&mut self, id: InterfaceId, packet: &Packet) {
        match &packet.body {
            Body::Transit(transit) => self.on_transit_undeliverable(packet, transit),
            _ => self.on_packet_unsent(id, packet, SocketError::HostUnreachable),
        }
    }

    /// A packet could not be sent: its socket is told why.
    pub(super) fn on_packet_unsent(&mut self, id: InterfaceId, packet: &Packet, error: SocketError) {
        let Body::Datagram { src_port, dst_port, .. } = packet.body else { return };
        let Some(handle) = self.sockets.demux.datagrams.find(packet.src, src_port, id) else { return };
        let Some(slot) = self.sockets.udp.get(handle) else { return };
        let destination = SocketAddr::new(packet.dst, dst_port);
        if slot.state.hears(destination) {
            self.tell_sender(handle, destination, error, None);
        }
    }

    /// The socket that can have sent the packet which an ICMP error quotes: a connection that has that
    /// segment in flight (RFC 5927 section 4.1), a UDP socket that has sent there.
    pub(super) fn sender_of(&self, id: InterfaceId, quoted: &QuotedFlow) -> Option<Sender> {
        if quoted.protocol == IpProtocol::TCP {
            let handle = self.sockets.demux.flows.get(&Flow::new(quoted.local(), quoted.remote()))?;
            let slot = self.sockets.tcp.get(handle)?;
            return slot.tcb.is_in_flight(quoted.seq).then_some(Sender::Tcp(handle));
        }
        let has_sent = |handle: &UdpHandle| {
            self.sockets.udp.get(*handle).is_some_and(|slot| slot.state.has_sent_to(quoted.remote()))
        };
        self.sockets.demux.datagrams.candidates(quoted.src, quoted.src_port, id).find(has_sent).map(Sender::Udp)
    }
}

/// What an application is told of an ICMP error.
fn told(received: &Received, report: &Report<'_>, mtu: Option<u16>) -> IcmpReport {
    let objects =
        report.extensions.as_ref().map_or_else(Bytes::new, |extensions| Bytes::copy_from_slice(extensions.objects()));
    IcmpReport { from: received.src, kind: report.kind, code: report.code, mtu, objects }
}
