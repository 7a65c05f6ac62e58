//! What a connection looked like after a call: for those who verify the stack from inside.

use core::net::SocketAddr;

use super::recovery::Phase;
use super::send::Fin;
use super::seq::SeqNumber;
use super::timeout::Expiries;
use super::{State, Tcb, TimerCause};
use crate::provenance::{Occasion, Trigger};
use crate::socket::TcpHandle;
use crate::time::Instant;
use crate::wire::tcp::TcpFlags;

/// How far loss recovery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovering {
    /// Nothing is known to be lost.
    No,
    /// Fast recovery: duplicate acknowledgments or SACK told of a loss (RFC 5681 section 3.2, RFC 6675).
    Fast,
    /// The retransmission timer has expired (RFC 6298 section 5).
    Timeout,
}

/// A connection as it was when a call or a fact about it had been dealt with. Sizes are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Examination {
    /// Its handle; no two connections of a stack ever have the same.
    pub handle: TcpHandle,
    /// The local end.
    pub local: SocketAddr,
    /// The remote end.
    pub remote: SocketAddr,
    /// When.
    pub at: Instant,
    /// What the call or the fact was.
    pub trigger: Trigger,
    /// The control bits of the segment that it was, if it was one of this connection.
    pub segment: Option<TcpFlags>,
    /// The state.
    pub state: State,
    /// ISS.
    pub iss: SeqNumber,
    /// SND.UNA.
    pub una: SeqNumber,
    /// SND.NXT: one past the highest sequence number sent.
    pub nxt: SeqNumber,
    /// SND.WND, scaled up.
    pub wnd: u32,
    /// RCV.NXT.
    pub rcv_nxt: SeqNumber,
    /// Text that is queued and was not sent yet.
    pub unsent: u32,
    /// A FIN is to be sent, or in flight.
    pub fin_queued: bool,
    /// CWND.
    pub cwnd: u32,
    /// The slow start threshold; `u32::MAX` before the first loss.
    pub ssthresh: u32,
    /// SMSS.
    pub smss: u32,
    /// Loss recovery.
    pub recovering: Recovering,
    /// How often the RTO is doubled.
    pub backoff: u8,
    /// Something is to leave at once that a timer or a call has asked for.
    pub owes: bool,
    /// The end of the segment whose round trip is being timed.
    pub timed: Option<SeqNumber>,
    /// Challenge ACKs sent in this second.
    pub challenges: u32,
    /// RCV.WND: what is left of the window offered.
    pub rcv_wnd: u32,
    /// Text that was received and not read yet.
    pub unread: u32,
    /// An acknowledgment is to be sent.
    pub ack_due: bool,
    /// When each timer expires.
    pub timers: Expiries,
}

impl Examination {
    /// When a timer expires; `None` if it does not run.
    pub fn timer(&self, cause: TimerCause) -> Option<Instant> {
        self.timers.at(cause)
    }
}

impl Tcb {
    /// As the examination of a connection that `occasion` has touched; `segment` is what it has brought.
    pub(crate) fn examine(
        &self,
        handle: TcpHandle,
        ends: [SocketAddr; 2],
        occasion: Occasion,
        segment: Option<TcpFlags>,
    ) -> Examination {
        let [local, remote] = ends;
        Examination {
            handle,
            local,
            remote,
            at: occasion.at,
            trigger: occasion.trigger,
            segment,
            state: self.state,
            iss: self.snd.iss,
            una: self.snd.una,
            nxt: self.snd.nxt,
            wnd: self.snd.wnd,
            rcv_nxt: self.rcv.nxt,
            unsent: self.snd.unsent(),
            fin_queued: self.snd.fin == Fin::Queued,
            cwnd: self.congestion.cwnd(),
            ssthresh: self.congestion.ssthresh(),
            smss: u32::from(self.snd.mss),
            recovering: match self.recovery.phase {
                Phase::Open => Recovering::No,
                Phase::Fast => Recovering::Fast,
                Phase::Loss => Recovering::Timeout,
            },
            backoff: self.rtt.backoff(),
            owes: self.snd.syn_owed || self.snd.probe_owed || self.recovery.force,
            timed: self.snd.timed.map(|(end, _)| end),
            challenges: self.challenge.sent,
            rcv_wnd: self.rcv.wnd(),
            unread: self.rcv.queue.len() as u32,
            ack_due: self.ack.due || self.ack.is_special(),
            timers: self.timers.expiries,
        }
    }
}
