//! What the stack tells the application: edges, each at most once in the queue.

use bitflags::bitflags;
use core::net::IpAddr;

use crate::link::InterfaceId;
use crate::socket::{ListenerHandle, TcpHandle, UdpHandle};

bitflags! {
    /// What changed on a socket. Edge triggered: a flag stands in one [`Event`] per change, so an
    /// application reads, writes or accepts until it is told that nothing is left.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
    #[cfg_attr(feature = "serde", serde(transparent))]
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

/// What has become of an address of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum AddressChange {
    /// It can be used from now on.
    Assigned,
    /// It is preferred (again): shown to be unique, or its preferred lifetime was extended.
    Preferred,
    /// Its preferred lifetime has ended: what uses it goes on, nothing new should begin.
    Deprecated,
    /// The interface does not have it any more: its lifetime has ended, or who gave it has taken it back.
    Removed,
    /// Another host has it; it is not used any more.
    Duplicated,
    /// Another host uses it too; it was announced once more, and is kept (RFC 5227 section 2.4).
    Defended,
}

/// An edge on one socket, or on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Event {
    /// A TCP connection changed.
    Tcp(TcpHandle, Readiness),
    /// A listener has a connection to accept.
    Listener(ListenerHandle),
    /// A UDP socket changed.
    Udp(UdpHandle, Readiness),
    /// An address changed. Of several changes that wait to be told of one address, the last is.
    Address {
        /// The interface that has or had it.
        interface: InterfaceId,
        /// The address.
        address: IpAddr,
        /// What has become of it.
        change: AddressChange,
    },
    /// What an interface was told about the network has changed: DNS servers and the like.
    Configuration(InterfaceId),
}
