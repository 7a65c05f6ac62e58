//! A peer that acknowledges as no receiver should, and somebody who speaks in a peer's name.

use std::net::SocketAddr;
use std::time::Duration;

use rstest::rstest;
use tickwire_core::DropReason;
use tickwire_sim::link::{Delay, Queue, Rate, Room, Stage};
use tickwire_sim::node::Machine;
use tickwire_sim::node::adversary::{Injection, Tamperer, TampererCounters, Tampering};
use tickwire_sim::segment::tcp_segment;
use tickwire_sim::{Direction, Ended, HostId, Instant, Link, NodeId, Port, Seed, Step, World};

use super::{LIMIT, address, data, host};

const LEN: usize = 1 << 20;

/// A victim that sends a mebibyte, and a peer whose acknowledgments go through a tamperer.
struct Path {
    world: World,
    victim: HostId,
    peer: HostId,
    tamperer: NodeId,
}

/// 20 Mbit/s, 10 ms, and room for all that can be on the way: nothing is lost but by the tamperer.
fn path(ipv6: bool, tamperer: Tamperer) -> Path {
    let mut world = World::new(Seed([1; 32]));
    let [victim, peer] = [host("victim", 1), host("peer", 2)].map(|host| world.add_host(host).unwrap());
    let tamperer = world.add_node("tamperer", tamperer);
    let stages = vec![
        Stage::Rate(Rate::new(20_000_000, Room::Frames(10_000), Queue::TailDrop)),
        Stage::Delay(Delay::constant(Duration::from_millis(10))),
    ];
    world.connect(peer, Port::new(tamperer, Tamperer::HOST), Link::constant(Duration::ZERO));
    world.connect(Port::new(tamperer, Tamperer::LINK), victim, Link::symmetric(stages));
    let (at, sent) = (SocketAddr::new(address(ipv6, 2), 80), data(LEN, 1));
    world.start(peer, vec![Step::Listen(at), Step::Expect(sent.clone()), Step::ExpectEnd, Step::Close]);
    world.start(victim, vec![Step::Connect(at), Step::Send(sent), Step::Shutdown, Step::ExpectEnd, Step::Close]);
    Path { world, victim, peer, tamperer }
}

impl Path {
    /// Runs to the end: all bytes have arrived, in order and once.
    fn finish(&mut self) -> TampererCounters {
        assert_eq!(self.world.run_until(LIMIT), Ended::Quiescent);
        assert_eq!(self.world.failures(), []);
        match self.world.node(self.tamperer) {
            Some(Machine::Tamperer(tamperer)) => *tamperer.counters(),
            other => panic!("no tamperer: {other:?}"),
        }
    }

    fn cwnd(&self) -> u32 {
        let sockets = self.world.stack(self.victim).tcp_sockets();
        let handle = sockets.map(|entry| entry.handle).next().expect("a connection");
        let mut stack = self.world.stack(self.victim).clone();
        stack.tcp(handle).unwrap().info().unwrap().cwnd
    }

    /// Bytes of text that the victim has sent, again included.
    fn text_sent(&self) -> usize {
        let frames = self.world.trace().frames().iter();
        let sent =
            frames.filter(|passed| passed.port == Port::from(self.victim) && passed.direction == Direction::Outbound);
        sent.filter_map(|passed| tcp_segment(&passed.frame).map(|flow| flow.segment.payload().len())).sum()
    }
}

const ALWAYS: u32 = 1_000_000;
const HALF: u32 = 500_000;

/// RFC 9293 section 3.10.7.4: an acknowledgment of what was sent is believed, one of what was not is answered
/// and dropped. The stream arrives whole.
#[rstest]
#[case::within_what_was_sent(1_448)]
#[case::beyond_it(1 << 20)]
fn optimistic_acknowledgments(#[case] ahead: u32, #[values(false, true)] ipv6: bool) {
    let mut path = path(ipv6, Tamperer::new(Tampering::Optimistic { ahead }, HALF, 200));
    let counters = path.finish();
    assert!(counters.forged >= 100, "{counters:?}");
}

/// RFC 3465 section 1, RFC 5681 section 3.1: CWND grows by what is acknowledged, not by how often.
#[rstest]
fn divided_acknowledgments_buy_nothing(#[values(false, true)] ipv6: bool) {
    let mut honest = path(ipv6, Tamperer::new(Tampering::Divide { pieces: 1 }, 0, 0));
    let mut divided = path(ipv6, Tamperer::new(Tampering::Divide { pieces: 16 }, ALWAYS, 1_000));
    // In the middle of slow start.
    for millis in [60, 80, 100, 120] {
        let windows = [&mut honest, &mut divided].map(|path| {
            assert_eq!(path.world.run_until(Instant::from_millis(millis)), Ended::TimeLimit);
            path.cwnd()
        });
        assert!(windows[1] <= windows[0], "{windows:?} at {millis} ms");
    }
    assert!(honest.cwnd() > 50_000, "it has grown");
    let counters = divided.finish();
    assert!(counters.forged > 1_000, "{counters:?}");
    honest.finish();
}

/// RFC 2018 section 8: what was told by SACK is kept until it is acknowledged, and sent again after a timeout.
#[rstest]
#[case::once(1, 10)]
#[case::twice(2, 4)]
fn reneging(#[case] times: u32, #[case] segments: u8, #[values(false, true)] ipv6: bool) {
    let mut path = path(ipv6, Tamperer::new(Tampering::Renege { segments }, 100_000, times));
    let counters = path.finish();
    assert_eq!(counters.tampered, u64::from(times), "{counters:?}");
    assert!(counters.swallowed > u64::from(times) && counters.forged > 0, "{counters:?}");
    assert!(path.text_sent() > LEN, "nothing was sent again");
}

/// RFC 9293 MUST-34: a window that shrinks is survived; a closed one is probed (MUST-36).
#[rstest]
#[case::halved(2)]
#[case::closed(0)]
fn a_shrinking_window(#[case] divisor: u16, #[values(HALF, ALWAYS)] ppm: u32, #[values(false, true)] ipv6: bool) {
    let mut path = path(ipv6, Tamperer::new(Tampering::Shrink { divisor }, ppm, 60));
    let counters = path.finish();
    assert_eq!(counters.tampered, 60, "{counters:?}");
}

/// RFC 2018 section 5: a block of text that was not sent tells nothing; what is lost is sent again all the same.
#[rstest]
fn blocks_of_what_was_not_sent(#[values(0, 1 << 16)] ahead: u32, #[values(false, true)] ipv6: bool) {
    let counters = path(ipv6, Tamperer::new(Tampering::Invent { ahead }, HALF, 100)).finish();
    assert_eq!((counters.tampered, counters.forged), (100, 100), "{counters:?}");
}

/// RFC 5961 sections 3 to 5, RFC 7323 section 5.3: what is in the window and not the peer's changes nothing. Each
/// is dropped for its reason.
#[rstest]
#[case::reset(Injection::Reset, DropReason::TcpChallenged)]
#[case::syn(Injection::Syn, DropReason::TcpChallenged)]
#[case::data(Injection::Data, DropReason::TcpAck)]
#[case::old(Injection::OldDuplicate, DropReason::TcpPaws)]
fn segments_in_the_peers_name(
    #[case] injection: Injection,
    #[case] reason: DropReason,
    #[values(false, true)] ipv6: bool,
) {
    let mut path = path(ipv6, Tamperer::new(Tampering::Inject(injection), HALF, 100));
    let counters = path.finish();
    assert_eq!(counters.forged, 100, "{counters:?}");
    let dropped = |(other, times)| if other == reason { times } else { 0 };
    let dropped: u64 = path.world.stack(path.peer).drops().map(dropped).sum();
    // Of text with drawn timestamps half is older than the connection.
    assert!(dropped >= 25, "{dropped} dropped");
}
