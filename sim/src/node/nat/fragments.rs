//! Fragments on their way through (RFC 4787 REQ-14): only the first has ports, and it need not come first.
//! What has come before it waits; what comes after it is translated as it was. The fragments are sent on as
//! they are cut, and nothing is put together.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use bytes::Bytes;
use tickwire_core::Instant;
use tickwire_core::time::Duration;
use tickwire_core::wire::ipv4::{IpProtocol, Ipv4Packet};

use super::{NatDrop, Passage};

/// For how long the rest of a packet is waited for: a host's own timeout (RFC 791 section 3.2).
const TIMEOUT: Duration = Duration::from_secs(30);
/// Packets of which fragments are on their way.
const PACKETS: usize = 64;
/// Fragments that wait for the first of their packet: more than 64 KiB are cut into at an MTU of 1500.
const WAITING: usize = 48;

/// What makes fragments one packet (RFC 791 section 3.2), and where they came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PacketKey {
    port: usize,
    src: Ipv4Addr,
    dst: Ipv4Addr,
    protocol: IpProtocol,
    id: u16,
}

impl PacketKey {
    pub(super) fn of(port: usize, packet: &Ipv4Packet<'_>) -> PacketKey {
        PacketKey { port, src: packet.src(), dst: packet.dst(), protocol: packet.protocol(), id: packet.id() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    /// The first fragment was translated so.
    Open(Passage),
    /// It has not come yet.
    Unknown(Vec<Bytes>),
}

/// The packets of which fragments are on their way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fragments {
    packets: BTreeMap<PacketKey, Way>,
    by_age: BTreeSet<(Instant, PacketKey)>,
}

impl Fragments {
    /// The first fragment has found its way. Returns those that have waited for it.
    pub(super) fn open(&mut self, now: Instant, key: PacketKey, passage: Passage) -> Result<Vec<Bytes>, NatDrop> {
        match self.packets.get_mut(&key) {
            Some(way) => match std::mem::replace(way, Way::Open(passage)) {
                Way::Unknown(waiting) => Ok(waiting),
                Way::Open(_) => Ok(Vec::new()),
            },
            None => self.insert(now, key, Way::Open(passage)).map(|()| Vec::new()),
        }
    }

    /// The way of a later fragment; `None` if it now waits for the first.
    pub(super) fn follow(&mut self, now: Instant, key: PacketKey, packet: &Bytes) -> Result<Option<Passage>, NatDrop> {
        match self.packets.get_mut(&key) {
            Some(Way::Open(passage)) => Ok(Some(*passage)),
            Some(Way::Unknown(waiting)) if waiting.len() >= WAITING => Err(NatDrop::FragmentsFull),
            Some(Way::Unknown(waiting)) => {
                waiting.push(packet.clone());
                Ok(None)
            }
            None => self.insert(now, key, Way::Unknown(vec![packet.clone()])).map(|()| None),
        }
    }

    fn insert(&mut self, now: Instant, key: PacketKey, way: Way) -> Result<(), NatDrop> {
        if self.packets.len() >= PACKETS {
            return Err(NatDrop::FragmentsFull);
        }
        self.packets.insert(key, way);
        self.by_age.insert((now, key));
        Ok(())
    }

    /// Forgets packets that have taken too long. Returns how many fragments were still waiting.
    pub(super) fn expire(&mut self, now: Instant) -> u64 {
        let mut dropped = 0;
        while let Some(&(began, key)) = self.by_age.first().filter(|(began, _)| *began + TIMEOUT <= now) {
            self.by_age.remove(&(began, key));
            if let Some(Way::Unknown(waiting)) = self.packets.remove(&key) {
                dropped += waiting.len() as u64;
            }
        }
        dropped
    }
}
