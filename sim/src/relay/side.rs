//! One end of a relay.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use tickwire_backends::device::Device;
use tickwire_backends::pool::Pool;
use tickwire_core::Instant;
use tickwire_core::frame::{Frame, TxBatch};

use super::LATE;
use super::kernel_queue::KernelQueue;
use crate::link::Outgoing;

/// Frames that are read, or written, before the other end has its turn.
const BATCH: usize = 16;

/// A device, what was read and not passed on, what was passed on and not written.
#[derive(Debug)]
pub(super) struct Side<D> {
    pub(super) device: D,
    pool: Pool,
    received: Vec<Frame>,
    outgoing: TxBatch,
    /// Of `outgoing`, how many frames the device has taken.
    sent: usize,
    /// Frames that left more than [`LATE`] after their time, and the latest of all frames.
    pub(super) late_frames: u64,
    pub(super) worst: Duration,
    /// When the device was last known to have nothing to read: no frame read has waited for longer.
    empty_at: Instant,
    /// Frames that may have waited for longer than [`LATE`] before they were read, and for how long at most.
    pub(super) late_frames_read: u64,
    pub(super) worst_read: Duration,
    pub(super) kernel_queue: KernelQueue,
}

impl<D: Device> Side<D> {
    pub(super) fn new(device: D, pool: Pool) -> Side<D> {
        Side {
            kernel_queue: KernelQueue::of(device.name()),
            device,
            pool,
            received: Vec::with_capacity(BATCH),
            outgoing: TxBatch::new(),
            sent: 0,
            late_frames: 0,
            worst: Duration::ZERO,
            empty_at: Instant::ZERO,
            late_frames_read: 0,
            worst_read: Duration::ZERO,
        }
    }

    /// Reads a batch; `now` is the time before. Tells whether there may be more.
    pub(super) fn receive(&mut self, now: Instant) -> io::Result<bool> {
        let count = self.device.receive(&mut self.pool, &mut self.received, BATCH)?;
        let waited = now.since(self.empty_at);
        if count == BATCH {
            if waited > LATE {
                self.late_frames_read += count as u64;
                self.worst_read = self.worst_read.max(waited);
            }
        } else {
            self.empty_at = now;
        }
        Ok(count == BATCH)
    }

    /// What was read.
    pub(super) fn received(&mut self) -> impl Iterator<Item = Bytes> {
        self.received.drain(..).map(|frame| frame.data)
    }

    /// The device has not taken what it was given.
    pub(super) fn is_blocked(&self) -> bool {
        self.sent < self.outgoing.len()
    }

    /// Writes a batch of what `next` gives; tells whether there may be more and the device takes it.
    pub(super) fn send(&mut self, now: Instant, mut next: impl FnMut() -> Option<Outgoing>) -> io::Result<bool> {
        if !self.is_blocked() {
            self.outgoing.clear();
            self.sent = 0;
            while self.outgoing.len() < BATCH
                && let Some(outgoing) = next()
            {
                self.note(now.since(outgoing.fate.at));
                self.outgoing.push(&[], [outgoing.frame]);
            }
        }
        if self.is_blocked() {
            self.sent += self.device.transmit(&self.outgoing, self.sent)?;
        }
        Ok(self.outgoing.len() == BATCH && !self.is_blocked())
    }

    fn note(&mut self, late: Duration) {
        self.late_frames += u64::from(late > LATE);
        self.worst = self.worst.max(late);
    }
}
