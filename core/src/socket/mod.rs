//! Sockets: handles, demultiplexing, ports and the ring of those with something to send.
//!
//! - this file: the handles

use slotmap::new_key_type;

new_key_type! {
    /// A TCP connection. Generational: once the connection is released, its handle is stale.
    pub struct TcpHandle;
    /// A TCP listener.
    pub struct ListenerHandle;
    /// A UDP socket.
    pub struct UdpHandle;
}
