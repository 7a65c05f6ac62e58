//! What a stack keeps across restarts, so that a host is found again where it was: taken with
//! [`Stack::export_identity`](crate::Stack::export_identity), given back as `Config::identity`.
//!
//! It is apart from the seed: a host whose seed is new at every start still has the same addresses.

use alloc::vec::Vec;
use core::fmt;
use core::net::Ipv6Addr;

use crate::digest::Digest;

/// The most counters that are kept; the oldest goes for a new one.
const DAD_COUNTERS_MAX: usize = 64;

/// A host's identity. `Debug` does not print the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The key of stable interface identifiers (RFC 7217 section 5, `secret_key`).
    pub secret: [u8; 16],
    /// How often an identifier was found in use by another host; oldest first, none that is 0.
    pub dad_counters: Vec<DadCounter>,
}

/// How often duplicate address detection has failed for a prefix (RFC 7217 section 5, `DAD_Counter`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DadCounter {
    /// The interface's number.
    pub interface: u16,
    /// The prefix, of 64 bits.
    pub prefix: Ipv6Addr,
    /// The count.
    pub counter: u8,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("dad_counters", &self.dad_counters).finish_non_exhaustive()
    }
}

impl Identity {
    /// A host that has not been before.
    pub const fn new(secret: [u8; 16]) -> Identity {
        Identity { secret, dad_counters: Vec::new() }
    }

    pub(crate) fn dad_counter(&self, interface: u16, prefix: Ipv6Addr) -> u8 {
        let of = |entry: &&DadCounter| entry.interface == interface && entry.prefix == prefix;
        self.dad_counters.iter().find(of).map_or(0, |entry| entry.counter)
    }

    pub(crate) fn set_dad_counter(&mut self, interface: u16, prefix: Ipv6Addr, counter: u8) {
        self.dad_counters.retain(|entry| entry.interface != interface || entry.prefix != prefix);
        if self.dad_counters.len() >= DAD_COUNTERS_MAX {
            self.dad_counters.remove(0);
        }
        self.dad_counters.push(DadCounter { interface, prefix, counter });
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.bytes(&self.secret);
        digest.count(self.dad_counters.len());
        for entry in &self.dad_counters {
            digest.u16(entry.interface);
            digest.bytes(&entry.prefix.octets());
            digest.u8(entry.counter);
        }
    }
}
