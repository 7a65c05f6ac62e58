//! One TCP connection over a TAP against the kernel, in both directions. See README.md.

#[path = "support/mod.rs"]
mod support;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use rustix::thread::CpuSet;

use support::args::Args;
use support::kernel;
use support::namespace::{self, Core, allowed, pin};
use support::programs::{BULK_PORT, TICKWIRE, TapPrograms, stacks};
use support::report::{Bar, Samples, Table, conclude, interleave};
use support::tap::{STACK, Tap};

fn main() -> ExitCode {
    namespace::enter();
    conclude(measure())
}

fn measure() -> io::Result<ExitCode> {
    let args = Args::parse(5, Duration::from_secs(1));
    let cores = allowed()?;
    let stacks = stacks(&args)?;
    let mut table = Table::new(
        format!(
            "tap_bulk: one connection over tap7, MTU 1500, 1 MiB buffers in the stack, \
             {} runs of {} ms in turns",
            args.runs,
            args.run_time.as_millis()
        ),
        "Gbit/s",
        stacks[0].name,
    );
    let into = interleave(&stacks, args.runs, |stack| into_stack(stack, &cores, args.run_time))?;
    rows(&mut table, "kernel -> stack", &stacks, into, 1.0);
    let out_of = interleave(&stacks, args.runs, |stack| out_of_stack(stack, &cores, args.run_time))?;
    rows(&mut table, "stack -> kernel", &stacks, out_of, 1.2);
    Ok(table.finish(args.bar))
}

fn rows(table: &mut Table, case: &str, stacks: &[&TapPrograms], samples: Vec<Samples>, bar: f64) {
    let reference = samples[0].median();
    for (stack, samples) in stacks.iter().zip(samples) {
        let bar = (stack.name == TICKWIRE && stacks.len() > 1).then_some(Bar::AtLeast(bar));
        table.row(case, stack.name, samples, Some(reference), bar);
    }
}

fn into_stack(stack: &TapPrograms, cores: &CpuSet, run_time: Duration) -> io::Result<f64> {
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

fn out_of_stack(stack: &TapPrograms, cores: &CpuSet, run_time: Duration) -> io::Result<f64> {
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
