//! The one module with `unsafe` code: what the safe interfaces of the libraries leave out.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::BorrowedFd;

use bytes::BytesMut;

/// Reads once from `fd` into the spare capacity of `buffer` and extends it by what was read.
/// Returns the number of bytes; 0 is the end of the file.
pub(crate) fn read_spare(fd: BorrowedFd<'_>, buffer: &mut BytesMut) -> io::Result<usize> {
    let (read, _) = rustix::io::read(fd, buffer.spare_capacity_mut())?;
    let read_len = read.len();
    let len = buffer.len() + read_len;
    // SAFETY: rustix returned as initialized the first `read_len` bytes of the spare capacity, which
    // begins at `buffer.len()`; so the first `len` bytes are initialized and within the capacity.
    unsafe { buffer.set_len(len) };
    Ok(read_len)
}

/// Takes over the descriptor of an opened TAP.
#[cfg(target_os = "linux")]
pub(crate) fn into_fd(iface: tun_tap::Iface) -> std::os::fd::OwnedFd {
    use std::os::fd::{FromRawFd as _, IntoRawFd as _, OwnedFd};
    // SAFETY: `into_raw_fd` gives up the interface's ownership of an open descriptor; nothing else owns it.
    unsafe { OwnedFd::from_raw_fd(iface.into_raw_fd()) }
}

/// Moves the calling thread into new namespaces (unshare(2)); `FILES` is not asked for.
#[cfg(target_os = "linux")]
pub(crate) fn unshare_network(with_user: bool) -> io::Result<()> {
    use rustix::thread::{UnshareFlags, unshare_unsafe};
    let flags = if with_user { UnshareFlags::NEWUSER | UnshareFlags::NEWNET } else { UnshareFlags::NEWNET };
    // SAFETY: what is unsafe is to unshare the table of descriptors (`FILES`); neither flag does.
    unsafe { unshare_unsafe(flags) }?;
    Ok(())
}
