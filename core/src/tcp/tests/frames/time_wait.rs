//! TIME-WAIT: RFC 9293 sections 3.6.1 and 3.10.7.4, RFC 1337, RFC 6191.

use insta::assert_snapshot;
use rstest::rstest;

use super::rig::*;
use crate::tcp::State;
use crate::{DropReason, Verdict};

/// A rig that closed first, a second ago, in TIME-WAIT for a minute.
fn time_wait(setup: Setup) -> TcpRig {
    let timestamps = if setup.options.contains("TS") { " <TS val 1000 ecr 0>" } else { "" };
    let mut rig = setup.passive();
    rig.close();
    rig.sent();
    rig.take(&alloc::format!("F. 1:1(0) ack 2 win 65535{timestamps}"));
    rig.sent();
    rig.pass(1000);
    assert_eq!(rig.state(), State::TimeWait);
    rig
}

#[test]
fn the_peers_fin_again_restarts_it() {
    let mut rig = time_wait(Setup::default());
    let _ = rig.rx("F. 1:1(0) ack 2 win 65535");
    assert_snapshot!(rig.sent(), @"> . 2:2(0) ack 2 win 65535");
    rig.pass(59_999);
    assert_eq!(rig.state(), State::TimeWait);
    rig.pass(1);
    assert_eq!(rig.state(), State::Closed);
}

#[test]
fn an_old_segment_is_answered_and_restarts_nothing() {
    let mut rig = time_wait(Setup::default());
    assert_eq!(rig.rx(". 1:1(0) ack 2 win 65535"), Verdict::Dropped(DropReason::TcpUnacceptable));
    assert_snapshot!(rig.sent(), @"> . 2:2(0) ack 2 win 65535");
    rig.pass(59_000);
    assert_eq!(rig.state(), State::Closed);
}

#[rstest]
#[case::exact("R 2:2(0) win 0")]
#[case::exact_with_ack("R. 2:2(0) ack 2 win 0")]
#[case::in_the_window("R 500:500(0) win 0")]
#[case::old("R 1:1(0) win 0")]
fn a_reset_does_not_assassinate_it(#[case] line: &str) {
    // RFC 1337 section 3, fix (F1).
    let mut rig = time_wait(Setup::default());
    assert!(matches!(rig.rx(line), Verdict::Dropped(_)));
    assert_eq!((rig.sent().as_str(), rig.state()), ("", State::TimeWait));
}

#[test]
fn a_new_syn_above_the_old_stream_opens_a_new_connection() {
    // RFC 9293 MAY-2: if its sequence number is beyond what the old connection used, and ours will be too.
    let mut rig = time_wait(Setup::default());
    let old = rig.clone();
    rig.renew(2);
    rig.take("S 0:0(0) win 65535");
    assert_snapshot!(rig.sent(), @"> S. 0:0(0) ack 1 win 65535 <mss 1460>");
    assert!((2..1 << 31).contains(&rig.iss_above(&old)));
    rig.take(". 1:1(0) ack 1 win 65535");
    assert!(rig.accept());
    assert_eq!(rig.state(), State::Established);
}

#[test]
fn a_new_connection_begins_above_what_the_old_one_sent() {
    // 20 MB in about a second: the clock of RFC 6528 has not come that far.
    let mut rig = Setup::default().passive();
    let old = rig.clone();
    let mut at = 1;
    for _ in 0..400 {
        rig.write(50_000);
        at += 50_000;
        while rig.info().unsent + rig.info().in_flight > 0 {
            rig.sent();
            let ack = at - rig.info().unsent;
            rig.take(&alloc::format!(". 1:1(0) ack {ack} win 65535"));
        }
    }
    rig.close();
    rig.sent();
    rig.take(&alloc::format!("F. 1:1(0) ack {} win 65535", at + 1));
    rig.sent();
    rig.renew(2);
    rig.take("S 0:0(0) win 65535");
    rig.sent();
    assert!((at + 1..1 << 31).contains(&rig.iss_above(&old)), "{}", rig.iss_above(&old));
}

#[test]
fn a_syn_within_the_old_stream_is_answered() {
    let mut rig = time_wait(Setup::default());
    assert!(matches!(rig.rx("S 1:1(0) win 65535"), Verdict::Dropped(_)));
    assert_snapshot!(rig.sent(), @"> . 2:2(0) ack 2 win 65535");
    assert_eq!(rig.state(), State::TimeWait);
}

#[test]
fn a_new_syn_goes_by_its_timestamp() {
    // RFC 6191 section 2: later than any of the old connection, whatever its sequence number.
    let options = "<mss 1000,TS val 100 ecr 0>";
    let mut rig = time_wait(Setup::options(options));
    assert!(matches!(rig.rx("S 5000:5000(0) win 65535 <TS val 999 ecr 0>"), Verdict::Dropped(_)));
    assert_snapshot!(rig.sent(), @"> . 2:2(0) ack 2 win 65535 <nop,nop,TS val 1100 ecr 1000>");
    let mut rig = time_wait(Setup::options(options));
    rig.renew(u32::MAX - 5000);
    rig.take("S 0:0(0) win 65535 <TS val 1001 ecr 0>");
    assert_snapshot!(rig.sent(), @"> S. 0:0(0) ack 1 win 65535 <mss 1460,nop,nop,TS val 0 ecr 1001>");
}

#[test]
fn without_a_listener_a_syn_does_not_end_it() {
    // Nothing could come of it; a forged SYN is not to undo what TIME-WAIT is for.
    let mut rig = Setup::default().active();
    rig.close();
    rig.sent();
    rig.take("F. 1:1(0) ack 2 win 65535");
    rig.sent();
    assert!(matches!(rig.rx("S 2:2(0) win 65535"), Verdict::Dropped(_)));
    assert_snapshot!(rig.sent(), @"> . 2:2(0) ack 2 win 65535");
    assert_eq!(rig.state(), State::TimeWait);
}
