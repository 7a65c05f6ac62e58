//! Bytes that wait: [`ByteQueue`], a stream's queue of shared slices, and [`ChunkPool`], the
//! memory behind what is copied.
//!
//! ```text
//!   start                                            tail_at          end
//!     |  piece (Bytes)  |  piece (Bytes)  | piece ...  |  tail (BytesMut)  |
//! ```
//!
//! Large slices are queued as they are. What is copied fills chunks; a full chunk is frozen into a
//! piece, and its memory comes back through the pool once the last slice of it is gone
//! (`BytesMut::try_reclaim`), so a warm stream allocates nothing.

use alloc::collections::{VecDeque, vec_deque};
use alloc::vec::Vec;
use bytes::{Buf, Bytes, BytesMut};

/// The size of a chunk in which a stream's copied bytes collect, in bytes.
const CHUNK: usize = 16 * 1024;
/// The size of the first chunk of a queue that holds little: ten thousand sockets with a few
/// unread bytes each must not pin 16 KiB apiece.
const CHUNK_SMALL: usize = 2 * 1024;
/// Slices below this length are copied when they are kept: a few bytes must not pin a whole frame.
pub(crate) const COPY_BELOW: usize = 512;
/// How many chunks a pool keeps for reuse, per size, those counted that are still in use: a stream
/// with 1 MiB on its way has 64.
const POOLED: usize = 1024;
/// How many chunks are looked at for one that nobody refers to any more.
const PROBES: usize = 8;

/// What a kept slice of `len` bytes is charged against a limit: its length rounded up to 256, plus
/// 64. A function of the length alone; capacities and reference counts must not reach anything
/// observable.
pub(crate) const fn charge(len: usize) -> usize {
    len.div_ceil(256) * 256 + 64
}

/// Chunks whose memory is used again once nothing refers to it.
#[derive(Debug, Default)]
pub(crate) struct ChunkPool {
    small: VecDeque<BytesMut>,
    large: VecDeque<BytesMut>,
    /// What is left of the chunk that `copy` cuts from: many short slices share one.
    open: Option<BytesMut>,
}

/// A clone starts with an empty pool: spare memory is not state.
impl Clone for ChunkPool {
    fn clone(&self) -> ChunkPool {
        ChunkPool::default()
    }
}

impl ChunkPool {
    fn ring(&mut self, size: usize) -> &mut VecDeque<BytesMut> {
        if size == CHUNK_SMALL { &mut self.small } else { &mut self.large }
    }

    /// An empty chunk of `size` bytes: one of the oldest, if nobody refers to it any more. Those that
    /// are in use are passed over, for what an idle connection holds may stay there for hours.
    fn take(&mut self, size: usize) -> BytesMut {
        let ring = self.ring(size);
        for _ in 0..PROBES {
            let Some(mut chunk) = ring.pop_front() else { break };
            if chunk.try_reclaim(size) {
                return chunk;
            }
            ring.push_back(chunk);
        }
        BytesMut::with_capacity(size)
    }

    /// Takes back a chunk of which all was split off.
    fn put(&mut self, chunk: BytesMut, size: usize) {
        let ring = self.ring(size);
        if ring.len() < POOLED {
            ring.push_back(chunk);
        }
    }

    /// A copy of `data` in pooled memory, for slices too short to pin the frame they came in.
    pub(crate) fn copy(&mut self, data: &[u8]) -> Bytes {
        if data.len() > CHUNK_SMALL {
            return Bytes::copy_from_slice(data);
        }
        let mut chunk = match self.open.take() {
            Some(open) if open.capacity() >= data.len() => open,
            spent => {
                if let Some(spent) = spent {
                    self.put(spent, CHUNK_SMALL);
                }
                self.take(CHUNK_SMALL)
            }
        };
        chunk.extend_from_slice(data);
        let copy = chunk.split().freeze();
        self.open = Some(chunk);
        copy
    }
}

#[derive(Clone, Debug)]
struct Piece {
    /// The stream offset of the first byte that is left.
    at: u64,
    data: Bytes,
}

/// A queue of stream bytes: appended at the end, read anywhere, removed from the front.
#[derive(Clone, Debug, Default)]
pub(crate) struct ByteQueue {
    /// Stream offset of the first byte held.
    start: u64,
    pieces: VecDeque<Piece>,
    /// The open chunk; its bytes follow the last piece.
    tail: BytesMut,
    tail_at: u64,
    /// The size of the open chunk, which tells the ring it goes back to; 0 if there is none.
    tail_size: usize,
}

impl ByteQueue {
    /// How many bytes are queued.
    pub(crate) fn len(&self) -> usize {
        (self.end() - self.start) as usize
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.end() == self.start
    }

    fn end(&self) -> u64 {
        self.tail_at + self.tail.len() as u64
    }

    /// What the open chunk holds becomes a piece; the rest of its room stays open.
    #[inline]
    fn freeze_tail(&mut self) {
        if !self.tail.is_empty() {
            let data = self.tail.split().freeze();
            self.push_piece(data);
        }
    }

    /// Appends a piece in front of the open chunk, which is empty.
    #[inline]
    fn push_piece(&mut self, data: Bytes) {
        let len = data.len() as u64;
        self.pieces.push_back(Piece { at: self.tail_at, data });
        self.tail_at += len;
    }

    /// Closes the open chunk and gives it back.
    fn seal(&mut self, pool: &mut ChunkPool) {
        self.freeze_tail();
        if self.tail_size > 0 {
            pool.put(core::mem::take(&mut self.tail), self.tail_size);
            self.tail_size = 0;
        }
    }

    /// Appends a copy of `data`.
    pub(crate) fn push_copy(&mut self, mut data: &[u8], pool: &mut ChunkPool) {
        while !data.is_empty() {
            let spare = self.tail.capacity() - self.tail.len();
            if spare == 0 {
                self.seal(pool);
                let size = if self.len() + data.len() <= CHUNK_SMALL { CHUNK_SMALL } else { CHUNK };
                self.tail = pool.take(size);
                self.tail_size = size;
                continue;
            }
            let (now, rest) = data.split_at(data.len().min(spare));
            self.tail.extend_from_slice(now);
            data = rest;
        }
    }

    /// Appends `data` itself if it is long enough to be worth a piece, a copy otherwise.
    #[inline]
    pub(crate) fn push_bytes(&mut self, data: Bytes, pool: &mut ChunkPool) {
        if data.len() < COPY_BELOW {
            self.push_copy(&data, pool);
            return;
        }
        self.freeze_tail();
        self.push_piece(data);
    }

    /// The bytes from `offset` (0 is the first byte held) up to `len` of them, as contiguous runs.
    pub(crate) fn runs(&self, offset: usize, len: usize) -> Runs<'_> {
        let from = self.start + offset as u64;
        let first = self.pieces.partition_point(|piece| piece.at + piece.data.len() as u64 <= from);
        let mut runs = Runs {
            run: &[],
            pieces: self.pieces.range(first..),
            tail: &self.tail,
            left: len.min(self.end().saturating_sub(from) as usize),
        };
        let first_at = self.pieces.get(first).map_or(self.tail_at, |piece| piece.at);
        runs.run = runs.next_run().get((from - first_at) as usize..).unwrap_or_default();
        runs
    }

    /// The bytes from `offset`, `len` of them, as slices pushed to `out`; at most `room` slices.
    /// Returns how many bytes they cover. What the open chunk holds is frozen if it is reached.
    pub(crate) fn share(&mut self, offset: usize, len: usize, room: usize, out: &mut Vec<Bytes>) -> usize {
        let from = self.start + offset as u64;
        let to = (from + len as u64).min(self.end());
        if to > self.tail_at {
            self.freeze_tail();
        }
        let first = self.pieces.partition_point(|piece| piece.at + piece.data.len() as u64 <= from);
        let mut covered = 0;
        for piece in self.pieces.range(first..).take(room) {
            let low = from.max(piece.at) - piece.at;
            let high = to.min(piece.at + piece.data.len() as u64).saturating_sub(piece.at);
            if low >= high {
                break;
            }
            out.push(piece.data.slice(low as usize..high as usize));
            covered += (high - low) as usize;
        }
        covered
    }

    /// Removes the first `len` bytes, or all if there are fewer.
    pub(crate) fn advance(&mut self, len: usize, pool: &mut ChunkPool) {
        self.start = (self.start + len as u64).min(self.end());
        while let Some(piece) = self.pieces.front_mut() {
            let end = piece.at + piece.data.len() as u64;
            if end > self.start {
                let passed = self.start.saturating_sub(piece.at);
                piece.data.advance(passed as usize);
                piece.at += passed;
                return;
            }
            self.pieces.pop_front();
        }
        let passed = (self.start - self.tail_at) as usize;
        self.tail_at = self.start;
        if passed < self.tail.len() {
            self.tail.advance(passed);
        } else {
            // Not advanced, which would take its room: the whole chunk goes back.
            self.tail.clear();
            self.seal(pool);
        }
    }

    /// Moves bytes from the front into `out`; returns how many.
    pub(crate) fn read(&mut self, out: &mut [u8], pool: &mut ChunkPool) -> usize {
        let mut filled = 0;
        // Whole pieces, each looked at once.
        while let Some(piece) = self.pieces.pop_front_if(|piece| filled + piece.data.len() <= out.len()) {
            let len = piece.data.len();
            out[filled..filled + len].copy_from_slice(&piece.data);
            filled += len;
            self.start += len as u64;
        }
        // Of the next, which is longer, a part.
        let run = self.pieces.front().map_or(&self.tail[..], |piece| &piece.data);
        let rest = &mut out[filled..];
        let len = run.len().min(rest.len());
        rest[..len].copy_from_slice(&run[..len]);
        self.advance(len, pool);
        filled + len
    }

    /// Removes and returns bytes from the front that lie in one piece: at most `max` of them.
    pub(crate) fn take(&mut self, max: usize, pool: &mut ChunkPool) -> Bytes {
        if self.pieces.is_empty() {
            self.seal(pool);
        }
        let Some(piece) = self.pieces.front() else {
            return Bytes::new();
        };
        let data = piece.data.slice(..piece.data.len().min(max));
        self.advance(data.len(), pool);
        data
    }

    /// Drops everything; the memory goes back to the pool.
    pub(crate) fn clear(&mut self, pool: &mut ChunkPool) {
        self.advance(self.len(), pool);
    }
}

/// Bytes of a [`ByteQueue`] as contiguous runs, none of them empty.
pub(crate) struct Runs<'a> {
    /// What is left of the run that has begun.
    run: &'a [u8],
    pieces: vec_deque::Iter<'a, Piece>,
    /// The open chunk, which comes last.
    tail: &'a [u8],
    /// How many bytes are still to come.
    left: usize,
}

impl<'a> Runs<'a> {
    /// The next bytes, at most `max`; fewer at the end of a run, none at the end of all.
    pub(crate) fn up_to(&mut self, max: usize) -> &'a [u8] {
        if self.run.is_empty() {
            self.run = self.next_run();
        }
        let (now, later) = self.run.split_at(self.run.len().min(self.left).min(max));
        self.run = later;
        self.left -= now.len();
        now
    }

    fn next_run(&mut self) -> &'a [u8] {
        self.pieces.next().map_or_else(|| core::mem::take(&mut self.tail), |piece| &piece.data)
    }
}

impl<'a> Iterator for Runs<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let run = self.up_to(usize::MAX);
        (!run.is_empty()).then_some(run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Copy(usize),
        Bytes(usize),
        Read(usize),
        Take(usize),
        Share(usize, usize),
        Peek(usize, usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let len = 0..20_000usize;
        prop::collection::vec(
            prop_oneof![
                len.clone().prop_map(Step::Copy),
                len.clone().prop_map(Step::Bytes),
                len.clone().prop_map(Step::Read),
                len.clone().prop_map(Step::Take),
                (len.clone(), len.clone()).prop_map(|(a, b)| Step::Share(a, b)),
                (len.clone(), len).prop_map(|(a, b)| Step::Peek(a, b)),
            ],
            0..40,
        )
    }

    proptest! {
        /// The queue behaves as a plain vector of bytes does.
        #[test]
        fn agrees_with_a_vector(steps in steps()) {
            let (mut queue, mut pool, mut model) = (ByteQueue::default(), ChunkPool::default(), Vec::new());
            let mut next = 0u8;
            let mut fresh = |len: usize| -> Vec<u8> {
                (0..len).map(|_| { next = next.wrapping_mul(5).wrapping_add(3); next }).collect()
            };
            for step in steps {
                match step {
                    Step::Copy(len) => { let d = fresh(len); queue.push_copy(&d, &mut pool); model.extend(d); }
                    Step::Bytes(len) => { let d = fresh(len); model.extend(&d); queue.push_bytes(Bytes::from(d), &mut pool); }
                    Step::Read(len) => {
                        let mut out = alloc::vec![0; len];
                        let n = queue.read(&mut out, &mut pool);
                        let want: Vec<u8> = model.drain(..len.min(model.len())).collect();
                        prop_assert_eq!(&out[..n], &want[..]);
                    }
                    Step::Take(max) => {
                        let data = queue.take(max, &mut pool);
                        prop_assert!(data.len() <= max && (max == 0 || model.is_empty() || !data.is_empty()));
                        let want: Vec<u8> = model.drain(..data.len()).collect();
                        prop_assert_eq!(&data[..], &want[..]);
                    }
                    Step::Share(at, len) => {
                        let at = at.min(model.len());
                        let mut out = Vec::new();
                        let n = queue.share(at, len, usize::MAX, &mut out);
                        let flat: Vec<u8> = out.iter().flat_map(|b| b.iter().copied()).collect();
                        prop_assert_eq!(n, flat.len());
                        prop_assert_eq!(&flat[..], &model[at..(at + len).min(model.len())]);
                    }
                    Step::Peek(at, len) => {
                        let at = at.min(model.len());
                        let flat: Vec<u8> = queue.runs(at, len).flatten().copied().collect();
                        prop_assert_eq!(&flat[..], &model[at..(at + len).min(model.len())]);
                    }
                }
                prop_assert_eq!(queue.len(), model.len());
                let clone = queue.clone();
                prop_assert_eq!(clone.len(), queue.len());
            }
        }
    }

    /// A peer that alternates text which is copied with text which is kept as it came makes the queue
    /// hold no more memory than its length: the room of the open chunk is used on.
    #[test]
    fn short_and_long_pieces_share_chunks() {
        let (mut queue, mut pool) = (ByteQueue::default(), ChunkPool::default());
        for _ in 0..100 {
            queue.push_copy(&[1; COPY_BELOW - 1], &mut pool);
            queue.push_bytes(Bytes::from_static(&[2; COPY_BELOW]), &mut pool);
        }
        let copied = 100 * (COPY_BELOW - 1);
        let used = pool.large.len() + pool.small.len() + usize::from(queue.tail_size > 0);
        assert!(used <= copied / CHUNK + 4, "{used} chunks for {copied} bytes");
    }

    #[test]
    fn short_copies_share_a_chunk() {
        let mut pool = ChunkPool::default();
        let copies: Vec<Bytes> = (0..100).map(|byte| pool.copy(&[byte; 16])).collect();
        assert!(copies.iter().zip(0..).all(|(copy, byte)| copy[..] == [byte; 16]));
        assert!(pool.small.is_empty(), "100 x 16 bytes take one chunk of 2 KiB");
    }

    #[test]
    fn a_warm_pool_hands_the_same_memory_out_again() {
        let (mut queue, mut pool) = (ByteQueue::default(), ChunkPool::default());
        let data = alloc::vec![7; 40_000];
        let mut seen = Vec::new();
        for _ in 0..20 {
            queue.push_copy(&data, &mut pool);
            seen.extend(queue.runs(0, data.len()).map(<[u8]>::as_ptr));
            queue.advance(data.len(), &mut pool);
        }
        seen.sort_unstable();
        seen.dedup();
        assert!(seen.len() <= 4, "{} chunks for a queue that never holds more than three", seen.len());
    }
}
