//! One end of a connection on which a [`Talk`] takes place: it sends what it may, verifies what it
//! receives, and closes when its turn has come.

use bytes::Bytes;
use tickwire_core::error::{RecvError, SocketError};
use tickwire_core::socket::TcpSocket;
use tickwire_core::tcp::{How, State};
use tickwire_core::{Instant, Stack, TcpHandle};

use super::ledger::Ledger;
use super::stream::Stream;
use super::talk::{Side, Talk};
use crate::oracle::Oracle;

/// Bytes that are made at once.
const CHUNK: usize = 16 << 10;

/// Bytes at the head of the client's stream that name the connection.
pub(crate) const NAME_LEN: u64 = 8;

/// How far a connection has got, for the application at this end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It goes on when its socket or its time wakes it.
    Going,
    /// Everything was sent and received, and both directions are closed.
    Complete,
    /// It ended before that.
    Lost(SocketError),
}

/// One end of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    side: Side,
    /// The key of the workload's streams.
    key: u64,
    /// The connection's number; a server learns it from the client's first bytes.
    number: Option<u64>,
    name: [u8; NAME_LEN as usize],
    pub(crate) sent: u64,
    pub(crate) received: u64,
    /// Rounds that the client has begun.
    rounds: u32,
    shut: bool,
    end_seen: bool,
    /// When the client begins the next round, or the slow reader reads again.
    wakes_at: Option<Instant>,
    /// When it began.
    pub(crate) opened: Instant,
    /// When it last sent or received a byte.
    pub(crate) moved: Instant,
}

impl Endpoint {
    pub(crate) fn client(key: u64, number: u64, now: Instant) -> Endpoint {
        Endpoint { number: Some(number), rounds: 1, ..Endpoint::new(Side::Client, key, now) }
    }

    pub(crate) fn server(key: u64, now: Instant) -> Endpoint {
        Endpoint::new(Side::Server, key, now)
    }

    fn new(side: Side, key: u64, now: Instant) -> Endpoint {
        Endpoint {
            side,
            key,
            number: None,
            name: [0; NAME_LEN as usize],
            sent: 0,
            received: 0,
            rounds: 0,
            shut: false,
            end_seen: false,
            wakes_at: None,
            opened: now,
            moved: now,
        }
    }

    /// When it wants to be woken although nothing has happened.
    pub(crate) fn wakes_at(&self) -> Option<Instant> {
        self.wakes_at
    }

    /// Does what can be done at `now`.
    pub(crate) fn advance(
        &mut self,
        talk: &Talk,
        stack: &mut Stack,
        handle: TcpHandle,
        now: Instant,
        ledger: &mut Ledger,
    ) -> Progress {
        let Ok(mut socket) = stack.tcp(handle) else {
            ledger.fail(Oracle::OneError, "a socket that was not released is stale".into());
            return Progress::Lost(SocketError::Aborted);
        };
        match socket.state() {
            State::SynSent | State::SynReceived => return Progress::Going,
            _ => {}
        }
        let readable = self.receive(talk, &mut socket, now, ledger);
        // What has arrived can be read after the connection has ended, at the reader's pace.
        let ended = socket.state() == State::Closed && !self.end_seen && self.wakes_at.is_none();
        if !readable || ended || !self.send(talk, &mut socket, now) {
            return lost(&mut socket, ledger);
        }
        if !self.shut && self.sent == talk.sends(self.side) && talk.may_close(self.side, self.received, self.end_seen) {
            socket.shutdown(now, How::Write);
            self.shut = true;
        }
        if self.shut && self.end_seen { Progress::Complete } else { Progress::Going }
    }

    /// Reads and verifies what is there. False if the connection is lost.
    fn receive(&mut self, talk: &Talk, socket: &mut TcpSocket<'_>, now: Instant, ledger: &mut Ledger) -> bool {
        let slow = talk.reader.filter(|_| self.side == Side::Server);
        if slow.is_some() && self.wakes_at.is_some_and(|at| at > now) {
            return true;
        }
        let mut room = slow.map_or(usize::MAX, |slow| slow.bytes as usize);
        while !self.end_seen && room > 0 {
            match socket.recv_bytes(now, room) {
                Ok(bytes) if bytes.is_empty() => self.end(talk, ledger),
                Ok(bytes) => {
                    room -= bytes.len();
                    self.verify(talk, &bytes, ledger);
                    self.moved = now;
                }
                Err(RecvError::WouldBlock | RecvError::NotConnected) => break,
                Err(_) => return false,
            }
        }
        if let Some(slow) = slow {
            self.wakes_at = (room < slow.bytes as usize).then(|| now + slow.every);
        }
        true
    }

    /// The end of the stream is right only behind its last byte.
    fn end(&mut self, talk: &Talk, ledger: &mut Ledger) {
        ledger.judge(Oracle::StreamEnd);
        self.end_seen = true;
        let all = talk.receives(self.side);
        if self.received != all {
            let what = format!("{}: the stream ended after {} bytes of {all}", self.describe(), self.received);
            ledger.fail(Oracle::StreamEnd, what);
        }
    }

    fn verify(&mut self, talk: &Talk, bytes: &Bytes, ledger: &mut Ledger) {
        ledger.judge(Oracle::StreamBytes);
        let mut bytes = &bytes[..];
        if self.side == Side::Server && self.received < NAME_LEN {
            let at = self.received as usize;
            let len = bytes.len().min(self.name.len() - at);
            self.name[at..at + len].copy_from_slice(&bytes[..len]);
            self.received += len as u64;
            bytes = &bytes[len..];
            if self.received == NAME_LEN {
                self.number = Some(u64::from_le_bytes(self.name) ^ self.key);
            }
        }
        if bytes.is_empty() {
            return;
        }
        let stream = self.stream(match self.side {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        });
        if let Err(mismatch) = stream.verify(self.received, bytes) {
            ledger.fail(Oracle::StreamBytes, format!("{}: {mismatch}", self.describe()));
        }
        self.received += bytes.len() as u64;
        if self.received > talk.receives(self.side) {
            let what =
                format!("{}: {} bytes, and {} were sent", self.describe(), self.received, talk.receives(self.side));
            ledger.fail(Oracle::StreamBytes, what);
        }
    }

    /// The stream that an end sends.
    fn stream(&self, side: Side) -> Stream {
        let number = self.number.unwrap_or_default();
        Stream::new(self.key, number << 1 | u64::from(side == Side::Server))
    }

    fn describe(&self) -> String {
        let side = if self.side == Side::Client { "client" } else { "server" };
        self.number.map_or_else(
            || format!("{side} of an unnamed connection"),
            |number| format!("{side} of connection {number}"),
        )
    }

    /// Sends what may be sent and there is room for. False if the connection is lost.
    fn send(&mut self, talk: &Talk, socket: &mut TcpSocket<'_>, now: Instant) -> bool {
        loop {
            let allowed = self.allowed(talk, now);
            let want = allowed.saturating_sub(self.sent).min(CHUNK as u64) as usize;
            let len = want.min(socket.send_capacity());
            if len == 0 {
                // Only who asks in vain is told when there is room again.
                return want == 0 || socket.send(now, &[0]).is_ok();
            }
            let chunk = self.chunk(len);
            match socket.send_bytes(now, chunk) {
                Ok(0) => return true,
                Ok(sent) => {
                    self.sent += sent as u64;
                    self.moved = now;
                }
                Err(_) => return false,
            }
        }
    }

    /// How many bytes in all may have been sent by now. Begins the client's next round, or sees to it that
    /// it is woken to do so.
    fn allowed(&mut self, talk: &Talk, now: Instant) -> u64 {
        let allowed = talk.may_send(self.side, self.received);
        match self.side {
            Side::Server if self.number.is_none() => 0,
            Side::Server => allowed,
            Side::Client => {
                let begun = |rounds: u32| talk.request.saturating_mul(rounds.into());
                if !talk.overlapped && self.sent == begun(self.rounds) && allowed > self.sent {
                    let at = *self.wakes_at.get_or_insert(now + talk.pause);
                    if at <= now {
                        self.wakes_at = None;
                        self.rounds += 1;
                    }
                }
                if talk.overlapped { allowed } else { allowed.min(begun(self.rounds)) }
            }
        }
    }

    fn chunk(&self, len: usize) -> Bytes {
        let mut chunk = vec![0; len];
        self.stream(self.side).fill(self.sent, &mut chunk);
        if self.side == Side::Client && self.sent < NAME_LEN {
            let name = (self.number.unwrap_or_default() ^ self.key).to_le_bytes();
            let rest = &name[self.sent as usize..];
            let len = rest.len().min(len);
            chunk[..len].copy_from_slice(&rest[..len]);
        }
        chunk.into()
    }
}

/// Takes the socket's error: there must be one, and no second one.
fn lost(socket: &mut TcpSocket<'_>, ledger: &mut Ledger) -> Progress {
    ledger.judge(Oracle::OneError);
    let (first, second) = (socket.take_error(), socket.take_error());
    if let Some(second) = second {
        ledger.fail(Oracle::OneError, format!("after {first:?} a second error: {second}"));
    }
    let error = first.unwrap_or_else(|| {
        let state = socket.state();
        ledger.fail(Oracle::OneError, format!("the connection is lost without an error, in {state:?}"));
        SocketError::Aborted
    });
    Progress::Lost(error)
}
