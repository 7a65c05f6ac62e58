//! Timers: the RTO (RFC 6298), R2 (RFC 9293 section 3.8.3), keep-alive (section 3.8.4).

use insta::assert_snapshot;

use super::rig::*;
use crate::Duration;
use crate::error::{RecvError, SocketError};
use crate::tcp::State;

#[test]
fn the_rto_doubles() {
    // RFC 6298 section 2.2: R = 100 ms gives 100 + 4 * 50; 5.5: doubled each time, up to 120 s.
    let mut rig = Setup::default().passive();
    rig.write(10);
    let (times, line) = rig.times(900_000);
    let mut expected = alloc::vec![0];
    let (mut at, mut rto) = (300, 300);
    while at < 900_000 {
        expected.push(at);
        rto = (rto * 2).min(120_000);
        at += rto;
    }
    assert_eq!(times, expected);
    assert_snapshot!(line, @"> P. 1:11(10) ack 1 win 65535");
    // R2, RFC 9293 MUST-20: 15 minutes.
    assert_eq!((rig.state(), rig.error()), (State::Closed, Some(SocketError::TimedOut)));
    assert_eq!(rig.read(1), Err(RecvError::Failed));
}

#[test]
fn the_estimator() {
    // RFC 6298 section 2.3 with R' = 200 ms: RTTVAR = 3/4 * 50 + 1/4 * 100, SRTT = 7/8 * 100 + 1/8 * 200.
    let mut rig = Setup::default().passive();
    let info = rig.info();
    assert_eq!((info.srtt, info.rttvar), (Some(RTT), Some(RTT / 2)));
    rig.write(10);
    rig.pass(200);
    rig.take(". 1:1(0) ack 11 win 65535");
    let info = rig.info();
    assert_eq!((info.srtt, info.rttvar), (Some(Duration::from_micros(112_500)), Some(Duration::from_micros(62_500))));
    rig.write(10);
    // 112.5 + 4 * 62.5 = 362.5 ms.
    assert_snapshot!(rig.pass(500), @"
    +0ms > P. 11:21(10) ack 1 win 65535
    +362ms > P. 11:21(10) ack 1 win 65535
    ");
}

#[test]
fn what_was_sent_twice_is_not_measured_and_the_backoff_stays() {
    // Karn's algorithm: RFC 6298 sections 3 and 5.
    let mut rig = Setup::default().passive();
    rig.write(10);
    rig.pass(350);
    rig.take(". 1:1(0) ack 11 win 65535");
    assert_eq!((rig.info().srtt, rig.info().backoff), (Some(RTT), 1));
    // "until ... a new measurement": the next segment waits 600 ms.
    rig.write(10);
    assert_snapshot!(rig.pass(650), @"
    +0ms > P. 11:21(10) ack 1 win 65535
    +600ms > P. 11:21(10) ack 1 win 65535
    ");
    rig.take(". 1:1(0) ack 21 win 65535");
    rig.write(10);
    rig.sent();
    rig.pass(100);
    rig.take(". 1:1(0) ack 31 win 65535");
    assert_eq!((rig.info().srtt, rig.info().backoff), (Some(RTT), 0));
}

#[test]
fn new_acknowledgments_restart_it() {
    // RFC 6298 section 5.3.
    let mut rig = Setup::default().passive();
    rig.write(2000);
    rig.sent();
    rig.pass(200);
    rig.take(". 1:1(0) ack 1001 win 65535");
    assert_snapshot!(rig.pass(300), @"+300ms > P. 1001:2001(1000) ack 1 win 65535");
    // Old ones do not.
    let mut rig = Setup::default().passive();
    rig.write(2000);
    rig.sent();
    rig.pass(200);
    rig.take(". 1:1(0) ack 1 win 65535");
    assert_snapshot!(rig.pass(100), @"+100ms > . 1:1001(1000) ack 1 win 65535");
}

#[test]
fn after_a_timeout_one_segment_then_slow_start() {
    // RFC 5681 section 3.1: equation 4, loss window of one segment.
    let mut rig = Setup::default().passive();
    rig.write(10_000);
    rig.sent();
    assert_snapshot!(rig.pass(300), @"+300ms > . 1:1001(1000) ack 1 win 65535");
    assert_eq!((rig.info().cwnd, rig.info().ssthresh), (1000, 5000));
    rig.take(". 1:1(0) ack 1001 win 65535");
    assert_snapshot!(rig.sent(), @"
    > . 1001:2001(1000) ack 1 win 65535
    > . 2001:3001(1000) ack 1 win 65535
    ");
    // Again for the same data: ssthresh stays (equation 4's "has not already been reduced").
    rig.pass(600);
    assert_eq!((rig.info().cwnd, rig.info().ssthresh), (1000, 5000));
    // The rest had arrived.
    rig.take(". 1:1(0) ack 10001 win 65535");
    assert_eq!(rig.pass(10_000), "");
}

#[test]
fn the_user_timeout() {
    let mut rig = Setup::default().passive();
    rig.set(|settings| settings.user_timeout = Some(Duration::from_secs(2)));
    rig.write(10);
    let (times, _) = rig.times(1999);
    assert_eq!(times, [0, 300, 900]);
    assert_eq!(rig.pass(1), "");
    assert_eq!((rig.state(), rig.error()), (State::Closed, Some(SocketError::TimedOut)));
}

#[test]
fn an_acknowledgment_that_advances_renews_r2() {
    let mut rig = Setup::default().passive();
    rig.set(|settings| settings.user_timeout = Some(Duration::from_secs(2)));
    rig.write(2000);
    rig.pass(1900);
    rig.take(". 1:1(0) ack 1001 win 65535");
    rig.pass(1900);
    assert_eq!(rig.state(), State::Established);
    rig.pass(100);
    assert_eq!(rig.state(), State::Closed);
    assert_eq!(rig.error(), Some(SocketError::TimedOut));
}

#[test]
fn keep_alive() {
    // RFC 9293 section 3.8.4: off by default; <SEQ=SND.NXT-1>, no text.
    let mut rig = Setup::default().passive();
    assert_eq!(rig.pass(24 * 3_600_000), "");
    rig.set(|settings| settings.keep_alive = Some(Duration::from_hours(2)));
    assert_snapshot!(rig.pass(7_200_000), @"+7200000ms > . 0:0(0) ack 1 win 65535");
    rig.take(". 1:1(0) ack 1 win 65535");
    // Anything that is heard starts the time anew.
    rig.pass(7_000_000);
    rig.take("P. 1:11(10) ack 1 win 65535");
    assert_snapshot!(rig.pass(7_200_000), @"
    +40ms > . 1:1(0) ack 11 win 65535
    +7200000ms > . 0:0(0) ack 11 win 65535
    ");
}

#[test]
fn keep_alive_gives_up_after_nine_probes() {
    let mut rig = Setup::default().passive();
    rig.set(|settings| settings.keep_alive = Some(Duration::from_secs(100)));
    let (times, line) = rig.times(100_000 + 9 * 75_000 - 1);
    assert_eq!(times, [100, 175, 250, 325, 400, 475, 550, 625, 700].map(|at| at * 1000));
    assert_snapshot!(line, @"> . 0:0(0) ack 1 win 65535");
    assert_eq!(rig.state(), State::Established);
    assert_eq!(rig.pass(1), "");
    assert_eq!((rig.state(), rig.error()), (State::Closed, Some(SocketError::TimedOut)));
}

#[test]
fn a_keep_alive_of_the_peer_is_answered() {
    // With one octet of old text or without: RFC 9293 section 3.8.4.
    let mut rig = Setup::default().passive();
    rig.take("P. 1:11(10) ack 1 win 65535");
    rig.pass(100);
    for line in [". 10:10(0) ack 1 win 65535", ". 10:11(1) ack 1 win 65535"] {
        let _ = rig.rx(line);
        assert_eq!(rig.sent(), "> . 1:1(0) ack 11 win 65535");
    }
}
