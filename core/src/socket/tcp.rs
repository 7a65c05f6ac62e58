//! A TCP connection as its application sees it.

use alloc::boxed::Box;
use bytes::Bytes;
use core::net::SocketAddr;

use super::TcpHandle;
use crate::config::TcpSettings;
use crate::error::{IpOptionsError, RecvError, SendError, SocketError};
use crate::record::{Call, TcpCall};
use crate::stack::Stack;
use crate::tcp::{How, State, Tcb, TcpInfo};
use crate::time::Instant;
use crate::wire::ipv4_options::IpOptions;

/// How a listener is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ListenOptions {
    /// How many established connections may wait to be accepted; default 128. Further SYNs are dropped.
    pub backlog: u32,
    /// What connections are set to that it accepts; default `Config::tcp.socket`.
    pub settings: Option<TcpSettings>,
    /// Whether the unspecified IPv6 address stands for both families; default false.
    pub dual_stack: bool,
}

impl Default for ListenOptions {
    fn default() -> ListenOptions {
        ListenOptions { backlog: 128, settings: None, dual_stack: false }
    }
}

/// How a connection is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ConnectOptions {
    /// The local address and port; where unspecified or 0, the stack chooses.
    pub local: Option<SocketAddr>,
    /// What the connection is set to; default `Config::tcp.socket`.
    pub settings: Option<TcpSettings>,
}

/// A connection, borrowed from its stack.
///
/// The handle stays good after the connection has ended, so that what has arrived can be read and
/// the error be asked for, until [`Stack::tcp_release`].
#[derive(Debug)]
pub struct TcpSocket<'a> {
    stack: &'a mut Stack,
    handle: TcpHandle,
}

impl<'a> TcpSocket<'a> {
    pub(crate) fn new(stack: &'a mut Stack, handle: TcpHandle) -> TcpSocket<'a> {
        TcpSocket { stack, handle }
    }

    fn record(&mut self, call: impl FnOnce(Option<&Tcb>) -> TcpCall) {
        let handle = self.handle;
        self.stack.record(|stack| {
            let tcb = stack.tcp_slot(handle).map(|slot| &slot.tcb);
            Call::Tcp { handle, call: call(tcb) }
        });
    }

    /// Queues a copy of as much of `data` as there is room for; returns how many bytes that is.
    /// 0 means that the buffer is full: `Readiness::WRITABLE` tells when there is room again.
    pub fn send(&mut self, now: Instant, data: &[u8]) -> Result<usize, SendError> {
        self.record(|tcb| TcpCall::Send { now, data: Bytes::copy_from_slice(offer(tcb, data)) });
        self.stack.called(now, "tcp.send", self.handle, &(data.len() as u64).to_le_bytes());
        let (slot, mut env) = self.stack.connection(self.handle).ok_or(SendError::Stale)?;
        let result = slot.tcb.send(&mut env, data);
        self.stack.took(data, &result);
        self.stack.settle_tcp(self.handle);
        result
    }

    /// As [`TcpSocket::send`], without copying what is 512 bytes and longer.
    pub fn send_bytes(&mut self, now: Instant, data: Bytes) -> Result<usize, SendError> {
        self.record(|tcb| TcpCall::SendBytes { now, data: data.slice_ref(offer(tcb, &data)) });
        self.stack.called(now, "tcp.send_bytes", self.handle, &(data.len() as u64).to_le_bytes());
        let offered = self.stack.traces().then(|| data.clone());
        let (slot, mut env) = self.stack.connection(self.handle).ok_or(SendError::Stale)?;
        let result = slot.tcb.send_bytes(&mut env, data);
        self.stack.took(&offered.unwrap_or_default(), &result);
        self.stack.settle_tcp(self.handle);
        result
    }

    /// Receives into `out`; returns how many bytes. 0 is the end of the stream (unless `out` is empty).
    pub fn recv(&mut self, now: Instant, out: &mut [u8]) -> Result<usize, RecvError> {
        self.record(|tcb| TcpCall::Recv { now, max: room(tcb, out.len()) });
        self.stack.called(now, "tcp.recv", self.handle, &(out.len() as u64).to_le_bytes());
        let (slot, mut env) = self.stack.connection(self.handle).ok_or(RecvError::Stale)?;
        let result = slot.tcb.recv(&mut env, out);
        // Where there was nothing to receive, nothing has changed.
        let received = !matches!(result, Err(RecvError::WouldBlock));
        if received && (slot.tcb.owes_acknowledgment() || self.stack.checks()) {
            self.stack.settle_tcp(self.handle);
        }
        result
    }

    /// Receives a slice of at most `max` bytes without copying it; an empty one is the end of the stream.
    pub fn recv_bytes(&mut self, now: Instant, max: usize) -> Result<Bytes, RecvError> {
        self.record(|tcb| TcpCall::RecvBytes { now, max: room(tcb, max) });
        self.stack.called(now, "tcp.recv_bytes", self.handle, &(max as u64).to_le_bytes());
        let (slot, mut env) = self.stack.connection(self.handle).ok_or(RecvError::Stale)?;
        let result = slot.tcb.recv_bytes(&mut env, max);
        // Where there was nothing to receive, nothing has changed.
        let received = !matches!(result, Err(RecvError::WouldBlock));
        if received && (slot.tcb.owes_acknowledgment() || self.stack.checks()) {
            self.stack.settle_tcp(self.handle);
        }
        result
    }

    /// Copies what could be received into `out` and leaves it there.
    pub fn peek(&mut self, out: &mut [u8]) -> Result<usize, RecvError> {
        self.record(|tcb| TcpCall::Peek { max: room(tcb, out.len()) });
        let (slot, _) = self.stack.connection(self.handle).ok_or(RecvError::Stale)?;
        slot.tcb.peek(out)
    }

    /// Closes one direction or both. Closing the write side sends a FIN behind what is queued
    /// (half-close, RFC 9293 section 3.6); closing the read side discards what arrives.
    pub fn shutdown(&mut self, now: Instant, how: How) {
        self.record(|_| TcpCall::Shutdown { now, how });
        self.stack.called(now, "tcp.shutdown", self.handle, &[how as u8]);
        if let Some((slot, mut env)) = self.stack.connection(self.handle) {
            slot.tcb.shutdown(&mut env, how);
            self.stack.settle_tcp(self.handle);
        }
    }

    /// Closes both directions (RFC 9293 section 3.10.4). What is queued is still sent, within the
    /// linger time; unread data resets the connection (section 3.6.1). The handle stays until it is released.
    pub fn close(&mut self, now: Instant) {
        self.record(|_| TcpCall::Close { now });
        self.stack.called(now, "tcp.close", self.handle, &[]);
        if let Some((slot, mut env)) = self.stack.connection(self.handle) {
            slot.tcb.close(&mut env);
            self.stack.settle_tcp(self.handle);
        }
    }

    /// Resets the connection (RFC 9293 section 3.10.5).
    pub fn abort(&mut self, now: Instant) {
        self.record(|_| TcpCall::Abort { now });
        self.stack.called(now, "tcp.abort", self.handle, &[]);
        if let Some((slot, mut env)) = self.stack.connection(self.handle) {
            slot.tcb.abort(&mut env);
            self.stack.settle_tcp(self.handle);
        }
    }

    /// The connection's state.
    pub fn state(&self) -> State {
        self.stack.tcp_slot(self.handle).map_or(State::Closed, |slot| slot.tcb.state())
    }

    /// All that can be asked about the connection.
    pub fn info(&self) -> Option<TcpInfo> {
        self.stack.tcp_slot(self.handle).map(|slot| slot.tcb.info())
    }

    /// Our end.
    pub fn local(&self) -> Option<SocketAddr> {
        self.stack.tcp_slot(self.handle).map(|slot| slot.flow.local_addr())
    }

    /// The peer's end.
    pub fn remote(&self) -> Option<SocketAddr> {
        self.stack.tcp_slot(self.handle).map(|slot| slot.flow.remote_addr())
    }

    /// What went wrong, which is thereby taken.
    pub fn take_error(&mut self) -> Option<SocketError> {
        self.record(|_| TcpCall::TakeError);
        let (slot, _) = self.stack.connection(self.handle)?;
        slot.tcb.take_error()
    }

    /// How many bytes `send` would take now. Only a `send` that could not take all of what it was given has
    /// `Readiness::WRITABLE` tell when there is room again: to see none here is not enough.
    pub fn send_capacity(&self) -> usize {
        self.stack.tcp_slot(self.handle).map_or(0, |slot| slot.tcb.send_capacity())
    }

    /// How many bytes wait to be received.
    pub fn received_len(&self) -> usize {
        self.stack.tcp_slot(self.handle).map_or(0, |slot| slot.tcb.recv_queue())
    }

    /// What the connection is set to.
    pub fn settings(&self) -> Option<&TcpSettings> {
        self.stack.tcp_slot(self.handle).map(|slot| slot.tcb.settings())
    }

    /// Sets the connection anew. Buffer limits hold from the next call on; a receive limit below what
    /// was offered to the peer is reached only as the window closes (the right edge never moves left).
    ///
    /// Errors: [`IpOptionsError::SourceRoute`], [`IpOptionsError::Stale`].
    pub fn set_settings(&mut self, now: Instant, mut settings: TcpSettings) -> Result<(), IpOptionsError> {
        self.record(|_| TcpCall::SetSettings { now, settings: Box::new(settings.clone()) });
        self.stack.called(now, "tcp.set_settings", self.handle, &[]);
        self.stack.may_send(&settings.ip_options)?;
        let (slot, mut env) = self.stack.connection(self.handle).ok_or(IpOptionsError::Stale)?;
        if slot.flow.remote.is_ipv6() {
            settings.ip_options = IpOptions::NONE;
        }
        slot.tcb.set_settings(&mut env, settings);
        // They may name another interface or mark.
        slot.hop = None;
        self.stack.settle_tcp(self.handle);
        Ok(())
    }
}

/// What of `data` makes a difference to a connection that it is offered to.
fn offer<'a>(tcb: Option<&Tcb>, data: &'a [u8]) -> &'a [u8] {
    let room = tcb.map_or(0, Tcb::send_capacity);
    data.get(..=room).unwrap_or(data)
}

/// How much of the room for `max` bytes makes a difference to a connection that is to fill it.
fn room(tcb: Option<&Tcb>, max: usize) -> u32 {
    max.min(tcb.map_or(0, Tcb::recv_queue) + 1) as u32
}
