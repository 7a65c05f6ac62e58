//! Frames that stopped other stacks. After each, the stack still answers.

use alloc::vec::Vec;
use rstest::rstest;

use super::rig::*;
use crate::wire::ipv4;
use crate::wire::ipv4::IpProtocol;
use crate::wire::{checksum, tcp};
use crate::{DropReason, ListenOptions, Verdict};

const CLOSED: &str = "192.0.2.2:7";
const OPEN: &str = "192.0.2.2:80";

/// A rig with a listener on port 80.
fn listening() -> Rig {
    let mut rig = Rig::new();
    rig.introduce_peer();
    rig.stack.tcp_listen(socket("0.0.0.0:80"), ListenOptions::default()).unwrap();
    rig
}

fn still_answers(rig: &mut Rig) {
    rig.discard();
    let _ = rig.receive_packet(&echo_request(PEER_V4.into(), OUR_V4.into(), 8));
    assert_eq!(rig.sent(), "> 192.0.2.2 > 192.0.2.1 icmp echo reply id 7 seq 1 (8)");
}

fn segment(to: &str, line: &str) -> Vec<u8> {
    tcp_packet(socket("192.0.2.1:40000"), socket(to), line, b"")
}

/// A SYN with the given options, which need not be well formed; a multiple of four bytes.
fn syn_with_options(to: &str, options: &[u8]) -> Vec<u8> {
    let plain = segment(to, "S 1:1(0) win 1000");
    let mut bytes = plain[20..].to_vec();
    bytes[12] = (((20 + options.len()) / 4) << 4) as u8;
    bytes.extend_from_slice(options);
    let pseudo_header = checksum::Sum::pseudo_header_v4(PEER_V4, OUR_V4, IpProtocol::TCP, bytes.len());
    tcp::fill_checksum(pseudo_header, &mut bytes);
    ipv4_packet(PEER_V4, OUR_V4, IpProtocol::TCP, &bytes)
}

#[rstest]
fn a_tcp_payload_shorter_than_a_header_field(#[values(0, 1, 2, 3, 4, 7, 8, 12, 13, 19)] len: usize) {
    let mut rig = listening();
    let mut packet = segment(OPEN, "S 1:1(0) win 1000");
    packet.truncate(20 + len);
    packet[3] = packet.len() as u8;
    ipv4::fill_checksum(&mut packet);
    assert_eq!(rig.receive_packet(&packet), Verdict::Dropped(DropReason::TcpTruncated));
    still_answers(&mut rig);
}

#[test]
fn a_syn_with_the_last_sequence_number_to_a_closed_port() {
    let mut rig = listening();
    let _ = rig.receive_packet(&segment(CLOSED, "S 4294967295:4294967295(0) win 1000"));
    insta::assert_snapshot!(rig.sent(), @"> 192.0.2.2:7 > 192.0.2.1:40000 tcp R. 0:0(0) ack 0 win 0");
    still_answers(&mut rig);
}

/// RFC 9293 MUST-7: a host must be prepared for an illegal option length; the SYN itself is good.
#[rstest]
#[case::kind_in_the_last_byte(&[1, 1, 1, 2])]
#[case::unknown_kind_in_the_last_byte(&[1, 1, 1, 254])]
#[case::length_zero(&[2, 0, 5, 0xb4])]
#[case::length_one(&[2, 1, 5, 0xb4])]
#[case::length_beyond_the_header(&[2, 9, 5, 0xb4])]
#[case::mss_zero(&[2, 4, 0, 0])]
#[case::mss_one(&[2, 4, 0, 1])]
#[case::window_scale_255(&[3, 3, 255, 0])]
#[case::sack_in_a_syn(&[5, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])]
fn syn_options(#[case] options: &[u8]) {
    let mut rig = listening();
    for port in [OPEN, CLOSED] {
        let _ = rig.receive_packet(&syn_with_options(port, options));
        assert_eq!(rig.frames().len(), 1);
    }
    still_answers(&mut rig);
}

/// A connection with a peer that told MSS 0 still moves its text, in segments of some size.
#[test]
fn text_to_a_peer_that_told_mss_zero() {
    let mut rig = listening();
    let _ = rig.receive_packet(&syn_with_options(OPEN, &[2, 4, 0, 0]));
    let syn_ack = rig.frames().remove(0);
    let iss = u32::from_be_bytes([syn_ack[38], syn_ack[39], syn_ack[40], syn_ack[41]]).wrapping_add(1);
    let _ = rig.receive_packet(&segment(OPEN, &alloc::format!(". 2:2(0) ack {iss} win 1000")));
    let Some(crate::Event::Listener(listener)) = rig.stack.poll_event() else { panic!("not established") };
    let handle = rig.stack.tcp_accept(rig.now, listener).unwrap().unwrap();
    let now = rig.now;
    assert_eq!(rig.stack.tcp(handle).unwrap().send(now, &[0x61; 500]), Ok(500));
    let frames = rig.frames();
    assert!((1..=10).contains(&frames.len()), "{} frames for 500 bytes", frames.len());
    still_answers(&mut rig);
}

#[test]
fn a_solicitation_with_a_stray_byte() {
    let mut rig = listening();
    let mut message = neighbor_solicitation(PEER_V6, OUR_V6, None).split_off(14 + 40);
    message.push(1);
    let packet = icmpv6_packet(PEER_V6, OUR_V6, 255, message);
    assert_eq!(rig.receive_packet(&packet), Verdict::Dropped(DropReason::NdpOption));
    still_answers(&mut rig);
}

#[rstest]
fn a_runt_frame(#[values(0, 1, 5, 6, 12, 13, 14, 15, 33)] len: usize) {
    let mut rig = listening();
    let frame = ethernet(OUR_MAC, PEER_MAC, &segment(OPEN, "S 1:1(0) win 1000"));
    assert!(matches!(rig.receive(&frame[..len]), Verdict::Dropped(_)));
    still_answers(&mut rig);
}

#[test]
fn a_reset_in_answer_to_a_reset() {
    let mut rig = listening();
    let _ = rig.receive_packet(&segment(CLOSED, "S 1:1(0) win 1000"));
    insta::assert_snapshot!(rig.sent(), @"> 192.0.2.2:7 > 192.0.2.1:40000 tcp R. 0:0(0) ack 2 win 0");
    assert_eq!(
        rig.receive_packet(&segment(CLOSED, "R. 0:0(0) ack 0 win 0")),
        Verdict::Dropped(DropReason::TcpResetNoSocket)
    );
    assert_eq!(
        rig.receive_packet(&segment(OPEN, "R. 0:0(0) ack 0 win 0")),
        Verdict::Dropped(DropReason::TcpResetNoSocket)
    );
    assert_eq!(rig.sent(), "");
    still_answers(&mut rig);
}
