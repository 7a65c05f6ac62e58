//! Time on the way.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use tickwire_core::Instant;
use tickwire_core::time::Duration;

use super::direction::{Passing, Scope};
use super::fate::{Act, Cause};
use super::kind::StageKind;
use super::{quantile, text};
use crate::draw::Purpose;

/// A delay, drawn anew for each frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Delay {
    /// How long.
    pub law: Law,
    /// How often, in a million, a frame's delay is that of the frame before it instead of a new one.
    /// The law stays exactly what it is, and the correlation of frames k apart is this, to the kth
    /// power.
    #[serde(with = "text::ppm", rename = "correlation", default)]
    pub correlation_ppm: u32,
    /// What becomes of a frame whose delay would end before that of an earlier one.
    #[serde(default)]
    pub order: Order,
    /// Frames on their way at once, at most; what comes on top is dropped.
    #[serde(default = "in_flight_max")]
    pub in_flight_max: u32,
}

const fn in_flight_max() -> u32 {
    1 << 20
}

impl Delay {
    /// A delay that is always the same.
    pub fn constant(delay: Duration) -> Delay {
        Delay::new(Law::Constant(delay))
    }

    /// A delay without correlation that keeps frames in order, with room for 2^20 frames.
    pub fn new(law: Law) -> Delay {
        Delay { law, correlation_ppm: 0, order: Order::Keep, in_flight_max: in_flight_max() }
    }

    /// The same, and frames overtake each other.
    #[must_use]
    pub fn reordering(mut self) -> Delay {
        self.order = Order::Overtake;
        self
    }
}

/// The law of a delay. Each has a calm value, which is what it is when a tape says nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Law {
    /// Always the same.
    #[serde(with = "text::duration")]
    Constant(Duration),
    /// Each whole nanosecond from one to the other, both included, as likely as any other. Calm: `min`.
    Uniform {
        /// The least.
        #[serde(with = "text::duration")]
        min: Duration,
        /// The most; not less than `min`, else taken as `min`.
        #[serde(with = "text::duration")]
        max: Duration,
    },
    /// The normal law, without what lies beyond 4 standard deviations or below zero (which is zero).
    /// Calm: `mean`.
    Normal {
        /// The mean.
        #[serde(with = "text::duration")]
        mean: Duration,
        /// The standard deviation.
        #[serde(with = "text::duration")]
        deviation: Duration,
    },
    /// `min`, and on top of it `scale` times the excess over 1 of a Pareto law of shape 3, as queues on
    /// long paths make it: half of `scale` on average, more than 3 times `scale` for one frame in 64,
    /// never more than 31 times. Calm: `min`.
    Pareto {
        /// The least.
        #[serde(with = "text::duration")]
        min: Duration,
        /// The scale of what is on top.
        #[serde(with = "text::duration")]
        scale: Duration,
    },
}

impl Law {
    /// The delay that is not due to chance.
    pub const fn calm(&self) -> Duration {
        match self {
            Law::Constant(delay) | Law::Uniform { min: delay, .. } => *delay,
            Law::Normal { mean, .. } => *mean,
            Law::Pareto { min, .. } => *min,
        }
    }

    /// Nanoseconds more than the calm delay, by 64 random bits.
    fn jitter(&self, bits: u64) -> i64 {
        let scaled = |unit: Duration, by: u64| ((unit.as_nanos() * u128::from(by)) >> 16) as i64;
        match *self {
            Law::Constant(_) => 0,
            Law::Uniform { min, max } => {
                let span = max.saturating_sub(min).as_nanos() + 1;
                ((u128::from(bits) * span) >> 64) as i64
            }
            Law::Normal { deviation, .. } => {
                let by = quantile::normal(bits);
                scaled(deviation, by.unsigned_abs()) * by.signum()
            }
            Law::Pareto { scale, .. } => scaled(scale, quantile::pareto_excess(bits)),
        }
    }
}

/// Whether frames stay in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// First in, first out: a frame arrives no earlier than the one before it.
    #[default]
    Keep,
    /// Each frame arrives when its own delay ends, before earlier ones if that is shorter. Those that
    /// end at one instant keep their order.
    Overtake,
}

/// A delay at work.
#[derive(Clone, Debug)]
pub(super) struct Delaying {
    delay: Delay,
    /// By when each arrives.
    in_flight: VecDeque<(Instant, Passing)>,
    /// The jitter of the latest frame.
    latest: i64,
}

/// A signed number as one whose 0 is 0 and whose small values are small.
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

impl Delaying {
    pub(super) fn new(delay: Delay) -> Delaying {
        Delaying { delay, in_flight: VecDeque::new(), latest: 0 }
    }

    pub(super) fn offer(&mut self, mut passing: Passing, scope: &mut Scope<'_>) {
        if self.in_flight.len() >= self.delay.in_flight_max as usize {
            scope.drop(passing, Cause::InFlightFull);
            return;
        }
        let jitter = self.draw(scope);
        if jitter != 0 {
            passing.acts.push(Act::Jitter { nanos: jitter });
        }
        let calm = self.delay.law.calm();
        let size = Duration::from_nanos(jitter.unsigned_abs());
        let delay = if jitter < 0 { calm.saturating_sub(size) } else { calm.saturating_add(size) };
        let mut at = scope.now + delay;
        let place = match self.delay.order {
            Order::Keep => {
                at = self.in_flight.back().map_or(at, |(last, _)| at.max(*last));
                self.in_flight.len()
            }
            Order::Overtake => self.in_flight.partition_point(|(other, _)| *other <= at),
        };
        if place < self.in_flight.len() {
            scope.count_as(StageKind::Overtake);
        }
        if at > scope.now {
            scope.count();
        }
        self.in_flight.insert(place, (at, passing));
        while self.in_flight.front().is_some_and(|(at, _)| *at <= scope.now) {
            self.fire(scope);
        }
    }

    fn draw(&mut self, scope: &mut Scope<'_>) -> i64 {
        let Delay { law, correlation_ppm, .. } = self.delay;
        if matches!(law, Law::Constant(_)) {
            return 0;
        }
        if correlation_ppm == 0 || !scope.chance(Purpose::Keep, correlation_ppm) {
            self.latest = unzigzag(scope.outcome(Purpose::Jitter, |bits| zigzag(law.jitter(bits))));
        }
        self.latest
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.in_flight.front().map(|(at, _)| *at)
    }

    pub(super) fn fire(&mut self, scope: &mut Scope<'_>) {
        if let Some((_, passing)) = self.in_flight.pop_front() {
            scope.pass(passing);
        }
    }

    pub(super) fn holds(&self) -> usize {
        self.in_flight.len()
    }
}
