//! SYNs from addresses that do not answer (RFC 4987).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use rstest::rstest;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_sim::node::adversary::{Forgery, SynFlood};
use tickwire_sim::node::frames::Stations;
use tickwire_sim::{Ended, InterfaceAddress, Step};

use super::{ADVERSARY, LIMIT, Lan, address, data, lan};

/// A listener that is flooded with so many SYNs, a thousand a second, and a peer that comes to it in the middle
/// of it. Returns how many sockets there were at most, within two seconds.
fn flooded(ipv6: bool, syns: u32) -> (Lan, usize) {
    let mut lan = lan();
    let to = SocketAddr::new(address(ipv6, 1), 80);
    let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 1, 0, 0, 0);
    let sources =
        if ipv6 { InterfaceAddress::v6(v6, 80) } else { InterfaceAddress::v4(Ipv4Addr::new(10, 0, 128, 0), 17) };
    let stations = Stations { src: ADVERSARY, dst: EthernetAddress([2, 0, 0, 0, 0, 1]) };
    let forger = lan.forge(Forgery::Syn(SynFlood { stations, sources, to }), Duration::from_millis(1), syns);
    let line = data(10_000, 1);
    lan.world.start(lan.victim, vec![Step::Listen(to), Step::Expect(line.clone()), Step::ExpectEnd, Step::Close]);
    let wait = Step::Wait(Duration::from_millis(u64::from(syns) / 2));
    lan.world.start(lan.peer, vec![wait, Step::Connect(to), Step::Send(line), Step::Close]);
    let mut most = 0;
    for _ in 0..100 {
        let soon = lan.world.now() + Duration::from_millis(20);
        assert_eq!(lan.world.run_until(soon), Ended::TimeLimit);
        most = most.max(lan.world.stack(lan.victim).tcp_sockets().count());
    }
    assert_eq!(lan.sent(forger), u64::from(syns));
    assert_eq!(lan.world.run_until(LIMIT), Ended::Quiescent);
    assert_eq!(lan.world.stack(lan.victim).tcp_sockets().count(), 0, "nothing is left of it");
    (lan, most)
}

/// What is half open is bounded; a peer gets in while there is room.
#[rstest]
fn a_peer_gets_in_while_there_is_room(#[values(false, true)] ipv6: bool) {
    let (lan, most) = flooded(ipv6, 200);
    assert_eq!(lan.world.failures(), [], "\n{}", lan.tail());
    assert!((100..=202).contains(&most), "{most} sockets");
}
