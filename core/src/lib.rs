//! A TCP/IP stack as a pure state machine.
#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

pub mod error;
mod keyed;
mod rng;
pub mod tcp;
pub mod time;
pub mod wire;

pub use error::{DropReason, Verdict};
pub use rng::Seed;
pub use time::{Duration, Instant};
