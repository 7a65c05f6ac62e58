//! Counters: what the stack did, by layer, and what it dropped, by reason. They only grow.

use crate::error::DropReason;

/// One count per [`DropReason`].
#[derive(Clone, Debug)]
pub(crate) struct Drops([u64; DropReason::ALL.len()]);

impl Drops {
    pub(crate) fn count(&mut self, reason: DropReason) {
        if let Some(count) = self.0.get_mut(reason as usize) {
            *count += 1;
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL.iter().copied().zip(self.0.iter().copied())
    }
}

/// What passed an interface since it was added: frames (packets, where there is no link header), and their
/// bytes without the checksum that hardware adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Frames handed in.
    pub frames_received: u64,
    /// Their bytes.
    pub bytes_received: u64,
    /// Frames handed out.
    pub frames_sent: u64,
    /// Their bytes.
    pub bytes_sent: u64,
}

impl Default for Drops {
    fn default() -> Drops {
        Drops([0; DropReason::ALL.len()])
    }
}

/// Declares a struct of counters with the dotted name of each.
macro_rules! counters {
    ($(#[doc = $doc:literal])+ $visibility:vis $name:ident { $($(#[doc = $fdoc:literal])+ $field:ident = $dotted:literal,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, Default)]
        $visibility struct $name {
            $($(#[doc = $fdoc])+ pub(crate) $field: u64,)+
        }

        impl $name {
            /// Each counter with its dotted name.
            pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
                [$(($dotted, self.$field)),+].into_iter()
            }
        }
    };
}
pub(crate) use counters;

counters! {
    /// What the layers below TCP did.
    pub(crate) Counters {
        /// Calls whose `now` was earlier than one seen before; the latest was used.
        time_regressions = "time.regressions",
        /// Examinations of connections that were not kept: too many since somebody took them.
        examinations_missed = "stack.examinations_missed",
        /// Frames handed in.
        frames_received = "frames.received",
        /// Their bytes.
        bytes_received = "frames.bytes_received",
        /// Frames handed out.
        frames_sent = "frames.sent",
        /// Their bytes.
        bytes_sent = "frames.bytes_sent",
        /// Packets of other hosts that were passed on.
        packets_forwarded = "forward.packets",
        /// Packets to groups that went on to members on other links, each in one or more copies.
        group_packets_forwarded = "forward.group_packets",
        /// IPv6 redirects sent; those of IPv4 are among the ICMP errors.
        redirects_sent = "ndp.redirects_sent",
        /// Packets that went from us to us over the loopback interface.
        packets_looped = "loopback.packets",
        /// ARP requests sent.
        arp_requests_sent = "arp.requests_sent",
        /// ARP replies sent.
        arp_replies_sent = "arp.replies_sent",
        /// ARP packets accepted.
        arp_received = "arp.received",
        /// Neighbor solicitations sent.
        ndp_solicitations_sent = "ndp.solicitations_sent",
        /// Neighbor advertisements sent.
        ndp_advertisements_sent = "ndp.advertisements_sent",
        /// Neighbor discovery messages accepted.
        ndp_received = "ndp.received",
        /// Router solicitations sent.
        router_solicitations_sent = "ndp.router_solicitations_sent",
        /// Options of router advertisements passed over: unknown, malformed, or of no use.
        ndp_options_ignored = "ndp.options_ignored",
        /// Default routers that had to go for newer ones.
        routers_evicted = "ndp.routers_evicted",
        /// Default routers beyond `Limits::default_routers`, while all there are were in use or new.
        routers_refused = "ndp.routers_refused",
        /// Prefixes that had to go for newer ones, with our addresses of them.
        prefixes_evicted = "ndp.prefixes_evicted",
        /// Prefixes beyond `Limits::prefixes`.
        prefixes_refused = "ndp.prefixes_refused",
        /// Routes that had to go for newer ones.
        router_routes_evicted = "ndp.routes_evicted",
        /// Routes beyond `Limits::router_routes`.
        router_routes_refused = "ndp.routes_refused",
        /// Name servers and search domains beyond `Limits::name_servers` and `Limits::search_domains`.
        resolvers_refused = "ndp.resolvers_refused",
        /// Queries about groups sent, IGMP and MLD.
        queries_sent = "querier.sent",
        /// Groups beyond `Limits::router_groups`.
        querier_groups_refused = "querier.groups_refused",
        /// Sources beyond `Limits::router_group_sources`.
        querier_sources_refused = "querier.sources_refused",
        /// Queries of other routers in an older version than ours: the link's routers must agree on one (RFC 3376
        /// section 7.3.1).
        querier_older_queries = "querier.older_queries",
        /// Router advertisements sent.
        router_advertisements_sent = "ra.sent",
        /// Those of other routers that contradict ours (RFC 4861 section 6.2.7).
        advertisements_inconsistent = "ra.inconsistent",
        /// Prefixes of our own that an advertisement had no room for.
        advertised_prefixes_left_out = "ra.prefixes_left_out",
        /// Addresses that we gave up to form, because other hosts had each that we tried.
        slaac_given_up = "slaac.given_up",
        /// Neighbors that did not answer.
        neighbors_failed = "neighbor.failed",
        /// Neighbor entries evicted for newer ones.
        neighbors_evicted = "neighbor.evicted",
        /// Addresses refused, because `Limits::addresses` was reached.
        addresses_refused = "address.refused",
        /// Addresses found to be another host's.
        address_conflicts = "address.conflicts",
        /// Addresses defended against another host.
        addresses_defended = "address.defended",
        /// Changes of addresses that nobody was told of, because `Limits::address_events` was reached.
        address_events_lost = "address.events_lost",
        /// Claims to be a neighbor in use at another hardware address than the one that we know.
        neighbors_contested = "neighbor.contested",
        /// Neighbors in use that were found to have moved to another hardware address.
        neighbors_moved = "neighbor.moved",
        /// IPv4 packets accepted.
        ipv4_received = "ipv4.received",
        /// Source routes in IPv4 packets received (RFC 7126 section 4).
        options_source_route = "ipv4.options.source_route",
        /// Record Route options.
        options_record_route = "ipv4.options.record_route",
        /// Timestamp options.
        options_timestamp = "ipv4.options.timestamp",
        /// Router Alert options.
        options_router_alert = "ipv4.options.router_alert",
        /// Quick-Start options.
        options_quick_start = "ipv4.options.quick_start",
        /// Security labels.
        options_security = "ipv4.options.security",
        /// Options of experiments.
        options_experiment = "ipv4.options.experiment",
        /// Obsolete options.
        options_obsolete = "ipv4.options.obsolete",
        /// Other options.
        options_unknown = "ipv4.options.unknown",
        /// IPv4 packets sent.
        ipv4_sent = "ipv4.sent",
        /// IPv6 packets accepted.
        ipv6_received = "ipv6.received",
        /// IPv6 packets sent.
        ipv6_sent = "ipv6.sent",
        /// Fragments accepted, both families.
        fragments_received = "ip.fragments_received",
        /// Packets made whole from fragments, both families.
        reassembled = "ip.reassembled",
        /// Fragments sent, both families.
        fragments_sent = "ip.fragments_sent",
        /// Packets that left in fragments, both families.
        fragmented = "ip.fragmented",
        /// Echo requests answered, both families.
        icmp_echo_replies_sent = "icmp.echo_replies_sent",
        /// ICMP errors sent, both families.
        icmp_errors_sent = "icmp.errors_sent",
        /// ICMP errors that reached a socket, both families.
        icmp_errors_delivered = "icmp.errors_delivered",
        /// IGMP messages accepted.
        igmp_received = "igmp.received",
        /// IGMP messages sent.
        igmp_sent = "igmp.sent",
        /// MLD messages accepted.
        mld_received = "mld.received",
        /// MLD messages sent.
        mld_sent = "mld.sent",
        /// Redirects followed.
        redirects_accepted = "icmp.redirects_accepted",
        /// Destinations whose better first hop was forgotten for that of newer ones.
        redirects_evicted = "icmp.redirects_evicted",
        /// Path MTU estimates lowered by a report (RFC 1191, RFC 8201).
        path_mtus_lowered = "path_mtu.lowered",
        /// Path MTU estimates forgotten for newer ones.
        path_mtus_evicted = "path_mtu.evicted",
        /// Datagrams delivered to sockets.
        udp_received = "udp.received",
        /// Copies of datagrams that our own sockets sent to groups we are in.
        udp_looped = "udp.looped",
        /// Datagrams sent.
        udp_sent = "udp.sent",
        /// Destinations of a UDP socket beyond `Limits::udp_destinations`, forgotten for newer ones.
        udp_destinations_forgotten = "udp.destinations_forgotten",
        /// DHCPv4 messages sent.
        dhcpv4_sent = "dhcpv4.sent",
        /// Those that were sent again for want of an answer.
        dhcpv4_retransmitted = "dhcpv4.retransmitted",
        /// DHCPv4 messages used.
        dhcpv4_received = "dhcpv4.received",
        /// Leases acknowledged: new, confirmed or extended.
        dhcpv4_acknowledged = "dhcpv4.acknowledged",
        /// Leases refused by a server.
        dhcpv4_refused = "dhcpv4.refused",
        /// Leases declined, because another host has the address or the interface cannot have it.
        dhcpv4_declined = "dhcpv4.declined",
        /// Leases that ended without having been extended.
        dhcpv4_expired = "dhcpv4.expired",
        /// Requests given up for want of an answer.
        dhcpv4_unanswered = "dhcpv4.unanswered",
        /// Times that the network preferred IPv6 alone.
        dhcpv4_ipv6_only = "dhcpv4.ipv6_only",
        /// DHCPv4 options, or ends of option fields, that could not be read and were skipped.
        dhcpv4_options_malformed = "dhcpv4.options_malformed",
        /// Entries of lists beyond `Limits::dhcpv4_entries`, and routes beyond `Limits::routes`.
        dhcpv4_entries_refused = "dhcpv4.entries_refused",
        /// DHCPv6 messages sent.
        dhcpv6_sent = "dhcpv6.sent",
        /// DHCPv6 messages accepted.
        dhcpv6_received = "dhcpv6.received",
        /// DHCPv6 messages that had to wait for the rate limit.
        dhcpv6_postponed = "dhcpv6.postponed",
        /// DHCPv6 offers, leases, name servers and domains beyond their limits.
        dhcpv6_refused = "dhcpv6.refused",
        /// Connections reset at their release, because `Limits::orphans` was reached.
        orphans_reset = "tcp.orphans_reset",
        /// Half-open connections that made room for a SYN: their SYN-ACK had no answer.
        half_open_recycled = "tcp.half_open_recycled",
        /// Connections that left TIME-WAIT early to make room for new ones.
        time_wait_evicted = "tcp.time_wait_evicted",
        /// Resets sent from the control queue: no socket, aborts, refusals.
        tcp_resets_sent = "tcp.resets_sent",
    }
}
