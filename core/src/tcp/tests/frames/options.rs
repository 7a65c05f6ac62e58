//! The options: MSS (RFC 9293 section 3.7.1), window scaling, timestamps, PAWS (RFC 7323).

use alloc::string::ToString;
use insta::assert_snapshot;
use rstest::rstest;

use super::rig::*;
use crate::error::RecvError;
use crate::{Capabilities, DropReason, Verdict};

const TS: &str = "<mss 1000,TS val 100 ecr 0>";

#[rstest]
#[case::default_v4("", false, 536)]
#[case::default_v6("", true, 1220)]
#[case::announced("<mss 700>", false, 700)]
#[case::not_above_our_link("<mss 9000>", false, 1460)]
#[case::not_above_our_link_v6("<mss 9000>", true, 1440)]
#[case::zero("<mss 0>", false, 48)]
#[case::one("<mss 1>", false, 48)]
#[case::largest("<mss 65535>", false, 1460)]
fn segment_size(#[case] options: &'static str, #[case] ipv6: bool, #[case] size: u32) {
    // RFC 9293 MUST-16: min(SendMSS + 20, MMS_S) - TCPhdrsize - IPoptionsize.
    for passive in [true, false] {
        let setup = Setup { options, ipv6, ..Setup::default() };
        let mut rig = if passive { setup.passive() } else { setup.active() };
        rig.write(2000);
        let first = rig.sent().lines().next().unwrap().to_string();
        assert_eq!(first, alloc::format!("> . 1:{}({size}) ack 1 win 65535", size + 1));
    }
}

#[test]
fn options_take_room_from_the_text() {
    // RFC 9293 MUST-16, RFC 6691 section 3.1: the MSS does not count options.
    let mut rig = Setup::options(TS).passive();
    rig.write(2000);
    assert_snapshot!(rig.sent(), @"
    > . 1:989(988) ack 1 win 65535 <nop,nop,TS val 100 ecr 100>
    > . 989:1977(988) ack 1 win 65535 <nop,nop,TS val 100 ecr 100>
    ");
}

#[test]
fn the_mtu_gives_the_mss() {
    let setup = Setup { capabilities: Capabilities::plain(1280), ..Setup::default() };
    let mut rig = setup.clone().without_timestamps().idle();
    rig.connect();
    assert_snapshot!(rig.sent(), @"> S 0:0(0) win 65535 <mss 1240,nop,nop,sackOK,nop,wscale 5>");
    let mut setup = setup.without_timestamps();
    setup.settings.mss_max = Some(1000);
    let mut rig = setup.idle();
    rig.connect();
    assert_snapshot!(rig.sent(), @"> S 0:0(0) win 65535 <mss 1000,nop,nop,sackOK,nop,wscale 5>");
}

#[rstest]
#[case::none(0, 1000)]
#[case::seven(7, 128_000)]
#[case::fourteen(14, 16_384_000)]
#[case::clamped(15, 16_384_000)]
#[case::clamped_from_far(255, 16_384_000)]
fn the_shift_count_is_at_most_14(#[case] shift: u8, #[case] window: u32) {
    // RFC 7323 section 2.3.
    let mut rig = Setup::default().listening();
    rig.take(&alloc::format!("S 0:0(0) win 1000 <mss 1000,wscale {shift}>"));
    rig.sent();
    rig.take(". 1:1(0) ack 1 win 1000");
    rig.accept();
    assert_eq!(rig.info().snd_wnd, window);
}

#[test]
fn our_window_is_scaled_after_the_syn() {
    let mut setup = Setup::options("<mss 1000,wscale 0>").without_timestamps();
    setup.settings.receive_buffer = 1 << 30;
    let mut rig = setup.idle();
    rig.connect();
    assert_snapshot!(rig.sent(), @"> S 0:0(0) win 65535 <mss 1460,nop,nop,sackOK,nop,wscale 14>");
    rig.take("S. 0:0(0) ack 1 win 65535 <mss 1000,wscale 0>");
    // 2^30 >> 14 is one more than the field holds.
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 1 win 65535");
    assert_eq!(rig.info().rcv_wnd, 65_535 << 14);
}

#[test]
fn scaling_needs_both() {
    let mut setup = Setup::options("<mss 1000,wscale 7>");
    setup.config.tcp.window_scaling = false;
    let mut rig = setup.listening();
    rig.take("S 0:0(0) win 1000 <mss 1000,wscale 7>");
    assert_snapshot!(rig.sent(), @"> S. 0:0(0) ack 1 win 65535 <mss 1460>");
    rig.take(". 1:1(0) ack 1 win 1000");
    rig.accept();
    assert_eq!(rig.info().snd_wnd, 1000);
}

#[test]
fn the_timestamp_of_the_earliest_unacknowledged_segment_is_echoed() {
    // RFC 7323 section 4.3, case (A) and (B) of the examples.
    let mut rig = Setup::options(TS).passive();
    rig.take(". 1:1001(1000) ack 1 win 65535 <TS val 201 ecr 0>");
    rig.take(". 1001:2001(1000) ack 1 win 65535 <TS val 202 ecr 0>");
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 2001 win 65535 <nop,nop,TS val 100 ecr 201>");
    // A gap: the last segment that advanced the window.
    rig.take(". 3001:4001(1000) ack 1 win 65535 <TS val 204 ecr 0>");
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 2001 win 65535 <nop,nop,TS val 100 ecr 201>");
    // It is filled.
    rig.take(". 2001:3001(1000) ack 1 win 65535 <TS val 203 ecr 0>");
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 4001 win 65535 <nop,nop,TS val 100 ecr 203>");
}

#[test]
fn paws_drops_what_is_older() {
    // RFC 7323 section 5.3 R1: "send an acknowledgment in reply ... and drop the segment".
    let mut rig = Setup::options(TS).passive();
    rig.take("P. 1:11(10) ack 1 win 65535 <TS val 500 ecr 0>");
    rig.pass(100);
    let old = "P. 11:21(10) ack 1 win 65535 <TS val 499 ecr 0>";
    assert_eq!(rig.rx(old), Verdict::Dropped(DropReason::TcpPaws));
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 11 win 65535 <nop,nop,TS val 200 ecr 500>");
    // The same or one that is later across the wrap is not older.
    rig.take("P. 11:21(10) ack 1 win 65535 <TS val 500 ecr 0>");
    rig.pass(100);
    rig.take("P. 21:31(10) ack 1 win 65535 <TS val 2147484147 ecr 0>");
    rig.pass(100);
    rig.take("P. 31:41(10) ack 1 win 65535 <TS val 3 ecr 0>");
    assert_eq!(rig.read(100), Ok(40));
}

#[test]
fn paws_forgets_after_24_days() {
    // RFC 7323 section 5.5.
    let mut rig = Setup::options(TS).passive();
    let day = 24 * 3_600_000;
    let old = "P. 1:11(10) ack 1 win 65535 <TS val 50 ecr 0>";
    rig.pass(24 * day);
    assert_eq!(rig.rx(old), Verdict::Dropped(DropReason::TcpPaws));
    rig.sent();
    rig.pass(1000);
    rig.take(old);
}

#[test]
fn once_agreed_on_timestamps_must_be_there() {
    // RFC 7323 section 3.2: "SHOULD silently drop the segment"; a reset is taken without.
    let mut rig = Setup::options(TS).passive();
    assert_eq!(rig.rx("P. 1:11(10) ack 1 win 65535"), Verdict::Dropped(DropReason::TcpPaws));
    assert_eq!((rig.sent().as_str(), rig.read(10)), ("", Err(RecvError::WouldBlock)));
    rig.take("R 1:1(0) win 0");
}

#[test]
fn not_agreed_on_timestamps_are_ignored() {
    let mut rig = Setup::default().passive();
    rig.take("P. 1:11(10) ack 1 win 65535 <TS val 50 ecr 0>");
    rig.take("P. 11:21(10) ack 1 win 65535 <TS val 40 ecr 0>");
    assert_eq!(rig.read(100), Ok(20));
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 21 win 65535");
}

#[test]
fn a_dropped_segment_leaves_ts_recent_alone() {
    // Or one forged segment would have PAWS drop all that follow: here a SYN, and an ACK of what was
    // never sent.
    for line in ["S 1:1(0) win 65535 <TS val 90000 ecr 0>", ". 1:1(0) ack 777 win 65535 <TS val 90000 ecr 0>"] {
        let mut rig = Setup::options(TS).passive();
        assert!(matches!(rig.rx(line), Verdict::Dropped(_)));
        rig.sent();
        rig.take("P. 1:11(10) ack 1 win 65535 <TS val 101 ecr 0>");
    }
}

#[test]
fn the_round_trip_is_measured_by_timestamps_after_a_retransmission() {
    // RFC 7323 section 4.1: unambiguous, where Karn would have to wait.
    let mut rig = Setup::options(TS).passive();
    rig.write(100);
    assert_snapshot!(rig.pass(350), @"
    +0ms > P. 1:101(100) ack 1 win 65535 <nop,nop,TS val 100 ecr 100>
    +300ms > P. 1:101(100) ack 1 win 65535 <nop,nop,TS val 400 ecr 100>
    ");
    assert_eq!(rig.info().backoff, 1);
    // It answers the first one: 350 ms.
    rig.take(". 1:1(0) ack 101 win 65535 <TS val 200 ecr 100>");
    let info = rig.info();
    assert_eq!((info.backoff, info.srtt.unwrap().as_micros()), (0, 131_250));
}
