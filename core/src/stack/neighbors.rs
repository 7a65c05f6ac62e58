//! Neighbors that commands set (static ARP and Neighbor Discovery entries).

use core::net::{IpAddr, SocketAddr};

use super::Stack;
use crate::error::NeighborError;
use crate::ip::address::is_legal_source;
use crate::link::InterfaceId;
use crate::record::Call;
use crate::time::Instant;
use crate::wire::ethernet::EthernetAddress;

impl Stack {
    /// Sets a neighbor's hardware address for good: it is not solicited, and nothing that arrives
    /// replaces it. One that is set already is replaced.
    ///
    /// # Errors
    ///
    /// [`NeighborError`]: it cannot be a neighbor's, or there is no room.
    pub fn add_neighbor(
        &mut self,
        now: Instant,
        id: InterfaceId,
        address: IpAddr,
        hardware: EthernetAddress,
    ) -> Result<(), NeighborError> {
        self.record(|_| Call::AddNeighbor { now, interface: id, address, hardware });
        self.advance(now);
        self.commanded("neighbor.add", SocketAddr::new(address, 0));
        let now = self.now;
        let interface = self.interfaces.get_mut(id.index()).ok_or(NeighborError::NoInterface)?;
        if !is_legal_source(&interface.addresses, address) {
            return Err(NeighborError::BadAddress);
        }
        if !hardware.is_unicast() || hardware == interface.hardware_address {
            return Err(NeighborError::BadHardwareAddress);
        }
        let learned = interface.neighbors.set_permanent(now, address, hardware, &self.config.limits);
        self.count_evicted(id);
        self.wake(id, learned.ok_or(NeighborError::LimitReached)?.waiting);
        Ok(())
    }

    /// Forgets a neighbor, whether it was set or learned; `false` if there is none. What waits for it is lost.
    pub fn remove_neighbor(&mut self, now: Instant, id: InterfaceId, address: IpAddr) -> bool {
        self.record(|_| Call::RemoveNeighbor { now, interface: id, address });
        self.advance(now);
        self.commanded("neighbor.remove", SocketAddr::new(address, 0));
        let forgotten = self.interfaces.get_mut(id.index()).and_then(|interface| interface.neighbors.forget(address));
        let found = forgotten.is_some();
        self.give_up(id, forgotten.unwrap_or_default());
        found
    }
}
