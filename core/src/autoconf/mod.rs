//! Self-configuration: machines of pure data, one set per interface. Each has a deadline, is told of
//! time and messages, and hands back actions; the files of their names under `stack` perform these.

use crate::digest::Digest;
use crate::stack::Cause;
use crate::time::Instant;

/// The machines of one interface.
#[derive(Clone, Debug, Default)]
pub(crate) struct Autoconf {}

impl Autoconf {
    /// The earliest deadline of the machines, and which it is.
    #[allow(clippy::unused_self, reason = "the machines to come")]
    pub(crate) fn deadline(&self) -> Option<(Instant, Cause)> {
        None
    }

    #[allow(clippy::unused_self, reason = "the machines to come")]
    pub(crate) fn digest(&self, _digest: &mut Digest) {}
}
