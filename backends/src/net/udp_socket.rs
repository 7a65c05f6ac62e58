//! A datagram socket.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use tickwire_core::IpOptions;
use tickwire_core::socket::{Received, UdpHandle, UdpOptions};

use super::blocking::{Blocking, each_address};
use crate::driver::StackHandle;
use crate::sockets::{AsErrno as _, Handle as _, Interest, Socket, tcp, udp};

/// The core's view of a socket.
type View<'a> = tickwire_core::socket::UdpSocket<'a>;

/// A UDP socket.
#[derive(Debug)]
pub struct UdpSocket(pub(super) Arc<Bound>);

#[derive(Debug)]
pub(super) struct Bound {
    pub(super) blocking: Blocking,
    pub(super) handle: UdpHandle,
}

impl Drop for Bound {
    fn drop(&mut self) {
        self.blocking.stack.enter(|stack, waiters, _| udp::release(stack, waiters, self.handle));
    }
}

impl UdpSocket {
    /// Binds to `address`; port 0 takes a free one. `[::]` speaks both families.
    ///
    /// # Errors
    ///
    /// `AddrInUse`, `AddrNotAvailable` (not an address of this stack).
    pub fn bind(stack: &StackHandle, address: impl ToSocketAddrs) -> io::Result<UdpSocket> {
        UdpSocket::bind_with(stack, address, udp::usual_binding())
    }

    /// Binds to `address` with options: with `reuse_address` several sockets can share a port, and each
    /// hears the groups that it joins.
    ///
    /// # Errors
    ///
    /// As [`UdpSocket::bind`].
    pub fn bind_with(stack: &StackHandle, address: impl ToSocketAddrs, options: UdpOptions) -> io::Result<UdpSocket> {
        each_address(address, |local| {
            let blocking = Blocking::new(stack);
            let handle = blocking.call(|stack, waiters, _| udp::bind(stack, waiters, local, options))?;
            Ok(UdpSocket(Arc::new(Bound { blocking, handle })))
        })
    }

    /// Sends a datagram to `address`. Waits while the send queue is full.
    ///
    /// # Errors
    ///
    /// `NetworkUnreachable`; `EMSGSIZE`; `WouldBlock` in nonblocking mode or past the timeout. On a
    /// connected socket also what ICMP said about its peer since the last call, whomever this one is to.
    pub fn send_to(&self, data: &[u8], address: impl ToSocketAddrs) -> io::Result<usize> {
        let no_address = || io::Error::new(io::ErrorKind::InvalidInput, "no addresses to send data to");
        let to = address.to_socket_addrs()?.next().ok_or_else(no_address)?;
        self.transmit(data, Some(to))
    }

    /// Sends a datagram to the peer that it is connected to.
    ///
    /// # Errors
    ///
    /// As [`UdpSocket::send_to`]; `HostUnreachable` if the peer's neighbor did not answer an earlier
    /// send; `EDESTADDRREQ` if it is not connected.
    pub fn send(&self, data: &[u8]) -> io::Result<usize> {
        self.transmit(data, None)
    }

    /// Receives a datagram and tells whom it is from. What does not fit `buf` is lost.
    ///
    /// # Errors
    ///
    /// What ICMP said about the peer of a connected socket; `WouldBlock` in nonblocking mode or past
    /// the timeout.
    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let received = self.receive(false)?;
        Ok((udp::fill(buf, &received.data), received.from))
    }

    /// As [`UdpSocket::recv_from`], and the datagram stays in the queue.
    pub fn peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let received = self.receive(true)?;
        Ok((udp::fill(buf, &received.data), received.from))
    }

    /// Receives a datagram.
    ///
    /// # Errors
    ///
    /// As [`UdpSocket::recv_from`].
    pub fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.recv_from(buf).map(|(len, _)| len)
    }

    /// Connects to `address`: sends go there, and only datagrams and errors from there are received.
    ///
    /// # Errors
    ///
    /// `NetworkUnreachable`; `InvalidInput` for port 0 or an address of the other family.
    pub fn connect(&self, address: impl ToSocketAddrs) -> io::Result<()> {
        each_address(address, |peer| self.view(|socket| socket.connect(Some(peer)).map_err(|error| error.io())))
    }

    /// The address and port that it is bound to.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.look(|socket| socket.local()).ok_or_else(|| Errno::BADF.into())
    }

    /// The peer that it is connected to.
    ///
    /// # Errors
    ///
    /// `NotConnected`.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.look(|socket| socket.peer()).ok_or_else(|| Errno::NOTCONN.into())
    }

    /// The pending error, which is thereby taken: what ICMP said about a peer, or that a neighbor did
    /// not answer (RFC 1122 section 4.1.3.3). An unconnected socket tells of them here only.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        Ok(self.look(|socket| Some(socket.take_error()?.io())))
    }

    /// How long receiving waits before it returns `WouldBlock`; `None` for ever. Zero is `InvalidInput`.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.blocking.read_timeout.set(timeout)
    }

    /// How long sending waits before it returns `WouldBlock`; `None` for ever. Zero is `InvalidInput`.
    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.blocking.write_timeout.set(timeout)
    }

    /// Whether calls return `WouldBlock` instead of waiting.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.0.blocking.set_nonblocking(nonblocking);
        Ok(())
    }

    /// Whether it may send to broadcast addresses.
    pub fn set_broadcast(&self, broadcast: bool) -> io::Result<()> {
        self.view(|socket| {
            socket.set_broadcast(broadcast);
            Ok(())
        })
    }

    /// Whether a datagram larger than its path takes in one packet is refused with `EMSGSIZE` rather
    /// than sent in fragments (as `IP_MTU_DISCOVER` set to `IP_PMTUDISC_DO`).
    pub fn set_dont_fragment(&self, dont_fragment: bool) -> io::Result<()> {
        self.view(|socket| {
            socket.set_dont_fragment(dont_fragment);
            Ok(())
        })
    }

    /// The time to live (hop limit) of what is sent, 1 to 255.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for any other value.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        let hop_limit = tcp::hop_limit(ttl)?;
        self.view(|socket| {
            socket.set_hop_limit(Some(hop_limit));
            Ok(())
        })
    }

    /// The options of its IPv4 packets, as they stand in a header (as `IP_OPTIONS`); none if it is empty.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if they are malformed or longer than 40 bytes; `PermissionDenied` for a source route
    /// where `ip.source_routes` is off.
    pub fn set_ip_options(&self, options: &[u8]) -> io::Result<()> {
        let options = IpOptions::new(options).map_err(|error| error.io())?;
        self.view(|socket| socket.set_ip_options(options).map_err(|error| error.io()))
    }

    /// Another handle on the same socket; timeouts and modes are shared, as with dup(2).
    pub fn try_clone(&self) -> io::Result<UdpSocket> {
        Ok(UdpSocket(Arc::clone(&self.0)))
    }

    /// The handle by which [`StackHandle::with`] finds this socket: for what has no counterpart here.
    pub fn handle(&self) -> UdpHandle {
        self.0.handle
    }

    fn look<R>(&self, f: impl FnOnce(&mut View<'_>) -> Option<R>) -> Option<R> {
        self.0.blocking.stack.enter(|stack, _, _| f(&mut stack.udp(self.0.handle).ok()?))
    }

    pub(super) fn view<R>(&self, f: impl FnOnce(&mut View<'_>) -> io::Result<R>) -> io::Result<R> {
        self.0.blocking.call(|stack, _, _| f(&mut udp::socket(stack, self.0.handle)?))
    }

    fn receive(&self, stays: bool) -> io::Result<Received> {
        let Bound { blocking, handle } = &*self.0;
        let edge = (Socket::Udp(*handle), Interest::Read);
        blocking.wait(edge, blocking.read_timeout.duration(), |stack, _, _| udp::receive(stack, *handle, stays))
    }

    fn transmit(&self, data: &[u8], to: Option<SocketAddr>) -> io::Result<usize> {
        let Bound { blocking, handle } = &*self.0;
        let edge = (Socket::Udp(*handle), Interest::Write);
        blocking.wait(edge, blocking.write_timeout.duration(), |stack, _, now| udp::send(stack, now, *handle, data, to))
    }
}
