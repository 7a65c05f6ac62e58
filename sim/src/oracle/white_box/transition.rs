//! Which state may follow which (RFC 9293 section 3.3.2, figure 5, and section 3.10).

use tickwire_core::tcp::{Examination, State};

use super::connection::Connection;
use crate::oracle::name::Oracle;
use crate::oracle::verdict::Bench;

/// What may follow a state in one step: one call, one segment or one timer. Every state may be followed by CLOSED: by
/// ABORT, a reset, a timeout. A segment may do two things at once: acknowledge our SYN or FIN and bring the
/// peer's FIN.
const fn successors(state: State) -> &'static [State] {
    use State::{CloseWait, Closed, Closing, Established, FinWait1, FinWait2, LastAck, SynReceived, SynSent, TimeWait};
    match state {
        SynSent => &[SynReceived, Established, CloseWait, Closed],
        // CLOSE in SYN-RECEIVED leads to FIN-WAIT-1; it may then be told of by the acknowledgment of the SYN.
        SynReceived => &[Established, FinWait1, FinWait2, CloseWait, Closed],
        Established => &[FinWait1, CloseWait, Closed],
        FinWait1 => &[FinWait2, Closing, TimeWait, Closed],
        FinWait2 | Closing => &[TimeWait, Closed],
        CloseWait => &[LastAck, Closed],
        LastAck | TimeWait => &[Closed],
        Closed => &[],
    }
}

pub(super) fn judge(seen: &Examination, before: Option<&Connection>, bench: &mut Bench) {
    if !bench.judges(Oracle::Transition) {
        return;
    }
    let now = seen.state;
    let legal = match before.map(|before| before.last.state) {
        Some(before) => before == now || successors(before).contains(&now),
        // A connection that has ended may be looked at once more.
        None => matches!(now, State::SynSent | State::SynReceived | State::Closed),
    };
    if !legal {
        let (expected, found) = match before.map(|before| before.last.state) {
            Some(before) => (format!("{before} or one of {:?}", successors(before)), format!("{before} -> {now}")),
            None => ("a connection begins in SYN-SENT or SYN-RECEIVED".to_owned(), now.to_string()),
        };
        bench.fail(Oracle::Transition, None, expected, found);
    }
}
