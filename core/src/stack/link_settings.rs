//! What changes about a link while it is used: its MTU, our hardware address on it.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};

use super::Stack;
use super::commands::MTU_MIN;
use super::interfaces::numbered;
use crate::autoconf::acd::Claim;
use crate::autoconf::announcement::Announcement;
use crate::config::Medium;
use crate::error::{HardwareAddressError, MtuError};
use crate::ip::address::ALL_NODES;
use crate::link::neighbor::RETRANS_TIMER;
use crate::link::{Control, Interface, InterfaceId};
use crate::record::Call;
use crate::time::Instant;
use crate::wire::ethernet::EthernetAddress;
use crate::wire::ipv6;

impl Stack {
    /// Sets the longest packet, in bytes, that leaves by an interface: 576 to [`Medium::mtu_max`], and at least
    /// 1,280 if it has IPv6 (RFC 8200 section 5). Connections send in segments of the new size from here on,
    /// what was sent before and is lost included; a smaller MTU of a path, or one that a router or server
    /// has told, is kept.
    ///
    /// That the device carries so much is for the caller to see to, and that it takes in as much.
    ///
    /// Frames are received as long as they ever could be: neighbors that have not been told of a smaller MTU
    /// yet are not cut off.
    pub fn set_mtu(&mut self, now: Instant, id: InterfaceId, mtu: u16) -> Result<(), MtuError> {
        self.record(|_| Call::SetMtu { now, interface: id, mtu });
        self.advance(now);
        self.commanded("interface.set_mtu", numbered(id));
        let interface = self.interfaces.get_mut(id.index()).ok_or(MtuError::NoInterface)?;
        let least = if interface.speaks_ipv6() { ipv6::MIN_MTU as u16 } else { MTU_MIN };
        if mtu < least {
            return Err(MtuError::TooSmall);
        }
        if mtu > interface.medium.mtu_max() {
            return Err(MtuError::TooLarge);
        }
        interface.capabilities.mtu = mtu;
        interface.mru = interface.mru.max(mtu);
        self.path_mtus.on_link_mtu();
        Ok(())
    }

    /// Sets our hardware address on an Ethernet. Neighbors are told of it at once and twice more, a second
    /// or more apart: by gratuitous ARP and by unsolicited Neighbor Advertisements that override what they
    /// have cached (RFC 5227 section 2.3, RFC 4861 section 7.2.6); on a link that is down, as soon as it is up.
    /// Frames to the former address are not taken any more; IP addresses stay as they are.
    pub fn set_hardware_address(
        &mut self,
        now: Instant,
        id: InterfaceId,
        hardware: EthernetAddress,
    ) -> Result<(), HardwareAddressError> {
        self.record(|_| Call::SetHardwareAddress { now, interface: id, hardware });
        let now = self.advance(now);
        self.commanded("interface.set_hardware_address", numbered(id));
        let interface = self.interfaces.get_mut(id.index()).ok_or(HardwareAddressError::NoInterface)?;
        if interface.medium != Medium::Ethernet {
            return Err(HardwareAddressError::NotEthernet);
        }
        if !hardware.is_unicast() {
            return Err(HardwareAddressError::Group);
        }
        if core::mem::replace(&mut interface.hardware_address, hardware) == hardware {
            return Ok(());
        }
        if let Some(client) = &mut interface.autoconf.dhcpv4 {
            client.set_hardware_address(hardware);
        }
        interface.autoconf.announcement = Some(Announcement::new(now));
        self.advance_announcement(id);
        self.arm_interface(id);
        Ok(())
    }

    /// Does what the announcement of an interface is due to do.
    pub(super) fn advance_announcement(&mut self, id: InterfaceId) {
        let now = self.now;
        let Some(interface) = self.interfaces.get_mut(id.index()).filter(|interface| interface.up) else { return };
        let interval = interface.neighbors.ipv6_retrans_timer().max(RETRANS_TIMER);
        let verifying = interface.is_verifying();
        let Some(announcement) = &mut interface.autoconf.announcement else { return };
        if verifying {
            // Who has an address is being asked just now; what is found out is told after that.
            return announcement.postpone(now, interval);
        }
        let Some(round) = announcement.on_timeout(now, interval) else { return };
        if announcement.is_over() {
            interface.autoconf.announcement = None;
        }
        let addresses: Vec<IpAddr> = interface.addresses.assigned().map(|own| own.address).collect();
        for address in addresses {
            match address {
                IpAddr::V4(address) if round.with_arp => self.broadcast_request(id, address, address),
                IpAddr::V4(_) => {}
                IpAddr::V6(address) => self.advertise_address(id, address),
            }
        }
    }

    fn advertise_address(&mut self, id: InterfaceId, target: Ipv6Addr) {
        let to = EthernetAddress::multicast_v6(ALL_NODES);
        let message = Control::NeighborAdvertisement { to, dst: ALL_NODES, target, solicited: false };
        if let Err(reason) = self.queue_control(id, message) {
            self.drop_on(id, reason);
        }
    }
}

impl Interface {
    /// Whether it has IPv6 addresses, or is about to have some.
    fn speaks_ipv6(&self) -> bool {
        self.addresses.iter().any(|own| own.address.is_ipv6())
            || self.autoconf.router_discovery.enabled
            || self.autoconf.dhcpv6.is_some()
    }

    /// Whether some address is not known to be ours alone.
    fn is_verifying(&self) -> bool {
        self.autoconf.claims.iter().any(Claim::is_probing) || !self.autoconf.detections.is_empty()
    }
}
