//! A connection as it was examined last, and what bounds it.

use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::tcp::{Examination, Recovering};

use super::cells::Heard;

/// What is remembered of a connection.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    /// As it was last.
    pub(super) last: Examination,
    /// The furthest right edge that the peer has ever offered; `None` before it has acknowledged our SYN.
    pub(super) furthest: Option<SeqNumber>,
    /// SND.NXT when loss recovery began: it ends when that is acknowledged.
    pub(super) recovery_point: Option<SeqNumber>,
    /// The widest window that it has offered.
    pub(super) widest: u32,
    /// The events that it has met last.
    pub(super) heard: Heard,
}

impl Connection {
    pub(super) fn new(seen: &Examination, heard: Heard) -> Connection {
        let mut connection = Connection { last: *seen, furthest: None, recovery_point: None, widest: 0, heard };
        connection.observe(seen, heard);
        connection
    }

    pub(super) fn observe(&mut self, seen: &Examination, heard: Heard) {
        self.heard = heard;
        self.furthest = furthest(seen, self.furthest);
        self.recovery_point = match seen.recovering {
            Recovering::No => None,
            kind if kind != self.last.recovering => Some(seen.nxt),
            _ => self.recovery_point.or(Some(seen.nxt)),
        };
        self.widest = self.widest.max(seen.rcv_wnd);
        self.last = *seen;
    }
}

/// The right edge of the window that the peer offers now; `None` before it has acknowledged our SYN.
pub(super) fn edge(seen: &Examination) -> Option<SeqNumber> {
    (seen.una != seen.iss).then(|| seen.una + seen.wnd)
}

/// The furthest right edge, with the present one.
pub(super) fn furthest(seen: &Examination, before: Option<SeqNumber>) -> Option<SeqNumber> {
    match (before, edge(seen)) {
        (Some(before), Some(edge)) => Some(before.max(edge)),
        (before, edge) => before.or(edge),
    }
}

/// What was sent and is not acknowledged.
pub(super) fn flight(seen: &Examination) -> u32 {
    seen.nxt.bytes_since(seen.una)
}
