//! What the frames of late tell about when the next one comes.
//!
//! In a dialogue frames come one by one. Who looks for a second one after each finds none; and if the partner is on the
//! same processor, his answer to what was sent is mostly there already when the next wait begins, so that waiting tells
//! nothing either. Both calls of the system are left out where they were in vain, and tried again now and then.

/// After this many receives of exactly one short frame, the next is expected to be alone too.
const ALONE_AFTER: u32 = 4;
/// Every so many of them all is tried again, so that a burst is soon received as one batch.
const ALONE_RUN: u32 = 32;
/// How much that frames were there at once counts for at the most: so many that were not end it.
const CREDIT_MAX: u32 = 8;

/// How frames have come lately.
#[derive(Debug, Default)]
pub(super) struct Rhythm {
    /// Receives in a row that gave exactly one short frame.
    singles: u32,
    /// How much oftener than not a frame was there before it was waited for, up to [`CREDIT_MAX`].
    credit: u32,
}

impl Rhythm {
    /// Whether it is not to be looked for a second frame.
    pub(super) fn is_alone(&self) -> bool {
        self.singles >= ALONE_AFTER && !self.singles.is_multiple_of(ALONE_RUN)
    }

    /// Whether the next frame is to be looked for before it is waited for.
    pub(super) fn is_early(&self) -> bool {
        self.is_alone() && self.credit > 0
    }

    /// A receive gave one short frame, or something else; it was `alone` that it looked for.
    pub(super) fn note(&mut self, single: bool, alone: bool) {
        self.singles = if single { self.singles.wrapping_add(1) } else { 0 };
        if !alone {
            self.credit = self.credit.max(1);
        }
    }

    /// A frame was looked for before it was waited for, and was `there` or not.
    pub(super) fn note_early(&mut self, there: bool) {
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
