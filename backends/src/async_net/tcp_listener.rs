//! A listener.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};

use tickwire_core::socket::{ListenOptions, ListenerHandle};

use super::tcp_stream::TcpStream;
use super::waiting::{At, Waiting};
use crate::sockets::{Handle, Interest, Socket, tcp};

/// Accepts TCP connections. Dropping it resets the connections that nobody has accepted.
#[derive(Debug)]
pub struct TcpListener<H: Handle> {
    handle: H,
    listener: ListenerHandle,
    local: SocketAddr,
}

impl<H: Handle> TcpListener<H> {
    /// Listens on `address` with a backlog of 128 connections; port 0 takes a free one, `[::]` accepts both
    /// families.
    ///
    /// # Errors
    ///
    /// `AddrInUse`, `AddrNotAvailable` (not an address of this stack), `NetworkDown` once the driver has ended.
    pub fn bind(handle: &H, address: impl Into<SocketAddr>) -> io::Result<TcpListener<H>> {
        TcpListener::bind_with(handle, address, tcp::usual_listening())
    }

    /// Listens on `address` with the given backlog and settings, which accepted connections inherit.
    ///
    /// # Errors
    ///
    /// As [`TcpListener::bind`].
    pub fn bind_with(handle: &H, address: impl Into<SocketAddr>, options: ListenOptions) -> io::Result<TcpListener<H>> {
        let (listener, local) = handle.enter(|stack, waiters, _| {
            waiters.check()?;
            tcp::listen(stack, waiters, address.into(), options)
        })?;
        Ok(TcpListener { handle: handle.clone(), listener, local })
    }

    /// Waits for a connection. Cancel-safe: a connection is taken only as this returns it.
    ///
    /// # Errors
    ///
    /// `NetworkDown` once the driver has ended.
    pub async fn accept(&self) -> io::Result<(TcpStream<H>, SocketAddr)> {
        let attempt = |stack: &mut _, waiters: &mut _, now| tcp::accept(stack, waiters, now, self.listener);
        let (connection, remote) = Waiting::new(self.at(), attempt).await?;
        Ok((TcpStream::new(self.handle.clone(), connection), remote))
    }

    /// As [`TcpListener::accept`]; of several tasks that poll, the last is woken.
    ///
    /// # Errors
    ///
    /// As [`TcpListener::accept`].
    pub fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<(TcpStream<H>, SocketAddr)>> {
        let attempt = |stack: &mut _, waiters: &mut _, now| tcp::accept(stack, waiters, now, self.listener);
        let (connection, remote) = ready!(self.at().poll_fixed(context, attempt))?;
        Poll::Ready(Ok((TcpStream::new(self.handle.clone(), connection), remote)))
    }

    /// The address and port listened on.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }

    /// What drives its stack.
    pub fn handle(&self) -> &H {
        &self.handle
    }

    fn at(&self) -> At<'_, H> {
        At { handle: &self.handle, socket: Socket::Listener(self.listener), interest: Interest::Read }
    }
}

impl<H: Handle> Drop for TcpListener<H> {
    fn drop(&mut self) {
        self.handle.enter(|stack, waiters, now| tcp::close(stack, waiters, now, self.listener));
    }
}
