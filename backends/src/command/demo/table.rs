//! How it is shown: a table that grows line by line, plain text in at most 80 columns.

use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use tickwire_backends::device::DeviceCounters;

use super::stage::{self, CaptureEnd};
use super::tasks::{Outcome, Task};
use super::{PEER_V4, PEER_V6, PREFIX_V4, PREFIX_V6, STACK_V4, STACK_V6};
use crate::command::cli::Stage;
use crate::command::figures::grouped;

/// The table, as far as it is.
pub(super) struct Table {
    all_held: bool,
}

/// Prints a line. If nobody reads it any more, the exit code still tells how it went.
fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn row(what: &str, family: &str, outcome: &str, figure: &str) {
    say(format_args!("  {what:<24} {family:<5} {outcome:<31} {figure:>15}").to_string().trim_end());
}

impl Table {
    /// Prints what stands above the rows.
    pub(super) fn open(stage: Stage) -> Table {
        let peer = match stage {
            Stage::Root | Stage::User => "the Linux kernel",
            Stage::Memory => "a second stack",
        };
        let version = env!("CARGO_PKG_VERSION");
        say(format_args!("\ntickwire {version}: {peer} talks to another TCP/IP stack\n"));
        say(format_args!("  ran as    {}", stage::name(stage)));
        let (near, far) = match stage {
            Stage::Root | Stage::User => ("kernel", "tap7"),
            Stage::Memory => ("peer", "memory"),
        };
        say(format_args!("  {near:<9} {PEER_V4}/{PREFIX_V4}   {PEER_V6}/{PREFIX_V6}   on {far}"));
        say(format_args!("  {:<9} {STACK_V4}/{PREFIX_V4}   {STACK_V6}/{PREFIX_V6}\n", "tickwire"));
        row("what", "", "came of it", "measured");
        say(format_args!("  {}", "-".repeat(78)));
        Table { all_held: true }
    }

    /// Prints what came of a task.
    pub(super) fn row(&mut self, task: &Task, outcome: Result<Outcome, String>) {
        match outcome {
            Ok(Outcome { result, figure }) => row(task.name, task.family, &result, &figure),
            Err(reason) => self.failed(task.name, task.family, &reason),
        }
    }

    /// Prints that something did not hold.
    pub(super) fn failed(&mut self, what: &str, family: &str, reason: &str) {
        self.all_held = false;
        say(format_args!("  {what:<24} {family:<5} FAILED: {reason}"));
    }

    /// Prints what stands below the rows; the exit code says whether all held.
    pub(super) fn close(mut self, elapsed: Duration, capture: CaptureEnd) -> ExitCode {
        say("");
        match capture {
            Ok(summary) => {
                let frames = grouped(summary.written);
                say(format_args!("  capture   {} ({frames} frames, without the bulk)", summary.path.display()));
                if summary.lost > 0 {
                    self.failed("capture", "", &format!("{} frames were lost to it", summary.lost));
                }
            }
            Err(reason) => self.failed("capture", "", &reason),
        }
        let seconds = elapsed.as_secs_f64();
        if self.all_held {
            say(format_args!("  result    all of it held, in {seconds:.1} s"));
            say("  next      tickwire run --help\n");
            ExitCode::SUCCESS
        } else {
            say(format_args!("  result    NOT all of it held; it took {seconds:.1} s\n"));
            ExitCode::FAILURE
        }
    }
}

/// Prints how many frames passed.
pub(super) fn frames(counters: &[(String, DeviceCounters)]) {
    for (_, device) in counters {
        let (received, sent) = (grouped(device.rx_frames), grouped(device.tx_frames));
        row("frames", "", &format!("{received} into the stack"), &format!("{sent} out"));
    }
}
