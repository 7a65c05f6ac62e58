//! Pings over the memory pair, frame by frame: resolve the neighbor (RFC 826, RFC 4861 section 7.2),
//! send an echo request, wait for its reply.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tickwire_backends::device::Device as _;
use tickwire_backends::pair::PairDevice;
use tickwire_backends::pool::Pool;
use tickwire_core::frame::TxBatch;
use tickwire_core::wire::arp::{ArpHeader, ArpOperation, ArpPacket};
use tickwire_core::wire::checksum::Sum;
use tickwire_core::wire::ethernet::{EtherType, EthernetAddress, EthernetFrame, EthernetHeader};
use tickwire_core::wire::icmpv4::{self, Icmpv4Header, Icmpv4Message};
use tickwire_core::wire::icmpv6::{self, Icmpv6Header, Icmpv6Message};
use tickwire_core::wire::ipv4::{IpProtocol, Ipv4Header, Ipv4Packet};
use tickwire_core::wire::ipv6::{Ipv6Header, Ipv6Packet};
use tickwire_core::wire::ndp::{self, NeighborAdvertisement, NeighborSolicitation};

use super::kernel::ECHO_DATA;
use super::{MTU, PEER_V4, PEER_V6};

/// How long one answer is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
const ID: u16 = 0x7477;

/// An end of the pair, operated by hand.
struct Probe<'a> {
    device: &'a PairDevice,
    source: EthernetAddress,
    pool: Pool,
}

/// The round-trip times of `count` echo requests to `to`, sent from `source`.
pub(super) fn ping(device: &PairDevice, source: EthernetAddress, to: IpAddr, count: u16) -> io::Result<Vec<Duration>> {
    let mut probe = Probe { device, source, pool: Pool::new(usize::from(MTU) + 18) };
    let neighbor = match to {
        IpAddr::V4(to) => probe.resolve_v4(to),
        IpAddr::V6(to) => probe.resolve_v6(to),
    }?;
    (1..=count)
        .map(|seq| match to {
            IpAddr::V4(to) => probe.echo_v4(neighbor, to, seq),
            IpAddr::V6(to) => probe.echo_v6(neighbor, to, seq),
        })
        .collect()
}

impl Probe<'_> {
    fn resolve_v4(&mut self, target: Ipv4Addr) -> io::Result<EthernetAddress> {
        let mut frame = self.frame(EthernetAddress::BROADCAST, EtherType::Arp);
        ArpHeader {
            operation: ArpOperation::Request,
            sender_hardware: self.source,
            sender_protocol: PEER_V4,
            target_hardware: EthernetAddress::UNSPECIFIED,
            target_protocol: target,
        }
        .emit(&mut frame);
        let reply = |frame: &EthernetFrame<'_>| {
            let arp = ArpPacket::parse(frame.payload()).ok()?;
            (arp.operation() == ArpOperation::Reply && arp.sender_protocol() == target).then(|| arp.sender_hardware())
        };
        self.exchange(&frame, reply).map(|(address, _)| address)
    }

    fn resolve_v6(&mut self, target: Ipv6Addr) -> io::Result<EthernetAddress> {
        let group = ndp::solicited_node(target);
        let mut message = Vec::new();
        NeighborSolicitation { target, source_link_layer: Some(self.source), nonce: None }.emit(&mut message);
        let frame = self.icmpv6(EthernetAddress::multicast_v6(group), group, ndp::HOP_LIMIT, message);
        let reply = |frame: &EthernetFrame<'_>| {
            let packet = Ipv6Packet::parse(frame.payload()).ok()?;
            let advertisement = NeighborAdvertisement::parse(packet.payload()).ok()?;
            (advertisement.target == target).then_some(advertisement.target_link_layer)?
        };
        self.exchange(&frame, reply).map(|(address, _)| address)
    }

    fn echo_v4(&mut self, neighbor: EthernetAddress, to: Ipv4Addr, seq: u16) -> io::Result<Duration> {
        let mut message = Vec::new();
        Icmpv4Header::EchoRequest { id: ID, seq }.emit(&mut message);
        message.extend_from_slice(&ECHO_DATA);
        icmpv4::fill_checksum(&mut message);
        let mut frame = self.frame(neighbor, EtherType::Ipv4);
        Ipv4Header {
            tos: 0,
            payload_len: message.len() as u16,
            id: seq,
            dont_fragment: true,
            more_fragments: false,
            fragment_offset: 0,
            ttl: 64,
            protocol: IpProtocol::ICMP,
            src: PEER_V4,
            dst: to,
        }
        .emit(&mut frame);
        frame.extend_from_slice(&message);
        let reply = |frame: &EthernetFrame<'_>| {
            let packet = Ipv4Packet::parse(frame.payload()).ok()?;
            let message = Icmpv4Message::parse(packet.payload()).ok()?;
            let ours = message.header() == Icmpv4Header::EchoReply { id: ID, seq } && message.payload() == ECHO_DATA;
            (ours && message.verify_checksum()).then_some(())
        };
        self.exchange(&frame, reply).map(|((), elapsed)| elapsed)
    }

    fn echo_v6(&mut self, neighbor: EthernetAddress, to: Ipv6Addr, seq: u16) -> io::Result<Duration> {
        let mut message = Vec::new();
        Icmpv6Header::EchoRequest { id: ID, seq }.emit(&mut message);
        message.extend_from_slice(&ECHO_DATA);
        let frame = self.icmpv6(neighbor, to, 64, message);
        let reply = |frame: &EthernetFrame<'_>| {
            let packet = Ipv6Packet::parse(frame.payload()).ok()?;
            let message = Icmpv6Message::parse(packet.payload()).ok()?;
            let sum = Sum::pseudo_header_v6(packet.src(), packet.dst(), IpProtocol::ICMPV6, packet.payload_len());
            let ours = message.header() == Icmpv6Header::EchoReply { id: ID, seq } && message.payload() == ECHO_DATA;
            (ours && message.verify_checksum(sum)).then_some(())
        };
        self.exchange(&frame, reply).map(|((), elapsed)| elapsed)
    }

    /// A frame with its Ethernet header.
    fn frame(&self, dst: EthernetAddress, ethertype: EtherType) -> Vec<u8> {
        let mut frame = Vec::new();
        EthernetHeader { dst, src: self.source, ethertype }.emit(&mut frame);
        frame
    }

    /// A whole frame around an ICMPv6 message.
    fn icmpv6(&self, neighbor: EthernetAddress, dst: Ipv6Addr, hop_limit: u8, mut message: Vec<u8>) -> Vec<u8> {
        let sum = Sum::pseudo_header_v6(PEER_V6, dst, IpProtocol::ICMPV6, message.len());
        icmpv6::fill_checksum(sum, &mut message);
        let mut frame = self.frame(neighbor, EtherType::Ipv6);
        Ipv6Header {
            traffic_class: 0,
            flow_label: 0,
            payload_len: message.len() as u16,
            next_header: IpProtocol::ICMPV6,
            hop_limit,
            src: PEER_V6,
            dst,
        }
        .emit(&mut frame);
        frame.extend_from_slice(&message);
        frame
    }

    /// Sends a frame and waits for the one that `answer` takes.
    fn exchange<R>(
        &mut self,
        frame: &[u8],
        answer: impl Fn(&EthernetFrame<'_>) -> Option<R>,
    ) -> io::Result<(R, Duration)> {
        let mut batch = TxBatch::new();
        batch.push(frame, []);
        let began = Instant::now();
        self.device.transmit(&batch, 0)?;
        let mut frames = Vec::new();
        loop {
            self.device.receive(&mut self.pool, &mut frames, 16)?;
            let views = frames.iter().filter_map(|frame| EthernetFrame::parse(&frame.data).ok());
            if let Some(found) = views.into_iter().find_map(|view| answer(&view)) {
                return Ok((found, began.elapsed()));
            }
            frames.clear();
            let left = PATIENCE.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let timeout = Timespec { tv_sec: 0, tv_nsec: left.subsec_nanos().into() };
            poll(&mut [PollFd::from_borrowed_fd(self.device.fd(), PollFlags::IN)], Some(&timeout))?;
        }
    }
}
