//! The stack on a TAP against the kernel's own sockets, in a network namespace of the test's own.
//!
//! Where no namespace or TAP can be had, a test says so and passes, unless `TICKWIRE_REQUIRE_TAP=1`.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{self, Shutdown, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::lab::{Lab, PATIENCE, ping};
use crate::support::{Stream, assert_pattern, ip4, ip6, pattern, transfer, write_pattern};
use tickwire_backends::driver::DriverError;
use tickwire_backends::net::{TcpListener, TcpStream, UdpSocket};
use tickwire_backends::tap::Tap;

const BULK: u64 = 64 << 20;

fn kernel_connects(port: u16) -> net::TcpStream {
    let stream = net::TcpStream::connect_timeout(&SocketAddr::new(ip4(2), port), PATIENCE).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
    stream.set_write_timeout(Some(PATIENCE)).expect("not zero");
    stream
}

/// A stream of the stack's that the kernel accepted, and the kernel's end.
fn stack_connects(lab: &Lab) -> (TcpStream, net::TcpStream) {
    let listener = net::TcpListener::bind((ip4(1), 0)).expect("a free port");
    let address = listener.local_addr().expect("bound");
    let client = TcpStream::connect_timeout(&lab.stack(), &address, PATIENCE).expect("it listens");
    client.set_read_timeout(Some(PATIENCE)).expect("not zero");
    client.set_write_timeout(Some(PATIENCE)).expect("not zero");
    let (server, _) = listener.accept().expect("it connected");
    server.set_read_timeout(Some(PATIENCE)).expect("not zero");
    (client, server)
}

#[test]
fn the_kernel_pings_the_stack() {
    Lab::run(|_| {
        for to in [ip4(2), ip6(2)] {
            for len in [0, 1, 56, 1400] {
                ping(to, &pattern(len));
            }
        }
    });
}

#[test]
fn bulk_into_the_stack() {
    Lab::run(|lab| {
        let listener = TcpListener::bind(&lab.stack(), (ip4(2), 9)).expect("a free port");
        let client = kernel_connects(9);
        let (server, _) = listener.accept().expect("it connected");
        transfer(&client, &server, BULK);
    });
}

#[test]
fn bulk_out_of_the_stack() {
    Lab::run(|lab| {
        let (client, server) = stack_connects(&lab);
        transfer(&client, &server, BULK);
    });
}

#[test]
fn bulk_over_ipv6_both_ways() {
    const BYTES: u64 = 4 << 20;
    Lab::run(|lab| {
        let listener = TcpListener::bind(&lab.stack(), (ip6(2), 9)).expect("a free port");
        let client = net::TcpStream::connect((ip6(2), 9)).expect("it listens");
        let (server, from) = listener.accept().expect("it connected");
        assert_eq!(from.ip(), ip6(1));
        thread::scope(|scope| {
            let (client, server) = (&client, &server);
            scope.spawn(move || {
                write_pattern(client, BYTES).expect("connected");
                client.shutdown(Shutdown::Write).expect("connected");
            });
            scope.spawn(move || {
                write_pattern(server, BYTES).expect("connected");
                server.shutdown(Shutdown::Write).expect("connected");
            });
            scope.spawn(move || assert_pattern(client, BYTES));
            assert_pattern(server, BYTES);
        });
    });
}

#[test]
fn a_thousand_connects() {
    Lab::run(|lab| {
        let listener = TcpListener::bind(&lab.stack(), (ip4(2), 7)).expect("a free port");
        thread::scope(|scope| {
            scope.spawn(|| {
                for stream in listener.incoming().take(1000) {
                    let mut stream = stream.expect("a client");
                    let mut byte = [0];
                    stream.read_exact(&mut byte).expect("sent");
                    stream.write_all(&byte).expect("connected");
                }
            });
            for number in 0..1000_u32 {
                let mut client = kernel_connects(7);
                client.write_all(&[number as u8]).expect("connected");
                let mut answer = Vec::new();
                client.read_to_end(&mut answer).expect("echoed and closed");
                assert_eq!(answer, [number as u8]);
            }
        });
    });
}

#[test]
fn udp_both_ways() {
    Lab::run(|lab| {
        for (kernel_ip, stack_ip) in [(ip4(1), ip4(2)), (ip6(1), ip6(2))] {
            let kernel = net::UdpSocket::bind((kernel_ip, 0)).expect("a free port");
            let stack = UdpSocket::bind(&lab.stack(), (stack_ip, 0)).expect("a free port");
            kernel.set_read_timeout(Some(PATIENCE)).expect("not zero");
            stack.set_read_timeout(Some(PATIENCE)).expect("not zero");
            let mut buf = [0; 2000];
            for len in [0, 1, 512, 1400] {
                let data = pattern(len);
                kernel.send_to(&data, stack.local_addr().expect("bound")).expect("it has a route");
                let (count, from) = stack.recv_from(&mut buf).expect("it arrives");
                assert_eq!((&buf[..count], from), (&data[..], kernel.local_addr().expect("bound")));
                stack.send_to(&data, from).expect("it has a route");
                let (count, from) = kernel.recv_from(&mut buf).expect("it arrives");
                assert_eq!((&buf[..count], from), (&data[..], stack.local_addr().expect("bound")));
            }
        }
    });
}

#[test]
fn refused_ports() {
    Lab::run(|lab| {
        for (kernel_ip, stack_ip) in [(ip4(1), ip4(2)), (ip6(1), ip6(2))] {
            let error = net::TcpStream::connect((stack_ip, 1)).expect_err("nobody listens");
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
            let error = TcpStream::connect(&lab.stack(), (kernel_ip, 1)).expect_err("nobody listens");
            assert_eq!((error.kind(), error.raw_os_error()), (ErrorKind::ConnectionRefused, Some(111)));
            let kernel = net::UdpSocket::bind((kernel_ip, 0)).expect("a free port");
            kernel.set_read_timeout(Some(PATIENCE)).expect("not zero");
            kernel.connect((stack_ip, 1)).expect("it has a route");
            kernel.send(b"anyone?").expect("it has a route");
            assert_eq!(kernel.recv(&mut [0]).expect_err("nobody").kind(), ErrorKind::ConnectionRefused);
        }
    });
}

#[test]
fn half_close_from_either_side() {
    Lab::run(|lab| {
        let listener = TcpListener::bind(&lab.stack(), (ip4(2), 7)).expect("a free port");
        let mut kernel = kernel_connects(7);
        let (mut stack, _) = listener.accept().expect("it connected");
        kernel.shutdown(Shutdown::Write).expect("connected");
        assert_eq!(stack.read(&mut [0]).expect("end of stream"), 0);
        write_pattern(&stack, 1 << 20).expect("the other half is open");
        stack.shutdown(Shutdown::Write).expect("connected");
        assert_pattern(&kernel, 1 << 20);
        assert_eq!(kernel.read(&mut [0]).expect("end of stream"), 0);

        let (mut stack, kernel) = stack_connects(&lab);
        stack.shutdown(Shutdown::Write).expect("connected");
        assert_eq!((&kernel).read(&mut [0]).expect("end of stream"), 0);
        (&kernel).write_all(b"still here").expect("the other half is open");
        drop(kernel);
        let mut all = Vec::new();
        stack.read_to_end(&mut all).expect("closed, not reset");
        assert_eq!(all, b"still here");
    });
}

#[test]
fn the_kernel_resets() {
    Lab::run(|lab| {
        let (mut stack, kernel) = stack_connects(&lab);
        stack.write_all(b"never read").expect("connected");
        kernel.peek(&mut [0]).expect("it has arrived");
        // The kernel resets what is closed with data unread.
        drop(kernel);
        let error = stack.read(&mut [0]).expect_err("reset");
        assert_eq!((error.kind(), error.raw_os_error()), (ErrorKind::ConnectionReset, Some(104)));
    });
}

#[test]
fn the_stack_resets() {
    Lab::run(|lab| {
        let listener = TcpListener::bind(&lab.stack(), (ip4(2), 7)).expect("a free port");
        let mut kernel = kernel_connects(7);
        let (stack, _) = listener.accept().expect("it connected");
        kernel.write_all(b"never read").expect("connected");
        stack.peek(&mut [0]).expect("it has arrived");
        drop(stack);
        assert_eq!(kernel.read(&mut [0]).expect_err("reset").kind(), ErrorKind::ConnectionReset);
    });
}

/// Nobody reads until the buffers of both ends are full; then all arrives.
fn closes_its_window(from: &impl Stream, to: &impl Stream) {
    from.write_timeout(Duration::from_millis(700)).expect("not zero");
    let data = pattern(32 << 20);
    let mut written = 0;
    while let Ok(count) = from.writer().write(&data[written..]) {
        written += count;
    }
    assert!(written < data.len(), "the window never closed");
    from.write_timeout(PATIENCE).expect("not zero");
    thread::scope(|scope| {
        scope.spawn(|| {
            from.writer().write_all(&data[written..]).expect("the window opens");
            from.shutdown_write().expect("connected");
        });
        assert_pattern(to.reader(), data.len() as u64);
    });
}

#[test]
fn the_kernel_closes_its_window_and_opens_it_again() {
    Lab::run(|lab| {
        let (stack, kernel) = stack_connects(&lab);
        closes_its_window(&stack, &kernel);
    });
}

#[test]
fn the_stack_closes_its_window_and_opens_it_again() {
    Lab::run(|lab| {
        let listener = TcpListener::bind(&lab.stack(), (ip4(2), 7)).expect("a free port");
        let kernel = kernel_connects(7);
        let (stack, _) = listener.accept().expect("it connected");
        closes_its_window(&kernel, &stack);
    });
}

#[test]
fn an_interface_that_is_down_loses_frames_and_counts_them() {
    Lab::run(|lab| {
        lab.ip.link_down("tap7").expect("it is there");
        let socket = UdpSocket::bind(&lab.stack(), (ip4(2), 0)).expect("a free port");
        socket.send_to(b"lost", (ip4(1), 9)).expect("queued");
        let start = Instant::now();
        while lab.stack().device_counters()[0].1.tx_refused == 0 {
            assert!(start.elapsed() < PATIENCE, "the ARP request was refused with EIO");
            thread::sleep(Duration::from_millis(1));
        }
        lab.ip.link_up("tap7").expect("it is there");
        ping(ip4(2), b"again");
    });
}

#[test]
fn a_removed_interface_ends_the_driver_with_a_clean_error() {
    Lab::run(|lab| {
        let waiting = UdpSocket::bind(&lab.stack(), (ip4(2), 9)).expect("a free port");
        thread::scope(|scope| {
            let blocked = scope.spawn(|| waiting.recv(&mut [0]).expect_err("nobody sends").kind());
            lab.ip.delete_link("tap7").expect("it is there");
            assert_eq!(blocked.join().expect("no panic"), ErrorKind::NetworkDown);
        });
        let error = lab.driver.shutdown(PATIENCE).expect_err("the device is gone");
        assert!(matches!(&error, DriverError::Device { name, .. } if name == "tap7"), "{error}");
        assert!(error.to_string().contains("tap7"));
    });
}

#[test]
fn a_tap_that_is_taken_is_named_busy() {
    Lab::run(|_| {
        let error = Tap::open("tap7", 1500).expect_err("the stack has it");
        assert!(matches!(error, tickwire_backends::tap::TapError::Busy { .. }), "{error}");
    });
}
