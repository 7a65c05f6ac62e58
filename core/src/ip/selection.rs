//! Default address selection (RFC 6724): which of our addresses to send from, and which of several
//! destinations to try first.

use alloc::vec::Vec;
use core::cmp::Ordering;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::address::contains;
use super::own_address::{AddressOrigin, AddressState, OwnAddress};
use crate::digest::Digest;
use crate::link::Interface;

/// A row of the policy table (RFC 6724 section 2.1). An IPv4 address is looked up as an IPv4-mapped one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AddressPolicy {
    /// The addresses: the longest prefix that an address lies in is its row.
    pub prefix: Ipv6Addr,
    /// The prefix's length, 0 to 128.
    pub prefix_len: u8,
    /// Destinations of higher precedence are preferred.
    pub precedence: u8,
    /// Sources of the destination's label are preferred.
    pub label: u8,
}

impl AddressPolicy {
    const fn new(prefix: [u16; 8], prefix_len: u8, precedence: u8, label: u8) -> AddressPolicy {
        AddressPolicy { prefix: Ipv6Addr::from_segments(prefix), prefix_len, precedence, label }
    }

    /// The default policy table of RFC 6724 section 2.1.
    pub const DEFAULT: [AddressPolicy; 9] = [
        AddressPolicy::new([0, 0, 0, 0, 0, 0, 0, 1], 128, 50, 0),
        AddressPolicy::new([0; 8], 0, 40, 1),
        AddressPolicy::new([0, 0, 0, 0, 0, 0xffff, 0, 0], 96, 35, 4),
        AddressPolicy::new([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, 30, 2),
        AddressPolicy::new([0x2001, 0, 0, 0, 0, 0, 0, 0], 32, 5, 5),
        AddressPolicy::new([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, 3, 13),
        AddressPolicy::new([0; 8], 96, 1, 3),
        AddressPolicy::new([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, 1, 11),
        AddressPolicy::new([0x3ffe, 0, 0, 0, 0, 0, 0, 0], 16, 1, 12),
    ];
}

/// What addresses are chosen by.
#[derive(Clone, Debug)]
pub(crate) struct Preferences {
    /// At most `Limits::address_policies`.
    pub(crate) policies: Vec<AddressPolicy>,
    /// Rule 7's privacy preference.
    pub(crate) temporary: bool,
}

impl Preferences {
    pub(crate) fn new(temporary: bool) -> Preferences {
        Preferences { policies: AddressPolicy::DEFAULT.to_vec(), temporary }
    }

    /// The row of an address; none only where the table has been left with holes.
    fn policy(&self, address: IpAddr) -> Option<&AddressPolicy> {
        let address = IpAddr::V6(mapped(address));
        let rows = self.policies.iter().filter(|row| contains(IpAddr::V6(row.prefix), row.prefix_len, address));
        rows.max_by_key(|row| row.prefix_len)
    }

    fn label(&self, address: IpAddr) -> Option<u8> {
        self.policy(address).map(|row| row.label)
    }

    fn precedence(&self, address: IpAddr) -> u8 {
        self.policy(address).map_or(0, |row| row.precedence)
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.bool(self.temporary);
        digest.count(self.policies.len());
        for row in &self.policies {
            digest.address(row.prefix.into());
            for value in [row.prefix_len, row.precedence, row.label] {
                digest.u8(value);
            }
        }
    }
}

fn mapped(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

const LINK_LOCAL: u8 = 0x2;
const SITE_LOCAL: u8 = 0x5;
const GLOBAL: u8 = 0xe;

/// Section 3.1, and 3.2 for IPv4: the numbers are those of multicast scopes (RFC 4291 section 2.7).
fn scope(address: IpAddr) -> u8 {
    match address {
        IpAddr::V6(address) if address.is_multicast() => address.octets()[1] & 0xf,
        IpAddr::V6(address) if address.is_unicast_link_local() || address.is_loopback() => LINK_LOCAL,
        IpAddr::V6(address) if address.segments()[0] & 0xffc0 == 0xfec0 => SITE_LOCAL,
        IpAddr::V4(address) if address.is_link_local() || address.is_loopback() => LINK_LOCAL,
        // The local network control block (RFC 5771 section 4), and what never leaves the link.
        IpAddr::V4(address) if address.octets()[..3] == [224, 0, 0] || address == Ipv4Addr::BROADCAST => LINK_LOCAL,
        IpAddr::V4(_) | IpAddr::V6(_) => GLOBAL,
    }
}

/// Section 2.2: the bits that source and destination have in common, up to the length of the source's prefix.
fn common_prefix_len(source: &OwnAddress, dst: IpAddr) -> u32 {
    let common = match (source.address, dst) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        _ => 0,
    };
    common.min(source.prefix_len.into())
}

/// What makes one source better than another for a destination: section 5, in the order of its rules.
/// Rule 4 is about mobile hosts, rule 5 holds by the candidates being the outgoing interface's.
type SourceRank = (bool, u8, bool, u16, bool, bool, bool, u32);

fn rank(
    own: &OwnAddress,
    dst: IpAddr,
    next_hop: IpAddr,
    is_told_by_another: bool,
    preferences: &Preferences,
) -> SourceRank {
    let is_same = own.address == dst;
    // Rule 2: the smallest scope that is large enough, else the largest.
    let (own_scope, dst_scope) = (scope(own.address), scope(dst));
    let scope_rank = if own_scope >= dst_scope { u8::MAX - own_scope } else { own_scope };
    // Rule 3; RFC 4429 section 2.1: an optimistic address counts as deprecated.
    let is_preferred = own.state == AddressState::Preferred;
    // IPv4, which RFC 6724 leaves open: the address in the next hop's subnet (RFC 1122 section 3.3.4.3).
    let on_link = if dst.is_ipv4() && own.is_on_link(next_hop) { u16::from(own.prefix_len) + 1 } else { 0 };
    let label_matches = preferences.label(own.address) == preferences.label(dst);
    let is_wanted_kind = (own.origin == AddressOrigin::Temporary) == preferences.temporary;
    let common = common_prefix_len(own, dst);
    (is_same, scope_rank, is_preferred, on_link, !is_told_by_another, label_matches, is_wanted_kind, common)
}

/// The address of `interface` to send from towards `dst` through `next_hop`; of equal ones the first.
pub(crate) fn select_source(
    interface: &Interface,
    dst: IpAddr,
    next_hop: IpAddr,
    preferences: &Preferences,
) -> Option<IpAddr> {
    // Rule 5.5: a router takes what comes from a prefix that it has told; of another's prefix it may not.
    let is_told_by_another = |own: &OwnAddress| match (next_hop, own.address) {
        (IpAddr::V6(router), IpAddr::V6(source)) => interface.autoconf.router_discovery.is_poor_exit(router, source),
        _ => false,
    };
    best_source(interface.addresses.assigned(), dst, next_hop, is_told_by_another, preferences).map(|own| own.address)
}

/// The best of `candidates`; those of the other family are none.
pub(crate) fn best_source<'a>(
    candidates: impl DoubleEndedIterator<Item = &'a OwnAddress>,
    dst: IpAddr,
    next_hop: IpAddr,
    is_told_by_another: impl Fn(&OwnAddress) -> bool,
    preferences: &Preferences,
) -> Option<&'a OwnAddress> {
    let same_family = candidates.filter(|own| own.address.is_ipv4() == dst.is_ipv4());
    // Of equal ones `max_by_key` takes the last, and the first is wanted.
    same_family.rev().max_by_key(|own| rank(own, dst, next_hop, is_told_by_another(own), preferences))
}

/// A destination, and the address that it would be reached from; none if there is no way to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Destination {
    pub(crate) address: IpAddr,
    pub(crate) source: Option<OwnAddress>,
}

impl Destination {
    /// Section 6: `Less` if this one comes first. Rule 4 is about mobile hosts, rule 7 about tunnels;
    /// we are neither.
    fn compare(&self, other: &Destination, preferences: &Preferences) -> Ordering {
        // Rule 1.
        let (source, others_source) = match (&self.source, &other.source) {
            (Some(a), Some(b)) => (a, b),
            (a, b) => return b.is_some().cmp(&a.is_some()),
        };
        let scope_matches = |own: &OwnAddress, dst| scope(own.address) == scope(dst);
        let is_avoided = |own: &OwnAddress| own.state != AddressState::Preferred;
        let label_matches = |own: &OwnAddress, dst| preferences.label(own.address) == preferences.label(dst);
        let (a, b) = (self.address, other.address);
        // Rules 2, 3, 5, 6, 8. What is better is true or larger in some, and comes first.
        let order = scope_matches(others_source, b)
            .cmp(&scope_matches(source, a))
            .then(is_avoided(source).cmp(&is_avoided(others_source)))
            .then(label_matches(others_source, b).cmp(&label_matches(source, a)))
            .then(preferences.precedence(b).cmp(&preferences.precedence(a)))
            .then(scope(a).cmp(&scope(b)));
        // Rule 9.
        if a.is_ipv4() == b.is_ipv4() {
            order.then(common_prefix_len(others_source, b).cmp(&common_prefix_len(source, a)))
        } else {
            order
        }
    }
}

/// Sorts by section 6; equals stay as they were (rule 10). By insertion: rule 9 holds within a family
/// only, which need not make an order, and the library's sorts insist on one.
pub(crate) fn sort_destinations(destinations: &mut [Destination], preferences: &Preferences) {
    for sorted in 1..destinations.len() {
        for at in (1..=sorted).rev() {
            let in_order = match destinations.get(at - 1..=at) {
                Some([before, after]) => after.compare(before, preferences) != Ordering::Less,
                _ => true,
            };
            if in_order {
                break;
            }
            destinations.swap(at - 1, at);
        }
    }
}
