//! One attempt at each call of a listener or a connection.

use std::io;
use std::net::SocketAddr;

use rustix::io::Errno;
use tickwire_core::config::TcpSettings;
use tickwire_core::error::{RecvError, SendError, StaleHandle};
use tickwire_core::socket::{ConnectOptions, ListenOptions, ListenerHandle, TcpHandle, TcpSocket};
use tickwire_core::tcp::{How, State};
use tickwire_core::{Instant, Stack};

use super::{AsErrno as _, Socket, Waiters};

/// Opens a listener, and says where it listens.
pub(crate) fn listen(
    stack: &mut Stack,
    waiters: &mut Waiters,
    local: SocketAddr,
    options: ListenOptions,
) -> io::Result<(ListenerHandle, SocketAddr)> {
    let handle = stack.tcp_listen(local, options).map_err(|error| error.io())?;
    waiters.add(Socket::Listener(handle));
    let local = stack.tcp_listener_local(handle).map_err(|error| error.io())?;
    Ok((handle, local))
}

/// What `std` listens with: a backlog of 128, and `[::]` for both families.
pub(crate) fn usual_listening() -> ListenOptions {
    ListenOptions { backlog: 128, dual_stack: true, ..ListenOptions::default() }
}

/// Closes a listener.
pub(crate) fn close(stack: &mut Stack, waiters: &mut Waiters, now: Instant, handle: ListenerHandle) {
    waiters.remove(Socket::Listener(handle));
    // Stale: the driver closed it when it ended.
    let _ = stack.tcp_listener_close(now, handle);
}

/// The next connection and its peer.
pub(crate) fn accept(
    stack: &mut Stack,
    waiters: &mut Waiters,
    now: Instant,
    listener: ListenerHandle,
) -> io::Result<(TcpHandle, SocketAddr)> {
    let accepted = stack.tcp_accept(now, listener).map_err(|error| error.io())?;
    let handle = accepted.ok_or(Errno::AGAIN)?;
    waiters.add(Socket::Tcp(handle));
    let remote = socket(stack, handle)?.remote();
    Ok((handle, remote.ok_or_else(stale)?))
}

/// Begins to connect.
pub(crate) fn connect(
    stack: &mut Stack,
    waiters: &mut Waiters,
    now: Instant,
    remote: SocketAddr,
    options: ConnectOptions,
) -> io::Result<TcpHandle> {
    let handle = stack.tcp_connect(now, remote, options).map_err(|error| error.io())?;
    waiters.add(Socket::Tcp(handle));
    Ok(handle)
}

/// Whether what began has succeeded.
pub(crate) fn connected(stack: &mut Stack, handle: TcpHandle) -> io::Result<()> {
    let mut socket = socket(stack, handle)?;
    match socket.state() {
        State::SynSent | State::SynReceived => Err(Errno::AGAIN.into()),
        State::Closed => Err(socket.take_error().map_or(Errno::CONNREFUSED.into(), |error| error.io())),
        _ => Ok(()),
    }
}

/// Lets go of a connection.
pub(crate) fn release(stack: &mut Stack, waiters: &mut Waiters, now: Instant, handle: TcpHandle) {
    waiters.remove(Socket::Tcp(handle));
    // A handle that is stale already has nothing left to release.
    let _ = stack.tcp_release(now, handle);
}

/// Receives, or looks at what is there, by `step`.
pub(crate) fn receive(
    stack: &mut Stack,
    handle: TcpHandle,
    step: impl FnOnce(&mut TcpSocket<'_>) -> Result<usize, RecvError>,
) -> io::Result<usize> {
    let mut socket = socket(stack, handle)?;
    match step(&mut socket) {
        Ok(received) => Ok(received),
        // As on Linux, what ended the connection is told once, by the first call; then it is over.
        Err(RecvError::Failed | RecvError::Reset) => socket.take_error().map_or(Ok(0), |cause| Err(cause.io())),
        Err(error) => Err(error.io()),
    }
}

/// Queues as much as there is room for.
pub(crate) fn send(stack: &mut Stack, now: Instant, handle: TcpHandle, data: &[u8]) -> io::Result<usize> {
    if data.is_empty() {
        return Ok(0);
    }
    let mut socket = socket(stack, handle)?;
    match socket.send(now, data) {
        Ok(0) => Err(Errno::AGAIN.into()),
        Ok(sent) => Ok(sent),
        Err(SendError::Failed | SendError::Reset) => {
            Err(socket.take_error().map_or(Errno::PIPE.into(), |cause| cause.io()))
        }
        Err(error) => Err(error.io()),
    }
}

/// Whether receiving would not block.
#[cfg(feature = "tokio")]
pub(crate) fn readable(stack: &mut Stack, handle: TcpHandle) -> io::Result<()> {
    match socket(stack, handle)?.peek(&mut [0]) {
        Err(RecvError::WouldBlock) => Err(Errno::AGAIN.into()),
        _ => Ok(()),
    }
}

/// Whether sending would not block.
#[cfg(feature = "tokio")]
pub(crate) fn writable(stack: &mut Stack, now: Instant, handle: TcpHandle) -> io::Result<()> {
    let mut socket = socket(stack, handle)?;
    // There is an edge only for who was refused; what does not fit is sent in vain, to be refused.
    if socket.send_capacity() == 0 && socket.send(now, &[0]) == Ok(0) {
        return Err(Errno::AGAIN.into());
    }
    Ok(())
}

/// Ends one direction or both.
pub(crate) fn shutdown(
    stack: &mut Stack,
    waiters: &mut Waiters,
    now: Instant,
    handle: TcpHandle,
    how: How,
) -> io::Result<()> {
    let mut socket = socket(stack, handle)?;
    if socket.state() == State::Closed {
        return Err(Errno::NOTCONN.into());
    }
    socket.shutdown(now, how);
    // Who reads or writes elsewhere finds out.
    waiters.tell_all(Socket::Tcp(handle));
    Ok(())
}

/// Changes the settings of a connection.
pub(crate) fn set(
    stack: &mut Stack,
    now: Instant,
    handle: TcpHandle,
    change: impl FnOnce(&mut TcpSettings),
) -> io::Result<()> {
    let mut socket = socket(stack, handle)?;
    let mut settings = socket.settings().ok_or_else(stale)?.clone();
    change(&mut settings);
    socket.set_settings(now, settings).map_err(|error| error.io())
}

/// The time to live (hop limit) of what a connection sends.
pub(crate) fn ttl(stack: &mut Stack, handle: TcpHandle) -> io::Result<u32> {
    let default = stack.config().hop_limit;
    let socket = socket(stack, handle)?;
    Ok(u32::from(socket.settings().and_then(|settings| settings.hop_limit).unwrap_or(default)))
}

/// The core's view of a connection.
pub(crate) fn socket(stack: &mut Stack, handle: TcpHandle) -> io::Result<TcpSocket<'_>> {
    stack.tcp(handle).map_err(|error| error.io())
}

pub(crate) fn stale() -> io::Error {
    StaleHandle::Stale.io()
}

/// A time to live as an octet.
pub(crate) fn hop_limit(ttl: u32) -> io::Result<u8> {
    u8::try_from(ttl).ok().filter(|ttl| *ttl > 0).ok_or_else(|| Errno::INVAL.into())
}
