//! What a stack is set to: [`Config`], its [`Limits`], and one [`InterfaceConfig`] per interface.
//!
//! Every option is a run-time value. None changes which code is compiled.
//!
//! - `interface`: an interface and its addresses
//! - `ip`: IP as a host and as a router; groups
//! - `autoconf`: what an interface is told by routers and servers
//! - `tcp`: TCP
//! - `limits`: the bounds

use crate::autoconf::advertise::config::AdvertiseConfig;
use crate::autoconf::dhcpv4::config::Dhcpv4Config;
use crate::identity::Identity;
use crate::ip::multicast::querier::config::QuerierConfig;
use crate::time::Duration;

mod autoconf;
mod interface;
mod ip;
mod limits;
mod tcp;

pub use autoconf::{Dhcpv6Config, NdConfig, SlaacConfig};
pub use interface::{Acd, AddressSettings, Dad, Defense, InterfaceAddress, InterfaceConfig, Medium};
pub use ip::{IpConfig, MulticastConfig, ReversePath, RouterConfig};
pub use limits::Limits;
pub use tcp::{TcpConfig, TcpSettings};

/// How the stack as a whole behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Config {
    /// Bounds on every table, queue and buffer.
    pub limits: Limits,
    /// TCP.
    pub tcp: TcpConfig,
    /// The internet layer.
    pub ip: IpConfig,
    /// How interfaces make sure that their addresses are theirs alone, where an interface has no settings of its own.
    pub address: AddressSettings,
    /// Whether temporary addresses are preferred to public ones as a source; default true (RFC 6724
    /// section 5 rule 7). A socket that is bound to an address uses that one.
    pub prefer_temporary: bool,
    /// Group membership: IGMP and MLD.
    pub multicast: MulticastConfig,
    /// The time to live (hop limit) of packets sent, 1 to 255; default 64 (RFC 1122 section 3.2.1.7, the IANA value).
    pub hop_limit: u8,
    /// How many frames the caller may hand in before it drains transmits; default 16. It is the stretch
    /// over which acknowledgments are coalesced.
    pub rx_batch: u16,
    /// How long the fragments of a packet are held from the first that arrives; default 60 s (RFC 1122
    /// section 3.3.2: 60 to 120 s; RFC 8200 section 4.5: 60 s).
    pub reassembly_timeout: Duration,
    /// ICMP errors sent per second, both families together; default 100 (RFC 4443 section 2.4 (f)).
    pub icmp_errors_per_second: u32,
    /// ICMP errors sent to one source at once; default 6 (as Linux). Further ones follow at
    /// `icmp_source_interval`.
    pub icmp_errors_burst: u8,
    /// The time between ICMP errors to one source beyond its burst; default 1 s (as Linux).
    pub icmp_source_interval: Duration,
    /// ICMPv6 echo requests to a group that are answered per second; default 10.
    pub group_echoes_per_second: u32,
    /// Resets sent per second in answer to segments that belong to no connection; default 200.
    pub resets_per_second: u32,
    /// What DHCPv4 clients are set to by default.
    pub dhcpv4: Dhcpv4Config,
    /// The router role; off by default.
    pub router: RouterConfig,
    /// Whether any of our addresses may be used on any interface: a packet is taken in that came to an
    /// address of another interface, and leaves by another than its source address's. Default false: the
    /// strong host model (RFC 1122 section 3.3.4.2).
    pub weak_host: bool,
    /// Whether connections check their invariants after each call; default: in debug builds.
    pub checks: bool,
    /// Whether each connection is examined after each call and fact, for
    /// [`Stack::examinations`](crate::Stack::examinations); default false. It needs `checks`.
    pub examine: bool,
    /// Whether `trace_digest` folds in every input and every emitted head; default false.
    pub trace: bool,
    /// DHCPv6.
    pub dhcpv6: Dhcpv6Config,
    /// Which shard of a sharded host this stack is.
    pub shard: Shard,
    /// Router discovery and neighbor unreachability detection.
    pub nd: NdConfig,
    /// Addresses that an interface forms itself.
    pub slaac: SlaacConfig,
    /// How multicast routers ask who listens to which group.
    pub querier: QuerierConfig,
    /// What routers' interfaces advertise, where they have no settings of their own.
    pub advertise: AdvertiseConfig,
    /// Whether each interface that is added with an IPv6 address, and does not configure itself, advertises;
    /// default false (RFC 4861 section 6.2.1, `AdvSendAdvertisements`).
    pub send_advertisements: bool,
    /// What the stack knows from before a restart; default none: it is a host that has not been before.
    pub identity: Option<Identity>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            limits: Limits::default(),
            tcp: TcpConfig::default(),
            ip: IpConfig::default(),
            address: AddressSettings::default(),
            prefer_temporary: true,
            multicast: MulticastConfig::default(),
            hop_limit: 64,
            rx_batch: 16,
            reassembly_timeout: Duration::from_mins(1),
            icmp_errors_per_second: 100,
            icmp_errors_burst: 6,
            icmp_source_interval: Duration::from_secs(1),
            group_echoes_per_second: 10,
            resets_per_second: 200,
            dhcpv4: Dhcpv4Config::default(),
            router: RouterConfig::default(),
            weak_host: false,
            checks: cfg!(debug_assertions),
            examine: false,
            trace: false,
            dhcpv6: Dhcpv6Config::default(),
            shard: Shard::default(),
            nd: NdConfig::default(),
            slaac: SlaacConfig::default(),
            querier: QuerierConfig::default(),
            advertise: AdvertiseConfig::default(),
            send_advertisements: false,
            identity: None,
        }
    }
}

/// Which of several stacks that share one set of addresses this one is: it takes ephemeral ports and
/// identifications of fragmented packets from its own residue class only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Shard {
    /// This stack's number, from 0.
    pub index: u16,
    /// How many there are; at least 1.
    pub count: u16,
}

impl Default for Shard {
    fn default() -> Shard {
        Shard { index: 0, count: 1 }
    }
}
