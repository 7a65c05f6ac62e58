//! Flow control: RFC 9293 sections 3.8.6, 3.8.6.1 and 3.8.6.2.

use insta::assert_snapshot;

use super::rig::*;
use crate::Readiness;
use crate::error::SocketError;
use crate::tcp::State;

fn with_buffer(receive_buffer: u32) -> TcpRig {
    let mut setup = Setup::default();
    setup.settings.receive_buffer = receive_buffer;
    setup.passive()
}

/// A rig whose peer took 1,000 of `len` bytes and closed its window; the RTO is 100 + 4 * 37.5 ms
/// (RFC 6298 section 2.3 with R' = 100 ms).
fn with_closed_window(len: u32) -> TcpRig {
    let mut rig = Setup { window: 1000, ..Setup::default() }.passive();
    rig.write(len);
    rig.sent();
    rig.pass(100);
    rig.take(". 1:1(0) ack 1001 win 0");
    rig
}

/// MUST-37 is for those who wait: a connection that its application has let go of ends by R2, though
/// the peer answers every probe. RFC 9293 section 3.8.6.1 leaves that to the host's own policy.
#[test]
fn a_closed_window_does_not_hold_an_orphan_for_ever() {
    let mut rig = with_closed_window(5000);
    rig.release();
    for _ in 0..10 {
        rig.take(". 1:1(0) ack 1001 win 0");
        rig.pass(80_000);
    }
    assert_eq!(rig.connections(), 1);
    for _ in 0..4 {
        let _ = rig.rx(". 1:1(0) ack 1001 win 0");
        rig.pass(80_000);
    }
    assert_eq!(rig.connections(), 0);
}

#[test]
fn the_peers_window_bounds_what_leaves() {
    let mut rig = Setup { window: 2500, ..Setup::default() }.passive();
    rig.write(10_000);
    // A third, small segment would be silly: two are in flight, whose acknowledgment will tell.
    assert_snapshot!(rig.sent(), @"
    > . 1:1001(1000) ack 1 win 65535
    > . 1001:2001(1000) ack 1 win 65535
    ");
    rig.take(". 1:1(0) ack 2001 win 3000");
    assert_snapshot!(rig.sent(), @"
    > . 2001:3001(1000) ack 1 win 65535
    > . 3001:4001(1000) ack 1 win 65535
    > . 4001:5001(1000) ack 1 win 65535
    ");
}

#[test]
fn a_closed_window_is_probed_with_doubled_times() {
    // RFC 9293 MUST-36 (probes), SHLD-29 (after one RTO), SHLD-30 (then ever later), MUST-37 (it may
    // stay closed for ever as long as the probes are answered).
    let mut rig = with_closed_window(5000);
    assert_eq!(rig.pass(249), "");
    assert_snapshot!(rig.pass(1), @"+1ms > . 1001:1002(1) ack 1 win 65535");
    for wait in [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 120_000, 120_000] {
        rig.take(". 1:1(0) ack 1001 win 0");
        assert_eq!(rig.pass(wait - 1), "");
        assert_eq!(rig.pass(1), "+1ms > . 1001:1002(1) ack 1 win 65535");
    }
    for _ in 0..100 {
        rig.take(". 1:1(0) ack 1001 win 0");
        rig.pass(120_000);
    }
    assert_eq!(rig.state(), State::Established);
    // It opens: at once from where it closed.
    rig.take(". 1:1(0) ack 1001 win 65535");
    assert_snapshot!(rig.sent(), @"
    > . 1001:2001(1000) ack 1 win 65535
    > . 2001:3001(1000) ack 1 win 65535
    > . 3001:4001(1000) ack 1 win 65535
    > P. 4001:5001(1000) ack 1 win 65535
    ");
    rig.take(". 1:1(0) ack 5001 win 65535");
    assert_eq!(rig.pass(1000), "");
}

#[test]
fn a_probe_that_is_accepted_moves_the_stream() {
    let mut rig = with_closed_window(5000);
    assert_snapshot!(rig.pass(250), @"+250ms > . 1001:1002(1) ack 1 win 65535");
    rig.take(". 1:1(0) ack 1002 win 0");
    // The backed-off time runs on: an acknowledgment of what was not timed ends no back-off.
    assert_snapshot!(rig.pass(500), @"+500ms > . 1002:1003(1) ack 1 win 65535");
    rig.take(". 1:1(0) ack 1003 win 1500");
    assert_snapshot!(rig.sent(), @"> . 1003:2003(1000) ack 1 win 65535");
}

#[test]
fn a_closed_window_that_nobody_answers_for_ends_the_connection() {
    let mut rig = with_closed_window(5000);
    rig.pass(250 + 899_999);
    assert_eq!(rig.state(), State::Established);
    rig.pass(1);
    assert_eq!((rig.state(), rig.error()), (State::Closed, Some(SocketError::TimedOut)));
}

#[test]
fn a_fin_too_is_probed_with() {
    let mut rig = with_closed_window(1000);
    rig.close();
    assert_snapshot!(rig.pass(250), @"+250ms > F. 1001:1001(0) ack 1 win 65535");
    rig.take(". 1:1(0) ack 1002 win 0");
    assert_eq!(rig.state(), State::FinWait2);
}

#[test]
fn a_window_shrunk_below_what_is_in_flight() {
    // RFC 9293 section 3.8.6: "a sender MUST be robust against window shrinking" (MUST-34); SHLD-15:
    // nothing beyond the new edge, but retransmissions.
    let mut rig = Setup::default().passive();
    rig.write(10_000);
    rig.sent();
    rig.take(". 1:1(0) ack 1001 win 1500");
    assert_eq!(rig.sent(), "");
    // SHLD-16 and SHLD-17: what is beyond is not sent again either, until the window takes it.
    assert_snapshot!(rig.pass(300), @"+300ms > . 1001:2001(1000) ack 1 win 65535");
    rig.take(". 1:1(0) ack 2001 win 500");
    assert_snapshot!(rig.sent(), @"> . 2001:2501(500) ack 1 win 65535");
    rig.take(". 1:1(0) ack 10001 win 65535");
    assert_eq!(rig.pass(10_000), "");
}

#[test]
fn a_window_shrunk_to_nothing() {
    let mut rig = Setup::default().passive();
    rig.write(3000);
    rig.sent();
    rig.take(". 1:1(0) ack 1 win 0");
    assert_snapshot!(rig.pass(300), @"+300ms > . 1:2(1) ack 1 win 65535");
    rig.take(". 1:1(0) ack 1 win 3000");
    assert_snapshot!(rig.sent(), @"
    > . 1:1001(1000) ack 1 win 65535
    > . 1001:2001(1000) ack 1 win 65535
    > P. 2001:3001(1000) ack 1 win 65535
    ");
}

#[test]
fn an_old_segment_does_not_change_the_window() {
    // SND.WL1 and SND.WL2 "prevent using old segments to update the window".
    let mut rig = Setup::default().passive();
    rig.take("P. 1:11(10) ack 1 win 5000");
    rig.take("P. 11:21(10) ack 1 win 6000");
    let _ = rig.rx("P. 1:11(10) ack 1 win 10");
    assert_eq!(rig.info().snd_wnd, 6000);
    // Out of order, but not old.
    rig.take("P. 31:41(10) ack 1 win 7000");
    rig.take("P. 21:31(10) ack 1 win 100");
    assert_eq!(rig.info().snd_wnd, 7000);
}

#[test]
fn the_window_of_a_segment_that_acknowledges_more_is_not_old() {
    // A later segment was heard first, with a window of 3,000 from 1 on. What fills the gap acknowledges 1,000 and
    // offers 2,000 from there: the edge is 3,001 still, where the old window would make it 4,001.
    let mut rig = Setup::default().passive();
    rig.write(6000);
    rig.sent();
    rig.take("P. 11:21(10) ack 1 win 3000");
    rig.take("P. 1:11(10) ack 1001 win 2000");
    assert_eq!(rig.info().snd_wnd, 2000);
}

#[test]
fn our_window_closes_and_opens_as_the_application_reads() {
    let mut rig = with_buffer(4000);
    rig.take(". 1:1001(1000) ack 1 win 65535");
    rig.take(". 1001:2001(1000) ack 1 win 65535");
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 2001 win 2000");
    rig.take(". 2001:3001(1000) ack 1 win 65535");
    rig.take(". 3001:4001(1000) ack 1 win 65535");
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 4001 win 0");
    // Silly-window avoidance: not for less than half the buffer (section 3.8.6.2.2, Fr = 1/2).
    assert_eq!(rig.read(1999), Ok(1999));
    assert_eq!(rig.pass(1000), "");
    assert_eq!(rig.read(1), Ok(1));
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 4001 win 2000");
    assert_eq!(rig.read(5000), Ok(2000));
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 4001 win 4000");
}

#[test]
fn the_edge_does_not_move_right_by_little() {
    // RFC 9293 section 3.8.6.2.2: while the buffer is nearly full, acknowledgments keep the edge.
    let mut rig = with_buffer(10_000);
    rig.take(". 1:1001(1000) ack 1 win 65535");
    rig.pass(100);
    assert_eq!(rig.read(500), Ok(500));
    rig.take(". 1001:1101(100) ack 1 win 65535");
    assert_snapshot!(rig.pass(100), @"+40ms > . 1:1(0) ack 1101 win 8900");
    assert_eq!(rig.read(5000), Ok(600));
    rig.take(". 1101:1501(400) ack 1 win 65535");
    assert_snapshot!(rig.pass(100), @"+40ms > . 1:1(0) ack 1501 win 8500");
    assert_eq!(rig.read(5000), Ok(400));
    rig.take(". 1501:1502(1) ack 1 win 65535");
    assert_snapshot!(rig.pass(100), @"+40ms > . 1:1(0) ack 1502 win 9999");
}

#[test]
fn a_probe_into_our_closed_window_is_answered() {
    let mut rig = with_buffer(1000);
    rig.take(". 1:1001(1000) ack 1 win 65535");
    assert_snapshot!(rig.pass(100), @"+40ms > . 1:1(0) ack 1001 win 0");
    // RFC 9293 MUST-35's receiver: an acknowledgment with RCV.NXT and the window; its ACK counts.
    rig.write(10);
    rig.sent();
    rig.take("P. 1001:1002(1) ack 11 win 65535");
    assert_snapshot!(rig.sent(), @"> . 11:11(0) ack 1001 win 0");
    assert_eq!((rig.info().in_flight, rig.read(5000)), (0, Ok(1000)));
    assert_snapshot!(rig.sent(), @"> . 11:11(0) ack 1001 win 1000");
}

#[test]
fn a_small_buffer_without_scaling_sends_no_update_per_read() {
    // 1 MiB of buffer, of which the window field can tell 65,535.
    let mut rig = Setup::default().passive();
    for at in (1..20_001).step_by(2000) {
        rig.take(&alloc::format!(". {at}:{}(1000) ack 1 win 65535", at + 1000));
        rig.take(&alloc::format!(". {}:{}(1000) ack 1 win 65535", at + 1000, at + 2000));
        assert_eq!(rig.sent().lines().count(), 1);
        assert_eq!(rig.read(5000), Ok(2000));
        assert_eq!(rig.sent(), "");
    }
}

#[test]
fn silly_windows_of_the_peer_are_not_filled() {
    // RFC 9293 section 3.8.6.2.1: not less than a segment, nor than half of the largest window; the
    // override timer (0.1 to 1 s) ends the waiting.
    let mut rig = Setup { window: 4000, ..Setup::default() }.passive();
    rig.write(4000);
    rig.sent();
    rig.write(4000);
    rig.take(". 1:1(0) ack 4001 win 300");
    assert_snapshot!(rig.pass(500), @"+200ms > . 4001:4301(300) ack 1 win 65535");
    // Half of the largest window is worth it, without a full segment.
    let mut rig = Setup { window: 800, ..Setup::default() }.passive();
    rig.write(800);
    rig.sent();
    rig.write(4000);
    rig.take(". 1:1(0) ack 801 win 400");
    assert_snapshot!(rig.sent(), @"> . 801:1201(400) ack 1 win 65535");
}

#[test]
fn a_writer_is_told_when_there_is_room() {
    let mut setup = Setup::default();
    setup.settings.send_buffer = 3000;
    let mut rig = setup.passive();
    rig.write(3000);
    rig.sent();
    rig.readiness();
    assert_eq!(rig.try_write(10), 0);
    rig.take(". 1:1(0) ack 1001 win 65535");
    assert_eq!(rig.readiness(), Readiness::WRITABLE);
    assert_eq!(rig.try_write(5000), 1000);
    rig.sent();
    rig.take(". 1:1(0) ack 4001 win 65535");
    assert_eq!(rig.readiness(), Readiness::WRITABLE | Readiness::DRAINED);
}
