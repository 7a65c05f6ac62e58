//! Loss, found by acknowledgments: RFC 5681 section 3.2, RFC 6582, RFC 6675, RFC 3042.

use alloc::format;
use insta::assert_snapshot;

use super::rig::*;

/// A rig with ten segments of 1,000 bytes in flight, the whole initial window (RFC 6928), and
/// `more` bytes waiting.
fn in_flight(options: &'static str, more: u32) -> TcpRig {
    let mut rig = Setup::options(options).passive();
    rig.write(10_000 + more);
    assert_eq!(rig.sent().lines().count(), 10);
    assert_eq!((rig.info().cwnd, rig.info().in_flight), (10_000, 10_000));
    rig
}

fn acks(rig: &mut TcpRig, line: &str, count: usize) {
    for _ in 0..count {
        rig.take(line);
    }
}

#[test]
fn three_duplicates_without_sack() {
    // RFC 5681 section 3.2: steps 1 to 6.
    let mut rig = in_flight(PLAIN, 20_000);
    // Step 1, limited transmit: a new segment for each of the first two.
    acks(&mut rig, ". 1:1(0) ack 1 win 65535", 1);
    assert_snapshot!(rig.sent(), @"> . 10001:11001(1000) ack 1 win 65535");
    acks(&mut rig, ". 1:1(0) ack 1 win 65535", 1);
    assert_snapshot!(rig.sent(), @"> . 11001:12001(1000) ack 1 win 65535");
    // Steps 2 and 3: ssthresh = FlightSize / 2, without what limited transmit added; cwnd three more.
    acks(&mut rig, ". 1:1(0) ack 1 win 65535", 1);
    assert_snapshot!(rig.sent(), @"> . 1:1001(1000) ack 1 win 65535");
    assert_eq!((rig.info().ssthresh, rig.info().cwnd), (5000, 8000));
    // Step 4: one more for each further; 12 in flight, so the fifth makes room.
    acks(&mut rig, ". 1:1(0) ack 1 win 65535", 4);
    assert_eq!(rig.sent(), "");
    acks(&mut rig, ". 1:1(0) ack 1 win 65535", 1);
    assert_snapshot!(rig.sent(), @"> . 12001:13001(1000) ack 1 win 65535");
    // Step 6: a full acknowledgment deflates.
    acks(&mut rig, ". 1:1(0) ack 13001 win 65535", 1);
    assert!(rig.info().cwnd <= 5000);
    assert_eq!(rig.info().ssthresh, 5000);
}

#[test]
fn two_duplicates_are_no_loss() {
    let mut rig = in_flight(PLAIN, 0);
    acks(&mut rig, ". 1:1(0) ack 1 win 65535", 2);
    assert_eq!(rig.sent(), "");
    acks(&mut rig, ". 1:1(0) ack 1001 win 65535", 1);
    acks(&mut rig, ". 1:1(0) ack 1001 win 65535", 2);
    assert_eq!((rig.sent().as_str(), rig.info().ssthresh), ("", u32::MAX));
}

#[test]
fn what_is_no_duplicate() {
    // RFC 5681 section 2: with text, or another window, it is none.
    let mut rig = in_flight(PLAIN, 0);
    for at in [1, 11, 21, 31] {
        rig.take(&format!("P. {at}:{}(10) ack 1 win 65535", at + 10));
    }
    for window in [60_000, 61_000, 62_000, 63_000] {
        rig.take(&format!(". 41:41(0) ack 1 win {window}"));
    }
    assert_snapshot!(rig.sent(), @"> . 10001:10001(0) ack 41 win 65535");
    // With SACK agreed on, a duplicate is one that reports something (RFC 6675 section 2).
    let mut rig = in_flight(SACK, 0);
    acks(&mut rig, ". 1:1(0) ack 1 win 65535", 5);
    assert_eq!((rig.sent().as_str(), rig.info().ssthresh), ("", u32::MAX));
}

#[test]
fn partial_acknowledgments_without_sack() {
    // RFC 6582 section 3.2 step 3: each tells of the next loss; segments 1, 3 and 5 were lost.
    let mut rig = in_flight(PLAIN, 0);
    acks(&mut rig, ". 1:1(0) ack 1 win 65535", 7);
    assert_snapshot!(rig.sent(), @"> . 1:1001(1000) ack 1 win 65535");
    acks(&mut rig, ". 1:1(0) ack 2001 win 65535", 1);
    assert_snapshot!(rig.sent(), @"> . 2001:3001(1000) ack 1 win 65535");
    acks(&mut rig, ". 1:1(0) ack 4001 win 65535", 1);
    assert_snapshot!(rig.sent(), @"> . 4001:5001(1000) ack 1 win 65535");
    acks(&mut rig, ". 1:1(0) ack 10001 win 65535", 1);
    assert_eq!((rig.pass(10_000).as_str(), rig.info().ssthresh), ("", 5000));
}

#[test]
fn old_duplicates_start_no_second_recovery() {
    // RFC 6582 section 3.2 step 2: until more than `recover` is acknowledged.
    let mut rig = in_flight(PLAIN, 10_000);
    acks(&mut rig, ". 1:1(0) ack 1 win 65535", 3);
    rig.sent();
    acks(&mut rig, ". 1:1(0) ack 10001 win 65535", 1);
    rig.sent();
    let ssthresh = rig.info().ssthresh;
    acks(&mut rig, ". 1:1(0) ack 10001 win 65535", 3);
    assert!(!rig.sent().contains("10001:11001"));
    assert_eq!(rig.info().ssthresh, ssthresh);
}

#[test]
fn three_duplicates_with_sack() {
    // RFC 6675 section 5; segments 1 and 4 were lost.
    let mut rig = in_flight(SACK, 20_000);
    // Limited transmit falls out of the pipe: each report takes a segment out of it.
    rig.take(". 1:1(0) ack 1 win 65535 <sack 1001:2001>");
    assert_snapshot!(rig.sent(), @"> . 10001:11001(1000) ack 1 win 65535");
    rig.take(". 1:1(0) ack 1 win 65535 <sack 1001:3001>");
    assert_snapshot!(rig.sent(), @"> . 11001:12001(1000) ack 1 win 65535");
    rig.take(". 1:1(0) ack 1 win 65535 <sack 4001:5001 1001:3001>");
    // Step 4.2: ssthresh = cwnd = FlightSize / 2; 4.3: the first segment at once.
    assert_snapshot!(rig.sent(), @"> . 1:1001(1000) ack 1 win 65535");
    assert_eq!((rig.info().ssthresh, rig.info().cwnd), (5000, 5000));
    // Pipe: 12 sent, 3 reported, 1 sent again, 1 lost: each report shrinks it until there is room;
    // 3001 is lost as soon as three segments above it are reported, and goes before new data.
    rig.take(". 1:1(0) ack 1 win 65535 <sack 4001:6001 1001:3001>");
    assert_eq!(rig.sent(), "");
    rig.take(". 1:1(0) ack 1 win 65535 <sack 4001:7001 1001:3001>");
    assert_eq!(rig.sent(), "");
    rig.take(". 1:1(0) ack 1 win 65535 <sack 4001:8001 1001:3001>");
    assert_eq!(rig.sent(), "");
    rig.take(". 1:1(0) ack 1 win 65535 <sack 4001:9001 1001:3001>");
    assert_snapshot!(rig.sent(), @"> . 3001:4001(1000) ack 1 win 65535");
    rig.take(". 1:1(0) ack 1 win 65535 <sack 4001:10001 1001:3001>");
    assert_snapshot!(rig.sent(), @"> . 12001:13001(1000) ack 1 win 65535");
    // A partial acknowledgment sends nothing again that was sent again already.
    rig.take(". 1:1(0) ack 3001 win 65535 <sack 4001:11001>");
    assert!(!rig.sent().contains("3001:4001"));
    rig.take(". 1:1(0) ack 13001 win 65535");
    assert_eq!((rig.info().ssthresh, rig.info().cwnd), (5000, 5000));
}

#[test]
fn much_reported_at_once_is_a_loss_without_three_duplicates() {
    // RFC 6675 section 5 step (2): IsLost(HighACK + 1): more than two segments' worth.
    let mut rig = in_flight(SACK, 0);
    rig.take(". 1:1(0) ack 1 win 65535 <sack 1001:3001>");
    assert_eq!(rig.sent(), "");
    rig.take(". 1:1(0) ack 1 win 65535 <sack 1001:3501>");
    assert_snapshot!(rig.sent(), @"> . 1:1001(1000) ack 1 win 65535");
    let mut rig = in_flight(SACK, 0);
    rig.take(". 1:1(0) ack 1 win 65535 <sack 1001:10001>");
    assert_snapshot!(rig.sent(), @"> . 1:1001(1000) ack 1 win 65535");
}

#[test]
fn reordering_below_the_threshold_sends_nothing_again() {
    let mut rig = in_flight(SACK, 0);
    rig.take(". 1:1(0) ack 1 win 65535 <sack 1001:2001>");
    rig.take(". 1:1(0) ack 1 win 65535 <sack 1001:3001>");
    rig.take(". 1:1(0) ack 3001 win 65535");
    assert_eq!((rig.sent().as_str(), rig.info().ssthresh), ("", u32::MAX));
}

#[test]
fn blocks_outside_of_what_is_in_flight_mean_nothing() {
    // RFC 2018 section 5, RFC 2883 section 4: D-SACKs, old and forged ones.
    let mut rig = in_flight(SACK, 0);
    rig.take(". 1:1(0) ack 5001 win 65535");
    rig.sent();
    for block in ["1:5001", "4001:5001", "20001:30001", "9001:12001", "7001:6001", "5001:6001"] {
        rig.take(&format!(". 1:1(0) ack 5001 win 65535 <sack {block}>"));
    }
    assert_eq!((rig.sent().as_str(), rig.info().ssthresh), ("", u32::MAX));
}

#[test]
fn reports_are_used_after_a_timeout() {
    // What is reported is not sent again.
    let mut rig = in_flight(SACK, 0);
    rig.take(". 1:1(0) ack 1 win 65535 <sack 3001:5001>");
    assert_snapshot!(rig.pass(300), @"+300ms > . 1:1001(1000) ack 1 win 65535");
    assert_eq!((rig.info().cwnd, rig.info().ssthresh), (1000, 5000));
    rig.take(". 1:1(0) ack 1001 win 65535 <sack 3001:5001>");
    assert_snapshot!(rig.sent(), @"
    > . 1001:2001(1000) ack 1 win 65535
    > . 2001:3001(1000) ack 1 win 65535
    ");
    rig.take(". 1:1(0) ack 5001 win 65535");
    assert_snapshot!(rig.sent(), @"
    > . 5001:6001(1000) ack 1 win 65535
    > . 6001:7001(1000) ack 1 win 65535
    > . 7001:8001(1000) ack 1 win 65535
    ");
}

#[test]
fn the_window_grows_by_what_is_acknowledged() {
    // RFC 5681 section 3.1: slow start.
    let mut rig = in_flight(PLAIN, 30_000);
    rig.take(". 1:1(0) ack 2001 win 65535");
    assert_eq!((rig.info().cwnd, rig.sent().lines().count()), (12_000, 4));
    // What the application limits does not grow it (section 3.1, RFC 7661's motive).
    let mut rig = Setup::default().passive();
    rig.write(1000);
    rig.sent();
    rig.take(". 1:1(0) ack 1001 win 65535");
    assert_eq!(rig.info().cwnd, 10_000);
}

#[test]
fn a_lost_syn_makes_the_first_window_one_segment() {
    // RFC 5681 section 3.1, and RFC 6298 section 5.7: the RTO is 3 s for want of a measurement.
    let mut rig = Setup::default().listening();
    rig.take("S 0:0(0) win 65535 <mss 1000>");
    rig.pass(1500);
    rig.take(". 1:1(0) ack 1 win 65535");
    rig.accept();
    rig.write(5000);
    assert_snapshot!(rig.pass(3000), @"
    +0ms > . 1:1001(1000) ack 1 win 65535
    +3000ms > . 1:1001(1000) ack 1 win 65535
    ");
}

#[test]
fn after_idling_the_window_is_the_initial_one() {
    // RFC 5681 section 4.1.
    let mut rig = in_flight(PLAIN, 20_000);
    rig.take(". 1:1(0) ack 10001 win 65535");
    rig.sent();
    rig.take(". 1:1(0) ack 30001 win 65535");
    assert!(rig.info().cwnd > 10_000);
    rig.pass(10_000);
    rig.write(40_000);
    assert_eq!(rig.sent().lines().count(), 10);
}
