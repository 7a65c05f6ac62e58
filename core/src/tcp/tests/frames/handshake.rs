//! Opening a connection: RFC 9293 sections 3.5 and 3.10.7.

use insta::assert_snapshot;

use super::rig::*;
use crate::error::SocketError;
use crate::tcp::State;
use crate::{DropReason, Limits, Readiness, Verdict};

#[test]
fn active_open_offers_everything() {
    // RFC 9293 MUST-14 (MSS), RFC 7323 section 2.2 (the window of a SYN is not scaled) and 3.2
    // (TSecr is 0 without an ACK), RFC 2018 section 2.
    let mut rig = Setup::default().idle();
    rig.connect();
    assert_snapshot!(rig.sent(), @"> S 0:0(0) win 65535 <mss 1460,sackOK,TS val 0 ecr 0,nop,wscale 5>");
    assert_eq!(rig.state(), State::SynSent);
    rig.pass(30);
    rig.take("S. 0:0(0) ack 1 win 1000 <mss 1000,sackOK,TS val 700 ecr 0,wscale 3>");
    assert_eq!(rig.state(), State::Established);
    assert_eq!(rig.readiness(), Readiness::CONNECTED | Readiness::WRITABLE);
    // "<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>", the window now scaled: 1 MiB >> 5.
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 1 win 32768 <nop,nop,TS val 30 ecr 700>");
    let info = rig.info();
    assert_eq!((info.snd_wnd, info.snd_mss, info.snd_scale, info.rcv_scale), (1000, 988, Some(3), Some(5)));
    assert!(info.sack && info.timestamps);
}

#[test]
fn active_open_takes_less() {
    // An option that the SYN-ACK lacks is off in both directions.
    let mut rig = Setup::default().idle();
    rig.connect();
    rig.sent();
    rig.take("S. 0:0(0) ack 1 win 1000");
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 1 win 65535");
    let info = rig.info();
    // RFC 9293 MUST-15: 536 where the peer says nothing.
    assert_eq!((info.snd_mss, info.snd_scale, info.rcv_scale), (536, None, None));
    assert!(!info.sack && !info.timestamps);
}

#[test]
fn a_syn_is_repeated_with_doubled_times_and_given_up_after_r2() {
    // RFC 6298 sections 2.1 and 5.5: 1 s, doubled; RFC 9293 MUST-23: R2 for a SYN at least 3 minutes.
    let mut rig = Setup::default().without_timestamps().idle();
    rig.connect();
    let (times, line) = rig.times(179_999);
    assert_eq!(times, [0, 1000, 3000, 7000, 15_000, 31_000, 63_000, 127_000]);
    assert_snapshot!(line, @"> S 0:0(0) win 65535 <mss 1460,nop,nop,sackOK,nop,wscale 5>");
    assert_eq!(rig.state(), State::SynSent);
    assert_eq!(rig.pass(1), "");
    assert_eq!((rig.state(), rig.error()), (State::Closed, Some(SocketError::TimedOut)));
    assert_eq!(rig.pass(600_000), "");
}

#[test]
fn passive_open_takes_what_both_have() {
    let mut rig = Setup::default().listening();
    rig.take("S 0:0(0) win 1000 <mss 1000,sackOK,TS val 700 ecr 0,wscale 3>");
    assert_snapshot!(rig.sent(), @"> S. 0:0(0) ack 1 win 65535 <mss 1460,sackOK,TS val 0 ecr 700,nop,wscale 5>");
    assert!(!rig.accept());
    rig.take(". 1:1(0) ack 1 win 500 <TS val 701 ecr 0>");
    assert!(rig.accept());
    assert_eq!((rig.state(), rig.sent().as_str()), (State::Established, ""));
    // The window of the ACK is scaled, that of the SYN was not.
    assert_eq!(rig.info().snd_wnd, 4000);

    let mut rig = Setup::default().listening();
    rig.take("S 0:0(0) win 1000 <mss 1000>");
    assert_snapshot!(rig.sent(), @"> S. 0:0(0) ack 1 win 65535 <mss 1460>");
}

#[test]
fn a_syn_ack_is_repeated() {
    let mut rig = Setup::default().listening();
    rig.take("S 0:0(0) win 1000 <mss 1000>");
    let (times, line) = rig.times(10_000);
    assert_eq!(times, [0, 1000, 3000, 7000]);
    assert_snapshot!(line, @"> S. 0:0(0) ack 1 win 65535 <mss 1460>");
    // The peer's SYN once more: ours was lost (RFC 9293 section 3.10.7.4).
    rig.take("S 0:0(0) win 1000 <mss 1000>");
    assert_snapshot!(rig.sent(), @"> S. 0:0(0) ack 1 win 65535 <mss 1460>");
    // Given up after R2: nobody is told.
    rig.pass(180_000);
    assert_eq!((rig.connections(), rig.accept()), (0, false));
}

#[test]
fn text_stands_in_for_a_lost_third_ack() {
    let mut rig = Setup::default().listening();
    rig.take("S 0:0(0) win 1000 <mss 1000>");
    rig.sent();
    rig.take("P. 1:11(10) ack 1 win 1000");
    assert!(rig.accept());
    assert_eq!((rig.state(), rig.read(100)), (State::Established, Ok(10)));
    assert_snapshot!(rig.pass(1000), @"+40ms > . 1:1(0) ack 11 win 65535");
}

#[test]
fn a_fin_with_the_third_ack() {
    let mut rig = Setup::default().listening();
    rig.take("S 0:0(0) win 1000 <mss 1000>");
    rig.sent();
    rig.take("FP. 1:11(10) ack 1 win 1000");
    assert!(rig.accept());
    assert_eq!(rig.state(), State::CloseWait);
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 12 win 65535");
    assert_eq!((rig.read(100), rig.read(100)), (Ok(10), Ok(0)));
}

#[test]
fn simultaneous_open() {
    // RFC 9293 figure 7.
    let mut rig = Setup::default().idle();
    rig.connect();
    rig.sent();
    rig.take("S 0:0(0) win 1000 <mss 1000,wscale 3>");
    assert_eq!(rig.state(), State::SynReceived);
    assert_snapshot!(rig.sent(), @"> S. 0:0(0) ack 1 win 65535 <mss 1460,nop,wscale 5>");
    rig.take("S. 0:0(0) ack 1 win 1000 <mss 1000,wscale 3>");
    assert_eq!(rig.state(), State::Established);
    assert_eq!(rig.readiness(), Readiness::CONNECTED | Readiness::WRITABLE);
    // RFC 7323 section 2.2: the window of a segment with SYN is not scaled, that of a SYN-ACK neither.
    assert_eq!(rig.info().snd_wnd, 1000);
    assert_eq!(rig.pass(5000), "");
}

#[test]
fn simultaneous_open_by_a_plain_ack() {
    let mut rig = Setup::default().idle();
    rig.connect();
    rig.sent();
    rig.take("S 0:0(0) win 1000 <mss 1000>");
    rig.sent();
    rig.take(". 1:1(0) ack 1 win 1000");
    assert_eq!(rig.state(), State::Established);
    assert_eq!(rig.pass(5000), "");
}

#[test]
fn text_beside_a_syn_waits() {
    // "Any other control or text-bearing segment ... text should be queued for processing later":
    // left unacknowledged, it comes again.
    let mut rig = Setup::default().listening();
    rig.take("S 0:10(10) win 1000 <mss 1000>");
    assert_snapshot!(rig.sent(), @"> S. 0:0(0) ack 1 win 65535 <mss 1460>");
    rig.take("P. 1:11(10) ack 1 win 1000");
    rig.accept();
    assert_eq!(rig.read(100), Ok(10));
}

#[test]
fn syn_and_rst_in_one_batch_emit_nothing() {
    let mut rig = Setup::default().listening();
    rig.take("S 0:0(0) win 1000 <mss 1000>");
    rig.take("R 1:1(0) win 0");
    assert_eq!((rig.pass(10_000).as_str(), rig.connections()), ("", 0));
}

#[test]
fn a_full_backlog_drops_syns() {
    // What was accepted does not count. One more waits; then SYNs are dropped, not refused.
    let mut rig = Setup { backlog: 1, ..Setup::default() }.passive();
    rig.peer.set_port(40_001);
    rig.renew(0);
    rig.take("S 0:0(0) win 1000");
    rig.sent();
    rig.take(". 1:1(0) ack 1 win 1000");
    rig.peer.set_port(40_002);
    assert_eq!(rig.rx("S 0:0(0) win 1000"), Verdict::Dropped(DropReason::TcpBacklog));
    assert_eq!(rig.pass(5000), "");
    assert!(rig.accept());
    rig.take("S 0:0(0) win 1000");
}

#[test]
fn a_full_syn_queue_drops_syns() {
    let mut setup = Setup::default();
    setup.config.limits = Limits { syn_queue: 2, ..Limits::default() };
    let mut rig = setup.listening();
    for port in [40_000, 40_001] {
        rig.peer.set_port(port);
        rig.take("S 0:0(0) win 1000");
    }
    rig.peer.set_port(40_002);
    assert_eq!(rig.rx("S 0:0(0) win 1000"), Verdict::Dropped(DropReason::TcpBacklog));
    rig.peer.set_port(40_000);
    rig.take("R 1:1(0) win 0");
    rig.peer.set_port(40_002);
    rig.take("S 0:0(0) win 1000");
}

/// RFC 4987 section 3.4: who has not answered within an RTO makes room, the oldest first; who may yet answer does not.
#[test]
fn a_full_syn_queue_recycles_what_does_not_answer() {
    let mut setup = Setup::default();
    setup.config.limits = Limits { syn_queue: 2, ..Limits::default() };
    let mut rig = setup.listening();
    rig.peer.set_port(40_000);
    rig.take("S 0:0(0) win 1000");
    rig.sent();
    rig.pass(600);
    rig.peer.set_port(40_001);
    rig.take("S 0:0(0) win 1000");
    rig.sent();
    // The first SYN-ACK is sent again after a second.
    rig.peer.set_port(40_002);
    assert_eq!(rig.rx("S 0:0(0) win 1000"), Verdict::Dropped(DropReason::TcpBacklog));
    rig.pass(500);
    rig.take("S 0:0(0) win 1000");
    rig.sent();
    assert_eq!(rig.connections(), 2);
    rig.peer.set_port(40_003);
    assert_eq!(rig.rx("S 0:0(0) win 1000"), Verdict::Dropped(DropReason::TcpBacklog));
    // The one that went is not known any more; the others are.
    rig.peer.set_port(40_000);
    assert_eq!(rig.rx(". 1:1(0) ack 1 win 1000"), Verdict::Dropped(DropReason::TcpNoSocket));
    rig.peer.set_port(40_001);
    rig.take("R 1:1(0) win 0");
    assert_eq!(rig.connections(), 1);
}

#[test]
fn a_syn_ack_that_acknowledges_something_else_is_reset() {
    // "If SEG.ACK =< ISS or SEG.ACK > SND.NXT, send a reset <SEQ=SEG.ACK><CTL=RST> and discard".
    for ack in ["0", "2", "4294967295"] {
        let mut rig = Setup::default().idle();
        rig.connect();
        rig.sent();
        let verdict = rig.rx(&alloc::format!("S. 0:0(0) ack {ack} win 1000"));
        assert_eq!(verdict, Verdict::Dropped(DropReason::TcpAck));
        assert_eq!(rig.sent(), alloc::format!("> R {ack}:{ack}(0) win 0"));
        assert_eq!(rig.state(), State::SynSent);
    }
}

#[test]
fn a_refused_connection() {
    let mut rig = Setup::default().idle();
    rig.connect();
    rig.sent();
    // Without an acceptable ACK it is nobody's reset.
    assert_eq!(rig.rx("R 0:0(0) win 0"), Verdict::Dropped(DropReason::TcpFlags));
    assert_eq!(rig.rx("R. 0:0(0) ack 2 win 0"), Verdict::Dropped(DropReason::TcpAck));
    assert_eq!(rig.rx("R. 0:0(0) ack 0 win 0"), Verdict::Dropped(DropReason::TcpAck));
    assert_eq!((rig.sent().as_str(), rig.state()), ("", State::SynSent));
    rig.take("R. 0:0(0) ack 1 win 0");
    assert_eq!((rig.state(), rig.error()), (State::Closed, Some(SocketError::Refused)));
    assert_eq!(rig.pass(10_000), "");
}

#[test]
fn an_ack_alone_in_syn_received_must_be_acceptable() {
    // "<SEQ=SEG.ACK><CTL=RST>", and the connection goes on waiting.
    let mut rig = Setup::default().listening();
    rig.take("S 0:0(0) win 1000");
    rig.sent();
    assert_eq!(rig.rx(". 1:1(0) ack 9 win 1000"), Verdict::Dropped(DropReason::TcpAck));
    assert_snapshot!(rig.sent(), @"> R 9:9(0) win 0");
    rig.take(". 1:1(0) ack 1 win 1000");
    assert!(rig.accept());
}

#[test]
fn over_ipv6() {
    let mut rig = Setup { ipv6: true, ..Setup::default() }.idle();
    rig.connect();
    assert_snapshot!(rig.sent(), @"> S 0:0(0) win 65535 <mss 1440,sackOK,TS val 0 ecr 0,nop,wscale 5>");
    rig.take("S. 0:0(0) ack 1 win 65535");
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 1 win 65535");
    // RFC 9293 MUST-15: 1,220 over IPv6.
    rig.write(1300);
    assert_snapshot!(rig.sent(), @"> . 1:1221(1220) ack 1 win 65535");
    rig.take(". 1:1(0) ack 1221 win 65535");
    assert_snapshot!(rig.sent(), @"> P. 1221:1301(80) ack 1 win 65535");
}
