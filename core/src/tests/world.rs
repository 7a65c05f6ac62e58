//! A stack with sockets open, small limits and a memory of what it has sent: what arbitrary inputs
//! are played to.

use alloc::collections::VecDeque;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;

use super::inputs::{Input, Lies, Segment, Wire};
use super::rig::*;
use super::served::{Before, GROUPS_V4, GROUPS_V6, dhcpv4_of, dhcpv6_of};
use crate::frame::{RxChecksum, RxMeta};
use crate::socket::SourceFilter;
use crate::tcp::seq::SeqNumber;
use crate::wire::arp::ArpOperation;
use crate::wire::checksum::Sum;
use crate::wire::dhcpv4::Dhcpv4Header;
use crate::wire::ethernet::EthernetAddress;
use crate::wire::icmpv4::Icmpv4Header;
use crate::wire::ipv4::{self, IpProtocol, Ipv4Packet};
use crate::wire::ipv6::Ipv6Packet;
use crate::wire::ndp::{NeighborAdvertisement, NeighborSolicitation, solicited_node};
use crate::wire::notation::Notation;
use crate::wire::tcp::{self, TcpFlags, TcpHeader, TcpSegment};
use crate::wire::tcp_options::TcpOptions;
use crate::wire::{icmpv4, icmpv6, udp};
use crate::{
    Capabilities, Cause, Config, ConnectOptions, Dhcpv4Config, Dhcpv6Request, Instant, InterfaceAddress,
    InterfaceConfig, Limits, ListenOptions, ListenerHandle, Route, TcpHandle, TcpSettings, UdpHandle,
};

/// Frames that the stack sent and that replies and errors refer to.
const REMEMBERED: usize = 4;
const MTU: u16 = 1500;

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) rig: Rig,
    listeners: [ListenerHandle; 2],
    udp: [UdpHandle; 2],
    tcp: Vec<TcpHandle>,
    /// Packets sent lately, segments apart; the latest first.
    sent: VecDeque<Vec<u8>>,
    segments: VecDeque<Vec<u8>>,
    /// The last messages of the DHCP clients.
    dhcpv4: Option<Dhcpv4Header>,
    dhcpv6: Option<(u32, Vec<u8>)>,
}

/// Limits that arbitrary inputs reach.
pub(crate) fn small_limits() -> Limits {
    Limits {
        tcp_sockets: 12,
        syn_queue: 3,
        udp_receive: 4_000,
        udp_send: 4_000,
        neighbors: 6,
        neighbors_parked: 20,
        control_queue: 10,
        orphans: 3,
        tcp_ranges: 4,
        addresses: 8,
        address_events: 6,
        routes: 24,
        default_routers: 2,
        prefixes: 3,
        router_routes: 3,
        name_servers: 3,
        redirects: 2,
        dhcpv4_entries: 5,
        dhcpv6_offers: 2,
        dhcpv6_leases: 3,
        groups: 4,
        group_sources: 3,
        ..Limits::default()
    }
}

fn v4(host: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, host)
}

fn v6(host: u8) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(host))
}

fn address(is_v6: bool, host: u8) -> IpAddr {
    if is_v6 { v6(host).into() } else { v4(host).into() }
}

/// Some hosts are beyond a router.
fn destination(is_v6: bool, host: u8) -> IpAddr {
    match (is_v6, host) {
        (false, 75..80) => Ipv4Addr::new(198, 51, 100, host).into(),
        (true, 75..80) => Ipv6Addr::new(0x2001, 0xdb8, 0xfff, 0, 0, 0, 0, host.into()).into(),
        _ => address(is_v6, host),
    }
}

fn station(host: u8) -> EthernetAddress {
    EthernetAddress([2, 0, 0, 0, 0, host])
}

impl World {
    pub(crate) fn new() -> World {
        let mut config = Config { checks: true, trace: true, limits: small_limits(), ..Config::default() };
        config.tcp.socket = TcpSettings { send_buffer: 30_000, receive_buffer: 30_000, ..TcpSettings::default() };
        config.ip.redirects = true;
        let usual = [InterfaceAddress::v4(OUR_V4, 24), InterfaceAddress::v6(OUR_V6, 64)];
        let interface = InterfaceConfig::new(OUR_MAC, Capabilities::plain(MTU), usual).unverified();
        let interface = InterfaceConfig { ipv6_autoconfiguration: true, ..interface };
        let mut rig = Rig::with_interface(config, interface);
        rig.introduce_peer();
        let (now, id) = (rig.now, rig.interface);
        rig.stack.add_route(Route::via(Ipv4Addr::UNSPECIFIED.into(), 0, PEER_V4.into(), id)).unwrap();
        rig.stack.dhcpv4_start(now, id, Dhcpv4Config::default()).unwrap();
        rig.stack.dhcpv6_start(now, id, Dhcpv6Request { addresses: true, prefixes: Some(56) }).unwrap();
        let listen = |rig: &mut Rig, local| {
            rig.stack.tcp_listen(socket(local), ListenOptions { backlog: 2, ..ListenOptions::default() }).unwrap()
        };
        let listeners = [listen(&mut rig, "0.0.0.0:80"), listen(&mut rig, "[::]:80")];
        let udp = [rig.udp_bind("0.0.0.0:7"), rig.udp_bind("[::]:7")];
        for (handle, group) in [(udp[0], GROUPS_V4[0].into()), (udp[1], GROUPS_V6[0].into())] {
            let everybody = SourceFilter::exclude([]);
            rig.stack.udp(handle).unwrap().listen_to_group(now, None, group, everybody).unwrap();
        }
        let (sent, segments) = (VecDeque::new(), VecDeque::new());
        World { rig, listeners, udp, tcp: Vec::new(), sent, segments, dhcpv4: None, dhcpv6: None }
    }

    /// One input; then the stack must be within its limits.
    pub(crate) fn play(&mut self, input: &Input) {
        match input {
            Input::Arrives(wire, lies) => {
                if let Some(frame) = self.build(wire) {
                    let frame = lie(frame, lies);
                    let checksum = if lies.vouched { RxChecksum::Verified } else { RxChecksum::Unverified };
                    let _ = self.rig.receive_with(&frame, RxMeta { checksum, segment_size: None });
                }
            }
            Input::Drain => self.drain(),
            Input::Passes { millis } => self.pass(Duration::from_millis(*millis)),
            Input::ClockGoesBack => self.rig.stack.handle_timeout(Instant::ZERO),
            Input::UdpSend { v6, host, len } => {
                let now = self.rig.now;
                let mut socket = self.rig.stack.udp(self.udp[usize::from(*v6)]).unwrap();
                let _ = socket.send(now, &vec![0x61; *len], Some(SocketAddr::new(destination(*v6, *host), 9)));
            }
            Input::UdpReceive { v6 } => {
                self.rig.udp_received(self.udp[usize::from(*v6)]);
            }
            Input::SetMtu { mtu } => {
                let rig = &mut self.rig;
                // Whether it is refused is said elsewhere.
                let _ = rig.stack.set_mtu(rig.now, rig.interface, *mtu);
            }
            Input::MoveStation => {
                let rig = &mut self.rig;
                for station in [EthernetAddress([2, 0, 0, 0, 9, 9]), OUR_MAC] {
                    rig.stack.set_hardware_address(rig.now, rig.interface, station).unwrap();
                }
            }
            command => self.command(command),
        }
        self.check_limits();
    }

    /// As [`Rig::pass`], with a look at all that is sent.
    fn pass(&mut self, duration: Duration) {
        let end = self.rig.now + duration;
        loop {
            self.drain();
            match self.rig.stack.poll_timeout() {
                Some(wakeup) if wakeup.cause == Cause::Undrained => {}
                Some(wakeup) if wakeup.at <= end => self.rig.run_to(wakeup.at),
                _ => break,
            }
        }
        self.rig.now = end;
    }

    /// What is done with connections.
    fn command(&mut self, input: &Input) {
        let now = self.rig.now;
        let stack = &mut self.rig.stack;
        let handle = |which: &usize| self.tcp.get(*which).copied();
        match input {
            Input::Connect { v6, host } => {
                let remote = SocketAddr::new(address(*v6, *host), 7);
                self.tcp.extend(stack.tcp_connect(now, remote, ConnectOptions::default()));
            }
            Input::Accept => {
                for listener in self.listeners {
                    self.tcp.extend(stack.tcp_accept(now, listener).unwrap());
                }
            }
            Input::Send { which, len } => {
                if let Some(handle) = handle(which) {
                    let _ = stack.tcp(handle).unwrap().send(now, &vec![0x61; *len]);
                }
            }
            Input::Receive { which, len } => {
                if let Some(handle) = handle(which) {
                    let _ = stack.tcp(handle).unwrap().recv(now, &mut vec![0; *len]);
                }
            }
            Input::Close { which } => {
                if let Some(handle) = handle(which) {
                    stack.tcp(handle).unwrap().close(now);
                }
            }
            Input::Abort { which } => {
                if let Some(handle) = handle(which) {
                    stack.tcp(handle).unwrap().abort(now);
                }
            }
            Input::Release { which } if *which < self.tcp.len() => {
                stack.tcp_release(now, self.tcp.remove(*which)).unwrap();
            }
            _ => {}
        }
    }

    /// Takes all that the stack sends: well formed, and within the MTU.
    fn drain(&mut self) {
        while self.rig.stack.poll_event().is_some() {}
        let mtu = self.rig.stack.interfaces().next().unwrap().capabilities.mtu;
        let frames = self.rig.frames();
        // What a connection may have in flight, and an answer or a datagram for each that can wait.
        assert!(frames.len() < 1000, "{} frames", frames.len());
        for frame in frames {
            assert!(frame.len() <= usize::from(mtu) + 14);
            let line = Notation { full: true, ..Notation::default() }.frame(&frame).to_string();
            assert!(!line.contains("malformed") && !line.contains("bad checksum"), "{line}");
            self.dhcpv4 = dhcpv4_of(&frame).or(self.dhcpv4);
            self.dhcpv6 = dhcpv6_of(&frame).or(self.dhcpv6.take());
            match addresses(&frame[14..]) {
                Some((_, _, IpProtocol::TCP, _)) => self.segments.push_front(frame),
                Some(_) => self.sent.push_front(frame),
                None => {}
            }
        }
        self.sent.truncate(REMEMBERED);
        self.segments.truncate(REMEMBERED);
    }

    fn check_limits(&self) {
        let limits = small_limits();
        let stack = &self.rig.stack;
        let depths = stack.queue_depths();
        let parked_most = usize::from(limits.neighbors_parked) * usize::from(limits.neighbor_queue);
        assert!(depths.control <= usize::from(limits.control_queue) + parked_most);
        assert!(depths.parked <= parked_most);
        let sockets = stack.tcp_sockets().count();
        assert!(sockets <= limits.tcp_sockets as usize);
        // Sockets that are gone may stand in the queues, but not more of them than of live ones and a few.
        let queued_most = 2 * (sockets + stack.udp_sockets().count() + stack.tcp_listeners().count()) + 64;
        assert!(depths.ready <= queued_most && depths.events <= queued_most);
        assert!(depths.tcp_bytes <= sockets * 2 * 30_000);
        assert!(stack.neighbors().count() <= usize::from(limits.neighbors));
        for entry in stack.udp_sockets() {
            assert!(entry.received * 320 <= 4_000 && entry.unsent * 320 <= 4_000);
        }
        self.check_configuration(&limits);
    }

    /// What routers, servers and queriers have told.
    fn check_configuration(&self, limits: &Limits) {
        let (stack, id) = (&self.rig.stack, self.rig.interface);
        for interface in stack.interfaces() {
            assert!(interface.addresses.len() <= usize::from(limits.addresses));
        }
        assert!(stack.default_routers().count() <= usize::from(limits.default_routers));
        assert!(stack.prefixes().count() <= usize::from(limits.prefixes));
        assert!(stack.router_routes().count() <= usize::from(limits.router_routes));
        assert!(stack.router_name_servers(id).count() <= usize::from(limits.name_servers));
        assert!(stack.redirected().count() <= limits.redirects as usize);
        assert!(stack.routes().count() <= limits.routes as usize);
        for group in stack.groups() {
            assert!(group.filter.sources().len() <= usize::from(limits.group_sources));
        }
        let leases = stack.dhcpv6(id).unwrap();
        let most = usize::from(limits.dhcpv6_leases);
        assert!(leases.addresses.len() <= most && leases.prefixes.len() <= most);
    }

    fn build(&self, wire: &Wire) -> Option<Vec<u8>> {
        let from = |host: u8, packet: &[u8]| Some(ethernet(OUR_MAC, station(host), packet));
        match *wire {
            Wire::Arp { reply, sender, target } => {
                let operation = if reply { ArpOperation::Reply } else { ArpOperation::Request };
                let to = if reply { OUR_MAC } else { EthernetAddress::BROADCAST };
                Some(arp(operation, station(sender), v4(sender), OUR_MAC, v4(target), to))
            }
            Wire::Solicitation { src, target, with_address } => {
                let mut message = Vec::new();
                NeighborSolicitation {
                    target: v6(target),
                    source_link_layer: with_address.then_some(station(src)),
                    nonce: None,
                }
                .emit(&mut message);
                let group = solicited_node(v6(target));
                let packet = icmpv6_packet(v6(src), group, 255, message);
                Some(ethernet(EthernetAddress::multicast_v6(group), station(src), &packet))
            }
            Wire::Advertisement { target, solicited, overrides, with_address } => {
                let mut message = Vec::new();
                let target_link_layer = with_address.then_some(station(target));
                NeighborAdvertisement { router: false, solicited, overrides, target: v6(target), target_link_layer }
                    .emit(&mut message);
                from(target, &icmpv6_packet(v6(target), OUR_V6, 255, message))
            }
            Wire::Echo { v6, src, dst, len } => from(src, &echo_request(address(v6, src), address(v6, dst), len)),
            Wire::Datagram { v6, src, dst, ports, len } => {
                let ends = (SocketAddr::new(address(v6, src), ports.0), SocketAddr::new(address(v6, dst), ports.1));
                from(src, &udp_packet(ends.0, ends.1, &vec![0x61; len]))
            }
            Wire::Stranger { v6, src, ports, ref segment } => {
                let header = TcpHeader { src_port: ports.0, dst_port: ports.1, ..TcpHeader::default() };
                from(src, &tcp_packet_of(address(v6, src), address(v6, 2), header, segment))
            }
            Wire::Reply { recent, ref segment } => self.reply(recent, segment),
            Wire::Error { recent, kind, code } => self.error(recent, kind, code),
            Wire::Headers { next_header, ref payload } => {
                from(1, &ipv6_packet(PEER_V6, OUR_V6, IpProtocol(next_header), payload))
            }
            Wire::Bytes(ref bytes) => Some(bytes.clone()),
            Wire::Served(ref served) => {
                let sent: Vec<_> = self.sent.iter().map(Vec::as_slice).collect();
                let own = self.rig.stack.interfaces().flat_map(|interface| interface.addresses.iter());
                let link_local = own.filter_map(|own| match own.address {
                    IpAddr::V6(address) if address.is_unicast_link_local() => Some(address),
                    _ => None,
                });
                let link_local = link_local.last();
                let (dhcpv4, dhcpv6) = (self.dhcpv4, self.dhcpv6.clone());
                served.frame(&Before { sent: &sent, link_local, dhcpv4, dhcpv6 })
            }
        }
    }

    /// The segment that comes after the one which the stack has sent.
    fn reply(&self, recent: usize, segment: &Segment) -> Option<Vec<u8>> {
        let frame = self.segments.get(recent)?;
        let (src, dst, _, upper) = addresses(frame.get(14..)?)?;
        let sent = TcpSegment::parse(upper).ok()?;
        let header = TcpHeader {
            src_port: sent.dst_port(),
            dst_port: sent.src_port(),
            seq: sent.ack(),
            ack: sent.seq() + sent.seg_len(),
            ..TcpHeader::default()
        };
        Some(ethernet(OUR_MAC, stations(frame).0, &tcp_packet_of(dst, src, header, segment)))
    }

    fn error(&self, recent: usize, kind: u8, code: u8) -> Option<Vec<u8>> {
        let sent = if kind & 0x80 == 0 { &self.sent } else { &self.segments };
        let packet = sent.get(recent)?.get(14..)?;
        let packet = if let (IpAddr::V4(src), ..) = addresses(packet)? {
            let header = if kind & 1 == 0 {
                Icmpv4Header::DestinationUnreachable { code, next_hop_mtu: 0 }
            } else {
                Icmpv4Header::TimeExceeded { code }
            };
            icmpv4_packet(PEER_V4, src, header, packet.get(..28)?)
        } else {
            let mut message = vec![1 + kind % 4, code % 8, 0, 0, 0, 0, 0, 0];
            message.extend_from_slice(&packet[..packet.len().min(1000)]);
            icmpv6_packet(PEER_V6, OUR_V6, 64, message)
        };
        Some(ethernet(OUR_MAC, PEER_MAC, &packet))
    }
}

/// Addresses, protocol and upper layer of a packet without extension headers.
fn addresses(packet: &[u8]) -> Option<(IpAddr, IpAddr, IpProtocol, &[u8])> {
    if let Ok(packet) = Ipv4Packet::parse(packet) {
        return Some((packet.src().into(), packet.dst().into(), packet.protocol(), packet.payload()));
    }
    let packet = Ipv6Packet::parse(packet).ok()?;
    Some((packet.src().into(), packet.dst().into(), packet.next_header(), packet.payload()))
}

/// A segment in a packet: the numbers of `header` with those of `segment` added, options as they are.
fn tcp_packet_of(src: IpAddr, dst: IpAddr, header: TcpHeader, segment: &Segment) -> Vec<u8> {
    let header = TcpHeader {
        seq: header.seq + segment.seq,
        ack: SeqNumber(header.ack.0.wrapping_add(segment.ack)),
        flags: TcpFlags::from_bits_truncate(segment.flags),
        window: segment.window,
        ..header
    };
    let mut bytes = Vec::new();
    header.emit(&TcpOptions::default(), &mut bytes);
    bytes.extend_from_slice(&segment.options);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes[12] = ((bytes.len() / 4) << 4) as u8;
    bytes.resize(bytes.len() + segment.text.min(1400), 0x61);
    let packet = match (src, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => ipv4_packet(src, dst, IpProtocol::TCP, &bytes),
        (IpAddr::V6(src), IpAddr::V6(dst)) => ipv6_packet(src, dst, IpProtocol::TCP, &bytes),
        _ => Vec::new(),
    };
    let mut frame = ethernet(OUR_MAC, PEER_MAC, &packet);
    repair(&mut frame);
    frame.split_off(14)
}

fn lie(mut frame: Vec<u8>, lies: &Lies) -> Vec<u8> {
    let place = |part: u16, len: usize| usize::from(part) * len / 65_536;
    for &(part, byte) in &lies.changes {
        let at = 14 + place(part, frame.len().saturating_sub(14));
        if let Some(place) = frame.get_mut(at) {
            *place = byte;
        }
    }
    if let Some(part) = lies.cut {
        frame.truncate(place(part, frame.len()));
    }
    if lies.to_group && frame.len() >= 6 {
        frame[..6].fill(0xff);
    }
    if lies.repaired {
        repair(&mut frame);
    }
    frame
}

/// Makes the checksums right, as far as the headers can be read.
fn repair(frame: &mut [u8]) {
    let Some(packet) = frame.get_mut(14..) else { return };
    if packet.first().is_some_and(|first| first >> 4 == 4) && packet.len() >= 20 {
        ipv4::fill_checksum(packet);
    }
    let Some((src, dst, protocol, upper)) = addresses(packet) else { return };
    let (len, total) = (upper.len(), packet.len());
    let start = if src.is_ipv4() { usize::from(packet[0] & 0x0f) * 4 } else { 40 };
    let pseudo_header = match (src, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => Sum::pseudo_header_v4(src, dst, protocol, len),
        (IpAddr::V6(src), IpAddr::V6(dst)) => Sum::pseudo_header_v6(src, dst, protocol, len),
        _ => return,
    };
    let Some(upper) = packet.get_mut(start..(start + len).min(total)) else { return };
    match protocol {
        IpProtocol::TCP if len >= 20 => tcp::fill_checksum(pseudo_header, upper),
        IpProtocol::UDP if len >= 8 => udp::fill_checksum(pseudo_header, upper),
        IpProtocol::ICMP if len >= 8 => icmpv4::fill_checksum(upper),
        IpProtocol::ICMPV6 if len >= 8 => icmpv6::fill_checksum(pseudo_header, upper),
        _ => {}
    }
}
