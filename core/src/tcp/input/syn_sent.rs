//! A segment arrives in SYN-SENT (RFC 9293 section 3.10.7.3).

use super::{Check, DONE, dropped};
use crate::error::{DropReason, SocketError};
use crate::tcp::segment::{Reset, Segment};
use crate::tcp::{Env, State, Tcb};
use crate::wire::tcp::TcpFlags;

impl Tcb {
    pub(super) fn in_syn_sent(&mut self, env: &mut Env<'_>, segment: &mut Segment<'_>) -> Check {
        let header = segment.header;
        let (ack, rst) = (segment.has(TcpFlags::ACK), segment.has(TcpFlags::RST));
        // First, check the ACK bit.
        if ack && (header.ack <= self.snd.iss || header.ack > self.snd.nxt) {
            if !rst {
                self.reset = Some(Reset { seq: header.ack, ack: None });
            }
            return dropped(DropReason::TcpAck);
        }
        // Second, check the RST bit.
        if rst {
            if !ack {
                return dropped(DropReason::TcpFlags);
            }
            env.counters.resets_received += 1;
            self.fail(env, SocketError::Refused);
            return DONE;
        }
        // Third, check security: there is none.
        // Fourth, check the SYN bit. Fifth, without SYN or RST: drop the segment.
        if !segment.has(TcpFlags::SYN) {
            return dropped(DropReason::TcpFlags);
        }
        self.synchronize(env, segment);
        if !ack {
            // Both sides open at once. Text beside the SYN is left to be sent again.
            self.state = State::SynReceived;
            self.snd.syn_owed = true;
            return DONE;
        }
        // Our SYN has been acknowledged: ESTABLISHED, and an ACK is sent.
        self.measure(env, segment);
        self.snd.acknowledge(header.ack, env);
        self.establish(env);
        self.ack.due = true;
        // "If there are other controls or text in the segment, then continue processing at the sixth step".
        self.check_urg(segment);
        self.take_text(env, segment, header.seq + 1)
    }
}
