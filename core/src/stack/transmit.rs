//! What leaves, in which order: the interface's own messages and answers first, then one turn for
//! each socket on the ready ring.

use bytes::BytesMut;
use core::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::Stack;
use super::icmp::{error_header_v4, error_header_v6};
use crate::config::Medium;
use crate::error::DropReason;
use crate::event::Readiness;
use crate::frame::{FrameStart, TxBatch, TxChecksum};
use crate::ip::address::ALL_ROUTERS;
use crate::ip::options::LeavingOptions;
use crate::ip::output::{LinkHeader, PacketHeader, transport_checksum};
use crate::ip::packet::{Body, Packet};
use crate::link::neighbor::{NeighborId, Origin, Resolution};
use crate::link::{Control, InterfaceId, Ready};
use crate::offload::{self, Emission};
use crate::provenance::{Occasion, Provenance, Queued};
use crate::record::{Call, Emitted, Outcome};
use crate::socket::demux::Flow;
use crate::socket::table::Owner;
use crate::socket::{TcpHandle, UdpHandle};
use crate::time::Instant;
use crate::wire::arp::{self, ArpHeader, ArpOperation};
use crate::wire::ethernet::{EtherType, EthernetAddress, EthernetHeader};
use crate::wire::icmpv4::{self, Icmpv4Header};
use crate::wire::icmpv6::{self, Icmpv6Header};
use crate::wire::ipv4::IpProtocol;
use crate::wire::ndp::{self, NeighborAdvertisement, NeighborSolicitation};
use crate::wire::ndp_router::RouterSolicitation;
use crate::wire::tcp::{self, TcpFlags, TcpHeader};
use crate::wire::tcp_options::TcpOptions;
use crate::wire::udp::{self, UdpHeader};

/// Where a packet stands that wants to leave.
pub(super) enum NextHop {
    Known(LinkHeader),
    Unresolved(NeighborId),
    Full,
}

impl Stack {
    /// The interfaces that may have something to send.
    pub fn interfaces_ready(&self) -> impl Iterator<Item = InterfaceId> + '_ {
        self.interfaces.iter().filter(|interface| interface.is_ready()).map(|interface| interface.id)
    }

    /// Appends to `batch` what is to be sent on `interface` at `now`, at most [`TxBatch::FRAMES_MAX`]
    /// frames; returns how many it appended. 0 means that there is nothing to send: call it until then.
    /// Of a loopback interface nothing is appended: what leaves there arrives within the call.
    ///
    /// What it appends is sent, as far as the stack is concerned: sequence numbers have moved, timers
    /// run. A caller whose device refuses a frame keeps the batch and does not ask again before the
    /// device has taken it.
    pub fn poll_transmit(&mut self, now: Instant, interface: InterfaceId, batch: &mut TxBatch) -> usize {
        self.record(|_| Call::PollTransmit { now, interface });
        self.advance(now);
        let Some(own) = self.interfaces.get(interface.index()).filter(|own| own.is_ready()) else { return 0 };
        if own.medium == Medium::Loopback {
            self.loop_back(interface);
            return 0;
        }
        let before = batch.len();
        self.fill(interface, batch);
        let count = batch.len() - before;
        let bytes = batch.bytes_from(before);
        self.counters.frames_sent += count as u64;
        self.counters.bytes_sent += bytes;
        if let Some(own) = self.interfaces.get_mut(interface.index()) {
            own.traffic.frames_sent += count as u64;
            own.traffic.bytes_sent += bytes;
        }
        if self.trace.is_on() {
            for frame in batch.frames().skip(before) {
                self.trace.sent(self.now, "sent", interface.0, frame.head, frame.len());
            }
        }
        self.record_outcome(|| Emitted::of(batch, before).map(Outcome::Emitted));
        count
    }

    /// Builds up to [`TxBatch::FRAMES_MAX`] frames: the interface's own messages and answers, then by turns a
    /// packet in transit and one of a socket.
    pub(super) fn fill(&mut self, interface: InterfaceId, batch: &mut TxBatch) {
        let before = batch.len();
        while batch.len() - before < TxBatch::FRAMES_MAX {
            let serial = self.next_serial() + (batch.len() - before) as u64;
            let Some(own) = self.interfaces.get_mut(interface.index()) else { break };
            if let Some(Queued { what, occasion }) = own.control.pop_front() {
                self.begin_turn(serial, occasion, batch);
                self.transmit_control(interface, what, batch);
            } else if let Some(Queued { what, occasion }) = own.take_transit() {
                self.begin_turn(serial, occasion, batch);
                let room = TxBatch::FRAMES_MAX - (batch.len() - before);
                self.transmit_transit(interface, what, room, batch);
            } else if let Some(Queued { what, occasion }) = own.ready.pop_front() {
                self.begin_turn(serial, occasion, batch);
                let room = TxBatch::FRAMES_MAX - (batch.len() - before);
                match what {
                    Ready::Tcp(handle) => self.transmit_tcp(interface, handle, room, batch),
                    Ready::Udp(handle) => self.transmit_udp(interface, handle, batch),
                }
            } else {
                break;
            }
        }
    }

    /// What is queued in its turn has the same cause.
    fn begin_turn(&mut self, serial: u64, occasion: Occasion, batch: &mut TxBatch) {
        self.occasion = occasion;
        batch.begin_turn(Provenance { serial, occasion });
    }

    fn transmit_arp(&mut self, header: ArpHeader, to: EthernetAddress, batch: &mut TxBatch) {
        let start = batch.begin();
        // RFC 3927 section 2.5: so that a duplicate is noticed soon.
        let dst = if header.sender_protocol.is_link_local() { EthernetAddress::BROADCAST } else { to };
        EthernetHeader { dst, src: header.sender_hardware, ethertype: EtherType::Arp }.emit(batch.out());
        header.emit(batch.out());
        batch.commit(start, arp::PACKET_LEN as u32, None, TxChecksum::Complete);
        match header.operation {
            ArpOperation::Request => self.counters.arp_requests_sent += 1,
            ArpOperation::Reply => self.counters.arp_replies_sent += 1,
        }
    }

    #[inline(never)]
    fn transmit_control(&mut self, id: InterfaceId, control: Control, batch: &mut TxBatch) {
        match control {
            Control::Dhcpv6 { transaction } => self.transmit_dhcpv6(id, transaction, batch),
            Control::Packet(packet) => self.transmit_packet(id, packet, Origin::Answer, batch),
            Control::Dhcpv4(outgoing) => self.transmit_dhcpv4(id, &outgoing, batch),
            Control::Fragments(fragments) => self.transmit_fragment(id, fragments, batch),
            Control::GroupReport => self.transmit_group_report(id, batch),
            Control::MembershipQuery(query) => self.transmit_query(id, &query, batch),
            Control::RouterAdvertisement(told) => self.transmit_advertisement(id, &told, batch),
            Control::Arp { operation, to, target_hardware, source, target } => {
                let Some(interface) = self.interfaces.get(id.index()) else { return };
                let src = interface.hardware_address;
                let header = ArpHeader {
                    operation,
                    sender_hardware: src,
                    sender_protocol: source,
                    target_hardware,
                    target_protocol: target,
                };
                self.transmit_arp(header, to, batch);
            }
            Control::NeighborSolicitation { to, source, target } => {
                let Some(interface) = self.interfaces.get(id.index()) else { return };
                let src = interface.hardware_address;
                // RFC 4861 section 7.2.2: to the solicited-node group, or to the neighbor that is being confirmed.
                let group = ndp::solicited_node(target);
                let (to, dst) = to.map_or((EthernetAddress::multicast_v6(group), group), |to| (to, target));
                let message = NeighborSolicitation { target, source_link_layer: Some(src), nonce: None };
                transmit_ndp(
                    batch,
                    LinkHeader::Ethernet { src, dst: to },
                    (source, dst),
                    message.message_len(),
                    |out| {
                        message.emit(out);
                    },
                );
                self.counters.ndp_solicitations_sent += 1;
            }
            Control::NeighborAnnouncement { target } => self.transmit_announcement(id, target, batch),
            Control::RouterSolicitation { source, with_address } => {
                self.transmit_router_solicitation(id, source, with_address, batch);
            }
            Control::DadSolicitation { target, nonce } => self.transmit_dad_solicitation(id, target, nonce, batch),
            Control::NeighborAdvertisement { to, dst, target, solicited } => {
                let Some(interface) = self.interfaces.get(id.index()) else { return };
                let src = interface.hardware_address;
                let message = NeighborAdvertisement {
                    router: self.config.router.forwarding,
                    solicited,
                    overrides: interface.may_override(target),
                    target,
                    target_link_layer: Some(src),
                };
                transmit_ndp(
                    batch,
                    LinkHeader::Ethernet { src, dst: to },
                    (target, dst),
                    message.message_len(),
                    |out| {
                        message.emit(out);
                    },
                );
                self.counters.ndp_advertisements_sent += 1;
            }
        }
    }

    /// RFC 9131 section 6.1.1: it overrides nothing that a router has cached.
    fn transmit_announcement(&mut self, id: InterfaceId, target: Ipv6Addr, batch: &mut TxBatch) {
        let Some(interface) = self.interfaces.get(id.index()) else { return };
        let src = interface.hardware_address;
        let message = NeighborAdvertisement {
            router: self.config.router.forwarding,
            solicited: false,
            overrides: false,
            target,
            target_link_layer: Some(src),
        };
        let link = LinkHeader::Ethernet { src, dst: EthernetAddress::multicast_v6(ALL_ROUTERS) };
        transmit_ndp(batch, link, (target, ALL_ROUTERS), message.message_len(), |out| message.emit(out));
        self.counters.ndp_advertisements_sent += 1;
    }

    /// RFC 4861 section 4.1.
    fn transmit_router_solicitation(
        &mut self,
        id: InterfaceId,
        source: Ipv6Addr,
        with_address: bool,
        batch: &mut TxBatch,
    ) {
        let Some(interface) = self.interfaces.get(id.index()) else { return };
        let src = interface.hardware_address;
        let message = RouterSolicitation { source_link_layer: with_address.then_some(src) };
        let link = LinkHeader::Ethernet { src, dst: EthernetAddress::multicast_v6(ALL_ROUTERS) };
        transmit_ndp(batch, link, (source, ALL_ROUTERS), message.message_len(), |out| message.emit(out));
        self.counters.router_solicitations_sent += 1;
    }

    /// The hardware address for `next_hop`; starts its resolution if it is not known.
    #[inline]
    pub(super) fn resolve(&mut self, id: InterfaceId, next_hop: IpAddr, origin: Origin) -> NextHop {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return NextHop::Full };
        if interface.medium != Medium::Ethernet {
            return NextHop::Known(LinkHeader::None);
        }
        match interface.neighbors.reachable(self.now, next_hop, origin) {
            Some(dst) => NextHop::Known(LinkHeader::Ethernet { src: interface.hardware_address, dst }),
            None => self.look_for(id, next_hop, origin),
        }
    }

    /// As [`Stack::resolve`], of a group, or of a neighbor that is not known to be reachable.
    #[inline(never)]
    fn look_for(&mut self, id: InterfaceId, next_hop: IpAddr, origin: Origin) -> NextHop {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return NextHop::Full };
        let src = interface.hardware_address;
        if let Some(dst) = interface.group_address(next_hop) {
            return NextHop::Known(LinkHeader::Ethernet { src, dst });
        }
        let (resolution, solicit) = interface.neighbors.resolve(self.now, next_hop, origin, &self.config.limits);
        self.count_evicted(id);
        if let Some(solicit) = solicit {
            self.queue_solicitation(id, solicit);
        }
        match resolution {
            Resolution::Known { hardware: dst, started } => {
                if let Some(neighbor) = started {
                    self.arm_neighbor(id, neighbor);
                }
                NextHop::Known(LinkHeader::Ethernet { src, dst })
            }
            Resolution::Unresolved(neighbor) => {
                self.arm_neighbor(id, neighbor);
                NextHop::Unresolved(neighbor)
            }
            Resolution::Full => NextHop::Full,
        }
    }

    pub(super) fn transmit_packet(&mut self, id: InterfaceId, packet: Packet, origin: Origin, batch: &mut TxBatch) {
        match self.resolve(id, packet.next_hop, origin) {
            NextHop::Known(link) => {
                let path = self.path(id, packet.dst);
                if packet.len() > usize::from(path.mtu) {
                    return self.fragment_packet(id, &packet, link, path.mtu.into());
                }
                // Errors about a packet that is routed by its source name another destination: no path is learnt by them.
                let is_source_routed = !packet.options.is_empty() && packet.options.source_route().is_some();
                let may_be_fragmented = (!path.dont_fragment || is_source_routed) && !packet.dont_fragment;
                let identification =
                    may_be_fragmented.then(|| self.identify(packet.src, packet.dst, packet.protocol()));
                self.transmit_to(id, &packet, link, identification, batch);
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

    /// Sends a packet behind the link header that is settled; without an identification it is not to be fragmented.
    pub(super) fn transmit_to(
        &mut self,
        id: InterfaceId,
        packet: &Packet,
        link: LinkHeader,
        identification: Option<u16>,
        batch: &mut TxBatch,
    ) {
        let Some(interface) = self.interfaces.get(id.index()) else { return };
        let by_device = interface.capabilities.tx_checksum;
        self.count_packet(packet);
        let options = LeavingOptions::new(&packet.options, true, (packet.src, packet.dst), self.now);
        emit_packet(packet, link, identification, options.as_ref(), by_device, batch);
    }

    pub(super) fn count_packet(&mut self, packet: &Packet) {
        if packet.src.is_ipv4() {
            self.counters.ipv4_sent += 1;
        } else {
            self.counters.ipv6_sent += 1;
        }
        match packet.body {
            Body::EchoReply { .. } => self.counters.icmp_echo_replies_sent += 1,
            Body::IcmpError { .. } => self.counters.icmp_errors_sent += 1,
            Body::TcpReset { .. } => self.counters.tcp_resets_sent += 1,
            Body::Datagram { .. } => self.counters.udp_sent += 1,
            Body::NdRedirect { .. } => self.counters.redirects_sent += 1,
            Body::Transit(_) => {}
        }
    }

    /// One turn of a UDP socket: one datagram, on its way or to its neighbor's queue.
    #[inline(never)]
    fn transmit_udp(&mut self, id: InterfaceId, handle: UdpHandle, batch: &mut TxBatch) {
        let Some(slot) = self.sockets.udp.get_mut(handle) else { return };
        slot.queued = false;
        // The route may have changed since it was put on this ring.
        let query = self.datagram_query(handle);
        let hop = query.and_then(|query| self.datagram_hop(handle, &query).ok());
        let Some(hop) = hop.filter(|hop| hop.interface == id) else {
            return self.make_udp_ready(handle);
        };
        let Some(slot) = self.sockets.udp.get_mut(handle) else { return };
        let Some((next, has_room_again)) = slot.state.next_to_send() else { return };
        let forgot = slot.state.on_sent(next.dst, &self.config.limits);
        self.counters.udp_destinations_forgotten += u64::from(forgot);
        let (hop_limit, dont_fragment) = (slot.state.hop_limit_to(next.dst.ip()), slot.state.dont_fragment);
        let (traffic_class, is_connected) = (slot.state.traffic_class, slot.state.peer == Some(next.dst));
        let options = slot.state.options.clone();
        let flow = Flow::new(SocketAddr::new(next.src, slot.state.local.port()), next.dst);
        let packet = Packet {
            src: next.src,
            dst: next.dst.ip(),
            next_hop: hop.next_hop,
            hop_limit: hop_limit.unwrap_or_else(|| self.default_hop_limit(id, next.dst.ip())),
            traffic_class,
            // Datagrams to one peer are a flow; those to this and that are none (RFC 6437 section 3).
            flow_label: if is_connected { self.flow_label(IpProtocol::UDP, &flow) } else { 0 },
            dont_fragment,
            options,
            body: Body::Datagram { src_port: flow.local_port, dst_port: flow.remote_port, data: next.data },
        };
        if has_room_again {
            self.announce_udp(handle, Readiness::WRITABLE);
        }
        self.transmit_packet(id, packet, Origin::Local, batch);
        self.make_udp_ready(handle);
    }

    /// One turn of a connection: one segment, or one super-segment as its pieces.
    #[inline(never)]
    fn transmit_tcp(&mut self, id: InterfaceId, handle: TcpHandle, room: usize, batch: &mut TxBatch) {
        let Some(slot) = self.sockets.tcp.get_mut(handle) else { return };
        slot.queued = false;
        let Some(hop) = self.hop_of(handle).ok().filter(|hop| hop.interface == id) else {
            return self.settle_tcp(handle);
        };
        // Until it is established, a connection that a stranger has opened is an answer to him.
        let is_answer = self.sockets.tcp.get(handle).is_some_and(|slot| matches!(slot.owner, Owner::SynQueue(_)));
        let origin = if is_answer { Origin::Answer } else { Origin::Local };
        match self.resolve(id, hop.next_hop, origin) {
            NextHop::Known(link) => self.transmit_segment(id, handle, link, room, batch),
            NextHop::Unresolved(neighbor) => {
                if let (Some(interface), Some(slot)) =
                    (self.interfaces.get_mut(id.index()), self.sockets.tcp.get_mut(handle))
                {
                    slot.parked = true;
                    interface.neighbors.park_socket(neighbor, handle);
                }
            }
            NextHop::Full => self.on_tcp_unreachable(handle, DropReason::NeighborQueueFull),
        }
    }

    fn transmit_segment(
        &mut self,
        id: InterfaceId,
        handle: TcpHandle,
        link: LinkHeader,
        room: usize,
        batch: &mut TxBatch,
    ) {
        let Some(interface) = self.interfaces.get(id.index()) else { return };
        let capabilities = interface.capabilities;
        let hop_limit_v4 = self.config.hop_limit;
        let hop_limit_v6 = interface.autoconf.router_discovery.hop_limit.unwrap_or(hop_limit_v4);
        let (now, identification) = (self.now, self.identification_of(handle));
        let Some((slot, mut env)) = self.connection(handle) else { return };
        let segment_size = slot.tcb.segment_size();
        // What may be fragmented on its way needs an identification of its own: one segment at a time.
        let room = if identification.is_some() { 1 } else { room };
        let max_payload = offload::payload_max(&capabilities, room, segment_size);
        let max_payload = if identification.is_some() { segment_size } else { max_payload };
        if let Some(outgoing) = slot.tcb.next_segment(&mut env, max_payload) {
            let settings = slot.tcb.settings();
            let options = LeavingOptions::new(&settings.ip_options, true, (slot.flow.local, slot.flow.remote), now);
            let header = PacketHeader {
                hop_limit: settings.hop_limit.unwrap_or(if slot.flow.remote.is_ipv4() {
                    hop_limit_v4
                } else {
                    hop_limit_v6
                }),
                traffic_class: settings.dscp << 2,
                flow_label: slot.flow_label,
                identification,
                options: options.as_ref(),
                ..PacketHeader::new(slot.flow.local, slot.flow.remote, IpProtocol::TCP)
            };
            let emission = Emission {
                capabilities: &capabilities,
                link,
                header,
                src_port: slot.flow.local_port,
                dst_port: slot.flow.remote_port,
                outgoing: &outgoing,
            };
            let frames = emission.emit(&mut slot.tcb, batch);
            if header.src.is_ipv4() {
                self.counters.ipv4_sent += frames;
            } else {
                self.counters.ipv6_sent += frames;
            }
        }
        self.settle_tcp(handle);
    }
}

pub(super) fn transmit_ndp(
    batch: &mut TxBatch,
    link: LinkHeader,
    (src, dst): (Ipv6Addr, Ipv6Addr),
    len: usize,
    emit: impl FnOnce(&mut BytesMut),
) {
    let header = PacketHeader {
        hop_limit: ndp::HOP_LIMIT,
        ..PacketHeader::new(IpAddr::V6(src), IpAddr::V6(dst), IpProtocol::ICMPV6)
    };
    let start = header.begin(batch, link, len);
    emit(batch.out());
    finish(batch, start, link, &header, len, icmpv6::CHECKSUM_OFFSET, false);
}

fn finish(
    batch: &mut TxBatch,
    start: FrameStart,
    link: LinkHeader,
    header: &PacketHeader<'_>,
    upper_len: usize,
    field: usize,
    by_device: bool,
) {
    let checksum = transport_checksum(batch, start, link, header, upper_len, field, by_device);
    batch.commit(start, upper_len as u32, None, checksum);
}

fn emit_packet(
    packet: &Packet,
    link: LinkHeader,
    identification: Option<u16>,
    options: Option<&LeavingOptions>,
    by_device: bool,
    batch: &mut TxBatch,
) {
    let (is_v4, protocol) = (packet.src.is_ipv4(), packet.protocol());
    let (head_len, data): (_, &[u8]) = match &packet.body {
        Body::EchoReply { data, .. } => (icmpv4::HEADER_LEN, data),
        Body::IcmpError { quote, .. } => (icmpv4::HEADER_LEN, quote),
        Body::TcpReset { .. } => (tcp::HEADER_LEN, &[]),
        Body::Datagram { data, .. } => (udp::HEADER_LEN, data),
        Body::NdRedirect { .. } => (packet.len() - crate::wire::ipv6::HEADER_LEN, &[]),
        // It has headers of its own.
        Body::Transit(_) => return,
    };
    let header = PacketHeader {
        hop_limit: packet.hop_limit,
        traffic_class: packet.traffic_class,
        flow_label: packet.flow_label,
        identification,
        options,
        ..PacketHeader::new(packet.src, packet.dst, protocol)
    };
    let len = head_len + data.len();
    let start = header.begin(batch, link, len);
    let out = batch.out();
    match packet.body {
        Body::NdRedirect { .. } => {
            if let Some(redirect) = packet.body.redirect() {
                redirect.emit(out);
            }
        }
        Body::Transit(_) => {}
        Body::EchoReply { ident: id, seq, .. } if is_v4 => Icmpv4Header::EchoReply { id, seq }.emit(out),
        Body::EchoReply { ident: id, seq, .. } => Icmpv6Header::EchoReply { id, seq }.emit(out),
        Body::IcmpError { kind, .. } if is_v4 => error_header_v4(kind).emit(out),
        Body::IcmpError { kind, .. } => error_header_v6(kind).emit(out),
        Body::TcpReset { src_port, dst_port, seq, ack } => {
            let flags = if ack.is_some() { TcpFlags::RST | TcpFlags::ACK } else { TcpFlags::RST };
            TcpHeader { src_port, dst_port, seq, ack: ack.unwrap_or_default(), flags, window: 0, urgent: 0 }
                .emit(&TcpOptions::default(), out);
        }
        Body::Datagram { src_port, dst_port, .. } => {
            UdpHeader { src_port, dst_port, payload_len: data.len() as u16 }.emit(out);
        }
    }
    out.extend_from_slice(data);
    match protocol {
        IpProtocol::ICMP => {
            icmpv4::fill_checksum(batch.head_mut(start).get_mut(header.upper_offset(link)..).unwrap_or_default());
            batch.commit(start, len as u32, None, TxChecksum::Complete);
        }
        IpProtocol::ICMPV6 => finish(batch, start, link, &header, len, icmpv6::CHECKSUM_OFFSET, false),
        IpProtocol::TCP => finish(batch, start, link, &header, len, tcp::CHECKSUM_OFFSET, by_device),
        _ => finish(batch, start, link, &header, len, udp::CHECKSUM_OFFSET, by_device),
    }
}
