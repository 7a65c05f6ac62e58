//! Each oracle against frames written by hand: a sequence that keeps its rule at the edge, and one that breaks
//! exactly it. Times are in milliseconds, sequence numbers count from the initial ones.
//!
//! | module | what |
//! |---|---|
//! | `segments` | the rules about TCP |
//! | `packets` | the rules about fragments, identifications and lengths |
//! | `renewal` | the rule about leases |

mod packets;
mod renewal;
mod segments;

use std::net::IpAddr;

use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::wire::ethernet::{EtherType, EthernetAddress, EthernetHeader};
use tickwire_core::wire::notation;

use super::*;

const LOCAL: (&str, u16, u32) = ("192.0.2.1", 80, 0xffff_ff00);
const REMOTE: (&str, u16, u32) = ("192.0.2.2", 40_000, 7_000_000);

/// A connection without options but MSS, opened by the host at the tap.
const PLAIN: &str = "
    0 > S 0:0(0) win 1000 <mss 1000>
    10 < S. 0:0(0) ack 1 win 1000 <mss 1000>
    10 > . 1:1(0) ack 1 win 1000";

/// A connection with all options, opened by the peer; windows in units of 4.
const FULL: &str = "
    0 < S 0:0(0) win 1000 <mss 1000,sackOK,TS val 900 ecr 0,nop,wscale 2>
    0 > S. 0:0(0) ack 1 win 1000 <mss 1000,sackOK,TS val 100 ecr 900,nop,wscale 2>
    10 < . 1:1(0) ack 1 win 250 <nop,nop,TS val 910 ecr 100>";

/// One without timestamps, but with SACK.
const SACKED: &str = "
    0 < S 0:0(0) win 1000 <mss 1000,sackOK>
    0 > S. 0:0(0) ack 1 win 1000 <mss 1000,sackOK>
    10 < . 1:1(0) ack 1 win 1000";

fn ethernet(ethertype: EtherType, packet: &[u8]) -> Bytes {
    let station = |last| EthernetAddress([2, 0, 0, 0, 0, last]);
    let mut frame = Vec::new();
    EthernetHeader { dst: EthernetAddress::BROADCAST, src: station(1), ethertype }.emit(&mut frame);
    frame.extend_from_slice(packet);
    frame.into()
}

/// The frame of a line; the text's bytes follow from their sequence numbers. A `!` at the end of the line flips
/// the last byte of the packet before the checksum is made, a `?` behind it.
fn frame(direction: Direction, line: &str) -> Bytes {
    let (from, to) = if direction == Direction::Outbound { (LOCAL, REMOTE) } else { (REMOTE, LOCAL) };
    let relative = Relative { seq: SeqNumber(from.2), ack: SeqNumber(to.2) };
    let segment = notation::parse(line.trim_end_matches(['!', '?', ' ']), from.1, to.1, relative).unwrap();
    let mut text: Vec<u8> = (0..segment.payload_len).map(|at| (segment.header.seq + at).0 as u8).collect();
    if let Some(last) = text.last_mut().filter(|_| line.ends_with('!')) {
        *last ^= 0x20;
    }
    let ip = |name: &str| name.parse::<IpAddr>().unwrap();
    let mut packet = segment.to_packet(ip(from.0), ip(to.0), &text);
    if line.ends_with('?') {
        *packet.last_mut().unwrap() ^= 0x20;
    }
    ethernet(EtherType::Ipv4, &packet)
}

fn observe(oracles: &mut WireOracles, lines: &str) {
    for (number, line) in (0..).zip(lines.lines().filter(|line| !line.trim().is_empty())) {
        let (at, rest) = line.trim().split_once(' ').unwrap();
        let (sign, line) = rest.split_once(' ').unwrap();
        let direction = if sign == ">" { Direction::Outbound } else { Direction::Inbound };
        let at = Instant::from_millis(at.parse().unwrap());
        let frame = frame(direction, line);
        oracles.observe(Sighting { number, at, medium: Medium::Ethernet, direction, frame: &frame });
    }
}

fn judged_by(settings: Settings, lines: &str) -> WireOracles {
    let mut oracles = WireOracles::new(settings);
    observe(&mut oracles, lines);
    oracles
}

fn broken(oracles: &WireOracles) -> Vec<Oracle> {
    oracles.verdicts().iter().map(|verdict| verdict.oracle).collect()
}

#[test]
fn names_lead_back() {
    for oracle in Oracle::ALL {
        assert_eq!(Oracle::by_name(oracle.name()), Some(oracle));
    }
    assert_eq!(Oracle::by_name("acks"), None);
}
