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

/// Frames that are written before the other end has its turn.
const BATCH: usize = 16;

/// Frames that are read before the other end has its turn: all that come in 3 ms at 1 Gbit/s, since how many came
/// while nobody looked tells when they did.
const LOOK: usize = 256;

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
    pub(super) empty_at: Instant,
    /// Frames of which it is not known to within [`LATE`] when they came, and within what it is at worst.
    pub(super) guessed_frames: u64,
    pub(super) worst_guess: Duration,
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
            guessed_frames: 0,
            worst_guess: Duration::ZERO,
        }
    }

    /// Reads what there is, and hands on each frame with the time at which it came; `now` is the time before. Tells
    /// whether there may be more.
    ///
    /// Of frames that came since the device was empty, all is known that their number tells: they are taken to have
    /// come evenly. So a relay that was kept from looking, as happens on any machine, lets them out in time, if the
    /// link is longer than the pause.
    pub(super) fn receive(&mut self, now: Instant, mut each: impl FnMut(Instant, Bytes)) -> io::Result<bool> {
        let count = self.device.receive(&mut self.pool, &mut self.received, LOOK)?;
        let unknown = now.since(self.empty_at);
        if count > 0 && unknown > LATE {
            self.guessed_frames += count as u64;
            self.worst_guess = self.worst_guess.max(unknown);
        }
        for (time, frame) in evenly(self.empty_at, unknown, count).zip(self.received.drain(..)) {
            each(time, frame.data);
        }
        if count < LOOK {
            self.empty_at = now;
        }
        Ok(count == LOOK)
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

/// `count` times in the `length` after `since`, at equal distances; the last is its end.
fn evenly(since: Instant, length: Duration, count: usize) -> impl Iterator<Item = Instant> {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    (1..=count).map(move |nth| since + length * nth / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_the_frames_has_just_come() {
        let since = Instant::from_millis(100);
        let times = |count| evenly(since, Duration::from_millis(9), count).collect::<Vec<Instant>>();
        assert_eq!(times(3), [103, 106, 109].map(Instant::from_millis));
        assert_eq!(times(1), [Instant::from_millis(109)]);
        assert!(times(0).is_empty());
    }
}
