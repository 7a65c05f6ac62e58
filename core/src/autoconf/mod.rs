//! Self-configuration: machines of pure data, one set per interface. Each has a deadline, is told of
//! time and messages, and hands back actions; the files of their names under `stack` perform these.

//!
//! - [`dhcpv6`]: addresses, prefixes and configuration from DHCPv6 servers (RFC 8415)

use alloc::boxed::Box;

use crate::digest::Digest;
use crate::stack::Cause;
use crate::time::Instant;
use dhcpv6::Dhcpv6Client;

pub mod dhcpv6;

/// The machines of one interface.
#[derive(Clone, Debug, Default)]
pub(crate) struct Autoconf {
    pub(crate) dhcpv6: Option<Box<Dhcpv6Client>>,
}

impl Autoconf {
    /// The earliest deadline of the machines, and which it is.
    pub(crate) fn deadline(&self) -> Option<(Instant, Cause)> {
        self.dhcpv6.as_deref().and_then(Dhcpv6Client::deadline).map(|at| (at, Cause::Dhcpv6))
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.option(self.dhcpv6.as_deref(), |digest, client| client.digest(digest));
    }
}
