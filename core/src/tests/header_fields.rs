//! What a socket sets in the headers of its packets: hop limit, traffic class (RFC 2474, RFC 3168),
//! flow label (RFC 6437); and what it learns of those that arrive.

use rstest::rstest;

use super::rig::*;
use crate::wire::ipv4::Ipv4Packet;
use crate::wire::ipv6::{Ipv6Header, Ipv6Packet};
use crate::{Capabilities, Config, ConnectOptions, UdpHandle, UdpOptions, Verdict, options};

/// The header of the one IPv6 packet that leaves now.
fn header_v6(rig: &mut Rig) -> Ipv6Header {
    let frames = rig.frames();
    assert_eq!(frames.len(), 1);
    Ipv6Packet::parse(&frames[0][14..]).unwrap().header()
}

fn send(rig: &mut Rig, handle: UdpHandle, to: Option<&str>) {
    let now = rig.now;
    rig.stack.udp(handle).unwrap().send(now, b"x", to.map(socket)).unwrap();
}

fn without_labels() -> Config {
    let mut config = Config::default();
    options::set(&mut config, "ip.flow_labels", "false").unwrap();
    config
}

#[test]
fn a_udp_socket_sets_hop_limit_and_traffic_class() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let options = UdpOptions { hop_limit: Some(3), traffic_class: 0xb9, ..UdpOptions::default() };
    let handle = rig.stack.udp_bind(socket("0.0.0.0:5000"), options).unwrap();
    send(&mut rig, handle, Some("192.0.2.1:7"));
    let frame = rig.frames().remove(0);
    let header = Ipv4Packet::parse(&frame[14..]).unwrap().header();
    assert_eq!((header.ttl, header.tos), (3, 0xb9));
    let handle = rig.stack.udp_bind(socket("[::]:5000"), options).unwrap();
    rig.stack.udp(handle).unwrap().set_traffic_class(0x28);
    send(&mut rig, handle, Some("[2001:db8::1]:7"));
    let header = header_v6(&mut rig);
    assert_eq!((header.hop_limit, header.traffic_class), (3, 0x28));
}

/// The ECN bits are TCP's own (RFC 3168): a socket sets the codepoint beside them.
#[test]
fn a_connection_sets_the_codepoint() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let mut settings = rig.stack.config().tcp.socket.clone();
    settings.dscp = 46;
    let options = ConnectOptions { settings: Some(settings), ..ConnectOptions::default() };
    rig.stack.tcp_connect(rig.now, socket("[2001:db8::1]:80"), options).unwrap();
    assert_eq!(header_v6(&mut rig).traffic_class, 46 << 2);
}

/// RFC 6437 section 3: one label for all packets of a flow, another one for another flow.
#[test]
fn each_connection_has_a_label() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let label = |rig: &mut Rig| {
        rig.stack.tcp_connect(rig.now, socket("[2001:db8::1]:80"), ConnectOptions::default()).unwrap();
        header_v6(rig).flow_label
    };
    let (first, second) = (label(&mut rig), label(&mut rig));
    assert!(first != 0 && second != 0 && first != second, "{first:x} {second:x}");
    // The SYN that is sent again has the label of the first.
    let at = rig.stack.poll_timeout().unwrap().at;
    rig.run_to(at);
    let again = rig.frames().remove(0);
    assert_eq!(Ipv6Packet::parse(&again[14..]).unwrap().flow_label(), first);
}

/// Datagrams to one peer are a flow; those of an unconnected socket are none.
#[rstest]
#[case::connected(Config::default(), true, true)]
#[case::unconnected(Config::default(), false, false)]
#[case::switched_off(without_labels(), true, false)]
fn labels_of_datagrams(#[case] config: Config, #[case] connected: bool, #[case] labeled: bool) {
    let mut rig = Rig::with(config, Capabilities::plain(1500));
    rig.introduce_peer();
    let handle = rig.udp_bind("[::]:5000");
    let peer = "[2001:db8::1]:7";
    if connected {
        rig.stack.udp(handle).unwrap().connect(Some(socket(peer))).unwrap();
    }
    send(&mut rig, handle, Some(peer));
    let label = header_v6(&mut rig).flow_label;
    assert_eq!(label != 0, labeled);
    send(&mut rig, handle, Some(peer));
    assert_eq!(header_v6(&mut rig).flow_label, label);
}

#[test]
fn a_datagram_tells_what_its_header_said() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let handle = rig.udp_bind("0.0.0.0:7");
    let mut packet = udp_packet(socket("192.0.2.1:1000"), socket("192.0.2.2:7"), b"hello");
    (packet[1], packet[8]) = (0x2e, 9);
    crate::wire::ipv4::fill_checksum(&mut packet);
    assert_eq!(rig.receive_packet(&packet), Verdict::Accepted);
    let received = rig.stack.udp(handle).unwrap().recv().unwrap();
    assert_eq!((received.hop_limit, received.traffic_class), (9, 0x2e));
}
