//! Packets sent in fragments (RFC 791 section 3.2, RFC 1122 section 3.3.3, RFC 6864, RFC 7739, RFC 8200
//! section 4.5), and fragments made for the tests of `reassembly`.

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::ops::Range;
use rstest::rstest;

use super::rig::*;
use crate::config::Shard;
use crate::error::{SocketError, UdpSendError};
use crate::wire::ethernet::EthernetFrame;
use crate::wire::ipv4::{self, IpProtocol, Ipv4Packet};
use crate::wire::ipv6::Ipv6Packet;
use crate::wire::ipv6_ext::{ExtensionLimits, Fragment, walk};
use crate::wire::notation::Notation;
use crate::{Capabilities, Config, DropReason, Duration, Limits, TxBatch, UdpOptions, Verdict};

/// The part `range` of what `packet` carries, as a fragment.
pub(super) fn part(packet: &[u8], id: u32, range: Range<usize>, more: bool) -> Vec<u8> {
    let header_len = if packet[0] >> 4 == 4 { usize::from(packet[0] & 15) * 4 } else { 40 };
    let data = &packet[header_len..][range.clone()];
    let mut fragment = packet[..header_len].to_vec();
    if packet[0] >> 4 == 4 {
        fragment[2..4].copy_from_slice(&((header_len + data.len()) as u16).to_be_bytes());
        fragment[4..6].copy_from_slice(&(id as u16).to_be_bytes());
        fragment[6..8].copy_from_slice(&((range.start / 8) as u16 | u16::from(more) << 13).to_be_bytes());
        ipv4::fill_checksum(&mut fragment);
    } else {
        fragment[4..6].copy_from_slice(&((8 + data.len()) as u16).to_be_bytes());
        let next = core::mem::replace(&mut fragment[6], 44);
        Fragment { offset: range.start as u16, more, id }.emit(IpProtocol(next), &mut fragment);
    }
    fragment.extend_from_slice(data);
    fragment
}

/// `packet` in fragments that carry `size` bytes each.
pub(super) fn cut(packet: &[u8], id: u32, size: usize) -> Vec<Vec<u8>> {
    let len = packet.len() - if packet[0] >> 4 == 4 { 20 } else { 40 };
    (0..len).step_by(size).map(|start| part(packet, id, start..len.min(start + size), start + size < len)).collect()
}

/// What the fragments in these frames carry, put together; they must be of one packet, in order and without gaps.
pub(super) fn joined(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut whole = Vec::new();
    let mut id = None;
    for (number, frame) in frames.iter().enumerate() {
        let packet = EthernetFrame::parse(frame).unwrap().payload();
        let (fragment, header, data) = if packet[0] >> 4 == 4 {
            let view = Ipv4Packet::parse(packet).unwrap();
            assert!(view.verify_checksum() && !view.dont_fragment());
            let (offset, more) = (view.fragment_offset(), view.more_fragments());
            (Fragment { offset, more, id: view.id().into() }, &packet[..20], view.payload())
        } else {
            let view = Ipv6Packet::parse(packet).unwrap();
            let upper = walk(view.dst(), view.next_header(), view.payload(), &ExtensionLimits::default()).unwrap();
            (upper.fragment.unwrap(), &packet[..40], &view.payload()[upper.offset..])
        };
        if number == 0 {
            whole.extend_from_slice(header);
        }
        assert_eq!(usize::from(fragment.offset), whole.len() - header.len());
        assert_eq!(fragment.more, number + 1 < frames.len());
        assert!(data.len().is_multiple_of(8) || !fragment.more);
        assert_eq!(*id.get_or_insert(fragment.id), fragment.id);
        whole.extend_from_slice(data);
    }
    whole
}

const PEER: &str = "192.0.2.1:9";
const PEER6: &str = "[2001:db8::1]:9";

fn rig(mtu: u16) -> Rig {
    let mut rig = Rig::with(Config { checks: true, ..Config::default() }, Capabilities::plain(mtu));
    rig.introduce_peer();
    rig
}

fn data(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at / 253) as u8).collect()
}

/// Lines of what is sent, with the identification, which nobody can foretell, left out.
fn sent(rig: &mut Rig) -> alloc::string::String {
    let lines = rig.sent();
    let id = lines.split(' ').skip_while(|word| *word != "id").nth(1).unwrap();
    lines.replace(&format!("id {id} "), "")
}

#[test]
fn a_datagram_in_fragments() {
    let mut rig = rig(1500);
    let (handle, handle6) = (rig.udp_bind("0.0.0.0:7"), rig.udp_bind("[::]:7"));
    rig.udp_send(handle, &data(3000), PEER).unwrap();
    insta::assert_snapshot!(sent(&mut rig), @"
    > 192.0.2.2 > 192.0.2.1 fragment offset 0 more udp (1480)
    > 192.0.2.2 > 192.0.2.1 fragment offset 1480 more udp (1480)
    > 192.0.2.2 > 192.0.2.1 fragment offset 2960 udp (48)
    ");
    rig.udp_send(handle6, &data(3000), PEER6).unwrap();
    insta::assert_snapshot!(sent(&mut rig), @"
    > 2001:db8::2 > 2001:db8::1 fragment offset 0 more udp (1448)
    > 2001:db8::2 > 2001:db8::1 fragment offset 1448 more udp (1448)
    > 2001:db8::2 > 2001:db8::1 fragment offset 2896 udp (112)
    ");
    let counted =
        ["ip.fragmented", "ip.fragments_sent", "ipv4.sent", "ipv6.sent", "udp.sent"].map(|name| rig.counter(name));
    assert_eq!(counted, [2, 6, 1, 1, 2], "packets, whatever they were cut into");
}

/// One byte more than the path takes, the most that there can be, and what is between.
#[rstest]
#[case::v4(PEER, "0.0.0.0:7", 20, &[1473, 2952, 2953, 40_000, 65_507])]
#[case::v6(PEER6, "[::]:7", 40, &[1453, 2888, 2889, 40_000, 65_527])]
fn what_was_cut_is_whole_again(#[case] to: &str, #[case] local: &str, #[case] header: usize, #[case] lens: &[usize]) {
    let mut rig = rig(1500);
    let handle = rig.udp_bind(local);
    for &len in lens {
        let data = data(len);
        rig.udp_send(handle, &data, to).unwrap();
        let frames = rig.frames();
        assert!(frames.len() > 1 && frames.iter().all(|frame| frame.len() <= 1514));
        let whole = joined(&frames);
        assert_eq!(whole.len(), header + 8 + len);
        assert!(whole[header + 8..] == data);
        // The checksum is over the whole datagram.
        let mut sum = if header == 20 {
            crate::wire::checksum::Sum::pseudo_header_v4(OUR_V4, PEER_V4, IpProtocol::UDP, 8 + len)
        } else {
            crate::wire::checksum::Sum::pseudo_header_v6(OUR_V6, PEER_V6, IpProtocol::UDP, 8 + len)
        };
        sum.add_bytes(&whole[header..]);
        assert_eq!(sum.finish(), 0);
    }
}

/// What fits leaves whole: with DF, and without an identification (RFC 6864 section 4.1).
#[rstest]
#[case::v4(PEER, "0.0.0.0:7", 1472, "> 192.0.2.2:7 > 192.0.2.1:9 udp (1472)")]
#[case::v6(PEER6, "[::]:7", 1452, "> [2001:db8::2]:7 > [2001:db8::1]:9 udp (1452)")]
fn what_fits_is_not_cut(#[case] to: &str, #[case] local: &str, #[case] len: usize, #[case] line: &str) {
    let mut rig = rig(1500);
    let handle = rig.udp_bind(local);
    rig.udp_send(handle, &data(len), to).unwrap();
    let frame = rig.clone().frames().remove(0);
    if local.starts_with('0') {
        assert_eq!(frame[18..22], [0, 0, 0x40, 0]);
    }
    assert_eq!(rig.sent(), line);
}

/// A batch takes so many frames; the rest of the packet is the next to leave, whatever else waits.
#[test]
fn a_packet_of_more_fragments_than_a_batch_takes() {
    let mut rig = Rig::with(Config::default(), Capabilities::plain(576 + 704));
    rig.introduce_peer();
    let handle = rig.udp_bind("[::]:7");
    for _ in 0..2 {
        rig.udp_send(handle, &data(65_527), PEER6).unwrap();
    }
    let _ = rig.receive_packet(&echo_request(PEER_V6.into(), OUR_V6.into(), 1));
    let mut batch = TxBatch::new();
    let mut pulls = Vec::new();
    let mut frames: Vec<Vec<u8>> = Vec::new();
    loop {
        batch.clear();
        let count = rig.stack.poll_transmit(rig.now, rig.interface, &mut batch);
        if count == 0 {
            break;
        }
        pulls.push(count);
        frames.extend(batch.frames().map(|frame| {
            let mut bytes = Vec::new();
            frame.copy_to(&mut bytes);
            bytes
        }));
    }
    assert_eq!(pulls, [64, 45]);
    assert!(Notation::default().frame(&frames[0]).to_string().ends_with("echo reply id 7 seq 1 (1)"));
    assert!(joined(&frames[1..55])[48..] == data(65_527));
    assert!(joined(&frames[55..])[48..] == data(65_527));
}

/// A socket that wants no fragments is told, when it sends or, if the path has become narrower since, later.
#[rstest]
#[case::v4(PEER, "0.0.0.0:7", 1472)]
#[case::v6(PEER6, "[::]:7", 1452)]
fn a_socket_that_wants_no_fragments(#[case] to: &str, #[case] local: &str, #[case] most: usize) {
    let mut rig = rig(1500);
    let options = UdpOptions { dont_fragment: true, ..UdpOptions::default() };
    let handle = rig.stack.udp_bind(socket(local), options).unwrap();
    assert_eq!(rig.stack.udp(handle).unwrap().unfragmented_max(Some(socket(to))), Some(most));
    assert_eq!(rig.stack.udp(handle).unwrap().unfragmented_max(None), None);
    assert_eq!(rig.udp_send(handle, &data(most + 1), to), Err(UdpSendError::MessageTooLong));
    assert_eq!(rig.udp_send(handle, &data(most), to), Ok(()));
    assert_eq!(rig.frames().len(), 1);

    rig.stack.udp(handle).unwrap().set_dont_fragment(false);
    rig.udp_send(handle, &data(most + 1), to).unwrap();
    rig.stack.udp(handle).unwrap().set_dont_fragment(true);
    assert_eq!(rig.sent(), "");
    assert_eq!(rig.udp_error(handle), Some(SocketError::MessageTooLong));
    assert_eq!(rig.drops(DropReason::FrameTooLong), 1);
}

/// A datagram waits for its neighbor whole, and is cut when it leaves.
#[test]
fn a_datagram_to_a_neighbor_that_is_not_known_yet() {
    let mut rig = Rig::new();
    let handle = rig.udp_bind("0.0.0.0:7");
    rig.udp_send(handle, &data(5000), PEER).unwrap();
    insta::assert_snapshot!(rig.sent(), @"> arp who-has 192.0.2.1 tell 192.0.2.2");
    let reply = arp(crate::wire::arp::ArpOperation::Reply, PEER_MAC, PEER_V4, OUR_MAC, OUR_V4, OUR_MAC);
    assert_eq!(rig.receive(&reply), Verdict::Accepted);
    assert!(joined(&rig.frames())[28..] == data(5000));
}

/// The identifications of as many datagrams as RFC 6864's reader would expect to differ, through the
/// whole stack, and the residue that this stack's shard has.
#[test]
fn identifications_do_not_come_again() {
    let config = Config { shard: Shard { index: 1, count: 2 }, ..Config::default() };
    let mut rig = Rig::with(config, Capabilities::plain(576 + 704));
    rig.introduce_peer();
    let handle = rig.udp_bind("0.0.0.0:7");
    let mut seen = alloc::vec![false; 1 << 16];
    for _ in 0..1 << 15 {
        rig.udp_send(handle, &[0; 1253], PEER).unwrap();
        let frames = rig.frames();
        let id = usize::from(u16::from_be_bytes([frames[0][18], frames[0][19]]));
        assert_eq!(id % 2, 1);
        assert!(!core::mem::replace(&mut seen[id], true), "{id} twice");
    }
}

/// Answers to large requests are bounded by their bytes, where they wait for the device and where
/// they wait for a neighbor.
#[rstest]
#[case::for_the_device(true)]
#[case::for_a_neighbor(false)]
fn large_answers_fill_their_room(#[case] introduced: bool) {
    let mut rig = Rig::limited(Limits { answer_bytes: 150_000, ..Limits::default() });
    if introduced {
        rig.introduce_peer();
    }
    let verdicts: Vec<_> = (0..4)
        .map(|id| {
            let request = echo_request(PEER_V4.into(), OUR_V4.into(), 60_000);
            let last = cut(&request, id, 1480).iter().map(|fragment| rig.receive_packet(fragment)).last();
            if !introduced {
                rig.discard();
            }
            last.unwrap()
        })
        .collect();
    let full = Verdict::Dropped(DropReason::ControlQueueFull);
    assert_eq!(verdicts, [Verdict::Accepted, Verdict::Accepted, full, full]);
    // Small ones are not concerned.
    assert_eq!(rig.receive_packet(&echo_request(PEER_V4.into(), OUR_V4.into(), 100)), Verdict::Accepted);
}

#[test]
fn a_datagram_to_a_group_in_fragments() {
    let mut rig = rig(1500);
    let handle = rig.udp_bind("0.0.0.0:7");
    rig.udp_send(handle, &data(2000), "224.0.0.9:9").unwrap();
    let frames = rig.frames();
    assert_eq!(frames.iter().map(|frame| stations(frame).0).filter(|to| to.is_multicast()).count(), 2);
    assert!(joined(&frames)[28..] == data(2000));
}

/// Between pulls everything that is left of a packet is state: a clone goes on as the original does.
#[test]
fn a_clone_in_the_middle_of_a_packet() {
    let mut rig = rig(1500);
    let handle = rig.udp_bind("0.0.0.0:7");
    for _ in 0..3 {
        rig.udp_send(handle, &data(60_000), PEER).unwrap();
    }
    let mut batch = TxBatch::new();
    assert_eq!(rig.stack.poll_transmit(rig.now, rig.interface, &mut batch), 64);
    let mut branch = rig.clone();
    assert_eq!(rig.stack.digest(), branch.stack.digest());
    assert_eq!(rig.frames(), branch.frames());
    assert_eq!(rig.stack.digest(), branch.stack.digest());
    rig.now += Duration::from_secs(1);
    assert_eq!(rig.stack.queue_depths().control, 0);
}
