//! Digests of observable state: fixed-width little-endian values into a keyless hash (XXH3), so that the
//! result is the same on every machine, in debug and in release. Nobody who could choose what goes in sees what
//! comes out: it need be good and quick, not safe.

use core::fmt;
use core::hash::Hasher as _;
use core::net::{IpAddr, SocketAddr};
use slotmap::Key;
use twox_hash::xxhash3_64::Hasher;

use crate::time::Instant;

/// Octets that are gathered before they are hashed: most values are small, and each call of the hash costs as much as
/// some dozen octets.
const GATHERED: usize = 64;

/// Collects values; every width is written out, and a `usize` never is.
#[derive(Clone)]
pub(crate) struct Digest {
    hasher: Hasher,
    /// What comes next and is not hashed yet.
    gathered: [u8; GATHERED],
    filled: usize,
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({:016x})", self.finish())
    }
}

impl Digest {
    pub(crate) fn new() -> Digest {
        Digest { hasher: Hasher::new(), gathered: [0; GATHERED], filled: 0 }
    }

    #[inline]
    fn fixed<const N: usize>(&mut self, value: [u8; N]) {
        if self.filled + N > GATHERED {
            self.flush();
        }
        self.gathered[self.filled..self.filled + N].copy_from_slice(&value);
        self.filled += N;
    }

    /// Hashes what was gathered.
    fn flush(&mut self) {
        self.hasher.write(&self.gathered[..self.filled]);
        self.filled = 0;
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.fixed([value]);
    }

    pub(crate) fn bool(&mut self, value: bool) {
        self.u8(u8::from(value));
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.fixed(value.to_le_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.fixed(value.to_le_bytes());
    }

    #[inline]
    pub(crate) fn u64(&mut self, value: u64) {
        self.fixed(value.to_le_bytes());
    }

    /// A count or length: as 64 bits on every machine.
    #[inline]
    pub(crate) fn count(&mut self, value: usize) {
        self.u64(value as u64);
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) {
        if let Some(room) = self.gathered.get_mut(self.filled..self.filled + value.len()) {
            room.copy_from_slice(value);
            self.filled += value.len();
        } else {
            self.flush();
            self.hasher.write(value);
        }
    }

    pub(crate) fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Digest, T)) {
        self.bool(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    #[inline]
    pub(crate) fn instant(&mut self, value: Instant) {
        self.u64(value.as_nanos());
    }

    pub(crate) fn address(&mut self, value: IpAddr) {
        match value {
            IpAddr::V4(address) => {
                self.u8(4);
                self.bytes(&address.octets());
            }
            IpAddr::V6(address) => {
                self.u8(6);
                self.bytes(&address.octets());
            }
        }
    }

    pub(crate) fn socket_address(&mut self, value: SocketAddr) {
        self.address(value.ip());
        self.u16(value.port());
    }

    /// Bytes behind their number, so that neighbors in the digest cannot be taken for each other.
    pub(crate) fn counted(&mut self, value: &[u8]) {
        self.count(value.len());
        self.bytes(value);
    }

    /// A handle: its slot and generation.
    pub(crate) fn handle(&mut self, value: impl Key) {
        self.u64(value.data().as_ffi());
    }

    pub(crate) fn finish(&self) -> u64 {
        if self.filled == 0 {
            return self.hasher.finish();
        }
        let mut whole = self.clone();
        whole.flush();
        whole.hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// However values are gathered, what is hashed is one after the other.
    #[rstest]
    fn gathering_changes_nothing(
        #[values(0, 1, 7, 8, 9, 40)] small: usize,
        #[values(0, 1, 63, 64, 65, 300)] large: usize,
    ) {
        let text = [0xa5; 300];
        let (mut digest, mut octets) = (Digest::new(), alloc::vec::Vec::new());
        for n in 0..small {
            digest.u64(n as u64);
            octets.extend_from_slice(&(n as u64).to_le_bytes());
            digest.u8(n as u8);
            octets.push(n as u8);
        }
        digest.counted(&text[..large]);
        octets.extend_from_slice(&(large as u64).to_le_bytes());
        octets.extend_from_slice(&text[..large]);
        digest.u16(0x1234);
        octets.extend_from_slice(&[0x34, 0x12]);
        assert_eq!(digest.finish(), Hasher::oneshot(&octets));
        // It may be asked for and go on.
        digest.u32(7);
        octets.extend_from_slice(&[7, 0, 0, 0]);
        assert_eq!(digest.finish(), Hasher::oneshot(&octets));
    }
}
