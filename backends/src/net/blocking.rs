//! Waiting for a socket.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant as WallInstant};

use rustix::io::Errno;
use tickwire_core::Instant;

use crate::driver::StackHandle;
use crate::driver::owners::Waiter;
use crate::driver::state::State;

/// What all kinds of sockets have in common: the stack, where to wait, and how.
#[derive(Debug)]
pub(super) struct Blocking {
    pub(super) stack: StackHandle,
    pub(super) waiter: Arc<Waiter>,
    nonblocking: AtomicBool,
    pub(super) read_timeout: Timeout,
    pub(super) write_timeout: Timeout,
}

impl Blocking {
    pub(super) fn new(stack: &StackHandle) -> Blocking {
        Blocking {
            stack: stack.clone(),
            waiter: Arc::default(),
            nonblocking: AtomicBool::new(false),
            read_timeout: Timeout::default(),
            write_timeout: Timeout::default(),
        }
    }

    pub(super) fn set_nonblocking(&self, nonblocking: bool) {
        self.nonblocking.store(nonblocking, Ordering::Relaxed);
    }

    /// Calls the stack once.
    pub(super) fn call<R>(&self, f: impl FnOnce(&mut State, Instant) -> io::Result<R>) -> io::Result<R> {
        self.stack.call(|state, now| if state.ended { Err(Errno::NETDOWN.into()) } else { f(state, now) })
    }

    /// Tries until `attempt` does not say `WouldBlock`, waiting for the socket's events in between.
    /// A socket in nonblocking mode is tried once; past `timeout` the answer is `EAGAIN`, as for a
    /// socket with `SO_RCVTIMEO`. An attempt that would block must not have changed anything.
    pub(super) fn wait<R>(
        &self,
        timeout: Option<Duration>,
        attempt: impl FnMut(&mut State, Instant) -> io::Result<R>,
    ) -> io::Result<R> {
        if self.nonblocking.load(Ordering::Relaxed) {
            return self.call(attempt);
        }
        self.wait_regardless(timeout, attempt)
    }

    /// As [`Blocking::wait`], whatever the mode.
    pub(super) fn wait_regardless<R>(
        &self,
        timeout: Option<Duration>,
        mut attempt: impl FnMut(&mut State, Instant) -> io::Result<R>,
    ) -> io::Result<R> {
        // A timeout beyond what the clock can say is none.
        let deadline = timeout.and_then(|timeout| WallInstant::now().checked_add(timeout));
        let shared = &self.stack.shared;
        let mut state = shared.lock();
        loop {
            if state.ended {
                return Err(Errno::NETDOWN.into());
            }
            let now = state.clock.now();
            match attempt(&mut state, now) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => {
                    shared.finish(state, now);
                    return outcome;
                }
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(WallInstant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(Errno::AGAIN.into());
            }
            state = self.waiter.wait(state, left);
        }
    }
}

/// A timeout that may be set while another thread waits. Zero nanoseconds stand for none.
#[derive(Debug, Default)]
pub(super) struct Timeout(AtomicU64);

impl Timeout {
    /// As `std`: a zero timeout is `InvalidInput`.
    pub(super) fn set(&self, timeout: Option<Duration>) -> io::Result<()> {
        if timeout.is_some_and(|timeout| timeout.is_zero()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "cannot set a 0 duration timeout"));
        }
        let nanos = timeout.map_or(0, |timeout| u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX));
        self.0.store(nanos, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn duration(&self) -> Option<Duration> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }
}

/// Tries each of the addresses until one succeeds; the last one's error if none does.
pub(super) fn each_address<R>(
    addresses: impl ToSocketAddrs,
    mut f: impl FnMut(SocketAddr) -> io::Result<R>,
) -> io::Result<R> {
    let mut last = io::Error::new(io::ErrorKind::InvalidInput, "could not resolve to any addresses");
    for address in addresses.to_socket_addrs()? {
        match f(address) {
            Ok(done) => return Ok(done),
            Err(error) => last = error,
        }
    }
    Err(last)
}
