//! tickwire at one end of the virtual link.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use tickwire_core::config::{Config, InterfaceAddress, InterfaceConfig, TcpSettings};
use tickwire_core::frame::Capabilities;
use tickwire_core::socket::{ConnectOptions, ListenOptions, ListenerHandle, TcpHandle};
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::{Frame, Instant, InterfaceId, Seed, Stack, TxBatch};

use super::RX_BATCH;
use super::pair::{Endpoint, Host, Wire};

/// One stack, and the memory that its frames are put together in.
pub(crate) struct Tickwire {
    stack: Stack,
    interface: InterfaceId,
    listener: Option<ListenerHandle>,
    batch: TxBatch,
    /// Memory of earlier batches; of use again once nobody refers to a frame in it.
    memory: VecDeque<Bytes>,
    /// As asked for when all was drained, which makes it exact.
    deadline: Option<Instant>,
}

impl Endpoint for Tickwire {
    type Frame = Bytes;
    type Socket = TcpHandle;

    fn new(host: Host) -> Self {
        let mut stack = Stack::new(config(), Seed([1; 32]));
        let interface = InterfaceConfig::new(
            EthernetAddress(host.mac),
            Capabilities::plain(1500),
            [InterfaceAddress::v4(host.address, 24)],
        )
        .unverified();
        let interface = stack.add_interface(Instant::ZERO, interface).expect("a fresh stack takes an interface");
        Self { stack, interface, listener: None, batch: TxBatch::new(), memory: VecDeque::new(), deadline: None }
    }

    fn listen(&mut self, port: u16, buffer: usize) {
        let options = ListenOptions { backlog: 1, settings: Some(settings(buffer)), dual_stack: false };
        let local = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port);
        self.listener = Some(self.stack.tcp_listen(local, options).expect("the port is free"));
    }

    fn connect(&mut self, now: Duration, to: Ipv4Addr, port: u16, buffer: usize) -> TcpHandle {
        let options = ConnectOptions { local: None, settings: Some(settings(buffer)) };
        let remote = SocketAddr::new(IpAddr::V4(to), port);
        self.stack.tcp_connect(instant(now), remote, options).expect("a route and a free port")
    }

    fn accept(&mut self, now: Duration) -> Option<TcpHandle> {
        let listener = self.listener?;
        let socket = self.stack.tcp_accept(instant(now), listener).expect("the listener is open")?;
        // It was for one connection: the next may have buffers of another size.
        self.stack.tcp_listener_close(instant(now), listener).expect("the listener is open");
        self.listener = None;
        Some(socket)
    }

    fn send(&mut self, now: Duration, socket: TcpHandle, data: &[u8]) -> usize {
        // Before the handshake is over nothing can be sent.
        self.stack.tcp(socket).expect("an open connection").send(instant(now), data).unwrap_or(0)
    }

    fn recv(&mut self, now: Duration, socket: TcpHandle, data: &mut [u8]) -> usize {
        self.stack.tcp(socket).expect("an open connection").recv(instant(now), data).unwrap_or(0)
    }

    fn exchange(&mut self, now: Duration, incoming: &mut Wire<Bytes>, outgoing: &mut Wire<Bytes>) {
        let now = instant(now);
        for _ in 0..RX_BATCH {
            let Some(frame) = incoming.take() else { break };
            let _ = self.stack.handle_frame(now, self.interface, Frame::from(frame));
        }
        if self.deadline.is_some_and(|at| at <= now) {
            self.stack.handle_timeout(now);
        }
        while self.stack.poll_event().is_some() {}
        loop {
            self.batch.clear();
            if self.stack.poll_transmit(now, self.interface, &mut self.batch) == 0 {
                break;
            }
            assert!(self.batch.slices.is_empty(), "frames in pieces");
            let heads = self.batch.take_heads();
            for item in &self.batch.items {
                outgoing.put(heads.slice(item.head.start as usize..item.head.end as usize));
            }
            self.memory.push_back(heads);
            if let Some(idle) = self.memory.pop_front_if(|memory| memory.is_unique()) {
                self.batch.reuse_heads(idle);
            }
        }
        self.deadline = self.stack.poll_timeout().map(|wakeup| wakeup.at);
    }
}

/// No timestamps, which take 12 of a segment's 1460 bytes: smoltcp has them off by default.
fn config() -> Config {
    let mut config = Config::default();
    config.tcp.timestamps = false;
    config
}

fn settings(buffer: usize) -> TcpSettings {
    TcpSettings { send_buffer: buffer as u32, receive_buffer: buffer as u32, ..TcpSettings::default() }
}

fn instant(now: Duration) -> Instant {
    Instant::ZERO + now
}
