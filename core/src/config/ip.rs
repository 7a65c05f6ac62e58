//! IP as a host and as a router; groups.

use crate::ip::options::DroppedOptions;
use crate::time::Duration;

/// Which way a forwarded packet's source has to lie (RFC 3704 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ReversePath {
    /// Whichever.
    Off,
    /// There is some route to it.
    Loose,
    /// The best route to it leads out where the packet came in.
    Strict,
}

/// What a stack does as a router (RFC 1812).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RouterConfig {
    /// Whether packets for other hosts are forwarded between the interfaces; default false.
    pub forwarding: bool,
    /// How their source is checked; default strict (RFC 2827, RFC 3704).
    pub reverse_path: ReversePath,
    /// Whether senders are told of better first hops, ten times a second at most; default true (RFC 1812
    /// section 5.2.7.2, RFC 4861 section 8.2).
    pub redirects: bool,
}

impl Default for RouterConfig {
    fn default() -> RouterConfig {
        RouterConfig { forwarding: false, reverse_path: ReversePath::Strict, redirects: true }
    }
}

/// How routers are told which groups are listened to (RFC 3376, RFC 3810).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MulticastConfig {
    /// How often each change is reported, until a querier has told its own robustness variable, 1 to 7;
    /// default 2 (RFC 3376 section 8.1, RFC 3810 section 9.1).
    pub robustness: u8,
    /// The longest time between these reports; default 1 s (RFC 3376 section 8.11, RFC 3810 section 9.11).
    pub unsolicited_report_interval: Duration,
    /// Reports sent per second on an interface, 1 to 255; default 10. Those beyond are sent later.
    pub reports_per_second: u8,
    /// Whether groups of link-local scope (`224.0.0.0/24`, `ff02::/16`) are reported; default true, as
    /// switches that look into reports need it (as Linux's `igmp_link_local_mcast_reports`).
    pub link_local_reports: bool,
    /// Whether IGMPv2 and IGMPv3 queries without Router Alert are ignored; default true (RFC 3376 section 9.1).
    pub router_alert_required: bool,
    /// The version of IGMP that is spoken whatever queriers speak, 1 to 3; default theirs (as Linux's
    /// `force_igmp_version`).
    pub igmp_version: Option<u8>,
    /// The version of MLD that is spoken whatever queriers speak, 1 or 2; default theirs.
    pub mld_version: Option<u8>,
}

impl Default for MulticastConfig {
    fn default() -> MulticastConfig {
        MulticastConfig {
            robustness: 2,
            unsolicited_report_interval: Duration::from_secs(1),
            reports_per_second: 10,
            link_local_reports: true,
            router_alert_required: true,
            igmp_version: None,
            mld_version: None,
        }
    }
}

/// The internet layer's switches and times.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct IpConfig {
    /// Whether the IPv6 packets of a TCP connection or connected UDP socket carry a flow label; default
    /// true (RFC 6437 section 3).
    pub flow_labels: bool,
    /// Whether IPv4 packets to us that were routed by their source are accepted, once their route has
    /// ended here, and sockets may send some; default false (RFC 7126 section 4.3).
    pub source_routes: bool,
    /// The options for which packets are dropped; default none.
    pub drop_options: DroppedOptions,
    /// Whether Record Route and Timestamp of an echo request go on in its reply; default false (RFC 1122
    /// section 3.2.2.6 recommends it): they tell strangers of the network and the time here.
    pub echo_options: bool,
    /// Whether a host follows redirects; a router never does. Default false: whoever can send one can take over what we send (RFC
    /// 1122 section 3.2.2.2 and RFC 4861 section 8.3 want them followed).
    pub redirects: bool,
    /// How long after the last report of a decrease a larger path MTU is tried; `None` for never; default
    /// 10 min, at least 5 (RFC 1191 section 6.3, RFC 8201 section 4).
    pub path_mtu_raise: Option<Duration>,
}

impl Default for IpConfig {
    fn default() -> IpConfig {
        IpConfig {
            flow_labels: true,
            source_routes: false,
            drop_options: DroppedOptions::default(),
            echo_options: false,
            redirects: false,
            path_mtu_raise: Some(Duration::from_mins(10)),
        }
    }
}
