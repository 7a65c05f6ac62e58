//! Randomness, all of it from one 32-byte seed.
//!
//! Each purpose draws from a ChaCha8 stream of its own, keyed by SipHash of the seed and the
//! purpose's label. A new draw in one place therefore shifts no other.

use core::fmt;
use core::hash::Hasher;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng};
use siphasher::sip128::{Hasher128, SipHasher24};

use crate::digest::Digest;
use crate::keyed::HashKey;
use crate::time::Duration;

/// The 32 bytes from which everything random in a stack follows. Never printed by `Debug`.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Seed(pub [u8; 32]);

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

impl Seed {
    /// A 16-byte key for the purpose `label`.
    pub(crate) fn key(&self, label: &str) -> [u8; 16] {
        let (first, second) = self.0.split_at(16);
        let mut key = [0; 16];
        key.copy_from_slice(first);
        let mut hasher = SipHasher24::new_with_key(&key);
        hasher.write(second);
        hasher.write(label.as_bytes());
        hasher.finish128().as_bytes()
    }

    /// The key of a hash table for the purpose `label`.
    pub(crate) fn hash_key(&self, label: &str) -> HashKey {
        HashKey(self.key(label))
    }

    /// The random stream for the purpose `label`.
    pub(crate) fn stream(&self, label: &str) -> RandomStream {
        let mut key = [0; 32];
        key[..16].copy_from_slice(&self.key(label));
        // The second half is keyed by the first: one label, 256 bits.
        let mut hasher = SipHasher24::new_with_key(&self.key(label));
        hasher.write(&self.0);
        key[16..].copy_from_slice(&hasher.finish128().as_bytes());
        RandomStream(ChaCha8Rng::from_seed(key))
    }
}

/// The random stream of one purpose.
#[derive(Clone)]
pub(crate) struct RandomStream(ChaCha8Rng);

impl fmt::Debug for RandomStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RandomStream(..)")
    }
}

impl RandomStream {
    pub(crate) fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// How far the stream has been drawn from.
    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.u64(self.0.get_word_pos() as u64);
    }

    /// A time from zero to `most`, uniformly; nothing is drawn where there is no choice.
    pub(crate) fn duration(&mut self, most: Duration) -> Duration {
        if most.is_zero() {
            return most;
        }
        let nanos = most.as_nanos() * u128::from(self.next_u32()) / u128::from(u32::MAX);
        Duration::from_nanos(nanos as u64)
    }

    /// A value in `0..bound`; 0 if `bound` is 0. By multiplication: the bias is below 2^-32 x bound.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(self.next_u32()) * u64::from(bound)) >> 32) as u32
    }
}
