//! Forged frames at a rate, from a node that is on nobody's path.

use tickwire_core::Instant;
use tickwire_core::time::Duration;

use super::{ArpClaim, BlindSegment, Garble, NeighborClaim, Overlap, RouterClaim, SynFlood};
use crate::draw::Lots;
use crate::node::Outbox;

/// What is forged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Forgery {
    /// A segment of another's connection.
    Segment(BlindSegment),
    /// A SYN of nobody.
    Syn(SynFlood),
    /// ARP that claims an address.
    Arp(ArpClaim),
    /// A Neighbor Advertisement that claims an address.
    Neighbor(NeighborClaim),
    /// A Router Advertisement.
    Router(RouterClaim),
    /// A datagram in fragments that overlap.
    Overlap(Overlap),
    /// A packet with one thing wrong.
    Garble(Garble),
}

/// When something is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// When for the first time.
    pub begins: Instant,
    /// How long after that again, each time.
    pub interval: Duration,
    /// How many times in all.
    pub count: u32,
}

/// What a forger has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ForgerCounters {
    /// Frames sent.
    pub sent: u64,
    /// Frames that arrived, and told it nothing.
    pub received: u64,
}

/// Sends one forgery at a time, by its one port, and listens to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forger {
    forgery: Forgery,
    schedule: Schedule,
    /// How many times it has sent.
    done: u32,
    counters: ForgerCounters,
}

impl Forger {
    /// Of a forgery, and when to send it.
    pub fn new(forgery: Forgery, schedule: Schedule) -> Forger {
        Forger { forgery, schedule, done: 0, counters: ForgerCounters::default() }
    }

    /// What it has done so far.
    pub const fn counters(&self) -> &ForgerCounters {
        &self.counters
    }

    pub(crate) fn receive(&mut self) {
        self.counters.received += 1;
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        let Schedule { begins, interval, count } = self.schedule;
        (self.done < count).then(|| begins + interval.saturating_mul(self.done))
    }

    pub(crate) fn expire(&mut self, now: Instant, lots: &mut Lots<'_>, out: &mut Outbox) {
        if self.deadline().is_none_or(|at| at > now) {
            return;
        }
        let before = out.len();
        match &self.forgery {
            Forgery::Segment(segment) => segment.forge(self.done, lots, out),
            Forgery::Syn(flood) => flood.forge(lots, out),
            Forgery::Arp(claim) => claim.forge(out),
            Forgery::Neighbor(claim) => claim.forge(out),
            Forgery::Router(claim) => claim.forge(lots, out),
            Forgery::Overlap(overlap) => overlap.forge(lots, out),
            Forgery::Garble(garble) => garble.forge(lots, out),
        }
        self.done += 1;
        self.counters.sent += (out.len() - before) as u64;
    }
}

#[cfg(test)]
mod tests {
    use tickwire_core::Seed;
    use tickwire_core::wire::ethernet::EthernetAddress;

    use super::*;
    use crate::draw::{Dice, Draws, Entity};

    #[test]
    fn as_often_as_it_says_and_not_a_nanosecond_early() {
        let claim = ArpClaim { claimed: [192, 0, 2, 1].into(), hardware: EthernetAddress([2; 6]), told: None };
        let schedule = Schedule { begins: Instant::from_millis(5), interval: Duration::from_millis(10), count: 2 };
        let mut forger = Forger::new(Forgery::Arp(claim), schedule);
        let (mut draws, mut dice) = (Draws::seeded(&Seed([1; 32])), Dice::new(Entity::Node { node: 0 }));
        let mut sent_by = |nanos| {
            let mut out = Outbox::new();
            forger.expire(Instant::from_nanos(nanos), &mut Lots::new(&mut draws, &mut dice), &mut out);
            (out.len(), forger.deadline().map(Instant::as_millis))
        };
        assert_eq!(sent_by(4_999_999), (0, Some(5)));
        assert_eq!(sent_by(5_000_000), (1, Some(15)));
        assert_eq!(sent_by(14_999_999), (0, Some(15)));
        assert_eq!(sent_by(15_000_000), (1, None));
        assert_eq!(sent_by(99_000_000), (0, None));
        assert_eq!(forger.counters().sent, 2);
    }
}
