//! A network address and port translator (NAPT, RFC 3022) for IPv4, as RFC 4787, RFC 5382 and RFC 5508 want it:
//! TCP, UDP and ICMP echo pass from inside to outside under one address, with the answers to them, and
//! the ICMP errors about them.
//!
//! | requirement | here |
//! |---|---|
//! | mapping (4787 REQ-1, 5382 REQ-1) | endpoint-independent |
//! | filtering (4787 REQ-8, 5382 REQ-3) | [`Filtering`], address-dependent by default |
//! | ports (4787 REQ-3, REQ-4) | the same if it is free, else one of the same range and parity; never shared |
//! | timeouts | UDP 5 min, refreshed from inside only; TCP 2 h 4 min established, else 4 min; ICMP 60 s |
//! | hairpinning (4787 REQ-9, 5382 REQ-8, 5508 REQ-7) | yes, with the outside endpoint as the source; not for echo |
//! | an unsolicited SYN (5382 REQ-4) | is answered with Port Unreachable after 6 s, unless a SYN to its sender leaves before |
//! | fragments (4787 REQ-14) | in any order; passed on as they are cut, under one identification |
//! | identifications (RFC 6864 section 5.3.1) | numbered anew on the way out, unless the packet is atomic |
//!
//! It is a router of one hop: the TTL goes down, Time Exceeded is sent, and nothing goes to a group. It
//! answers ARP and echo requests for its own addresses, and resolves its neighbors on both sides. Both
//! sides have the same MTU. Connections whose mapping is lost are not picked up in their middle.
//!
//! | module | job |
//! |---|---|
//! | `table` | mappings, sessions, timeouts, ports |
//! | `rewrite` | addresses, ports and checksums in a packet, and in what an ICMP error quotes |
//! | `fragments` | the way of fragments that have no ports |
//! | `neighbors` | ARP, and packets that wait for it |

mod fragments;
mod neighbors;
mod rewrite;
mod table;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};

use bytes::Bytes;
use tickwire_core::Instant;
use tickwire_core::time::Duration;
use tickwire_core::wire::ethernet::{EtherType, EthernetAddress, EthernetFrame};
use tickwire_core::wire::icmpv4::{self, Icmpv4Header, Icmpv4Message};
use tickwire_core::wire::ipv4::{IpProtocol, Ipv4Packet};
use tickwire_core::wire::tcp::TcpFlags;

use self::fragments::{Fragments, PacketKey};
use self::neighbors::Neighbors;
use self::rewrite::{Ends, Translation};
pub use self::table::Filtering;
use self::table::{Protocol, Table};
use super::Outbox;
use super::frames::{self, HOPS, Hosts};

/// How long an unsolicited SYN waits for a SYN to its sender (RFC 5382 REQ-4).
const UNSOLICITED: Duration = Duration::from_secs(6);
/// Unsolicited SYNs that wait; more are dropped for good.
const UNSOLICITED_MAX: usize = 64;
/// Bytes of a packet that an error quotes: the error is no longer than 576 bytes (RFC 1812 section 4.3.2.3).
const QUOTE_MAX: usize = 576 - 20 - 8;

/// One side of a NAT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side {
    /// Its hardware address there.
    pub hardware: EthernetAddress,
    /// Its address there.
    pub address: Ipv4Addr,
    /// How many bits of the address are the network's: 0 to 32.
    pub prefix_len: u8,
}

impl Side {
    fn is_on_link(&self, address: Ipv4Addr) -> bool {
        let host_bits = 32_u32.saturating_sub(self.prefix_len.into());
        (u64::from(self.address.to_bits()) >> host_bits) == (u64::from(address.to_bits()) >> host_bits)
    }
}

/// What a NAT is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatConfig {
    /// The side of the hosts that it hides: port [`Nat::INSIDE`].
    pub inside: Side,
    /// The side of the world: port [`Nat::OUTSIDE`].
    pub outside: Side,
    /// The router that leads to what is on neither side.
    pub gateway: Option<Ipv4Addr>,
    /// From whom an inside endpoint hears.
    pub filtering: Filtering,
    /// Sessions that it has room for.
    pub sessions_max: usize,
}

impl NatConfig {
    /// Without a gateway, with address-dependent filtering and room for 4,096 sessions.
    pub fn new(inside: Side, outside: Side) -> NatConfig {
        NatConfig { inside, outside, gateway: None, filtering: Filtering::default(), sessions_max: 4_096 }
    }
}

/// Why a NAT dropped something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NatDrop {
    /// It cannot be read, or a checksum is wrong.
    Malformed,
    /// The frame is for another station or a group, or the packet needs no translation to get where it goes.
    NotForUs,
    /// A source that cannot be behind that port.
    Martian,
    /// Neither TCP, UDP, echo, nor an error about one of them.
    Protocol,
    /// Its time to live has run out. Its sender is told.
    TtlExceeded,
    /// There is no way to its destination.
    NoRoute,
    /// Nobody inside has that port.
    NoMapping,
    /// It belongs to a TCP connection whose beginning was not seen, or is forgotten.
    NoSession,
    /// Its sender is not one that the inside endpoint has sent to.
    Filtered,
    /// There is no room for another session.
    TableFull,
    /// All ports outside are taken.
    NoPort,
    /// Too many fragments, or packets in fragments, are on their way.
    FragmentsFull,
    /// The first fragment did not come in time.
    FragmentTimeout,
    /// The next hop does not answer, or too much waits for it.
    Unresolved,
    /// There is no room for another neighbor.
    NeighborsFull,
}

/// What a NAT has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NatCounters {
    /// Packets translated from inside to outside.
    pub outbound: u64,
    /// Packets translated from outside to inside.
    pub inbound: u64,
    /// Packets translated from inside to inside.
    pub hairpinned: u64,
    /// ICMP errors translated, whichever way.
    pub errors: u64,
    /// Echo requests that it answered itself.
    pub echoes: u64,
    /// Sessions that have timed out.
    pub expired: u64,
    /// Packets dropped, by reason.
    pub dropped: BTreeMap<NatDrop, u64>,
}

/// How a packet goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Passage {
    port: usize,
    next_hop: Ipv4Addr,
    translation: Translation,
    /// Its new identification; `None` if it keeps its own.
    id: Option<u16>,
}

/// A SYN that nobody inside has asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Unsolicited {
    due: Instant,
    port: usize,
    ends: Ends,
    packet: Bytes,
}

/// A NAT at work. A clone is an exact branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nat {
    config: NatConfig,
    table: Table,
    fragments: Fragments,
    neighbors: [Neighbors; 2],
    unsolicited: VecDeque<Unsolicited>,
    next_id: u16,
    counters: NatCounters,
}

impl Nat {
    /// The port of the inside.
    pub const INSIDE: usize = 0;
    /// The port of the outside.
    pub const OUTSIDE: usize = 1;

    /// A NAT without any mapping.
    pub fn new(config: NatConfig) -> Nat {
        Nat {
            table: Table::new(config.filtering, config.sessions_max),
            fragments: Fragments::default(),
            neighbors: [Neighbors::new(Nat::INSIDE, config.inside), Neighbors::new(Nat::OUTSIDE, config.outside)],
            unsolicited: VecDeque::new(),
            next_id: 0,
            counters: NatCounters::default(),
            config,
        }
    }

    /// What it has done so far.
    pub const fn counters(&self) -> &NatCounters {
        &self.counters
    }

    /// How many sessions it has; those whose time is over are counted until a packet comes by.
    pub fn sessions(&self) -> usize {
        self.table.sessions()
    }

    pub(crate) fn receive(&mut self, now: Instant, port: usize, frame: &Bytes, out: &mut Outbox) {
        self.counters.expired += self.table.expire(now);
        let late = self.fragments.expire(now);
        self.drop(NatDrop::FragmentTimeout, late);
        let result = self.frame(now, port, frame, out);
        self.count(result);
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        let [inside, outside] = &self.neighbors;
        let syn = self.unsolicited.front().map(|syn| syn.due);
        [inside.deadline(), outside.deadline(), syn].into_iter().flatten().min()
    }

    pub(crate) fn expire(&mut self, now: Instant, out: &mut Outbox) {
        for port in [Nat::INSIDE, Nat::OUTSIDE] {
            let unresolved = self.neighbors[port].expire(now, out);
            self.drop(NatDrop::Unresolved, unresolved);
        }
        while let Some(syn) = self.unsolicited.pop_front_if(|syn| syn.due <= now) {
            let unreachable = Icmpv4Header::DestinationUnreachable { code: icmpv4::PORT_UNREACHABLE, next_hop_mtu: 0 };
            let result = self.send_error(now, syn.port, unreachable, &syn.packet, out);
            self.count(result);
        }
    }

    fn count(&mut self, result: Result<(), NatDrop>) {
        if let Err(reason) = result {
            self.drop(reason, 1);
        }
    }

    fn drop(&mut self, reason: NatDrop, packets: u64) {
        if packets > 0 {
            *self.counters.dropped.entry(reason).or_default() += packets;
        }
    }

    fn side(&self, port: usize) -> &Side {
        if port == Nat::INSIDE { &self.config.inside } else { &self.config.outside }
    }

    fn frame(&mut self, now: Instant, port: usize, frame: &Bytes, out: &mut Outbox) -> Result<(), NatDrop> {
        let view = EthernetFrame::parse(frame).map_err(|_| NatDrop::Malformed)?;
        let for_us = view.dst() == self.side(port).hardware;
        match view.ethertype() {
            EtherType::Arp if for_us || view.dst().is_broadcast() => {
                self.neighbors[port].receive(now, view.payload(), out)
            }
            EtherType::Ipv4 if for_us => {
                let packet = Ipv4Packet::parse(view.payload()).map_err(|_| NatDrop::Malformed)?;
                let whole = view.payload().get(..packet.total_len()).unwrap_or_default();
                self.packet(now, port, &frame.slice_ref(whole), out)
            }
            _ => Err(NatDrop::NotForUs),
        }
    }

    fn packet(&mut self, now: Instant, port: usize, packet: &Bytes, out: &mut Outbox) -> Result<(), NatDrop> {
        let view = Ipv4Packet::parse(packet).map_err(|_| NatDrop::Malformed)?;
        if !view.verify_checksum() {
            return Err(NatDrop::Malformed);
        }
        self.admit(port, &view)?;
        let message = Icmpv4Message::parse(view.payload()).ok();
        let message = message.filter(|_| view.protocol() == IpProtocol::ICMP && !view.is_fragment());
        if let Some(Icmpv4Header::EchoRequest { .. }) = message.map(|message| message.header())
            && self.is_own(port, view.dst())
        {
            return self.answer_echo(now, port, &view, out);
        }
        let is_error = message.is_some_and(|message| message.header().is_error());
        if view.ttl() <= 1 {
            if !is_error && view.fragment_offset() == 0 {
                let exceeded = Icmpv4Header::TimeExceeded { code: icmpv4::TTL_EXCEEDED };
                self.send_error(now, port, exceeded, packet, out)?;
            }
            return Err(NatDrop::TtlExceeded);
        }
        if is_error {
            return self.pass_error(now, port, packet, out);
        }
        let key = PacketKey::of(port, &view);
        if view.fragment_offset() > 0 {
            return match self.fragments.follow(now, key, packet)? {
                Some(passage) => self.pass(now, &passage, packet, out),
                None => Ok(()),
            };
        }
        let passage = self.passage(now, port, &view, packet)?;
        self.pass(now, &passage, packet, out)?;
        if view.more_fragments() {
            for waiting in self.fragments.open(now, key, passage)? {
                self.pass(now, &passage, &waiting, out)?;
            }
        }
        Ok(())
    }

    /// Whether a packet may come in by a port and needs us to go on.
    fn admit(&self, port: usize, packet: &Ipv4Packet<'_>) -> Result<(), NatDrop> {
        let (src, dst, side) = (packet.src(), packet.dst(), self.side(port));
        let impossible = src.is_unspecified() || src.is_multicast() || src.is_broadcast() || src.is_loopback();
        let wrong_side = if port == Nat::INSIDE { !side.is_on_link(src) } else { self.config.inside.is_on_link(src) };
        if impossible || wrong_side || src == side.address {
            return Err(NatDrop::Martian);
        }
        let own = self.is_own(port, dst);
        let onward = port == Nat::INSIDE && !side.is_on_link(dst) && !dst.is_multicast() && !dst.is_broadcast();
        if own || onward { Ok(()) } else { Err(NatDrop::NotForUs) }
    }

    /// Whether an address is ours, for those at a port. From outside only the outside one is.
    fn is_own(&self, port: usize, address: Ipv4Addr) -> bool {
        address == self.config.outside.address || (port == Nat::INSIDE && address == self.config.inside.address)
    }

    fn passage(
        &mut self,
        now: Instant,
        port: usize,
        view: &Ipv4Packet<'_>,
        packet: &Bytes,
    ) -> Result<Passage, NatDrop> {
        let ends = rewrite::ends(view)?;
        let atomic = view.dont_fragment() && !view.is_fragment();
        if port == Nat::OUTSIDE {
            let inside = self.inbound(now, port, ends, packet)?;
            self.counters.inbound += 1;
            let translation = Translation { src: None, dst: Some(inside) };
            return Ok(Passage { port: Nat::INSIDE, next_hop: *inside.ip(), translation, id: None });
        }
        if ends.dst.ip() == &self.config.inside.address {
            return Err(NatDrop::NotForUs);
        }
        let hairpin = ends.dst.ip() == &self.config.outside.address;
        let route = if hairpin { *ends.dst.ip() } else { self.route(*ends.dst.ip())? };
        let outside = self.table.outbound(now, (ends.protocol, ends.src), ends.dst, ends.flags)?;
        let outside = SocketAddrV4::new(self.config.outside.address, outside);
        self.solicit(&Ends { src: outside, ..ends });
        let (port, next_hop, dst) = if hairpin {
            let inside = self.inbound(now, port, Ends { src: outside, ..ends }, packet)?;
            self.counters.hairpinned += 1;
            (Nat::INSIDE, *inside.ip(), Some(inside))
        } else {
            self.counters.outbound += 1;
            (Nat::OUTSIDE, route, None)
        };
        let id = (!atomic).then(|| self.identification());
        Ok(Passage { port, next_hop, translation: Translation { src: Some(outside), dst }, id })
    }

    /// The inside endpoint that a packet is for. A SYN that is not let in is kept.
    fn inbound(&mut self, now: Instant, port: usize, ends: Ends, packet: &Bytes) -> Result<SocketAddrV4, NatDrop> {
        let result = self.table.inbound(now, ends.protocol, ends.dst.port(), ends.src, ends.flags);
        let refused = matches!(result, Err(NatDrop::NoMapping | NatDrop::Filtered));
        let opens = ends.flags & (TcpFlags::SYN | TcpFlags::ACK | TcpFlags::RST) == TcpFlags::SYN;
        if refused && opens && self.unsolicited.len() < UNSOLICITED_MAX {
            self.unsolicited.push_back(Unsolicited { due: now + UNSOLICITED, port, ends, packet: packet.clone() });
        }
        result
    }

    /// A SYN to the sender of an unsolicited one leaves: both have opened at once.
    fn solicit(&mut self, leaving: &Ends) {
        if leaving.protocol == Protocol::Tcp && leaving.flags.contains(TcpFlags::SYN) {
            self.unsolicited.retain(|syn| (syn.ends.src, syn.ends.dst) != (leaving.dst, leaving.src));
        }
    }

    fn identification(&mut self) -> u16 {
        self.next_id = self.next_id.wrapping_add(1);
        self.next_id
    }

    /// The next hop on the outside.
    fn route(&self, dst: Ipv4Addr) -> Result<Ipv4Addr, NatDrop> {
        if self.config.outside.is_on_link(dst) {
            return Ok(dst);
        }
        self.config.gateway.ok_or(NatDrop::NoRoute)
    }

    fn pass(&mut self, now: Instant, passage: &Passage, packet: &Bytes, out: &mut Outbox) -> Result<(), NatDrop> {
        let mut packet = packet.to_vec();
        rewrite::decrement_ttl(&mut packet);
        if let Some(id) = passage.id {
            rewrite::put_id(&mut packet, id);
        }
        rewrite::translate(&mut packet, &passage.translation);
        self.neighbors[passage.port].send(now, passage.next_hop, packet.into(), out)
    }

    /// Passes on an ICMP error about a packet that was translated (RFC 5508 section 4). It neither
    /// refreshes a session nor ends one (REQ-9).
    fn pass_error(&mut self, now: Instant, port: usize, packet: &Bytes, out: &mut Outbox) -> Result<(), NatDrop> {
        let view = Ipv4Packet::parse(packet).map_err(|_| NatDrop::Malformed)?;
        let message = Icmpv4Message::parse(view.payload()).map_err(|_| NatDrop::Malformed)?;
        let quoted = message.quoted().ok_or(NatDrop::Malformed)?;
        if !message.verify_checksum() || !quoted.verify_checksum() {
            return Err(NatDrop::Malformed);
        }
        let inner = rewrite::quoted_ends(&quoted).ok_or(NatDrop::Protocol)?;
        if *inner.src.ip() != view.dst() {
            return Err(NatDrop::Malformed);
        }
        let about = self.about(port, &inner)?;
        let mut packet = packet.to_vec();
        rewrite::decrement_ttl(&mut packet);
        rewrite::translate_error(&mut packet, &about.outer, &about.inner);
        self.counters.errors += 1;
        self.neighbors[about.port].send(now, about.next_hop, packet.into(), out)
    }

    /// Where an error goes, by the ends of the packet that it quotes.
    fn about(&self, port: usize, inner: &Ends) -> Result<About, NatDrop> {
        let inside_of =
            |outside: SocketAddrV4| self.table.inside_of(inner.protocol, outside.port()).ok_or(NatDrop::NoMapping);
        // The packet in trouble has left with our address as its source, be it that it came straight back.
        let left = inner.src.ip() == &self.config.outside.address;
        let src = if left { Some(inside_of(inner.src)?) } else { None };
        if port == Nat::OUTSIDE {
            let inside = src.ok_or(NatDrop::NoMapping)?;
            let outer = Translation { src: None, dst: Some(inside) };
            return Ok(About {
                port: Nat::INSIDE,
                next_hop: *inside.ip(),
                outer,
                inner: Translation { src, dst: None },
            });
        }
        let outside = self.table.outside_of((inner.protocol, inner.dst)).ok_or(NatDrop::NoMapping)?;
        let dst = Some(SocketAddrV4::new(self.config.outside.address, outside));
        let (port, next_hop) = match src {
            Some(inside) => (Nat::INSIDE, *inside.ip()),
            None => (Nat::OUTSIDE, self.route(*inner.src.ip())?),
        };
        Ok(About { port, next_hop, outer: Translation { src: dst, dst: src }, inner: Translation { src, dst } })
    }

    fn answer_echo(
        &mut self,
        now: Instant,
        port: usize,
        request: &Ipv4Packet<'_>,
        out: &mut Outbox,
    ) -> Result<(), NatDrop> {
        let message = Icmpv4Message::parse(request.payload()).map_err(|_| NatDrop::Malformed)?;
        let Icmpv4Header::EchoRequest { id, seq } = message.header() else { return Err(NatDrop::Malformed) };
        if !message.verify_checksum() {
            return Err(NatDrop::Malformed);
        }
        self.counters.echoes += 1;
        let header = Icmpv4Header::EchoReply { id, seq };
        self.send_icmp(now, port, (request.dst(), request.src()), header, message.payload(), out)
    }

    fn send_error(
        &mut self,
        now: Instant,
        port: usize,
        header: Icmpv4Header,
        packet: &[u8],
        out: &mut Outbox,
    ) -> Result<(), NatDrop> {
        let src = Ipv4Packet::parse(packet).map_err(|_| NatDrop::Malformed)?.src();
        let quote = packet.get(..QUOTE_MAX).unwrap_or(packet);
        self.send_icmp(now, port, (self.side(port).address, src), header, quote, out)
    }

    fn send_icmp(
        &mut self,
        now: Instant,
        port: usize,
        (src, dst): (Ipv4Addr, Ipv4Addr),
        header: Icmpv4Header,
        payload: &[u8],
        out: &mut Outbox,
    ) -> Result<(), NatDrop> {
        let mut message = Vec::with_capacity(icmpv4::HEADER_LEN + payload.len());
        header.emit(&mut message);
        message.extend_from_slice(payload);
        icmpv4::fill_checksum(&mut message);
        let packet = frames::packet(Hosts { src: src.into(), dst: dst.into() }, IpProtocol::ICMP, HOPS, &message);
        let next_hop = if port == Nat::INSIDE { dst } else { self.route(dst)? };
        self.neighbors[port].send(now, next_hop, packet, out)
    }
}

/// How an ICMP error goes on.
struct About {
    port: usize,
    next_hop: Ipv4Addr,
    outer: Translation,
    inner: Translation,
}
