//! What CLOSED and LISTEN do with a segment (RFC 9293 sections 3.10.7.1 and 3.10.7.2), and the
//! queues of a listener.

use alloc::collections::VecDeque;

use super::segment::{Reset, Segment};
use super::seq::SeqNumber;
use crate::config::{Limits, TcpSettings};
use crate::digest::Digest;
use crate::error::DropReason;
use crate::socket::TcpHandle;
use crate::socket::table::GONE_MAX;
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
    /// The same, if a connection in SYN-RECEIVED can make room for it.
    OpenIfRoom,
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
    /// Those, the oldest first, among others that have left it since.
    syn_queue: VecDeque<TcpHandle>,
    accept_queue: VecDeque<TcpHandle>,
}

impl Listener {
    pub(crate) fn new(backlog: u32, settings: TcpSettings) -> Listener {
        Listener {
            settings,
            backlog: backlog.max(1),
            syn_received: 0,
            syn_queue: VecDeque::new(),
            accept_queue: VecDeque::new(),
        }
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
            if self.accept_queue.len() as u64 >= u64::from(self.backlog) {
                return Judgement::Drop(DropReason::TcpBacklog);
            }
            return if self.syn_received >= limits.syn_queue { Judgement::OpenIfRoom } else { Judgement::Open };
        }
        // Fourth, other data or control: drop the segment.
        Judgement::Drop(DropReason::TcpFlags)
    }

    /// A connection was opened and is in SYN-RECEIVED. `is_queued` tells whether one still is.
    pub(crate) fn on_opened(&mut self, handle: TcpHandle, is_queued: impl Fn(TcpHandle) -> bool) {
        self.syn_received += 1;
        self.syn_queue.push_back(handle);
        if self.syn_queue.len() > self.syn_received as usize + GONE_MAX {
            self.syn_queue.retain(|&handle| is_queued(handle));
        }
    }

    /// The oldest connection in SYN-RECEIVED. Those before it that have left it are forgotten.
    pub(crate) fn oldest_opened(&mut self, is_queued: impl Fn(TcpHandle) -> bool) -> Option<TcpHandle> {
        while let Some(&handle) = self.syn_queue.front() {
            if is_queued(handle) {
                return Some(handle);
            }
            self.syn_queue.pop_front();
        }
        None
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
        for queue in [&self.syn_queue, &self.accept_queue] {
            digest.count(queue.len());
            for handle in queue {
                digest.handle(*handle);
            }
        }
    }
}
