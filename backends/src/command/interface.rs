//! The TAP interface of `run`: attached to if it is there, created if it is not, brought up.

use std::fmt::Write as _;
use std::net::IpAddr;

use tickwire_backends::net_setup::{Ip, NetSetupError};
use tickwire_backends::tap::{Tap, TapError};
use tickwire_core::config::InterfaceAddress;

use super::Failure;

/// Layer 3 bytes of an Ethernet frame, unless the interface or the user says otherwise.
const MTU_DEFAULT: u16 = 1500;

/// What `run` is told about its interface.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) name: &'a str,
    pub(crate) mtu: Option<u16>,
    /// What the kernel's side gets.
    pub(crate) kernel: &'a [InterfaceAddress],
    pub(crate) ip: Ip,
}

/// An interface that is up.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) tap: Tap,
    pub(crate) mtu: u16,
    /// It was not there before, and goes away with this process.
    pub(crate) created: bool,
}

impl Wanted<'_> {
    /// Opens the interface and brings it up.
    pub(crate) fn open(&self) -> Result<Opened, Failure> {
        let existed = exists(self.name);
        let existing_mtu = existing_mtu(self.name);
        let mtu = self.mtu.or(existing_mtu).unwrap_or(MTU_DEFAULT);
        let tap = Tap::open(self.name, mtu).map_err(|error| self.explain(&error))?;
        if existing_mtu.unwrap_or(MTU_DEFAULT) != mtu {
            let command = format!("sudo ip link set dev {} mtu {mtu}", self.name);
            self.ip.set_mtu(self.name, mtu).map_err(|error| self.may_not("set its MTU", &error, &command))?;
        }
        if let Err(error) = self.ip.link_up(self.name)
            && !is_up(self.name)
        {
            return Err(self.may_not("bring it up", &error, &format!("sudo ip link set dev {} up", self.name)));
        }
        for InterfaceAddress { address, prefix_len } in self.kernel {
            self.ip.add_address(self.name, *address, *prefix_len).map_err(|error| {
                let family = if matches!(address, IpAddr::V6(_)) { "-6 " } else { "" };
                let command = format!("sudo ip {family}addr add {address}/{prefix_len} dev {}", self.name);
                self.may_not("give the kernel's side an address", &error, &command)
            })?;
        }
        Ok(Opened { tap, mtu, created: !existed })
    }

    fn explain(&self, error: &TapError) -> Failure {
        let mut text = error.to_string();
        let name = self.name;
        if matches!(error, TapError::MayNotOpen { .. }) {
            // Infallible: it is a string that is written to.
            let _ = write!(
                text,
                "\n  create it once, for yourself:\n    sudo ip tuntap add dev {name} mode tap user $USER\n    \
                 sudo ip link set dev {name} up"
            );
        }
        if matches!(error, TapError::MayNotOpen { .. } | TapError::MayNotAttach { .. }) {
            text.push_str(&how_to_connect(name));
            text.push_str("\n  then start tickwire again, as the same user; or start it with sudo");
        }
        Failure::new(text)
    }

    fn may_not(&self, step: &str, error: &NetSetupError, command: &str) -> Failure {
        Failure::new(format!("{}: cannot {step}: {error}\n  type:   {command}", self.name))
    }
}

/// The two ways to reach the stack: from this machine alone, or from the network, over a bridge.
pub(crate) fn how_to_connect(name: &str) -> String {
    format!(
        "\n  to reach the stack from this machine:\n    \
         sudo ip addr add 192.0.2.1/24 dev {name}\n    \
         sudo ip -6 addr add 2001:db8::1/64 dev {name} nodad\n  \
         or from your network, over a bridge (eth0 stands for your network card, whose\n  \
         addresses then belong on br0):\n    \
         sudo ip link add name br0 type bridge\n    \
         sudo ip link set dev eth0 master br0\n    \
         sudo ip link set dev {name} master br0\n    \
         sudo ip link set dev br0 up"
    )
}

/// Whether there is an interface of this name in the namespace that this thread is in.
fn exists(name: &str) -> bool {
    let table = std::fs::read_to_string("/proc/thread-self/net/dev").unwrap_or_default();
    table.lines().any(|line| line.split_once(':').is_some_and(|(interface, _)| interface.trim() == name))
}

/// The MTU of an interface that is there. /proc/sys belongs to the namespace of who reads it;
/// /sys/class/net to that of who mounted it.
fn existing_mtu(name: &str) -> Option<u16> {
    let text = std::fs::read_to_string(format!("/proc/sys/net/ipv6/conf/{name}/mtu"));
    let text = text.or_else(|_| std::fs::read_to_string(format!("/sys/class/net/{name}/mtu"))).ok()?;
    text.trim().parse().ok()
}

/// Whether the interface is up (`IFF_UP`, netdevice(7)).
fn is_up(name: &str) -> bool {
    let text = std::fs::read_to_string(format!("/sys/class/net/{name}/flags")).unwrap_or_default();
    let flags = text.trim().strip_prefix("0x").and_then(|digits| u32::from_str_radix(digits, 16).ok());
    flags.is_some_and(|flags| flags & 1 != 0)
}
