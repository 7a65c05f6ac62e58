//! What a flood on the link does to a stack on a real TAP: existing traffic goes on, new neighbors are
//! found, and the tables keep their bounds. The kernel is the neighbor; the flood comes from another port
//! of the bridge.
//!
//! Where no namespace or TAP is to be had, a test says so and passes, unless `TICKWIRE_REQUIRE_TAP=1`.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::thread;
use std::time::{Duration, Instant};

use crate::command::bridge::{BRIDGE, Bridge, TAP, pinged, pings};
use crate::command::peer::{Folder, Server, addresses, stats};
use crate::command::{Running, in_namespace};
use tickwire_backends::net_setup::Ip;

const OURS_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const OURS_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 2);
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const BROADCAST: [u8; 6] = [0xff; 6];
/// Neighbors that begin to speak in the midst of a flood.
const NEW_NEIGHBORS: u8 = 20;

/// The `n`th station that is not there.
fn station(n: u32) -> [u8; 6] {
    let mut station = [2, 0xbd, 0, 0, 0, 0];
    station[2..].copy_from_slice(&n.to_be_bytes());
    station
}

/// An address on the link that nobody has.
fn nobody_v4(n: u32) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, 150 + (n % 100) as u8)
}

fn nobody_v6(n: u32) -> Ipv6Addr {
    let [high, low] = [(n >> 16) as u16, n as u16];
    Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0xbad, high, low)
}

fn ethernet(dst: [u8; 6], src: [u8; 6], ether_type: u16, payload: &[u8]) -> Vec<u8> {
    [&dst[..], &src, &ether_type.to_be_bytes(), payload].concat()
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> [u8; 2] {
    let words = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!(sum as u16)).to_be_bytes()
}

/// A station that has `sender` asks for our address.
fn arp_request(sender: Ipv4Addr, hardware: [u8; 6]) -> Vec<u8> {
    let head = [0, 1, 8, 0, 6, 4, 0, 1];
    let body = [&head[..], &hardware, &sender.octets(), &[0; 6], &OURS_V4.octets()].concat();
    ethernet(BROADCAST, hardware, 0x0806, &body)
}

/// An ICMPv6 message whose checksum is still 0, in a frame as for a group.
fn icmpv6(hardware: [u8; 6], src: Ipv6Addr, dst: Ipv6Addr, hop_limit: u8, mut message: Vec<u8>) -> Vec<u8> {
    let len = (message.len() as u32).to_be_bytes();
    let pseudo = [&src.octets()[..], &dst.octets(), &len, &[0, 0, 0, 58]].concat();
    let sum = checksum(&[&pseudo[..], &message].concat());
    message[2..4].copy_from_slice(&sum);
    let head = [&[0x60, 0, 0, 0, len[2], len[3], 58, hop_limit][..], &src.octets(), &dst.octets()].concat();
    let mut to = [0x33; 6];
    to[2..].copy_from_slice(&dst.octets()[12..]);
    ethernet(to, hardware, 0x86dd, &[&head[..], &message].concat())
}

/// A station that has `sender` asks for our address, and tells its own.
fn neighbor_solicitation(sender: Ipv6Addr, hardware: [u8; 6]) -> Vec<u8> {
    let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00, 2);
    let message = [&[135, 0, 0, 0, 0, 0, 0, 0][..], &OURS_V6.octets(), &[1, 1], &hardware].concat();
    icmpv6(hardware, sender, group, 255, message)
}

/// A router that is not there, with a prefix of its own. The frame is for the stack alone (as RFC 6085
/// allows): Linux enters each router among its neighbors, of which it has one table for all namespaces, and
/// would then resolve nobody for the other tests.
fn router_advertisement(n: u32, to: [u8; 6]) -> Vec<u8> {
    let hardware = station(n);
    let src = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0xbad, (n >> 16) as u16, n as u16);
    let prefix = Ipv6Addr::new(0x2001, 0xdb8, 0x8000 | n as u16, 0, 0, 0, 0, 0);
    let head = [134, 0, 0, 0, 64, 0, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0];
    let told = [3, 4, 64, 0xc0, 0, 1, 0x51, 0x80, 0, 0, 0x38, 0x40, 0, 0, 0, 0];
    let message = [&head[..], &[1, 1], &hardware, &told, &prefix.octets()].concat();
    unicast(icmpv6(hardware, src, ALL_NODES, 255, message), to)
}

/// The frame, for one station.
fn unicast(mut frame: Vec<u8>, to: [u8; 6]) -> Vec<u8> {
    frame[..6].copy_from_slice(&to);
    frame
}

fn echo_v6(src: Ipv6Addr, hardware: [u8; 6], to: [u8; 6]) -> Vec<u8> {
    unicast(icmpv6(hardware, src, OURS_V6, 64, vec![128, 0, 0, 0, 0, 7, 0, 1]), to)
}

fn echo_v4(src: Ipv4Addr, hardware: [u8; 6], to: [u8; 6]) -> Vec<u8> {
    let mut head = [&[0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0][..], &src.octets(), &OURS_V4.octets()].concat();
    let sum = checksum(&head);
    head[10..12].copy_from_slice(&sum);
    let mut message = vec![8, 0, 0, 0, 0, 7, 0, 1];
    let sum = checksum(&message);
    message[2..4].copy_from_slice(&sum);
    ethernet(to, hardware, 0x0800, &[&head[..], &message].concat())
}

/// Sends `count` frames evenly over `time`.
fn flood(bridge: &Bridge, count: u32, time: Duration, frame: impl Fn(u32) -> Vec<u8>) {
    let began = Instant::now();
    for n in 0..count {
        let due = time * n / count;
        // In small bursts: a sleep takes at least some 50 us.
        if n % 16 == 0 {
            thread::sleep(due.saturating_sub(began.elapsed()));
        }
        bridge.send(&frame(n));
    }
}

/// A stack with an address of each family, and what it is known by on the link.
fn fixed(more: &[&str]) -> (Running, [u8; 6]) {
    let arguments = [&["--tap", TAP, "--ip4", "192.0.2.2/24", "--ip6", "2001:db8:1::2/64"], more].concat();
    let running = Running::start_with(&arguments);
    let text = running.hardware_address();
    let bytes: Vec<u8> = text.split(':').map(|byte| u8::from_str_radix(byte, 16).expect("hexadecimal")).collect();
    let mac = bytes.try_into().expect("six bytes");
    (running, mac)
}

/// Further addresses of the kernel's, from which it has not spoken yet.
fn new_neighbors(ipv6: bool) -> Vec<IpAddr> {
    let ip = Ip::default();
    let all = (0..NEW_NEIGHBORS).map(|n| {
        if ipv6 {
            IpAddr::from([0x2001, 0xdb8, 1, 0, 0, 0, 1, 0x100 + u16::from(n)])
        } else {
            IpAddr::from([192, 0, 2, 100 + n])
        }
    });
    let all: Vec<IpAddr> = all.collect();
    for address in &all {
        ip.add_address(BRIDGE, *address, if ipv6 { 64 } else { 24 }).expect("it is there");
    }
    all
}

/// 5,000 solicitations of stations that are not there; meanwhile an existing flow, and new neighbors.
fn solicited(ipv6: bool) {
    let bridge = Bridge::new();
    let (running, _) = fixed(&[]);
    let ours = if ipv6 { IpAddr::from(OURS_V6) } else { IpAddr::from(OURS_V4) };
    assert!(pings(ours));
    let neighbors = new_neighbors(ipv6);
    let (existing, new) = thread::scope(|scope| {
        let flow = scope.spawn(|| pinged(ours, &["-c", "60", "-i", "0.05", "-W", "2"]));
        let others = scope.spawn(|| {
            let each = neighbors.iter().map(|from| {
                thread::sleep(Duration::from_millis(100));
                pinged(ours, &["-c", "1", "-W", "1", "-I", &from.to_string()])
            });
            each.sum::<u32>()
        });
        flood(&bridge, 5_000, Duration::from_secs(3), |n| {
            if ipv6 { neighbor_solicitation(nobody_v6(n), station(n)) } else { arp_request(nobody_v4(n), station(n)) }
        });
        (flow.join().expect("no panic"), others.join().expect("no panic"))
    });
    println!("an existing flow: {existing} of 60; new neighbors: {new} of {NEW_NEIGHBORS}");
    assert_eq!(existing, 60);
    assert!(new * 100 >= 95 * u32::from(NEW_NEIGHBORS), "{new} of {NEW_NEIGHBORS}");
    running.stop();
}

#[test]
fn spoofed_arp_requests() {
    in_namespace(|| solicited(false));
}

#[test]
fn spoofed_neighbor_solicitations() {
    in_namespace(|| solicited(true));
}

/// 10,000 echo requests whose answers can go nowhere, half of each family; then 8 pings of each from
/// neighbors that the stack does not know yet.
#[test]
fn frames_from_sources_that_cannot_be_resolved() {
    in_namespace(|| {
        let bridge = Bridge::new();
        let (running, mac) = fixed(&[]);
        let (v4, v6) = (new_neighbors(false), new_neighbors(true));
        flood(&bridge, 10_000, Duration::from_secs(2), |n| match n % 2 {
            0 => echo_v4(nobody_v4(n / 2), station(n), mac),
            _ => echo_v6(nobody_v6(n), station(n), mac),
        });
        let eight = |to: IpAddr, from: &IpAddr| {
            let answered = pinged(to, &["-c", "8", "-i", "0.2", "-W", "1", "-I", &from.to_string()]);
            println!("{answered} of 8 from {from}");
            assert_eq!(answered, 8, "from {from}");
        };
        eight(OURS_V4.into(), &v4[0]);
        eight(OURS_V6.into(), &v6[0]);
        running.stop();
    });
}

/// Two seconds of advertisements, each of another router and of another prefix.
#[test]
fn routers_that_are_not_there() {
    in_namespace(|| {
        let folder = Folder::new("routers");
        let bridge = Bridge::new();
        let configuration = "interface br0 {
            AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4;
            prefix 2001:db8:1::/64 { AdvOnLink on; AdvAutonomous on; };
        };";
        fs::write(folder.path("radvd.conf"), configuration).expect("written");
        let (conf, pid, file) = (folder.path("radvd.conf"), folder.path("radvd.pid"), folder.path("stats.json"));
        let Some(router) = Server::start(&folder, "radvd", &["-n", "-m", "stderr", "-C", &conf, "-p", &pid]) else {
            return;
        };
        let (running, mac) = fixed(&["--ip6", "slaac", "--stats", &file]);
        let ours: Vec<IpAddr> = addresses(&running.ready);
        assert!(ours.len() >= 3 && ours.iter().all(|address| pings(*address)), "{}", running.ready);
        flood(&bridge, 5_000, Duration::from_secs(2), |n| router_advertisement(n, mac));
        let value = stats(&running, &file, |value| value["routers"].is_array());
        let len = |name: &str| value[name].as_array().map_or(0, Vec::len);
        println!("{} routers, {} prefixes", len("routers"), len("prefixes"));
        assert!((1..=8).contains(&len("routers")) && (1..=16).contains(&len("prefixes")), "{value}");
        let held = value["interfaces"][0]["addresses"].as_array().map_or(0, Vec::len);
        assert!(held <= 16, "{held} addresses");
        // The router that was there before is still the one that is used.
        for address in &ours {
            assert_eq!(pinged(*address, &["-c", "8", "-i", "0.2", "-W", "1"]), 8, "{address}");
        }
        running.stop();
        drop(router);
    });
}
