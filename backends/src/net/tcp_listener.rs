//! A listener.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use tickwire_core::socket::{ListenOptions, ListenerHandle};

use super::blocking::{Blocking, each_address};
use super::tcp_stream::TcpStream;
use crate::driver::StackHandle;
use crate::sockets::{Handle as _, Interest, Socket, tcp};

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
        each_address(address, |local| TcpListener::bind_with(stack, local, tcp::usual_listening()))
    }

    /// Listens on `local` with the given backlog and settings, which accepted connections inherit.
    ///
    /// # Errors
    ///
    /// As [`TcpListener::bind`].
    pub fn bind_with(stack: &StackHandle, local: SocketAddr, options: ListenOptions) -> io::Result<TcpListener> {
        let blocking = Blocking::new(stack);
        let (handle, local) = blocking.call(|stack, waiters, _| tcp::listen(stack, waiters, local, options))?;
        Ok(TcpListener { blocking, handle, local })
    }

    /// Waits for a connection.
    ///
    /// # Errors
    ///
    /// `WouldBlock` in nonblocking mode, `NetworkDown` once the driver has ended.
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let edge = (Socket::Listener(self.handle), Interest::Read);
        let (handle, remote) =
            self.blocking.wait(edge, None, |stack, waiters, now| tcp::accept(stack, waiters, now, self.handle))?;
        let stream = Blocking::new(&self.blocking.stack);
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
        self.blocking.stack.enter(|stack, waiters, now| tcp::close(stack, waiters, now, self.handle));
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
