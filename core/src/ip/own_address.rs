//! The addresses of an interface: their states, where they come from, and how long they last
//! (RFC 4862 section 5.5.4, RFC 5227).

use core::net::{IpAddr, Ipv4Addr};
use smallvec::SmallVec;

use super::address::contains;
use crate::config::InterfaceAddress;
use crate::digest::Digest;
use crate::time::Instant;

/// What an address may be used for (RFC 4862 section 2, RFC 4429 section 2.1; for IPv4 alike).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AddressState {
    /// Its uniqueness is being verified: nothing is sent from it or received at it.
    Tentative,
    /// Its uniqueness is being verified while it is in use already, with the care of RFC 4429.
    Optimistic,
    /// In use without restriction.
    Preferred,
    /// Its preferred lifetime has ended: what uses it goes on, nothing new should begin.
    Deprecated,
    /// Another host has it: it is not used.
    Duplicated,
}

impl AddressState {
    /// Whether packets are received at an address in this state, and sent from it.
    #[inline]
    pub const fn is_assigned(self) -> bool {
        matches!(self, AddressState::Optimistic | AddressState::Preferred | AddressState::Deprecated)
    }

    /// The state's name, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            AddressState::Tentative => "tentative",
            AddressState::Optimistic => "optimistic",
            AddressState::Preferred => "preferred",
            AddressState::Deprecated => "deprecated",
            AddressState::Duplicated => "duplicated",
        }
    }
}

/// Who has given an interface an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AddressOrigin {
    /// The operator, or the application.
    Static,
    /// Link-local autoconfiguration (RFC 3927, RFC 4862 section 5.3).
    LinkLocal,
    /// A prefix that a router has advertised (RFC 4862 section 5.5).
    Slaac,
    /// The same, for a temporary address (RFC 8981).
    Temporary,
    /// A DHCP server (RFC 2131, RFC 8415).
    Dhcp,
}

impl AddressOrigin {
    /// The origin's name, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            AddressOrigin::Static => "static",
            AddressOrigin::LinkLocal => "link-local",
            AddressOrigin::Slaac => "slaac",
            AddressOrigin::Temporary => "temporary",
            AddressOrigin::Dhcp => "dhcp",
        }
    }
}

/// An address of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnAddress {
    /// The address.
    pub address: IpAddr,
    /// The prefix length: 0 to 32 for IPv4, 0 to 128 for IPv6.
    pub prefix_len: u8,
    /// What it may be used for.
    pub state: AddressState,
    /// Who gave it.
    pub origin: AddressOrigin,
    /// When it becomes deprecated; `None` for never.
    pub preferred_until: Option<Instant>,
    /// When it is removed; `None` for never.
    pub valid_until: Option<Instant>,
}

impl OwnAddress {
    /// The subnet's directed broadcast address; none for IPv6 and for prefixes of 31 (RFC 3021) and 32 bits.
    #[inline]
    pub(crate) fn broadcast(&self) -> Option<Ipv4Addr> {
        self.prefix().broadcast()
    }

    /// Whether `other` lies in this address's prefix.
    pub fn is_on_link(&self, other: IpAddr) -> bool {
        contains(self.address, self.prefix_len, other)
    }

    #[inline]
    pub(crate) const fn prefix(&self) -> InterfaceAddress {
        InterfaceAddress { address: self.address, prefix_len: self.prefix_len }
    }

    /// Whether its prefix is on the link by that alone. What routers and servers give says
    /// nothing about the link (RFC 5942 section 4): the prefix is on it only if a router says so.
    pub(crate) const fn implies_on_link(&self) -> bool {
        match self.origin {
            AddressOrigin::Static | AddressOrigin::LinkLocal => true,
            AddressOrigin::Dhcp => self.address.is_ipv4(),
            AddressOrigin::Slaac | AddressOrigin::Temporary => false,
        }
    }

    /// When a lifetime next ends.
    fn deadline(&self) -> Option<Instant> {
        let preferred = self.preferred_until.filter(|_| self.state == AddressState::Preferred);
        [preferred, self.valid_until].into_iter().flatten().min()
    }
}

/// What an IPv4 address is to an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    /// One of its own, in use.
    Own,
    /// The directed broadcast address of a subnet that it is in.
    Broadcast,
    None,
}

/// The addresses of one interface, in the order in which it was given them; at most `Limits::addresses`.
#[derive(Clone, Debug, Default)]
pub(crate) struct AddressTable(SmallVec<[OwnAddress; 4]>);

impl AddressTable {
    pub(crate) fn as_slice(&self) -> &[OwnAddress] {
        &self.0
    }

    pub(crate) fn iter(&self) -> core::slice::Iter<'_, OwnAddress> {
        self.0.iter()
    }

    /// Those that are in use.
    pub(crate) fn assigned(&self) -> impl DoubleEndedIterator<Item = &OwnAddress> + Clone {
        self.0.iter().filter(|own| own.state.is_assigned())
    }

    /// Whether `address` is in use here. By family first: comparing both families' at once makes the
    /// processor wait for an address that was only just read from the packet.
    #[inline]
    pub(crate) fn has(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self
                .0
                .iter()
                .any(|own| matches!(own.address, IpAddr::V4(other) if other == address) && own.state.is_assigned()),
            IpAddr::V6(address) => self
                .0
                .iter()
                .any(|own| matches!(own.address, IpAddr::V6(other) if other == address) && own.state.is_assigned()),
        }
    }

    /// What an IPv4 address is to us.
    pub(crate) fn relation(&self, address: Ipv4Addr) -> Relation {
        let [relation, _] = self.relations([address; 2]);
        relation
    }

    /// What both IPv4 addresses of a received packet are to us, source and destination: one look at each of ours.
    #[inline]
    pub(crate) fn relations(&self, addresses: [Ipv4Addr; 2]) -> [Relation; 2] {
        let mut found = [Relation::None; 2];
        for own in &self.0 {
            let IpAddr::V4(ours) = own.address else { continue };
            if !own.state.is_assigned() {
                continue;
            }
            let broadcast = own.broadcast();
            for (found, address) in found.iter_mut().zip(addresses) {
                if address == ours {
                    *found = Relation::Own;
                } else if Some(address) == broadcast && *found == Relation::None {
                    *found = Relation::Broadcast;
                }
            }
        }
        found
    }

    /// Whether `address` is the directed broadcast address of a subnet that we are in.
    #[inline]
    pub(crate) fn is_broadcast(&self, address: Ipv4Addr) -> bool {
        self.0.iter().any(|own| own.broadcast() == Some(address) && own.state.is_assigned())
    }

    /// The entry of `address`, in whatever state.
    pub(crate) fn find(&self, address: IpAddr) -> Option<&OwnAddress> {
        self.0.iter().find(|own| own.address == address)
    }

    pub(crate) fn find_mut(&mut self, address: IpAddr) -> Option<&mut OwnAddress> {
        self.0.iter_mut().find(|own| own.address == address)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn push(&mut self, own: OwnAddress) {
        self.0.push(own);
    }

    pub(crate) fn remove(&mut self, address: IpAddr) -> Option<OwnAddress> {
        let at = self.0.iter().position(|own| own.address == address)?;
        Some(self.0.remove(at))
    }

    /// When a lifetime next ends.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.0.iter().filter_map(OwnAddress::deadline).min()
    }

    /// An address one of whose lifetimes has ended by `now`.
    pub(crate) fn due(&self, now: Instant) -> Option<OwnAddress> {
        self.0.iter().find(|own| own.deadline().is_some_and(|at| at <= now)).copied()
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.count(self.0.len());
        for own in &self.0 {
            digest.address(own.address);
            digest.u8(own.prefix_len);
            digest.u8(own.state as u8);
            digest.u8(own.origin as u8);
            digest.option(own.preferred_until, Digest::instant);
            digest.option(own.valid_until, Digest::instant);
        }
    }
}
