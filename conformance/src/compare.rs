//! Two frames held against each other: what the RFC decides, and not what a stack may choose.

use std::net::SocketAddr;

use serde::Deserialize;
use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::time::Duration;
use tickwire_core::wire::ethernet::EthernetFrame;
use tickwire_core::wire::notation::{Notation, Relative};
use tickwire_core::wire::tcp::{TcpFlags, TcpSegment};
use tickwire_core::wire::tcp_options::TcpOptions;
use tickwire_sim::segment::{FlowSegment, InitialSeqs, tcp_segment};

use crate::choices::Choices;

/// What of a segment is compared beside its ends, flags, sequence and acknowledgment numbers, text
/// and checksums. A frame that is no TCP segment is compared byte for byte.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Compare {
    /// How far from its captured time a frame may leave, in milliseconds; default 0, the very same nanosecond.
    pub within_ms: u64,
    /// The window as it stands in the header; default false (RFC 9293 section 3.8.6 leaves it to the receiver).
    pub window: bool,
    /// The PSH flag; default false (RFC 9293 section 3.9.1 leaves most of it to the sender).
    pub push: bool,
    /// Which options are compared; default none. Those not named may be there or not.
    pub options: Vec<OptionKind>,
}

impl Compare {
    /// [`Compare::within_ms`] as a duration.
    pub(crate) fn within(&self) -> Duration {
        Duration::from_millis(self.within_ms)
    }
}

/// A TCP option that is compared.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum OptionKind {
    /// Maximum segment size.
    Mss,
    /// Window scale: whether it is there, for the shift is the stack's choice.
    WindowScale,
    /// SACK permitted.
    SackPermitted,
    /// SACK blocks.
    Sack,
    /// Timestamps: whether they are there, and TSecr. TSval is the stack's choice.
    Timestamps,
}

/// What frames are held against, with the sequence numbers of both sides.
pub(crate) struct Comparison<'a> {
    pub(crate) compare: &'a Compare,
    pub(crate) choices: &'a Choices,
    /// What the capture's SYNs have shown.
    pub(crate) captured_seqs: &'a InitialSeqs,
    /// What the stack's and the peer's SYNs have shown in the replay.
    pub(crate) replayed_seqs: &'a InitialSeqs,
}

impl Comparison<'_> {
    /// What is wrong with `got`, where `expected` is what should have left: nothing, or a list.
    pub(crate) fn differences(&self, expected: &[u8], got: &[u8]) -> Vec<String> {
        match (tcp_segment(expected), tcp_segment(got)) {
            (Some(expected_segment), Some(got_segment)) => {
                let mut wrong = stations(expected, got);
                self.segments(&expected_segment, expected, &got_segment, got, &mut wrong);
                let line = Notation::default().frame(got).to_string();
                if line.ends_with("[bad checksum]") {
                    wrong.push("a checksum is wrong".to_owned());
                }
                wrong
            }
            (None, None) if expected == got => Vec::new(),
            (None, None) => vec![other_bytes(expected, got)],
            _ => vec!["it is another kind of frame".to_owned()],
        }
    }

    fn segments(
        &self,
        expected: &FlowSegment<'_>,
        expected_frame: &[u8],
        got: &FlowSegment<'_>,
        got_frame: &[u8],
        wrong: &mut Vec<String>,
    ) {
        let port = self.choices.port(expected.from, expected.to).unwrap_or(got.from.port());
        differ(wrong, "the source", &SocketAddr::new(expected.from.ip(), port), &got.from);
        differ(wrong, "the destination", &expected.to, &got.to);
        let ignored = if self.compare.push { TcpFlags::empty() } else { TcpFlags::PSH };
        let flags = |segment: &TcpSegment<'_>| {
            (segment.flags() - ignored).iter_names().map(|(name, _)| name).collect::<Vec<_>>().join(",")
        };
        differ(wrong, "the set of flags", &flags(&expected.segment), &flags(&got.segment));
        let expected_from = self.captured_seqs.relative(expected_frame);
        let got_from = self.replayed_seqs.relative(got_frame);
        let told = |seq: SeqNumber, initial: SeqNumber| seq.0.wrapping_sub(initial.0);
        let seq = |segment: &TcpSegment<'_>, from: Relative| told(segment.seq(), from.seq);
        differ(wrong, "seq", &seq(&expected.segment, expected_from), &seq(&got.segment, got_from));
        let both = expected.segment.flags() & got.segment.flags();
        if both.contains(TcpFlags::ACK) {
            let ack = |segment: &TcpSegment<'_>, from: Relative| told(segment.ack(), from.ack);
            differ(wrong, "ack", &ack(&expected.segment, expected_from), &ack(&got.segment, got_from));
        }
        if self.compare.window {
            differ(wrong, "win", &expected.segment.window(), &got.segment.window());
        }
        if both.contains(TcpFlags::URG) {
            differ(wrong, "urg", &expected.segment.urgent(), &got.segment.urgent());
        }
        let (expected_text, got_text) = (expected.segment.payload(), got.segment.payload());
        if expected_text.len() != got_text.len() {
            differ(wrong, "the length of the text", &expected_text.len(), &got_text.len());
        } else if expected_text != got_text {
            wrong.push(format!("the text: {}", other_bytes(expected_text, got_text)));
        }
        let (expected_options, got_options) = (expected.segment.options(), got.segment.options());
        for kind in &self.compare.options {
            let of = |options: &TcpOptions, from: Relative| option(*kind, options, |seq| told(seq, from.ack));
            differ(wrong, kind.name(), &of(&expected_options, expected_from), &of(&got_options, got_from));
        }
    }
}

impl OptionKind {
    const fn name(self) -> &'static str {
        match self {
            OptionKind::Mss => "the option mss",
            OptionKind::WindowScale => "the option wscale",
            OptionKind::SackPermitted => "the option sackOK",
            OptionKind::Sack => "the option sack",
            OptionKind::Timestamps => "the option TS",
        }
    }
}

/// What is compared of an option, as text.
fn option(kind: OptionKind, options: &TcpOptions, relative: impl Fn(SeqNumber) -> u32) -> String {
    let absent = || "absent".to_owned();
    let present = || "present".to_owned();
    match kind {
        OptionKind::Mss => options.mss.map_or_else(absent, |mss| mss.to_string()),
        OptionKind::WindowScale => options.window_scale.map_or_else(absent, |_| present()),
        OptionKind::SackPermitted => {
            if options.sack_permitted {
                present()
            } else {
                absent()
            }
        }
        OptionKind::Timestamps => {
            options.timestamps.map_or_else(absent, |timestamps| format!("ecr {}", timestamps.echo))
        }
        OptionKind::Sack if options.sack.is_empty() => absent(),
        OptionKind::Sack => {
            let blocks = options.sack.iter().map(|range| format!("{}:{}", relative(range.start), relative(range.end)));
            blocks.collect::<Vec<_>>().join(" ")
        }
    }
}

fn differ<T: PartialEq + std::fmt::Display>(wrong: &mut Vec<String>, what: &str, expected: &T, got: &T) {
    if expected != got {
        wrong.push(format!("{what} is {got}, expected {expected}"));
    }
}

fn stations(expected: &[u8], got: &[u8]) -> Vec<String> {
    let mut wrong = Vec::new();
    if let (Ok(expected), Ok(got)) = (EthernetFrame::parse(expected), EthernetFrame::parse(got)) {
        differ(&mut wrong, "the source station", &expected.src(), &got.src());
        differ(&mut wrong, "the destination station", &expected.dst(), &got.dst());
    }
    wrong
}

fn other_bytes(expected: &[u8], got: &[u8]) -> String {
    match expected.iter().zip(got).position(|(expected, got)| expected != got) {
        Some(at) => format!("byte {at} is 0x{:02x}, expected 0x{:02x}", got[at], expected[at]),
        None => format!("{} bytes, expected {}", got.len(), expected.len()),
    }
}
