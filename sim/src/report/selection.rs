//! Which frames the ladder shows, where there are too many: those that verdicts name and what is around them, the
//! beginning, what is around losses and retransmissions, the end.

use std::collections::BTreeSet;

use super::matter::Matter;
use crate::trace::Passed;

/// Frames that the ladder shows.
pub const ROWS_MAX: usize = 2_000;
/// Of these, so many at the beginning.
const BEGINNING: usize = 400;
/// And at the end.
const END: usize = 100;
/// Frames shown before and after a frame that matters.
const AROUND: usize = 4;

/// The places of the frames to show, in the trace.
pub(super) fn selection(matter: &Matter<'_>) -> BTreeSet<usize> {
    let frames = matter.world.trace().frames();
    if frames.len() <= ROWS_MAX {
        return (0..frames.len()).collect();
    }
    let place = |number: u64| frames.binary_search_by_key(&number, |passed| passed.number).ok();
    let named = matter.verdicts.iter().flat_map(|(_, verdict)| {
        let earlier = verdict.earlier.map(|mark| mark.number);
        std::iter::once(verdict.frame.number).chain(earlier).filter_map(place)
    });
    let named: Vec<usize> = named.collect();
    let mut shown: BTreeSet<usize> = named.iter().copied().take(ROWS_MAX).collect();
    let around = |at: usize| at.saturating_sub(AROUND)..(at + AROUND + 1).min(frames.len());
    let again: BTreeSet<u64> = retransmitted(matter);
    let matters = |passed: &Passed| passed.lost || again.contains(&passed.number) || has_fault(passed);
    let mattering = (0..frames.len()).filter(|at| matters(&frames[*at]));
    let wanted = named.iter().copied().flat_map(around);
    let wanted = wanted.chain(0..BEGINNING).chain(frames.len() - END..frames.len()).chain(mattering.flat_map(around));
    for at in wanted {
        if shown.len() == ROWS_MAX {
            break;
        }
        shown.insert(at);
    }
    shown
}

/// The numbers of the frames that carry something sent before.
pub(super) fn retransmitted(matter: &Matter<'_>) -> BTreeSet<u64> {
    let sent = matter.flows.iter().flat_map(|flow| &flow.sent);
    sent.filter(|sent| sent.again).map(|sent| sent.number).collect()
}

/// Whether a link dropped or changed the frame, or made it.
pub(super) fn has_fault(passed: &Passed) -> bool {
    passed.fates.iter().any(crate::link::Fate::is_fault)
}
