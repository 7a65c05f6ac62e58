//! Checksums that the device computes or vouches for.

use alloc::vec::Vec;
use rstest::rstest;

use super::rig::*;
use crate::frame::{RxChecksum, RxMeta, TxChecksum};
use crate::wire::checksum::Sum;
use crate::wire::ipv4::IpProtocol;
use crate::{Capabilities, Config, ConnectOptions, DropReason, TxBatch, Verdict};

/// A rig whose device completes checksums.
fn offloading() -> Rig {
    let capabilities = Capabilities { tx_checksum: true, rx_checksum: true, ..Capabilities::plain(1500) };
    let mut rig = Rig::with(Config::default(), capabilities);
    rig.introduce_peer();
    rig
}

fn batch(rig: &mut Rig) -> TxBatch {
    let mut batch = TxBatch::new();
    while rig.stack.poll_transmit(rig.now, rig.interface, &mut batch) > 0 {}
    batch
}

/// What is left for the device: the field holds the pseudo-header's sum, folded and not inverted.
#[rstest]
#[case::udp_v4("192.0.2.1:7", "0.0.0.0:5000", 14 + 20)]
#[case::udp_v6("[2001:db8::1]:7", "[::]:5000", 14 + 40)]
fn a_datagrams_checksum_is_left_to_the_device(#[case] to: &str, #[case] local: &str, #[case] start: u16) {
    let mut rig = offloading();
    let handle = rig.udp_bind(local);
    rig.udp_send(handle, b"hello", to).unwrap();
    let batch = batch(&mut rig);
    assert_eq!(batch.items[0].checksum, TxChecksum::Partial { start, offset: 6 });
    let pseudo_header = if to.starts_with('[') {
        Sum::pseudo_header_v6(OUR_V6, PEER_V6, IpProtocol::UDP, 13)
    } else {
        Sum::pseudo_header_v4(OUR_V4, PEER_V4, IpProtocol::UDP, 13)
    };
    let field = usize::from(start) + 6;
    assert_eq!(batch.heads()[field..field + 2], pseudo_header.fold().to_be_bytes());
}

#[test]
fn a_segments_checksum_is_left_to_the_device() {
    let mut rig = offloading();
    rig.stack.tcp_connect(rig.now, socket("192.0.2.1:7"), ConnectOptions::default()).unwrap();
    let batch = batch(&mut rig);
    assert_eq!(batch.items[0].checksum, TxChecksum::Partial { start: 34, offset: 16 });
    let len = batch.heads().len() - 34;
    let pseudo_header = Sum::pseudo_header_v4(OUR_V4, PEER_V4, IpProtocol::TCP, len);
    assert_eq!(batch.heads()[50..52], pseudo_header.fold().to_be_bytes());
}

/// The IPv4 header's checksum, and ICMP's, are always the stack's own.
#[test]
fn icmp_is_complete() {
    let mut rig = offloading();
    let _ = rig.receive_packet(&echo_request(PEER_V4.into(), OUR_V4.into(), 8));
    let _ = rig.receive_packet(&echo_request(PEER_V6.into(), OUR_V6.into(), 8));
    let complete: Vec<bool> =
        batch(&mut rig.clone()).items.iter().map(|item| item.checksum == TxChecksum::Complete).collect();
    assert_eq!(complete, [true, true]);
    insta::assert_snapshot!(rig.sent(), @r"
    > 192.0.2.2 > 192.0.2.1 icmp echo reply id 7 seq 1 (8)
    > 2001:db8::2 > 2001:db8::1 icmp6 echo reply id 7 seq 1 (8)
    ");
}

#[rstest]
#[case::nobody_vouches(RxChecksum::Unverified, Verdict::Dropped(DropReason::UdpChecksum))]
#[case::the_device_vouches(RxChecksum::Verified, Verdict::Accepted)]
#[case::the_sender_left_it_to_its_device(RxChecksum::Partial { start: 34, offset: 6 }, Verdict::Accepted)]
fn a_wrong_field_counts_only_if_nobody_vouches(#[case] checksum: RxChecksum, #[case] verdict: Verdict) {
    let mut rig = offloading();
    rig.udp_bind("0.0.0.0:7");
    let mut packet = udp_packet(socket("192.0.2.1:1000"), socket("192.0.2.2:7"), b"hello");
    packet[26] ^= 0x55;
    let frame = ethernet(OUR_MAC, PEER_MAC, &packet);
    assert_eq!(rig.receive_with(&frame, RxMeta { checksum, segment_size: None }), verdict);
}

/// A device that vouches for the transport has not looked at the IPv4 header, nor does it make a
/// missing checksum legal over IPv6.
#[test]
fn what_the_device_cannot_vouch_for() {
    let meta = RxMeta { checksum: RxChecksum::Verified, segment_size: None };
    let mut rig = offloading();
    rig.udp_bind("0.0.0.0:7");
    rig.udp_bind("[::]:7");
    let mut packet = udp_packet(socket("192.0.2.1:1000"), socket("192.0.2.2:7"), b"hello");
    packet[8] -= 1;
    assert_eq!(
        rig.receive_with(&ethernet(OUR_MAC, PEER_MAC, &packet), meta),
        Verdict::Dropped(DropReason::Ipv4Checksum)
    );
    let mut packet = udp_packet(socket("[2001:db8::1]:1000"), socket("[2001:db8::2]:7"), b"hello");
    packet[46..48].fill(0);
    assert_eq!(
        rig.receive_with(&ethernet(OUR_MAC, PEER_MAC, &packet), meta),
        Verdict::Dropped(DropReason::UdpChecksum)
    );
}

/// Segments that the device has merged are longer than the MTU.
#[test]
fn a_merged_frame_is_accepted_whole() {
    let mut rig = offloading();
    let long = echo_request(PEER_V4.into(), OUR_V4.into(), 4000);
    let frame = ethernet(OUR_MAC, PEER_MAC, &long);
    let merged = RxMeta { checksum: RxChecksum::Verified, segment_size: core::num::NonZeroU16::new(1460) };
    assert_eq!(rig.receive_with(&frame, RxMeta::default()), Verdict::Dropped(DropReason::FrameTooLong));
    assert_eq!(rig.receive_with(&frame, merged), Verdict::Accepted);
    // No device is handed a frame beyond its MTU, whatever the request was.
    let lens: Vec<usize> = rig.frames().iter().map(Vec::len).collect();
    assert_eq!(lens, [1514, 1514, 14 + 20 + 1048]);
}
