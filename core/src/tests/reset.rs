//! Segments that belong to no connection (RFC 9293 section 3.10.7.1).

use rstest::rstest;

use super::rig::*;
use crate::wire::ethernet::EthernetAddress;
use crate::{Capabilities, Config, DropReason, ListenOptions, Verdict};

/// "If the ACK bit is off, sequence number zero is used, <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>; if
/// the ACK bit is on, <SEQ=SEG.ACK><CTL=RST>."
#[rstest]
#[case::syn("S 100:100(0) win 1000", 0, "R. 0:0(0) ack 101 win 0")]
#[case::syn_at_the_end_of_the_space("S 4294967295:4294967295(0) win 1000", 0, "R. 0:0(0) ack 0 win 0")]
#[case::fin("F 100:100(0) win 1000", 0, "R. 0:0(0) ack 101 win 0")]
#[case::text("- 100:105(5) win 1000", 5, "R. 0:0(0) ack 105 win 0")]
#[case::text_with_syn_and_fin("SF 100:105(5) win 1000", 5, "R. 0:0(0) ack 107 win 0")]
#[case::text_across_the_wrap("- 4294967294:3(5) win 1000", 5, "R. 0:0(0) ack 3 win 0")]
#[case::ack(". 100:100(0) ack 77 win 1000", 0, "R 77:77(0) win 0")]
#[case::syn_ack("S. 100:100(0) ack 77 win 1000", 0, "R 77:77(0) win 0")]
fn no_socket_means_a_reset(#[case] segment: &str, #[case] text: usize, #[case] reset: &str) {
    for (us, peer) in [("192.0.2.2:7", "192.0.2.1:40000"), ("[2001:db8::2]:7", "[2001:db8::1]:40000")] {
        let mut rig = Rig::new();
        rig.introduce_peer();
        let packet = tcp_packet(socket(peer), socket(us), segment, &[0x61; 5][..text]);
        assert_eq!(rig.receive_packet(&packet), Verdict::Dropped(DropReason::TcpNoSocket));
        assert_eq!(rig.sent(), alloc::format!("> {us} > {peer} tcp {reset}"));
        assert_eq!(rig.counter("tcp.resets_sent"), 1);
    }
}

/// "An incoming segment containing a RST is discarded."
#[rstest]
#[case::plain("R 100:100(0) win 0")]
#[case::with_ack("R. 100:100(0) ack 77 win 0")]
#[case::with_everything("SFRP. 100:100(0) ack 77 win 0")]
fn a_reset_is_never_answered(#[case] segment: &str) {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let packet = tcp_packet(socket("192.0.2.1:40000"), socket("192.0.2.2:7"), segment, b"");
    assert_eq!(rig.receive_packet(&packet), Verdict::Dropped(DropReason::TcpResetNoSocket));
    assert_eq!(rig.sent(), "");
}

/// RFC 9293 section 3.10.7.2: to a listener, an ACK is as if there were no socket.
#[test]
fn an_ack_to_a_listener_is_reset() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    rig.stack.tcp_listen(socket("0.0.0.0:7"), ListenOptions::default()).unwrap();
    let _ = rig.receive_packet(&tcp_packet(
        socket("192.0.2.1:40000"),
        socket("192.0.2.2:7"),
        ". 100:100(0) ack 77 win 1000",
        b"",
    ));
    insta::assert_snapshot!(rig.sent(), @"> 192.0.2.2:7 > 192.0.2.1:40000 tcp R 77:77(0) win 0");
}

/// RFC 9293 MUST-57: "silently discard an incoming segment addressed to a broadcast or multicast address".
#[rstest]
#[case::broadcast("192.0.2.255:7", [0xff; 6])]
#[case::limited_broadcast("255.255.255.255:7", [0xff; 6])]
#[case::all_hosts("224.0.0.1:7", [1, 0, 0x5e, 0, 0, 1])]
#[case::all_nodes("[ff02::1]:7", [0x33, 0x33, 0, 0, 0, 1])]
#[case::ipv6_in_a_broadcast_frame("[2001:db8::2]:7", [0xff; 6])]
fn a_segment_to_many_is_discarded(#[case] to: &str, #[case] station: [u8; 6]) {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let from = if to.starts_with('[') { "[2001:db8::1]:40000" } else { "192.0.2.1:40000" };
    let packet = tcp_packet(socket(from), socket(to), "S 1:1(0) win 1000", b"");
    let frame = ethernet(EthernetAddress(station), PEER_MAC, &packet);
    assert_eq!(rig.receive(&frame), Verdict::Dropped(DropReason::TcpNotUnicast));
    assert_eq!(rig.sent(), "");
}

#[test]
fn two_hundred_resets_a_second() {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let syn = tcp_packet(socket("192.0.2.1:40000"), socket("192.0.2.2:7"), "S 1:1(0) win 1000", b"");
    let (sent, busiest) = rig.flood(&syn);
    assert!(busiest <= 200, "{busiest}");
    assert!(sent >= 1800, "{sent}");
    assert_eq!(rig.drops(DropReason::RateLimited), 100_000 - sent as u64);
}

#[test]
fn none_where_the_configuration_says_so() {
    let mut rig = Rig::with(Config { resets_per_second: 0, ..Config::default() }, Capabilities::plain(1500));
    rig.introduce_peer();
    let _ = rig.receive_packet(&tcp_packet(socket("192.0.2.1:40000"), socket("192.0.2.2:7"), "S 1:1(0) win 1000", b""));
    assert_eq!(rig.sent(), "");
}

#[rstest]
#[case::truncated(&[(3, 39)], DropReason::TcpTruncated)]
#[case::data_offset_below_5(&[(32, 0x40)], DropReason::TcpDataOffset)]
#[case::data_offset_beyond_the_segment(&[(32, 0x60)], DropReason::TcpDataOffset)]
#[case::checksum(&[(36, 0)], DropReason::TcpChecksum)]
fn malformed_segments(#[case] changes: &[(usize, u8)], #[case] reason: DropReason) {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let mut packet = tcp_packet(socket("192.0.2.1:40000"), socket("192.0.2.2:7"), "S 1:1(0) win 1000", b"");
    for &(at, byte) in changes {
        packet[at] = byte;
    }
    crate::wire::ipv4::fill_checksum(&mut packet);
    assert_eq!(rig.receive_packet(&packet), Verdict::Dropped(reason));
    assert_eq!(rig.sent(), "");
}

#[rstest]
#[case::source("192.0.2.1:0", "192.0.2.2:7")]
#[case::destination("192.0.2.1:40000", "192.0.2.2:0")]
fn port_zero_is_nobody(#[case] from: &str, #[case] to: &str) {
    let mut rig = Rig::new();
    rig.introduce_peer();
    let packet = tcp_packet(socket(from), socket(to), "S 1:1(0) win 1000", b"");
    assert_eq!(rig.receive_packet(&packet), Verdict::Dropped(DropReason::TcpPort));
    assert_eq!(rig.sent(), "");
}
