//! Rules of one sentence each.

use tickwire_core::tcp::{Examination, Recovering, State};

use super::connection::Connection;
use crate::oracle::name::Oracle;
use crate::oracle::verdict::Bench;

/// Karn's rule: the round trip of what was sent again is not measured (RFC 6298 section 3). What is timed while loss
/// is being repaired was sent for the first time since the loss was found.
pub(super) fn karn(seen: &Examination, before: Option<&Connection>, bench: &mut Bench) {
    let point = before.filter(|before| before.last.recovering == seen.recovering).and_then(|b| b.recovery_point);
    let point = point.unwrap_or(seen.nxt);
    if seen.recovering == Recovering::No || seen.owes || !bench.judges(Oracle::Karn) {
        return;
    }
    if let Some(end) = seen.timed.filter(|end| *end <= point) {
        let expected = "nothing timed that may have been sent twice".to_owned();
        bench.fail(Oracle::Karn, None, expected, format!("{} bytes before SND.NXT", seen.nxt.bytes_since(end)));
    }
}

/// RFC 9293 section 3.8.6.2.2 has a receiver hold back what it could offer while that is less than a segment, and less
/// than half of the buffer. So where all has been read at least half of the buffer is offered; it is as large as the
/// widest window was, at least. Who holds back less than half, but a segment or more, passes: ours does, unless an
/// acknowledgment is due anyway.
pub(super) fn window_update(seen: &Examination, before: Option<&Connection>, bench: &mut Bench) {
    let receives = matches!(seen.state, State::Established | State::FinWait1 | State::FinWait2);
    if !receives || !bench.judges(Oracle::WindowUpdate) {
        return;
    }
    let widest = before.map_or(0, |before| before.widest);
    if (seen.rcv_wnd == 0 || seen.rcv_wnd < widest / 2) && seen.unread == 0 && !seen.ack_due {
        let expected =
            format!("an acknowledgment that opens a window of {} bytes, which has been {widest}", seen.rcv_wnd);
        bench.fail(Oracle::WindowUpdate, None, expected, "nothing to read and none".to_owned());
    }
}

/// Challenge ACKs are limited (RFC 5961 section 7).
pub(super) fn challenges(seen: &Examination, per_second: u32, bench: &mut Bench) {
    if bench.judges(Oracle::ChallengeLimit) && seen.challenges > per_second {
        let expected = format!("at most {per_second} challenge ACKs per second");
        bench.fail(Oracle::ChallengeLimit, None, expected, seen.challenges.to_string());
    }
}
