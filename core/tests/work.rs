//! How much work a packet of extension headers costs beside an echo (RFC 8504 section 5.3): what is refused
//! for its headers is to cost a stranger more than us.
//!
//! Times are taken as the least of several rounds, side by side; the bound leaves room for a busy machine.

#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "a test of how long it takes needs a clock")]

use std::time::{Duration as Elapsed, Instant as Clock};

use bytes::Bytes;
use tickwire_core::wire::checksum::Sum;
use tickwire_core::wire::ethernet::{EtherType, EthernetAddress, EthernetHeader};
use tickwire_core::wire::icmpv6::{self, Icmpv6Header};
use tickwire_core::wire::ipv4::IpProtocol;
use tickwire_core::wire::ipv6::Ipv6Header;
use tickwire_core::{
    Capabilities, Config, Frame, Instant, InterfaceAddress, InterfaceConfig, InterfaceId, Seed, Stack, TxBatch,
};

const US: [u16; 8] = [0x2001, 0xdb8, 0, 0, 0, 0, 0, 2];
const PEER: [u16; 8] = [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1];
const OUR_MAC: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 2]);
const PEER_MAC: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 1]);
const DESTINATION_OPTIONS: u8 = 60;

/// An echo request of 1,400 bytes in all behind `headers`, each of which begins with the protocol of the next.
fn echo_behind(headers: &[Vec<u8>]) -> Bytes {
    let before: usize = headers.iter().map(Vec::len).sum();
    let mut message = Vec::new();
    Icmpv6Header::EchoRequest { id: 7, seq: 1 }.emit(&mut message);
    message.resize(1400 - 40 - before, 0x61);
    let pseudo = Sum::pseudo_header_v6(PEER.into(), US.into(), IpProtocol::ICMPV6, message.len());
    icmpv6::fill_checksum(pseudo, &mut message);
    let mut frame = Vec::new();
    EthernetHeader { dst: OUR_MAC, src: PEER_MAC, ethertype: EtherType::Ipv6 }.emit(&mut frame);
    let next_header = if headers.is_empty() { IpProtocol::ICMPV6 } else { IpProtocol::DESTINATION_OPTIONS };
    let payload_len = (before + message.len()) as u16;
    Ipv6Header {
        traffic_class: 0,
        flow_label: 0,
        payload_len,
        next_header,
        hop_limit: 64,
        src: PEER.into(),
        dst: US.into(),
    }
    .emit(&mut frame);
    for (at, header) in headers.iter().enumerate() {
        let next = if at + 1 == headers.len() { IpProtocol::ICMPV6.0 } else { DESTINATION_OPTIONS };
        frame.push(next);
        frame.extend_from_slice(&header[1..]);
    }
    frame.extend_from_slice(&message);
    frame.into()
}

/// An options header of 8 * (`units` + 1) bytes that holds `options`, the rest one-byte padding.
fn options(units: u8, options: &[u8]) -> Vec<u8> {
    let mut header = vec![0, units];
    header.extend_from_slice(options);
    header.resize(8 * (usize::from(units) + 1), 0);
    header
}

fn stack() -> (Stack, InterfaceId) {
    let mut stack = Stack::new(Config { checks: false, ..Config::default() }, Seed([3; 32]));
    let addresses = [InterfaceAddress::v6(US.into(), 64)];
    let interface = InterfaceConfig::new(OUR_MAC, Capabilities::plain(1500), addresses).unverified();
    let id = stack.add_interface(Instant::from_millis(1), interface).expect("a valid interface");
    (stack, id)
}

/// The least time that `count` of the frame took, with all that follows from them, in any of several rounds.
fn cost(frame: &Bytes, count: u32) -> Elapsed {
    let (mut stack, id) = stack();
    let mut batch = TxBatch::new();
    let mut now = Instant::from_millis(10);
    let mut round = || {
        let start = Clock::now();
        for _ in 0..count {
            now += Elapsed::from_micros(10);
            let _ = stack.handle_frame(now, id, Frame::from(frame.clone()));
            batch.clear();
            while stack.poll_transmit(now, id, &mut batch) > 0 {}
        }
        start.elapsed()
    };
    (0..7).map(|_| round()).min().expect("seven rounds")
}

#[test]
fn headers_cost_at_most_twice_an_echo() {
    let echo = cost(&echo_behind(&[]), 2000);
    let eight = [0x1e, 0].repeat(8);
    let worst = [
        ("seventeen headers", vec![options(0, &[1, 4, 0, 0, 0, 0]); 17]),
        ("much padding", vec![options(127, &[])]),
        ("nine options", vec![options(127, &[0x1e, 0].repeat(9))]),
        ("sixteen headers of eight options", vec![options(2, &eight); 16]),
        ("padding behind sixteen headers", [vec![options(2, &eight); 15], vec![options(100, &[])]].concat()),
    ];
    for (name, headers) in worst {
        let cost = cost(&echo_behind(&headers), 2000);
        assert!(cost <= echo * 2, "{name}: {cost:?}, an echo {echo:?}");
    }
}
