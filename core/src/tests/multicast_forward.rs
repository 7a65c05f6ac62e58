//! Packets to groups between the links of a multicast router (RFC 1112, 1812 section 5.2.4, RFC 3376 section 6.3).
//!
//! ```text
//!   near: 192.0.2.2/24    2001:db8::2/64    fe80::2   the rig's wire, with the source on it
//!   far:  198.51.100.2/24 2001:db8:1::2/64  fe80::12  with members
//!   back: 203.0.113.2/24  2001:db8:2::2/64  fe80::22  with members
//! ```

use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;
use rstest::rstest;

use super::rig::*;
use crate::wire::checksum::Sum;
use crate::wire::ethernet::EthernetAddress;
use crate::wire::ipv4::{self, IpProtocol, Ipv4Header};
use crate::wire::ipv6::Ipv6Header;
use crate::wire::membership::{GroupRecord, RecordKind};
use crate::wire::{icmpv6, igmp, mld};
use crate::{
    Capabilities, Config, DropReason, InterfaceAddress, InterfaceConfig, InterfaceId, Limits, QuerierConfig,
    RouterConfig, Verdict,
};

const GROUP: &str = "233.252.0.1:5000";
const GROUP_V6: &str = "[ff0e::1234]:5000";
const SOURCE: &str = "192.0.2.9:5000";
const SOURCE_V6: &str = "[2001:db8::9]:5000";

struct Links {
    rig: Rig,
    near: InterfaceId,
    far: InterfaceId,
    back: InterfaceId,
}

fn addresses(v4: [u8; 4], net: u16, link_local: u16) -> [InterfaceAddress; 3] {
    [
        InterfaceAddress::v4(v4.into(), 24),
        InterfaceAddress::v6(Ipv6Addr::new(0x2001, 0xdb8, net, 0, 0, 0, 0, 2), 64),
        InterfaceAddress::v6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, link_local), 64),
    ]
}

fn config() -> Config {
    let router = RouterConfig { forwarding: true, ..RouterConfig::default() };
    let querier = QuerierConfig { enabled: true, ..QuerierConfig::default() };
    Config { checks: true, router, querier, ..Config::default() }
}

fn links(config: Config, far_mtu: u16) -> Links {
    let interface = |mac, mtu, addresses: [InterfaceAddress; 3]| {
        InterfaceConfig::new(EthernetAddress([2, 0, 0, 0, mac, 2]), Capabilities::plain(mtu), addresses).unverified()
    };
    let near = InterfaceConfig { hardware_address: OUR_MAC, ..interface(0, 1500, addresses([192, 0, 2, 2], 0, 2)) };
    let mut rig = Rig::with_interface(config, near);
    let near = rig.interface;
    let far = rig.add_interface(interface(1, far_mtu, addresses([198, 51, 100, 2], 1, 0x12)));
    let back = rig.add_interface(interface(2, 1500, addresses([203, 0, 113, 2], 2, 0x22)));
    for id in [near, far, back] {
        rig.interface = id;
        rig.discard();
    }
    rig.interface = near;
    Links { rig, near, far, back }
}

impl Links {
    fn new() -> Links {
        links(config(), 1500)
    }

    /// Links on which somebody listens to both groups.
    fn listening(on: &[usize]) -> Links {
        let mut links = Links::new();
        for number in on {
            let id = [links.near, links.far, links.back][*number];
            links.listen(id, RecordKind::ToExclude, &[]);
        }
        links
    }

    /// Hosts on a link listen to both groups.
    fn listen(&mut self, id: InterfaceId, kind: RecordKind, sources: &[&str]) {
        self.rig.interface = id;
        for (group, subnet) in [(socket(GROUP).ip(), id.index()), (socket(GROUP_V6).ip(), 0)] {
            let sources = sources.iter().map(|source| socket(source).ip()).filter(|it| it.is_ipv4() == group.is_ipv4());
            let record = GroupRecord { kind, group, sources: sources.collect() };
            let host = [[192, 0, 2, 9], [198, 51, 100, 9], [203, 0, 113, 9]][subnet];
            assert_eq!(self.rig.receive(&report(host.into(), record)), Verdict::Accepted);
        }
        self.rig.interface = self.near;
    }

    fn sent_on(&mut self, id: InterfaceId) -> String {
        let back = core::mem::replace(&mut self.rig.interface, id);
        let sent = self.rig.sent();
        self.rig.interface = back;
        sent
    }

    /// A datagram arrives on the near link; what leaves by near, far and back.
    fn pass(&mut self, packet: &[u8]) -> (Verdict, [String; 3]) {
        let verdict = self.rig.receive(&to_group(packet));
        (verdict, [self.near, self.far, self.back].map(|id| self.sent_on(id)))
    }
}

fn report(host: Ipv4Addr, record: GroupRecord) -> Vec<u8> {
    let mut message = Vec::new();
    let mut packet = Vec::new();
    if record.group.is_ipv4() {
        igmp::emit_records(&[record], &mut message);
        igmp::fill_checksum(&mut message);
        let header = Ipv4Header {
            tos: 0xc0,
            payload_len: message.len() as u16,
            id: 0,
            dont_fragment: true,
            more_fragments: false,
            fragment_offset: 0,
            ttl: 1,
            protocol: IpProtocol::IGMP,
            src: host,
            dst: igmp::V3_ROUTERS,
        };
        header.emit_with_options(&igmp::ROUTER_ALERT, &mut packet);
    } else {
        mld::emit_records(&[record], &mut message);
        let (src, dst) = (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 9), mld::V2_ROUTERS);
        icmpv6::fill_checksum(Sum::pseudo_header_v6(src, dst, IpProtocol::ICMPV6, message.len()), &mut message);
        let payload_len = (8 + message.len()) as u16;
        let next_header = IpProtocol::HOP_BY_HOP;
        Ipv6Header { traffic_class: 0, flow_label: 0, payload_len, next_header, hop_limit: 1, src, dst }
            .emit(&mut packet);
        packet.extend(mld::ROUTER_ALERT);
    }
    packet.extend(message);
    to_group(&packet)
}

/// A frame to the group's hardware address.
fn to_group(packet: &[u8]) -> Vec<u8> {
    let dst = if packet[0] >> 4 == 4 {
        EthernetAddress::multicast_v4(Ipv4Addr::new(packet[16], packet[17], packet[18], packet[19]))
    } else {
        EthernetAddress::multicast_v6(Ipv6Addr::from(<[u8; 16]>::try_from(&packet[24..40]).unwrap()))
    };
    ethernet(dst, PEER_MAC, packet)
}

fn datagram(from: &str, to: &str, hop_limit: u8, len: usize) -> Vec<u8> {
    let mut packet = udp_packet(socket(from), socket(to), &alloc::vec![7; len]);
    if packet[0] >> 4 == 4 {
        packet[8] = hop_limit;
        ipv4::fill_checksum(&mut packet);
    } else {
        packet[7] = hop_limit;
    }
    packet
}

#[rstest]
#[case::ipv4(SOURCE, GROUP, "> 192.0.2.9:5000 > 233.252.0.1:5000 udp (5)")]
#[case::ipv6(SOURCE_V6, GROUP_V6, "> [2001:db8::9]:5000 > [ff0e::1234]:5000 udp (5)")]
fn to_where_somebody_listens(#[case] from: &str, #[case] to: &str, #[case] line: &str) {
    let mut links = Links::listening(&[0, 1, 2]);
    let (verdict, sent) = links.pass(&datagram(from, to, 9, 5));
    assert_eq!(verdict, Verdict::Accepted);
    // Never back to where it came from.
    assert_eq!(sent, ["", line, line].map(String::from));
    assert_eq!((links.rig.counter("forward.packets"), links.rig.counter("forward.group_packets")), (2, 1));
    let mut links = Links::listening(&[2]);
    assert_eq!(links.pass(&datagram(from, to, 9, 5)).1, ["", "", line].map(String::from));
}

/// One hop less to live, everything else as it came, to the group's hardware address.
#[test]
fn the_copy() {
    let mut links = Links::listening(&[1]);
    let packet = datagram(SOURCE, GROUP, 9, 5);
    assert_eq!(links.rig.receive(&to_group(&packet)), Verdict::Accepted);
    links.rig.interface = links.far;
    let frame = links.rig.frames().remove(0);
    let mut expected = datagram(SOURCE, GROUP, 8, 5);
    ipv4::fill_checksum(&mut expected);
    assert_eq!(frame[14..], expected);
    assert_eq!(stations(&frame), (EthernetAddress([1, 0, 0x5e, 0x7c, 0, 1]), EthernetAddress([2, 0, 0, 0, 1, 2])));
}

#[test]
fn nobody_listens() {
    let mut links = Links::listening(&[0]);
    let (verdict, sent) = links.pass(&datagram(SOURCE, GROUP, 9, 5));
    assert_eq!((verdict, sent), (Verdict::Dropped(DropReason::Ipv4NotOurs), Default::default()));
    let (verdict, sent) = links.pass(&datagram(SOURCE_V6, GROUP_V6, 9, 5));
    assert_eq!((verdict, sent), (Verdict::Dropped(DropReason::Ipv6NotOurs), Default::default()));
}

/// RFC 3376 section 6.3: sources that are not wanted do not pass.
#[test]
fn source_filters() {
    let mut links = Links::new();
    links.listen(links.far, RecordKind::ToExclude, &[SOURCE, SOURCE_V6]);
    links.listen(links.back, RecordKind::Allow, &[SOURCE, SOURCE_V6]);
    for (wanted, other, group) in [(SOURCE, "192.0.2.8:5000", GROUP), (SOURCE_V6, "[2001:db8::8]:5000", GROUP_V6)] {
        let (_, [_, far, back]) = links.pass(&datagram(wanted, group, 9, 5));
        assert_eq!((far.lines().count(), back.lines().count()), (0, 1));
        let (_, [_, far, back]) = links.pass(&datagram(other, group, 9, 5));
        assert_eq!((far.lines().count(), back.lines().count()), (1, 0));
    }
}

/// A socket of ours hears it too.
#[test]
fn beside_our_own_sockets() {
    let mut links = Links::listening(&[1]);
    let handle = links.rig.udp_bind("0.0.0.0:5000");
    let (now, near) = (links.rig.now, links.near);
    links.rig.stack.udp(handle).unwrap().join_group(now, Some(near), socket(GROUP).ip()).unwrap();
    links.rig.discard();
    let (verdict, sent) = links.pass(&datagram(SOURCE, GROUP, 9, 5));
    assert_eq!((verdict, sent[1].lines().count()), (Verdict::Accepted, 1));
    assert_eq!(links.rig.udp_received(handle), [5]);
    // What keeps it from the others is counted beside.
    let (verdict, _) = links.pass(&datagram(SOURCE, GROUP, 1, 5));
    assert_eq!((verdict, links.rig.drops(DropReason::ForwardHopLimit)), (Verdict::Accepted, 1));
}

/// What goes no further, without a word to anybody.
#[rstest]
#[case::last_hop(datagram(SOURCE, GROUP, 1, 5), DropReason::ForwardHopLimit)]
#[case::last_hop_v6(datagram(SOURCE_V6, GROUP_V6, 1, 5), DropReason::ForwardHopLimit)]
#[case::from_elsewhere("198.51.100.9:5000", DropReason::ForwardReversePath)]
#[case::from_nowhere("233.1.1.1:5000", DropReason::Ipv4Source)]
#[case::from_us("198.51.100.2:5000", DropReason::Ipv4Source)]
#[case::link_local("169.254.1.1:5000", DropReason::ForwardScope)]
#[case::link_local_v6(datagram("[fe80::9]:5000", GROUP_V6, 9, 5), DropReason::ForwardScope)]
#[case::unspecified(datagram("[::]:5000", GROUP_V6, 9, 5), DropReason::ForwardMartian)]
fn goes_no_further(#[case] packet: impl Into<Packet>, #[case] expected: DropReason) {
    let mut links = Links::listening(&[1, 2]);
    let Packet(packet) = packet.into();
    assert_eq!(links.pass(&packet), (Verdict::Dropped(expected), Default::default()));
}

struct Packet(Vec<u8>);

impl From<Vec<u8>> for Packet {
    fn from(packet: Vec<u8>) -> Packet {
        Packet(packet)
    }
}

impl From<&str> for Packet {
    fn from(source: &str) -> Packet {
        Packet(datagram(source, GROUP, 9, 5))
    }
}

/// RFC 5771 section 4, RFC 4291 section 2.7: groups that mean something on one link only, whoever asks for them.
#[rstest]
#[case::local_network("224.0.0.251:5000", SOURCE)]
#[case::interface("[ff01::1234]:5000", SOURCE_V6)]
#[case::link("[ff02::1234]:5000", SOURCE_V6)]
#[case::reserved("[ff00::1234]:5000", SOURCE_V6)]
fn groups_of_one_link(#[case] group: &str, #[case] source: &str) {
    let mut links = Links::new();
    links.rig.interface = links.far;
    let record = GroupRecord { kind: RecordKind::ToExclude, group: socket(group).ip(), sources: Vec::new() };
    let _ = links.rig.receive(&report([198, 51, 100, 9].into(), record));
    links.rig.interface = links.near;
    let (_, sent) = links.pass(&datagram(source, group, 9, 5));
    assert_eq!(sent, <[String; 3]>::default());
}

/// A frame to us alone that carries a packet to a group is not passed on.
#[test]
fn by_unicast() {
    let mut links = Links::listening(&[1]);
    let frame = ethernet(OUR_MAC, PEER_MAC, &datagram(SOURCE, GROUP, 9, 5));
    assert_eq!(links.rig.receive(&frame), Verdict::Dropped(DropReason::ForwardMartian));
    assert_eq!(links.sent_on(links.far), "");
}

/// RFC 4443 section 2.4 (e): Packet Too Big is the one error about a packet to a group. IPv4 has none (RFC 1122
/// section 3.2.2); it goes on in fragments, if it may.
#[test]
fn a_narrow_link() {
    let mut links = links(config(), 1280);
    for id in [links.far, links.back] {
        links.listen(id, RecordKind::ToExclude, &[]);
    }
    let neighbor = neighbor_solicitation(v6(SOURCE_V6), OUR_V6, Some(PEER_MAC));
    assert_eq!(links.rig.receive(&neighbor), Verdict::Accepted);
    links.rig.discard();
    let (verdict, [near, far, back]) = links.pass(&datagram(SOURCE_V6, GROUP_V6, 9, 1400));
    assert_eq!((verdict, far.as_str(), back.lines().count()), (Verdict::Accepted, "", 1));
    assert!(near.contains("icmp6 packet too big mtu 1280") && near.lines().count() == 1, "{near}");

    let (_, [near, far, back]) = links.pass(&datagram(SOURCE, GROUP, 9, 1400));
    assert_eq!((near.as_str(), far.lines().count(), back.lines().count()), ("", 2, 1));
    let mut whole = datagram(SOURCE, GROUP, 9, 1400);
    whole[6] |= 0x40;
    ipv4::fill_checksum(&mut whole);
    let (_, [near, far, back]) = links.pass(&whole);
    assert_eq!((near.as_str(), far.as_str(), back.lines().count()), ("", "", 1));
    assert_eq!(links.rig.drops(DropReason::ForwardTooBig), 2);
}

/// The IPv6 address of an end.
fn v6(end: &str) -> Ipv6Addr {
    let IpAddr::V6(address) = socket(end).ip() else { panic!("IPv6") };
    address
}

/// Fragments go on as they are.
#[test]
fn fragments() {
    let mut links = Links::listening(&[1]);
    let mut packet = datagram(SOURCE, GROUP, 9, 64);
    packet[6] |= 0x20;
    ipv4::fill_checksum(&mut packet);
    let (_, sent) = links.pass(&packet);
    assert!(sent[1].contains("fragment"), "{sent:?}");
}

/// Links that take nothing hold no more copies than their queues do.
#[test]
fn a_queue_that_is_full() {
    let limits = Limits { forward_queue: 5, ..Limits::default() };
    let mut links = links(Config { limits, ..config() }, 1500);
    links.listen(links.far, RecordKind::ToExclude, &[]);
    let frame = to_group(&datagram(SOURCE, GROUP, 9, 5));
    for _ in 0..8 {
        let _ = links.rig.receive(&frame);
    }
    assert_eq!(links.rig.drops(DropReason::ForwardQueueFull), 3);
    assert_eq!(links.sent_on(links.far).lines().count(), 5);
}

/// Off by default: with forwarding alone nobody is asked, and without it nothing passes.
#[test]
fn off_by_default() {
    let mut links = links(Config { router: RouterConfig::default(), ..config() }, 1500);
    links.listen(links.far, RecordKind::ToExclude, &[]);
    let (verdict, sent) = links.pass(&datagram(SOURCE, GROUP, 9, 5));
    assert_eq!((verdict, sent), (Verdict::Dropped(DropReason::Ipv4NotOurs), Default::default()));
}

/// Once the members have left, and nobody has answered for two seconds, nothing passes any more.
#[test]
fn until_the_members_leave() {
    let mut links = Links::listening(&[1]);
    links.listen(links.far, RecordKind::ToInclude, &[]);
    links.rig.interface = links.far;
    links.rig.pass(Duration::from_millis(1_900));
    links.rig.interface = links.near;
    assert_eq!(links.pass(&datagram(SOURCE, GROUP, 9, 5)).1[1].lines().count(), 1);
    links.rig.interface = links.far;
    links.rig.pass(Duration::from_millis(200));
    links.rig.interface = links.near;
    assert_eq!(links.pass(&datagram(SOURCE, GROUP, 9, 5)).1[1], "");
}
