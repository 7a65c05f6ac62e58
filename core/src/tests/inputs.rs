//! Arbitrary inputs: mostly what a network and an application do, with lies in some fields.

use alloc::vec;
use alloc::vec::Vec;
use proptest::collection::vec;
use proptest::prelude::*;

use super::served::{Served, served};

/// What happens to a stack. Hosts are the last byte of an address on the link: 1 is the peer, 2 is us.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// A frame arrives.
    Arrives(Wire, Lies),
    /// Nothing is drained until the next `Drain` or `Passes`.
    Drain,
    /// Time passes, and everything is drained at each deadline.
    Passes {
        millis: u64,
    },
    /// The caller's clock is behind what it told before.
    ClockGoesBack,
    UdpSend {
        v6: bool,
        host: u8,
        len: usize,
    },
    UdpReceive {
        v6: bool,
    },
    SetMtu {
        mtu: u16,
    },
    /// Our hardware address becomes another, and what it was again: neighbors are told.
    MoveStation,
    Connect {
        v6: bool,
        host: u8,
    },
    Accept,
    Send {
        which: usize,
        len: usize,
    },
    Receive {
        which: usize,
        len: usize,
    },
    Close {
        which: usize,
    },
    Abort {
        which: usize,
    },
    Release {
        which: usize,
    },
}

/// A frame, before any lie.
#[derive(Clone, Debug)]
pub(crate) enum Wire {
    Arp {
        reply: bool,
        sender: u8,
        target: u8,
    },
    Solicitation {
        src: u8,
        target: u8,
        with_address: bool,
    },
    Advertisement {
        target: u8,
        solicited: bool,
        overrides: bool,
        with_address: bool,
    },
    Echo {
        v6: bool,
        src: u8,
        dst: u8,
        len: usize,
    },
    Datagram {
        v6: bool,
        src: u8,
        dst: u8,
        ports: (u16, u16),
        len: usize,
    },
    /// A segment out of the blue.
    Stranger {
        v6: bool,
        src: u8,
        ports: (u16, u16),
        segment: Segment,
    },
    /// A segment that takes up one which the stack has sent lately: the numbers are added to the right ones.
    Reply {
        recent: usize,
        segment: Segment,
    },
    /// An ICMP error about a packet that the stack has sent lately.
    Error {
        recent: usize,
        kind: u8,
        code: u8,
    },
    /// Next header and what follows an IPv6 header.
    Headers {
        next_header: u8,
        payload: Vec<u8>,
    },
    Bytes(Vec<u8>),
    /// What routers, servers and queriers say.
    Served(Served),
}

#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) flags: u16,
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    pub(crate) window: u16,
    pub(crate) options: Vec<u8>,
    pub(crate) text: usize,
}

/// What is changed on a frame that was right.
#[derive(Clone, Debug)]
pub(crate) struct Lies {
    /// Where, as a part of 65,536 of the packet's length, and to what.
    pub(crate) changes: Vec<(u16, u8)>,
    pub(crate) cut: Option<u16>,
    /// The checksums are made to fit the lie.
    pub(crate) repaired: bool,
    pub(crate) to_group: bool,
    pub(crate) vouched: bool,
}

fn host() -> impl Strategy<Value = u8> {
    prop_oneof![6 => Just(1u8), 2 => Just(2u8), 3 => 70..80u8, 1 => Just(255u8), 1 => any::<u8>()]
}

fn us() -> impl Strategy<Value = u8> {
    prop_oneof![8 => Just(2u8), 1 => any::<u8>()]
}

fn ports() -> impl Strategy<Value = (u16, u16)> {
    (
        prop_oneof![Just(1000u16), Just(1001), any::<u16>()],
        prop_oneof![4 => Just(7u16), 4 => Just(80), 1 => any::<u16>()],
    )
}

fn length() -> impl Strategy<Value = usize> {
    prop_oneof![Just(0usize), 1..40usize, 500..530usize, Just(1452usize)]
}

/// Close to the right number, or anything.
fn offset() -> impl Strategy<Value = u32> {
    prop_oneof![12 => Just(0u32), 2 => 1..3000u32, 2 => (1..3000u32).prop_map(u32::wrapping_neg), 1 => any::<u32>()]
}

fn flags() -> impl Strategy<Value = u16> {
    // ACK; ACK PSH; SYN; SYN ACK; FIN ACK; RST; RST ACK; URG ACK; anything.
    prop_oneof![8 => Just(0x10u16), 2 => Just(0x18), 2 => Just(0x02), 3 => Just(0x12), 2 => Just(0x11), 1 => Just(0x04), 1 => Just(0x14), 1 => Just(0x30), 1 => 0..0x200u16]
}

fn options() -> impl Strategy<Value = Vec<u8>> {
    let known = prop_oneof![
        Just(&[2u8, 4, 5, 0xb4][..]),
        Just(&[2, 4, 0, 0][..]),
        Just(&[2, 4, 5, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7][..]),
        Just(&[1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0][..]),
        Just(&[1, 1, 5, 10, 0, 0, 0, 9, 0, 0, 0, 20][..]),
    ];
    prop_oneof![6 => Just(Vec::new()), 3 => known.prop_map(Vec::from), 1 => vec(any::<u8>(), 0..40)]
}

/// What strangers send: mostly the first segment of a connection.
fn first_flags() -> impl Strategy<Value = u16> {
    prop_oneof![3 => Just(0x02u16), 1 => flags()]
}

fn segment(flags: impl Strategy<Value = u16>) -> impl Strategy<Value = Segment> {
    let window = prop_oneof![4 => Just(u16::MAX), 2 => Just(0u16), 1 => any::<u16>()];
    (flags, offset(), offset(), window, options(), length())
        .prop_map(|(flags, seq, ack, window, options, text)| Segment { flags, seq, ack, window, options, text })
}

fn wire() -> impl Strategy<Value = Wire> {
    let b = any::<bool>;
    prop_oneof![
        2 => (b(), host(), us()).prop_map(|(reply, sender, target)| Wire::Arp { reply, sender, target }),
        2 => (host(), us(), b()).prop_map(|(src, target, with_address)| Wire::Solicitation { src, target, with_address }),
        2 => (host(), b(), b(), b()).prop_map(|(target, solicited, overrides, with_address)| Wire::Advertisement { target, solicited, overrides, with_address }),
        2 => (b(), host(), us(), length()).prop_map(|(v6, src, dst, len)| Wire::Echo { v6, src, dst, len }),
        3 => (b(), host(), us(), ports(), length()).prop_map(|(v6, src, dst, ports, len)| Wire::Datagram { v6, src, dst, ports, len }),
        4 => (b(), host(), ports(), segment(first_flags())).prop_map(|(v6, src, ports, segment)| Wire::Stranger { v6, src, ports, segment }),
        12 => (0..4usize, segment(flags())).prop_map(|(recent, segment)| Wire::Reply { recent, segment }),
        1 => (0..4usize, any::<u8>(), 0..16u8).prop_map(|(recent, kind, code)| Wire::Error { recent, kind, code }),
        1 => (prop_oneof![Just(0u8), Just(43), Just(44), Just(60), any::<u8>()], vec(any::<u8>(), 0..80)).prop_map(|(next_header, payload)| Wire::Headers { next_header, payload }),
        1 => vec(any::<u8>(), 0..200).prop_map(Wire::Bytes),
        12 => served().prop_map(Wire::Served),
    ]
}

fn lies() -> impl Strategy<Value = Lies> {
    let changes = prop_oneof![6 => Just(Vec::new()), 1 => vec(any::<(u16, u8)>(), 1..4)];
    let cut = prop_oneof![9 => Just(None), 1 => any::<u16>().prop_map(Some)];
    (changes, cut, any::<bool>(), proptest::bool::weighted(0.05), proptest::bool::weighted(0.1))
        .prop_map(|(changes, cut, repaired, to_group, vouched)| Lies { changes, cut, repaired, to_group, vouched })
}

fn input() -> impl Strategy<Value = Input> {
    let which = || 0..4usize;
    let len = || prop_oneof![Just(1usize), 1..3000usize, Just(20_000usize)];
    prop_oneof![
        24 => (wire(), lies()).prop_map(|(wire, lies)| Input::Arrives(wire, lies)),
        16 => Just(Input::Drain),
        4 => prop_oneof![0..10u64, 0..3_000u64, 0..100_000u64].prop_map(|millis| Input::Passes { millis }),
        1 => Just(Input::ClockGoesBack),
        2 => (any::<bool>(), host(), length()).prop_map(|(v6, host, len)| Input::UdpSend { v6, host, len }),
        1 => any::<bool>().prop_map(|v6| Input::UdpReceive { v6 }),
        1 => prop_oneof![Just(1500u16), 1270..1600u16].prop_map(|mtu| Input::SetMtu { mtu }),
        1 => Just(Input::MoveStation),
        2 => (any::<bool>(), host()).prop_map(|(v6, host)| Input::Connect { v6, host }),
        2 => Just(Input::Accept),
        4 => (which(), len()).prop_map(|(which, len)| Input::Send { which, len }),
        2 => (which(), len()).prop_map(|(which, len)| Input::Receive { which, len }),
        1 => which().prop_map(|which| Input::Close { which }),
        1 => which().prop_map(|which| Input::Abort { which }),
        1 => which().prop_map(|which| Input::Release { which }),
    ]
}

/// So many arbitrary inputs.
pub(crate) fn inputs(count: core::ops::Range<usize>) -> impl Strategy<Value = Vec<Input>> {
    vec(input(), count)
}
