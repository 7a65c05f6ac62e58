//! Segments that are too big for their path (RFC 1191 section 6.4, RFC 8201 section 5.4, RFC 5927).

use alloc::vec::Vec;
use insta::assert_snapshot;
use rstest::rstest;

use super::rig::*;
use crate::tests::rig::*;
use crate::wire::icmpv4::Icmpv4Header;
use crate::wire::icmpv6::Icmpv6Header;
use crate::{Config, DropReason, TcpSettings, Verdict};

/// A router has dropped the packet of `len` bytes whose segment begins at `seq`, for want of `mtu`.
fn too_big(rig: &mut TcpRig, seq: u32, len: u16, mtu: u16) -> Verdict {
    let mut quote = rig.own_packet(seq);
    let packet = if rig.us.is_ipv4() {
        quote[2..4].copy_from_slice(&len.to_be_bytes());
        let header = Icmpv4Header::DestinationUnreachable { code: 4, next_hop_mtu: mtu };
        icmpv4_packet(PEER_V4, OUR_V4, header, &quote[..28])
    } else {
        quote[4..6].copy_from_slice(&(len - 40).to_be_bytes());
        let mut message = Vec::new();
        Icmpv6Header::PacketTooBig { mtu: mtu.into() }.emit(&mut message);
        message.extend_from_slice(&quote);
        icmpv6_packet(PEER_V6, OUR_V6, 64, message)
    };
    rig.rig.receive_packet(&packet)
}

/// Segments of 1,460 bytes (IPv4) or 1,440, no timestamps, no Nagle.
fn big(ipv6: bool) -> Setup {
    let settings = TcpSettings { no_delay: true, ..TcpSettings::default() };
    Setup { ipv6, settings, options: "<mss 1460,sackOK>", ..Setup::default() }
}

/// A connection of which 1,460 bytes are in flight; a router has said of them that the path takes 1,400, and
/// they have been sent again.
fn narrowed(setup: Setup) -> TcpRig {
    let mut rig = setup.passive();
    rig.write(1460);
    rig.sent();
    assert_eq!(too_big(&mut rig, 1, 1500, 1400), Verdict::Accepted);
    rig.sent();
    rig
}

/// RFC 1191 section 6.4: sent again at once, in segments that fit; CWND and SSTHRESH are as before.
#[test]
fn what_was_too_big_is_sent_again_in_smaller_segments_at_once() {
    let mut rig = big(false).passive();
    rig.write(2920);
    assert_snapshot!(rig.sent(), @"
    > . 1:1461(1460) ack 1 win 65535
    > P. 1461:2921(1460) ack 1 win 65535
    ");
    let before = rig.info();
    assert_eq!(too_big(&mut rig, 1, 1500, 1400), Verdict::Accepted);
    assert_snapshot!(rig.sent(), @"
    > . 1:1361(1360) ack 1 win 65535
    > . 1361:2721(1360) ack 1 win 65535
    > P. 2721:2921(200) ack 1 win 65535
    ");
    let after = rig.info();
    assert_eq!((after.cwnd, after.ssthresh, after.backoff), (before.cwnd, before.ssthresh, before.backoff));
    assert_eq!(after.snd_mss, 1360);
    // RFC 1191 section 6.4: the second report of the same burst causes nothing.
    assert_eq!(too_big(&mut rig, 1461, 1500, 1400), Verdict::Accepted);
    assert_eq!(rig.sent(), "");
    rig.take(". 1:1(0) ack 2921 win 65535");
    rig.write(1500);
    assert_snapshot!(rig.sent(), @"
    > . 2921:4281(1360) ack 1 win 65535
    > P. 4281:4421(140) ack 1 win 65535
    ");
    assert_eq!((rig.rig.counter("tcp.path_mtu_resends"), rig.rig.counter("path_mtu.lowered")), (1, 1));
}

#[test]
fn the_same_over_ipv6() {
    let mut rig = big(true).passive();
    rig.write(1440);
    assert_snapshot!(rig.sent(), @"> P. 1:1441(1440) ack 1 win 65535");
    assert_eq!(too_big(&mut rig, 1, 1500, 1280), Verdict::Accepted);
    assert_snapshot!(rig.sent(), @"
    > . 1:1221(1220) ack 1 win 65535
    > P. 1221:1441(220) ack 1 win 65535
    ");
}

/// Where the retransmission is lost as well, the timeout counts as ever, from when it left.
#[test]
fn the_timeout_starts_anew() {
    let mut rig = big(false).passive();
    rig.write(1460);
    rig.sent();
    rig.pass(200);
    assert_eq!(too_big(&mut rig, 1, 1500, 1400), Verdict::Accepted);
    assert_snapshot!(rig.pass(400), @"
    +0ms > . 1:1361(1360) ack 1 win 65535
    +0ms > P. 1361:1461(100) ack 1 win 65535
    +300ms > . 1:1361(1360) ack 1 win 65535
    ");
}

/// Two narrow links, one behind the other.
#[test]
fn a_path_that_narrows_twice() {
    let mut rig = narrowed(big(false));
    assert_eq!(too_big(&mut rig, 1, 1400, 1000), Verdict::Accepted);
    assert_snapshot!(rig.sent(), @"
    > . 1:961(960) ack 1 win 65535
    > P. 961:1461(500) ack 1 win 65535
    ");
}

/// Below 552 routers may fragment: DF is clear, and each segment has an identification (RFC 6864 section 4.3).
#[test]
fn a_path_below_552() {
    let mut rig = big(false).passive();
    rig.write(1460);
    rig.sent();
    assert_eq!(too_big(&mut rig, 1, 1500, 296), Verdict::Accepted);
    let frames = rig.rig.frames();
    assert_eq!(frames.iter().map(Vec::len).collect::<Vec<_>>(), [14 + 552, 14 + 552, 14 + 40 + 436]);
    let mut ids: Vec<_> = frames.iter().map(|frame| [frame[18], frame[19]]).collect();
    assert!(frames.iter().all(|frame| frame[20..22] == [0, 0]), "DF and fragment offset");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

/// What the peer holds already is not sent again.
#[test]
fn what_is_sacked_stays() {
    let mut rig = big(false).passive();
    rig.write(2920 + 100);
    rig.sent();
    rig.take(". 1:1(0) ack 1 win 65535 <nop,nop,sack 2921:3021>");
    assert_eq!(too_big(&mut rig, 1, 1500, 1400), Verdict::Accepted);
    assert_snapshot!(rig.sent(), @"
    > . 1:1361(1360) ack 1 win 65535
    > . 1361:2721(1360) ack 1 win 65535
    > . 2721:2921(200) ack 1 win 65535
    ");
}

/// RFC 5927 section 4.1: only what is in flight can have been too big; and no report can be true that
/// names an MTU which the packet did not exceed (section 7.2), nor an IPv6 one below 1,280 (RFC 8201
/// section 4).
#[rstest]
#[case::acknowledged_long_ago(false, 4_294_967_000, 1500, 1400, DropReason::Icmpv4NoFlow)]
#[case::never_sent(false, 1461, 1500, 1400, DropReason::Icmpv4NoFlow)]
#[case::not_smaller(false, 1, 1500, 1500, DropReason::IcmpTooBig)]
#[case::larger(false, 1, 1500, 9000, DropReason::IcmpTooBig)]
#[case::a_small_packet(false, 1, 1000, 1400, DropReason::IcmpTooBig)]
#[case::below_the_least_of_ipv4(false, 1, 1500, 67, DropReason::IcmpTooBig)]
#[case::not_in_flight_v6(true, 1441, 1500, 1400, DropReason::Icmpv6NoFlow)]
#[case::below_the_least_of_ipv6(true, 1, 1500, 1279, DropReason::IcmpTooBig)]
fn reports_that_are_not_believed(
    #[case] ipv6: bool,
    #[case] seq: u32,
    #[case] len: u16,
    #[case] mtu: u16,
    #[case] reason: DropReason,
) {
    let mut rig = big(ipv6).passive();
    rig.write(1460 - if ipv6 { 20 } else { 0 });
    rig.sent();
    let mss = rig.info().snd_mss;
    assert_eq!(too_big(&mut rig, seq, len, mtu), Verdict::Dropped(reason));
    assert_eq!((rig.sent(), rig.info().snd_mss), (alloc::string::String::new(), mss));
}

/// Other connections to the same destination learn of it when they send next; what they had in flight
/// is sent again if a router says that it was dropped.
#[test]
fn other_connections_learn_of_it() {
    let mut first = big(false).passive();
    first.write(1460);
    first.sent();
    let mut other = first.clone();
    // The same stack, seen by the second connection's peer.
    other.us.set_port(50_001);
    other.peer.set_port(40_001);
    other.renew(7);
    other.listen();
    other.take("S 0:0(0) win 65535 <mss 1460>");
    other.sent();
    other.take(". 1:1(0) ack 1 win 65535");
    assert!(other.accept());
    other.restart_pattern();
    other.write(1460);
    assert_snapshot!(other.sent(), @"> P. 1:1461(1460) ack 1 win 65535");
    first.rig = other.rig.clone();
    assert_eq!(too_big(&mut first, 1, 1500, 1400), Verdict::Accepted);
    first.sent();
    other.rig = first.rig.clone();
    other.take(". 1:1(0) ack 1 win 60000");
    other.write(1400);
    assert_snapshot!(other.sent(), @"
    > . 1461:2821(1360) ack 1 win 65535
    > P. 2821:2861(40) ack 1 win 65535
    ");
    assert_eq!(too_big(&mut other, 1, 1500, 1400), Verdict::Accepted);
    assert_snapshot!(other.sent(), @"
    > . 1:1361(1360) ack 1 win 65535
    > . 1361:2721(1360) ack 1 win 65535
    > P. 2721:2861(140) ack 1 win 65535
    ");
}

/// RFC 1191 section 6.3, RFC 8201 section 4: a larger estimate is tried ten minutes after the report,
/// without anything sent again for it.
#[rstest]
#[case::by_default(Some(600_000))]
#[case::sooner(Some(300_000))]
#[case::never(None)]
fn an_increase_is_tried_later(#[case] raise_ms: Option<u64>) {
    let mut config = Config { checks: true, ..Config::default() };
    let raise = raise_ms.map_or_else(|| "none".into(), |ms| alloc::format!("{ms}"));
    crate::options::set(&mut config, "ip.path_mtu_raise_ms", &raise).unwrap();
    let mut rig = narrowed(Setup { config, ..big(false) });
    rig.take(". 1:1(0) ack 1461 win 65535");
    assert_eq!(rig.pass(raise_ms.unwrap_or(86_400_000) - 1), "");
    rig.write(100);
    rig.sent();
    assert_eq!(rig.info().snd_mss, 1360);
    rig.take(". 1:1(0) ack 1561 win 65535");
    rig.pass(1);
    rig.write(100);
    rig.sent();
    assert_eq!(rig.info().snd_mss, if raise_ms.is_some() { 1460 } else { 1360 });
}

/// Super-segments get pieces that fit, and the path's MTU is not told in the MSS option (RFC 1191 section 6.4).
#[test]
fn new_connections_know_it_already() {
    let mut rig = narrowed(big(false));
    rig.us.set_port(50_002);
    rig.renew(9);
    rig.connect();
    let syn = rig.sent();
    assert!(syn.contains("mss 1460"), "{syn}");
    rig.take("S. 0:0(0) ack 1 win 65535 <mss 1460>");
    assert_eq!(rig.info().snd_mss, 1360);
}

/// The MTU of the link itself is set: what is sent from here on fits it, and so does what was sent before and is
/// lost.
#[test]
fn a_link_that_becomes_narrower() {
    let mut rig = big(false).passive();
    rig.write(2920);
    assert_eq!(rig.sent().lines().count(), 2);
    rig.rig.stack.set_mtu(rig.rig.now, rig.rig.interface, 1280).unwrap();
    assert_snapshot!(rig.pass(1500), @r"
    +300ms > . 1:1241(1240) ack 1 win 65535
    +900ms > . 1:1241(1240) ack 1 win 65535
    ");
    rig.take(". 1:1(0) ack 2921 win 65535");
    rig.rig.stack.set_mtu(rig.rig.now, rig.rig.interface, 1500).unwrap();
    rig.write(1460);
    assert_snapshot!(rig.sent(), @"> P. 2921:4381(1460) ack 1 win 65535");
}
