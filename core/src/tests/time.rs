//! Time: deadlines are exact (design rule 3), and time does not go back (rule 1).

use core::time::Duration;

use super::rig::*;
use crate::{Cause, ConnectOptions, DropReason, Instant};

#[test]
fn a_stack_at_rest_has_no_deadline() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    assert_eq!(rig.stack.poll_timeout(), None);
}

#[test]
fn what_is_not_drained_is_due_now() {
    let mut rig = Rig::new();
    let _ = rig.receive_packet(&echo_request(PEER_V4.into(), OUR_V4.into(), 8));
    let wakeup = rig.stack.poll_timeout().unwrap();
    assert_eq!((wakeup.at, wakeup.cause), (rig.now, Cause::Undrained));
}

#[test]
fn the_earliest_deadline_is_named_with_its_cause() {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:5000");
    rig.udp_send(handle, b"hello", "192.0.2.77:7").unwrap();
    rig.discard();
    let start = rig.now;
    rig.now += Duration::from_millis(300);
    rig.udp_send(handle, b"hello", "192.0.2.78:7").unwrap();
    rig.discard();
    let wakeup = rig.stack.poll_timeout().unwrap();
    assert_eq!((wakeup.at, wakeup.cause), (start + Duration::from_secs(1), Cause::Neighbor));
}

/// One nanosecond makes the difference.
#[test]
fn a_deadline_is_exact() {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:5000");
    rig.udp_send(handle, b"hello", "192.0.2.77:7").unwrap();
    rig.discard();
    let at = rig.stack.poll_timeout().unwrap().at;
    rig.now = at - Duration::from_nanos(1);
    rig.stack.handle_timeout(rig.now);
    assert_eq!(rig.sent(), "");
    rig.now = at;
    rig.stack.handle_timeout(rig.now);
    insta::assert_snapshot!(rig.sent(), @"> arp who-has 192.0.2.77 tell 192.0.2.2");
}

/// A caller that comes late finds everything done that was due, once.
#[test]
fn a_late_caller_makes_up_for_it() {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:5000");
    for n in 10..60 {
        rig.udp_send(handle, b"hello", &alloc::format!("192.0.2.{n}:7")).unwrap();
    }
    assert_eq!(rig.frames().len(), 50);
    rig.now += Duration::from_hours(1);
    rig.stack.handle_timeout(rig.now);
    assert_eq!(rig.frames().len(), 50, "the second request each, and the next a second later");
    assert_eq!(rig.stack.poll_timeout().unwrap().at, rig.now + Duration::from_secs(1));
}

/// An earlier time is taken as the latest seen, by every entry point, and counted.
#[test]
fn time_does_not_go_back() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let handle = rig.udp_bind("0.0.0.0:7");
    let latest = rig.now;
    rig.now = Instant::ZERO;
    let _ = rig.receive_packet(&udp_packet(socket("192.0.2.1:1000"), socket("192.0.2.2:7"), b"hello"));
    rig.stack.handle_timeout(Instant::ZERO);
    rig.stack.tcp_connect(Instant::ZERO, socket("192.0.2.77:7"), ConnectOptions::default()).unwrap();
    rig.udp_send(handle, b"hello", "192.0.2.1:7").unwrap();
    assert_eq!(rig.counter("time.regressions"), 4);
    assert_eq!(rig.stack.latest(), latest);
    assert_eq!(rig.stack.udp(handle).unwrap().recv().unwrap().at, latest);
    rig.discard();
    rig.events();
    assert_eq!(rig.stack.poll_timeout().unwrap().at, latest + Duration::from_secs(1));
    assert_eq!(rig.drops(DropReason::NeighborUnreachable), 0);
}
