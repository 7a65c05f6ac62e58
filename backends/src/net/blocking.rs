//! Waiting for a socket.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant as WallInstant};

use tickwire_core::{Instant, Stack};

use crate::driver::StackHandle;
use crate::sockets::{Handle as _, Interest, Socket, Waiters};

/// What all kinds of sockets have in common: the stack, and how to wait.
#[derive(Debug)]
pub(super) struct Blocking {
    pub(super) stack: StackHandle,
    nonblocking: AtomicBool,
    pub(super) read_timeout: Timeout,
    pub(super) write_timeout: Timeout,
}

impl Blocking {
    pub(super) fn new(stack: &StackHandle) -> Blocking {
        Blocking {
            stack: stack.clone(),
            nonblocking: AtomicBool::new(false),
            read_timeout: Timeout::default(),
            write_timeout: Timeout::default(),
        }
    }

    pub(super) fn set_nonblocking(&self, nonblocking: bool) {
        self.nonblocking.store(nonblocking, Ordering::Relaxed);
    }

    /// Calls the stack once.
    pub(super) fn call<R>(&self, f: impl FnOnce(&mut Stack, &mut Waiters, Instant) -> io::Result<R>) -> io::Result<R> {
        self.stack.enter(|stack, waiters, now| {
            waiters.check()?;
            f(stack, waiters, now)
        })
    }

    /// Tries until `attempt` does not say `WouldBlock`, waiting for events of `socket` in between.
    /// A socket in nonblocking mode is tried once; past `timeout` the answer is `EAGAIN`, as for a
    /// socket with `SO_RCVTIMEO`. An attempt that would block must not have changed anything.
    pub(super) fn wait<R>(
        &self,
        (socket, interest): (Socket, Interest),
        timeout: Option<Duration>,
        attempt: impl FnMut(&mut Stack, &mut Waiters, Instant) -> io::Result<R>,
    ) -> io::Result<R> {
        if self.nonblocking.load(Ordering::Relaxed) {
            return self.call(attempt);
        }
        self.wait_regardless((socket, interest), timeout, attempt)
    }

    /// As [`Blocking::wait`], whatever the mode.
    pub(super) fn wait_regardless<R>(
        &self,
        (socket, interest): (Socket, Interest),
        timeout: Option<Duration>,
        mut attempt: impl FnMut(&mut Stack, &mut Waiters, Instant) -> io::Result<R>,
    ) -> io::Result<R> {
        // A timeout beyond what the clock can say is none.
        let deadline = timeout.and_then(|timeout| WallInstant::now().checked_add(timeout));
        let mut place = None;
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(WallInstant::now()));
            let timed_out = left.is_some_and(|left| left.is_zero());
            let outcome = self.call(|stack, waiters, now| match attempt(stack, waiters, now) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && !timed_out => {
                    let place = *place.get_or_insert_with(|| waiters.place());
                    WAKER.with(|waker| waiters.wait(socket, place, interest, waker));
                    Ok(None)
                }
                outcome => {
                    if let Some(place) = place {
                        waiters.leave(socket, place);
                    }
                    outcome.map(Some)
                }
            })?;
            match (outcome, left) {
                (Some(outcome), _) => return Ok(outcome),
                // Unparked for another reason it tries in vain, and waits on.
                (None, None) => thread::park(),
                (None, Some(left)) => thread::park_timeout(left),
            }
        }
    }
}

/// A thread that waits: its waker unparks it.
struct Parked(Thread);

impl Wake for Parked {
    fn wake(self: Arc<Parked>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Parked>) {
        self.0.unpark();
    }
}

thread_local! {
    static WAKER: Waker = Waker::from(Arc::new(Parked(thread::current())));
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
