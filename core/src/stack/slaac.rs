//! Addresses that we form ourselves: link-local ones, stable ones from a router's prefixes (RFC 4862
//! section 5.5, RFC 7217), and temporary ones beside these (RFC 8981).

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};

use super::Stack;
use super::addresses::NewAddress;
use crate::autoconf::interface_id;
use crate::autoconf::prefixes::{Lifetimes, LinkPrefix};
use crate::autoconf::temporary::TEMP_IDGEN_RETRIES;
use crate::event::AddressChange;
use crate::ip::own_address::AddressOrigin;
use crate::link::InterfaceId;

/// How many identifiers are tried for a prefix (RFC 7217 section 7, `IDGEN_RETRIES`).
const IDGEN_RETRIES: u8 = 3;
/// The prefix of link-local addresses (RFC 4291 section 2.5.6).
const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0);
/// The length of the prefixes that addresses are formed from (RFC 4291 section 2.5.1).
const PREFIX_LEN: u8 = 64;

impl Stack {
    /// RFC 4862 section 5.3.
    pub(super) fn form_link_local(&mut self, id: InterfaceId) {
        let Some(address) = self.stable_address(id, LINK_LOCAL) else { return };
        let forever = Lifetimes { preferred_until: None, valid_until: None };
        self.assign_formed(id, address, AddressOrigin::LinkLocal, forever);
    }

    /// A router has told `prefix`, from which addresses are to be formed: those that are there get its
    /// lifetimes, those that are missing are made.
    pub(super) fn form_addresses(&mut self, id: InterfaceId, prefix: Ipv6Addr) {
        let prefix = crate::autoconf::truncate(prefix, PREFIX_LEN);
        let Some(lifetimes) = self.lifetimes_of(id, prefix) else { return };
        let Some(interface) = self.interfaces.get(id.index()) else { return };
        let formed = interface.addresses.iter().find_map(|own| match own.address {
            IpAddr::V6(address) if own.origin == AddressOrigin::Slaac && prefix_of(address) == prefix => Some(address),
            _ => None,
        });
        if let Some(address) = formed.or_else(|| self.stable_address(id, prefix)) {
            self.assign_formed(id, address, AddressOrigin::Slaac, lifetimes);
        }
        if self.config.slaac.temporary_addresses {
            self.refresh_temporaries(id, prefix, lifetimes);
        }
    }

    /// The lifetimes that the routers give addresses of a prefix; `None` if there are to be none.
    fn lifetimes_of(&self, id: InterfaceId, prefix: Ipv6Addr) -> Option<Lifetimes> {
        let discovery = &self.interfaces.get(id.index())?.autoconf.router_discovery;
        discovery.prefixes.find(prefix, PREFIX_LEN)?.autonomous
    }

    /// Our stable address of a prefix; `None` once too many were found in use.
    fn stable_address(&self, id: InterfaceId, prefix: Ipv6Addr) -> Option<Ipv6Addr> {
        let interface = self.interfaces.get(id.index())?;
        if interface.autoconf.router_discovery.is_hopeless(prefix) {
            return None;
        }
        if self.config.slaac.eui64 {
            return Some(interface_id::address(prefix, interface_id::eui64(interface.hardware_address)));
        }
        let first = self.identity.dad_counter(id.0, prefix);
        (first..=IDGEN_RETRIES)
            .map(|counter| interface_id::opaque(&self.identity.secret, id.0, prefix, counter))
            .find(|interface_id| !interface_id::is_reserved(*interface_id))
            .map(|interface_id| interface_id::address(prefix, interface_id))
    }

    /// Gives the interface an address that was formed. One that it has from elsewhere is left as it is.
    fn assign_formed(&mut self, id: InterfaceId, address: Ipv6Addr, origin: AddressOrigin, lifetimes: Lifetimes) {
        let Some(interface) = self.interfaces.get(id.index()) else { return };
        let address = IpAddr::V6(address);
        if interface.addresses.find(address).is_some_and(|own| own.origin != origin) {
            return;
        }
        let Lifetimes { preferred_until, valid_until } = lifetimes;
        let new = NewAddress { address, prefix_len: PREFIX_LEN, origin, preferred_until, valid_until };
        // What stands in the way has been counted; the next advertisement tries again.
        let _ = self.assign_address(id, new);
    }

    /// RFC 8981 section 3.4, steps 1 to 3.
    fn refresh_temporaries(&mut self, id: InterfaceId, prefix: Ipv6Addr, lifetimes: Lifetimes) {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        let addresses = &interface.addresses;
        let temporaries = &mut interface.autoconf.router_discovery.temporaries;
        temporaries.retain(|address| addresses.find(IpAddr::V6(address)).is_some());
        let own = temporaries.refresh(prefix, lifetimes, &self.config.slaac);
        let serves = temporaries.serves(prefix);
        for (address, lifetimes) in own {
            self.assign_formed(id, address, AddressOrigin::Temporary, lifetimes);
        }
        if !serves {
            self.form_temporary(id, prefix, 0);
        }
    }

    /// RFC 8981 section 3.4, steps 4 to 7.
    fn form_temporary(&mut self, id: InterfaceId, prefix: Ipv6Addr, retries: u8) {
        let Some(lifetimes) = self.lifetimes_of(id, prefix) else { return };
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        let temporaries = &mut interface.autoconf.router_discovery.temporaries;
        let (config, random) = (&self.config.slaac, &mut self.random.temporary_addresses);
        if let Some((address, own)) = temporaries.draw(self.now, prefix, lifetimes, retries, config, random) {
            self.assign_formed(id, address, AddressOrigin::Temporary, own);
        }
    }

    /// Temporary addresses whose preferred lifetime is about to end get their successors (RFC 8981 section 3.6).
    pub(super) fn succeed_temporaries(&mut self, id: InterfaceId) {
        let now = self.now;
        while let Some(interface) = self.interfaces.get_mut(id.index())
            && let Some(prefix) = interface.autoconf.router_discovery.temporaries.due(now)
        {
            self.form_temporary(id, prefix, 0);
        }
    }

    /// A prefix had to go for another: so do our addresses of it.
    pub(super) fn withdraw_formed(&mut self, id: InterfaceId, prefix: &LinkPrefix) {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        let formed: Vec<IpAddr> = interface
            .addresses
            .iter()
            .filter(|own| matches!(own.origin, AddressOrigin::Slaac | AddressOrigin::Temporary))
            .map(|own| own.address)
            .filter(|address| matches!(address, IpAddr::V6(address) if prefix.contains(*address)))
            .collect();
        for address in formed {
            self.withdraw_address(id, address, Some(AddressChange::Removed));
        }
    }

    /// Another host has an address that we have formed: the next one is tried (RFC 7217 section 6, RFC 8981
    /// section 3.4, step 7). An identifier that is made from the hardware address has no next one.
    pub(super) fn on_formed_conflict(&mut self, id: InterfaceId, address: Ipv6Addr, origin: AddressOrigin) {
        if origin == AddressOrigin::Temporary {
            let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
            let Some((prefix, retries)) = interface.autoconf.router_discovery.temporaries.remove(address) else {
                return;
            };
            if retries < TEMP_IDGEN_RETRIES {
                self.form_temporary(id, prefix, retries + 1);
            } else {
                interface.autoconf.router_discovery.temporaries.give_up(prefix);
                self.counters.slaac_given_up += 1;
            }
            return;
        }
        let prefix = prefix_of(address);
        let counter = self.identity.dad_counter(id.0, prefix);
        if self.config.slaac.eui64 || counter >= IDGEN_RETRIES {
            self.counters.slaac_given_up += 1;
            if let Some(interface) = self.interfaces.get_mut(id.index()) {
                interface.autoconf.router_discovery.give_up(prefix);
            }
            return;
        }
        self.identity.set_dad_counter(id.0, prefix, counter + 1);
        match origin {
            AddressOrigin::LinkLocal => self.form_link_local(id),
            _ => self.form_addresses(id, prefix),
        }
    }
}

fn prefix_of(address: Ipv6Addr) -> Ipv6Addr {
    crate::autoconf::truncate(address, PREFIX_LEN)
}
