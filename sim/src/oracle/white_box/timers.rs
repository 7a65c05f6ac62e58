//! Which timer runs when.
//!
//! | timer | runs |
//! |---|---|
//! | retransmission | exactly while something is in flight and the window is open (RFC 6298 section 5) |
//! | user timeout | at least while that for retransmission does (RFC 9293 section 3.8.3) |
//! | zero-window probe | exactly while the window is closed and there is something to send (RFC 9293 section 3.8.6.1) |
//! | TIME-WAIT | exactly in TIME-WAIT, alone (RFC 9293 section 3.10.7.4) |
//! | FIN-WAIT-2 | only in FIN-WAIT-2 |
//! | linger | only after CLOSE, while the peer's acknowledgment or FIN is awaited |
//! | keep-alive | only while nothing is in flight (RFC 9293 MUST-27) |
//! | delayed ACK | only in a synchronized state (RFC 9293 section 3.8.6.3) |
//! | none | in CLOSED |

use tickwire_core::tcp::{Examination, State, TimerCause};

use super::connection::flight;
use crate::oracle::name::Oracle;
use crate::oracle::verdict::Bench;

pub(super) fn judge(seen: &Examination, bench: &mut Bench) {
    if !matches!(seen.state, State::Closed | State::TimeWait) {
        retransmission(seen, bench);
        persist(seen, bench);
    }
    if bench.judges(Oracle::Timers) {
        for cause in seen.timers.running().filter(|cause| !may_run(*cause, seen)) {
            let expected = format!("no {cause:?} timer in {}", seen.state);
            bench.fail(Oracle::Timers, None, expected, "it runs".to_owned());
        }
        let runs = |cause| seen.timer(cause).is_some();
        if seen.state == State::TimeWait && !runs(TimerCause::TimeWait) {
            bench.fail(Oracle::Timers, None, "the 2 MSL timer in TIME-WAIT".to_owned(), "none".to_owned());
        }
        if runs(TimerCause::Retransmission) && !runs(TimerCause::UserTimeout) {
            let expected = "the user timeout of what is sent again".to_owned();
            bench.fail(Oracle::Timers, None, expected, "none".to_owned());
        }
    }
}

/// What is in flight is watched by exactly one timer; nothing, by none.
fn retransmission(seen: &Examination, bench: &mut Bench) {
    if !bench.judges(Oracle::RetransmissionTimer) {
        return;
    }
    let timers = [TimerCause::Retransmission, TimerCause::ZeroWindowProbe];
    let running = timers.into_iter().filter(|cause| seen.timer(*cause).is_some()).count();
    let in_flight = flight(seen) > 0;
    let wrong = match (in_flight, running) {
        (true, 1) => false,
        // What is to leave at once starts it.
        (true, 0) => !seen.owes,
        (true, _) => true,
        (false, _) => seen.timer(TimerCause::Retransmission).is_some(),
    };
    if wrong {
        let expected = if in_flight { "exactly one timer for what is in flight" } else { "no retransmission timer" };
        bench.fail(Oracle::RetransmissionTimer, None, expected.to_owned(), format!("{running} running"));
    }
}

/// A closed window with something to send is probed, and nothing else is.
fn persist(seen: &Examination, bench: &mut Bench) {
    let sends =
        matches!(seen.state, State::Established | State::CloseWait | State::FinWait1 | State::Closing | State::LastAck);
    if !sends || !bench.judges(Oracle::Persist) {
        return;
    }
    let runs = seen.timer(TimerCause::ZeroWindowProbe).is_some();
    let needed = seen.wnd == 0 && flight(seen) == 0 && (seen.unsent > 0 || seen.fin_queued);
    if needed && !runs && !seen.owes {
        bench.fail(Oracle::Persist, None, "a probe timer for the closed window".to_owned(), "none".to_owned());
    }
    if runs && seen.wnd > 0 {
        bench.fail(Oracle::Persist, None, "no probe timer while the window is open".to_owned(), "it runs".to_owned());
    }
}

fn may_run(cause: TimerCause, seen: &Examination) -> bool {
    use State::{Closed, Closing, FinWait1, FinWait2, LastAck, TimeWait};
    let state = seen.state;
    match cause {
        TimerCause::TimeWait => state == TimeWait,
        _ if matches!(state, Closed | TimeWait) => false,
        TimerCause::FinWait2 => state == FinWait2,
        TimerCause::Linger => matches!(state, FinWait1 | FinWait2 | Closing | LastAck),
        TimerCause::KeepAlive => state.is_synchronized() && flight(seen) == 0,
        TimerCause::DelayedAck => state.is_synchronized(),
        TimerCause::SillyWindowOverride => seen.unsent > 0 || seen.fin_queued,
        TimerCause::Retransmission | TimerCause::ZeroWindowProbe | TimerCause::UserTimeout => true,
    }
}
