//! The receiving side of one interface, and what its last frames tell about the next.
//!
//! In a dialogue frames come one by one. Who looks for a second one after each finds none; and if the partner is on the
//! same processor, his answer to what was sent is mostly there already when the next wait begins, so that waiting tells
//! nothing either. Both calls of the system are left out where they were in vain, and tried again now and then.

use std::io;
use std::sync::Arc;

use tickwire_core::frame::Frame;
use tickwire_core::link::InterfaceId;

use crate::device::Device;
use crate::pool::Pool;

/// After this many receives of exactly one short frame, the next is expected to be alone too.
const ALONE_AFTER: u32 = 4;
/// Every so many of them all is tried again, so that a burst is soon received as one batch.
const ALONE_RUN: u32 = 32;
/// A frame longer than this is taken for part of a bulk transfer, of which more follows.
const ALONE_LEN_MAX: usize = 512;
/// How much that frames were there at once counts for at the most: so many that were not end it.
const CREDIT_MAX: u32 = 8;

/// The receiving side of one interface.
pub(super) struct Inlet {
    pub(super) interface: InterfaceId,
    pub(super) device: Arc<dyn Device>,
    pool: Pool,
    /// There may be something to receive: the last batch was full, or the device said so.
    pub(super) ready: bool,
    rhythm: Rhythm,
}

impl Inlet {
    pub(super) fn new(interface: InterfaceId, device: Arc<dyn Device>, pool: Pool) -> Inlet {
        Inlet { interface, device, pool, ready: true, rhythm: Rhythm::default() }
    }

    /// Receives a batch of at most `rx_batch` frames, and finds out whether there may be more.
    pub(super) fn receive(&mut self, frames: &mut Vec<Frame>, rx_batch: usize) -> io::Result<()> {
        let alone = self.rhythm.is_alone();
        let max = if alone { 1 } else { rx_batch };
        let received = self.device.receive(&mut self.pool, frames, max)?;
        self.ready = received == max && !alone;
        self.rhythm.note(received == 1 && is_short(frames), alone);
        Ok(())
    }

    /// Receives a frame before it is waited for, where that has paid lately. Tells whether one was there.
    pub(super) fn receive_early(&mut self, frames: &mut Vec<Frame>) -> io::Result<bool> {
        if !self.rhythm.is_early() {
            return Ok(false);
        }
        let there = self.device.receive(&mut self.pool, frames, 1)? == 1;
        self.rhythm.note_early(there);
        if there {
            self.rhythm.note(is_short(frames), true);
        }
        Ok(there)
    }
}

fn is_short(frames: &[Frame]) -> bool {
    frames.last().is_some_and(|frame| frame.data.len() <= ALONE_LEN_MAX)
}

/// How frames have come lately.
#[derive(Debug, Default)]
struct Rhythm {
    /// Receives in a row that gave exactly one short frame.
    singles: u32,
    /// How much oftener than not a frame was there before it was waited for, up to [`CREDIT_MAX`].
    credit: u32,
}

impl Rhythm {
    /// Whether it is not to be looked for a second frame.
    fn is_alone(&self) -> bool {
        self.singles >= ALONE_AFTER && !self.singles.is_multiple_of(ALONE_RUN)
    }

    /// Whether the next frame is to be looked for before it is waited for.
    fn is_early(&self) -> bool {
        self.is_alone() && self.credit > 0
    }

    /// A receive gave one short frame, or something else; it was `alone` that it looked for.
    fn note(&mut self, single: bool, alone: bool) {
        self.singles = if single { self.singles.wrapping_add(1) } else { 0 };
        if !alone {
            self.credit = self.credit.max(1);
        }
    }

    fn note_early(&mut self, there: bool) {
        self.credit = if there { (self.credit + 1).min(CREDIT_MAX) } else { self.credit.saturating_sub(1) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `frames` short frames, of which each comes alone, cost in calls of the system: waits, and receives that found
    /// nothing. Every nth is `late`: it is not there before it is waited for.
    fn dialogue(frames: u32, late: u32) -> (u32, u32) {
        let (mut rhythm, mut waits, mut vain) = (Rhythm::default(), 0, 0);
        for number in 0..frames {
            let there = !number.is_multiple_of(late);
            if rhythm.is_early() {
                rhythm.note_early(there);
                if there {
                    rhythm.note(true, true);
                    continue;
                }
                vain += 1;
            }
            waits += 1;
            let alone = rhythm.is_alone();
            // A batch is over when nothing more is found.
            vain += u32::from(!alone);
            rhythm.note(true, alone);
        }
        (waits, vain)
    }

    #[test]
    fn a_prompt_partner_is_not_waited_for() {
        // Four until it is known, and one of each 32 after them.
        assert_eq!(dialogue(3_200, u32::MAX), (103, 103));
    }

    #[test]
    fn a_slow_one_is_waited_for_and_rarely_looked_for() {
        let (waits, vain) = dialogue(3_200, 1);
        assert_eq!(waits, 3_200);
        assert!(vain <= 210, "{vain}");
    }

    #[test]
    fn one_that_is_mostly_prompt_is_mostly_not_waited_for() {
        let (waits, vain) = dialogue(3_200, 4);
        assert!(waits < 1_000 && vain < 1_000, "{waits} {vain}");
    }

    /// Of a long frame, or of several, more are expected.
    #[test]
    fn a_burst_ends_it() {
        let mut rhythm = Rhythm { singles: 5, credit: 3 };
        assert!(rhythm.is_early());
        rhythm.note(false, true);
        assert!(!rhythm.is_alone());
    }
}
