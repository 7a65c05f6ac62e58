//! What an interface is told by routers and servers.

use crate::time::Duration;

/// Router discovery (RFC 4861 section 6.3).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NdConfig {
    /// The first Router Solicitation leaves within this time, at random; default 250 ms (RFC 4861 section
    /// 10 names 1 s as the most, `MAX_RTR_SOLICITATION_DELAY`).
    pub solicitation_delay: Duration,
}

impl Default for NdConfig {
    fn default() -> NdConfig {
        NdConfig { solicitation_delay: Duration::from_millis(250) }
    }
}

/// Stateless address autoconfiguration (RFC 4862), on interfaces that configure themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SlaacConfig {
    /// Whether interface identifiers are made from the hardware address (RFC 2464 section 4) and not from
    /// a secret, the interface and the prefix (RFC 7217, RFC 8064); default false.
    pub eui64: bool,
    /// Whether each prefix gets a temporary address beside the stable one (RFC 8981); default false.
    pub temporary_addresses: bool,
    /// How long a temporary address is valid at most; default 2 days (RFC 8981 section 3.8).
    pub temporary_valid_lifetime: Duration,
    /// How long a temporary address is preferred at most, and so how often it changes; default 1 day (RFC
    /// 8981 section 3.8). It must be shorter than the valid lifetime.
    pub temporary_preferred_lifetime: Duration,
}

impl Default for SlaacConfig {
    fn default() -> SlaacConfig {
        SlaacConfig {
            eui64: false,
            temporary_addresses: false,
            temporary_valid_lifetime: Duration::from_hours(48),
            temporary_preferred_lifetime: Duration::from_hours(24),
        }
    }
}

/// The DHCPv6 client (RFC 8415), for all interfaces of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Dhcpv6Config {
    /// Whether the M and O flags of router advertisements start it; default true (RFC 4861 section 4.2).
    pub follow_routers: bool,
    /// Whether two messages do instead of four, if the server agrees; default true (RFC 8415 section 21.14).
    pub rapid_commit: bool,
    /// Whether a client that a router's M flag starts asks for a delegated prefix too, of that many bits
    /// (0 leaves it to the server); default no.
    pub prefix_delegation: Option<u8>,
    /// Whether Reconfigure is welcome, from servers that prove to be the ones that gave the leases;
    /// default true (RFC 8415 section 20.4).
    pub reconfigure: bool,
    /// The most messages sent on an interface in 20 seconds, at least 1; default 20 (RFC 8415 section 14.1).
    pub messages_per_20s: u32,
}

impl Default for Dhcpv6Config {
    fn default() -> Dhcpv6Config {
        Dhcpv6Config {
            follow_routers: true,
            rapid_commit: true,
            prefix_delegation: None,
            reconfigure: true,
            messages_per_20s: 20,
        }
    }
}
