//! One life of a host, from its start to its crash: a tokio runtime of its own, on the thread of the simulation.
//!
//! The runtime is entered when something happened to the host, and left when none of its tasks can go on: tokio calls
//! `on_thread_park` just then, before it would wait or advance its paused clock to its next timer. That clock is
//! set to the host's on entering, so it never moves but with the world's time.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use tickwire_core::Instant;
use tickwire_core::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinError, JoinHandle};

use super::handle::{HostHandle, nowhere};
use crate::programs::Turn;

/// What a program ends with.
pub(super) type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// A program as it is started.
pub(super) type Task = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Tokio's timers know whole milliseconds.
const TICK: u64 = 1_000_000;

pub(super) struct Life {
    /// Dropped first: what its tasks hold may still call the handle.
    runtime: Option<Runtime>,
    handle: HostHandle,
    idle: Arc<Idle>,
    /// Programs that have not ended: their numbers, and their tasks.
    programs: Vec<(usize, JoinHandle<Outcome>)>,
    /// What tokio's clock shows, by the host's.
    shown: Instant,
    /// Whether tokio has a clock.
    has_ticks: bool,
}

/// A program that ended, by its number.
pub(super) type End = (usize, Outcome);

impl Life {
    /// A host comes to life at `now`. With `has_ticks` tokio's own timers work, at whole milliseconds of the host's
    /// clock.
    pub(super) fn new(name: &str, now: Instant, has_ticks: bool) -> Life {
        let idle = Arc::new(Idle::default());
        let mut builder = Builder::new_current_thread();
        let parked = Arc::clone(&idle);
        builder.on_thread_park(move || parked.tell());
        let host = name.to_owned();
        builder.thread_name_fn(move || refuse_thread(&host));
        if has_ticks {
            builder.enable_time().start_paused(true);
        }
        let runtime = builder.build().expect("a runtime without threads and without I/O takes nothing of the system");
        Life {
            runtime: Some(runtime),
            handle: HostHandle::new(name),
            idle,
            programs: Vec::new(),
            shown: Instant::from_millis(now.as_millis()),
            has_ticks,
        }
    }

    pub(super) fn handle(&self) -> HostHandle {
        self.handle.clone()
    }

    /// Runs all tasks, and `new` ones, until none can go on. Returns the programs that ended.
    ///
    /// # Panics
    ///
    /// If a program does, or a call into the stack did.
    pub(super) fn run(&mut self, turn: Turn<'_>, new: impl Iterator<Item = (usize, Task)>) -> Vec<End> {
        let Some(runtime) = &self.runtime else { return Vec::new() };
        let now = turn.moment.monotonic;
        let elapsed = if self.has_ticks { now.since(self.shown) } else { Duration::ZERO };
        self.shown = now;
        let events = turn.events;
        let lent = self.handle.lend(turn);
        let news = self.handle.tell(events);
        let (programs, idle) = (&mut self.programs, &self.idle);
        let ended = runtime.block_on(async {
            news.wake();
            programs.extend(new.map(|(number, task)| (number, tokio::spawn(task))));
            if !elapsed.is_zero() {
                tokio::time::advance(elapsed).await;
            }
            idle.wait().await;
            harvest(programs).await
        });
        drop(lent);
        let panicked = |error: JoinError| std::panic::resume_unwind(error.into_panic());
        let ended = ended.into_iter().map(|(number, outcome)| (number, outcome.unwrap_or_else(panicked))).collect();
        assert!(!self.handle.is_broken(), "{}: a call into the stack has panicked in a task", self.handle.name());
        ended
    }

    /// Programs that have not ended.
    pub(super) fn running(&self) -> usize {
        self.programs.len()
    }

    /// When, by the host's clock, it has to run again though nothing happened: for an exact timer, and at the next
    /// whole millisecond for those of tokio, which tells nobody when they are due.
    pub(super) fn wakes_at(&self, now: Instant) -> Option<Instant> {
        let has_tasks = self.runtime.as_ref().is_some_and(|runtime| runtime.metrics().num_alive_tasks() > 0);
        let tick = (self.has_ticks && has_tasks).then(|| Instant::from_nanos((now.as_nanos() / TICK + 1) * TICK));
        [self.handle.next_timer(), tick].into_iter().flatten().min()
    }
}

/// The end of a life is the end of its runtime, and of every task in it.
impl Drop for Life {
    fn drop(&mut self) {
        self.handle.end();
        // What tasks leave behind still has a clock to look at, and a stack that nobody hears of.
        let mut stack = Box::new(nowhere());
        let moment = self.handle.moment();
        let _lent = self.handle.lend(Turn { stack: &mut stack, moment, events: &[], sent: None });
        drop(self.runtime.take());
    }
}

/// The programs that have ended, taken from the list.
async fn harvest(programs: &mut Vec<(usize, JoinHandle<Outcome>)>) -> Vec<(usize, Result<Outcome, JoinError>)> {
    let mut ended = Vec::new();
    for (number, task) in programs.extract_if(.., |(_, task)| task.is_finished()) {
        ended.push((number, task.await));
    }
    ended
}

/// Called by tokio for the name of a thread that it is about to start.
fn refuse_thread(host: &str) -> String {
    panic!(
        "{host}: spawn_blocking, and what is made of it (files, names looked up), needs a thread; when a thread is done \
         is up to the system, so a simulated host has none: make the call in a task, or sleep for as long as it takes"
    );
}

/// Tells when none of a runtime's tasks can go on.
#[derive(Default)]
struct Idle {
    told: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Idle {
    /// Tokio is about to wait. Woken, the task that waits for this is polled instead.
    fn tell(&self) {
        self.told.store(true, Ordering::Relaxed);
        if let Some(waker) = self.waker().take() {
            waker.wake();
        }
    }

    async fn wait(&self) {
        self.told.store(false, Ordering::Relaxed);
        poll_fn(|context| {
            if self.told.load(Ordering::Relaxed) {
                return Poll::Ready(());
            }
            *self.waker() = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn waker(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
