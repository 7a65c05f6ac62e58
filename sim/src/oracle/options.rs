//! Options where they may stand, and timestamps.

use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::wire::tcp::TcpFlags;

use super::flow::{Flow, is_later};
use super::name::Oracle;
use super::packet::Segment;
use super::verdict::{Bench, FlowKey};

#[inline]
pub(super) fn judge(segment: &Segment<'_>, flow: &Flow, bench: &mut Bench) {
    if segment.has(TcpFlags::SYN) {
        if segment.has(TcpFlags::ACK) {
            on_syn_ack(segment, flow, bench);
        }
        return;
    }
    let options = &segment.options;
    let judged = bench.judges(Oracle::Options);
    if judged && (options.mss.is_some() || options.window_scale.is_some() || options.sack_permitted) {
        let expected = "MSS, window scale and SACK-permitted on SYN only".into();
        bench.fail(Oracle::Options, None, expected, format!("{options:?}"));
    }
    let Some((_, remote)) = flow.syns() else {
        bench.abstains(Oracle::Options);
        bench.abstains(Oracle::Timestamps);
        return;
    };
    if judged && !options.sack.is_empty() && !remote.sack_permitted {
        bench.fail(Oracle::Options, None, "no SACK: the peer has not permitted it".into(), "SACK".into());
    }
    timestamps(segment, flow, judged, bench);
}

fn on_syn_ack(segment: &Segment<'_>, flow: &Flow, bench: &mut Bench) {
    let Some(syn) = flow.answered_by(segment) else { return bench.abstains(Oracle::Options) };
    if !bench.judges(Oracle::Options) {
        return;
    }
    let options = &segment.options;
    if options.window_scale.is_some() && syn.window_scale.is_none() {
        let expected = "no window scale: the SYN had none".into();
        bench.fail(Oracle::Options, None, expected, "window scale".into());
    }
    if options.timestamps.is_some() && syn.timestamp.is_none() {
        bench.fail(Oracle::Options, None, "no timestamps: the SYN had none".into(), "timestamps".into());
    }
}

/// Of a segment without SYN of a connection seen from its SYNs on.
#[inline]
fn timestamps(segment: &Segment<'_>, flow: &Flow, options_judged: bool, bench: &mut Bench) {
    let negotiated = flow.timestamps() == Some(true);
    let Some(own) = segment.options.timestamps else {
        if negotiated && !segment.has(TcpFlags::RST) && bench.judges(Oracle::Timestamps) {
            bench.fail(Oracle::Timestamps, None, "timestamps, as negotiated".into(), "none".into());
        }
        return;
    };
    if !negotiated {
        if options_judged {
            let expected = "no timestamps: they were not negotiated".into();
            bench.fail(Oracle::Options, None, expected, "timestamps".into());
        }
        return;
    }
    if !bench.judges(Oracle::Timestamps) {
        return;
    }
    if let Some((last, mark)) = flow.local.timestamp
        && is_later(last, own.value)
    {
        let expected = format!("TS val {last} or later");
        bench.fail(Oracle::Timestamps, Some(mark), expected, format!("TS val {}", own.value));
    }
    let first = flow.remote.syn.and_then(|syn| syn.timestamp).unwrap_or_default();
    if let Some((last, mark)) = flow.remote.timestamp
        && segment.has(TcpFlags::ACK)
        && !segment.has(TcpFlags::RST)
        && (is_later(own.echo, last) || is_later(first, own.echo))
    {
        let expected = format!("TS ecr {first} to {last}, one that was received");
        bench.fail(Oracle::Timestamps, Some(mark), expected, format!("TS ecr {}", own.echo));
    }
}

/// What begins a connection is not what began the one before: the number cannot be guessed.
pub(super) fn initial_sequence(
    segment: &Segment<'_>,
    key: FlowKey,
    last: &mut Option<(FlowKey, SeqNumber)>,
    bench: &mut Bench,
) {
    if !segment.has(TcpFlags::SYN) || last.is_some_and(|(known, _)| known == key) {
        return;
    }
    let before = last.replace((key, segment.seq));
    if bench.judges(Oracle::InitialSequence) && before.is_some_and(|(_, seq)| seq == segment.seq) {
        let expected = "another sequence number than the connection before".to_owned();
        bench.fail(Oracle::InitialSequence, None, expected, segment.seq.to_string());
    }
}
