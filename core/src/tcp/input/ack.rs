//! Fifth, check the ACK field (RFC 9293 section 3.10.7.4), with what acknowledgments mean for loss
//! recovery and congestion control.

use super::{Check, DONE, PASS, dropped};
use crate::error::DropReason;
use crate::event::Readiness;
use crate::tcp::recovery::{Phase, Progress};
use crate::tcp::segment::{Reset, Segment};
use crate::tcp::send::Fin;
use crate::tcp::timeout::TimerCause;
use crate::tcp::{Env, State, Tcb};
use crate::time::Duration;
use crate::wire::tcp::TcpFlags;

impl Tcb {
    pub(super) fn check_ack(&mut self, env: &mut Env<'_>, segment: &Segment<'_>) -> Check {
        // "if the ACK bit is off, drop the segment and return"
        if !segment.has(TcpFlags::ACK) {
            return dropped(DropReason::TcpNoAck);
        }
        let ack = segment.header.ack;
        let window = u32::from(segment.header.window) << self.snd.scale;
        if self.state == State::SynReceived {
            return self.check_ack_of_syn(env, segment, window);
        }
        // RFC 5961 section 5: SND.UNA - MAX.SND.WND =< SEG.ACK =< SND.NXT, else an ACK is sent back.
        if ack > self.snd.nxt || ack < self.snd.una - self.snd.max_wnd {
            self.challenge(env);
            return dropped(DropReason::TcpAck);
        }
        if self.state == State::TimeWait {
            return PASS;
        }
        self.acknowledge(env, segment, window);
        if self.snd.fin == Fin::Acknowledged { self.on_fin_acknowledged(env) } else { PASS }
    }

    /// The processing of SYN-RECEIVED.
    #[inline(never)]
    fn check_ack_of_syn(&mut self, env: &mut Env<'_>, segment: &Segment<'_>, window: u32) -> Check {
        let ack = segment.header.ack;
        if ack <= self.snd.una || ack > self.snd.nxt {
            // <SEQ=SEG.ACK><CTL=RST>. RFC 5961's range guards synchronized states only.
            self.reset = Some(Reset { seq: ack, ack: None });
            return dropped(DropReason::TcpAck);
        }
        self.set_window(segment, window);
        self.measure(env, segment);
        self.snd.acknowledge(ack, env);
        self.establish(env);
        PASS
    }

    /// The processing of ESTABLISHED, which the later states share.
    fn acknowledge(&mut self, env: &mut Env<'_>, segment: &Segment<'_>, window: u32) {
        let (ack, una) = (segment.header.ack, self.snd.una);
        if ack > una {
            self.on_new_ack(env, segment);
        }
        let told = self.sack && !segment.options.sack.is_empty() && ack >= una;
        let news = told && self.take_sack(env, segment);
        // A duplicate: with SACK, what tells something new (RFC 6675 section 2); else RFC 5681 section 2.
        let nothing_else = segment.len() == 0 && window == self.snd.wnd;
        if ack == una && self.snd.in_flight() && self.snd.wnd > 0 && if self.sack { news } else { nothing_else } {
            self.on_duplicate_ack(env);
        }
        if ack >= una {
            self.update_send_window(env, segment, window);
        }
    }

    /// Whether the peer's SACK blocks tell something new.
    #[cold]
    fn take_sack(&mut self, env: &Env<'_>, segment: &Segment<'_>) -> bool {
        let limit = usize::from(env.limits.tcp_ranges);
        let news = self.recovery.on_sack(self.snd.una, self.snd.nxt, &segment.options.sack, limit);
        if news {
            self.recovery.update_lost_edge(self.snd.una, u32::from(self.snd.mss));
        }
        news
    }

    /// SND.UNA < SEG.ACK =< SND.NXT.
    fn on_new_ack(&mut self, env: &mut Env<'_>, segment: &Segment<'_>) {
        self.measure(env, segment);
        let una = self.snd.una;
        let text = self.snd.acknowledge(segment.header.ack, env);
        let una_now = self.snd.una;
        // RFC 2861's question, answered by position: was CWND full when this was sent?
        let was_limited = self.snd.limited.is_some_and(|limited| una < limited);
        if self.snd.limited.is_some_and(|limited| una_now >= limited) {
            self.snd.limited = None;
        }
        match self.recovery.on_advance(una_now, u32::from(self.snd.mss)) {
            Progress::Open if was_limited => self.congestion.on_ack(text),
            Progress::FastPartial if !self.sack => self.congestion.deflate(text),
            Progress::Recovered if !self.sack => self.congestion.on_recovered(self.snd.flight()),
            Progress::Open | Progress::FastPartial | Progress::Recovered => {}
            Progress::Loss => self.congestion.on_ack_after_timeout(text),
        }
        // RFC 6298 sections 5.2 and 5.3. Where nothing is in flight any more, `settle` stops both.
        self.timers.arm(TimerCause::Retransmission, env.now + self.rtt.rto(env.config));
        self.timers.arm(TimerCause::UserTimeout, env.now + self.user_timeout(env));
        self.soft_error = None;
        self.progress = true;
        if text > 0 && self.snd.queue.is_empty() {
            self.readiness |= Readiness::DRAINED;
        }
        let room = self.settings.send_buffer.saturating_sub(self.snd.queue.len() as u32);
        if self.snd.waiting && room >= self.settings.send_buffer / 3 {
            // Not for every segment's worth of room: a writer woken for so little is costly.
            self.snd.waiting = false;
            self.readiness |= Readiness::WRITABLE;
        }
    }

    /// Takes a measurement of the round trip: of the segment being timed, or else by the timestamp
    /// that is echoed (RFC 7323 section 4.1), if it resolves it.
    pub(super) fn measure(&mut self, env: &Env<'_>, segment: &Segment<'_>) {
        if let Some((end, sent)) = self.snd.timed
            && segment.header.ack >= end
        {
            self.snd.timed = None;
            return self.rtt.sample(env.now.since(sent), 1);
        }
        let (true, Some(timestamps)) = (self.timestamps.on, segment.options.timestamps) else { return };
        let ticks = self.timestamps.value(env.now).wrapping_sub(timestamps.echo);
        match ticks {
            // Within a tick or two of its own resolution it says only that the path is fast.
            0 | 1 if self.rtt.is_measured() => self.rtt.clear_backoff(),
            0..=0x7fff_ffff => {
                let expected = self.snd.flight().div_ceil(2 * u32::from(self.snd.mss));
                self.rtt.sample(Duration::from_millis(u64::from(ticks.max(1))), expected);
            }
            // An echo of something never sent.
            _ => {}
        }
    }

    #[cold]
    fn on_duplicate_ack(&mut self, env: &mut Env<'_>) {
        match self.recovery.phase {
            Phase::Open => {
                if self.recovery.on_duplicate(self.snd.una, self.snd.nxt) {
                    env.counters.fast_retransmits += 1;
                    self.congestion.on_loss(self.recovery.flight, !self.sack);
                    self.recovery.enter_fast(self.snd.una, self.snd.nxt);
                }
            }
            Phase::Fast if !self.sack => self.congestion.inflate(),
            Phase::Fast | Phase::Loss => {}
        }
    }

    fn update_send_window(&mut self, env: &mut Env<'_>, segment: &Segment<'_>, window: u32) {
        let was_closed = self.snd.wnd == 0;
        self.snd.update_window(segment.header.seq, segment.header.ack, window);
        if was_closed || self.snd.wnd == 0 {
            self.on_closed_window(env, was_closed);
        }
    }

    /// The window is closed, or was until now.
    #[cold]
    fn on_closed_window(&mut self, env: &Env<'_>, was_closed: bool) {
        // The peer answers, so the connection stays, for as long as the window is closed (RFC 9293
        // section 3.8.6.1); but not one that nobody would miss, or a peer could hold it for ever.
        if !self.orphan {
            self.timers.stop(TimerCause::UserTimeout);
        }
        if was_closed && self.snd.wnd > 0 {
            self.rtt.clear_backoff();
            if self.snd.in_flight() {
                // What went into the closed window, the probe at least, was refused.
                self.recovery.resend_all(self.snd.una, self.snd.nxt);
                self.timers.arm(TimerCause::UserTimeout, env.now + self.user_timeout(env));
            }
        }
    }

    /// What the acknowledgment of our FIN means in each state.
    #[cold]
    fn on_fin_acknowledged(&mut self, env: &mut Env<'_>) -> Check {
        match self.state {
            // "if the FIN segment is now acknowledged, then enter FIN-WAIT-2 and continue processing"
            State::FinWait1 => {
                self.state = State::FinWait2;
                self.timers.stop(TimerCause::Linger);
                self.watch_fin_wait_2(env);
                PASS
            }
            // "if the ACK acknowledges our FIN, then enter the TIME-WAIT state"
            State::Closing => {
                self.enter_time_wait(env);
                DONE
            }
            // "delete the TCB, enter the CLOSED state, and return"
            State::LastAck => {
                self.enter_closed(env);
                DONE
            }
            _ => PASS,
        }
    }
}
