//! Which acknowledgments leave, and when: RFC 5681 section 4.2, RFC 9293 section 3.8.6.3, RFC 2018, RFC 2883.

use insta::assert_snapshot;

use super::rig::*;
use crate::{DropReason, Verdict};

const SACK_TS: &str = "<mss 1000,sackOK,TS val 100 ecr 0>";

#[test]
fn every_second_full_segment_at_once() {
    // RFC 9293 SHLD-19 and MUST-40 (under 500 ms).
    let mut rig = Setup::default().passive();
    rig.take(". 1:1001(1000) ack 1 win 65535");
    assert_eq!(rig.sent(), "");
    rig.take(". 1001:2001(1000) ack 1 win 65535");
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 2001 win 65535");
    rig.take(". 2001:3001(1000) ack 1 win 65535");
    assert_snapshot!(rig.pass(1000), @"+40ms > . 1:1(0) ack 3001 win 65535");
}

#[test]
fn the_delay_counts_from_the_first_text() {
    let mut rig = Setup::default().passive();
    rig.take(". 1:1001(1000) ack 1 win 65535");
    rig.pass(30);
    rig.take("P. 1001:1011(10) ack 1 win 65535");
    assert_snapshot!(rig.pass(1000), @"+10ms > . 1:1(0) ack 1011 win 65535");
}

#[test]
fn a_batch_is_acknowledged_once() {
    let mut rig = Setup::default().passive();
    for at in (1..16_001).step_by(1000) {
        rig.take(&alloc::format!(". {at}:{}(1000) ack 1 win 65535", at + 1000));
    }
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 16001 win 65535");
    assert_eq!(rig.pass(1000), "");
}

#[test]
fn an_acknowledgment_rides_on_text() {
    let mut rig = Setup::default().passive();
    rig.take("P. 1:11(10) ack 1 win 65535");
    rig.write(5);
    assert_snapshot!(rig.sent(), @"> P. 1:6(5) ack 11 win 65535");
    rig.take(". 11:11(0) ack 6 win 65535");
    assert_eq!(rig.pass(1000), "");
}

#[test]
fn a_hole_that_fills_within_a_batch_costs_one_ack() {
    // Three out-of-order segments, then the one that fills the hole, drained once.
    for options in [PLAIN, SACK] {
        let mut rig = Setup::options(options).passive();
        for at in [1001, 2001, 3001, 1] {
            rig.take(&alloc::format!(". {at}:{}(1000) ack 1 win 65535", at + 1000));
        }
        assert_eq!(rig.sent(), "> . 1:1(0) ack 4001 win 65535");
        assert_eq!(rig.pass(1000), "");
    }
}

#[test]
fn duplicates_are_identical_although_the_application_reads() {
    // RFC 5681 section 2: a duplicate has the same window.
    let mut setup = Setup::default();
    setup.settings.receive_buffer = 10_000;
    let mut rig = setup.passive();
    rig.take(". 1:1001(1000) ack 1 win 65535");
    rig.take(". 1001:2001(1000) ack 1 win 65535");
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 2001 win 8000");
    rig.take(". 3001:4001(1000) ack 1 win 65535");
    assert_eq!(rig.read(5000), Ok(2000));
    rig.take(". 4001:5001(1000) ack 1 win 65535");
    rig.take(". 5001:6001(1000) ack 1 win 65535");
    assert_snapshot!(rig.sent(), @"
    > . 1:1(0) ack 2001 win 8000
    > . 1:1(0) ack 2001 win 8000
    > . 1:1(0) ack 2001 win 8000
    ");
    rig.take(". 2001:3001(1000) ack 1 win 65535");
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 6001 win 6000");
}

#[test]
fn an_owed_acknowledgment_is_not_the_first_duplicate() {
    let mut rig = Setup::default().passive();
    rig.take(". 1:1001(1000) ack 1 win 65535");
    rig.take(". 2001:3001(1000) ack 1 win 65535");
    assert_snapshot!(rig.sent(), @"
    > . 1:1(0) ack 1001 win 65535
    > . 1:1(0) ack 1001 win 65535
    ");
}

#[test]
fn duplicates_go_before_text_of_ours() {
    // RFC 5681 section 2: one that carries data is no duplicate.
    let mut rig = Setup::default().passive();
    rig.take(". 1001:2001(1000) ack 1 win 65535");
    rig.write(10);
    assert_snapshot!(rig.sent(), @"
    > . 1:1(0) ack 1 win 65535
    > P. 1:11(10) ack 1 win 65535
    ");
}

#[test]
fn selective_acknowledgments_name_the_latest_first() {
    // RFC 2018 section 4, in the manner of the examples of section 7.
    let mut rig = Setup::options(SACK).passive();
    rig.take(". 1001:2001(1000) ack 1 win 65535");
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:2001>");
    rig.take(". 2001:3001(1000) ack 1 win 65535");
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:3001>");
    rig.take(". 5001:6001(1000) ack 1 win 65535");
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 1 win 65535 <nop,nop,sack 5001:6001 1001:3001>");
    rig.take(". 1:1001(1000) ack 1 win 65535");
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 3001 win 65535 <nop,nop,sack 5001:6001>");
    rig.take(". 3001:5001(2000) ack 1 win 65535");
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 6001 win 65535");
}

#[test]
fn one_selective_ack_per_three_changed_ranges() {
    // RFC 7323 appendix A: three blocks fit beside the timestamps.
    let mut rig = Setup::options(SACK_TS).passive();
    for at in [1001, 3001, 5001, 7001] {
        rig.take(&alloc::format!(". {at}:{}(1000) ack 1 win 65535 <TS val 101 ecr 0>", at + 1000));
    }
    assert_snapshot!(rig.sent(), @"
    > . 1:1(0) ack 1 win 65535 <nop,nop,TS val 100 ecr 100,nop,nop,sack 7001:8001 5001:6001 3001:4001>
    > . 1:1(0) ack 1 win 65535 <nop,nop,TS val 100 ecr 100,nop,nop,sack 1001:2001 7001:8001 5001:6001>
    ");
}

#[test]
fn a_duplicate_segment_below_the_ack_is_reported() {
    // RFC 2883 section 4.1.
    let mut rig = Setup::options(SACK).passive();
    rig.take(". 1:2001(2000) ack 1 win 65535");
    rig.sent();
    assert_eq!(rig.rx(". 1:1001(1000) ack 1 win 65535"), Verdict::Dropped(DropReason::TcpUnacceptable));
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 2001 win 65535 <nop,nop,sack 1:1001>");
}

#[test]
fn a_segment_that_overlaps_the_ack_is_reported_in_part() {
    // RFC 2883 section 4.2.
    let mut rig = Setup::options(SACK).passive();
    rig.take(". 1:1001(1000) ack 1 win 65535");
    rig.pass(100);
    rig.take(". 501:1501(1000) ack 1 win 65535");
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 1501 win 65535 <nop,nop,sack 501:1001>");
    assert_eq!(rig.read(5000), Ok(1500));
}

#[test]
fn a_duplicate_above_the_ack_names_its_block_next() {
    // RFC 2883 section 4.2.1, "reporting a full duplicate segment" above the cumulative acknowledgment.
    let mut rig = Setup::options(SACK).passive();
    rig.take(". 1001:2001(1000) ack 1 win 65535");
    rig.take(". 2001:3001(1000) ack 1 win 65535");
    rig.sent();
    rig.take(". 2001:3001(1000) ack 1 win 65535");
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 1 win 65535 <nop,nop,sack 2001:3001 1001:3001>");
}

#[test]
fn a_duplicate_without_sack_is_acknowledged_at_once() {
    // RFC 9293 section 3.10.7.4, first check.
    let mut rig = Setup::default().passive();
    rig.take(". 1:1001(1000) ack 1 win 65535");
    rig.pass(100);
    assert_eq!(rig.rx(". 1:1001(1000) ack 1 win 65535"), Verdict::Dropped(DropReason::TcpUnacceptable));
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 1001 win 65535");
}

#[test]
fn text_that_surrounds_the_window_is_trimmed() {
    // "Segments ... trimmed off any portions that lie outside the window".
    let mut setup = Setup::default();
    setup.settings.receive_buffer = 3000;
    let mut rig = setup.passive();
    rig.take(". 1:1001(1000) ack 1 win 65535");
    rig.pass(100);
    rig.take(". 501:4501(4000) ack 1 win 65535");
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 3001 win 0");
    assert_eq!(rig.read(5000), Ok(3000));
}

#[test]
fn two_ends_that_disagree_do_not_answer_for_ever() {
    // RFC 5961 section 10 and RFC 9293's "ACK storm": an unacceptable segment without text is
    // answered so many times a second and no more.
    let mut rig = Setup::default().passive();
    let mut answers = 0;
    for _ in 0..100 {
        assert_eq!(rig.rx(". 70000:70000(0) ack 1 win 65535"), Verdict::Dropped(DropReason::TcpUnacceptable));
        answers += rig.sent().lines().count();
    }
    assert_eq!(answers, 10);
    rig.pass(1000);
    let _ = rig.rx(". 70000:70000(0) ack 1 win 65535");
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 1 win 65535");
}

#[test]
fn over_ipv6() {
    let mut rig = Setup { ipv6: true, ..Setup::options(SACK) }.passive();
    rig.take(". 1001:2001(1000) ack 1 win 65535");
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:2001>");
    rig.take(". 1:1001(1000) ack 1 win 65535");
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 2001 win 65535");
    assert_eq!(rig.read(5000), Ok(2000));
}

#[test]
fn a_stream_in_any_order_and_twice() {
    // 40 segments of 500 bytes; 7, 11, 23 have no factor in common with 40, so each goes through all.
    for options in [PLAIN, SACK] {
        for step in [1, 7, 11, 23, 39] {
            let mut rig = Setup::options(options).passive();
            for turn in 0..40 {
                let at = 1 + turn * step % 40 * 500;
                for _ in 0..=turn % 3 {
                    let _ = rig.rx(&alloc::format!(". {at}:{}(500) ack 1 win 65535", at + 500));
                }
                rig.sent();
            }
            assert_eq!(rig.read(30_000), Ok(20_000), "step {step}");
            rig.pass(100);
            rig.take("F. 20001:20001(0) ack 1 win 65535");
            assert_eq!(rig.sent(), "> . 1:1(0) ack 20002 win 65535");
        }
    }
}
