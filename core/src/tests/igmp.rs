//! IGMP as a host speaks it (RFC 3376 sections 4 to 7; RFC 2236 and RFC 1112 with older queriers).

use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use rstest::rstest;

use super::rig::*;
use crate::socket::SourceFilter;
use crate::wire::ethernet::EthernetAddress;
use crate::wire::igmp;
use crate::wire::ipv4::{IpProtocol, Ipv4Header};
use crate::{Capabilities, Config, DropReason, Seed, UdpHandle, Verdict};

const GROUP: Ipv4Addr = Ipv4Addr::new(233, 252, 0, 1);
const ALL_HOSTS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);

fn source(n: u8) -> IpAddr {
    IpAddr::from([198, 51, 100, n])
}

/// An IGMP packet from the router, with Router Alert or without.
fn packet(src: Ipv4Addr, dst: Ipv4Addr, alert: bool, mut message: Vec<u8>) -> Vec<u8> {
    igmp::fill_checksum(&mut message);
    let header = Ipv4Header {
        tos: 0xc0,
        payload_len: message.len() as u16,
        id: 0,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        ttl: 1,
        protocol: IpProtocol::IGMP,
        src,
        dst,
    };
    let mut packet = Vec::new();
    header.emit_with_options(if alert { &igmp::ROUTER_ALERT } else { &[] }, &mut packet);
    packet.extend(message);
    ethernet(EthernetAddress::multicast_v4(dst), PEER_MAC, &packet)
}

/// A query of IGMPv3: `code` is the maximum response code, in tenths of a second below 128.
fn query(group: Ipv4Addr, code: u8, sources: &[IpAddr]) -> Vec<u8> {
    let mut message = vec![0x11, code, 0, 0];
    message.extend(group.octets());
    message.extend([2, 125, 0, sources.len() as u8]);
    for source in sources {
        let IpAddr::V4(source) = source else { panic!("IPv4") };
        message.extend(source.octets());
    }
    message
}

fn older(kind: u8, code: u8, group: Ipv4Addr) -> Vec<u8> {
    [&[kind, code, 0, 0][..], &group.octets()].concat()
}

fn ask(rig: &mut Rig, message: Vec<u8>) -> Verdict {
    let about = Ipv4Addr::from(<[u8; 4]>::try_from(&message[4..8]).unwrap());
    let dst = if about.is_unspecified() { ALL_HOSTS } else { about };
    rig.receive(&packet(PEER_V4, dst, true, message))
}

fn set(rig: &mut Rig, handle: UdpHandle, group: Ipv4Addr, filter: SourceFilter) {
    let now = rig.now;
    rig.stack.udp(handle).unwrap().listen_to_group(now, None, group.into(), filter).unwrap();
}

fn include(sources: &[u8]) -> SourceFilter {
    SourceFilter::include(sources.iter().map(|n| source(*n)))
}

fn exclude(sources: &[u8]) -> SourceFilter {
    SourceFilter::exclude(sources.iter().map(|n| source(*n)))
}

fn new_rig() -> Rig {
    Rig::telling(Config { checks: true, ..Config::default() }, Capabilities::plain(1500))
}

/// A stack with a socket that listens to the group with `filter`, of which routers have been told.
fn member(filter: SourceFilter) -> (Rig, UdpHandle) {
    let mut rig = new_rig();
    let handle = rig.udp_bind("0.0.0.0:5000");
    set(&mut rig, handle, GROUP, filter);
    rig.pass(Duration::from_secs(2));
    (rig, handle)
}

#[test]
fn a_join_and_a_leave_are_told_twice() {
    let mut rig = new_rig();
    let handle = rig.udp_bind("0.0.0.0:5000");
    let now = rig.now;
    rig.stack.udp(handle).unwrap().join_group(now, None, GROUP.into()).unwrap();
    insta::assert_snapshot!(rig.pass(Duration::from_secs(2)), @r"
    +0ms > 192.0.2.2 > 224.0.0.22 igmp3 report to_ex 233.252.0.1 {}
    +769ms > 192.0.2.2 > 224.0.0.22 igmp3 report to_ex 233.252.0.1 {}
    ");
    let now = rig.now;
    rig.stack.udp(handle).unwrap().leave_group(now, None, GROUP.into()).unwrap();
    insta::assert_snapshot!(rig.pass(Duration::from_secs(2)), @r"
    +0ms > 192.0.2.2 > 224.0.0.22 igmp3 report to_in 233.252.0.1 {}
    +391ms > 192.0.2.2 > 224.0.0.22 igmp3 report to_in 233.252.0.1 {}
    ");
    assert_eq!(rig.stack.groups().filter(|group| group.group.is_ipv4()).count(), 0);
}

/// RFC 3376 section 4: TTL 1, internetwork control, Router Alert, to the group of the routers.
#[test]
fn a_report_s_headers() {
    let mut rig = new_rig();
    let handle = rig.udp_bind("0.0.0.0:5000");
    set(&mut rig, handle, GROUP, SourceFilter::ALL);
    let frame = rig.frames().remove(0);
    assert_eq!(stations(&frame), (EthernetAddress([1, 0, 0x5e, 0, 0, 0x16]), OUR_MAC));
    let ip = &frame[14..];
    assert_eq!((ip[0], ip[1], ip[8], ip[9]), (0x46, 0xc0, 1, 2));
    assert_eq!(ip[20..24], [148, 4, 0, 0]);
    assert_eq!(ip[24..], [0x22, 0, 0xf0, 0x00, 0, 0, 0, 1, 4, 0, 0, 0, 233, 252, 0, 1]);
}

/// Section 4.2.13: before there is an address, from 0.0.0.0.
#[test]
fn without_an_address() {
    let mut rig = new_rig();
    rig.stack.remove_address(rig.now, rig.interface, OUR_V4.into()).unwrap();
    let handle = rig.udp_bind("0.0.0.0:5000");
    let (now, interface) = (rig.now, rig.interface);
    rig.stack.udp(handle).unwrap().join_group(now, Some(interface), GROUP.into()).unwrap();
    insta::assert_snapshot!(rig.sent(), @"> 0.0.0.0 > 224.0.0.22 igmp3 report to_ex 233.252.0.1 {}");
}

/// Section 5.1, the first table.
#[rstest]
#[case::sources_more_and_less(include(&[1, 2]), include(&[2, 3]), "allow 233.252.0.1 {198.51.100.3}, block 233.252.0.1 {198.51.100.1}")]
#[case::blocked_more_and_less(exclude(&[1, 2]), exclude(&[2, 3]), "allow 233.252.0.1 {198.51.100.1}, block 233.252.0.1 {198.51.100.3}")]
#[case::to_exclude(include(&[1]), exclude(&[2]), "to_ex 233.252.0.1 {198.51.100.2}")]
#[case::to_include(exclude(&[1]), include(&[2]), "to_in 233.252.0.1 {198.51.100.2}")]
#[case::only_more(include(&[1]), include(&[1, 2]), "allow 233.252.0.1 {198.51.100.2}")]
#[case::gone(include(&[1]), SourceFilter::NONE, "block 233.252.0.1 {198.51.100.1}")]
fn state_changes(#[case] before: SourceFilter, #[case] after: SourceFilter, #[case] records: &str) {
    let (mut rig, handle) = member(before);
    set(&mut rig, handle, GROUP, after);
    let sent = rig.pass(Duration::from_secs(2));
    assert_eq!(sent.lines().count(), 2, "{sent}");
    for line in sent.lines() {
        assert!(line.ends_with(&alloc::format!("> 192.0.2.2 > 224.0.0.22 igmp3 report {records}")), "{line}");
    }
}

#[test]
fn what_changes_nothing_is_not_told() {
    let (mut rig, handle) = member(exclude(&[1]));
    set(&mut rig, handle, GROUP, exclude(&[1]));
    let other = rig.udp_bind("0.0.0.0:5001");
    set(&mut rig, other, GROUP, exclude(&[1, 2]));
    assert_eq!(rig.pass(Duration::from_secs(2)), "");
}

/// Section 5.1: a further change is told at once, with what is still to be repeated of the first.
#[test]
fn changes_in_a_row_are_merged() {
    let (mut rig, handle) = member(include(&[1]));
    set(&mut rig, handle, GROUP, include(&[1, 2]));
    insta::assert_snapshot!(rig.sent(), @"> 192.0.2.2 > 224.0.0.22 igmp3 report allow 233.252.0.1 {198.51.100.2}");
    set(&mut rig, handle, GROUP, include(&[2]));
    insta::assert_snapshot!(rig.pass(Duration::from_secs(2)), @r"
    +0ms > 192.0.2.2 > 224.0.0.22 igmp3 report allow 233.252.0.1 {198.51.100.2}, block 233.252.0.1 {198.51.100.1}
    +548ms > 192.0.2.2 > 224.0.0.22 igmp3 report block 233.252.0.1 {198.51.100.1}
    ");
}

/// Section 5.1: while the filter mode is being repeated, changes of sources ride along; the source's own
/// repetitions follow.
#[test]
fn sources_after_a_change_of_mode() {
    let (mut rig, handle) = member(include(&[1]));
    set(&mut rig, handle, GROUP, exclude(&[]));
    insta::assert_snapshot!(rig.sent(), @"> 192.0.2.2 > 224.0.0.22 igmp3 report to_ex 233.252.0.1 {}");
    set(&mut rig, handle, GROUP, exclude(&[3]));
    insta::assert_snapshot!(rig.pass(Duration::from_secs(3)), @r"
    +0ms > 192.0.2.2 > 224.0.0.22 igmp3 report to_ex 233.252.0.1 {198.51.100.3}
    +548ms > 192.0.2.2 > 224.0.0.22 igmp3 report block 233.252.0.1 {198.51.100.3}
    ");
}

/// Section 3.2's own example, told in an answer.
#[test]
fn filters_of_several_sockets_are_merged() {
    let mut rig = new_rig();
    let filters = [exclude(&[1, 2, 3, 4]), exclude(&[2, 3, 4, 5]), include(&[4, 5, 6])];
    let handles = filters.map(|filter| {
        let handle = rig.udp_bind("0.0.0.0:0");
        set(&mut rig, handle, GROUP, filter);
        handle
    });
    let merged =
        |rig: &Rig| rig.stack.groups().find(|group| group.group == IpAddr::V4(GROUP)).map(|group| group.filter);
    assert_eq!(merged(&rig), Some(exclude(&[2, 3])));
    let fourth = rig.udp_bind("0.0.0.0:0");
    set(&mut rig, fourth, GROUP, exclude(&[]));
    assert_eq!(merged(&rig), Some(SourceFilter::ALL));
    for handle in [handles[0], handles[1], fourth] {
        rig.stack.udp_release(handle).unwrap();
    }
    assert_eq!(merged(&rig), Some(include(&[4, 5, 6])));
    rig.stack.udp_release(handles[2]).unwrap();
    assert_eq!(merged(&rig), None);
}

/// Section 5.2: the answer to a general query names every group, within the time that the query gives.
#[rstest]
#[case(1, 100)]
#[case(100, 10_000)]
#[case(0x8f, 24_800)]
fn a_general_query_is_answered_in_time(#[case] code: u8, #[case] most_ms: u64) {
    let (mut rig, handle) = member(SourceFilter::ALL);
    set(&mut rig, handle, Ipv4Addr::new(233, 252, 0, 2), include(&[1, 2]));
    rig.pass(Duration::from_secs(2));
    let asked = rig.now;
    assert_eq!(ask(&mut rig, query(Ipv4Addr::UNSPECIFIED, code, &[])), Verdict::Accepted);
    assert_eq!(rig.sent(), "", "not at once");
    let due = rig.stack.poll_timeout().unwrap().at;
    assert!(due > asked && due.since(asked) <= Duration::from_millis(most_ms));
    rig.run_to(due);
    insta::allow_duplicates! {
        insta::assert_snapshot!(rig.sent(), @"> 192.0.2.2 > 224.0.0.22 igmp3 report is_ex 233.252.0.1 {}, is_in 233.252.0.2 {198.51.100.1,198.51.100.2}");
    }
    assert_eq!(rig.pass(Duration::from_secs(30)), "");
}

/// The delays are drawn: two hosts don't answer as one.
#[test]
fn the_delay_is_random() {
    let delays: Vec<_> = (0..8)
        .map(|_| {
            let (mut rig, _) = member(SourceFilter::ALL);
            rig.stack.reseed(&Seed([9; 32]));
            let _ = ask(&mut rig, query(Ipv4Addr::UNSPECIFIED, 100, &[]));
            rig.stack.poll_timeout().unwrap().at
        })
        .collect();
    assert!(delays.windows(2).all(|pair| pair[0] == pair[1]), "the same seed, the same delay");
    let (mut rig, _) = member(SourceFilter::ALL);
    let mut seen = alloc::collections::BTreeSet::new();
    for _ in 0..16 {
        let asked = rig.now;
        let _ = ask(&mut rig, query(Ipv4Addr::UNSPECIFIED, 100, &[]));
        seen.insert(rig.stack.poll_timeout().unwrap().at.since(asked).as_millis() / 1000);
        rig.pass(Duration::from_secs(11));
    }
    assert!(seen.len() >= 5, "{seen:?}");
}

/// Section 5.2, the table at its end.
#[rstest]
#[case::include(include(&[1, 2]), &[2, 3], "is_in 233.252.0.1 {198.51.100.2}")]
#[case::include_none(include(&[1]), &[2, 3], "")]
#[case::exclude(exclude(&[1, 2]), &[2, 3], "is_in 233.252.0.1 {198.51.100.3}")]
#[case::exclude_all(exclude(&[1, 2]), &[1], "")]
#[case::the_group_include(include(&[1, 2]), &[], "is_in 233.252.0.1 {198.51.100.1,198.51.100.2}")]
#[case::the_group_exclude(exclude(&[1]), &[], "is_ex 233.252.0.1 {198.51.100.1}")]
fn specific_queries(#[case] filter: SourceFilter, #[case] asked: &[u8], #[case] record: &str) {
    let (mut rig, _) = member(filter);
    let asked: Vec<_> = asked.iter().map(|n| source(*n)).collect();
    assert_eq!(ask(&mut rig, query(GROUP, 10, &asked)), Verdict::Accepted);
    let sent = rig.pass(Duration::from_secs(1));
    assert_eq!(sent.split("report ").nth(1).unwrap_or_default(), record);
}

#[test]
fn nothing_to_tell_is_not_told() {
    let mut rig = new_rig();
    assert_eq!(ask(&mut rig, query(Ipv4Addr::UNSPECIFIED, 10, &[])), Verdict::Accepted);
    assert_eq!(rig.stack.poll_timeout(), None);
    let (mut rig, _) = member(SourceFilter::ALL);
    // Of a group that we are not in, the query does not even pass the station's filter.
    let another = Ipv4Addr::new(233, 252, 0, 99);
    assert_eq!(ask(&mut rig, query(another, 10, &[])), Verdict::Dropped(DropReason::EthernetNotOurs));
    assert_eq!(rig.pass(Duration::from_secs(2)), "");
}

/// Section 5.2, rule 1: an answer to a general query that is due sooner says it all.
#[test]
fn a_pending_general_answer_covers_the_rest() {
    let (mut rig, _) = member(exclude(&[1]));
    let _ = ask(&mut rig, query(Ipv4Addr::UNSPECIFIED, 1, &[]));
    let due = rig.stack.poll_timeout().unwrap().at;
    for _ in 0..8 {
        let _ = ask(&mut rig, query(GROUP, 0xff, &[source(2)]));
        let _ = ask(&mut rig, query(Ipv4Addr::UNSPECIFIED, 0xff, &[]));
    }
    assert_eq!(rig.stack.poll_timeout().unwrap().at, due);
    assert_eq!(rig.pass(Duration::from_hours(1)).lines().count(), 1);
}

/// Section 5.2, rules 4 and 5: sources of several queries are answered together, at the earliest of the
/// times; a query about the whole group swallows them.
#[test]
fn answers_about_one_group_are_merged() {
    let (mut rig, _) = member(exclude(&[9]));
    let mut earliest = None;
    for n in [1, 2, 1] {
        let _ = ask(&mut rig, query(GROUP, 100, &[source(n)]));
        let due = rig.stack.poll_timeout().unwrap().at;
        assert!(earliest.is_none_or(|earliest| due <= earliest));
        earliest = Some(due);
    }
    let mut other = rig.clone();
    rig.run_to(earliest.unwrap());
    insta::assert_snapshot!(rig.sent(), @"> 192.0.2.2 > 224.0.0.22 igmp3 report is_in 233.252.0.1 {198.51.100.1,198.51.100.2}");
    assert_eq!(rig.pass(Duration::from_secs(30)), "");

    let _ = ask(&mut other, query(GROUP, 100, &[]));
    let _ = ask(&mut other, query(GROUP, 100, &[source(3)]));
    let sent = other.pass(Duration::from_secs(30));
    assert!(sent.ends_with("report is_ex 233.252.0.1 {198.51.100.9}") && sent.lines().count() == 1, "{sent}");
}

/// Section 9.1: no number of sources in queries makes the host remember more than its limit.
#[test]
fn sources_asked_about_are_limited() {
    let (mut rig, _) = member(exclude(&[9]));
    for first in (0..240).step_by(40) {
        let sources: Vec<_> = (first..first + 40).map(source).collect();
        let _ = ask(&mut rig, query(GROUP, 100, &sources));
    }
    let sent = rig.pass(Duration::from_secs(30));
    assert!(sent.ends_with("report is_ex 233.252.0.1 {198.51.100.9}") && sent.lines().count() == 1, "{sent}");
}

/// Section 9.1, and section 7.1 for lengths: which queries are ignored.
#[rstest]
#[case::no_router_alert(PEER_V4, ALL_HOSTS, false, query(Ipv4Addr::UNSPECIFIED, 10, &[]), false)]
#[case::no_router_alert_v2(PEER_V4, ALL_HOSTS, false, older(0x11, 10, Ipv4Addr::UNSPECIFIED), false)]
#[case::igmpv1_knows_no_router_alert(PEER_V4, ALL_HOSTS, false, older(0x11, 0, Ipv4Addr::UNSPECIFIED), true)]
#[case::general_to_a_group(PEER_V4, GROUP, true, query(Ipv4Addr::UNSPECIFIED, 10, &[]), false)]
#[case::between_the_lengths(PEER_V4, ALL_HOSTS, true, vec![0x11, 10, 0, 0, 0, 0, 0, 0, 2, 125], false)]
#[case::from_nowhere(Ipv4Addr::UNSPECIFIED, ALL_HOSTS, true, query(Ipv4Addr::UNSPECIFIED, 10, &[]), true)]
#[case::about_a_group_to_all(PEER_V4, ALL_HOSTS, true, query(GROUP, 10, &[]), true)]
fn which_queries_are_heard(
    #[case] src: Ipv4Addr,
    #[case] dst: Ipv4Addr,
    #[case] alert: bool,
    #[case] message: Vec<u8>,
    #[case] heard: bool,
) {
    let (mut rig, _) = member(SourceFilter::ALL);
    let verdict = rig.receive(&packet(src, dst, alert, message));
    assert_eq!(verdict, if heard { Verdict::Accepted } else { Verdict::Dropped(DropReason::IgmpInvalid) });
    assert_eq!(rig.pass(Duration::from_secs(11)).is_empty(), !heard);
}

#[test]
fn a_unicast_query_is_heard() {
    let (mut rig, _) = member(SourceFilter::ALL);
    let mut frame = packet(PEER_V4, OUR_V4, true, query(Ipv4Addr::UNSPECIFIED, 10, &[]));
    frame[..6].copy_from_slice(&OUR_MAC.0);
    assert_eq!(rig.receive(&frame), Verdict::Accepted);
    assert_eq!(rig.pass(Duration::from_secs(1)).lines().count(), 1);
}

#[test]
fn a_wrong_checksum_and_others_reports_are_dropped() {
    let (mut rig, _) = member(SourceFilter::ALL);
    let mut frame = packet(PEER_V4, ALL_HOSTS, true, query(Ipv4Addr::UNSPECIFIED, 10, &[]));
    let code = frame.len() - 11;
    frame[code] ^= 1;
    assert_eq!(rig.receive(&frame), Verdict::Dropped(DropReason::IgmpChecksum));
    for message in [older(0x16, 0, GROUP), older(0x12, 0, GROUP), older(0x17, 0, GROUP)] {
        let frame = packet(PEER_V4, GROUP, true, message);
        assert_eq!(rig.receive(&frame), Verdict::Dropped(DropReason::IgmpForRouters));
    }
    let report = [&[0x22, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0][..], &GROUP.octets()].concat();
    assert_eq!(rig.receive(&packet(PEER_V4, GROUP, true, report)), Verdict::Dropped(DropReason::IgmpForRouters));
    let unknown = older(0x13, 0, GROUP);
    assert_eq!(rig.receive(&packet(PEER_V4, GROUP, true, unknown)), Verdict::Dropped(DropReason::IgmpType));
}

/// Section 4.1.6: the querier's robustness variable is ours.
#[test]
fn the_querier_s_robustness_is_adopted() {
    let (mut rig, handle) = member(SourceFilter::ALL);
    let mut message = query(Ipv4Addr::UNSPECIFIED, 1, &[]);
    message[8] = 5;
    assert_eq!(ask(&mut rig, message), Verdict::Accepted);
    rig.pass(Duration::from_secs(1));
    set(&mut rig, handle, GROUP, SourceFilter::NONE);
    assert_eq!(rig.pass(Duration::from_secs(6)).lines().count(), 5);
    let _ = ask(&mut rig, {
        let mut message = query(Ipv4Addr::UNSPECIFIED, 1, &[]);
        message[8] = 0;
        message
    });
    set(&mut rig, handle, GROUP, SourceFilter::ALL);
    assert_eq!(rig.pass(Duration::from_secs(6)).lines().count(), 2, "zero tells nothing: our own again");
}

/// All hosts are in 224.0.0.1 without a word (section 5).
#[test]
fn the_group_of_all_hosts_is_never_reported() {
    let mut rig = new_rig();
    let handle = rig.udp_bind("0.0.0.0:5000");
    set(&mut rig, handle, ALL_HOSTS, SourceFilter::ALL);
    let _ = ask(&mut rig, query(Ipv4Addr::UNSPECIFIED, 10, &[]));
    assert_eq!(rig.pass(Duration::from_secs(2)), "");
    set(&mut rig, handle, ALL_HOSTS, SourceFilter::NONE);
    assert_eq!(rig.pass(Duration::from_secs(2)), "");
}

#[rstest]
#[case(true, 2)]
#[case(false, 0)]
fn groups_of_the_link_are_reported_by_option(#[case] link_local_reports: bool, #[case] reports: usize) {
    let mut config = Config { checks: true, ..Config::default() };
    config.multicast.link_local_reports = link_local_reports;
    let mut rig = Rig::telling(config, Capabilities::plain(1500));
    let handle = rig.udp_bind("0.0.0.0:5353");
    set(&mut rig, handle, Ipv4Addr::new(224, 0, 0, 251), SourceFilter::ALL);
    assert_eq!(rig.pass(Duration::from_secs(2)).lines().count(), reports);
}

/// Many groups at once: ten reports in a second, none lost, the rest later.
#[test]
fn ten_reports_a_second() {
    let mut rig = new_rig();
    rig.pass(Duration::from_secs(1));
    let handle = rig.udp_bind("0.0.0.0:5000");
    let mut sent = Vec::new();
    for n in 0..32 {
        set(&mut rig, handle, Ipv4Addr::new(233, 252, 0, n), SourceFilter::ALL);
        sent.extend(rig.frames().iter().map(|_| rig.now));
    }
    assert_eq!(sent.len(), 10, "the other joins wait");
    let mut told = 0;
    while let Some(wakeup) = rig.stack.poll_timeout() {
        rig.run_to(wakeup.at);
        let line = rig.clone().sent();
        told += line.matches("to_ex").count();
        sent.extend(rig.frames().iter().map(|_| rig.now));
    }
    assert_eq!(told, 32 * 2 - 10);
    for window in sent.windows(11) {
        assert!(window[10].since(window[0]) >= Duration::from_secs(1));
    }
}

/// Section 4.2.16: records are packed up to the MTU.
#[test]
fn answers_fill_packets() {
    let mut rig = Rig::telling(Config { checks: true, ..Config::default() }, Capabilities::plain(1280));
    let handles: Vec<_> = (0..4).map(|_| rig.udp_bind("0.0.0.0:0")).collect();
    for n in 0..200 {
        let filter = include(&[1, 2, 3]);
        set(&mut rig, handles[n / 64], Ipv4Addr::new(233, 252, 1, n as u8), filter);
    }
    rig.pass(Duration::from_secs(30));
    let _ = ask(&mut rig, query(Ipv4Addr::UNSPECIFIED, 10, &[]));
    let due = rig.stack.poll_timeout().unwrap().at;
    rig.run_to(due);
    let frames = rig.frames();
    // 62 records of 20 bytes fit behind 32 bytes of headers.
    assert_eq!(frames.iter().map(Vec::len).collect::<Vec<_>>(), [1286, 1286, 1286, 14 + 32 + 14 * 20]);
}

/// Section 7.2.1, RFC 2236 section 3: with a querier of IGMPv2, reports go to the group, each in its own time.
#[test]
fn igmpv2() {
    let (mut rig, handle) = member(SourceFilter::ALL);
    set(&mut rig, handle, Ipv4Addr::new(233, 252, 0, 2), include(&[1]));
    rig.pass(Duration::from_secs(2));
    let _ = ask(&mut rig, older(0x11, 50, Ipv4Addr::UNSPECIFIED));
    assert_eq!(rig.stack.membership_version(rig.interface, false), Some(2));
    insta::assert_snapshot!(rig.pass(Duration::from_secs(5)), @r"
    +936ms > 192.0.2.2 > 233.252.0.1 igmp2 report 233.252.0.1
    +2146ms > 192.0.2.2 > 233.252.0.2 igmp2 report 233.252.0.2
    ");
    let now = rig.now;
    rig.stack.udp(handle).unwrap().leave_group(now, None, GROUP.into()).unwrap();
    insta::assert_snapshot!(rig.pass(Duration::from_secs(20)), @"+0ms > 192.0.2.2 > 224.0.0.2 igmp2 leave 233.252.0.1");
    set(&mut rig, handle, GROUP, SourceFilter::ALL);
    let sent = rig.pass(Duration::from_secs(20));
    assert!(sent.lines().all(|line| line.ends_with("> 192.0.2.2 > 233.252.0.1 igmp2 report 233.252.0.1")), "{sent}");
    assert_eq!(sent.lines().count(), 2, "at once, and again within ten seconds");
}

/// RFC 1112 appendix I: version 1 has no leaving.
#[test]
fn igmpv1() {
    let (mut rig, handle) = member(SourceFilter::ALL);
    let _ = ask(&mut rig, older(0x11, 0, Ipv4Addr::UNSPECIFIED));
    assert_eq!(rig.stack.membership_version(rig.interface, false), Some(1));
    let asked = rig.now;
    let due = rig.stack.poll_timeout().unwrap().at;
    assert!(due.since(asked) <= Duration::from_secs(10));
    rig.run_to(due);
    insta::assert_snapshot!(rig.sent(), @"> 192.0.2.2 > 233.252.0.1 igmp1 report 233.252.0.1");
    set(&mut rig, handle, GROUP, SourceFilter::NONE);
    assert_eq!(rig.pass(Duration::from_secs(20)), "");
}

/// RFC 2236 section 3: another's report makes ours needless, and his the last, so that he tells the leaving.
#[test]
fn another_s_report_is_enough() {
    let (mut rig, handle) = member(SourceFilter::ALL);
    let _ = ask(&mut rig, older(0x11, 100, Ipv4Addr::UNSPECIFIED));
    assert_eq!(rig.receive(&packet(PEER_V4, GROUP, true, older(0x16, 0, GROUP))), Verdict::Accepted);
    assert_eq!(rig.pass(Duration::from_secs(11)), "");
    set(&mut rig, handle, GROUP, SourceFilter::NONE);
    assert_eq!(rig.pass(Duration::from_secs(11)), "");
    assert_eq!(rig.drops(DropReason::IgmpForRouters), 0);
}

/// RFC 2236 section 3: a timer that runs is shortened, never prolonged.
#[test]
fn igmpv2_queries_in_a_row() {
    let (mut rig, _) = member(SourceFilter::ALL);
    let _ = ask(&mut rig, older(0x11, 10, Ipv4Addr::UNSPECIFIED));
    let first = rig.stack.poll_timeout().unwrap().at;
    let _ = ask(&mut rig, older(0x11, 255, GROUP));
    assert!(rig.stack.poll_timeout().unwrap().at <= first);
    assert_eq!(rig.pass(Duration::from_secs(30)).lines().count(), 1);
}

/// Section 7.2.1, 8.12: robustness times query interval and one response interval after the last query of
/// an older version, IGMPv3 is spoken again; what was pending is cancelled at each change.
#[test]
fn back_to_igmpv3() {
    let (mut rig, handle) = member(SourceFilter::ALL);
    let _ = ask(&mut rig, query(Ipv4Addr::UNSPECIFIED, 100, &[]));
    let _ = ask(&mut rig, older(0x11, 0, Ipv4Addr::UNSPECIFIED));
    let _ = ask(&mut rig, older(0x11, 100, Ipv4Addr::UNSPECIFIED));
    let asked = rig.now;
    let version = |rig: &Rig| rig.stack.membership_version(rig.interface, false);
    assert_eq!(version(&rig), Some(1));
    let sent = rig.pass(Duration::from_secs(200));
    assert!(sent.ends_with("igmp1 report 233.252.0.1") && sent.lines().count() == 1, "{sent}");
    // IGMPv2's last query was as late as IGMPv1's: both are gone at once.
    let until = rig.stack.poll_timeout().unwrap();
    assert_eq!((until.at.since(asked), until.cause), (Duration::from_secs(2 * 125 + 10), crate::Cause::Group));
    rig.run_to(until.at);
    assert_eq!(version(&rig), Some(3));
    set(&mut rig, handle, GROUP, SourceFilter::NONE);
    insta::assert_snapshot!(rig.sent(), @"> 192.0.2.2 > 224.0.0.22 igmp3 report to_in 233.252.0.1 {}");
}

/// Section 7.2.1: a query of IGMPv2 about one group changes no mode.
#[test]
fn a_group_query_of_igmpv2_is_answered_in_igmpv3() {
    let (mut rig, _) = member(SourceFilter::ALL);
    let _ = ask(&mut rig, older(0x11, 10, GROUP));
    assert_eq!(rig.stack.membership_version(rig.interface, false), Some(3));
    let sent = rig.pass(Duration::from_secs(1));
    assert!(sent.ends_with("igmp3 report is_ex 233.252.0.1 {}"), "{sent}");
}

#[test]
fn a_forced_version_stays() {
    let mut config = Config { checks: true, ..Config::default() };
    crate::options::set(&mut config, "multicast.igmp_version", "2").unwrap();
    let mut rig = Rig::telling(config, Capabilities::plain(1500));
    let handle = rig.udp_bind("0.0.0.0:5000");
    set(&mut rig, handle, GROUP, SourceFilter::ALL);
    insta::assert_snapshot!(rig.sent(), @"> 192.0.2.2 > 233.252.0.1 igmp2 report 233.252.0.1");
    let _ = ask(&mut rig, query(Ipv4Addr::UNSPECIFIED, 10, &[]));
    let sent = rig.pass(Duration::from_secs(1));
    assert!(sent.lines().all(|line| line.ends_with("igmp2 report 233.252.0.1")), "{sent}");
}
