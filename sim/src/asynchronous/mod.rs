//! Hosts that run asynchronous programs: unmodified services on real sockets, on the world's time.
//!
//! | module | job |
//! |---|---|
//! | `simulation` | [`Simulation`]: a world, and the programs of its hosts |
//! | `life` | one life of a host: a tokio runtime, left when none of its tasks can go on |
//! | `handle` | [`HostHandle`]: a host as its programs see it |
//! | [`time`] | sleep, timeout, interval, and the clocks, exact to the nanosecond |
//! | `snapshot` | [`Snapshot`]: a simulation as it is at an event, had again by running it up to there |
//! | `hyper` | `Timer`: hyper's timeouts on the host's time (feature `hyper`) |
#[cfg(feature = "hyper")]
mod hyper;
mod handle;
mod life;
mod simulation;
pub mod time;

#[cfg(feature = "hyper")]
pub use self::hyper::Timer;
pub use self::handle::HostHandle;
pub use self::simulation::Simulation;
/// The sockets, for a [`HostHandle`].
pub use tickwire_backends::async_net as net;
