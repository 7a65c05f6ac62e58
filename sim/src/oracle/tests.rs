//! Each oracle against frames written by hand: a sequence that keeps its rule at the edge, and one that breaks
//! exactly it. Times are in milliseconds, sequence numbers count from the initial ones.

use std::net::IpAddr;

use rstest::rstest;
use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::wire::ethernet::{EtherType, EthernetAddress, EthernetHeader};
use tickwire_core::wire::ipv4::{IpProtocol, Ipv4Header};
use tickwire_core::wire::ipv6::Ipv6Header;
use tickwire_core::wire::ipv6_ext::Fragment;
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

#[rstest]
#[case::bytes(
    Oracle::Retransmission,
    PLAIN,
    "20 > . 1:101(100) ack 1 win 1000
    220 > . 51:101(50) ack 1 win 1000",
    "20 > . 1:101(100) ack 1 win 1000
    220 > . 1:101(100) ack 1 win 1000 !"
)]
#[case::cut_anew(
    Oracle::Retransmission,
    PLAIN,
    "20 > . 1:101(100) ack 1 win 1000
    20 > . 101:201(100) ack 1 win 1000
    220 > . 51:151(100) ack 1 win 1000",
    "20 > . 1:101(100) ack 1 win 1000
    20 > . 101:201(100) ack 1 win 1000
    220 > . 51:151(100) ack 1 win 1000 !"
)]
#[case::text_where_a_fin_was(
    Oracle::Retransmission,
    PLAIN,
    "20 > F. 1:101(100) ack 1 win 1000
    220 > F. 1:101(100) ack 1 win 1000",
    "20 > F. 1:101(100) ack 1 win 1000
    220 > . 1:102(101) ack 1 win 1000"
)]
#[case::back(
    Oracle::AckMonotone,
    PLAIN,
    "20 < . 1:101(100) ack 1 win 1000
    20 > . 1:1(0) ack 101 win 1000
    30 > . 1:1(0) ack 101 win 1000",
    "20 < . 1:101(100) ack 1 win 1000
    20 > . 1:1(0) ack 101 win 1000
    30 > . 1:1(0) ack 100 win 1001"
)]
#[case::never_sent(
    Oracle::AckUnsent,
    PLAIN,
    "20 < . 1:101(100) ack 1 win 1000
    20 > . 1:1(0) ack 101 win 1000",
    "20 < . 1:101(100) ack 1 win 1000
    20 > . 1:1(0) ack 102 win 1000"
)]
#[case::a_hole(
    Oracle::AckUnsent,
    PLAIN,
    "20 < . 101:201(100) ack 1 win 1000
    20 < . 1:101(100) ack 1 win 1000
    20 > . 1:1(0) ack 201 win 1000",
    "20 < . 101:201(100) ack 1 win 1000
    20 > . 1:1(0) ack 201 win 1000"
)]
#[case::damaged_is_not_received(
    Oracle::AckUnsent,
    PLAIN,
    "20 < . 1:101(100) ack 1 win 1000
    20 > . 1:1(0) ack 101 win 1000",
    "20 < . 1:101(100) ack 1 win 1000 ?
    20 > . 1:1(0) ack 101 win 1000"
)]
#[case::beyond(
    Oracle::Window,
    PLAIN,
    "20 > . 1:1001(1000) ack 1 win 1000
    30 > . 1001:1002(1) ack 1 win 1000",
    "20 > . 1:1001(1000) ack 1 win 1000
    30 > . 1001:1003(2) ack 1 win 1000"
)]
#[case::fin_beyond(Oracle::Window, PLAIN, "20 > F. 1:1000(999) ack 1 win 1000", "20 > F. 1:1001(1000) ack 1 win 1000")]
#[case::scaled(
    Oracle::Window,
    FULL,
    "20 > . 1:989(988) ack 1 win 250 <nop,nop,TS val 100 ecr 910>
    20 > . 989:1001(12) ack 1 win 250 <nop,nop,TS val 100 ecr 910>",
    "20 > . 1:989(988) ack 1 win 250 <nop,nop,TS val 100 ecr 910>
    20 > . 989:1005(16) ack 1 win 250 <nop,nop,TS val 100 ecr 910>"
)]
#[case::shrunk_but_offered(
    Oracle::Window,
    PLAIN,
    "20 < . 1:1(0) ack 1 win 10
    20 > . 1:1001(1000) ack 1 win 1000",
    "20 < . 1:1(0) ack 1 win 10
    20 > . 1:1000(999) ack 1 win 1000
    21 > . 1000:1004(4) ack 1 win 1000"
)]
#[case::left(
    Oracle::RightEdge,
    PLAIN,
    "20 < . 1:101(100) ack 1 win 1000
    20 > . 1:1(0) ack 101 win 900",
    "20 < . 1:101(100) ack 1 win 1000
    20 > . 1:1(0) ack 101 win 899"
)]
#[case::not_received(
    Oracle::Sack,
    SACKED,
    "20 < . 101:201(100) ack 1 win 1000
    20 > . 1:1(0) ack 1 win 1000 <nop,nop,sack 101:201>",
    "20 < . 101:201(100) ack 1 win 1000
    20 > . 1:1(0) ack 1 win 1000 <nop,nop,sack 101:202>"
)]
#[case::empty(
    Oracle::Sack,
    SACKED,
    "20 < . 101:201(100) ack 1 win 1000
    20 > . 1:1(0) ack 1 win 1000 <nop,nop,sack 101:102>",
    "20 < . 101:201(100) ack 1 win 1000
    20 > . 1:1(0) ack 1 win 1000 <nop,nop,sack 101:101>"
)]
#[case::overlapping(
    Oracle::Sack,
    SACKED,
    "20 < . 101:201(100) ack 1 win 1000
    20 < . 301:401(100) ack 1 win 1000
    20 < . 501:601(100) ack 1 win 1000
    20 > . 1:1(0) ack 1 win 1000 <nop,nop,sack 501:601 301:401 101:201>",
    "20 < . 101:201(100) ack 1 win 1000
    20 < . 301:401(100) ack 1 win 1000
    20 < . 501:601(100) ack 1 win 1000
    20 > . 1:1(0) ack 1 win 1000 <nop,nop,sack 501:601 301:401 301:351>"
)]
#[case::acknowledged_but_not_first(
    Oracle::Sack,
    SACKED,
    "20 < . 1:101(100) ack 1 win 1000
    20 < . 201:301(100) ack 1 win 1000
    20 > . 1:1(0) ack 101 win 1000 <nop,nop,sack 1:51 201:301>",
    "20 < . 1:101(100) ack 1 win 1000
    20 < . 201:301(100) ack 1 win 1000
    20 > . 1:1(0) ack 101 win 1000 <nop,nop,sack 201:301 1:51>"
)]
#[case::clock_back(
    Oracle::Timestamps,
    FULL,
    "20 > . 1:11(10) ack 1 win 250 <nop,nop,TS val 100 ecr 910>",
    "20 > . 1:11(10) ack 1 win 250 <nop,nop,TS val 99 ecr 910>"
)]
#[case::echo_of_none(
    Oracle::Timestamps,
    FULL,
    "20 > . 1:11(10) ack 1 win 250 <nop,nop,TS val 100 ecr 900>",
    "20 > . 1:11(10) ack 1 win 250 <nop,nop,TS val 100 ecr 911>"
)]
#[case::left_out(
    Oracle::Timestamps,
    FULL,
    "20 > . 1:11(10) ack 1 win 250 <nop,nop,TS val 101 ecr 910>",
    "20 > . 1:11(10) ack 1 win 250"
)]
#[case::too_long(
    Oracle::Mss,
    FULL,
    "20 > . 1:989(988) ack 1 win 250 <nop,nop,TS val 100 ecr 910>",
    "20 > . 1:990(989) ack 1 win 250 <nop,nop,TS val 100 ecr 910>"
)]
#[case::mss_later(Oracle::Options, PLAIN, "20 > . 1:1(0) ack 1 win 1000", "20 > . 1:1(0) ack 1 win 1000 <mss 1000>")]
#[case::sack_not_permitted(
    Oracle::Options,
    PLAIN,
    "20 < . 101:201(100) ack 1 win 1000
    20 > . 1:1(0) ack 1 win 1000",
    "20 < . 101:201(100) ack 1 win 1000
    20 > . 1:1(0) ack 1 win 1000 <nop,nop,sack 101:201>"
)]
#[case::timestamps_not_agreed(
    Oracle::Options,
    PLAIN,
    "20 > . 1:1(0) ack 1 win 1000",
    "20 > . 1:1(0) ack 1 win 1000 <nop,nop,TS val 1 ecr 0>"
)]
#[case::scale_unasked(
    Oracle::Options,
    "0 < S 0:0(0) win 1000 <mss 1000>",
    "0 > S. 0:0(0) ack 1 win 1000 <mss 1000>",
    "0 > S. 0:0(0) ack 1 win 1000 <mss 1000,nop,wscale 2>"
)]
#[case::abort(
    Oracle::Reset,
    PLAIN,
    "20 > . 1:101(100) ack 1 win 1000
    30 > R. 101:101(0) ack 1 win 0",
    "20 > . 1:101(100) ack 1 win 1000
    30 > R. 100:100(0) ack 1 win 0"
)]
#[case::closed_port(
    Oracle::Reset,
    "0 < S 0:0(0) win 1000",
    "0 > R. 256:256(0) ack 1 win 0",
    "0 > R. 0:0(0) ack 1 win 0"
)]
#[case::answer_to_an_ack(Oracle::Reset, "0 < . 1:1(0) ack 55 win 1000", "0 > R 55:55(0) win 0", "0 > R 56:56(0) win 0")]
#[case::minimum(
    Oracle::Backoff,
    PLAIN,
    "20 > . 1:101(100) ack 1 win 1000
    220 > . 1:101(100) ack 1 win 1000",
    "20 > . 1:101(100) ack 1 win 1000
    219 > . 1:101(100) ack 1 win 1000"
)]
#[case::doubled(
    Oracle::Backoff,
    PLAIN,
    "20 > . 1:101(100) ack 1 win 1000
    320 > . 1:101(100) ack 1 win 1000
    920 > . 1:101(100) ack 1 win 1000",
    "20 > . 1:101(100) ack 1 win 1000
    320 > . 1:101(100) ack 1 win 1000
    919 > . 1:101(100) ack 1 win 1000"
)]
#[case::fast_ones_have_no_time(
    Oracle::Backoff,
    PLAIN,
    "20 > . 1:101(100) ack 1 win 1000
    20 > . 101:201(100) ack 1 win 1000
    30 < . 1:1(0) ack 1 win 1000
    31 > . 1:101(100) ack 1 win 1000
    215 > . 1:101(100) ack 1 win 1000
    640 > . 1:101(100) ack 1 win 1000",
    "20 > . 1:101(100) ack 1 win 1000
    220 > . 1:101(100) ack 1 win 1000
    619 > . 1:101(100) ack 1 win 1000"
)]
#[case::syn(
    Oracle::Backoff,
    "",
    "0 > S 0:0(0) win 1000
    1000 > S 0:0(0) win 1000
    3000 > S 0:0(0) win 1000",
    "0 > S 0:0(0) win 1000
    1000 > S 0:0(0) win 1000
    2999 > S 0:0(0) win 1000"
)]
// RFC 6298 section 5.1: an answer that never left has started the timer, the one to the copy does not start it again.
#[case::answer_to_a_copy(
    Oracle::Backoff,
    "",
    "0 < S 0:0(0) win 1000
    1000 < S 0:0(0) win 1000
    1000 > S. 0:0(0) ack 1 win 1000
    1010 > S. 0:0(0) ack 1 win 1000
    3010 > S. 0:0(0) ack 1 win 1000",
    "1000 < S 0:0(0) win 1000
    1000 > S. 0:0(0) ack 1 win 1000
    1010 > S. 0:0(0) ack 1 win 1000"
)]
#[case::late(
    Oracle::DelayedAck,
    PLAIN,
    "20 < . 1:101(100) ack 1 win 1000
    519 > . 1:1(0) ack 101 win 900",
    "20 < . 1:101(100) ack 1 win 1000
    520 > . 1:1(0) ack 101 win 900"
)]
#[case::never(
    Oracle::DelayedAck,
    PLAIN,
    "20 < . 1:101(100) ack 1 win 1000
    519 < . 1:101(100) ack 1 win 1000
    519 > . 1:1(0) ack 101 win 900",
    "20 < . 1:101(100) ack 1 win 1000
    1020 < . 1:101(100) ack 1 win 1000"
)]
// RFC 5961 section 5.2: below SND.UNA - MAX.SND.WND an acknowledgment takes its text with it.
#[case::text_with_a_stale_acknowledgment(
    Oracle::DelayedAck,
    PLAIN,
    "20 < . 1:101(100) ack 1 win 1000
    20 > . 1:1001(1000) ack 101 win 1000
    30 < . 101:101(0) ack 1001 win 1000
    30 > . 1001:2001(1000) ack 101 win 1000
    40 < . 101:101(0) ack 2001 win 1000
    50 < . 101:201(100) ack 1000 win 1000
    1050 > . 2001:2001(0) ack 101 win 1000",
    "20 < . 1:101(100) ack 1 win 1000
    20 > . 1:1001(1000) ack 101 win 1000
    30 < . 101:101(0) ack 1001 win 1000
    30 > . 1001:2001(1000) ack 101 win 1000
    40 < . 101:101(0) ack 2001 win 1000
    50 < . 101:201(100) ack 1001 win 1000
    1050 > . 2001:2001(0) ack 101 win 1000"
)]
#[case::damaged(Oracle::Checksums, PLAIN, "20 > . 1:101(100) ack 1 win 1000", "20 > . 1:101(100) ack 1 win 1000 ?")]
fn keeps_and_breaks(#[case] oracle: Oracle, #[case] open: &str, #[case] kept: &str, #[case] broke: &str) {
    let keeping = judged_by(Settings::default(), &format!("{open}\n{kept}"));
    assert_eq!(keeping.verdicts(), []);
    assert!(keeping.tally(oracle).judged > 0, "{oracle} has judged nothing");
    let lines = format!("{open}\n{broke}");
    let breaking = judged_by(Settings::default(), &lines);
    assert_eq!(broken(&breaking), [oracle], "{:#?}", breaking.verdicts());
    assert_eq!(breaking.tally(oracle).failed, 1);
    // Switched off it says nothing.
    let mut switches = Switches::ALL;
    switches.set(oracle, false);
    let off = judged_by(Settings { switches, ..Settings::default() }, &lines);
    assert_eq!((off.verdicts(), off.tally(oracle)), (&[][..], Tally::default()));
}

#[test]
fn a_verdict_is_told_in_the_notation() {
    let lines = format!("{PLAIN}\n20 < . 1:101(100) ack 1 win 1000\n20 > . 1:1(0) ack 101 win 800");
    let oracles = judged_by(Settings::default(), &lines);
    let told: Vec<String> = oracles.verdicts().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(told.join("\n"), @"
    right-edge (RFC 9293 SHLD-14, RFC 7323 section 2.4)
      flow     192.0.2.1:80 > 192.0.2.2:40000
      frame 4 at 0.020000000 > . 1:1(0) ack 101 win 800
      after    frame 2 at 0.010000000
      expected a right edge of at least 1001
      found    901
    ");
}

/// Scaled windows come in units of 4: 249 takes 3 bytes back, which a foreign host may, 248 takes 7.
#[rstest]
#[case(250, false, &[])]
#[case(249, false, &[Oracle::RightEdge])]
#[case(249, true, &[])]
#[case(248, true, &[Oracle::RightEdge])]
fn an_edge_moves_within_its_unit(#[case] window: u32, #[case] foreign: bool, #[case] expected: &[Oracle]) {
    let stamps = "<nop,nop,TS val 100 ecr 910>";
    let lines = format!(
        "{FULL}\n20 < . 1:2(1) ack 1 win 250 <nop,nop,TS val 910 ecr 100>\n20 > . 1:1(0) ack 2 win {window} {stamps}"
    );
    assert_eq!(broken(&judged_by(Settings { foreign, ..Settings::default() }, &lines)), expected);
}

/// A FIN comes with text that is all there already: RFC 9293 section 3.10.7.4 counts it in SEG.LEN, so that the segment
/// is acceptable and the FIN taken; a foreign host may wait for the FIN alone.
#[rstest]
#[case::ours(false, "1:101(100)", &[Oracle::DelayedAck])]
#[case::foreign(true, "1:101(100)", &[])]
#[case::with_new_text(true, "1:102(101)", &[Oracle::DelayedAck])]
#[case::alone(true, "101:101(0)", &[Oracle::DelayedAck])]
fn a_fin_behind_old_text(#[case] foreign: bool, #[case] with: &str, #[case] expected: &[Oracle]) {
    let lines = format!(
        "{PLAIN}
        20 < . 1:101(100) ack 1 win 1000
        20 > . 1:1(0) ack 101 win 1000
        30 < F. {with} ack 1 win 1000
        30 > . 1:1(0) ack 101 win 1000
        1030 < . 101:101(0) ack 1 win 1000"
    );
    assert_eq!(broken(&judged_by(Settings { foreign, ..Settings::default() }, &lines)), expected);
}

/// A SYN-ACK with another sequence number begins another connection: the old one's acknowledgments and edges do not
/// bind it.
#[test]
fn another_connection_between_the_same_ends() {
    let oracles = judged_by(
        Settings::default(),
        "0 < S 0:0(0) win 1000 <mss 1000>
        0 > S. 0:0(0) ack 1 win 1000 <mss 1000>
        10 < . 1:101(100) ack 1 win 1000
        10 > . 1:1(0) ack 101 win 1000
        20 < S 0:0(0) win 1000 <mss 1000>
        20 > S. 5000:5000(0) ack 1 win 1000 <mss 1000>",
    );
    assert_eq!(oracles.verdicts(), []);
}

/// The window of a SYN is not scaled (RFC 7323 section 2.2): sent again after an ACK of an old copy of the peer's SYN
/// (section 5.3), it offers 65,535, and no less.
#[rstest]
#[case(65_535, &[])]
#[case(65_534, &[Oracle::RightEdge])]
fn a_syn_cannot_offer_what_it_has_offered_scaled(#[case] window: u16, #[case] expected: &[Oracle]) {
    let oracles = judged_by(
        Settings::default(),
        &format!(
            "0 < S 0:0(0) win 65535 <mss 1000,wscale 5>
            0 > S. 0:0(0) ack 1 win 65535 <mss 1000,wscale 5>
            10 < S 0:0(0) win 65535 <mss 1000,wscale 5>
            10 > . 1:1(0) ack 1 win 32768
            1000 > S. 0:0(0) ack 1 win {window} <mss 1000,wscale 5>"
        ),
    );
    assert_eq!(broken(&oracles), expected);
}

#[test]
fn a_connection_not_seen_from_its_syn_is_not_judged() {
    let oracles = judged_by(
        Settings::default(),
        "0 > . 1:101(100) ack 1 win 1000
         5 > . 1:101(100) ack 0 win 10 !",
    );
    assert_eq!(oracles.verdicts(), []);
    for oracle in [Oracle::AckMonotone, Oracle::RightEdge, Oracle::Retransmission, Oracle::Window, Oracle::Timestamps] {
        assert_eq!(oracles.tally(oracle).judged, 0, "{oracle}");
        assert!(oracles.tally(oracle).abstained > 0, "{oracle}");
    }
}

/// What a router passes on is not its own.
#[test]
fn a_connection_that_passes_through_is_not_judged() {
    let mut oracles = WireOracles::new(Settings { forwarding: true, ..Settings::default() });
    let lines = ["S 0:0(0) win 1000 <mss 1000>", ". 1:2001(2000) ack 9 win 5", ". 1:2001(2000) ack 8 win 5 !"];
    let mut number = 0;
    for line in lines {
        let frame = frame(Direction::Inbound, line);
        for direction in [Direction::Inbound, Direction::Outbound] {
            let at = Instant::from_millis(number);
            oracles.observe(Sighting { number, at, medium: Medium::Ethernet, direction, frame: &frame });
            number += 1;
        }
    }
    assert_eq!(oracles.verdicts(), []);
}

#[test]
fn connections_are_bounded() {
    let mut oracles = WireOracles::new(Settings::default());
    for number in 0..FLOWS as u64 + 10 {
        let (high, low) = ((number >> 8) as u8, number as u8);
        let syn = frame(Direction::Outbound, "S 0:0(0) win 1000 <mss 1000>");
        let mut bytes = syn.to_vec();
        // The destination's last two octets; the checksums no longer matter to what is tested.
        bytes[14 + 18] = high;
        bytes[14 + 19] = low;
        let frame = Bytes::from(bytes);
        let at = Instant::from_nanos(number);
        let direction = Direction::Outbound;
        oracles.observe(Sighting { number, at, medium: Medium::Ethernet, direction, frame: &frame });
    }
    assert_eq!(oracles.flows_forgotten(), 10);
    assert_eq!(oracles.verdicts().len(), VERDICTS, "the rest is counted only");
    assert!(oracles.tally(Oracle::Checksums).failed > FLOWS as u64);
}

fn observe_packets(packets: &[(u64, EtherType, Vec<u8>)]) -> WireOracles {
    let mut oracles = WireOracles::new(Settings::default());
    for (number, (at, ethertype, packet)) in (0..).zip(packets) {
        let frame = ethernet(*ethertype, packet);
        let (at, direction) = (Instant::from_millis(*at), Direction::Outbound);
        oracles.observe(Sighting { number, at, medium: Medium::Ethernet, direction, frame: &frame });
    }
    oracles
}

/// An IPv4 packet of protocol 99, or a part of one.
fn v4(id: u16, offset: u16, more: bool, len: usize, dont_fragment: bool) -> Vec<u8> {
    let mut packet = Vec::new();
    Ipv4Header {
        tos: 0,
        payload_len: len as u16,
        id,
        dont_fragment,
        more_fragments: more,
        fragment_offset: offset,
        ttl: 64,
        protocol: IpProtocol(99),
        src: [192, 0, 2, 1].into(),
        dst: [192, 0, 2, 2].into(),
    }
    .emit(&mut packet);
    packet.resize(packet.len() + len, 0);
    packet
}

/// A part of an IPv6 packet of protocol 99.
fn v6(id: u32, offset: u16, more: bool, len: usize) -> Vec<u8> {
    let mut packet = Vec::new();
    Ipv6Header {
        traffic_class: 0,
        flow_label: 0,
        payload_len: len as u16 + 8,
        next_header: IpProtocol::FRAGMENT,
        hop_limit: 64,
        src: "2001:db8::1".parse().unwrap(),
        dst: "2001:db8::2".parse().unwrap(),
    }
    .emit(&mut packet);
    Fragment { offset, more, id }.emit(IpProtocol(99), &mut packet);
    packet.resize(packet.len() + len, 0);
    packet
}

#[rstest]
#[case::in_order(vec![v4(1, 0, true, 800, false), v4(1, 800, true, 80, false), v4(1, 880, false, 5, false)], &[])]
#[case::last_first(vec![v4(1, 800, false, 5, false), v4(1, 0, true, 800, false)], &[])]
#[case::not_of_eight(vec![v4(1, 0, true, 804, false), v4(1, 808, false, 5, false)], &[Oracle::Fragments])]
#[case::overlap(vec![v4(1, 0, true, 808, false), v4(1, 800, false, 80, false)], &[Oracle::Fragments])]
#[case::too_much(vec![v4(1, 65_520, false, 0, false), v4(2, 65_512, false, 4, false)],
    &[Oracle::Fragments, Oracle::Fragments, Oracle::Fragments])]
#[case::id_again(vec![v4(1, 0, false, 50, false), v4(1, 0, false, 50, false)], &[Oracle::Identification])]
#[case::id_again_in_fragments(vec![v4(1, 0, true, 48, false), v4(1, 48, false, 5, false), v4(1, 0, true, 48, false)],
    &[Oracle::Identification])]
#[case::atomic(vec![v4(0, 0, false, 50, true), v4(0, 0, false, 50, true)], &[])]
fn fragments_v4(#[case] packets: Vec<Vec<u8>>, #[case] expected: &[Oracle]) {
    let packets: Vec<_> = packets.into_iter().map(|packet| (0, EtherType::Ipv4, packet)).collect();
    let oracles = observe_packets(&packets);
    assert_eq!(broken(&oracles), expected, "{:#?}", oracles.verdicts());
}

#[rstest]
#[case::in_order(vec![v6(1, 0, true, 1232), v6(1, 1232, false, 5)], &[])]
#[case::not_of_eight(vec![v6(1, 0, true, 1230), v6(1, 1232, false, 5)], &[Oracle::Fragments])]
#[case::overlap(vec![v6(1, 0, true, 1232), v6(1, 1224, false, 80)], &[Oracle::Fragments])]
#[case::all_of_it(vec![v6(1, 0, false, 100)], &[Oracle::Fragments])]
#[case::id_again(vec![v6(1, 0, true, 8), v6(1, 8, false, 8), v6(1, 0, true, 8)], &[Oracle::Identification])]
fn fragments_v6(#[case] packets: Vec<Vec<u8>>, #[case] expected: &[Oracle]) {
    let packets: Vec<_> = packets.into_iter().map(|packet| (0, EtherType::Ipv6, packet)).collect();
    let oracles = observe_packets(&packets);
    assert_eq!(broken(&oracles), expected, "{:#?}", oracles.verdicts());
}

#[rstest]
#[case(119_999, &[Oracle::Identification])]
#[case(120_000, &[])]
fn an_identification_returns_after_two_minutes(#[case] later_ms: u64, #[case] expected: &[Oracle]) {
    let packet = || v4(9, 0, false, 50, false);
    let oracles = observe_packets(&[(0, EtherType::Ipv4, packet()), (later_ms, EtherType::Ipv4, packet())]);
    assert_eq!(broken(&oracles), expected);
}

#[rstest]
#[case::whole(|_: &mut Vec<u8>| {}, true)]
#[case::padding_of_a_short_frame(|frame: &mut Vec<u8>| frame.resize(60, 0), true)]
#[case::bytes_behind(|frame: &mut Vec<u8>| frame.resize(61, 0), false)]
#[case::total_length_beyond(|frame: &mut Vec<u8>| frame[14 + 3] += 1, false)]
#[case::data_offset_beyond(|frame: &mut Vec<u8>| frame[14 + 20 + 12] = 0xf0, false)]
#[case::option_beyond(|frame: &mut Vec<u8>| frame[14 + 40 + 1] = 5, false)]
fn lengths(#[case] edit: fn(&mut Vec<u8>), #[case] kept: bool) {
    let mut frame = frame(Direction::Outbound, "S 0:0(0) win 1000 <mss 1000>").to_vec();
    edit(&mut frame);
    let mut switches = Switches::NONE;
    switches.set(Oracle::Lengths, true);
    let mut oracles = WireOracles::new(Settings { switches, ..Settings::default() });
    let frame = Bytes::from(frame);
    let (at, direction) = (Instant::ZERO, Direction::Outbound);
    oracles.observe(Sighting { number: 0, at, medium: Medium::Ethernet, direction, frame: &frame });
    assert_eq!(broken(&oracles).is_empty(), kept, "{:#?}", oracles.verdicts());
}

#[test]
fn names_lead_back() {
    for oracle in Oracle::ALL {
        assert_eq!(Oracle::by_name(oracle.name()), Some(oracle));
    }
    assert_eq!(Oracle::by_name("acks"), None);
}
