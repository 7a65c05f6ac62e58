//! What the report of a recording says of a stack that does something wrong.

use std::io::Cursor;
use std::net::SocketAddr;

use bytes::Bytes;
use tickwire_backends::recording::{Reader, Record, Start, write_records};
use tickwire_core::frame::Capabilities;
use tickwire_core::{Config, Duration, Instant, InterfaceAddress, InterfaceConfig, Seed, Stack, TxBatch, UdpOptions};
use tickwire_sim::replay::Replay;
use tickwire_sim::report::Recorded;

use super::pair::{connected, recorded, transfer, v4};

/// The time to live of the first packet of IPv4 after ten frames have left is changed, and its checksum is not.
#[test]
fn verdicts_lead_to_their_frames() {
    let [_, east] = recorded(|west, east| {
        let (client, server) = connected(west, east, SocketAddr::new(v4(2), 9));
        transfer(&client, &server, 100_000);
        transfer(&server, &client, 1_000_000);
    });
    let mut replay = Replay::examining(Reader::open(&east.recording.0).expect("written"));
    let (mut report, mut sent, mut wrong) = (Recorded::default(), 0, None);
    while let Some(mut step) = replay.step().expect("it is answered as it was") {
        let first = replay.stack().next_serial() - step.emitted.len() as u64;
        for (number, frame) in (first..).zip(&mut step.emitted) {
            sent += 1;
            if sent > 10 && wrong.is_none() && frame.data[12..14] == [8, 0] {
                let mut data = frame.data.to_vec();
                data[14 + 8] ^= 1;
                (frame.data, wrong) = (Bytes::from(data), Some(number));
            }
        }
        report.add(&replay, &step);
    }
    let page = report.html("A checksum", &replay);
    let wrong = wrong.expect("more frames were sent");
    assert!(page.contains("1 failure<"), "one, and no more");
    let (_, verdict) = page.split_once("id=\"verdict-1\"").expect("it is told");
    assert!(verdict.contains("V1: checksums"), "{}", &verdict[..200]);
    assert!(verdict.contains(&format!("href=\"#frame-{wrong}\"")) && page.contains(&format!("id=\"frame-{wrong}\"")));
    assert!(page.contains("href=\"#verdict-1\""), "and back");
}

/// What a stack records in which `calls` are made, played, with its report.
fn played(calls: impl FnOnce(&mut Stack)) -> String {
    let (config, seed) = (Config::default(), Seed([7; 32]));
    let mut stack = Stack::new(config.clone(), seed.clone());
    stack.start_recording(0);
    calls(&mut stack);
    let mut entries = Vec::new();
    stack.take_recorded(&mut entries);
    let mut records = vec![Record::Start(Box::new(Start { config, seed, unix_offset: Duration::ZERO }))];
    records.extend(entries.into_iter().map(Record::Entry));
    records.push(Record::End { digest: stack.digest() });
    let mut bytes = Vec::new();
    write_records(&mut bytes, &records).expect("there is room");
    let mut replay = Replay::examining(Reader::new(Cursor::new(bytes)).expect("a recording"));
    let mut report = Recorded::default();
    while let Some(step) = replay.step().expect("it is answered as it was") {
        report.add(&replay, &step);
    }
    report.html("Calls", &replay)
}

fn tun(last: u8) -> InterfaceConfig {
    InterfaceConfig::ip(Capabilities::plain(1500), [InterfaceAddress { address: v4(last), prefix_len: 24 }])
}

/// A number that was given once is not given again: the third interface is still told from the second, and its packets
/// have no Ethernet header.
#[test]
fn interfaces_are_known_after_one_was_removed() {
    let now = Instant::ZERO;
    let page = played(|stack| {
        let first = stack.add_interface(now, tun(1)).expect("valid");
        stack.add_interface(now, tun(2)).expect("valid");
        stack.remove_interface(now, first).expect("it is there");
        let third = stack.add_interface(now, tun(3)).expect("valid");
        let (from, to) = (SocketAddr::new(v4(3), 5000), SocketAddr::new(v4(9), 7));
        let socket = stack.udp_bind(from, UdpOptions::default()).expect("free");
        stack.udp(socket).expect("bound").send(now, b"what", Some(to)).expect("there is a route");
        assert_eq!(stack.poll_transmit(now, third, &mut TxBatch::new()), 1);
    });
    assert!(page.contains("192.0.2.3:5000 &gt; 192.0.2.9:7 udp"), "the datagram is read");
}

/// Calls between which no frame passes have each its own time; those of one time are told together.
#[test]
fn calls_are_told_with_their_times() {
    let page = played(|stack| {
        let first = stack.add_interface(Instant::ZERO, tun(1)).expect("valid");
        stack.add_interface(Instant::ZERO, tun(2)).expect("valid");
        let late = InterfaceAddress { address: v4(77), prefix_len: 24 };
        stack.add_address(Instant::from_millis(60_000), first, late).expect("valid");
    });
    let titles =
        page.split("<title>").filter_map(|rest| rest.trim_start().strip_prefix("at ")?.split("</title>").next());
    let titles: Vec<&str> = titles.collect();
    let [first, second] = titles[..] else { panic!("{titles:?}") };
    assert!(first.starts_with("0.000000000 s") && first.matches("AddInterface").count() == 2, "{first}");
    assert!(second.starts_with("60.000000000 s") && second.contains("AddAddress"), "{second}");
}

/// The interface that comes later leaves checksums to its device: then none is judged, on any.
#[test]
fn later_interfaces_set_what_is_judged() {
    let now = Instant::ZERO;
    let page = |tx_checksum: bool| {
        played(|stack| {
            let mut ids = Vec::new();
            for (last, tx_checksum) in [(1, false), (2, tx_checksum)] {
                let id = stack.add_interface(now, offloading(last, tx_checksum)).expect("valid");
                let socket = stack.udp_bind(SocketAddr::new(v4(last), 5000), UdpOptions::default()).expect("free");
                let mut socket = stack.udp(socket).expect("bound");
                socket.send(now, b"what", Some(SocketAddr::new(v4(9), 7))).expect("a route");
                ids.push(id);
                for id in &ids {
                    stack.poll_transmit(now, *id, &mut TxBatch::new());
                }
            }
        })
    };
    assert!(page(false).contains("all as it should be"));
    assert!(page(true).contains("all as it should be"), "a checksum that the device completes was judged");
}

fn offloading(last: u8, tx_checksum: bool) -> InterfaceConfig {
    InterfaceConfig { capabilities: Capabilities { tx_checksum, ..Capabilities::plain(1500) }, ..tun(last) }
}
