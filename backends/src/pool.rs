//! The receive pool: a ring of buffers, one per frame, that come back by themselves once the last
//! slice of their frame is dropped.
//!
//! ```text
//!            next
//!             v
//!     +----+----+----+----+      taken: a BytesMut with spare capacity for one frame;
//!     | .. | .. | .. | .. |      read into, then split off and frozen; the slot keeps the
//!     +----+----+----+----+      (empty) rest, which is whole again once the frame is dropped
//! ```
//!
//! Nothing is allocated or cleared per frame once the ring is as long as there are frames in flight.

use std::io;

use bytes::{Bytes, BytesMut};

/// Buffers are multiples of this many bytes: one frame at MTU 1500 takes one.
const GRAIN: usize = 2048;

/// Slots tried before the ring grows.
const PROBES: usize = 8;

/// Frames that occupy no more than this share of a large buffer are copied out of it.
const SHARE_MIN: usize = 4;

/// Buffers from which received frames are cut.
#[derive(Debug)]
pub struct Pool {
    ring: Ring,
    /// Where short frames of a device with large buffers are copied to; empty for small buffers.
    short: Ring,
}

impl Pool {
    /// The most slots that a pool keeps. Frames in flight beyond that get a buffer of their own.
    pub const SLOTS_MAX: usize = 2048;

    /// A pool for frames of up to `frame_max` bytes, link header included.
    pub fn new(frame_max: usize) -> Pool {
        Pool { ring: Ring::new(frame_max.next_multiple_of(GRAIN).max(GRAIN)), short: Ring::new(GRAIN) }
    }

    /// The bytes that a buffer has room for.
    pub fn buffer_size(&self) -> usize {
        self.ring.size
    }

    /// How often a buffer had to be allocated: it stands still once the pool is warm.
    pub fn allocations(&self) -> u64 {
        self.ring.allocations + self.short.allocations
    }

    /// Has `read` put one frame into an empty buffer (its spare capacity is [`Pool::buffer_size`]
    /// bytes or more) and returns what it put there.
    ///
    /// # Errors
    ///
    /// What `read` returns; the buffer stays in the pool.
    pub fn fill(&mut self, read: impl FnOnce(&mut BytesMut) -> io::Result<()>) -> io::Result<Bytes> {
        let size = self.ring.size;
        let slot = self.ring.slot();
        if let Err(error) = read(slot) {
            slot.clear();
            return Err(error);
        }
        let frame_len = slot.len();
        if size > GRAIN && frame_len * SHARE_MIN <= size {
            let short = copy_out(&mut self.short, slot);
            slot.clear();
            return Ok(short);
        }
        let frame = slot.split().freeze();
        self.ring.advance();
        Ok(frame)
    }

    /// A frame made of `parts`, one after another.
    pub fn gather<'a>(&mut self, parts: impl Iterator<Item = &'a [u8]>) -> Bytes {
        let slot = self.ring.slot();
        for part in parts {
            slot.extend_from_slice(part);
        }
        let frame = slot.split().freeze();
        self.ring.advance();
        frame
    }
}

/// Copies a frame that would hold on to a buffer much larger than itself.
fn copy_out(short: &mut Ring, frame: &[u8]) -> Bytes {
    if frame.len() > short.size {
        return Bytes::copy_from_slice(frame);
    }
    let slot = short.slot();
    slot.extend_from_slice(frame);
    let copy = slot.split().freeze();
    short.advance();
    copy
}

#[derive(Debug)]
struct Ring {
    slots: Vec<BytesMut>,
    next: usize,
    size: usize,
    allocations: u64,
}

impl Ring {
    fn new(size: usize) -> Ring {
        Ring { slots: Vec::new(), next: 0, size, allocations: 0 }
    }

    /// An empty buffer. The slot under the cursor is the one whose frame was handed out longest
    /// ago. Where that is still held, the next few are tried (one frame that is kept for long must
    /// not cost a buffer per round); where these are held too, the ring grows in front of the first
    /// and so stays in the order of age. At its full length the slot gets a new buffer, and the old
    /// one is freed with its frame.
    fn slot(&mut self) -> &mut BytesMut {
        let size = self.size;
        let oldest = self.next;
        for _ in 0..PROBES.min(self.slots.len()) {
            if self.slots[self.next].try_reclaim(size) {
                return &mut self.slots[self.next];
            }
            self.advance();
        }
        self.next = oldest;
        self.allocations += 1;
        let fresh = BytesMut::with_capacity(size);
        if self.slots.len() < Pool::SLOTS_MAX {
            self.slots.insert(self.next, fresh);
        } else {
            self.slots[self.next] = fresh;
        }
        &mut self.slots[self.next]
    }

    fn advance(&mut self) {
        self.next += 1;
        if self.next == self.slots.len() {
            self.next = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(pool: &mut Pool, len: usize, fill: u8) -> Bytes {
        pool.fill(|buffer| {
            buffer.resize(len, fill);
            Ok(())
        })
        .expect("the closure succeeds")
    }

    #[test]
    fn buffers_come_back_once_frames_are_dropped() {
        let mut pool = Pool::new(1514);
        for round in 0..1000_u32 {
            let frames: Vec<Bytes> = (0..16).map(|_| frame(&mut pool, 1514, round as u8)).collect();
            assert!(frames.iter().all(|f| f.len() == 1514 && f.iter().all(|b| *b == round as u8)));
        }
        assert_eq!(pool.allocations(), 16);
    }

    #[test]
    fn a_frame_that_is_held_keeps_its_bytes() {
        let mut pool = Pool::new(1514);
        let held = frame(&mut pool, 1000, 7).slice(10..20);
        for _ in 0..100 {
            drop(frame(&mut pool, 1514, 9));
        }
        assert_eq!(&held[..], &[7; 10]);
        assert!(pool.allocations() <= 2);
    }

    #[test]
    fn beyond_its_full_length_the_ring_replaces_buffers() {
        let mut pool = Pool::new(1514);
        let held: Vec<Bytes> = (0..Pool::SLOTS_MAX + 100).map(|i| frame(&mut pool, 64, i as u8)).collect();
        assert_eq!(pool.ring.slots.len(), Pool::SLOTS_MAX);
        assert!(held.iter().enumerate().all(|(i, f)| f[..] == [i as u8; 64]));
    }

    #[test]
    fn a_failed_read_leaves_the_buffer_in_the_pool() {
        let mut pool = Pool::new(1514);
        for _ in 0..10 {
            let refused = pool.fill(|buffer| {
                buffer.extend_from_slice(b"partial");
                Err(io::ErrorKind::WouldBlock.into())
            });
            assert!(refused.is_err());
        }
        assert_eq!(frame(&mut pool, 3, 1)[..], [1, 1, 1]);
        assert_eq!(pool.allocations(), 1);
    }

    #[test]
    fn short_frames_do_not_hold_large_buffers() {
        let mut pool = Pool::new(65_535);
        assert_eq!(pool.buffer_size(), 65_536);
        let short: Vec<Bytes> = (0..8).map(|i| frame(&mut pool, 60, i)).collect();
        let middle = frame(&mut pool, 16_384, 1);
        let large = frame(&mut pool, 16_385, 2);
        assert_eq!(pool.ring.slots.len(), 1, "only the frame above a quarter left its buffer");
        assert!(short.iter().enumerate().all(|(i, f)| f[..] == [i as u8; 60]));
        assert_eq!((middle.len(), large.len()), (16_384, 16_385));
    }

    #[test]
    fn gathered_parts_are_contiguous() {
        let mut pool = Pool::new(1514);
        let frame = pool.gather([&b"head"[..], b"", b"tail"].into_iter());
        assert_eq!(&frame[..], b"headtail");
    }
}
