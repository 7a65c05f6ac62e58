//! Self-configuration: machines of pure data, one set per interface. Each has a deadline, is told of
//! time and messages, and hands back actions; the files of their names under `stack` perform these.
//!
//! - [`dhcpv4`]: an IPv4 address from a server (RFC 2131)

use alloc::boxed::Box;

use dhcpv4::Dhcpv4Client;

use crate::digest::Digest;
use crate::stack::Cause;
use crate::time::Instant;

pub(crate) mod dhcpv4;

/// The machines of one interface.
#[derive(Clone, Debug, Default)]
pub(crate) struct Autoconf {
    pub(crate) dhcpv4: Option<Box<Dhcpv4Client>>,
}

impl Autoconf {
    /// The earliest deadline of the machines, and which it is.
    pub(crate) fn deadline(&self) -> Option<(Instant, Cause)> {
        self.dhcpv4.as_ref()?.deadline().map(|at| (at, Cause::Dhcpv4))
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.option(self.dhcpv4.as_ref(), |digest, client| client.digest(digest));
    }
}
