//! A connection.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tickwire_core::config::TcpSettings;
use tickwire_core::socket::{ConnectOptions, TcpHandle, TcpSocket};
use tickwire_core::tcp::How;
use tickwire_core::{Instant, Stack};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::split::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf};
use super::waiting::{At, Waiting};
use crate::sockets::{AsErrno as _, Handle, Interest, Socket, Waiters, tcp};

/// A TCP connection. Dropping it closes it in the background: what was written is still sent; with
/// received data unread the peer is sent a reset (RFC 9293 section 3.6.1).
#[derive(Debug)]
pub struct TcpStream<H: Handle> {
    handle: H,
    connection: TcpHandle,
}

impl<H: Handle> Drop for TcpStream<H> {
    fn drop(&mut self) {
        self.handle.enter(|stack, waiters, now| tcp::release(stack, waiters, now, self.connection));
    }
}

impl<H: Handle> TcpStream<H> {
    pub(super) fn new(handle: H, connection: TcpHandle) -> TcpStream<H> {
        TcpStream { handle, connection }
    }

    /// Opens a connection and waits until it is established. Dropping the future gives it up.
    ///
    /// # Errors
    ///
    /// `ConnectionRefused`, `TimedOut`, `HostUnreachable`, `NetworkUnreachable`, `AddrNotAvailable`
    /// (no port is free), `NetworkDown` once the driver has ended.
    pub async fn connect(handle: &H, remote: impl Into<SocketAddr>) -> io::Result<TcpStream<H>> {
        let remote = remote.into();
        TcpStream::connect_with(handle, remote, ConnectOptions::default()).await
    }

    /// Opens a connection with the given local address and settings.
    ///
    /// # Errors
    ///
    /// As [`TcpStream::connect`]; `AddrInUse` if the local address is.
    pub async fn connect_with(handle: &H, remote: SocketAddr, options: ConnectOptions) -> io::Result<TcpStream<H>> {
        let connection = handle.enter(|stack, waiters, now| {
            waiters.check()?;
            tcp::connect(stack, waiters, now, remote, options)
        })?;
        // From here on, dropping it releases the connection.
        let stream = TcpStream::new(handle.clone(), connection);
        let attempt = |stack: &mut Stack, _: &mut Waiters, _| tcp::connected(stack, connection);
        Waiting::new(stream.at(Interest::Write), attempt).await?;
        Ok(stream)
    }

    /// Waits until something can be read: data, the end of the stream, or an error.
    ///
    /// # Errors
    ///
    /// `NetworkDown` once the driver has ended.
    pub async fn readable(&self) -> io::Result<()> {
        let attempt = |stack: &mut Stack, _: &mut Waiters, _| tcp::readable(stack, self.connection);
        Waiting::new(self.at(Interest::Read), attempt).await
    }

    /// Waits until something can be written, or writing fails.
    ///
    /// # Errors
    ///
    /// `NetworkDown` once the driver has ended.
    pub async fn writable(&self) -> io::Result<()> {
        let attempt = |stack: &mut Stack, _: &mut Waiters, now| tcp::writable(stack, now, self.connection);
        Waiting::new(self.at(Interest::Write), attempt).await
    }

    /// Reads what is there.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if nothing is; otherwise as reading.
    pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        self.call(|stack, now| tcp::receive(stack, self.connection, |socket| socket.recv(now, buf)))
    }

    /// Writes as much as there is room for.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if there is none; otherwise as writing.
    pub fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
        self.call(|stack, now| tcp::send(stack, now, self.connection, buf))
    }

    /// Receives into `buf` without taking it from the stream.
    ///
    /// # Errors
    ///
    /// As reading.
    pub async fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        let attempt =
            |stack: &mut Stack, _: &mut Waiters, _| tcp::receive(stack, self.connection, |socket| socket.peek(buf));
        Waiting::new(self.at(Interest::Read), attempt).await
    }

    /// Our address and port.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.look(|socket| socket.local().ok_or_else(tcp::stale))
    }

    /// The peer's address and port.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.look(|socket| socket.remote().ok_or_else(tcp::stale))
    }

    /// The pending error, which is thereby taken.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.look(|socket| Ok(socket.take_error().map(|error| error.io())))
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
    /// resets the connection, a duration gives it that long. Nothing waits for it.
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
        self.call(|stack, _| tcp::ttl(stack, self.connection))
    }

    /// What drives its stack; [`Handle::enter`] finds the connection there by [`TcpStream::connection`].
    pub fn handle(&self) -> &H {
        &self.handle
    }

    /// Its name in the stack: for what has no counterpart here.
    pub fn connection(&self) -> TcpHandle {
        self.connection
    }

    /// A half that reads and one that writes, for one task.
    pub fn split(&mut self) -> (ReadHalf<'_, H>, WriteHalf<'_, H>) {
        (ReadHalf(self), WriteHalf(self))
    }

    /// A half that reads and one that writes, for a task each. Dropping the one that writes sends a FIN.
    pub fn into_split(self) -> (OwnedReadHalf<H>, OwnedWriteHalf<H>) {
        let stream = Arc::new(self);
        (OwnedReadHalf(Arc::clone(&stream)), OwnedWriteHalf::new(stream))
    }

    fn at(&self, interest: Interest) -> At<'_, H> {
        At { handle: &self.handle, socket: Socket::Tcp(self.connection), interest }
    }

    fn call<R>(&self, f: impl FnOnce(&mut Stack, Instant) -> io::Result<R>) -> io::Result<R> {
        self.handle.enter(|stack, waiters, now| {
            waiters.check()?;
            f(stack, now)
        })
    }

    fn look<R>(&self, f: impl FnOnce(&mut TcpSocket<'_>) -> io::Result<R>) -> io::Result<R> {
        self.call(|stack, _| f(&mut tcp::socket(stack, self.connection)?))
    }

    fn set(&self, change: impl FnOnce(&mut TcpSettings)) -> io::Result<()> {
        self.call(|stack, now| tcp::set(stack, now, self.connection, change))
    }

    pub(super) fn poll_receive(&self, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let received = self.at(Interest::Read).poll_fixed(context, |stack, _, now| {
            tcp::receive(stack, self.connection, |socket| {
                // Memory that was never written to is cleared only as far as it is received into.
                let len = buf.remaining().min(socket.received_len());
                socket.recv(now, buf.initialize_unfilled_to(len))
            })
        });
        received.map_ok(|len| buf.advance(len))
    }

    pub(super) fn poll_send(&self, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.at(Interest::Write).poll_fixed(context, |stack, _, now| tcp::send(stack, now, self.connection, data))
    }

    pub(super) fn poll_send_slices(
        &self,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.at(Interest::Write).poll_fixed(context, |stack, _, now| {
            let mut sent = 0;
            for slice in slices.iter().filter(|slice| !slice.is_empty()) {
                match tcp::send(stack, now, self.connection, slice) {
                    Ok(len) => sent += len,
                    Err(error) if sent == 0 => return Err(error),
                    // The next write says so.
                    Err(_) => break,
                }
            }
            Ok(sent)
        })
    }

    /// Sends a FIN behind what was written. What has ended already needs none.
    pub(super) fn finish(&self) -> io::Result<()> {
        let finished = self.handle.enter(|stack, waiters, now| {
            waiters.check()?;
            tcp::shutdown(stack, waiters, now, self.connection, How::Write)
        });
        match finished {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            finished => finished,
        }
    }
}

impl<H: Handle> AsyncRead for TcpStream<H> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll_receive(context, buf)
    }
}

/// Writing returns as soon as some of the data is queued; there is nothing to flush. Shutting down sends a FIN.
impl<H: Handle> AsyncWrite for TcpStream<H> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_send(context, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_send_slices(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.finish())
    }
}
