//! Router solicitations, advertisements with their options, redirects: written by hand from the
//! drawings of RFC 4861 section 4, RFC 4191 section 2 and RFC 8106 section 5.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::Ipv6Addr;

use rstest::rstest;

use super::notation::{icmp6_of, short};
use crate::error::DropReason;
use crate::wire::domain_name::{BadDomainName, DomainName, DomainNames};
use crate::wire::ethernet::EthernetAddress;
use crate::wire::ndp_options::{self, PrefixInformation, RouteInformation, RouterOption};
use crate::wire::ndp_router::{
    Redirect, RouterAdvertisement, RouterAdvertisementHeader, RouterPreference, RouterSolicitation,
};

const STATION: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 1]);

fn ip(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

const SOURCE: [u8; 8] = [1, 1, 2, 0, 0, 0, 0, 1];
const MTU: [u8; 8] = [5, 1, 0, 0, 0, 0, 0x05, 0xdc];
/// `2001:db8:1::/64`, L and A, valid a day, preferred four hours.
const PREFIX: [u8; 32] = [
    3, 4, 64, 0xc0, 0, 1, 0x51, 0x80, 0, 0, 0x38, 0x40, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0,
];
/// `2001:db8:2::/48`, high, for 600 s: 16 bytes are enough for it.
const ROUTE: [u8; 16] = [24, 2, 48, 0x08, 0, 0, 2, 0x58, 0x20, 1, 0xd, 0xb8, 0, 2, 0, 0];
/// `2001:db8::53` and `fe80::53`, for ever.
const SERVERS: [u8; 40] = [
    25, 5, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x53, 0xfe, 0x80, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x53,
];
/// `example.net` and `a.b`, for 600 s, padded to three units.
const SEARCH: [u8; 32] = *b"\x1f\x04\0\0\0\0\x02\x58\x07example\x03net\0\x01a\x01b\0\0\0\0\0\0\0";

/// Hop limit 64, M, high, lifetime 1,800 s, reachable time 30 s, retrans timer 1 s; then every option.
fn advertisement() -> Vec<u8> {
    let mut bytes = Vec::from([134, 0, 0, 0, 64, 0x88, 0x07, 0x08, 0, 0, 0x75, 0x30, 0, 0, 0x03, 0xe8]);
    for option in [&SOURCE[..], &MTU, &PREFIX, &ROUTE, &SERVERS, &SEARCH, &[200, 1, 1, 2, 3, 4, 5, 6]] {
        bytes.extend_from_slice(option);
    }
    bytes
}

fn with_option(option: &[u8]) -> Vec<u8> {
    let mut bytes = advertisement();
    bytes.truncate(16);
    bytes.extend_from_slice(option);
    bytes
}

#[test]
fn advertisement_fields_and_options() {
    let bytes = advertisement();
    let parsed = RouterAdvertisement::parse(&bytes).unwrap();
    let header = RouterAdvertisementHeader {
        hop_limit: 64,
        managed: true,
        other: false,
        preference: RouterPreference::High,
        router_lifetime: 1800,
        reachable_time: 30_000,
        retrans_timer: 1000,
    };
    assert_eq!(parsed.header(), header);
    let options: Vec<_> = parsed.options().collect();
    assert_eq!(options[0], RouterOption::SourceLinkLayer(STATION));
    assert_eq!(options[1], RouterOption::Mtu(1500));
    let prefix = PrefixInformation {
        prefix: ip("2001:db8:1::"),
        prefix_len: 64,
        on_link: true,
        autonomous: true,
        valid_lifetime: 86_400,
        preferred_lifetime: 14_400,
    };
    assert_eq!(options[2], RouterOption::Prefix(prefix));
    let route = RouteInformation {
        prefix: ip("2001:db8:2::"),
        prefix_len: 48,
        preference: RouterPreference::High,
        lifetime: 600,
    };
    assert_eq!(options[3], RouterOption::Route(route));
    let RouterOption::RecursiveServers(servers) = options[4] else { panic!("{:?}", options[4]) };
    assert_eq!(servers.lifetime, ndp_options::INFINITE);
    assert_eq!(servers.addresses().collect::<Vec<_>>(), [ip("2001:db8::53"), ip("fe80::53")]);
    let RouterOption::SearchList(list) = options[5] else { panic!("{:?}", options[5]) };
    let domains: Vec<_> = list.domains().map(|name| name.unwrap().to_string()).collect();
    assert_eq!((list.lifetime, domains), (600, Vec::from(["example.net".to_string(), "a.b".to_string()])));
    assert!(matches!(options[6], RouterOption::Unknown(option) if option.kind == 200 && option.data.len() == 6));
    assert_eq!(options.len(), 7);
}

#[test]
fn what_is_emitted_reads_the_same() {
    let bytes = advertisement();
    let parsed = RouterAdvertisement::parse(&bytes).unwrap();
    let mut out = Vec::new();
    parsed.header().emit(&mut out);
    for option in parsed.options() {
        option.emit(&mut out);
    }
    let again = RouterAdvertisement::parse(&out).unwrap();
    assert_eq!(again.header(), parsed.header());
    assert!(again.options().eq(parsed.options()));

    let mut options = Vec::new();
    ndp_options::emit_recursive_servers(u32::MAX, &[ip("2001:db8::53"), ip("fe80::53")], &mut options);
    assert_eq!(options, SERVERS);
    options.clear();
    let domains = ["example.net", "a.b"].map(|name| name.parse().unwrap());
    ndp_options::emit_search_list(600, &domains, &mut options);
    assert_eq!(options, SEARCH);
}

#[test]
fn every_truncation_of_an_advertisement() {
    let bytes = advertisement();
    let borders = [16, 24, 32, 64, 80, 120, 152, 160];
    for len in 0..=bytes.len() {
        let expected = match len {
            0..16 => Some(DropReason::NdpInvalid),
            _ if borders.contains(&len) => None,
            _ => Some(DropReason::NdpOption),
        };
        assert_eq!(RouterAdvertisement::parse(&bytes[..len]).err(), expected, "{len} bytes");
    }
}

#[rstest]
#[case::another_type(0, 133, DropReason::NdpInvalid)]
#[case::code(1, 1, DropReason::NdpInvalid)]
#[case::option_of_length_zero(17, 0, DropReason::NdpOption)]
#[case::option_beyond_the_message(153, 2, DropReason::NdpOption)]
fn lies_of_an_advertisement(#[case] at: usize, #[case] value: u8, #[case] reason: DropReason) {
    let mut bytes = advertisement();
    bytes[at] = value;
    assert_eq!(RouterAdvertisement::parse(&bytes).err(), Some(reason));
}

/// Of a known type, but with a length or content that it cannot have: passed over.
#[rstest]
#[case::source_of_two_units(&[1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])]
#[case::prefix_of_three_units(&[&[3, 3, 64, 0xc0][..], &[0; 20]].concat())]
#[case::prefix_of_five_units(&[&[3, 5, 64, 0xc0][..], &[0; 36]].concat())]
#[case::prefix_of_129_bits(&[&[3, 4, 129, 0xc0][..], &[0; 28]].concat())]
#[case::mtu_of_two_units(&[&[5, 2][..], &[0; 14]].concat())]
#[case::route_of_one_bit_in_one_unit(&[24, 1, 1, 0, 0, 0, 2, 0x58])]
#[case::route_of_65_bits_in_two_units(&[&[24, 2, 65, 0][..], &[0; 12]].concat())]
#[case::route_of_129_bits(&[&[24, 3, 129, 0][..], &[0; 20]].concat())]
#[case::route_of_four_units(&[&[24, 4, 64, 0][..], &[0; 28]].concat())]
#[case::route_of_reserved_preference(&[&[24, 2, 48, 0x10][..], &[0; 12]].concat())]
#[case::no_server(&[25, 1, 0, 0, 0, 0, 2, 0x58])]
#[case::half_a_server(&[&[25, 2, 0, 0][..], &[0; 12]].concat())]
#[case::one_server_and_a_half(&[&[25, 4, 0, 0][..], &[0; 28]].concat())]
#[case::no_domain(&[31, 1, 0, 0, 0, 0, 2, 0x58])]
#[case::only_padding(&[&[31, 2, 0, 0][..], &[0; 12]].concat())]
#[case::label_beyond_the_option(b"\x1f\x02\0\0\0\0\0\x05\x09example")]
#[case::name_without_its_end(b"\x1f\x02\0\0\0\0\0\x05\x07example")]
#[case::compressed(b"\x1f\x02\0\0\0\0\0\x05\x01a\xc0\x08\0\0\0\0")]
#[case::line_break(b"\x1f\x02\0\0\0\0\0\x05\x03a\nb\0\0\0\0")]
fn malformed_options(#[case] option: &[u8]) {
    let bytes = with_option(option);
    let parsed = RouterAdvertisement::parse(&bytes).unwrap();
    let options: Vec<_> = parsed.options().collect();
    assert!(matches!(options[..], [RouterOption::Malformed(_)]), "{options:?}");
}

#[rstest]
#[case::default_route_in_one_unit(&[24, 1, 0, 0x18, 0, 0, 2, 0x58], "::", 0)]
#[case::default_route_in_three_units(&[&[24, 3, 0, 0x18, 0, 0, 2, 0x58][..], &[0; 16]].concat(), "::", 0)]
#[case::short_one_in_three_units(
    &[&[24, 3, 16, 0x18, 0, 0, 2, 0x58, 0x20, 1][..], &[0; 14]].concat(), "2001::", 16
)]
fn routes(#[case] option: &[u8], #[case] prefix: &str, #[case] prefix_len: u8) {
    let bytes = with_option(option);
    let expected =
        RouteInformation { prefix: ip(prefix), prefix_len, preference: RouterPreference::Low, lifetime: 600 };
    assert_eq!(RouterAdvertisement::parse(&bytes).unwrap().options().next(), Some(RouterOption::Route(expected)));
}

/// RFC 4191 section 2.2: the reserved value counts as medium.
#[rstest]
#[case(0x00, RouterPreference::Medium)]
#[case(0x08, RouterPreference::High)]
#[case(0x10, RouterPreference::Medium)]
#[case(0x18, RouterPreference::Low)]
fn preferences(#[case] flags: u8, #[case] expected: RouterPreference) {
    let mut bytes = with_option(&[]);
    bytes[5] = flags;
    assert_eq!(RouterAdvertisement::parse(&bytes).unwrap().header().preference, expected);
}

#[test]
fn router_solicitation() {
    let bytes = [&[133, 0, 0, 0, 0, 0, 0, 0][..], &SOURCE].concat();
    let parsed = RouterSolicitation::parse(&bytes).unwrap();
    assert_eq!(parsed, RouterSolicitation { source_link_layer: Some(STATION) });
    let mut out = Vec::new();
    parsed.emit(&mut out);
    assert_eq!((&out, parsed.message_len()), (&bytes, 16));
    for len in 0..bytes.len() {
        let expected = match len {
            0..8 => Some(DropReason::NdpInvalid),
            8 => None,
            _ => Some(DropReason::NdpOption),
        };
        assert_eq!(RouterSolicitation::parse(&bytes[..len]).err(), expected, "{len} bytes");
    }
    for (at, value) in [(0, 134), (1, 1)] {
        let mut bytes = bytes.clone();
        bytes[at] = value;
        assert_eq!(RouterSolicitation::parse(&bytes), Err(DropReason::NdpInvalid));
    }
}

/// To `2001:db8::9` by `fe80::1` at a known station, with a packet of 44 bytes.
fn redirect() -> Vec<u8> {
    let mut bytes = Vec::from([137, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend_from_slice(&ip("fe80::1").octets());
    bytes.extend_from_slice(&ip("2001:db8::9").octets());
    bytes.extend_from_slice(&[2, 1, 2, 0, 0, 0, 0, 1, 4, 7, 0, 0, 0, 0, 0, 0]);
    bytes.extend_from_slice(&super::samples::IPV6);
    bytes.extend_from_slice(&[0; 4]);
    bytes
}

#[test]
fn redirect_fields_and_round_trip() {
    let bytes = redirect();
    let parsed = Redirect::parse(&bytes).unwrap();
    assert_eq!((parsed.target, parsed.destination), (ip("fe80::1"), ip("2001:db8::9")));
    assert_eq!(parsed.target_link_layer, Some(STATION));
    assert_eq!(parsed.redirected[..44], super::samples::IPV6);
    let mut out = Vec::new();
    parsed.emit(&mut out);
    assert_eq!((&out, parsed.message_len()), (&bytes, bytes.len()));
    let unpadded = Redirect { redirected: &super::samples::IPV6, ..parsed };
    out.clear();
    unpadded.emit(&mut out);
    assert_eq!((&out, unpadded.message_len()), (&bytes, bytes.len()));
}

#[test]
fn every_truncation_of_a_redirect() {
    let bytes = redirect();
    for len in 0..bytes.len() {
        let expected = match len {
            0..40 => Some(DropReason::NdpInvalid),
            40 | 48 => None,
            _ => Some(DropReason::NdpOption),
        };
        assert_eq!(Redirect::parse(&bytes[..len]).err(), expected, "{len} bytes");
    }
}

#[rstest]
#[case::another_type(0, 136, DropReason::NdpInvalid)]
#[case::code(1, 1, DropReason::NdpInvalid)]
#[case::multicast_destination(24, 0xff, DropReason::NdpInvalid)]
#[case::target_neither_router_nor_destination(8, 0x20, DropReason::NdpInvalid)]
#[case::option_of_length_zero(41, 0, DropReason::NdpOption)]
#[case::option_beyond_the_message(49, 8, DropReason::NdpOption)]
fn lies_of_a_redirect(#[case] at: usize, #[case] value: u8, #[case] reason: DropReason) {
    let mut bytes = redirect();
    bytes[at] = value;
    assert_eq!(Redirect::parse(&bytes).err(), Some(reason));
}

#[rstest]
#[case("example.net", true)]
#[case("example.net.", true)]
#[case("_dns.example-1.net", true)]
#[case("", false)]
#[case(".", false)]
#[case("a..b", false)]
#[case("a b", false)]
#[case("a\nb", false)]
fn domain_names(#[case] text: &str, #[case] valid: bool) {
    let parsed: Result<DomainName, _> = text.parse();
    assert_eq!(parsed.is_ok(), valid);
    if let Ok(name) = parsed {
        let mut out = Vec::new();
        name.emit(&mut out);
        assert_eq!(out.len(), name.wire_len());
        assert_eq!(DomainName::parse_wire(&out), Ok((name.clone(), &[][..])));
        for len in 0..out.len() {
            assert_eq!(DomainName::parse_wire(&out[..len]), Err(BadDomainName), "{len} bytes");
        }
    }
}

#[test]
fn a_domain_name_has_at_most_255_bytes_and_a_label_63() {
    let label = |len: usize| "x".repeat(len);
    assert!(label(63).parse::<DomainName>().is_ok());
    assert!(label(64).parse::<DomainName>().is_err());
    let labels: Vec<String> = (0..4).map(|_| label(63)).collect();
    let mut name = labels.join(".");
    assert_eq!(name.len(), 255);
    assert!(name.parse::<DomainName>().is_err());
    name.truncate(253);
    assert!(name.parse::<DomainName>().is_ok());
    assert_eq!(DomainNames::new(&[0; 9]).count(), 0);
}

#[test]
fn in_the_notation() {
    let solicitation = [&[133, 0, 0, 0, 0, 0, 0, 0][..], &SOURCE].concat();
    let mtu_of_two_units = with_option(&[5, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    insta::assert_snapshot!(short(&icmp6_of(advertisement())), @"icmp6 router advertisement lifetime 1800 high managed hop limit 64 reachable 30000 retrans 1000, source 02:00:00:00:00:01, mtu 1500, prefix 2001:db8:1::/64 on-link autonomous valid 86400 preferred 14400, route 2001:db8:2::/48 high lifetime 600, rdnss 2001:db8::53 fe80::53 lifetime infinite, dnssl example.net a.b lifetime 600, option 200 (6)");
    insta::assert_snapshot!(short(&icmp6_of(redirect())), @"icmp6 redirect 2001:db8::9 to fe80::1 at 02:00:00:00:00:01 [udp (4)]");
    insta::assert_snapshot!(short(&icmp6_of(solicitation)), @"icmp6 router solicitation source 02:00:00:00:00:01");
    insta::assert_snapshot!(short(&icmp6_of(mtu_of_two_units)), @"icmp6 router advertisement lifetime 1800 high managed hop limit 64 reachable 30000 retrans 1000, option 5 malformed (14)");
    insta::assert_snapshot!(short(&icmp6_of(with_option(&[5, 0]))), @"icmp6 malformed: ndp.option");
}
