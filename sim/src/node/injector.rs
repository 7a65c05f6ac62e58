//! A packet injector: frames at times, as data.

use bytes::Bytes;
use tickwire_core::Instant;

use super::Outbox;

/// Sends each of its frames at its time, by its one port. What arrives is counted, and that is all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injector {
    /// By time; the last is the next one.
    frames: Vec<(Instant, Bytes)>,
    counters: InjectorCounters,
}

/// What an injector has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InjectorCounters {
    /// Frames sent.
    pub sent: u64,
    /// Frames that arrived.
    pub received: u64,
}

impl Injector {
    /// Of frames and the times to send them at; those of one time leave in the order of the list.
    pub fn new(mut frames: Vec<(Instant, Bytes)>) -> Injector {
        frames.sort_by_key(|(at, _)| *at);
        frames.reverse();
        Injector { frames, counters: InjectorCounters::default() }
    }

    /// What it has done so far.
    pub const fn counters(&self) -> &InjectorCounters {
        &self.counters
    }

    pub(crate) fn receive(&mut self) {
        self.counters.received += 1;
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.frames.last().map(|(at, _)| *at)
    }

    pub(crate) fn expire(&mut self, now: Instant, out: &mut Outbox) {
        while let Some((_, frame)) = self.frames.pop_if(|(at, _)| *at <= now) {
            self.counters.sent += 1;
            out.push((0, frame));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_frame_at_its_time() {
        let frame = |byte: u8| Bytes::from(vec![byte; 14]);
        let [early, late] = [5, 9].map(Instant::from_nanos);
        let mut injector = Injector::new(vec![(late, frame(1)), (early, frame(2)), (late, frame(3))]);
        let mut out = Outbox::new();
        assert_eq!(injector.deadline(), Some(early));
        injector.expire(Instant::from_nanos(4), &mut out);
        assert_eq!(out, []);
        injector.expire(early, &mut out);
        assert_eq!(out, [(0, frame(2))]);
        assert_eq!(injector.deadline(), Some(late));
        injector.expire(late, &mut out);
        assert_eq!(out, [(0, frame(2)), (0, frame(1)), (0, frame(3))]);
        assert_eq!((injector.deadline(), injector.counters().sent), (None, 3));
    }
}
