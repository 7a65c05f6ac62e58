//! TCP: each rule against a connection written line by line.

use rstest::rstest;

use super::*;

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
