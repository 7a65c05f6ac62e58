//! What a DHCPv4 client is set to.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use core::time::Duration;

use crate::error::Dhcpv4Error;

/// What a DHCPv4 client is set to. `Config::dhcpv4` holds what the options by name say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Dhcpv4Config {
    /// Whether a two-message exchange is offered to servers; default true (RFC 4039).
    pub rapid_commit: bool,
    /// How long, with a former server known, offers of others wait for its offer; default 0, the first
    /// acceptable offer is taken (RFC 2131 section 4.4.1 leaves the choice).
    pub former_server_wait: Duration,
    /// How long nobody may answer before an IPv4 link-local address is taken (RFC 3927 section 1.9);
    /// default 10 s, `None` for never. The client goes on trying, and the link-local address goes once a
    /// lease is in use.
    pub link_local_after: Option<Duration>,
    /// Whether the host can do without IPv4 where the network prefers that; default false (RFC 8925).
    pub ipv6_only_capable: bool,
    /// Whether the known router is asked for when the link comes up, beside the request to servers;
    /// default true (RFC 4436).
    pub detect_attachment: bool,
    /// The name sent to servers, at most 255 bytes; default none (RFC 2132 section 3.14).
    pub host_name: Option<String>,
    /// The address to suggest in the first message; default none (RFC 2131 section 4.4.1).
    pub requested_address: Option<Ipv4Addr>,
    /// The client identifier: type byte and the rest, 2 to 255 bytes; default: from DUID and IAID
    /// (RFC 4361 section 6.1).
    pub client_id: Option<Vec<u8>>,
}

impl Dhcpv4Config {
    /// Whether the values can stand in their options.
    pub(crate) fn check(&self) -> Result<(), Dhcpv4Error> {
        let name_fits = self.host_name.as_ref().is_none_or(|name| (1..=255).contains(&name.len()));
        let id_fits = self.client_id.as_ref().is_none_or(|id| (2..=255).contains(&id.len()));
        if name_fits && id_fits { Ok(()) } else { Err(Dhcpv4Error::BadConfig) }
    }
}

impl Default for Dhcpv4Config {
    fn default() -> Dhcpv4Config {
        Dhcpv4Config {
            rapid_commit: true,
            former_server_wait: Duration::ZERO,
            link_local_after: Some(Duration::from_secs(10)),
            ipv6_only_capable: false,
            detect_attachment: true,
            host_name: None,
            requested_address: None,
            client_id: None,
        }
    }
}
