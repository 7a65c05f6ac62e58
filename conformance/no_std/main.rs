//! The proof that tickwire-core needs no operating system: a program without std that links it and
//! calls it, with a panic handler and an allocator of its own. Were std anywhere among the core's
//! dependencies, its panic handler and this one would be a duplicate lang item.
//!
//! It runs on the host (from the C library it has only the entry point) and exits with 0 if what the
//! core said was right.
#![no_std]
#![no_main]

#[cfg(feature = "spoiled")]
extern crate std;

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ffi::c_int;
use core::panic::PanicInfo;
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::{
    Capabilities, Config, ConnectOptions, Duration, Frame, Instant, InterfaceAddress, InterfaceConfig, Seed, Stack,
    TxBatch, Verdict,
};

#[link(name = "c")]
unsafe extern "C" {
    fn abort() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: abort has no preconditions.
    unsafe { abort() }
}

/// What the unwind tables of the precompiled `alloc` name. Nothing unwinds here, so nothing calls it.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// What its landing pads name, which nothing reaches for the same reason.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    // SAFETY: abort has no preconditions.
    unsafe { abort() }
}

const ARENA_BYTES: usize = 16 << 20;

/// Hands out an arena from front to back and takes nothing back.
struct Arena {
    bytes: UnsafeCell<[u8; ARENA_BYTES]>,
    used: AtomicUsize,
}

// SAFETY: each byte is handed out once, by an atomic update.
unsafe impl Sync for Arena {}

// SAFETY: what is returned is aligned, inside the arena, and no part of it was or will be returned again.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let base = self.bytes.get().cast::<u8>();
        let mut start = 0;
        let taken = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            start = (base as usize + used).next_multiple_of(layout.align()) - base as usize;
            start.checked_add(layout.size()).filter(|end| *end <= ARENA_BYTES)
        });
        // SAFETY: the update succeeds only if start + size lies within the arena.
        taken.map_or(ptr::null_mut(), |_| unsafe { base.add(start) })
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ARENA: Arena = Arena { bytes: UnsafeCell::new([0; ARENA_BYTES]), used: AtomicUsize::new(0) };

/// An ARP request of 192.0.2.1 for 192.0.2.2 (RFC 826).
const REQUEST: [u8; 42] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6, // Ethernet
    0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 192, 0, 2, 2,
];

/// Whether the core does its work here: a stack answers ARP, and opens a connection.
fn works() -> bool {
    let mut stack = Stack::new(Config::default(), Seed([7; 32]));
    let config = InterfaceConfig::new(
        EthernetAddress([2, 0, 0, 0, 0, 2]),
        Capabilities::plain(1500),
        [InterfaceAddress::v4([192, 0, 2, 2].into(), 24)],
    )
    .unverified();
    let now = Instant::ZERO + Duration::from_millis(200);
    let Ok(interface) = stack.add_interface(now, config) else { return false };
    let frame = Frame::from(Bytes::from_static(&REQUEST));
    let mut batch = TxBatch::new();
    stack.handle_frame(now, interface, frame) == Verdict::Accepted
        && stack.tcp_connect(now, ([192, 0, 2, 1], 7).into(), ConnectOptions::default()).is_ok()
        && stack.poll_transmit(now, interface, &mut batch) == 2
        && batch.frames().map(|frame| frame.head.get(12..14)).eq([Some(&[8, 6][..]), Some(&[8, 0][..])])
}

/// The C library's entry point.
#[unsafe(no_mangle)]
extern "C" fn main(_: c_int, _: *const *const u8) -> c_int {
    c_int::from(!works())
}
