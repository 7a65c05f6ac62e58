//! What RFC 4787, 5382 and 5508 want of a NAT, on frames. This file has the bench that they are tried on.
//!
//! | module | what |
//! |---|---|
//! | `mapping` | mappings, sessions and who is heard (RFC 4787, RFC 5382) |
//! | `icmp` | echo, and errors about packets of others (RFC 5508) |
//! | `fragments` | fragments and identifications (RFC 4787 REQ-14, RFC 6864) |
//! | `forwarding` | a router of one hop: what it passes on, what it does not, and its neighbors |

mod forwarding;
mod fragments;
mod icmp;
mod mapping;

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use bytes::Bytes;
use tickwire_core::Instant;
use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::wire::arp::{ArpHeader, ArpOperation, ArpPacket};
use tickwire_core::wire::ethernet::{EthernetAddress, EthernetFrame};
use tickwire_core::wire::icmpv4::{Icmpv4Header, Icmpv4Message};
use tickwire_core::wire::ipv4::{IpProtocol, Ipv4Packet};
use tickwire_core::wire::notation::{Notation, Relative};
use tickwire_core::wire::tcp::{TcpFlags, TcpHeader, TcpSegment};
use tickwire_core::wire::tcp_options::TcpOptions;
use tickwire_core::wire::udp::UdpDatagram;
use tickwire_core::wire::{ethernet, icmpv4};

use super::{Nat, NatConfig, NatDrop, Outbox, Side};
use crate::node::frames::{self, Hosts, Stations};

const INSIDE: usize = Nat::INSIDE;
const OUTSIDE: usize = Nat::OUTSIDE;
const EXTERNAL: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);

fn hardware(last: u8) -> EthernetAddress {
    EthernetAddress([2, 0, 0, 0, 0, last])
}

fn config() -> NatConfig {
    let inside = Side { hardware: hardware(0xa0), address: Ipv4Addr::new(192, 168, 1, 1), prefix_len: 24 };
    let outside = Side { hardware: hardware(0xb0), address: EXTERNAL, prefix_len: 24 };
    NatConfig { gateway: Some(Ipv4Addr::new(203, 0, 113, 254)), ..NatConfig::new(inside, outside) }
}

fn end(text: &str) -> SocketAddrV4 {
    text.parse().unwrap()
}

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

/// The stations inside (.10, .11, hardware addresses by the last octet) and outside (.7, and the gateway).
fn hardware_of(address: Ipv4Addr) -> EthernetAddress {
    hardware(address.octets()[3])
}

/// A NAT under test, and what it said last.
struct Bench {
    nat: Nat,
    now: Instant,
}

impl Bench {
    /// All neighbors are known.
    fn new(config: NatConfig) -> Bench {
        let mut bench = Bench { nat: Nat::new(config), now: at(0) };
        bench.greet();
        bench
    }

    /// Every station asks for the NAT, and so makes itself known.
    fn greet(&mut self) {
        let stations = [
            (INSIDE, [192, 168, 1, 10]),
            (INSIDE, [192, 168, 1, 11]),
            (OUTSIDE, [203, 0, 113, 7]),
            (OUTSIDE, [203, 0, 113, 254]),
        ];
        for (port, address) in stations {
            let address = Ipv4Addr::from(address);
            let request = ArpHeader {
                operation: ArpOperation::Request,
                sender_hardware: hardware_of(address),
                sender_protocol: address,
                target_hardware: EthernetAddress::UNSPECIFIED,
                target_protocol: self.nat.side(port).address,
            };
            let out = self.frame(port, &frames::arp(EthernetAddress::BROADCAST, &request));
            let [(_, reply)] = &out[..] else { panic!("one reply, not {out:?}") };
            let reply = EthernetFrame::parse(reply).unwrap();
            assert_eq!(ArpPacket::parse(reply.payload()).unwrap().sender_hardware(), self.nat.side(port).hardware);
        }
    }

    fn frame(&mut self, port: usize, frame: &Bytes) -> Outbox {
        let mut out = Outbox::new();
        self.nat.receive(self.now, port, frame, &mut out);
        out
    }

    /// Has a packet arrive; returns the port and the packet that leaves, after looking at its frame.
    fn packet(&mut self, port: usize, packet: &[u8]) -> Vec<(usize, Vec<u8>)> {
        let src = Ipv4Packet::parse(packet).unwrap().src();
        let stations = Stations { src: hardware_of(src), dst: self.nat.side(port).hardware };
        let out = self.frame(port, &frames::around(stations, packet));
        out.into_iter()
            .map(|(port, frame)| {
                let view = EthernetFrame::parse(&frame).unwrap();
                assert_eq!(view.src(), self.nat.side(port).hardware);
                check(view.payload());
                (port, view.payload().to_vec())
            })
            .collect()
    }

    /// A datagram from one endpoint to another; what leaves, as a line.
    fn udp(&mut self, port: usize, from: &str, to: &str) -> String {
        let packet = datagram(end(from), end(to), b"ping");
        line(&self.packet(port, &packet))
    }

    fn tcp(&mut self, port: usize, from: &str, to: &str, flags: TcpFlags) -> String {
        line(&self.packet(port, &segment(end(from), end(to), flags)))
    }

    fn dropped(&self, reason: NatDrop) -> u64 {
        self.nat.counters().dropped.get(&reason).copied().unwrap_or_default()
    }

    fn after(&mut self, duration: Duration) -> &mut Bench {
        self.now += duration;
        let mut out = Outbox::new();
        self.nat.expire(self.now, &mut out);
        self.greet();
        self
    }
}

/// Every checksum of a packet is right, and so is that of the packet that it quotes.
fn check(packet: &[u8]) {
    let view = Ipv4Packet::parse(packet).unwrap();
    assert!(view.verify_checksum(), "header checksum");
    if view.is_fragment() {
        return;
    }
    let hosts = Hosts { src: view.src().into(), dst: view.dst().into() };
    let sum = frames::pseudo_header(hosts, view.protocol(), view.payload().len());
    match view.protocol() {
        IpProtocol::TCP => assert!(TcpSegment::parse(view.payload()).unwrap().verify_checksum(sum)),
        IpProtocol::UDP => {
            let datagram = UdpDatagram::parse(view.payload()).unwrap();
            assert!(datagram.has_no_checksum() || datagram.verify_checksum(sum));
        }
        _ => {
            let message = Icmpv4Message::parse(view.payload()).unwrap();
            assert!(message.verify_checksum(), "ICMP checksum");
            if let Some(quoted) = message.quoted() {
                let total = quoted.total_len();
                assert!(quoted.verify_checksum(), "quoted header checksum");
                if let Some(whole) = message.payload().get(..total) {
                    check(whole);
                }
            }
        }
    }
}

fn datagram(from: SocketAddrV4, to: SocketAddrV4, payload: &[u8]) -> Bytes {
    let datagram = frames::datagram((SocketAddr::V4(from), SocketAddr::V4(to)), payload);
    frames::packet(Hosts { src: (*from.ip()).into(), dst: (*to.ip()).into() }, IpProtocol::UDP, 64, &datagram)
}

fn segment(from: SocketAddrV4, to: SocketAddrV4, flags: TcpFlags) -> Bytes {
    let stations = Stations { src: hardware(0), dst: hardware(0) };
    let header = TcpHeader { flags, seq: SeqNumber(1), ack: SeqNumber(0), window: 1_000, ..TcpHeader::default() };
    let ends = (SocketAddr::V4(from), SocketAddr::V4(to));
    frames::segment(stations, ends, &header, &TcpOptions::default(), b"").slice(ethernet::HEADER_LEN..)
}

fn echo(header: Icmpv4Header, from: &str, to: &str) -> Bytes {
    let mut message = Vec::new();
    header.emit(&mut message);
    message.extend_from_slice(b"echo");
    icmpv4::fill_checksum(&mut message);
    let hosts = Hosts { src: from.parse().unwrap(), dst: to.parse().unwrap() };
    frames::packet(hosts, IpProtocol::ICMP, 64, &message)
}

/// An error about `packet`, sent by `from` to the packet's source.
fn unreachable(from: &str, packet: &[u8]) -> Bytes {
    let to = Ipv4Packet::parse_quoted(packet).unwrap().src();
    let mut message = Vec::new();
    Icmpv4Header::DestinationUnreachable { code: icmpv4::PORT_UNREACHABLE, next_hop_mtu: 0 }.emit(&mut message);
    message.extend_from_slice(packet);
    icmpv4::fill_checksum(&mut message);
    frames::packet(Hosts { src: from.parse().unwrap(), dst: to.into() }, IpProtocol::ICMP, 64, &message)
}

/// What left, by ports: `in: 203.0.113.7:53 > 192.168.1.10:5000 ...`.
fn line(out: &[(usize, Vec<u8>)]) -> String {
    let lines = out.iter().map(|(port, packet)| {
        let stations = Stations { src: hardware(0), dst: hardware(0) };
        let frame = frames::around(stations, packet);
        let prefix = if *port == INSIDE { "in: " } else { "out: " };
        Notation { prefix, relative: Relative::default(), full: true }.frame(&frame).to_string()
    });
    lines.collect::<Vec<_>>().join("\n")
}
