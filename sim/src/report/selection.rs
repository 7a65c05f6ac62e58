//! Which frames the ladder shows, where there are too many: those that verdicts name and what is around them, what is
//! around faults, the beginning, the end, what is around losses and retransmissions.

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
    let frames = matter.subject.trace.frames();
    let visible: Vec<usize> = (0..frames.len()).filter(|at| !is_passed_on(matter, &frames[*at])).collect();
    if visible.len() <= ROWS_MAX {
        return visible.into_iter().collect();
    }
    let verdicts = matter.subject.verdicts.iter().flat_map(|(_, verdict)| {
        let earlier = verdict.earlier.map(|mark| mark.number);
        std::iter::once(verdict.frame.number).chain(earlier)
    });
    let troubles = matter.subject.failures.iter().flat_map(|trouble| trouble.frames.iter().map(|(number, _)| *number));
    // Places among those to be seen: of a frame that is not, the next one.
    let among = |place: usize| visible.partition_point(|at| *at < place);
    let named: Vec<usize> = verdicts.chain(troubles).filter_map(|number| matter.place(number)).map(among).collect();
    let mut shown: BTreeSet<usize> = named.iter().copied().take(ROWS_MAX).collect();
    let around = |at: usize| at.saturating_sub(AROUND)..(at + AROUND + 1).min(visible.len());
    let faults =
        matter.subject.remarks.iter().filter(|remark| remark.fault.is_some()).map(|remark| among(remark.place));
    let again: BTreeSet<u64> = retransmitted(matter);
    let matters = |passed: &Passed| passed.lost || again.contains(&passed.number) || has_fault(passed);
    let mattering = (0..visible.len()).filter(|at| matters(&frames[visible[*at]]));
    let wanted = named.iter().copied().chain(faults).flat_map(around);
    let wanted = wanted.chain(0..BEGINNING).chain(visible.len() - END..visible.len()).chain(mattering.flat_map(around));
    // If there is room left, more of the beginning.
    let wanted = wanted.chain(0..visible.len());
    for at in wanted {
        if shown.len() == ROWS_MAX {
            break;
        }
        shown.insert(at);
    }
    shown.into_iter().filter_map(|at| visible.get(at).copied()).collect()
}

/// Whether a hub or a switch received the frame or passes it on, and no more is to be told of it: its row would be
/// another one of the same frame.
pub(super) fn is_passed_on(matter: &Matter<'_>, passed: &Passed) -> bool {
    let node = matter.subject.nodes.get(passed.port.node.index());
    node.is_some_and(|node| node.passes_on) && !passed.lost && !has_fault(passed)
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
