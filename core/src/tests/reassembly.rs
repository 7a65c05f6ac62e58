//! Fragments received (RFC 791, 815, 1122 section 3.3.2, 1858, 5722, 6946, 6980, 7112, 8200 section 4.5).

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use rstest::rstest;

use super::fragment::{cut, joined, part};
use super::rig::*;
use crate::wire::ethernet::EthernetAddress;
use crate::wire::ipv4::IpProtocol;
use crate::{DropReason, Duration, InterfaceAddress, Limits, Verdict};

const V4: (IpAddr, IpAddr) = (IpAddr::V4(PEER_V4), IpAddr::V4(OUR_V4));
const V6: (IpAddr, IpAddr) = (IpAddr::V6(PEER_V6), IpAddr::V6(OUR_V6));
const ACCEPTED: Verdict = Verdict::Accepted;

fn rig() -> Rig {
    let mut rig = Rig::new();
    rig.introduce_peer();
    rig
}

fn dropped(reason: DropReason) -> Verdict {
    Verdict::Dropped(reason)
}

/// A ping of 3,000 bytes of data in three fragments.
fn ping((peer, us): (IpAddr, IpAddr), id: u32) -> Vec<Vec<u8>> {
    let fragments = cut(&echo_request(peer, us, 3000), id, 1448);
    assert_eq!(fragments.len(), 3);
    fragments
}

fn receive_all<'a>(rig: &mut Rig, fragments: impl IntoIterator<Item = &'a Vec<u8>>) -> Vec<Verdict> {
    fragments.into_iter().map(|fragment| rig.receive_packet(fragment)).collect()
}

#[rstest]
fn in_any_order(
    #[values([0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0])] order: [usize; 3],
    #[values(V4, V6)] hosts: (IpAddr, IpAddr),
) {
    let mut rig = rig();
    let fragments = ping(hosts, 77);
    assert_eq!(receive_all(&mut rig, order.map(|at| &fragments[at])), [ACCEPTED; 3]);
    let reply = joined(&rig.frames());
    let request = echo_request(hosts.0, hosts.1, 3000);
    assert_eq!(reply[reply.len() - 3000..], request[request.len() - 3000..]);
    assert_eq!((rig.counter("ip.fragments_received"), rig.counter("ip.reassembled")), (3, 1));
    assert_eq!(rig.stack.reassembly().count(), 0);
    assert_eq!(rig.stack.queue_depths().reassembly, 0);
}

#[test]
fn the_answers_to_a_large_ping() {
    let mut rig = rig();
    let mut answer = |hosts| {
        receive_all(&mut rig, &ping(hosts, 77));
        rig.sent()
    };
    let ipv4 = answer(V4);
    let id = ipv4.split(' ').nth(6).unwrap().to_string();
    insta::assert_snapshot!(ipv4.replace(&id, "ID"), @"
    > 192.0.2.2 > 192.0.2.1 fragment id ID offset 0 more icmp (1480)
    > 192.0.2.2 > 192.0.2.1 fragment id ID offset 1480 more icmp (1480)
    > 192.0.2.2 > 192.0.2.1 fragment id ID offset 2960 icmp (48)
    ");
    let ipv6 = answer(V6);
    let id = ipv6.split(' ').nth(6).unwrap().to_string();
    insta::assert_snapshot!(ipv6.replace(&id, "ID"), @"
    > 2001:db8::2 > 2001:db8::1 fragment id ID offset 0 more icmp6 (1448)
    > 2001:db8::2 > 2001:db8::1 fragment id ID offset 1448 more icmp6 (1448)
    > 2001:db8::2 > 2001:db8::1 fragment id ID offset 2896 icmp6 (112)
    ");
}

/// The largest that `ping -s` sends in practice; 45 fragments and more each way.
#[rstest]
#[case::v4(V4, 65_507)]
#[case::v6(V6, 65_527)]
fn the_largest_ping(#[case] hosts: (IpAddr, IpAddr), #[case] len: usize) {
    let mut rig = rig();
    let request = echo_request(hosts.0, hosts.1, len);
    for fragment in cut(&request, 9, 1448) {
        assert_eq!(rig.receive_packet(&fragment), ACCEPTED);
    }
    let reply = joined(&rig.frames());
    assert_eq!(reply.len(), request.len());
    assert_eq!(reply[reply.len() - len..], request[request.len() - len..]);
}

#[rstest]
#[case::v4(V4, "0.0.0.0:7", 65_507)]
#[case::v6(V6, "[::]:7", 65_527)]
fn the_largest_datagram(#[case] (peer, us): (IpAddr, IpAddr), #[case] local: &str, #[case] len: usize) {
    let mut rig = rig();
    let handle = rig.udp_bind(local);
    let data: Vec<u8> = (0..len).map(|at| (at / 251) as u8).collect();
    let packet = udp_packet((peer, 9).into(), (us, 7).into(), &data);
    for fragment in cut(&packet, 9, 1448).iter().rev() {
        assert_eq!(rig.receive_packet(fragment), ACCEPTED);
    }
    let received = rig.stack.udp(handle).unwrap().recv().unwrap();
    assert!(received.data == data);
}

/// RFC 8200 section 4.5: exact duplicates may be dropped while the others are kept.
#[rstest]
fn exact_duplicates_are_ignored(#[values(V4, V6)] hosts: (IpAddr, IpAddr), #[values(0, 1, 2)] which: usize) {
    let mut rig = rig();
    let fragments = ping(hosts, 77);
    let others: Vec<_> = (0..3).filter(|at| *at != which).collect();
    assert_eq!(rig.receive_packet(&fragments[which]), ACCEPTED);
    assert_eq!(rig.receive_packet(&fragments[others[0]]), ACCEPTED);
    let before = rig.stack.reassembly().next();
    assert_eq!(rig.receive_packet(&fragments[which]), dropped(DropReason::FragmentDuplicate));
    assert_eq!(rig.stack.reassembly().next(), before);
    assert_eq!(rig.receive_packet(&fragments[others[1]]), ACCEPTED);
    assert_eq!(rig.counter("ip.reassembled"), 1);
}

/// What comes after 0..1448 and the last fragment 2896..3008, as (offset, length, more).
#[rstest]
#[case::the_end_of_another((1440, 800, true))]
#[case::the_start_of_another((2096, 808, true))]
#[case::inside_another((8, 16, true))]
#[case::around_the_last((2888, 128, true))]
#[case::the_same_place_with_other_data((0, 1448, true))]
#[case::beyond_the_end((3008, 8, true))]
#[case::another_end((1448, 8, false))]
#[case::an_end_further_out((3008, 8, false))]
#[case::more_where_the_end_is((2896, 112, true))]
fn any_other_overlap_gives_the_packet_up(
    #[case] (offset, len, more): (usize, usize, bool),
    #[values(V4, V6)] hosts: (IpAddr, IpAddr),
) {
    let mut rig = rig();
    let packet = echo_request(hosts.0, hosts.1, 4000);
    let fragments = ping(hosts, 77);
    assert_eq!(receive_all(&mut rig, [&fragments[0], &fragments[2]]), [ACCEPTED; 2]);
    let mut intruder = part(&packet, 77, offset..offset + len, more);
    let last = intruder.len() - 1;
    intruder[last] ^= 0x55;
    assert_eq!(rig.receive_packet(&intruder), dropped(DropReason::FragmentOverlap));
    let late = rig.receive_packet(&fragments[1]);
    if hosts == V4 {
        // 16 bits of identification come round soon: it may be another packet's.
        assert_eq!(late, ACCEPTED);
    } else {
        // RFC 5722 section 4: "including those not yet received, MUST be silently discarded".
        assert_eq!(late, dropped(DropReason::FragmentGivenUp));
        assert_eq!(rig.stack.reassembly().next().map(|entry| (entry.fragments, entry.bytes)), Some((0, 0)));
    }
    assert_eq!(rig.pass(Duration::from_mins(1)), "", "no ICMP error about an overlap");
    assert_eq!(rig.stack.reassembly().count(), 0);
    assert_eq!(receive_all(&mut rig, &fragments), [ACCEPTED; 3]);
    assert_eq!(rig.counter("ip.reassembled"), 1);
}

/// RFC 1122 section 3.3.2, RFC 8200 section 4.5: 60 s from the first that arrived; the source is told
/// if the fragment at offset 0 is among them.
#[test]
fn a_minute_for_all_of_them() {
    let late = |hosts, which: [usize; 2]| {
        let mut rig = rig();
        let fragments = ping(hosts, 77);
        let start = rig.now;
        assert_eq!(rig.receive_packet(&fragments[which[0]]), ACCEPTED);
        rig.now += Duration::from_secs(59);
        assert_eq!(rig.receive_packet(&fragments[which[1]]), ACCEPTED);
        assert_eq!(rig.stack.poll_timeout().map(|wakeup| wakeup.at), Some(start + Duration::from_mins(1)));
        let told = rig.pass(Duration::from_secs(2));
        assert_eq!(rig.drops(DropReason::ReassemblyTimeout), 1);
        assert_eq!(rig.stack.queue_depths().reassembly, 0);
        told
    };
    insta::assert_snapshot!(late(V4, [0, 2]), @"+1000ms > 192.0.2.2 > 192.0.2.1 icmp reassembly time exceeded [192.0.2.1 > 192.0.2.2 icmp (1448)]");
    assert_eq!(late(V4, [2, 1]), "");
    insta::assert_snapshot!(late(V6, [1, 0]), @"+1000ms > 2001:db8::2 > 2001:db8::1 icmp6 reassembly time exceeded [2001:db8::1 > 2001:db8::2 icmp6 (1448)]");
    assert_eq!(late(V6, [2, 1]), "");
}

/// RFC 1122 section 3.2.2: no error about what was sent to many.
#[test]
fn nobody_is_told_of_a_broadcast_that_stayed_incomplete() {
    let mut rig = rig();
    let to_all = cut(&echo_request(PEER_V4.into(), Ipv4Addr::BROADCAST.into(), 3000), 1, 1448);
    let frame = ethernet(EthernetAddress::BROADCAST, PEER_MAC, &to_all[0]);
    assert_eq!(rig.receive(&frame), ACCEPTED);
    assert_eq!(rig.pass(Duration::from_secs(61)), "");
    assert_eq!((rig.drops(DropReason::ReassemblyTimeout), rig.drops(DropReason::NoAnswerOwed)), (1, 1));
}

#[test]
fn the_time_is_an_option() {
    let config = crate::Config { reassembly_timeout: Duration::from_secs(5), ..crate::Config::default() };
    let mut rig = Rig::with(config, crate::Capabilities::plain(1500));
    rig.introduce_peer();
    let _ = rig.receive_packet(&ping(V4, 1)[0]);
    assert!(
        rig.pass(Duration::from_secs(5)).starts_with("+5000ms > 192.0.2.2 > 192.0.2.1 icmp reassembly time exceeded")
    );
}

/// A fragment alone, as (offset, length, more): what becomes of it and what its source is told.
#[rstest]
#[case::v4_odd_length(V4, (0, 1001, true), DropReason::FragmentLength, "icmp parameter problem pointer 2")]
#[case::v4_odd_length_later(V4, (8, 1001, true), DropReason::FragmentLength, "")]
#[case::v4_no_data(V4, (8, 0, true), DropReason::FragmentLength, "")]
#[case::v4_no_data_first(V4, (0, 0, true), DropReason::FragmentLength, "")]
#[case::v4_no_data_last(V4, (8, 0, false), DropReason::FragmentLength, "")]
#[case::v4_too_long(V4, (65_512, 8, false), DropReason::FragmentTooLong, "")]
#[case::v6_odd_length(V6, (0, 1001, true), DropReason::FragmentLength, "icmp6 erroneous header field at 4")]
#[case::v6_odd_length_later(V6, (8, 1001, true), DropReason::FragmentLength, "icmp6 erroneous header field at 4")]
#[case::v6_no_data(V6, (8, 0, true), DropReason::FragmentLength, "")]
#[case::v6_too_long(V6, (65_528, 8, false), DropReason::FragmentTooLong, "icmp6 erroneous header field at 42")]
fn refused(
    #[case] hosts: (IpAddr, IpAddr),
    #[case] (offset, len, more): (usize, usize, bool),
    #[case] reason: DropReason,
    #[case] answer: &str,
) {
    let mut rig = rig();
    let mut packet = echo_request(hosts.0, hosts.1, 2000);
    packet.resize(66_000, 0);
    assert_eq!(rig.receive_packet(&part(&packet, 7, offset..offset + len, more)), dropped(reason));
    let sent = rig.sent();
    if answer.is_empty() {
        assert_eq!(sent, "");
    } else {
        assert!(sent.starts_with(&format!("> {} > {} {answer} [", hosts.1, hosts.0)), "{sent}");
    }
    assert_eq!((rig.stack.reassembly().count(), rig.counter("ip.fragments_received")), (0, 0));
}

/// Each fragment fits 65,535 bytes with the headers it has; with the first one's options the packet does not.
#[test]
fn too_long_only_once_it_is_whole() {
    let mut rig = rig();
    let mut packet = echo_request(PEER_V4.into(), OUR_V4.into(), 65_507);
    let fragments = cut(&packet, 7, 1448);
    for fragment in &fragments[1..] {
        assert_eq!(rig.receive_packet(fragment), ACCEPTED);
    }
    // A no-operation option of four bytes in front.
    packet.truncate(1468);
    packet[0] = 0x46;
    packet.splice(20..20, [1, 1, 1, 0]);
    let first = part(&packet, 7, 0..1448, true);
    assert_eq!(rig.receive_packet(&first), dropped(DropReason::FragmentTooLong));
    assert_eq!(rig.stack.reassembly().count(), 0);
}

/// RFC 7112 section 5: all headers through the upper layer's are in the first fragment, or it is not taken.
#[rstest]
#[case::no_upper_layer(60, &[6, 0, 1, 4, 0, 0, 0, 0], false)]
#[case::half_an_options_header(60, &[6, 1, 1, 4, 0, 0, 0, 0], false)]
#[case::half_a_tcp_header(6, &[0; 16], false)]
#[case::tcp_without_its_options(6, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], false)]
#[case::tcp(6, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], true)]
#[case::udp(17, &[0; 8], true)]
#[case::udp_behind_options(60, &[17, 0, 1, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], true)]
#[case::nothing_behind(59, &[0; 8], true)]
fn the_whole_header_chain(#[case] next: u8, #[case] data: &[u8], #[case] taken: bool) {
    let mut rig = rig();
    let packet = ipv6_packet(PEER_V6, OUR_V6, IpProtocol(next), data);
    let verdict = rig.receive_packet(&part(&packet, 7, 0..data.len(), true));
    if taken {
        assert_eq!((verdict, rig.sent().as_str()), (ACCEPTED, ""));
    } else {
        assert_eq!(verdict, dropped(DropReason::FragmentHeaderChain));
        let told = "> 2001:db8::2 > 2001:db8::1 icmp6 incomplete header chain [2001:db8::1 > 2001:db8::2 ";
        let sent = rig.sent();
        assert!(sent.starts_with(told), "{sent}");
    }
}

/// RFC 1858 section 3, RFC 3128: no segment's header is split, so that nobody who filters by ports and
/// flags is passed by; and what one fragment said no other rewrites.
#[rstest]
#[case::a_tiny_first((0, 16, true), DropReason::FragmentTiny)]
#[case::a_second_with_the_flags((8, 64, true), DropReason::FragmentTiny)]
#[case::a_second_with_the_window((16, 64, true), DropReason::FragmentTiny)]
#[case::a_second_that_rewrites_them((0, 32, true), DropReason::FragmentOverlap)]
fn segments_in_tiny_fragments(#[case] (offset, len, more): (usize, usize, bool), #[case] reason: DropReason) {
    let mut rig = rig();
    let segment =
        tcp_packet(socket("192.0.2.1:1000"), socket("192.0.2.2:80"), "P. 1:201(200) ack 1 win 1000", &[1; 200]);
    if reason == DropReason::FragmentOverlap {
        assert_eq!(rig.receive_packet(&part(&segment, 7, 0..64, true)), ACCEPTED);
    }
    let attack = part(&segment, 7, offset..offset + len, more);
    assert_eq!(rig.receive_packet(&attack), dropped(reason));
    assert_eq!(rig.sent(), "");
}

/// RFC 6946 section 4: an atomic fragment has nothing to do with others of its identification.
#[test]
fn an_atomic_fragment_is_alone() {
    let mut rig = rig();
    let fragments = ping(V6, 77);
    assert_eq!(receive_all(&mut rig, &fragments[..2]), [ACCEPTED; 2]);
    let small = echo_request(PEER_V6.into(), OUR_V6.into(), 16);
    assert_eq!(rig.receive_packet(&part(&small, 77, 0..24, false)), ACCEPTED);
    insta::assert_snapshot!(rig.sent(), @"> 2001:db8::2 > 2001:db8::1 icmp6 echo reply id 7 seq 1 (16)");
    assert_eq!(rig.stack.reassembly().next().map(|entry| entry.fragments), Some(2));
    assert_eq!(rig.receive_packet(&fragments[2]), ACCEPTED);
    assert_eq!(rig.counter("ip.reassembled"), 1);
}

/// RFC 6980 section 5: Neighbor Discovery never comes in fragments, not even in one.
#[rstest]
#[case::in_two(16)]
#[case::in_one(32)]
fn neighbor_discovery_in_fragments(#[case] size: usize) {
    let mut rig = rig();
    let stranger = "2001:db8::99".parse().unwrap();
    let frame = neighbor_solicitation(stranger, OUR_V6, Some(PEER_MAC));
    let station = EthernetAddress::multicast_v6(crate::wire::ndp::solicited_node(OUR_V6));
    let verdicts: Vec<_> =
        cut(&frame[14..], 7, size).iter().map(|part| rig.receive(&ethernet(station, PEER_MAC, part))).collect();
    assert_eq!(verdicts.last(), Some(&dropped(DropReason::NdpInvalid)));
    assert_eq!(rig.sent(), "");
    assert_eq!(rig.neighbor("2001:db8::99"), None);
}

/// The packet that two fragments make has a fragment header itself: reassembly ends there.
#[rstest]
#[case::of_a_fragment([0, 1])]
#[case::of_the_whole([0, 0])]
fn a_fragment_in_fragments(#[case] offset_more: [u8; 2]) {
    let mut rig = rig();
    let inner = [&[58, 0, offset_more[0], offset_more[1], 0, 0, 0, 9][..], &[0; 40]].concat();
    let packet = ipv6_packet(PEER_V6, OUR_V6, IpProtocol::FRAGMENT, &inner);
    assert_eq!(rig.receive_packet(&part(&packet, 7, 0..24, true)), ACCEPTED);
    assert_eq!(rig.receive_packet(&part(&packet, 7, 24..48, false)), dropped(DropReason::FragmentNested));
    assert_eq!((rig.sent().as_str(), rig.stack.reassembly().count()), ("", 0));
}

/// RFC 8200 section 4.5: what stands before the fragment header stays, and its last next-header field
/// names what the fragment header named.
#[test]
fn headers_before_the_fragment_header() {
    let mut rig = rig();
    let request = echo_request(PEER_V6.into(), OUR_V6.into(), 100);
    let with_headers = |fragment: Vec<u8>| {
        let mut packet = fragment;
        let destination = [44, 0, 1, 4, 0, 0, 0, 0];
        let hop_by_hop = [60, 0, 1, 4, 0, 0, 0, 0];
        packet[6] = 0;
        packet.splice(40..40, [hop_by_hop, destination].concat());
        packet[5] += 16;
        packet
    };
    assert_eq!(rig.receive_packet(&part(&request, 7, 64..108, false)), ACCEPTED);
    assert_eq!(rig.receive_packet(&with_headers(part(&request, 7, 0..64, true))), ACCEPTED);
    insta::assert_snapshot!(rig.sent(), @"> 2001:db8::2 > 2001:db8::1 icmp6 echo reply id 7 seq 1 (100)");
}

/// Addresses, protocol (in IPv4) and identification make a packet (RFC 791 section 3.2).
#[rstest]
#[case::another_identification(V4, |fragment: &mut Vec<u8>| fragment[5] ^= 1)]
#[case::another_source(V4, |fragment: &mut Vec<u8>| fragment[15] ^= 8)]
#[case::another_protocol(V4, |fragment: &mut Vec<u8>| fragment[9] = 17)]
#[case::another_identification_6(V6, |fragment: &mut Vec<u8>| fragment[47] ^= 1)]
#[case::another_source_6(V6, |fragment: &mut Vec<u8>| fragment[23] ^= 8)]
fn of_different_packets(#[case] hosts: (IpAddr, IpAddr), #[case] change: fn(&mut Vec<u8>)) {
    let mut rig = rig();
    let mut fragments = ping(hosts, 77);
    change(&mut fragments[2]);
    crate::wire::ipv4::fill_checksum(if hosts == V4 { &mut fragments[2] } else { &mut [] });
    assert_eq!(receive_all(&mut rig, &fragments), [ACCEPTED; 3]);
    assert_eq!((rig.stack.reassembly().count(), rig.sent().as_str()), (2, ""));
}

/// RFC 8200 section 4.5: the next header is the first fragment's to say.
#[test]
fn other_next_headers_in_later_fragments() {
    let mut rig = rig();
    let mut fragments = ping(V6, 77);
    fragments[1][40] = 6;
    fragments[2][40] = 17;
    receive_all(&mut rig, &fragments);
    assert_eq!(rig.counter("icmp.echo_replies_sent") + rig.frames().len() as u64, 3);
}

mod limits {
    use super::*;

    fn limited(limits: Limits) -> Rig {
        let mut rig = Rig::limited(limits);
        rig.introduce_peer();
        rig
    }

    #[rstest]
    #[case::fragments(256, 128)]
    #[case::small_fragments(248, 64)]
    fn per_packet(#[case] size: usize, #[case] most: usize, #[values(V4, V6)] hosts: (IpAddr, IpAddr)) {
        let mut rig = limited(Limits::default());
        let fragments = cut(&echo_request(hosts.0, hosts.1, 65_000), 7, size);
        let verdicts = receive_all(&mut rig, &fragments[..=most]);
        assert_eq!(verdicts[..most], [ACCEPTED; 128][..most]);
        assert_eq!(verdicts[most], dropped(DropReason::FragmentLimit));
        assert_eq!(rig.stack.reassembly().map(|entry| entry.fragments).sum::<usize>(), 0);
    }

    /// A quarter for one source; its oldest make room, nobody else's.
    #[rstest]
    fn per_source(#[values(V4, V6)] hosts: (IpAddr, IpAddr)) {
        let limits = Limits { reassembly: 64 * 1024, ..Limits::default() };
        let mut rig = limited(limits);
        let others = match hosts.0 {
            IpAddr::V4(_) => ("192.0.2.9".parse().unwrap(), hosts.1),
            IpAddr::V6(_) => ("2001:db8::9".parse().unwrap(), hosts.1),
        };
        let _ = rig.receive_packet(&ping(others, 1)[0]);
        for id in 0..50 {
            rig.now += Duration::from_millis(1);
            assert_eq!(rig.receive_packet(&ping(hosts, id)[0]), ACCEPTED);
            assert!(rig.stack.queue_depths().reassembly <= 16 * 1024 + 2048 + 1024);
        }
        let held: Vec<_> = rig.stack.reassembly().map(|entry| (entry.src, entry.id)).collect();
        assert_eq!(held[0], (others.0, 1));
        let ids: Vec<u32> = held[1..].iter().map(|(_, id)| *id).collect();
        assert_eq!(ids, (50 - ids.len() as u32..50).collect::<Vec<_>>(), "the newest stay");
        assert_eq!(rig.drops(DropReason::ReassemblyEvicted), 50 - ids.len() as u64);
    }

    /// A packet is charged what it holds, rounded up: 320 for its place, then 64 and a multiple of 256 for
    /// each fragment and for the first one's headers.
    #[test]
    fn charged_by_length() {
        let mut rig = limited(Limits::default());
        let fragments = ping(V4, 1);
        let _ = rig.receive_packet(&fragments[1]);
        assert_eq!(rig.stack.queue_depths().reassembly, 320 + 1536 + 64);
        let _ = rig.receive_packet(&fragments[0]);
        assert_eq!(rig.stack.queue_depths().reassembly, 320 + 2 * (1536 + 64) + 320);
    }

    /// From very many sources: four mebibytes in all, the oldest go.
    #[test]
    fn in_all() {
        let mut rig = limited(Limits { reassembly: 256 * 1024, ..Limits::default() });
        for n in 0..400_u32 {
            let source = Ipv4Addr::from_bits(Ipv4Addr::new(198, 51, 100, 0).to_bits() + n);
            assert_eq!(rig.receive_packet(&ping((source.into(), OUR_V4.into()), 1)[0]), ACCEPTED);
            assert!(rig.stack.queue_depths().reassembly <= 256 * 1024);
        }
        let newest = rig.stack.reassembly().last().map(|entry| entry.src);
        assert_eq!(newest, Some(Ipv4Addr::new(198, 51, 101, 143).into()));
        let held = rig.stack.reassembly().count() as u64;
        assert_eq!(held, 256 * 1024 / 2240);
        assert_eq!(rig.drops(DropReason::ReassemblyEvicted), 400 - held);
    }

    /// One packet alone may be larger than its source's share: it goes then, and nothing is left over.
    #[test]
    fn a_packet_that_is_too_large_by_itself() {
        let mut rig = limited(Limits { reassembly: 16 * 1024, ..Limits::default() });
        for fragment in &cut(&echo_request(PEER_V4.into(), OUR_V4.into(), 60_000), 1, 1448) {
            let _ = rig.receive_packet(fragment);
            assert!(rig.stack.queue_depths().reassembly <= 4 * 1024);
        }
        assert_eq!(rig.counter("ip.reassembled"), 0);
        assert!(rig.drops(DropReason::ReassemblyEvicted) > 0);
    }

    /// Who the tiny fragments come from.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Flood {
        PingersAddress,
        OneOther,
        Everywhere,
    }

    fn tiny((peer, us): (IpAddr, IpAddr), flood: Flood, n: u32) -> Vec<u8> {
        let src: IpAddr = match (flood, peer) {
            (Flood::PingersAddress, peer) => peer,
            (Flood::OneOther, IpAddr::V4(_)) => Ipv4Addr::new(192, 0, 2, 66).into(),
            (Flood::OneOther, IpAddr::V6(_)) => "2001:db8::66".parse().unwrap(),
            (Flood::Everywhere, IpAddr::V4(_)) => Ipv4Addr::from_bits(0x0a00_0000 + n).into(),
            (Flood::Everywhere, IpAddr::V6(_)) => {
                Ipv6Addr::from_bits((0x2001_0db8 << 96) + (1 << 80) + u128::from(n)).into()
            }
        };
        let size = 8 + 8 * (n as usize % 30);
        let offset = if n.is_multiple_of(2) { 0 } else { 800 };
        let mut packet = udp_packet((src, 1).into(), (us, 2).into(), &[n as u8; 1400]);
        packet.resize(1600, 0);
        part(&packet, 100_000 + n, offset..offset + size, true)
    }

    /// 3,000-byte pings are answered while 6,000 tiny fragments of other packets arrive, and afterwards,
    /// whoever they are from: here even with many of them between any two fragments of a ping.
    #[rstest]
    fn a_flood_of_tiny_fragments_starves_nobody(
        #[values(V4, V6)] hosts: (IpAddr, IpAddr),
        #[values(Flood::PingersAddress, Flood::OneOther, Flood::Everywhere)] flood: Flood,
    ) {
        let mut rig = limited(Limits::default());
        let (mut n, mut answered) = (0, 0);
        for id in 0..40 {
            for fragment in &ping(hosts, id) {
                for _ in 0..50 {
                    rig.now += Duration::from_micros(10);
                    let _ = rig.receive_packet(&tiny(hosts, flood, n));
                    n += 1;
                }
                let _ = rig.receive_packet(fragment);
            }
            answered += usize::from(rig.frames().len() == 3);
        }
        assert_eq!((n, answered), (6000, 40), "while they arrive");
        for id in 40..60 {
            rig.now += Duration::from_millis(100);
            receive_all(&mut rig, &ping(hosts, id));
            answered += usize::from(rig.frames().len() == 3);
        }
        assert_eq!(answered, 60, "afterwards");
        assert!(rig.stack.queue_depths().reassembly <= 4 << 20);
        rig.now += Duration::from_secs(61);
        while rig.stack.poll_timeout().is_some_and(|wakeup| wakeup.at <= rig.now) {
            rig.stack.handle_timeout(rig.now);
            rig.discard();
        }
        assert_eq!(rig.stack.queue_depths().reassembly, 0);
    }

    /// A hundred ping fragments wait; then come so many tiny ones that they fill everything many times.
    #[test]
    fn tiny_fragments_push_out_each_other_and_nothing_else() {
        let mut rig = limited(Limits::default());
        let pings: Vec<_> = (0..100).map(|id| ping(V4, id)).collect();
        for fragments in &pings {
            assert_eq!(rig.receive_packet(&fragments[0]), ACCEPTED);
        }
        for n in 0..30_000_u32 {
            let flood = if n.is_multiple_of(2) { Flood::PingersAddress } else { Flood::Everywhere };
            assert_eq!(rig.receive_packet(&tiny(V4, flood, n)), ACCEPTED);
        }
        for fragments in &pings {
            assert_eq!(receive_all(&mut rig, &fragments[1..]), [ACCEPTED; 2]);
        }
        assert_eq!(rig.counter("ip.reassembled"), 100);
    }
}

/// Congestion that one fragment met is congestion of the packet (RFC 3168 section 5.3).
#[rstest]
fn congestion_on_a_fragment(#[values(V4, V6)] hosts: (IpAddr, IpAddr)) {
    let mut rig = rig();
    let mut fragments = ping(hosts, 77);
    if hosts == V4 {
        fragments[1][1] |= 3;
        crate::wire::ipv4::fill_checksum(&mut fragments[1]);
    } else {
        fragments[1][1] |= 3 << 4;
    }
    assert_eq!(receive_all(&mut rig, &fragments), [ACCEPTED; 3]);
    assert_eq!(rig.counter("ip.reassembled"), 1);
}

/// Two interfaces, two links: the same addresses on both are two hosts.
#[test]
fn fragments_from_two_links_do_not_meet() {
    let mut rig = rig();
    let capabilities = crate::Capabilities::plain(1500);
    let address = InterfaceAddress::v4(OUR_V4, 24);
    let second = crate::InterfaceConfig::new(EthernetAddress([2, 0, 0, 0, 0, 3]), capabilities, [address]).unverified();
    let second = rig.stack.add_interface(rig.now, second).unwrap();
    let fragments = ping(V4, 77);
    assert_eq!(receive_all(&mut rig, &fragments[..2]), [ACCEPTED; 2]);
    let frame = ethernet(EthernetAddress([2, 0, 0, 0, 0, 3]), PEER_MAC, &fragments[2]);
    assert_eq!(rig.stack.handle_frame(rig.now, second, bytes::Bytes::from(frame).into()), ACCEPTED);
    let held: Vec<_> = rig.stack.reassembly().map(|entry| (entry.interface, entry.fragments)).collect();
    assert_eq!(held, [(rig.interface, 2), (second, 1)]);
}
