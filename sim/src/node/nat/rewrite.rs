//! Rewriting of packets: addresses, ports, and every checksum that covers them (RFC 3022 section 4,
//! updated as in RFC 1624).

use std::net::{Ipv4Addr, SocketAddrV4};

use tickwire_core::wire::icmpv4::{self, Icmpv4Header, Icmpv4Message};
use tickwire_core::wire::ipv4::{self, IpProtocol, Ipv4Packet};
use tickwire_core::wire::tcp::{self, TcpFlags, TcpSegment};
use tickwire_core::wire::{checksum, udp};

use super::NatDrop;
use super::table::Protocol;

const TTL_PROTOCOL: usize = 8;
const SRC: usize = 12;
const DST: usize = 16;
const ICMP_IDENTIFIER: usize = 4;

/// The ends of a packet, and what it is to the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) protocol: Protocol,
    pub(super) src: SocketAddrV4,
    pub(super) dst: SocketAddrV4,
    /// None unless it is TCP.
    pub(super) flags: TcpFlags,
}

/// The ends that a packet is to have; `None` leaves one as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Translation {
    pub(super) src: Option<SocketAddrV4>,
    pub(super) dst: Option<SocketAddrV4>,
}

/// The ends of a packet, or of a first fragment. Of a query the identifier stands for both ports.
pub(super) fn ends(packet: &Ipv4Packet<'_>) -> Result<Ends, NatDrop> {
    let (src, dst, upper) = (packet.src(), packet.dst(), packet.payload());
    let (protocol, ports, flags) = match packet.protocol() {
        IpProtocol::TCP => {
            let segment = TcpSegment::parse(upper).map_err(|_| NatDrop::Malformed)?;
            (Protocol::Tcp, [segment.src_port(), segment.dst_port()], segment.flags())
        }
        IpProtocol::UDP => (Protocol::Udp, ports(upper).ok_or(NatDrop::Malformed)?, TcpFlags::empty()),
        IpProtocol::ICMP => match Icmpv4Message::parse(upper).map_err(|_| NatDrop::Malformed)?.header() {
            Icmpv4Header::EchoRequest { id, .. } | Icmpv4Header::EchoReply { id, .. } => {
                (Protocol::Icmp, [id, id], TcpFlags::empty())
            }
            _ => return Err(NatDrop::Protocol),
        },
        _ => return Err(NatDrop::Protocol),
    };
    let [src_port, dst_port] = ports;
    Ok(Ends { protocol, src: SocketAddrV4::new(src, src_port), dst: SocketAddrV4::new(dst, dst_port), flags })
}

/// The ends of a packet that an ICMP error quotes: eight bytes of its payload are enough.
pub(super) fn quoted_ends(packet: &Ipv4Packet<'_>) -> Option<Ends> {
    let upper = packet.payload();
    let (protocol, [src_port, dst_port]) = match packet.protocol() {
        IpProtocol::TCP => (Protocol::Tcp, ports(upper)?),
        IpProtocol::UDP => (Protocol::Udp, ports(upper)?),
        IpProtocol::ICMP => match Icmpv4Message::parse(upper).ok()?.header() {
            Icmpv4Header::EchoRequest { id, .. } | Icmpv4Header::EchoReply { id, .. } => (Protocol::Icmp, [id, id]),
            _ => return None,
        },
        _ => return None,
    };
    let src = SocketAddrV4::new(packet.src(), src_port);
    let dst = SocketAddrV4::new(packet.dst(), dst_port);
    Some(Ends { protocol, src, dst, flags: TcpFlags::empty() })
}

fn ports(upper: &[u8]) -> Option<[u16; 2]> {
    let &[a, b, c, d] = upper.first_chunk()?;
    Some([u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])])
}

/// Gives a packet other ends. `packet` is whole, a fragment (of which only the first has ports) or quoted by
/// an ICMP error (and may end after eight bytes of payload).
pub(super) fn translate(packet: &mut [u8], translation: &Translation) {
    let Some((protocol, header_len, first)) = Ipv4Packet::parse_quoted(packet)
        .ok()
        .map(|view| (view.protocol(), view.header_len(), view.fragment_offset() == 0))
    else {
        return;
    };
    let upper = Upper::of(protocol).filter(|_| first);
    let ends = [(translation.src, SRC, 0), (translation.dst, DST, 1)];
    for (to, address_at, which) in ends {
        let Some(to) = to else { continue };
        let sum_at = upper.as_ref().map(|upper| header_len + upper.checksum);
        let pseudo_sum_at = sum_at.filter(|_| protocol != IpProtocol::ICMP);
        for (at, word) in [address_at, address_at + 2].into_iter().zip(words(*to.ip())) {
            put(packet, at, word, &[Some(ipv4::CHECKSUM_OFFSET), pseudo_sum_at]);
        }
        if let Some(upper) = &upper {
            put(packet, header_len + upper.ports[which], to.port(), &[sum_at]);
        }
    }
}

/// Where a transport header has what is rewritten.
struct Upper {
    ports: [usize; 2],
    checksum: usize,
}

impl Upper {
    fn of(protocol: IpProtocol) -> Option<Upper> {
        match protocol {
            IpProtocol::TCP => Some(Upper { ports: [0, 2], checksum: tcp::CHECKSUM_OFFSET }),
            IpProtocol::UDP => Some(Upper { ports: [0, 2], checksum: udp::CHECKSUM_OFFSET }),
            IpProtocol::ICMP => Some(Upper { ports: [ICMP_IDENTIFIER; 2], checksum: icmpv4::CHECKSUM_OFFSET }),
            _ => None,
        }
    }
}

fn words(address: Ipv4Addr) -> [u16; 2] {
    let [a, b, c, d] = address.octets();
    [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]
}

fn word_at(packet: &[u8], at: usize) -> Option<u16> {
    packet.get(at..at + 2)?.try_into().ok().map(u16::from_be_bytes)
}

/// Writes a word and updates the checksums that cover it, as far as all are there. A UDP checksum of 0 is
/// none, and stays so.
fn put(packet: &mut [u8], at: usize, word: u16, sums: &[Option<usize>]) {
    let Some(old) = word_at(packet, at) else { return };
    checksum::store(packet, at, word);
    let is_udp = packet.get(TTL_PROTOCOL + 1) == Some(&IpProtocol::UDP.0);
    for sum_at in sums.iter().flatten() {
        let Some(before) = word_at(packet, *sum_at) else { continue };
        let udp_sum = is_udp && *sum_at != ipv4::CHECKSUM_OFFSET;
        if udp_sum && before == 0 {
            continue;
        }
        let after = checksum::update(before, old, word);
        checksum::store(packet, *sum_at, if udp_sum && after == 0 { 0xffff } else { after });
    }
}

/// One hop less. The packet has at least two.
pub(super) fn decrement_ttl(packet: &mut [u8]) {
    if let Some(word) = word_at(packet, TTL_PROTOCOL) {
        put(packet, TTL_PROTOCOL, word.wrapping_sub(0x0100), &[Some(ipv4::CHECKSUM_OFFSET)]);
    }
}

/// Gives a packet another identification.
pub(super) fn put_id(packet: &mut [u8], id: u16) {
    put(packet, ipv4::ID_OFFSET, id, &[Some(ipv4::CHECKSUM_OFFSET)]);
}

/// Translates an ICMP error: the packet that it quotes, and its own addresses (RFC 5508 section 4). Its
/// checksum, which was right, is computed anew.
pub(super) fn translate_error(packet: &mut [u8], outer: &Translation, quoted: &Translation) {
    let Some(header_len) = Ipv4Packet::parse(packet).ok().map(|view| view.header_len()) else { return };
    for (to, at) in [(outer.src, SRC), (outer.dst, DST)] {
        let Some(to) = to else { continue };
        for (at, word) in [at, at + 2].into_iter().zip(words(*to.ip())) {
            put(packet, at, word, &[Some(ipv4::CHECKSUM_OFFSET)]);
        }
    }
    let (_, message) = packet.split_at_mut(header_len);
    if let Some(inner) = message.get_mut(icmpv4::HEADER_LEN..) {
        translate(inner, quoted);
    }
    icmpv4::fill_checksum(message);
}
