//! The halves of a connection: borrowed ones for one task, owned ones for a task each.

use std::error::Error;
use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::tcp_stream::TcpStream;
use crate::sockets::Handle;

/// The half of a [`TcpStream`] that reads, borrowed from it by [`TcpStream::split`].
#[derive(Debug)]
pub struct ReadHalf<'a, H: Handle>(pub(super) &'a TcpStream<H>);

/// The half of a [`TcpStream`] that writes, borrowed from it by [`TcpStream::split`]. Dropping it does nothing.
#[derive(Debug)]
pub struct WriteHalf<'a, H: Handle>(pub(super) &'a TcpStream<H>);

/// The half of a [`TcpStream`] that reads, from [`TcpStream::into_split`]. With the last half the
/// connection is dropped.
#[derive(Debug)]
pub struct OwnedReadHalf<H: Handle>(pub(super) Arc<TcpStream<H>>);

/// The half of a [`TcpStream`] that writes, from [`TcpStream::into_split`]. Dropping it sends a FIN
/// behind what was written, unless it is [forgotten](OwnedWriteHalf::forget).
#[derive(Debug)]
pub struct OwnedWriteHalf<H: Handle> {
    stream: Arc<TcpStream<H>>,
    finishes: bool,
}

/// Two halves that are not of one connection, given back.
#[derive(Debug)]
pub struct ReuniteError<H: Handle>(pub OwnedReadHalf<H>, pub OwnedWriteHalf<H>);

impl<H: Handle> fmt::Display for ReuniteError<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the halves are of two connections")
    }
}

impl<H: Handle> Error for ReuniteError<H> {}

impl<H: Handle> OwnedReadHalf<H> {
    /// Puts the halves together again.
    ///
    /// # Errors
    ///
    /// They are of two connections.
    pub fn reunite(self, other: OwnedWriteHalf<H>) -> Result<TcpStream<H>, ReuniteError<H>> {
        if !Arc::ptr_eq(&self.0, &other.stream) {
            return Err(ReuniteError(self, other));
        }
        other.forget();
        // The other half is gone, and there were two.
        Arc::try_unwrap(self.0).map_err(|stream| {
            let writing = OwnedWriteHalf::new(Arc::clone(&stream));
            ReuniteError(OwnedReadHalf(stream), writing)
        })
    }
}

impl<H: Handle> OwnedWriteHalf<H> {
    pub(super) fn new(stream: Arc<TcpStream<H>>) -> OwnedWriteHalf<H> {
        OwnedWriteHalf { stream, finishes: true }
    }

    /// Drops the half without sending a FIN.
    pub fn forget(mut self) {
        self.finishes = false;
    }

    /// As [`OwnedReadHalf::reunite`].
    ///
    /// # Errors
    ///
    /// They are of two connections.
    pub fn reunite(self, other: OwnedReadHalf<H>) -> Result<TcpStream<H>, ReuniteError<H>> {
        other.reunite(self)
    }
}

impl<H: Handle> Drop for OwnedWriteHalf<H> {
    fn drop(&mut self) {
        if self.finishes {
            // Where that fails there is no connection any more.
            let _ = self.stream.finish();
        }
    }
}

impl<H: Handle> AsRef<TcpStream<H>> for ReadHalf<'_, H> {
    fn as_ref(&self) -> &TcpStream<H> {
        self.0
    }
}

impl<H: Handle> AsRef<TcpStream<H>> for WriteHalf<'_, H> {
    fn as_ref(&self) -> &TcpStream<H> {
        self.0
    }
}

impl<H: Handle> AsRef<TcpStream<H>> for OwnedReadHalf<H> {
    fn as_ref(&self) -> &TcpStream<H> {
        &self.0
    }
}

impl<H: Handle> AsRef<TcpStream<H>> for OwnedWriteHalf<H> {
    fn as_ref(&self) -> &TcpStream<H> {
        &self.stream
    }
}

// What both kinds of a half have in common.
macro_rules! half {
    ($half:ty) => {
        /// The connection's calls that are a half's too; its [`AsRef`] leads to the rest.
        impl<H: Handle> $half {
            /// See [`TcpStream::local_addr`].
            pub fn local_addr(&self) -> io::Result<SocketAddr> {
                self.as_ref().local_addr()
            }

            /// See [`TcpStream::peer_addr`].
            pub fn peer_addr(&self) -> io::Result<SocketAddr> {
                self.as_ref().peer_addr()
            }
        }
    };
}

macro_rules! reads {
    ($half:ty) => {
        half!($half);

        impl<H: Handle> $half {
            /// See [`TcpStream::readable`].
            pub async fn readable(&self) -> io::Result<()> {
                self.as_ref().readable().await
            }

            /// See [`TcpStream::try_read`].
            pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
                self.as_ref().try_read(buf)
            }

            /// See [`TcpStream::peek`].
            pub async fn peek(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                self.as_ref().peek(buf).await
            }
        }

        impl<H: Handle> AsyncRead for $half {
            fn poll_read(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
                buf: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                self.as_ref().get_ref().as_ref().poll_receive(context, buf)
            }
        }
    };
}

macro_rules! writes {
    ($half:ty) => {
        half!($half);

        impl<H: Handle> $half {
            /// See [`TcpStream::writable`].
            pub async fn writable(&self) -> io::Result<()> {
                self.as_ref().writable().await
            }

            /// See [`TcpStream::try_write`].
            pub fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
                self.as_ref().try_write(buf)
            }
        }

        impl<H: Handle> AsyncWrite for $half {
            fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
                self.as_ref().get_ref().as_ref().poll_send(context, buf)
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
                slices: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.as_ref().get_ref().as_ref().poll_send_slices(context, slices)
            }

            fn is_write_vectored(&self) -> bool {
                true
            }

            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(self.as_ref().get_ref().as_ref().finish())
            }
        }
    };
}

reads!(ReadHalf<'_, H>);
reads!(OwnedReadHalf<H>);
writes!(WriteHalf<'_, H>);
writes!(OwnedWriteHalf<H>);
