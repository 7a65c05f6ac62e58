//! A DHCP server that nobody has set up (RFC 2131 section 7).

use std::net::Ipv4Addr;

use bytes::Bytes;
use tickwire_core::Instant;
use tickwire_core::wire::dhcpv4::{Dhcpv4Header, Dhcpv4Kind, Dhcpv4Op, option};
use tickwire_core::wire::ethernet::{EthernetAddress, EthernetFrame};

use crate::draw::{Lots, Purpose};
use crate::node::{Outbox, dhcp};

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
        let Some(question) = EthernetFrame::parse(frame).ok().and_then(|frame| dhcp::question(&frame).ok()) else {
            return;
        };
        let request = question.message.header();
        let answer = match (question.kind, self.config.refuses) {
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
        let (lease, id) = (lease_seconds.to_be_bytes(), server.octets());
        let mut options: Vec<(u8, &[u8])> = vec![(option::SERVER_ID, &id)];
        if kind != Dhcpv4Kind::Nak {
            options.extend([
                (option::LEASE_TIME, &lease[..]),
                (option::SUBNET_MASK, &[255, 255, 255, 0]),
                (option::ROUTER, &id),
            ]);
        }
        dhcp::answer(kind, &header, &options, (hardware, server), (EthernetAddress::BROADCAST, Ipv4Addr::BROADCAST))
    }
}
