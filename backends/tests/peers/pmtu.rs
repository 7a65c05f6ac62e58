//! Path-MTU discovery through a router of the kernel's (RFC 1191, RFC 8201): the far end is a host in a
//! namespace behind it, whose own link takes 1,500 bytes, so that nothing but the router tells.
//!
//! ```text
//!   stack 192.0.2.2 --tap7 1500-- .1 router 198.51.100.1 --narrow-- .2 far host
//! ```
//!
//! Where no namespace or TAP can be had, a test says so and passes, unless `TICKWIRE_REQUIRE_TAP=1`.

use std::fs;
use std::net::{self, IpAddr, Shutdown};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::far::Far;
use crate::support::lab::{Lab, PATIENCE};
use crate::support::{assert_pattern, ip4, ip6, pattern, transfer, write_pattern};
use tickwire_backends::net::{TcpListener, TcpStream, UdpSocket};
use tickwire_core::Route;
use tickwire_core::error::SocketError;

/// What would take a retransmission timeout takes longer than this.
const AT_ONCE: Duration = Duration::from_millis(900);
const BULK: u64 = 4 << 20;

fn far4(host: u8) -> IpAddr {
    IpAddr::from([198, 51, 100, host])
}

fn far6(host: u16) -> IpAddr {
    IpAddr::from([0x2001, 0xdb8, 1, 0, 0, 0, 0, host])
}

/// The router, the far host and our routes to it; `mtu` is what the router's far link takes.
fn far_host(lab: &Lab, mtu: u16) -> Far {
    let ip = lab.ip;
    for forwarding in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
        fs::write(format!("/proc/sys/net/{forwarding}"), "1").expect("root in this namespace");
    }
    let far = Far::new();
    far.connect(ip, "near", "far");
    ip.link_up("near").expect("it is there");
    ip.set_mtu("near", mtu).expect("it is there");
    ip.add_address("near", far4(1), 24).expect("it is there");
    let has_ipv6 = mtu >= 1280;
    if has_ipv6 {
        ip.add_address("near", far6(1), 64).expect("it is there");
    }
    far.call(move || {
        ip.link_up("lo").expect("it is there");
        ip.link_up("far").expect("it is there");
        ip.add_address("far", far4(2), 24).expect("it is there");
        ip.run(&["route", "add", "default", "via", &far4(1).to_string()]).expect("on link");
        if has_ipv6 {
            ip.add_address("far", far6(2), 64).expect("it is there");
            ip.run(&["-6", "route", "add", "default", "via", &far6(1).to_string()]).expect("on link");
        }
    });
    lab.stack().with(|stack, _| {
        let interface = stack.interfaces().map(|interface| interface.id).last().expect("the TAP");
        for (prefix, gateway) in [(IpAddr::from([0; 4]), ip4(1)), (IpAddr::from([0_u16; 8]), ip6(1))] {
            stack.add_route(Route::via(prefix, 0, gateway, interface)).expect("the gateway is on the link");
        }
    });
    far
}

fn counter(lab: &Lab, name: &str) -> u64 {
    lab.stack().with(|stack, _| stack.counters().find(|(other, _)| *other == name).expect("a counter").1)
}

/// Bulk out of the stack to `to`, and what the path is then known to take.
fn bulk_out(lab: &Lab, far: &Far, to: IpAddr) -> Option<u16> {
    let (listener, address) = far.call(move || {
        let listener = net::TcpListener::bind((to, 0)).expect("a free port");
        let address = listener.local_addr().expect("bound");
        (listener, address)
    });
    let client = TcpStream::connect_timeout(&lab.stack(), &address, PATIENCE).expect("it listens");
    let (server, _) = listener.accept().expect("it connected");
    server.set_read_timeout(Some(PATIENCE)).expect("not zero");
    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            // The first segment is a whole one, and its arrival does not wait for a timeout.
            write_pattern(&client, BULK).expect("connected");
            client.shutdown(Shutdown::Write).expect("connected");
        });
        server.peek(&mut [0]).expect("it arrives");
        assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
        assert_pattern(&server, BULK);
    });
    lab.stack().with(|stack, _| stack.path_mtu(to))
}

/// Under 552 the stack sends packets of 552 that the router fragments.
#[test]
fn bulk_through_narrow_routers() {
    for (mtu, estimate) in [(1400, 1400), (576, 576), (296, 552)] {
        Lab::run(move |lab| {
            let far = far_host(&lab, mtu);
            assert_eq!(bulk_out(&lab, &far, far4(2)), Some(estimate));
            assert!(counter(&lab, "tcp.path_mtu_resends") >= 1, "the router has told nothing");
            // The next connection knows already.
            let resends = counter(&lab, "tcp.path_mtu_resends");
            assert_eq!(bulk_out(&lab, &far, far4(2)), Some(estimate));
            assert_eq!(counter(&lab, "tcp.path_mtu_resends"), resends);
        });
    }
}

#[test]
fn bulk_through_a_narrow_router_over_ipv6() {
    for mtu in [1400, 1280] {
        Lab::run(move |lab| {
            let far = far_host(&lab, mtu);
            assert_eq!(bulk_out(&lab, &far, far6(2)), Some(mtu));
            assert!(counter(&lab, "tcp.path_mtu_resends") >= 1, "the router has told nothing");
        });
    }
}

/// The path narrows: the next connection finds out.
#[test]
fn a_path_that_narrows() {
    Lab::run(|lab| {
        let far = far_host(&lab, 1500);
        assert_eq!(bulk_out(&lab, &far, far4(2)), Some(1500));
        lab.ip.set_mtu("near", 1300).expect("it is there");
        assert_eq!(bulk_out(&lab, &far, far4(2)), Some(1300));
    });
}

/// The other direction: the kernel discovers the path to us, and what we announce is what our link takes.
#[test]
fn bulk_into_the_stack_through_a_narrow_router() {
    Lab::run(|lab| {
        // Narrow is the link that the router sends us by, so that it has to tell the far host.
        let far = far_host(&lab, 1500);
        lab.ip.set_mtu("tap7", 576).expect("it is there");
        let listener = TcpListener::bind(&lab.stack(), (ip4(2), 9)).expect("a free port");
        let client = far.call(|| net::TcpStream::connect((ip4(2), 9)).expect("it listens"));
        let (server, _) = listener.accept().expect("it connected");
        transfer(&client, &server, BULK);
    });
}

/// A datagram too large for the path: the first is lost and told of, the next arrives in fragments.
#[test]
fn datagrams_through_a_narrow_router() {
    for mtu in [1400, 576, 296] {
        Lab::run(move |lab| {
            let far = far_host(&lab, mtu);
            let kernel = far.call(|| net::UdpSocket::bind((far4(2), 0)).expect("a free port"));
            kernel.set_read_timeout(Some(PATIENCE)).expect("not zero");
            let to = kernel.local_addr().expect("bound");
            let stack = UdpSocket::bind(&lab.stack(), (ip4(2), 0)).expect("a free port");
            let data = pattern(1472);
            stack.send_to(&data, to).expect("it has a route");
            let told = wait_for_error(&lab, &stack);
            assert_eq!((told.error, told.destination), (SocketError::MessageTooLong, to));
            let report = told.report.expect("a router told");
            assert_eq!((report.from, report.mtu), (ip4(1), Some(mtu.max(552))));
            for len in [1472, 8000, 100] {
                let data = pattern(len);
                stack.send_to(&data, to).expect("it has a route");
                let mut buf = vec![0; 9000];
                let (count, _) = kernel.recv_from(&mut buf).expect("it arrives");
                assert_eq!(buf[..count], data);
            }
        });
    }
}

/// The next error of a socket's datagrams.
fn wait_for_error(lab: &Lab, socket: &UdpSocket) -> tickwire_core::socket::DatagramError {
    let start = Instant::now();
    loop {
        let told = lab.stack().with(|stack, _| stack.udp(socket.handle()).expect("open").recv_error());
        if let Some(told) = told {
            return told;
        }
        assert!(start.elapsed() < PATIENCE, "nobody told");
        thread::sleep(Duration::from_millis(5));
    }
}

/// What a traceroute of our own learns: the router when the hops run out, the far host when nobody listens.
#[test]
fn hops_run_out() {
    Lab::run(|lab| {
        let far = far_host(&lab, 1500);
        for (family, router, to) in [(ip4(2), ip4(1), far4(2)), (ip6(2), ip6(1), far6(2))] {
            let stack = UdpSocket::bind(&lab.stack(), (family, 0)).expect("a free port");
            let path =
                far.call(move || net::UdpSocket::bind((to, 0)).expect("a free port").local_addr().expect("bound"));
            for (ttl, from, error) in [(1, router, SocketError::HostUnreachable), (2, to, SocketError::Refused)] {
                stack.set_ttl(ttl).expect("a valid value");
                stack.send_to(b"where?", path).expect("it has a route");
                let told = wait_for_error(&lab, &stack);
                assert_eq!((told.error, told.destination), (error, path));
                assert_eq!(told.report.expect("somebody told").from, from);
            }
        }
    });
}

/// The kernel's own tools see us at the end of the path and find out what it takes.
#[test]
fn the_kernel_traces_the_path_to_us() {
    Lab::run(|lab| {
        let far = far_host(&lab, 1500);
        lab.ip.set_mtu("tap7", 1300).expect("it is there");
        let output = far.call(|| Command::new("tracepath").args(["-n", "192.0.2.2"]).output());
        match output {
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                assert!(text.contains("192.0.2.2") && text.contains("reached"), "{text}");
                assert!(text.contains("pmtu 1300"), "{text}");
            }
            Err(error) => println!("skipped: cannot run tracepath: {error}"),
        }
        drop(lab);
    });
}
