//! Blocking sockets in the manner of `std::net`, on a [`StackHandle`](crate::driver::StackHandle).
//!
//! | module | job |
//! |---|---|
//! | `tcp_listener` | [`TcpListener`] |
//! | `tcp_stream` | [`TcpStream`] |
//! | `udp_socket` | [`UdpSocket`] |
//! | `multicast` | its calls about groups |
//! | `blocking` | waiting for a socket: timeouts, nonblocking mode, the driver's end |
//!
//! What each call does with the stack is in [`sockets`](crate::sockets), and shared with the asynchronous ones.
//!
//! They behave as their namesakes do on Linux. Host names are resolved by the system, not through the stack.

mod blocking;
mod multicast;
mod tcp_listener;
mod tcp_stream;
mod udp_socket;

pub use tcp_listener::{Incoming, TcpListener};
pub use tcp_stream::TcpStream;
pub use udp_socket::UdpSocket;
