//! What a rate has to do: how much of the time it sends, and how long frames wait for it.

use tickwire_core::Instant;
use tickwire_core::time::Duration;
use tickwire_core::wire::ethernet;
use tickwire_core::wire::ipv4::IpProtocol;

use super::rate::Rate;

/// Buckets per doubling of a time: what is read from a [`Waits`] is at most 1/32 too long.
const STEPS: u64 = 32;

/// How long frames waited: a histogram whose buckets grow with the time, at most 1,920 of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// How many there were of each bucket, up to the last that is not empty.
    counts: Vec<u64>,
    total: u64,
    longest: Duration,
}

impl Waits {
    pub(crate) fn add(&mut self, wait: Duration) {
        let nanos = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        let bucket = bucket_of(nanos);
        if self.counts.len() <= bucket {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] += 1;
        self.total += 1;
        self.longest = self.longest.max(wait);
    }

    /// How many frames there were.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The longest wait.
    pub fn longest(&self) -> Duration {
        self.longest
    }

    /// The wait that so many in a thousand did not exceed; up to 1/32 more, as waits are kept in buckets. Zero
    /// where there was no frame.
    pub fn permille(&self, permille: u64) -> Duration {
        let rank = (u128::from(self.total) * u128::from(permille)).div_ceil(1_000).max(1);
        let mut seen = 0;
        let found = self.counts.iter().position(|count| {
            seen += u128::from(*count);
            seen >= rank
        });
        found.map_or(Duration::ZERO, |bucket| Duration::from_nanos(last_of(bucket)).min(self.longest))
    }
}

/// The bucket of a time: one for each nanosecond at first, then [`STEPS`] for each doubling.
fn bucket_of(nanos: u64) -> usize {
    let shift = nanos.max(STEPS).ilog2() - STEPS.ilog2();
    (u64::from(shift) * STEPS + (nanos >> shift)) as usize
}

/// The longest time of a bucket, in nanoseconds.
fn last_of(bucket: usize) -> u64 {
    let shift = (bucket as u64 / STEPS).saturating_sub(1);
    let next = u128::from(bucket as u64 - shift * STEPS + 1) << shift;
    u64::try_from(next - 1).unwrap_or(u64::MAX)
}

/// What a rate has done so far. Its utilisation is that of the time in which hosts talked: what it sends before the
/// first frame with TCP or UDP and after the last (neighbors asked for, groups reported) does not count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// How long frames waited until they began to be sent. Those that were dropped are not among them.
    pub waits: Waits,
    /// The shortest and the longest frame that was sent, in bytes.
    pub lens: Option<[usize; 2]>,
    /// Bits on the medium of all frames with TCP or UDP.
    pub bits: u64,
    /// When the first of those began to be sent, and when the last had been.
    pub span: Option<[Instant; 2]>,
}

impl Load {
    /// A frame of so many bits on the medium has been sent, from `began` until `done`.
    pub(super) fn sent(&mut self, frame: &[u8], bits: u64, began: Instant, done: Instant) {
        let [shortest, longest] = self.lens.unwrap_or([frame.len(); 2]);
        self.lens = Some([shortest.min(frame.len()), longest.max(frame.len())]);
        if carries_transport(frame) {
            self.bits += bits;
            let [first, _] = self.span.unwrap_or([began; 2]);
            self.span = Some([first, done]);
        }
    }

    /// How long it was sending, at a rate in bits per second.
    pub fn busy(&self, bps: u64) -> Duration {
        let nanos = (u128::from(self.bits) * 1_000_000_000).checked_div(bps.into()).unwrap_or(0);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// In how much of the time it was sending, in parts of a million; `None` if nothing was sent.
    pub fn utilisation(&self, bps: u64) -> Option<u32> {
        let [first, last] = self.span?;
        let ppm = (self.busy(bps).as_nanos() * 1_000_000).checked_div(last.since(first).as_nanos())?;
        Some(u32::try_from(ppm).unwrap_or(u32::MAX))
    }

    /// What no frame can wait longer for in a queue whose frames leave in the order in which they came: all that
    /// there is room for, and the frame that is being sent. `None` of a queue with several lines.
    pub fn longest_wait(&self, rate: &Rate) -> Option<Duration> {
        let [shortest, longest] = self.lens.filter(|_| rate.queue.is_in_order())?;
        let bytes = |len: usize| u128::from(rate.framing.bytes(len));
        let waiting = match rate.room {
            super::Room::Frames(frames) => bytes(longest) * u128::from(frames),
            // The shorter the frames, the more of the medium is taken by what is around them.
            super::Room::Bytes(room) => (bytes(shortest) * u128::from(room)).div_ceil(shortest.max(1) as u128),
        };
        let bits = (waiting + bytes(longest)) * 8;
        let nanos = (bits * 1_000_000_000).checked_div(rate.bps.into())? + 1;
        u64::try_from(nanos).ok().map(Duration::from_nanos)
    }
}

/// Whether a frame carries TCP, UDP, or a fragment of what may be either.
fn carries_transport(frame: &[u8]) -> bool {
    const FRAGMENT: u8 = 44;
    let next_header = match frame.get(12..ethernet::HEADER_LEN) {
        Some([0x08, 0x00]) => frame.get(ethernet::HEADER_LEN + 9),
        Some([0x86, 0xdd]) => frame.get(ethernet::HEADER_LEN + 6),
        _ => None,
    };
    next_header.is_some_and(|next| [IpProtocol::TCP.0, IpProtocol::UDP.0, FRAGMENT].contains(next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::{Framing, Queue, Room};

    #[test]
    fn buckets_follow_each_other_and_are_narrow() {
        assert_eq!([0, 1, 63, 64, 65, 66].map(bucket_of), [0, 1, 63, 64, 64, 65]);
        for bucket in 0..1_920 {
            let last = last_of(bucket);
            assert_eq!(bucket_of(last), bucket, "{last}");
            assert_eq!(last.checked_add(1).map_or(bucket + 1, bucket_of), bucket + 1, "{last}");
            let first = bucket.checked_sub(1).map_or(0, |before| last_of(before) + 1);
            assert!(last - first <= first / STEPS, "from {first} to {last}");
        }
        assert_eq!(bucket_of(u64::MAX), 1_919);
    }

    #[test]
    fn quantiles_are_at_most_a_bucket_too_long() {
        let mut waits = Waits::default();
        assert_eq!(waits.permille(990), Duration::ZERO);
        for micros in 1..=1_000 {
            waits.add(Duration::from_micros(micros));
        }
        for permille in [1, 10, 500, 990] {
            let (found, exact) = (waits.permille(permille), Duration::from_micros(permille));
            assert!(found >= exact && found <= exact + exact / 32, "{permille}: {found:?}");
        }
        assert_eq!(waits.permille(1_000), Duration::from_millis(1));
        assert_eq!((waits.longest(), waits.total()), (Duration::from_millis(1), 1_000));
    }

    /// A frame of `len` bytes with IPv4 and `protocol`.
    fn frame(len: usize, protocol: u8) -> Vec<u8> {
        let mut frame = vec![0; len];
        frame[12..14].copy_from_slice(&[0x08, 0x00]);
        frame[ethernet::HEADER_LEN + 9] = protocol;
        frame
    }

    #[test]
    fn only_what_hosts_say_to_each_other_makes_it_busy() {
        const ICMP: u8 = 1;
        let mut load = Load::default();
        let ms = Instant::from_millis;
        load.sent(&frame(100, ICMP), 1_000, ms(0), ms(1));
        assert_eq!(load.utilisation(1_000_000), None);
        for begins in [10, 11, 18] {
            load.sent(&frame(100, IpProtocol::TCP.0), 1_000, ms(begins), ms(begins + 1));
        }
        load.sent(&frame(50, ICMP), 1_000, ms(100), ms(101));
        // 3 ms of the 9 from 10 to 19.
        assert_eq!(load.utilisation(1_000_000), Some(333_333));
        assert_eq!(load.lens, Some([50, 100]));
    }

    #[test]
    fn the_longest_wait_is_for_a_full_queue() {
        let lens = Some([100, 1_000]);
        let load = Load { lens, ..Load::default() };
        let rate = |room, queue| Rate { framing: Framing::None, ..Rate::new(8_000_000, room, queue) };
        // A byte takes 1 us: 10 frames of 1,000, and the one that is being sent.
        let frames = load.longest_wait(&rate(Room::Frames(10), Queue::TailDrop));
        assert_eq!(frames, Some(Duration::from_nanos(11_000_001)));
        let bytes = load.longest_wait(&rate(Room::Bytes(5_000), Queue::HeadDrop));
        assert_eq!(bytes, Some(Duration::from_nanos(6_000_001)));
        // 50 frames of 100 bytes take 124 each, the one of 1,000 takes 1,024.
        let ethernet = Rate::new(8_000_000, Room::Bytes(5_000), Queue::TailDrop);
        assert_eq!(load.longest_wait(&ethernet), Some(Duration::from_nanos(7_224_001)));
        assert_eq!(load.longest_wait(&rate(Room::Frames(10), Queue::FqCoDel(crate::link::FqCoDel::default()))), None);
    }
}
