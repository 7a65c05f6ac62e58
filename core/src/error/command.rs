//! Why a command was refused: one enum per operation.

use core::fmt;

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
        /// The MTU is above what the medium carries.
        MtuTooLarge => "the MTU is too large: at most 65521 on Ethernet",
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

    /// Why the MTU of an interface was not changed.
    MtuError {
        /// No such interface.
        NoInterface => "no such interface",
        /// Below 576 (IPv4, RFC 791), or below 1,280 where there is IPv6 (RFC 8200 section 5).
        TooSmall => "the MTU is too small: at least 576, and 1280 for IPv6",
        /// Above what the medium carries.
        TooLarge => "the MTU is too large: at most 65521 on Ethernet",
    }

    /// Why the hardware address of an interface was not changed.
    HardwareAddressError {
        /// No such interface.
        NoInterface => "no such interface",
        /// The interface is no Ethernet: it has no hardware address.
        NotEthernet => "the interface is no Ethernet",
        /// It is a group address.
        Group => "the hardware address is a group address; an individual one is needed",
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
        /// The settings hold a source route, which `ip.source_routes` does not allow.
        SourceRoute => "source routes are not allowed: set ip.source_routes",
        /// `Limits::listeners` is reached.
        LimitReached => "no more listeners: Limits::listeners is reached",
    }

    /// Why IPv4 options were not set.
    IpOptionsError {
        /// They are longer than 40 bytes.
        TooLong => "the options are longer than 40 bytes",
        /// A length is wrong, or a route or timestamp does not start empty (RFC 791 section 3.1).
        Malformed => "an option is malformed",
        /// An option stands there twice of which a packet has one at most (RFC 791 section 3.1).
        Repeated => "an option that may appear once appears twice",
        /// The stream identifier is not sent any more (RFC 1122 section 3.2.1.8 (b)).
        Obsolete => "the stream identifier is obsolete",
        /// There is a source route, which `ip.source_routes` does not allow (RFC 7126 section 4.3).
        SourceRoute => "source routes are not allowed: set ip.source_routes",
        /// The socket behind this handle has been released.
        Stale => "the socket behind this handle has been released",
    }

    /// Why a connection was not opened.
    ConnectError {
        /// No route to the destination.
        NoRoute => "no route to the destination",
        /// A route says that the destination is unreachable, or discards what is sent there.
        Unreachable => "a route says that the destination is unreachable",
        /// A route prohibits the destination.
        Prohibited => "a route prohibits the destination",
        /// The settings hold a source route, which `ip.source_routes` does not allow.
        SourceRoute => "source routes are not allowed: set ip.source_routes",
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
