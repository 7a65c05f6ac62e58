//! Stacks kept on the way through a recording, so that going back is a short way forward.

use tickwire_backends::recording::Position;
use tickwire_core::Stack;

/// The calls between two snapshots, at first.
const EVERY: u64 = 1024;
/// The most that are kept; then every other one goes, and they are taken half as often.
const KEPT_MAX: usize = 64;

/// A place to go back to.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    /// Calls made before it.
    pub(super) calls: u64,
    /// Where the records behind them begin.
    pub(super) position: Position,
    /// The stack then. It shares its payload with the others.
    pub(super) stack: Stack,
}

#[derive(Clone, Debug)]
pub(super) struct Snapshots {
    /// In the order of their calls; the first is of none.
    kept: Vec<Snapshot>,
    every: u64,
}

impl Default for Snapshots {
    fn default() -> Snapshots {
        Snapshots { kept: Vec::new(), every: EVERY }
    }
}

impl Snapshots {
    /// Whether one is to be taken before call number `calls`.
    pub(super) fn is_due(&self, calls: u64) -> bool {
        calls.is_multiple_of(self.every) && self.kept.last().is_none_or(|last| last.calls < calls)
    }

    pub(super) fn keep(&mut self, snapshot: Snapshot) {
        if self.kept.len() >= KEPT_MAX {
            self.every *= 2;
            self.kept.retain(|kept| kept.calls.is_multiple_of(self.every));
        }
        if self.is_due(snapshot.calls) {
            self.kept.push(snapshot);
        }
    }

    /// The last one from which one can go forward to `call`.
    pub(super) fn before(&self, call: u64) -> Option<&Snapshot> {
        self.kept.iter().rfind(|kept| kept.calls <= call)
    }
}

#[cfg(test)]
mod tests {
    use tickwire_core::{Config, Seed};

    use super::*;

    #[test]
    fn few_are_kept_however_many_calls_there_are() {
        let stack = Stack::new(Config::default(), Seed([1; 32]));
        let mut snapshots = Snapshots::default();
        for calls in (0..1_000_000).step_by(64) {
            if snapshots.is_due(calls) {
                let position = Position { at: calls, record: calls };
                snapshots.keep(Snapshot { calls, position, stack: stack.clone() });
            }
        }
        assert!((32..=64).contains(&snapshots.kept.len()), "{}", snapshots.kept.len());
        for call in [0, 1, 5000, 999_999] {
            let found = snapshots.before(call).expect("the first is kept").calls;
            assert!(found <= call && call - found < 2 * snapshots.every, "{call}: {found}");
        }
    }
}
