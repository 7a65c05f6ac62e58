//! A segment arrives (RFC 9293 section 3.10.7): the checks in the RFC's order, each in a function
//! that either lets the segment pass or says what became of it.
//!
//! - this file: the order; sequence number, timestamp and SYN
//! - `syn_sent`: section 3.10.7.3
//! - `reset`: the RST bit, the second check
//! - `ack`: the ACK field, the fifth check
//! - `text`: URG, text and FIN, the sixth to eighth

mod ack;
mod reset;
mod syn_sent;
mod text;

use core::ops::ControlFlow;

use super::segment::{Arrival, Segment};
use super::timeout::TimerCause;
use super::{Env, State, Tcb};
use crate::error::DropReason;
use crate::time::Duration;
use crate::wire::tcp::{TcpFlags, TcpHeader};
use crate::wire::tcp_options::SackRange;

/// For how long TS.Recent is judged by (RFC 7323 section 5.5).
const PAWS_IDLE: Duration = Duration::from_hours(24 * 24);

/// Whether a segment goes on to the next check.
type Check = ControlFlow<Arrival>;

/// The segment is dropped.
#[cold]
const fn dropped(reason: DropReason) -> Check {
    Check::Break(Arrival::Dropped(reason))
}

/// The segment has been used; the remaining checks do not apply.
const DONE: Check = Check::Break(Arrival::Accepted);
const PASS: Check = Check::Continue(());

impl Tcb {
    /// A segment arrives. What is kept of its text is taken out of it.
    pub(crate) fn on_segment(&mut self, env: &mut Env<'_>, segment: &mut Segment<'_>) -> Arrival {
        env.counters.segments_received += 1;
        self.on_peer_heard();
        let before = (self.state, self.snd.una, self.snd.wnd);
        let flow = match self.state {
            State::Closed => dropped(DropReason::TcpNoSocket),
            State::SynSent => self.in_syn_sent(env, segment),
            _ => self.in_other_states(env, segment),
        };
        // Of what the timers follow from a segment changes these alone, and text alone none of them; but keep-alive
        // starts anew.
        if before != (self.state, self.snd.una, self.snd.wnd) || self.settings.keep_alive.is_some() {
            self.settle(env);
        }
        flow.break_value().unwrap_or(Arrival::Accepted)
    }

    /// RFC 9293 section 3.10.7.4.
    fn in_other_states(&mut self, env: &mut Env<'_>, segment: &mut Segment<'_>) -> Check {
        // What the checks about SYN, RST and other states are not about; they stand apart, so that what
        // nearly every segment runs through lies close together.
        let plain = self.state == State::Established && !segment.has(TcpFlags::SYN | TcpFlags::RST);
        if !plain {
            self.check_reopen(env, segment)?;
        }
        // RFC 7323 section 5.3 puts R1 before the first check.
        self.check_paws(env, segment)?;
        if !plain {
            self.check_syn_again(env, segment)?;
        }
        // First, check sequence number.
        self.check_sequence(env, segment)?;
        if !plain {
            // Second, check the RST bit.
            self.check_rst(env, segment)?;
            // Third, check security: there is none.
            // Fourth, check the SYN bit.
            self.check_syn(env, segment)?;
        }
        // Fifth, check the ACK field.
        self.check_ack(env, segment)?;
        // R3 comes before these checks in the RFC's text; a segment that they drop, perhaps forged,
        // must not set what later ones are judged by.
        self.take_timestamp(env, segment);
        // Sixth, check the URG bit.
        if segment.has(TcpFlags::URG) {
            self.check_urg(segment);
        }
        // Seventh, process the segment text. Eighth, check the FIN bit.
        self.take_text(env, segment, segment.header.seq)
    }

    /// The peer lives: keep-alive starts anew.
    fn on_peer_heard(&mut self) {
        if self.settings.keep_alive.is_some() {
            self.timers.stop(TimerCause::KeepAlive);
            self.timers.keep_alive_probes = 0;
            self.snd.keep_alive_owed = false;
        }
    }

    /// TIME-WAIT and a SYN that begins a new connection: by its timestamp if there is one to compare
    /// with (RFC 6191 section 2), by its sequence number otherwise (RFC 9293 MAY-2).
    #[inline(never)]
    fn check_reopen(&self, env: &Env<'_>, segment: &Segment<'_>) -> Check {
        let syn = segment.header.flags & (TcpFlags::SYN | TcpFlags::ACK | TcpFlags::RST) == TcpFlags::SYN;
        if self.state != State::TimeWait || !syn {
            return PASS;
        }
        let beyond = segment.header.seq >= self.rcv.nxt;
        let new = match (self.timestamps.on, segment.options.timestamps) {
            (true, Some(timestamps)) => {
                let ahead = timestamps.value.wrapping_sub(self.timestamps.recent).cast_signed();
                ahead > 0 || (ahead == 0 && beyond)
            }
            // A host that begins to send timestamps starts a new series of them.
            (false, Some(_)) => env.config.timestamps || beyond,
            (_, None) => beyond,
        };
        if new { Check::Break(Arrival::Reopen) } else { PASS }
    }

    /// R1 of RFC 7323 section 5.3: a timestamp older than TS.Recent means an old duplicate.
    fn check_paws(&mut self, env: &mut Env<'_>, segment: &Segment<'_>) -> Check {
        if !self.timestamps.on || segment.has(TcpFlags::RST) {
            return PASS;
        }
        let Some(timestamps) = segment.options.timestamps else {
            // RFC 7323 section 3.2: once agreed on, the option is in every segment but resets.
            return dropped(DropReason::TcpPaws);
        };
        let behind = timestamps.value.wrapping_sub(self.timestamps.recent).cast_signed() < 0;
        if behind && env.now.since(self.timestamps.recent_at) <= PAWS_IDLE {
            self.answer_unacceptable(env, segment);
            return dropped(DropReason::TcpPaws);
        }
        PASS
    }

    /// SYN-RECEIVED and the peer's SYN once more. Alone, our SYN-ACK was lost: it is sent again. With
    /// the ACK of our SYN, both sides opened at once: the sequence number check would refuse it, so
    /// it goes on without the SYN (RFC 9293 section 3.5 figure 7, appendix A.2).
    #[inline(never)]
    fn check_syn_again(&mut self, env: &mut Env<'_>, segment: &mut Segment<'_>) -> Check {
        let again = segment.has(TcpFlags::SYN) && !segment.has(TcpFlags::RST) && segment.header.seq == self.rcv.irs;
        if self.state != State::SynReceived || !again {
            return PASS;
        }
        if !segment.has(TcpFlags::ACK) {
            self.snd.syn_owed = true;
            return DONE;
        }
        let header =
            TcpHeader { seq: segment.header.seq + 1, flags: segment.header.flags - TcpFlags::SYN, ..segment.header };
        let mut rest = Segment { header, options: segment.options, text: segment.text };
        // The window of a segment with SYN is never scaled (RFC 7323 section 2.2).
        let scale = core::mem::take(&mut self.snd.scale);
        let flow = self.in_other_states(env, &mut rest);
        self.snd.scale = scale;
        Check::Break(flow.break_value().unwrap_or(Arrival::Accepted))
    }

    /// First, check sequence number.
    fn check_sequence(&mut self, env: &mut Env<'_>, segment: &Segment<'_>) -> Check {
        let (seq, len, nxt) = (segment.header.seq, segment.len(), self.rcv.nxt);
        let edge = self.rcv.edge;
        let in_window = |seq| nxt <= seq && seq < edge;
        let acceptable = match (len, self.rcv.wnd()) {
            // With the window closed only RCV.NXT is acceptable; text there is cut off later, so that
            // "valid ACKs, URGs, and RSTs" are taken.
            (_, 0) => seq == nxt,
            (0, _) => in_window(seq),
            // Also a segment longer than the window that begins before it and ends behind it has
            // new parts; the RFC's two tests would miss it.
            (len, _) => in_window(seq) || (seq < nxt && seq + len > nxt),
        };
        if acceptable {
            return PASS;
        }
        if !segment.has(TcpFlags::RST) {
            self.answer_unacceptable(env, segment);
            if self.state == State::TimeWait && segment.has(TcpFlags::FIN) && seq + len == nxt {
                // The only thing that can arrive here: the peer's FIN again. Restart the 2 MSL timeout.
                self.timers.arm(TimerCause::TimeWait, env.now + env.config.msl * 2);
            }
        }
        dropped(DropReason::TcpUnacceptable)
    }

    /// "If an incoming segment is not acceptable, an acknowledgment should be sent in reply". To text
    /// or a FIN sent again always: its acknowledgment was lost. To anything else within the limit of challenge
    /// ACKs, or two ends that disagree would answer each other for ever (RFC 5961 section 10).
    #[cold]
    fn answer_unacceptable(&mut self, env: &mut Env<'_>, segment: &Segment<'_>) {
        let seq = segment.header.seq;
        let end = seq + segment.text.len() as u32;
        if segment.len() == 0 || segment.has(TcpFlags::SYN) || end > self.rcv.nxt {
            return self.challenge(env);
        }
        self.ack.due = true;
        if !segment.text.is_empty() {
            env.counters.duplicates += 1;
            if self.sack {
                self.ack.duplicate_range(SackRange { start: seq, end });
            }
        }
    }

    /// R3 of RFC 7323 section 4.3: TS.Recent moves with the segment that the next acknowledgment answers.
    fn take_timestamp(&mut self, env: &Env<'_>, segment: &Segment<'_>) {
        if let (true, Some(timestamps)) = (self.timestamps.on, segment.options.timestamps)
            && segment.header.seq <= self.rcv.last_ack_sent
        {
            self.timestamps.recent = timestamps.value;
            self.timestamps.recent_at = env.now;
        }
    }

    /// Fourth, check the SYN bit.
    #[inline(never)]
    fn check_syn(&mut self, env: &mut Env<'_>, segment: &Segment<'_>) -> Check {
        if !segment.has(TcpFlags::SYN) {
            return PASS;
        }
        if self.state == State::SynReceived && self.passive {
            // "return this connection to the LISTEN state": this block goes, the listener remains.
            self.enter_closed(env);
            return dropped(DropReason::TcpFlags);
        }
        // RFC 5961 section 4: a challenge ACK.
        self.challenge(env);
        dropped(DropReason::TcpChallenged)
    }
}
