//! What a sent frame says of its cause (design: each frame has a serial number).

use alloc::format;
use alloc::string::String;
use core::fmt::Write as _;
use core::net::IpAddr;

use super::rig::*;
use crate::frame::TxBatch;
use crate::provenance::Trigger;
use crate::wire::arp::ArpOperation;
use crate::{Duration, Instant, Verdict};

/// What is sent at `now`: one description per frame.
fn described(rig: &mut Rig, now: Instant) -> String {
    let mut batch = TxBatch::new();
    let mut lines = String::new();
    while rig.stack.poll_transmit(now, rig.interface, &mut batch) > 0 {
        for number in 0..batch.len() {
            let provenance = batch.provenance(number).expect("the stack built it");
            writeln!(lines, "{}", provenance.describe(now)).unwrap();
        }
        assert_eq!(batch.provenance(batch.len()), None);
        batch.clear();
    }
    lines
}

/// Requests are numbered as they come, and their answers after them.
#[test]
fn an_answer_names_the_frame_that_it_answers() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let first = rig.stack.next_serial();
    let request = echo_request(IpAddr::V4(PEER_V4), IpAddr::V4(OUR_V4), 8);
    assert_eq!(rig.receive_packet(&request), Verdict::Accepted);
    assert_eq!(rig.receive_packet(&request), Verdict::Accepted);
    let later = rig.now + Duration::from_micros(7);
    let expected = format!(
        "frame {} by frame {}, 7µs later\nframe {} by frame {}, 7µs later\n",
        first + 2,
        first,
        first + 3,
        first + 1
    );
    assert_eq!(described(&mut rig, later), expected);
}

#[test]
fn a_datagram_names_the_call_and_what_waited_names_what_it_waited_for() {
    let mut rig = Rig::new();
    let socket = rig.udp_bind("192.0.2.2:5000");
    rig.udp_send(socket, b"one", "192.0.2.1:9").unwrap();
    let now = rig.now;
    assert_eq!(described(&mut rig, now), "frame 1 by call udp.send, 0ns later\n", "the ARP request");
    // A second request leaves when the first is not answered for a second (RFC 1122 section 2.3.2.1).
    let at = rig.stack.poll_timeout().expect("a timer").at;
    rig.stack.handle_timeout(at);
    let mut batch = TxBatch::new();
    rig.stack.poll_transmit(at, rig.interface, &mut batch);
    let provenance = batch.provenance(0).expect("the second request");
    assert!(matches!(provenance.occasion.trigger, Trigger::Timer(_)), "{provenance:?}");
    assert_eq!((provenance.serial, provenance.delay(at)), (2, Duration::ZERO));
    rig.now = at;
    let reply = arp(ArpOperation::Reply, PEER_MAC, PEER_V4, OUR_MAC, OUR_V4, OUR_MAC);
    assert_eq!(rig.receive(&reply), Verdict::Accepted);
    assert_eq!(described(&mut rig, at), "frame 4 by frame 3, 0ns later\n", "the datagram");
}
