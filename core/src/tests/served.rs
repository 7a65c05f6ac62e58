//! Arbitrary messages of those who configure a host: routers, DHCP servers, queriers and members of groups. Each is
//! well formed; what it says is mostly of use.

use alloc::vec;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use proptest::collection::vec;
use proptest::prelude::*;

use super::rig::*;
use crate::wire::checksum::Sum;
use crate::wire::dhcpv4::{Dhcpv4Header, Dhcpv4Kind, Dhcpv4Message, Dhcpv4Op};
use crate::wire::dhcpv6::{
    Dhcpv6Message, Dhcpv6Option, Dhcpv6Options, IaAddress, IaPrefix, IdentityAssociation, MessageType, Status,
};
use crate::wire::ethernet::EthernetAddress;
use crate::wire::icmpv4::Icmpv4Header;
use crate::wire::ipv4::{IpProtocol, Ipv4Header, Ipv4Packet};
use crate::wire::ipv6::{Ipv6Header, Ipv6Packet};
use crate::wire::ndp_options::{PrefixInformation, RouteInformation, RouterOption, emit_recursive_servers};
use crate::wire::ndp_router::{Redirect, RouterAdvertisementHeader, RouterPreference};
use crate::wire::udp::UdpDatagram;
use crate::wire::{icmpv6, igmp, mld};

const ALL_HOSTS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// The groups that the world's sockets listen to, and others.
pub(super) const GROUPS_V4: [Ipv4Addr; 2] = [Ipv4Addr::new(233, 252, 0, 1), Ipv4Addr::new(233, 252, 0, 2)];
pub(super) const GROUPS_V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xff0e, 0, 0, 0, 0, 0, 0, 1), Ipv6Addr::new(0xff0e, 0, 0, 0, 0, 0, 0, 2)];

/// A message. Neighbors are the last byte of their addresses.
#[derive(Clone, Debug)]
pub(crate) enum Served {
    /// RFC 4861 section 4.2.
    RouterAdvertisement { router: u8, header: RouterAdvertisementHeader, options: Vec<Advertised> },
    /// A better first hop for what the stack has sent lately: RFC 792, RFC 4861 section 4.5.
    Redirect { recent: usize, router: u8, target: u8, to_itself: bool },
    /// An answer to the client's last message (RFC 2131), or with another number than its own.
    Dhcpv4 { kind: u8, foreign: bool, leased: u8, options: Vec<(u8, Vec<u8>)> },
    /// The same (RFC 8415): what it leases, for how many seconds, and how it went.
    Dhcpv6 { kind: MessageType, foreign: bool, server: u8, leases: Vec<(bool, u8, u32)>, status: u16, rapid: bool },
    /// IGMP and MLD: a query, a report or a leave, with the type and codes given.
    Membership { v6: bool, kind: u8, code: u8, group: u8, sources: u8, newest: bool, alert: bool },
}

/// An option of a Router Advertisement.
#[derive(Clone, Debug)]
pub(crate) enum Advertised {
    Station,
    Prefix { number: u8, len: u8, on_link: bool, autonomous: bool, valid: u32, preferred: u32 },
    Route { number: u8, len: u8, lifetime: u32 },
    Mtu(u32),
    NameServers { count: u8, lifetime: u32 },
}

fn lifetime() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0u32), 1..20u32, 100..10_000u32, Just(u32::MAX), any::<u32>()]
}

fn neighbor() -> impl Strategy<Value = u8> {
    prop_oneof![3 => Just(1u8), 3 => 3..20u8, 1 => Just(2u8), 1 => any::<u8>()]
}

fn header() -> impl Strategy<Value = RouterAdvertisementHeader> {
    let preference =
        prop_oneof![Just(RouterPreference::Low), Just(RouterPreference::Medium), Just(RouterPreference::High)];
    let times = || prop_oneof![3 => Just(0u32), 1 => any::<u32>()];
    let router_lifetime = prop_oneof![Just(0u16), 1..20u16, Just(1800u16), any::<u16>()];
    let flags = any::<(bool, bool)>();
    (any::<u8>(), flags, preference, router_lifetime, times(), times()).prop_map(
        |(hop_limit, (managed, other), preference, router_lifetime, reachable_time, retrans_timer)| {
            RouterAdvertisementHeader {
                hop_limit,
                managed,
                other,
                preference,
                router_lifetime,
                reachable_time,
                retrans_timer,
            }
        },
    )
}

fn advertised() -> impl Strategy<Value = Advertised> {
    let len = || prop_oneof![4 => Just(64u8), 1 => 0..=128u8];
    prop_oneof![
        2 => Just(Advertised::Station),
        4 => (any::<u8>(), len(), any::<(bool, bool)>(), lifetime(), lifetime()).prop_map(
            |(number, len, (on_link, autonomous), valid, preferred)| Advertised::Prefix { number, len, on_link, autonomous, valid, preferred }),
        2 => (any::<u8>(), len(), lifetime()).prop_map(|(number, len, lifetime)| Advertised::Route { number, len, lifetime }),
        1 => prop_oneof![1270..1501u32, any::<u32>()].prop_map(Advertised::Mtu),
        1 => (0..20u8, lifetime()).prop_map(|(count, lifetime)| Advertised::NameServers { count, lifetime }),
    ]
}

fn dhcpv4_option() -> impl Strategy<Value = (u8, Vec<u8>)> {
    let known = prop_oneof![
        4 => Just((54u8, vec![192, 0, 2, 1])),
        2 => Just((1, vec![255, 255, 255, 0])),
        3 => lifetime().prop_map(|time| (51, time.to_be_bytes().to_vec())),
        1 => lifetime().prop_map(|time| (58, time.to_be_bytes().to_vec())),
        1 => lifetime().prop_map(|time| (59, time.to_be_bytes().to_vec())),
        2 => vec(neighbor(), 0..80).prop_map(|hosts| (3, hosts.into_iter().flat_map(|host| [192, 0, 2, host]).collect())),
        1 => Just((121, vec![24, 198, 51, 100, 192, 0, 2, 1, 0, 192, 0, 2, 1])),
        1 => Just((26, vec![5, 0])),
        1 => Just((80, vec![])),
        1 => Just((108, vec![0, 0, 1, 44])),
    ];
    prop_oneof![8 => known, 1 => (any::<u8>(), vec(any::<u8>(), 0..40))]
}

pub(super) fn served() -> impl Strategy<Value = Served> {
    let flag = || proptest::bool::weighted(0.15);
    let dhcpv6_kind = prop_oneof![
        4 => Just(MessageType::Advertise),
        6 => Just(MessageType::Reply),
        1 => Just(MessageType::Reconfigure),
        1 => Just(MessageType::Solicit),
    ];
    let dhcpv6_status = prop_oneof![8 => Just(0u16), 1 => 1..8u16];
    let membership = prop_oneof![
        3 => Just((false, 0x11u8)), 1 => Just((false, 0x12)), 1 => Just((false, 0x16)), 1 => Just((false, 0x17)), 1 => Just((false, 0x22)),
        3 => Just((true, 130)), 1 => Just((true, 131)), 1 => Just((true, 132)), 1 => Just((true, 143)),
    ];
    prop_oneof![
        5 => (neighbor(), header(), vec(advertised(), 0..6)).prop_map(|(router, header, options)| Served::RouterAdvertisement { router, header, options }),
        2 => (0..4usize, neighbor(), neighbor(), any::<bool>()).prop_map(|(recent, router, target, to_itself)| Served::Redirect { recent, router, target, to_itself }),
        4 => (prop_oneof![4 => Just(2u8), 6 => Just(5u8), 1 => Just(6u8), 1 => any::<u8>()], flag(), neighbor(), vec(dhcpv4_option(), 0..8))
            .prop_map(|(kind, foreign, leased, options)| Served::Dhcpv4 { kind, foreign, leased, options }),
        4 => (dhcpv6_kind, flag(), 0..3u8, vec((any::<bool>(), neighbor(), lifetime()), 0..5), dhcpv6_status, any::<bool>())
            .prop_map(|(kind, foreign, server, leases, status, rapid)| Served::Dhcpv6 { kind, foreign, server, leases, status, rapid }),
        3 => (membership, any::<u8>(), 0..4u8, 0..5u8, any::<bool>(), proptest::bool::weighted(0.8))
            .prop_map(|((v6, kind), code, group, sources, newest, alert)| Served::Membership { v6, kind, code, group, sources, newest, alert }),
    ]
}

/// What a message takes up: the packets that the stack has sent lately, and the addresses that it has.
pub(super) struct Before<'a> {
    pub(super) sent: &'a [&'a [u8]],
    pub(super) link_local: Option<Ipv6Addr>,
    pub(super) dhcpv4: Option<Dhcpv4Header>,
    /// The transaction and DUID of the DHCPv6 client.
    pub(super) dhcpv6: Option<(u32, Vec<u8>)>,
}

/// The DHCPv4 message in a frame that the stack has sent.
pub(super) fn dhcpv4_of(frame: &[u8]) -> Option<Dhcpv4Header> {
    let packet = Ipv4Packet::parse(frame.get(14..)?).ok().filter(|packet| packet.protocol() == IpProtocol::UDP)?;
    let datagram = UdpDatagram::parse(packet.payload()).ok().filter(|datagram| datagram.dst_port() == 67)?;
    Some(Dhcpv4Message::parse(datagram.payload()).ok()?.header())
}

/// The transaction and the client's DUID of the DHCPv6 message in a frame that the stack has sent.
pub(super) fn dhcpv6_of(frame: &[u8]) -> Option<(u32, Vec<u8>)> {
    let packet = Ipv6Packet::parse(frame.get(14..)?).ok().filter(|packet| packet.next_header() == IpProtocol::UDP)?;
    let datagram = UdpDatagram::parse(packet.payload()).ok().filter(|datagram| datagram.dst_port() == 547)?;
    let message = Dhcpv6Message::parse(datagram.payload()).ok()?;
    Some((message.transaction, message.options.client_id()?.to_vec()))
}

fn router_v6(n: u8) -> Ipv6Addr {
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, n.into())
}

fn station(n: u8) -> EthernetAddress {
    EthernetAddress([2, 0, 0, 0, 0, n])
}

fn neighbor_v4(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, n)
}

impl Served {
    /// The frame; none if what it would take up has not been.
    pub(super) fn frame(&self, before: &Before<'_>) -> Option<Vec<u8>> {
        match self {
            Served::RouterAdvertisement { router, header, options } => Some(advertisement(*router, header, options)),
            Served::Redirect { recent, router, target, to_itself } => {
                let packet = before.sent.get(*recent)?.get(14..)?;
                redirect(packet, *router, *target, *to_itself)
            }
            Served::Dhcpv4 { kind, foreign, leased, options } => {
                let kind = Dhcpv4Kind::from_number(*kind)? as u8;
                let last = before.dhcpv4?;
                let xid = if *foreign { !last.xid } else { last.xid };
                let (yiaddr, ciaddr) = (neighbor_v4(*leased), Ipv4Addr::UNSPECIFIED);
                let header = Dhcpv4Header { op: Dhcpv4Op::Reply, yiaddr, ciaddr, xid, secs: 0, ..last };
                let mut message = Vec::new();
                let options = options.iter().map(|(code, data)| (*code, &data[..]));
                header.emit(core::iter::once((53, &[kind][..])).chain(options), &mut message);
                let end = |address: Ipv4Addr, port| SocketAddr::new(address.into(), port);
                Some(ethernet(OUR_MAC, PEER_MAC, &udp_packet(end(PEER_V4, 67), end(yiaddr, 68), &message)))
            }
            Served::Dhcpv6 { kind, foreign, server, leases, status, rapid } => {
                let (transaction, client) = before.dhcpv6.clone()?;
                let transaction = if *foreign { transaction ^ 1 } else { transaction };
                let message = dhcpv6(*kind, transaction, &client, *server, leases, *status, *rapid);
                let end = |address: Ipv6Addr, port| SocketAddr::new(address.into(), port);
                let packet = udp_packet(end(router_v6(1), 547), end(before.link_local?, 546), &message);
                Some(ethernet(OUR_MAC, PEER_MAC, &packet))
            }
            Served::Membership { v6: false, kind, code, group, sources, newest, alert } => {
                Some(igmp_frame(*kind, *code, *group, newest.then_some(*sources), *alert))
            }
            Served::Membership { v6: true, kind, code, group, sources, newest, alert } => {
                Some(mld_frame(*kind, *code, *group, newest.then_some(*sources), *alert))
            }
        }
    }
}

fn advertisement(router: u8, header: &RouterAdvertisementHeader, options: &[Advertised]) -> Vec<u8> {
    let mut message = Vec::new();
    header.emit(&mut message);
    for option in options {
        let option = match *option {
            Advertised::Station => RouterOption::SourceLinkLayer(station(router)),
            Advertised::Prefix { number, len, on_link, autonomous, valid, preferred } => {
                RouterOption::Prefix(PrefixInformation {
                    prefix: Ipv6Addr::new(0x2001, 0xdb8, 0x100 + u16::from(number % 20), 0, 0, 0, 0, 0),
                    prefix_len: len,
                    on_link,
                    autonomous,
                    valid_lifetime: valid,
                    preferred_lifetime: preferred,
                })
            }
            Advertised::Route { number, len, lifetime } => RouterOption::Route(RouteInformation {
                prefix: Ipv6Addr::new(0x2001, 0xdb8, 0x200 + u16::from(number % 20), 0, 0, 0, 0, 0),
                prefix_len: len,
                preference: RouterPreference::Medium,
                lifetime,
            }),
            Advertised::Mtu(mtu) => RouterOption::Mtu(mtu),
            Advertised::NameServers { count, lifetime } => {
                let servers: Vec<_> = (1..=count).map(router_v6).collect();
                emit_recursive_servers(lifetime, &servers, &mut message);
                continue;
            }
        };
        option.emit(&mut message);
    }
    let packet = icmpv6_packet(router_v6(router), ALL_NODES, 255, message);
    ethernet(EthernetAddress::multicast_v6(ALL_NODES), station(router), &packet)
}

fn redirect(packet: &[u8], router: u8, target: u8, to_itself: bool) -> Option<Vec<u8>> {
    if let Ok(sent) = Ipv4Packet::parse(packet) {
        let gateway = if to_itself { sent.dst() } else { neighbor_v4(target) };
        let header = Icmpv4Header::Redirect { code: 1, gateway };
        let packet = icmpv4_packet(neighbor_v4(router), sent.src(), header, packet.get(..28)?);
        return Some(ethernet(OUR_MAC, station(router), &packet));
    }
    let sent = Ipv6Packet::parse(packet).ok()?;
    let target = if to_itself { sent.dst() } else { router_v6(target) };
    let mut message = Vec::new();
    let target_link_layer = Some(station(9));
    let redirected = packet.get(..packet.len().min(1000))?;
    Redirect { target, destination: sent.dst(), target_link_layer, redirected }.emit(&mut message);
    Some(ethernet(OUR_MAC, station(router), &icmpv6_packet(router_v6(router), sent.src(), 255, message)))
}

fn dhcpv6(
    kind: MessageType,
    transaction: u32,
    client: &[u8],
    server: u8,
    leases: &[(bool, u8, u32)],
    status: u16,
    rapid: bool,
) -> Vec<u8> {
    let (mut addresses, mut prefixes) = (Vec::new(), Vec::new());
    for &(is_prefix, number, valid) in leases {
        let (preferred, options) = (valid / 2, Dhcpv6Options::default());
        let number = u16::from(number);
        if is_prefix {
            let prefix = Ipv6Addr::new(0x2001, 0xdb8, 0x300 + number, 0, 0, 0, 0, 0);
            Dhcpv6Option::IaPrefix(IaPrefix { preferred, valid, prefix_len: 56, prefix, options }).emit(&mut prefixes);
        } else {
            let address = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 1, number);
            Dhcpv6Option::IaAddress(IaAddress { address, preferred, valid, options }).emit(&mut addresses);
        }
    }
    let most = leases.iter().map(|(_, _, valid)| *valid).max().unwrap_or(0);
    // The low four bytes of our hardware address, as the client takes them.
    let ia = |options| IdentityAssociation { iaid: 2, t1: most / 4, t2: most / 3, options };
    let server = [0, 2, 0, server];
    let mut message = Vec::new();
    Dhcpv6Message::emit_header(kind, transaction, &mut message);
    let mut options = vec![Dhcpv6Option::ClientId(client), Dhcpv6Option::ServerId(&server)];
    options.extend(Dhcpv6Options::parse(&addresses).map(|leases| Dhcpv6Option::IaNa(ia(leases))));
    options.extend(Dhcpv6Options::parse(&prefixes).map(|leases| Dhcpv6Option::IaPd(ia(leases))));
    if status > 0 {
        options.push(Dhcpv6Option::Status { status: Status(status), message: b"no" });
    }
    if rapid {
        options.push(Dhcpv6Option::RapidCommit);
    }
    for option in options {
        option.emit(&mut message);
    }
    message
}

/// With `sources` the length that the newest version has.
fn igmp_frame(kind: u8, code: u8, group: u8, sources: Option<u8>, alert: bool) -> Vec<u8> {
    let group = GROUPS_V4.get(usize::from(group)).copied().unwrap_or(Ipv4Addr::UNSPECIFIED);
    let mut message = vec![kind, code, 0, 0];
    message.extend(group.octets());
    if let Some(count) = sources {
        message.extend([2, 125, 0, count]);
        message.extend((0..count).flat_map(|source| [198, 51, 100, source]));
    }
    igmp::fill_checksum(&mut message);
    let dst = if group.is_unspecified() { ALL_HOSTS } else { group };
    let header = Ipv4Header {
        tos: 0xc0,
        payload_len: message.len() as u16,
        id: 0,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        ttl: 1,
        protocol: IpProtocol::IGMP,
        src: PEER_V4,
        dst,
    };
    let mut packet = Vec::new();
    header.emit_with_options(if alert { &igmp::ROUTER_ALERT } else { &[] }, &mut packet);
    packet.extend(message);
    ethernet(EthernetAddress::multicast_v4(dst), PEER_MAC, &packet)
}

fn mld_frame(kind: u8, code: u8, group: u8, sources: Option<u8>, alert: bool) -> Vec<u8> {
    let group = GROUPS_V6.get(usize::from(group)).copied().unwrap_or(Ipv6Addr::UNSPECIFIED);
    let mut message = vec![kind, 0, 0, 0, code, 16, 0, 0];
    message.extend(group.octets());
    if let Some(count) = sources {
        message.extend([2, 125, 0, count]);
        message.extend((0..count).flat_map(|source| router_v6(source).octets()));
    }
    let (src, dst) = (router_v6(1), if group.is_unspecified() { ALL_NODES } else { group });
    icmpv6::fill_checksum(Sum::pseudo_header_v6(src, dst, IpProtocol::ICMPV6, message.len()), &mut message);
    let hop_by_hop: &[u8] = if alert { &mld::ROUTER_ALERT } else { &[] };
    let next_header = if alert { IpProtocol::HOP_BY_HOP } else { IpProtocol::ICMPV6 };
    let payload_len = (hop_by_hop.len() + message.len()) as u16;
    let mut packet = Vec::new();
    Ipv6Header { traffic_class: 0, flow_label: 0, payload_len, next_header, hop_limit: 1, src, dst }.emit(&mut packet);
    packet.extend([hop_by_hop, &message].concat());
    ethernet(EthernetAddress::multicast_v6(dst), PEER_MAC, &packet)
}
