//! False news about the link: whose address is whose, and who is the router.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tickwire_core::InterfaceAddress;
use tickwire_core::wire::arp::{ArpHeader, ArpOperation};
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::wire::ndp::NeighborAdvertisement;
use tickwire_core::wire::ndp_options::{PrefixInformation, RouterOption};
use tickwire_core::wire::ndp_router::{RouterAdvertisementHeader, RouterPreference};

use crate::draw::{Lots, Purpose};
use crate::node::Outbox;
use crate::node::frames::{self, Hosts, Stations};

/// All nodes of the link.
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// ARP that says that an address is at some hardware address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArpClaim {
    /// The address.
    pub claimed: Ipv4Addr,
    /// Where it is said to be: the adversary's own, for it to get the traffic.
    pub hardware: EthernetAddress,
    /// Who is told, by a reply that nobody asked for; `None` tells everybody by an announcement (RFC 5227
    /// section 2.3), the owner of the address as well.
    pub told: Option<(EthernetAddress, Ipv4Addr)>,
}

impl ArpClaim {
    pub(crate) fn forge(&self, out: &mut Outbox) {
        let (dst, operation, target_hardware, target) = match self.told {
            Some((hardware, address)) => (hardware, ArpOperation::Reply, hardware, address),
            None => (EthernetAddress::BROADCAST, ArpOperation::Request, EthernetAddress::UNSPECIFIED, self.claimed),
        };
        let header = ArpHeader {
            operation,
            sender_hardware: self.hardware,
            sender_protocol: self.claimed,
            target_hardware,
            target_protocol: target,
        };
        out.push((0, frames::arp(dst, &header)));
    }
}

/// A Neighbor Advertisement that says that an address is at some hardware address, and overrides what is known
/// (RFC 4861 section 7.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeighborClaim {
    /// The address.
    pub claimed: Ipv6Addr,
    /// Where it is said to be.
    pub hardware: EthernetAddress,
    /// Who is told, as if it had asked; `None` tells all nodes.
    pub told: Option<(EthernetAddress, Ipv6Addr)>,
}

impl NeighborClaim {
    pub(crate) fn forge(&self, out: &mut Outbox) {
        let (dst, to) = self.told.unwrap_or((EthernetAddress::multicast_v6(ALL_NODES), ALL_NODES));
        let advertisement = NeighborAdvertisement {
            router: false,
            solicited: self.told.is_some(),
            overrides: true,
            target: self.claimed,
            target_link_layer: Some(self.hardware),
        };
        let mut message = Vec::new();
        advertisement.emit(&mut message);
        let hosts = Hosts { src: self.claimed.into(), dst: to.into() };
        out.push((0, frames::icmpv6_message(Stations { src: self.hardware, dst }, hosts, u8::MAX, message)));
    }
}

/// A Router Advertisement to all nodes, by somebody who is no router or in the name of one who is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouterClaim {
    /// Who sends it: a link-local address, else nobody believes it (RFC 4861 section 6.1.2).
    pub router: Ipv6Addr,
    /// Where the router is said to be.
    pub hardware: EthernetAddress,
    /// The hop limit of the packet; other than 255 nobody believes it.
    pub hops: u8,
    /// For how many seconds it is a default router; 0: it is none.
    pub router_lifetime: u16,
    /// A prefix to form addresses from. Bits between its length and 64 are drawn: a shorter one is a flood
    /// of prefixes.
    pub prefix: Option<InterfaceAddress>,
    /// For how many seconds the prefix is valid and preferred.
    pub prefix_lifetime: u32,
}

impl RouterClaim {
    pub(super) fn forge(&self, lots: &mut Lots<'_>, out: &mut Outbox) {
        let header = RouterAdvertisementHeader {
            hop_limit: 0,
            managed: false,
            other: false,
            preference: RouterPreference::High,
            router_lifetime: self.router_lifetime,
            reachable_time: 0,
            retrans_timer: 0,
        };
        let mut message = Vec::new();
        header.emit(&mut message);
        if let Some(InterfaceAddress { address: IpAddr::V6(address), prefix_len }) = self.prefix {
            let free = 64_u32.saturating_sub(prefix_len.into());
            let drawn = u128::from(lots.below(Purpose::Forge, 1_u64.checked_shl(free).unwrap_or(u64::MAX)));
            let mask = u128::MAX.checked_shl(64 + free).unwrap_or_default();
            RouterOption::Prefix(PrefixInformation {
                prefix: (address.to_bits() & mask | drawn << 64).into(),
                prefix_len: 64,
                on_link: true,
                autonomous: true,
                valid_lifetime: self.prefix_lifetime,
                preferred_lifetime: self.prefix_lifetime,
            })
            .emit(&mut message);
        }
        let stations = Stations { src: self.hardware, dst: EthernetAddress::multicast_v6(ALL_NODES) };
        let hosts = Hosts { src: self.router.into(), dst: ALL_NODES.into() };
        out.push((0, frames::icmpv6_message(stations, hosts, self.hops, message)));
    }
}
