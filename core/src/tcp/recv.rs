//! The receive sequence space (RFC 9293 section 3.3.1) and the window offered (section 3.8.6).

use alloc::boxed::Box;

use super::assembler::Assembler;
use super::seq::SeqNumber;
use super::{Env, State};
use crate::buffer::ByteQueue;
use crate::digest::Digest;

/// The largest shift count (RFC 7323 section 2.3).
pub(super) const SCALE_MAX: u8 = 14;

/// One part in so many of the buffer is spare: the rounding of scaled windows may fill it.
const SPARE: u32 = 4;

/// Who takes what arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Reader {
    /// The application.
    #[default]
    Reads,
    /// Nobody: it has shut down this direction; text is acknowledged and discarded.
    Discards,
    /// Nobody: it has closed; text means a reset (RFC 9293 section 3.6.1).
    Gone,
}

#[derive(Clone, Debug)]
pub(super) struct ReceiveSpace {
    pub(super) irs: SeqNumber,
    pub(super) nxt: SeqNumber,
    /// The right edge of the window as last offered: RCV.NXT + RCV.WND. It never moves left.
    pub(super) edge: SeqNumber,
    /// Text is taken up to here, although the edge may be beyond: a quarter more than the buffer ahead of
    /// what the application had read when the window was last offered. It never moves left either.
    bound: SeqNumber,
    /// Last.ACK.sent (RFC 7323 section 4.3): what the last acknowledgment said.
    pub(super) last_ack_sent: SeqNumber,
    /// Rcv.Wind.Shift: ours to announce; 0 if scaling was not agreed on.
    pub(super) scale: u8,
    /// The most bytes queued: what bounds the window.
    pub(super) limit: u32,
    /// RMSS: the segment size announced.
    pub(super) mss: u16,
    /// The longest text of a segment so far, up to RMSS: what "full-sized" means for delayed acknowledgments.
    pub(super) full_size: u16,
    pub(super) reader: Reader,
    /// The peer's FIN was received in order.
    pub(super) finished: bool,
    /// The sequence number of a FIN that arrived out of order.
    pub(super) fin: Option<SeqNumber>,
    /// RCV.UP, while it is ahead of what was consumed.
    pub(super) up: Option<SeqNumber>,
    pub(super) queue: ByteQueue,
    pub(super) assembler: Option<Box<Assembler>>,
}

impl ReceiveSpace {
    pub(super) fn new(limit: u32, mss: u16) -> ReceiveSpace {
        ReceiveSpace {
            irs: SeqNumber(0),
            nxt: SeqNumber(0),
            edge: SeqNumber(0),
            bound: SeqNumber(0),
            last_ack_sent: SeqNumber(0),
            scale: 0,
            limit,
            mss,
            full_size: 0,
            reader: Reader::default(),
            finished: false,
            fin: None,
            up: None,
            queue: ByteQueue::default(),
            assembler: None,
        }
    }

    /// The peer's SYN arrived with sequence number `irs`. The window beside our SYN is not scaled
    /// (RFC 7323 section 2.2).
    pub(super) fn synchronize(&mut self, irs: SeqNumber) {
        self.irs = irs;
        self.nxt = irs + 1;
        self.edge = self.nxt + u32::from(self.syn_window());
        self.bound = self.nxt + (self.limit + self.limit / SPARE);
        self.last_ack_sent = self.nxt;
    }

    /// The window field of a SYN.
    pub(super) fn syn_window(&self) -> u16 {
        u16::try_from(self.limit).unwrap_or(u16::MAX)
    }

    /// RCV.WND: what is left of the window offered.
    pub(super) fn wnd(&self) -> u32 {
        self.edge.bytes_since(self.nxt)
    }

    /// The smallest shift with which `limit` fits the field.
    pub(super) fn scale_for(limit: u32) -> u8 {
        (0..SCALE_MAX).find(|&scale| u16::try_from(limit >> scale).is_ok()).unwrap_or(SCALE_MAX)
    }

    /// What could be offered.
    fn room(&self) -> u32 {
        self.limit.saturating_sub(self.queue.len() as u32)
    }

    /// The window field to offer now. The edge moves right only by a worthwhile amount: a full
    /// segment, or half the buffer if that is less (RFC 9293 section 3.8.6.2.2).
    pub(super) fn window(&self) -> u16 {
        let (wnd, room) = (self.wnd(), self.room() >> self.scale << self.scale);
        let worthwhile = room > wnd && room - wnd >= u32::from(self.mss).min(self.limit / 2);
        self.field(if worthwhile { room } else { wnd })
    }

    /// The window field that leaves the edge where it is.
    pub(super) fn window_unmoved(&self) -> u16 {
        self.field(self.wnd())
    }

    /// The field for a window of `wnd` bytes, rounded up so that the scale does not move the edge to the left
    /// (RFC 7323 section 2.4 leaves the choice). A peer that sends less than a unit at a time so pushes the edge
    /// on: what bounds the buffer is [`takes_to`](Self::takes_to).
    fn field(&self, wnd: u32) -> u16 {
        u16::try_from(wnd.div_ceil(1 << self.scale)).unwrap_or(u16::MAX)
    }

    /// Text is taken up to here. What lies between this and the edge was offered by rounding, with an unread
    /// buffer overrun by a quarter already: the peer sends it again.
    pub(super) fn takes_to(&self) -> SeqNumber {
        let spare = self.consumed() + (self.limit + self.limit / SPARE);
        self.edge.min(self.bound.max(spare))
    }

    /// `window` was offered.
    pub(super) fn offer(&mut self, window: u16) {
        self.edge = self.edge.max(self.nxt + (u32::from(window) << self.scale));
        self.last_ack_sent = self.nxt;
        self.bound = self.bound.max(self.consumed() + (self.limit + self.limit / SPARE));
    }

    /// Whether an update of the window is worth a segment of its own: the peer sees at most half of
    /// the buffer, and the edge can move by two segments or half the buffer. While it sees more, the next
    /// acknowledgment is early enough. RFC 9293 section 3.8.6.2.2 says by how much the edge may move (a segment, see
    /// [`window`](Self::window)), not when that is worth a segment: two, as of text (section 3.8.6.3), is our choice.
    pub(super) fn update_is_due(&self) -> bool {
        // Without scaling the field, not the buffer, may be what bounds the window.
        let expressible = u32::from(u16::MAX) << self.scale;
        let (wnd, room, limit) = (self.wnd(), self.room().min(expressible), self.limit.min(expressible));
        wnd <= limit / 2 && room.saturating_sub(wnd) >= (2 * u32::from(self.mss)).min(limit / 2)
    }

    /// The sequence number of the next byte that the application reads.
    pub(super) fn consumed(&self) -> SeqNumber {
        self.nxt - u32::from(self.finished) - self.queue.len() as u32
    }

    /// Drops all that has arrived.
    pub(super) fn flush(&mut self, env: &mut Env<'_>) {
        self.queue.clear(env.chunks);
        self.assembler = None;
        self.up = None;
    }

    pub(super) fn check(&self, state: State) -> Result<(), &'static str> {
        if state == State::SynSent {
            return Ok(());
        }
        if self.edge < self.nxt - u32::from(self.finished) {
            return Err("RCV.NXT is beyond the window offered");
        }
        if self.takes_to() < self.nxt - u32::from(self.finished) {
            return Err("more text was taken than there is room for");
        }
        if self.last_ack_sent > self.nxt {
            return Err("Last.ACK.sent is after RCV.NXT");
        }
        if let Some(assembler) = &self.assembler {
            if assembler.is_empty() {
                return Err("an assembler is kept although it is empty");
            }
            assembler.check(self.nxt)?;
        }
        Ok(())
    }

    pub(super) fn digest(&self, digest: &mut Digest) {
        for seq in [self.irs, self.nxt, self.edge, self.bound, self.last_ack_sent] {
            digest.u32(seq.0);
        }
        digest.u8(self.scale);
        digest.u32(self.limit);
        digest.u16(self.mss);
        digest.u16(self.full_size);
        digest.u8(self.reader as u8);
        digest.bool(self.finished);
        digest.option(self.fin, |digest, fin| digest.u32(fin.0));
        digest.option(self.up, |digest, up| digest.u32(up.0));
        digest.count(self.queue.len());
        for run in self.queue.runs(0, self.queue.len()) {
            digest.bytes(run);
        }
        digest.option(self.assembler.as_ref(), |digest, assembler| assembler.digest(digest));
    }
}
