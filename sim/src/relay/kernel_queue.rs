//! What the kernel dropped since nobody came to read an interface in time.

use std::fs;

/// Interfaces of this thread's network namespace, with their counters (proc(5)).
const TABLE: &str = "/proc/thread-self/net/dev";

/// Of the counters behind an interface's name, the frames that it was given to send and dropped.
const TX_DROPPED: usize = 11;

/// The queue in front of a TAP's descriptor.
#[derive(Clone, Debug)]
pub(super) struct KernelQueue {
    interface: String,
    dropped_before: u64,
}

impl KernelQueue {
    pub(super) fn of(interface: &str) -> KernelQueue {
        let interface = interface.to_owned();
        let dropped_before = dropped(&interface).unwrap_or_default();
        KernelQueue { interface, dropped_before }
    }

    /// Frames dropped since; 0 if the device is none of the kernel's, or none of this namespace's any more.
    pub(super) fn dropped(&self) -> u64 {
        dropped(&self.interface).unwrap_or_default().saturating_sub(self.dropped_before)
    }
}

fn dropped(interface: &str) -> Option<u64> {
    find(&fs::read_to_string(TABLE).ok()?, interface)
}

fn find(table: &str, interface: &str) -> Option<u64> {
    let mut rows = table.lines().filter_map(|line| line.split_once(':'));
    let (_, counters) = rows.find(|(name, _)| name.trim() == interface)?;
    counters.split_whitespace().nth(TX_DROPPED)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_of_an_interface_is_found() {
        let table = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:       0       0    0    0    0     0          0         0        1       2    3    4    5     6       7          8
  tap7: 1516080    1064    0    0    0     0          0         0  1516080    1064    0  321    0     0       0          0
";
        assert_eq!(find(table, "tap7"), Some(321));
        assert_eq!(find(table, "lo"), Some(4));
        assert_eq!(find(table, "tap"), None);
    }
}
