//! What is too early or too late: retransmissions and delayed acknowledgments.

use tickwire_core::Instant;
use tickwire_core::time::Duration;
use tickwire_core::wire::tcp::TcpFlags;

use super::Observed;
use super::flow::Flow;
use super::name::Oracle;
use super::packet::Segment;
use super::verdict::{Bench, Mark};

/// RFC 9293 MUST-40: less than this.
const DELAY_MAX: Duration = Duration::from_millis(500);
/// The largest RTO may be no smaller than this (RFC 6298 section 2.5).
const RTO_MAX: Duration = Duration::from_mins(1);

/// What a clock that gains may skip.
const GRAIN: Duration = Duration::from_nanos(1);

/// How long a question for a neighbor's hardware address may hold back what is to be sent.
pub(super) const RESOLVING: Duration = Duration::from_secs(5);

/// What is sent again though nothing was heard since it was sent last: only the retransmission timer, or the
/// persist timer, can have caused that (a probe for a lost tail too, once: RFC 8985 section 7).
#[inline]
pub(super) fn backoff(seen: &Observed, segment: &Segment<'_>, flow: &Flow, bench: &mut Bench) {
    if segment.len() == 0 || segment.seq >= flow.local.nxt || segment.has(TcpFlags::RST) {
        return;
    }
    let Some(first) = flow.sent.first().filter(|first| first.seq == segment.seq) else { return };
    if flow.transit || first.last.order < flow.heard_number.max(seen.path_news) {
        return bench.abstains(Oracle::Backoff);
    }
    if !bench.judges(Oracle::Backoff) {
        return;
    }
    let waited = seen.mark.at.since(first.last.at);
    let sack = flow.syns().is_some_and(|(local, remote)| local.sack_permitted && remote.sack_permitted);
    let least = match first.waited {
        Some(before) => seen.rto_min.max(before.saturating_mul(2).min(RTO_MAX)),
        // After a fast retransmission the timer runs on: its time is not known. Of a first one, it is.
        // Of an answer that was dropped for want of the neighbor's hardware address the tap knows nothing, but its timer
        // runs; what answers a copy of the SYN does not start it again (RFC 6298 section 5.1).
        None if segment.has(TcpFlags::SYN) && flow.syn_again => return,
        None if first.again || sack && segment.seq > flow.una => return,
        None => seen.rto_min,
    };
    // The clock of somebody else's timer may be coarse. One of ours that gains skips nanoseconds: a timer may run
    // one late, and the next be held to twice that.
    let tolerance = if seen.foreign { least / 8 } else { GRAIN * 2 };
    if waited + tolerance < least {
        bench.fail(Oracle::Backoff, Some(first.last), format!("a wait of at least {least:?}"), format!("{waited:?}"));
    }
}

/// At each frame of a connection: whether text has waited too long. `segment` is what the host sends, if it
/// is the host that sends. Returns whether the wait was judged and is over.
#[inline]
pub(super) fn delayed_ack(
    at: Instant,
    segment: Option<&Segment<'_>>,
    asked: Option<Mark>,
    flow: &Flow,
    bench: &mut Bench,
) -> bool {
    let Some(waiting) = flow.unacknowledged else { return false };
    let waited = at.since(waiting.mark.at);
    let acknowledged = segment.and_then(|segment| segment.ack).is_some_and(|ack| ack >= waiting.end);
    if !acknowledged && waited < DELAY_MAX || segment.is_some_and(|segment| segment.has(TcpFlags::RST)) {
        return false;
    }
    // A host that does not know where to send it to asks first.
    if waited >= DELAY_MAX && asked.is_some_and(|asked| asked.at + RESOLVING > waiting.mark.at) {
        bench.abstains(Oracle::DelayedAck);
        return true;
    }
    if bench.judges(Oracle::DelayedAck) && waited >= DELAY_MAX {
        let iss = flow.remote.syn.map_or(0, |syn| syn.seq.0);
        let expected = format!("ack {} within less than {DELAY_MAX:?}", waiting.end.0.wrapping_sub(iss));
        let found = if acknowledged { format!("after {waited:?}") } else { format!("none for {waited:?}") };
        bench.fail(Oracle::DelayedAck, Some(waiting.mark), expected, found);
    }
    true
}
