//! Self-configuration: machines of pure data, one set per interface. Each has a deadline, is told of
//! time and messages, and hands back what is to be done; the files of their names under `stack` do it.
//!
//! | module | what | RFC |
//! |---|---|---|
//! | `announcement` | telling a link of a new hardware address | 826, 5227, 4861 |
//! | `acd` | IPv4 address conflict detection | 5227 |
//! | [`advertise`] | a router's advertisements | 4861 section 6.2 |
//! | `dad` | IPv6 duplicate address detection | 4862, 4429, 7527 |
//! | `dhcpv4` | an IPv4 address from a server | 2131 |
//! | `link_local` | IPv4 link-local addresses | 3927 |
//! | `router_discovery` | what an interface knows from the routers of its link | 4861 |
//! | `solicit` | when routers are solicited | 7559 |
//! | `routers` | default routers and their routes | 4861, 4191 |
//! | `prefixes` | what is on the link, and what addresses are formed from | 4861, 4862 |
//! | `resolvers` | name servers and search domains | 8106 |
//! | `interface_id` | the lower half of an address that we form | 7217, 2464 |
//! | `temporary` | temporary addresses | 8981 |
//! | [`dhcpv6`] | addresses, prefixes and configuration from servers | 8415 |
//! | `lifetime` | lifetimes as the wire tells them | |

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};

use crate::digest::Digest;
use crate::stack::Cause;
use crate::time::Instant;

pub(crate) mod acd;
pub mod advertise;
pub(crate) mod announcement;
pub(crate) mod dad;
pub(crate) mod dhcpv4;
pub mod dhcpv6;
pub(crate) mod interface_id;
pub(crate) mod lifetime;
pub(crate) mod link_local;
pub(crate) mod prefixes;
pub(crate) mod resolvers;
pub(crate) mod router_discovery;
pub(crate) mod routers;
pub(crate) mod solicit;
pub(crate) mod temporary;

use advertise::Advertiser;
use dhcpv4::Dhcpv4Client;
use dhcpv6::Dhcpv6Client;
use router_discovery::RouterDiscovery;

/// The machines of one interface.
#[derive(Clone, Debug, Default)]
pub(crate) struct Autoconf {
    pub(crate) router_discovery: RouterDiscovery,
    pub(crate) dhcpv6: Option<Box<Dhcpv6Client>>,
    /// At most one per address of the interface.
    pub(crate) claims: Vec<acd::Claim>,
    pub(crate) conflicts: acd::Conflicts,
    /// At most one per address of the interface.
    pub(crate) detections: Vec<dad::Detection>,
    pub(crate) dhcpv4: Option<Box<Dhcpv4Client>>,
    /// Neighbors are being told of a new hardware address.
    pub(crate) announcement: Option<announcement::Announcement>,
    /// Whether an IPv4 link-local address is wanted.
    pub(crate) link_local: Option<link_local::LinkLocal>,
    /// Where we are a router to the hosts of the link.
    pub(crate) advertiser: Option<Box<Advertiser>>,
}

impl Autoconf {
    /// The earliest deadline of the machines, and which it is.
    pub(crate) fn deadline(&self) -> Option<(Instant, Cause)> {
        let claim = self.claims.iter().filter_map(acd::Claim::deadline).min();
        let detection = self.detections.iter().map(dad::Detection::deadline).min();
        let dhcpv4 = self.dhcpv4.as_ref().and_then(|client| client.deadline());
        let parts = [
            claim.map(|at| (at, Cause::ConflictDetection)),
            detection.map(|at| (at, Cause::DuplicateDetection)),
            self.dhcpv6.as_deref().and_then(Dhcpv6Client::deadline).map(|at| (at, Cause::Dhcpv6)),
            self.router_discovery.deadline().map(|at| (at, Cause::RouterDiscovery)),
            dhcpv4.map(|at| (at, Cause::Dhcpv4)),
            self.advertiser.as_deref().and_then(Advertiser::deadline).map(|at| (at, Cause::RouterAdvertisement)),
        ];
        parts.into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// An address is not to be claimed or verified any more.
    pub(crate) fn forget(&mut self, address: IpAddr) {
        self.claims.retain(|claim| IpAddr::V4(claim.address) != address);
        self.detections.retain(|detection| IpAddr::V6(detection.address) != address);
    }

    /// Nothing can be asked: what is not verified yet stays so until the link is back.
    pub(crate) fn on_link_down(&mut self) {
        self.claims.clear();
        self.detections.clear();
        self.router_discovery.on_link_down();
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.count(self.claims.len());
        for claim in &self.claims {
            claim.digest(digest);
        }
        self.conflicts.digest(digest);
        digest.option(self.announcement, |digest, announcement| announcement.digest(digest));
        digest.count(self.detections.len());
        for detection in &self.detections {
            detection.digest(digest);
        }
        digest.option(self.dhcpv4.as_ref(), |digest, client| client.digest(digest));
        digest.option(self.link_local.as_ref(), |digest, link_local| link_local.digest(digest));
        self.router_discovery.digest(digest);
        digest.option(self.dhcpv6.as_deref(), |digest, client| client.digest(digest));
        digest.option(self.advertiser.as_deref(), |digest, advertiser| advertiser.digest(digest));
    }
}

/// The first `len` bits of an IPv6 address, the rest zero.
pub(crate) fn truncate(address: Ipv6Addr, len: u8) -> Ipv6Addr {
    match crate::ip::address::truncate(IpAddr::V6(address), len) {
        IpAddr::V6(prefix) => prefix,
        IpAddr::V4(_) => address,
    }
}
