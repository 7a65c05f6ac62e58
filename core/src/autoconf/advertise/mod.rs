//! The router's side of router discovery on one interface (RFC 4861 section 6.2): when advertisements are
//! sent, from which address, and how they end.
//!
//! - [`config`]: what is advertised

use core::net::Ipv6Addr;

use super::truncate;
use crate::digest::Digest;
use crate::rng::RandomStream;
use crate::time::{Duration, Instant};
use crate::wire::ndp_options::{PrefixInformation, RouterOption};
use crate::wire::ndp_router::RouterAdvertisement;

pub mod config;

use config::AdvertiseConfig;

/// Advertisements that follow each other closely at the start, and after a change.
const MAX_INITIAL_RTR_ADVERTISEMENTS: u8 = 3;
/// The longest time between those.
const MAX_INITIAL_RTR_ADVERT_INTERVAL: Duration = Duration::from_secs(16);
/// How often hosts are told that we are no router any more.
const MAX_FINAL_RTR_ADVERTISEMENTS: u8 = 3;
/// The least time between two advertisements to all nodes.
const MIN_DELAY_BETWEEN_RAS: Duration = Duration::from_secs(3);
/// Within which time solicitations are answered, and the first advertisement leaves.
const MAX_RA_DELAY_TIME: Duration = Duration::from_millis(500);

/// An advertisement that has come due: what it says was settled then.
#[derive(Clone, Debug)]
pub(crate) struct Advertisement {
    pub(crate) source: Ipv6Addr,
    pub(crate) config: AdvertiseConfig,
    /// We are no router any more, and nothing that was told holds (RFC 4861 section 6.2.5).
    pub(crate) is_final: bool,
}

impl Advertisement {
    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.address(self.source.into());
        self.config.digest(digest);
        digest.bool(self.is_final);
    }
}

/// The last advertisements from an address that we were known by.
#[derive(Clone, Copy, Debug)]
struct Farewell {
    source: Ipv6Addr,
    due: Instant,
    left: u8,
}

/// What another router says otherwise than we do (RFC 4861 section 6.2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inconsistency {
    /// The other router.
    pub router: Ipv6Addr,
    /// What it is about: `hop limit`, `managed flag`, `other flag`, `reachable time`, `retrans timer`, `mtu`
    /// or `prefix lifetime`.
    pub about: &'static str,
}

/// The machine.
#[derive(Clone, Debug)]
pub(crate) struct Advertiser {
    config: AdvertiseConfig,
    /// Whether the interface is an advertising one; else only farewells are left.
    active: bool,
    /// The link-local address that we are known by, while there is one and the link is up.
    source: Option<Ipv6Addr>,
    /// When the next advertisement is due.
    next: Option<Instant>,
    /// How many more follow closely.
    initial_left: u8,
    /// When the last one was sent from `source`.
    sent: Option<Instant>,
    farewell: Option<Farewell>,
    /// What another router was last found to say otherwise.
    pub(crate) inconsistency: Option<Inconsistency>,
}

impl Advertiser {
    /// For an interface that has no address to speak from yet.
    pub(crate) fn new(config: AdvertiseConfig) -> Advertiser {
        Advertiser {
            config,
            active: true,
            source: None,
            next: None,
            initial_left: 0,
            sent: None,
            farewell: None,
            inconsistency: None,
        }
    }

    /// What is advertised, as it was set.
    pub(crate) fn config(&self) -> &AdvertiseConfig {
        &self.config
    }

    /// Whether solicitations are answered.
    pub(crate) fn is_active(&self) -> bool {
        self.active
    }

    /// Whether nothing more is to be said.
    pub(crate) fn is_over(&self) -> bool {
        !self.active && self.farewell.is_none()
    }

    /// Other things are advertised from now on, soon and a few times (RFC 4861 section 6.2.4).
    pub(crate) fn change(&mut self, now: Instant, config: AdvertiseConfig, random: &mut RandomStream) {
        self.config = config;
        self.active = true;
        // Whoever was taken leave of from the address in use is greeted again.
        self.farewell = self.farewell.filter(|farewell| Some(farewell.source) != self.source);
        self.start(now, random);
    }

    /// The address to speak from is another, or there is none (RFC 4861 section 6.2.8). With `link` down there is
    /// nobody to be told that the old one is gone.
    pub(crate) fn speak_from(&mut self, now: Instant, source: Option<Ipv6Addr>, link: bool, random: &mut RandomStream) {
        if !link {
            self.farewell = None;
        }
        if self.source == source {
            return;
        }
        if let Some(old) = self.source.filter(|_| link && self.active) {
            self.part(now, old);
        }
        self.source = source;
        self.sent = None;
        self.next = None;
        if self.active {
            self.start(now, random);
        }
    }

    /// The interface is no advertising one any more (RFC 4861 section 6.2.5).
    pub(crate) fn cease(&mut self, now: Instant) {
        if let Some(source) = self.source.filter(|_| self.active) {
            self.part(now, source);
        }
        self.active = false;
        self.next = None;
    }

    fn part(&mut self, now: Instant, source: Ipv6Addr) {
        let due = self.earliest(now);
        // Of an address that was never spoken from nobody needs to be told.
        let left = if self.sent.is_some() { MAX_FINAL_RTR_ADVERTISEMENTS } else { 0 };
        self.farewell = (left > 0).then_some(Farewell { source, due, left });
    }

    /// From when on another advertisement to all nodes may be sent.
    fn earliest(&self, now: Instant) -> Instant {
        self.sent.map_or(now, |sent| now.max(sent + MIN_DELAY_BETWEEN_RAS))
    }

    fn start(&mut self, now: Instant, random: &mut RandomStream) {
        if self.source.is_some() {
            self.initial_left = MAX_INITIAL_RTR_ADVERTISEMENTS;
            self.next = Some(self.earliest(now) + random.duration(MAX_RA_DELAY_TIME));
        }
    }

    /// Somebody asks for an advertisement (RFC 4861 section 6.2.6). It goes to all nodes, not before a
    /// random time has passed since the question or since the last one might have been followed.
    pub(crate) fn on_solicitation(&mut self, now: Instant, random: &mut RandomStream) {
        let Some(next) = self.next else { return };
        let at = self.earliest(now) + random.duration(MAX_RA_DELAY_TIME);
        self.next = Some(next.min(at));
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.next.into_iter().chain(self.farewell.map(|farewell| farewell.due)).min()
    }

    /// The next advertisement that is due: the address that it leaves from, and whether it is a final one.
    pub(crate) fn take_due(&mut self, now: Instant, random: &mut RandomStream) -> Option<(Ipv6Addr, bool)> {
        if let Some(farewell) = self.farewell.as_mut().filter(|farewell| farewell.due <= now) {
            let source = farewell.source;
            farewell.left -= 1;
            farewell.due = now + MIN_DELAY_BETWEEN_RAS;
            self.farewell = self.farewell.filter(|farewell| farewell.left > 0);
            return Some((source, true));
        }
        let source = self.source.filter(|_| self.next.is_some_and(|next| next <= now))?;
        let min = self.config.min_interval();
        let mut interval = min + random.duration(self.config.max_interval.saturating_sub(min));
        self.initial_left = self.initial_left.saturating_sub(1);
        if self.initial_left > 0 {
            interval = interval.min(MAX_INITIAL_RTR_ADVERT_INTERVAL);
        }
        self.sent = Some(now);
        self.next = Some(now + interval);
        Some((source, false))
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        self.config.digest(digest);
        digest.bool(self.active);
        digest.option(self.source, |digest, source| digest.address(source.into()));
        digest.option(self.next, Digest::instant);
        digest.u8(self.initial_left);
        digest.option(self.sent, Digest::instant);
        digest.option(self.farewell, |digest, farewell| {
            digest.address(farewell.source.into());
            digest.instant(farewell.due);
            digest.u8(farewell.left);
        });
        digest.option(self.inconsistency, |digest, found| {
            digest.address(found.router.into());
            digest.counted(found.about.as_bytes());
        });
    }
}

/// What another router advertises is compared with what we do (RFC 4861 section 6.2.7): where it would make
/// hosts switch to and fro. What either leaves open is no contradiction.
pub(crate) fn contradiction(ours: &AdvertiseConfig, theirs: &RouterAdvertisement<'_>) -> Option<&'static str> {
    let (header, told) = (ours.header(), theirs.header());
    let differ = |ours: u32, theirs: u32| ours != 0 && theirs != 0 && ours != theirs;
    let fixed = [
        (differ(header.hop_limit.into(), told.hop_limit.into()), "hop limit"),
        (header.managed != told.managed, "managed flag"),
        (header.other != told.other, "other flag"),
        (differ(header.reachable_time, told.reachable_time), "reachable time"),
        (differ(header.retrans_timer, told.retrans_timer), "retrans timer"),
    ];
    let in_fixed = fixed.into_iter().find_map(|(differs, about)| differs.then_some(about));
    in_fixed.or_else(|| {
        theirs.options().find_map(|option| match option {
            RouterOption::Mtu(mtu) => ours.mtu.is_some_and(|ours| u32::from(ours) != mtu).then_some("mtu"),
            RouterOption::Prefix(told) => {
                let is_same = |ours: &&PrefixInformation| {
                    let prefix = |it: &PrefixInformation| (truncate(it.prefix, it.prefix_len), it.prefix_len);
                    prefix(ours) == prefix(&told)
                };
                let lifetimes = |it: &PrefixInformation| (it.valid_lifetime, it.preferred_lifetime);
                let ours = ours.prefixes.iter().flatten().find(is_same)?;
                (lifetimes(ours) != lifetimes(&told)).then_some("prefix lifetime")
            }
            _ => None,
        })
    })
}
