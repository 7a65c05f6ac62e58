//! ICMP of both families: echo, the errors that reach our sockets, and the errors that we send.

use core::net::IpAddr;

use super::Stack;
use super::receive::is_vouched;
use crate::error::DropReason;
use crate::frame::Frame;
use crate::icmp::{self, report};
use crate::ip::address::Delivery;
use crate::ip::input::Received;
use crate::ip::packet::{Body, ErrorKind, Packet};
use crate::ip::route::Query;
use crate::link::{Control, InterfaceId};
use crate::wire::checksum::Sum;
use crate::wire::ethernet::EthernetAddress;
use crate::wire::icmpv4::{self, Icmpv4Header, Icmpv4Message};
use crate::wire::icmpv6::{self, Icmpv6Header, Icmpv6Message};
use crate::wire::ipv4::IpProtocol;
use crate::wire::ipv4_options::IpOptions;
use crate::wire::mld;
use crate::wire::ndp;

impl Stack {
    #[inline(never)]
    pub(super) fn receive_icmpv4(
        &mut self,
        id: InterfaceId,
        frame: &Frame,
        received: &Received,
    ) -> Result<(), DropReason> {
        let bytes = frame.data.get(received.upper.clone()).ok_or(DropReason::Icmpv4Truncated)?;
        let message = Icmpv4Message::parse(bytes)?;
        if !is_vouched(frame) && !message.verify_checksum() {
            return Err(DropReason::Icmpv4Checksum);
        }
        match message.header() {
            Icmpv4Header::EchoRequest { id: ident, seq } => self.answer_echo(id, frame, received, ident, seq),
            Icmpv4Header::Redirect { gateway, .. } => self.receive_redirect_v4(id, received, &message, gateway),
            _ => self.on_icmp_error(id, received, &report::read_v4(&message)?),
        }
    }

    pub(super) fn receive_icmpv6(
        &mut self,
        id: InterfaceId,
        frame: &Frame,
        received: &Received,
        link_src: EthernetAddress,
        fragmented: bool,
    ) -> Result<(), DropReason> {
        let bytes = frame.data.get(received.upper.clone()).ok_or(DropReason::Icmpv6Truncated)?;
        let message = Icmpv6Message::parse(bytes)?;
        let (IpAddr::V6(src), IpAddr::V6(dst)) = (received.src, received.dst) else {
            return Err(DropReason::Icmpv6Type);
        };
        if !is_vouched(frame)
            && !message.verify_checksum(Sum::pseudo_header_v6(src, dst, IpProtocol::ICMPV6, bytes.len()))
        {
            return Err(DropReason::Icmpv6Checksum);
        }
        match (message.kind(), message.header()) {
            // RFC 6980 section 5: Neighbor Discovery never comes with a fragment header.
            (ndp::ROUTER_SOLICITATION..=ndp::REDIRECT, _) if fragmented => Err(DropReason::NdpInvalid),
            (ndp::NEIGHBOR_SOLICITATION | ndp::NEIGHBOR_ADVERTISEMENT, _) => {
                self.receive_ndp(id, received, bytes, link_src)
            }
            (ndp::ROUTER_SOLICITATION, _) => self.receive_router_solicitation(id, received, bytes),
            (ndp::REDIRECT, _) => self.receive_redirect_v6(id, received, bytes),
            (ndp::ROUTER_ADVERTISEMENT, _) => self.receive_router_advertisement(id, received, bytes),
            (kind, _) if mld::is_mld(kind) => self.receive_mld(id, received, bytes),
            (_, Icmpv6Header::EchoRequest { .. }) if src.is_unspecified() => Err(DropReason::Ipv6Source),
            (_, Icmpv6Header::EchoRequest { id: ident, seq }) => self.answer_echo(id, frame, received, ident, seq),
            _ => self.on_icmp_error(id, received, &report::read_v6(&message)?),
        }
    }

    /// RFC 792, RFC 1122 section 3.2.2.6, RFC 4443 section 4.2. An IPv4 echo request to a broadcast or
    /// multicast address is discarded, as RFC 1122 allows; an IPv6 one to a group is answered, rarely.
    fn answer_echo(
        &mut self,
        id: InterfaceId,
        frame: &Frame,
        received: &Received,
        ident: u16,
        seq: u16,
    ) -> Result<(), DropReason> {
        let unicast = received.delivery == Delivery::Unicast;
        if !unicast && (received.src.is_ipv4() || !self.limits.group_echoes.admit(self.now)) {
            return Err(DropReason::EchoRefused);
        }
        let data = self.keep(frame, received.upper.start + icmpv4::HEADER_LEN..received.upper.end);
        let src = unicast.then_some(received.dst);
        let body = Body::EchoReply { ident, seq, data };
        let options = self.options_of_reply(frame, received);
        self.answer_with(id, src, received.src, body, options)
    }

    /// Queues an answer to `dst`, from `src` or the best of our addresses, on the interface that the
    /// routes name; to a link-local address, on the one that it came in on.
    pub(super) fn answer(
        &mut self,
        id: InterfaceId,
        src: Option<IpAddr>,
        dst: IpAddr,
        body: Body,
    ) -> Result<(), DropReason> {
        self.answer_with(id, src, dst, body, IpOptions::NONE)
    }

    fn answer_with(
        &mut self,
        id: InterfaceId,
        src: Option<IpAddr>,
        dst: IpAddr,
        body: Body,
        options: IpOptions,
    ) -> Result<(), DropReason> {
        let interface = crate::ip::address::is_link_local(dst).then_some(id);
        let (hop, src) = self.source_towards(&Query { src, interface, ..Query::to(dst) })?;
        let hop_limit = self.default_hop_limit(hop.interface, dst);
        let packet = Packet { hop_limit, options, ..Packet::to(src, dst, hop.next_hop, body) };
        if !self.has_room_for_answer(hop.interface, &packet) {
            return Err(DropReason::ControlQueueFull);
        }
        self.queue_control(hop.interface, Control::Packet(packet))
    }

    /// An ICMP error is owed for a received packet, if the rules of RFC 1122 section 3.2.2 and RFC 4443
    /// section 2.4 (e) let us and the rate limit (f) does.
    #[cold]
    pub(super) fn owe_icmp_error(&mut self, id: InterfaceId, frame: &Frame, received: &Received, kind: ErrorKind) {
        self.owe_extension_error(id, frame, received, kind, false);
    }

    /// As [`Stack::owe_icmp_error`]; `also_to_group` for the one error that is owed for multicast too.
    pub(super) fn owe_extension_error(
        &mut self,
        id: InterfaceId,
        frame: &Frame,
        received: &Received,
        kind: ErrorKind,
        also_to_group: bool,
    ) {
        let answerable = received.may_be_answered() || (also_to_group && !received.src.is_unspecified());
        let is_error =
            frame.data.get(received.upper.clone()).is_some_and(|upper| icmp::is_error(received.protocol, upper));
        if !answerable || is_error {
            return self.drop_on(id, DropReason::NoAnswerOwed);
        }
        if !self.limits.icmp_sources.allows(self.now, received.src) {
            return self.drop_on(id, DropReason::IcmpSourceLimited);
        }
        if !self.limits.icmp_errors.admit(self.now) {
            return self.drop_on(id, DropReason::RateLimited);
        }
        self.limits.icmp_sources.count(self.now, received.src);
        let room = if received.src.is_ipv4() { icmp::QUOTE_MAX_V4 } else { icmp::QUOTE_MAX_V6 };
        let end = received.packet.end.min(received.packet.start + room);
        let quote = self.keep(frame, received.packet.start..end);
        let src = (received.delivery == Delivery::Unicast).then_some(received.dst);
        if let Err(reason) = self.answer(id, src, received.src, Body::IcmpError { kind, quote }) {
            self.drop_on(id, reason);
        }
    }
}

/// The ICMPv4 header of an error that we send.
pub(super) fn error_header_v4(kind: ErrorKind) -> Icmpv4Header {
    match kind {
        ErrorKind::PortUnreachable => {
            Icmpv4Header::DestinationUnreachable { code: icmpv4::PORT_UNREACHABLE, next_hop_mtu: 0 }
        }
        ErrorKind::ProtocolUnreachable => {
            Icmpv4Header::DestinationUnreachable { code: icmpv4::PROTOCOL_UNREACHABLE, next_hop_mtu: 0 }
        }
        ErrorKind::SourceRouteFailed => {
            Icmpv4Header::DestinationUnreachable { code: icmpv4::SOURCE_ROUTE_FAILED, next_hop_mtu: 0 }
        }
        ErrorKind::ReassemblyTimeExceeded => Icmpv4Header::TimeExceeded { code: icmpv4::REASSEMBLY_TIME_EXCEEDED },
        ErrorKind::ParameterProblem { code, pointer } => {
            Icmpv4Header::ParameterProblem { code, pointer: pointer as u8 }
        }
        ErrorKind::NetworkUnreachable | ErrorKind::BeyondScope => {
            Icmpv4Header::DestinationUnreachable { code: icmpv4::NET_UNREACHABLE, next_hop_mtu: 0 }
        }
        ErrorKind::HostUnreachable => {
            Icmpv4Header::DestinationUnreachable { code: icmpv4::HOST_UNREACHABLE, next_hop_mtu: 0 }
        }
        ErrorKind::Prohibited => {
            Icmpv4Header::DestinationUnreachable { code: icmpv4::ADMINISTRATIVELY_PROHIBITED, next_hop_mtu: 0 }
        }
        ErrorKind::HopLimitExceeded => Icmpv4Header::TimeExceeded { code: icmpv4::TTL_EXCEEDED },
        ErrorKind::PacketTooBig { mtu } => {
            Icmpv4Header::DestinationUnreachable { code: icmpv4::FRAGMENTATION_NEEDED, next_hop_mtu: mtu }
        }
        ErrorKind::Redirect { gateway } => Icmpv4Header::Redirect { code: icmpv4::REDIRECT_HOST, gateway },
    }
}

/// The ICMPv6 header of an error that we send.
pub(super) fn error_header_v6(kind: ErrorKind) -> Icmpv6Header {
    match kind {
        ErrorKind::PortUnreachable => Icmpv6Header::DestinationUnreachable { code: icmpv6::PORT_UNREACHABLE },
        // IPv6 has no source routes; a routing header with segments left is a Parameter Problem.
        ErrorKind::SourceRouteFailed | ErrorKind::NetworkUnreachable => {
            Icmpv6Header::DestinationUnreachable { code: icmpv6::NO_ROUTE }
        }
        ErrorKind::ProtocolUnreachable => {
            Icmpv6Header::ParameterProblem { code: icmpv6::UNRECOGNIZED_NEXT_HEADER, pointer: 0 }
        }
        ErrorKind::ReassemblyTimeExceeded => Icmpv6Header::TimeExceeded { code: icmpv6::REASSEMBLY_TIME_EXCEEDED },
        ErrorKind::ParameterProblem { code, pointer } => Icmpv6Header::ParameterProblem { code, pointer },
        // Redirects of IPv6 are Neighbor Discovery's.
        ErrorKind::HostUnreachable | ErrorKind::Redirect { .. } => {
            Icmpv6Header::DestinationUnreachable { code: icmpv6::ADDRESS_UNREACHABLE }
        }
        ErrorKind::Prohibited => Icmpv6Header::DestinationUnreachable { code: icmpv6::ADMINISTRATIVELY_PROHIBITED },
        ErrorKind::BeyondScope => Icmpv6Header::DestinationUnreachable { code: icmpv6::BEYOND_SCOPE },
        ErrorKind::HopLimitExceeded => Icmpv6Header::TimeExceeded { code: icmpv6::HOP_LIMIT_EXCEEDED },
        ErrorKind::PacketTooBig { mtu } => Icmpv6Header::PacketTooBig { mtu: mtu.into() },
    }
}
