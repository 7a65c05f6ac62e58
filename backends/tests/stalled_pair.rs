//! One host on a memory pair whose other end takes nothing: the device soon refuses frames.
#![cfg(target_os = "linux")]

mod support;

use std::io::ErrorKind;

use support::{host, ip4};
use tickwire_backends::driver::Driver;
use tickwire_backends::net::UdpSocket;
use tickwire_backends::pair::pair_with;
use tickwire_core::frame::Capabilities;

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
