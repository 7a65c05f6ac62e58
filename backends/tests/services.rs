//! Services inside the driver: they are told of their own sockets' events, and of no others'.
#![cfg(target_os = "linux")]

mod support;

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr};
use std::thread;
use std::time::Duration;

use support::{assert_pattern, host, ip4, ip6, write_pattern};
use tickwire_backends::driver::{Context, Driver, Service};
use tickwire_backends::net::{TcpListener, TcpStream, UdpSocket};
use tickwire_backends::pair;
use tickwire_core::event::Event;
use tickwire_core::{ListenOptions, ListenerHandle, TcpHandle, UdpHandle, UdpOptions};

/// Sends back what it receives (RFC 862), over TCP and UDP.
#[derive(Default)]
struct Echo {
    listener: Option<ListenerHandle>,
    datagrams: Option<UdpHandle>,
}

impl Echo {
    /// Moves what there is to read, as far as it can be sent.
    fn pump(context: &mut Context<'_>, handle: TcpHandle) {
        let now = context.now;
        let Ok(mut socket) = context.tcp(handle) else { return };
        while socket.send_capacity() > 0 {
            match socket.recv_bytes(now, socket.send_capacity()) {
                Ok(data) if data.is_empty() => {
                    // What is still to be sent leaves in the background.
                    context.tcp_release(handle).expect("it was not released before");
                    return;
                }
                Ok(data) => drop(socket.send_bytes(now, data)),
                Err(_) => return,
            }
        }
    }
}

impl Service for Echo {
    fn start(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let any = SocketAddr::from(([0_u16; 8], 7));
        let options = ListenOptions { dual_stack: true, ..ListenOptions::default() };
        self.listener = Some(context.tcp_listen(any, options).map_err(io::Error::other)?);
        let options = UdpOptions { dual_stack: true, ..UdpOptions::default() };
        self.datagrams = Some(context.udp_bind(any, options).map_err(io::Error::other)?);
        Ok(())
    }

    fn on_event(&mut self, context: &mut Context<'_>, event: Event) {
        match event {
            Event::Listener(listener) => {
                assert_eq!(Some(listener), self.listener);
                while let Ok(Some(handle)) = context.tcp_accept(listener) {
                    Echo::pump(context, handle);
                }
            }
            Event::Tcp(handle, _) => Echo::pump(context, handle),
            Event::Udp(handle, _) => {
                assert_eq!(Some(handle), self.datagrams);
                let now = context.now;
                let Ok(mut socket) = context.udp(handle) else { return };
                while let Some(received) = socket.recv() {
                    socket.send(now, &received.data, Some(received.from)).expect("it came from there");
                }
            }
            Event::Address { .. } | Event::Configuration(_) => {}
        }
    }
}

#[test]
fn an_echo_service_beside_blocking_sockets() {
    const BYTES: u64 = 8 << 20;
    let (west, east) = pair::pair(1500).expect("eventfds");
    let mut server = host(east, 2);
    server.add_service(Box::new(Echo::default())).expect("a free port");
    let server = Driver::spawn(server).expect("a thread");
    let client = Driver::spawn(host(west, 1)).expect("a thread");

    // A socket of the same stack that is no service's.
    let listener = TcpListener::bind(&server.handle(), (ip4(2), 1000)).expect("a free port");
    let mut plain = TcpStream::connect(&client.handle(), (ip4(2), 1000)).expect("it listens");
    let (mut accepted, _) = listener.accept().expect("it connected");
    plain.write_all(b"not for the service").expect("connected");
    let mut seen = [0; 19];
    accepted.read_exact(&mut seen).expect("sent");

    for address in [ip4(2), ip6(2)] {
        let stream = TcpStream::connect(&client.handle(), (address, 7)).expect("it listens");
        thread::scope(|scope| {
            scope.spawn(|| {
                write_pattern(&stream, BYTES).expect("connected");
                stream.shutdown(Shutdown::Write).expect("connected");
            });
            assert_pattern(&stream, BYTES);
        });
        let socket = UdpSocket::bind(&client.handle(), "[::]:0").expect("a free port");
        socket.set_read_timeout(Some(Duration::from_mins(1))).expect("not zero");
        socket.send_to(b"datagram", (address, 7)).expect("queued");
        let mut buf = [0; 100];
        assert_eq!(socket.recv_from(&mut buf).expect("echoed"), (8, SocketAddr::new(address, 7)));
    }
    drop((plain, accepted));
    client.shutdown(Duration::from_secs(10)).expect("the driver ran to its end");
    let report = server.shutdown(Duration::from_secs(10)).expect("the driver ran to its end");
    assert_eq!(report.reset, 0);
}

/// The loop needs no thread: two hosts turned in one, with a service on one and a connection opened by hand.
#[test]
fn loops_turn_without_threads() {
    let (west, east) = pair::pair(1500).expect("eventfds");
    let (mut client, mut server) = (host(west, 1), host(east, 2));
    server.add_service(Box::new(Echo::default())).expect("a free port");
    let handle = client
        .handle()
        .with(|stack, now| stack.tcp_connect(now, SocketAddr::new(ip4(2), 7), tickwire_core::ConnectOptions::default()))
        .expect("it has a route");
    let mut answer = Vec::new();
    let mut sent = false;
    for _ in 0..10_000 {
        client.turn(Some(Duration::ZERO)).expect("no device fails");
        server.turn(Some(Duration::ZERO)).expect("no device fails");
        client.handle().with(|stack, now| {
            let mut socket = stack.tcp(handle).expect("not released");
            if !sent {
                sent = socket.send(now, b"hello").is_ok_and(|count| count == 5);
            }
            if let Ok(data) = socket.recv_bytes(now, 100) {
                answer.extend_from_slice(&data);
            }
        });
        if answer == b"hello" {
            return;
        }
    }
    panic!("no answer: {answer:?}");
}
