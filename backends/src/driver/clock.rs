//! The clock and the entropy of a driver: the only places where a real run takes in something that
//! a replay cannot know.

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::{Instant, Seed};

/// `CLOCK_MONOTONIC`, counted from the driver's start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: std::time::Instant,
    unix_offset: Duration,
}

impl Clock {
    pub(crate) fn start() -> Clock {
        // A wall clock before 1970 is a wrong one; captures then count from the driver's start.
        let unix_offset = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Clock { origin: std::time::Instant::now(), unix_offset }
    }

    pub(crate) fn now(&self) -> Instant {
        let elapsed = self.origin.elapsed();
        Instant::from_nanos(elapsed.as_secs() * 1_000_000_000 + u64::from(elapsed.subsec_nanos()))
    }

    /// The wall time at [`Instant::ZERO`], since 1970. Read once.
    pub(crate) fn unix_offset(&self) -> Duration {
        self.unix_offset
    }
}

/// A seed from the system's entropy.
///
/// # Errors
///
/// The system has none to give.
pub fn random_seed() -> io::Result<Seed> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::from)?;
    Ok(Seed(bytes))
}

/// A random hardware address: individual and locally administered (IEEE 802 section 8.2).
///
/// # Errors
///
/// The system has no entropy to give.
pub fn random_hardware_address() -> io::Result<EthernetAddress> {
    let mut octets = [0; 6];
    getrandom::fill(&mut octets).map_err(io::Error::from)?;
    octets[0] = (octets[0] & 0xfc) | 0x02;
    Ok(EthernetAddress(octets))
}
