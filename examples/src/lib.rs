//! Small programs to learn tickwire from.
//!
//! | program | what it shows |
//! |---|---|
//! | `echo` (`src/bin/echo.rs`) | a TCP echo server and its client, each on a stack of its own, joined in memory |
//! | `echo_server` (`src/bin/echo_server.rs`) | the same server on a TAP interface, for the kernel and the network behind it |
//! | `async_echo` (`src/bin/async_echo.rs`) | an asynchronous echo service and its clients, as tasks on one thread |
//! | `simulated_http` (`src/bin/simulated_http.rs`) | an HTTP service on axum and hyper as they are, simulated twice from one seed, with loss |
//!
//! What they have in common runs unchanged on whatever drives its stack:
//!
//! | module | job |
//! |---|---|
//! | [`service`] | the asynchronous echo service and its client |
//! | [`http`] | the HTTP service and its client |
//! | [`simulated`] | the world in which those two meet |
//!
//! `cargo run -p tickwire-examples --bin echo` runs the first. The program of the README is compiled
//! and run as a test of this crate.
#![forbid(unsafe_code)]

pub mod http;
pub mod service;
pub mod simulated;

/// The README, whose programs are tested here.
#[cfg(all(doctest, target_os = "linux"))]
#[doc = include_str!("../../README.md")]
pub struct Readme;
