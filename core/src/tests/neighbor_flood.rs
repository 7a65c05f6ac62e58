//! What strangers cannot do to the neighbor cache: take an entry over, push out one that is in use, keep
//! new neighbors out. The floods are those of hosts that exist only in their packets.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;
use rstest::rstest;

use super::rig::*;
use crate::error::NeighborError;
use crate::link::neighbor::NeighborState;
use crate::wire::arp::{ArpOperation, ArpPacket};
use crate::wire::ethernet::EthernetAddress;
use crate::wire::ndp::{NeighborAdvertisement, NeighborSolicitation};
use crate::{AddressSettings, InterfaceAddress, Limits, UdpHandle, Verdict};

const ATTACKER: EthernetAddress = EthernetAddress([2, 0, 0, 0, 6, 6]);
const OUR_V4_WIDE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

/// A link with room for many neighbors. Those at `10.0.0.x` and `2001:db8::x` exist, at the station
/// `02:00:00:00:01:xx`; all others do not.
struct Lan {
    rig: Rig,
    /// Echo replies that were seen, by the low byte of the address.
    replies: Vec<u8>,
    /// Datagrams that were seen, the same.
    datagrams: Vec<u8>,
}

fn station(n: u8) -> EthernetAddress {
    EthernetAddress([2, 0, 0, 0, 1, n])
}

fn host_v4(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, n)
}

fn host_v6(n: u8) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, n.into())
}

impl Lan {
    fn new() -> Lan {
        let mut rig = Rig::bare(AddressSettings::UNVERIFIED);
        for own in [InterfaceAddress::v4(OUR_V4_WIDE, 8), InterfaceAddress::v6(OUR_V6, 64)] {
            rig.stack.add_address(rig.now, rig.interface, own).unwrap();
        }
        Lan { rig, replies: Vec::new(), datagrams: Vec::new() }
    }

    /// Whom a frame asks for, if it does.
    fn asked(frame: &[u8]) -> Option<IpAddr> {
        match frame[12..14] {
            [8, 6] => {
                let packet = ArpPacket::parse(&frame[14..]).unwrap();
                (packet.operation() == ArpOperation::Request).then(|| packet.target_protocol().into())
            }
            [0x86, 0xdd] if frame[20] == 58 => {
                NeighborSolicitation::parse(&frame[54..]).ok().map(|asked| asked.target.into())
            }
            _ => None,
        }
    }

    /// Delivers what was sent; the hosts that exist answer who asks for them.
    fn settle(&mut self) {
        loop {
            let frames = self.rig.frames();
            if frames.is_empty() {
                return;
            }
            for frame in &frames {
                match Lan::asked(frame) {
                    Some(IpAddr::V4(target)) if target.octets()[..3] == [10, 0, 0] => {
                        let n = target.octets()[3];
                        let _ = self.rig.receive(&arp(
                            ArpOperation::Reply,
                            station(n),
                            target,
                            OUR_MAC,
                            OUR_V4_WIDE,
                            OUR_MAC,
                        ));
                    }
                    Some(IpAddr::V6(target)) if target.segments()[..7] == OUR_V6.segments()[..7] => {
                        let _ = self.rig.receive(&advertisement(target, station(target.octets()[15]), true));
                    }
                    Some(_) => {}
                    None => self.note(frame),
                }
            }
        }
    }

    fn note(&mut self, frame: &[u8]) {
        let station = frame[5];
        match (&frame[12..14], frame.get(34), frame.get(54)) {
            ([8, 0], Some(0), _) if frame[23] == 1 => self.replies.push(station),
            ([0x86, 0xdd], _, Some(129)) => self.replies.push(station),
            ([8, 0], ..) if frame[23] == 17 => self.datagrams.push(station),
            ([0x86, 0xdd], ..) if frame[20] == 17 => self.datagrams.push(station),
            _ => {}
        }
    }

    /// An existing host pings us; whether it hears from us at once.
    fn ping(&mut self, src: IpAddr, dst: IpAddr) -> bool {
        let before = self.replies.len();
        let _ = self.rig.receive(&ethernet(OUR_MAC, ATTACKER, &echo_request(src, dst, 32)));
        self.settle();
        self.replies.len() == before + 1
    }

    /// We send a datagram to an existing host; whether it gets there at once.
    fn send(&mut self, handle: UdpHandle, n: u8, to: IpAddr) -> bool {
        let before = self.datagrams.len();
        let to = core::net::SocketAddr::new(to, 7);
        let now = self.rig.now;
        self.rig.stack.udp(handle).unwrap().send(now, b"hello", Some(to)).unwrap();
        self.settle();
        self.datagrams.len() == before + 1 && self.datagrams.last() == Some(&n)
    }

    fn wait(&mut self, time: Duration) {
        let end = self.rig.now + time;
        while let Some(wakeup) = self.rig.stack.poll_timeout().filter(|wakeup| wakeup.at <= end) {
            self.rig.events();
            self.rig.now = self.rig.now.max(wakeup.at);
            let now = self.rig.now;
            self.rig.stack.handle_timeout(now);
            self.settle();
        }
        self.rig.now = end;
    }
}

fn advertisement(target: Ipv6Addr, hardware: EthernetAddress, solicited: bool) -> Vec<u8> {
    let mut message = Vec::new();
    NeighborAdvertisement { router: false, solicited, overrides: true, target, target_link_layer: Some(hardware) }
        .emit(&mut message);
    ethernet(OUR_MAC, hardware, &icmpv6_packet(target, OUR_V6, 255, message))
}

/// The `n`th host that does not exist.
fn nobody(n: u16, v4: bool) -> IpAddr {
    let [high, low] = n.to_be_bytes();
    if v4 { Ipv4Addr::new(10, 66, high, low).into() } else { Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0x66, 0, n).into() }
}

/// A request or solicitation for our address in the name of a host that does not exist.
fn spoofed(n: u16, v4: bool) -> Vec<u8> {
    match nobody(n, v4) {
        IpAddr::V4(sender) => {
            let [high, low] = n.to_be_bytes();
            let made_up = EthernetAddress([2, 0, 0, 6, high, low]);
            arp(
                ArpOperation::Request,
                made_up,
                sender,
                EthernetAddress::UNSPECIFIED,
                OUR_V4_WIDE,
                EthernetAddress::BROADCAST,
            )
        }
        IpAddr::V6(sender) => neighbor_solicitation(sender, OUR_V6, Some(ATTACKER)),
    }
}

fn ours(v4: bool) -> IpAddr {
    if v4 { OUR_V4_WIDE.into() } else { OUR_V6.into() }
}

fn host(n: u8, v4: bool) -> IpAddr {
    if v4 { host_v4(n).into() } else { host_v6(n).into() }
}

/// 8 of 8 pings are answered after 10,000 frames from sources on the link that nobody resolves.
#[rstest]
fn pings_after_frames_from_nobody(#[values(true, false)] v4: bool) {
    let mut lan = Lan::new();
    for n in 0..10_000 {
        let _ = lan.rig.receive(&ethernet(OUR_MAC, ATTACKER, &echo_request(nobody(n, v4), ours(v4), 32)));
        lan.settle();
        lan.rig.now += Duration::from_micros(100);
    }
    assert!((10..18).all(|n| lan.ping(host(n, v4), ours(v4))));
    assert!(lan.rig.stack.neighbors().count() <= 512);
    // Those that nothing waits for are not asked for on and on.
    let incomplete = lan.rig.stack.neighbors().filter(|neighbor| neighbor.state == NeighborState::Incomplete);
    assert!(incomplete.count() <= 48);
}

/// While 5,000 spoofed requests arrive, an existing flow loses nothing, and each new neighbor is reached.
#[rstest]
fn flows_during_a_flood_of_spoofed_requests(#[values(true, false)] v4: bool) {
    let mut lan = Lan::new();
    let handle = lan.rig.udp_bind(if v4 { "0.0.0.0:5000" } else { "[::]:5000" });
    assert!(lan.send(handle, 10, host(10, v4)));
    assert!(lan.ping(host(11, v4), ours(v4)));
    let (mut sent, mut answered, mut reached) = (0, 0, 0);
    for n in 0..5_000u16 {
        let _ = lan.rig.receive(&spoofed(n, v4));
        lan.settle();
        lan.wait(Duration::from_micros(200));
        if n % 50 == 0 {
            sent += u32::from(lan.send(handle, 10, host(10, v4)));
            answered += u32::from(lan.ping(host(11, v4), ours(v4)));
            reached += u32::from(lan.send(handle, 100 + (n / 50) as u8, host(100 + (n / 50) as u8, v4)));
        }
    }
    assert_eq!((sent, answered, reached), (100, 100, 100));
    assert_eq!(lan.rig.stack.neighbors().count(), 512);
    // The neighbor of a flow is not even asked for again.
    assert_ne!(lan.rig.neighbor(&host(10, v4).to_string()).map(|(state, _)| state), None);
}

/// Spoofed packets in the name of a neighbor in use, each from another station.
#[rstest]
fn a_flow_whose_neighbor_is_impersonated(#[values(true, false)] v4: bool) {
    let mut lan = Lan::new();
    let handle = lan.rig.udp_bind(if v4 { "0.0.0.0:5000" } else { "[::]:5000" });
    let mut sent = 0;
    for n in 0..5_000u16 {
        let [high, low] = n.to_be_bytes();
        let made_up = EthernetAddress([2, 0, 0, 6, high, low]);
        let frame = match host(10, v4) {
            IpAddr::V4(sender) => arp(
                ArpOperation::Request,
                made_up,
                sender,
                EthernetAddress::UNSPECIFIED,
                OUR_V4_WIDE,
                EthernetAddress::BROADCAST,
            ),
            IpAddr::V6(sender) => advertisement(sender, made_up, true),
        };
        if n % 50 == 0 {
            sent += u32::from(lan.send(handle, 10, host(10, v4)));
        }
        let _ = lan.rig.receive(&frame);
        lan.settle();
        lan.wait(Duration::from_millis(10));
    }
    assert_eq!(sent, 100);
    assert!(lan.rig.counter("neighbor.contested") > 4_000);
    assert_eq!(lan.rig.counter("neighbor.moved"), 0);
    // At most two questions a second: 50 s of claims.
    let asked = if v4 { "arp.requests_sent" } else { "ndp.solicitations_sent" };
    assert!(lan.rig.counter(asked) <= 110, "{}", lan.rig.counter(asked));
}

/// A rig that has just used its neighbor, and a claim that the neighbor is elsewhere.
fn contested() -> Rig {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:5000");
    rig.udp_send(handle, b"hello", "192.0.2.1:7").unwrap();
    rig.discard();
    assert_eq!(rig.receive(&reply(PEER_MAC)), Verdict::Accepted);
    rig.discard();
    rig.now += Duration::from_secs(1);
    assert_eq!(rig.receive(&announcement()), Verdict::Accepted);
    rig
}

fn reply(hardware: EthernetAddress) -> Vec<u8> {
    arp(ArpOperation::Reply, hardware, PEER_V4, OUR_MAC, OUR_V4, OUR_MAC)
}

fn announcement() -> Vec<u8> {
    arp(ArpOperation::Request, ATTACKER, PEER_V4, EthernetAddress::UNSPECIFIED, PEER_V4, EthernetAddress::BROADCAST)
}

#[test]
fn a_neighbor_that_answers_keeps_its_entry() {
    let mut rig = contested();
    let asked = rig.frames();
    assert_eq!(asked.iter().map(|frame| stations(frame)).collect::<Vec<_>>(), [(PEER_MAC, OUR_MAC)]);
    assert_eq!(rig.receive(&reply(PEER_MAC)), Verdict::Accepted);
    assert_eq!(rig.neighbor("192.0.2.1"), Some((NeighborState::Reachable, Some(PEER_MAC))));
    // For a second nobody else is listened to.
    rig.now += Duration::from_nanos(999_999_999);
    assert_eq!(rig.receive(&announcement()), Verdict::Accepted);
    assert_eq!(rig.sent(), "");
    rig.now += Duration::from_nanos(1);
    assert_eq!(rig.receive(&announcement()), Verdict::Accepted);
    insta::assert_snapshot!(rig.sent(), @"> arp who-has 192.0.2.1 tell 192.0.2.2");
}

#[test]
fn a_neighbor_that_has_moved_is_followed() {
    let mut rig = contested();
    insta::assert_snapshot!(rig.pass(Duration::from_nanos(999_999_999)), @r"
    +0ms > arp who-has 192.0.2.1 tell 192.0.2.2
    +500ms > arp who-has 192.0.2.1 tell 192.0.2.2
    ");
    assert_eq!(rig.neighbor("192.0.2.1"), Some((NeighborState::Probe, Some(PEER_MAC))));
    rig.run_to(rig.now + Duration::from_nanos(1));
    assert_eq!(rig.neighbor("192.0.2.1"), Some((NeighborState::Stale, Some(ATTACKER))));
    assert_eq!(rig.counter("neighbor.moved"), 1);
}

/// A reply that nobody asked that station for is no better.
#[test]
fn an_unasked_reply_does_not_take_an_entry_over() {
    let mut rig = contested();
    rig.discard();
    assert_eq!(rig.receive(&reply(ATTACKER)), Verdict::Accepted);
    assert_eq!(rig.neighbor("192.0.2.1"), Some((NeighborState::Probe, Some(PEER_MAC))));
}

#[test]
fn a_neighbor_set_by_hand() {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:5000");
    rig.udp_send(handle, b"waits", "192.0.2.1:7").unwrap();
    rig.discard();
    let (now, interface) = (rig.now, rig.interface);
    rig.stack.add_neighbor(now, interface, PEER_V4.into(), PEER_MAC).unwrap();
    insta::assert_snapshot!(rig.sent(), @"> 192.0.2.2:5000 > 192.0.2.1:7 udp (5)");
    rig.now += Duration::from_hours(1);
    rig.udp_send(handle, b"hello", "192.0.2.1:7").unwrap();
    insta::assert_snapshot!(rig.pass(Duration::from_mins(1)), @"+0ms > 192.0.2.2:5000 > 192.0.2.1:7 udp (5)");
    let _ = rig.receive(&announcement());
    let _ = rig.receive(&reply(ATTACKER));
    assert_eq!(rig.pass(Duration::from_mins(1)), "");
    assert_eq!(rig.neighbor("192.0.2.1"), Some((NeighborState::Permanent, Some(PEER_MAC))));
    let now = rig.now;
    assert!(rig.stack.remove_neighbor(now, interface, PEER_V4.into()));
    assert!(!rig.stack.remove_neighbor(now, interface, PEER_V4.into()));
    assert_eq!(rig.neighbor("192.0.2.1"), None);
}

#[rstest]
#[case::our_own_address(OUR_V4.into(), PEER_MAC, NeighborError::BadAddress)]
#[case::multicast([224, 0, 0, 5].into(), PEER_MAC, NeighborError::BadAddress)]
#[case::broadcast([192, 0, 2, 255].into(), PEER_MAC, NeighborError::BadAddress)]
#[case::group_station(PEER_V4.into(), EthernetAddress::BROADCAST, NeighborError::BadHardwareAddress)]
#[case::our_own_station(PEER_V4.into(), OUR_MAC, NeighborError::BadHardwareAddress)]
fn neighbors_that_cannot_be_set(
    #[case] address: IpAddr,
    #[case] hardware: EthernetAddress,
    #[case] error: NeighborError,
) {
    let mut rig = Rig::new();
    assert_eq!(rig.stack.add_neighbor(rig.now, rig.interface, address, hardware), Err(error));
}

#[test]
fn as_many_neighbors_set_by_hand_as_the_cache_holds() {
    let mut rig = Rig::limited(Limits { neighbors: 2, ..Limits::default() });
    for n in [10, 11] {
        rig.stack.add_neighbor(rig.now, rig.interface, [192, 0, 2, n].into(), PEER_MAC).unwrap();
    }
    let one_more = rig.stack.add_neighbor(rig.now, rig.interface, [192, 0, 2, 12].into(), PEER_MAC);
    assert_eq!(one_more, Err(NeighborError::LimitReached));
}
