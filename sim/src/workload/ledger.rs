//! What became of a workload at one end: what was opened, completed and lost, and which rules were broken.

use std::net::SocketAddr;

use tickwire_core::Instant;
use tickwire_core::error::SocketError;

use crate::oracle::{Oracle, Switches, Tally};

/// Losses and findings that are kept in full; what comes on top is only counted.
pub const KEPT: usize = 256;

/// A connection that ended before everything was sent and received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// This end.
    pub local: Option<SocketAddr>,
    /// The other end.
    pub remote: Option<SocketAddr>,
    /// What the application was told.
    pub error: SocketError,
    /// When.
    pub at: Instant,
    /// When the connection was begun here.
    pub opened: Instant,
    /// When a byte was last sent or received by the application.
    pub moved: Instant,
}

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whose rule.
    pub oracle: Oracle,
    /// When it was noticed.
    pub at: Instant,
    /// What was found.
    pub what: String,
}

/// What one end of a workload has to tell.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// Connections that were begun or accepted.
    pub opened: u64,
    /// Connections on which everything was sent and received here.
    pub completed: u64,
    /// Connections that ended before.
    pub lost: u64,
    /// Connections that ended because this host crashed.
    pub crashed: u64,
    /// The first [`KEPT`] of those lost.
    pub losses: Vec<Loss>,
    /// Bytes, or datagrams, that were sent.
    pub sent: u64,
    /// Bytes, or datagrams, that were received and verified.
    pub received: u64,
    /// When the first connection was begun or accepted here, by the world's clock.
    pub began: Option<Instant>,
    /// When a byte of a connection was last received, by the world's clock.
    pub last: Option<Instant>,
    /// The first [`KEPT`] broken rules.
    pub findings: Vec<Finding>,
    tallies: [Tally; Oracle::ALL.len()],
    /// Which oracles judge.
    pub(crate) switches: Switches,
    /// The time of the call that is being served.
    pub(super) now: Instant,
}

impl Default for Ledger {
    fn default() -> Ledger {
        Ledger {
            opened: 0,
            completed: 0,
            lost: 0,
            crashed: 0,
            losses: Vec::new(),
            sent: 0,
            received: 0,
            began: None,
            last: None,
            findings: Vec::new(),
            tallies: [Tally::default(); Oracle::ALL.len()],
            switches: Switches::ALL,
            now: Instant::ZERO,
        }
    }
}

impl Ledger {
    /// Connections that were begun and have neither been completed nor lost, by a crash or otherwise.
    pub fn live(&self) -> u64 {
        self.opened - self.completed - self.lost - self.crashed
    }

    /// How often an oracle judged here, and how often it found its rule broken.
    pub fn tally(&self, oracle: Oracle) -> Tally {
        self.tallies[oracle as usize]
    }

    pub(super) fn judge(&mut self, oracle: Oracle) {
        self.tallies[oracle as usize].judged += u64::from(self.switches.contains(oracle));
    }

    #[cold]
    pub(super) fn fail(&mut self, oracle: Oracle, what: String) {
        if !self.switches.contains(oracle) {
            return;
        }
        self.tallies[oracle as usize].failed += 1;
        if self.findings.len() < KEPT {
            self.findings.push(Finding { oracle, at: self.now, what });
        }
    }

    pub(super) fn lose(&mut self, loss: Loss) {
        self.lost += 1;
        if self.losses.len() < KEPT {
            self.losses.push(loss);
        }
    }
}
