//! A connection.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use tickwire_core::config::TcpSettings;
use tickwire_core::error::RecvError;
use tickwire_core::socket::{ConnectOptions, TcpHandle, TcpSocket};
use tickwire_core::tcp::How;
use tickwire_core::{Instant, IpOptions};

use super::blocking::{Blocking, each_address};
use crate::driver::StackHandle;
use crate::sockets::{AsErrno as _, Handle as _, Interest, Socket, tcp};

/// A TCP connection. Reading and writing work on `&TcpStream` too, so one thread may read while
/// another writes. Dropping the last clone closes it in the background: what was written is still
/// sent; with received data unread the peer is sent a reset (RFC 9293 section 3.6.1).
#[derive(Clone, Debug)]
pub struct TcpStream(Arc<Connection>);

#[derive(Debug)]
struct Connection {
    blocking: Blocking,
    handle: TcpHandle,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.blocking.stack.enter(|stack, waiters, now| tcp::release(stack, waiters, now, self.handle));
    }
}

impl TcpStream {
    pub(super) fn new(blocking: Blocking, handle: TcpHandle) -> TcpStream {
        TcpStream(Arc::new(Connection { blocking, handle }))
    }

    /// Opens a connection and waits until it is established.
    ///
    /// # Errors
    ///
    /// `ConnectionRefused`, `TimedOut`, `HostUnreachable`, `NetworkUnreachable`, `AddrNotAvailable`
    /// (no port is free), `NetworkDown` once the driver has ended.
    pub fn connect(stack: &StackHandle, address: impl ToSocketAddrs) -> io::Result<TcpStream> {
        each_address(address, |remote| TcpStream::connect_with(stack, remote, ConnectOptions::default(), None))
    }

    /// As [`TcpStream::connect`], but gives up after `timeout`.
    ///
    /// # Errors
    ///
    /// As [`TcpStream::connect`]; `TimedOut` also after `timeout`; `InvalidInput` if that is zero.
    pub fn connect_timeout(stack: &StackHandle, address: &SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
        if timeout.is_zero() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "cannot set a 0 duration timeout"));
        }
        TcpStream::connect_with(stack, *address, ConnectOptions::default(), Some(timeout))
    }

    /// Opens a connection with the given local address and settings.
    ///
    /// # Errors
    ///
    /// As [`TcpStream::connect_timeout`].
    pub fn connect_with(
        stack: &StackHandle,
        remote: SocketAddr,
        options: ConnectOptions,
        timeout: Option<Duration>,
    ) -> io::Result<TcpStream> {
        let blocking = Blocking::new(stack);
        let handle = blocking.call(|stack, waiters, now| tcp::connect(stack, waiters, now, remote, options))?;
        // From here on, dropping it releases the connection.
        let stream = TcpStream::new(blocking, handle);
        let edge = (Socket::Tcp(handle), Interest::Write);
        let connected = stream.0.blocking.wait_regardless(edge, timeout, |stack, _, _| tcp::connected(stack, handle));
        match connected {
            Ok(()) => Ok(stream),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(Errno::TIMEDOUT.into()),
            Err(error) => Err(error),
        }
    }

    /// Receives into `buf` without taking it from the stream.
    ///
    /// # Errors
    ///
    /// As [`Read::read`].
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.receive(|socket, _| socket.peek(buf))
    }

    /// Ends one direction or both, as shutdown(2).
    ///
    /// # Errors
    ///
    /// `NotConnected` if the connection has ended.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        let how = match how {
            Shutdown::Read => How::Read,
            Shutdown::Write => How::Write,
            Shutdown::Both => How::Both,
        };
        let handle = self.0.handle;
        self.0.blocking.call(|stack, waiters, now| tcp::shutdown(stack, waiters, now, handle, how))
    }

    /// Our address and port.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.look(|socket| socket.local().ok_or_else(tcp::stale))
    }

    /// The peer's address and port.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.look(|socket| socket.remote().ok_or_else(tcp::stale))
    }

    /// Another handle on the same connection; timeouts and modes are shared, as with dup(2).
    pub fn try_clone(&self) -> io::Result<TcpStream> {
        Ok(self.clone())
    }

    /// The pending error, which is thereby taken.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.look(|socket| Ok(socket.take_error().map(|error| error.io())))
    }

    /// How long reads wait before they return `WouldBlock`; `None` for ever. Zero is `InvalidInput`.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.blocking.read_timeout.set(timeout)
    }

    /// How long writes wait before they return `WouldBlock`; `None` for ever. Zero is `InvalidInput`.
    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.blocking.write_timeout.set(timeout)
    }

    /// See [`TcpStream::set_read_timeout`].
    pub fn read_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(self.0.blocking.read_timeout.duration())
    }

    /// See [`TcpStream::set_write_timeout`].
    pub fn write_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(self.0.blocking.write_timeout.duration())
    }

    /// Whether calls return `WouldBlock` instead of waiting.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.0.blocking.set_nonblocking(nonblocking);
        Ok(())
    }

    /// Whether small segments leave at once, without Nagle's algorithm (RFC 9293 section 3.7.4).
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.set(|settings| settings.no_delay = nodelay)
    }

    /// See [`TcpStream::set_nodelay`].
    pub fn nodelay(&self) -> io::Result<bool> {
        self.look(|socket| socket.settings().map(|settings| settings.no_delay).ok_or_else(tcp::stale))
    }

    /// What closing does with data that is not acknowledged: `None` sends it in the background, zero
    /// resets the connection, a duration gives it that long.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        self.set(|settings| settings.linger = linger)
    }

    /// See [`TcpStream::set_linger`].
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        self.look(|socket| socket.settings().map(|settings| settings.linger).ok_or_else(tcp::stale))
    }

    /// The time to live (hop limit) of what is sent, 1 to 255.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for any other value.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        let hop_limit = tcp::hop_limit(ttl)?;
        self.set(|settings| settings.hop_limit = Some(hop_limit))
    }

    /// See [`TcpStream::set_ttl`].
    pub fn ttl(&self) -> io::Result<u32> {
        let handle = self.0.handle;
        self.0.blocking.call(|stack, _, _| tcp::ttl(stack, handle))
    }

    /// The options of its IPv4 packets, as they stand in a header (as `IP_OPTIONS`); none if it is empty.
    /// [`ConnectOptions::settings`] sets them for the first packet too.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if they are malformed or longer than 40 bytes; `PermissionDenied` for a source route
    /// where `ip.source_routes` is off.
    pub fn set_ip_options(&self, options: &[u8]) -> io::Result<()> {
        let options = IpOptions::new(options).map_err(|error| error.io())?;
        self.set(|settings| settings.ip_options = options)
    }

    /// The handle by which [`StackHandle::with`] finds this connection: for what has no counterpart here.
    pub fn handle(&self) -> TcpHandle {
        self.0.handle
    }

    fn look<R>(&self, f: impl FnOnce(&mut TcpSocket<'_>) -> io::Result<R>) -> io::Result<R> {
        let handle = self.0.handle;
        self.0.blocking.call(|stack, _, _| f(&mut tcp::socket(stack, handle)?))
    }

    fn set(&self, change: impl FnOnce(&mut TcpSettings)) -> io::Result<()> {
        let handle = self.0.handle;
        self.0.blocking.call(|stack, _, now| tcp::set(stack, now, handle, change))
    }

    fn receive(
        &self,
        mut step: impl FnMut(&mut TcpSocket<'_>, Instant) -> Result<usize, RecvError>,
    ) -> io::Result<usize> {
        let Connection { blocking, handle } = &*self.0;
        let edge = (Socket::Tcp(*handle), Interest::Read);
        blocking.wait(edge, blocking.read_timeout.duration(), |stack, _, now| {
            tcp::receive(stack, *handle, |socket| step(socket, now))
        })
    }

    fn send(&self, data: &[u8]) -> io::Result<usize> {
        let Connection { blocking, handle } = &*self.0;
        let edge = (Socket::Tcp(*handle), Interest::Write);
        blocking.wait(edge, blocking.write_timeout.duration(), |stack, _, now| tcp::send(stack, now, *handle, data))
    }
}

impl Read for &TcpStream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        self.receive(|socket, now| socket.recv(now, buf))
    }
}

impl Read for TcpStream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buf)
    }
}

/// Writing returns as soon as some of the data is queued; there is nothing to flush.
impl Write for &TcpStream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.send(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for TcpStream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.send(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
