//! RED, Random Early Detection (Floyd and Jacobson, "Random Early Detection Gateways for Congestion
//! Avoidance", 1993): drops or marks with a probability that grows with the queue's average length.

use serde::{Deserialize, Serialize};
use tickwire_core::Instant;
use tickwire_core::time::Duration;

use super::fifo::Line;
use super::{Room, ecn_mark};
use crate::draw::{PPM, Purpose};
use crate::link::direction::{Passing, Scope};
use crate::link::fate::Cause;
use crate::link::text;

/// What RED is set to. Lengths are in the unit of the queue's [`Room`]: frames, or bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Red {
    /// The average length below which nothing is dropped (`min_th`).
    pub min: u64,
    /// The average length from which on everything is (`max_th`).
    pub max: u64,
    /// The probability of a drop shortly below `max`, in a million (`max_p`). 1/50, as in the paper's
    /// simulations.
    #[serde(with = "text::ppm", rename = "max-drop", default = "max_drop")]
    pub max_ppm: u32,
    /// How slowly the average follows: it moves by 2^-this of the difference with each frame (`w_q`; the
    /// paper has 0.002, which is 2^-9 within 3 %). At most 24.
    #[serde(default = "weight_shift")]
    pub weight_shift: u8,
    /// Below `max`, frames that can be marked are marked rather than dropped; from `max` on everything is
    /// dropped (RFC 3168 section 19.1).
    #[serde(default)]
    pub ecn: bool,
}

const fn max_drop() -> u32 {
    20_000
}

const fn weight_shift() -> u8 {
    9
}

impl Red {
    /// The figures of the paper: `max` three times `min`, 1/50, 2^-9; dropping.
    pub const fn new(min: u64) -> Red {
        Red { min, max: min.saturating_mul(3), max_ppm: max_drop(), weight_shift: weight_shift(), ecn: false }
    }
}

/// Bits behind the point of averages and probabilities.
const POINT: u32 = 32;

/// While nobody waits the average falls as if frames of this length had come and found nobody, one after
/// the other: the paper's `s`, a typical small packet's transmission time. 500 bytes, this project's choice.
pub(in crate::link) const SMALL_FRAME_LEN: usize = 500;

/// In a queue of bytes longer frames are dropped more often, those of this length as given.
const FRAME_MAX: u128 = 1_514;

/// RED at work, with the names of the paper.
#[derive(Clone, Debug)]
pub(in crate::link) struct Detecting {
    config: Red,
    room: Room,
    line: Line,
    /// How long the link takes for a small frame.
    s: Duration,
    /// The average, in units of 2^-32.
    avg: u128,
    /// Frames since the last one dropped, while the average was between the thresholds.
    count: Option<u64>,
    /// Since when nobody waits.
    q_time: Option<Instant>,
}

impl Detecting {
    pub(super) fn new(config: Red, room: Room, s: Duration) -> Detecting {
        let config = Red { weight_shift: config.weight_shift.min(24), ..config };
        let s = s.max(Duration::from_nanos(1));
        Detecting { config, room, line: Line::default(), s, avg: 0, count: None, q_time: Some(Instant::ZERO) }
    }

    pub(super) fn enqueue(&mut self, passing: Passing, scope: &mut Scope<'_>) {
        self.average(scope.now);
        let threshold = |length: u64| u128::from(length) << POINT;
        if self.avg >= threshold(self.config.max) {
            self.count = Some(0);
            return scope.drop(passing, Cause::RedForced);
        }
        let mut passing = passing;
        if self.avg < threshold(self.config.min) {
            self.count = None;
        } else if self.is_drawn(&passing, scope) {
            self.count = Some(0);
            match ecn_mark(self.config.ecn, passing, scope) {
                Ok(marked) => passing = marked,
                Err(passing) => return scope.drop(passing, Cause::RedEarly),
            }
        }
        if self.room.fits(self.line.backlog(), &passing.data) {
            self.q_time = None;
            self.line.push(passing);
        } else {
            scope.drop(passing, Cause::QueueFull);
        }
    }

    /// `avg`, with the frame that comes now.
    fn average(&mut self, now: Instant) {
        let shift = self.config.weight_shift;
        if let Some(since) = self.q_time {
            let m = now.since(since).as_nanos() / self.s.as_nanos();
            self.avg = decayed(self.avg, shift, m);
            self.q_time = Some(now);
        } else {
            let backlog = self.line.backlog();
            let length = match self.room {
                Room::Frames(_) => backlog.frames,
                Room::Bytes(_) => backlog.bytes,
            };
            self.avg = self.avg - (self.avg >> shift) + (u128::from(length) << POINT >> shift);
        }
    }

    /// Whether the frame is chosen: `p_b = max_p (avg - min) / (max - min)`, in a queue of bytes times
    /// the frame's length; `p_a = p_b / (1 - count p_b)`, which spreads the drops evenly.
    fn is_drawn(&mut self, passing: &Passing, scope: &mut Scope<'_>) -> bool {
        let count = self.count.map_or(0, |count| count + 1);
        self.count = Some(count);
        let Red { min, max, max_ppm, .. } = self.config;
        let excess = self.avg - (u128::from(min) << POINT);
        let mut p_b = excess * u128::from(max_ppm) / u128::from(max - min) / u128::from(PPM);
        if let Room::Bytes(_) = self.room {
            p_b = p_b * passing.data.len() as u128 / FRAME_MAX;
        }
        let left = (1_u128 << POINT).saturating_sub(u128::from(count) * p_b);
        scope.odds(Purpose::Loss, p_b.min(1 << POINT) as u64, left as u64)
    }

    pub(super) fn dequeue(&mut self, now: Instant) -> Option<Passing> {
        let passing = self.line.pop();
        if self.line.backlog().frames == 0 && self.q_time.is_none() {
            self.q_time = Some(now);
        }
        passing
    }

    pub(super) fn frames(&self) -> usize {
        self.line.backlog().frames as usize
    }
}

/// `value (1 - 2^-shift)^times`, the power by squaring in units of 2^-32.
fn decayed(value: u128, shift: u8, mut times: u128) -> u128 {
    let mut factor = (1_u128 << POINT) - (1 << POINT >> shift);
    let mut power = 1_u128 << POINT;
    while times > 0 && power > 0 {
        if times & 1 == 1 {
            power = (power * factor) >> POINT;
        }
        factor = (factor * factor) >> POINT;
        times >>= 1;
    }
    (value * power) >> POINT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_falls_by_powers() {
        assert_eq!(decayed(1 << 40, 1, 3), 1 << 37);
        assert_eq!(decayed(1 << 40, 9, 0), 1 << 40);
        assert_eq!(decayed(1 << 40, 9, u128::MAX), 0);
        // (511/512)^355 = e^(-355 * 0.0019550) = 0.49956.
        let found = decayed(1_000_000 << POINT, 9, 355) >> POINT;
        assert!(found.abs_diff(499_560) <= 50, "{found}");
    }
}
