//! The addresses of the interfaces: commands, assignment and withdrawal on behalf of whoever
//! configures them, lifetimes, and the interface's own timer.
//!
//! Whatever gives an interface an address calls [`Stack::assign_address`]; once the address is in use
//! [`Stack::on_address_ready`] is called. Every change ends in [`Stack::arm_interface`], which makes sure
//! that the timer heap knows the interface's earliest deadline.

use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use super::Stack;
use super::dad::initial_state;
use super::schedule::TimerOwner;
use crate::config::{Acd, AddressSettings, Dad, InterfaceAddress, Medium};
use crate::error::{AddressError, DropReason, SocketError};
use crate::event::{AddressChange, Readiness};
use crate::ip::address::truncate;
use crate::ip::own_address::{AddressOrigin, AddressState, OwnAddress};
use crate::ip::route::{Route, RouteOrigin};
use crate::link::{Interface, InterfaceId};
use crate::record::Call;
use crate::socket::TcpHandle;
use crate::time::Instant;
use crate::wire::ipv6;

/// An address that an interface is to have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewAddress {
    pub(crate) address: IpAddr,
    pub(crate) prefix_len: u8,
    pub(crate) origin: AddressOrigin,
    /// When it becomes deprecated; `None` for never.
    pub(crate) preferred_until: Option<Instant>,
    /// When it is removed; `None` for never.
    pub(crate) valid_until: Option<Instant>,
}

impl NewAddress {
    /// One that the operator has set, for good.
    pub(crate) const fn fixed(own: InterfaceAddress) -> NewAddress {
        NewAddress {
            address: own.address,
            prefix_len: own.prefix_len,
            origin: AddressOrigin::Static,
            preferred_until: None,
            valid_until: None,
        }
    }
}

impl Stack {
    /// Gives an interface a further address, with its on-link route.
    ///
    /// # Errors
    ///
    /// [`AddressError`]: the address cannot be one of this interface's, or the table is full.
    pub fn add_address(
        &mut self,
        now: Instant,
        id: InterfaceId,
        address: InterfaceAddress,
    ) -> Result<(), AddressError> {
        self.record(|_| Call::AddAddress { now, interface: id, address });
        self.advance(now);
        self.commanded("address.add", SocketAddr::new(address.address, address.prefix_len.into()));
        let interface = self.interfaces.get(id.index()).ok_or(AddressError::NoInterface)?;
        if interface.addresses.find(address.address).is_some() {
            return Err(AddressError::Exists);
        }
        self.assign_address(id, NewAddress::fixed(address))
    }

    /// Takes an address from an interface, with its on-link route if no other address shares the
    /// prefix. Connections from it are reset, with [`SocketError::AddressLost`]; UDP
    /// sockets that are bound to it are told so and stay, as listeners do, for the stack may have it again.
    ///
    /// # Errors
    ///
    /// [`AddressError::NoInterface`], [`AddressError::Missing`].
    pub fn remove_address(&mut self, now: Instant, id: InterfaceId, address: IpAddr) -> Result<(), AddressError> {
        self.record(|_| Call::RemoveAddress { now, interface: id, address });
        self.advance(now);
        self.commanded("address.remove", SocketAddr::new(address, 0));
        let interface = self.interfaces.get(id.index()).ok_or(AddressError::NoInterface)?;
        interface.addresses.find(address).ok_or(AddressError::Missing)?;
        self.end_users_of(address);
        self.withdraw_address(id, address, None);
        Ok(())
    }

    /// Gives an interface an address, or one that it has new lifetimes.
    pub(crate) fn assign_address(&mut self, id: InterfaceId, new: NewAddress) -> Result<(), AddressError> {
        let now = self.now;
        let interface = self.interfaces.get_mut(id.index()).ok_or(AddressError::NoInterface)?;
        if interface.addresses.find(new.address).is_some() {
            self.refresh_address(id, &new);
            return Ok(());
        }
        check_address(interface, InterfaceAddress { address: new.address, prefix_len: new.prefix_len })?;
        if interface.addresses.len() >= usize::from(self.config.limits.addresses) {
            self.counters.addresses_refused += 1;
            return Err(AddressError::LimitReached);
        }
        let NewAddress { address, prefix_len, origin, preferred_until, valid_until } = new;
        let AddressSettings { acd, dad, dad_transmits, .. } = interface.settings;
        let state = match address {
            _ if interface.medium != Medium::Ethernet => verified_state(preferred_until, now),
            IpAddr::V4(_) if acd != Acd::Off => AddressState::Tentative,
            IpAddr::V6(_) if dad != Dad::Off && dad_transmits > 0 => initial_state(dad, origin),
            _ => verified_state(preferred_until, now),
        };
        let is_up = interface.up;
        interface.addresses.push(OwnAddress { address, prefix_len, state, origin, preferred_until, valid_until });
        self.join_groups_of_addresses(id);
        if state.is_assigned() {
            self.on_address_ready(id, address, origin);
            // What the operator has set and can be used at once is no news.
            let is_news = origin != AddressOrigin::Static;
            self.announce_address(id, address, is_news.then_some(AddressChange::Assigned));
        }
        // A link that is down shows nothing; it is asked when it comes up.
        match (address, state) {
            _ if !is_up => {}
            (IpAddr::V4(address), AddressState::Tentative) => self.claim_address(id, address),
            (IpAddr::V6(address), AddressState::Tentative | AddressState::Optimistic) => {
                self.detect_duplicates(id, address, state);
            }
            _ => {}
        }
        self.arm_interface(id);
        Ok(())
    }

    /// An address has turned out to be ours alone.
    pub(super) fn verify_address(&mut self, id: InterfaceId, address: IpAddr) {
        let now = self.now;
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        let Some(own) = interface.addresses.find_mut(address) else { return };
        let (before, origin) = (own.state, own.origin);
        own.state = verified_state(own.preferred_until, now);
        if before == AddressState::Tentative {
            self.on_address_ready(id, address, origin);
            self.announce_address(id, address, Some(AddressChange::Assigned));
        } else {
            self.announce_address(id, address, Some(AddressChange::Preferred));
        }
        self.settle_router(id);
    }

    /// The link has come up, and it may be another one: whether the addresses are ours alone is found out
    /// anew (RFC 5227 section 2.1, RFC 4862 section 5.3).
    pub(super) fn verify_addresses_again(&mut self, id: InterfaceId) {
        let Some(interface) = self.interfaces.get(id.index()) else { return };
        let unverified = |own: &&OwnAddress| match own.address {
            IpAddr::V4(_) => interface.settings.acd != Acd::Off,
            IpAddr::V6(_) => interface.settings.dad != Dad::Off && interface.settings.dad_transmits > 0,
        };
        let verifies = interface.medium == Medium::Ethernet;
        let addresses: Vec<OwnAddress> =
            interface.addresses.iter().filter(unverified).filter(|_| verifies).copied().collect();
        for OwnAddress { address, prefix_len, origin, preferred_until, valid_until, .. } in addresses {
            self.unassign_address(id, address, None);
            let again = NewAddress { address, prefix_len, origin, preferred_until, valid_until };
            if self.assign_address(id, again).is_err() {
                self.announce_address(id, address, Some(AddressChange::Removed));
            }
        }
    }

    /// RFC 4862 section 5.5.3 (e), RFC 2131 section 4.4.5: the lifetimes of an address begin anew.
    fn refresh_address(&mut self, id: InterfaceId, new: &NewAddress) {
        let now = self.now;
        let Some(own) =
            self.interfaces.get_mut(id.index()).and_then(|interface| interface.addresses.find_mut(new.address))
        else {
            return;
        };
        own.preferred_until = new.preferred_until;
        own.valid_until = new.valid_until;
        let before = own.state;
        if matches!(before, AddressState::Preferred | AddressState::Deprecated) {
            own.state = verified_state(own.preferred_until, now);
        }
        let change = match own.state {
            after if after == before => None,
            AddressState::Deprecated => Some(AddressChange::Deprecated),
            _ => Some(AddressChange::Preferred),
        };
        self.announce_address(id, new.address, change);
        self.arm_interface(id);
    }

    /// Takes an address from an interface; the application is told of `change`. What was to be said to neighbors on its
    /// account is not said any more.
    pub(crate) fn withdraw_address(&mut self, id: InterfaceId, address: IpAddr, change: Option<AddressChange>) {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        let before = interface.control.len();
        interface.control.retain(|queued| queued.what.speaks_for() != Some(address));
        let silenced = before - interface.control.len();
        (0..silenced).for_each(|_| self.drop_on(id, DropReason::NeighborWithdrawn));
        self.unassign_address(id, address, change);
    }

    /// As [`Stack::withdraw_address`], of one that comes back at once.
    fn unassign_address(&mut self, id: InterfaceId, address: IpAddr, change: Option<AddressChange>) {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        let Some(own) = interface.addresses.remove(address) else { return };
        interface.autoconf.forget(address);
        self.join_groups_of_addresses(id);
        if own.state.is_assigned() {
            self.on_address_unassigned(id, &own);
        }
        self.announce_address(id, address, change);
        self.settle_router(id);
    }

    /// An address is in use from now on.
    fn on_address_ready(&mut self, id: InterfaceId, address: IpAddr, origin: AddressOrigin) {
        self.join_groups_of_addresses(id);
        let Some(interface) = self.interfaces.get(id.index()) else { return };
        if let Some(route) = interface.addresses.find(address).and_then(|own| on_link(id, own)) {
            self.routes.add(route);
        }
        match (origin, address) {
            (AddressOrigin::Dhcp, IpAddr::V4(address)) => self.on_dhcpv4_address_ready(id, address),
            (AddressOrigin::LinkLocal, IpAddr::V4(address)) => self.identity.set_link_local(id.0, address),
            _ => {}
        }
        self.on_dhcpv6_address_ready(id, address);
        self.tell_routers(id, address);
        self.settle_router(id);
    }

    /// An address is not in use any more: its route goes, unless another address has the same.
    pub(super) fn on_address_unassigned(&mut self, id: InterfaceId, own: &OwnAddress) {
        self.routes.invalidate();
        let Some(gone) = on_link(id, own) else { return };
        let Some(interface) = self.interfaces.get(id.index()) else { return };
        let shared = interface.addresses.assigned().any(|other| on_link(id, other).as_ref() == Some(&gone));
        self.routes.remove(|route| *route == gone && !shared);
    }

    /// An address is about to be removed for good: connections from it are reset, and UDP sockets that are
    /// bound to it are told, unless another interface has it too.
    pub(super) fn end_users_of(&mut self, address: IpAddr) {
        if self.interfaces.iter().filter(|interface| interface.addresses.has(address)).count() > 1 {
            return;
        }
        self.reset_connections_of(address);
        self.tell_bound_to(address);
    }

    /// UDP sockets that are bound to an address learn that it is ours no more.
    pub(super) fn tell_bound_to(&mut self, address: IpAddr) {
        let bound = self.sockets.udp.iter().filter(|(_, slot)| slot.state.local.ip() == address);
        for handle in bound.map(|(handle, _)| handle).collect::<Vec<_>>() {
            if let Some(slot) = self.sockets.udp.get_mut(handle) {
                slot.state.on_error(SocketError::AddressLost);
                self.announce_udp(handle, Readiness::ERROR | Readiness::READABLE);
            }
        }
    }

    /// The interface's own deadline has come: whatever part of it is due acts.
    pub(super) fn on_interface_timeout(&mut self, id: InterfaceId) {
        self.advance_claims(id);
        self.advance_detections(id);
        self.advance_announcement(id);
        self.end_lifetimes(id);
        self.on_dhcpv4_timeout(id);
        self.on_dhcpv6_timeout(id);
        self.on_router_discovery_timeout(id);
        self.settle_router(id);
        self.settle_groups(id);
    }

    /// RFC 4862 section 5.5.4.
    fn end_lifetimes(&mut self, id: InterfaceId) {
        let now = self.now;
        while let Some(interface) = self.interfaces.get_mut(id.index())
            && let Some(OwnAddress { address, valid_until, .. }) = interface.addresses.due(now)
        {
            if valid_until.is_some_and(|until| until <= now) {
                self.withdraw_address(id, address, Some(AddressChange::Removed));
            } else if let Some(own) = interface.addresses.find_mut(address) {
                own.state = AddressState::Deprecated;
                self.announce_address(id, address, Some(AddressChange::Deprecated));
            }
        }
    }

    /// Resets the connections that use `address`, which is about to be given up.
    pub(super) fn reset_connections_of(&mut self, address: IpAddr) {
        let connections = self.sockets.tcp.iter().filter(|(_, slot)| slot.flow.local == address);
        let handles: Vec<TcpHandle> = connections.map(|(handle, _)| handle).collect();
        for handle in handles {
            if let Some((slot, mut env)) = self.connection(handle) {
                slot.tcb.lose_address(&mut env);
                self.settle_tcp(handle);
            }
        }
    }

    /// Makes sure that the timer heap wakes for the interface's own deadline.
    pub(crate) fn arm_interface(&mut self, id: InterfaceId) {
        let deadline = self.interfaces.get(id.index()).and_then(Interface::deadline);
        self.arm(TimerOwner::Interface(id), deadline.map(|(at, _)| at));
    }

    /// Whether one of the interfaces uses `address`.
    pub(crate) fn is_assigned(&self, address: IpAddr) -> bool {
        self.interfaces.iter().any(|interface| interface.addresses.has(address))
    }
}

/// The state of an address that is ours alone.
fn verified_state(preferred_until: Option<Instant>, now: Instant) -> AddressState {
    let ended = preferred_until.is_some_and(|until| until <= now);
    if ended { AddressState::Deprecated } else { AddressState::Preferred }
}

/// Whether `own` can be an address of the interface.
fn check_address(interface: &Interface, own: InterfaceAddress) -> Result<(), AddressError> {
    if !own.is_valid() {
        return Err(AddressError::BadAddress);
    }
    if own.address.is_ipv6() && usize::from(interface.capabilities.mtu) < ipv6::MIN_MTU {
        return Err(AddressError::MtuTooSmall);
    }
    Ok(())
}

/// The route that an address brings along.
fn on_link(interface: InterfaceId, own: &OwnAddress) -> Option<Route> {
    let prefix = truncate(own.address, own.prefix_len);
    let route = Route { origin: RouteOrigin::Address, ..Route::on_link(prefix, own.prefix_len, interface) };
    own.implies_on_link().then_some(route)
}
