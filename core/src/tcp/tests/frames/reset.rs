//! Resets and segments that may be forged: RFC 9293 section 3.10.7.4, RFC 5961.

use insta::assert_snapshot;
use rstest::rstest;

use super::rig::*;
use crate::error::{RecvError, SocketError};
use crate::tcp::State;
use crate::{DropReason, Readiness, Verdict};

#[rstest]
#[case::plain("R 1:1(0) win 0")]
#[case::with_ack("R. 1:1(0) ack 1 win 0")]
#[case::whatever_it_acknowledges("R. 1:1(0) ack 77 win 0")]
#[case::with_text("R 1:6(5) win 0")]
fn an_exact_reset_ends_the_connection(#[case] line: &str) {
    // RFC 5961 section 3.2 2).
    let mut rig = Setup::default().passive();
    rig.readiness();
    rig.take(line);
    assert_eq!((rig.state(), rig.error()), (State::Closed, Some(SocketError::Reset)));
    assert_eq!(rig.readiness(), Readiness::ERROR | Readiness::CLOSED);
    assert_eq!(rig.read(10), Err(RecvError::Reset));
    assert_eq!(rig.pass(10_000), "");
}

#[rstest]
#[case::second_octet("R 2:2(0) win 0")]
#[case::last_octet_of_the_window("R 65535:65535(0) win 0")]
fn a_reset_elsewhere_in_the_window_is_challenged(#[case] line: &str) {
    // RFC 5961 section 3.2 3): "<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>".
    let mut rig = Setup::default().passive();
    assert_eq!(rig.rx(line), Verdict::Dropped(DropReason::TcpChallenged));
    assert_eq!(rig.sent(), "> . 1:1(0) ack 1 win 65535");
    assert_eq!(rig.state(), State::Established);
    // The peer that really lost the connection answers with the exact number.
    rig.take("R 1:1(0) win 0");
    assert_eq!(rig.state(), State::Closed);
}

#[rstest]
#[case::before("R 0:0(0) win 0")]
#[case::after("R 65536:65536(0) win 0")]
#[case::far("R 2147483648:2147483648(0) win 0")]
fn a_reset_outside_of_the_window_is_dropped(#[case] line: &str) {
    // RFC 5961 section 3.2 1): silently.
    let mut rig = Setup::default().passive();
    assert_eq!(rig.rx(line), Verdict::Dropped(DropReason::TcpUnacceptable));
    assert_eq!((rig.sent().as_str(), rig.state()), ("", State::Established));
}

#[test]
fn a_reset_with_the_window_closed() {
    // RFC 9293 MUST-66: with a zero window too, RSTs are processed.
    let mut setup = Setup::default();
    setup.settings.receive_buffer = 1000;
    let mut rig = setup.passive();
    rig.take("P. 1:1001(1000) ack 1 win 65535");
    rig.pass(100);
    assert_eq!(rig.rx("R 1002:1002(0) win 0"), Verdict::Dropped(DropReason::TcpUnacceptable));
    rig.take("R 1001:1001(0) win 0");
    assert_eq!(rig.state(), State::Closed);
}

#[rstest]
#[case::exact("S 1:1(0) win 65535")]
#[case::in_the_window("S 500:500(0) win 65535")]
#[case::old("S 0:0(0) win 65535")]
#[case::far("S 2147483000:2147483000(0) win 65535")]
#[case::with_ack("S. 1:1(0) ack 1 win 65535")]
fn a_syn_is_challenged_wherever_it_is(#[case] line: &str) {
    // RFC 5961 section 4.2: "irrespective of the sequence number".
    let mut rig = Setup::default().passive();
    assert!(matches!(rig.rx(line), Verdict::Dropped(_)));
    assert_eq!(rig.sent(), "> . 1:1(0) ack 1 win 65535");
    assert_eq!(rig.state(), State::Established);
    // RFC 5961 section 7: not more than so many a second, on one connection.
    let mut answers = 0;
    for _ in 0..100 {
        let _ = rig.rx(line);
        answers += rig.sent().lines().count();
    }
    assert_eq!(answers, 9);
}

#[test]
fn an_old_syn_in_syn_received_returns_to_listen() {
    let mut rig = Setup::default().listening();
    rig.take("S 0:0(0) win 65535");
    rig.sent();
    let _ = rig.rx("S 500:500(0) win 65535");
    assert_eq!((rig.pass(10_000).as_str(), rig.connections()), ("", 0));
}

#[test]
fn a_reset_in_syn_received() {
    let mut rig = Setup::default().listening();
    rig.take("S 0:0(0) win 65535");
    rig.sent();
    rig.take("R 1:1(0) win 0");
    assert_eq!((rig.pass(10_000).as_str(), rig.connections()), ("", 0));
    // After a simultaneous open: "the connection was refused".
    let mut rig = Setup::default().idle();
    rig.connect();
    rig.sent();
    rig.take("S 0:0(0) win 65535");
    rig.sent();
    rig.take("R 1:1(0) win 0");
    assert_eq!((rig.state(), rig.error()), (State::Closed, Some(SocketError::Refused)));
}

#[test]
fn a_reset_while_closing() {
    // CLOSING and LAST-ACK: CLOSED, no error. FIN-WAIT: an error.
    let mut rig = Setup::default().passive();
    rig.take("F. 1:1(0) ack 1 win 65535");
    rig.close();
    rig.sent();
    rig.take("R 2:2(0) win 0");
    assert_eq!((rig.state(), rig.error()), (State::Closed, None));
    let mut rig = Setup::default().passive();
    rig.close();
    rig.sent();
    rig.take("R 1:1(0) win 0");
    assert_eq!((rig.state(), rig.error()), (State::Closed, Some(SocketError::Reset)));
}

#[test]
fn text_that_was_not_read_is_flushed_by_a_reset() {
    // "All segment queues should be flushed."
    let mut rig = Setup::default().passive();
    rig.take("P. 1:11(10) ack 1 win 65535");
    rig.take("R 11:11(0) win 0");
    assert_eq!(rig.read(100), Err(RecvError::Reset));
    assert_eq!(rig.pass(1000), "");
}

#[rstest]
#[case::not_sent_yet(". 1:1(0) ack 12 win 65535")]
#[case::too_old(". 1:1(0) ack 4294901760 win 65535")]
#[case::half_way(". 1:1(0) ack 2147483600 win 65535")]
#[case::with_text("P. 1:11(10) ack 12 win 65535")]
fn an_ack_outside_of_the_range_is_answered_and_dropped(#[case] line: &str) {
    // RFC 5961 section 5.2: SND.UNA - MAX.SND.WND =< SEG.ACK =< SND.NXT.
    let mut rig = Setup::default().passive();
    rig.write(10);
    rig.sent();
    assert_eq!(rig.rx(line), Verdict::Dropped(DropReason::TcpAck));
    assert_eq!(rig.sent(), "> . 11:11(0) ack 1 win 65535");
    assert_eq!((rig.info().in_flight, rig.read(10)), (10, Err(RecvError::WouldBlock)));
}

#[test]
fn an_old_ack_within_the_range_brings_its_text() {
    // "If the ACK is a duplicate (SEG.ACK =< SND.UNA), it can be ignored": the ACK, not the segment.
    let mut rig = Setup::default().passive();
    rig.write(10);
    rig.sent();
    rig.take(". 1:1(0) ack 11 win 65535");
    rig.take("P. 1:11(10) ack 1 win 5");
    assert_eq!((rig.read(10), rig.info().snd_wnd), (Ok(10), 65_535));
}

#[test]
fn a_segment_without_ack_is_dropped() {
    let mut rig = Setup::default().passive();
    assert_eq!(rig.rx("- 1:11(10) win 65535"), Verdict::Dropped(DropReason::TcpNoAck));
    assert_eq!((rig.sent().as_str(), rig.read(10)), ("", Err(RecvError::WouldBlock)));
}

#[test]
fn a_segment_after_the_end_is_reset() {
    // CLOSED, the handle still held: RFC 9293 section 3.10.7.1.
    let mut rig = Setup::default().active();
    rig.abort();
    rig.sent();
    assert_eq!(rig.rx("P. 1:11(10) ack 1 win 65535"), Verdict::Dropped(DropReason::TcpNoSocket));
    assert_snapshot!(rig.sent(), @"> R 1:1(0) win 0");
    assert_eq!(rig.rx("R. 1:1(0) ack 1 win 0"), Verdict::Dropped(DropReason::TcpResetNoSocket));
    assert_eq!(rig.sent(), "");
}

#[test]
fn resets_after_what_the_peer_has_closed_its_window_for() {
    // RFC 9293 section 3.10.5 has SEQ=SND.NXT; beyond a window that was shrunk it would not be acceptable.
    let mut rig = Setup::default().passive();
    rig.write(1000);
    rig.sent();
    rig.take(". 1:1(0) ack 1 win 500");
    rig.abort();
    assert_snapshot!(rig.sent(), @"> R 501:501(0) win 0");
}

#[test]
fn a_reset_is_answered_with_a_reset_in_no_state() {
    const FIN: &str = "F. 1:1(0) ack 1 win 65535";
    type Reach = fn(&mut TcpRig);
    let states: [(State, Reach); 7] = [
        (State::Established, |_| ()),
        (State::CloseWait, |rig| rig.take(FIN)),
        (State::FinWait1, TcpRig::close),
        (State::FinWait2, |rig| {
            rig.close();
            rig.sent();
            rig.take(". 1:1(0) ack 2 win 65535");
        }),
        (State::Closing, |rig| {
            rig.close();
            rig.sent();
            rig.take(FIN);
        }),
        (State::LastAck, |rig| {
            rig.take(FIN);
            rig.close();
        }),
        (State::TimeWait, |rig| {
            rig.close();
            rig.sent();
            rig.take("F. 1:1(0) ack 2 win 65535");
        }),
    ];
    for (state, reach) in states {
        for seq in [0, 1, 2, 500, 65_600, 2_147_483_648_u32] {
            for flags in ["R", "R.", "SR", "FR.", "SFR."] {
                let mut rig = Setup::default().passive();
                reach(&mut rig);
                rig.sent();
                assert_eq!(rig.state(), state);
                let ack = if flags.contains('.') { " ack 1" } else { "" };
                let _ = rig.rx(&alloc::format!("{flags} {seq}:{seq}(0){ack} win 0"));
                let sent = rig.sent();
                assert!(!sent.contains('R') && sent.lines().count() <= 1, "{state}: {flags} {seq}: {sent}");
            }
        }
    }
}
