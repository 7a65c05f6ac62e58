//! Questions: counters and tables. None of them changes anything.

use core::net::{IpAddr, SocketAddr};

use super::Stack;
use crate::config::Medium;
use crate::counters::Traffic;
use crate::error::DropReason;
use crate::frame::Capabilities;
use crate::ip::multicast::filter::SourceFilter;
use crate::ip::multicast::member::Protocol;
use crate::ip::own_address::OwnAddress;
use crate::ip::reassembly::ReassemblyEntry;
use crate::ip::route::Route;
use crate::ip::rule::Rule;
use crate::link::neighbor::NeighborState;
use crate::link::{Interface, InterfaceId};
use crate::socket::table::Owner;
use crate::socket::{TcpHandle, UdpHandle};
use crate::tcp::{Examination, State};
use crate::time::{Duration, Instant};
use crate::wire::ethernet::EthernetAddress;

/// An interface, as [`Stack::interfaces`] lists it.
#[derive(Clone, Copy, Debug)]
pub struct InterfaceInfo<'a> {
    /// Its number.
    pub id: InterfaceId,
    /// What its frames look like.
    pub medium: Medium,
    /// Whether it can be used.
    pub up: bool,
    /// Our station address.
    pub hardware_address: EthernetAddress,
    /// What the device can do.
    pub capabilities: Capabilities,
    /// Its addresses, with their states and lifetimes, in the order in which it was given them.
    pub addresses: &'a [OwnAddress],
    /// What passed it.
    pub traffic: Traffic,
}

/// A neighbor, as [`Stack::neighbors`] lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeighborInfo {
    /// On which interface.
    pub interface: InterfaceId,
    /// Its address.
    pub address: IpAddr,
    /// The state of the entry (RFC 4861 section 7.3.2).
    pub state: NeighborState,
    /// Its hardware address; `None` while it is being resolved.
    pub hardware_address: Option<EthernetAddress>,
}

/// A group, as [`Stack::groups`] lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupInfo {
    /// On which interface.
    pub interface: InterfaceId,
    /// Its address.
    pub group: IpAddr,
    /// Whose packets are wanted, all listeners together (RFC 3376 section 3.2).
    pub filter: SourceFilter,
    /// How many sockets listen. The stack itself may listen too, as to solicited-node groups.
    pub sockets: usize,
}

/// A connection, as [`Stack::tcp_sockets`] lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpEntry {
    /// Its handle; stale for the application if it has no owner.
    pub handle: TcpHandle,
    /// Our end.
    pub local: SocketAddr,
    /// The peer's end.
    pub remote: SocketAddr,
    /// Its state.
    pub state: State,
    /// Bytes that wait to be received.
    pub received: usize,
    /// Bytes that are unsent or unacknowledged.
    pub unsent: usize,
    /// The RTO in force, backoff included (RFC 6298).
    pub rto: Duration,
    /// Whether an application holds the handle, or a listener will hand it out.
    pub owned: bool,
}

/// A UDP socket, as [`Stack::udp_sockets`] lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UdpEntry {
    /// Its handle.
    pub handle: UdpHandle,
    /// What it is bound to.
    pub local: SocketAddr,
    /// The peer of a connected socket.
    pub peer: Option<SocketAddr>,
    /// Datagrams that wait to be received.
    pub received: usize,
    /// Datagrams that wait to be sent.
    pub unsent: usize,
}

/// How much waits in the stack's queues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueDepths {
    /// Answers and messages in the control queues of all interfaces.
    pub control: usize,
    /// Sockets on the ready rings of all interfaces.
    pub ready: usize,
    /// Packets of other hosts that wait to leave.
    pub transit: usize,
    /// Packets parked for neighbors.
    pub parked: usize,
    /// Bytes (as charged) of fragments that wait for the rest of their packets.
    pub reassembly: usize,
    /// Events.
    pub events: usize,
    /// Payload bytes held by TCP connections in either direction.
    pub tcp_bytes: usize,
}

impl Stack {
    /// Every counter with its dotted name, by layer; [`Stack::drops`] has those of what was dropped.
    pub fn counters(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.counters.iter().chain(self.tcp_counters.iter())
    }

    /// How often each reason has dropped something, on whatever interface or on none.
    pub fn drops(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        self.drops.iter()
    }

    /// How often each reason has dropped something that came in on an interface, or was to leave there.
    /// What is dropped before an interface is chosen is in [`Stack::drops`] alone.
    pub fn interface_drops(&self, id: InterfaceId) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        self.interfaces.get(id.index()).into_iter().flat_map(|interface| interface.drops.iter())
    }

    /// The interfaces, in the order of their numbers.
    pub fn interfaces(&self) -> impl Iterator<Item = InterfaceInfo<'_>> {
        self.interfaces.iter().map(|interface| InterfaceInfo {
            id: interface.id,
            medium: interface.medium,
            up: interface.up,
            hardware_address: interface.hardware_address,
            capabilities: interface.capabilities,
            addresses: interface.addresses.as_slice(),
            traffic: interface.traffic,
        })
    }

    /// The routes of all tables, the main one's first, by prefix length.
    pub fn routes(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter()
    }

    /// The policy rules, in the order in which they are followed.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.routes.rules.iter()
    }

    /// The neighbor caches of all interfaces.
    pub fn neighbors(&self) -> impl Iterator<Item = NeighborInfo> + '_ {
        self.interfaces.iter().flat_map(|interface| {
            interface.neighbors.iter().map(move |(address, state, hardware_address)| NeighborInfo {
                interface: interface.id,
                address,
                state,
                hardware_address,
            })
        })
    }

    /// The groups that are listened to, on all interfaces. Those that every host is in, `224.0.0.1` and
    /// `ff02::1`, are not among them unless a socket has joined them.
    pub fn groups(&self) -> impl Iterator<Item = GroupInfo> + '_ {
        self.interfaces.iter().flat_map(|interface| {
            interface.groups.iter().map(move |group| GroupInfo {
                interface: interface.id,
                group: group.address,
                filter: group.filter(),
                sockets: group.listeners_len(),
            })
        })
    }

    /// The version of IGMP, or with `ipv6` of MLD, that an interface speaks: that of the oldest querier
    /// present (RFC 3376 section 7.2.1, RFC 3810 section 8.2.1). `None` if there is no such interface.
    pub fn membership_version(&self, interface: InterfaceId, ipv6: bool) -> Option<u8> {
        let protocol = if ipv6 { Protocol::Mld } else { Protocol::Igmp };
        let groups = &self.interfaces.get(interface.index())?.groups;
        Some(groups.member(protocol).version(&self.config.multicast))
    }

    /// The connections, those in TIME-WAIT and those without an owner included, in slot order.
    pub fn tcp_sockets(&self) -> impl Iterator<Item = TcpEntry> + '_ {
        self.sockets.tcp.iter().map(|(handle, slot)| TcpEntry {
            handle,
            local: slot.flow.local_addr(),
            remote: slot.flow.remote_addr(),
            state: slot.tcb.state(),
            received: slot.tcb.recv_queue(),
            unsent: slot.tcb.send_queue().len(),
            rto: slot.tcb.rto(&self.config.tcp),
            owned: slot.owner != Owner::Orphan,
        })
    }

    /// The addresses that listeners are bound to, in slot order.
    pub fn tcp_listeners(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.sockets.listeners.values().map(|slot| slot.bound.local)
    }

    /// The UDP sockets, in slot order.
    pub fn udp_sockets(&self) -> impl Iterator<Item = UdpEntry> + '_ {
        self.sockets.udp.iter().map(|(handle, slot)| UdpEntry {
            handle,
            local: slot.state.local,
            peer: slot.state.peer,
            received: slot.state.received_len(),
            unsent: slot.state.to_send_len(),
        })
    }

    /// The packets of which fragments are held, the oldest first.
    pub fn reassembly(&self) -> impl Iterator<Item = ReassemblyEntry> + '_ {
        self.reassembly.iter()
    }

    /// How much waits in the queues.
    pub fn queue_depths(&self) -> QueueDepths {
        let sum = |depth: fn(&Interface) -> usize| self.interfaces.iter().map(depth).sum();
        QueueDepths {
            control: sum(|interface| interface.control.len()),
            ready: sum(|interface| interface.ready.len()),
            transit: sum(|interface| interface.transit.len()),
            parked: sum(|interface| interface.neighbors.parked()),
            reassembly: self.reassembly.charged(),
            events: self.events.len(),
            tcp_bytes: self.tcp_sockets().map(|entry| entry.received + entry.unsent).sum(),
        }
    }

    /// What each connection looked like after each call and fact since [`Stack::forget_examinations`], if
    /// `Config::examine` and `Config::checks` are set; at most the first 4,096, the others are counted.
    pub fn examinations(&self) -> &[Examination] {
        &self.examinations
    }

    /// Makes room for the next ones.
    pub fn forget_examinations(&mut self) {
        self.examinations.clear();
    }

    /// A digest of every input (frames, timeouts, commands, socket calls) and every emitted head so far;
    /// `None` unless `Config::trace` is set.
    pub fn trace_digest(&self) -> Option<u64> {
        self.trace.finish()
    }

    /// The latest `now` that the stack has seen.
    pub fn latest(&self) -> Instant {
        self.now
    }
}
