//! A call and what came of it, as lines.
//!
//! ```text
//! #17 0.001234567 tap7 < 192.0.2.1:40000 > 192.0.2.2:7 tcp S 0:0(0) win 64240 <mss 1460>
//! #18 0.001234567 PollEvent
//! #19 0.001234567 PollTransmit tap7
//!     tap7 > 192.0.2.2:7 > 192.0.2.1:40000 tcp S. 0:0(0) ack 1 win 65535 <mss 1460>
//! ```

use std::fmt::Write as _;
use std::io::{Read, Seek};

use bytes::Bytes;
use tickwire_core::config::Medium;
use tickwire_core::record::{Call, Outcome, TcpCall, UdpCall};
use tickwire_core::wire::ethernet::EtherType;

use super::error::outcome_text;
use super::{Replay, Step};
use crate::segment::InitialSeqs;

/// Writes steps. It follows connections, so that sequence numbers count from the initial ones.
#[derive(Clone, Debug, Default)]
pub struct Describer {
    seqs: InitialSeqs,
}

impl Describer {
    /// The lines of a step that `replay` made.
    pub fn lines<R: Read + Seek>(&mut self, replay: &Replay<R>, step: &Step) -> String {
        let Step { number, at, call, outcomes, emitted, .. } = step;
        let mut text = format!("#{number} {at} ");
        // Writing to a String does not fail.
        let _ = match call {
            Call::HandleFrame { interface, frame, .. } => {
                let data = framed(replay.medium(*interface), &frame.data);
                self.seqs.observe(&data);
                writeln!(text, "{} {}", replay.name(*interface), self.seqs.line(&data, "< ", true))
            }
            Call::PollTransmit { interface, .. } => {
                writeln!(text, "PollTransmit {}", replay.name(*interface))
            }
            other => writeln!(text, "{}", call_text(other)),
        };
        for outcome in outcomes.iter().filter(|outcome| !matches!(outcome, Outcome::Emitted(_))) {
            let _ = writeln!(text, "    {}", outcome_text(outcome));
        }
        let (name, medium) = match call {
            Call::PollTransmit { interface, .. } => (replay.name(*interface), replay.medium(*interface)),
            _ => ("", Medium::Ethernet),
        };
        for frame in emitted {
            let data = framed(medium, &frame.data);
            self.seqs.observe(&data);
            let cause = frame.provenance.map(|provenance| format!("  # {}", provenance.describe(*at)));
            let line = self.seqs.line(&data, "> ", true);
            let _ = writeln!(text, "    {name} {line}{}", cause.unwrap_or_default());
        }
        text
    }
}

/// A frame of an interface as one of Ethernet: a packet is given a header without addresses.
pub(crate) fn framed(medium: Medium, data: &Bytes) -> Bytes {
    let ethertype = match (medium, data.first().map(|first| first >> 4)) {
        (Medium::Ethernet, _) => return data.clone(),
        (_, Some(6)) => EtherType::Ipv6,
        _ => EtherType::Ipv4,
    };
    let header = [&[0; 12][..], &ethertype.0.to_be_bytes()].concat();
    [&header, &data[..]].concat().into()
}

/// A call in a line. Data is told by its length.
pub(crate) fn call_text(call: &Call) -> String {
    match call {
        Call::HandleFrame { interface, frame, .. } => {
            format!("HandleFrame on interface {}, {} bytes", interface.index(), frame.data.len())
        }
        Call::Tcp { handle, call: TcpCall::Send { data, .. } } => format!("{handle:?} Send {} bytes", data.len()),
        Call::Tcp { handle, call: TcpCall::SendBytes { data, .. } } => {
            format!("{handle:?} SendBytes {} bytes", data.len())
        }
        Call::Tcp { handle, call } => format!("{handle:?} {call:?}"),
        Call::Udp { handle, call: UdpCall::Send { data, to, .. } } => {
            let to = to.map(|to| format!(" to {to}")).unwrap_or_default();
            format!("{handle:?} Send {} bytes{to}", data.len())
        }
        Call::Udp { handle, call } => format!("{handle:?} {call:?}"),
        other => format!("{other:?}"),
    }
}
