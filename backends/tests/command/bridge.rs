//! A bridge: the stack's TAP on one port, the kernel's own addresses, and a port from which frames are sent
//! that no host would send.

use std::fs;
use std::net::IpAddr;
use std::process::{Command, Output};

use rustix::io::Errno;
use tickwire_backends::device::Device as _;
use tickwire_backends::net_setup::Ip;
use tickwire_backends::tap::Tap;

use super::peer::requires_peers;

pub(crate) const TAP: &str = "tap7";
pub(crate) const BRIDGE: &str = "br0";
pub(crate) const KERNEL_V4: &str = "192.0.2.1";
pub(crate) const KERNEL_V6: &str = "2001:db8:1::1";
/// The bridge's own hardware address, whatever its ports have.
pub(crate) const KERNEL_MAC: [u8; 6] = [2, 0, 0, 0, 1, 1];
const PORT: &str = "tap8";

/// A bridge that is up, with the stack's TAP, and one more port, held open.
pub(crate) struct Bridge {
    port: Tap,
}

impl Bridge {
    /// The kernel does not look for duplicates of its addresses, and is a router.
    pub(crate) fn new() -> Bridge {
        let ip = Ip::default();
        for (name, value) in [("default/accept_dad", "0"), ("all/forwarding", "1"), ("default/forwarding", "1")] {
            fs::write(format!("/proc/sys/net/ipv6/conf/{name}"), value).expect("root in this namespace");
        }
        ip.run(&["link", "add", "name", BRIDGE, "address", "02:00:00:00:01:01", "type", "bridge"]).expect("root");
        ip.add_tap(TAP, "root").expect("root");
        let port = Tap::open(PORT, 1500).expect("root");
        for device in [TAP, PORT] {
            ip.join_bridge(device, BRIDGE).expect("it is there");
            ip.link_up(device).expect("it is there");
        }
        ip.link_up(BRIDGE).expect("it is there");
        for (address, len) in [(KERNEL_V4, 24), (KERNEL_V6, 64)] {
            ip.add_address(BRIDGE, address.parse().expect("an address"), len).expect("it is there");
        }
        Bridge { port }
    }

    /// Sends a frame from the other port. One that the kernel has no room for is sent again.
    pub(crate) fn send(&self, frame: &[u8]) {
        loop {
            match rustix::io::write(self.port.fd(), frame) {
                Ok(_) => return,
                Err(Errno::AGAIN | Errno::INTR) => std::thread::yield_now(),
                Err(errno) => panic!("the port is up: {errno}"),
            }
        }
    }

    /// Whether `ip addr` says `word` of the bridge's addresses of a family.
    pub(crate) fn shows(family: &str, word: &str) -> bool {
        let output = Command::new("ip").args([family, "addr", "show", "dev", BRIDGE]).output().expect("iproute2");
        String::from_utf8_lossy(&output.stdout).contains(word)
    }
}

/// What a program of others says; `None` if there is none of that name.
pub(crate) fn ask(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) if requires_peers() => panic!("{program} is required: {error}"),
        Err(error) => {
            println!("skipped: cannot run {program}: {error}");
            None
        }
    }
}

/// Whether the stack answers `ping`, by way of the bridge.
pub(crate) fn pings(to: IpAddr) -> bool {
    pinged(to, &["-c", "1", "-W", "2"]) == 1
}

/// How many replies `ping` with these arguments gets.
pub(crate) fn pinged(to: IpAddr, arguments: &[&str]) -> u32 {
    let link_local = matches!(to, IpAddr::V6(address) if address.is_unicast_link_local());
    let to = if link_local { format!("{to}%{BRIDGE}") } else { to.to_string() };
    let output = Command::new("ping").arg("-n").args(arguments).arg(&to).output().expect("iputils-ping is installed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let count = text.split(", ").find_map(|part| part.strip_suffix(" received"));
    count.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("ping said {output:?}"))
}
