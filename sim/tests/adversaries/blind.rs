//! Segments in the name of the peer, with guessed sequence numbers (RFC 5961).

use std::time::Duration;

use rstest::rstest;
use tickwire_core::DropReason;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::wire::tcp::TcpFlags;
use tickwire_sim::Direction;
use tickwire_sim::node::adversary::{BlindSegment, Blow, Forgery, Guess};
use tickwire_sim::node::frames::Stations;
use tickwire_sim::segment::tcp_segment;

use super::{ADVERSARY, Lan, lan};

/// Half of the victim's window: of a sweep through all sequence numbers two are in it.
const STEP: u32 = 1 << 19;
const SWEEP: u32 = 1 << 13;

fn attacked(ipv6: bool, blow: Blow, timestamps: bool) -> (Lan, u64) {
    let mut lan = lan();
    let (from, to) = lan.talk(ipv6, Duration::from_secs(2), 50_000);
    let stations = Stations { src: ADVERSARY, dst: EthernetAddress([2, 0, 0, 0, 0, 1]) };
    let guess = Guess::Sweep { step: STEP };
    let segment = BlindSegment { stations, from, to, blow, guess, timestamps };
    let forger = lan.forge(Forgery::Segment(segment), Duration::from_micros(100), SWEEP);
    lan.finish();
    assert_eq!(lan.sent(forger), u64::from(SWEEP));
    let answers = lan.frames(lan.victim, Direction::Outbound, |frame| {
        tcp_segment(frame)
            .is_some_and(|flow| flow.segment.flags() == TcpFlags::ACK && flow.segment.payload().is_empty())
    });
    (lan, answers as u64)
}

/// Section 3.2: only a RST at RCV.NXT resets; one elsewhere in the window is challenged, any other is dropped
/// in silence.
#[rstest]
fn a_reset_in_the_window_is_challenged(#[values(false, true)] ipv6: bool) {
    let (lan, answers) = attacked(ipv6, Blow::Reset, false);
    let challenged = lan.dropped(lan.victim, DropReason::TcpChallenged);
    assert!((1..=3).contains(&challenged), "{challenged} of two in the window");
    assert_eq!(lan.dropped(lan.victim, DropReason::TcpUnacceptable) + challenged, u64::from(SWEEP));
    assert_eq!(lan.counted(lan.victim, "tcp.challenge_acks"), challenged);
    assert!(answers < 100, "{answers} acknowledgments");
}

/// Section 4.2: whatever its sequence number, a SYN is challenged; section 7: ten times a second.
#[rstest]
fn a_syn_is_challenged_and_not_every_time(#[values(false, true)] ipv6: bool) {
    let (lan, answers) = attacked(ipv6, Blow::Syn, true);
    assert_eq!(lan.dropped_by_tcp(), u64::from(SWEEP));
    assert!((1..=10).contains(&lan.counted(lan.victim, "tcp.challenge_acks")));
    assert!(answers < 100, "{answers} acknowledgments");
}

/// Section 5.2: the acknowledgment must be of what was sent lately. RFC 7323 section 5.3: the timestamp must not
/// be old; section 3.2: what has none is dropped in silence. Nothing is answered twice.
#[rstest]
fn injected_data_never_gets_into_the_stream(
    #[values(false, true)] timestamps: bool,
    #[values(false, true)] ipv6: bool,
) {
    let (lan, answers) = attacked(ipv6, Blow::Data(100), timestamps);
    assert_eq!(lan.dropped_by_tcp(), u64::from(SWEEP));
    assert!(answers < 100 + if timestamps { u64::from(SWEEP) } else { 0 }, "{answers} acknowledgments");
}
