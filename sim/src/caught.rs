//! Panics of what is simulated: failures as any other.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::scenario::Failed;

thread_local! {
    /// Where and why this thread has panicked last.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// As long as it lives, panics are kept for whoever catches them, instead of being told on standard error.
#[derive(Debug)]
#[must_use]
pub(crate) struct Quiet(());

impl Quiet {
    /// From now on.
    pub(crate) fn new() -> Quiet {
        std::panic::set_hook(Box::new(|info| {
            let text = info.to_string();
            PANIC.with(|panic| *panic.borrow_mut() = Some(text));
        }));
        Quiet(())
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // While a panic is under way the hook stays as it is.
        if !std::thread::panicking() {
            let _ = std::panic::take_hook();
        }
    }
}

/// Runs something. A panic is a failure.
pub(crate) fn catch<T>(run: impl FnOnce() -> T) -> Result<T, Failed> {
    let panicked = |_| Failed::new("panic", PANIC.with(|panic| panic.borrow_mut().take()).unwrap_or_default());
    catch_unwind(AssertUnwindSafe(run)).map_err(panicked)
}
