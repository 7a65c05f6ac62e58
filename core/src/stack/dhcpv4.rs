//! The DHCPv4 clients of the interfaces: commands and questions, messages to and from them, and what
//! they want done (RFC 2131).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::receive::is_vouched;
use super::{NewAddress, Stack};
use crate::autoconf::dhcpv4::binding::Dhcpv4Binding;
use crate::autoconf::dhcpv4::config::Dhcpv4Config;
use crate::autoconf::dhcpv4::settings::{Dhcpv4Route, Dhcpv4Settings};
use crate::autoconf::dhcpv4::{Action, Actions, Destination, Dhcpv4Client, Dhcpv4State, Env, Lease, Outgoing};
use crate::config::Medium;
use crate::error::{Dhcpv4Error, DropReason};
use crate::event::AddressChange;
use crate::frame::{Frame, TxBatch};
use crate::ip::output::LinkHeader;
use crate::ip::own_address::AddressOrigin;
use crate::ip::packet::{Body, Packet};
use crate::ip::route::{Query, Route, RouteOrigin};
use crate::link::neighbor::Origin;
use crate::link::{Control, Interface, InterfaceId};
use crate::record::Call;
use crate::time::Instant;
use crate::wire::arp::{ArpOperation, ArpPacket};
use crate::wire::checksum::Sum;
use crate::wire::dhcpv4::{self, Dhcpv4Message};
use crate::wire::ethernet::{self, EthernetAddress, EthernetHeader};
use crate::wire::ipv4::{IpProtocol, Ipv4Packet};
use crate::wire::ipv4_options::IpOptions;
use crate::wire::udp::UdpDatagram;

/// Type byte of a client identifier made of IAID and DUID (RFC 4361 section 6.1).
const CLIENT_ID_DUID: u8 = 255;

/// What is known of an interface's DHCPv4 client.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Dhcpv4Info<'a> {
    /// Its state.
    pub state: Dhcpv4State,
    /// How servers know it: type byte and the rest.
    pub client_id: &'a [u8],
    /// The lease that is held, or sought again.
    pub lease: Option<Dhcpv4LeaseInfo>,
    /// What servers have told about the network, as long as it holds.
    pub settings: Option<&'a Dhcpv4Settings>,
    /// When the open question is asked again.
    pub retransmit_at: Option<Instant>,
    /// How often it was asked.
    pub transmissions: u8,
}

/// A lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dhcpv4LeaseInfo {
    /// The address.
    pub address: Ipv4Addr,
    /// The length of its subnet's prefix, 1 to 32.
    pub prefix_len: u8,
    /// The server.
    pub server: Ipv4Addr,
    /// Whether the address can be used: no conflict was found.
    pub usable: bool,
    /// T1: when the server is asked for more time; `None` for never.
    pub renew_at: Option<Instant>,
    /// T2: when any server is; `None` for never.
    pub rebind_at: Option<Instant>,
    /// When the lease is over; `None` for never.
    pub expires_at: Option<Instant>,
}

impl Stack {
    /// Has an interface seek an IPv4 address from DHCP servers, and keep it. The first message leaves at
    /// once. A lease that is known from earlier is asked for again (INIT-REBOOT).
    ///
    /// # Errors
    ///
    /// [`Dhcpv4Error::NoInterface`], [`Dhcpv4Error::Running`], [`Dhcpv4Error::BadConfig`].
    pub fn dhcpv4_start(&mut self, now: Instant, id: InterfaceId, config: Dhcpv4Config) -> Result<(), Dhcpv4Error> {
        self.record(|_| Call::Dhcpv4Start { now, interface: id, config: Box::new(config.clone()) });
        self.dhcpv4_begin(now, id, "dhcpv4.start", config)?;
        let up = self.interfaces.get(id.index()).is_some_and(|interface| interface.up);
        let actions = self.with_dhcpv4(id, |client, env| client.start(up, env));
        self.dhcpv4_act(id, actions);
        Ok(())
    }

    /// Gives an interface's lease back to its server, and its address up; the client ends.
    ///
    /// # Errors
    ///
    /// [`Dhcpv4Error::NoInterface`], [`Dhcpv4Error::NotRunning`].
    pub fn dhcpv4_release(&mut self, now: Instant, id: InterfaceId) -> Result<(), Dhcpv4Error> {
        self.record(|_| Call::Dhcpv4Release { now, interface: id });
        self.advance(now);
        self.commanded("dhcpv4.release", nowhere(id));
        let interface = self.interfaces.get(id.index()).ok_or(Dhcpv4Error::NoInterface)?;
        interface.autoconf.dhcpv4.as_ref().filter(|client| client.is_running()).ok_or(Dhcpv4Error::NotRunning)?;
        let actions = self.with_dhcpv4(id, Dhcpv4Client::release);
        self.dhcpv4_act(id, actions);
        Ok(())
    }

    /// Has an interface ask DHCP servers for settings alone, for its first IPv4 address that was set by
    /// hand (RFC 2131 section 4.4.3). After a minute without an answer it stops asking.
    ///
    /// # Errors
    ///
    /// [`Dhcpv4Error::NoInterface`], [`Dhcpv4Error::Running`], [`Dhcpv4Error::BadConfig`],
    /// [`Dhcpv4Error::NoAddress`].
    pub fn dhcpv4_inform(&mut self, now: Instant, id: InterfaceId, config: Dhcpv4Config) -> Result<(), Dhcpv4Error> {
        self.record(|_| Call::Dhcpv4Inform { now, interface: id, config: Box::new(config.clone()) });
        let interface = self.interfaces.get(id.index()).ok_or(Dhcpv4Error::NoInterface)?;
        let address = fixed_address(interface).ok_or(Dhcpv4Error::NoAddress)?;
        let up = interface.up;
        self.dhcpv4_begin(now, id, "dhcpv4.inform", config)?;
        let actions = self.with_dhcpv4(id, |client, env| client.inform(address, up, env));
        self.dhcpv4_act(id, actions);
        Ok(())
    }

    /// The DHCPv4 client of an interface; `None` if it never had one.
    pub fn dhcpv4(&self, id: InterfaceId) -> Option<Dhcpv4Info<'_>> {
        let client = self.interfaces.get(id.index())?.autoconf.dhcpv4.as_deref()?;
        let lease = client.lease().filter(|_| client.is_held()).map(|lease| Dhcpv4LeaseInfo {
            address: lease.address,
            prefix_len: lease.prefix_len,
            server: lease.server,
            usable: client.is_usable(),
            renew_at: lease.times.t1,
            rebind_at: lease.times.t2,
            expires_at: lease.times.expires,
        });
        let retransmission = client.retransmission();
        Some(Dhcpv4Info {
            state: client.state(),
            client_id: client.client_id(),
            lease,
            settings: client.settings(),
            retransmit_at: retransmission.map(|(at, _)| at),
            transmissions: retransmission.map_or(0, |(_, count)| count),
        })
    }

    /// Makes a client that is to begin.
    fn dhcpv4_begin(
        &mut self,
        now: Instant,
        id: InterfaceId,
        command: &'static str,
        mut config: Dhcpv4Config,
    ) -> Result<(), Dhcpv4Error> {
        let now = self.advance(now);
        self.commanded(command, nowhere(id));
        let interface = self.interfaces.get(id.index()).ok_or(Dhcpv4Error::NoInterface)?;
        let hardware_address = interface.hardware_address;
        let before = interface.autoconf.dhcpv4.as_ref();
        if before.is_some_and(|client| client.is_running()) {
            return Err(Dhcpv4Error::Running);
        }
        if interface.medium != Medium::Ethernet {
            return Err(Dhcpv4Error::NotEthernet);
        }
        config.check()?;
        if interface.autoconf.link_local.is_some() {
            // There is one already, which is not ours to take away.
            config.link_local_after = None;
        }
        let former_server = before.and_then(|client| client.former_server());
        let client_id = self.dhcpv4_client_id(id, hardware_address);
        let former = self.identity.take_dhcpv4_binding(id.0).and_then(|mut binding| {
            binding.pass(now.since(self.began));
            binding.restore(now)
        });
        let client = Dhcpv4Client::new(config, hardware_address, client_id, former, former_server, now);
        let interface = self.interfaces.get_mut(id.index()).ok_or(Dhcpv4Error::NoInterface)?;
        interface.autoconf.dhcpv4 = Some(Box::new(client));
        Ok(())
    }

    /// RFC 4361 section 6.1: type 255, the interface's IAID, and the host's DUID, the same as for DHCPv6.
    fn dhcpv4_client_id(&mut self, id: InterfaceId, hardware_address: EthernetAddress) -> Vec<u8> {
        let EthernetAddress([_, _, iaid @ ..]) = hardware_address;
        let iaid = self.identity.iaid(id.0, u32::from_be_bytes(iaid));
        let mut client_id = Vec::from([CLIENT_ID_DUID]);
        client_id.extend_from_slice(&iaid.to_be_bytes());
        client_id.extend_from_slice(self.dhcpv6_duid(id).bytes());
        client_id
    }

    /// The leases that are held, and those of interfaces whose client was not started.
    pub(super) fn dhcpv4_bindings(&self, now: Instant) -> Vec<Dhcpv4Binding> {
        let held = self.interfaces.iter().filter_map(|interface| {
            let client = interface.autoconf.dhcpv4.as_ref().filter(|client| client.is_held())?;
            let router = self.dhcpv4_router_station(interface.id);
            client.lease().map(|lease| Dhcpv4Binding::save(lease, interface.id.0, router, now))
        });
        let idle = self.identity.dhcpv4.iter().cloned().map(|mut binding| {
            binding.pass(now.since(self.began));
            binding
        });
        held.chain(idle).filter(|binding| !binding.is_over()).collect()
    }

    /// The interface's client, and what it needs of the stack.
    fn with_dhcpv4(
        &mut self,
        id: InterfaceId,
        call: impl FnOnce(&mut Dhcpv4Client, &mut Env<'_>) -> Actions,
    ) -> Actions {
        let client = self.interfaces.get_mut(id.index()).and_then(|interface| interface.autoconf.dhcpv4.as_mut());
        let Some(client) = client else { return Actions::new() };
        let mut env = Env {
            now: self.now,
            random: &mut self.random.dhcpv4,
            counters: &mut self.counters,
            limits: &self.config.limits,
        };
        call(client, &mut env)
    }

    /// The link has gone down or come up.
    pub(super) fn on_dhcpv4_link(&mut self, id: InterfaceId, up: bool) {
        // The neighbors are forgotten with the link; the router is how the network is known again.
        let router = self.dhcpv4_router_station(id);
        let actions =
            self.with_dhcpv4(id, |client, env| if up { client.on_link_up(env) } else { client.on_link_down(router) });
        self.dhcpv4_act(id, actions);
    }

    /// The hardware address of the lease's router, as far as it is known (RFC 4436 section 2).
    fn dhcpv4_router_station(&self, id: InterfaceId) -> Option<EthernetAddress> {
        let router = IpAddr::V4(self.dhcpv4_lease(id)?.gateway()?);
        let neighbors = &self.interfaces.get(id.index())?.neighbors;
        neighbors.iter().find(|(address, ..)| *address == router).and_then(|(.., station)| station)
    }

    pub(super) fn on_dhcpv4_timeout(&mut self, id: InterfaceId) {
        let actions = self.with_dhcpv4(id, Dhcpv4Client::on_timeout);
        self.dhcpv4_act(id, actions);
    }

    pub(super) fn on_dhcpv4_address_ready(&mut self, id: InterfaceId, address: Ipv4Addr) {
        let actions = self.with_dhcpv4(id, |client, _| client.on_address_ready(address));
        self.dhcpv4_act(id, actions);
    }

    pub(super) fn on_dhcpv4_address_conflict(&mut self, id: InterfaceId, address: Ipv4Addr) {
        let actions = self.with_dhcpv4(id, |client, env| client.on_address_conflict(address, env));
        self.dhcpv4_act(id, actions);
    }

    fn dhcpv4_act(&mut self, id: InterfaceId, actions: Actions) {
        let mut lost = None;
        for action in actions {
            match action {
                Action::Send(outgoing) => self.queue_or_count(id, Control::Dhcpv4(Box::new(outgoing))),
                Action::Assign => self.assign_lease(id),
                Action::Configure => self.configure_by_lease(id),
                Action::Undo { lease, address } => {
                    self.undo_lease(id, &lease, address);
                    lost = address.then_some(lease.address);
                }
                Action::TestRouter { router, station, source } => {
                    let request = Control::Arp {
                        operation: ArpOperation::Request,
                        to: station,
                        target_hardware: EthernetAddress::UNSPECIFIED,
                        source,
                        target: router,
                    };
                    self.queue_or_count(id, request);
                }
                Action::LinkLocal(true) => {
                    // Where there is no room for an address, that is counted; the search for a lease goes on.
                    let _ = self.seek_link_local(id, None);
                }
                Action::LinkLocal(false) => {
                    self.leave_link_local(id);
                }
                Action::Tell => self.announce_configuration(id),
            }
        }
        if let Some(address) = lost {
            self.end_sockets_of(IpAddr::V4(address));
        }
        self.arm_interface(id);
    }

    /// Sockets bound to an address that is ours no more learn of it. Nothing is sent from it: the client
    /// "MUST immediately stop any other network processing" (RFC 2131 section 4.4.5).
    fn end_sockets_of(&mut self, address: IpAddr) {
        if self.interfaces.iter().any(|interface| interface.addresses.find(address).is_some()) {
            return;
        }
        let tcp = self.sockets.tcp.iter().filter(|(_, slot)| slot.flow.local == address);
        let tcp: Vec<_> = tcp.map(|(handle, _)| handle).collect();
        for handle in tcp {
            if let Some((slot, mut env)) = self.connection(handle) {
                slot.tcb.on_address_lost(&mut env);
                self.settle_tcp(handle);
            }
        }
        self.tell_bound_to(address);
    }

    fn queue_or_count(&mut self, id: InterfaceId, control: Control) {
        if let Err(reason) = self.queue_control(id, control) {
            self.drop_on(id, reason);
        }
    }

    fn dhcpv4_lease(&self, id: InterfaceId) -> Option<&Lease> {
        self.interfaces.get(id.index())?.autoconf.dhcpv4.as_ref()?.lease()
    }

    /// The lease's address is the interface's. One that cannot be (the table is full, or it is the
    /// operator's already) is declined as one in use is.
    fn assign_lease(&mut self, id: InterfaceId) {
        let Some(lease) = self.dhcpv4_lease(id) else { return };
        let address = IpAddr::V4(lease.address);
        let new = NewAddress {
            address,
            prefix_len: lease.prefix_len,
            origin: AddressOrigin::Dhcp,
            preferred_until: None,
            valid_until: lease.times.expires,
        };
        let lease = lease.address;
        let own = self.interfaces.get(id.index()).and_then(|interface| interface.addresses.find(address));
        let is_anothers = own.is_some_and(|own| own.origin != AddressOrigin::Dhcp);
        if is_anothers || self.assign_address(id, new).is_err() {
            self.on_dhcpv4_address_conflict(id, lease);
        }
    }

    /// The lease's routes. What does not fit the table is counted.
    fn configure_by_lease(&mut self, id: InterfaceId) {
        let Some(lease) = self.dhcpv4_lease(id) else { return };
        let routes: Vec<Route> = routes_of(lease, id).collect();
        for route in routes {
            if self.routes.len() >= self.config.limits.routes as usize {
                self.counters.dhcpv4_entries_refused += 1;
            } else {
                self.routes.add(route);
            }
        }
    }

    fn undo_lease(&mut self, id: InterfaceId, lease: &Lease, address: bool) {
        for gone in routes_of(lease, id) {
            self.routes.remove(|route| route.origin == RouteOrigin::Dhcp && route.is_same(&gone));
        }
        let own = IpAddr::V4(lease.address);
        let interface = self.interfaces.get(id.index());
        let is_leased = interface
            .and_then(|interface| interface.addresses.find(own))
            .is_some_and(|own| own.origin == AddressOrigin::Dhcp);
        if address && is_leased {
            self.withdraw_address(id, own, Some(AddressChange::Removed));
        }
    }

    /// A datagram to port 68 of an interface whose client runs: nobody else's.
    pub(super) fn is_for_dhcpv4(&self, id: InterfaceId, port: u16) -> bool {
        port == dhcpv4::CLIENT_PORT
            && self
                .interfaces
                .get(id.index())
                .is_some_and(|interface| interface.autoconf.dhcpv4.as_ref().is_some_and(|client| client.is_running()))
    }

    /// A packet to our station, for an address that is not ours: an answer to a client that has no
    /// address yet comes so (RFC 2131 section 4.1), and nothing else is for us.
    pub(super) fn receive_early_dhcpv4(
        &mut self,
        id: InterfaceId,
        frame: &Frame,
        link: &EthernetHeader,
    ) -> Result<(), DropReason> {
        let not_ours = DropReason::Ipv4NotOurs;
        let interface = self.interfaces.get(id.index()).ok_or(DropReason::InterfaceUnknown)?;
        let client = interface.autoconf.dhcpv4.as_ref().filter(|client| client.is_asking());
        client.filter(|_| link.dst == interface.hardware_address).ok_or(not_ours)?;
        let start = ethernet::HEADER_LEN;
        let packet = Ipv4Packet::parse(frame.data.get(start..).unwrap_or_default())?;
        let upper = start + packet.header_len()..start + packet.total_len();
        let bytes = frame.data.get(upper).unwrap_or_default();
        if packet.protocol() != IpProtocol::UDP || packet.is_fragment() {
            return Err(not_ours);
        }
        let view = UdpDatagram::parse(bytes)?;
        if view.dst_port() != dhcpv4::CLIENT_PORT {
            return Err(not_ours);
        }
        let pseudo_header = Sum::pseudo_header_v4(packet.src(), packet.dst(), IpProtocol::UDP, view.total_len());
        if !is_vouched(frame) && !view.has_no_checksum() && !view.verify_checksum(pseudo_header) {
            return Err(DropReason::UdpChecksum);
        }
        self.counters.ipv4_received += 1;
        self.receive_dhcpv4(id, view.payload(), link.src)
    }

    pub(super) fn receive_dhcpv4(
        &mut self,
        id: InterfaceId,
        payload: &[u8],
        station: EthernetAddress,
    ) -> Result<(), DropReason> {
        let message = Dhcpv4Message::parse(payload)?;
        let mut result = Err(DropReason::Dhcpv4Unexpected);
        let actions = self.with_dhcpv4(id, |client, env| {
            let answered = client.on_message(&message, station, env);
            result = answered.as_ref().map(|_| ()).map_err(|reason| *reason);
            answered.unwrap_or_default()
        });
        self.counters.dhcpv4_received += u64::from(result.is_ok());
        self.dhcpv4_act(id, actions);
        result
    }

    /// A reply of the router that a client asks for (RFC 4436 section 2.1.1): `false` if it is none.
    pub(super) fn receive_router_answer(&mut self, id: InterfaceId, packet: &ArpPacket<'_>) -> bool {
        if packet.operation() != ArpOperation::Reply {
            return false;
        }
        let Some(lease) = self.dhcpv4_lease(id).filter(|lease| lease.address == packet.target_protocol()) else {
            return false;
        };
        let is_assigned = self.is_assigned(IpAddr::V4(lease.address));
        let (router, station) = (packet.sender_protocol(), packet.sender_hardware());
        let actions = self.with_dhcpv4(id, |client, _| client.on_router_answer(router, station));
        let answers = !actions.is_empty();
        self.dhcpv4_act(id, actions);
        answers && !is_assigned
    }

    pub(super) fn transmit_dhcpv4(&mut self, id: InterfaceId, outgoing: &Outgoing, batch: &mut TxBatch) {
        let Some(interface) = self.interfaces.get(id.index()) else { return };
        let Some(client) = interface.autoconf.dhcpv4.as_ref().filter(|client| client.is_wanted(outgoing)) else {
            return;
        };
        let interface_station = interface.hardware_address;
        let mut data = Vec::new();
        client.encode(outgoing, interface.capabilities.mtu, &mut data);
        let data = self.copy(&data);
        let body = Body::Datagram { src_port: dhcpv4::CLIENT_PORT, dst_port: dhcpv4::SERVER_PORT, data };
        let (dst, station) = match outgoing.to {
            Destination::Broadcast => (Ipv4Addr::BROADCAST, None),
            Destination::Server(server) => (server, None),
            Destination::Through(server, station) => (server, Some(station)),
        };
        let dst = IpAddr::V4(dst);
        let next_hop = match outgoing.to {
            Destination::Server(_) => {
                let query = Query { interface: Some(id), ..Query::to(dst) };
                self.way(&query).map_or(dst, |way| way.hop.next_hop)
            }
            _ => dst,
        };
        let src = IpAddr::V4(outgoing.ciaddr);
        let hop_limit = self.config.hop_limit;
        let (traffic_class, flow_label, dont_fragment) = (0, 0, true);
        let packet = Packet {
            src,
            dst,
            next_hop,
            hop_limit,
            traffic_class,
            flow_label,
            dont_fragment,
            options: IpOptions::NONE,
            body,
        };
        self.counters.dhcpv4_sent += 1;
        match station {
            Some(dst) => {
                let src = interface_station;
                self.transmit_to(id, &packet, LinkHeader::Ethernet { src, dst }, None, batch);
            }
            None => self.transmit_packet(id, packet, Origin::Local, batch),
        }
    }
}

/// The first IPv4 address that the operator has set.
fn fixed_address(interface: &Interface) -> Option<Ipv4Addr> {
    interface.addresses.assigned().filter(|own| own.origin == AddressOrigin::Static).find_map(|own| match own.address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    })
}

/// The routes that a lease brings along, beside that of its address. A gateway that is not in the
/// lease's subnet is reached by the route that makes it a neighbor (RFC 3442, "Local Subnet Routes").
fn routes_of(lease: &Lease, interface: InterfaceId) -> impl Iterator<Item = Route> {
    lease.settings.routes.iter().map(move |&Dhcpv4Route { prefix, prefix_len, gateway }| {
        let prefix = IpAddr::V4(prefix);
        let route = match gateway {
            Some(gateway) => Route::via(prefix, prefix_len, IpAddr::V4(gateway), interface),
            None => Route::on_link(prefix, prefix_len, interface),
        };
        Route { origin: RouteOrigin::Dhcp, ..route }
    })
}

/// What the trace notes of a command about an interface.
fn nowhere(id: InterfaceId) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), id.0)
}
