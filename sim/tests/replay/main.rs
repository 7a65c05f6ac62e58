//! Recordings of stacks that ran on devices, played again: every frame and every digest is the recorded
//! one. Over devices in memory, and over a TAP interface beside the kernel.
#![cfg(target_os = "linux")]

mod command;
mod files;
mod kernel;
mod pair;
mod report;
mod support;
