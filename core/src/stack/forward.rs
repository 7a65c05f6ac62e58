//! The router role (RFC 1812 section 5, RFC 8200): what becomes of a packet that is for another host. Off
//! unless `Config::router` says otherwise; then packets are dropped as those of strangers.

use core::net::IpAddr;

use super::Stack;
use super::transmit::NextHop;
use crate::config::{Medium, ReversePath};
use crate::error::DropReason;
use crate::frame::{Frame, TxBatch};
use crate::ip::address::{Delivery, is_link_local};
use crate::ip::forward::{Transit, may_be_forwarded};
use crate::ip::input::Received;
use crate::ip::own_address::OwnAddress;
use crate::ip::packet::{Body, ErrorKind, Packet};
use crate::ip::route::{Hop, Query, Refusal, Route};
use crate::link::arp::arp_reply;
use crate::link::neighbor::Origin;
use crate::link::{Control, InterfaceId};
use crate::provenance::Queued;
use crate::wire::arp::{ArpOperation, ArpPacket};
use crate::wire::ipv4::Ipv4Packet;
use crate::wire::ipv6::{self, Ipv6Packet};

impl Stack {
    /// Whether a packet that is not for us is passed on. Groups are another matter.
    pub(super) fn forwards(&self, dst: IpAddr) -> bool {
        self.config.router.forwarding && !dst.is_multicast()
    }

    /// An IPv4 packet for another host, whose header and source have been checked.
    pub(super) fn forward_ipv4(&mut self, id: InterfaceId, frame: &Frame, link_group: bool) -> Result<(), DropReason> {
        let interface = self.interfaces.get(id.index()).ok_or(DropReason::InterfaceUnknown)?;
        let start = interface.medium.header_len();
        let packet = Ipv4Packet::parse(frame.data.get(start..).unwrap_or_default())?;
        let whole = start..start + packet.total_len();
        let received = Received {
            src: IpAddr::V4(packet.src()),
            dst: IpAddr::V4(packet.dst()),
            delivery: Delivery::Transit,
            router_alert: false,
            hop_limit: packet.ttl(),
            traffic_class: packet.tos(),
            protocol: packet.protocol(),
            upper: start + packet.header_len()..whole.end,
            packet: whole,
            link_group,
        };
        // RFC 1122 section 3.2.2: about fragments other than the first no error is sent.
        let is_later_fragment = packet.fragment_offset() != 0;
        if let Err((reason, owed)) = self.check_options(&packet, false) {
            if let Some(kind) = owed.filter(|_| !is_later_fragment) {
                self.owe_icmp_error(id, frame, &received, kind);
            }
            return Err(reason);
        }
        self.forward(id, frame, &received, packet.dont_fragment(), is_later_fragment)
    }

    /// An IPv6 packet for another host, whose header and source have been checked. Its extension headers are
    /// for the destination to look at (RFC 8200 section 4).
    pub(super) fn forward_ipv6(&mut self, id: InterfaceId, frame: &Frame, link_group: bool) -> Result<(), DropReason> {
        let interface = self.interfaces.get(id.index()).ok_or(DropReason::InterfaceUnknown)?;
        let start = interface.medium.header_len();
        let packet = Ipv6Packet::parse(frame.data.get(start..).unwrap_or_default())?;
        let whole = start..start + ipv6::HEADER_LEN + packet.payload_len();
        let received = Received {
            src: IpAddr::V6(packet.src()),
            dst: IpAddr::V6(packet.dst()),
            delivery: Delivery::Transit,
            router_alert: false,
            hop_limit: packet.hop_limit(),
            traffic_class: packet.traffic_class(),
            protocol: packet.next_header(),
            upper: start + ipv6::HEADER_LEN..whole.end,
            packet: whole,
            link_group,
        };
        self.forward(id, frame, &received, true, false)
    }

    fn forward(
        &mut self,
        id: InterfaceId,
        frame: &Frame,
        received: &Received,
        whole_only: bool,
        is_later_fragment: bool,
    ) -> Result<(), DropReason> {
        // RFC 1812 section 5.3.4: one that was broadcast on the link is not passed on.
        let spoofed = self.is_assigned(received.src);
        if received.link_group || spoofed || !may_be_forwarded(received.src, received.dst) {
            return Err(DropReason::ForwardMartian);
        }
        if frame.meta.segment_size.is_some() {
            return Err(DropReason::ForwardMerged);
        }
        let query = Query { src: Some(received.src), arrived_on: Some(id), ..Query::to(received.dst) };
        let owe = |stack: &mut Stack, kind| {
            if is_later_fragment {
                stack.drops.count(DropReason::NoAnswerOwed);
            } else {
                stack.owe_icmp_error(id, frame, received, kind);
            }
        };
        if is_link_local(received.src) {
            owe(self, ErrorKind::BeyondScope);
            return Err(DropReason::ForwardScope);
        }
        if !self.came_the_right_way(id, received.src, self.config.router.reverse_path) {
            return Err(DropReason::ForwardReversePath);
        }
        if received.hop_limit <= 1 {
            owe(self, ErrorKind::HopLimitExceeded);
            return Err(DropReason::ForwardHopLimit);
        }
        let hop = match self.way(&query) {
            Ok(way) => way.hop,
            Err(refusal) => {
                if let Some(kind) = error_for(refusal) {
                    owe(self, kind);
                }
                return Err(refusal.into());
            }
        };
        let out = self.interfaces.get(hop.interface.index()).ok_or(DropReason::NoRoute)?;
        if matches!(received.dst, IpAddr::V4(dst) if out.is_broadcast(dst)) {
            // RFC 2644 section 2: by default a directed broadcast goes no further.
            return Err(DropReason::ForwardMartian);
        }
        let mtu = out.mtu(received.dst.is_ipv6());
        if whole_only && received.packet.len() > usize::from(mtu) {
            owe(self, ErrorKind::PacketTooBig { mtu });
            return Err(DropReason::ForwardTooBig);
        }
        if hop.interface == id {
            self.owe_redirect(id, frame, received, hop);
        }
        self.queue_transit(id, frame, received, hop)
    }

    pub(super) fn queue_transit(
        &mut self,
        id: InterfaceId,
        frame: &Frame,
        received: &Received,
        hop: Hop,
    ) -> Result<(), DropReason> {
        let limit = usize::from(self.config.limits.forward_queue);
        let is_full =
            |stack: &Stack| stack.interfaces.get(hop.interface.index()).is_none_or(|out| out.transit.len() >= limit);
        if is_full(self) {
            return Err(DropReason::ForwardQueueFull);
        }
        let bytes = self.keep(frame, received.packet.clone());
        let transit = Transit::new(bytes, frame.meta.checksum, received.packet.start, id);
        let Some(out) = self.interfaces.get_mut(hop.interface.index()) else { return Err(DropReason::NoRoute) };
        let packet = Packet {
            hop_limit: received.hop_limit.saturating_sub(1),
            dont_fragment: !transit.may_be_fragmented(),
            ..Packet::to(received.src, received.dst, hop.next_hop, Body::Transit(transit))
        };
        out.transit.push_back(Queued { what: packet, occasion: self.occasion });
        self.counters.packets_forwarded += 1;
        Ok(())
    }

    /// RFC 3704 section 2: whether a packet from `src` could be expected on the interface.
    pub(super) fn came_the_right_way(&self, id: InterfaceId, src: IpAddr, check: ReversePath) -> bool {
        let lookup = |interface| {
            let query = Query { interface, arrived_on: Some(id), ..Query::to(src) };
            self.routes.lookup(&query, |route| self.is_usable(route, &query), |_| 0)
        };
        let reaches = |route: &Route| route.interface().is_some();
        match check {
            ReversePath::Off => true,
            ReversePath::Loose => lookup(None).is_some_and(reaches),
            // The best route, or one that shares its flows, leads out where the packet came in.
            ReversePath::Strict => match (lookup(None), lookup(Some(id))) {
                (Some(best), Some(here)) => {
                    reaches(best) && (best.prefix_len, best.metric) == (here.prefix_len, here.metric)
                }
                _ => false,
            },
        }
    }

    /// RFC 1812 section 5.2.7.2, RFC 4861 section 8.2: the sender is a neighbor of the next hop and could go there
    /// itself. It is told so now and then.
    fn owe_redirect(&mut self, id: InterfaceId, frame: &Frame, received: &Received, hop: Hop) {
        let Some(interface) = self.interfaces.get(id.index()) else { return };
        // RFC 1812 section 5.2.7.2: on one subnet with the next hop, if the link has several.
        let share_subnet = |own: &OwnAddress| own.is_on_link(received.src) && own.is_on_link(hop.next_hop);
        let is_neighbor = match received.src {
            IpAddr::V4(_) => interface.addresses.assigned().any(share_subnet),
            IpAddr::V6(_) => interface.addresses.assigned().any(|own| own.is_on_link(received.src)),
        };
        let is_target = hop.next_hop.is_ipv4() || hop.next_hop == received.dst || is_link_local(hop.next_hop);
        let wanted = self.config.router.redirects && is_neighbor && is_target;
        if !wanted || interface.medium != Medium::Ethernet {
            return;
        }
        if !self.limits.redirects.admit(self.now) {
            return self.drop_on(id, DropReason::RateLimited);
        }
        if let IpAddr::V4(gateway) = hop.next_hop {
            return self.owe_icmp_error(id, frame, received, ErrorKind::Redirect { gateway });
        }
        let (IpAddr::V6(target), IpAddr::V6(destination)) = (hop.next_hop, received.dst) else { return };
        let Some(interface) = self.interfaces.get(id.index()) else { return };
        let hardware = interface.neighbors.hardware_of(hop.next_hop);
        // RFC 4861 section 4.5: the source MUST be the link-local address.
        let source = interface.addresses.assigned().map(|own| own.address).find(|own| is_link_local(*own));
        let Some(source) = source else { return };
        let end = received.packet.end.min(received.packet.start + QUOTE_MAX);
        let quote = self.keep(frame, received.packet.start..end);
        let body = Body::NdRedirect { target, destination, hardware, quote };
        let packet =
            Packet { hop_limit: crate::wire::ndp::HOP_LIMIT, ..Packet::to(source, received.src, received.src, body) };
        if let Err(reason) = self.queue_control(id, Control::Packet(packet)) {
            self.drop_on(id, reason);
        }
    }

    /// One packet in transit leaves, or up to `room` fragments of it; or it waits for its next hop.
    pub(super) fn transmit_transit(&mut self, id: InterfaceId, mut packet: Packet, room: usize, batch: &mut TxBatch) {
        match self.resolve(id, packet.next_hop, Origin::Answer) {
            NextHop::Known(link) => {
                let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
                let mtu = usize::from(interface.mtu(packet.dst.is_ipv6()));
                let Body::Transit(transit) = &mut packet.body else { return };
                if transit.bytes.len() > mtu && packet.dont_fragment {
                    // The MTU has become smaller since it was looked at.
                    return self.drop_on(id, DropReason::ForwardTooBig);
                }
                if !transit.emit(link, mtu, room, batch) {
                    interface.transit.push_front(Queued { what: packet, occasion: self.occasion });
                }
            }
            NextHop::Unresolved(neighbor) => {
                let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
                for _ in 0..interface.neighbors.park_packet(neighbor, packet, &self.config.limits) {
                    self.drop_on(id, DropReason::NeighborQueueFull);
                }
            }
            NextHop::Full => self.drop_on(id, DropReason::NeighborQueueFull),
        }
    }

    /// RFC 1027: whether the interface answers for a host that is reached through another one, and what.
    pub(super) fn proxy_arp(&self, id: InterfaceId, request: &ArpPacket<'_>) -> Option<Control> {
        let interface = self.interfaces.get(id.index())?;
        let (sender, target) = (request.sender_protocol(), request.target_protocol());
        let is_question = request.operation() == ArpOperation::Request && !sender.is_unspecified() && sender != target;
        if !self.config.router.forwarding || !interface.proxy_arp || !is_question {
            return None;
        }
        let query = Query { src: Some(sender.into()), arrived_on: Some(id), ..Query::to(target.into()) };
        let elsewhere = self.way(&query).ok()?.hop.interface != id;
        let possible = may_be_forwarded(sender.into(), target.into());
        (elsewhere && possible).then(|| arp_reply(request))
    }

    /// The next hop of a packet in transit does not answer (RFC 1812 section 5.2.7.1, RFC 4443 section 3.1).
    pub(super) fn on_transit_undeliverable(&mut self, packet: &Packet, transit: &Transit) {
        let later_fragment = Ipv4Packet::parse(&transit.bytes).is_ok_and(|packet| packet.fragment_offset() != 0);
        if later_fragment {
            return self.drops.count(DropReason::NoAnswerOwed);
        }
        let upper = match packet.dst {
            IpAddr::V4(_) => Ipv4Packet::parse(&transit.bytes).map_or(0, |packet| packet.header_len()),
            IpAddr::V6(_) => ipv6::HEADER_LEN,
        };
        let received = Received {
            src: packet.src,
            dst: packet.dst,
            delivery: Delivery::Transit,
            router_alert: false,
            hop_limit: packet.hop_limit,
            traffic_class: 0,
            protocol: transit.protocol(),
            upper: upper.min(transit.bytes.len())..transit.bytes.len(),
            packet: 0..transit.bytes.len(),
            link_group: false,
        };
        let frame = Frame::from(transit.bytes.clone());
        self.owe_icmp_error(transit.arrived_on, &frame, &received, ErrorKind::HostUnreachable);
    }
}

/// How much of a packet a redirect quotes: as much as fits 1,280 bytes beside its other parts (RFC 4861
/// section 4.5).
const QUOTE_MAX: usize = 1280 - 40 - 40 - 8 - 8;

/// What a sender is told of a destination that there is no way to (RFC 1812 section 5.2.7.1, RFC 4443 section
/// 3.1); nothing of one that vanishes.
fn error_for(refusal: Refusal) -> Option<ErrorKind> {
    match refusal {
        Refusal::NoRoute => Some(ErrorKind::NetworkUnreachable),
        Refusal::Unreachable => Some(ErrorKind::HostUnreachable),
        Refusal::Prohibit => Some(ErrorKind::Prohibited),
        Refusal::Blackhole => None,
    }
}
