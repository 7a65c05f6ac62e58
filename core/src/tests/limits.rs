//! The limits on connections and listeners, each filled. Those on datagrams stand in `udp`, on
//! neighbors in `neighbor`, on routes in `route`, on interfaces and addresses in `interface`, on
//! answers in `icmp_errors`.

use alloc::format;

use super::rig::*;
use crate::error::{ConnectError, ListenError};
use crate::{ConnectOptions, DropReason, Limits, ListenOptions, Verdict};

pub(super) fn with(limits: Limits) -> Rig {
    let mut rig = Rig::limited(limits);
    rig.introduce_peer();
    rig
}

/// A SYN from the peer's `port` to our port 80.
pub(super) fn syn(rig: &mut Rig, port: u16) -> Verdict {
    rig.receive_packet(&tcp_packet(
        socket(&format!("192.0.2.1:{port}")),
        socket("192.0.2.2:80"),
        "S 1:1(0) win 1000",
        b"",
    ))
}

#[test]
fn listeners() {
    let mut rig = with(Limits { listeners: 2, ..Limits::default() });
    let mut listen = |port: u16| rig.stack.tcp_listen(socket(&format!("0.0.0.0:{port}")), ListenOptions::default());
    listen(80).unwrap();
    assert_eq!(listen(80), Err(ListenError::AddressInUse));
    listen(81).unwrap();
    assert_eq!(listen(82), Err(ListenError::LimitReached));
}

#[test]
fn connections() {
    let mut rig = with(Limits { tcp_sockets: 2, ..Limits::default() });
    rig.stack.tcp_listen(socket("0.0.0.0:80"), ListenOptions::default()).unwrap();
    rig.stack.tcp_connect(rig.now, socket("192.0.2.1:7"), ConnectOptions::default()).unwrap();
    assert_eq!(syn(&mut rig, 1000), Verdict::Accepted);
    assert_eq!(syn(&mut rig, 1001), Verdict::Dropped(DropReason::TcpTableFull));
    let refused = rig.stack.tcp_connect(rig.now, socket("192.0.2.1:8"), ConnectOptions::default());
    assert_eq!(refused, Err(ConnectError::LimitReached));
}

/// RFC 9293 section 3.10.7.2 lets a SYN be dropped for want of resources; the peer repeats it.
#[test]
fn connections_that_are_being_opened() {
    let mut rig = with(Limits { syn_queue: 2, ..Limits::default() });
    rig.stack.tcp_listen(socket("0.0.0.0:80"), ListenOptions::default()).unwrap();
    assert_eq!([1000, 1001].map(|port| syn(&mut rig, port)), [Verdict::Accepted; 2]);
    rig.discard();
    assert_eq!(syn(&mut rig, 1002), Verdict::Dropped(DropReason::TcpBacklog));
    assert_eq!(rig.sent(), "");
}

/// Closed by its application with data that the peer does not acknowledge, a connection finishes
/// alone; one too many is reset.
#[test]
fn orphans() {
    let mut rig = with(Limits { orphans: 1, ..Limits::default() });
    let handles = [7, 8].map(|port| {
        let (us, peer) = (socket(&format!("192.0.2.2:{}", 40_000 + port)), socket(&format!("192.0.2.1:{port}")));
        let options = ConnectOptions { local: Some(us), settings: None };
        let handle = rig.stack.tcp_connect(rig.now, peer, options).unwrap();
        let syn = rig.frames().remove(0);
        let ack = u32::from_be_bytes([syn[38], syn[39], syn[40], syn[41]]).wrapping_add(1);
        let _ = rig.receive_packet(&tcp_packet(peer, us, &format!("S. 0:0(0) ack {ack} win 65535"), b""));
        rig.discard();
        handle
    });
    let now = rig.now;
    for handle in handles {
        rig.stack.tcp(handle).unwrap().send(now, b"hello").unwrap();
        rig.stack.tcp_release(now, handle).unwrap();
    }
    let sent = rig.sent();
    assert_eq!(sent.lines().filter(|line| line.contains("tcp R")).count(), 1, "{sent}");
    assert_eq!(rig.stack.tcp_sockets().count(), 1);
    assert!(handles.iter().all(|handle| rig.stack.tcp(*handle).is_err()), "both handles are stale");
}
