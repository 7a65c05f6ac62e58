//! A network namespace of the program's own, and pinning.
//!
//! The program replaces itself by `unshare --net PROGRAM`: the namespace belongs to this process
//! alone, has no name, and goes with it, however the process ends. Nothing is left to remove.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, exit};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Set in the environment of the process that runs inside the namespace.
const INSIDE: &str = "TICKWIRE_BENCH_NAMESPACE";

/// Returns once the process is in a network namespace of its own with `lo` up; must be the first
/// thing that `main` does. Without root a user namespace is made around it. Ends the process with
/// what to do about it where neither is allowed.
pub(crate) fn enter() {
    if std::env::var_os(INSIDE).is_none() {
        replace_by_inner_process();
    }
    settle().unwrap_or_else(|error| {
        eprintln!("setting up the namespace: {error}");
        exit(1)
    });
}

fn replace_by_inner_process() -> ! {
    let program = std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
    let mut unshare = Command::new("unshare");
    unshare.arg("--net").env(INSIDE, "1");
    if !rustix::process::geteuid().is_root() {
        unshare.arg("--map-root-user");
    }
    let error = unshare.arg("--").arg(program).args(std::env::args_os().skip(1)).exec();
    eprintln!("running `unshare --net` (of util-linux): {error}");
    exit(1)
}

fn settle() -> io::Result<()> {
    // Router solicitations and duplicate address detection would be frames that nobody asked for.
    for scope in ["all", "default"] {
        std::fs::write(format!("/proc/sys/net/ipv6/conf/{scope}/disable_ipv6"), "1")?;
    }
    // smoltcp offers no timestamps by default; without them every stack's full segment carries
    // 1460 bytes.
    std::fs::write("/proc/sys/net/ipv4/tcp_timestamps", "0")?;
    ip("link set lo up")
}

/// Runs `ip` with these words.
pub(crate) fn ip(words: &str) -> io::Result<()> {
    let status = Command::new("ip").args(words.split_whitespace()).status()?;
    if status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("`ip {words}` failed: {status}")))
}

/// Where a thread is to run.
#[derive(Clone, Copy)]
pub(crate) enum Core {
    /// The first processor that the process may use.
    First,
    /// The last one: another than the first where there are two.
    Last,
}

/// Binds the calling thread to one processor, as `taskset -c` does. `allowed` is the set from
/// before anything was pinned.
pub(crate) fn pin(allowed: &CpuSet, core: Core) -> io::Result<()> {
    let mut processors = (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu));
    let cpu = match core {
        Core::First => processors.next(),
        Core::Last => processors.next_back(),
    };
    let mut set = CpuSet::new();
    set.set(cpu.ok_or(io::ErrorKind::NotFound)?);
    Ok(sched_setaffinity(None, &set)?)
}

/// The processors that this thread may use.
pub(crate) fn allowed() -> io::Result<CpuSet> {
    Ok(sched_getaffinity(None)?)
}
