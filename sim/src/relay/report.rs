//! What a relay has done.

use std::fmt;
use std::time::Duration;

use super::LATE;
use crate::link::Counters;

/// What a relay has done since it began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The devices' names: a, b.
    pub names: [String; 2],
    /// How long it has been at work.
    pub elapsed: Duration,
    /// From a to b.
    pub a_to_b: WayReport,
    /// From b to a.
    pub b_to_a: WayReport,
}

/// One direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WayReport {
    /// What the link did.
    pub counters: Counters,
    /// Frames on their way.
    pub waiting: usize,
    /// How well the relay kept up.
    pub delivery: Delivery,
    /// Frames that the device at the end did not take: it is down, or they are too long for it.
    pub refused: u64,
}

/// How well a relay kept up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Frames that left more than [`LATE`] after their time.
    pub late_frames: u64,
    /// How long after its time the latest frame left.
    pub worst: Duration,
    /// Frames of which it is not known to within [`LATE`] when they came: the relay was kept from looking. They are
    /// taken to have come evenly meanwhile.
    pub guessed_frames: u64,
    /// For how long at most the relay was kept from looking while frames came.
    pub worst_guess: Duration,
    /// Frames that the kernel dropped since they were not read in time.
    pub unread: u64,
}

impl Delivery {
    /// Frames for which the link was not what it was to be. One of which it is not known when it came may have left
    /// late, too.
    fn frames(&self) -> u64 {
        self.late_frames + self.guessed_frames + self.unread
    }

    /// Whether the link was not what it was to be.
    pub fn is_behind(&self) -> bool {
        self.frames() > 0
    }
}

impl Report {
    /// How often the relay fell behind, in either direction: frames late, of unknown time, or not read.
    pub fn behind(&self) -> u64 {
        let ways = [&self.a_to_b, &self.b_to_a];
        ways.iter().map(|way| way.delivery.frames()).sum()
    }

    fn ways(&self) -> [(&str, &str, &WayReport); 2] {
        let [a, b] = &self.names;
        [(a, b, &self.a_to_b), (b, a, &self.b_to_a)]
    }

    /// One line about what fell behind.
    pub fn behind_line(&self) -> String {
        let ways = self.ways().into_iter().filter(|(.., way)| way.delivery.is_behind());
        let parts = ways.map(|(from, to, way)| format!("{from} -> {to}: {}", way.delivery));
        parts.collect::<Vec<String>>().join("; ")
    }
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Delivery { late_frames, worst, guessed_frames, worst_guess, unread } = self;
        let (late, worst, worst_guess) = (LATE.as_millis(), worst.as_micros(), worst_guess.as_micros());
        write!(f, "{late_frames} frames more than {late} ms late (at most {worst} us), ")?;
        write!(f, "{guessed_frames} came while nobody looked (for at most {worst_guess} us), {unread} not read in time")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "relayed for {}.{:03} s", self.elapsed.as_secs(), self.elapsed.subsec_millis())?;
        for (from, to, way) in self.ways() {
            let WayReport { counters, waiting, delivery, refused } = way;
            writeln!(
                f,
                "{from} -> {to}: {} in, {} added, {} out, {} dropped, {waiting} on their way",
                counters.pushed,
                counters.added,
                counters.delivered,
                counters.dropped_total(),
            )?;
            for (cause, count) in &counters.dropped {
                writeln!(f, "    {count} dropped: {cause}")?;
            }
            for (kind, count) in &counters.acted {
                writeln!(f, "    {count} touched by {kind}")?;
            }
            if *refused > 0 {
                writeln!(f, "    {refused} refused by {to}: is it up, is its MTU the same?")?;
            }
            if delivery.is_behind() {
                writeln!(f, "    FELL BEHIND: {delivery}")?;
            }
        }
        Ok(())
    }
}
