//! Two stacks in one process, each with its own driver, over the memory pair.
#![cfg(target_os = "linux")]

mod support;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use support::{Hosts, assert_pattern, ip4, ip6, pattern, write_pattern};
use tickwire_backends::net::{TcpListener, TcpStream, UdpSocket};

/// More than anything here takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A connected pair of streams: the client's on `west`, the server's on `east`.
fn connected(hosts: &Hosts, port: u16) -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(&hosts.east(), (ip4(2), port)).expect("a free port");
    let client = TcpStream::connect(&hosts.west(), (ip4(2), port)).expect("it listens");
    let (server, from) = listener.accept().expect("it connected");
    assert_eq!(from, client.local_addr().expect("connected"));
    for stream in [&client, &server] {
        stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
        stream.set_write_timeout(Some(PATIENCE)).expect("not zero");
    }
    (client, server)
}

#[test]
fn tcp_echo_over_both_families() {
    let hosts = Hosts::start();
    for server in [SocketAddr::new(ip4(2), 7), SocketAddr::new(ip6(2), 7)] {
        let listener = TcpListener::bind(&hosts.east(), server).expect("a free port");
        assert_eq!(listener.local_addr().expect("bound"), server);
        let echo = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            io::copy(&mut stream.try_clone().expect("shared"), &mut stream).expect("echoed")
        });
        let mut client = TcpStream::connect(&hosts.west(), server).expect("it listens");
        assert_eq!(client.peer_addr().expect("connected"), server);
        client.write_all(b"hello, wire").expect("connected");
        client.shutdown(Shutdown::Write).expect("connected");
        let mut answer = String::new();
        client.read_to_string(&mut answer).expect("echoed");
        assert_eq!(answer, "hello, wire");
        assert_eq!(echo.join().expect("no panic"), 11);
    }
    hosts.shutdown();
}

#[test]
fn dual_stack_listener_accepts_both_families() {
    let hosts = Hosts::start();
    let listener = TcpListener::bind(&hosts.east(), "[::]:80").expect("a free port");
    for address in [ip4(2), ip6(2)] {
        let _client = TcpStream::connect(&hosts.west(), (address, 80)).expect("it listens");
        listener.accept().expect("it connected");
    }
    hosts.shutdown();
}

#[test]
fn bulk_with_checksum_each_way() {
    const BYTES: u64 = 64 << 20;
    let hosts = Hosts::start();
    let (client, server) = connected(&hosts, 9);
    for (from, to) in [(&client, &server), (&server, &client)] {
        thread::scope(|scope| {
            scope.spawn(|| {
                write_pattern(from, BYTES).expect("connected");
                from.shutdown(Shutdown::Write).expect("connected");
            });
            assert_pattern(to, BYTES);
        });
    }
    drop((client, server));
    hosts.shutdown();
}

#[test]
fn both_ways_at_once() {
    const BYTES: u64 = 8 << 20;
    let hosts = Hosts::start();
    let (client, server) = connected(&hosts, 9);
    thread::scope(|scope| {
        for stream in [&client, &server] {
            scope.spawn(move || {
                write_pattern(stream, BYTES).expect("connected");
                stream.shutdown(Shutdown::Write).expect("connected");
            });
            scope.spawn(move || assert_pattern(stream, BYTES));
        }
    });
    drop((client, server));
    hosts.shutdown();
}

#[test]
fn reads_time_out_and_go_on() {
    let hosts = Hosts::start();
    let (mut client, mut server) = connected(&hosts, 1000);
    client.set_read_timeout(Some(Duration::from_millis(50))).expect("not zero");
    let start = Instant::now();
    let mut byte = [0];
    assert_eq!(client.read(&mut byte).expect_err("nothing was sent").kind(), ErrorKind::WouldBlock);
    assert!(start.elapsed() >= Duration::from_millis(50));
    server.write_all(b"x").expect("connected");
    client.set_read_timeout(Some(PATIENCE)).expect("not zero");
    assert_eq!((client.read(&mut byte).expect("sent"), byte), (1, *b"x"));
    assert_eq!(client.set_read_timeout(Some(Duration::ZERO)).expect_err("zero").kind(), ErrorKind::InvalidInput);
    assert_eq!(client.read_timeout().expect("set"), Some(PATIENCE));
    hosts.shutdown();
}

#[test]
fn writes_time_out_when_nobody_reads() {
    let hosts = Hosts::start();
    let (mut client, _server) = connected(&hosts, 1000);
    client.set_write_timeout(Some(Duration::from_millis(50))).expect("not zero");
    let chunk = vec![0; 64 * 1024];
    let error = loop {
        if let Err(error) = client.write(&chunk) {
            break error;
        }
    };
    assert_eq!((error.kind(), error.raw_os_error()), (ErrorKind::WouldBlock, Some(11)));
    hosts.shutdown();
}

/// `EAGAIN`, with its number, as of a system's socket.
fn assert_would_block(error: &io::Error) {
    assert_eq!((error.kind(), error.raw_os_error()), (ErrorKind::WouldBlock, Some(11)));
}

#[test]
fn nonblocking_calls_return_at_once() {
    let hosts = Hosts::start();
    let listener = TcpListener::bind(&hosts.east(), (ip4(2), 22)).expect("a free port");
    listener.set_nonblocking(true).expect("any time");
    assert_would_block(&listener.accept().expect_err("nobody"));
    let mut client = TcpStream::connect(&hosts.west(), (ip4(2), 22)).expect("it listens");
    client.set_nonblocking(true).expect("any time");
    assert_would_block(&client.read(&mut [0]).expect_err("nothing"));
    let chunk = vec![1; 64 * 1024];
    let mut queued = 0;
    let error = loop {
        match client.write(&chunk) {
            Ok(len) => queued += len,
            Err(error) => break error,
        }
    };
    assert_would_block(&error);
    assert!(queued > 0);
    let udp = UdpSocket::bind(&hosts.west(), (ip4(1), 0)).expect("a free port");
    udp.set_nonblocking(true).expect("any time");
    assert_would_block(&udp.recv(&mut [0]).expect_err("nothing"));
    hosts.shutdown();
}

#[test]
fn shutdown_ends_each_half() {
    let hosts = Hosts::start();
    let (mut client, mut server) = connected(&hosts, 1000);
    client.shutdown(Shutdown::Write).expect("connected");
    assert_eq!(client.write(b"x").expect_err("closed").kind(), ErrorKind::BrokenPipe);
    assert_eq!(server.read(&mut [0]).expect("end of stream"), 0);
    server.write_all(b"still here").expect("the other half is open");
    let mut seen = [0; 10];
    client.read_exact(&mut seen).expect("sent");
    assert_eq!(&seen, b"still here");
    server.shutdown(Shutdown::Both).expect("connected");
    assert_eq!(client.read(&mut [0]).expect("end of stream"), 0);
    hosts.shutdown();
}

#[test]
fn peek_leaves_what_it_shows() {
    let hosts = Hosts::start();
    let (mut client, mut server) = connected(&hosts, 1000);
    server.write_all(b"abc").expect("connected");
    let mut seen = [0; 2];
    assert_eq!((client.peek(&mut seen).expect("sent"), seen), (2, *b"ab"));
    let mut all = [0; 3];
    client.read_exact(&mut all).expect("sent");
    assert_eq!(&all, b"abc");
    hosts.shutdown();
}

#[test]
fn a_port_that_nobody_listens_on_refuses() {
    let hosts = Hosts::start();
    for address in [ip4(2), ip6(2)] {
        let error = TcpStream::connect(&hosts.west(), (address, 1)).expect_err("nobody listens");
        assert_eq!((error.kind(), error.raw_os_error()), (ErrorKind::ConnectionRefused, Some(111)));
    }
    hosts.shutdown();
}

#[test]
fn a_host_that_is_not_there_is_unreachable() {
    let hosts = Hosts::start();
    let error = TcpStream::connect(&hosts.west(), "192.0.2.200:80").expect_err("no such host");
    assert_eq!((error.kind(), error.raw_os_error()), (ErrorKind::HostUnreachable, Some(113)));
    let error = TcpStream::connect(&hosts.west(), "198.51.100.1:80").expect_err("no route");
    assert_eq!((error.kind(), error.raw_os_error()), (ErrorKind::NetworkUnreachable, Some(101)));
    let patience = Duration::from_millis(50);
    let start = Instant::now();
    let silent: SocketAddr = "192.0.2.201:80".parse().expect("an address");
    let error = TcpStream::connect_timeout(&hosts.west(), &silent, patience).expect_err("no such host");
    assert_eq!((error.kind(), error.raw_os_error()), (ErrorKind::TimedOut, Some(110)));
    assert!(start.elapsed() >= patience && start.elapsed() < Duration::from_secs(1));
    hosts.shutdown();
}

#[test]
fn dropping_with_unread_data_resets_the_peer() {
    let hosts = Hosts::start();
    let (mut client, server) = connected(&hosts, 1000);
    client.write_all(b"never read").expect("connected");
    server.peek(&mut [0]).expect("it has arrived");
    drop(server);
    let error = client.read(&mut [0]).expect_err("reset");
    assert_eq!((error.kind(), error.raw_os_error()), (ErrorKind::ConnectionReset, Some(104)));
    // The error is told once; from then on the stream has ended.
    assert_eq!(client.write(b"x").expect_err("it is gone").kind(), ErrorKind::BrokenPipe);
    assert_eq!(client.read(&mut [0]).expect("the end"), 0);
    hosts.shutdown();
}

#[test]
fn dropping_sends_what_was_written() {
    const BYTES: u64 = 512 * 1024;
    let hosts = Hosts::start();
    let (client, server) = connected(&hosts, 1000);
    write_pattern(&client, BYTES).expect("it fits the buffer");
    drop(client);
    assert_pattern(&server, BYTES);
    hosts.shutdown();
}

#[test]
fn zero_linger_resets() {
    let hosts = Hosts::start();
    let (client, mut server) = connected(&hosts, 1000);
    client.set_linger(Some(Duration::ZERO)).expect("connected");
    assert_eq!(client.linger().expect("connected"), Some(Duration::ZERO));
    drop(client);
    assert_eq!(server.read(&mut [0]).expect_err("reset").kind(), ErrorKind::ConnectionReset);
    hosts.shutdown();
}

#[test]
fn dropping_a_listener_frees_the_port_and_resets_who_waited() {
    let hosts = Hosts::start();
    let server = SocketAddr::new(ip4(2), 1000);
    let listener = TcpListener::bind(&hosts.east(), server).expect("a free port");
    assert_eq!(TcpListener::bind(&hosts.east(), server).expect_err("taken").kind(), ErrorKind::AddrInUse);
    let mut waiting = TcpStream::connect(&hosts.west(), server).expect("it listens");
    drop(listener);
    assert_eq!(waiting.read(&mut [0]).expect_err("reset").kind(), ErrorKind::ConnectionReset);
    TcpListener::bind(&hosts.east(), server).expect("free again");
    let elsewhere = TcpListener::bind(&hosts.east(), "192.0.2.99:1000").expect_err("not its address");
    assert_eq!(elsewhere.kind(), ErrorKind::AddrNotAvailable);
    hosts.shutdown();
}

#[test]
fn options_are_kept() {
    let hosts = Hosts::start();
    let (client, _server) = connected(&hosts, 1000);
    assert!(!client.nodelay().expect("connected"));
    client.set_nodelay(true).expect("connected");
    assert!(client.nodelay().expect("connected"));
    assert_eq!(client.ttl().expect("connected"), 64);
    client.set_ttl(3).expect("connected");
    assert_eq!(client.ttl().expect("connected"), 3);
    for ttl in [0, 256] {
        assert_eq!(client.set_ttl(ttl).expect_err("no octet").kind(), ErrorKind::InvalidInput);
    }
    assert!(client.take_error().expect("connected").is_none());
    hosts.shutdown();
}

#[test]
fn a_hundred_connections_at_once() {
    const EACH: u64 = 100_000;
    let hosts = Hosts::start();
    let server = SocketAddr::new(ip4(2), 7);
    let listener = TcpListener::bind(&hosts.east(), server).expect("a free port");
    let west = hosts.west();
    thread::scope(|scope| {
        scope.spawn(|| {
            for stream in listener.incoming().take(100) {
                let stream = stream.expect("a client");
                scope.spawn(move || io::copy(&mut &stream, &mut &stream).expect("echoed"));
            }
        });
        for _ in 0..100 {
            let west = &west;
            scope.spawn(move || {
                let client = TcpStream::connect(west, server).expect("it listens");
                thread::scope(|scope| {
                    scope.spawn(|| {
                        write_pattern(&client, EACH).expect("connected");
                        client.shutdown(Shutdown::Write).expect("connected");
                    });
                    assert_pattern(&client, EACH);
                });
            });
        }
    });
    hosts.shutdown();
}

#[test]
fn udp_over_both_families() {
    let hosts = Hosts::start();
    for (west_ip, east_ip) in [(ip4(1), ip4(2)), (ip6(1), ip6(2))] {
        let server = UdpSocket::bind(&hosts.east(), (east_ip, 53)).expect("a free port");
        let client = UdpSocket::bind(&hosts.west(), (west_ip, 0)).expect("a free port");
        assert_ne!(client.local_addr().expect("bound").port(), 0);
        for socket in [&server, &client] {
            socket.set_read_timeout(Some(PATIENCE)).expect("not zero");
        }
        let question = pattern(1400);
        client.send_to(&question, (east_ip, 53)).expect("queued");
        let mut buf = [0; 2000];
        let (len, from) = server.recv_from(&mut buf).expect("it arrives");
        assert_eq!((&buf[..len], from), (&question[..], client.local_addr().expect("bound")));
        server.connect(from).expect("it has a route");
        assert_eq!(server.peer_addr().expect("connected"), from);
        server.send(b"answer").expect("queued");
        let mut short = [0; 3];
        assert_eq!(client.peek_from(&mut short).expect("it arrives").0, 3);
        assert_eq!(client.recv(&mut short).expect("it arrives"), 3);
        assert_eq!(&short, b"ans");
    }
    hosts.shutdown();
}

#[test]
fn udp_errors_have_their_kinds() {
    let hosts = Hosts::start();
    let socket = UdpSocket::bind(&hosts.west(), (ip4(1), 0)).expect("a free port");
    assert_eq!(socket.send(b"x").expect_err("not connected").raw_os_error(), Some(89));
    assert_eq!(socket.peer_addr().expect_err("not connected").kind(), ErrorKind::NotConnected);
    // One byte more than the length field of IPv4 leaves to a datagram.
    assert_eq!(socket.send_to(&vec![0; 65_508], "192.0.2.2:9").expect_err("too long").raw_os_error(), Some(90));
    assert_eq!(socket.send_to(b"x", "192.0.2.255:9").expect_err("broadcast").kind(), ErrorKind::PermissionDenied);
    socket.set_read_timeout(Some(Duration::from_millis(20))).expect("not zero");
    assert_eq!(socket.recv(&mut [0]).expect_err("nothing").kind(), ErrorKind::WouldBlock);
    // A connected socket hears that nobody is there (RFC 1122 section 4.1.3.3).
    socket.set_read_timeout(Some(PATIENCE)).expect("not zero");
    socket.connect((ip4(2), 1)).expect("it has a route");
    socket.send(b"anyone?").expect("queued");
    assert_eq!(socket.recv(&mut [0]).expect_err("refused").kind(), ErrorKind::ConnectionRefused);
    let taken = socket.local_addr().expect("bound");
    assert_eq!(UdpSocket::bind(&hosts.west(), taken).expect_err("taken").kind(), ErrorKind::AddrInUse);
    hosts.shutdown();
}

#[test]
fn a_dead_host_does_not_cost_the_next_one_a_datagram() {
    let hosts = Hosts::start();
    let server = UdpSocket::bind(&hosts.east(), (ip4(2), 53)).expect("a free port");
    server.set_read_timeout(Some(PATIENCE)).expect("not zero");
    let socket = UdpSocket::bind(&hosts.west(), (ip4(1), 0)).expect("a free port");
    let twin = UdpSocket::bind(&hosts.west(), (ip4(1), 0)).expect("a free port");
    for sender in [&socket, &twin] {
        sender.send_to(b"anyone?", "192.0.2.200:53").expect("queued");
    }
    // Both were told of at once; the twin's tells when, and that the error can be had.
    let begun = Instant::now();
    let error = loop {
        if let Some(error) = twin.take_error().expect("bound") {
            break error;
        }
        assert!(begun.elapsed() < PATIENCE, "the neighbor is given up");
        thread::sleep(Duration::from_millis(10));
    };
    assert_eq!((error.kind(), error.raw_os_error()), (ErrorKind::HostUnreachable, Some(113)));

    assert_eq!(socket.send_to(b"you", (ip4(2), 53)).expect("queued"), 3);
    let mut buf = [0; 16];
    let (len, from) = server.recv_from(&mut buf).expect("delivered");
    assert_eq!((&buf[..len], from), (&b"you"[..], socket.local_addr().expect("bound")));
    server.send_to(b"me", from).expect("queued");
    socket.set_read_timeout(Some(PATIENCE)).expect("not zero");
    assert_eq!(socket.recv(&mut buf).expect("the error is of another host"), 2);
    let kept = socket.take_error().expect("bound").expect("kept");
    assert_eq!(kept.kind(), ErrorKind::HostUnreachable);
    hosts.shutdown();
}

#[test]
fn the_end_of_the_driver_ends_blocked_calls() {
    let hosts = Hosts::start();
    let (mut client, _server) = connected(&hosts, 1000);
    let west = hosts.west();
    let reader = thread::spawn(move || client.read(&mut [0]).expect_err("the driver ended"));
    thread::sleep(Duration::from_millis(50));
    hosts.shutdown();
    let error = reader.join().expect("no panic");
    assert_eq!((error.kind(), error.raw_os_error()), (ErrorKind::NetworkDown, Some(100)));
    assert!(!west.is_running());
    let error = UdpSocket::bind(&west, "0.0.0.0:0").expect_err("the driver ended");
    assert_eq!(error.kind(), ErrorKind::NetworkDown);
}

#[test]
fn shutdown_closes_in_an_orderly_way() {
    let hosts = Hosts::start();
    let (client, mut server) = connected(&hosts, 1000);
    let reader = thread::spawn(move || {
        let mut all = Vec::new();
        // Dropped at the end, the server closes its side too.
        server.read_to_end(&mut all)
    });
    write_pattern(&client, 300_000).expect("connected");
    let report = hosts.shutdown_west(PATIENCE);
    assert_eq!((report.closed, report.reset), (1, 0));
    assert_eq!(reader.join().expect("no panic").expect("closed, not reset"), 300_000);
}

#[test]
fn shutdown_resets_who_does_not_close() {
    let hosts = Hosts::start();
    let (_client, server) = connected(&hosts, 1000);
    let report = hosts.shutdown_west(Duration::from_millis(100));
    assert_eq!((report.closed, report.reset), (0, 1));
    // The peer sees the end of the stream, and then, as soon as its own driver has taken the reset in,
    // that nobody is there.
    let deadline = Instant::now() + PATIENCE;
    let error = loop {
        match (&server).read(&mut [0]) {
            Ok(0) if Instant::now() < deadline => thread::sleep(Duration::from_millis(1)),
            Ok(length) => panic!("{length} bytes and no reset"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}
