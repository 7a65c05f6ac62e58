//! What a tamperer makes of segments, by the lines of those that leave it.

use std::net::SocketAddr;

use bytes::Bytes;
use rstest::rstest;
use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::wire::notation::{Notation, Relative};
use tickwire_core::wire::tcp::{TcpFlags, TcpHeader};
use tickwire_core::wire::tcp_options::{TcpOptions, Timestamps};
use tickwire_core::{Instant, Seed};

use super::{Injection, Tamperer, Tampering};
use crate::draw::{Dice, Draws, Entity, Lots, PPM};
use crate::node::Outbox;
use crate::node::frames::{self, Stations};

struct Bench {
    tamperer: Tamperer,
    draws: Draws,
    dice: Dice,
    now: Instant,
}

impl Bench {
    /// A connection through a tamperer: both SYNs have passed, windows are shifted by 2.
    fn new(tampering: Tampering, times: u32) -> Bench {
        let (draws, dice) = (Draws::seeded(&Seed([1; 32])), Dice::new(Entity::Node { node: 0 }));
        let mut bench = Bench { tamperer: Tamperer::new(tampering, PPM, times), draws, dice, now: Instant::ZERO };
        let timestamps = Some(Timestamps { value: 1_000, echo: 0 });
        let syn = TcpOptions { window_scale: Some(2), sack_permitted: true, timestamps, ..TcpOptions::default() };
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
        self.tamperer.receive(self.now, port, frame, &mut Lots::new(&mut self.draws, &mut self.dice), &mut out);
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
        self.data_with(seq, len, &TcpOptions::default())
    }

    fn data_with(&mut self, seq: u32, len: usize, options: &TcpOptions) -> Vec<String> {
        let header = TcpHeader {
            seq: SeqNumber(seq),
            ack: SeqNumber(1),
            flags: TcpFlags::ACK,
            window: 100,
            ..TcpHeader::default()
        };
        self.segment(Tamperer::LINK, header, options, len)
    }
}

/// What stands before a word in a line, and behind it up to the next space or colon, as a number.
fn number_after(line: &str, word: &str) -> u32 {
    let (_, rest) = line.split_once(word).unwrap();
    rest.split([' ', ':', '(']).next().unwrap().parse().unwrap()
}

/// RFC 5961: in the window, which begins at 101 and ends at 8001, and nowhere at its beginning.
#[rstest]
#[case::reset(Injection::Reset, "host: R ")]
#[case::syn(Injection::Syn, "host: S ")]
#[case::data(Injection::Data, "host: P. ")]
#[case::old(Injection::OldDuplicate, "host: P. ")]
fn what_is_slipped_in_is_in_the_window_and_not_awaited(#[case] injection: Injection, #[case] flags: &str) {
    let mut bench = Bench::new(Tampering::Inject(injection), 50);
    let timestamps = Some(Timestamps { value: 1_500, echo: 7 });
    let options = TcpOptions { timestamps, ..TcpOptions::default() };
    assert_eq!(bench.data_with(1, 100, &options).len(), 1, "it is not established");
    bench.ack(1, 2_000);
    for _ in 0..50 {
        let lines = bench.data_with(1, 100, &options);
        assert_eq!(lines.len(), 2, "{lines:?}");
        let seq = number_after(&lines[1], flags);
        assert!((102..8_001).contains(&seq), "{}", lines[1]);
        match injection {
            Injection::Reset | Injection::Syn => assert!(!lines[1].contains("ack"), "{}", lines[1]),
            // The host has sent nothing but its SYN: SND.NXT is 1.
            Injection::Data => {
                let ack = number_after(&lines[1], "ack ");
                assert!(ack.wrapping_sub(1) >= 1 << 30 && 1_u32.wrapping_sub(ack) >= 1 << 30, "{}", lines[1]);
            }
            Injection::OldDuplicate => {
                let value = number_after(&lines[1], "TS val ");
                assert!(value.wrapping_sub(1_000).cast_signed() < 0, "{}", lines[1]);
                assert!(lines[1].contains("ack 1 ") && lines[1].contains("ecr 7"), "{}", lines[1]);
            }
        }
    }
    assert_eq!(bench.data_with(1, 100, &options).len(), 1, "fifty times is all that it may");
}

/// What a duplicate must be older than, by the timestamps of 50 that are slipped in behind the victim's text.
fn is_older_than(bench: &mut Bench, first: u32, seq: u32) -> bool {
    let options = TcpOptions { timestamps: Some(Timestamps { value: first, echo: 7 }), ..TcpOptions::default() };
    (0..50).all(|_| {
        let lines = bench.data_with(seq, 100, &options);
        number_after(&lines[1], "TS val ").wrapping_sub(first).cast_signed() < 0
    })
}

/// RFC 5961 section 4: a SYN in a window is challenged, and begins nothing, unless the host answers it with its own.
#[test]
fn a_connection_begins_anew_when_the_host_says_so() {
    let mut bench = Bench::new(Tampering::Inject(Injection::OldDuplicate), 200);
    bench.ack(1, 2_000);
    let timestamps = Some(Timestamps { value: 3_000_000_000, echo: 0 });
    let options = TcpOptions { window_scale: Some(2), timestamps, ..TcpOptions::default() };
    let syn = TcpHeader { seq: SeqNumber(5_000), flags: TcpFlags::SYN, ..TcpHeader::default() };
    assert_eq!(bench.segment(Tamperer::LINK, syn, &options, 0).len(), 1);
    bench.ack(1, 2_000);
    assert!(is_older_than(&mut bench, 1_000, 1), "the old connection goes on");

    let flags = TcpFlags::SYN | TcpFlags::ACK;
    let answer = TcpHeader { ack: SeqNumber(5_001), flags, ..TcpHeader::default() };
    assert_eq!(bench.segment(Tamperer::HOST, answer, &options, 0).len(), 1);
    bench.ack(5_001, 2_000);
    assert!(is_older_than(&mut bench, 3_000_000_000, 5_001), "there is a new one");
}

/// RFC 2018 section 5: the block lies beyond what was sent.
#[test]
fn a_block_is_invented() {
    let mut bench = Bench::new(Tampering::Invent { ahead: 0 }, 1);
    bench.data(1, 100);
    let told = ["link: . 1:1(0) ack 1 win 2000", "link: . 1:1(0) ack 1 win 2000 <nop,nop,sack 101:1101>"];
    assert_eq!(bench.ack(1, 2_000), told);
}

/// Before and after its time everything passes as it is.
#[test]
fn it_acts_in_its_time() {
    let mut bench = Bench::new(Tampering::Shrink { divisor: 4 }, 10);
    let at = |seconds: u64| Instant::from_millis(seconds * 1_000);
    bench.tamperer = bench.tamperer.clone().between(at(1), at(2));
    let windows = [0, 1, 2].map(|seconds| {
        bench.now = at(seconds);
        number_after(&bench.ack(1, 2_000)[0], "win ")
    });
    assert_eq!(windows, [2_000, 500, 2_000]);
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
    bench.tamperer.receive(
        Instant::ZERO,
        1,
        frame.clone(),
        &mut Lots::new(&mut bench.draws, &mut bench.dice),
        &mut out,
    );
    assert_eq!(out, [(0, frame)]);
}
