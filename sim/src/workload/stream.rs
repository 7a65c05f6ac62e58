//! Bytes of a stream that follow from a key and their place, so that whoever knows the key can verify
//! them without having a copy.

/// A stream: a key, and from it the byte at each place.
///
/// ```
/// use tickwire_sim::workload::Stream;
///
/// let stream = Stream::new(7, 1);
/// let mut bytes = [0; 100];
/// stream.fill(1_000, &mut bytes);
/// assert_eq!(stream.verify(1_000, &bytes), Ok(()));
/// bytes[42] ^= 1;
/// assert_eq!(stream.verify(1_000, &bytes).unwrap_err().at, 1_042);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    key: u64,
}

/// The first byte that was not what it should have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Its place in the stream, from 0.
    pub at: u64,
    /// What it should have been.
    pub expected: u8,
    /// What it was.
    pub found: u8,
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "byte {} is 0x{:02x}, expected 0x{:02x}", self.at, self.found, self.expected)
    }
}

/// Bytes that are made at once.
const BLOCK: u64 = 8;
/// From block to block. Odd, so that it comes back to none; of 2^64 the golden section, so that it comes near none.
const STRIDE: u64 = 0x9e37_79b9_7f4a_7c15;

impl Stream {
    /// The stream of a number, among those of a key.
    pub const fn new(key: u64, number: u64) -> Stream {
        Stream { key: mix(key ^ mix(number.wrapping_add(1))) }
    }

    /// The eight bytes from place `8 * n` on: a Weyl sequence, in which no block comes twice, and which costs an
    /// addition for each.
    const fn block(self, n: u64) -> u64 {
        n.wrapping_mul(STRIDE).wrapping_add(self.key)
    }

    /// The byte at a place.
    pub const fn byte(self, at: u64) -> u8 {
        self.block(at / BLOCK).to_le_bytes()[(at % BLOCK) as usize]
    }

    /// Writes the bytes from place `from` on.
    pub fn fill(self, from: u64, out: &mut [u8]) {
        let (head, rest) = out.split_at_mut(unaligned(from, out.len()));
        let bytes = (from..).zip(&mut *head);
        bytes.for_each(|(at, byte)| *byte = self.byte(at));
        let first = (from + head.len() as u64) / BLOCK;
        let (blocks, tail) = rest.as_chunks_mut::<8>();
        let past = first + blocks.len() as u64;
        let mut next = self.block(first);
        for block in blocks {
            *block = next.to_le_bytes();
            next = next.wrapping_add(STRIDE);
        }
        for (at, byte) in (past * BLOCK..).zip(tail) {
            *byte = self.byte(at);
        }
    }

    /// Whether these are the bytes from place `from` on.
    ///
    /// # Errors
    ///
    /// The first byte that differs.
    pub fn verify(self, from: u64, bytes: &[u8]) -> Result<(), Mismatch> {
        let (head, rest) = bytes.split_at(unaligned(from, bytes.len()));
        let first = (from + head.len() as u64) / BLOCK;
        let (blocks, tail) = rest.as_chunks::<8>();
        let past = first + blocks.len() as u64;
        // Differences are gathered, not branched on: the common case is that there are none.
        let mut different = 0;
        for (at, byte) in (from..).zip(head).chain((past * BLOCK..).zip(tail)) {
            different |= u64::from(self.byte(at) ^ byte);
        }
        let mut next = self.block(first);
        for block in blocks {
            different |= u64::from_le_bytes(*block) ^ next;
            next = next.wrapping_add(STRIDE);
        }
        if different == 0 { Ok(()) } else { Err(self.mismatch(from, bytes)) }
    }

    #[cold]
    fn mismatch(self, from: u64, bytes: &[u8]) -> Mismatch {
        let differing = (from..).zip(bytes).find(|(at, found)| self.byte(*at) != **found);
        let (at, found) = differing.map_or((from, 0), |(at, found)| (at, *found));
        Mismatch { at, expected: self.byte(at), found }
    }
}

/// Bytes before the first whole block, of `len` from place `from` on.
fn unaligned(from: u64, len: usize) -> usize {
    ((BLOCK - from % BLOCK) % BLOCK).min(len as u64) as usize
}

/// A bijection that spreads each bit over all others (the finalizer of `SplitMix64`).
const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(STRIDE);
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// In whatever pieces it is made and verified, a stream has one byte at each place.
    #[rstest]
    fn pieces_make_the_whole(
        #[values(0, 1, 7, 8, 1_000_003)] from: u64,
        #[values(0, 1, 5, 8, 9, 64, 1_448)] len: usize,
    ) {
        let stream = Stream::new(1, 2);
        let mut bytes = vec![0; len];
        stream.fill(from, &mut bytes);
        let one_by_one: Vec<u8> = (from..).take(len).map(|at| stream.byte(at)).collect();
        assert_eq!(bytes, one_by_one);
        assert_eq!(stream.verify(from, &bytes), Ok(()));
        for at in 0..len {
            bytes[at] ^= 0x10;
            let found = Mismatch { at: from + at as u64, expected: bytes[at] ^ 0x10, found: bytes[at] };
            assert_eq!(stream.verify(from, &bytes), Err(found));
            bytes[at] ^= 0x10;
        }
    }

    #[test]
    fn other_keys_numbers_and_places_are_other_bytes() {
        let mut bytes = [0; 64];
        Stream::new(1, 2).fill(4_096, &mut bytes);
        for (stream, from) in [(Stream::new(1, 3), 4_096), (Stream::new(2, 2), 4_096), (Stream::new(1, 2), 4_104)] {
            assert!(stream.verify(from, &bytes).is_err());
        }
    }
}
