//! What the path and the device do: neighbors, ICMP errors (RFC 1122 section 4.2.3.9, RFC 5461,
//! RFC 5927), super-segments and checksums.

use alloc::vec::Vec;
use insta::assert_snapshot;
use rstest::rstest;

use super::rig::*;
use crate::error::SocketError;
use crate::frame::TxChecksum;
use crate::tcp::State;
use crate::tests::rig::*;
use crate::wire::icmpv4::Icmpv4Header;
use crate::wire::icmpv6::Icmpv6Header;
use crate::{Capabilities, TxBatch, Verdict};

#[test]
fn a_syn_waits_for_its_neighbor() {
    let mut rig = Setup::default().without_timestamps().idle();
    rig.peer_answers = false;
    rig.connect();
    assert_snapshot!(rig.pass(1500), @"
    +0ms > arp who-has 192.0.2.1 tell 192.0.2.2
    +1000ms > arp who-has 192.0.2.1 tell 192.0.2.2
    ");
    rig.answer_resolution();
    // Once, though its RTO would have passed: the RTO starts when it leaves.
    assert_snapshot!(rig.pass(1400), @"
    +0ms > S 0:0(0) win 65535 <mss 1460,nop,nop,sackOK,nop,wscale 5>
    +1000ms > S 0:0(0) win 65535 <mss 1460,nop,nop,sackOK,nop,wscale 5>
    ");
}

#[rstest]
#[case::arp(false)]
#[case::ndp(true)]
fn a_neighbor_that_does_not_answer(#[case] ipv6: bool) {
    // Three solicitations, a second apart: EHOSTUNREACH after three seconds.
    let mut rig = Setup { ipv6, ..Setup::default() }.idle();
    rig.peer_answers = false;
    rig.connect();
    let (times, _) = rig.times(2999);
    assert_eq!((times, rig.state()), (Vec::from([0, 1000, 2000]), State::SynSent));
    assert_eq!(rig.pass(1), "");
    assert_eq!((rig.state(), rig.error()), (State::Closed, Some(SocketError::HostUnreachable)));
}

/// An error of either family about the segment that begins at `seq`.
fn icmp_error(rig: &mut TcpRig, v4: Icmpv4Header, v6: Icmpv6Header, seq: u32) -> Verdict {
    let ours = rig.own_packet(seq);
    let packet = if rig.us.is_ipv4() {
        icmpv4_packet(PEER_V4, OUR_V4, v4, &ours)
    } else {
        let mut message = Vec::new();
        v6.emit(&mut message);
        message.extend_from_slice(&ours);
        icmpv6_packet(PEER_V6, OUR_V6, 64, message)
    };
    rig.rig.receive_packet(&packet)
}

const PORT_V4: Icmpv4Header = Icmpv4Header::DestinationUnreachable { code: 3, next_hop_mtu: 0 };
const PORT_V6: Icmpv6Header = Icmpv6Header::DestinationUnreachable { code: 4 };
const HOST_V4: Icmpv4Header = Icmpv4Header::DestinationUnreachable { code: 1, next_hop_mtu: 0 };
const HOST_V6: Icmpv6Header = Icmpv6Header::DestinationUnreachable { code: 3 };

#[rstest]
#[case::refused(false, PORT_V4, PORT_V6, SocketError::Refused)]
#[case::refused_v6(true, PORT_V4, PORT_V6, SocketError::Refused)]
#[case::unreachable(false, HOST_V4, HOST_V6, SocketError::HostUnreachable)]
#[case::unreachable_v6(true, HOST_V4, HOST_V6, SocketError::HostUnreachable)]
fn an_error_about_a_syn(
    #[case] ipv6: bool,
    #[case] v4: Icmpv4Header,
    #[case] v6: Icmpv6Header,
    #[case] error: SocketError,
) {
    let mut rig = Setup { ipv6, ..Setup::default() }.idle();
    rig.connect();
    rig.sent();
    // RFC 5927 section 4.1: it must quote what is in flight.
    for seq in [1, 4_294_967_295, 70_000] {
        assert!(matches!(icmp_error(&mut rig, v4, v6, seq), Verdict::Dropped(_)), "{seq}");
    }
    assert_eq!(rig.state(), State::SynSent);
    assert_eq!(icmp_error(&mut rig, v4, v6, 0), Verdict::Accepted);
    assert_eq!((rig.state(), rig.error()), (State::Closed, Some(error)));
}

#[test]
fn an_error_later_is_soft() {
    // RFC 5927 section 5.2: it ends nothing, and is the reason given if R2 does.
    let mut rig = Setup::default().passive();
    rig.write(10);
    rig.sent();
    assert_eq!(icmp_error(&mut rig, PORT_V4, PORT_V6, 1), Verdict::Accepted);
    assert_eq!((rig.state(), rig.error()), (State::Established, None));
    rig.pass(900_000);
    assert_eq!((rig.state(), rig.error()), (State::Closed, Some(SocketError::Refused)));
    // Forgotten when the peer acknowledges.
    let mut rig = Setup::default().passive();
    rig.write(10);
    rig.sent();
    let _ = icmp_error(&mut rig, HOST_V4, HOST_V6, 1);
    rig.take(". 1:1(0) ack 11 win 65535");
    rig.write(10);
    rig.pass(900_000);
    assert_eq!(rig.error(), Some(SocketError::TimedOut));
}

#[test]
fn a_merged_segment_is_accepted_whole() {
    let mut rig = Setup::default().passive();
    rig.take(". 1:60001(60000) ack 1 win 65535");
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 60001 win 65535");
    assert_eq!(rig.read(70_000), Ok(60_000));
    // Out of order too.
    rig.take("P. 61001:80001(19000) ack 1 win 65535");
    rig.sent();
    rig.take(". 60001:61001(1000) ack 1 win 65535");
    assert_snapshot!(rig.sent(), @"> . 1:1(0) ack 80001 win 65535");
    assert_eq!(rig.read(70_000), Ok(20_000));
}

#[rstest]
#[case::v4(false, 34)]
#[case::v6(true, 54)]
fn a_super_segment_is_left_to_the_device(#[case] ipv6: bool, #[case] start: u16) {
    let capabilities =
        Capabilities { gso_max_bytes: 65_000, gso_max_segments: 64, tx_checksum: true, ..Capabilities::plain(1500) };
    let mut rig = Setup { capabilities, ipv6, ..Setup::default() }.passive();
    rig.write(9500);
    rig.close();
    let mut batch = TxBatch::new();
    while rig.rig.stack.poll_transmit(rig.rig.now, rig.rig.interface, &mut batch) > 0 {}
    let told: Vec<_> =
        batch.items.iter().map(|item| (item.payload_len, item.segment_size.map(u16::from), item.checksum)).collect();
    let checksum = TxChecksum::Partial { start, offset: 16 };
    // Whole segments in a row; what remains is a segment of its own.
    assert_eq!(told, [(9000, Some(1000), checksum), (500, None, checksum)]);
    let lines: Vec<_> = batch
        .frames()
        .map(|frame| {
            let mut bytes = Vec::new();
            frame.copy_to(&mut bytes);
            rig.line(&bytes)
        })
        .collect();
    assert_eq!(lines, ["> . 1:9001(9000) ack 1 win 65535", "> FP. 9001:9501(500) ack 1 win 65535"]);
}

#[test]
fn a_super_segment_respects_all_windows() {
    let capabilities = Capabilities { gso_max_bytes: 65_000, gso_max_segments: 64, ..Capabilities::plain(1500) };
    let mut rig = Setup { capabilities, window: 4500, ..Setup::default() }.passive();
    rig.write(20_000);
    assert_snapshot!(rig.sent(), @"> . 1:4001(4000) ack 1 win 65535");
    rig.take(". 1:1(0) ack 4001 win 65535");
    // CWND: 10,000 and what was acknowledged does not count, the peer's window was the limit.
    assert_snapshot!(rig.sent(), @"> . 4001:14001(10000) ack 1 win 65535");
    // A segment sent again is one segment.
    assert_snapshot!(rig.pass(400), @"+337ms > . 4001:5001(1000) ack 1 win 65535");
}
