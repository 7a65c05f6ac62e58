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
    insta::assert_snapshot!(difference, @"");
}

#[test]
fn a_frame_that_does_not_leave_is_told() {
    // The hole is never filled, so nothing acknowledges what was beyond it.
    let difference = difference("tcp-sequence-checks", |case| {
        case.capture.frames.retain(|frame| frame.unix_nanos != 300_000_000 || frame.direction == Some(Direction::Outbound));
    });
    insta::assert_snapshot!(difference, @"");
}

#[test]
fn a_frame_that_should_not_leave_is_told() {
    let difference = difference("tcp-closed-port", |case| {
        let number = first_segment(case);
        case.capture.frames.truncate(number);
    });
    insta::assert_snapshot!(difference, @"");
}

#[test]
fn a_frame_at_the_wrong_time_is_told() {
    let difference = difference("tcp-passive-open", |case| case.description.compare.within_ms = 39);
    insta::assert_snapshot!(difference, @"");
}

#[test]
fn an_application_that_does_not_get_what_it_expects_is_told() {
    let difference = difference("tcp-sequence-checks", |case| {
        case.description.applications[0].steps.push(StepDescription::ExpectEnd);
    });
    insta::assert_snapshot!(difference, @"");
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
