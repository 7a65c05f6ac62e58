//! `tickwire demo`: the kernel's own sockets talk to the stack, in a namespace of their own.
//!
//! | module | job |
//! |---|---|
//! | this file | the three ways to a peer, in order, each with its fall to the next |
//! | `stage` | one way: the link is made, the stack started, the first ping answered |
//! | `side` | what the other side of the link can do: its trait |
//! | `kernel` | that side as the Linux kernel |
//! | `memory` | that side as a second stack, over the memory pair |
//! | `probe` | pings over the memory pair, frame by frame |
//! | `tasks` | what is done, and how each is judged |
//! | `bulk` | 64 MiB each way with a checksum |
//! | `table` | how it is shown |

mod bulk;
mod kernel;
mod memory;
mod probe;
mod side;
mod stage;
mod table;
mod tasks;

use std::fs::OpenOptions;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use tickwire_core::config::InterfaceAddress;

use super::cli::{DemoOptions, Stage};
use table::Table;

/// The kernel's addresses, or the second stack's (RFC 5737 and RFC 3849: for documentation).
const PEER_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const PEER_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
/// The stack's.
const STACK_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const STACK_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);
const STACK: [IpAddr; 2] = [IpAddr::V4(STACK_V4), IpAddr::V6(STACK_V6)];
const PREFIX_V4: u8 = 24;
const PREFIX_V6: u8 = 64;
/// Layer 3 bytes.
const MTU: u16 = 1500;

const PEER_ADDRESSES: [InterfaceAddress; 2] =
    [InterfaceAddress::v4(PEER_V4, PREFIX_V4), InterfaceAddress::v6(PEER_V6, PREFIX_V6)];
const STACK_ADDRESSES: [InterfaceAddress; 2] =
    [InterfaceAddress::v4(STACK_V4, PREFIX_V4), InterfaceAddress::v6(STACK_V6, PREFIX_V6)];

/// The exit code by which a child says that its way is closed, and why stands on standard error.
const CLOSED: u8 = 75;

/// The environment variable that forbids the way without a kernel.
const REQUIRE_TAP: &str = "TICKWIRE_REQUIRE_TAP";

/// Shows the demonstration; success only if all of it held.
pub(crate) fn demo(options: &DemoOptions) -> ExitCode {
    if let Some(stage) = options.stage {
        return show(stage, options, options.pcap.as_deref().unwrap_or(Path::new("tickwire-demo.pcapng")));
    }
    let pcap = match capture_file(options.pcap.as_deref()) {
        Ok(pcap) => pcap,
        Err(text) => {
            eprintln!("tickwire: {text}");
            return ExitCode::FAILURE;
        }
    };
    for stage in [Stage::Root, Stage::User] {
        match in_child(stage, options, &pcap) {
            Ok(code) if code == i32::from(CLOSED) => {}
            Ok(code) => return ExitCode::from(u8::try_from(code).unwrap_or(1)),
            Err(error) => stage::tell_closed(stage, &format!("cannot start itself again: {error}")),
        }
    }
    if std::env::var_os(REQUIRE_TAP).is_some_and(|value| value == "1") {
        eprintln!("tickwire: {REQUIRE_TAP}=1 forbids to go on without a TAP interface");
        // Nothing was recorded.
        let _ = std::fs::remove_file(&pcap);
        return ExitCode::FAILURE;
    }
    show(Stage::Memory, options, &pcap)
}

/// Runs a stage in a process of its own: a user namespace can be entered only by a process that has
/// a single thread, and this one's namespace stays what it was. Returns the exit code.
fn in_child(stage: Stage, options: &DemoOptions, pcap: &Path) -> std::io::Result<i32> {
    let name = if stage == Stage::Root { "root" } else { "user" };
    // Also if the file was replaced meanwhile, by a build.
    let mut command = Command::new("/proc/self/exe");
    command.arg0("tickwire").args(["demo", "--stage", name, "--pcap"]).arg(pcap);
    if options.verbose {
        command.arg("--verbose");
    }
    Ok(command.status()?.code().unwrap_or(1))
}

/// The file that the capture goes to: the one asked for, or one in the directory for temporary files
/// that is surely our own (a link that someone else put there is not followed).
fn capture_file(asked: Option<&Path>) -> Result<PathBuf, String> {
    if let Some(path) = asked {
        return Ok(path.to_owned());
    }
    let folder = std::env::temp_dir();
    let names = ["tickwire-demo.pcapng".to_owned(), format!("tickwire-demo-{}.pcapng", std::process::id())];
    let mut last = String::new();
    for path in names.map(|name| folder.join(name)) {
        // If it stays, the next step fails and tells why.
        let _ = std::fs::remove_file(&path);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(_) => return Ok(path),
            Err(error) => last = format!("cannot create {}: {error}; name another file with --pcap", path.display()),
        }
    }
    Err(last)
}

/// One stage from its set-up to the table's last line.
fn show(stage: Stage, options: &DemoOptions, pcap: &Path) -> ExitCode {
    let began = Instant::now();
    let lab = match stage::open(stage, options.verbose, pcap) {
        Ok(lab) => lab,
        Err(reason) if stage == Stage::Memory => {
            eprintln!("tickwire: {reason}");
            return ExitCode::FAILURE;
        }
        Err(reason) => {
            stage::tell_closed(stage, &reason);
            return ExitCode::from(CLOSED);
        }
    };
    let mut table = Table::open(stage);
    for task in tasks::all() {
        let outcome = (task.does)(&lab);
        table.row(&task, outcome);
    }
    let summary = lab.end_capture();
    for task in bulk::all() {
        let outcome = (task.does)(&lab);
        table.row(&task, outcome);
    }
    lab.close(&mut table);
    table.close(began.elapsed(), summary)
}
