//! What waits for a neighbor that is not resolved yet.
//!
//! Sockets wait by their handle and are asked for their segment once the neighbor is known; a
//! datagram or an answer without a socket waits itself, at most `Limits::neighbor_queue` per
//! neighbor and `Limits::neighbors_parked` neighbors, oldest out. No destination waits for another.

use core::net::IpAddr;
use smallvec::SmallVec;

use super::{NeighborCache, NeighborId, Origin};
use crate::config::Limits;
use crate::ip::packet::Packet;
use crate::socket::TcpHandle;

/// Places for parked packets that answers to remote hosts cannot take from local sockets.
const RESERVED_FOR_LOCAL: usize = 16;

/// What had been waiting on an entry.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting {
    pub(crate) sockets: SmallVec<[TcpHandle; 4]>,
    pub(crate) packets: SmallVec<[Packet; 3]>,
}

impl NeighborCache {
    /// Lets a socket wait for the neighbor.
    pub(crate) fn park_socket(&mut self, id: NeighborId, socket: TcpHandle) {
        if let Some(neighbor) = self.entry(id) {
            neighbor.sockets.push(socket);
        }
    }

    /// A socket that waited is gone.
    pub(crate) fn unpark_socket(&mut self, address: IpAddr, socket: TcpHandle) {
        if let Some(neighbor) = self.find(address).and_then(|id| self.entry(id)) {
            neighbor.sockets.retain(|&mut other| other != socket);
        }
    }

    /// Lets a packet wait for the neighbor; returns how many older ones had to go for it.
    pub(crate) fn park_packet(&mut self, id: NeighborId, packet: Packet, limits: &Limits) -> usize {
        let Some(neighbor) = self.entry(id) else { return 1 };
        let origin = neighbor.origin;
        let first = neighbor.packets.is_empty();
        let mut pushed_out = 0;
        if neighbor.packets.len() >= limits.neighbor_queue as usize {
            neighbor.packets.pop_front();
            pushed_out += 1;
        }
        neighbor.packets.push_back(packet);
        if !first {
            return pushed_out;
        }
        let order = if origin == Origin::Local { &mut self.parked_local } else { &mut self.parked_answers };
        order.push_back(id);
        while self.parked_local.len() + self.parked_answers.len() > limits.neighbors_parked as usize
            || self.parked_answers.len() > (limits.neighbors_parked as usize).saturating_sub(RESERVED_FOR_LOCAL)
        {
            let oldest = self.parked_answers.pop_front().or_else(|| self.parked_local.pop_front());
            let Some(oldest) = oldest else { break };
            pushed_out += self.entry(oldest).map_or(0, |neighbor| core::mem::take(&mut neighbor.packets).len());
            self.drop_unwanted(oldest);
        }
        pushed_out
    }

    /// Takes what waits on the entry.
    pub(super) fn release(&mut self, id: NeighborId) -> Waiting {
        let Some(neighbor) = self.entry(id) else { return Waiting::default() };
        let waiting =
            Waiting { sockets: core::mem::take(&mut neighbor.sockets), packets: neighbor.packets.drain(..).collect() };
        if !waiting.packets.is_empty() {
            self.parked_local.retain(|&other| other != id);
            self.parked_answers.retain(|&other| other != id);
        }
        waiting
    }

    /// Packets parked, over all neighbors.
    pub(crate) fn parked(&self) -> usize {
        self.slots.iter().flatten().map(|neighbor| neighbor.packets.len()).sum()
    }

    /// Bytes of the packets parked, over all neighbors.
    pub(crate) fn parked_bytes(&self) -> usize {
        self.slots.iter().flatten().flat_map(|neighbor| &neighbor.packets).map(Packet::len).sum()
    }
}
