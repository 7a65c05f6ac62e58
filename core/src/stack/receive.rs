//! From a frame to the protocol that it is for.

use bytes::Bytes;
use core::ops::Range;

use super::Stack;
use super::schedule::TimerOwner;
use crate::buffer::COPY_BELOW;
use crate::config::Medium;
use crate::error::DropReason;
use crate::frame::{Frame, RxChecksum};
use crate::ip::address::Delivery;
use crate::ip::input::Received;
use crate::ip::packet::{Body, ErrorKind};
use crate::ip::selection::select_source;
use crate::link::neighbor::{Expiry, NeighborId, Solicit, Waiting};
use crate::link::{Control, InterfaceId};
use crate::provenance::Queued;
use crate::wire::arp::{ArpOperation, ArpPacket};
use crate::wire::ethernet::{self, EtherType, EthernetAddress, EthernetFrame, EthernetHeader};
use crate::wire::ipv4::{IpProtocol, Ipv4Packet};
use crate::wire::ipv6::Ipv6Packet;
use crate::wire::ipv6_ext::{self, ExtensionLimits};
use core::net::IpAddr;

impl Stack {
    /// The frame is handed on whole: text that is kept is what is left of it, not one more reference.
    #[inline]
    pub(super) fn receive(&mut self, id: InterfaceId, frame: &mut Frame) -> Result<(), DropReason> {
        let interface = self.interfaces.get_mut(id.index()).ok_or(DropReason::InterfaceUnknown)?;
        interface.traffic.frames_received += 1;
        interface.traffic.bytes_received += frame.data.len() as u64;
        if !interface.up {
            return Err(DropReason::InterfaceDown);
        }
        match interface.medium {
            Medium::Ethernet => {}
            Medium::Ip => return self.receive_bare(id, frame),
            Medium::Loopback => return Err(DropReason::InterfaceLoopback),
        }
        let ethernet = EthernetFrame::parse(&frame.data)?;
        interface.admit(&ethernet)?;
        let longest = ethernet::HEADER_LEN + usize::from(interface.mru);
        if frame.data.len() > longest && frame.meta.segment_size.is_none() {
            return Err(DropReason::FrameTooLong);
        }
        let link = ethernet.header();
        match link.ethertype {
            EtherType::Ipv4 => self.receive_ipv4(id, frame, &link),
            EtherType::Ipv6 => self.receive_ipv6(id, frame, &link),
            EtherType::Arp => self.receive_arp(id, &ethernet),
            _ => Err(DropReason::EthernetType),
        }
    }

    /// A packet without a link header.
    #[inline(never)]
    pub(super) fn receive_bare(&mut self, id: InterfaceId, frame: &mut Frame) -> Result<(), DropReason> {
        let interface = self.interfaces.get(id.index()).ok_or(DropReason::InterfaceUnknown)?;
        if frame.data.len() > usize::from(interface.mru) && frame.meta.segment_size.is_none() {
            return Err(DropReason::FrameTooLong);
        }
        let nobody = EthernetAddress::UNSPECIFIED;
        let link = |ethertype| EthernetHeader { dst: nobody, src: nobody, ethertype };
        match frame.data.first().map(|first| first >> 4) {
            Some(6) => self.receive_ipv6(id, frame, &link(EtherType::Ipv6)),
            _ => self.receive_ipv4(id, frame, &link(EtherType::Ipv4)),
        }
    }

    #[inline]
    pub(super) fn receive_ipv4(
        &mut self,
        id: InterfaceId,
        frame: &mut Frame,
        link: &EthernetHeader,
    ) -> Result<(), DropReason> {
        let interface = self.interfaces.get(id.index()).ok_or(DropReason::InterfaceUnknown)?;
        let packet = Ipv4Packet::parse(frame.data.get(interface.medium.header_len()..).unwrap_or_default())?;
        let is_ours = |dst| self.hears_elsewhere(interface, dst);
        let (start, link_group) = (interface.medium.header_len(), link.dst.is_multicast());
        let delivery = match interface.ipv4_input(&packet, link_group, is_ours) {
            Ok(delivery) => delivery,
            Err(DropReason::Ipv4NotOurs) => return self.receive_ipv4_of_others(id, frame, link),
            Err(reason) => return Err(reason),
        };
        if self.is_own_elsewhere(interface, packet.src().into()) {
            return Err(DropReason::Ipv4Source);
        }
        let mut received = Received::of_ipv4(&packet, start, delivery, link_group);
        if !packet.option_bytes().is_empty() {
            self.receive_options(id, frame, packet, &mut received)?;
        }
        if received.delivery == Delivery::Multicast {
            self.forward_beside(id, frame, &received, packet.dont_fragment());
        }
        if packet.is_fragment() {
            let header = packet.header();
            return self.receive_ipv4_fragment(id, frame, link, &received, header);
        }
        self.counters.ipv4_received += 1;
        match received.protocol {
            IpProtocol::TCP => self.receive_tcp(id, frame, &received),
            IpProtocol::UDP => self.receive_udp(id, frame, &received),
            IpProtocol::ICMP => self.receive_icmpv4(id, frame, &received),
            IpProtocol::IGMP => self.receive_igmp(id, frame, &received),
            _ => {
                self.owe_icmp_error(id, frame, &received, ErrorKind::ProtocolUnreachable);
                Err(DropReason::Ipv4Protocol)
            }
        }
    }

    /// What the options of a packet say and ask for.
    #[cold]
    fn receive_options(
        &mut self,
        id: InterfaceId,
        frame: &Frame,
        packet: Ipv4Packet<'_>,
        received: &mut Received,
    ) -> Result<(), DropReason> {
        if let Err((reason, owed)) = self.check_options(&packet, self.config.ip.source_routes) {
            // RFC 1122 section 3.2.2: none about a fragment but the first.
            if let Some(kind) = owed.filter(|_| packet.fragment_offset() == 0) {
                self.owe_icmp_error(id, frame, received, kind);
            }
            return Err(reason);
        }
        received.router_alert = packet.has_router_alert();
        Ok(())
    }

    /// A packet to none of our addresses: for an address that we are about to have, or in transit.
    #[inline(never)]
    fn receive_ipv4_of_others(
        &mut self,
        id: InterfaceId,
        frame: &Frame,
        link: &EthernetHeader,
    ) -> Result<(), DropReason> {
        let interface = self.interfaces.get(id.index()).ok_or(DropReason::InterfaceUnknown)?;
        let packet = Ipv4Packet::parse(frame.data.get(interface.medium.header_len()..).unwrap_or_default())?;
        if packet.dst().is_multicast() {
            return self.receive_ipv4_of_group(id, frame, &packet, link.dst.is_multicast());
        }
        let goes_on = self.forwards(packet.dst().into());
        match self.receive_early_dhcpv4(id, frame, link) {
            // A server's answer may be to a client behind us.
            Err(DropReason::Ipv4NotOurs | DropReason::Dhcpv4NotOurs) if goes_on => {
                self.forward_ipv4(id, frame, link.dst.is_multicast())
            }
            result => result,
        }
    }

    fn receive_ipv6(&mut self, id: InterfaceId, frame: &mut Frame, link: &EthernetHeader) -> Result<(), DropReason> {
        self.receive_ipv6_packet(id, frame, link, false)
    }

    /// How much of extension headers is looked at (RFC 8504 section 5.3).
    pub(super) fn extension_limits(&self) -> ExtensionLimits {
        let limits = &self.config.limits;
        ExtensionLimits {
            headers: usize::from(limits.ipv6_extension_headers),
            options: usize::from(limits.ipv6_options),
            padding: usize::from(limits.ipv6_padding),
        }
    }

    /// An IPv6 packet as it came, or as it was `reassembled`.
    pub(super) fn receive_ipv6_packet(
        &mut self,
        id: InterfaceId,
        frame: &mut Frame,
        link: &EthernetHeader,
        reassembled: bool,
    ) -> Result<(), DropReason> {
        let interface = self.interfaces.get(id.index()).ok_or(DropReason::InterfaceUnknown)?;
        let packet = Ipv6Packet::parse(frame.data.get(interface.medium.header_len()..).unwrap_or_default())?;
        let is_ours = |dst| self.hears_elsewhere(interface, dst);
        let mut received = match interface.ipv6_input(&packet, link.dst.is_multicast(), is_ours) {
            Err(DropReason::Ipv6Source) => return Err(self.detect_own_source(id, &packet)),
            Err(DropReason::Ipv6NotOurs) if packet.dst().is_multicast() => {
                return self.receive_ipv6_of_group(id, frame, &packet, link.dst.is_multicast());
            }
            Err(DropReason::Ipv6NotOurs) if self.forwards(packet.dst().into()) => {
                return self.forward_ipv6(id, frame, link.dst.is_multicast());
            }
            checked => checked?,
        };
        if self.is_own_elsewhere(interface, received.src) {
            return Err(DropReason::Ipv6Source);
        }
        if received.delivery == Delivery::Multicast && !reassembled {
            self.forward_beside(id, frame, &received, true);
        }
        let limits = self.extension_limits();
        let upper = match ipv6_ext::walk(packet.dst(), packet.next_header(), packet.payload(), &limits) {
            Ok(upper) => upper,
            Err(error) => {
                if let Some(owed) = error.owed {
                    let kind = ErrorKind::ParameterProblem { code: owed.code, pointer: owed.pointer };
                    self.owe_extension_error(id, frame, &received, kind, owed.also_to_multicast);
                }
                return Err(error.reason);
            }
        };
        match upper.fragment {
            Some(_) if reassembled => return Err(DropReason::FragmentNested),
            Some(part) if !part.is_atomic() => {
                return self.receive_ipv6_fragment(id, frame, link, received, &upper, part);
            }
            _ => {}
        }
        received.protocol = upper.protocol;
        received.upper.start += upper.offset;
        received.router_alert = upper.router_alert;
        self.counters.ipv6_received += 1;
        match upper.protocol {
            IpProtocol::TCP => self.receive_tcp(id, frame, &received),
            IpProtocol::UDP => self.receive_udp(id, frame, &received),
            IpProtocol::ICMPV6 => {
                self.receive_icmpv6(id, frame, &received, link.src, reassembled || upper.fragment.is_some())
            }
            IpProtocol::NO_NEXT_HEADER => Err(DropReason::Ipv6NextHeader),
            _ => {
                let kind = ErrorKind::ParameterProblem {
                    code: crate::wire::icmpv6::UNRECOGNIZED_NEXT_HEADER,
                    pointer: upper.next_header_pointer,
                };
                self.owe_icmp_error(id, frame, &received, kind);
                Err(DropReason::Ipv6NextHeader)
            }
        }
    }

    #[inline(never)]
    fn receive_arp(&mut self, id: InterfaceId, ethernet: &EthernetFrame<'_>) -> Result<(), DropReason> {
        let packet = ArpPacket::parse(ethernet.payload())?;
        self.contest_address(id, &packet)?;
        if self.receive_router_answer(id, &packet) {
            return Ok(());
        }
        let interface = self.interfaces.get(id.index()).ok_or(DropReason::InterfaceUnknown)?;
        let mut input = interface.arp_input(&packet, ethernet.dst() == interface.hardware_address)?;
        if let Some(reply) = self.proxy_arp(id, &packet).filter(|_| input.reply.is_none()) {
            (input.to_us, input.reply) = (true, Some(reply));
        }
        if !input.to_us && input.reply.is_none() && interface.neighbors.id(input.sender).is_none() {
            return Err(DropReason::ArpNotOurs);
        }
        self.counters.arp_received += 1;
        if !input.sender.is_unspecified() {
            self.learn_neighbor(id, input.sender, input.hardware, input.solicited, input.to_us);
        }
        input.reply.map_or(Ok(()), |reply| self.queue_control(id, reply))
    }

    pub(super) fn receive_ndp(
        &mut self,
        id: InterfaceId,
        received: &Received,
        message: &[u8],
        link_src: EthernetAddress,
    ) -> Result<(), DropReason> {
        self.detect_conflict(id, received, message)?;
        let interface = self.interfaces.get(id.index()).ok_or(DropReason::InterfaceUnknown)?;
        if interface.medium != Medium::Ethernet {
            // There are no addresses to be told or asked for.
            return Err(DropReason::NdpInvalid);
        }
        let input = interface.ndp_input(received, message, link_src)?;
        self.counters.ndp_received += 1;
        let doubtful = |hardware| !input.overrides && interface.neighbors.holds_other(input.neighbor, hardware);
        match input.hardware {
            Some(hardware) if doubtful(hardware) => {
                self.doubt_neighbor(id, input.neighbor);
                return Ok(());
            }
            Some(hardware) => self.learn_neighbor(id, input.neighbor, hardware, input.solicited, input.create),
            // RFC 4861 section 7.2.5: confirms the address that is cached.
            None if input.solicited => self.confirm_neighbor(id, input.neighbor),
            None => {}
        }
        if input.is_host {
            self.on_neighbor_is_host(id, input.neighbor);
        }
        input.reply.map_or(Ok(()), |reply| self.queue_control(id, reply))
    }

    fn doubt_neighbor(&mut self, id: InterfaceId, address: IpAddr) {
        if let Some(interface) = self.interfaces.get_mut(id.index()) {
            interface.neighbors.doubt(address);
        }
    }

    fn confirm_neighbor(&mut self, id: InterfaceId, address: IpAddr) {
        if let Some(interface) = self.interfaces.get_mut(id.index()) {
            interface.neighbors.on_progress(self.now, address);
        }
        self.on_neighbor_confirmed(id, address);
    }

    pub(super) fn learn_neighbor(
        &mut self,
        id: InterfaceId,
        address: IpAddr,
        hardware: EthernetAddress,
        solicited: bool,
        create: bool,
    ) {
        let now = self.now;
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        let learned = if solicited {
            interface.neighbors.confirm(now, address, hardware)
        } else {
            interface.neighbors.learn(now, address, hardware, create, &self.config.limits)
        };
        self.counters.neighbors_contested += interface.neighbors.take_contested();
        self.count_evicted(id);
        self.wake(id, learned.waiting);
        if let Some((neighbor, solicit)) = learned.solicit {
            self.queue_solicitation(id, solicit);
            self.arm_neighbor(id, neighbor);
        }
        if solicited && learned.accepted {
            self.on_neighbor_confirmed(id, address);
        }
    }

    pub(super) fn count_evicted(&mut self, id: InterfaceId) {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        let evicted = interface.neighbors.take_evicted();
        self.counters.neighbors_evicted += evicted.neighbors;
        for _ in 0..evicted.packets {
            self.drop_on(id, DropReason::NeighborQueueFull);
        }
        for handle in evicted.sockets {
            self.on_tcp_unreachable(handle, DropReason::NeighborQueueFull);
        }
    }

    /// The neighbor is known: what waited for it goes on.
    pub(super) fn wake(&mut self, id: InterfaceId, waiting: Waiting) {
        for packet in waiting.packets {
            // Beyond the queue's own limit by what was parked at most, which has a limit too.
            if let Some(interface) = self.interfaces.get_mut(id.index()) {
                let occasion = self.occasion;
                if matches!(packet.body, Body::Transit(_)) {
                    interface.transit.push_back(Queued { what: packet, occasion });
                } else {
                    interface.control.push_back(Queued { what: Control::Packet(packet), occasion });
                }
            }
        }
        for handle in waiting.sockets {
            self.unpark_tcp(handle);
        }
    }

    pub(super) fn on_neighbor_timeout(&mut self, id: InterfaceId, neighbor: NeighborId) {
        let now = self.now;
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        match interface.neighbors.on_timeout(now, neighbor) {
            Expiry::Nothing => {}
            Expiry::Solicit(solicit) => {
                let unreachable = interface.neighbors.is_unreachable(neighbor);
                self.queue_solicitation(id, solicit);
                self.arm_neighbor(id, neighbor);
                if unreachable {
                    self.on_neighbor_failed(id, solicit.target);
                }
            }
            Expiry::Moved => self.counters.neighbors_moved += 1,
            Expiry::Failed(address, waiting) => {
                self.counters.neighbors_failed += 1;
                self.on_neighbor_failed(id, address);
                self.redirects.forget(id, address);
                self.give_up(id, waiting);
            }
        }
    }

    /// A neighbor cannot be reached: what waited for it is lost, and its sockets are told.
    pub(super) fn give_up(&mut self, id: InterfaceId, waiting: Waiting) {
        for packet in waiting.packets {
            self.drop_on(id, DropReason::NeighborUnreachable);
            self.on_packet_undeliverable(id, &packet);
        }
        for handle in waiting.sockets {
            self.on_tcp_unreachable(handle, DropReason::NeighborUnreachable);
        }
    }

    pub(super) fn arm_neighbor(&mut self, id: InterfaceId, neighbor: NeighborId) {
        let deadline = self.interfaces.get(id.index()).and_then(|interface| interface.neighbors.deadline(neighbor));
        self.arm(TimerOwner::Neighbor(id, neighbor), deadline);
    }

    pub(super) fn queue_solicitation(&mut self, id: InterfaceId, solicit: Solicit) {
        let Some(interface) = self.interfaces.get(id.index()) else { return };
        let control = match solicit.target {
            IpAddr::V4(target) => {
                let source = select_source(interface, solicit.target, solicit.target, &self.preferences);
                let Some(IpAddr::V4(source)) = source else { return };
                let to = solicit.unicast.unwrap_or(EthernetAddress::BROADCAST);
                let target_hardware = EthernetAddress::UNSPECIFIED;
                Control::Arp { operation: ArpOperation::Request, to, target_hardware, source, target }
            }
            IpAddr::V6(target) => {
                let Some(source) = interface.solicitation_source(target, &self.preferences) else { return };
                Control::NeighborSolicitation { to: solicit.unicast, source, target }
            }
        };
        if let Err(reason) = self.queue_control(id, control) {
            self.drop_on(id, reason);
        }
    }

    /// Queues a message of the interface's own, or an answer.
    pub(super) fn queue_control(&mut self, id: InterfaceId, control: Control) -> Result<(), DropReason> {
        let interface = self.interfaces.get_mut(id.index()).ok_or(DropReason::InterfaceUnknown)?;
        if !interface.up {
            return Err(DropReason::InterfaceDown);
        }
        if interface.control.len() >= usize::from(self.config.limits.control_queue) {
            return Err(DropReason::ControlQueueFull);
        }
        interface.control.push_back(Queued { what: control, occasion: self.occasion });
        Ok(())
    }

    /// The bytes of the frame that are kept: a few are copied, so that they don't pin the frame.
    pub(super) fn keep(&mut self, frame: &Frame, range: Range<usize>) -> Bytes {
        if range.is_empty() {
            return Bytes::new();
        }
        if range.len() < COPY_BELOW {
            return frame.data.get(range).map_or_else(Bytes::new, |bytes| self.chunks.copy(bytes));
        }
        frame.data.slice(range)
    }
}

/// Whether the transport checksum of the frame need not be looked at.
pub(super) fn is_vouched(frame: &Frame) -> bool {
    !matches!(frame.meta.checksum, RxChecksum::Unverified)
}
