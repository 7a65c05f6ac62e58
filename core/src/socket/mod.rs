//! Sockets: handles, the tables behind them, and the views through which an application uses one.
//!
//! - this file: the handles
//! - `table`: what the stack keeps per socket
//! - `demux`: from addresses and ports to a socket
//! - `ports`: ephemeral ports (RFC 6056)
//! - `tcp`: [`TcpSocket`], a connection as its application sees it
//! - `udp`: [`UdpSocket`], a UDP socket likewise
//! - `multicast`: the groups that a UDP socket listens to, and how it sends to groups

use slotmap::new_key_type;

pub(crate) mod demux;
mod multicast;
pub(crate) mod ports;
pub(crate) mod table;
mod tcp;
mod udp;

pub use crate::ip::multicast::filter::{FilterMode, SourceFilter};
pub use crate::udp::errors::{DatagramError, IcmpReport};
pub use multicast::Membership;
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
