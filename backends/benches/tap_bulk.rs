//! One TCP connection over a TAP against the kernel, in both directions. See README.md.

#[path = "support/mod.rs"]
mod support;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use support::args::Args;
use support::bulk;
use support::namespace::{self, allowed};
use support::programs::{TICKWIRE, TapPrograms, stacks};
use support::report::{Bar, Samples, Table, conclude, interleave};

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
    let into = interleave(&stacks, args.runs, |stack| bulk::into_stack(stack, &cores, args.run_time))?;
    rows(&mut table, "kernel -> stack", &stacks, into, 1.0);
    let out_of = interleave(&stacks, args.runs, |stack| bulk::out_of_stack(stack, &cores, args.run_time))?;
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
