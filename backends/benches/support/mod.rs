//! What the measuring programs share.
//!
//! - `args`: the command line, one for all programs
//! - `report`: medians, interleaved runs, the table, the bars
//! - `namespace`: a network namespace that ends with the process; pinning to a processor
//! - `tap`: `tap7`, nonblocking, one system call per frame
//! - `kernel`: the other end of the TAP, blocking sockets of the kernel
//! - `pair`: two stacks in one process on a virtual link; the trait that a stack implements for it
//! - `bulk`: a connection between a program and the kernel, each on a processor of its own
//! - `programs`: the programs that a stack runs on a TAP; the list of stacks
//! - `floor_tap`: no stack, for what the TAP and the kernel leave to any
//! - `smoltcp_pair`, `smoltcp_tap`: smoltcp behind those two seams
#![allow(dead_code, reason = "each program uses its own part of this folder")]
#![allow(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]

pub(crate) mod args;
pub(crate) mod bulk;
pub(crate) mod floor_tap;
pub(crate) mod kernel;
pub(crate) mod namespace;
pub(crate) mod pair;
pub(crate) mod programs;
pub(crate) mod report;
pub(crate) mod smoltcp_pair;
pub(crate) mod smoltcp_tap;
pub(crate) mod tap;
pub(crate) mod tickwire_pair;
pub(crate) mod tickwire_tap;

/// Frames that every stack takes from its device before it answers, at most (`Config::rx_batch`).
pub(crate) const RX_BATCH: usize = 16;

/// Longest Ethernet II frame at MTU 1500, without the checksum that the hardware adds.
pub(crate) const FRAME_MAX: usize = 1514;

/// Size of the buffers that the applications hand to `send` and `recv`.
pub(crate) const APPLICATION_BUFFER: usize = 64 * 1024;
