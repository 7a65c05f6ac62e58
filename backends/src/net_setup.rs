//! The kernel's side of a link: the one place that calls `ip`, and network namespaces of one's own.
//!
//! [`Ip::run`] is the only function that starts the program. It can print each command before (or
//! instead of) running it, so that what a tool does to a machine can be read and repeated.

use std::io;
use std::net::IpAddr;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::raw_io;

/// Why the kernel's side was not set up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NetSetupError {
    /// The program `ip` could not be started.
    #[error(
        "cannot run `{command}`: {source}\n  install it:   sudo apt install iproute2   (or: sudo dnf install iproute)"
    )]
    NotRun {
        /// The whole command.
        command: String,
        /// What the system said.
        source: io::Error,
    },
    /// The command failed.
    #[error("`{command}` failed with {status}: {stderr}")]
    Failed {
        /// The whole command.
        command: String,
        /// Its exit status.
        status: std::process::ExitStatus,
        /// What it wrote to its standard error.
        stderr: String,
    },
    /// No namespace could be had.
    #[error("cannot {step}: {source}\n  {remedy}")]
    Namespace {
        /// What was being done.
        step: &'static str,
        /// What the system said.
        source: io::Error,
        /// What helps.
        remedy: &'static str,
    },
}

/// How long an address that was added may take to be used.
const LOCAL_PATIENCE: Duration = Duration::from_secs(2);

/// How `ip` is called.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ip {
    /// Gets each command, as one would type it, before it is run.
    pub announce: Option<fn(&str)>,
    /// Only announce; run nothing.
    pub dry_run: bool,
}

impl Ip {
    /// Runs `ip` with these arguments.
    ///
    /// # Errors
    ///
    /// [`NetSetupError::NotRun`], [`NetSetupError::Failed`].
    pub fn run(&self, arguments: &[&str]) -> Result<(), NetSetupError> {
        if let Some(announce) = self.announce {
            announce(&format!("ip {}", arguments.join(" ")));
        }
        if self.dry_run { Ok(()) } else { Ip::ask(arguments).map(|_| ()) }
    }

    /// What `ip` answers.
    fn ask(arguments: &[&str]) -> Result<String, NetSetupError> {
        let command = format!("ip {}", arguments.join(" "));
        let output = match Command::new("ip").args(arguments).output() {
            Ok(output) => output,
            Err(source) => return Err(NetSetupError::NotRun { command, source }),
        };
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(NetSetupError::Failed { command, status: output.status, stderr })
    }

    /// Brings an interface up. Errors as [`Ip::run`].
    pub fn link_up(&self, device: &str) -> Result<(), NetSetupError> {
        self.run(&["link", "set", "dev", device, "up"])
    }

    /// Takes an interface down. Errors as [`Ip::run`].
    pub fn link_down(&self, device: &str) -> Result<(), NetSetupError> {
        self.run(&["link", "set", "dev", device, "down"])
    }

    /// Sets an interface's MTU, in bytes of layer 3. Errors as [`Ip::run`].
    pub fn set_mtu(&self, device: &str, mtu: u16) -> Result<(), NetSetupError> {
        self.run(&["link", "set", "dev", device, "mtu", &mtu.to_string()])
    }

    /// Gives an interface an address. IPv6 addresses skip duplicate address detection (`nodad`), so
    /// they can be used at once if the interface has a carrier. Errors as [`Ip::run`].
    pub fn add_address(&self, device: &str, address: IpAddr, prefix_len: u8) -> Result<(), NetSetupError> {
        let with_prefix = format!("{address}/{prefix_len}");
        match address {
            IpAddr::V4(_) => self.run(&["addr", "add", &with_prefix, "dev", device]),
            IpAddr::V6(_) => {
                self.run(&["-6", "addr", "add", &with_prefix, "dev", device, "nodad"])?;
                if self.dry_run { Ok(()) } else { wait_until_local(device, address) }
            }
        }
    }

    /// Creates a bridge and brings it up. Errors as [`Ip::run`].
    pub fn add_bridge(&self, bridge: &str) -> Result<(), NetSetupError> {
        self.run(&["link", "add", "name", bridge, "type", "bridge"])?;
        self.link_up(bridge)
    }

    /// Makes an interface a port of a bridge. Errors as [`Ip::run`].
    pub fn join_bridge(&self, device: &str, bridge: &str) -> Result<(), NetSetupError> {
        self.run(&["link", "set", "dev", device, "master", bridge])
    }

    /// Creates a TAP that outlives the process and belongs to `user`. Errors as [`Ip::run`].
    pub fn add_tap(&self, device: &str, user: &str) -> Result<(), NetSetupError> {
        self.run(&["tuntap", "add", "dev", device, "mode", "tap", "user", user])
    }

    /// Deletes an interface. Errors as [`Ip::run`].
    pub fn delete_link(&self, device: &str) -> Result<(), NetSetupError> {
        self.run(&["link", "delete", "dev", device])
    }
}

/// The kernel takes packets to an IPv6 address only once it has a route to it, which it enters a moment
/// after the address: not before the interface has a carrier, and else within milliseconds.
fn wait_until_local(device: &str, address: IpAddr) -> Result<(), NetSetupError> {
    let address = address.to_string();
    let began = Instant::now();
    while began.elapsed() < LOCAL_PATIENCE {
        let has_carrier = Ip::ask(&["-o", "link", "show", "dev", device])?.contains("LOWER_UP");
        let routes = Ip::ask(&["-6", "route", "show", "table", "local", &address])?;
        if !has_carrier || !routes.is_empty() {
            break;
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Moves the calling thread, and the threads and processes that it starts from here on, into a
/// network namespace of its own. The namespace has no name: the kernel removes it, with all that was
/// made in it, when the last of them ends, however it ends. Needs `CAP_SYS_ADMIN`.
///
/// # Errors
///
/// [`NetSetupError::Namespace`].
pub fn enter_network_namespace() -> Result<(), NetSetupError> {
    raw_io::unshare_network(false).map_err(|source| NetSetupError::Namespace {
        step: "make a network namespace",
        source,
        remedy: "run it as root, or let it use a user namespace",
    })
}

/// Moves the process into a user namespace, where it is root, and a network namespace of its own,
/// without being root outside. The process must be single-threaded: call it first thing in `main`.
/// The namespaces go away with the process and its children.
///
/// # Errors
///
/// [`NetSetupError::Namespace`]: `EINVAL` with several threads, `EPERM` or `ENOSPC` where user
/// namespaces are not allowed.
pub fn enter_user_and_network_namespace() -> Result<(), NetSetupError> {
    let failed = |step| {
        move |source| NetSetupError::Namespace {
            step,
            source,
            remedy: "allow it:   sudo sysctl user.max_user_namespaces=1024 kernel.apparmor_restrict_unprivileged_userns=0",
        }
    };
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    raw_io::unshare_network(true).map_err(failed("make a user and a network namespace"))?;
    // user_namespaces(7): without privileges the group map can be written only once setgroups is denied.
    std::fs::write("/proc/self/setgroups", "deny").map_err(failed("deny setgroups"))?;
    std::fs::write("/proc/self/uid_map", format!("0 {} 1", uid.as_raw())).map_err(failed("map the user"))?;
    std::fs::write("/proc/self/gid_map", format!("0 {} 1", gid.as_raw())).map_err(failed("map the group"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    thread_local! {
        static ANNOUNCED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    fn note(command: &str) {
        ANNOUNCED.with_borrow_mut(|all| all.push(command.to_owned()));
    }

    #[test]
    fn commands_are_announced_as_one_would_type_them() {
        let ip = Ip { announce: Some(note), dry_run: true };
        ip.add_tap("tap7", "alice").expect("not run");
        ip.set_mtu("tap7", 9000).expect("not run");
        ip.link_up("tap7").expect("not run");
        ip.add_address("tap7", [192, 0, 2, 1].into(), 24).expect("not run");
        ip.add_address("tap7", "2001:db8::1".parse().expect("an address"), 64).expect("not run");
        ip.add_bridge("br0").expect("not run");
        ip.join_bridge("tap7", "br0").expect("not run");
        assert_eq!(
            ANNOUNCED.take(),
            [
                "ip tuntap add dev tap7 mode tap user alice",
                "ip link set dev tap7 mtu 9000",
                "ip link set dev tap7 up",
                "ip addr add 192.0.2.1/24 dev tap7",
                "ip -6 addr add 2001:db8::1/64 dev tap7 nodad",
                "ip link add name br0 type bridge",
                "ip link set dev br0 up",
                "ip link set dev tap7 master br0",
            ]
        );
    }

    #[test]
    fn a_failed_command_is_named_with_its_status_and_words() {
        match Ip::default().link_up("no-such-device0") {
            Err(NetSetupError::Failed { command, status, stderr }) => {
                assert_eq!(command, "ip link set dev no-such-device0 up");
                assert!(!status.success() && stderr.contains("no-such-device0"), "{stderr}");
            }
            Err(NetSetupError::NotRun { source, .. }) => println!("skipped: ip cannot be run ({source})"),
            other => panic!("{other:?}"),
        }
    }
}
