//! Links: each stage against its law, and what holds for all of them together.

mod corrupt;
mod delay;
mod fq_codel;
mod heal;
mod loss;
mod mtu;
mod packets;
mod queue;
mod rate;
mod red;
mod whole;
mod worlds;
mod written;

use std::time::Duration;

use tickwire_sim::bytes::Bytes;
use tickwire_sim::draw::Draws;
use tickwire_sim::link::{Cause, Direction, End, Stage};
use tickwire_sim::{Instant, Seed};

/// A direction and its draws.
struct Bench {
    direction: Direction,
    draws: Draws,
}

impl Bench {
    fn new(stages: Vec<Stage>) -> Bench {
        Bench::seeded(1, stages)
    }

    fn seeded(seed: u8, stages: Vec<Stage>) -> Bench {
        Bench { direction: Direction::new(stages, 0, true), draws: Draws::seeded(&Seed([seed; 32])) }
    }

    fn push(&mut self, nanos: u64, name: u64, frame: impl Into<Bytes>) {
        self.direction.push(Instant::from_nanos(nanos), name, frame.into(), &mut self.draws);
    }

    /// The next arrival by `nanos`: when, and which frame.
    fn pop(&mut self, nanos: u64) -> Option<(u64, u64)> {
        let outgoing = self.direction.pop(Instant::from_nanos(nanos), &mut self.draws)?;
        Some((outgoing.fate.at.as_nanos(), outgoing.fate.frame))
    }

    /// All arrivals: those that were, and then from deadline to deadline; nothing happens in between.
    fn arrivals(&mut self) -> Vec<(u64, u64)> {
        let mut arrivals: Vec<(u64, u64)> = std::iter::from_fn(|| self.pop(0)).collect();
        while let Some(deadline) = self.direction.deadline() {
            let before = deadline.as_nanos().saturating_sub(1);
            let counters = self.direction.counters().clone();
            assert_eq!(self.pop(before), None, "before the deadline {deadline}");
            assert_eq!(*self.direction.counters(), counters, "before the deadline {deadline}");
            while let Some(arrival) = self.pop(deadline.as_nanos()) {
                assert_eq!(arrival.0, deadline.as_nanos());
                arrivals.push(arrival);
            }
            assert!(self.direction.deadline().is_none_or(|next| next > deadline));
        }
        arrivals
    }

    /// The frames dropped, and why.
    fn dropped(&mut self) -> Vec<(u64, Cause)> {
        std::iter::from_fn(|| self.direction.pop_dropped())
            .map(|fate| match fate.end {
                End::Dropped(cause) => (fate.frame, cause),
                End::Delivered { .. } => unreachable!("a frame that was delivered is told as dropped"),
            })
            .collect()
    }
}

/// A frame of so many bytes.
fn frame(len: usize) -> Bytes {
    vec![0; len].into()
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
