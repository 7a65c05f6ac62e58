//! White-box oracles: what a stack's connections look like from inside, after each call and each fact. They see
//! what no frame shows: states, timers, the congestion window.
//!
//! | module | what |
//! |---|---|
//! | `cells` | [`Cells`]: which state was met by which event |
//! | `connection` | a connection as it was examined last, and what bounds it |
//! | `transition` | the states of RFC 9293 section 3.3.2, and which may follow which |
//! | `sequence` | SND.UNA, SND.NXT and the window |
//! | `single` | rules of one sentence: Karn's, window updates, challenge ACKs |
//! | `timers` | which timer runs when |
//! | `congestion` | the laws of the congestion window |

mod cells;
mod congestion;
mod connection;
mod sequence;
mod single;
mod timers;
mod transition;

#[cfg(test)]
mod tests;

use slotmap::SecondaryMap;
use tickwire_core::socket::TcpHandle;
use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::tcp::{Examination, State};

pub use self::cells::{Cells, TcpEvent};

use self::connection::Connection;
use super::name::{Oracle, Switches};
use super::verdict::{Bench, FlowKey, Mark, Tally, Verdict};

/// Connections remembered; what comes on top is not judged.
const CONNECTIONS: usize = 1 << 20;

/// The white-box oracles of one stack. A clone is an exact branch.
#[derive(Clone, Debug)]
pub struct WhiteBox {
    connections: SecondaryMap<TcpHandle, Connection>,
    bench: Bench,
    cells: Cells,
    challenges_per_second: u32,
}

impl WhiteBox {
    /// Oracles that have seen nothing yet. A connection of the stack sends at most so many challenge ACKs per second.
    pub fn new(switches: Switches, challenges_per_second: u32) -> WhiteBox {
        WhiteBox {
            connections: SecondaryMap::new(),
            bench: Bench::new(switches),
            cells: Cells::default(),
            challenges_per_second,
        }
    }

    /// Switches an oracle on or off.
    pub fn switch(&mut self, oracle: Oracle, on: bool) {
        self.bench.switches.set(oracle, on);
    }

    /// Takes in what a connection looks like now. `mark` is the frame that its host saw last, `offered` the furthest
    /// right edge that the peer has offered on the wire, where that is known.
    pub fn observe(&mut self, seen: &Examination, mark: Mark, offered: Option<SeqNumber>) {
        let is_full = self.connections.len() >= CONNECTIONS;
        let mut connection = self.connections.get_mut(seen.handle);
        let before = connection.as_deref();
        if before.is_none() && is_full {
            self.bench.abstains(Oracle::Transition);
            return;
        }
        let heard = self.cells.observe(seen, before);
        transition::judge(seen, before, &mut self.bench);
        sequence::judge(seen, before, offered, &mut self.bench);
        timers::judge(seen, &mut self.bench);
        congestion::judge(seen, before, &mut self.bench);
        single::karn(seen, before, &mut self.bench);
        single::window_update(seen, before, &mut self.bench);
        single::challenges(seen, self.challenges_per_second, &mut self.bench);
        if !self.bench.found.is_empty() {
            self.bench.keep_about(mark, FlowKey::of(seen.local, seen.remote), &line(seen));
        }
        match &mut connection {
            _ if seen.state == State::Closed => {
                self.connections.remove(seen.handle);
            }
            Some(connection) => connection.observe(seen, heard),
            None => {
                self.connections.insert(seen.handle, Connection::new(seen, heard));
            }
        }
    }

    /// The host has crashed: there are no connections any more.
    pub fn restarted(&mut self) {
        self.connections.clear();
    }

    /// The rules that were broken, in order; the first [`VERDICTS`](super::VERDICTS) of them.
    pub fn verdicts(&self) -> &[Verdict] {
        &self.bench.verdicts
    }

    /// Which states connections were met in, by which events.
    pub fn cells(&self) -> &Cells {
        &self.cells
    }

    /// How often an oracle judged, abstained and found its rule broken.
    pub fn tally(&self, oracle: Oracle) -> Tally {
        self.bench.tallies[oracle as usize]
    }
}

/// A connection in a line: numbers count from the initial one.
fn line(seen: &Examination) -> String {
    let of = |seq: SeqNumber| seq.bytes_since(seen.iss);
    format!(
        "{} una {} nxt {} wnd {} unsent {} cwnd {} ssthresh {}",
        seen.state,
        of(seen.una),
        of(seen.nxt),
        seen.wnd,
        seen.unsent,
        seen.cwnd,
        seen.ssthresh
    )
}
