//! What a router advertises on an interface: the configuration variables of RFC 4861 section 6.2.1, with
//! what RFC 4191 and RFC 8106 add.

use alloc::vec::Vec;
use core::net::Ipv6Addr;

use crate::digest::Digest;
use crate::error::AdvertiseError;
use crate::time::Duration;
use crate::wire::domain_name::DomainName;
use crate::wire::ipv6;
use crate::wire::ndp_options::{self, PrefixInformation, RouteInformation};
use crate::wire::ndp_router::{ADVERTISEMENT_LEN, RouterAdvertisementHeader, RouterPreference};

/// The least time between two unsolicited advertisements that can be set.
const MIN_INTERVAL: Duration = Duration::from_secs(3);
/// The bounds of `MaxRtrAdvInterval`.
const MAX_INTERVAL: core::ops::RangeInclusive<Duration> = Duration::from_secs(4)..=Duration::from_mins(30);
/// The bound of `AdvDefaultLifetime`.
const LIFETIME_MAX: Duration = Duration::from_mins(150);
/// The bound of `AdvReachableTime`.
const REACHABLE_MAX: Duration = Duration::from_hours(1);
/// RFC 4191 section 4: "Routers SHOULD NOT send more than 17 Route Information Options".
const ROUTES_MAX: usize = 17;
/// What an RDNSS option can hold (RFC 8106 section 5.1).
const SERVERS_MAX: usize = 127;
/// What a DNSSL option can hold, in bytes.
const DOMAINS_MAX: usize = 2032;

/// How long a prefix is valid unless it is said otherwise, `AdvValidLifetime`: 30 days, in seconds.
const VALID_LIFETIME: u32 = 2_592_000;
/// How long it is preferred, `AdvPreferredLifetime`: 7 days, in seconds.
const PREFERRED_LIFETIME: u32 = 604_800;

/// What an interface advertises. `Config::advertise` holds what the options by name say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AdvertiseConfig {
    /// The longest time between two unsolicited advertisements, 4 s to 30 min; default 10 min
    /// (`MaxRtrAdvInterval`).
    pub max_interval: Duration,
    /// The least, 3 s to three quarters of the longest; default a third of it, or three quarters where
    /// that is below 3 s (`MinRtrAdvInterval`).
    pub min_interval: Option<Duration>,
    /// For how long hosts take us for a default router: 0, or from the longest interval to 9,000 s, in
    /// whole seconds; default three times that interval (`AdvDefaultLifetime`). A stack that does not
    /// forward says 0, whatever is set here (RFC 4861 section 6.2.5).
    pub router_lifetime: Option<Duration>,
    /// How much we are preferred to other default routers; default medium (RFC 4191 section 2.2).
    pub preference: RouterPreference,
    /// The hop limit that hosts are to send with; 0 does not tell one; default 64 (`AdvCurHopLimit`).
    pub hop_limit: u8,
    /// The MTU that all on the link are to use, 1,280 to the interface's own; default not told (`AdvLinkMTU`).
    pub mtu: Option<u16>,
    /// How long hosts are to take a confirmation of reachability for good, to 1 h; default 0, not told
    /// (`AdvReachableTime`).
    pub reachable_time: Duration,
    /// The time between their solicitations, to 2^32 - 1 ms; default 0, not told (`AdvRetransTimer`).
    pub retrans_timer: Duration,
    /// Whether addresses are to be had by `DHCPv6` (`AdvManagedFlag`); default false.
    pub managed: bool,
    /// Whether other configuration is to be had by `DHCPv6` (`AdvOtherConfigFlag`); default false.
    pub other: bool,
    /// The prefixes; default those of the interface's own addresses that were set by hand, on the link
    /// and, with 64 bits, for autoconfiguration, valid for 30 days and preferred for 7 (`AdvPrefixList`).
    pub prefixes: Option<Vec<PrefixInformation>>,
    /// Routes through us, at most 17; default none (RFC 4191 section 2.3).
    pub routes: Vec<RouteInformation>,
    /// Recursive name servers, at most 127; default none (RFC 8106 section 5.1).
    pub name_servers: Vec<Ipv6Addr>,
    /// Domains to search, at most 2,032 bytes of them; default none (RFC 8106 section 5.2).
    pub search_domains: Vec<DomainName>,
    /// How long name servers and domains may be used, in whole seconds; default three times the longest
    /// interval (RFC 8106 section 5.1).
    pub resolver_lifetime: Option<Duration>,
}

impl Default for AdvertiseConfig {
    fn default() -> AdvertiseConfig {
        AdvertiseConfig {
            max_interval: Duration::from_mins(10),
            min_interval: None,
            router_lifetime: None,
            preference: RouterPreference::Medium,
            hop_limit: 64,
            mtu: None,
            reachable_time: Duration::ZERO,
            retrans_timer: Duration::ZERO,
            managed: false,
            other: false,
            prefixes: None,
            routes: Vec::new(),
            name_servers: Vec::new(),
            search_domains: Vec::new(),
            resolver_lifetime: None,
        }
    }
}

impl AdvertiseConfig {
    /// Whether each value is one that it may be, on a link of this MTU.
    pub(crate) fn check(&self, mtu: u16) -> Result<(), AdvertiseError> {
        let (max, min) = (self.max_interval, self.min_interval());
        let is_lifetime = |lifetime: Duration| lifetime.is_zero() || (max..=LIFETIME_MAX).contains(&lifetime);
        let is_told_mtu = |told: u16| usize::from(told) >= ipv6::MIN_MTU && told <= mtu;
        let fits_u32 = |time: Duration| u32::try_from(time.as_secs()).is_ok();
        let domains_len: usize = self.search_domains.iter().map(DomainName::wire_len).sum();
        let is_server = |server: &Ipv6Addr| !server.is_multicast() && !server.is_unspecified();
        let checks = [
            (usize::from(mtu) >= ipv6::MIN_MTU, AdvertiseError::MtuTooSmall),
            (MAX_INTERVAL.contains(&max), AdvertiseError::MaxInterval),
            (MIN_INTERVAL <= min && min <= max * 3 / 4, AdvertiseError::MinInterval),
            (is_lifetime(self.router_lifetime()), AdvertiseError::RouterLifetime),
            (self.mtu.is_none_or(is_told_mtu), AdvertiseError::Mtu),
            (self.reachable_time <= REACHABLE_MAX, AdvertiseError::ReachableTime),
            (self.retrans_timer.as_millis() <= u128::from(u32::MAX), AdvertiseError::RetransTimer),
            (self.prefixes.iter().flatten().all(is_prefix), AdvertiseError::Prefix),
            (self.routes.len() <= ROUTES_MAX, AdvertiseError::TooManyRoutes),
            (self.routes.iter().all(is_route), AdvertiseError::Route),
            (self.name_servers.iter().all(is_server), AdvertiseError::NameServer),
            (self.name_servers.len() <= SERVERS_MAX, AdvertiseError::TooManyNameServers),
            (domains_len <= DOMAINS_MAX, AdvertiseError::SearchDomains),
            (fits_u32(self.resolver_lifetime()), AdvertiseError::ResolverLifetime),
            (self.message_len() + ipv6::HEADER_LEN <= usize::from(mtu), AdvertiseError::TooLong),
        ];
        checks.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, error)| Err(error))
    }

    /// The least time between unsolicited advertisements.
    pub(crate) fn min_interval(&self) -> Duration {
        let third = self.max_interval / 3;
        self.min_interval.unwrap_or(if third >= MIN_INTERVAL { third } else { self.max_interval * 3 / 4 })
    }

    /// For how long hosts take us for a default router.
    pub(crate) fn router_lifetime(&self) -> Duration {
        self.router_lifetime.unwrap_or(self.max_interval * 3)
    }

    fn resolver_lifetime(&self) -> Duration {
        self.resolver_lifetime.unwrap_or(self.max_interval * 3)
    }

    /// The lifetime of the resolver options as the wire tells it, in seconds.
    pub(crate) fn resolver_seconds(&self) -> u32 {
        u32::try_from(self.resolver_lifetime().as_secs()).unwrap_or(ndp_options::INFINITE)
    }

    /// The length of a message with all that is set here, in bytes.
    pub(crate) fn message_len(&self) -> usize {
        let servers = if self.name_servers.is_empty() { 0 } else { 8 + 16 * self.name_servers.len() };
        let domains: usize = self.search_domains.iter().map(DomainName::wire_len).sum();
        let domains = if domains == 0 { 0 } else { 8 + domains.next_multiple_of(8) };
        let mtu = if self.mtu.is_some() { 8 } else { 0 };
        let prefixes = PREFIX_LEN * self.prefixes.as_ref().map_or(0, Vec::len);
        // 8 are those of our link-layer address, 24 those of a route.
        ADVERTISEMENT_LEN + 8 + mtu + prefixes + 24 * self.routes.len() + servers + domains
    }

    /// The fixed part of an advertisement.
    pub(crate) fn header(&self) -> RouterAdvertisementHeader {
        RouterAdvertisementHeader {
            hop_limit: self.hop_limit,
            managed: self.managed,
            other: self.other,
            preference: self.preference,
            router_lifetime: self.router_lifetime().as_secs() as u16,
            reachable_time: self.reachable_time.as_millis() as u32,
            retrans_timer: self.retrans_timer.as_millis() as u32,
        }
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        let time = |digest: &mut Digest, time: Duration| digest.u64(time.as_nanos() as u64);
        time(digest, self.max_interval);
        digest.option(self.min_interval, time);
        digest.option(self.router_lifetime, time);
        digest.u8(self.preference as u8);
        digest.u8(self.hop_limit);
        digest.option(self.mtu, Digest::u16);
        time(digest, self.reachable_time);
        time(digest, self.retrans_timer);
        digest.bool(self.managed);
        digest.bool(self.other);
        digest.option(self.prefixes.as_deref(), |digest, prefixes| {
            digest.count(prefixes.len());
            for told in prefixes {
                digest.address(told.prefix.into());
                digest.bytes(&[told.prefix_len, u8::from(told.on_link), u8::from(told.autonomous)]);
                digest.u32(told.valid_lifetime);
                digest.u32(told.preferred_lifetime);
            }
        });
        digest.count(self.routes.len());
        for route in &self.routes {
            digest.address(route.prefix.into());
            digest.bytes(&[route.prefix_len, route.preference as u8]);
            digest.u32(route.lifetime);
        }
        digest.count(self.name_servers.len());
        for server in &self.name_servers {
            digest.address((*server).into());
        }
        digest.count(self.search_domains.len());
        for domain in &self.search_domains {
            digest.counted(domain.as_str().as_bytes());
        }
        digest.option(self.resolver_lifetime, time);
    }
}

/// Length of a Prefix Information option, in bytes.
pub(crate) const PREFIX_LEN: usize = 32;

/// What is advertised of the prefix of an address that was set by hand.
pub(crate) const fn own_prefix(prefix: Ipv6Addr, prefix_len: u8) -> PrefixInformation {
    PrefixInformation {
        prefix,
        prefix_len,
        on_link: true,
        // RFC 4862 section 5.5.3 (d): what is left of 128 bits must be an interface identifier.
        autonomous: prefix_len == 64,
        valid_lifetime: VALID_LIFETIME,
        preferred_lifetime: PREFERRED_LIFETIME,
    }
}

/// RFC 4861 section 6.2.1: not the link-local one, and preferred no longer than valid.
fn is_prefix(told: &PrefixInformation) -> bool {
    told.prefix_len <= 128
        && !told.prefix.is_multicast()
        && !told.prefix.is_unicast_link_local()
        && told.preferred_lifetime <= told.valid_lifetime
}

/// Whether a route leads to destinations that there can be.
fn is_route(route: &RouteInformation) -> bool {
    route.prefix_len <= 128 && !route.prefix.is_multicast()
}
