//! Why something was refused: [`DropReason`] for what arrives, one error enum per operation for commands.
//!
//! - `command`: the errors of commands

use core::fmt;

use crate::ip::route::Refusal;

mod command;

pub use command::{
    AddInterfaceError, AddressError, AdvertiseError, BindError, ConnectError, Dhcpv4Error, Dhcpv6Error,
    HardwareAddressError, InterfaceError, IpOptionsError, LinkLocalError, ListenError, MembershipError, MtuError,
    NeighborError, PolicyError, RecvError, RouteError, RuleError, SendError, SocketError, StaleHandle, UdpConnectError,
    UdpSendError,
};

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
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
    /// An option that the configuration drops packets for (`ip.drop_options`, RFC 7126 section 4).
    Ipv4OptionRefused = "ipv4.option_refused",
    /// An option twice of which a packet has one at most (RFC 791 section 3.1, RFC 7126 section 4.3).
    Ipv4OptionRepeated = "ipv4.option_repeated",
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
    /// A question or an answer about neighbors that was to leave for an address which has been withdrawn meanwhile: who
    /// loses a lease stops at once (RFC 2131 section 4.4.5).
    NeighborWithdrawn = "neighbor.withdrawn",
    /// No route to the destination of an answer.
    NoRoute = "route.none",
    /// A packet for another host whose source or destination no router passes on, or that was broadcast on the link.
    ForwardMartian = "forward.martian",
    /// A packet for another host whose source means nothing beyond its link.
    ForwardScope = "forward.scope",
    /// A packet for another host that came in where its source does not lie (RFC 3704).
    ForwardReversePath = "forward.reverse_path",
    /// A packet for another host that has made its last hop; Time Exceeded is owed.
    ForwardHopLimit = "forward.hop_limit",
    /// A packet for another host that the next link is too narrow for; Packet Too Big is owed.
    ForwardTooBig = "forward.too_big",
    /// Packets for another host that the device had merged into one: a router needs them as they were.
    ForwardMerged = "forward.merged",
    /// A packet for another host that the queue of its interface has no room for.
    ForwardQueueFull = "forward.queue_full",
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
