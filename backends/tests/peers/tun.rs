//! The stack on a TUN against the kernel's own sockets, and against itself over its loopback, in a network
//! namespace of the test's own.
//!
//! Where no namespace or TUN can be had, a test says so and passes, unless `TICKWIRE_REQUIRE_TAP=1`.

use std::io::ErrorKind;
use std::net::{self, IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr};
use std::thread;
use std::time::Duration;

use crate::support::lab::run_in_namespace;
use crate::support::{assert_pattern, ip4, ip6, pattern, transfer, write_pattern};
use tickwire_backends::driver::{Driver, Loop};
use tickwire_backends::net::{TcpListener, TcpStream, UdpSocket};
use tickwire_backends::net_setup::{Ip, NetSetupError, enter_network_namespace};
use tickwire_backends::tap::TapError;
use tickwire_backends::tun::Tun;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::{Config, InterfaceAddress};

const PATIENCE: Duration = Duration::from_mins(1);
const BULK: u64 = 4 << 20;

/// Runs `test` in a namespace, on a thread of its own. The kernel is `.1`, the stack `.2`.
fn with_tun(test: impl FnOnce(&Driver) + Send) {
    run_in_namespace(start, |driver| test(&driver));
}

fn start() -> Result<Driver, String> {
    enter_network_namespace().map_err(|error| error.to_string())?;
    let tun = Tun::open("tun7", 1400).map_err(|error| error.to_string())?;
    let ip = Ip::default();
    let set_up = || {
        ip.set_mtu("tun7", 1400)?;
        ip.link_up("tun7")?;
        ip.add_address("tun7", ip4(1), 24)?;
        ip.add_address("tun7", ip6(1), 64)
    };
    set_up().map_err(|error: NetSetupError| error.to_string())?;
    let mut turns = Loop::new(Config::default(), None).map_err(|error| error.to_string())?;
    let addresses =
        [InterfaceAddress { address: ip4(2), prefix_len: 24 }, InterfaceAddress { address: ip6(2), prefix_len: 64 }];
    turns.add_device(tun, EthernetAddress::UNSPECIFIED, &addresses).expect("a valid interface");
    turns.add_loopback().expect("another one");
    Ok(Driver::spawn(turns).expect("a thread"))
}

#[test]
fn streams_both_ways() {
    with_tun(|driver| {
        for (kernel_ip, stack_ip) in [(ip4(1), ip4(2)), (ip6(1), ip6(2))] {
            let listener = net::TcpListener::bind((kernel_ip, 0)).expect("a free port");
            let address = listener.local_addr().expect("bound");
            let ours = TcpStream::connect_timeout(&driver.handle(), &address, PATIENCE).expect("it listens");
            let (kernel, from) = listener.accept().expect("it connected");
            assert_eq!(from.ip(), stack_ip);
            thread::scope(|scope| {
                let (ours, kernel) = (&ours, &kernel);
                scope.spawn(move || {
                    write_pattern(ours, BULK).expect("connected");
                    ours.shutdown(Shutdown::Write).expect("connected");
                });
                scope.spawn(move || {
                    write_pattern(kernel, BULK).expect("connected");
                    kernel.shutdown(Shutdown::Write).expect("connected");
                });
                scope.spawn(move || assert_pattern(kernel, BULK));
                assert_pattern(ours, BULK);
            });
        }
    });
}

#[test]
fn datagrams_both_ways() {
    with_tun(|driver| {
        for (kernel_ip, stack_ip) in [(ip4(1), ip4(2)), (ip6(1), ip6(2))] {
            let kernel = net::UdpSocket::bind((kernel_ip, 0)).expect("a free port");
            let stack = UdpSocket::bind(&driver.handle(), (stack_ip, 0)).expect("a free port");
            kernel.set_read_timeout(Some(PATIENCE)).expect("not zero");
            stack.set_read_timeout(Some(PATIENCE)).expect("not zero");
            let mut buf = [0; 2000];
            for len in [0, 1, 1300] {
                let data = pattern(len);
                kernel.send_to(&data, stack.local_addr().expect("bound")).expect("it has a route");
                let (count, from) = stack.recv_from(&mut buf).expect("it arrives");
                assert_eq!(&buf[..count], data);
                stack.send_to(&data, from).expect("it has a route");
                let (count, _) = kernel.recv_from(&mut buf).expect("it arrives");
                assert_eq!(&buf[..count], data);
            }
        }
    });
}

#[test]
fn the_stack_connects_to_itself() {
    with_tun(|driver| {
        let stack = driver.handle();
        for address in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST), ip4(2), ip6(2)] {
            let listener = TcpListener::bind(&stack, (address, 0)).expect("a free port");
            let to = SocketAddr::new(address, listener.local_addr().expect("bound").port());
            let client = TcpStream::connect_timeout(&stack, &to, PATIENCE).expect("it listens");
            let (server, from) = listener.accept().expect("it connected");
            assert_eq!(from.ip(), address);
            transfer(&client, &server, BULK);
        }
        let refused = TcpStream::connect(&stack, (Ipv4Addr::LOCALHOST, 1)).expect_err("nobody listens");
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        let frames: u64 = stack.device_counters().iter().map(|(_, counters)| counters.tx_frames).sum();
        let looped = stack.with(|stack, _| stack.counters().find(|(name, _)| *name == "loopback.packets"));
        assert!(looped.is_some_and(|(_, count)| count > 100) && frames < 10, "{frames} left, {looped:?} did not");
    });
}

#[test]
fn a_tap_is_no_tun() {
    with_tun(|_| {
        let _tap = tickwire_backends::tap::Tap::open("tap7", 1500).expect("a free name");
        Ip::default().run(&["tuntap", "add", "dev", "tap8", "mode", "tap"]).expect("a free name");
        let error = Tun::open("tap8", 1500).expect_err("it is a TAP");
        assert!(matches!(error, TapError::NotTap { mode: "tun", .. }), "{error}");
    });
}
