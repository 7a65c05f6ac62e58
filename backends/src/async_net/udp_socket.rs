//! A datagram socket.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};

use rustix::io::Errno;
use tickwire_core::socket::{UdpHandle, UdpOptions};
use tickwire_core::{Instant, Stack};
use tokio::io::ReadBuf;

use super::waiting::{At, Waiting};
use crate::sockets::{AsErrno as _, Handle, Interest, Socket, Waiters, tcp, udp};

/// The core's view of a socket.
type View<'a> = tickwire_core::socket::UdpSocket<'a>;

/// A UDP socket. Several tasks may send and receive at once; each datagram is received once.
#[derive(Debug)]
pub struct UdpSocket<H: Handle> {
    handle: H,
    socket: UdpHandle,
}

impl<H: Handle> Drop for UdpSocket<H> {
    fn drop(&mut self) {
        self.handle.enter(|stack, waiters, _| udp::release(stack, waiters, self.socket));
    }
}

impl<H: Handle> UdpSocket<H> {
    /// Binds to `address`; port 0 takes a free one. `[::]` speaks both families.
    ///
    /// # Errors
    ///
    /// `AddrInUse`, `AddrNotAvailable` (not an address of this stack), `NetworkDown` once the driver has ended.
    pub fn bind(handle: &H, address: impl Into<SocketAddr>) -> io::Result<UdpSocket<H>> {
        UdpSocket::bind_with(handle, address, udp::usual_binding())
    }

    /// Binds to `address` with options.
    ///
    /// # Errors
    ///
    /// As [`UdpSocket::bind`].
    pub fn bind_with(handle: &H, address: impl Into<SocketAddr>, options: UdpOptions) -> io::Result<UdpSocket<H>> {
        let socket = handle.enter(|stack, waiters, _| {
            waiters.check()?;
            udp::bind(stack, waiters, address.into(), options)
        })?;
        Ok(UdpSocket { handle: handle.clone(), socket })
    }

    /// Connects to `peer`: sends go there, and only datagrams and errors from there are received.
    ///
    /// # Errors
    ///
    /// `NetworkUnreachable`; `InvalidInput` for port 0 or an address of the other family.
    pub fn connect(&self, peer: impl Into<SocketAddr>) -> io::Result<()> {
        self.view(|socket| socket.connect(Some(peer.into())).map_err(|error| error.io()))
    }

    /// Sends a datagram to `address`. Waits while the send queue is full.
    ///
    /// # Errors
    ///
    /// `NetworkUnreachable`; `EMSGSIZE`. On a connected socket also what ICMP said about its peer since the
    /// last call, whomever this one is to.
    pub async fn send_to(&self, data: &[u8], address: impl Into<SocketAddr>) -> io::Result<usize> {
        let address = address.into();
        self.transmit(data, Some(address)).await
    }

    /// Sends a datagram to the peer that it is connected to.
    ///
    /// # Errors
    ///
    /// As [`UdpSocket::send_to`]; `HostUnreachable` if the peer's neighbor did not answer an earlier
    /// send; `EDESTADDRREQ` if it is not connected.
    pub async fn send(&self, data: &[u8]) -> io::Result<usize> {
        self.transmit(data, None).await
    }

    async fn transmit(&self, data: &[u8], to: Option<SocketAddr>) -> io::Result<usize> {
        let attempt = |stack: &mut Stack, _: &mut Waiters, now| udp::send(stack, now, self.socket, data, to);
        Waiting::new(self.at(Interest::Write), attempt).await
    }

    /// Receives a datagram and tells whom it is from. What does not fit `buf` is lost.
    ///
    /// # Errors
    ///
    /// What ICMP said about the peer of a connected socket.
    pub async fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.receive(buf, false).await
    }

    /// As [`UdpSocket::recv_from`], and the datagram stays in the queue.
    ///
    /// # Errors
    ///
    /// As [`UdpSocket::recv_from`].
    pub async fn peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.receive(buf, true).await
    }

    /// Receives a datagram.
    ///
    /// # Errors
    ///
    /// As [`UdpSocket::recv_from`].
    pub async fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        Ok(self.receive(buf, false).await?.0)
    }

    async fn receive(&self, buf: &mut [u8], stays: bool) -> io::Result<(usize, SocketAddr)> {
        let attempt = |stack: &mut Stack, _: &mut Waiters, _| udp::receive(stack, self.socket, stays);
        let received = Waiting::new(self.at(Interest::Read), attempt).await?;
        Ok((udp::fill(buf, &received.data), received.from))
    }

    /// As [`UdpSocket::recv_from`]; of several tasks that poll, the last is woken.
    ///
    /// # Errors
    ///
    /// As [`UdpSocket::recv_from`].
    pub fn poll_recv_from(&self, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<SocketAddr>> {
        let attempt = |stack: &mut Stack, _: &mut Waiters, _| udp::receive(stack, self.socket, false);
        let received = ready!(self.at(Interest::Read).poll_fixed(context, attempt))?;
        buf.put_slice(&received.data[..received.data.len().min(buf.remaining())]);
        Poll::Ready(Ok(received.from))
    }

    /// As [`UdpSocket::send_to`]; of several tasks that poll, the last is woken.
    ///
    /// # Errors
    ///
    /// As [`UdpSocket::send_to`].
    pub fn poll_send_to(&self, context: &mut Context<'_>, data: &[u8], address: SocketAddr) -> Poll<io::Result<usize>> {
        let attempt = |stack: &mut Stack, _: &mut Waiters, now| udp::send(stack, now, self.socket, data, Some(address));
        self.at(Interest::Write).poll_fixed(context, attempt)
    }

    /// Receives a datagram that is there.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if none is; otherwise as [`UdpSocket::recv_from`].
    pub fn try_recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let received = self.call(|stack, _| udp::receive(stack, self.socket, false))?;
        Ok((udp::fill(buf, &received.data), received.from))
    }

    /// Sends a datagram if there is room.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if there is none; otherwise as [`UdpSocket::send_to`].
    pub fn try_send_to(&self, data: &[u8], address: impl Into<SocketAddr>) -> io::Result<usize> {
        self.call(|stack, now| udp::send(stack, now, self.socket, data, Some(address.into())))
    }

    /// Waits until something can be received: a datagram or an error.
    ///
    /// # Errors
    ///
    /// `NetworkDown` once the driver has ended.
    pub async fn readable(&self) -> io::Result<()> {
        let attempt = |stack: &mut Stack, _: &mut Waiters, _| udp::readable(stack, self.socket);
        Waiting::new(self.at(Interest::Read), attempt).await
    }

    /// Waits until a datagram has left after one was refused. A larger one may be refused again.
    ///
    /// # Errors
    ///
    /// `NetworkDown` once the driver has ended.
    pub async fn writable(&self) -> io::Result<()> {
        let attempt = |stack: &mut Stack, _: &mut Waiters, _| udp::writable(stack, self.socket);
        Waiting::new(self.at(Interest::Write), attempt).await
    }

    /// The address and port that it is bound to.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.view(|socket| socket.local().ok_or_else(|| Errno::BADF.into()))
    }

    /// The peer that it is connected to.
    ///
    /// # Errors
    ///
    /// `NotConnected`.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.view(|socket| socket.peer().ok_or_else(|| Errno::NOTCONN.into()))
    }

    /// The pending error, which is thereby taken: what ICMP said about a peer, or that a neighbor did
    /// not answer (RFC 1122 section 4.1.3.3). An unconnected socket tells of them here only.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.view(|socket| Ok(socket.take_error().map(|error| error.io())))
    }

    /// Whether it may send to broadcast addresses.
    pub fn set_broadcast(&self, broadcast: bool) -> io::Result<()> {
        self.view(|socket| {
            socket.set_broadcast(broadcast);
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

    /// What drives its stack; [`Handle::enter`] finds the socket there by [`UdpSocket::socket`].
    pub fn handle(&self) -> &H {
        &self.handle
    }

    /// Its name in the stack: for what has no counterpart here, groups for instance.
    pub fn socket(&self) -> UdpHandle {
        self.socket
    }

    fn at(&self, interest: Interest) -> At<'_, H> {
        At { handle: &self.handle, socket: Socket::Udp(self.socket), interest }
    }

    fn call<R>(&self, f: impl FnOnce(&mut Stack, Instant) -> io::Result<R>) -> io::Result<R> {
        self.handle.enter(|stack, waiters, now| {
            waiters.check()?;
            f(stack, now)
        })
    }

    fn view<R>(&self, f: impl FnOnce(&mut View<'_>) -> io::Result<R>) -> io::Result<R> {
        self.call(|stack, _| f(&mut udp::socket(stack, self.socket)?))
    }
}
