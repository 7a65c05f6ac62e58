//! A lease: the address, from whom, for how long, and what came with it.

use alloc::boxed::Box;
use core::net::Ipv4Addr;

use super::Env;
use super::settings::{Dhcpv4Settings, class_len, is_host, mask_len, read};
use crate::config::InterfaceAddress;
use crate::digest::Digest;
use crate::error::DropReason;
use crate::rng::RandomStream;
use crate::time::{Duration, Instant};
use crate::wire::dhcpv4::{Dhcpv4Message, option};
use crate::wire::ethernet::EthernetAddress;

/// A lease time of all ones: for ever (RFC 2131 section 3.3).
const INFINITE: u32 = u32::MAX;

/// When a lease is to be renewed, rebound, and over; each is `None` for never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LeaseTimes {
    pub(crate) t1: Option<Instant>,
    pub(crate) t2: Option<Instant>,
    pub(crate) expires: Option<Instant>,
}

/// A lease, or the offer of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) address: Ipv4Addr,
    pub(crate) prefix_len: u8,
    /// Option 54: the server's name and address.
    pub(crate) server: Ipv4Addr,
    /// Who handed its message over on our link: the server itself or a relay agent.
    pub(crate) station: EthernetAddress,
    pub(crate) times: LeaseTimes,
    /// The hardware address of the first router, once it is known (RFC 4436 section 2).
    pub(crate) router_station: Option<EthernetAddress>,
    pub(crate) settings: Dhcpv4Settings,
}

impl Lease {
    /// The lease in an acknowledgment to a request that was sent at `since`, or in an offer. It may be over already.
    pub(super) fn read(
        message: &Dhcpv4Message<'_>,
        station: EthernetAddress,
        since: Instant,
        env: &mut Env<'_>,
    ) -> Result<Box<Lease>, DropReason> {
        let address = message.header().yiaddr;
        let server = read(message, option::SERVER_ID, env, server_id).ok_or(DropReason::Dhcpv4Unusable)?;
        let seconds = read(message, option::LEASE_TIME, env, seconds).filter(|seconds| *seconds > 0);
        let seconds = seconds.ok_or(DropReason::Dhcpv4Unusable)?;
        let prefix_len = read(message, option::SUBNET_MASK, env, mask_len).unwrap_or(class_len(address));
        let own = InterfaceAddress::v4(address, prefix_len);
        let is_subnet = prefix_len < 31 && crate::ip::address::truncate(address.into(), prefix_len) == address;
        if !is_host(address) || !own.is_valid() || is_subnet {
            return Err(DropReason::Dhcpv4Unusable);
        }
        let times = LeaseTimes::new(message, seconds, since, env);
        let settings = Dhcpv4Settings::read(message, env);
        Ok(Box::new(Lease { address, prefix_len, server, station, times, router_station: None, settings }))
    }

    /// The router that shows which network this is (RFC 4436 section 2): that of the default route, or the
    /// first one named.
    pub(crate) fn gateway(&self) -> Option<Ipv4Addr> {
        let default = self.settings.routes.iter().find(|route| route.prefix_len == 0);
        default.and_then(|route| route.gateway).or(self.settings.routers.first().copied())
    }

    /// Whether the lease is over at `now`.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.times.expires.is_some_and(|expires| expires <= now)
    }

    pub(super) fn digest(&self, digest: &mut Digest) {
        digest.bytes(&self.address.octets());
        digest.u8(self.prefix_len);
        digest.bytes(&self.server.octets());
        digest.bytes(&self.station.0);
        for time in [self.times.t1, self.times.t2, self.times.expires] {
            digest.option(time, Digest::instant);
        }
        digest.option(self.router_station, |digest, station| digest.bytes(&station.0));
        self.settings.digest(digest);
    }
}

impl LeaseTimes {
    /// RFC 2131 section 4.4.5: T1 is half of the lease unless the server says otherwise, T2 seven
    /// eighths; what the server says counts only if T1 is before T2 and T2 before the end. Both are then
    /// moved to a little earlier at random, so that clients that started together don't ask together.
    fn new(message: &Dhcpv4Message<'_>, lease: u32, since: Instant, env: &mut Env<'_>) -> LeaseTimes {
        let t1 = read(message, option::RENEWAL_TIME, env, seconds);
        let t2 = read(message, option::REBINDING_TIME, env, seconds);
        if lease == INFINITE {
            return LeaseTimes { t1: None, t2: None, expires: None };
        }
        let whole = Duration::from_secs(lease.into());
        let usual = (whole / 2, whole / 8 * 7);
        let named = |time: Option<u32>, usual| time.map_or(usual, |time| Duration::from_secs(time.into()));
        let (t1, t2) = (named(t1, usual.0), named(t2, usual.1));
        let (t1, t2) = if Duration::ZERO < t1 && t1 < t2 && t2 < whole { (t1, t2) } else { usual };
        let t2 = t2.saturating_sub(fraction(env.random, t2.saturating_sub(t1) / 16));
        let t1 = t1.saturating_sub(fraction(env.random, t1 / 16));
        LeaseTimes { t1: Some(since + t1), t2: Some(since + t2), expires: Some(since + whole) }
    }
}

/// A duration below `bound`.
fn fraction(random: &mut RandomStream, bound: Duration) -> Duration {
    let nanos = (u128::from(random.next_u32()) * bound.as_nanos()) >> 32;
    Duration::from_nanos(nanos as u64)
}

fn seconds(value: &[u8]) -> Option<u32> {
    value.try_into().ok().map(u32::from_be_bytes)
}

/// RFC 2132 section 9.7. A server that no packet can reach is none.
pub(super) fn server_id(value: &[u8]) -> Option<Ipv4Addr> {
    let octets: [u8; 4] = value.try_into().ok()?;
    let server = Ipv4Addr::from(octets);
    let [first, ..] = octets;
    (first != 0 && first < 224 && !server.is_loopback()).then_some(server)
}
