//! What a Neighbor Discovery message means to a host (RFC 4861 section 7).

use core::net::{IpAddr, Ipv6Addr};

use super::{Control, Interface};
use crate::error::DropReason;
use crate::ip::address::{ALL_NODES, Delivery};
use crate::ip::input::Received;
use crate::ip::own_address::AddressState;
use crate::ip::selection::{Preferences, best_source};
use crate::wire::ethernet::EthernetAddress;
use crate::wire::ndp::{self, NeighborAdvertisement, NeighborSolicitation};

/// What the sender has told us, and what it is owed.
#[derive(Clone, Debug)]
pub(crate) struct NdpInput {
    /// The neighbor and its link-layer address, if it told one.
    pub(crate) neighbor: IpAddr,
    pub(crate) hardware: Option<EthernetAddress>,
    /// It answers our solicitation: the entry is confirmed.
    pub(crate) solicited: bool,
    /// The link-layer address replaces a different one that is cached (O flag).
    pub(crate) overrides: bool,
    /// A solicitation for one of our addresses: worth an entry if there is none.
    pub(crate) create: bool,
    /// An advertisement that says of its sender to be no router.
    pub(crate) is_host: bool,
    pub(crate) reply: Option<Control>,
}

impl Interface {
    /// RFC 4861 sections 7.1 and 7.2. `link_src` is the frame's source, to which an answer can go
    /// even when the solicitation names none.
    pub(crate) fn ndp_input(
        &self,
        received: &Received,
        message: &[u8],
        link_src: EthernetAddress,
    ) -> Result<NdpInput, DropReason> {
        if received.hop_limit != ndp::HOP_LIMIT {
            return Err(DropReason::NdpInvalid);
        }
        if message.first() == Some(&ndp::NEIGHBOR_SOLICITATION) {
            self.solicitation_input(received, &NeighborSolicitation::parse(message)?, link_src)
        } else {
            self.advertisement_input(received, &NeighborAdvertisement::parse(message)?)
        }
    }

    fn solicitation_input(
        &self,
        received: &Received,
        solicitation: &NeighborSolicitation,
        link_src: EthernetAddress,
    ) -> Result<NdpInput, DropReason> {
        let probing = received.src.is_unspecified();
        let group = IpAddr::V6(ndp::solicited_node(solicitation.target));
        // Section 7.1.1: one that detects duplicates goes to the solicited-node group and names no source.
        if probing && (received.dst != group || solicitation.source_link_layer.is_some()) {
            return Err(DropReason::NdpInvalid);
        }
        if !self.has_address(IpAddr::V6(solicitation.target)) {
            return Err(DropReason::NdpNotOurs);
        }
        if solicitation.source_link_layer.is_some_and(|hardware| !self.is_anothers(hardware)) {
            return Err(DropReason::NdpInvalid);
        }
        let (to, dst) = match received.src {
            IpAddr::V6(src) if !probing => (solicitation.source_link_layer.unwrap_or(link_src), src),
            _ => (EthernetAddress::multicast_v6(ALL_NODES), ALL_NODES),
        };
        let reply = Control::NeighborAdvertisement { to, dst, target: solicitation.target, solicited: !probing };
        Ok(NdpInput {
            neighbor: received.src,
            hardware: solicitation.source_link_layer,
            solicited: false,
            overrides: true,
            create: !probing,
            is_host: false,
            reply: Some(reply),
        })
    }

    fn advertisement_input(
        &self,
        received: &Received,
        advertisement: &NeighborAdvertisement,
    ) -> Result<NdpInput, DropReason> {
        // Section 7.1.2: a solicited one is never multicast.
        if advertisement.solicited && received.delivery == Delivery::Multicast || received.src.is_unspecified() {
            return Err(DropReason::NdpInvalid);
        }
        if advertisement.target_link_layer.is_some_and(|hardware| !self.is_anothers(hardware)) {
            return Err(DropReason::NdpInvalid);
        }
        let neighbor = IpAddr::V6(advertisement.target);
        if self.has_address(neighbor) || self.neighbors.id(neighbor).is_none() {
            return Err(DropReason::NdpNotOurs);
        }
        Ok(NdpInput {
            neighbor,
            hardware: advertisement.target_link_layer,
            solicited: advertisement.solicited,
            overrides: advertisement.overrides,
            create: false,
            is_host: !advertisement.router,
            reply: None,
        })
    }

    /// Whether an advertisement of ours for `target` may replace what others have cached: not while
    /// somebody else might be its rightful owner (RFC 4429 section 3.3).
    pub(crate) fn may_override(&self, target: Ipv6Addr) -> bool {
        self.addresses.find(IpAddr::V6(target)).is_none_or(|own| own.state != AddressState::Optimistic)
    }

    /// Whether a neighbor can have this hardware address.
    pub(crate) fn is_anothers(&self, hardware: EthernetAddress) -> bool {
        hardware.is_unicast() && hardware != self.hardware_address
    }

    /// The source of a solicitation for `target`: one of our addresses, of the target's scope if
    /// possible; never one whose rightful owner it could harm (RFC 4429 section 3.2).
    pub(crate) fn solicitation_source(&self, target: Ipv6Addr, preferences: &Preferences) -> Option<Ipv6Addr> {
        let verified = self.addresses.assigned().filter(|own| own.state != AddressState::Optimistic);
        match best_source(verified, IpAddr::V6(target), IpAddr::V6(target), |_| false, preferences)?.address {
            IpAddr::V6(source) => Some(source),
            IpAddr::V4(_) => None,
        }
    }
}
