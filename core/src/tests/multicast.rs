//! Groups as sockets know them: who hears what (RFC 3376 section 3, RFC 1112 section 6 and 7), and the
//! limits on groups, sources and memberships, each filled.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use rstest::rstest;

use super::rig::*;
use crate::error::{BindError, MembershipError};
use crate::socket::{Membership, SourceFilter, UdpSocket};
use crate::wire::ethernet::EthernetAddress;
use crate::{
    Capabilities, Config, DropReason, Event, InterfaceAddress, InterfaceConfig, InterfaceId, Limits, Readiness, Route,
    UdpHandle, UdpOptions, Verdict,
};

const GROUP: IpAddr = IpAddr::V4(Ipv4Addr::new(233, 252, 0, 1));

fn source(n: u8) -> IpAddr {
    IpAddr::from([198, 51, 100, n])
}

fn station(group: IpAddr) -> EthernetAddress {
    match group {
        IpAddr::V4(group) => EthernetAddress::multicast_v4(group),
        IpAddr::V6(group) => EthernetAddress::multicast_v6(group),
    }
}

/// A datagram of five bytes arrives at `group` from a source.
fn arrive(rig: &mut Rig, src: IpAddr, group: IpAddr, port: u16) -> Verdict {
    let packet = udp_packet((src, 1000).into(), (group, port).into(), b"hello");
    rig.receive(&ethernet(station(group), PEER_MAC, &packet))
}

/// What a socket's view does at the rig's time.
fn on<R>(rig: &mut Rig, handle: UdpHandle, f: impl FnOnce(&mut UdpSocket<'_>, crate::Instant) -> R) -> R {
    let now = rig.now;
    f(&mut rig.stack.udp(handle).unwrap(), now)
}

fn bind_shared(rig: &mut Rig, local: &str) -> UdpHandle {
    rig.stack.udp_bind(socket(local), UdpOptions { reuse_address: true, ..UdpOptions::default() }).unwrap()
}

fn join(rig: &mut Rig, handle: UdpHandle, group: IpAddr) {
    on(rig, handle, |socket, now| socket.join_group(now, None, group)).unwrap();
}

#[rstest]
#[case("0.0.0.0:5000", "233.252.0.1", "192.0.2.1")]
#[case("[::]:5000", "ff0e::1234", "2001:db8::1")]
fn a_member_hears_its_group(#[case] local: &str, #[case] group: IpAddr, #[case] from: IpAddr) {
    let mut rig = Rig::new();
    let handle = rig.udp_bind(local);
    assert_eq!(arrive(&mut rig, from, group, 5000), Verdict::Dropped(DropReason::EthernetNotOurs));
    join(&mut rig, handle, group);
    assert_eq!(arrive(&mut rig, from, group, 5000), Verdict::Accepted);
    assert_eq!(on(&mut rig, handle, |socket, _| socket.peek()).unwrap().to, group);
    assert_eq!(rig.udp_received(handle), [5]);
    assert_eq!(arrive(&mut rig, from, group, 5001), Verdict::Dropped(DropReason::UdpNoSocket));
    on(&mut rig, handle, |socket, now| socket.leave_group(now, None, group)).unwrap();
    assert_eq!(arrive(&mut rig, from, group, 5000), Verdict::Dropped(DropReason::EthernetNotOurs));
}

/// RFC 1112 section 6.4: 32 groups share a hardware address.
#[test]
fn a_group_with_the_same_hardware_address_is_not_heard() {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:5000");
    join(&mut rig, handle, GROUP);
    let another = [233, 124, 0, 1].into();
    assert_eq!(station(GROUP), station(another));
    assert_eq!(arrive(&mut rig, PEER_V4.into(), another, 5000), Verdict::Dropped(DropReason::Ipv4NotOurs));
}

/// RFC 3376 section 3: delivery depends on the socket's own state, not on what others have joined.
#[test]
fn who_has_not_joined_does_not_hear() {
    let mut rig = Rig::new();
    let member = bind_shared(&mut rig, "0.0.0.0:5000");
    let other = bind_shared(&mut rig, "0.0.0.0:5000");
    join(&mut rig, member, GROUP);
    assert_eq!(arrive(&mut rig, PEER_V4.into(), GROUP, 5000), Verdict::Accepted);
    assert_eq!((rig.udp_received(member), rig.udp_received(other)), (Vec::from([5]), Vec::new()));
}

#[test]
fn every_member_gets_a_copy() {
    let mut rig = Rig::new();
    let locals = ["0.0.0.0:5000", "0.0.0.0:5000", "233.252.0.1:5000", "192.0.2.2:5000", "0.0.0.0:5001"];
    let handles = locals.map(|local| bind_shared(&mut rig, local));
    for handle in handles {
        join(&mut rig, handle, GROUP);
    }
    rig.events();
    assert_eq!(arrive(&mut rig, PEER_V4.into(), GROUP, 5000), Verdict::Accepted);
    // The one bound to one of our addresses hears only what is sent to that.
    assert_eq!(handles.map(|handle| rig.udp_received(handle).len()), [1, 1, 1, 0, 0]);
    let readable = handles[..3].iter().map(|handle| Event::Udp(*handle, Readiness::READABLE));
    let mut events = rig.events();
    events.sort_by_key(|event| alloc::format!("{event:?}"));
    assert_eq!(events, readable.collect::<Vec<_>>());
    assert_eq!(rig.counter("udp.received"), 3);
}

/// A connected member hears its peer only.
#[test]
fn a_connected_member() {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:5000");
    join(&mut rig, handle, GROUP);
    on(&mut rig, handle, |socket, _| socket.connect(Some(socket_addr("192.0.2.9:1000")))).unwrap();
    let _ = arrive(&mut rig, PEER_V4.into(), GROUP, 5000);
    assert_eq!(arrive(&mut rig, [192, 0, 2, 9].into(), GROUP, 5000), Verdict::Accepted);
    assert_eq!(rig.udp_received(handle), [5]);
}

fn socket_addr(text: &str) -> core::net::SocketAddr {
    socket(text)
}

/// RFC 3376 section 3.2's example: `s1` wants {a, b, c}, `s2` wants {b, c, d}.
#[test]
fn source_filters_are_the_socket_s_own() {
    let mut rig = Rig::new();
    let (s1, s2) = (bind_shared(&mut rig, "0.0.0.0:5000"), bind_shared(&mut rig, "0.0.0.0:5000"));
    for (handle, wanted) in [(s1, [1, 2, 3]), (s2, [2, 3, 4])] {
        for n in wanted {
            on(&mut rig, handle, |socket, now| socket.join_source(now, None, GROUP, source(n))).unwrap();
        }
    }
    let filter = rig.stack.groups().find(|group| group.group == GROUP).unwrap().filter;
    assert_eq!(filter, SourceFilter::include((1..=4).map(source)));
    let heard = (1..=5).map(|n| {
        let verdict = arrive(&mut rig, source(n), GROUP, 5000);
        (verdict, rig.udp_received(s1).len(), rig.udp_received(s2).len())
    });
    let refused = Verdict::Dropped(DropReason::UdpSourceFiltered);
    assert!(heard.eq([
        (Verdict::Accepted, 1, 0),
        (Verdict::Accepted, 1, 1),
        (Verdict::Accepted, 1, 1),
        (Verdict::Accepted, 0, 1),
        (refused, 0, 0),
    ]));
    assert_eq!(rig.drops(DropReason::UdpSourceFiltered), 1);
}

#[test]
fn blocked_sources() {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:5000");
    join(&mut rig, handle, GROUP);
    on(&mut rig, handle, |socket, now| socket.block_source(now, None, GROUP, source(1))).unwrap();
    assert_eq!(arrive(&mut rig, source(1), GROUP, 5000), Verdict::Dropped(DropReason::UdpSourceFiltered));
    assert_eq!(arrive(&mut rig, source(2), GROUP, 5000), Verdict::Accepted);
    on(&mut rig, handle, |socket, now| socket.unblock_source(now, None, GROUP, source(1))).unwrap();
    assert_eq!(arrive(&mut rig, source(1), GROUP, 5000), Verdict::Accepted);
}

/// Every call that the state does not allow, with no effect.
#[test]
fn calls_that_are_refused() {
    use MembershipError::*;
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:5000");
    let far = InterfaceId(9);
    let (a, b) = (source(1), source(2));
    let mut refused = |f: &dyn Fn(&mut UdpSocket<'_>, crate::Instant) -> Result<(), MembershipError>, error| {
        let before: Vec<_> = on(&mut rig, handle, |socket, _| socket.memberships().collect());
        assert_eq!(on(&mut rig, handle, f), Err(error));
        assert_eq!(on(&mut rig, handle, |socket, _| socket.memberships().collect::<Vec<_>>()), before);
    };
    refused(&|socket, now| socket.join_group(now, None, PEER_V4.into()), NotAGroup);
    refused(&|socket, now| socket.join_group(now, None, "ff0e::1".parse().unwrap()), NotAGroup);
    refused(&|socket, now| socket.join_group(now, Some(far), GROUP), NoInterface);
    refused(&|socket, now| socket.leave_group(now, None, GROUP), NotMember);
    refused(&|socket, now| socket.block_source(now, None, GROUP, a), NotMember);
    refused(&|socket, now| socket.leave_source(now, None, GROUP, a), NotMember);
    refused(&|socket, now| socket.join_source(now, None, GROUP, GROUP), BadSource);
    refused(&|socket, now| socket.join_source(now, None, GROUP, PEER_V6.into()), BadSource);
    refused(&|socket, _| socket.set_multicast_interface(Some(far)), NoInterface);
    join(&mut rig, handle, GROUP);
    let mut refused = |f: &dyn Fn(&mut UdpSocket<'_>, crate::Instant) -> Result<(), MembershipError>, error| {
        assert_eq!(on(&mut rig, handle, f), Err(error));
    };
    refused(&|socket, now| socket.join_group(now, None, GROUP), AlreadyMember);
    refused(&|socket, now| socket.join_source(now, None, GROUP, a), WrongMode);
    refused(&|socket, now| socket.unblock_source(now, None, GROUP, a), NotMember);
    on(&mut rig, handle, |socket, now| {
        socket.block_source(now, None, GROUP, a).unwrap();
        assert_eq!(socket.block_source(now, None, GROUP, a), Err(AlreadyMember));
        socket.leave_group(now, None, GROUP).unwrap();
        socket.join_source(now, None, GROUP, a).unwrap();
        assert_eq!(socket.join_source(now, None, GROUP, a), Err(AlreadyMember));
        assert_eq!(socket.block_source(now, None, GROUP, b), Err(WrongMode));
        assert_eq!(socket.leave_source(now, None, GROUP, b), Err(NotMember));
        socket.leave_source(now, None, GROUP, a).unwrap();
        assert_eq!(socket.memberships().count(), 0, "the last source was the membership");
    });
}

#[test]
fn memberships_are_told() {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:5000");
    join(&mut rig, handle, GROUP);
    on(&mut rig, handle, |socket, now| socket.block_source(now, None, GROUP, source(3))).unwrap();
    let interface = rig.interface;
    let filter = SourceFilter::exclude([source(3)]);
    on(&mut rig, handle, |socket, _| {
        assert!(socket.memberships().eq([Membership { interface, group: GROUP, filter }]));
    });
    let group = rig.stack.groups().find(|group| group.group == GROUP).unwrap();
    assert_eq!((group.sockets, group.interface), (1, interface));
}

#[test]
fn a_released_socket_leaves() {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:5000");
    join(&mut rig, handle, GROUP);
    rig.pass(Duration::from_secs(2));
    rig.stack.udp_release(handle).unwrap();
    insta::assert_snapshot!(rig.sent(), @"> 192.0.2.2 > 224.0.0.22 igmp3 report to_in 233.252.0.1 {}");
    assert_eq!(arrive(&mut rig, PEER_V4.into(), GROUP, 5000), Verdict::Dropped(DropReason::EthernetNotOurs));
}

#[rstest]
#[case::both(true, true, true)]
#[case::the_first_does_not(false, true, false)]
#[case::the_second_does_not(true, false, false)]
fn sharing_a_port(#[case] first: bool, #[case] second: bool, #[case] shared: bool) {
    let mut rig = Rig::new();
    let options = |reuse_address| UdpOptions { reuse_address, ..UdpOptions::default() };
    rig.stack.udp_bind(socket("0.0.0.0:5000"), options(first)).unwrap();
    let bound = rig.stack.udp_bind(socket("0.0.0.0:5000"), options(second));
    assert_eq!(bound.err(), (!shared).then_some(BindError::AddressInUse));
}

/// What is sent to one host goes to the socket bound last; when that is gone, to the one before.
#[test]
fn unicast_to_a_shared_port() {
    let mut rig = Rig::new();
    let mut handles: Vec<_> = (0..3).map(|_| bind_shared(&mut rig, "0.0.0.0:5000")).collect();
    rig.stack.udp_release(handles.remove(1)).unwrap();
    let packet = udp_packet(socket("192.0.2.1:1000"), socket("192.0.2.2:5000"), b"hello");
    while let Some(last) = handles.pop() {
        assert_eq!(rig.receive_packet(&packet), Verdict::Accepted);
        assert_eq!(rig.udp_received(last), [5]);
        rig.stack.udp_release(last).unwrap();
    }
    assert_eq!(rig.receive_packet(&packet), Verdict::Dropped(DropReason::UdpNoSocket));
}

#[test]
fn a_broadcast_goes_to_all_that_share_the_port() {
    let mut rig = Rig::new();
    let handles = [(); 3].map(|()| bind_shared(&mut rig, "0.0.0.0:5000"));
    let packet = udp_packet(socket("192.0.2.1:1000"), socket("192.0.2.255:5000"), b"hello");
    assert_eq!(rig.receive(&ethernet(EthernetAddress::BROADCAST, PEER_MAC, &packet)), Verdict::Accepted);
    assert_eq!(handles.map(|handle| rig.udp_received(handle).len()), [1; 3]);
}

/// One full queue does not keep the others from their copy, and is counted.
#[test]
fn a_member_with_a_full_queue() {
    let mut rig = Rig::limited(Limits { udp_receive: 320, ..Limits::default() });
    let handles = [(); 2].map(|()| bind_shared(&mut rig, "0.0.0.0:5000"));
    for handle in handles {
        join(&mut rig, handle, GROUP);
    }
    assert_eq!(arrive(&mut rig, PEER_V4.into(), GROUP, 5000), Verdict::Accepted);
    assert_eq!(rig.udp_received(handles[0]), [5]);
    assert_eq!(arrive(&mut rig, PEER_V4.into(), GROUP, 5000), Verdict::Accepted);
    assert_eq!(rig.drops(DropReason::UdpQueueFull), 1);
    assert_eq!(arrive(&mut rig, PEER_V4.into(), GROUP, 5000), Verdict::Dropped(DropReason::UdpQueueFull));
    assert_eq!(rig.drops(DropReason::UdpQueueFull), 3);
}

/// RFC 1112 section 6.1: one hop unless told otherwise.
#[test]
fn hops() {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:5000");
    for (hops, ttl) in [(None, 1), (Some(9), 9)] {
        if let Some(hops) = hops {
            on(&mut rig, handle, |socket, _| socket.set_multicast_hops(hops));
        }
        rig.udp_send(handle, b"hello", "233.252.0.1:6000").unwrap();
        let frame = rig.frames().remove(0);
        assert_eq!((frame[14 + 8], stations(&frame).0), (ttl, station(GROUP)));
    }
    on(&mut rig, handle, |socket, _| socket.set_multicast_hops(0));
    join(&mut rig, handle, GROUP);
    rig.discard();
    rig.udp_send(handle, b"hello", "233.252.0.1:5000").unwrap();
    assert_eq!(rig.sent(), "", "not a step");
    assert_eq!(rig.udp_received(handle), [5], "but members here hear it");
}

#[rstest]
#[case("0.0.0.0:5000", "233.252.0.1", "192.0.2.2:5000")]
#[case("[::]:5000", "ff0e::1234", "[2001:db8::2]:5000")]
fn members_here_hear_what_we_send(#[case] local: &str, #[case] group: IpAddr, #[case] from: &str) {
    let mut rig = Rig::new();
    let handle = bind_shared(&mut rig, local);
    let other = bind_shared(&mut rig, local);
    join(&mut rig, handle, group);
    join(&mut rig, other, group);
    rig.discard();
    let to = core::net::SocketAddr::new(group, 5000);
    rig.udp_send(handle, b"hello", &alloc::format!("{to}")).unwrap();
    let heard = on(&mut rig, other, |socket, _| socket.recv()).unwrap();
    assert_eq!((heard.from, heard.to), (socket(from), group));
    assert_eq!((rig.udp_received(handle).len(), rig.frames().len()), (1, 1));
    assert_eq!(rig.counter("udp.looped"), 2);
    on(&mut rig, handle, |socket, _| socket.set_multicast_loop(false));
    rig.udp_send(handle, b"hello", &alloc::format!("{to}")).unwrap();
    assert_eq!((rig.udp_received(other).len(), rig.frames().len()), (0, 1));
}

/// A second interface, 10.0.0.1/24.
fn with_second(rig: &mut Rig) -> InterfaceId {
    let config = InterfaceConfig::new(
        EthernetAddress([2, 0, 0, 0, 1, 2]),
        Capabilities::plain(1500),
        [InterfaceAddress::v4([10, 0, 0, 1].into(), 24)],
    )
    .unverified();
    rig.stack.add_interface(rig.now, config).unwrap()
}

/// Membership is per interface; the interface is the one named, the one that a route names, or the first.
#[test]
fn which_interface() {
    let mut rig = Rig::new();
    let first = rig.interface;
    let second = with_second(&mut rig);
    let handle = rig.udp_bind("0.0.0.0:5000");
    join(&mut rig, handle, GROUP);
    on(&mut rig, handle, |socket, now| socket.join_group(now, Some(second), GROUP)).unwrap();
    let interfaces: Vec<_> =
        on(&mut rig, handle, |socket, _| socket.memberships().map(|membership| membership.interface).collect());
    assert_eq!(interfaces, [first, second]);
    rig.discard();
    rig.interface = second;
    insta::assert_snapshot!(rig.sent(), @"> 10.0.0.1 > 224.0.0.22 igmp3 report to_ex 233.252.0.1 {}");

    // Sending: by the first, by the one named, by the one that a route names.
    let send = |rig: &mut Rig| {
        for interface in [first, second] {
            rig.interface = interface;
            rig.discard();
        }
        rig.udp_send(handle, b"hello", "233.252.0.1:6000").unwrap();
        let ready: Vec<_> = rig.stack.interfaces_ready().collect();
        rig.interface = ready[0];
        (ready, rig.sent())
    };
    assert_eq!(send(&mut rig), (Vec::from([first]), "> 192.0.2.2:5000 > 233.252.0.1:6000 udp (5)".into()));
    on(&mut rig, handle, |socket, _| socket.set_multicast_interface(Some(second))).unwrap();
    let by_second = (Vec::from([second]), "> 10.0.0.1:5000 > 233.252.0.1:6000 udp (5)".into());
    assert_eq!(send(&mut rig), by_second);
    on(&mut rig, handle, |socket, _| socket.set_multicast_interface(None)).unwrap();
    let prefix = [224, 0, 0, 0].into();
    rig.stack.add_route(Route::on_link(prefix, 4, second)).unwrap();
    assert_eq!(send(&mut rig), by_second);
}

#[test]
fn groups_are_limited() {
    let mut rig = Rig::limited(Limits { groups: 2, ..Limits::default() });
    let handle = rig.udp_bind("[::]:5000");
    let group = |n: u16| IpAddr::from([0xff0e, 0, 0, 0, 0, 0, 0, n]);
    // The solicited-node group of our address does not count.
    for n in [1, 2] {
        join(&mut rig, handle, group(n));
    }
    let joined = |rig: &mut Rig, n| on(rig, handle, |socket, now| socket.join_group(now, None, group(n)));
    assert_eq!(joined(&mut rig, 3), Err(MembershipError::GroupsFull));
    // A group of which the leaving is still being told makes room.
    on(&mut rig, handle, |socket, now| socket.leave_group(now, None, group(1))).unwrap();
    assert_eq!(joined(&mut rig, 3), Ok(()));
    let address = InterfaceAddress::v6("2001:db8::77".parse().unwrap(), 64);
    rig.stack.add_address(rig.now, rig.interface, address).unwrap();
    assert_eq!(rig.stack.groups().count(), 4, "addresses always get theirs");
}

#[test]
fn sources_are_limited_on_the_socket_and_on_the_interface() {
    let mut rig = Rig::limited(Limits { group_sources: 2, ..Limits::default() });
    let (one, two) = (rig.udp_bind("0.0.0.0:5000"), rig.udp_bind("0.0.0.0:5001"));
    let joined =
        |rig: &mut Rig, handle, n| on(rig, handle, |socket, now| socket.join_source(now, None, GROUP, source(n)));
    assert_eq!([joined(&mut rig, one, 1), joined(&mut rig, one, 2)], [Ok(()); 2]);
    assert_eq!(joined(&mut rig, one, 3), Err(MembershipError::SourcesFull));
    assert_eq!(joined(&mut rig, two, 2), Ok(()));
    assert_eq!(joined(&mut rig, two, 3), Err(MembershipError::SourcesFull), "the interface would have three");
    on(&mut rig, two, |socket, _| {
        assert!(socket.memberships().map(|membership| membership.filter).eq([SourceFilter::include([source(2)])]));
    });
}

#[test]
fn memberships_are_limited() {
    let mut rig = Rig::limited(Limits { memberships: 1, ..Limits::default() });
    let handle = rig.udp_bind("0.0.0.0:5000");
    join(&mut rig, handle, GROUP);
    let second = on(&mut rig, handle, |socket, now| socket.join_group(now, None, [233, 252, 0, 2].into()));
    assert_eq!(second, Err(MembershipError::MembershipsFull));
    let other = rig.udp_bind("0.0.0.0:5001");
    join(&mut rig, other, [233, 252, 0, 2].into());
}

/// Told again when the link is back; a loopback has nobody to be told.
#[test]
fn links_that_go_and_come() {
    let mut rig = Rig::telling(Config { checks: true, ..Config::default() }, Capabilities::plain(1500));
    let handle = rig.udp_bind("0.0.0.0:5000");
    join(&mut rig, handle, GROUP);
    let interface = rig.interface;
    rig.stack.set_link(rig.now, interface, false).unwrap();
    on(&mut rig, handle, |socket, now| socket.join_group(now, Some(interface), [233, 252, 0, 2].into())).unwrap();
    assert_eq!(rig.pass(Duration::from_secs(5)), "");
    rig.stack.set_link(rig.now, rig.interface, true).unwrap();
    let sent = rig.pass(Duration::from_secs(2));
    for record in ["to_ex 233.252.0.1 {}", "to_ex 233.252.0.2 {}", "to_ex ff02::1:ff00:2 {}"] {
        assert_eq!(sent.matches(record).count(), 2, "{sent}");
    }
}

/// Sources that come and go faster than they are told: the list of what is to be told is bounded, and the
/// last report tells what is so.
#[test]
fn sources_that_flap() {
    let mut rig = Rig::limited(Limits { group_sources: 4, ..Limits::default() });
    let handle = rig.udp_bind("0.0.0.0:5000");
    for n in 0..200 {
        let filter = SourceFilter::include([source(n)]);
        on(&mut rig, handle, |socket, now| socket.listen_to_group(now, None, GROUP, filter)).unwrap();
    }
    let sent = rig.pass(Duration::from_secs(10));
    assert!(sent.lines().count() <= 4, "{sent}");
    assert!(sent.lines().all(|line| line.ends_with("to_in 233.252.0.1 {198.51.100.199}")), "{sent}");
}
