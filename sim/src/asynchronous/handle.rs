//! A host as its programs see it: its stack, its clocks, its timers.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread::{self, ThreadId};

use tickwire_backends::sockets::{Handle, Waiters, Wakeups};
use tickwire_core::frame::TxBatch;
use tickwire_core::time::Duration;
use tickwire_core::{Config, Event, Instant, Seed, Stack};

use crate::node::host::{Sent, transmit};
use crate::programs::{Moment, Turn};

thread_local! {
    /// The host whose programs run on this thread now.
    static CURRENT: RefCell<Option<HostHandle>> = const { RefCell::new(None) };
}

/// Access to a simulated host, for its own programs: the first argument of the sockets of [`net`](super::net).
/// Clones speak of the same host, in one life of it: after a crash they are of no use any more.
///
/// It is good while the host runs, on the thread that the simulation runs on. Anywhere else (a thread of the
/// program's own, code around the simulation, another host) every call of a socket fails with `NetworkDown`.
#[derive(Clone)]
pub struct HostHandle {
    shared: Arc<Shared>,
}

struct Shared {
    name: String,
    state: Mutex<State>,
}

struct State {
    /// The host's, while its programs run; otherwise one without interfaces that holds its place.
    stack: Box<Stack>,
    waiters: Waiters,
    moment: Moment,
    timers: Timers,
    /// Whether frames leave: the host's devices take them.
    transmits: bool,
    sent: Vec<Sent>,
    batch: TxBatch,
    /// The thread that its programs run on, while they do.
    runs_on: Option<ThreadId>,
}

/// Who waits for a time, by that time and then by the order in which they began to wait.
#[derive(Default)]
struct Timers {
    waiting: BTreeMap<TimerKey, Waker>,
    /// How many there have been.
    count: u64,
}

/// A timer that somebody waits for: its time, and its number among all of its host.
pub(super) type TimerKey = (Instant, u64);

/// What a run of a host's programs begins with: who is to be woken, in this order.
pub(super) struct News {
    sockets: Wakeups,
    timers: Vec<Waker>,
}

impl News {
    /// Wakes them.
    pub(super) fn wake(mut self) {
        self.sockets.wake();
        for waker in self.timers {
            waker.wake();
        }
    }
}

impl HostHandle {
    pub(super) fn new(name: &str) -> HostHandle {
        let state = State {
            stack: Box::new(nowhere()),
            waiters: Waiters::default(),
            moment: Moment::default(),
            timers: Timers::default(),
            transmits: false,
            sent: Vec::new(),
            batch: TxBatch::new(),
            runs_on: None,
        };
        HostHandle { shared: Arc::new(Shared { name: name.to_owned(), state: Mutex::new(state) }) }
    }

    /// The host whose program calls this.
    ///
    /// # Panics
    ///
    /// If no program of a host calls it: another thread, or code around the simulation.
    #[track_caller]
    pub fn current() -> HostHandle {
        match CURRENT.with_borrow(Clone::clone) {
            Some(handle) => handle,
            None => panic!("no simulated host runs on this thread: only its programs have its clock and its stack"),
        }
    }

    /// The host's name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// What the host's clocks show; while its programs run they stand still.
    pub(super) fn moment(&self) -> Moment {
        self.lock().moment
    }

    /// Ready once the clock shows `at`. Until then `waker` waits, under `key`.
    pub(super) fn poll_timer(&self, key: &mut Option<TimerKey>, at: Instant, waker: &Waker) -> Poll<()> {
        let mut state = self.lock();
        if state.moment.monotonic >= at {
            return Poll::Ready(());
        }
        let timers = &mut state.timers;
        let key = *key.get_or_insert_with(|| {
            timers.count += 1;
            (at, timers.count)
        });
        let spent = timers.waiting.insert(key, waker.clone());
        drop(state);
        // Without the lock: dropping a waker may run anything.
        drop(spent);
        Poll::Pending
    }

    /// Nobody waits under `key` any more.
    pub(super) fn leave_timer(&self, key: TimerKey) {
        // Dropped without the lock, too.
        let _spent = self.lock().timers.waiting.remove(&key);
    }

    /// When somebody waits for the clock, next.
    pub(super) fn next_timer(&self) -> Option<Instant> {
        self.lock().timers.waiting.first_key_value().map(|(&(at, _), _)| at)
    }

    /// Until the guard is dropped, the stack is within reach of the host's programs.
    pub(super) fn lend<'a>(&'a self, turn: Turn<'a>) -> Lent<'a> {
        let mut state = self.lock();
        state.moment = turn.moment;
        state.transmits = turn.sent.is_some();
        state.runs_on = Some(thread::current().id());
        let mut lent = Lent { handle: self, stack: turn.stack, sent: turn.sent };
        lent.swap(&mut state);
        CURRENT.set(Some(self.clone()));
        lent
    }

    /// What happened to the sockets, and to who waits for the clock.
    pub(super) fn tell(&self, events: &[Event]) -> News {
        let mut state = self.lock();
        for event in events {
            state.waiters.tell(*event);
        }
        let later = (state.moment.monotonic + Duration::from_nanos(1), 0);
        let waiting = state.timers.waiting.split_off(&later);
        let due = std::mem::replace(&mut state.timers.waiting, waiting);
        News { sockets: state.waiters.take_wakeups(), timers: due.into_values().collect() }
    }

    /// The host is gone: nobody waits any more, and every further call of a socket fails.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        let waiters = std::mem::take(&mut state.waiters);
        state.waiters.end();
        let timers = std::mem::take(&mut state.timers);
        drop(state);
        // Either may hold the last of a task: that is dropped without the lock.
        drop((waiters, timers));
    }

    /// Whether a call into the stack panicked, which a task's end may have hidden.
    pub(super) fn is_broken(&self) -> bool {
        self.shared.state.is_poisoned()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for HostHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HostHandle").field(&self.shared.name).finish()
    }
}

impl Handle for HostHandle {
    fn enter<R>(&self, f: impl FnOnce(&mut Stack, &mut Waiters, Instant) -> R) -> R {
        let mut state = self.lock();
        let now = state.moment.monotonic;
        if state.runs_on != Some(thread::current().id()) {
            drop(state);
            let mut waiters = Waiters::default();
            waiters.end();
            return f(&mut nowhere(), &mut waiters, now);
        }
        let State { stack, waiters, transmits, batch, sent, .. } = &mut *state;
        let result = f(stack, waiters, now);
        if *transmits {
            transmit(stack, batch, now, sent);
        }
        let mut wakeups = waiters.take_wakeups();
        drop(state);
        wakeups.wake();
        result
    }
}

/// While it lives, the programs of a host have its stack. Dropped, it gives it back.
pub(super) struct Lent<'a> {
    handle: &'a HostHandle,
    stack: &'a mut Box<Stack>,
    sent: Option<&'a mut Vec<Sent>>,
}

impl Lent<'_> {
    /// Exchanges the host's stack and what it has sent with what holds their place.
    fn swap(&mut self, state: &mut State) {
        std::mem::swap(&mut state.stack, self.stack);
        if let Some(sent) = &mut self.sent {
            std::mem::swap(&mut state.sent, sent);
        }
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut state = self.handle.lock();
        self.swap(&mut state);
        state.runs_on = None;
        drop(state);
        CURRENT.set(None);
    }
}

/// The stack of who has no host: without interfaces, nothing that is done to it is seen by anybody.
pub(super) fn nowhere() -> Stack {
    Stack::new(Config::default(), Seed([0; 32]))
}
