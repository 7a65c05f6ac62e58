//! A host's clock: a map from the world's time to its own. It may run fast or slow, stand still, and jump
//! forward; it never goes back, as no monotonic clock does. The map is a line of rational slope from an anchor
//! on, exact in both directions: a timer fires at the first nanosecond of the world at which the host's clock
//! shows its time.

use tickwire_core::Instant;
use tickwire_core::time::Duration;

/// Parts per million.
const MILLION: u64 = 1_000_000;

/// The most that a clock may gain or lose, in parts per million: a tenth.
pub const DRIFT_MAX_PPM: i32 = 100_000;

/// A host's clock. A new one shows the world's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clock {
    /// A time of the world, and what the clock shows then; while that time is to come it stands still.
    anchor: (Instant, Instant),
    /// How many microseconds it goes on in a second of the world.
    pace: u64,
    /// How far the wall clock is ahead of this one, in nanoseconds.
    wall_offset: i64,
}

impl Clock {
    pub(crate) const fn new() -> Clock {
        Clock { anchor: (Instant::ZERO, Instant::ZERO), pace: MILLION, wall_offset: 0 }
    }

    /// What it shows at a time of the world, which is not before the last change.
    pub(crate) fn at(&self, world: Instant) -> Instant {
        let (from, shown) = self.anchor;
        shown + scale(world.since(from), self.pace, MILLION, Rounding::Down)
    }

    /// When, in world time, it first shows `local`; if it does already, a past time or the present one.
    pub(crate) fn reaches(&self, local: Instant) -> Instant {
        let (from, shown) = self.anchor;
        match local.since(shown) {
            Duration::ZERO => Instant::ZERO,
            ahead => from + scale(ahead, MILLION, self.pace, Rounding::Up),
        }
    }

    /// Begins a new stretch at `world`, or when it ceases to stand still.
    fn turn_at(&mut self, world: Instant) {
        self.anchor = (world.max(self.anchor.0), self.at(world));
    }

    /// From `world` on it gains so many parts per million (loses, if negative), held to [`DRIFT_MAX_PPM`].
    pub(crate) fn drift(&mut self, world: Instant, ppm: i32) {
        self.turn_at(world);
        self.pace = MILLION.saturating_add_signed(ppm.clamp(-DRIFT_MAX_PPM, DRIFT_MAX_PPM).into());
    }

    /// At `world` it jumps forward.
    pub(crate) fn jump(&mut self, world: Instant, by: Duration) {
        self.turn_at(world);
        self.anchor.1 += by;
    }

    /// It stands still from `world` to `until`.
    pub(crate) fn stall(&mut self, world: Instant, until: Instant) {
        self.turn_at(world);
        self.anchor.0 = self.anchor.0.max(until);
    }

    /// The wall clock is set back. What runs by the monotonic clock must not notice.
    pub(crate) fn set_wall_back(&mut self, by: Duration) {
        let by = i64::try_from(by.as_nanos()).unwrap_or(i64::MAX);
        self.wall_offset = self.wall_offset.saturating_sub(by);
    }

    /// What the wall clock shows, in nanoseconds since 1970; the world begins in 2020.
    pub(crate) fn wall(&self, world: Instant) -> u64 {
        /// 2020-01-01T00:00:00Z.
        const EPOCH: u64 = 1_577_836_800_000_000_000;
        EPOCH.saturating_add(self.at(world).as_nanos()).saturating_add_signed(self.wall_offset)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rounding {
    Down,
    Up,
}

/// `duration * numerator / denominator`, held to what a duration of nanoseconds holds.
fn scale(duration: Duration, numerator: u64, denominator: u64, rounding: Rounding) -> Duration {
    let product = duration.as_nanos() * u128::from(numerator);
    let nanos = match rounding {
        Rounding::Down => product / u128::from(denominator),
        Rounding::Up => product.div_ceil(u128::from(denominator)),
    };
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Instant {
        Instant::from_millis(seconds * 1000)
    }

    #[test]
    fn a_new_clock_shows_the_world_s_time() {
        let clock = Clock::new();
        assert_eq!(clock.at(s(7)), s(7));
        assert_eq!(clock.reaches(s(7)), s(7));
    }

    /// 50 ppm of a day are 4.32 s.
    #[test]
    fn drift_is_exact() {
        let mut clock = Clock::new();
        clock.drift(s(0), 50);
        assert_eq!(clock.at(s(86_400)), Instant::from_millis(86_404_320));
        clock.drift(s(86_400), -50);
        assert_eq!(clock.at(s(2 * 86_400)), s(2 * 86_400));
    }

    #[rstest::rstest]
    fn a_timer_fires_at_the_first_nanosecond(#[values(-100_000, -333, -1, 0, 1, 7, 333, 100_000)] ppm: i32) {
        let mut clock = Clock::new();
        clock.drift(Instant::from_nanos(12_345), ppm);
        for local in (0..2_000_u64).map(|step| Instant::from_nanos(20_000 + step * 7_919)) {
            let at = clock.reaches(local);
            assert!(clock.at(at) >= local);
            assert!(clock.at(at - Duration::from_nanos(1)) < local);
        }
    }

    #[test]
    fn a_stall_holds_back_and_a_jump_skips() {
        let mut clock = Clock::new();
        clock.stall(s(10), s(20));
        assert_eq!((clock.at(s(15)), clock.at(s(20)), clock.reaches(s(11))), (s(10), s(10), s(21)));
        assert!(clock.reaches(s(10)) <= s(10));
        clock.jump(s(30), Duration::from_mins(1));
        assert_eq!(clock.at(s(30)), s(80));
        assert!(clock.reaches(s(50)) <= s(30));
    }

    #[test]
    fn the_wall_clock_goes_back_alone() {
        let mut clock = Clock::new();
        let before = clock.wall(s(100));
        clock.set_wall_back(Duration::from_hours(1));
        assert_eq!(clock.wall(s(100)), before - 3_600_000_000_000);
        assert_eq!(clock.at(s(100)), s(100));
    }
}
