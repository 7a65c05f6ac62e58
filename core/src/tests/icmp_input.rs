//! What an ICMP error that arrives does to a socket (RFC 1122 sections 3.2.2 and 4.1.3.3, RFC 5927).

use alloc::vec::Vec;
use rstest::rstest;

use super::rig::*;
use crate::error::SocketError;
use crate::event::Readiness;
use crate::wire::icmpv4::Icmpv4Header;
use crate::wire::icmpv6::Icmpv6Header;
use crate::{DropReason, Event, UdpHandle, Verdict};

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
#[case::protocol(unreachable(2), SocketError::Refused)]
#[case::host(unreachable(1), SocketError::HostUnreachable)]
#[case::network(unreachable(0), SocketError::NetworkUnreachable)]
#[case::prohibited(unreachable(13), SocketError::HostUnreachable)]
#[case::ttl(Icmpv4Header::TimeExceeded { code: 0 }, SocketError::HostUnreachable)]
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
#[case::next_header(Icmpv6Header::ParameterProblem { code: 1, pointer: 6 }, SocketError::Refused)]
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

/// An unconnected socket could not tell to which of its datagrams the error belongs.
#[test]
fn an_unconnected_socket_is_not_told() {
    let (mut rig, handle, datagram) = connected(false);
    rig.stack.udp(handle).unwrap().connect(None).unwrap();
    let packet = icmpv4_packet(PEER_V4, OUR_V4, unreachable(3), &datagram);
    assert_eq!(rig.receive_packet(&packet), Verdict::Dropped(DropReason::Icmpv4NoFlow));
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
