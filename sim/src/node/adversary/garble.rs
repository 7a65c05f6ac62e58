//! Packets of every protocol that a host listens to, each with one thing wrong: an octet, its length, its hop limit.
//! What a host does with the right ones is held elsewhere; here it has to tell the wrong ones apart, to count why it
//! dropped them, and to go on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tickwire_core::wire::arp::{ArpHeader, ArpOperation};
use tickwire_core::wire::checksum::{self, Sum};
use tickwire_core::wire::ethernet::{self, EtherType, EthernetAddress};
use tickwire_core::wire::ipv4::{self, IpProtocol};
use tickwire_core::wire::ipv6;
use tickwire_core::wire::tcp::TcpFlags;

use crate::draw::{Lots, Purpose};
use crate::node::Outbox;
use crate::node::frames::{self, HOPS, Hosts, Stations};

/// A port that nobody listens on: no single octet makes it one of a workload.
const CLOSED: u16 = 9;
/// Whom hosts of a link listen to as well (RFC 1112, RFC 4291 section 2.7.1).
const ALL_HOSTS_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);
const ALL_NODES_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// The adversary's address on the link.
const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x6362);
/// Octets that fields end at, or change their meaning.
const EDGES: [u8; 8] = [0, 1, 2, 4, 0x7f, 0x80, 0xfe, 0xff];

/// Packets that are nearly right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Garble {
    /// Who sends them, and the victim's hardware address.
    pub stations: Stations,
    /// The adversary's own IPv4 address, and the victim's.
    pub v4: Option<(Ipv4Addr, Ipv4Addr)>,
    /// The adversary's own IPv6 address, and the victim's.
    pub v6: Option<(Ipv6Addr, Ipv6Addr)>,
    /// A port of the victim with a TCP listener.
    pub port: u16,
}

/// An upper layer, and what is before it: all that a packet is but its IP header.
struct Upper {
    protocol: IpProtocol,
    hops: u8,
    /// To the group of all hosts, not to the victim alone.
    for_all: bool,
    /// From the adversary's link-local address.
    on_link: bool,
    bytes: Vec<u8>,
}

impl Upper {
    fn new(protocol: IpProtocol, bytes: &[u8]) -> Upper {
        Upper { protocol, hops: HOPS, for_all: false, on_link: false, bytes: bytes.to_vec() }
    }

    fn hops(self, hops: u8) -> Upper {
        Upper { hops, ..self }
    }

    fn for_all(self) -> Upper {
        Upper { for_all: true, ..self }
    }

    fn on_link(self) -> Upper {
        Upper { on_link: true, ..self }
    }

    /// Behind an IPv6 extension header: its type, and its octets without the first, which tells what follows.
    fn behind(self, header: IpProtocol, octets: [u8; 7]) -> Upper {
        let bytes = [&[self.protocol.0][..], &octets, &self.bytes].concat();
        Upper { protocol: header, bytes, ..self }
    }
}

impl Garble {
    pub(super) fn forge(&self, lots: &mut Lots<'_>, out: &mut Outbox) {
        let choices = [self.v4.is_some(), self.v6.is_some()].iter().filter(|has| **has).count() as u64;
        let second = lots.below(Purpose::Forge, choices.max(1)) == 1;
        match (self.v4, self.v6) {
            (Some(hosts), None) => self.garble_v4(hosts, lots, out),
            (Some(hosts), Some(_)) if !second => self.garble_v4(hosts, lots, out),
            (_, Some(hosts)) => self.garble_v6(hosts, lots, out),
            (None, None) => {}
        }
    }

    fn garble_v4(&self, (from, to): (Ipv4Addr, Ipv4Addr), lots: &mut Lots<'_>, out: &mut Outbox) {
        let quoted = frames::packet(hosts(to, from), IpProtocol::UDP, HOPS, &datagram(CLOSED, CLOSED, &[0; 8]));
        let templates = [
            Upper::new(IpProtocol::ICMP, &[8, 0, 0, 0, 0, 1, 0, 1, b'e', b'c', b'h', b'o']),
            Upper::new(IpProtocol::ICMP, &[8, 0, 0, 0, 0, 1, 0, 1]).for_all(),
            Upper::new(IpProtocol::ICMP, &[&[3, 3, 0, 0, 0, 0, 0, 0], &quoted[..]].concat()),
            Upper::new(IpProtocol::ICMP, &[&[3, 4, 0, 0, 0, 0, 2, 64], &quoted[..]].concat()),
            Upper::new(IpProtocol::ICMP, &[&[5, 1, 0, 0], &from.octets()[..], &quoted[..]].concat()),
            Upper::new(IpProtocol::UDP, &datagram(CLOSED, CLOSED, b"datagram")),
            Upper::new(IpProtocol::UDP, &datagram(67, 68, &dhcp_offer(to))),
            self.segment(1, TcpFlags::SYN),
            self.segment(1, TcpFlags::SYN).for_all(),
            self.segment(2, TcpFlags::PSH),
            Upper::new(IpProtocol::IGMP, &[0x11, 100, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0]).hops(1).for_all(),
            Upper::new(IpProtocol::IGMP, &[0x16, 0, 0, 0, 233, 252, 0, 1]).hops(1).for_all(),
            Upper::new(IpProtocol(253), b"experiment"),
        ];
        let mut packet = match lots.below(Purpose::Forge, templates.len() as u64 + 1) as usize {
            0 => return self.garble_arp((from, to), lots, out),
            n => whole(hosts(from, to), &templates[n - 1], ALL_HOSTS_V4.into()),
        };
        if lots.chance(Purpose::Forge, 200_000) {
            insert_options(&mut packet, lots);
        }
        if lots.chance(Purpose::Forge, 100_000) {
            // A fragment: more to come, or some way into its packet.
            let places = [[0x20, 0], [0x20, 1], [0, 1], [0x3f, 0xff], [0x1f, 0xff]];
            packet[6..8].copy_from_slice(&places[lots.below(Purpose::Forge, places.len() as u64) as usize]);
        }
        self.send(EtherType::Ipv4, packet, lots, out);
    }

    fn garble_v6(&self, (from, to): (Ipv6Addr, Ipv6Addr), lots: &mut Lots<'_>, out: &mut Outbox) {
        let quoted = frames::packet(hosts(to, from), IpProtocol::UDP, HOPS, &datagram(CLOSED, CLOSED, &[0; 8]));
        let neighbor = |kind, flags| [&[kind, 0, 0, 0, flags, 0, 0, 0], &to.octets()[..]].concat();
        let option = [&[1, 1][..], &self.stations.src.0].concat();
        let icmp = |bytes: &[u8]| Upper::new(IpProtocol::ICMPV6, bytes);
        let mld = |bytes: &[u8]| {
            icmp(bytes).hops(1).on_link().for_all().behind(IpProtocol::HOP_BY_HOP, [0, 5, 2, 0, 0, 1, 0])
        };
        let padded = |upper: Upper, _| upper.behind(IpProtocol::DESTINATION_OPTIONS, [0, 1, 4, 0, 0, 0, 0]);
        let echo = || icmp(&[128, 0, 0, 0, 0, 1, 0, 1, b'e', b'c', b'h', b'o']);
        let group = Ipv6Addr::new(0xff15, 0, 0, 0, 0, 0, 0, 0x1234).octets();
        let templates = [
            echo(),
            echo().behind(IpProtocol::DESTINATION_OPTIONS, [0, 0x1e, 4, 1, 2, 3, 4]),
            echo().behind(IpProtocol::ROUTING, [0, 4, 0, 0, 0, 0, 0]),
            echo().behind(IpProtocol::FRAGMENT, [0, 0, 1, 0, 0, 0, 1]),
            echo().behind(IpProtocol::FRAGMENT, [0; 7]).behind(IpProtocol::FRAGMENT, [0; 7]),
            Upper::new(IpProtocol::TCP, &[0; 8]).behind(IpProtocol::FRAGMENT, [0, 0, 1, 0, 0, 0, 2]),
            (0..20).fold(echo(), padded),
            icmp(&[&[1, 4, 0, 0, 0, 0, 0, 0], &quoted[..]].concat()),
            icmp(&[&[2, 0, 0, 0, 0, 0, 5, 0], &quoted[..]].concat()),
            icmp(&[&neighbor(135, 0)[..], &option].concat()).hops(255),
            icmp(&neighbor(136, 0x60)).hops(255),
            icmp(&[133, 0, 0, 0, 0, 0, 0, 0]).hops(255).for_all(),
            icmp(&[&neighbor(137, 0)[..], &to.octets()].concat()).hops(255),
            mld(&[&[130, 0, 0, 0, 39, 16, 0, 0], &[0; 16][..], &[2, 125, 0, 0]].concat()),
            mld(&[&[131, 0, 0, 0, 0, 0, 0, 0], &group[..]].concat()),
            Upper::new(IpProtocol::UDP, &datagram(CLOSED, CLOSED, b"datagram")),
            Upper::new(IpProtocol::UDP, &datagram(547, 546, &[7, 1, 2, 3, 0, 1, 0, 2, 3, 4])),
            self.segment(1, TcpFlags::SYN),
            self.segment(2, TcpFlags::PSH),
            Upper::new(IpProtocol(253), b"experiment"),
        ];
        let chosen = &templates[lots.below(Purpose::Forge, templates.len() as u64) as usize];
        self.send(EtherType::Ipv6, whole(hosts(from, to), chosen, ALL_NODES_V6.into()), lots, out);
    }

    /// A segment without ACK, to the listener.
    fn segment(&self, seq: u8, flags: TcpFlags) -> Upper {
        let [high, low] = self.port.to_be_bytes();
        let header =
            [0, CLOSED as u8, high, low, 0, 0, 0, seq, 0, 0, 0, 0, 5 << 4, flags.bits() as u8, 4, 0, 0, 0, 0, 0];
        Upper::new(IpProtocol::TCP, &header)
    }

    /// A question for the victim's address, of which nothing is changed but what kind of message it is: an address
    /// that is not the adversary's own would be a claim.
    fn garble_arp(&self, (from, to): (Ipv4Addr, Ipv4Addr), lots: &mut Lots<'_>, out: &mut Outbox) {
        let header = ArpHeader {
            operation: ArpOperation::Request,
            sender_hardware: self.stations.src,
            sender_protocol: from,
            target_hardware: EthernetAddress::UNSPECIFIED,
            target_protocol: to,
        };
        let mut frame = frames::arp(self.stations.dst, &header).to_vec();
        let place = ethernet::HEADER_LEN + lots.below(Purpose::Forge, 8) as usize;
        frame[place] = EDGES[lots.below(Purpose::Forge, EDGES.len() as u64) as usize];
        if lots.chance(Purpose::Forge, 200_000) {
            frame.truncate(ethernet::HEADER_LEN + lots.below(Purpose::Forge, 28) as usize);
        }
        out.push((0, frame.into()));
    }

    /// Makes one thing of a packet wrong, and sends it.
    fn send(&self, ethertype: EtherType, mut packet: Vec<u8>, lots: &mut Lots<'_>, out: &mut Outbox) {
        let edge = EDGES[lots.below(Purpose::Forge, EDGES.len() as u64) as usize];
        let place = lots.below(Purpose::Forge, packet.len() as u64) as usize;
        let (mut cut, mut of_frame) = (None, None);
        match lots.below(Purpose::Forge, 8) {
            0..4 => packet[place] = edge,
            4 => packet[place] ^= 1 << lots.below(Purpose::Forge, 8),
            5 => cut = Some(place),
            6 => shorten(&mut packet, place),
            _ => of_frame = Some((lots.below(Purpose::Forge, ethernet::HEADER_LEN as u64) as usize, edge)),
        }
        // The rest is right, or else a checksum would hide what is not; at times it does.
        if lots.chance(Purpose::Forge, 900_000) {
            mend_checksums(&mut packet);
        }
        packet.truncate(cut.unwrap_or(usize::MAX));
        let mut frame = frames::ethernet(self.stations, ethertype, &packet).to_vec();
        if let Some((place, octet)) = of_frame {
            frame[place] = octet;
            frame.truncate(if octet == 0 { place } else { usize::MAX });
        }
        out.push((0, frame.into()));
    }
}

fn hosts(src: impl Into<IpAddr>, dst: impl Into<IpAddr>) -> Hosts {
    Hosts { src: src.into(), dst: dst.into() }
}

fn whole(hosts: Hosts, upper: &Upper, all: IpAddr) -> Vec<u8> {
    let hosts = if upper.for_all { Hosts { dst: all, ..hosts } } else { hosts };
    let hosts = if upper.on_link { Hosts { src: LINK_LOCAL.into(), ..hosts } } else { hosts };
    frames::packet(hosts, upper.protocol, upper.hops, &upper.bytes).to_vec()
}

fn datagram(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    let words = [from, to, 8 + payload.len() as u16, 0].map(u16::to_be_bytes);
    [words.as_flattened(), payload].concat()
}

/// A DHCPv4 offer of an address that its host has (RFC 2131 section 2), as far as an option that tells its kind.
fn dhcp_offer(to: Ipv4Addr) -> Vec<u8> {
    let mut message = vec![0; 236];
    message[..4].copy_from_slice(&[2, 1, 6, 0]);
    message[16..20].copy_from_slice(&to.octets());
    message.extend([99, 130, 83, 99, 53, 1, 2, 255]);
    message
}

/// Options behind the header of an IPv4 packet: a route to record, or one to follow, or a time to stamp, or one that
/// comes twice.
fn insert_options(packet: &mut Vec<u8>, lots: &mut Lots<'_>) {
    let choices: [[u8; 8]; 5] = [
        [7, 7, 4, 0, 0, 0, 0, 0],
        [131, 7, 4, 192, 0, 2, 1, 0],
        [68, 8, 5, 0, 0, 0, 0, 0],
        [148, 4, 0, 0, 148, 4, 0, 0],
        [7, 3, 4, 7, 3, 4, 0, 0],
    ];
    let options = choices[lots.below(Purpose::Forge, choices.len() as u64) as usize];
    packet.splice(ipv4::HEADER_LEN..ipv4::HEADER_LEN, options);
    packet[0] += (options.len() / 4) as u8;
    let length = packet.len() as u16;
    packet[2..4].copy_from_slice(&length.to_be_bytes());
}

/// Cuts a packet, and has its header say so.
fn shorten(packet: &mut Vec<u8>, to: usize) {
    let least = if packet[0] >> 4 == 4 { ipv4::HEADER_LEN } else { ipv6::HEADER_LEN };
    packet.truncate(to.max(least));
    let length = packet.len() as u16;
    match least {
        ipv4::HEADER_LEN => packet[2..4].copy_from_slice(&length.to_be_bytes()),
        _ => packet[4..6].copy_from_slice(&(length - ipv6::HEADER_LEN as u16).to_be_bytes()),
    }
}

/// Fills in the checksums of a packet as its fields are now, where they can be told to be.
fn mend_checksums(packet: &mut [u8]) {
    let Some(first) = packet.first() else { return };
    let (src, dst, start, protocol);
    if first >> 4 == 4 {
        start = usize::from(first & 0xf) * 4;
        if packet.len() < start.max(ipv4::HEADER_LEN) {
            return;
        }
        checksum::fill(Sum::new(), &mut packet[..start.max(ipv4::HEADER_LEN)], 10);
        let octets = |at: usize| Ipv4Addr::from_octets([packet[at], packet[at + 1], packet[at + 2], packet[at + 3]]);
        (src, dst, protocol) = (octets(12).into(), octets(16).into(), packet[9]);
    } else {
        if packet.len() < ipv6::HEADER_LEN {
            return;
        }
        let octets = |at: usize| packet[at..at + 16].try_into().map_or(Ipv6Addr::UNSPECIFIED, Ipv6Addr::from_octets);
        (src, dst) = (octets(8).into(), octets(24).into());
        (start, protocol) = upper_v6(packet);
    }
    let (protocol, upper) = (IpProtocol(protocol), &mut packet[start..]);
    let pseudo = frames::pseudo_header(Hosts { src, dst }, protocol, upper.len());
    let (sum, offset) = match protocol {
        IpProtocol::ICMP | IpProtocol::IGMP => (Sum::new(), 2),
        IpProtocol::ICMPV6 => (pseudo, 2),
        IpProtocol::UDP => (pseudo, 6),
        IpProtocol::TCP => (pseudo, 16),
        _ => return,
    };
    if upper.len() >= offset + 2 {
        checksum::fill(sum, upper, offset);
    }
}

/// Where the upper layer of an IPv6 packet begins, behind extension headers of eight octets, and which it is.
fn upper_v6(packet: &[u8]) -> (usize, u8) {
    let (mut start, mut next) = (ipv6::HEADER_LEN, packet[6]);
    let extensions =
        [IpProtocol::HOP_BY_HOP, IpProtocol::ROUTING, IpProtocol::FRAGMENT, IpProtocol::DESTINATION_OPTIONS];
    while extensions.contains(&IpProtocol(next)) && packet.len() >= start + 8 {
        next = packet[start];
        start += 8;
    }
    (start, next)
}
