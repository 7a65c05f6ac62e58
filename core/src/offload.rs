//! From a super-segment to what the device can send: the frames it becomes, or one frame that the
//! device splits itself.

use core::num::NonZeroU16;

use crate::buffer::Runs;
use crate::frame::{Capabilities, TxBatch, TxChecksum};
use crate::ip::output::{LinkHeader, PacketHeader, transport_checksum};
use crate::tcp::seq::SeqNumber;
use crate::tcp::{Outgoing, Tcb};
use crate::wire::checksum::{self, Sum};
use crate::wire::tcp::{self, TcpFlags, TcpHeader};
use crate::wire::{ethernet, ipv4};

/// Payload of one frame up to which it is copied behind the headers and not sliced: at an
/// Ethernet's MTU one contiguous frame costs less than the references.
const COPY_MAX: usize = 2048;
/// The most payload that one turn of a connection takes, in bytes.
pub(crate) const TURN_MAX: usize = 64 * 1024;

/// How much payload a connection may send in one turn: `room` frames of `segment_size`, or one
/// frame that the device splits. At least one segment.
pub(crate) fn payload_max(capabilities: &Capabilities, room: usize, segment_size: usize) -> usize {
    let by_device =
        (capabilities.gso_max_bytes as usize).min(usize::from(capabilities.gso_max_segments) * segment_size);
    let most = if by_device > segment_size { by_device } else { room * segment_size };
    most.min(TURN_MAX).max(segment_size)
}

/// The headers of a frame, without SEG.SEQ and the checksum: those of the frames of a burst differ in nothing else.
struct Head {
    bytes: [u8; Head::LEN_MAX],
    /// Of the pseudo-header alone where the device sums the rest; else of the TCP header too, but for SEG.SEQ.
    sum: Sum,
    /// Where the TCP header begins.
    upper: usize,
    len: usize,
}

impl Head {
    const LEN_MAX: usize = ethernet::HEADER_LEN + ipv4::MAX_HEADER_LEN + tcp::MAX_HEADER_LEN;
    /// Nearly all heads have room in so many bytes: with timestamps, those of IPv6 too.
    const LEN_MOST: usize = 96;

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Length of the TCP header with its options.
    fn upper_len(&self) -> usize {
        self.len - self.upper
    }

    /// Writes the headers to the start of a frame. Where there is room, more than that, which is overwritten: copying
    /// a number of bytes that the compiler knows takes no call.
    #[inline]
    fn write(&self, seq: SeqNumber, frame: &mut [u8]) {
        match (frame.first_chunk_mut(), self.bytes.first_chunk::<{ Head::LEN_MOST }>()) {
            (Some(start), Some(bytes)) if self.len <= Head::LEN_MOST => *start = *bytes,
            _ => self.write_exactly(frame),
        }
        self.write_seq(seq, frame);
    }

    /// Not inlined: of both ways to copy the compiler would make one, with a call for either.
    #[inline(never)]
    fn write_exactly(&self, frame: &mut [u8]) {
        frame[..self.len].copy_from_slice(self.bytes());
    }

    #[inline]
    fn write_seq(&self, seq: SeqNumber, frame: &mut [u8]) {
        frame[self.upper + tcp::SEQ_OFFSET..][..4].copy_from_slice(&seq.0.to_be_bytes());
    }
}

/// The frames of one segment of a connection.
pub(crate) struct Emission<'a> {
    pub(crate) capabilities: &'a Capabilities,
    pub(crate) link: LinkHeader,
    pub(crate) header: PacketHeader<'a>,
    pub(crate) src_port: u16,
    pub(crate) dst_port: u16,
    pub(crate) outgoing: &'a Outgoing,
}

impl Emission<'_> {
    /// Appends the frames to `batch`, payload taken from the connection's send queue; returns how
    /// many packets they are on the wire.
    pub(crate) fn emit(&self, tcb: &mut Tcb, batch: &mut TxBatch) -> u64 {
        let total = self.outgoing.payload_len;
        let size = usize::from(self.outgoing.segment_size).max(1);
        if total > size && self.capabilities.gso_max_bytes as usize >= total {
            self.emit_super_segment(tcb, batch);
            return total.div_ceil(size) as u64;
        }
        let mut text = tcb.send_queue().runs(self.outgoing.payload_offset, total);
        // All frames but the last one differ in their sequence numbers only.
        let mut head = None;
        let mut at = 0;
        let mut frames = 1;
        while total - at > size {
            let head = head.get_or_insert_with(|| self.head(at, size));
            self.emit_frame(head, at, size, &mut text, batch);
            at += size;
            frames += 1;
        }
        self.emit_frame(&self.head(at, total - at), at, total - at, &mut text, batch);
        frames
    }

    /// The header of the piece at `at`, `len` bytes long, but for SEG.SEQ: PSH and FIN are the last piece's
    /// (as TCP segmentation offload does it).
    fn tcp_header(&self, at: usize, len: usize) -> TcpHeader {
        let last = at + len >= self.outgoing.payload_len;
        let flags = if last { self.outgoing.flags } else { self.outgoing.flags - (TcpFlags::PSH | TcpFlags::FIN) };
        TcpHeader {
            src_port: self.src_port,
            dst_port: self.dst_port,
            seq: SeqNumber(0),
            ack: self.outgoing.ack,
            flags,
            window: self.outgoing.window,
            urgent: self.outgoing.urgent,
        }
    }

    /// The headers of the piece at `at`, `len` bytes long.
    fn head(&self, at: usize, len: usize) -> Head {
        let upper_len = tcp::HEADER_LEN + self.outgoing.options.emitted_len() + len;
        let sum = self.header.pseudo_header(upper_len);
        let mut head = Head { bytes: [0; Head::LEN_MAX], sum, upper: self.header.upper_offset(self.link), len: 0 };
        let mut rest = &mut head.bytes[..];
        self.header.emit(self.link, upper_len, &mut rest);
        self.tcp_header(at, len).emit(&self.outgoing.options, &mut rest);
        head.len = Head::LEN_MAX - rest.len();
        if !self.capabilities.tx_checksum {
            head.sum.add_bytes(&head.bytes[head.upper..head.len]);
        }
        head
    }

    /// The frame of the piece at `at`, `len` bytes long.
    fn emit_frame(&self, head: &Head, at: usize, len: usize, text: &mut Runs<'_>, batch: &mut TxBatch) {
        let by_device = self.capabilities.tx_checksum;
        let seq = self.outgoing.seq + at as u32;
        batch.push_with(head.len + len, len as u32, |frame| {
            head.write(seq, frame);
            let (head_at, mut text_at) = frame.split_at_mut(head.len);
            let mut sum = head.sum;
            if !by_device {
                sum.add_u32(seq.0);
            }
            while !text_at.is_empty() {
                let run = text.up_to(text_at.len());
                if run.is_empty() {
                    break;
                }
                let (now, later) = text_at.split_at_mut(run.len());
                if by_device {
                    now.copy_from_slice(run);
                } else {
                    sum.add_copied(run, now);
                }
                text_at = later;
            }
            checksum::store(
                head_at,
                head.upper + tcp::CHECKSUM_OFFSET,
                if by_device { sum.fold() } else { sum.finish() },
            );
            if by_device {
                TxChecksum::Partial { start: head.upper as u16, offset: tcp::CHECKSUM_OFFSET as u16 }
            } else {
                TxChecksum::Complete
            }
        });
    }

    /// One frame for a device that splits it, which always completes checksums too.
    fn emit_super_segment(&self, tcb: &mut Tcb, batch: &mut TxBatch) {
        let (offset, len) = (self.outgoing.payload_offset, self.outgoing.payload_len);
        let head = self.head(0, len);
        let upper_len = head.upper_len() + len;
        let start = batch.begin();
        batch.out().extend_from_slice(head.bytes());
        head.write_seq(self.outgoing.seq, batch.head_mut(start));
        let room = usize::from(self.capabilities.max_slices).min(TxBatch::SLICES_MAX);
        let sliced = if len > COPY_MAX { tcb.send_queue_mut().share(offset, len, room, &mut batch.slices) } else { 0 };
        if sliced < len {
            // More pieces than the device takes: one copy instead.
            batch.truncate_slices(start);
            for run in tcb.send_queue().runs(offset, len) {
                batch.out().extend_from_slice(run);
            }
        }
        let checksum = transport_checksum(batch, start, self.link, &self.header, upper_len, tcp::CHECKSUM_OFFSET, true);
        batch.commit(start, len as u32, NonZeroU16::new(self.outgoing.segment_size), checksum);
    }
}
