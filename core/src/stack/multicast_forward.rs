//! Packets to groups between the links on which we are a multicast router: to where somebody listens (RFC
//! 1112 section 6, RFC 1812 section 5.2.4, RFC 3376 section 6.3, RFC 3810 section 7.3). There is no multicast routing protocol: who
//! has several routers between two links sees to it that one of them forwards.

use core::net::IpAddr;
use smallvec::SmallVec;

use super::Stack;
use crate::config::{Medium, ReversePath};
use crate::error::DropReason;
use crate::frame::Frame;
use crate::ip::address::{Delivery, is_link_local};
use crate::ip::input::Received;
use crate::ip::multicast::member::Protocol;
use crate::ip::multicast::querier::is_forwardable;
use crate::ip::packet::ErrorKind;
use crate::ip::route::Hop;
use crate::link::InterfaceId;
use crate::wire::ipv4::{IpProtocol, Ipv4Packet};
use crate::wire::ipv6::Ipv6Packet;

impl Stack {
    /// An IPv4 packet to a group that we are not in: IGMP, which a router hears, or one that others want.
    pub(super) fn receive_ipv4_of_group(
        &mut self,
        id: InterfaceId,
        frame: &Frame,
        packet: &Ipv4Packet<'_>,
        link_group: bool,
    ) -> Result<(), DropReason> {
        let interface = self.interfaces.get(id.index()).ok_or(DropReason::InterfaceUnknown)?;
        if interface.queriers.is_none() {
            return Err(DropReason::Ipv4NotOurs);
        }
        interface.ipv4_input(packet, false, |_| true)?;
        if self.is_own_elsewhere(interface, packet.src().into()) {
            return Err(DropReason::Ipv4Source);
        }
        let start = interface.medium.header_len();
        self.check_options(packet, false).map_err(|(reason, _)| reason)?;
        let router_alert = packet.has_router_alert();
        let received = Received::of_ipv4(packet, start, Delivery::Multicast, link_group);
        let received = Received { router_alert, ..received };
        if received.protocol == IpProtocol::IGMP && !packet.is_fragment() {
            self.counters.ipv4_received += 1;
            return self.receive_igmp(id, frame, &received);
        }
        let copies = self.forward_to_members(id, frame, &received, packet.dont_fragment())?;
        if copies == 0 { Err(DropReason::Ipv4NotOurs) } else { Ok(()) }
    }

    /// The same for IPv6.
    pub(super) fn receive_ipv6_of_group(
        &mut self,
        id: InterfaceId,
        frame: &Frame,
        packet: &Ipv6Packet<'_>,
        link_group: bool,
    ) -> Result<(), DropReason> {
        let interface = self.interfaces.get(id.index()).ok_or(DropReason::InterfaceUnknown)?;
        if interface.queriers.is_none() {
            return Err(DropReason::Ipv6NotOurs);
        }
        let received = interface.ipv6_input(packet, false, |_| true)?;
        if self.is_own_elsewhere(interface, received.src) {
            return Err(DropReason::Ipv6Source);
        }
        let received = Received { delivery: Delivery::Multicast, link_group, ..received };
        if let Some(heard) = self.receive_mld_as_router(id, frame, packet, &received) {
            return heard;
        }
        let copies = self.forward_to_members(id, frame, &received, true)?;
        if copies == 0 { Err(DropReason::Ipv6NotOurs) } else { Ok(()) }
    }

    /// A packet to a group that we are in too: others may want it. What keeps it from them is counted.
    pub(super) fn forward_beside(&mut self, id: InterfaceId, frame: &Frame, received: &Received, whole_only: bool) {
        if let Err(reason) = self.forward_to_members(id, frame, received, whole_only) {
            self.drops.count(reason);
        }
    }

    /// Queues a copy for each other interface whose link has members that want packets of this source; returns how many.
    /// Nobody is told why there is none, but that a link is too narrow for IPv6 (RFC 4443 section 2.4 (e)).
    fn forward_to_members(
        &mut self,
        id: InterfaceId,
        frame: &Frame,
        received: &Received,
        whole_only: bool,
    ) -> Result<usize, DropReason> {
        let out = self.interfaces_with_members(id, received);
        if out.is_empty() || received.protocol == IpProtocol::IGMP {
            return Ok(0);
        }
        let by_unicast = |stack: &Stack| {
            let interface = stack.interfaces.get(id.index());
            !received.link_group && interface.is_some_and(|interface| interface.medium == Medium::Ethernet)
        };
        if by_unicast(self) || received.src.is_unspecified() || self.is_assigned(received.src) {
            return Err(DropReason::ForwardMartian);
        }
        if is_link_local(received.src) || matches!(received.src, IpAddr::V4(src) if src.is_link_local()) {
            return Err(DropReason::ForwardScope);
        }
        if frame.meta.segment_size.is_some() {
            return Err(DropReason::ForwardMerged);
        }
        // Without it a packet could go round for as long as its time to live lets it.
        if !self.came_the_right_way(id, received.src, ReversePath::Strict) {
            return Err(DropReason::ForwardReversePath);
        }
        if received.hop_limit <= 1 {
            return Err(DropReason::ForwardHopLimit);
        }
        let (mut copies, mut narrowest) = (0, None);
        for interface in out {
            let mtu = self.interfaces.get(interface.index()).map_or(0, |out| out.mtu(received.dst.is_ipv6()));
            if whole_only && received.packet.len() > usize::from(mtu) {
                narrowest = Some(narrowest.map_or(mtu, |least: u16| least.min(mtu)));
                self.drops.count(DropReason::ForwardTooBig);
                continue;
            }
            match self.queue_transit(id, frame, received, Hop { interface, next_hop: received.dst }) {
                Ok(()) => copies += 1,
                Err(reason) => self.drops.count(reason),
            }
        }
        if let Some(mtu) = narrowest.filter(|_| received.dst.is_ipv6()) {
            self.owe_extension_error(id, frame, received, ErrorKind::PacketTooBig { mtu }, true);
        }
        self.counters.group_packets_forwarded += u64::from(copies > 0);
        Ok(copies)
    }

    /// The interfaces to whose members the packet goes: never the one that it came in on.
    fn interfaces_with_members(&self, id: InterfaceId, received: &Received) -> SmallVec<[InterfaceId; 4]> {
        if !self.config.router.forwarding || !is_forwardable(received.dst) {
            return SmallVec::new();
        }
        let protocol = if received.dst.is_ipv4() { Protocol::Igmp } else { Protocol::Mld };
        let others = self.interfaces.iter().filter(|other| other.id != id && other.up);
        let wants = others.filter(|other| {
            let querier = other.queriers.as_deref().map(|queriers| queriers.of(protocol));
            querier.is_some_and(|querier| querier.wants(received.dst, received.src))
        });
        wants.map(|other| other.id).collect()
    }
}
