//! A multicast router that asks who listens (RFC 3376 sections 6 to 8, RFC 3810 sections 7 to 9, RFC 2236, 2710).
//! What each kind of report does to a group stands in the tests of the machine.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;
use rstest::rstest;

use super::rig::*;
use crate::wire::checksum::Sum;
use crate::wire::ethernet::EthernetAddress;
use crate::wire::ipv4::{IpProtocol, Ipv4Header};
use crate::wire::ipv6::Ipv6Header;
use crate::wire::membership::{Addresses, GroupRecord, Query, RecordKind};
use crate::wire::{icmpv6, igmp, mld};
use crate::{
    Capabilities, Cause, Config, DropReason, InterfaceAddress, InterfaceConfig, Limits, QuerierConfig, Verdict,
};

const GROUP: Ipv4Addr = Ipv4Addr::new(233, 252, 0, 1);
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff0e, 0, 0, 0, 0, 0, 0, 0x1234);
const OUR_LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);
const HOST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);
const HOST_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 9);

fn interface(addresses: &[InterfaceAddress]) -> InterfaceConfig {
    InterfaceConfig::new(OUR_MAC, Capabilities::plain(1500), addresses.iter().copied()).unverified()
}

fn asking(querier: QuerierConfig) -> Config {
    let config = Config { checks: true, querier, ..Config::default() };
    Config { querier: QuerierConfig { enabled: true, ..config.querier }, ..config }
}

fn start(config: Config, addresses: &[InterfaceAddress]) -> Rig {
    Rig::with_interface(config, interface(addresses))
}

/// A router that asks for IGMP alone, its first query sent.
fn igmp_router() -> Rig {
    let mut rig = start(asking(QuerierConfig::default()), &[InterfaceAddress::v4(OUR_V4, 24)]);
    rig.discard();
    rig
}

/// The same for MLD.
fn mld_router() -> Rig {
    let mut rig = start(asking(QuerierConfig::default()), &[InterfaceAddress::v6(OUR_LINK_LOCAL, 64)]);
    rig.discard();
    rig
}

fn igmp_packet(src: Ipv4Addr, dst: Ipv4Addr, ttl: u8, options: &[u8], mut message: Vec<u8>) -> Vec<u8> {
    igmp::fill_checksum(&mut message);
    let header = Ipv4Header {
        tos: 0xc0,
        payload_len: message.len() as u16,
        id: 0,
        dont_fragment: true,
        more_fragments: false,
        fragment_offset: 0,
        ttl,
        protocol: IpProtocol::IGMP,
        src,
        dst,
    };
    let mut packet = Vec::new();
    header.emit_with_options(options, &mut packet);
    packet.extend(message);
    ethernet(EthernetAddress::multicast_v4(dst), PEER_MAC, &packet)
}

fn mld_packet(src: Ipv6Addr, dst: Ipv6Addr, mut message: Vec<u8>) -> Vec<u8> {
    icmpv6::fill_checksum(Sum::pseudo_header_v6(src, dst, IpProtocol::ICMPV6, message.len()), &mut message);
    let mut packet = Vec::new();
    let payload_len = (8 + message.len()) as u16;
    let next_header = IpProtocol::HOP_BY_HOP;
    Ipv6Header { traffic_class: 0, flow_label: 0, payload_len, next_header, hop_limit: 1, src, dst }.emit(&mut packet);
    packet.extend([&mld::ROUTER_ALERT[..], &message].concat());
    ethernet(EthernetAddress::multicast_v6(dst), PEER_MAC, &packet)
}

fn record(kind: RecordKind, group: impl Into<IpAddr>, sources: &[IpAddr]) -> GroupRecord {
    GroupRecord { kind, group: group.into(), sources: sources.to_vec() }
}

/// A host's report of the newest version.
fn report(rig: &mut Rig, record: GroupRecord) -> Verdict {
    let mut message = Vec::new();
    if record.group.is_ipv4() {
        igmp::emit_records(&[record], &mut message);
        rig.receive(&igmp_packet(HOST, igmp::V3_ROUTERS, 1, &igmp::ROUTER_ALERT, message))
    } else {
        mld::emit_records(&[record], &mut message);
        rig.receive(&mld_packet(HOST_V6, mld::V2_ROUTERS, message))
    }
}

fn query(version: u8, group: Option<IpAddr>, suppress: bool) -> Query<'static> {
    Query {
        version,
        max_response: Duration::from_secs(10),
        group,
        suppress,
        robustness: 3,
        interval: Duration::from_mins(1),
        sources: Addresses::NONE,
    }
}

/// Another router asks.
fn ask(rig: &mut Rig, src: &str, query: &Query<'_>) -> Verdict {
    let mut message = Vec::new();
    match src.parse::<IpAddr>().unwrap() {
        IpAddr::V4(src) => {
            igmp::emit_query(query, &mut message);
            rig.receive(&igmp_packet(src, Ipv4Addr::new(224, 0, 0, 1), 1, &igmp::ROUTER_ALERT, message))
        }
        IpAddr::V6(src) => {
            mld::emit_query(query, &mut message);
            rig.receive(&mld_packet(src, Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1), message))
        }
    }
}

/// The groups of hosts, a line each.
fn groups(rig: &Rig) -> String {
    let line = |group: crate::LinkGroupInfo| {
        let until = group.until.unwrap().since(rig.now).as_secs();
        alloc::format!(
            "{} {:?} {:?} v{} {until} s",
            group.group,
            group.filter.mode(),
            group.filter.sources(),
            group.version
        )
    };
    rig.stack.link_groups().map(line).collect::<Vec<_>>().join("\n")
}

/// Section 8.6, 8.7: at the start a quarter of the interval apart, as many as the robustness variable says.
#[test]
fn general_queries() {
    let mut rig = start(asking(QuerierConfig::default()), &[InterfaceAddress::v4(OUR_V4, 24)]);
    insta::assert_snapshot!(rig.pass(Duration::from_mins(5)), @r"
    +0ms > 192.0.2.2 > 224.0.0.1 igmp3 query general within 10 s robustness 2 interval 125 s
    +31250ms > 192.0.2.2 > 224.0.0.1 igmp3 query general within 10 s robustness 2 interval 125 s
    +156250ms > 192.0.2.2 > 224.0.0.1 igmp3 query general within 10 s robustness 2 interval 125 s
    +281250ms > 192.0.2.2 > 224.0.0.1 igmp3 query general within 10 s robustness 2 interval 125 s
    ");
    let mut rig = start(asking(QuerierConfig::default()), &[InterfaceAddress::v6(OUR_LINK_LOCAL, 64)]);
    insta::assert_snapshot!(rig.pass(Duration::from_mins(1)), @r"
    +0ms > fe80::2 > ff02::1 icmp6 mld2 query general within 10 s robustness 2 interval 125 s
    +31250ms > fe80::2 > ff02::1 icmp6 mld2 query general within 10 s robustness 2 interval 125 s
    ");
    assert_eq!(rig.counter("querier.sent"), 2);
}

/// Section 4: TTL 1, precedence, Router Alert; MLD likewise (RFC 3810 section 5).
#[test]
fn a_query_s_headers() {
    let addresses = [InterfaceAddress::v4(OUR_V4, 24), InterfaceAddress::v6(OUR_LINK_LOCAL, 64)];
    let mut rig = start(asking(QuerierConfig::default()), &addresses);
    let frames = rig.frames();
    assert_eq!(stations(&frames[0]), (EthernetAddress([1, 0, 0x5e, 0, 0, 1]), OUR_MAC));
    let ip = &frames[0][14..];
    assert_eq!((ip[0], ip[1], ip[8], &ip[20..24]), (0x46, 0xc0, 1, &[148, 4, 0, 0][..]));
    assert_eq!(stations(&frames[1]), (EthernetAddress([0x33, 0x33, 0, 0, 0, 1]), OUR_MAC));
    let ip = &frames[1][14..];
    assert_eq!((ip[6], ip[7], &ip[40..48]), (0, 1, &[58, 0, 5, 2, 0, 0, 1, 0][..]));
}

#[test]
fn by_option() {
    let mut config = Config { checks: true, ..Config::default() };
    for (name, value) in [
        ("querier.enabled", "true"),
        ("querier.robustness", "3"),
        ("querier.query_interval_ms", "20000"),
        ("querier.response_interval_ms", "30000"),
        ("querier.startup_query_interval_ms", "1000"),
        ("querier.startup_query_count", "1"),
    ] {
        crate::options::set(&mut config, name, value).unwrap();
    }
    let mut rig = start(config, &[InterfaceAddress::v4(OUR_V4, 24)]);
    // Section 8.3: the response interval is less than the query interval.
    insta::assert_snapshot!(rig.pass(Duration::from_secs(25)), @r"
    +0ms > 192.0.2.2 > 224.0.0.1 igmp3 query general within 19.200 s robustness 3 interval 20 s
    +20000ms > 192.0.2.2 > 224.0.0.1 igmp3 query general within 19.200 s robustness 3 interval 20 s
    ");
}

/// Hosts ask nothing, and hear no reports.
#[test]
fn off_by_default() {
    let mut rig = start(Config::default(), &[InterfaceAddress::v4(OUR_V4, 24)]);
    assert_eq!(rig.pass(Duration::from_mins(10)), "");
    assert_eq!(rig.stack.querier(rig.interface, false), None);
    let verdict = report(&mut rig, record(RecordKind::ToExclude, GROUP, &[]));
    assert_eq!(verdict, Verdict::Dropped(DropReason::EthernetNotOurs));
    let (now, id) = (rig.now, rig.interface);
    rig.stack.set_querier(now, id, true).unwrap();
    assert!(rig.stack.querier(id, false).unwrap().querying);
    assert_eq!(report(&mut rig, record(RecordKind::ToExclude, GROUP, &[])), Verdict::Accepted);
    rig.stack.set_querier(now, id, false).unwrap();
    assert_eq!((rig.stack.querier(id, false), rig.stack.link_groups().count()), (None, 0));
    let loopback = rig.stack.add_interface(now, InterfaceConfig::loopback()).unwrap();
    assert!(rig.stack.set_querier(now, loopback, true).is_err());
}

/// Section 6.2.2: after the Group Membership Interval without a report nobody listens.
#[rstest]
#[case::igmp(igmp_router(), GROUP.into(), 3)]
#[case::mld(mld_router(), GROUP_V6.into(), 2)]
fn a_member(#[case] mut rig: Rig, #[case] group: IpAddr, #[case] version: u8) {
    assert_eq!(report(&mut rig, record(RecordKind::ToExclude, group, &[])), Verdict::Accepted);
    assert_eq!(groups(&rig), alloc::format!("{group} Exclude [] v{version} 260 s"));
    rig.pass(Duration::from_secs(200));
    assert_eq!(report(&mut rig, record(RecordKind::IsExclude, group, &[])), Verdict::Accepted);
    let told = rig.now;
    rig.pass(Duration::from_secs(250));
    let due = rig.stack.poll_timeout().unwrap();
    assert_eq!((due.at.since(told), due.cause), (Duration::from_secs(260), Cause::Querier));
    rig.run_to(due.at);
    assert_eq!(groups(&rig), "");
}

/// Sections 6.4.2, 6.6.3.1: twice within two seconds, then nobody listens any more.
#[test]
fn a_leave() {
    let mut rig = igmp_router();
    let _ = report(&mut rig, record(RecordKind::ToExclude, GROUP, &[]));
    let _ = report(&mut rig, record(RecordKind::ToInclude, GROUP, &[]));
    // Two who leave at once are asked about once.
    let _ = report(&mut rig, record(RecordKind::ToInclude, GROUP, &[]));
    insta::assert_snapshot!(rig.pass(Duration::from_millis(1_999)), @r"
    +0ms > 192.0.2.2 > 233.252.0.1 igmp3 query 233.252.0.1 within 1 s robustness 2 interval 125 s
    +1000ms > 192.0.2.2 > 233.252.0.1 igmp3 query 233.252.0.1 within 1 s robustness 2 interval 125 s
    ");
    assert_eq!(rig.stack.link_groups().count(), 1);
    rig.pass(Duration::from_millis(1));
    assert_eq!(rig.stack.link_groups().count(), 0);
}

/// Another member answers: routers that hear the repetition are told to leave their timers (section 6.6.3.1).
#[test]
fn a_leave_of_one_of_many() {
    let mut rig = mld_router();
    let _ = report(&mut rig, record(RecordKind::ToExclude, GROUP_V6, &[]));
    let _ = report(&mut rig, record(RecordKind::ToInclude, GROUP_V6, &[]));
    let asked = rig.pass(Duration::from_millis(500));
    assert_eq!(report(&mut rig, record(RecordKind::IsExclude, GROUP_V6, &[])), Verdict::Accepted);
    let again = rig.pass(Duration::from_secs(20));
    insta::assert_snapshot!([asked, again].join("\n"), @r"
    +0ms > fe80::2 > ff0e::1234 icmp6 mld2 query ff0e::1234 within 1 s robustness 2 interval 125 s
    +500ms > fe80::2 > ff0e::1234 icmp6 mld2 query ff0e::1234 within 1 s robustness 2 interval 125 s suppress
    ");
    assert_eq!(groups(&rig), "ff0e::1234 Exclude [] v2 240 s");
}

/// Section 6.6.3.2.
#[test]
fn sources_that_nobody_wants_any_more() {
    let mut rig = igmp_router();
    let sources: Vec<IpAddr> = (1..=3).map(|n| IpAddr::from([198, 51, 100, n])).collect();
    let _ = report(&mut rig, record(RecordKind::Allow, GROUP, &sources));
    let _ = report(&mut rig, record(RecordKind::Block, GROUP, &sources[1..]));
    let asked = rig.pass(Duration::from_millis(500));
    let _ = report(&mut rig, record(RecordKind::IsInclude, GROUP, &sources[..2]));
    let again = rig.pass(Duration::from_secs(20));
    insta::assert_snapshot!([asked, again].join("\n"), @r"
    +0ms > 192.0.2.2 > 233.252.0.1 igmp3 query 233.252.0.1 {198.51.100.2,198.51.100.3} within 1 s robustness 2 interval 125 s
    +500ms > 192.0.2.2 > 233.252.0.1 igmp3 query 233.252.0.1 {198.51.100.2} within 1 s robustness 2 interval 125 s suppress
    +500ms > 192.0.2.2 > 233.252.0.1 igmp3 query 233.252.0.1 {198.51.100.3} within 1 s robustness 2 interval 125 s
    ");
    assert_eq!(groups(&rig), "233.252.0.1 Include [198.51.100.1, 198.51.100.2] v3 240 s");
}

/// Sections 6.6.2, 8.5: who has the lower address asks, and sets the times; when he is silent we do again.
#[rstest]
#[case::igmp(igmp_router(), 3, "192.0.2.1", "192.0.2.3")]
#[case::mld(mld_router(), 2, "fe80::1", "fe80::3")]
fn election(#[case] mut rig: Rig, #[case] version: u8, #[case] lower: &str, #[case] higher: &str) {
    let ipv6 = version == 2;
    let info = |rig: &Rig| rig.stack.querier(rig.interface, ipv6).unwrap();
    assert_eq!(ask(&mut rig, higher, &query(version, None, false)), Verdict::Accepted);
    assert!(info(&rig).querying);
    assert_eq!(ask(&mut rig, lower, &query(version, None, false)), Verdict::Accepted);
    // Robustness 3, interval 60 s, and half of our own response interval.
    let until = rig.now + Duration::from_secs(3 * 60 + 5);
    assert_eq!((info(&rig).querying, info(&rig).other), (false, Some((lower.parse().unwrap(), until))));
    // What he says holds for what hosts tell, too: 3 times 60 s, and 10.
    let group = if ipv6 { IpAddr::from(GROUP_V6) } else { IpAddr::from(GROUP) };
    let _ = report(&mut rig, record(RecordKind::ToExclude, group, &[]));
    let _ = report(&mut rig, record(RecordKind::ToInclude, group, &[]));
    assert_eq!(rig.stack.link_groups().next().unwrap().until, Some(rig.now + Duration::from_secs(190)));
    let silent = rig.pass(Duration::from_millis(184_999));
    assert_eq!(silent, "");
    let sent = rig.pass(Duration::from_millis(1));
    assert!(sent.contains("query general") && info(&rig).querying, "{sent}");
    let next = rig.pass(Duration::from_secs(130));
    assert!(next.starts_with("+125000ms") && next.lines().count() == 1, "{next}");
}

/// A switch without an address is no router (RFC 4541 section 2.1.1).
#[test]
fn queries_from_nobody() {
    let mut rig = igmp_router();
    assert_eq!(ask(&mut rig, "0.0.0.0", &query(3, None, false)), Verdict::Accepted);
    assert!(rig.stack.querier(rig.interface, false).unwrap().querying);
}

/// Section 7.3.1: queries in an older version are counted; what we ask in follows our own setting.
#[test]
fn older_queries() {
    let mut rig = igmp_router();
    assert_eq!(ask(&mut rig, "192.0.2.3", &query(2, None, false)), Verdict::Accepted);
    assert_eq!(rig.counter("querier.older_queries"), 1);
}

#[rstest]
#[case::v2(2, "igmp2 query general within 10 s", "+0ms > 192.0.2.2 > 233.252.0.1 igmp2 query 233.252.0.1 within 1 s")]
#[case::v1(1, "igmp1 query general within 10 s", "")]
fn in_an_older_version(#[case] version: u8, #[case] general: &str, #[case] left: &str) {
    let querier = QuerierConfig { igmp_version: version, ..QuerierConfig::default() };
    let mut rig = start(asking(querier), &[InterfaceAddress::v4(OUR_V4, 24)]);
    assert_eq!(rig.sent(), alloc::format!("> 192.0.2.2 > 224.0.0.1 {general}"));
    let mut joined = Vec::new();
    igmp::emit_report(2, GROUP.into(), &mut joined);
    assert_eq!(rig.receive(&igmp_packet(HOST, GROUP, 1, &igmp::ROUTER_ALERT, joined)), Verdict::Accepted);
    assert_eq!(groups(&rig), "233.252.0.1 Exclude [] v2 260 s");
    let mut leaving = Vec::new();
    igmp::emit_leave(GROUP.into(), &mut leaving);
    let _ = rig.receive(&igmp_packet(HOST, igmp::ALL_ROUTERS, 1, &igmp::ROUTER_ALERT, leaving));
    assert_eq!(rig.pass(Duration::from_millis(500)), left);
}

#[test]
fn mld_in_version_1() {
    let querier = QuerierConfig { mld_version: 1, ..QuerierConfig::default() };
    let mut rig = start(asking(querier), &[InterfaceAddress::v6(OUR_LINK_LOCAL, 64)]);
    insta::assert_snapshot!(rig.sent(), @"> fe80::2 > ff02::1 icmp6 mld1 query general within 10 s");
}

/// Section 7.3.2: hosts of older versions report to the group itself, to which the router need not belong.
#[rstest]
#[case::igmpv2(2, &igmp::ROUTER_ALERT)]
#[case::igmpv1(1, &[])]
fn older_members(#[case] version: u8, #[case] options: &[u8]) {
    let mut rig = igmp_router();
    let mut message = Vec::new();
    igmp::emit_report(version, GROUP.into(), &mut message);
    assert_eq!(rig.receive(&igmp_packet(HOST, GROUP, 1, options, message)), Verdict::Accepted);
    assert_eq!(groups(&rig), alloc::format!("233.252.0.1 Exclude [] v{version} 260 s"));
    // The Older Host Present timer ends with the membership; one who speaks IGMPv3 keeps the group.
    rig.pass(Duration::from_secs(200));
    let _ = report(&mut rig, record(RecordKind::IsExclude, GROUP, &[]));
    rig.pass(Duration::from_mins(1));
    assert_eq!(groups(&rig), "233.252.0.1 Exclude [] v3 200 s");
}

#[test]
fn mldv1_members() {
    let mut rig = mld_router();
    let mut message = Vec::new();
    mld::emit_report(GROUP_V6.into(), &mut message);
    assert_eq!(rig.receive(&mld_packet(HOST_V6, GROUP_V6, message)), Verdict::Accepted);
    assert_eq!(groups(&rig), "ff0e::1234 Exclude [] v1 260 s");
    let mut message = Vec::new();
    mld::emit_done(GROUP_V6.into(), &mut message);
    assert_eq!(rig.receive(&mld_packet(HOST_V6, mld::ALL_ROUTERS, message)), Verdict::Accepted);
    // RFC 3810 section 8.3.2: the querier goes on in version 2.
    insta::assert_snapshot!(rig.sent(), @"> fe80::2 > ff0e::1234 icmp6 mld2 query ff0e::1234 within 1 s robustness 2 interval 125 s");
    rig.pass(Duration::from_secs(2));
    assert_eq!(groups(&rig), "");
}

/// Section 9: what cannot come from a host of the link is not believed; from nobody it may (section 4.2.13).
#[rstest]
#[case::far(Ipv4Addr::new(198, 51, 100, 9), 1, &igmp::ROUTER_ALERT, Verdict::Dropped(DropReason::IgmpInvalid))]
#[case::hops(HOST, 2, &igmp::ROUTER_ALERT, Verdict::Dropped(DropReason::IgmpInvalid))]
#[case::unalerted(HOST, 1, &[], Verdict::Dropped(DropReason::IgmpInvalid))]
#[case::nobody(Ipv4Addr::UNSPECIFIED, 1, &igmp::ROUTER_ALERT, Verdict::Accepted)]
fn reports_that_are_not_believed(
    #[case] src: Ipv4Addr,
    #[case] ttl: u8,
    #[case] options: &[u8],
    #[case] expected: Verdict,
) {
    let mut rig = igmp_router();
    let mut message = Vec::new();
    igmp::emit_records(&[record(RecordKind::ToExclude, GROUP, &[])], &mut message);
    assert_eq!(rig.receive(&igmp_packet(src, igmp::V3_ROUTERS, ttl, options, message)), expected);
    assert_eq!(rig.stack.link_groups().count(), usize::from(expected == Verdict::Accepted));
}

/// RFC 3810 section 6.2: from `::` a report is not believed.
#[test]
fn mld_reports_from_nowhere() {
    let mut rig = mld_router();
    let mut message = Vec::new();
    mld::emit_records(&[record(RecordKind::ToExclude, GROUP_V6, &[])], &mut message);
    let frame = mld_packet(Ipv6Addr::UNSPECIFIED, mld::V2_ROUTERS, message);
    assert_eq!(rig.receive(&frame), Verdict::Dropped(DropReason::MldInvalid));
}

/// Other packets to groups that we are not in are none of ours, though their frames are let in.
#[test]
fn other_packets_to_groups() {
    let mut rig = start(
        asking(QuerierConfig::default()),
        &[InterfaceAddress::v4(OUR_V4, 24), InterfaceAddress::v6(OUR_LINK_LOCAL, 64)],
    );
    rig.discard();
    let v4 = udp_packet(socket("192.0.2.9:7"), socket("233.252.0.1:7"), b"hello");
    let v6 = echo_request(HOST_V6.into(), GROUP_V6.into(), 8);
    let v4 = ethernet(EthernetAddress::multicast_v4(GROUP), PEER_MAC, &v4);
    let v6 = ethernet(EthernetAddress::multicast_v6(GROUP_V6), PEER_MAC, &v6);
    assert_eq!(rig.receive(&v4), Verdict::Dropped(DropReason::Ipv4NotOurs));
    assert_eq!(rig.receive(&v6), Verdict::Dropped(DropReason::Ipv6NotOurs));
    assert_eq!(rig.sent(), "");
}

/// Our own sockets answer what we ask: other routers and switches hear it.
#[test]
fn our_own_membership() {
    let mut rig = igmp_router();
    let handle = rig.udp_bind("0.0.0.0:5000");
    let now = rig.now;
    rig.stack.udp(handle).unwrap().join_group(now, None, GROUP.into()).unwrap();
    rig.pass(Duration::from_secs(30));
    let sent = rig.pass(Duration::from_secs(20));
    assert!(sent.contains("igmp3 query general") && sent.contains("igmp3 report is_ex 233.252.0.1 {}"), "{sent}");
}

/// Section 6: a flood of groups fills the table and no more.
#[test]
fn a_flood_of_groups() {
    let limits = Limits { router_groups: 100, ..Limits::default() };
    let mut rig = start(Config { limits, ..asking(QuerierConfig::default()) }, &[InterfaceAddress::v4(OUR_V4, 24)]);
    for n in 0..1000_u16 {
        let [high, low] = n.to_be_bytes();
        let _ = report(&mut rig, record(RecordKind::ToExclude, Ipv4Addr::new(233, 252, high, low), &[]));
    }
    assert_eq!((rig.stack.link_groups().count(), rig.counter("querier.groups_refused")), (100, 900));
    let sources: Vec<IpAddr> = (0..100).map(|n| IpAddr::from([198, 51, 100, n])).collect();
    let _ = report(&mut rig, record(RecordKind::Allow, Ipv4Addr::new(233, 252, 0, 5), &sources));
    assert_eq!(rig.counter("querier.sources_refused"), 36);
}

/// A link that goes takes its hosts along; when it comes, we begin anew. The same for the address.
#[test]
fn links_and_addresses() {
    let mut rig = igmp_router();
    let (id, start) = (rig.interface, rig.now);
    let _ = report(&mut rig, record(RecordKind::ToExclude, GROUP, &[]));
    rig.stack.set_link(start, id, false).unwrap();
    assert_eq!(rig.stack.link_groups().count(), 0);
    assert_eq!(rig.pass(Duration::from_mins(10)), "");
    rig.stack.set_link(rig.now, id, true).unwrap();
    assert_eq!(rig.pass(Duration::from_mins(1)).matches("query general").count(), 2);
    rig.stack.remove_address(rig.now, id, OUR_V4.into()).unwrap();
    assert_eq!(rig.stack.querier(id, false).unwrap().address, None);
    assert_eq!(rig.pass(Duration::from_mins(10)), "");
}

/// Nothing is kept of a stranger's nonsense.
#[rstest]
#[case::no_group(vec![0x22, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 192, 0, 2, 1])]
#[case::all_hosts(vec![0x22, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 224, 0, 0, 1])]
#[case::unknown_kind(vec![0x22, 0, 0, 0, 0, 0, 0, 1, 9, 0, 0, 0, 233, 252, 0, 1])]
#[case::group_as_source(vec![0x22, 0, 0, 0, 0, 0, 0, 1, 5, 0, 0, 1, 233, 252, 0, 1, 233, 252, 0, 2])]
fn nonsense(#[case] message: Vec<u8>) {
    let mut rig = igmp_router();
    let _ = rig.receive(&igmp_packet(HOST, igmp::V3_ROUTERS, 1, &igmp::ROUTER_ALERT, message));
    assert_eq!(groups(&rig), "");
}
