//! Telling a link of a new hardware address: neighbors would otherwise send to the old one until they notice
//! that nobody answers there (RFC 826, RFC 5227 section 2.3, RFC 4861 section 7.2.6).

use crate::digest::Digest;
use crate::time::{Duration, Instant};

/// Unsolicited advertisements of an IPv6 address (RFC 4861 section 10, `MAX_NEIGHBOR_ADVERTISEMENT`).
const ROUNDS: u8 = 3;

/// What a round tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Round {
    /// Whether of IPv4 addresses too: in the first and the last (RFC 5227 section 1.1, `ANNOUNCE_NUM`).
    pub(crate) with_arp: bool,
}

/// Announcements under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Announcement {
    sent: u8,
    due: Instant,
}

impl Announcement {
    pub(crate) const fn new(now: Instant) -> Announcement {
        Announcement { sent: 0, due: now }
    }

    pub(crate) const fn deadline(&self) -> Instant {
        self.due
    }

    /// Whether all has been told.
    pub(crate) const fn is_over(&self) -> bool {
        self.sent >= ROUNDS
    }

    /// The next round, if it is due. `interval` goes by before the one after it: `RetransTimer`, but a second
    /// at least, so that two rounds keep ARP's `ANNOUNCE_INTERVAL` of two.
    pub(crate) fn on_timeout(&mut self, now: Instant, interval: Duration) -> Option<Round> {
        if self.due > now || self.is_over() {
            return None;
        }
        let with_arp = self.sent.is_multiple_of(2);
        self.sent += 1;
        self.due = now + interval;
        Some(Round { with_arp })
    }

    /// Nothing can be told now: the round waits for `interval`.
    pub(crate) fn postpone(&mut self, now: Instant, interval: Duration) {
        if self.due <= now {
            self.due = now + interval;
        }
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.u8(self.sent);
        digest.instant(self.due);
    }
}
