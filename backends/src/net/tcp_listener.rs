//! A listener.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use rustix::io::Errno;
use tickwire_core::error::StaleHandle;
use tickwire_core::socket::{ListenOptions, ListenerHandle};

use super::blocking::{Blocking, each_address};
use super::error::AsErrno as _;
use super::tcp_stream::TcpStream;
use crate::driver::StackHandle;
use crate::driver::owners::Owner;

/// Accepts TCP connections. Dropping it resets the connections that nobody has accepted.
#[derive(Debug)]
pub struct TcpListener {
    blocking: Blocking,
    handle: ListenerHandle,
    local: SocketAddr,
}

impl TcpListener {
    /// Listens on `address` with a backlog of 128 connections, as `std` does; `[::]` accepts both
    /// families.
    ///
    /// # Errors
    ///
    /// `AddrInUse`, `AddrNotAvailable` (not an address of this stack).
    pub fn bind(stack: &StackHandle, address: impl ToSocketAddrs) -> io::Result<TcpListener> {
        each_address(address, |local| {
            let options = ListenOptions { backlog: 128, dual_stack: true, ..ListenOptions::default() };
            TcpListener::bind_with(stack, local, options)
        })
    }

    /// Listens on `local` with the given backlog and settings, which accepted connections inherit.
    ///
    /// # Errors
    ///
    /// As [`TcpListener::bind`].
    pub fn bind_with(stack: &StackHandle, local: SocketAddr, options: ListenOptions) -> io::Result<TcpListener> {
        let blocking = Blocking::new(stack);
        let (handle, local) = blocking.call(|state, _| {
            let handle = state.stack.tcp_listen(local, options).map_err(|error| error.io())?;
            state.owners.listeners.insert(handle, Owner::Socket(blocking.waiter.clone()));
            let local = state.stack.tcp_listener_local(handle).map_err(|error| error.io())?;
            Ok((handle, local))
        })?;
        Ok(TcpListener { blocking, handle, local })
    }

    /// Waits for a connection.
    ///
    /// # Errors
    ///
    /// `WouldBlock` in nonblocking mode, `NetworkDown` once the driver has ended.
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let stream = Blocking::new(&self.blocking.stack);
        let waiter = stream.waiter.clone();
        let (handle, remote) = self.blocking.wait(None, |state, now| {
            let accepted = state.stack.tcp_accept(now, self.handle).map_err(|error| error.io())?;
            let handle = accepted.ok_or(Errno::AGAIN)?;
            state.owners.tcp.insert(handle, Owner::Socket(waiter.clone()));
            let remote = state.stack.tcp(handle).map_err(|error| error.io())?.remote();
            Ok((handle, remote.ok_or_else(|| StaleHandle::Stale.io())?))
        })?;
        Ok((TcpStream::new(stream, handle), remote))
    }

    /// The connections as they come; never ends by itself.
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }

    /// The address and port listened on.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }

    /// Whether [`TcpListener::accept`] returns `WouldBlock` instead of waiting.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.blocking.set_nonblocking(nonblocking);
        Ok(())
    }
}

impl Drop for TcpListener {
    fn drop(&mut self) {
        self.blocking.stack.call(|state, now| {
            state.owners.listeners.remove(self.handle);
            // Stale: the driver closed it when it ended.
            let _ = state.stack.tcp_listener_close(now, self.handle);
        });
    }
}

/// The connections of a listener as they come; see [`TcpListener::incoming`].
#[derive(Debug)]
pub struct Incoming<'a> {
    listener: &'a TcpListener,
}

impl Iterator for Incoming<'_> {
    type Item = io::Result<TcpStream>;

    fn next(&mut self) -> Option<io::Result<TcpStream>> {
        Some(self.listener.accept().map(|(stream, _)| stream))
    }
}
