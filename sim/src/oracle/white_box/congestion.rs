//! The laws of the congestion window (RFC 5681, RFC 6582, RFC 6675, RFC 6928), for `NewReno`: what CUBIC and BBR
//! may do comes with them.

use tickwire_core::tcp::{Examination, Recovering, State, TimerCause};

use super::connection::{Connection, flight};
use crate::oracle::name::Oracle;
use crate::oracle::verdict::Bench;

pub(super) fn judge(seen: &Examination, before: Option<&Connection>, bench: &mut Bench) {
    if !seen.state.is_synchronized() || seen.state == State::TimeWait || !bench.judges(Oracle::CongestionWindow) {
        return;
    }
    let mut fail = |expected: String, found: u32| {
        bench.fail(Oracle::CongestionWindow, None, expected, found.to_string());
    };
    if seen.cwnd < seen.smss {
        fail(format!("a CWND of at least one segment, {}", seen.smss), seen.cwnd);
    }
    let Some(connection) = before.filter(|before| before.last.state.is_synchronized()) else { return };
    let last = &connection.last;
    // A path that has become narrower makes segments smaller, and one that has become wider larger.
    let smss = seen.smss.max(last.smss);
    // What a narrower path makes stale is sent again like after a timeout, but the window stays (RFC 1191 section 6.4).
    // Nor does a probe of a closed window cut it, though the wait doubles for it too (RFC 9293 SHLD-30): that the window
    // is closed is no loss, and RFC 5681 section 3.1 asks for one that the retransmission timer has found.
    let probed = last.timer(TimerCause::ZeroWindowProbe).is_some();
    let timed_out = seen.recovering == Recovering::Timeout && seen.backoff > last.backoff && !probed;
    let fast = seen.recovering == Recovering::Fast && last.recovering == Recovering::No;
    if timed_out && seen.cwnd > smss {
        fail(format!("after a timeout a CWND of one segment, {smss}"), seen.cwnd);
    }
    if fast || timed_out && last.recovering == Recovering::No {
        // RFC 5681 equation 4: max (FlightSize / 2, 2*SMSS).
        let most = (flight(last) / 2).max(2 * smss);
        if seen.ssthresh > most {
            fail(format!("after a loss SSTHRESH at most {most}"), seen.ssthresh);
        }
    }
    if fast && seen.cwnd > seen.ssthresh.saturating_add(3 * smss) {
        fail(format!("in fast recovery a CWND of at most SSTHRESH {} + 3 * SMSS", seen.ssthresh), seen.cwnd);
    }
    let acked = seen.una.bytes_since(last.una);
    if (last.recovering, seen.recovering) == (Recovering::No, Recovering::No) {
        // RFC 5681 equation 2: by what was acknowledged at most. Section 3.1: in congestion avoidance by a segment, when
        // what was acknowledged since the last time adds up to CWND.
        let gain = match acked {
            0 => 0,
            _ if last.cwnd >= last.ssthresh => smss,
            _ => acked,
        };
        let most = last.cwnd.saturating_add(gain).max(smss);
        if seen.cwnd > most {
            fail(format!("a CWND of at most {most} after {acked} bytes were acknowledged"), seen.cwnd);
        }
    }
    if last.recovering == Recovering::Fast && seen.recovering == Recovering::No {
        // RFC 6582 section 3.2 step 3, RFC 6675 section 5: it ends when RecoveryPoint is acknowledged.
        if let Some(point) = connection.recovery_point.filter(|point| seen.una < *point) {
            fail(format!("fast recovery until {} more bytes are acknowledged", point.bytes_since(seen.una)), acked);
        }
        let most = last.ssthresh.max(smss);
        if seen.cwnd > most {
            fail(format!("after fast recovery a CWND of at most SSTHRESH {most}"), seen.cwnd);
        }
    }
}
