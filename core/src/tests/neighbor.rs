//! The neighbor cache, for both families: reachability (RFC 4861 section 7.3), packets that wait for
//! a neighbor, eviction.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;

use super::rig::*;
use crate::link::neighbor::NeighborState;
use crate::wire::arp::ArpOperation;
use crate::wire::ethernet::EthernetAddress;
use crate::{Capabilities, Config, ConnectOptions, DropReason, Limits, TcpHandle, UdpHandle, Verdict};

fn reply(sender: Ipv4Addr) -> Vec<u8> {
    arp(ArpOperation::Reply, PEER_MAC, sender, OUR_MAC, OUR_V4, OUR_MAC)
}

fn request(sender: Ipv4Addr) -> Vec<u8> {
    arp(ArpOperation::Request, PEER_MAC, sender, EthernetAddress::UNSPECIFIED, OUR_V4, EthernetAddress::BROADCAST)
}

/// The `n`th of many neighbors on the link.
fn neighbor(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, n)
}

/// A ping from a neighbor that we don't know: the answer has to wait.
fn ping_from(rig: &mut Rig, n: u8) {
    assert_eq!(rig.receive_packet(&echo_request(neighbor(n).into(), OUR_V4.into(), 8)), Verdict::Accepted);
    rig.discard();
}

fn send_to(rig: &mut Rig, handle: UdpHandle, n: u8) {
    rig.udp_send(handle, b"hello", &format!("192.0.2.{n}:7")).unwrap();
    rig.discard();
}

/// A rig whose peer has just answered us: REACHABLE.
fn confirmed() -> (Rig, UdpHandle) {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:5000");
    rig.udp_send(handle, b"hello", "192.0.2.1:7").unwrap();
    rig.discard();
    let _ = rig.receive(&reply(PEER_V4));
    assert_eq!(rig.sent(), "> 192.0.2.2:5000 > 192.0.2.1:7 udp (5)");
    (rig, handle)
}

fn state(rig: &Rig) -> NeighborState {
    rig.neighbor("192.0.2.1").unwrap().0
}

#[test]
fn a_confirmation_holds_for_thirty_seconds() {
    let (mut rig, handle) = confirmed();
    assert_eq!(rig.stack.poll_timeout(), None, "staleness is judged on use and has no timer");
    rig.now += Duration::from_nanos(29_999_999_999);
    rig.udp_send(handle, b"hello", "192.0.2.1:7").unwrap();
    rig.discard();
    assert_eq!(state(&rig), NeighborState::Reachable);
    rig.now += Duration::from_nanos(1);
    rig.udp_send(handle, b"hello", "192.0.2.1:7").unwrap();
    insta::assert_snapshot!(rig.sent(), @"> 192.0.2.2:5000 > 192.0.2.1:7 udp (5)");
    assert_eq!(state(&rig), NeighborState::Delay);
}

/// Five seconds after its use a stale neighbor is probed, by unicast, three times.
#[test]
fn a_neighbor_that_has_gone_is_found_out() {
    let (mut rig, handle) = confirmed();
    rig.now += Duration::from_secs(30);
    rig.udp_send(handle, b"hello", "192.0.2.1:7").unwrap();
    insta::assert_snapshot!(rig.pass(Duration::from_secs(5)), @r"
    +0ms > 192.0.2.2:5000 > 192.0.2.1:7 udp (5)
    +5000ms > arp who-has 192.0.2.1 tell 192.0.2.2
    ");
    assert_eq!(state(&rig), NeighborState::Probe);
    rig.udp_send(handle, b"meanwhile", "192.0.2.1:7").unwrap();
    insta::assert_snapshot!(rig.pass(Duration::from_secs(10)), @r"
    +0ms > 192.0.2.2:5000 > 192.0.2.1:7 udp (9)
    +1000ms > arp who-has 192.0.2.1 tell 192.0.2.2
    +2000ms > arp who-has 192.0.2.1 tell 192.0.2.2
    ");
    assert_eq!(rig.neighbor("192.0.2.1"), None);
}

#[test]
fn a_probe_goes_to_the_neighbor_alone_and_its_answer_confirms() {
    let (mut rig, handle) = confirmed();
    rig.now += Duration::from_secs(30);
    rig.udp_send(handle, b"hello", "192.0.2.1:7").unwrap();
    rig.discard();
    rig.now += Duration::from_secs(5);
    rig.stack.handle_timeout(rig.now);
    assert_eq!(stations(&rig.frames()[0]), (PEER_MAC, OUR_MAC));
    let _ = rig.receive(&reply(PEER_V4));
    assert_eq!(state(&rig), NeighborState::Reachable);
    assert_eq!(rig.pass(Duration::from_secs(20)), "");
}

/// A connection from our port 40,000 to the peer's port 7, with our initial sequence number.
fn connected(rig: &mut Rig) -> (TcpHandle, u32) {
    let (our, peer) = ends();
    let options = ConnectOptions { local: Some(our), settings: None };
    let handle = rig.stack.tcp_connect(rig.now, peer, options).unwrap();
    let syn = rig.frames().remove(0);
    let iss = u32::from_be_bytes([syn[38], syn[39], syn[40], syn[41]]);
    let _ =
        rig.receive_packet(&tcp_packet(peer, our, &format!("S. 0:0(0) ack {} win 65535", iss.wrapping_add(1)), b""));
    rig.discard();
    rig.events();
    (handle, iss)
}

fn ends() -> (SocketAddr, SocketAddr) {
    (SocketAddr::from((OUR_V4, 40_000)), SocketAddr::from((PEER_V4, 7)))
}

/// RFC 4861 section 7.3.1: an acknowledgment of new data shows that what we send arrives.
#[test]
fn progress_of_a_connection_confirms_its_neighbor() {
    let (mut rig, _) = confirmed();
    let (handle, iss) = connected(&mut rig);
    let (our, peer) = ends();
    rig.now += Duration::from_secs(40);
    let now = rig.now;
    rig.stack.tcp(handle).unwrap().send(now, b"hello").unwrap();
    rig.discard();
    assert_eq!(state(&rig), NeighborState::Delay);
    let _ = rig.receive_packet(&tcp_packet(peer, our, &format!(". 1:1(0) ack {} win 65535", iss.wrapping_add(6)), b""));
    assert_eq!(state(&rig), NeighborState::Reachable);
    assert_eq!(rig.pass(Duration::from_secs(20)), "");
}

#[test]
fn three_datagrams_wait_per_neighbor_and_the_oldest_goes() {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:5000");
    for len in 1..=5 {
        rig.udp_send(handle, &[0; 5][..len], "192.0.2.77:7").unwrap();
    }
    insta::assert_snapshot!(rig.sent(), @"> arp who-has 192.0.2.77 tell 192.0.2.2");
    assert_eq!(rig.drops(DropReason::NeighborQueueFull), 2);
    let _ = rig.receive(&reply(neighbor(77)));
    insta::assert_snapshot!(rig.sent(), @r"
    > 192.0.2.2:5000 > 192.0.2.77:7 udp (3)
    > 192.0.2.2:5000 > 192.0.2.77:7 udp (4)
    > 192.0.2.2:5000 > 192.0.2.77:7 udp (5)
    ");
}

#[test]
fn no_destination_waits_for_another() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let handle = rig.udp_bind("0.0.0.0:5000");
    rig.udp_send(handle, b"dead", "192.0.2.77:7").unwrap();
    rig.udp_send(handle, b"alive", "192.0.2.1:7").unwrap();
    insta::assert_snapshot!(rig.sent(), @r"
    > arp who-has 192.0.2.77 tell 192.0.2.2
    > 192.0.2.2:5000 > 192.0.2.1:7 udp (5)
    ");
}

#[test]
fn datagrams_wait_for_sixty_four_neighbors_and_the_oldest_goes() {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:5000");
    for n in 10..=74 {
        send_to(&mut rig, handle, n);
    }
    assert_eq!(rig.stack.queue_depths().parked, 64);
    assert_eq!(rig.drops(DropReason::NeighborQueueFull), 1);
    let _ = rig.receive(&reply(neighbor(10)));
    assert_eq!(rig.sent(), "");
    let _ = rig.receive(&reply(neighbor(11)));
    insta::assert_snapshot!(rig.sent(), @"> 192.0.2.2:5000 > 192.0.2.11:7 udp (5)");
}

#[test]
fn answers_leave_sixteen_places_to_local_sockets() {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:5000");
    for n in 10..70 {
        ping_from(&mut rig, n);
    }
    assert_eq!(rig.stack.queue_depths().parked, 48);
    assert_eq!(rig.drops(DropReason::NeighborQueueFull), 12);
    for n in 100..116 {
        send_to(&mut rig, handle, n);
    }
    assert_eq!(rig.stack.queue_depths().parked, 64);
    assert_eq!(rig.drops(DropReason::NeighborQueueFull), 12);
}

/// What a socket sends pushes answers out, and no answer pushes out what a socket sends.
#[test]
fn local_sockets_go_before_answers() {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:5000");
    for n in 10..20 {
        ping_from(&mut rig, n);
    }
    for n in 100..164 {
        send_to(&mut rig, handle, n);
    }
    ping_from(&mut rig, 20);
    assert_eq!(rig.stack.queue_depths().parked, 64);
    for n in 100..164 {
        let _ = rig.receive(&reply(neighbor(n)));
    }
    assert_eq!(rig.frames().len(), 64);
}

#[test]
fn the_cache_holds_512_neighbors_and_evicts() {
    let mut rig = Rig::new();
    for n in 0..600u16 {
        let [high, low] = n.to_be_bytes();
        assert_eq!(rig.receive(&request(Ipv4Addr::new(10, 0, high, low))), Verdict::Accepted);
        rig.discard();
    }
    assert_eq!(rig.stack.neighbors().count(), 512);
    assert_eq!(rig.counter("neighbor.evicted"), 88);
}

#[test]
fn strangers_do_not_evict_what_a_socket_waits_for() {
    let mut rig = Rig::limited(Limits { neighbors: 4, ..Limits::default() });
    let handle = rig.udp_bind("0.0.0.0:5000");
    for n in 100..104 {
        send_to(&mut rig, handle, n);
    }
    let addresses = |rig: &Rig| rig.stack.neighbors().map(|neighbor| neighbor.address).collect::<Vec<IpAddr>>();
    let before = addresses(&rig);
    for n in 10..50 {
        let _ = rig.receive(&request(neighbor(n)));
        rig.discard();
    }
    assert_eq!(addresses(&rig), before);
    // Nor does a further destination: it is refused, and counted.
    send_to(&mut rig, handle, 104);
    assert_eq!(addresses(&rig), before);
    assert_eq!(rig.drops(DropReason::NeighborQueueFull), 1);
}

/// The packets that waited for an evicted neighbor are counted, and leave their places free.
#[test]
fn a_socket_evicts_what_an_answer_waits_for() {
    let mut rig = Rig::limited(Limits { neighbors: 4, neighbors_parked: 20, ..Limits::default() });
    let handle = rig.udp_bind("0.0.0.0:5000");
    for n in 10..14 {
        ping_from(&mut rig, n);
    }
    for n in 100..104 {
        send_to(&mut rig, handle, n);
    }
    assert_eq!(rig.counter("neighbor.evicted"), 4);
    assert_eq!(rig.drops(DropReason::NeighborQueueFull), 4);
    assert_eq!(rig.stack.queue_depths().parked, 4);
}

#[test]
fn a_connection_to_a_dead_neighbor_fails() {
    let mut rig = Rig::new();
    let handle = rig.stack.tcp_connect(rig.now, socket("192.0.2.77:7"), ConnectOptions::default()).unwrap();
    let asked: String = rig.pass(Duration::from_secs(5));
    insta::assert_snapshot!(asked, @r"
    +0ms > arp who-has 192.0.2.77 tell 192.0.2.2
    +1000ms > arp who-has 192.0.2.77 tell 192.0.2.2
    +2000ms > arp who-has 192.0.2.77 tell 192.0.2.2
    ");
    assert_eq!(rig.stack.tcp(handle).unwrap().take_error(), Some(crate::error::SocketError::HostUnreachable));
}

/// Once its neighbor has gone, what a connection sends is lost like any segment, and R2 is the end
/// (RFC 9293 section 3.8.3): it does not ask for the neighbor forever.
#[test]
fn a_connection_ends_after_its_neighbor_has_gone() {
    let mut config = Config { checks: true, ..Config::default() };
    config.tcp.retransmit_timeout = Duration::from_secs(100);
    let mut rig = Rig::with(config, Capabilities::plain(1500));
    rig.introduce_peer();
    let (handle, _) = connected(&mut rig);
    // The probes of a stale neighbor fail, and its entry goes with nothing in flight.
    rig.pass(Duration::from_mins(1));
    assert_eq!(rig.neighbor("192.0.2.1"), None);
    let now = rig.now;
    rig.stack.tcp(handle).unwrap().send(now, b"hello").unwrap();
    rig.pass(Duration::from_secs(4));
    assert_eq!(rig.drops(DropReason::NeighborUnreachable), 1);
    rig.pass(Duration::from_secs(200));
    assert!(rig.stack.tcp(handle).unwrap().take_error().is_some());
    assert_eq!(rig.stack.poll_timeout(), None);
}

/// With the cache full of neighbors that others wait for, a segment is lost, and sent again later.
#[test]
fn a_connection_outlives_a_full_cache() {
    let mut rig = Rig::limited(Limits { neighbors: 4, ..Limits::default() });
    rig.introduce_peer();
    let (handle, _) = connected(&mut rig);
    rig.pass(Duration::from_mins(1));
    assert_eq!(rig.neighbor("192.0.2.1"), None);
    let udp = rig.udp_bind("0.0.0.0:5000");
    for n in 100..104 {
        send_to(&mut rig, udp, n);
    }
    let now = rig.now;
    rig.stack.tcp(handle).unwrap().send(now, b"hello").unwrap();
    assert_eq!(rig.sent(), "");
    assert_eq!(rig.drops(DropReason::NeighborQueueFull), 1);
    assert!(rig.pass(Duration::from_secs(4)).contains("who-has 192.0.2.1 "));
}

/// SYNs from made-up neighbors fill the cache, and yet a connection of our own finds a place in it: what
/// waits on behalf of strangers goes, and is counted.
#[test]
fn strangers_syns_do_not_keep_our_own_connections_out() {
    let mut rig = Rig::limited(Limits { neighbors: 4, ..Limits::default() });
    rig.stack.tcp_listen(socket("0.0.0.0:80"), crate::ListenOptions::default()).unwrap();
    for n in 100..110 {
        let syn = tcp_packet(socket(&format!("192.0.2.{n}:1000")), socket("192.0.2.2:80"), "S 1:1(0) win 1000", b"");
        assert_eq!(rig.receive_packet(&syn), Verdict::Accepted);
    }
    rig.frames();
    let handle = rig.stack.tcp_connect(rig.now, socket("192.0.2.7:7"), ConnectOptions::default()).unwrap();
    assert_eq!(rig.sent(), "> arp who-has 192.0.2.7 tell 192.0.2.2");
    assert_eq!(rig.stack.tcp(handle).unwrap().state(), crate::tcp::State::SynSent);
    // Six SYN-ACKs that newer ones pushed out, and the one that had to go for our own.
    assert_eq!(rig.counter("neighbor.evicted"), 7);
    assert_eq!(rig.drops(DropReason::NeighborQueueFull), 7);
}

/// The IPv6 peer, whose answer we have just had.
fn confirmed_v6() -> (Rig, UdpHandle) {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("[::]:5000");
    rig.udp_send(handle, b"hello", "[2001:db8::1]:7").unwrap();
    rig.discard();
    answer_v6(&mut rig);
    rig.discard();
    (rig, handle)
}

fn answer_v6(rig: &mut Rig) {
    let mut message = Vec::new();
    crate::wire::ndp::NeighborAdvertisement {
        router: false,
        solicited: true,
        overrides: true,
        target: PEER_V6,
        target_link_layer: Some(PEER_MAC),
    }
    .emit(&mut message);
    let packet = icmpv6_packet(PEER_V6, OUR_V6, 255, message);
    assert_eq!(rig.receive_packet(&packet), Verdict::Accepted);
}

fn solicitations(sent: &str) -> String {
    let lines: Vec<_> = sent.lines().filter(|line| line.contains("solicitation")).collect();
    lines.join("\n")
}

/// RFC 7048 section 3: an IPv6 neighbor that has been known is asked by multicast once three unicast
/// solicitations were in vain, at growing intervals and only while it is used; what is sent goes where
/// it went. It is given up in the end.
#[test]
fn an_ipv6_neighbor_that_does_not_answer_is_unreachable_before_it_is_gone() {
    let (mut rig, handle) = confirmed_v6();
    rig.now += Duration::from_secs(30);
    rig.udp_send(handle, b"hello", "[2001:db8::1]:7").unwrap();
    insta::assert_snapshot!(solicitations(&rig.pass(Duration::from_millis(8_500))), @r"
    +5000ms > 2001:db8::2 > 2001:db8::1 icmp6 neighbor solicitation target 2001:db8::1 source 02:00:00:00:00:02
    +6000ms > 2001:db8::2 > 2001:db8::1 icmp6 neighbor solicitation target 2001:db8::1 source 02:00:00:00:00:02
    +7000ms > 2001:db8::2 > 2001:db8::1 icmp6 neighbor solicitation target 2001:db8::1 source 02:00:00:00:00:02
    +8000ms > 2001:db8::2 > ff02::1:ff00:1 icmp6 neighbor solicitation target 2001:db8::1 source 02:00:00:00:00:02
    ");
    assert_eq!(rig.neighbor("2001:db8::1"), Some((NeighborState::Unreachable, Some(PEER_MAC))));
    // Not used, it is not asked for.
    assert_eq!(rig.pass(Duration::from_mins(2)), "");
    // Used again it is, at once; then after 9 s, and after 27 s more it is gone.
    rig.udp_send(handle, b"hello", "[2001:db8::1]:7").unwrap();
    insta::assert_snapshot!(rig.pass(Duration::from_millis(8_999)), @r"
    +0ms > [2001:db8::2]:5000 > [2001:db8::1]:7 udp (5)
    +0ms > 2001:db8::2 > ff02::1:ff00:1 icmp6 neighbor solicitation target 2001:db8::1 source 02:00:00:00:00:02
    ");
    rig.udp_send(handle, b"hello", "[2001:db8::1]:7").unwrap();
    rig.discard();
    insta::assert_snapshot!(solicitations(&rig.pass(Duration::from_secs(27))), @"+1ms > 2001:db8::2 > ff02::1:ff00:1 icmp6 neighbor solicitation target 2001:db8::1 source 02:00:00:00:00:02");
    assert!(rig.neighbor("2001:db8::1").is_some());
    rig.pass(Duration::from_millis(1));
    assert_eq!(rig.neighbor("2001:db8::1"), None);
}

/// An answer, or progress of the upper layer, makes it reachable again.
#[test]
fn an_unreachable_neighbor_that_answers_is_reachable() {
    let (mut rig, handle) = confirmed_v6();
    rig.now += Duration::from_secs(30);
    rig.udp_send(handle, b"hello", "[2001:db8::1]:7").unwrap();
    rig.pass(Duration::from_millis(8_500));
    answer_v6(&mut rig);
    assert_eq!(rig.neighbor("2001:db8::1"), Some((NeighborState::Reachable, Some(PEER_MAC))));
    assert_eq!(rig.pass(Duration::from_mins(1)), "");
}
