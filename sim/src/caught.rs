//! Panics of what is simulated: failures as any other.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use crate::scenario::Failed;

thread_local! {
    /// Whether panics of this thread are caught here, and not to be told on standard error.
    static CATCHES: Cell<bool> = const { Cell::new(false) };
    /// Where and why this thread has panicked last.
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs something. A panic is a failure.
pub(crate) fn catch<T>(run: impl FnOnce() -> T) -> Result<T, Failed> {
    keep_what_is_caught();
    let before = CATCHES.replace(true);
    let ran = panic::catch_unwind(AssertUnwindSafe(run));
    CATCHES.set(before);
    ran.map_err(|_| Failed::new("panic", PANIC.take()))
}

/// Has panics that are caught here kept, and all others told as ever.
fn keep_what_is_caught() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if CATCHES.get() {
                PANIC.set(info.to_string());
            } else {
                tell(info);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_says_where_and_why() {
        let nested = || catch(|| panic!("inner {}", 7)).map(|()| 0).unwrap_err();
        let Ok(inner) = catch(nested) else { panic!("it was caught before") };
        assert_eq!((inner.oracle.as_str(), inner.text.contains("caught.rs")), ("panic", true));
        assert!(inner.text.ends_with("inner 7"), "{}", inner.text);
        assert_eq!(catch(|| 7), Ok(7));
    }
}
