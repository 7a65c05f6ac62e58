//! What a stack keeps across restarts, so that a host is found again where it was: taken with
//! [`Stack::export_identity`](crate::Stack::export_identity), given back as `Config::identity`.
//!
//! It is apart from the seed: a host whose seed is new at every start still has the same addresses.

use alloc::vec::Vec;
use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

use crate::autoconf::dhcpv4::binding::Dhcpv4Binding;
use crate::autoconf::dhcpv6::Duid;
use crate::digest::Digest;
use crate::time::Duration;

/// The most counters that are kept; the oldest goes for a new one.
const DAD_COUNTERS_MAX: usize = 64;
/// The most link-local addresses that are kept; the oldest goes for a new one.
const LINK_LOCALS_MAX: usize = 64;

/// A host's identity. `Debug` does not print the secret.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Identity {
    /// The key of stable interface identifiers (RFC 7217 section 5, `secret_key`).
    pub secret: [u8; 16],
    /// How often an identifier was found in use by another host; oldest first, none that is 0.
    pub dad_counters: Vec<DadCounter>,
    /// By what DHCP servers know this host (RFC 8415 section 11, RFC 4361 section 6.1), once it has asked one.
    pub duid: Option<Duid>,
    /// Under which numbers DHCP servers know the associations of the interfaces.
    pub iaids: Vec<Iaid>,
    /// What DHCPv6 servers have given; at most one per interface.
    pub dhcpv6: Vec<Dhcpv6Binding>,
    /// What DHCPv4 servers have given; at most one per interface.
    pub dhcpv4: Vec<Dhcpv4Binding>,
    /// The IPv4 link-local addresses that were last used, which are tried first (RFC 3927 section 2.1); at
    /// most one per interface.
    pub link_locals: Vec<SavedLinkLocal>,
}

/// The IPv4 link-local address that an interface had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SavedLinkLocal {
    /// The interface's number.
    pub interface: u16,
    /// The address.
    pub address: Ipv4Addr,
}

/// The IAID of an interface (RFC 8415 section 12): of its addresses and its prefixes alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Iaid {
    /// The interface's number.
    pub interface: u16,
    /// The IAID.
    pub iaid: u32,
}

/// What a DHCPv6 server has given an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Dhcpv6Binding {
    /// The interface's number.
    pub interface: u16,
    /// The server.
    pub server: Duid,
    /// The addresses, and when to extend them.
    pub addresses: SavedAssociation,
    /// The delegated prefixes, and when to extend them.
    pub prefixes: SavedAssociation,
}

/// The leases of one association (RFC 8415 section 12). Times are how long it is until then; `None` for never.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SavedAssociation {
    /// The leases.
    pub leases: Vec<SavedLease>,
    /// Until T1.
    pub renew: Option<Duration>,
    /// Until T2.
    pub rebind: Option<Duration>,
}

/// A lease of before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SavedLease {
    /// The address, or the prefix.
    pub prefix: Ipv6Addr,
    /// 128 for an address.
    pub prefix_len: u8,
    /// How long it is preferred; `None` without end.
    pub preferred: Option<Duration>,
    /// How long it is valid; `None` without end.
    pub valid: Option<Duration>,
}

impl SavedAssociation {
    fn pass(&mut self, elapsed: Duration) {
        let left = |time: Option<Duration>| time.map(|time| time.saturating_sub(elapsed));
        for lease in &mut self.leases {
            (lease.preferred, lease.valid) = (left(lease.preferred), left(lease.valid));
        }
        self.leases.retain(|lease| lease.valid != Some(Duration::ZERO));
        (self.renew, self.rebind) = (left(self.renew), left(self.rebind));
    }

    fn digest(&self, digest: &mut Digest) {
        let time = |digest: &mut Digest, time: Duration| digest.u64(time.as_nanos() as u64);
        digest.count(self.leases.len());
        for lease in &self.leases {
            digest.bytes(&lease.prefix.octets());
            digest.u8(lease.prefix_len);
            digest.option(lease.preferred, time);
            digest.option(lease.valid, time);
        }
        digest.option(self.renew, time);
        digest.option(self.rebind, time);
    }
}

impl Dhcpv6Binding {
    /// Time has passed: what has expired is gone.
    pub(crate) fn pass(&mut self, elapsed: Duration) {
        self.addresses.pass(elapsed);
        self.prefixes.pass(elapsed);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.addresses.leases.is_empty() && self.prefixes.leases.is_empty()
    }
}

/// How often duplicate address detection has failed for a prefix (RFC 7217 section 5, `DAD_Counter`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DadCounter {
    /// The interface's number.
    pub interface: u16,
    /// The prefix, of 64 bits.
    pub prefix: Ipv6Addr,
    /// The count.
    pub counter: u8,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("dad_counters", &self.dad_counters).finish_non_exhaustive()
    }
}

impl Identity {
    /// A host that has not been before.
    pub const fn new(secret: [u8; 16]) -> Identity {
        Identity {
            secret,
            dad_counters: Vec::new(),
            duid: None,
            iaids: Vec::new(),
            dhcpv6: Vec::new(),
            dhcpv4: Vec::new(),
            link_locals: Vec::new(),
        }
    }

    /// It has lain idle for `elapsed`: leases are shorter by that, and those that have expired are gone.
    pub fn pass(&mut self, elapsed: Duration) {
        for binding in &mut self.dhcpv6 {
            binding.pass(elapsed);
        }
        self.dhcpv6.retain(|binding| !binding.is_empty());
        for binding in &mut self.dhcpv4 {
            binding.pass(elapsed);
        }
        self.dhcpv4.retain(|binding| !binding.is_over());
    }

    /// The IAID of an interface: the one that it has had, or else `new`.
    pub(crate) fn iaid(&mut self, interface: u16, new: u32) -> u32 {
        if let Some(known) = self.iaids.iter().find(|known| known.interface == interface) {
            return known.iaid;
        }
        self.iaids.push(Iaid { interface, iaid: new });
        new
    }

    pub(crate) fn take_dhcpv6_binding(&mut self, interface: u16) -> Option<Dhcpv6Binding> {
        let at = self.dhcpv6.iter().position(|binding| binding.interface == interface)?;
        Some(self.dhcpv6.remove(at))
    }

    pub(crate) fn take_dhcpv4_binding(&mut self, interface: u16) -> Option<Dhcpv4Binding> {
        let at = self.dhcpv4.iter().position(|binding| binding.interface == interface)?;
        Some(self.dhcpv4.remove(at))
    }

    pub(crate) fn link_local(&self, interface: u16) -> Option<Ipv4Addr> {
        self.link_locals.iter().find(|saved| saved.interface == interface).map(|saved| saved.address)
    }

    pub(crate) fn set_link_local(&mut self, interface: u16, address: Ipv4Addr) {
        self.link_locals.retain(|saved| saved.interface != interface);
        if self.link_locals.len() >= LINK_LOCALS_MAX {
            self.link_locals.remove(0);
        }
        self.link_locals.push(SavedLinkLocal { interface, address });
    }

    pub(crate) fn dad_counter(&self, interface: u16, prefix: Ipv6Addr) -> u8 {
        let of = |entry: &&DadCounter| entry.interface == interface && entry.prefix == prefix;
        self.dad_counters.iter().find(of).map_or(0, |entry| entry.counter)
    }

    pub(crate) fn set_dad_counter(&mut self, interface: u16, prefix: Ipv6Addr, counter: u8) {
        self.dad_counters.retain(|entry| entry.interface != interface || entry.prefix != prefix);
        if self.dad_counters.len() >= DAD_COUNTERS_MAX {
            self.dad_counters.remove(0);
        }
        self.dad_counters.push(DadCounter { interface, prefix, counter });
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.bytes(&self.secret);
        digest.count(self.dad_counters.len());
        for entry in &self.dad_counters {
            digest.u16(entry.interface);
            digest.bytes(&entry.prefix.octets());
            digest.u8(entry.counter);
        }
        digest.option(self.duid.as_ref(), |digest, duid| duid.digest(digest));
        digest.count(self.iaids.len());
        for known in &self.iaids {
            digest.u16(known.interface);
            digest.u32(known.iaid);
        }
        digest.count(self.dhcpv6.len());
        for binding in &self.dhcpv6 {
            digest.u16(binding.interface);
            binding.server.digest(digest);
            binding.addresses.digest(digest);
            binding.prefixes.digest(digest);
        }
        digest.count(self.dhcpv4.len());
        for binding in &self.dhcpv4 {
            binding.digest(digest);
        }
        digest.count(self.link_locals.len());
        for saved in &self.link_locals {
            digest.u16(saved.interface);
            digest.address(saved.address.into());
        }
    }
}
