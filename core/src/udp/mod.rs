//! UDP (RFC 768): the state of a socket, its bounded queues.
//!
//! - [`errors`]: what ICMP said about its datagrams

pub(crate) mod errors;

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::{IpAddr, SocketAddr};

use errors::{DatagramError, Errors};

use crate::buffer::charge;
use crate::config::Limits;
use crate::digest::Digest;
use crate::error::{DropReason, SocketError};
use crate::ip::packet::Datagram;
use crate::ip::route::Query;
use crate::link::InterfaceId;
use crate::socket::UdpOptions;
use crate::socket::demux::Bound;
use crate::wire::ipv4_options::IpOptions;

/// A datagram that waits to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) src: IpAddr,
    pub(crate) dst: SocketAddr,
    /// The interface that it is to leave by, if the socket is bound to one or names one for groups.
    pub(crate) interface: Option<InterfaceId>,
    pub(crate) data: Bytes,
}

/// What a socket's dealings with groups are set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MulticastSettings {
    /// By which interface datagrams to groups leave.
    pub(crate) interface: Option<InterfaceId>,
    /// Their time to live (hop limit); 0 leaves them on this host.
    pub(crate) hops: u8,
    /// Whether our own members hear them.
    pub(crate) looped: bool,
}

impl Default for MulticastSettings {
    /// RFC 1112 section 6.1: one hop.
    fn default() -> MulticastSettings {
        MulticastSettings { interface: None, hops: 1, looped: true }
    }
}

/// A UDP socket.
#[derive(Clone, Debug)]
pub(crate) struct UdpState {
    /// What it is bound to; the address may be unspecified.
    pub(crate) local: SocketAddr,
    pub(crate) dual_stack: bool,
    pub(crate) broadcast: bool,
    pub(crate) dont_fragment: bool,
    pub(crate) hop_limit: Option<u8>,
    pub(crate) traffic_class: u8,
    /// The interface that it is bound to.
    pub(crate) interface: Option<InterfaceId>,
    pub(crate) mark: u32,
    /// Of its IPv4 packets.
    pub(crate) options: IpOptions,
    /// Whether others that say so too may bind the same address and port.
    pub(crate) reuse_address: bool,
    pub(crate) multicast: MulticastSettings,
    /// The groups that it listens to; the interfaces keep the filters.
    pub(crate) memberships: Vec<(InterfaceId, IpAddr)>,
    /// The one peer of a connected socket.
    pub(crate) peer: Option<SocketAddr>,
    received: VecDeque<Datagram>,
    received_charge: usize,
    to_send: VecDeque<Outgoing>,
    to_send_charge: usize,
    errors: Errors,
    /// Where it has sent to while unconnected, the latest last.
    sent_to: VecDeque<SocketAddr>,
    /// A send was refused since the queue last had room.
    send_refused: bool,
}

impl UdpState {
    pub(crate) fn new(local: SocketAddr, options: UdpOptions) -> UdpState {
        UdpState {
            local,
            dual_stack: options.dual_stack,
            broadcast: options.broadcast,
            dont_fragment: options.dont_fragment,
            hop_limit: options.hop_limit,
            traffic_class: options.traffic_class,
            interface: options.interface,
            mark: options.mark,
            options: IpOptions::NONE,
            reuse_address: options.reuse_address,
            multicast: MulticastSettings::default(),
            memberships: Vec::new(),
            peer: None,
            received: VecDeque::new(),
            received_charge: 0,
            to_send: VecDeque::new(),
            to_send_charge: 0,
            errors: Errors::default(),
            sent_to: VecDeque::new(),
            send_refused: false,
        }
    }

    /// What it is bound to, for demultiplexing.
    pub(crate) fn bound(&self) -> Bound {
        Bound { local: self.local, dual_stack: self.dual_stack, interface: self.interface }
    }

    /// The question for the way of a datagram to `dst`: to the first hop of a source route, if there is one.
    pub(crate) fn query(&self, src: Option<IpAddr>, dst: SocketAddr) -> Query {
        let ports = (self.local.port(), dst.port());
        let first_hop = self.options.first_hop().filter(|_| dst.is_ipv4()).map(IpAddr::V4);
        Query { src, interface: self.interface, mark: self.mark, ports, ..Query::to(first_hop.unwrap_or(dst.ip())) }
    }

    /// The interface that a datagram to `dst` is to leave by, if the socket says so.
    pub(crate) fn interface_towards(&self, dst: IpAddr) -> Option<InterfaceId> {
        self.interface.or(self.multicast.interface.filter(|_| dst.is_multicast()))
    }

    /// Whether a datagram from `from` is for this socket: a connected one hears its peer only.
    pub(crate) fn hears(&self, from: SocketAddr) -> bool {
        self.peer.is_none_or(|peer| peer == from)
    }

    /// The time to live (hop limit) of a datagram to `dst`, unless it is the stack's default.
    pub(crate) fn hop_limit_to(&self, dst: IpAddr) -> Option<u8> {
        if dst.is_multicast() { Some(self.multicast.hops) } else { self.hop_limit }
    }

    /// Queues what arrived. Returns whether the queue was empty before.
    pub(crate) fn on_datagram(&mut self, datagram: Datagram, limits: &Limits) -> Result<bool, DropReason> {
        let cost = charge(datagram.data.len());
        if self.received_charge + cost > limits.udp_receive as usize {
            return Err(DropReason::UdpQueueFull);
        }
        self.received_charge += cost;
        self.received.push_back(datagram);
        Ok(self.received.len() == 1)
    }

    pub(crate) fn receive(&mut self) -> Option<Datagram> {
        let datagram = self.received.pop_front()?;
        self.received_charge -= charge(datagram.data.len());
        Some(datagram)
    }

    pub(crate) fn next_received(&self) -> Option<&Datagram> {
        self.received.front()
    }

    pub(crate) fn received_len(&self) -> usize {
        self.received.len()
    }

    /// Queues what is to be sent; `false` if there is no room.
    pub(crate) fn send(&mut self, outgoing: Outgoing, limits: &Limits) -> bool {
        let cost = charge(outgoing.data.len());
        if self.to_send_charge + cost > limits.udp_send as usize {
            self.send_refused = true;
            return false;
        }
        self.to_send_charge += cost;
        self.to_send.push_back(outgoing);
        true
    }

    /// Whether a send was refused, and none has left since.
    pub(crate) fn is_send_refused(&self) -> bool {
        self.send_refused
    }

    /// Takes the next datagram to send; also whether a sender that was refused has room again.
    pub(crate) fn next_to_send(&mut self) -> Option<(Outgoing, bool)> {
        let outgoing = self.to_send.pop_front()?;
        self.to_send_charge -= charge(outgoing.data.len());
        Some((outgoing, core::mem::take(&mut self.send_refused)))
    }

    /// A datagram to `dst` leaves; returns whether an earlier destination had to be forgotten for it.
    pub(crate) fn on_sent(&mut self, dst: SocketAddr, limits: &Limits) -> bool {
        if self.peer == Some(dst) || self.sent_to.back() == Some(&dst) {
            return false;
        }
        self.sent_to.retain(|other| *other != dst);
        self.sent_to.push_back(dst);
        let full = self.sent_to.len() > usize::from(limits.udp_destinations);
        if full {
            self.sent_to.pop_front();
        }
        full
    }

    /// Whether an ICMP error about a datagram to `dst` can be about one of this socket's.
    pub(crate) fn has_sent_to(&self, dst: SocketAddr) -> bool {
        self.peer == Some(dst) || self.sent_to.contains(&dst)
    }

    pub(crate) fn first_to_send(&self) -> Option<&Outgoing> {
        self.to_send.front()
    }

    pub(crate) fn to_send_len(&self) -> usize {
        self.to_send.len()
    }

    /// Notes an error for the application (RFC 1122 section 4.1.3.3).
    pub(crate) fn on_error(&mut self, error: SocketError) {
        self.errors.pending = Some(error);
    }

    /// What became of one datagram. A connected socket is told of its peer by the next call too; an
    /// unconnected one could not tell which datagram that would be about, unless this host itself could
    /// not send it. `false` if the queue is full.
    pub(crate) fn on_datagram_error(&mut self, error: DatagramError, limits: &Limits) -> bool {
        if self.peer == Some(error.destination) || error.report.is_none() {
            self.errors.pending = Some(error.error);
        }
        self.errors.push(error, usize::from(limits.udp_errors))
    }

    pub(crate) fn take_datagram_error(&mut self) -> Option<DatagramError> {
        self.errors.pop()
    }

    pub(crate) fn has_error(&self) -> bool {
        self.errors.pending.is_some()
    }

    pub(crate) fn take_error(&mut self) -> Option<SocketError> {
        self.errors.pending.take()
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.socket_address(self.local);
        digest.bool(self.dual_stack);
        digest.bool(self.broadcast);
        digest.bool(self.dont_fragment);
        digest.option(self.hop_limit, Digest::u8);
        digest.u8(self.traffic_class);
        digest.option(self.interface, |digest, interface| digest.u16(interface.0));
        digest.u32(self.mark);
        digest.counted(self.options.as_bytes());
        digest.bool(self.reuse_address);
        digest.option(self.multicast.interface, |digest, interface| digest.u16(interface.0));
        digest.u8(self.multicast.hops);
        digest.bool(self.multicast.looped);
        digest.count(self.memberships.len());
        for (interface, group) in &self.memberships {
            digest.u16(interface.0);
            digest.address(*group);
        }
        digest.option(self.peer, Digest::socket_address);
        digest.count(self.received.len());
        for datagram in &self.received {
            digest.socket_address(datagram.from);
            digest.address(datagram.to);
            digest.instant(datagram.at);
            digest.u8(datagram.hop_limit);
            digest.u8(datagram.traffic_class);
            digest.counted(&datagram.options);
            digest.counted(&datagram.data);
        }
        digest.count(self.to_send.len());
        for outgoing in &self.to_send {
            digest.address(outgoing.src);
            digest.socket_address(outgoing.dst);
            digest.option(outgoing.interface, |digest, interface| digest.u16(interface.0));
            digest.counted(&outgoing.data);
        }
        self.errors.digest(digest);
        digest.count(self.sent_to.len());
        for dst in &self.sent_to {
            digest.socket_address(*dst);
        }
        digest.bool(self.send_refused);
    }
}
