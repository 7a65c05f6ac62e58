//! DHCPv6 on an interface: commands, and the client's actions performed (RFC 8415).
//!
//! Whatever tells the client something does so through [`Stack::with_dhcpv6`], which then does what the
//! client asks for.

use alloc::boxed::Box;
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::{IpAddr, Ipv6Addr};

use super::interfaces::numbered;
use super::{NewAddress, Stack};
use crate::autoconf::dhcpv6::{Action, Dhcpv6Client, Dhcpv6Info, Dhcpv6Request, Duid, Env, Settings};
use crate::autoconf::router_discovery::ManagedFlags;
use crate::config::Medium;
use crate::error::{Dhcpv6Error, DropReason};
use crate::event::AddressChange;
use crate::frame::TxBatch;
use crate::identity::Dhcpv6Binding;
use crate::ip::address::{Delivery, is_link_local};
use crate::ip::input::Received;
use crate::ip::own_address::AddressOrigin;
use crate::ip::packet::{Body, Packet};
use crate::ip::route::{Route, RouteOrigin, Target};
use crate::link::neighbor::Origin;
use crate::link::{Control, InterfaceId};
use crate::record::Call;
use crate::time::Instant;
use crate::wire::dhcpv6::{ALL_SERVERS, CLIENT_PORT, Dhcpv6Message, SERVER_PORT};
use crate::wire::ipv6;

/// Messages to the group go no further than the link.
const HOP_LIMIT: u8 = 1;

impl Stack {
    /// Starts the DHCPv6 client of an interface, or has the one that runs ask for more. It begins once
    /// the interface has a link-local address. Router advertisements start it too, if
    /// `Dhcpv6Config::follow_routers` is set.
    ///
    /// # Errors
    ///
    /// [`Dhcpv6Error::NoInterface`], [`Dhcpv6Error::MtuTooSmall`], [`Dhcpv6Error::BadPrefixLength`],
    /// [`Dhcpv6Error::Ending`].
    pub fn dhcpv6_start(&mut self, now: Instant, id: InterfaceId, request: Dhcpv6Request) -> Result<(), Dhcpv6Error> {
        self.record(|_| Call::Dhcpv6Start { now, interface: id, request });
        self.advance(now);
        self.commanded("dhcpv6.start", numbered(id));
        let interface = self.interfaces.get(id.index()).ok_or(Dhcpv6Error::NoInterface)?;
        if usize::from(interface.capabilities.mtu) < ipv6::MIN_MTU {
            return Err(Dhcpv6Error::MtuTooSmall);
        }
        if request.prefixes.is_some_and(|prefix_len| prefix_len > 128) {
            return Err(Dhcpv6Error::BadPrefixLength);
        }
        self.run_dhcpv6(id, request)
    }

    /// Gives all leases back: the addresses are withdrawn at once, the server is told, and the client ends.
    ///
    /// # Errors
    ///
    /// [`Dhcpv6Error::NoInterface`], [`Dhcpv6Error::NotRunning`].
    pub fn dhcpv6_release(&mut self, now: Instant, id: InterfaceId) -> Result<(), Dhcpv6Error> {
        self.record(|_| Call::Dhcpv6Release { now, interface: id });
        self.advance(now);
        self.commanded("dhcpv6.release", numbered(id));
        let interface = self.interfaces.get(id.index()).ok_or(Dhcpv6Error::NoInterface)?;
        interface.autoconf.dhcpv6.as_ref().ok_or(Dhcpv6Error::NotRunning)?;
        self.with_dhcpv6(id, Dhcpv6Client::release);
        Ok(())
    }

    /// The interface may be on another link than before: leases are confirmed, or verified by a Rebind if
    /// there are delegated prefixes (section 18.2.12).
    ///
    /// # Errors
    ///
    /// [`Dhcpv6Error::NoInterface`], [`Dhcpv6Error::NotRunning`].
    pub fn dhcpv6_check_link(&mut self, now: Instant, id: InterfaceId) -> Result<(), Dhcpv6Error> {
        self.record(|_| Call::Dhcpv6CheckLink { now, interface: id });
        self.advance(now);
        self.commanded("dhcpv6.check_link", numbered(id));
        self.interfaces.get(id.index()).ok_or(Dhcpv6Error::NoInterface)?;
        self.with_dhcpv6(id, Dhcpv6Client::check_link).ok_or(Dhcpv6Error::NotRunning)
    }

    /// What the DHCPv6 client of an interface has and does; `None` if there is none.
    pub fn dhcpv6(&self, id: InterfaceId) -> Option<Dhcpv6Info> {
        self.interfaces.get(id.index())?.autoconf.dhcpv6.as_ref().map(|client| client.info())
    }

    /// A router has said whether addresses (M) and other configuration (O) come from DHCPv6 (RFC 4861
    /// section 4.2). A flag that is not set any more ends nothing.
    pub(super) fn follow_managed_flags(&mut self, id: InterfaceId, flags: ManagedFlags) {
        let ManagedFlags { managed, other } = flags;
        let config = &self.config.dhcpv6;
        if config.follow_routers && (managed || other) {
            let prefixes = config.prefix_delegation.filter(|_| managed);
            // One that ends has been told to by the application.
            let _ = self.run_dhcpv6(id, Dhcpv6Request { addresses: managed, prefixes });
        }
    }

    fn run_dhcpv6(&mut self, id: InterfaceId, request: Dhcpv6Request) -> Result<(), Dhcpv6Error> {
        let settings = self.dhcpv6_settings();
        let duid = self.dhcpv6_duid(id);
        let interface = self.interfaces.get_mut(id.index()).ok_or(Dhcpv6Error::NoInterface)?;
        if interface.autoconf.dhcpv6.as_ref().is_some_and(|client| client.ends()) {
            return Err(Dhcpv6Error::Ending);
        }
        if interface.autoconf.dhcpv6.is_none() {
            // Section 12: consistent across restarts, and another one on each interface.
            let new = if interface.medium == Medium::Ethernet {
                let [_, _, low @ ..] = interface.hardware_address.0;
                u32::from_be_bytes(low)
            } else {
                id.0.into()
            };
            let iaid = self.identity.iaid(id.0, new);
            let mut client = Dhcpv6Client::new(settings, duid, iaid, request);
            if let Some(binding) = self.identity.take_dhcpv6_binding(id.0) {
                client.restore(self.now, self.began, binding);
            }
            interface.autoconf.dhcpv6 = Some(Box::new(client));
        }
        self.with_dhcpv6(id, |client, env| client.want(env, request));
        self.begin_dhcpv6(id);
        Ok(())
    }

    /// The client begins, if there is a link, and an address to send from.
    pub(super) fn begin_dhcpv6(&mut self, id: InterfaceId) {
        let up = self.interfaces.get(id.index()).is_some_and(|interface| interface.up);
        if up && self.dhcpv6_source(id).is_some() {
            self.with_dhcpv6(id, Dhcpv6Client::begin);
        }
    }

    fn dhcpv6_settings(&self) -> Settings {
        let config = &self.config.dhcpv6;
        Settings {
            rapid_commit: config.rapid_commit,
            reconfigure: config.reconfigure,
            rate: config.messages_per_20s,
            offers: usize::from(self.config.limits.dhcpv6_offers),
            leases: usize::from(self.config.limits.dhcpv6_leases),
        }
    }

    /// The DUID of the whole host (section 11), made by the first interface that asked: of its hardware
    /// address, or a UUID if it has none (RFC 6355).
    pub(super) fn dhcpv6_duid(&mut self, id: InterfaceId) -> Duid {
        let interface = self.interfaces.get(id.index()).filter(|interface| interface.medium == Medium::Ethernet);
        let hardware = interface.map(|interface| interface.hardware_address);
        let random = &mut self.random.dhcpv6;
        let uuid = || Duid::uuid(core::array::from_fn(|_| random.next_u32() as u8));
        self.identity.duid.get_or_insert_with(|| hardware.map_or_else(uuid, Duid::link_layer)).clone()
    }

    /// The link-local address that messages leave from (section 17.1).
    fn dhcpv6_source(&self, id: InterfaceId) -> Option<Ipv6Addr> {
        let mut assigned = self.interfaces.get(id.index())?.addresses.assigned();
        assigned.find_map(|own| match own.address {
            IpAddr::V6(address) if is_link_local(own.address) => Some(address),
            _ => None,
        })
    }

    /// An address is in use from now on: if it is a link-local one, the client can begin.
    pub(super) fn on_dhcpv6_address_ready(&mut self, id: InterfaceId, address: IpAddr) {
        if address.is_ipv6() && is_link_local(address) {
            self.begin_dhcpv6(id);
        }
    }

    /// Another host has an address that a server gave us.
    pub(super) fn on_dhcpv6_conflict(&mut self, id: InterfaceId, address: Ipv6Addr) {
        self.with_dhcpv6(id, |client, env| client.on_conflict(env, address));
    }

    /// The leases that are held now, for the next start.
    pub(super) fn dhcpv6_bindings(&self, now: Instant) -> Vec<Dhcpv6Binding> {
        let running = self.interfaces.iter().filter_map(|interface| {
            interface.autoconf.dhcpv6.as_deref().and_then(|client| client.binding(now, interface.id.0))
        });
        // What no client has taken up since the last start goes on to the next.
        let unused = self.identity.dhcpv6.iter().cloned().filter_map(|mut binding| {
            binding.pass(now.since(self.began));
            (!binding.is_empty()).then_some(binding)
        });
        running.chain(unused).collect()
    }

    pub(super) fn on_dhcpv6_timeout(&mut self, id: InterfaceId) {
        let now = self.now;
        let deadline = |client: &Dhcpv6Client| client.deadline().is_some_and(|at| at <= now);
        let due =
            self.interfaces.get(id.index()).is_some_and(|own| own.autoconf.dhcpv6.as_deref().is_some_and(deadline));
        if due {
            self.with_dhcpv6(id, Dhcpv6Client::on_timeout);
        }
    }

    /// Whether datagrams to port 546 on this interface are the client's, and not a socket's.
    pub(super) fn hears_dhcpv6(&self, id: InterfaceId, dst_port: u16) -> bool {
        let runs = || self.interfaces.get(id.index()).is_some_and(|interface| interface.autoconf.dhcpv6.is_some());
        dst_port == CLIENT_PORT && runs()
    }

    pub(super) fn receive_dhcpv6(
        &mut self,
        id: InterfaceId,
        received: &Received,
        payload: &[u8],
    ) -> Result<(), DropReason> {
        let message = Dhcpv6Message::parse(payload)?;
        let to_us = received.delivery == Delivery::Unicast;
        let heard = self.with_dhcpv6(id, |client, env| client.on_message(env, &message, to_us));
        heard.unwrap_or(Err(DropReason::UdpNoSocket))?;
        self.counters.dhcpv6_received += 1;
        Ok(())
    }

    /// Tells the client of an interface something, and does what it asks for.
    pub(super) fn with_dhcpv6<T>(
        &mut self,
        id: InterfaceId,
        tell: impl FnOnce(&mut Dhcpv6Client, &mut Env<'_>) -> T,
    ) -> Option<T> {
        let slot = &mut self.interfaces.get_mut(id.index())?.autoconf.dhcpv6;
        let client = slot.as_mut()?;
        let outcome = tell(client, &mut Env { now: self.now, random: &mut self.random.dhcpv6 });
        let (actions, tally) = (client.take_actions(), client.take_tally());
        if client.is_over() {
            *slot = None;
        }
        self.counters.dhcpv6_postponed += tally.postponed;
        self.counters.dhcpv6_refused += tally.refused;
        for action in actions {
            self.perform_dhcpv6(id, action);
        }
        self.arm_interface(id);
        Some(outcome)
    }

    fn perform_dhcpv6(&mut self, id: InterfaceId, action: Action) {
        match action {
            Action::Send(transaction) => {
                if let Err(reason) = self.queue_control(id, Control::Dhcpv6 { transaction }) {
                    self.drop_on(id, reason);
                }
            }
            Action::Assign { address, preferred_until, valid_until } => {
                let origin = AddressOrigin::Dhcp;
                // Section 18.2.10.1: nothing is said about the link. A full table has counted it.
                let new = NewAddress { address: address.into(), prefix_len: 128, origin, preferred_until, valid_until };
                let _ = self.assign_address(id, new);
            }
            Action::Withdraw(address) => self.withdraw_address(id, address.into(), Some(AddressChange::Removed)),
            Action::Delegate { prefix, prefix_len } => {
                let route = delegated(prefix, prefix_len);
                if self.routes.contains(&route) {
                    return;
                }
                if self.routes.len() >= self.config.limits.routes as usize {
                    self.counters.dhcpv6_refused += 1;
                    return;
                }
                self.routes.add(route);
            }
            Action::Undelegate { prefix, prefix_len } => {
                self.routes.remove(|route| route.is_same(&delegated(prefix, prefix_len)));
            }
            Action::Configured => self.announce_configuration(id),
        }
    }

    /// A message leaves, if what it is about goes on and there is still an address to send it from.
    pub(super) fn transmit_dhcpv6(&mut self, id: InterfaceId, transaction: u32, batch: &mut TxBatch) {
        let Some(src) = self.dhcpv6_source(id) else { return self.drop_on(id, DropReason::NoRoute) };
        let client = self.interfaces.get(id.index()).and_then(|interface| interface.autoconf.dhcpv6.as_deref());
        let Some(message) = client.and_then(|client| client.message(self.now, transaction)) else { return };
        let body = Body::Datagram { src_port: CLIENT_PORT, dst_port: SERVER_PORT, data: Bytes::from(message) };
        let dst = IpAddr::V6(ALL_SERVERS);
        let packet = Packet { hop_limit: HOP_LIMIT, ..Packet::to(src.into(), dst, dst, body) };
        self.counters.dhcpv6_sent += 1;
        self.transmit_packet(id, packet, Origin::Local, batch);
    }
}

/// What of a delegated prefix is not in use goes nowhere, rather than back to the router that sends it
/// here (RFC 7084 section 4.3, requirement WPD-5).
fn delegated(prefix: Ipv6Addr, prefix_len: u8) -> Route {
    let origin = RouteOrigin::Dhcp;
    Route { origin, ..Route::refusing(IpAddr::V6(prefix), prefix_len, Target::Blackhole) }
}
