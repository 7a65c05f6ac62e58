//! One TCP connection over a TAP against the kernel: a stack's program on the last processor, the kernel's
//! side on the first.

use std::io;
use std::time::Duration;

use rustix::thread::CpuSet;

use super::kernel;
use super::namespace::{Core, pin};
use super::programs::{BULK_PORT, TapPrograms};
use super::tap::{STACK, Tap};

/// A run in one direction, in Gbit/s.
pub(crate) type Run = fn(&TapPrograms, &CpuSet, Duration) -> io::Result<f64>;

pub(crate) fn into_stack(stack: &TapPrograms, cores: &CpuSet, run_time: Duration) -> io::Result<f64> {
    let tap = Tap::new()?;
    pin(cores, Core::Last)?;
    let peer_cores = *cores;
    let peer = kernel::spawn(move || {
        pin(&peer_cores, Core::First)?;
        kernel::source(kernel::dial(STACK, BULK_PORT)?, run_time)
    });
    let meter = (stack.sink)(&tap)?;
    peer.join().expect("the kernel's side ends the program itself if it fails");
    Ok(meter.rate_gbps())
}

pub(crate) fn out_of_stack(stack: &TapPrograms, cores: &CpuSet, run_time: Duration) -> io::Result<f64> {
    let tap = Tap::new()?;
    pin(cores, Core::Last)?;
    let peer_cores = *cores;
    let peer = kernel::spawn(move || {
        pin(&peer_cores, Core::First)?;
        kernel::sink(kernel::dial(STACK, BULK_PORT)?, run_time)
    });
    (stack.source)(&tap)?;
    let meter = peer.join().expect("the kernel's side ends the program itself if it fails");
    Ok(meter.rate_gbps())
}
