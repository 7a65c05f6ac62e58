//! One attempt at each call of a datagram socket.

use std::io;
use std::net::SocketAddr;

use rustix::io::Errno;
use tickwire_core::socket::{Received, UdpHandle, UdpOptions, UdpSocket};
use tickwire_core::{Instant, Stack};

use super::{AsErrno as _, Socket, Waiters};

/// Binds a socket.
pub(crate) fn bind(
    stack: &mut Stack,
    waiters: &mut Waiters,
    local: SocketAddr,
    options: UdpOptions,
) -> io::Result<UdpHandle> {
    let handle = stack.udp_bind(local, options).map_err(|error| error.io())?;
    waiters.add(Socket::Udp(handle));
    Ok(handle)
}

/// What `std` binds with: `[::]` for both families.
pub(crate) fn usual_binding() -> UdpOptions {
    UdpOptions { dual_stack: true, ..UdpOptions::default() }
}

/// Lets go of a socket.
pub(crate) fn release(stack: &mut Stack, waiters: &mut Waiters, handle: UdpHandle) {
    waiters.remove(Socket::Udp(handle));
    // A handle that is stale already has nothing left to release.
    let _ = stack.udp_release(handle);
}

/// The next datagram; for a connected socket the pending error before it.
pub(crate) fn receive(stack: &mut Stack, handle: UdpHandle, stays: bool) -> io::Result<Received> {
    let mut socket = socket(stack, handle)?;
    tell_of_peer(&mut socket)?;
    let received = if stays { socket.peek() } else { socket.recv() };
    received.ok_or_else(|| Errno::AGAIN.into())
}

/// Queues a datagram.
pub(crate) fn send(
    stack: &mut Stack,
    now: Instant,
    handle: UdpHandle,
    data: &[u8],
    to: Option<SocketAddr>,
) -> io::Result<usize> {
    let mut socket = socket(stack, handle)?;
    tell_of_peer(&mut socket)?;
    socket.send(now, data, to).map(|()| data.len()).map_err(|error| error.io())
}

/// Whether receiving would not block. A pending error stays.
#[cfg(feature = "tokio")]
pub(crate) fn readable(stack: &mut Stack, handle: UdpHandle) -> io::Result<()> {
    let socket = socket(stack, handle)?;
    let has_error = socket.peer().is_some() && socket.has_error();
    if socket.received_len() > 0 || has_error { Ok(()) } else { Err(Errno::AGAIN.into()) }
}

/// Whether sending would not block, as far as is known before its length is.
#[cfg(feature = "tokio")]
pub(crate) fn writable(stack: &mut Stack, handle: UdpHandle) -> io::Result<()> {
    if socket(stack, handle)?.is_send_refused() { Err(Errno::AGAIN.into()) } else { Ok(()) }
}

/// The pending error of a connected socket: it is about the peer, and so about this call too. That of
/// an unconnected one may be about anybody it ever sent to; as on Linux it fails no other call, and
/// waits for `take_error`.
fn tell_of_peer(socket: &mut UdpSocket<'_>) -> io::Result<()> {
    if socket.peer().is_none() {
        return Ok(());
    }
    socket.take_error().map_or(Ok(()), |error| Err(error.io()))
}

/// The core's view of a socket.
pub(crate) fn socket(stack: &mut Stack, handle: UdpHandle) -> io::Result<UdpSocket<'_>> {
    stack.udp(handle).map_err(|error| error.io())
}

/// Copies as much of a datagram as fits; the rest is lost.
pub(crate) fn fill(buf: &mut [u8], data: &[u8]) -> usize {
    let len = buf.len().min(data.len());
    buf[..len].copy_from_slice(&data[..len]);
    len
}
