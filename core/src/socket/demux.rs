//! Which socket a segment or datagram belongs to: tables keyed by addresses and ports.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};
use core::net::{IpAddr, SocketAddr};

use super::{ListenerHandle, TcpHandle, UdpHandle};
use crate::keyed::KeyedMap;
use crate::link::InterfaceId;
use crate::rng::Seed;

/// The two ends of a connection, ours first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flow {
    pub(crate) local: IpAddr,
    pub(crate) local_port: u16,
    pub(crate) remote: IpAddr,
    pub(crate) remote_port: u16,
}

impl Flow {
    pub(crate) fn new(local: SocketAddr, remote: SocketAddr) -> Flow {
        Flow { local: local.ip(), local_port: local.port(), remote: remote.ip(), remote_port: remote.port() }
    }

    pub(crate) fn local_addr(&self) -> SocketAddr {
        SocketAddr::new(self.local, self.local_port)
    }

    pub(crate) fn remote_addr(&self) -> SocketAddr {
        SocketAddr::new(self.remote, self.remote_port)
    }
}

/// The octets of ports and addresses, one after another. The hash is on the path of every segment: those of IPv4 are
/// handed over in words, which takes half as long as a slice of them.
impl Hash for Flow {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let ports = u32::from(self.local_port) | u32::from(self.remote_port) << 16;
        if let (IpAddr::V4(local), IpAddr::V4(remote)) = (self.local, self.remote) {
            let local = u32::from_le_bytes(local.octets());
            state.write_u64(u64::from(ports) | u64::from(local) << 32);
            return state.write_u32(u32::from_le_bytes(remote.octets()));
        }
        let mut key = [0; 36];
        key[..4].copy_from_slice(&ports.to_le_bytes());
        for (at, address) in [(4, self.local), (20, self.remote)] {
            if let IpAddr::V6(address) = address {
                key[at..at + 16].copy_from_slice(&address.octets());
            }
        }
        state.write(&key);
    }
}

/// The address family of a wildcard binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    pub(crate) const fn of(address: IpAddr) -> Family {
        if address.is_ipv4() { Family::V4 } else { Family::V6 }
    }
}

/// What a listener or a UDP socket is bound to, as its application says it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    /// The unspecified address means all of its family, and with `dual_stack` the IPv6 one means both.
    pub(crate) local: SocketAddr,
    pub(crate) dual_stack: bool,
    /// The interface that alone it hears.
    pub(crate) interface: Option<InterfaceId>,
}

/// One address, or all of a family; on one interface, or on all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Binding {
    family: Family,
    address: Option<IpAddr>,
    port: u16,
    interface: Option<InterfaceId>,
}

impl Bound {
    /// The bindings that it stands for.
    fn bindings(&self) -> impl Iterator<Item = Binding> {
        let Bound { local, dual_stack, interface } = *self;
        let unspecified = local.ip().is_unspecified();
        let first = Binding {
            family: Family::of(local.ip()),
            address: (!unspecified).then_some(local.ip()),
            port: local.port(),
            interface,
        };
        let second = Binding { family: Family::V4, address: None, ..first };
        let both = dual_stack && unspecified && local.is_ipv6();
        core::iter::once(first).chain(both.then_some(second))
    }
}

/// Listeners or UDP sockets by what they are bound to.
#[derive(Clone)]
pub(crate) struct Bindings<H> {
    map: KeyedMap<Binding, H>,
    /// Where several share a binding: those behind the one in the map, which was bound last.
    behind: BTreeMap<Binding, Vec<H>>,
    /// Sockets that are bound to an interface: while there are none, nothing is asked about interfaces.
    on_interfaces: u32,
}

impl<H: Copy + PartialEq> Bindings<H> {
    fn new(seed: &Seed, label: &str) -> Bindings<H> {
        Bindings { map: KeyedMap::new(seed.hash_key(label)), behind: BTreeMap::new(), on_interfaces: 0 }
    }

    /// Whether one of its bindings is taken.
    pub(crate) fn is_taken(&self, bound: &Bound) -> bool {
        bound.bindings().any(|binding| self.map.contains(&binding))
    }

    pub(crate) fn insert(&mut self, bound: &Bound, handle: H) {
        self.on_interfaces += u32::from(bound.interface.is_some());
        for binding in bound.bindings() {
            if let Some(before) = self.map.insert(binding, handle) {
                self.behind.entry(binding).or_default().push(before);
            }
        }
    }

    pub(crate) fn remove(&mut self, bound: &Bound, handle: H) {
        self.on_interfaces -= u32::from(bound.interface.is_some());
        for binding in bound.bindings() {
            let in_front = self.map.get(&binding) == Some(&handle);
            let Some(behind) = self.behind.get_mut(&binding) else {
                if in_front {
                    self.map.remove(&binding);
                }
                continue;
            };
            if in_front {
                if let Some(next) = behind.pop() {
                    self.map.insert(binding, next);
                }
            } else {
                behind.retain(|other| *other != handle);
            }
            if behind.is_empty() {
                self.behind.remove(&binding);
            }
        }
    }

    /// Who has one of its bindings.
    pub(crate) fn holders(&self, bound: &Bound) -> impl Iterator<Item = H> {
        bound.bindings().flat_map(|binding| self.at(binding))
    }

    /// Who has a binding, the last bound first.
    fn at(&self, binding: Binding) -> impl Iterator<Item = H> {
        let front = self.map.get(&binding).copied();
        // Looked up only when the first has been refused, and nobody stands behind nobody.
        let behind = core::iter::once_with(move || front.and_then(|_| self.behind.get(&binding)));
        front.into_iter().chain(behind.flatten().flat_map(|behind| behind.iter().rev().copied()))
    }

    /// The socket for what arrives at `address` on the interface `arrived_on`: one bound to it, else one
    /// bound to all of its family; of these one bound to the interface first.
    pub(crate) fn find(&self, address: IpAddr, port: u16, arrived_on: InterfaceId) -> Option<H> {
        self.candidates(address, port, arrived_on).next()
    }

    /// The sockets that what arrives at `address` may be for, the one that says it most exactly first.
    pub(crate) fn candidates(&self, address: IpAddr, port: u16, arrived_on: InterfaceId) -> impl Iterator<Item = H> {
        let family = Family::of(address);
        let all = [(Some(address), Some(arrived_on)), (Some(address), None), (None, Some(arrived_on)), (None, None)];
        all.into_iter()
            .filter(move |(_, interface)| interface.is_none() || self.on_interfaces > 0)
            .flat_map(move |(address, interface)| self.at(Binding { family, address, port, interface }))
    }
}

/// Connections by their two ends. Segments of one connection come in rows: the last one found is
/// looked at before anything is hashed.
#[derive(Clone)]
pub(crate) struct Flows {
    map: KeyedMap<Flow, TcpHandle>,
    last: Option<(Flow, TcpHandle)>,
}

impl Flows {
    fn new(seed: &Seed) -> Flows {
        Flows { map: KeyedMap::new(seed.hash_key("demux.flows")), last: None }
    }

    /// The connection that a segment belongs to.
    pub(crate) fn find(&mut self, flow: &Flow) -> Option<TcpHandle> {
        if let Some((last, handle)) = &self.last
            && last == flow
        {
            return Some(*handle);
        }
        let handle = self.get(flow)?;
        self.last = Some((*flow, handle));
        Some(handle)
    }

    /// As [`Flows::find`], where rows are not to be expected.
    pub(crate) fn get(&self, flow: &Flow) -> Option<TcpHandle> {
        self.map.get(flow).copied()
    }

    pub(crate) fn contains(&self, flow: &Flow) -> bool {
        self.map.contains(flow)
    }

    pub(crate) fn insert(&mut self, flow: Flow, handle: TcpHandle) {
        self.last = None;
        self.map.insert(flow, handle);
    }

    pub(crate) fn remove(&mut self, flow: &Flow) {
        self.last = None;
        self.map.remove(flow);
    }
}

/// The tables.
#[derive(Clone)]
pub(crate) struct Demux {
    pub(crate) flows: Flows,
    pub(crate) listeners: Bindings<ListenerHandle>,
    pub(crate) datagrams: Bindings<UdpHandle>,
}

impl Demux {
    pub(crate) fn new(seed: &Seed) -> Demux {
        Demux {
            flows: Flows::new(seed),
            listeners: Bindings::new(seed, "demux.listeners"),
            datagrams: Bindings::new(seed, "demux.datagrams"),
        }
    }
}
