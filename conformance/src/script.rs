//! From a script to the frames of a capture: how the cases of our own were made.
//!
//! A line is a frame: the time in seconds, the direction (`<` into the stack, `>` out of it), the
//! frame in the notation, and its text in quotes. Sequence numbers count from each end's initial one.
//!
//! ```text
//! # The peer opens.
//! 0.000 < arp who-has 192.0.2.2 tell 192.0.2.1
//! 0.000 > arp 192.0.2.2 is-at 02:00:00:00:00:02 to 192.0.2.1
//! 0.100 < S 0:0(0) win 65535 <mss 1460>
//! 0.100 > S. 0:0(0) ack 1 win 65535 <mss 1460>
//! 0.200 < P. 1:7(6) ack 1 win 65535 "hello\n"
//! ```

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use serde::Deserialize;
use thiserror::Error;
use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::wire::arp::{ArpHeader, ArpOperation};
use tickwire_core::wire::ethernet::{EtherType, EthernetAddress, EthernetHeader};
use tickwire_core::wire::notation::{self, ParseError, Relative};
use tickwire_sim::capture::{CapturedFrame, Direction, write_frames};

use crate::case::{self, CaseError, Description};

/// What a script leaves out: who its two ends are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptEnds {
    /// The peer's hardware address.
    #[serde(deserialize_with = "case::from_text")]
    pub peer_hardware_address: EthernetAddress,
    /// The peer's end of the connection.
    pub peer: SocketAddr,
    /// The stack's end. A port that the stack chooses by itself may be any.
    pub stack: SocketAddr,
    /// The peer's initial sequence number.
    pub peer_iss: u32,
    /// The stack's; any, unless the case is about a stack that has none (0).
    pub stack_iss: u32,
}

/// Why a script is none.
#[derive(Clone, Debug, Error)]
#[error("line {line}: {what}")]
pub struct ScriptError {
    /// The number of the line, from 1.
    pub line: usize,
    /// What was expected there.
    pub what: String,
}

/// The frames of the script `text`.
///
/// # Errors
///
/// [`ScriptError`] names the line and what was expected.
pub fn frames(description: &Description, text: &str) -> Result<Vec<CapturedFrame>, ScriptError> {
    let mut frames = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            frames.push(frame(description, line).map_err(|what| ScriptError { line: number, what })?);
        }
    }
    Ok(frames)
}

/// Makes the `case.pcapng` of `folder` from its `case.script`: the bytes of the file.
///
/// # Errors
///
/// [`CaseError`] says which file is not as it should be.
pub fn capture(folder: &Path) -> Result<Vec<u8>, CaseError> {
    let description = Description::read(folder)?;
    let path = folder.join("case.script");
    let text = case::read(&path)?;
    let frames = frames(&description, &text).map_err(|source| CaseError::Script { path: path.clone(), source })?;
    let mut bytes = Vec::new();
    write_frames(&mut bytes, &["stack"], &frames).map_err(|source| CaseError::Capture { path, source })?;
    Ok(bytes)
}

fn frame(description: &Description, line: &str) -> Result<CapturedFrame, String> {
    let mut parts = line.splitn(3, ' ');
    let mut part = || parts.next().unwrap_or_default();
    let (time, direction, what) = (part(), part(), part());
    let direction = match direction {
        "<" => Direction::Inbound,
        ">" => Direction::Outbound,
        other => return Err(format!("\"{other}\" where \"<\" or \">\" is expected")),
    };
    let stations = Stations::of(description, direction);
    let data = match what.strip_prefix("arp ") {
        Some(arp) => stations.arp(arp)?,
        None => stations.segment(&description.script, direction, what)?,
    };
    let original_len = data.len() as u32;
    Ok(CapturedFrame {
        unix_nanos: nanos(time)?,
        interface: 0,
        direction: Some(direction),
        data: data.into(),
        original_len,
        comment: None,
    })
}

/// Seconds with up to nine decimals, in nanoseconds.
fn nanos(text: &str) -> Result<u64, String> {
    let error = || format!("\"{text}\" where a time in seconds is expected, as in 0.25");
    let (secs, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(error());
    }
    let secs: u64 = secs.parse().map_err(|_| error())?;
    let fraction: u64 = format!("{fraction:0<9}").parse().map_err(|_| error())?;
    secs.checked_mul(1_000_000_000).and_then(|nanos| nanos.checked_add(fraction)).ok_or_else(error)
}

/// The stations of a frame.
struct Stations {
    src: EthernetAddress,
    dst: EthernetAddress,
}

impl Stations {
    fn of(description: &Description, direction: Direction) -> Stations {
        let (peer, stack) = (description.script.peer_hardware_address, description.stack.hardware_address);
        match direction {
            Direction::Inbound => Stations { src: peer, dst: stack },
            Direction::Outbound => Stations { src: stack, dst: peer },
        }
    }

    /// `who-has TARGET tell SENDER`, to all stations, or `SENDER is-at HARDWARE`.
    fn arp(&self, text: &str) -> Result<Vec<u8>, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let address = |text: &str| text.parse::<Ipv4Addr>().map_err(|_| format!("\"{text}\" is no IPv4 address"));
        let mut frame = Vec::new();
        match words[..] {
            ["who-has", target, "tell", sender] => {
                let header = ArpHeader {
                    operation: ArpOperation::Request,
                    sender_hardware: self.src,
                    sender_protocol: address(sender)?,
                    target_hardware: EthernetAddress::UNSPECIFIED,
                    target_protocol: address(target)?,
                };
                let dst = EthernetAddress::BROADCAST;
                EthernetHeader { dst, src: self.src, ethertype: EtherType::Arp }.emit(&mut frame);
                header.emit(&mut frame);
            }
            [sender, "is-at", hardware, "to", target] => {
                let header = ArpHeader {
                    operation: ArpOperation::Reply,
                    sender_hardware: hardware.parse().map_err(|error| format!("{error}"))?,
                    sender_protocol: address(sender)?,
                    target_hardware: self.dst,
                    target_protocol: address(target)?,
                };
                EthernetHeader { dst: self.dst, src: self.src, ethertype: EtherType::Arp }.emit(&mut frame);
                header.emit(&mut frame);
            }
            _ => {
                return Err(format!(
                    "\"arp {text}\" where \"arp who-has A tell B\" or \"arp A is-at MAC to B\" is expected"
                ));
            }
        }
        Ok(frame)
    }

    fn segment(&self, ends: &ScriptEnds, direction: Direction, text: &str) -> Result<Vec<u8>, String> {
        let (line, payload) = match text.split_once('"') {
            Some((line, quoted)) => (line, unquote(quoted)?),
            None => (text, String::new()),
        };
        let from_peer = Relative { seq: SeqNumber(ends.peer_iss), ack: SeqNumber(ends.stack_iss) };
        let (src, dst, relative) = match direction {
            Direction::Inbound => (ends.peer, ends.stack, from_peer),
            Direction::Outbound => (ends.stack, ends.peer, from_peer.reversed()),
        };
        let told = |error: ParseError| error.to_string();
        let segment = notation::parse(line, src.port(), dst.port(), relative).map_err(told)?;
        if segment.payload_len as usize != payload.len() {
            return Err(format!("{} bytes of text for a segment of {}", payload.len(), segment.payload_len));
        }
        let packet = segment.to_packet(src.ip(), dst.ip(), payload.as_bytes());
        let ethertype = if src.is_ipv4() { EtherType::Ipv4 } else { EtherType::Ipv6 };
        let mut frame = Vec::new();
        EthernetHeader { dst: self.dst, src: self.src, ethertype }.emit(&mut frame);
        frame.extend_from_slice(&packet);
        Ok(frame)
    }
}

/// The text up to the closing quote, in which `\n` is a line feed.
fn unquote(quoted: &str) -> Result<String, String> {
    let text = quoted.trim_end().strip_suffix('"').ok_or("a text without its closing quote")?;
    Ok(text.replace("\\n", "\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_exactly() {
        assert_eq!(nanos("0.000000001"), Ok(1));
        assert_eq!(nanos("1.5"), Ok(1_500_000_000));
        assert_eq!(nanos("7"), Ok(7_000_000_000));
        for text in ["", ".5", "1.0000000001", "1.x", "-1", "99999999999"] {
            assert!(nanos(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_text_is_unquoted() {
        assert_eq!(unquote("hello\\n\""), Ok("hello\n".to_owned()));
        assert!(unquote("hello").is_err());
    }
}
