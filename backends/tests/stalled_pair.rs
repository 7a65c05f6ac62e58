//! One host on a memory pair whose other end takes nothing: the device soon refuses frames.
#![cfg(target_os = "linux")]

mod support;

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use support::{host, ip4};
use tickwire_backends::driver::{Driver, Loop};
use tickwire_backends::net::UdpSocket;
use tickwire_backends::pair::pair_with;
use tickwire_core::Stack;
use tickwire_core::frame::Capabilities;
use tickwire_core::socket::{ConnectOptions, ListenOptions};
use tickwire_core::tcp::State;

#[test]
fn a_nonblocking_send_to_a_full_queue_is_eagain() {
    let (west, _east) = pair_with(Capabilities::plain(1500), 1).expect("eventfds");
    let driver = Driver::spawn(host(west, 1)).expect("a thread");
    let socket = UdpSocket::bind(&driver.handle(), (ip4(1), 0)).expect("a free port");
    socket.set_nonblocking(true).expect("any time");
    // Broadcast needs no neighbor, so nothing but the device holds it up.
    socket.set_broadcast(true).expect("any time");
    let error = loop {
        if let Err(error) = socket.send_to(&[0; 1400], "192.0.2.255:9") {
            break error;
        }
    };
    assert_eq!((error.kind(), error.raw_os_error()), (ErrorKind::WouldBlock, Some(11)));
}

/// How often the loop turns in `time`, left to itself.
fn turns_within(turns: &mut Loop, time: Duration) -> u32 {
    let begun = Instant::now();
    let mut count = 0;
    while let Some(left) = time.checked_sub(begun.elapsed()) {
        turns.turn(Some(left)).expect("the device is there");
        count += 1;
    }
    count
}

#[test]
fn a_driver_whose_device_takes_nothing_waits_for_timers_only() {
    let (west, east) = pair_with(Capabilities::plain(1500), 8).expect("eventfds");
    let (mut west, mut east) = (host(west, 1), host(east, 2));
    let listener = east.handle().with(|stack, _| stack.tcp_listen((ip4(2), 9).into(), ListenOptions::default()));
    let listener = listener.expect("a free port");
    let connection = west.handle().with(|stack, now| {
        stack.tcp_connect(now, (ip4(2), 9).into(), ConnectOptions::default()).expect("it has a route")
    });
    let state = |stack: &mut Stack, _| stack.tcp(connection).expect("not released").state();
    while west.handle().with(state) != State::Established {
        west.turn(Some(Duration::ZERO)).expect("the device is there");
        east.turn(Some(Duration::ZERO)).expect("the device is there");
    }
    turns_within(&mut east, Duration::from_millis(10));
    // Until the groups of the addresses have been reported twice (RFC 3810 section 9.11).
    turns_within(&mut west, Duration::from_millis(2200));
    let data = vec![0x5a; 64 * 1024];
    let sent = west.handle().with(|stack, now| stack.tcp(connection).expect("not released").send(now, &data));
    assert_eq!(sent, Ok(data.len()));
    // East stands still. The initial window is more than the link holds, so that frames are kept;
    // in this time the RTO (at least 200 ms) expires, and once only, for what it sends does not leave.
    let turns = turns_within(&mut west, Duration::from_millis(1500));
    assert!(west.handle().frames_kept()[0] > 0);
    assert!((1..=6).contains(&turns), "{turns} turns in 1.5 s");

    let accepted = east.handle().with(|stack, now| stack.tcp_accept(now, listener)).expect("it listens");
    let accepted = accepted.expect("it connected");
    let received = |stack: &mut Stack, _| stack.tcp(accepted).expect("not released").received_len();
    let begun = Instant::now();
    while east.handle().with(received) < data.len() {
        assert!(begun.elapsed() < Duration::from_mins(1));
        west.turn(Some(Duration::ZERO)).expect("the device is there");
        east.turn(Some(Duration::ZERO)).expect("the device is there");
    }
}
