//! ICMP errors about a connection's segments (RFC 5461, RFC 5927), and what else the way there suffers.

use super::seq::SeqNumber;
use super::{Env, State, Tcb};
use crate::error::SocketError;
use crate::icmp::IcmpError;

impl Tcb {
    /// An ICMP error quoted a segment of ours that began at `seg_seq`. Before the connection is
    /// synchronized it ends the attempt; afterwards, even a "hard" one is only noted, because
    /// anybody could have sent it (RFC 5927 section 5.2, RFC 5461 section 4.1). Returns whether it
    /// was believed: `seg_seq` must be in flight (RFC 5927 section 4.1).
    pub(crate) fn on_icmp_error(&mut self, env: &mut Env<'_>, error: IcmpError, seg_seq: SeqNumber) -> bool {
        let in_flight = self.snd.una <= seg_seq && seg_seq < self.snd.nxt;
        if self.state == State::Closed || !in_flight {
            return false;
        }
        if self.state.is_synchronized() {
            self.soft_error = Some(error.into());
        } else {
            self.fail(env, error.into());
        }
        true
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
