//! Which sockets are a built-in service's. Those of everybody else are in
//! [`Waiters`](crate::sockets::Waiters).

use slotmap::SecondaryMap;
use tickwire_core::socket::{ListenerHandle, TcpHandle, UdpHandle};

use crate::sockets::Socket;

/// The number of each socket's service. Handles are generational, so an entry never speaks for a later socket.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    pub(crate) tcp: SecondaryMap<TcpHandle, usize>,
    pub(crate) listeners: SecondaryMap<ListenerHandle, usize>,
    pub(crate) udp: SecondaryMap<UdpHandle, usize>,
    /// The services that are told of the interfaces.
    pub(crate) watchers: Vec<usize>,
}

impl Owners {
    /// The service that a socket is of.
    pub(crate) fn service(&self, socket: Socket) -> Option<usize> {
        match socket {
            Socket::Tcp(handle) => self.tcp.get(handle),
            Socket::Listener(handle) => self.listeners.get(handle),
            Socket::Udp(handle) => self.udp.get(handle),
        }
        .copied()
    }
}
