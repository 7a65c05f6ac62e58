//! ICMP errors about a connection's segments (RFC 5461, RFC 5927), and what else the way there suffers.

use super::seq::SeqNumber;
use super::timeout::TimerCause;
use super::{Env, State, Tcb};
use crate::error::SocketError;
use crate::icmp::IcmpError;

impl Tcb {
    /// An ICMP error quoted a segment of ours that is in flight. Before the connection is synchronized
    /// it ends the attempt; afterwards, even a "hard" one is only noted, because anybody could have
    /// sent it (RFC 5927 section 5.2, RFC 5461 section 4.1).
    pub(crate) fn on_icmp_error(&mut self, env: &mut Env<'_>, error: IcmpError) {
        if self.state.is_synchronized() {
            self.soft_error = Some(error.into());
        } else {
            self.fail(env, error.into());
        }
    }

    /// Whether a segment that began at `seg_seq` may be on its way (RFC 5927 section 4.1).
    pub(crate) fn is_in_flight(&self, seg_seq: SeqNumber) -> bool {
        self.state != State::Closed && self.snd.una <= seg_seq && seg_seq < self.snd.nxt
    }

    /// The path takes at most `mss` bytes beside the fixed headers, from here on.
    pub(crate) fn set_path(&mut self, mss: u16) {
        self.snd.mss_path = mss;
        let now = self.effective_mss();
        if now == self.snd.mss {
            return;
        }
        if now < self.snd.mss && self.snd.in_flight() {
            self.snd.oversized = Some(self.snd.nxt);
        }
        self.snd.mss = now;
        self.congestion.on_segment_size(now);
    }

    /// A router had to drop the segment that began at `seg_seq`, which is in flight, for its size.
    /// Where that is news, all that went out so large is sent again at once in segments that fit: the
    /// routers' queues have nothing to do with it, so neither CWND nor SSTHRESH hears of it (RFC 1191
    /// section 6.4). Later reports of the same burst change nothing.
    pub(crate) fn on_too_big(&mut self, env: &mut Env<'_>, seg_seq: SeqNumber) {
        let is_news = self.snd.oversized.is_some_and(|oversized| seg_seq < oversized);
        if !is_news || !self.state.sends_text() || self.window_is_closed() {
            return;
        }
        self.snd.oversized = None;
        if self.recovery.is_blind_fast() {
            // What duplicates had inflated it by.
            self.congestion.on_recovered(self.snd.flight());
        }
        self.recovery.resend_all(self.snd.una, self.snd.nxt);
        self.timers.stop(TimerCause::Retransmission);
        env.counters.path_mtu_resends += 1;
        self.settle(env);
    }

    /// The local address is not ours any more: nothing can be sent from it, and nothing comes to it.
    pub(crate) fn on_address_lost(&mut self, env: &mut Env<'_>) {
        if self.state != State::Closed {
            self.fail(env, SocketError::AddressLost);
        }
    }

    /// The neighbor did not answer address resolution. A connection being opened by us fails; any
    /// other goes on trying until R2.
    pub(crate) fn on_unreachable(&mut self, env: &mut Env<'_>) {
        match self.state {
            State::Closed => {}
            State::SynSent => self.fail(env, SocketError::HostUnreachable),
            _ => self.soft_error = Some(SocketError::HostUnreachable),
        }
    }
}
