//! Links that go down and come up while the stack runs.

use core::time::Duration;

use super::rig::*;
use crate::error::{InterfaceError, SocketError, UdpSendError};
use crate::link::neighbor::NeighborState;
use crate::wire::ethernet::EthernetAddress;
use crate::{Capabilities, ConnectOptions, DropReason, InterfaceAddress, InterfaceConfig, InterfaceId, Route, Verdict};

fn set_link(rig: &mut Rig, up: bool) {
    rig.stack.set_link(rig.now, rig.interface, up).unwrap();
}

#[test]
fn a_link_that_is_down_carries_nothing() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let handle = rig.udp_bind("0.0.0.0:5000");
    set_link(&mut rig, false);
    let ping = echo_request(PEER_V4.into(), OUR_V4.into(), 8);
    assert_eq!(rig.receive_packet(&ping), Verdict::Dropped(DropReason::InterfaceDown));
    assert_eq!(rig.udp_send(handle, b"hello", "192.0.2.1:9"), Err(UdpSendError::NoRoute));
    assert!(!rig.stack.interfaces().next().unwrap().up);
    set_link(&mut rig, true);
    assert_eq!(rig.receive_packet(&ping), Verdict::Accepted);
    // Whom it had known it has to ask for again.
    insta::assert_snapshot!(rig.sent(), @"> arp who-has 192.0.2.1 tell 192.0.2.2");
}

#[test]
fn what_waits_when_the_link_goes_down_is_lost_and_counted() {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:5000");
    rig.stack.udp(handle).unwrap().connect(Some(socket("192.0.2.1:9"))).unwrap();
    rig.udp_send(handle, b"for a neighbor", "192.0.2.1:9").unwrap();
    assert_eq!(rig.frames().len(), 1, "the question");
    assert_eq!(rig.neighbor("192.0.2.1"), Some((NeighborState::Incomplete, None)));
    rig.udp_send(handle, b"in the queue", "192.0.2.1:9").unwrap();
    set_link(&mut rig, false);
    assert_eq!((rig.drops(DropReason::InterfaceDown), rig.drops(DropReason::NoRoute)), (1, 1));
    assert_eq!(rig.neighbor("192.0.2.1"), None);
    assert_eq!(rig.udp_error(handle), Some(SocketError::NetworkUnreachable));
    set_link(&mut rig, true);
    assert_eq!(rig.pass(Duration::from_secs(10)), "");
}

/// Beside the rig's wire another to the same network behind it, at a higher cost.
fn with_backup() -> (Rig, InterfaceId) {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let mac = EthernetAddress([2, 0, 0, 0, 1, 2]);
    let addresses = [InterfaceAddress::v4([198, 51, 100, 2].into(), 24)];
    let backup = rig
        .stack
        .add_interface(rig.now, InterfaceConfig::new(mac, Capabilities::plain(1500), addresses).unverified())
        .unwrap();
    let default =
        |gateway: &str, interface| Route::via("0.0.0.0".parse().unwrap(), 0, gateway.parse().unwrap(), interface);
    rig.stack.add_route(default("192.0.2.1", rig.interface)).unwrap();
    rig.stack.add_route(Route { metric: 100, ..default("198.51.100.1", backup) }).unwrap();
    (rig, backup)
}

#[test]
fn datagrams_go_another_way_while_the_link_is_down() {
    let (mut rig, backup) = with_backup();
    let first = rig.interface;
    let handle = rig.udp_bind("0.0.0.0:5000");
    rig.udp_send(handle, b"hello", "203.0.113.7:9").unwrap();
    insta::assert_snapshot!(rig.sent(), @"> 192.0.2.2:5000 > 203.0.113.7:9 udp (5)");
    set_link(&mut rig, false);
    rig.udp_send(handle, b"hello", "203.0.113.7:9").unwrap();
    assert_eq!(rig.sent(), "");
    rig.interface = backup;
    insta::assert_snapshot!(rig.sent(), @"> arp who-has 198.51.100.1 tell 198.51.100.2");
    rig.interface = first;
    set_link(&mut rig, true);
    rig.udp_send(handle, b"hello", "203.0.113.7:9").unwrap();
    insta::assert_snapshot!(rig.sent(), @"> arp who-has 192.0.2.1 tell 192.0.2.2");
}

/// A connection keeps its addresses: it goes on when the link is back (RFC 1122 section 4.2.4.1).
#[test]
fn a_connection_waits_for_its_link() {
    let (mut rig, _) = with_backup();
    let handle = rig.stack.tcp_connect(rig.now, socket("203.0.113.7:80"), ConnectOptions::default()).unwrap();
    assert_eq!(rig.frames().len(), 1);
    set_link(&mut rig, false);
    assert_eq!(rig.pass(Duration::from_millis(900)), "");
    set_link(&mut rig, true);
    // The retransmission timeout asks for the gateway again.
    insta::assert_snapshot!(rig.pass(Duration::from_millis(200)), @"+100ms > arp who-has 192.0.2.1 tell 192.0.2.2");
    assert_eq!(rig.stack.tcp(handle).unwrap().take_error(), None);
}

#[test]
fn what_is_so_already_changes_nothing() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    set_link(&mut rig, true);
    assert!(rig.neighbor("192.0.2.1").is_some());
    let nobody = InterfaceId(7);
    assert_eq!(rig.stack.set_link(rig.now, nobody, true), Err(InterfaceError::NoInterface));
}
