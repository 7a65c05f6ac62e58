//! Each rule keeps what is right and breaks what is wrong.

use std::net::SocketAddr;

use rstest::rstest;
use slotmap::SlotMap;
use tickwire_core::Instant;
use tickwire_core::provenance::Trigger;
use tickwire_core::stack::Cause;
use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::tcp::{Examination, Expiries, Recovering, State, TimerCause};
use tickwire_core::wire::tcp::TcpFlags;

use super::WhiteBox;
use super::cells::Heard;
use crate::oracle::name::{Oracle, Switches};
use crate::oracle::verdict::Mark;

const ISS: SeqNumber = SeqNumber(0xffff_ff00);

/// A connection in ESTABLISHED with nothing in flight; the peer offers 10,000 bytes.
fn established() -> Examination {
    let end: SocketAddr = "192.0.2.1:7".parse().unwrap();
    Examination {
        handle: SlotMap::with_key().insert(()),
        local: end,
        remote: end,
        at: Instant::ZERO,
        trigger: Trigger::Call("tcp.send"),
        segment: None,
        state: State::Established,
        iss: ISS,
        una: ISS + 1,
        nxt: ISS + 1,
        wnd: 10_000,
        rcv_nxt: SeqNumber(1),
        unsent: 0,
        fin_queued: false,
        cwnd: 14_600,
        ssthresh: u32::MAX,
        smss: 1_460,
        recovering: Recovering::No,
        backoff: 0,
        owes: false,
        timed: None,
        challenges: 0,
        rcv_wnd: 65_535,
        unread: 0,
        ack_due: false,
        timers: Expiries::default(),
    }
}

impl Changed for Examination {}

/// Small changes to a connection.
trait Changed: Sized + Into<Examination> {
    fn with(self, change: impl FnOnce(&mut Examination)) -> Examination {
        let mut changed = self.into();
        change(&mut changed);
        changed
    }

    fn running(self, cause: TimerCause) -> Examination {
        self.with(|seen| seen.timers.set(cause, Some(Instant::from_millis(1))))
    }

    fn flying(self, bytes: u32) -> Examination {
        let flying = self.with(|seen| seen.nxt = seen.una + bytes);
        flying.running(TimerCause::Retransmission).running(TimerCause::UserTimeout)
    }

    fn acked(self, bytes: u32) -> Examination {
        self.with(|seen| seen.una += bytes)
    }
}

const CHALLENGES: u32 = 10;

fn in_state(state: State) -> Examination {
    let seen = established().with(|seen| seen.state = state);
    if state == State::TimeWait { seen.running(TimerCause::TimeWait) } else { seen }
}

fn broken(history: &[Examination]) -> Vec<Oracle> {
    let mut white_box = WhiteBox::new(Switches::ALL, CHALLENGES);
    let begins = established().with(|seen| {
        seen.state = State::SynReceived;
        (seen.una, seen.nxt, seen.wnd) = (ISS, ISS, 0);
        seen.owes = true;
    });
    for seen in [&begins].into_iter().chain(history) {
        white_box.observe(seen, Mark::new(0, Instant::ZERO), None);
    }
    white_box.verdicts().iter().map(|verdict| verdict.oracle).collect()
}

/// RFC 9293 section 3.3.2, figure 5: every pair of states that follow each other.
#[test]
fn every_transition_of_the_figure_and_no_other() {
    use State::{CloseWait, Closed, Closing, Established, FinWait1, FinWait2, LastAck, SynReceived, SynSent, TimeWait};
    const STATES: [State; 10] =
        [Closed, SynSent, SynReceived, Established, FinWait1, FinWait2, CloseWait, Closing, LastAck, TimeWait];
    let figure = [
        (SynSent, SynReceived),
        (SynSent, Established),
        (SynReceived, Established),
        (SynReceived, FinWait1),
        (Established, FinWait1),
        (Established, CloseWait),
        (FinWait1, FinWait2),
        (FinWait1, Closing),
        (FinWait1, TimeWait),
        (FinWait2, TimeWait),
        (CloseWait, LastAck),
        (Closing, TimeWait),
    ];
    // Two arrows at once: one segment acknowledges our SYN or FIN and brings the peer's FIN.
    let both = [(SynSent, CloseWait), (SynReceived, CloseWait), (SynReceived, FinWait2)];
    for from in STATES {
        for to in STATES {
            let mut bench = crate::oracle::verdict::Bench::new(Switches::ALL);
            let before = super::Connection::new(&in_state(from), Heard::NOTHING);
            super::transition::judge(&in_state(to), Some(&before), &mut bench);
            let legal = from == to || to == Closed || figure.contains(&(from, to)) || both.contains(&(from, to));
            assert_eq!(bench.found.is_empty(), legal, "{from} -> {to}");
        }
    }
}

#[rstest]
#[case::in_flight(vec![established().flying(1_460)], &[])]
#[case::up_to_the_edge(vec![established().flying(10_000)], &[])]
#[case::a_probe_beyond(vec![established(), established().flying(10_001)], &[])]
#[case::beyond(vec![established(), established().flying(10_002)], &[Oracle::SendSequence; 2])]
#[case::beyond_the_present_edge(
    vec![established().flying(5_000), established().with(|seen| seen.wnd = 3_000).flying(5_000), established().with(|seen| seen.wnd = 3_000).flying(6_000)],
    &[Oracle::SendSequence],
)]
#[case::acknowledged_and_not_sent(vec![established().acked(5).with(|seen| seen.nxt = ISS + 1)], &[Oracle::SendSequence])]
#[case::back(vec![established().acked(5).with(|seen| seen.nxt += 5), established()], &[Oracle::SendSequence; 2])]
#[case::received_goes_back(
    vec![established(), established().with(|seen| seen.rcv_nxt = SeqNumber(0))],
    &[Oracle::SendSequence],
)]
fn sequence(#[case] history: Vec<Examination>, #[case] breaks: &[Oracle]) {
    assert_eq!(broken(&history), breaks);
}

/// RFC 7323 section 2.2: a window that was scaled where it must not be is not the one on the wire.
#[rstest]
#[case::as_offered(10_001, &[])]
#[case::less_was_offered(10_000, &[Oracle::SendSequence])]
fn the_window_is_the_one_on_the_wire(#[case] offered: u32, #[case] breaks: &[Oracle]) {
    let mut white_box = WhiteBox::new(Switches::ALL, CHALLENGES);
    let begun =
        established().with(|seen| (seen.state, seen.una, seen.nxt, seen.wnd) = (State::SynSent, ISS, ISS + 1, 0));
    for (seen, offered) in [(begun.flying(1), None), (established(), Some(ISS + offered))] {
        white_box.observe(&seen, Mark::new(0, Instant::ZERO), offered);
    }
    let broken: Vec<Oracle> = white_box.verdicts().iter().map(|verdict| verdict.oracle).collect();
    assert_eq!(broken, breaks);
}

#[rstest]
#[case::nothing_in_flight(established(), &[])]
#[case::unwatched(established().with(|seen| seen.nxt += 10), &[Oracle::RetransmissionTimer])]
#[case::to_leave_at_once(established().with(|seen| { seen.nxt += 10; seen.owes = true; }), &[])]
#[case::watched_twice(established().flying(1).with(|seen| seen.wnd = 0).running(TimerCause::ZeroWindowProbe), &[Oracle::RetransmissionTimer])]
#[case::watches_nothing(established().flying(0), &[Oracle::RetransmissionTimer])]
#[case::never_gives_up(established().flying(1).with(|seen| seen.timers.set(TimerCause::UserTimeout, None)), &[Oracle::Timers])]
#[case::closed_window(established().with(|seen| { seen.wnd = 0; seen.unsent = 9; }), &[Oracle::Persist])]
#[case::closed_window_probed(established().with(|seen| { seen.wnd = 0; seen.unsent = 9; }).running(TimerCause::ZeroWindowProbe), &[])]
#[case::a_fin_behind_a_closed_window(established().with(|seen| { seen.wnd = 0; seen.fin_queued = true; }), &[Oracle::Persist])]
#[case::open_window_probed(established().with(|seen| seen.unsent = 9).running(TimerCause::ZeroWindowProbe), &[Oracle::Persist])]
#[case::time_wait_too_early(established().running(TimerCause::TimeWait), &[Oracle::Timers])]
#[case::keep_alive(established().running(TimerCause::KeepAlive), &[])]
#[case::keep_alive_in_flight(established().flying(1).running(TimerCause::KeepAlive), &[Oracle::Timers])]
#[case::delayed_ack(established().running(TimerCause::DelayedAck), &[])]
#[case::linger_before_close(established().running(TimerCause::Linger), &[Oracle::Timers])]
#[case::fin_wait_2(established().running(TimerCause::FinWait2), &[Oracle::Timers])]
fn timers(#[case] seen: Examination, #[case] breaks: &[Oracle]) {
    assert_eq!(broken(&[seen]), breaks);
}

/// RFC 6298 section 3: what was sent again is not timed.
#[test]
fn karn() {
    let timed = |seen: Examination, end: u32| seen.with(|seen| seen.timed = Some(seen.una + end));
    let fast = lost(flying(), Recovering::Fast, 5_110, 5_110);
    assert_eq!(broken(&[timed(flying(), 1_460), fast]), []);
    assert_eq!(broken(&[flying(), timed(fast, 1_460)]), [Oracle::Karn]);
    // What is sent for the first time since may be.
    let more = fast.with(|seen| seen.nxt += 1_460);
    assert_eq!(broken(&[flying(), fast, timed(more, 10_220 + 1_460)]), []);
    // It is about to be sent again: then the timing ends.
    assert_eq!(broken(&[flying(), timed(fast, 1_460).with(|seen| seen.owes = true)]), []);
}

/// RFC 9293 section 3.8.6.2.2: where all has been read, less than half of the buffer is held back.
#[test]
fn window_update() {
    let shut = established().with(|seen| seen.rcv_wnd = 0);
    assert_eq!(broken(&[shut.with(|seen| seen.unread = 1)]), []);
    assert_eq!(broken(&[shut.with(|seen| seen.ack_due = true)]), []);
    assert_eq!(broken(&[shut]), [Oracle::WindowUpdate]);
    // It has been twice as wide, and more.
    let wide = established().with(|seen| seen.rcv_wnd = 80_000);
    let narrow = |wnd: u32| established().with(|seen| seen.rcv_wnd = wnd);
    assert_eq!(broken(&[wide, narrow(40_000)]), []);
    assert_eq!(broken(&[wide, narrow(39_999)]), [Oracle::WindowUpdate]);
    assert_eq!(broken(&[wide, narrow(39_999).with(|seen| seen.unread = 1)]), []);
}

/// RFC 5961 section 7.
#[test]
fn challenge_limit() {
    assert_eq!(broken(&[established().with(|seen| seen.challenges = CHALLENGES)]), []);
    let beyond = established().with(|seen| seen.challenges = CHALLENGES + 1);
    assert_eq!(broken(&[beyond]), [Oracle::ChallengeLimit]);
}

#[test]
fn time_wait_has_its_timer_alone() {
    let waits = in_state(State::TimeWait);
    let reaches = |last| [established(), in_state(State::FinWait1), last];
    assert_eq!(broken(&reaches(waits)), []);
    let idle = waits.with(|seen| seen.timers = Expiries::default());
    assert_eq!(broken(&reaches(idle)), [Oracle::Timers]);
    assert_eq!(broken(&reaches(waits.running(TimerCause::DelayedAck))), [Oracle::Timers]);
}

/// 10,220 bytes are seven segments.
fn flying() -> Examination {
    established().with(|seen| seen.wnd = 65_535).flying(10_220)
}

fn lost(seen: Examination, recovering: Recovering, cwnd: u32, ssthresh: u32) -> Examination {
    seen.with(|seen| {
        (seen.recovering, seen.cwnd, seen.ssthresh) = (recovering, cwnd, ssthresh);
        seen.backoff = u8::from(recovering == Recovering::Timeout);
    })
}

const LAW: &[Oracle] = &[Oracle::CongestionWindow];

#[rstest]
#[case::grows_by_what_was_acknowledged(flying().acked(2_920).with(|seen| seen.cwnd += 2_920), &[])]
#[case::grows_by_more(flying().acked(2_920).with(|seen| seen.cwnd += 2_921), LAW)]
#[case::grows_by_nothing_acknowledged(flying().with(|seen| seen.cwnd += 1), LAW)]
#[case::less_than_a_segment(flying().with(|seen| seen.cwnd = 1_459), LAW)]
#[case::fast(lost(flying(), Recovering::Fast, 5_110 + 3 * 1_460, 5_110), &[])]
#[case::fast_with_too_much(lost(flying(), Recovering::Fast, 5_110 + 3 * 1_460 + 1, 5_110), LAW)]
#[case::not_halved(lost(flying(), Recovering::Fast, 10_220, 10_220), LAW)]
#[case::timeout(lost(flying(), Recovering::Timeout, 1_460, 5_110), &[])]
#[case::narrower_path(flying().with(|seen| seen.recovering = Recovering::Timeout), &[])]
#[case::timeout_without_a_cut(lost(flying(), Recovering::Timeout, 5_110, 5_110), LAW)]
fn congestion(#[case] next: Examination, #[case] breaks: &[Oracle]) {
    assert_eq!(broken(&[flying(), next]), breaks);
}

/// RFC 9293 section 3.8.6.1: while the window is closed what was refused is probed for, at intervals that double. Only
/// the retransmission timer tells of a loss (RFC 5681 section 3.1).
#[rstest]
#[case::probe(TimerCause::ZeroWindowProbe, 0, &[])]
#[case::timeout(TimerCause::Retransmission, 65_535, LAW)]
fn a_probe_of_a_closed_window_cuts_nothing(#[case] timer: TimerCause, #[case] wnd: u32, #[case] breaks: &[Oracle]) {
    let resent = flying().with(|seen| {
        (seen.wnd, seen.recovering) = (wnd, Recovering::Timeout);
        seen.timers = Expiries::default();
    });
    let waits = resent.running(timer).running(TimerCause::UserTimeout);
    assert_eq!(broken(&[flying(), waits, waits.with(|seen| seen.backoff += 1)]), breaks);
}

/// RFC 6582 section 3.2: a partial acknowledgment does not end fast recovery, that of `RecoveryPoint` does.
#[test]
fn fast_recovery_lasts_until_its_point() {
    let fast = lost(flying(), Recovering::Fast, 5_110, 5_110);
    let over = |acked| lost(flying().acked(acked), Recovering::No, 5_110, 5_110);
    let full = over(10_220).with(|seen| seen.timers = Expiries::default());
    assert_eq!(broken(&[flying(), fast, full]), []);
    assert_eq!(broken(&[flying(), fast, over(1_460)]), LAW);
    let inflated = full.with(|seen| seen.cwnd = 5_111);
    assert_eq!(broken(&[flying(), fast, inflated]), LAW);
}

/// What a timer has put among what is to be sent is looked at again when it leaves: here after a segment, in another
/// state.
#[test]
fn an_event_is_met_once_however_late_its_segments_leave() {
    let at = |state: State, millis, trigger| {
        in_state(state).with(|seen| (seen.at, seen.trigger) = (Instant::from_millis(millis), trigger))
    };
    let expires = Trigger::Timer(Cause::Tcp(TimerCause::Retransmission));
    let acknowledged = at(State::TimeWait, 1, Trigger::Frame(7)).with(|seen| seen.segment = Some(TcpFlags::ACK));
    let mut white_box = WhiteBox::new(Switches::ALL, CHALLENGES);
    let begins = at(State::Closing, 0, Trigger::Call("tcp.close"));
    let history = [
        begins,
        at(State::Closing, 1, expires),
        acknowledged,
        at(State::TimeWait, 1, expires),
        acknowledged,
        at(State::TimeWait, 2, Trigger::Frame(8)).with(|seen| seen.segment = Some(TcpFlags::ACK)),
    ];
    for seen in history {
        white_box.observe(&seen.with(|seen| seen.handle = begins.handle), Mark::new(0, Instant::ZERO), None);
    }
    let met = white_box.cells().iter().filter(|(.., count)| *count > 0);
    let mut met: Vec<String> = met.map(|(state, event, count)| format!("{state} {event} {count}")).collect();
    met.sort();
    let expected =
        ["CLOSED call Close 1", "CLOSING segment Ack 1", "CLOSING timer Retransmission 1", "TIME-WAIT segment Ack 1"];
    assert_eq!(met, expected);
}
