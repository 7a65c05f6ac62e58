//! Bits per second: frames are sent one after the other, each takes the time of its bits.

use serde::{Deserialize, Serialize};
use tickwire_core::Instant;
use tickwire_core::time::Duration;

use super::direction::{Passing, Scope};
use super::kind::StageKind;
use super::load::Load;
use super::queue::{Queue, Room, SMALL_FRAME_LEN, Waiting};
use super::text;

const NANOS_PER_SEC: u128 = 1_000_000_000;

/// A rate, and the queue of what waits to be sent at it. The frame that is being sent is not in the
/// queue any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rate {
    /// Bits per second; at 0 nothing is ever sent and the queue fills.
    #[serde(with = "text::rate")]
    pub bps: u64,
    /// What a frame occupies on the medium.
    #[serde(default)]
    pub framing: Framing,
    /// How much waits.
    #[serde(with = "text::room")]
    pub room: Room,
    /// Who goes next, who is dropped.
    #[serde(default)]
    pub queue: Queue,
}

impl Rate {
    /// A rate on Ethernet.
    pub const fn new(bps: u64, room: Room, queue: Queue) -> Rate {
        Rate { bps, framing: Framing::Ethernet, room, queue }
    }

    /// How long a frame of `len` bytes takes, rounded down; for ever at rate 0.
    fn time_of(&self, len: usize) -> Duration {
        let nanos = (u128::from(self.framing.bytes(len)) * 8 * NANOS_PER_SEC).checked_div(self.bps.into());
        nanos.and_then(|nanos| u64::try_from(nanos).ok()).map_or(Duration::MAX, Duration::from_nanos)
    }
}

/// What a frame occupies on the medium beyond its own bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Framing {
    /// As on Ethernet (IEEE 802.3): 7 bytes of preamble, 1 of start delimiter, the frame padded to 60
    /// bytes, 4 of frame check sequence, and 12 of gap before the next. A frame of 1,514 bytes takes
    /// 1,538, one of 42 takes 84.
    #[default]
    Ethernet,
    /// Nothing: the frame's own bytes.
    None,
    /// So many bytes for each frame.
    PerFrame(u16),
}

impl Framing {
    /// Bytes on the medium of a frame of `len` bytes.
    pub fn bytes(self, len: usize) -> u64 {
        match self {
            Framing::Ethernet => len.max(60) as u64 + 24,
            Framing::None => len as u64,
            Framing::PerFrame(more) => len as u64 + u64::from(more),
        }
    }
}

/// A point in time, to a fraction of a nanosecond: rounding does not add up over a busy period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Exact {
    at: Instant,
    /// In units of 1 ns / bps; less than bps.
    fraction: u64,
}

impl Exact {
    fn after(self, bits: u64, bps: u64) -> Exact {
        let scaled = u128::from(bits) * NANOS_PER_SEC + u128::from(self.fraction);
        let nanos = u64::try_from(scaled / u128::from(bps)).unwrap_or(u64::MAX);
        Exact { at: self.at + Duration::from_nanos(nanos), fraction: (scaled % u128::from(bps)) as u64 }
    }

    /// The first whole nanosecond at which the point has come.
    fn ceil(self) -> Instant {
        if self.fraction == 0 { self.at } else { self.at + Duration::from_nanos(1) }
    }
}

/// A rate at work.
#[derive(Clone, Debug)]
pub(super) struct Sending {
    rate: Rate,
    queue: Waiting,
    current: Option<Current>,
    load: Load,
}

/// What is being sent.
#[derive(Clone, Debug)]
struct Current {
    passing: Passing,
    /// When its first bit was sent.
    began: Instant,
    /// When its last bit will have been; never, at rate 0.
    done: Option<Exact>,
}

impl Sending {
    pub(super) fn new(rate: Rate) -> Sending {
        let queue = Waiting::new(rate.queue, rate.room, rate.time_of(SMALL_FRAME_LEN));
        Sending { rate, queue, current: None, load: Load::default() }
    }

    /// Takes a frame in. Even one that finds nobody before it passes through the queue, whose
    /// discipline so sees every frame.
    pub(super) fn offer(&mut self, mut passing: Passing, scope: &mut Scope<'_>) {
        passing.since = scope.now;
        if self.current.is_some() {
            scope.count_as(StageKind::Rate);
        }
        self.queue.enqueue(passing, scope);
        if self.current.is_none() {
            self.next(Exact { at: scope.now, fraction: 0 }, scope);
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.current.as_ref().and_then(|current| current.done).map(Exact::ceil)
    }

    /// The present frame has been sent.
    pub(super) fn fire(&mut self, scope: &mut Scope<'_>) {
        if let Some(Current { passing, began, done: Some(done) }) = self.current.take() {
            let bits = self.rate.framing.bytes(passing.data.len()) * 8;
            self.load.sent(&passing.data, bits, began, done.ceil());
            scope.pass(passing);
            self.next(done, scope);
        }
    }

    fn next(&mut self, from: Exact, scope: &mut Scope<'_>) {
        self.current = self.queue.dequeue(scope).map(|passing| {
            let Rate { bps, framing, .. } = self.rate;
            let done = (bps != 0).then(|| from.after(framing.bytes(passing.data.len()) * 8, bps));
            self.load.waits.add(scope.now.since(passing.since));
            Current { passing, began: from.at, done }
        });
    }

    /// The rate, and what it has done.
    pub(super) fn load(&self) -> (Rate, &Load) {
        (self.rate, &self.load)
    }

    /// Frames in the queue and on the medium.
    pub(super) fn holds(&self) -> usize {
        self.queue.frames() + usize::from(self.current.is_some())
    }
}
