//! When something is due, and what waits to be told: the timer heap and the event queue.
//!
//! The heap is re-armed lazily. An owner has one live entry, no later than its real deadline; a
//! deadline that moves later touches nothing, and is found out when the entry comes up. One that moves
//! earlier is entered only when the next deadline is asked for: of the timers that a segment starts,
//! the answer to it stops most.

use alloc::collections::{BinaryHeap, VecDeque};
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::net::IpAddr;

use super::Stack;
use crate::digest::Digest;
use crate::event::{AddressChange, Event, Readiness};
use crate::link::InterfaceId;
use crate::link::neighbor::NeighborId;
use crate::record::{Call, Outcome};
use crate::socket::table::Sockets;
use crate::socket::{ListenerHandle, TcpHandle, UdpHandle};
use crate::tcp::TimerCause;
use crate::time::Instant;

/// The most timers that one `handle_timeout` runs; if more are due, the next deadline is already past.
pub(super) const TIMERS_PER_CALL: usize = 1024;
/// Stale entries that the heap may hold beside as many as it has live ones.
const STALE_MAX: usize = 1024;

/// The next time at which [`Stack::handle_timeout`] has something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wakeup {
    /// When.
    pub at: Instant,
    /// What is due then.
    pub cause: Cause,
}

/// Why the stack wants to be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Events or frames have not been drained: at once.
    Undrained,
    /// A connection's timer.
    Tcp(TimerCause),
    /// A neighbor is to be solicited, or given up.
    Neighbor,
    /// A packet of which not all fragments have come is to be given up.
    Reassembly,
    /// Router discovery: a solicitation is due, what a router told ends, or a temporary address needs a
    /// successor.
    RouterDiscovery,
    /// A lifetime of one of our addresses ends.
    AddressLifetime,
    /// The DHCPv6 client has something to send, or a lease ends.
    Dhcpv6,
    /// An IPv4 address is to be probed for, announced or used (RFC 5227).
    ConflictDetection,
    /// An IPv6 address is to be solicited, or taken to be ours alone (RFC 4862 section 5.4).
    DuplicateDetection,
    /// A DHCPv4 client asks, renews, rebinds, or gives up.
    Dhcpv4,
    /// As a multicast router we ask, or somebody is taken to listen no more.
    Querier,
    /// As a router we advertise ourselves.
    RouterAdvertisement,
    /// Neighbors are to be told of our new hardware address.
    Announcement,
    /// A report about groups is due, or a querier of an older version is gone.
    Group,
}

/// Whose deadline an entry stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TimerOwner {
    Tcp(TcpHandle),
    /// The interface itself: addresses, self-configuration, groups. Before its neighbors, which may wait for
    /// an address to be asked from.
    Interface(InterfaceId),
    Neighbor(InterfaceId, NeighborId),
    Reassembly,
}

/// Entries by time, then by owner, so that equal times have an order too.
#[derive(Clone, Debug, Default)]
pub(super) struct TimerHeap(BinaryHeap<Reverse<(Instant, TimerOwner)>>);

impl TimerHeap {
    /// Whether no entry but the first is for a time up to `at`: the smallest of the others is a child of the first.
    fn is_before_others(&self, at: Instant) -> bool {
        self.0.as_slice().iter().skip(1).take(2).all(|Reverse((other, _))| at < *other)
    }
}

/// Connections whose timers may be due before the heap would wake for them, each at most once.
#[derive(Clone, Debug, Default)]
pub(super) struct Unarmed(Vec<TcpHandle>);

/// Sockets of which the application is to be told, each at most once.
#[derive(Clone, Debug, Default)]
pub(super) struct EventQueue(VecDeque<Source>);

#[derive(Clone, Copy, Debug)]
enum Source {
    Tcp(TcpHandle),
    Listener(ListenerHandle),
    Udp(UdpHandle),
    Address(InterfaceId, IpAddr, AddressChange),
    Configuration(InterfaceId),
}

impl EventQueue {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Queues a socket; those that are gone leave once they are many.
    fn push(&mut self, source: Source, sockets: &Sockets) {
        self.0.push_back(source);
        if self.0.len() > sockets.queue_max() {
            self.drop_gone(sockets);
        }
    }

    #[cold]
    fn drop_gone(&mut self, sockets: &Sockets) {
        self.0.retain(|source| match *source {
            Source::Tcp(handle) => sockets.tcp.contains_key(handle),
            Source::Listener(handle) => sockets.listeners.contains_key(handle),
            Source::Udp(handle) => sockets.udp.contains_key(handle),
            Source::Address(..) | Source::Configuration(_) => true,
        });
    }

    /// Queues a change of an address, in place of an earlier one that nobody has been told of; returns
    /// whether one of another address had to go for it.
    fn push_address(&mut self, id: InterfaceId, address: IpAddr, change: AddressChange, limit: u16) -> bool {
        let is_same = |source: &Source| matches!(*source, Source::Address(i, a, _) if (i, a) == (id, address));
        self.0.retain(|source| !is_same(source));
        let is_address = |source: &Source| matches!(source, Source::Address(..));
        let full = self.0.iter().filter(|source| is_address(source)).count() >= usize::from(limit);
        if full && let Some(oldest) = self.0.iter().position(is_address) {
            self.0.remove(oldest);
        }
        self.0.push_back(Source::Address(id, address, change));
        full
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn digest(&self, digest: &mut Digest) {
        digest.count(self.0.len());
        for source in &self.0 {
            match source {
                Source::Tcp(handle) => digest.handle(*handle),
                Source::Listener(handle) => digest.handle(*handle),
                Source::Udp(handle) => digest.handle(*handle),
                Source::Address(interface, address, change) => {
                    digest.u16(interface.0);
                    digest.address(*address);
                    digest.u8(*change as u8);
                }
                Source::Configuration(interface) => digest.u16(interface.0),
            }
        }
    }
}

impl Stack {
    /// Adds edges of a connection to what its application is told.
    pub(super) fn announce_tcp(&mut self, handle: TcpHandle, edges: Readiness) {
        let Some(slot) = self.sockets.tcp.get_mut(handle) else { return };
        let is_news = slot.pending.is_empty() && !edges.is_empty();
        slot.pending |= edges;
        if is_news {
            self.events.push(Source::Tcp(handle), &self.sockets);
        }
    }

    pub(super) fn announce_listener(&mut self, handle: ListenerHandle) {
        let Some(slot) = self.sockets.listeners.get_mut(handle) else { return };
        if !core::mem::replace(&mut slot.pending, true) {
            self.events.push(Source::Listener(handle), &self.sockets);
        }
    }

    pub(super) fn announce_udp(&mut self, handle: UdpHandle, edges: Readiness) {
        let Some(slot) = self.sockets.udp.get_mut(handle) else { return };
        let is_news = slot.pending.is_empty() && !edges.is_empty();
        slot.pending |= edges;
        if is_news {
            self.events.push(Source::Udp(handle), &self.sockets);
        }
    }

    /// Adds a change of an address to what the application is told.
    pub(super) fn announce_address(&mut self, id: InterfaceId, address: IpAddr, change: Option<AddressChange>) {
        let Some(change) = change else { return };
        let limit = self.config.limits.address_events;
        self.counters.address_events_lost += u64::from(self.events.push_address(id, address, change, limit));
    }

    /// The application is to look at what an interface has been told about the network.
    pub(super) fn announce_configuration(&mut self, id: InterfaceId) {
        if !self.events.0.iter().any(|source| matches!(*source, Source::Configuration(other) if other == id)) {
            self.events.0.push_back(Source::Configuration(id));
        }
    }

    /// The next event; `None` when the application has been told all.
    ///
    /// Events are edges: each socket stands in the queue at most once, with everything that has
    /// changed since it was last told.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.record(|_| Call::PollEvent);
        while let Some(source) = self.events.0.pop_front() {
            let event = match source {
                // A released socket has nobody to be told.
                Source::Tcp(handle) => self.sockets.tcp.get_mut(handle).and_then(|slot| {
                    let edges = core::mem::take(&mut slot.pending);
                    (!edges.is_empty()).then_some(Event::Tcp(handle, edges))
                }),
                Source::Udp(handle) => {
                    self.sockets.udp.get_mut(handle).map(|slot| Event::Udp(handle, core::mem::take(&mut slot.pending)))
                }
                Source::Address(interface, address, change) => Some(Event::Address { interface, address, change }),
                Source::Configuration(interface) => Some(Event::Configuration(interface)),
                Source::Listener(handle) => self.sockets.listeners.get_mut(handle).map(|slot| {
                    slot.pending = false;
                    Event::Listener(handle)
                }),
            };
            if event.is_some() {
                self.record_outcome(|| event.map(Outcome::Event));
                return event;
            }
        }
        None
    }

    /// Notes a connection whose timers may be due before the heap would wake for them.
    pub(super) fn arm_later(&mut self, handle: TcpHandle) {
        self.unarmed.0.push(handle);
        if self.unarmed.0.len() > self.sockets.queue_max() {
            self.drop_unarmed();
        }
    }

    /// Those that are gone leave once they are many.
    #[cold]
    fn drop_unarmed(&mut self) {
        let tcp = &self.sockets.tcp;
        self.unarmed.0.retain(|&handle| tcp.contains_key(handle));
    }

    /// Makes sure that the heap wakes for those that were noted.
    fn arm_unarmed(&mut self) {
        while let Some(handle) = self.unarmed.0.pop() {
            if let Some(slot) = self.sockets.tcp.get_mut(handle) {
                slot.unarmed = false;
                let deadline = slot.tcb.deadline().map(|(at, _)| at);
                self.arm(TimerOwner::Tcp(handle), deadline);
            }
        }
    }

    /// Makes sure that the heap wakes for `deadline`.
    pub(super) fn arm(&mut self, owner: TimerOwner, deadline: Option<Instant>) {
        let Some(deadline) = deadline else { return };
        let Some(armed) = self.armed(owner) else { return };
        if armed.is_some_and(|at| at <= deadline) {
            return;
        }
        *armed = Some(deadline);
        self.timers.0.push(Reverse((deadline, owner)));
        let live = self.sockets.tcp.len() + self.interfaces.len() * (1 + usize::from(self.config.limits.neighbors));
        if self.timers.0.len() > 2 * live + STALE_MAX {
            self.drop_stale();
        }
    }

    fn armed(&mut self, owner: TimerOwner) -> Option<&mut Option<Instant>> {
        match owner {
            TimerOwner::Tcp(handle) => self.sockets.tcp.get_mut(handle).map(|slot| &mut slot.armed),
            TimerOwner::Neighbor(interface, id) => self.interfaces.get_mut(interface.index())?.neighbors.armed(id),
            TimerOwner::Reassembly => Some(&mut self.reassembly.armed),
            TimerOwner::Interface(id) => self.interfaces.get_mut(id.index()).map(|interface| &mut interface.armed),
        }
    }

    /// Rebuilds the heap from its live entries, one per owner.
    #[cold]
    fn drop_stale(&mut self) {
        let mut entries: Vec<_> = core::mem::take(&mut self.timers.0).into_vec();
        entries.sort_unstable();
        entries.dedup();
        entries.retain(|&Reverse((at, owner))| self.armed(owner).is_some_and(|armed| *armed == Some(at)));
        self.timers.0 = entries.into();
    }

    /// The owner whose real deadline is the earliest, once stale entries on top are settled.
    pub(super) fn earliest(&mut self) -> Option<(Wakeup, TimerOwner)> {
        self.arm_unarmed();
        while let Some(&Reverse((at, owner))) = self.timers.0.peek() {
            let live = self.armed(owner).is_some_and(|armed| *armed == Some(at));
            if live {
                match self.deadline(owner) {
                    Some(wakeup) if wakeup.at <= at || self.timers.is_before_others(wakeup.at) => {
                        return Some((wakeup, owner));
                    }
                    later => {
                        self.timers.0.pop();
                        self.disarm(owner);
                        self.arm(owner, later.map(|wakeup| wakeup.at));
                    }
                }
            } else {
                self.timers.0.pop();
            }
        }
        None
    }

    fn deadline(&self, owner: TimerOwner) -> Option<Wakeup> {
        match owner {
            TimerOwner::Tcp(handle) => {
                let (at, cause) = self.sockets.tcp.get(handle)?.tcb.deadline()?;
                Some(Wakeup { at, cause: Cause::Tcp(cause) })
            }
            TimerOwner::Neighbor(interface, id) => {
                let at = self.interfaces.get(interface.index())?.neighbors.deadline(id)?;
                Some(Wakeup { at, cause: Cause::Neighbor })
            }
            TimerOwner::Reassembly => Some(Wakeup { at: self.reassembly.deadline()?, cause: Cause::Reassembly }),
            TimerOwner::Interface(id) => {
                let (at, cause) = self.interfaces.get(id.index())?.deadline()?;
                Some(Wakeup { at, cause })
            }
        }
    }

    fn disarm(&mut self, owner: TimerOwner) {
        if let Some(armed) = self.armed(owner) {
            *armed = None;
        }
    }

    /// Takes the earliest owner off the heap, with what is due, if its deadline is not after `now`.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<(Cause, TimerOwner)> {
        let (wakeup, owner) = self.earliest()?;
        if wakeup.at > now {
            return None;
        }
        self.timers.0.pop();
        self.disarm(owner);
        Some((wakeup.cause, owner))
    }
}
