//! IPv6 duplicate address detection (RFC 4862 section 5.4), optimistic (RFC 4429) and enhanced
//! (RFC 7527): one [`Detection`] per address whose uniqueness is being verified.

use core::net::Ipv6Addr;
use smallvec::SmallVec;

use crate::digest::Digest;
use crate::rng::RandomStream;
use crate::time::{Duration, Instant};

/// `MAX_RTR_SOLICITATION_DELAY`, the most that the first solicitation is delayed (RFC 4861 section 10).
const MAX_DELAY: Duration = Duration::from_secs(1);
/// Further solicitations where ours came back (RFC 7527 section 4.1, `MAX_MULTICAST_SOLICIT`).
const MAX_MULTICAST_SOLICIT: u8 = 3;
/// Nonces that are remembered: as many as a round has.
const NONCES: usize = MAX_MULTICAST_SOLICIT as usize;

/// What tells our own solicitation from another's (RFC 3971 section 5.3.2).
pub(crate) type Nonce = [u8; 6];

/// What a detection is to do at its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DetectionStep {
    /// Solicit the address.
    Solicit(Option<Nonce>),
    /// Nobody else has it.
    Unique,
}

/// An address whose uniqueness is being verified.
#[derive(Clone, Debug)]
pub(crate) struct Detection {
    pub(crate) address: Ipv6Addr,
    /// Solicitations to be sent.
    left: u8,
    due: Instant,
    /// Whether solicitations carry a nonce.
    enhanced: bool,
    nonces: SmallVec<[Nonce; NONCES]>,
    /// A solicitation of ours came back.
    looped: bool,
}

impl Detection {
    /// `delayed`: the first solicitation waits for a random time.
    pub(crate) fn new(
        now: Instant,
        address: Ipv6Addr,
        transmits: u8,
        delayed: bool,
        enhanced: bool,
        random: &mut RandomStream,
    ) -> Detection {
        let due = if delayed { now + random.duration(MAX_DELAY) } else { now };
        Detection { address, left: transmits, due, enhanced, nonces: SmallVec::new(), looped: false }
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.due
    }

    /// The next step, if it is due. `retrans_timer` goes by between solicitations and after the last.
    pub(crate) fn on_timeout(
        &mut self,
        now: Instant,
        retrans_timer: Duration,
        random: &mut RandomStream,
    ) -> Option<DetectionStep> {
        if self.due > now {
            return None;
        }
        if self.left == 0 && core::mem::take(&mut self.looped) {
            // RFC 7527 section 4.1: another round.
            self.left = MAX_MULTICAST_SOLICIT;
        }
        if self.left == 0 {
            return Some(DetectionStep::Unique);
        }
        self.left -= 1;
        self.due = now + retrans_timer;
        let nonce = self.enhanced.then(|| self.draw(random));
        Some(DetectionStep::Solicit(nonce))
    }

    fn draw(&mut self, random: &mut RandomStream) -> Nonce {
        let mut nonce = Nonce::default();
        let (low, high) = nonce.split_at_mut(4);
        low.copy_from_slice(&random.next_u32().to_le_bytes());
        high.copy_from_slice(&(random.next_u32() as u16).to_le_bytes());
        if self.nonces.len() == NONCES {
            self.nonces.remove(0);
        }
        self.nonces.push(nonce);
        nonce
    }

    /// A solicitation for the address from nobody's address; whether it is another host's, and not ours
    /// come back (RFC 7527 section 4.2).
    pub(crate) fn on_solicitation(&mut self, nonce: Option<Nonce>) -> bool {
        let ours = nonce.is_some_and(|nonce| self.nonces.contains(&nonce));
        self.looped |= ours;
        !ours
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.address(self.address.into());
        digest.u8(self.left);
        digest.instant(self.due);
        digest.bool(self.enhanced);
        digest.bool(self.looped);
        digest.count(self.nonces.len());
        for nonce in &self.nonces {
            digest.bytes(nonce);
        }
    }
}
