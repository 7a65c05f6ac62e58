//! A stack with one interface, and the peer's side of the wire: frames go in, what comes out is read
//! in the notation, and time passes only when a test says so.
//!
//! ```text
//!   stack  192.0.2.2/24  2001:db8::2/64  02:00:00:00:00:02
//!   peer   192.0.2.1     2001:db8::1     02:00:00:00:00:01   (also the gateway, where there is one)
//! ```

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::record::recorded;
use super::std::thread::panicking;
use crate::error::{AddressError, SocketError, UdpSendError};
use crate::frame::RxMeta;
use crate::link::neighbor::NeighborState;
use crate::stack::{InterfaceInfo, NewAddress};
use crate::wire::arp::{ArpHeader, ArpOperation};
use crate::wire::ethernet::{EtherType, EthernetAddress, EthernetFrame, EthernetHeader};
use crate::wire::notation::{Notation, Relative};
use crate::{
    AddressSettings, Capabilities, Cause, Config, Event, Frame, Instant, InterfaceAddress, InterfaceConfig,
    InterfaceId, Limits, Medium, MulticastConfig, Stack, TxBatch, UdpHandle, UdpOptions, Verdict,
};
use core::time::Duration;

pub(crate) const OUR_MAC: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 2]);
pub(crate) const PEER_MAC: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 1]);
pub(crate) const OUR_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
pub(crate) const PEER_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub(crate) const OUR_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);
pub(crate) const PEER_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

/// The stack and its wire.
#[derive(Clone)]
pub(crate) struct Rig {
    pub(crate) stack: Stack,
    pub(crate) interface: InterfaceId,
    pub(crate) now: Instant,
    batch: TxBatch,
}

/// What a test did can be done again.
impl Drop for Rig {
    fn drop(&mut self) {
        if !panicking() {
            super::record::check(&mut self.stack);
        }
    }
}

impl Rig {
    /// A stack with the default configuration, except that its checks are always on.
    pub(crate) fn new() -> Rig {
        Rig::with(Config { checks: true, ..Config::default() }, Capabilities::plain(1500))
    }

    /// A stack with other limits than the default ones.
    pub(crate) fn limited(limits: Limits) -> Rig {
        Rig::with(Config { checks: true, limits, ..Config::default() }, Capabilities::plain(1500))
    }

    pub(crate) fn with(config: Config, capabilities: Capabilities) -> Rig {
        Rig::with_interface(config, usual_interface(capabilities))
    }

    /// A stack with another interface than the usual one. It tells routers nothing of groups on the link:
    /// that is a topic of its own.
    pub(crate) fn with_interface(mut config: Config, interface: InterfaceConfig) -> Rig {
        config.multicast.link_local_reports = false;
        let mut stack = recorded(config);
        let now = Instant::from_millis(1_000);
        let interface = stack.add_interface(now, interface).unwrap();
        Rig { stack, interface, now, batch: TxBatch::new() }
    }

    /// A stack as the usual one, which has told routers of the groups of its addresses within its first second.
    pub(crate) fn telling(config: Config, capabilities: Capabilities) -> Rig {
        let mut stack = recorded(config);
        let interface = stack.add_interface(Instant::ZERO, usual_interface(capabilities)).unwrap();
        let mut rig = Rig { stack, interface, now: Instant::ZERO, batch: TxBatch::new() };
        rig.pass(Duration::from_secs(1));
        rig
    }

    /// A stack whose interface has no addresses yet.
    pub(crate) fn bare(settings: AddressSettings) -> Rig {
        Rig::bare_with(Config { checks: true, ..Config::default() }, settings)
    }

    pub(crate) fn bare_with(config: Config, settings: AddressSettings) -> Rig {
        let mut rig = Rig::new();
        let multicast = MulticastConfig { link_local_reports: false, ..MulticastConfig::default() };
        rig.stack = recorded(Config { multicast, ..config });
        let config = InterfaceConfig::new(OUR_MAC, Capabilities::plain(1500), []);
        let config = InterfaceConfig { address_settings: Some(settings), ..config };
        rig.interface = rig.stack.add_interface(rig.now, config).unwrap();
        rig
    }

    /// A frame arrives.
    pub(crate) fn receive(&mut self, frame: &[u8]) -> Verdict {
        self.stack.handle_frame(self.now, self.interface, Frame::from(Bytes::copy_from_slice(frame)))
    }

    /// A frame arrives of which the device knows something.
    pub(crate) fn receive_with(&mut self, frame: &[u8], meta: RxMeta) -> Verdict {
        self.stack.handle_frame(self.now, self.interface, Frame { data: Bytes::copy_from_slice(frame), meta })
    }

    /// An IP packet arrives, from the peer's station to ours.
    pub(crate) fn receive_packet(&mut self, packet: &[u8]) -> Verdict {
        if self.medium() == Medium::Ip {
            return self.receive(packet);
        }
        let frame = ethernet(OUR_MAC, PEER_MAC, packet);
        self.receive(&frame)
    }

    fn medium(&self) -> Medium {
        self.stack.interfaces().find(|info| info.id == self.interface).unwrap().medium
    }

    /// Adds an interface, whose side of the wire is seen from here on.
    pub(crate) fn add_interface(&mut self, config: InterfaceConfig) -> InterfaceId {
        self.interface = self.stack.add_interface(self.now, config).unwrap();
        self.interface
    }

    /// Gives the interface an address of any origin. It is no call that anybody else can make: what follows
    /// cannot be done again by calls.
    pub(crate) fn assign_address(&mut self, new: NewAddress) -> Result<(), AddressError> {
        self.stack.stop_recording();
        self.stack.assign_address(self.interface, new)
    }

    /// Has everything arrive that is on its way to ourselves.
    pub(crate) fn loop_back(&mut self) {
        let is_loopback = |info: &InterfaceInfo<'_>| info.medium == Medium::Loopback;
        let Some(loopback) = self.stack.interfaces().find(is_loopback).map(|info| info.id) else { return };
        while self.stack.interfaces_ready().any(|id| id == loopback) {
            assert_eq!(self.stack.poll_transmit(self.now, loopback, &mut self.batch), 0);
        }
    }

    /// Lets the stack know the peer's hardware address, in both families, without leaving a trace.
    pub(crate) fn introduce_peer(&mut self) {
        let request = arp(
            ArpOperation::Request,
            PEER_MAC,
            PEER_V4,
            EthernetAddress::UNSPECIFIED,
            OUR_V4,
            EthernetAddress::BROADCAST,
        );
        assert_eq!(self.receive(&request), Verdict::Accepted);
        let solicitation = neighbor_solicitation(PEER_V6, OUR_V6, Some(PEER_MAC));
        assert_eq!(self.receive(&solicitation), Verdict::Accepted);
        assert_eq!(self.frames().len(), 2);
    }

    /// Opens a UDP socket, on an address such as `0.0.0.0:7`.
    pub(crate) fn udp_bind(&mut self, local: &str) -> UdpHandle {
        self.stack.udp_bind(socket(local), UdpOptions::default()).unwrap()
    }

    pub(crate) fn udp_send(&mut self, handle: UdpHandle, data: &[u8], to: &str) -> Result<(), UdpSendError> {
        let now = self.now;
        self.stack.udp(handle).unwrap().send(now, data, Some(socket(to)))
    }

    /// What a UDP socket has received: the lengths, in order.
    pub(crate) fn udp_received(&mut self, handle: UdpHandle) -> Vec<usize> {
        let mut socket = self.stack.udp(handle).unwrap();
        core::iter::from_fn(|| socket.recv().map(|datagram| datagram.data.len())).collect()
    }

    pub(crate) fn udp_error(&mut self, handle: UdpHandle) -> Option<SocketError> {
        self.stack.udp(handle).unwrap().take_error()
    }

    /// The neighbor cache's entry of an address.
    pub(crate) fn neighbor(&self, address: &str) -> Option<(NeighborState, Option<EthernetAddress>)> {
        let address: IpAddr = address.parse().unwrap();
        let entry = self.stack.neighbors().find(|neighbor| neighbor.address == address)?;
        Some((entry.state, entry.hardware_address))
    }

    /// All frames that the stack sends now; what it sends to itself arrives.
    pub(crate) fn frames(&mut self) -> Vec<Vec<u8>> {
        self.loop_back();
        self.batch.clear();
        while self.stack.poll_transmit(self.now, self.interface, &mut self.batch) > 0 {}
        self.batch
            .frames()
            .map(|frame| {
                let mut bytes = Vec::new();
                frame.copy_to(&mut bytes);
                bytes
            })
            .collect()
    }

    /// All frames that the stack sends now, in the notation, a line each.
    pub(crate) fn sent(&mut self) -> String {
        self.sent_relative(Relative::default(), true)
    }

    /// The same with sequence numbers counted from the given ones; `full` names addresses and ports.
    pub(crate) fn sent_relative(&mut self, relative: Relative, full: bool) -> String {
        let notation = Notation { prefix: "> ", relative, full };
        let bare = self.medium() == Medium::Ip;
        let line =
            |frame: &Vec<u8>| if bare { notation.packet(frame).to_string() } else { notation.frame(frame).to_string() };
        let lines: Vec<String> = self.frames().iter().map(line).collect();
        lines.join("\n")
    }

    /// Lets all that waits to be sent go.
    pub(crate) fn discard(&mut self) {
        self.frames();
    }

    /// All events that wait.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        core::iter::from_fn(|| self.stack.poll_event()).collect()
    }

    /// Time passes, with `handle_timeout` at each deadline on the way; what is sent meanwhile comes
    /// back with the milliseconds after which it was.
    pub(crate) fn pass(&mut self, duration: Duration) -> String {
        self.pass_relative(duration, Relative::default(), true)
    }

    pub(crate) fn pass_relative(&mut self, duration: Duration, relative: Relative, full: bool) -> String {
        let (start, end) = (self.now, self.now + duration);
        let mut lines = Vec::new();
        loop {
            while self.stack.poll_event().is_some() {}
            let sent = self.sent_relative(relative, full);
            let elapsed = self.now.since(start);
            lines.extend(sent.lines().map(|line| alloc::format!("+{}ms {line}", elapsed.as_millis())));
            match self.stack.poll_timeout() {
                // Sending has made room somewhere, of which the application is told.
                Some(wakeup) if wakeup.cause == Cause::Undrained => {}
                Some(wakeup) if wakeup.at <= end => self.run_to(wakeup.at),
                _ => break,
            }
        }
        self.now = end;
        lines.join("\n")
    }

    /// Goes to a deadline, and holds the stack to design rule 3: one nanosecond before it, nothing
    /// happens; at it, something does.
    pub(crate) fn run_to(&mut self, at: Instant) {
        // What came late may have started what is due already.
        let at = at.max(self.now);
        let before = at - Duration::from_nanos(1);
        if before > self.now {
            let mut early = self.stack.clone();
            early.handle_timeout(before);
            let mut idle = self.stack.clone();
            idle.advance(before);
            assert_eq!(early.digest(), idle.digest(), "something happened before the deadline {at}");
            assert_eq!(early.poll_event(), None);
        }
        let mut idle = self.stack.clone();
        idle.advance(at);
        self.now = at;
        self.stack.handle_timeout(at);
        assert_ne!(self.stack.digest(), idle.digest(), "nothing happened at the deadline {at}");
    }

    /// Ten seconds of a flood, a packet every 100 us: how many frames were sent in all, and how many in
    /// the busiest second.
    pub(crate) fn flood(&mut self, packet: &[u8]) -> (usize, usize) {
        let mut sent = Vec::new();
        for _ in 0..100_000 {
            self.now += Duration::from_micros(100);
            let _ = self.receive_packet(packet);
            sent.extend(self.frames().iter().map(|_| self.now));
        }
        let second =
            |from: &Instant| sent.iter().filter(|at| *at >= from && at.since(*from) < Duration::from_secs(1)).count();
        (sent.len(), sent.iter().map(second).max().unwrap_or(0))
    }

    /// How often a reason has dropped something.
    pub(crate) fn drops(&self, reason: crate::DropReason) -> u64 {
        self.stack.drops().find(|(other, _)| *other == reason).map_or(0, |(_, count)| count)
    }

    pub(crate) fn counter(&self, name: &str) -> u64 {
        self.stack
            .counters()
            .find(|(other, _)| *other == name)
            .map_or_else(|| panic!("no counter {name}"), |(_, count)| count)
    }
}

/// The interface at the head of this file.
fn usual_interface(capabilities: Capabilities) -> InterfaceConfig {
    let addresses = [InterfaceAddress::v4(OUR_V4, 24), InterfaceAddress::v6(OUR_V6, 64)];
    InterfaceConfig::new(OUR_MAC, capabilities, addresses).unverified()
}

/// An address and port from text.
pub(crate) fn socket(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// Destination and source of a frame.
pub(crate) fn stations(frame: &[u8]) -> (EthernetAddress, EthernetAddress) {
    let header = EthernetFrame::parse(frame).unwrap().header();
    (header.dst, header.src)
}

/// An Ethernet frame around an IP packet.
pub(crate) fn ethernet(dst: EthernetAddress, src: EthernetAddress, packet: &[u8]) -> Vec<u8> {
    let ethertype = if packet.first().is_some_and(|first| first >> 4 == 6) { EtherType::Ipv6 } else { EtherType::Ipv4 };
    let mut frame = Vec::new();
    EthernetHeader { dst, src, ethertype }.emit(&mut frame);
    frame.extend_from_slice(packet);
    frame
}

/// An ARP frame to the station `to`.
pub(crate) fn arp(
    operation: ArpOperation,
    sender_hardware: EthernetAddress,
    sender_protocol: Ipv4Addr,
    target_hardware: EthernetAddress,
    target_protocol: Ipv4Addr,
    to: EthernetAddress,
) -> Vec<u8> {
    let mut frame = Vec::new();
    EthernetHeader { dst: to, src: sender_hardware, ethertype: EtherType::Arp }.emit(&mut frame);
    ArpHeader { operation, sender_hardware, sender_protocol, target_hardware, target_protocol }.emit(&mut frame);
    frame
}

/// A solicitation from the peer's station for `target`, to the target's solicited-node group.
pub(crate) fn neighbor_solicitation(
    src: Ipv6Addr,
    target: Ipv6Addr,
    source_link_layer: Option<EthernetAddress>,
) -> Vec<u8> {
    let mut message = Vec::new();
    crate::wire::ndp::NeighborSolicitation { target, source_link_layer, nonce: None }.emit(&mut message);
    let group = crate::wire::ndp::solicited_node(target);
    let packet = icmpv6_packet(src, group, 255, message);
    ethernet(EthernetAddress::multicast_v6(group), PEER_MAC, &packet)
}

/// An ICMPv6 packet with its checksum filled in.
pub(crate) fn icmpv6_packet(src: Ipv6Addr, dst: Ipv6Addr, hop_limit: u8, mut message: Vec<u8>) -> Vec<u8> {
    use crate::wire::{checksum::Sum, icmpv6, ipv4::IpProtocol, ipv6::Ipv6Header};
    icmpv6::fill_checksum(Sum::pseudo_header_v6(src, dst, IpProtocol::ICMPV6, message.len()), &mut message);
    let mut packet = Vec::new();
    let payload_len = message.len() as u16;
    Ipv6Header { traffic_class: 0, flow_label: 0, payload_len, next_header: IpProtocol::ICMPV6, hop_limit, src, dst }
        .emit(&mut packet);
    packet.extend_from_slice(&message);
    packet
}

/// An IPv4 packet.
pub(crate) fn ipv4_packet(
    src: Ipv4Addr,
    dst: Ipv4Addr,
    protocol: crate::wire::ipv4::IpProtocol,
    payload: &[u8],
) -> Vec<u8> {
    let mut packet = Vec::new();
    crate::wire::ipv4::Ipv4Header {
        tos: 0,
        payload_len: payload.len() as u16,
        id: 1,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        ttl: 64,
        protocol,
        src,
        dst,
    }
    .emit(&mut packet);
    packet.extend_from_slice(payload);
    packet
}

/// A UDP datagram in an IP packet, with its checksum filled in.
pub(crate) fn udp_packet(from: SocketAddr, to: SocketAddr, data: &[u8]) -> Vec<u8> {
    use crate::ip::output::PacketHeader;
    use crate::wire::{ipv4::IpProtocol, ipv6::Ipv6Header, udp};
    let mut datagram = Vec::new();
    udp::UdpHeader { src_port: from.port(), dst_port: to.port(), payload_len: data.len() as u16 }.emit(&mut datagram);
    datagram.extend_from_slice(data);
    let header = PacketHeader::new(from.ip(), to.ip(), IpProtocol::UDP);
    udp::fill_checksum(header.pseudo_header(datagram.len()), &mut datagram);
    match (from.ip(), to.ip()) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => ipv4_packet(src, dst, IpProtocol::UDP, &datagram),
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            let mut packet = Vec::new();
            let payload_len = datagram.len() as u16;
            Ipv6Header {
                traffic_class: 0,
                flow_label: 0,
                payload_len,
                next_header: IpProtocol::UDP,
                hop_limit: 64,
                src,
                dst,
            }
            .emit(&mut packet);
            packet.extend_from_slice(&datagram);
            packet
        }
        _ => panic!("two families"),
    }
}

/// An IPv6 packet.
pub(crate) fn ipv6_packet(
    src: Ipv6Addr,
    dst: Ipv6Addr,
    next_header: crate::wire::ipv4::IpProtocol,
    payload: &[u8],
) -> Vec<u8> {
    let mut packet = Vec::new();
    let payload_len = payload.len() as u16;
    crate::wire::ipv6::Ipv6Header {
        traffic_class: 0,
        flow_label: 0,
        payload_len,
        next_header,
        hop_limit: 64,
        src,
        dst,
    }
    .emit(&mut packet);
    packet.extend_from_slice(payload);
    packet
}

/// An ICMPv4 packet with its checksum filled in.
pub(crate) fn icmpv4_packet(
    src: Ipv4Addr,
    dst: Ipv4Addr,
    header: crate::wire::icmpv4::Icmpv4Header,
    payload: &[u8],
) -> Vec<u8> {
    let mut message = Vec::new();
    header.emit(&mut message);
    message.extend_from_slice(payload);
    crate::wire::icmpv4::fill_checksum(&mut message);
    ipv4_packet(src, dst, crate::wire::ipv4::IpProtocol::ICMP, &message)
}

/// An echo request of either family, its data `len` bytes long.
pub(crate) fn echo_request(src: IpAddr, dst: IpAddr, len: usize) -> Vec<u8> {
    let data: Vec<u8> = (0..len).map(|at| at as u8).collect();
    match (src, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            let header = crate::wire::icmpv4::Icmpv4Header::EchoRequest { id: 7, seq: 1 };
            icmpv4_packet(src, dst, header, &data)
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            let mut message = Vec::new();
            crate::wire::icmpv6::Icmpv6Header::EchoRequest { id: 7, seq: 1 }.emit(&mut message);
            message.extend_from_slice(&data);
            icmpv6_packet(src, dst, 64, message)
        }
        _ => panic!("two families"),
    }
}

/// A TCP segment in an IP packet: `line` in the notation, absolute numbers.
pub(crate) fn tcp_packet(from: SocketAddr, to: SocketAddr, line: &str, text: &[u8]) -> Vec<u8> {
    let segment = crate::wire::notation::parse(line, from.port(), to.port(), Relative::default()).unwrap();
    segment.to_packet(from.ip(), to.ip(), text)
}
