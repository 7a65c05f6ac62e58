//! Once it is warm, the stack allocates nothing per frame: in a stream received, a stream sent and an
//! echo. Counted by the allocator itself.

mod counting;

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use counting::allocations;
use tickwire_core::config::{Config, InterfaceAddress, InterfaceConfig};
use tickwire_core::frame::Capabilities;
use tickwire_core::socket::{ConnectOptions, ListenOptions, TcpHandle};
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::{Frame, Instant, InterfaceId, Seed, Stack, TxBatch};

/// Frames taken before the stack answers.
const RX_BATCH: usize = 16;
const FRAME_MAX: usize = 1514;
const PORT: u16 = 7;

/// One direction of the link: frames in buffers of a ring, used again once nobody refers to them.
struct Wire {
    frames: VecDeque<Bytes>,
    ring: VecDeque<BytesMut>,
}

impl Wire {
    fn new() -> Wire {
        Wire { frames: VecDeque::new(), ring: (0..2048).map(|_| BytesMut::with_capacity(FRAME_MAX)).collect() }
    }

    fn put(&mut self, batch: &TxBatch) {
        for frame in batch.frames() {
            let mut buffer = self.ring.pop_front().expect("the ring is never empty");
            assert!(buffer.try_reclaim(FRAME_MAX), "fewer frames are held than the ring has");
            buffer.extend_from_slice(frame.head);
            for slice in frame.slices {
                buffer.extend_from_slice(slice);
            }
            self.frames.push_back(buffer.split().freeze());
            self.ring.push_back(buffer);
        }
    }
}

struct Host {
    stack: Stack,
    interface: InterfaceId,
    batch: TxBatch,
}

impl Host {
    fn new(number: u8) -> Host {
        let mut stack = Stack::new(Config::default(), Seed([number; 32]));
        let config = InterfaceConfig::new(
            EthernetAddress([2, 0, 0, 0, 0, number]),
            Capabilities::plain(1500),
            [InterfaceAddress::v4(address(number), 24)],
        )
        .unverified();
        let interface = stack.add_interface(Instant::ZERO, config).expect("a fresh stack takes an interface");
        Host { stack, interface, batch: TxBatch::new() }
    }

    fn exchange(&mut self, now: Instant, incoming: &mut Wire, outgoing: &mut Wire) {
        for _ in 0..RX_BATCH {
            let Some(frame) = incoming.frames.pop_front() else { break };
            let _ = self.stack.handle_frame(now, self.interface, Frame::from(frame));
        }
        if self.stack.poll_timeout().is_some_and(|wakeup| wakeup.at <= now) {
            self.stack.handle_timeout(now);
        }
        while self.stack.poll_event().is_some() {}
        while self.stack.poll_transmit(now, self.interface, &mut self.batch) > 0 {
            outgoing.put(&self.batch);
            self.batch.clear();
        }
    }

    fn send(&mut self, now: Instant, handle: TcpHandle, data: &[u8]) -> usize {
        self.stack.tcp(handle).expect("the handle is not stale").send(now, data).unwrap_or(0)
    }

    fn recv(&mut self, now: Instant, handle: TcpHandle, data: &mut [u8]) -> usize {
        self.stack.tcp(handle).expect("the handle is not stale").recv(now, data).unwrap_or(0)
    }
}

fn address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, number)
}

/// A client and a server with one connection.
struct Pair {
    client: Host,
    server: Host,
    to_server: Wire,
    to_client: Wire,
    now: Instant,
    buffer: Vec<u8>,
}

impl Pair {
    fn new() -> Pair {
        let (client, server) = (Host::new(1), Host::new(2));
        let (to_server, to_client) = (Wire::new(), Wire::new());
        Pair { client, server, to_server, to_client, now: Instant::ZERO, buffer: vec![0x5a; 64 * 1024] }
    }

    fn connect(&mut self) -> (TcpHandle, TcpHandle) {
        let local = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), PORT);
        let listener = self.server.stack.tcp_listen(local, ListenOptions::default()).expect("the port is free");
        let remote = SocketAddr::new(address(2).into(), PORT);
        let client = self.client.stack.tcp_connect(self.now, remote, ConnectOptions::default()).expect("a route");
        for _ in 0..100 {
            self.turn();
            if let Some(server) = self.server.stack.tcp_accept(self.now, listener).expect("the listener is open") {
                return (client, server);
            }
        }
        panic!("no connection");
    }

    /// One turn of both hosts; returns how many frames were on the way.
    fn turn(&mut self) -> usize {
        self.now += Duration::from_micros(50);
        self.client.exchange(self.now, &mut self.to_client, &mut self.to_server);
        let frames = self.to_server.frames.len();
        self.server.exchange(self.now, &mut self.to_server, &mut self.to_client);
        frames + self.to_client.frames.len()
    }

    /// A stream of text from client to server. Returns how many bytes arrived.
    fn bulk(&mut self, (client, server): (TcpHandle, TcpHandle), turns: usize) -> usize {
        let mut received = 0;
        for _ in 0..turns {
            self.client.send(self.now, client, &self.buffer);
            self.turn();
            received += self.server.recv(self.now, server, &mut self.buffer);
        }
        received
    }

    /// A few bytes there and back, each time.
    fn echo(&mut self, (client, server): (TcpHandle, TcpHandle), len: usize, turns: usize) -> usize {
        let mut received = 0;
        for _ in 0..turns {
            self.client.send(self.now, client, &self.buffer[..len]);
            self.turn();
            let asked = self.server.recv(self.now, server, &mut self.buffer);
            self.server.send(self.now, server, &self.buffer[..asked]);
            self.turn();
            self.turn();
            received += self.client.recv(self.now, client, &mut self.buffer);
        }
        received
    }
}

// Both hosts are in it, so that a stream shows the
// sending and the receiving side.
#[test]
fn a_warm_stack_does_not_allocate() {
    let mut pair = Pair::new();
    let connection = pair.connect();
    pair.bulk(connection, 5_000);
    let before = allocations();
    let received = pair.bulk(connection, 5_000);
    assert!(received > 5_000 * 1460, "the stream flows: {received} bytes");
    assert_eq!(allocations() - before, 0, "in a stream");
    for len in [1, 100, 1_000, 1_460] {
        pair.echo(connection, len, 1_000);
        let before = allocations();
        let received = pair.echo(connection, len, 2_000);
        assert!(received >= 2_000 * len, "every request is answered: {received} bytes");
        assert_eq!(allocations() - before, 0, "in an echo of {len} bytes");
    }
}
