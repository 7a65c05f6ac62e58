//! What a recording costs: one TCP connection over a TAP against the kernel, in both directions, with
//! every call on the stack recorded and without. See README.md.

#[path = "support/mod.rs"]
mod support;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use support::args::Args;
use support::bulk;
use support::namespace::{self, allowed};
use support::report::{Bar, Table, conclude, interleave};
use support::tickwire_tap::{PROGRAMS, RECORDED};

fn main() -> ExitCode {
    namespace::enter();
    conclude(measure())
}

fn measure() -> io::Result<ExitCode> {
    let args = Args::parse(1, Duration::from_secs(10));
    let cores = allowed()?;
    let mut table = Table::new(
        format!(
            "recording: one connection over tap7, MTU 1500, files in {}, {} runs of {} ms in turns",
            std::env::temp_dir().display(),
            args.runs,
            args.run_time.as_millis()
        ),
        "Gbit/s",
        PROGRAMS.name,
    );
    let programs = [&PROGRAMS, &RECORDED];
    for (case, run) in [("kernel -> stack", bulk::into_stack as bulk::Run), ("stack -> kernel", bulk::out_of_stack)] {
        let samples = interleave(&programs, args.runs, |stack| run(stack, &cores, args.run_time))?;
        let reference = samples[0].median();
        for (number, (stack, samples)) in programs.iter().zip(samples).enumerate() {
            table.row(case, stack.name, samples, Some(reference), (number > 0).then_some(Bar::AtLeast(0.5)));
        }
    }
    Ok(table.finish(args.bar))
}
