//! From fragments to a packet, and from a packet to fragments.

use bytes::Bytes;
use core::net::{IpAddr, SocketAddr};

use super::Stack;
use super::icmp::{error_header_v4, error_header_v6};
use super::schedule::TimerOwner;
use crate::error::{DropReason, SocketError};
use crate::frame::{Frame, TxBatch};
use crate::ip::fragment::{Fragments, UPPER_HEADER_LEN, upper_max};
use crate::ip::input::Received;
use crate::ip::output::{LinkHeader, PacketHeader};
use crate::ip::packet::{Body, ErrorKind, Packet};
use crate::ip::reassembly::{Arrival, Expired, First, Key, LENGTH_MAX, Whole};
use crate::ip::route::{Query, Refusal};
use crate::link::{Control, InterfaceId};
use crate::provenance::Queued;
use crate::socket::UdpHandle;
use crate::wire::checksum::{self, Sum};
use crate::wire::ethernet::EthernetHeader;
use crate::wire::icmpv4::{self, Icmpv4Header};
use crate::wire::icmpv6::{self, Icmpv6Header};
use crate::wire::ipv4::{self, CONGESTION_EXPERIENCED, IpProtocol, Ipv4Header};
use crate::wire::ipv6;
use crate::wire::ipv6_ext::{FRAGMENT_HEADER_LEN, Fragment, UpperLayer, has_whole_chain};
use crate::wire::tcp;
use crate::wire::udp::{self, UdpHeader};

/// An answer longer than this is a large one: nothing but an echo of a reassembled request is.
const LARGE_ANSWER: usize = 2048;

/// What leaves towards a destination of datagrams.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DatagramPath {
    /// The source address.
    pub(crate) src: IpAddr,
    /// The most data that leaves in one piece.
    pub(crate) unfragmented: usize,
    /// The most data that a datagram can have.
    pub(crate) largest: usize,
}

impl Stack {
    /// A fragment of an IPv4 packet. It is checked alone, then it waits for the rest.
    #[inline(never)]
    pub(super) fn receive_ipv4_fragment(
        &mut self,
        id: InterfaceId,
        frame: &mut Frame,
        link: &EthernetHeader,
        received: &Received,
        header: Ipv4Header,
    ) -> Result<(), DropReason> {
        let part = Fragment { offset: header.fragment_offset, more: header.more_fragments, id: u32::from(header.id) };
        let (offset, len) = (usize::from(part.offset), received.upper.len());
        if is_odd(part, len) {
            if offset == 0 && len > 0 {
                let pointer = ipv4::TOTAL_LEN_OFFSET as u32;
                self.owe_icmp_error(id, frame, received, ErrorKind::ParameterProblem { code: 0, pointer });
            }
            return Err(DropReason::FragmentLength);
        }
        let header_len = received.upper.start - received.packet.start;
        if header_len + offset + len > LENGTH_MAX {
            return Err(DropReason::FragmentTooLong);
        }
        // RFC 1858 section 3, RFC 3128: ports and flags of a segment are in its first fragment or nowhere.
        let splits_header = if offset == 0 { len < tcp::HEADER_LEN } else { offset < tcp::HEADER_LEN };
        if received.protocol == IpProtocol::TCP && splits_header {
            return Err(DropReason::FragmentTiny);
        }
        let protocol = Some(received.protocol);
        let arrival = Arrival {
            key: Key { interface: id, src: received.src, dst: received.dst, protocol, id: part.id },
            part,
            congestion: header.tos & CONGESTION_EXPERIENCED == CONGESTION_EXPERIENCED,
            data: self.keep(frame, received.upper.clone()),
            first: (offset == 0).then(|| self.first_fragment(frame, link, received)),
        };
        match self.admit_fragment(arrival)? {
            Some(whole) => self.receive_ipv4(id, &mut Frame::from(whole.frame), &whole.link),
            None => Ok(()),
        }
    }

    /// A fragment of an IPv6 packet: `received` as far as the IPv6 header tells, `upper` where its data is.
    pub(super) fn receive_ipv6_fragment(
        &mut self,
        id: InterfaceId,
        frame: &mut Frame,
        link: &EthernetHeader,
        mut received: Received,
        upper: &UpperLayer,
        part: Fragment,
    ) -> Result<(), DropReason> {
        let data = received.upper.start + upper.offset..received.upper.end;
        let erroneous = |pointer| ErrorKind::ParameterProblem { code: icmpv6::ERRONEOUS_HEADER_FIELD, pointer };
        if is_odd(part, data.len()) {
            if !data.is_empty() {
                self.owe_icmp_error(id, frame, &received, erroneous(ipv6::PAYLOAD_LEN_OFFSET as u32));
            }
            return Err(DropReason::FragmentLength);
        }
        let before = upper.offset.saturating_sub(FRAGMENT_HEADER_LEN);
        if before + usize::from(part.offset) + data.len() > LENGTH_MAX {
            // The fragment offset stands behind next header and a reserved byte.
            self.owe_icmp_error(id, frame, &received, erroneous(upper.next_header_pointer + 2));
            return Err(DropReason::FragmentTooLong);
        }
        let bytes = frame.data.get(data.clone()).unwrap_or_default();
        if part.offset == 0 && !has_whole_chain(upper.protocol, bytes) {
            let kind = ErrorKind::ParameterProblem { code: icmpv6::INCOMPLETE_HEADER_CHAIN, pointer: 0 };
            self.owe_icmp_error(id, frame, &received, kind);
            return Err(DropReason::FragmentHeaderChain);
        }
        received.upper = data;
        received.protocol = upper.protocol;
        // The traffic class lies across the first two bytes.
        let ecn = frame.data.get(received.packet.start + 1).map_or(0, |byte| byte >> 4);
        let arrival = Arrival {
            key: Key { interface: id, src: received.src, dst: received.dst, protocol: None, id: part.id },
            part,
            congestion: ecn & CONGESTION_EXPERIENCED == CONGESTION_EXPERIENCED,
            data: self.keep(frame, received.upper.clone()),
            first: (part.offset == 0).then(|| self.first_fragment(frame, link, &received)),
        };
        match self.admit_fragment(arrival)? {
            Some(whole) => self.receive_ipv6_packet(id, &mut Frame::from(whole.frame), &whole.link, true),
            None => Ok(()),
        }
    }

    /// What the fragment at offset 0 gives to the whole packet.
    fn first_fragment(&mut self, frame: &Frame, link: &EthernetHeader, received: &Received) -> First {
        First { link: *link, received: received.clone(), head: self.keep(frame, 0..received.upper.start) }
    }

    fn admit_fragment(&mut self, arrival: Arrival) -> Result<Option<Whole>, DropReason> {
        let until = self.now + self.config.reassembly_timeout;
        let (whole, evicted) = self.reassembly.on_fragment(arrival, until, &self.config.limits)?;
        self.counters.fragments_received += 1;
        for _ in 0..evicted {
            self.drops.count(DropReason::ReassemblyEvicted);
        }
        if whole.is_some() {
            self.counters.reassembled += 1;
        }
        self.arm_reassembly();
        Ok(whole)
    }

    fn arm_reassembly(&mut self) {
        self.arm(TimerOwner::Reassembly, self.reassembly.deadline());
    }

    /// The oldest packet in the making has had its time (RFC 1122 section 3.3.2, RFC 8200 section 4.5).
    pub(super) fn on_reassembly_timeout(&mut self) {
        match self.reassembly.expire(self.now) {
            Some(Expired::Named { interface, received, frame }) => {
                self.drops.count(DropReason::ReassemblyTimeout);
                self.owe_icmp_error(interface, &Frame::from(frame), &received, ErrorKind::ReassemblyTimeExceeded);
            }
            Some(Expired::Nameless) => self.drops.count(DropReason::ReassemblyTimeout),
            Some(Expired::GivenUp) | None => {}
        }
        self.arm_reassembly();
    }

    /// How a datagram gets from a socket to `dst`.
    pub(crate) fn datagram_path(&self, handle: UdpHandle, dst: SocketAddr) -> Result<DatagramPath, Refusal> {
        let state = &self.sockets.udp.get(handle).ok_or(Refusal::NoRoute)?.state;
        let bound = state.local.ip();
        // A socket may be bound to a group, from which nothing is sent.
        let settled = !bound.is_unspecified() && !bound.is_multicast();
        let interface = state.interface_towards(dst.ip());
        let query = Query { interface, ..state.query(settled.then_some(bound), dst) };
        // Where the source is settled, the way is the one that the last datagram took.
        let known = query.src.and_then(|src| Some((self.known_hop(handle, &query)?, src)));
        let (hop, src) = known.map_or_else(|| self.source_towards(&query), Ok)?;
        let options = if src.is_ipv4() { state.options.len() } else { 0 };
        if options > 0 && state.options.source_route().is_some_and(|(first, strict)| strict && hop.next_hop != first) {
            // RFC 791 section 3.1: no router may stand between the hops of a strict source route.
            return Err(Refusal::NoRoute);
        }
        let header = options + if src.is_ipv4() { ipv4::HEADER_LEN } else { ipv6::HEADER_LEN };
        Ok(DatagramPath {
            src,
            unfragmented: usize::from(self.path(hop.interface, dst.ip()).mtu).saturating_sub(header + udp::HEADER_LEN),
            largest: upper_max(src.is_ipv4()) - options - udp::HEADER_LEN,
        })
    }

    /// A packet is larger than its path takes: it leaves in fragments, from the head of the control
    /// queue, as many per batch as there is room for. Or not at all, if its socket wants none.
    pub(super) fn fragment_packet(&mut self, id: InterfaceId, packet: &Packet, link: LinkHeader, mtu: usize) {
        if packet.dont_fragment {
            self.drop_on(id, DropReason::FrameTooLong);
            return self.on_packet_unsent(id, packet, SocketError::MessageTooLong);
        }
        let Some((protocol, upper_header, data)) = upper_layer(packet) else {
            return self.drop_on(id, DropReason::FrameTooLong);
        };
        let header = PacketHeader {
            hop_limit: packet.hop_limit,
            traffic_class: packet.traffic_class,
            flow_label: packet.flow_label,
            ..PacketHeader::new(packet.src, packet.dst, protocol)
        };
        let ident = self.identifications.next(packet.src, packet.dst, protocol);
        let options = packet.options.clone();
        let mut fragments = Fragments { header, options, link, id: ident, mtu, upper_header, data, sent: 0 };
        fill_checksum(&mut fragments);
        self.count_packet(packet);
        self.counters.fragmented += 1;
        if let Some(interface) = self.interfaces.get_mut(id.index()) {
            interface.control.push_front(Queued { what: Control::Fragments(fragments), occasion: self.occasion });
        }
    }

    /// One fragment; the rest of its packet is the next to leave.
    pub(super) fn transmit_fragment(&mut self, id: InterfaceId, mut fragments: Fragments, batch: &mut TxBatch) {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        if fragments.mtu > usize::from(interface.mtu(fragments.header.src.is_ipv6())) {
            // The interface has become narrower between two fragments.
            return self.drop_on(id, DropReason::FrameTooLong);
        }
        if fragments.emit(self.now, batch) {
            interface.control.push_front(Queued { what: Control::Fragments(fragments), occasion: self.occasion });
        }
        self.counters.fragments_sent += 1;
    }

    /// Whether an answer may be queued as far as its size goes: large ones, which strangers can have
    /// us make, are bounded by their bytes, wherever they wait.
    pub(super) fn has_room_for_answer(&self, id: InterfaceId, packet: &Packet) -> bool {
        let Some(interface) = self.interfaces.get(id.index()).filter(|_| packet.len() > LARGE_ANSWER) else {
            return true;
        };
        let queued = interface.control.iter().map(|control| match &control.what {
            Control::Packet(packet) => packet.len(),
            Control::Fragments(fragments) => fragments.data.len(),
            _ => 0,
        });
        let waiting = queued.sum::<usize>() + interface.neighbors.parked_bytes();
        waiting + packet.len() <= self.config.limits.answer_bytes as usize
    }
}

/// A fragment has data, and a multiple of 8 bytes of it if more follow.
const fn is_odd(part: Fragment, len: usize) -> bool {
    len == 0 || (part.more && !len.is_multiple_of(8))
}

/// Protocol, header and data of a packet's upper layer; the checksum is still to be filled in. `None`
/// for what is never larger than a path takes.
fn upper_layer(packet: &Packet) -> Option<(IpProtocol, [u8; UPPER_HEADER_LEN], Bytes)> {
    let is_v4 = packet.src.is_ipv4();
    let icmp = if is_v4 { IpProtocol::ICMP } else { IpProtocol::ICMPV6 };
    let mut header = [0; UPPER_HEADER_LEN];
    let mut out = &mut header[..];
    let (protocol, data) = match &packet.body {
        Body::EchoReply { ident: id, seq, data } => {
            let (id, seq) = (*id, *seq);
            if is_v4 {
                Icmpv4Header::EchoReply { id, seq }.emit(&mut out);
            } else {
                Icmpv6Header::EchoReply { id, seq }.emit(&mut out);
            }
            (icmp, data)
        }
        Body::IcmpError { kind, quote } => {
            if is_v4 {
                error_header_v4(*kind).emit(&mut out);
            } else {
                error_header_v6(*kind).emit(&mut out);
            }
            (icmp, quote)
        }
        Body::Datagram { src_port, dst_port, data } => {
            let (src_port, dst_port) = (*src_port, *dst_port);
            UdpHeader { src_port, dst_port, payload_len: data.len() as u16 }.emit(&mut out);
            (IpProtocol::UDP, data)
        }
        Body::TcpReset { .. } | Body::NdRedirect { .. } | Body::Transit(_) => return None,
    };
    Some((protocol, header, data.clone()))
}

/// The checksum over a packet whose fragments leave one by one.
fn fill_checksum(fragments: &mut Fragments) {
    let Fragments { header, upper_header, data, .. } = fragments;
    let (mut sum, field) = match header.protocol {
        IpProtocol::ICMP => (Sum::new(), icmpv4::CHECKSUM_OFFSET),
        IpProtocol::ICMPV6 => (header.pseudo_header(upper_header.len() + data.len()), icmpv6::CHECKSUM_OFFSET),
        _ => (header.pseudo_header(upper_header.len() + data.len()), udp::CHECKSUM_OFFSET),
    };
    sum.add_bytes(upper_header);
    sum.add_bytes(data);
    let value = if header.protocol == IpProtocol::UDP { udp::checksum_field(sum) } else { sum.finish() };
    checksum::store(upper_header, field, value);
}
