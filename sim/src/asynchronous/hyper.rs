//! The timers of hyper, on the time of a simulated host.

use std::pin::Pin;
use std::sync::OnceLock;
use std::time::Duration;

use hyper::rt;

use super::time::{self, Sleep};

/// The clock that hyper's servers and clients are given (`Builder::timer`), for its timeouts to be those of the
/// host that they run on, exact to the nanosecond. Feature `hyper`.
///
/// To be used by programs of a simulated host only: elsewhere its methods panic.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timer;

impl rt::Sleep for Sleep {}

impl rt::Timer for Timer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(time::sleep(duration))
    }

    fn sleep_until(&self, deadline: std::time::Instant) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(time::sleep_until(simulated(deadline)))
    }

    fn now(&self) -> std::time::Instant {
        origin() + time::now().since(tickwire_core::Instant::ZERO)
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn rt::Sleep>>, deadline: std::time::Instant) {
        *sleep = self.sleep_until(deadline);
    }
}

/// The system's instant that stands for time 0: any will do, for only differences are looked at.
fn origin() -> std::time::Instant {
    static ORIGIN: OnceLock<std::time::Instant> = OnceLock::new();
    *ORIGIN.get_or_init(std::time::Instant::now)
}

fn simulated(at: std::time::Instant) -> tickwire_core::Instant {
    tickwire_core::Instant::ZERO + at.saturating_duration_since(origin())
}
