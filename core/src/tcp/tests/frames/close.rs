//! Closing a connection: RFC 9293 sections 3.6 and 3.10.7.4, RFC 1122 section 4.2.2.13.

use insta::assert_snapshot;

use super::rig::*;
use crate::error::{RecvError, SocketError};
use crate::tcp::{How, State};
use crate::{DropReason, Duration, Readiness, Verdict};

#[test]
fn we_close_first() {
    // RFC 9293 figure 12.
    let mut rig = Setup::default().passive();
    rig.close();
    assert_eq!(rig.state(), State::FinWait1);
    assert_snapshot!(rig.sent(), @"> F. 1:1(0) ack 1 win 65535");
    rig.take(". 1:1(0) ack 2 win 65535");
    assert_eq!(rig.state(), State::FinWait2);
    rig.take("F. 1:1(0) ack 2 win 65535");
    assert_eq!(rig.state(), State::TimeWait);
    assert_snapshot!(rig.sent(), @"> . 2:2(0) ack 2 win 65535");
    // 2 MSL.
    assert_eq!(rig.pass(59_999), "");
    assert_eq!(rig.state(), State::TimeWait);
    assert_eq!(rig.pass(1), "");
    assert_eq!(rig.state(), State::Closed);
}

#[test]
fn the_peer_closes_first() {
    let mut rig = Setup::default().active();
    rig.take("F. 1:1(0) ack 1 win 65535");
    assert_eq!((rig.state(), rig.read(10)), (State::CloseWait, Ok(0)));
    assert!(rig.readiness().contains(Readiness::FINISHED | Readiness::READABLE));
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 2 win 65535");
    rig.close();
    assert_eq!(rig.state(), State::LastAck);
    assert_snapshot!(rig.sent(), @"> F. 1:1(0) ack 2 win 65535");
    rig.take(". 2:2(0) ack 2 win 65535");
    assert_eq!((rig.state(), rig.error()), (State::Closed, None));
    assert!(rig.readiness().contains(Readiness::CLOSED));
    assert_eq!(rig.pass(120_000), "");
}

#[test]
fn both_close_at_once() {
    // RFC 9293 figure 13.
    let mut rig = Setup::default().passive();
    rig.close();
    rig.sent();
    rig.take("F. 1:1(0) ack 1 win 65535");
    assert_eq!(rig.state(), State::Closing);
    assert_snapshot!(rig.sent(), @"> . 2:2(0) ack 2 win 65535");
    rig.take(". 2:2(0) ack 2 win 65535");
    assert_eq!(rig.state(), State::TimeWait);
}

#[test]
fn fin_and_the_ack_of_ours_in_one_segment() {
    let mut rig = Setup::default().passive();
    rig.close();
    rig.sent();
    rig.take("F. 1:1(0) ack 2 win 65535");
    assert_eq!(rig.state(), State::TimeWait);
    assert_snapshot!(rig.sent(), @"> . 2:2(0) ack 2 win 65535");
}

#[test]
fn text_after_our_fin_is_received() {
    let mut rig = Setup::default().passive();
    rig.shutdown(How::Write);
    assert_snapshot!(rig.sent(), @"> F. 1:1(0) ack 1 win 65535");
    rig.take("P. 1:1001(1000) ack 2 win 65535");
    assert_eq!((rig.state(), rig.read(2000)), (State::FinWait2, Ok(1000)));
    // Half-closed, not abandoned: it may take as long as it likes.
    assert_snapshot!(rig.pass(3_600_000), @"+40ms > . 2:2(0) ack 1001 win 65535");
    rig.take("FP. 1001:1011(10) ack 2 win 65535");
    assert_eq!((rig.read(2000), rig.read(2000), rig.state()), (Ok(10), Ok(0), State::TimeWait));
    assert_snapshot!(rig.sent(), @"> . 2:2(0) ack 1012 win 65535");
}

#[test]
fn text_after_the_peers_fin_is_sent() {
    let mut rig = Setup::default().passive();
    rig.take("F. 1:1(0) ack 1 win 65535");
    rig.sent();
    rig.write(1500);
    assert_snapshot!(rig.sent(), @"> . 1:1001(1000) ack 2 win 65535");
    rig.take(". 2:2(0) ack 1001 win 65535");
    assert_snapshot!(rig.sent(), @"> P. 1001:1501(500) ack 2 win 65535");
    rig.shutdown(How::Write);
    assert_snapshot!(rig.sent(), @"> F. 1501:1501(0) ack 2 win 65535");
    rig.take(". 2:2(0) ack 1502 win 65535");
    assert_eq!(rig.state(), State::Closed);
}

#[test]
fn a_fin_leaves_with_the_last_text() {
    let mut rig = Setup::default().passive();
    rig.write(1500);
    rig.close();
    assert_snapshot!(rig.sent(), @"
    > . 1:1001(1000) ack 1 win 65535
    > FP. 1001:1501(500) ack 1 win 65535
    ");
    rig.take(". 1:1(0) ack 1501 win 65535");
    assert_eq!(rig.state(), State::FinWait1);
    rig.take(". 1:1(0) ack 1502 win 65535");
    assert_eq!(rig.state(), State::FinWait2);
}

#[test]
fn a_lost_fin_is_sent_again() {
    let mut rig = Setup::default().passive();
    rig.close();
    let (times, line) = rig.times(3000);
    assert_eq!(times, [0, 300, 900, 2100]);
    assert_snapshot!(line, @"> F. 1:1(0) ack 1 win 65535");
    rig.take(". 1:1(0) ack 2 win 65535");
    assert_eq!(rig.state(), State::FinWait2);
}

#[test]
fn a_lost_fin_with_text_is_sent_again() {
    let mut rig = Setup::default().passive();
    rig.write(10);
    rig.close();
    rig.sent();
    assert_snapshot!(rig.pass(300), @"+300ms > FP. 1:11(10) ack 1 win 65535");
    // The text arrived, the FIN did not: it goes alone.
    rig.take(". 1:1(0) ack 11 win 65535");
    assert_snapshot!(rig.pass(600), @"+600ms > F. 11:11(0) ack 1 win 65535");
}

#[test]
fn a_fin_out_of_order_waits_for_its_turn() {
    let mut rig = Setup::default().passive();
    rig.take("FP. 1001:1501(500) ack 1 win 65535");
    assert_eq!(rig.state(), State::Established);
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 1 win 65535");
    rig.take(". 1:1001(1000) ack 1 win 65535");
    assert_eq!(rig.state(), State::CloseWait);
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 1502 win 65535");
    assert_eq!((rig.read(3000), rig.read(3000)), (Ok(1500), Ok(0)));
}

#[test]
fn a_fin_without_text_out_of_order() {
    let mut rig = Setup::default().passive();
    rig.take("F. 1001:1001(0) ack 1 win 65535");
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 1 win 65535");
    rig.take(". 1:1001(1000) ack 1 win 65535");
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 1002 win 65535");
    assert_eq!(rig.state(), State::CloseWait);
}

#[test]
fn a_fin_that_text_has_overtaken_does_not_hide_the_real_one() {
    // No TCP sends this; somebody may have forged the first FIN.
    let mut rig = Setup::default().passive();
    rig.take("F. 501:501(0) ack 1 win 65535");
    rig.take(". 1:1001(1000) ack 1 win 65535");
    assert_eq!(rig.state(), State::Established);
    rig.take("F. 1001:1001(0) ack 1 win 65535");
    assert_eq!(rig.state(), State::CloseWait);
}

#[test]
fn the_peers_fin_again_in_close_wait() {
    let mut rig = Setup::default().passive();
    rig.take("F. 1:1(0) ack 1 win 65535");
    rig.sent();
    assert_eq!(rig.rx("F. 1:1(0) ack 1 win 65535"), Verdict::Dropped(DropReason::TcpUnacceptable));
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 2 win 65535");
    // "Do not process the FIN", nor text behind it.
    rig.take("P. 2:12(10) ack 1 win 65535");
    assert_eq!((rig.read(10), rig.state()), (Ok(0), State::CloseWait));
}

#[test]
fn close_with_unread_text_resets() {
    // RFC 1122 section 4.2.2.13: "it SHOULD send a RST to show that data was lost".
    for line in ["P. 1:11(10) ack 1 win 65535", "P. 11:21(10) ack 1 win 65535"] {
        let mut rig = Setup::default().passive();
        rig.take(line);
        rig.pass(100);
        rig.close();
        assert_eq!(rig.sent(), "> R 1:1(0) win 0");
        assert_eq!((rig.state(), rig.pass(10_000).as_str()), (State::Closed, ""));
    }
}

#[test]
fn text_after_close_resets() {
    let mut rig = Setup::default().passive();
    rig.close();
    rig.sent();
    rig.take(". 1:1(0) ack 2 win 65535");
    assert_eq!(rig.rx("P. 1:11(10) ack 2 win 65535"), Verdict::Dropped(DropReason::TcpAfterClose));
    assert_snapshot!(rig.sent(), @"> R 2:2(0) win 0");
    assert_eq!(rig.state(), State::Closed);
}

#[test]
fn text_after_shutdown_of_reading_is_acknowledged_and_discarded() {
    let mut rig = Setup::default().passive();
    rig.shutdown(How::Read);
    assert_eq!(rig.read(10), Ok(0));
    rig.take("P. 1:11(10) ack 1 win 65535");
    assert_snapshot!(rig.pass(1000), @"+40ms > . 1:1(0) ack 11 win 65535");
    assert_eq!((rig.read(10), rig.state()), (Ok(0), State::Established));
}

#[test]
fn abort() {
    // RFC 9293 section 3.10.5: "<SEQ=SND.NXT><CTL=RST>".
    let mut rig = Setup::default().passive();
    rig.write(10);
    rig.sent();
    rig.abort();
    assert_snapshot!(rig.sent(), @"> R 11:11(0) win 0");
    assert_eq!((rig.state(), rig.error()), (State::Closed, Some(SocketError::Aborted)));
    assert_eq!(rig.read(10), Err(RecvError::Failed));
    assert_eq!(rig.pass(10_000), "");
}

#[test]
fn abort_before_anything_left() {
    let mut rig = Setup::default().idle();
    rig.connect();
    rig.abort();
    assert_eq!((rig.sent().as_str(), rig.state()), ("", State::Closed));
    // In SYN-SENT: "delete the TCB", no reset.
    rig.connect();
    rig.sent();
    rig.close();
    assert_eq!((rig.pass(10_000).as_str(), rig.state()), ("", State::Closed));
}

#[test]
fn linger_zero_resets() {
    let mut rig = Setup::default().passive();
    rig.set(|settings| settings.linger = Some(Duration::ZERO));
    rig.write(10);
    rig.sent();
    rig.close();
    assert_snapshot!(rig.sent(), @"> R 11:11(0) win 0");
    assert_eq!(rig.state(), State::Closed);
}

#[test]
fn linger_gives_the_closing_its_time() {
    let mut rig = Setup::default().passive();
    rig.set(|settings| settings.linger = Some(Duration::from_millis(500)));
    rig.write(10);
    rig.close();
    assert_snapshot!(rig.pass(10_000), @"
    +0ms > FP. 1:11(10) ack 1 win 65535
    +300ms > FP. 1:11(10) ack 1 win 65535
    +500ms > R 12:12(0) win 0
    ");
    // In time, linger changes nothing.
    let mut rig = Setup::default().passive();
    rig.set(|settings| settings.linger = Some(Duration::from_millis(500)));
    rig.close();
    rig.sent();
    rig.take(". 1:1(0) ack 2 win 65535");
    assert_eq!(rig.pass(1000), "");
    rig.take("F. 1:1(0) ack 2 win 65535");
    assert_eq!(rig.state(), State::TimeWait);
}

#[test]
fn what_was_released_finishes_alone() {
    let mut rig = Setup::default().passive();
    rig.write(10);
    rig.release();
    assert_snapshot!(rig.sent(), @"> FP. 1:11(10) ack 1 win 65535");
    rig.take(". 1:1(0) ack 12 win 65535");
    assert_eq!(rig.connections(), 1);
    // The peer never closes: FIN-WAIT-2 is left after 60 s.
    assert_eq!(rig.pass(60_000), "");
    assert_eq!(rig.connections(), 0);
}

#[test]
fn a_lost_fin_in_last_ack_and_closing() {
    let mut rig = Setup::default().passive();
    rig.take("F. 1:1(0) ack 1 win 65535");
    rig.close();
    let (times, line) = rig.times(1000);
    assert_eq!(times, [0, 300, 900]);
    assert_snapshot!(line, @"> F. 1:1(0) ack 2 win 65535");
    // Both FINs cross, ours is lost, and the peer's comes again.
    let mut rig = Setup::default().passive();
    rig.close();
    rig.sent();
    rig.take("F. 1:1(0) ack 1 win 65535");
    rig.sent();
    let _ = rig.rx("F. 1:1(0) ack 1 win 65535");
    assert_snapshot!(rig.sent(), @"> . 2:2(0) ack 2 win 65535");
    assert_snapshot!(rig.pass(300), @"+300ms > F. 1:1(0) ack 2 win 65535");
    rig.take(". 2:2(0) ack 2 win 65535");
    assert_eq!(rig.state(), State::TimeWait);
}

#[test]
fn a_fin_after_a_loss_in_both_directions() {
    // The peer's FIN waits behind a hole, ours behind text that was lost.
    let mut rig = Setup::options(SACK).passive();
    rig.write(2000);
    rig.shutdown(How::Write);
    rig.sent();
    rig.take("F. 1001:1001(0) ack 1 win 65535 <sack 1001:2002>");
    assert_snapshot!(rig.sent(), @"> . 2002:2002(0) ack 1 win 65535");
    assert_snapshot!(rig.pass(300), @"+300ms > . 1:1001(1000) ack 1 win 65535");
    rig.take(". 1:1001(1000) ack 2002 win 65535");
    assert_eq!((rig.state(), rig.read(5000)), (State::TimeWait, Ok(1000)));
    assert_snapshot!(rig.sent(), @"> . 2002:2002(0) ack 1002 win 65535");
}
