//! The receive pool does not allocate once it is warm: counted by the allocator itself.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::VecDeque;

use bytes::Bytes;
use tickwire_backends::pool::Pool;

struct Counting;

thread_local! {
    /// This thread's own: the test harness allocates in another one when it likes.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

#[allow(unsafe_code)]
// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's guarantees are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's guarantees are passed on.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Takes frames of `len` bytes, keeping `window` of them at a time as a receive queue would.
fn run(pool: &mut Pool, held: &mut VecDeque<Bytes>, window: usize, bytes: &[u8], count: usize) {
    for _ in 0..count {
        let frame = pool
            .fill(|buffer| {
                buffer.extend_from_slice(bytes);
                Ok(())
            })
            .expect("the closure succeeds");
        held.push_back(frame.slice(14..));
        if held.len() > window {
            held.pop_front();
        }
    }
}

#[test]
fn a_warm_pool_does_not_allocate() {
    for (frame_max, len) in [(1514, 1514), (1514, 60), (65_535, 60_000), (65_535, 60)] {
        let bytes = vec![0x5a; len];
        let mut pool = Pool::new(frame_max);
        let mut held = VecDeque::with_capacity(1024);
        run(&mut pool, &mut held, 700, &bytes, 5_000);
        let (before, pool_before) = (ALLOCATIONS.get(), pool.allocations());
        run(&mut pool, &mut held, 700, &bytes, 100_000);
        assert_eq!(ALLOCATIONS.get(), before, "frames of {len} in buffers for {frame_max}");
        assert_eq!(pool.allocations(), pool_before);
    }
}
