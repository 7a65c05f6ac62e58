//! Fragments between the stack on a TAP and the kernel: large pings and datagrams both ways, and a flood.
//!
//! Where no namespace or TAP can be had, a test says so and passes, unless `TICKWIRE_REQUIRE_TAP=1`.

use std::net::{self, IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::support::lab::{Lab, PATIENCE, is_answered, ping};
use crate::support::{ip4, ip6, pattern};
use rustix::net::{AddressFamily, SendFlags, SocketType, ipproto, sendto, socket};
use tickwire_backends::net::UdpSocket;

#[test]
fn large_pings_of_the_kernel() {
    Lab::run(|_| {
        for to in [ip4(2), ip6(2)] {
            for len in [1500, 3000, 20_000, 65_000] {
                ping(to, &pattern(len));
            }
        }
    });
}

#[test]
fn large_datagrams_both_ways() {
    Lab::run(|lab| {
        for (kernel_ip, stack_ip, most) in [(ip4(1), ip4(2), 65_507), (ip6(1), ip6(2), 65_487)] {
            let kernel = net::UdpSocket::bind((kernel_ip, 0)).expect("a free port");
            let stack = UdpSocket::bind(&lab.stack(), (stack_ip, 0)).expect("a free port");
            kernel.set_read_timeout(Some(PATIENCE)).expect("not zero");
            stack.set_read_timeout(Some(PATIENCE)).expect("not zero");
            let mut buf = vec![0; 70_000];
            for len in [1473, 3000, 60_000, most] {
                let data = pattern(len);
                kernel.send_to(&data, stack.local_addr().expect("bound")).expect("it has a route");
                let (count, from) = stack.recv_from(&mut buf).expect("it arrives");
                assert!(buf[..count] == data, "{len} bytes from the kernel");
                stack.send_to(&data, from).expect("it has a route");
                let (count, _) = kernel.recv_from(&mut buf).expect("it arrives");
                assert!(buf[..count] == data, "{len} bytes to the kernel");
            }
            stack.set_dont_fragment(true).expect("open");
            let to = kernel.local_addr().expect("bound");
            let error = stack.send_to(&pattern(3000), to).expect_err("larger than the MTU");
            assert_eq!(error.raw_os_error(), Some(90), "EMSGSIZE");
        }
    });
}

/// A first fragment of a datagram that stays incomplete, with `len` bytes of data.
fn tiny(from: IpAddr, to: IpAddr, id: u32, len: usize) -> Vec<u8> {
    let mut packet = match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let [id_high, id_low] = (id as u16).to_be_bytes();
            let mut header = vec![0x45, 0, 0, 20 + len as u8, id_high, id_low, 0x20, 0, 64, 17, 0, 0];
            header.extend(from.octets());
            header.extend(to.octets());
            header
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let mut header = vec![0x60, 0, 0, 0, 0, 8 + len as u8, 44, 64];
            header.extend(from.octets());
            header.extend(to.octets());
            header.extend([17, 0, 0, 1]);
            header.extend(id.to_be_bytes());
            header
        }
        _ => unreachable!("one family"),
    };
    packet.resize(packet.len() + len, 0x5a);
    packet
}

/// Sends 6,000 tiny fragments of other datagrams, from the pinger's own address and from another.
fn flood(from: [IpAddr; 2], to: IpAddr) {
    let family = if to.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let raw = socket(family, SocketType::RAW, Some(ipproto::RAW)).expect("root in this namespace");
    for id in 0..6000_u32 {
        let packet = tiny(from[id as usize % 2], to, 100_000 + id, 8 + 8 * (id as usize % 24));
        sendto(&raw, &packet, SendFlags::empty(), &SocketAddr::new(to, 0)).expect("it has a route");
        if id % 50 == 0 {
            // The device's queue is the kernel's, and short: what it drops nobody could answer.
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The bar: 99 % of pings of 3,000 bytes are answered while the flood arrives and after it.
#[test]
fn pings_are_answered_during_a_flood_of_tiny_fragments() {
    Lab::run(|lab| {
        for (from, to) in [([ip4(1), ip4(77)], ip4(2)), ([ip6(1), ip6(77)], ip6(2))] {
            let over = AtomicBool::new(false);
            let answered =
                |count: usize| (0..count).filter(|_| is_answered(to, &pattern(3000), Duration::from_secs(1))).count();
            ping(to, b"who are you");
            let (mut sent, mut got) = (0, 0);
            thread::scope(|scope| {
                scope.spawn(|| {
                    flood(from, to);
                    over.store(true, Ordering::Release);
                });
                while !over.load(Ordering::Acquire) {
                    sent += 10;
                    got += answered(10);
                }
            });
            assert!(got * 100 >= sent * 99, "{got} of {sent} answered during the flood");
            assert!(sent >= 100, "only {sent} pings during the flood");
            let after = answered(200);
            assert!(after >= 198, "{after} of 200 answered after the flood");
            let held = lab.stack().with(|stack, _| stack.queue_depths().reassembly);
            assert!((1 << 20..=4 << 20).contains(&held), "{held} bytes held: the flood has arrived, and is bounded");
        }
    });
}
