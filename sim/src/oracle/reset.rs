//! The sequence numbers of RSTs (RFC 9293 sections 3.5.2 and 3.10.7).

use tickwire_core::wire::tcp::TcpFlags;

use super::flow::Flow;
use super::name::Oracle;
use super::packet::Segment;
use super::verdict::Bench;

pub(super) fn judge(segment: &Segment<'_>, flow: &Flow, waits: bool, bench: &mut Bench) {
    if !segment.has(TcpFlags::RST) {
        return;
    }
    let begun = flow.local.syn.is_some();
    if flow.transit || flow.disturbed || waits || flow.heard().is_empty() && !begun {
        return bench.abstains(Oracle::Reset);
    }
    if !bench.judges(Oracle::Reset) {
        return;
    }
    // One's own connection is reset at SND.NXT (section 3.10.5); a segment with ACK is answered by a RST at
    // SEG.ACK; one without by one at 0 that acknowledges it (section 3.10.7.1).
    // A foreign host may have gone back to what is unacknowledged, and SND.NXT with it (RFC 793 section 3.7).
    let gone_back = flow.forgetful && segment.seq >= flow.una && segment.seq <= flow.local.nxt;
    let own = begun && (segment.seq == flow.local.nxt || gone_back);
    let answers = flow.heard().iter().any(|heard| match heard.ack {
        Some(ack) => segment.seq == ack,
        None => segment.seq.0 == 0 && segment.ack == Some(heard.end),
    });
    if !own && !answers {
        let iss = flow.local.syn.map_or(0, |syn| syn.seq.0);
        let mut expected: Vec<String> = begun.then(|| "SND.NXT".to_owned()).into_iter().collect();
        let answer = flow.heard().iter().map(|heard| match heard.ack {
            Some(ack) => ack.0.wrapping_sub(iss).to_string(),
            None => format!("0 with ack {}", heard.end),
        });
        // What several segments ask for is told once: how many did is no part of what is wrong.
        for answer in answer {
            if !expected.contains(&answer) {
                expected.push(answer);
            }
        }
        let found = segment.seq.0.wrapping_sub(iss).to_string();
        bench.fail(Oracle::Reset, None, format!("sequence number {}", expected.join(", or ")), found);
    }
}
