//! What the stack keeps per socket beside the protocol's own state.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use slotmap::SlotMap;

use super::demux::{Bound, Demux, Flow};
use super::ports::Ports;
use super::{ListenerHandle, TcpHandle, UdpHandle};
use crate::config::Shard;
use crate::event::Readiness;
use crate::ip::route::{Hop, Query};
use crate::rng::Seed;
use crate::tcp::{Listener, Tcb};
use crate::time::Instant;
use crate::udp::UdpState;

/// Entries of sockets that are gone, which a queue of sockets may hold beside as many as there are live ones.
pub(crate) const GONE_MAX: usize = 64;

/// Who answers for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// An application holds the handle.
    Application,
    /// It belongs to a listener: in its SYN queue.
    SynQueue(ListenerHandle),
    /// It belongs to a listener: established, waiting to be accepted.
    AcceptQueue(ListenerHandle),
    /// Nobody: it finishes alone.
    Orphan,
}

/// A connection in the table.
#[derive(Clone, Debug)]
pub(crate) struct TcpSlot {
    pub(crate) tcb: Tcb,
    pub(crate) flow: Flow,
    /// The label of its IPv6 packets (RFC 6437).
    pub(crate) flow_label: u32,
    pub(crate) owner: Owner,
    /// The next hop, with the generation of the routes and path MTUs that told it.
    pub(crate) hop: Option<(u64, Hop)>,
    /// When to ask for the path's MTU again.
    pub(crate) path_until: Option<Instant>,
    /// Whether routers on the path are forbidden to fragment.
    pub(crate) dont_fragment: bool,
    /// Stands on an interface's ready ring.
    pub(crate) queued: bool,
    /// Waits for a neighbor.
    pub(crate) parked: bool,
    /// The heap entry that stands for this connection's timers.
    pub(crate) armed: Option<Instant>,
    /// Stands among those whose timers may be due before that.
    pub(crate) unarmed: bool,
    /// Edges that the application has not been told of.
    pub(crate) pending: Readiness,
    /// Has reached TIME-WAIT, and is noted in `Sockets::time_wait`.
    pub(crate) in_time_wait: bool,
}

/// A listener in the table.
#[derive(Clone, Debug)]
pub(crate) struct ListenerSlot {
    pub(crate) listener: Listener,
    pub(crate) bound: Bound,
    /// An event for it is queued.
    pub(crate) pending: bool,
}

/// A UDP socket in the table.
#[derive(Clone, Debug)]
pub(crate) struct UdpSlot {
    pub(crate) state: UdpState,
    /// Stands on an interface's ready ring.
    pub(crate) queued: bool,
    pub(crate) pending: Readiness,
    /// The way of the last datagram, and when it was found: it serves the next one to the same destination.
    pub(crate) hop: Option<(u64, Query, Hop)>,
}

/// All sockets of a stack.
#[derive(Clone)]
pub(crate) struct Sockets {
    pub(crate) tcp: SlotMap<TcpHandle, Box<TcpSlot>>,
    pub(crate) listeners: SlotMap<ListenerHandle, ListenerSlot>,
    pub(crate) udp: SlotMap<UdpHandle, UdpSlot>,
    pub(crate) demux: Demux,
    pub(crate) tcp_ports: Ports,
    pub(crate) udp_ports: Ports,
    /// Connections without an owner that have not reached TIME-WAIT.
    pub(crate) orphans: u32,
    /// Connections in TIME-WAIT without an owner, oldest first; some may be gone.
    pub(crate) time_wait: VecDeque<TcpHandle>,
}

impl Sockets {
    pub(crate) fn new(seed: &Seed, shard: Shard) -> Sockets {
        Sockets {
            tcp: SlotMap::with_key(),
            listeners: SlotMap::with_key(),
            udp: SlotMap::with_key(),
            demux: Demux::new(seed),
            tcp_ports: Ports::new(seed, "tcp.ports", shard),
            udp_ports: Ports::new(seed, "udp.ports", shard),
            orphans: 0,
            time_wait: VecDeque::new(),
        }
    }

    /// How many entries a queue of sockets may hold before those of sockets that are gone are taken
    /// out: each live one stands in it once, so this happens rarely.
    pub(crate) fn queue_max(&self) -> usize {
        2 * (self.tcp.len() + self.udp.len() + self.listeners.len()) + GONE_MAX
    }

    /// Notes a connection in TIME-WAIT that nobody owns any more.
    pub(crate) fn queue_time_wait(&mut self, handle: TcpHandle) {
        self.time_wait.push_back(handle);
        if self.time_wait.len() > self.queue_max() {
            let tcp = &self.tcp;
            self.time_wait.retain(|&handle| tcp.contains_key(handle));
        }
    }

    /// Ephemeral ports follow from `seed` from here on.
    pub(crate) fn reseed(&mut self, seed: &Seed, shard: Shard) {
        self.tcp_ports = Ports::new(seed, "tcp.ports", shard);
        self.udp_ports = Ports::new(seed, "udp.ports", shard);
    }
}
