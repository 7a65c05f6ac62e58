//! Second, check the RST bit (RFC 9293 section 3.10.7.4, RFC 5961 section 3).

use super::{Check, DONE, PASS, dropped};
use crate::error::{DropReason, SocketError};
use crate::tcp::segment::Segment;
use crate::tcp::{Env, State, Tcb};
use crate::wire::tcp::TcpFlags;

impl Tcb {
    /// 1) A RST outside of the window did not pass the sequence number check.
    #[inline(never)]
    pub(super) fn check_rst(&mut self, env: &mut Env<'_>, segment: &Segment<'_>) -> Check {
        if !segment.has(TcpFlags::RST) {
            return PASS;
        }
        if self.state == State::TimeWait {
            // RFC 1337 section 3, fix (F1): an old reset must not end TIME-WAIT.
            return dropped(DropReason::TcpFlags);
        }
        if segment.header.seq != self.rcv.nxt {
            // 3) In the window, but not RCV.NXT: a challenge ACK.
            self.challenge(env);
            return dropped(DropReason::TcpChallenged);
        }
        // 2) Exactly RCV.NXT: the connection is reset.
        env.counters.resets_received += 1;
        match self.state {
            // From LISTEN: "return this connection to LISTEN state"; the user need not be informed.
            State::SynReceived if self.passive => self.enter_closed(env),
            State::SynReceived => self.fail(env, SocketError::Refused),
            State::Closing | State::LastAck => self.enter_closed(env),
            _ => self.fail(env, SocketError::Reset),
        }
        DONE
    }
}
