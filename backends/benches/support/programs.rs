//! The programs that a stack runs on a TAP, and the stacks that have them.

use std::io;

use super::args::Args;
use super::kernel::Meter;
use super::tap::Tap;
use super::{floor_tap, smoltcp_tap, tickwire_tap};

/// Port of the bulk programs.
pub(crate) const BULK_PORT: u16 = 5001;
/// Port of the echo program (RFC 862).
pub(crate) const ECHO_PORT: u16 = 7;

/// One stack's programs. Each has the stack at [`STACK`](super::tap::STACK) with
/// [`STACK_MAC`](super::tap::STACK_MAC), listens, serves one connection and returns when that has
/// ended. Single-threaded: read at most [`RX_BATCH`](super::RX_BATCH) frames, process them, let the
/// application run, write what is owed one frame per call, and wait only if there is nothing to do.
pub(crate) struct TapPrograms {
    pub(crate) name: &'static str,
    /// Listens on [`BULK_PORT`] with buffers of 1 MiB, reads into
    /// [`APPLICATION_BUFFER`](super::APPLICATION_BUFFER) until the peer ends its direction, then
    /// ends its own.
    pub(crate) sink: fn(&Tap) -> io::Result<Meter>,
    /// Listens on [`BULK_PORT`] with buffers of 1 MiB and sends from
    /// [`APPLICATION_BUFFER`](super::APPLICATION_BUFFER) until the peer resets the connection.
    pub(crate) source: fn(&Tap) -> io::Result<()>,
    /// Listens on [`ECHO_PORT`] and sends back what arrives until the peer ends its direction.
    pub(crate) echo: fn(&Tap) -> io::Result<()>,
}

/// All stacks. The first is what the ratios divide by; the bars are for the one named
/// [`TICKWIRE`].
const STACKS: &[TapPrograms] = &[smoltcp_tap::PROGRAMS, tickwire_tap::PROGRAMS, floor_tap::PROGRAMS];

/// The stacks that take part; [`Args::wants`] tells.
///
/// # Errors
///
/// None has the name that was asked for.
pub(crate) fn stacks(args: &Args) -> io::Result<Vec<&'static TapPrograms>> {
    let stacks: Vec<_> = STACKS.iter().filter(|stack| args.wants(stack.name)).collect();
    if stacks.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "--only: no stack has this name"));
    }
    Ok(stacks)
}

/// Name of the stack that the bars are for.
pub(crate) const TICKWIRE: &str = "tickwire";
