//! The Advertise messages that have come, best first (RFC 8415 section 18.2.9).

use alloc::vec::Vec;
use smallvec::SmallVec;

use super::duid::Duid;
use super::exchange::Resource;
use crate::digest::Digest;
use crate::time::Duration;

/// The preference that ends the waiting for others (section 18.2.1).
pub(super) const PREFERENCE_MAX: u8 = 255;

/// What a server has offered.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) server: Duid,
    pub(super) preference: u8,
    pub(super) resources: SmallVec<[Resource; 2]>,
}

impl Offer {
    /// What it is chosen by: the preference, then how many of the wanted associations it serves.
    fn rank(&self) -> (u8, bool) {
        let delegates = self.resources.iter().any(|resource| resource.delegated);
        let addresses = self.resources.iter().any(|resource| !resource.delegated);
        (self.preference, delegates && addresses)
    }
}

/// The offers of one Solicit, best first; of equal ones the earlier.
#[derive(Clone, Debug, Default)]
pub(super) struct Offers {
    list: Vec<Offer>,
    /// What all Advertise messages of this Solicit say of `SOL_MAX_RT`.
    pub(super) sol_max_rt: Advertised,
    /// The same of `INF_MAX_RT`.
    pub(super) inf_max_rt: Advertised,
}

impl Offers {
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Puts an offer where it belongs, in place of an earlier one of the same server. If that makes more
    /// than `limit`, the last one goes, and it returns `false`.
    pub(super) fn add(&mut self, offer: Offer, limit: usize) -> bool {
        self.list.retain(|known| known.server != offer.server);
        let at = self.list.partition_point(|known| known.rank() >= offer.rank());
        self.list.insert(at, offer);
        let fits = self.list.len() <= limit;
        self.list.truncate(limit);
        fits
    }

    /// Takes the best.
    pub(super) fn take_best(&mut self) -> Option<Offer> {
        (!self.list.is_empty()).then(|| self.list.remove(0))
    }

    pub(super) fn digest(&self, digest: &mut Digest) {
        digest.count(self.list.len());
        for offer in &self.list {
            offer.server.digest(digest);
            digest.u8(offer.preference);
            digest.count(offer.resources.len());
            for resource in &offer.resources {
                digest.bool(resource.delegated);
                digest.address(resource.prefix.into());
                digest.u8(resource.prefix_len);
            }
        }
        self.sol_max_rt.digest(digest);
        self.inf_max_rt.digest(digest);
    }
}

/// A value that counts only if all servers say the same (section 18.2.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Advertised {
    #[default]
    Nothing,
    Agreed(Duration),
    Disputed,
}

impl Advertised {
    pub(super) fn hear(&mut self, value: Duration) {
        *self = match *self {
            Advertised::Nothing => Advertised::Agreed(value),
            Advertised::Agreed(agreed) if agreed == value => Advertised::Agreed(value),
            _ => Advertised::Disputed,
        };
    }

    /// What it makes of a value set before.
    pub(super) fn apply(self, value: &mut Option<Duration>) {
        match self {
            Advertised::Nothing => {}
            Advertised::Agreed(agreed) => *value = Some(agreed),
            Advertised::Disputed => *value = None,
        }
    }

    fn digest(self, digest: &mut Digest) {
        match self {
            Advertised::Nothing => digest.u8(0),
            Advertised::Agreed(value) => {
                digest.u8(1);
                digest.u64(value.as_secs());
            }
            Advertised::Disputed => digest.u8(2),
        }
    }
}
