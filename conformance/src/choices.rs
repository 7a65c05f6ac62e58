//! What the stack chose where the capture holds another choice: its ephemeral ports, initial
//! sequence numbers and timestamps. Learned from each pair of frames that correspond, and used to make
//! inbound frames speak of what was really chosen.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::wire::checksum::Sum;
use tickwire_core::wire::ipv4::IpProtocol;
use tickwire_core::wire::tcp::{self, TcpFlags};
use tickwire_sim::segment::{FlowSegment, tcp_segment};

const DST_PORT: usize = 2;
const ACK: usize = 8;
const END_OF_LIST: u8 = 0;
const NO_OPERATION: u8 = 1;
const SACK: u8 = 5;
const TIMESTAMPS: u8 = 8;
/// Where TSecr is in its option.
const TSECR: usize = 6;

/// The choices on one connection.
#[derive(Clone, Debug, Default)]
struct Chosen {
    /// The stack's port.
    port: u16,
    /// How far the stack's sequence numbers are ahead of the captured ones, modulo 2^32.
    seq_ahead: u32,
    /// The TSval that really left, by the captured one.
    timestamps: BTreeMap<u32, u32>,
}

/// The choices, by the captured ends of the connection: the stack's, the peer's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choices(BTreeMap<(SocketAddr, SocketAddr), Chosen>);

impl Choices {
    /// Takes note of a frame that left and of the captured one that it corresponds to.
    pub(crate) fn learn(&mut self, captured: &[u8], left: &[u8]) {
        let (Some(captured), Some(left)) = (tcp_segment(captured), tcp_segment(left)) else { return };
        let ends = (captured.from, captured.to);
        let is_syn = captured.segment.flags().contains(TcpFlags::SYN);
        if is_syn || !self.0.contains_key(&ends) {
            // Without a SYN the stack has no initial number of its own: what it sends follows from the peer's.
            let seq_ahead = if is_syn { left.segment.seq().0.wrapping_sub(captured.segment.seq().0) } else { 0 };
            self.0.insert(ends, Chosen { port: left.from.port(), seq_ahead, ..Chosen::default() });
        }
        let Some(chosen) = self.0.get_mut(&ends) else { return };
        if let (Some(captured), Some(left)) = (captured.segment.options().timestamps, left.segment.options().timestamps)
        {
            chosen.timestamps.insert(captured.value, left.value);
        }
    }

    /// The port that the stack really uses for the captured end `stack` towards `peer`.
    pub(crate) fn port(&self, stack: SocketAddr, peer: SocketAddr) -> Option<u16> {
        self.0.get(&(stack, peer)).map(|chosen| chosen.port)
    }

    /// The captured inbound frame, made to speak of what the stack chose. A checksum that was right
    /// stays right, and one that was wrong stays wrong.
    pub(crate) fn applied(&self, captured: &[u8]) -> Vec<u8> {
        let mut frame = captured.to_vec();
        let Some(FlowSegment { from, to, segment, offset }) = tcp_segment(captured) else { return frame };
        let Some(chosen) = self.0.get(&(to, from)) else { return frame };
        let pseudo_header = pseudo_header(from.ip(), to.ip(), segment.total_len());
        let was_right = segment.verify_checksum(pseudo_header);
        let end = offset + segment.total_len();
        let Some(bytes) = frame.get_mut(offset..end) else { return frame };
        put(bytes, DST_PORT, &chosen.port.to_be_bytes());
        if segment.flags().contains(TcpFlags::ACK) {
            put(bytes, ACK, &(segment.ack() + chosen.seq_ahead).0.to_be_bytes());
        }
        if let Some(options) = bytes.get_mut(tcp::HEADER_LEN..segment.header_len()) {
            apply_to_options(options, chosen);
        }
        if was_right {
            tcp::fill_checksum(pseudo_header, bytes);
        }
        frame
    }
}

fn pseudo_header(src: IpAddr, dst: IpAddr, len: usize) -> Sum {
    match (src, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => Sum::pseudo_header_v4(src, dst, IpProtocol::TCP, len),
        (IpAddr::V6(src), IpAddr::V6(dst)) => Sum::pseudo_header_v6(src, dst, IpProtocol::TCP, len),
        _ => Sum::new(),
    }
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + value.len()) {
        place.copy_from_slice(value);
    }
}

/// SACK blocks and TSecr speak of the stack's numbers (RFC 2018 section 3, RFC 7323 section 3.2).
fn apply_to_options(options: &mut [u8], chosen: &Chosen) {
    let mut at = 0;
    while let Some(&kind) = options.get(at) {
        match kind {
            END_OF_LIST => return,
            NO_OPERATION => {
                at += 1;
                continue;
            }
            _ => {}
        }
        let len = options.get(at + 1).map_or(0, |len| usize::from(*len));
        let Some(option) = options.get_mut(at..at + len).filter(|option| option.len() >= 2) else { return };
        match kind {
            SACK => {
                for edge in option[2..].as_chunks_mut::<4>().0 {
                    *edge = (SeqNumber(u32::from_be_bytes(*edge)) + chosen.seq_ahead).0.to_be_bytes();
                }
            }
            TIMESTAMPS => {
                if let Some(echo) = option.get_mut(TSECR..).and_then(|rest| rest.first_chunk_mut::<4>())
                    && let Some(left) = chosen.timestamps.get(&u32::from_be_bytes(*echo))
                {
                    *echo = left.to_be_bytes();
                }
            }
            _ => {}
        }
        at += len;
    }
}
