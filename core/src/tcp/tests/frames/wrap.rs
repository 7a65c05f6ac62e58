//! Sequence numbers across 2^32 (RFC 9293 section 3.4), in both directions. Lines are relative, so
//! they look as everywhere else; what matters is that nothing else changes.

use insta::assert_snapshot;
use rstest::rstest;

use super::rig::*;
use crate::tcp::{How, State};
use crate::{DropReason, Verdict};

/// Both initial sequence numbers are `before` below the wrap.
fn near_the_wrap(options: &'static str, before: u32) -> Setup {
    let at = 0u32.wrapping_sub(before);
    Setup { iss: Some(at), irs: at, ..Setup::options(options) }
}

#[rstest]
#[case::syn_is_the_last(1)]
#[case::text_begins_at_zero(2)]
#[case::within_the_first_segment(500)]
#[case::at_a_border(1001)]
#[case::half_of_the_space(1 << 31)]
#[case::half_and_a_bit((1 << 31) + 1500)]
fn a_whole_connection(#[case] before: u32) {
    for setup in [near_the_wrap(PLAIN, before), near_the_wrap(SACK, before)] {
        for passive in [true, false] {
            let mut rig = if passive { setup.clone().passive() } else { setup.clone().active() };
            rig.write(2500);
            rig.shutdown(How::Write);
            assert_eq!(
                rig.sent(),
                "> . 1:1001(1000) ack 1 win 65535\n> . 1001:2001(1000) ack 1 win 65535\n> FP. 2001:2501(500) ack 1 win 65535"
            );
            rig.take(". 1001:2001(1000) ack 1 win 65535");
            rig.take(". 1:1001(1000) ack 1 win 65535");
            assert_eq!(rig.sent(), "> . 2502:2502(0) ack 2001 win 65535");
            assert_eq!(rig.pass(300), "+300ms > . 1:1001(1000) ack 2001 win 65535");
            rig.take(". 2001:2001(0) ack 2502 win 65535");
            assert_eq!((rig.state(), rig.read(5000)), (State::FinWait2, Ok(2000)));
            rig.take("F. 2001:2001(0) ack 2502 win 65535");
            assert_eq!((rig.state(), rig.sent().as_str()), (State::TimeWait, "> . 2502:2502(0) ack 2002 win 65535"));
        }
    }
}

#[test]
fn recovery_across_the_wrap() {
    let mut rig = near_the_wrap(SACK, 3500).passive();
    rig.write(10_000);
    rig.sent();
    rig.take(". 1:1(0) ack 1 win 65535 <sack 1001:2001>");
    rig.take(". 1:1(0) ack 1 win 65535 <sack 3001:5001 1001:2001>");
    rig.take(". 1:1(0) ack 1 win 65535 <sack 3001:10001 1001:2001>");
    assert_snapshot!(rig.sent(), @"
    > . 1:1001(1000) ack 1 win 65535
    > . 2001:3001(1000) ack 1 win 65535
    ");
    rig.take(". 1:1(0) ack 10001 win 65535");
    assert_eq!(rig.pass(10_000), "");
}

#[test]
fn the_window_edge_across_the_wrap() {
    let mut rig = near_the_wrap(PLAIN, 1000).passive();
    assert_eq!(rig.rx("R 65536:65536(0) win 0"), Verdict::Dropped(DropReason::TcpUnacceptable));
    assert_eq!(rig.rx("R 65535:65535(0) win 0"), Verdict::Dropped(DropReason::TcpChallenged));
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 1 win 65535");
    rig.take("R 1:1(0) win 0");
    assert_eq!(rig.state(), State::Closed);
}
