//! Addresses: of which kind one is, and whether it is ours.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::own_address::{AddressTable, Relation};
use crate::config::InterfaceAddress;

/// The subnet-local all-nodes group (RFC 4291 section 2.7.1), which every IPv6 node is in.
pub(crate) const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// The link-local all-routers group.
pub(crate) const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
/// The interface-local all-nodes group.
pub(crate) const ALL_NODES_INTERFACE: Ipv6Addr = Ipv6Addr::new(0xff01, 0, 0, 0, 0, 0, 0, 1);
/// The all-hosts group (RFC 1112 section 4), which every IPv4 host is in.
pub(crate) const ALL_HOSTS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);

/// To whom a received packet was addressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    Unicast,
    Multicast,
    Broadcast,
    /// Another host's: it is to be forwarded.
    Transit,
}

impl InterfaceAddress {
    /// Whether the address is one that an interface can have.
    pub(crate) fn is_valid(&self) -> bool {
        match self.address {
            IpAddr::V4(address) => {
                self.prefix_len <= 32
                    && !address.is_unspecified()
                    && !address.is_multicast()
                    && address != Ipv4Addr::BROADCAST
                    && (self.prefix_len >= 31 || Some(address) != self.broadcast())
            }
            IpAddr::V6(address) => self.prefix_len <= 128 && !address.is_unspecified() && !address.is_multicast(),
        }
    }

    /// The subnet's directed broadcast address; none for IPv6 and for prefixes of 31 (RFC 3021) and 32 bits.
    pub(crate) fn broadcast(&self) -> Option<Ipv4Addr> {
        match self.address {
            IpAddr::V4(address) if self.prefix_len < 31 => {
                Some(Ipv4Addr::from_bits(address.to_bits() | !mask_v4(self.prefix_len)))
            }
            _ => None,
        }
    }

    /// Whether `other` lies in this address's prefix.
    pub fn is_on_link(&self, other: IpAddr) -> bool {
        contains(self.address, self.prefix_len, other)
    }
}

const fn mask_v4(len: u8) -> u32 {
    if len == 0 { 0 } else { u32::MAX << (32 - if len > 32 { 32 } else { len }) }
}

const fn mask_v6(len: u8) -> u128 {
    if len == 0 { 0 } else { u128::MAX << (128 - if len > 128 { 128 } else { len }) }
}

/// The first `len` bits of `address`, the rest zero.
pub(crate) fn truncate(address: IpAddr, len: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask_v4(len))),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask_v6(len))),
    }
}

/// Whether `address` lies in the prefix `prefix/len`.
pub(crate) fn contains(prefix: IpAddr, len: u8, address: IpAddr) -> bool {
    prefix.is_ipv4() == address.is_ipv4() && truncate(prefix, len) == truncate(address, len)
}

/// Whether an address is in `fe80::/10`.
pub(crate) fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

/// To whom an IPv4 packet to `dst` goes, which is that to us; `None` if to none of us as far as addresses tell: groups
/// are another matter.
#[inline]
pub(crate) fn classify_v4(dst: Ipv4Addr, relation: Relation) -> Option<Delivery> {
    match relation {
        Relation::Own => Some(Delivery::Unicast),
        Relation::Broadcast => Some(Delivery::Broadcast),
        Relation::None => (dst == Ipv4Addr::BROADCAST).then_some(Delivery::Broadcast),
    }
}

/// Whether a received packet's source may be answered at all (design rule 6): not multicast, not
/// broadcast (the subnet's too), not loopback, not our own. The unspecified address is an IPv6
/// matter of its own (duplicate address detection) and refused here.
pub(crate) fn is_legal_source(addresses: &AddressTable, src: IpAddr) -> bool {
    match src {
        IpAddr::V4(v4) => is_legal_source_v4(v4, addresses.relation(v4)),
        // An IPv4-mapped address stands for an IPv4 host inside a program, and for nobody on a wire
        // (RFC 4291 section 2.5.5.2): an answer would leave as IPv4, to whom the sender chose.
        IpAddr::V6(v6) => {
            !v6.is_multicast()
                && !v6.is_loopback()
                && !v6.is_unspecified()
                && v6.to_ipv4_mapped().is_none()
                && !is_reserved_v6(v6)
                && !addresses.has(src)
        }
    }
}

/// The same of an IPv4 address that is `relation` to us. 240/4 is reserved and holds the limited broadcast; 0/8 is
/// "this network" (RFC 1122 section 3.2.1.3).
#[inline]
pub(crate) fn is_legal_source_v4(src: Ipv4Addr, relation: Relation) -> bool {
    let first = src.octets()[0];
    relation == Relation::None && first < 224 && first != 0 && first != 127 && !is_reserved_v4(src)
}

/// 192.0.0.0/24 is kept for protocols; what has none, nobody has (RFC 6890 table 7). DS-Lite's first eight,
/// the dummy address and the PCP and TURN anycasts may send (RFC 7600, RFC 7723, RFC 8155).
const fn is_reserved_v4(address: Ipv4Addr) -> bool {
    matches!(address.octets(), [192, 0, 0, last] if last > 10)
}

/// ORCHIDs, which name no place on a network (RFC 6890 table 28).
const fn is_reserved_v6(address: Ipv6Addr) -> bool {
    matches!(address.segments(), [0x2001, 0x0010..=0x001f, ..])
}

/// Whether anything can be sent to an address at all, as far as its special purpose goes (RFC 6890): not
/// "this network", what is reserved, or an IPv4-mapped address. Groups and the limited broadcast can be
/// sent to; so can the prefixes for documentation, with which people build labs.
pub(crate) fn is_destination(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let first = v4.octets()[0];
            first != 0 && (first < 240 || v4 == Ipv4Addr::BROADCAST) && !is_reserved_v4(v4)
        }
        IpAddr::V6(v6) => !v6.is_unspecified() && v6.to_ipv4_mapped().is_none() && !is_reserved_v6(v6),
    }
}
