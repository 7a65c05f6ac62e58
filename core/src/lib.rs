//! A TCP/IP stack as a pure state machine.
#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;
// The code that deriving `Arbitrary` generates keeps a thread-local recursion guard.
#[cfg(feature = "arbitrary")]
extern crate std;

pub mod error;
mod keyed;
mod rng;
pub mod tcp;
pub mod time;
pub mod wire;

pub use error::{DropReason, Verdict};
pub use rng::Seed;
pub use time::{Duration, Instant};
