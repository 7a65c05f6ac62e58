//! Small programs to learn tickwire from.
//!
//! | program | what it shows |
//! |---|---|
//! | `echo` (`src/bin/echo.rs`) | a TCP echo server and its client, each on a stack of its own, joined in memory |
//! | `echo_server` (`src/bin/echo_server.rs`) | the same server on a TAP interface, for the kernel and the network behind it |
//! | `async_echo` (`src/bin/async_echo.rs`) | an asynchronous echo service and its clients, as tasks on one thread |
//!
//! [`service`] holds that service and its client, which run unchanged on whatever drives their stack.
//!
//! `cargo run -p tickwire-examples --bin echo` runs the first. The program of the README is compiled
//! and run as a test of this crate.
#![forbid(unsafe_code)]

pub mod service;

/// The README, whose programs are tested here.
#[cfg(all(doctest, target_os = "linux"))]
#[doc = include_str!("../../README.md")]
pub struct Readme;
