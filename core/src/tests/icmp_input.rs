//! What an ICMP error that arrives does to a socket (RFC 1122 sections 3.2.2 and 4.1.3.3, RFC 5927).

use alloc::vec::Vec;
use rstest::rstest;

use super::rig::*;
use crate::error::SocketError;
use crate::event::Readiness;
use crate::wire::icmpv4::Icmpv4Header;
use crate::wire::icmpv6::Icmpv6Header;
use crate::{DropReason, Duration, Event, UdpHandle, Verdict};

/// A socket on port 5000 that is connected to the peer's port 7, and the datagram it has sent.
fn connected(v6: bool) -> (Rig, UdpHandle, Vec<u8>) {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let (local, peer) = if v6 { ("[::]:5000", "[2001:db8::1]:7") } else { ("0.0.0.0:5000", "192.0.2.1:7") };
    let handle = rig.udp_bind(local);
    rig.stack.udp(handle).unwrap().connect(Some(socket(peer))).unwrap();
    let now = rig.now;
    rig.stack.udp(handle).unwrap().send(now, b"hello", None).unwrap();
    let datagram = rig.frames().remove(0).split_off(14);
    (rig, handle, datagram)
}

fn unreachable(code: u8) -> Icmpv4Header {
    Icmpv4Header::DestinationUnreachable { code, next_hop_mtu: 0 }
}

#[rstest]
#[case::port(unreachable(3), SocketError::Refused)]
#[case::network(unreachable(0), SocketError::NetworkUnreachable)]
#[case::host(unreachable(1), SocketError::HostUnreachable)]
#[case::protocol(unreachable(2), SocketError::ProtocolUnreachable)]
#[case::source_route_failed(unreachable(5), SocketError::HostUnreachable)]
#[case::network_unknown(unreachable(6), SocketError::NetworkUnreachable)]
#[case::host_unknown(unreachable(7), SocketError::HostUnreachable)]
#[case::source_isolated(unreachable(8), SocketError::HostUnreachable)]
#[case::network_prohibited(unreachable(9), SocketError::Prohibited)]
#[case::host_prohibited(unreachable(10), SocketError::Prohibited)]
#[case::network_for_tos(unreachable(11), SocketError::NetworkUnreachable)]
#[case::host_for_tos(unreachable(12), SocketError::HostUnreachable)]
#[case::prohibited(unreachable(13), SocketError::Prohibited)]
#[case::precedence_violation(unreachable(14), SocketError::Prohibited)]
#[case::precedence_cutoff(unreachable(15), SocketError::Prohibited)]
#[case::ttl(Icmpv4Header::TimeExceeded { code: 0 }, SocketError::HostUnreachable)]
#[case::reassembly(Icmpv4Header::TimeExceeded { code: 1 }, SocketError::HostUnreachable)]
#[case::parameter_problem(Icmpv4Header::ParameterProblem { code: 0, pointer: 20 }, SocketError::ProtocolError)]
fn a_connected_socket_is_told(#[case] header: Icmpv4Header, #[case] error: SocketError) {
    let (mut rig, handle, datagram) = connected(false);
    assert_eq!(rig.receive_packet(&icmpv4_packet(PEER_V4, OUR_V4, header, &datagram)), Verdict::Accepted);
    assert_eq!(rig.events(), [Event::Udp(handle, Readiness::ERROR | Readiness::READABLE)]);
    assert_eq!(rig.udp_error(handle), Some(error));
    assert_eq!(rig.udp_error(handle), None);
}

#[rstest]
#[case::port(Icmpv6Header::DestinationUnreachable { code: 4 }, SocketError::Refused)]
#[case::address(Icmpv6Header::DestinationUnreachable { code: 3 }, SocketError::HostUnreachable)]
#[case::no_route(Icmpv6Header::DestinationUnreachable { code: 0 }, SocketError::NetworkUnreachable)]
#[case::prohibited(Icmpv6Header::DestinationUnreachable { code: 1 }, SocketError::Prohibited)]
#[case::beyond_scope(Icmpv6Header::DestinationUnreachable { code: 2 }, SocketError::HostUnreachable)]
#[case::policy(Icmpv6Header::DestinationUnreachable { code: 5 }, SocketError::Prohibited)]
#[case::rejected(Icmpv6Header::DestinationUnreachable { code: 6 }, SocketError::Prohibited)]
#[case::hop_limit(Icmpv6Header::TimeExceeded { code: 0 }, SocketError::HostUnreachable)]
#[case::next_header(Icmpv6Header::ParameterProblem { code: 1, pointer: 6 }, SocketError::ProtocolUnreachable)]
#[case::option(Icmpv6Header::ParameterProblem { code: 2, pointer: 40 }, SocketError::ProtocolError)]
fn a_connected_ipv6_socket_is_told(#[case] header: Icmpv6Header, #[case] error: SocketError) {
    let (mut rig, handle, datagram) = connected(true);
    let mut message = Vec::new();
    header.emit(&mut message);
    message.extend_from_slice(&datagram);
    assert_eq!(rig.receive_packet(&icmpv6_packet(PEER_V6, OUR_V6, 64, message)), Verdict::Accepted);
    assert_eq!(rig.udp_error(handle), Some(error));
}

/// A router on the way tells as well as the peer; and 8 bytes of the datagram are all that RFC 792 promises.
#[test]
fn a_router_with_a_short_quote_is_believed() {
    let (mut rig, handle, datagram) = connected(false);
    let packet = icmpv4_packet([198, 51, 100, 1].into(), OUR_V4, unreachable(1), &datagram[..28]);
    assert_eq!(rig.receive_packet(&packet), Verdict::Accepted);
    assert_eq!(rig.udp_error(handle), Some(SocketError::HostUnreachable));
}

/// RFC 5927 section 4: what quotes no datagram that we can have sent is no news.
#[rstest]
#[case::another_peer(16, 193)]
#[case::another_peers_port(23, 8)]
#[case::another_port_of_ours(21, 0x89)]
#[case::another_source(15, 3)]
#[case::another_protocol(9, 132)]
fn an_error_about_somebody_elses_packet_is_dropped(#[case] at: usize, #[case] byte: u8) {
    let (mut rig, handle, mut datagram) = connected(false);
    datagram[at] = byte;
    let packet = icmpv4_packet(PEER_V4, OUR_V4, unreachable(3), &datagram);
    assert_eq!(rig.receive_packet(&packet), Verdict::Dropped(DropReason::Icmpv4NoFlow));
    assert_eq!(rig.udp_error(handle), None);
}

/// An unconnected socket is told in its queue of errors only: no call of its own would be the right one.
#[test]
fn an_unconnected_socket_is_told_of_each() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let handle = rig.udp_bind("0.0.0.0:5000");
    let mut datagrams = Vec::new();
    for to in ["192.0.2.1:7", "192.0.2.1:8"] {
        rig.udp_send(handle, b"hello", to).unwrap();
        datagrams.push(rig.frames().remove(0).split_off(14));
    }
    rig.now += Duration::from_millis(5);
    let router = [198, 51, 100, 1].into();
    assert_eq!(rig.receive_packet(&icmpv4_packet(router, OUR_V4, unreachable(13), &datagrams[1])), Verdict::Accepted);
    let _ = rig.receive_packet(&icmpv4_packet(PEER_V4, OUR_V4, unreachable(3), &datagrams[0]));
    assert_eq!(rig.events(), [Event::Udp(handle, Readiness::ERROR | Readiness::READABLE)]);
    assert_eq!(rig.udp_error(handle), None);
    let at = rig.now;
    let mut udp = rig.stack.udp(handle).unwrap();
    let first = udp.recv_error().unwrap();
    assert_eq!((first.error, first.destination, first.at), (SocketError::Prohibited, socket("192.0.2.1:8"), at));
    let report = first.report.unwrap();
    assert_eq!((report.from, report.kind, report.code, report.mtu), (router.into(), 3, 13, None));
    let second = udp.recv_error().unwrap();
    assert_eq!((second.error, second.destination), (SocketError::Refused, socket("192.0.2.1:7")));
    assert_eq!(udp.recv_error(), None);
}

/// Errors wait in a queue of sixteen, the rest is counted.
#[test]
fn the_queue_of_errors_is_bounded() {
    let (mut rig, handle, datagram) = connected(false);
    for _ in 0..20 {
        let _ = rig.receive_packet(&icmpv4_packet(PEER_V4, OUR_V4, unreachable(3), &datagram));
    }
    let mut udp = rig.stack.udp(handle).unwrap();
    assert_eq!(core::iter::from_fn(|| udp.recv_error()).count(), 16);
    assert_eq!(rig.drops(DropReason::UdpErrorQueueFull), 4);
}

/// Of the destinations of an unconnected socket the last sixteen are remembered: an error about an earlier
/// one is nobody's (RFC 5927 section 4.1).
#[test]
fn the_destinations_that_are_remembered_are_bounded() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let handle = rig.udp_bind("0.0.0.0:5000");
    let mut datagrams = Vec::new();
    for port in 1..=17 {
        rig.udp_send(handle, b"hello", &alloc::format!("192.0.2.1:{port}")).unwrap();
        datagrams.push(rig.frames().remove(0).split_off(14));
    }
    assert_eq!(rig.counter("udp.destinations_forgotten"), 1);
    let report = |datagram: &[u8]| icmpv4_packet(PEER_V4, OUR_V4, unreachable(3), datagram);
    assert_eq!(rig.receive_packet(&report(&datagrams[0])), Verdict::Dropped(DropReason::Icmpv4NoFlow));
    assert_eq!(rig.receive_packet(&report(&datagrams[1])), Verdict::Accepted);
}

/// What this host finds out itself is told alike, without a report.
#[test]
fn a_neighbor_that_does_not_answer() {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:5000");
    rig.udp_send(handle, b"hello", "192.0.2.77:7").unwrap();
    rig.pass(Duration::from_secs(4));
    assert_eq!(rig.udp_error(handle), Some(SocketError::HostUnreachable));
    let told = rig.stack.udp(handle).unwrap().recv_error().unwrap();
    assert_eq!((told.error, told.destination), (SocketError::HostUnreachable, socket("192.0.2.77:7")));
    assert_eq!(told.report, None);
}

/// RFC 4884: the objects behind the quote reach the application, and are not taken for a part of it.
#[test]
fn extensions_are_told() {
    let (mut rig, handle, mut datagram) = connected(false);
    datagram.resize(128, 0);
    // An MPLS label stack (RFC 4950) of one entry.
    let mut structure = Vec::from([0x20, 0, 0, 0, 0, 8, 1, 1, 0x00, 0x01, 0x01, 0xff]);
    let sum = crate::wire::checksum::of(&structure);
    structure[2..4].copy_from_slice(&sum.to_be_bytes());
    let mut message = Vec::from([11, 0, 0, 0, 0, 32, 0, 0]);
    message.extend_from_slice(&datagram);
    message.extend_from_slice(&structure);
    crate::wire::icmpv4::fill_checksum(&mut message);
    let packet = ipv4_packet([198, 51, 100, 1].into(), OUR_V4, crate::wire::ipv4::IpProtocol::ICMP, &message);
    assert_eq!(rig.receive_packet(&packet), Verdict::Accepted);
    let report = rig.stack.udp(handle).unwrap().recv_error().unwrap().report.unwrap();
    let objects: Vec<_> = report.extensions().map(|object| (object.class, object.kind, object.payload.len())).collect();
    assert_eq!(objects, [(1, 1, 4)]);
}

/// A code that nobody has assigned tells nothing (RFC 1122 section 3.2.2).
#[test]
fn an_unknown_code_is_ignored() {
    let (mut rig, handle, datagram) = connected(false);
    let packet = icmpv4_packet(PEER_V4, OUR_V4, unreachable(16), &datagram);
    assert_eq!(rig.receive_packet(&packet), Verdict::Dropped(DropReason::Icmpv4Type));
    assert_eq!(rig.udp_error(handle), None);
}

#[rstest]
#[case::nothing_quoted(0, DropReason::Icmpv4Truncated)]
#[case::half_a_header_quoted(19, DropReason::Icmpv4Truncated)]
#[case::no_ports_quoted(23, DropReason::Icmpv4NoFlow)]
fn quotes_that_are_too_short(#[case] len: usize, #[case] reason: DropReason) {
    let (mut rig, _, datagram) = connected(false);
    let packet = icmpv4_packet(PEER_V4, OUR_V4, unreachable(3), &datagram[..len]);
    assert_eq!(rig.receive_packet(&packet), Verdict::Dropped(reason));
}
