//! The relay: between devices in memory, and as a command between a bridge and a namespace.
#![cfg(target_os = "linux")]

mod command;
mod memory;
