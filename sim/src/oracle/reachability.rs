//! Neighbors from whom nothing is heard must be asked whether they are still there (RFC 4861 section 7.3, RFC 1122
//! section 2.3.2.1).
//!
//! ```text
//!   heard last            sent again          sent again
//!       |-- at most 45 s -----|---- 5 s ---|-------|
//!            reachable             delay    asked by now
//! ```
//!
//! A frame of a neighbor's need not have confirmed anything, and one that asks may have asked for another: so who is
//! judged has done nothing of what it may have done.

use std::collections::BTreeMap;

use tickwire_core::Instant;
use tickwire_core::time::Duration;
use tickwire_core::wire::ethernet::EthernetAddress;

use super::name::Oracle;
use super::verdict::{Bench, Mark};

/// Neighbors that are remembered; what comes on top is not judged.
const NEIGHBORS: usize = 256;
/// The longest `REACHABLE_TIME` (RFC 4861 section 6.3.2), and a tenth more for a clock that loses.
const REACHABLE_MAX: Duration = Duration::from_millis(49_500);
/// `DELAY_FIRST_PROBE_TIME` (RFC 4861 section 10), and a tenth and a second more.
const DELAY_MAX: Duration = Duration::from_millis(6_500);

/// What is known of a neighbor.
#[derive(Clone, Copy, Debug)]
struct Neighbor {
    heard: Instant,
    /// The first packet sent to it since it cannot be reachable any more.
    unsure: Option<Mark>,
}

/// The neighbors of a host, by their hardware addresses.
#[derive(Clone, Debug, Default)]
pub(super) struct Neighbors {
    known: BTreeMap<[u8; 6], Neighbor>,
    /// When the host last asked for one.
    asked: Option<Instant>,
}

impl Neighbors {
    /// A frame has come from one.
    #[inline]
    pub(super) fn heard(&mut self, from: EthernetAddress, at: Instant) {
        if let Some(neighbor) = self.known.get_mut(&from.0) {
            *neighbor = Neighbor { heard: at, unsure: None };
        }
    }

    /// The host asks for one.
    pub(super) fn asked(&mut self, at: Instant) {
        self.asked = Some(at);
    }

    /// The host was kept from working: what it should have asked meanwhile cannot be told.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    /// A packet leaves for one.
    #[inline]
    pub(super) fn judge(&mut self, to: EthernetAddress, mark: Mark, bench: &mut Bench) {
        if to.is_multicast() || (self.known.len() >= NEIGHBORS && !self.known.contains_key(&to.0)) {
            return;
        }
        let neighbor = self.known.entry(to.0).or_insert(Neighbor { heard: mark.at, unsure: None });
        if mark.at.since(neighbor.heard) < REACHABLE_MAX || !bench.judges(Oracle::Reachability) {
            return;
        }
        let first = *neighbor.unsure.get_or_insert(mark);
        let asked = self.asked.is_some_and(|asked| asked >= neighbor.heard);
        if !asked && mark.at.since(first.at) > DELAY_MAX {
            let expected = format!("{to}, last heard at {}, to be asked within {DELAY_MAX:?}", neighbor.heard);
            bench.fail(Oracle::Reachability, Some(first), expected, "nothing".to_owned());
            // Once is enough.
            *neighbor = Neighbor { heard: mark.at, unsure: None };
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::oracle::Switches;

    /// What happens at a second: a packet leaves, a frame comes, the host asks, the host is paused.
    enum Event {
        Sent(u64),
        Heard(u64),
        Asked(u64),
        Paused,
    }
    use Event::{Asked, Heard, Paused, Sent};

    /// A neighbor is reachable for 45 s at most, and asked 5 s after it was used then.
    #[rstest]
    #[case::never_asked(&[Sent(0), Sent(50), Sent(57)], true)]
    #[case::asked(&[Sent(0), Sent(50), Asked(55), Sent(57)], false)]
    #[case::asked_before_it_was_heard(&[Asked(0), Sent(0), Heard(1), Sent(51), Sent(58)], true)]
    #[case::heard(&[Sent(0), Heard(20), Sent(50), Sent(57)], false)]
    #[case::heard_in_time(&[Sent(0), Sent(50), Heard(55), Sent(57), Sent(110)], false)]
    #[case::still_reachable(&[Sent(0), Sent(42), Sent(49)], false)]
    #[case::not_used_before(&[Sent(0), Sent(57)], false)]
    #[case::kept_from_asking(&[Sent(0), Sent(50), Paused, Sent(57)], false)]
    fn who_is_silent_is_asked(#[case] events: &[Event], #[case] breaks: bool) {
        let (mut neighbors, mut bench) = (Neighbors::default(), Bench::new(Switches::ALL));
        let (to, at) = (EthernetAddress([2; 6]), |seconds: &u64| Instant::from_millis(seconds * 1_000));
        for event in events {
            match event {
                Sent(seconds) => neighbors.judge(to, Mark::new(0, at(seconds)), &mut bench),
                Heard(seconds) => neighbors.heard(to, at(seconds)),
                Asked(seconds) => neighbors.asked(at(seconds)),
                Paused => neighbors.forget(),
            }
        }
        assert_eq!(!bench.found.is_empty(), breaks);
    }
}
