//! The link layer: one `Interface` per device, with what waits to leave through it.
//!
//! - `ethernet`: which frames are for us
//! - `arp`: what an ARP packet asks for (RFC 826)
//! - `ndp`: what a Neighbor Discovery message asks for (RFC 4861)
//! - [`neighbor`]: the cache that both fill
//! - `table`: the interfaces by their numbers

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::autoconf::Autoconf;
use crate::autoconf::advertise::Advertisement;
use crate::autoconf::dad::Nonce;
use crate::autoconf::dhcpv4::Outgoing;
use crate::config::{AddressSettings, InterfaceConfig, Medium};
use crate::counters::{Drops, Traffic};
use crate::frame::Capabilities;
use crate::ip::fragment::Fragments;
use crate::ip::multicast::Groups;
use crate::ip::multicast::querier::OutgoingQuery;
use crate::ip::output::LinkHeader;
use crate::ip::own_address::AddressTable;
use crate::ip::packet::Packet;
use crate::keyed::HashKey;
use crate::link::neighbor::NeighborCache;
use crate::provenance::Queued;
use crate::socket::table::Sockets;
use crate::socket::{TcpHandle, UdpHandle};
use crate::stack::{Cause, Queriers};
use crate::time::Instant;
use crate::wire::arp::ArpOperation;
use crate::wire::ethernet::EthernetAddress;

pub(crate) mod arp;
pub(crate) mod ethernet;
pub(crate) mod ndp;
pub mod neighbor;
pub(crate) mod table;

/// An interface of a stack, numbered from 0 in the order of `add_interface`. The number of an
/// interface that was removed is not given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct InterfaceId(pub(crate) u16);

impl InterfaceId {
    /// The interface's number.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A message of the interface's own, or an answer: served before any socket.
#[derive(Clone, Debug)]
pub(crate) enum Control {
    Arp {
        operation: ArpOperation,
        to: EthernetAddress,
        target_hardware: EthernetAddress,
        source: Ipv4Addr,
        target: Ipv4Addr,
    },
    NeighborSolicitation {
        to: Option<EthernetAddress>,
        source: Ipv6Addr,
        target: Ipv6Addr,
    },
    /// Does anybody have `target`? From nobody's address (RFC 4862 section 5.4.2).
    DadSolicitation {
        target: Ipv6Addr,
        nonce: Option<Nonce>,
    },
    NeighborAdvertisement {
        to: EthernetAddress,
        dst: Ipv6Addr,
        target: Ipv6Addr,
        solicited: bool,
    },
    /// A message of the DHCPv6 client.
    Dhcpv6 {
        transaction: u32,
    },
    /// Tells the routers of an address that is new (RFC 9131).
    NeighborAnnouncement {
        target: Ipv6Addr,
    },
    RouterSolicitation {
        source: Ipv6Addr,
        /// With our hardware address, so that routers need not ask for it.
        with_address: bool,
    },
    /// We are a router, or are none any more.
    RouterAdvertisement(Box<Advertisement>),
    Packet(Packet),
    Dhcpv4(Box<Outgoing>),
    /// A packet that is leaving in fragments; only ever the first in the queue.
    Fragments(Fragments),
    /// The groups are to be asked for their next message.
    GroupReport,
    /// Who listens to which group?
    MembershipQuery(Box<OutgoingQuery>),
}

impl Control {
    /// The address on whose account a question or an answer about neighbors leaves: without it, it must not.
    pub(crate) fn speaks_for(&self) -> Option<IpAddr> {
        match self {
            Control::Arp { source, .. } => Some((*source).into()),
            Control::NeighborSolicitation { source, .. } | Control::RouterSolicitation { source, .. } => {
                Some((*source).into())
            }
            Control::NeighborAdvertisement { target, .. } | Control::NeighborAnnouncement { target } => {
                Some((*target).into())
            }
            _ => None,
        }
    }
}

/// A socket with something to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ready {
    Tcp(TcpHandle),
    Udp(UdpHandle),
}

/// An interface.
#[derive(Clone)]
pub(crate) struct Interface {
    pub(crate) id: InterfaceId,
    pub(crate) medium: Medium,
    /// Whether the link can be used: it was not taken down, and its carrier is there.
    pub(crate) up: bool,
    pub(crate) hardware_address: EthernetAddress,
    pub(crate) capabilities: Capabilities,
    /// The longest packet that is received, in bytes: the largest MTU that the interface has had.
    pub(crate) mru: u16,
    pub(crate) addresses: AddressTable,
    /// How it makes sure that its addresses are its own alone.
    pub(crate) settings: AddressSettings,
    pub(crate) autoconf: Autoconf,
    pub(crate) groups: Groups,
    /// Where we are a multicast router.
    pub(crate) queriers: Option<Box<Queriers>>,
    pub(crate) neighbors: NeighborCache,
    pub(crate) control: VecDeque<Queued<Control>>,
    pub(crate) ready: VecDeque<Queued<Ready>>,
    /// Packets of others that leave here.
    pub(crate) transit: VecDeque<Queued<Packet>>,
    /// Whose turn it is to send.
    pub(crate) transit_next: bool,
    /// Whether it answers ARP for hosts on other interfaces (RFC 1027).
    pub(crate) proxy_arp: bool,
    /// The heap entry that stands for the interface's own deadline.
    pub(crate) armed: Option<Instant>,
    pub(crate) traffic: Traffic,
    /// What came in here, or was to leave here, and was dropped.
    pub(crate) drops: Drops,
}

impl Interface {
    /// An interface without addresses yet.
    pub(crate) fn new(
        id: InterfaceId,
        config: &InterfaceConfig,
        settings: AddressSettings,
        key: HashKey,
        reports_per_second: u8,
    ) -> Interface {
        Interface {
            id,
            medium: config.medium,
            up: true,
            hardware_address: config.hardware_address,
            capabilities: config.capabilities,
            mru: config.capabilities.mtu,
            addresses: AddressTable::default(),
            settings: config.address_settings.unwrap_or(settings),
            autoconf: Autoconf::default(),
            queriers: None,
            groups: Groups::new(reports_per_second, config.medium != Medium::Loopback),
            neighbors: NeighborCache::new(key),
            control: VecDeque::new(),
            ready: VecDeque::new(),
            transit: VecDeque::new(),
            transit_next: false,
            proxy_arp: config.proxy_arp,
            armed: None,
            traffic: Traffic::default(),
            drops: Drops::default(),
        }
    }

    /// Takes sockets that are gone off the ready ring, once they are many: a device that takes no
    /// frames must not make it grow.
    #[inline]
    pub(crate) fn drop_gone(&mut self, sockets: &Sockets) {
        if self.ready.len() > sockets.queue_max() {
            self.retain_sockets(sockets);
        }
    }

    #[cold]
    fn retain_sockets(&mut self, sockets: &Sockets) {
        self.ready.retain(|ready| match ready.what {
            Ready::Tcp(handle) => sockets.tcp.contains_key(handle),
            Ready::Udp(handle) => sockets.udp.contains_key(handle),
        });
    }

    /// Whether something may want to leave.
    pub(crate) fn is_ready(&self) -> bool {
        !self.control.is_empty() || !self.ready.is_empty() || !self.transit.is_empty()
    }

    /// The packet in transit that is next to leave, unless it is a socket's turn.
    #[inline]
    pub(crate) fn take_transit(&mut self) -> Option<Queued<Packet>> {
        if self.transit.is_empty() {
            return None;
        }
        self.transit_next = !self.transit_next || self.ready.is_empty();
        if self.transit_next { self.transit.pop_front() } else { None }
    }

    pub(crate) fn has_address(&self, address: IpAddr) -> bool {
        self.addresses.has(address)
    }

    /// When the interface itself has something to do next, apart from its neighbors, and which part of
    /// it: the earliest, of equal ones the first.
    pub(crate) fn deadline(&self) -> Option<(Instant, Cause)> {
        let lifetime = self.addresses.deadline().map(|at| (at, Cause::AddressLifetime));
        let group = self.groups.deadline().filter(|_| self.up).map(|at| (at, Cause::Group));
        let announcement = self.autoconf.announcement.filter(|_| self.up);
        let announcement = announcement.map(|announcement| (announcement.deadline(), Cause::Announcement));
        let querier = self.queriers.as_deref().and_then(Queriers::deadline).map(|at| (at, Cause::Querier));
        let parts = [lifetime, self.autoconf.deadline(), group, querier, announcement];
        parts.into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// Our link-local IPv6 address that is in use, the first if there are several.
    pub(crate) fn link_local(&self) -> Option<Ipv6Addr> {
        self.addresses.assigned().find_map(|own| match own.address {
            IpAddr::V6(address) if address.is_unicast_link_local() => Some(address),
            _ => None,
        })
    }

    /// The longest packet of a family that the link takes, in bytes: for IPv6 what routers say (RFC 4861
    /// section 6.3.4, `LinkMTU`), for IPv4 what a DHCP server does (RFC 2132 section 5.1), if that is less.
    pub(crate) fn mtu(&self, is_ipv6: bool) -> u16 {
        let told = if is_ipv6 {
            self.autoconf.router_discovery.mtu
        } else {
            self.autoconf.dhcpv4.as_ref().and_then(|client| client.settings()?.mtu)
        };
        told.map_or(self.capabilities.mtu, |told| told.min(self.capabilities.mtu))
    }

    /// What stands before a packet to the group that maps to the hardware address `dst`.
    pub(crate) const fn link_to_group(&self, dst: EthernetAddress) -> LinkHeader {
        match self.medium {
            Medium::Ethernet => LinkHeader::Ethernet { src: self.hardware_address, dst },
            Medium::Ip | Medium::Loopback => LinkHeader::None,
        }
    }

    /// The group or broadcast hardware address that `dst` maps to without resolution.
    pub(crate) fn group_address(&self, dst: IpAddr) -> Option<EthernetAddress> {
        match dst {
            IpAddr::V4(dst) if dst.is_multicast() => Some(EthernetAddress::multicast_v4(dst)),
            IpAddr::V4(dst) if self.is_broadcast(dst) => Some(EthernetAddress::BROADCAST),
            IpAddr::V6(dst) if dst.is_multicast() => Some(EthernetAddress::multicast_v6(dst)),
            _ => None,
        }
    }

    /// Whether `dst` is the limited broadcast or one of our subnets'.
    pub(crate) fn is_broadcast(&self, dst: Ipv4Addr) -> bool {
        dst == Ipv4Addr::BROADCAST || self.addresses.is_broadcast(dst)
    }
}
