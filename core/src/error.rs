//! Why something was refused: [`DropReason`] for what arrives, one error enum per operation for commands.

use core::fmt;

use crate::ip::route::Refusal;

/// What became of a frame handed to [`Stack::handle_frame`](crate::Stack::handle_frame).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// The frame was for us and well formed; its effects, if any, are in the stack.
    Accepted,
    /// The frame was not used. The reason has also been counted.
    Dropped(DropReason),
}

macro_rules! drop_reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// Why a frame, packet, segment or datagram was dropped. Each reason has a counter of its
        /// own, `drop.NAME`, with the name given by [`DropReason::name`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum DropReason {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl DropReason {
            /// Every reason, in the order of declaration.
            pub const ALL: &'static [DropReason] = &[$(DropReason::$variant,)+];

            /// The reason's dotted name, as it stands in counters, statistics and traces.
            pub const fn name(self) -> &'static str {
                match self {
                    $(DropReason::$variant => $name,)+
                }
            }
        }
    };
}

drop_reasons! {
    /// Shorter than an Ethernet header.
    EthernetTruncated = "ethernet.truncated",
    /// The EtherType field is below 0x0600: an IEEE 802.3 length, which RFC 1122 section 2.3.3 lets us ignore.
    EthernetLength = "ethernet.length",
    /// An EtherType that this stack does not speak.
    EthernetType = "ethernet.type",
    /// The destination address is another station's.
    EthernetNotOurs = "ethernet.not_ours",
    /// The source address is a group address or our own.
    EthernetSource = "ethernet.source",
    /// No such interface.
    InterfaceUnknown = "interface.unknown",
    /// The interface is down.
    InterfaceDown = "interface.down",
    /// A frame handed in for a loopback interface, which has no device that it could come from.
    InterfaceLoopback = "interface.loopback",
    /// Longer than the interface's MTU allows.
    FrameTooLong = "frame.too_long",

    /// ARP packet shorter than its address lengths say (RFC 826).
    ArpTruncated = "arp.truncated",
    /// ARP for another hardware or protocol type, or with other address lengths.
    ArpType = "arp.type",
    /// ARP operation other than request and reply.
    ArpOperation = "arp.operation",
    /// ARP sender address that no neighbor can have (group hardware address, multicast or broadcast IP).
    ArpSender = "arp.sender",
    /// ARP for an address that is not ours and from a neighbor that we hold no entry of.
    ArpNotOurs = "arp.not_ours",
    /// ARP from another station that claims an address of ours (RFC 5227 section 2.4).
    ArpConflict = "arp.conflict",

    /// Shorter than the 20 bytes of an IPv4 header.
    Ipv4Truncated = "ipv4.truncated",
    /// Version field other than 4.
    Ipv4Version = "ipv4.version",
    /// IHL below 5 or beyond the packet.
    Ipv4HeaderLength = "ipv4.header_length",
    /// Total length below the header's or beyond the frame.
    Ipv4TotalLength = "ipv4.total_length",
    /// Header checksum wrong.
    Ipv4Checksum = "ipv4.checksum",
    /// An option whose length is below 2 or beyond the header (RFC 1122 section 3.2.1.8).
    Ipv4Option = "ipv4.option",
    /// Source routed (refused by default, RFC 7126 section 4.3).
    Ipv4SourceRoute = "ipv4.source_route",
    /// Source address that no host can have (multicast, broadcast, loopback, our own).
    Ipv4Source = "ipv4.source",
    /// Destination address that is not ours.
    Ipv4NotOurs = "ipv4.not_ours",
    /// Upper-layer protocol that is not spoken; protocol unreachable is owed.
    Ipv4Protocol = "ipv4.protocol",

    /// Shorter than the 40 bytes of an IPv6 header.
    Ipv6Truncated = "ipv6.truncated",
    /// Version field other than 6.
    Ipv6Version = "ipv6.version",
    /// Payload length beyond the frame, or 0 (a jumbogram is refused).
    Ipv6PayloadLength = "ipv6.payload_length",
    /// Extension header truncated, of impossible length or in an illegal place.
    Ipv6Extension = "ipv6.extension",
    /// More extension headers or options than the limits allow.
    Ipv6ExtensionLimit = "ipv6.extension_limit",
    /// An option whose action bits ask for the packet to be discarded.
    Ipv6Option = "ipv6.option",
    /// A routing header with segments left (type 0 is refused, RFC 5095).
    Ipv6Routing = "ipv6.routing",
    /// Source address that no host can have (multicast, loopback, our own).
    Ipv6Source = "ipv6.source",
    /// Destination address that is not ours, nor a group we are in.
    Ipv6NotOurs = "ipv6.not_ours",
    /// Next header that is not spoken; parameter problem is owed.
    Ipv6NextHeader = "ipv6.next_header",

    /// A fragment without data, or one whose length is no multiple of 8 though more follow (RFC 8200 section 4.5).
    FragmentLength = "fragment.length",
    /// A fragment that would make its packet longer than 65,535 bytes.
    FragmentTooLong = "fragment.too_long",
    /// An IPv6 first fragment without all headers through the upper layer's (RFC 7112 section 5).
    FragmentHeaderChain = "fragment.header_chain",
    /// An IPv4 fragment that ends, or begins, within the TCP header (RFC 1858 section 3, RFC 3128).
    FragmentTiny = "fragment.tiny",
    /// A fragment header in a packet that was reassembled, or behind another one.
    FragmentNested = "fragment.nested",
    /// A fragment that is held already.
    FragmentDuplicate = "fragment.duplicate",
    /// A fragment that overlaps others of its packet; the packet is given up (RFC 5722 section 4).
    FragmentOverlap = "fragment.overlap",
    /// A fragment of an IPv6 packet that has been given up (RFC 5722 section 4).
    FragmentGivenUp = "fragment.given_up",
    /// A fragment beyond `Limits::fragments_per_packet` or `Limits::small_fragments_per_packet`; the packet is given up.
    FragmentLimit = "fragment.limit",
    /// A packet of which not all fragments came in time; its source is told, if the first came.
    ReassemblyTimeout = "reassembly.timeout",
    /// A packet of which fragments were held, given up to make room for others (`Limits::reassembly`).
    ReassemblyEvicted = "reassembly.evicted",

    /// ICMPv4 message shorter than its type needs.
    Icmpv4Truncated = "icmpv4.truncated",
    /// ICMPv4 checksum wrong.
    Icmpv4Checksum = "icmpv4.checksum",
    /// ICMPv4 type or code that a host ignores (RFC 1122 section 3.2.2).
    Icmpv4Type = "icmpv4.type",
    /// An ICMPv4 error that quotes no flow of ours (RFC 5927).
    Icmpv4NoFlow = "icmpv4.no_flow",
    /// ICMPv6 message shorter than its type needs.
    Icmpv6Truncated = "icmpv6.truncated",
    /// ICMPv6 checksum wrong.
    Icmpv6Checksum = "icmpv6.checksum",
    /// ICMPv6 type or code that a host ignores.
    Icmpv6Type = "icmpv6.type",
    /// An ICMPv6 error that quotes no flow of ours.
    Icmpv6NoFlow = "icmpv6.no_flow",
    /// A report of a path MTU about a packet of ours that can't be true or is no news (RFC 8201 section 4).
    IcmpTooBig = "icmp.too_big",
    /// A redirect while they are not followed, or not from the first hop, about no flow of ours or to no neighbor.
    IcmpRedirect = "icmp.redirect",
    /// An error that a rate limit for its destination held back.
    IcmpSourceLimited = "icmp.source_limited",
    /// An error about a datagram of a socket whose queue of errors is full.
    UdpErrorQueueFull = "udp.error_queue_full",
    /// Echo request refused by the rate limit or to a group of which we do not answer.
    EchoRefused = "icmp.echo_refused",
    /// ND message with hop limit other than 255, code other than 0 or an impossible length (RFC 4861 section 7.1).
    NdpInvalid = "ndp.invalid",
    /// ND option of length 0 or beyond the message.
    NdpOption = "ndp.option",
    /// A router advertisement on an interface that does not configure itself.
    NdpRouterDiscoveryOff = "ndp.router_discovery_off",
    /// A router solicitation on an interface that does not advertise (RFC 4861 section 6.2.6).
    NdpNotAdvertising = "ndp.not_advertising",
    /// ND for a target that is not ours, or an advertisement from a neighbor that we hold no entry of.
    NdpNotOurs = "ndp.not_ours",
    /// ND that shows that another host has an address which we are verifying (RFC 4862 section 5.4).
    NdpConflict = "ndp.conflict",
    /// A solicitation of our own for an address that we are verifying, which the link has brought back (RFC 7527).
    NdpLooped = "ndp.looped",

    /// IGMP message shorter than its header or than its lengths say.
    IgmpTruncated = "igmp.truncated",
    /// IGMP checksum wrong.
    IgmpChecksum = "igmp.checksum",
    /// IGMP type that is not known.
    IgmpType = "igmp.type",
    /// IGMP query of a length that no version has (RFC 3376 section 7.1), without Router Alert where one is due, or about what is no group.
    IgmpInvalid = "igmp.invalid",
    /// An IGMP report or leave of another host, which only routers listen to.
    IgmpForRouters = "igmp.for_routers",
    /// MLD message shorter than its header or than its lengths say.
    MldTruncated = "mld.truncated",
    /// MLD message with hop limit other than 1, without Router Alert, from no link-local address, or about what is no group (RFC 3810 section 6.2).
    MldInvalid = "mld.invalid",
    /// An MLD report or done of another host, which only routers listen to.
    MldForRouters = "mld.for_routers",

    /// UDP datagram shorter than its header or than its length field says.
    UdpTruncated = "udp.truncated",
    /// UDP length field below 8.
    UdpLength = "udp.length",
    /// UDP checksum wrong, or zero over IPv6 (RFC 8200 section 8.1).
    UdpChecksum = "udp.checksum",
    /// UDP destination port 0.
    UdpPort = "udp.port",
    /// No UDP socket for the datagram; port unreachable is owed.
    UdpNoSocket = "udp.no_socket",
    /// A datagram to a group whose listeners on its port all refuse its source (RFC 3376 section 3.2).
    UdpSourceFiltered = "udp.source_filtered",
    /// The UDP socket's receive queue is full.
    UdpQueueFull = "udp.queue_full",

    /// DHCPv4 message shorter than its fixed part.
    Dhcpv4Truncated = "dhcpv4.truncated",
    /// DHCPv4 message of another hardware type, without the magic cookie, or of no known operation.
    Dhcpv4Format = "dhcpv4.format",
    /// DHCPv4 option that does not fit its field; what stands before it is used.
    Dhcpv4Option = "dhcpv4.option",
    /// DHCPv4 message for another client (xid, hardware address, client identifier) or to a server.
    Dhcpv4NotOurs = "dhcpv4.not_ours",
    /// DHCPv4 message that the client's state does not wait for, or from another server than the one it waits for.
    Dhcpv4Unexpected = "dhcpv4.unexpected",
    /// DHCPv4 offer or acknowledgment that no host could use: no server identifier, no lease time, no possible address.
    Dhcpv4Unusable = "dhcpv4.unusable",

    /// Shorter than a DHCPv6 header, or an option that leads out of the message.
    Dhcpv6Truncated = "dhcpv6.truncated",
    /// DHCPv6 message type that a client does not take (RFC 8415 section 16).
    Dhcpv6Type = "dhcpv6.type",
    /// DHCPv6 message for another client or of another exchange, or without the server's identifier (RFC 8415 section 16).
    Dhcpv6NotOurs = "dhcpv6.not_ours",
    /// DHCPv6 message that the client does not wait for.
    Dhcpv6Unexpected = "dhcpv6.unexpected",
    /// DHCPv6 Advertise or Reply that offers nothing of what was asked for, or tells of a failure.
    Dhcpv6Unusable = "dhcpv6.unusable",
    /// DHCPv6 Reconfigure that is not authenticated, was seen before, or asks for what cannot be.
    Dhcpv6Reconfigure = "dhcpv6.reconfigure",

    /// Shorter than a TCP header.
    TcpTruncated = "tcp.truncated",
    /// TCP data offset below 5 or beyond the segment.
    TcpDataOffset = "tcp.data_offset",
    /// TCP checksum wrong.
    TcpChecksum = "tcp.checksum",
    /// TCP port 0.
    TcpPort = "tcp.port",
    /// TCP segment to a broadcast or multicast address (RFC 9293 MUST-57).
    TcpNotUnicast = "tcp.not_unicast",
    /// No connection and no listener; a reset is owed.
    TcpNoSocket = "tcp.no_socket",
    /// A reset for no connection: discarded (RFC 9293 section 3.10.7.1).
    TcpResetNoSocket = "tcp.reset_no_socket",
    /// The sequence number is not acceptable (RFC 9293 section 3.10.7.4, first check).
    TcpUnacceptable = "tcp.unacceptable",
    /// The timestamp is older than the last one accepted (RFC 7323 section 5.3).
    TcpPaws = "tcp.paws",
    /// The acknowledgment is of data never sent, or too old (RFC 5961 section 5).
    TcpAck = "tcp.ack",
    /// No ACK bit where one is needed.
    TcpNoAck = "tcp.no_ack",
    /// A reset or SYN that is answered with a challenge ACK (RFC 5961 sections 3 and 4).
    TcpChallenged = "tcp.challenged",
    /// Flags that no state accepts.
    TcpFlags = "tcp.flags",
    /// A SYN that the listener's SYN queue or accept queue has no room for.
    TcpBacklog = "tcp.backlog",
    /// A SYN beyond `Limits::tcp_sockets`, with no connection in TIME-WAIT to make room.
    TcpTableFull = "tcp.table_full",
    /// Out-of-order data beyond what the receive buffer may hold.
    TcpBufferFull = "tcp.buffer_full",
    /// Text that arrived after the application had closed; the connection is reset.
    TcpAfterClose = "tcp.after_close",

    /// An answer that the control queue has no room for.
    ControlQueueFull = "control.queue_full",
    /// An answer that a rate limit held back.
    RateLimited = "rate_limited",
    /// A packet parked for a neighbor that did not answer.
    NeighborUnreachable = "neighbor.unreachable",
    /// A packet pushed out of a neighbor's queue by a newer one, or for want of a neighbor entry.
    NeighborQueueFull = "neighbor.queue_full",
    /// No route to the destination of an answer.
    NoRoute = "route.none",
    /// The route says to discard it.
    RouteBlackhole = "route.blackhole",
    /// The route says that the destination is unreachable.
    RouteUnreachable = "route.unreachable",
    /// The route says that the destination is prohibited.
    RouteProhibited = "route.prohibited",
    /// A multicast or broadcast packet that asks for an answer which must not be given.
    NoAnswerOwed = "answer.not_owed",
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

macro_rules! command_errors {
    ($($(#[doc = $doc:literal])+ $name:ident {
        $($(#[doc = $vdoc:literal])+ $variant:ident $(($inner:ident: $cause:ty))? => $text:literal,)+
    })+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            #[non_exhaustive]
            pub enum $name {
                $($(#[doc = $vdoc])+ $variant $(($cause))?,)+
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    match self {
                        $($name::$variant $(($inner))? => {
                            f.write_str($text)?;
                            $(write!(f, ": {}", $inner)?;)?
                            Ok(())
                        })+
                    }
                }
            }

            impl core::error::Error for $name {}
        )+
    };
}

command_errors! {
    /// The handle's socket has been released.
    StaleHandle {
        /// There is no such socket any more.
        Stale => "the socket behind this handle has been released",
    }

    /// Why an interface was not added.
    AddInterfaceError {
        /// `Limits::interfaces` is reached.
        LimitReached => "no more interfaces: Limits::interfaces is reached",
        /// The hardware address is a group address.
        GroupHardwareAddress => "the hardware address is a group address; an individual one is needed",
        /// All 65,536 interface numbers have been used: removed interfaces do not give theirs back.
        NumbersExhausted => "no more interfaces: all their numbers have been used",
        /// The MTU is below 576 (IPv4, RFC 791) or below 1,280 while IPv6 addresses are set (RFC 8200 section 5).
        MtuTooSmall => "the MTU is too small: at least 576, and 1280 for IPv6",
        /// More addresses than `Limits::addresses`.
        TooManyAddresses => "more addresses than Limits::addresses",
        /// An address is multicast, unspecified or broadcast, or its prefix is longer than the address.
        BadAddress => "an address is not a unicast address with a prefix that fits it",
        /// What it is to advertise is not possible.
        Advertise(why: AdvertiseError) => "the interface cannot advertise what it is to",
    }

    /// Why an interface does not advertise what it was told to (RFC 4861 section 6.2.1).
    AdvertiseError {
        /// No such interface.
        NoInterface => "no such interface",
        /// The interface is no advertising one.
        NotAdvertising => "the interface is no advertising one",
        /// The interface is the loopback: nobody hears it.
        NoLink => "nobody hears what the loopback interface advertises",
        /// The interface configures itself from what other routers advertise.
        Autoconfigured => "the interface configures itself from what other routers advertise",
        /// The interface's MTU is below IPv6's minimum of 1,280 (RFC 8200 section 5).
        MtuTooSmall => "the interface's MTU is below 1280, the least for IPv6",
        /// `max_interval` is not from 4 s to 30 min.
        MaxInterval => "max_interval must be from 4 s to 30 min",
        /// `min_interval` is not from 3 s to three quarters of `max_interval`.
        MinInterval => "min_interval must be from 3 s to three quarters of max_interval",
        /// `router_lifetime` is neither 0 nor from `max_interval` to 9,000 s.
        RouterLifetime => "router_lifetime must be 0 or from max_interval to 9000 s",
        /// `mtu` is not from 1,280 to the interface's own.
        Mtu => "mtu must be from 1280 to the interface's own",
        /// `reachable_time` is more than one hour.
        ReachableTime => "reachable_time must be at most 1 h",
        /// `retrans_timer` is more than 2^32 - 1 ms.
        RetransTimer => "retrans_timer must be at most 4294967295 ms",
        /// A prefix is link-local, multicast or longer than 128 bits, or is preferred for longer than it is valid.
        Prefix => "a prefix must be unicast, not link-local, at most 128 bits long, and not preferred longer than it is valid",
        /// More than 17 routes (RFC 4191 section 4).
        TooManyRoutes => "at most 17 routes can be advertised",
        /// A route's prefix is multicast or longer than 128 bits.
        Route => "a route's prefix must be unicast and at most 128 bits long",
        /// A name server is multicast or unspecified.
        NameServer => "a name server must have a unicast address",
        /// More than 127 name servers.
        TooManyNameServers => "at most 127 name servers can be advertised",
        /// More than 2,032 bytes of search domains.
        SearchDomains => "search domains of at most 2032 bytes can be advertised",
        /// `resolver_lifetime` is more than 2^32 - 1 s.
        ResolverLifetime => "resolver_lifetime must be at most 4294967295 s",
        /// All of it does not fit a packet of the interface's MTU.
        TooLong => "what is to be advertised does not fit one packet of the interface's MTU",
    }

    /// Why a command about an interface was refused.
    InterfaceError {
        /// No such interface.
        NoInterface => "no such interface",
    }

    /// Why an address was not added to an interface.
    AddressError {
        /// No such interface.
        NoInterface => "no such interface",
        /// `Limits::addresses` is reached.
        LimitReached => "no more addresses: Limits::addresses is reached",
        /// The address is multicast, unspecified or broadcast, or its prefix is longer than the address.
        BadAddress => "not a unicast address with a prefix that fits it",
        /// The interface has it already.
        Exists => "the interface has this address already",
        /// The interface does not have it.
        Missing => "the interface does not have this address",
        /// The MTU is below IPv6's minimum of 1,280 (RFC 8200 section 5).
        MtuTooSmall => "the interface's MTU is below 1280, the least for IPv6",
    }

    /// Why a DHCPv4 client did not do as it was told.
    Dhcpv4Error {
        /// No such interface.
        NoInterface => "no such interface",
        /// The interface's client runs already.
        Running => "the interface's DHCPv4 client runs already",
        /// The interface's client does not run.
        NotRunning => "the interface's DHCPv4 client does not run",
        /// The interface is no Ethernet: there is no hardware address to be known by.
        NotEthernet => "DHCPv4 needs an Ethernet interface",
        /// The interface has no IPv4 address that was set by hand.
        NoAddress => "the interface has no IPv4 address that was set by hand",
        /// The host name is empty or longer than 255 bytes, or the client identifier not 2 to 255 bytes long.
        BadConfig => "a host name has 1 to 255 bytes, a client identifier 2 to 255",
    }

    /// Why a neighbor was not set.
    NeighborError {
        /// No such interface.
        NoInterface => "no such interface",
        /// The address is not one that a neighbor can have, or the interface's own.
        BadAddress => "not an address that a neighbor can have",
        /// The hardware address is a group address or the interface's own.
        BadHardwareAddress => "not a hardware address that a neighbor can have",
        /// `Limits::neighbors` is reached, and all entries are in use.
        LimitReached => "no more neighbors: Limits::neighbors is reached",
    }

    /// Why no link-local address is looked for.
    LinkLocalError {
        /// No such interface.
        NoInterface => "no such interface",
        /// `Limits::addresses` is reached.
        LimitReached => "no more addresses: Limits::addresses is reached",
    }

    /// Why a policy table was not set.
    PolicyError {
        /// `Limits::address_policies` is reached.
        LimitReached => "too many policies: Limits::address_policies is reached",
        /// A prefix is longer than 128 bits.
        BadPrefix => "a prefix is longer than 128 bits",
    }

    /// Why a DHCPv6 client was not started, or its leases not released.
    Dhcpv6Error {
        /// No such interface.
        NoInterface => "no such interface",
        /// No client runs on the interface.
        NotRunning => "no DHCPv6 client runs on this interface",
        /// The client gives its leases back and ends; it can be started again after that.
        Ending => "the DHCPv6 client of this interface is giving its leases back",
        /// A prefix length is beyond 128.
        BadPrefixLength => "the prefix length is more than 128",
        /// The MTU is below IPv6's minimum of 1,280 (RFC 8200 section 5).
        MtuTooSmall => "the interface's MTU is below 1280, the least for IPv6",
    }

    /// Why a route was not added.
    RouteError {
        /// No such interface.
        NoInterface => "no such interface",
        /// `Limits::routes` is reached.
        LimitReached => "no more routes: Limits::routes is reached",
        /// The prefix length does not fit the address family, or prefix and gateway are of different families.
        BadPrefix => "the prefix length does not fit, or prefix and gateway are of different families",
        /// The gateway is not on a link of the interface.
        GatewayNotOnLink => "the gateway is not on the interface's link",
        /// The source address is none of this stack's, or of the other family.
        BadSource => "the source address is none of this stack's, or of the other family",
        /// There is a route of this prefix, target, metric and table already.
        Exists => "there is such a route already",
    }

    /// Why a policy rule was not added.
    RuleError {
        /// No such interface.
        NoInterface => "no such interface",
        /// `Limits::rules` is reached.
        LimitReached => "no more rules: Limits::rules is reached",
        /// The source prefix's length does not fit its family.
        BadPrefix => "the length of the source prefix does not fit its family",
        /// There is such a rule already.
        Exists => "there is such a rule already",
    }

    /// Why listening was refused.
    ListenError {
        /// Another listener has this address and port.
        AddressInUse => "address in use",
        /// The address is not one of this stack's.
        AddressNotAvailable => "the address is not one of this stack's",
        /// No ephemeral port is free.
        PortsExhausted => "no ephemeral port is free",
        /// `Limits::listeners` is reached.
        LimitReached => "no more listeners: Limits::listeners is reached",
    }

    /// Why a connection was not opened.
    ConnectError {
        /// No route to the destination.
        NoRoute => "no route to the destination",
        /// A route says that the destination is unreachable, or discards what is sent there.
        Unreachable => "a route says that the destination is unreachable",
        /// A route prohibits the destination.
        Prohibited => "a route prohibits the destination",
        /// The destination is unspecified, multicast or broadcast (RFC 9293 MUST-46), or its port is 0.
        BadDestination => "the destination is not a unicast address and port",
        /// The local address is not one of this stack's, or of the other family.
        AddressNotAvailable => "the local address is not one of this stack's",
        /// Another connection has the same addresses and ports.
        AddressInUse => "address in use",
        /// No ephemeral port is free towards this destination.
        PortsExhausted => "no ephemeral port is free",
        /// `Limits::tcp_sockets` is reached.
        LimitReached => "no more connections: Limits::tcp_sockets is reached",
    }

    /// Why a TCP connection cannot send.
    SendError {
        /// The handle's socket has been released.
        Stale => "the socket behind this handle has been released",
        /// The connection is not established yet.
        NotConnected => "the connection is not established yet",
        /// This side has closed, so nothing more can be sent; or the connection has ended.
        Closed => "this side of the connection is closed",
        /// The connection was reset by the peer.
        Reset => "the connection was reset by the peer",
        /// The connection ended with the error that `take_error` returns.
        Failed => "the connection has failed",
    }

    /// Why a TCP connection has nothing to receive.
    RecvError {
        /// The handle's socket has been released.
        Stale => "the socket behind this handle has been released",
        /// Nothing has arrived yet.
        WouldBlock => "nothing has arrived yet",
        /// The connection is not established yet.
        NotConnected => "the connection is not established yet",
        /// The connection was reset by the peer.
        Reset => "the connection was reset by the peer",
        /// The connection ended with the error that `take_error` returns.
        Failed => "the connection has failed",
    }

    /// What ended a connection, or went wrong on it; the pending error of a socket.
    SocketError {
        /// The peer refused: RST to our SYN (RFC 9293 section 3.10.7.3), or ICMP port unreachable.
        Refused => "connection refused",
        /// The peer reset the established connection.
        Reset => "connection reset by peer",
        /// This side aborted.
        Aborted => "connection aborted",
        /// The retransmission limit R2 or the user timeout has passed (RFC 9293 section 3.8.3).
        TimedOut => "connection timed out",
        /// The neighbor or router did not answer, or ICMP said host unreachable.
        HostUnreachable => "host unreachable",
        /// ICMP said network unreachable.
        NetworkUnreachable => "network unreachable",
        /// ICMP said that the host does not speak the protocol.
        ProtocolUnreachable => "protocol unreachable",
        /// ICMP said that a router or the host lets nothing through, on purpose.
        Prohibited => "administratively prohibited",
        /// ICMP said that the packet's header makes no sense (Parameter Problem).
        ProtocolError => "protocol error",
        /// A datagram was larger than the path takes.
        MessageTooLong => "message too long",
        /// The local address turned out to be another host's (RFC 5227 section 2.4), or its lease has ended.
        AddressLost => "the local address is not this stack's any more",
    }

    /// Why a UDP socket was not bound.
    BindError {
        /// Another socket has this address and port.
        AddressInUse => "address in use",
        /// The address is not one of this stack's.
        AddressNotAvailable => "the address is not one of this stack's",
        /// No ephemeral port is free.
        PortsExhausted => "no ephemeral port is free",
        /// `Limits::udp_sockets` is reached.
        LimitReached => "no more sockets: Limits::udp_sockets is reached",
    }

    /// Why a datagram was not queued.
    UdpSendError {
        /// The handle's socket has been released.
        Stale => "the socket behind this handle has been released",
        /// No destination was given and the socket is not connected.
        NoDestination => "no destination: the socket is not connected",
        /// The destination's port is 0, or its family is not the socket's.
        BadDestination => "the destination's port is 0 or its family is not the socket's",
        /// The destination is a broadcast address, and the socket has not asked to send to these.
        BroadcastNotAllowed => "a broadcast address, and broadcast is not enabled on the socket",
        /// No route to the destination.
        NoRoute => "no route to the destination",
        /// A route says that the destination is unreachable, or discards what is sent there.
        Unreachable => "a route says that the destination is unreachable",
        /// A route prohibits the destination.
        Prohibited => "a route prohibits the destination",
        /// Larger than any packet can be; or than the path takes in one, on a socket that may not fragment.
        MessageTooLong => "message too long",
        /// The send queue is full.
        WouldBlock => "the send queue is full",
    }

    /// Why a socket's membership of a group was not changed.
    MembershipError {
        /// The handle's socket has been released.
        Stale => "the socket behind this handle has been released",
        /// The address is not a group of a family that the socket speaks.
        NotAGroup => "the address is not a group of the socket's family",
        /// No such interface, or none that leads to the group.
        NoInterface => "no such interface",
        /// The socket is a member already, or listens to this source already.
        AlreadyMember => "the socket is a member already",
        /// The socket is not a member of the group, or the source is not in its list.
        NotMember => "the socket is not a member, or the source is not in its list",
        /// The source is not a unicast address of the group's family.
        BadSource => "the source is not a unicast address of the group's family",
        /// Sources are blocked for a member that wants all others, and joined by one that wants no others.
        WrongMode => "the membership is of the other filter mode",
        /// `Limits::memberships` is reached.
        MembershipsFull => "no more memberships: Limits::memberships is reached",
        /// `Limits::groups` is reached.
        GroupsFull => "no more groups: Limits::groups is reached",
        /// `Limits::group_sources` is reached.
        SourcesFull => "no more sources: Limits::group_sources is reached",
    }

    /// Why a UDP socket was not connected.
    UdpConnectError {
        /// The handle's socket has been released.
        Stale => "the socket behind this handle has been released",
        /// The destination's port is 0, or its family is not the socket's.
        BadDestination => "the destination's port is 0 or its family is not the socket's",
        /// No route to the destination.
        NoRoute => "no route to the destination",
        /// A route says that the destination is unreachable, or discards what is sent there.
        Unreachable => "a route says that the destination is unreachable",
        /// A route prohibits the destination.
        Prohibited => "a route prohibits the destination",
    }
}

macro_rules! from_refusal {
    ($($name:ident: $blackhole:ident, $unreachable:ident, $prohibit:ident;)+) => {
        $(impl From<Refusal> for $name {
            fn from(refusal: Refusal) -> $name {
                match refusal {
                    Refusal::NoRoute => $name::NoRoute,
                    Refusal::Blackhole => $name::$blackhole,
                    Refusal::Unreachable => $name::$unreachable,
                    Refusal::Prohibit => $name::$prohibit,
                }
            }
        })+
    };
}

from_refusal! {
    DropReason: RouteBlackhole, RouteUnreachable, RouteProhibited;
    ConnectError: Unreachable, Unreachable, Prohibited;
    UdpSendError: Unreachable, Unreachable, Prohibited;
    UdpConnectError: Unreachable, Unreachable, Prohibited;
}
