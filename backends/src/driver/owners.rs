//! Who is told of a socket's events: a built-in service, or whoever waits in a blocking call.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, MutexGuard, PoisonError};

use slotmap::SecondaryMap;
use tickwire_core::event::Event;
use tickwire_core::socket::{ListenerHandle, TcpHandle, UdpHandle};

use super::state::State;

/// Where threads wait for one socket. Used with the driver's lock only.
#[derive(Debug, Default)]
pub(crate) struct Waiter {
    condvar: Condvar,
    /// Threads that wait; changes under the driver's lock, so that nobody is told in vain.
    waiting: AtomicU32,
}

impl Waiter {
    /// Waits until [`Waiter::notify`], or spuriously, or until `timeout` has passed.
    pub(crate) fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        timeout: Option<std::time::Duration>,
    ) -> MutexGuard<'a, State> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let state = match timeout {
            None => self.condvar.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(timeout) => self.condvar.wait_timeout(state, timeout).unwrap_or_else(PoisonError::into_inner).0,
        };
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        state
    }

    pub(crate) fn is_awaited(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// Called without the lock, so that who wakes finds it free.
    pub(crate) fn notify(&self) {
        self.condvar.notify_all();
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Owner {
    /// The service of this number.
    Service(usize),
    Socket(Arc<Waiter>),
}

/// The owner of each socket. Handles are generational, so an entry never speaks for a later socket.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    pub(crate) tcp: SecondaryMap<TcpHandle, Owner>,
    pub(crate) listeners: SecondaryMap<ListenerHandle, Owner>,
    pub(crate) udp: SecondaryMap<UdpHandle, Owner>,
    /// The services that are told of the interfaces.
    pub(crate) watchers: Vec<usize>,
}

impl Owners {
    pub(crate) fn of(&self, event: Event) -> Option<&Owner> {
        match event {
            Event::Tcp(handle, _) => self.tcp.get(handle),
            Event::Listener(handle) => self.listeners.get(handle),
            Event::Udp(handle, _) => self.udp.get(handle),
            Event::Address { .. } | Event::Configuration(_) => None,
        }
    }

    /// All waiters that someone waits at.
    pub(crate) fn awaited(&self) -> impl Iterator<Item = &Arc<Waiter>> {
        let all = self.tcp.values().chain(self.listeners.values()).chain(self.udp.values());
        all.filter_map(|owner| match owner {
            Owner::Socket(waiter) if waiter.is_awaited() => Some(waiter),
            _ => None,
        })
    }
}
