//! Two stacks in one process, joined by a virtual link that loses, delays and copies nothing.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use super::{APPLICATION_BUFFER, FRAME_MAX};

/// Addresses of one end.
#[derive(Clone, Copy)]
pub(crate) struct Host {
    pub(crate) mac: [u8; 6],
    pub(crate) address: Ipv4Addr,
}

const CLIENT: Host = Host { mac: [0x00, 0x00, 0x5e, 0x00, 0x53, 0x01], address: Ipv4Addr::new(192, 0, 2, 1) };
const SERVER: Host = Host { mac: [0x00, 0x00, 0x5e, 0x00, 0x53, 0x02], address: Ipv4Addr::new(192, 0, 2, 2) };
const PORT: u16 = 5001;

/// Clock of a run whose link has no delay: what one round takes, and the jump to make when nothing
/// moved, so that whatever timer is being waited for comes due.
const ROUND: Duration = Duration::from_micros(1);
const IDLE: Duration = Duration::from_millis(1);
/// Rounds without any progress after which a run counts as stuck (ten seconds of its clock).
const STUCK: usize = 10_000;

/// One direction of the link. A frame changes hands without being copied; used ones come back
/// through `spare` for stacks that reuse them so.
pub(crate) struct Wire<F> {
    in_flight: VecDeque<F>,
    pub(crate) spare: Vec<F>,
    frames: u64,
}

impl<F: AsRef<[u8]>> Wire<F> {
    /// An idle wire.
    pub(crate) fn new() -> Self {
        Self { in_flight: VecDeque::new(), spare: Vec::new(), frames: 0 }
    }

    /// Sends a frame: contiguous, and no longer than an Ethernet frame.
    #[inline]
    pub(crate) fn put(&mut self, frame: F) {
        assert!(frame.as_ref().len() <= FRAME_MAX, "a super-segment on a link of MTU 1500");
        self.frames += 1;
        self.in_flight.push_back(frame);
    }

    /// The next frame that has arrived.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<F> {
        self.in_flight.pop_front()
    }
}

/// A stack at one end of the link. `now` counts from the start of the run and never goes back.
pub(crate) trait Endpoint {
    /// A whole frame in one piece, as this stack passes it around.
    type Frame: AsRef<[u8]>;
    /// A connection.
    type Socket: Copy;

    /// A stack with this one address, /24, checksums computed and verified, no offload.
    fn new(host: Host) -> Self;
    /// Prepares for one connection to `port` with buffers of `buffer` bytes each way.
    fn listen(&mut self, port: u16, buffer: usize);
    /// Begins a connection with buffers of `buffer` bytes each way.
    fn connect(&mut self, now: Duration, to: Ipv4Addr, port: u16, buffer: usize) -> Self::Socket;
    /// The connection that `listen` prepared for, once it is established.
    fn accept(&mut self, now: Duration) -> Option<Self::Socket>;
    /// Copies data into the send buffer; bytes taken.
    fn send(&mut self, now: Duration, socket: Self::Socket, data: &[u8]) -> usize;
    /// Copies data out of the receive buffer; bytes given.
    fn recv(&mut self, now: Duration, socket: Self::Socket, data: &mut [u8]) -> usize;
    /// Takes at most [`RX_BATCH`](super::RX_BATCH) frames, runs the timers, sends all that is owed.
    fn exchange(&mut self, now: Duration, incoming: &mut Wire<Self::Frame>, outgoing: &mut Wire<Self::Frame>);
}

/// What a transfer took.
pub(crate) struct Cost {
    pub(crate) elapsed: Duration,
    /// Frames of both directions.
    pub(crate) frames: u64,
    pub(crate) bytes: u64,
}

impl Cost {
    /// Nanoseconds per frame of either direction.
    pub(crate) fn per_frame_ns(&self) -> f64 {
        self.elapsed.as_nanos() as f64 / self.frames as f64
    }

    /// Nanoseconds per segment of 1460 bytes that carried data.
    pub(crate) fn per_segment_ns(&self) -> f64 {
        self.elapsed.as_nanos() as f64 / self.segments()
    }

    /// Frames of either direction per 1460 bytes of data: 1 would be no acknowledgment at all.
    pub(crate) fn frames_per_segment(&self) -> f64 {
        self.frames as f64 / self.segments()
    }

    fn segments(&self) -> f64 {
        self.bytes as f64 / 1460.0
    }
}

/// Both ends of one connection.
pub(crate) struct Connection<S> {
    client: S,
    server: S,
}

/// A client and a server on one link.
pub(crate) struct Pair<E: Endpoint> {
    client: E,
    server: E,
    to_server: Wire<E::Frame>,
    to_client: Wire<E::Frame>,
    now: Duration,
    buffer: Vec<u8>,
}

impl<E: Endpoint> Pair<E> {
    /// Two stacks that have not spoken yet.
    pub(crate) fn new() -> Self {
        Self {
            client: E::new(CLIENT),
            server: E::new(SERVER),
            to_server: Wire::new(),
            to_client: Wire::new(),
            now: ROUND,
            buffer: vec![0x5a; APPLICATION_BUFFER],
        }
    }

    /// Makes one connection with buffers of `buffer` bytes each way at both ends.
    pub(crate) fn connect(&mut self, buffer: usize) -> Connection<E::Socket> {
        self.server.listen(PORT, buffer);
        let client = self.client.connect(self.now, SERVER.address, PORT, buffer);
        for _ in 0..STUCK {
            let frames = self.frames();
            self.client.exchange(self.now, &mut self.to_client, &mut self.to_server);
            self.server.exchange(self.now, &mut self.to_server, &mut self.to_client);
            if let Some(server) = self.server.accept(self.now) {
                return Connection { client, server };
            }
            self.advance(self.frames() != frames);
        }
        panic!("no connection after 10 s of the link's clock");
    }

    /// Sends `bytes` from client to server, in one stream, and waits until the last has been read.
    pub(crate) fn bulk(&mut self, connection: &Connection<E::Socket>, bytes: u64) -> Cost {
        let begun = Instant::now();
        let frames_before = self.frames();
        self.transfer(connection, bytes);
        Cost { elapsed: begun.elapsed(), frames: self.frames() - frames_before, bytes }
    }

    /// Sends `segments` full segments, each after the one before it has been read.
    pub(crate) fn one_by_one(&mut self, connection: &Connection<E::Socket>, segments: u64) -> Cost {
        let begun = Instant::now();
        let frames_before = self.frames();
        for _ in 0..segments {
            self.transfer(connection, 1460);
        }
        let frames = self.frames() - frames_before;
        Cost { elapsed: begun.elapsed(), frames, bytes: segments * 1460 }
    }

    fn transfer(&mut self, connection: &Connection<E::Socket>, bytes: u64) {
        let Connection { client, server } = *connection;
        let (mut sent, mut received, mut stuck) = (0, 0, 0);
        while received < bytes {
            let frames = self.frames();
            let wanted = (bytes - sent).min(APPLICATION_BUFFER as u64) as usize;
            let taken = self.client.send(self.now, client, &self.buffer[..wanted]) as u64;
            self.client.exchange(self.now, &mut self.to_client, &mut self.to_server);
            self.server.exchange(self.now, &mut self.to_server, &mut self.to_client);
            let given = self.server.recv(self.now, server, &mut self.buffer) as u64;
            sent += taken;
            received += given;
            let moved = taken + given > 0 || self.frames() != frames;
            stuck = if moved { 0 } else { stuck + 1 };
            assert!(stuck < STUCK, "nothing moved for 10 s of the link's clock");
            self.advance(moved);
        }
    }

    fn advance(&mut self, moved: bool) {
        self.now += if moved { ROUND } else { IDLE };
    }

    fn frames(&self) -> u64 {
        self.to_server.frames + self.to_client.frames
    }
}
