//! A DHCP server (RFC 2131 section 4.3) on the link of its clients: addresses of a pool, for a time.
//!
//! | a client | the server |
//! |---|---|
//! | DISCOVER | offers the address that the client has or had, else the one asked for, else one never given, else the one that is free longest |
//! | the same, with rapid commit (RFC 4039) | gives it at once, if it is set to |
//! | REQUEST, of an offer (SELECTING) | gives what it offered; an offer of another server was chosen: it takes its own back |
//! | REQUEST, after a restart (INIT-REBOOT) | confirms its record, refuses what is of another network or recorded otherwise, else is silent |
//! | REQUEST, to it (RENEWING) | extends the lease, or refuses what another has by now |
//! | REQUEST, to anybody (REBINDING) | extends its own leases; of others it is silent, unless it is `authoritative` |
//! | DECLINE | does not give the address for the length of a lease |
//! | RELEASE | the lease is over; the client's address is remembered |
//! | INFORM | tells everything but an address and a lease |
//!
//! Two servers may share a link if their pools differ. One that is `authoritative` also takes over the leases of
//! others on its network, as a backup does. It answers ARP for its address, and the client identifier comes back in
//! every answer (RFC 6842). What it knows outlives everything: it has no crash, only links that are cut.
//!
//! | module | job |
//! |---|---|
//! | `bindings` | who has which address, and until when |

mod bindings;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use bytes::Bytes;
use tickwire_core::Instant;
use tickwire_core::time::Duration;
use tickwire_core::wire::arp::{ArpHeader, ArpOperation, ArpPacket};
use tickwire_core::wire::dhcpv4::{Dhcpv4Header, Dhcpv4Kind, Dhcpv4Op, option};
use tickwire_core::wire::ethernet::{EtherType, EthernetAddress, EthernetFrame};

use self::bindings::Bindings;
use super::dhcp::{self, NoQuestion, Question};
use super::{Outbox, frames};

/// How long an address that was offered is given to nobody else.
const OFFERED: Duration = Duration::from_mins(1);

/// What a DHCP server is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseServerConfig {
    /// Its hardware address.
    pub hardware: EthernetAddress,
    /// Its address, and its identity as a server.
    pub address: Ipv4Addr,
    /// How many bits of the address are the network's: 1 to 32.
    pub prefix_len: u8,
    /// The first and the last address that it gives, its own and the router's left out.
    pub pool: [Ipv4Addr; 2],
    /// For how many seconds; `u32::MAX` for ever.
    pub lease: u32,
    /// T1: after how many seconds it wants to be asked for more; half of the lease, if not said.
    pub renew: Option<u32>,
    /// T2: after how many anybody is to be asked; seven eighths of the lease, if not said.
    pub rebind: Option<u32>,
    /// The router that leads elsewhere.
    pub router: Option<Ipv4Addr>,
    /// Whether it gives at once to who wants that (RFC 4039).
    pub rapid_commit: bool,
    /// Whether it extends leases that it has not given.
    pub authoritative: bool,
}

/// Why a DHCP server has not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LeaseDrop {
    /// It cannot be read, a checksum is wrong, or it lacks what its kind must have.
    Malformed,
    /// It is no message of a client, or for another station.
    NotForUs,
    /// It came through a relay agent.
    Relayed,
    /// It names another server.
    OtherServer,
    /// Nothing is known of that client.
    Unknown,
    /// All addresses are given.
    Exhausted,
}

/// What a DHCP server has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaseServerCounters {
    /// Offers.
    pub offered: u64,
    /// Leases given to who had none.
    pub given: u64,
    /// Leases confirmed after a restart of the client.
    pub confirmed: u64,
    /// Leases extended for who asked it by name.
    pub renewed: u64,
    /// Leases extended for who asked anybody.
    pub rebound: u64,
    /// Requests refused.
    pub refused: u64,
    /// Addresses that were found to be another's.
    pub declined: u64,
    /// Leases given back.
    pub released: u64,
    /// Questions for settings alone that were answered.
    pub informed: u64,
    /// Frames to which there was no answer, by reason.
    pub dropped: BTreeMap<LeaseDrop, u64>,
}

/// A DHCP server at work. A clone is an exact branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseServer {
    config: LeaseServerConfig,
    bindings: Bindings,
    counters: LeaseServerCounters,
}

/// What there is to be said.
struct Answer {
    kind: Dhcpv4Kind,
    yiaddr: Ipv4Addr,
    rapid_commit: bool,
}

impl Answer {
    const REFUSAL: Answer = Answer { kind: Dhcpv4Kind::Nak, yiaddr: Ipv4Addr::UNSPECIFIED, rapid_commit: false };

    fn giving(address: Ipv4Addr) -> Answer {
        Answer { kind: Dhcpv4Kind::Ack, yiaddr: address, rapid_commit: false }
    }
}

impl LeaseServer {
    /// Addresses of a pool, at most: what a server remembers is bounded by that.
    pub const POOL_MAX: usize = bindings::POOL_MAX;

    /// A server that has given nothing yet. Of a longer pool only the first [`LeaseServer::POOL_MAX`] are given.
    pub fn new(config: LeaseServerConfig) -> LeaseServer {
        let kept = [Some(config.address), config.router];
        let bindings = Bindings::new(config.pool, &kept);
        LeaseServer { config, bindings, counters: LeaseServerCounters::default() }
    }

    /// What it has done so far.
    pub const fn counters(&self) -> &LeaseServerCounters {
        &self.counters
    }

    pub(crate) fn receive(&mut self, now: Instant, frame: &Bytes, out: &mut Outbox) {
        match self.answer(now, frame) {
            Ok(answer) => out.extend(answer.map(|frame| (0, frame))),
            Err(reason) => *self.counters.dropped.entry(reason).or_default() += 1,
        }
    }

    fn answer(&mut self, now: Instant, frame: &[u8]) -> Result<Option<Bytes>, LeaseDrop> {
        let frame = EthernetFrame::parse(frame).map_err(|_| LeaseDrop::Malformed)?;
        if !frame.dst().is_broadcast() && frame.dst() != self.config.hardware {
            return Err(LeaseDrop::NotForUs);
        }
        if frame.ethertype() == EtherType::Arp {
            return self.resolved(&frame).map(Some);
        }
        let question = dhcp::question(&frame).map_err(|reason| match reason {
            NoQuestion::Other => LeaseDrop::NotForUs,
            NoQuestion::Malformed => LeaseDrop::Malformed,
        })?;
        if question.dst != Ipv4Addr::BROADCAST && question.dst != self.config.address {
            return Err(LeaseDrop::NotForUs);
        }
        if !question.message.header().giaddr.is_unspecified() {
            return Err(LeaseDrop::Relayed);
        }
        let answer = match question.kind {
            Dhcpv4Kind::Discover => self.discovered(now, &question).map(Some),
            Dhcpv4Kind::Request => self.requested(now, &question).map(Some),
            Dhcpv4Kind::Decline => self.declined(now, &question).map(|()| None),
            Dhcpv4Kind::Release => self.released(now, &question).map(|()| None),
            Dhcpv4Kind::Inform => self.informed(&question).map(Some),
            Dhcpv4Kind::Offer | Dhcpv4Kind::Ack | Dhcpv4Kind::Nak => Err(LeaseDrop::NotForUs),
        }?;
        Ok(answer.map(|answer| self.written(&answer, &question)))
    }

    /// The answer to who asks for its hardware address (RFC 826).
    fn resolved(&self, frame: &EthernetFrame<'_>) -> Result<Bytes, LeaseDrop> {
        let LeaseServerConfig { hardware, address, .. } = self.config;
        let packet = ArpPacket::parse(frame.payload()).map_err(|_| LeaseDrop::Malformed)?;
        if packet.operation() != ArpOperation::Request || packet.target_protocol() != address {
            return Err(LeaseDrop::NotForUs);
        }
        let reply = ArpHeader {
            operation: ArpOperation::Reply,
            sender_hardware: hardware,
            sender_protocol: address,
            target_hardware: packet.sender_hardware(),
            target_protocol: packet.sender_protocol(),
        };
        Ok(frames::arp(packet.sender_hardware(), &reply))
    }

    /// When a lease that is given now is over; `None` for never.
    fn ends(&self, now: Instant) -> Option<Instant> {
        let LeaseServerConfig { lease, .. } = self.config;
        (lease != u32::MAX).then(|| now + Duration::from_secs(lease.into()))
    }

    /// A lease for who begins: of somebody who has one the request came twice.
    fn give_new(&mut self, now: Instant, client: Vec<u8>, address: Ipv4Addr) -> Answer {
        self.counters.given += u64::from(!self.bindings.has_any(now, &client));
        self.give(now, client, address)
    }

    fn give(&mut self, now: Instant, client: Vec<u8>, address: Ipv4Addr) -> Answer {
        self.bindings.lease(address, client, self.ends(now));
        Answer::giving(address)
    }

    fn refuse(&mut self) -> Answer {
        self.counters.refused += 1;
        Answer::REFUSAL
    }

    /// RFC 2131 section 4.3.1.
    fn discovered(&mut self, now: Instant, question: &Question<'_>) -> Result<Answer, LeaseDrop> {
        let client = question.client();
        let wish = question.address(option::REQUESTED_ADDRESS);
        let address = self.bindings.choose(now, &client, wish).ok_or(LeaseDrop::Exhausted)?;
        if self.config.rapid_commit && question.message.option(option::RAPID_COMMIT).is_some() {
            return Ok(Answer { rapid_commit: true, ..self.give_new(now, client, address) });
        }
        self.counters.offered += 1;
        self.bindings.offer(address, client, now, now + OFFERED);
        Ok(Answer { kind: Dhcpv4Kind::Offer, ..Answer::giving(address) })
    }

    /// RFC 2131 section 4.3.2: which state the client is in shows by what it says.
    fn requested(&mut self, now: Instant, question: &Question<'_>) -> Result<Answer, LeaseDrop> {
        let client = question.client();
        let wish = question.address(option::REQUESTED_ADDRESS);
        let ciaddr = question.message.header().ciaddr;
        if let Some(server) = question.address(option::SERVER_ID) {
            return self.selected(now, client, server, wish.ok_or(LeaseDrop::Malformed)?);
        }
        if ciaddr.is_unspecified() {
            return self.rebooted(now, client, wish.ok_or(LeaseDrop::Malformed)?);
        }
        let broadcast = question.dst.is_broadcast();
        let own = self.bindings.has_had(ciaddr, &client);
        // Who has another address of this server's is mistaken.
        let mistaken = !own && self.bindings.has_any(now, &client);
        let free = (!broadcast && self.bindings.is_free(now, ciaddr)) || self.may_take_over(now, ciaddr);
        if own || (free && !mistaken) {
            *(if broadcast { &mut self.counters.rebound } else { &mut self.counters.renewed }) += 1;
            return Ok(self.give(now, client, ciaddr));
        }
        // Who asks anybody may mean another server.
        let silent = broadcast && !mistaken && !self.config.authoritative;
        if silent { Err(LeaseDrop::Unknown) } else { Ok(self.refuse()) }
    }

    /// SELECTING.
    fn selected(
        &mut self,
        now: Instant,
        client: Vec<u8>,
        server: Ipv4Addr,
        wish: Ipv4Addr,
    ) -> Result<Answer, LeaseDrop> {
        if server != self.config.address {
            self.bindings.withdraw_offer(&client);
            return Err(LeaseDrop::OtherServer);
        }
        if !self.bindings.is_of(wish, &client) && !self.bindings.is_free(now, wish) {
            return Ok(self.refuse());
        }
        Ok(self.give_new(now, client, wish))
    }

    /// INIT-REBOOT.
    fn rebooted(&mut self, now: Instant, client: Vec<u8>, wish: Ipv4Addr) -> Result<Answer, LeaseDrop> {
        let own = self.bindings.has_had(wish, &client);
        let mistaken = !own && self.bindings.has_any(now, &client);
        if own || (self.may_take_over(now, wish) && !mistaken) {
            self.counters.confirmed += 1;
            return Ok(self.give(now, client, wish));
        }
        let silent = self.is_on_link(wish) && !mistaken && !self.config.authoritative;
        if silent { Err(LeaseDrop::Unknown) } else { Ok(self.refuse()) }
    }

    /// RFC 2131 section 4.3.3.
    fn declined(&mut self, now: Instant, question: &Question<'_>) -> Result<(), LeaseDrop> {
        self.is_meant(question)?;
        let address = question.address(option::REQUESTED_ADDRESS).ok_or(LeaseDrop::Malformed)?;
        if !self.bindings.is_of(address, &question.client()) {
            return Err(LeaseDrop::Unknown);
        }
        self.counters.declined += 1;
        self.bindings.lease(address, Vec::new(), self.ends(now));
        Ok(())
    }

    /// RFC 2131 section 4.3.4.
    fn released(&mut self, now: Instant, question: &Question<'_>) -> Result<(), LeaseDrop> {
        self.is_meant(question)?;
        if !self.bindings.release(question.message.header().ciaddr, &question.client(), now) {
            return Err(LeaseDrop::Unknown);
        }
        self.counters.released += 1;
        Ok(())
    }

    /// RFC 2131 section 4.3.5.
    fn informed(&mut self, question: &Question<'_>) -> Result<Answer, LeaseDrop> {
        if question.message.header().ciaddr.is_unspecified() {
            return Err(LeaseDrop::Malformed);
        }
        self.counters.informed += 1;
        Ok(Answer::giving(Ipv4Addr::UNSPECIFIED))
    }

    fn is_meant(&self, question: &Question<'_>) -> Result<(), LeaseDrop> {
        let server = question.address(option::SERVER_ID).ok_or(LeaseDrop::Malformed)?;
        if server == self.config.address { Ok(()) } else { Err(LeaseDrop::OtherServer) }
    }

    /// Whether it extends the lease of an address of this network that another server may have given.
    fn may_take_over(&self, now: Instant, address: Ipv4Addr) -> bool {
        self.config.authoritative && self.is_on_link(address) && self.bindings.may_take_over(now, address)
    }

    fn is_on_link(&self, address: Ipv4Addr) -> bool {
        let LeaseServerConfig { address: own, prefix_len, .. } = self.config;
        (own.to_bits() ^ address.to_bits()) & mask(prefix_len) == 0
    }

    /// RFC 2131 section 4.1 says where an answer goes, table 3 what is in it.
    fn written(&self, answer: &Answer, question: &Question<'_>) -> Bytes {
        let LeaseServerConfig { hardware, address, prefix_len, lease, renew, rebind, router, .. } = self.config;
        let asked = question.message.header();
        let is_refusal = answer.kind == Dhcpv4Kind::Nak;
        let (dst, client) = if is_refusal || (asked.ciaddr.is_unspecified() && asked.broadcast) {
            (EthernetAddress::BROADCAST, Ipv4Addr::BROADCAST)
        } else if asked.ciaddr.is_unspecified() {
            (asked.chaddr, answer.yiaddr)
        } else {
            (asked.chaddr, asked.ciaddr)
        };
        let ciaddr = if answer.kind == Dhcpv4Kind::Ack { asked.ciaddr } else { Ipv4Addr::UNSPECIFIED };
        let header = Dhcpv4Header {
            op: Dhcpv4Op::Reply,
            secs: 0,
            ciaddr,
            yiaddr: answer.yiaddr,
            siaddr: Ipv4Addr::UNSPECIFIED,
            ..asked
        };
        let times = [Some(lease), renew, rebind].map(|time| time.map(u32::to_be_bytes));
        let codes = [option::LEASE_TIME, option::RENEWAL_TIME, option::REBINDING_TIME];
        let (id, mask, router) =
            (address.octets(), mask(prefix_len).to_be_bytes(), router.map(|router| router.octets()));
        let client_id = question.message.option(option::CLIENT_ID);
        let mut options: Vec<(u8, &[u8])> = vec![(option::SERVER_ID, &id)];
        if !answer.yiaddr.is_unspecified() {
            options.extend(codes.iter().zip(&times).filter_map(|(code, time)| Some((*code, &time.as_ref()?[..]))));
        }
        if !is_refusal {
            options.push((option::SUBNET_MASK, &mask));
            options.extend(router.as_ref().map(|router| (option::ROUTER, &router[..])));
        }
        options.extend(client_id.as_ref().map(|id| (option::CLIENT_ID, &id[..])));
        if answer.rapid_commit {
            options.push((option::RAPID_COMMIT, &[]));
        }
        dhcp::answer(answer.kind, &header, &options, (hardware, address), (dst, client))
    }
}

/// The mask of a network.
fn mask(prefix_len: u8) -> u32 {
    u32::MAX.checked_shl(32_u32.saturating_sub(prefix_len.into())).unwrap_or(0)
}
