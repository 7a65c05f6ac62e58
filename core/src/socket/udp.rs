//! A UDP socket as its application sees it.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::UdpHandle;
use crate::buffer::COPY_BELOW;
use crate::error::{IpOptionsError, SocketError, UdpConnectError, UdpSendError};
use crate::ip::address::is_destination;
use crate::ip::packet::Datagram;
use crate::link::InterfaceId;
use crate::record::{Call, UdpCall};
use crate::socket::table::UdpSlot;
use crate::stack::{Stack, canonical};
use crate::time::Instant;
use crate::udp::Outgoing;
use crate::udp::errors::DatagramError;
use crate::wire::ipv4_options::IpOptions;
use bytes::Bytes;

/// How a UDP socket is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UdpOptions {
    /// Whether the unspecified IPv6 address stands for both families; default false.
    pub dual_stack: bool,
    /// Whether it may send to broadcast addresses; default false (as `SO_BROADCAST`).
    pub broadcast: bool,
    /// Whether a datagram larger than its path takes in one packet is refused rather than sent in
    /// fragments; default false (as `IP_MTU_DISCOVER` set to `IP_PMTUDISC_DO`).
    pub dont_fragment: bool,
    /// The time to live (hop limit) of its datagrams, 1 to 255; default `Config::hop_limit`.
    pub hop_limit: Option<u8>,
    /// The traffic class (type of service) of its datagrams: DSCP in the upper six bits, ECN in the lower
    /// two (RFC 2474, RFC 3168); default 0.
    pub traffic_class: u8,
    /// The interface that its datagrams leave through, and that alone it hears; default any (as
    /// `SO_BINDTODEVICE`). Sockets bound to different interfaces may have the same address and port.
    pub interface: Option<InterfaceId>,
    /// A number that policy rules choose tables by; default 0 (as `SO_MARK`).
    pub mark: u32,
    /// Whether other sockets that say so too may be bound to the same address and port; default false
    /// (as `SO_REUSEADDR`). Each gets a copy of what is sent to a group or a broadcast address; what is
    /// sent to one host goes to the one bound last.
    pub reuse_address: bool,
}

/// A datagram that was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its data.
    pub data: Bytes,
    /// Who sent it.
    pub from: SocketAddr,
    /// Where it was sent to: one of our addresses, a group, or a broadcast address.
    pub to: IpAddr,
    /// When the stack got it.
    pub at: Instant,
    /// The hops that were left (the time to live).
    pub hop_limit: u8,
    /// DSCP in the upper six bits, ECN in the lower two.
    pub traffic_class: u8,
    /// The options of its IPv4 header, as they came (RFC 1122 section 4.1.3.2); empty for IPv6.
    pub ip_options: Bytes,
}

impl From<Datagram> for Received {
    fn from(datagram: Datagram) -> Received {
        let Datagram { from, to, at, hop_limit, traffic_class, options, data } = datagram;
        Received { data, from, to, at, hop_limit, traffic_class, ip_options: options }
    }
}

/// A UDP socket, borrowed from its stack.
#[derive(Debug)]
pub struct UdpSocket<'a> {
    pub(super) stack: &'a mut Stack,
    pub(super) handle: UdpHandle,
}

impl<'a> UdpSocket<'a> {
    pub(crate) fn new(stack: &'a mut Stack, handle: UdpHandle) -> UdpSocket<'a> {
        UdpSocket { stack, handle }
    }

    pub(super) fn record(&mut self, call: impl FnOnce() -> UdpCall) {
        let handle = self.handle;
        self.stack.record(|_| Call::Udp { handle, call: call() });
    }

    pub(super) fn slot(&self) -> Option<&UdpSlot> {
        self.stack.udp_slot(self.handle)
    }

    /// The address that it is bound to; unspecified if it receives on all.
    pub fn local(&self) -> Option<SocketAddr> {
        self.slot().map(|slot| slot.state.local)
    }

    /// The peer of a connected socket.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.slot().and_then(|slot| slot.state.peer)
    }

    /// Connects to `peer`: sends go there by default, and only its datagrams and the ICMP errors about
    /// it are heard. `None` undoes it.
    pub fn connect(&mut self, peer: Option<SocketAddr>) -> Result<(), UdpConnectError> {
        self.record(|| UdpCall::Connect { peer });
        let peer = peer.map(canonical);
        self.slot().ok_or(UdpConnectError::Stale)?;
        if let Some(peer) = peer {
            if peer.port() == 0 || !self.speaks_to(peer.ip()) {
                return Err(UdpConnectError::BadDestination);
            }
            self.stack.datagram_path(self.handle, peer)?;
        }
        if let Some(slot) = self.stack.udp_slot_mut(self.handle) {
            slot.state.peer = peer;
        }
        Ok(())
    }

    pub(super) fn speaks_to(&self, address: IpAddr) -> bool {
        let Some(slot) = self.slot() else { return false };
        let local = slot.state.local.ip();
        is_destination(address)
            && (local.is_ipv4() == address.is_ipv4() || (slot.state.dual_stack && local.is_unspecified()))
    }

    /// Queues a datagram to `to`, or to the peer: at most 65,507 bytes over IPv4 and 65,527 over IPv6,
    /// in fragments if the path takes no packet as large (see [`UdpOptions::dont_fragment`]). It leaves once its neighbor is known; datagrams to
    /// different neighbors do not wait for each other.
    pub fn send(&mut self, now: Instant, data: &[u8], to: Option<SocketAddr>) -> Result<(), UdpSendError> {
        self.record(|| UdpCall::Send { now, data: Bytes::copy_from_slice(data), to });
        self.stack.called(now, "udp.send", self.handle, data);
        let slot = self.slot().ok_or(UdpSendError::Stale)?;
        let to = to.map(canonical).or(slot.state.peer).ok_or(UdpSendError::NoDestination)?;
        if to.port() == 0 || !self.speaks_to(to.ip()) {
            return Err(UdpSendError::BadDestination);
        }
        let (broadcast_allowed, dont_fragment) = (slot.state.broadcast, slot.state.dont_fragment);
        if to.ip().is_multicast() && slot.state.options.source_route().is_some() {
            // A source route leads to one host.
            return Err(UdpSendError::BadDestination);
        }
        if matches!(to.ip(), IpAddr::V4(address) if self.is_broadcast(address)) && !broadcast_allowed {
            return Err(UdpSendError::BroadcastNotAllowed);
        }
        let path = self.stack.datagram_path(self.handle, to)?;
        if data.len() > if dont_fragment { path.unfragmented } else { path.largest } {
            return Err(UdpSendError::MessageTooLong);
        }
        let data = if data.len() < COPY_BELOW { self.stack.copy(data) } else { Bytes::copy_from_slice(data) };
        let (src, to_group) = (path.src, to.ip().is_multicast());
        let stays = to_group && self.multicast_hops() == 0;
        let copy = to_group.then(|| data.clone());
        let interface = self.slot().and_then(|slot| slot.state.interface_towards(to.ip()));
        if !stays && !self.stack.queue_datagram(self.handle, Outgoing { src, dst: to, interface, data }) {
            return Err(UdpSendError::WouldBlock);
        }
        if let Some(copy) = copy {
            self.stack.loop_datagram(self.handle, to, src, &copy);
        }
        Ok(())
    }

    fn is_broadcast(&self, address: Ipv4Addr) -> bool {
        self.stack.is_broadcast(address)
    }

    /// The next datagram received; `None` if there is none.
    pub fn recv(&mut self) -> Option<Received> {
        self.record(|| UdpCall::Recv);
        self.stack.called(self.stack.latest(), "udp.recv", self.handle, &[]);
        self.stack.udp_slot_mut(self.handle)?.state.receive().map(Received::from)
    }

    /// The next datagram, which stays in the queue.
    pub fn peek(&self) -> Option<Received> {
        self.slot()?.state.next_received().cloned().map(Received::from)
    }

    /// How many datagrams wait to be received.
    pub fn received_len(&self) -> usize {
        self.slot().map_or(0, |slot| slot.state.received_len())
    }

    /// Whether [`UdpSocket::send`] was refused for want of room, and none of what is queued has left since;
    /// [`Readiness::WRITABLE`](crate::event::Readiness::WRITABLE) tells when one has.
    pub fn is_send_refused(&self) -> bool {
        self.slot().is_some_and(|slot| slot.state.is_send_refused())
    }

    /// The pending error, which is thereby taken: what ICMP said about the peer of a connected
    /// socket, or that a neighbor did not answer (RFC 1122 section 4.1.3.3).
    pub fn take_error(&mut self) -> Option<SocketError> {
        self.record(|| UdpCall::TakeError);
        self.stack.udp_slot_mut(self.handle)?.state.take_error()
    }

    /// Whether an error is pending, which stays so.
    pub fn has_error(&self) -> bool {
        self.slot().is_some_and(|slot| slot.state.has_error())
    }

    /// The next of the errors of its datagrams, one by one and with all that is known of it, as with
    /// Linux's `IP_RECVERR`: also of an unconnected socket, which has no pending error. At most
    /// `Limits::udp_errors` wait.
    pub fn recv_error(&mut self) -> Option<DatagramError> {
        self.record(|| UdpCall::RecvError);
        self.stack.called(self.stack.latest(), "udp.recv_error", self.handle, &[]);
        self.stack.udp_slot_mut(self.handle)?.state.take_datagram_error()
    }

    /// Whether it may send to broadcast addresses.
    pub fn set_broadcast(&mut self, allowed: bool) {
        self.record(|| UdpCall::SetBroadcast { allowed });
        if let Some(slot) = self.stack.udp_slot_mut(self.handle) {
            slot.state.broadcast = allowed;
        }
    }

    /// Whether a datagram larger than its path takes is refused rather than fragmented.
    pub fn set_dont_fragment(&mut self, dont_fragment: bool) {
        self.record(|| UdpCall::SetDontFragment { dont_fragment });
        if let Some(slot) = self.stack.udp_slot_mut(self.handle) {
            slot.state.dont_fragment = dont_fragment;
        }
    }

    /// The most data that a datagram to `to`, or to the peer, can have and leave unfragmented; `None`
    /// without a destination or a route to it (RFC 1122 section 3.3.3, where it is called `MMS_S`, less UDP's header).
    pub fn unfragmented_max(&self, to: Option<SocketAddr>) -> Option<usize> {
        let slot = self.slot()?;
        let to = to.map(canonical).or(slot.state.peer)?;
        self.stack.datagram_path(self.handle, to).ok().map(|path| path.unfragmented)
    }

    /// The mark that policy rules choose tables by.
    pub fn set_mark(&mut self, mark: u32) {
        self.record(|| UdpCall::SetMark { mark });
        if let Some(slot) = self.stack.udp_slot_mut(self.handle) {
            slot.state.mark = mark;
        }
    }

    /// The time to live (hop limit) of its datagrams, 1 to 255; `None` for `Config::hop_limit`.
    pub fn set_hop_limit(&mut self, hop_limit: Option<u8>) {
        self.record(|| UdpCall::SetHopLimit { hop_limit });
        if let Some(slot) = self.stack.udp_slot_mut(self.handle) {
            slot.state.hop_limit = hop_limit;
        }
    }

    /// The options of its IPv4 packets from here on (as `IP_OPTIONS`). They take from what a datagram can
    /// have unfragmented.
    ///
    /// Errors: [`IpOptionsError::SourceRoute`], [`IpOptionsError::Stale`].
    pub fn set_ip_options(&mut self, options: IpOptions) -> Result<(), IpOptionsError> {
        self.record(|| UdpCall::SetIpOptions { options: options.clone() });
        self.stack.called(self.stack.latest(), "udp.set_ip_options", self.handle, options.as_bytes());
        self.stack.may_send(&options)?;
        let slot = self.stack.udp_slot_mut(self.handle).ok_or(IpOptionsError::Stale)?;
        slot.state.options = options;
        Ok(())
    }

    /// The options of its IPv4 packets.
    pub fn ip_options(&self) -> IpOptions {
        self.slot().map_or(IpOptions::NONE, |slot| slot.state.options.clone())
    }

    /// The traffic class of its datagrams: DSCP in the upper six bits, ECN in the lower two.
    pub fn set_traffic_class(&mut self, traffic_class: u8) {
        self.record(|| UdpCall::SetTrafficClass { traffic_class });
        if let Some(slot) = self.stack.udp_slot_mut(self.handle) {
            slot.state.traffic_class = traffic_class;
        }
    }
}
