//! Questions to the cache, none of which changes it.

use core::net::IpAddr;

use super::{NeighborCache, NeighborState};
use crate::digest::Digest;
use crate::wire::ethernet::EthernetAddress;

impl NeighborCache {
    /// The hardware address that is cached for `address`.
    pub(crate) fn hardware_of(&self, address: IpAddr) -> Option<EthernetAddress> {
        self.iter().find_map(|(other, _, hardware)| hardware.filter(|_| other == address))
    }

    /// Whether another hardware address than `hardware` is cached for `address`.
    pub(crate) fn holds_other(&self, address: IpAddr, hardware: EthernetAddress) -> bool {
        let slot = self.index.get(&address).and_then(|&slot| self.slots.get(slot as usize)?.as_ref());
        slot.is_some_and(|neighbor| neighbor.state != NeighborState::Incomplete && neighbor.hardware != hardware)
    }

    /// Every entry: address, state, hardware address (none while it is being resolved), in slot order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (IpAddr, NeighborState, Option<EthernetAddress>)> + '_ {
        self.slots.iter().flatten().map(|neighbor| {
            let known = neighbor.state != NeighborState::Incomplete;
            (neighbor.address, neighbor.state, known.then_some(neighbor.hardware))
        })
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.count(self.slots.len());
        for (slot, neighbor) in self.slots.iter().enumerate() {
            let Some(neighbor) = neighbor else { continue };
            digest.count(slot);
            digest.address(neighbor.address);
            digest.u8(neighbor.state as u8);
            digest.bytes(&neighbor.hardware.0);
            digest.instant(neighbor.reachable_until);
            digest.option(neighbor.confirmed, Digest::instant);
            digest.bool(neighbor.used);
            digest.u8(neighbor.solicited);
            digest.option(neighbor.due, Digest::instant);
            digest.option(neighbor.used_at, Digest::instant);
            digest.option(neighbor.contender, |digest, hardware| digest.bytes(&hardware.0));
            digest.u32(neighbor.generation);
            digest.u8(neighbor.origin as u8);
            digest.count(neighbor.sockets.len());
            for socket in &neighbor.sockets {
                digest.handle(*socket);
            }
            digest.count(neighbor.packets.len());
            for packet in &neighbor.packets {
                packet.digest(digest);
            }
        }
        digest.count(self.hand);
        digest.u64(self.retrans_timer.as_nanos() as u64);
        digest.option(self.reachable_time.base, |digest, base| digest.u64(base.as_nanos() as u64));
        digest.u64(self.reachable_time.random.as_nanos() as u64);
        for order in [&self.parked_local, &self.parked_answers] {
            digest.count(order.len());
            for id in order {
                digest.u16(id.slot);
                digest.u32(id.generation);
            }
        }
        for slot in &self.free {
            digest.u16(*slot);
        }
    }
}
