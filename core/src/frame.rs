//! Frames as they cross the core's boundary: [`Frame`] in, [`TxBatch`] out, and what a device
//! can do ([`Capabilities`]).

use alloc::vec::Vec;
use bytes::{Bytes, BytesMut};
use core::num::NonZeroU16;
use core::ops::Range;

use crate::digest::Digest;
use crate::provenance::Provenance;
use crate::wire::checksum::Sum;

/// What is known about a received frame's transport checksum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum RxChecksum {
    /// Nothing: the stack verifies it.
    #[default]
    Unverified,
    /// The device vouches for it.
    Verified,
    /// The frame comes from a sender on this host that left the checksum to its device: the field
    /// holds the pseudo-header's sum. Nothing was on a wire that could have damaged it.
    Partial {
        /// Where summing would start, in bytes from the frame's first.
        start: u16,
        /// Where the field is, in bytes from `start`.
        offset: u16,
    },
}

/// What a device tells about a received frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RxMeta {
    /// The state of the transport checksum.
    pub checksum: RxChecksum,
    /// The payload size of the segments that the device merged into this frame; `None` if it merged none.
    pub segment_size: Option<NonZeroU16>,
}

/// A received frame: contiguous bytes from the first octet of the link header, without FCS.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Frame {
    /// The bytes. Payload that is kept is a slice of them.
    pub data: Bytes,
    /// What the device knows of them.
    pub meta: RxMeta,
}

impl From<Bytes> for Frame {
    fn from(data: Bytes) -> Frame {
        Frame { data, meta: RxMeta::default() }
    }
}

/// Who computes the transport checksum of a frame that is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TxChecksum {
    /// The frame holds it.
    #[default]
    Complete,
    /// The device: the field holds the folded, not inverted sum of the pseudo-header, as virtio wants it.
    Partial {
        /// Where summing starts, in bytes from the frame's first.
        start: u16,
        /// Where the field is, in bytes from `start`.
        offset: u16,
    },
}

/// What an interface's device can do. The stack never hands it a frame that goes beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Capabilities {
    /// The largest packet (layer 3), in bytes: 68 to 65,535 for IPv4, at least 1,280 for IPv6.
    pub mtu: u16,
    /// The largest super-segment payload, in bytes, that the device splits itself (TSO); 0 for none.
    pub gso_max_bytes: u32,
    /// The most segments that one super-segment may become.
    pub gso_max_segments: u16,
    /// Whether the device completes transport checksums on transmission.
    pub tx_checksum: bool,
    /// Whether the device vouches for transport checksums on reception.
    pub rx_checksum: bool,
    /// The most slices that one frame may have beside its head: at most [`TxBatch::SLICES_MAX`].
    pub max_slices: u8,
}

impl Capabilities {
    /// A plain Ethernet-like device: no offload of any kind.
    pub const fn plain(mtu: u16) -> Capabilities {
        Capabilities {
            mtu,
            gso_max_bytes: 0,
            gso_max_segments: 1,
            tx_checksum: false,
            rx_checksum: false,
            max_slices: 16,
        }
    }
}

/// One frame of a [`TxBatch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// The frame's first bytes (headers, and payload that was copied), within the batch's heads.
    pub head: Range<u32>,
    /// The rest of the payload, within the batch's slices; at most [`TxBatch::SLICES_MAX`].
    pub slices: Range<u32>,
    /// Bytes of transport payload in the frame, copied and sliced together.
    pub payload_len: u32,
    /// The payload size at which the device splits this super-segment; `None` for an ordinary frame.
    pub segment_size: Option<NonZeroU16>,
    /// Who computes the transport checksum.
    pub checksum: TxChecksum,
}

impl Transmit {
    /// What the device is to do with the frame.
    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.u32(self.payload_len);
        digest.option(self.segment_size, |digest, size| digest.u16(size.get()));
        let partial = match self.checksum {
            TxChecksum::Complete => None,
            TxChecksum::Partial { start, offset } => Some((start, offset)),
        };
        digest.option(partial, |digest, (start, offset)| {
            digest.u16(start);
            digest.u16(offset);
        });
    }
}

/// Frames to send, filled by [`Stack::poll_transmit`](crate::Stack::poll_transmit). All its memory is reused.
#[derive(Clone, Debug, Default)]
pub struct TxBatch {
    /// The heads of all frames, one after another, and behind `filled` bytes of earlier batches:
    /// memory that holds something already can be written by a copy that sums what it copies.
    heads: BytesMut,
    filled: usize,
    /// The payload slices of all frames, one after another.
    pub slices: Vec<Bytes>,
    /// The frames, in the order in which they are to leave.
    pub items: Vec<Transmit>,
    /// Where the frames come from: for each row of one cause the number of its first, in order.
    turns: Vec<(usize, Provenance)>,
}

/// A borrowed frame of a [`TxBatch`]: the head's bytes, then each slice's.
#[derive(Clone, Copy, Debug)]
pub struct TxFrame<'a> {
    /// The first bytes.
    pub head: &'a [u8],
    /// The bytes that follow.
    pub slices: &'a [Bytes],
    /// How the device is to treat them.
    pub transmit: &'a Transmit,
}

impl TxFrame<'_> {
    /// The frame's length in bytes.
    pub fn len(&self) -> usize {
        self.head.len() + self.slices.iter().map(Bytes::len).sum::<usize>()
    }

    /// Whether the frame has no bytes (it never does in a batch that the stack filled).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends the whole frame to `out`.
    pub fn copy_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.head);
        for slice in self.slices {
            out.extend_from_slice(slice);
        }
    }
}

impl TxBatch {
    /// The most slices a frame may have: with its head and a device prefix it fits the kernel's
    /// quick `writev` path.
    pub const SLICES_MAX: usize = 16;
    /// The most frames that one call of `poll_transmit` adds.
    pub const FRAMES_MAX: usize = 64;
    /// Memory that batches share: room for the most frames that an Ethernet carries.
    const SHARED: usize = TxBatch::FRAMES_MAX * 1_536;

    /// An empty batch.
    pub fn new() -> TxBatch {
        TxBatch::default()
    }

    /// Empties the batch and keeps its memory.
    pub fn clear(&mut self) {
        self.filled = 0;
        self.slices.clear();
        self.items.clear();
        self.turns.clear();
    }

    /// The frames from here on have one cause; the first of them is numbered as `provenance` says.
    pub(crate) fn begin_turn(&mut self, provenance: Provenance) {
        let first = self.items.len();
        // A turn without frames leaves none to tell about.
        self.turns.pop_if(|(other, _)| *other == first);
        self.turns.push((first, provenance));
    }

    /// Where frame number `index` comes from; `None` if no stack built it.
    pub fn provenance(&self, index: usize) -> Option<Provenance> {
        let turn = self.turns.partition_point(|(first, _)| *first <= index).checked_sub(1)?;
        let (first, provenance) = self.turns.get(turn).filter(|_| index < self.items.len())?;
        Some(Provenance { serial: provenance.serial + (index - first) as u64, ..*provenance })
    }

    /// How many frames the batch holds.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether the batch holds no frame.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The heads of all frames, one after another: what [`Transmit::head`] is within.
    pub fn heads(&self) -> &[u8] {
        &self.heads[..self.filled]
    }

    /// Adds a frame that was not built by a stack, cut into head and slices; its checksums are complete.
    pub fn push(&mut self, head: &[u8], slices: impl IntoIterator<Item = Bytes>) {
        let start = self.begin();
        self.heads.extend_from_slice(head);
        self.slices.extend(slices);
        self.commit(start, 0, None, TxChecksum::Complete);
        if let Some(item) = self.items.last_mut() {
            let slices = &self.slices[item.slices.start as usize..];
            item.payload_len = slices.iter().map(Bytes::len).sum::<usize>() as u32;
        }
    }

    /// Takes out the memory of the heads. A device that passes frames on in memory hands out slices
    /// of it ([`Transmit::head`]) instead of copies.
    pub fn take_heads(&mut self) -> Bytes {
        self.filled = 0;
        core::mem::take(&mut self.heads).freeze()
    }

    /// Takes out the heads of this batch and keeps the room behind them for the next one. A device that passes
    /// frames on in memory and does not say when they are done with hands out slices of it. Such a slice holds the
    /// memory of what was sent before and after it, about 96 KiB.
    pub fn share_heads(&mut self) -> Bytes {
        let heads = self.heads.split_to(self.filled).freeze();
        if self.heads.capacity() < self.filled {
            self.heads = BytesMut::with_capacity(TxBatch::SHARED);
        }
        self.filled = 0;
        heads
    }

    /// Gives memory back that was taken out of a batch; it is of use if nobody else refers to it.
    #[allow(
        clippy::disallowed_methods,
        reason = "whether the memory can be used again shows nowhere but in what is allocated"
    )]
    pub fn reuse_heads(&mut self, heads: Bytes) {
        self.heads = heads.try_into_mut().unwrap_or_default();
        self.filled = 0;
    }

    /// The frames, in order.
    pub fn frames(&self) -> impl ExactSizeIterator<Item = TxFrame<'_>> {
        self.items.iter().map(|transmit| TxFrame {
            head: &self.heads[transmit.head.start as usize..transmit.head.end as usize],
            slices: &self.slices[transmit.slices.start as usize..transmit.slices.end as usize],
            transmit,
        })
    }
}

/// Where a frame that is being built stands in a batch; see [`TxBatch::begin`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameStart {
    head: u32,
    slices: u32,
}

impl TxBatch {
    /// Starts a frame: what is appended to `out` and pushed to `slices` from here on belongs to it.
    pub(crate) fn begin(&mut self) -> FrameStart {
        self.heads.truncate(self.filled);
        FrameStart { head: self.filled as u32, slices: self.slices.len() as u32 }
    }

    /// Where the head of the frame under construction is appended.
    pub(crate) fn out(&mut self) -> &mut BytesMut {
        &mut self.heads
    }

    /// Adds a frame of which `fill` writes the `len` bytes, whatever they hold.
    #[inline]
    pub(crate) fn push_with(&mut self, len: usize, payload_len: u32, fill: impl FnOnce(&mut [u8]) -> TxChecksum) {
        let (start, slices) = (self.filled, self.slices.len() as u32);
        let end = start + len;
        if self.heads.len() < end {
            self.heads.resize(end, 0);
        }
        let checksum = fill(&mut self.heads[start..end]);
        self.filled = end;
        let head = start as u32..end as u32;
        self.items.push(Transmit { head, slices: slices..slices, payload_len, segment_size: None, checksum });
    }

    /// The bytes of the head under construction.
    pub(crate) fn head_mut(&mut self, start: FrameStart) -> &mut [u8] {
        &mut self.heads[start.head as usize..]
    }

    /// Takes the slices of the frame under construction off again.
    pub(crate) fn truncate_slices(&mut self, start: FrameStart) {
        self.slices.truncate(start.slices as usize);
    }

    /// How many bytes the frames have from the one numbered `first` on.
    pub(crate) fn bytes_from(&self, first: usize) -> u64 {
        let Some(first) = self.items.get(first) else { return 0 };
        let slices = self.slices.get(first.slices.start as usize..).unwrap_or_default();
        let heads = self.filled - first.head.start as usize;
        (heads + slices.iter().map(Bytes::len).sum::<usize>()) as u64
    }

    /// Sums what follows `offset` of the frame under construction into `sum`: head, then slices.
    pub(crate) fn sum_from(&self, start: FrameStart, offset: usize, mut sum: Sum) -> Sum {
        sum.add_bytes(&self.heads[start.head as usize + offset..]);
        for slice in &self.slices[start.slices as usize..] {
            sum.add_bytes(slice);
        }
        sum
    }

    /// Ends the frame that began at `start`.
    pub(crate) fn commit(
        &mut self,
        start: FrameStart,
        payload_len: u32,
        segment_size: Option<NonZeroU16>,
        checksum: TxChecksum,
    ) {
        self.filled = self.heads.len();
        self.items.push(Transmit {
            head: start.head..self.filled as u32,
            slices: start.slices..self.slices.len() as u32,
            payload_len,
            segment_size,
            checksum,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was handed out stays as it was, whatever the batch is filled with later.
    #[test]
    fn shared_heads_stay_as_they_were() {
        let mut batch = TxBatch::new();
        let mut handed_out = Vec::new();
        for round in 0..200_usize {
            batch.clear();
            for frame in 0..=round % 5 {
                let len = 14 + round * 31 % 1_500;
                batch.push_with(len, 0, |bytes| {
                    bytes.fill((round + frame) as u8);
                    TxChecksum::Complete
                });
            }
            let heads = batch.share_heads();
            assert!(batch.heads().is_empty());
            for (frame, item) in batch.items.iter().enumerate() {
                handed_out.push(((round + frame) as u8, heads.slice(item.head.start as usize..item.head.end as usize)));
            }
        }
        assert!(handed_out.iter().all(|(byte, bytes)| bytes.iter().all(|other| other == byte)));
    }

    /// Small batches follow each other in one piece of memory.
    #[test]
    fn small_batches_share_memory() {
        let mut batch = TxBatch::new();
        let mut piece = || {
            batch.clear();
            batch.push(&[7; 60], []);
            batch.share_heads()
        };
        let _first = piece();
        let (second, third) = (piece(), piece());
        assert_eq!(third.as_ptr() as usize - second.as_ptr() as usize, 60);
    }
}
