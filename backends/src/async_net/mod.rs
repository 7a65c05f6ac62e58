//! Asynchronous sockets in the manner of `tokio::net`, on any [`Handle`]. Feature `tokio`.
//!
//! | module | job |
//! |---|---|
//! | `tcp_listener` | [`TcpListener`] |
//! | `tcp_stream` | [`TcpStream`] |
//! | `split` | its halves: borrowed ones, and [`OwnedReadHalf`] and [`OwnedWriteHalf`] |
//! | `udp_socket` | [`UdpSocket`] |
//! | `waiting` | a future's place among who waits for a socket |
//!
//! The same program runs wherever there is a handle: on a driver's
//! [`StackHandle`](crate::driver::StackHandle) the tasks meet the network by devices and the driver's
//! thread; a simulator's handle needs neither.
//!
//! All futures can be dropped at any time: one that has not returned has received, sent and accepted
//! nothing. (`write_all` and the like of `AsyncWriteExt` make several calls, and are as cancel-safe as they
//! are on any writer.)
//!
//! What differs from `tokio::net`:
//!
//! - The first argument of `bind` and `connect` is the handle of the stack. Addresses are addresses: names
//!   would be looked up by the system, not through the stack. So `bind` of either kind, and
//!   `UdpSocket::connect`, have nothing to wait for, and are no `async fn`.
//! - There is no descriptor: no `from_std`, no `AsFd`, no `async_io`, and no reactor. They work in any
//!   executor; on tokio they take part in its cooperative budget.
//! - `readable` and `writable` say how it is, rather than how it was at the last edge: they are not true
//!   in vain, and `try_read` before is not needed.
//! - Once the driver has ended, everything fails with `NetworkDown`.
//! - Options of a socket that is yet to be opened are given at once, to `bind_with` and `connect_with`, in
//!   place of a `TcpSocket` that is bound or connected later.
//! - A `WouldBlock` of `try_read` and its like has changed nothing, as there; but a socket's edge is seen by
//!   all who wait for it, so several tasks may accept on one listener, or receive on one `UdpSocket`.
//!
//! ```
//! use tickwire_backends::async_net::{TcpListener, TcpStream};
//! use tickwire_backends::sockets::Handle;
//! use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
//!
//! /// Echoes what the first to connect sends, on whatever stack.
//! async fn echo<H: Handle>(listener: TcpListener<H>) -> std::io::Result<u64> {
//!     let (mut stream, _) = listener.accept().await?;
//!     let (mut reading, mut writing) = stream.split();
//!     copy(&mut reading, &mut writing).await
//! }
//!
//! # #[cfg(not(target_os = "linux"))] fn main() {}
//! # #[cfg(target_os = "linux")]
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     # use tickwire_backends::driver::{Driver, Loop};
//!     # use tickwire_core::{Config, InterfaceAddress};
//!     let mut turns = Loop::new(Config::default(), None)?;
//!     turns.add_loopback()?; // the stack's own 127.0.0.1; see `add_device` for the rest of the world
//!     let driver = Driver::spawn(turns)?;
//!
//!     let listener = TcpListener::bind(&driver.handle(), ([127, 0, 0, 1], 7))?;
//!     let echoing = tokio::spawn(echo(listener));
//!     let mut stream = TcpStream::connect(&driver.handle(), ([127, 0, 0, 1], 7)).await?;
//!     stream.write_all(b"hello").await?;
//!     stream.shutdown().await?;
//!     let mut answer = String::new();
//!     stream.read_to_string(&mut answer).await?;
//!     assert_eq!((answer.as_str(), echoing.await??), ("hello", 5));
//!     Ok(())
//! }
//! ```

#[cfg(doc)]
use crate::sockets::Handle;

mod split;
mod tcp_listener;
mod tcp_stream;
mod udp_socket;
mod waiting;

pub use split::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, WriteHalf};
pub use tcp_listener::TcpListener;
pub use tcp_stream::TcpStream;
pub use udp_socket::UdpSocket;
