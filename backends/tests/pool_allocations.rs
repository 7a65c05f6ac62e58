//! The receive pool does not allocate once it is warm: counted by the allocator itself.

#[path = "../../core/tests/counting/mod.rs"]
mod counting;

use std::collections::VecDeque;

use bytes::Bytes;
use counting::allocations;
use tickwire_backends::pool::Pool;

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
        let (before, pool_before) = (allocations(), pool.allocations());
        run(&mut pool, &mut held, 700, &bytes, 100_000);
        assert_eq!(allocations(), before, "frames of {len} in buffers for {frame_max}");
        assert_eq!(pool.allocations(), pool_before);
    }
}
