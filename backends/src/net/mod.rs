//! Blocking sockets in the manner of `std::net`, on a [`StackHandle`](crate::driver::StackHandle).
//!
//! | module | job |
//! |---|---|
//! | [`TcpListener`] | `tcp_listener` |
//! | [`TcpStream`] | `tcp_stream` |
//! | [`UdpSocket`] | `udp_socket` |
//! | `blocking` | waiting for a socket: timeouts, nonblocking mode, the driver's end |
//! | `error` | from the stack's errors to `io::Error` with the system's number and kind |
//!
//! They behave as their namesakes do on Linux. Host names are resolved by the system, not through the stack.

mod blocking;
mod error;
mod tcp_listener;
mod tcp_stream;
mod udp_socket;

pub use tcp_listener::{Incoming, TcpListener};
pub use tcp_stream::TcpStream;
pub use udp_socket::UdpSocket;
