//! Neighbors on one side of the NAT: ARP (RFC 826), with packets that wait for an answer.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;

use bytes::Bytes;
use tickwire_core::Instant;
use tickwire_core::time::Duration;
use tickwire_core::wire::arp::{ArpHeader, ArpOperation, ArpPacket};
use tickwire_core::wire::ethernet::EthernetAddress;

use super::{NatDrop, Side};
use crate::node::Outbox;
use crate::node::frames::{self, Stations};

/// For how long a neighbor's answer is believed: "on the order of a minute" (RFC 1122 section 2.3.2.1).
const LIFETIME: Duration = Duration::from_mins(1);
/// Between two requests for one address: not more often than once a second (RFC 1122 section 2.3.2.1).
const RETRY: Duration = Duration::from_secs(1);
/// Requests before the neighbor counts as unreachable.
const REQUESTS: u8 = 3;
/// Neighbors that are known or asked for.
const NEIGHBORS: usize = 256;
/// Packets that wait for one neighbor: as many as the fragments of the largest packet.
pub(super) const WAITING: usize = 48;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Neighbor {
    Known { hardware: EthernetAddress, heard: Instant },
    Asked { requests: u8, again: Instant, waiting: VecDeque<Bytes> },
}

/// The neighbors on one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Neighbors {
    port: usize,
    side: Side,
    entries: BTreeMap<Ipv4Addr, Neighbor>,
    /// When each one that is asked for is asked for again.
    asking: BTreeSet<(Instant, Ipv4Addr)>,
}

impl Neighbors {
    pub(super) fn new(port: usize, side: Side) -> Neighbors {
        Neighbors { port, side, entries: BTreeMap::new(), asking: BTreeSet::new() }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.asking.first().map(|(at, _)| *at)
    }

    /// Sends a packet to a neighbor, as soon as its hardware address is known. A packet that is dropped,
    /// this one or one that has waited longer, is told.
    pub(super) fn send(&mut self, now: Instant, to: Ipv4Addr, packet: Bytes, out: &mut Outbox) -> Result<(), NatDrop> {
        match self.entries.get_mut(&to) {
            Some(Neighbor::Known { hardware, heard }) if *heard + LIFETIME > now => {
                let hardware = *hardware;
                out.push((self.port, self.framed(hardware, &packet)));
                return Ok(());
            }
            Some(Neighbor::Asked { waiting, .. }) => {
                waiting.push_back(packet);
                let oldest = if waiting.len() > WAITING { waiting.pop_front() } else { None };
                return oldest.map_or(Ok(()), |_| Err(NatDrop::Unresolved));
            }
            // What it told is too old.
            Some(Neighbor::Known { .. }) => {
                self.entries.remove(&to);
            }
            None => {}
        }
        if !self.has_room(now) {
            return Err(NatDrop::NeighborsFull);
        }
        let again = now + RETRY;
        self.entries.insert(to, Neighbor::Asked { requests: 1, again, waiting: [packet].into() });
        self.asking.insert((again, to));
        self.ask(to, out);
        Ok(())
    }

    /// Whether there is room for one more, made if need be by forgetting one that is no longer believed.
    fn has_room(&mut self, now: Instant) -> bool {
        if self.entries.len() < NEIGHBORS {
            return true;
        }
        let stale = self.entries.iter().find_map(|(address, neighbor)| match neighbor {
            Neighbor::Known { heard, .. } => (*heard + LIFETIME <= now).then_some(*address),
            Neighbor::Asked { .. } => None,
        });
        stale.is_some_and(|address| self.entries.remove(&address).is_some())
    }

    /// Asks again those that have not answered, and gives up those that never did. Returns how many
    /// packets were dropped.
    pub(super) fn expire(&mut self, now: Instant, out: &mut Outbox) -> u64 {
        let mut dropped = 0;
        while let Some(&(at, address)) = self.asking.first().filter(|(at, _)| *at <= now) {
            self.asking.remove(&(at, address));
            match self.entries.get_mut(&address) {
                Some(Neighbor::Asked { requests, again, .. }) if *requests < REQUESTS => {
                    *requests += 1;
                    *again = now + RETRY;
                    self.asking.insert((now + RETRY, address));
                    self.ask(address, out);
                }
                Some(Neighbor::Asked { waiting, .. }) => {
                    dropped += waiting.len() as u64;
                    self.entries.remove(&address);
                }
                _ => {}
            }
        }
        dropped
    }

    /// "Packet Reception" of RFC 826: what the sender tells is merged, it is added if we are the target, and
    /// a request to us is answered.
    pub(super) fn receive(&mut self, now: Instant, payload: &[u8], out: &mut Outbox) -> Result<(), NatDrop> {
        let packet = ArpPacket::parse(payload).map_err(|_| NatDrop::Malformed)?;
        let (sender, hardware) = (packet.sender_protocol(), packet.sender_hardware());
        if !hardware.is_unicast() || sender == self.side.address {
            return Err(NatDrop::Malformed);
        }
        let for_us = packet.target_protocol() == self.side.address;
        let known = self.entries.contains_key(&sender);
        if self.side.is_on_link(sender) && (known || (for_us && self.has_room(now))) {
            self.learn(now, sender, hardware, out);
        }
        if for_us && packet.operation() == ArpOperation::Request {
            let reply = ArpHeader {
                operation: ArpOperation::Reply,
                sender_hardware: self.side.hardware,
                sender_protocol: self.side.address,
                target_hardware: hardware,
                target_protocol: sender,
            };
            out.push((self.port, frames::arp(hardware, &reply)));
        }
        Ok(())
    }

    fn learn(&mut self, now: Instant, address: Ipv4Addr, hardware: EthernetAddress, out: &mut Outbox) {
        let before = self.entries.insert(address, Neighbor::Known { hardware, heard: now });
        if let Some(Neighbor::Asked { again, waiting, .. }) = before {
            self.asking.remove(&(again, address));
            out.extend(waiting.iter().map(|packet| (self.port, self.framed(hardware, packet))));
        }
    }

    fn ask(&self, address: Ipv4Addr, out: &mut Outbox) {
        let request = ArpHeader {
            operation: ArpOperation::Request,
            sender_hardware: self.side.hardware,
            sender_protocol: self.side.address,
            target_hardware: EthernetAddress::UNSPECIFIED,
            target_protocol: address,
        };
        out.push((self.port, frames::arp(EthernetAddress::BROADCAST, &request)));
    }

    fn framed(&self, dst: EthernetAddress, packet: &[u8]) -> Bytes {
        frames::around(Stations { src: self.side.hardware, dst }, packet)
    }
}
