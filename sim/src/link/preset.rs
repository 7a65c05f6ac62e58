//! Links as they are found, for when no particular one is meant.
//!
//! Figures with a source name it; the others are this project's, chosen to be typical rather than
//! measured. The first end of the link is the network's side, the second the user's.

use std::time::Duration;

use super::{CoDel, Delay, Framing, GilbertElliott, Law, Link, Loss, Queue, Rate, Room, Stage};

const fn micros(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

fn stages(rate: Rate, law: Law, loss: Loss) -> Vec<Stage> {
    vec![Stage::Rate(rate), Stage::Loss(loss), Stage::Delay(Delay::new(law))]
}

impl Link {
    /// A local network: 1 Gbit/s (1000BASE-T, IEEE 802.3 clause 40), 100 m of cable at 5.56 ns/m
    /// (ISO/IEC 11801) make 556 ns. The switch has a queue of 512 KiB. Nothing is lost beside that.
    pub fn lan() -> Link {
        let rate = Rate::new(1_000_000_000, Room::Bytes(512 << 10), Queue::TailDrop);
        let delay = Delay::constant(Duration::from_nanos(556));
        Link::symmetric(vec![Stage::Rate(rate), Stage::Delay(delay)])
    }

    /// A wireless LAN: 65 Mbit/s (IEEE 802.11n, MCS 7, one stream, 20 MHz), half of which remains for
    /// frames; 1 ms, and as much again on average while others send or a frame is sent again; losses as
    /// [`GilbertElliott::WIRELESS`]. `CoDel` with marking (RFC 8289) on a queue of 1,000 frames.
    pub fn wifi() -> Link {
        let queue = Queue::CoDel(CoDel { ecn: true, ..CoDel::default() });
        let rate = Rate::new(32_500_000, Room::Frames(1_000), queue);
        let law = Law::Pareto { min: micros(1_000), scale: micros(2_000) };
        Link::symmetric(stages(rate, law, Loss::GilbertElliott(GilbertElliott::WIRELESS)))
    }

    /// LTE: 13 Mbit/s down and 6 Mbit/s up (medians of Huang et al., "A Close Examination of Performance
    /// and Power Characteristics of 4G LTE Networks", `MobiSys` 2012), 35 ms with a jitter of 5 ms, deep
    /// queues of 1 MiB and 256 KiB, no loss beside them: the radio sends again.
    pub fn lte() -> Link {
        let law = Law::Normal { mean: micros(35_000), deviation: micros(5_000) };
        let way = |bps, bytes| {
            let rate = Rate::new(bps, Room::Bytes(bytes), Queue::TailDrop);
            vec![Stage::Rate(rate), Stage::Delay(Delay::new(law))]
        };
        Link { a_to_b: way(13_000_000, 1 << 20), b_to_a: way(6_000_000, 256 << 10) }
    }

    /// A geostationary satellite: 25 Mbit/s down and 3 Mbit/s up, 250 ms (one hop takes 239.6 to 279 ms,
    /// RFC 2488 section 2); a bit error rate of 10^-7 spoils 1,211 of a million frames of 1,514 bytes.
    /// Queues of half a bandwidth-delay product.
    pub fn satellite() -> Link {
        let way = |bps, bytes| {
            let law = Law::Constant(micros(250_000));
            stages(Rate::new(bps, Room::Bytes(bytes), Queue::TailDrop), law, Loss::Bernoulli { ppm: 1_211 })
        };
        Link { a_to_b: way(25_000_000, 781_250), b_to_a: way(3_000_000, 93_750) }
    }

    /// A telephone line: 53.3 kbit/s down (ITU-T V.90 under the FCC's limit of power) and 33.6 kbit/s up
    /// (ITU-T V.34), 50 ms, a queue of 8 frames. Nothing is lost beside that: the modems send again
    /// (ITU-T V.42).
    pub fn dialup() -> Link {
        let way = |bps| {
            let rate = Rate::new(bps, Room::Frames(8), Queue::TailDrop);
            let rate = Rate { framing: Framing::PerFrame(8), ..rate };
            vec![Stage::Rate(rate), Stage::Delay(Delay::constant(micros(50_000)))]
        };
        Link { a_to_b: way(53_300), b_to_a: way(33_600) }
    }
}
