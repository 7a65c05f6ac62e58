//! SND.UNA <= SND.NXT <= the furthest right edge that the peer has offered, and nothing new beyond the present one
//! (RFC 9293 sections 3.4 and 3.8.6). A probe of a closed window may go one octet further.
//! And the window that the stack takes for offered is one that was on the wire, scaled as it should be.

use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::tcp::{Examination, State};

use super::connection::{Connection, edge, furthest};
use crate::oracle::name::Oracle;
use crate::oracle::verdict::Bench;

pub(super) fn judge(seen: &Examination, before: Option<&Connection>, offered: Option<SeqNumber>, bench: &mut Bench) {
    if seen.state == State::Closed || !bench.judges(Oracle::SendSequence) {
        return;
    }
    let of = |seq: SeqNumber| seq.bytes_since(seen.iss);
    let mut fail = |expected: String, found: String| bench.fail(Oracle::SendSequence, None, expected, found);
    if seen.una > seen.nxt {
        fail(format!("SND.UNA at most SND.NXT {}", of(seen.nxt)), of(seen.una).to_string());
    }
    if let Some(last) = before.map(|before| &before.last) {
        let pairs = [("SND.UNA", last.una, seen.una), ("SND.NXT", last.nxt, seen.nxt)];
        for (name, earlier, now) in pairs {
            if now < earlier {
                fail(format!("{name} at least {}", of(earlier)), of(now).to_string());
            }
        }
        // In SYN-SENT there is no RCV.NXT yet.
        if last.state.is_synchronized() && seen.rcv_nxt < last.rcv_nxt {
            fail(format!("RCV.NXT at least {:?}", last.rcv_nxt), format!("{:?}", seen.rcv_nxt));
        }
        if let Some(edge) = edge(seen).filter(|edge| seen.nxt > last.nxt && seen.nxt > *edge + 1) {
            fail(format!("nothing new beyond the right edge {}", of(edge)), format!("SND.NXT {}", of(seen.nxt)));
        }
    }
    if let (Some(believed), Some(offered)) = (edge(seen), offered)
        && believed > offered
    {
        fail(format!("a window up to {}, the furthest on the wire", of(offered)), format!("up to {}", of(believed)));
    }
    let furthest = furthest(seen, before.and_then(|before| before.furthest));
    if let Some(furthest) = furthest.filter(|furthest| seen.nxt > *furthest + 1) {
        fail(format!("SND.NXT at most {} + 1, ever offered", of(furthest)), of(seen.nxt).to_string());
    }
}
