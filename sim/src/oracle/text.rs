//! What a host sends: the same bytes again, within the window, no longer than the peer's MSS.

use tickwire_core::wire::tcp::TcpFlags;

use super::Observed;
use super::flow::Flow;
use super::name::Oracle;
use super::packet::{Packet, Segment};
use super::sent::SentSegment;
use super::verdict::{Bench, FlowKey};

/// The MSS of a peer that announces none (RFC 9293 MUST-15).
const MSS_V4: u32 = 536;
const MSS_V6: u32 = 1220;
/// An announcement below this is taken as this: no packet has so little room (RFC 791 section 3.2: 68 bytes).
const MSS_MIN: u32 = 48;

#[inline]
pub(super) fn judge(
    seen: &Observed,
    packet: &Packet<'_>,
    segment: &Segment<'_>,
    key: FlowKey,
    flow: &Flow,
    bench: &mut Bench,
) {
    if segment.len() == 0 || segment.has(TcpFlags::SYN) || segment.has(TcpFlags::RST) {
        return;
    }
    let Some((local, remote)) = flow.syns() else {
        for oracle in [Oracle::Retransmission, Oracle::Window, Oracle::Mss] {
            bench.abstains(oracle);
        }
        return;
    };
    if segment.seq < flow.local.nxt {
        retransmission(segment, flow, bench);
    }
    if let Some(edge) = flow.remote.edge
        && bench.judges(Oracle::Window)
    {
        // A probe of a closed window is one byte beyond it (RFC 9293 section 3.8.6.1).
        let probe = u32::from(segment.len() == 1);
        if segment.end > edge.value + probe {
            let relative = |value: u32| value.wrapping_sub(local.seq.0);
            let expected = format!("text up to {} at most", relative(edge.value.0));
            bench.fail(Oracle::Window, Some(edge.mark), expected, format!("up to {}", relative(segment.end.0)));
        }
    }
    if seen.offloaded {
        bench.abstains(Oracle::Mss);
    } else if bench.judges(Oracle::Mss) {
        let mss = match remote.mss {
            Some(mss) => u32::from(mss).max(MSS_MIN),
            None if key.is_ipv4() => MSS_V4,
            None => MSS_V6,
        };
        // Options take of the MSS's room (RFC 6691 section 2).
        let options = segment.view.option_bytes().len() + packet.options_len;
        let len = (segment.text.len() + options) as u32;
        if len > mss && !segment.text.is_empty() {
            let expected = format!("text and options of at most {mss} bytes");
            let found = format!("{} and {options}", segment.text.len());
            bench.fail(Oracle::Mss, None, expected, found);
        }
    }
}

/// The bytes that go out again, against those that went out first.
fn retransmission(segment: &Segment<'_>, flow: &Flow, bench: &mut Bench) {
    let (mut judged, mut covered) = (false, segment.seq.max(flow.una));
    for first in flow.sent.overlapping(segment.seq, segment.end) {
        if !judged && !bench.judges(Oracle::Retransmission) {
            return;
        }
        judged = true;
        if first.seq > covered {
            bench.abstains(Oracle::Retransmission);
        }
        covered = covered.max(first.end);
        if let Some((seq, expected, found)) = difference(first, segment) {
            let iss = flow.local.syn.map_or(0, |syn| syn.seq.0);
            let expected = format!("{expected} at sequence number {}", seq.wrapping_sub(iss));
            bench.fail(Oracle::Retransmission, Some(first.first), expected, found);
            return;
        }
    }
    if !judged {
        bench.abstains(Oracle::Retransmission);
    }
}

/// The first sequence number at which both have something else, and what.
fn difference(first: &SentSegment, segment: &Segment<'_>) -> Option<(u32, String, String)> {
    let start = first.seq.max(segment.seq);
    let (before, again) = (first.text(), segment.text);
    let before = before.get(start.bytes_since(first.seq) as usize..).unwrap_or_default();
    let again = again.get(start.bytes_since(segment.seq) as usize..).unwrap_or_default();
    let both = before.len().min(again.len());
    // Compared at once first: nearly always they are the same.
    if before[..both] != again[..both]
        && let Some(at) = before.iter().zip(again).position(|(before, again)| before != again)
    {
        let (expected, found) = (before[at], again[at]);
        return Some((start.0.wrapping_add(at as u32), format!("{expected:#04x}"), format!("{found:#04x}")));
    }
    // Behind the shorter text there may be a FIN: no text comes where a FIN was, and no FIN where there was text.
    let at = start + both as u32;
    let fin_first = first.end.bytes_since(first.seq) as usize > first.text().len();
    let fin_again = segment.has(TcpFlags::FIN);
    if fin_first && before.len() == both && again.len() > both {
        return Some((at.0, "a FIN".into(), "text".into()));
    }
    if fin_again && again.len() == both && before.len() > both {
        return Some((at.0, "text".into(), "a FIN".into()));
    }
    None
}
