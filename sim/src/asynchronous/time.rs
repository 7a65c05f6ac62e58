//! Time as a simulated host's clock shows it, in the manner of `tokio::time` and exact to the nanosecond: what
//! waits until an instant goes on when the host's clock shows that instant, and not a nanosecond before or after
//! (unless the host is paused then, or its clock jumps over it).
//!
//! For programs of a [`Simulation`](crate::asynchronous::Simulation)'s hosts only: called anywhere else, these functions panic.
//! They ask the clock of the host that they are called on, with whatever drift and jumps befell it.

use std::fmt;
use std::future::{Future, IntoFuture, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use tickwire_core::Instant;
pub use tickwire_core::time::Duration;

use super::handle::{HostHandle, TimerKey};

/// What the host's monotonic clock shows: the time since the world began, if no fault befell it.
///
/// # Panics
///
/// If no program of a host calls it.
#[track_caller]
pub fn now() -> Instant {
    HostHandle::current().moment().monotonic
}

/// What the host's wall clock shows: the time since 1970. A world begins with the year 2020; a fault may set the
/// clock back.
///
/// # Panics
///
/// If no program of a host calls it.
#[track_caller]
pub fn unix_time() -> Duration {
    Duration::from_nanos(HostHandle::current().moment().unix_nanos)
}

/// Waits for `duration`.
///
/// # Panics
///
/// If no program of a host calls it.
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    let host = HostHandle::current();
    let deadline = host.moment().monotonic + duration;
    Sleep { host, deadline, key: None }
}

/// Waits until the host's clock shows `deadline`.
///
/// # Panics
///
/// If no program of a host calls it.
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep { host: HostHandle::current(), deadline, key: None }
}

/// What [`sleep`] returns: ready once the host's clock shows its deadline.
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct Sleep {
    host: HostHandle,
    deadline: Instant,
    /// Its place among the timers of the host, once it waits.
    key: Option<TimerKey>,
}

impl Sleep {
    /// When it is ready.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether it is.
    pub fn is_elapsed(&self) -> bool {
        self.host.moment().monotonic >= self.deadline
    }

    /// Has it wait until `deadline` instead, also if it was ready before.
    pub fn reset(&mut self, deadline: Instant) {
        self.leave();
        self.deadline = deadline;
    }

    fn leave(&mut self) {
        if let Some(key) = self.key.take() {
            self.host.leave_timer(key);
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Sleep { host, deadline, key } = &mut *self;
        host.poll_timer(key, *deadline, context.waker())
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Gives `future` no longer than `duration`, from now on. What is ready just then is not late.
///
/// # Errors
///
/// [`Elapsed`], once that time has passed; the future is dropped then.
///
/// # Panics
///
/// If no program of a host calls it.
#[track_caller]
pub fn timeout<F: IntoFuture>(duration: Duration, future: F) -> impl Future<Output = Result<F::Output, Elapsed>> {
    let mut sleep = sleep(duration);
    let future = future.into_future();
    async move {
        let mut future = pin!(future);
        poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Ok(output));
            }
            Pin::new(&mut sleep).poll(context).map(|()| Err(Elapsed))
        })
        .await
    }
}

/// The time that was given has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time that was given has passed")
    }
}

impl std::error::Error for Elapsed {}

impl From<Elapsed> for std::io::Error {
    fn from(elapsed: Elapsed) -> std::io::Error {
        std::io::Error::new(std::io::ErrorKind::TimedOut, elapsed)
    }
}

/// Ticks at once, and then every `period`. Who comes late finds the ticks that he missed waiting for him, so
/// their number and times do not depend on it.
///
/// # Panics
///
/// If `period` is zero, or no program of a host calls it.
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    interval_at(now(), period)
}

/// As [`interval`], with the first tick at `start`.
///
/// # Panics
///
/// As [`interval`].
#[track_caller]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    assert!(!period.is_zero(), "the period of an interval is zero: its ticks would never end");
    Interval { sleep: sleep_until(start), period }
}

/// What [`interval`] returns.
#[derive(Debug)]
pub struct Interval {
    sleep: Sleep,
    period: Duration,
}

impl Interval {
    /// Waits for the next tick, and returns when it was due. Dropping the future loses no tick.
    pub async fn tick(&mut self) -> Instant {
        poll_fn(|context| self.poll_tick(context)).await
    }

    /// As [`Interval::tick`], for who polls.
    pub fn poll_tick(&mut self, context: &mut Context<'_>) -> Poll<Instant> {
        ready!(Pin::new(&mut self.sleep).poll(context));
        let due = self.sleep.deadline();
        self.sleep.reset(due + self.period);
        Poll::Ready(due)
    }

    /// The time from tick to tick.
    pub fn period(&self) -> Duration {
        self.period
    }
}
