//! One of the three ways: the link is made, the stack started on its far end, the first ping
//! answered. Until then a way may turn out to be closed; after that, what fails is the stack's fault.

use std::fmt::Display;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use tickwire_backends::capture::{Capture, CaptureSummary, CaptureWriter};
use tickwire_backends::device::Device;
use tickwire_backends::driver::{Driver, Loop, StackHandle, random_hardware_address};
use tickwire_backends::net_setup::{Ip, NetSetupError, enter_network_namespace, enter_user_and_network_namespace};
use tickwire_backends::pair;
use tickwire_backends::tap::Tap;
use tickwire_core::Config;

use super::kernel::Kernel;
use super::memory::Memory;
use super::side::Side;
use super::table::{self, Table};
use super::{MTU, PEER_ADDRESSES, STACK_ADDRESSES, STACK_V4};
use crate::command::cli::Stage;
use crate::command::services;

/// The interface that the kernel and the stack share.
const TAP: &str = "tap7";

/// How long connections may take to close at the end.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// Both sides of a link, up and running.
pub(super) struct Lab {
    pub(super) side: Box<dyn Side>,
    driver: Driver,
    writer: std::cell::RefCell<Option<CaptureWriter>>,
}

/// What became of the capture.
pub(super) type CaptureEnd = Result<CaptureSummary, String>;

/// How a way is called in what is printed.
pub(super) fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Root => "network namespace as root",
        Stage::User => "user and network namespace",
        Stage::Memory => "two stacks over the memory pair",
    }
}

/// One line: which way is closed, at which step, and what helps.
pub(super) fn tell_closed(stage: Stage, reason: &str) {
    eprintln!("tickwire: no {}: {reason}", name(stage));
}

/// A step and what the system said, in one line.
fn failed(step: &str, error: impl Display) -> String {
    one_line(&format!("cannot {step}: {error}"))
}

/// The lines of a text joined, so that commands in it stay apart.
fn one_line(text: &str) -> String {
    let mut line = String::new();
    for part in text.lines().map(|part| part.split_whitespace().collect::<Vec<_>>().join(" ")) {
        if !line.is_empty() {
            line.push_str(if line.ends_with(':') { " " } else { "; " });
        }
        line.push_str(&part);
    }
    line
}

/// Opens a way; `Err` says in one line why it is closed.
pub(super) fn open(stage: Stage, verbose: bool, pcap: &Path) -> Result<Lab, String> {
    let announce: Option<fn(&str)> = verbose.then_some(|command| eprintln!("+ {command}"));
    let ip = Ip { announce, dry_run: false };
    match stage {
        Stage::Root => with_kernel(enter_network_namespace, ip, pcap),
        Stage::User => with_kernel(enter_user_and_network_namespace, ip, pcap),
        Stage::Memory => {
            let (near, far) = pair::pair(MTU).map_err(|error| failed("make a memory pair", error))?;
            let (driver, writer) = start(far, pcap)?;
            let side = Memory::start(near)?;
            Ok(Lab { side: Box::new(side), driver, writer: Some(writer).into() })
        }
    }
}

fn with_kernel(enter: fn() -> Result<(), NetSetupError>, ip: Ip, pcap: &Path) -> Result<Lab, String> {
    enter().map_err(|error| one_line(&error.to_string()))?;
    let tap = Tap::open(TAP, MTU).map_err(|error| one_line(&error.to_string()))?;
    set_up(ip).map_err(|error| failed("set up the kernel's side", error))?;
    let (driver, writer) = start(tap, pcap)?;
    let lab = Lab { side: Box::new(Kernel), driver, writer: Some(writer).into() };
    lab.side.ping(IpAddr::V4(STACK_V4), 1).map_err(|error| failed("ping the stack for the first time", error))?;
    Ok(lab)
}

/// The kernel's side: `lo` and the TAP up, both addresses.
fn set_up(ip: Ip) -> Result<(), NetSetupError> {
    ip.link_up("lo")?;
    ip.set_mtu(TAP, MTU)?;
    ip.link_up(TAP)?;
    PEER_ADDRESSES.iter().try_for_each(|own| ip.add_address(TAP, own.address, own.prefix_len))
}

/// The stack, with all services, on `device`.
fn start(device: impl Device + 'static, pcap: &Path) -> Result<(Driver, CaptureWriter), String> {
    let cannot_start = |error| failed("start the stack", error);
    let mut turns = Loop::new(Config::default(), None).map_err(cannot_start)?;
    let (capture, writer) =
        Capture::create(pcap, turns.handle().unix_offset()).map_err(|error| failed("record", error))?;
    turns.set_capture(capture);
    let hardware_address = random_hardware_address().map_err(|error| failed("get entropy", error))?;
    turns.add_device(device, hardware_address, &STACK_ADDRESSES).map_err(cannot_start)?;
    services::start(&mut turns, &services::all())
        .map_err(|(spec, error)| failed(&format!("start the service {spec}"), error))?;
    let driver = Driver::spawn(turns).map_err(cannot_start)?;
    Ok((driver, writer))
}

impl Lab {
    /// The stack under demonstration.
    pub(super) fn stack(&self) -> StackHandle {
        self.driver.handle()
    }

    /// Ends the capture, so that what follows runs at full speed and leaves no huge file.
    pub(super) fn end_capture(&self) -> CaptureEnd {
        self.stack().end_capture();
        match self.writer.take() {
            Some(writer) => writer.finish().map_err(|error| error.to_string()),
            None => Err("it was ended before".to_owned()),
        }
    }

    /// Ends the stack in an orderly way, and tells what passed through it.
    pub(super) fn close(self, table: &mut Table) {
        let handle = self.stack();
        let counters = handle.device_counters();
        table::frames(&counters);
        if let Err(error) = self.driver.shutdown(CLOSE_WITHIN) {
            table.failed("the stack's end", "", &error.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn a_reason_of_several_lines_becomes_one() {
        let text = "tap7: cannot open it: no (os error 1)\n  do this:\n    first\n    second  thing";
        assert_eq!(one_line(text), "tap7: cannot open it: no (os error 1); do this: first; second thing");
    }
}
