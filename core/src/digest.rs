//! Digests of observable state: fixed-width little-endian values into a keyless hash (XXH3), so that the
//! result is the same on every machine, in debug and in release. Nobody who could choose what goes in sees what
//! comes out: it need be good and quick, not safe.

use core::fmt;
use core::hash::Hasher as _;
use core::net::{IpAddr, SocketAddr};
use slotmap::Key;
use twox_hash::xxhash3_64::Hasher;

use crate::time::Instant;

/// Collects values; every width is written out, and a `usize` never is.
#[derive(Clone)]
pub(crate) struct Digest(Hasher);

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({:016x})", self.finish())
    }
}

impl Digest {
    pub(crate) fn new() -> Digest {
        Digest(Hasher::new())
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.0.write(&[value]);
    }

    pub(crate) fn bool(&mut self, value: bool) {
        self.u8(u8::from(value));
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.0.write(&value.to_le_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.0.write(&value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.0.write(&value.to_le_bytes());
    }

    /// A count or length: as 64 bits on every machine.
    pub(crate) fn count(&mut self, value: usize) {
        self.u64(value as u64);
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) {
        self.0.write(value);
    }

    pub(crate) fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Digest, T)) {
        self.bool(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

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
        self.0.finish()
    }
}
