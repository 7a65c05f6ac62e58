//! Each case is a test; and a difference is told as it should be.

use std::path::{Path, PathBuf};

use rstest::rstest;
use tickwire_conformance::case::StepDescription;
use tickwire_conformance::{Case, Difference, replay, script};
use tickwire_sim::Seed;
use tickwire_sim::capture::{CapturedFrame, Direction};
use tickwire_sim::segment::tcp_segment;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases").join(name)
}

#[rstest]
fn case(#[files("cases/*/case.toml")] path: PathBuf) {
    let case = Case::read(path.parent().unwrap()).unwrap_or_else(|error| panic!("{error}"));
    // What the stack chooses by its seed is not what the case is about.
    for seed in [1, 2, 3] {
        if let Some(difference) = replay(&case, Seed([seed; 32])).unwrap() {
            panic!("{difference}");
        }
    }
}

/// The provenance of a case of our own: its capture is what its script says, byte for byte.
#[rstest]
fn the_capture_is_what_the_script_says(#[files("cases/*/case.script")] path: PathBuf) {
    let folder = path.parent().unwrap();
    let made = script::capture(folder).unwrap_or_else(|error| panic!("{error}"));
    let committed = std::fs::read(folder.join("case.pcapng")).unwrap();
    assert!(made == committed, "case.pcapng is not what case.script says; examples/write_case.rs makes it anew");
}

/// The first difference of the case `name` after `edit`.
fn difference(name: &str, edit: impl FnOnce(&mut Case)) -> Difference {
    let mut case = Case::read(&folder(name)).unwrap();
    edit(&mut case);
    replay(&case, Seed([1; 32])).unwrap().expect("a difference")
}

/// The number of the case's first outbound frame that is a TCP segment.
fn first_segment(case: &Case) -> usize {
    let outbound = |frame: &CapturedFrame| frame.direction == Some(Direction::Outbound);
    let frames = case.capture.frames.iter();
    frames.into_iter().position(|frame| outbound(frame) && tcp_segment(&frame.data).is_some()).unwrap()
}

#[test]
fn a_wrong_number_is_told_beside_what_was_expected() {
    let difference = difference("tcp-passive-open", |case| {
        let number = first_segment(case);
        let frame = &mut case.capture.frames[number];
        let mut bytes = frame.data.to_vec();
        // The acknowledgment number's last octet.
        bytes[14 + 20 + 11] += 1;
        frame.data = bytes.into();
    });
    insta::assert_snapshot!(difference, @"
    tcp-passive-open differs at its frame 3
               0.000000000 < arp who-has 192.0.2.2 tell 192.0.2.1
               0.000000000 > arp 192.0.2.2 is-at 02:00:00:00:00:02
               0.100000000 < S 0:0(0) win 65535 <mss 1460>
      expected 0.100000000 > S. 0:0(0) ack 2 win 65535 <mss 1460> [bad checksum]
      got      0.100000000 > S. 0:0(0) ack 1 win 65535 <mss 1460>
      wrong    ack is 1, expected 2
      decided by RFC 9293 section 3.10.7.2 (LISTEN: SYN)
                 RFC 9293 section 3.10.7.4 (SYN-RECEIVED and ESTABLISHED: ACK, text, FIN; LAST-ACK: ACK)
                 RFC 9293 section 3.10.7.1 (CLOSED: the reset that shows the connection gone)
                 RFC 9293 section 3.8.6.3 (an acknowledgment is delayed by less than 0.5 s)
    ");
}

#[test]
fn a_frame_that_does_not_leave_is_told() {
    // The hole is never filled, so nothing acknowledges what was beyond it.
    let difference = difference("tcp-sequence-checks", |case| {
        case.capture
            .frames
            .retain(|frame| frame.unix_nanos != 300_000_000 || frame.direction == Some(Direction::Outbound));
    });
    insta::assert_snapshot!(difference, @"
    tcp-sequence-checks differs at its frame 7
               0.000000000 > arp 192.0.2.2 is-at 02:00:00:00:00:02
               0.100000000 < S 0:0(0) win 65535 <mss 1460,sackOK,TS val 1000 ecr 0>
               0.100000000 > S. 0:0(0) ack 1 win 65535 <mss 1460,sackOK,TS val 907989499 ecr 1000>
               0.110000000 < . 1:1(0) ack 1 win 65535 <nop,nop,TS val 1010 ecr 907989499>
               0.200000000 < P. 4:7(3) ack 1 win 65535 <nop,nop,TS val 1100 ecr 907989499>
               0.200000000 > . 1:1(0) ack 1 win 65535 <nop,nop,TS val 907989599 ecr 1010,nop,nop,sack 4:7>
      expected 0.300000000 > . 1:1(0) ack 7 win 65535 <nop,nop,TS val 201 ecr 1200>
      got      nothing
      wrong    nothing left until 0.400000000
      decided by RFC 9293 section 3.10.7.4 (first to fourth check)
                 RFC 5681 section 4.2 (an out-of-order segment, and one that fills a hole, are acknowledged at once)
                 RFC 2018 section 4 (the block reported)
                 RFC 7323 section 4.3 (which timestamp is echoed) and section 5.3 (PAWS)
                 RFC 5961 section 3.2 (RST) and section 4.2 (SYN)
    ");
}

#[test]
fn a_frame_that_should_not_leave_is_told() {
    let difference = difference("tcp-closed-port", |case| {
        let number = first_segment(case);
        case.capture.frames.truncate(number);
    });
    insta::assert_snapshot!(difference, @"
    tcp-closed-port differs at its end
               0.000000000 < arp who-has 192.0.2.2 tell 192.0.2.1
               0.000000000 > arp 192.0.2.2 is-at 02:00:00:00:00:02
               0.100000000 < S 0:0(0) win 65535 <mss 1460>
      expected nothing
      got      0.100000000 > R. 0:0(0) ack 1 win 0
      wrong    nothing was to leave
      decided by RFC 9293 section 3.10.7.1 (CLOSED)
    ");
}

#[test]
fn a_frame_at_the_wrong_time_is_told() {
    let difference = difference("tcp-closed-port", |case| {
        let number = first_segment(case);
        case.capture.frames[number].unix_nanos += 1_000_000;
    });
    insta::assert_snapshot!(difference, @"
    tcp-closed-port differs at its frame 3
               0.000000000 < arp who-has 192.0.2.2 tell 192.0.2.1
               0.000000000 > arp 192.0.2.2 is-at 02:00:00:00:00:02
               0.100000000 < S 0:0(0) win 65535 <mss 1460>
      expected 0.101000000 > R. 0:0(0) ack 1 win 0
      got      0.100000000 > R. 0:0(0) ack 1 win 0
      wrong    it is 1000000 ns early
      decided by RFC 9293 section 3.10.7.1 (CLOSED)
    ");
}

#[test]
fn an_application_that_does_not_get_what_it_expects_is_told() {
    let difference = difference("tcp-sequence-checks", |case| {
        case.description.applications[0].steps.push(StepDescription::ExpectEnd);
    });
    insta::assert_snapshot!(difference, @"
    tcp-sequence-checks differs at its end
               0.600000000 < R 8:8(0) win 0
               0.600000000 > . 1:1(0) ack 7 win 65535 <nop,nop,TS val 907989999 ecr 1200>
               0.700000000 < R 6:6(0) win 0
               0.800000000 < R 7:7(0) win 0
               0.900000000 < . 7:7(0) ack 1 win 65535 <nop,nop,TS val 1800 ecr 907989999>
               0.900000000 > R 1:1(0) win 0
      wrong    step 2: expect the end: the connection was reset by the peer
      decided by RFC 9293 section 3.10.7.4 (first to fourth check)
                 RFC 5681 section 4.2 (an out-of-order segment, and one that fills a hole, are acknowledged at once)
                 RFC 2018 section 4 (the block reported)
                 RFC 7323 section 4.3 (which timestamp is echoed) and section 5.3 (PAWS)
                 RFC 5961 section 3.2 (RST) and section 4.2 (SYN)
    ");
}

#[rstest]
#[case::no_direction("0.1 S 0:0(0)", "line 2: \"S\" where \"<\" or \">\" is expected")]
#[case::no_time("now < S 0:0(0)", "line 2: \"now\" where a time in seconds is expected, as in 0.25")]
#[case::no_text("0.1 < . 1:4(3) ack 1", "line 2: 0 bytes of text for a segment of 3")]
#[case::no_ack("0.1 < . 1:1(0)", "line 2: the line ends where \"ack N\", since the flags have \".\", is expected")]
fn what_is_no_script_is_named(#[case] line: &str, #[case] error: &str) {
    let case = Case::read(&folder("tcp-passive-open")).unwrap();
    let told = script::frames(&case.description, &format!("# A comment.\n{line}\n")).unwrap_err();
    assert_eq!(told.to_string(), error);
}
