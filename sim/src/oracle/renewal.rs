//! Addresses that are leased by DHCP (RFC 2131 section 4.4.5): whoever has one asks for more time, and does without it
//! once its time is over.
//!
//! ```text
//!   REQUEST    ACK         T1            T2                     end
//!      |--------|----------|-------------|-----------|----------|
//!      |        bound       its server is asked      |          no packet from the address
//!      what the times count from         anybody is asked by now
//! ```
//!
//! Both times may be moved a little ("fuzz"): the server is asked by T2, anybody by the middle between T2 and the end. A
//! server that does not answer ARP is asked that way: such a question counts.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use tickwire_core::Instant;
use tickwire_core::time::Duration;
use tickwire_core::wire::arp::{ArpOperation, ArpPacket};
use tickwire_core::wire::dhcpv4::{CLIENT_PORT, Dhcpv4Kind, Dhcpv4Message, Dhcpv4Op, SERVER_PORT, option};
use tickwire_core::wire::ipv4::{IpProtocol, Ipv4Packet};
use tickwire_core::wire::udp::UdpDatagram;

use super::name::Oracle;
use super::packet::Packet;
use super::verdict::{Bench, Mark};

/// Clients of a host that are remembered, one per hardware address; more are not judged.
const CLIENTS: usize = 64;
/// Addresses of a client that are remembered.
const ADDRESSES: usize = 256;

/// The leases of a host, by the hardware addresses of its clients.
#[derive(Clone, Debug, Default)]
pub(super) struct Leases(BTreeMap<[u8; 6], Client>);

#[derive(Clone, Debug, Default)]
struct Client {
    asks: Option<Question>,
    lease: Option<Lease>,
    /// Addresses that it had or was given, and has not sent from since.
    silent: BTreeSet<Ipv4Addr>,
}

/// The last message that an answer may be for.
#[derive(Clone, Debug)]
struct Question {
    kind: Dhcpv4Kind,
    xid: u32,
    /// When it was sent first, and last.
    sent: [Instant; 2],
    address: Ipv4Addr,
    /// From whom it wants an answer, if not from anybody.
    server: Option<Ipv4Addr>,
    identifier: Option<Vec<u8>>,
}

/// A lease that a server has acknowledged.
#[derive(Clone, Copy, Debug)]
struct Lease {
    address: Ipv4Addr,
    server: Ipv4Addr,
    /// Whether packets to the server need no router.
    on_link: bool,
    /// Its acknowledgment.
    given: Mark,
    t1: Instant,
    t2: Instant,
    ends: Instant,
    /// Whether the client is bound to it, and could have asked for more all the time.
    bound: bool,
    /// The server was asked.
    renewing: bool,
    /// Anybody was.
    rebinding: bool,
    /// The client has let go of it, or was refused.
    over: bool,
}

impl Leases {
    /// The host was kept from working: when it should have asked cannot be told, but when it is over.
    pub(super) fn disturbed(&mut self) {
        self.0.values_mut().for_each(Client::unbind);
    }

    /// The host has lost what it asked for. A lease that it remembers ends as it would have.
    pub(super) fn restarted(&mut self) {
        for client in self.0.values_mut() {
            client.unbind();
            client.asks = None;
        }
    }

    /// Time has come to `at`. Returns whether a client should have asked by then, and has not.
    #[inline]
    pub(super) fn judge(&mut self, at: Instant, bench: &mut Bench) -> bool {
        let leases = self.0.values_mut().filter_map(|client| client.lease.as_mut());
        leases.fold(false, |late, lease| lease.is_late(at, bench) | late)
    }

    /// The host sends ARP.
    pub(super) fn sent_arp(&mut self, packet: &ArpPacket<'_>, at: Instant, bench: &mut Bench) {
        for client in self.0.values_mut() {
            client.uses(packet.sender_protocol(), at, bench);
            let Some(lease) = &mut client.lease else { continue };
            let about = packet.target_protocol() == lease.server || !lease.on_link;
            // It may have begun a little before.
            let early = lease.t2.since(lease.t1) / 2;
            lease.renewing |= packet.operation() == ArpOperation::Request && about && at + early >= lease.t1;
        }
    }

    /// Whether the host may have lost an address by `at`, or not have it yet: what arrives for it need not be heard.
    #[inline]
    pub(super) fn lacks(&self, dst: &Packet<'_>, at: Instant) -> bool {
        let (false, Some(v4)) = (self.0.is_empty(), &dst.v4) else { return false };
        let lost = |lease: &Lease| lease.address == v4.dst() && (lease.over || lease.ends < at);
        self.0.values().any(|client| client.silent.contains(&v4.dst()) || client.lease.as_ref().is_some_and(lost))
    }

    /// The host sends a packet. Returns whether it lets go of an address by that.
    #[inline]
    pub(super) fn sent(&mut self, packet: &Packet<'_>, mark: Mark, bench: &mut Bench) -> bool {
        if let (false, Some(v4)) = (self.0.is_empty(), &packet.v4) {
            self.0.values_mut().for_each(|client| client.uses(v4.src(), mark.at, bench));
        }
        let Some(message) =
            message(packet, CLIENT_PORT, SERVER_PORT).filter(|message| message.op() == Dhcpv4Op::Request)
        else {
            return false;
        };
        let station = message.header().chaddr.0;
        let known = self.0.len() < CLIENTS || self.0.contains_key(&station);
        known && self.0.entry(station).or_default().says(&message, destination(packet), mark, bench)
    }

    /// The host receives a packet; with `vouched` its checksums are the device's business. Returns whether an address is
    /// refused by that.
    #[inline]
    pub(super) fn received(&mut self, packet: &Packet<'_>, vouched: bool, mark: Mark) -> bool {
        let Some(message) = message(packet, SERVER_PORT, CLIENT_PORT).filter(|message| message.op() == Dhcpv4Op::Reply)
        else {
            return false;
        };
        let checked = packet.upper.get(6..8) != Some(&[0, 0]);
        let right = vouched || !checked || packet.upper_sum_is_right();
        if !right || packet.v4.as_ref().is_some_and(|v4| !v4.verify_checksum()) {
            return false;
        }
        self.0.get_mut(&message.header().chaddr.0).is_some_and(|client| client.hears(&message, mark))
    }
}

impl Client {
    fn unbind(&mut self) {
        if let Some(lease) = &mut self.lease {
            lease.bound = false;
        }
    }

    /// What the client sends has this source.
    #[inline]
    fn uses(&mut self, src: Ipv4Addr, at: Instant, bench: &mut Bench) {
        self.silent.remove(&src);
        let Some(lease) = self.lease.as_mut().filter(|lease| lease.address == src) else { return };
        lease.over = false;
        if lease.ends < at && bench.judges(Oracle::DhcpRenewal) {
            let expected = format!("nothing from {src}, whose lease was over at {}", lease.ends);
            bench.fail(Oracle::DhcpRenewal, Some(lease.given), expected, "a packet".to_owned());
            // Once is enough.
            self.lease = None;
        }
    }

    /// Returns whether it lets go of an address by that.
    fn says(&mut self, message: &Dhcpv4Message<'_>, dst: Ipv4Addr, mark: Mark, bench: &mut Bench) -> bool {
        let header = message.header();
        let Some(kind) = message.kind() else { return false };
        match kind {
            Dhcpv4Kind::Request if !header.ciaddr.is_unspecified() => {
                if let Some(lease) = &mut self.lease {
                    lease.asked(dst.is_broadcast(), mark.at, bench);
                }
            }
            // It begins anew: what it does not have, it does not extend.
            Dhcpv4Kind::Request => self.unbind(),
            _ => {}
        }
        let lets_go =
            matches!(kind, Dhcpv4Kind::Discover | Dhcpv4Kind::Decline | Dhcpv4Kind::Release) && self.lets_go();
        let wish = address(message, option::REQUESTED_ADDRESS).unwrap_or(header.ciaddr);
        let by_name = (!dst.is_broadcast()).then_some(dst);
        let before = self.asks.take().filter(|asks| asks.xid == header.xid && asks.kind == kind);
        self.asks = Some(Question {
            kind,
            xid: header.xid,
            sent: [before.map_or(mark.at, |asks| asks.sent[0]), mark.at],
            address: wish,
            server: address(message, option::SERVER_ID).or(by_name),
            identifier: message.option(option::CLIENT_ID).map(Cow::into_owned),
        });
        lets_go
    }

    /// Returns whether it was refused its address.
    fn hears(&mut self, message: &Dhcpv4Message<'_>, mark: Mark) -> bool {
        let identifier = message.option(option::CLIENT_ID);
        let is_meant = |asks: &&Question| {
            let is_own = |identifier: &[u8]| asks.identifier.as_deref().is_none_or(|own| own == identifier);
            asks.xid == message.xid() && identifier.as_deref().is_none_or(is_own)
        };
        let Some(asks) = self.asks.as_ref().filter(is_meant) else { return false };
        let server = address(message, option::SERVER_ID);
        let by_it = server.is_some() && asks.server.is_none_or(|asked| server == Some(asked));
        match message.kind() {
            Some(Dhcpv4Kind::Ack) if seconds(message, option::LEASE_TIME) == Some(u32::MAX) => self.lease = None,
            Some(Dhcpv4Kind::Ack) => {
                if let Some(lease) = Lease::given(asks, message, mark) {
                    let before = self.lease.replace(lease);
                    let kept = before.filter(|before| before.address == lease.address && !before.over);
                    if kept.is_none_or(|before| before.ends < mark.at) && self.silent.len() < ADDRESSES {
                        self.silent
                            .extend([Some(lease.address), before.map(|before| before.address)].into_iter().flatten());
                    }
                    self.asks = None;
                }
            }
            Some(Dhcpv4Kind::Nak) if asks.kind == Dhcpv4Kind::Request && by_it => return self.lets_go(),
            _ => {}
        }
        false
    }

    /// It has its address no more. Returns whether it had one.
    fn lets_go(&mut self) -> bool {
        self.lease.as_mut().is_some_and(|lease| {
            lease.bound = false;
            !std::mem::replace(&mut lease.over, true)
        })
    }
}

impl Lease {
    /// The lease in an acknowledgment, if it is what was asked for. It counts from the request (section 4.4.5), from
    /// the last that was sent with that number, if there are several.
    fn given(asks: &Question, message: &Dhcpv4Message<'_>, given: Mark) -> Option<Lease> {
        let yiaddr = message.header().yiaddr;
        let server = address(message, option::SERVER_ID)?;
        let whole = Duration::from_secs(seconds(message, option::LEASE_TIME)?.into());
        let is_asked = match asks.kind {
            Dhcpv4Kind::Discover => message.option(option::RAPID_COMMIT).is_some(),
            Dhcpv4Kind::Request => yiaddr == asks.address && asks.server.is_none_or(|asked| asked == server),
            _ => false,
        };
        let [first, last] = asks.sent;
        // What is over when it comes is none.
        if !is_asked || given.at >= first + whole {
            return None;
        }
        let [t1, t2] = [option::RENEWAL_TIME, option::REBINDING_TIME].map(|code| seconds(message, code));
        let [t1, t2] = [t1.map(u64::from), t2.map(u64::from)].map(|time| time.map(Duration::from_secs));
        let (t1, t2) = (t1.unwrap_or(whole / 2), t2.unwrap_or(whole / 8 * 7));
        // Times that contradict each other say nothing.
        let (t1, t2) = if t1 < t2 && t2 < whole { (t1, t2) } else { (whole / 2, whole / 8 * 7) };
        let mask = message
            .option(option::SUBNET_MASK)
            .and_then(|mask| Some(u32::from_be_bytes(mask.as_ref().try_into().ok()?)));
        let on_link = mask.is_some_and(|mask| (yiaddr.to_bits() ^ server.to_bits()) & mask == 0);
        Some(Lease {
            address: yiaddr,
            server,
            on_link,
            given,
            t1: last + t1,
            t2: last + t2,
            ends: last + whole,
            bound: true,
            renewing: false,
            rebinding: false,
            over: false,
        })
    }

    /// The client asks for more time.
    fn asked(&mut self, broadcast: bool, at: Instant, bench: &mut Bench) {
        if !self.bound || !bench.judges(Oracle::DhcpRenewal) {
            return;
        }
        if broadcast && !self.renewing && at >= self.t1 {
            self.fail(format!("a request to {} before anybody is asked", self.server), bench);
        }
        if broadcast {
            self.rebinding = true;
        } else {
            self.renewing = true;
        }
    }

    #[inline]
    fn is_late(&mut self, at: Instant, bench: &mut Bench) -> bool {
        if !self.bound || at <= self.t2 {
            return false;
        }
        let patience = self.ends.since(self.t2) / 2;
        let asked = self.renewing || self.rebinding;
        let late = !asked || (!self.rebinding && at > self.t2 + patience);
        if !late || !bench.judges(Oracle::DhcpRenewal) {
            return false;
        }
        let whom = if asked { "anybody".to_owned() } else { self.server.to_string() };
        self.fail(format!("a request to {whom} by now, T2 being {}", self.t2), bench);
        true
    }

    fn fail(&mut self, expected: String, bench: &mut Bench) {
        bench.fail(Oracle::DhcpRenewal, Some(self.given), expected, "none".to_owned());
        // Once is enough.
        self.bound = false;
    }
}

/// The DHCP message of a packet between these ports.
#[inline]
fn message<'a>(packet: &Packet<'a>, src: u16, dst: u16) -> Option<Dhcpv4Message<'a>> {
    if packet.protocol != IpProtocol::UDP || packet.part.is_some() || packet.v4.is_none() {
        return None;
    }
    let datagram = UdpDatagram::parse(packet.upper).ok()?;
    let is_it = (datagram.src_port(), datagram.dst_port()) == (src, dst);
    is_it.then(|| Dhcpv4Message::parse(datagram.payload()).ok()).flatten()
}

fn destination(packet: &Packet<'_>) -> Ipv4Addr {
    packet.v4.as_ref().map_or(Ipv4Addr::BROADCAST, Ipv4Packet::dst)
}

fn address(message: &Dhcpv4Message<'_>, code: u8) -> Option<Ipv4Addr> {
    let octets: [u8; 4] = message.option(code)?.as_ref().try_into().ok()?;
    Some(octets.into())
}

fn seconds(message: &Dhcpv4Message<'_>, code: u8) -> Option<u32> {
    Some(u32::from_be_bytes(message.option(code)?.as_ref().try_into().ok()?))
}
