//! IPv6 duplicate address detection at work (RFC 4862 section 5.4, RFC 4429, RFC 7527).

use core::net::{IpAddr, Ipv6Addr};

use super::Stack;
use super::transmit::transmit_ndp;
use crate::autoconf::dad::{Detection, DetectionStep, Nonce};
use crate::config::Dad;
use crate::error::DropReason;
use crate::frame::TxBatch;
use crate::ip::address::Delivery;
use crate::ip::input::Received;
use crate::ip::output::LinkHeader;
use crate::ip::own_address::{AddressOrigin, AddressState};
use crate::link::neighbor::RETRANS_TIMER;
use crate::link::{Control, InterfaceId};
use crate::wire::checksum::Sum;
use crate::wire::ethernet::EthernetAddress;
use crate::wire::icmpv6::Icmpv6Message;
use crate::wire::ipv4::IpProtocol;
use crate::wire::ipv6::Ipv6Packet;
use crate::wire::ndp::{self, NeighborAdvertisement, NeighborSolicitation};

/// The state in which an IPv6 address begins. RFC 4429 section 3.1: one that somebody has typed in is not
/// used before it has been verified.
pub(super) fn initial_state(dad: Dad, origin: AddressOrigin) -> AddressState {
    match (dad, origin) {
        (Dad::Normal, _) | (_, AddressOrigin::Static) => AddressState::Tentative,
        _ => AddressState::Optimistic,
    }
}

impl Stack {
    /// Begins to verify that nobody else has the address, which is in the table already.
    pub(super) fn detect_duplicates(&mut self, id: InterfaceId, address: Ipv6Addr, state: AddressState) {
        let now = self.now;
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        let (transmits, dad) = (interface.settings.dad_transmits, interface.settings.dad);
        // RFC 4429 section 3.3: what is in use already is not verified later than need be.
        let delayed = state == AddressState::Tentative;
        let detection = Detection::new(now, address, transmits, delayed, dad == Dad::Enhanced, &mut self.random.dad);
        interface.autoconf.detections.push(detection);
        self.advance_detections(id);
    }

    /// Does what the detections of an interface are due to do.
    pub(super) fn advance_detections(&mut self, id: InterfaceId) {
        let now = self.now;
        let mut at = 0;
        while let Some(interface) = self.interfaces.get_mut(id.index()) {
            let Some(detection) = interface.autoconf.detections.get_mut(at) else { return };
            let target = detection.address;
            match detection.on_timeout(now, RETRANS_TIMER, &mut self.random.dad) {
                None => at += 1,
                Some(DetectionStep::Solicit(nonce)) => {
                    at += 1;
                    if let Err(reason) = self.queue_control(id, Control::DadSolicitation { target, nonce }) {
                        self.drop_on(id, reason);
                    }
                }
                Some(DetectionStep::Unique) => {
                    interface.autoconf.detections.remove(at);
                    self.verify_address(id, IpAddr::V6(target));
                }
            }
        }
    }

    pub(super) fn transmit_dad_solicitation(
        &mut self,
        id: InterfaceId,
        target: Ipv6Addr,
        nonce: Option<Nonce>,
        batch: &mut TxBatch,
    ) {
        let Some(interface) = self.interfaces.get(id.index()) else { return };
        let group = ndp::solicited_node(target);
        let (src, dst) = (interface.hardware_address, EthernetAddress::multicast_v6(group));
        let link = LinkHeader::Ethernet { src, dst };
        let message = NeighborSolicitation { target, source_link_layer: None, nonce };
        transmit_ndp(batch, link, (Ipv6Addr::UNSPECIFIED, group), message.message_len(), |out| message.emit(out));
        self.counters.ndp_solicitations_sent += 1;
    }

    /// Whether a Neighbor Discovery message shows that another host has an address which we are verifying
    /// (RFC 4862 sections 5.4.3 and 5.4.4), or is for one that is not to be answered for yet.
    pub(super) fn detect_conflict(
        &mut self,
        id: InterfaceId,
        received: &Received,
        message: &[u8],
    ) -> Result<(), DropReason> {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return Ok(()) };
        let detections = &mut interface.autoconf.detections;
        if received.hop_limit != ndp::HOP_LIMIT || detections.is_empty() {
            return Ok(());
        }
        let target = match message.first() {
            Some(&ndp::NEIGHBOR_SOLICITATION) if received.src.is_unspecified() => {
                let NeighborSolicitation { target, source_link_layer, nonce } = NeighborSolicitation::parse(message)?;
                let Some(detection) = detections.iter_mut().find(|detection| detection.address == target) else {
                    return Ok(());
                };
                // RFC 4861 section 7.1.1.
                if received.dst != IpAddr::V6(ndp::solicited_node(target)) || source_link_layer.is_some() {
                    return Err(DropReason::NdpInvalid);
                }
                if !detection.on_solicitation(nonce) {
                    return Err(DropReason::NdpLooped);
                }
                target
            }
            Some(&ndp::NEIGHBOR_ADVERTISEMENT) => {
                let advertisement = NeighborAdvertisement::parse(message)?;
                // RFC 4861 section 7.1.2.
                if advertisement.solicited && received.delivery == Delivery::Multicast {
                    return Err(DropReason::NdpInvalid);
                }
                advertisement.target
            }
            _ => return Ok(()),
        };
        if !detections.iter().any(|detection| detection.address == target) {
            return Ok(());
        }
        self.lose_address(id, IpAddr::V6(target));
        Err(DropReason::NdpConflict)
    }

    /// A packet came from an impossible source: why it is dropped. Where that is an address which we use
    /// while it is being verified, its rightful owner may be telling us so.
    pub(super) fn detect_own_source(&mut self, id: InterfaceId, packet: &Ipv6Packet<'_>) -> DropReason {
        let message = packet.payload();
        let pseudo_header = Sum::pseudo_header_v6(packet.src(), packet.dst(), IpProtocol::ICMPV6, message.len());
        let is_advertisement = packet.next_header() == IpProtocol::ICMPV6
            && packet.hop_limit() == ndp::HOP_LIMIT
            && Icmpv6Message::parse(message).is_ok_and(|message| message.verify_checksum(pseudo_header));
        let target = match NeighborAdvertisement::parse(message) {
            Ok(advertisement) if is_advertisement => advertisement.target,
            _ => return DropReason::Ipv6Source,
        };
        let detections = self.interfaces.get(id.index()).map(|interface| &interface.autoconf.detections);
        if !detections.is_some_and(|detections| detections.iter().any(|detection| detection.address == target)) {
            return DropReason::Ipv6Source;
        }
        self.lose_address(id, IpAddr::V6(target));
        DropReason::NdpConflict
    }
}
