//! What the stack tells the application: edges, each at most once in the queue.

use bitflags::bitflags;

use crate::socket::{ListenerHandle, TcpHandle, UdpHandle};

bitflags! {
    /// What changed on a socket. Edge triggered: a flag stands in one [`Event`] per change, so an
    /// application reads, writes or accepts until it is told that nothing is left.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
    pub struct Readiness: u8 {
        /// There is something to receive, or the end of the stream.
        const READABLE = 1 << 0;
        /// There is room to send again after there was none; for a connecting socket: it is established.
        const WRITABLE = 1 << 1;
        /// The connection was established.
        const CONNECTED = 1 << 2;
        /// An error is waiting; `take_error` returns it.
        const ERROR = 1 << 3;
        /// The peer will send no more (its FIN was received in order).
        const FINISHED = 1 << 4;
        /// The connection has ended; nothing further happens on this handle, which can be released.
        const CLOSED = 1 << 5;
        /// Urgent data was announced (RFC 9293 MUST-32).
        const URGENT = 1 << 6;
        /// All that was sent has been acknowledged.
        const DRAINED = 1 << 7;
    }
}

/// An edge on one socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A TCP connection changed.
    Tcp(TcpHandle, Readiness),
    /// A listener has a connection to accept.
    Listener(ListenerHandle),
    /// A UDP socket changed.
    Udp(UdpHandle, Readiness),
}
