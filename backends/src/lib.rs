//! What the pure state machine of `tickwire-core` needs to meet the world: devices, a driver with
//! a clock, a capture, and sockets.
//!
//! | module | job |
//! |---|---|
//! | [`device`] | the trait between driver and devices |
//! | [`pool`] | receive buffers that come back by themselves |
//! | [`tap`] | the Linux TAP interface |
//! | [`tun`] | the Linux TUN interface |
//! | [`link_watch`] | whether an interface of the kernel's is up |
//! | [`pair`] | two devices connected in memory |
//! | [`net_setup`] | the one place that calls `ip`; namespaces for demos and tests |
//! | [`capture`] | pcapng, written and read |
//! | [`recording`] | every call on a stack, written and read |
//! | [`tables`] | what a stack knows of itself, for people and as JSON |
//! | [`driver`] | the loop, its thread, built-in services, orderly shutdown |
//! | [`sockets`] | what every socket does, and how it waits; [`sockets::Handle`], all that it needs of a driver |
//! | [`net`] | blocking sockets in the manner of `std::net` |
//! | `async_net` | asynchronous sockets in the manner of `tokio::net` (feature `tokio`) |
//!
//! `raw_io` holds all of the crate's `unsafe` code, `signal` the wake-up between threads.
//!
//! A frame's way: `device` -> `driver` -> `Stack::handle_frame`; `Stack::poll_transmit` -> `driver`
//! -> `device`. A socket call's way: `net` -> the driver's lock -> `Stack` -> what there is to send
//! -> `device`, all on the caller's thread.
#![deny(unsafe_code)]
#![warn(missing_docs)]

#[cfg(feature = "tokio")]
pub mod async_net;
pub mod capture;
pub mod device;
#[cfg(target_os = "linux")]
pub mod driver;
#[cfg(target_os = "linux")]
pub mod link_watch;
#[cfg(target_os = "linux")]
pub mod net;
#[cfg(target_os = "linux")]
pub mod net_setup;
#[cfg(target_os = "linux")]
pub mod pair;
pub mod pool;
mod raw_io;
pub mod recording;
#[cfg(target_os = "linux")]
mod signal;
pub mod sockets;
pub mod tables;
#[cfg(target_os = "linux")]
pub mod tap;
#[cfg(target_os = "linux")]
pub mod tun;
