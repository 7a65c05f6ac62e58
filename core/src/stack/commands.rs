//! Commands: interfaces, addresses, routes, and the opening and closing of sockets.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use slotmap::Key;

use super::advertise::check_link;
use super::interfaces::numbered;
use super::{NewAddress, Stack};
use crate::config::{InterfaceAddress, InterfaceConfig, Medium};
use crate::error::{AddInterfaceError, BindError, ConnectError, ListenError, StaleHandle};
use crate::event::Readiness;
use crate::ip::route::Query;
use crate::link::{Interface, InterfaceId};
use crate::record::Call;
use crate::socket::demux::{Bound, Flow};
use crate::socket::table::{ListenerSlot, Owner, UdpSlot};
use crate::socket::{
    ConnectOptions, ListenOptions, ListenerHandle, TcpHandle, TcpSocket, UdpHandle, UdpOptions, UdpSocket,
};
use crate::tcp::{Listener, State, Tcb};
use crate::time::Instant;
use crate::udp::UdpState;
use crate::wire::ipv4_options::IpOptions;
use crate::wire::ipv6;

/// The smallest MTU: what every IPv4 host can receive (RFC 791 section 3.2).
pub(super) const MTU_MIN: u16 = 576;

impl Stack {
    /// Adds an interface, with its addresses and their on-link routes. An address is used as soon as it is
    /// known to be ours alone, of which [`Event::Address`](crate::Event::Address) tells; without such
    /// care ([`InterfaceConfig::unverified`]) at once, which is no news.
    pub fn add_interface(&mut self, now: Instant, config: InterfaceConfig) -> Result<InterfaceId, AddInterfaceError> {
        self.record(|_| Call::AddInterface { now, config: Box::new(config.clone()) });
        let now = self.advance(now);
        self.commanded("interface.add", numbered(InterfaceId(self.interfaces.len() as u16)));
        if self.interfaces.len() >= usize::from(self.config.limits.interfaces) {
            return Err(AddInterfaceError::LimitReached);
        }
        if config.medium == Medium::Ethernet && !config.hardware_address.is_unicast() {
            return Err(AddInterfaceError::GroupHardwareAddress);
        }
        if config.addresses.len() > usize::from(self.config.limits.addresses) {
            return Err(AddInterfaceError::TooManyAddresses);
        }
        if !config.addresses.iter().all(InterfaceAddress::is_valid) {
            return Err(AddInterfaceError::BadAddress);
        }
        let has_ipv6 = config.ipv6_autoconfiguration || config.addresses.iter().any(|own| own.address.is_ipv6());
        let mtu = config.capabilities.mtu;
        if mtu < MTU_MIN || (has_ipv6 && usize::from(mtu) < ipv6::MIN_MTU) {
            return Err(AddInterfaceError::MtuTooSmall);
        }
        if mtu > config.medium.mtu_max() {
            return Err(AddInterfaceError::MtuTooLarge);
        }
        let by_default = self.config.send_advertisements && has_ipv6 && !config.ipv6_autoconfiguration;
        let by_default = by_default && config.medium != Medium::Loopback;
        let advertise = config.advertise.clone().or_else(|| by_default.then(|| self.config.advertise.clone()));
        if let Some(advertise) = &advertise {
            check_link(config.medium, config.ipv6_autoconfiguration)
                .and_then(|()| advertise.check(mtu))
                .map_err(AddInterfaceError::Advertise)?;
        }
        if self.interfaces.len() == 0 {
            self.began = self.now;
        }
        let id = self.interfaces.next_id().ok_or(AddInterfaceError::NumbersExhausted)?;
        let reports_per_second = self.config.multicast.reports_per_second;
        let interface = Interface::new(id, &config, self.config.address, self.secrets.neighbor, reports_per_second);
        self.interfaces.add(interface);
        for own in config.addresses {
            // Each of the reasons to refuse one has been looked at.
            self.assign_address(id, NewAddress::fixed(own)).map_err(|_| AddInterfaceError::BadAddress)?;
        }
        if config.ipv6_autoconfiguration {
            self.start_router_discovery(id);
        }
        if config.medium != Medium::Loopback && config.querier.unwrap_or(self.config.querier.enabled) {
            self.start_querier(id);
        }
        if let Some(advertise) = advertise {
            self.start_advertising(id, now, advertise);
        }
        Ok(id)
    }

    /// Opens a listener on `local`; port 0 takes an ephemeral one. The unspecified address listens on all addresses of its family,
    /// and the IPv6 one with [`ListenOptions::dual_stack`] on those of both.
    pub fn tcp_listen(&mut self, local: SocketAddr, options: ListenOptions) -> Result<ListenerHandle, ListenError> {
        self.record(|_| Call::TcpListen { local, options: Box::new(options.clone()) });
        let local = canonical(local);
        self.commanded("tcp.listen", local);
        self.own_address(local.ip()).then_some(()).ok_or(ListenError::AddressNotAvailable)?;
        let listeners = &self.sockets.demux.listeners;
        let settings = options.settings.unwrap_or_else(|| self.config.tcp.socket.clone());
        self.may_send(&settings.ip_options).map_err(|_| ListenError::SourceRoute)?;
        let (interface, dual_stack) = (settings.interface, options.dual_stack);
        let bound = |port| Bound { local: SocketAddr::new(local.ip(), port), dual_stack, interface };
        let taken = |port| listeners.is_taken(&bound(port));
        let port = match local.port() {
            0 => self.sockets.tcp_ports.bind(taken).ok_or(ListenError::PortsExhausted)?,
            port if taken(port) => return Err(ListenError::AddressInUse),
            port => port,
        };
        let bound = bound(port);
        if self.sockets.listeners.len() >= self.config.limits.listeners as usize {
            return Err(ListenError::LimitReached);
        }
        let listener = Listener::new(options.backlog, settings);
        let handle = self.sockets.listeners.insert(ListenerSlot { listener, bound, pending: false });
        self.sockets.demux.listeners.insert(&bound, handle);
        Ok(handle)
    }

    /// The next established connection of a listener; `None` if there is none yet.
    pub fn tcp_accept(&mut self, now: Instant, listener: ListenerHandle) -> Result<Option<TcpHandle>, StaleHandle> {
        self.record(|_| Call::TcpAccept { now, listener });
        self.called(now, "tcp.accept", listener, &[]);
        let slot = self.sockets.listeners.get_mut(listener).ok_or(StaleHandle::Stale)?;
        let Some(handle) = slot.listener.accept() else { return Ok(None) };
        if let Some(slot) = self.sockets.tcp.get_mut(handle) {
            slot.owner = Owner::Application;
            // What happened before anybody could be told.
            let edges = core::mem::take(&mut slot.pending);
            self.announce_tcp(handle, edges);
        }
        Ok(Some(handle))
    }

    /// The address that a listener is bound to.
    pub fn tcp_listener_local(&self, listener: ListenerHandle) -> Result<SocketAddr, StaleHandle> {
        self.sockets.listeners.get(listener).map(|slot| slot.bound.local).ok_or(StaleHandle::Stale)
    }

    /// Closes a listener. Connections that nobody has accepted are reset, those still in SYN-RECEIVED
    /// once they would be established; those accepted stay.
    pub fn tcp_listener_close(&mut self, now: Instant, listener: ListenerHandle) -> Result<(), StaleHandle> {
        self.record(|_| Call::TcpListenerClose { now, listener });
        self.called(now, "tcp.listener_close", listener, &[]);
        let mut slot = self.sockets.listeners.remove(listener).ok_or(StaleHandle::Stale)?;
        self.sockets.demux.listeners.remove(&slot.bound, listener);
        while let Some(handle) = slot.listener.accept() {
            self.reset_unowned(handle);
        }
        Ok(())
    }

    /// Opens a connection to `remote`. It is established when [`Readiness::CONNECTED`](crate::event::Readiness) says so.
    pub fn tcp_connect(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        options: ConnectOptions,
    ) -> Result<TcpHandle, ConnectError> {
        self.record(|_| Call::TcpConnect { now, remote, options: Box::new(options.clone()) });
        self.advance(now);
        self.commanded("tcp.connect", remote);
        let remote = canonical(remote);
        if !self.is_connectable(remote) {
            return Err(ConnectError::BadDestination);
        }
        let wanted = options.local.map(canonical);
        let src = wanted.map(|local| local.ip()).filter(|address| !address.is_unspecified());
        if src.is_some_and(|address| address.is_ipv4() != remote.is_ipv4() || !self.own_address(address)) {
            return Err(ConnectError::AddressNotAvailable);
        }
        let mut settings = options.settings.unwrap_or_else(|| self.config.tcp.socket.clone());
        self.may_send(&settings.ip_options).map_err(|_| ConnectError::SourceRoute)?;
        if remote.is_ipv6() {
            settings.ip_options = IpOptions::NONE;
        }
        let route = settings.ip_options.source_route();
        let toward = route.map_or(remote.ip(), |(first, _)| IpAddr::V4(first));
        let ports = (wanted.map_or(0, |local| local.port()), remote.port());
        let query = Query { src, interface: settings.interface, mark: settings.mark, ports, ..Query::to(toward) };
        let (hop, address) = self.source_towards(&query)?;
        if route.is_some_and(|(first, strict)| strict && hop.next_hop != first) {
            return Err(ConnectError::NoRoute);
        }
        if !self.make_room_for_connection() {
            return Err(ConnectError::LimitReached);
        }
        let flow = |port| Flow::new(SocketAddr::new(address, port), remote);
        let flows = &self.sockets.demux.flows;
        // A connection to ourselves needs two ends.
        let is_taken = |port| flows.contains(&flow(port)) || SocketAddr::new(address, port) == remote;
        let port = match wanted.map_or(0, |local| local.port()) {
            0 => self.sockets.tcp_ports.connect(address, remote, is_taken).ok_or(ConnectError::PortsExhausted)?,
            port if is_taken(port) => return Err(ConnectError::AddressInUse),
            port => port,
        };
        let flow = flow(port);
        let open = self.opening(hop.interface, &flow, &settings);
        let tcb = Tcb::connect(&mut self.env(), open);
        let handle = self.insert_connection(tcb, flow, Owner::Application);
        self.settle_tcp(handle);
        Ok(handle)
    }

    /// A connection, to be used.
    pub fn tcp(&mut self, handle: TcpHandle) -> Result<TcpSocket<'_>, StaleHandle> {
        let slot = self.sockets.tcp.get(handle).ok_or(StaleHandle::Stale)?;
        // A released connection may still be finishing.
        if slot.owner == Owner::Orphan { Err(StaleHandle::Stale) } else { Ok(TcpSocket::new(self, handle)) }
    }

    /// Resets every connection, those without an owner included: the end of a stack that has no time
    /// left for an orderly one.
    pub fn tcp_abort_all(&mut self, now: Instant) {
        self.record(|_| Call::TcpAbortAll { now });
        self.called(now, "tcp.abort_all", TcpHandle::null(), &[]);
        let handles: Vec<_> = self.sockets.tcp.keys().collect();
        for handle in handles {
            if let Some((slot, mut env)) = self.connection(handle) {
                slot.tcb.abort(&mut env);
                self.settle_tcp(handle);
            }
        }
    }

    /// Gives a connection's handle back: it is stale at once. A connection that is still open is
    /// closed as `close` does it and finishes alone; beyond `Limits::orphans` it is reset.
    pub fn tcp_release(&mut self, now: Instant, handle: TcpHandle) -> Result<(), StaleHandle> {
        self.record(|_| Call::TcpRelease { now, handle });
        self.called(now, "tcp.release", handle, &[]);
        let limit = self.config.limits.orphans;
        let full = self.sockets.orphans >= limit;
        let (slot, mut env) = self.connection(handle).ok_or(StaleHandle::Stale)?;
        if slot.owner == Owner::Orphan {
            return Err(StaleHandle::Stale);
        }
        let refused = full && !matches!(slot.tcb.state(), State::TimeWait | State::Closed);
        if refused {
            slot.tcb.abort(&mut env);
        } else {
            slot.tcb.orphan(&mut env);
        }
        slot.owner = Owner::Orphan;
        slot.pending = Readiness::empty();
        self.counters.orphans_reset += u64::from(refused);
        self.on_orphaned(handle);
        self.settle_tcp(handle);
        Ok(())
    }

    /// Opens a UDP socket on `local`: port 0 takes an ephemeral one, the unspecified address
    /// receives on all of its family.
    pub fn udp_bind(&mut self, local: SocketAddr, options: UdpOptions) -> Result<UdpHandle, BindError> {
        self.record(|_| Call::UdpBind { local, options });
        let mut local = canonical(local);
        self.commanded("udp.bind", local);
        let available = local.ip().is_multicast() || self.own_address(local.ip());
        available.then_some(()).ok_or(BindError::AddressNotAvailable)?;
        if self.sockets.udp.len() >= self.config.limits.udp_sockets as usize {
            return Err(BindError::LimitReached);
        }
        let datagrams = &self.sockets.demux.datagrams;
        let bound = |port| Bound {
            local: SocketAddr::new(local.ip(), port),
            dual_stack: options.dual_stack,
            interface: options.interface,
        };
        let shares = |handle| self.sockets.udp.get(handle).is_some_and(|slot| slot.state.reuse_address);
        let taken = |port| datagrams.holders(&bound(port)).any(|holder| !options.reuse_address || !shares(holder));
        let port = match local.port() {
            0 => self.sockets.udp_ports.bind(taken).ok_or(BindError::PortsExhausted)?,
            port if taken(port) => return Err(BindError::AddressInUse),
            port => port,
        };
        let bound = bound(port);
        local.set_port(port);
        let state = UdpState::new(local, options);
        let handle = self.sockets.udp.insert(UdpSlot { state, queued: false, pending: Readiness::empty(), hop: None });
        self.sockets.demux.datagrams.insert(&bound, handle);
        Ok(handle)
    }

    /// A UDP socket, to be used.
    pub fn udp(&mut self, handle: UdpHandle) -> Result<UdpSocket<'_>, StaleHandle> {
        if self.sockets.udp.contains_key(handle) { Ok(UdpSocket::new(self, handle)) } else { Err(StaleHandle::Stale) }
    }

    /// Closes a UDP socket: what it had queued in either direction is dropped.
    pub fn udp_release(&mut self, handle: UdpHandle) -> Result<(), StaleHandle> {
        self.record(|_| Call::UdpRelease { handle });
        self.called(self.now, "udp.release", handle, &[]);
        self.leave_all_groups(handle);
        let slot = self.sockets.udp.remove(handle).ok_or(StaleHandle::Stale)?;
        self.sockets.demux.datagrams.remove(&slot.state.bound(), handle);
        Ok(())
    }

    /// Whether `address` is unspecified or one of ours.
    fn own_address(&self, address: IpAddr) -> bool {
        address.is_unspecified() || self.is_assigned(address)
    }
}

/// An IPv4-mapped IPv6 address stands for the IPv4 address (RFC 4291 section 2.5.5.2).
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
