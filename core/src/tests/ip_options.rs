//! IPv4 options that sockets send, and what becomes of those that arrive (RFC 791 section 3.1, RFC 1122 sections
//! 3.2.1.8, 3.2.2.6, 4.1.3.2 and 4.2.3.8, RFC 7126 section 4).

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use rstest::rstest;

use super::rig::*;
use crate::error::{ConnectError, IpOptionsError, ListenError, UdpSendError};
use crate::wire::arp::ArpOperation;
use crate::wire::ipv4::{IpProtocol, Ipv4Header, Ipv4Packet};
use crate::{
    Capabilities, Config, ConnectOptions, DropReason, Duration, Instant, IpOptions, ListenOptions, Route, TcpHandle,
    UdpHandle, Verdict, options,
};

/// Record Route with room for two addresses.
const RECORD_ROUTE: &[u8] = &[7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0];
/// Loose source routes by way of two hops, and by way of one.
const BY_TWO: &[u8] = &[131, 11, 4, 192, 0, 2, 9, 203, 0, 113, 5];
const BY_ONE: &[u8] = &[131, 7, 4, 192, 0, 2, 9];
const FAR: &str = "198.51.100.1:7";

fn set(pairs: &[(&str, &str)]) -> Config {
    let mut config = Config::default();
    for (name, value) in pairs {
        options::set(&mut config, name, value).unwrap();
    }
    config
}

fn rig(config: Config) -> Rig {
    let mut rig = Rig::with(config, Capabilities::plain(1500));
    rig.introduce_peer();
    rig.stack.add_route(Route::via("0.0.0.0".parse().unwrap(), 0, PEER_V4.into(), rig.interface)).unwrap();
    rig
}

fn udp_with(rig: &mut Rig, options: &[u8]) -> UdpHandle {
    let handle = rig.udp_bind("0.0.0.0:5000");
    let options = IpOptions::new(options).unwrap();
    rig.stack.udp(handle).unwrap().set_ip_options(options).unwrap();
    handle
}

fn packet(frame: &[u8]) -> Ipv4Packet<'_> {
    let packet = Ipv4Packet::parse(&frame[14..]).unwrap();
    assert!(packet.verify_checksum());
    packet
}

/// RFC 791 section 3.1: each module that routes the packet records its address, the first one too.
#[test]
fn a_datagram_records_its_route() {
    let mut rig = rig(Config::default());
    let handle = udp_with(&mut rig, RECORD_ROUTE);
    rig.udp_send(handle, b"hello", FAR).unwrap();
    insta::assert_snapshot!(rig.sent(), @"> 192.0.2.2:5000 > 198.51.100.1:7 udp (5) {record-route 192.0.2.2 +1}");
    // The next one starts anew; without options there are none.
    rig.udp_send(handle, b"hello", FAR).unwrap();
    let frame = rig.frames().remove(0);
    assert_eq!(packet(&frame).option_bytes(), [7, 11, 8, 192, 0, 2, 2, 0, 0, 0, 0, 0]);
    assert_eq!(rig.stack.udp(handle).unwrap().ip_options().as_bytes(), [RECORD_ROUTE, &[0]].concat());
    rig.stack.udp(handle).unwrap().set_ip_options(IpOptions::NONE).unwrap();
    rig.udp_send(handle, b"hello", FAR).unwrap();
    insta::assert_snapshot!(rig.sent(), @"> 192.0.2.2:5000 > 198.51.100.1:7 udp (5)");
}

/// RFC 1122 section 3.2.1.8 (e): the sender records the first time, but for one that is prescribed to another. The
/// highest bit says that it is not counted from midnight (RFC 791 section 3.1).
#[rstest]
#[case::times(&[68, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[68, 12, 9, 0, 0x80, 0, 0x30, 0x39, 0, 0, 0, 0])]
#[case::addresses(
    &[68, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0],
    &[68, 12, 13, 1, 192, 0, 2, 2, 0x80, 0, 0x30, 0x39]
)]
#[case::prescribed_to_us(
    &[68, 12, 5, 3, 192, 0, 2, 2, 0, 0, 0, 0],
    &[68, 12, 13, 3, 192, 0, 2, 2, 0x80, 0, 0x30, 0x39]
)]
#[case::prescribed_to_another(
    &[68, 12, 5, 3, 192, 0, 2, 1, 0, 0, 0, 0],
    &[68, 12, 5, 3, 192, 0, 2, 1, 0, 0, 0, 0]
)]
fn a_datagram_takes_the_time_along(#[case] set: &[u8], #[case] sent: &[u8]) {
    let mut rig = rig(Config::default());
    let handle = udp_with(&mut rig, set);
    rig.now = Instant::from_millis(12_345);
    let _ = rig.receive(&arp_reply());
    rig.udp_send(handle, b"hello", FAR).unwrap();
    let frame = rig.frames().remove(0);
    assert_eq!(packet(&frame).option_bytes(), sent);
}

fn arp_reply() -> Vec<u8> {
    arp_reply_of(PEER_V4)
}

fn arp_reply_of(neighbor: Ipv4Addr) -> Vec<u8> {
    arp(ArpOperation::Reply, PEER_MAC, neighbor, OUR_MAC, OUR_V4, OUR_MAC)
}

/// RFC 1122 section 3.2.1.8 (c): the first hop is whom the header names, the destination ends the list. The checksum
/// is over the destination (RFC 9293 section 3.9.2.1).
#[test]
fn a_source_route_by_option() {
    let mut rig = rig(set(&[("ip.source_routes", "true")]));
    let handle = udp_with(&mut rig, BY_TWO);
    rig.udp_send(handle, b"hello", FAR).unwrap();
    assert_eq!(rig.sent(), "> arp who-has 192.0.2.9 tell 192.0.2.2");
    let _ = rig.receive(&arp_reply_of(Ipv4Addr::new(192, 0, 2, 9)));
    let frame = rig.frames().remove(0);
    let leaving = packet(&frame);
    assert_eq!(leaving.dst(), Ipv4Addr::new(192, 0, 2, 9));
    assert_eq!(leaving.option_bytes(), [131, 11, 4, 203, 0, 113, 5, 198, 51, 100, 1, 0]);
    assert!(!leaving.dont_fragment(), "no error about it could be told to be ours");
    let plain = udp_packet(socket("192.0.2.2:5000"), socket(FAR), b"hello");
    assert_eq!(leaving.payload(), &plain[20..]);
}

#[test]
fn source_routes_are_refused_by_default() {
    let mut rig = rig(Config::default());
    let handle = rig.udp_bind("0.0.0.0:5000");
    let route = IpOptions::new(BY_ONE).unwrap();
    let refused = rig.stack.udp(handle).unwrap().set_ip_options(route.clone());
    assert_eq!(refused, Err(IpOptionsError::SourceRoute));
    let mut settings = rig.stack.config().tcp.socket.clone();
    settings.ip_options = route;
    let connect = ConnectOptions { settings: Some(settings.clone()), ..ConnectOptions::default() };
    assert_eq!(rig.stack.tcp_connect(rig.now, socket(FAR), connect), Err(ConnectError::SourceRoute));
    let listen = ListenOptions { settings: Some(settings.clone()), ..ListenOptions::default() };
    assert_eq!(rig.stack.tcp_listen(socket("0.0.0.0:80"), listen), Err(ListenError::SourceRoute));
    let handle = rig.stack.tcp_connect(rig.now, socket(FAR), ConnectOptions::default()).unwrap();
    let refused = rig.stack.tcp(handle).unwrap().set_settings(rig.now, settings);
    assert_eq!(refused, Err(IpOptionsError::SourceRoute));
}

/// No router may stand before the first hop of a strict source route; none leads to a group.
#[test]
fn source_routes_that_lead_nowhere() {
    let mut rig = rig(set(&[("ip.source_routes", "true")]));
    let handle = udp_with(&mut rig, &[137, 7, 4, 203, 0, 113, 5]);
    assert_eq!(rig.udp_send(handle, b"x", FAR), Err(UdpSendError::NoRoute));
    let mut settings = rig.stack.config().tcp.socket.clone();
    settings.ip_options = rig.stack.udp(handle).unwrap().ip_options();
    let connect = ConnectOptions { settings: Some(settings), ..ConnectOptions::default() };
    assert_eq!(rig.stack.tcp_connect(rig.now, socket(FAR), connect), Err(ConnectError::NoRoute));
    let route = IpOptions::new(BY_ONE).unwrap();
    rig.stack.udp(handle).unwrap().set_ip_options(route).unwrap();
    assert_eq!(rig.udp_send(handle, b"x", "224.0.0.9:7"), Err(UdpSendError::BadDestination));
    assert_eq!(rig.udp_send(handle, b"x", FAR), Ok(()));
}

/// The options take from what a packet holds (RFC 1122 section 3.3.3); those without the copied flag go with the
/// first fragment only (RFC 791 section 3.1).
#[test]
fn fragments_carry_what_is_to_be_copied() {
    let mut rig = rig(Config::default());
    // Record Route is not copied, a security label is, an experiment of type 94 is not, of type 158 it is.
    let options = [RECORD_ROUTE, &[1], &[130, 4, 1, 2], &[94, 2], &[158, 3, 9], &[1]].concat();
    let handle = udp_with(&mut rig, &options);
    let header = 20 + options.len().next_multiple_of(4);
    let fits = 1500 - header - 8;
    assert_eq!(rig.stack.udp(handle).unwrap().unfragmented_max(Some(socket(FAR))), Some(fits));
    rig.udp_send(handle, &vec![0x61; fits], FAR).unwrap();
    let whole = rig.frames();
    assert_eq!((whole.len(), whole[0].len()), (1, 14 + 1500));
    rig.udp_send(handle, &vec![0x61; 4000], FAR).unwrap();
    let frames = rig.frames();
    let later = [130, 4, 1, 2, 158, 3, 9, 0];
    assert_eq!(packet(&frames[0]).option_bytes().len(), header - 20);
    assert_eq!(packet(&frames[0]).option_bytes()[..8], [7, 11, 8, 192, 0, 2, 2, 0]);
    assert_eq!(frames.len(), 3);
    for frame in &frames[1..] {
        assert_eq!(packet(frame).option_bytes(), later);
    }
    assert!(frames.iter().all(|frame| frame.len() <= 14 + 1500));
    let text: usize = frames.iter().map(|frame| packet(frame).payload().len()).sum();
    assert_eq!(text, 8 + 4000);
    // The whole packet is at most 65,535 bytes.
    let largest = 65_535 - header - 8;
    assert_eq!(rig.udp_send(handle, &vec![0; largest + 1], FAR), Err(UdpSendError::MessageTooLong));
    assert_eq!(rig.udp_send(handle, &vec![0; largest], FAR), Ok(()));
    let frames = rig.frames();
    let text: usize = frames.iter().map(|frame| packet(frame).payload().len()).sum();
    assert_eq!(text, 8 + largest);
}

fn connection(rig: &mut Rig, ip_options: &[u8]) -> TcpHandle {
    let mut settings = rig.stack.config().tcp.socket.clone();
    settings.ip_options = IpOptions::new(ip_options).unwrap();
    let options = ConnectOptions { local: Some(socket("192.0.2.2:5000")), settings: Some(settings) };
    rig.stack.tcp_connect(rig.now, socket("192.0.2.1:80"), options).unwrap()
}

/// RFC 6691, RFC 9293 section 3.7.1: the MSS announced does not reckon with options, the text sent does.
#[test]
fn segments_make_room_for_options() {
    let mut rig = rig(Config::default());
    let handle = connection(&mut rig, RECORD_ROUTE);
    let syn = rig.frames().remove(0);
    assert_eq!(packet(&syn).option_bytes()[..8], [7, 11, 8, 192, 0, 2, 2, 0]);
    let text = packet(&syn).payload().to_vec();
    assert_eq!(text[20..24], [2, 4, 0x05, 0xb4], "MSS 1460");
    let iss = u32::from_be_bytes(text[4..8].try_into().unwrap());
    let answer = alloc::format!("S. 0:0(0) ack {} win 65535 <mss 1460>", iss + 1);
    let _ = rig.receive_packet(&tcp_packet(socket("192.0.2.1:80"), socket("192.0.2.2:5000"), &answer, b""));
    rig.discard();
    let now = rig.now;
    rig.stack.tcp(handle).unwrap().send(now, &[0x61; 4000]).unwrap();
    let frames = rig.frames();
    let lens: Vec<_> = frames.iter().map(|frame| (frame.len() - 14, packet(frame).payload().len() - 20)).collect();
    assert_eq!(lens[0], (1500, 1460 - 12));
    assert!(lens.iter().all(|(len, _)| *len <= 1500));
    assert!(frames.iter().all(|frame| packet(frame).option_bytes().first() == Some(&7)));
    // Without options again, a segment takes what the peer's MSS allows.
    let settings = rig.stack.config().tcp.socket.clone();
    rig.stack.tcp(handle).unwrap().set_settings(now, settings).unwrap();
    let ack = alloc::format!(". 1:1(0) ack {} win 65535", iss + 1 + 4000);
    let _ = rig.receive_packet(&tcp_packet(socket("192.0.2.1:80"), socket("192.0.2.2:5000"), &ack, b""));
    rig.stack.tcp(handle).unwrap().send(now, &[0x61; 4000]).unwrap();
    let frames = rig.frames();
    assert_eq!((packet(&frames[0]).option_bytes().len(), packet(&frames[0]).payload().len() - 20), (0, 1460));
}

/// Connections that a listener accepts carry its options; those over IPv6 have none.
#[rstest]
#[case::v4("192.0.2.1:1000", "192.0.2.2:80", true)]
#[case::v6("[2001:db8::1]:1000", "[2001:db8::2]:80", false)]
fn a_listener_s_options(#[case] from: &str, #[case] to: &str, #[case] carried: bool) {
    let mut rig = rig(Config::default());
    let mut settings = rig.stack.config().tcp.socket.clone();
    settings.ip_options = IpOptions::new(RECORD_ROUTE).unwrap();
    let options = ListenOptions { settings: Some(settings), dual_stack: true, ..ListenOptions::default() };
    rig.stack.tcp_listen(socket("[::]:80"), options).unwrap();
    let _ = rig.receive_packet(&tcp_packet(socket(from), socket(to), "S 0:0(0) win 1000 <mss 1000>", b""));
    let sent = rig.sent();
    assert!(sent.contains("S. "), "{sent}");
    assert_eq!(sent.contains("{record-route 192.0.2.2 +1}"), carried, "{sent}");
}

/// RFC 791 section 3.1.
#[rstest]
#[case::none(&[], Ok(0))]
#[case::padding(&[1, 1, 0], Ok(4))]
#[case::most(&[&[7, 39, 4][..], &[0; 36], &[0]].concat(), Ok(40))]
#[case::too_long(&[1; 41], Err(IpOptionsError::TooLong))]
#[case::length_zero(&[30, 0], Err(IpOptionsError::Malformed))]
#[case::length_one(&[30, 1, 0], Err(IpOptionsError::Malformed))]
#[case::length_beyond(&[30, 4, 0], Err(IpOptionsError::Malformed))]
#[case::length_missing(&[30], Err(IpOptionsError::Malformed))]
#[case::any_other(&[30, 4, 1, 2], Ok(4))]
#[case::route_without_room(&[7, 3, 4], Err(IpOptionsError::Malformed))]
#[case::route_of_half_an_address(&[7, 5, 4, 0, 0], Err(IpOptionsError::Malformed))]
#[case::route_begun(&[7, 7, 8, 192, 0, 2, 2], Err(IpOptionsError::Malformed))]
#[case::route_not_zero(&[7, 7, 4, 192, 0, 2, 2], Err(IpOptionsError::Malformed))]
#[case::route_without_pointer(&[7, 2], Err(IpOptionsError::Malformed))]
#[case::time_without_room(&[68, 4, 5, 0], Err(IpOptionsError::Malformed))]
#[case::time_and_half_an_address(&[68, 8, 5, 1, 0, 0, 0, 0], Err(IpOptionsError::Malformed))]
#[case::time_with_unknown_flags(&[68, 8, 5, 2, 0, 0, 0, 0], Err(IpOptionsError::Malformed))]
#[case::time_with_overflow(&[68, 8, 5, 0x10, 0, 0, 0, 0], Err(IpOptionsError::Malformed))]
#[case::time_taken(&[68, 12, 5, 3, 192, 0, 2, 1, 0, 0, 0, 1], Err(IpOptionsError::Malformed))]
#[case::source_route(BY_TWO, Ok(12))]
#[case::source_route_of_none(&[131, 3, 4], Err(IpOptionsError::Malformed))]
#[case::source_route_by_a_group(&[137, 7, 4, 224, 0, 0, 1], Err(IpOptionsError::Malformed))]
#[case::source_route_by_nobody(&[137, 7, 4, 0, 0, 0, 0], Err(IpOptionsError::Malformed))]
#[case::two_source_routes(&[131, 7, 4, 192, 0, 2, 9, 137, 7, 4, 192, 0, 2, 9], Err(IpOptionsError::Repeated))]
#[case::two_routes(&[7, 7, 4, 0, 0, 0, 0, 7, 7, 4, 0, 0, 0, 0], Err(IpOptionsError::Repeated))]
#[case::stream_id(&[136, 4, 0, 1], Err(IpOptionsError::Obsolete))]
fn which_options_can_be_sent(#[case] bytes: &[u8], #[case] expected: Result<usize, IpOptionsError>) {
    let options = IpOptions::new(bytes);
    assert_eq!(options.as_ref().map(IpOptions::len).map_err(|error| *error), expected);
    if let Ok(options) = options {
        assert_eq!(options.as_bytes().get(..bytes.len()), Some(bytes));
        assert_eq!(options.is_empty(), bytes.is_empty());
    }
}

/// `upper`, from the peer to us, behind a header with options.
fn received(protocol: IpProtocol, ip_options: &[u8], upper: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    Ipv4Header {
        tos: 0,
        payload_len: upper.len() as u16,
        id: 1,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        ttl: 64,
        protocol,
        src: PEER_V4,
        dst: OUR_V4,
    }
    .emit_with_options(ip_options, &mut packet);
    packet.extend_from_slice(upper);
    packet
}

fn ping(ip_options: &[u8]) -> Vec<u8> {
    received(IpProtocol::ICMP, ip_options, &echo_request(PEER_V4.into(), OUR_V4.into(), 8)[20..])
}

/// RFC 1122 section 4.1.3.2: UDP passes options on as they came.
#[test]
fn a_socket_learns_the_options() {
    let mut rig = rig(Config::default());
    let handle = rig.udp_bind("0.0.0.0:7");
    let upper = udp_packet(socket("192.0.2.1:9"), socket("192.0.2.2:7"), b"hello")[20..].to_vec();
    let recorded = [7, 7, 8, 192, 0, 2, 1, 1];
    assert_eq!(rig.receive_packet(&received(IpProtocol::UDP, &recorded, &upper)), Verdict::Accepted);
    assert_eq!(rig.receive_packet(&received(IpProtocol::UDP, &[], &upper)), Verdict::Accepted);
    let mut socket = rig.stack.udp(handle).unwrap();
    assert_eq!(socket.recv().unwrap().ip_options, &recorded[..]);
    assert_eq!(socket.recv().unwrap().ip_options, &[][..]);
}

/// RFC 1122 section 3.2.2.6, by option: the reply goes on with what the request has recorded, and so records our
/// address or time; what is full stays as it is, but for the count of times that found no room.
#[rstest]
#[case::route(&[7, 11, 8, 192, 0, 2, 1, 0, 0, 0, 0], " {record-route 192.0.2.1 192.0.2.2 +0}")]
#[case::full_route(&[7, 7, 8, 192, 0, 2, 1], " {record-route 192.0.2.1 +0}")]
#[case::time(&[68, 12, 9, 0, 0, 0, 0, 9, 0, 0, 0, 0], " {timestamp 0x00000009 0x80003039 +0 overflow 0}")]
#[case::full_time(&[68, 8, 9, 0x20, 0, 0, 0, 9], " {timestamp 0x00000009 +0 overflow 3}")]
#[case::full_of_overflows(&[68, 8, 9, 0xf0, 0, 0, 0, 9], " {timestamp 0x00000009 +0 overflow 15}")]
#[case::pointer_before_the_room(&[7, 7, 3, 0, 0, 0, 0, 68, 8, 4, 0, 0, 0, 0, 0], "")]
#[case::no_room_for_a_pointer(&[7, 2, 68, 3, 5, 0], "")]
#[case::others(&[30, 4, 1, 2], "")]
fn echo_replies_carry_on(#[case] ip_options: &[u8], #[case] expected: &str) {
    let mut rig = rig(set(&[("ip.echo_options", "true")]));
    rig.now = Instant::from_millis(12_345);
    let _ = rig.receive(&arp_reply());
    assert_eq!(rig.receive_packet(&ping(ip_options)), Verdict::Accepted);
    let plain = String::from("> 192.0.2.2 > 192.0.2.1 icmp echo reply id 7 seq 1 (8)");
    assert_eq!(rig.sent(), plain + expected);
}

/// RFC 7126 section 4: each kind of option has a count and can be made a reason to drop; none is by default, for a
/// host ignores what it does not understand (RFC 1122 section 3.2.1.8).
#[rstest]
#[case::record_route(&[7, 7, 4, 0, 0, 0, 0], "record_route", "record_route")]
#[case::timestamp(&[68, 8, 5, 0, 0, 0, 0, 0], "timestamp", "timestamp")]
#[case::router_alert(&[148, 4, 0, 0], "router_alert", "router_alert")]
#[case::quick_start(&[25, 8, 1, 0, 0, 0, 0, 0], "quick_start", "quick_start")]
#[case::basic_security(&[130, 3, 0xab], "security", "security")]
#[case::extended_security(&[133, 3, 0], "security", "security")]
#[case::commercial_security(&[134, 6, 0, 0, 0, 1], "security", "security")]
#[case::experiment_30(&[30, 2], "experiments", "experiment")]
#[case::experiment_94(&[94, 2], "experiments", "experiment")]
#[case::experiment_158(&[158, 2], "experiments", "experiment")]
#[case::experiment_222(&[222, 2], "experiments", "experiment")]
#[case::stream_id(&[136, 4, 0, 1], "obsolete", "obsolete")]
#[case::probe_mtu(&[11, 4, 5, 220], "obsolete", "obsolete")]
#[case::reply_mtu(&[12, 4, 5, 220], "obsolete", "obsolete")]
#[case::traceroute(&[82, 12, 0, 1, 0, 1, 0, 1, 192, 0, 2, 1], "obsolete", "obsolete")]
#[case::visa(&[142, 4, 0, 0], "obsolete", "obsolete")]
#[case::extended_internet_protocol(&[145, 4, 0, 0], "obsolete", "obsolete")]
#[case::address_extension(&[147, 4, 0, 0], "obsolete", "obsolete")]
#[case::multi_destination(&[149, 6, 192, 0, 2, 2], "obsolete", "obsolete")]
#[case::dynamic_packet_state(&[151, 4, 0, 0], "obsolete", "obsolete")]
#[case::upstream_multicast(&[152, 4, 0, 0], "obsolete", "obsolete")]
#[case::measurement(&[10, 2], "unknown", "unknown")]
#[case::unknown(&[99, 2], "unknown", "unknown")]
fn an_option_can_be_a_reason_to_drop(#[case] ip_options: &[u8], #[case] setting: &str, #[case] counter: &str) {
    let counter = alloc::format!("ipv4.options.{counter}");
    let mut by_default = rig(Config::default());
    assert_eq!(by_default.receive_packet(&ping(ip_options)), Verdict::Accepted);
    assert_eq!(by_default.counter(&counter), 1);
    let mut dropping = rig(set(&[(&alloc::format!("ip.drop_options.{setting}"), "true")]));
    let refused = Verdict::Dropped(DropReason::Ipv4OptionRefused);
    assert_eq!(dropping.receive_packet(&ping(ip_options)), refused);
    assert_eq!((dropping.sent().as_str(), dropping.counter(&counter)), ("", 1));
    // What has no options, or others only, is taken.
    let other: &[u8] = if setting == "record_route" { &[99, 2] } else { &[7, 7, 4, 0, 0, 0, 0] };
    assert_eq!(dropping.receive_packet(&ping(other)), Verdict::Accepted);
    assert_eq!(dropping.receive_packet(&ping(&[])), Verdict::Accepted);
}

/// RFC 791 section 3.1, RFC 7126 sections 4.3 and 4.6: what appears at most once does; where source routes are taken,
/// not of both kinds.
#[rstest]
#[case::source_routes(&[131, 7, 8, 192, 0, 2, 2, 131, 7, 8, 192, 0, 2, 2])]
#[case::both_kinds_of_source_route(&[131, 7, 8, 192, 0, 2, 2, 137, 7, 8, 192, 0, 2, 2])]
#[case::record_route(&[7, 7, 4, 0, 0, 0, 0, 1, 7, 7, 4, 0, 0, 0, 0])]
#[case::stream_id(&[136, 4, 0, 1, 99, 2, 136, 4, 0, 1])]
fn what_appears_once(#[case] ip_options: &[u8]) {
    let mut rig = rig(set(&[("ip.source_routes", "true")]));
    let repeated = Verdict::Dropped(DropReason::Ipv4OptionRepeated);
    assert_eq!(rig.receive_packet(&ping(ip_options)), repeated);
    assert_eq!(rig.receive_packet(&ping(&[99, 2, 99, 2])), Verdict::Accepted);
}

/// A connection goes on whatever the routers do with its options: what is lost is sent again with them.
#[test]
fn what_is_sent_again_has_them_too() {
    let mut rig = rig(Config::default());
    connection(&mut rig, RECORD_ROUTE);
    let first = rig.sent();
    assert!(first.contains("{record-route 192.0.2.2 +1}"), "{first}");
    let again = rig.pass(Duration::from_millis(1100));
    assert!(again.contains("{record-route 192.0.2.2 +1}"), "{again}");
}
