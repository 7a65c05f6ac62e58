//! The trace digest: every input and every emitted head, folded in as it passes.

use alloc::boxed::Box;
use core::net::SocketAddr;

use slotmap::Key;

use crate::digest::Digest;
use crate::time::Instant;

/// Octets of a frame that left: room for the headers of every layer with their options, but for long chains of
/// extension headers.
const HEAD: usize = 128;

/// A running digest; nothing is done while it is off.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace(Option<Box<Digest>>);

impl Trace {
    pub(crate) fn new(on: bool) -> Trace {
        Trace(on.then(|| Box::new(Digest::new())))
    }

    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The digest so far; `None` if it is off.
    pub(crate) fn finish(&self) -> Option<u64> {
        self.0.as_ref().map(|digest| digest.finish())
    }

    /// Something named `what` happened at `now`; `details` adds what it was about.
    fn fold(&mut self, now: Instant, what: &str, details: impl FnOnce(&mut Digest)) {
        if let Some(digest) = &mut self.0 {
            digest.counted(what.as_bytes());
            digest.instant(now);
            details(digest);
        }
    }

    /// A frame arrived at interface number `interface`.
    pub(crate) fn received(&mut self, now: Instant, interface: u16, frame: &[u8]) {
        self.fold(now, "received", |digest| {
            digest.u16(interface);
            digest.counted(frame);
        });
    }

    /// A frame left by interface number `interface`, of `len` bytes with this head. What follows in it came in by a
    /// call, or by a frame, and is in the digest; the transport checksum, which covers it, is in the first octets.
    pub(crate) fn sent(&mut self, now: Instant, what: &str, interface: u16, head: &[u8], len: usize) {
        self.fold(now, what, |digest| {
            digest.u16(interface);
            digest.count(len);
            digest.counted(&head[..head.len().min(HEAD)]);
        });
    }

    /// A call on a socket, with what was handed over.
    pub(crate) fn call(&mut self, now: Instant, what: &str, handle: impl Key, data: &[u8]) {
        self.fold(now, what, |digest| {
            digest.handle(handle);
            digest.counted(data);
        });
    }

    /// Data that the stack took over in the call traced last.
    pub(crate) fn data(&mut self, data: &[u8]) {
        if let Some(digest) = &mut self.0 {
            digest.counted(data);
        }
    }

    /// A command about an address.
    pub(crate) fn command(&mut self, now: Instant, what: &str, address: SocketAddr) {
        self.fold(now, what, |digest| digest.socket_address(address));
    }

    /// A command about an interface.
    pub(crate) fn interface_command(&mut self, now: Instant, what: &str, interface: u16) {
        self.fold(now, what, |digest| digest.u16(interface));
    }

    /// The time was told.
    pub(crate) fn timeout(&mut self, now: Instant) {
        self.fold(now, "timeout", |_| {});
    }
}
