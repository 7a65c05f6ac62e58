//! IPv4 address conflict detection (RFC 5227): one [`Claim`] per address, from the first probe on for as
//! long as the address is used.
//!
//! ```text
//!                 wait          probes, then silence              2 s
//!   claim made ----------> Probing -----------------> Announcing ----> Held
//!                             |                           |             |  a conflicting packet:
//!                             v                           v             v  defended, or given up
//!                            lost                        lost          lost
//! ```

use core::net::Ipv4Addr;

use crate::config::{Acd, Defense};
use crate::digest::Digest;
use crate::rng::RandomStream;
use crate::time::{Duration, Instant};

/// Announcements of an address that was claimed (RFC 5227 section 1.1, `ANNOUNCE_NUM`).
const ANNOUNCE_NUM: u8 = 2;
/// Between them (RFC 5227 section 1.1, `ANNOUNCE_INTERVAL`).
const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(2);
/// Conflicts on an interface after which new claims are rare (RFC 5227 section 1.1).
const MAX_CONFLICTS: u8 = 10;
/// Between claims from then on (RFC 5227 section 1.1).
const RATE_LIMIT_INTERVAL: Duration = Duration::from_mins(1);
/// How long a conflict is remembered: an address is defended once in this time (RFC 5227 section 1.1).
const DEFEND_INTERVAL: Duration = Duration::from_secs(10);

/// How an address is probed for.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// `PROBE_WAIT`: at most this long before the first probe.
    wait: Duration,
    /// `PROBE_NUM`.
    probes: u8,
    /// `PROBE_MIN` and `PROBE_MAX`: between probes.
    between: (Duration, Duration),
    /// `ANNOUNCE_WAIT`: silence after the last probe.
    silence: Duration,
}

impl Pace {
    const fn of(acd: Acd) -> Pace {
        match acd {
            Acd::Off | Acd::Fast => Pace {
                wait: Duration::ZERO,
                probes: 1,
                between: (Duration::ZERO, Duration::ZERO),
                silence: Duration::from_millis(300),
            },
            Acd::Rfc5227 => Pace {
                wait: Duration::from_secs(1),
                probes: 3,
                between: (Duration::from_secs(1), Duration::from_secs(2)),
                silence: Duration::from_secs(2),
            },
        }
    }
}

/// Where a claim stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// So many probes have been sent.
    Probing(u8),
    /// In use; so many announcements have been sent.
    Announcing(u8),
    /// In use.
    Held,
}

/// What a claim is to do at its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClaimStep {
    /// Ask who has the address.
    Probe,
    /// Tell that we have it; the address is in use from here on.
    Claim,
    /// Tell it again.
    Announce,
}

/// What a conflicting packet leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contest {
    /// The address is another's.
    Lost,
    /// It is announced once more, and kept.
    Defended,
    /// It is kept without a word, for it was defended a moment ago.
    Endured,
}

/// Our claim to an address.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) address: Ipv4Addr,
    stage: Stage,
    due: Option<Instant>,
    /// When another host last claimed the address too.
    contested: Option<Instant>,
}

impl Claim {
    pub(crate) fn new(address: Ipv4Addr, acd: Acd, not_before: Instant, random: &mut RandomStream) -> Claim {
        let due = not_before + random.duration(Pace::of(acd).wait);
        Claim { address, stage: Stage::Probing(0), due: Some(due), contested: None }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.due
    }

    /// Whether the address is not in use yet.
    pub(crate) fn is_probing(&self) -> bool {
        matches!(self.stage, Stage::Probing(_))
    }

    /// The next step, if it is due (RFC 5227 sections 2.1.1 and 2.3).
    pub(crate) fn on_timeout(&mut self, now: Instant, acd: Acd, random: &mut RandomStream) -> Option<ClaimStep> {
        self.due.filter(|due| *due <= now)?;
        let pace = Pace::of(acd);
        let (stage, wait, step) = match self.stage {
            Stage::Probing(sent) if sent < pace.probes => {
                let (least, most) = pace.between;
                let last = sent + 1 == pace.probes;
                let wait = if last { pace.silence } else { least + random.duration(most.saturating_sub(least)) };
                (Stage::Probing(sent + 1), Some(wait), ClaimStep::Probe)
            }
            Stage::Probing(_) => (Stage::Announcing(1), Some(ANNOUNCE_INTERVAL), ClaimStep::Claim),
            Stage::Announcing(sent) if sent + 1 < ANNOUNCE_NUM => {
                (Stage::Announcing(sent + 1), Some(ANNOUNCE_INTERVAL), ClaimStep::Announce)
            }
            Stage::Announcing(_) | Stage::Held => (Stage::Held, None, ClaimStep::Announce),
        };
        self.stage = stage;
        self.due = wait.map(|wait| now + wait);
        Some(step)
    }

    /// Another host uses or probes for the address (RFC 5227 sections 2.1.1 and 2.4).
    pub(crate) fn on_conflict(&mut self, now: Instant, defense: Defense) -> Contest {
        if self.is_probing() || defense == Defense::Never {
            return Contest::Lost;
        }
        let recent = self.contested.is_some_and(|at| now.since(at) < DEFEND_INTERVAL);
        match (recent, defense) {
            (false, _) => {
                self.contested = Some(now);
                Contest::Defended
            }
            (true, Defense::Always) => Contest::Endured,
            (true, _) => Contest::Lost,
        }
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.address(self.address.into());
        let (stage, sent) = match self.stage {
            Stage::Probing(sent) => (0, sent),
            Stage::Announcing(sent) => (1, sent),
            Stage::Held => (2, 0),
        };
        digest.u8(stage);
        digest.u8(sent);
        digest.option(self.due, Digest::instant);
        digest.option(self.contested, Digest::instant);
    }
}

/// How often an interface's claims were contested: where it happens over and over, new claims become
/// rare (RFC 5227 section 2.1.1, RFC 3927 section 2.2.1).
#[derive(Clone, Debug, Default)]
pub(crate) struct Conflicts {
    count: u8,
    last_claim: Option<Instant>,
}

impl Conflicts {
    pub(crate) fn note(&mut self) {
        self.count = self.count.saturating_add(1);
    }

    /// When the next claim may begin; it is taken to begin then.
    pub(crate) fn next_claim(&mut self, now: Instant) -> Instant {
        let limited = self.last_claim.filter(|_| self.count >= MAX_CONFLICTS);
        let at = limited.map_or(now, |last| (last + RATE_LIMIT_INTERVAL).max(now));
        self.last_claim = Some(at);
        at
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.u8(self.count);
        digest.option(self.last_claim, Digest::instant);
    }
}
