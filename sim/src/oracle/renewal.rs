//! Addresses that are leased by DHCP (RFC 2131 section 4.4.5): whoever has one asks for more time, and does without it
//! once its time is over, or a server refuses it (figure 5), or it was given back.
//!
//! ```text
//!   REQUEST    ACK         T1            T2                     end
//!      |--------|----------|-------------|-----------|----------|
//!      |        bound       its server is asked      |          no packet from the address
//!      what the times count from         anybody is asked by now
//! ```
//!
//! Both times may be moved a little ("fuzz"): the server is asked by T2, anybody by the middle between T2 and the end. A
//! server that does not answer ARP is asked that way: such a question counts. A lease for ever has no times, but may be
//! refused like any other.

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
/// For how long packets may still come from an address that was refused or given back. Our stack sends none; but in many
/// systems the client is a program beside the stack, which has to be told, and what has passed the stack waits in queues
/// before the device. Neither takes a second.
const LETTING_GO: Duration = Duration::from_secs(1);

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
    /// `None` if it is for ever.
    times: Option<Times>,
    hold: Hold,
    /// Whether the client is bound to it, and could have asked for more all the time.
    bound: bool,
    /// The server was asked.
    renewing: bool,
    /// Anybody was.
    rebinding: bool,
}

#[derive(Clone, Copy, Debug)]
struct Times {
    t1: Instant,
    t2: Instant,
    ends: Instant,
}

/// What became of a lease before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hold {
    Kept,
    /// The client looks for an address: if nobody answers, it may come back to this one (section 3.2).
    Left,
    /// It was refused, or given back.
    Lost(Instant),
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
        self.uses(packet.sender_protocol(), at, bench);
        for lease in self.0.values_mut().filter_map(|client| client.lease.as_mut()) {
            let Some(Times { t1, t2, .. }) = lease.times else { continue };
            let about = packet.target_protocol() == lease.server || !lease.on_link;
            // It may have begun a little before.
            let early = t2.since(t1) / 2;
            lease.renewing |= packet.operation() == ArpOperation::Request && about && at + early >= t1;
        }
    }

    /// What the host sends has this source. Of several clients the one has the address that was given it last.
    #[inline]
    fn uses(&mut self, src: Ipv4Addr, at: Instant, bench: &mut Bench) {
        let clients = self.0.values_mut().filter_map(|client| client.has_had(src).then_some(client));
        if let Some(client) = clients.max_by_key(|client| client.lease.map(|lease| lease.given.order)) {
            client.uses(at, bench);
        }
    }

    /// Whether the host may have lost an address by `at`, or not have it yet: what arrives for it need not be heard.
    #[inline]
    pub(super) fn lacks(&self, dst: &Packet<'_>, at: Instant) -> bool {
        let (false, Some(v4)) = (self.0.is_empty(), &dst.v4) else { return false };
        let lost = |lease: &Lease| lease.address == v4.dst() && (lease.hold != Hold::Kept || lease.is_over(at));
        self.0.values().any(|client| client.silent.contains(&v4.dst()) || client.lease.as_ref().is_some_and(lost))
    }

    /// The host sends a packet. Returns whether it lets go of an address by that.
    #[inline]
    pub(super) fn sent(&mut self, packet: &Packet<'_>, mark: Mark, bench: &mut Bench) -> bool {
        if let (false, Some(v4)) = (self.0.is_empty(), &packet.v4) {
            self.uses(v4.src(), mark.at, bench);
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

    /// Whether it has, or had, the address that a packet is from.
    #[inline]
    fn has_had(&mut self, src: Ipv4Addr) -> bool {
        self.silent.remove(&src);
        self.lease.is_some_and(|lease| lease.address == src)
    }

    /// It sends from the address of its lease.
    #[inline]
    fn uses(&mut self, at: Instant, bench: &mut Bench) {
        let Some(lease) = &mut self.lease else { return };
        if let Some(expected) = lease.forbids(at)
            && bench.judges(Oracle::DhcpRenewal)
        {
            bench.fail(Oracle::DhcpRenewal, Some(lease.given), expected, "a packet".to_owned());
            // Once is enough.
            self.lease = None;
        } else if lease.hold == Hold::Left {
            lease.hold = Hold::Kept;
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
        let lets_go = match kind {
            Dhcpv4Kind::Discover => self.lets_go(Hold::Left),
            Dhcpv4Kind::Decline | Dhcpv4Kind::Release => self.lets_go(Hold::Lost(mark.at)),
            _ => false,
        };
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
            Some(Dhcpv4Kind::Ack) => {
                if let Some(lease) = Lease::given(asks, message, mark) {
                    let before = self.lease.replace(lease);
                    let kept = before.filter(|before| before.address == lease.address && before.hold == Hold::Kept);
                    if kept.is_none_or(|before| before.is_over(mark.at)) && self.silent.len() < ADDRESSES {
                        self.silent
                            .extend([Some(lease.address), before.map(|before| before.address)].into_iter().flatten());
                    }
                    self.asks = None;
                }
            }
            Some(Dhcpv4Kind::Nak) if asks.kind == Dhcpv4Kind::Request && by_it => {
                return self.lets_go(Hold::Lost(mark.at));
            }
            _ => {}
        }
        false
    }

    /// It has its address no more. Returns whether it had one.
    fn lets_go(&mut self, hold: Hold) -> bool {
        self.lease.as_mut().is_some_and(|lease| {
            lease.bound = false;
            let had = lease.hold == Hold::Kept;
            lease.hold = lease.hold.max(hold);
            had
        })
    }
}

impl Lease {
    /// The lease in an acknowledgment, if it is what was asked for. It counts from the request (section 4.4.5), from
    /// the last that was sent with that number, if there are several.
    fn given(asks: &Question, message: &Dhcpv4Message<'_>, given: Mark) -> Option<Lease> {
        let yiaddr = message.header().yiaddr;
        let server = address(message, option::SERVER_ID)?;
        let seconds = seconds(message, option::LEASE_TIME)?;
        let is_asked = match asks.kind {
            Dhcpv4Kind::Discover => message.option(option::RAPID_COMMIT).is_some(),
            Dhcpv4Kind::Request => yiaddr == asks.address && asks.server.is_none_or(|asked| asked == server),
            _ => false,
        };
        let [first, last] = asks.sent;
        // What is over when it comes is none.
        let whole = Duration::from_secs(seconds.into());
        if !is_asked || given.at >= first + whole {
            return None;
        }
        let mask = message
            .option(option::SUBNET_MASK)
            .and_then(|mask| Some(u32::from_be_bytes(mask.as_ref().try_into().ok()?)));
        let on_link = mask.is_some_and(|mask| (yiaddr.to_bits() ^ server.to_bits()) & mask == 0);
        Some(Lease {
            address: yiaddr,
            server,
            on_link,
            given,
            times: (seconds != u32::MAX).then(|| Times::told(message, whole, last)),
            hold: Hold::Kept,
            bound: true,
            renewing: false,
            rebinding: false,
        })
    }

    fn is_over(&self, at: Instant) -> bool {
        self.times.is_some_and(|times| times.ends < at)
    }

    /// What is expected instead of a packet from its address at `at`, if there may be none.
    #[inline]
    fn forbids(&self, at: Instant) -> Option<String> {
        let address = self.address;
        match (self.times, self.hold) {
            (Some(Times { ends, .. }), _) if ends < at => {
                Some(format!("nothing from {address}, whose lease was over at {ends}"))
            }
            (_, Hold::Lost(since)) if since + LETTING_GO < at => {
                Some(format!("nothing from {address}, which was refused or given back at {since}"))
            }
            _ => None,
        }
    }

    /// The client asks for more time.
    fn asked(&mut self, broadcast: bool, at: Instant, bench: &mut Bench) {
        let Some(times) = self.times.filter(|_| self.bound && bench.judges(Oracle::DhcpRenewal)) else { return };
        if broadcast && !self.renewing && at >= times.t1 {
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
        let Some(Times { t2, ends, .. }) = self.times.filter(|times| self.bound && at > times.t2) else { return false };
        let patience = ends.since(t2) / 2;
        let asked = self.renewing || self.rebinding;
        let late = !asked || (!self.rebinding && at > t2 + patience);
        if !late || !bench.judges(Oracle::DhcpRenewal) {
            return false;
        }
        let whom = if asked { "anybody".to_owned() } else { self.server.to_string() };
        self.fail(format!("a request to {whom} by now, T2 being {t2}"), bench);
        true
    }

    fn fail(&mut self, expected: String, bench: &mut Bench) {
        bench.fail(Oracle::DhcpRenewal, Some(self.given), expected, "none".to_owned());
        // Once is enough.
        self.bound = false;
    }
}

impl Times {
    /// Those of a lease of that length, requested at `since`.
    fn told(message: &Dhcpv4Message<'_>, whole: Duration, since: Instant) -> Times {
        let named = |code| Some(Duration::from_secs(seconds(message, code)?.into()));
        let usual = [whole / 2, whole / 8 * 7];
        let t1 = named(option::RENEWAL_TIME).unwrap_or(usual[0]);
        let t2 = named(option::REBINDING_TIME).unwrap_or(usual[1]);
        // Times that contradict each other say nothing.
        let [t1, t2] = if t1 < t2 && t2 < whole { [t1, t2] } else { usual };
        Times { t1: since + t1, t2: since + t2, ends: since + whole }
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
