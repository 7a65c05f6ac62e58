//! A segment on its way in ([`Segment`]), on its way out ([`Outgoing`]), and the reset that stands
//! for one ([`Reset`]).

use bytes::Bytes;

use super::seq::SeqNumber;
use crate::error::DropReason;
use crate::wire::tcp::{TcpFlags, TcpHeader};
use crate::wire::tcp_options::TcpOptions;

/// A segment that arrived. Lengths, checksum and ports have been verified. The text may be longer
/// than an MSS where a device has merged segments.
pub(crate) struct Segment<'a> {
    pub(crate) header: TcpHeader,
    pub(crate) options: &'a TcpOptions,
    /// Lent: what is kept is taken out of it.
    pub(crate) text: &'a mut Bytes,
}

impl Segment<'_> {
    pub(super) fn has(&self, flags: TcpFlags) -> bool {
        self.header.flags.intersects(flags)
    }

    /// SEG.LEN: the text, with SYN and FIN counted.
    pub(super) fn len(&self) -> u32 {
        self.text.len() as u32 + u32::from(self.has(TcpFlags::SYN)) + u32::from(self.has(TcpFlags::FIN))
    }
}

/// What became of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It was used.
    Accepted,
    /// It was not.
    Dropped(DropReason),
    /// TIME-WAIT, and the SYN of a new connection: the block goes, the segment is the listener's
    /// (RFC 9293 section 3.10.7.4, RFC 6191).
    Reopen,
}

/// A reset that is owed: `<SEQ=seq><CTL=RST>`, with `<ACK=ack>` where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reset {
    pub(crate) seq: SeqNumber,
    pub(crate) ack: Option<SeqNumber>,
}

/// A segment that leaves. Ports and addresses are the stack's to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outgoing {
    pub(crate) seq: SeqNumber,
    pub(crate) ack: SeqNumber,
    pub(crate) flags: TcpFlags,
    /// As it stands in the header: scaled down.
    pub(crate) window: u16,
    pub(crate) urgent: u16,
    pub(crate) options: TcpOptions,
    /// Where the text begins in the send queue.
    pub(crate) payload_offset: usize,
    pub(crate) payload_len: usize,
    /// Longer text is cut into pieces of this many bytes; PSH and FIN belong to the last.
    pub(crate) segment_size: u16,
}
