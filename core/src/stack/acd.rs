//! IPv4 address conflict detection at work: probes, announcements, and what an ARP packet that claims an
//! address of ours leads to (RFC 5227).

use core::net::{IpAddr, Ipv4Addr};

use super::Stack;
use crate::autoconf::acd::{Claim, ClaimStep, Contest};
use crate::config::Defense;
use crate::error::DropReason;
use crate::event::AddressChange;
use crate::ip::own_address::{AddressOrigin, AddressState};
use crate::link::{Control, InterfaceId};
use crate::wire::arp::{ArpOperation, ArpPacket};
use crate::wire::ethernet::EthernetAddress;

impl Stack {
    /// Begins to probe for an address.
    pub(super) fn claim_address(&mut self, id: InterfaceId, address: Ipv4Addr) {
        let now = self.now;
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        let not_before = interface.autoconf.conflicts.next_claim(now);
        let claim = Claim::new(address, interface.settings.acd, not_before, &mut self.random.acd);
        interface.autoconf.claims.push(claim);
        self.advance_claims(id);
    }

    /// Does what the claims of an interface are due to do.
    pub(super) fn advance_claims(&mut self, id: InterfaceId) {
        let now = self.now;
        let mut at = 0;
        while let Some(interface) = self.interfaces.get_mut(id.index()) {
            let acd = interface.settings.acd;
            let Some(claim) = interface.autoconf.claims.get_mut(at) else { return };
            at += 1;
            let address = claim.address;
            match claim.on_timeout(now, acd, &mut self.random.acd) {
                None => {}
                Some(ClaimStep::Probe) => self.broadcast_request(id, Ipv4Addr::UNSPECIFIED, address),
                Some(ClaimStep::Announce) => self.broadcast_request(id, address, address),
                Some(ClaimStep::Claim) => {
                    self.broadcast_request(id, address, address);
                    self.verify_address(id, IpAddr::V4(address));
                }
            }
        }
    }

    /// A probe has no source (section 2.1.1), an announcement its own address as its target (section 2.3).
    pub(super) fn broadcast_request(&mut self, id: InterfaceId, source: Ipv4Addr, target: Ipv4Addr) {
        let request = Control::Arp {
            operation: ArpOperation::Request,
            to: EthernetAddress::BROADCAST,
            target_hardware: EthernetAddress::UNSPECIFIED,
            source,
            target,
        };
        if let Err(reason) = self.queue_control(id, request) {
            self.drop_on(id, reason);
        }
    }

    /// Whether an ARP packet claims an address that we claim; what has to be done about it is done.
    pub(super) fn contest_address(&mut self, id: InterfaceId, packet: &ArpPacket<'_>) -> Result<(), DropReason> {
        let hardware = packet.sender_hardware();
        // A hub that repeats our own packets to us is no other host (section 2.1.1).
        if !hardware.is_unicast() || self.interfaces.iter().any(|interface| interface.hardware_address == hardware) {
            return Ok(());
        }
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return Ok(()) };
        let (sender, target) = (packet.sender_protocol(), packet.target_protocol());
        let is_probe = sender.is_unspecified() && packet.operation() == ArpOperation::Request;
        let conflicts =
            |claim: &Claim| claim.address == sender || (is_probe && claim.is_probing() && claim.address == target);
        let Some(claim) = interface.autoconf.claims.iter_mut().find(|claim| conflicts(claim)) else { return Ok(()) };
        let address = IpAddr::V4(claim.address);
        // RFC 3927 section 2.5 knows no indefinite defense.
        let is_link_local = interface.addresses.find(address).is_some_and(|own| own.origin == AddressOrigin::LinkLocal);
        let defense = match interface.settings.defense {
            Defense::Always if is_link_local => Defense::Once,
            defense => defense,
        };
        match claim.on_conflict(self.now, defense) {
            Contest::Endured => {}
            Contest::Defended => {
                let address = claim.address;
                self.counters.addresses_defended += 1;
                self.broadcast_request(id, address, address);
                self.announce_address(id, IpAddr::V4(address), Some(AddressChange::Defended));
            }
            Contest::Lost => self.lose_address(id, address),
        }
        Err(DropReason::ArpConflict)
    }

    /// Another host has the address: it is not used any more, and whoever gave it decides what comes next.
    pub(super) fn lose_address(&mut self, id: InterfaceId, address: IpAddr) {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        let Some(own) = interface.addresses.find(address).copied() else { return };
        interface.autoconf.forget(address);
        if address.is_ipv4() {
            interface.autoconf.conflicts.note();
        }
        self.counters.address_conflicts += 1;
        if own.state.is_assigned() {
            // RFC 5227 section 2.4: "Before abandoning an address [..] reset any existing connections".
            self.reset_connections_of(address);
        }
        if let Some(own) = self.interfaces.get_mut(id.index()).and_then(|own| own.addresses.find_mut(address)) {
            own.state = AddressState::Duplicated;
        }
        self.join_groups_of_addresses(id);
        if own.state.is_assigned() {
            self.on_address_unassigned(id, &own);
        }
        self.on_address_conflict(id, address, own.origin);
        self.arm_interface(id);
    }

    /// An address of `origin` turned out to be another host's.
    fn on_address_conflict(&mut self, id: InterfaceId, address: IpAddr, origin: AddressOrigin) {
        match origin {
            // It stays to be seen, until the operator takes it away.
            AddressOrigin::Static => self.announce_address(id, address, Some(AddressChange::Duplicated)),
            AddressOrigin::LinkLocal if address.is_ipv4() => {
                self.withdraw_address(id, address, Some(AddressChange::Duplicated));
                self.on_link_local_conflict(id);
            }
            AddressOrigin::LinkLocal | AddressOrigin::Slaac | AddressOrigin::Temporary | AddressOrigin::Dhcp => {
                self.withdraw_address(id, address, Some(AddressChange::Duplicated));
                match (address, origin) {
                    (IpAddr::V4(address), AddressOrigin::Dhcp) => self.on_dhcpv4_address_conflict(id, address),
                    (IpAddr::V6(address), AddressOrigin::Dhcp) => self.on_dhcpv6_conflict(id, address),
                    (IpAddr::V6(address), _) => self.on_formed_conflict(id, address, origin),
                    _ => {}
                }
            }
        }
    }
}
