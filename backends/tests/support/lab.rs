//! The stack on a TAP in a network namespace of the test's own, and the kernel beside it.
#![allow(dead_code, reason = "each test program uses its part")]

use std::net::{IpAddr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, ipproto, recv, sendto, socket};
use tickwire_backends::driver::{Driver, Loop, StackHandle};
use tickwire_backends::net_setup::{Ip, enter_network_namespace};
use tickwire_backends::tap::Tap;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::{Config, InterfaceAddress};

use super::{ip4, ip6};

pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Runs `test` on what `start` has set up, on a thread of its own, whose namespace is gone when that ends,
/// however it ends. Skips, and says so, where nothing can be set up and nothing need be.
pub(crate) fn run_in_namespace<T>(start: impl FnOnce() -> Result<T, String> + Send, test: impl FnOnce(T) + Send) {
    thread::scope(|scope| {
        let inside = scope.spawn(|| match start() {
            Ok(set_up) => test(set_up),
            Err(reason) if std::env::var_os("TICKWIRE_REQUIRE_TAP").is_some_and(|v| v == "1") => {
                panic!("a device in a namespace is required: {reason}")
            }
            Err(reason) => println!("skipped: {reason}"),
        });
        if let Err(panic) = inside.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

/// The kernel is `.1`, the stack `.2`.
pub(crate) struct Lab {
    pub(crate) driver: Driver,
    pub(crate) ip: Ip,
}

impl Lab {
    /// Runs `test` in a namespace, on a thread of its own. The namespace is gone when that ends,
    /// however it ends.
    pub(crate) fn run(test: impl FnOnce(Lab) + Send) {
        Lab::run_with(Config::default(), test);
    }

    /// The same with a stack that is set to `config`.
    pub(crate) fn run_with(config: Config, test: impl FnOnce(Lab) + Send) {
        run_in_namespace(|| Lab::start(config), test);
    }

    fn start(config: Config) -> Result<Lab, String> {
        enter_network_namespace().map_err(|error| error.to_string())?;
        let tap = Tap::open("tap7", 1500).map_err(|error| error.to_string())?;
        let ip = Ip::default();
        let set_up = || {
            ip.link_up("lo")?;
            ip.link_up("tap7")?;
            ip.add_address("tap7", ip4(1), 24)?;
            ip.add_address("tap7", ip6(1), 64)
        };
        set_up().map_err(|error: tickwire_backends::net_setup::NetSetupError| error.to_string())?;
        let mut turns = Loop::new(config, None).map_err(|error| error.to_string())?;
        let addresses = [
            InterfaceAddress { address: ip4(2), prefix_len: 24 },
            InterfaceAddress { address: ip6(2), prefix_len: 64 },
        ];
        turns.add_device(tap, EthernetAddress([2, 0, 0, 0, 0, 2]), &addresses).expect("a valid interface");
        Ok(Lab { driver: Driver::spawn(turns).expect("a thread"), ip })
    }

    pub(crate) fn stack(&self) -> StackHandle {
        self.driver.handle()
    }
}

/// One's complement sum, as RFC 792 wants it.
fn checksum(bytes: &[u8]) -> u16 {
    let mut sum = 0;
    for pair in bytes.chunks(2) {
        sum += u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// Sends an echo request by a raw socket of the kernel's and waits for the answer to it.
pub(crate) fn ping(to: IpAddr, payload: &[u8]) {
    assert!(is_answered(to, payload, PATIENCE), "no answer from {to}");
}

/// Whether an echo request, sent by a raw socket of the kernel's, is answered within `patience`.
pub(crate) fn is_answered(to: IpAddr, payload: &[u8], patience: Duration) -> bool {
    let (family, protocol, request, reply, header_len) = match to {
        IpAddr::V4(_) => (AddressFamily::INET, ipproto::ICMP, 8, 0, 20),
        IpAddr::V6(_) => (AddressFamily::INET6, ipproto::ICMPV6, 128, 129, 0),
    };
    let raw = socket(family, SocketType::RAW, Some(protocol)).expect("root in this namespace");
    rustix::net::sockopt::set_socket_timeout(&raw, rustix::net::sockopt::Timeout::Recv, Some(patience)).expect("valid");
    let mut message = vec![request, 0, 0, 0, 0x12, 0x34, 0, 1];
    message.extend_from_slice(payload);
    if to.is_ipv4() {
        let sum = checksum(&message);
        message[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    sendto(&raw, &message, SendFlags::empty(), &SocketAddr::new(to, 0)).expect("it has a route");
    let mut buf = vec![0; 70_000];
    let start = Instant::now();
    while start.elapsed() < patience {
        let len = match recv(&raw, &mut buf[..], RecvFlags::empty()) {
            Ok((_, len)) => len,
            Err(Errno::AGAIN) => return false,
            Err(error) => panic!("{error}"),
        };
        let answer = &buf[header_len..len];
        if answer[0] == reply && answer[4..] == message[4..] {
            return true;
        }
    }
    false
}
