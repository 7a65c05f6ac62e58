//! A DHCP server that nobody has set up (RFC 2131 section 7).

use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use tickwire_core::Instant;
use tickwire_core::wire::dhcpv4::{
    CLIENT_PORT, Dhcpv4Header, Dhcpv4Kind, Dhcpv4Message, Dhcpv4Op, SERVER_PORT, option,
};
use tickwire_core::wire::ethernet::{EtherType, EthernetAddress, EthernetFrame};
use tickwire_core::wire::ipv4::{IpProtocol, Ipv4Packet};
use tickwire_core::wire::udp::UdpDatagram;

use crate::draw::{Lots, Purpose};
use crate::node::Outbox;
use crate::node::frames::{self, HOPS, Hosts, Stations};

/// What a rogue server is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RogueDhcpConfig {
    /// Its hardware address.
    pub hardware: EthernetAddress,
    /// Its address, and its identity as a server.
    pub server: Ipv4Addr,
    /// The address that it gives to whoever asks, in a network of 24 bits; itself as the router.
    pub gives: Ipv4Addr,
    /// For how many seconds.
    pub lease_seconds: u32,
    /// Whether it refuses every REQUEST (DHCPNAK) instead of granting it.
    pub refuses: bool,
    /// Whether it knows the transaction of what it answers. One that does not draws it.
    pub sees: bool,
    /// How many answers it sends in all.
    pub answers: u32,
}

/// What a rogue server has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RogueDhcpCounters {
    /// Answers sent.
    pub answered: u64,
    /// Messages of clients that it had no answers left for.
    pub ignored: u64,
}

/// Answers what clients broadcast, at once, by its one port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RogueDhcp {
    config: RogueDhcpConfig,
    begins: Instant,
    ends: Option<Instant>,
    counters: RogueDhcpCounters,
}

impl RogueDhcp {
    /// A server that has answered nothing yet.
    pub fn new(config: RogueDhcpConfig) -> RogueDhcp {
        RogueDhcp { config, begins: Instant::ZERO, ends: None, counters: RogueDhcpCounters::default() }
    }

    /// The same, but silent before `begins` and from `ends` on.
    #[must_use]
    pub fn between(self, begins: Instant, ends: Instant) -> RogueDhcp {
        RogueDhcp { begins, ends: Some(ends), ..self }
    }

    /// What it has done so far.
    pub const fn counters(&self) -> &RogueDhcpCounters {
        &self.counters
    }

    pub(crate) fn receive(&mut self, now: Instant, frame: &Bytes, lots: &mut Lots<'_>, out: &mut Outbox) {
        if now < self.begins || self.ends.is_some_and(|ends| ends <= now) {
            return;
        }
        let Some((kind, request)) = request(frame) else { return };
        let answer = match (kind, self.config.refuses) {
            (Dhcpv4Kind::Discover, _) => Dhcpv4Kind::Offer,
            (Dhcpv4Kind::Request, false) => Dhcpv4Kind::Ack,
            (Dhcpv4Kind::Request, true) => Dhcpv4Kind::Nak,
            _ => return,
        };
        if self.counters.answered >= self.config.answers.into() {
            self.counters.ignored += 1;
            return;
        }
        self.counters.answered += 1;
        let xid = if self.config.sees { request.xid } else { lots.below(Purpose::Forge, 1 << 32) as u32 };
        out.push((0, self.answer(answer, Dhcpv4Header { xid, ..request })));
    }

    fn answer(&self, kind: Dhcpv4Kind, request: Dhcpv4Header) -> Bytes {
        let RogueDhcpConfig { hardware, server, gives, lease_seconds, .. } = self.config;
        let yiaddr = if kind == Dhcpv4Kind::Nak { Ipv4Addr::UNSPECIFIED } else { gives };
        let header = Dhcpv4Header { op: Dhcpv4Op::Reply, secs: 0, broadcast: true, yiaddr, siaddr: server, ..request };
        let lease = lease_seconds.to_be_bytes();
        let mut options: Vec<(u8, &[u8])> = vec![(option::MESSAGE_TYPE, &[])];
        let (number, id) = ([kind as u8], server.octets());
        options[0].1 = &number;
        options.push((option::SERVER_ID, &id));
        if kind != Dhcpv4Kind::Nak {
            options.extend([
                (option::LEASE_TIME, &lease[..]),
                (option::SUBNET_MASK, &[255, 255, 255, 0]),
                (option::ROUTER, &id),
            ]);
        }
        let mut message = Vec::new();
        header.emit(options, &mut message);
        let ends = (SocketAddr::from((server, SERVER_PORT)), SocketAddr::from((Ipv4Addr::BROADCAST, CLIENT_PORT)));
        let hosts = Hosts { src: server.into(), dst: Ipv4Addr::BROADCAST.into() };
        let packet = frames::packet(hosts, IpProtocol::UDP, HOPS, &frames::datagram(ends, &message));
        frames::around(Stations { src: hardware, dst: EthernetAddress::BROADCAST }, &packet)
    }
}

/// What a client says in a frame, if that is what it is.
fn request(frame: &[u8]) -> Option<(Dhcpv4Kind, Dhcpv4Header)> {
    let frame = EthernetFrame::parse(frame).ok().filter(|frame| frame.ethertype() == EtherType::Ipv4)?;
    let packet = Ipv4Packet::parse(frame.payload()).ok()?;
    let is_udp = packet.protocol() == IpProtocol::UDP && !packet.is_fragment();
    let datagram = UdpDatagram::parse(packet.payload()).ok().filter(|_| is_udp)?;
    let message = Dhcpv4Message::parse(datagram.payload()).ok().filter(|_| datagram.dst_port() == SERVER_PORT)?;
    Some((message.kind()?, message.header())).filter(|_| message.op() == Dhcpv4Op::Request)
}
