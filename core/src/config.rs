//! What a stack is set to: [`Config`], its [`Limits`], and one [`InterfaceConfig`] per interface.
//!
//! Every option is a run-time value. None changes which code is compiled.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use smallvec::SmallVec;

use crate::autoconf::advertise::config::AdvertiseConfig;
use crate::autoconf::dhcpv4::config::Dhcpv4Config;
use crate::frame::Capabilities;
use crate::identity::Identity;
use crate::link::InterfaceId;
use crate::time::Duration;
use crate::wire::ethernet::{self, EthernetAddress};

/// How the stack as a whole behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Whether any of our addresses may be used on any interface: a packet is taken in that came to an
    /// address of another interface, and leaves by another than its source address's. Default false: the
    /// strong host model (RFC 1122 section 3.3.4.2).
    pub weak_host: bool,
    /// Whether connections check their invariants after each call; default: in debug builds.
    pub checks: bool,
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
            weak_host: false,
            checks: cfg!(debug_assertions),
            trace: false,
            dhcpv6: Dhcpv6Config::default(),
            shard: Shard::default(),
            nd: NdConfig::default(),
            slaac: SlaacConfig::default(),
            advertise: AdvertiseConfig::default(),
            send_advertisements: false,
            identity: None,
        }
    }
}

/// Router discovery (RFC 4861 section 6.3).
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// Which of several stacks that share one set of addresses this one is: it takes ephemeral ports and
/// identifications of fragmented packets from its own residue class only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// Bounds: nothing that arrives can make the stack hold more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Interfaces; default 16.
    pub interfaces: u16,
    /// Addresses per interface; default 16.
    pub addresses: u16,
    /// Changes of addresses that wait to be told; default 64. The oldest goes for a new one.
    pub address_events: u16,
    /// Rows of the policy table of address selection; default 64 (RFC 6724 section 2.1).
    pub address_policies: u16,
    /// Offers of servers that a DHCPv6 client keeps while it chooses; default 8.
    pub dhcpv6_offers: u16,
    /// Leases of each kind that a DHCPv6 client holds, and name servers and domains that it remembers; default 16.
    pub dhcpv6_leases: u16,
    /// Routes, in all tables; default 1,024.
    pub routes: u32,
    /// Policy rules; default 64.
    pub rules: u16,
    /// TCP connections in any state, TIME-WAIT included; default 65,536.
    pub tcp_sockets: u32,
    /// TCP connections in SYN-RECEIVED per listener; default 256.
    pub syn_queue: u32,
    /// Listeners; default 1,024.
    pub listeners: u32,
    /// UDP sockets; default 4,096.
    pub udp_sockets: u32,
    /// Bytes (as charged) that wait in a UDP socket's receive queue; default 256 KiB.
    pub udp_receive: u32,
    /// Bytes (as charged) that wait in a UDP socket's send queue; default 256 KiB.
    pub udp_send: u32,
    /// Entries of an interface's neighbor cache; default 512.
    pub neighbors: u16,
    /// Default routers per interface; default 8 (RFC 4861 section 6.3.4 asks for at least 2).
    pub default_routers: u8,
    /// Prefixes per interface that routers have told; default 16.
    pub prefixes: u8,
    /// Routes per interface that routers have told (RFC 4191); default 16.
    pub router_routes: u8,
    /// Name servers per interface that routers have told; default 8 (RFC 8106 section 5.3.1 asks for at least 3).
    pub name_servers: u8,
    /// Search domains per interface that routers have told; default 8 (the same).
    pub search_domains: u8,
    /// Neighbors that may hold parked packets at a time; default 64.
    pub neighbors_parked: u16,
    /// Packets parked per neighbor; default 3.
    pub neighbor_queue: u8,
    /// Answers waiting in an interface's control queue; default 256.
    pub control_queue: u16,
    /// Entries of each list that a DHCPv4 server tells: routes, DNS servers and so on; default 64.
    pub dhcpv4_entries: u16,
    /// Bytes of answers that wait on an interface, for its device or for neighbors, with one larger than
    /// 2,048 bytes among them: an echo of a reassembled request; default 1 MiB.
    pub answer_bytes: u32,
    /// Connections that were released by the application and still finish; default 4,096.
    pub orphans: u32,
    /// Out-of-order ranges held per connection; default 64.
    pub tcp_ranges: u16,
    /// Destinations for which routers have named a better first hop; default 256.
    pub redirects: u32,
    /// Destinations whose path MTU is remembered; default 1,024.
    pub path_mtus: u32,
    /// Destinations that an unconnected UDP socket remembers having sent to, so that ICMP errors about
    /// them are believed; default 16.
    pub udp_destinations: u16,
    /// Errors of its datagrams that wait on a UDP socket to be told one by one; default 16.
    pub udp_errors: u16,
    /// Buckets of the limit on ICMP errors per source; default 1,024. Sources that share one share its burst.
    pub icmp_sources: u16,
    /// Bytes (as charged) of fragments that wait for the rest of their packets, a quarter of it from one
    /// source at most; default 4 MiB.
    pub reassembly: u32,
    /// Fragments per packet; default 128.
    pub fragments_per_packet: u16,
    /// Of these, fragments with less than 256 bytes of data; default 64.
    pub small_fragments_per_packet: u16,
    /// Groups that sockets listen to, per interface and protocol; default 256. The groups of the
    /// stack's own addresses come on top.
    pub groups: u16,
    /// Sources in the filter of a group, a socket's and the interface's merged one, 1 to 64; default 64.
    pub group_sources: u8,
    /// Groups that one socket listens to, over all interfaces; default 64.
    pub memberships: u16,
    /// Extension headers per IPv6 packet; default 16 (RFC 8504 section 5.3).
    pub ipv6_extension_headers: u8,
    /// Options other than padding in an IPv6 options header; default 8 (RFC 8504 section 5.3).
    pub ipv6_options: u8,
    /// Bytes of padding in a row in an IPv6 options header; default 7 (RFC 8504 section 5.3).
    pub ipv6_padding: u8,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            interfaces: 16,
            addresses: 16,
            address_events: 64,
            address_policies: 64,
            dhcpv6_offers: 8,
            dhcpv6_leases: 16,
            routes: 1024,
            rules: 64,
            tcp_sockets: 65_536,
            syn_queue: 256,
            listeners: 1024,
            udp_sockets: 4096,
            udp_receive: 256 * 1024,
            udp_send: 256 * 1024,
            neighbors: 512,
            default_routers: 8,
            prefixes: 16,
            router_routes: 16,
            name_servers: 8,
            search_domains: 8,
            neighbors_parked: 64,
            neighbor_queue: 3,
            control_queue: 256,
            dhcpv4_entries: 64,
            answer_bytes: 1024 * 1024,
            orphans: 4096,
            tcp_ranges: 64,
            redirects: 256,
            path_mtus: 1024,
            udp_destinations: 16,
            udp_errors: 16,
            icmp_sources: 1024,
            reassembly: 4 * 1024 * 1024,
            fragments_per_packet: 128,
            small_fragments_per_packet: 64,
            groups: 256,
            group_sources: 64,
            memberships: 64,
            ipv6_extension_headers: 16,
            ipv6_options: 8,
            ipv6_padding: 7,
        }
    }
}

/// How routers are told which groups are listened to (RFC 3376, RFC 3810).
#[derive(Clone, Debug, PartialEq, Eq)]
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
pub struct IpConfig {
    /// Whether the IPv6 packets of a TCP connection or connected UDP socket carry a flow label; default
    /// true (RFC 6437 section 3).
    pub flow_labels: bool,
    /// Whether IPv4 packets to us that were routed by their source are accepted, once their route has
    /// ended here; default false (RFC 7126 section 4.3).
    pub source_routes: bool,
    /// Whether redirects are followed; default false: whoever can send one can take over what we send (RFC
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
            redirects: false,
            path_mtu_raise: Some(Duration::from_mins(10)),
        }
    }
}

/// TCP's times and switches, for all connections of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpConfig {
    /// The smallest RTO; default 200 ms (as Linux; RFC 6298 section 2.4 recommends 1 s).
    pub rto_min: Duration,
    /// The largest RTO; default 120 s (RFC 6298 section 2.5: at least 60 s).
    pub rto_max: Duration,
    /// The RTO before a round trip was measured; default 1 s (RFC 6298 section 2.1).
    pub rto_initial: Duration,
    /// The longest that an acknowledgment is delayed; default 40 ms (RFC 9293 MUST-40: under 500 ms).
    pub ack_delay: Duration,
    /// Maximum segment lifetime; default 30 s, so TIME-WAIT lasts 60 s (as Linux; RFC 9293 names 2 minutes and leaves the choice).
    pub msl: Duration,
    /// R2 for data: after this long without an acknowledgment the connection is given up; default 15 min (RFC 9293 SHLD-11 asks for at least 100 s).
    pub retransmit_timeout: Duration,
    /// R2 for a SYN or SYN-ACK; default 3 min (RFC 9293 MUST-23).
    pub syn_timeout: Duration,
    /// How long an orphan may stay in FIN-WAIT-2; default 60 s (as Linux).
    pub fin_wait_2_timeout: Duration,
    /// Challenge ACKs sent per second on one connection; default 10 (RFC 5961 section 7).
    pub challenge_acks_per_second: u32,
    /// Whether window scaling is offered and accepted; default true (RFC 7323).
    pub window_scaling: bool,
    /// Whether timestamps are offered and accepted; default true (RFC 7323).
    pub timestamps: bool,
    /// Whether SACK is offered and accepted; default true (RFC 2018).
    pub sack: bool,
    /// What a new socket is set to.
    pub socket: TcpSettings,
}

impl Default for TcpConfig {
    fn default() -> TcpConfig {
        TcpConfig {
            rto_min: Duration::from_millis(200),
            rto_max: Duration::from_mins(2),
            rto_initial: Duration::from_secs(1),
            ack_delay: Duration::from_millis(40),
            msl: Duration::from_secs(30),
            retransmit_timeout: Duration::from_mins(15),
            syn_timeout: Duration::from_mins(3),
            fin_wait_2_timeout: Duration::from_mins(1),
            challenge_acks_per_second: 10,
            window_scaling: true,
            timestamps: true,
            sack: true,
            socket: TcpSettings::default(),
        }
    }
}

/// What is set per TCP socket. A connection that a listener accepts inherits the listener's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpSettings {
    /// The most bytes that wait to be sent or acknowledged; default 1 MiB. Memory grows on demand.
    pub send_buffer: u32,
    /// The most bytes that wait to be received; default 1 MiB. It bounds the window offered.
    pub receive_buffer: u32,
    /// Whether small segments leave at once, without Nagle's algorithm; default false (RFC 9293 MUST-17).
    pub no_delay: bool,
    /// Keep-alives after this long without traffic; default none (RFC 9293 MUST-25; where on, at least 2 hours is the usual value, MUST-28).
    pub keep_alive: Option<Duration>,
    /// The user timeout (RFC 9293 section 3.10.2): how long sent data may stay unacknowledged; default `TcpConfig::retransmit_timeout`.
    pub user_timeout: Option<Duration>,
    /// What `close` does with data that is unsent or unacknowledged: `None` sends it in the
    /// background, zero resets the connection at once, a duration gives it that long; default `None`.
    pub linger: Option<Duration>,
    /// The time to live (hop limit) of this socket's packets; default `Config::hop_limit`.
    pub hop_limit: Option<u8>,
    /// The differentiated services codepoint of this socket's packets, 0 to 63; default 0 (RFC 2474).
    /// The ECN bits beside it are TCP's own.
    pub dscp: u8,
    /// An upper bound on the segment size sent and announced; default none.
    pub mss_max: Option<u16>,
    /// The interface that this socket's packets leave through, and that alone it hears; default any (as
    /// `SO_BINDTODEVICE`).
    pub interface: Option<InterfaceId>,
    /// A number that policy rules choose tables by; default 0 (as `SO_MARK`).
    pub mark: u32,
}

impl Default for TcpSettings {
    fn default() -> TcpSettings {
        TcpSettings {
            send_buffer: 1024 * 1024,
            receive_buffer: 1024 * 1024,
            no_delay: false,
            keep_alive: None,
            user_timeout: None,
            linger: None,
            hop_limit: None,
            dscp: 0,
            mss_max: None,
            interface: None,
            mark: 0,
        }
    }
}

/// An address with the length of its on-link prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceAddress {
    /// The address.
    pub address: IpAddr,
    /// The prefix length: 0 to 32 for IPv4, 0 to 128 for IPv6.
    pub prefix_len: u8,
}

impl InterfaceAddress {
    /// An IPv4 address and its prefix length (0 to 32).
    pub const fn v4(address: Ipv4Addr, prefix_len: u8) -> InterfaceAddress {
        InterfaceAddress { address: IpAddr::V4(address), prefix_len }
    }

    /// An IPv6 address and its prefix length (0 to 128).
    pub const fn v6(address: Ipv6Addr, prefix_len: u8) -> InterfaceAddress {
        InterfaceAddress { address: IpAddr::V6(address), prefix_len }
    }
}

/// How an IPv4 address is probed for before it is used (RFC 5227).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acd {
    /// It is used at once, and not defended.
    Off,
    /// One probe, 300 ms of listening, then it is announced, used and defended.
    Fast,
    /// The times of RFC 5227 section 1.1: three probes, 4 to 7 s in all.
    Rfc5227,
}

/// What is done when another host claims an IPv4 address that is in use (RFC 5227 section 2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defense {
    /// The address is given up (a).
    Never,
    /// It is announced once more; if it is claimed again within 10 s, it is given up (b).
    Once,
    /// It is announced once more, at most every 10 s, and never given up (c). A link-local address is
    /// defended once all the same (RFC 3927 section 2.5).
    Always,
}

/// How it is verified that no other host has an IPv6 address (RFC 4862 section 5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dad {
    /// It is used at once, unverified.
    Off,
    /// It is used after it has been verified.
    Normal,
    /// It is verified while it is used, with the care of RFC 4429; one that was set by hand, before.
    Optimistic,
    /// As [`Dad::Optimistic`], and a nonce tells solicitations of ours that the link brings back from
    /// those of other hosts (RFC 7527).
    Enhanced,
}

/// How an interface makes sure that its addresses are its own alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressSettings {
    /// How an IPv4 address is probed for; default [`Acd::Fast`].
    pub acd: Acd,
    /// What is done when an IPv4 address in use is claimed by another host; default [`Defense::Once`].
    pub defense: Defense,
    /// How an IPv6 address is verified; default [`Dad::Optimistic`].
    pub dad: Dad,
    /// Solicitations sent to verify an IPv6 address, 0 to 255; default 1 (RFC 4862 section 5.1,
    /// `DupAddrDetectTransmits`). 0 is the same as [`Dad::Off`].
    pub dad_transmits: u8,
}

impl AddressSettings {
    /// Addresses are used at once: on links whose addresses are known to be unique.
    pub const UNVERIFIED: AddressSettings =
        AddressSettings { acd: Acd::Off, defense: Defense::Once, dad: Dad::Off, dad_transmits: 1 };
}

impl Default for AddressSettings {
    fn default() -> AddressSettings {
        AddressSettings { acd: Acd::Fast, defense: Defense::Once, dad: Dad::Optimistic, dad_transmits: 1 }
    }
}

/// What an interface's frames look like, and who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Medium {
    /// Ethernet frames (RFC 894, RFC 2464): neighbors are resolved by ARP and Neighbor Discovery.
    Ethernet,
    /// Bare IPv4 and IPv6 packets, as on a TUN device or a point-to-point link: no link header, nobody to
    /// resolve. Whatever is routed here leaves here.
    Ip,
    /// No device: what is sent here arrives here. With such an interface the stack reaches its own
    /// addresses, those of the other interfaces too, and 127.0.0.0/8 (RFC 1122 section 3.2.1.3 (g)) and `::1`.
    Loopback,
}

impl Medium {
    /// Bytes of the link header before each packet.
    pub const fn header_len(self) -> usize {
        match self {
            Medium::Ethernet => ethernet::HEADER_LEN,
            Medium::Ip | Medium::Loopback => 0,
        }
    }
}

/// One interface. The constructors name what each medium needs; the other fields can be set behind them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceConfig {
    /// What its frames look like.
    pub medium: Medium,
    /// Our station address: an individual one for Ethernet, without meaning elsewhere.
    pub hardware_address: EthernetAddress,
    /// What the device can do.
    pub capabilities: Capabilities,
    /// The addresses, each usable as source.
    pub addresses: SmallVec<[InterfaceAddress; 4]>,
    /// Whether it configures itself for IPv6: it forms a link-local address, looks for routers and
    /// believes them (RFC 4861 section 6.3, RFC 4862); default false.
    pub ipv6_autoconfiguration: bool,
    /// How it makes sure that its addresses are its own alone; default [`Config::address`].
    pub address_settings: Option<AddressSettings>,
    /// What it advertises as a router; default nothing, unless [`Config::send_advertisements`] is set. Other settings:
    /// [`Stack::advertise`](crate::Stack::advertise).
    pub advertise: Option<AdvertiseConfig>,
}

impl InterfaceConfig {
    /// An Ethernet interface with `addresses`, all else as by default.
    pub fn new(
        hardware_address: EthernetAddress,
        capabilities: Capabilities,
        addresses: impl IntoIterator<Item = InterfaceAddress>,
    ) -> InterfaceConfig {
        InterfaceConfig {
            medium: Medium::Ethernet,
            hardware_address,
            capabilities,
            addresses: addresses.into_iter().collect(),
            ipv6_autoconfiguration: false,
            address_settings: None,
            advertise: None,
        }
    }

    /// The same, but its addresses are used at once: nobody else on the link has them.
    #[must_use]
    pub fn unverified(self) -> InterfaceConfig {
        InterfaceConfig { address_settings: Some(AddressSettings::UNVERIFIED), ..self }
    }

    /// An interface of bare IP packets with `addresses`, which are used at once.
    pub fn ip(capabilities: Capabilities, addresses: impl IntoIterator<Item = InterfaceAddress>) -> InterfaceConfig {
        InterfaceConfig {
            medium: Medium::Ip,
            ..InterfaceConfig::new(EthernetAddress::UNSPECIFIED, capabilities, addresses).unverified()
        }
    }

    /// The loopback interface, with 127.0.0.1/8 and `::1/128` and the largest MTU.
    pub fn loopback() -> InterfaceConfig {
        // Nothing can damage what never leaves: no checksum is computed.
        let capabilities = Capabilities { tx_checksum: true, rx_checksum: true, ..Capabilities::plain(u16::MAX) };
        let addresses = [InterfaceAddress::v4(Ipv4Addr::LOCALHOST, 8), InterfaceAddress::v6(Ipv6Addr::LOCALHOST, 128)];
        InterfaceConfig {
            medium: Medium::Loopback,
            ..InterfaceConfig::new(EthernetAddress::UNSPECIFIED, capabilities, addresses).unverified()
        }
    }
}
