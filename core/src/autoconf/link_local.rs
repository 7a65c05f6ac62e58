//! IPv4 link-local addresses (RFC 3927): which one to try next. Probing, announcing and defending is
//! what `acd` does for every address.

use core::net::Ipv4Addr;

use crate::digest::Digest;
use crate::wire::ethernet::EthernetAddress;

/// Addresses to choose from: 169.254.1.0 to 169.254.254.255 (section 2.1).
const ADDRESSES: u64 = 254 * 256;
const FIRST: Ipv4Addr = Ipv4Addr::new(169, 254, 1, 0);

/// An interface's search for a link-local address.
#[derive(Clone, Debug)]
pub(crate) struct LinkLocal {
    station: EthernetAddress,
    /// The address of last time, to be tried first.
    remembered: Option<Ipv4Addr>,
    /// Addresses that were another host's.
    conflicts: u32,
}

impl LinkLocal {
    pub(crate) fn new(station: EthernetAddress, remembered: Option<Ipv4Addr>) -> LinkLocal {
        LinkLocal { station, remembered: remembered.filter(|address| is_candidate(*address)), conflicts: 0 }
    }

    /// The address to try. It follows from the station's address, so that a host has the same one after
    /// each start, and two hosts don't try the same ones in the same order (section 2.1).
    pub(crate) fn candidate(&self) -> Ipv4Addr {
        if let Some(remembered) = self.remembered {
            return remembered;
        }
        let mut digest = Digest::new();
        digest.bytes(&self.station.0);
        digest.u32(self.conflicts);
        // 2^64 is so much more than there are addresses that the remainder is as good as uniform.
        let offset = (digest.finish() % ADDRESSES) as u32;
        Ipv4Addr::from_bits(FIRST.to_bits() + offset)
    }

    /// The candidate is another host's.
    pub(crate) fn on_conflict(&mut self) {
        self.remembered = None;
        self.conflicts = self.conflicts.wrapping_add(1);
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.option(self.remembered, |digest, address| digest.address(address.into()));
        digest.u32(self.conflicts);
    }
}

fn is_candidate(address: Ipv4Addr) -> bool {
    address.is_link_local() && !matches!(address.octets()[2], 0 | 255)
}
