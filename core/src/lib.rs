//! A TCP/IP stack as a pure state machine.
#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;
// The code that deriving `Arbitrary` generates keeps a thread-local recursion guard.
#[cfg(feature = "arbitrary")]
extern crate std;

mod buffer;
pub mod config;
mod digest;
pub mod error;
pub mod event;
pub mod frame;
mod keyed;
mod rng;
pub mod socket;
pub mod tcp;
pub mod time;
pub mod wire;

pub use error::{DropReason, Verdict};
pub use rng::Seed;
pub use time::{Duration, Instant};
