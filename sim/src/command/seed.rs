//! Seeds as they are typed.

use crate::Seed;

/// The seed of a number: its eight bytes, the least significant first, and zeros.
pub(super) fn seed(number: u64) -> Seed {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    Seed(seed)
}
