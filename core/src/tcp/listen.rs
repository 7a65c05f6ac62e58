//! What CLOSED and LISTEN do with a segment (RFC 9293 sections 3.10.7.1 and 3.10.7.2), and the
//! queues of a listener.

use alloc::collections::VecDeque;

use super::segment::{Reset, Segment};
use super::seq::SeqNumber;
use crate::config::{Limits, TcpSettings};
use crate::digest::Digest;
use crate::error::DropReason;
use crate::socket::TcpHandle;
use crate::wire::tcp::TcpFlags;

/// The reset for a segment that belongs to no connection (RFC 9293 section 3.10.7.1); a reset gets none.
pub(crate) fn reset_for(segment: &Segment<'_>) -> Option<Reset> {
    if segment.has(TcpFlags::RST) {
        return None;
    }
    Some(if segment.has(TcpFlags::ACK) {
        Reset { seq: segment.header.ack, ack: None }
    } else {
        Reset { seq: SeqNumber(0), ack: Some(segment.header.seq + segment.len()) }
    })
}

/// What a listener makes of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// A SYN to be accepted: `Tcb::accept`, then `Listener::on_opened`.
    Open,
    /// The segment is answered with a reset and dropped.
    Reset(Reset, DropReason),
    /// The segment is dropped.
    Drop(DropReason),
}

/// A listener: connections on their way to the application.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    /// What the connections are set to.
    pub(crate) settings: TcpSettings,
    /// How many established connections may wait to be accepted; at least 1.
    backlog: u32,
    /// Connections in SYN-RECEIVED.
    syn_received: u32,
    accept_queue: VecDeque<TcpHandle>,
}

impl Listener {
    pub(crate) fn new(backlog: u32, settings: TcpSettings) -> Listener {
        Listener { settings, backlog: backlog.max(1), syn_received: 0, accept_queue: VecDeque::new() }
    }

    /// RFC 9293 section 3.10.7.2.
    pub(crate) fn on_segment(&self, limits: &Limits, segment: &Segment<'_>) -> Judgement {
        // First, check for a RST: it could not be an answer to anything sent; ignore it.
        if segment.has(TcpFlags::RST) {
            return Judgement::Drop(DropReason::TcpResetNoSocket);
        }
        // Second, check for an ACK: any is bad; <SEQ=SEG.ACK><CTL=RST>.
        if segment.has(TcpFlags::ACK) {
            return Judgement::Reset(Reset { seq: segment.header.ack, ack: None }, DropReason::TcpNoSocket);
        }
        // Third, check for a SYN.
        if segment.has(TcpFlags::SYN) {
            // SYN and FIN together come from no TCP; the FIN could not be processed here in any case.
            if segment.has(TcpFlags::FIN) {
                return Judgement::Drop(DropReason::TcpFlags);
            }
            let full =
                self.accept_queue.len() as u64 >= u64::from(self.backlog) || self.syn_received >= limits.syn_queue;
            return if full { Judgement::Drop(DropReason::TcpBacklog) } else { Judgement::Open };
        }
        // Fourth, other data or control: drop the segment.
        Judgement::Drop(DropReason::TcpFlags)
    }

    /// A connection was opened and is in SYN-RECEIVED.
    pub(crate) fn on_opened(&mut self) {
        self.syn_received += 1;
    }

    /// A connection left SYN-RECEIVED for ESTABLISHED.
    pub(crate) fn on_established(&mut self, handle: TcpHandle) {
        self.syn_received = self.syn_received.saturating_sub(1);
        self.accept_queue.push_back(handle);
    }

    /// A connection left SYN-RECEIVED for CLOSED.
    pub(crate) fn on_refused(&mut self) {
        self.syn_received = self.syn_received.saturating_sub(1);
    }

    /// The next connection for the application.
    pub(crate) fn accept(&mut self) -> Option<TcpHandle> {
        self.accept_queue.pop_front()
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.u32(self.backlog);
        digest.u32(self.syn_received);
        digest.count(self.accept_queue.len());
        for handle in &self.accept_queue {
            digest.handle(*handle);
        }
    }
}
