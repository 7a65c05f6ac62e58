//! From a segment's line to the segment.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

use super::Relative;
use super::tcp::FLAGS;
use crate::tcp::seq::SeqNumber;
use crate::wire::checksum::Sum;
use crate::wire::ipv4::{IpProtocol, Ipv4Header};
use crate::wire::ipv6::Ipv6Header;
use crate::wire::tcp::{self, TcpFlags, TcpHeader};
use crate::wire::tcp_options::{MAX_SACK_BLOCKS, SackRange, TcpOptions, Timestamps};

/// What a segment's line says.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Segment {
    /// The header.
    pub header: TcpHeader,
    /// The options; NOPs are not kept, the emitter places its own.
    pub options: TcpOptions,
    /// Length of the text, in bytes.
    pub payload_len: u32,
}

impl Segment {
    /// A whole IP packet with the segment in it: TTL or hop limit 64, DF set over IPv4, checksums
    /// right. The text is `payload`, whatever length the line told. Addresses of two families make
    /// an empty packet.
    #[must_use]
    pub fn to_packet(&self, src: IpAddr, dst: IpAddr, payload: &[u8]) -> Vec<u8> {
        let segment_len = tcp::HEADER_LEN + self.options.emitted_len() + payload.len();
        let mut packet = Vec::new();
        let pseudo_header = match (src, dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                let header = Ipv4Header {
                    tos: 0,
                    payload_len: segment_len as u16,
                    id: 0,
                    dont_fragment: true,
                    more_fragments: false,
                    fragment_offset: 0,
                    ttl: 64,
                    protocol: IpProtocol::TCP,
                    src,
                    dst,
                };
                header.emit(&mut packet);
                Sum::pseudo_header_v4(src, dst, IpProtocol::TCP, segment_len)
            }
            (IpAddr::V6(src), IpAddr::V6(dst)) => {
                let header = Ipv6Header {
                    traffic_class: 0,
                    flow_label: 0,
                    payload_len: segment_len as u16,
                    next_header: IpProtocol::TCP,
                    hop_limit: 64,
                    src,
                    dst,
                };
                header.emit(&mut packet);
                Sum::pseudo_header_v6(src, dst, IpProtocol::TCP, segment_len)
            }
            _ => return packet,
        };
        let start = packet.len();
        self.header.emit(&self.options, &mut packet);
        packet.extend_from_slice(payload);
        if let Some(segment) = packet.get_mut(start..) {
            tcp::fill_checksum(pseudo_header, segment);
        }
        packet
    }
}

/// A line that is no segment: which part of it, and what was expected there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The part of the line that was not understood; empty if the line ended too early.
    pub token: String,
    /// What was expected in its place.
    pub expected: &'static str,
}

impl ParseError {
    fn new(token: &str, expected: &'static str) -> ParseError {
        ParseError { token: token.to_string(), expected }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.token.as_str() {
            "" => write!(f, "the line ends where {} is expected", self.expected),
            token => write!(f, "\"{token}\" where {} is expected", self.expected),
        }
    }
}

impl core::error::Error for ParseError {}

const FLAGS_EXPECTED: &str = "the flags, letters of \"SFRP.UEWA\" or \"-\" for none,";
const RANGE_EXPECTED: &str = "a range with its length, as in 1:1001(1000),";
const NUMBER_EXPECTED: &str = "a number";
const FIELD_EXPECTED: &str = "\"ack N\", \"win N\", \"urg N\" or \"<options>\"";
const OPTION_EXPECTED: &str = "an option: mss N, wscale N, sackOK, sack A:B .., TS val N ecr N, nop, eol,";
const BLOCK_EXPECTED: &str = "a SACK block, as in 2001:3001,";

/// Reads a segment's line, such as `. 1:1001(1000) ack 1 win 320 <sack 2001:3001,TS val 5 ecr 6>`.
/// A leading `>` or `<` is passed over. The window is 65,535 unless it is told.
///
/// # Errors
///
/// [`ParseError`] names the part of the line and what was expected there.
pub fn parse(line: &str, src_port: u16, dst_port: u16, relative: Relative) -> Result<Segment, ParseError> {
    let line = line.trim();
    let line = line.strip_prefix("> ").or_else(|| line.strip_prefix("< ")).unwrap_or(line);
    let (fields, options) = match line.split_once('<') {
        Some((fields, options)) => {
            let inner = options.strip_suffix('>').ok_or_else(|| ParseError::new(options, "\">\" after the options"))?;
            (fields, Some(inner))
        }
        None => (line, None),
    };
    let mut tokens = fields.split_whitespace();
    let flags = flags(tokens.next().unwrap_or_default())?;
    let (first, payload_len) = range_with_len(tokens.next().unwrap_or_default())?;
    let mut header = TcpHeader {
        src_port,
        dst_port,
        seq: relative.seq + first,
        ack: SeqNumber(0),
        flags,
        window: u16::MAX,
        urgent: 0,
    };
    let mut has_ack = false;
    while let Some(name) = tokens.next() {
        let mut value = || tokens.next().unwrap_or_default();
        match name {
            "ack" => {
                header.ack = relative.ack + number(value())?;
                has_ack = true;
            }
            "win" => header.window = number(value())?,
            "urg" => header.urgent = number(value())?,
            name => return Err(ParseError::new(name, FIELD_EXPECTED)),
        }
    }
    match (flags.contains(TcpFlags::ACK), has_ack) {
        (true, false) => {
            return Err(ParseError::new("", "\"ack N\", since the flags have \".\","));
        }
        (false, true) => {
            return Err(ParseError::new("ack", "no \"ack\", for want of \".\" in the flags,"));
        }
        _ => {}
    }
    let options = options.map_or(Ok(TcpOptions::default()), |text| parse_options(text, relative))?;
    Ok(Segment { header, options, payload_len })
}

fn flags(token: &str) -> Result<TcpFlags, ParseError> {
    let mut flags = TcpFlags::empty();
    if token.is_empty() {
        return Err(ParseError::new(token, FLAGS_EXPECTED));
    }
    if token == "-" {
        return Ok(flags);
    }
    for letter in token.chars() {
        let known = FLAGS.iter().find(|(_, known)| *known == letter);
        let (flag, _) = known.ok_or_else(|| ParseError::new(token, FLAGS_EXPECTED))?;
        flags |= *flag;
    }
    Ok(flags)
}

/// `first:last(length)`: the first number and the length, which must fit.
fn range_with_len(token: &str) -> Result<(u32, u32), ParseError> {
    let error = || ParseError::new(token, RANGE_EXPECTED);
    let (range, len) = token.strip_suffix(')').and_then(|rest| rest.split_once('(')).ok_or_else(error)?;
    let (first, last) = range.split_once(':').ok_or_else(error)?;
    let numbers = (first.parse::<u32>(), last.parse::<u32>(), len.parse::<u32>());
    let (Ok(first), Ok(last), Ok(len)) = numbers else {
        return Err(error());
    };
    if first.wrapping_add(len) != last {
        return Err(ParseError::new(token, "a range as long as the length in brackets"));
    }
    Ok((first, len))
}

fn number<T: core::str::FromStr>(token: &str) -> Result<T, ParseError> {
    token.parse().map_err(|_| ParseError::new(token, NUMBER_EXPECTED))
}

fn parse_options(text: &str, relative: Relative) -> Result<TcpOptions, ParseError> {
    let mut options = TcpOptions::default();
    for option in text.split(',').map(str::trim) {
        let mut words = option.split_whitespace();
        let mut word = || words.next().unwrap_or_default();
        match word() {
            "nop" | "eol" => {}
            "mss" => options.mss = Some(number(word())?),
            "wscale" => options.window_scale = Some(number(word())?),
            "sackOK" => options.sack_permitted = true,
            "TS" => {
                expect("val", word())?;
                let value = number(word())?;
                expect("ecr", word())?;
                options.timestamps = Some(Timestamps { value, echo: number(word())? });
            }
            "sack" => {
                for block in words.by_ref() {
                    options.sack.push(sack_block(block, relative)?);
                }
                if options.sack.is_empty() || options.sack.len() > MAX_SACK_BLOCKS {
                    return Err(ParseError::new(option, "one to four SACK blocks"));
                }
            }
            _ => return Err(ParseError::new(option, OPTION_EXPECTED)),
        }
        if let Some(stray) = words.next() {
            return Err(ParseError::new(stray, "a comma or the end of the options"));
        }
    }
    Ok(options)
}

fn expect(keyword: &'static str, word: &str) -> Result<(), ParseError> {
    if word == keyword { Ok(()) } else { Err(ParseError::new(word, keyword)) }
}

fn sack_block(token: &str, relative: Relative) -> Result<SackRange, ParseError> {
    let error = || ParseError::new(token, BLOCK_EXPECTED);
    let (start, end) = token.split_once(':').ok_or_else(error)?;
    let (Ok(start), Ok(end)) = (start.parse::<u32>(), end.parse::<u32>()) else {
        return Err(error());
    };
    Ok(SackRange { start: relative.ack + start, end: relative.ack + end })
}
