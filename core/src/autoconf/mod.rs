//! Self-configuration: machines of pure data, one set per interface. Each has a deadline, is told of
//! time and messages, and hands back what is to be done; the files of their names under `stack` do it.
//!
//! - [`acd`]: IPv4 address conflict detection (RFC 5227)
//! - [`dad`]: IPv6 duplicate address detection (RFC 4862, 4429, 7527)
//! - [`dhcpv4`]: an IPv4 address from a server (RFC 2131)

use alloc::boxed::Box;
use alloc::vec::Vec;

use core::net::IpAddr;

use dhcpv4::Dhcpv4Client;

use crate::digest::Digest;
use crate::stack::Cause;
use crate::time::Instant;

pub(crate) mod acd;
pub(crate) mod dad;
pub(crate) mod dhcpv4;

/// The machines of one interface.
#[derive(Clone, Debug, Default)]
pub(crate) struct Autoconf {
    /// At most one per address of the interface.
    pub(crate) claims: Vec<acd::Claim>,
    pub(crate) conflicts: acd::Conflicts,
    /// At most one per address of the interface.
    pub(crate) detections: Vec<dad::Detection>,
    pub(crate) dhcpv4: Option<Box<Dhcpv4Client>>,
}

impl Autoconf {
    /// The earliest deadline of the machines, and which it is.
    pub(crate) fn deadline(&self) -> Option<(Instant, Cause)> {
        let claim = self.claims.iter().filter_map(acd::Claim::deadline).min();
        let detection = self.detections.iter().map(dad::Detection::deadline).min();
        let dhcpv4 = self.dhcpv4.as_ref().and_then(|client| client.deadline());
        let parts = [
            claim.map(|at| (at, Cause::ConflictDetection)),
            detection.map(|at| (at, Cause::DuplicateDetection)),
            dhcpv4.map(|at| (at, Cause::Dhcpv4)),
        ];
        parts.into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// An address is not to be claimed or verified any more.
    pub(crate) fn forget(&mut self, address: IpAddr) {
        self.claims.retain(|claim| IpAddr::V4(claim.address) != address);
        self.detections.retain(|detection| IpAddr::V6(detection.address) != address);
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.count(self.claims.len());
        for claim in &self.claims {
            claim.digest(digest);
        }
        self.conflicts.digest(digest);
        digest.count(self.detections.len());
        for detection in &self.detections {
            detection.digest(digest);
        }
        digest.option(self.dhcpv4.as_ref(), |digest, client| client.digest(digest));
    }
}
