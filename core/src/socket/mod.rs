//! Sockets: handles, the tables behind them, and the views through which an application uses one.
//!
//! - this file: the handles
//! - `table`: what the stack keeps per socket
//! - `demux`: from addresses and ports to a socket
//! - `ports`: ephemeral ports (RFC 6056)
//! - `tcp`: [`TcpSocket`], a connection as its application sees it
//! - `udp`: [`UdpSocket`], a UDP socket likewise

use slotmap::new_key_type;

pub(crate) mod demux;
pub(crate) mod ports;
pub(crate) mod table;
mod tcp;
mod udp;

pub use crate::udp::errors::{DatagramError, IcmpReport};
pub use tcp::{ConnectOptions, ListenOptions, TcpSocket};
pub use udp::{Received, UdpOptions, UdpSocket};

new_key_type! {
    /// A TCP connection. Generational: once the connection is released, its handle is stale.
    pub struct TcpHandle;
    /// A TCP listener. Generational, as [`TcpHandle`].
    pub struct ListenerHandle;
    /// A UDP socket. Generational, as [`TcpHandle`].
    pub struct UdpHandle;
}
