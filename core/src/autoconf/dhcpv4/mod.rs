//! The DHCPv4 client (RFC 2131), as pure data: it is told of messages, of time, of its address and of the
//! link, and hands back actions, which `stack::dhcpv4` performs.
//!
//! ```text
//!   Init --DISCOVER--> Selecting --OFFER/REQUEST--> Requesting --ACK--> Bound --T1--> Renewing --T2--> Rebinding
//!    ^                     |  ACK (rapid commit) ------------------------^  ^           | ACK            | ACK
//!    |                     v                                             |  +-----------+----------------+
//!    +--- NAK, conflict (10 s), no answer, lease over                    |
//!   InitReboot --REQUEST--> Rebooting --ACK, or no answer while the lease lasts--+
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`config`] | what it is set to |
//! | `start` | begin, stop, the link goes and comes, an address is ready or taken |
//! | `input` | messages |
//! | `timeout` | deadlines |
//! | `message` | what is sent |
//! | `lease` | the lease in a message, and its times |
//! | [`binding`] | the lease as it is kept across restarts |
//! | [`settings`] | what a server tells about the network |
//! | `search_list` | domains as DNS encodes them |
//!
//! Two states are our own: a client that was stopped keeps its former lease in mind, and one that only
//! asks for settings (INFORM) has none. The lease counts from the first request that its acknowledgment
//! may answer, at the moment it was decided: never later than it left.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use smallvec::SmallVec;

use crate::config::Limits;
use crate::counters::Counters;
use crate::digest::Digest;
use crate::rng::RandomStream;
use crate::time::{Duration, Instant};
use crate::wire::dhcpv4::Dhcpv4Kind;
use crate::wire::ethernet::EthernetAddress;

pub(crate) mod binding;
pub(crate) mod config;
mod input;
mod lease;
mod message;
mod search_list;
pub(crate) mod settings;
mod start;
mod timeout;

use config::Dhcpv4Config;
pub(crate) use lease::{Lease, LeaseTimes};
pub(crate) use message::{Destination, Outgoing};
use settings::Dhcpv4Settings;

/// Transmissions of a request to the server that was chosen: 4, 8, 16 and 32 s, a minute in all (RFC 2131
/// section 3.1, 5).
const REQUEST_TRIES: u8 = 4;
/// Transmissions of the request of a host that comes back: 12 s in all. RFC 2131 section 3.2 (3) leaves
/// the number; the old lease, or a new one, is worth more than the minute.
const REBOOT_TRIES: u8 = 2;
/// Between transmissions at first, and at most (RFC 2131 section 4.1), each randomized by up to a second.
const RETRANSMIT_FIRST: Duration = Duration::from_secs(4);
const RETRANSMIT_MAX: Duration = Duration::from_secs(64);
const RETRANSMIT_RANDOM: Duration = Duration::from_secs(1);
/// The least time between requests while renewing and rebinding (RFC 2131 section 4.4.5).
const RENEW_MIN: Duration = Duration::from_mins(1);
/// Before starting over when another host was found to have the address (RFC 2131 section 3.1, 5).
const DECLINE_WAIT: Duration = Duration::from_secs(10);
/// The least time without DHCPv4 when the network prefers IPv6 alone (RFC 8925 section 3.4, `MIN_V6ONLY_WAIT`).
const V6ONLY_WAIT_MIN: Duration = Duration::from_mins(5);

/// The state of a client (RFC 2131 section 4.4, figure 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Dhcpv4State {
    /// It was told to give up its lease, or never told to start.
    Stopped,
    /// Without a lease, and waiting: for the link, after a conflict or several refusals, or because the
    /// network prefers IPv6 alone.
    Init,
    /// Offers are waited for.
    Selecting,
    /// An offer was accepted, and its acknowledgment is waited for.
    Requesting,
    /// A lease of earlier is known, and the link is waited for.
    InitReboot,
    /// Any server is asked whether the lease of earlier still holds.
    Rebooting,
    /// The lease is held. Its address can be used once no conflict was found.
    Bound,
    /// T1 is over: the server that gave the lease is asked to extend it.
    Renewing,
    /// T2 is over: any server is asked to extend it.
    Rebinding,
    /// Asks for settings only, for an address that was set by hand (RFC 2131 section 4.4.3).
    Informing,
    /// Has been told the settings.
    Informed,
}

impl Dhcpv4State {
    /// The state's name as the RFC writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Dhcpv4State::Stopped => "STOPPED",
            Dhcpv4State::Init => "INIT",
            Dhcpv4State::Selecting => "SELECTING",
            Dhcpv4State::Requesting => "REQUESTING",
            Dhcpv4State::InitReboot => "INIT-REBOOT",
            Dhcpv4State::Rebooting => "REBOOTING",
            Dhcpv4State::Bound => "BOUND",
            Dhcpv4State::Renewing => "RENEWING",
            Dhcpv4State::Rebinding => "REBINDING",
            Dhcpv4State::Informing => "INFORMING",
            Dhcpv4State::Informed => "INFORMED",
        }
    }
}

/// What the client needs of the stack around it.
pub(crate) struct Env<'a> {
    pub(crate) now: Instant,
    pub(crate) random: &'a mut RandomStream,
    pub(crate) counters: &'a mut Counters,
    pub(crate) limits: &'a Limits,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    Send(Outgoing),
    /// The lease's address is to be the interface's, or has new lifetimes.
    Assign,
    /// The lease's address can be used: its routes and MTU are to be as it says.
    Configure,
    /// What `Configure` did for this former lease is to be undone, and if `address` is set, `Assign` too.
    Undo {
        lease: Box<Lease>,
        address: bool,
    },
    /// The known router is to be asked for (RFC 4436 section 2.1).
    TestRouter {
        router: Ipv4Addr,
        station: EthernetAddress,
        source: Ipv4Addr,
    },
    /// An IPv4 link-local address is wanted, or wanted no more.
    LinkLocal(bool),
    /// The settings, or what can be told of the lease, have changed.
    Tell,
}

pub(crate) type Actions = SmallVec<[Action; 4]>;

/// A question that is open, and when it is asked again.
#[derive(Clone, Debug)]
struct Exchange {
    xid: u32,
    /// The first transmission that an answer may be for: what the lease counts from.
    since: Instant,
    secs: u16,
    transmissions: u8,
    again_at: Instant,
}

/// A DHCPv4 client.
#[derive(Clone, Debug)]
pub(crate) struct Dhcpv4Client {
    config: Dhcpv4Config,
    hardware_address: EthernetAddress,
    client_id: Vec<u8>,
    state: Dhcpv4State,
    /// When it began to ask for what it asks for: what `secs` counts from.
    asking_since: Instant,
    exchange: Option<Exchange>,
    /// The lease that is held, or was held before; the offer while it is requested.
    lease: Option<Box<Lease>>,
    /// The lease's address is the interface's: `Action::Assign` was handed out for it.
    assigned: bool,
    /// The address can be used: no conflict was found.
    usable: bool,
    /// The best offer so far, until the former server's comes or the time is over.
    offer: Option<(Box<Lease>, Instant)>,
    /// The server of the last lease that was usable.
    former_server: Option<Ipv4Addr>,
    /// In `Init`: when to begin.
    wait_until: Option<Instant>,
    /// How often it had to start over since it last had a usable address.
    restarts: u8,
    /// When a link-local address is taken, unless an address can be used by then.
    fallback_at: Option<Instant>,
    link_local: bool,
    /// What an answer to INFORM has told.
    informed: Option<Dhcpv4Settings>,
    inform_address: Ipv4Addr,
    link_up: bool,
}

impl Dhcpv4Client {
    /// A client that has not begun. `former` is the lease to come back to, `former_server` whom it once had one from.
    pub(crate) fn new(
        config: Dhcpv4Config,
        hardware_address: EthernetAddress,
        client_id: Vec<u8>,
        former: Option<Box<Lease>>,
        former_server: Option<Ipv4Addr>,
        now: Instant,
    ) -> Dhcpv4Client {
        Dhcpv4Client {
            client_id: config.client_id.clone().unwrap_or(client_id),
            config,
            hardware_address,
            state: Dhcpv4State::Stopped,
            asking_since: now,
            exchange: None,
            former_server: former.as_ref().map(|lease| lease.server).or(former_server),
            lease: former,
            assigned: false,
            usable: false,
            offer: None,
            wait_until: None,
            restarts: 0,
            fallback_at: None,
            link_local: false,
            informed: None,
            inform_address: Ipv4Addr::UNSPECIFIED,
            link_up: false,
        }
    }

    /// What the interface is known by on its link from here on; who the client is stays (RFC 4361).
    pub(crate) fn set_hardware_address(&mut self, hardware_address: EthernetAddress) {
        self.hardware_address = hardware_address;
    }

    pub(crate) fn state(&self) -> Dhcpv4State {
        self.state
    }

    /// The lease that is held, or sought again.
    pub(crate) fn lease(&self) -> Option<&Lease> {
        self.lease.as_deref()
    }

    /// Whether the lease's address can be used.
    pub(crate) fn is_usable(&self) -> bool {
        self.usable
    }

    /// Whether the lease is one that was acknowledged, not one that is being asked for.
    pub(crate) fn is_held(&self) -> bool {
        self.lease.is_some() && !matches!(self.state, Dhcpv4State::Requesting | Dhcpv4State::Stopped)
    }

    /// What servers have told about the network, as long as it holds.
    pub(crate) fn settings(&self) -> Option<&Dhcpv4Settings> {
        let leased = self.lease.as_ref().filter(|_| self.usable).map(|lease| &lease.settings);
        leased.or(self.informed.as_ref())
    }

    /// Who gave the last lease that could be used.
    pub(crate) fn former_server(&self) -> Option<Ipv4Addr> {
        self.former_server
    }

    pub(crate) fn client_id(&self) -> &[u8] {
        &self.client_id
    }

    /// Whether datagrams to port 68 are the client's.
    pub(crate) fn is_running(&self) -> bool {
        self.state != Dhcpv4State::Stopped
    }

    /// Whether an answer may come to an address that is not ours yet.
    pub(crate) fn is_asking(&self) -> bool {
        self.exchange.is_some()
    }

    /// When the next message of the open question leaves, and how often it has left.
    pub(crate) fn retransmission(&self) -> Option<(Instant, u8)> {
        self.exchange.as_ref().map(|exchange| (exchange.again_at, exchange.transmissions))
    }

    /// Whether a message that was decided on is still wanted: the question may have been answered, or
    /// given up, before the message could leave.
    pub(crate) fn is_wanted(&self, outgoing: &Outgoing) -> bool {
        matches!(outgoing.kind, Dhcpv4Kind::Decline | Dhcpv4Kind::Release)
            || self.exchange.as_ref().is_some_and(|exchange| exchange.xid == outgoing.xid)
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.counted(&self.client_id);
        digest.u8(self.state as u8);
        digest.instant(self.asking_since);
        digest.option(self.exchange.as_ref(), |digest, exchange| {
            digest.u32(exchange.xid);
            digest.instant(exchange.since);
            digest.u16(exchange.secs);
            digest.u8(exchange.transmissions);
            digest.instant(exchange.again_at);
        });
        digest.option(self.lease.as_ref(), |digest, lease| lease.digest(digest));
        digest.bool(self.assigned);
        digest.bool(self.usable);
        digest.option(self.offer.as_ref(), |digest, (lease, until)| {
            lease.digest(digest);
            digest.instant(*until);
        });
        digest.option(self.former_server, |digest, server| digest.bytes(&server.octets()));
        digest.option(self.wait_until, Digest::instant);
        digest.u8(self.restarts);
        digest.option(self.fallback_at, Digest::instant);
        digest.bool(self.link_local);
        digest.option(self.informed.as_ref(), |digest, settings| settings.digest(digest));
        digest.bytes(&self.inform_address.octets());
        digest.bool(self.link_up);
    }
}
