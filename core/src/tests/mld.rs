//! MLD as a host speaks it (RFC 3810 sections 5, 6 and 8; RFC 2710 with an older querier).

use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};
use core::time::Duration;
use rstest::rstest;

use super::rig::*;
use crate::socket::SourceFilter;
use crate::wire::checksum::Sum;
use crate::wire::ethernet::EthernetAddress;
use crate::wire::ipv4::IpProtocol;
use crate::wire::ipv6::Ipv6Header;
use crate::wire::{icmpv6, mld};
use crate::{
    Capabilities, Config, DropReason, Instant, InterfaceAddress, InterfaceConfig, Seed, Stack, UdpHandle, Verdict,
};

const GROUP: Ipv6Addr = Ipv6Addr::new(0xff0e, 0, 0, 0, 0, 0, 0, 0x1234);
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const OUR_NODE: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00, 2);
const OUR_LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);
const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

/// A packet of MLD, behind the hop-by-hop header given.
fn packet(src: Ipv6Addr, dst: Ipv6Addr, hop_limit: u8, hop_by_hop: &[u8], mut message: Vec<u8>) -> Vec<u8> {
    icmpv6::fill_checksum(Sum::pseudo_header_v6(src, dst, IpProtocol::ICMPV6, message.len()), &mut message);
    let next_header = if hop_by_hop.is_empty() { IpProtocol::ICMPV6 } else { IpProtocol::HOP_BY_HOP };
    let payload_len = (hop_by_hop.len() + message.len()) as u16;
    let mut packet = Vec::new();
    Ipv6Header { traffic_class: 0, flow_label: 0, payload_len, next_header, hop_limit, src, dst }.emit(&mut packet);
    packet.extend([hop_by_hop, &message].concat());
    ethernet(EthernetAddress::multicast_v6(dst), PEER_MAC, &packet)
}

/// A query of MLDv2, to be answered within `millis`, below 32,768.
fn query(group: Ipv6Addr, millis: u16, sources: &[Ipv6Addr]) -> Vec<u8> {
    let mut message = older(mld::QUERY, millis, group);
    message.extend([2, 125, 0, sources.len() as u8]);
    message.extend(sources.iter().flat_map(Ipv6Addr::octets));
    message
}

fn older(kind: u8, millis: u16, group: Ipv6Addr) -> Vec<u8> {
    let [high, low] = millis.to_be_bytes();
    [&[kind, 0, 0, 0, high, low, 0, 0][..], &group.octets()].concat()
}

fn ask(rig: &mut Rig, message: Vec<u8>) -> Verdict {
    let about = Ipv6Addr::from(<[u8; 16]>::try_from(&message[8..24]).unwrap());
    let dst = if about.is_unspecified() { ALL_NODES } else { about };
    rig.receive(&packet(ROUTER, dst, 1, &mld::ROUTER_ALERT, message))
}

fn set(rig: &mut Rig, handle: UdpHandle, group: Ipv6Addr, filter: SourceFilter) {
    let now = rig.now;
    rig.stack.udp(handle).unwrap().listen_to_group(now, None, group.into(), filter).unwrap();
}

fn new_rig() -> Rig {
    Rig::telling(Config { checks: true, ..Config::default() }, Capabilities::plain(1500))
}

/// A stack with a link-local address, whose groups have been told.
fn host() -> Rig {
    let mut rig = new_rig();
    rig.stack.add_address(rig.now, rig.interface, InterfaceAddress::v6(OUR_LINK_LOCAL, 64)).unwrap();
    rig.pass(Duration::from_secs(2));
    rig
}

fn member(filter: SourceFilter) -> (Rig, UdpHandle) {
    let mut rig = host();
    let handle = rig.udp_bind("[::]:5000");
    set(&mut rig, handle, GROUP, filter);
    rig.pass(Duration::from_secs(2));
    (rig, handle)
}

/// Joining is `CHANGE_TO_EXCLUDE` with no sources, leaving `CHANGE_TO_INCLUDE` with none (section 5.2.12).
#[test]
fn a_join_and_a_leave_are_told_twice() {
    let mut rig = host();
    let handle = rig.udp_bind("[::]:5000");
    let now = rig.now;
    rig.stack.udp(handle).unwrap().join_group(now, None, GROUP.into()).unwrap();
    let joined = rig.pass(Duration::from_secs(2));
    let now = rig.now;
    rig.stack.udp(handle).unwrap().leave_group(now, None, GROUP.into()).unwrap();
    let left = rig.pass(Duration::from_secs(2));
    for (sent, record) in [(joined, "to_ex ff0e::1234 {}"), (left, "to_in ff0e::1234 {}")] {
        assert_eq!(sent.lines().count(), 2, "{sent}");
        let line = alloc::format!("> fe80::2 > ff02::16 icmp6 mld2 report {record}");
        assert!(sent.lines().all(|sent| sent.ends_with(&line)), "{sent}");
    }
}

/// Section 5: hop limit 1, Router Alert among the hop-by-hop options, to the group of the routers.
#[test]
fn a_report_s_headers() {
    let mut rig = host();
    let handle = rig.udp_bind("[::]:5000");
    set(&mut rig, handle, GROUP, SourceFilter::ALL);
    let frame = rig.frames().remove(0);
    assert_eq!(stations(&frame), (EthernetAddress([0x33, 0x33, 0, 0, 0, 0x16]), OUR_MAC));
    let ip = &frame[14..];
    assert_eq!((ip[6], ip[7]), (0, 1));
    assert_eq!(ip[40..48], [58, 0, 5, 2, 0, 0, 1, 0]);
    assert_eq!((ip[48], ip[54], ip[55], ip[56]), (143, 0, 1, 4));
}

/// RFC 4291 section 2.8: the solicited-node group of each address is joined and reported; all-nodes is
/// joined and never reported (RFC 3810 section 6).
#[test]
fn groups_follow_the_addresses() {
    let mut stack = Stack::new(Config::default(), Seed([7; 32]));
    let config = InterfaceConfig::new(OUR_MAC, Capabilities::plain(1500), [InterfaceAddress::v6(OUR_LINK_LOCAL, 64)]);
    let interface = stack.add_interface(Instant::ZERO, config).unwrap();
    let groups = |stack: &Stack| stack.groups().map(|group| group.group).collect::<Vec<_>>();
    assert_eq!(groups(&stack), [IpAddr::V6(OUR_NODE)]);
    // Shares the solicited-node group.
    stack.add_address(Instant::ZERO, interface, InterfaceAddress::v6(OUR_V6, 64)).unwrap();
    stack.add_address(Instant::ZERO, interface, InterfaceAddress::v6(PEER_V6, 64)).unwrap();
    assert_eq!(groups(&stack).len(), 2);
    stack.remove_address(Instant::ZERO, interface, OUR_LINK_LOCAL.into()).unwrap();
    assert_eq!(groups(&stack).len(), 2, "the other address is in it");
    stack.remove_address(Instant::ZERO, interface, OUR_V6.into()).unwrap();
    stack.remove_address(Instant::ZERO, interface, PEER_V6.into()).unwrap();
    assert!(groups(&stack).is_empty());
}

#[test]
fn an_address_s_groups_are_told() {
    let mut rig = host();
    let another: Ipv6Addr = "2001:db8::1:77".parse().unwrap();
    rig.stack.add_address(rig.now, rig.interface, InterfaceAddress::v6(another, 64)).unwrap();
    insta::assert_snapshot!(rig.sent(), @"> fe80::2 > ff02::16 icmp6 mld2 report to_ex ff02::1:ff01:77 {}");
    rig.pass(Duration::from_secs(1));
    rig.stack.remove_address(rig.now, rig.interface, another.into()).unwrap();
    insta::assert_snapshot!(rig.sent(), @"> fe80::2 > ff02::16 icmp6 mld2 report to_in ff02::1:ff01:77 {}");
}

/// Section 5.2.13: without a link-local address from `::`, which routers ignore; told again once there is one.
#[test]
fn without_a_link_local_address() {
    let mut rig = new_rig();
    let handle = rig.udp_bind("[::]:5000");
    set(&mut rig, handle, GROUP, SourceFilter::ALL);
    insta::assert_snapshot!(rig.sent(), @"> :: > ff02::16 icmp6 mld2 report to_ex ff0e::1234 {}");
    rig.pass(Duration::from_secs(2));
    rig.stack.add_address(rig.now, rig.interface, InterfaceAddress::v6(OUR_LINK_LOCAL, 64)).unwrap();
    insta::assert_snapshot!(rig.sent(), @"> fe80::2 > ff02::16 icmp6 mld2 report to_ex ff02::1:ff00:2 {}, to_ex ff0e::1234 {}");
    assert_eq!(rig.pass(Duration::from_secs(2)).lines().count(), 2, "each group in its own time");
}

#[test]
fn a_general_query_is_answered_in_time() {
    let (mut rig, _) = member(SourceFilter::include(["2001:db8::9".parse().unwrap()]));
    let asked = rig.now;
    assert_eq!(ask(&mut rig, query(Ipv6Addr::UNSPECIFIED, 2_500, &[])), Verdict::Accepted);
    assert_eq!(rig.sent(), "", "not at once");
    let due = rig.stack.poll_timeout().unwrap().at;
    assert!(due > asked && due.since(asked) <= Duration::from_millis(2_500));
    rig.run_to(due);
    insta::assert_snapshot!(rig.sent(), @"> fe80::2 > ff02::16 icmp6 mld2 report is_ex ff02::1:ff00:2 {}, is_in ff0e::1234 {2001:db8::9}");
    assert_eq!(rig.pass(Duration::from_secs(30)), "");
}

#[test]
fn specific_queries() {
    let [a, b, c] = ["2001:db8::a", "2001:db8::b", "2001:db8::c"].map(|address| address.parse::<Ipv6Addr>().unwrap());
    let (mut rig, _) = member(SourceFilter::exclude([a.into(), b.into()]));
    assert_eq!(ask(&mut rig, query(GROUP, 1_000, &[b, c])), Verdict::Accepted);
    assert!(rig.pass(Duration::from_secs(1)).ends_with("mld2 report is_in ff0e::1234 {2001:db8::c}"));
    assert_eq!(ask(&mut rig, query(GROUP, 1_000, &[a])), Verdict::Accepted);
    assert_eq!(rig.pass(Duration::from_secs(1)), "");
    assert_eq!(ask(&mut rig, query(GROUP, 1_000, &[])), Verdict::Accepted);
    assert!(rig.pass(Duration::from_secs(1)).ends_with("mld2 report is_ex ff0e::1234 {2001:db8::a,2001:db8::b}"));
}

/// Section 6.2: link-local source, hop limit 1, Router Alert.
#[rstest]
#[case::right(ROUTER, 1, &mld::ROUTER_ALERT, true)]
#[case::global_source(PEER_V6, 1, &mld::ROUTER_ALERT, false)]
#[case::no_source(Ipv6Addr::UNSPECIFIED, 1, &mld::ROUTER_ALERT, false)]
#[case::from_afar(ROUTER, 255, &mld::ROUTER_ALERT, false)]
#[case::no_options(ROUTER, 1, &[], false)]
#[case::no_router_alert(ROUTER, 1, &[58, 0, 1, 4, 0, 0, 0, 0], false)]
fn which_queries_are_heard(
    #[case] src: Ipv6Addr,
    #[case] hop_limit: u8,
    #[case] hop_by_hop: &[u8],
    #[case] heard: bool,
    #[values(true, false)] newest: bool,
) {
    let mut rig = host();
    let message =
        if newest { query(Ipv6Addr::UNSPECIFIED, 1_000, &[]) } else { older(130, 1_000, Ipv6Addr::UNSPECIFIED) };
    let verdict = rig.receive(&packet(src, ALL_NODES, hop_limit, hop_by_hop, message));
    assert_eq!(verdict, if heard { Verdict::Accepted } else { Verdict::Dropped(DropReason::MldInvalid) });
    assert_eq!(rig.pass(Duration::from_secs(2)).is_empty(), !heard);
}

/// Section 6: neither all-nodes nor what does not leave the node is ever reported.
#[rstest]
#[case::all_nodes("ff02::1", false)]
#[case::of_the_interface("ff01::fb", false)]
#[case::reserved("ff00::1", false)]
#[case::of_the_link("ff02::fb", true)]
#[case::of_the_site("ff05::2", true)]
fn which_groups_are_reported(#[case] group: Ipv6Addr, #[case] reported: bool) {
    let mut rig = host();
    let handle = rig.udp_bind("[::]:5353");
    set(&mut rig, handle, group, SourceFilter::ALL);
    assert_eq!(rig.pass(Duration::from_secs(2)).lines().count(), if reported { 2 } else { 0 });
    let _ = ask(&mut rig, query(Ipv6Addr::UNSPECIFIED, 1_000, &[]));
    let named = alloc::format!("is_ex {group} {{}}");
    assert_eq!(rig.pass(Duration::from_secs(2)).contains(&named), reported);
}

/// Section 8.2.1, RFC 2710: with a querier of MLDv1, reports go to the group, each in its own time;
/// leaving is told to all routers.
#[test]
fn mldv1() {
    let (mut rig, handle) = member(SourceFilter::ALL);
    let _ = ask(&mut rig, older(mld::QUERY, 5_000, Ipv6Addr::UNSPECIFIED));
    assert_eq!(rig.stack.membership_version(rig.interface, true), Some(1));
    let sent = rig.pass(Duration::from_secs(5));
    assert_eq!(sent.lines().count(), 2, "{sent}");
    assert!(sent.contains("> fe80::2 > ff02::1:ff00:2 icmp6 mld1 report ff02::1:ff00:2"), "{sent}");
    assert!(sent.contains("> fe80::2 > ff0e::1234 icmp6 mld1 report ff0e::1234"), "{sent}");
    set(&mut rig, handle, GROUP, SourceFilter::NONE);
    insta::assert_snapshot!(rig.pass(Duration::from_secs(20)), @"+0ms > fe80::2 > ff02::2 icmp6 mld1 leave ff0e::1234");
    set(&mut rig, handle, GROUP, SourceFilter::ALL);
    let sent = rig.pass(Duration::from_secs(20));
    assert_eq!(sent.matches("mld1 report ff0e::1234").count(), 2, "{sent}");
}

/// RFC 2710 section 4: another's report makes ours needless, and our leaving silent.
#[test]
fn another_s_report_is_enough() {
    let (mut rig, handle) = member(SourceFilter::ALL);
    let _ = ask(&mut rig, older(mld::QUERY, 10_000, GROUP));
    let report = packet(ROUTER, GROUP, 1, &mld::ROUTER_ALERT, older(mld::REPORT_V1, 0, GROUP));
    assert_eq!(rig.receive(&report), Verdict::Accepted);
    assert_eq!(rig.pass(Duration::from_secs(11)), "");
    set(&mut rig, handle, GROUP, SourceFilter::NONE);
    assert_eq!(rig.pass(Duration::from_secs(11)), "");
}

#[test]
fn others_reports_are_for_routers() {
    let (mut rig, _) = member(SourceFilter::ALL);
    for message in [older(mld::REPORT_V1, 0, GROUP), older(mld::DONE, 0, GROUP), vec![143, 0, 0, 0, 0, 0, 0, 0]] {
        let frame = packet(ROUTER, GROUP, 1, &mld::ROUTER_ALERT, message);
        assert_eq!(rig.receive(&frame), Verdict::Dropped(DropReason::MldForRouters));
    }
}

/// Section 8.2.1 and 9.12: after robustness times query interval and one response interval MLDv2 is
/// spoken again.
#[test]
fn back_to_mldv2() {
    let (mut rig, handle) = member(SourceFilter::ALL);
    let mut message = query(Ipv6Addr::UNSPECIFIED, 10, &[]);
    (message[24], message[25]) = (3, 60);
    let _ = ask(&mut rig, message);
    rig.pass(Duration::from_secs(1));
    let asked = rig.now;
    let _ = ask(&mut rig, older(mld::QUERY, 5_000, Ipv6Addr::UNSPECIFIED));
    rig.pass(Duration::from_secs(10));
    let until = rig.stack.poll_timeout().unwrap().at;
    assert_eq!(until.since(asked), Duration::from_secs(3 * 60 + 5));
    rig.run_to(until);
    assert_eq!(rig.stack.membership_version(rig.interface, true), Some(2));
    set(&mut rig, handle, GROUP, SourceFilter::NONE);
    assert_eq!(rig.pass(Duration::from_secs(4)).matches("mld2 report to_in ff0e::1234 {}").count(), 3);
}

/// RFC 4862 section 5.4.2: the solicited-node group is joined before the address is verified; RFC 3810
/// section 5.2.13: from `::`, and again from the address once it is ours.
#[test]
fn an_address_that_is_being_verified() {
    let mut rig = new_rig();
    rig.stack = Stack::new(Config::default(), Seed([7; 32]));
    let config = InterfaceConfig::new(OUR_MAC, Capabilities::plain(1500), [InterfaceAddress::v6(OUR_LINK_LOCAL, 64)]);
    rig.interface = rig.stack.add_interface(rig.now, config).unwrap();
    let sent = rig.pass(Duration::from_secs(4));
    let first = |what: &str| sent.lines().position(|line| line.contains(what)).unwrap();
    let nameless = first("> :: > ff02::16 icmp6 mld2 report to_ex ff02::1:ff00:2 {}");
    let probe = first("> :: > ff02::1:ff00:2 icmp6 neighbor solicitation target fe80::2");
    let named = first("> fe80::2 > ff02::16 icmp6 mld2 report to_ex ff02::1:ff00:2 {}");
    assert!(nameless < probe && probe < named, "{sent}");
}
