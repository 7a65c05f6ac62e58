//! Big-endian fields in headers. The one place that names byteorder.
//!
//! A header is a `[u8; N]`, split once from the packet; a field's offset is a constant, and that it
//! lies inside the header is checked when the program is compiled.

use byteorder::{ByteOrder, NetworkEndian};

/// Reading and writing fields at offsets that the compiler checks.
pub(crate) trait Fields {
    /// The 16-bit field at `AT`.
    fn u16_at<const AT: usize>(&self) -> u16;
    /// The 32-bit field at `AT`.
    fn u32_at<const AT: usize>(&self) -> u32;
    /// The `LEN` bytes at `AT`.
    fn array_at<const AT: usize, const LEN: usize>(&self) -> [u8; LEN];
    /// Writes the 16-bit field at `AT`.
    fn put_u16<const AT: usize>(&mut self, value: u16);
    /// Writes the 32-bit field at `AT`.
    fn put_u32<const AT: usize>(&mut self, value: u32);
    /// Writes the `LEN` bytes at `AT`.
    fn put_array<const AT: usize, const LEN: usize>(&mut self, value: [u8; LEN]);
}

impl<const N: usize> Fields for [u8; N] {
    #[inline]
    fn u16_at<const AT: usize>(&self) -> u16 {
        const { assert!(AT + 2 <= N) };
        NetworkEndian::read_u16(&self[AT..])
    }

    #[inline]
    fn u32_at<const AT: usize>(&self) -> u32 {
        const { assert!(AT + 4 <= N) };
        NetworkEndian::read_u32(&self[AT..])
    }

    #[inline]
    fn array_at<const AT: usize, const LEN: usize>(&self) -> [u8; LEN] {
        const { assert!(AT + LEN <= N) };
        let mut value = [0; LEN];
        value.copy_from_slice(&self[AT..AT + LEN]);
        value
    }

    #[inline]
    fn put_u16<const AT: usize>(&mut self, value: u16) {
        const { assert!(AT + 2 <= N) };
        NetworkEndian::write_u16(&mut self[AT..], value);
    }

    #[inline]
    fn put_u32<const AT: usize>(&mut self, value: u32) {
        const { assert!(AT + 4 <= N) };
        NetworkEndian::write_u32(&mut self[AT..], value);
    }

    #[inline]
    fn put_array<const AT: usize, const LEN: usize>(&mut self, value: [u8; LEN]) {
        const { assert!(AT + LEN <= N) };
        self[AT..AT + LEN].copy_from_slice(&value);
    }
}

/// Writes the 16-bit field at `at`; nothing is written if it does not lie inside `bytes`.
#[inline]
pub(crate) fn put_u16_into(bytes: &mut [u8], at: usize, value: u16) {
    if let Some(field) = bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<2>()) {
        NetworkEndian::write_u16(field, value);
    }
}
