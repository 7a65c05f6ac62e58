//! Self-configuration: machines of pure data, one set per interface. Each has a deadline, is told of
//! time and messages, and hands back actions; the files of their names under `stack` perform these.
//!
//! | module | what | RFC |
//! |---|---|---|
//! | [`router_discovery`] | what an interface knows from the routers of its link | 4861 |
//! | `solicit` | when routers are solicited | 7559 |
//! | `routers` | default routers and their routes | 4861, 4191 |
//! | `prefixes` | what is on the link, and what addresses are formed from | 4861, 4862 |
//! | `resolvers` | name servers and search domains | 8106 |
//! | `interface_id` | the lower half of an address that we form | 7217, 2464 |
//! | `temporary` | temporary addresses | 8981 |
//! | `lifetime` | lifetimes as the wire tells them | |

use core::net::{IpAddr, Ipv6Addr};

use crate::digest::Digest;
use crate::stack::Cause;
use crate::time::Instant;

pub(crate) mod interface_id;
pub(crate) mod lifetime;
pub(crate) mod prefixes;
pub(crate) mod resolvers;
pub(crate) mod router_discovery;
pub(crate) mod routers;
pub(crate) mod solicit;
pub(crate) mod temporary;

use router_discovery::RouterDiscovery;

/// The machines of one interface.
#[derive(Clone, Debug, Default)]
pub(crate) struct Autoconf {
    pub(crate) router_discovery: RouterDiscovery,
}

impl Autoconf {
    /// The earliest deadline of the machines, and which it is.
    pub(crate) fn deadline(&self) -> Option<(Instant, Cause)> {
        let router_discovery = self.router_discovery.deadline().map(|at| (at, Cause::RouterDiscovery));
        [router_discovery].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        self.router_discovery.digest(digest);
    }
}

/// The first `len` bits of an IPv6 address, the rest zero.
pub(crate) fn truncate(address: Ipv6Addr, len: u8) -> Ipv6Addr {
    match crate::ip::address::truncate(IpAddr::V6(address), len) {
        IpAddr::V6(prefix) => prefix,
        IpAddr::V4(_) => address,
    }
}
