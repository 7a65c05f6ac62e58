//! TCP (RFC 9293): one connection as a pure state machine, `Tcb`.
//!
//! Facts come in through `on_segment`, `on_timeout`, `on_icmp_error` and the user calls; they change
//! state and never build a segment. Segments leave through `next_segment` alone, one at a time, when
//! the stack has a frame for them: SND.NXT, the RTO's start, the RTT sample, TSval and the offered
//! window are decided there.
//!
//! | module | what | RFC |
//! |---|---|---|
//! | [`seq`] | sequence numbers modulo 2^32 | 9293 3.4 |
//! | `segment` | a segment in, a segment out, a reset owed | 9293 3.1 |
//! | `listen` | CLOSED and LISTEN, backlog and accept queue | 9293 3.10.7.1, .2 |
//! | `handshake` | opening, and what the options agree on | 9293 3.5, 7323, 2018 |
//! | `calls` | the user's OPEN, SEND, RECEIVE, CLOSE, ABORT | 9293 3.10.1 to .6 |
//! | `input` | a segment arrives: the checks in their order | 9293 3.10.7 |
//! | `output` | which segment is next, and what emitting it commits | 9293 3.8 |
//! | `send` | the send sequence space | 9293 3.3.1 |
//! | `recv` | the receive sequence space and the window offered | 9293 3.8.6 |
//! | `pending_ack` | the acknowledgments that are owed | 5681 4.2, 2018, 2883 |
//! | `assembler` | out-of-order text | 9293 SHLD-31 |
//! | `sack` | the scoreboard of what the peer holds | 2018, 6675 |
//! | `recovery` | fast retransmit, loss recovery, retransmission timeout | 5681, 6582, 6675 |
//! | `rtt` | SRTT, RTTVAR, RTO | 6298 |
//! | `congestion` | CWND and SSTHRESH | 5681, 6928 |
//! | `timeout` | the timers and what they do | 9293 3.10.8 |
//! | `icmp` | ICMP errors about this connection | 5461, 5927 |
//! | `info` | what an application can ask about a connection | |
//! | `examination` | what a connection looked like after a call, for those who verify from inside | |
//! | `counters` | what all connections of a stack did | |
//!
//! The send sequence space (RFC 9293 figure 3), with the send queue under it:
//!
//! ```text
//!            1         2          3          4
//!       ----------|----------|----------|----------
//!              SND.UNA    SND.NXT    SND.UNA
//!                                   +SND.WND
//!                 [ in flight ][ unsent ........ ]
//!                 [ queue: una ............. end ] FIN
//!
//! 1 - acknowledged    2 - in flight    3 - allowed to be sent    4 - not yet allowed
//! ```
//!
//! In recovery, what is in flight divides further (`recovery`):
//!
//! ```text
//!   SND.UNA        HighRxt         lost_edge                 SND.NXT
//!      | retransmitted | lost, not yet sent again | in flight |
//!               (SACKed ranges of the scoreboard lie anywhere in it)
//! ```
//!
//! The receive sequence space (RFC 9293 figure 4):
//!
//! ```text
//!            1          2          3
//!       ----------|----------|----------
//!              RCV.NXT    RCV.EDGE = RCV.NXT + RCV.WND as last offered
//!   [ queue ]        [r1]  [r2]  ranges of the assembler
//!
//! 1 - acknowledged    2 - acceptable    3 - not acceptable
//! ```

pub mod seq;

mod assembler;
mod calls;
mod congestion;
mod counters;
mod examination;
mod handshake;
mod icmp;
mod info;
mod input;
mod listen;
mod output;
mod pending_ack;
mod recovery;
mod recv;
mod rtt;
mod sack;
mod segment;
mod send;
mod timeout;

#[cfg(test)]
mod tests;

use core::fmt;

use crate::buffer::{ByteQueue, ChunkPool};
use crate::config::{Limits, TcpConfig, TcpSettings};
use crate::digest::Digest;
use crate::error::SocketError;
use crate::event::Readiness;
use crate::time::{Duration, Instant};

pub use calls::How;
pub(crate) use counters::TcpCounters;
pub use examination::{Examination, Recovering};
pub(crate) use handshake::Open;
pub use info::TcpInfo;
pub(crate) use listen::{Judgement, Listener, reset_for};
pub(crate) use segment::{Arrival, Outgoing, Reset, Segment};
pub use timeout::{Expiries, TimerCause};

use congestion::Congestion;
use pending_ack::PendingAck;
use recovery::Recovery;
use recv::ReceiveSpace;
use rtt::Rtt;
use send::SendSpace;
use seq::SeqNumber;
use timeout::Timers;

/// A connection's state (RFC 9293 section 3.3.2). LISTEN is a listener's and not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum State {
    /// No connection: it has ended.
    Closed,
    /// A SYN was sent, or is about to be.
    SynSent,
    /// A SYN was received and sent; the acknowledgment of ours is awaited.
    SynReceived,
    /// Data flows both ways.
    Established,
    /// We have closed; the acknowledgment of our FIN is awaited.
    FinWait1,
    /// Our FIN is acknowledged; the peer's is awaited.
    FinWait2,
    /// The peer has closed; we have not.
    CloseWait,
    /// Both have closed, and the acknowledgment of our FIN is awaited.
    Closing,
    /// The peer closed first, then we; the acknowledgment of our FIN is awaited.
    LastAck,
    /// Both have closed; old duplicates die out for 2 MSL.
    TimeWait,
}

impl State {
    /// Every state, in the order of declaration.
    pub const ALL: [State; 10] = [
        State::Closed,
        State::SynSent,
        State::SynReceived,
        State::Established,
        State::FinWait1,
        State::FinWait2,
        State::CloseWait,
        State::Closing,
        State::LastAck,
        State::TimeWait,
    ];

    /// Whether both sides' SYNs are acknowledged: ESTABLISHED and all later states except CLOSED.
    pub const fn is_synchronized(self) -> bool {
        !matches!(self, State::Closed | State::SynSent | State::SynReceived)
    }

    /// Whether the peer's FIN is still to come in a state that takes text.
    const fn receives_text(self) -> bool {
        matches!(self, State::Established | State::FinWait1 | State::FinWait2)
    }

    /// Whether text or a FIN of ours may be sent, for the first time or again.
    const fn sends_text(self) -> bool {
        matches!(self, State::Established | State::CloseWait | State::FinWait1 | State::Closing | State::LastAck)
    }

    /// The state's name as RFC 9293 writes it.
    pub const fn name(self) -> &'static str {
        match self {
            State::Closed => "CLOSED",
            State::SynSent => "SYN-SENT",
            State::SynReceived => "SYN-RECEIVED",
            State::Established => "ESTABLISHED",
            State::FinWait1 => "FIN-WAIT-1",
            State::FinWait2 => "FIN-WAIT-2",
            State::CloseWait => "CLOSE-WAIT",
            State::Closing => "CLOSING",
            State::LastAck => "LAST-ACK",
            State::TimeWait => "TIME-WAIT",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a call on a connection may use of the stack around it.
pub(crate) struct Env<'a> {
    pub(crate) now: Instant,
    pub(crate) config: &'a TcpConfig,
    pub(crate) limits: &'a Limits,
    pub(crate) chunks: &'a mut ChunkPool,
    pub(crate) counters: &'a mut TcpCounters,
}

/// The transmission control block: everything there is of one connection (RFC 9293 section 3.3.1).
#[derive(Clone, Debug)]
pub(crate) struct Tcb {
    state: State,
    /// Opened by a listener; where it is refused, nobody is told (RFC 9293 section 3.10.7.4).
    passive: bool,
    /// The application has given its handle back.
    orphan: bool,
    /// CLOSE was called: neither direction has a user any more.
    closed_by_user: bool,
    /// SACK was agreed on.
    sack: bool,
    /// Window scaling was agreed on.
    scaling: bool,
    /// New data of ours was acknowledged since the last question (RFC 4861 section 7.3.1).
    progress: bool,
    readiness: Readiness,
    snd: SendSpace,
    rcv: ReceiveSpace,
    timestamps: TimestampClock,
    ack: PendingAck,
    rtt: Rtt,
    congestion: Congestion,
    recovery: Recovery,
    timers: Timers,
    challenge: ChallengeLimit,
    settings: TcpSettings,
    /// What ended the connection, for as long as the block exists.
    failure: Option<SocketError>,
    /// What the application has not been told yet.
    error: Option<SocketError>,
    /// An ICMP error that did not end the connection: named if the user timeout does (RFC 5461 section 2).
    soft_error: Option<SocketError>,
    reset: Option<Reset>,
}

/// The state of the timestamps option (RFC 7323 sections 4.3 and 5).
#[derive(Clone, Copy, Debug)]
struct TimestampClock {
    /// The option was agreed on.
    on: bool,
    /// What is added to the time in milliseconds to give TSval, so that it tells no uptime.
    offset: u32,
    /// TS.Recent: the value to echo.
    recent: u32,
    /// When TS.Recent was set: after 24 days it is no longer judged by (RFC 7323 section 5.5).
    recent_at: Instant,
}

impl TimestampClock {
    /// TSval: milliseconds, offset.
    fn value(&self, now: Instant) -> u32 {
        (now.as_millis() as u32).wrapping_add(self.offset)
    }
}

/// How many challenge ACKs this second has seen (RFC 5961 section 7).
#[derive(Clone, Copy, Debug)]
struct ChallengeLimit {
    since: Instant,
    sent: u32,
}

impl ChallengeLimit {
    fn allows(&mut self, now: Instant, per_second: u32) -> bool {
        if now.since(self.since) >= Duration::from_secs(1) {
            *self = ChallengeLimit { since: now, sent: 0 };
        }
        if self.sent >= per_second {
            return false;
        }
        self.sent += 1;
        true
    }
}

impl Tcb {
    pub(crate) fn state(&self) -> State {
        self.state
    }

    /// Eff.snd.MSS: the most text that one segment carries.
    pub(crate) fn segment_size(&self) -> usize {
        usize::from(self.snd.mss)
    }

    /// Ends TIME-WAIT before its time, for a new connection between the same ends.
    pub(crate) fn end_time_wait(&mut self, env: &mut Env<'_>) {
        self.enter_closed(env);
    }

    /// A SYN in TIME-WAIT that no listener takes: a challenge ACK (RFC 5961 section 4).
    pub(crate) fn refuse_reopening(&mut self, env: &mut Env<'_>) {
        self.challenge(env);
    }

    /// SND.NXT.
    pub(crate) fn snd_nxt(&self) -> SeqNumber {
        self.snd.nxt
    }

    /// Gives the memory of what nobody will read or send back to the pool.
    pub(crate) fn release_buffers(&mut self, chunks: &mut ChunkPool) {
        self.snd.queue.clear(chunks);
        self.rcv.queue.clear(chunks);
    }

    /// Where the payload of an [`Outgoing`] lies.
    pub(crate) fn send_queue(&self) -> &ByteQueue {
        &self.snd.queue
    }

    /// The same, to share slices from.
    pub(crate) fn send_queue_mut(&mut self) -> &mut ByteQueue {
        &mut self.snd.queue
    }

    /// What changed since the last call.
    pub(crate) fn take_readiness(&mut self) -> Readiness {
        core::mem::take(&mut self.readiness)
    }

    /// The reset that is owed, if one is.
    pub(crate) fn take_reset(&mut self) -> Option<Reset> {
        self.reset.take()
    }

    /// Whether new data was acknowledged since the last call: the peer is reachable (RFC 4861 section 7.3.1).
    pub(crate) fn take_forward_progress(&mut self) -> bool {
        core::mem::take(&mut self.progress)
    }

    /// Owes a challenge ACK, or any other answer that a forged segment could ask for, within the
    /// rate limit (RFC 5961 section 7).
    fn challenge(&mut self, env: &mut Env<'_>) {
        if self.challenge.allows(env.now, env.config.challenge_acks_per_second) {
            self.ack.due = true;
            env.counters.challenge_acks += 1;
        }
    }

    /// Ends the connection with `error`, told to the application.
    fn fail(&mut self, env: &mut Env<'_>, error: SocketError) {
        self.failure = Some(error);
        self.error = Some(error);
        self.readiness |= Readiness::ERROR;
        self.rcv.flush(env);
        self.enter_closed(env);
    }

    /// CLOSED: nothing is sent, nothing is awaited. Text that arrived in order stays readable unless
    /// it was flushed before.
    fn enter_closed(&mut self, env: &mut Env<'_>) {
        self.state = State::Closed;
        self.timers = Timers::default();
        self.ack = PendingAck::default();
        self.snd.flush(env);
        self.rcv.assembler = None;
        self.recovery = Recovery::default();
        self.readiness |= Readiness::CLOSED;
    }

    /// TIME-WAIT for 2 MSL; the other timers are turned off (RFC 9293 section 3.10.7.4).
    fn enter_time_wait(&mut self, env: &mut Env<'_>) {
        self.state = State::TimeWait;
        self.timers = Timers::default();
        self.timers.arm(TimerCause::TimeWait, env.now + env.config.msl * 2);
        self.recovery = Recovery::default();
    }

    /// Writes what can be observed of the connection.
    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.u8(self.state as u8);
        for flag in
            [self.passive, self.orphan, self.closed_by_user, self.sack, self.scaling, self.progress, self.timestamps.on]
        {
            digest.bool(flag);
        }
        digest.u8(self.readiness.bits());
        self.snd.digest(digest);
        self.rcv.digest(digest);
        self.ack.digest(digest);
        digest.u32(self.timestamps.offset);
        digest.u32(self.timestamps.recent);
        digest.instant(self.timestamps.recent_at);
        self.rtt.digest(digest);
        self.congestion.digest(digest);
        self.recovery.digest(digest);
        self.timers.digest(digest);
        digest.instant(self.challenge.since);
        digest.u32(self.challenge.sent);
        for error in [self.failure, self.error, self.soft_error] {
            digest.option(error, |digest, error| digest.u8(error as u8));
        }
        digest.option(self.reset, |digest, reset| {
            digest.u32(reset.seq.0);
            digest.option(reset.ack, |digest, ack| digest.u32(ack.0));
        });
    }

    /// What must hold between any two calls; the text names what does not.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if self.state == State::Closed {
            return if self.timers.deadline().is_some() { Err("a timer runs in CLOSED") } else { Ok(()) };
        }
        self.snd.check()?;
        self.rcv.check(self.state)?;
        self.recovery.check(self.snd.una, self.snd.nxt)?;
        if self.state == State::TimeWait {
            return match self.timers.at(TimerCause::TimeWait) {
                Some(_) => Ok(()),
                None => Err("no timer in TIME-WAIT"),
            };
        }
        let retransmission = self.timers.at(TimerCause::Retransmission).is_some();
        let probe = self.timers.at(TimerCause::ZeroWindowProbe).is_some();
        let owed = self.snd.syn_owed || self.snd.probe_owed || self.recovery.force;
        if self.window_is_closed() {
            if retransmission {
                return Err("the RTO runs while the window is closed");
            }
            if !probe && !owed {
                return Err("the window is closed and nothing will probe it");
            }
        } else {
            if probe {
                return Err("a zero-window probe is armed and the window is open");
            }
            if retransmission != self.snd.in_flight() && !owed {
                return Err("the RTO does not run exactly while something is in flight");
            }
        }
        Ok(())
    }
}
