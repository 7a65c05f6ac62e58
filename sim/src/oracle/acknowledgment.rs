//! What a host acknowledges: ACK, the window behind it, SACK blocks.

use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::wire::tcp::TcpFlags;
use tickwire_core::wire::tcp_options::SackRange;

use super::Observed;
use super::flow::Flow;
use super::name::Oracle;
use super::packet::Segment;
use super::verdict::Bench;

#[inline]
pub(super) fn judge(seen: &Observed, segment: &Segment<'_>, flow: &Flow, bench: &mut Bench) {
    // The numbers of a RST are those of the segment that it answers.
    let Some(ack) = segment.ack.filter(|_| !segment.has(TcpFlags::RST)) else { return };
    // Another SYN begins another connection between the same ends: nothing of this one binds it.
    if segment.has(TcpFlags::SYN) && flow.local.syn.is_some_and(|syn| syn.seq != segment.seq) {
        return;
    }
    let Some((_, remote)) = flow.syns() else {
        for oracle in [Oracle::AckMonotone, Oracle::AckUnsent, Oracle::RightEdge] {
            bench.abstains(oracle);
        }
        return;
    };
    let relative = |seq: SeqNumber| seq.0.wrapping_sub(remote.seq.0);
    if let Some(furthest) = flow.local.ack
        && bench.judges(Oracle::AckMonotone)
        && ack < furthest.value
    {
        let expected = format!("ack {} or more", relative(furthest.value));
        bench.fail(Oracle::AckMonotone, Some(furthest.mark), expected, format!("ack {}", relative(ack)));
    }
    // A capture by somebody else may lack frames; what came behind them was sent in any case.
    let received = if seen.foreign { flow.remote.nxt } else { flow.received.next };
    if flow.received.incomplete {
        bench.abstains(Oracle::AckUnsent);
    } else if bench.judges(Oracle::AckUnsent) && ack > received {
        let expected = format!("ack {} or less, what was received", relative(received));
        bench.fail(Oracle::AckUnsent, None, expected, format!("ack {}", relative(ack)));
    }
    right_edge(seen, segment, flow, bench);
    if !segment.options.sack.is_empty() {
        sack(seen, segment, ack, flow, bench);
    }
}

#[inline]
fn right_edge(seen: &Observed, segment: &Segment<'_>, flow: &Flow, bench: &mut Bench) {
    let (Some(furthest), Some(edge)) = (flow.local.edge, flow.edge_offered(segment)) else { return };
    // Behind the peer's FIN there is nothing that a window could be for.
    if flow.remote.fin.zip(segment.ack).is_some_and(|(fin, ack)| ack >= fin) || !bench.judges(Oracle::RightEdge) {
        return;
    }
    // The window of a SYN sent again is not scaled: it cannot say more (RFC 7323 section 2.2).
    let most = segment.ack.filter(|_| segment.has(TcpFlags::SYN)).map(|ack| ack + u32::from(u16::MAX));
    let offered = most.map_or(furthest.value, |most| most.min(furthest.value));
    // Rounding to the window's unit may take back less than one (RFC 7323 section 2.4); our own stack does not.
    let slack = if seen.foreign { flow.unit() - 1 } else { 0 };
    if edge + slack < offered {
        let iss = flow.remote.syn.map_or(0, |syn| syn.seq.0);
        let relative = |seq: SeqNumber| seq.0.wrapping_sub(iss);
        let expected = format!("a right edge of at least {}", relative(offered - slack));
        bench.fail(Oracle::RightEdge, Some(furthest.mark), expected, relative(edge).to_string());
    }
}

fn sack(seen: &Observed, segment: &Segment<'_>, ack: SeqNumber, flow: &Flow, bench: &mut Bench) {
    if flow.received.incomplete || seen.foreign && flow.remote.nxt > flow.received.next {
        bench.abstains(Oracle::Sack);
        if flow.received.incomplete {
            return;
        }
    }
    if !bench.judges(Oracle::Sack) {
        return;
    }
    let blocks = &segment.options.sack;
    let iss = flow.remote.syn.map_or(0, |syn| syn.seq.0);
    let tell = |block: SackRange| format!("sack {}:{}", block.start.0.wrapping_sub(iss), block.end.0.wrapping_sub(iss));
    let mut fail = |block: SackRange, expected: &str| {
        bench.fail(Oracle::Sack, flow.local.ack.map(|furthest| furthest.mark), expected.to_owned(), tell(block));
    };
    for (number, &block) in blocks.iter().enumerate() {
        let within = |other: &SackRange| other.start <= block.start && block.end <= other.end;
        // The first may tell of what came twice (RFC 2883 section 4): acknowledged, or part of the second.
        let duplicate = number == 0 && (block.end <= ack || blocks.get(1).is_some_and(within));
        let received = if seen.foreign { block.end <= flow.remote.nxt } else { flow.received.covers(block) };
        if block.start >= block.end {
            fail(block, "a block that is not empty");
        } else if !received {
            fail(block, "a block of what was received");
        } else if !duplicate && block.start <= ack {
            fail(block, "a block above the acknowledgment");
        } else if !duplicate
            && blocks[..number].iter().enumerate().any(|(earlier, other)| {
                // A DSACK before it overlaps it rightly.
                let apart = other.end < block.start || block.end < other.start;
                let dsack = earlier == 0 && (other.end <= ack || block.start <= other.start && other.end <= block.end);
                !apart && !dsack
            })
        {
            fail(block, "blocks apart from each other");
        }
    }
}
