//! Which inside endpoint has which port outside, and the sessions that keep it so.
//!
//! ```text
//!   mapping   (protocol, inside endpoint) <-> (protocol, outside port)     endpoint-independent
//!     session   remote endpoint, until when                                filtering, timeouts
//! ```
//!
//! A mapping lasts as long as any of its sessions. Age is judged when a packet comes by: between packets
//! nobody can tell.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddrV4;

use tickwire_core::Instant;
use tickwire_core::time::Duration;
use tickwire_core::wire::tcp::TcpFlags;

use super::NatDrop;

/// A UDP session without anything from inside (RFC 4787 REQ-5).
const UDP_TIMEOUT: Duration = Duration::from_mins(5);
/// An established TCP connection that is idle (RFC 5382 REQ-5).
const TCP_ESTABLISHED_TIMEOUT: Duration = Duration::from_mins(2 * 60 + 4);
/// One that is opening, closed by both ends, or reset (RFC 5382 REQ-5).
const TCP_TRANSITORY_TIMEOUT: Duration = Duration::from_mins(4);
/// An ICMP query (RFC 5508 REQ-2).
const ICMP_TIMEOUT: Duration = Duration::from_mins(1);

/// The ports that an inside port below 1024 is mapped to (RFC 4787 REQ-3).
const WELL_KNOWN: u16 = 1_023;

/// What a port is a port of. Of an ICMP query it is the identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Protocol {
    Tcp,
    Udp,
    Icmp,
}

/// From whom an inside endpoint hears (RFC 4787 section 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filtering {
    /// From everybody, while it has a mapping.
    EndpointIndependent,
    /// From addresses that it has sent to.
    #[default]
    AddressDependent,
    /// From endpoints that it has sent to.
    AddressAndPortDependent,
}

/// Where a packet crosses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heading {
    Out = 0,
    In = 1,
}

/// How far a TCP connection is, as far as it can be seen from its middle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Conversation {
    /// Who has sent a SYN, by heading.
    syn: [bool; 2],
    /// Who has sent a FIN.
    fin: [bool; 2],
    reset: bool,
}

impl Conversation {
    fn is_over(self) -> bool {
        self.reset || self.fin == [true; 2]
    }

    fn see(&mut self, heading: Heading, flags: TcpFlags) {
        if flags.contains(TcpFlags::SYN) && self.is_over() {
            *self = Conversation::default();
        }
        self.syn[heading as usize] |= flags.contains(TcpFlags::SYN);
        self.fin[heading as usize] |= flags.contains(TcpFlags::FIN);
        self.reset |= flags.contains(TcpFlags::RST);
    }

    fn timeout(self) -> Duration {
        if self.syn == [true; 2] && !self.is_over() { TCP_ESTABLISHED_TIMEOUT } else { TCP_TRANSITORY_TIMEOUT }
    }
}

/// What an inside endpoint has with one remote endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Session {
    expires: Instant,
    conversation: Conversation,
}

/// An inside endpoint.
pub(super) type Inside = (Protocol, SocketAddrV4);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Mapping {
    outside: u16,
    sessions: BTreeMap<SocketAddrV4, Session>,
}

/// All mappings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    filtering: Filtering,
    sessions_max: usize,
    mappings: BTreeMap<Inside, Mapping>,
    by_port: BTreeMap<(Protocol, u16), SocketAddrV4>,
    /// Every session of every mapping.
    by_expiry: BTreeSet<(Instant, Inside, SocketAddrV4)>,
}

impl Table {
    pub(super) fn new(filtering: Filtering, sessions_max: usize) -> Table {
        Table {
            filtering,
            sessions_max,
            mappings: BTreeMap::new(),
            by_port: BTreeMap::new(),
            by_expiry: BTreeSet::new(),
        }
    }

    pub(super) fn sessions(&self) -> usize {
        self.by_expiry.len()
    }

    /// Forgets what is over by now. Returns how many sessions that were.
    pub(super) fn expire(&mut self, now: Instant) -> u64 {
        let mut expired = 0;
        while let Some(&session) = self.by_expiry.first().filter(|(at, ..)| *at <= now) {
            self.by_expiry.remove(&session);
            let (_, inside, remote) = session;
            expired += 1;
            let Some(mapping) = self.mappings.get_mut(&inside) else { continue };
            mapping.sessions.remove(&remote);
            if mapping.sessions.is_empty() {
                self.by_port.remove(&(inside.0, mapping.outside));
                self.mappings.remove(&inside);
            }
        }
        expired
    }

    /// The port outside of an inside endpoint that sends to `remote`. A mapping that is missing is made; one
    /// of a TCP connection only by a SYN.
    pub(super) fn outbound(
        &mut self,
        now: Instant,
        inside: Inside,
        remote: SocketAddrV4,
        flags: TcpFlags,
    ) -> Result<u16, NatDrop> {
        let known = self.mappings.get(&inside);
        if known.is_none_or(|mapping| !mapping.sessions.contains_key(&remote)) {
            if inside.0 == Protocol::Tcp && !flags.contains(TcpFlags::SYN) {
                return Err(NatDrop::NoSession);
            }
            if self.sessions() >= self.sessions_max {
                return Err(NatDrop::TableFull);
            }
        }
        let outside = match known {
            Some(mapping) => mapping.outside,
            None => self.map(inside)?,
        };
        self.touch(now, inside, remote, Heading::Out, flags);
        Ok(outside)
    }

    /// The inside endpoint that `remote` reaches by a port outside, if the filter lets it.
    pub(super) fn inbound(
        &mut self,
        now: Instant,
        protocol: Protocol,
        outside: u16,
        remote: SocketAddrV4,
        flags: TcpFlags,
    ) -> Result<SocketAddrV4, NatDrop> {
        let endpoint = self.inside_of(protocol, outside).ok_or(NatDrop::NoMapping)?;
        let inside = (protocol, endpoint);
        let Some(mapping) = self.mappings.get(&inside) else { return Err(NatDrop::NoMapping) };
        let known = mapping.sessions.contains_key(&remote);
        let passes = match self.filtering {
            Filtering::EndpointIndependent => true,
            Filtering::AddressDependent => mapping.sessions.keys().any(|other| other.ip() == remote.ip()),
            Filtering::AddressAndPortDependent => known,
        };
        if !passes {
            return Err(NatDrop::Filtered);
        }
        if protocol == Protocol::Tcp {
            if !known && !flags.contains(TcpFlags::SYN) {
                return Err(NatDrop::NoSession);
            }
            if !known && self.sessions() >= self.sessions_max {
                return Err(NatDrop::TableFull);
            }
            self.touch(now, inside, remote, Heading::In, flags);
        }
        Ok(endpoint)
    }

    /// The inside endpoint behind a port outside.
    pub(super) fn inside_of(&self, protocol: Protocol, outside: u16) -> Option<SocketAddrV4> {
        self.by_port.get(&(protocol, outside)).copied()
    }

    /// The port outside of an inside endpoint.
    pub(super) fn outside_of(&self, inside: Inside) -> Option<u16> {
        self.mappings.get(&inside).map(|mapping| mapping.outside)
    }

    /// A session goes on, or begins. Of UDP and ICMP only what comes from inside calls this: a stranger
    /// cannot keep a mapping alive (RFC 4787 REQ-6).
    fn touch(&mut self, now: Instant, inside: Inside, remote: SocketAddrV4, heading: Heading, flags: TcpFlags) {
        let Some(mapping) = self.mappings.get_mut(&inside) else { return };
        let before = mapping.sessions.get(&remote);
        if let Some(session) = before {
            self.by_expiry.remove(&(session.expires, inside, remote));
        }
        let mut conversation = before.map(|session| session.conversation).unwrap_or_default();
        conversation.see(heading, flags);
        let timeout = match inside.0 {
            Protocol::Tcp => conversation.timeout(),
            Protocol::Udp => UDP_TIMEOUT,
            Protocol::Icmp => ICMP_TIMEOUT,
        };
        let expires = now + timeout;
        mapping.sessions.insert(remote, Session { expires, conversation });
        self.by_expiry.insert((expires, inside, remote));
    }

    /// Makes a mapping: to the same port if it is free, else to the next free one of the same range and
    /// parity (RFC 4787 REQ-3, REQ-4).
    fn map(&mut self, inside: Inside) -> Result<u16, NatDrop> {
        let (protocol, endpoint) = inside;
        let port = endpoint.port();
        let (first, last) = match protocol {
            Protocol::Icmp => (0, u16::MAX),
            _ if port <= WELL_KNOWN => (port % 2, WELL_KNOWN),
            _ => (WELL_KNOWN + 1 + port % 2, u16::MAX),
        };
        let step = if protocol == Protocol::Icmp { 1 } else { 2 };
        let free = |port: &u16| *port != 0 && !self.by_port.contains_key(&(protocol, *port));
        let outside = (port..=last).step_by(step).chain((first..port).step_by(step)).find(free);
        let outside = outside.ok_or(NatDrop::NoPort)?;
        self.by_port.insert((protocol, outside), endpoint);
        self.mappings.insert(inside, Mapping { outside, sessions: BTreeMap::new() });
        Ok(outside)
    }
}
