//! What all TCP services share: they listen on both families, accept, are asked to go on at each
//! event, and close.

use std::io;
use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use slotmap::SecondaryMap;
use tickwire_backends::driver::{Context, Service};
use tickwire_core::config::TcpSettings;
use tickwire_core::error::{RecvError, SendError};
use tickwire_core::event::{Event, Readiness};
use tickwire_core::socket::{ListenOptions, ListenerHandle, TcpHandle};
use tickwire_core::tcp::How;

/// A peer that vanished without a word is noticed after this long (RFC 1122 section 4.2.3.6: no less).
const KEEP_ALIVE: Duration = Duration::from_hours(2);

/// Connections that may wait to be accepted: more than arrive between two turns of the driver.
const BACKLOG: u32 = 1024;

/// What is read at a time, in bytes: enough that a turn is not all overhead.
pub(super) const READ_MAX: usize = 64 * 1024;

/// What to do with a connection next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing until the next event on it.
    Wait,
    /// All is done: what is queued is still sent, then it is closed.
    Close,
}

/// What a TCP service does with its connections.
pub(super) trait Handler: Send {
    /// What it remembers of each.
    type Progress: Send;

    /// A connection was accepted.
    fn open(&mut self) -> Self::Progress;

    /// Reads and writes until nothing is left to read, or no room to write: the next call comes
    /// with the next event.
    fn go_on(&mut self, stream: &mut Stream<'_, '_>, progress: &mut Self::Progress) -> Next;
}

/// A connection at an instant.
pub(super) struct Stream<'c, 's> {
    pub(super) context: &'c mut Context<'s>,
    handle: TcpHandle,
}

/// What there was to read.
#[derive(Debug)]
pub(super) enum Input {
    Data(Bytes),
    /// Nothing yet.
    Nothing,
    /// The peer has sent all.
    End,
    /// The connection is no more.
    Gone,
}

/// What became of data to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// All of it is queued.
    Done,
    /// There is no more room; the rest stays with the caller.
    Full,
    /// The connection is no more.
    Gone,
}

impl Stream<'_, '_> {
    /// Reads what has arrived, at most [`READ_MAX`] bytes.
    pub(super) fn read(&mut self) -> Input {
        let now = self.context.now;
        let Ok(mut socket) = self.context.tcp(self.handle) else { return Input::Gone };
        match socket.recv_bytes(now, READ_MAX) {
            Ok(data) if data.is_empty() => Input::End,
            Ok(data) => Input::Data(data),
            Err(RecvError::WouldBlock | RecvError::NotConnected) => Input::Nothing,
            Err(_) => Input::Gone,
        }
    }

    /// Queues as much of `data` as there is room for, and takes that off it.
    pub(super) fn write(&mut self, data: &mut Bytes) -> Output {
        let now = self.context.now;
        let Ok(mut socket) = self.context.tcp(self.handle) else { return Output::Gone };
        while !data.is_empty() {
            match socket.send_bytes(now, data.clone()) {
                Ok(0) | Err(SendError::NotConnected) => return Output::Full,
                Ok(sent) => data.advance(sent),
                Err(_) => return Output::Gone,
            }
        }
        Output::Done
    }

    /// Ends our direction behind what is queued.
    pub(super) fn finish(&mut self) {
        let now = self.context.now;
        if let Ok(mut socket) = self.context.tcp(self.handle) {
            socket.shutdown(now, How::Write);
        }
    }

    /// Whether the peer has ended its direction, although not all may have been read.
    pub(super) fn peer_finished(&mut self) -> bool {
        use tickwire_core::tcp::State;
        let finished = [State::CloseWait, State::LastAck, State::Closing, State::TimeWait, State::Closed];
        self.context.tcp(self.handle).is_ok_and(|socket| finished.contains(&socket.state()))
    }

    /// Reads and forgets until the peer has ended its direction: closing before would reset the
    /// connection, and might take from the peer what it has not read yet (RFC 9112 section 9.6).
    pub(super) fn drain(&mut self) -> Next {
        loop {
            match self.read() {
                Input::Data(_) => {}
                Input::Nothing => return Next::Wait,
                Input::End | Input::Gone => return Next::Close,
            }
        }
    }
}

/// A TCP service on one port.
pub(super) struct StreamService<H: Handler> {
    port: u16,
    handler: H,
    listener: Option<ListenerHandle>,
    connections: SecondaryMap<TcpHandle, H::Progress>,
}

impl<H: Handler> StreamService<H> {
    pub(super) fn new(port: u16, handler: H) -> StreamService<H> {
        StreamService { port, handler, listener: None, connections: SecondaryMap::new() }
    }

    fn accept(&mut self, context: &mut Context<'_>) {
        let Some(listener) = self.listener else { return };
        while let Ok(Some(handle)) = context.tcp_accept(listener) {
            let progress = self.handler.open();
            self.connections.insert(handle, progress);
            // What arrived before is not announced again.
            self.go_on(context, handle);
        }
    }

    fn go_on(&mut self, context: &mut Context<'_>, handle: TcpHandle) {
        let Some(progress) = self.connections.get_mut(handle) else { return };
        if self.handler.go_on(&mut Stream { context, handle }, progress) == Next::Close {
            self.release(context, handle);
        }
    }

    /// Lets go of a connection; if it is still open, it is closed and finishes alone.
    fn release(&mut self, context: &mut Context<'_>, handle: TcpHandle) {
        self.connections.remove(handle);
        // A stale handle has nothing left to release.
        let _ = context.tcp_release(handle);
    }
}

impl<H: Handler> Service for StreamService<H> {
    fn start(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let settings = TcpSettings { keep_alive: Some(KEEP_ALIVE), ..context.stack.config().tcp.socket.clone() };
        let options = ListenOptions { backlog: BACKLOG, settings: Some(settings), dual_stack: true };
        let local = SocketAddr::from((Ipv6Addr::UNSPECIFIED, self.port));
        self.listener = Some(context.tcp_listen(local, options).map_err(io::Error::other)?);
        Ok(())
    }

    fn on_event(&mut self, context: &mut Context<'_>, event: Event) {
        match event {
            Event::Listener(_) => self.accept(context),
            Event::Tcp(handle, readiness) => {
                self.go_on(context, handle);
                if readiness.contains(Readiness::CLOSED) && self.connections.contains_key(handle) {
                    self.release(context, handle);
                }
            }
            Event::Udp(..) | Event::Address { .. } | Event::Configuration(_) => {}
        }
    }
}
