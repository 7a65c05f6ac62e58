//! What leaves: segment borders and PSH (RFC 9293 section 3.9.1), Nagle (section 3.7.4), urgent data
//! that arrives (section 3.8.5).

use alloc::string::String;
use insta::assert_snapshot;

use super::rig::*;
use crate::Readiness;

#[test]
fn segments_are_full_and_the_last_is_pushed() {
    // RFC 9293 MUST-61.
    let mut rig = Setup::default().passive();
    rig.write(2500);
    assert_snapshot!(rig.sent(), @"
    > . 1:1001(1000) ack 1 win 65535
    > . 1001:2001(1000) ack 1 win 65535
    ");
    rig.take(". 1:1(0) ack 2001 win 65535");
    assert_snapshot!(rig.sent(), @"> P. 2001:2501(500) ack 1 win 65535");
}

#[test]
fn borders_do_not_depend_on_the_pieces_it_was_sent_in() {
    let frames = |pieces: &[(u32, bool)]| {
        let mut rig = Setup::default().passive();
        rig.set(|settings| settings.no_delay = true);
        for &(len, bytes) in pieces {
            if bytes { rig.write_bytes(len) } else { rig.write(len) }
        }
        rig.sent()
    };
    let whole = frames(&[(9500, false)]);
    assert_eq!(whole.lines().count(), 10);
    assert!(whole.ends_with("> P. 9001:9501(500) ack 1 win 65535"));
    assert_eq!(frames(&[(9500, true)]), whole);
    assert_eq!(frames(&[(1, false), (499, false), (8000, true), (1000, false)]), whole);
    assert_eq!(frames(&[(5000, true), (4500, true)]), whole);
    assert_eq!(frames(&[(100, false); 95]), whole);
}

#[test]
fn nagle() {
    // "If there is unacknowledged data, buffer all user data until all is acknowledged or a full
    // segment can be sent."
    let mut rig = Setup::default().passive();
    rig.write(10);
    assert_snapshot!(rig.sent(), @"> P. 1:11(10) ack 1 win 65535");
    rig.write(10);
    rig.write(10);
    assert_eq!(rig.sent(), "");
    rig.take(". 1:1(0) ack 11 win 65535");
    assert_snapshot!(rig.sent(), @"> P. 11:31(20) ack 1 win 65535");
    rig.write(1005);
    assert_snapshot!(rig.sent(), @"> . 31:1031(1000) ack 1 win 65535");
    rig.take(". 1:1(0) ack 1031 win 65535");
    assert_snapshot!(rig.sent(), @"> P. 1031:1036(5) ack 1 win 65535");
}

#[test]
fn no_delay_turns_nagle_off() {
    // RFC 9293 MUST-17.
    let mut rig = Setup::default().passive();
    rig.write(10);
    rig.sent();
    rig.write(10);
    assert_eq!(rig.sent(), "");
    rig.set(|settings| settings.no_delay = true);
    assert_snapshot!(rig.sent(), @"> P. 11:21(10) ack 1 win 65535");
    rig.write(10);
    assert_snapshot!(rig.sent(), @"> P. 21:31(10) ack 1 win 65535");
}

#[test]
fn a_retransmission_may_be_repacketized() {
    // RFC 9293 section 3.8.1: small segments that were lost go together.
    let mut rig = Setup::default().passive();
    rig.set(|settings| settings.no_delay = true);
    for _ in 0..3 {
        rig.write(10);
        rig.sent();
    }
    assert_snapshot!(rig.pass(300), @"+300ms > P. 1:31(30) ack 1 win 65535");
}

#[test]
fn urgent_data_is_announced_and_stays_in_the_stream() {
    // RFC 9293 MUST-32, RFC 6093 section 6: the pointer is to the octet after it.
    let mut rig = Setup::default().passive();
    rig.readiness();
    rig.take("PU. 1:11(10) ack 1 win 65535 urg 5");
    assert_eq!(rig.readiness(), Readiness::URGENT | Readiness::READABLE);
    assert_eq!(rig.info().urgent, Some(5));
    assert_eq!(rig.read(3), Ok(3));
    assert_eq!(rig.info().urgent, Some(2));
    // MUST-62's receiver: it may be ahead of the text.
    rig.take("PU. 11:21(10) ack 1 win 65535 urg 100");
    assert_eq!(rig.info().urgent, Some(107));
    assert_eq!((rig.read(100), rig.info().urgent), (Ok(17), Some(90)));
}

#[test]
fn over_ipv6() {
    let mut rig = Setup { ipv6: true, ..Setup::default() }.active();
    rig.write(2500);
    rig.close();
    assert_snapshot!(rig.sent(), @"
    > . 1:1001(1000) ack 1 win 65535
    > . 1001:2001(1000) ack 1 win 65535
    > FP. 2001:2501(500) ack 1 win 65535
    ");
    rig.take("F. 1:1(0) ack 2502 win 65535");
    assert_snapshot!(rig.sent(), @"> . 2502:2502(0) ack 2 win 65535");
    assert_eq!(rig.pass(60_000), String::new());
}
