//! What RFC 4787, 5382 and 5508 want of a NAT, on frames.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use bytes::Bytes;
use rstest::rstest;
use tickwire_core::Instant;
use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::wire::arp::{ArpHeader, ArpOperation, ArpPacket};
use tickwire_core::wire::ethernet::{self, EtherType, EthernetAddress, EthernetFrame};
use tickwire_core::wire::icmpv4::{self, Icmpv4Header, Icmpv4Message};
use tickwire_core::wire::ipv4::{IpProtocol, Ipv4Header, Ipv4Packet};
use tickwire_core::wire::notation::{Notation, Relative};
use tickwire_core::wire::tcp::{TcpFlags, TcpHeader, TcpSegment};
use tickwire_core::wire::tcp_options::TcpOptions;
use tickwire_core::wire::udp::UdpDatagram;

use super::neighbors::WAITING;
use super::{Filtering, Nat, NatConfig, NatDrop, Outbox, Side};
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

#[test]
fn a_datagram_leaves_with_the_outside_address_and_the_answer_comes_back() {
    let mut bench = Bench::new(config());
    assert_eq!(
        bench.udp(INSIDE, "192.168.1.10:5000", "203.0.113.7:53"),
        "out: 203.0.113.1:5000 > 203.0.113.7:53 udp (4)"
    );
    assert_eq!(
        bench.udp(OUTSIDE, "203.0.113.7:53", "203.0.113.1:5000"),
        "in: 203.0.113.7:53 > 192.168.1.10:5000 udp (4)"
    );
    let counters = bench.nat.counters();
    assert_eq!((counters.outbound, counters.inbound), (1, 1));
}

/// RFC 4787 REQ-1: one inside endpoint, one outside endpoint, whoever the remote is.
#[test]
fn mapping_is_endpoint_independent() {
    let mut bench = Bench::new(config());
    for remote in ["203.0.113.7:53", "203.0.113.7:54", "198.51.100.9:53"] {
        let sent = bench.udp(INSIDE, "192.168.1.10:5000", remote);
        assert_eq!(sent, format!("out: 203.0.113.1:5000 > {remote} udp (4)"));
    }
    assert_eq!(bench.nat.sessions(), 3);
}

/// RFC 4787 REQ-3 and REQ-4: no port is shared; range and parity are kept.
#[rstest]
#[case::even(5_000, 5_002)]
#[case::odd(5_001, 5_003)]
#[case::well_known(1_023, 1)]
#[case::last(65_535, 1_025)]
fn a_taken_port_is_replaced_by_one_of_its_kind(#[case] port: u16, #[case] second: u16) {
    let mut bench = Bench::new(config());
    let mut source = |host: u8| {
        let sent = bench.udp(INSIDE, &format!("192.168.1.{host}:{port}"), "203.0.113.7:53");
        sent.split(' ').nth(1).unwrap().to_owned()
    };
    assert_eq!(source(10), format!("203.0.113.1:{port}"));
    assert_eq!(source(11), format!("203.0.113.1:{second}"));
}

#[rstest]
#[case::endpoint_independent(Filtering::EndpointIndependent, [true, true, true])]
#[case::address_dependent(Filtering::AddressDependent, [true, true, false])]
#[case::address_and_port_dependent(Filtering::AddressAndPortDependent, [true, false, false])]
fn who_is_heard(#[case] filtering: Filtering, #[case] passes: [bool; 3]) {
    let mut bench = Bench::new(NatConfig { filtering, ..config() });
    bench.udp(INSIDE, "192.168.1.10:5000", "203.0.113.7:53");
    let remotes = ["203.0.113.7:53", "203.0.113.7:99", "203.0.113.254:53"];
    let passed = remotes.map(|remote| !bench.udp(OUTSIDE, remote, "203.0.113.1:5000").is_empty());
    assert_eq!(passed, passes);
    assert_eq!(bench.dropped(NatDrop::Filtered), passes.iter().filter(|passes| !**passes).count() as u64);
}

/// RFC 4787 REQ-5 and REQ-6: five minutes, refreshed by what leaves and not by what comes.
#[test]
fn a_udp_mapping_lasts_five_minutes_from_the_last_datagram_sent() {
    let mut bench = Bench::new(config());
    let answer = |bench: &mut Bench| bench.udp(OUTSIDE, "203.0.113.7:53", "203.0.113.1:5000");
    bench.udp(INSIDE, "192.168.1.10:5000", "203.0.113.7:53");
    bench.after(Duration::from_secs(200)).udp(INSIDE, "192.168.1.10:5000", "203.0.113.7:53");
    assert_ne!(answer(bench.after(Duration::from_secs(200))), "");
    assert_ne!(answer(bench.after(Duration::from_nanos(99_999_999_999))), "");
    assert_eq!(answer(bench.after(Duration::from_nanos(1))), "");
    assert_eq!((bench.dropped(NatDrop::NoMapping), bench.nat.counters().expired, bench.nat.sessions()), (1, 1, 0));
}

/// RFC 5382 REQ-5: 2 h 4 min once both SYNs have passed; 4 min before, after both FINs, and after a RST.
#[rstest]
#[case::opening(&[], 4 * 60)]
#[case::established(&[(OUTSIDE, TcpFlags::SYN), (INSIDE, TcpFlags::empty())], 124 * 60)]
#[case::half_closed(&[(OUTSIDE, TcpFlags::SYN), (INSIDE, TcpFlags::FIN)], 124 * 60)]
#[case::closed(&[(OUTSIDE, TcpFlags::SYN), (INSIDE, TcpFlags::FIN), (OUTSIDE, TcpFlags::FIN)], 4 * 60)]
#[case::reset(&[(OUTSIDE, TcpFlags::SYN), (OUTSIDE, TcpFlags::RST)], 4 * 60)]
#[case::opened_again(
    &[(OUTSIDE, TcpFlags::SYN), (OUTSIDE, TcpFlags::RST), (INSIDE, TcpFlags::SYN), (OUTSIDE, TcpFlags::SYN)],
    124 * 60
)]
fn a_tcp_session_lasts(#[case] segments: &[(usize, TcpFlags)], #[case] seconds: u64) {
    let mut bench = Bench::new(config());
    let (inside, remote, outside) = ("192.168.1.10:5000", "203.0.113.7:80", "203.0.113.1:5000");
    assert!(
        bench.tcp(INSIDE, inside, remote, TcpFlags::SYN).starts_with("out: 203.0.113.1:5000 > 203.0.113.7:80 tcp S")
    );
    for (port, flags) in segments {
        let (from, to) = if *port == INSIDE { (inside, remote) } else { (remote, outside) };
        assert_ne!(bench.tcp(*port, from, to, *flags | TcpFlags::ACK), "");
    }
    let nearly = Duration::from_nanos(seconds * 1_000_000_000 - 1);
    let segment = |bench: &mut Bench| bench.tcp(OUTSIDE, remote, outside, TcpFlags::ACK);
    let mut later = Bench { nat: bench.nat.clone(), now: bench.now };
    assert_ne!(segment(later.after(nearly)), "");
    assert_eq!(segment(bench.after(nearly).after(Duration::from_nanos(1))), "");
}

#[test]
fn a_connection_is_not_picked_up_in_its_middle() {
    let mut bench = Bench::new(config());
    assert_eq!(bench.tcp(INSIDE, "192.168.1.10:5000", "203.0.113.7:80", TcpFlags::ACK), "");
    assert_eq!(bench.dropped(NatDrop::NoSession), 1);
}

/// RFC 5508 REQ-2.
#[test]
fn an_echo_leaves_and_comes_back_within_a_minute() {
    let mut bench = Bench::new(config());
    let request = echo(Icmpv4Header::EchoRequest { id: 7, seq: 1 }, "192.168.1.10", "203.0.113.7");
    let reply = echo(Icmpv4Header::EchoReply { id: 7, seq: 1 }, "203.0.113.7", "203.0.113.1");
    assert_eq!(
        line(&bench.packet(INSIDE, &request)),
        "out: 203.0.113.1 > 203.0.113.7 icmp echo request id 7 seq 1 (4)"
    );
    // The other host's requests get an identifier of their own.
    let other = echo(Icmpv4Header::EchoRequest { id: 7, seq: 1 }, "192.168.1.11", "203.0.113.7");
    assert_eq!(line(&bench.packet(INSIDE, &other)), "out: 203.0.113.1 > 203.0.113.7 icmp echo request id 8 seq 1 (4)");
    bench.now = Instant::from_nanos(59_999_999_999);
    assert_eq!(line(&bench.packet(OUTSIDE, &reply)), "in: 203.0.113.7 > 192.168.1.10 icmp echo reply id 7 seq 1 (4)");
    bench.after(Duration::from_nanos(1));
    assert_eq!(line(&bench.packet(OUTSIDE, &reply)), "");
}

/// RFC 4787 REQ-9: with the outside endpoint as the source.
#[test]
fn hairpin() {
    let mut bench = Bench::new(NatConfig { filtering: Filtering::EndpointIndependent, ..config() });
    bench.udp(INSIDE, "192.168.1.11:9000", "203.0.113.7:53");
    let sent = bench.udp(INSIDE, "192.168.1.10:5000", "203.0.113.1:9000");
    assert_eq!(sent, "in: 203.0.113.1:5000 > 192.168.1.11:9000 udp (4)");
    let back = bench.udp(INSIDE, "192.168.1.11:9000", "203.0.113.1:5000");
    assert_eq!(back, "in: 203.0.113.1:9000 > 192.168.1.10:5000 udp (4)");
    assert_eq!(bench.nat.counters().hairpinned, 2);
}

/// RFC 5382 REQ-4: silence for six seconds, then Port Unreachable.
#[test]
fn an_unsolicited_syn_is_refused_after_six_seconds() {
    let mut bench = Bench::new(config());
    assert_eq!(bench.tcp(OUTSIDE, "203.0.113.7:80", "203.0.113.1:5000", TcpFlags::SYN), "");
    assert_eq!(bench.nat.deadline(), Some(at(6_000)));
    let mut out = Outbox::new();
    bench.nat.expire(Instant::from_nanos(5_999_999_999), &mut out);
    assert_eq!(out, []);
    bench.nat.expire(at(6_000), &mut out);
    let [(OUTSIDE, frame)] = &out[..] else { panic!("one error, not {out:?}") };
    let packet = EthernetFrame::parse(frame).unwrap().payload();
    check(packet);
    let message = Icmpv4Message::parse(Ipv4Packet::parse(packet).unwrap().payload()).unwrap();
    assert_eq!((message.kind(), message.code()), (3, icmpv4::PORT_UNREACHABLE));
    assert_eq!(message.quoted().unwrap().src(), Ipv4Addr::new(203, 0, 113, 7));
    assert_eq!(bench.nat.deadline(), None);
}

/// RFC 5382 REQ-2 and REQ-4: both open at once; the early SYN is forgotten.
#[test]
fn simultaneous_open() {
    let mut bench = Bench::new(config());
    bench.tcp(OUTSIDE, "203.0.113.7:80", "203.0.113.1:5000", TcpFlags::SYN);
    assert_ne!(bench.tcp(INSIDE, "192.168.1.10:5000", "203.0.113.7:80", TcpFlags::SYN), "");
    assert_eq!(bench.nat.deadline(), None);
    let again = bench.tcp(OUTSIDE, "203.0.113.7:80", "203.0.113.1:5000", TcpFlags::SYN);
    assert!(again.starts_with("in: 203.0.113.7:80 > 192.168.1.10:5000 tcp S"), "{again}");
}

/// RFC 5508 REQ-4: of the packet that is quoted too; the quote may end after 8 bytes of payload.
#[rstest]
fn an_error_from_outside(#[values(false, true)] short: bool) {
    let mut bench = Bench::new(config());
    let sent = bench.packet(INSIDE, &datagram(end("192.168.1.10:5000"), end("203.0.113.7:53"), b"ping"));
    let quote = if short { &sent[0].1[..28] } else { &sent[0].1[..] };
    let passed = bench.packet(OUTSIDE, &unreachable("203.0.113.254", quote));
    let [(INSIDE, packet)] = &passed[..] else { panic!("one packet inside, not {passed:?}") };
    let view = Ipv4Packet::parse(packet).unwrap();
    assert_eq!((view.src(), view.dst()), (Ipv4Addr::new(203, 0, 113, 254), Ipv4Addr::new(192, 168, 1, 10)));
    let quoted = Icmpv4Message::parse(view.payload()).unwrap().quoted().unwrap();
    assert_eq!((quoted.src(), &quoted.payload()[..2]), (Ipv4Addr::new(192, 168, 1, 10), &5_000_u16.to_be_bytes()[..]));
    assert_eq!(bench.nat.counters().errors, 1);
}

/// RFC 5508 REQ-5.
#[test]
fn an_error_from_inside() {
    let mut bench = Bench::new(config());
    bench.udp(INSIDE, "192.168.1.11:5000", "203.0.113.7:9");
    bench.udp(INSIDE, "192.168.1.10:5000", "203.0.113.7:53");
    // The second host's port is 5002 outside.
    let came = bench.packet(OUTSIDE, &datagram(end("203.0.113.7:53"), end("203.0.113.1:5002"), b"pong"));
    let passed = bench.packet(INSIDE, &unreachable("192.168.1.10", &came[0].1));
    let [(OUTSIDE, packet)] = &passed[..] else { panic!("one packet outside, not {passed:?}") };
    let view = Ipv4Packet::parse(packet).unwrap();
    assert_eq!((view.src(), view.dst()), (EXTERNAL, Ipv4Addr::new(203, 0, 113, 7)));
    let quoted = Icmpv4Message::parse(view.payload()).unwrap().quoted().unwrap();
    assert_eq!((quoted.dst(), &quoted.payload()[2..4]), (EXTERNAL, &5_002_u16.to_be_bytes()[..]));
}

/// RFC 5508 REQ-7.
#[test]
fn an_error_about_a_hairpinned_packet() {
    let mut bench = Bench::new(NatConfig { filtering: Filtering::EndpointIndependent, ..config() });
    bench.udp(INSIDE, "192.168.1.11:9000", "203.0.113.7:53");
    let came = bench.packet(INSIDE, &datagram(end("192.168.1.10:5000"), end("203.0.113.1:9000"), b"ping"));
    let passed = bench.packet(INSIDE, &unreachable("192.168.1.11", &came[0].1));
    let [(INSIDE, packet)] = &passed[..] else { panic!("one packet inside, not {passed:?}") };
    let view = Ipv4Packet::parse(packet).unwrap();
    assert_eq!((view.src(), view.dst()), (EXTERNAL, Ipv4Addr::new(192, 168, 1, 10)));
    let quoted = Icmpv4Message::parse(view.payload()).unwrap().quoted().unwrap();
    assert_eq!((quoted.src(), quoted.dst()), (Ipv4Addr::new(192, 168, 1, 10), EXTERNAL));
    assert_eq!(quoted.payload()[..4], [5_000_u16.to_be_bytes(), 9_000_u16.to_be_bytes()].concat());
}

/// RFC 5508 REQ-3 and REQ-4: an error that is damaged, or about nothing known, goes nowhere.
#[rstest]
#[case::no_mapping(NatDrop::NoMapping, |_: &mut Vec<u8>| {}, false)]
#[case::checksum(NatDrop::Malformed, |packet: &mut Vec<u8>| *packet.last_mut().unwrap() ^= 1, true)]
fn an_error_that_is_not_believed(#[case] reason: NatDrop, #[case] damage: fn(&mut Vec<u8>), #[case] known: bool) {
    let mut bench = Bench::new(config());
    if known {
        bench.udp(INSIDE, "192.168.1.10:5000", "203.0.113.7:53");
    }
    let mut error =
        unreachable("203.0.113.7", &datagram(end("203.0.113.1:5000"), end("203.0.113.7:53"), b"ping")).to_vec();
    damage(&mut error);
    let stations = Stations { src: hardware(7), dst: hardware(0xb0) };
    assert_eq!(bench.frame(OUTSIDE, &frames::around(stations, &error)), []);
    assert_eq!(bench.dropped(reason), 1);
}

/// A datagram in two fragments of 16 and 8 bytes of payload.
fn fragments(from: &str, to: &str, id: u16) -> [Vec<u8>; 2] {
    let (from, to) = (end(from), end(to));
    let whole = frames::datagram((from.into(), to.into()), &[1; 16]);
    [(0, 16), (16, 24)].map(|(start, stop): (usize, usize)| {
        let mut packet = Vec::new();
        Ipv4Header {
            tos: 0,
            payload_len: (stop - start) as u16,
            id,
            dont_fragment: false,
            more_fragments: stop < whole.len(),
            fragment_offset: start as u16,
            ttl: 64,
            protocol: IpProtocol::UDP,
            src: *from.ip(),
            dst: *to.ip(),
        }
        .emit(&mut packet);
        packet.extend_from_slice(&whole[start..stop]);
        packet
    })
}

/// RFC 4787 REQ-14: whichever comes first. Put together they are a datagram with a right checksum.
#[rstest]
#[case::in_order([0, 1])]
#[case::out_of_order([1, 0])]
fn fragments_pass(#[case] order: [usize; 2]) {
    let mut bench = Bench::new(config());
    let cut = fragments("192.168.1.10:5000", "203.0.113.7:53", 99);
    let mut sent: Vec<_> = order.iter().flat_map(|which| bench.packet(INSIDE, &cut[*which])).collect();
    sent.sort_by_key(|(_, packet)| Ipv4Packet::parse(packet).unwrap().fragment_offset());
    let views: Vec<_> = sent.iter().map(|(_, packet)| Ipv4Packet::parse(packet).unwrap()).collect();
    let [first, second] = &views[..] else { panic!("two fragments, not {sent:?}") };
    assert_eq!((first.src(), second.src(), first.id()), (EXTERNAL, EXTERNAL, second.id()));
    let whole = [first.payload(), second.payload()].concat();
    let sum =
        frames::pseudo_header(Hosts { src: EXTERNAL.into(), dst: first.dst().into() }, IpProtocol::UDP, whole.len());
    assert!(UdpDatagram::parse(&whole).unwrap().verify_checksum(sum));
}

/// RFC 6864 section 5.3.1: two hosts that use one identification do not share it outside.
#[test]
fn identifications_are_numbered_anew_outside() {
    let mut bench = Bench::new(config());
    let ids = ["192.168.1.10:5000", "192.168.1.11:5001"].map(|from| {
        let [first, _] = fragments(from, "203.0.113.7:53", 99);
        let sent = bench.packet(INSIDE, &first);
        Ipv4Packet::parse(&sent[0].1).unwrap().id()
    });
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn a_fragment_waits_thirty_seconds_for_the_first_and_only_so_many_wait() {
    let mut bench = Bench::new(config());
    for id in 0..65 {
        let [_, second] = fragments("192.168.1.10:5000", "203.0.113.7:53", id);
        assert_eq!(bench.packet(INSIDE, &second), []);
    }
    assert_eq!(bench.dropped(NatDrop::FragmentsFull), 1);
    let [first, second] = fragments("192.168.1.10:5000", "203.0.113.7:53", 0);
    bench.now = Instant::from_nanos(29_999_999_999);
    assert_eq!(bench.packet(INSIDE, &second), []);
    bench.now = at(30_000);
    assert_eq!(bench.packet(INSIDE, &first).len(), 1);
    assert_eq!(bench.dropped(NatDrop::FragmentTimeout), 65);
}

#[test]
fn a_full_table_takes_no_new_session_and_serves_the_old_ones() {
    let mut bench = Bench::new(NatConfig { sessions_max: 2, ..config() });
    let mut send = |remote: &str| !bench.udp(INSIDE, "192.168.1.10:5000", remote).is_empty();
    assert_eq!(
        ["203.0.113.7:1", "203.0.113.7:2", "203.0.113.7:3", "203.0.113.7:1"].map(&mut send),
        [true, true, false, true]
    );
    assert_eq!((bench.dropped(NatDrop::TableFull), bench.nat.sessions()), (1, 2));
}

#[test]
fn a_router_of_one_hop() {
    let mut bench = Bench::new(config());
    let mut packet = datagram(end("192.168.1.10:5000"), end("203.0.113.7:53"), b"ping").to_vec();
    assert_eq!(Ipv4Packet::parse(&bench.packet(INSIDE, &packet)[0].1).unwrap().ttl(), 63);
    packet[8] = 1;
    tickwire_core::wire::ipv4::fill_checksum(&mut packet);
    let exceeded = bench.packet(INSIDE, &packet);
    let [(INSIDE, exceeded)] = &exceeded[..] else { panic!("one error, not {exceeded:?}") };
    let view = Ipv4Packet::parse(exceeded).unwrap();
    assert_eq!((view.src(), view.payload()[0]), (Ipv4Addr::new(192, 168, 1, 1), 11));
    assert_eq!(bench.dropped(NatDrop::TtlExceeded), 1);
}

#[test]
fn echo_requests_for_its_own_addresses_are_answered() {
    let mut bench = Bench::new(config());
    let request = |from, to| echo(Icmpv4Header::EchoRequest { id: 7, seq: 1 }, from, to);
    for (port, from, to) in [(INSIDE, "192.168.1.10", "192.168.1.1"), (OUTSIDE, "203.0.113.7", "203.0.113.1")] {
        let prefix = if port == INSIDE { "in" } else { "out" };
        let expected = format!("{prefix}: {to} > {from} icmp echo reply id 7 seq 1 (4)");
        assert_eq!(line(&bench.packet(port, &request(from, to))), expected);
    }
    // The inside is not to be seen from outside.
    assert_eq!(line(&bench.packet(OUTSIDE, &request("203.0.113.7", "192.168.1.1"))), "");
}

/// A neighbor is asked for three times, a second apart; so many packets wait, the oldest goes first.
#[test]
fn packets_wait_for_their_neighbor() {
    let mut bench = Bench::new(config());
    let to = end("203.0.113.8:53");
    let waiting = WAITING as u8;
    for byte in 0..=waiting {
        let packet = datagram(end("192.168.1.10:5000"), to, &[byte]);
        let stations = Stations { src: hardware(10), dst: hardware(0xa0) };
        let out = bench.frame(INSIDE, &frames::around(stations, &packet));
        assert_eq!(out.len(), usize::from(byte == 0), "one request");
    }
    assert_eq!(bench.dropped(NatDrop::Unresolved), 1);
    let mut given_up = bench.nat.clone();
    let mut out = Outbox::new();
    for second in 1..=3 {
        assert_eq!(given_up.deadline(), Some(at(second * 1_000)));
        given_up.expire(at(second * 1_000), &mut out);
    }
    assert_eq!(out.len(), 2);
    assert_eq!((given_up.deadline(), given_up.counters().dropped[&NatDrop::Unresolved]), (None, 1 + WAITING as u64));
    let reply = ArpHeader {
        operation: ArpOperation::Reply,
        sender_hardware: hardware(8),
        sender_protocol: *to.ip(),
        target_hardware: hardware(0xb0),
        target_protocol: EXTERNAL,
    };
    let sent = bench.frame(OUTSIDE, &frames::arp(hardware(0xb0), &reply));
    let views = sent.iter().map(|(_, frame)| EthernetFrame::parse(frame).unwrap());
    let last_bytes: Vec<_> = views.map(|view| (view.dst(), *view.payload().last().unwrap())).collect();
    let expected: Vec<_> = (1..=waiting).map(|byte| (hardware(8), byte)).collect();
    assert_eq!(last_bytes, expected);
}

#[rstest]
#[case::foreign_source(INSIDE, "10.0.0.1:1", "203.0.113.7:1", NatDrop::Martian)]
#[case::own_source(OUTSIDE, "203.0.113.1:1", "203.0.113.1:2", NatDrop::Martian)]
#[case::inside_address_from_outside(OUTSIDE, "192.168.1.10:1", "203.0.113.1:2", NatDrop::Martian)]
#[case::neighbor(INSIDE, "192.168.1.10:1", "192.168.1.11:1", NatDrop::NotForUs)]
#[case::group(INSIDE, "192.168.1.10:1", "224.0.0.251:5353", NatDrop::NotForUs)]
#[case::unmapped(OUTSIDE, "203.0.113.7:1", "203.0.113.1:2", NatDrop::NoMapping)]
fn what_does_not_pass(#[case] port: usize, #[case] from: &str, #[case] to: &str, #[case] reason: NatDrop) {
    let mut bench = Bench::new(config());
    assert_eq!(bench.udp(port, from, to), "");
    assert_eq!(bench.dropped(reason), 1);
}

#[test]
fn without_a_gateway_there_is_no_way_beyond_the_link() {
    let mut bench = Bench::new(NatConfig { gateway: None, ..config() });
    assert_eq!(bench.udp(INSIDE, "192.168.1.10:1", "198.51.100.1:1"), "");
    assert_eq!((bench.dropped(NatDrop::NoRoute), bench.nat.sessions()), (1, 0));
}

#[test]
fn other_protocols_and_ethertypes_do_not_pass() {
    let mut bench = Bench::new(config());
    let hosts = Hosts { src: [192, 168, 1, 10].into(), dst: [203, 0, 113, 7].into() };
    assert_eq!(bench.packet(INSIDE, &frames::packet(hosts, IpProtocol(47), 64, &[0; 8])), []);
    let stations = Stations { src: hardware(10), dst: hardware(0xa0) };
    assert_eq!(bench.frame(INSIDE, &frames::ethernet(stations, EtherType::Ipv6, &[0x60; 40])), []);
    assert_eq!((bench.dropped(NatDrop::Protocol), bench.dropped(NatDrop::NotForUs)), (1, 1));
}

/// RFC 768: no checksum stays none.
#[test]
fn a_datagram_without_a_checksum_stays_so() {
    let mut bench = Bench::new(config());
    let mut packet = datagram(end("192.168.1.10:5000"), end("203.0.113.7:53"), b"ping").to_vec();
    packet[26..28].fill(0);
    let sent = bench.packet(INSIDE, &packet);
    assert_eq!(sent[0].1[26..28], [0, 0]);
}
