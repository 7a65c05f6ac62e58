//! What a multicast router asks, and how often: the timers of RFC 3376 section 8 and RFC 3810 section 9.

use crate::ip::multicast::member::Protocol;
use crate::time::Duration;
use crate::wire::membership::Version;

/// How a stack asks which groups hosts listen to, in both protocols.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct QuerierConfig {
    /// Whether the interfaces that are added ask, where they have no setting of their own; default false.
    pub enabled: bool,
    /// How many losses in a row are survived, and one more, 1 to 7; default 2 (RFC 3376 section 8.1).
    pub robustness: u8,
    /// The time between general queries; default 125 s (RFC 3376 section 8.2).
    pub query_interval: Duration,
    /// Within which time hosts answer them, less than the interval between them; default 10 s (RFC 3376 section 8.3).
    pub response_interval: Duration,
    /// The time between the first general queries; default a quarter of the interval (RFC 3376 section 8.6).
    pub startup_query_interval: Option<Duration>,
    /// How many those are; default the robustness variable (RFC 3376 section 8.7).
    pub startup_query_count: Option<u8>,
    /// Within which time hosts answer when one has left, and the time between those queries; default 1 s
    /// (RFC 3376 section 8.8).
    pub last_member_query_interval: Duration,
    /// How many those are, before nobody is taken to be left; default the robustness variable (RFC 3376
    /// section 8.9).
    pub last_member_query_count: Option<u8>,
    /// The version of IGMP that is asked in, 1 to 3; default 3. All routers of a link must ask in that of the oldest
    /// (RFC 3376 section 7.3.1).
    pub igmp_version: Version,
    /// The version of MLD that is asked in, 1 or 2; default 2 (RFC 3810 section 8.3.1).
    pub mld_version: Version,
}

impl Default for QuerierConfig {
    fn default() -> QuerierConfig {
        QuerierConfig {
            enabled: false,
            robustness: 2,
            query_interval: Duration::from_secs(125),
            response_interval: Duration::from_secs(10),
            startup_query_interval: None,
            startup_query_count: None,
            last_member_query_interval: Duration::from_secs(1),
            last_member_query_count: None,
            igmp_version: 3,
            mld_version: 2,
        }
    }
}

impl QuerierConfig {
    pub(crate) const fn version(&self, protocol: Protocol) -> Version {
        match protocol {
            Protocol::Igmp => self.igmp_version,
            Protocol::Mld => self.mld_version,
        }
    }
}
