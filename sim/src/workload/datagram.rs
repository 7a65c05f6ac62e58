//! UDP workloads: a source that sends numbered datagrams, and a sink that verifies them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tickwire_core::Instant;
use tickwire_core::error::BindError;
use tickwire_core::socket::{UdpHandle, UdpOptions};
use tickwire_core::time::Duration;

use super::ledger::Ledger;
use super::stream::Stream;
use crate::application::{Scope, Socket};
use crate::oracle::Oracle;

/// Bytes at the head of a datagram: its number.
const NUMBER_LEN: usize = 8;

/// What a source sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourcePlan {
    /// Where to.
    pub remote: SocketAddr,
    /// How many datagrams.
    pub count: u64,
    /// Bytes in each; at least 8, which number it.
    pub len: u32,
    /// How long it waits before each but the first.
    pub every: Duration,
    /// When it begins: so long after it was started.
    pub delay: Duration,
    /// The key of the datagrams' bytes, which the sink has too.
    pub key: u64,
}

/// What a sink receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SinkPlan {
    /// Where.
    pub local: SocketAddr,
    /// Bytes in each datagram.
    pub len: u32,
    /// The key of the datagrams' bytes, which the source has too.
    pub key: u64,
}

fn datagram(key: u64, number: u64, len: u32) -> Vec<u8> {
    let mut bytes = vec![0; (len as usize).max(NUMBER_LEN)];
    Stream::new(key, number).fill(0, &mut bytes);
    bytes[..NUMBER_LEN].copy_from_slice(&(number ^ key).to_le_bytes());
    bytes
}

/// A source at work.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) plan: SourcePlan,
    socket: Option<UdpHandle>,
    next: Option<Instant>,
    pub(crate) ledger: Ledger,
}

impl Source {
    pub(crate) fn new(plan: SourcePlan) -> Source {
        Source { plan, socket: None, next: None, ledger: Ledger::default() }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.ledger.sent == self.plan.count
    }

    pub(crate) fn advance(&mut self, scope: &mut Scope<'_>) {
        self.ledger.now = scope.now;
        let first = scope.now + self.plan.delay;
        let mut next = *self.next.get_or_insert(first);
        while next <= scope.now && self.ledger.sent < self.plan.count {
            next += self.plan.every;
            let data = datagram(self.plan.key, self.ledger.sent, self.plan.len);
            self.ledger.sent += 1;
            let Some(handle) = Source::open(&mut self.socket, self.plan.remote, scope) else { continue };
            if let Ok(mut socket) = scope.stack.udp(handle) {
                // Errors of earlier datagrams, and a full queue, are losses like those on the way.
                while socket.take_error().is_some() {}
                let _ = socket.send(scope.now, &data, Some(self.plan.remote));
            }
        }
        self.next = Some(next);
        if self.is_done() {
            self.close(scope);
        } else {
            scope.wake_at(next, None);
        }
    }

    fn open(socket: &mut Option<UdpHandle>, remote: SocketAddr, scope: &mut Scope<'_>) -> Option<UdpHandle> {
        if socket.is_none() {
            let any: IpAddr =
                if remote.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
            *socket = scope.stack.udp_bind(SocketAddr::new(any, 0), UdpOptions::default()).ok();
        }
        *socket
    }

    /// The socket stays until what it has queued is sent.
    fn close(&mut self, scope: &mut Scope<'_>) {
        let Some(handle) = self.socket else { return };
        let waits = scope.stack.udp_sockets().any(|entry| entry.handle == handle && entry.unsent > 0);
        if waits {
            scope.wake_at(scope.now + Duration::from_millis(100), None);
        } else {
            self.socket = None;
            // It is there: nobody else releases it.
            let _ = scope.stack.udp_release(handle);
        }
    }

    /// Its host has crashed.
    pub(crate) fn crash(&mut self) {
        self.socket = None;
    }

    /// Sends no more.
    pub(crate) fn stop(&mut self, scope: &mut Scope<'_>) {
        self.plan.count = self.ledger.sent;
        if let Some(handle) = self.socket.take() {
            let _ = scope.stack.udp_release(handle);
        }
    }
}

/// A sink at work.
#[derive(Clone, Debug)]
pub(crate) struct Sink {
    pub(crate) plan: SinkPlan,
    socket: Option<UdpHandle>,
    stopped: bool,
    pub(crate) ledger: Ledger,
}

impl Sink {
    pub(crate) fn new(plan: SinkPlan) -> Sink {
        Sink { plan, socket: None, stopped: false, ledger: Ledger::default() }
    }

    pub(crate) fn advance(&mut self, scope: &mut Scope<'_>) {
        self.ledger.now = scope.now;
        if self.stopped {
            return;
        }
        let handle = match self.socket {
            Some(handle) => handle,
            None => match scope.stack.udp_bind(self.plan.local, UdpOptions::default()) {
                Ok(handle) => {
                    self.socket = Some(handle);
                    scope.own(Socket::Udp(handle));
                    handle
                }
                // It is still being verified, or was given up: an event will tell.
                Err(BindError::AddressNotAvailable) => return,
                Err(error) => {
                    self.stopped = true;
                    self.ledger.fail(Oracle::Cause, format!("cannot bind {}: {error}", self.plan.local));
                    return;
                }
            },
        };
        let Ok(mut socket) = scope.stack.udp(handle) else { return };
        while let Some(received) = socket.recv() {
            self.ledger.received += 1;
            self.verify(&received.data);
        }
    }

    fn verify(&mut self, data: &[u8]) {
        self.ledger.judge(Oracle::DatagramBytes);
        let number = data.first_chunk::<NUMBER_LEN>().map(|number| u64::from_le_bytes(*number) ^ self.plan.key);
        let whole = number.is_some_and(|number| data == datagram(self.plan.key, number, self.plan.len));
        if !whole {
            let what = format!("a datagram of {} bytes is none of those sent, of {}", data.len(), self.plan.len);
            self.ledger.fail(Oracle::DatagramBytes, what);
        }
    }

    /// Its host has crashed.
    pub(crate) fn crash(&mut self) {
        self.socket = None;
    }

    /// Receives no more.
    pub(crate) fn stop(&mut self, scope: &mut Scope<'_>) {
        self.stopped = true;
        if let Some(handle) = self.socket.take() {
            scope.disown(Socket::Udp(handle));
            let _ = scope.stack.udp_release(handle);
        }
    }
}
