//! The driver: what makes a stack run against a clock and real devices.
//!
//! | module | job |
//! |---|---|
//! | this file | [`Driver`], the thread; [`DriverError`] |
//! | `turn` | [`Loop`]: one turn after another, with or without a thread |
//! | `inlet` | the receiving side of an interface |
//! | `rhythm` | what the frames of late tell about when the next one comes |
//! | `state` | what is shared under one lock, and [`StackHandle`] |
//! | `port` | the sending side of an interface, and what its device refused |
//! | `owners` | which sockets are a service's |
//! | `service` | [`Service`]: handlers of events inside the driver |
//! | `waiting` | waiting for devices and the wake-up |
//! | `shutdown` | the orderly end |
//! | `clock` | time and entropy |
//!
//! A socket call does its own work on its own thread: it takes the lock, reads the clock, calls the
//! stack, sends what came of it to the device, and lets go. It wakes the driver only if the driver
//! would otherwise sleep too long. The driver receives outside the lock, and holds it for one batch.

use std::io;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use thiserror::Error;
use tickwire_core::error::AddInterfaceError;

mod clock;
mod inlet;
pub(crate) mod owners;
mod port;
mod rhythm;
mod service;
mod shutdown;
pub(crate) mod state;
mod turn;
mod waiting;

pub use clock::{random_hardware_address, random_seed};
pub use service::{Context, Service};
pub use shutdown::ShutdownReport;
pub use state::StackHandle;
pub use turn::Loop;

/// Why a driver could not start, or ended.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DriverError {
    /// A device is gone: the interface was removed (`EBADFD`), or its descriptor is unusable.
    #[error("the device {name} is gone: {source}")]
    Device {
        /// The device.
        name: String,
        /// What it said last.
        source: io::Error,
    },
    /// The stack refused an interface.
    #[error("cannot add the interface {name}: {source}")]
    Interface {
        /// The device.
        name: String,
        /// Why.
        source: AddInterfaceError,
    },
    /// The system refused something that a driver cannot do without.
    #[error("cannot {step}: {source}")]
    System {
        /// What was being done.
        step: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A service, or the stack, panicked on the driver's thread.
    #[error("the driver's thread panicked")]
    Panicked,
}

/// A thread that drives a stack. Dropping it resets what connections there are; see
/// [`Driver::shutdown`] for the orderly way.
#[derive(Debug)]
pub struct Driver {
    handle: StackHandle,
    /// Taken when it is joined.
    thread: Option<JoinHandle<Result<ShutdownReport, DriverError>>>,
}

impl Driver {
    /// Starts a thread that drives `turns`.
    ///
    /// # Errors
    ///
    /// [`DriverError::System`]: no thread could be had.
    pub fn spawn(turns: Loop) -> Result<Driver, DriverError> {
        let handle = turns.handle();
        let thread = std::thread::Builder::new()
            .name("tickwire-driver".to_owned())
            .spawn(move || turns.run())
            .map_err(|source| DriverError::System { step: "start the driver's thread", source })?;
        Ok(Driver { handle, thread: Some(thread) })
    }

    /// Access to the stack.
    pub fn handle(&self) -> StackHandle {
        self.handle.clone()
    }

    /// Whether the thread has ended by itself, because of an error; [`Driver::shutdown`] tells which.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Ends the driver: stops listening, closes all connections, and waits, at most `within`, until
    /// their peers have closed too; then resets what is left. Socket calls that wait return `ENETDOWN`.
    ///
    /// # Errors
    ///
    /// Why the driver had ended before, or could not go on.
    pub fn shutdown(mut self, within: Duration) -> Result<ShutdownReport, DriverError> {
        self.stop(within)
    }

    fn stop(&mut self, within: Duration) -> Result<ShutdownReport, DriverError> {
        let Some(thread) = self.thread.take() else { return Ok(ShutdownReport::default()) };
        let shared = &self.handle.shared;
        shared.lock().close_within = within;
        shared.stopping.store(true, Ordering::Release);
        shared.wake.raise();
        thread.join().unwrap_or(Err(DriverError::Panicked))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Nobody is left to be told.
        let _ = self.stop(Duration::ZERO);
    }
}

impl Loop {
    /// Turns until the driver is asked to stop, then closes everything.
    fn run(mut self) -> Result<ShutdownReport, DriverError> {
        while !self.shared.stopping.load(Ordering::Acquire) {
            self.turn(None)?;
        }
        let within = self.shared.lock().close_within;
        self.shutdown(within)
    }
}
