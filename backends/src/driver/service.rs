//! Services that run inside the driver, on its thread: an event reaches them without a hop.

use std::io;

use tickwire_core::error::{BindError, ConnectError, ListenError, StaleHandle};
use tickwire_core::event::Event;
use tickwire_core::socket::{
    ConnectOptions, ListenOptions, ListenerHandle, TcpHandle, TcpSocket, UdpHandle, UdpOptions, UdpSocket,
};
use tickwire_core::{Instant, Stack};

use super::owners::Owners;

/// A handler of socket events.
///
/// Events are edges: on each, a service reads, writes or accepts until nothing is left. It must not
/// block, for the whole stack waits meanwhile.
pub trait Service: Send {
    /// Opens what the service listens on; called once.
    ///
    /// # Errors
    ///
    /// Why it cannot serve. The service is then not run.
    fn start(&mut self, context: &mut Context<'_>) -> io::Result<()>;

    /// Something changed on a socket that the service opened or accepted.
    fn on_event(&mut self, context: &mut Context<'_>, event: Event);

    /// The driver is about to end: all of the service's connections will be closed next.
    fn stop(&mut self, context: &mut Context<'_>) {
        let _ = context;
    }
}

/// What a service works with: the stack at an instant.
#[derive(Debug)]
pub struct Context<'a> {
    /// The stack. Sockets opened through it directly are no service's; use the methods of `Context`.
    pub stack: &'a mut Stack,
    /// The time that this turn of the driver was given.
    pub now: Instant,
    pub(crate) owners: &'a mut Owners,
    pub(crate) service: usize,
}

impl Context<'_> {
    /// The service is told of addresses and configuration of the interfaces from here on:
    /// [`Event::Address`] and [`Event::Configuration`].
    pub fn watch_interfaces(&mut self) {
        if !self.owners.watchers.contains(&self.service) {
            self.owners.watchers.push(self.service);
        }
    }

    /// Listens for TCP connections; the service is told of them. Errors as [`Stack::tcp_listen`].
    pub fn tcp_listen(
        &mut self,
        local: std::net::SocketAddr,
        options: ListenOptions,
    ) -> Result<ListenerHandle, ListenError> {
        let handle = self.stack.tcp_listen(local, options)?;
        self.owners.listeners.insert(handle, self.service);
        Ok(handle)
    }

    /// Accepts a connection; the service is told what happens on it from here on. What happened
    /// before is in its state: read it at once. Errors as [`Stack::tcp_accept`].
    pub fn tcp_accept(&mut self, listener: ListenerHandle) -> Result<Option<TcpHandle>, StaleHandle> {
        let accepted = self.stack.tcp_accept(self.now, listener)?;
        if let Some(handle) = accepted {
            self.owners.tcp.insert(handle, self.service);
        }
        Ok(accepted)
    }

    /// Opens a connection; the service is told what becomes of it. Errors as [`Stack::tcp_connect`].
    pub fn tcp_connect(
        &mut self,
        remote: std::net::SocketAddr,
        options: ConnectOptions,
    ) -> Result<TcpHandle, ConnectError> {
        let handle = self.stack.tcp_connect(self.now, remote, options)?;
        self.owners.tcp.insert(handle, self.service);
        Ok(handle)
    }

    /// Binds a UDP socket; the service is told of its datagrams. Errors as [`Stack::udp_bind`].
    pub fn udp_bind(&mut self, local: std::net::SocketAddr, options: UdpOptions) -> Result<UdpHandle, BindError> {
        let handle = self.stack.udp_bind(local, options)?;
        self.owners.udp.insert(handle, self.service);
        Ok(handle)
    }

    /// Lets go of a UDP socket. Errors as [`Stack::udp_release`].
    pub fn udp_release(&mut self, handle: UdpHandle) -> Result<(), StaleHandle> {
        self.owners.udp.remove(handle);
        self.stack.udp_release(handle)
    }

    /// A connection. Errors as [`Stack::tcp`].
    pub fn tcp(&mut self, handle: TcpHandle) -> Result<TcpSocket<'_>, StaleHandle> {
        self.stack.tcp(handle)
    }

    /// A UDP socket. Errors as [`Stack::udp`].
    pub fn udp(&mut self, handle: UdpHandle) -> Result<UdpSocket<'_>, StaleHandle> {
        self.stack.udp(handle)
    }

    /// Lets go of a connection, which ends by itself. Errors as [`Stack::tcp_release`].
    pub fn tcp_release(&mut self, handle: TcpHandle) -> Result<(), StaleHandle> {
        self.owners.tcp.remove(handle);
        self.stack.tcp_release(self.now, handle)
    }
}
