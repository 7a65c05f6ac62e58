//! Arbitrary bytes, and right packets with a few bytes changed and the end cut off, through every
//! view and every accessor: nothing panics, and the notation always has a line.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::net::Ipv6Addr;

use proptest::prelude::*;

use super::samples;
use crate::tcp::seq::SeqNumber;
use crate::wire::arp::ArpPacket;
use crate::wire::checksum::Sum;
use crate::wire::dhcpv4::{Dhcpv4Message, option};
use crate::wire::ethernet::EthernetFrame;
use crate::wire::icmpv4::Icmpv4Message;
use crate::wire::icmpv6::Icmpv6Message;
use crate::wire::ipv4::{IpProtocol, Ipv4Packet};
use crate::wire::ipv6::Ipv6Packet;
use crate::wire::ipv6_ext::{ExtensionLimits, walk};
use crate::wire::membership::Message;
use crate::wire::ndp::{NeighborAdvertisement, NeighborSolicitation};
use crate::wire::ndp_options::RouterOption;
use crate::wire::ndp_router::{Redirect, RouterAdvertisement, RouterSolicitation};
use crate::wire::notation::{Notation, Relative};
use crate::wire::tcp::TcpSegment;
use crate::wire::udp::UdpDatagram;

fn every_view(bytes: &[u8]) {
    every_header_round_trips(bytes);
    let relative = Relative { seq: SeqNumber(7), ack: SeqNumber(9) };
    let notation = Notation { prefix: "", relative, full: true };
    assert!(!notation.frame(bytes).to_string().is_empty());
    assert!(!notation.packet(bytes).to_string().is_empty());
    let _ = EthernetFrame::parse(bytes).map(|view| (view.header(), view.payload().len()));
    let _ = ArpPacket::parse(bytes).map(|view| view.header());
    for packet in [Ipv4Packet::parse(bytes), Ipv4Packet::parse_quoted(bytes)].into_iter().flatten() {
        assert!(packet.options().count() <= 40);
        assert!(packet.header_len() + packet.payload().len() <= bytes.len());
        let _ = (packet.header(), packet.verify_checksum());
    }
    for packet in [Ipv6Packet::parse(bytes), Ipv6Packet::parse_quoted(bytes)].into_iter().flatten() {
        assert!(40 + packet.payload().len() <= bytes.len());
        let _ = packet.header();
    }
    let limits = ExtensionLimits::default();
    for first in [0, 43, 44, 60] {
        let dst = Ipv6Addr::LOCALHOST;
        if let Ok(upper) = walk(dst, IpProtocol(first), bytes, &limits) {
            assert!(upper.offset <= bytes.len() && upper.offset >= 8);
        }
    }
    let _ = Icmpv4Message::parse(bytes).map(|view| (view.header(), view.quoted().is_some()));
    let _ = Icmpv6Message::parse(bytes).map(|view| (view.header(), view.quoted().is_some()));
    let _ = (NeighborSolicitation::parse(bytes), NeighborAdvertisement::parse(bytes));
    for message in [crate::wire::igmp::parse(bytes), crate::wire::mld::parse(bytes)].into_iter().flatten() {
        if let Message::Records(records) = message {
            assert!(records.iter().map(|record| 8 + record.sources.iter().count()).sum::<usize>() <= bytes.len());
        }
    }
    let _ = RouterAdvertisement::parse(bytes).map(|view| view.options().count());
    let _ = UdpDatagram::parse(bytes).map(|view| (view.header(), view.verify_checksum(Sum::new())));
    if let Ok(message) = Dhcpv4Message::parse(bytes) {
        let _ = (message.header(), message.kind(), message.option(121), message.malformed_fields());
    }
    if let Ok(segment) = TcpSegment::parse(bytes) {
        assert_eq!(segment.header_len() + segment.payload().len(), bytes.len());
        let _ = (segment.header(), segment.options(), segment.verify_checksum(Sum::new()));
    }
}

/// Whatever a view could read, its header emits, and reads again to the same.
fn every_header_round_trips(bytes: &[u8]) {
    let mut out = Vec::new();
    let mut emitted = |emit: &dyn Fn(&mut Vec<u8>)| {
        out.clear();
        emit(&mut out);
        out.clone()
    };
    if let Ok(header) = EthernetFrame::parse(bytes).map(|view| view.header()) {
        let again = emitted(&|out| header.emit(out));
        assert_eq!(EthernetFrame::parse(&again).unwrap().header(), header);
    }
    if let Ok(header) = ArpPacket::parse(bytes).map(|view| view.header()) {
        assert_eq!(emitted(&|out| header.emit(out)), bytes[..28]);
    }
    if let Ok(packet) = Ipv4Packet::parse_quoted(bytes) {
        let again = emitted(&|out| {
            packet.header().emit_with_options(packet.option_bytes(), out);
        });
        let again = Ipv4Packet::parse_quoted(&again).unwrap();
        assert_eq!((again.header(), again.option_bytes()), (packet.header(), packet.option_bytes()));
        assert!(again.verify_checksum());
    }
    if Ipv6Packet::parse_quoted(bytes).is_ok() {
        let header = Ipv6Packet::parse_quoted(bytes).unwrap().header();
        assert_eq!(emitted(&|out| header.emit(out)), bytes[..40]);
    }
    if let Ok(header) = Icmpv4Message::parse(bytes).map(|view| view.header()) {
        let again = emitted(&|out| header.emit(out));
        assert_eq!(Icmpv4Message::parse(&again).unwrap().header(), header);
    }
    if let Ok(header) = Icmpv6Message::parse(bytes).map(|view| view.header()) {
        let again = emitted(&|out| header.emit(out));
        assert_eq!(Icmpv6Message::parse(&again).unwrap().header(), header);
    }
    if let Ok(message) = NeighborSolicitation::parse(bytes) {
        let again = emitted(&|out| message.emit(out));
        assert_eq!(NeighborSolicitation::parse(&again), Ok(message));
    }
    if let Ok(message) = NeighborAdvertisement::parse(bytes) {
        let again = emitted(&|out| message.emit(out));
        assert_eq!(NeighborAdvertisement::parse(&again), Ok(message));
    }
    if let Ok(Message::Query(query)) = crate::wire::igmp::parse(bytes) {
        let again = emitted(&|out| crate::wire::igmp::emit_query(&query, out));
        assert_eq!(crate::wire::igmp::parse(&again), Ok(Message::Query(query)));
    }
    if let Ok(Message::Query(query)) = crate::wire::mld::parse(bytes) {
        let again = emitted(&|out| crate::wire::mld::emit_query(&query, out));
        assert_eq!(crate::wire::mld::parse(&again), Ok(Message::Query(query)));
    }
    router_messages_round_trip(bytes);
    if let Ok(datagram) = UdpDatagram::parse(bytes) {
        assert_eq!(emitted(&|out| datagram.header().emit(out))[..6], bytes[..6]);
    }
    if let Ok(message) = Dhcpv4Message::parse(bytes) {
        // Where the overload option is left out, all options stand in one field.
        let options: Vec<_> = message.options().flatten().filter(|(code, _)| *code != option::OVERLOAD).collect();
        let again = emitted(&|out| message.header().emit(options.iter().copied(), out));
        let again = Dhcpv4Message::parse(&again).unwrap();
        assert_eq!((again.header(), again.malformed_fields()), (message.header(), 0));
        assert_eq!(again.options().flatten().collect::<Vec<_>>(), options);
    }
    if let Ok(segment) = TcpSegment::parse(bytes) {
        let (header, mut options) = (segment.header(), segment.options());
        let again = emitted(&|out| header.emit(&options, out));
        let again = TcpSegment::parse(&again).unwrap();
        options.sack.truncate(again.options().sack.len()); // NOPs may leave less room for blocks
        assert_eq!((again.header(), again.options()), (header, options));
    }
}

fn router_messages_round_trip(bytes: &[u8]) {
    let mut out = Vec::new();
    if let Ok(message) = RouterSolicitation::parse(bytes) {
        message.emit(&mut out);
        assert_eq!((RouterSolicitation::parse(&out), out.len()), (Ok(message), message.message_len()));
    }
    if let Ok(message) = RouterAdvertisement::parse(bytes) {
        out.clear();
        message.header().emit(&mut out);
        let known = |option: &RouterOption<'_>| !matches!(option, RouterOption::Malformed(_));
        message.options().for_each(|option| option.emit(&mut out));
        let again = RouterAdvertisement::parse(&out).unwrap();
        assert_eq!(again.header(), message.header());
        assert!(again.options().filter(known).eq(message.options().filter(known)));
    }
    if let Ok(message) = Redirect::parse(bytes) {
        out.clear();
        message.emit(&mut out);
        assert_eq!((Redirect::parse(&out), out.len()), (Ok(message), message.message_len()));
    }
}

/// Well-formed frames and packets of every kind, to be damaged.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::from([
        samples::ARP_REQUEST.to_vec(),
        samples::ipv4(),
        samples::IPV6.to_vec(),
        samples::UDP.to_vec(),
        samples::TCP.to_vec(),
    ]);
    seeds.push(samples::dhcpv4());
    for (protocol, payload) in [
        (6, &samples::TCP[..]),
        (17, &samples::UDP),
        (1, &[3, 3, 0, 0, 0, 0, 0, 0]),
        (2, &[0x22, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 233, 252, 0, 1, 192, 0, 2, 1]),
    ] {
        let mut packet = samples::ipv4();
        packet[9] = protocol;
        packet.truncate(20);
        packet[3] = 20 + payload.len() as u8;
        packet.extend_from_slice(payload);
        let mut frame = Vec::from([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0]);
        frame.extend_from_slice(&packet);
        seeds.extend([packet, frame]);
    }
    for (next, payload) in [
        (58, &[130u8, 0, 0, 0, 0x90, 1, 0, 0, 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0x8f, 0, 0][..]),
        (
            58,
            &[135u8, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 0, 0, 0, 0, 1]
                [..],
        ),
        (
            58,
            &[
                134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 1, 3, 4, 64, 0xc0, 0, 1, 0, 0,
                0, 0, 9, 9, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 24, 2, 48, 8, 0, 0, 2,
                2, 0x20, 1, 0, 0, 0, 0, 0, 0, 31, 2, 0, 0, 0, 0, 0, 5, 1, b'a', 1, b'b', 0, 0, 0, 0,
            ],
        ),
        (
            58,
            &[
                137, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x20, 1, 0, 0, 0, 0, 0,
                0, 0, 0, 0, 0, 0, 0, 0, 1, 4, 2, 0, 0, 0, 0, 0, 0, 0x60, 0, 0, 0, 0, 0, 59, 1,
            ],
        ),
        (0, &[43, 0, 5, 2, 0, 0, 1, 0, 44, 0, 0, 0, 0, 0, 0, 0, 60, 0, 0, 0, 0, 0, 0, 1, 6, 0, 1, 4, 0, 0, 0, 0]),
    ] {
        let mut packet = samples::IPV6.to_vec();
        packet.truncate(40);
        packet[5] = payload.len() as u8;
        packet[6] = next;
        packet.extend_from_slice(payload);
        let mut frame = Vec::from([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x86, 0xdd]);
        frame.extend_from_slice(&packet);
        seeds.extend([packet, frame]);
    }
    seeds
}

#[test]
fn every_seed_and_every_truncation_of_it() {
    for seed in seeds() {
        for len in 0..=seed.len() {
            every_view(&seed[..len]);
        }
    }
}

#[test]
fn every_byte_of_every_seed_at_its_extremes() {
    for seed in seeds() {
        for at in 0..seed.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bytes = seed.clone();
                bytes[at] = value;
                every_view(&bytes);
            }
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        every_view(&bytes);
    }

    #[test]
    fn damaged_packets(
        which in any::<prop::sample::Index>(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = which.get(&seeds()).clone();
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(cut.index(bytes.len() + 40).max(1));
        every_view(&bytes);
    }
}
