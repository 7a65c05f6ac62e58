//! What servers tell: options (RFC 2132, 3396, 3397, 3442), to a client that has its address (RFC 2131
//! section 4.4.3), and to one that can do without (RFC 8925).

use core::time::Duration;
use rstest::rstest;

use super::*;
use crate::wire::arp::ArpOperation;
use crate::wire::dhcpv4::Dhcpv4Kind::{Ack, Offer};
use crate::{Dhcpv4Route, Dhcpv4Settings, DropReason, Limits};

/// The settings that a client has once it was told `options` beside the usual ones.
fn told(options: Options<'_>) -> (Host, Dhcpv4Settings) {
    let host = Host::bound_with(&[&USUAL[..3], options].concat());
    let settings = host.rig.stack.dhcpv4(host.rig.interface).unwrap().settings.unwrap().clone();
    (host, settings)
}

fn malformed(host: &Host) -> u64 {
    host.rig.counter("dhcpv4.options_malformed")
}

#[test]
fn servers_and_domains() {
    let search = b"\x03eng\x05apple\x03com\x00\x09marketing\xc0\x04";
    let (host, settings) = told(&[
        (6, &[192, 0, 2, 3, 198, 51, 100, 1]),
        (42, &[192, 0, 2, 4]),
        (15, b"example.org."),
        (119, search),
        (26, &[5, 120]),
    ]);
    assert_eq!(settings.dns_servers, [Ipv4Addr::new(192, 0, 2, 3), Ipv4Addr::new(198, 51, 100, 1)]);
    assert_eq!(settings.ntp_servers, [Ipv4Addr::new(192, 0, 2, 4)]);
    assert_eq!(settings.domain.as_deref(), Some("example.org"));
    // RFC 3397 section 2, the example.
    assert_eq!(settings.search, ["eng.apple.com", "marketing.apple.com"]);
    assert_eq!(settings.mtu, Some(1400));
    assert_eq!(malformed(&host), 0);
}

/// RFC 3442: with classless routes, routers and classful routes are ignored; a router of 0.0.0.0 means
/// that the destinations are on the link; bits beyond the mask are zeroed.
#[test]
fn classless_routes_come_first() {
    let classless = [0, 192, 0, 2, 2, 24, 198, 51, 100, 0, 0, 0, 0, 25, 203, 0, 113, 255, 192, 0, 2, 3];
    let (host, settings) = told(&[(3, &[192, 0, 2, 1]), (33, &[10, 0, 0, 0, 192, 0, 2, 1]), (121, &classless)]);
    assert_eq!(settings.routes.len(), 3);
    assert_eq!(settings.routers, [SERVER]);
    let expected = ["0.0.0.0/0 via 192.0.2.2", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.128/25 via 192.0.2.3"];
    assert_eq!(host.routes(), expected);
}

#[test]
fn classful_routes_where_there_are_no_others() {
    let classful = [10, 0, 0, 0, 192, 0, 2, 2, 172, 16, 0, 1, 192, 0, 2, 3, 0, 0, 0, 0, 192, 0, 2, 4];
    let (host, _) = told(&[(3, &[192, 0, 2, 1, 192, 0, 2, 9]), (33, &classful)]);
    let expected =
        ["0.0.0.0/0 via 192.0.2.1", "10.0.0.0/8 via 192.0.2.2", "192.0.2.0/24", "172.16.0.1/32 via 192.0.2.3"];
    assert_eq!(host.routes(), expected);
}

/// RFC 2132 section 5.1: no packet is longer than the server says the link takes.
#[test]
fn the_mtu_that_a_server_tells() {
    let (mut host, _) = told(&[(26, &[2, 88])]);
    let udp = host.rig.udp_bind("192.0.2.50:5000");
    let request = arp(ArpOperation::Request, PEER_MAC, SERVER, EthernetAddress::UNSPECIFIED, LEASED, OUR_MAC);
    assert_eq!(host.rig.receive(&request), Verdict::Accepted);
    host.rig.discard();
    host.rig.udp_send(udp, &[0; 1000], "192.0.2.1:7").unwrap();
    let lengths: Vec<usize> = host.rig.frames().iter().map(|frame| frame.len() - 14).collect();
    assert!(lengths.len() == 2 && lengths.iter().all(|len| *len <= 600), "{lengths:?}");
}

/// RFC 3396 and RFC 2131 section 4.1: in pieces, and in `file` and `sname`.
#[test]
fn a_route_in_three_fields() {
    let mut host = Host::started();
    let _ = host.answer(Offer, LEASED, &USUAL);
    host.sent();
    let options = [&USUAL[..3], &[(52, &[3][..]), (121, &[0, 192])]].concat();
    let mut bytes = host.reply(Ack, LEASED, &options);
    bytes[108..113].copy_from_slice(&[121, 2, 0, 2, 255]);
    bytes[44..48].copy_from_slice(&[121, 1, 7, 255]);
    assert_eq!(host.deliver(&bytes), Verdict::Accepted);
    host.settle();
    assert_eq!(host.routes(), ["0.0.0.0/0 via 192.0.2.7", "192.0.2.0/24"]);
}

/// Skipped and counted, and the lease is used.
#[rstest]
#[case::dns_length(6, &[192, 0, 2])]
#[case::dns_empty(6, &[])]
#[case::mtu_length(26, &[5])]
#[case::mtu_too_small(26, &[0, 67])]
#[case::domain_with_spaces(15, b"two words")]
#[case::domain_not_text(15, &[0xff, 0xfe])]
#[case::domain_empty(15, &[])]
#[case::mask_length(1, &[255, 255, 0])]
#[case::classless_width(121, &[33, 1, 2, 3, 4, 192, 0, 2, 1])]
#[case::classless_short(121, &[24, 10, 0, 0, 192, 0, 2])]
#[case::classless_empty(121, &[])]
#[case::classful_length(33, &[10, 0, 0, 0, 192, 0, 2])]
#[case::search_pointer_to_itself(119, &[0xc0, 0])]
#[case::search_pointer_ahead(119, &[0xc0, 4, 1, b'a', 1, b'b', 0])]
#[case::search_pointer_cut(119, &[1, b'a', 0xc0])]
#[case::search_label_cut(119, &[5, b'a', b'b'])]
#[case::search_label_type(119, &[0x80, 1, 0])]
#[case::search_root_alone(119, &[0])]
#[case::t1_length(58, &[1, 2, 3])]
fn malformed_options_are_skipped(#[case] code: u8, #[case] value: &[u8]) {
    let usual: Vec<_> = USUAL.iter().copied().filter(|(other, _)| code != 1 || *other != 1).collect();
    let mut host = Host::started();
    let _ = host.answer(Offer, LEASED, &usual);
    host.sent();
    let before = malformed(&host);
    assert_eq!(host.answer(Ack, LEASED, &[&usual[..], &[(code, value)]].concat()), Verdict::Accepted);
    assert_eq!(malformed(&host), before + 1);
    host.settle();
    assert!(host.routes().contains(&"0.0.0.0/0 via 192.0.2.1".into()));
    assert_eq!(host.rig.stack.dhcpv4(host.rig.interface).unwrap().settings.unwrap().domain, None);
}

/// A name that grows through its own pointers is cut off, and none is longer than DNS allows.
#[test]
fn search_lists_that_go_on_too_long() {
    let mut long = Vec::new();
    for _ in 0..4 {
        long.push(63);
        long.extend([b'a'; 63]);
    }
    long.push(0);
    let (host, settings) = told(&[(119, &long)]);
    assert_eq!((settings.search.len(), malformed(&host)), (0, 2), "in the offer and in the acknowledgment");
}

#[test]
fn servers_that_can_be_no_hosts_are_left_out() {
    let list = [0, 0, 0, 0, 127, 0, 0, 1, 224, 0, 0, 1, 255, 255, 255, 255, 169, 254, 1, 1, 192, 0, 2, 3];
    let (_, settings) = told(&[(6, &list), (3, &list)]);
    assert_eq!(settings.dns_servers, [Ipv4Addr::new(192, 0, 2, 3)]);
    let gateway = Some(Ipv4Addr::new(192, 0, 2, 3));
    assert_eq!(settings.routes, [Dhcpv4Route { prefix: Ipv4Addr::UNSPECIFIED, prefix_len: 0, gateway }]);
}

#[test]
fn lists_are_bounded() {
    let limits = Limits { dhcpv4_entries: 3, ..Limits::default() };
    let mut host = Host::with(Config { checks: true, limits, ..Config::default() });
    host.start(Dhcpv4Config::default());
    let servers: Vec<u8> = (1..=5).flat_map(|last| [192, 0, 2, last]).collect();
    let routes: Vec<u8> = (1..=7).flat_map(|last| [8, last, 192, 0, 2, 1]).collect();
    let options = [&USUAL[..3], &[(6, &servers[..]), (121, &routes)], &[(80, &[])]].concat();
    assert_eq!(host.answer(Ack, LEASED, &options), Verdict::Accepted);
    host.settle();
    let settings = host.rig.stack.dhcpv4(host.rig.interface).unwrap().settings.unwrap();
    assert_eq!((settings.dns_servers.len(), settings.routes.len()), (3, 3));
    assert_eq!(host.rig.counter("dhcpv4.entries_refused"), 2 + 4);
}

#[test]
fn routes_that_the_table_has_no_room_for_are_counted() {
    let limits = Limits { routes: 3, ..Limits::default() };
    let mut host = Host::with(Config { checks: true, limits, ..Config::default() });
    host.start(Dhcpv4Config::default());
    let routes: Vec<u8> = (1..=7).flat_map(|last| [8, last, 192, 0, 2, 1]).collect();
    let options = [&USUAL[..3], &[(121, &routes[..]), (80, &[])]].concat();
    assert_eq!(host.answer(Ack, LEASED, &options), Verdict::Accepted);
    host.settle();
    assert_eq!((host.routes().len(), host.rig.counter("dhcpv4.entries_refused")), (3, 5));
}

/// RFC 2131 section 4.4.3 and table 5: our address in ciaddr, no lease asked for.
#[test]
fn settings_for_an_address_set_by_hand() {
    let mut host = Host { rig: Rig::new(), last: None };
    host.rig.stack.dhcpv4_inform(host.rig.now, host.rig.interface, Dhcpv4Config::default()).unwrap();
    let line = host.rig.clone().sent();
    assert!(line.contains("> 192.0.2.2:68 > 255.255.255.255:67 dhcp inform xid "), "{line}");
    assert!(
        line.ends_with(
            " ciaddr 192.0.2.2 <client ff0000000200030001020000000002, max 1500, wants 1 121 3 33 6 15 119 26 42>"
        ),
        "{line}"
    );
    host.sent();
    let bytes = host.reply(Ack, Ipv4Addr::UNSPECIFIED, &[(54, &[192, 0, 2, 1]), (6, &[192, 0, 2, 3])]);
    assert_eq!(host.deliver_to(&bytes, OUR_MAC, OUR_V4), Verdict::Accepted);
    let info = host.rig.stack.dhcpv4(host.rig.interface).unwrap();
    assert_eq!(info.state, Dhcpv4State::Informed);
    assert_eq!(info.settings.unwrap().dns_servers, [Ipv4Addr::new(192, 0, 2, 3)]);
    assert!(info.lease.is_none());
    assert_eq!(host.during(Duration::from_hours(1)).len(), 0);
    assert!(host.addresses().contains(&"192.0.2.2/24".to_string()));
}

/// "60 seconds or 4 tries".
#[test]
fn nobody_tells_settings() {
    let mut host = Host { rig: Rig::new(), last: None };
    host.rig.stack.dhcpv4_inform(host.rig.now, host.rig.interface, Dhcpv4Config::default()).unwrap();
    host.sent();
    let sent = host.during(Duration::from_mins(10));
    assert_eq!(sent.len(), 3, "{sent:?}");
    assert_eq!(host.rig.counter("dhcpv4.unanswered"), 1);
    assert_eq!(host.state(), Dhcpv4State::Informing);
}

/// RFC 8925 section 3.2: not before `V6ONLY_WAIT`, at least 300 s, is over.
#[rstest]
#[case(&[0, 0, 0, 0], 300)]
#[case(&[0, 0, 7, 8], 1800)]
fn a_network_that_prefers_ipv6_alone(#[case] value: &[u8], #[case] seconds: u32) {
    let mut host = Host::started_with(Dhcpv4Config { ipv6_only_capable: true, ..Dhcpv4Config::default() });
    assert_eq!(host.answer(Offer, LEASED, &[&USUAL[..], &[(108, value)]].concat()), Verdict::Accepted);
    assert_eq!(host.state(), Dhcpv4State::Init);
    let sent = host.during(Duration::from_secs(seconds.into()));
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert!((sent[0].0 - f64::from(seconds)).abs() < 1e-9);
    assert_eq!(sent[0].1.line, "0.0.0.0:68 > 255.255.255.255:67 dhcp discover <rapid-commit>");
    assert_eq!(host.rig.counter("dhcpv4.ipv6_only"), 1);
}

#[rstest]
#[case::not_asked_for(false, &[0, 0, 7, 8])]
#[case::malformed(true, &[7, 8])]
fn ipv6_preferred_is_ignored(#[case] capable: bool, #[case] value: &[u8]) {
    let mut host = Host::started_with(Dhcpv4Config { ipv6_only_capable: capable, ..Dhcpv4Config::default() });
    assert_eq!(host.answer(Offer, LEASED, &[&USUAL[..], &[(108, value)]].concat()), Verdict::Accepted);
    assert_eq!(host.state(), Dhcpv4State::Requesting);
}

/// A mask is needed, but where a server forgets it, the address's class has to do.
#[rstest]
#[case(Ipv4Addr::new(10, 1, 2, 3), "10.1.2.3/8")]
#[case(Ipv4Addr::new(172, 16, 2, 3), "172.16.2.3/16")]
#[case(Ipv4Addr::new(192, 0, 2, 50), "192.0.2.50/24")]
fn without_a_mask(#[case] address: Ipv4Addr, #[case] own: &str) {
    let mut host = Host::started();
    let options: [(u8, &[u8]); 3] = [(54, &[192, 0, 2, 1]), (51, &[0, 0, 14, 16]), (80, &[])];
    assert_eq!(host.answer(Ack, address, &options), Verdict::Accepted);
    host.rig.pass(Duration::from_secs(1));
    assert_eq!(host.addresses(), [own]);
}

/// A plain BOOTP reply is none of ours.
#[test]
fn a_reply_without_a_kind() {
    let mut host = Host::started();
    let mut bytes = host.reply(Offer, LEASED, &USUAL);
    bytes[240] = 0;
    bytes[241] = 0;
    bytes[242] = 0;
    assert_eq!(host.deliver(&bytes), Verdict::Dropped(DropReason::Dhcpv4Unexpected));
}
