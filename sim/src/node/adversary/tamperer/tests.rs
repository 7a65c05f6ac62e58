//! What a tamperer makes of segments, by the lines of those that leave it.

use std::net::SocketAddr;

use bytes::Bytes;
use tickwire_core::Seed;
use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::wire::notation::{Notation, Relative};
use tickwire_core::wire::tcp::{TcpFlags, TcpHeader};
use tickwire_core::wire::tcp_options::TcpOptions;

use super::{Tamperer, Tampering};
use crate::draw::{Dice, Draws, Entity, Lots, PPM};
use crate::node::Outbox;
use crate::node::frames::{self, Stations};

struct Bench {
    tamperer: Tamperer,
    draws: Draws,
    dice: Dice,
}

impl Bench {
    /// A connection through a tamperer: both SYNs have passed, windows are shifted by 2.
    fn new(tampering: Tampering, times: u32) -> Bench {
        let (draws, dice) = (Draws::seeded(&Seed([1; 32])), Dice::new(Entity::Node { node: 0 }));
        let mut bench = Bench { tamperer: Tamperer::new(tampering, PPM, times), draws, dice };
        let syn = TcpOptions { window_scale: Some(2), sack_permitted: true, ..TcpOptions::default() };
        for port in [Tamperer::HOST, Tamperer::LINK] {
            let ack = if port == Tamperer::LINK { TcpFlags::ACK } else { TcpFlags::empty() };
            bench.segment(port, TcpHeader { flags: TcpFlags::SYN | ack, ..TcpHeader::default() }, &syn, 0);
        }
        bench
    }

    /// A segment arrives at a port; what leaves, as lines.
    fn segment(&mut self, port: usize, header: TcpHeader, options: &TcpOptions, len: usize) -> Vec<String> {
        let [host, victim]: [SocketAddr; 2] = ["192.0.2.1:1", "192.0.2.2:2"].map(|end| end.parse().unwrap());
        let ends = if port == Tamperer::HOST { (host, victim) } else { (victim, host) };
        let stations = Stations { src: EthernetAddress([2; 6]), dst: EthernetAddress([4; 6]) };
        let frame: Bytes = frames::segment(stations, ends, &header, options, &vec![7; len]);
        let mut out = Outbox::new();
        self.tamperer.receive(port, frame, &mut Lots::new(&mut self.draws, &mut self.dice), &mut out);
        let line = |(port, frame): &(usize, Bytes)| {
            let prefix = if *port == Tamperer::HOST { "host: " } else { "link: " };
            Notation { prefix, relative: Relative::default(), full: false }.frame(frame).to_string()
        };
        out.iter().map(line).collect()
    }

    fn ack(&mut self, ack: u32, window: u16) -> Vec<String> {
        let header =
            TcpHeader { seq: SeqNumber(1), ack: SeqNumber(ack), flags: TcpFlags::ACK, window, ..TcpHeader::default() };
        self.segment(Tamperer::HOST, header, &TcpOptions::default(), 0)
    }

    fn data(&mut self, seq: u32, len: usize) -> Vec<String> {
        let header = TcpHeader {
            seq: SeqNumber(seq),
            ack: SeqNumber(1),
            flags: TcpFlags::ACK,
            window: 100,
            ..TcpHeader::default()
        };
        self.segment(Tamperer::LINK, header, &TcpOptions::default(), len)
    }
}

#[test]
fn an_acknowledgment_is_followed_by_one_that_is_ahead_with_the_same_right_edge() {
    let mut bench = Bench::new(Tampering::Optimistic { ahead: 4_000 }, 1);
    assert_eq!(bench.ack(1_001, 2_000), ["link: . 1:1(0) ack 1001 win 2000", "link: . 1:1(0) ack 5001 win 1000"]);
    // Once is all that it may.
    assert_eq!(bench.ack(2_001, 2_000), ["link: . 1:1(0) ack 2001 win 2000"]);
    assert_eq!((bench.tamperer.counters().tampered, bench.tamperer.counters().forged), (1, 1));
}

#[test]
fn an_acknowledgment_comes_in_pieces() {
    let mut bench = Bench::new(Tampering::Divide { pieces: 4 }, 10);
    assert_eq!(bench.ack(1, 2_000), ["link: . 1:1(0) ack 1 win 2000"]);
    let acks = ["ack 251", "ack 501", "ack 751", "ack 1001"].map(|ack| format!("link: . 1:1(0) {ack} win 2000"));
    assert_eq!(bench.ack(1_001, 2_000), acks);
    // Nothing new: nothing to divide.
    assert_eq!(bench.ack(1_001, 2_000).len(), 1);
}

#[test]
fn a_window_shrinks() {
    let mut bench = Bench::new(Tampering::Shrink { divisor: 4 }, 1);
    assert_eq!(bench.ack(1_001, 2_000), ["link: . 1:1(0) ack 1001 win 500"]);
    assert_eq!(bench.ack(1_001, 2_000), ["link: . 1:1(0) ack 1001 win 2000"]);
    let mut bench = Bench::new(Tampering::Shrink { divisor: 0 }, 1);
    assert_eq!(bench.ack(1_001, 2_000), ["link: . 1:1(0) ack 1001 win 0"]);
}

#[test]
fn data_is_claimed_and_forgotten() {
    let mut bench = Bench::new(Tampering::Renege { segments: 2 }, 1);
    bench.ack(1, 2_000);
    assert_eq!(bench.data(1, 100), [""; 0], "the hole");
    let claims = [bench.data(101, 100), bench.data(201, 100)].concat();
    let claimed = ["<nop,nop,sack 101:201>", "<nop,nop,sack 101:301>"];
    assert_eq!(claims, claimed.map(|sack| format!("link: . 1:1(0) ack 1 win 2000 {sack}")));
    // From here on the host is asked again.
    assert_eq!(bench.data(301, 100), ["host: . 301:401(100) ack 1 win 100"]);
    assert_eq!(bench.data(1, 100), ["host: . 1:101(100) ack 1 win 100"]);
    assert_eq!((bench.tamperer.counters().tampered, bench.tamperer.counters().swallowed), (1, 3));
}

#[test]
fn a_hole_that_is_sent_again_passes() {
    let mut bench = Bench::new(Tampering::Renege { segments: 9 }, 1);
    bench.ack(1, 2_000);
    assert_eq!(bench.data(1, 100), [""; 0]);
    assert_eq!(bench.data(1, 100), ["host: . 1:101(100) ack 1 win 100"]);
    assert_eq!(bench.data(101, 100), ["host: . 101:201(100) ack 1 win 100"]);
}

#[test]
fn what_is_no_segment_passes() {
    let mut bench = Bench::new(Tampering::Shrink { divisor: 0 }, 1);
    let mut out = Outbox::new();
    let frame = Bytes::from_static(&[0xff; 60]);
    bench.tamperer.receive(1, frame.clone(), &mut Lots::new(&mut bench.draws, &mut bench.dice), &mut out);
    assert_eq!(out, [(0, frame)]);
}
