//! The user's calls on a connection (RFC 9293 sections 3.10.2 to 3.10.5).

use bytes::Bytes;

use super::handshake::receive_limit;
use super::recv::Reader;
use super::segment::Reset;
use super::send::Fin;
use super::seq::SeqNumber;
use super::timeout::TimerCause;
use super::{Env, State, Tcb};
use crate::config::TcpSettings;
use crate::error::{RecvError, SendError, SocketError};
use crate::event::Readiness;
use crate::time::Duration;

/// Which direction of a connection is shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum How {
    /// Nothing more is received: what arrives is acknowledged and discarded.
    Read,
    /// Nothing more is sent: a FIN follows what was.
    Write,
    /// Both.
    Both,
}

impl How {
    const fn reads(self) -> bool {
        matches!(self, How::Read | How::Both)
    }

    const fn writes(self) -> bool {
        matches!(self, How::Write | How::Both)
    }
}

impl Tcb {
    /// SEND: queues as much of `data` as there is room for, and returns how much that was.
    pub(crate) fn send(&mut self, env: &mut Env<'_>, data: &[u8]) -> Result<usize, SendError> {
        let len = self.take_send_room(data.len())?;
        let (now, _) = data.split_at(len);
        self.snd.queue.push_copy(now, env.chunks);
        self.settle(env);
        Ok(len)
    }

    /// SEND without a copy.
    pub(crate) fn send_bytes(&mut self, env: &mut Env<'_>, mut data: Bytes) -> Result<usize, SendError> {
        let len = self.take_send_room(data.len())?;
        data.truncate(len);
        self.snd.queue.push_bytes(data, env.chunks);
        self.settle(env);
        Ok(len)
    }

    /// How much of `wanted` may be queued. If that is not all, the application is told when there is room.
    fn take_send_room(&mut self, wanted: usize) -> Result<usize, SendError> {
        match self.state {
            State::SynSent | State::SynReceived => return Err(SendError::NotConnected),
            State::Established | State::CloseWait if self.snd.fin == Fin::None => {}
            _ => {
                return Err(match self.failure {
                    None => SendError::Closed,
                    Some(SocketError::Reset) => SendError::Reset,
                    Some(_) => SendError::Failed,
                });
            }
        }
        let len = wanted.min(self.send_capacity());
        self.snd.waiting |= len < wanted;
        Ok(len)
    }

    /// How many bytes `send` would take now.
    pub(crate) fn send_capacity(&self) -> usize {
        (self.settings.send_buffer as usize).saturating_sub(self.snd.queue.len())
    }

    /// How many bytes can be received now.
    pub(crate) fn recv_queue(&self) -> usize {
        self.rcv.queue.len()
    }

    /// RECEIVE: moves what has arrived into `out`; 0 is the end of the stream.
    pub(crate) fn recv(&mut self, env: &mut Env<'_>, out: &mut [u8]) -> Result<usize, RecvError> {
        if self.rcv.queue.is_empty() {
            return self.nothing_to_receive().map(|()| 0);
        }
        let len = self.rcv.queue.read(out, env.chunks);
        self.on_consumed();
        Ok(len)
    }

    /// Whether an acknowledgment is due. Of all that follows from a call, receiving can only cause that: it
    /// may have opened the window.
    #[inline]
    pub(crate) fn owes_acknowledgment(&self) -> bool {
        self.ack.due
    }

    /// RECEIVE without a copy: at most `max` bytes; none is the end of the stream.
    pub(crate) fn recv_bytes(&mut self, env: &mut Env<'_>, max: usize) -> Result<Bytes, RecvError> {
        if self.rcv.queue.is_empty() {
            return self.nothing_to_receive().map(|()| Bytes::new());
        }
        let data = self.rcv.queue.take(max, env.chunks);
        self.on_consumed();
        Ok(data)
    }

    /// Copies what has arrived into `out` and leaves it where it is; 0 is the end of the stream.
    pub(crate) fn peek(&self, out: &mut [u8]) -> Result<usize, RecvError> {
        if self.rcv.queue.is_empty() {
            return self.nothing_to_receive().map(|()| 0);
        }
        let mut rest = out;
        let mut len = 0;
        for run in self.rcv.queue.runs(0, rest.len()) {
            let (now, later) = rest.split_at_mut(run.len());
            now.copy_from_slice(run);
            len += run.len();
            rest = later;
        }
        Ok(len)
    }

    /// The end of the stream, or why there is nothing.
    fn nothing_to_receive(&self) -> Result<(), RecvError> {
        match self.failure {
            Some(SocketError::Reset) => return Err(RecvError::Reset),
            Some(_) => return Err(RecvError::Failed),
            None => {}
        }
        if self.rcv.finished || self.rcv.reader != Reader::Reads || self.state == State::Closed {
            return Ok(());
        }
        Err(match self.state {
            State::SynSent | State::SynReceived => RecvError::NotConnected,
            _ => RecvError::WouldBlock,
        })
    }

    /// The application has read: the window may be worth an update.
    fn on_consumed(&mut self) {
        if self.rcv.up.is_some_and(|up| up <= self.rcv.consumed()) {
            self.rcv.up = None;
        }
        if self.state.receives_text() && self.rcv.update_is_due() {
            self.ack.due = true;
        }
    }

    /// Ends one direction or both.
    pub(crate) fn shutdown(&mut self, env: &mut Env<'_>, how: How) {
        if how.reads() && self.rcv.reader == Reader::Reads {
            self.rcv.reader = Reader::Discards;
            self.rcv.queue.clear(env.chunks);
            self.on_consumed();
            self.readiness |= Readiness::READABLE;
        }
        if how.writes() {
            self.queue_fin();
        }
        self.settle(env);
    }

    /// A FIN follows what is queued. Before ESTABLISHED the state changes only then.
    fn queue_fin(&mut self) {
        match self.state {
            State::SynSent | State::SynReceived => {}
            State::Established => self.state = State::FinWait1,
            State::CloseWait => self.state = State::LastAck,
            _ => return,
        }
        self.snd.fin = Fin::Queued;
        self.snd.waiting = false;
    }

    /// CLOSE: both directions end. What is queued is still sent, as `linger` says; text that nobody
    /// has read, or that arrives from now on, means a reset (RFC 9293 section 3.6.1).
    pub(crate) fn close(&mut self, env: &mut Env<'_>) {
        if self.closed_by_user {
            return;
        }
        self.closed_by_user = true;
        match self.state {
            State::Closed | State::TimeWait => {}
            State::SynSent => self.enter_closed(env),
            _ if !self.rcv.queue.is_empty() || self.rcv.assembler.is_some() => self.reset_and_close(env, None),
            _ if self.settings.linger == Some(Duration::ZERO) => self.reset_and_close(env, None),
            _ => {
                self.queue_fin();
                if let Some(linger) = self.settings.linger {
                    self.timers.arm(TimerCause::Linger, env.now + linger);
                }
                self.watch_fin_wait_2(env);
            }
        }
        self.rcv.reader = Reader::Gone;
        self.rcv.flush(env);
        self.settle(env);
    }

    /// ABORT: the connection ends at once, with a reset where the peer could still be waiting.
    pub(crate) fn abort(&mut self, env: &mut Env<'_>) {
        self.closed_by_user = true;
        self.rcv.reader = Reader::Gone;
        if self.state != State::Closed {
            self.reset_and_close(env, Some(SocketError::Aborted));
        }
    }

    /// The local address turned out to be another host's, or is removed: the connection ends, and the peer is told
    /// (RFC 5227 section 2.4).
    pub(crate) fn lose_address(&mut self, env: &mut Env<'_>) {
        if self.state != State::Closed {
            self.reset_and_close(env, Some(SocketError::AddressLost));
        }
    }

    /// The application gives its handle back: the connection finishes alone.
    pub(crate) fn orphan(&mut self, env: &mut Env<'_>) {
        self.orphan = true;
        self.close(env);
        self.watch_fin_wait_2(env);
        // A closed window stops the user timeout only of a connection that somebody would miss. What can
        // leave starts it when it does.
        if self.window_is_closed() {
            let at = env.now + self.user_timeout(env);
            self.timers.arm_if_idle(TimerCause::UserTimeout, at);
        }
    }

    /// Nobody would read what a peer sends in FIN-WAIT-2: it gets only so much time to close.
    pub(super) fn watch_fin_wait_2(&mut self, env: &Env<'_>) {
        if self.state == State::FinWait2 && self.closed_by_user {
            self.timers.arm_if_idle(TimerCause::FinWait2, env.now + env.config.fin_wait_2_timeout);
        }
    }

    /// RFC 9293 section 3.10.5: `<SEQ=SND.NXT><CTL=RST>` in the states that may send one.
    pub(super) fn reset_and_close(&mut self, env: &mut Env<'_>, error: Option<SocketError>) {
        self.reset = match self.state {
            // No SYN of ours has left: the peer is told as from CLOSED (section 3.10.7.1).
            State::SynReceived if self.snd.nxt == self.snd.iss => {
                Some(Reset { seq: SeqNumber(0), ack: Some(self.rcv.nxt) })
            }
            // The peer may not have it yet; then it goes by the acknowledgment.
            State::SynReceived => Some(Reset { seq: self.snd.nxt, ack: Some(self.rcv.nxt) }),
            State::Established | State::FinWait1 | State::FinWait2 | State::CloseWait => {
                Some(Reset { seq: self.snd.acceptable_seq(), ack: None })
            }
            // What the user's close left to be sent is lost with the connection: the peer is to know.
            State::LastAck | State::Closing if self.snd.unsent() > 0 => {
                Some(Reset { seq: self.snd.acceptable_seq(), ack: None })
            }
            _ => None,
        };
        match error {
            Some(error) => self.fail(env, error),
            None => self.enter_closed(env),
        }
    }

    /// The error that the application has not been told yet.
    pub(crate) fn take_error(&mut self) -> Option<SocketError> {
        self.error.take()
    }

    pub(crate) fn settings(&self) -> &TcpSettings {
        &self.settings
    }

    /// Changes the settings; those that concern the handshake have no effect any more.
    pub(crate) fn set_settings(&mut self, env: &mut Env<'_>, settings: TcpSettings) {
        if settings.keep_alive != self.settings.keep_alive {
            self.timers.stop(TimerCause::KeepAlive);
        }
        if settings.user_timeout != self.settings.user_timeout && self.timers.at(TimerCause::UserTimeout).is_some() {
            self.settings.user_timeout = settings.user_timeout;
            self.timers.arm(TimerCause::UserTimeout, env.now + self.user_timeout(env));
        }
        self.rcv.limit = receive_limit(&settings);
        self.settings = settings;
        self.settle(env);
    }
}
