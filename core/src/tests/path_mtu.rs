//! What the paths take (RFC 1191, RFC 8201): the estimates, and which reports make one.

use alloc::format;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};
use rstest::rstest;

use super::rig::*;
use crate::error::{SocketError, UdpSendError};
use crate::wire::icmpv4::Icmpv4Header;
use crate::wire::icmpv6::Icmpv6Header;
use crate::{Capabilities, Config, DropReason, Duration, Limits, Route, UdpHandle, UdpOptions, Verdict};

/// A rig with the peer as its router, and a socket on port 5000.
fn routed(config: Config, v6: bool) -> (Rig, UdpHandle) {
    let mut rig = Rig::with(config, Capabilities::plain(1500));
    rig.introduce_peer();
    for (prefix, gateway) in [("0.0.0.0", IpAddr::V4(PEER_V4)), ("::", IpAddr::V6(PEER_V6))] {
        let prefix = prefix.parse().unwrap();
        rig.stack.add_route(Route::via(prefix, 0, gateway, rig.interface)).unwrap();
    }
    let handle = rig.udp_bind(if v6 { "[::]:5000" } else { "0.0.0.0:5000" });
    (rig, handle)
}

/// Sends `len` bytes to `to`; the packet as a router sees it.
fn send(rig: &mut Rig, handle: UdpHandle, to: &str, len: usize) -> Vec<u8> {
    assert_eq!(rig.udp_send(handle, &alloc::vec![0x61; len], to), Ok(()));
    rig.frames().remove(0).split_off(14)
}

/// The router drops `packet` for want of `mtu`.
fn too_big(rig: &mut Rig, packet: &[u8], mtu: u16) -> Verdict {
    let report = if packet[0] >> 4 == 4 {
        let header = Icmpv4Header::DestinationUnreachable { code: 4, next_hop_mtu: mtu };
        icmpv4_packet(PEER_V4, OUR_V4, header, &packet[..28])
    } else {
        let mut message = Vec::new();
        Icmpv6Header::PacketTooBig { mtu: mtu.into() }.emit(&mut message);
        message.extend_from_slice(&packet[..packet.len().min(1232)]);
        icmpv6_packet(PEER_V6, OUR_V6, 64, message)
    };
    rig.receive_packet(&report)
}

const FAR_V4: &str = "198.51.100.1:7";
const FAR_V6: &str = "[2001:db8:1::1]:7";

/// What is told, and what a packet to that destination then measures at most. A router that tells
/// nothing (RFC 1191 section 5) means the next plateau below the packet.
#[rstest]
#[case::told(FAR_V4, 1472, 1400, 1400)]
#[case::told_of_a_small_packet(FAR_V4, 1000, 600, 600)]
#[case::the_least_believed(FAR_V4, 1472, 552, 552)]
#[case::not_told(FAR_V4, 1472, 0, 1492)]
#[case::not_told_of_a_small_packet(FAR_V4, 1464, 0, 1006)]
#[case::told_v6(FAR_V6, 1452, 1400, 1400)]
#[case::the_least_of_ipv6(FAR_V6, 1452, 1280, 1280)]
fn a_report_makes_an_estimate(#[case] to: &str, #[case] len: usize, #[case] mtu: u16, #[case] estimate: u16) {
    let (mut rig, handle) = routed(Config::default(), to == FAR_V6);
    let packet = send(&mut rig, handle, to, len);
    assert_eq!(too_big(&mut rig, &packet, mtu), Verdict::Accepted);
    let destination = socket(to).ip();
    assert_eq!(rig.stack.path_mtu(destination), Some(estimate));
    let told: Vec<_> = rig.stack.path_mtus().map(|path| (path.destination, path.mtu, path.dont_fragment)).collect();
    assert_eq!(told, [(destination, estimate, true)]);
    assert_eq!(rig.counter("path_mtu.lowered"), 1);
}

/// It takes as many reports as there are plateaus above the path's MTU.
#[test]
fn a_router_that_never_tells() {
    let (mut rig, handle) = routed(Config::default(), false);
    let mut estimates = Vec::new();
    for _ in 0..3 {
        let mtu = rig.stack.path_mtu(socket(FAR_V4).ip()).unwrap();
        let packet = send(&mut rig, handle, FAR_V4, usize::from(mtu) - 28);
        assert_eq!(too_big(&mut rig, &packet, 0), Verdict::Accepted);
        estimates.push(rig.stack.path_mtu(socket(FAR_V4).ip()).unwrap());
    }
    assert_eq!(estimates, [1492, 1006, 552]);
    assert!(rig.stack.path_mtus().all(|path| !path.dont_fragment));
}

/// A report below 552 gains its sender no more than packets of 552 bytes that may be fragmented.
#[rstest]
#[case(551)]
#[case(296)]
#[case(68)]
fn below_552_df_is_left_out(#[case] mtu: u16) {
    let (mut rig, handle) = routed(Config::default(), false);
    let packet = send(&mut rig, handle, FAR_V4, 1472);
    assert_eq!(too_big(&mut rig, &packet, mtu), Verdict::Accepted);
    let path = rig.stack.path_mtus().next().unwrap();
    assert_eq!((path.mtu, path.dont_fragment), (552, false));
    // RFC 6864 section 4.3: what may be fragmented has an identification of its own.
    let headers: Vec<_> = (0..2).map(|_| send(&mut rig, handle, FAR_V4, 524)[4..8].to_vec()).collect();
    assert!(headers.iter().all(|header| header[2..] == [0, 0]), "DF and fragment offset");
    assert_ne!(headers[0], headers[1]);
    // Other destinations are not concerned.
    assert_eq!(send(&mut rig, handle, "198.51.100.2:7", 1472)[4..8], [0, 0, 0x40, 0]);
}

/// RFC 8201 section 4, RFC 1191 section 3: what is below the least, and what would be an increase.
#[rstest]
#[case::below_68(FAR_V4, 1472, 67)]
#[case::no_decrease(FAR_V4, 1472, 1500)]
#[case::not_exceeded(FAR_V4, 1000, 1400)]
#[case::below_1280(FAR_V6, 1452, 1279)]
#[case::nothing_told_in_ipv6(FAR_V6, 1452, 0)]
fn a_report_that_cannot_be_true(#[case] to: &str, #[case] len: usize, #[case] mtu: u16) {
    let (mut rig, handle) = routed(Config::default(), to == FAR_V6);
    let packet = send(&mut rig, handle, to, len);
    assert_eq!(too_big(&mut rig, &packet, mtu), Verdict::Dropped(DropReason::IcmpTooBig));
    assert_eq!(rig.stack.path_mtu(socket(to).ip()), Some(1500));
}

#[test]
fn an_estimate_never_rises_by_a_report() {
    let (mut rig, handle) = routed(Config::default(), false);
    let packet = send(&mut rig, handle, FAR_V4, 1472);
    let _ = too_big(&mut rig, &packet, 1000);
    assert_eq!(too_big(&mut rig, &packet, 1400), Verdict::Accepted);
    assert_eq!(rig.stack.path_mtu(socket(FAR_V4).ip()), Some(1000));
}

/// RFC 5927: a report about a datagram that no socket here has sent is nobody's.
#[test]
fn only_about_what_was_sent() {
    let (mut rig, handle) = routed(Config::default(), false);
    let packet = send(&mut rig, handle, FAR_V4, 1472);
    for (at, byte) in [(19, 2), (23, 8), (21, 0x89), (9, 132)] {
        let mut forged = packet.clone();
        forged[at] = byte;
        assert_eq!(too_big(&mut rig, &forged, 600), Verdict::Dropped(DropReason::Icmpv4NoFlow), "byte {at}");
    }
    // One of the other sockets that has sent elsewhere only.
    let other = rig.udp_bind("0.0.0.0:6000");
    let mut forged = send(&mut rig, other, "198.51.100.9:7", 8);
    forged[16..20].copy_from_slice(&packet[16..20]);
    assert_eq!(too_big(&mut rig, &forged, 600), Verdict::Dropped(DropReason::Icmpv4NoFlow));
    assert_eq!(rig.stack.path_mtus().count(), 0);
}

/// An unconnected socket remembers the last sixteen destinations, so that a server's are not forgotten
/// and nobody else's are believed.
#[test]
fn destinations_remembered_are_bounded() {
    let (mut rig, handle) = routed(Config::default(), false);
    let packets: Vec<_> = (1..=17).map(|host| send(&mut rig, handle, &format!("198.51.100.{host}:7"), 1472)).collect();
    assert_eq!(too_big(&mut rig, &packets[0], 1400), Verdict::Dropped(DropReason::Icmpv4NoFlow));
    assert_eq!(too_big(&mut rig, &packets[1], 1400), Verdict::Accepted);
    assert_eq!(too_big(&mut rig, &packets[16], 1400), Verdict::Accepted);
}

#[test]
fn a_connected_socket_is_told() {
    let (mut rig, handle) = routed(Config::default(), false);
    rig.stack.udp(handle).unwrap().connect(Some(socket(FAR_V4))).unwrap();
    let packet = send(&mut rig, handle, FAR_V4, 1472);
    let _ = too_big(&mut rig, &packet, 1400);
    assert_eq!(rig.udp_error(handle), Some(SocketError::MessageTooLong));
    // What is larger leaves in fragments from here on, as large as the path takes.
    assert_eq!(rig.udp_send(handle, &[0; 1372], FAR_V4), Ok(()));
    assert_eq!(rig.frames().iter().map(Vec::len).collect::<Vec<_>>(), [14 + 1400]);
    assert_eq!(rig.udp_send(handle, &[0; 1373], FAR_V4), Ok(()));
    assert_eq!(rig.frames().iter().map(Vec::len).collect::<Vec<_>>(), [14 + 20 + 1376, 14 + 20 + 5]);
}

/// A socket that wants no fragments learns at the next call what the path takes.
#[test]
fn a_socket_that_wants_no_fragments() {
    let (mut rig, _) = routed(Config::default(), false);
    let options = UdpOptions { dont_fragment: true, ..UdpOptions::default() };
    let handle = rig.stack.udp_bind(socket("0.0.0.0:6000"), options).unwrap();
    let packet = send(&mut rig, handle, FAR_V4, 1472);
    let _ = too_big(&mut rig, &packet, 1400);
    assert_eq!(rig.udp_send(handle, &[0; 1373], FAR_V4), Err(UdpSendError::MessageTooLong));
    assert_eq!(rig.udp_send(handle, &[0; 1372], FAR_V4), Ok(()));
    assert!(rig.frames()[0][20] & 0x40 != 0);
}

/// Estimates are forgotten ten minutes after the last report, which may have told nothing new.
#[test]
fn an_estimate_ages() {
    let (mut rig, handle) = routed(Config::default(), false);
    let packet = send(&mut rig, handle, FAR_V4, 1472);
    let _ = too_big(&mut rig, &packet, 1400);
    rig.now += Duration::from_mins(9);
    let again = send(&mut rig, handle, FAR_V4, 8);
    let mut long = packet.clone();
    long[..20].copy_from_slice(&again[..20]);
    long[2..4].copy_from_slice(&1500_u16.to_be_bytes());
    let _ = too_big(&mut rig, &long, 1400);
    rig.now += Duration::from_mins(10) - Duration::from_nanos(1);
    send(&mut rig, handle, FAR_V4, 8);
    assert_eq!(rig.stack.path_mtu(socket(FAR_V4).ip()), Some(1400));
    rig.now += Duration::from_nanos(1);
    send(&mut rig, handle, FAR_V4, 8);
    assert_eq!((rig.stack.path_mtu(socket(FAR_V4).ip()), rig.stack.path_mtus().count()), (Some(1500), 0));
}

/// Of a full table the oldest estimate goes.
#[test]
fn the_table_is_bounded() {
    let limits = Limits { path_mtus: 4, ..Limits::default() };
    let (mut rig, handle) = routed(Config { limits, ..Config::default() }, false);
    for host in 1..=6_u8 {
        let packet = send(&mut rig, handle, &format!("198.51.100.{host}:7"), 1472);
        assert_eq!(too_big(&mut rig, &packet, 1400), Verdict::Accepted);
        rig.now += Duration::from_secs(1);
    }
    let known: Vec<_> = rig.stack.path_mtus().map(|path| path.destination).collect();
    assert_eq!(known, [3, 4, 5, 6].map(|host| IpAddr::V4(Ipv4Addr::new(198, 51, 100, host))));
    assert_eq!(rig.counter("path_mtu.evicted"), 2);
}

#[rstest]
#[case::nothing_quoted(0, DropReason::Icmpv4Truncated)]
#[case::half_a_header_quoted(19, DropReason::Icmpv4Truncated)]
#[case::no_ports_quoted(27, DropReason::Icmpv4NoFlow)]
fn quotes_that_are_too_short(#[case] len: usize, #[case] reason: DropReason) {
    let (mut rig, handle) = routed(Config::default(), false);
    let packet = send(&mut rig, handle, FAR_V4, 1472);
    let header = Icmpv4Header::DestinationUnreachable { code: 4, next_hop_mtu: 600 };
    let report = icmpv4_packet(PEER_V4, OUR_V4, header, &packet[..len]);
    assert_eq!(rig.receive_packet(&report), Verdict::Dropped(reason));
    assert_eq!(rig.stack.path_mtus().count(), 0);
}
