//! From a super-segment to what the device can send: the frames it becomes, or one frame that the
//! device splits itself.

use core::num::NonZeroU16;

use crate::buffer::ChunkPool;
use crate::frame::{Capabilities, FrameStart, TxBatch};
use crate::ip::output::{PacketHeader, Stations, transport_checksum};
use crate::tcp::{Outgoing, Tcb};
use crate::wire::tcp::{self, TcpFlags, TcpHeader};

/// Payload of one frame up to which it is copied behind the headers and not sliced: at an
/// Ethernet's MTU one contiguous frame costs less than the references.
const COPY_MAX: usize = 2048;
/// The most payload that one turn of a connection takes, in bytes.
const TURN_MAX: usize = 64 * 1024;

/// How much payload a connection may send in one turn: `room` frames of `segment_size`, or one
/// frame that the device splits. At least one segment.
pub(crate) fn payload_max(capabilities: &Capabilities, room: usize, segment_size: usize) -> usize {
    let by_device =
        (capabilities.gso_max_bytes as usize).min(usize::from(capabilities.gso_max_segments) * segment_size);
    let most = if by_device > segment_size { by_device } else { room * segment_size };
    most.min(TURN_MAX).max(segment_size)
}

/// The frames of one segment of a connection.
pub(crate) struct Emission<'a> {
    pub(crate) capabilities: &'a Capabilities,
    pub(crate) stations: Stations,
    pub(crate) header: PacketHeader,
    pub(crate) src_port: u16,
    pub(crate) dst_port: u16,
    pub(crate) outgoing: &'a Outgoing,
}

impl Emission<'_> {
    /// Appends the frames to `batch`, payload taken from the connection's send queue; returns how
    /// many packets they are on the wire.
    pub(crate) fn emit(&self, tcb: &mut Tcb, chunks: &mut ChunkPool, batch: &mut TxBatch) -> u64 {
        let total = self.outgoing.payload_len;
        let size = usize::from(self.outgoing.segment_size).max(1);
        if total > size && self.capabilities.gso_max_bytes as usize >= total {
            self.emit_super_segment(tcb, chunks, batch);
            return total.div_ceil(size) as u64;
        }
        let mut at = 0;
        let mut frames = 0;
        loop {
            let len = size.min(total - at);
            self.emit_frame(at, len, tcb, batch);
            at += len;
            frames += 1;
            if at >= total {
                return frames;
            }
        }
    }

    /// The header of the piece at `at`, `len` bytes long: PSH and FIN are the last piece's
    /// (as TCP segmentation offload does it).
    fn tcp_header(&self, at: usize, len: usize) -> TcpHeader {
        let last = at + len >= self.outgoing.payload_len;
        let flags = if last { self.outgoing.flags } else { self.outgoing.flags - (TcpFlags::PSH | TcpFlags::FIN) };
        TcpHeader {
            src_port: self.src_port,
            dst_port: self.dst_port,
            seq: self.outgoing.seq + at as u32,
            ack: self.outgoing.ack,
            flags,
            window: self.outgoing.window,
            urgent: self.outgoing.urgent,
        }
    }

    fn begin(&self, at: usize, len: usize, batch: &mut TxBatch) -> (FrameStart, usize) {
        let head_len = tcp::HEADER_LEN + self.outgoing.options.emitted_len();
        let start = self.header.begin(batch, self.stations, head_len + len);
        self.tcp_header(at, len).emit(&self.outgoing.options, &mut batch.heads);
        (start, head_len + len)
    }

    fn emit_frame(&self, at: usize, len: usize, tcb: &mut Tcb, batch: &mut TxBatch) {
        let (start, upper_len) = self.begin(at, len, batch);
        for run in tcb.send_queue().runs(self.outgoing.payload_offset + at, len) {
            batch.heads.extend_from_slice(run);
        }
        let by_device = self.capabilities.tx_checksum;
        let checksum = transport_checksum(batch, start, &self.header, upper_len, tcp::CHECKSUM_OFFSET, by_device);
        batch.commit(start, len as u32, None, checksum);
    }

    /// One frame for a device that splits it, which always completes checksums too.
    fn emit_super_segment(&self, tcb: &mut Tcb, chunks: &mut ChunkPool, batch: &mut TxBatch) {
        let (offset, len) = (self.outgoing.payload_offset, self.outgoing.payload_len);
        let (start, upper_len) = self.begin(0, len, batch);
        let room = usize::from(self.capabilities.max_slices).min(TxBatch::SLICES_MAX);
        let sliced =
            if len > COPY_MAX { tcb.send_queue_mut().share(offset, len, room, &mut batch.slices, chunks) } else { 0 };
        if sliced < len {
            // More pieces than the device takes: one copy instead.
            batch.truncate_slices(start);
            for run in tcb.send_queue().runs(offset, len) {
                batch.heads.extend_from_slice(run);
            }
        }
        let checksum = transport_checksum(batch, start, &self.header, upper_len, tcp::CHECKSUM_OFFSET, true);
        batch.commit(start, len as u32, NonZeroU16::new(self.outgoing.segment_size), checksum);
    }
}
