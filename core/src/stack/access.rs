//! What the socket views need of the stack behind them.

use bytes::Bytes;
use core::net::{IpAddr, Ipv4Addr};

use super::Stack;
use crate::link::InterfaceId;
use crate::socket::table::{TcpSlot, UdpSlot};
use crate::socket::{TcpHandle, UdpHandle};
use crate::udp::Outgoing;

impl Stack {
    pub(crate) fn tcp_slot(&self, handle: TcpHandle) -> Option<&TcpSlot> {
        self.sockets.tcp.get(handle).map(AsRef::as_ref)
    }

    pub(crate) fn udp_slot(&self, handle: UdpHandle) -> Option<&UdpSlot> {
        self.sockets.udp.get(handle)
    }

    pub(crate) fn udp_slot_mut(&mut self, handle: UdpHandle) -> Option<&mut UdpSlot> {
        self.sockets.udp.get_mut(handle)
    }

    /// The hop limit of packets to `dst` through an interface, where their socket says nothing: for IPv6
    /// what routers have told (RFC 4861 section 6.3.4, `CurHopLimit`).
    pub(super) fn default_hop_limit(&self, id: InterfaceId, dst: IpAddr) -> u8 {
        let told = || self.interfaces.get(id.index())?.autoconf.router_discovery.hop_limit;
        if dst.is_ipv6() { told().unwrap_or(self.config.hop_limit) } else { self.config.hop_limit }
    }

    /// Whether `address` is a broadcast address on one of the interfaces.
    pub(crate) fn is_broadcast(&self, address: Ipv4Addr) -> bool {
        self.interfaces.iter().any(|interface| interface.is_broadcast(address))
    }

    /// A copy of `data` in pooled memory.
    pub(crate) fn copy(&mut self, data: &[u8]) -> Bytes {
        self.chunks.copy(data)
    }

    /// Queues a datagram on its socket; `false` if there is no room.
    pub(crate) fn queue_datagram(&mut self, handle: UdpHandle, outgoing: Outgoing) -> bool {
        let Some(slot) = self.sockets.udp.get_mut(handle) else { return false };
        let queued = slot.state.send(outgoing, &self.config.limits);
        self.make_udp_ready(handle);
        queued
    }
}
