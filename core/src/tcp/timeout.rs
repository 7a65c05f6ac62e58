//! The timers of a connection, and what happens when one expires (RFC 9293 section 3.10.8).

use super::{Env, State, Tcb};
use crate::digest::Digest;
use crate::error::SocketError;
use crate::time::{Duration, Instant};

/// How long silly-window avoidance may hold text back (RFC 9293 section 3.8.6.2.1: 0.1 to 1.0 s).
pub(super) const OVERRIDE: Duration = Duration::from_millis(200);
/// The time between keep-alive probes that are not answered, and their number (as Linux).
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(75);
const KEEP_ALIVE_PROBES: u8 = 9;

/// Which timer of a connection is next to expire, and what its expiry does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum TimerCause {
    /// The RTO: what is in flight is sent again (RFC 6298).
    Retransmission,
    /// The window is closed: it is probed (RFC 9293 section 3.8.6.1).
    ZeroWindowProbe,
    /// Text held back by silly-window avoidance is sent (RFC 9293 section 3.8.6.2.1).
    SillyWindowOverride,
    /// A delayed acknowledgment is sent (RFC 9293 section 3.8.6.3).
    DelayedAck,
    /// A keep-alive probe is sent, or the connection given up (RFC 9293 section 3.8.4).
    KeepAlive,
    /// 2 MSL have passed: TIME-WAIT ends.
    TimeWait,
    /// The peer of a connection that nobody owns any more has not closed: it is given up.
    FinWait2,
    /// The time that `linger` gave a closing connection is over: it is reset.
    Linger,
    /// R2 or the user timeout: the peer has not acknowledged for too long (RFC 9293 sections 3.8.3 and 3.10.8).
    UserTimeout,
}

impl TimerCause {
    /// All causes, in the order in which they run when several are due.
    pub const ALL: [TimerCause; 9] = [
        TimerCause::Retransmission,
        TimerCause::ZeroWindowProbe,
        TimerCause::SillyWindowOverride,
        TimerCause::DelayedAck,
        TimerCause::KeepAlive,
        TimerCause::TimeWait,
        TimerCause::FinWait2,
        TimerCause::Linger,
        TimerCause::UserTimeout,
    ];
}

/// Of a timer that does not run.
const NEVER: Instant = Instant::from_nanos(u64::MAX);

/// When each timer of a connection expires. A few cache lines are looked through after every segment: a time is a
/// word, and one that never comes stands for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiries([Instant; TimerCause::ALL.len()]);

impl Default for Expiries {
    fn default() -> Expiries {
        Expiries([NEVER; TimerCause::ALL.len()])
    }
}

impl Expiries {
    /// When a timer expires; `None` if it does not run.
    pub fn at(&self, cause: TimerCause) -> Option<Instant> {
        Some(self.0[cause as usize]).filter(|at| *at != NEVER)
    }

    /// Lets a timer run until `at`, or not at all.
    pub fn set(&mut self, cause: TimerCause, at: Option<Instant>) {
        self.0[cause as usize] = at.unwrap_or(NEVER);
    }

    /// The timers that run.
    pub fn running(&self) -> impl Iterator<Item = TimerCause> + '_ {
        TimerCause::ALL.into_iter().filter(|cause| self.at(*cause).is_some())
    }

    /// When the first expires.
    fn earliest(&self) -> Option<Instant> {
        let earliest = self.0.iter().fold(NEVER, |earliest, at| earliest.min(*at));
        (earliest != NEVER).then_some(earliest)
    }
}

/// The timers of a connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers {
    pub(super) expiries: Expiries,
    /// The earliest time for which one was armed since [`Timers::take_armed`]. It may have been stopped.
    armed: Option<Instant>,
    /// Keep-alive probes sent since the peer was last heard.
    pub(super) keep_alive_probes: u8,
}

impl Timers {
    pub(super) fn at(&self, cause: TimerCause) -> Option<Instant> {
        self.expiries.at(cause)
    }

    pub(super) fn arm(&mut self, cause: TimerCause, at: Instant) {
        self.expiries.set(cause, Some(at));
        self.armed = Some(self.armed.map_or(at, |earliest| earliest.min(at)));
    }

    /// Arms a timer that does not run yet.
    pub(super) fn arm_if_idle(&mut self, cause: TimerCause, at: Instant) {
        if self.at(cause).is_none() {
            self.arm(cause, at);
        }
    }

    pub(super) fn stop(&mut self, cause: TimerCause) {
        self.expiries.set(cause, None);
    }

    /// No later than the earliest of those armed since the last call: after most segments there is none.
    fn take_armed(&mut self) -> Option<Instant> {
        self.armed.take()
    }

    /// The earliest.
    pub(super) fn deadline(&self) -> Option<(Instant, TimerCause)> {
        let at = self.expiries.earliest()?;
        let cause = TimerCause::ALL.into_iter().find(|&cause| self.at(cause) == Some(at))?;
        Some((at, cause))
    }

    /// Stops and returns a timer that is due at `now`.
    fn take_due(&mut self, now: Instant) -> Option<TimerCause> {
        let (_, cause) = self.deadline().filter(|&(at, _)| at <= now)?;
        self.stop(cause);
        Some(cause)
    }

    pub(super) fn digest(&self, digest: &mut Digest) {
        for cause in TimerCause::ALL {
            digest.option(self.at(cause), Digest::instant);
        }
        digest.u8(self.keep_alive_probes);
    }
}

impl Tcb {
    /// Whether `armed`, the time for which the stack wakes, may be too late. Where there is one, that
    /// can only be by a timer armed since the last call.
    pub(crate) fn may_be_due_before(&mut self, armed: Option<Instant>) -> bool {
        let newly = self.timers.take_armed();
        armed.is_none_or(|armed| newly.is_some_and(|newly| newly < armed))
    }

    /// The earliest timer.
    pub(crate) fn deadline(&self) -> Option<(Instant, TimerCause)> {
        self.timers.deadline()
    }

    /// Runs what is due at `env.now`.
    pub(crate) fn on_timeout(&mut self, env: &mut Env<'_>) {
        // Nothing that runs here arms a timer that is due at once, so this ends.
        while let Some(cause) = self.timers.take_due(env.now) {
            self.expire(env, cause);
        }
        self.settle(env);
    }

    fn expire(&mut self, env: &mut Env<'_>, cause: TimerCause) {
        match cause {
            TimerCause::Retransmission => self.on_retransmission_timeout(env),
            TimerCause::ZeroWindowProbe => {
                self.snd.probe_owed = true;
                self.rtt.back_off();
            }
            TimerCause::SillyWindowOverride => self.snd.override_owed = true,
            TimerCause::DelayedAck => self.ack.due = true,
            TimerCause::KeepAlive => self.on_keep_alive_timeout(env),
            TimerCause::TimeWait | TimerCause::FinWait2 => self.enter_closed(env),
            TimerCause::Linger => self.reset_and_close(env, None),
            TimerCause::UserTimeout => {
                env.counters.timed_out += 1;
                let error = self.soft_error.unwrap_or(SocketError::TimedOut);
                self.fail(env, error);
            }
        }
    }

    /// RFC 6298 sections 5.4 to 5.7, RFC 5681 section 3.1. The timer starts again when the segment leaves.
    fn on_retransmission_timeout(&mut self, env: &mut Env<'_>) {
        env.counters.timeouts += 1;
        self.snd.timed = None;
        if self.state.is_synchronized() {
            self.rtt.back_off();
            let flight = self.snd.flight();
            let first = self.recovery.on_timeout(self.snd.una, self.snd.nxt);
            self.congestion.on_timeout(flight, first);
        } else {
            self.rtt.on_syn_timeout();
            self.snd.syn_owed = true;
        }
    }

    fn on_keep_alive_timeout(&mut self, env: &mut Env<'_>) {
        if self.timers.keep_alive_probes >= KEEP_ALIVE_PROBES {
            env.counters.timed_out += 1;
            let error = self.soft_error.unwrap_or(SocketError::TimedOut);
            return self.fail(env, error);
        }
        self.timers.keep_alive_probes += 1;
        self.snd.keep_alive_owed = true;
        self.timers.arm(TimerCause::KeepAlive, env.now + KEEP_ALIVE_INTERVAL);
    }

    /// The longest that something sent may stay without an acknowledgment.
    pub(super) fn user_timeout(&self, env: &Env<'_>) -> Duration {
        let general = if self.state.is_synchronized() { env.config.retransmit_timeout } else { env.config.syn_timeout };
        self.settings.user_timeout.unwrap_or(general)
    }

    /// SND.WND is 0 in a state that has something to send or in flight.
    pub(super) fn window_is_closed(&self) -> bool {
        let snd = &self.snd;
        snd.wnd == 0 && self.state.sends_text() && snd.has_text_or_fin()
    }

    /// Arms and stops the timers that follow from the state alone. Called at the end of whatever
    /// may have changed it.
    pub(super) fn settle(&mut self, env: &mut Env<'_>) {
        if matches!(self.state, State::Closed | State::TimeWait) {
            return;
        }
        let in_flight = self.snd.in_flight();
        if self.window_is_closed() {
            self.timers.stop(TimerCause::Retransmission);
            if !self.snd.probe_owed {
                let at = env.now + self.rtt.rto(env.config);
                self.timers.arm_if_idle(TimerCause::ZeroWindowProbe, at);
            }
        } else {
            self.timers.stop(TimerCause::ZeroWindowProbe);
            self.snd.probe_owed = false;
            if !in_flight {
                self.timers.stop(TimerCause::Retransmission);
            }
        }
        if !in_flight && !self.window_is_closed() && self.state.is_synchronized() {
            self.timers.stop(TimerCause::UserTimeout);
        }
        if self.is_held_back() {
            self.timers.arm_if_idle(TimerCause::SillyWindowOverride, env.now + OVERRIDE);
        } else {
            self.timers.stop(TimerCause::SillyWindowOverride);
        }
        match self.settings.keep_alive {
            // RFC 9293 MUST-27: only when nothing is in flight; otherwise the RTO watches the peer.
            Some(idle) if self.state.is_synchronized() && !in_flight => {
                self.timers.arm_if_idle(TimerCause::KeepAlive, env.now + idle);
            }
            _ => self.timers.stop(TimerCause::KeepAlive),
        }
    }
}
