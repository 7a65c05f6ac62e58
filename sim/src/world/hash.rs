//! The hash of a run: everything that happens goes into it, in order, as little-endian numbers of fixed width.
//! Two runs whose hashes are equal were the same.

use std::fmt;

use tickwire_core::Instant;
use twox_hash::xxhash3_128;

/// Of what kind an entry is: its first octet.
#[derive(Clone, Copy)]
pub(super) enum Entry {
    Inbound = 1,
    Outbound = 2,
    Dropped = 3,
    Turn = 4,
    Fault = 5,
    Digest = 6,
    Lost = 7,
}

/// Octets that are gathered before they are hashed, and what is long enough to be hashed where it is.
const GATHERED: usize = 1_024;
const LONG: usize = 256;

/// A rolling hash of 128 bits.
#[derive(Clone)]
pub(super) struct RunHash {
    hasher: Box<xxhash3_128::Hasher>,
    /// What comes next and is not hashed yet: each call of the hash costs as much as some dozen octets.
    gathered: Vec<u8>,
}

impl RunHash {
    pub(super) fn new() -> RunHash {
        RunHash { hasher: Box::new(xxhash3_128::Hasher::new()), gathered: Vec::with_capacity(GATHERED) }
    }

    /// Takes in an entry that happened at a node: which fields there are follows from its kind.
    pub(super) fn entry(&mut self, entry: Entry, at: Instant, node: usize, fields: [u64; 2]) {
        let mut line = [0; 33];
        line[0] = entry as u8;
        let numbers = [at.as_nanos(), node as u64, fields[0], fields[1]];
        for (place, number) in line[1..].chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        self.bytes(&line);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        if self.gathered.len() + bytes.len() > GATHERED || bytes.len() >= LONG {
            self.hasher.write(&self.gathered);
            self.gathered.clear();
        }
        if bytes.len() >= LONG {
            self.hasher.write(bytes);
        } else {
            self.gathered.extend_from_slice(bytes);
        }
    }

    pub(super) fn value(&self) -> u128 {
        let mut hasher = self.hasher.clone();
        hasher.write(&self.gathered);
        hasher.finish_128()
    }
}

impl fmt::Debug for RunHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.value())
    }
}
