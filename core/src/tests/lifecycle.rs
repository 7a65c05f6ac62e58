//! What becomes of connections and listeners: TIME-WAIT that makes room, handles that are held or
//! released, listeners that are closed.

use alloc::format;
use alloc::vec::Vec;

use super::limits::{syn, with};
use super::rig::*;
use crate::error::ConnectError;
use crate::tcp::State;
use crate::{ConnectOptions, Limits, ListenOptions, Verdict};

/// Connections in TIME-WAIT that nobody owns make room for new ones, oldest first, and are counted.
#[test]
fn time_wait_makes_room() {
    let mut rig = with(Limits { tcp_sockets: 2, ..Limits::default() });
    for port in [7, 8] {
        let handle =
            rig.stack.tcp_connect(rig.now, socket(&format!("192.0.2.1:{port}")), ConnectOptions::default()).unwrap();
        finish(&mut rig, handle, port);
    }
    assert_eq!(rig.stack.tcp_sockets().map(|entry| entry.state).collect::<Vec<_>>(), [State::TimeWait; 2]);
    rig.stack.tcp_connect(rig.now, socket("192.0.2.1:9"), ConnectOptions::default()).unwrap();
    let states: Vec<_> = rig.stack.tcp_sockets().map(|entry| (entry.remote.port(), entry.state)).collect();
    assert_eq!(states, [(9, State::SynSent), (8, State::TimeWait)]);
    assert_eq!(rig.counter("tcp.time_wait_evicted"), 1);
}

/// What the application still holds in TIME-WAIT is never taken from it, and does not hide what can be.
#[test]
fn time_wait_that_is_held_stays() {
    let mut rig = with(Limits { tcp_sockets: 2, ..Limits::default() });
    let held = rig.stack.tcp_connect(rig.now, socket("192.0.2.1:7"), ConnectOptions::default()).unwrap();
    establish_and_close(&mut rig, held, 7);
    let released = rig.stack.tcp_connect(rig.now, socket("192.0.2.1:8"), ConnectOptions::default()).unwrap();
    finish(&mut rig, released, 8);
    rig.stack.tcp_connect(rig.now, socket("192.0.2.1:9"), ConnectOptions::default()).unwrap();
    assert_eq!(rig.stack.tcp(held).unwrap().state(), State::TimeWait);
    let refused = rig.stack.tcp_connect(rig.now, socket("192.0.2.1:10"), ConnectOptions::default());
    assert_eq!(refused, Err(ConnectError::LimitReached));
    rig.stack.tcp_release(rig.now, held).unwrap();
    rig.stack.tcp_connect(rig.now, socket("192.0.2.1:10"), ConnectOptions::default()).unwrap();
}

/// Opens, closes from our side and releases.
fn finish(rig: &mut Rig, handle: crate::TcpHandle, port: u16) {
    establish_and_close(rig, handle, port);
    rig.stack.tcp_release(rig.now, handle).unwrap();
}

/// The handshake, and an active close up to TIME-WAIT (RFC 9293 figure 12).
fn establish_and_close(rig: &mut Rig, handle: crate::TcpHandle, port: u16) {
    let local = rig.stack.tcp(handle).unwrap().local().unwrap();
    let syn = rig.frames().pop().unwrap();
    let iss = u32::from_be_bytes(syn[38..42].try_into().unwrap());
    let from = socket(&format!("192.0.2.1:{port}"));
    let answer = |rig: &mut Rig, flags: &str, seq: u32, ack: u32| {
        let line = format!("{flags} {seq}:{seq}(0) ack {ack} win 1000");
        assert_eq!(rig.receive_packet(&tcp_packet(from, local, &line, b"")), Verdict::Accepted);
    };
    answer(rig, "S.", 100, iss.wrapping_add(1));
    rig.stack.tcp(handle).unwrap().close(rig.now);
    rig.frames();
    answer(rig, "F.", 101, iss.wrapping_add(2));
    rig.frames();
    assert_eq!(rig.stack.tcp(handle).unwrap().state(), State::TimeWait);
}

/// Closing a listener resets who waits to be accepted, at once, and who is still in SYN-RECEIVED as
/// soon as something happens there; nobody lingers.
#[test]
fn a_closed_listener_leaves_nobody_behind() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let listener = rig.stack.tcp_listen(socket("0.0.0.0:80"), ListenOptions::default()).unwrap();
    assert_eq!(syn(&mut rig, 1000), Verdict::Accepted);
    rig.frames();
    rig.stack.tcp_listener_close(rig.now, listener).unwrap();
    rig.pass(crate::Duration::from_secs(2));
    assert_eq!(rig.stack.tcp_sockets().count(), 0);
    assert_eq!(rig.counter("tcp.resets_sent"), 1);
}

/// Sockets that come and go while nothing is sent leave a bounded trace: a device that takes no frames
/// for long must not make the queues grow.
#[test]
fn sockets_that_are_gone_leave_the_queues() {
    let mut rig = Rig::new();
    for _ in 0..1000 {
        let handle = rig.stack.tcp_connect(rig.now, socket("192.0.2.1:7"), ConnectOptions::default()).unwrap();
        rig.stack.tcp_release(rig.now, handle).unwrap();
        let udp = rig.stack.udp_bind(socket("0.0.0.0:0"), crate::UdpOptions::default()).unwrap();
        rig.stack.udp(udp).unwrap().send(rig.now, b"x", Some(socket("192.0.2.1:7"))).unwrap();
        rig.stack.udp_release(udp).unwrap();
    }
    let depths = rig.stack.queue_depths();
    assert!(depths.ready <= 100 && depths.events <= 100, "{depths:?}");
}

/// Port 0 takes an ephemeral port, another for each listener.
#[test]
fn a_listener_on_port_0_gets_a_port_of_its_own() {
    let mut rig = Rig::new();
    let mut port = || {
        let listener = rig.stack.tcp_listen(socket("0.0.0.0:0"), ListenOptions::default()).unwrap();
        rig.stack.tcp_listener_local(listener).unwrap().port()
    };
    let (first, second) = (port(), port());
    assert!(first >= 32_768 && second >= 32_768 && first != second);
}
