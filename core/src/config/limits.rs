//! The bounds.

/// Bounds: nothing that arrives can make the stack hold more.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
    /// Packets of other hosts that wait to leave an interface; default 512.
    pub forward_queue: u16,
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
    /// Out-of-order ranges held per connection, and ranges remembered of those that its peer reports to hold (RFC 2018);
    /// default 512. Half of the segments that the receive buffer holds is enough for whatever pattern of loss.
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
    /// Groups that hosts of a link are known to listen to, per interface and protocol, where we are a multicast router;
    /// default 1,024.
    pub router_groups: u16,
    /// Sources known of each of those, 1 to 64; default 64.
    pub router_group_sources: u8,
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
            forward_queue: 512,
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
            tcp_ranges: 512,
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
            router_groups: 1024,
            router_group_sources: 64,
            memberships: 64,
            ipv6_extension_headers: 16,
            ipv6_options: 8,
            ipv6_padding: 7,
        }
    }
}
