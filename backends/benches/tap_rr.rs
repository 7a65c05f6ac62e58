//! Round trip of one byte over TCP against an echo service, everything on one core. See README.md.

#[path = "support/mod.rs"]
mod support;

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::process::ExitCode;
use std::time::Duration;

use rustix::thread::CpuSet;

use support::args::Args;
use support::kernel;
use support::namespace::{self, Core, allowed, pin};
use support::programs::{ECHO_PORT, TICKWIRE, TapPrograms, stacks};
use support::report::{Bar, Samples, Table, conclude};
use support::tap::{STACK, Tap};

/// The row of the kernel with itself.
const KERNEL: &str = "kernel (lo)";

/// What one run gave, in microseconds.
struct RoundTrip {
    p50_us: f64,
    mean_us: f64,
}

fn main() -> ExitCode {
    namespace::enter();
    conclude(measure())
}

fn measure() -> io::Result<ExitCode> {
    let args = Args::parse(5, Duration::from_millis(500));
    let cores = allowed()?;
    let stacks = stacks(&args)?;
    let mut kernel_runs = Vec::new();
    let mut stack_runs: Vec<Vec<RoundTrip>> = stacks.iter().map(|_| Vec::new()).collect();
    for _ in 0..args.runs {
        if args.wants(KERNEL) {
            kernel_runs.push(kernel_run(&cores, args.run_time)?);
        }
        for (stack, runs) in stacks.iter().zip(&mut stack_runs) {
            runs.push(stack_run(stack, &cores, args.run_time)?);
        }
    }
    let mut table = Table::new(
        format!(
            "tap_rr: one byte there and back over TCP, both ends on one core, \
             {} runs of {} ms in turns",
            args.runs,
            args.run_time.as_millis()
        ),
        "us",
        stacks[0].name,
    );
    for (case, figure) in FIGURES {
        let samples = |runs: &[RoundTrip]| Samples::new(runs.iter().map(figure).collect());
        let reference = Some(samples(&stack_runs[0]).median());
        if args.wants(KERNEL) {
            table.row(case, KERNEL, samples(&kernel_runs), reference, None);
        }
        for (stack, runs) in stacks.iter().zip(&stack_runs) {
            let bar = (stack.name == TICKWIRE && stacks.len() > 1).then_some(Bar::AtMost(1.0));
            table.row(case, stack.name, samples(runs), reference, bar);
        }
    }
    Ok(table.finish(args.bar))
}

/// The two figures of a run, each with its name.
type Figure = fn(&RoundTrip) -> f64;
const FIGURES: [(&str, Figure); 2] = [("p50", |run| run.p50_us), ("mean", |run| run.mean_us)];

fn stack_run(stack: &TapPrograms, cores: &CpuSet, run_time: Duration) -> io::Result<RoundTrip> {
    let tap = Tap::new()?;
    pin(cores, Core::First)?;
    // The thread inherits the binding.
    let peer = kernel::spawn(move || kernel::round_trips(kernel::dial(STACK, ECHO_PORT)?, run_time));
    (stack.echo)(&tap)?;
    Ok(summary(peer.join().expect("the kernel's side ends the program itself if it fails")))
}

fn kernel_run(cores: &CpuSet, run_time: Duration) -> io::Result<RoundTrip> {
    pin(cores, Core::First)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, ECHO_PORT))?;
    let peer = kernel::spawn(move || kernel::round_trips(kernel::dial(Ipv4Addr::LOCALHOST, ECHO_PORT)?, run_time));
    kernel::echo(&listener)?;
    Ok(summary(peer.join().expect("the kernel's side ends the program itself if it fails")))
}

#[allow(clippy::cast_precision_loss, reason = "nanoseconds of one run stay far below 2^52")]
fn summary(mut trips: Vec<u64>) -> RoundTrip {
    trips.sort_unstable();
    let sum: u64 = trips.iter().sum();
    RoundTrip { p50_us: trips[trips.len() / 2] as f64 / 1e3, mean_us: sum as f64 / trips.len() as f64 / 1e3 }
}
